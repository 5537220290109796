#!/bin/sh
# doc/rpc is what the method tables say. Runs in the build directory, under `make check`.
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
./ochre-gendoc rpc "$work" || exit 1
diff -r "${srcdir:-.}/doc/rpc" "$work" || {
    echo "doc/rpc is not up to date: make rpc-doc" >&2
    exit 1
}
