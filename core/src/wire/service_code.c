#include "wire/service_code.h"

#include <stddef.h>
#include <string.h>

/* The vendor's web SDK has numbers of its own; these are the native ones that mean the same
 * (docs/errors.md). What has no native number is left to its HTTP status. */
static const struct {
  int status, number; /* number 0: goes by the words */
  const char *words;  /* part of the description */
  int32_t code;
} rows[] = {
    {400, 40002, "", 1401},
    {400, 60005, "", 610},
    {400, 60006, "", 4},
    {400, 60007, "", 4},
    {400, 60009, "", 4},
    {400, 60010, "", 703},
    {400, 60011, "", 702},
    {400, 60012, "", 4},
    {400, 91104, "", 210},
    {400, 14403, "", 402},
    {401, 40001, "", 210},
    {401, 60001, "", 210},
    {403, 40000, "", 505},
    {403, 60004, "", 505},
    {403, 15002, "", 505},
    {403, 40003, "", 1401},
    {403, 40004, "", 1401},
    {403, 40005, "", 4},
    {403, 40007, "", 4},
    {403, 91002, "", 4},
    {403, 91101, "", 4},
    {403, 60002, "", 603},
    {403, 91102, "", 110},
    {404, 40011, "", 1400},
    {404, 40012, "", 210},
    {404, 60003, "", 602},
    {404, 20004, "", 602},
    {400, 0, "are not members of this group", 602},
    {400, 0, "The user not in this group!", 602},
    {400, 0, "groupId can not be null!", 606},
    {400, 0, "remark length must less than", 4},
    {400, 0, "The quantity has exceeded the limit!", 4},
    {400, 0, "the user is already operation this message", 1301},
    {400, 0, "the user operation is illegal!", 1302},
    {400, 0, "ext is too big", 1100},
    {400, 0, "Request body not readable", 110},
    {400, 0, "param mark illegal", 110},
    {400, 0, "they are not friends", 221},
    {403, 0, "are not members of this group", 602},
    {403, 0, "group member list is full!", 604},
    {403, 0, "members size is greater than max user size", 604},
    {403, 0, "reason: group is disabled", 607},
    {403, 0, "contact max count", 1001},
    {404, 0, "do not find this group", 606},
    {404, 0, "grpID ", 606}, /* "grpID 1 does not exist!" */
    {404, 0, "doesn't exist!", 204},
    {500, 0, "translte failed!", 1113}, /* their spelling */
};

static const char *words_for(int32_t code) {
  switch (code) {
  case 4: return "a limit of the service is reached";
  case 110: return "a parameter is not valid";
  case 204: return "there is no such user";
  case 210:
  case 603:
  case 703: return "permission denied";
  case 221: return "they are not contacts of each other";
  case 402: return "the file was not taken";
  case 505: return "the service is not enabled";
  case 602: return "not a member of the group";
  case 604: return "the group is full";
  case 606: return "there is no such group";
  case 607: return "the group is disabled";
  case 610: return "the member's attributes were not changed";
  case 702: return "not in the chat room";
  case 1001: return "no more contacts are allowed";
  case 1100: return "the presence text is too long";
  case 1113: return "the translation failed";
  case 1301: return "the reaction is there already";
  case 1302: return "this reaction is not allowed";
  case 1400: return "there is no such thread";
  case 1401: return "the thread exists already";
  default: return "the server refused";
  }
}

int32_t eim_service_code(int http_status, int64_t number, const char *description,
                         const char **message) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].status != http_status) continue;
    if (rows[i].number ? rows[i].number != number : !strstr(description, rows[i].words)) continue;
    *message = words_for(rows[i].code);
    return rows[i].code;
  }
  return 0;
}
