"""Invalid blocks from peers: who sent one goes, what builds on one is refused, and what was merely
too early is taken later."""
from framework import fixtures
from framework.blocks import Chain, resolve
from framework.messages import BlockMsg, Headers
from framework.p2p import RelayPeer
from framework.util import wait_until

TWO_HOURS = 2 * 3600


node = fixtures.node_of_each()
wallet = fixtures.mini_wallet(105)


def _refused(node, block, reason):
    peer = node.add_peer(RelayPeer)
    peer.send_blocks([block], node, success=False, reason=reason, disconnect=True,
                     force=True)


def test_repeated_transactions_and_the_block_they_imitate(node, wallet):
    """CVE-2012-2459: the hash is the same, so it must not be remembered as bad."""
    txs = [wallet.create(confirmed_only=True) for _ in range(2)]
    block = Chain.of(node).next(txs, witness=True)
    malleated = block.copy()
    malleated.txs.append(malleated.txs[2])
    assert malleated.calc_merkle() == block.merkle and malleated.hash == block.hash
    _refused(node, malleated, "bad-txns-duplicate")
    node.add_peer(RelayPeer).send_blocks([block], node)
    wallet.rescan()


def test_an_input_spent_twice_in_one_transaction(node, wallet):
    """CVE-2018-17144."""
    tx = wallet.create(confirmed_only=True)
    tx.vin.append(tx.vin[0])
    tx.vout[0].value = tx.vout[0].value * 2 - 1000
    _refused(node, Chain.of(node).next([wallet.sign(tx)], witness=True),
             "bad-txns-inputs-duplicate")


def test_what_builds_on_an_invalid_block(node):
    chain = Chain.of(node)
    bad = chain.next(value=node.params.max_coinbase(chain.height + 1) + 1, extra=b"\x42")
    _refused(node, bad, "bad-cb-amount")
    child = chain.next(extra=b"\x41")
    child.prev = bad.hash_bytes
    resolve(child)
    start = node.log_size()
    peer = node.add_peer()
    peer.send(Headers([child]))
    peer.wait_disconnect()
    node.wait_log("invalid header received", start)


def test_an_invalid_block_that_is_known(node):
    """Peers that connected to us may not know better; those we chose must."""
    chain = Chain.of(node)
    bad = chain.next(value=node.params.max_coinbase(chain.height + 1) + 1, extra=b"\x43")
    _refused(node, bad, "bad-cb-amount")
    inbound, outbound = node.add_peer(), node.add_outbound()
    for p in (inbound, outbound):
        p.send(Headers([bad]))
    outbound.wait_disconnect()
    inbound.sync()
    assert not inbound.closed


def test_a_block_from_the_future_is_taken_when_its_time_has_come(node):
    now = node.tip_header()["time"] + 100
    node.set_time(now)
    late = Chain.of(node).next(time=now + TWO_HOURS + 1)
    peer = node.add_peer()
    start = node.log_size()
    peer.send_and_sync(Headers([late]), BlockMsg(late))
    node.wait_log("time-too-new", start)
    assert not peer.closed and node.getbestblockhash() != late.hash
    node.advance(1)
    peer.send(Headers([late]), BlockMsg(late))
    wait_until(lambda: node.getbestblockhash() == late.hash)
