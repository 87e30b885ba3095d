/* corpus.c VECTORS OUT - writes the recorded frames, REST answers and host lists as single files.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

static const char *out;
static size_t written;

static void put(const char *folder, const void *bytes, size_t length) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s/%05zu", out, folder, ++written);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, length, file) != length) {
    perror(path);
    exit(1);
  }
  fclose(file);
}

static const char *text_of(const cJSON *object, const char *key) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
  return text ? text : "";
}

static void put_frame(const char *hex) {
  static unsigned char bytes[65536];
  size_t length = strlen(hex) / 2;
  if (!length || length > sizeof bytes) return;
  for (size_t i = 0; i < length; i++) {
    unsigned byte = 0;
    sscanf(hex + 2 * i, "%2x", &byte);
    bytes[i] = (unsigned char)byte;
  }
  put("frame", bytes, length);
}

/* What went over a compressed line in one direction, each message behind two bytes of its length
 * (fuzz_lz4.c); the login is plain. */
static void put_line(const cJSON *steps, const char *direction) {
  static unsigned char line[65536];
  size_t used = 0;
  const cJSON *s = NULL;
  cJSON_ArrayForEach(s, steps) {
    const char *hex = text_of(s, "hex");
    size_t length = strlen(hex) / 2;
    const char *command = text_of(cJSON_GetObjectItemCaseSensitive(s, "decoded"), "command");
    if (!length || strcmp(text_of(s, "dir"), direction) || !strcmp(command, "PROVISION")) continue;
    if (used + length + 2 > sizeof line) break;
    line[used++] = (unsigned char)(length >> 8);
    line[used++] = (unsigned char)length;
    for (size_t i = 0; i < length; i++) {
      unsigned byte = 0;
      sscanf(hex + 2 * i, "%2x", &byte);
      line[used++] = (unsigned char)byte;
    }
  }
  put("lz4", line, used);
}

/* What the server said, as fuzz_session.c has it; the login is there already. Something happens
 * behind each: the messages are done, the line is lost, time passes … */
static void put_session(const cJSON *steps, int first) {
  static unsigned char all[65536];
  size_t used = 1;
  int what = first;
  const cJSON *s = NULL;
  all[0] = (unsigned char)first;
  cJSON_ArrayForEach(s, steps) {
    const char *hex = text_of(s, "hex");
    size_t length = strlen(hex) / 2;
    const char *command = text_of(cJSON_GetObjectItemCaseSensitive(s, "decoded"), "command");
    if (!length || length > 0x1fff || strcmp(text_of(s, "dir"), "down") ||
        strcmp(text_of(s, "kind"), "ws") || !strcmp(command, "PROVISION"))
      continue;
    if (used + length + 2 > sizeof all) break;
    all[used++] = (unsigned char)(length >> 8 | (unsigned)(what++ & 7) << 5);
    all[used++] = (unsigned char)length;
    for (size_t i = 0; i < length; i++) {
      unsigned byte = 0;
      sscanf(hex + 2 * i, "%2x", &byte);
      all[used++] = (unsigned char)byte;
    }
  }
  if (used > 1) put("session", all, used);
}

/* Each Meta of an answer to a fetch is also the one message of a combined one (fuzz_combine.c). */
static void put_combined(const char *hex) {
  static unsigned char bytes[65536];
  size_t length = strlen(hex) / 2;
  if (!length || length > sizeof bytes - 7) return;
  for (size_t i = 0; i < length; i++) {
    unsigned byte = 0;
    sscanf(hex + 2 * i, "%2x", &byte);
    bytes[7 + i] = (unsigned char)byte;
  }
  for (size_t at = 7; at + 1 < 7 + length; at++) { /* field 4 of CommSyncDL, "22 length" */
    size_t meta = bytes[at + 1], from = at + 2;
    if (meta > 127 && at + 2 < 7 + length) meta = (meta & 127) | (size_t)bytes[from++] << 7;
    if (bytes[at] != 0x22 || meta < 30 || from + meta > 7 + length) continue;
    unsigned char *file = bytes + from - 7; /* over what is before it */
    unsigned char kept[7];
    memcpy(kept, file, 7);
    memcpy(file,
           "\x05"
           "cm\0\0",
           5);
    file[5] = (unsigned char)(meta >> 8);
    file[6] = (unsigned char)meta;
    put("combine", file, 7 + meta);
    memcpy(file, kept, 7);
    return;
  }
}

/* The first byte says which call and status: see fuzz_rest.c. */
static void put_answer(const cJSON *answer, int selector, const char *folder) {
  char *json = cJSON_PrintUnformatted(answer);
  size_t length = strlen(json);
  char *bytes = malloc(length + 1);
  bytes[0] = (char)selector;
  memcpy(bytes + 1, json, length);
  put(folder, bytes, length + 1);
  free(bytes);
  free(json);
}

static void step(const cJSON *s) {
  const char *url = text_of(s, "url");
  const cJSON *response = cJSON_GetObjectItemCaseSensitive(s, "response");
  const cJSON *body = cJSON_GetObjectItemCaseSensitive(s, "body");
  if (!strcmp(text_of(s, "kind"), "ws")) put_frame(text_of(s, "hex"));
  if (!strcmp(text_of(s, "dir"), "down")) put_combined(text_of(s, "hex"));
  if (!strcmp(text_of(s, "kind"), "ws-text"))
    put("hosts", text_of(s, "text"), strlen(text_of(s, "text")));
  if (response && strstr(url, "server.json")) put_answer(response, '0', "hosts");
  if (response && strstr(url, "/token")) put_answer(response, '1', "rest");
  if (response && strstr(url, "/users")) put_answer(response, '0', "rest");
  if (cJSON_GetObjectItemCaseSensitive(s, "em481-web")) put_answer(body, '3', "rest");
  if (*url && strlen(url) < 500) put("hosts", url, strlen(url));
}

static void read_file(const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) return;
  fseek(in, 0, SEEK_END);
  long size = ftell(in);
  rewind(in);
  char *text = malloc((size_t)size + 1);
  size_t got = fread(text, 1, (size_t)size, in);
  fclose(in);
  cJSON *root = cJSON_ParseWithLength(text, got);
  const cJSON *s = NULL;
  cJSON_ArrayForEach(s, cJSON_GetObjectItemCaseSensitive(root, "steps")) step(s);
  put_session(cJSON_GetObjectItemCaseSensitive(root, "steps"), 0);
  put_session(cJSON_GetObjectItemCaseSensitive(root, "steps"), 3);
  if (strstr(path, "/lz4-")) {
    put_line(cJSON_GetObjectItemCaseSensitive(root, "steps"), "up");
    put_line(cJSON_GetObjectItemCaseSensitive(root, "steps"), "down");
  }
  cJSON_Delete(root);
  free(text);
}

static void walk(const char *folder) {
  DIR *dir = opendir(folder);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    char path[1024];
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    size_t length = strlen(path);
    if (length > 5 && !strcmp(path + length - 5, ".json"))
      read_file(path);
    else
      walk(path);
  }
  if (dir) closedir(dir);
}

/* One of each kind, with every field that it takes. */
static const char *const messages[] = {
    "{\"type\":\"txt\",\"to\":\"b\",\"msg\":\"h\\u00e4\\ud83d\\ude00\",\"ext\":{\"n\":"
    "9007199254740993,\"o\":{\"a\":[1,null]}}}",
    "{\"type\":\"cmd\",\"to\":\"b\",\"action\":\"typing\",\"deliverOnlineOnly\":true}",
    "{\"type\":\"custom\",\"to\":\"b\",\"customEvent\":\"e\",\"customExts\":{\"k\":\"v\"}}",
    "{\"type\":\"loc\",\"to\":\"b\",\"lat\":31.25,\"lng\":-121,\"addr\":\"a\",\"buildingName\":"
    "\"c\"}",
    "{\"type\":\"img\",\"to\":\"b\",\"url\":\"https://h/"
    "a\",\"secret\":\"s\",\"width\":8,\"height\":9.5,\"isGif\":true}",
    "{\"type\":\"audio\",\"to\":\"b\",\"path\":\"/tmp/a.amr\",\"length\":3,\"filename\":\"f\"}",
    "{\"type\":\"video\",\"to\":\"b\",\"path\":\"/tmp/"
    "a.mp4\",\"thumb\":\"t\",\"thumb_secret\":\"u\"}",
    "{\"type\":\"file\",\"to\":\"b\",\"url\":\"https://h/a\",\"file_length\":2147483647}",
    "{\"type\":\"combine\",\"to\":\"b\",\"url\":\"https://h/"
    "a\",\"title\":\"t\",\"summary\":\"s\",\"combineLevel\":10}",
    "{\"type\":\"txt\",\"chatType\":\"groupChat\",\"to\":\"1\",\"msg\":\"m\",\"receiverList\":["
    "\"a\",\"b\"],"
    "\"msgConfig\":{\"allowGroupAck\":true},\"isChatThread\":true}",
    "{\"type\":\"txt\",\"chatType\":\"chatRoom\",\"to\":\"1\",\"msg\":\"m\",\"priority\":\"low\","
    "\"id\":\"12\"}"};

int main(int argc, char **argv) {
  static const char *const folders[] = {"",         "/frame", "/rest",    "/hosts",
                                        "/message", "/lz4",   "/combine", "/session"};
  if (argc != 3) {
    fprintf(stderr, "usage: %s VECTORS OUT\n", argv[0]);
    return 2;
  }
  out = argv[2];
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char path[1024];
    snprintf(path, sizeof path, "%s%s", out, folders[i]);
    mkdir(path, 0777);
  }
  walk(argv[1]);
  for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
    put("message", messages[i], strlen(messages[i]));
  printf("%zu files\n", written);
  return written ? 0 : 1;
}
