"""Miniscript in wallets: watching, describing and spending wsh() and tr() policies with
keys, preimages and locks, through PSBTs of several signers (bitcoind's wallet_miniscript
and wallet_miniscript_decaying_multisig_descriptor_psbt)."""
import re

import pytest

from framework import fixtures
from framework.hashes import hash160, hash256, ripemd160, sha256
from framework.hd import HDKey, checksummed
from framework.psbt import Psbt
from framework.rpc import expect_error

KEYS = [HDKey.from_seed(b"miniscript key %d" % i) for i in range(6)]
NUMS = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
PREIMAGE = bytes(range(32))
HASHES = {"sha256": sha256, "hash256": hash256, "ripemd160": ripemd160, "hash160": hash160}
IN_PREIMAGE = {"ripemd160": b"\x0a", "sha256": b"\x0b", "hash160": b"\x0c",
               "hash256": b"\x0d"}


node = fixtures.node_of_each("-keypool=5", fallback_fee=20000)
funds = fixtures.rich_wallet("funds", 140)


counter = iter(range(1000))


def fresh(policy):
    """Gives the keys a branch of their own, so that no other test knows the coins."""
    return re.sub(r"\b(K\d)\b", rf"\1@{next(counter)}", policy)


def fill(policy, signers=()):
    """K0@7 becomes a ranged key, a private one for signers; H_kind becomes a hash."""
    def key(match):
        i = int(match[1])
        name = KEYS[i].xprv() if i in signers else KEYS[i].xpub()
        return f"{name}/{match[2]}/*"

    policy = re.sub(r"\bK(\d)@(\d+)\b", key, policy)
    for kind, function in HASHES.items():
        policy = policy.replace(f"H_{kind}", f"{kind}({function(PREIMAGE).hex()})")
    return policy.replace("NUMS", NUMS)


def importing_wallet(node, policy, signers=()):
    """A wallet that holds the policy with the private keys of these signers."""
    wallet = node.new_wallet(f"policy {next(counter)}", blank=True,
                             disable_private_keys=not signers)
    (result,) = wallet.importdescriptors([
        {"desc": checksummed(node, fill(policy, signers)), "active": True,
         "timestamp": "now", "range": 4}])
    assert result["success"], result
    return wallet


def output_type(policy):
    if policy.startswith("tr("):
        return "bech32m"
    return "p2sh-segwit" if policy.startswith("sh(") else "bech32"


def fund(node, funds, wallet, policy):
    """A confirmed coin on an address of the policy."""
    address = wallet.getnewaddress("", output_type(policy))
    txid = funds.sendtoaddress(address, 5)
    unconfirmed = wallet.listunspent(0, 0)
    assert [u["address"] for u in unconfirmed] == [address]
    node.generatetoaddress(1, funds.getnewaddress())
    (coin,) = wallet.listunspent()
    assert coin["txid"] == txid and coin["solvable"]
    return coin


# -- Watching --

WATCHED = [
    "wsh(pk(K0))",
    "wsh(or_d(pk(K0),and_v(v:pkh(K1),older(10))))",
    "sh(wsh(andor(multi(2,K0,K1),older(3),pkh(K2))))",
    "wsh(t:or_c(pk(K0),and_v(v:pk(K1),or_c(pk(K2),v:H_hash160))))",
    "wsh(andor(pk(K0),H_ripemd160,and_v(v:H_hash256,pk(K1))))",
    "wsh(thresh(3,pk(K0),s:pk(K1),s:pk(K2),sln:after(1000)))",
    "tr(K0,pkh(K1))",
    "tr(K0,{and_v(v:pk(K1),after(5)),{multi_a(1,K2,K3),and_v(v:pk(K4),H_sha256)}})",
]


@pytest.mark.parametrize("policy", WATCHED)
def test_watch_only(node, funds, policy):
    policy = fresh(policy)
    wallet = importing_wallet(node, policy)
    coin = fund(node, funds, wallet, policy)
    desc = checksummed(node, fill(policy))
    assert node.deriveaddresses(desc, [0, 0]) == [coin["address"]]
    info = wallet.getaddressinfo(coin["address"])
    assert info["ismine"] and info["solvable"] and info["parent_desc"] == desc
    # The inferred form stands for the very same script.
    assert node.deriveaddresses(info["desc"]) == [coin["address"]]
    assert node.deriveaddresses(coin["desc"]) == [coin["address"]]
    assert wallet.getbalances()["mine"]["trusted"] == coin["amount"]


# -- Spending --

SPENT = [
    # policy, signers, sequence, locktime, preimages, complete
    ("wsh(or_d(pk(K0),and_v(v:pkh(K1),older(2))))", [0], None, 0, [], True),
    ("wsh(or_d(pk(K0),and_v(v:pkh(K1),older(2))))", [1], 2, 0, [], True),
    ("wsh(or_d(pk(K0),and_v(v:pkh(K1),older(2))))", [1], 1, 0, [], False),
    ("sh(wsh(and_v(v:pk(K0),pk(K1))))", [0, 1], None, 0, [], True),
    ("sh(wsh(and_v(v:pk(K0),pk(K1))))", [0], None, 0, [], False),
    ("wsh(andor(multi(2,K0,K1),older(3),pkh(K2)))", [0, 1], 3, 0, [], True),
    ("wsh(thresh(2,pk(K0),s:pk(K1),sln:after(120)))", [1], 0, 120, [], True),
    ("wsh(thresh(2,pk(K0),s:pk(K1),sln:after(120)))", [1], 0, 119, [], False),
    ("wsh(and_v(v:H_sha256,pk(K0)))", [0], None, 0, ["sha256"], True),
    ("wsh(and_v(v:H_sha256,pk(K0)))", [0], None, 0, [], False),
    ("wsh(andor(pk(K0),H_ripemd160,and_v(v:H_hash256,pk(K1))))", [0], None, 0,
     ["ripemd160"], True),
    ("wsh(andor(pk(K0),H_ripemd160,and_v(v:H_hash256,pk(K1))))", [1], None, 0,
     ["hash256"], True),
    ("wsh(andor(pk(K0),H_ripemd160,and_v(v:H_hash256,pk(K1))))", [1], None, 0,
     ["ripemd160"], False),
    ("tr(NUMS,pkh(K0))", [0], None, 0, [], True),
    ("tr(NUMS,{pk(K0),and_v(v:pk(K1),older(4))})", [1], 4, 0, [], True),
    ("tr(NUMS,{pk(K0),and_v(v:pk(K1),older(4))})", [1], 3, 0, [], False),
    ("tr(NUMS,and_v(v:multi_a(2,K0,K1,K2),H_hash160))", [2, 0], None, 0, ["hash160"],
     True),
    ("tr(NUMS,and_v(v:multi_a(2,K0,K1,K2),H_hash160))", [2], None, 0, ["hash160"], False),
    ("tr(K3,{multi_a(2,K0,K1),and_v(v:pkh(K2),after(100))})", [2], 0, 100, [], True),
    ("tr(K3,{multi_a(2,K0,K1),and_v(v:pkh(K2),after(100))})", [3], None, 0, [], True),
]


def signed_psbt(node, watch, coin, policy, signers, sequence, locktime, preimages):
    amount = coin["amount"] - node.params.amount(10000)
    outputs = [{watch.getnewaddress("", output_type(policy)): amount}]
    txin = {"txid": coin["txid"], "vout": coin["vout"]}
    if sequence is not None:
        txin["sequence"] = sequence
    text = watch.walletprocesspsbt(node.createpsbt([txin], outputs, locktime))["psbt"]
    psbt = Psbt.from_base64(text)
    for kind in preimages:
        psbt.inputs[0].append((IN_PREIMAGE[kind] + HASHES[kind](PREIMAGE), PREIMAGE))
    text = psbt.to_base64()
    for signer in signers:
        wallet = importing_wallet(node, policy, [signer])
        text = wallet.walletprocesspsbt(text, True, "DEFAULT", True, False)["psbt"]
        wallet.unloadwallet()
    return text


@pytest.mark.parametrize("policy,signers,sequence,locktime,preimages,complete", SPENT)
def test_spend(node, funds, policy, signers, sequence, locktime, preimages, complete):
    policy = fresh(policy)
    watch = importing_wallet(node, policy)
    coin = fund(node, funds, watch, policy)
    node.generatetoaddress(4, funds.getnewaddress())
    psbt = signed_psbt(node, watch, coin, policy, signers, sequence, locktime, preimages)
    result = node.finalizepsbt(psbt)
    assert result["complete"] is complete
    if not complete:
        return
    (accepted,) = node.testmempoolaccept([result["hex"]])
    assert accepted["allowed"], accepted
    txid = node.sendrawtransaction(result["hex"])
    (block,) = node.generatetoaddress(1, funds.getnewaddress())
    assert txid in node.getblock(block)["tx"]
    assert [u["txid"] for u in watch.listunspent()] == [txid]


def test_a_wallet_spends_by_itself(node, funds):
    """Funding knows the size of the witness, signing finds it."""
    policy = fresh("wsh(or_d(multi(2,K0,K1),and_v(v:pkh(K2),older(1000))))")
    wallet = importing_wallet(node, policy, [0, 1])
    fund(node, funds, wallet, policy)
    txid = wallet.sendall([funds.getnewaddress()], fee_rate=20)["txid"]
    entry = node.getmempoolentry(txid)
    assert 18 <= node.params.units(entry["fees"]["base"]) / entry["vsize"] <= 25


LARGE = HDKey.from_seed(b"keys of large scripts")


@pytest.mark.parametrize("tree", [
    "multi_a(200," + ",".join(f"{LARGE.xpub()}/{i}/*" for i in range(799))
    + "," + ",".join(f"{LARGE.xprv()}/{i}/*" for i in range(799, 999)) + ")",
    "".join(f"and_v(v:pk({LARGE.xprv()}/{i}/*)," for i in range(1000, 1200))
    + f"pk({LARGE.xprv()}/1200/*)" + ")" * 200,
], ids=["multi_a of 999", "201 signatures"])
def test_large_tapscripts(node, funds, tree):
    """Far beyond what a P2WSH script may hold."""
    wallet = node.new_wallet(f"large {next(counter)}", blank=True)
    desc = checksummed(node, f"tr({NUMS},{tree})")
    (result,) = wallet.importdescriptors([{"desc": desc, "active": True,
                                           "timestamp": "now", "range": 1}])
    assert result["success"], result
    fund(node, funds, wallet, "tr(")
    txid = wallet.sendall([funds.getnewaddress()], fee_rate=10)["txid"]
    entry = node.getmempoolentry(txid)
    assert node.params.units(entry["fees"]["base"]) >= 10 * entry["vsize"]
    wallet.unloadwallet()


def test_partial_private_keys_warn(node):
    wallet = node.new_wallet("partial", blank=True)
    desc = checksummed(node, fill(fresh("wsh(and_v(v:pk(K0),pk(K1)))"), [0]))
    (result,) = wallet.importdescriptors([{"desc": desc, "timestamp": "now",
                                           "active": True, "range": 3}])
    assert result["success"]
    assert ("Not all private keys provided. Some wallet functionality may return "
            "unexpected errors") in result["warnings"]
    wallet.unloadwallet()


@pytest.mark.parametrize("policy,message", [
    ("wsh(and_v(v:pk(K0),pk(K0)))", "is not sane: contains duplicate public keys"),
    ("wsh(thresh(3,pk(K0),sln:older(5),sln:older(4194400)))",
     "is not sane: contains mixes of timelocks expressed in blocks and seconds"),
    ("sh(and_v(v:pk(K0),older(5)))",
     "Miniscript expressions can only be used in wsh or tr."),
])
def test_insane_descriptors_are_not_imported(node, policy, message):
    policy = fresh(policy)
    wallet = node.new_wallet(f"insane {next(counter)}", disable_private_keys=True)
    (result,) = wallet.importdescriptors([{"desc": fill(policy) + "#00000000",
                                           "timestamp": "now"}])
    assert not result["success"]
    expect_error(-5, message, node.getdescriptorinfo, fill(policy))
    wallet.unloadwallet()


# -- A multisig that asks for less as time goes by --

def test_decaying_multisig(node, funds):
    n = 4
    start = node.getblockcount()
    locks = [start + 20 * (i + 1) for i in range(n - 1)]
    policy = (f"wsh(thresh({n},pk(K0)," + ",".join(f"s:pk(K{i})" for i in range(1, n))
              + "," + ",".join(f"sln:after({t})" for t in locks) + "))")
    policy = fresh(policy)
    watch = importing_wallet(node, policy)
    signers = [importing_wallet(node, policy, [i]) for i in range(n)]
    for _ in range(n):
        funds.sendtoaddress(watch.getnewaddress("", "bech32"), 2)
    node.generatetoaddress(1, funds.getnewaddress())
    for needed in range(n, 0, -1):
        locktime = locks[n - needed - 1] if needed < n else 0
        if locktime:
            node.generatetoaddress(locktime - node.getblockcount(), funds.getnewaddress())
        psbt = watch.walletcreatefundedpsbt(
            inputs=[], outputs={funds.getnewaddress(): 1}, locktime=locktime,
            changeAddress=watch.getnewaddress("", "bech32"))["psbt"]
        parts = [s.walletprocesspsbt(psbt)["psbt"] for s in signers[:needed]]
        if needed > 1:
            few = node.combinepsbt(parts[1:])
            assert node.finalizepsbt(few)["complete"] is False
        final = node.finalizepsbt(node.combinepsbt(parts) if needed > 1 else parts[0])
        assert final["complete"]
        txid = node.sendrawtransaction(final["hex"])
        (block,) = node.generatetoaddress(1, funds.getnewaddress())
        assert txid in node.getblock(block)["tx"]
