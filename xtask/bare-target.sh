#!/usr/bin/env bash
# Usage: bare-target.sh FOLDER TARGET
#
# Unpacks Debian's rustc and its sources into FOLDER (nothing is installed) and builds `core` and
# `alloc` for TARGET from exactly those sources, offline. For machines where rustup can't download
# a target; takes about a minute and 600 MB.
set -euo pipefail

folder=$1
target=$2
work="$folder.unpacking"

fail() { printf 'bare-target.sh: %s\n' "$*" >&2; exit 1; }
candidate() { apt-cache policy "$1" | awk '/Candidate:/ { print $2 }'; }

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
  || fail "neither rustup's download nor Debian's packages are to be had here"
[ "$(id -u)" != 0 ] || apt-get update >/dev/null 2>&1 || true

version=$(candidate rustc-web)
[ -n "$version" ] && [ "$version" != "(none)" ] || fail "no package rustc-web; run apt-get update"
release=$(printf '%s' "${version#*:}" | sed -E 's/^([0-9]+\.[0-9]+).*/\1/')
llvm=$(apt-cache depends "libstd-rust-web-$release" | sed -nE 's/.*Depends: (libllvm[0-9]+).*/\1/p' | head -1)
[ -n "$llvm" ] || fail "can't tell which LLVM rustc $release needs"

rm -rf "$work" "$folder"
mkdir -p "$work/debs" "$work/root"
(cd "$work/debs" && apt-get download "rustc-web=$version" "libstd-rust-web-$release=$version" \
  "libstd-rust-web-dev=$version" "rust-web-src=$version" "$llvm" >/dev/null 2>&1) || fail "apt-get download failed"
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

source=$(readlink -f "$folder/lib/rustlib/src/rust")
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
mkdir -p "$build/src" "$build/.cargo"
printf '#![no_std]\n' >"$build/src/lib.rs"
printf '[package]\nname = "nothing"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$build/Cargo.toml"
# Debian's source carries the dependencies of the standard library: no registry is needed.
printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "%s/library/vendor"\n' \
  "$source" >"$build/.cargo/config.toml"
(cd "$build" && env -u RUSTUP_TOOLCHAIN -u RUSTC_WRAPPER -u CARGO_BUILD_TARGET -u CARGO_ENCODED_RUSTFLAGS \
  RUSTC_BOOTSTRAP=1 RUSTC="$folder/bin/rustc" RUSTFLAGS="" CARGO_TARGET_DIR="$build/target" \
  cargo build --quiet --release --offline --target "$target" -Zbuild-std=core,alloc,compiler_builtins) \
  || fail "building core and alloc failed"
mkdir -p "$folder/lib/rustlib/$target/lib"
find "$build/target/$target/release/deps" -name 'lib*.rlib' ! -name 'libnothing*' \
  -exec cp {} "$folder/lib/rustlib/$target/lib/" \;
rm -rf "$source/compiler" "$source/src"
