"""The same as framework.proxy with the kernel's own network: every node lives in a network
namespace of its own, all on one bridge. What a blackhole route swallows, TCP sends again;
netem adds delay and loss where the kernel has it. Needs root, and clears up after itself."""
import contextlib
import ctypes
import os
import shutil
import subprocess

from . import rpc

CLONE_NEWNET = 0x40000000
SUBNET = "10.77.0"


def _ip(*args, check=True, program="ip"):
    done = subprocess.run([program, *args], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise OSError(f"{program} {' '.join(args)}: {done.stderr.strip()}")
    return done.returncode == 0


@contextlib.contextmanager
def inside(namespace):
    """This thread's new sockets belong to the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as home, \
            open(f"/run/netns/{namespace}", "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if libc.setns(home.fileno(), CLONE_NEWNET):
                os._exit(1)     # lost in a foreign namespace


class _Client(rpc.Client):
    """Speaks with a node in another namespace."""

    namespace = None

    def open(self):
        conn = super().open()
        with inside(self.namespace):
            conn.connect()
        return conn


class Network:
    def __init__(self, seed=0):
        del seed                # the kernel throws its own dice
        self.prefix = f"oc{os.getpid()}"
        self.switch = f"{self.prefix}-sw"
        self.spaces = []
        self.links = []
        self.has_netem = False
        self._space(self.switch)
        self.configure(self.switch, "link", "add", "br0", "type", "bridge")
        self.configure(self.switch, "link", "set", "br0", "up")

    @staticmethod
    def missing():
        """Why this cannot be done here; None: it can."""
        if os.geteuid():
            return "namespaces need root"
        if not shutil.which("ip"):
            return "no ip (Debian package iproute2)"
        if not _ip("netns", "add", "oc-probe", check=False):
            return "the kernel gives no network namespaces"
        _ip("netns", "del", "oc-probe")
        return None

    def note(self):
        return ", with netem" if self.has_netem else ", without netem (the kernel has none)"

    def _space(self, name):
        _ip("netns", "add", name)
        self.spaces.append(name)
        self.configure(name, "link", "set", "lo", "up")

    def configure(self, space, *args, **kwargs):
        return _ip("-n", space, *args, **kwargs)

    def close(self):
        for space in reversed(self.spaces):     # their interfaces go with them
            _ip("netns", "del", space, check=False)

    # nodes ----------------------------------------------------------------
    def node(self, lab, *args, **kwargs):
        """A node that is not started yet, in a namespace of its own."""
        number = len(self.spaces)
        space, port = f"{self.prefix}-{number}", f"p{number}"
        self._space(space)
        self.configure(space, "link", "add", "eth0", "type", "veth", "peer", "name", port,
                       "netns", self.switch)
        self.configure(self.switch, "link", "set", port, "master", "br0", "up")
        self.configure(space, "link", "set", "eth0", "up")
        address = f"{SUBNET}.{number}"
        self.configure(space, "addr", "add", f"{address}/24", "dev", "eth0")
        node = lab.node(f"-bind={address}", *args, start=False, **kwargs)
        command = node.command
        node.command = lambda extra=(): ["ip", "netns", "exec", space, *command(extra)]
        node.rpc = _Client("127.0.0.1", node.rpc_port, node._cookie)
        node.rpc.namespace = node.space = space
        node.address = address
        return node

    def link(self, node, target, **weather):
        link = Link(self, node, target)
        link.weather(**weather)
        self.links.append(link)
        return link


class Link:
    """From a node to a target; both ways are cut together."""

    def __init__(self, network, node, target):
        self.network, self.node, self.target = network, node, target
        self.address = f"{target.address}:{target.p2p_port}"
        self._cut = False

    @property
    def cut(self):
        return self._cut

    @cut.setter
    def cut(self, on):
        if on == self._cut:
            return
        for here, there in ((self.node, self.target), (self.target, self.node)):
            self.network.configure(here.space, "route", "replace" if on else "del",
                                   "blackhole", f"{there.address}/32", check=on)
        self._cut = on

    def weather(self, delay=0.0, rate=0, stall=0.0, reset=0.0):
        """stall is the share of packets that are lost. Of the sender's whole interface."""
        del reset
        netem = [f"delay {delay * 1000:.0f}ms loss {stall * 100:.1f}%"]
        netem += [f"rate {rate * 8}bit"] if rate else []
        self.network.has_netem |= _ip(
            "-n", self.node.space, "qdisc", "replace", "dev", "eth0", "root", "netem",
            *" ".join(netem).split(), check=False, program="tc")

    def silence(self):
        self.cut = True

    def reset_all(self):
        self.cut = False
        try:
            self.node.rpc.disconnectnode(self.address)
        except rpc.RPCError:
            pass                 # not connected just now
