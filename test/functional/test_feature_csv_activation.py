"""BIP 68, 112 and 113: before and after activation, for blocks."""
import pytest

from framework import script as sc
from framework.blocks import Chain
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.script import OPCODES, script

HEIGHT = 132
T0 = 1795500000
DISABLE, TIME, MASK = 1 << 31, 1 << 22, 0xffff
OPTRUE = b"\x51"


class Env:
    def __init__(self, node):
        self.node, self.params = node, node.params
        self.chain = Chain(node.params)
        self.chain.mine(time=T0 - 400 * 600)
        self._coin = 1

    def mine(self, count=1, txs=(), step=600, **kwargs):
        for i in range(count):
            block = self.chain.next(txs if i == 0 else (), time=self.chain.tip.time + step,
                                    **kwargs)
            assert self.node.submitblock(block.hex()) is None
            self.chain.append(block)
        return self.chain.tip

    def coin(self):
        tx = self.chain.coinbase_of(self._coin)
        self._coin += 1
        return TxIn(OutPoint(tx.txid, 0)), tx.vout[0].value

    def try_block(self, tx):
        """None when a block with this transaction is fine on the tip; not kept."""
        block = self.chain.next([tx], time=self.chain.tip.time + 600)
        return self.node.getblocktemplate({"mode": "proposal", "data": block.hex(),
                                           "rules": ["segwit"]})


@pytest.fixture(scope="module")
def env(module_lab, params):
    node = module_lab.node(f"-testactivationheight=csv@{HEIGHT}", "-par=1",
                           "-acceptnonstdtxn=1", params=params, start=False)
    node.start(f"-mocktime={T0}")
    env = Env(node)
    assert node.submitblock(env.chain.tip.hex()) is None
    env.mine(110)
    # outputs of known age: plain ones, and ones behind CHECKSEQUENCEVERIFY
    txin, value = env.coin()
    n = 60
    fan = Tx([txin], [TxOut(value // 100, OPTRUE)] * n)
    env.mine(1, [fan])
    env.fan = [OutPoint(fan.txid, i) for i in range(n)]
    csv = OPCODES["OP_CHECKSEQUENCEVERIFY"]
    txin, value = env.coin()
    env.csv_args = {"10 blocks": 10, "10 x 512 s": TIME | 10, "disabled": DISABLE | 10,
                    "negative": -1}
    codes = [script(arg, csv, OPCODES["OP_DROP"], OPCODES["OP_1"])
             for arg in env.csv_args.values()]
    locked = Tx([txin], [TxOut(value // 100, c) for c in codes])
    env.mine(1, [locked])
    env.locked = {name: OutPoint(locked.txid, i) for i, name in enumerate(env.csv_args)}
    env.mine(HEIGHT - 3 - env.chain.height)
    assert env.chain.height == HEIGHT - 3
    return env


def spend(prevout, sequence, version=2, locktime=0):
    return Tx([TxIn(prevout, sequence=sequence)], [TxOut(0, OPTRUE)], version, locktime)


def test_before_and_after_activation(env):
    """One walk over the height: the state of the chain matters, so one test."""
    node, chain = env.node, env.chain
    age = chain.height + 1 - 112
    relative = [spend(env.fan[0], age + 10), spend(env.fan[1], TIME | 1000)]
    bip112 = [spend(env.locked["10 blocks"], 0), spend(env.locked["negative"], 0),
              spend(env.locked["10 blocks"], 0, version=1)]
    # BIP 113: a lock time between the median and the block's own time
    bip113 = spend(env.fan[2], 0, locktime=chain.tip.time + 1)

    # not active yet: relative locks mean nothing, the block's own time counts
    assert node.getdeploymentinfo()["deployments"]["csv"]["active"] is False
    for tx in relative + bip112 + [bip113]:
        assert env.try_block(tx) is None
    env.mine(1)
    assert node.getdeploymentinfo()["deployments"]["csv"]["active"] is False
    env.mine(1)
    # the next block is the first under the new rules
    assert node.getdeploymentinfo()["deployments"]["csv"]["active"] is True
    for tx in relative:
        assert env.try_block(tx) == "bad-txns-nonfinal"
    bip113 = spend(env.fan[2], 0, locktime=chain.tip.time + 1)
    assert env.try_block(bip113) == "bad-txns-nonfinal"
    bip113.locktime = chain.median_time() - 1
    assert env.try_block(bip113) is None


def test_relative_height_locks(env):
    age = env.chain.height + 1 - 112
    assert env.try_block(spend(env.fan[3], age)) is None
    assert env.try_block(spend(env.fan[3], age + 1)) == "bad-txns-nonfinal"
    assert env.try_block(spend(env.fan[3], age + 1, version=1)) is None
    assert env.try_block(spend(env.fan[3], DISABLE | (age + 1))) is None
    # bits outside the mask have no meaning
    assert env.try_block(spend(env.fan[3], 1 << 16 | age)) is None


def test_relative_time_locks(env):
    """Counted in 512 s from the median time before the block of the coin."""
    start = sorted(b.time for b in env.chain.blocks[101:112])[5]
    units = (env.chain.median_time() - start) // 512
    assert env.try_block(spend(env.fan[4], TIME | units)) is None
    assert env.try_block(spend(env.fan[4], TIME | (units + 1))) == "bad-txns-nonfinal"


@pytest.mark.parametrize("name, sequence, version, error", [
    ("10 blocks", 10, 2, None), ("10 blocks", 11, 2, None),
    ("10 blocks", 9, 2, "Locktime requirement not satisfied"),
    ("10 blocks", 10, 1, "Locktime requirement not satisfied"),
    ("10 blocks", TIME | 10, 2, "Locktime requirement not satisfied"),
    ("10 blocks", DISABLE | 10, 2, "Locktime requirement not satisfied"),
    ("10 x 512 s", TIME | 10, 2, None),
    ("10 x 512 s", 10, 2, "Locktime requirement not satisfied"),
    ("disabled", 0, 2, None), ("disabled", DISABLE, 1, None),
    ("negative", 10, 2, "Negative locktime"),
])
def test_checksequenceverify(env, name, sequence, version, error):
    got = env.try_block(spend(env.locked[name], sequence, version))
    assert got == (f"mandatory-script-verify-flag-failed ({error})" if error else None)


def test_stack_underflow(env):
    txin, value = env.coin()
    code = bytes([OPCODES["OP_CHECKSEQUENCEVERIFY"], 0x51])
    parent = Tx([txin], [TxOut(value, code)])
    env.mine(1, [parent])
    assert env.try_block(spend(OutPoint(parent.txid, 0), 0)) == (
        "mandatory-script-verify-flag-failed (Operation not valid with the current stack "
        "size)")
    assert sc.script_number(-1) == b"\x81"
