"""-maxtipage: how old a tip may be before the node counts as still syncing."""
import pytest

from framework.blocks import Chain

DAY = 24 * 3600
NOW = 1795500000


@pytest.mark.parametrize("option, age", [((), DAY), (("-maxtipage=10000",), 10_000),
                                         ((f"-maxtipage={2 ** 63 - 1}",), None)])
def test_initial_block_download_ends_with_a_young_tip(lab, params, option, age):
    node = lab.node(*option, params=params, start=False)
    node.start(f"-mocktime={NOW}")
    chain = Chain(params)
    if age is not None:
        for delta in (5, 3, 1):
            (block,) = chain.mine(time=NOW - age - delta)
            assert node.submitblock(block.hex()) is None
            assert node.getblockchaininfo()["initialblockdownload"] is True
    (block,) = chain.mine(time=NOW - age if age is not None else chain.tip.time + 1)
    assert node.submitblock(block.hex()) is None
    assert node.getblockchaininfo()["initialblockdownload"] is False
    # it never goes back
    node.set_time(NOW + 30 * DAY)
    assert node.getblockchaininfo()["initialblockdownload"] is False
