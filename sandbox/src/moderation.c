/* Messages that are refused for what they say, or because their sender may not say anything:
 * docs/protocol.md 11. */
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"

/* How the service refuses; which of them a word list causes depends on what the app has bought. */
static const struct {
  const char *name;
  int code;
  const char *reason;
} refusals[] = {
    {"sensitive", EASEMOB__PB__STATUS__ERROR_CODE__PERMISSION_DENIED, "sensitive words"},
    {"antispam", EASEMOB__PB__STATUS__ERROR_CODE__PERMISSION_DENIED, "blocked by mod_antispam"},
    /* the SDK looks for the word "moderation"; the rest of the text is proposed */
    {"moderation", EASEMOB__PB__STATUS__ERROR_CODE__FAIL, "refused by moderation"},
    /* the app's own service says what it likes */
    {"callback", EASEMOB__PB__STATUS__ERROR_CODE__PERMISSION_DENIED_EXTERNAL, "custom logic"}};

bool eim_sb_moderate(eim_sandbox *self, const char *const *words, size_t count, const char *as) {
  size_t which = 0;
  while (as && which < sizeof refusals / sizeof *refusals && strcmp(as, refusals[which].name) != 0)
    which++;
  if (which == sizeof refusals / sizeof *refusals || count > EIM_SB_MAX_WORDS) return false;
  eim_sb_names fresh = {NULL, 0};
  for (size_t i = 0; i < count; i++) {
    if (words[i] && *words[i] && eim_sb_names_add(&fresh, words[i])) continue;
    eim_sb_names_free(&fresh);
    return false;
  }
  eim_sb_names_free(&self->words);
  self->words = fresh;
  self->refused_as = which;
  return true;
}

/* NULL: nothing is wrong with it. Texts only: of other kinds the service looks at the files. */
const char *eim_sb_moderated(const eim_sandbox *self, const Easemob__Pb__MessageBody *body,
                             int *code) {
  for (size_t i = 0; i < body->n_contents; i++) {
    const char *text = body->contents[i]->text;
    for (size_t n = 0; text && n < self->words.count; n++) {
      if (!strcasestr(text, self->words.items[n])) continue;
      *code = refusals[self->refused_as].code;
      return refusals[self->refused_as].reason;
    }
  }
  return NULL;
}
