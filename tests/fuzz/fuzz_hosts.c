/* Host lists, URLs and the text that closes a connection. */
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "wire/hosts.h"
#include "wire/verdict.h"

static void check_hosts(const eim_host *hosts, size_t count) {
  MUST(count > 0 && count <= 32);
  for (size_t i = 0; i < count; i++) {
    MUST(*hosts[i].domain && hosts[i].port > 0);
    MUST(!strpbrk(hosts[i].domain, "/@?# \r\n") && !strpbrk(hosts[i].ip, "/@?# \r\n"));
    MUST(!i || hosts[i - 1].priority <= hosts[i].priority);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  eim_host_list list;
  /* The corpus puts one byte in front of JSON, as for fuzz_rest. */
  for (size_t skip = 0; skip < 2 && skip <= size; skip++) {
    for (int https = 0; https < 2; https++) {
      eim_error *error = eim_hosts_parse(&list, data + skip, size - skip, https);
      if (!error) {
        check_hosts(list.rest, list.rest_count);
        check_hosts(list.message, list.message_count);
        MUST(list.report_interval_ms >= 60000);
        eim_hosts_free(&list);
      }
      eim_error_unref(error);
    }
  }
  int code;
  if (eim_verdict_text_close((const char *)data, size, &code)) MUST(code >= 0 && code <= 65535);
  char *text = malloc(size + 1);
  MUST(text);
  if (size) memcpy(text, data, size);
  text[size] = 0;
  for (int ws = 0; ws < 2; ws++) {
    eim_url url;
    if (!eim_url_parse(&url, text, ws)) continue;
    MUST(*url.host && url.port && (!*url.path || *url.path == '/'));
    MUST(!strpbrk(url.host, "/@?# \r\n") && !strpbrk(url.path, "# \r\n"));
  }
  free(text);
  return 0;
}
