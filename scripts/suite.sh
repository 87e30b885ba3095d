# Sourced, in the root of the sources, by test-*.sh: a suite of parts, each counted. $log is the folder of their logs.
# The suite ends with finish: "N passed, N failed".
passed=0 failed=0
mkdir -p "$log"

# add NAME STATUS PASSED FAILED LOG SECONDS: at least one failure where the status is one, or where nothing ran.
add() {
  local p=$3 f=$4
  if { [ "$2" -ne 0 ] && [ "$f" -eq 0 ]; } || [ $((p + f)) -eq 0 ]; then f=$((f + 1)); fi
  passed=$((passed + p)) failed=$((failed + f))
  printf '%-42s %4d passed %4d failed %5d s\n' "$1" "$p" "$f" "$6"
  [ "$f" -eq 0 ] || tail -n 80 "$5"
}

log_of() { echo "$log/${1//[ \/]/-}.log"; }

# check NAME COMMAND…: one thing that succeeds or does not; so does this.
check() {
  local name=$1 file status=0 start=$SECONDS
  shift
  file=$(log_of "$name")
  ("$@") >"$file" 2>&1 || status=$?
  add "$name" $status $((status == 0)) $((status != 0)) "$file" $((SECONDS - start))
  return $status
}

# counted NAME COMMAND…: what counts by itself.
counted() {
  local name=$1 file status=0 start=$SECONDS p f
  shift
  file=$(log_of "$name")
  ("$@") >"$file" 2>&1 || status=$?
  read -r p f < <(scripts/count.py text "$file")
  add "$name" $status "$p" "$f" "$file" $((SECONDS - start))
}

# junit NAME REPORTS COMMAND…: what leaves reports of surefire in that folder. What the VM complains about (-Xcheck:jni) fails.
junit() {
  local name=$1 reports=$2 file status=0 start=$SECONDS p f
  shift 2
  file=$(log_of "$name")
  rm -rf "$reports"
  ("$@") >"$file" 2>&1 || status=$?
  read -r p f < <(scripts/count.py surefire "$reports"/TEST-*.xml) || { p=0 f=1; }
  grep '; resident ' "$file"
  if grep -E '^(WARNING|FATAL ERROR) in native method|^WARNING: JNI|handler modified' "$file"; then
    echo 'the VM complains' >>"$file"
    f=$((f + 1))
  fi
  add "$name" $status "$p" "$f" "$file" $((SECONDS - start))
  return $status
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}
