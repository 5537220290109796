"""addconnection: as many of each kind as the node makes by itself, and no more."""
import pytest

from framework.rpc import RPCError

KINDS = ("outbound-full-relay", "block-relay-only", "feeler", "addr-fetch")


def _counts(node):
    kinds = [p["connection_type"] for p in node.getpeerinfo()]
    return {k: kinds.count(k) for k in set(kinds)}


@pytest.fixture(params=[0, 1], ids=["v1", "v2"])
def node(lab, params, request):
    return lab.node(f"-v2transport={request.param}", params=params)


def _full(node, kind):
    with pytest.raises(RPCError) as e:
        node.addconnection("127.0.0.1:1", kind, False)
    assert e.value.code == -34
    assert "Error: Already at capacity for specified connection type." in str(e.value)


def test_as_many_as_there_is_room_for(node):
    for _ in range(3):
        node.add_peer()
    for _ in range(8):
        node.add_outbound()
    assert _counts(node) == {"inbound": 3, "outbound-full-relay": 8}
    _full(node, "outbound-full-relay")
    for _ in range(2):
        node.add_outbound("block-relay-only")
    _full(node, "block-relay-only")
    node.add_outbound("addr-fetch")          # the last of eleven
    for kind in KINDS:
        _full(node, kind)
    assert _counts(node) == {"inbound": 3, "outbound-full-relay": 8, "block-relay-only": 2,
                             "addr-fetch": 1}
    node.disconnect_peers()
    peer = node.add_outbound("feeler", ready=False)
    peer.wait_for("version")
    peer.wait_disconnect()
    for kind in ("outbound-full-relay", "block-relay-only", "addr-fetch"):
        node.add_outbound(kind)
    assert _counts(node) == {"outbound-full-relay": 1, "block-relay-only": 1,
                             "addr-fetch": 1}


def _limited_to(node, files):
    node.wrapper = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh"]


def test_fewer_by_open_files(lab):
    node = lab.node(start=False)
    _limited_to(node, 149)
    assert node.fails_to_start() == "Error: Not enough file descriptors available."
    _limited_to(node, 150 + 9 + 1 + 13)          # ours, addnode and capture, one to listen
    start = node.log_size()
    node.start()
    line = "Reducing -maxconnections from 125 to 13, because of system limitations."
    assert "Using at most 13 automatic connections (173 file descriptors available)" in \
        node.log(start)
    for _ in range(2):
        node.add_peer()                          # the other eleven are for outgoing ones
    node.add_peer(ready=False).wait_disconnect()
    node.stop(stderr=f"Warning: {line}")
    node.start("-maxconnections=13")
    node.stop()


def test_fewer_by_maxconnections(lab):
    node = lab.node("-maxconnections=3")
    for _ in range(3):
        node.add_outbound()
    _full(node, "outbound-full-relay")
    _full(node, "block-relay-only")
