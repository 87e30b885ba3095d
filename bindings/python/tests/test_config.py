"""Options: types, names, and that the typed list is the core's table."""

from __future__ import annotations

import datetime
import pathlib
import typing
from typing import Any

import eim
import pytest
from eim import _config, _core

KEY: dict[str, Any] = {"app_key": "org#app", "is_http_dns": True}


def made(**options: Any) -> _core.eim_config:
    return _config.build_for_client(KEY | options)


def test_every_option_of_the_core_is_typed() -> None:
    typed = set(typing.get_type_hints(eim.Options))
    assert typed == set(_config.table()) - {"app_key", "io_threads"}


def test_types_of_the_list_fit_the_table() -> None:
    hints = typing.get_type_hints(eim.Options)
    for name, option in _config.table().items():
        if name in hints:
            kinds = set(typing.get_args(hints[name]))
            assert (bool in kinds) == (option.type == "bool"), name
            assert (datetime.timedelta in kinds) == (option.unit == "ms"), name
            assert (float in kinds) == (option.type == "float"), name


@pytest.mark.parametrize(
    ("key", "snake"),
    [
        ("isHttpDNS", "is_http_dns"),
        ("appKey", "app_key"),
        ("heartBeatWait", "heart_beat_wait"),
        ("reconnectBaseMs", "reconnect_base_ms"),
        ("url", "url"),
        ("autoReconnectNumMax", "auto_reconnect_num_max"),
    ],
)
def test_names(key: str, snake: str) -> None:
    assert _config.snake_case(key) == snake
    assert _config.table()[snake].key == key


@pytest.mark.parametrize(
    ("options", "key", "text"),
    [
        ({"delivery": True}, "delivery", "true"),
        ({"delivery": False}, "delivery", "false"),
        ({"login_timeout": 1500}, "loginTimeout", "1500"),
        ({"login_timeout": datetime.timedelta(seconds=2.5)}, "loginTimeout", "2500"),
        ({"token_warning_fraction": 0.5}, "tokenWarningFraction", "0.5"),
        ({"auto_reconnect_num_max": -1}, "autoReconnectNumMax", "-1"),
        ({"dns_urls": ["https://a.example", "https://b.example"]}, "dnsUrls", None),
        ({"dns_urls": "https://a.example"}, "dnsUrls", "https://a.example"),
        ({"ca_file": pathlib.Path("/x/y")}, "caFile", "/x/y"),
        ({"os_platform": 7}, "osPlatform", "7"),
        ({"os_platform": "linux"}, "osPlatform", "linux"),
        ({"ip_version": 4}, "ipVersion", "4"),
        ({"proxy": "http://u:p@h:1"}, "proxy", "***"),
        ({"device_id": None}, "deviceId", None),
    ],
)
def test_values(options: dict[str, Any], key: str, text: str | None) -> None:
    value = made(**options).get(key)
    if key == "dnsUrls" and text is None:
        text = "https://a.example,https://b.example"
    assert value == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delivery": 1}, "delivery must be bool, not int"),
        ({"delivery": "true"}, "delivery must be bool, not str"),
        ({"login_timeout": True}, r"int \(ms\) or timedelta, not bool"),
        ({"login_timeout": 1.5}, r"int \(ms\) or timedelta, not float"),
        ({"login_timeout": "1000"}, r"int \(ms\) or timedelta, not str"),
        ({"max_undelivered": datetime.timedelta(1)}, "must be int, not timedelta"),
        ({"token_warning_fraction": "x"}, "must be float"),
        ({"api_url": 5}, "api_url must be str, not int"),
        ({"api_url": b"http://x"}, "api_url must be str, not bytes"),
        ({"dns_urls": 5}, "str or an iterable of str"),
        ({"dns_urls": [5]}, "str or an iterable of str"),
        ({"os_platform": 1.5}, "str or int"),
        ({"io_threads": 2}, r"belongs to eim\.Context"),
        ({"devise_id": "x"}, "unknown option 'devise_id'; did you mean 'device_id'"),
        ({"isHttpDns": True}, "did you mean 'is_http_dns'"),
        ({"heartBeatWait": 1000}, "did you mean 'heart_beat_wait'"),
        ({"qqq": 1}, "unknown option 'qqq'$"),
    ],
)
def test_wrong_types_and_names(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        made(**options)
    with pytest.raises(TypeError, match=message):
        eim.Client(**KEY | options)


@pytest.mark.parametrize(
    "options",
    [
        {"login_timeout": 1},
        {"token_warning_fraction": 1.5},
        {"api_url": "ftp://x"},
        {"os_platform": "amiga"},
        {"os_platform": 0},
        {"app_key": "no-hash"},
        {"ca_file": "/no/such/file"},
    ],
)
def test_values_the_core_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(eim.ArgumentError) as raised:
        eim.Client(**KEY | options)
    assert isinstance(raised.value, ValueError)
    assert raised.value.native == _core.EIM_E_INVALID


def test_app_key_has_to_be_a_str() -> None:
    with pytest.raises(TypeError, match="app_key must be str"):
        eim.Client(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        eim.Context(io_threads="2")  # type: ignore[arg-type]
    with pytest.raises(eim.ArgumentError):
        eim.Context(io_threads=1000)
