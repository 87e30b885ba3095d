/* identity.h - the device id that outlives the process: one small file in stateDir. Any thread;
 * several processes at once get the same id. */
#ifndef EIM_NET_IDENTITY_H
#define EIM_NET_IDENTITY_H

#include <stdbool.h>

enum { EIM_DEVICE_ID_SIZE = 33 }; /* 32 hexadecimal digits and NUL */

/* 128 random bits of the operating system. False: it has none to give. */
bool eim_identity_random(char out[EIM_DEVICE_ID_SIZE]);
/* Read state_dir/device_id, or create it (mode 0600, the directory 0700). False: neither worked,
 * errno tells why. */
bool eim_identity_load(const char *state_dir, char out[EIM_DEVICE_ID_SIZE]);

#endif
