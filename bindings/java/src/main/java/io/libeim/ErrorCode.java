package io.libeim;

/**
 * Numbers of {@link EimException#code()} (docs/errors.md). Above zero: the vendor's. Below zero: this library's own.
 */
public final class ErrorCode {
  /** An argument, option or address is wrong. */
  public static final int E_INVALID = CoreConstants.EIM_E_INVALID;

  /** Out of memory. */
  public static final int E_NOMEM = CoreConstants.EIM_E_NOMEM;

  /** Somebody else is doing this just now. */
  public static final int E_BUSY = CoreConstants.EIM_E_BUSY;

  /** The handle was shut down. */
  public static final int E_CLOSED = CoreConstants.EIM_E_CLOSED;

  /** Ended by {@link Request#cancel}, close or shutdown. */
  public static final int E_CANCELED = CoreConstants.EIM_E_CANCELED;

  /** No answer in time. */
  public static final int E_TIMEOUT = CoreConstants.EIM_E_TIMEOUT;

  /** Connection failed or was lost. */
  public static final int E_NETWORK = CoreConstants.EIM_E_NETWORK;

  /** Credentials were refused. */
  public static final int E_AUTH = CoreConstants.EIM_E_AUTH;

  /** The server refused or failed. */
  public static final int E_SERVER = CoreConstants.EIM_E_SERVER;

  /** Not possible in the present state (not logged in, already logged in). */
  public static final int E_STATE = CoreConstants.EIM_E_STATE;

  /** Certificate, pin or handshake failure. */
  public static final int E_TLS = CoreConstants.EIM_E_TLS;

  /** The peer sent something that is not the protocol. */
  public static final int E_PROTOCOL = CoreConstants.EIM_E_PROTOCOL;

  /** This build or platform cannot do it. */
  public static final int E_UNSUPPORTED = CoreConstants.EIM_E_UNSUPPORTED;

  /** A bounded queue is full: try again when results have arrived. */
  public static final int E_FULL = CoreConstants.EIM_E_FULL;

  /** The vendor's {@code GENERAL_ERROR}. */
  public static final int GENERAL_ERROR = CoreConstants.EIM_CODE_GENERAL_ERROR;

  /** The vendor's {@code EXCEED_SERVICE_LIMIT}. */
  public static final int EXCEED_SERVICE_LIMIT = CoreConstants.EIM_CODE_EXCEED_SERVICE_LIMIT;

  /** The vendor's {@code APP_ACTIVE_NUMBER_REACH_LIMITATION}. */
  public static final int APP_ACTIVE_NUMBER_REACH_LIMITATION = CoreConstants.EIM_CODE_APP_ACTIVE_NUMBER_REACH_LIMITATION;

  /** The vendor's {@code INVALID_APP_KEY}. */
  public static final int INVALID_APP_KEY = CoreConstants.EIM_CODE_INVALID_APP_KEY;

  /** The vendor's {@code INVALID_USER_NAME}. */
  public static final int INVALID_USER_NAME = CoreConstants.EIM_CODE_INVALID_USER_NAME;

  /** The vendor's {@code INVALID_PASSWORD}. */
  public static final int INVALID_PASSWORD = CoreConstants.EIM_CODE_INVALID_PASSWORD;

  /** The vendor's {@code INVALID_TOKEN}. */
  public static final int INVALID_TOKEN = CoreConstants.EIM_CODE_INVALID_TOKEN;

  /** The vendor's {@code USER_NAME_TOO_LONG}. */
  public static final int USER_NAME_TOO_LONG = CoreConstants.EIM_CODE_USER_NAME_TOO_LONG;

  /** The vendor's {@code TOKEN_EXPIRED}. */
  public static final int TOKEN_EXPIRED = CoreConstants.EIM_CODE_TOKEN_EXPIRED;

  /** The vendor's {@code INVALID_PARAM}. */
  public static final int INVALID_PARAM = CoreConstants.EIM_CODE_INVALID_PARAM;

  /** The vendor's {@code USER_ALREADY_LOGIN}. */
  public static final int USER_ALREADY_LOGIN = CoreConstants.EIM_CODE_USER_ALREADY_LOGIN;

  /** The vendor's {@code USER_NOT_LOGIN}. */
  public static final int USER_NOT_LOGIN = CoreConstants.EIM_CODE_USER_NOT_LOGIN;

  /** The vendor's {@code USER_AUTHENTICATION_FAILED}. */
  public static final int USER_AUTHENTICATION_FAILED = CoreConstants.EIM_CODE_USER_AUTHENTICATION_FAILED;

  /** The vendor's {@code USER_ALREADY_EXIST}. */
  public static final int USER_ALREADY_EXIST = CoreConstants.EIM_CODE_USER_ALREADY_EXIST;

  /** The vendor's {@code USER_NOT_FOUND}. */
  public static final int USER_NOT_FOUND = CoreConstants.EIM_CODE_USER_NOT_FOUND;

  /** The vendor's {@code USER_ILLEGAL_ARGUMENT}. */
  public static final int USER_ILLEGAL_ARGUMENT = CoreConstants.EIM_CODE_USER_ILLEGAL_ARGUMENT;

  /** The vendor's {@code USER_LOGIN_ANOTHER_DEVICE}. */
  public static final int USER_LOGIN_ANOTHER_DEVICE = CoreConstants.EIM_CODE_USER_LOGIN_ANOTHER_DEVICE;

  /** The vendor's {@code USER_REMOVED}. */
  public static final int USER_REMOVED = CoreConstants.EIM_CODE_USER_REMOVED;

  /** The vendor's {@code USER_REG_FAILED}. */
  public static final int USER_REG_FAILED = CoreConstants.EIM_CODE_USER_REG_FAILED;

  /** The vendor's {@code USER_PERMISSION_DENIED}. */
  public static final int USER_PERMISSION_DENIED = CoreConstants.EIM_CODE_USER_PERMISSION_DENIED;

  /** The vendor's {@code USER_BIND_ANOTHER_DEVICE}. */
  public static final int USER_BIND_ANOTHER_DEVICE = CoreConstants.EIM_CODE_USER_BIND_ANOTHER_DEVICE;

  /** The vendor's {@code USER_LOGIN_TOO_MANY_DEVICES}. */
  public static final int USER_LOGIN_TOO_MANY_DEVICES = CoreConstants.EIM_CODE_USER_LOGIN_TOO_MANY_DEVICES;

  /** The vendor's {@code USER_MUTED}. */
  public static final int USER_MUTED = CoreConstants.EIM_CODE_USER_MUTED;

  /** The vendor's {@code USER_KICKED_BY_CHANGE_PASSWORD}. */
  public static final int USER_KICKED_BY_CHANGE_PASSWORD = CoreConstants.EIM_CODE_USER_KICKED_BY_CHANGE_PASSWORD;

  /** The vendor's {@code USER_KICKED_BY_OTHER_DEVICE}. */
  public static final int USER_KICKED_BY_OTHER_DEVICE = CoreConstants.EIM_CODE_USER_KICKED_BY_OTHER_DEVICE;

  /** The vendor's {@code USER_ALREADY_LOGIN_ANOTHER}. */
  public static final int USER_ALREADY_LOGIN_ANOTHER = CoreConstants.EIM_CODE_USER_ALREADY_LOGIN_ANOTHER;

  /** The vendor's {@code USER_MUTED_BY_ADMIN}. */
  public static final int USER_MUTED_BY_ADMIN = CoreConstants.EIM_CODE_USER_MUTED_BY_ADMIN;

  /** The vendor's {@code USER_DEVICE_CHANGED}. */
  public static final int USER_DEVICE_CHANGED = CoreConstants.EIM_CODE_USER_DEVICE_CHANGED;

  /** The vendor's {@code USER_NOT_ON_ROSTER}. */
  public static final int USER_NOT_ON_ROSTER = CoreConstants.EIM_CODE_USER_NOT_ON_ROSTER;

  /** The vendor's {@code SERVER_NOT_REACHABLE}. */
  public static final int SERVER_NOT_REACHABLE = CoreConstants.EIM_CODE_SERVER_NOT_REACHABLE;

  /** The vendor's {@code SERVER_TIMEOUT}. */
  public static final int SERVER_TIMEOUT = CoreConstants.EIM_CODE_SERVER_TIMEOUT;

  /** The vendor's {@code SERVER_BUSY}. */
  public static final int SERVER_BUSY = CoreConstants.EIM_CODE_SERVER_BUSY;

  /** The vendor's {@code SERVER_UNKNOWN_ERROR}. */
  public static final int SERVER_UNKNOWN_ERROR = CoreConstants.EIM_CODE_SERVER_UNKNOWN_ERROR;

  /** The vendor's {@code SERVER_GET_DNSLIST_FAILED}. */
  public static final int SERVER_GET_DNSLIST_FAILED = CoreConstants.EIM_CODE_SERVER_GET_DNSLIST_FAILED;

  /** The vendor's {@code SERVER_SERVICE_RESTRICTED}. */
  public static final int SERVER_SERVICE_RESTRICTED = CoreConstants.EIM_CODE_SERVER_SERVICE_RESTRICTED;

  /** The vendor's {@code FILE_INVALID}. */
  public static final int FILE_INVALID = CoreConstants.EIM_CODE_FILE_INVALID;

  /** The vendor's {@code FILE_UPLOAD_FAILED}. */
  public static final int FILE_UPLOAD_FAILED = CoreConstants.EIM_CODE_FILE_UPLOAD_FAILED;

  /** The vendor's {@code FILE_TOO_LARGE}. */
  public static final int FILE_TOO_LARGE = CoreConstants.EIM_CODE_FILE_TOO_LARGE;

  /** The vendor's {@code MESSAGE_INVALID}. */
  public static final int MESSAGE_INVALID = CoreConstants.EIM_CODE_MESSAGE_INVALID;

  /** The vendor's {@code MESSAGE_INCLUDE_ILLEGAL_CONTENT}. */
  public static final int MESSAGE_INCLUDE_ILLEGAL_CONTENT = CoreConstants.EIM_CODE_MESSAGE_INCLUDE_ILLEGAL_CONTENT;

  /** The vendor's {@code MESSAGE_SEND_TRAFFIC_LIMIT}. */
  public static final int MESSAGE_SEND_TRAFFIC_LIMIT = CoreConstants.EIM_CODE_MESSAGE_SEND_TRAFFIC_LIMIT;

  /** The vendor's {@code MESSAGE_RECALL_TIME_LIMIT}. */
  public static final int MESSAGE_RECALL_TIME_LIMIT = CoreConstants.EIM_CODE_MESSAGE_RECALL_TIME_LIMIT;

  /** The vendor's {@code SERVICE_NOT_ENABLED}. */
  public static final int SERVICE_NOT_ENABLED = CoreConstants.EIM_CODE_SERVICE_NOT_ENABLED;

  /** The vendor's {@code MESSAGE_ILLEGAL_WHITELIST}. */
  public static final int MESSAGE_ILLEGAL_WHITELIST = CoreConstants.EIM_CODE_MESSAGE_ILLEGAL_WHITELIST;

  /** The vendor's {@code MESSAGE_EXTERNAL_LOGIC_BLOCKED}. */
  public static final int MESSAGE_EXTERNAL_LOGIC_BLOCKED = CoreConstants.EIM_CODE_MESSAGE_EXTERNAL_LOGIC_BLOCKED;

  /** The vendor's {@code MESSAGE_CURRENT_LIMITING}. */
  public static final int MESSAGE_CURRENT_LIMITING = CoreConstants.EIM_CODE_MESSAGE_CURRENT_LIMITING;

  /** The vendor's {@code MESSAGE_SIZE_LIMIT}. */
  public static final int MESSAGE_SIZE_LIMIT = CoreConstants.EIM_CODE_MESSAGE_SIZE_LIMIT;

  /** The vendor's {@code MESSAGE_EDIT_FAILED}. */
  public static final int MESSAGE_EDIT_FAILED = CoreConstants.EIM_CODE_MESSAGE_EDIT_FAILED;

  /** The vendor's {@code GROUP_NOT_JOINED}. */
  public static final int GROUP_NOT_JOINED = CoreConstants.EIM_CODE_GROUP_NOT_JOINED;

  /** The vendor's {@code GROUP_PERMISSION_DENIED}. */
  public static final int GROUP_PERMISSION_DENIED = CoreConstants.EIM_CODE_GROUP_PERMISSION_DENIED;

  /** The vendor's {@code GROUP_MEMBERS_FULL}. */
  public static final int GROUP_MEMBERS_FULL = CoreConstants.EIM_CODE_GROUP_MEMBERS_FULL;

  /** The vendor's {@code GROUP_NOT_EXIST}. */
  public static final int GROUP_NOT_EXIST = CoreConstants.EIM_CODE_GROUP_NOT_EXIST;

  /** The vendor's {@code GROUP_DISABLED}. */
  public static final int GROUP_DISABLED = CoreConstants.EIM_CODE_GROUP_DISABLED;

  /** The vendor's {@code GROUP_MEMBER_ATTRIBUTES_UPDATE_FAILED}. */
  public static final int GROUP_MEMBER_ATTRIBUTES_UPDATE_FAILED = CoreConstants.EIM_CODE_GROUP_MEMBER_ATTRIBUTES_UPDATE_FAILED;

  /** The vendor's {@code CHATROOM_NOT_JOINED}. */
  public static final int CHATROOM_NOT_JOINED = CoreConstants.EIM_CODE_CHATROOM_NOT_JOINED;

  /** The vendor's {@code CHATROOM_PERMISSION_DENIED}. */
  public static final int CHATROOM_PERMISSION_DENIED = CoreConstants.EIM_CODE_CHATROOM_PERMISSION_DENIED;

  /** The vendor's {@code CHATROOM_MEMBERS_FULL}. */
  public static final int CHATROOM_MEMBERS_FULL = CoreConstants.EIM_CODE_CHATROOM_MEMBERS_FULL;

  /** The vendor's {@code CHATROOM_NOT_EXIST}. */
  public static final int CHATROOM_NOT_EXIST = CoreConstants.EIM_CODE_CHATROOM_NOT_EXIST;

  /** The vendor's {@code CONTACT_REACH_LIMIT}. */
  public static final int CONTACT_REACH_LIMIT = CoreConstants.EIM_CODE_CONTACT_REACH_LIMIT;

  /** The vendor's {@code PRESENCE_PARAM_LENGTH_EXCEED}. */
  public static final int PRESENCE_PARAM_LENGTH_EXCEED = CoreConstants.EIM_CODE_PRESENCE_PARAM_LENGTH_EXCEED;

  /** The vendor's {@code TRANSLATE_MESSAGE_FAIL}. */
  public static final int TRANSLATE_MESSAGE_FAIL = CoreConstants.EIM_CODE_TRANSLATE_MESSAGE_FAIL;

  /** The vendor's {@code MODERATION_FAILED}. */
  public static final int MODERATION_FAILED = CoreConstants.EIM_CODE_MODERATION_FAILED;

  /** The vendor's {@code REACTION_HAS_BEEN_OPERATED}. */
  public static final int REACTION_HAS_BEEN_OPERATED = CoreConstants.EIM_CODE_REACTION_HAS_BEEN_OPERATED;

  /** The vendor's {@code REACTION_OPERATION_IS_ILLEGAL}. */
  public static final int REACTION_OPERATION_IS_ILLEGAL = CoreConstants.EIM_CODE_REACTION_OPERATION_IS_ILLEGAL;

  /** The vendor's {@code THREAD_NOT_EXIST}. */
  public static final int THREAD_NOT_EXIST = CoreConstants.EIM_CODE_THREAD_NOT_EXIST;

  /** The vendor's {@code THREAD_ALREADY_EXIST}. */
  public static final int THREAD_ALREADY_EXIST = CoreConstants.EIM_CODE_THREAD_ALREADY_EXIST;

  private ErrorCode() {}
}
