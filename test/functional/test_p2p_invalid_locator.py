"""A locator holds at most 101 hashes; a longer one ends the connection."""
import pytest

from framework.messages import MAX_LOCATOR, GetBlocks, GetHeaders
from framework.primitives import from_hex


@pytest.mark.parametrize("message", (GetHeaders, GetBlocks), ids=lambda m: m.command)
def test_length_of_a_locator(lab, params, message):
    node = lab.node(params=params)
    node.generatetodescriptor(1, "raw(51)")
    tip = from_hex(node.getbestblockhash())
    unknown = [bytes([i]) * 32 for i in range(1, MAX_LOCATOR)]
    peer = node.add_peer()
    genesis = from_hex(node.getblockhash(0))
    peer.send(message([*unknown, genesis]))
    if message is GetHeaders:
        assert [h.hash_bytes for h in peer.wait_for("headers").items] == [tip]
    else:
        peer.wait(lambda p: tip in p.announced())
    start = node.log_size()
    peer.send(message([*unknown, tip, genesis]))
    peer.wait_disconnect()
    node.wait_log(f"{message.command} locator size 102 > 101, disconnect peer=", start)
