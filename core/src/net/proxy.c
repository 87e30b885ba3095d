#include "net/proxy.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static const char *from_env(const char *name, const char *upper) {
  const char *value = getenv(name);
  if ((!value || !*value) && upper) value = getenv(upper);
  return value && *value ? value : NULL;
}

static bool is_exempt(const char *host) {
  const char *list = from_env("no_proxy", "NO_PROXY");
  if (!list) return false;
  size_t host_length = strlen(host);
  for (const char *at = list; *at;) {
    size_t length = strcspn(at, ", ");
    const char *name = at;
    at += length;
    at += strspn(at, ", ");
    if (length == 1 && *name == '*') return true;
    if (length && *name == '.') {
      name++;
      length--;
    }
    if (!length || length > host_length) continue;
    const char *tail = host + host_length - length;
    if (!strncasecmp(tail, name, length) && (tail == host || tail[-1] == '.')) return true;
  }
  return false;
}

static eim_secret *part(CURLU *url, CURLUPart which) {
  char *text = NULL;
  if (curl_url_get(url, which, &text, CURLU_URLDECODE) || !text) return NULL;
  eim_secret *secret = eim_secret_new(text);
  eim_wipe(text, strlen(text));
  curl_free(text);
  return secret;
}

void eim_proxy_clear(eim_proxy *self) {
  free(self->host);
  eim_secret_unref(self->user);
  eim_secret_unref(self->password);
  *self = (eim_proxy){0};
}

static bool parse(const char *text, eim_proxy *out) {
  CURLU *url = curl_url();
  char *scheme = NULL, *host = NULL, *port = NULL;
  int64_t number = 0;
  bool ok =
      url &&
      !curl_url_set(url, CURLUPART_URL, text, CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME) &&
      !curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) &&
      !curl_url_get(url, CURLUPART_HOST, &host, 0) && *host;
  if (ok) {
    /* "host:port" alone: curl's default scheme is https, a bare proxy is an http one. */
    if (!strstr(text, "://") || !strcmp(scheme, "http")) {
      out->kind = EIM_PROXY_HTTP;
    } else if (!strcmp(scheme, "https")) {
      out->kind = EIM_PROXY_HTTPS;
    } else if (!strcmp(scheme, "socks5") || !strcmp(scheme, "socks5h")) {
      out->kind = EIM_PROXY_SOCKS5;
    } else {
      ok = false;
    }
    out->port = out->kind == EIM_PROXY_HTTPS ? 443 : 1080; /* curl's defaults */
    if (ok && !curl_url_get(url, CURLUPART_PORT, &port, 0)) {
      ok = eim_parse_i64(port, &number) && number > 0 && number < 65536;
      out->port = (uint16_t)number;
    }
    size_t length = strlen(host);
    if (length > 2 && host[0] == '[') { /* an IPv6 literal */
      host[length - 1] = 0;
      out->host = eim_strdup(host + 1);
    } else {
      out->host = eim_strdup(host);
    }
    ok = ok && out->host;
    if (ok) {
      out->user = part(url, CURLUPART_USER);
      out->password = part(url, CURLUPART_PASSWORD);
    }
  }
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  curl_url_cleanup(url);
  return ok;
}

bool eim_proxy_for(const eim_settings *settings, const char *host, bool tls, eim_proxy *out,
                   eim_error **error) {
  *out = (eim_proxy){0};
  const char *text = eim_secret_text(settings->proxy);
  if (!strcmp(text, "env")) {
    /* The upper-case HTTP_PROXY is not read: a CGI host lets its clients set it. */
    text = tls ? from_env("https_proxy", "HTTPS_PROXY") : from_env("http_proxy", NULL);
    if (!text) text = from_env("all_proxy", "ALL_PROXY");
    if (!text || is_exempt(host)) return true;
  }
  if (!*text) return true;
  if (parse(text, out)) return true;
  eim_proxy_clear(out);
  *error = eim_error_new_detail(
      EIM_E_INVALID, EIM_DOMAIN_LOCAL, EIM_E_INVALID, EIM_ERROR_FINAL, "{\"what\":\"proxy\"}",
      "proxy: not of the form http://, https:// or socks5://[user:password@]host:port");
  return false;
}
