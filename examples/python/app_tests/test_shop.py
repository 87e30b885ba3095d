"""Tests of an application that talks; the fixtures come with libeim (pytest plugin ``eim``)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import eim
import pytest
from eim.pytest_plugin import SandboxUser
from shop import Shop


@pytest.fixture(scope="session")
def town(eim_sandbox: eim.Sandbox) -> eim.Sandbox:
    """The service with the accounts that all tests share."""
    eim_sandbox.add_user("kitchen", "secret")
    eim_sandbox.add_user("guest", "secret")
    return eim_sandbox


@pytest.fixture
def shop(town: eim.Sandbox, eim_client: eim.Client) -> Shop:
    """The application under test, online as ``eim_client``: an account of its own in each test."""
    return Shop(eim_client, kitchen="kitchen")


@pytest.fixture
def guest(town: eim.Sandbox) -> Iterator[eim.Client]:
    """Somebody who talks to it."""
    with eim.Client(**town.options()) as client:
        client.open(user="guest", password="secret")
        yield client


def order(guest: eim.Client, shop: Shop, text: str) -> eim.Message:
    """Says a thing to the shop, returns the answer."""
    assert shop.client.user is not None
    guest.send(eim.Text(to=shop.client.user, text=text))
    return next(guest.messages())


def test_an_order(shop: Shop, guest: eim.Client) -> None:
    answer = order(guest, shop, "2 tea")
    assert answer.text == "2 tea: 6 coins"
    assert answer.ext == {"total": 6}
    assert shop.sold == {"guest": 6}


@pytest.mark.parametrize("text", ["hello", "2 unicorns"])
def test_what_it_does_not_understand(shop: Shop, guest: eim.Client, text: str) -> None:
    assert (order(guest, shop, text).text or "").startswith("Sorry?")
    assert not shop.sold


def test_nothing_is_lost_while_the_line_is_down(
    eim_sandbox: eim.Sandbox, eim_user: SandboxUser, shop: Shop, guest: eim.Client
) -> None:
    eim_sandbox.cut(eim_user.name)  # the shop's line is cut; it comes back by itself
    assert order(guest, shop, "1 cake").text == "1 cake: 5 coins"
    assert shop.lines_lost == 1


def test_a_second_device_takes_over(
    eim_sandbox: eim.Sandbox, eim_user: SandboxUser, shop: Shop
) -> None:
    gone: Future[eim.StateChange] = Future()
    shop.client.on("disconnected", gone.set_result)
    with eim.Client(**eim_sandbox.options()) as other:
        other.open(**eim_user.login())
        cause = gone.result(10).cause
    assert isinstance(cause, eim.KickedError)
    assert cause.code == 206
