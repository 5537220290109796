"""A set of nodes under one folder, for one test or one program."""
import os

from .node import Node
from .params import OCHRE


class Lab:
    """Makes nodes under one temporary root and clears them away."""

    def __init__(self, root):
        self.root = root
        self.nodes = []

    def node(self, *args, params=OCHRE, start=True, conf=None, **kwargs):
        """A node with these command line options, started unless told otherwise."""
        name = f"node{len(self.nodes)}"
        node = Node(os.path.join(self.root, name), params, args, conf, name, **kwargs)
        self.nodes.append(node)
        return node.start() if start else node

    def log_tails(self, lines=60):
        return [(f"{n.name} debug.log (end)", "\n".join(n.log().splitlines()[-lines:]))
                for n in self.nodes]

    def close(self):
        problems = []
        for node in self.nodes:
            try:
                node.stop()
            except Exception as e:  # every node must be stopped, then we complain
                problems.append(f"{node.name}: {e}")
                if node.process:
                    node.kill()
            try:
                node.check_log()
            except AssertionError as e:
                problems.append(f"{node.name}: {e}")
        assert not problems, "\n".join(problems)
