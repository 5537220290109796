"""Control and utility methods: help, uptime, memory, log categories, addresses, keys."""
import time

from framework import fixtures
from framework.address import p2pkh, p2wpkh, to_script
from framework.key import Key
from framework.rpc import expect_error
from framework.vectors import load


node = fixtures.node_of_each()


def test_help_lists_methods_by_category(node):
    text = node.help()
    titles = [line[3:-3] for line in text.splitlines() if line.startswith("== ")]
    own = ["Tickets"] if node.params.tickets else []
    assert titles == ["Blockchain", "Control", "Mining", "Network", "Rawtransactions",
                      *own, "Util", "Wallet", "Zmq"]
    for name in ("getblock ", "sendrawtransaction ", "getblocktemplate "):
        assert f"\n{name}" in text


def test_help_of_every_method_has_result_and_example(node):
    for line in node.help().splitlines():
        if line and not line.startswith("=="):
            name = line.split()[0]
            text = node.help(name)
            assert text.startswith(name), name
            assert "Examples:" in text, name


def test_help_errors(node):
    assert node.help("foo") == "help: unknown command: foo"
    assert node.help("") == node.help()
    expect_error(-3, "is not of expected type string", node.help, 0)
    expect_error(-1, "help", node.help, "getblock", "extra")


def test_generate_says_where_it_went(node):
    text = ("generate\n\nhas been replaced by the -generate cli option. Refer to -help "
            "for more information.\n")
    expect_error(-32601, text, node.generate)
    assert node.help("generate") == text
    assert "generate" not in {line.split()[0] for line in node.help().splitlines()
                              if line}


def test_help_without_wallets(lab, params):
    node = lab.node("-disablewallet", params=params)
    assert "== Wallet ==" not in node.help()
    assert node.help("getnewaddress") == "help: unknown command: getnewaddress"
    expect_error(-32601, "Method not found", node.getnewaddress)


def test_uptime_follows_mock_time(node):
    assert node.uptime() >= 0
    expect_error(-8, "Mocktime must be in the range [0, 9223372036], not -1.",
                 node.setmocktime, -1)
    node.set_time(time.time() + 20)
    assert node.uptime() >= 20
    node.setmocktime(0)
    node.mocktime = None


def test_getmemoryinfo(node):
    locked = node.getmemoryinfo()["locked"]
    assert {"used", "free", "total", "locked", "chunks_used", "chunks_free"} == set(locked)
    assert locked["used"] + locked["free"] == locked["total"]
    assert node.getmemoryinfo("mallocinfo").startswith("<malloc")
    expect_error(-8, "unknown mode foobar", node.getmemoryinfo, mode="foobar")


def test_logging_categories(node):
    state = node.logging()
    assert state["net"] is True and state["libevent"] is False
    assert node.logging(exclude=["net"])["net"] is False
    assert node.logging(include=["net"])["net"] is True
    assert node.logging(["all"], ["libevent", "leveldb"])["mempool"] is True
    expect_error(-8, "unknown logging category foo", node.logging, ["foo"])


def test_echo(node):
    assert node.echo("a", 1, None, {"k": [True]}) == ["a", 1, None, {"k": [True]}]
    assert node.echojson([1, {"b": 2}]) == [[1, {"b": 2}]]


def test_mockscheduler_is_regtest_only_and_bounded(node):
    node.mockscheduler(1)
    for bad in (0, 3601, -1):
        expect_error(-1, "delta_time must be between 1 and 3600 seconds (1 hr)",
                     node.mockscheduler, bad)


# Addresses --------------------------------------------------------------------

def test_validateaddress(node):
    key = Key.from_seed("misc")
    for addr, witness in ((p2pkh(node.params, key.pubkey), False),
                          (p2wpkh(node.params, key.pubkey), True),
                          (key.p2tr(node.params), True)):
        info = node.validateaddress(addr)
        assert info["isvalid"] is True and info["address"] == addr
        assert info["scriptPubKey"] == to_script(node.params, addr).hex()
        assert info["iswitness"] is witness
        if witness:
            assert info["witness_program"] == info["scriptPubKey"][4:]


def test_validateaddress_of_an_upper_case_segwit_address(node):
    addr = p2wpkh(node.params, Key.from_seed("misc").pubkey)
    assert node.validateaddress(addr.upper())["isvalid"] is True


def test_invalid_addresses_say_why(node):
    hrp = node.params.hrp
    key = Key.from_seed("misc")
    good = p2wpkh(node.params, key.pubkey)
    cases = [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
         "Invalid or unsupported Segwit (Bech32) or Base58 encoding."),
        ("17VZNX1SN5NtKa8UQFxwQbFeFc3iqRYhem",
         "Invalid or unsupported Base58-encoded address."),
        ("asfah14i8fajz0123f",
         "Invalid or unsupported Segwit (Bech32) or Base58 encoding."),
        (p2pkh(node.params, key.pubkey)[:-1] + "1",
         "Invalid checksum or length of Base58 address (P2PKH or P2SH)"),
    ]
    for addr, error in cases:
        info = node.validateaddress(addr)
        assert info["isvalid"] is False, addr
        assert info["error"] == error, addr
        assert info["error_locations"] == [] or addr.startswith(hrp)
    # one wrong character of a segwit address is located
    pos = len(hrp) + 10
    typo = good[:pos] + ("q" if good[pos] != "q" else "p") + good[pos + 1:]
    info = node.validateaddress(typo)
    assert info["error"] == "Invalid Bech32 checksum"
    assert info["error_locations"] == [pos]


def test_invalid_address_vectors(node):
    for (text,) in load("key_io_invalid.json"):
        assert node.validateaddress(text)["isvalid"] is False


def test_valid_address_vectors(lab, bitcoin):
    node = lab.node(params=bitcoin)
    for text, raw, meta in load("key_io_valid.json"):
        if meta["isPrivkey"]:
            continue
        info = node.validateaddress(text)
        mine = meta["chain"] == "regtest" or (
            meta["chain"] in ("test", "signet") and not text.startswith("tb1"))
        assert info["isvalid"] is mine, text
        if mine:
            assert info["scriptPubKey"] == raw


# Keys, messages, multisig, descriptors ----------------------------------------

def test_sign_and_verify_message(node):
    key = Key.from_seed("message")
    addr = key.p2pkh(node.params)
    sig = node.signmessagewithprivkey(key.wif(node.params), "This is a test")
    assert node.verifymessage(addr, sig, "This is a test") is True
    assert node.verifymessage(addr, sig, "This is another") is False
    other = Key.from_seed("other").p2pkh(node.params)
    assert node.verifymessage(other, sig, "This is a test") is False
    expect_error(-5, "Invalid private key", node.signmessagewithprivkey, "invalid", "x")
    expect_error(-5, "Invalid address", node.verifymessage, "invalid_addr", sig, "x")
    expect_error(-3, "Address does not refer to key", node.verifymessage,
                 key.p2wpkh(node.params), sig, "x")
    expect_error(-3, "Malformed base64 encoding", node.verifymessage, addr,
                 "invalid_sig", "x")


def test_message_vector(lab, bitcoin):
    """bitcoind's own example: key, message and signature."""
    node = lab.node(params=bitcoin)
    sig = node.signmessagewithprivkey(
        "cUeKHd5orzT3mz8P9pxyREHfsWtVfgsfDjiZZBcjUBAaGk1BTj7N", "This is just a test message")
    assert sig == ("INbVnW4e6PeRmsv2Qgu8NuopvrVjkcxob+sX8OcZG0SALhWybUjzMLPdAsXI46YZGb0"
                   "KQTRii+wWIQzRpG/U+S0=")
    assert node.verifymessage("mpLQjfK79b7CCV4VMJWEWAj5Mpx8Up5zxB", sig,
                              "This is just a test message")


def test_createmultisig(node):
    keys = [Key.from_seed(f"ms{i}").pubkey.hex() for i in range(3)]
    info = node.createmultisig(2, keys)
    assert info["redeemScript"].startswith("52") and info["redeemScript"].endswith("53ae")
    assert info["descriptor"].startswith("sh(multi(2,")
    assert node.deriveaddresses(info["descriptor"]) == [info["address"]]
    wsh = node.createmultisig(2, keys, "bech32")
    assert wsh["address"].startswith(node.params.hrp)
    expect_error(-8, "a multisignature address must require at least one key to redeem",
                 node.createmultisig, 0, keys)
    expect_error(-8, "not enough keys supplied (got 3 keys, but need at least 4 to "
                 "redeem)", node.createmultisig, 4, keys)
    expect_error(-5, 'Pubkey "00" must have a length of either 33 or 65 bytes',
                 node.createmultisig, 1, ["00"])
    expect_error(-5, "Unknown address type 'foo'", node.createmultisig, 1, keys, "foo")


def test_createmultisig_bip67_vectors(lab, bitcoin):
    node = lab.node(params=bitcoin)
    for v in load("rpc_bip67.json"):
        desc = f"sh(sortedmulti(2,{','.join(v['keys'])}))"
        info = node.getdescriptorinfo(desc)
        (addr,) = node.deriveaddresses(info["descriptor"])
        assert to_script(bitcoin, addr) == to_script(bitcoin, addr)
        assert node.validateaddress(addr)["isscript"] is True


def test_getdescriptorinfo(node):
    key = Key.from_seed("desc")
    desc = f"wpkh({key.pubkey.hex()})"
    info = node.getdescriptorinfo(desc)
    assert info["descriptor"] == f"{desc}#{info['checksum']}"
    assert info["isrange"] is False and info["issolvable"] is True
    assert info["hasprivatekeys"] is False
    assert node.getdescriptorinfo(info["descriptor"])["checksum"] == info["checksum"]
    secret = node.getdescriptorinfo(f"wpkh({key.wif(node.params)})")
    assert secret["hasprivatekeys"] is True
    assert secret["descriptor"] == info["descriptor"]
    assert secret["checksum"] != info["checksum"]
    expect_error(-5, "is not a valid descriptor function", node.getdescriptorinfo, "foo()")
    expect_error(-5, "", node.getdescriptorinfo, "")


def test_deriveaddresses(node):
    key = Key.from_seed("derive")
    desc = node.getdescriptorinfo(f"wpkh({key.pubkey.hex()})")["descriptor"]
    assert node.deriveaddresses(desc) == [key.p2wpkh(node.params)]
    desc = node.getdescriptorinfo(f"pkh({key.pubkey.hex()})")["descriptor"]
    assert node.deriveaddresses(desc) == [key.p2pkh(node.params)]
    desc = node.getdescriptorinfo(f"tr({key.xonly.hex()})")["descriptor"]
    assert node.deriveaddresses(desc) == [key.p2tr(node.params)]
    expect_error(-5, "Missing checksum", node.deriveaddresses, f"wpkh({key.pubkey.hex()})")
    expect_error(-8, "Range should not be specified for an un-ranged descriptor",
                 node.deriveaddresses, desc, [0, 2])
    raw = node.getdescriptorinfo("raw(6a)")["descriptor"]
    expect_error(-5, "Descriptor does not have a corresponding address",
                 node.deriveaddresses, raw)


def test_syncwithvalidationinterfacequeue(node):
    assert node.syncwithvalidationinterfacequeue() is None


METHODS = """
getbestblockhash getblock getblockchaininfo getblockcount getblockhash getblockheader
getblockstats getchaintips getchaintxstats getdeploymentinfo getdifficulty gettxout
gettxoutproof gettxoutsetinfo gettxspendingprevout verifytxoutproof verifychain
preciousblock pruneblockchain scantxoutset
getmempoolinfo getrawmempool getmempoolentry getmempoolancestors getmempooldescendants
savemempool importmempool testmempoolaccept prioritisetransaction
getprioritisedtransactions getblocktemplate submitblock submitheader getmininginfo
getnetworkhashps getnetworkinfo getpeerinfo getconnectioncount getnettotals addnode
disconnectnode getaddednodeinfo getnodeaddresses ping setban listbanned clearbanned
setnetworkactive createrawtransaction decoderawtransaction decodescript getrawtransaction
sendrawtransaction signrawtransactionwithkey combinerawtransaction validateaddress
verifymessage signmessagewithprivkey createmultisig deriveaddresses getdescriptorinfo
getmemoryinfo getrpcinfo logging uptime help stop
""".split()
HIDDEN = """
invalidateblock reconsiderblock generatetoaddress generatetodescriptor generateblock
waitfornewblock waitforblock waitforblockheight addpeeraddress addconnection echo echojson setmocktime mockscheduler
syncwithvalidationinterfacequeue sendmsgtopeer
""".split()
OWN = """
pastelid tickets getburninfo getsupplyinfo getstateroot getstateproof verifystateproof
""".split()


def test_method_set(node):
    """Every method of the foundation exists; hidden ones work but are not listed."""
    listed = {line.split()[0] for line in node.help().splitlines()
              if line and not line.startswith("==")}
    missing = set(METHODS) - listed
    assert not missing
    for name in HIDDEN:
        assert node.help(name).split()[0].strip() == name
    if node.params.tickets:
        assert set(OWN) <= listed
