"""Block building without a node: coinbase, commitments, ticket state per fork."""
from . import supernodes
from .hashes import hash256
from .primitives import Block, OutPoint, Tx, TxIn, TxOut
from .script import push_number
from .ticket_state import State

WITNESS_MAGIC = b"\x6a\x24\xaa\x21\xa9\xed"
STATE_MAGIC = b"\x6a\x24OCST"
VERSION = 0x20000000


def coinbase_script_sig(height, extra=b""):
    sig = push_number(height) + extra
    return sig if len(sig) >= 2 else sig + b"\x00"


def create_coinbase(params, height, value=None, script_pubkey=b"\x51", extra=b"\x00",
                    fees=0, outputs=()):
    """A coinbase that pays script_pubkey all it may take but the supernode's share."""
    if value is None:
        value = params.max_coinbase(height, fees)
    return Tx([TxIn(OutPoint(), coinbase_script_sig(height, extra))],
              [TxOut(value, script_pubkey), *outputs])


def witness_commitment_script(block, nonce=bytes(32)):
    return WITNESS_MAGIC + hash256(block.calc_witness_merkle() + nonce)


def add_witness_commitment(block, nonce=bytes(32)):
    """Appends the commitment of BIP 141 and the witness reserved value."""
    coinbase = block.txs[0]
    coinbase.vin[0].witness = [nonce]
    coinbase.vout.append(TxOut(0, witness_commitment_script(block, nonce)))
    block.merkle = block.calc_merkle()


def state_output(root):
    return TxOut(0, STATE_MAGIC + root)


def create_block(params, prev, height, time, txs=(), coinbase=None, version=VERSION,
                 root=None, witness=None, solve=True, bits=0x207fffff):
    """prev: hash bytes or hex; root: ticket state before this block (Ochre).

    witness: None adds the commitment when some transaction has a witness.
    """
    coinbase = coinbase.copy() if coinbase else create_coinbase(params, height)
    if params.tickets and root is not None:
        coinbase.vout.append(state_output(root))
    block = Block(version, prev, time=time, bits=bits, txs=[coinbase, *txs])
    if witness or witness is None and any(t.has_witness() for t in txs):
        add_witness_commitment(block)
    block.merkle = block.calc_merkle()
    return block.solve() if solve else block


def resolve(block):
    """After a change: Merkle root and proof of work again."""
    block.merkle = block.calc_merkle()
    block.nonce = 0
    return block.solve()


def recommit(block):
    """After a change to transactions: witness commitment (last output) and resolve."""
    coinbase = block.txs[0]
    if coinbase.vout[-1].script_pubkey.startswith(WITNESS_MAGIC):
        coinbase.vout.pop()
    add_witness_commitment(block)
    return resolve(block)


class Chain:
    """A chain a test builds; knows every block's state root without a node.

    fork(height) gives a second chain that shares what lies below.
    """

    def __init__(self, params, blocks=None, states=None, ticketsheight=1):
        self.params, self.ticketsheight = params, ticketsheight
        self.blocks = blocks or [Block.from_bytes(params.genesis)]
        self.states = states or [State()]

    @classmethod
    def of(cls, node, ticketsheight=1):
        """The active chain of a running node."""
        chain = cls(node.params, ticketsheight=ticketsheight)
        chain.follow(node)
        return chain

    def follow(self, node):
        """Takes over what the node has beyond our blocks."""
        while node.getblockcount() < self.height or \
                node.getblockhash(self.height) != self.tip.hash:
            self.blocks.pop()
            self.states.pop()
        for raw in node.raw_blocks(self.height + 1, node.getblockcount()):
            self.append(Block.from_hex(raw))

    @property
    def height(self):
        return len(self.blocks) - 1

    @property
    def tip(self):
        return self.blocks[-1]

    @property
    def root(self):
        """Ticket state root that the next coinbase has to carry."""
        return self.states[-1].root()

    def payment(self):
        """The outputs that the next coinbase has to have for a supernode."""
        due = supernodes.payee(self.states[-1], self.height) \
            if self.params.tickets and self.height + 1 >= self.ticketsheight else None
        share = self.params.block_subsidy(self.height + 1) // 5
        return [TxOut(share, due[1].payout_script)] if due and share else []

    def median_time(self):
        times = sorted(b.time for b in self.blocks[-11:])
        return times[len(times) // 2]

    def append(self, block):
        if self.params.tickets:
            self.states.append(self.states[-1].after(block, self.height + 1,
                                                     self.ticketsheight))
        else:
            self.states.append(self.states[-1])
        self.blocks.append(block)
        return block

    def next(self, txs=(), fees=0, time=None, coinbase=None, script_pubkey=b"\x51",
             extra=b"\x00", value=None, **kwargs):
        """A valid next block that is not appended; kwargs go to create_block."""
        height = self.height + 1
        if coinbase is None:
            coinbase = create_coinbase(self.params, height, value, script_pubkey, extra,
                                       fees, self.payment())
        root = self.root if height >= self.ticketsheight else None
        kwargs.setdefault("root", root)
        time = time or max(self.tip.time + 1, self.median_time() + 1)
        return create_block(self.params, self.tip.hash_bytes, height, time, txs, coinbase,
                            **kwargs)

    def mine(self, txs=(), count=1, **kwargs):
        """Appends blocks; txs go into the first. Returns the new blocks."""
        new = []
        for i in range(count):
            new.append(self.append(self.next(txs if i == 0 else (), **kwargs)))
        return new

    def fork(self, height):
        return Chain(self.params, self.blocks[:height + 1], self.states[:height + 1],
                     self.ticketsheight)

    def coinbase_of(self, height):
        return self.blocks[height].txs[0]
