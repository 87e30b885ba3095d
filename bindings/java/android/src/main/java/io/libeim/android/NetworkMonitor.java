package io.libeim.android;

import android.content.Context;
import android.net.ConnectivityManager;
import android.net.Network;
import android.net.NetworkCapabilities;
import android.net.NetworkRequest;
import io.libeim.Client;
import io.libeim.EimException;
import io.libeim.ErrorCode;
import java.util.HashSet;
import java.util.Set;

/**
 * Tells a client when networks come and go ({@link Client#networkChanged}): it reconnects at once when there is one again
 * instead of at its next attempt, does not try while there is none, and looks at its line when the device moved from one
 * network to another.
 *
 * <p>The application needs {@code android.permission.ACCESS_NETWORK_STATE}; the library's manifest does not ask for it.
 * Without it the monitor does nothing, {@link #isWatching} says so, and the client finds out by itself, later.
 *
 * <p>The client is held until {@link #close} or until it is found to be closed.
 */
public final class NetworkMonitor implements AutoCloseable {
  private final ConnectivityManager manager;
  private final Set<Network> networks = new HashSet<>(); // guarded by this
  private Client client; // guarded by this; null: closed
  private boolean watching; // guarded by this

  private final ConnectivityManager.NetworkCallback callback =
      new ConnectivityManager.NetworkCallback() {
        @Override
        public void onAvailable(Network network) {
          changed(network, true);
        }

        @Override
        public void onLost(Network network) {
          changed(network, false);
        }
      };

  private NetworkMonitor(ConnectivityManager manager, Client client) {
    this.manager = manager;
    this.client = client;
  }

  /**
   * Watch for a client, from now on. Any thread.
   *
   * @param context any context of the application
   * @param client who is told
   * @return the monitor; close it before the client
   */
  public static NetworkMonitor watch(Context context, Client client) {
    if (client == null) {
      throw new NullPointerException("client");
    }
    // Of the application: an activity's would be kept alive by the callback.
    Context lasting = context.getApplicationContext() == null ? context : context.getApplicationContext();
    NetworkMonitor monitor =
        new NetworkMonitor(
            (ConnectivityManager) lasting.getSystemService(Context.CONNECTIVITY_SERVICE), client);
    monitor.start();
    return monitor;
  }

  private void start() {
    if (manager == null) {
      return;
    }
    NetworkRequest request =
        new NetworkRequest.Builder().addCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET).build();
    synchronized (this) {
      try {
        manager.registerNetworkCallback(request, callback);
        watching = true;
      } catch (SecurityException withoutPermission) {
        watching = false;
      }
    }
  }

  /**
   * Does it work?
   *
   * @return false: the application lacks the permission, or the monitor is closed
   */
  public synchronized boolean isWatching() {
    return watching;
  }

  // On a thread of the ConnectivityManager.
  private void changed(Network network, boolean up) {
    boolean any;
    Client told;
    synchronized (this) {
      if (up) {
        networks.add(network);
      } else {
        networks.remove(network);
      }
      any = !networks.isEmpty();
      told = client;
    }
    // One is gone and another is there: the line may have been over the one that is gone, so it is looked at.
    if (told != null && !tell(told, any)) {
      close();
    }
  }

  /** False: the client is closed, and nobody is to be told any more. */
  static boolean tell(Client client, boolean up) {
    try {
      client.networkChanged(up);
      return true;
    } catch (EimException error) {
      if (error.code() == ErrorCode.E_CLOSED) {
        return false;
      }
      throw error;
    }
  }

  /** Watch no more. Idempotent; any thread. */
  @Override
  public void close() {
    synchronized (this) {
      client = null;
      networks.clear();
      if (!watching) {
        return;
      }
      watching = false;
    }
    manager.unregisterNetworkCallback(callback);
  }
}
