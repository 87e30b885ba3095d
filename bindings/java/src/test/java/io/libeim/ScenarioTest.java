package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Plays tests/scenarios: the list that all languages share (tests/scenarios/README.md). */
class ScenarioTest {
  private static final Path FOLDER = Paths.get(System.getProperty("eim.scenarios", "../../tests/scenarios"));

  // "state" last: others may have a member of that name.
  private static final List<String> VERBS =
      List.of("admin", "new", "provider", "call", "expect", "count", "write", "read", "counter", "state");

  @TempDir static Path temporary;

  @TestFactory
  Stream<DynamicTest> scenarios() throws IOException {
    List<DynamicTest> all = new ArrayList<>();
    List<Path> files;
    try (Stream<Path> list = Files.list(FOLDER)) {
      files = list.filter(file -> file.toString().endsWith(".json")).sorted().collect(Collectors.toList());
    }
    for (Path file : files) {
      for (Object scenario : list(Json.object(Files.readString(file)).get("scenarios"))) {
        Map<String, Object> map = map(scenario);
        String name = file.getFileName().toString().replace(".json", "") + "-" + map.get("name");
        all.add(DynamicTest.dynamicTest(name, () -> play(name, map)));
      }
    }
    assertTrue(all.size() >= 80, "only " + all.size() + " scenarios");
    return all.stream();
  }

  private static void play(String name, Map<String, Object> scenario) throws IOException {
    List<Object> arguments = scenario.containsKey("sandbox") ? list(scenario.get("sandbox")) : List.of();
    try (Sandbox sandbox = Sandbox.start(arguments.toArray(new String[0]));
        Context context = new Context();
        Player player = new Player(sandbox, context, Files.createDirectory(temporary.resolve(name)))) {
      for (Object step : list(scenario.get("steps"))) {
        player.play(map(step));
      }
      player.end();
    }
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  static List<Object> list(Object value) {
    return (List<Object>) value;
  }

  private static final class Event {
    final String name;
    final Map<String, Object> fields;

    Event(String name, Map<String, Object> fields) {
      this.name = name;
      this.fields = fields;
    }

    @Override
    public String toString() {
      return name + " " + fields;
    }
  }

  /** A client of the scenario, and all it was told. Everything runs on the one thread that polls. */
  private static final class Actor implements EventHandler {
    final Client client;
    final List<Event> events = new ArrayList<>();
    final Map<String, Message> messages = new HashMap<>();
    int cursor;

    Actor(Client client) {
      this.client = client;
      client.addEventHandler("scenario", this);
    }

    void keep(String name, Map<String, Object> fields) {
      synchronized (events) {
        events.add(new Event(name, fields));
      }
    }

    private void change(String name, StateChange change) {
      Map<String, Object> fields = errorFields(change.cause());
      fields.put("state", change.state().name());
      fields.put("previous", change.previous().name());
      fields.put("attempt", (long) change.attempt());
      fields.put("nextRetryMs", change.nextRetryMs());
      fields.put("willRetry", change.willRetry());
      fields.put("user", change.user());
      fields.put("resource", change.resource());
      keep(name, fields);
    }

    void token(String name, TokenEvent event) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("reason", (long) event.reason().number);
      fields.put("expiresAt", event.expiresAt());
      fields.put("remainingMs", event.remainingMs());
      fields.put("deadlineMs", event.deadlineMs());
      keep(name, fields);
    }

    @Override
    public void onState(StateChange change) {
      change("state", change);
    }

    @Override
    public void onConnected(StateChange change) {
      change("connected", change);
    }

    @Override
    public void onDisconnected(StateChange change) {
      change("disconnected", change);
    }

    @Override
    public void onReconnecting(StateChange change) {
      change("reconnecting", change);
    }

    @Override
    public void onTokenWillExpire(TokenEvent event) {
      token("token_will_expire", event);
    }

    @Override
    public void onTokenExpired(TokenEvent event) {
      token("token_expired", event);
    }

    @Override
    public void onError(EimException error) {
      keep("error", errorFields(error));
    }

    @Override
    public void onMessage(Message message) {
      messages.put(message.id(), message);
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("id", message.id());
      fields.put("from", message.from());
      fields.put("to", message.to());
      fields.put("fromResource", message.fromResource());
      fields.put("time", message.time());
      fields.put("type", message.type());
      fields.put("chatType", message.chatType().name().toLowerCase());
      fields.put("text", message.text());
      fields.put("ext", message.ext());
      fields.put("body", message.body());
      keep("message", fields);
    }

    @Override
    public void onReceipt(Receipt receipt) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("kind", (long) receipt.kind().number);
      fields.put("messageId", receipt.messageId());
      fields.put("localId", receipt.localId());
      fields.put("from", receipt.from());
      fields.put("to", receipt.to());
      fields.put("chatType", receipt.chatType().name().toLowerCase());
      fields.put("time", receipt.time());
      fields.put("json", receipt.data());
      keep("receipt", fields);
    }

    @Override
    public void onNotice(Notice notice) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("noticeName", notice.name());
      fields.put("json", notice.data());
      keep("notice", fields);
    }
  }

  private static Map<String, Object> errorFields(EimException error) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("code", error == null ? 0L : (long) error.code());
    fields.put("name", error == null ? "" : error.name());
    fields.put("message", error == null ? "" : error.getMessage());
    fields.put("detail", error == null ? Map.of() : error.detail());
    fields.put("mayHaveHappened", error != null && error.mayHaveHappened());
    if (error != null) {
      fields.put("domain", (long) error.domain().number);
      fields.put("native", (long) error.nativeCode());
      fields.put("isRetriable", error.isRetriable());
      fields.put("isFinal", error.isFinal());
      fields.put("webCode", (long) error.webCode());
    }
    return fields;
  }

  private static Object inside(Object value, String name) {
    for (String part : name.split("\\.")) {
      value = map(value).get(part);
    }
    return value;
  }

  private static boolean equal(Object want, Object have) {
    if (want instanceof Number && have instanceof Number) {
      return want instanceof Long && have instanceof Long
          ? want.equals(have)
          : ((Number) want).doubleValue() == ((Number) have).doubleValue();
    }
    if (want instanceof Map && have instanceof Map) {
      return map(want).keySet().equals(map(have).keySet())
          && map(want).keySet().stream().allMatch(key -> equal(map(want).get(key), map(have).get(key)));
    }
    if (want instanceof List && have instanceof List) {
      List<Object> left = list(want);
      List<Object> right = list(have);
      for (int i = 0; i < left.size(); i++) {
        if (i >= right.size() || !equal(left.get(i), right.get(i))) {
          return false;
        }
      }
      return left.size() == right.size();
    }
    return want == null ? have == null : want.equals(have);
  }

  private static boolean matches(Object rule, Object value) {
    if (!(rule instanceof Map)) {
      return equal(rule, value);
    }
    String kind = map(rule).keySet().iterator().next();
    Object want = map(rule).get(kind);
    switch (kind) {
      case "min":
        return ((Number) value).doubleValue() >= ((Number) want).doubleValue();
      case "contains":
        return ((String) value).contains((String) want);
      case "not":
        return !matches(want, value);
      case "json":
        return equal(want, value);
      case "has":
        return value instanceof Map
            && map(want).entrySet().stream()
                .allMatch(
                    part -> map(value).containsKey(part.getKey()) && matches(part.getValue(), map(value).get(part.getKey())));
      default:
        throw new AssertionError("unknown rule " + kind);
    }
  }

  private static final Map<String, BiFunction<Message.Builder, Object, Message.Builder>> FIELDS = new HashMap<>();

  static {
    FIELDS.put("path", (b, v) -> b.path((String) v));
    FIELDS.put("url", (b, v) -> b.url((String) v));
    FIELDS.put("secret", (b, v) -> b.secret((String) v));
    FIELDS.put("filename", (b, v) -> b.filename((String) v));
    FIELDS.put("file_length", (b, v) -> b.fileLength((Long) v));
    FIELDS.put("isGif", (b, v) -> b.gif((Boolean) v));
    FIELDS.put("length", (b, v) -> b.length(((Long) v).intValue()));
    FIELDS.put("addr", (b, v) -> b.address((String) v));
    FIELDS.put("buildingName", (b, v) -> b.building((String) v));
    FIELDS.put("customExts", (b, v) -> b.values(map(v)));
    FIELDS.put("title", (b, v) -> b.title((String) v));
    FIELDS.put("summary", (b, v) -> b.summary((String) v));
    FIELDS.put("compatibleText", (b, v) -> b.compatibleText((String) v));
    FIELDS.put("combineLevel", (b, v) -> b.combineLevel(((Long) v).intValue()));
    FIELDS.put("ext", (b, v) -> b.ext(map(v)));
    FIELDS.put("deliverOnlineOnly", (b, v) -> b.onlineOnly((Boolean) v));
    FIELDS.put("receiverList", (b, v) -> b.receivers(list(v).toArray(new String[0])));
    FIELDS.put("priority", (b, v) -> b.priority((String) v));
    FIELDS.put("msgConfig", (b, v) -> b.groupAck((Boolean) map(v).get("allowGroupAck")));
    FIELDS.put("isChatThread", (b, v) -> b.thread((Boolean) v));
  }

  private static ChatType chat(Object name) {
    return ChatType.valueOf(((String) name).toUpperCase());
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  /** By the builder, as an application would. */
  private static Message message(Map<String, Object> data) {
    Map<String, Object> left = new LinkedHashMap<>(data);
    String to = (String) left.remove("to");
    String type = (String) left.remove("type");
    Message.Builder builder;
    switch (type) {
      case "txt":
        builder = Message.text(to, (String) left.remove("msg"));
        break;
      case "img":
        builder = Message.image(to);
        if (left.containsKey("width")) {
          builder.size(number(left.remove("width")), number(left.remove("height")));
        }
        break;
      case "audio":
        builder = Message.voice(to);
        break;
      case "video":
        builder = Message.video(to);
        if (left.containsKey("thumb")) {
          builder.thumb((String) left.remove("thumb"), (String) left.remove("thumb_secret"));
        }
        break;
      case "file":
        builder = Message.file(to);
        break;
      case "loc":
        builder = Message.location(to, number(left.remove("lat")), number(left.remove("lng")));
        break;
      case "cmd":
        builder = Message.command(to, (String) left.remove("action"));
        break;
      case "custom":
        builder = Message.custom(to, (String) left.remove("customEvent"));
        break;
      case "combine":
        builder = Message.combine(to);
        break;
      default:
        return Message.fromJson(Json.text(data));
    }
    if (left.containsKey("chatType")) {
      String name = (String) left.remove("chatType");
      builder.chatType(
          name.equals("singleChat") ? ChatType.SINGLE : name.equals("groupChat") ? ChatType.GROUP : ChatType.ROOM);
    }
    for (Map.Entry<String, Object> field : left.entrySet()) {
      BiFunction<Message.Builder, Object, Message.Builder> setter = FIELDS.get(field.getKey());
      if (setter == null) {
        return Message.fromJson(Json.text(data)); // a field that the builder has no word for
      }
      setter.apply(builder, field.getValue());
    }
    return builder.build();
  }

  private static final class Player implements AutoCloseable {
    private final Sandbox sandbox;
    private final Context context;
    private final Path folder;
    private final Map<String, Object> variables;
    private final Map<String, Actor> actors = new LinkedHashMap<>();
    private final Map<String, Request<?>> requests = new LinkedHashMap<>();
    private final Map<String, String> requestOf = new HashMap<>();
    private final Set<String> shutDown = new HashSet<>();

    Player(Sandbox sandbox, Context context, Path folder) {
      this.sandbox = sandbox;
      this.context = context;
      this.folder = folder;
      this.variables = new HashMap<>(sandbox.facts());
    }

    private Object value(Object data) {
      if (data instanceof String && ((String) data).startsWith("$")) {
        String name = ((String) data).substring(1);
        assertTrue(variables.containsKey(name), "no variable " + name);
        return variables.get(name);
      }
      if (data instanceof List) {
        return list(data).stream().map(this::value).collect(Collectors.toCollection(ArrayList::new));
      }
      if (data instanceof Map) {
        Map<String, Object> filled = new LinkedHashMap<>();
        map(data).forEach((key, part) -> filled.put(key, value(part)));
        return filled;
      }
      return data;
    }

    void play(Map<String, Object> given) throws IOException {
      Map<String, Object> step = map(value(given));
      String verb = VERBS.stream().filter(step::containsKey).findFirst().orElse("");
      Actor actor = step.containsKey("client") ? actors.get(step.get("client")) : null;
      switch (verb) {
        case "admin":
          save(step, sandbox.admin((String) step.get("admin"), map(step.get("body"))));
          break;
        case "new":
          make(step);
          break;
        case "provider":
          Actor provider = actors.get(step.get("provider"));
          provider.client.setTokenProvider(
              event -> {
                provider.token("token_request", event);
                return null;
              });
          break;
        case "call":
          call(step, actor);
          break;
        case "expect":
          expect(step, actor);
          break;
        case "count":
          Object rule = Map.of("has", step.getOrDefault("match", Map.of()));
          long found =
              actor.events.stream()
                  .filter(event -> event.name.equals(step.get("count")) && matches(rule, event.fields))
                  .count();
          assertEquals(step.get("is"), found, () -> step + " in " + actor.events);
          break;
        case "state":
          assertEquals(step.get("state"), actor.client.state().name());
          break;
        case "write":
          Path path = folder.resolve((String) step.get("write"));
          if (step.containsKey("text")) {
            Files.writeString(path, (String) step.get("text"));
          }
          variables.put((String) step.get("write"), path.toString());
          break;
        case "read":
          assertEquals(step.get("is"), Files.readString(Paths.get((String) step.get("read"))));
          break;
        case "counter":
          assertEquals(step.get("is"), sandbox.counters().get(step.get("counter")), step::toString);
          break;
        default:
          fail("unknown step " + step);
      }
    }

    private void save(Map<String, Object> step, Object from) {
      map(step.getOrDefault("save", Map.of())).forEach((to, name) -> variables.put(to, inside(from, (String) name)));
    }

    private void make(Map<String, Object> step) {
      Map<String, Object> options = new LinkedHashMap<>();
      for (String name : new String[] {"appKey", "apiUrl", "url", "caFile"}) {
        options.put(name, variables.get(name));
      }
      options.putAll(map(step.getOrDefault("options", Map.of())));
      Client client;
      try {
        Client.Builder builder = Client.builder(null).context(context);
        options.forEach(
            (name, option) -> {
              if (option != null) {
                builder.option(name, option instanceof List ? String.join(",", list(option).toArray(new String[0])) : option.toString());
              }
            });
        client = builder.build();
      } catch (EimException error) {
        failed(step, error);
        return;
      }
      assertTrue(!step.containsKey("fails"), () -> step + " did not fail");
      actors.put((String) step.get("new"), new Actor(client));
    }

    private static void failed(Map<String, Object> step, EimException error) {
      Object rule = Map.of("has", step.getOrDefault("fails", Map.of("code", 0L)));
      assertTrue(matches(rule, errorFields(error)), () -> step + " failed with " + errorFields(error));
    }

    private void call(Map<String, Object> step, Actor actor) {
      List<Object> args = list(step.getOrDefault("args", List.of()));
      Request<?> request;
      try {
        request = start((String) step.get("call"), actor, args);
        if (request != null && request.isCompletedExceptionally()) {
          request.join();
        }
      } catch (EimException error) {
        failed(step, error);
        return;
      } catch (CompletionException error) { // the call itself was refused
        failed(step, (EimException) error.getCause());
        return;
      }
      assertTrue(!step.containsKey("fails"), () -> step + " did not fail");
      if (step.get("call").equals("shutdown")) {
        shutDown.add((String) step.get("client"));
      }
      String label = (String) step.get("as");
      if (label != null && request != null) {
        requests.put(label, request);
        requestOf.put(label, (String) step.get("client"));
        request.whenComplete((answer, error) -> result(actor, label, answer, (EimException) error));
      }
    }

    private static String text(List<Object> args, int index) {
      return index < args.size() ? (String) args.get(index) : null;
    }

    private Request<?> start(String verb, Actor actor, List<Object> args) {
      Client client = actor.client;
      switch (verb) {
        case "register_user":
          return client.registerUser(text(args, 0), text(args, 1), text(args, 2));
        case "open_password":
          return client.open(text(args, 0), text(args, 1));
        case "open_token":
          return client.openWithToken(text(args, 0), text(args, 1));
        case "close":
          return client.logout();
        case "renew_token":
          return client.renewToken(text(args, 0));
        case "health":
          return client.health();
        case "send_text":
          Message.Builder builder = Message.text(text(args, 1), text(args, 2)).chatType(chat(args.get(0)));
          return client.send((args.size() > 3 && args.get(3) != null ? builder.ext(map(args.get(3))) : builder).build());
        case "send":
          return client.send(message(map(args.get(0))));
        case "edit":
          return client.edit(text(args, 0), message(map(args.get(1))));
        case "mark_read":
          return client.markRead(actor.messages.get(args.get(0)), text(args, 1));
        case "mark_channel_read":
          return client.markChannelRead(chat(args.get(0)), text(args, 1));
        case "recall":
          return client.recall(chat(args.get(0)), text(args, 1), text(args, 2), text(args, 3));
        case "join_room":
          return client.joinRoom(text(args, 0), text(args, 1), args.size() > 2 && Boolean.TRUE.equals(args.get(2)));
        case "leave_room":
          return client.leaveRoom(text(args, 0));
        case "request":
          return client.request(text(args, 0), text(args, 1), text(args, 2), args.size() > 3 ? args.get(3) : null);
        case "upload":
          return client.upload(text(args, 0), text(args, 1));
        case "download":
          return client.download(text(args, 0), text(args, 2), text(args, 1), 0, false);
        case "message_done":
          client.messageDone(actor.messages.get(args.get(0)));
          return null;
        case "cancel":
          requests.get(args.get(0)).cancel(false);
          return null;
        case "network_changed":
          client.networkChanged((Boolean) args.get(0));
          return null;
        case "set_login_ext":
          client.setLoginExt(text(args, 0));
          return null;
        case "shutdown":
          client.close();
          return null;
        default:
          throw new AssertionError("unknown call " + verb);
      }
    }

    private static void result(Actor actor, String label, Object answer, EimException error) {
      Map<String, Object> fields = errorFields(error);
      fields.put("request", label);
      if (answer instanceof SendResult) {
        SendResult sent = (SendResult) answer;
        fields.put("messageId", sent.messageId());
        fields.put("localId", sent.localId());
        fields.put("time", sent.time());
      } else if (answer instanceof Response) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("status", (long) ((Response) answer).status());
        json.put("body", ((Response) answer).body());
        fields.put("json", json);
      } else if (answer instanceof Uploaded) {
        Uploaded file = (Uploaded) answer;
        fields.put(
            "json",
            Map.of("url", file.url(), "secret", file.secret(), "filename", file.filename(), "file_length", file.fileLength()));
      } else if (answer instanceof Long) {
        fields.put("json", Map.of("file_length", answer));
      } else if (answer != null) {
        fields.put("json", answer);
      }
      actor.keep("result", fields);
    }

    private void expect(Map<String, Object> step, Actor actor) {
      Object rule = Map.of("has", step.getOrDefault("match", Map.of()));
      long deadline = System.nanoTime() + ((Number) step.getOrDefault("within", 10_000L)).longValue() * 1_000_000;
      int start = actor.cursor;
      for (; ; ) {
        while (true) {
          Event event;
          synchronized (actor.events) {
            if (actor.cursor >= actor.events.size()) {
              break;
            }
            event = actor.events.get(actor.cursor++);
          }
          if (event.name.equals(step.get("expect")) && matches(rule, event.fields)) {
            save(step, event.fields);
            return;
          }
        }
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          fail(step + " did not come; since then:\n  " + actor.events.subList(start, actor.events.size()));
        }
        context.poll((int) Math.min(left, 50)); // a token provider tells by a thread of its own
      }
    }

    void end() {
      long deadline = System.nanoTime() + 10_000_000_000L;
      requests.forEach(
          (label, request) -> {
            while (!request.isDone() && !shutDown.contains(requestOf.get(label))) {
              assertTrue(System.nanoTime() < deadline, "request " + label + " has no result");
              context.poll(100);
            }
          });
    }

    @Override
    public void close() {
      actors.values().forEach(actor -> actor.client.close());
    }
  }
}
