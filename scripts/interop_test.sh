#!/usr/bin/env bash
# interop_test.sh BUILD: the published easemob-websdk, in Node, against the sandbox and libeim of that build.
# And against the Python package of these sources.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "${1:?which build directory?}")
. scripts/python_env.sh
. scripts/interop_env.sh
cd "$work"
EIM_PYTHON="$venv/bin/python" EIM_BUILD_DIR="$build" EIM_SANDBOX="$build/sandbox/eim-sandbox" npm test --silent
