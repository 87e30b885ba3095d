/* service_code.h - what a service of the app means by its refusal of a REST call (docs/protocol.md
 * 22): its own number first, then its words. */
#ifndef EIM_WIRE_SERVICE_CODE_H
#define EIM_WIRE_SERVICE_CODE_H

#include <stdint.h>

/* The native code and words for it; 0: nothing that is known. number: `error_code`, 0: none. */
int32_t eim_service_code(int http_status, int64_t number, const char *description,
                         const char **message);

#endif
