package io.libeim;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The handler set of a client, and its requests that are open. */
final class ClientSink extends Sink {
  /** Makes the answer of what C says. */
  interface Converter<T> {
    T convert(eim_result result);
  }

  private static final class Pending<T> {
    final Converter<T> converter;
    final ResultCallback<T> callback;

    Pending(Converter<T> converter, ResultCallback<T> callback) {
      this.converter = converter;
      this.callback = callback;
    }

    void finish(eim_result result) {
      EimException error = EimException.of(result.error());
      if (error != null) {
        callback.onError(error);
      } else {
        callback.onResult(converter.convert(result));
      }
    }
  }

  private final WeakReference<Client> client;
  private final Context context;
  private final Deliveries deliveries;
  private final Map<Long, Pending<?>> pending = new ConcurrentHashMap<>();
  private final AtomicLong tokens = new AtomicLong();

  ClientSink(Client client, Deliveries deliveries) {
    this.client = new WeakReference<>(client);
    this.context = client.context;
    this.deliveries = deliveries;
  }

  /** Before the client is shut down: the thread that delivers must not wait for room any more. */
  void stop() {
    if (deliveries != null) {
      deliveries.stop();
    }
  }

  long nextToken() {
    return tokens.incrementAndGet();
  }

  <T> void begin(long token, Converter<T> converter, ResultCallback<T> callback) {
    pending.put(token, new Pending<>(converter, callback));
  }

  /** False: it is over already. */
  boolean forget(long token) {
    return pending.remove(token) != null;
  }

  /** The client is shut down: results that were not delivered will not be. */
  void failAll() {
    for (Long token : pending.keySet()) {
      Pending<?> one = pending.remove(token);
      if (one != null) {
        try {
          one.callback.onError(EimException.local(ErrorCode.E_CLOSED, "client: closed"));
        } catch (Throwable error) {
          Context.report(error);
        }
      }
    }
  }

  @Override
  boolean wants(int event) {
    return event != TOKEN_REQUEST && event <= RESULT;
  }

  @Override
  void deliver(int event, long payload) {
    try {
      if (event == RESULT) {
        eim_result result = new eim_result(payload, false);
        Pending<?> one = pending.remove(result.token());
        if (one != null) {
          one.finish(result);
        }
        return;
      }
      Client to = client.get();
      if (to != null) {
        to.deliver(event, payload);
      }
    } catch (Throwable error) {
      context.handlerThrew(error);
    }
  }
}
