"""The asyncio client, on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from typing import Any

import eim
import pytest
from conftest import Main, online
from eim import aio


def test_a_conversation(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with online(box, "alice") as alice, online(box, "bob") as bob:
            assert repr(alice) == "<eim.aio.Client sandbox#demo alice ONLINE>"
            sent = await alice.send(eim.Text(to="bob", text="hi 😀", ext={"n": 1}))
            async for message in bob.messages():
                assert (message.id, message.text) == (sent.message_id, "hi 😀")
                await bob.send(message.reply("yo"))
                break
            async for message in alice.messages():
                assert message.text == "yo"
                await alice.close()
            assert alice.state.name == "OFFLINE"
            assert (await bob.health())["state"] == "ONLINE"
        assert alice.state is eim.State.CLOSED

    run(main)


def test_handlers_run_in_the_loop_plain_or_coroutine(
    box: eim.Sandbox, run: Callable[[Main], None]
) -> None:
    async def main() -> None:
        async with online(box, "alice") as alice, online(box, "bob") as bob:
            loop = asyncio.get_running_loop()
            got: list[str] = []
            over = asyncio.Event()

            @bob.on("message")
            def plain(message: eim.Message) -> None:
                assert asyncio.get_running_loop() is loop
                got.append(f"plain {message.text}")

            @bob.on("message")
            async def coroutine(message: eim.Message) -> None:
                await bob.send(message.reply("answered"))
                got.append(f"coroutine {message.text}")
                over.set()

            await alice.send(eim.Text(to="bob", text="1"))
            await over.wait()
            assert got == ["plain 1", "coroutine 1"]
            assert (await anext(alice.messages())).text == "answered"

    run(main)


def test_what_is_raised_in_handlers_goes_to_the_exception_handler(
    box: eim.Sandbox, run: Callable[[Main], None]
) -> None:
    async def main() -> None:
        surfaced: list[Any] = []
        both = asyncio.Event()

        def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            surfaced.append((type(context["exception"]), context["message"]))
            if len(surfaced) == 2:
                both.set()

        asyncio.get_running_loop().set_exception_handler(handle)
        async with online(box, "alice") as client:

            @client.on("message")
            def plain(message: eim.Message) -> None:
                raise KeyError

            @client.on("message")
            async def coroutine(message: eim.Message) -> None:
                raise LookupError

            box.push("alice", "boo", "bob")
            await both.wait()
            assert sorted(surfaced, key=str) == [
                (KeyError, "Exception in an eim handler"),
                (LookupError, "Exception in an eim handler"),
            ]
            assert client.state is eim.State.ONLINE

    run(main)


def test_errors_are_raised(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with aio.Client(**box.options(login_timeout=300)) as client:
            with pytest.raises(eim.AuthError):
                await client.open(user="alice", password="wrong")
            with pytest.raises(TypeError):
                await client.open(user="alice")
            with pytest.raises(TypeError, match=r"eim\.Text"):
                await client.send("text")  # type: ignore[arg-type]
            with pytest.raises(eim.EimError) as taken:
                await client.register_user("bob", "x")
            assert taken.value.code == 203
            await client.register_user("carol", "x", "Carol")
            box.fail_next("provision", "silence", 100)
            with pytest.raises(TimeoutError):
                await client.open(user="alice", password="secret")
            box.fail_next("provision", "silence", 0)
            await client.open(user="alice", password="secret")
            messages = client.messages()
            box.kick("alice", "replaced", "elsewhere")
            with pytest.raises(eim.KickedError) as kicked:
                await anext(messages)
            assert kicked.value.detail["loginInfoCustomExt"] == "elsewhere"
        with pytest.raises(eim.EimError):
            await client.open(user="alice", password="secret")

    run(main)


@pytest.mark.parametrize("kind", ["coroutine", "function", "lambda"])
def test_token_providers(box: eim.Sandbox, run: Callable[[Main], None], kind: str) -> None:
    async def main() -> None:
        asked = 0
        again = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> str:
            nonlocal asked
            asked += 1
            if asked == 2:
                loop.call_soon_threadsafe(again.set)
            return box.token("alice", 2 if asked == 1 else 3600)

        async def ask_later() -> str:
            return ask()

        providers: dict[str, Callable[[], Any]] = {
            "coroutine": ask_later,
            "function": ask,
            "lambda": lambda: ask_later(),
        }
        options = box.options(token_warning_fraction=0.05, token_warning_lead_ms=0)
        async with aio.Client(**options) as client:
            expired: list[Any] = []
            client.on("token_expired", expired.append)
            await client.open(user="alice", access_token=providers[kind])
            await again.wait()
            while box.counters()["expires"] == 0:
                await client.health()  # the new token is asked for how long it lives
            assert client.state is eim.State.ONLINE
            assert not expired

    run(main)


def test_cancelling_a_task_cancels_its_request(
    box: eim.Sandbox, run: Callable[[Main], None]
) -> None:
    async def main() -> None:
        async with aio.Client(**box.options()) as client:
            box.fail_next("token", "silence")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.open(user="alice", password="secret")
            assert client.state.name == "OFFLINE"  # over when the cancellation comes out
            assert not client._link._pending
            await client.open(user="alice", password="secret")
            box.fail_next("send", "silence")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.send(eim.Text(to="bob", text="?"))
            assert not client._link._pending
            await client.send(eim.Text(to="bob", text="!"))
            waiting = asyncio.ensure_future(anext(client.messages()))
            await asyncio.sleep(0)
            waiting.cancel()
            box.push("alice", "not lost", "bob")
            assert (await anext(client.messages())).text == "not lost"

    run(main)


def test_a_storm_of_cancellations(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        dice = random.Random(1)
        outcomes = {"sent": 0, "canceled": 0}
        async with online(box, "alice", max_pending_sends=5000) as alice, online(box, "bob") as bob:
            got: set[str | None] = set()
            done = asyncio.Event()

            def heard(message: eim.Message) -> None:
                got.add(message.text)
                if message.text == "last":
                    done.set()

            bob.on("message", heard)
            sent: set[str] = set()

            async def one(number: int) -> None:
                try:
                    await alice.send(eim.Text(to="bob", text=str(number)))
                    outcomes["sent"] += 1
                    sent.add(str(number))
                except asyncio.CancelledError:
                    outcomes["canceled"] += 1
                    raise

            tasks = [asyncio.create_task(one(number)) for number in range(2000)]
            for round in range(20):
                await asyncio.sleep(0)
                for task in dice.sample(tasks, 60):
                    task.cancel(f"round {round}")
                    if dice.random() < 0.3:
                        task.cancel("twice")
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for result in results:
                assert result is None or isinstance(result, asyncio.CancelledError)
            assert outcomes["sent"] > 0
            assert outcomes["canceled"] > 0
            assert not alice._link._pending
            await alice.send(eim.Text(to="bob", text="last"))
            await done.wait()
            assert sent <= got  # what was reported as sent has arrived
            assert alice.state is eim.State.ONLINE

    run(main)


def test_many_clients_share_one_context_and_leave_nothing(
    box: eim.Sandbox, run: Callable[[Main], None]
) -> None:
    async def main() -> None:
        clients = [aio.Client(**box.options()) for _ in range(20)]
        assert len({client._engine for client in clients}) == 1
        engine = clients[0]._engine
        await asyncio.gather(
            *(client.register_user(f"u{i}", "secret") for i, client in enumerate(clients))
        )
        await asyncio.gather(
            *(client.open(user=f"u{i}", password="secret") for i, client in enumerate(clients))
        )
        for client in clients[1:]:
            client.shutdown()
            client.shutdown()
        assert not engine.closed
        assert clients[0].state is eim.State.ONLINE
        del client
        clients.clear()  # the last one is only dropped
        gc.collect()
        turn = asyncio.Event()  # of the loop: what was asked for before has happened then
        asyncio.get_running_loop().call_soon(turn.set)
        await turn.wait()
        assert engine.closed
        assert asyncio.get_running_loop() not in aio._drivers

    run(main)


def test_shutdown_ends_what_waits(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with online(box, "alice") as client:
            box.fail_next("send", "silence", 10)
            sends = [
                asyncio.create_task(client.send(eim.Text(to="bob", text="?"))) for _ in range(5)
            ]
            listening = asyncio.ensure_future(anext(client.messages(), None))
            await asyncio.sleep(0)  # all of them have begun
            client.shutdown()
            results = await asyncio.gather(*sends, listening, return_exceptions=True)
            assert results[-1] is None
            for result in results[:-1]:
                assert isinstance(result, eim.EimError)
                assert result.name == "EIM_E_CLOSED"

    run(main)


def test_loops_that_end_in_the_middle(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    kept: list[Any] = []

    async def main() -> None:
        client = aio.Client(**box.options())
        await client.open(user="alice", password="secret")
        box.fail_next("send", "silence", 10)
        kept.append(asyncio.create_task(client.send(eim.Text(to="bob", text="?"))))
        kept.append(client)
        await asyncio.sleep(0)

    run(main)
    client = kept[1]
    client.shutdown()
    assert client.state is eim.State.CLOSED
    kept.clear()
    gc.collect()


def test_a_client_needs_its_loop(box: eim.Sandbox) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        aio.Client(**box.options())

    async def make() -> aio.Client:
        return aio.Client(**box.options())

    client = asyncio.run(make())

    async def use() -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await client.open(user="alice", password="secret")

    asyncio.run(use())
    client.shutdown()
