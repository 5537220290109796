"""SIGKILL while a wallet sends and bumps: no coin is forgotten, none is spent twice.

5 kills in a normal run, 100 with OCHRE_LONG=1.
"""
from decimal import Decimal as D
import random
import threading
import time

from framework.params import BITCOIN
from framework.rpc import RPCError
from framework.util import LONG

KILLS = 100 if LONG else 5


def send_until_dead(w, to, told, rng):
    """Notes what the wallet said it had sent."""
    try:
        while True:
            txid = w.sendtoaddress(to, D("0.01"), str(len(told)))
            told.append(txid)
            if rng.random() < 0.2:
                told.append(w.bumpfee(txid)["txid"])
            if rng.random() < 0.1:
                coin = rng.choice(w.listunspent(0))
                w.lockunspent(False, [{"txid": coin["txid"], "vout": coin["vout"]}], True)
                w.lockunspent(True)
    except RPCError as e:
        if "funds" not in str(e) and "Unconfirmed UTXOs" not in str(e):
            raise
    except Exception as e:  # http.client raises many kinds when a server dies
        if not isinstance(e, (OSError, AssertionError, ValueError)) and \
                "http" not in type(e).__module__:
            raise


def all_transactions(w):
    """By id; every transaction of the wallet that may still count."""
    txids = {t["txid"] for t in w.listtransactions("*", 1000000)}
    return {t: w.gettransaction(t, True, True) for t in txids}


def check_spends(known):
    """Of the transactions that count no two spend the same coin."""
    spent = {}
    for txid, tx in known.items():
        if tx["confirmations"] < 0 or "replaced_by_txid" in tx:
            continue
        for i in tx["decoded"]["vin"]:
            coin = (i.get("txid"), i.get("vout"))
            if coin[0] is None:
                continue
            assert coin not in spent, (coin, txid, spent[coin])
            spent[coin] = txid
    return spent


def check_coins(node, w, known, spent):
    """Every output of the wallet is unspent, or spent by the wallet itself."""
    listed = {(c["txid"], c["vout"]) for c in w.listunspent(0) + w.listlockunspent()}
    for txid, tx in known.items():
        if tx["confirmations"] < 1 and txid not in node.getrawmempool():
            continue
        for out in tx["decoded"]["vout"]:
            place = (txid, out["n"])
            mine = w.getaddressinfo(out["scriptPubKey"]["address"])["ismine"] \
                if "address" in out["scriptPubKey"] else False
            young = "coinbase" in tx["decoded"]["vin"][0] and tx["confirmations"] <= 100
            if mine and not young:
                assert (place in listed) != (place in spent), place


def mine(node, address, n=1):
    """Blocks that a kill cannot take away: this writes the chain state to disk."""
    node.generatetoaddress(n, address)
    node.gettxoutsetinfo("none")


def test_killed_while_sending(lab):
    rng = random.Random(5)
    node = lab.node("-fallbackfee=0.0002", "-keypool=50", params=BITCOIN)
    w = node.new_wallet("w", load_on_startup=True)
    other = node.new_wallet("other", load_on_startup=True)
    mine(node, w.getnewaddress(), 110)
    to, sink = other.getnewaddress(), other.getnewaddress()
    told = []
    for _ in range(KILLS):
        sender = threading.Thread(target=send_until_dead, args=(w, to, told, rng))
        sender.start()
        time.sleep(rng.uniform(0.005, 0.15))
        node.kill()
        sender.join(60)
        node.start()
        known = all_transactions(w)
        assert not set(told) - set(known), "a transaction was forgotten"
        replaced = {t for t, tx in known.items() if "replaced_by_txid" in tx}
        pending = {t for t, tx in known.items() if tx["confirmations"] == 0} - replaced
        assert pending <= set(node.getrawmempool()), "not sent again"
        spent = check_spends(known)
        check_coins(node, w, known, spent)
        mine(node, sink)
    assert node.getmempoolinfo()["size"] == 0
    arrived = sum(t["amount"] for t in other.listtransactions("*", 1000000)
                  if t["category"] == "receive" and t["confirmations"] > 0)
    sent = {t: tx for t, tx in all_transactions(w).items()
            if tx["confirmations"] > 0 and tx["amount"] < 0}
    assert arrived == D("0.01") * len(sent)
