"""A node that cannot go on says why and ends; files that are gone, and clocks that are
wrong, are told at the start."""
import os

from framework import fixtures
from framework.rpc import RPCError
from framework.wallet import MiniWallet
import pytest


node = fixtures.node_of_each()
FUTURE = ("Error: The block database contains a block which appears to be from the "
          "future. This may be due to your computer's date and time being set "
          "incorrectly. Only rebuild the block database if you are sure that your "
          "computer's date and time are correct.\n"
          "Please restart with -reindex or -reindex-chainstate to recover.")


def test_a_tip_from_the_future(node):
    MiniWallet(node).generate(3)
    tip = node.tip_header()["time"]
    node.stop()
    assert node.fails_to_start(f"-mocktime={tip - 7201}") == FUTURE
    node.start(f"-mocktime={tip - 7200}")
    node.restart()


def test_undo_data_are_gone(node):
    os.rename(node.path("blocks", "rev00000.dat"), node.path("blocks", "gone"))
    tip = node.getbestblockhash()
    with pytest.raises((RPCError, OSError)):
        node.invalidateblock(tip)
    node.wait_exit(stderr=None, status=1)
    assert node.stderr().startswith(
        "Error: A fatal internal error occurred, see debug.log for details: Failed to "
        f"disconnect block. ({tip} at height 3)"), node.stderr()
    assert "*** Failed to disconnect block." in node.log()
    os.rename(node.path("blocks", "gone"), node.path("blocks", "rev00000.dat"))
    node.start()
    assert node.getblockcount() >= 2
