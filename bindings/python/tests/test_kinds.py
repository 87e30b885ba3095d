"""Every kind of message, receipts, recall, edit, rooms and REST calls, blocking and awaited."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import eim
import pytest
from conftest import FAST, Main, Recorder, online, wait_until
from eim import aio

FILE: dict[str, Any] = {"secret": "s", "filename": "a.bin", "file_length": 7}


def _any(value: Any) -> Any:
    """A value of a type that mypy would refuse."""
    return value


KINDS = [
    (eim.Text("bob", "hi", ext={"n": 2**60}), {"type": "txt", "msg": "hi"}),
    (eim.Command("bob", "wave", online_only=True), {"type": "cmd", "action": "wave"}),
    (
        eim.Custom("bob", "dice", values={"eyes": "6"}),
        {"type": "custom", "customEvent": "dice", "customExts": {"eyes": "6"}},
    ),
    (
        eim.Location("bob", 52.5, 13.25, address="Berlin", building="B"),
        {"type": "loc", "lat": 52.5, "lng": 13.25, "addr": "Berlin", "buildingName": "B"},
    ),
    (eim.File("bob", "https://h/a", **FILE), {"type": "file", "url": "https://h/a", **FILE}),
    (
        eim.Image("bob", "https://h/a", width=8, height=9, is_gif=True, **FILE),
        {"type": "img", "url": "https://h/a", "width": 8, "height": 9, "isGif": True, **FILE},
    ),
    (
        eim.Voice("bob", "https://h/a", length=3, **FILE),
        {"type": "audio", "url": "https://h/a", "length": 3, **FILE},
    ),
    (
        eim.Video("bob", "https://h/a", length=3, thumb="https://h/t", thumb_secret="t", **FILE),
        {
            "type": "video",
            "url": "https://h/a",
            "length": 3,
            "thumb": "https://h/t",
            "thumb_secret": "t",
            **FILE,
        },
    ),
    (
        eim.Combine(
            "bob", "https://h/a", title="t", summary="u", compatible_text="v", level=2, **FILE
        ),
        {
            "type": "combine",
            "url": "https://h/a",
            "title": "t",
            "summary": "u",
            "compatibleText": "v",
            "combineLevel": 2,
            **FILE,
        },
    ),
]


@pytest.fixture
def pair(box: eim.Sandbox) -> Iterator[tuple[eim.Client, eim.Client]]:
    with eim.Client(**box.options(**FAST)) as alice, eim.Client(**box.options(**FAST)) as bob:
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")
        yield alice, bob


def test_every_kind_arrives_as_it_was_sent(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    kinds = set()
    for message, body in KINDS:
        sent = alice.send(message)
        got = next(bob.messages())
        assert (got.id, got.body) == (sent.message_id, body)
        assert got.data.items() >= {"id": got.id, "from": "alice", "to": "bob"}.items()
        assert got.ext == (message.ext or {})
        kinds.add(got.kind)
    assert kinds == set(eim.MessageKind) - {eim.MessageKind.UNKNOWN}


@pytest.mark.parametrize(
    ("message", "kind", "says"),
    [
        (lambda: eim.Location("bob", 91, 0), eim.ArgumentError, "lat"),
        (lambda: eim.File("bob", ""), eim.ArgumentError, "url is empty"),
        (lambda: eim.Voice("bob", "u", length=-1), eim.ArgumentError, "length"),
        (lambda: eim.Command("bob", _any(5)), TypeError, "action must be str, not int"),
        (lambda: eim.Command("bob", "a\0b"), ValueError, "null character"),
        (lambda: eim.Custom("bob", "e", values=_any([1])), TypeError, "values must be a mapping"),
        (
            lambda: eim.Text("g", "x", chat_type=eim.ChatType.GROUP, receivers="bob"),
            TypeError,
            "several str",
        ),
        (lambda: eim.Outgoing("bob"), TypeError, "of no kind"),
        (lambda: "hi", TypeError, "not str"),
    ],
)
def test_what_is_wrong_with_a_message_is_said_at_once(
    box: eim.Sandbox, message: Any, kind: type[Exception], says: str
) -> None:
    with eim.Client(**box.options()) as client, pytest.raises(kind, match=says):
        client.send_nowait(message())


def test_receipts_recall_and_edit(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    told = Recorder(alice)
    heard = Recorder(bob)
    sent = alice.send(eim.Text("bob", "plans"))
    message = heard.wait("message")
    bob.mark_read(message)
    bob.mark_channel_read("alice")
    wait_until(lambda: told.of("receipt") and told.of("receipt")[-1].kind.name == "CHANNEL")
    read = next(r for r in told.of("receipt") if r.kind is eim.ReceiptKind.READ)
    assert (read.message_id, read.from_, read.data) == (sent.message_id, "bob", {})
    alice.recall(sent.message_id, to="bob", ext="oops")
    recalled = heard.wait("receipt")
    assert (recalled.kind, recalled.message_id) == (eim.ReceiptKind.RECALLED, sent.message_id)
    assert recalled.data == {"ext": "oops"}
    with pytest.raises(eim.EimError, match="permission"):
        bob.recall(sent.message_id, to="alice")
    with pytest.raises(eim.EimError, match="not enabled"):  # an app that has not bought it
        alice.edit(sent.message_id, eim.Text("bob", "other plans"))
    with pytest.raises(TypeError, match=r"eim\.Message is needed"):
        bob.mark_read("1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"eim\.Text"):
        alice.edit(sent.message_id, message)


def test_rooms(box: eim.Sandbox, pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    box.admin("/groups", {"id": "r1", "room": True, "members": ["alice"]})
    bob.join_room("r1", "hello all")
    room: dict[str, Any] = {"chat_type": eim.ChatType.ROOM, "priority": "high"}
    bob.send(eim.Text("r1", "high", **room))
    got = next(alice.messages())
    assert (got.chat_type, got.to, got.body["priority"]) == (eim.ChatType.ROOM, "r1", "high")
    assert alice.send(got.reply("low")).message_id
    bob.leave_room("r1")
    with pytest.raises(eim.EimError):
        bob.send(eim.Text("r1", "x", **room))
    with pytest.raises(eim.EimError):
        bob.join_room("nowhere")


def test_a_reply_stays_in_its_thread(box: eim.Sandbox, pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    box.admin("/groups", {"id": "g1", "members": ["alice", "bob"]})
    group: dict[str, Any] = {"chat_type": eim.ChatType.GROUP}
    topic = alice.send(eim.Text("g1", "topic", **group))
    heard = next(bob.messages())
    assert heard.reply("x").is_thread is None
    made = {"group_id": "g1", "name": "T", "msg_id": topic.message_id, "owner": "alice"}
    thread = alice.request("POST", "/thread", json=made).body["data"]["thread_id"]
    bob.request("POST", f"/thread/{thread}/user/bob/join")
    alice.send(eim.Text(thread, "inside", is_thread=True, **group))
    heard = next(bob.messages())
    assert heard.body["meta"]["thread"]["muc_parent_id"] == "g1"
    reply = heard.reply("me too")
    assert (reply.to, reply.is_thread) == (thread, True)
    bob.send(reply)
    assert next(alice.messages()).text == "me too"


def test_rest_calls(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, _ = pair
    answer = alice.request("GET", "/users/alice", query={"a b": "c&d"})
    assert answer.status == 200
    assert answer.body["entities"][0]["username"] == "alice"
    with pytest.raises(eim.EimError) as refused:
        alice.request("POST", "/no/such/call", json={"a": [1]})
    assert refused.value.detail["httpStatus"] == 404
    with pytest.raises(eim.ArgumentError):
        alice.request("GET", "no slash")


def test_a_file_goes_up_and_comes_down(
    box: eim.Sandbox, tmp_path: pathlib.Path, run: Callable[[Main], None]
) -> None:
    content = bytes(range(256)) * 1000
    source, target = tmp_path / "a.bin", tmp_path / "b.bin"
    source.write_bytes(content)
    with eim.Client(**box.options(**FAST)) as alice:
        alice.open(user="alice", password="secret")
        seen = Recorder(alice)
        up = alice.upload(source, filename="nice.bin")
        assert (up.filename, up.file_length) == ("nice.bin", len(content))
        assert up.secret
        assert seen.wait("progress").total is not None
        assert alice.download(up.url, target, secret=up.secret) == len(content)
        assert target.read_bytes() == content
        with pytest.raises(eim.EimError) as large:
            alice.download(up.url, target, secret=up.secret, max_bytes=10)
        assert large.value.code == 405
        with pytest.raises(eim.AuthError):
            alice.download(up.url, tmp_path / "c.bin", secret="another")
        with pytest.raises(eim.EimError, match="No such file"):
            alice.upload(tmp_path / "nowhere")

    async def awaited() -> None:
        async with aio.Client(**box.options(**FAST)) as bob:
            await bob.open(user="bob", password="secret")
            target.unlink()
            got = await bob.download(up.url, target, secret=up.secret)
            assert got == len(content) == len(target.read_bytes())
            assert (await bob.upload(str(source))).file_length == len(content)

    run(awaited)


def test_a_message_brings_its_file(
    pair: tuple[eim.Client, eim.Client], tmp_path: pathlib.Path
) -> None:
    alice, bob = pair
    source, target = tmp_path / "näme.png", tmp_path / "got.png"
    source.write_bytes(b"not really a picture" * 1000)
    sent = alice.send(eim.Image("bob", path=source, width=8, height=9, ext={"n": 1}))
    got = next(bob.messages())
    assert (got.id, got.type, got.ext) == (sent.message_id, "img", {"n": 1})
    assert (got.body["filename"], got.body["file_length"]) == ("näme.png", 20000)
    assert bob.download(got.body["url"], target, secret=got.body["secret"]) == 20000
    assert target.read_bytes() == source.read_bytes()
    with pytest.raises(eim.EimError, match="No such file"):
        alice.send(eim.File("bob", path=tmp_path / "nowhere"))
    with pytest.raises(eim.EimError, match="url is missing"):
        alice.send(eim.File("bob"))


def test_awaited(box: eim.Sandbox, run: Callable[[Main], None]) -> None:
    async def main() -> None:
        async with online(box, "alice") as alice, online(box, "bob") as bob:
            read = asyncio.Event()

            @alice.on("receipt")
            def told(receipt: eim.Receipt) -> None:
                if receipt.kind is eim.ReceiptKind.READ:
                    read.set()

            sent = await alice.send(eim.Image("bob", "https://h/a"))
            message = await anext(bob.messages())
            assert message.kind is eim.MessageKind.IMAGE
            await bob.mark_read(message)
            await read.wait()
            await bob.mark_channel_read("alice")
            await alice.recall(sent.message_id, to="bob")
            with pytest.raises(eim.EimError, match="not enabled"):
                await alice.edit(sent.message_id, eim.Text("bob", "other"))
            box.admin("/groups", {"id": "r1", "room": True, "members": ["alice"]})
            await bob.join_room("r1")
            await bob.leave_room("r1")
            assert (await bob.request("GET", "/users/bob")).status == 200

    run(main)
