"""Nodes that end amid the writing of their coins (-dbcrashratio), in batches of few octets
(-dbbatchsize), while they sync and reorganise: every start finishes what was begun, and in
the end all have the same coins.

OCHRE_LONG=1 feeds more blocks to more nodes.
"""
import http.client
import random

import pytest

from framework import operators as op
from framework.blocks import Chain, create_coinbase
from framework.crash import busy_chain, check_tip, fingerprint, truth
from framework.node import StartError
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.sighash import sign_p2wpkh
from framework.ticket_lab import TicketLab
from framework.util import LONG, wait_until

CRASHED = "Simulating a crash. Goodbye."
BLOCKS, FORKS = (400, 40) if LONG else (60, 5)
#          dbcache, dbbatchsize, dbcrashratio
SETTINGS = [(4, 400, 12), (8, 1500, 4)] + ([(4, 100, 50), (4, 800, 6)] if LONG else [])
ALWAYS = ("-dbbatchsize=100", "-dbcrashratio=1")


class Crasher:
    """A node that is started again whenever it ends by itself."""

    def __init__(self, node):
        self.node, self.crashes, self.at_start = node, 0, 0

    def start(self):
        for _ in range(200):
            try:
                self.node.start()
                return
            except StartError as e:
                assert e.status == 0, e
                self.at_start += 1
        pytest.fail("the node does not get beyond its start")

    def ended(self):
        """It has: only as it was told to."""
        log = self.node.log()
        self.node.wait_exit()
        assert log.rstrip().endswith(CRASHED), log[-500:]
        self.crashes += 1

    def call(self, method, *args):
        """False: the node went down under the call and is up again."""
        try:
            getattr(self.node, method)(*args)
            return True
        except (OSError, http.client.HTTPException):
            self.ended()
        self.start()
        return False

    def until_done(self, what, *args):
        while True:
            try:
                return what(self.node, *args)
            except (OSError, http.client.HTTPException):
                self.ended()
            self.start()


@pytest.fixture(scope="module")
def history(module_lab, params):
    chain, order = busy_chain(params, BLOCKS, FORKS)
    node = module_lab.node(params=params)
    return chain, order, truth(node, order), fingerprint(node)


def feed(crasher, order, seen, rng):
    for block in order:
        crasher.call("submitblock", block.hex())
        if rng.random() < 0.1 and not crasher.call("gettxoutsetinfo", "none"):
            crasher.until_done(check_tip, seen)


@pytest.mark.parametrize("cache,batch,ratio", SETTINGS)
def test_crashes(lab, params, history, cache, batch, ratio):
    chain, order, seen, end = history
    rng = random.Random(batch)
    node = lab.node(f"-dbcache={cache}", f"-dbbatchsize={batch}", f"-dbcrashratio={ratio}",
                    params=params, start=False)
    crasher = Crasher(node)
    crasher.start()
    feed(crasher, order, seen, rng)
    deep = chain.blocks[-30].hash
    for method in ("invalidateblock", "reconsiderblock"):
        crasher.call(method, deep)
        crasher.until_done(check_tip, dict(seen, **{chain.blocks[-31].hash: None}))
    feed(crasher, order, seen, rng)
    assert crasher.until_done(fingerprint) == end
    assert crasher.crashes > 0
    if node.process:
        node.kill()
    node.start("-dbcrashratio=0")
    assert fingerprint(node) == end
    assert node.verifychain(4, 0) is True


def crash_at_stop(node):
    node.rpc.stop()
    node.wait_exit()
    assert node.log().rstrip().endswith(CRASHED)


def test_replay_of_a_branch(lab, params, history):
    """Half of the flush that follows a reorganisation is on disk."""
    _, order, _, _ = history
    chain, _ = busy_chain(params, 4, 0)
    side = chain.fork(chain.height - 20)
    blocks = chain.blocks[1:]
    other = side.mine(count=25, extra=b"\x55")
    whole = lab.node(params=params)
    node = lab.node(params=params)
    for block in blocks:
        whole.submitblock(block.hex())
        node.submitblock(block.hex())
    node.restart(*ALWAYS)
    for block in other:
        whole.submitblock(block.hex())
        node.submitblock(block.hex())
    assert node.getbestblockhash() == other[-1].hash
    crash_at_stop(node)
    with pytest.raises(StartError) as e:     # and again while it mends that
        node.start(*ALWAYS)
    assert e.value.status == 0
    begin = node.log_size()
    node.start()
    node.wait_log("Replaying blocks", begin)
    node.wait_log("Rolling back", begin)
    node.wait_log("Rolling forward", begin)
    assert fingerprint(node) == fingerprint(whole)
    assert node.getbestblockhash() == other[-1].hash
    begin = node.log_size()
    node.restart()
    assert "Replaying" not in node.log(begin)


def test_replay_in_little_memory(lab, bitcoin):
    """What is replayed does not fit -dbcache."""
    chain, blocks = busy_chain(bitcoin, 0, 0)
    for i in range(1, 8):
        coin = chain.coinbase_of(i)
        many = Tx([TxIn(OutPoint(coin.txid, 0))],
                  [TxOut(coin.vout[0].value // 6000, bytes([1, n % 250, 0x51]))
                   for n in range(5000)])
        blocks += chain.mine([many])
    node = lab.node(params=bitcoin, start=False).start(*ALWAYS)
    for block in blocks:
        node.submitblock(block.hex())
    crash_at_stop(node)
    node.start("-dbcache=4")
    assert node.getblockcount() == chain.height
    now = fingerprint(node)
    node.restart("-reindex-chainstate")
    wait_until(lambda: node.getmempoolinfo()["loaded"])
    assert fingerprint(node) == now
    assert now["txouts"] == 7 * 5000 + chain.height - 7


def test_blocks_that_are_gone(lab, bitcoin):
    """The replay lacks a block: the message names the way out."""
    node = lab.node(params=bitcoin)
    _, blocks = busy_chain(bitcoin, 10, 0)
    for block in blocks:
        node.submitblock(block.hex())
    node.stop()
    node.start("-reindex-chainstate", *ALWAYS)
    wait_until(lambda: node.getbestblockhash() == blocks[-1].hash)
    crash_at_stop(node)
    octets = node.read_block_file()
    node.write_block_file(octets[:400] + bytes(len(octets) - 400))
    assert "-reindex-chainstate" in node.fails_to_start()
    node.write_block_file(octets)
    node.start()
    assert node.getbestblockhash() == blocks[-1].hash


def test_pruning_waits_for_the_coins(lab, bitcoin):
    """Blocks that a replay may need are not forgotten before the coins are saved."""
    filler = [TxOut(0, b"\x6a" + bytes(2000))]
    chain = Chain(bitcoin)
    node = lab.node("-prune=1", "-fastprune", params=bitcoin, start=False).start(*ALWAYS)
    for height in range(1, 401):
        (block,) = chain.mine(coinbase=create_coinbase(bitcoin, height, outputs=filler))
        node.submitblock(block.hex())
    with pytest.raises((OSError, http.client.HTTPException)):
        node.pruneblockchain(110)
    node.wait_exit()
    node.start()
    assert node.getblockcount() == 400
    assert node.getblockchaininfo()["pruneheight"] == 0
    assert node.pruneblockchain(110) > 0
    assert node.gettxoutsetinfo()["txouts"] == 400


def test_tickets(lab):
    """The ticket state is that of the tip after a replay, and coins are marked again."""
    tickets = TicketLab(lab, count=3)
    main, o = tickets.node, tickets.operators[1]
    node = lab.node(start=False).start(*ALWAYS)
    for height in range(1, main.getblockcount() + 1):
        node.submitblock(main.getblock(main.getblockhash(height), 0))
    crash_at_stop(node)
    node.start()
    assert fingerprint(node) == fingerprint(main)
    assert node.supernode("list") == main.supernode("list")
    spend = Tx([TxIn(OutPoint(o.collateral[:32][::-1].hex(),
                              int.from_bytes(o.collateral[32:], "little")))],
               [TxOut(op.COLLATERAL - op.FEE, tickets.wallet.script_pubkey)], 2, 0)
    sign_p2wpkh(spend, 0, o.owner, op.COLLATERAL)
    main.sendrawtransaction(spend.hex(), 0)
    tickets.mine()
    node.submitblock(main.getblock(main.getbestblockhash(), 0))
    assert fingerprint(node) == fingerprint(main)
    assert len(node.supernode("list")) == 2
    assert node.verifychain(4, 0) is True
