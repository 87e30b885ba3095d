/* device.h - which device eim is when nobody says: always the same one for each user of an app, so
 * that messages kept for it are found again; a random one while another eim is that device, so that
 * the two do not push each other out. */
#ifndef EIM_CLI_DEVICE_H
#define EIM_CLI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct eim_cli_device {
  char id[40]; /* "": leave it to the library */
  int lock;    /* held until release, -1: none */
} eim_cli_device;

/* Without a folder for state (XDG_STATE_HOME, ~/.local/state) the id is "". */
void eim_cli_device_take(eim_cli_device *self, const char *app_key, const char *user);
void eim_cli_device_release(eim_cli_device *self);

#endif
