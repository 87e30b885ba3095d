"""The Python examples of docs/rest-recipes.md, run as they stand there, in its order."""

from __future__ import annotations

import importlib.util
import pathlib
import queue
import re
import types
from contextlib import ExitStack
from functools import partial
from typing import Any

import eim
from conftest import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = str(ROOT / "docs" / "rest-recipes.md")


def load(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keep(told: list[tuple[str, dict[str, Any]]], user: str, notice: eim.Notice) -> None:
    told.append((user, notice.data))


def test_the_recipes(capsys: Any) -> None:
    recipes = load(ROOT / "tests" / "cli" / "recipes.py")
    told: list[tuple[str, dict[str, Any]]] = []
    ended: queue.Queue[str] = queue.Queue()
    users = dict.fromkeys(recipes.USERS, "secret")
    with ExitStack() as stack:
        box = stack.enter_context(eim.Sandbox(users=users, multi_device=True))
        box.admin("/groups", recipes.ROOM)
        names: dict[str, Any] = {"eim": eim}
        for user in recipes.USERS:
            client = names[user] = stack.enter_context(eim.Client(**box.options()))
            client.on("notice", partial(keep, told, user))
            client.on("message", lambda m: ended.put(m.text) if m.text == "the end" else None)
            client.open(user=user, password="secret")
        for one in recipes.sections(PAGE):
            names.pop("answer", None)
            exec(compile(one["python"], PAGE, "exec"), names)
            assert recipes.holds(one["answer"], names["answer"]), (one["python"], names["answer"])
            printed = re.findall(r"print\(.*\)  # (.*)", one["python"])
            assert capsys.readouterr().out.splitlines() == printed
        # The notices of the last one come before what is sent after it.
        for sender, receiver in (("carol", "alice"), ("carol", "bob"), ("alice", "carol")):
            names[sender].send(eim.Text(receiver, "the end"))
            ended.get(timeout=PATIENCE)
    for one in recipes.sections(PAGE):
        for user, shown in one["notices"]:
            assert recipes.was_told(told, user, shown), (user, shown, told)
