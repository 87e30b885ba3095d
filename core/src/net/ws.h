/* ws.h - the message socket: a WebSocket client on libwebsockets. Loop thread only. */
#ifndef EIM_NET_WS_H
#define EIM_NET_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/endpoint.h"

typedef struct eim_ws eim_ws;
typedef struct eim_ws_hub eim_ws_hub;

/* Called on later turns of the loop, never from inside a function of this header. */
typedef struct eim_ws_events {
  void *user;
  void (*opened)(void *user);
  void (*message)(void *user, bool is_binary, const void *bytes, size_t length);
  /* Failed to open, or closed. The last call; eim_ws_close() must still follow (or be called in
   * it). */
  void (*lost)(void *user, const eim_error *error);
} eim_ws_events;

/* request as in session.h. The endpoint is referenced. NULL: out of memory. */
eim_ws *eim_ws_open(eim_endpoint *endpoint, const eim_connect_request *request,
                    size_t max_frame_bytes, const eim_ws_events *events);
/* One binary message; copied. What cannot be written at once is queued. */
void eim_ws_send(eim_ws *self, const void *bytes, size_t length);
/* Close (1000, after what is queued) and forget: no further event. */
void eim_ws_close(eim_ws *self);

/* ---- for loop.c and endpoint.c */
/* NULL is allowed. False: the loop must not be turned any more (lws_pipe.h). */
bool eim_ws_hub_free(eim_ws_hub *self);
void eim_ws_drop_vhosts(eim_endpoint *endpoint);

#endif
