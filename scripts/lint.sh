#!/usr/bin/env bash
# lint.sh [--format | --style]: clang-format and clang-tidy over every C file of the project; --style is
# clang-format alone, --format changes the files.
set -eu
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files -- '*.c' '*.h' 2>/dev/null || find core sandbox cli tests examples -name '*.[ch]')
case "${1:-}" in
--format) exec clang-format -i "${files[@]}" ;;
esac
clang-format --dry-run -Werror "${files[@]}"
echo "lint: ${#files[@]} files are formatted"
if [ "${1:-}" = --style ]; then exit 0; fi

cmake --preset clang >/dev/null
cmake --build --preset clang --target eim_proto >/dev/null # the generated headers
# Only what is compiled has a compile command.
mapfile -t sources < <(python3 - <<'PY'
import json, os
here = os.getcwd() + os.sep
files = {entry["file"] for entry in json.load(open("build/clang/compile_commands.json"))}
print("\n".join(sorted(f for f in files if f.startswith(here) and not f.startswith(here + "build"))))
PY
)
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy --quiet -p build/clang 2>/dev/null
echo "lint: ${#sources[@]} sources are tidy"
