"""Combined messages and downloads into memory, blocking and awaited."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import eim
import pytest
from conftest import FAST, Main, online


@pytest.fixture
def pair(box: eim.Sandbox) -> Iterator[tuple[eim.Client, eim.Client]]:
    with eim.Client(**box.options(**FAST)) as alice, eim.Client(**box.options(**FAST)) as bob:
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")
        yield alice, bob


def test_messages_are_forwarded_as_one(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    arrived = bob.messages()
    alice.send(eim.Text("bob", "hä", ext={"n": 2**60, "f": 3.0}))
    alice.send(eim.Location("bob", 52.5, 13.25, address="Berlin"))
    first, second = next(arrived), next(arrived)
    answers = alice.messages()
    bob.send(
        eim.Combine(
            "alice",
            messages=[first, second, eim.Text("alice", "my own words")],
            title="Chat",
            summary="hä …",
            compatible_text="[chat]",
        )
    )
    got = next(answers)
    assert got.type == "combine"
    wanted = {"title": "Chat", "summary": "hä …", "compatibleText": "[chat]", "combineLevel": 1}
    assert {name: got.body[name] for name in wanted} == wanted
    inside = alice.download_combined(got)
    assert [message.type for message in inside] == ["txt", "loc", "txt"]
    assert inside[0].data == first.data
    assert inside[1].data == second.data
    assert (inside[2].from_, inside[2].to, inside[2].text) == ("bob", "alice", "my own words")
    # One in the other, and what is nobody's.
    alice.send(eim.Combine("bob", messages=[got]))
    outer = next(arrived)
    assert outer.body["combineLevel"] == 2
    (inner,) = bob.download_combined(outer)
    assert inner.data == got.data
    assert [message.data for message in bob.download_combined(inner)] == [m.data for m in inside]
    with pytest.raises(eim.EimError, match="not a combined message"):
        bob.download_combined(first)
    with pytest.raises(TypeError, match="not str"):
        alice.send(eim.Combine("bob", messages=["x"]))  # type: ignore[list-item]
    with pytest.raises(eim.EimError, match="none"):
        alice.send(eim.Combine("bob", messages=[]))
    with pytest.raises(eim.EimError, match=r"messages\[0\]: its file is not uploaded"):
        alice.send(eim.Combine("bob", messages=[eim.File("bob", path="/tmp/x")]))
    with pytest.raises(eim.EimError, match="url is missing"):
        alice.send(eim.Combine("bob"))


def test_files_come_into_memory(
    pair: tuple[eim.Client, eim.Client], tmp_path: pathlib.Path
) -> None:
    alice, bob = pair
    for content in (b"", b"\0" * 3, bytes(range(256)) * 4000):
        source = tmp_path / "a.bin"
        source.write_bytes(content)
        up = alice.upload(source)
        got = bob.download_bytes(up.url, secret=up.secret)
        assert isinstance(got, bytes)
        assert got == content
    assert len(bob.download_bytes(up.url, secret=up.secret, max_bytes=len(content))) == len(content)
    with pytest.raises(eim.EimError) as large:
        bob.download_bytes(up.url, secret=up.secret, max_bytes=len(content) - 1)
    assert large.value.code == 405
    with pytest.raises(eim.AuthError):
        bob.download_bytes(up.url, secret="another")
    # A message whose file is something else.
    bob.send(eim.Combine("alice", up.url, secret=up.secret))
    message = next(alice.messages())
    with pytest.raises(eim.EimError, match="cannot be read") as damaged:
        alice.download_combined(message)
    assert damaged.value.code == 401


def test_awaited(box: eim.Sandbox, run: Callable[[Main], None], tmp_path: pathlib.Path) -> None:
    source = tmp_path / "a.bin"
    source.write_bytes(b"abc" * 1000)

    async def main() -> None:
        async with online(box, "alice") as alice, online(box, "bob") as bob:
            up = await alice.upload(source)
            assert await bob.download_bytes(up.url, secret=up.secret) == b"abc" * 1000
            text: Any = eim.Text("bob", "x")
            await alice.send(eim.Combine("bob", messages=(text for _ in range(300))))
            async for message in bob.messages():
                inside = await bob.download_combined(message)
                assert [one.text for one in inside] == ["x"] * 300
                assert len({one.id for one in inside}) == 300
                break
            with pytest.raises(eim.EimError, match="more than 300"):
                await alice.send(eim.Combine("bob", messages=[text] * 301))

    run(main)
