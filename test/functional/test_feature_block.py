"""Block acceptance: every reason to refuse a block, and the edges of what is valid.

Each case takes the chain of the shared node, breaks one rule in an otherwise valid
block and must see exactly that rule named. Afterwards the node still extends its tip.
"""
import struct

import pytest

from framework import script as sc
from framework.blocks import (Chain, add_witness_commitment, create_coinbase, recommit,
                              resolve)
from framework.codec import compact_size
from framework.key import Key
from framework.params import BITCOIN, OCHRE
from framework.primitives import (MAX_BLOCK_WEIGHT, MAX_MONEY, OutPoint, Tx, TxIn, TxOut,
                                  to_hex)
from framework.rpc import expect_error
from framework.script import (OP_CHECKMULTISIG, OP_CHECKSIG, OP_EQUAL, OP_FALSE,
                              OP_HASH160, OP_IF, OP_INVALIDOPCODE, OP_RETURN, OP_TRUE,
                              script)

OPTRUE = b"\x51"
T0 = 1795500000


class Setup:
    """A node, its chain, and a supply of mature anyone-can-spend coins."""

    def __init__(self, node):
        self.node, self.params = node, node.params
        self.chain = Chain(node.params)
        node.set_time(T0)
        self.chain.mine(time=T0 - 200 * 600)
        self.chain.mine(count=129)
        for block in self.chain.blocks[1:]:
            assert node.submitblock(block.hex()) is None
        self.next_coin = 1

    def coin(self):
        """(outpoint, value) of a mature coinbase with script OP_TRUE."""
        tx = self.chain.coinbase_of(self.next_coin)
        self.next_coin += 1
        return OutPoint(tx.txid, 0), tx.vout[0].value

    def spend(self, outputs=None, fee=0, sequence=0xffffffff, **kwargs):
        outpoint, value = self.coin()
        if outputs is None:
            outputs = [TxOut(value - fee, OPTRUE)]
        return Tx([TxIn(outpoint, sequence=sequence)], outputs, **kwargs)

    def refused(self, block, reason):
        tip = self.node.getbestblockhash()
        assert self.node.submitblock(block.hex()) == reason
        assert self.node.getbestblockhash() == tip

    def accepted(self, block):
        assert self.node.submitblock(block.hex()) is None
        self.chain.append(block)
        assert self.node.getbestblockhash() == block.hash
        return block


@pytest.fixture(scope="module")
def env(module_lab, params):
    # one script thread, so that the exact script error is the reason
    node = module_lab.node("-par=1", "-acceptnonstdtxn=1", params=params, start=False)
    node.start(f"-mocktime={T0}")
    return Setup(node)


@pytest.fixture(autouse=True)
def still_alive(env):
    yield
    env.chain.follow(env.node)     # in case the test failed half-way
    env.accepted(env.chain.next())


# Header -----------------------------------------------------------------------

def test_proof_of_work(env):
    block = env.chain.next()
    while block.meets_target():
        block.nonce += 1
    env.refused(block, "high-hash")


@pytest.mark.parametrize("bits", [0x207ffffe, 0x1d00ffff])
def test_wrong_difficulty_bits(env, bits):
    block = env.chain.next(solve=False)
    block.bits = bits
    if bits == 0x207ffffe:
        env.refused(resolve(block), "bad-diffbits")
    else:
        env.refused(block, "high-hash")


@pytest.mark.parametrize("bits", [0x00000000, 0x20ffffff, 0x21000001, 0xff7fffff])
def test_meaningless_difficulty_bits(env, bits):
    block = env.chain.next(solve=False)
    block.bits = bits
    env.refused(block, "high-hash")


def test_time_must_exceed_the_median(env):
    block = env.chain.next(time=env.chain.median_time())
    env.refused(block, "time-too-old")
    env.accepted(env.chain.next(time=env.chain.median_time() + 1))


def test_time_at_most_two_hours_ahead(env):
    env.refused(env.chain.next(time=T0 + 7200 + 1), "time-too-new")
    # exactly two hours are fine; the next blocks may well be older
    env.accepted(env.chain.next(time=T0 + 7200))
    env.node.set_time(T0 + 7200)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_old_versions(env, version):
    block = env.chain.next(version=version)
    env.refused(block, f"bad-version(0x{version:08x})")


def test_negative_version_is_old(env):
    env.refused(env.chain.next(version=-1), "bad-version(0xffffffff)")


def test_unknown_parent(env):
    block = env.chain.next(solve=False)
    block.prev = bytes(31) + b"\x07"
    env.refused(resolve(block), "prev-blk-not-found")


def test_child_of_an_invalid_block(env):
    bad = env.chain.next(value=env.params.max_coinbase(env.chain.height + 1) + 1)
    fork = env.chain.fork(env.chain.height)
    fork.append(bad)
    env.refused(bad, "bad-cb-amount")
    env.refused(fork.next(), "bad-prevblk")
    assert env.node.submitblock(bad.hex()) == "duplicate-invalid"


def test_duplicates(env):
    assert env.node.submitblock(env.chain.tip.hex()) == "duplicate"
    (rival,) = env.chain.fork(env.chain.height - 1).mine(extra=b"\x0d")
    assert env.node.submitblock(rival.hex()) == "inconclusive"
    assert env.node.submitblock(rival.hex()) == "duplicate"


# Shape ------------------------------------------------------------------------

def test_merkle_root(env):
    block = env.chain.next(solve=False)
    block.merkle = bytes(32)
    block.solve()
    env.refused(block, "bad-txnmrklroot")


def test_merkle_malleation(env):
    """CVE-2012-2459: repeated transactions keep the root but not the meaning."""
    txs = [env.spend(), env.spend()]
    block = env.chain.next(txs)
    twin = block.copy()
    twin.txs.append(twin.txs[-1])
    assert twin.calc_merkle() == block.merkle
    env.refused(twin, "bad-txns-duplicate")
    env.accepted(block)     # the mutation must not have marked it as invalid


def test_no_coinbase(env):
    block = env.chain.next([env.spend()], solve=False)
    del block.txs[0]
    expect_error(-22, "Block does not start with a coinbase", env.node.submitblock,
                 resolve(block).hex())


def test_two_coinbases(env):
    second = create_coinbase(env.params, env.chain.height + 1, extra=b"\x02")
    env.refused(env.chain.next([second]), "bad-cb-multiple")


def test_undecodable_block(env):
    raw = env.chain.next().hex()
    for bad in ("", "00", raw[:-2], raw[:100], "zz" + raw[2:]):
        expect_error(-22, "Block decode failed", env.node.submitblock, bad)


@pytest.mark.parametrize("size", [1, 101])
def test_coinbase_script_length(env, size):
    block = env.chain.next(solve=False)
    sig = block.txs[0].vin[0].script_sig
    block.txs[0].vin[0].script_sig = (sig + bytes(100))[:size]
    env.refused(resolve(block), "bad-cb-length")


def test_coinbase_script_may_have_100_bytes(env):
    block = env.chain.next(solve=False)
    sig = block.txs[0].vin[0].script_sig
    block.txs[0].vin[0].script_sig = (sig + bytes(100))[:100]
    env.accepted(resolve(block))


def test_coinbase_height(env):
    wrong = create_coinbase(env.params, env.chain.height)
    env.refused(env.chain.next(coinbase=wrong), "bad-cb-height")


def _filler(env, target_weight):
    """A block of exactly this weight, filled with one big OP_RETURN output."""
    tx = env.spend()
    tx.vout.append(TxOut(0, b"\x6a"))
    block = env.chain.next([tx], solve=False)
    missing = target_weight - block.weight
    size = 1 + missing // 4
    while True:
        tx.vout[-1].script_pubkey = b"\x6a" * size
        rest = target_weight - block.weight
        if rest == 0:
            return resolve(block)
        if -4 < rest < 4:
            # the last units come from a witness byte each
            tx.vout[-1].script_pubkey = b"\x6a" * (size - 12)
            add_witness_commitment(block)
            rest = target_weight - block.weight
            tx.vin[0].witness = [bytes(max(rest - 4, 0))]
            return resolve(block)
        size += rest // 4


def test_weight_limit(env):
    exact = _filler(env, MAX_BLOCK_WEIGHT)
    assert exact.weight == MAX_BLOCK_WEIGHT
    over = _filler(env, MAX_BLOCK_WEIGHT + 4)
    env.refused(over, "bad-blk-length")
    env.accepted(exact)


def test_weight_limit_counts_witness_bytes(env):
    tx = env.spend(outputs=[TxOut(0, sc.p2wsh(b"\x75\x51"))])
    block = env.chain.next([tx])
    env.accepted(block)
    spend = Tx([TxIn(OutPoint(tx.txid, 0))], [TxOut(0, OPTRUE)])
    spend.vin[0].witness = [bytes(4_000_000), b"\x75\x51"]
    big = env.chain.next([spend], witness=True)
    assert len(big.serialize(witness=False)) < 1000
    env.refused(big, "bad-blk-weight")


# Transactions on their own ----------------------------------------------------

def _tx_cases():
    def no_inputs(env):
        tx = env.spend()
        tx.vin = []
        return tx

    def no_outputs(env):
        return env.spend(outputs=[])

    def negative(env):
        return env.spend(outputs=[TxOut(-1, OPTRUE)])

    def too_large(env):
        return env.spend(outputs=[TxOut(MAX_MONEY + 1, OPTRUE)])

    def total_too_large(env):
        return env.spend(outputs=[TxOut(MAX_MONEY, OPTRUE), TxOut(1, OPTRUE)])

    def twice(env):
        tx = env.spend()
        tx.vin.append(tx.vin[0])
        return tx

    def null_prevout(env):
        tx = env.spend()
        tx.vin.append(TxIn(OutPoint()))
        return tx

    def oversize(env):
        tx = env.spend()
        tx.vout.append(TxOut(0, b"\x6a" * 1_000_000))
        return tx

    return {"bad-txns-vout-empty": no_outputs,
            "bad-txns-vout-negative": negative, "bad-txns-vout-toolarge": too_large,
            "bad-txns-txouttotal-toolarge": total_too_large,
            "bad-txns-inputs-duplicate": twice, "bad-txns-prevout-null": null_prevout,
            "bad-txns-oversize": oversize, "bad-txns-vin-empty": no_inputs}


@pytest.mark.parametrize("reason", sorted(_tx_cases()))
def test_malformed_transaction(env, reason):
    block = env.chain.next([_tx_cases()[reason](env)])
    if reason in ("bad-txns-oversize",):
        env.refused(block, "bad-blk-length")
    elif reason == "bad-txns-vin-empty":
        # an empty input list reads as the witness marker: the bytes are no block
        expect_error(-22, "Block decode failed", env.node.submitblock, block.hex())
    else:
        env.refused(block, reason)


def test_coinbase_output_rules(env):
    for value, reason in ((-1, "bad-txns-vout-negative"),
                          (MAX_MONEY + 1, "bad-txns-vout-toolarge")):
        env.refused(env.chain.next(value=value), reason)


# Transactions in context ------------------------------------------------------

def test_missing_input(env):
    tx = Tx([TxIn(OutPoint("11" * 32, 0))], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([tx]), "bad-txns-inputs-missingorspent")


def test_output_index_out_of_range(env):
    tx = env.spend()
    tx.vin[0].prevout.n = 100
    env.refused(env.chain.next([tx]), "bad-txns-inputs-missingorspent")


def test_double_spend_within_a_block(env):
    tx = env.spend()
    again = tx.copy()
    again.vout[0].value -= 1
    env.refused(env.chain.next([tx, again]), "bad-txns-inputs-missingorspent")


def test_double_spend_across_blocks(env):
    tx = env.spend()
    env.accepted(env.chain.next([tx]))
    again = tx.copy()
    again.vout[0].value -= 1
    env.refused(env.chain.next([again]), "bad-txns-inputs-missingorspent")


def test_order_within_a_block(env):
    parent = env.spend()
    child = Tx([TxIn(OutPoint(parent.txid, 0))], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([child, parent]), "bad-txns-inputs-missingorspent")
    env.accepted(env.chain.next([parent, child]))


def test_coinbase_maturity(env):
    young = env.chain.coinbase_of(env.chain.height + 1 - 99)
    tx = Tx([TxIn(OutPoint(young.txid, 0))], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([tx]), "bad-txns-premature-spend-of-coinbase")


def test_coinbase_of_the_same_block_cannot_be_spent(env):
    block = env.chain.next()
    tx = Tx([TxIn(OutPoint(block.txs[0].txid, 0))], [TxOut(0, OPTRUE)])
    block.txs.append(tx)
    env.refused(resolve(block), "bad-txns-premature-spend-of-coinbase")


def test_outputs_exceed_inputs(env):
    env.refused(env.chain.next([env.spend(fee=-1)]), "bad-txns-in-belowout")


def test_coinbase_value(env):
    height = env.chain.height + 1
    most = env.params.max_coinbase(height)
    env.refused(env.chain.next(value=most + 1), "bad-cb-amount")
    env.accepted(env.chain.next(value=most))


def test_coinbase_takes_fees(env):
    fee = 1234
    most = env.params.max_coinbase(env.chain.height + 1, fee)
    tx = env.spend(fee=fee)
    env.refused(env.chain.next([tx], value=most + 1), "bad-cb-amount")
    env.accepted(env.chain.next([tx], value=most))


def test_claiming_less_is_allowed(env):
    env.accepted(env.chain.next(value=0))


def test_non_final_transaction(env):
    height = env.chain.height + 1
    tx = env.spend(sequence=0, locktime=height)
    env.refused(env.chain.next([tx]), "bad-txns-nonfinal")
    tx.locktime = height - 1
    env.accepted(env.chain.next([tx]))


def test_non_final_by_time_uses_the_median(env):
    tx = env.spend(sequence=0, locktime=env.chain.median_time())
    env.refused(env.chain.next([tx]), "bad-txns-nonfinal")
    tx.locktime = env.chain.median_time() - 1
    env.accepted(env.chain.next([tx]))


def test_non_final_coinbase(env):
    coinbase = create_coinbase(env.params, env.chain.height + 1)
    coinbase.locktime = 0xffffffff
    coinbase.vin[0].sequence = 0
    env.refused(env.chain.next(coinbase=coinbase), "bad-txns-nonfinal")


def test_relative_lock_time(env):
    tx = env.spend()
    env.accepted(env.chain.next([tx]))
    locked = Tx([TxIn(OutPoint(tx.txid, 0), sequence=3)], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([locked]), "bad-txns-nonfinal")
    env.accepted(env.chain.next())
    env.accepted(env.chain.next())
    env.accepted(env.chain.next([locked]))


# Scripts ----------------------------------------------------------------------

@pytest.mark.parametrize("code, error", [
    (script(OP_FALSE), "Script evaluated without error but finished with a false/empty "
                       "top stack element"),
    (script(OP_TRUE, OP_RETURN), "OP_RETURN was encountered"),
    (script(OP_TRUE, OP_IF), "Invalid OP_IF construction"),
    (script(OP_INVALIDOPCODE), "Opcode missing or not understood"),
    (script(sc.OPCODES["OP_CAT"]), "Attempted to use a disabled opcode"),
    (script(sc.OPCODES["OP_VERIFY"]), "Operation not valid with the current stack size"),
    (script(*[OP_TRUE] * 1001), "Stack size limit exceeded"),
    (b"\x61" * 202, "Operation limit exceeded"),
    (b"\x6a", "bad-txns-inputs-missingorspent"),            # never entered the coins
    (b"\x51" * 10001, "bad-txns-inputs-missingorspent"),    # likewise
    (b"\x4d\x09\x02" + bytes(521), "Push value size limit exceeded"),
    (b"\x05\x00", "Opcode missing or not understood"),
    (script(1, 2, sc.OPCODES["OP_EQUALVERIFY"]), "Script failed an OP_EQUALVERIFY "
                                                 "operation"),
], ids=lambda v: f"{len(v)} bytes {v[:4].hex()}" if isinstance(v, bytes) else "")
def test_script_errors(env, code, error):
    tx = env.spend(outputs=[TxOut(0, code)])
    env.accepted(env.chain.next([tx]))
    spend = Tx([TxIn(OutPoint(tx.txid, 0))], [TxOut(0, OPTRUE)])
    reason = (error if error.startswith("bad-") else
              f"mandatory-script-verify-flag-failed ({error})")
    env.refused(env.chain.next([spend]), reason)


def test_wrong_signature(env):
    key = Key.from_seed("block")
    tx = env.spend(outputs=[TxOut(0, sc.p2pk(key.pubkey))])
    env.accepted(env.chain.next([tx]))
    spend = Tx([TxIn(OutPoint(tx.txid, 0), sc.push(key.sign_ecdsa(bytes(32)) + b"\x01"))],
               [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([spend]), "mandatory-script-verify-flag-failed (Script "
                "evaluated without error but finished with a false/empty top stack "
                "element)")


def test_p2sh_redeem_script_runs(env):
    redeem = script(OP_FALSE)
    tx = env.spend(outputs=[TxOut(0, sc.p2sh(redeem)), TxOut(0, sc.p2sh(OPTRUE))])
    env.accepted(env.chain.next([tx]))
    bad = Tx([TxIn(OutPoint(tx.txid, 0), sc.push(redeem))], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([bad]), "mandatory-script-verify-flag-failed (Script "
                "evaluated without error but finished with a false/empty top stack "
                "element)")
    good = Tx([TxIn(OutPoint(tx.txid, 1), sc.push(OPTRUE))], [TxOut(0, OPTRUE)])
    env.accepted(env.chain.next([good]))


# Signature operations ---------------------------------------------------------

@pytest.mark.parametrize("op, cost", [(OP_CHECKSIG, 1),
                                      (sc.OPCODES["OP_CHECKSIGVERIFY"], 1),
                                      (OP_CHECKMULTISIG, 20),
                                      (sc.OPCODES["OP_CHECKMULTISIGVERIFY"], 20)])
def test_sigop_limit(env, op, cost):
    limit = 20_000 // cost
    over = env.spend(outputs=[TxOut(0, bytes([op]) * (limit + 1))])
    env.refused(env.chain.next([over]), "bad-blk-sigops")
    exact = env.spend(outputs=[TxOut(0, bytes([op]) * limit)])
    env.accepted(env.chain.next([exact]))


def test_sigops_behind_a_bad_push_do_not_count(env):
    code = b"\xac" * 20_000 + b"\x4e\xff\xff\xff\xff" + b"\xac" * 10
    env.accepted(env.chain.next([env.spend(outputs=[TxOut(0, code)])]))
    code = b"\xac" * 20_001 + b"\x4e\xff\xff\xff\xff"
    env.refused(env.chain.next([env.spend(outputs=[TxOut(0, code)])]), "bad-blk-sigops")


def test_p2sh_sigops_count_in_context(env):
    redeem = b"\x51" + b"\x63" + b"\xac" * 600 + b"\x68"   # never run, still counted
    redeem = script(0, OP_IF) + b"\xac" * 500 + script(sc.OPCODES["OP_ENDIF"], OP_TRUE)
    outs = 41
    tx = env.spend(outputs=[TxOut(0, sc.p2sh(redeem)) for _ in range(outs)])
    env.accepted(env.chain.next([tx]))

    def spend(n, extra):
        t = Tx([TxIn(OutPoint(tx.txid, i), sc.push(redeem)) for i in range(n)],
               [TxOut(0, b"\xac" * extra)])
        return env.chain.next([t])
    # 500 checks are behind more than 201 non-push operations only when they run
    block = spend(40, 1)
    reason = env.node.submitblock(block.hex())
    assert reason == "bad-blk-sigops"


def test_witness_sigops_are_discounted(env):
    code = script(0, OP_IF) + b"\xac" * 190 + script(sc.OPCODES["OP_ENDIF"], OP_TRUE)
    need = 80_000 // 190 + 1
    tx = env.spend(outputs=[TxOut(0, sc.p2wsh(code)) for _ in range(need)])
    env.accepted(env.chain.next([tx]))

    def spend(n):
        t = Tx([TxIn(OutPoint(tx.txid, i), witness=[code]) for i in range(n)],
               [TxOut(0, OPTRUE)])
        return env.chain.next([t])
    env.refused(spend(need), "bad-blk-sigops")
    env.accepted(spend(need - 1))


# Duplicate transactions (BIP 30) ----------------------------------------------

def test_bip34_height_makes_coinbases_unique(env):
    block = env.chain.next()
    coinbase = env.chain.tip.txs[0]
    if env.params is OCHRE:
        coinbase = coinbase.copy()
        coinbase.vout.pop()
    env.refused(env.chain.next(coinbase=coinbase), "bad-cb-height")
    assert block.txs[0].txid != coinbase.txid


# Segregated witness -----------------------------------------------------------

def _witness_block(env):
    tx = env.spend(outputs=[TxOut(0, sc.p2wsh(OPTRUE))])
    env.accepted(env.chain.next([tx]))
    spend = Tx([TxIn(OutPoint(tx.txid, 0), witness=[OPTRUE])], [TxOut(0, OPTRUE)])
    return env.chain.next([spend])


def test_witness_commitment(env):
    block = _witness_block(env)

    missing = block.copy()
    missing.txs[0].vout.pop()
    missing.txs[0].vin[0].witness = []
    env.refused(resolve(missing), "unexpected-witness")

    wrong = block.copy()
    wrong.txs[0].vout[-1].script_pubkey = wrong.txs[0].vout[-1].script_pubkey[:-1] + b"\0"
    if wrong.txs[0].vout[-1].script_pubkey == block.txs[0].vout[-1].script_pubkey:
        wrong.txs[0].vout[-1].script_pubkey = block.txs[0].vout[-1].script_pubkey[:-1] + b"\1"
    env.refused(resolve(wrong), "bad-witness-merkle-match")

    # (submitblock fills in a missing reserved value: see p2p_segwit for that case)
    for witness in ([bytes(31)], [bytes(33)], [bytes(32)] * 2):
        nonce = block.copy()
        nonce.txs[0].vin[0].witness = witness
        env.refused(nonce, "bad-witness-nonce-size")
    env.accepted(block)


def test_last_commitment_counts(env):
    block = _witness_block(env)
    good = block.txs[0].vout.pop()
    block.txs[0].vout += [TxOut(0, good.script_pubkey[:6] + bytes(32)), good]
    env.accepted(resolve(block))


def test_commitment_may_be_longer_than_38_bytes(env):
    block = _witness_block(env)
    block.txs[0].vout[-1].script_pubkey += b"\x00"
    env.accepted(resolve(block))


def test_commitment_without_witness_is_fine(env):
    block = env.chain.next(witness=True)
    env.accepted(block)


def test_mutated_witness_is_not_remembered(env):
    """A wrong witness does not change the block hash, so it must not condemn it."""
    block = _witness_block(env)
    mutated = block.copy()
    mutated.txs[1].vin[0].witness = [b"\x51", b"\x51"]
    assert mutated.hash == block.hash
    env.refused(mutated, "bad-witness-merkle-match")
    env.accepted(block)


def test_witness_of_a_legacy_input(env):
    tx = env.spend()
    tx.vin[0].witness = [b"\x01"]
    env.refused(env.chain.next([tx]), "mandatory-script-verify-flag-failed (Witness "
                "provided for non-witness script)")


# Ochre's additions ------------------------------------------------------------

@pytest.fixture
def ochre_env(env):
    if env.params is not OCHRE:
        pytest.skip("a rule of the Ochre networks")
    return env


@pytest.fixture
def bitcoin_env(env):
    if env.params is not BITCOIN:
        pytest.skip("a rule of Bitcoin's personality")
    return env


def test_state_root_is_required(ochre_env):
    env = ochre_env
    env.refused(env.chain.next(root=None), "bad-state-root")
    env.refused(env.chain.next(root=bytes(32)), "bad-state-root")
    env.refused(env.chain.next(root=env.chain.states[-2].root()), "bad-state-root")


def test_state_root_stands_exactly_once(ochre_env):
    env = ochre_env
    from framework.blocks import state_output
    twice = create_coinbase(env.params, env.chain.height + 1,
                            outputs=[state_output(env.chain.root)])
    env.refused(env.chain.next(coinbase=twice), "bad-state-root")


def test_state_root_position_and_value_are_free(ochre_env):
    env = ochre_env
    from framework.blocks import state_output
    coinbase = create_coinbase(env.params, env.chain.height + 1)
    coinbase.vout.insert(0, state_output(env.chain.root))
    coinbase.vout[0].value = 1
    coinbase.vout[1].value -= 1
    env.accepted(env.chain.next(coinbase=coinbase, root=None))


def test_state_root_is_the_one_that_the_test_computes(ochre_env):
    env = ochre_env
    assert env.node.getstateroot()["root"] == env.chain.root.hex() \
        if isinstance(env.node.getstateroot(), dict) \
        else env.node.getstateroot() == env.chain.root.hex()


def test_supernode_share_is_not_created(ochre_env):
    """Without an active supernode a fifth of the subsidy does not come into being."""
    env = ochre_env
    full = env.params.block_subsidy(env.chain.height + 1)
    env.refused(env.chain.next(value=full), "bad-cb-amount")


def _tx_of_64_bytes(env):
    outpoint, _ = env.coin()
    tx = Tx([TxIn(outpoint)], [TxOut(0, b"\x6a\x02\x00\x00")])
    assert len(tx.serialize()) == 64
    return tx


def test_64_byte_transaction_ochre(ochre_env):
    env = ochre_env
    block = env.chain.next([_tx_of_64_bytes(env)])
    reason = env.node.submitblock(block.hex())
    assert reason and reason.startswith("bad-txns"), reason


def test_64_byte_transaction_bitcoin(bitcoin_env):
    env = bitcoin_env
    env.accepted(env.chain.next([_tx_of_64_bytes(env)]))


# A long reorganisation at the end: the chain is no longer followed by still_alive
def test_superfluous_compact_size(env):
    """The transaction count must be minimal."""
    block = env.chain.next()
    raw = block.serialize()
    padded = raw[:80] + b"\xfd" + struct.pack("<H", 1) + raw[81:]
    assert compact_size(1) == b"\x01"
    expect_error(-22, "Block decode failed", env.node.submitblock, padded.hex())


def test_hash_of_the_p2sh_script_matters(env):
    tx = env.spend(outputs=[TxOut(0, script(OP_HASH160, bytes(20), OP_EQUAL))])
    env.accepted(env.chain.next([tx]))
    spend = Tx([TxIn(OutPoint(tx.txid, 0), sc.push(OPTRUE))], [TxOut(0, OPTRUE)])
    env.refused(env.chain.next([spend]), "mandatory-script-verify-flag-failed (Script "
                "evaluated without error but finished with a false/empty top stack "
                "element)")


def test_recommit_helper_builds_valid_blocks(env):
    block = env.chain.next([env.spend()], witness=True)
    block.txs[1].vout[0].value -= 5
    env.accepted(recommit(block))
    assert to_hex(block.hash_bytes) == env.node.getbestblockhash()
