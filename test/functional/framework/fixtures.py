"""Makers of the fixtures that many modules have, each with its own arguments:

    node = fixtures.node("-keypool=20", params=BITCOIN)
    miner = fixtures.rich_wallet("miner", 120)
"""
import pytest

from .keywallet import KeyWallet
from .params import OCHRE
from .wallet import MiniWallet


def node(*args, params=OCHRE):
    """The node that the tests of a module share."""
    @pytest.fixture(scope="module", name="node")
    def fixture(module_lab):
        return module_lab.node(*args, params=params)
    return fixture


def node_of_each(*args, fallback_fee=None):
    """The same, once for each personality. fallback_fee: in base units for 1000 bytes."""
    @pytest.fixture(scope="module", name="node")
    def fixture(module_lab, params):
        fee = [] if fallback_fee is None else [f"-fallbackfee={params.amount(fallback_fee)}"]
        return module_lab.node(*args, *fee, params=params)
    return fixture


def mini_wallet(blocks):
    """A MiniWallet that has mined so many blocks."""
    @pytest.fixture(scope="module")
    def fixture(node):
        wallet = MiniWallet(node)
        wallet.generate(blocks)
        return wallet
    return fixture


def rich_wallet(name, blocks):
    """A wallet of the node that has mined so many blocks."""
    @pytest.fixture(scope="module")
    def fixture(node):
        wallet = node.new_wallet(name)
        node.generatetoaddress(blocks, wallet.getnewaddress())
        return wallet
    return fixture


def key_wallet():
    """A KeyWallet for each test, named after it, made once the bank has its coins."""
    @pytest.fixture
    def fixture(node, bank, request):
        return KeyWallet(node, request.node.name.split("[")[0])
    return fixture
