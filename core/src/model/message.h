/* message.h - the message behind eim/message.h. One arena holds the struct and all its strings. */
#ifndef EIM_MODEL_MESSAGE_H
#define EIM_MODEL_MESSAGE_H

#include <stdatomic.h>

#include <eim/message.h>

#include "base/arena.h"
#include "base/object.h"

struct eim_message {
  eim_object base;
  eim_arena arena; /* holds the struct itself: destroy frees the arena from a copy */
  eim_message_kind kind;
  eim_chat_type chat_type;
  uint64_t server_id; /* 0: built here */
  int64_t time;
  int online_state; /* Meta.meta.is_online: 0, 1, 2 other, 3 absent (docs/protocol.md 12) */
  const char *id;   /* decimal digits or "" */
  const char *from, *from_resource, *to; /* "" when not told */
  const char *text;                      /* NULL unless TEXT */
  const char *ext;                       /* JSON object, "{}" */
  const char *body;                      /* JSON object, "{}" */
  const char *path;           /* a file of this machine that is to be uploaded first; NULL: none */
  struct eim_message **parts; /* a combined message whose file is to be made first: what of */
  size_t part_count;          /* 0: none */
  _Atomic(char *) json;       /* eim_message_to_json(), NULL until asked for */
  /* Of a received message: its place among the events of its client, for eim_client_message_done().
   * 0: built here. */
  uint64_t client, seq;
};

/* A message with every string "" ("{}" for ext and body), text NULL, in an arena with room for
 * about `size` bytes of strings. NULL: out of memory. Fill it before anybody else sees it. */
eim_message *eim_message_alloc(size_t size);

#endif
