"""What the blocking and the asyncio client have in common: handlers, inbox, names."""

from __future__ import annotations

import collections
import difflib
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, overload

from . import _calls, _config, _core, _errors, _events, _logging
from ._context import Engine
from ._link import Link, TokenLink

Sessions = Literal["state", "connected", "disconnected", "reconnecting"]
Tokens = Literal["token_will_expire", "token_expired", "token_request"]

R = TypeVar("R")
OnSession = TypeVar("OnSession", bound=Callable[[_events.StateChange], object])
OnToken = TypeVar("OnToken", bound=Callable[[_events.TokenEvent], object])
OnError = TypeVar("OnError", bound=Callable[[_errors.EimError], object])
OnMessage = TypeVar("OnMessage", bound=Callable[[_events.Message], object])
OnReceipt = TypeVar("OnReceipt", bound=Callable[[_events.Receipt], object])
OnNotice = TypeVar("OnNotice", bound=Callable[[_events.Notice], object])
OnProgress = TypeVar("OnProgress", bound=Callable[[_events.Progress], object])

Handler = Callable[[Any], object]
_DECORATED = "on()"  # the handler set of on()
_INBOX_LIMIT = 10_000


def _check_event(event: object) -> str:
    if not isinstance(event, str):
        raise TypeError(f"an event is named by a str, not {type(event).__name__}")
    if event in _events.VIEWS:
        return event
    plain = _config.snake_case(event).removeprefix("on_")
    near = difflib.get_close_matches(plain, _events.VIEWS, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown event {event!r}{hint}")


def _check_handler(event: str, handler: object) -> Handler:
    if not callable(handler):
        raise TypeError(f"the handler of {event!r} must be callable")
    return handler


class ClientBase:
    """Base of :class:`eim.Client` and :class:`eim.aio.Client`. Not made directly."""

    def __init__(self, engine: Engine, app_key: str, options: Mapping[str, Any]) -> None:
        if not isinstance(app_key, str):
            raise TypeError(f"app_key must be str, not {type(app_key).__name__}")
        # The core waits for being told; who tells it depends on who takes the messages (_deliver).
        self._acknowledges = options.get("ack_mode") is None
        if self._acknowledges:
            options = {**options, "ack_mode": "manual"}
        config = _config.build_for_client({"app_key": app_key, **options})
        _logging.sync_level()
        self._app_key = app_key
        self._engine = engine
        self._core = _core.eim_client_new(engine.core, config)
        self._lock = threading.Lock()
        self._sets: dict[str, dict[str, list[Handler]]] = {}
        self._table: dict[str, tuple[Handler, ...]] = {}
        self._provider: Callable[[], Any] | None = None
        self._providing = False
        self._user = ""
        self._resource = ""
        # Messages for messages(), and whether the server waits to hear that they are done.
        self._inbox: collections.deque[tuple[_events.Message, bool]] = collections.deque()
        self._streaming = False
        self._overflowed = False
        self._over = False
        self._over_cause: _errors.EimError | None = None
        self._link = Link(self)
        self._core.add_event_handler("eim.python", self._link)
        engine.clients.add(self)

    # -- facts

    @property
    def app_key(self) -> str:
        """The application, ``org#app``."""
        return self._app_key

    @property
    def state(self) -> _events.State:
        """State just now; the event ``state`` tells it in order."""
        return _events.State(self._core.state())

    @property
    def user(self) -> str:
        """User of the session, ``""`` before the first login."""
        return self._user

    @property
    def resource(self) -> str:
        """Device resource the server assigned, ``""`` before the first login."""
        return self._resource

    def __repr__(self) -> str:
        user = f" {self._user}" if self._user else ""
        return f"<eim.{self._NAME} {self._app_key}{user} {self.state.name}>"

    _NAME = "Client"

    # -- what is told to the core without an answer

    def network_changed(self, up: bool) -> None:
        """The host's network went up (attempt now) or down (wait until up)."""
        self._core.network_changed(up)

    def set_login_ext(self, ext: str | None) -> None:
        """Text shown to the device that the next login pushes out; at most 1024 characters."""
        self._core.set_login_ext(ext)

    def message_done(self, message: _events.Message) -> None:
        """The application is done with a message: the server may forget it. Needed with
        ``ack_mode="manual"``, and after a ``break`` out of ``messages()``; else of no effect."""
        self._core.message_done(_calls.received(message))

    # -- handlers

    @overload
    def on(self, event: Sessions) -> Callable[[OnSession], OnSession]: ...
    @overload
    def on(
        self, event: Sessions, handler: Callable[[_events.StateChange], R]
    ) -> Callable[[_events.StateChange], R]: ...
    @overload
    def on(self, event: Tokens) -> Callable[[OnToken], OnToken]: ...
    @overload
    def on(
        self, event: Tokens, handler: Callable[[_events.TokenEvent], R]
    ) -> Callable[[_events.TokenEvent], R]: ...
    @overload
    def on(self, event: Literal["error"]) -> Callable[[OnError], OnError]: ...
    @overload
    def on(
        self, event: Literal["error"], handler: Callable[[_errors.EimError], R]
    ) -> Callable[[_errors.EimError], R]: ...
    @overload
    def on(self, event: Literal["message"]) -> Callable[[OnMessage], OnMessage]: ...
    @overload
    def on(
        self, event: Literal["message"], handler: Callable[[_events.Message], R]
    ) -> Callable[[_events.Message], R]: ...
    @overload
    def on(self, event: Literal["receipt"]) -> Callable[[OnReceipt], OnReceipt]: ...
    @overload
    def on(
        self, event: Literal["receipt"], handler: Callable[[_events.Receipt], R]
    ) -> Callable[[_events.Receipt], R]: ...
    @overload
    def on(self, event: Literal["notice"]) -> Callable[[OnNotice], OnNotice]: ...
    @overload
    def on(
        self, event: Literal["notice"], handler: Callable[[_events.Notice], R]
    ) -> Callable[[_events.Notice], R]: ...
    @overload
    def on(self, event: Literal["progress"]) -> Callable[[OnProgress], OnProgress]: ...
    @overload
    def on(
        self, event: Literal["progress"], handler: Callable[[_events.Progress], R]
    ) -> Callable[[_events.Progress], R]: ...

    def on(self, event: str, handler: Any = None) -> Any:
        """Call a function for each event of this name; as a decorator or with the function::

            @client.on("message")
            def received(message: eim.Message) -> None: ...

        Events: ``state``, ``connected``, ``disconnected``, ``reconnecting``, ``token_will_expire``,
        ``token_expired``, ``token_request``, ``error``, ``message``, ``receipt``, ``notice``,
        ``progress``. Before :meth:`open` is the normal time.
        """
        name = _check_event(event)

        def add(function: Any) -> Any:
            checked = _check_handler(name, function)
            with self._lock:
                self._sets.setdefault(_DECORATED, {}).setdefault(name, []).append(checked)
                self._rebuild()
            self._update_provider()
            return function

        return add if handler is None else add(handler)

    def add_event_handler(
        self, id: str, handler: object | None = None, /, **callbacks: Handler
    ) -> None:
        """Add, or for a known ``id`` replace, a set of handlers: an object with methods such as
        ``on_message``, and / or keyword arguments of these names::

            client.add_event_handler("app", on_message=received, on_disconnected=ended)
        """
        if not isinstance(id, str) or not id or id == _DECORATED:
            raise ValueError("the id of a handler set is a str that is not empty")
        new: dict[str, list[Handler]] = {}
        for name in _events.VIEWS:
            method = getattr(handler, f"on_{name}", None)
            if method is not None:
                new[name] = [_check_handler(name, method)]
        if handler is not None and not new:
            raise TypeError(
                f"{type(handler).__name__} has no method such as on_message: it handles no event"
            )
        for key, callback in callbacks.items():
            if not key.startswith("on_"):
                raise TypeError(f"unexpected keyword argument {key!r}; did you mean 'on_{key}'?")
            name = _check_event(key.removeprefix("on_"))
            new[name] = [_check_handler(name, callback)]
        if not new:
            raise TypeError("a handler set needs at least one handler")
        with self._lock:
            self._sets[id] = new
            self._rebuild()
        self._update_provider()

    def remove_event_handler(self, id: str) -> None:
        """Remove a set. When this is called outside a handler, one may still be running."""
        with self._lock:
            if id == _DECORATED or self._sets.pop(id, None) is None:
                raise _errors.local(_core.EIM_E_INVALID, f"no handler set has the id {id!r}")
            self._rebuild()
        self._update_provider()

    def _rebuild(self) -> None:
        table: dict[str, tuple[Handler, ...]] = {}
        for one in self._sets.values():
            for name, handlers in one.items():
                table[name] = (*table.get(name, ()), *handlers)
        self._table = table

    def _update_provider(self) -> None:
        with self._lock:
            wanted = self._provider is not None or "token_request" in self._table
            if wanted and not self._providing:
                self._core.add_event_handler("eim.python.token", TokenLink(self))
            elif self._providing and not wanted:
                self._core.remove_event_handler("eim.python.token")
            self._providing = wanted

    # -- events, on the thread that dispatches

    def _deliver(self, name: str, payload: Any) -> None:
        handlers = self._table.get(name, ())
        view: Any = None
        if name == "message":
            view = _events.Message(payload)
            try:
                self._handle(name, handlers, view)
            finally:
                streaming = self._streaming
                if streaming or not handlers:
                    self._arrived(view, streaming)
                if not streaming:
                    self._done(view)
            return
        if name == "state":
            self._user, self._resource = payload.user(), payload.resource()
        elif name == "disconnected":
            view = _events.StateChange(payload)
            self._session_over(view.cause)
        elif name == "token_request" and self._provider is not None:
            self._ask_provider(self._provider)
        if handlers:
            self._handle(name, handlers, view or _events.VIEWS[name](payload))

    def _handle(self, name: str, handlers: tuple[Handler, ...], view: Any) -> None:
        errors: list[Exception] = []
        for handler in handlers:
            try:
                self._call(handler, view)
            except Exception as error:
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise ExceptionGroup(f"handlers of {name!r} failed", errors)

    def _call(self, handler: Handler, view: Any) -> None:
        handler(view)

    def _ask_provider(self, provider: Callable[[], Any]) -> None:
        raise NotImplementedError

    # -- inbox of messages()

    def _arrived(self, message: _events.Message, waits: bool) -> None:
        if not self._streaming and len(self._inbox) >= _INBOX_LIMIT:
            self._inbox.popleft()
            if not self._overflowed:
                self._overflowed = True
                _logging.logger.warning(
                    "nobody takes the messages of %r: neither a handler nor messages(); only the "
                    "last %d are kept",
                    self,
                    _INBOX_LIMIT,
                )
        self._inbox.append((message, waits))
        self._wake(1)

    def _done(self, message: _events.Message) -> None:
        """Nobody needs it any more: the server may forget it."""
        if self._acknowledges:
            try:
                self._core.message_done(message._p)
            except _errors.EimError:  # shut down meanwhile
                pass

    def _session_begins(self) -> None:
        if self.state is _events.State.OFFLINE:
            # What the server still waits for comes again: once is enough.
            kept = [entry for entry in self._inbox if not (entry[1] and self._acknowledges)]
            self._inbox.clear()
            self._inbox.extend(kept)
        self._over, self._over_cause = False, None

    def _session_over(self, cause: _errors.EimError | None) -> None:
        self._over, self._over_cause = True, cause
        self._wake(None)

    def _wake(self, count: int | None) -> None:
        """Whoever waits in messages(): one for a message, all for the end."""
        raise NotImplementedError

    def _ended(self) -> None:
        """The client is shut down."""
        self._link.fail_all()
        self._session_over(self._over_cause if self._over else None)


def check_login(password: object, access_token: object) -> None:
    """Exactly one of the two ways to log in."""
    if (password is None) == (access_token is None):
        raise TypeError("open() needs either password= or access_token=")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"password must be str, not {type(password).__name__}")
    if access_token is not None and not (isinstance(access_token, str) or callable(access_token)):
        raise TypeError(
            f"access_token must be str or a callable, not {type(access_token).__name__}"
        )


def check_token(token: object) -> str:
    """What a token provider returned."""
    if not isinstance(token, str):
        raise TypeError(f"the token provider must return str, not {type(token).__name__}")
    return token


def no_token(core: _core.eim_client, error: Exception) -> None:
    """The token provider failed: tell the session, so that it need not wait."""
    try:  # only the kind of the error: its text may hold a secret
        core.token_unavailable(f"the token provider raised {type(error).__name__}")
    except _errors.EimError:  # shut down meanwhile
        pass


def too_late(error: _errors.EimError) -> bool:
    """A renewal that nobody waits for any more: the session ended meanwhile."""
    return error.code in (_core.EIM_E_CLOSED, _core.EIM_E_CANCELED, _core.EIM_E_STATE, 201)


def check_user(user: object) -> str:
    """A user id, or a TypeError that says so."""
    if not isinstance(user, str):
        raise TypeError(f"user must be str, not {type(user).__name__}")
    return user
