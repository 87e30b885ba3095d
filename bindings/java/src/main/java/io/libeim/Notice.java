package io.libeim;

import java.util.Map;

/** Everything rarer than a message: contacts, groups, rooms, presence, other devices … Immutable. */
public final class Notice {
  private final String name;
  private final String json;

  Notice(eim_notice from) {
    this.name = from.name();
    this.json = from.json();
  }

  /**
   * For example {@code contact}, {@code group}, {@code unknown} (docs/notices.md).
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The notice itself, faithful to the wire.
   *
   * @return a JSON object
   */
  public String json() {
    return json;
  }

  /**
   * {@link #json()} as a map.
   *
   * @return it, unmodifiable
   */
  public Map<String, Object> data() {
    return Json.object(json);
  }

  @Override
  public String toString() {
    return name + " " + json;
  }
}
