package io.libeim.example;

import android.app.Activity;
import android.content.ComponentName;
import android.content.Context;
import android.content.Intent;
import android.content.ServiceConnection;
import android.os.Build;
import android.os.Bundle;
import android.os.IBinder;
import android.annotation.TargetApi;
import android.text.InputType;
import android.view.View;
import android.widget.Button;
import android.widget.EditText;
import android.widget.LinearLayout;
import android.widget.ScrollView;
import android.widget.TextView;

/** Fields for the login, one line to send, and what happened. The session is the service's. */
public final class ChatActivity extends Activity implements LibeimService.Listener {
  private LibeimService service;
  private EditText appKey;
  private EditText user;
  private EditText password;
  private EditText server;
  private EditText to;
  private EditText text;
  private TextView state;
  private TextView lines;

  private final ServiceConnection connection =
      new ServiceConnection() {
        @Override
        public void onServiceConnected(ComponentName name, IBinder binder) {
          service = ((LibeimService.Local) binder).service();
          service.setListener(ChatActivity.this);
        }

        @Override
        public void onServiceDisconnected(ComponentName name) {
          service = null;
        }
      };

  @Override
  protected void onCreate(Bundle saved) {
    super.onCreate(saved);
    LinearLayout page = new LinearLayout(this);
    page.setOrientation(LinearLayout.VERTICAL);
    appKey = field(page, "app key: org#app", "sandbox#demo");
    server = field(page, "server, empty: the service", "http://10.0.2.2:8080");
    user = field(page, "user", "");
    password = field(page, "password", "");
    password.setInputType(InputType.TYPE_CLASS_TEXT | InputType.TYPE_TEXT_VARIATION_PASSWORD);
    button(page, "Log in", view -> login());
    button(page, "Log out", view -> logout());
    state = new TextView(this);
    state.setText("offline");
    page.addView(state);
    to = field(page, "to", "");
    text = field(page, "text", "");
    button(page, "Send", view -> send());
    lines = new TextView(this);
    page.addView(lines);
    ScrollView scroll = new ScrollView(this);
    scroll.addView(page);
    setContentView(scroll);
    if (Build.VERSION.SDK_INT >= 33) {
      askForNotifications();
    }
  }

  @TargetApi(23)
  private void askForNotifications() {
    requestPermissions(new String[] {"android.permission.POST_NOTIFICATIONS"}, 0);
  }

  @Override
  protected void onStart() {
    super.onStart();
    bindService(new Intent(this, LibeimService.class), connection, Context.BIND_AUTO_CREATE);
  }

  @Override
  protected void onStop() {
    if (service != null) {
      service.setListener(null);
      service = null;
    }
    unbindService(connection);
    super.onStop();
  }

  private void login() {
    if (service != null) {
      service.login(new Settings(value(appKey), value(user), value(password), value(server)));
      password.setText("");
    }
  }

  private void logout() {
    if (service != null) {
      service.logout();
    }
  }

  private void send() {
    if (service != null && !value(text).isEmpty()) {
      service.send(value(to), value(text));
      text.setText("");
    }
  }

  @Override
  public void onLine(String line) {
    lines.append(line + "\n");
  }

  @Override
  public void onState(String now) {
    state.setText(now);
  }

  private EditText field(LinearLayout page, String hint, String value) {
    EditText field = new EditText(this);
    field.setHint(hint);
    field.setText(value);
    field.setTag(hint);
    page.addView(field);
    return field;
  }

  private void button(LinearLayout page, String label, View.OnClickListener action) {
    Button button = new Button(this);
    button.setText(label);
    button.setTag(label);
    button.setOnClickListener(action);
    page.addView(button);
  }

  private static String value(EditText field) {
    return field.getText().toString().trim();
  }
}
