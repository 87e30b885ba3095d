package shrunk;

import io.libeim.Client;
import io.libeim.Context;
import io.libeim.EimException;
import io.libeim.EimLog;
import io.libeim.ErrorCode;
import io.libeim.EventHandler;
import io.libeim.LogLevel;
import io.libeim.Message;
import io.libeim.Progress;
import io.libeim.Receipt;
import io.libeim.State;
import io.libeim.StateChange;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** An application that R8 makes small by the rules of the library alone: what C calls must still be there. */
public final class Main {
  private Main() {}

  /**
   * The whole of it; exits with 0 when all came.
   *
   * @param where app key, REST address, message address of a sandbox with alice and bob
   */
  public static void main(String[] where) throws Exception {
    CountDownLatch lines = new CountDownLatch(1);
    CountDownLatch heard = new CountDownLatch(1);
    CountDownLatch delivered = new CountDownLatch(1);
    EimLog.setListener(LogLevel.INFO, line -> lines.countDown());
    try (Context context = new Context().start();
        Client bob = Client.builder(where[0]).apiUrl(where[1]).url(where[2]).context(context).delivery(true).build();
        Client alice = Client.builder(where[0]).apiUrl(where[1]).url(where[2]).build()) {
      bob.addEventHandler(
          "bob",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              if ("hi".equals(message.text()) && Long.valueOf(1).equals(message.ext().get("n"))) {
                heard.countDown();
              }
            }
          });
      alice.addEventHandler(
          "alice",
          new EventHandler() {
            @Override
            public void onReceipt(Receipt receipt) {
              delivered.countDown();
            }

            @Override
            public void onProgress(Progress progress) {}

            @Override
            public void onState(StateChange change) {
              System.out.println(change);
            }
          });
      alice.open("alice", "secret").await();
      bob.open("bob", "secret").await();
      alice.send(Message.text("bob", "hi").ext("n", 1).build()).await();
      boolean all = true;
      for (CountDownLatch one : new CountDownLatch[] {heard, delivered, lines}) {
        all &= one.await(20, TimeUnit.SECONDS);
      }
      try {
        alice.openWithToken("alice", "no token").await();
        all = false;
      } catch (EimException error) { // made by C, thrown by Java
        all &= error.code() != ErrorCode.E_CLOSED;
        System.out.println(error.getMessage());
      }
      all &= bob.state() == State.ONLINE;
      if (!all) {
        System.err.println("not all came: " + heard + delivered + lines);
        System.exit(1);
      }
    }
    System.out.println("all came");
  }
}
