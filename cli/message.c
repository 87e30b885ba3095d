#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1 << 20)

char *eim_cli_read_text(const char *command) {
  char *text = malloc(TEXT_MAX + 1);
  size_t length = text ? fread(text, 1, TEXT_MAX + 1, stdin) : 0;
  if (length > TEXT_MAX || (text && memchr(text, 0, length))) {
    eim_cli_say("%s: what came from stdin is no text, or more than 1 MiB", command);
    free(text);
    return NULL;
  }
  if (length && text[length - 1] == '\n') length--;
  if (text) text[length] = 0;
  return text;
}

static int refused(void) {
  eim_cli_say("send: %s", eim_error_message(eim_last_error()));
  return EIM_CLI_USAGE;
}

/* LAT,LNG[,ADDRESS] */
static eim_status set_location(eim_message_builder *builder, const char *location) {
  char lat[64], lng[64];
  const char *comma = strchr(location, ','), *second = comma ? strchr(comma + 1, ',') : NULL;
  snprintf(lat, sizeof lat, "%.*s", comma ? (int)(comma - location) : 0, location);
  snprintf(lng, sizeof lng, "%.*s",
           !comma   ? 0
           : second ? (int)(second - comma - 1)
                    : (int)strlen(comma + 1),
           comma ? comma + 1 : "");
  eim_status status = eim_message_builder_set(builder, "lat", lat);
  if (!status) status = eim_message_builder_set(builder, "lng", lng);
  if (!status && second) status = eim_message_builder_set(builder, "addr", second + 1);
  return status;
}

static eim_status set_fields(eim_message_builder *builder, const eim_cli_args *args) {
  for (size_t i = 0; i < args->field_count; i++) {
    char name[64];
    const char *equals = strchr(args->fields[i], '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals - args->fields[i]), args->fields[i]);
    eim_status status = eim_message_builder_set(builder, name, equals + 1);
    if (status) return status;
  }
  return EIM_OK;
}

/* What the command line says of the kind, one option for each; the field it fills. */
static eim_message_kind kind_of(const eim_cli_args *args, const char **field, const char **value) {
  static const struct {
    const char *name;
    eim_message_kind kind;
  } kinds[] = {{"txt", EIM_MESSAGE_TEXT},       {"img", EIM_MESSAGE_IMAGE},
               {"video", EIM_MESSAGE_VIDEO},    {"audio", EIM_MESSAGE_VOICE},
               {"file", EIM_MESSAGE_FILE},      {"loc", EIM_MESSAGE_LOCATION},
               {"cmd", EIM_MESSAGE_COMMAND},    {"custom", EIM_MESSAGE_CUSTOM},
               {"combine", EIM_MESSAGE_COMBINE}};
  *field = NULL;
  if (args->cmd) return *field = "action", *value = args->cmd, EIM_MESSAGE_COMMAND;
  if (args->custom) return *field = "customEvent", *value = args->custom, EIM_MESSAGE_CUSTOM;
  if (args->file) return *field = "path", *value = args->file, EIM_MESSAGE_FILE;
  if (args->image) return *field = "path", *value = args->image, EIM_MESSAGE_IMAGE;
  if (args->audio) return *field = "path", *value = args->audio, EIM_MESSAGE_VOICE;
  if (args->video) return *field = "path", *value = args->video, EIM_MESSAGE_VIDEO;
  if (args->location) return EIM_MESSAGE_LOCATION;
  if (!args->type) return EIM_MESSAGE_TEXT;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp(args->type, kinds[i].name)) return kinds[i].kind;
  return EIM_MESSAGE_UNKNOWN;
}

int eim_cli_message_build(const eim_cli_args *args, eim_message **out) {
  const char *field, *value;
  eim_message_builder *builder;
  eim_message_kind kind = kind_of(args, &field, &value);
  if (kind == EIM_MESSAGE_UNKNOWN) {
    eim_cli_say("--type: '%s' is none of txt, img, video, audio, file, loc, cmd, custom, combine",
                args->type);
    return EIM_CLI_USAGE;
  }
  char *typed = args->word && !strcmp(args->word, "-") ? eim_cli_read_text("send") : NULL;
  const char *text = typed ? typed : args->word;
  if (text && !typed && !strcmp(text, "-")) return EIM_CLI_USAGE;
  eim_status status = eim_message_builder_new(kind, args->chat, args->to, &builder);
  if (status) {
    free(typed);
    return refused();
  }
  if (text) status = eim_message_builder_set(builder, "msg", text);
  if (!status && field) status = eim_message_builder_set(builder, field, value);
  if (!status && args->location) status = set_location(builder, args->location);
  if (!status && args->ext) status = eim_message_builder_set(builder, "ext", args->ext);
  if (!status) status = set_fields(builder, args);
  if (!status) status = eim_message_builder_build(builder, out);
  eim_message_builder_free(builder);
  free(typed);
  return status ? refused() : EIM_CLI_DONE;
}
