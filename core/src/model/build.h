/* build.h - what a message built here must look like: the checks that all ways of building share.
 */
#ifndef EIM_MODEL_BUILD_H
#define EIM_MODEL_BUILD_H

#include <eim/message.h>

/* A user, group or room id as it goes into a frame. */
eim_status eim_check_receiver(eim_chat_type chat_type, const char *to);
/* A JSON object of extra values, bounded in size and depth. */
eim_status eim_check_ext(const char *ext);
/* Can it be sent? One that was received with what this version cannot write, or without what a
 * frame needs, cannot. */
eim_status eim_message_sendable(const eim_message *message);
/* The same message once its file is uploaded: without path, with `url`, `secret`, `file_length`
 * and, unless it had one, `filename` of this JSON object. NULL: out of memory. */
eim_message *eim_message_uploaded(const eim_message *message, const char *json);

#endif
