#!/bin/sh
# Makes configure from configure.ac; needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
for tool in autoreconf automake pkg-config; do
    command -v $tool >/dev/null || {
        echo "autogen.sh: $tool is missing. On Debian 12: apt-get install autoconf automake pkg-config" >&2
        exit 1
    }
done
mkdir -p build-aux m4
exec autoreconf --install --force
