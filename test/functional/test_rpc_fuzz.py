"""Every RPC method with arguments that no honest caller sends: a result or an error of a
known code with a text, and the node goes on. OCHRE_LONG=1 makes it long."""
import os

import pytest

from framework.rpc import loads
from framework.rpc_fuzz import Fuzzer, dumps
from framework.util import LONG

ROUNDS = int(os.environ.get("OCHRE_FUZZ_ROUNDS", "400" if LONG else "8"))
SEED = os.environ.get("OCHRE_FUZZ_SEED", "")
CODES = {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15, -16, -17, -18,
         -19, -20, -22, -23, -24, -25, -26, -27, -29, -30, -31, -32, -33, -34, -35, -36,
         -32601, -32602, -32603}
# They end the node, wait for what never comes, or work as long as they are told to.
LEFT_OUT = {"stop", "setmocktime", "waitfornewblock", "waitforblock",
            "waitforblockheight", "generatetoaddress", "generatetodescriptor"}
HIDDEN = ("addconnection addpeeraddress echo echojson estimaterawfee generateblock "
          "getorphantxs getrawaddrman invalidateblock mockscheduler reconsiderblock "
          "sendmsgtopeer syncwithvalidationinterfacequeue").split()
KEY = "cMahea7zqjxrtgAbB7LSGbcQUr1uX1ojuat9jZodMN87JcbXMTcA"

ARGS = ("-keypool=2", "-dns=0", "-networkactive=0", "-coinstatsindex",
        "-blockfilterindex")


def started(lab, params):
    node = lab.node(*ARGS, params=params, start=False)
    node.wrapper = ["env", "-C", node.dir]  # what it is told to write stays there
    return node.start()


@pytest.fixture(scope="module")
def node(module_lab, params):
    return started(module_lab, params)


@pytest.fixture(scope="module")
def samples(node):
    return meaningful(node)


def meaningful(node):
    """Texts that mean something to the node, by a word of the arguments' names."""
    wallet = node.new_wallet("fuzz")
    address = wallet.getnewaddress()
    blocks = node.generatetoaddress(101, address)
    coin = wallet.listunspent()[0]
    raw = node.createrawtransaction([coin], {address: 1})
    signed = wallet.signrawtransactionwithwallet(raw)["hex"]
    ranged = wallet.listdescriptors()["descriptors"][0]["desc"]
    return {
        "txid": [coin["txid"], raw_txid(node, raw)],
        "hash": [blocks[0], blocks[-1], node.getblockhash(0)],
        "address": [address, node.validateaddress(address)["scriptPubKey"]],
        "desc": [wallet.getaddressinfo(address)["desc"], ranged],
        "scan": [ranged], "key": [KEY, wallet.getaddressinfo(address)["pubkey"]],
        "hex": [raw, signed, node.getblock(blocks[-1], 0),
                node.getblockheader(blocks[-1], False), coin["scriptPubKey"]],
        "tx": [raw, signed], "psbt": [node.converttopsbt(raw)],
        "proof": [node.gettxoutproof([coin["txid"]])], "wallet": ["fuzz"],
    }


def raw_txid(node, raw):
    return node.decoderawtransaction(raw)["txid"]


def methods(node):
    listed = [line.split()[0] for line in node.help().splitlines()
              if line and not line.startswith("==")]
    return [m for m in listed + HIDDEN if m not in LEFT_OUT]


def judge(method, arguments, status, data):
    text = f"{method} {dumps(arguments)[:2000]} -> {status} {data[:300]}"
    reply = loads(data)
    error = reply["error"]
    if error is None:
        assert status == 200, text
        return
    assert status in (404, 500) and error["code"] in CODES, text
    assert error["message"].strip(), text


def ask(node, method, arguments, path="/wallet/fuzz"):
    body = '{"id":1,"method":"%s","params":%s}' % (method, dumps(arguments))
    if "longpollid" not in body:  # would wait for a block
        status, _, data = node.rpc.http(body=body, path=path)
        judge(method, arguments, status, data)


def calls_with_objects(node, samples):
    """Calls that are right, with an object "X" that may hold more members."""
    coin = {"txid": samples["txid"][0], "vout": 0}
    to, raw = samples["address"][0], samples["hex"][0]
    psbt, desc = samples["psbt"][0], {"desc": samples["desc"][0]}
    prevout = {**coin, "scriptPubKey": samples["hex"][4], "amount": 1}
    pay, bare = {to: 0.001}, node.createrawtransaction([], {to: 1})
    options = [None, "unset", None, {"X": {"psbt": True}}]
    return [
        ("send", [pay, *options]), ("sendall", [[to], *options]),
        ("send", [pay, *options[:3], {"psbt": True, "inputs": [{"X": coin}]}]),
        ("sendall", [[to], *options[:3], {"psbt": True, "inputs": [{"X": coin}]}]),
        ("fundrawtransaction", [bare, {"X": {}}]),
        ("fundrawtransaction", [bare, {"solving_data": {"X": {}}}]),
        ("fundrawtransaction", [bare, {"input_weights": [{"X": {**coin, "weight": 999}}]}]),
        ("walletcreatefundedpsbt", [[], pay, 0, {"X": {}}]),
        ("walletcreatefundedpsbt", [[{"X": coin}], pay]),
        ("bumpfee", [samples["txid"][0], {"X": {}}]),
        ("psbtbumpfee", [samples["txid"][0], {"X": {}}]),
        ("importdescriptors", [[{"X": {**desc, "timestamp": "now"}}]]),
        ("listunspent", [0, 999, [], True, {"X": {}}]),
        ("lockunspent", [False, [{"X": coin}]]),
        ("createrawtransaction", [[{"X": coin}], pay]),
        ("createpsbt", [[{"X": coin}], [{"X": pay}]]),
        ("signrawtransactionwithkey", [raw, [KEY], [{"X": prevout}]]),
        ("signrawtransactionwithwallet", [raw, [{"X": prevout}]]),
        ("scantxoutset", ["start", [{"X": desc}]]),
        ("scanblocks", ["start", [{"X": desc}], 0, 1, "basic", {"X": {}}]),
        ("getblocktemplate", [{"X": {"rules": ["segwit"]}}]),
        ("importmempool", ["nowhere.dat", {"X": {}}]),
        ("dumptxoutset", ["set.dat", "", {"X": {}}]),
        ("createwalletdescriptor", ["bech32m", {"X": {}}]), ("gethdkeys", [{"X": {}}]),
        ("gettxspendingprevout", [[{"X": coin}]]),
        ("simulaterawtransaction", [[], {"X": {}}]),
        ("utxoupdatepsbt", [psbt, [{"X": desc}]]),
        ("descriptorprocesspsbt", [psbt, [{"X": desc}]]),
    ]


def filled(value, more):
    """The call with more members where an "X" stands."""
    if isinstance(value, list):
        return [filled(v, more) for v in value]
    if isinstance(value, dict):
        if "X" in value:
            return {**value["X"], **more}
        return {k: filled(v, more) for k, v in value.items()}
    return value


def test_every_method_answers(node, samples):
    for method in methods(node):
        fuzzer = Fuzzer(method + SEED, node.help(method), samples)
        for _ in range(ROUNDS):
            path = "/wallet/fuzz" if fuzzer.rng.random() < 0.7 else "/"
            ask(node, method, fuzzer.arguments(), path)
    assert node.getblockcount() >= 0


def test_one_member_spoiled(lab, params):
    """Calls that are right but for one member of an object: null, or an odd value."""
    node = started(lab, params)
    texts = meaningful(node)
    for method, arguments in calls_with_objects(node, texts):
        fuzzer = Fuzzer(method + SEED, node.help(method), texts)
        ask(node, method, filled(arguments, {}))
        for name in fuzzer.member_names():
            for value in [None] + [fuzzer.odd_value() for _ in range(ROUNDS // 4)]:
                ask(node, method, filled(arguments, {name: value}))
    assert node.getblockcount() >= 0
