package io.libeim.android;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.libeim.Client;
import io.libeim.Context;
import io.libeim.EimException;
import io.libeim.ErrorCode;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.Response;
import io.libeim.SendResult;
import io.libeim.State;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.Test;

/** Android up to API 23 has no CompletableFuture: whoever uses callbacks must not notice. */
public class NoFuturesTest {
  /** Has all that is Java but what came with API 24; of libeim it has classes of its own. */
  private static final class Api21 extends ClassLoader {
    Api21() {
      super(NoFuturesTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("java.util.concurrent.Complet") && !name.contains("ExecutorCompletion")) {
        throw new ClassNotFoundException(name + ": not on API 21");
      }
      if (!name.startsWith("io.libeim.")) {
        return super.loadClass(name, resolve);
      }
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        if (loaded != null) {
          return loaded;
        }
        try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
          byte[] bytes = in.readAllBytes();
          return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException error) {
          throw new ClassNotFoundException(name, error);
        }
      }
    }
  }

  /** Runs over there. */
  public static final class Session implements Callable<String> {
    @Override
    public String call() throws Exception {
      AtomicReference<String> heard = new AtomicReference<>();
      CountDownLatch over = new CountDownLatch(1);
      try (TestSandbox sandbox = new TestSandbox("--user", "alice:secret", "--user", "bob:secret");
          Context context = new Context().start();
          Client bob = sandbox.client().build();
          Client alice = sandbox.client().context(context).build()) {
        alice.addEventHandler(
            "test",
            new EventHandler() {
              @Override
              public void onMessage(Message message) {
                heard.set(message.text());
                over.countDown();
              }
            });
        String token =
            sandbox.admin("/token", "{\"user\": \"alice\", \"ttl\": 3600}").getString("access_token");
        TestSandbox.Outcome<Void> open = new TestSandbox.Outcome<>();
        alice.openWithToken("alice", why -> token, open);
        open.get();
        TestSandbox.Outcome<Void> another = new TestSandbox.Outcome<>();
        bob.open("bob", "secret", another);
        another.get();
        TestSandbox.Outcome<SendResult> sent = new TestSandbox.Outcome<>();
        bob.send(Message.text("alice", "hi").build(), sent);
        sent.get();
        if (!over.await(20, TimeUnit.SECONDS)) {
          throw new AssertionError("no message");
        }
        TestSandbox.Outcome<Response> response = new TestSandbox.Outcome<>();
        bob.request("GET", "/no/such/thing", null, null, response);
        try {
          response.get();
        } catch (EimException error) {
          heard.set(heard.get() + " " + (error.code() != ErrorCode.E_CLOSED));
        }
        TestSandbox.Outcome<Void> logout = new TestSandbox.Outcome<>();
        alice.logout(logout);
        logout.get();
        if (alice.state() != State.OFFLINE) {
          throw new AssertionError(alice.state());
        }
        try {
          bob.send(Message.text("alice", "by a future").build());
          throw new AssertionError("there is a CompletableFuture");
        } catch (NoClassDefFoundError error) {
          return heard.get() + " " + error.getMessage();
        }
      }
    }
  }

  @Test
  public void callbacksNeedNoFutures() throws Exception {
    Class<?> there = new Api21().loadClass(Session.class.getName());
    Object session = there.getConstructor().newInstance();
    String heard = (String) ((Callable<?>) session).call();
    assertTrue(heard, heard.startsWith("hi true "));
    assertTrue(heard, heard.contains("CompletableFuture") || heard.contains("io/libeim/Request"));
  }

  /** That the class loader above hides what it says, or the test could not fail. */
  @Test
  public void theyAreHiddenThere() throws Exception {
    Api21 loader = new Api21();
    assertThrows(ClassNotFoundException.class, () -> loader.loadClass("java.util.concurrent.CompletableFuture"));
    assertThrows(NoClassDefFoundError.class, () -> loader.loadClass("io.libeim.Request"));
    assertEquals(ExecutionException.class, loader.loadClass("java.util.concurrent.ExecutionException"));
  }
}
