"""Two transactions with one txid: the first witness stays, by RPC and from peers."""
from framework import fixtures, messages as m, script as sc
from framework.packages import pool_is
from framework.primitives import OutPoint, Tx, TxIn, TxOut

node = fixtures.node_of_each("-whitelist=noban@127.0.0.1")
wallet = fixtures.mini_wallet(101)

CODE = b"\x75\x51"


def twins(wallet):
    """Both spend the same P2WSH output, with other items on the stack."""
    base, n = wallet.send_to(sc.p2wsh(CODE), 1_000_000)
    wallet.generate(1)
    out = []
    for item in (b"\x01", b"\x02" * 60):
        tx = Tx([TxIn(OutPoint(base.txid, n))], [TxOut(990_000, wallet.script_pubkey)])
        tx.vin[0].witness = [item, CODE]
        out.append(tx)
    assert out[0].txid == out[1].txid and out[0].wtxid != out[1].wtxid
    return out


def test_the_first_stays(node, wallet):
    small, large = twins(wallet)
    node.sendrawtransaction(large.hex())
    for tx, reason in ((large, "txn-already-in-mempool"),
                       (small, "txn-same-nonwitness-data-in-mempool")):
        (result,) = node.testmempoolaccept([tx.hex()])
        assert result == {"txid": tx.txid, "wtxid": tx.wtxid, "allowed": False,
                          "reject-reason": reason}
    # sent once more, in either form, the first is announced again: no error
    assert node.sendrawtransaction(small.hex()) == small.txid
    assert node.getmempoolentry(small.txid)["wtxid"] == large.wtxid
    # who asks for the other one gets nothing
    peer = node.add_peer()
    peer.send_and_sync(m.GetData([m.Inv(m.MSG_WTX, small.wtxid_bytes)]))
    assert not peer.received("tx")
    # a peer's twin changes nothing
    peer.send_and_sync(m.TxMsg(small))
    pool_is(node, [large])
    assert node.getmempoolentry(small.txid)["wtxid"] == large.wtxid
    node.drop_peers()
    wallet.generate(1)


def test_children_of_twins(node, wallet):
    """A child does not care for the witness of its parent."""
    small, large = twins(wallet)
    child = wallet.create(utxos=wallet.outputs_of(small))
    node.sendrawtransaction(small.hex())
    node.sendrawtransaction(child.hex())
    pool_is(node, [small, child])
    # a block may hold the other twin
    node.generateblock("raw(51)", [large.hex(), child.hex()])
    pool_is(node, [])
    node.invalidateblock(node.getbestblockhash())
    assert node.getmempoolentry(small.txid)["wtxid"] == large.wtxid
    pool_is(node, [large, child])
    wallet.generate(1)
