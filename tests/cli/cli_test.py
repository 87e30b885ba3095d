#!/usr/bin/env python3
"""The eim command against the sandbox: cli_test.py EIM [EIM_SANDBOX ECHO].

Without a sandbox only what needs none. Ends with "N passed, N failed". Every wait has a deadline, none is a sleep.
"""
import json
import os
import pty
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

EIM = os.path.abspath(sys.argv[1])
SANDBOX = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
ECHO = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else None
PATIENCE = 60
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("EIM_")}


def eim(*args, env=None, **kwargs):
    """Runs to the end; no terminal, so no prompt."""
    return subprocess.run([EIM, *args], env={**CLEAN, **(env or {})}, capture_output=True, text=True,
                          timeout=PATIENCE, start_new_session=True,
                          **({} if "input" in kwargs else {"stdin": subprocess.DEVNULL}), **kwargs)


class Running:
    """A command in the background whose lines of JSON are awaited."""

    def __init__(self, args, env):
        self.process = subprocess.Popen([EIM, *args], env={**CLEAN, **env}, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self.lines, self.seen, self.errors = queue.Queue(), [], []
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def expect(self, event, **fields):
        deadline = time.monotonic() + PATIENCE
        while True:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            if line is None:
                raise AssertionError(f"ended before {event}: {self.seen} {self.errors}")
            self.seen.append(line)
            if line["event"] == event and all(line.get(k) == v for k, v in fields.items()):
                return line

    def end(self, number=None):
        if number:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        for reader in self.readers:
            reader.join(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.end()


class Usage(unittest.TestCase):
    def refused(self, text, *args, **kwargs):
        result = eim(*args, **kwargs)
        self.assertEqual(result.returncode, 2, result)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertNotIn("secret", result.stderr.replace("secrets", ""))

    def test_no_command(self):
        self.refused("which command")

    def test_near_command(self):
        self.refused("did you mean 'listen'", "listne")

    def test_near_option(self):
        self.refused("did you mean --app-key", "login", "--ap-key", "a#b")

    def test_option_of_another_command(self):
        self.refused("--count is not for `eim send`", "send", "--count", "1")

    def test_secrets_are_not_taken_from_the_command_line(self):
        self.refused("do not belong on a command line", "login", "--password", "secret")
        self.refused("do not belong on a command line", "login", "--token=secret")

    def test_missing_value(self):
        self.refused("--to needs a value", "send", "--to")

    def test_missing_user(self):
        self.refused("--user USER or EIM_USER", "login")
        self.refused("register whom", "register")

    def test_missing_peer_and_text(self):
        self.refused("send to whom", "send", "--user", "a", "hello")
        self.refused("send what", "send", "--user", "a", "--to", "b")

    def test_words_too_many(self):
        self.refused("put the TEXT in quotes", "send", "--user", "a", "--to", "b", "two", "words")

    def test_bad_numbers(self):
        for value in ("x", "-1", "nan", "1e99", "1x"):
            self.refused("--timeout", "login", "--user", "a", "--timeout", value)
        for value in ("0", "-3", "two", "1.5", "99999999999999999999"):
            self.refused("--count", "listen", "--user", "a", "--count", value)

    def test_bad_chat_type(self):
        self.refused("none of single, group, room", "send", "--user", "a", "--to", "b", "--chat-type", "x", "t")

    def test_app_key(self):
        self.refused("appKey", "login", "--user", "a", env={"EIM_PASSWORD": "secret"})
        for key in ("a", "#", "a#", "#b", "a#b#c"):
            self.refused("appKey", "login", "--user", "a", "--app-key", key, env={"EIM_PASSWORD": "secret"})

    def test_unknown_setting_names_the_nearest(self):
        self.refused("heartBeatWait", "login", "--user", "a", "--app-key", "a#b", "--set", "heartBeatWiat=5")

    def test_setting_without_value(self):
        self.refused("KEY=VALUE", "login", "--user", "a", "--app-key", "a#b", "--set", "delivery")

    def test_bad_addresses(self):
        for url in ("ftp://x/", "http://", "ws://h:99999/x", "x"):
            self.refused("url", "login", "--user", "a", "--app-key", "a#b", "--api-url", "http://127.0.0.1:1",
                         "--url", url, env={"EIM_PASSWORD": "secret"})

    def test_no_password_and_no_terminal(self):
        self.refused("EIM_PASSWORD", "login", "--user", "a", "--app-key", "a#b")

    def test_password_file(self):
        self.refused("cannot read", "login", "--user", "a", "--app-key", "a#b", "--password-file", "/nonexistent")
        self.refused("is empty", "login", "--user", "a", "--app-key", "a#b", "--password-file", "/dev/null")

    def test_one_reader_of_stdin(self):
        self.refused("only one thing", "login", "--user", "a", "--sandbox", "-", "--password-file", "-", input="{}\n")

    def test_sandbox_line(self):
        self.refused("cannot read", "login", "--user", "a", "--sandbox", "/nonexistent")
        self.refused("has no line", "login", "--user", "a", "--sandbox", "-", input="")
        for line in ("no JSON\n", "[]\n", "{}\n", '{"appKey":5}\n', '{"appKey":"a#b"}\n'):
            self.refused("--sandbox", "login", "--user", "a", "--sandbox", "-", input=line)

    def test_sandbox_line_that_comes_later(self):
        """As in README.md: eim-sandbox >box.json & eim … --sandbox box.json"""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "box.json")
            args = ["login", "--user", "a", "--timeout", "3", "--sandbox", path]
            with open(path, "w", encoding="utf-8") as file, subprocess.Popen(
                    [EIM, *args], env={**CLEAN, "EIM_PASSWORD": "secret"}, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
                with self.assertRaises(subprocess.TimeoutExpired):
                    process.wait(0.2)
                file.write('{"appKey":"a#b","apiUrl":"http://127.0.0.1:1","url":')
                file.flush()
                with self.assertRaises(subprocess.TimeoutExpired):
                    process.wait(0.1)
                file.write('"ws://127.0.0.1:1/websocket"}\n')
                file.flush()
                self.assertEqual(process.wait(PATIENCE), 3, process.stderr.read())

    def test_bad_log_level(self):
        self.refused("--log-level", "login", "--user", "a", "--app-key", "a#b", "--log-level", "loud")

    def test_log_file_that_cannot_be(self):
        self.refused("--log-file", "login", "--user", "a", "--app-key", "a#b", "--log-file", "/nonexistent/eim.log")

    def test_help_and_version(self):
        self.assertRegex(eim("--version").stdout, r"^eim \d+\.\d+\.\d+ \(libeim ")
        for args in (["help"], ["--help"]):
            result = eim(*args)
            self.assertEqual(result.returncode, 0)
            for command in ("register", "login", "send", "listen", "chat", "check"):
                self.assertIn(f"  {command}", result.stdout)
        for command in ("register", "login", "send", "listen", "chat", "check"):
            first, second = eim("help", command), eim(command, "--help")
            self.assertEqual((first.returncode, first.stdout), (0, second.stdout))
            self.assertIn("--app-key ORG#APP", first.stdout)
            self.assertIn("EIM_APP_KEY", first.stdout)
        self.refused("did you mean 'login'", "help", "logni")

    def test_nobody_there(self):
        start = time.monotonic()
        result = eim("login", "--user", "a", "--app-key", "a#b", "--api-url", "http://127.0.0.1:1", "--url",
                     "ws://127.0.0.1:1/websocket", "--timeout", "3", env={"EIM_PASSWORD": "secret"})
        self.assertEqual(result.returncode, 3, result)
        self.assertIn("eim: login:", result.stderr)
        self.assertLess(time.monotonic() - start, 20)


@unittest.skipUnless(SANDBOX, "no sandbox")
class Conversation(unittest.TestCase):
    tls = []

    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.sandbox = subprocess.Popen(
            [SANDBOX, *self.tls, "--multi-device", "--user", "alice:secret-a", "--user", "bob:secret-b"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.running = []
        CLEAN["XDG_STATE_HOME"] = self.work.name
        self.line = self.sandbox.stdout.readline()
        self.box = json.loads(self.line)
        self.file = os.path.join(self.work.name, "box.json")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(self.line)

    def tearDown(self):
        for running in self.running:
            running.kill()
        self.sandbox.send_signal(signal.SIGTERM)
        self.assertEqual(self.sandbox.wait(PATIENCE), 0)
        self.sandbox.stdout.close()
        self.work.cleanup()

    def env(self, user, **more):
        return {"EIM_SANDBOX": self.file, "EIM_USER": user, "EIM_PASSWORD": f"secret-{user[0]}", "EIM_JSON": "1",
                **more}

    def start(self, user, *args, **more):
        running = Running(args, self.env(user, **more))
        self.running.append(running)
        return running

    def admin(self, path, **body):
        request = urllib.request.Request(self.box["adminUrl"] + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def test_register(self):
        result = eim("register", "carol", env=self.env("carol"))
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(json.loads(result.stdout)["event"], "onRegistered")
        again = eim("register", "carol", env=self.env("carol"))
        self.assertEqual(again.returncode, 1, again)
        self.assertEqual(json.loads(again.stdout)["error"]["code"], 203)
        long = eim("register", "x" * 65, env=self.env("carol"))  # refused without asking the server
        self.assertEqual((long.returncode, json.loads(long.stdout)["error"]["code"]), (1, 105), long)
        self.assertIn("203", again.stderr)

    def test_login_for_a_while(self):
        result = eim("login", "--for", "0.2", env=self.env("alice"))
        self.assertEqual(result.returncode, 0, result)
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([e["event"] for e in events], ["onConnected", "onDisconnected"])
        self.assertIsNone(events[1]["reason"])
        self.assertTrue(all(isinstance(e["time"], int) for e in events))

    def test_log_file(self):
        path = os.path.join(self.work.name, "eim.log")
        for more, level in (((), "INFO"), (("--log-level", "debug"), "DEBUG")):
            result = eim("login", "--for", "0", "--log-file", path, *more, env=self.env("alice"))
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
            with open(path, encoding="utf-8") as file:
                lines = file.read()
            self.assertRegex(lines, r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO session\[1\]: .*-> ONLINE$")
            self.assertTrue(lines.rstrip().endswith("-> CLOSED: the client was shut down (-4)"), lines[-200:])
            self.assertIn(f"Z {level} ", lines)
            self.assertEqual(("Z DEBUG " in lines), level == "DEBUG")
            self.assertNotIn("secret-a", lines)
        result = eim("login", "--for", "0", env=self.env("alice", EIM_LOG="info"))
        self.assertIn(" eim INFO session[1]: ", result.stderr)
        result = eim("login", "--for", "0", env=self.env("alice", EIM_LOG="0", EIM_LOG_FILE=path))
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)

    def test_signals_end_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            alice = self.start("alice", "listen")
            alice.expect("onConnected")
            self.assertEqual(alice.end(number), 0)
            self.assertIn({"event": "onDisconnected", "reason": None},
                          [{k: v for k, v in e.items() if k in ("event", "reason")} for e in self.drain(alice)])

    def drain(self, running):
        lines = list(running.seen)
        while (line := running.lines.get(timeout=PATIENCE)) is not None:
            lines.append(line)
        return lines

    def test_wrong_password_and_unknown_user(self):
        for user, code in (("alice", 202), ("nobody", 204)):
            result = eim("login", env={**self.env(user), "EIM_PASSWORD": "n0t-that"})
            self.assertEqual(result.returncode, 1, result)
            errors = [e for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "onError"]
            self.assertEqual(errors[0]["error"]["code"], code)
            self.assertNotIn("n0t-that", result.stdout + result.stderr)
            self.assertEqual(len(errors), 1, result)

    def test_password_file_and_token_file(self):
        path = os.path.join(self.work.name, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("secret-a\n")
        env = {k: v for k, v in self.env("alice").items() if k != "EIM_PASSWORD"}
        result = eim("login", "--for", "0", "--password-file", path, env=env)
        self.assertEqual(result.returncode, 0, result)
        request = urllib.request.Request(
            f"{self.box['apiUrl']}/{self.box['appKey'].replace('#', '/')}/token",
            json.dumps({"grant_type": "password", "username": "alice", "password": "secret-a"}).encode(),
            {"Content-Type": "application/json"})
        if self.box["caFile"]:
            return
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            token = json.load(answer)["access_token"]
        result = eim("login", "--for", "0", "--token-file", "-", env=env, input=token + "\n")
        self.assertEqual(result.returncode, 0, result)
        result = eim("login", "--for", "0", env={**env, "EIM_ACCESS_TOKEN": token})
        self.assertEqual(result.returncode, 0, result)
        self.assertNotIn(token, result.stdout + result.stderr)
        result = eim("login", "--for", "0", env={**env, "EIM_ACCESS_TOKEN": token[:-4] + "AAAA"})
        self.assertEqual(result.returncode, 1, result)

    def test_send_and_listen(self):
        bob = self.start("bob", "listen", "--count", "3")
        bob.expect("onConnected")
        texts = ["Hello", "😀 你好 \"quoted\" \\ \x07", "x" * 5000]
        for text in texts:
            sent = eim("send", "--to", "bob", "--", text, env=self.env("alice"))
            self.assertEqual(sent.returncode, 0, sent)
            receipt = [e for e in map(json.loads, sent.stdout.splitlines()) if e["event"] == "onReceivedMessage"][0]
            message = bob.expect("onMessage")["message"]
            self.assertEqual(message["id"], receipt["mid"])
            self.assertTrue(receipt["id"].isdigit())
            self.assertEqual(receipt["to"], "bob")
            self.assertEqual((message["type"], message["chatType"], message["from"], message["to"]),
                             ("txt", "singleChat", "alice", "bob"))
            self.assertEqual(message["text"], text)
            self.assertEqual(message["ext"], {})
            self.assertGreater(message["time"], 1600000000000)
        self.assertEqual(bob.end(), 0)

    def test_every_kind(self):
        listen = self.start("bob", "listen")
        kinds = [
            (["--cmd", "typing"], "cmd", {"action": "typing"}),
            (["--custom", "gift", "--field", 'customExts={"n":7}'], "custom",
             {"customEvent": "gift", "customExts": {"n": 7}}),
            (["--location", "31.25,-121,The Bund, 18"], "loc",
             {"lat": 31.25, "lng": -121, "addr": "The Bund, 18", "buildingName": ""}),
            (["--type", "file", "--field", "url=https://h/a?x=1", "--field", "file_length=7"], "file",
             {"url": "https://h/a?x=1", "secret": "", "filename": "", "file_length": 7}),
            (["--type", "img", "--field", "url=https://h/a", "--field", "width=8", "--field", "height=9"], "img",
             {"url": "https://h/a", "secret": "", "filename": "", "width": 8, "height": 9}),
            (["--type", "audio", "--field", "url=https://h/a", "--field", "length=3"], "audio",
             {"url": "https://h/a", "secret": "", "filename": "", "length": 3}),
            (["--type", "video", "--field", "url=https://h/a", "--field", "thumb=https://h/t"], "video",
             {"url": "https://h/a", "secret": "", "filename": "", "thumb": "https://h/t"}),
            (["Hello", "--field", 'receiverList=["bob"]', "--chat-type", "group", "--field", 'msgConfig={"allowGroupAck":true}'],
             "txt", {"msg": "Hello", "msgConfig": {"allowGroupAck": True}}),
        ]
        self.admin("/groups", id="g", members=["alice", "bob"])
        listen.expect("onConnected")
        for options, kind, body in kinds:
            sent = eim("send", "--to", "g" if kind == "txt" else "bob", *options, env=self.env("alice"))
            self.assertEqual(sent.returncode, 0, sent.stderr)
            message = listen.expect("onMessage")["message"]
            self.assertEqual((message["type"], message["body"]), (kind, {"type": kind, **body}))
        inner = [{"type": "txt", "to": "carol", "msg": "one"}, {"type": "cmd", "to": "carol", "action": "two"}]
        sent = eim("send", "--to", "bob", "--type", "combine", "--field", f"messages={json.dumps(inner)}",
                   "--field", "title=T", env=self.env("alice"))
        self.assertEqual(sent.returncode, 0, sent.stderr)
        body = listen.expect("onMessage")["message"]["body"]
        self.assertEqual((body["type"], body["title"], body["combineLevel"]), ("combine", "T", 1))
        self.assertIn("/chatfiles/", body["url"])
        listen.end(signal.SIGTERM)

    def test_listen_shows_receipts_and_notices(self):
        """Of what another device of alice sends, and what others do."""
        alice = self.start("alice", "listen")
        bob = self.start("bob", "listen", "--set", "delivery=true")
        human = subprocess.Popen([EIM, "listen"], env={**CLEAN, **self.env("alice", EIM_JSON="")}, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            for one in (alice, bob):
                one.expect("onConnected")
            self.assertIn("online as alice", human.stdout.readline())
            sent = eim("send", "--to", "bob", "did it arrive?", env=self.env("alice"))
            mid = [e for e in map(json.loads, sent.stdout.splitlines()) if e["event"] == "onReceivedMessage"][0]["mid"]
            delivered = alice.expect("onDeliveredMessage")
            self.assertEqual((delivered["mid"], delivered["from"], delivered["chatType"]), (mid, "bob", "singleChat"))
            asked = eim("request", "POST", "/users/bob/contacts/apply", "--body",
                        '{"usernames":["alice"],"reason":"hi"}', env=self.env("bob"))
            self.assertEqual(asked.returncode, 0, asked)
            notice = alice.expect("onNotice")
            self.assertEqual((notice["name"], notice["notice"]["operation"], notice["notice"]["from"]),
                             ("contact", "invited", "bob"))
            lines = "".join(human.stdout.readline() for _ in range(3))
            self.assertRegex(lines, r"alice → bob: did it arrive\?\n.*✔ message \d+ was delivered \(bob\)\n"
                                    r".*• contact \{.*invited")
        finally:
            human.kill()
            human.wait(PATIENCE)
            human.stdout.close()

    def test_progress_in_a_terminal(self):
        main, side = pty.openpty()
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(9 << 20) # in parts, each answered late: progress is told before the end
            self.admin("/delay", ms=300)
            sent = subprocess.run([EIM, "send", "--to", "bob", "--file", file.name], stdin=subprocess.DEVNULL, stderr=side,
                                  env={**CLEAN, **self.env("alice"), "TERM": "xterm"}, stdout=subprocess.PIPE,
                                  timeout=PATIENCE, text=True)
        os.close(side)
        seen = b""
        try:
            while chunk := os.read(main, 65536):
                seen += chunk
        except OSError:
            pass # the end of a terminal
        os.close(main)
        self.assertEqual(sent.returncode, 0, sent)
        self.assertRegex(seen.decode(), r"\r\[#+\.+\] +\d+ %  \d+\.\d of 9\.4 MB")
        self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:]) # the bar is gone at the end

    def test_files(self):
        listen = self.start("bob", "listen")
        listen.expect("onConnected")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "photo.bin")
            with open(path, "wb") as out:
                out.write(bytes(range(256)) * 800)
            for option, kind in [("--file", "file"), ("--image", "img"), ("--audio", "audio"), ("--video", "video")]:
                sent = eim("send", "--to", "bob", option, path, env=self.env("alice"))
                self.assertEqual((sent.returncode, sent.stderr), (0, ""))  # no bar: no terminal
                body = listen.expect("onMessage")["message"]["body"]
                self.assertEqual((body["type"], body["filename"], body["file_length"]), (kind, "photo.bin", 204800))
                self.assertIn("/chatfiles/", body["url"])
                self.assertTrue(body["secret"])
            sent = eim("send", "--to", "bob", "--file", path + "x", env=self.env("alice"))
            self.assertEqual(sent.returncode, 2, sent)
            self.assertIn("No such file", sent.stderr + sent.stdout)
            sent = eim("send", "--to", "bob", "--file", path, "--image", path, env=self.env("alice"))
            self.assertEqual(sent.returncode, 2)
        listen.end(signal.SIGTERM)

    def test_request(self):
        env = {**self.env("alice")}
        plain = {k: v for k, v in env.items() if k != "EIM_JSON"}
        result = eim("request", "PUT", "/users/alice", "--body", '{"nickname":"Al \\"x"}', env=env)
        self.assertEqual(result.returncode, 0, result.stderr)
        answers = [line["answer"] for line in map(json.loads, result.stdout.splitlines()) if line["event"] == "onAnswer"]
        self.assertEqual([answer["status"] for answer in answers], [200])
        result = eim("request", "GET", "/users/alice", env=plain)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(json.loads(result.stdout)["entities"][0]["nickname"], 'Al "x')
        result = eim("request", "GET", "/users/nobody-of-this-name", env=env)
        self.assertEqual(result.returncode, 1, result)
        for args, why in [(["GET"], "request what"), (["GET", "/a/../b"], "request:"), (["BREW", "/tea"], "request:"),
                          (["GET", "/a", "more"], "one word too many")]:
            result = eim("request", *args, env=env)
            self.assertEqual(result.returncode, 2, (args, result))
            self.assertIn(why, result.stderr)

    def test_kinds_that_are_wrong(self):
        for options, why in [
            (["--type", "picture"], "none of txt, img"),
            (["--type", "img"], "url is missing"),
            (["--type", "img", "--field", "urll=x"], "did you mean 'url'"),
            (["--type", "img", "--field", "url"], "NAME=VALUE"),
            (["--location", "100,0"], "-90 to 90"),
            (["--location", "5"], "a number"),
            (["--cmd", "a", "--custom", "b"], "one kind"),
            (["--cmd", "a", "text"], "only a text message"),
        ]:
            result = eim("send", "--to", "bob", *options, env=self.env("alice"))
            self.assertEqual(result.returncode, 2, options)
            self.assertIn(why, result.stderr)

    def test_ext_and_stdin(self):
        ext = {"path": "C:\\", "n": 9007199254740993, "o": {"a b": [1, None, "x \" y"]}}
        sent = eim("send", "--to", "bob", "--ext", json.dumps(ext, indent=1), "-",
                   env=self.env("alice"), input="from a pipe\n")
        self.assertEqual(sent.returncode, 0, sent)
        got = eim("listen", "--count", "1", "--for", "30", env=self.env("bob"))
        self.assertEqual(got.returncode, 0, got)
        message = [e for e in map(json.loads, got.stdout.splitlines()) if e["event"] == "onMessage"][0]["message"]
        self.assertEqual(message["text"], "from a pipe")
        self.assertEqual(message["ext"], ext)

    def texts(self, result):
        return [e["message"]["text"] for e in map(json.loads, result.stdout.splitlines()) if e["event"] == "onMessage"]

    def test_what_was_not_printed_comes_again(self):
        for i in range(3):
            self.assertEqual(eim("send", "--to", "bob", str(i), env=self.env("alice")).returncode, 0)
        got = eim("listen", "--count", "1", "--for", "30", env=self.env("bob"))
        self.assertEqual((got.returncode, self.texts(got)), (0, ["0"]))
        got = eim("listen", "--count", "2", "--for", "30", env=self.env("bob"))
        self.assertEqual(got.returncode, 0, got)
        rest = self.texts(got)
        got = eim("listen", "--for", "1", env=self.env("bob"))
        # Pages are acknowledged as a whole, so what was printed may come twice; nothing is missing.
        self.assertEqual(sorted(set(["0"] + rest + self.texts(got))), ["0", "1", "2"])

    def test_the_device_stays_the_same(self):
        def device(result):
            return json.loads(result.stdout.splitlines()[0])["resource"]
        first = eim("login", "--for", "0", env=self.env("bob"))
        self.assertEqual(device(first), device(eim("login", "--for", "0", env=self.env("bob"))))
        self.assertNotEqual(device(first), device(eim("login", "--for", "0", env=self.env("alice"))))
        other = self.start("bob", "listen")
        self.assertEqual(other.expect("onConnected")["resource"], device(first))
        self.assertNotEqual(device(first), device(eim("login", "--for", "0", env=self.env("bob"))))
        other.end(signal.SIGTERM)
        eim("send", "--to", "bob", "kept", env=self.env("alice"))
        self.assertEqual(self.texts(eim("listen", "--count", "1", "--for", "30", env=self.env("bob"))), ["kept"])

    def test_too_few_messages(self):
        self.assertEqual(eim("listen", "--count", "1", "--for", "0.3", env=self.env("bob")).returncode, 3)

    def test_send_what_cannot_be_sent(self):
        for args in (["--to", "bob", "--ext", "no JSON", "x"], ["--to", "bob", "--ext", "[]", "x"]):
            self.assertEqual(eim("send", *args, env=self.env("alice")).returncode, 2)
        self.assertEqual(eim("send", "--to", "bob", "-", env=self.env("alice"), input="").returncode, 2)
        result = eim("send", "--to", "4711", "--chat-type", "group", "x", env=self.env("alice"))
        self.assertEqual(result.returncode, 1, result)

    def test_chat(self):
        bob = self.start("bob", "listen")
        bob.expect("onConnected")
        chat = eim("chat", "--to", "bob", env=self.env("alice"), input="one\n\ntwo\nthree")
        self.assertEqual(chat.returncode, 0, chat)
        events = [json.loads(line) for line in chat.stdout.splitlines()]
        self.assertEqual(sum(e["event"] == "onReceivedMessage" for e in events), 3)
        self.assertEqual([bob.expect("onMessage")["message"]["text"] for _ in range(3)], ["one", "two", "three"])

    # ---- eim check

    def check(self, *args, user="alice", box=True, **more):
        env = self.env(user, **more)
        if not box:
            env.pop("EIM_SANDBOX")
            env = {"EIM_APP_KEY": self.box["appKey"], "EIM_API_URL": self.box["apiUrl"], "EIM_URL": self.box["url"],
                   **({"EIM_CA_FILE": self.box["caFile"]} if self.box["caFile"] else {}), **env}
        result = eim("check", *args, env=env)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual(lines[-1]["event"], "onVerdict", result)
        self.assertEqual(lines[-1]["ok"], result.returncode == 0)
        self.assertEqual(lines[-1]["ok"], lines[-1]["error"] is None)
        self.assertNotIn("secret", result.stdout + result.stderr)
        steps = {(line["connection"], line["step"]): line for line in lines[:-1]}
        self.assertTrue(all(line["event"] == "onStep" for line in lines[:-1]))
        return result.returncode, steps, lines[-1]

    def failed(self, result, status, connection, step, verdict, remedy):
        code, steps, last = result
        self.assertEqual(code, status, result)
        bad = [key for key, line in steps.items() if line["ok"] is False]
        self.assertEqual(bad, [(connection, step)], result)
        self.assertEqual(list(steps)[-1], bad[0])
        self.assertEqual(steps[bad[0]]["error"], last["error"])
        self.assertGreaterEqual(steps[bad[0]]["ms"], 0)
        self.assertIn(verdict, last["verdict"])
        self.assertIn(remedy, last["remedy"])

    def test_check_when_all_is_well(self):
        status, steps, last = self.check()
        self.assertEqual(status, 0, last)
        self.assertEqual(list(steps), [(None, "hosts"), *[("REST", s) for s in ("DNS", "TCP", "TLS", "answer", "token")],
                                       *[("messages", s) for s in ("DNS", "TCP", "TLS", "WebSocket")], (None, "login"),
                                       (None, "close")])
        for key, line in steps.items():
            self.assertIs(line["ok"], None if "DNS" in key or "TLS" in key and not self.tls else True, line)
            self.assertEqual(line["ms"] is not None, key[1] in ("hosts", "token", "WebSocket", "login", "close"), line)
        self.assertEqual((last["verdict"], last["remedy"]),
                         (f"Everything works: alice can log in to {self.box['appKey']}.", ""))

    def test_check_in_words(self):
        env = {k: v for k, v in self.env("alice").items() if k != "EIM_JSON"}
        good = eim("check", env=env)
        self.assertEqual(good.returncode, 0, good)
        self.assertRegex(good.stdout, r"(?m)^✔ login +\d+\.\d ms$")
        self.assertTrue(good.stdout.endswith(f"\nEverything works: alice can log in to {self.box['appKey']}.\n"))
        bad = eim("check", env={**env, "EIM_PASSWORD": "n0t-that"})
        self.assertEqual(bad.returncode, 1, bad)
        self.assertRegex(bad.stdout, r"(?m)^✖ REST token +\d+\.\d ms  wrong user name or password")
        self.assertIn("\nThe user name alice or the password is wrong.\nCheck ", bad.stdout)
        self.assertNotIn("n0t-that", bad.stdout + bad.stderr)

    def test_check_discovers(self):
        dns = ["--dns-url", self.box["dnsUrl"], *([] if self.tls else ["--plain"])]
        env = {"EIM_APP_KEY": self.box["appKey"], "EIM_USER": "alice", "EIM_PASSWORD": "secret-a", "EIM_JSON": "1",
               **({"EIM_CA_FILE": self.box["caFile"]} if self.tls else {})}
        result = eim("check", *dns, env=env)
        self.assertEqual(result.returncode, 0, result)
        self.assertIn(self.box["dnsUrl"], json.loads(result.stdout.splitlines()[0])["note"])
        result = eim("check", "--dns-url", "http://127.0.0.1:1/server.json", env=env)
        self.assertEqual(result.returncode, 3, result)
        step, last = map(json.loads, result.stdout.splitlines())
        self.assertEqual((step["step"], step["ok"]), ("hosts", False))
        self.assertIn("port is closed", last["verdict"])
        self.assertIn("--dns-url", last["remedy"])

    def test_check_by_token(self):
        token = self.admin("/token", user="alice", ttl=1000)["access_token"]
        status, steps, last = self.check(EIM_PASSWORD="", EIM_ACCESS_TOKEN=token)
        self.assertEqual(status, 0, last)
        self.assertNotIn(("REST", "token"), steps)
        self.admin("/expire", user="alice")
        self.failed(self.check(EIM_PASSWORD="", EIM_ACCESS_TOKEN=token), 1, None, "login", "The token has expired.",
                    "clock")
        self.failed(self.check(EIM_PASSWORD="", EIM_ACCESS_TOKEN="YWMtforeign"), 1, None, "login",
                    "not a token of alice", "new token")

    def test_check_verdicts_of_the_server(self):
        self.failed(self.check(user="nobody"), 1, "REST", "token", "There is no user nobody", "eim register")
        self.failed(self.check("--app-key", "other#app", box=False), 1, "REST", "token", "knows no app other#app",
                    "--app-key")
        self.admin("/users", user="alice", active=False)
        self.failed(self.check(), 1, "REST", "token", "banned", "Ask")
        self.admin("/users", user="alice", active=True)
        for status, text, words in ((7, "Sorry, the app day live count limit", "as many users"), (13, "", "other devices"),
                                    (12, "", "banned")):
            self.admin("/fail", what="provision", how="status", status=status, text=text)
            self.failed(self.check(), 1, None, "login", words, "")
        self.admin("/fail", what="token", how="http", status=503, text="<html>")
        self.failed(self.check(), 1, "REST", "answer", "failure of its own", "later")
        self.admin("/fail", what="token", how="http", status=200, text="<html>a login page</html>")
        self.failed(self.check(), 3, "REST", "answer", "not the service", "login page")

    def test_check_ways_to_nowhere(self):
        nowhere = "127.0.0.1:1"
        self.failed(self.check("--api-url", f"http://{nowhere}", box=False), 3, "REST", "TCP", "port is closed", "--api-url")
        self.failed(self.check("--url", f"ws://{nowhere}/websocket", box=False), 3, "messages", "TCP", "port is closed",
                    "--url")
        self.failed(self.check("--url", self.box["url"] + "/nothing", box=False), 1, "messages", "WebSocket",
                    "no message server", "/websocket")
        self.failed(self.check("--api-url", f"http://{'a' * 64}.test", box=False), 3, "REST", "DNS", "not known", "spelled")
        self.failed(self.check("--set", f"proxy=http://{nowhere}"), 3, "REST", "TCP", "proxy", "")
        port = self.box["apiUrl"].rsplit(":", 1)[1]
        if self.tls:
            self.failed(self.check("--api-url", f"http://127.0.0.1:{port}", box=False), 3, "REST", "answer",
                        "without an answer", "TLS")
        else:
            self.failed(self.check("--api-url", f"https://127.0.0.1:{port}", box=False), 3, "REST", "TLS",
                        "does not speak TLS", "https://")

    def test_check_silence(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            result = self.check("--api-url", f"http://127.0.0.1:{port}", "--timeout", "0.5", box=False)
            self.failed(result, 3, "REST", "answer", "did not answer", "--api-url")
            self.assertIsNone(result[1]["REST", "TCP"]["ok"])
            result = self.check("--url", f"ws://127.0.0.1:{port}/websocket", "--timeout", "0.5", box=False)
            self.failed(result, 3, "messages", "WebSocket", "did not answer", "--url")
        self.admin("/fail", what="provision", how="silence")
        self.failed(self.check("--timeout", "0.5"), 3, None, "login", "did not answer the login", "later")
        self.admin("/fail", what="token", how="disconnect", n=10)
        self.failed(self.check(), 3, "REST", "answer", "closed the connection", "port")

    def test_check_reads_no_messages(self):
        first = eim("login", "--for", "0", env=self.env("bob"))
        self.assertEqual(first.returncode, 0, first)
        self.assertEqual(eim("send", "--to", "bob", "kept", env=self.env("alice")).returncode, 0)
        for _ in range(3):
            self.assertEqual(self.check(user="bob")[0], 0)
        self.assertEqual(self.texts(eim("listen", "--count", "1", "--for", "30", env=self.env("bob"))), ["kept"])

    def test_cut_and_back(self):
        alice = self.start("alice", "listen")
        alice.expect("onConnected")
        self.admin("/cut", user="alice")
        self.assertEqual(alice.expect("onReconnecting")["attempt"], 1)
        alice.expect("onConnected")
        self.assertEqual(alice.end(signal.SIGTERM), 0)

    def test_forced_logout(self):
        for operation, code in ((2, 206), (1, 207), (3, 216), (4, 217)):
            alice = self.start("alice", "login")
            alice.expect("onConnected")
            self.admin("/kick", user="alice", operation=operation, reason="the new one")
            reason = alice.expect("onDisconnected")["reason"]
            self.assertEqual(reason["code"], code)
            if code == 206:
                self.assertEqual(reason["detail"]["loginInfoCustomExt"], "the new one")
            self.assertEqual(alice.end(), 4)

    def test_human_output_is_harmless_for_a_terminal(self):
        eim("send", "--to", "bob", "--", "\x1b]0;owned\x07\x1b[31mred\nnext", env=self.env("alice"))
        env = {k: v for k, v in self.env("bob").items() if k != "EIM_JSON"}
        got = eim("listen", "--count", "1", "--for", "30", env=env)
        self.assertEqual(got.returncode, 0, got)
        self.assertNotIn("\x1b", got.stdout)
        self.assertNotIn("\x07", got.stdout)
        self.assertIn("\\x1b]0;owned\\x07\\x1b[31mred\\nnext", got.stdout)

    def test_the_program_of_the_readme(self):
        env = {**CLEAN, "EIM_PASSWORD": "secret-b", "EIM_API_URL": self.box["apiUrl"], "EIM_URL": self.box["url"]}
        if self.box["caFile"]:
            env["EIM_CA_FILE"] = self.box["caFile"]
        echo = subprocess.Popen([ECHO, self.box["appKey"], "bob"], env=env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        try:
            self.assertEqual(echo.stdout.readline(), "online as bob\n")
            alice = self.start("alice", "chat", "--to", "bob")
            alice.expect("onConnected")
            alice.process.stdin.write("anybody there?\n")
            alice.process.stdin.flush()
            self.assertEqual(alice.expect("onMessage")["message"]["text"], "anybody there?")
            self.admin("/kick", user="bob", operation=4)
            self.assertIn("echo: ", echo.stderr.readline())
            self.assertEqual(echo.wait(PATIENCE), 1)
        finally:
            echo.kill()
            echo.wait(PATIENCE)
            echo.stdout.close()
            echo.stderr.close()

    def test_reader_that_goes_away(self):
        bob = subprocess.Popen([EIM, "listen"], env={**CLEAN, **self.env("bob")}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.assertIn("onConnected", bob.stdout.readline())
        bob.stdout.close()
        self.assertEqual(eim("send", "--to", "bob", "x", env=self.env("alice")).returncode, 0)
        self.assertIn(bob.wait(PATIENCE), (0, 3))


@unittest.skipUnless(SANDBOX, "no sandbox")
class ConversationOverTls(Conversation):
    tls = ["--tls"]

    def test_an_unknown_authority_is_not_trusted(self):
        env = {k: v for k, v in self.env("alice").items() if k != "EIM_SANDBOX"}
        env.update(EIM_APP_KEY=self.box["appKey"], EIM_API_URL=self.box["apiUrl"], EIM_URL=self.box["url"])
        result = eim("login", "--for", "0", "--timeout", "4", env=env)
        self.assertEqual(result.returncode, 3, result)
        self.assertIn("--ca-file", result.stderr)
        checked = self.check(box=False, EIM_CA_FILE="")
        self.failed(checked, 3, "REST", "TLS", "not trusted", "--ca-file")
        self.assertTrue(checked[1]["REST", "TCP"]["ok"])

    def test_check_another_host_name(self):
        """The certificates of a sandbox are for 127.0.0.1, not for every address it can listen on."""
        with subprocess.Popen([SANDBOX, "--tls", "--bind", "127.0.0.2"], stdout=subprocess.PIPE, text=True) as other:
            try:
                box = json.loads(other.stdout.readline())
                self.failed(self.check("--api-url", box["apiUrl"], "--ca-file", box["caFile"], box=False), 3, "REST",
                            "TLS", "another host name", "--api-url")
            finally:
                other.terminate()


if __name__ == "__main__":
    outcome = unittest.main(argv=[sys.argv[0], *sys.argv[4:]], exit=False, verbosity=0).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad - len(outcome.skipped)} passed, {bad} failed")
    sys.exit(bad > 0)
