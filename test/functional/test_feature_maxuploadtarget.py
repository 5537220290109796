"""-maxuploadtarget: old blocks are served until what is left is needed for new ones."""
import pytest

from framework.messages import MSG_BLOCK, GetData, Inv, Mempool
from framework.wallet import MiniWallet

WEEK, DAY = 7 * 24 * 60 * 60, 24 * 60 * 60
MIB = 1024 * 1024


@pytest.fixture
def node(lab, params):
    """With a large old block and a large new one."""
    node = lab.node("-datacarriersize=100000", params=params)
    wallet = MiniWallet(node)
    now = node.getblockheader(node.getblockhash(0))["time"] + 100 * DAY
    node.set_time(now - 2 * WEEK)
    wallet.generate(120)

    def mine():
        for _ in range(4):
            wallet.send(confirmed_only=True, target_vsize=50_000)
        return bytes.fromhex(node.generatetodescriptor(1, "raw(51)")[0])[::-1]
    node.old = mine()
    node.set_time(now)
    node.new = mine()
    return node


def _start(node, target, into_the_day=0):
    node.restart(f"-maxuploadtarget={target}", f"-mocktime={node.mocktime}")
    node.advance(into_the_day)


def _get(peer, block):
    peer.send_and_sync(GetData([Inv(MSG_BLOCK | 1 << 30, block)]))


def _get_until_refused(node, peer, block, at_most):
    start = node.log_size()
    for i in range(at_most):
        peer.send(GetData([Inv(MSG_BLOCK | 1 << 30, block)]))
        try:
            peer.sync()
        except BaseException:            # pytest.fail, as the node hung up
            if not peer.closed:
                raise
            node.wait_log("historical block serving limit reached, disconnect peer=", start)
            return i
    pytest.fail("nothing was refused")


def test_old_blocks_end_first(node):
    # Ten minutes are left: room is kept for the blocks of that time.
    kept = 600 // node.params.spacing * 4_000_000
    _start(node, f"{kept + 2_000_000 >> 10}K", DAY - 600)
    greedy, modest = node.add_peer(), node.add_peer()
    served = _get_until_refused(node, greedy, node.old, 40)
    assert 5 <= served <= 10             # of 200 kB each
    for _ in range(3):
        _get(modest, node.new)           # new ones are served all the same
    totals = node.getnettotals()["uploadtarget"]
    assert totals["serve_historical_blocks"] is False and totals["target_reached"] is False
    modest.send(GetData([Inv(MSG_BLOCK | 1 << 30, node.old)]))
    modest.wait_disconnect()
    node.advance(DAY)                    # the next day begins anew
    totals = node.getnettotals()["uploadtarget"]
    assert totals["time_left_in_cycle"] == DAY
    assert totals["bytes_left_in_cycle"] == totals["target"]


def test_less_than_a_day_of_blocks_is_for_new_ones_only(node):
    _start(node, "1M")
    totals = node.getnettotals()["uploadtarget"]
    assert totals["target"] == MIB and totals["serve_historical_blocks"] is False
    peer = node.add_peer()
    peer.send(GetData([Inv(MSG_BLOCK | 1 << 30, node.old)]))
    peer.wait_disconnect()
    peer = node.add_peer()
    while not node.getnettotals()["uploadtarget"]["target_reached"]:
        _get(peer, node.new)
    _get(peer, node.new)                 # even then
    assert node.getnettotals()["uploadtarget"]["bytes_left_in_cycle"] == 0


def test_mempool_requests_end_with_it(node):
    node.restart("-maxuploadtarget=1M", "-peerbloomfilters", f"-mocktime={node.mocktime}")
    peer, idle = node.add_peer(), node.add_peer()
    idle.send_and_sync(Mempool())
    while not node.getnettotals()["uploadtarget"]["target_reached"]:
        _get(peer, node.new)
    start = node.log_size()
    idle.send(Mempool())
    idle.wait_disconnect()
    node.wait_log("mempool request with bandwidth limit reached, disconnect peer=", start)


def test_permission_to_download(node):
    node.restart("-maxuploadtarget=1", "-whitelist=download@127.0.0.1",
                 f"-mocktime={node.mocktime}")
    peer = node.add_peer()
    for _ in range(10):
        _get(peer, node.old)
    assert node.getpeerinfo()[0]["permissions"] == ["download"]


@pytest.mark.parametrize("text, octets", [("0", 0), ("5", 5 * MIB), ("7m", 7_000_000),
                                          ("2G", 2 << 30), ("3k", 3000)])
def test_units(lab, text, octets):
    node = lab.node(f"-maxuploadtarget={text}")
    assert node.getnettotals()["uploadtarget"]["target"] == octets


def test_nonsense(lab):
    node = lab.node(start=False)
    assert node.fails_to_start("-maxuploadtarget=abc") == (
        "Error: Unable to parse -maxuploadtarget: 'abc'")
