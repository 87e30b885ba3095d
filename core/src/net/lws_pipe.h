/* lws_pipe.h - keeps libwebsockets 4.1 from closing a descriptor twice. Loop thread only.
 *
 * On a foreign libuv loop lws_context_destroy() closes the descriptor of its event pipe, and the
 * close callback of the pipe's uv handle closes the same number again. In between another thread of
 * the process may have got that number for a socket of its own. So the number is held in between.
 * 4.3 leaves the descriptor open instead: it is closed in its place.
 */
#ifndef EIM_NET_LWS_PIPE_H
#define EIM_NET_LWS_PIPE_H

#include <stdbool.h>
#include <uv.h>

/* Poll handles of a loop before lws_create_context(). */
typedef struct eim_lws_pipe {
  uv_handle_t *before[256];
  int count;
  int low[56]; /* the numbers below, taken while the pipe is made */
  int low_count;
  int fd;  /* of the pipe, -1: not known */
  long id; /* of the eventfd that it is, -1: not known */
} eim_lws_pipe;

void eim_lws_pipe_before(eim_lws_pipe *self, uv_loop_t *loop);
void eim_lws_pipe_after(eim_lws_pipe *self, uv_loop_t *loop);
/* Between lws_context_destroy() and the next turn of the loop. False: another thread was quicker;
 * then the loop must not be turned any more, and what it holds is given up. */
bool eim_lws_pipe_hold(const eim_lws_pipe *self, uv_loop_t *loop);
/* After the last lws_context_destroy(). */
void eim_lws_pipe_end(const eim_lws_pipe *self);

#endif
