"""testmempoolaccept and submitpackage with several transactions: shapes, results, limits."""
import pytest

from framework import fixtures, script as sc
from framework.node import sync_blocks, sync_mempools
from framework.packages import pool_is, submit, submit_ok, trial
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.wallet import MiniWallet

node = fixtures.node_of_each("-datacarriersize=100000")
bank = fixtures.bank(103, coins=150)
wallet = fixtures.bank_with_empty_pool()


def coin(wallet):
    return wallet.get_utxo(confirmed_only=True)


def family(wallet, parents, **kwargs):
    """That many parents and their child."""
    txs = [wallet.create(utxos=[coin(wallet)]) for _ in range(parents)]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in txs], **kwargs)
    return [*txs, child]


def ids(tx):
    return {"txid": tx.txid, "wtxid": tx.wtxid}


def expected(node, tx, fee, includes=None):
    """Fees of one that was accepted."""
    rate = fee * 1000 // tx.vsize
    return {"base": node.params.amount(fee), "effective-feerate": node.params.amount(rate),
            "effective-includes": includes or [tx.wtxid]}


# testmempoolaccept ------------------------------------------------------------

def test_independent_ones(node, wallet):
    txs = [wallet.create(utxos=[coin(wallet)], fee=500) for _ in range(5)]
    results = trial(node, txs)
    for tx, result in zip(txs, results):
        assert result == {**ids(tx), "allowed": True, "vsize": tx.vsize,
                          "fees": expected(node, tx, 500)}
        assert result == trial(node, [tx])[0]
    pool_is(node, [])


def test_one_bad_one_ends_the_run(node, wallet):
    txs = [wallet.create(utxos=[coin(wallet)]) for _ in range(3)]
    bad = txs[1].copy()
    bad.vin[0].witness[0] = b"\x00"
    results = trial(node, [txs[0], bad, txs[2]])
    assert results[0]["allowed"]          # its scripts were checked before
    assert not results[1]["allowed"]
    assert "script-verify-flag-failed" in results[1]["reject-reason"]
    assert results[2] == ids(txs[2])
    missing = txs[1].copy()
    missing.vin[0].prevout = OutPoint("77" * 32, 0)
    results = trial(node, [txs[0], missing, txs[2]])
    assert results == [ids(txs[0]), {**ids(missing), "allowed": False,
                                     "reject-reason": "missing-inputs"}, ids(txs[2])]


def test_too_dear_ones_end_the_results(node, wallet):
    txs = [wallet.create(utxos=[coin(wallet)], fee=f) for f in (500, 2_000_000, 500)]
    first, dear, last = trial(node, txs)
    assert first["allowed"]
    assert dear == {**ids(txs[1]), "allowed": False, "reject-reason": "max-fee-exceeded"}
    assert last == ids(txs[2])


def test_shapes_of_trials(node, wallet):
    """Chains, several children, several parents: anything in order."""
    chain = wallet.chain(25, coin(wallet), fee=500)
    assert all(r["allowed"] for r in trial(node, chain))
    for tx in chain[::-1]:
        assert not trial(node, [tx])[0]["allowed"] or tx is chain[0]
    wide = wallet.create(utxos=[coin(wallet)], outputs=3)
    children = [wallet.create(utxos=[u]) for u in wallet.outputs_of(wide)]
    assert all(r["allowed"] for r in trial(node, [wide, *children]))
    assert all(r["allowed"] for r in trial(node, family(wallet, 5)))
    for order in ([*children, wide], [children[0], wide, children[1]]):
        assert {r["package-error"] for r in trial(node, order)} == {"package-not-sorted"}


def test_package_form(node, wallet):
    utxo = coin(wallet)
    first, second = (wallet.create(utxos=[utxo], fee=f) for f in (1_000, 2_000))

    def errors(txs):
        return [(r["package-error"], "allowed" in r) for r in trial(node, txs)]
    assert errors([first, first]) == [("package-contains-duplicates", False)] * 2
    assert errors([first, second]) == [("conflict-in-package", False)] * 2
    other = first.copy()
    other.vin[0].witness = [b"\x01"]
    assert errors([first, other]) == [("package-contains-duplicates", False)] * 2
    child = wallet.create(utxos=wallet.outputs_of(first))
    grandchild = wallet.create(utxos=wallet.outputs_of(child))
    rival = wallet.create(utxos=[*wallet.outputs_of(child), utxo], fee=9_000)
    assert errors([first, child, rival]) == [("conflict-in-package", False)] * 3
    assert errors([first, child, grandchild, rival])[0][0] == "conflict-in-package"
    big = [wallet.create(utxos=[coin(wallet)], target_vsize=50_600) for _ in range(2)]
    assert {r["package-error"] for r in trial(node, big)} == {"package-too-large"}
    expect_error(-8, "Array must contain between 1 and 25 transactions.", trial, node,
                 [first] * 26)


def test_conflicts_with_the_pool(node, wallet):
    utxo = coin(wallet)
    old = wallet.create(utxos=[utxo], fee=500)
    node.sendrawtransaction(old.hex())
    new = wallet.create(utxos=[utxo], fee=50_000)
    assert trial(node, [new])[0]["allowed"]
    results = trial(node, [new, wallet.create(utxos=[coin(wallet)])])
    assert results[0]["reject-reason"] == "bip125-replacement-disallowed"


# submitpackage: arguments -----------------------------------------------------

def test_arguments(node, wallet):
    txs = family(wallet, 1)
    expect_error(-8, "transactions.", node.submitpackage, [])
    expect_error(-8, "transactions.", node.submitpackage, [txs[0].hex()] * 26)
    expect_error(-22, "TX decode failed: 00ff Make sure the tx has at least one input.",
                 node.submitpackage, ["00ff", txs[1].hex()])
    expect_error(-3, "not of expected type string", node.submitpackage, [1, 2])
    expect_error(-8, "Fee rates larger than or equal to 1", node.submitpackage,
                 [t.hex() for t in txs], node.params.amount(10 ** 8))
    expect_error(-3, "Amount", node.submitpackage, [t.hex() for t in txs], 0, [])


def test_topology(node, wallet):
    text = ("package topology disallowed. not child-with-parents or parents depend on "
            "each other.")
    chain = wallet.chain(3, coin(wallet))
    expect_error(-25, text, submit, node, chain)
    apart = [wallet.create(utxos=[coin(wallet)]) for _ in range(2)]
    expect_error(-25, text, submit, node, apart)
    # parents that depend on each other
    base = wallet.create(utxos=[coin(wallet)], outputs=2)
    a, b = wallet.outputs_of(base)
    middle = wallet.create(utxos=[a])
    child = wallet.create(utxos=[b, *wallet.outputs_of(middle)])
    expect_error(-25, text, submit, node, [base, middle, child])
    pool_is(node, [])


def test_all_unconfirmed_parents_belong_to_it(node, wallet):
    first, second, child = family(wallet, 2)
    empty = {"package_msg": "package-not-child-with-unconfirmed-parents",
             "tx-results": {}, "replaced-transactions": []}
    assert submit(node, [first, child]) == empty
    node.sendrawtransaction(second.hex())
    assert submit(node, [first, child]) == empty
    wallet.generate(1)
    submit_ok(node, [first, child])
    pool_is(node, [first, child])


def test_malformed_packages_have_no_results(node, wallet):
    parent, child = family(wallet, 1)
    for txs, message in [([parent, parent, child], "package-contains-duplicates")]:
        assert submit(node, txs) == {"package_msg": message, "tx-results": {},
                                     "replaced-transactions": []}
    utxo = coin(wallet)
    a, b = (wallet.create(utxos=[utxo], fee=f) for f in (500, 600))
    child = wallet.create(utxos=[wallet.outputs_of(t)[0] for t in (a, b)])
    assert submit(node, [a, b, child])["package_msg"] == "conflict-in-package"


def test_burnt_amounts(node, wallet):
    parent = wallet.create(utxos=[coin(wallet)])
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=1_000,
                          extra_outputs=[TxOut(7, b"\x6a\x01\x01")])
    txs = [parent, child]
    text = "Unspendable output exceeds maximum configured by user (maxburnamount)"
    expect_error(-25, text, submit, node, txs)
    expect_error(-25, text, submit, node, txs, maxburnamount=node.params.amount(6))
    pool_is(node, [])
    submit_ok(node, txs, maxburnamount=node.params.amount(7))


def test_fee_rates_too_high(node, wallet):
    """The limit holds for each by itself; what came before it has come in."""
    parent, child = family(wallet, 1, fee=5_000)
    rate = 5_000 * 1000 // child.vsize
    result = submit(node, [parent, child], maxfeerate=node.params.amount(rate - 1))
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][child.wtxid]["error"] == "max feerate exceeded"
    pool_is(node, [parent])
    submit_ok(node, [parent, child], maxfeerate=node.params.amount(rate))
    for most in (0, None):
        txs = family(wallet, 1, fee=2_000_000)
        result = submit(node, txs, *([] if most is None else [most]))
        assert result["package_msg"] == ("success" if most == 0 else "transaction failed")


def test_the_limit_holds_in_groups_too(node, wallet):
    """A parent that pays nothing hides no child that pays too much."""
    parent = wallet.create(utxos=[coin(wallet)], fee=0, version=3)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=5_000, version=3)
    rate = 5_000 * 1000 // child.vsize
    result = submit(node, [parent, child], maxfeerate=node.params.amount(rate - 1))
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][child.wtxid]["error"] == "max feerate exceeded"
    pool_is(node, [])
    submit_ok(node, [parent, child], maxfeerate=node.params.amount(rate))


# submitpackage: results -------------------------------------------------------

@pytest.mark.parametrize("parents", [1, 2, 24])
def test_all_pay_for_themselves(node, wallet, parents):
    txs = family(wallet, parents)
    result = submit_ok(node, txs)
    assert list(result["tx-results"]) == [tx.wtxid for tx in txs]
    assert result["replaced-transactions"] == []
    entries = node.getrawmempool(True)
    for tx in txs:
        fee = node.params.units(entries[tx.txid]["fees"]["base"])
        assert result["tx-results"][tx.wtxid] == {
            "txid": tx.txid, "vsize": tx.vsize, "fees": expected(node, tx, fee)}
    assert entries[txs[-1].txid]["ancestorcount"] == parents + 1


@pytest.mark.parametrize("count", [0, 1, 26])
def test_how_many_may_be_submitted(node, wallet, count):
    txs = [wallet.create(utxos=[coin(wallet)]) for _ in range(count)]
    expect_error(-8, "Array must contain between 2 and 25 transactions.", submit, node, txs)


@pytest.mark.parametrize("before", [1, 2, 3])
def test_what_is_there_already(node, wallet, before):
    """Members of the pool are reported without the rate that let them in."""
    txs = family(wallet, 2)
    for tx in txs[:before]:
        node.sendrawtransaction(tx.hex())
    result = submit_ok(node, txs)["tx-results"]
    for i, tx in enumerate(txs):
        assert set(result[tx.wtxid]["fees"]) == \
            ({"base"} if i < before else {"base", "effective-feerate",
                                          "effective-includes"})
        assert result[tx.wtxid]["vsize"] == tx.vsize
    pool_is(node, txs)


def test_another_witness(node, wallet):
    code = b"\x75\x51"
    utxo = coin(wallet)
    base = wallet.create(utxos=[utxo], extra_outputs=[TxOut(100_000, sc.p2wsh(code))])
    wallet.broadcast(base)
    wallet.generate(1)
    twins = []
    for extra in (b"\x01", b"\x02\x02"):
        tx = Tx([TxIn(OutPoint(base.txid, 1))], [TxOut(90_000, wallet.script_pubkey)])
        tx.vin[0].witness = [extra, code]
        twins.append(tx)
    child = wallet.create(utxos=wallet.outputs_of(twins[0]))
    submit_ok(node, [twins[0], child])
    result = submit_ok(node, [twins[1], child])["tx-results"]
    assert result[twins[1].wtxid] == {"txid": twins[1].txid, "other-wtxid": twins[0].wtxid}
    assert set(result[child.wtxid]["fees"]) == {"base"}
    pool_is(node, [twins[0], child])


def test_partial_success(node, wallet):
    """A parent that fails for good does not keep its sibling out, but the child."""
    good, bad, child = family(wallet, 2)
    bad.vin[0].witness[0] = b"\x00"
    assert bad.txid == Tx.from_hex(bad.hex()).txid
    result = submit(node, [bad, good, child])
    assert result["package_msg"] == "transaction failed"
    results = result["tx-results"]
    assert "script-verify-flag-failed" in results[bad.wtxid]["error"]
    assert results[good.wtxid]["fees"] == expected(
        node, good, node.params.units(node.getmempoolentry(good.txid)["fees"]["base"]))
    assert results[child.wtxid]["error"] == "bad-txns-inputs-missingorspent"
    pool_is(node, [good])


def test_a_conflicting_parent(node, wallet):
    """What is in the pool wins against a member that pays no more, also its child."""
    utxo = coin(wallet)
    old = wallet.create(utxos=[utxo], fee=5_000)
    node.sendrawtransaction(old.hex())
    parent = wallet.create(utxos=[utxo], fee=4_000)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=500)
    result = submit(node, [parent, child])
    assert result["package_msg"].startswith("package RBF failed: insufficient anti-DoS fees")
    pool_is(node, [old])
    rich = wallet.create(utxos=wallet.outputs_of(parent), fee=9_000)
    assert submit_ok(node, [parent, rich])["replaced-transactions"] == [old.txid]


def test_replacements_by_several(node, wallet):
    """Every transaction that left is named, in the order of their bytes."""
    utxos = [coin(wallet) for _ in range(6)]
    old = [wallet.create(utxos=[u], fee=200) for u in utxos]
    for tx in old:
        node.sendrawtransaction(tx.hex())
    parents = [wallet.create(utxos=[u], fee=1_000) for u in utxos]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents])
    result = submit_ok(node, [*parents, child])
    assert result["replaced-transactions"] == \
        sorted((tx.txid for tx in old), key=lambda t: bytes.fromhex(t)[::-1])


def test_confirmed_parents_are_refused_alone(node, wallet):
    """A parent that is in a block is no parent any more; named all the same, it fails."""
    parent, child = family(wallet, 1)
    node.sendrawtransaction(parent.hex())
    wallet.generate(1)
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][parent.wtxid]["error"] == "txn-already-known"
    pool_is(node, [child])


def test_peers_hear_of_packages(lab, params):
    """Of members that came in and of those that were there."""
    sender = lab.node("-whitelist=noban@127.0.0.1", params=params)
    receiver = lab.node(params=params)
    wallet = MiniWallet(sender)
    wallet.generate(103)
    txs = family(wallet, 2)
    sender.sendrawtransaction(txs[0].hex())
    receiver.connect(sender)
    sync_blocks([sender, receiver])    # who is behind asks for no transactions
    submit_ok(sender, txs)
    sync_mempools([sender, receiver])
    pool_is(receiver, txs)
