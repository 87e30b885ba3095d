#!/usr/bin/env bash
# fetch.sh FOLDER: brings the archives of sources.txt into FOLDER, each checked against its SHA-256.
# Upstream's own address is tried first. Where it cannot be reached (offline mirrors, build farms) Debian's
# source packages carry the same archives: they come by apt from the mirror this machine is set up with.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
mkdir -p "$folder"
apt_root=$folder/apt

good() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status 2>/dev/null; }

# An apt of our own: it reads sources of newer suites and leaves the system's lists alone.
debian() {
  apt-get -qq -o Dir::Etc::sourcelist="$apt_root/debian.sources" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$apt_root/lists" -o Dir::Cache="$apt_root/cache" -o APT::Sandbox::User=root \
    -o APT::Get::List-Cleanup=0 -o Acquire::Retries=3 "$@"
}

prepare_debian() {
  [ ! -f "$apt_root/ready" ] || return 0
  command -v apt-get >/dev/null 2>&1 || return 1
  local mirror
  mirror=$(sed -n 's/^URIs: *\(\S*\).*/\1/p; s/^deb \(\[[^]]*\] \)\{0,1\}\(http\S*\).*/\2/p' \
    /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | grep -m1 '/debian/\?$') || return 1
  mkdir -p "$apt_root/lists/partial" "$apt_root/cache/archives/partial"
  printf 'Types: deb-src\nURIs: %s\nSuites: trixie trixie-updates sid\nComponents: main\nSigned-By: %s\n' "$mirror" \
    /usr/share/keyrings/debian-archive-keyring.gpg >"$apt_root/debian.sources"
  debian update >&2 && touch "$apt_root/ready"
}

while read -r name version sha256 package archive address; do
  case $name in '' | '#'*) continue ;; esac
  file=$folder/$name-$version.tar.gz
  if good "$file" "$sha256"; then continue; fi
  echo "deps: fetching $name $version" >&2
  if [ "$address" != - ] && curl --silent --fail --location --connect-timeout 10 --max-time 300 -o "$file.part" "$address" 2>/dev/null &&
    good "$file.part" "$sha256"; then
    mv "$file.part" "$file"
    continue
  fi
  rm -f "$file.part"
  if prepare_debian; then
    # The newest first: of the versions on the mirror, those that are built from this archive.
    for source in $(apt-cache -o Dir::Etc::sourcelist="$apt_root/debian.sources" -o Dir::Etc::sourceparts=- \
      -o Dir::State::lists="$apt_root/lists" -o Dir::Cache="$apt_root/cache" showsrc --only-source "$package" 2>/dev/null |
      awk -v archive="$archive" '/^Version:/ {v = $2} $3 == archive {print v}' | sort -uVr); do
      # A mirror in the middle of an update may have the archive and lack what Debian adds to it.
      (cd "$apt_root" && debian source --download-only --only-source "$package=$source" >"$apt_root/log" 2>&1) || :
      if good "$apt_root/$archive" "$sha256"; then
        mv "$apt_root/$archive" "$file"
        break
      fi
    done
  fi
  good "$file" "$sha256" || [ "$address" = - ] || {
    cat "$apt_root/log" >&2 2>/dev/null || :
    echo "deps: $name $version is neither at $address nor among this machine's Debian sources" >&2
    exit 1
  }
done <"$here/sources.txt"
rm -rf "$apt_root"
