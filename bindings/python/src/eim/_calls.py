"""The calls that both clients have: what each takes, what it asks of the core, what comes back.

Each is defined once here, with its documentation. The blocking client makes two methods of it (one
waits, one ends in ``_nowait``), the asyncio client one that is awaited; :func:`method` gives them
the signature and the words.
"""

from __future__ import annotations

import dataclasses
import inspect
import json as _json
import os
import types
import typing
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from . import _core, _events, _outgoing

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Call(Generic[T]):
    """A request that can be started."""

    start: Callable[[int], object]
    convert: Callable[[_core.eim_result], T]


def method(
    function: F,
    call: Callable[..., object],
    *,
    name: str | None = None,
    doc: str | None = None,
    returns: Any = None,
) -> F:
    """Dress ``function`` as what ``call`` describes: for help(), inspect and typing.

    ``returns``: the generic type around the answer, none: the answer itself.
    """
    made: Any = function
    hints = typing.get_type_hints(call)
    core, *rest = inspect.signature(call).parameters.values()
    answer = typing.get_args(hints.pop("return"))[0]
    if answer is types.NoneType:
        answer = None
    if returns is not None:
        answer = returns[answer]
    del hints[core.name]
    parameters = [p.replace(annotation=hints[p.name]) for p in rest]
    made.__name__ = name or call.__name__
    made.__qualname__ = f"Client.{made.__name__}"
    made.__doc__ = doc or call.__doc__
    made.__annotations__ = hints | {"return": answer}
    made.__signature__ = inspect.Signature(
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY), *parameters],
        return_annotation=answer,
    )
    return function


# -- the calls


def register_user(
    core: _core.eim_client, username: str, password: str, nickname: str | None = None
) -> Call[None]:
    """Create a user. Works only for apps in open registration; needs no login."""
    return Call(lambda token: core.register_user(username, password, nickname, token), to_none)


def renew_token(core: _core.eim_client, access_token: str) -> Call[None]:
    """Replace the access token of the session; also the answer to ``token_request``."""
    return Call(lambda token: core.renew_token(access_token, token), to_none)


def health(core: _core.eim_client) -> Call[dict[str, Any]]:
    """A snapshot: state, last cause, counters, queue depths, token expiry (docs/session.md)."""
    return Call(core.health, to_object)


def send(core: _core.eim_client, message: _outgoing.Outgoing) -> Call[_events.SendResult]:
    """Send a message; it is over when the server has it. What is sent at once, by several threads
    or tasks, goes out in the order of the calls."""
    built = build_message(message)
    return Call(lambda token: core.send(built, token), to_send_result)


def mark_read(
    core: _core.eim_client, message: _events.Message, content: str | None = None
) -> Call[None]:
    """Tell the sender that a message was read (their ``receipt`` of kind READ). For a group's
    message ``content`` goes along."""
    handle = received(message)
    return Call(lambda token: core.send_read(handle, content, token), to_none)


def mark_channel_read(
    core: _core.eim_client, to: str, chat_type: _events.ChatType = _events.ChatType.SINGLE
) -> Call[None]:
    """Tell that the whole conversation with a user or group was read."""
    return Call(lambda token: core.send_channel_read(int(chat_type), to, token), to_none)


def recall(
    core: _core.eim_client,
    message_id: str,
    *,
    to: str,
    chat_type: _events.ChatType = _events.ChatType.SINGLE,
    ext: str | None = None,
) -> Call[None]:
    """Withdraw a message that was sent; ``ext`` is text for those who received it."""
    return Call(lambda token: core.recall(int(chat_type), to, message_id, ext, token), to_none)


def edit(
    core: _core.eim_client, message_id: str, message: _outgoing.Outgoing
) -> Call[dict[str, Any]]:
    """Replace a message that was sent by ``message``. What the server says of it."""
    built = build_message(message)
    return Call(lambda token: core.edit(message_id, built, token), to_object)


def join_room(
    core: _core.eim_client, room_id: str, ext: str | None = None, *, leave_others: bool = False
) -> Call[dict[str, Any]]:
    """Enter a chat room; ``ext`` is text for its members, ``leave_others`` leaves all other rooms.
    What the server says of the room."""
    return Call(lambda token: core.join_room(room_id, ext, leave_others, token), to_object)


def leave_room(core: _core.eim_client, room_id: str) -> Call[None]:
    """Leave a chat room."""
    return Call(lambda token: core.leave_room(room_id, token), to_none)


def request(
    core: _core.eim_client,
    method: str,
    path: str,
    *,
    query: Mapping[str, object] | str | None = None,
    json: Any = None,
) -> Call[_events.Response]:
    """A REST call below ``/org/app`` with the session's token (eim/rest.h, docs/rest.md)::

        client.request("GET", "/users/bob").body

    An answer other than 2xx is an :class:`eim.EimError`; its ``detail`` has ``httpStatus``.
    """
    body, words = body_text(json), query_text(query)
    return Call(lambda token: core.request(method, path, words, body, token), to_response)


def upload(
    core: _core.eim_client,
    path: str | os.PathLike[str],
    *,
    filename: str | None = None,
    thumbnail: tuple[int, int] = (0, 0),
) -> Call[_events.Uploaded]:
    """Upload a file of this machine, streamed from the disk; ``progress`` events say how far it is.
    ``thumbnail``: size in pixels of the small picture the service makes of an image."""
    name = os.fspath(path)
    width, height = thumbnail
    return Call(lambda token: core.upload(name, filename, width, height, token), to_uploaded)


def download(
    core: _core.eim_client,
    url: str,
    path: str | os.PathLike[str],
    *,
    secret: str | None = None,
    max_bytes: int = 0,
    thumbnail: bool = False,
) -> Call[int]:
    """Receive a file, for example ``message.body["url"]``, into ``path``, which is replaced when
    all of it is there; a download that ended early is resumed. Returns its length. More than
    ``max_bytes`` (0: any) is refused; ``thumbnail``: the small picture instead."""
    name = os.fspath(path)
    return Call(
        lambda token: core.download(url, secret, name, max_bytes, thumbnail, token), to_length
    )


def download_bytes(
    core: _core.eim_client,
    url: str,
    *,
    secret: str | None = None,
    max_bytes: int = 0,
    thumbnail: bool = False,
) -> Call[bytes]:
    """Receive a file into memory: more than ``max_bytes`` (0: 16 MiB) is refused. For larger ones
    there is :meth:`download`, which also goes on where a lost connection ended."""
    return Call(
        lambda token: core.download(url, secret, None, max_bytes, thumbnail, token), to_bytes
    )


def download_combined(
    core: _core.eim_client, message: _events.Message
) -> Call[list[_events.Message]]:
    """The messages in a combined (forwarded) message, as whoever combined them tells them. Combined
    ones among them are unfolded by another call."""
    handle = received(message)
    return Call(lambda token: core.download_combined(handle, token), to_messages)


# -- what goes in


def build_message(message: object) -> _core.eim_message:
    """The core's form of something that can be sent."""
    if not isinstance(message, _outgoing.Outgoing):
        raise TypeError(f"an eim.Text, eim.Image, … is needed, not {type(message).__name__}")
    return message._build()


def received(message: object) -> _core.eim_message:
    """The core's form of a message that arrived."""
    if not isinstance(message, _events.Message):
        raise TypeError(f"an eim.Message is needed, not {type(message).__name__}")
    return message._p


def query_text(query: Mapping[str, object] | str | None) -> str | None:
    """``a=1&b=2``"""
    if query is None or isinstance(query, str):
        return query
    return urllib.parse.urlencode(query, quote_via=urllib.parse.quote)


def body_text(body: Any) -> str | None:
    """The JSON of a call's body."""
    return None if body is None else _json.dumps(body, ensure_ascii=False, allow_nan=False)


# -- what comes out


def to_none(result: _core.eim_result) -> None:
    """For requests that answer nothing."""


def to_object(result: _core.eim_result) -> dict[str, Any]:
    """For requests that answer JSON."""
    value = _json.loads(result.json())
    return value if isinstance(value, dict) else {}


def to_uploaded(result: _core.eim_result) -> _events.Uploaded:
    """For uploads."""
    value = _json.loads(result.json())
    return _events.Uploaded(value["url"], value["secret"], value["filename"], value["file_length"])


def to_length(result: _core.eim_result) -> int:
    """For downloads."""
    return int(_json.loads(result.json())["file_length"])


def to_bytes(result: _core.eim_result) -> bytes:
    """For downloads into memory."""
    return result.bytes()


def to_messages(result: _core.eim_result) -> list[_events.Message]:
    """For combined messages."""
    return [_events.Message(result.message(i)) for i in range(result.message_count())]


def to_response(result: _core.eim_result) -> _events.Response:
    """For REST calls."""
    value = _json.loads(result.json())
    return _events.Response(value["status"], value["body"])


def to_send_result(result: _core.eim_result) -> _events.SendResult:
    """For sends."""
    return _events.SendResult(result.message_id(), result.local_id(), result.time())
