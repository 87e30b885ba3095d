"""The programs in examples/python do what they say."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "examples" / "python"
SAYS = {
    "echo_bot.py": ([], "alice got ['hello', 'how are you?', '😀']"),
    "streaming_bot.py": ([], "bot: This is question 2, it was: and of wheels."),
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


def test_the_suite_of_an_imaginary_app() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(FOLDER / "app_tests")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=FOLDER / "app_tests",
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 passed" in run.stdout
