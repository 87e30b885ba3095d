"""Fixtures for applications that talk: a local service, a user of it, a client that is online.

The plugin is active as soon as libeim is installed. ::

    def test_bot(eim_sandbox, eim_client):
        eim_sandbox.push(eim_client.user, "hello bot")
        assert next(eim_client.messages()).text == "hello bot"
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from ._client import Client
from .sandbox import Sandbox

_numbers = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class SandboxUser:
    """An account of the sandbox."""

    name: str
    password: str = dataclasses.field(repr=False)
    sandbox: Sandbox

    def token(self, ttl: int = 0) -> str:
        """A fresh access token."""
        return self.sandbox.token(self.name, ttl)

    def login(self) -> dict[str, Any]:
        """The arguments for ``open()``."""
        return {"user": self.name, "password": self.password}


@pytest.fixture(scope="session")
def eim_sandbox() -> Iterator[Sandbox]:
    """The local service, one for the whole run."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def eim_user(eim_sandbox: Sandbox) -> SandboxUser:
    """A fresh account."""
    number = next(_numbers)
    user = SandboxUser(f"user{number}", f"password of user{number}", eim_sandbox)
    eim_sandbox.add_user(user.name, user.password)
    return user


@pytest.fixture
def eim_client(eim_sandbox: Sandbox, eim_user: SandboxUser) -> Iterator[Client]:
    """A blocking client of that account, online."""
    with Client(**eim_sandbox.options()) as client:
        client.open(**eim_user.login())
        yield client
