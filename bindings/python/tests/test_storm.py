"""Tasks cancelled anywhere, in every call, by the thousand; clients that go away meanwhile."""

from __future__ import annotations

import asyncio
import collections
import gc
import os
import random
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import eim
from conftest import Main, online
from eim import aio

TASKS = int(os.environ.get("EIM_PYTHON_STORM", "5000"))


def calls(client: aio.Client, message: eim.Message) -> list[Callable[[], Coroutine[Any, Any, Any]]]:
    """Every call but open() and close(), those that are refused too."""
    text = eim.Text("bob", "x")
    return [
        lambda: client.send(text),
        lambda: client.mark_read(message),
        lambda: client.mark_channel_read("bob"),
        lambda: client.recall(message.id, to="bob"),
        lambda: client.edit(message.id, text),
        lambda: client.join_room("r1"),
        lambda: client.leave_room("r1"),
        lambda: client.request("GET", "/users/alice"),
        lambda: client.request("GET", "/no/such/call"),
        lambda: client.upload(__file__),
        lambda: client.download(client_url(client), "/nowhere/at/all"),
        lambda: client.download_bytes(client_url(client)),
        lambda: client.download_combined(message),
        lambda: client.register_user("alice", "taken"),
        lambda: client.health(),
        lambda: anext(aiter(client.messages())),  # type: ignore[arg-type]
    ]


def client_url(client: aio.Client) -> str:
    return f"http://127.0.0.1:1/{client.user}"


def test_every_call_is_in_the_storm() -> None:
    """So that a call that is added is added here."""
    source = set(calls.__code__.co_names)
    for constant in calls.__code__.co_consts:
        source |= set(getattr(constant, "co_names", ()))
    words = {name for name, value in vars(aio.Client).items() if asyncio.iscoroutinefunction(value)}
    assert {w for w in words if w[0] != "_"} - {"open", "close", "renew_token"} <= source


def test_a_storm_over_every_call(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        dice = random.Random(7)
        box.admin("/groups", {"id": "r1", "room": True, "members": ["bob"]})
        async with (
            online(box, "alice", max_pending_sends=TASKS) as alice,
            online(box, "bob") as bob,
        ):
            await bob.send(eim.Text("alice", "the message"))
            message = await anext(alice.messages())
            outcomes = collections.Counter[str]()

            async def one(call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
                for _ in range(dice.randrange(4)):
                    await asyncio.sleep(0)  # so that they begin mixed
                try:
                    await call()
                    outcomes["done"] += 1
                except eim.EimError as error:
                    assert error.code, error
                    outcomes["refused"] += 1
                except asyncio.CancelledError:
                    outcomes["canceled"] += 1
                    raise

            every = calls(alice, message)
            tasks = [asyncio.create_task(one(every[i % len(every)])) for i in range(TASKS)]
            victims = dice.sample(tasks, len(tasks))
            while victims:
                for _ in range(dice.randrange(1, 4)):
                    await asyncio.sleep(0)
                for task in victims[-25:]:
                    task.cancel()
                    if dice.random() < 0.2:
                        task.cancel("twice")
                del victims[-25:]
                if dice.random() < 0.05:
                    await alice.health()  # some get the time to end by themselves
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert {type(r) for r in results} <= {type(None), asyncio.CancelledError}
            assert min(outcomes["done"], outcomes["refused"], outcomes["canceled"]) > 0, outcomes
            assert not alice._link._pending
            # It works as before, and nothing of the storm is left in the way.
            assert (await alice.health())["state"] == "ONLINE"
            await alice.join_room("r1")
            await alice.leave_room("r1")
            heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            bob.on("message", lambda m: None if m.text != "after" else heard.set_result(None))
            await alice.send(eim.Text("bob", "after"))
            await heard

    run(main)


def test_clients_go_away_while_their_calls_are_under_way(
    box: eim.Sandbox, run: Callable[[Main], None]
) -> None:
    dice = random.Random(3)

    async def episode(message: eim.Message, shut: bool) -> weakref.ref[aio.Client]:
        client = aio.Client(**box.options())
        await client.open(user="alice", password="secret")
        client.on("receipt", lambda receipt: print(client))  # a cycle
        some = dice.sample(calls(client, message), 8)
        tasks = [asyncio.create_task(call()) for call in some]
        for _ in range(dice.randrange(6)):
            await asyncio.sleep(0)
        if shut:
            client.shutdown()
        else:
            for task in tasks:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException):
                assert isinstance(
                    result, eim.EimError | asyncio.CancelledError | StopAsyncIteration
                ), result
        return weakref.ref(client)

    async def main() -> None:
        async with online(box, "bob") as bob, online(box, "alice") as alice:
            await alice.send(eim.Text("bob", "the message"))
            message = await anext(bob.messages())
            for round in range(16):
                gone = await episode(message, round % 2 == 0)
                await asyncio.sleep(0)  # the loop lets go of what it woke us with
                gc.collect()
                assert gone() is None

    run(main)
