"""A full mempool: packages above and below its minimum, evictions while one comes in."""
import pytest

from framework import fixtures
from framework.packages import fill, named, submit, submit_ok
from framework.rpc import expect_error
from framework.wallet import MiniWallet

node = fixtures.node_of_each("-maxmempool=5", "-datacarriersize=100000")


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(190)
    fill(wallet)
    return wallet


def least(node):
    """Units per kvB."""
    return node.params.units(node.getmempoolinfo()["mempoolminfee"])


def coin(wallet):
    return wallet.get_utxo(confirmed_only=True)


def fee_of(tx, rate):
    return -(-tx.vsize * rate // 1000)


def pair(wallet, child_fee, **kwargs):
    """A parent at the relay minimum, below the pool's, and its child."""
    parent = wallet.create(utxos=[coin(wallet)], fee_rate=1_000)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=child_fee, **kwargs)
    return parent, child


def test_a_child_lifts_its_parent_over_the_minimum(node, wallet):
    parent, child = pair(wallet, 50_000)
    error = expect_error(-26, "mempool min fee not met", node.sendrawtransaction,
                         parent.hex())
    paid = fee_of(parent, 1_000)
    assert error.message == f"mempool min fee not met, {paid} < {fee_of(parent, least(node))}"
    result = submit_ok(node, [parent, child])["tx-results"]
    rate = (paid + 50_000) * 1000 // (parent.vsize + child.vsize)
    for tx in (parent, child):
        fees = result[tx.wtxid]["fees"]
        assert node.params.units(fees["effective-feerate"]) == rate
        assert fees["effective-includes"] == [parent.wtxid, child.wtxid]
    # once in, they are reported without the rate
    again = submit_ok(node, [parent, child])["tx-results"]
    assert all(set(again[tx.wtxid]["fees"]) == {"base"} for tx in (parent, child))


def test_both_together_must_reach_the_minimum(node, wallet):
    parent, child = pair(wallet, 1_000)
    size = parent.vsize + child.vsize
    need = -(-size * least(node) // 1000)
    child_fee = need - fee_of(parent, 1_000)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=child_fee - 1)
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    errors = [result["tx-results"][tx.wtxid]["error"] for tx in (parent, child)]
    assert errors == [
        f"mempool min fee not met, {fee_of(parent, 1_000)} < {fee_of(parent, least(node))}",
        f"mempool min fee not met, {need - 1} < {need}"]
    exact = wallet.create(utxos=wallet.outputs_of(parent), fee=child_fee)
    submit_ok(node, [parent, exact])


def test_below_the_relay_minimum_nobody_helps(node, wallet):
    parent = wallet.create(utxos=[coin(wallet)], fee=50)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=90_000)
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][parent.wtxid]["error"] == \
        f"min relay fee not met, 50 < {parent.vsize}"
    assert result["tx-results"][child.wtxid]["error"] == "bad-txns-inputs-missingorspent"


def test_a_rich_parent_does_not_pay_for_its_child(node, wallet):
    parent = wallet.create(utxos=[coin(wallet)], fee=90_000)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee_rate=1_000)
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][parent.wtxid]["fees"]["effective-includes"] == \
        [parent.wtxid]
    assert result["tx-results"][child.wtxid]["error"].startswith("mempool min fee not met")
    assert parent.txid in node.getrawmempool()


def test_version_3_below_both_minima(node, wallet):
    """The pool's minimum is named before the relay minimum."""
    parent = wallet.create(utxos=[coin(wallet)], fee=0, version=3)
    expect_error(-26, f"mempool min fee not met, 0 < {fee_of(parent, least(node))}",
                 node.sendrawtransaction, parent.hex())
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=50_000, version=3)
    submit_ok(node, [parent, child])
    third = wallet.create(utxos=wallet.outputs_of(child), fee=50_000, version=3)
    expect_error(-26, f"tx {named(third)} would have too many ancestors",
                 node.sendrawtransaction, third.hex())


def bulk(wallet, count, rate, vsize):
    return [wallet.create(utxos=[coin(wallet)], fee_rate=rate, target_vsize=vsize)
            for _ in range(count)]


def test_a_parent_evicted_by_its_own_package(node, wallet):
    """A member of the pool becomes the cheapest; the others throw it out, and so fails
    the child that needs it."""
    cheap = wallet.create(utxos=[coin(wallet)], fee_rate=least(node) + 100)
    node.sendrawtransaction(cheap.hex())
    node.prioritisetransaction(cheap.txid, 0, -10_000_000)
    big = bulk(wallet, 3, 40_000, 31_000)
    # fills the room that there is, so that the package must push
    while True:
        info = node.getmempoolinfo()
        if info["maxmempool"] - info["usage"] < 70_000:
            break
        (filler,) = bulk(wallet, 1, 30_000, 30_000)
        node.sendrawtransaction(filler.hex(), 0)
    assert cheap.txid in node.getrawmempool()
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in (cheap, *big)],
                          fee_rate=least(node) + 3_000)
    result = submit(node, [cheap, *big, child], 0)
    assert result["package_msg"] == "transaction failed"
    pool, results = node.getrawmempool(), result["tx-results"]
    for tx in (cheap, child):
        assert results[tx.wtxid] == {"txid": tx.txid, "error": "mempool full"}
        assert tx.txid not in pool
    for tx in big:
        assert "fees" in results[tx.wtxid] and tx.txid in pool


def test_a_parent_replaced_by_its_own_package(node, wallet):
    """The second parent takes the place of what the pool's parent stands on."""
    shared = coin(wallet)
    rate = least(node) + 2_000
    bottom = wallet.create(utxos=[shared], fee_rate=rate)
    node.sendrawtransaction(bottom.hex())
    old = wallet.create(utxos=wallet.outputs_of(bottom), fee_rate=rate)
    node.sendrawtransaction(old.hex())
    rival = wallet.create(utxos=[shared], fee_rate=20 * rate)
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in (old, rival)],
                          fee_rate=2 * rate)
    result = submit(node, [old, rival, child], 0)
    assert result["package_msg"] == "transaction failed"
    results = result["tx-results"]
    assert results[old.wtxid]["error"] == "mempool full"
    assert results[child.wtxid]["error"] == "bad-txns-inputs-missingorspent"
    assert sorted(result["replaced-transactions"]) == sorted([bottom.txid, old.txid])
    assert rival.txid in node.getrawmempool()
