"""ZeroMQ notifications: every topic, in blocks, reorganisations and the mempool."""
import socket
import struct

import pytest

from framework import fixtures
from framework.ed448 import Key as Ed448
from framework.params import BITCOIN
from framework.primitives import Block, Tx
from framework.util import free_port
from test_ticket_id import carry, id_payload

zmq = pytest.importorskip("zmq")

TOPICS = ("hashblock", "hashtx", "rawblock", "rawtx", "sequence")
TICKETS = ("hashticket", "rawticket")


class Subscriber:
    """One socket; checks that each topic's messages are counted without a gap."""

    def __init__(self, context, address, topics):
        self.socket = context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.RCVTIMEO, 20000)
        self.socket.setsockopt(zmq.LINGER, 0)
        for topic in topics:
            self.socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self.socket.connect(address)
        self.next = {}

    def receive(self):
        topic, body, count = self.socket.recv_multipart()
        (number,) = struct.unpack("<I", count)
        assert number == self.next.get(topic, number)
        self.next[topic] = number + 1
        return topic.decode(), body

    def expect(self, topic, body):
        got = self.receive()
        assert got == (topic, body), (got[0], got[1].hex()[:80])

    def hashes(self, count):
        return [self.receive()[1].hex() for _ in range(count)]

    def silent(self):
        return self.socket.poll(300) == 0


@pytest.fixture(scope="module")
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture(scope="module")
def address(params):
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def node(module_lab, params, address):
    node = module_lab.node(*(f"-zmqpub{t}={address}" for t in TOPICS + TICKETS),
                           "-zmqpubrawtxhwm=7", params=params)
    return node


wallet = fixtures.mini_wallet(110)


@pytest.fixture
def listen(node, wallet, context, address):
    """A subscriber for each topic; all have arrived once they heard of a block."""
    made = []

    def subscribe(*topics):
        subs = [Subscriber(context, address, (t, "hashblock")) for t in topics]
        made.extend(subs)
        for sub in subs:
            for _ in range(100):
                wallet.generate(1)
                if sub.socket.poll(50):
                    break
        for sub, topic in zip(subs, topics):
            while sub.socket.poll(100):
                sub.receive()
            if topic != "hashblock":
                sub.socket.setsockopt(zmq.UNSUBSCRIBE, b"hashblock")
        return subs
    yield subscribe
    for sub in made:
        sub.socket.close()


def test_what_is_switched_on(node, address):
    listed = node.getzmqnotifications()
    assert {x["type"] for x in listed} == {f"pub{t}" for t in TOPICS + TICKETS}
    assert {x["address"] for x in listed} == {address}
    assert {x["type"]: x["hwm"] for x in listed}["pubrawtx"] == 7
    assert {x["type"]: x["hwm"] for x in listed}["pubhashtx"] == 1000


def test_blocks_and_their_transactions(node, wallet, listen):
    blocks, txs, raw = listen("hashblock", "hashtx", "rawblock")
    (tip,) = wallet.generate(1)
    blocks.expect("hashblock", bytes.fromhex(tip))
    (coinbase,) = node.getblock(tip)["tx"]
    txs.expect("hashtx", bytes.fromhex(coinbase))
    assert Block.from_hex(raw.receive()[1].hex()).hash == tip


def test_mempool_transactions(node, wallet, listen):
    txs, raw, sequence = listen("hashtx", "rawtx", "sequence")
    number = node.getrawmempool(False, True)["mempool_sequence"]
    txid = wallet.send().txid
    txs.expect("hashtx", bytes.fromhex(txid))
    assert Tx.from_hex(raw.receive()[1].hex()).txid == txid
    sequence.expect("sequence", bytes.fromhex(txid) + b"A" + struct.pack("<Q", number))
    (tip,) = wallet.generate(1)
    # once more in the block, after the coinbase; leaving for a block is no removal
    coinbase, again = node.getblock(tip)["tx"]
    assert again == txid
    assert txs.hashes(2) == [coinbase, txid]
    sequence.expect("sequence", bytes.fromhex(tip) + b"C")
    assert sequence.silent()


def test_replaced_transactions_are_removed(node, wallet, listen):
    (sequence,) = listen("sequence")
    utxo = wallet.get_utxo()
    first = wallet.create(utxos=[utxo], fee=2000)
    second = wallet.create(utxos=[utxo], fee=40000)
    number = node.getrawmempool(False, True)["mempool_sequence"]
    node.sendrawtransaction(first.hex())
    node.sendrawtransaction(second.hex())
    expected = [(first, b"A", 0), (first, b"R", 1), (second, b"A", 2)]
    for tx, label, step in expected:
        sequence.expect("sequence", bytes.fromhex(tx.txid) + label
                        + struct.pack("<Q", number + step))
    wallet.generate(1)


def test_a_reorganisation(node, wallet, listen):
    blocks, sequence = listen("hashblock", "sequence")
    height = node.getblockcount()
    old = [node.getblockhash(height - i) for i in range(2)]  # the tip first
    node.invalidateblock(old[1])
    for h in old:
        sequence.expect("sequence", bytes.fromhex(h) + b"D")
    blocks.expect("hashblock", bytes.fromhex(node.getbestblockhash()))
    node.reconsiderblock(old[1])
    for h in reversed(old):
        sequence.expect("sequence", bytes.fromhex(h) + b"C")
    for h in reversed(old):  # each was a better tip
        blocks.expect("hashblock", bytes.fromhex(h))
    assert blocks.silent()


def test_tickets(node, wallet, listen, params):
    if params is BITCOIN:
        pytest.skip("a rule of the Ochre networks")
    hashes, raw = listen("hashticket", "rawticket")
    utxo = wallet.get_utxo()
    tx = carry(wallet, id_payload(node, Ed448.from_seed("zmq"), utxo), utxo)
    wallet.send()  # an ordinary one is not announced
    node.sendrawtransaction(tx.hex(), 0)
    hashes.expect("hashticket", bytes.fromhex(tx.txid))
    raw.expect("rawticket", bytes.fromhex(tx.hex()))
    wallet.generate(1)
    hashes.expect("hashticket", bytes.fromhex(tx.txid))
    raw.expect("rawticket", bytes.fromhex(tx.hex()))
    assert hashes.silent() and raw.silent()


def test_several_addresses_for_one_topic(lab, params, context):
    at = [f"tcp://127.0.0.1:{free_port()}" for _ in range(2)]
    node = lab.node(*(f"-zmqpubhashblock={a}" for a in at), params=params)
    subs = [Subscriber(context, a, ("hashblock",)) for a in at]
    for sub in subs:
        for _ in range(100):
            node.generatetodescriptor(1, "raw(51)")
            if sub.socket.poll(50):
                break
    for sub in subs:
        while sub.socket.poll(100):
            sub.receive()
    (tip,) = node.generatetodescriptor(1, "raw(51)")
    for sub in subs:
        sub.expect("hashblock", bytes.fromhex(tip))
        sub.socket.close()


def test_unix_sockets(lab, params, context, tmp_path):
    node = lab.node(f"-zmqpubhashblock=unix:{tmp_path}/pub", params=params)
    sub = Subscriber(context, f"ipc://{tmp_path}/pub", ("hashblock",))
    for _ in range(100):
        (tip,) = node.generatetodescriptor(1, "raw(51)")
        if sub.socket.poll(50):
            break
    sub.expect("hashblock", bytes.fromhex(tip))
    sub.socket.close()


def test_ipv6(lab, params, context):
    with socket.socket(socket.AF_INET6) as s:
        try:
            s.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    at = f"tcp://[::1]:{free_port()}"
    node = lab.node(f"-zmqpubhashblock={at}", params=params)
    context.setsockopt(zmq.IPV6, 1)
    sub = Subscriber(context, at, ("hashblock",))
    context.setsockopt(zmq.IPV6, 0)
    for _ in range(100):
        (tip,) = node.generatetodescriptor(1, "raw(51)")
        if sub.socket.poll(50):
            break
    sub.expect("hashblock", bytes.fromhex(tip))
    sub.socket.close()


@pytest.mark.parametrize("option, why", (
    ("-zmqpubhashtx=tcp://999.0.0.1:1", "-zmqpubhashtx: Unable to bind to tcp://999.0.0.1:1"),
    ("-zmqpubrawtx=foo", "-zmqpubrawtx: Unable to bind to foo")))
def test_an_address_that_cannot_be_bound(lab, params, option, why):
    """It does not take the node down, but it is told of; nothing is published."""
    node = lab.node(f"-zmqpubhashblock=tcp://127.0.0.1:{free_port()}", option, params=params)
    assert node.getzmqnotifications() == []
    (warning,) = node.getnetworkinfo()["warnings"]
    assert warning.startswith("ZeroMQ notifications are off. ") and why in warning
    node.generatetodescriptor(1, "raw(51)")


def test_a_mempool_is_followed(node, wallet, listen):
    """A client that has a snapshot and then the sequence topic knows the mempool at any time."""
    (sequence,) = listen("sequence")
    known, number = set(), node.getrawmempool(False, True)["mempool_sequence"]
    utxo = wallet.get_utxo()
    for fee in (1000, 3000):
        wallet.broadcast(wallet.create(utxos=[utxo], fee=fee))
    for tx in wallet.chain(3, fee=1000):
        wallet.broadcast(tx)
    (block,) = wallet.generate(1)
    in_block = set(node.getblock(block)["tx"])
    kept = wallet.send().txid
    while known != {kept}:
        _, body = sequence.receive()
        name, kind = body[:32].hex(), chr(body[32])
        if kind in "AR":
            (count,) = struct.unpack("<Q", body[33:])
            assert count >= number
            number = count
        if kind == "A":
            known.add(name)
        elif kind == "R":
            known.remove(name)
        elif kind == "C":
            assert name == block
            known -= in_block
    wallet.generate(1)
