"""Hostile peers: honest nodes go on syncing and paying beside them, memory stays bounded.

The long form is `make soak` (a minute) and `make soak-long` (an hour); see framework/soak.py.
"""
from framework.messages import TxMsg
from framework.p2p import Peer
from framework.soak import Soak
from framework.wallet import MiniWallet, many_signatures


def test_honest_work_goes_on_among_hostile_peers(lab, params):
    soak = Soak(lab, seed=6, connections=50, params=params)
    soak.run(seconds=4)
    print(soak.report())
    soak.check()


def test_a_node_stops_while_it_judges_dear_transactions(lab, params):
    """Whose message is being handled stays until that is done."""
    node = lab.node(params=params)
    coins = MiniWallet(node)
    coins.generate(101)
    tx = many_signatures(coins, 100)
    for _ in range(3):
        start = node.log_size()
        peer = node.add_peer(Peer)
        for _ in range(30):
            tx.vout[0].value -= 1
            peer.send(TxMsg(tx))
        node.wait_log("was not accepted: ", start)
        node.restart()
