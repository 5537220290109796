"""Tickets over RPC as users and operators make them: cost, collected signatures, registration
with what it pays, reports of a quorum, fees of the network; and every bad argument by name."""
import json
import subprocess
from decimal import Decimal

import pytest

from framework import script as sc
from framework import ticket
from framework.hashes import sha3
from framework.key import Key
from framework.node import program
from framework.params import OCHRE
from framework.rpc import expect_error
from framework.ticket_lab import (MEGABYTE, TicketLab, btns_key, factor, least_burn,
                                  lower_median, price)

PASS = "correct horse"
PAYER = Key.from_seed("payer of tickets")


@pytest.fixture(scope="module")
def lab(module_lab):
    return TicketLab(module_lab)


@pytest.fixture(scope="module")
def user(lab):
    """A PastelID whose key lies on the node."""
    name = lab.node.pastelid("newkey", PASS)["pastelid"]
    lab.node.tickets("register", "id", {"pastelid": name, "passphrase": PASS,
                                        "owner_address": lab.wallet.address, **pay(lab)})
    lab.judge.sync()
    mine(lab)
    return name


def mine(lab):
    lab.mine()
    lab.judge.sync()


def pay(lab, value=100 * OCHRE.coin):
    """Options: a confirmed coin and the key that spends it."""
    tx, n = lab.wallet.send_to(sc.p2wpkh(PAYER.pubkey), value)
    mine(lab)
    return {"inputs": [{"txid": tx.txid, "vout": n}], "privkeys": [PAYER.wif(OCHRE)]}


def storage_fields(user, **changes):
    return {"request_identifier": sha3(b"rpc").hex(), "pastelid": user,
            "sha3_256_hash_of_file": sha3(b"file").hex(), "file_size_in_megabytes": 2.5,
            "maximum_psl_fee_for_storage": 10, "desired_redundancy_per_rq_symbol_file": 6,
            "desired_rq_symbol_files_to_original_data_ratio": 12,
            "external_storage_sending_address": PAYER.p2wpkh(OCHRE),
            "kademlia_index_sha3_256_hash": sha3(b"index").hex(), **changes}


def sense_fields(user, **changes):
    return {"request_identifier": sha3(b"rpc sense").hex(), "pastelid": user,
            "sha3_256_hash_of_image": sha3(b"image").hex(),
            "maximum_psl_fee_for_external_dupe_detection": 10,
            "external_dupe_detection_sending_address": PAYER.p2wpkh(OCHRE),
            "kademlia_index_sha3_256_hash": sha3(b"index").hex(), **changes}


def committee_json(lab, height):
    return {"height": height, "blockhash": lab.node.getblockhash(height)}


def own_signatures(lab, kind, fields, height):
    """What the three best sign, by hand: each field given as the node would complete it."""
    t = ticket.decode(bytes.fromhex(fields))
    return [o.id.sign(t.hash(lab.genesis, f"sig{i}")).hex()
            for i, o in enumerate(lab.committee(height)[:3])]


def test_storagefee(lab):
    node, height = lab.node, lab.node.getblockcount()
    c = lab.committee(height)
    shown = node.storagefee("getnetworkfee")
    assert shown["height"] == height and shown["supernodes"] == 10
    assert lab.params.units(shown["networkfee"]) == lower_median([o.storage_fee for o in c])
    assert lab.params.units(shown["sensefee"]) == lower_median([o.sense_fee for o in c])
    assert node.storagefee("getnetworkfee", height - 1)["height"] == height - 1
    assert node.storagefee("getmultiplier", 12, 6) == 1
    assert node.storagefee("getmultiplier", "1.2", 1) == Decimal("0.05")
    size = 7 * MEGABYTE + 1
    paid = 3 * price(lower_median([o.storage_fee for o in c]), factor(20000, 10), size)
    shown = node.storagefee("estimate", size, 20, 10)
    assert lab.params.units(shown["paid"]) == paid
    assert lab.params.units(shown["burned"]) == least_burn(paid, paid)
    assert shown["total"] == shown["paid"] + shown["burned"]
    for args in (("getmultiplier", 1.1999, 6), ("getmultiplier", 1.1, 6),
                 ("getmultiplier", 12, 21), ("getmultiplier", 12, 1.5),
                 ("estimate", 0, 12, 6), ("estimate", 2 ** 39 + 1, 12, 6),
                 ("getnetworkfee", height + 1), ("getnetworkfee", "x"), ("nothing",)):
        expect_error(-8, None, node.storagefee, *args)
    expect_error(-1, "no active supernode", node.storagefee, "getnetworkfee", 1)


def test_cost(lab):
    """Only what the price depends on is needed."""
    node = lab.node
    height = node.getblockcount() - 6
    shares = [price(o.storage_fee, factor(), 5 * MEGABYTE) for o in lab.committee(height)[:3]]
    shown = node.tickets("cost", "storage", {
        "file_size": 5 * MEGABYTE, "desired_redundancy_per_rq_symbol_file": 6,
        "desired_rq_symbol_files_to_original_data_ratio": 12})
    assert [lab.params.units(p["amount"]) for p in shown["payments"]] == shares
    assert [p["supernode"] for p in shown["payments"]] == \
        [o.sn[::-1].hex() for o in lab.committee(height)[:3]]
    assert lab.params.units(shown["paid"]) == sum(shares)
    assert shown["total"] == shown["paid"] + shown["burned"]
    due, least = lab.space_payments(height, 10 * MEGABYTE)
    shown = node.tickets("cost", "snft-mint", {"quota": 10 * MEGABYTE})
    assert lab.params.units(shown["burned"]) == least
    assert lab.params.units(shown["paid"]) == sum(o.value for o in due)
    assert node.tickets("cost", "id", {})["total"] == 10
    assert node.tickets("cost", "sense", {})["paid"] > 0
    expect_error(-8, "committee", node.tickets, "cost", "sense",
                 {"committee": committee_json(lab, 1)})
    expect_error(-8, "kinds are", node.tickets, "cost", "nothing", {})
    expect_error(-8, "Unexpected key nonsense", node.tickets, "cost", "sense", {"nonsense": 1})


@pytest.mark.parametrize("kind,fields_of", [("storage", storage_fields),
                                            ("sense", sense_fields)])
def test_service(lab, user, kind, fields_of):
    """The user asks what it will be, the three sign that, and it is sent with theirs."""
    node = lab.node
    height = node.getblockcount() - 6
    fields = fields_of(user, committee=committee_json(lab, height), passphrase=PASS, **pay(lab))
    expect_error(-5, "no key of PastelID", node.tickets, "register", kind, fields)
    for o in lab.committee(height)[:3]:
        expect_error(-5, "No key", node.tickets, "sign", kind, fields, "sn")
        break
    nobody = ["00" * 113 + "01"] * 3
    draft = node.tickets("register", kind, {**fields, "dry_run": True,
                                            "supernode_signatures": nobody})
    assert draft["allowed"] is False and draft["reject-reason"] == "ticket-signature"
    payload = node.tickets("decode", draft["hex"])["payload"]
    sigs = own_signatures(lab, kind, payload, height)
    fields["supernode_signatures"] = sigs
    dry = node.tickets("register", kind, {**fields, "dry_run": True})
    assert dry["allowed"] is True, dry
    expect_error(-14, "passphrase", node.tickets, "register", kind,
                 {**fields, "passphrase": "wrong"})
    sent = node.tickets("register", kind, fields)
    mine(lab)
    shown = node.tickets("get", sent["txid"])["ticket"]
    assert shown["supernode_signatures"] == sigs
    assert lab.params.units(shown["effective_total_fee_paid_by_user_in_psl"]) == \
        lab.params.units(sent["paid"] + sent["burned"])
    again = {k: v for k, v in shown.items() if not k.endswith("_script")}
    expect_error(-26, "request-used", node.tickets, "register", kind, {**again, **pay(lab)})
    if kind == "storage":
        assert shown["file_size_in_megabytes"] == Decimal("2.5")
        assert shown["file_size"] == 2.5 * MEGABYTE


def test_users_and_supernodes_on_one_node(lab, user):
    """The committee's keys lie here: tickets sign makes the signatures."""
    node = lab.node
    height = node.getblockcount() - 6
    fields = sense_fields(user, committee=committee_json(lab, height),
                          request_identifier=sha3(b"by role").hex())
    coin = pay(lab)
    made = node.tickets("sign", "sense", {**fields, "inputs": coin["inputs"],
                                          "passphrase": PASS}, "user")
    assert len(made) == 1 and len(made[0]["signature"]) == 228
    expect_error(-8, "inputs", node.tickets, "sign", "sense", {**fields, "passphrase": PASS},
                 "user")
    expect_error(-8, 'no role "operator"', node.tickets, "sign", "sense", fields, "operator")


def test_bad_fields(lab, user):
    node = lab.node
    coin = pay(lab)
    good = storage_fields(user, passphrase=PASS, **coin)
    for change, code, text in (
            ({"file_size_in_megabytes": "2.5"}, -8, "file_size"),
            ({"file_size_in_megabytes": -1}, -8, "file_size"),
            ({"file_size_in_megabytes": Decimal("0.0000001")}, -8, "file_size"),
            ({"maximum_psl_fee_for_storage": "much"}, -8, "maximum_psl_fee_for_storage"),
            ({"maximum_psl_fee_for_storage": Decimal("0.000001")}, -8, "maximum_psl"),
            ({"desired_rq_symbol_files_to_original_data_ratio": Decimal("1.2345")}, -8,
             "desired_rq_symbol_files"),
            ({"sha3_256_hash_of_file": "00"}, -8, "sha3_256_hash_of_file"),
            ({"supernodes": []}, -8, "supernodes"),
            ({"supernodes": ["11" * 32] * 3}, -8, "supernodes"),
            ({"supernode_signatures": ["00"]}, -8, "supernode_signatures"),
            ({"external_storage_sending_address": "x"}, -8, "external_storage_sending"),
            ({"committee": {"height": 1}}, -8, "committee"),
            ({"burn": 0}, -8, "burn"),
            ({"request_identifier": None}, -8, "request_identifier")):
        expect_error(code, text, node.tickets, "register", "storage", {**good, **change})


def test_snft(lab):
    """From mint to sync over RPC alone."""
    node = lab.node
    first, second = btns_key("rpc first"), btns_key("rpc second")
    sent = node.snft("mint", {"name": "over RPC", "quota": 2 * MEGABYTE, "meta_cid": "",
                              "btns_key": first.public.hex(), "btns_privkey": first.seed.hex(),
                              **pay(lab)})
    mine(lab)
    token = node.snft("get", sent["txid"])
    assert token["name"] == "over RPC" and token["anchor"]["vout"] == 1
    assert token["owner_address"] == PAYER.p2wpkh(OCHRE)

    coin = pay(lab)
    with_anchor = {**coin, "inputs": [token["anchor"], *coin["inputs"]]}
    expect_error(-26, "ticket-state-token-not-spent", node.snft, "upgrade",
                 {"token": sent["txid"], "quota": 3 * MEGABYTE, **coin})
    node.snft("upgrade", {"token": sent["txid"], "quota": 3 * MEGABYTE, **with_anchor})
    mine(lab)
    token = node.snft("get", sent["txid"])
    assert token["quota"] == 3 * MEGABYTE

    coin = pay(lab)
    buyer = Key.from_seed("buyer over RPC").p2wpkh(OCHRE)
    fields = {"token": sent["txid"], "btns_key": second.public.hex(), "token_address": buyer,
              **coin, "inputs": [token["anchor"], *coin["inputs"]]}
    expect_error(-5, "btns_privkey", node.snft, "register",
                 {**fields, "btns_privkey": first.seed.hex()})
    node.snft("register", {**fields, "btns_privkey": second.seed.hex()})
    mine(lab)
    assert node.snft("owner", sent["txid"])["owner_address"] == buyer
    assert [t["token"] for t in node.snft("list", buyer)] == [sent["txid"]]
    assert sent["txid"] in [t["token"] for t in node.snft("list")]

    height = node.getblockcount() - 6
    report = {"token": sent["txid"], "sequence": 3, "used": MEGABYTE, "cid": "0102"}
    fields = {"committee": committee_json(lab, height), "reports": [report]}
    made = node.tickets("sign", "snft-sync", {**fields, "btns_privkey": second.seed.hex()},
                        "record")
    assert [m["token"] for m in made] == [sent["txid"]]
    report["signature"] = made[0]["signature"]
    quorum = []
    for rank, o in enumerate(lab.committee(height)[:7]):
        signed = node.snft("report", {**fields, "operator_privkey": o.opkey.wif(OCHRE)})
        assert [s["rank"] for s in signed] == [rank]
        quorum.append({"rank": rank, "signature": signed[0]["signature"]})
    expect_error(-5, "No key", node.snft, "report", fields)
    expect_error(-26, "ticket-quorum", node.snft, "sync",
                 {**fields, "quorum": quorum[:6], **pay(lab)})
    node.snft("sync", {**fields, "quorum": quorum, **pay(lab)})
    mine(lab)
    token = node.snft("get", sent["txid"])
    assert (token["sequence"], token["used"], token["cid"]) == (3, MEGABYTE, "0102")
    assert token["last_sync"] == node.getblockcount()


def test_lists_page(lab):
    """Paging and height ranges give every ticket once, in chain order."""
    node = lab.node
    everything = node.tickets("list", "id")
    pages = []
    for skip in range(0, len(everything), 5):
        pages += node.tickets("list", "id", "all", 0, 5, skip)
    assert pages == everything
    heights = [t["height"] for t in everything]
    middle = heights[len(heights) // 2]
    below = node.tickets("list", "id", "all", 0, 0, 0, middle)
    above = node.tickets("list", "id", "all", middle + 1)
    strip = lambda ts: [t["txid"] for t in ts]
    assert strip(below) + strip(above) == strip(everything)
    assert len(node.snft("list", "all", 1)) == 1
    mine_only = node.tickets("list", "id", "mine")
    assert 0 < len(mine_only) < len(everything)
    expect_error(-8, "minheight", node.tickets, "list", "id", "all", "x")
    expect_error(-8, "count", node.snft, "list", "all", "x")
    expect_error(-5, None, node.snft, "list", "nonsense")
    expect_error(-5, "no such token", node.snft, "get", "11" * 32)
    expect_error(-8, "token", node.snft, "owner", "11")


# --- proofs for clients that have only headers ---

def verify(header, reply):
    out = subprocess.run([program("ochre-tx"), "verifyproof", header, "-"], text=True,
                         input=json.dumps(reply, default=str), capture_output=True, check=False)
    return out.stdout.strip() if out.returncode == 0 else out.stderr


def test_proofs_of_every_entry(lab):
    """One entry of each sort, and one that is not there, under the tip's header alone."""
    node = lab.node
    lab.accepted(lab.service_tx("sense"))
    mine(lab)
    values = lab.judge.chain.states[-2].values
    header = node.getblockheader(node.getbestblockhash(), False)
    sorts = {key[:1]: key for key in values}
    assert set(sorts) == {bytes([c]) for c in b"iscoketrnabB"}
    for first, key in sorts.items():
        reply = node.getstateproof(key.hex())
        assert reply["value"] == values[key].hex()
        assert verify(header, reply) == values[key].hex()
        missing = node.getstateproof((first + bytes(len(key) - 1) + b"?").hex())
        assert missing["value"] is None
        assert verify(header, missing) == "absent"
    assert verify(header, node.getstateproof(b"x".hex())) == "absent"


def test_forged_proofs(lab):
    node = lab.node
    header = node.getblockheader(node.getbestblockhash(), False)
    reply = node.getstateproof(b"B".hex())
    assert len(verify(header, reply)) > 20

    def broken(why, header=header, key=None, proof=None, **commitment):
        forged = {**reply, "key": key or reply["key"], "proof": proof or reply["proof"],
                  "commitment": {**reply["commitment"], **commitment}}
        assert why in verify(header, forged), why

    coinbase = reply["commitment"]["coinbase"]
    root = coinbase.index("4f435354") + 8
    before = node.getblockheader(node.getblockhash(node.getblockcount() - 1), False)
    broken("does not lead", header=before)
    broken("80 octets", header=header[:-2])
    broken("does not lead", branch=["11" * 32])
    broken("at most 15", branch=["11" * 32] * 16)
    broken("does not lead", coinbase=coinbase[:root] + "ff" * 32 + coinbase[root + 64:])
    broken("not exactly one", coinbase=coinbase.replace("4f435354", "4f435355"))
    broken("is none", coinbase=coinbase[:-2])
    broken("is none", coinbase=coinbase.replace("00" * 32, "11" * 32))
    broken("shows nothing", key="42ff")
    broken("shows nothing", proof=reply["proof"][:-2])
    # an inner node of the Merkle tree that reads as a coinbase of 64 octets
    inner = ("01000000" "01" + "00" * 32 + "ffffffff" "04" "00000000" "ffffffff" "01"
             + "00" * 8 + "00" + "00000000")
    assert len(inner) == 128
    broken("64 octets", coinbase=inner)
