"""What the README of the package, and the first page, show is run as it stands there."""

from __future__ import annotations

import ast
import asyncio
import inspect
import pathlib
import re
import subprocess
import sys
import types
from functools import partial
from typing import Any

import eim
import pytest
from conftest import PATIENCE

TESTS = pathlib.Path(__file__).resolve().parent
README = (TESTS.parent / "README.md").read_text("utf-8")
ROOT = (TESTS.parents[2] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
EXAMPLE = r"<eim\.Message \d+ txt alice -> bob 'hi'>"


def block(part: str) -> str:
    (found,) = [text for text in BLOCKS if part in text]
    return str(found)


def test_every_block_is_tested() -> None:
    assert len(BLOCKS) == 3


def test_the_first_program(tmp_path: pathlib.Path) -> None:
    code = block("with eim.Sandbox(")
    assert f"```python\n{code}```" in ROOT  # the first page shows the same
    assert re.search(f"# {EXAMPLE}", code)  # what it says it prints
    file = tmp_path / "first.py"
    file.write_text(code, "utf-8")
    run = subprocess.run(
        [sys.executable, "-W", "error", str(file)],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert re.fullmatch(EXAMPLE + "\n", run.stdout)


def test_with_asyncio() -> None:
    code = compile(block("async with"), "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def main(box: eim.Sandbox) -> None:
        # Only the addresses are added: the service is here.
        client = partial(eim.aio.Client, api_url=box.api_url, url=box.url)
        names: dict[str, Any] = {
            "eim": types.SimpleNamespace(aio=types.SimpleNamespace(Client=client), Text=eim.Text),
            "get_token": partial(box.token, "alice"),
        }
        async with asyncio.timeout(2 * PATIENCE), eim.aio.Client(**box.options()) as bob:
            arriving = bob.messages()
            await bob.open(user="bob", password="secret")
            program = asyncio.ensure_future(eval(code, names))
            assert (await anext(arriving)).text == "hi"
            await bob.send(eim.Text("alice", "hi yourself"))
            assert (await anext(arriving)).text == "I heard you"
            box.kick("alice")
            with pytest.raises(eim.KickedError):
                await program

    assert code.co_flags & inspect.CO_COROUTINE
    with eim.Sandbox(app_key="org#app", users={"alice": "secret", "bob": "secret"}) as box:
        asyncio.run(main(box))


def test_with_the_fixtures(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_bot.py").write_text(block("eim_client"), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
        cwd=tmp_path,
    )
    assert "1 passed" in run.stdout, run.stdout
