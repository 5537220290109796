"""-stopatheight ends the node cleanly at that block."""
from framework.wallet import MiniWallet


def test_stops_cleanly_at_the_height(lab):
    node = lab.node("-stopatheight=12")
    wallet = MiniWallet(node)
    wallet.generate(11, sync=False)
    assert node.getblockcount() == 11
    desc = wallet.descriptor()
    try:
        node.generatetodescriptor(1, desc)
    except (OSError, Exception):   # the node may stop before it answers
        pass
    node.wait_exit()
    node.args = []
    node.start()
    assert node.getblockcount() == 12
