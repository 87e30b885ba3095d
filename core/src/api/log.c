/* log.c - the one call of the logger that can fail: errors belong to model/, which log/ is below.
 */
#include "log/log.h"
#include "model/error.h"

eim_status eim_log_set_level_name(const char *level) {
  eim_log_level value;
  if (!eim_log_parse_level(level, &value))
    return eim_fail(EIM_E_INVALID,
                    "log: '%.100s' is no level; allowed: TRACE, DEBUG, INFO, WARN, ERROR, SILENT, "
                    "0 to 5",
                    level ? level : "(NULL)");
  eim_log_set_level(value);
  return EIM_OK;
}
