/* The public functions: lock, look at the arguments, change state, unlock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

static void lock(const eim_sandbox *self) {
  pthread_mutex_lock((pthread_mutex_t *)&self->lock);
}
static void unlock(const eim_sandbox *self) {
  pthread_mutex_unlock((pthread_mutex_t *)&self->lock);
}
/* After a change: what was promised to the caller is kept. */
static bool settle(eim_sandbox *self, bool good) {
  self->documents_due = true;
  bool kept = eim_sb_store_commit(self);
  if (!kept) eim_sb_wake(self, NULL); /* the server's thread ends the lines */
  good = kept && good;
  unlock(self);
  return good;
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...) {
  va_list args;
  va_start(args, text);
  char *out = NULL;
  if (vasprintf(&out, text, args) < 0) out = NULL;
  va_end(args);
  return out;
}

static bool set_options(eim_sandbox *self, const eim_sandbox_options *options, char *error,
                        size_t size) {
  eim_sandbox_options *o = &self->options;
  if (options) *o = *options;
  if (!o->app_key) o->app_key = EIM_SANDBOX_DEFAULT_APP_KEY;
  const char *hash = strchr(o->app_key, '#');
  if (!hash || hash == o->app_key || !hash[1] || strchr(hash + 1, '#') || strchr(o->app_key, '/') ||
      strlen(o->app_key) > 128) {
    snprintf(error, size, "the app key must be org#app");
    return false;
  }
  if (!o->token_ttl) o->token_ttl = 5184000;
  if (o->device_limit <= 0) o->device_limit = 4;
  if (o->page_size <= 0 || o->page_size > 1000) o->page_size = 10;
  if (o->queue_limit <= 0) o->queue_limit = 10000;
  if (!o->max_message) o->max_message = 5120;
  if (!o->max_frame) o->max_frame = 65536;
  if (!o->max_body) o->max_body = 3145728;
  if (!o->max_file) o->max_file = 10485760; /* docs/rest.md 7 */
  if (!o->max_upload) o->max_upload = 104857600;
  if (!o->part_size) o->part_size = 5242880; /* docs/protocol.md 3.6 */
  if (!o->file_store) o->file_store = 268435456;
  if (!o->report_interval) o->report_interval = 300000;
  self->app_key = eim_strdup(o->app_key);
  self->org = strndup(o->app_key, (size_t)(hash - o->app_key));
  self->app = eim_strdup(hash + 1);
  self->bind = eim_strdup(o->bind ? o->bind : "127.0.0.1");
  self->admin_bind = eim_strdup(o->admin_bind ? o->admin_bind : "127.0.0.1");
  self->ca_dir = eim_strdup(o->ca_dir);
  bool has_data = o->data != NULL;
  self->data = eim_strdup(o->data);
  o->app_key = o->bind = o->admin_bind = o->ca_dir = o->data = NULL;
  if (self->app_key && self->org && self->app && self->bind && self->admin_bind &&
      (self->data || !has_data))
    return true;
  snprintf(error, size, "out of memory");
  return false;
}

static bool set_urls(eim_sandbox *self) {
  const char *s = self->options.tls ? "s" : "";
  const char *host = strcmp(self->bind, "0.0.0.0") == 0 ? "127.0.0.1"
                     : strcmp(self->bind, "::") == 0    ? "::1"
                                                        : self->bind;
  const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";
  self->api_url = format("http%s://%s%s%s:%d", s, open, host, close, self->port);
  self->url = format("ws%s://%s%s%s:%d/websocket", s, open, host, close, self->port);
  self->sockjs_url = format("http%s://%s%s%s:%d/ws", s, open, host, close, self->port);
  self->dns_url =
      format("http%s://%s%s%s:%d/easemob/server.json", s, open, host, close, self->port);
  const char *admin = strcmp(self->admin_bind, "0.0.0.0") == 0 ? "127.0.0.1" : self->admin_bind;
  self->admin_url = format("http://%s:%d", admin, self->admin_port);
  return self->api_url && self->url && self->sockjs_url && self->dns_url && self->admin_url;
}

eim_sandbox *eim_sandbox_new(const eim_sandbox_options *options, char *error, size_t error_size) {
  char ignored[8];
  if (!error || !error_size) {
    error = ignored;
    error_size = sizeof ignored;
  }
  *error = 0;
  eim_sandbox *self = calloc(1, sizeof *self);
  if (!self) {
    snprintf(error, error_size, "out of memory");
    return NULL;
  }
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&self->lock, &recursive);
  pthread_mutexattr_destroy(&recursive);
  eim_random_seed_os(&self->random);
  eim_sb_uuid(self, self->app_uuid);
  lock(self); /* nothing is answered before the addresses are known */
  bool good = set_options(self, options, error, error_size) &&
              (!self->data || eim_sb_store_open(self, self->data, error, error_size)) &&
              eim_sb_server_start(self, error, error_size);
  if (good && !set_urls(self)) {
    snprintf(error, error_size, "out of memory");
    good = false;
  }
  unlock(self);
  if (good) return self;
  eim_sandbox_free(self);
  return NULL;
}

void eim_sandbox_free(eim_sandbox *self) {
  if (!self) return;
  eim_sb_server_stop(self);
  while (self->conns) eim_sb_detach(self, self->conns);
  eim_sb_store_end(self->store);
  eim_sb_free_tokens(self);
  eim_sb_free_users(self);
  eim_sb_free_groups(self);
  eim_sb_free_sent(self);
  eim_sb_free_history(self);
  eim_sb_names_free(&self->words);
  eim_sb_names_free(&self->super_admins);
  eim_sb_free_uploads(self);
  eim_sb_free_files(self);
  eim_sb_store_free(self->store);
  eim_sb_log_clear(self);
  eim_sb_remove_certificates(self);
  for (int i = 0; i < EIM_SANDBOX_WHAT_COUNT; i++) free(self->faults[i].text);
  free(self->app_key);
  free(self->org);
  free(self->app);
  free(self->bind);
  free(self->admin_bind);
  free(self->ca_dir);
  free(self->data);
  free(self->api_url);
  free(self->url);
  free(self->sockjs_url);
  free(self->dns_url);
  free(self->admin_url);
  free(self->ca_pem);
  free(self->ca_file);
  free(self->private_dir);
  pthread_mutex_destroy(&self->lock);
  free(self);
}

const char *eim_sandbox_api_url(const eim_sandbox *self) {
  return self->api_url;
}
const char *eim_sandbox_url(const eim_sandbox *self) {
  return self->url;
}
const char *eim_sandbox_sockjs_url(const eim_sandbox *self) {
  return self->sockjs_url;
}
const char *eim_sandbox_dns_url(const eim_sandbox *self) {
  return self->dns_url;
}
const char *eim_sandbox_admin_url(const eim_sandbox *self) {
  return self->admin_url;
}
const char *eim_sandbox_app_key(const eim_sandbox *self) {
  return self->app_key;
}
uint16_t eim_sandbox_port(const eim_sandbox *self) {
  return (uint16_t)self->port;
}
const char *eim_sandbox_ca_file(const eim_sandbox *self) {
  return self->ca_file;
}
const char *eim_sandbox_ca_pem(const eim_sandbox *self) {
  return self->ca_pem;
}

bool eim_sandbox_add_user(eim_sandbox *self, const char *user, const char *password) {
  if (!user || !password || !*password || strlen(user) > EIM_SB_MAX_NAME ||
      !eim_sb_name_legal(user))
    return false;
  lock(self);
  eim_sb_user *known = eim_sb_find_user(self, user);
  bool good = known ? known->is_loaded && eim_sb_has_password(known, password)
                    : eim_sb_create_user(self, user, password, NULL) != NULL;
  if (known) known->is_loaded = false;
  return settle(self, good);
}

bool eim_sandbox_remove_user(eim_sandbox *self, const char *name) {
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (user) eim_sb_remove_user(self, user);
  return settle(self, user != NULL);
}

bool eim_sandbox_set_password(eim_sandbox *self, const char *name, const char *password) {
  if (!password || !*password) return false;
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  return settle(self, user && eim_sb_change_password(self, user, password));
}

bool eim_sandbox_set_active(eim_sandbox *self, const char *name, bool on) {
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  if (user) eim_sb_activate(self, user, on);
  return settle(self, user != NULL);
}

bool eim_sandbox_add_group(eim_sandbox *self, const char *id, bool room, const char *const *members,
                           size_t count) {
  if (!id || !*id || strlen(id) > 64) return false;
  lock(self);
  eim_sb_group *group = eim_sb_find_group(self, id);
  if (!group) group = eim_sb_create_group(self, id, room, NULL);
  bool good = group != NULL;
  if (group) {
    group->room = room;
    if (room) group->is_public = true;
    while (group->count) eim_sb_leave_group(group, group->members[0]->name);
    for (size_t i = 0; i < count; i++)
      good = members[i] && eim_sb_join_group(self, group, members[i]) && good;
    snprintf(group->owner, sizeof group->owner, "%s", group->count ? group->members[0]->name : "");
  }
  return settle(self, good);
}

bool eim_sandbox_moderate(eim_sandbox *self, const char *const *words, size_t count,
                          const char *as) {
  lock(self);
  bool good = eim_sb_moderate(self, words, count, as ? as : "sensitive");
  unlock(self);
  return good;
}

bool eim_sandbox_issue_token(eim_sandbox *self, const char *name, int64_t ttl, char *out,
                             size_t out_size) {
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  int64_t seconds = ttl < 0 ? 0 : ttl ? ttl : self->options.token_ttl;
  bool good =
      user && seconds < 1000000000000 && eim_sb_issue(self, user, seconds * 1000, out, out_size);
  return settle(self, good);
}

int eim_sandbox_kick(eim_sandbox *self, const char *name, const char *resource, int operation,
                     const char *reason) {
  int count = 0;
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  for (eim_sb_conn *conn = self->conns; user && conn; conn = conn->next) {
    if (conn->user != user || !conn->device) continue;
    if (resource && strcmp(conn->device->resource, resource) != 0) continue;
    eim_sb_kick(self, conn, operation, reason);
    count++;
  }
  unlock(self);
  return count;
}

int eim_sandbox_cut(eim_sandbox *self, const char *name) {
  int count = 0;
  lock(self);
  eim_sb_user *user = name ? eim_sb_find_user(self, name) : NULL;
  for (eim_sb_conn *conn = self->conns; (user || !name) && conn; conn = conn->next) {
    if (user && conn->user != user) continue;
    conn->cut = true;
    eim_sb_wake(self, conn);
    count++;
  }
  unlock(self);
  return count;
}

bool eim_sandbox_freeze(eim_sandbox *self, const char *name, bool on) {
  lock(self);
  eim_sb_user *user = name ? eim_sb_find_user(self, name) : NULL;
  if (user)
    user->frozen = on;
  else if (!name)
    self->frozen = on;
  for (eim_sb_conn *conn = self->conns; (user || !name) && conn; conn = conn->next)
    if (!user || conn->user == user) eim_sb_wake(self, conn);
  unlock(self);
  return user || !name;
}

uint64_t eim_sandbox_push_meta(eim_sandbox *self, const char *name, const void *meta, size_t size) {
  eim_sb_pb_meta *pb = easemob__pb__meta__unpack(NULL, size, meta);
  if (!pb) return 0;
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  uint64_t id = user ? eim_sb_push_meta(self, user, pb) : 0;
  if (!settle(self, true)) id = 0;
  easemob__pb__meta__free_unpacked(pb, NULL);
  return id;
}

uint64_t eim_sandbox_push(eim_sandbox *self, const char *name, const char *from, const char *text) {
  if (!name || !from || !text || !eim_utf8_valid(text, strlen(text))) return 0;
  Easemob__Pb__JID from_name = EASEMOB__PB__JID__INIT, to_name = EASEMOB__PB__JID__INIT, from_jid,
                   to_jid;
  from_name.name = (char *)from;
  to_name.name = (char *)name;
  Easemob__Pb__MessageBody__Content content = EASEMOB__PB__MESSAGE_BODY__CONTENT__INIT,
                                    *contents[] = {&content};
  content.has_type = 1;
  content.text = (char *)text;
  Easemob__Pb__MessageBody body = EASEMOB__PB__MESSAGE_BODY__INIT;
  body.has_type = 1;
  body.type = EASEMOB__PB__MESSAGE_BODY__TYPE__CHAT;
  body.from = &from_name;
  body.to = &to_name;
  body.n_contents = 1;
  body.contents = contents;
  size_t size = easemob__pb__message_body__get_packed_size(&body);
  uint8_t *bytes = malloc(size);
  if (!bytes) return 0;
  easemob__pb__message_body__pack(&body, bytes);
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  eim_sb_jid(self, &from_jid, from, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_jid(self, &to_jid, user ? user->name : name, EIM_SB_DOMAIN_USER, NULL);
  eim_sb_pb_meta meta = EASEMOB__PB__META__INIT;
  meta.from = &from_jid;
  meta.to = &to_jid;
  meta.has_ns = meta.has_payload = 1;
  meta.ns = EASEMOB__PB__META__NAME_SPACE__CHAT;
  meta.payload.data = bytes;
  meta.payload.len = size;
  uint64_t id = user ? eim_sb_push_meta(self, user, &meta) : 0;
  if (!settle(self, true)) id = 0;
  free(bytes);
  return id;
}

int eim_sandbox_raw(eim_sandbox *self, const char *name, const void *bytes, size_t size,
                    bool text) {
  int count = 0;
  lock(self);
  eim_sb_user *user = eim_sb_find_user(self, name);
  for (eim_sb_conn *conn = self->conns; user && conn; conn = conn->next) {
    if (conn->user != user) continue;
    eim_sb_send_bytes(self, conn, bytes, size, text);
    count++;
  }
  unlock(self);
  return count;
}

bool eim_sandbox_fail_next(eim_sandbox *self, eim_sandbox_what what, int n,
                           const eim_sandbox_failure *how) {
  if (what < 0 || what >= EIM_SANDBOX_WHAT_COUNT || n < 0 || (n && !how)) return false;
  char *text = how ? eim_strdup(how->text) : NULL;
  if (how && how->text && !text) return false;
  lock(self);
  eim_sb_fault *fault = &self->faults[what];
  free(fault->text);
  *fault = (eim_sb_fault){n, how ? how->by : EIM_SANDBOX_BY_HTTP, how ? how->status : 0, text};
  unlock(self);
  return true;
}

void eim_sandbox_delay(eim_sandbox *self, int ms) {
  lock(self);
  self->delay = ms < 0 ? 0 : ms;
  unlock(self);
}

void eim_sandbox_report_logs(eim_sandbox *self, bool on, int64_t interval_ms) {
  lock(self);
  self->options.report_logs = on;
  self->options.report_interval = interval_ms;
  unlock(self);
}

bool eim_sandbox_expire_token(eim_sandbox *self, const char *name) {
  lock(self);
  eim_sb_user *user = name ? eim_sb_find_user(self, name) : NULL;
  if (user || !name) eim_sb_expire(self, user);
  return settle(self, user || !name);
}

void eim_sandbox_move_clock(eim_sandbox *self, int64_t ms) {
  lock(self);
  self->clock_offset += ms;
  eim_sb_store_state(self->store);
  settle(self, true);
}

int64_t eim_sandbox_now(const eim_sandbox *self) {
  lock(self);
  int64_t now = eim_sb_now(self);
  unlock(self);
  return now;
}

uint64_t eim_sandbox_count(const eim_sandbox *self, eim_sandbox_what what) {
  if (what < 0 || what >= EIM_SANDBOX_WHAT_COUNT) return 0;
  lock(self);
  uint64_t count = self->counts[what];
  unlock(self);
  return count;
}

int eim_sandbox_sessions(const eim_sandbox *self, const char *name) {
  int count = 0;
  lock(self);
  const eim_sb_user *user = name ? eim_sb_find_user((eim_sandbox *)self, name) : NULL;
  for (const eim_sb_conn *conn = self->conns; (user || !name) && conn; conn = conn->next)
    count += conn->device && !conn->closing && !conn->cut && (!user || conn->user == user);
  unlock(self);
  return count;
}

int eim_sandbox_waiting(const eim_sandbox *self, const char *name) {
  int count = 0;
  lock(self);
  const eim_sb_user *user = eim_sb_find_user((eim_sandbox *)self, name);
  if (user) {
    count = user->inbox.waiting;
    for (const eim_sb_device *device = user->devices; device; device = device->next)
      count += device->waiting;
  }
  unlock(self);
  return count;
}

char *eim_sandbox_log(const eim_sandbox *self) {
  eim_buf out = EIM_BUF_INIT;
  lock(self);
  eim_sb_log_json(self, &out);
  unlock(self);
  if (!out.failed) return (char *)out.data;
  eim_buf_free(&out);
  return NULL;
}

void eim_sandbox_clear_log(eim_sandbox *self) {
  lock(self);
  eim_sb_log_clear(self);
  memset(self->counts, 0, sizeof self->counts);
  for (size_t i = 0; i < EIM_SB_BUCKETS; i++)
    for (eim_sb_user *user = self->users[i]; user; user = user->next) eim_sb_forget_logs(user);
  unlock(self);
}

char *eim_sandbox_uploaded_logs(const eim_sandbox *self, const char *name) {
  lock(self);
  const eim_sb_user *user = eim_sb_find_user((eim_sandbox *)self, name);
  char *text = user ? eim_strdup(user->logs.data ? (char *)user->logs.data : "") : NULL;
  unlock(self);
  return text;
}
