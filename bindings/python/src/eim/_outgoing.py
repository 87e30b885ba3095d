"""Messages to send: one class for each kind. The core checks what is in them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from . import _core
from ._events import ChatType, Message

_CHAT_NAMES = {
    ChatType.SINGLE: "singleChat",
    ChatType.GROUP: "groupChat",
    ChatType.ROOM: "chatRoom",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outgoing:
    """What every message to send has. Make one of :class:`Text`, :class:`Image`, :class:`Voice`,
    :class:`Video`, :class:`File`, :class:`Location`, :class:`Command`, :class:`Custom`,
    :class:`Combine`.

    :param to: user, group or room id; ``"user/resource"``: one device of a user.
    :param ext: extra values: anything that :mod:`json` takes. Integers arrive exactly.
    :param chat_type: who ``to`` is.
    :param online_only: for who is online now; nobody else gets it later.
    :param priority: of a room's message: ``"high"``, ``"normal"``, ``"low"``.
    :param receivers: only these members of the group or room, at most 20.
    :param allow_group_ack: of a group's message: ask its readers for a read receipt.
    :param is_thread: of a group's message: ``to`` is a thread.
    """

    to: str = dataclasses.field(kw_only=False)
    ext: Mapping[str, Any] | None = None
    chat_type: ChatType = ChatType.SINGLE
    online_only: bool | None = None
    priority: str | None = None
    receivers: Iterable[str] | None = None
    allow_group_ack: bool | None = None
    is_thread: bool | None = None

    _TYPE: ClassVar[str] = ""
    # How a field is called on the wire, where that is another name than here.
    _NAMES: ClassVar[Mapping[str, str]] = {}

    def _build(self) -> _core.eim_message:
        view = json.dumps(self._view(), ensure_ascii=False, allow_nan=False)
        return _core.eim_message_from_json(view)

    def _view(self) -> dict[str, Any]:
        if not self._TYPE:
            raise TypeError("Outgoing is of no kind: send an eim.Text, an eim.Image, …")
        out: dict[str, Any] = {
            "type": self._TYPE,
            "chatType": _CHAT_NAMES[ChatType(self.chat_type)],
        }
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            wanted = str(field.type).removesuffix(" | None")
            if value is None and wanted != field.type:
                continue
            if wanted == "str":
                _check_text(field.name, value)
            elif wanted.startswith("Mapping"):
                if not isinstance(value, Mapping):
                    raise TypeError(f"{field.name} must be a mapping, not {type(value).__name__}")
                value = dict(value)
            elif field.name == "receivers":
                if value is None or isinstance(value, str):
                    raise TypeError("receivers must be several str, not one")
                value = list(value)
            elif field.name == "messages" and value is not None:
                value = [_view_of(message) for message in value]
            elif field.name == "path" and value is not None:
                value = os.fspath(value)
            if field.name == "allow_group_ack":
                out["msgConfig"] = {"allowGroupAck": value}
            elif field.name != "chat_type":
                out[self._NAMES.get(field.name) or _COMMON.get(field.name, field.name)] = value
        return out


_COMMON = {
    "online_only": "deliverOnlineOnly",
    "receivers": "receiverList",
    "is_thread": "isChatThread",
}


def _view_of(message: object) -> dict[str, Any]:
    if isinstance(message, Outgoing):
        return message._view()
    if isinstance(message, Message):
        return message.data
    raise TypeError(f"messages are eim.Message or eim.Text, …, not {type(message).__name__}")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str, not {type(value).__name__}")
    if "\0" in value:
        raise ValueError(f"{name}: embedded null character")


@dataclasses.dataclass(frozen=True)
class Text(Outgoing):
    """A text message.

    :param text: not empty.
    """

    text: str
    _TYPE = "txt"
    _NAMES: ClassVar[Mapping[str, str]] = {"text": "msg"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Attachment(Outgoing):
    url: str | None = dataclasses.field(default=None, kw_only=False)
    path: str | os.PathLike[str] | None = None
    secret: str | None = None
    filename: str | None = None
    file_length: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class File(_Attachment):
    """A file: of this machine (``path``: it is uploaded with the message), or at ``url`` already.

    :param secret: what the service asks for before it hands the file out.
    :param filename: its name, for people.
    :param file_length: bytes.
    """

    _TYPE = "file"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Image(_Attachment):
    """A picture; as :class:`File`, and its size in pixels."""

    width: float | None = None
    height: float | None = None
    is_gif: bool | None = None
    _TYPE = "img"
    _NAMES: ClassVar[Mapping[str, str]] = {"is_gif": "isGif"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Voice(_Attachment):
    """A recording; as :class:`File`, and its length in seconds."""

    length: int | None = None
    _TYPE = "audio"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Video(_Attachment):
    """A film; as :class:`File`, its length in seconds, and a picture of it."""

    length: int | None = None
    thumb: str | None = None
    thumb_secret: str | None = None
    _TYPE = "video"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Location(Outgoing):
    """A place on Earth, in degrees."""

    lat: float = dataclasses.field(kw_only=False)
    lng: float = dataclasses.field(kw_only=False)
    address: str | None = None
    building: str | None = None
    _TYPE = "loc"
    _NAMES: ClassVar[Mapping[str, str]] = {"address": "addr", "building": "buildingName"}


@dataclasses.dataclass(frozen=True)
class Command(Outgoing):
    """A word to the application on the other side, not shown to people."""

    action: str
    _TYPE = "cmd"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Custom(Outgoing):
    """A kind of one's own: its name and values."""

    event: str = dataclasses.field(kw_only=False)
    values: Mapping[str, Any] | None = None
    _TYPE = "custom"
    _NAMES: ClassVar[Mapping[str, str]] = {"event": "customEvent", "values": "customExts"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Combine(Outgoing):
    """Several messages forwarded as one.

    :param messages: what is forwarded, 1 to 300: messages that arrived, or new ones. They are
        uploaded as a file with the message.
    :param url: the file that has them, if it was uploaded before; ``secret``, ``filename`` and
        ``file_length`` as of :class:`File`, ``level``: how deep combined messages are in it.
    :param title: for people, as ``summary``, the first few lines of it.
    :param compatible_text: what is shown by programs that know no combined messages.
    """

    url: str | None = dataclasses.field(default=None, kw_only=False)
    messages: Iterable[Message | Outgoing] | None = None
    secret: str | None = None
    filename: str | None = None
    file_length: int | None = None
    title: str | None = None
    summary: str | None = None
    compatible_text: str | None = None
    level: int | None = None
    _TYPE = "combine"
    _NAMES: ClassVar[Mapping[str, str]] = {
        "compatible_text": "compatibleText",
        "level": "combineLevel",
    }
