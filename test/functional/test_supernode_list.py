"""Supernodes: registration, update and end, the rules of each and their reasons, payment in
the coinbase, committees; the model of framework/supernodes.py tells every state."""
import struct

import pytest

from framework import operators as op
from framework import script as sc
from framework import supernodes, ticket
from framework.blocks import Chain, create_coinbase
from framework.key import Key
from framework.params import OCHRE
from framework.primitives import TxOut
from framework.wallet import MiniWallet

N = 12


@pytest.fixture(scope="module")
def node(module_lab):
    return module_lab.node()


@pytest.fixture(scope="module")
def wallet(node):
    wallet = MiniWallet(node)
    wallet.generate(120)
    return wallet


@pytest.fixture(scope="module")
def genesis(node):
    return bytes.fromhex(node.getblockhash(0))[::-1]


def check_root(node):
    chain = Chain.of(node)
    assert node.getstateroot() == chain.root.hex()
    return chain


@pytest.fixture(scope="module")
def ops(node, wallet, genesis):
    forms = ("p2wpkh", "p2pkh", "p2pkh-long", "p2tr")
    ops = [op.Operator(genesis, f"op{i}", forms[i % 4]) for i in range(N)]
    op.start(wallet, ops)
    return ops


def test_start(node, ops):
    chain = check_root(node)
    assert len(supernodes.all_of(chain.states[-1])) == N
