#!/usr/bin/env bash
# From a bare Debian 12 to two running regtest nodes: installs what is missing, builds, starts the
# nodes, mines, sends a transaction, registers a PastelID on the chain, and lets the second node
# check the proof that it stands in the ticket state.
#
#   contrib/quickstart.sh         all of that; the nodes go on running
#   contrib/quickstart.sh stop    stops the nodes
#   contrib/quickstart.sh clean   stops them and removes their data
#
# BUILD (default: build/), DATA (default: quickstart-data/), PORT (default: 18344; the nodes use
# PORT and PORT+10, their JSON-RPC 100 below).
set -eu
cd "$(dirname "$0")/.."
root=$PWD
. contrib/deps.sh
BUILD=${BUILD:-$root/build}
DATA=${DATA:-$root/quickstart-data}
PORT=${PORT:-18344}
# A throw-away key: regtest coins are worth nothing.
KEY=cVw76c5Sy4Ag6vcvQAEhexjmkyrnPDar7zwcV4tkdfRYNaBfde4j
PASSPHRASE="quickstart passphrase"

say() {
    printf '\n\033[1m== %s\033[0m\n' "$*"
}

# node N command...: a JSON-RPC call to node 1 or 2
node() {
    n=$1
    shift
    "$BUILD/ochre-cli" -regtest -datadir="$DATA/node$n" -rpcport=$((PORT - 110 + 10 * n)) \
        -rpcwait -rpcwaittimeout=30 "$@"
}

# member NAME: the value of "NAME" in the JSON on standard input (first one, one per line)
member() {
    sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" | head -n 1
}

# address_of pkh|wpkh: the address of that kind of our key
address_of() {
    checksum=$(node 1 getdescriptorinfo "$1($KEY)" | member checksum)
    node 1 deriveaddresses "$1($KEY)#$checksum" | sed -n 's/^ *"\(.*\)"$/\1/p'
}

start() {
    mkdir -p "$DATA/node$1"
    if [ -e "$DATA/node$1/regtest/ochred.pid" ] &&
        kill -0 "$(cat "$DATA/node$1/regtest/ochred.pid")" 2>/dev/null; then
        echo "node $1 runs already"
        return
    fi
    "$BUILD/ochred" -regtest -daemonwait -datadir="$DATA/node$1" \
        -port=$((PORT - 10 + 10 * $1)) -bind=127.0.0.1 -rpcport=$((PORT - 110 + 10 * $1)) \
        ${2:+-addnode=127.0.0.1:$2}
}

stop() {
    for n in 2 1; do
        pid_file=$DATA/node$n/regtest/ochred.pid
        [ -e "$pid_file" ] || continue
        pid=$(cat "$pid_file")
        node $n stop
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    done
}

# Waits until both nodes have the same tip.
sync() {
    for i in $(seq 300); do
        [ "$(node 1 getbestblockhash)" = "$(node 2 getbestblockhash)" ] && return
        sleep 0.1
    done
    echo "the nodes did not reach the same tip within 30 s; see $DATA/node*/regtest/debug.log" >&2
    exit 1
}

mine() {
    node 1 generatetoaddress "$1" "$address" >/dev/null
    sync
}

case ${1:-} in
stop)
    stop
    exit
    ;;
clean)
    stop
    rm -rf "$DATA"
    exit
    ;;
"") ;;
*)
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'
    exit 2
    ;;
esac

say "Building in $BUILD"
install_packages $BUILD_PACKAGES
[ -x configure ] || ./autogen.sh >/dev/null 2>&1
mkdir -p "$BUILD"
(cd "$BUILD" && { [ -f Makefile ] || "$root/configure" --quiet >/dev/null; } &&
    make -j"$(nproc)" ochred ochre-cli >build.log 2>&1) || {
    tail -n 20 "$BUILD/build.log"
    exit 1
}

say "Starting two regtest nodes"
start 1
start 2 "$PORT"
address=$(address_of wpkh)
change=$(address_of pkh)
echo "node 1: peers on port $PORT, JSON-RPC on $((PORT - 100))"
echo "node 2: peers on port $((PORT + 10)), JSON-RPC on $((PORT - 90))"

say "Mining 110 blocks to $address"
mine 110
node 2 getblockchaininfo | grep -E '"(chain|blocks|bestblockhash)"'

say "Sending 1000 rPSL"
height=$(($(node 1 getblockcount) - 105))
coinbase=$(node 1 getblock "$(node 1 getblockhash $height)" | sed -n '/"tx"/{n;s/.*"\(.*\)".*/\1/p}')
value=$(node 1 gettxout "$coinbase" 0 | member value)
rest=$(awk "BEGIN { printf \"%.5f\", $value - 1000.01 }")
raw=$(node 1 createrawtransaction "[{\"txid\":\"$coinbase\",\"vout\":0}]" \
    "[{\"$address\":1000},{\"$change\":$rest}]")
signed=$(node 1 signrawtransactionwithkey "$raw" "[\"$KEY\"]" | member hex)
payment=$(node 1 sendrawtransaction "$signed")
mine 1
echo "transaction $payment, as node 2 sees its first output:"
node 2 gettxout "$payment" 0

say "Registering a PastelID"
pastelid=$(node 1 pastelid newkey "$PASSPHRASE" | member pastelid)
echo "$pastelid"
ticket=$(node 1 tickets register id "{\"pastelid\":\"$pastelid\",\"owner_address\":\"$address\",
    \"inputs\":[{\"txid\":\"$payment\",\"vout\":0}],\"privkeys\":[\"$KEY\"],
    \"passphrase\":\"$PASSPHRASE\"}" | member txid)
mine 1

say "The ticket, as node 2 sees it"
node 2 tickets get "$ticket"

say "Proof that the PastelID is in the state, made by node 1, checked by node 2"
mine 1 # the coinbase of a block commits to the state before it
proof=$(node 1 getstateproof "$pastelid")
height=$(echo "$proof" | member height)
root=$(node 2 getstateroot "$height")
echo "state root after block $height, from node 2: $root"
node 2 verifystateproof "$root" "$pastelid" "$(echo "$proof" | member proof)"

say "Done: both nodes go on running"
cat <<END
$BUILD/ochre-cli -regtest -datadir=$DATA/node1 -rpcport=$((PORT - 100)) getblockchaininfo
contrib/quickstart.sh stop     stops them
END
