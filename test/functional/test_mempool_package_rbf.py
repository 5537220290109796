"""Package RBF: a parent and its child replace others together."""
from framework import fixtures
from framework.packages import pool_is, submit, submit_ok

node = fixtures.node_of_each("-datacarriersize=100000", "-limitdescendantcount=200",
                             "-limitdescendantsize=400", "-limitancestorcount=60")
FAILED = "package RBF failed: "


bank = fixtures.bank(103, coins=120)
wallet = fixtures.bank_with_empty_pool()


def coin(wallet):
    return wallet.get_utxo(confirmed_only=True)


def pair(wallet, utxo, fees, version=2, more=(), **kwargs):
    """A parent that spends the coin, and a child that spends it and more coins."""
    parent = wallet.create(utxos=[utxo], fee=fees[0], version=version)
    child = wallet.create(utxos=[*wallet.outputs_of(parent), *more], fee=fees[1],
                          version=version, **kwargs)
    return [parent, child]


def send(wallet, **kwargs):
    tx = wallet.create(**kwargs)
    wallet.node.sendrawtransaction(tx.hex(), 0)
    return tx


def refused(node, package, text):
    before = node.getrawmempool()
    result = submit(node, package, 0)
    assert result["package_msg"].startswith(FAILED + text), result
    assert len(result["tx-results"]) == len(package)
    assert result["replaced-transactions"] == []
    assert node.getrawmempool() == before
    return result


# Fees -------------------------------------------------------------------------

def test_a_pair_replaces_a_pair(node, wallet):
    utxo = coin(wallet)
    old = pair(wallet, utxo, (200, 400))
    submit_ok(node, old)
    less = pair(wallet, utxo, (199, 400))
    result = refused(node, less, "insufficient anti-DoS fees, rejecting replacement "
                     f"{less[1].txid}, less fees than conflicting txs; ")
    # the parent's own refusal shows, and the child's
    errors = [result["tx-results"][tx.wtxid]["error"] for tx in less]
    assert errors[0].startswith("insufficient fee, rejecting replacement " + less[0].txid)
    assert errors[1] == "bad-txns-inputs-missingorspent"
    size = sum(tx.vsize for tx in old)
    almost = pair(wallet, utxo, (199, 401 + size - 1))
    refused(node, almost, "insufficient anti-DoS fees, rejecting replacement "
            f"{almost[1].txid}, not enough additional fees to relay; ")
    new = pair(wallet, utxo, (199, 401 + size))
    result = submit_ok(node, new)
    assert sorted(result["replaced-transactions"]) == sorted(tx.txid for tx in old)
    for tx in new:
        fees = result["tx-results"][tx.wtxid]["fees"]
        assert node.params.units(fees["effective-feerate"]) == (600 + size) * 1000 // size
        assert fees["effective-includes"] == [t.wtxid for t in new]
    pool_is(node, new)


def test_version_3_pairs(node, wallet):
    """The parent pays nothing at all, again and again."""
    utxo = coin(wallet)
    old = pair(wallet, utxo, (0, 300), version=3)
    submit_ok(node, old)
    new = pair(wallet, utxo, (0, 900), version=3)
    new[0] = wallet.create(utxos=[utxo], fee=0, version=3, sequence=5)
    new[1] = wallet.create(utxos=wallet.outputs_of(new[0]), fee=900, version=3)
    submit_ok(node, new)
    pool_is(node, new)


def test_a_parent_that_stands_alone_replaces_alone(node, wallet):
    utxo = coin(wallet)
    old = send(wallet, utxos=[utxo], fee=200)
    new = pair(wallet, utxo, (2_000, 500))
    result = submit_ok(node, new)
    assert result["replaced-transactions"] == [old.txid]
    assert result["tx-results"][new[0].wtxid]["fees"]["effective-includes"] == \
        [new[0].wtxid]
    pool_is(node, new)


def test_the_child_must_raise_the_rate(node, wallet):
    """A parent that pays better than both together gains nothing by the child."""
    utxo = coin(wallet)
    old = send(wallet, utxos=[utxo], fee=20_000)
    new = pair(wallet, utxo, (19_000, 30_000), target_vsize=20_000)
    size = sum(tx.vsize for tx in new)
    assert 49_000 / size < 19_000 / new[0].vsize
    rate = node.params.amount(49_000 * 1000 // size)
    result = refused(node, new, "package feerate is less than or equal to parent "
                     f"feerate, package feerate {rate} ")
    assert " <= parent feerate is " in result["package_msg"]
    pool_is(node, [old])


def test_diagram_must_improve(node, wallet):
    """More fees in all, but the best vbytes would carry less."""
    utxo, other = coin(wallet), coin(wallet)
    small = send(wallet, utxos=[utxo], fee=30_000)
    new = pair(wallet, utxo, (200, 60_000), more=[other], target_vsize=20_000)
    refused(node, new, "insufficient feerate: does not improve feerate diagram")
    pool_is(node, [small])


def test_prioritisation_counts(node, wallet):
    utxo = coin(wallet)
    old = pair(wallet, utxo, (200, 400))
    submit_ok(node, old)
    new = pair(wallet, utxo, (199, 300))
    refused(node, new, "insufficient anti-DoS fees")
    node.prioritisetransaction(new[1].txid, 0, 2_000)
    submit_ok(node, new)
    pool_is(node, new)
    node.prioritisetransaction(new[1].txid, 0, -2_000)


# What is replaced -------------------------------------------------------------

def test_single_conflicts_of_both(node, wallet):
    """Parent and child each throw out another transaction, with its child."""
    a, b, c = (coin(wallet) for _ in range(3))
    first, second = send(wallet, utxos=[a], fee=300), send(wallet, utxos=[b], fee=300)
    third = send(wallet, utxos=[c], fee=300)
    below = send(wallet, utxos=wallet.outputs_of(third), fee=300)
    new = pair(wallet, a, (250, 5_000), more=[b, c])
    result = submit_ok(node, new)
    assert sorted(result["replaced-transactions"]) == \
        sorted(tx.txid for tx in (first, second, third, below))
    pool_is(node, new)


def test_a_child_is_replaced_its_parent_stays(node, wallet):
    """The parent that remains stands in the new diagram by itself."""
    utxo = coin(wallet)
    keep = send(wallet, fee=150)
    (out,) = wallet.outputs_of(keep)
    gone = send(wallet, utxos=[out, utxo], fee=2_000)
    new = pair(wallet, utxo, (200, 9_000))
    assert submit_ok(node, new)["replaced-transactions"] == [gone.txid]
    pool_is(node, [keep, *new])


def test_too_many_go(node, wallet):
    utxo = coin(wallet)
    root = send(wallet, utxos=[utxo], outputs=101, fee=6_000)
    for out in wallet.outputs_of(root):
        send(wallet, utxos=[out], fee=110)
    new = pair(wallet, utxo, (130, 10_000_000))
    result = refused(node, new, "too many potential replacements, rejecting replacement "
                     f"{new[1].txid}; too many potential replacements (102 > 100)\n")
    error = result["tx-results"][new[0].wtxid]["error"]
    assert error.startswith("insufficient fee, rejecting replacement")


# Families ---------------------------------------------------------------------

def test_only_pairs_replace(node, wallet):
    utxos = [coin(wallet) for _ in range(3)]
    old = [send(wallet, utxos=[u], fee=5_000) for u in utxos]
    parents = [wallet.create(utxos=[u], fee=200) for u in utxos]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents], fee=50_000)
    refused(node, [*parents, child], "package must be 1-parent-1-child")
    pool_is(node, old)


def test_a_parent_that_came_in_is_an_ancestor(node, wallet):
    """Of two parents one stands alone: then the others are a pair with a relative."""
    utxo, other = coin(wallet), coin(wallet)
    old = send(wallet, utxos=[utxo], fee=5_000)
    parents = [wallet.create(utxos=[u], fee=200) for u in (utxo, other)]
    child = wallet.create(utxos=[wallet.outputs_of(p)[0] for p in parents], fee=50_000)
    result = submit(node, [*parents, child], 0)
    assert result["package_msg"] == \
        FAILED + "new transaction cannot have mempool ancestors"
    pool_is(node, [old, parents[1]])


def test_no_ancestors_in_the_pool(node, wallet):
    utxo = coin(wallet)
    old = send(wallet, utxos=[utxo], fee=5_000)
    base = send(wallet, fee=200)
    parent = wallet.create(utxos=[utxo, *wallet.outputs_of(base)], fee=400)
    child = wallet.create(utxos=wallet.outputs_of(parent), fee=50_000)
    # alone, the parent is refused for its fee before its new unconfirmed input is seen
    refused(node, [parent, child], "new transaction cannot have mempool ancestors")
    pool_is(node, [old, base])


def against(node, wallet, utxo, text):
    refused(node, pair(wallet, utxo, (150, 500_000)), text)


def test_a_conflict_with_two_ancestors(node, wallet):
    utxo = coin(wallet)
    roots = [send(wallet, fee=300) for _ in range(2)]
    last = send(wallet, utxos=[*(wallet.outputs_of(r)[0] for r in roots), utxo], fee=1_000)
    against(node, wallet, utxo, f"{last.txid} has 2 ancestors, max 1 allowed")


def test_a_conflict_with_two_descendants(node, wallet):
    utxo = coin(wallet)
    chain = wallet.chain(3, utxo, fee=300)
    for tx in chain:
        node.sendrawtransaction(tx.hex())
    against(node, wallet, utxo, f"{chain[0].txid} has 2 descendants, max 1 allowed")


def test_a_conflict_in_the_middle(node, wallet):
    utxo = coin(wallet)
    root = send(wallet, fee=300)
    middle = send(wallet, utxos=[*wallet.outputs_of(root), utxo], fee=300)
    send(wallet, utxos=wallet.outputs_of(middle), fee=300)
    against(node, wallet, utxo, f"{middle.txid} has both ancestor and descendant, "
            "exceeding cluster limit of 2")


def test_a_conflict_whose_child_has_another_parent(node, wallet):
    utxo = coin(wallet)
    parents = [send(wallet, utxos=[utxo], fee=300), send(wallet, fee=300)]
    child = send(wallet, utxos=[wallet.outputs_of(p)[0] for p in parents], fee=300)
    against(node, wallet, utxo, f"{parents[0].txid} is not the only parent of child "
            f"{child.txid}")


def test_a_conflict_whose_parent_has_another_child(node, wallet):
    utxo = coin(wallet)
    parent = send(wallet, outputs=2, fee=300)
    outs = wallet.outputs_of(parent)
    child = send(wallet, utxos=[outs[0], utxo], fee=1_000)
    send(wallet, utxos=[outs[1]], fee=300)
    against(node, wallet, utxo, f"{child.txid} is not the only child of parent "
            f"{parent.txid}")


def test_a_trial_replaces_nothing(node, wallet):
    utxo = coin(wallet)
    old = pair(wallet, utxo, (200, 400))
    submit_ok(node, old)
    new = pair(wallet, utxo, (5_000, 50_000))
    first, second = node.testmempoolaccept([tx.hex() for tx in new])
    assert first["reject-reason"] == "bip125-replacement-disallowed"
    assert "allowed" not in second
    pool_is(node, old)
