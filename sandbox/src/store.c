/* The file of --data, in SQLite. Write-ahead log with synchronous=NORMAL: a commit is a write to
 * the log without fsync, so it survives the end of this process by any signal, and a crash of the
 * machine may take the last commits but never the file. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"

#define APPLICATION 0x45494d53 /* "EIMS" */
#define SCHEMA 1

static const char schema[] =
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id=1), app_key TEXT NOT NULL,"
    " app_uuid TEXT NOT NULL, server_id INTEGER NOT NULL, logins INTEGER NOT NULL,"
    " clock_offset INTEGER NOT NULL);"
    "CREATE TABLE user(id INTEGER PRIMARY KEY, name TEXT NOT NULL, nickname TEXT,"
    " uuid TEXT NOT NULL, salt BLOB NOT NULL, password BLOB NOT NULL, created INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, activated INTEGER NOT NULL, inbox INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX user_inbox ON user(inbox);"
    "CREATE TABLE token(hash BLOB PRIMARY KEY, user INTEGER, expires_at INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX token_user ON token(user);"
    "CREATE TABLE device(id INTEGER PRIMARY KEY, user INTEGER NOT NULL, resource TEXT NOT NULL,"
    " uuid TEXT NOT NULL, name TEXT NOT NULL, class TEXT NOT NULL, last_login INTEGER NOT NULL,"
    " acknowledged INTEGER NOT NULL);"
    "CREATE INDEX device_user ON device(user);"
    "CREATE TABLE message(id INTEGER PRIMARY KEY, meta BLOB NOT NULL);"
    "CREATE TABLE waiting(device INTEGER NOT NULL, position INTEGER NOT NULL,"
    " message INTEGER NOT NULL, queue TEXT NOT NULL, domain TEXT NOT NULL, resource TEXT,"
    " PRIMARY KEY(device, position)) WITHOUT ROWID;"
    "CREATE TABLE seen(user INTEGER NOT NULL, slot INTEGER NOT NULL, number INTEGER NOT NULL,"
    " client_id INTEGER NOT NULL, digest INTEGER NOT NULL, server_id INTEGER NOT NULL,"
    " timestamp INTEGER NOT NULL, PRIMARY KEY(user, slot)) WITHOUT ROWID;"
    "CREATE TABLE sent(slot INTEGER PRIMARY KEY, number INTEGER NOT NULL,"
    " server_id INTEGER NOT NULL, timestamp INTEGER NOT NULL, edits INTEGER NOT NULL,"
    " sender TEXT NOT NULL, to_group TEXT NOT NULL, wants_acks INTEGER NOT NULL, readers TEXT);"
    "CREATE TABLE history(slot INTEGER PRIMARY KEY, number INTEGER NOT NULL, meta BLOB NOT NULL,"
    " sender TEXT NOT NULL, receiver TEXT NOT NULL, is_group INTEGER NOT NULL,"
    " content INTEGER NOT NULL, hidden TEXT);"
    "CREATE TABLE file(id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, secret TEXT NOT NULL,"
    " type TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, data BLOB NOT NULL);"
    "CREATE TABLE document(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " text TEXT NOT NULL, UNIQUE(kind, key));";

/* The changes, each prepared once. */
#define CHANGES(X)                                                                                 \
  X(BEGIN, "BEGIN IMMEDIATE")                                                                      \
  X(COMMIT, "COMMIT")                                                                              \
  X(STATE, "REPLACE INTO state VALUES(1,?,?,?,?,?)")                                               \
  X(USER, "REPLACE INTO user VALUES(?,?,?,?,?,?,?,?,?,?)")                                         \
  X(USER_GONE, "DELETE FROM user WHERE id=?")                                                      \
  X(SEEN_GONE, "DELETE FROM seen WHERE user=?")                                                    \
  X(DEVICES_GONE, "DELETE FROM device WHERE user=?")                                               \
  X(TOKEN, "REPLACE INTO token VALUES(?,?,?)")                                                     \
  X(TOKENS_GONE, "DELETE FROM token WHERE user IS ?")                                              \
  X(DEVICE, "REPLACE INTO device VALUES(?,?,?,?,?,?,?,?)")                                         \
  X(DEVICE_GONE, "DELETE FROM device WHERE id=?")                                                  \
  X(ACKNOWLEDGED, "UPDATE device SET acknowledged=?2 WHERE id=?1 AND acknowledged<?2")             \
  X(MESSAGE, "INSERT INTO message VALUES(?,?)")                                                    \
  X(MESSAGE_GONE, "DELETE FROM message WHERE id=?")                                                \
  X(WAITING, "INSERT INTO waiting VALUES(?,?,?,?,?,?)")                                            \
  X(WAITING_GONE, "DELETE FROM waiting WHERE device=? AND position=?")                             \
  X(SEEN, "REPLACE INTO seen VALUES(?,?,?,?,?,?,?)")                                               \
  X(SENT, "REPLACE INTO sent VALUES(?,?,?,?,?,?,?,?,?)")                                           \
  X(KEPT, "REPLACE INTO history VALUES(?,?,?,?,?,?,?,?)")                                          \
  X(KEPT_GONE, "DELETE FROM history WHERE slot=?")                                                 \
  X(FILE_KEPT, "INSERT INTO file VALUES(?,?,?,?,?,?,?)")                                           \
  X(FILE_GONE, "DELETE FROM file WHERE id=?")                                                      \
  X(DOCUMENT, "INSERT INTO document(kind, key, text) VALUES(?,?,?)"                                \
              " ON CONFLICT(kind, key) DO UPDATE SET text=excluded.text")                          \
  X(DOCUMENT_GONE, "DELETE FROM document WHERE kind=? AND key=?")

#define NAME(name, sql) name,
#define TEXT(name, sql) sql,
enum change { CHANGES(NAME) CHANGE_COUNT };
static const char *const texts[] = {CHANGES(TEXT)};

struct eim_sb_store {
  eim_sandbox *sandbox;
  sqlite3 *db;
  sqlite3_stmt *changes[CHANGE_COUNT];
  int64_t last_row; /* of all tables together */
  bool is_open;     /* a transaction is */
  bool ended;
  char *path, *error;
  eim_sb_meta **messages; /* while the file is read, ordered by id */
  size_t message_count;
};

static void fail(eim_sb_store *self) {
  if (self->error) return;
  /* The one text that SQLite has for both is "disk I/O error". */
  int number = sqlite3_system_errno(self->db), code = sqlite3_errcode(self->db) & 0xff;
  char *text = NULL;
  if (asprintf(&text, "cannot write %s: %s%s%s%s", self->path, sqlite3_errmsg(self->db),
               code == SQLITE_IOERR && number ? " (" : "",
               code == SQLITE_IOERR && number ? strerror(number) : "",
               code == SQLITE_IOERR && number ? ")" : "") < 0)
    text = NULL;
  self->error = text ? text : strdup("out of memory");
}

static void step(eim_sb_store *self, enum change which) {
  if (sqlite3_step(self->changes[which]) != SQLITE_DONE) fail(self);
  sqlite3_reset(self->changes[which]);
}

/* types: i int64_t, t text or NULL, b blob and its size, n an int64_t that is NULL when negative.
 * Texts and blobs are only borrowed until this returns. */
static void change(eim_sb_store *self, enum change which, const char *types, ...) {
  if (!self || self->ended || self->error) return;
  if (!self->is_open) {
    step(self, BEGIN);
    self->is_open = true;
    if (self->error) return;
  }
  sqlite3_stmt *statement = self->changes[which];
  va_list args;
  va_start(args, types);
  for (int at = 1; *types; types++, at++) {
    int64_t number;
    const void *bytes;
    switch (*types) {
    case 'i': sqlite3_bind_int64(statement, at, va_arg(args, int64_t)); break;
    case 'n':
      number = va_arg(args, int64_t);
      if (number < 0)
        sqlite3_bind_null(statement, at);
      else
        sqlite3_bind_int64(statement, at, number);
      break;
    case 't': sqlite3_bind_text(statement, at, va_arg(args, char *), -1, SQLITE_STATIC); break;
    default:
      bytes = va_arg(args, void *);
      sqlite3_bind_blob64(statement, at, bytes, va_arg(args, size_t), SQLITE_STATIC);
    }
  }
  va_end(args);
  step(self, which);
  sqlite3_clear_bindings(statement);
}

bool eim_sb_store_commit(eim_sandbox *sandbox) {
  eim_sb_store *self = sandbox->store;
  if (!self) return true;
  if (!self->ended) eim_sb_keep_documents(sandbox);
  if (self->is_open && !self->error) {
    eim_sb_store_state(self);
    step(self, COMMIT);
    self->is_open = false;
  }
  return !self->error;
}

const char *eim_sb_store_error(const eim_sb_store *self) {
  return self ? self->error : NULL;
}

void eim_sb_store_end(eim_sb_store *self) {
  if (!self || self->ended) return;
  if (self->db) eim_sb_store_commit(self->sandbox);
  self->ended = true;
}

void eim_sb_store_free(eim_sb_store *self) {
  if (!self) return;
  for (int i = 0; i < CHANGE_COUNT; i++) sqlite3_finalize(self->changes[i]);
  sqlite3_close(self->db); /* rolls back what an error left open */
  free(self->path);
  free(self->error);
  free(self);
}

int64_t eim_sb_store_next(eim_sb_store *self) {
  return self ? ++self->last_row : 0;
}

/* ------------------------------------------------------------------ changes */

void eim_sb_store_state(eim_sb_store *self) {
  if (!self) return;
  const eim_sandbox *box = self->sandbox;
  change(self, STATE, "ttiii", box->app_key, box->app_uuid, (int64_t)box->server_id,
         (int64_t)box->logins, box->clock_offset);
}

void eim_sb_store_user(eim_sb_store *self, const eim_sb_user *user) {
  change(self, USER, "itttbbiiii", user->id, user->name, user->nickname, user->uuid, user->salt,
         sizeof user->salt, user->password, sizeof user->password, user->created, user->modified,
         (int64_t)user->activated, user->inbox.id);
}

void eim_sb_store_user_gone(eim_sb_store *self, const eim_sb_user *user) {
  change(self, USER_GONE, "i", user->id);
  change(self, SEEN_GONE, "i", user->id);
  change(self, DEVICES_GONE, "i", user->id);
  change(self, TOKENS_GONE, "i", user->id);
}

void eim_sb_store_token(eim_sb_store *self, const eim_sb_token *token) {
  change(self, TOKEN, "bni", token->hash, sizeof token->hash,
         token->user ? token->user->id : (int64_t)-1, token->expires_at);
}

void eim_sb_store_tokens_gone(eim_sb_store *self, const eim_sb_user *user) {
  change(self, TOKENS_GONE, "n", user ? user->id : (int64_t)-1);
}

void eim_sb_store_device(eim_sb_store *self, const eim_sb_user *user, const eim_sb_device *device) {
  change(self, DEVICE, "iittttii", device->id, user->id, device->resource, device->uuid,
         device->name, device->class_name, (int64_t)device->last_login,
         (int64_t)device->acknowledged);
}

void eim_sb_store_device_gone(eim_sb_store *self, const eim_sb_device *device) {
  change(self, DEVICE_GONE, "i", device->id);
}

void eim_sb_store_acknowledged(const eim_sb_device *device, uint64_t position) {
  change(device->store, ACKNOWLEDGED, "ii", device->id, (int64_t)position);
}

/* False: no memory, which is as if it could not be written. */
static bool pack(eim_sb_store *self, const eim_sb_meta *meta, eim_buf *out) {
  size_t size = easemob__pb__meta__get_packed_size(meta->pb);
  uint8_t *bytes = malloc(size + 1);
  if (bytes) {
    easemob__pb__meta__pack(meta->pb, bytes);
    eim_buf_add(out, bytes, size);
  }
  bool good = bytes && !out->failed;
  if (!good && !self->error) self->error = strdup("out of memory");
  free(bytes);
  return good;
}

void eim_sb_store_waiting(const eim_sb_device *device, const eim_sb_queue *queue,
                          const eim_sb_item *item) {
  eim_sb_store *self = device->store;
  if (!self) return;
  eim_sb_meta *meta = item->meta;
  if (!meta->id) {
    eim_buf packed = EIM_BUF_INIT;
    if (!pack(self, meta, &packed)) return;
    meta->id = eim_sb_store_next(self);
    meta->store = self;
    change(self, MESSAGE, "ib", meta->id, packed.data, packed.length);
    eim_buf_free(&packed);
  }
  change(self, WAITING, "iiittt", device->id, (int64_t)item->position, meta->id, queue->name,
         queue->domain, queue->resource);
}

void eim_sb_store_waiting_gone(const eim_sb_device *device, const eim_sb_item *item) {
  change(device->store, WAITING_GONE, "ii", device->id, (int64_t)item->position);
}

void eim_sb_store_message_gone(const eim_sb_meta *meta) {
  if (meta->id) change(meta->store, MESSAGE_GONE, "i", meta->id);
}

void eim_sb_store_seen(eim_sb_store *self, const eim_sb_user *user, size_t number) {
  const eim_sb_seen *seen = &user->seen[number % EIM_SB_SEEN];
  change(self, SEEN, "iiiiiii", user->id, (int64_t)(number % EIM_SB_SEEN), (int64_t)number,
         (int64_t)seen->client_id, (int64_t)seen->digest, (int64_t)seen->server_id,
         seen->timestamp);
}

/* User names have no spaces. */
static char *names_text(const eim_sb_names *names) {
  eim_buf text = EIM_BUF_INIT;
  for (size_t i = 0; i < names->count; i++) {
    if (i) eim_buf_str(&text, " ");
    eim_buf_str(&text, names->items[i]);
  }
  return (char *)text.data;
}

static bool read_names(const char *text, eim_sb_names *names) {
  char *words = eim_strdup(text), *save = NULL;
  bool good = words || !text;
  for (char *word = words ? strtok_r(words, " ", &save) : NULL; good && word;
       word = strtok_r(NULL, " ", &save))
    good = eim_sb_names_add(names, word);
  free(words);
  return good;
}

void eim_sb_store_document(eim_sb_store *self, const char *kind, const char *key,
                           const char *text) {
  if (text)
    change(self, DOCUMENT, "ttt", kind, key, text);
  else
    change(self, DOCUMENT_GONE, "tt", kind, key);
}

void eim_sb_store_sent(const eim_sandbox *self, const eim_sb_sent *sent) {
  if (!self->store) return;
  char *readers = sent->readers.count ? names_text(&sent->readers) : NULL;
  change(self->store, SENT, "iiiiittit", (int64_t)(sent - self->sent), (int64_t)sent->number,
         (int64_t)sent->server_id, sent->timestamp, (int64_t)sent->edits, sent->from, sent->group,
         (int64_t)sent->wants_acks, readers);
  free(readers);
}

void eim_sb_store_kept(const eim_sandbox *self, size_t number) {
  if (!self->store) return;
  int64_t slot = (int64_t)(number % EIM_SB_HISTORY);
  const eim_sb_kept *kept = &self->history.kept[slot];
  if (!kept->meta) {
    change(self->store, KEPT_GONE, "i", slot);
    return;
  }
  eim_buf meta = EIM_BUF_INIT;
  char *hidden = kept->hidden.count ? names_text(&kept->hidden) : NULL;
  if (pack(self->store, kept->meta, &meta))
    change(self->store, KEPT, "iibttiit", slot, (int64_t)number, meta.data, meta.length, kept->from,
           kept->to, (int64_t)kept->group, (int64_t)kept->content, hidden);
  eim_buf_free(&meta);
  free(hidden);
}

void eim_sb_store_file(eim_sb_store *self, eim_sb_file *file, const void *bytes) {
  if (!self) return;
  file->id = eim_sb_store_next(self);
  file->store = self;
  change(self, FILE_KEPT, "ittttib", file->id, file->uuid, file->secret, file->content_type,
         file->filename, file->created, file->size ? bytes : "", file->size);
}

void eim_sb_store_file_gone(const eim_sb_file *file) {
  if (file->store) change(file->store, FILE_GONE, "i", file->id);
}

bool eim_sb_store_read_file(const eim_sb_file *file, size_t at, void *out, size_t size) {
  sqlite3_blob *blob = NULL;
  bool good =
      sqlite3_blob_open(file->store->db, "main", "file", "data", file->id, 0, &blob) == SQLITE_OK &&
      sqlite3_blob_read(blob, out, (int)size, (int)at) == SQLITE_OK;
  sqlite3_blob_close(blob);
  return good;
}

/* ------------------------------------------------------------------ reading it back */

/* Runs a query and gives every row to `row`; false: the file is damaged, or there is no memory. */
typedef bool (*row_reader)(eim_sb_store *self, sqlite3_stmt *row);

static bool each(eim_sb_store *self, const char *sql, row_reader read) {
  sqlite3_stmt *statement = NULL;
  int result = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
  while (result == SQLITE_OK || result == SQLITE_ROW) {
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW && !read(self, statement)) break;
  }
  sqlite3_finalize(statement);
  return result == SQLITE_DONE;
}

static const char *text(sqlite3_stmt *row, int column) {
  return (const char *)sqlite3_column_text(row, column);
}

static char *copy(sqlite3_stmt *row, int column) {
  return eim_strdup(text(row, column));
}

static bool bytes(sqlite3_stmt *row, int column, void *out, size_t size) {
  const void *from = sqlite3_column_blob(row, column);
  if (!from || (size_t)sqlite3_column_bytes(row, column) != size) return false;
  memcpy(out, from, size);
  return true;
}

static void note_row(eim_sb_store *self, int64_t id) {
  if (id > self->last_row) self->last_row = id;
}

static bool read_state(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sandbox *box = self->sandbox;
  if (!text(row, 0) || !text(row, 1)) return false;
  if (strcmp(text(row, 0), box->app_key) != 0) {
    if (asprintf(&self->error, "%s is of the app %s, not of %s", self->path, text(row, 0),
                 box->app_key) < 0)
      self->error = NULL;
    return false;
  }
  snprintf(box->app_uuid, sizeof box->app_uuid, "%s", text(row, 1));
  box->server_id = (uint64_t)sqlite3_column_int64(row, 2);
  box->logins = (uint64_t)sqlite3_column_int64(row, 3);
  box->clock_offset = sqlite3_column_int64(row, 4);
  return true;
}

static bool read_user(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_user *user = calloc(1, sizeof *user);
  if (!user) return false;
  user->id = sqlite3_column_int64(row, 0);
  user->name = copy(row, 1);
  user->nickname = copy(row, 2);
  user->created = sqlite3_column_int64(row, 6);
  user->modified = sqlite3_column_int64(row, 7);
  user->activated = sqlite3_column_int(row, 8);
  user->inbox.id = sqlite3_column_int64(row, 9);
  user->inbox.store = self;
  user->is_loaded = true;
  user->offline_since = eim_sb_now(self->sandbox); /* all lines have ended */
  if (text(row, 3)) snprintf(user->uuid, sizeof user->uuid, "%s", text(row, 3));
  note_row(self, user->id);
  note_row(self, user->inbox.id);
  if (user->name && bytes(row, 4, user->salt, sizeof user->salt) &&
      bytes(row, 5, user->password, sizeof user->password)) {
    eim_sb_link_user(self->sandbox, user);
    return true;
  }
  free(user->name);
  free(user->nickname);
  free(user);
  return false;
}

/* The last column of every query below is the name of its user. */
static eim_sb_user *user_of(eim_sb_store *self, sqlite3_stmt *row, int column) {
  return eim_sb_find_user(self->sandbox, text(row, column));
}

static bool read_token(eim_sb_store *self, sqlite3_stmt *row) {
  bool app = sqlite3_column_type(row, 1) == SQLITE_NULL;
  eim_sb_user *user = app ? NULL : user_of(self, row, 3);
  if (!app && !user) return false;
  eim_sb_token *token = calloc(1, sizeof *token);
  if (!token || !bytes(row, 0, token->hash, sizeof token->hash)) {
    free(token);
    return false;
  }
  token->user = user;
  token->expires_at = sqlite3_column_int64(row, 2);
  eim_sb_link_token(self->sandbox, token);
  return true;
}

static bool read_device(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_user *user = user_of(self, row, 7);
  eim_sb_device *device = user ? calloc(1, sizeof *device) : NULL;
  if (!device) return false;
  device->next = user->devices; /* ordered by the login, so the latest is in front as before */
  user->devices = device;
  device->store = self;
  device->id = sqlite3_column_int64(row, 0);
  device->resource = copy(row, 1);
  device->uuid = copy(row, 2);
  device->name = copy(row, 3);
  device->class_name = copy(row, 4);
  device->last_login = (uint64_t)sqlite3_column_int64(row, 5);
  device->position = device->acknowledged = (uint64_t)sqlite3_column_int64(row, 6);
  note_row(self, device->id);
  return device->resource && device->uuid && device->name && device->class_name;
}

static bool read_seen(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_user *user = user_of(self, row, 6);
  size_t slot = (size_t)sqlite3_column_int64(row, 0), number = (size_t)sqlite3_column_int64(row, 1);
  if (!user || slot >= EIM_SB_SEEN) return false;
  if (!eim_sb_seen_room(user, slot)) return false;
  user->seen[slot] =
      (eim_sb_seen){(uint64_t)sqlite3_column_int64(row, 2), (uint64_t)sqlite3_column_int64(row, 3),
                    (uint64_t)sqlite3_column_int64(row, 4), sqlite3_column_int64(row, 5)};
  if (number >= user->seen_count) user->seen_count = number + 1;
  if (user->seen[slot].client_id > user->seen_most) user->seen_most = user->seen[slot].client_id;
  return true;
}

static bool read_sent(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sandbox *box = self->sandbox;
  size_t slot = (size_t)sqlite3_column_int64(row, 0), number = (size_t)sqlite3_column_int64(row, 1);
  if (slot >= EIM_SB_SENT || !text(row, 5)) return false;
  eim_sb_sent *sent = &box->sent[slot];
  sent->number = number;
  sent->server_id = (uint64_t)sqlite3_column_int64(row, 2);
  sent->timestamp = sqlite3_column_int64(row, 3);
  sent->edits = sqlite3_column_int(row, 4);
  snprintf(sent->from, sizeof sent->from, "%s", text(row, 5));
  snprintf(sent->group, sizeof sent->group, "%s", text(row, 6) ? text(row, 6) : "");
  sent->wants_acks = sqlite3_column_int(row, 7);
  if (number >= box->sent_next) box->sent_next = number + 1;
  return read_names(text(row, 8), &sent->readers);
}

static bool read_kept(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_history *history = &self->sandbox->history;
  size_t slot = (size_t)sqlite3_column_int64(row, 0), number = (size_t)sqlite3_column_int64(row, 1);
  if (slot >= EIM_SB_HISTORY || !text(row, 3) || !text(row, 4)) return false;
  if (!history->kept && !(history->kept = calloc(EIM_SB_HISTORY, sizeof *history->kept)))
    return false;
  eim_sb_pb_meta *pb = easemob__pb__meta__unpack(NULL, (size_t)sqlite3_column_bytes(row, 2),
                                                 sqlite3_column_blob(row, 2));
  eim_sb_kept *kept = &history->kept[slot];
  kept->meta = pb ? calloc(1, sizeof *kept->meta) : NULL;
  if (!kept->meta) {
    if (pb) easemob__pb__meta__free_unpacked(pb, NULL);
    return false;
  }
  *kept->meta = (eim_sb_meta){.refs = 1, .pb = pb};
  snprintf(kept->from, sizeof kept->from, "%s", text(row, 3));
  snprintf(kept->to, sizeof kept->to, "%s", text(row, 4));
  kept->group = sqlite3_column_int(row, 5);
  kept->content = sqlite3_column_int(row, 6);
  if (number >= history->next) history->next = number + 1;
  return read_names(text(row, 7), &kept->hidden);
}

static bool read_file(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_file *file = calloc(1, sizeof *file);
  if (!file) return false;
  file->id = sqlite3_column_int64(row, 0);
  file->store = self;
  note_row(self, file->id);
  for (int i = 1; i <= 2; i++)
    if (text(row, i))
      snprintf(i == 1 ? file->uuid : file->secret, i == 1 ? sizeof file->uuid : sizeof file->secret,
               "%s", text(row, i));
  file->content_type = copy(row, 3);
  file->filename = copy(row, 4);
  file->created = sqlite3_column_int64(row, 5);
  file->size = (size_t)sqlite3_column_int64(row, 6);
  eim_sb_link_file(self->sandbox, file);
  return file->content_type && file->filename;
}

static bool read_document(eim_sb_store *self, sqlite3_stmt *row) {
  return text(row, 0) && text(row, 1) && text(row, 2) &&
         eim_sb_read_document(self->sandbox, text(row, 0), text(row, 1), text(row, 2));
}

static bool read_message(eim_sb_store *self, sqlite3_stmt *row) {
  if (!(self->message_count & (self->message_count + 1))) { /* full at 2^n - 1 */
    eim_sb_meta **more =
        realloc(self->messages, (self->message_count + 1) * 2 * sizeof *self->messages);
    if (!more) return false;
    self->messages = more;
  }
  const void *packed = sqlite3_column_blob(row, 1);
  eim_sb_meta *meta = calloc(1, sizeof *meta);
  if (!meta) return false;
  self->messages[self->message_count++] = meta;
  meta->refs = 1; /* ours, until all queues are read */
  meta->id = sqlite3_column_int64(row, 0);
  meta->store = self;
  meta->pb = easemob__pb__meta__unpack(NULL, (size_t)sqlite3_column_bytes(row, 1), packed);
  note_row(self, meta->id);
  return meta->pb != NULL;
}

static int by_id(const void *id, const void *entry) {
  int64_t a = *(const int64_t *)id, b = (*(eim_sb_meta *const *)entry)->id;
  return a < b ? -1 : a > b;
}

static bool read_waiting(eim_sb_store *self, sqlite3_stmt *row) {
  eim_sb_user *user = user_of(self, row, 6);
  if (!user) return false;
  int64_t id = sqlite3_column_int64(row, 0), message = sqlite3_column_int64(row, 2);
  eim_sb_device *device = user->devices;
  while (device && device->id != id) device = device->next;
  if (!device) device = &user->inbox;
  eim_sb_meta **meta = self->message_count ? bsearch(&message, self->messages, self->message_count,
                                                     sizeof *self->messages, by_id)
                                           : NULL;
  return device->id == id && meta && text(row, 3) && text(row, 4) &&
         eim_sb_restore(device, text(row, 3), text(row, 4), text(row, 5), *meta,
                        (uint64_t)sqlite3_column_int64(row, 1));
}

static bool read_all(eim_sb_store *self) {
  static const struct {
    const char *sql;
    row_reader read;
  } tables[] = {
      {"SELECT app_key, app_uuid, server_id, logins, clock_offset FROM state", read_state},
      {"SELECT * FROM user", read_user},
      {"SELECT token.*, user.name FROM token LEFT JOIN user ON user.id=token.user", read_token},
      {"SELECT device.id, resource, device.uuid, device.name, class, last_login, acknowledged,"
       " user.name FROM device LEFT JOIN user ON user.id=device.user ORDER BY last_login",
       read_device},
      {"SELECT slot, number, client_id, digest, server_id, timestamp, user.name FROM seen"
       " LEFT JOIN user ON user.id=seen.user",
       read_seen},
      {"SELECT * FROM sent", read_sent},
      {"SELECT * FROM history", read_kept},
      {"SELECT id, uuid, secret, type, name, created, length(data) FROM file ORDER BY id",
       read_file},
      {"SELECT kind, key, text FROM document ORDER BY id", read_document},
      {"SELECT * FROM message ORDER BY id", read_message},
      {"SELECT device, position, message, queue, domain, resource, coalesce("
       "(SELECT user.name FROM device JOIN user ON user.id=device.user"
       " WHERE device.id=waiting.device), (SELECT name FROM user WHERE inbox=waiting.device))"
       " FROM waiting ORDER BY position",
       read_waiting}};
  bool good = true;
  for (size_t i = 0; good && i < sizeof tables / sizeof *tables; i++)
    good = each(self, tables[i].sql, tables[i].read);
  for (size_t i = 0; i < self->message_count; i++) eim_sb_meta_unref(self->messages[i]);
  free(self->messages);
  self->messages = NULL;
  self->message_count = 0;
  return good;
}

/* ------------------------------------------------------------------ opening */

static bool sql(eim_sb_store *self, const char *text) {
  return sqlite3_exec(self->db, text, NULL, NULL, NULL) == SQLITE_OK;
}

/* The one number that a query gives; -1: it failed, sqlite3_errcode() tells why. */
static int64_t number_of(eim_sb_store *self, const char *query) {
  sqlite3_stmt *statement = NULL;
  int64_t number = -1;
  if (sqlite3_prepare_v2(self->db, query, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW)
    number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return number;
}

static bool make_schema(eim_sb_store *self) {
  char marks[80];
  snprintf(marks, sizeof marks, "PRAGMA application_id=%d; PRAGMA user_version=%d;", APPLICATION,
           SCHEMA);
  return sql(self, "BEGIN IMMEDIATE") && sql(self, schema) && sql(self, marks) &&
         sql(self, "COMMIT");
}

/* What is in the file, in one word more than SQLite has for it. */
static bool check_file(eim_sb_store *self, char *error, size_t size) {
  int64_t application = number_of(self, "PRAGMA application_id");
  int64_t version = number_of(self, "PRAGMA user_version");
  int64_t tables = number_of(self, "SELECT count(*) FROM sqlite_master");
  int code = sqlite3_errcode(self->db) & 0xff;
  bool is_new = application == 0 && version == 0 && tables == 0;
  if (tables < 0 && (code == SQLITE_BUSY || code == SQLITE_LOCKED))
    snprintf(error, size, "%s is in use by another process", self->path);
  else if (tables < 0 && code != SQLITE_NOTADB)
    snprintf(error, size, "cannot read %s: %s", self->path, sqlite3_errmsg(self->db));
  else if (!is_new && application != APPLICATION)
    snprintf(error, size, "%s is no file of a sandbox", self->path);
  else if (version > SCHEMA)
    snprintf(error, size, "%s was written by a newer sandbox (schema %lld, this one knows %d)",
             self->path, (long long)version, SCHEMA);
  else if (is_new && !make_schema(self))
    snprintf(error, size, "cannot write %s: %s", self->path, sqlite3_errmsg(self->db));
  else
    return true;
  return false;
}

static bool prepare(eim_sb_store *self) {
  for (int i = 0; i < CHANGE_COUNT; i++)
    if (sqlite3_prepare_v3(self->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &self->changes[i],
                           NULL) != SQLITE_OK)
      return false;
  return true;
}

/* For the owner only: it holds all that was said. SQLite gives its log the same mode. */
static bool make_private(const char *path) {
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  /* An old one is not opened: closing it would end the locks of this process on it. */
  if (fd >= 0) close(fd);
  return fd >= 0 || errno == EEXIST;
}

bool eim_sb_store_open(eim_sandbox *box, const char *path, char *error, size_t size) {
  eim_sb_store *self = calloc(1, sizeof *self);
  /* "./" keeps names like ":memory:" from meaning something to SQLite. */
  if (!self || asprintf(&self->path, "%s%s", *path == ':' ? "./" : "", path) < 0) {
    free(self);
    snprintf(error, size, "out of memory");
    return false;
  }
  self->sandbox = box;
  box->store = self;
  if (!*path || !make_private(self->path)) {
    snprintf(error, size, "cannot open %s: %s", path, strerror(*path ? errno : ENOENT));
    return false;
  }
  if (sqlite3_open_v2(self->path, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
      SQLITE_OK) {
    snprintf(error, size, "cannot open %s: %s", self->path,
             self->db ? sqlite3_errmsg(self->db) : "out of memory");
    return false;
  }
  sql(self, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA trusted_schema=OFF");
  if (!check_file(self, error, size)) return false;
  if (!sql(self, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE; COMMIT")) {
    int code = sqlite3_errcode(self->db) & 0xff;
    snprintf(error, size, code == SQLITE_BUSY ? "%s is in use by another process" : "%s: %s",
             self->path, sqlite3_errmsg(self->db));
    return false;
  }
  self->ended = true; /* reading back changes nothing */
  if (!read_all(self) || !prepare(self)) {
    snprintf(error, size, "%s%s", self->error ? self->error : self->path,
             self->error ? "" : " is damaged");
    return false;
  }
  eim_sb_keep_documents(box); /* forgets what reading them has touched */
  self->ended = false;
  eim_sb_store_state(self); /* whose app it is, from the first start on */
  bool good = eim_sb_store_commit(box);
  if (!good) snprintf(error, size, "%s", self->error);
  return good;
}
