package io.libeim;

/**
 * The options of a client (docs/configuration.md), by the names that all languages use.
 *
 * @param <B> the builder that has them
 */
public abstract class ClientOptions<B extends ClientOptions<B>> {
  final eim_config config;

  ClientOptions() {
    long[] out = new long[1];
    Core.eim_config_new(out);
    config = new eim_config(out[0], true);
  }

  abstract B self();

  /**
   * Any option by its name.
   *
   * @param name such as {@code heartBeatWait}
   * @param value as text; null: the default again
   * @return this
   * @throws EimException the name or the value is wrong: the error says what is allowed
   */
  public B option(String name, String value) {
    if (name == null) {
      throw new NullPointerException("name");
    }
    if (name.equals("ioThreads")) {
      throw new IllegalArgumentException("ioThreads belongs to Context, not to a client");
    }
    config.set(name, value);
    return self();
  }

  /**
   * Identity of this device for login on several devices.
   *
   * @param value up to 128 bytes, no / and @
   * @return this
   */
  public B deviceId(String value) {
    return option("deviceId", value);
  }

  /**
   * Keep the made-up device id in {@code stateDir}, so that a restart is not a new device.
   *
   * @param yes whether so
   * @return this
   */
  public B isFixedDeviceId(boolean yes) {
    return option("isFixedDeviceId", Boolean.toString(yes));
  }

  /**
   * Name of this device as other devices of the user see it.
   *
   * @param value up to 128 bytes, no / and @
   * @return this
   */
  public B deviceName(String value) {
    return option("deviceName", value);
  }

  /**
   * Class of device told at login; the server's limits of devices count by it.
   *
   * @param value ios, android, linux, osx, windows, other, or a number 1 to 100
   * @return this
   */
  public B osPlatform(String value) {
    return option("osPlatform", value);
  }

  /**
   * Where to keep what outlives the process (the device id).
   *
   * @param value an existing directory that can be written
   * @return this
   */
  public B stateDir(String value) {
    return option("stateDir", value);
  }

  /**
   * Find the hosts by {@code dnsUrls}.
   *
   * @param yes whether so
   * @return this
   */
  public B isHttpDNS(boolean yes) {
    return option("isHttpDNS", Boolean.toString(yes));
  }

  /**
   * REST address.
   *
   * @param value https:// or http:// URL
   * @return this
   */
  public B apiUrl(String value) {
    return option("apiUrl", value);
  }

  /**
   * Address of the message server, for example wss://im-api-wechat.easemob.com/websocket.
   *
   * @param value wss:// or ws:// URL
   * @return this
   */
  public B url(String value) {
    return option("url", value);
  }

  /**
   * Discovered hosts by TLS only.
   *
   * @param yes whether so
   * @return this
   */
  public B https(boolean yes) {
    return option("https", Boolean.toString(yes));
  }

  /**
   * Where discovery asks, in this order: the bootstrap services of the two vendors by default.
   *
   * @param values http(s):// URLs
   * @return this
   */
  public B dnsUrls(String... values) {
    return option("dnsUrls", String.join(",", values));
  }

  /**
   * Certificates to trust instead of the system's.
   *
   * @param value a readable PEM file
   * @return this
   */
  public B caFile(String value) {
    return option("caFile", value);
  }

  /**
   * Public keys (SHA-256 of the SPKI): the server's certificate must have one of them besides being valid.
   *
   * @param values sha256//base64, …
   * @return this
   */
  public B pinnedKeys(String... values) {
    return option("pinnedKeys", String.join(",", values));
  }

  /**
   * Certificate to show when the server asks for one.
   *
   * @param value a readable PEM file
   * @return this
   */
  public B clientCert(String value) {
    return option("clientCert", value);
  }

  /**
   * Private key of {@code clientCert}.
   *
   * @param value a readable PEM file
   * @return this
   */
  public B clientKey(String value) {
    return option("clientKey", value);
  }

  /**
   * Proxy for REST and messages alike.
   *
   * @param value http://[user:password@]host:port, socks5://[user:password@]host:port, env
   * @return this
   */
  public B proxy(String value) {
    return option("proxy", value);
  }

  /**
   * Restrict connections to one family of addresses, for networks where the other is broken.
   *
   * @param value any, 4, 6
   * @return this
   */
  public B ipVersion(String value) {
    return option("ipVersion", value);
  }

  /**
   * Silence after which a heartbeat is sent.
   *
   * @param ms 1000 to 3600000 ms
   * @return this
   */
  public B heartBeatWait(long ms) {
    return option("heartBeatWait", Long.toString(ms));
  }

  /**
   * How long a heartbeat may go unanswered before the connection counts as lost.
   *
   * @param ms 10 to 3600000 ms
   * @return this
   */
  public B heartbeatTimeout(long ms) {
    return option("heartbeatTimeout", Long.toString(ms));
  }

  /**
   * For one attempt to connect, TLS included, and again for the login verdict.
   *
   * @param ms 10 to 3600000 ms
   * @return this
   */
  public B connectTimeout(long ms) {
    return option("connectTimeout", Long.toString(ms));
  }

  /**
   * For the whole of open(), with all attempts.
   *
   * @param ms 10 to 3600000 ms
   * @return this
   */
  public B loginTimeout(long ms) {
    return option("loginTimeout", Long.toString(ms));
  }

  /**
   * For one REST request, from when there is a connection for it (8 to a host; it waits for one up to four times as long).
   *
   * @param ms 10 to 3600000 ms
   * @return this
   */
  public B requestTimeout(long ms) {
    return option("requestTimeout", Long.toString(ms));
  }

  /**
   * From send() to its answer, waiting for a reconnect included.
   *
   * @param ms 10 to 3600000 ms
   * @return this
   */
  public B sendTimeout(long ms) {
    return option("sendTimeout", Long.toString(ms));
  }

  /**
   * Attempts to restore a lost session before giving up; -1: for ever, 0: none.
   *
   * @param value -1 to 1000000
   * @return this
   */
  public B autoReconnectNumMax(int value) {
    return option("autoReconnectNumMax", Integer.toString(value));
  }

  /**
   * Ceiling of the random delay before the first reconnect; it doubles with each further one.
   *
   * @param ms 1 to 3600000 ms
   * @return this
   */
  public B reconnectBaseMs(long ms) {
    return option("reconnectBaseMs", Long.toString(ms));
  }

  /**
   * The delay grows no further than this.
   *
   * @param ms 1 to 86400000 ms
   * @return this
   */
  public B reconnectMaxMs(long ms) {
    return option("reconnectMaxMs", Long.toString(ms));
  }

  /**
   * Online for this long, a session counts as restored and the attempts start over.
   *
   * @param ms 0 to 86400000 ms
   * @return this
   */
  public B reconnectHoldMs(long ms) {
    return option("reconnectHoldMs", Long.toString(ms));
  }

  /**
   * Part of a token's life after which on_token_will_expire comes.
   *
   * @param value 0 to 1
   * @return this
   */
  public B tokenWarningFraction(double value) {
    return option("tokenWarningFraction", Double.toString(value));
  }

  /**
   * on_token_will_expire comes at least this long before the end, where the token lives longer than that.
   *
   * @param ms 0 to 86400000 ms
   * @return this
   */
  public B tokenWarningLeadMs(long ms) {
    return option("tokenWarningLeadMs", Long.toString(ms));
  }

  /**
   * Send delivery receipts for received single-chat messages.
   *
   * @param yes whether so
   * @return this
   */
  public B delivery(boolean yes) {
    return option("delivery", Boolean.toString(yes));
  }

  /**
   * The application uploads attachments by itself, as in the official SDK: a message with {@code path} instead of {@code url} is refused.
   *
   * @param yes whether so
   * @return this
   */
  public B useOwnUploadFun(boolean yes) {
    return option("useOwnUploadFun", Boolean.toString(yes));
  }

  /**
   * Sends that may wait for their answers; more are refused with EIM_E_FULL.
   *
   * @param value 1 to 1000000
   * @return this
   */
  public B maxPendingSends(int value) {
    return option("maxPendingSends", Integer.toString(value));
  }

  /**
   * Messages handed to the event queue of a client and not dispatched yet (ackMode manual: not done yet); beyond it the server is not asked for more.
   *
   * @param value 1 to 1000000
   * @return this
   */
  public B maxUndelivered(int value) {
    return option("maxUndelivered", Integer.toString(value));
  }

  /**
   * When the server may forget a received message.
   *
   * @param value auto, manual
   * @return this
   */
  public B ackMode(String value) {
    return option("ackMode", value);
  }

  /**
   * A frame of the message server longer than this ends the connection.
   *
   * @param value 1024 to 268435455 bytes
   * @return this
   */
  public B maxFrameBytes(long value) {
    return option("maxFrameBytes", Long.toString(value));
  }

  /**
   * Offer the server to compress the message socket (LZ4).
   *
   * @param yes whether so
   * @return this
   */
  public B compression(boolean yes) {
    return option("compression", Boolean.toString(yes));
  }

  /**
   * Upload the log lines of this client to the vendor, when its host list ({@code dnsUrls}, asked for this alone when {@code isHttpDNS} is off) wants that too.
   *
   * @param yes whether so
   * @return this
   */
  public B enableReportLogs(boolean yes) {
    return option("enableReportLogs", Boolean.toString(yes));
  }

  /**
   * Lowest level that is uploaded, whatever the level of the other sinks.
   *
   * @param value TRACE, DEBUG, INFO, WARN, ERROR, or 0 to 4
   * @return this
   */
  public B reportLogLevel(String value) {
    return option("reportLogLevel", value);
  }

  /**
   * Lines of one client that wait for being uploaded; beyond it the oldest are lost, and the upload says how many.
   *
   * @param value 65536 to 1073741824 bytes
   * @return this
   */
  public B reportMaxBytes(long value) {
    return option("reportMaxBytes", Long.toString(value));
  }
}
