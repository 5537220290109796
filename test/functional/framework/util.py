"""Small helpers every test needs."""
import fcntl
import os
import random
import socket
import tempfile
import time

import pytest

TIMEOUT = float(os.environ.get("OCHRE_TEST_TIMEOUT", "60"))
LONG = os.environ.get("OCHRE_LONG") == "1"


def wait_until(predicate, timeout=TIMEOUT, what=""):
    """Polls until predicate() is true; the last value is returned."""
    end = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"waited {timeout:g} s in vain {what or 'for a condition'}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def cpu_seconds(pid):
    """Seconds of CPU so far, by the kernel's clock of that process."""
    return time.clock_gettime(~pid << 3 | 2)


class PortClaims:
    """Ports this process has claimed, by locks on the bytes of a file that all test runs
    of a user share: a stopped node's port stays its own until the process ends."""

    def __init__(self):
        path = os.path.join(tempfile.gettempdir(), f"ochre-test-ports-{os.getuid()}")
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.mine = set()

    def take(self, port):
        if port in self.mine:
            return False
        try:
            fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        except OSError:
            return False
        self.mine.add(port)
        return True


_claims = PortClaims()


def _take_port(port):
    if not _claims.take(port):
        return False
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """The first of so many loopback ports in a row, below the ephemeral range, that no other
    test run has claimed and nothing listens on."""
    while True:
        first = random.SystemRandom().randrange(10000, 32000)
        if all(_take_port(first + i) for i in range(count)):
            return first


def free_port():
    return free_ports(1)


def digits(amount):
    """How a Decimal is written: for checks on exact decimals."""
    return format(amount, "f")
