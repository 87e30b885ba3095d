package io.libeim;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A message: one that arrived, or one to send. Immutable; may be kept as long as you like and used on any thread.
 *
 * <pre>{@code
 * client.send(Message.text("bob", "hi").ext("mood", "fine").build());
 * }</pre>
 */
public final class Message {
  final eim_message core;

  /** Takes over a reference. */
  private Message(eim_message core) {
    this.core = core;
  }

  /** From C's: takes a reference of its own. */
  static Message of(long borrowed) {
    Core.message_ref(new eim_message(borrowed, false));
    return new Message(new eim_message(borrowed, true));
  }

  /**
   * A message from its JSON view (docs/messages.md). What only a server can say is passed over, so the view of a
   * received message can be sent on.
   *
   * @param json a JSON object
   * @return the message
   * @throws EimException the JSON is wrong: the error names the field
   */
  public static Message fromJson(String json) {
    long[] out = new long[1];
    Core.eim_message_from_json(nonNull(json, "json"), out);
    return new Message(new eim_message(out[0], true));
  }

  /**
   * A message of the service's history (docs/rest-recipes.md). It is like one that arrived.
   *
   * @param msg the member of that name in the answer to {@code POST /users/{u}/messageroaming}
   * @return the message
   * @throws EimException it is no message
   */
  public static Message fromHistory(String msg) {
    long[] out = new long[1];
    Core.eim_message_from_history(nonNull(msg, "msg"), out);
    return new Message(new eim_message(out[0], true));
  }

  // ---- building

  /**
   * A text message.
   *
   * @param to user, group or room id; {@code "user/resource"}: one device of a user
   * @param text not empty
   * @return a builder with both
   */
  public static Builder text(String to, String text) {
    return new Builder("txt", to).put("msg", nonNull(text, "text"));
  }

  /**
   * A picture: give {@link Builder#path} or {@link Builder#url}.
   *
   * @param to as for {@link #text}
   * @return a builder
   */
  public static Builder image(String to) {
    return new Builder("img", to);
  }

  /**
   * A recording: give {@link Builder#path} or {@link Builder#url}.
   *
   * @param to as for {@link #text}
   * @return a builder
   */
  public static Builder voice(String to) {
    return new Builder("audio", to);
  }

  /**
   * A film: give {@link Builder#path} or {@link Builder#url}.
   *
   * @param to as for {@link #text}
   * @return a builder
   */
  public static Builder video(String to) {
    return new Builder("video", to);
  }

  /**
   * A file: give {@link Builder#path} or {@link Builder#url}.
   *
   * @param to as for {@link #text}
   * @return a builder
   */
  public static Builder file(String to) {
    return new Builder("file", to);
  }

  /**
   * A place on Earth.
   *
   * @param to as for {@link #text}
   * @param latitude degrees, -90 to 90
   * @param longitude degrees, -180 to 180
   * @return a builder with all three
   */
  public static Builder location(String to, double latitude, double longitude) {
    return new Builder("loc", to).put("lat", latitude).put("lng", longitude);
  }

  /**
   * A word to the application on the other side, not shown to people.
   *
   * @param to as for {@link #text}
   * @param action the word
   * @return a builder with both
   */
  public static Builder command(String to, String action) {
    return new Builder("cmd", to).put("action", nonNull(action, "action"));
  }

  /**
   * A kind of one's own: its name, and {@link Builder#values}.
   *
   * @param to as for {@link #text}
   * @param event the name
   * @return a builder with both
   */
  public static Builder custom(String to, String event) {
    return new Builder("custom", to).put("customEvent", nonNull(event, "event"));
  }

  /**
   * Several messages forwarded as one: {@link Builder#messages}, or the file at {@link Builder#url} that has them.
   *
   * @param to as for {@link #text}
   * @return a builder
   */
  public static Builder combine(String to) {
    return new Builder("combine", to);
  }

  /**
   * An answer into the conversation (or the thread of a group) this message came from.
   *
   * @param text not empty
   * @return a builder
   */
  public Builder reply(String text) {
    Builder builder = text(chatType() == ChatType.SINGLE ? from() : to(), text).chatType(chatType());
    Object meta = chatType() == ChatType.GROUP ? body().get("meta") : null; // of the server
    return meta instanceof Map && ((Map<?, ?>) meta).containsKey("thread") ? builder.thread(true) : builder;
  }

  // ---- what is in it

  /**
   * Kind of the message.
   *
   * @return the kind
   */
  public MessageKind kind() {
    return MessageKind.of(core.get_kind());
  }

  /**
   * The kind as the official SDKs call it: {@code txt}, {@code img}, {@code cmd} …
   *
   * @return its name
   */
  public String type() {
    return core.type();
  }

  /**
   * Single chat, group or room.
   *
   * @return the type
   */
  public ChatType chatType() {
    return ChatType.of(core.get_chat_type());
  }

  /**
   * The id the server gave: decimal digits, 64 bits. {@code ""} for a message that was built here.
   *
   * @return the id
   */
  public String id() {
    return core.id();
  }

  /**
   * Sender's user id; {@code ""} for a message that was built here.
   *
   * @return the id
   */
  public String from() {
    return core.from();
  }

  /**
   * Receiving user, group or room id.
   *
   * @return the id
   */
  public String to() {
    return core.to();
  }

  /**
   * Device of the sender; {@code ""} when not told. It is told when another device of one's own sent the message.
   *
   * @return the resource
   */
  public String fromResource() {
    return core.from_resource();
  }

  /**
   * Server time in ms since 1970; 0 for a message that was built here.
   *
   * @return the time
   */
  public long time() {
    return core.time();
  }

  /**
   * Text of a text message.
   *
   * @return the text; null for any other kind
   */
  public String text() {
    return core.text();
  }

  /**
   * Extra values. Integers are {@code Long}s.
   *
   * @return them, unmodifiable; a new map at each call
   */
  public Map<String, Object> ext() {
    return Json.object(core.ext());
  }

  /**
   * {@link #ext()} as JSON, for a parser of one's own.
   *
   * @return a JSON object
   */
  public String extJson() {
    return core.ext();
  }

  /**
   * The whole body, for every kind; names are those of the official SDKs (docs/messages.md).
   *
   * @return it, unmodifiable; a new map at each call
   */
  public Map<String, Object> body() {
    return Json.object(core.body());
  }

  /**
   * {@link #body()} as JSON.
   *
   * @return a JSON object
   */
  public String bodyJson() {
    return core.body();
  }

  /**
   * The whole message as one flat object (docs/messages.md); {@link #fromJson} takes it.
   *
   * @return a JSON object
   */
  public String toJson() {
    return core.to_json();
  }

  @Override
  public String toString() { // without what people wrote: this ends up in logs
    return "message " + id() + " " + type() + " " + from() + " -> " + to();
  }

  private static <T> T nonNull(T value, String name) {
    if (value == null) {
      throw new NullPointerException(name);
    }
    return value;
  }

  /**
   * Puts a message together. A field that does not fit the kind, or has a wrong value, is refused by {@link #build()},
   * with an error that names it. Not thread-safe.
   */
  public static final class Builder {
    private final Map<String, Object> fields = new LinkedHashMap<>();
    private final Map<String, Object> ext = new LinkedHashMap<>();

    private Builder(String type, String to) {
      fields.put("type", type);
      fields.put("to", nonNull(to, "to"));
    }

    private Builder put(String field, Object value) {
      if (value instanceof String && ((String) value).indexOf('\0') >= 0) {
        throw new IllegalArgumentException(field + ": text with a NUL in it");
      }
      fields.put(field, value);
      return this;
    }

    /**
     * Who {@code to} is; a user when this is not called.
     *
     * @param type the type
     * @return this
     */
    public Builder chatType(ChatType type) {
      String name = type == ChatType.SINGLE ? "singleChat" : type == ChatType.GROUP ? "groupChat" : "chatRoom";
      return put("chatType", name);
    }

    /**
     * An extra value: text, number, boolean, a map, a collection, an array, or null. Integers arrive exactly.
     *
     * @param key its name
     * @param value the value
     * @return this
     */
    public Builder ext(String key, Object value) {
      ext.put(nonNull(key, "key"), value);
      return this;
    }

    /**
     * Several extra values.
     *
     * @param values names and values as for {@link #ext(String, Object)}
     * @return this
     */
    public Builder ext(Map<String, ?> values) {
      ext.putAll(values);
      return this;
    }

    /**
     * For who is online now; nobody else gets it later.
     *
     * @param yes whether so
     * @return this
     */
    public Builder onlineOnly(boolean yes) {
      return put("deliverOnlineOnly", yes);
    }

    /**
     * Priority of a room's message.
     *
     * @param priority {@code high}, {@code normal} or {@code low}
     * @return this
     */
    public Builder priority(String priority) {
      return put("priority", priority);
    }

    /**
     * Only these members of the group or room get it.
     *
     * @param users at most 20 user ids
     * @return this
     */
    public Builder receivers(String... users) {
      return put("receiverList", new ArrayList<>(Arrays.asList(users)));
    }

    /**
     * Of a group's message: ask its readers for a read receipt.
     *
     * @param yes whether so
     * @return this
     */
    public Builder groupAck(boolean yes) {
      return put("msgConfig", Collections.singletonMap("allowGroupAck", yes));
    }

    /**
     * Of a group's message: {@code to} is a thread.
     *
     * @param yes whether so
     * @return this
     */
    public Builder thread(boolean yes) {
      return put("isChatThread", yes);
    }

    /**
     * A file of this machine: it is uploaded when the message is sent.
     *
     * @param path where it is
     * @return this
     */
    public Builder path(String path) {
      return put("path", path);
    }

    /**
     * Where the file is already.
     *
     * @param url its address
     * @return this
     */
    public Builder url(String url) {
      return put("url", url);
    }

    /**
     * A file that was uploaded by {@link Client#upload}: its address, secret, name and length.
     *
     * @param file what that gave
     * @return this
     */
    public Builder uploaded(Uploaded file) {
      return url(file.url()).secret(file.secret()).filename(file.filename()).fileLength(file.fileLength());
    }

    /**
     * What the service asks for before it hands the file out.
     *
     * @param secret the secret
     * @return this
     */
    public Builder secret(String secret) {
      return put("secret", secret);
    }

    /**
     * Name of the file, for people.
     *
     * @param name the name
     * @return this
     */
    public Builder filename(String name) {
      return put("filename", name);
    }

    /**
     * Length of the file.
     *
     * @param bytes the count
     * @return this
     */
    public Builder fileLength(long bytes) {
      return put("file_length", bytes);
    }

    /**
     * Size of a picture.
     *
     * @param width pixels
     * @param height pixels
     * @return this
     */
    public Builder size(double width, double height) {
      return put("width", width).put("height", height);
    }

    /**
     * The picture moves.
     *
     * @param yes whether so
     * @return this
     */
    public Builder gif(boolean yes) {
      return put("isGif", yes);
    }

    /**
     * Length of a recording or film.
     *
     * @param seconds the count
     * @return this
     */
    public Builder length(int seconds) {
      return put("length", seconds);
    }

    /**
     * A picture of a film.
     *
     * @param url its address
     * @param secret what the service asks for, or null
     * @return this
     */
    public Builder thumb(String url, String secret) {
      put("thumb", url);
      return secret == null ? this : put("thumb_secret", secret);
    }

    /**
     * Address of a place, for people.
     *
     * @param address the words
     * @return this
     */
    public Builder address(String address) {
      return put("addr", address);
    }

    /**
     * Building at a place, for people.
     *
     * @param building the words
     * @return this
     */
    public Builder building(String building) {
      return put("buildingName", building);
    }

    /**
     * Values of a custom message.
     *
     * @param values as extra values
     * @return this
     */
    public Builder values(Map<String, ?> values) {
      return put("customExts", new LinkedHashMap<String, Object>(values));
    }

    /**
     * What a combined message forwards: 1 to 300 messages that arrived, or new ones. They are uploaded as a file when
     * the message is sent; {@link Client#downloadCombined} reads it.
     *
     * @param messages the messages
     * @return this
     */
    public Builder messages(Iterable<Message> messages) {
      List<Object> views = new ArrayList<>();
      for (Message message : messages) {
        views.add(Json.object(message.toJson()));
      }
      return put("messages", views);
    }

    /**
     * Title of a combined message.
     *
     * @param title the words
     * @return this
     */
    public Builder title(String title) {
      return put("title", title);
    }

    /**
     * Summary of a combined message.
     *
     * @param summary the words
     * @return this
     */
    public Builder summary(String summary) {
      return put("summary", summary);
    }

    /**
     * What applications show that do not know combined messages.
     *
     * @param text the words
     * @return this
     */
    public Builder compatibleText(String text) {
      return put("compatibleText", text);
    }

    /**
     * How deep combined messages are nested in this one.
     *
     * @param level 1 to 10
     * @return this
     */
    public Builder combineLevel(int level) {
      return put("combineLevel", level);
    }

    /**
     * The message. The builder can go on.
     *
     * @return the message
     * @throws EimException a field is wrong or missing: the error names it
     * @throws IllegalArgumentException JSON has no form for an extra value
     */
    public Message build() {
      Map<String, Object> all = new LinkedHashMap<>(fields);
      if (!ext.isEmpty()) {
        all.put("ext", ext);
      }
      return fromJson(Json.text(all));
    }

  }
}
