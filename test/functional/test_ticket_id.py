"""PastelIDs and the first kinds of ticket, end to end: keys, registration over RPC, every rule
and its reason, conflicts, reorganisations, restarts, and proofs a second program can check.

Tickets that a wallet would never make are built and signed here by hand.
"""
import os
import struct

from framework import fixtures
from framework import script as sc
from framework import ticket
from framework.blocks import STATE_MAGIC, Chain, create_coinbase
from framework.codec import compact_size
from framework.ed448 import Key as Ed448
from framework.hashes import hash256, sha3
from framework.key import Key
from framework.node import sync_blocks
from framework.params import OCHRE
from framework.primitives import TxOut
from framework.rpc import expect_error
from framework.util import wait_until

BURN = 10 * OCHRE.coin
OWNER = Key.from_seed("owner of an identity")
OWNER_SCRIPT = sc.p2wpkh(OWNER.pubkey)
PASS = "correct horse"


node = fixtures.node()
wallet = fixtures.mini_wallet(130)


def genesis_hash(node):
    return bytes.fromhex(node.getblockhash(0))[::-1]


def outpoint_bytes(utxo):
    return bytes.fromhex(utxo.txid)[::-1] + struct.pack("<I", utxo.vout)


def id_payload(node, key, utxo, owner=OWNER_SCRIPT, tag="ochre/id/owner", genesis=None):
    """Payload of an id ticket, signed for a transaction whose input 0 is utxo."""
    body = ticket.MAGIC + b"\x01\x01" + key.public + compact_size(len(owner)) + owner
    h = ticket.ticket_hash(genesis or genesis_hash(node), tag, outpoint_bytes(utxo) + body)
    return body + key.sign(h)


def carry(wallet, payload, utxo, burn=BURN, fee=2000, more=()):
    """A signed transaction that spends utxo and carries the payload."""
    outputs = [TxOut(burn, ticket.carrier(payload)), *more]
    return wallet.create(utxos=[utxo], extra_outputs=outputs, fee=fee)


def block_with(node, txs, **kwargs):
    chain = Chain.of(node)
    return chain.next(txs, fees=kwargs.pop("fees", 0), **kwargs)


def refused_everywhere(node, tx, reason):
    """Mempool and block give the same verdict, and nothing changes."""
    root, tip = node.getstateroot(), node.getbestblockhash()
    verdict = node.testmempoolaccept([tx.hex()])[0]
    assert verdict["allowed"] is False and verdict["reject-reason"] == reason, verdict
    assert node.submitblock(block_with(node, [tx]).hex()) == reason
    assert (node.getstateroot(), node.getbestblockhash()) == (root, tip)


# --- keys -----------------------------------------------------------------------------------

def test_keys(lab):
    node, other = lab.node(), lab.node()
    name = node.pastelid("newkey", PASS)["pastelid"]
    assert len(name) == 86 and name.startswith("jX")
    assert [k["pastelid"] for k in node.pastelid("list")] == [name]
    sig = node.pastelid("sign", "a text", name, PASS)["signature"]
    assert node.pastelid("verify", "a text", sig, name) == {"verification": "OK"}
    assert node.pastelid("verify", "A text", sig, name) == {"verification": "Failed"}
    assert other.pastelid("verify", "612074657874", sig, name, "hex") == {"verification": "OK"}

    expect_error(-14, "passphrase", node.pastelid, "sign", "a text", name, "wrong")
    expect_error(-8, "32 bytes", node.pastelid, "sign", "x" * 32, name, PASS)
    expect_error(-5, "PastelID", node.pastelid, "sign", "a text", name[:-1], PASS)
    expect_error(-5, "pastelid list", other.pastelid, "sign", "a text", name, PASS)
    expect_error(-8, "empty", node.pastelid, "newkey", "")
    expect_error(-8, "Unknown command", node.pastelid, "frobnicate")
    expect_error(-8, "Usage", node.pastelid, "sign", "a text")

    node.pastelid("passwd", name, PASS, "new")
    expect_error(-14, None, node.pastelid, "sign", "a text", name, PASS)
    key = node.pastelid("export", name)["key"]
    expect_error(-14, None, other.pastelid, "import", key, PASS)
    expect_error(-22, None, other.pastelid, "import", key[:-2], "new")
    assert other.pastelid("import", key, "new")["pastelid"] == name
    expect_error(-36, None, other.pastelid, "import", key, "new")
    assert other.pastelid("sign", "a text", name, "new")["signature"] == sig

    path = node.path("pastelkeys", name)
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, "r+b") as f:
        f.seek(150)
        f.write(b"spoiled")
    expect_error(-14, None, node.pastelid, "sign", "a text", name, "new")
    with open(path, "r+b") as f:
        f.truncate(100)
    expect_error(-22, "backup", node.pastelid, "sign", "a text", name, "new")


# --- registration over RPC --------------------------------------------------------------------

def pay_owner(node, wallet, value):
    tx, n = wallet.send_to(OWNER_SCRIPT, value)
    wallet.generate(1)
    return {"txid": tx.txid, "vout": n}


def test_register(node, wallet, module_lab):
    name = node.pastelid("newkey", PASS)["pastelid"]
    address = OWNER.p2wpkh(OCHRE)
    address = address if isinstance(address, str) else node.decodescript(OWNER_SCRIPT.hex())["address"]
    fields = {"pastelid": name, "passphrase": PASS, "owner_address": address,
              "inputs": [pay_owner(node, wallet, 50 * OCHRE.coin)],
              "privkeys": [OWNER.wif(OCHRE)]}

    for change, code, text in (
            ({"passphrase": "wrong"}, -14, "passphrase"),
            ({"privkeys": []}, -5, "privkeys"),
            ({"inputs": []}, -8, "inputs"),
            ({"inputs": [{"txid": "11" * 32, "vout": 0}]}, -5, "not an unspent output"),
            ({"owner_address": "nonsense"}, -8, "owner_address"),
            ({"pastelid": "jX"}, -8, "pastelid"),
            ({"burn": 1}, -8, "burn"),
            ({"burn": 60}, -6, "Insufficient funds"),
            ({"extra": 1}, -8, "extra"),
            ({"fee_rate": 0}, -8, "fee_rate")):
        expect_error(code, text, node.tickets, "register", "id", {**fields, **change})
    expect_error(-8, "kind", node.tickets, "register", "nokind", fields)

    dry = node.tickets("register", "id", {**fields, "dry_run": True})
    assert dry["allowed"] is True and node.getrawmempool() == []
    decoded = node.tickets("decode", dry["hex"])
    assert decoded["ticket"]["pastelid"] == name
    assert decoded["ticket"]["owner_address"] == address

    sent = node.tickets("register", "id", fields)
    assert OCHRE.units(sent["burned"]) == BURN
    assert node.getrawmempool() == [sent["txid"]]
    assert node.tickets("get", sent["txid"])["confirmations"] == 0
    assert node.tickets("find", "id", name) == []
    chain = Chain.of(node)
    wallet.generate(1)
    chain.follow(node)
    assert node.getstateroot() == chain.root.hex()
    assert node.getstateroot(chain.height - 1) == chain.states[-2].root().hex()
    expect_error(-8, "out of range", node.getstateroot, chain.height + 1)

    found = node.tickets("get", sent["txid"])
    assert found["height"] == chain.height and found["blockhash"] == chain.tip.hash
    assert node.tickets("find", "id", name) == [found]
    assert found in node.tickets("find", "id", address)
    assert found in node.tickets("list", "id", "mine")
    assert node.tickets("list", "id", "all", chain.height + 1) == []
    listed = {k["pastelid"]: k for k in node.pastelid("list")}
    assert listed[name]["registered"] and listed[name]["height"] == chain.height
    burned = node.getburninfo()
    assert OCHRE.units(burned["total_burned"]) >= BURN
    assert burned["kinds"][0]["kind"] == "id"
    supply = node.getsupplyinfo()
    assert supply["circulating"] == supply["created"] - supply["burned"]
    created = sum(OCHRE.max_coinbase(h) for h in range(1, chain.height + 1))
    assert OCHRE.units(supply["created"]) == created

    expect_error(-26, "ticket-state-id-taken", node.tickets, "register", "id",
                 {**fields, "inputs": [pay_owner(node, wallet, 50 * OCHRE.coin)]})

    # a second node learns of it from the chain alone, and from then on from its index
    other = module_lab.node()
    other.connect(node)
    sync_blocks([node, other])
    assert other.tickets("find", "id", name)[0]["txid"] == sent["txid"]
    assert other.getstateroot() == node.getstateroot()
    other.restart()
    assert other.tickets("get", sent["txid"])["height"] == found["height"]
    other.stop()


def check_path(proof):
    """The proof against the root, with nothing but the format of doc/spec/state.md."""
    raw, key = bytes.fromhex(proof["proof"]), bytes.fromhex(proof["key"])
    path = sha3(key)
    kind, n = raw[0], struct.unpack_from("<H", raw, 1)[0]
    at = 3 + (n + 7) // 8
    siblings = []
    for i in range(n):
        if raw[3 + i // 8] & 0x80 >> i % 8:
            siblings.append(raw[at:at + 32])
            at += 32
        else:
            siblings.append(bytes(32))
    if kind == 0:
        node = bytes(32)
    elif kind == 1:
        node = sha3(b"\x00" + path + sha3(bytes.fromhex(proof["value"])))
    else:
        assert raw[at:at + 32] != path
        node = sha3(b"\x00" + raw[at:])
    for i in reversed(range(n)):
        right = path[i // 8] >> 7 - i % 8 & 1
        node = sha3(b"\x01" + (siblings[i] + node if right else node + siblings[i]))
    assert node.hex() == proof["root"]


def check_commitment(proof):
    """The root stands in the coinbase, the coinbase in the block, the block below its header."""
    c = proof["commitment"]
    coinbase, header = bytes.fromhex(c["coinbase"]), bytes.fromhex(c["header"])
    node = hash256(coinbase)
    for sibling in c["branch"]:
        node = hash256(node + bytes.fromhex(sibling))
    assert node == header[36:68]
    assert hash256(header)[::-1].hex() == c["blockhash"]
    assert coinbase.count(STATE_MAGIC + bytes.fromhex(proof["root"])) == 1


def test_proofs(node, wallet):
    key = Ed448.from_seed("proved")
    utxo = wallet.get_utxo(confirmed_only=True)
    tx = carry(wallet, id_payload(node, key, utxo), utxo)
    wallet.broadcast(tx)
    wallet.generate(1)
    before = node.getstateproof((b"i" + key.public).hex())
    assert before["value"] is None, "the tip's coinbase does not know the tip's tickets"
    wallet.generate(1)
    name = ticket.pastelid_text(key.public)
    for asked, present in (((b"i" + key.public).hex(), True), (name, True),
                           (b"B".hex(), True), (b"nothing".hex(), False), ("00", False)):
        proof = node.getstateproof(asked)
        assert (proof["value"] is not None) == present
        check_path(proof)
        check_commitment(proof)
        shown = node.verifystateproof(proof["root"], asked, proof["proof"])
        assert shown["valid"] and shown["present"] == present
        assert shown.get("value") == proof["value"]
        assert node.verifystateproof("11" * 32, asked, proof["proof"]) == {"valid": False}
        assert node.verifystateproof(proof["root"], "01", proof["proof"]) == {"valid": False}
    assert proof["root"] == node.getstateroot(node.getblockcount() - 1)
    expect_error(-8, "key", node.getstateproof, "")
    expect_error(-8, "key", node.getstateproof, "xyz")
    expect_error(-8, "root", node.verifystateproof, "00", "00", "00")


# --- rules --------------------------------------------------------------------------------------

def test_signature_binds(node, wallet):
    """One network, one kind, one role, one transaction; every bit of the payload."""
    key = Ed448.from_seed("binding")
    utxo, other = wallet.get_utxos(2)
    good = id_payload(node, key, utxo)
    refused_everywhere(node, carry(wallet, good, other), "ticket-signature")
    for tag in ("ochre/id/user", "ochre/id-revoke/owner"):
        bad = id_payload(node, key, utxo, tag=tag)
        refused_everywhere(node, carry(wallet, bad, utxo), "ticket-signature")
    elsewhere = bytes(range(32))
    bad = id_payload(node, key, utxo, genesis=elsewhere)
    refused_everywhere(node, carry(wallet, bad, utxo), "ticket-signature")
    head = 6 + 57
    for at in (6, 40, head + 5, len(good) - 114, len(good) - 20):
        bad = bytearray(good)
        bad[at] ^= 1
        refused_everywhere(node, carry(wallet, bytes(bad), utxo), "ticket-signature")
    block = block_with(node, [carry(wallet, good, utxo, fee=2000)])
    assert node.submitblock(block.hex()) is None
    wallet.rescan()
    assert node.getstateroot() == Chain.of(node).root.hex()


def test_burn(node, wallet):
    key = Ed448.from_seed("burning")
    utxo = wallet.get_utxo(confirmed_only=True)
    payload = id_payload(node, key, utxo)
    refused_everywhere(node, carry(wallet, payload, utxo, burn=BURN - 1), "ticket-burn")
    total = OCHRE.units(node.getburninfo()["total_burned"])
    wallet.broadcast(carry(wallet, payload, utxo, burn=BURN))
    wallet.generate(1)
    assert OCHRE.units(node.getburninfo()["total_burned"]) == total + BURN


def test_malformed(node, wallet):
    key = Ed448.from_seed("malformed")
    utxo = wallet.get_utxo(confirmed_only=True)
    good = id_payload(node, key, utxo)
    body = good[:6 + 57]
    for payload in (good[:-1], good + b"\x00", good[:6], body,
                    body + b"\x16\x51\x14" + b"\x11" * 20 + good[-114:],      # witness v1, 20
                    body + b"\x01\x51" + good[-114:],                         # OP_TRUE
                    body + b"\xfd\x16\x00" + OWNER_SCRIPT + good[-114:],      # long length
                    body + b"\x2b" + b"\x00" * 43 + good[-114:]):
        refused_everywhere(node, carry(wallet, payload, utxo), "ticket-malformed")
    two = carry(wallet, good, utxo, more=[TxOut(0, ticket.carrier(b"OCHR\x09\x09"))])
    verdict = node.testmempoolaccept([two.hex()])[0]
    assert verdict["allowed"] is False
    assert node.submitblock(block_with(node, [two]).hex()) == "ticket-multiple"
    coinbase = create_coinbase(OCHRE, node.getblockcount() + 1)
    coinbase.vout.append(TxOut(0, ticket.carrier(b"OCHR\x09\x09")))
    chain = Chain.of(node)
    assert node.submitblock(chain.next(coinbase=coinbase).hex()) == "ticket-coinbase"
    wallet.rescan()


def test_unknown_carriers(node, wallet):
    """Valid, without meaning, and not relayed; what is no carrier is an ordinary OP_RETURN."""
    root_of = lambda: node.getburninfo()["total_burned"]
    burned = root_of()
    for payload in (b"OCHR\x01\x7f" + b"x" * 500, b"OCHR\x02\x01", b"OCHR\x00\x01"):
        utxo = wallet.get_utxo(confirmed_only=True)
        tx = carry(wallet, payload, utxo, burn=1000)
        verdict = node.testmempoolaccept([tx.hex()])[0]
        assert verdict["allowed"] is False, verdict
        assert node.submitblock(block_with(node, [tx]).hex()) is None
        expect_error(-5, None, node.tickets, "get", tx.txid)
    assert root_of() == burned
    utxo = wallet.get_utxo(confirmed_only=True)
    plain = wallet.create(utxos=[utxo], extra_outputs=[TxOut(0, b"\x6a\x04OCHR")], fee=2000)
    assert node.testmempoolaccept([plain.hex()])[0]["allowed"]
    decoded = node.tickets("decode", b"OCHR\x02\x01".hex())
    assert decoded["known"] is False and decoded["version"] == 2
    wallet.rescan()


# --- conflicts, reorganisations, restarts ---------------------------------------------------------

def test_two_in_one_block(node, wallet):
    key = Ed448.from_seed("twice in a block")
    utxos = wallet.get_utxos(2)
    txs = [carry(wallet, id_payload(node, key, u), u) for u in utxos]
    assert node.submitblock(block_with(node, txs).hex()) == "ticket-state-id-taken"
    for tx in txs:
        assert node.testmempoolaccept([tx.hex()])[0]["allowed"]
    assert node.submitblock(block_with(node, txs[1:]).hex()) is None
    refused_everywhere(node, txs[0], "ticket-state-id-taken")
    wallet.rescan()


def test_claims_replace(node, wallet):
    """Pending tickets of one name conflict like spends of one coin."""
    key = Ed448.from_seed("claimed")
    a, b = wallet.get_utxos(2)
    first = carry(wallet, id_payload(node, key, a), a, fee=3000)
    poor = carry(wallet, id_payload(node, key, b), b, fee=3000)
    rich = carry(wallet, id_payload(node, key, b), b, fee=9000)
    node.sendrawtransaction(first.hex())
    expect_error(-26, "insufficient fee", node.sendrawtransaction, poor.hex())
    node.sendrawtransaction(rich.hex())
    assert node.getrawmempool() == [rich.txid]
    # a block decides for the other one: the pending ticket is invalid now and leaves
    assert node.submitblock(block_with(node, [first]).hex()) is None
    wait_until(lambda: node.getrawmempool() == [])
    wallet.rescan()


def test_reorg(node, wallet):
    key = Ed448.from_seed("reorganised")
    name = ticket.pastelid_text(key.public)
    utxo = wallet.get_utxo(confirmed_only=True)
    roots = {node.getblockcount(): node.getstateroot()}
    burned = node.getburninfo()["total_burned"]
    tx = carry(wallet, id_payload(node, key, utxo), utxo)
    wallet.broadcast(tx)
    fork = node.getblockcount() + 1
    for _ in range(3):
        wallet.generate(1)
        roots[node.getblockcount()] = node.getstateroot()
    tip, block = node.getblockcount(), node.getblockhash(fork)
    node.invalidateblock(block)
    assert node.getstateroot() == roots[fork - 1]
    assert node.tickets("find", "id", name) == []
    assert node.getburninfo()["total_burned"] == burned
    assert node.tickets("get", tx.txid)["confirmations"] == 0, "back in the mempool"
    node.reconsiderblock(block)
    assert node.getblockcount() == tip
    assert node.getstateroot() == roots[tip]
    for height, root in roots.items():
        assert node.getstateroot(height) == root
    assert node.tickets("find", "id", name)[0]["height"] == fork
    # a branch without the ticket wins: the ticket waits again, and gets in on the other branch
    node.invalidateblock(block)
    chain = Chain.of(node)
    for b in chain.mine(count=1):
        assert node.submitblock(b.hex()) is None
    assert node.tickets("find", "id", name) == []
    wallet.generate(1)
    assert node.tickets("find", "id", name)[0]["height"] == fork + 1
    node.reconsiderblock(block)
    assert node.getstateroot() == roots[tip] and node.getblockcount() == tip
    assert node.tickets("find", "id", name)[0]["height"] == fork
    wallet.rescan()


def test_restart_and_reindex(node, wallet):
    before = (node.getstateroot(), node.getbestblockhash(), node.getburninfo(),
              node.tickets("list", "id"))
    assert len(before[3]) >= 5
    for options in ((), ("-reindex-chainstate",), ("-reindex",)):
        node.stop()
        node.start(*options)
        wait_until(lambda: node.getbestblockhash() == before[1])
        after = (node.getstateroot(), node.getbestblockhash(), node.getburninfo(),
                 node.tickets("list", "id"))
        assert after == before, options
    node.kill()
    node.start()
    wait_until(lambda: node.getbestblockhash() == before[1])
    assert node.getstateroot() == before[0]
    assert node.tickets("list", "id") == before[3]


def test_template_leaves_out_what_fails(node, wallet):
    key = Ed448.from_seed("in a template")
    utxo = wallet.get_utxo(confirmed_only=True)
    tx = carry(wallet, id_payload(node, key, utxo), utxo)
    wallet.broadcast(tx)
    template = node.getblocktemplate({"rules": ["segwit"]})
    assert tx.txid in [t["txid"] for t in template["transactions"]]
    assert template["state_root"] == node.getstateroot()
    needed = template["coinbase_required_outputs"]
    assert [o["script"] for o in needed] == [(STATE_MAGIC + bytes.fromhex(node.getstateroot())).hex()]
    wallet.generate(1)
    assert node.getrawmempool() == []


# --- id-revoke ----------------------------------------------------------------------------------

def test_revoke(node, wallet):
    key = Ed448.from_seed("revoked")
    name = ticket.pastelid_text(key.public)
    utxo = wallet.get_utxo(confirmed_only=True)
    payload = b"OCHR\x01\x06" + key.public

    def verdict(tx):
        return node.testmempoolaccept([tx.hex()])[0].get("reject-reason")

    assert verdict(carry(wallet, payload, utxo, burn=0)) == "ticket-state-id-unknown"
    wallet.broadcast(carry(wallet, id_payload(node, key, utxo), utxo))
    wallet.generate(1)
    stranger = wallet.get_utxo(confirmed_only=True)
    assert verdict(carry(wallet, payload, stranger, burn=0)) == "ticket-state-id-not-owner"
    fields = {"pastelid": name, "inputs": [pay_owner(node, wallet, 5 * OCHRE.coin)],
              "privkeys": [OWNER.wif(OCHRE)]}
    sent = node.tickets("register", "id-revoke", fields)
    assert sent["burned"] == 0
    root = node.getstateroot()
    block = wallet.generate(1)[0]
    proof = lambda: node.getstateproof(name)["value"]
    wallet.generate(1)
    assert proof().endswith("01")
    assert [t["kind"] for t in node.tickets("find", "id-revoke", name)] == ["id-revoke"]
    wallet.rescan()
    utxo = wallet.get_utxo(confirmed_only=True)
    again = carry(wallet, id_payload(node, key, utxo), utxo)
    assert verdict(again) == "ticket-state-id-taken"
    expect_error(-26, "ticket-state-id-revoked", node.tickets, "register", "id-revoke",
                 {**fields, "inputs": [pay_owner(node, wallet, 5 * OCHRE.coin)]})
    node.invalidateblock(block)
    assert node.getstateroot() == root
    node.reconsiderblock(block)


def test_networks_without_tickets(lab):
    from framework.params import BITCOIN
    node = lab.node(params=BITCOIN)
    expect_error(-1, "no tickets", node.tickets, "list", "id")
    expect_error(-1, "No block commits", node.getstateproof, "00")
    assert node.getstateroot() == "00" * 32
