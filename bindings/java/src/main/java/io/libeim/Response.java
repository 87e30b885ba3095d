package io.libeim;

import java.util.Collections;
import java.util.Map;

/** The answer of a REST call. Immutable. */
public final class Response {
  private final int status;
  private final Object body;

  Response(eim_result from) {
    Map<String, Object> json = Json.object(from.json());
    status = ((Long) json.get("status")).intValue();
    body = json.get("body");
  }

  /**
   * HTTP status, 200 to 299.
   *
   * @return the number
   */
  public int status() {
    return status;
  }

  /**
   * The JSON of the answer: a map, a list, a {@code String}, {@code Long}, {@code Double} or {@code Boolean}; null when
   * it was empty.
   *
   * @return the value, unmodifiable
   */
  public Object body() {
    return body;
  }

  /**
   * The body when it is a JSON object, which it nearly always is.
   *
   * @return it, unmodifiable; empty when it is something else
   */
  public Map<String, Object> map() {
    if (!(body instanceof Map)) {
      return Collections.emptyMap();
    }
    @SuppressWarnings("unchecked") // Json makes no other maps
    Map<String, Object> map = (Map<String, Object>) body;
    return map;
  }

  @Override
  public String toString() {
    return status + " " + body;
  }
}
