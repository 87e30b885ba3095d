/* version.c - which libeim this is. */
#include <eim/version.h>

uint32_t eim_version(void) {
  return EIM_VERSION;
}
const char *eim_version_string(void) {
  return EIM_VERSION_STRING;
}
