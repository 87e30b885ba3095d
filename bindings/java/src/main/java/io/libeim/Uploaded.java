package io.libeim;

import java.util.Map;

/** A file that the service has now: what a message with it needs. Immutable. */
public final class Uploaded {
  private final String url;
  private final String secret;
  private final String filename;
  private final long fileLength;

  Uploaded(eim_result from) {
    Map<String, Object> json = Json.object(from.json());
    url = (String) json.get("url");
    secret = (String) json.get("secret");
    filename = (String) json.get("filename");
    fileLength = ((Number) json.get("file_length")).longValue();
  }

  /**
   * Where it is.
   *
   * @return the URL
   */
  public String url() {
    return url;
  }

  /**
   * What the service asks for before it hands the file out.
   *
   * @return the secret
   */
  public String secret() {
    return secret;
  }

  /**
   * Its name, for people.
   *
   * @return the name
   */
  public String filename() {
    return filename;
  }

  /**
   * Its length.
   *
   * @return bytes
   */
  public long fileLength() {
    return fileLength;
  }

  @Override
  public String toString() { // without the secret
    return filename + " at " + url;
  }
}
