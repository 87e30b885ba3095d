/* options.h - the table of options, and a set of them. */
#ifndef EIM_MODEL_OPTIONS_H
#define EIM_MODEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <eim/config.h>

#include "base/secret.h"

typedef enum eim_option_kind {
  EIM_OPTION_STRING,
  EIM_OPTION_BOOL,
  EIM_OPTION_INT,
  EIM_OPTION_FLOAT,
  EIM_OPTION_LIST,
  EIM_OPTION_ENUM,
  EIM_OPTION_SECRET /* a string that is kept in an eim_secret; "string" to the outside */
} eim_option_kind;

/* NULL: text is fine (it is valid UTF-8, not empty, without control characters); else what is
 * wrong, static, to stand behind "key: 'value' ". For a list: of each element. */
typedef const char *(*eim_option_check)(const char *text);

enum { EIM_OPTION_NO_FIELD = -1 }; /* eim_settings_from_config() does it by hand */

typedef struct eim_option {
  const char *name;
  eim_option_kind kind;
  int field;            /* offset in eim_settings */
  const char *fallback; /* default as text, NULL: unset */
  double min, max;      /* of numbers */
  eim_option_check check;
  const char *unit, *range, *doc;
} eim_option;

extern const eim_option eim_options[];
extern const int eim_options_count;

/* Index of a name, -1: unknown. */
int eim_option_find(const char *name);

struct eim_config {
  char **values;        /* one for each option; NULL: default. */
  eim_secret **secrets; /* the same for EIM_OPTION_SECRET */
};

/* Text in force, "" when unset without default. Not for secrets. */
const char *eim_config_text(const eim_config *self, int index);
bool eim_config_is_set(const eim_config *self, int index);
/* Do both say the same? Secrets count as the same only when one is a copy of the other. */
bool eim_config_equal(const eim_config *a, const eim_config *b);
/* ioThreads; the default for NULL. */
int eim_config_io_threads(const eim_config *self);

/* Checks for addresses (address.c), in the form of eim_option_check. */
const char *eim_address_check_http(const char *text);  /* http:// or https:// */
const char *eim_address_check_ws(const char *text);    /* ws:// or wss:// */
const char *eim_address_check_proxy(const char *text); /* http://, socks5:// with userinfo; env */

/* Plain decimals such as 0.8, whatever the locale. */
bool eim_option_parse_float(const char *text, double *out);
/* osPlatform: a name or 1..100; false: neither. */
bool eim_os_platform_parse(const char *text, int *platform, int *custom);

#endif
