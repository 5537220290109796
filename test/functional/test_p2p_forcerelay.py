"""What the permissions `relay` and `forcerelay` change for transactions (the relay part of
p2p_permissions)."""
import pytest

from framework import fixtures
from framework.messages import TxMsg
from framework.p2p import TxPeer
from framework.wallet import MiniWallet


node = fixtures.node_of_each("-whitelist=forcerelay,noban@127.0.0.1")
wallet = fixtures.mini_wallet(110)


@pytest.fixture(autouse=True)
def _alone(node):
    yield
    node.disconnect_peers()


def test_known_transactions_are_relayed_again(node, wallet):
    tx = wallet.send(confirmed_only=True)
    sender, late = node.add_peer(TxPeer), node.add_peer(TxPeer)
    late.sync()
    assert not late.announced()
    marker = node.log_size()
    sender.send_and_sync(TxMsg(tx))
    node.wait_log(f"Force relaying tx {tx.txid} (wtxid={tx.wtxid}) from peer=", marker)
    late.wait(lambda p: tx.wtxid_bytes in p.announced())


def test_what_is_not_in_the_mempool_is_not_relayed(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)])
    tx.vout[0].value += 100_000_000
    sender, other = node.add_peer(TxPeer), node.add_peer(TxPeer)
    sender.send_and_sync(TxMsg(tx))
    assert tx.txid not in node.getrawmempool()
    marker = node.log_size()
    sender.send_and_sync(TxMsg(tx))
    node.wait_log(f"Not relaying non-mempool transaction {tx.txid} (wtxid={tx.wtxid}) from "
                  "forcerelay peer=", marker)
    other.sync()
    assert not other.announced()
    sender.sync()                          # noban: it is still there


def test_without_the_permission_they_are_not(lab, params):
    node = lab.node("-whitelist=relay,noban@127.0.0.1", params=params)
    wallet = MiniWallet(node)
    wallet.generate(101)
    tx = wallet.send(confirmed_only=True)
    sender, late = node.add_peer(TxPeer), node.add_peer(TxPeer)
    sender.send_and_sync(TxMsg(tx))
    late.sync()
    assert not late.announced()


@pytest.mark.parametrize("options, expected", [
    (["-whitelist=127.0.0.1"], {"noban", "relay", "mempool", "download"}),
    (["-whitelist=127.0.0.1", "-whitelistforcerelay"],
     {"noban", "relay", "forcerelay", "mempool", "download"}),
    (["-whitelist=127.0.0.1", "-whitelistrelay=0"], {"noban", "mempool", "download"}),
    (["-blocksonly", "-whitelist=127.0.0.1"], {"noban", "mempool", "download"}),
    (["-whitelist=forcerelay@127.0.0.1", "-whitelistrelay=0"], {"forcerelay", "relay"}),
])
def test_what_names_stand_for(lab, params, options, expected):
    node = lab.node(*options, params=params)
    node.add_peer(TxPeer)
    assert set(node.getpeerinfo()[0]["permissions"]) == expected
