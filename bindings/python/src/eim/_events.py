"""What handlers are given: read-only views of the core's immutable, counted payloads."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _core, _errors

if TYPE_CHECKING:
    from ._outgoing import Text


class State(enum.IntEnum):
    """State of a session (docs/session.md)."""

    OFFLINE = _core.EIM_STATE_OFFLINE
    RESOLVING = _core.EIM_STATE_RESOLVING
    AUTHENTICATING = _core.EIM_STATE_AUTHENTICATING
    CONNECTING = _core.EIM_STATE_CONNECTING
    PROVISIONING = _core.EIM_STATE_PROVISIONING
    ONLINE = _core.EIM_STATE_ONLINE
    WAITING = _core.EIM_STATE_WAITING
    CLOSED = _core.EIM_STATE_CLOSED


class ChatType(enum.IntEnum):
    """Kind of a conversation."""

    SINGLE = _core.EIM_CHAT_SINGLE
    GROUP = _core.EIM_CHAT_GROUP
    ROOM = _core.EIM_CHAT_ROOM


class MessageKind(enum.IntEnum):
    """Kind of a message."""

    UNKNOWN = _core.EIM_MESSAGE_UNKNOWN
    TEXT = _core.EIM_MESSAGE_TEXT
    IMAGE = _core.EIM_MESSAGE_IMAGE
    VIDEO = _core.EIM_MESSAGE_VIDEO
    LOCATION = _core.EIM_MESSAGE_LOCATION
    VOICE = _core.EIM_MESSAGE_VOICE
    FILE = _core.EIM_MESSAGE_FILE
    COMMAND = _core.EIM_MESSAGE_COMMAND
    CUSTOM = _core.EIM_MESSAGE_CUSTOM
    COMBINE = _core.EIM_MESSAGE_COMBINE


class ReceiptKind(enum.IntEnum):
    """What a receipt says about a message."""

    SENT = _core.EIM_RECEIPT_SENT
    DELIVERED = _core.EIM_RECEIPT_DELIVERED
    READ = _core.EIM_RECEIPT_READ
    CHANNEL = _core.EIM_RECEIPT_CHANNEL
    RECALLED = _core.EIM_RECEIPT_RECALLED


class TokenReason(enum.IntEnum):
    """Why a token is wanted, or told about."""

    WILL_EXPIRE = _core.EIM_TOKEN_WILL_EXPIRE
    EXPIRED = _core.EIM_TOKEN_EXPIRED
    REFUSED = _core.EIM_TOKEN_REFUSED


def _datetime(ms: int) -> datetime.datetime | None:
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC) if ms else None


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


def _short(text: str, limit: int = 40) -> str:
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


class _View:
    """Base of the views: holds its own reference to the payload."""

    __slots__ = ("_p",)

    def __init__(self, payload: Any) -> None:
        self._p = payload


class Message(_View):
    """A message that arrived. Immutable; may be kept as long as you like."""

    __slots__ = ()
    _p: _core.eim_message

    @classmethod
    def from_history(cls, msg: str) -> Message:
        """One of the service's history: ``msg`` of an entry of ``msgs`` in the answer to
        ``POST /users/{u}/messageroaming`` (docs/rest-recipes.md)."""
        return cls(_core.eim_message_from_history(msg))

    @property
    def id(self) -> str:
        """The id the server gave: decimal digits, 64 bits."""
        return self._p.id()

    @property
    def kind(self) -> MessageKind:
        """Kind of the message."""
        return MessageKind(self._p.get_kind())

    @property
    def type(self) -> str:
        """The kind as the official SDKs call it: ``"txt"``, ``"img"``, ``"cmd"`` …"""
        return self._p.type()

    @property
    def chat_type(self) -> ChatType:
        """Single chat, group or room."""
        return ChatType(self._p.get_chat_type())

    @property
    def from_(self) -> str:
        """Sender's user id."""
        return self._p.from_()

    @property
    def to(self) -> str:
        """Receiving user, group or room id."""
        return self._p.to()

    @property
    def from_resource(self) -> str:
        """Device of the sender, ``""`` when not told."""
        return self._p.from_resource()

    @property
    def time(self) -> int:
        """Server time in ms since 1970."""
        return self._p.time()

    @property
    def sent_at(self) -> datetime.datetime | None:
        """Server time as an aware :class:`datetime.datetime` in UTC."""
        return _datetime(self._p.time())

    @property
    def text(self) -> str | None:
        """Text of a text message, ``None`` for any other kind."""
        return self._p.text()

    @property
    def ext(self) -> dict[str, Any]:
        """Extra values. A new dict at each access."""
        return _object(self._p.ext())

    @property
    def body(self) -> dict[str, Any]:
        """The whole body, for every kind; names are those of the official SDKs."""
        return _object(self._p.body())

    @property
    def data(self) -> dict[str, Any]:
        """All of it as one flat object (docs/messages.md). A new dict at each access."""
        return _object(self._p.to_json())

    def reply(self, text: str, ext: Mapping[str, Any] | None = None) -> Text:
        """A text for the conversation this came from: ``client.send(message.reply("hi"))``."""
        from ._outgoing import Text  # it needs this module

        to = self.from_ if self.chat_type is ChatType.SINGLE else self.to
        # What the server says of a message in a thread of a group.
        in_thread = self.chat_type is ChatType.GROUP and "thread" in (self.body.get("meta") or {})
        return Text(
            to=to, text=text, ext=ext, chat_type=self.chat_type, is_thread=in_thread or None
        )

    def __repr__(self) -> str:
        text = self.text
        shown = "" if text is None else f" {_short(text)}"
        return f"<eim.Message {self.id} {self.type} {self.from_} -> {self.to}{shown}>"


class StateChange(_View):
    """One move of the session."""

    __slots__ = ()
    _p: _core.eim_state_change

    @property
    def state(self) -> State:
        """The state it is in now."""
        return State(self._p.state())

    @property
    def previous(self) -> State:
        """The state it was in."""
        return State(self._p.previous())

    @property
    def cause(self) -> _errors.EimError | None:
        """Why; ``None`` for an ordinary step and for a close() that was asked for."""
        cause = self._p.cause()
        return None if cause is None else _errors.from_core(cause)

    @property
    def attempt(self) -> int:
        """Number of the attempt, from 1; 0: none."""
        return self._p.attempt()

    @property
    def next_retry_ms(self) -> int:
        """Time until the next attempt; 0 when none is planned."""
        return self._p.next_retry_ms()

    @property
    def will_retry(self) -> bool:
        """The session will try to restore itself."""
        return self._p.will_retry()

    @property
    def user(self) -> str:
        """User of the session."""
        return self._p.user()

    @property
    def resource(self) -> str:
        """Device resource the server assigned, ``""`` before the first login."""
        return self._p.resource()

    def __repr__(self) -> str:
        cause = self.cause
        why = "" if cause is None else f", {cause.code} {cause.name}"
        return f"<eim.StateChange {self.previous.name} -> {self.state.name}{why}>"


class TokenEvent(_View):
    """Facts about the access token."""

    __slots__ = ()
    _p: _core.eim_token_event

    @property
    def reason(self) -> TokenReason:
        """What is the matter with it."""
        return TokenReason(self._p.reason())

    @property
    def expires_at(self) -> int:
        """End of its life, server time in ms since 1970; 0: unknown."""
        return self._p.expires_at()

    @property
    def remaining_ms(self) -> int:
        """Life left when the event was made; 0 when over or unknown."""
        return self._p.remaining_ms()

    @property
    def deadline_ms(self) -> int:
        """For ``token_request``: time to answer; 0 otherwise."""
        return self._p.deadline_ms()

    def __repr__(self) -> str:
        return f"<eim.TokenEvent {self.reason.name}, {self.remaining_ms} ms left>"


class Receipt(_View):
    """The server, or the other side, has a message."""

    __slots__ = ()
    _p: _core.eim_receipt

    @property
    def kind(self) -> ReceiptKind:
        """What happened to the message."""
        return ReceiptKind(self._p.get_kind())

    @property
    def message_id(self) -> str:
        """Id the server gave to the message, ``""`` for a conversation."""
        return self._p.message_id()

    @property
    def local_id(self) -> str:
        """Id under which it was sent from here, ``""`` unless kind is SENT."""
        return self._p.local_id()

    @property
    def from_(self) -> str:
        """Who says so."""
        return self._p.from_()

    @property
    def to(self) -> str:
        """To whom."""
        return self._p.to()

    @property
    def chat_type(self) -> ChatType:
        """Single chat, group or room."""
        return ChatType(self._p.get_chat_type())

    @property
    def time(self) -> int:
        """Server time in ms since 1970."""
        return self._p.time()

    @property
    def data(self) -> dict[str, Any]:
        """What came with it: ``ext`` of a recall, ``ackContent`` of a group's read receipt,
        ``groupReadCount``."""
        return _object(self._p.json())

    def __repr__(self) -> str:
        return f"<eim.Receipt {self.kind.name} {self.message_id} {self.from_} -> {self.to}>"


class Notice(_View):
    """Everything rarer than a message: contacts, groups, rooms, presence, other devices …"""

    __slots__ = ()
    _p: _core.eim_notice

    @property
    def name(self) -> str:
        """For example ``"contact"``, ``"group"``, ``"unknown"`` (docs/notices.md)."""
        return self._p.name()

    @property
    def data(self) -> dict[str, Any]:
        """The notice itself, faithful to the wire. A new dict at each access."""
        return _object(self._p.json())

    def __repr__(self) -> str:
        return f"<eim.Notice {self.name}>"


class Progress(_View):
    """Progress of a transfer."""

    __slots__ = ()
    _p: _core.eim_progress

    @property
    def done(self) -> int:
        """Bytes so far."""
        return self._p.done()

    @property
    def total(self) -> int | None:
        """Bytes in all, ``None`` when unknown."""
        total = self._p.total()
        return None if total < 0 else total

    def __repr__(self) -> str:
        return f"<eim.Progress {self.done}/{'?' if self.total is None else self.total}>"


@dataclasses.dataclass(frozen=True)
class SendResult:
    """The server took the message."""

    message_id: str
    """The server's id of the message, decimal digits."""
    local_id: str
    """The id under which it went out, decimal digits."""
    time: int
    """Server time in ms since 1970."""


@dataclasses.dataclass(frozen=True)
class Response:
    """The answer of a REST call."""

    status: int
    """HTTP status, 200 to 299."""
    body: Any
    """The JSON of the answer; ``None`` when it was empty."""


@dataclasses.dataclass(frozen=True)
class Uploaded:
    """A file that the service has now: ``eim.File(to, up.url, secret=up.secret, …)``."""

    url: str
    """Where it is."""
    secret: str
    """What the service asks for before it hands the file out."""
    filename: str
    """Its name, for people."""
    file_length: int
    """Bytes."""


def _error(payload: Any) -> _errors.EimError:
    return _errors.from_core(payload)


# Every event of a handler set, and what its handlers get. `result` is not here: requests are
# futures.
VIEWS: dict[str, Any] = {
    "state": StateChange,
    "connected": StateChange,
    "disconnected": StateChange,
    "reconnecting": StateChange,
    "token_will_expire": TokenEvent,
    "token_expired": TokenEvent,
    "token_request": TokenEvent,
    "error": _error,
    "message": Message,
    "receipt": Receipt,
    "notice": Notice,
    "progress": Progress,
}
