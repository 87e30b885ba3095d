"""Contexts: who runs the I/O, and on which thread handlers run."""

from __future__ import annotations

import atexit
import os
import threading
import time
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from . import _config, _core, _errors, _logging

if TYPE_CHECKING:
    from ._base import ClientBase

_SLICE_MS = 50  # a signal (Ctrl-C) is seen after this long at the latest
_EXIT_PATIENCE = 1.0  # s for a handler that runs when the interpreter ends


class Engine:
    """A context of the core, and who is dispatching for it. Knows clients weakly."""

    def __init__(self, io_threads: int = 1) -> None:
        _logging.start()
        self.core = _core.eim_context_new(_config.build({"io_threads": io_threads}))
        self.inside: int | None = None  # the thread that runs handlers just now
        self.closed = False
        self.threaded = False
        self.clients: weakref.WeakSet[ClientBase] = weakref.WeakSet()
        self._busy = threading.Lock()
        _engines.add(self)

    def dispatch(self, max_events: int) -> int:
        """Run the handlers of what is there. Raises what a handler raised."""
        if not self._busy.acquire(blocking=False):
            raise _errors.local(
                _core.EIM_E_BUSY,
                "context: its events are being delivered already",
            )
        try:
            self.inside = threading.get_ident()
            return self.core.poll(0, max_events)
        finally:
            self.inside = None
            self._busy.release()

    def wait(self, timeout: float | None) -> bool:
        """Wait for events, without the GIL, in slices."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE_MS
            if deadline is not None:
                left = max(0, min(left, round((deadline - time.monotonic()) * 1000)))
            if self.core.wait(left):
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def poll(self, timeout: float | None, max_events: int = 0) -> int:
        """wait() and dispatch()."""
        if self.inside == threading.get_ident():
            return self.dispatch(max_events)  # says what is wrong
        return self.dispatch(max_events) if self.wait(timeout) else 0

    def shutdown(self) -> None:
        """End it and all its clients. Idempotent."""
        self.closed = True
        self.core.shutdown()
        for client in list(self.clients):
            client._ended()

    def exit(self) -> None:
        """As shutdown(), but a handler that does not end cannot keep the interpreter from it."""
        self.closed = True
        own = self.inside == threading.get_ident()
        if own or self._busy.acquire(timeout=_EXIT_PATIENCE):
            self.core.shutdown()


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _run(engine: Engine, thread: threading.Thread) -> None:
    while True:
        try:
            ready = engine.core.wait(1000)
        except _errors.EimError:
            return  # shut down
        if not ready:
            continue
        try:
            engine.dispatch(1000)
        except BaseException as error:
            if engine.closed and isinstance(error, _errors.EimError):
                return
            threading.excepthook(
                threading.ExceptHookArgs((type(error), error, error.__traceback__, thread))
            )


def _start(engine: Engine) -> None:
    def main() -> None:
        _run(engine, thread)

    thread = threading.Thread(target=main, name="eim", daemon=True)
    engine.threaded = True
    thread.start()


def finalize_unless_exit(of: object, call: Callable[[], object]) -> weakref.finalize[[], Any]:
    """A finalizer that is not run at exit: _at_exit() is kinder to handlers that hang."""
    finalizer: Any = weakref.finalize(of, call)
    finalizer.atexit = False
    result: weakref.finalize[[], Any] = finalizer
    return result


class Context:
    """The I/O and the event queue that clients share.

    Most programs need none: blocking clients share one that a background thread drives, asyncio
    clients one for each event loop. Make one to decide yourself on which thread handlers run::

        context = eim.Context()
        client = eim.Client(app_key="org#app", context=context)
        while True:
            context.poll(1.0)  # handlers run in here, and what they raise comes out

    :param io_threads: threads of the library for I/O (they never run Python); 0: all I/O happens
        inside :meth:`poll` and :meth:`wait`.
    """

    def __init__(self, *, io_threads: int = 1) -> None:
        self._engine = Engine(io_threads)
        finalize_unless_exit(self, self._engine.shutdown)

    def poll(self, timeout: float | None = None, max_events: int = 0) -> int:
        """Wait up to ``timeout`` seconds (``None``: without end), then run handlers.

        For all events that are there, or at most ``max_events``. The number of events.

        What a handler raises comes out; the events after it stay for the next call.
        """
        return self._engine.poll(timeout, max_events)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait without delivering: are there events?"""
        return self._engine.wait(timeout)

    def fileno(self) -> int:
        """A descriptor that is readable while events wait, for select and event loops."""
        return self._engine.core.fd()

    def start(self) -> Context:
        """Let a daemon thread of Python run the handlers from now on. What they raise goes to
        :func:`threading.excepthook`."""
        if not self._engine.threaded:
            _start(self._engine)
        return self

    def shutdown(self) -> None:
        """End all clients and the I/O. Idempotent; clients raise ``EIM_E_CLOSED`` from then on."""
        self._engine.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        how = "closed" if self._engine.closed else "thread" if self._engine.threaded else "poll"
        return f"<eim.Context {how}, {len(self._engine.clients)} clients>"


_default: Context | None = None
_default_lock = threading.Lock()


def default() -> Context:
    """The context that blocking clients share, driven by a background thread."""
    global _default
    with _default_lock:
        if _default is None or _default._engine.closed:
            _default = Context().start()
        return _default


@atexit.register
def _at_exit() -> None:
    for engine in list(_engines):
        engine.exit()
    _logging.stop()


def _after_fork() -> None:
    """Threads and connections stay with the parent: its contexts say so when they are used here
    (``EIM_E_STATE``), and nothing of them is ended by the child."""
    global _default, _default_lock
    _default = None
    _default_lock = threading.Lock()
    for engine in list(_engines):
        engine.threaded = False
        engine._busy = threading.Lock()
        engine.inside = None
    _engines.clear()
    _logging.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
