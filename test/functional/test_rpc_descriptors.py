"""Descriptors over RPC: deriveaddresses, getdescriptorinfo, miniscript, and scans."""
import pytest

from framework import fixtures
from framework.address import p2sh, p2tr, p2wpkh, p2wsh
from framework.hashes import hash160, tagged_hash
from framework.hd import HDKey, checksummed
from framework.key import Key, tweak_add_xonly
from framework.rpc import expect_error

A, B, C = (Key.from_seed(f"descriptor {i}") for i in range(3))
ROOT = HDKey.from_seed(b"descriptors over rpc....")


node = fixtures.node_of_each()


def addresses(node, descriptor, *args):
    return node.deriveaddresses(checksummed(node, descriptor), *args)


def push(data):
    return bytes([len(data)]) + data


# -- deriveaddresses --

def test_ranges(node):
    desc = f"wpkh({ROOT.xprv()}/1/1/*)"
    want = [p2wpkh(node.params, ROOT.derive(f"1/1/{i}").key.pubkey) for i in range(4)]
    assert addresses(node, desc, 2) == want[:3]
    assert addresses(node, desc, [1, 3]) == want[1:]
    assert addresses(node, desc, [2, 2]) == want[2:3]
    public = desc.replace(ROOT.xprv(), ROOT.xpub())
    assert addresses(node, public, [0, 3]) == want


def test_hardened_steps(node):
    want = [p2wpkh(node.params, ROOT.derive(f"84h/{i}h").key.pubkey) for i in range(2)]
    assert addresses(node, f"wpkh({ROOT.xprv()}/84h/*h)", 1) == want
    assert addresses(node, f"wpkh({ROOT.xprv()}/84'/*')", 1) == want
    expect_error(-5, "Cannot derive script without private keys",
                 addresses, node, f"wpkh({ROOT.xpub()}/84h/*)", 0)


def test_range_errors(node):
    desc = f"wpkh({ROOT.xpub()}/*)"
    expect_error(-8, "Range must be specified for a ranged descriptor",
                 addresses, node, desc)
    for bad, message in [
            ([-1, 0], "Range should be greater or equal than 0"),
            ([2, 0], "Range specified as [begin,end] must not have begin after end"),
            ([0, 1000000], "Range is too large"),
            ([0, 1 << 31], "End of range is too high"),
            ([0], "Range must be specified as end or as [begin,end]"),
            ([0, "a"], "Range must be specified as end or as [begin,end]")]:
        expect_error(-8, message, addresses, node, desc, bad)


def test_combo_without_its_bare_key(node):
    key = A.pubkey
    assert addresses(node, f"combo({key.hex()})") == [
        A.p2pkh(node.params), p2wpkh(node.params, key),
        p2sh(node.params, b"\0\x14" + hash160(key))]
    expect_error(-5, "Descriptor does not have a corresponding address",
                 addresses, node, f"pk({key.hex()})")


def test_multipath_gives_a_list_for_each(node):
    desc = f"wpkh({ROOT.xpub()}/<0;1>/*)"
    want = [[p2wpkh(node.params, ROOT.derive(f"{branch}/{i}").key.pubkey)
             for i in range(2)] for branch in range(2)]
    info = node.getdescriptorinfo(desc)
    assert len(info["multipath_expansion"]) == 2
    assert info["descriptor"] == info["multipath_expansion"][0]
    assert node.deriveaddresses(f"{desc}#{info['checksum']}", 1) == want


# -- Miniscript --

def test_wsh_miniscript(node):
    desc = f"wsh(or_d(pk({A.pubkey.hex()}),and_v(v:pk({B.pubkey.hex()}),older(144))))"
    script = (push(A.pubkey) + b"\xac\x73\x64" + push(B.pubkey) + b"\xad\x02\x90\x00\xb2"
              + b"\x68")
    assert addresses(node, desc) == [p2wsh(node.params, script)]
    inner = node.decodescript(script.hex())
    assert inner["segwit"]["desc"].startswith(desc)


def test_tapscript_miniscript(node):
    desc = (f"tr({C.xonly.hex()},and_v(v:pk({A.xonly.hex()}),"
            f"multi_a(1,{B.xonly.hex()},{C.xonly.hex()})))")
    script = (push(A.xonly) + b"\xad" + push(B.xonly) + b"\xac" + push(C.xonly)
              + b"\xba\x51\x9c")
    leaf = tagged_hash("TapLeaf", b"\xc0" + push(script))
    output, _ = tweak_add_xonly(C.xonly, tagged_hash("TapTweak", C.xonly + leaf))
    assert addresses(node, desc) == [p2tr(node.params, output)]


def test_miniscript_info(node):
    desc = f"wsh(andor(pk({ROOT.xpub()}/<0;1>/*),after(9),pkh({A.pubkey.hex()})))"
    info = node.getdescriptorinfo(desc)
    assert info["isrange"] and info["issolvable"] and not info["hasprivatekeys"]
    assert [d.count("/0/*") + 2 * d.count("/1/*")
            for d in info["multipath_expansion"]] == [1, 2]
    private = node.getdescriptorinfo(f"wsh(and_v(v:pk({A.wif(node.params)}),older(3)))")
    assert private["hasprivatekeys"]
    assert private["descriptor"].startswith(f"wsh(and_v(v:pk({A.pubkey.hex()}),older(3)))#")


@pytest.mark.parametrize("desc,message", [
    ("wsh(and_b(pk({a}),pk({b})))", "and_b(pk({a}),pk({b})) is invalid"),
    ("wsh(and_v(v:pk({a}),pk({a})))", "and_v(v:pk({a}),pk({a})) is not sane: contains "
     "duplicate public keys"),
    ("wsh(after(500000001))", "after(500000001) is not sane: witnesses without signature "
     "exist"),
    ("wsh(thresh(3,pk({a}),sln:after(9),sln:after(500000001)))",
     "thresh(3,pk({a}),sln:after(9),sln:after(500000001)) is not sane: contains mixes of "
     "timelocks expressed in blocks and seconds"),
    ("wsh(and_v(v:pk({a}),0))", "and_v(v:pk({a}),0) is not satisfiable"),
    ("sh(and_v(v:pk({a}),older(1)))",
     "Miniscript expressions can only be used in wsh or tr."),
    ("wsh(older(0))", "A function is needed within P2WSH"),
])
def test_miniscript_refusals(node, desc, message):
    keys = {"a": A.pubkey.hex(), "b": B.pubkey.hex()}
    expect_error(-5, message.format(**keys), node.getdescriptorinfo, desc.format(**keys))


# -- Elsewhere --

def test_generate_to_and_find_miniscript(node):
    desc = checksummed(node, f"wsh(and_v(v:pk({ROOT.xpub()}/*),older(2)))")
    (address,) = node.deriveaddresses(desc, [7, 7])
    node.generatetoaddress(1, address)
    found = node.scantxoutset("start", [{"desc": desc, "range": 8}])
    assert len(found["unspents"]) == 1
    key = ROOT.derive("7").key.pubkey.hex()
    assert (f"and_v(v:pk([{ROOT.fingerprint.hex()}/7]{key}),older(2))"
            in found["unspents"][0]["desc"])


def test_sorted_multisig_orders_keys(node):
    """BIP 67: the order in which keys are given does not matter."""
    keys = sorted(k.pubkey.hex() for k in (A, B, C))
    one = addresses(node, f"sh(sortedmulti(2,{keys[2]},{keys[0]},{keys[1]}))")
    assert one == addresses(node, f"sh(sortedmulti(2,{','.join(keys)}))")
    assert one == addresses(node, f"sh(multi(2,{','.join(keys)}))")
