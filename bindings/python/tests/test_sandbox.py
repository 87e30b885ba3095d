"""The sandbox as an object, and the pytest plugin."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import eim
import pytest
from eim import sandbox as module
from eim.pytest_plugin import SandboxUser


def test_options_of_the_program() -> None:
    with eim.Sandbox(
        users={"alice": "x"},
        tls=True,
        app_key="my#app",
        token_ttl=100,
        multi_device=True,
        open_registration=False,
        arguments=["--user", "bob:y"],
    ) as sandbox:
        assert sandbox.app_key == "my#app"
        assert sandbox.api_url.startswith("https://127.0.0.1:")
        assert sandbox.url.startswith("wss://")
        assert sandbox.ca_file is not None
        assert repr(sandbox) == f"<eim.Sandbox {sandbox.api_url}>"
        options = sandbox.options()
        with eim.Client(**options) as one, eim.Client(**options) as two:
            one.open(user="alice", password="x")
            two.open(user="alice", password="x")
            assert one.state is two.state is eim.State.ONLINE
            with pytest.raises(eim.EimError) as closed:
                one.register_user("carol", "x")
            assert closed.value.code == 208
        with eim.Client(**options) as client:
            client.open(user="bob", password="y")
        sandbox.remove_user("bob")
        with pytest.raises(eim.SandboxError, match="404"):
            sandbox.remove_user("bob")
        sandbox.freeze("alice", False)
    assert repr(sandbox) == "<eim.Sandbox stopped>"
    sandbox.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(sandbox.pid, 0)


def made_with_sqlite() -> bool:
    """Third parties that are built in may come without it (packaging/deps/README.md)."""
    command = [*module.find_program(), "--data", "/no/such/folder/box.db"]
    run = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return b"without SQLite" not in run.stderr


def test_data_outlives_the_process(tmp_path: pathlib.Path) -> None:
    users = {"alice": "x", "bob": "x"}
    data = tmp_path / "box.db"
    if not made_with_sqlite():
        pytest.skip("this sandbox was built where SQLite could not be had")
    with eim.Sandbox(data=data, users=users) as sandbox:
        token = sandbox.token("alice")
        id = sandbox.push("alice", "hello", from_="bob")
        os.kill(sandbox.pid, signal.SIGKILL)
    with eim.Sandbox(data=data, users=users) as sandbox:  # the same accounts once more: no change
        with pytest.raises(eim.SandboxError, match="status 2"):
            eim.Sandbox(data=data)  # it is in use
        with eim.Client(**sandbox.options()) as client:
            client.open(user="alice", access_token=token)
            message = next(iter(client.messages()))
            assert (message.id, message.text) == (id, "hello")


def test_it_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    with pytest.raises(eim.SandboxError, match="status 2"):
        eim.Sandbox(arguments=["--no-such-option"])
    program = tmp_path / "eim-sandbox"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o700)
    monkeypatch.setenv("EIM_SANDBOX", str(program))
    assert module.find_program() == [str(program)]
    with pytest.raises(eim.SandboxError, match="status 3"):
        eim.Sandbox()
    program.chmod(0o600)  # a file of the same variable that is no program: see `eim help`
    assert module.find_program() != [str(program)]


def test_it_ends_with_its_owner() -> None:
    code = "import eim; print(eim.Sandbox().pid)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int(out.stdout), 0)


def test_it_ends_with_an_owner_that_is_killed() -> None:
    code = "import eim, os, signal; box = eim.Sandbox(); print('up', flush=True);"
    code += "os.kill(os.getpid(), signal.SIGKILL)"
    # The sandbox has our end of stderr too: reading to its end waits until it is gone.
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (out.returncode, out.stdout) == (-9, "up\n")


def test_fixtures(eim_sandbox: eim.Sandbox, eim_user: SandboxUser, eim_client: eim.Client) -> None:
    assert eim_client.user == eim_user.name
    assert eim_client.state is eim.State.ONLINE
    eim_sandbox.push(eim_client.user, "hello bot")
    assert next(eim_client.messages()).text == "hello bot"
    with eim.Client(**eim_sandbox.options()) as other:
        other.open(user=eim_user.name, access_token=eim_user.token())


def test_the_suite_of_an_application(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_bot.py").write_text(
        textwrap.dedent("""
            import eim

            def shout(client):
                @client.on("message")
                def answer(message):
                    client.send_nowait(message.reply(message.text.upper()))

            def test_shouting(eim_sandbox, eim_client):
                shout(eim_client)
                eim_sandbox.add_user("tester", "x")
                with eim.Client(**eim_sandbox.options()) as tester:
                    tester.open(user="tester", password="x")
                    tester.send(eim.Text(to=eim_client.user, text="hi"))
                    assert next(tester.messages()).text == "HI"

            def test_another_user(eim_user, eim_client):
                assert eim_user.name == eim_client.user == "user2"
        """)
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout
