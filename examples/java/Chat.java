import io.libeim.Client;
import io.libeim.EimException;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.Receipt;
import io.libeim.ReceiptKind;
import io.libeim.StateChange;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * A console chat: each line goes to one user, what arrives is printed.
 *
 * <pre>
 * EIM_PASSWORD=… java -cp 'dist/*' Chat.java org#app alice bob
 * java -jar dist/libeim-0.1.0.jar --user alice:secret --user bob:secret --port 8080     # a service to try it with, and then
 * EIM_PASSWORD=secret EIM_API_URL=http://127.0.0.1:8080 EIM_URL=ws://127.0.0.1:8080/websocket java … sandbox#demo alice bob
 * </pre>
 */
public final class Chat {
  private Chat() {}

  /** Command line. */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 3 || System.getenv("EIM_PASSWORD") == null) {
      System.err.println("usage: EIM_PASSWORD=… Chat.java ORG#APP USER PEER");
      System.exit(2);
    }
    Client.Builder options = Client.builder(arguments[0]).delivery(true);
    if (System.getenv("EIM_API_URL") != null) { // a private deployment, or the sandbox
      options.apiUrl(System.getenv("EIM_API_URL")).url(System.getenv("EIM_URL"));
    }
    String peer = arguments[2];
    try (Client client = options.build()) {
      client.addEventHandler("console", new Printer());
      client.open(arguments[1], System.getenv("EIM_PASSWORD")).await();
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line; (line = in.readLine()) != null; ) {
        if (!line.isEmpty()) {
          client.send(Message.text(peer, line).build()).await();
        }
      }
      client.logout().await();
    } catch (EimException error) {
      System.err.println("chat: " + error.getMessage());
      System.exit(1);
    }
  }

  private static final class Printer implements EventHandler {
    @Override
    public void onConnected(StateChange change) {
      System.out.println("* online as " + change.user());
    }

    @Override
    public void onReconnecting(StateChange change) {
      System.out.println("* the line is gone: " + change.cause().getMessage());
    }

    @Override
    public void onDisconnected(StateChange change) {
      System.out.println("* offline" + (change.cause() == null ? "" : ": " + change.cause().getMessage()));
    }

    @Override
    public void onMessage(Message message) {
      System.out.println(message.from() + ": " + (message.text() != null ? message.text() : message.bodyJson()));
    }

    @Override
    public void onReceipt(Receipt receipt) {
      if (receipt.kind() == ReceiptKind.DELIVERED) {
        System.out.println("* delivered");
      }
    }
  }
}
