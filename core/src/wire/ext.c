#include "wire/ext.h"

#include <string.h>

static void add_value(eim_buf *out, const EIM_PB(KeyValue) * kv) {
  switch (kv->value_case) {
  case EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE:
    switch ((int)kv->type) {
    case EASEMOB__PB__KEY_VALUE__VALUE_TYPE__BOOL:
      eim_buf_str(out, kv->varintvalue ? "true" : "false");
      break;
    case EASEMOB__PB__KEY_VALUE__VALUE_TYPE__UINT:
      eim_buf_json_u64(out, (uint64_t)kv->varintvalue);
      break;
    default: eim_buf_json_i64(out, kv->varintvalue); break;
    }
    break;
  case EASEMOB__PB__KEY_VALUE__VALUE_FLOAT_VALUE: eim_buf_json_float(out, kv->floatvalue); break;
  case EASEMOB__PB__KEY_VALUE__VALUE_DOUBLE_VALUE: eim_buf_json_double(out, kv->doublevalue); break;
  case EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE: {
    eim_json value;
    if (kv->type == EASEMOB__PB__KEY_VALUE__VALUE_TYPE__JSON_STRING &&
        eim_json_parse(&value, kv->stringvalue, strlen(kv->stringvalue)))
      eim_json_raw(value, out);
    else
      eim_buf_json_str(out, kv->stringvalue);
    break;
  }
  default: /* a type without its value */
    eim_buf_str(out, kv->type == EASEMOB__PB__KEY_VALUE__VALUE_TYPE__STRING ? "\"\"" : "null");
    break;
  }
}

void eim_ext_json(eim_buf *out, EIM_PB(KeyValue) *const *list, size_t count) {
  eim_buf_str(out, "{");
  for (size_t i = 0; i < count; i++) {
    if (i) eim_buf_str(out, ",");
    eim_buf_json_str(out, list[i]->key ? list[i]->key : "");
    eim_buf_str(out, ":");
    add_value(out, list[i]);
  }
  eim_buf_str(out, "}");
}

/* A string of the list: the characters of a JSON string, or the raw text of any other value. */
static char *pool_string(eim_pool *pool, eim_json value) {
  eim_buf text = EIM_BUF_INIT;
  if (!eim_json_text(value, &text)) eim_json_raw(value, &text);
  char *copy = text.failed ? NULL : eim_pool_alloc(pool, text.length + 1);
  if (copy) memcpy(copy, text.data, text.length + 1);
  eim_buf_free(&text);
  return copy;
}

static bool set_value(eim_pool *pool, EIM_PB(KeyValue) * kv, eim_json value) {
  eim_json_type kind = eim_json_kind(value);
  int64_t integer;
  double real;
  kv->has_type = 1;
  if (kind == EIM_JSON_TRUE || kind == EIM_JSON_FALSE) {
    kv->type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__BOOL;
    kv->value_case = EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE;
    kv->varintvalue = kind == EIM_JSON_TRUE;
    return true;
  }
  if (kind == EIM_JSON_NUMBER) {
    if (eim_json_i64(value, &integer)) {
      kv->type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__INT;
      kv->value_case = EASEMOB__PB__KEY_VALUE__VALUE_VARINT_VALUE;
      kv->varintvalue = integer;
      return true;
    }
    bool is_integer = !memchr(value.at, '.', (size_t)(value.end - value.at)) &&
                      !memchr(value.at, 'e', (size_t)(value.end - value.at)) &&
                      !memchr(value.at, 'E', (size_t)(value.end - value.at));
    if (!is_integer && eim_json_double(value, &real)) {
      kv->type = EASEMOB__PB__KEY_VALUE__VALUE_TYPE__DOUBLE;
      kv->value_case = EASEMOB__PB__KEY_VALUE__VALUE_DOUBLE_VALUE;
      kv->doublevalue = real;
      return true;
    }
  }
  kv->type = kind == EIM_JSON_STRING ? EASEMOB__PB__KEY_VALUE__VALUE_TYPE__STRING
                                     : EASEMOB__PB__KEY_VALUE__VALUE_TYPE__JSON_STRING;
  kv->value_case = EASEMOB__PB__KEY_VALUE__VALUE_STRING_VALUE;
  kv->stringvalue = pool_string(pool, value);
  return kv->stringvalue != NULL;
}

bool eim_ext_from_json(eim_pool *pool, eim_json object, EIM_PB(KeyValue) * **list, size_t *count) {
  size_t n = 0;
  *list = NULL;
  *count = 0;
  for (eim_json_iter it = eim_json_each(object); eim_json_next(&it);) n++;
  if (!n) return true;
  *list = eim_pool_alloc(pool, n * sizeof **list);
  EIM_PB(KeyValue) *values = eim_pool_alloc(pool, n * sizeof *values);
  if (!*list || !values) return false;
  for (eim_json_iter it = eim_json_each(object); eim_json_next(&it) && *count < n;) {
    EIM_PB(KeyValue) *kv = &values[*count];
    easemob__pb__key_value__init(kv);
    kv->key = pool_string(pool, it.key);
    if (!kv->key || !set_value(pool, kv, it.value)) return false;
    (*list)[(*count)++] = kv;
  }
  return true;
}
