#!/usr/bin/env python3
"""The examples of docs/rest-recipes.md, taken out of the page and run.

recipes.py --c PAGE OUT              a C program of all its C examples, which is built with the tests
recipes.py PAGE EIM EIM_SANDBOX C    runs the shell examples, and that program, and compares the answers
The Python examples are run by bindings/python/tests/test_recipes.py, with the functions here.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

USERS = ("alice", "bob", "carol")
ROOM = {"id": "lobby", "room": True, "members": ["alice"]}
PATIENCE = 60


def sections(page):
    """Of each example: {"sh": …, "python": …, "c": …, "answer": …, "notices": [(user, …)]}."""
    with open(page, encoding="utf-8") as file:
        blocks = re.findall(r"^```(\S+)([^\n]*)\n(.*?)^```$", file.read(), re.M | re.S)
    out = []
    for language, more, text in blocks:
        if language == "sh":
            out.append({"notices": []})
        if language == "json" and more.startswith(" notice "):
            out[-1]["notices"].append((more.removeprefix(" notice "), json.loads(text)))
        else:
            key = "answer" if language == "json" else language
            assert key in ("sh", "python", "c", "answer") and key not in out[-1], (language, text)
            out[-1][key] = json.loads(text) if key == "answer" else text
    for one in out:
        assert {"sh", "python", "c", "answer"} <= one.keys(), one
    return out


def holds(shown, actual):
    """What is shown is there; an object may have more members, "…" is anything."""
    if shown == "…":
        return actual is not None
    if isinstance(shown, dict):
        return isinstance(actual, dict) and all(holds(value, actual.get(name)) for name, value in shown.items())
    if isinstance(shown, list):
        return isinstance(actual, list) and len(shown) == len(actual) and all(map(holds, shown, actual))
    return type(shown) is type(actual) and shown == actual


def was_told(notices, user, shown):
    return any(name == user and holds(shown, notice) for name, notice in notices)


C_PROGRAM = r"""/* Made of docs/rest-recipes.md. */
#include <eim/eim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static eim_client *alice, *bob, *carol;
static eim_context *context;
static char path[256], query[256], body[512], group[64], thread[64], id[24];
static int waiting;

static void on_message(void *user, const eim_message *message) {
  (void)user;
  if (eim_message_text(message) && !strcmp(eim_message_text(message), "the end")) waiting--;
}

static void on_notice(void *user, const eim_notice *notice) {
  printf("notice %s %s\n", (const char *)user, eim_notice_json(notice));
}

static void on_result(void *user, const eim_result *result) {
  (void)user;
  const eim_error *error = eim_result_error(result);
  if (error) {
    printf("failed: %s %s\n", eim_error_message(error), eim_error_detail(error));
    exit(1);
  }
  printf("answer %s\n", eim_result_json(result));
  const char *made = strstr(eim_result_json(result), "\"groupid\":\"");
  if (made) snprintf(group, sizeof group, "%.*s", (int)strcspn(made + 11, "\""), made + 11);
  if ((made = strstr(eim_result_json(result), "\"data\":{\"thread_id\":\"")))
    snprintf(thread, sizeof thread, "%.*s", (int)strcspn(made + 21, "\""), made + 21);
  if (*eim_result_message_id(result)) snprintf(id, sizeof id, "%s", eim_result_message_id(result));
  waiting--;
}

static eim_client *open_as(const char *user) {
  eim_config *config;
  eim_client *client;
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = (void *)user;
  handlers.on_message = on_message;
  handlers.on_notice = on_notice;
  handlers.on_result = on_result;
  if (eim_config_new(&config) < 0 || eim_config_set(config, "appKey", getenv("EIM_APP_KEY")) < 0 ||
      eim_config_set(config, "apiUrl", getenv("EIM_API_URL")) < 0 ||
      eim_config_set(config, "url", getenv("EIM_URL")) < 0 ||
      eim_client_new(context, config, &client) < 0)
    exit(2);
  eim_config_free(config);
  eim_client_add_event_handler(client, "recipes", &handlers);
  eim_client_open_password(client, user, "secret", 1000);
  return client;
}

/* Until so many results are there. */
static void take(int count) {
  waiting += count;
  while (waiting > 0) eim_context_poll(context, 60000, 0);
}

static void send(eim_client *client, const char *to) {
  eim_message *message;
  eim_message_new_text(EIM_CHAT_SINGLE, to, "the end", NULL, &message);
  eim_client_send(client, message, 1);
  eim_message_unref(message);
  take(1);
}

@FUNCTIONS@
int main(void) {
  if (eim_context_new(NULL, &context) < 0) return 2;
  alice = open_as("alice");
  bob = open_as("bob");
  carol = open_as("carol");
  take(3);
@CALLS@  /* The notices of the last one come before what is sent after it. */
  printf("end\n");
  send(carol, "alice");
  send(carol, "bob");
  send(alice, "carol");
  take(3);
  eim_client_shutdown(alice);
  eim_client_shutdown(bob);
  eim_client_shutdown(carol);
  eim_client_unref(alice);
  eim_client_unref(bob);
  eim_client_unref(carol);
  eim_context_shutdown(context);
  eim_context_unref(context);
  return 0;
}
"""


def c_program(page):
    functions, calls = [], []
    for number, one in enumerate(sections(page)):
        # Each call is made when the one before it has its result.
        body = re.sub(r"((?:eim_client_request|eim_client_join_room|eim_client_send)\([^;]*;)", r"\1 take(1);", one["c"])
        functions.append(f"static void recipe_{number}(void) {{\n{body}}}\n")
        calls.append(f'  printf("recipe {number}\\n");\n  recipe_{number}();\n')
    return C_PROGRAM.replace("@FUNCTIONS@", "\n".join(functions)).replace("@CALLS@", "".join(calls))


class Box:
    """A sandbox with the users of the page."""

    def __init__(self, program):
        users = [word for user in USERS for word in ("--user", f"{user}:secret")]
        self.process = subprocess.Popen([program, "--multi-device", "--until-eof", *users], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.ready = json.loads(self.process.stdout.readline())
        request = urllib.request.Request(self.ready["adminUrl"] + "/groups", json.dumps(ROOM).encode())
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 200

    def environment(self):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EIM_")}
        return {**clean, "EIM_APP_KEY": self.ready["appKey"], "EIM_API_URL": self.ready["apiUrl"],
                "EIM_URL": self.ready["url"], "EIM_PASSWORD": "secret"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(PATIENCE)


def run_shell(page, eim, sandbox, check):
    """One shell for the whole page, since later examples use what earlier ones set."""
    all_ = sections(page)
    script = "set -eu\n" + "".join(f"{one['sh']}echo =recipe\n" for one in all_)
    with Box(sandbox) as box, tempfile.TemporaryDirectory() as state:
        environment = {**box.environment(), "XDG_STATE_HOME": state,
                       "PATH": os.path.dirname(eim) + os.pathsep + os.environ["PATH"]}
        ran = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=PATIENCE,
                             check=False, stdin=subprocess.DEVNULL)
    parts = ran.stdout.split("=recipe\n")
    check(ran.returncode == 0, f"the shell ended with {ran.returncode}: {ran.stderr}")
    for one, said in zip(all_, parts):
        last = said.strip().splitlines()[-1:]
        check(last and holds(one["answer"], json.loads(last[0])), f"sh: {one['sh']}{said}")


def run_c(page, sandbox, program, check):
    with Box(sandbox) as box:
        ran = subprocess.run([program], env=box.environment(), capture_output=True, text=True, timeout=PATIENCE,
                             check=False)
    check(ran.returncode == 0, f"{program} ended with {ran.returncode}: {ran.stdout} {ran.stderr}")
    answers, notices, current = {}, [], None
    for line in ran.stdout.splitlines():
        word, rest = (line.split(" ", 1) + [""])[:2]
        if word == "end":
            current = None
        elif word == "recipe":
            current = int(rest)
        elif word == "answer":
            answers[current] = json.loads(rest)
        elif word == "notice":
            user, text = rest.split(" ", 1)
            notices.append((user, json.loads(text)))
    for number, one in enumerate(sections(page)):
        check(holds(one["answer"], answers.get(number, {}).get("body")), f"c: {one['c']}{answers.get(number)}")
        for user, shown in one["notices"]:
            check(was_told(notices, user, shown), f"c: {user} was not told {shown}: {notices}")


def main(arguments):
    if arguments[0] == "--c":
        with open(arguments[2], "w", encoding="utf-8") as file:
            file.write(c_program(arguments[1]))
        return 0
    page, eim, sandbox, program = map(os.path.abspath, arguments)
    checks, failed = 0, []

    def check(good, why):
        nonlocal checks
        checks += 1
        if not good:
            failed.append(why)

    run_shell(page, eim, sandbox, check)
    run_c(page, sandbox, program, check)
    print("\n".join(failed))
    print(f"{checks - len(failed)} passed, {len(failed)} failed")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
