"""Hostile peers: honest nodes go on syncing and paying beside them, memory stays bounded.

The long form is `make soak` (a minute) and `make soak-long` (an hour); see framework/soak.py.
"""
from framework.soak import Soak


def test_honest_work_goes_on_among_hostile_peers(lab, params):
    soak = Soak(lab, seed=6, connections=50, params=params)
    soak.run(seconds=4)
    print(soak.report())
    soak.check()
