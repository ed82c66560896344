#!/usr/bin/env bash
# Usage: targets.sh FOLDER BARE_TARGET STD_TARGET
#
# Unpacks Debian's rustc and its sources into FOLDER (nothing is installed) and builds, from exactly
# those sources and offline, `core` and `alloc` for BARE_TARGET and the standard library for
# STD_TARGET. For machines where rustup can't download targets; takes some minutes and 800 MB.
set -euo pipefail

folder=$1
bare_target=$2
std_target=$3
work="$folder.unpacking"

fail() { printf 'targets.sh: %s\n' "$*" >&2; exit 1; }
candidate() { apt-cache policy "$1" | awk '/Candidate:/ { print $2 }'; }

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
  || fail "neither rustup's download nor Debian's packages are to be had here"
[ "$(id -u)" != 0 ] || apt-get update >/dev/null 2>&1 || true

version=$(candidate rustc-web)
[ -n "$version" ] && [ "$version" != "(none)" ] || fail "no package rustc-web; run apt-get update"
release=$(printf '%s' "${version#*:}" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/')
llvm=$(apt-cache depends "libstd-rust-web-$release" | sed -nE 's/.*Depends: (libllvm[0-9]+).*/\1/p' | head -1)
lld=lld-${llvm#libllvm}
[ -n "$llvm" ] || fail "can't tell which LLVM rustc $release needs"

rm -rf "$work" "$folder"
mkdir -p "$work/debs" "$work/root"
(cd "$work/debs" && apt-get download "rustc-web=$version" "libstd-rust-web-$release=$version" \
  "libstd-rust-web-dev=$version" "rust-web-src=$version" "$llvm" "$lld" >/dev/null 2>&1) || fail "apt-get download failed"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

# Libraries that LLVM needs and this machine may lack go beside it.
libraries=$(dirname "$(ls "$work"/root/usr/lib/*/librustc_driver-*.so)")
if LD_LIBRARY_PATH="$libraries" ldd "$libraries"/libLLVM*.so.* "$libraries"/librustc_driver-*.so | grep -q 'not found'; then
  for package in $(apt-cache depends "$llvm" | sed -nE 's/.*Depends: (lib[a-z0-9.+-]+).*/\1/p' | grep -vE '^lib(c6|gcc-s1|stdc\+\+6)$'); do
    (cd "$work/debs" && apt-get download "$package" >/dev/null 2>&1 && dpkg-deb -x "$package"_*.deb "$work/root") || true
  done
  cp -a "$work"/root/lib/*/. "$libraries"/ 2>/dev/null || true
fi
mv "$work/root/usr" "$folder"
rm -rf "$work"

libraries="$folder/lib/$(basename "$libraries")"
mkdir -p "$folder/libexec"
for program in rustc rustdoc; do
  mv "$folder/bin/$program" "$folder/libexec/$program"
  printf '#!/bin/sh\nexport LD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"\nexec "%s" "$@"\n' \
    "$libraries" "$folder/libexec/$program" >"$folder/bin/$program"
  chmod +x "$folder/bin/$program"
done
"$folder/bin/rustc" --version >/dev/null || fail "the unpacked rustc does not start"

# rustc asks for `rust-lld`, which Debian's package of the same LLVM has under another name.
host=$("$folder/bin/rustc" -vV | sed -n 's/^host: //p')
mkdir -p "$folder/lib/rustlib/$host/bin"
ln -sfn "$folder/lib/llvm-${llvm#libllvm}/bin/lld" "$folder/lib/rustlib/$host/bin/rust-lld"

source=$(readlink -f "$folder/lib/rustlib/src/rust")
commit=$("$folder/bin/rustc" -vV | sed -n 's/^commit-hash: //p')
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/src" "$build/.cargo"
printf '#![no_std]\n' >"$build/src/lib.rs"
printf '[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2021"\n[profile.release]\npanic = "abort"\n[workspace]\n' \
  >"$build/Cargo.toml"
# Debian's source carries the dependencies of the standard library: no registry is needed.
printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "%s/library/vendor"\n' \
  "$source" >"$build/.cargo/config.toml"

# Bitcode is what link-time optimisation needs; the paths end up in panics of what is built.
library() {
  (cd "$build" && env -u RUSTUP_TOOLCHAIN -u RUSTC_WRAPPER -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS \
    RUSTC_BOOTSTRAP=1 RUSTC="$folder/bin/rustc" CARGO_TARGET_DIR="$build/target" \
    RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$source=/rustc/$commit" \
    cargo build --quiet --release --offline --target "$1" -Zbuild-std="$2") \
    || fail "building $2 for $1 failed"
  mkdir -p "$folder/lib/rustlib/$1/lib"
  find "$build/target/$1/release/deps" -name 'lib*.rlib' ! -name 'libnothing*' \
    -exec cp {} "$folder/lib/rustlib/$1/lib/" \;
}
library "$bare_target" core,alloc,compiler_builtins
library "$std_target" std,panic_abort
rm -rf "$source/compiler" "$source/src"
