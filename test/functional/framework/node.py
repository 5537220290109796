"""Control of one daemon: start, stop, kill, files, logs, RPC, peers."""
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest

from . import jitter, rpc
from .p2p import Peer
from .params import OCHRE
from .preload import merge
from .util import TIMEOUT, free_port, free_ports, wait_until

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.environ.get("OCHRE_BUILDDIR", SOURCE)
RPC_IN_WARMUP = -28
# A line of level `broken` is a bug of the node, whatever the test is about.
BROKEN = re.compile(r"\[(?:\w+:)?broken\]")

BASE_CONF = {"server": 1, "listen": 1, "bind": "127.0.0.1", "dnsseed": 0, "discover": 0,
             "listenonion": 0}
# Steps of mock time must not look like silence of the peers: a test of that says when they do.
BASE_ARGS = ("-rpcdoccheck", "-logtimemicros", "-debug", "-debugexclude=libevent",
             "-debugexclude=leveldb", "-peertimeout=999999999")


def program(name):
    """Path of a program of the build."""
    path = os.path.join(BUILD, name)
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not built (run make, or set OCHRE_BUILDDIR)")
    return path


class StartError(Exception):
    """The daemon ended before it answered; holds exit status and stderr."""

    def __init__(self, status, stderr):
        super().__init__(f"exit status {status}: {stderr.strip()}")
        self.status, self.stderr = status, stderr


class Node:
    """conf: lines of the configuration file; None takes one of BASE_CONF out."""

    def __init__(self, directory, params=OCHRE, args=(), conf=None, name="node0"):
        self.dir, self.params, self.name = directory, params, name
        self.args = list(args)
        self.wrapper = []     # a command that runs the daemon in its own place
        self.conf = dict(BASE_CONF, **(conf or {}))
        self.p2p_port, self.rpc_port = free_ports(2), free_port()   # one for callers by Tor
        self.process = None
        self.peers = []
        self.mocktime = None
        self.starts = 0
        os.makedirs(self.dir, exist_ok=True)
        self.write_conf()
        self.rpc = rpc.Client("127.0.0.1", self.rpc_port, self._cookie)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.rpc, name)

    def new_wallet(self, name, **kwargs):
        """Creates it; arguments as of createwallet."""
        self.rpc.call("createwallet", wallet_name=name, **kwargs)
        return self.wallet(name)

    # files ----------------------------------------------------------------
    @property
    def chain_dir(self):
        return os.path.join(self.dir, self.params.chain_dir)

    def path(self, *parts):
        return os.path.join(self.chain_dir, *parts)

    @property
    def conf_path(self):
        return os.path.join(self.dir, self.params.conf)

    def _xored(self, data):
        """Octets of a block file, from what stands on disk or back."""
        with open(self.path("blocks", "xor.dat"), "rb") as f:
            key = f.read()
        long = int.from_bytes((key * (len(data) // 8 + 1))[:len(data)], "big")
        return (int.from_bytes(data, "big") ^ long).to_bytes(len(data), "big")

    def read_block_file(self, name="blk00000.dat"):
        with open(self.path("blocks", name), "rb") as f:
            return self._xored(f.read())

    def write_block_file(self, data, name="blk00000.dat"):
        with open(self.path("blocks", name), "wb") as f:
            f.write(self._xored(data))

    def write_conf(self, extra=""):
        lines = ["regtest=1", "[regtest]", f"port={self.p2p_port}",
                 f"rpcport={self.rpc_port}"]
        lines += [f"{k}={v}" for k, v in self.conf.items() if v is not None]
        with open(self.conf_path, "w", encoding="utf8") as f:
            f.write("\n".join(lines) + "\n" + extra)

    def _cookie(self):
        with open(self.path(".cookie"), encoding="ascii") as f:
            return f.read()

    def log(self, start=0):
        try:
            with open(self.path("debug.log"), "rb") as f:
                f.seek(start)
                return f.read().decode("utf8", "replace")
        except OSError:
            return ""

    def log_size(self):
        try:
            return os.path.getsize(self.path("debug.log"))
        except OSError:
            return 0

    def wait_log(self, text, start=0, timeout=TIMEOUT):
        """text: a literal, or a compiled pattern."""
        def found():
            log = self.log(start)
            return text.search(log) if hasattr(text, "search") else text in log
        wait_until(found, timeout, f"for the log line {text!r}")

    # life -----------------------------------------------------------------
    def command(self, extra=()):
        return [*self.wrapper, program("ochred"), *self.params.daemon_args, f"-datadir={self.dir}",
                *BASE_ARGS, *self.args, *extra]

    def spawn(self, *extra, env=None):
        """Starts the daemon and does not wait."""
        assert self.process is None, "already running"
        self.rpc.close()
        try:
            os.unlink(self.path(".cookie"))
        except FileNotFoundError:
            pass
        self.stderr_path = os.path.join(self.dir, "stderr")
        self.stdout_path = os.path.join(self.dir, "stdout")
        with open(self.stderr_path, "wb") as err, open(self.stdout_path, "wb") as out:
            self.process = subprocess.Popen(
                self.command(extra), stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                env=dict(os.environ, **merge(env or {}, self._jitter())))

    def _jitter(self):
        self.starts += 1
        return jitter.environment(self.name, self.starts)

    def start(self, *extra, env=None, wait=True):
        self.spawn(*extra, env=env)
        if wait:
            self.wait_rpc()
        return self

    def stderr(self):
        with open(self.stderr_path, encoding="utf8", errors="replace") as f:
            return f.read()

    def wait_rpc(self, timeout=TIMEOUT):
        """Waits until the node has left warm-up and has read its blocks and its mempool: until
        then it counts as in initial download, and asks and tells nobody."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.process.poll() is not None:
                status, self.process = self.process.returncode, None
                raise StartError(status, self.stderr())
            try:
                if self.rpc.getmempoolinfo()["loaded"]:
                    return
            except (OSError, FileNotFoundError):
                pass
            except rpc.RPCError as e:
                if e.code != RPC_IN_WARMUP:
                    raise
            time.sleep(0.01)
        pytest.fail(f"{self.name}: no RPC answer within {timeout:g} s")

    def stop(self, stderr="", timeout=TIMEOUT):
        """Clean stop by RPC; stderr must hold exactly the given text."""
        if self.process is None:
            return
        self.drop_peers()
        if self.process.poll() is None:
            try:
                self.rpc.stop()
            except (OSError, rpc.RPCError, FileNotFoundError):
                self.process.terminate()
        self.wait_exit(stderr, timeout)

    def wait_exit(self, stderr="", timeout=TIMEOUT, status=0):
        """The daemon must end by itself with this status."""
        got = self.process.wait(timeout)
        self.process = None
        self.rpc.close()
        self.drop_peers()
        if stderr is not None:
            assert self.stderr().strip() == stderr, self.stderr()
        assert got == status, f"exit status {got}, stderr: {self.stderr()}"

    def restart(self, *extra):
        self.stop()
        return self.start(*extra)

    def kill(self):
        """SIGKILL: no chance to write anything."""
        self.process.kill()
        self.process.wait()
        self.process = None
        self.rpc.close()
        self.drop_peers()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        self.wait_exit()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def fails_to_start(self, *extra, status=1, timeout=TIMEOUT):
        """Runs the daemon, which must refuse; returns its stderr."""
        done = subprocess.run(self.command(extra), capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False,
                              env=dict(os.environ, **self._jitter()))
        err = done.stderr.decode("utf8", "replace").strip()
        assert done.returncode == status, (done.returncode, err)
        return err

    def check_log(self):
        bad = [line for line in self.log().splitlines() if BROKEN.search(line)]
        assert not bad, "\n".join(bad[:5])

    def clean(self):
        """Empties the data directory but keeps the configuration."""
        shutil.rmtree(self.chain_dir, ignore_errors=True)

    # peers ----------------------------------------------------------------
    def add_peer(self, cls=Peer, ready=True, **kwargs):
        """A peer that connects in."""
        peer = cls(self.params, now=self.mocktime, **kwargs)
        peer.connect(self.p2p_port)
        self.peers.append(peer)
        if ready:
            peer.wait_ready()
            peer.sync()
        return peer

    def add_outbound(self, kind="outbound-full-relay", cls=Peer, ready=True, **kwargs):
        """A peer that the node connects out to."""
        peer = cls(self.params, now=self.mocktime, **kwargs)
        port = peer.listen()
        self.rpc.addconnection(f"127.0.0.1:{port}", kind, False)
        self.peers.append(peer)
        if ready:
            peer.wait_ready()
            if kind != "feeler":
                peer.sync()
        return peer

    def drop_peers(self):
        for peer in self.peers:
            peer.close()
        self.peers = []

    def disconnect_peers(self):
        """Closes our peers and waits until the node has noticed."""
        ours = {p.user_agent for p in self.peers}
        self.drop_peers()
        wait_until(lambda: not any(i["subver"] in ours for i in self.rpc.getpeerinfo()))

    def connect(self, other):
        """Connects out to another node and waits for both handshakes."""
        self.rpc.addnode(f"127.0.0.1:{other.p2p_port}", "onetry")
        wait_until(lambda: self._linked(other) and other.rpc.getconnectioncount() > 0)

    def _linked(self, other):
        end = f"127.0.0.1:{other.p2p_port}"
        return any(p["addr"] == end and p["version"] and
                   p["bytesrecv_per_msg"].get("pong", 0) for p in self.rpc.getpeerinfo())

    def disconnect(self, other):
        end = f"127.0.0.1:{other.p2p_port}"
        self.rpc.disconnectnode(end)
        wait_until(lambda: not any(p["addr"] == end for p in self.rpc.getpeerinfo()))

    # wallets --------------------------------------------------------------
    def wallet(self, name):
        """The calls of one wallet: node.wallet("a").getbalance()."""
        path = "/wallet/" + urllib.parse.quote(name, safe="")
        return rpc.Client("127.0.0.1", self.rpc_port, self._cookie, path)

    # time -----------------------------------------------------------------
    def set_time(self, when):
        self.mocktime = int(when)
        self.rpc.setmocktime(self.mocktime)

    def advance(self, seconds):
        self.set_time((self.mocktime or int(time.time())) + seconds)

    # chain ----------------------------------------------------------------
    def tip_header(self):
        return self.rpc.getblockheader(self.rpc.getbestblockhash())

    def raw_blocks(self, first, last):
        """Of the active chain, from one height to another, in hex."""
        hashes = self.rpc.many("getblockhash", ([h] for h in range(first, last + 1)))
        return self.rpc.many("getblock", ([h, 0] for h in hashes))

    def sync_validation(self):
        self.rpc.syncwithvalidationinterfacequeue()


def sync_blocks(nodes, timeout=TIMEOUT):
    wait_until(lambda: len({n.rpc.getbestblockhash() for n in nodes}) == 1, timeout,
               "for equal tips")


def sync_mempools(nodes, timeout=TIMEOUT):
    wait_until(lambda: len({tuple(sorted(n.rpc.getrawmempool())) for n in nodes}) == 1,
               timeout, "for equal mempools")
