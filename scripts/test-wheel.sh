#!/usr/bin/env bash
# Builds the source distribution and the wheel (scripts/wheel.sh), looks into them, and uses the wheel on every
# CPython >= 3.11 of this machine, in a virtual environment of its own and a root in which our third parties, the
# headers and the compilers are not to be seen. Closes with "N passed, N failed".
set -u
cd "$(dirname "$0")/.."
passed=0 failed=0
check() { # check NAME COMMAND…
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1)) && echo "ok      $name"
  else
    failed=$((failed + 1)) && echo "FAILED  $name"
  fi
}

work=$PWD/build/wheel
mkdir -p "$work"
if ! scripts/wheel.sh "$work/dist" >"$work/log" 2>&1; then
  tail -n 60 "$work/log"
  echo "0 passed, 1 failed"
  exit 1
fi
wheel=$(tail -n 1 "$work/log")
rm -rf "$work/look"
mkdir -p "$work/look"
python3 -m zipfile -e "$wheel" "$work/look"
extension=$(ls "$work"/look/eim/_eim*.so)
echo "$(basename "$wheel"): $(($(stat -c %s "$wheel") / 1024)) KB, extension $(($(stat -c %s "$extension") / 1024)) KB," \
  "newest symbol of libc: $(objdump -T "$extension" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)"

check "tagged for every CPython from 3.11 on and for manylinux" grep -qE -- '-cp311-abi3-manylinux_2_[0-9]+_' <<<"$wheel"
check "exports PyInit__eim only" [ "$(nm -D --defined-only "$extension" | awk '{print $3}')" = PyInit__eim ]
needed=$(readelf -d "$extension" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE '^(libc|libm|libdl|librt|libpthread|ld-linux.*)\.so')
check "needs libc only ($needed)" [ -z "$needed" ]
check "no path of this machine inside" eval "! grep -qaE '${HOME%/}/|$PWD' '$extension'"
check "no text relocations" eval "! readelf -d '$extension' | grep -q TEXTREL"
check "license of each third party" [ "$(find "$work/look" -path '*licenses*' -type f | wc -l)" -ge 8 ]
check "small: below 6 MB" [ "$(stat -c %s "$wheel")" -lt 6000000 ]

# --- the root without our third parties: mounts that only this process and its children see
hide=()
for library in libwebsockets libwebsockets-evlib libuv libcurl libprotobuf-c libcjson libssl libcrypto; do
  for file in /usr/lib/*/"$library"*.so* /usr/local/lib/"$library"*.so*; do
    # Python's own ssl module needs these two; that ours come from inside is seen above.
    case $library in libssl | libcrypto) continue ;; esac
    if [ -f "$file" ] && [ ! -L "$file" ]; then hide+=("$file"); fi
  done
done
for tool in gcc cc clang swig cmake; do
  if found=$(command -v "$tool" 2>/dev/null); then hide+=("$(readlink -f "$found")"); fi
done
bare() { # bare COMMAND…: runs it in that root
  local user=()
  [ "$(id -u)" -eq 0 ] || user=(--map-root-user)
  unshare "${user[@]}" --mount --propagation private bash -c '
    mount -t tmpfs none /usr/include
    while [ "$1" != -- ]; do mount --bind /dev/null "$1"; shift; done
    shift; exec "$@"' bash "${hide[@]}" -- "$@"
}
own_root=yes
if ! bare true 2>/dev/null; then # in a container without the right to, in a chroot
  echo "this machine allows no mount namespaces: the wheel is used in the usual root, and not without its CAs"
  own_root=no
  bare() { "$@"; }
fi

pythons=()
for python in /usr/bin/python3 /usr/local/bin/python3 "$HOME"/.pyenv/versions/*/bin/python; do
  if [ -x "$python" ] && "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    pythons+=("$python")
  fi
done
for python in "${pythons[@]}"; do
  version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
  venv=$work/venv-$version
  rm -rf "$venv"
  "$python" -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check pytest==8.4.2 uvloop || {
    check "pytest and uvloop for CPython $version" false
    continue
  }
  check "CPython $version: pip install" bare "$venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
  for file in test_sandbox test_client test_kinds test_logging; do
    check "CPython $version: $file" bare env -u PYTHONPATH -u EIM_SANDBOX "$venv/bin/pytest" -q -o cache_dir="$venv/cache" \
      -c pyproject.toml --rootdir . "bindings/python/tests/$file.py"
  done
  check "CPython $version: TLS with a CA file" bare env -u SSL_CERT_FILE -u SSL_CERT_DIR "$venv/bin/python" tests/wheel/tls.py
  # In that root only: elsewhere root would take the CAs from the whole machine.
  if [ $own_root = yes ]; then
    check "CPython $version: no CA to be found" bare bash -c '
      for place in /etc/ssl/certs /etc/pki /etc/ssl /usr/local/share/certs; do
        if [ -d "$place" ]; then mount -t tmpfs none "$place"; fi
      done
      exec "$@"' bash env -u SSL_CERT_FILE -u SSL_CERT_DIR "$venv/bin/python" tests/wheel/no_ca.py
  fi
  check "CPython $version: the command eim-sandbox" bare "$venv/bin/eim-sandbox" --version
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
