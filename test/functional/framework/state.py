"""The ticket state's compact sparse Merkle tree (doc/spec, state commitment).

Persistent: put and delete return a new tree and share what did not change, so
a test can keep one tree per fork. A tree is EMPTY, ("leaf", key hash, hash) or
("node", left, right, hash).
"""
from .hashes import sha3

EMPTY = None


def root(tree):
    return bytes(32) if tree is EMPTY else tree[-1]


def _bit(path, depth):
    return path[depth // 8] >> 7 - depth % 8 & 1


def _node(left, right):
    return ("node", left, right, sha3(b"\x01" + root(left) + root(right)))


def _join(left, right):
    """A subtree with a single key is that key's leaf, at whatever depth."""
    if left is EMPTY and (right is EMPTY or right[0] == "leaf"):
        return right
    if right is EMPTY and left[0] == "leaf":
        return left
    return _node(left, right)


def _insert(tree, leaf, depth):
    if tree is EMPTY:
        return leaf
    if tree[0] == "leaf":
        if tree[1] == leaf[1]:
            return leaf
        tree = _node(EMPTY, tree) if _bit(tree[1], depth) else _node(tree, EMPTY)
    if _bit(leaf[1], depth):
        return _node(tree[1], _insert(tree[2], leaf, depth + 1))
    return _node(_insert(tree[1], leaf, depth + 1), tree[2])


def _remove(tree, path, depth):
    if tree is EMPTY:
        return EMPTY
    if tree[0] == "leaf":
        return EMPTY if tree[1] == path else tree
    if _bit(path, depth):
        return _join(tree[1], _remove(tree[2], path, depth + 1))
    return _join(_remove(tree[1], path, depth + 1), tree[2])


def put(tree, key, value):
    path = sha3(key)
    return _insert(tree, ("leaf", path, sha3(b"\x00" + path + sha3(value))), 0)


def delete(tree, key):
    return _remove(tree, sha3(key), 0)
