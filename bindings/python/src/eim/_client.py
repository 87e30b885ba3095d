"""The blocking client."""

from __future__ import annotations

import concurrent.futures
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Unpack

from . import _base, _calls, _config, _context, _core, _errors, _events

T = TypeVar("T")
P = ParamSpec("P")


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


def _waits(
    call: Callable[Concatenate[_core.eim_client, P], _calls.Call[T]],
) -> Callable[Concatenate[Client, P], T]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._wait(lambda: self._begin(call(self._core, *args, **kwargs)))

    return _calls.method(method, call)


def _begins(
    call: Callable[Concatenate[_core.eim_client, P], _calls.Call[T]],
) -> Callable[Concatenate[Client, P], Request[T]]:
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> Request[T]:
        return self._begin(call(self._core, *args, **kwargs))

    return _calls.method(
        method,
        call,
        name=f"{call.__name__}_nowait",
        doc=f"As :meth:`{call.__name__}`, without waiting: for handlers and for many at once.",
        returns=Request,
    )


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
                _calls.Call(
                    lambda token: self._core.open_password(user, secret, token), _calls.to_none
                )
            )
        given = access_token() if callable(access_token) else access_token
        value = _base.check_token(given)
        return self._begin(
            _calls.Call(lambda token: self._core.open_token(user, value, token), _calls.to_none)
        )

    def close(self) -> None:
        """Log out: end the session or the login, stop reconnecting. :meth:`open` may follow."""
        self._wait(self.close_nowait)

    def close_nowait(self) -> Request[None]:
        """As :meth:`close`, without waiting."""
        self._body_done()
        return self._close()

    def _close(self) -> Request[None]:
        request = self._begin(_calls.Call(self._core.close, _calls.to_none))
        request.add_done_callback(lambda _: self._session_over(self._over_cause))
        return request

    register_user = _waits(_calls.register_user)
    register_user_nowait = _begins(_calls.register_user)
    renew_token = _waits(_calls.renew_token)
    renew_token_nowait = _begins(_calls.renew_token)
    health = _waits(_calls.health)
    health_nowait = _begins(_calls.health)
    send = _waits(_calls.send)
    send_nowait = _begins(_calls.send)
    mark_read = _waits(_calls.mark_read)
    mark_read_nowait = _begins(_calls.mark_read)
    mark_channel_read = _waits(_calls.mark_channel_read)
    mark_channel_read_nowait = _begins(_calls.mark_channel_read)
    recall = _waits(_calls.recall)
    recall_nowait = _begins(_calls.recall)
    edit = _waits(_calls.edit)
    edit_nowait = _begins(_calls.edit)
    join_room = _waits(_calls.join_room)
    join_room_nowait = _begins(_calls.join_room)
    leave_room = _waits(_calls.leave_room)
    leave_room_nowait = _begins(_calls.leave_room)
    request = _waits(_calls.request)
    request_nowait = _begins(_calls.request)
    upload = _waits(_calls.upload)
    upload_nowait = _begins(_calls.upload)
    download = _waits(_calls.download)
    download_nowait = _begins(_calls.download)
    download_bytes = _waits(_calls.download_bytes)
    download_bytes_nowait = _begins(_calls.download_bytes)
    download_combined = _waits(_calls.download_combined)
    download_combined_nowait = _begins(_calls.download_combined)

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

    def _begin(self, call: _calls.Call[T]) -> Request[T]:
        request = Request(self._core, call.convert)
        request._token = self._link.begin(request, call.start)
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
