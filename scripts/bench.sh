#!/usr/bin/env bash
# bench.sh BUILD [options of tests/bench/bench.py]: libeim beside easemob-websdk, one table (docs/performance.md).
# The packages go to build/interop, as for the interop tests. Without npm or network: libeim alone.
set -eu
cd "$(dirname "$0")/.."
build=$(realpath "${1:?which build directory?}")
shift
if [ ! -x "$build/tests/bench/eim-bench" ]; then
  echo "bench: $build was configured without EIM_BUILD_BENCH" >&2
  exit 2
fi
work=build/interop
mkdir -p "$work"
cp tests/interop/package.json tests/interop/package-lock.json "$work/"
sdk=()
if ! command -v npm >/dev/null 2>&1; then
  echo "bench: no npm, so libeim alone" >&2
elif cmp -s tests/interop/package-lock.json "$work/installed-lock.json" ||
  { (cd "$work" && npm ci --no-audit --no-fund --loglevel=error >&2) &&
    cp tests/interop/package-lock.json "$work/installed-lock.json"; }; then
  cp tests/interop/wx-shim.mjs tests/bench/sdk.mjs "$work/"
  sdk=(--sdk "$(realpath "$work")")
else
  echo "bench: easemob-websdk cannot be installed, so libeim alone" >&2
fi
python=()
for one in build/python-*/bin/python; do # of scripts/test-python.sh
  if "$one" -c 'import eim' 2>/dev/null; then python=(--python "$PWD/$one"); fi
done
java=()
if [ -d build/java/dist ] && command -v java >/dev/null 2>&1; then # of scripts/test-java.sh
  java=(--java "$PWD/build/java/dist/*")
fi
exec python3 tests/bench/bench.py "$build" ${sdk[@]+"${sdk[@]}"} ${python[@]+"${python[@]}"} ${java[@]+"${java[@]}"} "$@"
