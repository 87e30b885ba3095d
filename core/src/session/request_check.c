/* request_check.c - what eim_client_request() takes: which path, query and body make a call below
 * the app's own address and nowhere else. Pure. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "model/error.h"
#include "session/session.h"

#define PATH_MAX_BYTES 4096
#define BODY_MAX (1024 * 1024)

static eim_error *refused(const char *what) {
  return eim_error_new(EIM_CODE_INVALID_PARAM, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0, "request: %s",
                       what);
}

static int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* What may stand in a URL as it is stays, '%' begins an escape, the rest becomes one. NULL: fine.
 */
static const char *add_part(eim_buf *out, const char *text, const char *plain) {
  for (const char *c = text; *c; c++) {
    unsigned char byte = (unsigned char)*c;
    if (byte < 0x20 || byte == 0x7f) return "a control character in path or query";
    if (byte == '%') {
      int high = hex(c[1]), low = high < 0 ? -1 : hex(c[2]);
      if (low < 0) return "'%' in path or query must begin an escape such as %20";
      if (high * 16 + low < 0x20 || high * 16 + low == 0x7f)
        return "a control character in path or query";
      eim_buf_add(out, c, 3);
      c += 2;
    } else if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
               (byte >= 'A' && byte <= 'Z') || strchr(plain, byte)) {
      eim_buf_add(out, c, 1);
    } else {
      char one[2] = {*c, 0};
      eim_buf_url(out, one);
    }
  }
  return NULL;
}

/* "." and "..", escaped or not, and "" would lead elsewhere. */
static bool is_odd_segment(const char *at, size_t length) {
  size_t dots = 0;
  while (length) {
    size_t taken = *at == '.'                                                             ? 1
                   : length >= 3 && at[0] == '%' && at[1] == '2' && (at[2] | 0x20) == 'e' ? 3
                                                                                          : 0;
    if (!taken) return false;
    dots++;
    at += taken;
    length -= taken;
  }
  return dots <= 2;
}

static const char *check_path(const char *path) {
  if (!path || *path != '/') return "the path must begin with '/'";
  if (strpbrk(path, "?#\\")) return "'?', '#' and '\\' do not belong into the path";
  for (const char *at = path; *at;) {
    const char *end = strchr(++at, '/');
    size_t length = end ? (size_t)(end - at) : strlen(at);
    if (is_odd_segment(at, length)) return "an empty, '.' or '..' segment in the path";
    for (size_t i = 0; i + 2 < length; i++)
      if (at[i] == '%' && ((at[i + 1] == '2' && (at[i + 2] | 0x20) == 'f') ||
                           (at[i + 1] == '5' && (at[i + 2] | 0x20) == 'c')))
        return "an escaped slash in the path";
    at += length;
  }
  return NULL;
}

/* The attribute service is the one that takes no JSON (docs/rest.md 10). */
bool eim_request_takes_form(eim_http_method method, const char *path) {
  static const char service[] = "/metadata/user/";
  return method == EIM_HTTP_PUT && !strncmp(path, service, sizeof service - 1) &&
         !memchr(path + sizeof service - 1, '/', strcspn(path + sizeof service - 1, "?"));
}

bool eim_request_form(const char *json_body, eim_buf *out) {
  eim_json body;
  if (!eim_json_parse(&body, json_body, strlen(json_body)) ||
      eim_json_kind(body) != EIM_JSON_OBJECT)
    return false;
  bool good = true;
  eim_buf text = EIM_BUF_INIT;
  const char *separator = "";
  for (eim_json_iter it = eim_json_each(body); good && eim_json_next(&it);) {
    const eim_json parts[] = {it.key, it.value};
    for (int i = 0; good && i < 2; i++) {
      eim_buf_clear(&text);
      eim_json_type kind = eim_json_kind(parts[i]);
      if (kind == EIM_JSON_STRING)
        eim_json_text(parts[i], &text);
      else if (kind == EIM_JSON_NUMBER || kind == EIM_JSON_TRUE || kind == EIM_JSON_FALSE)
        eim_json_raw(parts[i], &text);
      else
        good = false;
      good = good && !text.failed; /* else an attribute would go as empty */
      eim_buf_str(out, i ? "=" : separator);
      eim_buf_url(out, text.length ? (const char *)text.data : "");
    }
    separator = "&";
  }
  eim_buf_wipe(&text);
  return good;
}

eim_error *eim_request_check(const char *method, const char *path, const char *query,
                             const char *json_body, eim_http_method *out_method, eim_buf *out) {
  static const char *const names[] = {"GET", "POST", "PUT", "DELETE"};
  size_t which = 0;
  eim_json json;
  const char *problem;
  while (which < 4 && (!method || strcmp(method, names[which]))) which++;
  if (which == 4) return refused("the method must be GET, POST, PUT or DELETE");
  if ((problem = check_path(path))) return refused(problem);
  if (!eim_utf8_valid(path, strlen(path)) || (query && !eim_utf8_valid(query, strlen(query))))
    return refused("path or query is not valid UTF-8");
  if (strlen(path) + (query ? strlen(query) : 0) > PATH_MAX_BYTES)
    return refused("path and query are longer than 4096 bytes");
  if (query && (*query == '?' || strchr(query, '#')))
    return refused("the query is given without its '?' and without '#'");
  if (which == EIM_HTTP_GET && json_body) return refused("a GET has no body");
  if (json_body && strlen(json_body) > BODY_MAX)
    return refused("the body is larger than 1048576 bytes");
  if (json_body && !eim_json_parse(&json, json_body, strlen(json_body)))
    return refused("the body is not JSON");
  if (json_body && eim_request_takes_form((eim_http_method)which, path)) {
    eim_buf form = EIM_BUF_INIT;
    bool good = eim_request_form(json_body, &form);
    eim_buf_wipe(&form);
    if (!good)
      return refused("the attributes of a user are an object of texts, numbers, true and false");
  }
  if ((problem = add_part(out, path, "/-._~!$&'()*+,;=:@"))) return refused(problem);
  if (query && *query) {
    eim_buf_str(out, "?");
    if ((problem = add_part(out, query, "/-._~!$&'()*+,;=:@?"))) return refused(problem);
  }
  if (out->failed)
    return eim_error_new(EIM_E_NOMEM, EIM_DOMAIN_LOCAL, EIM_E_NOMEM, EIM_ERROR_RETRIABLE,
                         "out of memory");
  *out_method = (eim_http_method)which;
  return NULL;
}
