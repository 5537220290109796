"""Multisigs between wallets by PSBT: each wallet has one private key and the others'
public ones (bitcoind's wallet_multisig_descriptor_psbt and parts of wallet_taproot)."""
from decimal import Decimal

import pytest

from framework import fixtures
from framework.hashes import sha256
from framework.params import BITCOIN
from framework.psbt import Psbt
from framework.rpc import expect_error

N = 3
# Nobody knows its private key (BIP 341).
NUMS = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"

FORMS = {
    "sh": "sh(multi(2,{0},{1},{2}))",
    "sh-wsh": "sh(wsh(sortedmulti(2,{0},{1},{2})))",
    "wsh": "wsh(sortedmulti(2,{0},{1},{2}))",
    "multi_a": "tr(" + NUMS + ",multi_a(2,{0},{1},{2}))",
    "sortedmulti_a": "tr(" + NUMS + ",sortedmulti_a(2,{0},{1},{2}))",
    "tree": "tr(" + NUMS + ",{{pk({0}),{{pk({1}),multi_a(2,{0},{1},{2})}}}})",
    "wsh-miniscript": "wsh(thresh(2,pk({0}),s:pk({1}),s:pk({2})))",
    "tr-miniscript": "tr(" + NUMS + ",and_v(v:pk({0}),pk({1})))",
}


node = fixtures.node("-fallbackfee=0.0002", "-keypool=10", params=BITCOIN)
funds = fixtures.rich_wallet("funds", 120)


@pytest.fixture(scope="module")
def keys(node):
    """(private, public) account keys of the signers, with star."""
    keys = []
    for i in range(N):
        w = node.new_wallet(f"key{i}")
        private, public = (
            next(d["desc"] for d in w.listdescriptors(p)["descriptors"]
                 if d["desc"].startswith("wpkh(") and not d["internal"])
            .split("(")[1].split(")")[0].replace("0/*", "7/*") for p in (True, False))
        keys.append((private, public))
    return keys


def import_form(node, name, form, keys, mine=None):
    """A wallet of the form; @mine: whose private key it has."""
    private = mine is not None
    w = node.new_wallet(name, blank=True, disable_private_keys=not private)
    items = []
    for internal in (False, True):
        texts = [(k[0] if i == mine else k[1]) for i, k in enumerate(keys)]
        if internal:
            texts = [t.replace("7/*", "8/*") for t in texts]
        desc = form.format(*texts)
        items.append({"desc": desc + "#" + node.getdescriptorinfo(desc)["checksum"],
                      "active": True, "internal": internal, "timestamp": "now"})
    result = w.importdescriptors(items)
    assert all(r["success"] for r in result), result
    return w


def fund(node, funds, address, amount=1):
    funds.sendtoaddress(address, amount)
    node.generatetoaddress(1, funds.getnewaddress())


def send_final(node, funds, psbt):
    final = node.finalizepsbt(psbt)
    assert final["complete"], node.analyzepsbt(psbt)
    txid = node.sendrawtransaction(final["hex"])
    node.generatetoaddress(1, funds.getnewaddress())
    return txid


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


def test_two_of_three(node, funds, keys, form):
    watch = import_form(node, f"{form}-watch", FORMS[form], keys)
    signers = [import_form(node, f"{form}-{i}", FORMS[form], keys, i)
               for i in range(N) if f"{{{i}}}" in FORMS[form]]
    address = watch.getnewaddress("", kind_of(form))
    assert all(s.getnewaddress("", kind_of(form)) == address for s in signers)
    fund(node, funds, address)
    to = funds.getnewaddress()
    psbt = watch.walletcreatefundedpsbt(
        [], [{to: Decimal("0.3")}], 0,
        {"change_type": kind_of(form), "fee_rate": 5})["psbt"]
    parts = [s.walletprocesspsbt(psbt) for s in signers[:2]]
    if form != "tree":  # one key is enough there
        assert not any(p["complete"] for p in parts)
        assert not node.finalizepsbt(parts[0]["psbt"])["complete"]
        expect_missing(node, parts[0]["psbt"], form)
    combined = node.combinepsbt([p["psbt"] for p in parts])
    txid = send_final(node, funds, combined)
    assert watch.gettransaction(txid)["confirmations"] == 1
    # The change is spendable in turn, one signer after the other.
    psbt = watch.walletcreatefundedpsbt([], [{to: Decimal("0.3")}], 0,
                                        {"change_type": kind_of(form)})["psbt"]
    for s in signers[:2]:
        psbt = s.walletprocesspsbt(psbt)["psbt"]
    send_final(node, funds, psbt)


def kind_of(form):
    return {"sh": "legacy", "sh-wsh": "p2sh-segwit", "wsh": "bech32",
            "wsh-miniscript": "bech32"}.get(form, "bech32m")


def expect_missing(node, psbt, form):
    """Of taproot, bitcoind does not say which signatures are missing."""
    a = node.analyzepsbt(psbt)
    if kind_of(form) == "bech32m":
        assert a["next"] == "updater" and "missing" not in a["inputs"][0]
    else:
        assert a["next"] == "signer" and "signatures" in a["inputs"][0]["missing"]


# Keys that only the PSBT tells of ---------------------------------------------

@pytest.mark.parametrize("kind", ["legacy", "p2sh-segwit", "bech32"])
def test_createmultisig(node, funds, kind):
    """The script is nobody's, but its keys are the wallets' own."""
    wallets = [node.new_wallet(f"own-{kind}-{i}") for i in range(2)]
    pubkeys = [w.getaddressinfo(w.getnewaddress())["pubkey"] for w in wallets]
    multi = node.createmultisig(2, pubkeys, kind)
    fund(node, funds, multi["address"])
    utxo = node.scantxoutset("start", [multi["descriptor"]])["unspents"][0]
    psbt = node.createpsbt([{"txid": utxo["txid"], "vout": utxo["vout"]}],
                           [{funds.getnewaddress(): Decimal("0.999")}])
    psbt = funds.walletprocesspsbt(psbt)["psbt"]  # it made the previous transaction
    psbt = node.utxoupdatepsbt(psbt, [multi["descriptor"]])
    for w in wallets:
        psbt = w.walletprocesspsbt(psbt)["psbt"]
    send_final(node, funds, psbt)


# What else a script may ask for ------------------------------------------------

def add_preimage(psbt, i, preimage):
    p = Psbt.from_base64(psbt)
    p.inputs[i].append((b"\x0b" + sha256(preimage), preimage))
    return p.to_base64()


@pytest.mark.parametrize("kind, form", [
    ("bech32", "wsh(and_v(v:pk({0}),sha256(%s)))"),
    ("bech32m", "tr(" + NUMS + ",and_v(v:pk({0}),sha256(%s)))"),
    ("bech32m", "tr(" + NUMS + ",and_v(v:pkh({0}),sha256(%s)))"),
], ids=["wsh", "tr", "tr-pkh"])
def test_preimage(node, funds, keys, request, kind, form):
    """A preimage comes by the PSBT."""
    preimage = b"the words that open it".ljust(32)
    form %= sha256(preimage).hex()
    signer = import_form(node, request.node.name, form, keys, 0)
    fund(node, funds, signer.getnewaddress("", kind))
    coin = signer.listunspent()[0]
    psbt = node.createpsbt([{"txid": coin["txid"], "vout": coin["vout"]}],
                           [{funds.getnewaddress(): Decimal("0.999")}])
    signed = signer.walletprocesspsbt(psbt)
    assert not signed["complete"]
    signed = add_preimage(signed["psbt"], 0, preimage)
    assert node.decodepsbt(signed)["inputs"][0]["sha256_preimages"] == {
        sha256(preimage).hex(): preimage.hex()}
    send_final(node, funds, signed)


# Taproot -----------------------------------------------------------------------

HASH_TYPES = {"DEFAULT": "", "ALL": "01", "NONE": "02", "SINGLE": "03",
              "ALL|ANYONECANPAY": "81", "NONE|ANYONECANPAY": "82",
              "SINGLE|ANYONECANPAY": "83"}


def test_taproot_hash_types(node, funds):
    w = node.new_wallet("taproot")
    fund(node, funds, w.getnewaddress("", "bech32m"))
    coin = w.listunspent()[0]
    to = w.getnewaddress("", "bech32m")
    psbt = node.createpsbt([{"txid": coin["txid"], "vout": coin["vout"]}],
                           [{to: Decimal("0.999")}])
    for name, byte in HASH_TYPES.items():
        signed = w.walletprocesspsbt(psbt, True, name, True, False)["psbt"]
        decoded = node.decodepsbt(signed)
        i, o = decoded["inputs"][0], decoded["outputs"][0]
        assert len(i["taproot_key_path_sig"]) == 128 + len(byte)
        assert i["taproot_key_path_sig"][128:] == byte
        assert i["taproot_bip32_derivs"][0]["path"].startswith("m/86h/1h/0h/")
        assert i["taproot_bip32_derivs"][0]["pubkey"] == i["taproot_internal_key"]
        assert o["taproot_bip32_derivs"][0]["pubkey"] == o["taproot_internal_key"]
        # What all signatures cover needs no proof.
        assert ("non_witness_utxo" in i) == ("ANYONECANPAY" in name)
        final = node.finalizepsbt(signed)
        assert node.testmempoolaccept([final["hex"]])[0]["allowed"], name


def test_taproot_tree_fields(node, funds, keys):
    """Leaves, the way to them, and who has keys in which."""
    w = import_form(node, "tree fields", FORMS["tree"], keys, 1)
    address = w.getnewaddress("", "bech32m")
    fund(node, funds, address)
    coin = w.listunspent(0, 9999, [address])[0]
    psbt = node.createpsbt([{"txid": coin["txid"], "vout": coin["vout"]}],
                           [{address: Decimal("0.999")}])
    decoded = node.decodepsbt(w.walletprocesspsbt(psbt, False)["psbt"])
    i, o = decoded["inputs"][0], decoded["outputs"][0]
    assert i["taproot_internal_key"] == o["taproot_internal_key"] == NUMS
    assert sorted(len(s["control_blocks"][0]) // 2 for s in i["taproot_scripts"]) == [
        65, 97, 97]
    assert [leaf["depth"] for leaf in o["taproot_tree"]] == [1, 2, 2]
    assert sorted(leaf["script"] for leaf in o["taproot_tree"]) == sorted(
        s["script"] for s in i["taproot_scripts"])
    leaves = sorted(len(d["leaf_hashes"]) for d in i["taproot_bip32_derivs"])
    assert leaves == [1, 2, 2] or leaves == [0, 1, 2, 2]
    assert i["taproot_bip32_derivs"] == o["taproot_bip32_derivs"]


# The sale ---------------------------------------------------------------------

@pytest.mark.parametrize("kind", ["p2sh-segwit", "bech32", "bech32m"])
@pytest.mark.parametrize("version", [0, 2])
def test_sale(node, funds, kind, version):
    """The seller signs coin against price; the buyer puts the pair where it shall stand
    and adds what pays for it. (A legacy signature would be bound to its place.)"""
    seller = node.new_wallet(f"seller-{kind}-{version}")
    buyer = node.new_wallet(f"buyer-{kind}-{version}")
    thing = seller.getnewaddress("", kind)
    fund(node, funds, thing, Decimal("0.0001"))
    fund(node, funds, buyer.getnewaddress("", kind), 5)
    coin = seller.listunspent()[0]
    price = seller.getnewaddress()
    offer = node.createpsbt([{"txid": coin["txid"], "vout": coin["vout"]}], [{price: 2}],
                            0, True, version)
    offer = seller.walletprocesspsbt(psbt=offer, sighashtype="SINGLE|ANYONECANPAY",
                                     finalize=False)["psbt"]
    money = buyer.listunspent()[0]
    whole = node.createpsbt(
        [{"txid": money["txid"], "vout": money["vout"]},
         {"txid": coin["txid"], "vout": coin["vout"]}],
        [{buyer.getnewaddress(): Decimal("0.0001")}, {price: 2},
         {buyer.getrawchangeaddress(): Decimal("2.999")}], 0, True, version)
    expect_error(-8, "PSBTs not compatible (different transactions)", node.combinepsbt,
                 [whole, offer])
    signed = buyer.walletprocesspsbt(with_input_of(whole, 1, offer))["psbt"]
    send_final(node, funds, signed)
    assert seller.getbalance() == 2
    assert buyer.getbalance() == Decimal("2.9991")


def with_input_of(whole, i, offer):
    """Input i of @whole gets what the offer says of its only one."""
    a, b = Psbt.from_base64(whole), Psbt.from_base64(offer)
    a.inputs[i] = b.inputs[0]
    return a.to_base64()
