package io.libeim.example;

import android.annotation.TargetApi;
import android.app.Notification;
import android.app.NotificationChannel;
import android.app.NotificationManager;
import android.app.PendingIntent;
import android.app.Service;
import android.content.Context;
import android.content.Intent;
import android.os.Binder;
import android.os.Build;
import android.os.IBinder;
import io.libeim.Client;
import io.libeim.EimException;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.ResultCallback;
import io.libeim.SendResult;
import io.libeim.StateChange;
import io.libeim.android.ForegroundMonitor;
import io.libeim.android.MainLooperExecutor;
import io.libeim.android.NetworkMonitor;
import java.io.File;

/**
 * Holds the session, so that it outlives the activity. It runs in the foreground (with a notification) from login to logout;
 * all of it on the main thread: that is what {@link MainLooperExecutor} is for, and no call of the library waits.
 *
 * <p>Callbacks, not futures: so it runs on API 21 too.
 */
public final class LibeimService extends Service {
  private static final String CHANNEL = "session";
  private static final int NOTIFICATION = 1;

  /** Who shows things. Main thread. */
  interface Listener {
    void onLine(String line);

    void onState(String state);
  }

  /** What an activity gets by binding; it is in the same process. */
  final class Local extends Binder {
    LibeimService service() {
      return LibeimService.this;
    }
  }

  private final IBinder binder = new Local();
  private Listener listener;
  private Client client;
  private NetworkMonitor network;
  private ForegroundMonitor foreground;

  @Override
  public IBinder onBind(Intent intent) {
    return binder;
  }

  @Override
  public int onStartCommand(Intent intent, int flags, int startId) {
    if (client == null) { // over before this came
      stopSelf(startId);
    }
    return START_NOT_STICKY; // the system would start it without a login
  }

  @Override
  public void onDestroy() {
    end();
    super.onDestroy();
  }

  void setListener(Listener listener) {
    this.listener = listener;
  }

  boolean isLoggedIn() {
    return client != null;
  }

  /** Start to be logged in. How it went comes to the listener. */
  void login(Settings settings) {
    end();
    Client made;
    try {
      made = settings.builder().executor(new MainLooperExecutor()).stateDir(stateDir()).build();
    } catch (EimException error) { // such as an app key that is none
      line(error.getMessage());
      return;
    }
    client = made;
    start();
    network = NetworkMonitor.watch(this, made);
    foreground = ForegroundMonitor.watch(getApplication(), made);
    made.addEventHandler("service", new Events());
    made.open(
        settings.user,
        settings.password,
        new ResultCallback<Void>() {
          @Override
          public void onResult(Void nothing) {
            line("* logged in as " + made.user());
          }

          @Override
          public void onError(EimException error) {
            line("* no login: " + error.getMessage());
            if (client == made) {
              end();
            }
          }
        });
  }

  /** Send a text; what became of it comes to the listener. */
  void send(String to, String text) {
    if (client == null) {
      line("* not logged in");
      return;
    }
    client.send(
        Message.text(to, text).build(),
        new ResultCallback<SendResult>() {
          @Override
          public void onResult(SendResult sent) {
            line("to " + to + ": " + text);
          }

          @Override
          public void onError(EimException error) {
            line("* not sent" + (error.mayHaveHappened() ? ", perhaps" : "") + ": " + error.getMessage());
          }
        });
  }

  /** Log out, end the client and the service. */
  void logout() {
    end();
  }

  private final class Events implements EventHandler {
    @Override
    public void onState(StateChange change) {
      state(change.state().toString().toLowerCase(java.util.Locale.ROOT));
    }

    @Override
    public void onMessage(Message message) {
      line(message.from() + ": " + (message.text() != null ? message.text() : message.bodyJson()));
    }

    @Override
    public void onDisconnected(StateChange change) {
      if (change.cause() != null) { // another device took over, the account is gone … : logging in again is for people
        line("* the session is over: " + change.cause().getMessage());
        end();
      }
    }
  }

  @SuppressWarnings("deprecation") // stopForeground(int) is there from API 24 on
  private void end() {
    if (client == null) {
      return;
    }
    foreground.close();
    network.close();
    client.close(); // does not wait; in a handler, too
    client = null;
    state("offline");
    stopForeground(true);
    stopSelf();
  }

  private void line(String line) {
    if (listener != null) {
      listener.onLine(line);
    }
  }

  private void state(String state) {
    if (client != null) {
      manager().notify(NOTIFICATION, notification(state));
    }
    if (listener != null) {
      listener.onState(state);
    }
  }

  private String stateDir() {
    File folder = new File(getNoBackupFilesDir(), "session"); // a device id in a backup would make two devices one
    folder.mkdirs();
    return folder.getPath();
  }

  // ---- in the foreground

  private void start() {
    Intent intent = new Intent(this, LibeimService.class);
    if (Build.VERSION.SDK_INT >= 26) {
      startInForeground(intent);
    } else {
      startService(intent);
    }
    // Here and not in onStartCommand(): a login that fails at once would be faster, and the system takes it ill when a service
    // that was to be in the foreground stops before it was.
    startForeground(NOTIFICATION, notification("connecting"));
  }

  @TargetApi(26)
  private void startInForeground(Intent intent) {
    startForegroundService(intent);
  }

  private NotificationManager manager() {
    return (NotificationManager) getSystemService(Context.NOTIFICATION_SERVICE);
  }

  private Notification notification(String state) {
    Intent show = new Intent(this, ChatActivity.class);
    int flags = Build.VERSION.SDK_INT >= 23 ? 0x04000000 /* PendingIntent.FLAG_IMMUTABLE */ : 0;
    return builder()
        .setSmallIcon(android.R.drawable.stat_notify_chat)
        .setContentTitle("libeim")
        .setContentText(state)
        .setContentIntent(PendingIntent.getActivity(this, 0, show, flags))
        .setOngoing(true)
        .build();
  }

  @SuppressWarnings("deprecation") // of 21 to 25
  private Notification.Builder builder() {
    return Build.VERSION.SDK_INT >= 26 ? builderWithChannel() : new Notification.Builder(this);
  }

  @TargetApi(26)
  private Notification.Builder builderWithChannel() {
    manager().createNotificationChannel(new NotificationChannel(CHANNEL, "Session", NotificationManager.IMPORTANCE_LOW));
    return new Notification.Builder(this, CHANNEL);
  }
}
