package io.libeim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.libeim.junit.SandboxExtension;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Beginning and end of clients: threads, handlers that throw, garbage. */
@ExtendWith(SandboxExtension.class)
@Timeout(60)
class LifeTest {
  private static final AtomicInteger USERS = new AtomicInteger();

  private Sandbox sandbox;
  private String alice;
  private String bob;

  @BeforeEach
  void users(Sandbox sandbox) {
    this.sandbox = sandbox;
    alice = "alice" + USERS.incrementAndGet();
    bob = "bob" + USERS.get();
    sandbox.addUser(alice, "secret");
    sandbox.addUser(bob, "secret");
  }

  private static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
    T value = queue.poll(10, TimeUnit.SECONDS);
    assertNotNull(value, "nothing came");
    return value;
  }

  /** Garbage is found when it is found: collect until it is. */
  static void untilCollected(BooleanSupplier done, String what) {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!done.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, what);
      System.gc();
      NativeRefs.drain();
      Thread.yield();
    }
  }

  private static EimException failure(CompletableFuture<?> request) {
    ExecutionException error = assertThrows(ExecutionException.class, () -> request.get(10, TimeUnit.SECONDS));
    return (EimException) error.getCause();
  }

  // ---- a conversation

  @Test
  void twoClientsTalk() throws InterruptedException {
    BlockingQueue<Message> heard = new LinkedBlockingQueue<>();
    BlockingQueue<Receipt> receipts = new LinkedBlockingQueue<>();
    try (Client a = sandbox.client().build();
        Client b = sandbox.client().delivery(true).build()) {
      a.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onReceipt(Receipt receipt) {
              if (receipt.kind() == ReceiptKind.DELIVERED || receipt.kind() == ReceiptKind.READ) {
                receipts.add(receipt);
              }
            }
          });
      b.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              heard.add(message);
            }
          });
      a.open(alice, "secret").await();
      b.openWithToken(bob, sandbox.token(bob, 0)).await();
      assertEquals(State.ONLINE, a.state());
      SendResult sent = a.send(Message.text(bob, "hi 😀").ext("n", 1).build()).await();
      Message message = take(heard);
      assertEquals(sent.messageId(), message.id());
      assertEquals("hi 😀", message.text());
      assertEquals(alice, message.from());
      assertEquals(Collections.singletonMap("n", 1L), message.ext());
      assertEquals(ReceiptKind.DELIVERED, take(receipts).kind());
      b.markRead(message, null).await();
      assertEquals(sent.messageId(), take(receipts).messageId());
      assertEquals("ONLINE", a.health().await().get("state"));
      a.logout().await();
      assertEquals(State.OFFLINE, a.state());
    }
  }

  @Test
  void refusalsComeOutAsThemselves() {
    try (Client client = sandbox.client().build()) {
      EimException error = assertThrows(EimException.class, () -> client.open(alice, "m1staken").await());
      assertEquals(ErrorCode.USER_AUTHENTICATION_FAILED, error.code());
      assertEquals("USER_AUTHENTICATION_FAILED", error.name());
      assertTrue(error.isFinal());
      assertFalse(error.getMessage().contains("m1staken"), "a password in an error");
      assertEquals(ErrorCode.USER_NOT_LOGIN, failure(client.send(Message.text(bob, "hi").build())).code());
    }
  }

  @Test
  void aKickTellsWhy() throws InterruptedException {
    BlockingQueue<StateChange> ends = new LinkedBlockingQueue<>();
    try (Client client = sandbox.client().build()) {
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onDisconnected(StateChange change) {
              ends.add(change);
            }
          });
      client.open(alice, "secret").await();
      sandbox.kick(alice, Sandbox.Kick.PASSWORD, null);
      StateChange end = take(ends);
      assertEquals(ErrorCode.USER_KICKED_BY_CHANGE_PASSWORD, end.cause().code());
      assertFalse(end.willRetry());
    }
  }

  // ---- close

  @Test
  void closeTwiceAndFromAnotherThread() throws Exception {
    Client client = sandbox.client().build();
    client.open(alice, "secret").await();
    Thread other = new Thread(client::close);
    other.start();
    client.close();
    other.join(10_000);
    assertFalse(other.isAlive());
    client.close();
    assertEquals(State.CLOSED, client.state());
    assertEquals(ErrorCode.E_CLOSED, failure(client.send(Message.text(bob, "hi").build())).code());
    assertEquals(ErrorCode.E_CLOSED, failure(client.open(alice, "secret")).code());
  }

  @Test
  void closeInAHandler() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    List<String> after = Collections.synchronizedList(new ArrayList<>());
    Client client = sandbox.client().build();
    client.addEventHandler(
        "test",
        new EventHandler() {
          @Override
          public void onConnected(StateChange change) {
            client.close();
            after.add(client.state().name());
            closed.countDown();
          }
        });
    Request<Void> open = client.open(alice, "secret");
    assertTrue(closed.await(10, TimeUnit.SECONDS));
    assertEquals(List.of("CLOSED"), after);
    // Whether the answer was there before: both are the truth.
    try {
      open.get(10, TimeUnit.SECONDS);
    } catch (ExecutionException error) {
      assertEquals(ErrorCode.E_CLOSED, ((EimException) error.getCause()).code());
    }
  }

  @Test
  void closeWhileOpening() {
    sandbox.freeze(alice, true);
    for (int i = 0; i < 20; i++) {
      Client client = sandbox.client().build();
      Request<Void> open = client.open(alice, "secret");
      Request<SendResult> send = client.send(Message.text(bob, "hi").build());
      client.close();
      assertEquals(ErrorCode.E_CLOSED, failure(open).code());
      assertNotNull(failure(send));
    }
    sandbox.freeze(alice, false);
  }

  @Test
  void aHandlerThatWaitsIsToldSo() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    try (Client client = sandbox.client().build()) {
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onConnected(StateChange change) {
              try {
                client.health().await();
                thrown.complete(null);
              } catch (Throwable error) {
                thrown.complete(error);
              }
            }
          });
      client.open(alice, "secret").await();
      assertTrue(thrown.get(10, TimeUnit.SECONDS) instanceof IllegalStateException);
    }
  }

  @Test
  void cancelEndsARequest() {
    try (Client client = sandbox.client().build()) {
      sandbox.admin("/fail", java.util.Map.of("what", "token", "how", "silence", "n", 1L));
      Request<Void> open = client.open(alice, "secret");
      assertTrue(open.cancel(true));
      assertEquals(ErrorCode.E_CANCELED, failure(open).code());
      assertFalse(open.cancel(true));
    } finally {
      sandbox.admin("/fail", java.util.Map.of("what", "token", "how", "silence", "n", 0L));
    }
  }

  @Test
  void aTimeoutLeavesTheRequestOpen() {
    sandbox.freeze(alice, true);
    try (Client client = sandbox.client().build()) {
      Request<Void> open = client.open(alice, "secret");
      assertThrows(TimeoutException.class, () -> open.get(50, TimeUnit.MILLISECONDS));
      assertFalse(open.isDone());
    }
    sandbox.freeze(alice, false);
  }

  // ---- handlers that throw

  @Test
  void whatAHandlerThrowsGoesToTheThread() throws Exception {
    BlockingQueue<Throwable> thrown = new LinkedBlockingQueue<>();
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    Thread.UncaughtExceptionHandler former = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> thrown.add(error));
    try (Client client = sandbox.client().build()) {
      EventHandler throwing =
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              throw new IllegalArgumentException("of " + message.text());
            }
          };
      client.addEventHandler("one", throwing);
      client.addEventHandler("two", throwing);
      client.addEventHandler(
          "three",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              heard.add(message.text());
            }
          });
      client.open(alice, "secret").await();
      sandbox.push(alice, bob, "1");
      sandbox.push(alice, bob, "2");
      assertEquals("1", take(heard));
      assertEquals("2", take(heard));
      Throwable first = take(thrown);
      assertEquals("of 1", first.getMessage());
      assertEquals(1, first.getSuppressed().length);
      assertEquals("of 2", take(thrown).getMessage());
      assertEquals(State.ONLINE, client.state());
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(former);
    }
  }

  @Test
  void whatAHandlerThrowsComesOutOfPoll() {
    try (Context context = new Context();
        Client client = sandbox.client().context(context).build()) {
      List<String> heard = new ArrayList<>();
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              heard.add(message.text());
              if (message.text().equals("bad")) {
                throw new IllegalArgumentException("bad");
              }
            }
          });
      client.open(alice, "secret").await(); // drives the context itself
      sandbox.push(alice, bob, "bad");
      sandbox.push(alice, bob, "good");
      assertTimeoutPreemptively(
          Duration.ofSeconds(20),
          () -> {
            RuntimeException error =
                assertThrows(
                    IllegalArgumentException.class,
                    () -> {
                      while (true) {
                        context.poll(100);
                      }
                    });
            assertEquals("bad", error.getMessage());
            while (heard.size() < 2) {
              context.poll(100);
            }
          });
      assertEquals(List.of("bad", "good"), heard);
      EimException busy =
          assertThrows(
              EimException.class,
              () -> {
                client.addEventHandler(
                    "again",
                    new EventHandler() {
                      @Override
                      public void onMessage(Message message) {
                        context.poll(0);
                      }
                    });
                sandbox.push(alice, bob, "third");
                while (true) {
                  context.poll(100);
                }
              });
      assertEquals(ErrorCode.E_BUSY, busy.code());
    }
  }

  @Test
  void errorsOfTheVmComeOutToo() {
    try (Context context = new Context();
        Client client = sandbox.client().context(context).build()) {
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onConnected(StateChange change) {
              throw new StackOverflowError("by hand");
            }
          });
      assertThrows(StackOverflowError.class, () -> client.open(alice, "secret").await());
    }
  }

  // ---- executor and callbacks

  @Test
  void anExecutorOfManyThreadsKeepsTheOrder() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(8);
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    AtomicInteger inside = new AtomicInteger();
    try (Client client = sandbox.client().executor(pool).build()) {
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              assertEquals(1, inside.incrementAndGet());
              assertFalse(Thread.currentThread().getName().equals("eim"));
              client.health().await(); // fine: another thread delivers
              heard.add(message.text());
              inside.decrementAndGet();
            }
          });
      client.open(alice, "secret").await();
      for (int i = 0; i < 200; i++) {
        sandbox.push(alice, bob, "m" + i);
      }
      for (int i = 0; i < 200; i++) {
        assertEquals("m" + i, take(heard));
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void aMessageThatNoHandlerSawComesAgain() throws Exception {
    BlockingQueue<Runnable> never = new LinkedBlockingQueue<>(); // an executor that does nothing
    Client deaf = sandbox.client().executor(never::add).deviceId("one").build();
    deaf.addEventHandler("test", new EventHandler() {});
    deaf.open(alice, "secret").await();
    sandbox.push(alice, bob, "keep this");
    take(never);
    deaf.close();
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    try (Client client = sandbox.client().deviceId("one").build()) {
      client.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              heard.add(message.text());
            }
          });
      client.open(alice, "secret").await();
      assertEquals("keep this", take(heard));
    }
  }

  @Test
  void closeWhileTheExecutorIsFarBehind() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    ExecutorService one = Executors.newSingleThreadExecutor();
    one.execute(
        () -> {
          try {
            go.await();
          } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
          }
        });
    Client client = sandbox.client().executor(one).build();
    client.addEventHandler("test", new EventHandler() {});
    for (int i = 0; i < 3000; i++) { // callbacks: more than Deliveries takes
      client.logout(
          new ResultCallback<Void>() {
            @Override
            public void onResult(Void value) {}

            @Override
            public void onError(EimException error) {}
          });
    }
    assertTimeoutPreemptively(Duration.ofSeconds(20), client::close);
    go.countDown();
    one.shutdown();
    assertTrue(one.awaitTermination(10, TimeUnit.SECONDS));
  }

  @Test
  void callbacksEndOnce() throws Exception {
    BlockingQueue<String> ends = new LinkedBlockingQueue<>();
    ResultCallback<Void> callback =
        new ResultCallback<Void>() {
          @Override
          public void onResult(Void value) {
            ends.add("ok");
          }

          @Override
          public void onError(EimException error) {
            ends.add(error.name());
          }
        };
    try (Client client = sandbox.client().build()) {
      client.open(alice, "wrong", callback);
      assertEquals("USER_AUTHENTICATION_FAILED", take(ends));
      client.open(alice, "secret", callback);
      assertEquals("ok", take(ends));
      client.open(alice, "secret", callback);
      assertEquals("USER_ALREADY_LOGIN", take(ends));
      client.logout(callback);
      assertEquals("ok", take(ends));
    }
    assertTrue(ends.isEmpty());
  }

  // ---- tokens

  @Test
  void aProviderIsAskedFirstAndAgain() throws Exception {
    BlockingQueue<String> asked = new LinkedBlockingQueue<>();
    try (Client client = sandbox.client().tokenWarningFraction(0.1).tokenWarningLeadMs(0).build()) {
      client
          .openWithToken(
              alice,
              event -> {
                asked.add(event == null ? "first" : event.reason().name());
                return sandbox.token(alice, event == null ? 10 : 0);
              })
          .await();
      assertEquals("first", take(asked));
      assertEquals("WILL_EXPIRE", take(asked));
      assertEquals(State.ONLINE, client.state());
    }
  }

  @Test
  void aProviderThatThrowsEndsTheLogin() {
    Thread.UncaughtExceptionHandler former = Thread.getDefaultUncaughtExceptionHandler();
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread.setDefaultUncaughtExceptionHandler((thread, error) -> thrown.complete(error));
    try (Client client = sandbox.client().build()) {
      Request<Void> open =
          client.openWithToken(
              alice,
              event -> {
                throw new IllegalStateException("with a s3cret");
              });
      EimException error = failure(open);
      assertEquals(ErrorCode.E_AUTH, error.code());
      assertFalse(error.getMessage().contains("s3cret"));
      assertEquals("with a s3cret", thrown.get(10, TimeUnit.SECONDS).getMessage());
      assertEquals(ErrorCode.E_INVALID, failure(client.openWithToken(alice, event -> null)).code());
    } catch (Exception error) {
      throw new AssertionError(error);
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(former);
    }
  }

  // ---- contexts

  @Test
  void theSharedContextGoesWithItsLastClient() throws Exception {
    Context first;
    try (Client a = sandbox.client().build()) {
      first = a.context;
      try (Client b = sandbox.client().build()) {
        assertSame(first, b.context);
      }
      assertFalse(first.isClosed());
    }
    assertTrue(first.isClosed());
    try (Client c = sandbox.client().build()) {
      assertNotSame(first, c.context);
    }
  }

  @Test
  void closingAContextEndsItsClients() {
    Context context = new Context().start();
    Client client = sandbox.client().context(context).build();
    client.open(alice, "secret").await();
    sandbox.freeze(alice, true);
    Request<SendResult> send = client.send(Message.text(bob, "hi").build());
    context.close();
    context.close();
    assertEquals(ErrorCode.E_CLOSED, failure(send).code());
    assertEquals(State.CLOSED, client.state());
    assertThrows(EimException.class, () -> sandbox.client().context(context).build());
    sandbox.freeze(alice, false);
  }

  @Test
  void withoutThreadsOfItsOwn() {
    try (Context context = new Context(0);
        Client client = sandbox.client().context(context).build()) {
      client.open(alice, "secret").await();
      assertTrue(context.fd() >= 0);
      assertNotNull(client.send(Message.text(bob, "hi").build()).await().messageId());
    }
  }

  // ---- garbage

  private static WeakReference<Client> forgotten(Client client) {
    return new WeakReference<>(client);
  }

  @Test
  void aClientWithoutASessionIsGivenUp() {
    int sinks = Core.sinks();
    WeakReference<Client> client = forgotten(sandbox.client().build());
    Context context = client.get().context;
    untilCollected(() -> client.get() == null, "the client is still there");
    untilCollected(() -> Core.sinks() <= sinks, "C still holds its sink");
    untilCollected(context::isClosed, "the shared context is still there");
  }

  @Test
  void aClientWithASessionIsKept() throws Exception {
    BlockingQueue<Message> heard = new LinkedBlockingQueue<>();
    WeakReference<Client> client = forgotten(sandbox.client().build());
    client
        .get()
        .addEventHandler(
            "test",
            new EventHandler() {
              @Override
              public void onMessage(Message message) {
                heard.add(message);
              }
            })
        .open(alice, "secret")
        .await();
    for (int i = 0; i < 5; i++) {
      System.gc();
      NativeRefs.drain();
    }
    sandbox.push(alice, bob, "still there?");
    assertEquals("still there?", take(heard).text());
    heard.clear();
    sandbox.kick(alice, Sandbox.Kick.FORCED, null); // and with the session it goes
    untilCollected(() -> client.get() == null, "the client is still there");
  }

  @Test
  void removedHandlersAreNotCalled() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    class Named implements EventHandler {
      private final String name;

      Named(String name) {
        this.name = name;
      }

      @Override
      public void onMessage(Message message) {
        heard.add(name + message.text());
      }
    }

    try (Client client = sandbox.client().build()) {
      client.addEventHandler("a", new Named("a")).addEventHandler("b", new Named("b"));
      client.addEventHandler("a", new Named("c")); // in place of the first
      client.open(alice, "secret").await();
      sandbox.push(alice, bob, "1");
      assertEquals("c1", take(heard));
      assertEquals("b1", take(heard));
      assertTrue(client.removeEventHandler("a"));
      assertFalse(client.removeEventHandler("a"));
      sandbox.push(alice, bob, "2");
      assertEquals("b2", take(heard));
      assertNull(heard.poll());
    }
  }
}
