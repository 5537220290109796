"""Backups, restoring, and the offline tool (bitcoind's wallet_backup and tool_wallet)."""
import os
import subprocess

from framework import fixtures
from framework.node import program
from framework.params import BITCOIN, OCHRE
from framework.rpc import expect_error


node = fixtures.node("-keypool=2", params=BITCOIN)


def tool(node, *args):
    """(exit code, standard output, standard error) of ochre-wallet."""
    done = subprocess.run(
        [program("ochre-wallet"), *node.params.daemon_args, "-regtest",
         f"-datadir={node.dir}", *args],
        capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.strip()


def state(w):
    return (w.getbalances(), w.listdescriptors(), w.listlabels(),
            w.getwalletinfo()["txcount"])


# --- backup and restore ----------------------------------------------------------------------

def test_backup(node, tmp_path):
    node.createwallet("a")
    w = node.wallet("a")
    address = w.getnewaddress("label")
    node.generatetoaddress(102, address)
    backup = str(tmp_path / "backup.dat")
    w.backupwallet(backup)
    w.backupwallet(str(tmp_path))   # a folder
    assert (tmp_path / "wallet.dat").exists()
    before = state(w)
    later = w.getnewaddress()
    node.generatetoaddress(1, later)
    assert node.restorewallet("b", backup) == {"name": "b"}
    twin = node.wallet("b")
    assert twin.getwalletinfo()["txcount"] == 103   # it caught up
    assert twin.getaddressinfo(later)["ismine"] and state(twin) != before
    assert twin.getaddressinfo(address)["labels"] == ["label"]


def test_what_cannot_be_backed_up(node, tmp_path):
    w = node.wallet("a")
    for to in (node.path("wallets", "a", "wallet.dat"), node.path("wallets", "a"),
               str(tmp_path / "no" / "such" / "folder")):
        expect_error(-4, "Error: Wallet backup failed!", w.backupwallet, to)
    assert w.getwalletinfo()["txcount"] == 103


def test_what_cannot_be_restored(node, tmp_path):
    backup = str(tmp_path / "backup.dat")
    node.wallet("a").backupwallet(backup)
    expect_error(-36, "Failed to create database path '" + node.path("wallets", "a")
                 + "'. Database already exists.", node.restorewallet, "a", backup)
    expect_error(-8, "Backup file does not exist", node.restorewallet, "c",
                 str(tmp_path / "none"))
    (tmp_path / "rubbish").write_bytes(b"not a wallet" * 1000)
    expect_error(-18, "Wallet file verification failed.", node.restorewallet, "c",
                 str(tmp_path / "rubbish"))
    assert not os.path.exists(node.path("wallets", "c"))


def test_backup_of_encrypted(node, tmp_path):
    node.createwallet("sealed", passphrase="pass")
    w = node.wallet("sealed")
    w.walletpassphrase("pass", 100)
    w.backupwallet(str(tmp_path / "sealed.dat"))
    node.restorewallet("sealed 2", str(tmp_path / "sealed.dat"))
    twin = node.wallet("sealed 2")
    expect_error(-13, "walletpassphrase", twin.listdescriptors, True)
    twin.walletpassphrase("pass", 100)
    assert (twin.listdescriptors(True)["descriptors"]
            == w.listdescriptors(True)["descriptors"])


# --- the offline tool ------------------------------------------------------------------------

def test_tool_usage(lab):
    node = lab.node(params=BITCOIN, start=False)
    for args, said in (
            (["nonsense"], "Error parsing command line arguments: "
             "Invalid command 'nonsense'"),
            (["-wallet=x"], "No method provided. Run `ochre-wallet -help` for valid "
             "methods."),
            (["info", "x"], "Error: Additional arguments provided (x). Methods do not take "
             "arguments. Please refer to `-help`."),
            (["-foo", "info"], "Error parsing command line arguments: Invalid parameter "
             "-foo"),
            (["create"], "Wallet name must be provided when creating a new wallet."),
            (["dump"], "No dump file provided. To use dump, -dumpfile=<filename> must be "
             "provided."),
            (["createfromdump"], "No dump file provided. To use createfromdump, "
             "-dumpfile=<filename> must be provided.")):
        code, out, err = tool(node, *args)
        assert (code, out) == (1, "") and said in err, (args, err)
    code, out, _ = tool(node, "-help")
    assert code == 0 and "salvage" in out
    code, _, err = tool(node, "-wallet=none", "info")
    assert code == 1 and "Path does not exist" in err


def test_tool_works(lab, tmp_path):
    node = lab.node("-keypool=2", params=BITCOIN)
    node.createwallet("w")
    w = node.wallet("w")
    w.getnewaddress("label")
    node.generatetoaddress(1, w.getnewaddress())
    before = state(w)
    code, _, err = tool(node, "-wallet=w", "info")
    assert code == 1 and "Unable to obtain an exclusive lock" in err
    node.stop()
    code, info, _ = tool(node, "-wallet=w", "info")
    assert code == 0 and info == (
        "Wallet info\n===========\nName: w\nFormat: sqlite\nDescriptors: yes\n"
        "Encrypted: no\nHD (hd seed available): yes\nKeypool Size: 16\nTransactions: 1\n"
        "Address Book: 2\n")
    dump = str(tmp_path / "dump")
    assert tool(node, "-wallet=w", f"-dumpfile={dump}", "dump")[0] == 0
    code, _, err = tool(node, "-wallet=w", f"-dumpfile={dump}", "dump")
    assert code == 1 and f"File {dump} already exists." in err
    assert tool(node, "-wallet=w2", f"-dumpfile={dump}", "createfromdump")[0] == 0
    assert tool(node, "-wallet=w2", "info")[1] == info.replace("Name: w", "Name: w2")
    assert tool(node, "-wallet=w2", f"-dumpfile={dump}.2", "dump")[0] == 0
    with open(dump, encoding="ascii") as a, open(dump + ".2", encoding="ascii") as b:
        assert a.read() == b.read()
    assert tool(node, "-wallet=w3", "-keypool=2", "create")[1].startswith(
        "Topping up keypool...\nWallet info\n===========\nName: w3\n")
    code, _, err = tool(node, "-wallet=w3", "create")
    assert code == 1 and "Database already exists." in err
    node.start()
    node.loadwallet("w2")
    assert state(node.wallet("w2"))[0] == before[0]
    assert state(node.wallet("w2"))[3] == before[3]
    node.loadwallet("w3")
    assert node.wallet("w3").getnewaddress()


def changed(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


def test_bad_dumps(lab, tmp_path):
    node = lab.node("-keypool=2", params=BITCOIN)
    node.createwallet("w")
    node.stop()
    dump = str(tmp_path / "dump")
    tool(node, "-wallet=w", f"-dumpfile={dump}", "dump")
    with open(dump, encoding="ascii") as f:
        good = f.read()
    body = good[:good.index("checksum,")]
    cases = (
        (changed(good, "DUMP,1", "DUMP,0"), "Dumpfile version is not supported"),
        (changed(good, "OCHRE_", "OTHER_"), "Dumpfile identifier record is incorrect"),
        (changed(good, "format,sqlite", "format,bdb"), "Unknown wallet file format"),
        (changed(good, "fabfb5da", "0a03cf40"), "another network"),
        (changed(good, "schema,", "schema,9"), "another version"),
        (body, "Error: Missing checksum"),
        (body + "checksum,00\n", "Error: Checksum is not the correct size"),
        (changed(good, "\nmeta,", "\nmeta,n\nmeta,"), "no record of a wallet"),
        (changed(good, "\nmeta,", "\nsqlite_schema,"), "no record of a wallet"),
        (changed(good, ",i0", ",i1"), "Error: Dumpfile checksum does not match."),
    )
    for i, (text, said) in enumerate(cases):
        bad = tmp_path / f"bad{i}"
        bad.write_text(text)
        code, _, err = tool(node, f"-wallet=bad{i}", f"-dumpfile={bad}", "createfromdump")
        assert code == 1 and said in err, (i, err)
        assert not os.path.exists(node.path("wallets", f"bad{i}"))
    good_file = tmp_path / "good"
    good_file.write_text(good)
    code, _, err = tool(node, "-wallet=w", f"-dumpfile={good_file}", "createfromdump")
    assert code == 1 and "Database already exists" in err
    assert os.path.exists(node.path("wallets", "w", "wallet.dat"))


def test_salvage(lab):
    node = lab.node("-keypool=50", params=BITCOIN)
    node.createwallet("w")
    w = node.wallet("w")
    addresses = [w.getnewaddress(f"label {i}") for i in range(100)]
    private = w.listdescriptors(True)
    node.stop()
    path = node.path("wallets", "w", "wallet.dat")
    with open(path, "r+b") as f:
        size = f.seek(0, os.SEEK_END)
        f.seek(size - 3 * 4096)   # the last tables that grew
        f.write(b"\xaa" * 4096)
    node.start()
    expect_error(-4, "ochre-wallet salvage", node.loadwallet, "w")
    node.stop()
    code, out, err = tool(node, "-wallet=w", "salvage")
    assert code == 0, err
    assert "records were saved" in out and ".bak" in out
    node.start()
    node.loadwallet("w")
    assert w.listdescriptors(True) == private
    assert all(w.getaddressinfo(a)["ismine"] for a in addresses)
    assert w.getnewaddress()


def test_other_network(lab):
    node = lab.node("-keypool=2", params=OCHRE)
    node.createwallet("w")
    node.stop()
    assert tool(node, "-wallet=w", "info")[0] == 0
    other = lab.node(params=BITCOIN)
    expect_error(-4, "is no wallet of this network", other.loadwallet,
                 node.path("wallets", "w"))
