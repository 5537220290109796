# Sourced by check.sh and quickstart.sh: which Debian 12 packages are needed, and how to get
# those that are missing.
BUILD_PACKAGES="build-essential autoconf automake pkg-config libsecp256k1-dev libleveldb-dev
    libsodium-dev libssl-dev libevent-dev libsqlite3-dev libzmq3-dev"
RUN_PACKAGES="python3" # contrib/ochre-net
TEST_PACKAGES="libcmocka-dev libjansson-dev python3 python3-pytest python3-pytest-xdist
    python3-zmq clang llvm"

# install_packages NAME...: installs what dpkg does not know as installed; needs root (or sudo)
# only when something is missing.
install_packages() {
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=""
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "These packages are missing:$missing" >&2
            echo "Install them as root: apt-get install$missing" >&2
            return 1
        }
        as_root=sudo
    fi
    echo "Installing$missing"
    $as_root apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends \
            $missing >/dev/null
}
