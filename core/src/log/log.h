/* log.h - logging from inside. Arguments are not evaluated below the level. Never pass a secret,
 * never message text; user names only at DEBUG and below. Any thread. */
#ifndef EIM_LOG_LOG_H
#define EIM_LOG_LOG_H

#include <eim/log.h>
#include <stdatomic.h>
#include <stdint.h>

extern atomic_int eim_log_threshold;

void eim_log_write(eim_log_level level, const char *module, uint64_t client, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

/* "0" to "5" or a name in any case; false for anything else. */
bool eim_log_parse_level(const char *text, eim_log_level *out);

/* module: a literal such as "session"; client: number of the client, 0 for none. */
#define EIM_LOG(level, module, client, ...)                                                        \
  do {                                                                                             \
    if ((int)(level) >= atomic_load_explicit(&eim_log_threshold, memory_order_relaxed))            \
      eim_log_write((level), (module), (client), __VA_ARGS__);                                     \
  } while (0)
#define LOG_TRACE(module, client, ...) EIM_LOG(EIM_LOG_TRACE, module, client, __VA_ARGS__)
#define LOG_DEBUG(module, client, ...) EIM_LOG(EIM_LOG_DEBUG, module, client, __VA_ARGS__)
#define LOG_INFO(module, client, ...) EIM_LOG(EIM_LOG_INFO, module, client, __VA_ARGS__)
#define LOG_WARN(module, client, ...) EIM_LOG(EIM_LOG_WARN, module, client, __VA_ARGS__)
#define LOG_ERROR(module, client, ...) EIM_LOG(EIM_LOG_ERROR, module, client, __VA_ARGS__)

#endif
