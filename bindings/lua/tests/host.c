/* host.c - what a program with Lua states inside does to them: closes them in the middle of
 * anything, and has several, on several threads. Usage: host WORK.LUA APIURL URL; the environment
 * of harness.lua. Prints "N passed, N failed". */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const char *work, *api_url, *url;
static atomic_int passed, failed;

/* Run WORK.LUA (which answers the state's number of steps) and close the state, whatever is under
 * way. */
static void one_state(int steps, int io_threads, const char *how) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  int bad = luaL_loadfile(L, work);
  if (!bad) {
    lua_pushstring(L, api_url);
    lua_pushstring(L, url);
    lua_pushinteger(L, steps);
    lua_pushinteger(L, io_threads);
    lua_pushstring(L, how);
    bad = lua_pcall(L, 5, 0, 0);
  }
  if (bad) fprintf(stderr, "host: %s after %d steps: %s\n", how, steps, lua_tostring(L, -1));
  lua_close(L);
  atomic_fetch_add(bad ? &failed : &passed, 1);
}

static void *on_thread(void *seed) {
  for (int i = 0; i < 8; i++) one_state(i * 3 + *(int *)seed, i % 2, "plain");
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: host WORK.LUA APIURL URL\n"), 2;
  work = argv[1], api_url = argv[2], url = argv[3];
  static const char *const ways[] = {"plain", "in a handler", "in a coroutine"};
  for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
    for (int steps = 0; steps < 12; steps++)
      for (int threads = 0; threads < 2; threads++) one_state(steps, threads, ways[way]);
  pthread_t thread[3];
  int seeds[3] = {0, 1, 2};
  for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, on_thread, &seeds[i]);
  for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
