/* discovery.c - which hosts to use: HTTP DNS (docs/protocol.md 2) or the addresses of the options.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "session/internal.h"
#include "session/request.h"

#define ANSWER_MAX (1024 * 1024)
/* A list this young is not asked for again at open(). */
#define FRESH_MS 60000

static bool has_fixed(const eim_session *self) {
  return self->settings->api_url[0] && self->settings->url[0];
}

static void fail(eim_session *self, eim_error *error) {
  eim_error_unref(self->discovery_error);
  self->discovery_error = error;
}

static void ask(eim_session *self) {
  const eim_settings *s = self->settings;
  eim_buf url = EIM_BUF_INIT;
  eim_buf_printf(&url, "%s?app_key=", s->dns_urls[self->discovery_index]);
  eim_buf_url(&url, s->app_key);
  eim_buf_printf(&url, "&_v=%" PRId64, self->now.wall);
  self->discovery_http = eim_session_next_id(self);
  self->discovery_deadline = self->now.mono + s->request_timeout;
  eim_http_request request = {.id = self->discovery_http,
                              .method = EIM_HTTP_GET,
                              .url = url.failed ? "" : (const char *)url.data,
                              .ip = "",
                              .max_answer = ANSWER_MAX};
  self->io.http(self->io.user, &request);
  eim_buf_free(&url);
  eim_session_arm_deadlines(self);
}

eim_found eim_discovery_need(eim_session *self, bool refresh) {
  if (!self->settings->is_http_dns) return EIM_FOUND;
  if (self->discovery_http) return EIM_FINDING;
  bool fresh = self->hosts_fetched && self->now.mono - self->hosts_at < FRESH_MS;
  if (self->hosts_fetched && (fresh || !refresh)) return EIM_FOUND;
  if (!self->settings->dns_urls || !self->settings->dns_urls[0]) {
    fail(self, eim_error_new(EIM_CODE_SERVER_GET_DNSLIST_FAILED, EIM_DOMAIN_LOCAL, EIM_E_INVALID,
                             EIM_ERROR_FINAL, "isHttpDNS is on but dnsUrls is empty"));
    return has_fixed(self) ? EIM_FOUND : EIM_NOT_FOUND;
  }
  self->discovery_index = 0;
  fail(self, NULL);
  ask(self);
  return EIM_FINDING;
}

static void finished(eim_session *self, bool found) {
  self->discovery_http = 0;
  eim_session_arm_deadlines(self);
  if (self->state == EIM_STATE_RESOLVING) eim_login_resolved(self, found);
  eim_side_resolved(self, found);
  eim_request_resolved(self, found);
}

/* This bootstrap host did not help: the next one at once, as the real SDK does. Consumes error. */
static void next(eim_session *self, eim_error *error) {
  SESSION_LOG(EIM_LOG_WARN, self, "host discovery at %s failed: %s",
              self->settings->dns_urls[self->discovery_index], eim_error_message(error));
  eim_buf detail = EIM_BUF_INIT;
  eim_buf_str(&detail, "{\"cause\":");
  eim_buf_json_str(&detail, eim_error_message(error));
  eim_buf_printf(&detail, ",\"causeCode\":%d,\"detail\":%s}", (int)eim_error_code(error),
                 eim_error_detail(error));
  fail(self, eim_error_new_detail(EIM_CODE_SERVER_GET_DNSLIST_FAILED, eim_error_domain(error),
                                  eim_error_native(error), EIM_ERROR_RETRIABLE,
                                  detail.failed ? NULL : (const char *)detail.data,
                                  "no host list: %s", eim_error_message(error)));
  eim_buf_free(&detail);
  eim_error_unref(error);
  self->discovery_index++;
  if (self->settings->dns_urls[self->discovery_index]) {
    ask(self);
    return;
  }
  /* An old list, or addresses that the application gave, are better than nothing. */
  finished(self, self->hosts_fetched || has_fixed(self));
}

void eim_discovery_answer(eim_session *self, const eim_input *input) {
  self->discovery_http = 0;
  if (input->error) {
    next(self, (eim_error *)eim_error_ref(input->error));
    return;
  }
  if (input->http_status != 200) {
    next(self, eim_rest_error(EIM_REST_OTHER, input->http_status, input->bytes, input->length));
    return;
  }
  eim_host_list list;
  eim_error *error = eim_hosts_parse(&list, input->bytes, input->length, self->settings->https);
  if (error) {
    next(self, error);
    return;
  }
  eim_hosts_free(&self->hosts);
  self->hosts = list;
  self->hosts_fetched = true;
  self->hosts_at = self->now.mono;
  self->rest_index = self->message_index = 0;
  eim_report_switch(self, list.report_logs, list.report_interval_ms);
  finished(self, true);
}

void eim_discovery_timeout(eim_session *self) {
  if (!self->discovery_http || self->now.mono < self->discovery_deadline) return;
  self->io.http_cancel(self->io.user, self->discovery_http);
  self->discovery_http = 0;
  next(self,
       eim_error_new(EIM_CODE_SERVER_TIMEOUT, EIM_DOMAIN_LOCAL, EIM_E_TIMEOUT, EIM_ERROR_RETRIABLE,
                     "no answer within %d ms", self->settings->request_timeout));
}

void eim_discovery_stop(eim_session *self) {
  if (self->discovery_http) self->io.http_cancel(self->io.user, self->discovery_http);
  self->discovery_http = 0;
}

void eim_discovery_rest(const eim_session *self, const char *path, eim_buf *url, const char **ip) {
  const eim_settings *s = self->settings;
  *ip = "";
  if (self->hosts_fetched && self->hosts.rest_count) {
    const eim_host *host = &self->hosts.rest[self->rest_index % self->hosts.rest_count];
    bool v6 = strchr(host->domain, ':') != NULL;
    eim_buf_printf(url, "%s://%s%s%s:%u", host->tls ? "https" : "http", v6 ? "[" : "", host->domain,
                   v6 ? "]" : "", (unsigned)host->port);
    *ip = host->ip;
  } else {
    eim_buf_str(url, s->api_url);
  }
  eim_buf_str(url, "/");
  eim_buf_url(url, s->org);
  eim_buf_str(url, "/");
  eim_buf_url(url, s->app);
  eim_buf_str(url, path);
}
