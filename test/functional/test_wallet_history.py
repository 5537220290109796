"""Lists of a wallet's transactions: listtransactions, listsinceblock, gettransaction,
received amounts, groups of addresses, simulated and abandoned ones."""
from decimal import Decimal

from framework import fixtures
from framework import script as sc
from framework import sighash
from framework.blocks import Chain
from framework.key import Key
from framework.keywallet import KeyWallet
from framework.params import BITCOIN
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error

OTHER = Key.from_seed("somebody else")
FOREIGN = sc.p2wpkh(OTHER.pubkey)


node = fixtures.node(params=BITCOIN)
bank = fixtures.mini_wallet(120)
wallet = fixtures.key_wallet()


def _pay(bank, wallet, value):
    tx, n = bank.send_to(wallet.script, value)
    return tx, wallet.coin(tx, n)


# listtransactions -------------------------------------------------------------


def test_entry_of_a_received_payment(node, bank, wallet):
    tx, (txid, n, _) = _pay(bank, wallet, 100000)
    (entry,) = wallet.listtransactions()
    desc = node.getdescriptorinfo(wallet.descriptor())["descriptor"]
    assert {k: v for k, v in entry.items() if not k.startswith("time")} == {
        "address": wallet.address, "parent_descs": [desc], "category": "receive",
        "amount": Decimal("0.001"), "label": "mine", "vout": n, "abandoned": False,
        "confirmations": 0, "trusted": False, "txid": txid, "wtxid": tx.wtxid,
        "walletconflicts": [], "mempoolconflicts": [], "bip125-replaceable": "no"}
    tip = bank.generate(1)[0]
    (entry,) = wallet.listtransactions()
    header = node.getblockheader(tip)
    assert entry["confirmations"] == 1 and "trusted" not in entry
    assert (entry["blockhash"], entry["blockheight"], entry["blockindex"],
            entry["blocktime"]) == (tip, header["height"], 1, header["time"])


def test_entries_of_a_spend(bank, wallet):
    _, coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    tx = wallet.send([coin], [(FOREIGN, 30000), (wallet.script, 69000)])
    entries = wallet.listtransactions()
    # the label makes our own output a payment, not change; entries of a transaction
    # come last first, as in bitcoind
    assert [(e["category"], e["amount"], e["vout"]) for e in entries] == [
        ("receive", Decimal("0.00100000"), coin[1]),
        ("receive", Decimal("0.00069000"), 1),
        ("send", Decimal("-0.00069000"), 1),
        ("send", Decimal("-0.00030000"), 0)]
    assert all(e["fee"] == Decimal("-0.00001") for e in entries
               if e["category"] == "send")
    info = wallet.gettransaction(tx.txid, verbose=True)
    assert info["amount"] == Decimal("-0.0003") and info["fee"] == Decimal("-0.00001")
    assert info["hex"] == tx.hex() and info["decoded"]["txid"] == tx.txid
    assert len(info["details"]) == 3
    assert "decoded" not in wallet.gettransaction(tx.txid)


def test_count_skip_and_label(node, bank, wallet):
    for i in range(5):
        _pay(bank, wallet, 10000 + i)
    amounts = [wallet.units(e["amount"]) for e in wallet.listtransactions()]
    assert amounts == [10000, 10001, 10002, 10003, 10004]
    assert [wallet.units(e["amount"]) for e in wallet.listtransactions("*", 2, 1)] == [
        10002, 10003]
    assert wallet.listtransactions("*", 0) == [] == wallet.listtransactions("*", 9, 9)
    assert len(wallet.listtransactions("mine")) == 5
    assert wallet.listtransactions("yours") == []
    expect_error(-8, "Negative count", wallet.listtransactions, "*", -1)
    expect_error(-8, "Negative from", wallet.listtransactions, "*", 1, -1)
    expect_error(-8, "Label argument must be a valid label name or \"*\".",
                 wallet.listtransactions, "")


def test_categories_of_a_coinbase(node, wallet):
    tip = node.generatetoaddress(1, wallet.address)[0]

    def category():
        (entry,) = wallet.listtransactions()
        assert entry["generated"] is True
        return entry["category"], wallet.gettransaction(entry["txid"])["amount"]
    value = node.params.amount(node.params.max_coinbase(node.getblockcount()))
    assert category()[0] == "immature" and category()[1] == 0
    node.generatetodescriptor(100, "raw(51)")
    assert category()[0] == "generate" and 0 < category()[1] <= value + 1
    node.invalidateblock(tip)
    assert category()[0] == "orphan"
    assert wallet.listtransactions()[0]["abandoned"] is True
    assert wallet.trusted() == wallet.immature() == 0
    node.reconsiderblock(tip)
    assert category()[0] == "generate"


def test_spend_of_an_orphaned_reward_is_abandoned(node, bank, wallet):
    tip = node.generatetoaddress(1, wallet.address)[0]
    coinbase = Tx.from_hex(node.getblock(tip, 2)["tx"][0]["hex"])
    node.generatetodescriptor(100, "raw(51)")
    coin = wallet.coin(coinbase, 0)
    tx = wallet.send([coin], [(wallet.script, coin[2] - 1000)])
    child = wallet.send([wallet.coin(tx, 0)], [(wallet.script, coin[2] - 2000)])
    assert wallet.trusted() == coin[2] - 2000
    node.invalidateblock(tip)
    assert wallet.trusted() == wallet.pending() == 0
    for t in tx, child:
        assert all(d["abandoned"] for d in wallet.gettransaction(t.txid)["details"])
    node.reconsiderblock(tip)
    bank.rescan()


# listsinceblock ---------------------------------------------------------------


def test_since_a_block(node, bank, wallet):
    tx, _ = _pay(bank, wallet, 100000)
    first = bank.generate(1)[0]
    tx2, _ = _pay(bank, wallet, 50000)
    second = bank.generate(2)[0]
    tx3, _ = _pay(bank, wallet, 25000)

    def ids(*args, **kwargs):
        return [e["txid"] for e in wallet.listsinceblock(*args, **kwargs)["transactions"]]
    assert ids() == ids("") == [tx.txid, tx2.txid, tx3.txid]
    assert ids(first) == [tx2.txid, tx3.txid]
    assert ids(second) == [tx3.txid] == ids(node.getbestblockhash())
    assert ids(first, label="mine") == [tx2.txid, tx3.txid]
    assert ids(label="other") == []
    since = wallet.listsinceblock(first)
    assert since["removed"] == [] and since["lastblock"] == node.getbestblockhash()
    assert wallet.listsinceblock(first, 3)["lastblock"] == first
    assert wallet.listsinceblock(first, 10 ** 6)["lastblock"] == node.getblockhash(0)
    assert "removed" not in wallet.listsinceblock(first, 1, False, False)


def test_since_a_block_that_is_gone(node, bank, wallet):
    """What was confirmed in the caller's branch is told, wherever it is now."""
    chain = Chain.of(node)
    ours, n = bank.send_to(wallet.script, 70000)
    branch = chain.fork(chain.height)
    (gone,) = chain.mine([ours])
    assert node.submitblock(gone.hex()) is None
    assert wallet.gettransaction(ours.txid)["confirmations"] == 1
    for block in branch.mine(count=2, extra=b"\x09"):
        node.submitblock(block.hex())
    since = wallet.listsinceblock(gone.hash)
    assert [e["txid"] for e in since["removed"]] == [ours.txid]
    assert [e["txid"] for e in since["transactions"]] == [ours.txid]
    assert since["transactions"][0]["confirmations"] == 0
    node.submitblock(branch.mine([ours], extra=b"\x09")[0].hex())
    since = wallet.listsinceblock(gone.hash)
    assert [e["confirmations"] for e in since["transactions"]] == [1]
    assert [e["txid"] for e in since["removed"]] == [ours.txid]
    assert wallet.listsinceblock(gone.hash, include_removed=False).keys() == {
        "transactions", "lastblock"}
    bank.rescan()


def test_since_with_bad_arguments(node, wallet):
    expect_error(-5, "Block not found", wallet.listsinceblock, "11" * 32)
    expect_error(-8, "blockhash must be of length 64 (not 2, for '11')",
                 wallet.listsinceblock, "11")
    expect_error(-8, "Invalid parameter", wallet.listsinceblock, "", 0)


def test_change_is_listed_on_request(node, bank):
    node.createwallet(wallet_name="change")
    w = node.wallet("change")
    to, change = w.getnewaddress(), w.getrawchangeaddress()
    code = bytes.fromhex(node.validateaddress(to)["scriptPubKey"])
    bank.send_to(code, 40000)
    code = bytes.fromhex(node.validateaddress(change)["scriptPubKey"])
    bank.send_to(code, 50000)
    # paid by somebody else, change addresses are like any other
    assert len(w.listsinceblock()["transactions"]) == 2
    assert [e["address"] for e in w.listtransactions()] == [to, change]
    assert "label" not in w.listtransactions()[1]


# what addresses received ------------------------------------------------------


def test_received_by_address_and_label(node, bank):
    node.createwallet(wallet_name="received")
    w = node.wallet("received")
    a, b, c = w.getnewaddress("x"), w.getnewaddress("x"), w.getnewaddress("y")
    tx, _ = bank.send_to(bytes.fromhex(node.validateaddress(a)["scriptPubKey"]), 1000)
    assert w.getreceivedbyaddress(a) == 0
    assert w.getreceivedbyaddress(a, 0) == Decimal("0.00001")
    assert w.listreceivedbyaddress() == [] and len(w.listreceivedbyaddress(0)) == 1
    bank.generate(1)
    bank.send_to(bytes.fromhex(node.validateaddress(b)["scriptPubKey"]), 2000)
    bank.generate(1)
    assert w.getreceivedbylabel("x") == Decimal("0.00003")
    assert w.getreceivedbylabel("x", 2) == Decimal("0.00001")
    assert w.getreceivedbylabel("y") == 0
    (entry,) = w.listreceivedbyaddress(address_filter=a)
    assert entry == {"address": a, "amount": Decimal("0.00001"), "confirmations": 2,
                     "label": "x", "txids": [tx.txid]}
    assert len(w.listreceivedbyaddress()) == 2
    assert {e["address"] for e in w.listreceivedbyaddress(1, True)} == {a, b, c}
    assert w.listreceivedbylabel() == [
        {"amount": Decimal("0.00003"), "confirmations": 1, "label": "x"}]
    assert w.listreceivedbylabel(1, True)[1] == {
        "amount": 0, "confirmations": 0, "label": "y"}
    expect_error(-4, "Address not found in wallet", w.getreceivedbyaddress,
                 OTHER.p2wpkh(node.params))
    expect_error(-5, "Invalid Bitcoin address", w.getreceivedbyaddress, "nonsense")
    expect_error(-4, "Label not found in wallet", w.getreceivedbylabel, "nobody")
    expect_error(-4, "address_filter parameter was invalid", w.listreceivedbyaddress,
                 address_filter="nonsense")


def test_immature_coinbase_is_received_on_request(node, wallet):
    node.generatetoaddress(1, wallet.address)
    assert wallet.getreceivedbyaddress(wallet.address) == 0
    full = wallet.getreceivedbyaddress(wallet.address, 1, True)
    assert full > 0 and wallet.getreceivedbylabel("mine", 1, True) == full
    assert wallet.listreceivedbyaddress() == [] == wallet.listreceivedbylabel()
    (entry,) = wallet.listreceivedbyaddress(include_immature_coinbase=True)
    assert entry["amount"] == full
    (entry,) = wallet.listreceivedbylabel(include_immature_coinbase=True)
    assert entry["amount"] == full


def test_groups_of_addresses(node, bank):
    """Inputs of one transaction, and its change, show one owner."""
    node.createwallet(wallet_name="groups", blank=True)
    w = node.wallet("groups")
    keys = [Key.from_seed(f"group{i}") for i in range(4)]
    for i, key in enumerate(keys):
        text = f"wpkh({key.wif(node.params)})"
        text += "#" + node.getdescriptorinfo(text)["checksum"]
        entry = {"desc": text, "timestamp": "now"}
        if i < 3:
            entry["label"] = f"l{i}"
        else:
            entry["internal"] = True
        assert w.importdescriptors([entry])[0]["success"]
    addresses = [k.p2wpkh(node.params) for k in keys]
    coins = [bank.send_to(sc.p2wpkh(k.pubkey), 10000) for k in keys[:3]]
    bank.generate(1)
    groups = w.listaddressgroupings()
    assert sorted(len(g) for g in groups) == [1, 1, 1]
    tx = Tx([TxIn(OutPoint(t.txid, n)) for t, n in coins[:2]],
            [TxOut(5000, FOREIGN), TxOut(14000, sc.p2wpkh(keys[3].pubkey))])
    for i in range(2):
        sighash.sign_p2wpkh(tx, i, keys[i], 10000)
    node.sendrawtransaction(tx.hex())
    groups = {frozenset((e[0], e[1]) for e in g) for g in w.listaddressgroupings()}
    assert groups == {
        frozenset({(addresses[0], 0), (addresses[1], 0),
                   (addresses[3], Decimal("0.00014"))}),
        frozenset({(addresses[2], Decimal("0.0001"))})}
    assert [e[2:] for g in w.listaddressgroupings() for e in g
            if e[0] == addresses[2]] == [["l2"]]


# simulation -------------------------------------------------------------------


def test_simulated_transactions(node, bank, wallet):
    _, coin = _pay(bank, wallet, 100000)
    bank.generate(1)
    tx1 = wallet.create([coin], [(FOREIGN, 30000), (wallet.script, 69000)])
    tx2 = wallet.create([wallet.coin(tx1, 1)], [(FOREIGN, 68000)])

    def change(*txs):
        return wallet.simulaterawtransaction([t.hex() for t in txs])["balance_change"]
    assert change() == 0
    assert change(tx1) == Decimal("-0.00031")
    assert change(tx1, tx2) == Decimal("-0.001")
    expect_error(-8, "One or more transaction inputs are missing or have been spent",
                 change, tx2)
    expect_error(-8, "spending the same output more than once", change, tx1, tx1)
    expect_error(-22, "Transaction hex string decoding failure.",
                 wallet.simulaterawtransaction, ["00"])
    expect_error(-3, None, wallet.simulaterawtransaction, [1])
    theirs = bank.create(utxos=[bank.get_utxo(keep=True)])
    assert change(theirs) == 0


# times ------------------------------------------------------------------------


def test_time_of_a_transaction_in_an_old_block(node, bank, wallet):
    """A rescan shows the time of the block, not that of the rescan."""
    tx, _ = _pay(bank, wallet, 12000)
    tip = bank.generate(1)[0]
    node.set_time(node.getblockheader(tip)["time"] + 10 ** 6)
    again = KeyWallet(node, "again", seed=wallet.name, timestamp=0)
    info = again.gettransaction(tx.txid)
    assert abs(info["time"] - info["blocktime"]) < 10 ** 5
    assert info["timereceived"] >= node.mocktime
    node.setmocktime(0)
    node.mocktime = None
