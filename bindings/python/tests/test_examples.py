"""The programs in examples/python do what they say."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "examples" / "python"
SAYS = {
    "echo_bot.py": ([], "alice got ['hello', 'how are you?', '😀']"),
    "aio_bot.py": ([], "bot: about ships"),
    "token_provider.py": ([], "still ONLINE after 3 lives of a token"),
    "many_bots.py": (["100"], "'around the world' went through all of them"),
}


def test_all_are_here() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_example(name: str) -> None:
    arguments, says = SAYS[name]
    run = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / name), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert says in run.stdout
