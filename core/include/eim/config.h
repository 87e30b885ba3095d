/** @file eim/config.h  Options: one table, set by name. docs/configuration.md is made from it. */
#ifndef EIM_CONFIG_H
#define EIM_CONFIG_H

#include <eim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A set of options. Not thread-safe: build it on one thread. */
typedef struct eim_config eim_config;

/** A new set with every default. @p out is owned by the caller. */
EIM_API eim_status eim_config_new(eim_config **out);
/** A copy. */
EIM_API eim_status eim_config_copy(const eim_config *self, eim_config **out);
/** Free it. Clients and contexts keep a copy of their own. NULL is allowed. */
EIM_API void eim_config_free(eim_config *self);

/**
 * Set one option by name. Booleans are "true"/"false"/"1"/"0", times are whole milliseconds, lists
 * are comma-separated. EIM_E_INVALID names the key, the value and what is allowed (and the nearest
 * name when the key is unknown). NULL as @p value restores the default.
 */
EIM_API eim_status eim_config_set(eim_config *self, const char *key, const char *value);
/** Value in force as text; NULL for an unknown key or an unset option without default. Secrets read
 *  as "***". Borrowed until the next call with this @p self. */
EIM_API const char *eim_config_get(const eim_config *self, const char *key);
/** Check the options against each other as eim_client_new() will (appKey, addresses, files). */
EIM_API eim_status eim_config_check(const eim_config *self);

/** Number of options in the table. Any thread. */
EIM_API int eim_option_count(void);
/** Name of option @p index; NULL past the end. Static. */
EIM_API const char *eim_option_name(int index);
/** "string", "bool", "int", "float", "list" or "enum". Static. */
EIM_API const char *eim_option_type(int index);
/** Default as text; NULL: unset. Static. */
EIM_API const char *eim_option_default(int index);
/** Range, choices or form, for people. Static. */
EIM_API const char *eim_option_range(int index);
/** "ms", "bytes" or "". Static. */
EIM_API const char *eim_option_unit(int index);
/** What it does. Static. */
EIM_API const char *eim_option_doc(int index);

#ifdef __cplusplus
}
#endif
#endif
