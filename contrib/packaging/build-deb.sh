#!/usr/bin/env bash
# Builds the Debian package from the release tarball: contrib/packaging/build-deb.sh TARBALL OUTDIR
set -eu
tarball=$(realpath "$1")
out=$(realpath "$2")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf "$tarball"
top=$(echo "$work"/ochre-*)
cp -r "$here/debian" "$top/debian"
(cd "$top" && dpkg-buildpackage -b -us -uc -j"$(nproc)")
cp "$work"/*.deb "$out"
ls "$out"/ochre_*.deb
