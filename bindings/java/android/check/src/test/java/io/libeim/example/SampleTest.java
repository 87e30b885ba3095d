package io.libeim.example;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.Application;
import android.app.Notification;
import android.app.Service;
import android.content.ComponentName;
import android.content.Intent;
import android.os.Build;
import android.view.View;
import android.view.ViewGroup;
import android.widget.EditText;
import android.widget.TextView;
import io.libeim.Client;
import io.libeim.EventHandler;
import io.libeim.Message;
import io.libeim.android.TestSandbox;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.android.controller.ServiceController;
import org.robolectric.shadow.api.Shadow;
import org.robolectric.shadows.ShadowApplication;
import org.robolectric.shadows.ShadowLooper;
import org.robolectric.shadows.ShadowService;

/** examples/android as a person would use it: fill in, log in, talk, be thrown out. */
@RunWith(RobolectricTestRunner.class)
public class SampleTest {
  private final Application application = RuntimeEnvironment.getApplication();
  private TestSandbox sandbox;
  private ServiceController<LibeimService> service;
  private ActivityController<ChatActivity> screen;
  private View page;

  @Before
  public void open() throws Exception {
    sandbox = new TestSandbox("--user", "alice:secret", "--user", "bob:secret");
    service = Robolectric.buildService(LibeimService.class).create();
    Shadow.<ShadowApplication>extract(application)
        .setComponentNameAndServiceForBindService(
            new ComponentName(application, LibeimService.class), service.get().onBind(null));
    screen = Robolectric.buildActivity(ChatActivity.class).create().start().resume();
    page = screen.get().getWindow().getDecorView();
    Shadow.<ShadowApplication>extract(application).clearStartedServices(); // binding counts, too
    ShadowLooper.idleMainLooper();
  }

  @After
  public void close() {
    service.destroy();
    sandbox.close();
  }

  private <V extends View> V view(String tag) {
    V view = page.findViewWithTag(tag);
    assertNotNull(tag, view);
    return view;
  }

  private void fill(String field, String value) {
    this.<EditText>view(field).setText(value);
  }

  private void press(String button) {
    assertTrue(view(button).performClick());
  }

  private static String words(View view) {
    if (!(view instanceof ViewGroup)) {
      return view instanceof TextView ? ((TextView) view).getText() + "\n" : "";
    }
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
      all.append(words(((ViewGroup) view).getChildAt(i)));
    }
    return all.toString();
  }

  /** Waits until the screen says so. */
  private void shows(String what) throws Exception {
    try {
      TestSandbox.until(what, () -> words(page).contains(what), ShadowLooper::idleMainLooper);
    } catch (AssertionError error) {
      throw new AssertionError(error.getMessage() + "\n" + words(page));
    }
  }

  private ShadowService shadow() {
    return Shadow.extract((Service) service.get());
  }

  private void logIn(String password) throws Exception {
    fill("app key: org#app", sandbox.fact("appKey"));
    fill("server, empty: the service", sandbox.fact("apiUrl"));
    fill("user", "alice");
    fill("password", password);
    press("Log in");
    // The system's part: it starts the service that asked to be started.
    Intent started = Shadow.<ShadowApplication>extract(application).getNextStartedService();
    assertEquals(LibeimService.class.getName(), started.getComponent().getClassName());
    service.get().onStartCommand(started, 0, 1);
  }

  @Test
  public void aConversation() throws Exception {
    logIn("secret");
    shows("* logged in as alice");
    shows("online");
    assertEquals("", this.<EditText>view("password").getText().toString());
    Notification notification = shadow().getLastForegroundNotification();
    assertNotNull(notification);
    if (Build.VERSION.SDK_INT >= 26) {
      assertEquals("session", notification.getChannelId());
    }

    try (Client bob = sandbox.client().build()) {
      bob.addEventHandler(
          "echo",
          new EventHandler() {
            @Override
            public void onMessage(Message message) {
              bob.send(message.reply("echo " + message.text()).build());
            }
          });
      TestSandbox.Outcome<Void> open = new TestSandbox.Outcome<>();
      bob.open("bob", "secret", open);
      open.get();
      fill("to", "bob");
      fill("text", "hello \uD83D\uDE00");
      press("Send");
      shows("to bob: hello \uD83D\uDE00");
      shows("bob: echo hello \uD83D\uDE00");
    }

    // The screen goes and comes; the session stays.
    screen.pause().stop();
    assertTrue(service.get().isLoggedIn());
    sandbox.admin("/push", "{\"user\": \"alice\", \"from\": \"bob\", \"text\": \"nobody looks\"}");
    screen.restart().start().resume();
    ShadowLooper.idleMainLooper();
    sandbox.admin("/push", "{\"user\": \"alice\", \"from\": \"bob\", \"text\": \"still there?\"}");
    shows("bob: still there?");

    press("Log out");
    shows("offline");
    assertFalse(service.get().isLoggedIn());
    assertTrue(shadow().isStoppedBySelf());
    press("Log out"); // again
    fill("to", "bob");
    fill("text", "too late");
    press("Send");
    shows("* not logged in");
  }

  @Test
  public void aWrongPasswordAndAWrongKeySaySo() throws Exception {
    logIn("wrong");
    shows("* no login: ");
    assertFalse(service.get().isLoggedIn());
    fill("app key: org#app", "nonsense");
    press("Log in");
    shows("appKey");
    assertNull(Shadow.<ShadowApplication>extract(application).getNextStartedService());
  }

  @Test
  public void thrownOutByAnotherDevice() throws Exception {
    logIn("secret");
    shows("* logged in as alice");
    sandbox.admin("/kick", "{\"user\": \"alice\", \"operation\": 2, \"reason\": \"phone\"}");
    shows("* the session is over: ");
    shows("offline");
    assertFalse(service.get().isLoggedIn());
    assertTrue(shadow().isStoppedBySelf());
    logIn("secret");
    shows("online");
  }
}
