"""Random walks over tickets: two nodes, a model, and a node that syncs from nothing agree.

Steps are tickets of most kinds, moves and ends of tokens, spent collaterals, blocks,
reorganisations up to 60 deep, invalidations, and restarts. After every block the state root is
the model's; again and again both nodes have the same UTXO hash, burn totals and committees.
OCHRE_LONG=1 makes 10,000 steps instead of 120, OCHRE_STEPS any other number; OCHRE_SEED
repeats a walk.
"""
import os
import random
from collections import Counter

import pytest

from framework import operators as op
from framework import supernodes, ticket_state
from framework.hashes import sha3
from framework.node import sync_blocks
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import RPCError
from framework.sighash import sign_p2wpkh
from framework.ticket import Ticket
from framework.ticket_lab import MEGABYTE, TicketLab, btns_key, prevout_bytes
from framework.wallet import Utxo

LONG = os.environ.get("OCHRE_LONG") == "1"
STEPS = int(os.environ.get("OCHRE_STEPS", 10_000 if LONG else 120))
DEEPEST = 60
LEAST_SUPERNODES = 8
KEEP_STATES = 200


class Walk:
    def __init__(self, lab, rng):
        self.lab, self.rng, self.node = lab, rng, lab.node
        self.keys = {}           # btns_key -> its secret
        self.sent = {}           # txid -> Tx
        self.done, self.refused = Counter(), Counter()
        self.coins = []
        self.refresh()

    # -- coins: what the chain has and no pending transaction spends --

    def refresh(self):
        pool = set(self.node.getrawmempool())
        spent = {i.prevout.serialize() for txid, tx in self.sent.items() if txid in pool
                 for i in tx.vin}
        tip = self.node.getblockcount()
        found = self.node.scantxoutset("start", [self.lab.wallet.descriptor()])["unspents"]
        coins = [Utxo(u["txid"], u["vout"], self.lab.params.units(u["amount"]), u["height"],
                      u["coinbase"]) for u in found]
        anchors = {k[1:] for k in self.state.values if k[:1] == b"a"}
        self.coins = [u for u in coins if (not u.coinbase or tip + 1 - u.height >= 100)
                      and prevout_bytes(u) not in spent | anchors
                      and u.value >= 20 * self.lab.coin]
        self.spent = spent

    def coin(self):
        u = self.rng.choice(self.coins)
        self.coins.remove(u)
        return u

    @property
    def state(self):
        return self.lab.judge.chain.states[-1]

    def send(self, tx):
        self.node.sendrawtransaction(tx.hex(), 0, 0)
        self.sent[tx.txid] = tx

    # -- tokens --

    def token(self):
        """(token, record, coin) of one whose anchor no pending transaction spends."""
        tokens = sorted(k[1:] for k in self.state.values if k[:1] == b"n")
        self.rng.shuffle(tokens)
        for token in tokens:
            r = ticket_state.get_token(self.state, token)
            if r.anchor not in self.spent:
                self.spent.add(r.anchor)
                o = OutPoint(r.anchor[:32], int.from_bytes(r.anchor[32:], "little"))
                value = self.node.gettxout(o.txid[::-1].hex(), o.n, False)
                if value is not None:
                    return token, r, Utxo(o.txid[::-1].hex(), o.n,
                                          self.lab.params.units(value["value"]), 1)
        return None, None, None

    def new_key(self):
        key = btns_key(f"walk {self.rng.random()}")
        self.keys[key.public] = key
        return key

    # -- steps --

    def step_service(self):
        kind = self.rng.choice(("storage", "sense"))
        height = self.lab.reference()[0]
        committee = self.lab.committee(height)
        if len(committee) < 3:      # just after a deep reorganisation
            return
        ranks = sorted(self.rng.sample(range(len(committee)), 3))
        request = sha3(b"%d" % self.rng.randrange(STEPS // 3))  # now and then the same again
        self.send(self.lab.service_tx(kind, self.coin(), [committee[i] for i in ranks],
                                      height=height, request=request))

    def step_id(self):
        o = op.Operator(self.lab.genesis, f"walk {self.rng.random()}")
        u = self.coin()
        self.send(self.lab.carry(o.id_ticket(prevout_bytes(u)), [u], op.ID_BURN))

    def step_mint(self):
        if len(self.lab.committee(self.lab.reference()[0])) < 3:
            return
        key = self.new_key() if self.rng.random() < 0.7 else None
        self.send(self.lab.mint_tx(self.coin(), key))

    def step_move(self):
        """One or two tokens go on, or end."""
        picked = [self.token() for _ in range(self.rng.choice((1, 1, 2)))]
        coins = [c for _, _, c in picked if c is not None]
        if not coins:
            return
        u = self.coin()
        anchors = [self.lab.anchor() for _ in coins]
        if self.rng.random() < 0.2:
            anchors = [TxOut(0, b"\x6a\x01\x01")]
        total = u.value + sum(c.value for c in coins) - sum(a.value for a in anchors) - 2000
        tx = Tx([TxIn(c.outpoint) for c in [*coins, u]],
                [*anchors, TxOut(total, self.lab.wallet.script_pubkey)], 2, 0)
        if self.rng.random() < 0.2:     # nothing is left for the last of them
            del tx.vout[0]
        self.send(self.lab.wallet.sign(tx))

    def step_register(self):
        token, _, coin = self.token()
        if token is None:
            return
        key, u = self.new_key(), self.coin()
        t = Ticket("snft-register", {"token": token, "btns_key": key.public})
        t.values["btns_sig"] = bytes(64)
        t.values["btns_sig"] = key.sign(t.hash(self.lab.genesis, "btns_sig",
                                               prevout_bytes(coin)))
        self.send(self.lab.carry(t, [coin, u], 100_000, first=[self.lab.anchor()]))

    def step_upgrade(self):
        token, r, coin = self.token()
        height, ref = self.lab.reference()
        if token is None or len(self.lab.committee(height)) < 3:
            return
        quota = r.quota + self.rng.randrange(1, 5) * MEGABYTE
        due, least = self.lab.space_payments(height, quota - r.quota)
        t = Ticket("snft-upgrade", {"token": token, "committee": ref, "quota": quota})
        self.send(self.lab.carry(t, [coin, self.coin()], least, due, first=[self.lab.anchor()]))

    def step_sync(self):
        records = {k[1:]: ticket_state.get_token(self.state, k[1:])
                   for k in sorted(self.state.values) if k[:1] == b"n"}
        keyed = [t for t, r in records.items() if r.btns_key]
        if not keyed:
            return
        chosen = self.rng.sample(keyed, min(len(keyed), self.rng.randrange(1, 5)))
        reports = [self.lab.report(t, self.keys[records[t].btns_key], records[t].sequence + 1,
                                   self.rng.randrange(records[t].quota + 1)) for t in chosen]
        self.send(self.lab.carry(self.lab.sync_ticket(reports), [self.coin()]))

    def operator(self):
        known = dict(supernodes.all_of(self.state))
        alive = [o for o in self.lab.operators if o.sn in known]
        return self.rng.choice(alive) if alive else None, len(alive)

    def step_update(self):
        o, left = self.operator()
        if not left:
            return
        u = self.coin()
        t = o.update_ticket(prevout_bytes(u), storage_fee=self.rng.randrange(1000, 9000),
                            sense_fee=self.rng.randrange(1000, 9000))
        self.send(self.lab.carry(t, [u]))

    def step_leave(self):
        """Revoked, or its collateral spent."""
        o, left = self.operator()
        if left <= LEAST_SUPERNODES:
            return
        if self.rng.random() < 0.5:
            u = self.coin()
            self.send(self.lab.carry(o.revoke_ticket(prevout_bytes(u)), [u]))
            return
        tx = Tx([TxIn(OutPoint(o.collateral[:32], int.from_bytes(o.collateral[32:], "little")))],
                [TxOut(op.COLLATERAL - 2000, self.lab.wallet.script_pubkey)], 2, 0)
        sign_p2wpkh(tx, 0, o.owner, op.COLLATERAL)
        self.send(tx)

    def step_mine(self):
        self.node.generatetodescriptor(self.rng.choice((1, 1, 1, 2)),
                                       self.lab.wallet.descriptor())
        self.settle()

    def step_reorganise(self):
        deep = self.rng.random() < 0.1
        depth = self.rng.randrange(1, DEEPEST + 1 if deep else 5)
        top = self.node.getblockcount()
        block = self.node.getblockhash(top - depth + 1)
        self.node.invalidateblock(block)
        if self.rng.random() < 0.4:     # and back again
            self.node.reconsiderblock(block)
        else:
            other = f"raw(51{self.rng.getrandbits(64):016x})"      # not the same block again
            self.node.generatetodescriptor(1, other)
            self.node.generatetodescriptor(depth, self.lab.wallet.descriptor())
        self.settle()

    def step_invalidate_elsewhere(self):
        other = self.lab.judge.other
        depth = self.rng.randrange(1, 8)
        block = other.getblockhash(other.getblockcount() - depth + 1)
        other.invalidateblock(block)
        chain = self.lab.judge.chain
        if other.getbestblockhash() == chain.blocks[-1 - depth].hash:   # no older branch won
            assert other.getstateroot() == chain.states[-1 - depth].root().hex()
        other.reconsiderblock(block)
        self.settle()

    def step_restart(self):
        n = self.rng.choice(self.lab.judge.nodes)
        tip = n.getbestblockhash()
        if self.rng.random() < 0.5:
            n.stop()
        else:
            n.kill()
        n.start()
        if n.getbestblockhash() != tip:      # a kill may lose blocks that were not saved
            chain = self.lab.judge.chain.blocks
            known = min(n.getblockcount(), len(chain) - 1)
            while n.getblockhash(known) != chain[known].hash:
                known -= 1
            for block in chain[known + 1:]:
                assert n.submitblock(block.hex()) in (None, "duplicate", "inconclusive")
        self.settle()

    def settle(self):
        chain = self.lab.judge.sync()
        for st in chain.states[:-KEEP_STATES]:
            st.values = {}
        self.refresh()

    WEIGHTS = {"service": 20, "id": 3, "mint": 10, "move": 10, "register": 6, "upgrade": 6,
               "sync": 10, "update": 4, "leave": 1, "mine": 22, "reorganise": 4,
               "invalidate_elsewhere": 2, "restart": 1}

    def step(self):
        name = self.rng.choices(list(self.WEIGHTS), self.WEIGHTS.values())[0]
        if len(self.coins) < 3:
            name = "mine"
        try:
            getattr(self, "step_" + name)()
            self.done[name] += 1
        except RPCError as e:       # the mempool says no: a request used twice, a conflict
            assert e.code in (-25, -26), e
            self.refused[str(e).split(",")[0]] += 1

    # -- agreement --

    def agree(self, nodes, heights):
        def view(n):
            return (n.getbestblockhash(), n.getstateroot(), n.getburninfo(), n.getsupplyinfo(),
                    n.gettxoutsetinfo("hash_serialized_3")["hash_serialized_3"],
                    n.gettxoutsetinfo("muhash")["muhash"],
                    [n.supernode("top", h) for h in heights])
        first = view(nodes[0])
        for n in nodes[1:]:
            assert view(n) == first


@pytest.fixture(scope="module")
def lab(module_lab):
    return TicketLab(module_lab)


def test_walk(lab, module_lab):
    seed = int(os.environ.get("OCHRE_SEED", random.randrange(1 << 32) if LONG else 1))
    print("OCHRE_SEED =", seed)
    walk = Walk(lab, random.Random(seed))
    for i in range(STEPS):
        walk.step()
        if i % 40 == 39:
            tip = lab.node.getblockcount()
            walk.step_mine()
            walk.agree(lab.judge.nodes, range(tip - 5, tip))
    walk.step_mine()
    print(dict(walk.done), dict(walk.refused))
    for name in walk.WEIGHTS:
        if walk.WEIGHTS[name] >= 4:
            assert walk.done[name] > 0, name
    assert lab.node.verifychain(4, 60)
    lab.judge.other.stop()
    lab.judge.other.start("-reindex-chainstate")
    sync_blocks(lab.judge.nodes, timeout=600)
    fresh = module_lab.node()
    fresh.connect(lab.node)
    sync_blocks([fresh, lab.node], timeout=600)
    tip = lab.node.getblockcount()
    walk.agree([*lab.judge.nodes, fresh], range(max(1, tip - 900), tip + 1))
