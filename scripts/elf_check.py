#!/usr/bin/env python3
"""elf_check.py [--page BYTES] [--export REGEX] [--libc FILE] LIBRARY: a shared library that goes into other people's
processes must be as we promise. Prints what is not so, then "N passed, N failed".

  --page BYTES    what its segments are aligned to: 16384 on some Android and ARM machines, which is the default
  --export REGEX  what it may export; Java_* and JNI_OnLoad, JNI_OnUnload by default
  --libc FILE     names of functions, one a line before any "#": it may need no other (android_libc.txt)
"""

import argparse
import re
import struct
import sys
from pathlib import Path

LOAD, DYNAMIC, STACK, RELRO = 1, 2, 0x6474E551, 0x6474E552
EXECUTE, WRITE = 1, 2
NEEDED, SONAME, RPATH, TEXTREL, BIND_NOW, RUNPATH, FLAGS, FLAGS_1 = 1, 14, 15, 22, 24, 29, 30, 0x6FFFFFFB
# libc and what belongs to it: glibc, musl, bionic; the compiler's own on 32-bit ARM.
OF_LIBC = r"(libc|libm|libdl|libpthread|librt|libgcc_s)\.so(\.\d+)?|ld-linux[\w.-]*\.so\.\d|ld-musl-\w+\.so\.1|liblog\.so"


class Elf:
    """What the loader sees, little-endian, of 32 or 64 bits."""

    def __init__(self, data: bytes):
        if data[:4] != b"\x7fELF" or data[5] != 1:
            raise ValueError("not an ELF file, or big-endian")
        self.data = data
        self.wide = data[4] == 2
        self.type = self.unpack("H", 16)[0]
        if self.wide:
            (phoff, self.shoff), (phsize, phnum, shsize, shnum) = self.unpack("QQ", 32), self.unpack("HHHH", 54)
        else:
            (phoff, self.shoff), (phsize, phnum, shsize, shnum) = self.unpack("II", 28), self.unpack("HHHH", 42)
        self.sections = [self.section(self.shoff + i * shsize) for i in range(shnum)]
        self.segments = [self.segment(phoff + i * phsize) for i in range(phnum)]
        self.dynamic: list[tuple[int, int]] = []
        for segment in self.segments:
            if segment["type"] == DYNAMIC:
                size = 16 if self.wide else 8
                for at in range(segment["offset"], segment["offset"] + segment["filesz"], size):
                    tag, value = self.unpack("QQ" if self.wide else "II", at)
                    if tag == 0:
                        break
                    self.dynamic.append((tag, value))

    def unpack(self, form: str, at: int) -> tuple:
        return struct.unpack_from("<" + form, self.data, at)

    def segment(self, at: int) -> dict:
        if self.wide:
            names, values = "type flags offset vaddr paddr filesz memsz align", self.unpack("IIQQQQQQ", at)
        else:
            names, values = "type offset vaddr paddr filesz memsz flags align", self.unpack("IIIIIIII", at)
        return dict(zip(names.split(), values, strict=True))

    def section(self, at: int) -> dict:
        values = self.unpack("IIQQQQIIQQ" if self.wide else "IIIIIIIIII", at)
        return dict(zip("name type flags addr offset size link info align entsize".split(), values, strict=True))

    def text(self, at: int) -> str:
        return self.data[at : self.data.index(b"\0", at)].decode()

    def strings(self, tag: int) -> list[str]:
        table = next(self.sections[s["link"]]["offset"] for s in self.sections if s["type"] == 6)
        return [self.text(table + value) for kind, value in self.dynamic if kind == tag]

    def symbols(self) -> list[tuple[str, bool, bool]]:
        """Name, defined here, weak; of those that the loader sees."""
        found = []
        for section in self.sections:
            if section["type"] != 11:
                continue
            table = self.sections[section["link"]]["offset"]
            for i in range(1, section["size"] // section["entsize"]):
                at = section["offset"] + i * section["entsize"]
                name = self.unpack("I", at)[0]
                info, _, index = self.unpack("BBH", at + (4 if self.wide else 12))
                if info >> 4 != 0 and name:
                    found.append((self.text(table + name), index != 0, info >> 4 == 2))
        return found


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--page", type=int, default=16384)
    arguments.add_argument("--export", default=r"Java_\w+|JNI_OnLoad|JNI_OnUnload")
    arguments.add_argument("--libc", type=Path)
    arguments.add_argument("library", type=Path)
    given = arguments.parse_args()
    elf = Elf(given.library.read_bytes())
    passed = failed = 0

    def check(what: str, wrong: object) -> None:
        nonlocal passed, failed
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print(f"FAILED {given.library.name}: {what}: {wrong}")

    tags, loads = dict(elf.dynamic), [s for s in elf.segments if s["type"] == LOAD]
    check("a shared library", elf.type != 3)
    check("it has something to load", len(loads) < 2)
    check(f"aligned to pages of {given.page}", [
        hex(s["vaddr"]) for s in loads if s["align"] % given.page or (s["vaddr"] - s["offset"]) % given.page])
    check("nothing both written and run", [hex(s["vaddr"]) for s in loads if s["flags"] & WRITE and s["flags"] & EXECUTE])
    stacks = [s["flags"] for s in elf.segments if s["type"] == STACK]
    check("a stack that is not run", len(stacks) != 1 or stacks[0] & EXECUTE)
    check("no text relocations", TEXTREL in tags or tags.get(FLAGS, 0) & 4)
    check("read-only after relocation", not any(s["type"] == RELRO for s in elf.segments))
    check("bound at once", not (BIND_NOW in tags or tags.get(FLAGS, 0) & 8 or tags.get(FLAGS_1, 0) & 1))
    check("no search paths", elf.strings(RPATH) + elf.strings(RUNPATH))
    check("its own name", elf.strings(SONAME) != [given.library.name] and elf.strings(SONAME))
    check("it needs libc and nothing else", [n for n in elf.strings(NEEDED) if not re.fullmatch(OF_LIBC, n)])
    check("it needs libc", not elf.strings(NEEDED))
    symbols = elf.symbols()
    exported = [name for name, defined, _ in symbols if defined]
    check("exports", [n for n in exported if not re.fullmatch(given.export, n)])
    check("it exports something", not exported)
    if given.libc:
        known = {line.split("#")[0].strip() for line in given.libc.read_text().splitlines()}
        check("functions of libc that were looked at", [n for n, defined, weak in symbols if not (defined or weak) and n not in known])
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
