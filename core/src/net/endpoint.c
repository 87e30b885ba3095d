#include "net/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "net/http.h"
#include "net/ws.h"

enum { LINGER_MS = 10000 };

static bool same_list(char *const *a, char *const *b) {
  size_t i = 0;
  while (a && b && a[i] && b[i] && !strcmp(a[i], b[i])) i++;
  return (!a || !a[i]) && (!b || !b[i]);
}

static bool is_same(const eim_settings *a, const eim_settings *b) {
  return a == b ||
         (a->ip_version == b->ip_version && a->connect_timeout == b->connect_timeout &&
          !strcmp(a->ca_file, b->ca_file) && !strcmp(a->client_cert, b->client_cert) &&
          !strcmp(a->client_key, b->client_key) && same_list(a->pinned_keys, b->pinned_keys) &&
          !a->proxy == !b->proxy && (!a->proxy || eim_secret_equal(a->proxy, b->proxy)));
}

static void destroy(eim_endpoint *self) {
  for (eim_endpoint **at = &self->loop->endpoints; *at; at = &(*at)->next)
    if (*at == self) {
      *at = self->next;
      break;
    }
  eim_http_pool_free(self->http);
  eim_ws_drop_vhosts(self);
  eim_tls_free(self->tls);
  eim_alarm_clear(&self->loop->alarms, &self->alarm);
  eim_alarms_release(&self->loop->alarms, 1);
  eim_object_unref(self->settings);
  free(self);
}

static void on_alarm(eim_alarm *alarm) {
  eim_endpoint *self = (eim_endpoint *)((char *)alarm - offsetof(eim_endpoint, alarm));
  if (!self->refs) destroy(self);
}

void eim_endpoint_free_all(eim_loop *loop) {
  while (loop->endpoints) destroy(loop->endpoints);
}

eim_endpoint *eim_endpoint_get(eim_loop *loop, eim_settings *settings) {
  for (eim_endpoint *e = loop->endpoints; e; e = e->next)
    if (is_same(e->settings, settings)) {
      e->refs++;
      eim_alarm_clear(&loop->alarms, &e->alarm);
      return e;
    }
  eim_endpoint *self = calloc(1, sizeof *self);
  if (!self || !eim_alarms_reserve(&loop->alarms, 1)) {
    free(self);
    return NULL;
  }
  self->refs = 1;
  self->alarm.fire = on_alarm;
  self->loop = loop;
  self->settings = eim_object_ref(settings);
  self->next = loop->endpoints;
  loop->endpoints = self;
  return self;
}

eim_tls *eim_endpoint_tls(eim_endpoint *self, eim_error **error) {
  if (!self->tls) self->tls = eim_tls_new(self->settings, error);
  return self->tls;
}

void eim_endpoint_unref(eim_endpoint *self) {
  if (!self || --self->refs || self->loop->ending) return;
  eim_alarm_set(&self->loop->alarms, &self->alarm, eim_mono_ms() + LINGER_MS);
}
