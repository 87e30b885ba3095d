"""What is offered is whole: stubs, events, errors, docstrings."""

from __future__ import annotations

import ast
import copy
import inspect
import pathlib
import pickle
import re
import typing

import eim
import pytest
from eim import _core, _errors, _events, aio

ROOT = pathlib.Path(__file__).resolve().parents[3]
HEADERS = ROOT / "core" / "include" / "eim"
STUB = ROOT / "bindings" / "python" / "src" / "eim" / "_core.pyi"


def test_the_stub_is_the_module() -> None:
    tree = ast.parse(STUB.read_text("utf-8"))
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)} - {"__getattr__"}
    names = {n.target.id for n in tree.body if isinstance(n, ast.AnnAssign)}  # type: ignore[union-attr]
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_"}
    real = {name for name in vars(_core) if re.match(r"eim_|EIM_|log_|set_error", name)}
    codes = {name for name in real if name.startswith(("EIM_CODE_", "EIM_VERSION", "EIM_API"))}
    assert functions | names - codes | set(classes) == real - codes
    for name, node in classes.items():
        stubbed = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        methods = {m for m in vars(getattr(_core, name)) if m[0] != "_"} - {"thisown"}
        assert stubbed == methods, name


def test_every_public_function_of_the_headers_is_wrapped() -> None:
    text = "".join(path.read_text("utf-8") for path in HEADERS.glob("*.h"))
    functions = set(re.findall(r"^EIM_API [^;()]*?\b(eim_\w+)\(", text, re.MULTILINE))
    assert len(functions) > 90
    hand_made = {
        "eim_last_error",
        "eim_config_free",
        "eim_context_start",
        "eim_context_subscribe_log",
        "eim_log_set_callback",
        "eim_log_download",
        *(name for name in functions if name.startswith("eim_message_builder_")),
    }
    missing = []
    for name in functions - hand_made:
        if name.endswith(("_ref", "_unref")) or hasattr(_core, name):
            continue
        owners = [c for c in vars(_core) if name.startswith(f"{c}_") and c != "eim"]
        method = [name.removeprefix(f"{c}_") for c in owners]
        if not any(
            hasattr(getattr(_core, c), m) or hasattr(getattr(_core, c), f"{m}_")
            for c, m in zip(owners, method, strict=True)
        ):
            missing.append(name)
    assert missing == []


def test_every_event_of_the_core_has_a_view() -> None:
    header = (HEADERS / "event.h").read_text("utf-8")
    events = re.findall(r"^  X\((\w+), (\w+)\)", header, re.MULTILINE)
    assert {name for name, _ in events} == set(_events.VIEWS) | {"result"}
    payloads = {
        "eim_state_change": _events.StateChange,
        "eim_token_event": _events.TokenEvent,
        "eim_message": _events.Message,
        "eim_receipt": _events.Receipt,
        "eim_notice": _events.Notice,
        "eim_progress": _events.Progress,
        "eim_error": _events._error,
    }
    for name, payload in events:
        if name != "result":
            assert _events.VIEWS[name] is payloads[payload]


def test_the_types_of_handlers_are_those_of_the_events() -> None:
    """The overloads of on(): each event is there, with the view its handlers are given."""
    typed: dict[str, object] = {}
    decorated: dict[str, object] = {}
    for overload in typing.get_overloads(aio.Client.on):
        hints = typing.get_type_hints(overload)
        names = typing.get_args(hints["event"])
        if "handler" in hints:
            (view,), _ = typing.get_args(hints["handler"])
            typed |= dict.fromkeys(names, view)
        else:
            (bound,), _ = typing.get_args(typing.get_args(hints["return"])[0][0].__bound__)
            decorated |= dict.fromkeys(names, bound)
    views = {n: eim.EimError if n == "error" else view for n, view in _events.VIEWS.items()}
    assert typed == decorated == views


def test_enumerations_are_those_of_the_core() -> None:
    for kind, prefix in (
        (eim.State, "EIM_STATE_"),
        (eim.ChatType, "EIM_CHAT_"),
        (eim.MessageKind, "EIM_MESSAGE_"),
        (eim.ReceiptKind, "EIM_RECEIPT_"),
        (eim.TokenReason, "EIM_TOKEN_"),
        (eim.Domain, "EIM_DOMAIN_"),
    ):
        core = {
            n.removeprefix(prefix): getattr(_core, n) for n in vars(_core) if n.startswith(prefix)
        }
        assert {member.name: member.value for member in kind} == core


def test_everything_public_is_documented() -> None:
    for name in eim.__all__:
        thing = getattr(eim, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing) and not issubclass(thing, dict):
            for member, value in vars(thing).items():
                if not member.startswith("_") and (
                    inspect.isfunction(value) or isinstance(value, property)
                ):
                    assert inspect.getdoc(value), f"{name}.{member}"
    for member, value in vars(aio.Client).items():
        if not member.startswith("_") and callable(value):
            assert inspect.getdoc(value), f"aio.Client.{member}"


def test_both_clients_have_the_same_words() -> None:
    def words(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    nowait = {name for name in words(eim.Client) if name.endswith("_nowait")}
    assert words(eim.Client) - nowait == words(aio.Client)


def test_version() -> None:
    assert eim.__version__ == _core.eim_version_string()
    assert f'"{eim.__version__}"' in (HEADERS / "version.h").read_text("utf-8")


@pytest.mark.parametrize(
    ("status", "kind", "also"),
    [
        (_core.EIM_E_INVALID, eim.ArgumentError, ValueError),
        (_core.EIM_E_TIMEOUT, eim.TimeoutError, TimeoutError),
        (_core.EIM_E_NETWORK, eim.NetworkError, ConnectionError),
        (_core.EIM_E_TLS, eim.NetworkError, OSError),
        (_core.EIM_E_AUTH, eim.AuthError, Exception),
        (_core.EIM_E_BUSY, eim.EimError, Exception),
    ],
)
def test_errors_by_status(status: int, kind: type, also: type) -> None:
    error = _errors.local(status, "why")
    assert type(error) is kind
    assert isinstance(error, also)
    assert isinstance(error, eim.EimError)
    assert error.code == error.native == status
    assert str(error) == f"why ({status} {error.name})"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, eim.KickedError) for code in (206, 207, 216, 217)),
        *((code, eim.AuthError) for code in (102, 104, 108, 202, 204, 213, 214, 220, 305)),
        *((code, eim.NetworkError) for code in (300, 304)),
        (301, eim.TimeoutError),
        *((code, eim.EimError) for code in (4, 8, 203, 208, 302, 602)),
    ],
)
def test_errors_by_code(code: int, kind: type) -> None:
    assert _errors._class_of(code, eim.Domain.SERVER, 1) is kind


def test_errors_can_be_copied_and_pickled() -> None:
    error = eim.KickedError("gone", code=206, name="X", detail={"a": [1]}, is_final=True)
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is eim.KickedError
        assert vars(other) == vars(error)
        assert str(other) == str(error) == "gone (206 X)"
    assert repr(error) == "<eim.KickedError 206 X: gone>"


def test_the_extension_exports_one_symbol() -> None:
    import subprocess

    import eim._eim

    listing = subprocess.run(
        ["nm", "-D", "--defined-only", eim._eim.__file__],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line.split()[-1] for line in listing.splitlines()] == ["PyInit__eim"]
