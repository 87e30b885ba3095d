/* device.c - how a device calls itself (docs/protocol.md 6, "Device naming"). */
#include "session/internal.h"

/* The platform part of the name; the real SDKs have "wx", "web", "zfb" … here. */
#define PLATFORM "libeim"

bool eim_device_names(const eim_session *self, eim_buf *resource, eim_buf *uuid, eim_buf *name) {
  const eim_settings *s = self->settings;
  bool named = s->device_id[0] != 0; /* by the application */
  if (s->os_custom_value)
    eim_buf_printf(resource, "custom%d_", s->os_custom_value);
  else
    eim_buf_str(resource, "webim_");
  size_t prefix = resource->length;
  if (!named && !s->is_fixed_device_id) eim_buf_str(resource, "random_");
  eim_buf_printf(resource, "%s_%s", PLATFORM, self->device_id);
  if (resource->failed) return false;
  const char *whole = (const char *)resource->data;
  eim_buf_str(uuid, named ? whole : whole + prefix);
  eim_buf_str(name, s->device_name[0] ? s->device_name : named ? whole : "webim");
  return !uuid->failed && !name->failed;
}
