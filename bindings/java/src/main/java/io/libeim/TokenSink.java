package io.libeim;

import java.lang.ref.WeakReference;

/** The handler set whose presence makes the application the one that provides tokens. */
final class TokenSink extends Sink {
  private final WeakReference<Client> client;

  TokenSink(Client client) {
    this.client = new WeakReference<>(client);
  }

  @Override
  boolean wants(int event) {
    return event == TOKEN_REQUEST;
  }

  @Override
  void deliver(int event, long payload) {
    Client to = client.get();
    if (to != null) {
      to.tokenWanted(new TokenEvent(new eim_token_event(payload, false)));
    }
  }
}
