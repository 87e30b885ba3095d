"""The blocking client."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import itertools
import select
import threading
from collections.abc import Iterator
from typing import Any

import eim
import pytest
from conftest import FAST, PATIENCE, Recorder, wait_until
from eim.pytest_plugin import SandboxUser

CONTACT_REQUEST = "2803" + "3209" + "08021a051203626f62"  # Meta: ns ROSTER, RosterBody ADD from bob


@pytest.fixture
def pair(box: eim.Sandbox) -> Iterator[tuple[eim.Client, eim.Client]]:
    with eim.Client(**box.options(**FAST)) as alice, eim.Client(**box.options(**FAST)) as bob:
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")
        yield alice, bob


def test_a_conversation(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    sent = alice.send(eim.Text(to="bob", text="hi 😀", ext={"n": 1, "big": 2**40, "x": {"y": [1]}}))
    message = next(bob.messages())
    assert isinstance(message, eim.Message)
    assert (message.id, message.from_, message.to) == (sent.message_id, "alice", "bob")
    assert (message.text, message.type, message.kind) == ("hi 😀", "txt", eim.MessageKind.TEXT)
    assert message.ext == {"n": 1, "big": 2**40, "x": {"y": [1]}}
    assert message.body == {"type": "txt", "msg": "hi 😀"}
    assert message.chat_type is eim.ChatType.SINGLE
    assert message.time == sent.time
    assert message.sent_at is not None
    assert message.sent_at.tzinfo is datetime.UTC
    assert int(sent.message_id) > 0
    assert int(sent.local_id) > 0
    assert message.reply("yo") == eim.Text(to="alice", text="yo")
    bob.send(message.reply("yo", {"re": message.id}))
    assert next(alice.messages()).ext == {"re": message.id}


def test_session_events_and_their_facts(box: eim.Sandbox) -> None:
    with eim.Client(**box.options(**FAST)) as client:
        events = Recorder(client)
        assert client.state.name == "OFFLINE"
        assert client.user == ""
        client.open(user="alice", password="secret")
        assert client.state is eim.State.ONLINE
        connected = events.wait("connected")
        assert connected.user == client.user == "alice"
        assert connected.resource == client.resource != ""
        assert connected.cause is None
        box.cut("alice")
        reconnecting = events.wait("reconnecting")
        assert reconnecting.will_retry
        assert reconnecting.attempt == 1
        assert isinstance(reconnecting.cause, eim.NetworkError)
        events.wait("connected", 2)
        client.close()
        assert events.wait("disconnected").cause is None
        assert client.state.name == "OFFLINE"
    assert client.state.name == "CLOSED"
    states = [change.state for change in events.of("state")]
    assert states[-2:] == [eim.State.OFFLINE, eim.State.CLOSED] or states[-1] is eim.State.OFFLINE
    for before, after in zip(events.of("state"), events.of("state")[1:], strict=False):
        assert after.previous is before.state
    assert len(events.of("disconnected")) == 1
    assert events.threads == {"eim"}


@pytest.mark.parametrize(
    ("why", "code"), [("removed", 207), ("replaced", 206), ("password", 216), ("forced", 217)]
)
def test_kicks(box: eim.Sandbox, why: Any, code: int) -> None:
    with eim.Client(**box.options(**FAST)) as client:
        events = Recorder(client)
        client.open(user="alice", password="secret")
        messages = client.messages()
        assert box.kick("alice", why, "my tablet") == 1
        with pytest.raises(eim.KickedError) as raised:
            next(messages)
        assert raised.value.code == raised.value.web_code == code
        assert raised.value.is_final
        ended = events.wait("disconnected")
        assert ended.cause.code == code
        assert not ended.will_retry
        if why == "replaced":
            assert raised.value.detail["loginInfoCustomExt"] == "my tablet"
        assert events.of("error")[0].code == code
        assert "reconnecting" not in events.names()


def test_receipts_and_notices(box: eim.Sandbox) -> None:
    with (
        eim.Client(**box.options()) as alice,
        eim.Client(**box.options(delivery=True)) as bob,
    ):
        events = Recorder(alice)
        Recorder(bob)
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")
        sent = alice.send(eim.Text(to="bob", text="hi"))
        receipt = events.wait("receipt")
        assert (receipt.kind, receipt.message_id) == (eim.ReceiptKind.SENT, sent.message_id)
        assert receipt.local_id == sent.local_id
        delivered = events.wait("receipt", 2)
        assert (delivered.kind, delivered.from_) == (eim.ReceiptKind.DELIVERED, "bob")
        assert delivered.message_id == sent.message_id
        box.admin("/push", {"user": "alice", "hex": CONTACT_REQUEST})
        notice = events.wait("notice")
        assert notice.name == "contact"
        assert notice.data["from"] == "bob"
        assert repr(notice) == "<eim.Notice contact>"


def test_token_events(box: eim.Sandbox) -> None:
    options = box.options(token_warning_fraction=0.05, token_warning_lead_ms=0)
    with eim.Client(**options) as client:
        events = Recorder(client)
        client.open(user="alice", access_token=box.token("alice", 2))
        warning = events.wait("token_will_expire")
        assert warning.reason is eim.TokenReason.WILL_EXPIRE
        assert 0 < warning.remaining_ms <= 2000
        assert warning.expires_at > 0
        assert events.wait("token_expired").reason is eim.TokenReason.EXPIRED
        cause = events.wait("disconnected").cause
        assert isinstance(cause, eim.AuthError)
        assert cause.code == 108


def test_the_token_provider_keeps_a_session(box: eim.Sandbox) -> None:
    asked: list[str] = []

    def provider() -> str:
        asked.append(threading.current_thread().name)
        return box.token("alice", 2 if len(asked) == 1 else 3600)

    options = box.options(token_warning_fraction=0.05, token_warning_lead_ms=0)
    with eim.Client(**options) as client:
        client.open(user="alice", access_token=provider)
        wait_until(lambda: box.counters()["expires"] == 1, "the renewal")
        assert asked == ["MainThread", "eim-token"]
        assert client.state is eim.State.ONLINE


def test_a_failing_provider_surfaces_and_ends_the_wait(
    box: eim.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    surfaced: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", surfaced.append)
    tokens = [box.token("alice")]
    with eim.Client(**box.options(**FAST)) as client:
        events = Recorder(client)
        client.open(user="alice", access_token=tokens.pop)
        box.expire_tokens("alice")
        box.cut("alice")
        cause = events.wait("disconnected").cause
        assert cause.code == 108
        assert "IndexError" in cause.message
    wait_until(lambda: surfaced, "the exception of the provider")
    assert surfaced[0].exc_type is IndexError


def test_a_handler_of_token_request_is_a_provider_too(box: eim.Sandbox) -> None:
    with eim.Client(**box.options(**FAST)) as client:
        reasons: list[eim.TokenReason] = []

        @client.on("token_request")
        def wanted(event: eim.TokenEvent) -> None:
            reasons.append(event.reason)
            assert event.deadline_ms > 0
            client.renew_token_nowait(box.token("alice"))

        events = Recorder(client)
        client.open(user="alice", password="secret")
        box.expire_tokens("alice")
        box.cut("alice")
        events.wait("connected", 2)
        assert reasons == [eim.TokenReason.REFUSED]
        assert "disconnected" not in events.names()


@pytest.mark.parametrize(
    ("credentials", "kind", "code"),
    [
        ({"user": "alice", "password": "wrong"}, eim.AuthError, 202),
        ({"user": "nobody", "password": "x"}, eim.AuthError, 204),
        ({"user": "alice", "access_token": "nonsense"}, eim.AuthError, None),
        ({"user": "", "password": "x"}, eim.ArgumentError, 101),
        ({"user": "alice", "password": ""}, eim.ArgumentError, 102),
        ({"user": "alice", "access_token": "a\nb"}, eim.ArgumentError, 104),
    ],
)
def test_refused_logins(
    box: eim.Sandbox, credentials: dict[str, str], kind: type[eim.EimError], code: int | None
) -> None:
    with eim.Client(**box.options()) as client:
        with pytest.raises(kind) as raised:
            client.open(**credentials)
        assert code is None or raised.value.code == code
        assert not raised.value.may_have_happened
        assert client.state is eim.State.OFFLINE


def test_other_errors_by_class(box: eim.Sandbox) -> None:
    silent = box.options(login_timeout=200)
    with eim.Client(**silent) as client:
        box.fail_next("token", "silence")
        with pytest.raises(eim.TimeoutError) as raised:
            client.open(user="alice", password="secret")
        assert isinstance(raised.value, TimeoutError)
        assert raised.value.is_retriable
        with pytest.raises(eim.EimError) as refused:
            client.send(eim.Text(to="bob", text="hi"))
        assert refused.value.code in (201, -10)
    nowhere = box.options() | {"api_url": "http://127.0.0.1:1", "login_timeout": 200}
    with eim.Client(**nowhere) as client, pytest.raises(eim.NetworkError) as lost:
        client.open(user="alice", password="secret")
    assert isinstance(lost.value, ConnectionError)
    with pytest.raises(eim.EimError) as closed:
        client.send(eim.Text(to="bob", text="hi"))
    assert closed.value.name == "EIM_E_CLOSED"


def test_registration(box: eim.Sandbox) -> None:
    with eim.Client(**box.options()) as client:
        client.register_user("carol", "secret", "Carol 😀")
        with pytest.raises(eim.EimError) as raised:
            client.register_user("carol", "secret")
        assert (raised.value.code, raised.value.name) == (203, "USER_ALREADY_EXIST")
        client.open(user="carol", password="secret")
        box.fail_next("register", "disconnect")
        with pytest.raises(eim.EimError) as unknown:
            client.register_user("dave", "secret")
        assert unknown.value.may_have_happened


def test_what_the_rest_of_the_calls_do(box: eim.Sandbox) -> None:
    with eim.Client(**box.options(**FAST)) as client:
        events = Recorder(client)
        client.set_login_ext("tablet")
        client.set_login_ext(None)
        with pytest.raises(eim.ArgumentError):
            client.set_login_ext("x" * 1025)
        client.open(user="alice", password="secret")
        assert client.health()["state"] == "ONLINE"
        client.renew_token(box.token("alice"))
        with pytest.raises(eim.EimError):
            client.renew_token("nonsense")
        client.network_changed(False)
        box.cut("alice")
        wait_until(lambda: client.state is eim.State.WAITING)
        client.network_changed(True)
        events.wait("connected", 2)
        client.close()
        client.close()
        client.open(user="alice", password="secret")


def test_handlers_by_id_and_by_decorator(pair: tuple[eim.Client, eim.Client]) -> None:
    alice, bob = pair
    got: list[str] = []

    class Handlers:
        def on_message(self, message: eim.Message) -> None:
            got.append(f"object {message.text}")

    bob.add_event_handler("o", Handlers())
    bob.add_event_handler("k", on_message=lambda message: got.append(f"first {message.text}"))
    bob.add_event_handler("k", on_message=lambda message: got.append(f"keyword {message.text}"))
    done = threading.Event()

    @bob.on("message")
    def last(message: eim.Message) -> None:
        got.append(f"decorated {message.text}")
        done.set()

    assert last.__name__ == "last"
    alice.send(eim.Text(to="bob", text="1"))
    assert done.wait(PATIENCE)
    assert got == ["object 1", "keyword 1", "decorated 1"]
    bob.remove_event_handler("o")
    with pytest.raises(eim.ArgumentError, match="'o'"):
        bob.remove_event_handler("o")
    done.clear()
    alice.send(eim.Text(to="bob", text="2"))
    assert done.wait(PATIENCE)
    assert got[3:] == ["keyword 2", "decorated 2"]


def test_handlers_that_cannot_be(eim_client: eim.Client) -> None:
    with pytest.raises(ValueError, match="did you mean 'message'"):
        eim_client.on("mesage")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="did you mean 'token_will_expire'"):
        eim_client.on("onTokenWillExpire")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="callable"):
        eim_client.on("message", 5)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        eim_client.on(5)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="handles no event"):
        eim_client.add_event_handler("x", object())
    with pytest.raises(TypeError, match="did you mean 'on_message'"):
        eim_client.add_event_handler("x", message=print)
    with pytest.raises(ValueError, match="unknown event"):
        eim_client.add_event_handler("x", on_mail=print)
    with pytest.raises(TypeError, match="at least one"):
        eim_client.add_event_handler("x")
    with pytest.raises(ValueError, match="not empty"):
        eim_client.add_event_handler("", on_message=print)


def test_what_is_raised_in_a_handler_goes_to_the_excepthook(
    pair: tuple[eim.Client, eim.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = pair
    surfaced: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", surfaced.append)
    both = threading.Event()
    got: list[str | None] = []

    @bob.on("message")
    def bad(message: eim.Message) -> None:
        raise KeyError(message.text)

    @bob.on("message")
    def good(message: eim.Message) -> None:
        got.append(message.text)
        if len(got) == 20:
            both.set()

    for i in range(20):
        alice.send_nowait(eim.Text(to="bob", text=str(i)))
    assert both.wait(PATIENCE)
    assert got == [str(i) for i in range(20)]
    wait_until(lambda: len(surfaced) == 20)
    assert [args.exc_value.args[0] for args in surfaced] == got
    assert {args.exc_type for args in surfaced} == {KeyError}
    assert bob.state is eim.State.ONLINE


def test_waiting_in_a_handler_is_refused_and_nowait_works(
    pair: tuple[eim.Client, eim.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = pair
    surfaced: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", surfaced.append)

    @bob.on("message")
    def answer(message: eim.Message) -> None:
        with contextlib.suppress(RuntimeError):
            bob.send(message.reply("never"))
            raise AssertionError("send() waited in a handler")
        bob.send_nowait(message.reply("at once"))

    alice.send(eim.Text(to="bob", text="?"))
    assert next(alice.messages()).text == "at once"
    assert not surfaced


def test_requests_are_futures(pair: tuple[eim.Client, eim.Client], box: eim.Sandbox) -> None:
    alice, _ = pair
    many = [alice.send_nowait(eim.Text(to="bob", text=str(i))) for i in range(50)]
    done, rest = concurrent.futures.wait(many, PATIENCE)
    assert not rest
    ids = [int(request.result().message_id) for request in many]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(done) == 50
    assert not many[0].cancel()
    box.fail_next("send", "silence")
    silent = alice.send_nowait(eim.Text(to="bob", text="?"))
    assert silent.cancel()
    error = silent.exception(PATIENCE)
    assert isinstance(error, eim.EimError)
    assert error.name == "EIM_E_CANCELED"


def test_shutdown_ends_open_requests(box: eim.Sandbox) -> None:
    client = eim.Client(**box.options())
    client.open(user="alice", password="secret")
    box.fail_next("send", "silence", 100)
    requests = [client.send_nowait(eim.Text(to="bob", text="?")) for _ in range(10)]

    def drain() -> None:
        with contextlib.suppress(eim.EimError):  # the thread may begin when all is over
            list(client.messages())

    stuck = threading.Thread(target=drain)
    stuck.start()
    client.shutdown()
    for request in requests:
        assert isinstance(request.exception(PATIENCE), eim.EimError)
    stuck.join(PATIENCE)
    assert not stuck.is_alive()
    client.shutdown()
    assert client.state is eim.State.CLOSED


def test_messages_keeps_what_came_before_and_ends_with_close(box: eim.Sandbox) -> None:
    for i in range(30):
        box.push("alice", f"offline {i}", "bob")
    with eim.Client(**box.options()) as client:
        client.open(user="alice", password="secret")
        wait_until(lambda: len(client._inbox) == 30)
        box.push("alice", "live", "bob")
        got = []
        for message in client.messages():
            got.append(message.text)
            if message.text == "live":
                break
        assert got == [*(f"offline {i}" for i in range(30)), "live"]
        box.push("alice", "after the break", "bob")
        assert next(client.messages()).text == "after the break"
        client.close()
        assert list(client.messages()) == []


def test_an_inbox_nobody_empties_is_bounded(
    box: eim.Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(eim._base, "_INBOX_LIMIT", 5)
    for i in range(20):
        box.push("alice", str(i), "bob")
    with eim.Client(**box.options()) as client:
        events: list[str] = []
        client.open(user="alice", password="secret")
        wait_until(lambda: client._inbox and client._inbox[-1][0].text == "19")
        assert [next(client.messages()).text for _ in range(5)] == ["15", "16", "17", "18", "19"]
        assert not events
    assert "nobody takes the messages" in caplog.text


def test_a_context_of_ones_own_is_polled(box: eim.Sandbox) -> None:
    with eim.Context() as context, eim.Client(context=context, **box.options()) as client:
        events = Recorder(client)
        client.open(user="alice", password="secret")  # polls by itself
        assert events.threads == {"MainThread"}
        seen = len(events.seen)
        box.push("alice", "hi", "bob")
        assert select.select([context], [], [], PATIENCE)[0] == [context]
        assert context.wait(0)
        assert len(events.seen) == seen
        while "message" not in events.names():
            context.poll(PATIENCE)
        assert context.poll(0) == 0
        client.close()


def test_poll_raises_what_a_handler_raised_and_keeps_the_rest(box: eim.Sandbox) -> None:
    with eim.Context() as context, eim.Client(context=context, **box.options()) as client:
        got: list[str | None] = []

        @client.on("message")
        def received(message: eim.Message) -> None:
            got.append(message.text)
            raise LookupError(message.text)

        client.open(user="alice", password="secret")
        for i in range(3):
            box.push("alice", str(i), "bob")
        for i in range(3):
            with pytest.raises(LookupError, match=str(i)):
                while True:
                    context.poll(PATIENCE)
        assert got == ["0", "1", "2"]

        @client.on("message")
        def too(message: eim.Message) -> None:
            raise OSError("also")

        box.push("alice", "both", "bob")
        with pytest.raises(ExceptionGroup) as group:
            while True:
                context.poll(PATIENCE)
        assert [type(error) for error in group.value.exceptions] == [LookupError, OSError]


def test_poll_inside_poll_is_refused(box: eim.Sandbox) -> None:
    with eim.Context() as context, eim.Client(context=context, **box.options()) as client:
        caught: list[eim.EimError] = []

        @client.on("connected")
        def connected(change: eim.StateChange) -> None:
            try:
                context.poll(1)
            except eim.EimError as error:
                caught.append(error)

        client.open(user="alice", password="secret")
        assert [error.name for error in caught] == ["EIM_E_BUSY"]


@pytest.mark.parametrize("io_threads", [0, 2])
def test_io_threads(box: eim.Sandbox, io_threads: int) -> None:
    with eim.Context(io_threads=io_threads) as context:
        clients = [eim.Client(context=context, **box.options()) for _ in range(2)]
        for client, user in zip(clients, ("alice", "bob"), strict=True):
            client.open(user=user, password="secret")
        clients[0].send(eim.Text(to="bob", text="hi"))
        assert next(clients[1].messages()).text == "hi"
        for client in clients:
            client.close()
    assert repr(context) == "<eim.Context closed, 2 clients>"
    with pytest.raises(eim.EimError):
        context.poll(0)


def test_many_threads(box: eim.Sandbox) -> None:
    with eim.Client(**box.options()) as alice, eim.Client(**box.options()) as bob:
        alice.open(user="alice", password="secret")
        bob.open(user="bob", password="secret")

        def talk(thread: int) -> int:
            for i in range(25):
                alice.send(eim.Text(to="bob", text=f"{thread} {i}"))
            return 25

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            messages = itertools.islice(bob.messages(), 150)
            listening = pool.submit(lambda: [message.text for message in messages])
            assert sum(pool.map(talk, range(6))) == 150
            texts = listening.result(PATIENCE)
        for thread in range(6):
            own = [text for text in texts if text and text.startswith(f"{thread} ")]
            assert own == [f"{thread} {i}" for i in range(25)]


def test_reprs_help_and_hold_no_secret(box: eim.Sandbox, eim_user: SandboxUser) -> None:
    token = box.token("alice")
    proxy = "http://user:very-secret@127.0.0.1:1"
    with eim.Client(**box.options()) as client:
        client.open(user="alice", access_token=token)
        assert repr(client) == "<eim.Client sandbox#demo alice ONLINE>"
        box.push("alice", "long " * 50, "bob")
        message = next(client.messages())
        assert repr(message).startswith(f"<eim.Message {message.id} txt bob -> alice 'long long ")
        assert len(repr(message)) < 120
        with pytest.raises(eim.EimError) as raised:
            client.open(user="alice", access_token="a-wrong-secret")
        shown = [repr(client), repr(raised.value), str(raised.value), repr(client.health())]
    assert repr(client) == "<eim.Client sandbox#demo alice CLOSED>"
    with pytest.raises(TypeError) as typed:
        eim.Client(**box.options(proxy=[proxy]))
    with eim.Client(**box.options(proxy=proxy, login_timeout=200)) as other:
        shown += [repr(other), str(typed.value)]
        with pytest.raises(eim.EimError) as failed:
            other.open(user="alice", password="my-password")
        shown += [str(failed.value), repr(failed.value.detail)]
    shown += [repr(eim_user), repr(box)]
    for text in shown:
        for secret in (token, "a-wrong-secret", "very-secret", "my-password", eim_user.password):
            assert secret not in text


def test_arguments_of_a_wrong_type(eim_client: eim.Client) -> None:
    for bad in ("text", None, 5):
        with pytest.raises(TypeError, match=r"eim\.Text"):
            eim_client.send(bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="to must be str"):
        eim_client.send(eim.Text(to=5, text="x"))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ext must be a mapping"):
        eim_client.send(eim.Text(to="a", text="x", ext=[1]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="JSON"):
        eim_client.send(eim.Text(to="a", text="x", ext={"n": float("nan")}))
    with pytest.raises(TypeError):
        eim_client.send(eim.Text(to="a", text="x", ext={"o": object()}))
    with pytest.raises(ValueError, match="null character"):
        eim_client.send(eim.Text(to="a", text="x\0y"))
    with pytest.raises(UnicodeEncodeError):
        eim_client.send(eim.Text(to="a", text="\ud800"))
    for wrong in ({}, {"password": "x", "access_token": "y"}, {"password": 5}, {"access_token": 5}):
        with pytest.raises(TypeError):
            eim_client.open(user="alice", **wrong)
    with pytest.raises(TypeError, match="user must be str"):
        eim_client.open(user=5, password="x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="provider must return str"):
        eim_client.open(user="alice", access_token=lambda: 5)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError):
        eim_client.renew_token(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        eim_client.network_changed("up")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        eim_client.set_login_ext(5)  # type: ignore[arg-type]
    assert eim_client.state is eim.State.ONLINE
