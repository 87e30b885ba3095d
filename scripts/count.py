#!/usr/bin/env python3
"""Counts the results of a suite: count.py junit FILE (of ctest), count.py surefire FILE… or count.py text FILE (a log).

Prints "PASSED FAILED". A ctest test that ends with the line "N passed, N failed" counts as that many; any
other as one. A test that failed counts as one failure at least, whatever it printed.
"""
import re
import sys
import xml.etree.ElementTree as tree

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed\b", re.M)


def closing(text):
    found = CLOSING.findall(text or "")
    return tuple(map(int, found[-1])) if found else None


def node(text):
    """The summary of node --test, in its spec or its TAP form."""
    passed = re.findall(r"^[#ℹ] pass (\d+)", text, re.M)
    failed = re.findall(r"^[#ℹ] fail (\d+)", text, re.M)
    return (int(passed[-1]), int(failed[-1])) if passed and failed else None


def pytest(text):
    """The closing lines of pytest: one for each time it ran."""
    lines = re.findall(r"^=+ (.*\b(?:passed|failed|error).*) in [\d.]+s.*=+$", text, re.M)
    if not lines:
        return None
    passed = failed = 0
    for line in lines:
        counts = {word.rstrip("s"): int(n) for n, word in re.findall(r"(\d+) (\w+)", line)}
        passed += counts.get("passed", 0)
        failed += counts.get("failed", 0) + counts.get("error", 0)
    return passed, failed


def junit(path):
    passed = failed = 0
    for case in tree.parse(path).getroot().iter("testcase"):
        ok = case.get("status") == "run"
        inner = closing(case.findtext("system-out"))
        if case.get("status") in ("disabled", "notrun") and case.find("skipped") is not None:
            continue
        p, f = inner or (int(ok), int(not ok))
        if not ok and f == 0:
            f = 1
        passed, failed = passed + p, failed + f
    return passed, failed


def surefire(*paths):
    passed = failed = 0
    for path in paths:
        suite = tree.parse(path).getroot()
        tests, skipped, errors, failures = (int(suite.get(name)) for name in ("tests", "skipped", "errors", "failures"))
        failed += errors + failures
        passed += tests - skipped - errors - failures
    return passed, failed


def text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        content = file.read()
    return closing(content) or node(content) or pytest(content) or (0, 0)


print(*{"junit": junit, "surefire": surefire, "text": text}[sys.argv[1]](*sys.argv[2:]))
