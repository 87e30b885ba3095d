/** @file eim/version.h  Which libeim this is. */
#ifndef EIM_VERSION_H
#define EIM_VERSION_H

#include <eim/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the headers, 0xMMmmpp. */
#define EIM_VERSION 0x000100
#define EIM_VERSION_STRING "0.1.0"

/** Version of the library that is running, 0xMMmmpp. Newer or equal within a major is compatible.
 */
EIM_API uint32_t eim_version(void);
/** The same as text, for example "0.1.0". Static. */
EIM_API const char *eim_version_string(void);

#ifdef __cplusplus
}
#endif
#endif
