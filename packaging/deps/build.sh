#!/usr/bin/env bash
# build.sh [--host TRIPLE] [--android ABI] [--folder FOLDER]
#
# Builds the third parties of libeim as static, position-independent archives from the pinned archives of
# sources.txt and prints the folder they are in on stdout (everything else goes to stderr). CMake takes it as
# -DEIM_DEPS_PREFIX=FOLDER. The result is kept in ${XDG_CACHE_HOME:-~/.cache}/libeim, under a hash of the
# recipe and the compiler, so it is paid for once.
#
#   --host TRIPLE   a cross compiler on the PATH: TRIPLE-gcc or TRIPLE-cc, and TRIPLE-ar (aarch64-linux-gnu,
#                   x86_64-linux-musl, …)
#   --android ABI   arm64-v8a, armeabi-v7a, x86_64 or x86, by the NDK in $ANDROID_NDK_HOME
#                   (API level 21, or $ANDROID_API)
#   --folder FOLDER where to keep it instead
set -eu
here=$(cd "$(dirname "$0")" && pwd)
host='' android='' folder=''
while [ $# -gt 0 ]; do
  case $1 in
  --host) host=$2 ;;
  --android) android=$2 ;;
  --folder) folder=$2 ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
  esac
  shift 2
done

# --- the compiler: CC AR RANLIB, what CMake calls the system, what OpenSSL calls it
system=Linux processor=$(uname -m) openssl_target=''
if [ -n "$android" ]; then
  : "${ANDROID_NDK_HOME:?names the folder of the NDK}"
  case $android in
  arm64-v8a) host=aarch64-linux-android processor=aarch64 openssl_target=android-arm64 ;;
  armeabi-v7a) host=armv7a-linux-androideabi processor=armv7-a openssl_target=android-arm ;;
  x86_64) host=x86_64-linux-android processor=x86_64 openssl_target=android-x86_64 ;;
  x86) host=i686-linux-android processor=i686 openssl_target=android-x86 ;;
  *) echo "deps: no such ABI: $android" >&2 && exit 2 ;;
  esac
  system=Android api=${ANDROID_API:-21}
  tools=$(echo "$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin)
  CC=$tools/$host$api-clang AR=$tools/llvm-ar RANLIB=$tools/llvm-ranlib
  PATH=$tools:$PATH
  export ANDROID_NDK_ROOT=$ANDROID_NDK_HOME
elif [ -n "$host" ]; then
  processor=${host%%-*}
  CC=$host-gcc AR=$host-ar RANLIB=$host-ranlib
  if command -v "$host-cc" >/dev/null 2>&1; then CC=$host-cc; fi
  command -v "$AR" >/dev/null 2>&1 || AR=ar RANLIB=ranlib # musl-tools bring a compiler only
  case $processor in
  aarch64) openssl_target=linux-aarch64 ;;
  arm*) openssl_target=linux-armv4 ;;
  x86_64) openssl_target=linux-x86_64 ;;
  i?86) openssl_target=linux-x86 ;;
  riscv64) openssl_target=linux64-riscv64 ;;
  *) openssl_target=linux-generic64 ;;
  esac
else
  CC=${CC:-cc} AR=${AR:-ar} RANLIB=${RANLIB:-ranlib}
fi
command -v "$CC" >/dev/null || { echo "deps: no compiler $CC" >&2 && exit 1; }

key=$({ cat "$here/build.sh" "$here/sources.txt" && "$CC" --version && echo "$host $android ${ANDROID_API:-}"; } |
  sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/libeim
prefix=${folder:-$cache/deps-${android:-${host:-$processor}}-$key}
if [ -f "$prefix/complete" ]; then
  echo "$prefix"
  exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/lock" && flock 9 # two builds at once would tread on each other
if [ -f "$prefix/complete" ]; then
  echo "$prefix"
  exit 0
fi
"$here/fetch.sh" "$cache/archives" >&2

work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
rm -rf "$prefix"
mkdir -p "$prefix"
jobs=$(nproc 2>/dev/null || echo 2)
# Sections, so that a linker drops what is not used; hidden, so that nothing of it is ever exported.
plain_flags="-Os -fPIC -ffunction-sections -fdata-sections -fvisibility=hidden"
# On Android below API 24 libc lacks functions that these libraries have but libeim does not call (getifaddrs, …): declared
# weakly they compile, the linker drops their callers with --gc-sections, and scripts/elf_check.py sees what is left.
[ "$system" != Android ] || plain_flags="$plain_flags -D__ANDROID_UNAVAILABLE_SYMBOLS_ARE_WEAK__"
flags="$plain_flags -ffile-prefix-map=$work/=" # OpenSSL builds with relative names, and keeps its flags as a text
launcher=''
if command -v ccache >/dev/null 2>&1; then launcher=ccache; fi

cat >"$work/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME ${system/Android/Linux})
set(CMAKE_SYSTEM_PROCESSOR $processor)
set(CMAKE_C_COMPILER $CC)
set(CMAKE_AR $(command -v "$AR"))
set(CMAKE_RANLIB $(command -v "$RANLIB"))
set(CMAKE_FIND_ROOT_PATH $prefix)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
END
[ "$system" != Android ] || echo "add_compile_definitions(__ANDROID__=1)" >>"$work/toolchain.cmake"

version() { awk -v n="$1" '$1 == n {print $2}' "$here/sources.txt"; }

unpack() { # unpack NAME: into $work/NAME
  mkdir "$work/$1"
  tar -xf "$cache/archives/$1-$(version "$1").tar.gz" -C "$work/$1" --strip-components=1
}

quiet() { # quiet NAME COMMAND…
  local log="$work/$1.log"
  shift
  "$@" >>"$log" 2>&1 || { tail -n 40 "$log" >&2 && echo "deps: failed: $*" >&2 && exit 1; }
}

with_cmake() { # with_cmake NAME SOURCE-FOLDER OPTIONS…
  local name=$1 source=$2
  shift 2
  quiet "$name" env PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" cmake -S "$source" -B "$work/$name-build" -G Ninja \
    -DCMAKE_TOOLCHAIN_FILE="$work/toolchain.cmake" -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$flags" -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG -DBUILD_SHARED_LIBS=OFF \
    -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -Wno-dev "$@"
  quiet "$name" cmake --build "$work/$name-build" -j "$jobs"
  quiet "$name" cmake --install "$work/$name-build"
}

# What a static archive needs besides itself is not in every .pc file; these are ours.
package() { # package NAME VERSION ARCHIVE SYSTEM-LIBRARIES REQUIRES
  printf 'Name: %s\nDescription: %s, static\nVersion: %s\nRequires: %s\nLibs: -L%s -l%s %s\nCflags: -I%s\n' \
    "$1" "$1" "$2" "$5" "$prefix/lib" "$3" "$4" "$prefix/include" >"$prefix/lib/pkgconfig/$1.pc"
}
threads='-lpthread -ldl -lrt'
[ "$system" != Android ] || threads='-ldl' # there the others are in libc

step() { echo "deps: building $1" >&2; }

step openssl # TLS 1.2 and 1.3 for clients and servers, hashes, certificates; neither old ciphers nor tools
unpack openssl
(
  cd "$work/openssl"
  options=(no-shared no-apps no-docs no-tests no-module no-legacy no-dso no-engine no-quic no-ssl3 no-tls1 no-tls1_1
    no-dtls no-srp no-psk no-sctp no-srtp no-comp no-cms no-ts no-cmp no-ct no-ui-console no-idea
    no-camellia no-seed no-aria no-bf no-cast no-rc2 no-rc4 no-rc5 no-md4 no-mdc2 no-whirlpool no-rmd160 no-sm2 no-sm3
    no-sm4 no-gost no-ec2m no-siphash no-scrypt no-argon2 no-ml-dsa no-slh-dsa no-rfc3779 no-ssl-trace
    no-uplink no-capieng no-padlockeng no-afalgeng no-devcryptoeng no-multiblock no-nextprotoneg)
  # Paths of this build must not get into it, so it is configured for another place than it is put in; certificates
  # are found by libeim, not by OpenSSL.
  quiet openssl env CC="${launcher:+$launcher }$CC" AR="$AR" RANLIB="$RANLIB" ./Configure $openssl_target \
    --prefix=/usr --libdir=lib --openssldir=/etc/ssl "${options[@]}" $plain_flags ${api:+-D__ANDROID_API__=$api}
  quiet openssl make -j "$jobs" build_libs
  quiet openssl make install_dev DESTDIR="$work/staged"
  mkdir -p "$prefix/lib/pkgconfig" && cp -R "$work/staged/usr/include" "$prefix/" && cp "$work"/staged/usr/lib/lib*.a "$prefix/lib/"
)

package libcrypto "$(version openssl)" crypto "$threads" ''
package libssl "$(version openssl)" ssl '' libcrypto
package openssl "$(version openssl)" ssl '' 'libssl libcrypto'

step libuv
unpack libuv
with_cmake libuv "$work/libuv" -DLIBUV_BUILD_SHARED=OFF -DLIBUV_BUILD_TESTS=OFF -DLIBUV_BUILD_BENCH=OFF

step lz4
unpack lz4
with_cmake lz4 "$work/lz4/build/cmake" -DLZ4_BUILD_CLI=OFF -DLZ4_BUILD_LEGACY_LZ4C=OFF -DBUILD_STATIC_LIBS=ON

step cjson
unpack cjson
with_cmake cjson "$work/cjson" -DENABLE_CJSON_TEST=OFF -DENABLE_CJSON_UTILS=OFF -DENABLE_CUSTOM_COMPILER_FLAGS=OFF \
  -DENABLE_HIDDEN_SYMBOLS=ON

step protobuf-c # one source file is all of its run-time library
unpack protobuf-c
mkdir -p "$prefix/include/protobuf-c" "$prefix/include/google/protobuf-c" "$prefix/lib/pkgconfig"
quiet protobuf-c $launcher "$CC" $flags -DNDEBUG -I"$work/protobuf-c" -c "$work/protobuf-c/protobuf-c/protobuf-c.c" -o "$work/protobuf-c.o"
quiet protobuf-c "$AR" rcs "$prefix/lib/libprotobuf-c.a" "$work/protobuf-c.o"
cp "$work/protobuf-c/protobuf-c/protobuf-c.h" "$prefix/include/protobuf-c/"

step curl # http and https over HTTP/1.1, proxies; what libeim never speaks is left out
unpack curl
with_cmake curl "$work/curl" -DBUILD_CURL_EXE=OFF -DBUILD_STATIC_LIBS=ON -DBUILD_LIBCURL_DOCS=OFF -DBUILD_MISC_DOCS=OFF \
  -DENABLE_CURL_MANUAL=OFF -DBUILD_TESTING=OFF -DBUILD_EXAMPLES=OFF -DHTTP_ONLY=ON -DCURL_USE_OPENSSL=ON \
  -DOPENSSL_ROOT_DIR="$prefix" -DOPENSSL_USE_STATIC_LIBS=ON -DCURL_CA_BUNDLE=none -DCURL_CA_PATH=none \
  -DCURL_CA_FALLBACK=OFF -DCURL_ZLIB=OFF -DCURL_BROTLI=OFF -DCURL_ZSTD=OFF -DUSE_NGHTTP2=OFF -DUSE_LIBIDN2=OFF \
  -DCURL_USE_LIBPSL=OFF -DCURL_USE_LIBSSH2=OFF -DCURL_USE_GSSAPI=OFF -DCURL_DISABLE_NTLM=ON \
  -DCURL_DISABLE_KERBEROS_AUTH=ON -DCURL_DISABLE_NEGOTIATE_AUTH=ON -DCURL_DISABLE_AWS=ON -DCURL_DISABLE_ALTSVC=ON \
  -DCURL_DISABLE_HSTS=ON -DCURL_DISABLE_COOKIES=ON -DCURL_DISABLE_NETRC=ON -DCURL_DISABLE_DOH=ON \
  -DCURL_DISABLE_WEBSOCKETS=ON -DCURL_DISABLE_LIBCURL_OPTION=ON -DCURL_DISABLE_SRP=ON -DENABLE_UNIX_SOCKETS=OFF \
  -DCURL_DISABLE_HEADERS_API=ON -DCURL_DISABLE_SHA512_256=ON -DCURL_DISABLE_BINDLOCAL=ON -DUSE_ECH=OFF \
  -DENABLE_THREADED_RESOLVER=ON -DCURL_USE_PKGCONFIG=ON

# Debian has libuv support as a plugin opened from a fixed path; core/src/net/ws.c needs unix sockets; signals are the host's
step libwebsockets
unpack libwebsockets
with_cmake libwebsockets "$work/libwebsockets" -DLWS_WITH_SHARED=OFF -DLWS_WITH_STATIC=ON -DLWS_STATIC_PIC=ON \
  -DLWS_WITH_LIBUV=ON -DLWS_WITH_EVLIB_PLUGINS=OFF -DLWS_WITHOUT_TESTAPPS=ON -DLWS_WITH_MINIMAL_EXAMPLES=OFF \
  -DLWS_WITH_HTTP2=OFF -DLWS_WITHOUT_EXTENSIONS=ON -DLWS_WITH_SECURE_STREAMS=OFF -DLWS_IPV6=ON -DLWS_UNIX_SOCK=ON \
  -DLWS_WITH_SOCKS5=ON -DLWS_WITH_PEER_LIMITS=OFF -DLWS_WITH_FILE_OPS=ON -DLWS_WITH_SYS_SMD=OFF -DLWS_WITH_LEJP=OFF \
  -DLWS_WITH_LEJP_CONF=OFF -DLWS_WITH_LHP=OFF -DLWS_WITH_UPNG=OFF -DLWS_WITH_GZINFLATE=OFF -DLWS_WITH_JPEG=OFF \
  -DLWS_WITH_DLO=OFF -DLWS_WITH_CACHE_NSCOOKIEJAR=OFF -DLWS_WITH_SYS_STATE=ON -DLWS_WITH_DIR=OFF -DLWS_WITH_LWSAC=OFF \
  -DLWS_HAVE_LIBCAP=OFF -DLWS_HAVE_SYS_CAPABILITY_H=OFF -DLWS_WITH_CUSTOM_HEADERS=ON -DLWS_CLIENT_HTTP_PROXYING=ON -DLWS_AVOID_SIGPIPE_IGN=ON -DDISABLE_WERROR=ON -DLWS_WITH_ZLIB=OFF \
  -DLWS_OPENSSL_INCLUDE_DIRS="$prefix/include" -DLWS_OPENSSL_LIBRARIES="$prefix/lib/libssl.a;$prefix/lib/libcrypto.a" \
  -DLIBUV_INCLUDE_DIRS="$prefix/include" -DLIBUV_LIBRARIES="$prefix/lib/libuv.a" -DLWS_LIBUV_INCLUDE_DIRS="$prefix/include" \
  -DLWS_LIBUV_LIBRARIES="$prefix/lib/libuv.a"

# The sandbox's --data, where Debian's sources can be had (and no phone is a server). One source file, made by Tcl.
if [ "$system" != Android ] && [ -f "$cache/archives/sqlite-$(version sqlite).tar.gz" ] && command -v tclsh >/dev/null 2>&1; then
  step sqlite
  unpack sqlite
  (
    cd "$work/sqlite"
    quiet sqlite env -u CC -u AR ./configure --disable-tcl --disable-shared --disable-readline # of this machine: it writes source
    quiet sqlite make sqlite3.c
    quiet sqlite $launcher "$CC" $flags -DNDEBUG -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DQS=0 -DSQLITE_DEFAULT_MEMSTATUS=0 \
      -c sqlite3.c -o sqlite3.o
    quiet sqlite "$AR" rcs "$prefix/lib/libsqlite3.a" sqlite3.o
    cp sqlite3.h "$prefix/include/"
  )
  package sqlite3 "$(version sqlite)" sqlite3 "$threads -lm" ''
else
  echo "deps: without SQLite: a sandbox built with these has no --data" >&2
fi

package libuv "$(version libuv)" uv "$threads" ''
package libwebsockets "$(version libwebsockets)" websockets '' 'libuv openssl'
package libprotobuf-c "$(version protobuf-c)" protobuf-c '' ''
rm -f "$prefix/lib/pkgconfig/libuv-static.pc" "$prefix/lib/pkgconfig/libwebsockets_static.pc"

rm -rf "$prefix/share" "$prefix/bin" "$prefix/lib/cmake"
mkdir -p "$prefix/licenses"
for name in openssl libuv lz4 cjson protobuf-c curl libwebsockets sqlite; do
  for file in LICENSE LICENSE.txt LICENSE.md COPYING lib/LICENSE; do
    if [ -f "$work/$name/$file" ]; then cp "$work/$name/$file" "$prefix/licenses/$name.txt" && break; fi
  done
done
touch "$prefix/complete"
echo "$prefix"
