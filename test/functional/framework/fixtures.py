"""Makers of the fixtures that many modules have, each with its own arguments:

    node = fixtures.node("-keypool=20", params=BITCOIN)
    miner = fixtures.rich_wallet("miner", 120)
"""
import pytest

from .keywallet import KeyWallet
from .packages import clear_pool, split
from .params import OCHRE
from .util import wait_until
from .wallet import MiniWallet


def node(*args, params=OCHRE):
    """The node that the tests of a module share."""
    @pytest.fixture(scope="module", name="node")
    def fixture(module_lab):
        return module_lab.node(*args, params=params)
    return fixture


def node_of_each(*args, fallback_fee=None, stopped_clock=False):
    """The same, once for each personality. fallback_fee: in base units for 1000 bytes."""
    @pytest.fixture(scope="module", name="node")
    def fixture(module_lab, params):
        fee = [] if fallback_fee is None else [f"-fallbackfee={params.amount(fallback_fee)}"]
        node = module_lab.node(*args, *fee, params=params)
        if stopped_clock:
            node.advance(0)
        return node
    return fixture


def mini_wallet(blocks):
    """A MiniWallet that has mined so many blocks."""
    @pytest.fixture(scope="module")
    def fixture(node):
        wallet = MiniWallet(node)
        wallet.generate(blocks)
        return wallet
    return fixture


def legacy_wallet(blocks):
    """The same with coins that need no witness."""
    @pytest.fixture(scope="module")
    def fixture(node):
        wallet = MiniWallet(node, mode="p2pk")
        wallet.generate(blocks)
        return wallet
    return fixture


def bank(blocks, coins):
    """A MiniWallet that has mined so many blocks and split what it got into coins."""
    @pytest.fixture(scope="module", name="bank")
    def fixture(node):
        wallet = MiniWallet(node)
        wallet.generate(blocks)
        split(wallet, coins)
        return wallet
    return fixture


def bank_with_empty_pool():
    """The bank for each test, with an empty mempool and confirmed coins."""
    @pytest.fixture
    def fixture(bank):
        yield bank
        clear_pool(bank)
    return fixture


def peers(cls):
    """Makes peers for each test; they and the orphans they brought leave with it."""
    @pytest.fixture
    def fixture(node):
        def make(count=1, **kwargs):
            made = [node.add_peer(cls, **kwargs) for _ in range(count)]
            return made[0] if count == 1 else made
        yield make
        node.disconnect_peers()
        wait_until(lambda: not node.getorphantxs())
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
