package io.libeim.android;

import android.app.Activity;
import android.app.Application;
import android.os.Bundle;
import io.libeim.Client;

/**
 * When the application comes back to the screen, its client looks at its line at once and reconnects at once. While it was
 * away (Doze, a frozen process) timers did not run and the line may be long dead, which would otherwise be noticed only by
 * the next heartbeat.
 *
 * <p>The client is held until {@link #close} or until it is found to be closed.
 */
public final class ForegroundMonitor implements AutoCloseable {
  private final Application application;
  private final Application.ActivityLifecycleCallbacks callbacks = new Callbacks();
  private Client client; // main thread only, as all below
  private int started;
  private boolean closed;

  private ForegroundMonitor(Application application, Client client) {
    this.application = application;
    this.client = client;
  }

  /**
   * Watch for a client, from now on. Main thread, as {@link #close}.
   *
   * @param application the application
   * @param client who is told
   * @return the monitor; close it before the client
   */
  public static ForegroundMonitor watch(Application application, Client client) {
    if (client == null) {
      throw new NullPointerException("client");
    }
    ForegroundMonitor monitor = new ForegroundMonitor(application, client);
    application.registerActivityLifecycleCallbacks(monitor.callbacks);
    return monitor;
  }

  /** Watch no more. Idempotent. */
  @Override
  public void close() {
    client = null;
    if (!closed) {
      closed = true;
      application.unregisterActivityLifecycleCallbacks(callbacks);
    }
  }

  private final class Callbacks implements Application.ActivityLifecycleCallbacks {
    @Override
    public void onActivityStarted(Activity activity) {
      if (started++ == 0 && client != null && !NetworkMonitor.tell(client, true)) {
        close();
      }
    }

    @Override
    public void onActivityStopped(Activity activity) {
      started = Math.max(0, started - 1); // one that was there before us
    }

    @Override
    public void onActivityCreated(Activity activity, Bundle state) {}

    @Override
    public void onActivityResumed(Activity activity) {}

    @Override
    public void onActivityPaused(Activity activity) {}

    @Override
    public void onActivitySaveInstanceState(Activity activity, Bundle state) {}

    @Override
    public void onActivityDestroyed(Activity activity) {}
  }
}
