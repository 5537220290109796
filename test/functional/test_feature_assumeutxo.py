"""loadtxoutset: what it refuses, the two chain states, and the validation behind."""
import os

import pytest

from framework.rpc import expect_error
from framework.snapshot import (Source, chainstates, set_of, wait_validated)
from framework.util import wait_until

HEADER = 51


@pytest.fixture(scope="module")
def source(module_lab, params):
    return Source.grow(module_lab.node(params=params))


@pytest.fixture
def beginner(source, lab):
    return lab.node(source.option, params=source.params)


# -- the way ------------------------------------------------------------------

def test_load_sync_and_validate(source, lab):
    node = lab.node(source.option, params=source.params)
    before, base = chainstates(node), source.base
    assert [s["validated"] for s in before] == [True]
    reply = source.load(node)
    assert reply == {"coins_loaded": base["coins_written"], "path": source.file,
                     "tip_hash": base["base_hash"], "base_height": base["base_height"]}
    assert node.getbestblockhash() == base["base_hash"]
    old, new = chainstates(node)
    assert (old["blocks"], old["validated"]) == (0, True)
    assert "snapshot_blockhash" not in old
    assert (new["blocks"], new["validated"]) == (base["base_height"], False)
    assert new["snapshot_blockhash"] == base["base_hash"]
    total = before[0]["coins_tip_cache_bytes"]
    assert old["coins_tip_cache_bytes"] + new["coins_tip_cache_bytes"] <= total
    assert node.getblockchaininfo()["blocks"] == base["base_height"]
    assert node.gettxoutsetinfo()["hash_serialized_3"] == base["txoutset_hash"]
    # no history to give away yet
    services = node.getnetworkinfo()["localservicesnames"]
    assert "NETWORK" not in services and "NETWORK_LIMITED" in services
    expect_error(-1, "Block not available (not fully downloaded)", node.getblock, node.getblockhash(3))

    node.connect(source.node)
    wait_until(lambda: node.getbestblockhash() == source.node.getbestblockhash())
    wait_validated(node)
    (only,) = chainstates(node)
    assert only["validated"] and only["snapshot_blockhash"] == base["base_hash"]
    assert "NETWORK" in node.getnetworkinfo()["localservicesnames"]
    assert set_of(node) == set_of(source.node)
    assert os.path.exists(node.path("chainstate_snapshot"))
    # the next start puts the directories in order
    node.restart()
    assert not os.path.exists(node.path("chainstate_snapshot"))
    (only,) = chainstates(node)
    assert only["validated"] and "snapshot_blockhash" not in only
    assert set_of(node) == set_of(source.node)
    assert node.verifychain(4, 0)
    # the data of the option are not needed any more
    node.args.remove(source.option)
    node.restart()
    assert set_of(node) == set_of(source.node)


def test_restart_in_the_middle(source, beginner):
    """Both chain states, and what each has, survive; the source gives block by block."""
    source.load(beginner)
    source.give_blocks(beginner, range(1, 60))
    source.give_blocks(beginner, [source.base["base_height"] + 1])
    wait_until(lambda: chainstates(beginner)[0]["blocks"] == 59)
    beginner.restart()
    old, new = chainstates(beginner)
    assert (old["blocks"], new["blocks"]) == (59, source.base["base_height"] + 1)
    assert not new["validated"] and new["snapshot_blockhash"] == source.base["base_hash"]
    # blocks that come in whatever order
    rest = list(range(60, source.node.getblockcount() + 1))
    source.give_blocks(beginner, rest[1::2] + rest[0::2])
    wait_validated(beginner)
    assert set_of(beginner) == set_of(source.node)


def test_kill_in_the_middle(source, beginner):
    source.load(beginner)
    beginner.kill()
    beginner.start()
    assert beginner.getbestblockhash() == source.base["base_hash"]
    assert len(chainstates(beginner)) == 2
    source.give_blocks(beginner, range(1, source.base["base_height"] + 1))
    wait_validated(beginner)
    beginner.kill()  # validated, but nothing else is on disk
    beginner.start()
    wait_until(lambda: len(chainstates(beginner)) == 1)
    assert not os.path.exists(beginner.path("chainstate_snapshot"))
    source.give_blocks(beginner, range(1, source.node.getblockcount() + 1))
    assert set_of(beginner) == set_of(source.node)


def test_half_a_snapshot_is_dropped(source, beginner):
    """A crash before the last step leaves a directory without base_blockhash."""
    source.load(beginner)
    beginner.stop()
    os.unlink(beginner.path("chainstate_snapshot", "base_blockhash"))
    beginner.start()
    assert not os.path.exists(beginner.path("chainstate_snapshot"))
    assert [s["blocks"] for s in chainstates(beginner)] == [0]
    assert source.load(beginner)["base_height"] == source.base["base_height"]


def test_unknown_at_restart(source, beginner):
    source.load(beginner)
    beginner.stop()
    beginner.args.remove(source.option)
    err = beginner.fails_to_start()
    assert "Assumeutxo data not found for the given blockhash " \
        f"'{source.base['base_hash']}'." in err
    beginner.args.append(source.option)
    beginner.start()


@pytest.mark.parametrize("option", ["-reindex", "-reindex-chainstate"])
def test_reindex_begins_anew(source, beginner, option):
    source.load(beginner)
    source.give_blocks(beginner, range(1, 30))
    source.give_blocks(beginner, [source.base["base_height"] + 1])
    beginner.restart(option)
    wait_until(lambda: beginner.getblockcount() == 29)
    assert "[snapshot] deleting snapshot chainstate due to reindexing" in beginner.log()
    assert not os.path.exists(beginner.path("chainstate_snapshot"))
    source.give_blocks(beginner, range(30, source.node.getblockcount() + 1))
    assert set_of(beginner) == set_of(source.node)


def test_invalidate_and_reorganise(source, beginner):
    """Above the base the chain moves freely; at and below it stands fast."""
    base = source.base["base_height"]
    source.load(beginner)
    source.give_blocks(beginner, range(base + 1, base + 6))
    for height in (base, base - 3):
        expect_error(-20, None, beginner.invalidateblock, beginner.getblockhash(height))
    first = beginner.getblockhash(base + 1)
    beginner.invalidateblock(first)
    assert beginner.getbestblockhash() == source.base["base_hash"]
    beginner.restart()
    assert beginner.getblockcount() == base
    beginner.reconsiderblock(first)
    assert beginner.getblockcount() == base + 5
    source.give_blocks(beginner, range(1, source.node.getblockcount() + 1))
    wait_validated(beginner)
    # now that the history is there, so is the way back
    beginner.invalidateblock(beginner.getblockhash(base - 3))
    assert beginner.getblockcount() == base - 4
    beginner.reconsiderblock(source.node.getblockhash(base - 3))
    assert set_of(beginner) == set_of(source.node)


# -- refusals -----------------------------------------------------------------

def _refused(node, path, message):
    expect_error(-32603, "Unable to load UTXO snapshot: " + message, node.loadtxoutset, path)
    assert len(chainstates(node)) == 1
    assert not os.path.exists(node.path("chainstate_snapshot"))


@pytest.fixture(scope="module")
def reader(source, module_lab):
    """A node with the headers, for files that it refuses."""
    node = module_lab.node(source.option, params=source.params)
    source.give_headers(node)
    return node


def _write(node, data, name="bad.dat"):
    path = node.path(name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def test_no_such_file(reader):
    path = reader.path("nowhere.dat")
    expect_error(-8, f"Couldn't open file {path} for reading.", reader.loadtxoutset, path)


def test_metadata(reader, source):
    good = source.octets()
    other = bytes([0xFA, 0xBF, 0xB5, 0xDB])
    main = bytes([0xF9, 0xBE, 0xB4, 0xD9])
    cases = [
        (b"utxp" + good[4:], "Invalid UTXO set snapshot magic bytes. Please check if this "
         "is indeed a snapshot file or if you are using an outdated snapshot format."),
        (good[:5] + b"\x01\x00" + good[7:],
         "Version of snapshot 1 does not match any of the supported versions."),
        (good[:5] + b"\x09\x00" + good[7:],
         "Version of snapshot 9 does not match any of the supported versions."),
        (good[:7] + main + good[11:], "The network of the snapshot (main) does not match "
         "the network of this node (regtest)."),
        (good[:7] + other + good[11:], "This snapshot has been created for an unrecognized "
         "network. This could be a custom signet, a new testnet or possibly caused by data "
         "corruption."),
        (good[:HEADER - 1], "The file ends within its header"),
        (b"", "Invalid UTXO set snapshot magic bytes."),
    ]
    for data, message in cases:
        expect_error(-22, "Unable to parse metadata: " + message, reader.loadtxoutset,
                     _write(reader, data))


def test_base_block(reader, source, lab):
    good = source.octets()
    known = "124, " if source.params.tickets else "110, 200, 299, "
    height = source.base["base_height"]
    for block in ("00" * 32, source.node.getblockhash(height - 1)):
        data = good[:11] + bytes.fromhex(block)[::-1] + good[43:]
        _refused(reader, _write(reader, data),
                 "assumeutxo block hash in snapshot metadata not recognized (hash: "
                 f"{block}). The following snapshot heights are available: {known}{height}")
    fresh = lab.node(source.option, params=source.params)
    source.give_headers(fresh, up_to=height - 1)
    _refused(fresh, source.file,
             f"The base block header ({source.base['base_hash']}) must appear in the "
             "headers chain. Make sure all headers are syncing, and call loadtxoutset "
             "again")


def test_coins(reader, source):
    good = source.octets()
    count = int.from_bytes(good[43:51], "little")
    bad_hash = "Bad snapshot content hash: expected " + source.base["txoutset_hash"]
    start = "Population failed: "
    one_less = good[:43] + (count - 1).to_bytes(8, "little") + good[51:]
    one_more = good[:43] + (count + 1).to_bytes(8, "little") + good[51:]
    lost = None if source.params.tickets else \
        f"Bad snapshot - coins left over after deserializing {count - 1} coins"
    truncated = "Bad snapshot format or truncated snapshot after deserializing"
    mismatch = "Mismatch in coins count in snapshot metadata and actual snapshot data"

    def at(offset, data):
        offset += HEADER
        return good[:offset] + data + good[offset + len(data):]
    cases = [
        (one_less, lost),
        (good[:-1] if not source.params.tickets else good[:HEADER + 200], truncated),
        (at(0, b"\xff" * 32), bad_hash),                  # txid
        (at(32, b"\xfd\xff\xff"), mismatch),              # coins of a transaction
        (at(33, bytes([good[HEADER + 33] ^ 1])), bad_hash),          # output number
        (at(34, b"\x84\x58"), "Bad snapshot data after deserializing 0 coins"),  # height
        (good[:43] + b"\xff" * 8 + good[51:], None if source.params.tickets else truncated),
    ]
    if not source.params.tickets:
        cases.append((one_more, f"{truncated} {count} coins"))
    for data, message in cases:
        _refused(reader, _write(reader, data), start + (message or ""))


def _end_of_base128(data, pos):
    while data[pos] & 0x80:
        pos += 1
    return pos + 1


def test_amount_out_of_range(reader, source):
    # code of the first coin, then its amount: 21 million and a bit
    good = source.octets()
    amount = _end_of_base128(good, HEADER + 34)
    after = _end_of_base128(good, amount)
    data = good[:amount] + bytes.fromhex("cad28f5a") + good[after:]
    _refused(reader, _write(reader, data),
             "Population failed: Bad snapshot data after deserializing 0 coins - bad tx "
             "out value")


def test_chain_that_needs_no_snapshot(source, lab):
    node = lab.node(source.option, params=source.params)
    source.give_blocks(node, range(1, source.base["base_height"] + 1))
    _refused(node, source.file, "Work does not exceed active chainstate")


def test_invalid_base(source, lab):
    node = lab.node(source.option, params=source.params)
    source.give_headers(node)
    node.invalidateblock(source.node.getblockhash(50))
    _refused(node, source.file,
             f"The base block header ({source.base['base_hash']}) is part of an invalid "
             "chain")
    node.reconsiderblock(source.node.getblockhash(50))
    node.loadtxoutset(source.file)


def test_better_fork_without_the_base(source, lab):
    node = lab.node(source.option, params=source.params)
    source.give_headers(node)
    fork = lab.node(params=source.params)
    source.give_blocks(fork, range(1, 100))
    fork.generatetodescriptor(source.node.getblockcount() - 99 + 1, "raw(51)")
    for h in range(100, fork.getblockcount() + 1):
        node.submitheader(fork.getblockheader(fork.getblockhash(h), False))
    _refused(node, source.file, "A forked headers-chain with more work than the chain with "
             "the snapshot base block header exists. Please proceed to sync without "
             "AssumeUtxo.")


def test_mempool_must_be_empty(source, lab):
    node = lab.node(source.option, params=source.params)
    source.give_blocks(node, range(1, 110))
    source.give_headers(node)
    assert source.coin.height < 10
    node.sendrawtransaction(source.wallet.create([source.coin]).hex())
    _refused(node, source.file, "Can't activate a snapshot when mempool not empty")


def test_not_twice(source, beginner):
    source.load(beginner)
    expect_error(-32603, "Unable to load UTXO snapshot: Can't activate a snapshot-based "
                 "chainstate more than once", beginner.loadtxoutset, source.file)


# -- when the history disagrees -----------------------------------------------

def _false_snapshot(source, node):
    """A file with one coin changed, and the option that vouches for it."""
    good = source.octets()
    data = good[:HEADER + 33] + bytes([good[HEADER + 33] ^ 1]) + good[HEADER + 34:]
    path = _write(node, data, "false.dat")
    source.give_headers(node)
    err = expect_error(-32603, "Bad snapshot content hash", node.loadtxoutset, path)
    got = err.message.split("got ")[1][:64]
    return path, source.option.replace(source.base["txoutset_hash"], got)


def test_false_snapshot_is_found_out(source, lab):
    node = lab.node(source.option, params=source.params)
    path, option = _false_snapshot(source, node)
    node.args = [option]
    node.restart()
    node.loadtxoutset(path)
    base = source.base["base_height"]
    source.give_blocks(node, [base + 1])
    for h in range(1, base):
        node.submitblock(source.node.getblock(source.node.getblockhash(h), 0))
    height = node.getblockcount()
    try:
        source.give_blocks(node, [base])
    except OSError:
        pass  # it may be gone before it answers
    node.wait_exit(stderr=None, status=1)
    assert "failed to validate the -assumeutxo snapshot state" in node.stderr()
    assert f"resetting the chain height from {height} to {base}" in node.stderr()
    node.start()
    assert os.path.isdir(node.path("chainstate_snapshot_INVALID"))
    assert not os.path.exists(node.path("chainstate_snapshot"))
    (only,) = chainstates(node)
    assert only["validated"] and "snapshot_blockhash" not in only
    source.give_blocks(node, range(base + 1, source.node.getblockcount() + 1))
    assert set_of(node) == set_of(source.node)


# -- by the network -----------------------------------------------------------

def test_history_from_peers(source, lab):
    """The tip is there already: only what lies below the base is fetched, in the window,
    and not from a peer whose chain does not hold the base."""
    node = lab.node(source.option, params=source.params)
    source.load(node)
    base, tip = source.base["base_height"], source.node.getblockcount()
    source.give_blocks(node, range(base + 1, tip + 1))
    stranger = lab.node(params=source.params)
    source.give_blocks(stranger, range(1, 90))
    stranger.generatetodescriptor(tip - 89 + 5, "raw(51)")
    node.connect(stranger)
    node.wait_log("doesn't have the snapshot block in its best chain")
    assert chainstates(node)[0]["blocks"] == 0
    assert node.getbestblockhash() == source.node.getbestblockhash()
    node.connect(source.node)
    wait_validated(node)
    # free to go wherever there is more work
    wait_until(lambda: node.getbestblockhash() == stranger.getbestblockhash())
    assert set_of(node) == set_of(stranger)
