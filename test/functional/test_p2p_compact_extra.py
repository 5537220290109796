"""Compact blocks are also rebuilt from what the mempool did not keep
(-blockreconstructionextratxn)."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockTxn, CmpctBlock, SendCmpct, TxMsg
from framework.p2p import RelayPeer
from framework.util import wait_until
from framework.wallet import MiniWallet


@pytest.mark.parametrize("options, missing", [
    ([], []),
    (["-blockreconstructionextratxn=2"], [1]),
    (["-blockreconstructionextratxn=0"], [1, 2, 4]),
    (["-blockreconstructionextratxn=-5"], [1, 2, 4]),
])
def test_refused_replaced_and_orphan_transactions(lab, params, options, missing):
    node = lab.node(*options, params=params)
    wallet = MiniWallet(node)
    wallet.generate(105)
    peer = node.add_outbound(cls=RelayPeer)
    peer.send_and_sync(SendCmpct(False, 2))
    refused = wallet.create(confirmed_only=True, fee=0)
    coin = wallet.get_utxo(confirmed_only=True)
    replaced, rival = (wallet.create(utxos=[coin], fee_rate=r) for r in (3000, 30_000))
    parent, orphan = wallet.chain(2, wallet.get_utxo(confirmed_only=True))
    peer.send_and_sync(*map(TxMsg, (refused, replaced, rival, orphan)))
    assert node.getrawmempool() == [rival.txid]
    txs = [refused, replaced, parent, orphan]
    block = Chain.of(node).next(txs, witness=True)
    peer.clear()
    peer.send(CmpctBlock.of(block, prefill=(0, 3)))
    if missing:
        ask = peer.wait_for("getblocktxn")
        assert ask.indexes == missing
        peer.send(BlockTxn(block.hash_bytes, [block.txs[i] for i in missing]))
    wait_until(lambda: node.getbestblockhash() == block.hash)
    assert len(peer.received("getblocktxn")) == bool(missing)
