"""Small helpers every test needs."""
import os
import random
import socket
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


_used = set()


def free_port():
    """A loopback port below the ephemeral range that nothing listens on."""
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        if port in _used:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _used.add(port)
        return port


def digits(amount):
    """How a Decimal is written: for checks on exact decimals."""
    return format(amount, "f")
