import io.libeim.ChatType;
import io.libeim.Client;
import io.libeim.EimException;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.Receipt;
import io.libeim.StateChange;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.json.JSONObject;

/**
 * libeim's Java package as a bot with a command line, JSON lines in and out, for java.interop.mjs: {@code EIM_PASSWORD=pw java
 * JavaBot.java OPTIONS USER}; OPTIONS: JSON of the builder's words.
 *
 * <p>It answers every text that begins with "echo ". In: {"call": "send", "message": {…}} or another call. Out: {"event": …} for what
 * arrives, {"result": …} or {"error": …} for each command.
 */
public final class JavaBot implements EventHandler {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final Client client;
  private final Map<String, Message> seen = new ConcurrentHashMap<>();

  private JavaBot(Client client) {
    this.client = client;
  }

  private static synchronized void say(JSONObject line) {
    OUT.println(line);
  }

  @Override
  public void onMessage(Message message) {
    seen.put(message.id(), message);
    say(new JSONObject().put("event", "message").put("message", new JSONObject(message.toJson())));
    if (message.text() != null && message.text().startsWith("echo ")) {
      client.send(message.reply(message.text().substring(5)).ext(message.ext()).build());
    }
  }

  @Override
  public void onReceipt(Receipt receipt) {
    say(
        new JSONObject()
            .put("event", "receipt " + receipt.kind())
            .put("id", receipt.messageId())
            .put("sender", receipt.from())
            .put("data", new JSONObject(receipt.json())));
  }

  @Override
  public void onDisconnected(StateChange change) {
    say(new JSONObject().put("event", "disconnected").put("code", change.cause() == null ? 0 : change.cause().code()));
    System.exit(0);
  }

  private Object obey(JSONObject line) {
    switch (line.getString("call")) {
      case "send":
        return client.send(Message.fromJson(line.getJSONObject("message").toString())).await().messageId();
      case "mark_read":
        return client.markRead(seen.get(line.getString("message")), null).await();
      case "mark_channel_read":
        return client.markChannelRead(ChatType.SINGLE, line.getString("to")).await();
      case "recall":
        return client.recall(ChatType.SINGLE, line.getString("to"), line.getString("id"), null).await();
      default:
        throw new IllegalArgumentException(line.toString());
    }
  }

  /** Command line. */
  public static void main(String[] arguments) throws Exception {
    JSONObject options = new JSONObject(arguments[0]);
    Client.Builder builder = Client.builder(options.getString("appKey"));
    for (String name : options.keySet()) {
      builder.option(name, options.get(name).toString());
    }
    try (Client client = builder.build()) {
      JavaBot bot = new JavaBot(client);
      client.addEventHandler("bot", bot);
      client.open(arguments[1], System.getenv("EIM_PASSWORD")).await();
      say(new JSONObject().put("event", "online"));
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line; (line = in.readLine()) != null; ) {
        try {
          Object result = bot.obey(new JSONObject(line));
          say(new JSONObject().put("result", result == null ? JSONObject.NULL : result));
        } catch (EimException error) {
          say(
              new JSONObject()
                  .put("error", new JSONObject().put("code", error.code()).put("name", error.name()).put("message", error.getMessage())));
        }
      }
    }
  }
}
