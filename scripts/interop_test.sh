#!/usr/bin/env bash
# interop_test.sh BUILD: the published easemob-websdk, in Node, against the sandbox and libeim of that build.
# And against the Python package of these sources. The packages go to build/interop: the tree stays clean.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "${1:?which build directory?}")
. scripts/python_env.sh
work=build/interop
mkdir -p "$work"
cp tests/interop/package.json tests/interop/package-lock.json "$work/"
if ! cmp -s tests/interop/package-lock.json "$work/installed-lock.json"; then
  (cd "$work" && npm ci --no-audit --no-fund --loglevel=error ||
    npm ci --no-audit --no-fund --loglevel=error)
  cp tests/interop/package-lock.json "$work/installed-lock.json"
fi
find tests/interop -maxdepth 1 -type f ! -name 'package*.json' -exec cp {} "$work/" \;
cd "$work"
EIM_PYTHON="$venv/bin/python" EIM_BUILD_DIR="$build" EIM_SANDBOX="$build/sandbox/eim-sandbox" npm test --silent
