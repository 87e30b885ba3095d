/* eim_api.i - the public headers for every language. A language file sets the module, its typemaps
 * and its %rename lines, then includes this one:
 *
 *   %module eim_xyz
 *   ... typemaps ...
 *   %include "eim_api.i"
 *
 * What comes out: a class for each counted type, with its getters as methods; constants; and the few
 * functions that stay flat (constructors with **out, the option table, the log level, the version).
 *
 * How it works, and why the lists below are needed:
 *  - A method in %extend *without* a body calls our own eim_<type>_<method>(self, ...). With a body
 *    SWIG would define a static function of that very name.
 *  - The flat twin has to be ignored with its full signature, else both get the same wrapper name.
 *    The regex form of %rename does not do it.
 *  - Reference counts are the proxies' business: the destructor gives the reference up. A language
 *    file takes one (type_ref) before it hands out an owning proxy.
 *  - Handler sets, **out arguments, eim_status and borrowed const eim_error * need typemaps of the
 *    language: `const eim_handlers *handlers`, `eim_client **out` (likewise eim_config, eim_context,
 *    eim_message), `eim_status`, `const eim_error *`, `const eim_message *` (a result of
 *    eim_result::message), `const void *` with `size_t *length` (eim_result::bytes). 64-bit ids are
 *    strings in every language.
 *
 * Must pass SWIG 4.1 and 4.2 or newer. */

%{
#include <eim/eim.h>
%}

#define EIM_API

%include <stdint.i>

%nodefaultctor;
%nodefaultdtor;

/* ---------------------------------------------------------------- what no language sees as it is */

%ignore eim_handlers;
%ignore eim_log_record;
%ignore eim_log_set_callback;
%ignore eim_last_error; /* the typemap of eim_status reads it */

%ignore eim_error_ref;
%ignore eim_error_unref;
%ignore eim_message_ref;
%ignore eim_message_unref;
%ignore eim_state_change_ref;
%ignore eim_state_change_unref;
%ignore eim_token_event_ref;
%ignore eim_token_event_unref;
%ignore eim_receipt_ref;
%ignore eim_receipt_unref;
%ignore eim_notice_ref;
%ignore eim_notice_unref;
%ignore eim_progress_ref;
%ignore eim_progress_unref;
%ignore eim_result_ref;
%ignore eim_result_unref;
%ignore eim_client_ref;
%ignore eim_client_unref;
%ignore eim_context_ref;
%ignore eim_context_unref;
%ignore eim_config_free;
%ignore eim_context_subscribe_log; /* C callbacks: a language file wraps them by hand if at all */
%ignore eim_log_download;
/* eim_message_from_json makes every kind in one call, and checks the same. */
%ignore eim_message_builder;
%ignore eim_message_builder_new;
%ignore eim_message_builder_free;
%ignore eim_message_builder_set;
%ignore eim_message_builder_set_ext;
%ignore eim_message_builder_build;
%ignore eim_context_start; /* bindings poll from a thread of their own language */

/* ------------------------------------------------------------------------------------- payloads */

%ignore eim_error_code(const eim_error *);
%ignore eim_error_name(const eim_error *);
%ignore eim_error_domain(const eim_error *);
%ignore eim_error_native(const eim_error *);
%ignore eim_error_message(const eim_error *);
%ignore eim_error_is_retriable(const eim_error *);
%ignore eim_error_is_final(const eim_error *);
%ignore eim_error_may_have_happened(const eim_error *);
%ignore eim_error_detail(const eim_error *);
%ignore eim_error_web_code(const eim_error *);
typedef struct eim_error {
} eim_error;
%extend eim_error {
  ~eim_error() { eim_error_unref($self); }
  int32_t code();
  const char *name();
  eim_domain domain();
  int native();
  const char *message();
  bool is_retriable();
  bool is_final();
  bool may_have_happened();
  const char *detail();
  int32_t web_code();
}

%ignore eim_message_get_kind(const eim_message *);
%ignore eim_message_type(const eim_message *);
%ignore eim_message_get_chat_type(const eim_message *);
%ignore eim_message_id(const eim_message *);
%ignore eim_message_from(const eim_message *);
%ignore eim_message_to(const eim_message *);
%ignore eim_message_from_resource(const eim_message *);
%ignore eim_message_time(const eim_message *);
%ignore eim_message_text(const eim_message *);
%ignore eim_message_ext(const eim_message *);
%ignore eim_message_body(const eim_message *);
%ignore eim_message_to_json(const eim_message *);
typedef struct eim_message {
} eim_message;
%extend eim_message {
  ~eim_message() { eim_message_unref($self); }
  eim_message_kind get_kind();
  const char *type();
  eim_chat_type get_chat_type();
  const char *id();
  const char *from();
  const char *to();
  const char *from_resource();
  int64_t time();
  const char *text();
  const char *ext();
  const char *body();
  const char *to_json();
}

%ignore eim_state_change_state(const eim_state_change *);
%ignore eim_state_change_previous(const eim_state_change *);
%ignore eim_state_change_cause(const eim_state_change *);
%ignore eim_state_change_attempt(const eim_state_change *);
%ignore eim_state_change_next_retry_ms(const eim_state_change *);
%ignore eim_state_change_will_retry(const eim_state_change *);
%ignore eim_state_change_user(const eim_state_change *);
%ignore eim_state_change_resource(const eim_state_change *);
typedef struct eim_state_change {
} eim_state_change;
%extend eim_state_change {
  ~eim_state_change() { eim_state_change_unref($self); }
  eim_state state();
  eim_state previous();
  const eim_error *cause();
  int attempt();
  int64_t next_retry_ms();
  bool will_retry();
  const char *user();
  const char *resource();
}

%ignore eim_token_event_reason(const eim_token_event *);
%ignore eim_token_event_expires_at(const eim_token_event *);
%ignore eim_token_event_remaining_ms(const eim_token_event *);
%ignore eim_token_event_deadline_ms(const eim_token_event *);
typedef struct eim_token_event {
} eim_token_event;
%extend eim_token_event {
  ~eim_token_event() { eim_token_event_unref($self); }
  eim_token_reason reason();
  int64_t expires_at();
  int64_t remaining_ms();
  int64_t deadline_ms();
}

%ignore eim_receipt_get_kind(const eim_receipt *);
%ignore eim_receipt_message_id(const eim_receipt *);
%ignore eim_receipt_local_id(const eim_receipt *);
%ignore eim_receipt_from(const eim_receipt *);
%ignore eim_receipt_to(const eim_receipt *);
%ignore eim_receipt_get_chat_type(const eim_receipt *);
%ignore eim_receipt_time(const eim_receipt *);
%ignore eim_receipt_json(const eim_receipt *);
typedef struct eim_receipt {
} eim_receipt;
%extend eim_receipt {
  ~eim_receipt() { eim_receipt_unref($self); }
  eim_receipt_kind get_kind();
  const char *message_id();
  const char *local_id();
  const char *from();
  const char *to();
  eim_chat_type get_chat_type();
  int64_t time();
  const char *json();
}

%ignore eim_notice_name(const eim_notice *);
%ignore eim_notice_json(const eim_notice *);
typedef struct eim_notice {
} eim_notice;
%extend eim_notice {
  ~eim_notice() { eim_notice_unref($self); }
  const char *name();
  const char *json();
}

%ignore eim_progress_token(const eim_progress *);
%ignore eim_progress_done(const eim_progress *);
%ignore eim_progress_total(const eim_progress *);
typedef struct eim_progress {
} eim_progress;
%extend eim_progress {
  ~eim_progress() { eim_progress_unref($self); }
  uint64_t token();
  int64_t done();
  int64_t total();
}

%ignore eim_result_token(const eim_result *);
%ignore eim_result_error(const eim_result *);
%ignore eim_result_message_id(const eim_result *);
%ignore eim_result_local_id(const eim_result *);
%ignore eim_result_time(const eim_result *);
%ignore eim_result_json(const eim_result *);
%ignore eim_result_bytes(const eim_result *, size_t *);
%ignore eim_result_message_count(const eim_result *);
%ignore eim_result_message(const eim_result *, size_t);
typedef struct eim_result {
} eim_result;
%extend eim_result {
  ~eim_result() { eim_result_unref($self); }
  uint64_t token();
  const eim_error *error();
  const char *message_id();
  const char *local_id();
  int64_t time();
  const char *json();
  const void *bytes(size_t *length);
  size_t message_count();
  const eim_message *message(size_t index);
}

/* -------------------------------------------------------------------------------------- handles */

%ignore eim_config_copy(const eim_config *, eim_config **);
%ignore eim_config_set(eim_config *, const char *, const char *);
%ignore eim_config_get(const eim_config *, const char *);
%ignore eim_config_check(const eim_config *);
typedef struct eim_config {
} eim_config;
%extend eim_config {
  ~eim_config() { eim_config_free($self); }
  eim_status copy(eim_config **out);
  eim_status set(const char *key, const char *value);
  const char *get(const char *key);
  eim_status check();
}

%ignore eim_context_shutdown(eim_context *);
%ignore eim_context_poll(eim_context *, int, int);
%ignore eim_context_wait(eim_context *, int);
%ignore eim_context_yield(eim_context *);
%ignore eim_context_fd(eim_context *);
typedef struct eim_context {
} eim_context;
%extend eim_context {
  ~eim_context() { eim_context_unref($self); }
  void shutdown();
  eim_status poll(int timeout_ms, int max_events);
  eim_status wait(int timeout_ms);
  void yield();
  int fd();
}

%ignore eim_client_shutdown(eim_client *);
%ignore eim_client_add_event_handler(eim_client *, const char *, const eim_handlers *);
%ignore eim_client_remove_event_handler(eim_client *, const char *);
%ignore eim_client_register_user(eim_client *, const char *, const char *, const char *, uint64_t);
%ignore eim_client_open_password(eim_client *, const char *, const char *, uint64_t);
%ignore eim_client_open_token(eim_client *, const char *, const char *, uint64_t);
%ignore eim_client_close(eim_client *, uint64_t);
%ignore eim_client_renew_token(eim_client *, const char *, uint64_t);
%ignore eim_client_token_unavailable(eim_client *, const char *);
%ignore eim_client_health(eim_client *, uint64_t);
%ignore eim_client_network_changed(eim_client *, bool);
%ignore eim_client_set_login_ext(eim_client *, const char *);
%ignore eim_client_send(eim_client *, const eim_message *, uint64_t);
%ignore eim_client_message_done(eim_client *, const eim_message *);
%ignore eim_client_send_read(eim_client *, const eim_message *, const char *, uint64_t);
%ignore eim_client_send_channel_read(eim_client *, eim_chat_type, const char *, uint64_t);
%ignore eim_client_recall(eim_client *, eim_chat_type, const char *, const char *, const char *, uint64_t);
%ignore eim_client_edit(eim_client *, const char *, const eim_message *, uint64_t);
%ignore eim_client_join_room(eim_client *, const char *, const char *, bool, uint64_t);
%ignore eim_client_leave_room(eim_client *, const char *, uint64_t);
%ignore eim_client_request(eim_client *, const char *, const char *, const char *, const char *, uint64_t);
%ignore eim_client_upload(eim_client *, const char *, const char *, int, int, uint64_t);
%ignore eim_client_download(eim_client *, const char *, const char *, const char *, int64_t, bool, uint64_t);
%ignore eim_client_download_combined(eim_client *, const eim_message *, uint64_t);
%ignore eim_client_cancel(eim_client *, uint64_t);
%ignore eim_client_state(const eim_client *);
typedef struct eim_client {
} eim_client;
%extend eim_client {
  ~eim_client() { eim_client_unref($self); }
  void shutdown();
  eim_status add_event_handler(const char *id, const eim_handlers *handlers);
  eim_status remove_event_handler(const char *id);
  eim_status register_user(const char *username, const char *password, const char *nickname,
                           uint64_t token);
  eim_status open_password(const char *user, const char *password, uint64_t token);
  eim_status open_token(const char *user, const char *access_token, uint64_t token);
  eim_status close(uint64_t token);
  eim_status renew_token(const char *access_token, uint64_t token);
  eim_status token_unavailable(const char *reason);
  eim_status health(uint64_t token);
  eim_status network_changed(bool up);
  eim_status set_login_ext(const char *ext);
  eim_status send(const eim_message *message, uint64_t token);
  eim_status message_done(const eim_message *message);
  eim_status send_read(const eim_message *message, const char *content, uint64_t token);
  eim_status send_channel_read(eim_chat_type chat_type, const char *to, uint64_t token);
  eim_status recall(eim_chat_type chat_type, const char *to, const char *message_id,
                    const char *ext, uint64_t token);
  eim_status edit(const char *message_id, const eim_message *message, uint64_t token);
  eim_status join_room(const char *room_id, const char *ext, bool leave_others, uint64_t token);
  eim_status leave_room(const char *room_id, uint64_t token);
  eim_status request(const char *method, const char *path, const char *query,
                     const char *json_body, uint64_t token);
  eim_status upload(const char *path, const char *filename, int thumbnail_width,
                    int thumbnail_height, uint64_t token);
  eim_status download(const char *url, const char *secret, const char *path, int64_t max_bytes,
                      bool thumbnail, uint64_t token);
  eim_status download_combined(const eim_message *message, uint64_t token);
  eim_status cancel(uint64_t token);
  eim_state state();
}

/* -------------------------------------------------------------- the headers, as a C user has them */

%include <eim/base.h>
%include <eim/error.h>
%include <eim/version.h>
%include <eim/log.h>
%include <eim/message.h>
%include <eim/event.h>
%include <eim/config.h>
%include <eim/context.h>
%include <eim/client.h>
%include <eim/rest.h>
