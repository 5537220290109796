"""Announcements by header (BIP 130), and what announced headers lead to: direct fetches and
their limits, headers that do not connect."""
import pytest

from framework.blocks import Chain
from framework.messages import (BlockMsg, GetData, GetHeaders, Headers, Inv, InvMsg,
                                MSG_BLOCK, MSG_WITNESS_BLOCK, Sendheaders)
from framework.p2p import Peer
from framework.primitives import from_hex
from framework.util import wait_until

INFLIGHT = 16      # blocks that are fetched from a peer at once
ANNOUNCED = 8      # headers in one announcement


class Silent(Peer):
    """Answers nothing by itself."""

    def on_inv(self, msg):
        pass

    def on_getheaders(self, msg):
        pass


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(12, "raw(51)")
    return node


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer(Silent)


def _mine(node, count=1):
    return node.generatetodescriptor(count, "raw(51)")


def _reorganise(node, depth):
    """A branch one block longer than the last @depth blocks; its hashes."""
    chain = Chain.of(node)
    branch = chain.fork(chain.height - depth)
    new = branch.mine(count=depth + 1, extra=b"%d" % node.log_size())
    for b in new[:-1]:
        assert node.submitblock(b.hex()) in ("inconclusive", None)
    assert node.submitblock(new[-1].hex()) is None
    assert node.getbestblockhash() == new[-1].hash
    return [b.hash for b in new]


def _tell_tip(peer, node):
    """The peer has our tip, as far as the node knows."""
    peer.send_and_sync(GetHeaders([from_hex(node.getbestblockhash())]))
    peer.clear()


def _announcement(peer, last):
    """How the block of that hash was announced: ("inv" or "headers", all hashes)."""
    def found(p):
        for command, msg in list(p.log):
            if command == "inv" and any(i.hash == from_hex(last) for i in msg.items):
                return "inv", [i.hash[::-1].hex() for i in msg.items]
            if command == "headers" and any(h.hash == last for h in msg.items):
                return "headers", [h.hash for h in msg.items]
        return None
    how = peer.wait(found, what=f"for the announcement of {last}")
    peer.clear()
    return how


def _asked(peer):
    """Hashes of the blocks that the node asked for so far."""
    peer.sync()
    return [i.hash[::-1].hex() for m in peer.received("getdata") for i in m.items]


def test_what_is_served_without_a_locator(node, peer):
    tip = from_hex(node.getbestblockhash())
    peer.send(GetHeaders([], stop=tip))
    assert [h.hash_bytes for h in peer.wait_for("headers").items] == [tip]
    peer.clear()
    unknown = Chain.of(node).next(extra=b"\x21")
    peer.send_and_sync(GetHeaders([], stop=unknown.hash_bytes))
    # a header alone is not passed on: nobody has seen the block
    peer.send_and_sync(Headers([unknown]), GetHeaders([], stop=unknown.hash_bytes))
    assert "headers" not in peer.count


def test_inv_until_headers_are_asked_for(node, peer):
    """Whatever else the peer does about headers and blocks."""
    for i in range(4):
        (new,) = _mine(node)
        assert _announcement(peer, new) == ("inv", [new])
        raw = from_hex(new)
        if i == 0:
            peer.send(GetData([Inv(MSG_WITNESS_BLOCK, raw)]))
            peer.wait_for("block")
        elif i == 1:
            peer.send(GetHeaders([from_hex(node.getblockhash(0))]),
                      GetData([Inv(MSG_BLOCK, raw)]))
            peer.wait_for("block")
        elif i == 2:
            peer.send(GetHeaders([from_hex(node.getblockhash(0))], stop=raw))
            peer.wait_for("headers")
        else:
            chain = Chain.of(node)
            ours = chain.mine(extra=b"\x22")[0]
            peer.send_and_sync(Headers([ours]))
            peer.send(BlockMsg(ours))
            wait_until(lambda: node.getbestblockhash() == ours.hash)
        peer.sync()
        peer.clear()


def test_sendheaders_is_sent_once_the_peer_has_shown_its_chain(node):
    node.disconnect_peers()
    peer = node.add_peer(Silent)
    assert "sendheaders" not in peer.count
    peer.send(Headers([Chain.of(node).tip]))
    peer.wait_for("sendheaders")
    (_,) = _mine(node)
    peer.sync()
    assert peer.count["sendheaders"] == 1


def test_headers_once_they_are_asked_for(node, peer):
    peer.send_and_sync(Sendheaders())
    # nothing is known of its chain, so a header might not connect
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("inv", [new])
    _tell_tip(peer, node)
    for _ in range(3):
        (new,) = _mine(node)
        assert _announcement(peer, new) == ("headers", [new])
    # what it announced itself is not announced back, and the next one connects
    ours = Chain.of(node).mine(extra=b"\x23")[0]
    peer.send_and_sync(Headers([ours]))
    peer.send_and_sync(BlockMsg(ours))
    wait_until(lambda: node.getbestblockhash() == ours.hash)
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("headers", [new])
    # so with what it announced by inv
    ours = Chain.of(node).mine(extra=b"\x24")[0]
    peer.send_and_sync(InvMsg([Inv(MSG_BLOCK, ours.hash_bytes)]))
    peer.send_and_sync(Headers([ours]), BlockMsg(ours))
    wait_until(lambda: node.getbestblockhash() == ours.hash)
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("headers", [new])


def test_a_reorganisation_is_announced_whole_up_to_eight(node, peer):
    peer.send_and_sync(Sendheaders())
    _tell_tip(peer, node)
    hashes = _reorganise(node, ANNOUNCED - 1)
    assert _announcement(peer, hashes[-1]) == ("headers", hashes)
    hashes = _reorganise(node, ANNOUNCED)
    assert _announcement(peer, hashes[-1]) == ("inv", [hashes[-1]])
    # the peer has not said whether it followed
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("inv", [new])
    # it has the first of the new branch: then all from there on can be announced
    peer.send_and_sync(GetHeaders([from_hex(hashes[0])], stop=from_hex(new)))
    peer.clear()
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("headers", [new])


def test_an_inv_of_the_peer_makes_headers_connect_again(node, peer):
    peer.send_and_sync(Sendheaders())
    _tell_tip(peer, node)
    hashes = _reorganise(node, ANNOUNCED)
    assert _announcement(peer, hashes[-1])[0] == "inv"
    peer.send_and_sync(InvMsg([Inv(MSG_BLOCK, from_hex(hashes[-1]))]))
    (new,) = _mine(node)
    assert _announcement(peer, new) == ("headers", [new])


def test_announced_blocks_are_fetched_at_once(node, peer):
    chain = Chain.of(node)
    blocks = chain.mine(count=2, extra=b"\x31")
    peer.send(Headers(blocks[:1]))
    assert _asked(peer) == [blocks[0].hash]
    peer.send_and_sync(BlockMsg(blocks[0]))
    wait_until(lambda: node.getbestblockhash() == blocks[0].hash)
    peer.send(Headers(blocks[1:]))
    assert _asked(peer) == [b.hash for b in blocks]
    peer.send_and_sync(BlockMsg(blocks[1]))
    # several in one message
    blocks = chain.mine(count=3, extra=b"\x32")
    peer.clear()
    peer.send(Headers(blocks))
    assert _asked(peer) == [b.hash for b in blocks]
    peer.send_and_sync(*map(BlockMsg, blocks))
    wait_until(lambda: node.getbestblockhash() == blocks[-1].hash)


def test_blocks_of_a_branch_are_fetched_when_it_has_the_work(node, peer):
    chain = Chain.of(node)
    branch = chain.fork(chain.height - 1)
    blocks = branch.mine(count=INFLIGHT + 4, extra=b"\x33")
    # as much work as the tip has: yes
    peer.send(Headers(blocks[:1]))
    assert _asked(peer) == [blocks[0].hash]
    peer.send_and_sync(BlockMsg(blocks[0]))
    # as many as may be on their way
    peer.clear()
    peer.send(Headers(blocks[1:INFLIGHT + 1]))
    assert _asked(peer) == [b.hash for b in blocks[1:INFLIGHT + 1]]
    # no more while these are
    peer.clear()
    peer.send(Headers(blocks[INFLIGHT + 1:INFLIGHT + 2]))
    assert _asked(peer) == []
    peer.send_and_sync(*map(BlockMsg, blocks[1:INFLIGHT + 1]))
    peer.wait(lambda p: blocks[INFLIGHT + 1].hash_bytes in
              [i.hash for m in p.received("getdata") for i in m.items])
    peer.send_and_sync(BlockMsg(blocks[INFLIGHT + 1]))
    wait_until(lambda: node.getbestblockhash() == blocks[INFLIGHT + 1].hash)


def test_a_deep_branch_is_fetched_from_its_beginning(node, peer):
    chain = Chain.of(node)
    height = chain.height
    branch = chain.fork(height - INFLIGHT - 4)
    blocks = branch.mine(count=INFLIGHT + 4 + 1, extra=b"\x34")
    start = node.log_size()
    peer.send(Headers(blocks[:-2]))
    assert _asked(peer) == []            # less work than the tip
    peer.send(Headers(blocks[-2:]))
    peer.wait(lambda p: p.received("getdata"))
    node.wait_log("Large reorg, won't direct fetch", start)
    assert _asked(peer) == [b.hash for b in blocks[:INFLIGHT]]
    peer.send_and_sync(*map(BlockMsg, blocks))
    wait_until(lambda: node.getbestblockhash() == blocks[-1].hash)


def test_headers_that_do_not_connect_ask_for_what_is_between(node, peer):
    chain = Chain.of(node)
    blocks = chain.mine(count=3, extra=b"\x35")
    peer.clear()
    start = node.log_size()
    peer.send(Headers([]), Headers(blocks[1:2]))     # its first question is answered
    ask = peer.wait_for("getheaders")
    node.wait_log("missing prev block", start)
    assert ask.locator[0] == from_hex(node.getbestblockhash())
    peer.send(Headers(blocks))
    assert set(_asked(peer)) == {b.hash for b in blocks}
    peer.send_and_sync(*map(BlockMsg, blocks))
    wait_until(lambda: node.getbestblockhash() == blocks[-1].hash)


def test_headers_that_never_connect_do_no_harm(node, peer):
    """bitcoind counts none since version 28; one question is open at a time."""
    blocks = Chain.of(node).mine(count=30, extra=b"\x36")
    peer.clear()
    peer.send(Headers([]))
    for b in blocks[1:]:
        peer.send(Headers([b]))
    peer.sync()
    assert peer.count["getheaders"] == 1
    peer.send(Headers([]))               # an answer: it may ask again
    peer.send(Headers([blocks[2]]))
    peer.wait(lambda p: p.count["getheaders"] == 2)
