"""What C holds: a callable that knows its client weakly, and the requests that are open."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from . import _core, _errors, _events

if TYPE_CHECKING:
    from ._base import ClientBase


class Pending(Protocol):
    """A request that is open."""

    def finish(self, result: _core.eim_result) -> None:
        """Its result is there. On the thread that dispatches."""

    def fail(self, error: _errors.EimError) -> None:
        """No result will come any more. On any thread."""


class Link:
    """The target of a C handler set. Strong from C, weak to the client.

    It lets go of no request: when C releases it, whatever is open fails.
    """

    __slots__ = ("__weakref__", "_client", "_pending", "_tokens", "events")

    def __init__(self, client: ClientBase) -> None:
        self.events = (*(name for name in _events.VIEWS if name != "token_request"), "result")
        self._client = weakref.ref(client)
        self._pending: dict[int, Pending] = {}
        self._tokens = itertools.count(1)

    def __call__(self, name: str, payload: Any) -> None:
        if name == "result":
            request = self._pending.pop(payload.token(), None)
            if request is not None:
                request.finish(payload)
            return
        client = self._client()
        if client is not None:
            client._deliver(name, payload)

    def begin(self, request: Pending, start: Callable[[int], object]) -> int:
        """Start a request: its token is known here before the core hears of it."""
        token = next(self._tokens)
        self._pending[token] = request
        try:
            start(token)
        except BaseException:
            self._pending.pop(token, None)
            raise
        return token

    def fail_all(self) -> None:
        """The client is shut down: results that were not delivered will not be."""
        while self._pending:
            try:
                _, request = self._pending.popitem()
            except KeyError:
                return
            request.fail(_errors.local(_core.EIM_E_CLOSED, "client: shut down"))

    def __del__(self) -> None:
        self.fail_all()


class TokenLink:
    """The handler set whose presence makes the application the token provider."""

    __slots__ = ("_client", "events")

    def __init__(self, client: ClientBase) -> None:
        self.events = ("token_request",)
        self._client = weakref.ref(client)

    def __call__(self, name: str, payload: Any) -> None:
        client = self._client()
        if client is not None:
            client._deliver(name, payload)
