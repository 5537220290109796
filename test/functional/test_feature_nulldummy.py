"""BIP 147: the extra argument of OP_CHECKMULTISIG is empty, in blocks once segwit is
active, in the mempool always."""
import pytest

from framework.blocks import Chain
from framework.hashes import hash160, sha256
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.script import OPCODES, script
from framework.wallet import MiniWallet

HEIGHT = 106
KEY = b"\x02" + b"\x11" * 32
NONE_OF_ONE = script(0, KEY, 1, OPCODES["OP_CHECKMULTISIG"])  # takes the dummy alone
REASON = ("mandatory-script-verify-flag-failed (Dummy CHECKMULTISIG argument must be "
          "zero)")
VALUE = 100_000


def _p2sh():
    return b"\xa9\x14" + hash160(NONE_OF_ONE) + b"\x87"


def _p2wsh():
    return b"\x00\x20" + sha256(NONE_OF_ONE)


class Funding:
    """Outputs to spend: 0 to 3 need no witness, 4 and 5 do."""

    def __init__(self, wallet):
        outs = [TxOut(VALUE, _p2sh())] * 4 + [TxOut(VALUE, _p2wsh())] * 2
        self.tx = wallet.create(confirmed_only=True, fee=5000, extra_outputs=outs)
        scripts = [out.script_pubkey for out in self.tx.vout]
        self.first = scripts.index(_p2sh())

    def spend(self, n, dummy):
        tx = Tx(vin=[TxIn(OutPoint(self.tx.txid, self.first + n))],
                vout=[TxOut(VALUE - 1000, _p2sh())])
        if n >= 4:
            tx.vin[0].witness = [dummy, NONE_OF_ONE]
        else:
            op = bytes([OPCODES["OP_1"]]) if dummy else b"\x00"
            tx.vin[0].script_sig = op + bytes([len(NONE_OF_ONE)]) + NONE_OF_ONE
        return tx


@pytest.fixture(scope="module")
def env(module_lab, params):
    """The tip is two below the first block with segwit."""
    node = module_lab.node(f"-testactivationheight=segwit@{HEIGHT}", "-par=1",
                           params=params)
    wallet = MiniWallet(node, mode="p2pk")
    wallet.generate(HEIGHT - 3)
    funding = Funding(wallet)
    chain = Chain.of(node)
    assert node.submitblock(chain.append(chain.next([funding.tx])).hex()) is None
    return node, chain, funding.spend


def test_before_and_after_segwit(env):
    node, chain, spend = env
    assert node.getblockcount() == HEIGHT - 2
    expect_error(-26, REASON, node.sendrawtransaction, spend(0, b"\x01").hex())

    # the last block without the rule may hold what the mempool refuses
    block = chain.next([spend(0, b"\x01"), spend(1, b"")])
    assert node.submitblock(block.hex()) is None
    chain.append(block)

    for n in (2, 4):
        bad, good = spend(n, b"\x01"), spend(n + 1, b"")
        expect_error(-26, REASON, node.sendrawtransaction, bad.hex())
        assert node.submitblock(chain.next([bad]).hex()) == REASON
        block = chain.next([good])
        assert node.submitblock(block.hex()) is None
        chain.append(block)
    assert node.getbestblockhash() == chain.tip.hash
