"""A UTXO snapshot of a chain with supernodes, tickets and tokens: what they are survives the
way through the file and goes on working, and the validated history agrees."""
import pytest

from framework import operators as op
from framework.primitives import OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.sighash import sign_p2wpkh
from framework.snapshot import Source, chainstates, set_of, wait_validated
from framework.ticket_lab import TicketLab, btns_key
from framework.util import wait_until
from framework.wallet import MiniWallet

ACTIVE = 12  # supernodes


@pytest.fixture(scope="module")
def tickets(module_lab):
    return TicketLab(module_lab, count=ACTIVE)


def spend_collateral(lab, o):
    tx = Tx([TxIn(OutPoint(o.collateral[:32][::-1].hex(),
                           int.from_bytes(o.collateral[32:], "little")))],
            [TxOut(op.COLLATERAL - op.FEE, lab.wallet.script_pubkey)], 2, 0)
    sign_p2wpkh(tx, 0, o.owner, op.COLLATERAL)
    return tx


def both_see(source, node, *call):
    method, *args = call
    want = getattr(source.node, method)(*args)
    assert getattr(node, method)(*args) == want
    return want


def follow(source, node, lab, count=1):
    """Mines; the node gets just these blocks."""
    begin = source.node.getblockcount() + 1
    lab.mine(count)
    source.give_blocks(node, range(begin, begin + count))
    assert node.getbestblockhash() == source.node.getbestblockhash()
    assert node.getstateroot() == source.node.getstateroot()


def test_tickets_over_a_snapshot(tickets, module_lab):
    lab, main = tickets, tickets.node
    old_storage = lab.send(lab.service_tx("storage"))
    lab.mine()
    token, anchor = lab.new_token()
    sold, sold_anchor = lab.new_token(key=btns_key("a"))
    lab.mine(2)
    source = Source(main)
    node = module_lab.node(source.option)
    source.load(node)
    assert node.getstateroot() == main.getstateroot() == source.base["state_root"]
    both_see(source, node, "supernode", "count")
    both_see(source, node, "supernode", "payee")
    assert len(both_see(source, node, "supernode", "list")) == ACTIVE

    # a storage request whose committee is a block from below the base
    new_storage = lab.send(lab.service_tx("storage", height=main.getblockcount() - 6))
    # a ticket about a ticket from below
    o = lab.operators[3]
    update = op.carry(lab.wallet, lambda p: o.update_ticket(p, storage_fee=7777))
    lab.wallet.broadcast(update)
    follow(source, node, lab)
    # a token moves with its coin: the coin's mark was made anew
    lab.wallet.utxos += [anchor]
    moved = lab.wallet.create(utxos=[anchor, lab.utxo()], outputs=1)
    lab.wallet.broadcast(moved)
    follow(source, node, lab)
    state = both_see(source, node, "snft", "get", token[::-1].hex())
    assert state["anchor"]["txid"] == moved.txid
    # a supernode whose collateral is spent leaves: by the mark of that coin
    main.sendrawtransaction(spend_collateral(lab, lab.operators[5]).hex(), 0)
    follow(source, node, lab, 3)
    assert len(both_see(source, node, "supernode", "list")) == ACTIVE - 1
    both_see(source, node, "supernode", "payee")
    # the index of tickets waits for the history
    expect_error(None, None, node.tickets, "get", old_storage.txid)

    node.restart()
    assert node.getstateroot() == main.getstateroot()
    source.give_blocks(node, range(1, source.base["base_height"] + 1))
    wait_validated(node)
    wait_until(lambda: node.getblockcount() == main.getblockcount())
    wait_until(lambda: _knows(node, new_storage.txid))
    for txid in old_storage.txid, new_storage.txid, update.txid:
        both_see(source, node, "tickets", "get", txid)
    both_see(source, node, "getsupplyinfo")
    assert set_of(node) == set_of(main)
    for again in range(2):
        follow(source, node, lab)
        node.restart()
        assert len(chainstates(node)) == 1
        assert set_of(node) == set_of(main)
    assert node.verifychain(4, 0)


def _knows(node, txid):
    try:
        return node.tickets("get", txid)
    except Exception:
        return None


def test_the_state_in_the_file_is_checked(tickets, module_lab):
    """Every entry is under the root; nothing may be missing, changed, or follow."""
    source = Source(tickets.node, "checked.dat")
    node = module_lab.node(source.option)
    source.give_headers(node)
    good = source.octets()
    wrong = "Population failed: Bad snapshot: its ticket state is not that of the block"
    broken = "Population failed: Bad snapshot format or truncated snapshot in the ticket state"
    cases = [(good[:-2] + bytes([good[-2] ^ 1]) + good[-1:], wrong),
             (good[:-1], broken), (good[:-9], broken), (good + b"\x00", broken),
             (good[:-1] + b"\x01x\x01y\x00", wrong)]
    for data, message in cases:
        with open(node.path("bad.dat"), "wb") as f:
            f.write(data)
        expect_error(-32603, "Unable to load UTXO snapshot: " + message,
                     node.loadtxoutset, "bad.dat")
    # an option that vouches for another state
    node.args = [source.option[:-64] + "11" * 32]
    node.restart()
    expect_error(-32603, wrong, node.loadtxoutset, source.file)


def test_a_snapshot_that_the_program_knows(module_lab):
    """Its row names the ticket state too; this chain comes out the same every time."""
    main = module_lab.node()
    main.set_time(main.getblockheader(main.getblockhash(0))["time"])
    wallet = MiniWallet(main)
    wallet.generate(110)
    genesis = bytes.fromhex(main.getblockhash(0))[::-1]
    op.start(wallet, [op.Operator(genesis, f"known {i}") for i in range(3)])
    wallet.generate(10)
    source = Source(main, "known.dat")
    assert source.base["base_height"] == 124
    assert source.base["base_hash"].startswith("2dbc4ddf01a2a6a0")
    assert source.base["state_root"].startswith("cc546ae05542015d")
    wallet.generate(3)
    assert main.dumptxoutset("again.dat", "rollback")["base_height"] == 124
    node = module_lab.node()
    source.give_headers(node)
    good = source.octets()
    with open(node.path("bad.dat"), "wb") as f:
        f.write(good[:-2] + bytes([good[-2] ^ 1]) + good[-1:])
    expect_error(-32603, "Bad snapshot: its ticket state is not that of the block",
                 node.loadtxoutset, "bad.dat")
    node.loadtxoutset(source.file)
    assert node.getstateroot() == source.base["state_root"]
    source.give_blocks(node, range(1, 128))
    wait_validated(node)
    wait_until(lambda: node.getblockcount() == 127)
    assert set_of(node) == set_of(main)
