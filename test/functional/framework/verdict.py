"""One verdict everywhere: mempool, template, block, and a node that sees a transaction only in
a block; and the state root that the model computes."""
from .blocks import Chain


class Judge:
    """node has a mempool and mines; other gets nothing but blocks."""

    def __init__(self, node, other=None):
        self.node, self.other = node, other
        self.nodes = [n for n in (node, other) if n is not None]
        self.chain = Chain.of(node)
        self.sync()

    def sync(self):
        """Takes over what the node mined, checks every root, and tells the other node."""
        self.chain.follow(self.node)
        if self.other is not None:
            have = self.other.getblockcount()
            while have and self.other.getblockhash(have) != self.chain.blocks[have].hash:
                have -= 1
            for block in self.chain.blocks[have + 1:]:
                result = self.other.submitblock(block.hex())
                assert result in (None, "inconclusive", "duplicate"), result
        for n in self.nodes:
            assert n.getbestblockhash() == self.chain.tip.hash
            assert n.getstateroot() == self.chain.root.hex()
        return self.chain

    @property
    def state(self):
        return self.chain.states[-1]

    def block_verdict(self, block):
        verdicts = {n.submitblock(block.hex()) for n in self.nodes}
        assert len(verdicts) == 1, verdicts
        return verdicts.pop()

    def refused_in_block(self, txs, reason, **kwargs):
        """A block of just these is invalid for this reason, and nothing changes."""
        self.chain.follow(self.node)
        block = self.chain.next(txs, **kwargs)
        assert self.block_verdict(block) == reason
        for n in self.nodes:
            assert n.getbestblockhash() == self.chain.tip.hash
            assert n.getstateroot() == self.chain.root.hex()

    def refused(self, tx, reason):
        for n in self.nodes:
            verdict = n.testmempoolaccept([tx.hex()])[0]
            assert not verdict["allowed"] and verdict["reject-reason"] == reason, verdict
        self.refused_in_block([tx], reason)

    def mine(self, txs, **kwargs):
        """A block that we build; all nodes take it."""
        self.chain.follow(self.node)
        block = self.chain.next(txs, **kwargs)
        assert self.block_verdict(block) is None
        self.sync()
        return block

    def accepted(self, tx):
        """Into the mempool, the template, and a block."""
        for n in self.nodes:
            verdict = n.testmempoolaccept([tx.hex()])[0]
            assert verdict["allowed"], verdict
        self.node.sendrawtransaction(tx.hex())
        template = self.node.getblocktemplate({"rules": ["segwit"]})
        assert tx.txid in [t["txid"] for t in template["transactions"]]
        self.mine([tx])

