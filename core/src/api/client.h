/* client.h - a client from inside. */
#ifndef EIM_API_CLIENT_H
#define EIM_API_CLIENT_H

#include <eim/client.h>

#include "api/context.h"
#include "events/queue.h"
#include "model/settings.h"
#include "net/driver.h"

struct eim_client {
  /* First: its count is that of the client's memory. One is held by all public handles together,
   * one by the driver, one by each event and each command on its way. */
  eim_endpoint endpoint;
  atomic_int handles; /* public references */
  eim_context *context;
  eim_settings *settings;
  uint64_t number;
  int slot;
  atomic_int state;
  atomic_bool closed;
  atomic_int posted_sends;            /* on their way to the loop */
  eim_driver *driver;                 /* loop thread only; NULL: could not be made, or is gone */
  eim_task *last_task;                /* made beforehand: the end must not fail */
  struct eim_client *previous, *next; /* in the context's list, under its lock */
};

/* As eim_client_shutdown(); wait: as there, else as the last unref. */
void eim_client_end(eim_client *self, bool wait);

/* For the files that hold calls of a client. Not NULL and not shut down; else this thread's error.
 */
eim_status eim_client_usable(const eim_client *self);
/* A message whose file is uploaded first. */
eim_status eim_client_send_file(eim_client *self, const eim_message *message, uint64_t token);
eim_status eim_client_room_to_send(const eim_client *self);
/* Hand an input to the loop thread. What is handed over besides it is copied. */
eim_status eim_client_post(eim_client *self, const eim_input *input, const char *user,
                           const char *secret, const char *text, const eim_message *message);

#endif
