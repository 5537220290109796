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


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node(*ARGS, params=params, start=False)
    node.wrapper = ["env", "-C", node.dir]  # what it is told to write stays there
    return node.start()


@pytest.fixture(scope="module")
def samples(node):
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


def test_every_method_answers(node, samples):
    for method in methods(node):
        fuzzer = Fuzzer(method + SEED, node.help(method), samples)
        for _ in range(ROUNDS):
            arguments = fuzzer.arguments()
            body = '{"id":1,"method":"%s","params":%s}' % (method, dumps(arguments))
            if "longpollid" in body:  # would wait for a block
                continue
            path = "/wallet/fuzz" if fuzzer.rng.random() < 0.7 else "/"
            status, _, data = node.rpc.http(body=body, path=path)
            judge(method, arguments, status, data)
    assert node.getblockcount() >= 0
