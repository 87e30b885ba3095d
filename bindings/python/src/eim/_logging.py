"""The core's log in the standard :mod:`logging`: loggers ``eim.session``, ``eim.net`` …

The core calls its log callback on any thread, at once, so that callback only copies into a bounded
list; a daemon thread takes from it. What does not fit is dropped and counted, never waited for.
"""

from __future__ import annotations

import logging
import threading
import traceback

from . import _core

logger = logging.getLogger("eim")
logger.addHandler(logging.NullHandler())

TRACE = 5
_TO_PYTHON = {
    _core.EIM_LOG_TRACE: TRACE,
    _core.EIM_LOG_DEBUG: logging.DEBUG,
    _core.EIM_LOG_INFO: logging.INFO,
    _core.EIM_LOG_WARN: logging.WARNING,
    _core.EIM_LOG_ERROR: logging.ERROR,
}
_lock = threading.Lock()
_thread: threading.Thread | None = None


def sync_level() -> None:
    """Let the core log from the effective level of the logger ``eim`` on.

    Done whenever a client or context is made; call it after changing the level later.
    """
    wanted = logger.getEffectiveLevel()
    for level, python in sorted(_TO_PYTHON.items()):
        if python >= wanted:
            _core.eim_log_set_level(level)
            return
    _core.eim_log_set_level(_core.EIM_LOG_SILENT)


def _emit(timeout_ms: int) -> None:
    lines, lost = _core.log_take(timeout_ms)
    for time, level, module, client, text in lines:
        target = logging.getLogger(f"eim.{module}")
        number = _TO_PYTHON.get(level, logging.ERROR)
        if not target.isEnabledFor(number):
            continue
        message = f"client {client}: {text}" if client else text
        record = target.makeRecord(target.name, number, "eim", 0, "%s", (message,), None)
        record.created = time / 1000
        record.msecs = float(time % 1000)
        target.handle(record)
    if lost:
        logger.warning("%d lines of the log were lost: they came faster than they were taken", lost)


def _run() -> None:
    while True:
        try:
            _emit(3_600_000)
        except Exception:  # a handler of the application: logging must go on
            traceback.print_exc()


def start() -> None:
    """Take the core's log from now on. Idempotent."""
    global _thread
    with _lock:
        sync_level()
        if _thread is None:
            _core.eim_log_set_console(False)
            _core.log_listen(True)
            _thread = threading.Thread(target=_run, name="eim-log", daemon=True)
            _thread.start()


def stop() -> None:
    """At exit: nothing more is taken; what is there is told."""
    if _thread is not None:
        _core.log_listen(False)
        _emit(0)


def after_fork() -> None:
    """In a child the thread does not exist; nor does the one that may hold the lock."""
    global _thread, _lock
    _lock = threading.Lock()
    _thread = None
    _core.log_after_fork()
