# Sourced, in the root of the sources: installs the Python package and the tools of its tests into a virtual
# environment of its own in build/ and sets $venv to that. PYTHON names another interpreter (3.11 or newer).
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
