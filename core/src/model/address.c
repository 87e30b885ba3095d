/* address.c - is this text an address? Form only; taking it apart is done where it is used. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "model/options.h"

static bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static const char *check_authority(const char *text, size_t length) {
  size_t i = 0;
  if (length && text[0] == '[') {
    size_t colons = 0;
    for (i = 1; i < length && text[i] != ']'; i++) {
      if (!strchr("0123456789abcdefABCDEF:.", text[i])) return "has no valid IPv6 address";
      colons += text[i] == ':';
    }
    if (i == length || colons < 2) return "has no valid IPv6 address";
    i++;
  } else {
    while (i < length && is_host_char(text[i])) i++;
    if (i == 0) return "has no host name";
    if (i > 253) return "has a host name of more than 253 bytes";
  }
  if (i == length) return NULL;
  if (text[i] != ':') return "has a character in its host name that cannot be there";
  char digits[6] = "";
  size_t count = length - i - 1;
  uint64_t port;
  if (count < sizeof digits) memcpy(digits, text + i + 1, count);
  if (!eim_parse_u64(digits, &port) || port < 1 || port > 65535)
    return "has no port from 1 to 65535 behind its colon";
  return NULL;
}

/* The rest behind one of two schemes; NULL: neither. */
static const char *skip_scheme(const char *text, const char *a, const char *b) {
  size_t la = strlen(a), lb = strlen(b);
  if (!strncasecmp(text, a, la)) return text + la;
  return strncasecmp(text, b, lb) ? NULL : text + lb;
}

static const char *check_url(const char *text, const char *plain, const char *tls,
                             const char *wrong_scheme) {
  const char *rest = skip_scheme(text, plain, tls);
  if (!rest) return wrong_scheme;
  if (strlen(text) > 767) return "is longer than 767 bytes";
  for (const char *c = rest; *c; c++)
    if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f)
      return "has a character in it that must be percent-encoded";
  if (strchr(rest, '#')) return "has a fragment (#)";
  size_t length = strcspn(rest, "/?");
  if (memchr(rest, '@', length)) return "has a user name or password in it";
  if (rest[length] == '?') return "has a query but no path";
  return check_authority(rest, length);
}

const char *eim_address_check_http(const char *text) {
  return check_url(text, "http://", "https://", "does not begin with https:// or http://");
}

const char *eim_address_check_ws(const char *text) {
  return check_url(text, "ws://", "wss://", "does not begin with wss:// or ws://");
}

const char *eim_address_check_proxy(const char *text) {
  if (!strcmp(text, "env")) return NULL;
  const char *rest = skip_scheme(text, "http://", "socks5://");
  if (!rest) return "is neither http://[user:password@]host:port, socks5://… nor env";
  const char *at = strrchr(rest, '@');
  if (at) {
    const char *colon = memchr(rest, ':', (size_t)(at - rest));
    /* RFC 1929 has one length byte for each; libwebsockets cuts long ones without a word. */
    size_t user = (size_t)((colon ? colon : at) - rest);
    size_t password = colon ? (size_t)(at - colon - 1) : 0;
    if (!user) return "has an empty user name";
    if (user > 63 || password > 63) return "has a user name or password of more than 63 bytes";
    for (const char *c = rest; c < at; c++)
      if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '/' || *c == '@')
        return "has a character in its user name or password that must be percent-encoded";
    rest = at + 1;
  }
  size_t length = strlen(rest);
  if (length && rest[length - 1] == '/') length--;
  if (memchr(rest, '/', length)) return "has a path";
  return check_authority(rest, length);
}
