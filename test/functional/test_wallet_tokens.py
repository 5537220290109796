"""Coins that carry a token or back a supernode are spent only when they are named."""
from decimal import Decimal

import pytest

from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.ticket_lab import MEGABYTE, TicketLab, btns_key


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


def funded_wallet(lab, name, value):
    w = lab.node.new_wallet(name)
    lab.send(lab.wallet.create(utxos=[lab.utxo()], fee=2000,
                               extra_outputs=[TxOut(value, script_of(w))]))
    lab.mine()
    return w


def test_life_of_a_token(lab):
    """Minted, keyed and upgraded by a wallet, which spends the anchor by itself."""
    w = funded_wallet(lab, "minter", 50 * lab.params.coin)
    key = btns_key("of a wallet's token")
    sent = w.snft("mint", {"name": "mine", "quota": 2 * MEGABYTE, "meta_cid": "",
                           "btns_key": ""})
    lab.mine()
    token = w.snft("get", sent["txid"])
    assert token["anchor"] == {"txid": sent["txid"], "vout": 1}
    assert w.getaddressinfo(token["owner_address"])["ismine"]
    for command, fields in (("upgrade", {"quota": 3 * MEGABYTE}),
                            ("register", {"btns_key": key.public.hex(),
                                          "btns_privkey": key.seed.hex()})):
        dry = w.snft(command, {"token": sent["txid"], **fields, "dry_run": True})
        assert dry["allowed"] is True
        w.snft(command, {"token": sent["txid"], **fields})
        lab.mine()
    token = w.snft("get", sent["txid"])
    assert token["quota"] == 3 * MEGABYTE and token["btns_key"] == key.public.hex()
    assert w.getaddressinfo(token["owner_address"])["ismine"]
    thief = funded_wallet(lab, "thief", 50 * lab.params.coin)
    expect_error(None, None, thief.snft, "upgrade", {"token": sent["txid"],
                                                     "quota": 4 * MEGABYTE})


def test_sale_by_psbt(lab):
    """The buyer makes the transaction; the seller signs his coin and his payment alone; then
    the token is the buyer's."""
    seller, buyer = (funded_wallet(lab, name, 50 * lab.params.coin)
                     for name in ("seller", "buyer"))
    sent = seller.snft("mint", {"name": "sold", "quota": 2 * MEGABYTE, "meta_cid": "",
                                "btns_key": ""})
    lab.mine()
    anchor = lab.node.snft("owner", sent["txid"])
    coin = buyer.listunspent()[0]
    fee, price, worth = Decimal("0.1"), Decimal(5), anchor["anchor_amount"]
    outputs = [{buyer.getnewaddress(): worth}, {seller.getnewaddress(): price},
               {buyer.getrawchangeaddress(): coin["amount"] - price - fee}]
    psbt = buyer.createpsbt([{"txid": coin["txid"], "vout": coin["vout"]}, anchor["anchor"]],
                            outputs)
    psbt = buyer.walletprocesspsbt(psbt, True)["psbt"]
    signed = seller.walletprocesspsbt(psbt, True, "SINGLE|ANYONECANPAY")
    final = lab.node.finalizepsbt(signed["psbt"])
    assert final["complete"] is True
    lab.node.sendrawtransaction(final["hex"])
    lab.mine()
    owner = lab.node.snft("owner", sent["txid"])["owner_address"]
    assert buyer.getaddressinfo(owner)["ismine"] and not seller.getaddressinfo(owner)["ismine"]
