"""What tests of packages and version 3 transactions share."""


def submit(node, txs, *args, **kwargs):
    return node.submitpackage([tx.hex() for tx in txs], *args, **kwargs)


def submit_ok(node, txs, *args, **kwargs):
    result = submit(node, txs, *args, **kwargs)
    assert result["package_msg"] == "success", result
    return result


def trial(node, txs):
    return node.testmempoolaccept([tx.hex() for tx in txs])


def named(tx):
    """As errors about version 3 name it."""
    return f"{tx.txid} (wtxid={tx.wtxid})"


def pool_is(node, txs):
    assert sorted(node.getrawmempool()) == sorted(tx.txid for tx in txs)


def clear_pool(wallet, spare=20):
    """Mines what there is; the wallet forgets coins that are not confirmed. It reads the
    chain again only when few are left."""
    while wallet.node.getrawmempool():
        wallet.generate(1)
    wallet.utxos = [u for u in wallet.utxos if u.height]
    if len(wallet.spendable()) < spare:
        wallet.rescan()


def split(wallet, count, blocks=1):
    """Adds that many confirmed coins."""
    wallet.send(outputs=count, confirmed_only=True)
    wallet.generate(blocks)


def fill(wallet):
    """With -maxmempool=5 and -datacarriersize=100000: raises the rolling minimum, which
    it returns in base units per kvB. Coins of what was evicted are gone."""
    node, rate = wallet.node, 2000
    relay = node.getmempoolinfo()["minrelaytxfee"]
    while node.getmempoolinfo()["mempoolminfee"] == relay:
        tx = wallet.create(confirmed_only=True, fee_rate=rate, target_vsize=65_000)
        node.sendrawtransaction(tx.hex(), 0)
        rate += 200
    return node.params.units(node.getmempoolinfo()["mempoolminfee"])
