"""Segregated witness over P2P and in the mempool: serving, announcing, limits, versions."""
import pytest

from framework import fixtures, script as sc, sighash
from framework.blocks import Chain, add_witness_commitment, resolve
from framework.key import Key
from framework.messages import (BlockMsg, GetData, Headers, Inv, MSG_BLOCK, MSG_TX,
                                MSG_WITNESS_BLOCK, MSG_WITNESS_TX, MSG_WTX, NODE_NETWORK,
                                Raw, TxMsg)
from framework.p2p import RelayPeer
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.script import OP_DROP, OP_TRUE, script

KEY = Key.from_seed("segwit")
DROP_TRUE = script(OP_DROP, OP_TRUE)


node = fixtures.node_of_each("-par=1", "-whitelist=noban@127.0.0.1")
wallet = fixtures.mini_wallet(115)


@pytest.fixture
def peer(node):
    node.disconnect_peers()
    return node.add_peer(RelayPeer)


def fund(wallet, code, value=100_000, confirm=True):
    tx, n = wallet.send_to(code, value, confirmed_only=True)
    if confirm:
        wallet.generate(1)
    return OutPoint(tx.txid, n)


def test_node_offers_the_witness_service(node, peer):
    assert peer.received("version")[0].services & 8


def test_block_with_witness_is_asked_for_and_taken(node, wallet, peer):
    chain = Chain.of(node)
    (block,) = chain.mine([wallet.create(confirmed_only=True)], extra=b"\x02")
    peer.send_blocks([block], node)
    asked = [i for m in peer.received("getdata") for i in m.items
             if i.hash == block.hash_bytes]
    assert asked and all(i.kind == MSG_WITNESS_BLOCK for i in asked)
    wallet.rescan()


def test_block_without_its_witness_is_refused(node, wallet, peer):
    chain = Chain.of(node)
    block = chain.next([wallet.create(confirmed_only=True, utxos=[
        wallet.get_utxo(confirmed_only=True, keep=True)])])
    tip = node.getbestblockhash()
    start = node.log_size()
    peer.send(Headers([block]), BlockMsg(block, witness=False))
    peer.sync()
    node.wait_log("Received mutated block", start)
    assert node.getbestblockhash() == tip
    # not held against the block itself
    peer.send(BlockMsg(block))
    peer.sync()
    assert node.getbestblockhash() == block.hash
    wallet.rescan()


def test_serving_with_and_without_witness(node, wallet, peer):
    tx = wallet.send(confirmed_only=True)
    wallet.generate(1)
    block = Chain.of(node).tip
    assert tx.txid in [t.txid for t in block.txs]
    for kind, full in ((MSG_BLOCK, False), (MSG_WITNESS_BLOCK, True)):
        peer.clear()
        peer.send(GetData([Inv(kind, block.hash_bytes)]))
        got = peer.wait_for("block").block
        assert any(t.has_witness() for t in got.txs) is full
        assert got.hash == block.hash


def test_witness_mutation_does_not_change_the_txid(node, wallet, peer):
    """A bad witness is not remembered against the transaction."""
    prevout = fund(wallet, sc.p2wsh(DROP_TRUE))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    tx.vin[0].witness = [b"\x01", b"\x51\x51"]
    peer.send_txs([tx], node, success=False)
    good = tx.copy()
    good.vin[0].witness = [b"\x01", DROP_TRUE]
    peer.send_txs([good], node)
    wallet.generate(1)


def test_stripped_transaction_is_not_remembered_by_txid(node, wallet, peer):
    prevout = fund(wallet, sc.p2wsh(DROP_TRUE))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    tx.vin[0].witness = [b"\x02", DROP_TRUE]
    peer.send(TxMsg(tx, witness=False))
    peer.sync()
    assert tx.txid not in node.getrawmempool()
    peer.send_txs([tx], node)
    wallet.generate(1)


def test_extra_witness_on_a_legacy_input(node, wallet, peer):
    prevout = fund(wallet, sc.p2pkh(KEY.pubkey))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    sighash.sign_p2pkh(tx, 0, KEY)
    bad = tx.copy()
    bad.vin[0].witness = [b"a"]
    peer.send_txs([bad], node, success=False)
    peer.send_txs([tx], node)
    wallet.generate(1)


def test_every_hash_type_and_input(node, wallet, peer):
    """A p2wsh coin per hash type; a changed amount breaks the signature (BIP 143)."""
    code = sc.push(KEY.pubkey) + b"\xac"
    prevouts = []
    parent = wallet.create(confirmed_only=True, fee=5_000, extra_outputs=[
        TxOut(10_000, sc.p2wsh(code))] * 6)
    wallet.broadcast(parent)
    wallet.generate(1)
    prevouts = [OutPoint(parent.txid, i + 1) for i in range(6)]
    types = (1, 2, 3, 0x81, 0x82, 0x83)
    tx = Tx([TxIn(p) for p in prevouts], [TxOut(9_000, wallet.script_pubkey)] * 6)

    def sign(amount):
        for i, t in enumerate(types):
            digest = sighash.segwit_v0(code, tx, i, t, amount)
            tx.vin[i].witness = [KEY.sign_ecdsa(digest) + bytes([t]), code]
    sign(9_999)
    peer.send_txs([tx], node, success=False)
    sign(10_000)
    peer.send_txs([tx], node)
    wallet.generate(1)
    wallet.rescan()


@pytest.mark.parametrize("size, allowed", [(520, True), (521, False)])
def test_witness_element_size(node, wallet, size, allowed):
    prevout = fund(wallet, sc.p2wsh(DROP_TRUE))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    tx.vin[0].witness = [bytes(size), DROP_TRUE]
    chain = Chain.of(node)
    got = node.submitblock(chain.next([tx]).hex())
    assert got == (None if allowed else "mandatory-script-verify-flag-failed (Push value "
                   "size limit exceeded)")
    wallet.rescan()


@pytest.mark.parametrize("size, allowed", [(10_000, True), (10_001, False)])
def test_witness_script_size(node, wallet, size, allowed):
    code = (b"\x4d\x08\x02" + bytes(520) + b"\x75") * 19 + b"\x51"
    pad = size - len(code)
    code = b"\x61" * min(pad, 180) + code
    pad = size - len(code)
    if pad > 0:
        if pad >= 256 + 4:
            code = b"\x4d" + (pad - 4).to_bytes(2, "little") + bytes(pad - 4) + b"\x75" + code
        else:
            code = b"\x4c" + bytes([pad - 3]) + bytes(pad - 3) + b"\x75" + code
    assert len(code) == size
    prevout = fund(wallet, sc.p2wsh(code))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    tx.vin[0].witness = [code]
    got = node.submitblock(Chain.of(node).next([tx]).hex())
    assert got == (None if allowed
                   else "mandatory-script-verify-flag-failed (Script is too big)")
    wallet.rescan()


def test_wrong_witness_program_lengths(node, wallet):
    """Version 0 must have 20 or 32 bytes; higher versions are open for forks."""
    cases = [(b"\x00\x13" + b"\x01" * 19, "Witness program has incorrect length"),
             (b"\x52\x20" + b"\x01" * 32, None), (b"\x60\x02" + b"\x01" * 2, None)]
    chain = Chain.of(node)
    parent = wallet.create(confirmed_only=True, fee=5_000, extra_outputs=[
        TxOut(5_000, c) for c, _ in cases])
    assert node.submitblock(chain.append(chain.next([parent])).hex()) is None
    for i, (_, error) in enumerate(cases):
        tx = Tx([TxIn(OutPoint(parent.txid, i + 1))], [TxOut(4_000, b"\x51")])
        tx.vin[0].witness = [b"\x01"]
        reason = node.getblocktemplate({"mode": "proposal", "rules": ["segwit"],
                                        "data": chain.next([tx]).hex()})
        assert reason == (f"mandatory-script-verify-flag-failed ({error})"
                          if error else None)
        accept = node.testmempoolaccept([tx.hex()], 0)[0]
        assert accept["allowed"] is False
    wallet.rescan()


def test_uncompressed_keys_are_not_standard(node, wallet):
    big = Key(KEY.secret, compressed=False)
    prevout = fund(wallet, sc.p2wpkh(big.pubkey))
    tx = Tx([TxIn(prevout)], [TxOut(90_000, wallet.script_pubkey)])
    sighash.sign_p2wpkh(tx, 0, big, 100_000)
    accept = node.testmempoolaccept([tx.hex()], 0)[0]
    assert accept["reject-reason"] == (
        "non-mandatory-script-verify-flag (Using non-compressed keys in segwit)")
    reason = node.getblocktemplate({"mode": "proposal", "rules": ["segwit"],
                                    "data": Chain.of(node).next([tx]).hex()})
    assert reason is None


def test_p2sh_wrapped_witness(node, wallet, peer):
    inner = sc.p2wpkh(KEY.pubkey)
    prevout = fund(wallet, sc.p2sh(inner))
    tx = Tx([TxIn(prevout, sc.push(inner))], [TxOut(90_000, wallet.script_pubkey)])
    sighash.sign_p2wpkh(tx, 0, KEY, 100_000)
    extra = tx.copy()
    extra.vin[0].script_sig = b"\x51" + extra.vin[0].script_sig
    reason = node.getblocktemplate({"mode": "proposal", "rules": ["segwit"],
                                    "data": Chain.of(node).next([extra]).hex()})
    assert reason == ("mandatory-script-verify-flag-failed (Witness requires "
                      "only-redeemscript scriptSig)")
    peer.send_txs([tx], node)
    wallet.generate(1)


def test_superfluous_witness_encoding_is_refused(node, wallet, peer):
    """Marker and flag without a witness: the message does not decode."""
    tx = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True, keep=True)])
    raw = bytearray(tx.serialize(witness=False))
    raw[4:4] = b"\x00\x01"
    raw[-4:-4] = b"\x00" * len(tx.vin)
    start = node.log_size()
    peer.send(Raw("tx", bytes(raw)))
    node.wait_log(f"ProcessMessages(tx, {len(raw)} bytes): Exception 'Superfluous witness "
                  "record' ", start)
    unknown = bytearray(tx.serialize())
    unknown[5] = 3
    start = node.log_size()
    peer.send(Raw("tx", bytes(unknown)))
    node.wait_log(f"ProcessMessages(tx, {len(unknown)} bytes): Exception 'Unknown "
                  "transaction optional data' ", start)
    peer.sync()


def test_announcements_follow_wtxidrelay(node, wallet):
    node.disconnect_peers()
    modern = node.add_peer()
    old = node.add_peer(wtxidrelay=False)
    tx = wallet.send(confirmed_only=True)
    node.advance(120)
    modern.wait(lambda p: tx.wtxid_bytes in p.announced(MSG_WTX))
    old.wait(lambda p: tx.txid_bytes in p.announced(MSG_TX))
    assert not old.announced(MSG_WTX) and not modern.announced(MSG_TX)
    old.clear()
    old.send(GetData([Inv(MSG_WITNESS_TX, tx.txid_bytes)]))
    assert old.wait_for("tx").tx.has_witness()
    wallet.generate(1)


def test_blocks_are_not_fetched_from_peers_without_witness(node):
    node.disconnect_peers()
    peer = node.add_peer(RelayPeer, services=NODE_NETWORK)
    block = Chain.of(node).next(extra=b"\x03")
    peer.send(Headers([block]))
    peer.sync()
    assert not any(i.hash == block.hash_bytes for m in peer.received("getdata")
                   for i in m.items)


def test_commitment_nonce_is_free(node):
    """The 32 reserved bytes may have any value as long as the commitment fits."""
    chain = Chain.of(node)
    block = chain.next()
    add_witness_commitment(block, nonce=b"\x42" * 32)
    assert node.submitblock(resolve(block).hex()) is None
