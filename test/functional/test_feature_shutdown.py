"""Stopping: waiting calls end, requests in flight are answered, signals work."""
import signal
import threading
import time

from framework.rpc import RPCError
from framework.util import wait_until


def test_waiting_call_returns_when_the_node_stops(lab, params):
    """As Core's feature_shutdown."""
    node = lab.node(params=params)
    ended = []

    def wait():
        try:
            ended.append(node.waitfornewblock())
        except (RPCError, OSError) as e:
            ended.append(e)
    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: len(node.getrpcinfo()["active_commands"]) == 2)
    assert node.rpc.stop(wait=500).endswith("stopping")
    thread.join(30)
    assert ended
    node.wait_exit()


def test_stop_takes_no_other_arguments(lab):
    node = lab.node()
    reply = node.rpc.batch([("stop", ["a", "b"])])[0]
    assert reply["error"]["code"] in (-1, -3)
    assert node.getblockcount() == 0


def test_signals_end_the_node_cleanly(lab, params):
    node = lab.node(params=params)
    for sig in (signal.SIGTERM, signal.SIGINT):
        start = time.monotonic()
        node.process.send_signal(sig)
        node.wait_exit()
        assert time.monotonic() - start < 10
        assert "Shutdown: done" in node.log()
        node.start()


def test_stop_while_peers_are_connected(lab):
    node = lab.node()
    peers = [node.add_peer() for _ in range(5)]
    node.rpc.stop()
    for p in peers:
        p.wait_disconnect()
    node.wait_exit()


def test_state_is_kept(lab, params):
    node = lab.node(params=params)
    node.generatetodescriptor(30, "raw(51)")
    before = node.gettxoutsetinfo("muhash")
    for _ in range(2):
        node.restart()
        after = node.gettxoutsetinfo("muhash")
        for name in ("height", "bestblock", "muhash", "txouts"):
            assert after[name] == before[name]
