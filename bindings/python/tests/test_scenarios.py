"""Plays tests/scenarios: the list that all languages share (tests/scenarios/README.md)."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import time
from typing import Any

import eim
import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "tests" / "scenarios"
ALL = [
    pytest.param(scenario, id=f"{file.stem}-{scenario['name']}")
    for file in sorted(FOLDER.glob("*.json"))
    for scenario in json.loads(file.read_text("utf-8"))["scenarios"]
]
KINDS = {
    kind._TYPE: kind
    for kind in (
        *(eim.Text, eim.Image, eim.Voice, eim.Video, eim.File),
        *(eim.Location, eim.Command, eim.Custom, eim.Combine),
    )
}
CHATS = {"single": eim.ChatType.SINGLE, "group": eim.ChatType.GROUP, "room": eim.ChatType.ROOM}
OPTIONS = {"appKey": "app_key", "apiUrl": "api_url", "url": "url", "caFile": "ca_file"}
Event = tuple[str, dict[str, Any]]


def error_fields(error: eim.EimError | None) -> dict[str, Any]:
    if error is None:
        return {"code": 0, "name": "", "message": "", "detail": {}}
    return {
        "code": error.code,
        "name": error.name,
        "domain": int(error.domain),
        "native": error.native,
        "isRetriable": error.is_retriable,
        "isFinal": error.is_final,
        "mayHaveHappened": error.may_have_happened,
        "message": error.message,
        "detail": error.detail,
        "webCode": error.web_code,
    }


def fields(view: Any) -> dict[str, Any]:
    chat = {value: key for key, value in CHATS.items()}
    match view:
        case eim.EimError():
            return error_fields(view)
        case eim.StateChange():
            return error_fields(view.cause) | {
                "state": view.state.name,
                "previous": view.previous.name,
                "attempt": view.attempt,
                "nextRetryMs": view.next_retry_ms,
                "willRetry": view.will_retry,
                "user": view.user,
                "resource": view.resource,
            }
        case eim.TokenEvent():
            return {
                "reason": int(view.reason),
                "expiresAt": view.expires_at,
                "remainingMs": view.remaining_ms,
                "deadlineMs": view.deadline_ms,
            }
        case eim.Message():
            return {
                "id": view.id,
                "from": view.from_,
                "to": view.to,
                "fromResource": view.from_resource,
                "time": view.time,
                "type": view.type,
                "chatType": chat[view.chat_type],
                "text": view.text,
                "ext": view.ext,
                "body": view.body,
            }
        case eim.Receipt():
            return {
                "kind": int(view.kind),
                "messageId": view.message_id,
                "localId": view.local_id,
                "from": view.from_,
                "to": view.to,
                "chatType": chat[view.chat_type],
                "time": view.time,
                "json": view.data,
            }
        case eim.Notice():
            return {"noticeName": view.name, "json": view.data}
    raise AssertionError(view)


def outgoing(data: dict[str, Any]) -> eim.Outgoing:
    """The object of Python for a message as docs/messages.md has it."""
    data = dict(data)
    kind = KINDS[data.pop("type")]
    chats = {"singleChat": "single", "groupChat": "group", "chatRoom": "room"}
    arguments: dict[str, Any] = {"chat_type": CHATS[chats[data.pop("chatType", "singleChat")]]}
    if "msgConfig" in data:
        arguments["allow_group_ack"] = data.pop("msgConfig")["allowGroupAck"]
    names = {wire: name for name, wire in {**eim._outgoing._COMMON, **kind._NAMES}.items()}
    return kind(**arguments, **{names.get(key, key): value for key, value in data.items()})


def inside(value: Any, name: str) -> Any:
    """A field by its name, ``json.url`` is a member of one."""
    for part in name.split("."):
        value = value[part]
    return value


def matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return bool(rule == value and isinstance(rule, bool) == isinstance(value, bool))
    ((kind, want),) = rule.items()
    match kind:
        case "min":
            return bool(value >= want)
        case "contains":
            return want in value
        case "not":
            return not matches(want, value)
        case "json":
            return bool(value == want)
        case "has":
            return all(key in value and matches(part, value[key]) for key, part in want.items())
    raise AssertionError(f"unknown rule {kind}")


class Player:
    def __init__(self, sandbox: eim.Sandbox, context: eim.Context, folder: pathlib.Path) -> None:
        self.sandbox, self.context, self.folder = sandbox, context, folder
        self.variables: dict[str, Any] = dict(sandbox.facts)
        self.clients: dict[str, eim.Client] = {}
        self.events: dict[str, list[Event]] = {}
        self.cursors: dict[str, int] = {}
        self.requests: dict[str, tuple[str, eim.Request[Any]]] = {}
        self.shut_down: set[str] = set()
        self.messages: dict[tuple[str, str], eim.Message] = {}

    def value(self, data: Any) -> Any:
        """Variables filled in."""
        if isinstance(data, str) and data.startswith("$"):
            return self.variables[data[1:]]
        if isinstance(data, list):
            return [self.value(item) for item in data]
        if isinstance(data, dict):
            return {key: self.value(item) for key, item in data.items()}
        return data

    def play(self, step: dict[str, Any]) -> None:
        verb = next(iter(step))
        getattr(self, f"do_{verb}")(self.value(step))

    def fails(self, step: dict[str, Any], error: eim.EimError) -> None:
        if not matches({"has": step.get("fails", {"code": 0})}, error_fields(error)):
            raise AssertionError(f"{step} failed with {error_fields(error)}")

    def do_admin(self, step: dict[str, Any]) -> None:
        answer = self.sandbox.admin(step["admin"], step["body"])
        for variable, member in step.get("save", {}).items():
            self.variables[variable] = inside(answer, member)

    def do_new(self, step: dict[str, Any]) -> None:
        name = step["new"]
        options = {key: self.variables[key] for key in OPTIONS} | step.get("options", {})
        names = {option.key: snake for snake, option in eim._config.table().items()}
        arguments = {names[key]: value for key, value in options.items() if value is not None}
        arguments.setdefault("app_key", "")
        try:
            client = eim.Client(context=self.context, **arguments)
        except eim.EimError as error:
            return self.fails(step, error)
        assert "fails" not in step, f"{step} did not fail"
        self.clients[name], self.events[name], self.cursors[name] = client, [], 0
        for event in set(eim._events.VIEWS) - {"token_request", "progress"}:
            self.listen(name, event)

    def listen(self, name: str, event: str) -> None:
        def keep(view: Any) -> None:
            if isinstance(view, eim.Message):
                self.messages[name, view.id] = view
            self.events[name].append((event, fields(view)))

        self.clients[name].add_event_handler(event, **{f"on_{event}": keep})

    def do_provider(self, step: dict[str, Any]) -> None:
        self.listen(step["provider"], "token_request")

    def do_call(self, step: dict[str, Any]) -> None:
        name, verb, args = step["client"], step["call"], step.get("args", [])
        try:
            request = self.call(name, verb, args)
        except eim.EimError as error:
            return self.fails(step, error)
        assert "fails" not in step, f"{step} did not fail"
        if verb == "shutdown":
            self.shut_down.add(name)
        if "as" in step and request is not None:
            self.requests[step["as"]] = (name, request)
            request.add_done_callback(lambda _: self.result(name, step["as"], request))

    def call(self, name: str, verb: str, args: list[Any]) -> eim.Request[Any] | None:
        client = self.clients[name]
        match verb:
            case "send":
                return client.send_nowait(outgoing(args[0]))
            case "edit":
                return client.edit_nowait(args[0], outgoing(args[1]))
            case "mark_read":
                return client.mark_read_nowait(self.messages[name, args[0]], *args[1:])
            case "mark_channel_read":
                return client.mark_channel_read_nowait(args[1], CHATS[args[0]])
            case "recall":
                ext = args[3] if len(args) > 3 else None
                return client.recall_nowait(args[2], to=args[1], chat_type=CHATS[args[0]], ext=ext)
            case "message_done":
                client.message_done(self.messages[name, args[0]])
                return None
            case "join_room":
                leave = len(args) > 2 and args[2]
                return client.join_room_nowait(*args[:2], leave_others=leave)
            case "upload":
                return client.upload_nowait(args[0], filename=(*args[1:], None)[0])
            case "download":
                return client.download_nowait(args[0], args[1], secret=(*args[2:], None)[0])
            case "request":
                query, body = (*args[2:], None, None)[:2]
                return client.request_nowait(args[0], args[1], query=query, json=body)
            case "open_password":
                return client.open_nowait(user=args[0], password=args[1])
            case "open_token":
                return client.open_nowait(user=args[0], access_token=args[1])
            case "send_text":
                ext = args[3] if len(args) > 3 else None
                return client.send_nowait(
                    eim.Text(args[1], args[2], ext=ext, chat_type=CHATS[args[0]])
                )
            case "cancel":
                self.requests[args[0]][1].cancel()
                return None
            case "register_user" | "close" | "renew_token" | "leave_room" | "health":
                request: eim.Request[Any] = getattr(client, f"{verb}_nowait")(*args)
                return request
        getattr(client, verb)(*args)
        return None

    def result(self, name: str, label: str, request: eim.Request[Any]) -> None:
        error = request.exception()
        assert error is None or isinstance(error, eim.EimError)
        view = error_fields(error) | {"request": label}
        view.setdefault("mayHaveHappened", False)
        sent = None if error else request.result()
        if isinstance(sent, eim.SendResult):
            view |= {"messageId": sent.message_id, "localId": sent.local_id, "time": sent.time}
        elif isinstance(sent, eim.Response):
            view["json"] = {"status": sent.status, "body": sent.body}
        elif isinstance(sent, eim.Uploaded):
            view["json"] = dataclasses.asdict(sent)
        elif isinstance(sent, int):
            view["json"] = {"file_length": sent}
        elif sent is not None:
            view["json"] = sent
        self.events[name].append(("result", view))

    def do_expect(self, step: dict[str, Any]) -> None:
        name, want = step["client"], step.get("match", {})
        deadline = time.monotonic() + step.get("within", 10_000) / 1000
        events = self.events[name]
        start = self.cursors[name]
        while True:
            while self.cursors[name] < len(events):
                event, view = events[self.cursors[name]]
                self.cursors[name] += 1
                if event == step["expect"] and matches({"has": want}, view):
                    for variable, field in step.get("save", {}).items():
                        self.variables[variable] = inside(view, field)
                    return
            left = deadline - time.monotonic()
            if left <= 0:
                seen = "\n  ".join(map(str, events[start:]))
                raise AssertionError(f"{step} did not come; since then:\n  {seen}")
            self.context.poll(left)

    def do_count(self, step: dict[str, Any]) -> None:
        want = {"has": step.get("match", {})}
        found = [
            v for e, v in self.events[step["client"]] if e == step["count"] and matches(want, v)
        ]
        assert len(found) == step["is"], f"{step}: {found}"

    def do_write(self, step: dict[str, Any]) -> None:
        path = self.folder / step["write"]
        if "text" in step:
            path.write_text(step["text"], "utf-8")
        self.variables[step["write"]] = str(path)

    def do_read(self, step: dict[str, Any]) -> None:
        assert pathlib.Path(step["read"]).read_text("utf-8") == step["is"]

    def do_state(self, step: dict[str, Any]) -> None:
        assert self.clients[step["client"]].state.name == step["state"]

    def do_counter(self, step: dict[str, Any]) -> None:
        assert self.sandbox.counters()[step["counter"]] == step["is"], step

    def end(self) -> None:
        deadline = time.monotonic() + 10
        for label, (name, request) in self.requests.items():
            while not request.done() and name not in self.shut_down:
                assert time.monotonic() < deadline, f"request {label} has no result"
                self.context.poll(0.1)


@pytest.mark.parametrize("scenario", ALL)
def test_scenario(scenario: dict[str, Any], tmp_path: pathlib.Path) -> None:
    with (
        eim.Sandbox(arguments=scenario.get("sandbox", [])) as sandbox,
        eim.Context() as context,
    ):
        player = Player(sandbox, context, tmp_path)
        for step in scenario["steps"]:
            player.play(step)
        player.end()
