"""The blocking client."""

from __future__ import annotations

import concurrent.futures
import os
import threading
import types
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Self, TypeVar, Unpack

from . import _base, _config, _context, _core, _errors, _events, _outgoing

T = TypeVar("T")


class Request(concurrent.futures.Future[T], Generic[T]):
    """A request under way, as ``…_nowait()`` returns it: a future of :mod:`concurrent.futures`.

    It ends exactly once. :meth:`cancel` asks the library to give the request up: unless it is over
    already, it then ends with an :class:`eim.EimError` of code ``EIM_E_CANCELED``.
    """

    def __init__(self, core: _core.eim_client, convert: Callable[[_core.eim_result], T]) -> None:
        super().__init__()
        self._core = weakref.ref(core)  # C holds open requests: no cycle through it
        self._convert = convert
        self._token = 0

    def cancel(self) -> bool:
        """Ask for it to be given up. False: it is over."""
        core = self._core()
        if self.done() or core is None:
            return False
        try:
            core.cancel(self._token)
        except _errors.EimError:  # shut down meanwhile
            return False
        return True

    def finish(self, result: _core.eim_result) -> None:
        """From the link."""
        error = result.error()
        if error is None:
            self.set_result(self._convert(result))
        else:
            self.set_exception(_errors.from_core(error))

    def fail(self, error: _errors.EimError) -> None:
        """From the link."""
        self.set_exception(error)


class Client(_base.ClientBase):
    """One user: log in, stay logged in, talk. Blocking; every method may be called on any thread.

    ::

        with eim.Client("org#app") as client:
            client.open(user="alice", password="…")
            client.send(eim.Text(to="bob", text="hi"))
            for message in client.messages():
                client.send(message.reply("I heard you"))

    Handlers run on a background thread of the shared :class:`eim.Context` (or wherever the one
    given as ``context`` is driven). In a handler the methods that wait for an answer raise
    ``RuntimeError``, because the answer could not arrive; use their ``…_nowait()`` twins there.

    :param app_key: the application, ``org#app``.
    :param context: a context of one's own.
    :param options: see :class:`eim.Options` and docs/configuration.md: ``api_url="https://…"``,
        ``delivery=True``, ``login_timeout=datetime.timedelta(seconds=5)`` …
    """

    def __init__(
        self,
        app_key: str,
        *,
        context: _context.Context | None = None,
        **options: Unpack[_config.Options],
    ) -> None:
        self._context = _context.default() if context is None else context
        self._arrival = threading.Condition()
        self._in_body = threading.local()  # .message: what the loop body of this thread has
        super().__init__(self._context._engine, app_key, options)

    # -- requests

    def register_user(self, username: str, password: str, nickname: str | None = None) -> None:
        """Create a user. Works only for apps in open registration; needs no login."""
        self._wait(lambda: self.register_user_nowait(username, password, nickname))

    def register_user_nowait(
        self, username: str, password: str, nickname: str | None = None
    ) -> Request[None]:
        """As :meth:`register_user`, without waiting."""
        return self._begin(
            lambda token: self._core.register_user(username, password, nickname, token),
            _base.to_none,
        )

    def open(
        self,
        *,
        user: str,
        password: str | None = None,
        access_token: str | Callable[[], str] | None = None,
    ) -> None:
        """Log in and wait until the session is online.

        ``access_token`` may be a function that gets a token: it is called now, and again on a
        thread of its own whenever the session wants a new one.
        """
        self._wait(
            lambda: self.open_nowait(user=user, password=password, access_token=access_token)
        )

    def open_nowait(
        self,
        *,
        user: str,
        password: str | None = None,
        access_token: str | Callable[[], str] | None = None,
    ) -> Request[None]:
        """As :meth:`open`, without waiting for the server (but for the token function)."""
        _base.check_user(user)
        _base.check_login(password, access_token)
        self._session_begins()
        self._provider = access_token if callable(access_token) else None
        self._update_provider()
        if password is not None:
            secret = password
            return self._begin(
                lambda token: self._core.open_password(user, secret, token), _base.to_none
            )
        given = access_token() if callable(access_token) else access_token
        value = _base.check_token(given)
        return self._begin(lambda token: self._core.open_token(user, value, token), _base.to_none)

    def close(self) -> None:
        """Log out: end the session or the login, stop reconnecting. :meth:`open` may follow."""
        self._wait(self.close_nowait)

    def close_nowait(self) -> Request[None]:
        """As :meth:`close`, without waiting."""
        self._body_done()
        return self._close()

    def _close(self) -> Request[None]:
        request = self._begin(self._core.close, _base.to_none)
        request.add_done_callback(lambda _: self._session_over(self._over_cause))
        return request

    def renew_token(self, access_token: str) -> None:
        """Replace the access token of the session."""
        self._wait(lambda: self.renew_token_nowait(access_token))

    def renew_token_nowait(self, access_token: str) -> Request[None]:
        """As :meth:`renew_token`, without waiting; also the answer to ``token_request``."""
        return self._begin(lambda token: self._core.renew_token(access_token, token), _base.to_none)

    def health(self) -> dict[str, Any]:
        """A snapshot: state, last cause, counters, queue depths, token expiry (docs/session.md)."""
        return self._wait(lambda: self._begin(self._core.health, _base.to_object))

    def send(self, message: _outgoing.Outgoing) -> _events.SendResult:
        """Send a message and wait until the server has it."""
        return self._wait(lambda: self.send_nowait(message))

    def send_nowait(self, message: _outgoing.Outgoing) -> Request[_events.SendResult]:
        """As :meth:`send`, without waiting: for handlers, and to have many under way."""
        built = _base.build_message(message)
        return self._begin(lambda token: self._core.send(built, token), _base.to_send_result)

    def mark_read(self, message: _events.Message, content: str | None = None) -> None:
        """Tell the sender that a message was read (their ``receipt`` of kind READ). For a group's
        message ``content`` goes along."""
        self._wait(lambda: self.mark_read_nowait(message, content))

    def mark_read_nowait(
        self, message: _events.Message, content: str | None = None
    ) -> Request[None]:
        """As :meth:`mark_read`, without waiting."""
        return self._begin(
            lambda token: self._core.send_read(_base.received(message), content, token),
            _base.to_none,
        )

    def mark_channel_read(
        self, to: str, chat_type: _events.ChatType = _events.ChatType.SINGLE
    ) -> None:
        """Tell that the whole conversation with a user or group was read."""
        self._wait(lambda: self.mark_channel_read_nowait(to, chat_type))

    def mark_channel_read_nowait(
        self, to: str, chat_type: _events.ChatType = _events.ChatType.SINGLE
    ) -> Request[None]:
        """As :meth:`mark_channel_read`, without waiting."""
        return self._begin(
            lambda token: self._core.send_channel_read(int(chat_type), to, token), _base.to_none
        )

    def recall(
        self,
        message_id: str,
        *,
        to: str,
        chat_type: _events.ChatType = _events.ChatType.SINGLE,
        ext: str | None = None,
    ) -> None:
        """Withdraw a message that was sent; ``ext`` is text for those who received it."""
        self._wait(lambda: self.recall_nowait(message_id, to=to, chat_type=chat_type, ext=ext))

    def recall_nowait(
        self,
        message_id: str,
        *,
        to: str,
        chat_type: _events.ChatType = _events.ChatType.SINGLE,
        ext: str | None = None,
    ) -> Request[None]:
        """As :meth:`recall`, without waiting."""
        return self._begin(
            lambda token: self._core.recall(int(chat_type), to, message_id, ext, token),
            _base.to_none,
        )

    def edit(self, message_id: str, message: _outgoing.Outgoing) -> dict[str, Any]:
        """Replace a message that was sent by ``message``. What the server says of it."""
        return self._wait(lambda: self.edit_nowait(message_id, message))

    def edit_nowait(self, message_id: str, message: _outgoing.Outgoing) -> Request[dict[str, Any]]:
        """As :meth:`edit`, without waiting."""
        built = _base.build_message(message)
        return self._begin(lambda token: self._core.edit(message_id, built, token), _base.to_object)

    def join_room(
        self, room_id: str, ext: str | None = None, *, leave_others: bool = False
    ) -> dict[str, Any]:
        """Enter a chat room; ``ext`` is text for its members, ``leave_others`` leaves all other
        rooms. What the server says of the room."""
        return self._wait(lambda: self.join_room_nowait(room_id, ext, leave_others=leave_others))

    def join_room_nowait(
        self, room_id: str, ext: str | None = None, *, leave_others: bool = False
    ) -> Request[dict[str, Any]]:
        """As :meth:`join_room`, without waiting."""
        return self._begin(
            lambda token: self._core.join_room(room_id, ext, leave_others, token), _base.to_object
        )

    def leave_room(self, room_id: str) -> None:
        """Leave a chat room."""
        self._wait(lambda: self.leave_room_nowait(room_id))

    def leave_room_nowait(self, room_id: str) -> Request[None]:
        """As :meth:`leave_room`, without waiting."""
        return self._begin(lambda token: self._core.leave_room(room_id, token), _base.to_none)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | str | None = None,
        json: Any = None,
    ) -> _events.Response:
        """A REST call below ``/org/app`` with the session's token (eim/rest.h, docs/rest.md)::

            client.request("GET", "/users/bob").body

        An answer other than 2xx is an :class:`eim.EimError`; its ``detail`` has ``httpStatus``.
        """
        return self._wait(lambda: self.request_nowait(method, path, query=query, json=json))

    def request_nowait(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | str | None = None,
        json: Any = None,
    ) -> Request[_events.Response]:
        """As :meth:`request`, without waiting."""
        body = _base.body_text(json)
        return self._begin(
            lambda token: self._core.request(method, path, _base.query_text(query), body, token),
            _base.to_response,
        )

    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        filename: str | None = None,
        thumbnail: tuple[int, int] = (0, 0),
    ) -> _events.Uploaded:
        """Upload a file of this machine, streamed from the disk; ``progress`` events say how far it
        is. ``thumbnail``: size in pixels of the small picture the service makes of an image."""
        return self._wait(lambda: self.upload_nowait(path, filename=filename, thumbnail=thumbnail))

    def upload_nowait(
        self,
        path: str | os.PathLike[str],
        *,
        filename: str | None = None,
        thumbnail: tuple[int, int] = (0, 0),
    ) -> Request[_events.Uploaded]:
        """As :meth:`upload`, without waiting."""
        return self._begin(
            lambda token: self._core.upload(os.fspath(path), filename, *thumbnail, token),
            _base.to_uploaded,
        )

    def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        secret: str | None = None,
        max_bytes: int = 0,
        thumbnail: bool = False,
    ) -> int:
        """Receive a file, for example ``message.body["url"]``, into ``path``, which is replaced
        when all of it is there; a download that ended early is resumed. Returns its length. More
        than ``max_bytes`` (0: any) is refused; ``thumbnail``: the small picture instead."""
        return self._wait(
            lambda: self.download_nowait(
                url, path, secret=secret, max_bytes=max_bytes, thumbnail=thumbnail
            )
        )

    def download_nowait(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        secret: str | None = None,
        max_bytes: int = 0,
        thumbnail: bool = False,
    ) -> Request[int]:
        """As :meth:`download`, without waiting."""
        return self._begin(
            lambda token: self._core.download(
                url, secret, os.fspath(path), max_bytes, thumbnail, token
            ),
            _base.to_length,
        )

    # -- the rest

    def network_changed(self, up: bool) -> None:
        """The host's network went up (attempt now) or down (wait until up)."""
        self._core.network_changed(up)

    def set_login_ext(self, ext: str | None) -> None:
        """Text shown to the device that the next login pushes out; at most 1024 characters."""
        self._core.set_login_ext(ext)

    def message_done(self, message: _events.Message) -> None:
        """The application is done with a message: the server may forget it. Needed with
        ``ack_mode="manual"``, and after a ``break`` out of :meth:`messages`; else of no effect."""
        self._core.message_done(_base.received(message))

    def messages(self) -> Iterator[_events.Message]:
        """The messages that arrive, and those that arrived while nobody took them::

            for message in client.messages():
                print(message.from_, message.text)

        Ends after :meth:`close`; raises the cause when the session ended otherwise. Several
        iterators share what arrives.

        In a loop a message counts as received, towards the server, **when the loop body is
        done**: when this thread asks for the next one, closes the client, or leaves its ``with``
        block without an exception. When the body raises, or the program crashes, the message
        comes again at the next login, and so do others of its page. Until then nothing more of
        that conversation arrives, its receipts neither: before a long wait after ``break``, say
        :meth:`message_done`. With ``next()`` alone, outside a loop, it counts as received when it
        is handed out. What arrives before the first call of this, without a handler of
        ``message``, counts at once: call it before :meth:`open` if that matters.
        """
        self._streaming = True
        return _Messages(self)

    def shutdown(self) -> None:
        """End this object: no handler begins after it returned, open requests fail. Idempotent."""
        self._core.shutdown()
        self._ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if self.state not in (_events.State.OFFLINE, _events.State.CLOSED):
                request = self.close_nowait() if error is None else self._close()
                if self._may_wait():
                    self._finish(request)
        except _errors.EimError:  # whatever close says: it ends here
            pass
        finally:
            self.shutdown()

    # -- inside

    def _body_done(self) -> None:
        message = getattr(self._in_body, "message", None)
        if message is not None:
            self._in_body.message = None
            self._done(message)

    def _begin(
        self, start: Callable[[int], object], convert: Callable[[_core.eim_result], T]
    ) -> Request[T]:
        request = Request(self._core, convert)
        request._token = self._link.begin(request, start)
        return request

    def _may_wait(self) -> bool:
        return self._engine.inside != threading.get_ident()

    def _wait(self, begin: Callable[[], Request[T]]) -> T:
        if not self._may_wait():
            raise RuntimeError(
                "this waits for an answer, which cannot arrive while a handler runs: "
                "use the method that ends in _nowait"
            )
        return self._finish(begin())

    def _finish(self, request: Request[T]) -> T:
        try:
            while not self._engine.threaded and not request.done():
                self._drive(lambda: concurrent.futures.wait([request], 0.05))
            return request.result()
        except BaseException:
            request.cancel()  # Ctrl-C: nobody waits for it any more
            raise

    def _drive(self, otherwise: Callable[[], object]) -> None:
        """A context that nobody drives for us: poll it, unless somebody is at it just now."""
        try:
            self._engine.poll(0.05)
        except _errors.EimError as error:
            if error.code not in (_core.EIM_E_BUSY, _core.EIM_E_CLOSED):
                raise
            otherwise()

    def _ask_provider(self, provider: Callable[[], Any]) -> None:
        def ask() -> None:
            try:
                token = _base.check_token(provider())
            except Exception as error:
                _base.no_token(self._core, error)
                raise  # to threading.excepthook
            try:
                self.renew_token_nowait(token).result()
            except _errors.EimError as error:
                if not _base.too_late(error):
                    raise

        threading.Thread(target=ask, name="eim-token", daemon=True).start()

    def _wake(self, count: int | None) -> None:
        with self._arrival:
            self._arrival.notify_all() if count is None else self._arrival.notify(count)


class _Messages(Iterator[_events.Message]):
    def __init__(self, client: Client) -> None:
        self._client = client
        self._loops = False

    def __iter__(self) -> Self:
        self._loops = True
        return self

    def __next__(self) -> _events.Message:
        client = self._client
        client._body_done()
        while True:
            try:
                message, waits = client._inbox.popleft()
            except IndexError:
                pass
            else:
                if waits and self._loops:
                    client._in_body.message = message
                elif waits:
                    client._done(message)
                return message
            if client._over:
                if client._over_cause is not None:
                    raise client._over_cause
                raise StopIteration
            self._wait()

    def _wait(self) -> None:
        client = self._client
        if not client._may_wait():
            raise RuntimeError("messages() waits, and nothing can arrive while a handler runs")
        if not client._engine.threaded:
            client._drive(self._sleep)
        else:
            self._sleep()

    def _sleep(self) -> None:
        client = self._client
        limit = None if client._engine.threaded else 0.05
        with client._arrival:
            client._arrival.wait_for(lambda: client._inbox or client._over, limit)
