"""-assumevalid skips scripts only below a known block with enough on top of it."""
from framework.blocks import Chain
from framework.key import Key
from framework.p2p import RelayPeer
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.script import p2pk, push
from framework.util import wait_until


class Env:
    """A chain with one bad signature at height 102 and two weeks of work on top."""

    def __init__(self, params):
        self.chain = Chain(params)
        key = Key.from_seed("assumevalid")
        self.chain.mine(script_pubkey=p2pk(key.pubkey))
        self.chain.mine(count=100)
        spend = Tx([TxIn(OutPoint(self.chain.coinbase_of(1).txid, 0),
                         push(key.sign_ecdsa(bytes(32)) + b"\x01"))], [TxOut(49, b"\x51")])
        self.chain.mine([spend])
        self.chain.mine(count=14 * 86400 // params.spacing + 50)
        self.assumed = self.chain.blocks[102].hash


def test_assumevalid(lab, params):
    env = Env(params)
    blocks = env.chain.blocks[1:]
    now = env.chain.tip.time

    # 0: no block named: the bad signature is found
    plain = lab.node("-par=1", params=params, start=False)
    plain.start(f"-mocktime={now}", "-assumevalid=0")
    # 1: named, and buried by two weeks of work: skipped
    skip = lab.node("-par=1", params=params, start=False)
    skip.start(f"-mocktime={now}", f"-assumevalid={env.assumed}")
    # 2: named, but too little on top
    young = lab.node("-par=1", params=params, start=False)
    young.start(f"-mocktime={now}", f"-assumevalid={env.assumed}")

    for node in (plain, skip):
        peer = node.add_peer(RelayPeer)
        peer.add_blocks(blocks)
        peer.on_getheaders(type("G", (), {"locator": []}))
    peer = young.add_peer(RelayPeer)
    peer.add_blocks(blocks[:200])
    peer.on_getheaders(type("G", (), {"locator": []}))

    wait_until(lambda: plain.getblockcount() == 101)
    wait_until(lambda: young.getblockcount() == 101)
    wait_until(lambda: skip.getblockcount() == len(blocks), 120)
    assert skip.getbestblockhash() == env.chain.tip.hash
    for node in (plain, young):
        node.wait_log("mandatory-script-verify-flag-failed")
        assert node.getblockcount() == 101
        status = {t["hash"]: t["status"] for t in node.getchaintips()}
        assert "invalid" in status.values()
