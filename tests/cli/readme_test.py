#!/usr/bin/env python3
"""README.md quotes examples/echo.c as it is; the links of every page lead to files and headings: readme_test.py SOURCE_DIR."""
import os
import re
import sys

root = sys.argv[1]
failed = []


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def pages():
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if not f.startswith((".", "build")) and f not in ("dist", "node_modules")]
        yield from (os.path.relpath(os.path.join(folder, f), root) for f in sorted(files) if f.endswith(".md"))


def prose(path):
    """The page without what is code: there a # is no heading and brackets are no link."""
    return re.sub(r"^ *```.*?^ *```", "", read(path), flags=re.S | re.M)


def headings(path):
    """The names that GitHub gives to the headings of a page."""
    names = set()
    for text in re.findall(r"^#+ +(.*)$", prose(path), re.M):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
        name = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
        again = 0
        while (f"{name}-{again}" if again else name) in names:
            again += 1
        names.add(f"{name}-{again}" if again else name)
    return names


def wrong(page, link):
    """What is wrong with the link, or None."""
    path, _, heading = link.partition("#")
    target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
    if not os.path.exists(os.path.join(root, target)):
        return "which is not there"
    if heading and target.endswith(".md") and heading not in headings(target):
        return "which has no such heading"
    return None


quoted = re.findall(r"```c\n(.*?)```", read("README.md"), re.S)
if read("examples/echo.c") not in quoted:
    failed.append("README.md does not quote examples/echo.c as it is")
checks = 1
for page in pages():
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page))):
        if re.match(r"[a-z]+:", link):
            continue
        checks += 1
        what = wrong(page, link)
        if what:
            failed.append(f"{page} links to {link}, {what}")
print("\n".join(failed))
print(f"{checks - len(failed)} passed, {len(failed)} failed")
sys.exit(bool(failed))
