#!/usr/bin/env python3
"""Holds the rooms of core/src apart: a file includes its own room and those that core/CMakeLists.txt names
for it (DEPS), nothing else. Prints each line that does not; status 1 when there is one."""
import pathlib
import re
import sys

core = pathlib.Path(__file__).resolve().parent.parent / "core"
rooms = {
    name: {name} | (set(deps.split()) if deps else set())
    for name, deps in re.findall(r"^eim_room\((\w+)(?: DEPS ([\w ]+?))?(?: LIBS [\w ]+)?\)", (core / "CMakeLists.txt").read_text(), re.M)
}
wrong = checked = 0
for path in sorted((core / "src").rglob("*.[ch]")):
    room = path.parent.name
    for number, line in enumerate(path.read_text().splitlines(), 1):
        include = re.match(r'#include "(\w+)/', line)
        checked += bool(include)
        if include and include.group(1) not in rooms[room]:
            print(f"{path.relative_to(core.parent)}:{number}: {room}/ must not include {include.group(1)}/")
            wrong += 1
if not rooms or not checked:
    print("nothing was checked")
    wrong += 1
sys.exit(wrong > 0)
