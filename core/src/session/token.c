/* token.c - the life of the access token, by the server's clock (docs/protocol.md 9). */
#include "session/internal.h"
#include "session/request.h"

/* Look again at least this often, for clocks that were set meanwhile. */
#define LOOK_AGAIN_MS (24 * 3600 * 1000)

void eim_token_learned(eim_session *self, int64_t expires_at, int64_t life) {
  /* The same expiry again, after a reconnect, is no reason to warn again. */
  if (!expires_at || expires_at != self->token_expires_at) self->token_warned = false;
  self->token_expires_at = expires_at;
  self->token_life = life > 0 ? life : 0;
}

bool eim_token_is_dead(const eim_session *self) {
  return self->token_expires_at && self->server_offset_known &&
         eim_session_server_now(self) >= self->token_expires_at;
}

bool eim_token_is_awaited(const eim_session *self) {
  return self->token_wanted && !self->token;
}

void eim_token_renewal_failed(eim_session *self) {
  bool awaited = eim_token_is_awaited(self);
  if (!self->token_wanted || (awaited && !self->has_provider)) return;
  eim_request_no_token(self);
  self->token_wanted = false; /* whoever needs one asks again */
  if (!awaited) return;
  int deadline = self->settings->login_timeout;
  eim_session_arm(self, EIM_TIMER_RETRY, self->now.mono + deadline);
  eim_token_ask(self, EIM_TOKEN_REFUSED, deadline);
}

/* When to warn: at the fraction of the life, and at least the lead before the end. */
static int64_t warn_at(const eim_session *self) {
  int64_t rest = (int64_t)((double)self->token_life * (1 - self->settings->token_warning_fraction));
  int64_t lead = self->settings->token_warning_lead_ms;
  return self->token_expires_at - (rest > lead ? rest : lead);
}

void eim_token_arm(eim_session *self) {
  /* The expiry is a time of the server's clock: without knowing that clock it says nothing. It is
   * known with the answer to the first UNREAD. */
  if (self->state != EIM_STATE_ONLINE || !self->token_expires_at || !self->server_offset_known) {
    eim_session_disarm(self, EIM_TIMER_TOKEN);
    return;
  }
  if (!self->token_life) {
    int64_t left = self->token_expires_at - eim_session_server_now(self);
    self->token_life = left > 0 ? left : 1;
  }
  int64_t at = self->token_warned ? self->token_expires_at : warn_at(self);
  int64_t left = at - eim_session_server_now(self);
  if (left > LOOK_AGAIN_MS) left = LOOK_AGAIN_MS;
  eim_session_arm(self, EIM_TIMER_TOKEN, self->now.mono + (left > 0 ? left : 0));
}

bool eim_token_ask(eim_session *self, eim_token_reason reason, int64_t deadline_ms) {
  if (!self->has_provider) return false;
  if (!self->token_wanted) {
    self->token_wanted = true;
    int64_t left =
        self->token_expires_at ? self->token_expires_at - eim_session_server_now(self) : 0;
    eim_session_emit(
        self, EIM_EVENT_token_request,
        eim_token_event_new(reason, self->token_expires_at, left > 0 ? left : 0, deadline_ms));
  }
  return true;
}

void eim_token_timer(eim_session *self) {
  if (self->state != EIM_STATE_ONLINE || !self->token_expires_at || !self->server_offset_known)
    return;
  int64_t left = self->token_expires_at - eim_session_server_now(self);
  if (left <= 0) {
    eim_session_emit(self, EIM_EVENT_token_expired,
                     eim_token_event_new(EIM_TOKEN_EXPIRED, self->token_expires_at, 0, 0));
    eim_login_end(self, eim_error_new(EIM_CODE_TOKEN_EXPIRED, EIM_DOMAIN_LOCAL, EIM_E_AUTH,
                                      EIM_ERROR_FINAL, "the access token expired"));
    return;
  }
  if (!self->token_warned && eim_session_server_now(self) >= warn_at(self)) {
    self->token_warned = true;
    eim_session_emit(self, EIM_EVENT_token_will_expire,
                     eim_token_event_new(EIM_TOKEN_WILL_EXPIRE, self->token_expires_at, left, 0));
    eim_token_ask(self, EIM_TOKEN_WILL_EXPIRE, left);
  }
  eim_token_arm(self);
}
