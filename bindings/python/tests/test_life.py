"""Lives and deaths: leaks, exits, forks, signals, threads, memory."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import eim
import pytest
from conftest import PATIENCE, wait_until

EVENTS = int(os.environ.get("EIM_PYTHON_EVENTS", "200000"))


def sessions(box: eim.Sandbox) -> int:
    return len(box.admin("/sessions"))


class App:
    """As applications are: it holds the client, and the client's handlers hold it."""

    def __init__(self, box: eim.Sandbox, context: eim.Context | None = None) -> None:
        self.client = eim.Client(context=context, **box.options())
        self.client.on("message", self.received)
        self.client.add_event_handler("app", self)
        self.got: list[str | None] = []

    def received(self, message: eim.Message) -> None:
        self.got.append(message.text)

    def on_state(self, change: eim.StateChange) -> None:
        pass


def test_the_cycle_of_application_and_client_is_collected(box: eim.Sandbox) -> None:
    def use() -> list[weakref.ref[Any]]:
        app = App(box)
        app.client.open(user="alice", password="secret")
        box.push("alice", "hi", "bob")
        wait_until(lambda: app.got)
        assert sessions(box) == 1
        return [weakref.ref(app), weakref.ref(app.client), weakref.ref(app.client._link)]

    app, client, link = use()
    gc.collect()
    assert app() is None
    assert client() is None
    wait_until(lambda: sessions(box) == 0, "the end of the session")
    wait_until(lambda: link() is None, "the end of the link")


def test_a_hundred_cycles_leave_nothing(box: eim.Sandbox) -> None:
    apps = [App(box) for _ in range(100)]
    gone = [weakref.ref(app.client) for app in apps]
    del apps
    gc.collect()
    assert not any(client() for client in gone)


def test_a_dropped_request_still_ends(box: eim.Sandbox) -> None:
    client = eim.Client(**box.options())
    client.open(user="alice", password="secret")
    box.fail_next("send", "silence")
    request = client.send_nowait(eim.Text(to="bob", text="?"))
    del client
    gc.collect()
    error = request.exception(PATIENCE)
    assert isinstance(error, eim.EimError)
    assert error.name == "EIM_E_CLOSED"


def test_clients_dropped_while_callbacks_are_in_flight(box: eim.Sandbox) -> None:
    with eim.Client(**box.options()) as sender:
        sender.open(user="bob", password="secret")
        for _ in range(30):
            client: Any = eim.Client(**box.options())
            first = threading.Event()
            client.on("message", lambda message, first=first: first.set())
            client.open(user="alice", password="secret")
            for i in range(50):
                sender.send_nowait(eim.Text(to="alice", text=str(i)))
            assert first.wait(PATIENCE)
            del client  # in the middle of it
            gc.collect()
        wait_until(lambda: sessions(box) == 1)


def test_a_handler_may_shut_its_client_down(box: eim.Sandbox) -> None:
    client = eim.Client(**box.options())
    got: list[str | None] = []
    done = threading.Event()

    @client.on("message")
    def received(message: eim.Message) -> None:
        got.append(message.text)
        client.shutdown()
        done.set()

    client.open(user="alice", password="secret")
    for i in range(5):
        box.push("alice", str(i), "bob")
    assert done.wait(PATIENCE)
    assert client.state is eim.State.CLOSED
    wait_until(lambda: sessions(box) == 0)
    assert got == ["0"]


def test_shutdown_from_many_threads_at_once(box: eim.Sandbox) -> None:
    for _ in range(20):
        client = eim.Client(**box.options())
        client.open_nowait(user="alice", password="secret")
        threads = [threading.Thread(target=client.shutdown) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert client.state is eim.State.CLOSED


# -- Ctrl-C


class Interrupted(Exception):
    """What the signal handler of these tests raises."""


@pytest.fixture
def alarm() -> Iterator[Callable[[], float]]:
    """Raises in the main thread after 0.1 s; the call tells when that is."""

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)

    def start() -> float:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        return time.monotonic() + 0.1

    yield start
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("where", ["open", "messages", "send", "poll", "wait", "open, polled"])
def test_a_signal_is_seen_while_waiting(
    box: eim.Sandbox, alarm: Callable[[], float], where: str
) -> None:
    own = eim.Context() if where in ("poll", "wait", "open, polled") else None
    with contextlib.ExitStack() as stack:
        if own is not None:
            stack.enter_context(own)
        client = stack.enter_context(eim.Client(context=own, **box.options()))
        if where.startswith("open"):
            box.fail_next("token", "silence", 100)
        else:
            client.open(user="alice", password="secret")
            box.fail_next("send", "silence", 100)
            while own is not None and own.poll(0.05):
                pass
        calls: dict[str, Callable[[], Any]] = {
            "open": lambda: client.open(user="alice", password="secret"),
            "open, polled": lambda: client.open(user="alice", password="secret"),
            "messages": lambda: next(client.messages()),
            "send": lambda: client.send(eim.Text(to="bob", text="?")),
            "poll": lambda: own and own.poll(None),
            "wait": lambda: own and own.wait(None),
        }
        late: list[float] = []
        while not late or (min(late) >= 0.1 and len(late) < 5):  # the machine may have other work
            due = alarm()
            with pytest.raises(Interrupted):
                calls[where]()
            late.append(time.monotonic() - due)
        assert min(late) < 0.1, late


def test_control_c_ends_a_program(box: eim.Sandbox) -> None:
    # A shell lets its background jobs ignore SIGINT, and their children inherit that.
    code = f"""
        import signal
        import eim
        signal.signal(signal.SIGINT, signal.default_int_handler)
        client = eim.Client(**{box.options()!r})
        client.open(user="alice", password="secret")
        print("ready", flush=True)
        for message in client.messages():
            pass
    """
    with program(code, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert time.monotonic() - start < 2
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in err


# -- the end of the interpreter


def program(code: str, arguments: Sequence[str] = (), **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "faulthandler", "-W", "error", "-c", textwrap.dedent(code)]
    return subprocess.Popen(
        [*command, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


TRAFFIC = """
    import sys, threading, time
    import eim
    options = {options!r}
    alice, bob = eim.Client(**options), eim.Client(**options)
    first = threading.Event()
    def answer(message, bob=bob):  # not the name of the module: that may be deleted meanwhile
        first.set()
        bob.send_nowait(message.reply(message.text))
    bob.on("message", answer)
    alice.on("message", lambda message, alice=alice: alice.send_nowait(message.reply(message.text)))
    me, you = "alice{number}", "bob{number}"
    alice.register_user(me, "secret")
    alice.register_user(you, "secret")
    alice.open(user=me, password="secret")
    bob.open(user=you, password="secret")
    for i in range(50):
        alice.send_nowait(eim.Text(to=you, text=str(i)))
    first.wait()
"""
ENDS = {
    "falls off the end": ("", 0),
    "sys.exit": ("sys.exit(7)", 7),
    "an exception": ("raise SystemExit(5)", 5),
    "with threads at work": (
        "[threading.Thread(target=lambda: [alice.send(eim.Text(to=you, text='t'))"
        " for _ in iter(int, 1)], daemon=True).start() for _ in range(4)]; time.sleep(0.02)",
        0,
    ),
    "a handler that hangs": (
        "hung = threading.Event(); bob.on('receipt', lambda r: (hung.set(), time.sleep(3600)));"
        " hung.wait()",
        0,
    ),
    "everything shut down": ("alice.shutdown(); bob.shutdown()", 0),
    "the references gone": ("del alice, bob, answer", 0),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_interpreter_ends_during_traffic(box: eim.Sandbox, end: str) -> None:
    line, status = ENDS[end]
    processes = [
        program(textwrap.dedent(TRAFFIC.format(options=box.options(), number=number)) + line)
        for number in range(3)
    ]
    for process in processes:
        with process:
            try:
                _, err = process.communicate(timeout=2 * PATIENCE)
            finally:
                process.kill()
        assert process.returncode == status, err
        if end not in ("with threads at work", "everything shut down"):
            assert err == ""  # those send over a client that is shut down, and hear of it


def test_the_interpreter_ends_at_any_moment_of_a_login(box: eim.Sandbox) -> None:
    """On the thread of the handlers, in the main thread, with a wait under way or without."""
    code = """
        import os, sys, threading
        import eim
        state, wait, user = sys.argv[1:]
        there = threading.Event()
        client = eim.Client(**{options!r})
        client.on("state", lambda change: change.state.name == state and there.set())
        client.register_user(user, "secret")
        request = client.open_nowait(user=user, password="secret")
        if wait == "yes":
            threading.Thread(target=request.exception, daemon=True).start()
        there.wait()
        sys.exit(9)
    """
    states = ["RESOLVING", "AUTHENTICATING", "CONNECTING", "PROVISIONING", "ONLINE"]
    processes = [
        program(
            code.format(options=box.options()), arguments=[state, wait, f"{state}{wait}".lower()]
        )
        for state in states
        for wait in ("yes", "no")
    ]
    for process in processes:
        with process:
            try:
                _, err = process.communicate(timeout=2 * PATIENCE)
            finally:
                process.kill()
        assert (process.returncode, err) == (9, ""), process.args


def test_the_interpreter_ends_during_asyncio_traffic(box: eim.Sandbox) -> None:
    code = f"""
        import asyncio, os, sys
        import eim
        async def main():
            options = {box.options()!r}
            alice, bob = eim.aio.Client(**options), eim.aio.Client(**options)
            bob.on("message", lambda message: bob.send(message.reply(message.text)))
            await alice.open(user="alice", password="secret")
            await bob.open(user="bob", password="secret")
            for i in range(50):
                await alice.send(eim.Text(to="bob", text=str(i)))
            await anext(alice.messages())
            sys.exit(3)
        asyncio.run(main())
    """
    with program(code) as process:
        _, err = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == 3, err


# -- fork


def in_child(test: Callable[[], None]) -> None:
    """Run it in a forked child, with the errors of it raised here."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(read)
            test()
            status = 0
        except BaseException as error:
            os.write(write, repr(error).encode())
        finally:
            os._exit(status)
    os.close(write)
    deadline = time.monotonic() + 2 * PATIENCE
    with open(read, "rb") as pipe:
        if not select.select([pipe], [], [], 2 * PATIENCE)[0]:
            os.kill(pid, signal.SIGKILL)
        said = pipe.read().decode()
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
    assert (status, said) == (0, "")


def test_fork_is_refused_clearly_and_new_objects_work(box: eim.Sandbox) -> None:
    with eim.Client(**box.options()) as client:
        client.open(user="alice", password="secret")
        context = eim.Context()

        def child() -> None:
            calls: list[Callable[[], Any]] = [
                lambda: client.send(eim.Text(to="bob", text="?")),
                client.close,
                lambda: context.poll(0),
                lambda: eim.Client(context=context, **box.options()),
                client.health,
            ]
            for call in calls:
                try:
                    call()
                except eim.EimError as error:
                    assert error.name == "EIM_E_STATE", error
                    assert "fork" in error.message, error
                else:
                    raise AssertionError("it worked in the child")
            client.shutdown()
            context.shutdown()
            with eim.Client(**box.options()) as own:
                own.open(user="bob", password="secret")
                own.send(eim.Text(to="alice", text="from the child"))

        in_child(child)
        assert next(client.messages()).text == "from the child"
        assert client.state is eim.State.ONLINE
        context.shutdown()


def test_a_child_that_does_nothing_ends_and_harms_nothing(box: eim.Sandbox) -> None:
    code = f"""
        import os, sys
        import eim
        client = eim.Client(**{box.options()!r})
        client.open(user="alice", password="secret")
        pid = os.fork()
        if pid == 0:
            sys.exit(4)  # runs atexit handlers and finalizers
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 4, status
        assert client.health()["generation"] == 1
        client.send(eim.Text(to="bob", text="still here"))
    """
    with program(code) as process:
        _, err = process.communicate(timeout=2 * PATIENCE)
    assert (process.returncode, err) == (0, "")


# -- memory


def resident() -> int:
    """KiB."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def test_memory_is_flat_over_many_events(box: eim.Sandbox) -> None:
    """Three events for each message: result, receipt, and the message at the other side."""
    count = {"message": 0, "receipt": 0, "result": 0}
    failures: list[Any] = []
    with eim.Context() as context:
        alice = eim.Client(context=context, **box.options())
        bob = eim.Client(context=context, **box.options())

        def received(message: eim.Message) -> None:
            assert message.text == "x" * 100
            count["message"] += 1

        def receipt(receipt: eim.Receipt) -> None:
            count["receipt"] += 1

        def result(request: concurrent.futures.Future[eim.SendResult]) -> None:
            count["result"] += 1
            if request.exception() is not None:
                failures.append(request.exception())

        bob.on("message", received)
        alice.on("receipt", receipt)
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")
        text = eim.Text(to="bob", text="x" * 100)
        sent, before = 0, 0
        while sum(count.values()) < EVENTS:
            while sent - count["result"] < 400 and sent - count["message"] < 2000:
                alice.send_nowait(text).add_done_callback(result)
                sent += 1
            assert context.poll(PATIENCE), f"stands still after {count}: {alice} {bob}"
            assert not failures
            if not before and sum(count.values()) > EVENTS // 10:
                gc.collect()
                before = resident()
        gc.collect()
        grown = resident() - before
    # 20 bytes an event: an object that leaked with each would be far more.
    assert grown * 1024 < 20 * EVENTS, f"{grown} KiB more after {sum(count.values())} events"
