/* settings.h - the options of a client, parsed. Strings are never NULL ("" means unset) unless
 * said. Immutable once a client has it; counted, because clients of one configuration share it. */
#ifndef EIM_MODEL_SETTINGS_H
#define EIM_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <eim/base.h>
#include <eim/config.h>

#include "base/object.h"
#include "base/secret.h"

typedef struct eim_settings {
  eim_object base;
  /* identity */
  char *app_key;   /* "org#app", both halves not empty */
  char *org, *app; /* its halves */
  char *device_id; /* "": fixed in state_dir, else random once for each client */
  bool is_fixed_device_id;
  char *device_name;   /* "": as the real SDK (docs/protocol.md 6) */
  int os_platform;     /* Provision.osType: 0..4, 16; 5 with os_custom_value */
  int os_custom_value; /* 1..100, 0: none */
  char *state_dir;
  /* where */
  bool is_http_dns;    /* effective: architecture.md "Names follow the seed", Addresses */
  bool https;          /* discovered hosts by TLS only */
  char *api_url, *url; /* without a trailing slash; "" when unset */
  char **dns_urls;     /* NULL-terminated bootstrap URLs */
  /* how */
  char *ca_file;
  char **pinned_keys; /* NULL-terminated "sha256//base64" */
  char *client_cert, *client_key;
  eim_secret *proxy; /* whole proxy URL (it may hold credentials), NULL: none */
  int ip_version;    /* 0 any, 4, 6 */
  /* when, ms */
  int connect_timeout, login_timeout, request_timeout, send_timeout;
  int heart_beat_wait, heartbeat_timeout;
  int reconnect_base_ms, reconnect_max_ms, reconnect_hold_ms;
  int auto_reconnect_num_max;    /* -1: for ever */
  double token_warning_fraction; /* 0..1 of the life */
  int token_warning_lead_ms;
  /* what */
  bool delivery, use_own_upload_fun;
  bool manual_ack; /* ackMode */
  int max_pending_sends;
  int max_undelivered; /* messages handed out but not yet dispatched, for each client */
  int max_frame_bytes;
  bool compression; /* offer LZ4 at login */
  bool enable_report_logs;
  int report_log_level; /* eim_log_level */
  int report_max_bytes;
  int io_threads; /* context only */
} eim_settings;

/* Check the options of a config together and make settings of them. Fails like
 * eim_config_check(); *out is owned by the caller (eim_object_unref). */
eim_status eim_settings_from_config(const eim_config *config, eim_settings **out);

#endif
