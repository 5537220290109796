"""Families in the mempool: what entries say of them, limits alone and in packages, the
one that may come on top."""
import pytest

from framework import fixtures
from framework.packages import clear_pool, pool_is, submit, trial
from framework.rpc import expect_error
from framework.wallet import MiniWallet

node = fixtures.node_of_each("-datacarriersize=100000")
bank = fixtures.bank(103, coins=120)
wallet = fixtures.bank_with_empty_pool()


def coin(wallet):
    return wallet.get_utxo(confirmed_only=True)


def send_all(node, txs):
    for tx in txs:
        node.sendrawtransaction(tx.hex(), 0)
    return txs


def chain_of(wallet, count, utxo=None, **kwargs):
    return send_all(wallet.node, wallet.chain(count, utxo or coin(wallet), **kwargs))


# Entries ----------------------------------------------------------------------

def test_entries_after_deltas_restarts_and_reorgs(node, wallet):
    """Sums of families follow every change of fees and of the chain."""
    chain = chain_of(wallet, 6, fee=1_000)
    node.prioritisetransaction(chain[2].txid, 0, 500)
    amount = node.params.amount

    def fees(tx, kind):
        return node.getmempoolentry(tx.txid)["fees"][kind]
    assert [fees(tx, "descendant") for tx in chain] == \
        [amount(n) for n in (6_500, 5_500, 4_500, 3_000, 2_000, 1_000)]
    assert [fees(tx, "ancestor") for tx in chain] == \
        [amount(n) for n in (1_000, 2_000, 3_500, 4_500, 5_500, 6_500)]
    before = node.getrawmempool(True)
    node.restart("-datacarriersize=100000")
    assert node.getrawmempool(True) == before
    # the first three are mined: the others' sums lose them; the delta is gone for good
    node.generateblock("raw(51)", [tx.hex() for tx in chain[:3]])
    assert [fees(tx, "ancestor") for tx in chain[3:]] == \
        [amount(n) for n in (1_000, 2_000, 3_000)]
    node.invalidateblock(node.getbestblockhash())
    assert [fees(tx, "ancestor") for tx in chain] == \
        [amount(1_000 * n) for n in range(1, 7)]
    assert [node.getmempoolentry(tx.txid)["ancestorcount"] for tx in chain] == \
        list(range(1, 7))
    assert node.getprioritisedtransactions() == {}


def test_delta_before_the_transaction(node, wallet):
    tx = wallet.create(utxos=[coin(wallet)], fee=1_000)
    node.prioritisetransaction(tx.txid, 0, 700)
    node.sendrawtransaction(tx.hex())
    assert node.getmempoolentry(tx.txid)["fees"]["modified"] == node.params.amount(1_700)
    child = wallet.create(utxos=wallet.outputs_of(tx), fee=1_000)
    node.sendrawtransaction(child.hex())
    assert node.getmempoolentry(child.txid)["fees"]["ancestor"] == \
        node.params.amount(2_700)


def test_two_paths_to_one_ancestor(node, wallet):
    """A diamond counts its top once."""
    (top,) = send_all(node, [wallet.create(utxos=[coin(wallet)], outputs=2)])
    sides = send_all(node, [wallet.create(utxos=[u]) for u in wallet.outputs_of(top)])
    (last,) = send_all(node, [wallet.create(
        utxos=[wallet.outputs_of(s)[0] for s in sides])])
    entry = node.getmempoolentry(last.txid)
    assert entry["ancestorcount"] == 4
    assert entry["ancestorsize"] == sum(t.vsize for t in (top, *sides, last))
    assert entry["depends"] == sorted(s.txid for s in sides)
    assert node.getmempoolentry(top.txid)["descendantcount"] == 4
    assert sorted(node.getmempoolancestors(last.txid)) == \
        sorted(t.txid for t in (top, *sides))


def test_limits_of_ones_own(lab, params):
    """Whoever sets lower limits takes less; others do not mind."""
    node = lab.node("-limitancestorcount=5", "-limitdescendantcount=10", params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    chain = wallet.chain(6, coin(wallet))
    send_all(node, chain[:5])
    expect_error(-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 5]",
                 node.sendrawtransaction, chain[5].hex())
    wide = wallet.create(utxos=[coin(wallet)], outputs=12)
    node.sendrawtransaction(wide.hex())
    outs = wallet.outputs_of(wide)
    send_all(node, [wallet.create(utxos=[u]) for u in outs[:9]])
    big = wallet.create(utxos=[outs[9]], outputs=300)
    assert big.vsize > 10_000
    expect_error(-26, "too-long-mempool-chain, too many descendants for tx "
                 f"{wide.txid} [limit: 10]", node.sendrawtransaction, big.hex())
    # confirming the top makes room
    node.generateblock("raw(51)", [wide.hex()])
    node.sendrawtransaction(big.hex(), 0)


# One more ---------------------------------------------------------------------

def test_one_more_on_top(node, wallet):
    """A full family lets in one small child of its root, alone, with one ancestor."""
    (root,) = send_all(node, [wallet.create(utxos=[coin(wallet)], outputs=3, fee=10_000)])
    outs = wallet.outputs_of(root)
    chain = chain_of(wallet, 11, outs[0], fee=2_000)
    chain += send_all(node, [wallet.create(utxos=wallet.outputs_of(chain[-1]), outputs=2)])
    lower, middle = wallet.outputs_of(chain[-1])
    chain += chain_of(wallet, 12, lower, fee=2_000)
    last = wallet.outputs_of(chain[-1])[0]
    full = "too-long-mempool-chain"
    expect_error(-26, f"{full}, too many unconfirmed ancestors [limit: 25]",
                 node.sendrawtransaction, wallet.create(utxos=[last]).hex())
    # not from within the chain, nor from two of it
    for utxos in ([middle], [middle, outs[1]], [last, outs[1]]):
        expect_error(-26, full, node.sendrawtransaction,
                     wallet.create(utxos=utxos, fee=50_000).hex())
    # not a large one
    large = wallet.create(utxos=[outs[1]], target_vsize=10_010)
    expect_error(-26, f"{full}, too many descendants for tx {root.txid} [limit: 25]",
                 node.sendrawtransaction, large.hex())
    # not in a package, in either way
    small = wallet.create(utxos=[outs[1]], fee=1_000)
    below = wallet.create(utxos=wallet.outputs_of(small), fee=1_000)
    assert trial(node, [small, below])[0]["reject-reason"] == full
    result = submit(node, [small, below])
    assert result["tx-results"][small.wtxid]["error"].startswith(full)
    assert result["tx-results"][below.wtxid]["error"] == "bad-txns-inputs-missingorspent"
    # alone it may, once
    node.sendrawtransaction(small.hex())
    expect_error(-26, full, node.sendrawtransaction,
                 wallet.create(utxos=[outs[2]], fee=9_000).hex())
    # what spends the same coin takes its place
    richer = wallet.create(utxos=[outs[1]], fee=9_000)
    node.sendrawtransaction(richer.hex())
    pool_is(node, [root, *chain, richer])


def test_a_replacement_makes_room_for_itself_alone(node, wallet):
    """In a full family a transaction may take the place of another, not in a package."""
    (root,) = send_all(node, [wallet.create(utxos=[coin(wallet)], outputs=24, fee=10_000)])
    outs = wallet.outputs_of(root)
    children = send_all(node, [wallet.create(utxos=[u], fee=1_000) for u in outs])
    richer = wallet.create(utxos=[outs[0]], fee=9_000)
    below = wallet.create(utxos=[wallet.outputs_of(richer)[0]], fee=9_000)
    result = submit(node, [richer, below])
    assert result["package_msg"] == "transaction failed"
    assert result["tx-results"][richer.wtxid]["error"] == \
        f"too-long-mempool-chain, too many descendants for tx {root.txid} [limit: 25]"
    node.sendrawtransaction(richer.hex())
    pool_is(node, [root, richer, *children[1:]])


# Packages ---------------------------------------------------------------------

def refused(node, package, reason):
    """Together they are too many; each fits by itself once the others are confirmed."""
    for r in trial(node, package):
        assert r["package-error"] == "package-mempool-limits, " + reason, r
        assert "allowed" not in r


def fits(node, package):
    assert all(r.get("allowed") for r in trial(node, package))


@pytest.mark.parametrize("in_pool", [20, 23, 24])
def test_chain_in_pool_and_package(node, wallet, in_pool):
    chain = wallet.chain(26, coin(wallet), fee=500)
    send_all(node, chain[:in_pool])
    refused(node, chain[in_pool:],
            "possibly too many unconfirmed ancestors [limit: 25]")
    fits(node, chain[in_pool:25])


def test_too_many_descendants(node, wallet):
    """A root with 24 descendants in the pool, and two in the package."""
    (root,) = send_all(node, [wallet.create(utxos=[coin(wallet)], outputs=2)])
    left, right = wallet.outputs_of(root)
    chain_of(wallet, 23, left, fee=500)
    package = wallet.chain(2, right, fee=500)
    refused(node, package,
            f"possibly too many descendants for tx {root.txid} [limit: 25]")
    wallet.generate(1)
    fits(node, package)


def test_too_many_ancestors_together(node, wallet):
    """Each member has few ancestors; the package as a whole has more than 24."""
    roots = [chain_of(wallet, 12, fee=500)[-1] for _ in range(2)]
    package = [wallet.create(utxos=wallet.outputs_of(r)) for r in roots]
    refused(node, package, "possibly too many unconfirmed ancestors [limit: 25]")
    fits(node, package[:1])
    wallet.generate(1)
    fits(node, package)


def test_too_many_parents_together(node, wallet):
    parents = send_all(node, [wallet.create(utxos=[coin(wallet)]) for _ in range(24)])
    package = [wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents[n::2]])
               for n in range(2)]
    refused(node, package, "too many unconfirmed parents [limit: 25]")
    fits(node, package[:1])


def test_too_large_families(node, wallet):
    """101,000 vbytes for ancestors and for descendants."""
    (base,) = send_all(node, [wallet.create(utxos=[coin(wallet)], outputs=2,
                                            target_vsize=33_000)])
    left, right = wallet.outputs_of(base)
    send_all(node, [wallet.create(utxos=[left], target_vsize=30_000)])
    package = [wallet.create(utxos=[right], target_vsize=20_000)]
    package += [wallet.create(utxos=wallet.outputs_of(package[0]), target_vsize=20_000)]
    refused(node, package, "possibly exceeds descendant size limit for tx "
            f"{base.txid} [limit: 101000]")
    fits(node, package[:1])
    clear_pool(wallet)
    bases = send_all(node, [wallet.create(utxos=[coin(wallet)], target_vsize=30_000)
                            for _ in range(2)])
    package = [wallet.create(utxos=wallet.outputs_of(b), target_vsize=24_000)
               for b in bases]
    refused(node, package, "possibly exceeds ancestor size limit [limit: 101000]")


def test_packages_beyond_any_pool(lab, params):
    """Limits lower than the package itself."""
    node = lab.node("-limitancestorcount=3", "-limitdescendantcount=4",
                    "-datacarriersize=100000", params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    package = wallet.chain(4, coin(wallet), fee=500)
    refused(node, package, "package count 4 exceeds ancestor count limit [limit: 3]")
    node.restart("-limitancestorcount=4", "-limitdescendantcount=3")
    refused(node, package, "package count 4 exceeds descendant count limit [limit: 3]")
    bulky = [wallet.create(utxos=[coin(wallet)], target_vsize=9_000)]
    bulky += [wallet.create(utxos=wallet.outputs_of(bulky[0]), target_vsize=9_000)]
    size = sum(tx.vsize for tx in bulky)
    for name in ("ancestor", "descendant"):
        node.restart(f"-limit{name}size=15")
        refused(node, bulky, f"package size {size} exceeds {name} size limit "
                "[limit: 15000]")
