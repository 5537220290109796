"""Nodes behind a bad network (framework.proxy): partitions, rival branches, resets, slow and
half-open links. Whatever happened, once the network is well again the nodes agree."""
import random
import time

from .node import sync_blocks, sync_mempools
from .params import BITCOIN
from .util import wait_until
from .wallet import MiniWallet

PATIENCE = 90          # seconds until all must agree


class Chaos:
    """A ring in which every node connects to the next two, through a link each."""

    def __init__(self, lab, network, seed, count=5, params=BITCOIN, args=()):
        self.network, self.rng = network, random.Random(seed)
        self.nodes, self.links = [], {}
        self.cycles = 0
        self.slowest = 0.0
        for _ in range(count):
            self.nodes.append(network.node(lab, "-peertimeout=60", *args, params=params))
        for i in range(count):
            for k in (1, 2):
                self._join(i, (i + k) % count)
        for i, node in enumerate(self.nodes):
            node.start(*[f"-connect={link.address}"
                         for (a, _), link in self.links.items() if a == i])
        self.check_connected()   # a new node asks only its first peer for headers
        self.wallets = [MiniWallet(node, tag=str(i)) for i, node in enumerate(self.nodes)]
        for wallet in self.wallets:
            wallet.generate(4)
            self.agree()
        self.nodes[0].generatetodescriptor(101, "raw(51)")
        self.agree()

    def _join(self, a, b):
        self.links[a, b] = self.network.link(self.nodes[a], self.nodes[b])

    # what may happen ------------------------------------------------------
    def weather(self, links=None, **values):
        """Sets delay, rate, stall and reset of these links (all); without any: fair."""
        for link in links or self.links.values():
            link.weather(**values)

    def partition(self, island):
        """Cuts the nodes with these numbers off from the others."""
        for (a, b), link in self.links.items():
            link.cut = (a in island) != (b in island)

    def heal(self):
        for link in self.links.values():
            link.cut = False
        self.weather()

    def storm(self):
        """Every connection breaks."""
        for link in self.links.values():
            link.reset_all()

    def mine(self, i, count=1):
        self.wallets[i].generate(count)

    def pay(self, i):
        """A transaction of one node; None when it has no coin left."""
        if self.wallets[i].spendable(confirmed_only=True):
            return self.wallets[i].send(confirmed_only=True).txid
        return None

    # what must hold -------------------------------------------------------
    def agree(self, mempools=False):
        """One tip everywhere, and then one mempool."""
        begin = time.monotonic()
        sync_blocks(self.nodes, PATIENCE)
        if mempools:
            sync_mempools(self.nodes, PATIENCE)
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def settle(self):
        """Well again: all agree, also after one more block that takes up what the losing
        branches had confirmed."""
        self.heal()
        wait_until(lambda: len({n.getblockcount() for n in self.nodes}) == 1, PATIENCE,
                   "for chains of equal length")    # of which there may be two
        self.nodes[0].generatetodescriptor(1, "raw(51)")
        self.agree()
        for node in self.nodes:
            node.generatetodescriptor(1, "raw(51)")   # what only this one has is confirmed
            self.agree()
        self.agree(mempools=True)
        for wallet in self.wallets:
            wallet.rescan()
        self.cycles += 1

    def cycle(self):
        """One random disaster."""
        rng, count = self.rng, len(self.nodes)
        island = set(rng.sample(range(count), rng.randrange(1, count)))
        self.weather(rng.sample(list(self.links.values()), count), delay=rng.uniform(0, 0.3),
                     rate=rng.choice((0, 20_000, 200_000)), stall=rng.choice((0, 0.05)),
                     reset=rng.choice((0, 0, 0.05)))
        if rng.random() < 0.7:
            self.partition(island)
        silent = rng.choice(list(self.links.values()))
        if rng.random() < 0.3:
            silent.silence()
        for _ in range(rng.randrange(3, 12)):
            i = rng.randrange(count)
            rng.choice((self.mine, self.mine, self.pay, self.pay))(i)
            if rng.random() < 0.1:
                self.storm()
        silent.reset_all()       # or it would be waited for
        self.settle()

    def check_connected(self):
        """Every node has got its connections back."""
        for i, node in enumerate(self.nodes):
            want = sum(a == i for a, _ in self.links)
            wait_until(lambda n=node, w=want:
                       sum(not p["inbound"] and p["version"] > 0 for p in n.getpeerinfo()) == w,
                       what="for connections to come back")
