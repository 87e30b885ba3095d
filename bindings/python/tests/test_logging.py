"""The library's log in the standard logging module."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import eim
import pytest
from conftest import wait_until


@pytest.fixture
def level() -> Iterator[logging.Logger]:
    logger = logging.getLogger("eim")
    before = logger.level
    yield logger
    logger.setLevel(before)
    eim.sync_log_level()


def test_lines_arrive_with_level_time_and_module(
    box: eim.Sandbox, level: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    level.setLevel(logging.INFO)
    with eim.Client(**box.options()) as client:
        client.open(user="alice", password="secret")
    wait_until(lambda: "CLOSED" in caplog.text)
    records = [record for record in caplog.records if record.name == "eim.session"]
    assert any("-> ONLINE" in record.getMessage() for record in records)
    assert {record.levelno for record in records} == {logging.INFO}
    times = [record.created for record in records]
    assert times == sorted(times)
    assert abs(times[0] - records[0].created) < 60


def test_the_level_holds(
    box: eim.Sandbox, level: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    level.setLevel(logging.CRITICAL)
    with eim.Client(**box.options()) as client:
        client.open(user="alice", password="secret")
        client.close()
        level.setLevel(5)
        eim.sync_log_level()
        client.open(user="alice", password="secret")
        wait_until(
            lambda: any(r.levelno < logging.INFO for r in caplog.records),
            "a line below INFO",
        )
    assert "AUTHENTICATING" in caplog.text


def test_no_secret_and_no_text_in_any_line(
    box: eim.Sandbox,
    level: logging.Logger,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    level.setLevel(1)
    token = box.token("alice")
    with eim.Client(**box.options(reconnect_base_ms=1)) as client:
        with pytest.raises(eim.EimError):
            client.open(user="alice", password="planted-password")
        client.open(user="alice", access_token=token)
        client.renew_token(box.token("alice"))
        client.send(eim.Text(to="bob", text="planted-text", ext={"planted": "ext"}))
        box.kick("alice")
        with pytest.raises(eim.KickedError):
            next(client.messages())
        client.open(user="alice", password="secret")
    wait_until(lambda: "CLOSED" in caplog.text)
    out, err = capfd.readouterr()
    text = caplog.text + out + err
    for planted in ("planted", token):
        assert planted not in text
    assert "eim" not in err  # nothing of it on the console


def test_a_handler_that_fails_does_not_end_the_log(
    box: eim.Sandbox, level: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    class Bad(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError("full")

    level.setLevel(logging.INFO)
    bad = Bad()
    level.addHandler(bad)
    try:
        with eim.Client(**box.options()) as client:
            client.open(user="alice", password="secret")
    finally:
        level.removeHandler(bad)
    with eim.Client(**box.options()) as client:
        client.open(user="bob", password="secret")
    wait_until(lambda: "CLOSED" in caplog.text)
