# Sourced, in the root of the sources: installs the published easemob-websdk into build/interop (the tree stays clean), puts
# the tests beside it and sets $work to that folder.
work=build/interop
mkdir -p "$work"
cp tests/interop/package.json tests/interop/package-lock.json "$work/"
if ! cmp -s tests/interop/package-lock.json "$work/installed-lock.json"; then
  (cd "$work" && npm ci --no-audit --no-fund --loglevel=error ||
    npm ci --no-audit --no-fund --loglevel=error)
  cp tests/interop/package-lock.json "$work/installed-lock.json"
fi
find tests/interop -maxdepth 1 -type f ! -name 'package*.json' -exec cp {} "$work/" \;
