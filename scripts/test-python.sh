#!/usr/bin/env bash
# Installs the Python package (scripts/python_env.sh) and checks it: ruff, mypy,
# pyright (which needs node and npm), pytest.
# PYTHON names another interpreter (3.11 or newer). What follows is handed to pytest.
#
# What it needs of the system scripts/setup.sh --test installs.
set -eu
cd "$(dirname "$0")/.."
. scripts/python_env.sh

cd bindings/python
export RUFF_CACHE_DIR="$venv/cache/ruff" MYPY_CACHE_DIR="$venv/cache/mypy" PYTHONDONTWRITEBYTECODE=1
"$venv/bin/ruff" check src tests ../../examples/python
"$venv/bin/ruff" format --check src tests ../../examples/python
"$venv/bin/mypy" --config-file ../../pyproject.toml
"$venv/bin/mypy" --config-file ../../pyproject.toml tests ../../examples/python/*.py
"$venv/bin/mypy" --config-file ../../pyproject.toml ../../examples/python/app_tests/*.py
# The project by name: pyright would go by a pyrightconfig.json of any folder above.
"$venv/bin/pyright" --project ../../pyproject.toml --pythonpath "$venv/bin/python"
exec "$venv/bin/pytest" -o cache_dir="$venv/cache/pytest" -c ../../pyproject.toml --rootdir ../.. tests "$@"
