"""Version 3 transactions (BIP 431): sizes, pairs, inheritance, siblings, packages, reorgs."""
import pytest

from framework import fixtures
from framework.packages import named, pool_is, submit, submit_ok, trial
from framework.primitives import Tx, TxOut
from framework.rpc import expect_error
from framework.script import multisig
from framework.key import Key
from framework.wallet import MiniWallet

node = fixtures.node_of_each("-datacarriersize=40000", "-permitbaremultisig=1")
MIX = "TRUC-violation, %sversion=3 tx %s cannot spend from %sversion=3 tx %s"


bank = fixtures.bank(102, coins=80)
wallet = fixtures.bank_with_empty_pool()


def coin(wallet):
    return wallet.get_utxo(confirmed_only=True)


def child_of(wallet, *parents, n=0, **kwargs):
    kwargs.setdefault("version", 3)
    return wallet.create(utxos=[wallet.outputs_of(p)[n] for p in parents], **kwargs)


def send(wallet, **kwargs):
    kwargs.setdefault("version", 3)
    kwargs.setdefault("utxos", [coin(wallet)])
    tx = wallet.create(**kwargs)
    wallet.node.sendrawtransaction(tx.hex(), 0)
    return tx


def refused(node, tx, text):
    return expect_error(-26, text, node.sendrawtransaction, tx.hex(), 0)


def too_big(tx, most, what=""):
    return (f"TRUC-violation, version=3 {what}tx {named(tx)} is too big: {tx.vsize} > "
            f"{most} virtual bytes")


def too_many(tx):
    return f"TRUC-violation, tx {named(tx)} would have too many ancestors"


def full(parent):
    return f"TRUC-violation, tx {named(parent)} would exceed descendant count limit"


# Size -------------------------------------------------------------------------

def test_sizes(node, wallet):
    utxo = coin(wallet)
    heavy = wallet.create(utxos=[utxo], version=3, target_vsize=10_010)
    refused(node, heavy, too_big(heavy, 10_000))
    node.sendrawtransaction(wallet.create(utxos=[utxo], target_vsize=10_010).hex())
    parent = send(wallet, target_vsize=9_990)
    big = child_of(wallet, parent, target_vsize=1_010)
    refused(node, big, too_big(big, 1_000, "child "))
    small = child_of(wallet, parent, target_vsize=990)
    node.sendrawtransaction(small.hex())


def test_sigops_count_as_size(node, wallet):
    """A bare multisig output counts as 20 sigops, and each of these as 20 vbytes."""
    keys = [Key.from_seed(str(i)).pubkey for i in range(3)]
    outs = [TxOut(10_000, multisig(1, keys)) for _ in range(3)]
    parent = send(wallet)
    dense = child_of(wallet, parent, extra_outputs=outs, fee=20_000)
    assert dense.vsize < 1_000
    refused(node, dense, f"version=3 child tx {named(dense)} is too big: "
            f"{3 * 20 * 20} > 1000 virtual bytes")


# Families ---------------------------------------------------------------------

def test_one_parent_and_one_child(node, wallet):
    parent = send(wallet, outputs=2)
    child = child_of(wallet, parent)
    node.sendrawtransaction(child.hex())
    grandchild = child_of(wallet, child)
    refused(node, grandchild, too_many(grandchild))
    other = send(wallet)
    two_parents = child_of(wallet, other, parent, n=0, fee=50_000)
    refused(node, two_parents, too_many(two_parents))
    pool_is(node, [parent, child, other])


def test_versions_do_not_mix(node, wallet):
    third, second = send(wallet), send(wallet, version=2)
    v2 = child_of(wallet, third, version=2)
    refused(node, v2, MIX % ("non-", named(v2), "", named(third)))
    v3 = child_of(wallet, second)
    refused(node, v3, MIX % ("", named(v3), "non-", named(second)))
    # confirmed parents are of no version
    wallet.generate(1)
    for tx in (v2, v3):
        node.sendrawtransaction(tx.hex())


def test_grandchildren_of_mixed_families(node, wallet):
    """The whole ancestry counts, not only parents."""
    old = send(wallet, version=2)
    middle = child_of(wallet, old, version=2)
    node.sendrawtransaction(middle.hex())
    late = child_of(wallet, middle)
    error = refused(node, late, "TRUC-violation, version=3 tx")
    assert "cannot spend from non-version=3 tx" in error.message


# Replacement ------------------------------------------------------------------

@pytest.fixture(scope="module")
def strict(module_lab, params):
    """Without full RBF, so that signalling matters."""
    node = module_lab.node("-mempoolfullrbf=0", params=params)
    wallet = MiniWallet(node, tag="strict")
    wallet.generate(105)
    return wallet


def test_replaceable_without_signalling(strict):
    utxo = strict.get_utxo(confirmed_only=True)
    third = strict.create(utxos=[utxo], version=3, fee=1_000)
    second = strict.create(utxos=[utxo], version=2, fee=3_000)
    last = strict.create(utxos=[utxo], version=3, fee=9_000)
    node = strict.node
    node.sendrawtransaction(third.hex())
    node.sendrawtransaction(second.hex())     # version 3 signals by itself
    pool_is(node, [second])
    expect_error(-26, "txn-mempool-conflict", node.sendrawtransaction, last.hex())


def test_child_takes_the_place_of_another(node, wallet):
    """The child that conflicts is not counted against its successor."""
    parent = send(wallet, outputs=2)
    first = child_of(wallet, parent, fee=1_000)
    node.sendrawtransaction(first.hex())
    second = child_of(wallet, parent, fee=5_000)
    node.sendrawtransaction(second.hex())
    pool_is(node, [parent, second])
    # one that only spends from the parent, with version 2, may not
    third = child_of(wallet, parent, fee=9_000, version=2)
    refused(node, third, MIX % ("non-", named(third), "", named(parent)))


def test_sibling_eviction(node, wallet):
    parent = send(wallet, outputs=2)
    first = child_of(wallet, parent, fee=1_000)
    node.sendrawtransaction(first.hex())
    poor = child_of(wallet, parent, n=1, fee=1_010)
    refused(node, poor, "insufficient fee (including sibling eviction), rejecting "
            f"replacement {poor.txid}")
    bulky = child_of(wallet, parent, n=1, fee=6_000, target_vsize=990)
    refused(node, bulky, "insufficient fee (including sibling eviction), rejecting "
            f"replacement {bulky.txid}; new feerate")
    rich = child_of(wallet, parent, n=1, fee=6_000)
    assert trial(node, [rich])[0]["allowed"]
    node.sendrawtransaction(rich.hex())
    pool_is(node, [parent, rich])
    # both together: it conflicts with one transaction and evicts a sibling
    utxo = coin(wallet)
    rival = wallet.create(utxos=[utxo], fee=1_000)
    node.sendrawtransaction(rival.hex())
    both = wallet.create(utxos=[wallet.outputs_of(parent)[0], utxo], version=3,
                         fee=20_000)
    node.sendrawtransaction(both.hex())
    pool_is(node, [parent, both])


def test_replacements_by_siblings_are_reported(node, wallet):
    parent = send(wallet, outputs=2)
    first = child_of(wallet, parent, fee=1_000)
    node.sendrawtransaction(first.hex())
    second = child_of(wallet, parent, n=1, fee=6_000)
    result = submit_ok(node, [parent, second])
    assert result["replaced-transactions"] == [first.txid]
    pool_is(node, [parent, second])


def test_unconfirmed_parents_must_all_be_named(node, wallet):
    """Even one that is in the pool, so no sibling is looked for."""
    parent = send(wallet, outputs=2)
    first = child_of(wallet, parent, fee=1_000)
    node.sendrawtransaction(first.hex())
    free = wallet.create(utxos=[coin(wallet)], version=3, fee=0)
    spender = child_of(wallet, parent, free, n=0, fee=50_000)
    result = submit(node, [free, spender])
    assert result["package_msg"] == "package-not-child-with-unconfirmed-parents"
    pool_is(node, [parent, first])


# Packages ---------------------------------------------------------------------

def free_parent(wallet, **kwargs):
    return wallet.create(utxos=[coin(wallet)], version=3, fee=0, **kwargs)


def test_child_pays_for_a_free_parent(node, wallet):
    parent = free_parent(wallet)
    refused(node, parent, "min relay fee not met, 0 < ")
    child = child_of(wallet, parent, fee=2_000)
    result = submit_ok(node, [parent, child])["tx-results"]
    rate = 2_000 * 1000 // (parent.vsize + child.vsize)
    for tx in (parent, child):
        fees = result[tx.wtxid]["fees"]
        assert node.params.units(fees["effective-feerate"]) == rate
        assert fees["effective-includes"] == [parent.wtxid, child.wtxid]
    pool_is(node, [parent, child])


def test_version_2_parents_pay_for_themselves(node, wallet):
    parent = wallet.create(utxos=[coin(wallet)], version=2, fee=0)
    child = child_of(wallet, parent, version=2, fee=50_000)
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    results = result["tx-results"]
    assert results[parent.wtxid]["error"].startswith("min relay fee not met, 0 < ")
    assert results[child.wtxid]["error"] == "bad-txns-inputs-missingorspent"
    pool_is(node, [])


def test_too_many_generations_in_a_package(node, wallet):
    first, second = free_parent(wallet), free_parent(wallet)
    child = child_of(wallet, first, second, fee=9_000)
    result = submit(node, [first, second, child])
    assert result["package_msg"] == too_many(child)
    assert result["tx-results"][child.wtxid]["error"] == "bad-txns-inputs-missingorspent"
    chain = wallet.chain(3, coin(wallet), version=3)
    for r in trial(node, chain):
        assert r["package-error"] == too_many(chain[2])
        assert "allowed" not in r
    pool_is(node, [])


def test_siblings_in_a_package(node, wallet):
    parent = wallet.create(utxos=[coin(wallet)], version=3, outputs=2)
    children = [child_of(wallet, parent, n=n) for n in (0, 1)]
    for r in trial(node, [parent, *children]):
        assert r["package-error"] == full(parent)


def test_package_children_are_small(node, wallet):
    parent = free_parent(wallet)
    child = child_of(wallet, parent, fee=50_000, target_vsize=1_010)
    result = submit(node, [parent, child])
    assert result["package_msg"] == too_big(child, 1_000, "child ")
    error = result["tx-results"][parent.wtxid]["error"]
    assert error.startswith("min relay fee not met, 0 < ")


@pytest.mark.parametrize("versions", [(2, 3), (3, 2)])
def test_package_versions_do_not_mix(node, wallet, versions):
    parent = wallet.create(utxos=[coin(wallet)], version=versions[0])
    child = child_of(wallet, parent, version=versions[1])
    non = ["" if v == 3 else "non-" for v in versions]
    error = MIX % (non[1], named(child), non[0], named(parent))
    assert [r["package-error"] for r in trial(node, [parent, child])] == [error] * 2
    # submitted, the parent comes in alone, then the child fails by itself
    result = submit(node, [parent, child])
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][child.wtxid]["error"] == error
    pool_is(node, [parent])


def test_package_on_top_of_the_pool(node, wallet):
    """An ancestor in the pool and one in the package are one too many."""
    old = send(wallet)
    parent = child_of(wallet, old, fee=0)
    child = child_of(wallet, parent, fee=9_000)
    result = submit(node, [parent, child])
    assert result["package_msg"] == too_many(child)
    pool_is(node, [old])


def test_trial_with_a_sibling_in_the_pool(node, wallet):
    """Nothing is replaced when several are tried together."""
    parent = send(wallet, outputs=2)
    first = child_of(wallet, parent, fee=1_000)
    node.sendrawtransaction(first.hex())
    rich = child_of(wallet, parent, n=1, fee=9_000)
    other = wallet.create(utxos=[coin(wallet)])
    results = trial(node, [rich, other])
    assert results[0]["reject-reason"] == "TRUC-violation"
    assert "allowed" not in results[1]


def test_trials_of_pairs(node, wallet):
    for versions in [(3, 3), (2, 2)]:
        parent = wallet.create(utxos=[coin(wallet)], version=versions[0])
        child = child_of(wallet, parent, version=versions[1])
        assert [r["allowed"] for r in trial(node, [parent, child])] == [True, True]


# Reorganisations --------------------------------------------------------------

def test_reorgs_ignore_the_rules(node, wallet):
    """What a block held returns, whatever stands on it by now."""
    third = [wallet.create(utxos=[coin(wallet)], version=3) for _ in range(2)]
    second = wallet.create(utxos=[coin(wallet)])
    chain = wallet.chain(3, coin(wallet), version=3)
    mined = [*third, second, *chain]
    node.generateblock("raw(51)", [tx.hex() for tx in mined])
    children = [child_of(wallet, third[0], version=2), child_of(wallet, second),
                child_of(wallet, third[1], target_vsize=1_250),
                child_of(wallet, chain[2], version=2)]
    for tx in children:
        node.sendrawtransaction(tx.hex())
    node.invalidateblock(node.getbestblockhash())
    pool_is(node, mined + children)


def test_two_children_after_a_reorg(node, wallet):
    """Such a parent has no one sibling to evict, but each child can be replaced."""
    parent = wallet.create(utxos=[coin(wallet)], version=3, outputs=3)
    node.generateblock("raw(51)", [parent.hex()])
    children = [child_of(wallet, parent, n=n, fee=2_000) for n in (0, 1)]
    for tx in children:
        node.sendrawtransaction(tx.hex())
    node.invalidateblock(node.getbestblockhash())
    assert node.getmempoolentry(parent.txid)["descendantcount"] == 3
    third = child_of(wallet, parent, n=2, fee=50_000)
    refused(node, third, full(parent))
    richer = child_of(wallet, parent, n=0, fee=9_000)
    node.sendrawtransaction(richer.hex())
    pool_is(node, [parent, richer, children[1]])


def test_grandchild_after_a_reorg(node, wallet):
    """A sibling with a child of its own is not evicted."""
    parent = wallet.create(utxos=[coin(wallet)], version=3, outputs=2)
    child = child_of(wallet, parent, fee=2_000)
    node.generateblock("raw(51)", [parent.hex(), child.hex()])
    grandchild = child_of(wallet, child, fee=2_000)
    node.sendrawtransaction(grandchild.hex())
    node.invalidateblock(node.getbestblockhash())
    pool_is(node, [parent, child, grandchild])
    sibling = child_of(wallet, parent, n=1, fee=50_000)
    refused(node, sibling, full(parent))


# Other limits -----------------------------------------------------------------

def test_smaller_limits_hold_too(lab, params):
    node = lab.node("-limitdescendantsize=10", "-limitancestorsize=11",
                    "-datacarriersize=40000", params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    parent = wallet.create(utxos=[coin(wallet)], version=3, target_vsize=9_900)
    node.sendrawtransaction(parent.hex())
    child = child_of(wallet, parent, target_vsize=200)
    refused(node, child, "too-long-mempool-chain, exceeds descendant size limit for tx "
            f"{parent.txid} [limit: 10000]")
    node.restart("-limitdescendantsize=11", "-limitancestorsize=10",
                 "-datacarriersize=40000")
    refused(node, child, "too-long-mempool-chain, exceeds ancestor size limit "
            "[limit: 10000]")


def test_free_relay_still_takes_packages(lab, params):
    """Without a minimum, what pays nothing comes in alone, and does not pay for others."""
    node = lab.node("-minrelaytxfee=0", "-incrementalrelayfee=0", "-datacarriersize=40000",
                    params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    parent = wallet.create(utxos=[coin(wallet)], version=3, fee=0)
    child = child_of(wallet, parent, fee=0)
    result = submit_ok(node, [parent, child])["tx-results"]
    assert result[parent.wtxid]["fees"]["effective-includes"] == [parent.wtxid]


# Wallets ----------------------------------------------------------------------

def test_wallets_leave_version_3_alone(node, wallet):
    """They make version 2, which cannot spend from it before it is confirmed."""
    w = node.new_wallet("plain")
    amount = node.params.amount
    wallet.send_to(bytes.fromhex(node.validateaddress(w.getnewaddress())["scriptPubKey"]),
                   1_000_000, confirmed_only=True)
    wallet.generate(1)
    (out,) = w.listunspent()
    raw = node.createrawtransaction([{"txid": out["txid"], "vout": out["vout"]}],
                                    {w.getrawchangeaddress(): amount(990_000)})
    third = Tx.from_hex(raw)
    third.version = 3
    signed = w.signrawtransactionwithwallet(third.hex())
    txid = node.sendrawtransaction(signed["hex"])
    (mine,) = w.listunspent(0)
    assert mine["txid"] == txid and mine["safe"] is False
    target = w.getnewaddress()
    expect_error(-6, "Insufficient funds", w.sendtoaddress, target, amount(500_000),
                 fee_rate=10)
    wallet.generate(1)
    sent = w.sendtoaddress(address=target, amount=amount(500_000), fee_rate=10)
    assert node.getrawtransaction(sent, 1)["version"] == 2
    assert sent in node.getrawmempool()
