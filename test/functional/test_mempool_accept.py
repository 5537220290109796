"""testmempoolaccept and sendrawtransaction: every policy reason, and what is fine."""
from framework import script as sc, sighash
from framework import fixtures
from framework.blocks import Chain
from framework.key import Key
from framework.params import OCHRE
from framework.primitives import MAX_MONEY, OutPoint, Tx, TxIn, TxOut
from framework.rpc import expect_error
from framework.script import OP_FALSE, OP_RETURN, OP_TRUE, script

DUMMY_P2WPKH = sc.p2wpkh(Key.from_seed("dummy").pubkey)


node = fixtures.node_of_each("-txindex", "-permitbaremultisig=0", "-acceptnonstdtxn=0")
wallet = fixtures.mini_wallet(120)


def check(node, tx, **kwargs):
    raw = tx if isinstance(tx, str) else tx.hex()
    (result,) = node.testmempoolaccept(rawtxs=[raw], **kwargs)
    return result


def refused(node, tx, reason):
    result = check(node, tx, maxfeerate=0)
    assert result == {"txid": tx.txid, "wtxid": tx.wtxid, "allowed": False,
                      "reject-reason": reason}


# Arguments --------------------------------------------------------------------

def test_arguments(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)]).hex()
    expect_error(-3, "is not of expected type array", node.testmempoolaccept,
                 rawtxs="ff00baar")
    expect_error(-8, "Array must contain between 1 and 25 transactions.",
                 node.testmempoolaccept, rawtxs=["ff22"] * 26)
    expect_error(-8, "Array must contain between 1 and 25 transactions.",
                 node.testmempoolaccept, rawtxs=[])
    expect_error(-22, "TX decode failed", node.testmempoolaccept, rawtxs=["ff00baar"])
    expect_error(-3, "Amount is not a number or string", node.testmempoolaccept, [tx],
                 {"a": 1})
    expect_error(-8, "Fee rates larger than or equal to 1", node.testmempoolaccept, [tx],
                 node.params.amount(10 ** 8))


def test_accepted_result(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)], fee=5000)
    result = check(node, tx)
    fee = node.params.amount(5000)
    assert result["txid"] == tx.txid and result["wtxid"] == tx.wtxid
    assert result["allowed"] is True and result["vsize"] == tx.vsize
    assert result["fees"]["base"] == fee
    assert result["fees"]["effective-includes"] == [tx.wtxid]
    assert node.params.units(result["fees"]["effective-feerate"]) == \
        5000 * 1000 // tx.vsize
    assert node.getmempoolinfo()["size"] == 0     # testing changes nothing


def test_max_fee_rate(node, wallet):
    utxo = wallet.get_utxo(keep=True)
    tx = wallet.create(utxos=[utxo], fee=10 ** 7)
    result = check(node, tx)
    assert result["allowed"] is False
    assert result["reject-reason"] == "max-fee-exceeded"
    expect_error(-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, "
                 "maxfeerate)", node.sendrawtransaction, tx.hex())
    assert check(node, tx, maxfeerate=0)["allowed"] is True


# States -----------------------------------------------------------------------

def test_already_in_the_mempool_and_confirmed(node, wallet):
    tx = wallet.create(confirmed_only=True)
    wallet.broadcast(tx)
    refused(node, tx, "txn-already-in-mempool")
    assert node.sendrawtransaction(tx.hex()) == tx.txid     # sent again, no error
    wallet.generate(1)
    refused(node, tx, "txn-already-known")
    expect_error(-27, "Transaction outputs already in utxo set", node.sendrawtransaction,
                 tx.hex())


def test_same_transaction_with_another_witness(node, wallet):
    key = Key.from_seed("twin")
    utxo = wallet.get_utxo(confirmed_only=True)
    code = sc.p2wsh(b"\x75\x51")
    parent, n = wallet.send_to(code, 100_000, utxos=[utxo])
    spends = []
    for extra in (b"\x01", b"\x02"):
        tx = Tx([TxIn(OutPoint(parent.txid, n))],
                [TxOut(90_000, sc.p2wpkh(key.pubkey))])
        tx.vin[0].witness = [extra, b"\x75\x51"]
        spends.append(tx)
    node.sendrawtransaction(spends[0].hex())
    assert spends[0].txid == spends[1].txid
    refused(node, spends[1], "txn-same-nonwitness-data-in-mempool")
    wallet.generate(1)


def test_missing_inputs(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)])
    tx.vin[0].prevout = OutPoint("ff" * 32, 14)
    refused(node, tx, "missing-inputs")
    expect_error(-25, "bad-txns-inputs-missingorspent", node.sendrawtransaction, tx.hex())


def test_spent_inputs(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True)
    first = wallet.create(utxos=[utxo], fee=1000)
    wallet.broadcast(first)
    wallet.generate(1)
    second = wallet.create(utxos=[utxo], fee=2000)
    refused(node, second, "missing-inputs")


# Consensus --------------------------------------------------------------------

def test_malformed(node, wallet):
    base = wallet.create(utxos=[wallet.get_utxo(keep=True)])

    def variant(change):
        tx = base.copy()
        change(tx)
        return tx

    def set_value(*values):
        def change(tx):
            tx.vout = [TxOut(v, wallet.script_pubkey) for v in values]
        return change

    def double_input(tx):
        tx.vin = [tx.vin[0], tx.vin[0]]

    def null_input(tx):
        tx.vin.append(TxIn(OutPoint()))

    def huge(tx):
        tx.vout[0].script_pubkey = b"\x6a" * 1_000_001

    cases = [
        (lambda tx: setattr(tx, "vout", []), "bad-txns-vout-empty"),
        (huge, "bad-txns-oversize"),
        (set_value(-1), "bad-txns-vout-negative"),
        (set_value(MAX_MONEY + 1), "bad-txns-vout-toolarge"),
        (set_value(MAX_MONEY, MAX_MONEY), "bad-txns-txouttotal-toolarge"),
        (double_input, "bad-txns-inputs-duplicate"),
        (null_input, "bad-txns-prevout-null"),
    ]
    for change, reason in cases:
        refused(node, variant(change), reason)


def test_no_inputs(node, wallet):
    """An empty list reads as the witness marker."""
    tx = Tx([], [TxOut(0, DUMMY_P2WPKH)])
    expect_error(-22, "TX decode failed. Make sure the tx has at least one input.",
                 node.sendrawtransaction, tx.hex())


def test_coinbase_is_no_loose_transaction(node, wallet):
    coinbase = node.getblock(node.getblockhash(5), 2)["tx"][0]
    result = check(node, coinbase["hex"])
    assert result["reject-reason"] == "coinbase"


def test_in_below_out(node, wallet):
    utxo = wallet.get_utxo(keep=True)
    tx = wallet.create(utxos=[utxo], fee=-1)
    refused(node, tx, "bad-txns-in-belowout")


def test_bad_script(node, wallet):
    key = Key.from_seed("badscript")
    parent, n = wallet.send_to(sc.p2wpkh(key.pubkey), 50_000, confirmed_only=True)
    tx = Tx([TxIn(OutPoint(parent.txid, n))], [TxOut(40_000, DUMMY_P2WPKH)])
    tx.vin[0].witness = [key.sign_ecdsa(bytes(32)) + b"\x01", key.pubkey]
    assert "script-verify-flag" in check(node, tx)["reject-reason"]
    sighash.sign_p2wpkh(tx, 0, key, 50_000)
    assert check(node, tx)["allowed"] is True
    wallet.generate(1)


# Standardness -----------------------------------------------------------------

def test_version(node, wallet):
    for version in (0, 4, 0xffffffff):
        tx = wallet.create(utxos=[wallet.get_utxo(keep=True)], version=version)
        refused(node, tx, "version")
    for version in (1, 2, 3):
        tx = wallet.create(utxos=[wallet.get_utxo(keep=True, confirmed_only=True)],
                           version=version)
        assert check(node, tx)["allowed"] is True


def _outputs(wallet, *scripts, value=10_000):
    utxo = wallet.get_utxo(keep=True)
    extra = [TxOut(0 if s[:1] == b"\x6a" else value, s) for s in scripts]
    return wallet.create(utxos=[utxo], extra_outputs=extra, fee=50_000)


def test_output_scripts(node, wallet):
    refused(node, _outputs(wallet, script(OP_FALSE)), "scriptpubkey")
    multi = sc.multisig(2, [Key.from_seed(str(i)).pubkey for i in range(3)])
    refused(node, _outputs(wallet, multi), "bare-multisig")
    too_many = sc.multisig(2, [Key.from_seed(str(i)).pubkey for i in range(4)])
    refused(node, _outputs(wallet, too_many), "scriptpubkey")


def test_op_return(node, wallet):
    assert check(node, _outputs(wallet, script(OP_RETURN, bytes(80))))["allowed"] is True
    refused(node, _outputs(wallet, script(OP_RETURN, bytes(81))), "scriptpubkey")
    refused(node, _outputs(wallet, script(OP_RETURN), script(OP_RETURN)),
            "multi-op-return")


def test_dust(node, wallet):
    refused(node, _outputs(wallet, DUMMY_P2WPKH, value=293), "dust")
    assert check(node, _outputs(wallet, DUMMY_P2WPKH, value=294))["allowed"] is True
    refused(node, _outputs(wallet, sc.p2pkh(bytes(33)), value=545), "dust")
    assert check(node, _outputs(wallet, sc.p2pkh(bytes(33)), value=546))["allowed"] is True


def test_script_sig(node, wallet):
    base = wallet.create(utxos=[wallet.get_utxo(keep=True)])
    long = base.copy()
    long.vin[0].script_sig = sc.push(bytes(1648))      # 1651 bytes
    refused(node, long, "scriptsig-size")
    code = base.copy()
    code.vin[0].script_sig = script(sc.OPCODES["OP_HASH160"])
    refused(node, code, "scriptsig-not-pushonly")


def test_size_limits(node, wallet):
    utxo = wallet.get_utxo(keep=True)
    tx = Tx([TxIn(utxo.outpoint)], [TxOut(utxo.value - 300_000, wallet.script_pubkey)])
    tx.vout += [TxOut(10_000, DUMMY_P2WPKH)] * 3300
    tx.vout[0].value -= 10_000 * 3300
    big = wallet.sign(tx)
    assert big.weight > 400_000
    refused(node, big, "tx-size")
    small = Tx([TxIn(utxo.outpoint)], [TxOut(0, script(OP_RETURN, b"\0" * 2))])
    wallet.sign(small)
    assert len(small.serialize(witness=False)) == 64
    refused(node, small, "bad-txns-size-64" if node.params is OCHRE else "tx-size-small")
    ok = Tx([TxIn(utxo.outpoint)], [TxOut(0, script(OP_RETURN, b"\0" * 3))])
    wallet.sign(ok)
    assert check(node, ok, maxfeerate=0)["allowed"] is True


def test_finality(node, wallet):
    utxo = wallet.get_utxo(keep=True, confirmed_only=True)
    height = node.getblockcount()
    tx = wallet.create(utxos=[utxo], sequence=0xfffffffe, locktime=height + 1)
    refused(node, tx, "non-final")
    assert check(node, wallet.create(utxos=[utxo], sequence=0xfffffffe,
                                     locktime=height))["allowed"] is True
    locked = wallet.create(utxos=[utxo], sequence=height + 10)
    refused(node, locked, "non-BIP68-final")


def test_immature_coinbase(node, wallet):
    young = max(wallet.utxos, key=lambda u: u.height)
    tx = wallet.create(utxos=[young])
    refused(node, tx, "bad-txns-premature-spend-of-coinbase")


def test_fee_too_low(node, wallet):
    utxo = wallet.get_utxo(keep=True)
    tx = wallet.create(utxos=[utxo], fee=0)
    refused(node, tx, "min relay fee not met")
    need = tx.vsize
    assert check(node, wallet.create(utxos=[utxo], fee=need))["allowed"] is True
    refused(node, wallet.create(utxos=[utxo], fee=need - 1), "min relay fee not met")


def test_nonstandard_inputs(node, wallet):
    chain = Chain.of(node)
    redeem = bytes([0xac]) * 16 + script(sc.OPCODES["OP_2DROP"])
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)],
                           extra_outputs=[TxOut(50_000, script(OP_TRUE)),
                                          TxOut(50_000, sc.p2sh(redeem))])
    block = chain.next([parent])
    assert node.submitblock(block.hex()) is None
    wallet.scan_blocks([block.hash])
    bare = Tx([TxIn(OutPoint(parent.txid, 1))], [TxOut(40_000, DUMMY_P2WPKH)])
    refused(node, bare, "bad-txns-nonstandard-inputs")
    p2sh = Tx([TxIn(OutPoint(parent.txid, 2), sc.push(redeem))],
              [TxOut(40_000, DUMMY_P2WPKH)])
    refused(node, p2sh, "bad-txns-nonstandard-inputs")


def test_witness_standardness(node, wallet):
    """P2WSH limits of policy: script 3600 bytes, 100 items, 80 bytes each."""
    code = b"\x75" * 101 + b"\x51"
    long = b"\x61" * 3600 + b"\x51"
    item = b"\x75\x51"
    parent = wallet.create(utxos=[wallet.get_utxo(confirmed_only=True)],
                           extra_outputs=[TxOut(50_000, sc.p2wsh(c))
                                          for c in (code, long, item)])
    wallet.broadcast(parent)
    wallet.generate(1)

    def spend(n, witness):
        tx = Tx([TxIn(OutPoint(parent.txid, 1 + n))], [TxOut(1000, DUMMY_P2WPKH)])
        tx.vin[0].witness = witness
        return tx
    refused(node, spend(0, [b"\x01"] * 101 + [code]), "bad-witness-nonstandard")
    refused(node, spend(1, [long]), "bad-witness-nonstandard")
    refused(node, spend(2, [bytes(81), item]), "bad-witness-nonstandard")
    assert check(node, spend(2, [b"\x01" * 80, item]), maxfeerate=0)["allowed"] is True


def test_witness_stripped(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True, confirmed_only=True)])
    stripped = tx.copy()
    stripped.vin[0].witness = []
    result = check(node, stripped)
    assert result["allowed"] is False
    assert "script-verify-flag" in result["reject-reason"]


def test_burn_needs_permission(node, wallet):
    tx = wallet.create(utxos=[wallet.get_utxo(keep=True)], fee=10_000,
                       extra_outputs=[TxOut(1, script(OP_RETURN, b"burn"))])
    text = "Unspendable output exceeds maximum configured by user (maxburnamount)"
    expect_error(-25, text, node.sendrawtransaction, tx.hex())
    expect_error(-25, text, node.sendrawtransaction, tx.hex(), 0, 0)
    assert node.sendrawtransaction(tx.hex(), 0, node.params.amount(1)) == tx.txid
    wallet.rescan()
    wallet.generate(1)


# Packages ---------------------------------------------------------------------

def test_chains_are_tested_together(node, wallet):
    chain = wallet.chain(5, wallet.get_utxo(confirmed_only=True, keep=True))
    results = node.testmempoolaccept([t.hex() for t in chain])
    assert [r["allowed"] for r in results] == [True] * 5
    assert node.getmempoolinfo()["size"] == 0
    backwards = node.testmempoolaccept([t.hex() for t in chain[::-1]])
    assert all(r["package-error"] == "package-not-sorted" for r in backwards)


def test_package_errors(node, wallet):
    utxo = wallet.get_utxo(confirmed_only=True, keep=True)
    tx = wallet.create(utxos=[utxo], fee=1000)
    other = wallet.create(utxos=[utxo], fee=2000)
    twice = node.testmempoolaccept([tx.hex(), tx.hex()])
    assert all(r["package-error"] == "package-contains-duplicates" for r in twice)
    conflict = node.testmempoolaccept([tx.hex(), other.hex()])
    assert all(r["package-error"] == "conflict-in-package" for r in conflict)
