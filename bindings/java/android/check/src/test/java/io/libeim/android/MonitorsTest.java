package io.libeim.android;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.app.Application;
import android.content.Context;
import android.net.ConnectivityManager;
import android.net.Network;
import android.net.NetworkRequest;
import android.os.Looper;
import io.libeim.Client;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.State;
import io.libeim.StateChange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.Implementation;
import org.robolectric.annotation.Implements;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowConnectivityManager;
import org.robolectric.shadows.ShadowLooper;
import org.robolectric.shadows.ShadowNetwork;

/** The classes of io.libeim.android on Android's own code, with sessions that are real. */
@RunWith(RobolectricTestRunner.class)
public class MonitorsTest {
  private TestSandbox sandbox;
  private Client client;
  private final AtomicInteger connected = new AtomicInteger();
  private final Application application = RuntimeEnvironment.getApplication();

  @Before
  public void logIn() throws Exception {
    sandbox = new TestSandbox("--user", "alice:secret");
    // It would not be back for an hour by itself.
    client = sandbox.client().reconnectBaseMs(3_600_000).reconnectMaxMs(3_600_000).build();
    client.addEventHandler(
        "test",
        new EventHandler() {
          @Override
          public void onConnected(StateChange change) {
            connected.incrementAndGet();
          }
        });
    TestSandbox.Outcome<Void> open = new TestSandbox.Outcome<>();
    client.open("alice", "secret", open);
    open.get();
  }

  @After
  public void end() {
    client.close();
    sandbox.close();
  }

  private void lose() throws Exception {
    sandbox.admin("/cut", "{\"user\": \"alice\"}");
    TestSandbox.until("it has seen it", () -> client.state() == State.WAITING, () -> {});
  }

  private void back(int times) throws Exception {
    TestSandbox.until("back", () -> connected.get() == times && client.state() == State.ONLINE, () -> {});
  }

  private ConnectivityManager manager() {
    return (ConnectivityManager) application.getSystemService(Context.CONNECTIVITY_SERVICE);
  }

  // Not Shadows.shadowOf(): that needs the classes of the newest Android to compile.
  private Set<ConnectivityManager.NetworkCallback> callbacks() {
    return Shadow.<ShadowConnectivityManager>extract(manager()).getNetworkCallbacks();
  }

  @Test
  public void reconnectsWhenANetworkComes() throws Exception {
    try (NetworkMonitor monitor = NetworkMonitor.watch(application, client)) {
      assertTrue(monitor.isWatching());
      ConnectivityManager.NetworkCallback callback = callbacks().iterator().next();
      Network wifi = ShadowNetwork.newInstance(1);
      Network mobile = ShadowNetwork.newInstance(2);
      callback.onAvailable(wifi);
      callback.onLost(wifi);
      lose();
      callback.onAvailable(mobile);
      back(2);
      // From one to another: both are there for a moment, then the line, which was over the first, is looked at.
      callback.onAvailable(wifi);
      lose();
      callback.onLost(mobile);
      back(3);
    }
    assertTrue(callbacks().isEmpty());
  }

  @Test
  public void aMonitorThatIsClosedOrWhoseClientIsTellsNobody() throws Exception {
    NetworkMonitor monitor = NetworkMonitor.watch(application, client);
    ConnectivityManager.NetworkCallback callback = callbacks().iterator().next();
    monitor.close();
    monitor.close();
    assertFalse(monitor.isWatching());
    lose();
    callback.onAvailable(ShadowNetwork.newInstance(1)); // one that was on its way
    assertEquals(State.WAITING, client.state());

    NetworkMonitor ofClosed = NetworkMonitor.watch(application, client);
    callback = callbacks().iterator().next();
    client.close();
    callback.onAvailable(ShadowNetwork.newInstance(1));
    assertFalse(ofClosed.isWatching());
    assertTrue(callbacks().isEmpty());
  }

  /** As the system does it for an application without ACCESS_NETWORK_STATE. */
  @Implements(ConnectivityManager.class)
  public static class Refusing extends ShadowConnectivityManager {
    @Implementation
    @Override
    protected void registerNetworkCallback(NetworkRequest request, ConnectivityManager.NetworkCallback callback) {
      throw new SecurityException("ConnectivityService: Neither user 10001 nor current process has ACCESS_NETWORK_STATE");
    }

    @Implementation
    @Override
    protected void unregisterNetworkCallback(ConnectivityManager.NetworkCallback callback) {
      throw new AssertionError("it was not registered");
    }
  }

  @Test
  @Config(shadows = Refusing.class)
  public void withoutThePermissionItDoesNothing() {
    try (NetworkMonitor monitor = NetworkMonitor.watch(application, client)) {
      assertFalse(monitor.isWatching());
    }
    assertEquals(State.ONLINE, client.state());
  }

  @Test
  public void comingToTheForegroundReconnects() throws Exception {
    ForegroundMonitor monitor = ForegroundMonitor.watch(application, client);
    lose();
    ActivityController<Activity> screen = Robolectric.buildActivity(Activity.class).create();
    assertEquals(State.WAITING, client.state());
    screen.start();
    back(2);
    screen.stop();
    lose();
    screen.start();
    back(3);
    monitor.close();
    monitor.close();
    lose();
    screen.stop();
    screen.start();
    assertEquals(State.WAITING, client.state());

    ForegroundMonitor ofClosed = ForegroundMonitor.watch(application, client);
    client.close();
    screen.stop();
    screen.start(); // throws nothing into the application
    ofClosed.close();
  }

  @Test
  public void handlersOnTheMainThreadInOrder() throws Exception {
    List<String> got = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = Collections.synchronizedList(new ArrayList<>());
    Client main = sandbox.client().deviceId("main").executor(new MainLooperExecutor()).build();
    try {
      main.addEventHandler(
          "test",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              threads.add(Thread.currentThread());
              got.add(message.text());
            }
          });
      TestSandbox.Outcome<Void> open = new TestSandbox.Outcome<>();
      main.open("alice", "secret", open);
      TestSandbox.until("online", () -> main.state() == State.ONLINE, () -> ShadowLooper.idleMainLooper());
      sandbox.admin("/push", "{\"user\": \"alice\", \"from\": \"bob\", \"text\": \"one\"}");
      sandbox.admin("/push", "{\"user\": \"alice\", \"from\": \"bob\", \"text\": \"two \uD83D\uDE00\"}");
      TestSandbox.until("messages", () -> got.size() == 2, () -> ShadowLooper.idleMainLooper());
      assertEquals(Arrays.asList("one", "two \uD83D\uDE00"), got);
      assertEquals(Looper.getMainLooper().getThread(), threads.get(0));
      assertEquals(Looper.getMainLooper().getThread(), threads.get(1));
    } finally {
      main.close();
    }
  }

  @Test
  public void nullsAreRefusedAtOnce() {
    assertThrows(NullPointerException.class, () -> NetworkMonitor.watch(application, null));
    assertThrows(NullPointerException.class, () -> ForegroundMonitor.watch(application, null));
  }
}
