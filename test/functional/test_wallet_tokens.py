"""Coins that carry a token or back a supernode are spent only when they are named."""
import pytest

from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.ticket_lab import TicketLab


@pytest.fixture(scope="module")
def lab(module_lab):
    return TicketLab(module_lab, count=4, args=("-fallbackfee=0.2", "-keypool=20"))


@pytest.fixture(scope="module")
def w(lab):
    return lab.node.new_wallet("w")


def script_of(w):
    return bytes.fromhex(w.getaddressinfo(w.getnewaddress())["scriptPubKey"])


def mint_to(lab, script, value):
    """A token whose anchor belongs to the wallet."""
    u = lab.utxo()
    due, least = lab.space_payments(lab.reference()[0], lab.mint(u).quota)
    tx = lab.carry(lab.mint(u), [u], least, due, first=[TxOut(value, script)])
    lab.accepted(tx)
    return tx


def test_tokens_stay_unless_named(lab, w):
    coin = lab.params.coin
    tx = mint_to(lab, script_of(w), 5 * coin)
    token = {"txid": tx.txid, "vout": 0}
    assert [(c["txid"], c["vout"]) for c in w.listunspent()] == [(tx.txid, 0)]
    to = w.getnewaddress()
    err = expect_error(-6, "Insufficient funds", w.sendtoaddress, to, 1)
    assert "5.00000 rPSL bound to tokens or supernodes" in err.message
    expect_error(-6, "Total value of UTXO pool too low", w.sendall, [to])
    sent = w.send([{to: 1}], options={"inputs": [token], "change_position": 1})
    assert sent["complete"]
    lab.mine()
    # the token went with the first output, the change is free
    moved = lab.node.getrawtransaction(sent["txid"], 1, lab.node.getbestblockhash())
    assert moved["vout"][0]["value"] == 1
    w.sendtoaddress(to, 2)
    lab.mine()
    left = {(c["txid"], c["vout"]) for c in w.listunspent()}
    assert (sent["txid"], 0) in left and (sent["txid"], 1) not in left


def test_collaterals_stay_unless_named(lab):
    """The owner's wallet does not spend what a supernode of his rests on."""
    owner = lab.operators[0]
    w = lab.node.new_wallet("owner", blank=True)
    key = owner.owner.wif(lab.params)
    desc = lab.node.getdescriptorinfo(f"wpkh({key})")["checksum"]
    assert w.importdescriptors([{"desc": f"wpkh({key})#{desc}",
                                 "timestamp": 0}])[0]["success"]
    coin, = w.listunspent()
    back = lab.node.wallet("w").getnewaddress()
    place = {"txid": coin["txid"], "vout": coin["vout"]}
    err = expect_error(-4, "Insufficient funds", w.fundrawtransaction,
                       lab.node.createrawtransaction([], {back: 1}),
                       {"changeAddress": coin["address"]})
    assert f"{coin['amount']} rPSL bound to tokens or supernodes" in err.message
    expect_error(-6, "Total value of UTXO pool too low", w.sendall, [back])
    sent = w.sendall([back], options={"inputs": [place]})
    assert sent["complete"]
    lab.mine()
    assert w.listunspent() == []
