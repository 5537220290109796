"""A node among hostile peers: what it must still do, and within which limits.

The attacked node has a wallet that sends, an honest peer that mines, and beginners who fetch
the whole chain from it, again and again, while attackers from framework.attacks do their worst.
"""
import os
import random
import threading
import time

from .attacks import ATTACKS, Attacker, Material
from .node import sync_blocks
from .p2p import Peer
from .params import BITCOIN
from .primitives import Block
from .util import cpu_seconds, wait_until
from .wallet import MiniWallet, many_signatures

PATIENCE = 120         # seconds that one honest piece of work may take
BLOCKS = 220           # of the chain before the attack
BEGINNER_S = 20        # a new node syncs this often
PROGRESS_S = 60        # a line of progress this often
GROWTH_MIB = 250       # over what the node needs before the attack
CREEP_MIB = 40         # between the second and the last quarter of a long attack
LATENCY_S = {"round": 20, "ping": 4}     # of the node's CPU, for a piece of honest work
DEAR_INPUTS = 60       # of a transaction that is dear to judge
SANITIZED = 5          # times as much under a sanitizer, which keeps freed memory
SANITIZER = {"ASAN_OPTIONS": "quarantine_size_mb=32:detect_leaks=1"}


class Gauge(threading.Thread):
    """Samples a process: memory, file descriptors, CPU."""

    def __init__(self, pid, period=0.25):
        super().__init__(daemon=True)
        self.pid, self.period = pid, period
        self.rss, self.fds = [], []
        self.done = threading.Event()
        self.sample()

    def memory(self):
        """MiB of the process now."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) / 1024 for line in f
                        if line.startswith("VmRSS"))

    def files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def sample(self):
        self.rss.append(self.memory())
        self.fds.append(self.files())

    def run(self):
        while not self.done.wait(self.period):
            try:
                self.sample()
            except (OSError, StopIteration):
                return     # it has ended; the test sees why

    def is_sanitized(self):
        with open(f"/proc/{self.pid}/maps", encoding="ascii") as f:
            maps = f.read()
        return "libasan" in maps or "libtsan" in maps

    def quarter(self, n):
        """Mean memory of the nth quarter of the samples."""
        size = max(len(self.rss) // 4, 1)
        part = self.rss[n * size:(n + 1) * size] or self.rss[-1:]
        return sum(part) / len(part)


class Soak:
    def __init__(self, lab, seed, connections, attacks=None, params=BITCOIN, say=None):
        """say: takes lines of progress."""
        self.lab, self.params, self.rng = lab, params, random.Random(seed)
        self.say = say or (lambda line: None)
        self.connections, self.attacks = connections, attacks
        self.rounds = self.beginners = 0
        self.slowest = {"round": 0.0, "ping": 0.0, "sync": 0.0}
        self.dearest = {"round": 0.0, "ping": 0.0, "sync": 0.0}
        self.paid = []
        self._open()

    # the honest side ------------------------------------------------------
    def _open(self):
        # no waiting for the random time of announcements between the honest ones
        self.node = self.lab.node("-nodebug", "-peertimeout=60", "-peerbloomfilters",
                                  "-blockfilterindex", "-peerblockfilters",
                                  "-whitelist=noban,out@127.0.0.1",
                                  f"-fallbackfee={self.params.amount(20000)}",
                                  params=self.params, start=False)
        self.node.start(env=SANITIZER)
        self.miner = self.lab.node("-nodebug", params=self.params)
        self.beginner = self.lab.node("-nodebug", f"-connect=127.0.0.1:{self.node.p2p_port}",
                                      params=self.params, start=False)
        self.node.addnode(f"127.0.0.1:{self.miner.p2p_port}", "add")
        wait_until(self.miner.getconnectioncount, what="for the miner's connection")
        self.coins = MiniWallet(self.miner)
        self.coins.generate(BLOCKS - 111)
        self.dear = many_signatures(self.coins, DEAR_INPUTS)
        self.wallet = self.node.new_wallet("honest")
        self.miner.generatetoaddress(10, self.wallet.getnewaddress())
        self.coins.generate(100)
        sync_blocks([self.node, self.miner])
        self.material = self._material()
        self.probe = self.node.add_peer(Probe)

    def _material(self):
        hashes = [self.node.getblockhash(h) for h in range(1, BLOCKS + 1)]
        blocks = [Block.from_hex(self.node.getblock(h, 0)) for h in hashes]
        txs = []
        for utxo in self.coins.get_utxos(10):
            txs += [self.coins.create(utxos=[utxo], fee_rate=rate) for rate in (500, 2000, 9000)]
            txs += self.coins.chain(6, utxo=utxo)
        return Material(self.params, blocks, txs, self.dear)

    def round(self):
        """A payment is relayed, mined and confirmed."""
        begin = self._now()
        to = self.wallet.getnewaddress()
        txid = self.wallet.sendtoaddress(to, self.rng.randrange(1, 100) / 100)
        wait_until(lambda: txid in self.miner.getrawmempool(), PATIENCE,
                   "for the miner to hear of a payment")
        self.miner.generatetodescriptor(1, self.coins.descriptor())
        sync_blocks([self.node, self.miner], PATIENCE)
        wait_until(lambda: self.wallet.gettransaction(txid)["confirmations"] == 1, PATIENCE,
                   "for a payment to be confirmed")
        tip = self.miner.getbestblockhash()
        self.material.tip = Block.from_hex(self.miner.getblock(tip, 0))
        self.paid.append(txid)
        self.rounds += 1
        self._note("round", begin)

    def sync_beginner(self):
        """A new node fetches the whole chain from the attacked one."""
        begin = self._now()
        self.beginner.stop()
        self.beginner.clean()
        self.beginner.start()
        wait_until(lambda: self.beginner.getblockcount() >= self.node.getblockcount(), PATIENCE,
                   "for a new node to fetch the chain")
        self.beginners += 1
        self._note("sync", begin)

    def ping(self):
        begin = self._now()
        if self.probe.closed:          # evicted for another; honest peers come again
            self.probe = self.node.add_peer(Probe)
        self.probe.clear()
        self.probe.sync()
        self._note("ping", begin)

    def _now(self):
        """The time, and what the node has used of a processor's."""
        return time.monotonic(), cpu_seconds(self.node.process.pid)

    def _note(self, what, begin):
        wall, cpu = (after - before for before, after in zip(begin, self._now()))
        self.slowest[what] = max(self.slowest[what], wall)
        self.dearest[what] = max(self.dearest[what], cpu)

    # the attack -----------------------------------------------------------
    def run(self, seconds, rounds=2):
        """At least this long and this many rounds of honest work."""
        gauge = self.gauge = Gauge(self.node.process.pid)
        self.before = gauge.memory(), gauge.files()
        attackers = [Attacker(self.node.p2p_port, self.rng.getrandbits(64), self.material,
                              self.attacks) for _ in range(self.connections)]
        for thread in (gauge, *attackers):
            thread.start()
        try:
            self._work(time.monotonic() + seconds, rounds)
        finally:
            for thread in (gauge, *attackers):
                thread.done.set()
        self.count = {name: sum(a.count.get(name, 0) for a in attackers) for name in ATTACKS}
        self.octets = sum(a.octets for a in attackers)
        for attacker in attackers:
            attacker.finish()

    def _work(self, end, rounds):
        next_beginner, next_line = 0, time.monotonic() + PROGRESS_S
        while time.monotonic() < end or self.rounds < rounds:
            self.round()
            self.ping()
            if time.monotonic() >= next_beginner:
                self.sync_beginner()
                next_beginner = time.monotonic() + BEGINNER_S
            if time.monotonic() >= next_line:
                next_line += PROGRESS_S
                self.say(f"{self.rounds} rounds, {self.gauge.rss[-1]:.0f} MiB, "
                         f"{self.gauge.fds[-1]} files")

    # the verdict ----------------------------------------------------------
    def check(self):
        """Everything that must hold when the attackers have gone."""
        foreign = {"/hostile:0.1/", ""}
        wait_until(lambda: not any(p["subver"] in foreign for p in self.node.getpeerinfo()),
                   PATIENCE, "for the attackers' connections to be gone")
        assert self.node.getbestblockhash() == self.miner.getbestblockhash()
        for txid in self.paid:
            assert self.wallet.gettransaction(txid)["confirmations"] > 0, txid
        wait_until(lambda: self.gauge.files() <= self.before[1] + 20, PATIENCE,
                   "for files to be closed")
        factor = SANITIZED if self.gauge.is_sanitized() else 1
        most = max(self.gauge.rss)
        assert most - self.before[0] < GROWTH_MIB * factor, \
            f"{most:.0f} MiB under attack, {self.before[0]:.0f} MiB before"
        for what, limit in LATENCY_S.items():
            assert self.dearest[what] < limit * factor * factor, \
                f"a {what} took {self.dearest[what]:.1f} s of the node's CPU"
        creep = self.gauge.quarter(3) - self.gauge.quarter(1)
        assert creep < CREEP_MIB * factor, f"memory goes on growing: {creep:.0f} MiB"
        assert sum(self.count.values()) >= self.connections

    def report(self):
        g = self.gauge
        lines = [f"rounds of honest work  {self.rounds}",
                 f"new nodes synced       {self.beginners}",
                 f"attacks                {sum(self.count.values())}, {self.octets >> 20} MiB",
                 f"memory                 before {self.before[0]:.0f} MiB, "
                 f"quarters {', '.join(f'{g.quarter(n):.0f}' for n in range(4))}, "
                 f"most {max(g.rss):.0f}, after {g.memory():.0f}",
                 f"open files             before {self.before[1]}, most {max(g.fds)}, "
                 f"after {g.files()}"]
        lines += [f"slowest {k:<15}{v:.1f} s, {self.dearest[k]:.2f} s of the node's CPU"
                  for k, v in self.slowest.items()]
        lines += [f"  {name:<22}{n}" for name, n in sorted(self.count.items())]
        return "\n".join(lines)


class Probe(Peer):
    """An honest peer that only asks whether the node is still there."""

    def on_inv(self, msg):
        pass
