/** @file eim/log.h  The logger of the process. Never logs secrets or message text. */
#ifndef EIM_LOG_H
#define EIM_LOG_H

#include <eim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum eim_log_level {
  EIM_LOG_TRACE = 0,
  EIM_LOG_DEBUG = 1,
  EIM_LOG_INFO = 2,
  EIM_LOG_WARN = 3,
  EIM_LOG_ERROR = 4,
  EIM_LOG_SILENT = 5
} eim_log_level;

/** One line. Borrowed during the callback. */
typedef struct eim_log_record {
  int64_t time; /**< ms since 1970 */
  eim_log_level level;
  const char *module;  /**< "session", "net", … Static. */
  uint64_t client;     /**< number of the client in this process, 0: none */
  const char *message; /**< UTF-8 */
} eim_log_record;

/** Lowest level that is logged; initially WARN. Any thread. */
EIM_API void eim_log_set_level(eim_log_level level);
/** By number "0".."5" or name in any case. EIM_E_INVALID for anything else, and nothing changes. */
EIM_API eim_status eim_log_set_level_name(const char *level);
EIM_API eim_log_level eim_log_get_level(void);
/** Lines on stderr or not; initially yes. Changes nothing else. */
EIM_API void eim_log_set_console(bool visible);
/** Called on any thread, at once. Must return soon and must not call any eim_ function. NULL: none.
 *  When it returns no call of the former callback runs any more (unless called from inside it). */
EIM_API void eim_log_set_callback(void (*fn)(void *user_data, const eim_log_record *record),
                                  void *user_data);

#ifdef __cplusplus
}
#endif
#endif
