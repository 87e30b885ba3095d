"""When a message counts as received: what is not done comes again, what is done does not."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import eim
import pytest
from conftest import FAST, PATIENCE, wait_until
from eim import aio


def client_of(box: eim.Sandbox, **options: Any) -> eim.Client:
    """Always the same device."""
    return eim.Client(**box.options(**FAST, device_id="one", **options))


@contextlib.contextmanager
def session(box: eim.Sandbox, **options: Any) -> Iterator[eim.Client]:
    client = client_of(box, **options)
    client.messages()  # before the login: nothing is acknowledged on arrival
    with client:
        client.open(user="alice", password="secret")
        yield client


def waiting(box: eim.Sandbox) -> list[str | None]:
    """What a new login of alice gets, and then counts as received."""
    box.push("alice", "the end", "carol")
    with session(box) as client:
        texts = itertools.takewhile(lambda t: t != "the end", (m.text for m in client.messages()))
        got = list(texts)
        client.close()
    return got


def test_a_body_that_raises_gets_the_message_again(box: eim.Sandbox) -> None:
    for text in ("1", "2"):
        box.push("alice", text, text)  # two senders: two queues
    with pytest.raises(LookupError), session(box) as client:
        for message in client.messages():
            raise LookupError(message.text)
    assert sorted(t or "" for t in waiting(box)) == ["1", "2"]
    assert waiting(box) == []


def test_a_body_that_is_done_acknowledges(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    with session(box) as client:
        for message in client.messages():
            if message.text == "1":
                box.push("alice", "2", "bob")  # comes only when the first is done
            else:
                break
    assert waiting(box) == []


def test_a_client_that_vanishes_in_the_body(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    client = client_of(box)
    messages = client.messages()
    client.open(user="alice", password="secret")
    for message in messages:
        assert message.text == "1"
        client.shutdown()  # as a crash: nothing is said to the server
        break
    assert waiting(box) == ["1"]


def test_next_alone_counts_at_once(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    with session(box) as client:
        assert next(client.messages()).text == "1"
        box.push("alice", "2", "bob")
        assert next(client.messages()).text == "2"
    assert waiting(box) == []


def test_after_a_break_message_done_lets_the_rest_through(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    with session(box) as client:
        for message in client.messages():
            box.push("alice", "2", "bob")
            client.message_done(message)
            break
        wait_until(lambda: client._inbox)  # asked for by nobody
        assert next(client.messages()).text == "2"


def test_handlers_acknowledge_when_they_return(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    entered, leave = threading.Event(), threading.Event()
    client = client_of(box)

    @client.on("message")
    def received(message: eim.Message) -> None:
        entered.set()
        leave.wait(PATIENCE)
        if message.text == "1":
            raise ArithmeticError("it is done with it nevertheless")

    with pytest.MonkeyPatch.context() as patch:
        seen = threading.Event()
        patch.setattr(threading, "excepthook", lambda _: seen.set())
        client.open(user="alice", password="secret")
        assert entered.wait(PATIENCE)
        leave.set()
        assert seen.wait(PATIENCE)
    entered.clear()
    box.push("alice", "2", "bob")
    assert entered.wait(PATIENCE)
    client.close()
    client.shutdown()
    assert "1" not in waiting(box)


def test_acknowledging_by_hand(box: eim.Sandbox) -> None:
    box.push("alice", "1", "bob")
    for last in (False, True):
        client = client_of(box, ack_mode="manual")
        got: list[eim.Message] = []
        client.on("message", got.append)
        client.open(user="alice", password="secret")
        wait_until(lambda: got)  # noqa: B023
        assert got[0].text == "1"
        if last:
            client.message_done(got[0])
        client.close()
        client.shutdown()
    assert waiting(box) == []
    with session(box) as client, pytest.raises(TypeError, match=r"eim\.Message"):
        client.message_done("1")  # type: ignore[arg-type]


def test_awaited(box: eim.Sandbox) -> None:
    async def online() -> aio.Client:
        client = aio.Client(**box.options(**FAST, device_id="one"))
        client.messages()
        await client.open(user="alice", password="secret")
        return client

    async def fails() -> None:
        async with await online() as client:
            async for message in client.messages():
                raise LookupError(message.text)

    async def breaks(client: aio.Client) -> None:
        async for message in client.messages():
            assert message.text == "1"
            break

    async def works() -> None:
        async with await online() as client:
            await asyncio.create_task(breaks(client))
            box.push("alice", "2", "bob")  # comes, for the task is over
            async for message in client.messages():
                assert message.text == "2"
                await client.close()

    async def main() -> None:
        box.push("alice", "1", "bob")
        async with asyncio.timeout(3 * PATIENCE):
            with pytest.raises(LookupError, match="1"):
                await fails()
            await works()

    asyncio.run(main())
    assert waiting(box) == []
