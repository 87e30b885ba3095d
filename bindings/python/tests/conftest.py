from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import eim
import pytest
import uvloop
from eim import aio

PATIENCE = 30.0


class Recorder:
    """All events of a client, by name, and a way to wait for one."""

    def __init__(self, client: eim.Client) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.threads: set[str] = set()
        self._changed = threading.Condition()
        for name in set(eim._events.VIEWS) - {"token_request"}:
            client.add_event_handler(f"recorder {name}", **{f"on_{name}": self._keep(name)})

    def _keep(self, name: str) -> Callable[[Any], None]:
        def keep(view: Any) -> None:
            with self._changed:
                self.seen.append((name, view))
                self.threads.add(threading.current_thread().name)
                self._changed.notify_all()

        return keep

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def of(self, name: str) -> list[Any]:
        return [view for seen, view in self.seen if seen == name]

    def wait(self, name: str, count: int = 1) -> Any:
        with self._changed:
            done = self._changed.wait_for(lambda: len(self.of(name)) >= count, PATIENCE)
        assert done, f"no {name} among {self.seen}"
        return self.of(name)[count - 1]


def wait_until(condition: Callable[[], object], what: str = "it") -> None:
    """For what has no event: look again until the deadline."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in time"
        threading.Event().wait(0.002)


@pytest.fixture
def box() -> Any:
    """A service of one's own, for tests that break it."""
    with eim.Sandbox(users={"alice": "secret", "bob": "secret"}) as sandbox:
        yield sandbox


FAST = {"reconnect_base_ms": 1, "reconnect_max_ms": 20}


# -- asyncio, on its own loop and on uvloop

Main = Callable[[], Coroutine[Any, Any, Any]]


def run_asyncio(main: Main) -> None:
    asyncio.run(main())


def run_uvloop(main: Main) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@pytest.fixture(params=[run_asyncio, run_uvloop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Main], None]:
    chosen: Callable[[Main], None] = request.param

    def with_deadline(main: Main) -> None:
        async def limited() -> None:
            async with asyncio.timeout(3 * PATIENCE):
                await main()

        chosen(limited)

    return with_deadline


@asynccontextmanager
async def online(box: eim.Sandbox, user: str, **options: Any) -> AsyncIterator[aio.Client]:
    async with aio.Client(**box.options(**FAST | options)) as client:
        await client.open(user=user, password="secret")
        yield client
