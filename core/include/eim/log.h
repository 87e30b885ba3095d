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

/** Lowest level that goes to the console, the callback, the cache and the file; initially WARN. A
 * subscription (eim_context_subscribe_log()) and the upload (`enableReportLogs`) have levels of
 * their own. Any thread. */
EIM_API void eim_log_set_level(eim_log_level level);
/** The same, unless a level was set already. */
EIM_API void eim_log_set_default_level(eim_log_level level);
EIM_API void eim_log_enable_all(void);  /**< eim_log_set_level(EIM_LOG_TRACE) */
EIM_API void eim_log_disable_all(void); /**< eim_log_set_level(EIM_LOG_SILENT) */
/** By number "0".."5" or name in any case. EIM_E_INVALID for anything else, and nothing changes. */
EIM_API eim_status eim_log_set_level_name(const char *level);
EIM_API eim_log_level eim_log_get_level(void);
/** Lines on stderr or not; initially yes. Changes nothing else. */
EIM_API void eim_log_set_console(bool visible);
/** Called on any thread, at once. Must return soon and must not call any eim_ function. NULL: none.
 *  When it returns no call of the former callback runs any more (unless called from inside it). */
EIM_API void eim_log_set_callback(void (*fn)(void *user_data, const eim_log_record *record),
                                  void *user_data);

/** Keep the last lines in memory, up to @p max_bytes of text (0: 3 MiB); the oldest go first.
 * Initially off, which costs nothing; off forgets what there was. */
EIM_API void eim_log_set_cache(bool use, size_t max_bytes);
/** The cache as plain text, one line a record, oldest first: @p fn is called on this thread with
 * pieces that end with a line. It may call any eim_ function. */
EIM_API eim_status eim_log_download(void (*fn)(void *user_data, const char *text, size_t length),
                                    void *user_data);
/** The same into a file, which is there as a whole or not at all (0600, replaced if it exists). */
EIM_API eim_status eim_log_download_path(const char *path);

/** Append lines to a file (0600). At @p max_bytes (0: 10 MiB; 4096 at least) it becomes PATH.1, and
 * what was PATH.1 becomes PATH.2. Lines are written by a thread of their own. NULL: no file; all
 * lines are in it when this returns, or when the process exits. */
EIM_API eim_status eim_log_set_file(const char *path, size_t max_bytes);

struct eim_client;
/** What support needs, as files in an existing folder: log.txt (the cache), version.txt, and for a
 * client config.json (without secrets) and health.json. @p client may be NULL. Waits for the I/O
 * thread of the client, a second at most. */
EIM_API eim_status eim_log_bundle(struct eim_client *client, const char *folder);

#ifdef __cplusplus
}
#endif
#endif
