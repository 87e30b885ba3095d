#!/usr/bin/env bash
# The sources name no path of anybody's machine.
cd "$(dirname "$0")/.." || exit 1
found=$(git ls-files -z 2>/dev/null | grep -zv '^scripts/traces.sh$\|package-lock' |
  xargs -0 grep -nIE '(^|[^A-Za-z0-9_./-])/(work|home|root|Users)/[a-z]' 2>/dev/null)
[ -z "$found" ] || { echo "$found"; exit 1; }
