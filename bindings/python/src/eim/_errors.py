"""Exceptions: one class to catch, a few to tell apart, and all the facts of the core's error."""

from __future__ import annotations

import builtins
import enum
import json
from typing import Any

from . import _core


class Domain(enum.IntEnum):
    """Which number space :attr:`EimError.native` is from."""

    LOCAL = _core.EIM_DOMAIN_LOCAL
    OS = _core.EIM_DOMAIN_OS
    TLS = _core.EIM_DOMAIN_TLS
    HTTP = _core.EIM_DOMAIN_HTTP
    SERVER = _core.EIM_DOMAIN_SERVER


class EimError(Exception):
    """Something did not work. Subclasses say roughly what, :attr:`code` says exactly.

    ``except eim.EimError`` catches all of them.
    """

    code: int
    """Above zero: the vendor's number (docs/errors.md). Below zero: an ``eim_status``."""
    name: str
    """Stable name of the code, such as ``"USER_LOGIN_ANOTHER_DEVICE"`` or ``"EIM_E_TLS"``."""
    domain: Domain
    """Where :attr:`native` comes from."""
    native: int
    """The number in that domain: errno, HTTP status, server status."""
    message: str
    """One sentence for people, never with a secret in it."""
    is_retriable: bool
    """The same call may succeed later without a change of its arguments."""
    is_final: bool
    """The session is over and will not be restored by itself."""
    may_have_happened: bool
    """For sends and registration: the server may have done it although no answer came."""
    detail: dict[str, Any]
    """More facts: HTTP status, server text, ``loginInfoCustomExt`` …"""
    web_code: int
    """The number the 4.x web SDK uses for this error; -2 where it has none."""

    def __init__(
        self,
        message: str,
        *,
        code: int = _core.EIM_CODE_GENERAL_ERROR,
        name: str = "GENERAL_ERROR",
        domain: Domain = Domain.LOCAL,
        native: int = 0,
        is_retriable: bool = False,
        is_final: bool = False,
        may_have_happened: bool = False,
        detail: dict[str, Any] | None = None,
        web_code: int = -2,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.name = name
        self.domain = domain
        self.native = native
        self.is_retriable = is_retriable
        self.is_final = is_final
        self.may_have_happened = may_have_happened
        self.detail = {} if detail is None else detail
        self.web_code = web_code

    def __str__(self) -> str:
        return f"{self.message} ({self.code} {self.name})"

    def __repr__(self) -> str:
        return f"<eim.{type(self).__name__} {self.code} {self.name}: {self.message}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, dict(self.__dict__))


class ArgumentError(EimError, ValueError):
    """An argument, option or address is wrong. Nothing was sent."""


class AuthError(EimError):
    """The credentials, or this device, were refused."""


class KickedError(EimError):
    """The session was ended from elsewhere: another device, a new password, the console."""


class NetworkError(EimError, ConnectionError):
    """The service could not be reached, or the connection was lost."""


class TimeoutError(EimError, builtins.TimeoutError):
    """No answer in time."""


_KICKED = {206, 207, 216, 217}
_AUTH = {_core.EIM_E_AUTH, 102, 104, 108, 202, 204, 213, 214, 220, 305}
_NETWORK = {_core.EIM_E_NETWORK, _core.EIM_E_TLS, 2, 300, 304}
_TIMEOUT = {_core.EIM_E_TIMEOUT, 301}


def _class_of(code: int, domain: int, native: int) -> type[EimError]:
    if domain == _core.EIM_DOMAIN_LOCAL and native == _core.EIM_E_INVALID:
        return ArgumentError
    if code in _KICKED:
        return KickedError
    if code in _AUTH:
        return AuthError
    if code in _NETWORK:
        return NetworkError
    if code in _TIMEOUT:
        return TimeoutError
    return EimError


def _rebuild(kind: type[EimError], message: str, facts: dict[str, Any]) -> EimError:
    error = kind(message)
    error.__dict__.update(facts)
    return error


def from_core(error: _core.eim_error) -> EimError:
    """The exception for an error of the core."""
    code, domain, native = error.code(), error.domain(), error.native()
    detail = json.loads(error.detail())
    return _class_of(code, domain, native)(
        error.message(),
        code=code,
        name=error.name(),
        domain=Domain(domain),
        native=native,
        is_retriable=error.is_retriable(),
        is_final=error.is_final(),
        may_have_happened=error.may_have_happened(),
        detail=detail if isinstance(detail, dict) else {},
        web_code=error.web_code(),
    )


def local(status: int, message: str) -> EimError:
    """An error that the facade itself finds."""
    return _class_of(status, _core.EIM_DOMAIN_LOCAL, status)(
        message, code=status, name=_core.eim_status_name(status), native=status
    )


_core.set_error_factory(from_core)
