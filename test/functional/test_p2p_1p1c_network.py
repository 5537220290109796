"""Packages travel through networks of two and of five nodes, from wherever they enter
(p2p_1p1c_network). Version 3 lets parents go without any fee."""
from framework.messages import TxMsg
from framework.node import sync_blocks
from framework.p2p import TxPeer
from framework.util import wait_until
from framework.wallet import MiniWallet

HIGH = 50_000            # fee rate per kvB


def make_nodes(lab, params, count):
    # such peers are told at once
    nodes = [lab.node("-whitelist=noban@127.0.0.1", params=params) for _ in range(count)]
    for a, b in zip(nodes, nodes[1:]):
        a.connect(b)
    return nodes


def wallet_of(nodes):
    wallet = MiniWallet(nodes[0])
    wallet.generate(110)
    sync_blocks(nodes)
    for n in nodes:
        n.set_time(nodes[0].tip_header()["time"] + 1)
    return wallet


def pair(wallet, fee_rate=HIGH, **kwargs):
    parent = wallet.create(confirmed_only=True, fee=0, version=3, **kwargs)
    return parent, wallet.create(utxos=wallet.outputs_of(parent), fee_rate=fee_rate, version=3)


def submit(node, txs):
    result = node.submitpackage([tx.hex() for tx in txs])
    assert result["package_msg"] == "success", result


def arrives(nodes, txs):
    """Lets time pass until every node has them: delays of requests take a while."""
    want = {tx.txid for tx in txs}

    def everywhere():
        for n in nodes:
            n.advance(1)
        return all(want <= set(n.getrawmempool()) for n in nodes)
    wait_until(everywhere)


def test_two_nodes(lab, params):
    nodes = make_nodes(lab, params, 2)
    wallet = wallet_of(nodes)
    package = pair(wallet)
    submit(nodes[0], package)
    arrives(nodes, package)
    back = pair(wallet)
    submit(nodes[1], back)
    arrives(nodes, back)
    assert not any(n.getorphantxs() for n in nodes)


def test_five_nodes(lab, params):
    nodes = make_nodes(lab, params, 5)
    nodes[4].connect(nodes[0])             # a ring: the ends meet in the middle
    wallet = wallet_of(nodes)
    packages = [pair(wallet) for _ in nodes]
    for node, package in zip(nodes, packages):
        submit(node, package)
    arrives(nodes, [tx for package in packages for tx in package])
    # the parent's poor child is replaced by a rich one, wherever that comes from
    parent, child = packages[0]
    richer = wallet.create(utxos=wallet.outputs_of(parent), fee_rate=4 * HIGH, version=3)
    submit(nodes[2], [parent, richer])
    arrives(nodes, [parent, richer])
    assert not any(child.txid in n.getrawmempool() for n in nodes)
    wallet.generate(1)
    sync_blocks(nodes)
    assert not any(n.getrawmempool() for n in nodes)


def test_a_parent_that_was_refused_before(lab, params):
    """The child that pays comes later, from another side."""
    nodes = make_nodes(lab, params, 3)
    wallet = wallet_of(nodes)
    parent, child = pair(wallet)
    for n in nodes:
        n.add_peer(TxPeer).send_and_sync(TxMsg(parent))
        assert parent.txid not in n.getrawmempool()
    submit(nodes[2], [parent, child])
    arrives(nodes, [parent, child])
