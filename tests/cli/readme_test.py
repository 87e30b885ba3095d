#!/usr/bin/env python3
"""README.md quotes examples/echo.c as it is, and its links lead somewhere: readme_test.py SOURCE_DIR."""
import os
import re
import sys

root = sys.argv[1]
failed = []


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def links(path):
    found = re.findall(r"\]\(([^)#\s]+)", read(path))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


quoted = re.findall(r"```c\n(.*?)```", read("README.md"), re.S)
if read("examples/echo.c") not in quoted:
    failed.append("README.md does not quote examples/echo.c as it is")
pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] + ["docs/" + f for f in os.listdir(os.path.join(root, "docs"))]
checks = 1
for page in pages:
    for link in links(page) if page.endswith(".md") else []:
        checks += 1
        if not os.path.exists(os.path.join(root, os.path.dirname(page), link)):
            failed.append(f"{page} links to {link}, which is not there")
print("\n".join(failed))
print(f"{checks - len(failed)} passed, {len(failed)} failed")
sys.exit(bool(failed))
