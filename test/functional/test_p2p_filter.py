"""Bloom filters (BIP 37) and BIP 35: what is announced and served through them, their limits."""
import pytest

from framework import fixtures
from framework.hashes import hash256
from framework.messages import (MSG_BLOCK, MSG_FILTERED_BLOCK, MSG_WTX, FilterAdd, FilterLoad,
                                Filterclear, GetData, Inv, Mempool)
from framework.p2p import Peer

MAX_DATA, MAX_HASHES, MAX_ITEM = 36000, 50, 520
UPDATE_ALL = 1
OTHER = b"\x00\x14" + b"\x77" * 20        # nobody's script


node = fixtures.node_of_each("-peerbloomfilters", "-whitelist=noban@127.0.0.1")
wallet = fixtures.mini_wallet(110)


class Light(Peer):
    """Follows announcements only when it is told to."""

    def on_inv(self, msg):
        pass

    def load(self, *items, flags=UPDATE_ALL):
        """A filter of these items: the node puts them in."""
        self.send_and_sync(FilterLoad(bytes(100), 5, 3, flags), *[FilterAdd(i) for i in items])

    def merkle_block(self, block_hash):
        """Its payload, and the transactions that came with it."""
        self.clear()
        self.send_and_sync(GetData([Inv(MSG_FILTERED_BLOCK, bytes.fromhex(block_hash)[::-1])]))
        blocks = self.received("merkleblock")
        if not blocks:
            return None, []
        assert hash256(blocks[0].payload[:80])[::-1].hex() == block_hash
        return blocks[0].payload, [m.tx.txid for m in self.received("tx")]


@pytest.fixture
def light(node):
    node.disconnect_peers()
    return node.add_peer(Light, relay=False)


def ours(wallet):
    return wallet.taproot.output_key


@pytest.mark.parametrize("limit, over", [
    (FilterLoad(bytes(MAX_DATA), MAX_HASHES), FilterLoad(bytes(MAX_DATA + 1), 1)),
    (FilterLoad(b"\xbb", MAX_HASHES), FilterLoad(b"\xbb", MAX_HASHES + 1)),
    (FilterAdd(b"\xcc" * MAX_ITEM), FilterAdd(b"\xcc" * (MAX_ITEM + 1))),
], ids=["size", "hashes", "item"])
def test_limits(node, light, limit, over):
    start = node.log_size()
    light.send_and_sync(FilterLoad(b"\xaa", 1), limit)
    assert "Misbehaving" not in node.log(start)
    light.send_and_sync(over)
    node.wait_log("Misbehaving: peer=", start)


def test_an_item_without_a_filter_is_misbehaviour(node, light):
    start = node.log_size()
    light.send_and_sync(FilterAdd(b"\x01"))
    node.wait_log("bad filteradd message", start)


def test_nothing_is_announced_before_a_filter_came(node, light, wallet):
    first = wallet.send()
    light.sync()
    light.load(ours(wallet))
    second = wallet.send()
    light.wait(lambda p: second.wtxid_bytes in p.announced(), what="for an announcement")
    assert first.wtxid_bytes not in light.announced()


def test_only_what_matches_is_announced(node, light, wallet):
    light.load(OTHER[2:])
    hidden = wallet.send()
    seen = wallet.send_to(OTHER, 10_000)[0]
    light.wait(lambda p: seen.wtxid_bytes in p.announced(), what="for an announcement")
    assert hidden.wtxid_bytes not in light.announced()
    light.send_and_sync(Filterclear())
    unfiltered = wallet.send()
    light.wait(lambda p: unfiltered.wtxid_bytes in p.announced(), what="without a filter")


def test_mempool_message(node, light, wallet):
    hidden, seen = wallet.send(), wallet.send_to(OTHER, 10_000)[0]
    light.load(OTHER[2:])
    light.clear()
    light.send_and_sync(Mempool())
    light.wait(lambda p: seen.wtxid_bytes in p.announced(MSG_WTX), what="for the mempool")
    assert hidden.wtxid_bytes not in light.announced()


def test_filtered_blocks(node, light, wallet):
    light.load(OTHER[2:])
    seen, hidden = wallet.send_to(OTHER, 10_000)[0], wallet.send()
    (block,) = wallet.generate(1)
    data, txids = light.merkle_block(block)
    assert data and seen.txid in txids and hidden.txid not in txids
    (empty,) = wallet.generate(1)
    data, txids = light.merkle_block(empty)
    assert data and not txids
    light.send_and_sync(Filterclear())
    assert light.merkle_block(block) == (None, [])
    light.clear()
    light.send_and_sync(GetData([Inv(MSG_BLOCK, bytes.fromhex(block)[::-1])]))
    assert len(light.received("block")) == 1


def test_a_match_is_followed_to_what_spends_it(node, light, wallet):
    """BLOOM_UPDATE_ALL: the node puts the outpoints of what matched into the filter."""
    light.load(ours(wallet))
    parent = wallet.send_to(OTHER, 10_000)[0]
    wallet.generate(1)
    child = wallet.send_to(OTHER, 10_000, utxos=[wallet.get_utxo(txid=parent.txid)])[0]
    (block,) = wallet.generate(1)
    assert child.txid in light.merkle_block(block)[1]


def test_an_empty_filter_matches_everything(node, light, wallet):
    light.send_and_sync(FilterLoad(b"", 0))
    tx = wallet.send()
    light.wait(lambda p: tx.wtxid_bytes in p.announced(), what="for an announcement")


def test_an_empty_filter_with_hash_functions(node, light, wallet):
    """CVE-2013-5700: positions in it were computed modulo zero."""
    light.send_and_sync(FilterLoad(b"", 1), FilterAdd(b"letstrytocrashthisnode"))
    tx = wallet.send()
    light.wait(lambda p: tx.wtxid_bytes in p.announced(), what="for an announcement")
