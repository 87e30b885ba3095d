#include "eim_test.h"

#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/error.h"
#include "model/options.h"
#include "model/settings.h"

static eim_config *config_with(const char *const *pairs) {
  eim_config *config = NULL;
  CHECK_INT(eim_config_new(&config), EIM_OK);
  for (; pairs && *pairs; pairs += 2) CHECK_INT(eim_config_set(config, pairs[0], pairs[1]), EIM_OK);
  return config;
}
#define CONFIG(...) config_with((const char *const[]){__VA_ARGS__, NULL})

static eim_settings *settings_of(eim_config *config) {
  eim_settings *settings = NULL;
  CHECK_INT(eim_settings_from_config(config, &settings), EIM_OK);
  eim_config_free(config);
  return settings;
}

static const char *refusal(const char *key, const char *value) {
  eim_config *config = config_with(NULL);
  CHECK_INT(eim_config_set(config, key, value), EIM_E_INVALID);
  eim_config_free(config);
  return eim_error_message(eim_last_error());
}

static void check_refused(eim_config *config, const char *part) {
  CHECK_INT(eim_config_check(config), EIM_E_INVALID);
  CHECK_CONTAINS(eim_error_message(eim_last_error()), part);
  eim_config_free(config);
}

TEST(every_option_is_described_and_its_default_is_allowed) {
  eim_config *config = config_with(NULL);
  CHECK(eim_option_count() > 30);
  for (int i = 0; i < eim_option_count(); i++) {
    CHECK(eim_option_name(i) && *eim_option_name(i));
    CHECK(eim_option_doc(i) && strlen(eim_option_doc(i)) > 20);
    CHECK(eim_option_range(i) && *eim_option_range(i));
    CHECK(eim_option_unit(i) && eim_option_type(i));
    CHECK_INT(eim_option_find(eim_option_name(i)), i);
    if (eim_option_default(i)) {
      CHECK_INT(eim_config_set(config, eim_option_name(i), eim_option_default(i)), EIM_OK);
      CHECK_STR(eim_config_get(config, eim_option_name(i)), eim_option_default(i));
    }
  }
  CHECK(!eim_option_name(-1) && !eim_option_name(eim_option_count()));
  CHECK(!eim_option_doc(eim_option_count()) && !eim_option_type(-1) && !eim_option_range(-1));
  eim_config_free(config);
}

TEST(numbers_at_their_limits) {
  for (int i = 0; i < eim_option_count(); i++) {
    const eim_option *option = &eim_options[i];
    if (option->kind != EIM_OPTION_INT) continue;
    eim_config *config = config_with(NULL);
    char text[32];
    snprintf(text, sizeof text, "%.0f", option->min);
    CHECK_INT(eim_config_set(config, option->name, text), EIM_OK);
    snprintf(text, sizeof text, "%.0f", option->max);
    CHECK_INT(eim_config_set(config, option->name, text), EIM_OK);
    snprintf(text, sizeof text, "%.0f", option->min - 1);
    CHECK_CONTAINS(refusal(option->name, text), option->name);
    snprintf(text, sizeof text, "%.0f", option->max + 1);
    CHECK_CONTAINS(refusal(option->name, text), option->range);
    CHECK_CONTAINS(refusal(option->name, "12x"), "'12x' is not a whole number");
    CHECK_CONTAINS(refusal(option->name, "99999999999999999999999"), "whole number");
    CHECK_CONTAINS(refusal(option->name, ""), "whole number");
    snprintf(text, sizeof text, "%.0f", option->max);
    CHECK_STR(eim_config_get(config, option->name), text); /* a refusal changes nothing */
    eim_config_free(config);
  }
}

TEST(unknown_keys_get_a_suggestion) {
  CHECK_CONTAINS(refusal("appkey", "a#b"), "did you mean 'appKey'");
  CHECK_CONTAINS(refusal("heartbeatWait", "1000"), "did you mean 'heartBeatWait'");
  CHECK_CONTAINS(refusal("zzzzzzzzzz", "1"), "unknown key 'zzzzzzzzzz'");
  eim_config *config = config_with(NULL);
  CHECK(eim_config_get(config, "nothing") == NULL);
  eim_config_free(config);
}

TEST(app_keys) {
  static const char *const good[] = {"a#b", "easemob-demo#chatdemoui", "1102190223222824#lit_1.x"};
  static const char *const bad[] = {"a",     "#b",    "a#",   "#",          "a#b#c",
                                    "a b#c", "a/b#c", "a#b?", "\xc3\xa4#b", "a#%20"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    eim_settings *s = settings_of(CONFIG("appKey", good[i]));
    CHECK_STR(s->app_key, good[i]);
    CHECK(strlen(s->org) + strlen(s->app) + 1 == strlen(good[i]));
    eim_object_unref(s);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK_CONTAINS(refusal("appKey", bad[i]), "org#app");
    CHECK_INT(eim_error_code(eim_last_error()), EIM_CODE_INVALID_APP_KEY);
    CHECK_INT(eim_error_web_code(eim_last_error()), 27);
  }
  char longest[160];
  memset(longest, 'x', sizeof longest);
  longest[1] = '#', longest[128] = 0;
  eim_object_unref(settings_of(CONFIG("appKey", longest)));
  longest[128] = 'x', longest[129] = 0;
  refusal("appKey", longest);
  check_refused(config_with(NULL), "appKey is missing");
}

TEST(booleans_and_floats) {
  eim_config *config =
      CONFIG("appKey", "a#b", "delivery", "1", "https", "0", "tokenWarningFraction", "0.25");
  CHECK_STR(eim_config_get(config, "delivery"), "true");
  eim_settings *s = settings_of(config);
  CHECK(s->delivery && !s->https && s->token_warning_fraction == 0.25);
  eim_object_unref(s);
  static const char *const bad[] = {"yes", "TRUE", "2", "", " true"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refusal("delivery", bad[i]);
  static const char *const floats[] = {"1.1", "-0.1", "0x1", "nan", "inf", "", ".", "0,5", "1e0"};
  for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
    refusal("tokenWarningFraction", floats[i]);
  double value;
  CHECK(eim_option_parse_float("0.8", &value) && value > 0.7999 && value < 0.8001);
}

TEST(null_restores_the_default_and_empty_is_unset) {
  eim_config *config = CONFIG("connectTimeout", "77", "url", "ws://h");
  CHECK_INT(eim_config_set(config, "connectTimeout", NULL), EIM_OK);
  CHECK_STR(eim_config_get(config, "connectTimeout"), "10000");
  CHECK_INT(eim_config_set(config, "url", ""), EIM_OK);
  CHECK(eim_config_get(config, "url") == NULL);
  eim_config_free(config);
}

TEST(addresses) {
  static const char *const good[] = {"ws://127.0.0.1:8080", "wss://h", "WSS://h.example/websocket/",
                                     "ws://[::1]:80/ws?a=b", "ws://h:65535/"};
  static const char *const bad[] = {
      "http://h",     "h",          "ws://",     "ws://h:0",       "ws://h:",
      "ws://h:65536", "ws://u:p@h", "ws://h/#f", "ws://h h",       "ws://[::1",
      "ws://[1]:2",   "ws://h?x",   "ws://h:8a", "ws://\xc3\xa4/", "wss:/h"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) eim_config_free(CONFIG("url", good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK_CONTAINS(refusal("url", bad[i]), "url");
  eim_config_free(CONFIG("apiUrl", "https://a1.easemob.com/"));
  refusal("apiUrl", "ws://h");
  char host[400] = "ws://";
  memset(host + 5, 'h', 254);
  CHECK_CONTAINS(refusal("url", host), "253");
}

TEST(discovery_follows_what_is_given) {
  eim_settings *s = settings_of(CONFIG("appKey", "a#b"));
  CHECK(s->is_http_dns && s->dns_urls[0] && s->dns_urls[1] && !s->dns_urls[2]);
  eim_object_unref(s);
  s = settings_of(CONFIG("appKey", "a#b", "apiUrl", "http://h/", "url", "ws://h/ws//"));
  CHECK(!s->is_http_dns);
  CHECK_STR(s->api_url, "http://h");
  CHECK_STR(s->url, "ws://h/ws");
  eim_object_unref(s);
  s = settings_of(
      CONFIG("appKey", "a#b", "apiUrl", "http://h", "url", "ws://h", "isHttpDNS", "true"));
  CHECK(s->is_http_dns);
  eim_object_unref(s);
  check_refused(CONFIG("appKey", "a#b", "isHttpDNS", "false"), "apiUrl and url are required");
  check_refused(CONFIG("appKey", "a#b", "apiUrl", "http://h"), "url is missing");
  check_refused(CONFIG("appKey", "a#b", "url", "ws://h"), "apiUrl is missing");
  check_refused(CONFIG("appKey", "a#b", "dnsUrls", ""), "dnsUrls is empty");
}

TEST(lists_are_trimmed_and_checked) {
  eim_settings *s =
      settings_of(CONFIG("appKey", "a#b", "dnsUrls", " https://one/x , http://two:81 "));
  CHECK_STR(s->dns_urls[0], "https://one/x");
  CHECK_STR(s->dns_urls[1], "http://two:81");
  CHECK(s->dns_urls[2] == NULL);
  CHECK(s->pinned_keys && !s->pinned_keys[0]);
  eim_object_unref(s);
  refusal("dnsUrls", "https://one,,https://two");
  refusal("dnsUrls", "https://one,ftp://two");
  refusal("pinnedKeys", "sha256//short=");
  s = settings_of(CONFIG("appKey", "a#b", "pinnedKeys",
                         "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
  CHECK(s->pinned_keys[0] && !s->pinned_keys[1]);
  eim_object_unref(s);
}

TEST(platforms_and_ip_versions) {
  eim_settings *s = settings_of(CONFIG("appKey", "a#b"));
  CHECK_INT(s->os_platform, 16);
  CHECK_INT(s->os_custom_value, 0);
  CHECK_INT(s->ip_version, 0);
  eim_object_unref(s);
  s = settings_of(CONFIG("appKey", "a#b", "osPlatform", "7", "ipVersion", "6"));
  CHECK_INT(s->os_platform, 5);
  CHECK_INT(s->os_custom_value, 7);
  CHECK_INT(s->ip_version, 6);
  eim_object_unref(s);
  s = settings_of(CONFIG("appKey", "a#b", "osPlatform", "Windows", "ipVersion", "4"));
  CHECK_INT(s->os_platform, 4);
  CHECK_INT(s->ip_version, 4);
  eim_object_unref(s);
  refusal("osPlatform", "0");
  refusal("osPlatform", "101");
  refusal("osPlatform", "");
  refusal("ipVersion", "5");
}

TEST(proxy_is_a_secret) {
  eim_config *config = CONFIG("appKey", "a#b", "proxy", "http://user:hunter2@proxy.example:3128");
  CHECK_STR(eim_config_get(config, "proxy"), "***");
  eim_config *copy = NULL;
  CHECK_INT(eim_config_copy(config, &copy), EIM_OK);
  eim_config_free(config);
  eim_settings *s = settings_of(copy);
  CHECK_STR(eim_secret_text(s->proxy), "http://user:hunter2@proxy.example:3128");
  eim_object_unref(s);
  const char *message = refusal("proxy", "ftp://user:hunter2@h");
  CHECK(!strstr(message, "hunter2"));
  message = refusal("proxy", "http://user:hunter2 x@h");
  CHECK(!strstr(message, "hunter2"));
  eim_config_free(CONFIG("proxy", "env"));
  eim_config_free(CONFIG("proxy", "socks5://[::1]:1080"));
  char text[300];
  snprintf(text, sizeof text, "http://u:%0100d@h:1", 0);
  CHECK_CONTAINS(refusal("proxy", text), "63");
  refusal("proxy", "http://h/path");
}

TEST(files_must_be_there) {
  char directory[] = "/tmp/eim-model-XXXXXX", file[64];
  REQUIRE(mkdtemp(directory));
  snprintf(file, sizeof file, "%s/x.pem", directory);
  FILE *stream = fopen(file, "w");
  REQUIRE(stream);
  fclose(stream);
  eim_settings *s = settings_of(CONFIG("appKey", "a#b", "caFile", file, "clientCert", file,
                                       "clientKey", file, "stateDir", directory));
  CHECK_STR(s->ca_file, file);
  CHECK_STR(s->state_dir, directory);
  eim_object_unref(s);
  check_refused(CONFIG("appKey", "a#b", "caFile", "/nonexistent/x"), "caFile");
  check_refused(CONFIG("appKey", "a#b", "caFile", directory), "is a directory");
  check_refused(CONFIG("appKey", "a#b", "stateDir", file), "is not a directory");
  check_refused(CONFIG("appKey", "a#b", "clientCert", file), "need each other");
  check_refused(CONFIG("appKey", "a#b", "clientKey", file), "need each other");
  unlink(file);
  rmdir(directory);
}

TEST(options_that_contradict_each_other) {
  check_refused(CONFIG("appKey", "a#b", "reconnectBaseMs", "500", "reconnectMaxMs", "400"),
                "reconnectBaseMs");
}

TEST(text_is_checked) {
  CHECK_CONTAINS(refusal("deviceName", "a\nb"), "control");
  CHECK_CONTAINS(refusal("deviceName", "\xff"), "UTF-8");
  CHECK(strstr(eim_error_message(eim_last_error()), "\xff") == NULL);
  refusal("deviceId", "a/b");
  eim_settings *s = settings_of(CONFIG("appKey", "a#b", "deviceName",
                                       "K\xc3\xbc"
                                       "che"));
  CHECK_STR(s->device_name, "K\xc3\xbc"
                            "che");
  eim_object_unref(s);
}

TEST(config_without_arguments) {
  eim_config *config = config_with(NULL);
  CHECK_INT(eim_config_new(NULL), EIM_E_INVALID);
  CHECK_INT(eim_config_set(NULL, "appKey", "a#b"), EIM_E_INVALID);
  CHECK_INT(eim_config_set(config, NULL, "a#b"), EIM_E_INVALID);
  CHECK(eim_config_get(NULL, "appKey") == NULL);
  CHECK(eim_config_get(config, NULL) == NULL);
  CHECK_INT(eim_config_check(NULL), EIM_E_INVALID);
  CHECK_INT(eim_config_copy(NULL, NULL), EIM_E_INVALID);
  CHECK_INT(eim_config_io_threads(NULL), 1);
  CHECK_INT(eim_config_set(config, "ioThreads", "0"), EIM_OK);
  CHECK_INT(eim_config_io_threads(config), 0);
  eim_config_free(config);
  eim_config_free(NULL);
}
