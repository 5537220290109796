"""Low-work headers: a chain below -minimumchainwork costs no memory; one that reaches it is
fetched in two passes and then synced."""
import time

from framework.node import sync_blocks
from framework.util import wait_until

ENOUGH = 2300         # blocks; more than one message of headers
WORK = 2 * (ENOUGH + 1)


def test_minimum_chain_work(lab, params):
    source = lab.node(params=params)
    node = lab.node(f"-minimumchainwork={WORK:#x}", params=params)
    start = node.log_size()
    source.generatetodescriptor(14, "raw(51)")
    node.connect(source)
    node.wait_log("Ignoring low-work chain (height=14)", start)
    assert [t["height"] for t in node.getchaintips()] == [0]

    # a full message is the beginning of a longer chain, but then it ends
    source.generatetodescriptor(ENOUGH - 1 - 14, "raw(51)")
    node.disconnect(source)
    node.connect(source)
    node.wait_log("presync phase", start)
    node.wait_log("Initial headers sync complete", start)
    assert [t["height"] for t in node.getchaintips()] == [0]
    assert node.getblockcount() == 0

    # one block more is enough
    source.generatetodescriptor(1, "raw(51)")
    node.disconnect(source)
    node.connect(source)
    sync_blocks([source, node])
    assert node.getpeerinfo()[0]["presynced_headers"] == -1


def test_chain_that_is_too_short_is_not_served(lab, params):
    low = lab.node("-minimumchainwork=0x1000", params=params)
    low.generatetodescriptor(3, "raw(51)")
    node = lab.node(params=params)
    start = low.log_size()
    node.connect(low)
    low.wait_log("because active chain has too little work; sending empty response", start)
    time.sleep(0.3)
    assert node.getblockcount() == 0
    low.disconnect_peers()
    node.restart("-whitelist=noban@127.0.0.1")
    low.restart("-whitelist=download@127.0.0.1", "-minimumchainwork=0x1000")
    node.connect(low)
    wait_until(lambda: node.getblockcount() == 3)
