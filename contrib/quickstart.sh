#!/usr/bin/env bash
# From a bare Debian 12 to a running regtest network with supernodes: installs what is missing, builds,
# starts twelve nodes (a miner, a user, ten supernodes), sends a payment between wallets, registers
# a PastelID and a storage ticket that three supernodes sign, and lets another node check a proof
# of it against the ticket state.
#
#   contrib/quickstart.sh         all of that; the nodes go on running
#   contrib/quickstart.sh stop    stops the nodes
#   contrib/quickstart.sh clean   stops them and removes their data
#
# BUILD (default: build/), DATA (default: quickstart-data/), PORT (default: 18500; each node takes two
# ports from there on), SUPERNODES (default: 10).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
. contrib/deps.sh
BUILD=${BUILD:-$root/build}
DATA=${DATA:-$root/quickstart-data}
PORT=${PORT:-18500}
SUPERNODES=${SUPERNODES:-10}

say() {
    printf '\n\033[1m== %s\033[0m\n' "$*"
}

# net COMMAND...: contrib/ochre-net for our network
net() {
    command=$1
    shift
    contrib/ochre-net "$command" --dir "$DATA" --bin "$BUILD" --port "$PORT" "$@"
}

case ${1:-} in
stop | clean)
    net "$1"
    exit
    ;;
"") ;;
*)
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'
    exit 2
    ;;
esac

say "Building in $BUILD"
install_packages $BUILD_PACKAGES $RUN_PACKAGES
[ -x configure ] || ./autogen.sh >/dev/null 2>&1
mkdir -p "$BUILD"
(cd "$BUILD" && { [ -f Makefile ] || "$root/configure" --quiet >/dev/null; } &&
    make -j"$(nproc)" ochred ochre-cli >build.log 2>&1) || {
    tail -n 20 "$BUILD/build.log"
    exit 1
}

say "Starting a network with $SUPERNODES supernodes"
net up --supernodes "$SUPERNODES"
net demo

say "Done: the nodes go on running"
cat <<END
contrib/ochre-net status --dir $DATA --bin $BUILD
contrib/ochre-net cli --dir $DATA --bin $BUILD user getwalletinfo
contrib/quickstart.sh stop     stops them
END
