#!/usr/bin/env bash
# Installs the Python package into a virtual environment of its own in build/ and checks it: ruff, mypy,
# pyright (which needs node and npm), pytest.
# PYTHON names another interpreter (3.11 or newer). What follows is handed to pytest.
#
# Debian 12: apt-get install swig python3-dev python3-venv, besides scripts/setup.sh.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-}
if [ -z "$python" ]; then
  python=/usr/bin/python3
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || python=python3
fi
version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
venv=$PWD/build/python-$version
unset PYTHONPATH EIM_SANDBOX

if [ ! -x "$venv/bin/python" ]; then
  "$python" -m venv "$venv"
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
tools=(mypy==1.18.2 pytest==8.4.2 ruff==0.14.0 pyright==1.1.414 uvloop==0.21.0 'scikit-build-core>=0.10')
if [ "$(cat "$venv/tools" 2>/dev/null)" != "${tools[*]}" ]; then
  "$venv/bin/pip" install --quiet "${tools[@]}"
  echo "${tools[*]}" >"$venv/tools"
fi
# Without build isolation, and with a build folder that is kept: the second run builds only what changed.
CMAKE_BUILD_PARALLEL_LEVEL=$(nproc 2>/dev/null || echo 2) "$venv/bin/pip" install --quiet --no-build-isolation \
  --no-deps --force-reinstall --config-settings=build-dir="$venv-build" .
unset CMAKE_BUILD_PARALLEL_LEVEL

cd bindings/python
export RUFF_CACHE_DIR="$venv/cache/ruff" MYPY_CACHE_DIR="$venv/cache/mypy" PYTHONDONTWRITEBYTECODE=1
"$venv/bin/ruff" check src tests ../../examples/python
"$venv/bin/ruff" format --check src tests ../../examples/python
"$venv/bin/mypy" --config-file ../../pyproject.toml
"$venv/bin/mypy" --config-file ../../pyproject.toml tests ../../examples/python/*.py
"$venv/bin/mypy" --config-file ../../pyproject.toml ../../examples/python/app_tests/*.py
(cd ../.. && "$venv/bin/pyright" --pythonpath "$venv/bin/python")
exec "$venv/bin/pytest" -o cache_dir="$venv/cache/pytest" -c ../../pyproject.toml --rootdir ../.. tests "$@"
