"""-minimumchainwork: below it a chain is neither followed nor passed on."""
from framework.blocks import Chain
from framework.messages import BlockMsg, Headers
from framework.node import sync_blocks

PER_BLOCK = 2       # work of a regtest block
AT = 105            # blocks (genesis among them) that the last node asks for


def test_blocks_travel_once_there_is_enough_work(lab, params):
    miner = lab.node(params=params)
    middle = lab.node("-minimumchainwork=0x65", params=params)            # 101
    last = lab.node(f"-minimumchainwork={AT * PER_BLOCK:#x}", params=params)
    middle.connect(miner)
    last.connect(middle)
    start = middle.log_size()
    enough = (0x65 + PER_BLOCK - 1) // PER_BLOCK - 1        # blocks above genesis
    miner.generatetodescriptor(enough - 1, "raw(51)")
    middle.wait_log("Ignoring low-work chain", start)
    assert middle.getblockcount() == 0
    miner.generatetodescriptor(1, "raw(51)")
    sync_blocks([miner, middle])
    assert middle.getblockchaininfo()["initialblockdownload"] is False
    # what the middle has is not enough for the last
    miner.generatetodescriptor(AT - 1 - 1 - enough, "raw(51)")
    sync_blocks([miner, middle])
    assert last.getblockcount() == 0
    assert last.getblockchaininfo()["initialblockdownload"] is True
    assert [t["height"] for t in last.getchaintips()] == [0]
    miner.generatetodescriptor(1, "raw(51)")
    sync_blocks([miner, middle, last])
    assert last.getblockchaininfo()["initialblockdownload"] is False


def test_outgoing_peers_with_too_little_are_let_go(lab, params):
    node = lab.node("-minimumchainwork=0x1000", params=params)
    blocks = Chain(params).mine(count=3)
    start = node.log_size()
    outbound, inbound = node.add_outbound(), node.add_peer()
    for p in (outbound, inbound):
        p.send(Headers(blocks))
    node.wait_log("Ignoring low-work chain (height=3)", start)
    for p in (outbound, inbound):
        p.send_and_sync(BlockMsg(blocks[0]))
    assert node.getblockcount() == 0


def test_values(lab, params):
    node = lab.node(params=params, start=False)
    for value in ("0xg", "0x" + "1" * 65):
        assert "Invalid minimum work specified" in node.fails_to_start(
            f"-minimumchainwork={value}")
