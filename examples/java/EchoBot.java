import io.libeim.Client;
import io.libeim.Context;
import io.libeim.EimException;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.Sandbox;
import io.libeim.StateChange;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * An echo bot: answers every message with its text, each on a thread of its own (a virtual one where the JDK has them), so
 * that an answer that takes long holds up nobody.
 *
 * <pre>
 * java -cp 'dist/*' EchoBot.java                # against a local sandbox, with somebody to talk to
 * java -cp 'dist/*' EchoBot.java org#app bot    # the real service; EIM_PASSWORD holds the password
 * </pre>
 */
public final class EchoBot implements EventHandler {
  private final Client client;
  private final ExecutorService answers = threads();
  private final CountDownLatch over = new CountDownLatch(1);

  EchoBot(Client client) {
    this.client = client;
    client.addEventHandler("echo", this);
  }

  /** Java 21 has virtual threads; this file compiles with 11. */
  private static ExecutorService threads() {
    try {
      return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    } catch (ReflectiveOperationException older) {
      return Executors.newCachedThreadPool();
    }
  }

  @Override
  public void onMessage(Message message) {
    if (message.text() != null) {
      answers.execute(() -> answer(message));
    }
  }

  private void answer(Message message) {
    try {
      client.send(message.reply(message.text()).build()).await(); // waits; only this thread does
      System.out.println(message.from() + ": " + message.text());
    } catch (EimException error) {
      System.out.println("no answer to " + message.from() + ": " + error.getMessage());
    }
  }

  @Override
  public void onReconnecting(StateChange change) { // the session looks after itself
    System.out.println("reconnecting: " + change.cause().getMessage());
  }

  @Override
  public void onDisconnected(StateChange change) { // over for good
    System.out.println("over: " + (change.cause() == null ? "logged out" : change.cause().getMessage()));
    over.countDown();
  }

  void serve() throws InterruptedException {
    over.await();
    answers.shutdown();
  }

  /** Everything on this machine: the service, the bot, and alice who talks to it. */
  private static void demo() throws Exception {
    String[] texts = {"hello", "how are you?", "😀"};
    CountDownLatch answered = new CountDownLatch(texts.length);
    try (Sandbox sandbox = Sandbox.start("--user", "bot:secret", "--user", "alice:secret");
        Client botClient = sandbox.client().build();
        Client alice = sandbox.client().build()) {
      EchoBot bot = new EchoBot(botClient);
      alice.addEventHandler(
          "demo",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              System.out.println("alice got " + message.text());
              answered.countDown();
            }
          });
      botClient.open("bot", "secret").await();
      alice.open("alice", "secret").await();
      for (String text : texts) {
        alice.send(Message.text("bot", text).build()).await();
      }
      answered.await();
      botClient.logout().await();
      bot.serve();
    }
  }

  /** Command line. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 0) {
      demo();
      return;
    }
    if (arguments.length != 2 || System.getenv("EIM_PASSWORD") == null) {
      System.err.println("usage: EIM_PASSWORD=… EchoBot.java ORG#APP USER, or without arguments for a demonstration");
      System.exit(2);
    }
    try (Context context = new Context().start();
        Client client = Client.builder(arguments[0]).context(context).autoReconnectNumMax(-1).build()) {
      EchoBot bot = new EchoBot(client);
      client.open(arguments[1], System.getenv("EIM_PASSWORD")).await();
      bot.serve();
    }
  }
}
