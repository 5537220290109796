"""Headers of branches that nobody can want take no place in the block tree."""
import pytest

from framework.blocks import Chain
from framework.messages import BlockMsg, CmpctBlock, Headers

HEIGHT = 200            # more than the 144 blocks of work that a branch may lack
DEEP, NEAR = 20, HEIGHT - 5


@pytest.fixture(scope="module")
def chain(module_lab, params):
    node = module_lab.node(params=params)
    node.generatetodescriptor(HEIGHT, "raw(51)")
    return Chain.of(node), node


def _branch(chain, height, count):
    fork = chain.fork(height)
    return fork.mine(count=count, extra=b"\x07")


def test_a_deep_branch_is_ignored_and_a_near_one_is_known(chain):
    chain, node = chain
    peer = node.add_peer()
    start = node.log_size()
    peer.send_and_sync(Headers(_branch(chain, DEEP, 10)))
    node.wait_log(f"Ignoring low-work chain (height={DEEP + 10})", start)
    assert [t["status"] for t in node.getchaintips()] == ["active"]
    near = _branch(chain, NEAR, 3)
    peer.send_and_sync(Headers(near))
    tips = {t["hash"]: (t["height"], t["status"]) for t in node.getchaintips()}
    assert tips[near[-1].hash] == (NEAR + 3, "headers-only") and len(tips) == 2
    assert not peer.closed              # neither is an offence


def test_a_deep_branch_is_not_taken_by_a_block_either(chain):
    chain, node = chain
    peer = node.add_peer()
    known = len(node.getchaintips())
    (block,) = _branch(chain, DEEP, 1)
    peer.send_and_sync(BlockMsg(block), CmpctBlock.of(block))
    assert len(node.getchaintips()) == known


def test_whom_we_trust_may_tell_us_of_them(lab, params):
    node = lab.node("-whitelist=noban@127.0.0.1", params=params)
    node.generatetodescriptor(HEIGHT, "raw(51)")
    deep = _branch(Chain.of(node), DEEP, 10)
    peer = node.add_peer()
    peer.send_and_sync(Headers(deep))
    assert deep[-1].hash in [t["hash"] for t in node.getchaintips()]
