"""The local service as an object: an Easemob-like server for tests and first steps."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import types
import urllib.error
import urllib.request
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from . import _core

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PATIENCE = 10.0

KICKS = {"removed": 1, "replaced": 2, "password": 3, "forced": 4}


class SandboxError(RuntimeError):
    """The sandbox could not be started, or refused a call of its admin API."""


def find_program() -> list[str]:
    """The command eim-sandbox: $EIM_SANDBOX, the one inside this package, or the one on PATH."""
    named = os.environ.get("EIM_SANDBOX")
    if named and os.path.isfile(named) and os.access(named, os.X_OK):
        return [named]
    if hasattr(_core, "eim_py_sandbox_main") and sys.executable:
        launcher = pathlib.Path(__file__).with_name("_sandbox.py")
        extension = sys.modules["eim._eim"].__file__
        return [sys.executable, "-I", "-S", str(launcher), str(extension)]
    found = shutil.which("eim-sandbox")
    if found:
        return [found]
    raise SandboxError("eim-sandbox is neither named by EIM_SANDBOX nor in the package nor on PATH")


def main() -> None:
    """The command ``eim-sandbox`` of an installed package."""
    command = find_program()
    os.execv(command[0], [*command, *sys.argv[1:]])


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


class Sandbox:
    """Starts the service on free ports of 127.0.0.1 and ends it with the ``with`` block::

        with eim.Sandbox(users={"alice": "secret"}) as sandbox:
            with eim.Client(**sandbox.options()) as client:
                client.open(user="alice", password="secret")

    :param users: accounts: name to password.
    :param tls: https and wss, with a CA of its own (``ca_file``).
    :param app_key: ``org#app``.
    :param port: a certain port.
    :param admin_port: a certain port for the admin API.
    :param token_ttl: life of a token in seconds.
    :param multi_device: several devices of one user at once.
    :param open_registration: whether anybody may register.
    :param data: file that keeps accounts, messages, groups and the rest over restarts
        (docs/sandbox.md; not in a wheel that was built without SQLite).
    :param arguments: further arguments of the program.
    """

    api_url: str
    """REST address."""
    url: str
    """Address of the message server."""
    dns_url: str
    """Address of the bootstrap list."""
    admin_url: str
    """Address of the admin API (docs/sandbox.md)."""
    app_key: str
    """``org#app``."""
    ca_file: str | None
    """PEM file of the CA; ``None`` without TLS."""
    pid: int
    """Process id."""

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        tls: bool = False,
        app_key: str | None = None,
        port: int | None = None,
        admin_port: int | None = None,
        token_ttl: int | None = None,
        multi_device: bool = False,
        open_registration: bool = True,
        data: str | os.PathLike[str] | None = None,
        arguments: Iterable[str] = (),
    ) -> None:
        command = find_program()
        for flag, value in (
            ("--app-key", app_key),
            ("--port", port),
            ("--admin-port", admin_port),
            ("--token-ttl", token_ttl),
            ("--data", None if data is None else os.fspath(data)),
        ):
            if value is not None:
                command += [flag, str(value)]
        if tls:
            command.append("--tls")
        if multi_device:
            command.append("--multi-device")
        if not open_registration:
            command += ["--open-registration", "no"]
        command += ["--until-eof", *arguments]  # stdin is its leash: it ends with us, come what may
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise SandboxError(f"{command[0]}: {error}") from error
        self._end = weakref.finalize(self, _end, process)
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            self.stop()
            raise SandboxError(f"{command[0]} ended with status {process.returncode}")
        facts = json.loads(line)
        self.facts: dict[str, Any] = facts
        self.api_url = facts["apiUrl"]
        self.url = facts["url"]
        self.dns_url = facts["dnsUrl"]
        self.admin_url = facts["adminUrl"]
        self.app_key = facts["appKey"]
        self.ca_file = facts["caFile"]
        self.pid = facts["pid"]
        for name, password in (users or {}).items():
            self.add_user(name, password)

    def options(self, **more: Any) -> dict[str, Any]:
        """The arguments for a client that is to use this service."""
        own = {"app_key": self.app_key, "api_url": self.api_url, "url": self.url}
        if self.ca_file is not None:
            own["ca_file"] = self.ca_file
        return {**own, **more}

    # -- the admin API

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A call of the admin API: POST with a body, GET without. The JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.admin_url + path, data, {"Content-Type": "application/json"}
        )
        try:
            with _NO_PROXY.open(request, timeout=_PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise SandboxError(f"{path}: {error.code} {text}") from None

    def add_user(self, name: str, password: str) -> None:
        """Create an account, or give one another password (which ends its sessions: 216)."""
        self.admin("/users", {"user": name, "password": password})

    def remove_user(self, name: str) -> None:
        """Remove an account; its sessions end with 207."""
        self.admin("/users", {"user": name, "remove": True})

    def token(self, user: str, ttl: int = 0) -> str:
        """A fresh access token; ``ttl`` in seconds, 0: the default, -1: for ever."""
        token: str = self.admin("/token", {"user": user, "ttl": ttl})["access_token"]
        return token

    def expire_tokens(self, user: str) -> None:
        """Every token of this user has expired. Sessions go on, as on the service."""
        self.admin("/expire", {"user": user})

    def push(self, user: str, text: str, from_: str = "admin") -> str:
        """A text message into the queue of every device of ``user``. Its id."""
        id: str = self.admin("/push", {"user": user, "from": from_, "text": text})["id"]
        return id

    def kick(
        self,
        user: str,
        why: Literal["removed", "replaced", "password", "forced"] = "forced",
        reason: str | None = None,
    ) -> int:
        """End the sessions of a user as the service does. How many."""
        body: dict[str, Any] = {"user": user, "operation": KICKS[why]}
        if reason is not None:
            body["reason"] = reason
        count: int = self.admin("/kick", body)["count"]
        return count

    def cut(self, user: str | None = None) -> int:
        """Cut the connections of a user, or all. How many."""
        count: int = self.admin("/cut", {} if user is None else {"user": user})["count"]
        return count

    def freeze(self, user: str, on: bool = True) -> None:
        """While on, nothing of this user is read or answered: a line that is half open."""
        self.admin("/freeze", {"user": user, "on": on})

    def fail_next(
        self, what: str, how: str, n: int = 1, *, status: int = 0, text: str | None = None
    ) -> None:
        """Let the next ``n`` calls of a kind fail (docs/sandbox.md); ``n=0``: normal again."""
        body: dict[str, Any] = {"what": what, "how": how, "n": n, "status": status}
        if text is not None:
            body["text"] = text
        self.admin("/fail", body)

    def counters(self) -> dict[str, int]:
        """How many calls of each kind came so far."""
        counters: dict[str, int] = self.admin("/counters")
        return counters

    # -- life

    def stop(self) -> None:
        """End the service. Idempotent."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = self.api_url if self._end.alive else "stopped"
        return f"<eim.Sandbox {state}>"
