"""The chain of Bitcoin Core's feature_assumeutxo.py, block by block the same: the program
knows its snapshot without being told."""
import pytest

from framework.params import BITCOIN
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.snapshot import Source, chainstates, set_of, wait_validated
from framework.util import wait_until

BASE, HEIGHT = 299, 399
BASE_HASH = "3bb7ce5eba0be48939b7a521ac1ba9316afee2c7bada3a0cca24188e6d7d96c0"
TXOUTSET = "a4bf3407ccb2cc0145c49ebba8fa91199f8a3903daf0883875941497d2493c27"
# Who mines in turn: three keys of the tests' nodes, and a script that anyone can spend, a
# leaf OP_TRUE below the internal key with x = 1.
MINERS = ("mjTkW3DjgyZck4KbiRusZsqTgaYTxdSz6z", "msX6jQXvxiNhx3Q62PKeLPrhrqZQdSimTg",
          "mnonCMyH9TmAsSj3M59DsbH8H63U3RKoFP",
          "bcrt1p9yfmy5h72durp7zrhlw9lf7jpwjgvwdg0jr0lqmmjtgg83266lqsekaqka")
INTERNAL_KEY = bytes(31) + b"\x01"
FEE = 31200


class Coins:
    """The coins of MiniWallet: the most valuable mature one first; of these the coinbase of
    the lowest height, or what came last."""

    def __init__(self, node):
        self.node, self.coins = node, []
        self.script = bytes.fromhex(node.validateaddress(MINERS[3])["scriptPubKey"])
        for height in range(1, node.getblockcount() + 1):
            tx = Tx.from_hex(node.getblock(node.getblockhash(height), 2)["tx"][0]["hex"])
            if tx.vout[0].script_pubkey == self.script:
                self.coins.append((-tx.vout[0].value, height, 0, tx.txid, True))

    def send(self):
        tip = self.node.getblockcount()
        coin = min(c for c in self.coins if not c[4] or tip - c[1] >= 99)
        self.coins.remove(coin)
        value, _, _, txid, _ = coin
        tx = Tx([TxIn(OutPoint(txid, 0), sequence=0)], [TxOut(-value - FEE, self.script)], 2, 0)
        tx.vin[0].witness = [b"\x51", b"\xc0" + INTERNAL_KEY]
        self.node.sendrawtransaction(tx.hex())
        self.coins.append((value + FEE, 0, -tip, tx.txid, False))


@pytest.fixture(scope="module")
def node(module_lab):
    node = module_lab.node(params=BITCOIN)
    node.setmocktime(node.getblockheader(node.getblockhash(0))["time"])
    for turn in range(8):
        node.generatetoaddress(25 if turn != 7 else 24, MINERS[turn % 4])
    node.setmocktime(node.tip_header()["time"])
    coins = Coins(node)
    for i in range(BASE - 199):
        if i % 3 == 0:
            coins.send()
        node.generatetoaddress(1, MINERS[0])
    return node


@pytest.fixture(scope="module")
def source(node):
    source = Source(node)
    node.generatetoaddress(HEIGHT - BASE, MINERS[0])
    return source


@pytest.fixture(scope="module")
def beginner(source, module_lab):
    node = module_lab.node(params=BITCOIN)
    source.give_headers(node)
    return node


def test_the_chain_is_bitcoin_cores(source):
    base = source.base
    assert (base["base_height"], base["base_hash"]) == (BASE, BASE_HASH)
    assert (base["txoutset_hash"], base["nchaintx"]) == (TXOUTSET, 334)
    assert source.node.dumptxoutset("known.dat", "rollback")["base_hash"] == BASE_HASH
    with open(source.node.path("known.dat"), "rb") as f:
        assert f.read() == source.octets()


# What Bitcoin Core's test changes behind the header, and the hash or error that follows. A txid
# out of order gives another hash here: coins are hashed as the file has them.
CHANGES = (
    (b"\xff" * 32, 0, "c5fd431e1d8b353c3a06d85c84059c99588e332479079e3648110ae9e3bbe578"),
    (b"\xfd\xff\xff", 32, "Mismatch in coins count in snapshot metadata and actual snapshot data"),
    (b"\x01", 33, "9f4d897031ab8547665b4153317ae2fdbf0130c7840b66427ebc48b881cb80ad"),
    (b"\x81", 34, "3da966ba9826fb6d2604260e01607b55ba44e1a5de298606b08704bc62570ea8"),
    (b"\x80", 34, "091e893b3ccb4334378709578025356c8bcb0a623f37c7c4e493133c988648e5"),
    (b"\x84\x58", 34, "Bad snapshot data after deserializing 0 coins"),
    (b"\xca\xd2\x8f\x5a", 39, "Bad snapshot data after deserializing 0 coins - bad tx out value"),
)


@pytest.mark.parametrize("data, offset, answer", CHANGES, ids=[c[2][:24] for c in CHANGES])
def test_changed_files(source, beginner, data, offset, answer):
    good, offset = source.octets(), offset + 51
    with open(beginner.path("bad.dat"), "wb") as f:
        f.write(good[:offset] + data + good[offset + len(data):])
    if " " not in answer:
        answer = f"Bad snapshot content hash: expected {TXOUTSET}, got {answer}"
    expect_error(-32603, "Unable to load UTXO snapshot: Population failed: " + answer + ". (",
                 beginner.loadtxoutset, "bad.dat")


def test_load(source, beginner):
    assert beginner.loadtxoutset(source.file)["base_height"] == BASE
    assert chainstates(beginner)[1]["snapshot_blockhash"] == BASE_HASH
    assert beginner.getchaintxstats(1)["txcount"] == 334
    beginner.connect(source.node)
    wait_validated(beginner)
    wait_until(lambda: beginner.getblockcount() == HEIGHT)
    assert set_of(beginner) == set_of(source.node)
    assert beginner.getchaintxstats()["txcount"] == HEIGHT + 1 + 34
