"""Replacement: full RBF by default, BIP 125's fee rules, limits, opt-in switch."""
from framework import fixtures
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.util import wait_until
from framework.wallet import MiniWallet


node = fixtures.node_of_each("-limitancestorcount=50", "-limitancestorsize=101",
                             "-limitdescendantcount=200", "-limitdescendantsize=101")
wallet = fixtures.mini_wallet(130)


def refused(node, tx, code, text):
    return expect_error(code, text, node.sendrawtransaction, tx.hex(), 0)


def test_double_spend_replaces_without_signal(node, wallet):
    """Full RBF is Core 28's default: no signalling needed."""
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=1000, sequence=0xffffffff)
    node.sendrawtransaction(first.hex())
    assert node.getmempoolinfo()["fullrbf"] is True
    second = wallet.create(utxos=[utxo], fee=5000, sequence=0xffffffff)
    node.sendrawtransaction(second.hex())
    assert first.txid not in node.getrawmempool()
    assert second.txid in node.getrawmempool()


def test_fee_must_rise(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=10_000)
    node.sendrawtransaction(first.hex())
    for fee in (9_999, 10_000):
        again = wallet.create(utxos=[utxo], fee=fee, amounts=[utxo.value - fee - 0],
                              sequence=1 << 31)
        refused(node, again, -26, "insufficient fee")
    # rule 4: the difference pays for the bandwidth of the newcomer
    almost = wallet.create(utxos=[utxo], fee=10_000 + first.vsize - 1)
    err = refused(node, almost, -26, "insufficient fee, rejecting replacement")
    assert "not enough additional fees to relay" in err.message
    enough = wallet.create(utxos=[utxo], fee=10_000 + first.vsize)
    assert node.sendrawtransaction(enough.hex()) == enough.txid


def test_feerate_must_rise(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=20_000)
    node.sendrawtransaction(first.hex())
    bulky = wallet.create(utxos=[utxo], fee=21_000, outputs=20)
    err = refused(node, bulky, -26, "insufficient fee, rejecting replacement")
    assert "new feerate" in err.message


def test_descendants_leave_with_their_parent(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    chain = wallet.chain(6, utxo, fee=2_000)
    for tx in chain:
        node.sendrawtransaction(tx.hex())
    cheap = wallet.create(utxos=[utxo], fee=11_000)
    refused(node, cheap, -26, "insufficient fee")
    better = wallet.create(utxos=[utxo], fee=12_000 + 200)
    node.sendrawtransaction(better.hex())
    pool = node.getrawmempool()
    assert better.txid in pool and not any(t.txid in pool for t in chain)


def test_too_many_replacements(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    split = wallet.create(utxos=[utxo], outputs=100, fee=20_000)
    node.sendrawtransaction(split.hex())
    children = [wallet.create(utxos=[u], fee=500) for u in wallet.outputs_of(split)]
    for tx in children:
        node.sendrawtransaction(tx.hex())
    killer = wallet.create(utxos=[utxo], fee=200_000)
    err = refused(node, killer, -26, "too many potential replacements")
    assert "101 > 100" in err.message
    # one less, and it may go
    node.prioritisetransaction(children[0].txid, 0, 0)
    smaller = wallet.create(utxos=wallet.outputs_of(split)[1:100], fee=100_000)
    node.sendrawtransaction(smaller.hex())
    assert node.getmempoolinfo()["size"] >= 3


def test_replacement_must_not_spend_what_it_replaces(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=1_000)
    node.sendrawtransaction(first.hex())
    both = wallet.create(utxos=[utxo, wallet.outputs_of(first)[0]], fee=50_000)
    refused(node, both, -26, "bad-txns-spends-conflicting-tx")


def test_no_new_unconfirmed_inputs(node, wallet):
    coins = wallet.get_utxos(2)
    parent = wallet.create(utxos=[coins[1]], fee=1_000)
    node.sendrawtransaction(parent.hex())
    first = wallet.create(utxos=[coins[0]], fee=1_000)
    node.sendrawtransaction(first.hex())
    newer = wallet.create(utxos=[coins[0], wallet.outputs_of(parent)[0]], fee=50_000)
    refused(node, newer, -26, "replacement-adds-unconfirmed")


def test_prioritised_fee_counts(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=5_000)
    node.sendrawtransaction(first.hex())
    lower = wallet.create(utxos=[utxo], fee=1_000, extra_outputs=[
        TxOut(1_000, wallet.script_pubkey)])
    refused(node, lower, -26, "insufficient fee")
    assert node.prioritisetransaction(txid=lower.txid, fee_delta=50_000) is True
    node.sendrawtransaction(lower.hex())
    assert lower.txid in node.getrawmempool()


def test_replaceable_flag_is_shown(node, wallet):
    optin = wallet.create(confirmed_only=True, sequence=0xfffffffd)
    final = wallet.create(confirmed_only=True, sequence=0xffffffff)
    for tx in (optin, final):
        wallet.broadcast(tx)
    assert node.getmempoolentry(optin.txid)["bip125-replaceable"] is True
    assert node.getmempoolentry(final.txid)["bip125-replaceable"] is False


def test_opt_in_only_with_fullrbf_off(lab, params):
    node = lab.node("-mempoolfullrbf=0", params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    assert node.getmempoolinfo()["fullrbf"] is False
    for sequence, allowed in ((0xffffffff, False), (0xfffffffe, False),
                              (0xfffffffd, True), (0, True)):
        utxo = wallet.get_utxo(confirmed_only=True)
        version = 1 if sequence == 0 else 2
        first = wallet.create(utxos=[utxo], fee=1_000, sequence=sequence, version=version)
        second = wallet.create(utxos=[utxo], fee=9_000, sequence=sequence, version=version)
        node.sendrawtransaction(first.hex())
        if allowed:
            node.sendrawtransaction(second.hex())
        else:
            refused(node, second, -26, "txn-mempool-conflict")
    wait_until(lambda: node.getmempoolinfo()["size"] == 4)


def test_signalling_is_not_inherited(lab, params):
    """A final child of one that signals is shown as replaceable, since its parent is; it
    cannot be replaced by itself."""
    node = lab.node("-mempoolfullrbf=0", params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    utxo = wallet.get_utxo(confirmed_only=True)
    parent = wallet.create(utxos=[utxo], sequence=0xfffffffd, fee=1_000)
    child = wallet.create(utxos=wallet.outputs_of(parent), sequence=0xfffffffe, fee=1_000)
    for tx in (parent, child):
        node.sendrawtransaction(tx.hex())
        assert node.getmempoolentry(tx.txid)["bip125-replaceable"] is True
    rival = wallet.create(utxos=wallet.outputs_of(parent), fee=50_000)
    refused(node, rival, -26, "txn-mempool-conflict")
    # the parent takes it along
    other = wallet.create(utxos=[utxo], fee=50_000)
    node.sendrawtransaction(other.hex())
    assert node.getrawmempool() == [other.txid]


def test_a_tree_is_paid_for_as_a_whole(node, wallet):
    """Every branch counts; 100 of them may go."""
    utxo = wallet.get_utxo(confirmed_only=True)
    fee, txs, level = 300, [], [utxo]
    while len(txs) < 31:
        nodes = [wallet.create(utxos=[u], outputs=2, fee=fee) for u in level]
        for tx in nodes:
            node.sendrawtransaction(tx.hex())
        txs += nodes
        level = [u for tx in nodes for u in wallet.outputs_of(tx)]
    total = fee * len(txs)
    less = wallet.create(utxos=[utxo], fee=total - 1)
    err = refused(node, less, -26, "insufficient fee")
    assert "less fees than conflicting txs" in err.message
    relay = less.vsize
    almost = wallet.create(utxos=[utxo], fee=total + relay - 1)
    err = refused(node, almost, -26, "insufficient fee")
    assert "not enough additional fees to relay" in err.message
    enough = wallet.create(utxos=[utxo], fee=total + relay)
    node.sendrawtransaction(enough.hex())
    pool = node.getrawmempool()
    assert enough.txid in pool and not any(tx.txid in pool for tx in txs)


def test_another_incremental_fee(lab, params):
    node = lab.node(f"-incrementalrelayfee={params.amount(5_000)}", params=params)
    wallet = MiniWallet(node)
    wallet.generate(103)
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=1_000)
    node.sendrawtransaction(first.hex())
    least = 1_000 + 5 * first.vsize
    refused(node, wallet.create(utxos=[utxo], fee=least - 1), -26,
            "not enough additional fees to relay")
    node.sendrawtransaction(wallet.create(utxos=[utxo], fee=least).hex())


def test_too_many_at_default_limits(lab, params):
    """Five families of 21: each conflict counts with its descendants."""
    node = lab.node(params=params)
    wallet = MiniWallet(node)
    wallet.generate(108)
    utxos = wallet.get_utxos(5)
    for utxo in utxos:
        root = wallet.create(utxos=[utxo], outputs=20, fee=5_000)
        node.sendrawtransaction(root.hex())
        for out in wallet.outputs_of(root):
            node.sendrawtransaction(wallet.create(utxos=[out], fee=200).hex())
    err = refused(node, wallet.create(utxos=utxos, fee=500_000), -26,
                  "too many potential replacements")
    assert "(105 > 100)" in err.message
    last = wallet.create(utxos=utxos[:4], fee=500_000)
    node.sendrawtransaction(last.hex(), 0)
    assert node.getmempoolinfo()["size"] == 1 + 21
