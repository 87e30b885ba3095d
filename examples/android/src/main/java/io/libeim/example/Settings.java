package io.libeim.example;

import io.libeim.Client;

/** What the user filled in. */
final class Settings {
  final String appKey;
  final String user;
  final String password;
  /** {@code http://10.0.2.2:8080}: the sandbox on the machine that runs the emulator; empty: the service. */
  final String server;

  Settings(String appKey, String user, String password, String server) {
    this.appKey = appKey;
    this.user = user;
    this.password = password;
    this.server = server;
  }

  Client.Builder builder() {
    Client.Builder builder = Client.builder(appKey).osPlatform("android").isFixedDeviceId(true);
    if (!server.isEmpty()) {
      builder.apiUrl(server).url(server.replaceFirst("^http", "ws") + "/websocket");
    }
    return builder;
  }
}
