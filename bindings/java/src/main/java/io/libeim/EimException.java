package io.libeim;

import java.util.Collections;
import java.util.Map;

/**
 * Something did not work. The message is one sentence for people and never holds a secret; {@link #code()} says exactly
 * what it is (docs/errors.md).
 *
 * @serial exclude
 */
public final class EimException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int code;
  private final String name;
  private final ErrorDomain domain;
  private final int nativeCode;
  private final boolean retriable;
  private final boolean isFinal;
  private final boolean mayHaveHappened;
  private final String detail;
  private final int webCode;

  private EimException(
      String message,
      int code,
      String name,
      ErrorDomain domain,
      int nativeCode,
      boolean retriable,
      boolean isFinal,
      boolean mayHaveHappened,
      String detail,
      int webCode) {
    super(message + " (" + code + " " + name + ")");
    this.code = code;
    this.name = name;
    this.domain = domain;
    this.nativeCode = nativeCode;
    this.retriable = retriable;
    this.isFinal = isFinal;
    this.mayHaveHappened = mayHaveHappened;
    this.detail = detail;
    this.webCode = webCode;
  }

  /** NULL gives null. */
  static EimException of(eim_error error) {
    if (error == null) {
      return null;
    }
    return new EimException(
        error.message(),
        error.code(),
        error.name(),
        ErrorDomain.of(error.domain()),
        error.native_(),
        error.is_retriable(),
        error.is_final(),
        error.may_have_happened(),
        error.detail(),
        error.web_code());
  }

  /** An error that is found on this side. */
  static EimException local(int status, String message) {
    return new EimException(
        message, status, Core.eim_status_name(status), ErrorDomain.LOCAL, status, false, false, false, "{}", -2);
  }

  /**
   * Above zero: the vendor's number. Below zero: an {@code eim_status} of this library. {@link ErrorCode} has names for
   * both.
   *
   * @return the number
   */
  public int code() {
    return code;
  }

  /**
   * Stable name of the code, such as {@code USER_LOGIN_ANOTHER_DEVICE} or {@code EIM_E_TLS}.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Where {@link #nativeCode()} is from.
   *
   * @return the domain
   */
  public ErrorDomain domain() {
    return domain;
  }

  /**
   * The number in that domain: errno, HTTP status, server status.
   *
   * @return the number
   */
  public int nativeCode() {
    return nativeCode;
  }

  /**
   * The same call may succeed later without a change of its arguments.
   *
   * @return whether it may
   */
  public boolean isRetriable() {
    return retriable;
  }

  /**
   * The session is over and will not be restored by itself.
   *
   * @return whether it is over
   */
  public boolean isFinal() {
    return isFinal;
  }

  /**
   * For sends and registration: the server may have done it although no answer came.
   *
   * @return whether it may have
   */
  public boolean mayHaveHappened() {
    return mayHaveHappened;
  }

  /**
   * More facts: HTTP status, the server's words, {@code loginInfoCustomExt} …
   *
   * @return them, unmodifiable; empty if there are none
   */
  public Map<String, Object> detail() {
    return detail.equals("{}") ? Collections.emptyMap() : Json.object(detail);
  }

  /**
   * The number the 4.x web SDK uses for this error; -2 (unknown) where it has none.
   *
   * @return the number
   */
  public int webCode() {
    return webCode;
  }
}
