"""Without bloom filters offered, their messages end the connection."""
import pytest

from framework import fixtures
from framework.messages import FilterAdd, Filterclear, FilterLoad, Mempool, NODE_BLOOM


node = fixtures.node_of_each()


@pytest.mark.parametrize("msg", [Mempool(), FilterLoad(b"\x01"), FilterAdd(b"\x01"),
                                 Filterclear()], ids=lambda m: m.command)
def test_message_disconnects(node, msg):
    peer = node.add_peer()
    assert not peer.received("version")[0].services & NODE_BLOOM
    start = node.log_size()
    peer.send(msg)
    peer.wait_disconnect()
    node.wait_log("mempool request with bloom filters disabled" if msg.command == "mempool"
                  else f"{msg.command} received despite not offering bloom services",
                  start)
