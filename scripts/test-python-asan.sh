#!/usr/bin/env bash
# The Python suite once more with the extension, the core and the sandbox built with AddressSanitizer and UBSan.
# CPython itself is not: its own allocations are seen because PYTHONMALLOC sends them to malloc.
#
# Leaks are errors in the files where every client lives in the process of pytest. The others start programs that
# end in the middle of their work, on purpose, so there what is left at the end is no leak.
set -eu
cd "$(dirname "$0")/.."
. scripts/python_env.sh
build=$PWD/build/asan
cmake --preset asan -DEIM_BUILD_PYTHON=ON -DPython_EXECUTABLE="$venv/bin/python" >/dev/null
cmake --build --preset asan -j "$(nproc 2>/dev/null || echo 2)" --target eim_python eim-sandbox
package=$build/python
rm -rf "$package"
mkdir -p "$package"
cp -r bindings/python/src/eim "$package/"
cp "$build"/bindings/python/eim/_core.py "$build"/bindings/python/eim/*.so "$package/eim/"

# checked OPTIONS COMMAND…: with the runtime of the sanitizer, which has to come first.
checked() {
  local options=$1
  shift
  PYTHONPATH=$package EIM_SANDBOX=$build/sandbox/eim-sandbox PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1 \
    LD_PRELOAD=$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=abort_on_error=1:$options \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    LSAN_OPTIONS=suppressions=$PWD/bindings/python/tests/leaks.supp:print_suppressions=0 \
    "$venv/bin/python" "$@"
}
suite() {
  local options=$1
  shift
  checked "$options" -m pytest -p no:cacheprovider -c pyproject.toml --rootdir . "$@"
}
# A stack of two: the suppressions are for what CPython asked for itself, not for all that Python has called.
leaks=detect_leaks=1:malloc_context_size=2
in_process=(client kinds aio storm done config logging)
cd bindings/python/tests
files=(test_*.py)
cd ../../..

# Would a leak be seen? Not after this: a config nobody frees.
if checked $leaks -c 'from eim import _core; _core.eim_config_new().thisown = False' 2>"$package/leak"; then
  echo "a leak was not found" >&2
  exit 1
fi
grep -q 'LeakSanitizer: detected memory leaks' "$package/leak"

own=() others=()
for file in "${files[@]}"; do
  case " ${in_process[*]/#/test_} " in
    *" ${file%.py} "*) own+=("bindings/python/tests/$file") ;;
    *) others+=("bindings/python/tests/$file") ;;
  esac
done
suite $leaks "${own[@]}"
# Freed memory is kept for a while, to find its use: no test of flat memory here. Nor of exported names. Nor of fork: that of
# gcc 12 takes its allocator's locks along into the child as they are, where they may be held by threads that are not there.
suite detect_leaks=0 "${others[@]}" \
  -k 'not memory_is_flat and not exports_one_symbol and not fork_is_refused and not child_that_does_nothing'
