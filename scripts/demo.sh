#!/usr/bin/env bash
# demo.sh BUILD: one conversation from start to end, against the sandbox, over TLS. Every line with a ✔ was
# really seen; the first thing that is not seen in time ends the demo with status 1.
set -u
cd "$(dirname "$0")/.."
build=${1:-build/release}
eim=$build/cli/eim
sandbox=$build/sandbox/eim-sandbox
patience=20 # seconds for any one thing to happen

work=$(mktemp -d)
pids=()
cleanup() {
  local pid
  for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' green=$'\033[32m' red=$'\033[31m' dim=$'\033[2m' off=$'\033[0m'; else bold='' green='' red='' dim='' off=''; fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
tell() { printf '    %s\n' "$*"; }
seen() { printf '  %s✔%s %s\n' "$green" "$off" "$*"; }
die() {
  printf '  %s✖%s %s\n' "$red" "$off" "$*" >&2
  local log
  for log in "$work"/*.err; do
    [ -s "$log" ] && { echo "--- $(basename "$log")"; tail -n 20 "$log"; } >&2
  done
  exit 1
}

# field NAME JSON: a string of a flat JSON object.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" <<<"$2"; }

# begin WHO COMMAND…: a program in the background; what it prints is read by `expect WHO`, what it reads
# comes from `type_in WHO`.
declare -A pid_of out_of in_of
begin() {
  local who=$1 in out
  shift
  mkfifo "$work/$who.in" "$work/$who.out"
  exec {in}<>"$work/$who.in"
  "$@" <"$work/$who.in" >"$work/$who.out" 2>"$work/$who.err" &
  pid_of[$who]=$! in_of[$who]=$in
  pids+=($!)
  exec {out}<"$work/$who.out"
  out_of[$who]=$out
}
type_in() { printf '%s\n' "$2" >&"${in_of[$1]}"; }

# expect WHO PART…: reads on until a line holds all the parts; it is in $line then.
expect() {
  local who=$1 deadline=$((SECONDS + patience)) left part
  shift
  while left=$((deadline - SECONDS)) && [ $left -gt 0 ]; do
    IFS= read -r -t $left line <&"${out_of[$who]}" || {
      [ $? -gt 128 ] && continue # too late: the loop ends
      die "$who ended while waiting for $*"
    }
    for part in "$@"; do
      [[ $line == *"$part"* ]] || continue 2
    done
    return 0
  done
  die "not seen within $patience seconds: $who $*"
}

# ends WHO STATUS: the program closes its output and ends like that.
ends() {
  local who=$1 want=$2 got=0 deadline=$((SECONDS + patience)) left
  while [ $got -eq 0 ]; do
    left=$((deadline - SECONDS))
    [ $left -gt 0 ] || die "$who did not end within $patience seconds"
    IFS= read -r -t $left line <&"${out_of[$who]}"
    got=$?
    [ $got -le 128 ] || got=0
  done
  wait "${pid_of[$who]}"
  got=$?
  [ "$got" -eq "$want" ] || die "$who ended with status $got, not $want"
}

as() { # as USER COMMAND…: eim as this user, in place of the subshell
  local user=$1
  shift
  exec env EIM_PASSWORD="$user's password" EIM_SANDBOX="$work/box.json" XDG_STATE_HOME="$work" EIM_USER="$user" EIM_JSON=1 "$eim" "$@"
}

printf '%slibeim: a conversation, start to end%s   (%s)\n' "$bold" "$off" "$("$eim" --version)"

title '1. The sandbox starts: a local server that speaks the protocol, with a certificate of its own'
begin sandbox "$sandbox" --tls
expect sandbox '"apiUrl"'
printf '%s\n' "$line" >"$work/box.json"
admin=$(field adminUrl "$line")
case $(field url "$line") in wss://*) ;; *) die "the message address is not wss: $line" ;; esac
case $(field apiUrl "$line") in https://*) ;; *) die "the REST address is not https: $line" ;; esac
seen "REST      $(field apiUrl "$line")"
seen "messages  $(field url "$line")"
seen "app key   $(field appKey "$line")"

title '2. Two people register'
for user in alice bob; do
  line=$(as "$user" register "$user" 2>"$work/$user.err") || die "$user could not register"
  [[ $line == *'"event":"onRegistered"'* ]] || die "$user got no answer: $line"
  seen "$user is registered"
done

title '3. Both log in, over TLS, and stay online'
begin alice as alice chat --to bob --device-id laptop
begin bob as bob chat --to alice --device-id phone
for user in alice bob; do
  expect $user '"event":"onConnected"' "\"user\":\"$user\""
  seen "$user is online as device $(field resource "$line")"
done

title '4. They talk'
talk() { # talk FROM TO TEXT
  tell "$1: $3"
  type_in "$1" "$3"
  expect "$2" '"event":"onMessage"' "\"from\":\"$1\"" "\"text\":\"$3\""
  local id
  id=$(field id "$line")
  seen "$2 got it, message $id, the same text to the letter"
  expect "$1" '"event":"onReceivedMessage"' "\"mid\":\"$id\""
  seen "$1 knows that the server took it, under the same id"
}
talk alice bob 'Hello Bob, how are you?'
talk bob alice 'Fine! 😀🎉 你好, Alice'

title "5. Alice's line is cut"
curl -fsS -m 10 -X POST -H 'Content-Type: application/json' -d '{"user":"alice"}' "$admin/cut" \
  >/dev/null 2>"$work/curl.err" || die "the sandbox did not cut the line"
tell 'bob, meanwhile: Are you still there?'
type_in bob 'Are you still there?'
expect alice '"event":"onReconnecting"'
seen "alice notices, attempt $(sed -n 's/.*"attempt":\([0-9]*\).*/\1/p' <<<"$line") comes in $(sed -n 's/.*"nextRetryMs":\([0-9]*\).*/\1/p' <<<"$line") ms"
expect alice '"event":"onConnected"'
seen 'alice is online again, by herself'
expect alice '"event":"onMessage"' '"text":"Are you still there?"'
seen 'alice gets the message that was sent while she was away'
talk alice bob 'Here I am again.'

title '6. Bob logs in on a second device: the first one is logged out'
begin tablet as bob login --device-id tablet --login-ext "Bob's tablet"
expect tablet '"event":"onConnected"'
seen "bob is online as device $(field resource "$line")"
expect bob '"event":"onDisconnected"' '"code":206' "Bob's tablet"
seen "the phone is told why: 206 $(field name "$line")"
seen "and by whom: \"$(field loginInfoCustomExt "$line")\""
ends bob 4
seen 'eim on the phone ended with status 4, forced logout; it did not fight for the place'

title '7. Everybody logs out'
for who in alice tablet; do
  kill -TERM "${pid_of[$who]}"
  expect $who '"event":"onDisconnected"' '"reason":null'
  ends $who 0
  seen "$who logged out"
done
kill -TERM "${pid_of[sandbox]}"
ends sandbox 0
seen 'the sandbox ended'

printf '\n%sAll of it was seen.%s %sTry it yourself: %s help%s\n' "$green" "$off" "$dim" "$eim" "$off"
