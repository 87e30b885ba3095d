"""Options: keyword arguments in snake_case over the core's table of options."""

from __future__ import annotations

import datetime
import difflib
import functools
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from . import _core

Milliseconds = int | datetime.timedelta
PathText = str | os.PathLike[str]


class Options(TypedDict, total=False):
    """Every option but ``app_key``. Meaning, range and default: docs/configuration.md."""

    device_id: str | None
    is_fixed_device_id: bool | None
    device_name: str | None
    os_platform: str | int | None
    state_dir: PathText | None
    is_http_dns: bool | None
    api_url: str | None
    url: str | None
    https: bool | None
    dns_urls: Iterable[str] | str | None
    ca_file: PathText | None
    pinned_keys: Iterable[str] | str | None
    client_cert: PathText | None
    client_key: PathText | None
    proxy: str | None
    ip_version: str | int | None
    heart_beat_wait: Milliseconds | None
    heartbeat_timeout: Milliseconds | None
    connect_timeout: Milliseconds | None
    login_timeout: Milliseconds | None
    request_timeout: Milliseconds | None
    send_timeout: Milliseconds | None
    auto_reconnect_num_max: int | None
    reconnect_base_ms: Milliseconds | None
    reconnect_max_ms: Milliseconds | None
    reconnect_hold_ms: Milliseconds | None
    token_warning_fraction: float | None
    token_warning_lead_ms: Milliseconds | None
    delivery: bool | None
    use_own_upload_fun: bool | None
    max_pending_sends: int | None
    max_undelivered: int | None
    ack_mode: str | None
    max_frame_bytes: int | None
    compression: bool | None
    enable_report_logs: bool | None
    report_log_level: str | int | None
    report_max_bytes: int | None


class Option(NamedTuple):
    """One line of the table."""

    key: str
    type: str
    unit: str
    doc: str


def snake_case(key: str) -> str:
    """``isHttpDNS`` -> ``is_http_dns``."""
    return re.sub(r"(?<=[a-z0-9])([A-Z]+)", r"_\1", key).lower()


# Options of a context, not of a client.
_CONTEXT = frozenset({"io_threads"})


@functools.cache
def table() -> Mapping[str, Option]:
    """The option table of the core by the names used here."""
    options = {}
    for i in range(_core.eim_option_count()):
        key = _core.eim_option_name(i)
        options[snake_case(key)] = Option(
            key, _core.eim_option_type(i), _core.eim_option_unit(i), _core.eim_option_doc(i)
        )
    return options


def _wrong(name: str, wanted: str, value: object) -> TypeError:
    # Never with the value in it: it may be a secret.
    return TypeError(f"option {name} must be {wanted}, not {type(value).__name__}")


def _text(name: str, option: Option, value: object) -> str:
    if option.type == "bool":
        if not isinstance(value, bool):
            raise _wrong(name, "bool", value)
        return "true" if value else "false"
    if option.unit == "ms" and isinstance(value, datetime.timedelta):
        return str(round(value.total_seconds() * 1000))
    if option.type == "int":
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(name, "int (ms) or timedelta" if option.unit == "ms" else "int", value)
        return str(value)
    if option.type == "float":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(name, "float", value)
        return repr(value)
    if option.type == "list" and not isinstance(value, str):
        if not isinstance(value, Iterable):
            raise _wrong(name, "str or an iterable of str", value)
        items = list(value)
        if not all(isinstance(item, str) for item in items):
            raise TypeError(f"option {name} must be str or an iterable of str")
        return ",".join(items)
    if option.type == "enum" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise _wrong(name, "str or int" if option.type == "enum" else "str", value)
    return value


def build(options: Mapping[str, Any]) -> _core.eim_config:
    """A config of the core. ``None`` leaves a default as it is."""
    config = _core.eim_config_new()
    known = table()
    for name, value in options.items():
        option = known.get(name)
        if option is None:
            near = difflib.get_close_matches(name, [*known, *(o.key for o in known.values())], n=1)
            hint = snake_case(near[0]) if near else ""
            raise TypeError(
                f"unknown option {name!r}" + (f"; did you mean {hint!r}?" if hint else "")
            )
        if value is not None:
            config.set(option.key, _text(name, option, value))
    return config


def build_for_client(options: Mapping[str, Any]) -> _core.eim_config:
    """As build(), but the context's options belong to :class:`eim.Context`."""
    for name in _CONTEXT & options.keys():
        raise TypeError(f"option {name} belongs to eim.Context, not to a client")
    return build(options)
