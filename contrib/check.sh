#!/usr/bin/env bash
# The test command: installs what is missing, builds with warnings as errors, runs the unit tests
# plainly and under ASan and UBSan, then the functional tests. Ends with "N passed, N failed".
#
#   contrib/check.sh            everything (under 15 minutes on 2 cores)
#   contrib/check.sh unit       unit tests only
#   contrib/check.sh asan       unit tests under the sanitizers only
#   contrib/check.sh functional functional tests only
#   contrib/check.sh dist       builds and installs from the release tarball
#
# BUILD (default: build/) is where it builds; JOBS (default: cores) how parallel it works.
set -u
cd "$(dirname "$0")/.."
root=$PWD
. contrib/deps.sh
BUILD=${BUILD:-$root/build}
JOBS=${JOBS:-$(nproc)}
export OCHRE_SHARED_DATA=${OCHRE_SHARED_DATA:-$root/../shared/data}
what=${1:-all}
passed=0
failed=0

finish() {
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# A step that must work for anything else to make sense.
must() {
    "$@" || {
        echo "check.sh: '$*' failed" >&2
        failed=$((failed + 1))
        finish
    }
}

# configure_in DIR [configure options]
configure_in() {
    dir=$1
    shift
    mkdir -p "$dir"
    (cd "$dir" && { [ -f Makefile ] || "$root/configure" --quiet "$@"; })
}

# build DIR TARGET...: quietly, unless it fails
build() {
    dir=$1
    shift
    make -C "$dir" -j"$JOBS" "$@" >"$dir/build.log" 2>&1 && return
    grep -E 'error|warning|undefined|\*\*\*' "$dir/build.log" | head -n 40
    return 1
}

# count_unit DIR: adds the test cases of the programs that `make check` ran in DIR.
count_unit() {
    for log in "$1"/test/unit/*.log; do
        [ -f "$log" ] || continue
        p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | head -n 1)
        f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s).*/\1/p' "$log" | head -n 1)
        passed=$((passed + ${p:-0}))
        failed=$((failed + ${f:-0}))
    done
}

# unit DIR: builds and runs the unit tests; a program that dies counts as one failure.
unit() {
    must build "$1" all check-programs
    before=$failed
    make -s -C "$1" -j"$JOBS" check >"$1/check.log" 2>&1
    status=$?
    count_unit "$1"
    if [ $status -ne 0 ]; then
        grep -E '^(FAIL|ERROR)' "$1/check.log"
        for trs in $(grep -lE '^:test-result: (FAIL|ERROR)' "$1"/test/unit/*.trs \
            "$1"/contrib/devtools/*.trs 2>/dev/null); do
            tail -n 40 "${trs%.trs}.log"
        done
        [ "$failed" -gt "$before" ] || failed=$((failed + 1))
    fi
}

# pytest_count WORD: the number before it in pytest's last line
pytest_count() {
    tail -n 1 "$BUILD/functional.log" | grep -oE "[0-9]+ $1" | grep -oE '^[0-9]+'
}

functional() {
    must build "$BUILD" all
    OCHRE_BUILDDIR=$BUILD /usr/bin/python3 -m pytest -q -p no:cacheprovider -n "$JOBS" --dist loadfile \
        "$root/test/functional" 2>&1 | tee "$BUILD/functional.log" | grep -vE '^(\.|s|F|E)+ *\[' 
    p=$(pytest_count passed) f=$(pytest_count failed) e=$(pytest_count 'errors?')
    passed=$((passed + ${p:-0}))
    failed=$((failed + ${f:-0} + ${e:-0}))
    [ -n "$p$f$e" ] || {
        echo "check.sh: pytest said nothing that could be counted" >&2
        failed=$((failed + 1))
    }
}

# Everything a release holds builds and installs, and what is installed runs.
dist_steps() {
    at=$BUILD/dist
    rm -rf "$at" && mkdir -p "$at" && make -s -C "$BUILD" dist >/dev/null &&
        tar -C "$at" -xf "$BUILD"/ochre-*.tar.gz && cd "$at"/ochre-* &&
        ./configure --quiet >/dev/null && make -s -j"$JOBS" all &&
        make -s install DESTDIR="$at/root" >/dev/null &&
        "$at/root/usr/local/bin/ochred" -version >/dev/null &&
        "$at/root/usr/local/bin/ochre-cli" -version >/dev/null &&
        [ -s "$at/root/usr/local/share/man/man1/ochred.1" ] &&
        bash -n "$at/root/usr/local/share/bash-completion/completions/ochre-cli"
}

dist() {
    must build "$BUILD" all
    if (dist_steps) >"$BUILD/dist.log" 2>&1; then
        passed=$((passed + 1))
    else
        tail -n 20 "$BUILD/dist.log"
        echo "check.sh: the release tarball does not build and install" >&2
        failed=$((failed + 1))
    fi
}

must install_packages $BUILD_PACKAGES $TEST_PACKAGES
[ -x configure ] || must ./autogen.sh >/dev/null 2>&1
[ -d "$OCHRE_SHARED_DATA" ] ||
    echo "note: no test vectors at $OCHRE_SHARED_DATA; tests that need them say so and skip"
must configure_in "$BUILD" --enable-werror

case $what in
all | unit) unit "$BUILD" ;;
esac
case $what in
all | asan)
    must configure_in "$BUILD/asan" --enable-asan --enable-werror
    unit "$BUILD/asan"
    ;;
esac
case $what in
all | functional) functional ;;
esac
case $what in
all | dist) dist ;;
esac
finish
