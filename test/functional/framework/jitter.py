"""Threads that come late at random, so that a test which leaves something to chance fails.

OCHRE_JITTER holds the seed (none or 0: everybody is in time), OCHRE_JITTER_MS the longest delay.
A preloaded layer (jitter.c) delays the daemon's threads; this process delays what peers read
and when calls are sent. The same seed gives each test the same delays, whichever process runs
it; how the scheduler adds to them remains its own affair.
"""
import functools
import os
import random
import tempfile
import time

from .preload import build_layer

SEED = int(os.environ.get("OCHRE_JITTER") or 0)
LONGEST = float(os.environ.get("OCHRE_JITTER_MS") or 20) / 1000
OFTEN = 0.05           # of what this process does is late

_folder = tempfile.TemporaryDirectory(prefix="ochre-jitter-") if SEED else None
_rng = random.Random(SEED)


@functools.cache
def _layer():
    return build_layer(_folder.name, "jitter")


def environment(*start):
    """What to run a daemon with; its delays follow from the test and what names this start."""
    if not SEED:
        return {}
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    seed = random.Random(repr((SEED, test, start))).getrandbits(48) | 1
    return {"LD_PRELOAD": _layer(), "OCHRE_JITTER": str(seed),
            "OCHRE_JITTER_MS": f"{LONGEST * 1000:g}"}


def pause():
    """Here this thread may be late."""
    if SEED and _rng.random() < OFTEN:
        time.sleep(_rng.uniform(0, LONGEST))
