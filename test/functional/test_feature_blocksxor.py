"""-blocksxor: keys of new and old blocks directories, files on disk, refusals, foreign files."""
import os

import pytest

from framework.util import wait_until

NONE = bytes(8)


def key_of(node):
    with open(node.path("blocks", "xor.dat"), "rb") as f:
        return f.read()


@pytest.fixture(scope="module")
def node(module_lab, params):
    node = module_lab.node("-fastprune", params=params)  # several files soon
    node.generatetodescriptor(400, "raw(51)")
    return node


def files(node):
    return sorted(f for f in os.listdir(node.path("blocks"))
                  if f.endswith(".dat") and f != "xor.dat")


def test_a_new_directory_gets_a_key(node):
    assert len(key_of(node)) == 8 and key_of(node) != NONE
    node.wait_log(f"Using obfuscation key for blocksdir *.dat files "
                  f"({node.path('blocks')}): '{key_of(node).hex()}'")
    with open(node.path("blocks", "blk00000.dat"), "rb") as f:
        assert node.params.magic not in f.read()
    assert node.read_block_file().startswith(node.params.magic)
    assert node.read_block_file("rev00000.dat").startswith(node.params.magic)
    assert {f[:3] for f in files(node)} == {"blk", "rev"} and len(files(node)) > 3


def test_the_key_stays(node):
    key, tip = key_of(node), node.getbestblockhash()
    node.restart()
    assert key_of(node) == key
    assert node.verifychain(4, 0) is True
    node.restart("-reindex")
    wait_until(lambda: node.getbestblockhash() == tip)
    assert key_of(node) == key


def test_it_cannot_be_switched_off(node):
    node.stop()
    assert node.fails_to_start("-blocksxor=0") == (
        "Error: The blocksdir XOR-key can not be disabled when a random key was already stored! "
        f"Stored key: '{key_of(node).hex()}', stored path: '{node.path('blocks', 'xor.dat')}'.")
    node.start()


def test_files_made_plain_by_hand(node):
    """The other way round the files are taken as they are: nothing is obfuscated anew."""
    tip, height = node.getbestblockhash(), node.getblockcount()
    node.stop()
    plain = {f: node.read_block_file(f) for f in files(node)}
    os.remove(node.path("blocks", "xor.dat"))
    for name, data in plain.items():
        with open(node.path("blocks", name), "wb") as f:
            f.write(data)
    for option in ("-blocksxor=0", "-blocksxor=1"):
        node.start(option)
        assert key_of(node) == NONE
        assert node.getbestblockhash() == tip and node.verifychain(4, 0) is True
        node.generatetodescriptor(1, "raw(51)")
        height, tip = height + 1, node.getbestblockhash()
        node.stop()
    assert node.params.magic in open(node.path("blocks", "blk00000.dat"), "rb").read()
    node.start()
    assert node.getblockcount() == height


def test_a_damaged_key_is_named(lab, params):
    node = lab.node(params=params)
    node.stop()
    with open(node.path("blocks", "xor.dat"), "wb") as f:
        f.write(b"1234")
    err = node.fails_to_start()
    assert "xor.dat" in err and "Restore it" in err
    node.clean()


def test_files_of_other_nodes_can_be_loaded(lab, params, node):
    """-loadblock takes a bootstrap file as it is, and finds the key beside a block file."""
    source = lab.node(params=params)
    source.generatetodescriptor(20, "raw(51)")
    tip = source.getbestblockhash()
    source.stop()
    assert key_of(source) != NONE
    got = lab.node(f"-loadblock={source.path('blocks', 'blk00000.dat')}", params=params)
    wait_until(lambda: got.getbestblockhash() == tip)
    assert key_of(got) not in (NONE, key_of(source))
    other = lab.node("-blocksxor=0", params=params)
    assert key_of(other) == NONE
