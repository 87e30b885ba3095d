#include <arpa/inet.h>
#include <string.h>

#include "wire/hosts.h"

static bool starts(const char **text, const char *with) {
  size_t i = 0;
  for (; with[i]; i++) {
    char c = (*text)[i];
    if (c >= 'A' && c <= 'Z') c = (char)(c + 32); /* schemes are not case sensitive */
    if (c != with[i]) return false;
  }
  *text += i;
  return true;
}

static bool take_scheme(const char **text, bool ws, bool *tls) {
  *tls = starts(text, ws ? "wss://" : "https://");
  return *tls || starts(text, ws ? "ws://" : "http://");
}

static bool is_name(const char *host) {
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return *host && *host != '.' && host[strspn(host, allowed)] == 0;
}

bool eim_url_is_host(const char *text) {
  struct in6_addr ignored;
  return is_name(text) || inet_pton(AF_INET6, text, &ignored) == 1;
}

/* "name", "1.2.3.4" or "[::1]", up to `end`. */
static bool take_host(eim_url *out, const char **text, const char *end) {
  const char *start = *text, *stop;
  bool bracket = *start == '[';
  if (bracket) {
    start++;
    stop = memchr(start, ']', (size_t)(end - start));
    if (!stop) return false;
    *text = stop + 1;
  } else {
    stop = memchr(start, ':', (size_t)(end - start));
    if (!stop) stop = end;
    *text = stop;
  }
  size_t length = (size_t)(stop - start);
  if (!length || length >= sizeof out->host) return false;
  memcpy(out->host, start, length);
  out->host[length] = 0;
  struct in6_addr ignored;
  return bracket ? inet_pton(AF_INET6, out->host, &ignored) == 1 : is_name(out->host);
}

static bool take_port(eim_url *out, const char *text, const char *end) {
  uint32_t port = 0;
  if (text == end) {
    out->port = out->tls ? 443 : 80;
    return true;
  }
  if (*text++ != ':' || text == end || end - text > 5) return false;
  for (; text < end; text++) {
    if (*text < '0' || *text > '9') return false;
    port = port * 10 + (uint32_t)(*text - '0');
  }
  out->port = (uint16_t)port;
  return port > 0 && port <= 65535;
}

static bool take_path(eim_url *out, const char *text) {
  for (const char *c = text; *c; c++)
    if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr("#\\\"<>", *c))
      return false;
  bool slash = *text == '?';
  if (strlen(text) + slash >= sizeof out->path) return false;
  out->path[0] = '/';
  strcpy(out->path + slash, text);
  return true;
}

bool eim_url_parse(eim_url *out, const char *text, bool ws) {
  eim_url url = {false, "", 0, ""};
  if (!text || !take_scheme(&text, ws, &url.tls)) return false;
  const char *end = text + strcspn(text, "/?");
  /* An '@' before the path would be userinfo; is_name() refuses it, as it does '#' and spaces. */
  if (!take_host(&url, &text, end) || !take_port(&url, text, end) || !take_path(&url, end))
    return false;
  *out = url;
  return true;
}
