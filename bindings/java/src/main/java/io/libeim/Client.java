package io.libeim;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * One user: log in, stay logged in, talk. Every method may be called on any thread, in handlers too.
 *
 * <pre>{@code
 * try (Client client = Client.builder("org#app").build()) {
 *   client.addEventHandler("app", new EventHandler() {
 *     public void onMessage(Message message) {
 *       client.send(message.reply("I heard you").build());
 *     }
 *   });
 *   client.open("alice", "secret").await();
 *   client.send(Message.text("bob", "hi").build()).await();
 * }
 * }</pre>
 *
 * <p>Each request comes in two forms: one returns a {@link Request}, a {@code CompletableFuture}; the other takes a
 * {@link ResultCallback}. Both end exactly once, after {@link #close()} too.
 *
 * <p>A client with a session is kept by its {@link Context}, so the application need not hold it; one without is given up
 * when no code can reach it. {@link #close()} is better in both cases.
 */
public final class Client implements AutoCloseable {
  private interface Call {
    void start(long token);
  }

  private static final ClientSink.Converter<Void> NOTHING = result -> null;
  private static final ClientSink.Converter<SendResult> SENT = SendResult::new;
  private static final ClientSink.Converter<Map<String, Object>> OBJECT = result -> Json.object(result.json());
  private static final ClientSink.Converter<Response> RESPONSE = Response::new;
  private static final ClientSink.Converter<Uploaded> UPLOADED = Uploaded::new;
  private static final ClientSink.Converter<Long> LENGTH =
      result -> ((Number) Json.object(result.json()).get("file_length")).longValue();

  private static final ClientSink.Converter<byte[]> BYTES = eim_result::bytes;
  private static final ClientSink.Converter<List<Message>> MESSAGES =
      result -> {
        List<Message> all = new ArrayList<>();
        for (int i = 0; i < result.message_count(); i++) {
          all.add(Message.of(eim_message.getCPtr(result.message(i))));
        }
        return Collections.unmodifiableList(all);
      };

  final Context context;
  private final eim_client core;
  private final ClientSink sink;
  private final Deliveries deliveries; // null: handlers run on the thread that delivers
  private final boolean doneByUs;
  private final Map<String, EventHandler> handlers = new LinkedHashMap<>(); // guarded by itself
  private volatile EventHandler[] snapshot = new EventHandler[0];
  private final Lease lease;
  private volatile TokenProvider provider;
  private boolean providing; // guarded by this
  private int opening; // guarded by this: logins under way
  private volatile String user = "";
  private volatile String resource = "";

  /** What a client has of its context; given back once, by close() or when the client is garbage. */
  private static final class Lease {
    private final Context context;
    private final boolean shared;
    private final ClientSink sink;
    private boolean over;

    Lease(Context context, boolean shared, ClientSink sink) {
      this.context = context;
      this.shared = shared;
      this.sink = sink;
    }

    void end() {
      synchronized (this) {
        if (over) {
          return;
        }
        over = true;
      }
      context.remove(sink);
      if (shared) {
        Context.unshare(context);
      }
    }
  }

  private Client(Builder builder) {
    boolean shared = builder.context == null;
    context = shared ? Context.share() : builder.context;
    deliveries = builder.executor == null ? null : new Deliveries(builder.executor);
    try {
      long[] out = new long[1];
      eim_config config = builder.config;
      // By an executor, handlers return after C's callback has: then it is we who know when a message is done.
      doneByUs = deliveries != null && "auto".equals(config.get("ackMode"));
      if (doneByUs) {
        config.copy(out);
        config = new eim_config(out[0], true);
        config.set("ackMode", "manual");
      }
      Core.eim_client_new(context.core, config, out);
      core = new eim_client(out[0], true);
      sink = new ClientSink(this, deliveries);
      core.add_event_handler("io.libeim", sink);
    } catch (Throwable error) {
      if (shared) {
        Context.unshare(context);
      }
      throw error;
    }
    lease = new Lease(context, shared, sink);
    context.add(sink);
    Lease ours = lease; // not this: NativeRefs must not know the client
    NativeRefs.watch(this, 0, pointer -> ours.end());
  }

  /**
   * Options of a client.
   *
   * @param appKey the application, {@code org#app}
   * @return a builder
   */
  public static Builder builder(String appKey) {
    return new Builder().option("appKey", appKey);
  }

  // ---- handlers

  /**
   * Add a handler, or for a known id replace it. Before open is the normal time.
   *
   * @param id its name, for {@link #removeEventHandler}
   * @param handler the handler
   * @return this
   */
  public Client addEventHandler(String id, EventHandler handler) {
    if (id == null || handler == null) {
      throw new NullPointerException(id == null ? "id" : "handler");
    }
    synchronized (handlers) {
      handlers.put(id, handler);
      snapshot = handlers.values().toArray(new EventHandler[0]);
    }
    return this;
  }

  /**
   * Remove a handler. When this is called outside a handler, one may still be running.
   *
   * @param id its name
   * @return false: there was none
   */
  public boolean removeEventHandler(String id) {
    synchronized (handlers) {
      boolean there = handlers.remove(id) != null;
      snapshot = handlers.values().toArray(new EventHandler[0]);
      return there;
    }
  }

  /**
   * Who gets access tokens from now on; {@link #openWithToken(String, TokenProvider)} sets it too.
   *
   * @param provider the provider; null: nobody, {@link #renewToken} in time is all there is
   */
  public void setTokenProvider(TokenProvider provider) {
    synchronized (this) {
      this.provider = provider;
      if (provider != null && !providing) {
        core.add_event_handler("io.libeim.token", new TokenSink(this));
        providing = true;
      } else if (provider == null && providing) {
        core.remove_event_handler("io.libeim.token");
        providing = false;
      }
    }
  }

  // ---- facts

  /**
   * State just now; {@link EventHandler#onState} tells it in order.
   *
   * @return the state
   */
  public State state() {
    return State.of(core.state());
  }

  /**
   * User of the session.
   *
   * @return the user id, {@code ""} before the first login
   */
  public String user() {
    return user;
  }

  /**
   * Device resource the server assigned.
   *
   * @return the resource, {@code ""} before the first login
   */
  public String resource() {
    return resource;
  }

  @Override
  public String toString() {
    return "Client " + (user.isEmpty() ? "" : user + " ") + state();
  }

  // ---- the session

  /**
   * Create a user. Works only for apps in open registration; needs no login.
   *
   * @param username user id
   * @param password password
   * @param nickname name shown in notifications, or null
   * @return the request
   */
  public Request<Void> registerUser(String username, String password, String nickname) {
    return future(NOTHING, token -> core.register_user(username, password, nickname, token));
  }

  /**
   * As {@link #registerUser(String, String, String)}.
   *
   * @param username user id
   * @param password password
   * @param nickname name shown in notifications, or null
   * @param callback told the end
   */
  public void registerUser(String username, String password, String nickname, ResultCallback<Void> callback) {
    call(NOTHING, callback, token -> core.register_user(username, password, nickname, token));
  }

  /**
   * Log in with a password. The request ends once the session is online, the server refused, or {@code loginTimeout} is
   * over. What a refusal means, and which are final: docs/session.md.
   *
   * @param user user id
   * @param password password; it is traded for a token and forgotten
   * @return the request
   */
  public Request<Void> open(String user, String password) {
    Request<Void> request = new Request<>(this);
    begin(NOTHING, held(complete(request)), request::token, token -> core.open_password(user, password, token));
    return request;
  }

  /**
   * As {@link #open(String, String)}.
   *
   * @param user user id
   * @param password password
   * @param callback told the end
   */
  public void open(String user, String password, ResultCallback<Void> callback) {
    begin(NOTHING, held(elsewhere(callback)), null, token -> core.open_password(user, password, token));
  }

  /**
   * Log in with an access token.
   *
   * @param user user id
   * @param accessToken the token
   * @return the request
   */
  public Request<Void> openWithToken(String user, String accessToken) {
    Request<Void> request = new Request<>(this);
    begin(NOTHING, held(complete(request)), request::token, token -> core.open_token(user, accessToken, token));
    return request;
  }

  /**
   * As {@link #openWithToken(String, String)}.
   *
   * @param user user id
   * @param accessToken the token
   * @param callback told the end
   */
  public void openWithToken(String user, String accessToken, ResultCallback<Void> callback) {
    begin(NOTHING, held(elsewhere(callback)), null, token -> core.open_token(user, accessToken, token));
  }

  /**
   * Log in with a token that the application gets: now, and again whenever the session wants a new one.
   *
   * @param user user id
   * @param provider gets it, on a thread of its own
   * @return the request
   */
  public Request<Void> openWithToken(String user, TokenProvider provider) {
    Request<Void> request = new Request<>(this);
    openWithToken(user, provider, held(complete(request)), request::token);
    return request;
  }

  /**
   * As {@link #openWithToken(String, TokenProvider)}.
   *
   * @param user user id
   * @param provider gets it, on a thread of its own
   * @param callback told the end
   */
  public void openWithToken(String user, TokenProvider provider, ResultCallback<Void> callback) {
    openWithToken(user, provider, held(elsewhere(callback)), null);
  }

  private void openWithToken(
      String user, TokenProvider provider, ResultCallback<Void> callback, Call number) {
    if (provider == null) {
      throw new NullPointerException("provider");
    }
    setTokenProvider(provider);
    onTokenThread(
        () -> {
          String first;
          try {
            first = provider.token(null);
          } catch (Throwable error) {
            callback.onError(EimException.local(ErrorCode.E_AUTH, noToken(error)));
            throw error;
          }
          if (first == null) {
            callback.onError(EimException.local(ErrorCode.E_INVALID, "the token provider returned null at login"));
            return;
          }
          begin(NOTHING, callback, number, token -> core.open_token(user, first, token));
        });
  }

  /** A login under way keeps the client. */
  private ResultCallback<Void> held(ResultCallback<Void> callback) {
    hold(1);
    return new ResultCallback<Void>() {
      @Override
      public void onResult(Void value) {
        hold(-1);
        callback.onResult(value);
      }

      @Override
      public void onError(EimException error) {
        hold(-1);
        callback.onError(error);
      }
    };
  }

  /**
   * Log out: end the session or the login, stop reconnecting. The client can be opened again.
   *
   * @return the request
   */
  public Request<Void> logout() {
    return future(NOTHING, core::close);
  }

  /**
   * As {@link #logout()}.
   *
   * @param callback told the end
   */
  public void logout(ResultCallback<Void> callback) {
    call(NOTHING, callback, core::close);
  }

  /**
   * Replace the access token of the session; also the answer to a {@link TokenProvider} that returned null.
   *
   * @param accessToken the new token
   * @return the request
   */
  public Request<Void> renewToken(String accessToken) {
    return future(NOTHING, token -> core.renew_token(accessToken, token));
  }

  /**
   * As {@link #renewToken(String)}.
   *
   * @param accessToken the new token
   * @param callback told the end
   */
  public void renewToken(String accessToken, ResultCallback<Void> callback) {
    call(NOTHING, callback, token -> core.renew_token(accessToken, token));
  }

  /**
   * A snapshot: state, last cause, counters, queue depths, token expiry (docs/session.md).
   *
   * @return the request
   */
  public Request<Map<String, Object>> health() {
    return future(OBJECT, core::health);
  }

  /**
   * As {@link #health()}.
   *
   * @param callback told the end
   */
  public void health(ResultCallback<Map<String, Object>> callback) {
    call(OBJECT, callback, core::health);
  }

  /**
   * The host's network went up (attempt now) or down (wait until up).
   *
   * @param up whether it is there
   */
  public void networkChanged(boolean up) {
    core.network_changed(up);
  }

  /**
   * Text shown to the device that the next login pushes out.
   *
   * @param ext at most 1024 characters; null: none
   */
  public void setLoginExt(String ext) {
    core.set_login_ext(ext);
  }

  // ---- messages

  /**
   * Send a message; it is over when the server has it. While reconnecting it waits, within {@code sendTimeout}. What is
   * sent goes out in the order of the calls.
   *
   * @param message the message
   * @return the request
   */
  public Request<SendResult> send(Message message) {
    eim_message given = message.core;
    return future(SENT, token -> core.send(given, token));
  }

  /**
   * As {@link #send(Message)}.
   *
   * @param message the message
   * @param callback told the end
   */
  public void send(Message message, ResultCallback<SendResult> callback) {
    eim_message given = message.core;
    call(SENT, callback, token -> core.send(given, token));
  }

  /**
   * The application is done with a received message: the server may forget it. Needed with {@code ackMode} manual; else
   * of no effect.
   *
   * @param message the message
   */
  public void messageDone(Message message) {
    core.message_done(message.core);
  }

  /**
   * Tell the sender that a message was read (their receipt of kind READ).
   *
   * @param message a message that arrived
   * @param content goes along with a group's message; or null
   * @return the request
   */
  public Request<Void> markRead(Message message, String content) {
    eim_message given = message.core;
    return future(NOTHING, token -> core.send_read(given, content, token));
  }

  /**
   * As {@link #markRead(Message, String)}.
   *
   * @param message a message that arrived
   * @param content goes along with a group's message; or null
   * @param callback told the end
   */
  public void markRead(Message message, String content, ResultCallback<Void> callback) {
    eim_message given = message.core;
    call(NOTHING, callback, token -> core.send_read(given, content, token));
  }

  /**
   * Tell that the whole conversation was read.
   *
   * @param chatType with a user, or a group
   * @param to its id
   * @return the request
   */
  public Request<Void> markChannelRead(ChatType chatType, String to) {
    return future(NOTHING, token -> core.send_channel_read(chatType.number, to, token));
  }

  /**
   * As {@link #markChannelRead(ChatType, String)}.
   *
   * @param chatType with a user, or a group
   * @param to its id
   * @param callback told the end
   */
  public void markChannelRead(ChatType chatType, String to, ResultCallback<Void> callback) {
    call(NOTHING, callback, token -> core.send_channel_read(chatType.number, to, token));
  }

  /**
   * Withdraw a message that was sent.
   *
   * @param chatType of its conversation
   * @param to user, group or room id
   * @param messageId the id the server gave
   * @param ext text for those who received it, or null
   * @return the request
   */
  public Request<Void> recall(ChatType chatType, String to, String messageId, String ext) {
    return future(NOTHING, token -> core.recall(chatType.number, to, messageId, ext, token));
  }

  /**
   * As {@link #recall(ChatType, String, String, String)}.
   *
   * @param chatType of its conversation
   * @param to user, group or room id
   * @param messageId the id the server gave
   * @param ext text for those who received it, or null
   * @param callback told the end
   */
  public void recall(ChatType chatType, String to, String messageId, String ext, ResultCallback<Void> callback) {
    call(NOTHING, callback, token -> core.recall(chatType.number, to, messageId, ext, token));
  }

  /**
   * Replace a message that was sent.
   *
   * @param messageId the id the server gave
   * @param message receiver and new content
   * @return the request; it ends with what the server says of it
   */
  public Request<Map<String, Object>> edit(String messageId, Message message) {
    eim_message given = message.core;
    return future(OBJECT, token -> core.edit(messageId, given, token));
  }

  /**
   * As {@link #edit(String, Message)}.
   *
   * @param messageId the id the server gave
   * @param message receiver and new content
   * @param callback told the end
   */
  public void edit(String messageId, Message message, ResultCallback<Map<String, Object>> callback) {
    eim_message given = message.core;
    call(OBJECT, callback, token -> core.edit(messageId, given, token));
  }

  /**
   * Enter a chat room.
   *
   * @param roomId its id
   * @param ext text for its members, or null
   * @param leaveOthers leave all other rooms
   * @return the request; it ends with what the server says of the room
   */
  public Request<Map<String, Object>> joinRoom(String roomId, String ext, boolean leaveOthers) {
    return future(OBJECT, token -> core.join_room(roomId, ext, leaveOthers, token));
  }

  /**
   * As {@link #joinRoom(String, String, boolean)}.
   *
   * @param roomId its id
   * @param ext text for its members, or null
   * @param leaveOthers leave all other rooms
   * @param callback told the end
   */
  public void joinRoom(String roomId, String ext, boolean leaveOthers, ResultCallback<Map<String, Object>> callback) {
    call(OBJECT, callback, token -> core.join_room(roomId, ext, leaveOthers, token));
  }

  /**
   * Leave a chat room.
   *
   * @param roomId its id
   * @return the request
   */
  public Request<Void> leaveRoom(String roomId) {
    return future(NOTHING, token -> core.leave_room(roomId, token));
  }

  /**
   * As {@link #leaveRoom(String)}.
   *
   * @param roomId its id
   * @param callback told the end
   */
  public void leaveRoom(String roomId, ResultCallback<Void> callback) {
    call(NOTHING, callback, token -> core.leave_room(roomId, token));
  }

  // ---- REST and files

  /**
   * A REST call below {@code /org/app} with the session's token (docs/rest.md).
   *
   * @param method GET, POST, PUT or DELETE
   * @param path begins with {@code /}
   * @param query {@code a=1&b=2}, or null
   * @param jsonBody JSON text, or a map, collection or array to make it of; null: none
   * @return the request; an answer other than 2xx is an {@link EimException} with {@code httpStatus} in its detail
   */
  public Request<Response> request(String method, String path, String query, Object jsonBody) {
    String body = bodyText(jsonBody);
    return future(RESPONSE, token -> core.request(method, path, query, body, token));
  }

  /**
   * As {@link #request(String, String, String, Object)}.
   *
   * @param method GET, POST, PUT or DELETE
   * @param path begins with {@code /}
   * @param query {@code a=1&b=2}, or null
   * @param jsonBody JSON text, or a map, collection or array to make it of; null: none
   * @param callback told the end
   */
  public void request(String method, String path, String query, Object jsonBody, ResultCallback<Response> callback) {
    String body = bodyText(jsonBody);
    call(RESPONSE, callback, token -> core.request(method, path, query, body, token));
  }

  private static String bodyText(Object jsonBody) {
    return jsonBody == null || jsonBody instanceof String ? (String) jsonBody : Json.text(jsonBody);
  }

  /**
   * Upload a file of this machine, streamed from the disk.
   *
   * @param path where it is
   * @param filename its name, for people; null: the last part of the path
   * @return the request
   */
  public Request<Uploaded> upload(String path, String filename) {
    return future(UPLOADED, token -> core.upload(path, filename, 0, 0, token));
  }

  /**
   * As {@link #upload(String, String)}.
   *
   * @param path where it is
   * @param filename its name, for people; null: the last part of the path
   * @param callback told the end
   */
  public void upload(String path, String filename, ResultCallback<Uploaded> callback) {
    call(UPLOADED, callback, token -> core.upload(path, filename, 0, 0, token));
  }

  /**
   * Receive a file into one of this machine, which is replaced when all of it is there. A download that ended early is
   * resumed.
   *
   * @param url for example {@code message.body().get("url")}
   * @param secret {@code message.body().get("secret")}, or null
   * @param path where to put it
   * @param maxBytes more is refused; 0: any size
   * @param thumbnail the small picture instead
   * @return the request; it ends with the length
   */
  public Request<Long> download(String url, String secret, String path, long maxBytes, boolean thumbnail) {
    return future(LENGTH, token -> core.download(url, secret, path, maxBytes, thumbnail, token));
  }

  /**
   * As {@link #download(String, String, String, long, boolean)}.
   *
   * @param url for example {@code message.body().get("url")}
   * @param secret {@code message.body().get("secret")}, or null
   * @param path where to put it
   * @param maxBytes more is refused; 0: any size
   * @param thumbnail the small picture instead
   * @param callback told the end
   */
  public void download(
      String url, String secret, String path, long maxBytes, boolean thumbnail, ResultCallback<Long> callback) {
    call(LENGTH, callback, token -> core.download(url, secret, path, maxBytes, thumbnail, token));
  }

  /**
   * Receive a file into memory. For larger ones there is {@link #download}, which also goes on where a lost connection
   * ended.
   *
   * @param url for example {@code message.body().get("url")}
   * @param secret {@code message.body().get("secret")}, or null
   * @param maxBytes more is refused; 0: 16 MiB
   * @param thumbnail the small picture instead
   * @return the request; it ends with the bytes
   */
  public Request<byte[]> downloadBytes(String url, String secret, long maxBytes, boolean thumbnail) {
    return future(BYTES, token -> core.download(url, secret, null, maxBytes, thumbnail, token));
  }

  /**
   * As {@link #downloadBytes(String, String, long, boolean)}.
   *
   * @param url for example {@code message.body().get("url")}
   * @param secret {@code message.body().get("secret")}, or null
   * @param maxBytes more is refused; 0: 16 MiB
   * @param thumbnail the small picture instead
   * @param callback told the end
   */
  public void downloadBytes(
      String url, String secret, long maxBytes, boolean thumbnail, ResultCallback<byte[]> callback) {
    call(BYTES, callback, token -> core.download(url, secret, null, maxBytes, thumbnail, token));
  }

  /**
   * The messages in a combined (forwarded) message, as whoever combined them tells them. Combined ones among them are
   * unfolded by another call.
   *
   * @param message a combined message
   * @return the request; it ends with the messages, in their order
   */
  public Request<List<Message>> downloadCombined(Message message) {
    eim_message given = message.core;
    return future(MESSAGES, token -> core.download_combined(given, token));
  }

  /**
   * As {@link #downloadCombined(Message)}.
   *
   * @param message a combined message
   * @param callback told the end
   */
  public void downloadCombined(Message message, ResultCallback<List<Message>> callback) {
    eim_message given = message.core;
    call(MESSAGES, callback, token -> core.download_combined(given, token));
  }

  // ---- the end

  /**
   * End all work. Idempotent; any thread, in handlers too; never waits for the network. Requests that are open fail with
   * {@link ErrorCode#E_CLOSED}. When it returns no handler of this client runs any more, unless it was called in one, or
   * they run by an executor: then one that runs already goes on to its end.
   */
  @Override
  public void close() {
    sink.stop();
    core.shutdown();
    sink.failAll();
    context.keep(this, false);
    lease.end();
  }

  // ---- inside

  private <T> Request<T> future(ClientSink.Converter<T> converter, Call call) {
    Request<T> request = new Request<>(this);
    begin(converter, complete(request), request::token, call);
    return request;
  }

  private <T> void call(ClientSink.Converter<T> converter, ResultCallback<T> callback, Call call) {
    begin(converter, elsewhere(callback), null, call);
  }

  /**
   * {@code number}, or null, is told the token. What serves callbacks does not name Request: on Android up to API 23, which
   * has no futures, that class cannot be loaded.
   */
  private <T> void begin(
      ClientSink.Converter<T> converter, ResultCallback<T> callback, Call number, Call call) {
    long token = sink.nextToken();
    if (number != null) {
      number.start(token);
    }
    sink.begin(token, converter, callback);
    try {
      call.start(token);
    } catch (EimException error) {
      fail(token, callback, error);
    } catch (IllegalArgumentException error) { // text that C has no form for
      fail(token, callback, EimException.local(ErrorCode.E_INVALID, error.getMessage()));
    }
  }

  private void fail(long token, ResultCallback<?> callback, EimException error) {
    if (sink.forget(token)) {
      callback.onError(error);
    }
  }

  private static <T> ResultCallback<T> complete(Request<T> request) {
    return new ResultCallback<T>() {
      @Override
      public void onResult(T value) {
        request.complete(value);
      }

      @Override
      public void onError(EimException error) {
        request.completeExceptionally(error);
      }
    };
  }

  /** Callbacks come where handlers come. */
  private <T> ResultCallback<T> elsewhere(ResultCallback<T> callback) {
    if (callback == null) {
      throw new NullPointerException("callback");
    }
    if (deliveries == null) {
      return callback;
    }
    return new ResultCallback<T>() {
      @Override
      public void onResult(T value) {
        deliveries.add(() -> callback.onResult(value));
      }

      @Override
      public void onError(EimException error) {
        deliveries.add(() -> callback.onError(error));
      }
    };
  }

  eim_client core() {
    return core;
  }

  boolean cancel(long token) {
    try {
      core.cancel(token);
      return true;
    } catch (EimException error) { // closed meanwhile
      return false;
    }
  }

  /** Logins under way, and sessions, keep the client. */
  private synchronized void hold(int more) {
    opening += more;
    State now = state();
    context.keep(this, !context.isClosed() && (opening > 0 || (now != State.OFFLINE && now != State.CLOSED)));
  }

  /** From the sink, on the thread that delivers. The payload is C's. */
  void deliver(int event, long payload) {
    switch (event) {
      case Sink.STATE:
        StateChange change = new StateChange(new eim_state_change(payload, false));
        user = change.user();
        resource = change.resource();
        hold(0);
        handle(handler -> handler.onState(change));
        break;
      case Sink.CONNECTED:
        StateChange connected = new StateChange(new eim_state_change(payload, false));
        handle(handler -> handler.onConnected(connected));
        break;
      case Sink.DISCONNECTED:
        StateChange disconnected = new StateChange(new eim_state_change(payload, false));
        handle(handler -> handler.onDisconnected(disconnected));
        break;
      case Sink.RECONNECTING:
        StateChange reconnecting = new StateChange(new eim_state_change(payload, false));
        handle(handler -> handler.onReconnecting(reconnecting));
        break;
      case Sink.TOKEN_WILL_EXPIRE:
        TokenEvent will = new TokenEvent(new eim_token_event(payload, false));
        handle(handler -> handler.onTokenWillExpire(will));
        break;
      case Sink.TOKEN_EXPIRED:
        TokenEvent expired = new TokenEvent(new eim_token_event(payload, false));
        handle(handler -> handler.onTokenExpired(expired));
        break;
      case Sink.ERROR:
        EimException error = EimException.of(new eim_error(payload, false));
        handle(handler -> handler.onError(error));
        break;
      case Sink.MESSAGE:
        message(payload);
        break;
      case Sink.RECEIPT:
        Receipt receipt = new Receipt(new eim_receipt(payload, false));
        handle(handler -> handler.onReceipt(receipt));
        break;
      case Sink.NOTICE:
        Notice notice = new Notice(new eim_notice(payload, false));
        handle(handler -> handler.onNotice(notice));
        break;
      case Sink.PROGRESS:
        Progress progress = new Progress(new eim_progress(payload, false));
        handle(handler -> handler.onProgress(progress));
        break;
      default: // a later version of the list
    }
  }

  private interface Told {
    void tell(EventHandler handler);
  }

  private void message(long payload) {
    if (snapshot.length == 0 && !doneByUs) {
      return; // not worth an object
    }
    Message message = Message.of(payload);
    if (!doneByUs) {
      handle(handler -> handler.onMessage(message));
      return;
    }
    deliveries.add(
        () -> {
          try {
            tellAll(handler -> handler.onMessage(message));
          } finally {
            try {
              core.message_done(message.core);
            } catch (EimException error) {
              // Closed meanwhile: it comes again at the next login.
            }
          }
        });
  }

  private void handle(Told told) {
    if (deliveries == null) {
      tellAll(told);
    } else if (snapshot.length > 0) {
      deliveries.add(() -> tellAll(told));
    }
  }

  /** All of them, also when one throws; the first exception comes out with the others in it. */
  private void tellAll(Told told) {
    Throwable first = null;
    for (EventHandler handler : snapshot) {
      try {
        told.tell(handler);
      } catch (Throwable error) {
        if (first == null) {
          first = error;
        } else if (first != error) {
          first.addSuppressed(error);
        }
      }
    }
    if (first instanceof Error) {
      throw (Error) first;
    }
    if (first != null) {
      throw (RuntimeException) first; // handlers declare no others
    }
  }

  // ---- tokens

  private interface Task {
    void run() throws Throwable;
  }

  private static void onTokenThread(Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (Throwable error) {
                Context.report(error);
              }
            },
            "eim-token");
    thread.setDaemon(true);
    thread.start();
  }

  private static String noToken(Throwable error) { // without its text: there may be a secret in it
    return "the token provider threw " + error.getClass().getName();
  }

  /** From the sink. */
  void tokenWanted(TokenEvent event) {
    TokenProvider asked = provider;
    if (asked == null) {
      return;
    }
    onTokenThread(
        () -> {
          String token;
          try {
            token = asked.token(event);
          } catch (Throwable error) {
            try {
              core.token_unavailable(noToken(error));
            } catch (EimException closed) {
              // Nobody needs one any more.
            }
            throw error;
          }
          if (token != null) {
            renewToken(token); // what comes of it the session tells by its own events
          }
        });
  }

  // ---- options

  /**
   * Options of a client. Meaning, range and default of each: docs/configuration.md; times are whole milliseconds. What is
   * not set has its default. May be used for several clients; not thread-safe.
   */
  public static final class Builder extends ClientOptions<Builder> {
    private Context context;
    private Executor executor;

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /**
     * A context of one's own.
     *
     * @param context it; the client does not close it
     * @return this
     */
    public Builder context(Context context) {
      this.context = context;
      return this;
    }

    /**
     * Where handlers and callbacks run: one at a time and in order, however many threads it has. Without one they run on
     * the thread of the context. A message counts as done when its handlers have returned, as ever.
     *
     * @param executor for example {@code Executors.newSingleThreadExecutor()}
     * @return this
     */
    public Builder executor(Executor executor) {
      this.executor = executor;
      return this;
    }

    /**
     * The client.
     *
     * @return it; close it
     * @throws EimException the options do not fit together, or the context is closed
     */
    public Client build() {
      return new Client(this);
    }
  }
}
