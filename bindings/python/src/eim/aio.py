"""The asyncio client: the same vocabulary, awaited.

::

    async with eim.aio.Client("org#app") as client:
        await client.open(user="alice", access_token=get_token)
        await client.send(eim.Text(to="bob", text="hi", ext={"n": 1}))
        async for message in client.messages():
            await client.send(message.reply("I heard you"))

No thread runs Python here: the library's I/O thread wakes the event loop by a descriptor, and
handlers run in the loop. uvloop works as well.
"""

from __future__ import annotations

import asyncio
import collections
import inspect
import threading
import types
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, Unpack

from . import _base, _calls, _config, _core, _errors, _events
from ._context import Engine, finalize_unless_exit

__all__ = ["Client"]

T = TypeVar("T")
P = ParamSpec("P")

_BATCH = 256  # events in a row before the loop gets its turn
_CANCEL_PATIENCE = 5.0  # s for a canceled request to end; it takes microseconds


class _Driver:
    """One context for each event loop, as long as it has clients."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.engine = Engine()
        self.fd = self.engine.core.fd()
        self.users = 0
        self._loop = weakref.ref(loop)
        loop.add_reader(self.fd, self._readable)

    def _readable(self) -> None:
        try:
            self.engine.dispatch(_BATCH)
        except Exception as error:
            loop = self._loop()
            if self.engine.closed or loop is None:
                return
            loop.call_exception_handler(
                {"message": "Exception in an eim handler", "exception": error}
            )

    def release(self) -> None:
        """A client is shut down or gone. In the loop."""
        self.users -= 1
        if self.users:
            return
        loop = self._loop()
        if loop is not None:
            if _drivers.get(loop) is self:
                del _drivers[loop]
            if not loop.is_closed():
                loop.remove_reader(self.fd)
        self.engine.shutdown()

    def release_anywhere(self) -> None:
        """As release(), on any thread: for the garbage collector."""
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(self.release)
                return
            except RuntimeError:  # closed just now
                pass
        self.release()


_drivers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Driver] = (
    weakref.WeakKeyDictionary()
)


def _driver(loop: asyncio.AbstractEventLoop) -> _Driver:
    driver = _drivers.get(loop)
    if driver is None or driver.engine.closed:
        driver = _drivers[loop] = _Driver(loop)
    driver.users += 1
    return driver


class _Request(Generic[T]):
    """A request that a task awaits."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, convert: Callable[[_core.eim_result], T]
    ) -> None:
        self._loop = loop
        self._convert = convert
        self.future: asyncio.Future[T] = loop.create_future()
        self.over = asyncio.Event()

    def finish(self, result: _core.eim_result) -> None:
        self.over.set()
        if self.future.done():
            return
        error = result.error()
        if error is None:
            self.future.set_result(self._convert(result))
        else:
            self.future.set_exception(_errors.from_core(error))

    def fail(self, error: _errors.EimError) -> None:
        if self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._fail, error)
        except RuntimeError:  # closed just now
            pass

    def _fail(self, error: _errors.EimError) -> None:
        self.over.set()
        if not self.future.done():
            self.future.set_exception(error)


def _awaits(
    call: Callable[Concatenate[_core.eim_client, P], _calls.Call[T]],
) -> Callable[Concatenate[Client, P], Coroutine[Any, Any, T]]:
    async def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._request(call(self._core, *args, **kwargs))

    return _calls.method(method, call)


class Client(_base.ClientBase):
    """One user: log in, stay logged in, talk. Belongs to the running event loop.

    Handlers run in the loop; a coroutine function becomes a task of its own. What they raise goes
    to the loop's exception handler. Cancelling a task cancels its request.

    :param app_key: the application, ``org#app``.
    :param options: see :class:`eim.Options` and docs/configuration.md.
    """

    _NAME = "aio.Client"

    def __init__(self, app_key: str, **options: Unpack[_config.Options]) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        # What the loop body of a task has.
        self._in_body: weakref.WeakKeyDictionary[asyncio.Task[Any], _events.Message | None] = (
            weakref.WeakKeyDictionary()
        )
        self._waiters: collections.deque[asyncio.Future[None]] = collections.deque()
        self._driver = _driver(self._loop)
        self._release = finalize_unless_exit(self, self._driver.release_anywhere)
        super().__init__(self._driver.engine, app_key, options)

    # -- requests

    async def open(
        self,
        *,
        user: str,
        password: str | None = None,
        access_token: str | Callable[[], str | Awaitable[str]] | None = None,
    ) -> None:
        """Log in and wait until the session is online.

        ``access_token`` may be a coroutine function, or a plain function (then it is called on a
        thread, as it may block), that gets a token: it is called now, and again whenever the
        session wants a new one.
        """
        _base.check_user(user)
        _base.check_login(password, access_token)
        self._session_begins()
        self._provider = access_token if callable(access_token) else None
        self._update_provider()
        if password is not None:
            secret = password
            await self._request(
                _calls.Call(
                    lambda token: self._core.open_password(user, secret, token), _calls.to_none
                )
            )
            return
        given = await _provide(access_token) if callable(access_token) else access_token
        value = _base.check_token(given)
        await self._request(
            _calls.Call(lambda token: self._core.open_token(user, value, token), _calls.to_none)
        )

    async def close(self) -> None:
        """Log out: end the session or the login, stop reconnecting. :meth:`open` may follow."""
        self._body_done()
        await self._close()

    async def _close(self) -> None:
        await self._request(_calls.Call(self._core.close, _calls.to_none))
        self._session_over(self._over_cause)

    register_user = _awaits(_calls.register_user)
    renew_token = _awaits(_calls.renew_token)
    health = _awaits(_calls.health)
    send = _awaits(_calls.send)
    mark_read = _awaits(_calls.mark_read)
    mark_channel_read = _awaits(_calls.mark_channel_read)
    recall = _awaits(_calls.recall)
    edit = _awaits(_calls.edit)
    join_room = _awaits(_calls.join_room)
    leave_room = _awaits(_calls.leave_room)
    request = _awaits(_calls.request)
    upload = _awaits(_calls.upload)
    download = _awaits(_calls.download)
    download_bytes = _awaits(_calls.download_bytes)
    download_combined = _awaits(_calls.download_combined)

    def messages(self) -> AsyncIterator[_events.Message]:
        """The messages that arrive, and those that arrived while nobody took them.

        Ends after :meth:`close`; raises the cause when the session ended otherwise. Several
        iterators share what arrives.

        In a loop a message counts as received, towards the server, **when the loop body is
        done**: when this task asks for the next one, closes the client, or ends without an
        exception. When the body raises, or the program crashes, the message comes again at the
        next login, and so do others of its page. Until then nothing more of that conversation
        arrives, its receipts neither: before a long wait after ``break``, say
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
        if self._release.detach():
            self._driver.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if self.state not in (_events.State.OFFLINE, _events.State.CLOSED):
                await (self.close() if error is None else self._close())
        except _errors.EimError:  # whatever close says: it ends here
            pass
        finally:
            self.shutdown()

    # -- inside

    def _body_begins(self, message: _events.Message) -> None:
        task = asyncio.current_task()
        if task is None:
            self._done(message)
            return
        if task not in self._in_body:
            mine = weakref.ref(self)  # a long task does not keep the client

            def ended(task: asyncio.Task[Any]) -> None:
                client = mine()
                if client is not None and not task.cancelled() and task.exception() is None:
                    client._body_done(task)

            task.add_done_callback(ended)
        self._in_body[task] = message

    def _body_done(self, task: asyncio.Task[Any] | None = None) -> None:
        task = task or asyncio.current_task()
        message = self._in_body.get(task) if task else None
        if task and message is not None:
            self._in_body[task] = None
            self._done(message)

    async def _request(self, call: _calls.Call[T]) -> T:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("this client belongs to another event loop")
        request = _Request(self._loop, call.convert)
        token = self._link.begin(request, call.start)
        try:
            return await request.future
        except asyncio.CancelledError:
            # It is over when this returns: nothing goes on behind the back of the canceled task.
            try:
                self._core.cancel(token)
                await asyncio.wait_for(request.over.wait(), _CANCEL_PATIENCE)
            except (_errors.EimError, TimeoutError):
                pass
            raise

    def _call(self, handler: _base.Handler, view: Any) -> None:
        result = handler(view)
        if inspect.isawaitable(result):
            self._spawn(result, "an eim handler")

    def _ask_provider(self, provider: Callable[[], Any]) -> None:
        async def ask() -> None:
            try:
                token = _base.check_token(await _provide(provider))
            except Exception as error:
                _base.no_token(self._core, error)
                raise
            try:
                await self.renew_token(token)
            except _errors.EimError as error:
                if not _base.too_late(error):
                    raise

        self._spawn(ask(), "the token provider")

    def _spawn(self, awaitable: Awaitable[Any], what: str) -> None:
        async def run() -> None:
            await awaitable

        def done(task: asyncio.Task[Any]) -> None:
            tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                loop.call_exception_handler(
                    {"message": f"Exception in {what}", "exception": error, "task": task}
                )

        loop, tasks = self._loop, self._tasks
        task = loop.create_task(run())
        tasks.add(task)
        task.add_done_callback(done)

    def _wake(self, count: int | None) -> None:
        if self._loop.is_closed():
            return
        if self._engine.inside == threading.get_ident() or _running() is self._loop:
            self._wake_now(count)
        else:
            self._loop.call_soon_threadsafe(self._wake_now, count)

    def _wake_now(self, count: int | None) -> None:
        left = len(self._waiters) if count is None else count
        while self._waiters and left:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                left -= 1


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _provide(provider: Callable[[], Any]) -> Any:
    if inspect.iscoroutinefunction(provider):
        return await provider()
    result = await asyncio.to_thread(provider)
    return await result if inspect.isawaitable(result) else result


class _Messages(AsyncIterator[_events.Message]):
    def __init__(self, client: Client) -> None:
        self._client = client
        self._loops = False

    def __aiter__(self) -> Self:
        self._loops = True
        return self

    async def __anext__(self) -> _events.Message:
        client = self._client
        client._body_done()
        while True:
            if client._inbox:
                message, waits = client._inbox.popleft()
                if waits and self._loops:
                    client._body_begins(message)
                elif waits:
                    client._done(message)
                return message
            if client._over:
                if client._over_cause is not None:
                    raise client._over_cause
                raise StopAsyncIteration
            waiter = client._loop.create_future()
            client._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    client._wake_now(1)  # it was for whoever waits next
                raise
