/* config.c - a set of options: one text for each, checked when set. */
#include <eim/config.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/object.h"
#include "base/text.h"
#include "model/error.h"
#include "model/options.h"
#include "model/settings.h"

eim_status eim_config_new(eim_config **out) {
  if (!out) return eim_fail(EIM_E_INVALID, "config: out is NULL");
  eim_config *self = calloc(1, sizeof *self);
  if (self) {
    self->values = calloc((size_t)eim_options_count, sizeof *self->values);
    self->secrets = calloc((size_t)eim_options_count, sizeof *self->secrets);
  }
  if (!self || !self->values || !self->secrets) {
    eim_config_free(self);
    return eim_fail(EIM_E_NOMEM, "config: out of memory");
  }
  *out = self;
  return EIM_OK;
}

eim_status eim_config_copy(const eim_config *self, eim_config **out) {
  eim_config *copy;
  if (!self || !out) return eim_fail(EIM_E_INVALID, "config: NULL");
  eim_status status = eim_config_new(&copy);
  if (status) return status;
  for (int i = 0; i < eim_options_count; i++) {
    copy->values[i] = eim_strdup(self->values[i]);
    copy->secrets[i] = eim_secret_ref(self->secrets[i]);
    if (self->values[i] && !copy->values[i]) {
      eim_config_free(copy);
      return eim_fail(EIM_E_NOMEM, "config: out of memory");
    }
  }
  *out = copy;
  return EIM_OK;
}

bool eim_config_equal(const eim_config *a, const eim_config *b) {
  for (int i = 0; i < eim_options_count; i++) {
    const char *x = a->values[i], *y = b->values[i];
    if (a->secrets[i] != b->secrets[i] || !x != !y || (x && strcmp(x, y) != 0)) return false;
  }
  return true;
}

void eim_config_free(eim_config *self) {
  if (!self) return;
  for (int i = 0; i < eim_options_count; i++) {
    if (self->values) free(self->values[i]);
    if (self->secrets) eim_secret_unref(self->secrets[i]);
  }
  free(self->values);
  free(self->secrets);
  free(self);
}

/* ------------------------------------------------------------------ setting */

static eim_status unknown_key(const char *key) {
  const char *names[64];
  size_t count = 0;
  for (int i = 0; i < eim_options_count && count < sizeof names / sizeof *names; i++)
    names[count++] = eim_options[i].name;
  const char *near = eim_nearest(key, names, count);
  if (near)
    return eim_fail(EIM_E_INVALID, "config: unknown key '%.100s'; did you mean '%s'?", key, near);
  return eim_fail(EIM_E_INVALID, "config: unknown key '%.100s'; docs/configuration.md has all keys",
                  key);
}

static eim_status wrong_value(const eim_option *option, const char *value, const char *problem) {
  /* Nobody reads a secret in a log, a wrong one neither. */
  if (option->kind == EIM_OPTION_SECRET) value = "***";
  int32_t code = !strcmp(option->name, "appKey") ? EIM_CODE_INVALID_APP_KEY : EIM_E_INVALID;
  return eim_fail_with(EIM_E_INVALID, eim_error_new(code, EIM_DOMAIN_LOCAL, EIM_E_INVALID, 0,
                                                    "config: %s: '%.200s' %s; allowed: %s",
                                                    option->name, value, problem, option->range));
}

static const char *check_characters(const char *text) {
  if (!eim_utf8_valid(text, strlen(text))) return "is not valid UTF-8";
  for (; *text; text++)
    if ((unsigned char)*text < 0x20 || *text == 0x7f) return "has a control character in it";
  return NULL;
}

/* Trim each element and join by single commas. NULL and *problem: wrong or out of memory. */
static char *normalize_list(const eim_option *option, const char *value, const char **problem) {
  char *out = malloc(strlen(value) + 1), *end = out;
  *problem = out ? NULL : "is too long for the memory there is";
  for (const char *part = value; out && *part && !*problem;) {
    size_t length = strcspn(part, ",");
    const char *next = part + length + (part[length] == ',');
    while (length && *part == ' ') part++, length--;
    while (length && part[length - 1] == ' ') length--;
    char *start = end == out ? out : end + 1;
    memcpy(start, part, length);
    start[length] = 0;
    *problem = length ? option->check ? option->check(start) : NULL : "has an empty element";
    if (end != out) *end = ',';
    end = start + length;
    part = next;
  }
  if (out) *end = 0;
  if (!*problem) return out;
  free(out);
  return NULL;
}

/* Not strtod(): it takes a comma where the application's locale has one. */
bool eim_option_parse_float(const char *text, double *out) {
  double value = 0, unit = 1;
  bool negative = *text == '-', digits = false;
  if (negative) text++;
  for (; *text >= '0' && *text <= '9'; text++, digits = true) value = value * 10 + (*text - '0');
  if (*text == '.')
    for (text++; *text >= '0' && *text <= '9'; text++, digits = true) {
      unit /= 10;
      value += (*text - '0') * unit;
    }
  *out = negative ? -value : value;
  return digits && !*text && isfinite(value);
}

/* The text to keep, owned by the caller; NULL: *problem says why. */
static char *normalize(const eim_option *option, const char *value, const char **problem) {
  char number[32];
  int64_t integer;
  double real;
  if ((*problem = check_characters(value))) return NULL;
  switch (option->kind) {
  case EIM_OPTION_BOOL:
    if (!strcmp(value, "true") || !strcmp(value, "1")) return eim_strdup("true");
    if (!strcmp(value, "false") || !strcmp(value, "0")) return eim_strdup("false");
    *problem = "is neither true nor false";
    return NULL;
  case EIM_OPTION_INT:
    if (!eim_parse_i64(value, &integer))
      *problem = "is not a whole number";
    else if ((double)integer < option->min || (double)integer > option->max)
      *problem = "is out of range";
    if (*problem) return NULL;
    snprintf(number, sizeof number, "%" PRId64, integer);
    return eim_strdup(number);
  case EIM_OPTION_FLOAT:
    if (!eim_option_parse_float(value, &real))
      *problem = "is not a number";
    else if (real < option->min || real > option->max)
      *problem = "is out of range";
    return *problem ? NULL : eim_strdup(value);
  case EIM_OPTION_LIST: return normalize_list(option, value, problem);
  case EIM_OPTION_STRING:
  case EIM_OPTION_ENUM:
  case EIM_OPTION_SECRET: break;
  }
  if (option->check && *value) *problem = option->check(value);
  if (option->kind == EIM_OPTION_ENUM && !*value) *problem = "is empty";
  return *problem ? NULL : eim_strdup(value);
}

eim_status eim_config_set(eim_config *self, const char *key, const char *value) {
  if (!self || !key) return eim_fail(EIM_E_INVALID, "config: NULL as %s", self ? "key" : "config");
  int index = eim_option_find(key);
  if (index < 0) return unknown_key(key);
  const eim_option *option = &eim_options[index];
  char *text = NULL;
  eim_secret *secret = NULL;
  if (value) {
    const char *problem;
    text = normalize(option, value, &problem);
    if (problem) return wrong_value(option, value, problem);
    if (!text) return eim_fail(EIM_E_NOMEM, "config: out of memory");
    if (option->kind == EIM_OPTION_SECRET) {
      secret = *text ? eim_secret_new(text) : NULL;
      bool failed = *text && !secret;
      eim_wipe(text, strlen(text));
      free(text);
      text = NULL;
      if (failed) return eim_fail(EIM_E_NOMEM, "config: out of memory");
    } else if (!*text && option->kind != EIM_OPTION_LIST) {
      free(text); /* an empty string is an unset one; an empty list is a list */
      text = NULL;
    }
  }
  free(self->values[index]);
  eim_secret_unref(self->secrets[index]);
  self->values[index] = text;
  self->secrets[index] = secret;
  return EIM_OK;
}

/* ------------------------------------------------------------------ reading */

const char *eim_config_text(const eim_config *self, int index) {
  const char *text =
      self && self->values[index] ? self->values[index] : eim_options[index].fallback;
  return text ? text : "";
}

bool eim_config_is_set(const eim_config *self, int index) {
  return self && (self->values[index] || self->secrets[index]);
}

const char *eim_config_get(const eim_config *self, const char *key) {
  int index = self && key ? eim_option_find(key) : -1;
  if (index < 0) {
    if (self && key)
      unknown_key(key);
    else
      eim_fail(EIM_E_INVALID, "config: NULL as %s", self ? "key" : "config");
    return NULL;
  }
  if (self->secrets[index]) return "***";
  return self->values[index] ? self->values[index] : eim_options[index].fallback;
}

int eim_config_io_threads(const eim_config *self) {
  int64_t value = 1;
  eim_parse_i64(eim_config_text(self, eim_option_find("ioThreads")), &value);
  return (int)value;
}

eim_status eim_config_check(const eim_config *self) {
  eim_settings *settings;
  eim_status status = eim_settings_from_config(self, &settings);
  if (!status) eim_object_unref(settings);
  return status;
}
