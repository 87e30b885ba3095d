#!/usr/bin/env bash
# elf_check.py must find each fault: libraries that are good but for one thing. Ends with "N passed, N failed".
set -u
check=$(cd "$(dirname "$0")" && pwd)/elf_check.py
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0
cat >good.c <<'END'
int Java_io_libeim_CoreJNI_one(void);
int Java_io_libeim_CoreJNI_one(void) { return 1; }
END
echo 'int stray(void); int stray(void) { return 2; }' >stray.c
echo '#pragma GCC visibility push(hidden)
int *where(void); int table; int *where(void) { return &table; }' >text.c
echo '#include <stdio.h>
int Java_two(void); int Java_two(void) { return fopen("", "r") != NULL; }' >use.c
gcc -shared -fPIC -Wl,-soname,libother.so stray.c -o libother.so

# faulty WHAT OPTIONS…: must be found, by those words; WHAT "" must be good.
faulty() {
  local what=$1
  shift
  mkdir -p out && rm -f out/*
  gcc -shared -fPIC good.c -o out/lib.so -Wl,-soname,lib.so -Wl,-z,max-page-size=16384 -Wl,-z,relro -Wl,-z,now \
    -Wl,-z,noexecstack -Wl,--no-as-needed "$@" || exit 1
  [ -z "${after:-}" ] || "$after" out/lib.so
  "$check" out/lib.so >report 2>&1
  if [ -z "$what" ] && [ "$(cat report)" = '14 passed, 0 failed' ]; then
    passed=$((passed + 1))
  elif [ -n "$what" ] && grep -q "^FAILED lib.so: $what: " report && grep -q '^13 passed, 1 failed$' report; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED ${what:-a good one}:" && cat report
  fi
}

faulty ''
faulty 'aligned to pages of 16384' -Wl,-z,max-page-size=4096
faulty 'a stack that is not run' -Wl,-z,execstack
faulty 'read-only after relocation' -Wl,-z,norelro
faulty 'bound at once' -Wl,-z,lazy
faulty 'no search paths' -Wl,-rpath,/tmp
faulty 'it needs libc and nothing else' -L. -l:libother.so
faulty 'exports' stray.c
faulty 'no text relocations' -fno-pic -mcmodel=large -Wl,-z,notext text.c
faulty 'its own name' -Wl,-soname,another.so
# A segment of code that may be written, as only a bad linker makes it.
writable() {
  python3 - "$1" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
start, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
for at in range(start, start + 56 * count, 56):
    kind, flags = struct.unpack_from("<II", data, at)
    if kind == 1 and flags & 1:
        struct.pack_into("<I", data, at + 4, flags | 2)
open(sys.argv[1], "wb").write(data)
END
}
after=writable
faulty 'nothing both written and run'
after=''
# A function that nobody has looked up.
echo 'malloc' >known.txt
gcc -shared -fPIC use.c -o out/lib.so -Wl,-soname,lib.so -Wl,-z,max-page-size=16384 -Wl,-z,now
if "$check" --libc known.txt out/lib.so | grep -q "functions of libc that were looked at: .*'fopen'"; then
  passed=$((passed + 1))
else
  failed=$((failed + 1)) && echo 'FAILED functions of libc'
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
