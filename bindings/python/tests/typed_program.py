"""A user's program as the type checkers see it: never run, read by mypy and pyright (strict).

``assert_type`` says what a call must be known to return. A line with ``ignore`` is a mistake that
must be found: both checkers complain about an ``ignore`` that is not needed.
"""

from __future__ import annotations

import concurrent.futures
import datetime
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import eim


def received(message: eim.Message) -> None:
    assert_type(message.text, str | None)
    assert_type(message.ext, dict[str, Any])
    assert_type(message.sent_at, datetime.datetime | None)


def blocking() -> None:
    with eim.Client(
        "org#app", delivery=True, login_timeout=datetime.timedelta(seconds=5)
    ) as client:
        client.open(user="alice", password="secret")
        text = eim.Text("bob", "hi", ext={"n": 1}, chat_type=eim.ChatType.GROUP)
        assert_type(client.send(text), eim.SendResult)
        assert_type(client.send_nowait(text), eim.Request[eim.SendResult])
        assert_type(client.send_nowait(text).result(), eim.SendResult)
        future: concurrent.futures.Future[None] = client.leave_room_nowait("r")
        assert_type(future.result(), None)
        assert_type(client.request("GET", "/x", query={"a": 1}).status, int)
        assert_type(client.join_room("r", leave_others=True), dict[str, Any])
        assert_type(client.health(), dict[str, Any])
        assert_type(client.health_nowait(), eim.Request[dict[str, Any]])
        assert_type(client.upload("a.bin").url, str)
        assert_type(client.download("https://h/a", "a.bin", max_bytes=10), int)
        assert_type(client.download_bytes("https://h/a"), bytes)
        assert_type(client.messages(), Iterator[eim.Message])
        client.on("message", received)
        client.on("receipt", lambda receipt: print(receipt.kind))

        @client.on("disconnected")
        def ended(change: eim.StateChange) -> None:
            assert_type(change.cause, eim.EimError | None)

        ended(None)  # type: ignore[arg-type]
        for message in client.messages():
            assert_type(message, eim.Message)
            client.mark_read(message)
            assert_type(client.download_combined(message), list[eim.Message])
            client.send(eim.Combine("bob", messages=[message, text]))


async def awaited() -> None:
    async with eim.aio.Client("org#app") as client:
        await client.open(user="alice", access_token=token)
        assert_type(await client.send(eim.Text("bob", "hi")), eim.SendResult)
        assert_type(await client.recall("1", to="bob"), None)
        assert_type(await client.request("GET", "/x"), eim.Response)
        assert_type(client.messages(), AsyncIterator[eim.Message])
        async for message in client.messages():
            assert_type(message.reply("hi"), eim.Text)


async def token() -> str:
    return "a token"


def mistakes(client: eim.Client, other: eim.aio.Client) -> None:
    client.send("hi")  # type: ignore[arg-type]
    client.recall("1")  # type: ignore[call-arg]
    client.recall("1", to="bob", chattype=1)  # type: ignore[call-arg]
    client.request("GET")  # type: ignore[call-arg]
    client.leave_room_nowait()  # type: ignore[call-arg]
    client.on("mesage", received)  # type: ignore[call-overload]
    client.on("error", received)  # type: ignore[call-overload]
    eim.Client("org#app", deliver=True)  # type: ignore[call-arg]
    eim.Client("org#app", delivery=[1])  # type: ignore[arg-type]
    eim.Text("bob")  # type: ignore[call-arg]
    other.send(1)  # type: ignore[arg-type, unused-coroutine]
