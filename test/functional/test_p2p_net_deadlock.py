"""Two nodes that send each other more than their buffers hold go on when both have read."""
import threading

from framework.util import wait_until


def test_both_sides_send_at_once(lab, params):
    a, b = (lab.node("-v2transport=0", params=params) for _ in range(2))
    a.connect(b)
    start = a.log_size(), b.log_size()
    big = "00" * 4_000_000

    def send(node):
        for _ in range(3):
            node.sendmsgtopeer(node.getpeerinfo()[0]["id"], "unknown", big)
    threads = [threading.Thread(target=send, args=(n,)) for n in (a, b)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    for node, at in zip((a, b), start):
        node.wait_log('Unknown message type "unknown" from peer=', at)
    a.generatetodescriptor(1, "raw(51)")
    wait_until(lambda: b.getblockcount() == 1, what="for the block to cross")
