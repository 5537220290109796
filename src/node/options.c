#include "node/options.h"

#include "config.h"

#include "util/err.h"

#define FLAG(name, def, flags, help)                                                   \
    {                                                                                  \
        name, OPT_BOOL, NULL, def, 0, 0, flags, GROUP, help                            \
    }
#define NUM(name, def, lo, hi, flags, help)                                            \
    {                                                                                  \
        name, OPT_INT, "<n>", def, lo, hi, flags, GROUP, help                          \
    }
#define TEXT(name, arg, def, flags, help)                                              \
    {                                                                                  \
        name, OPT_STR, arg, def, 0, 0, flags, GROUP, help                              \
    }
#define COINS(name, def, flags, help)                                                  \
    {                                                                                  \
        name, OPT_AMOUNT, "<amt>", def, 0, 0, flags, GROUP, help                       \
    }
#define MANY(name, arg, flags, help)                                                   \
    {                                                                                  \
        name, OPT_LIST, arg, NULL, 0, 0, flags, GROUP, help                            \
    }

/* Accepted so that bitcoind's scripts and files keep working; a log line says so. */
#define IGNORED(name, type)                                                            \
    {                                                                                  \
        name, type, NULL, NULL, 0, 0, IGNORE, GROUP, NULL                              \
    }
#define IGNORE (OPT_IGNORED | OPT_HIDDEN | OPT_BITCOIN_ONLY)

const struct opt daemon_options[] = {
#define GROUP "Options"
    FLAG("?", NULL, OPT_COMMAND_LINE, "Print this help and exit"),
    FLAG("help", NULL, OPT_COMMAND_LINE | OPT_HIDDEN, "Print this help and exit"),
    FLAG("h", NULL, OPT_COMMAND_LINE | OPT_HIDDEN, "Print this help and exit"),
    FLAG("help-debug", "0", OPT_COMMAND_LINE,
         "Print help with the options for debugging and exit"),
    FLAG("version", NULL, OPT_COMMAND_LINE, "Print the version and exit"),
    TEXT("alertnotify", "<cmd>", NULL, 0,
         "Run a command when a warning is raised (%s in it becomes the message)"),
    TEXT("assumevalid", "<hex>", NULL, 0,
         "Skip the scripts of this block's ancestors once it is known to be in the "
         "best header "
         "chain and buried deeply enough (0 to check all)"),
    TEXT("blocknotify", "<cmd>", NULL, 0,
         "Run a command when the best block changes (%s becomes its hash)"),
    TEXT("blocksdir", "<dir>", NULL, 0,
         "Directory that holds the block files (default: <datadir>)"),
    FLAG("blocksxor", "1", 0,
         "Obfuscate block files with the key in blocks/xor.dat; a new blocks directory "
         "gets a random one, others keep theirs"),
    FLAG("blocksonly", "0", 0, "Take no transactions from peers"),
    TEXT("conf", "<file>", NULL, OPT_COMMAND_LINE,
         "Configuration file, relative to the data directory unless absolute (default: "
         "ochre.conf, with -bitcoin bitcoin.conf)"),
    FLAG("daemon", "0", 0, "Run in the background and accept commands"),
    FLAG("daemonwait", "0", 0,
         "Wait until start-up is finished before going to the background; implies "
         "-daemon"),
    TEXT("datadir", "<dir>", NULL, OPT_DISALLOW_NEGATION, "Data directory"),
    NUM("dbcache", "450", 4, 16384, 0,
        "Size of all database caches together, in MiB, batches being written included"),
    TEXT("debuglogfile", "<file>", "debug.log", 0,
         "Log file, relative to the network's data directory unless absolute; "
         "-nodebuglogfile to write none"),
    MANY("includeconf", "<file>", 0,
         "Another configuration file, relative to the data directory; only inside a "
         "configuration file"),
    FLAG("allowignoredconf", "0", 0,
         "Log a warning instead of stopping when a configuration file in the data "
         "directory is "
         "passed over"),
    NUM("kdfmemory", NULL, 8, 4096, 0,
        "Memory in MiB that turning a passphrase into a key takes (default: 256, on "
        "regtest 8)"),
    MANY("loadblock", "<file>", 0, "Import blocks from a file at start-up"),
    NUM("maxmempool", "300", 0, 0, 0, "Keep the mempool below this many megabytes"),
    NUM("maxorphantx", "100", 0, 0, 0,
        "Keep at most this many transactions whose inputs are unknown"),
    NUM("blockreconstructionextratxn", "100", 0, 0, 0,
        "Keep this many transactions that are not in the mempool, 10 MB of them at the "
        "most, to rebuild compact blocks from"),
    NUM("mempoolexpiry", "336", 0, 0, 0,
        "Drop transactions from the mempool after this many hours"),
    TEXT("minimumchainwork", "<hex>", NULL, OPT_HIDDEN,
         "Least work, in hex, of a chain that is taken for the real one"),
    NUM("par", "0", -256, 256, 0,
        "Threads that check scripts: 0 is as many as cores, below 0 leaves that many "
        "cores free"),
    FLAG("persistmempool", "1", 0, "Save the mempool at shutdown and load it at start"),
    FLAG("persistmempoolv1", "0", 0,
         "Write mempool.dat in its old format, without obfuscation"),
    TEXT("pid", "<file>", "ochred.pid", 0,
         "File that holds the process id, relative to the network's data directory "
         "unless "
         "absolute (with -bitcoin bitcoind.pid)"),
    NUM("prune", "0", 0, 0, 0,
        "Delete old blocks: 0 keeps all, 1 allows the RPC pruneblockchain, >=550 keeps "
        "the block "
        "files below this many MiB"),
    FLAG("reindex", "0", 0,
         "Rebuild the block index and the chain state from the block files on disk"),
    FLAG("reindex-chainstate", "0", 0,
         "Rebuild the chain state from the blocks on disk"),
    TEXT("settings", "<file>", "settings.json", 0,
         "File of settings changed at run time, relative to the network's data "
         "directory unless "
         "absolute; -nosettings to use none"),
    TEXT("shutdownnotify", "<cmd>", NULL, 0, "Run a command when the shutdown begins"),
    TEXT("startupnotify", "<cmd>", NULL, 0, "Run a command when start-up is finished"),
    TEXT("supernode", "<name>", NULL, 0,
         "Be the supernode whose operator key the RPC supernode genkey made under this "
         "name"),
    MANY("blockfilterindex", "<type>", 0,
         "Keep filters of all blocks (BIP 158), for getblockfilter and faster rescans: "
         "basic, 1 (all kinds) or 0 (default: 0)"),
    FLAG("coinstatsindex", "0", 0,
         "Keep statistics and the MuHash of the UTXO set of each block, for "
         "gettxoutsetinfo"),
    FLAG("txindex", "0", 0,
         "Keep an index of all transactions, so that getrawtransaction finds any of "
         "them"),
#undef GROUP
#define GROUP "Connection options"
    TEXT("asmap", "<file>", NULL, 0,
         "Map of autonomous systems, by which peers are spread instead of by the first "
         "octets of their addresses; relative to the network's data directory unless "
         "absolute (default name: ip_asn.map)"),
    MANY("addnode", "<ip>", OPT_NETWORK_ONLY,
         "Connect to a peer and try to keep the connection"),
    NUM("bantime", "86400", 0, 0, 0,
        "Seconds for which a ban by hand lasts unless it says otherwise"),
    MANY(
        "bind", "<addr>[:<port>][=onion]", OPT_NETWORK_ONLY,
        "Listen on an address (default: all addresses); =onion marks the one where Tor "
        "brings the callers of an onion service (default: 127.0.0.1 and the port after "
        "-port)"),
    FLAG(
        "cjdnsreachable", "0", 0,
        "This host is in the CJDNS network: addresses of fc00::/8 are CJDNS's, and are "
        "connected to (see doc/privacy-networks.md)"),
    MANY("connect", "<ip>", OPT_NETWORK_ONLY,
         "Connect to these peers only; -noconnect makes no automatic connection"),
    FLAG("discover", NULL, 0, "Find out own addresses (default: 1 when listening)"),
    FLAG("dns", "1", 0, "Allow names in -addnode, -seednode and -connect"),
    FLAG("dnsseed", NULL, 0,
         "Ask DNS for peers when few are known (default: 1 unless -connect)"),
    FLAG("fixedseeds", "1", 0,
         "Use the built-in list of nodes when nothing else gave addresses"),
    FLAG("forcednsseed", "0", 0,
         "Ask DNS for peers always, not only when few are known"),
    MANY("externalip", "<ip>", 0, "Own address to tell peers"),
    FLAG("i2pacceptincoming", "1", 0,
         "Let peers call through I2P, under the address that i2p_private_key holds; "
         "without effect unless -i2psam"),
    TEXT("i2psam", "<ip:port>", NULL, 0,
         "Connect to peers in I2P through its SAM bridge (default: none)"),
    FLAG("listen", NULL, 0, "Accept connections (default: 1 unless -connect)"),
    FLAG("listenonion", "1", 0,
         "Run an onion service through Tor's control port, so that peers can call "
         "(default: 1 when listening)"),
    NUM("maxconnections", "125", 0, 0, 0,
        "Keep at most this many connections to automatic peers"),
    NUM("maxreceivebuffer", "5000", 1, 0, 0,
        "Receive buffer of a connection, in kilobytes"),
    NUM("maxsendbuffer", "1000", 1, 0, 0, "Send buffer of a connection, in kilobytes"),
    TEXT("maxuploadtarget", "<n>", "0M", 0,
         "Keep outbound traffic of a day below this many MiB (suffixes k K m M g G t "
         "T); 0 is no limit"),
    FLAG(
        "natpmp", "0", OPT_IGNORED,
        "Left out: ports are not mapped by NAT-PMP or PCP; map the port at the router"),
    FLAG("networkactive", "1", 0, "Enable all network activity"),
    TEXT(
        "onion", "<ip:port|path>", NULL, 0,
        "Reach Tor onion services through another SOCKS5 proxy, 0 to never connect to "
        "them; a path is that of a Unix socket, written unix:<path> (default: -proxy)"),
    MANY("onlynet", "<net>", 0,
         "Connect automatically only to this network (ipv4, ipv6, onion, i2p, cjdns)"),
    NUM("port", NULL, 0, 0, OPT_NETWORK_ONLY,
        "Port for peers (default: 9933, test 19933, regtest 18344)"),
    TEXT("proxy", "<ip:port|path>", NULL, OPT_DISALLOW_ELISION,
         "Connect through a SOCKS5 proxy, which also resolves names; a path is that of "
         "a "
         "Unix socket, written unix:<path>; -noproxy for none (default: none)"),
    FLAG(
        "proxyrandomize", "1", 0,
        "Give the proxy other credentials for every connection, so that Tor uses other "
        "circuits"),
    MANY("seednode", "<ip>", OPT_NETWORK_ONLY,
         "Ask this node for addresses of peers, then disconnect"),
    NUM("timeout", "5000", 1, 0, 0,
        "Milliseconds after which an attempt to connect fails"),
    NUM("peertimeout", "60", 0, 0, OPT_HIDDEN,
        "Seconds after which a connection without activity is given up"),
    TEXT("torcontrol", "<ip>:<port>", "127.0.0.1:9051", 0,
         "Tor's control port, for -listenonion and to find its proxy"),
    TEXT("torpassword", "<pass>", NULL, OPT_SENSITIVE,
         "Password of Tor's control port"),
    FLAG("txreconciliation", "0", OPT_HIDDEN,
         "Agree with peers on reconciling transactions (BIP 330)"),
    FLAG("upnp", "0", OPT_IGNORED,
         "Left out: ports are not mapped by UPnP; map the port at the router"),
    MANY("whitebind", "<[perms@]addr>", 0,
         "Listen on an address and give peers that connect to it permissions"),
    MANY("whitelist", "<[perms@]ip or net>", 0,
         "Give peers from these addresses permissions"),
    FLAG("whitelistforcerelay", "0", 0,
         "Add forcerelay to the default permissions of whitelisted peers"),
    FLAG("whitelistrelay", "1", 0,
         "Add relay to the default permissions of whitelisted peers"),
    FLAG("peerblockfilters", "0", 0,
         "Serve block filters (BIP 157) to peers; needs -blockfilterindex"),
    FLAG("peerbloomfilters", "0", 0, "Serve Bloom filters (BIP 37) to peers"),
    FLAG("v2transport", "1", 0,
         "Speak the encrypted transport (BIP 324) where peers do"),
#undef GROUP
#define GROUP "Debugging/Testing options"
    MANY("debug", "<category>", 0,
         "Log a category at debug level; 1 or no value is all categories"),
    MANY("debugexclude", "<category>", 0, "Leave a category out of -debug"),
    MANY("loglevel", "<level>|<category>:<level>", OPT_HIDDEN,
         "Least level to log, for all enabled categories or for one: info, debug, "
         "trace"),
    FLAG("loglevelalways", "0", OPT_HIDDEN, "Always write category and level"),
    FLAG("logips", "0", 0, "Write the addresses of peers"),
    FLAG("logsourcelocations", "0", 0, "Write file, line and function"),
    FLAG("logthreadnames", "0", 0, "Write the thread's name"),
    FLAG("logtimemicros", "0", OPT_HIDDEN, "Write microseconds"),
    FLAG("logtimestamps", "1", 0, "Write the time"),
    FLAG("printtoconsole", NULL, 0,
         "Log to the console (default: 1 unless in the background, 0 with -bitcoin's "
         "log file)"),
    FLAG("shrinkdebugfile", NULL, 0,
         "Cut the log file at start-up (default: 1 unless -debug)"),
    MANY("uacomment", "<comment>", 0, "Comment to append to the user agent"),
    NUM("checkblocks", "6", 0, 0, OPT_HIDDEN, "Blocks to check at start-up (0: all)"),
    NUM("checklevel", "3", 0, 4, OPT_HIDDEN, "How thoroughly -checkblocks checks"),
    NUM("dbbatchsize", "16777216", 1, 0, OPT_HIDDEN,
        "Largest batch in which coins are written to the database, in bytes"),
    NUM("dbcrashratio", "0", 0, 0, OPT_HIDDEN,
        "Crash after one in n of the batches that are not the last of a flush (0: "
        "never; tests)"),
    FLAG("checkblockindex", NULL, OPT_HIDDEN,
         "Check the block tree for consistency now and then (default: 1 on regtest)"),
    NUM("checkmempool", NULL, 0, 0, OPT_HIDDEN,
        "Check the mempool for consistency every n transactions (default: 1 on "
        "regtest)"),
    FLAG("capturemessages", "0", OPT_HIDDEN,
         "Write all messages of peers to <datadir>/message_capture"),
    MANY("test", "<option>", OPT_HIDDEN,
         "For tests on regtest: addrman (places of addresses follow a known key)"),
    NUM("checkaddrman", "0", 0, 0, OPT_HIDDEN,
        "Check the address manager for consistency every n changes"),
    NUM("stopatheight", "0", 0, 0, OPT_HIDDEN, "Stop after connecting this height"),
    FLAG("stopafterblockimport", "0", OPT_HIDDEN,
         "Stop once blocks from disk are imported"),
    FLAG("forcecompactdb", "0", OPT_HIDDEN,
         "Rewrite the databases of chain and indexes compactly at start-up"),
    FLAG("printpriority", "0", OPT_HIDDEN,
         "Log the fee rate of each transaction that goes into a block template"),
    FLAG("fastprune", "0", OPT_HIDDEN,
         "Use small block files and a short prune depth (tests)"),
    FLAG("acceptstalefeeestimates", "0", OPT_HIDDEN,
         "Use fee_estimates.dat even when it is older than 60 hours (regtest only)"),
    NUM("limitancestorcount", "25", 0, 0, OPT_HIDDEN,
        "Most unconfirmed ancestors of a transaction"),
    NUM("limitancestorsize", "101", 0, 0, OPT_HIDDEN,
        "Most kvB of a transaction and its ancestors"),
    NUM("limitdescendantcount", "25", 0, 0, OPT_HIDDEN,
        "Most unconfirmed descendants of a transaction"),
    NUM("limitdescendantsize", "101", 0, 0, OPT_HIDDEN,
        "Most kvB of a transaction and its descendants"),
    MANY("testactivationheight", "<name>@<height>", OPT_HIDDEN,
         "Activate a soft fork (segwit, bip34, dersig, cltv, csv) at a height "
         "(regtest)"),
    MANY("vbparams", "<deployment>:<start>:<end>[:<height>]", OPT_HIDDEN,
         "Start and end time of a version bits deployment (regtest)"),
    MANY("assumeutxo", "<height>:<hash>:<txoutset>[:<nchaintx>[:<stateroot>]]",
         OPT_HIDDEN,
         "Vouch for a UTXO set at a block, so that loadtxoutset takes it (regtest)"),
    NUM("mocktime", "0", 0, 0, OPT_HIDDEN, "Replace the clock by this unix time"),
    NUM("maxsigcachesize", "32", 0, 0, OPT_HIDDEN,
        "MiB for the caches of signatures and scripts together"),
    NUM("maxtipage", "86400", 0, 0, OPT_HIDDEN,
        "Seconds by which the best block may be old before the node takes itself for "
        "behind"),
    NUM("ticketsheight", NULL, 0, 0, OPT_HIDDEN,
        "First height with ticket rules (regtest)"),
#undef GROUP
#define GROUP "Node relay options"
    FLAG("acceptnonstdtxn", NULL, OPT_HIDDEN,
         "Relay and mine transactions that are not standard (default: 0; test networks "
         "only)"),
    COINS("dustrelayfee", NULL, OPT_HIDDEN,
          "Fee rate per kvB that defines dust (default: 3000 of the smallest unit)"),
    NUM("bytespersigop", "20", 1, 0, 0,
        "Bytes that a signature operation counts as in relay and mining"),
    FLAG("datacarrier", "1", 0, "Relay and mine transactions that carry data"),
    NUM("datacarriersize", "83", 0, 0, 0,
        "Relay and mine data up to this many bytes of script"),
    COINS("incrementalrelayfee", NULL, OPT_HIDDEN,
          "Fee rate per kvB by which a replacement must pay more, and steps of mempool "
          "limiting (default: 1000 of the smallest unit)"),
    FLAG("mempoolfullrbf", "1", 0,
         "Accept replacements of transactions that do not signal for it"),
    COINS("minrelaytxfee", NULL, 0,
          "Fee rate per kvB below which transactions are not relayed (default: 1000 of "
          "the smallest unit)"),
    FLAG("permitbaremultisig", "1", 0, "Relay bare multisig outputs"),
#undef GROUP
#define GROUP "Block creation options"
    NUM("blockmaxweight", "3996000", 0, 4000000, 0,
        "Highest weight of a block to make"),
    COINS("blockmintxfee", NULL, 0,
          "Lowest fee rate per kvB of a transaction to put in a block (default: 1000 "
          "of the smallest unit)"),
    NUM("blockversion", NULL, 0, 0, OPT_HIDDEN, "Version of blocks to make (regtest)"),
#undef GROUP
#define GROUP "RPC server options"
    MANY("deprecatedrpc", "<what>", OPT_HIDDEN,
         "Keep an old form of replies: warnings (one sentence instead of a list)"),
    FLAG(
        "metrics", "0", 0,
        "Serve figures for monitoring (Prometheus) by GET at /metrics on the RPC port, "
        "without a password"),
    FLAG("rest", "0", 0, "Serve public data by GET at /rest on the RPC port"),
    FLAG("server", "1", 0, "Accept JSON-RPC commands"),
    MANY("rpcallowip", "<ip>", 0,
         "Accept JSON-RPC from an address or network (a.b.c.d/n)"),
    MANY("rpcauth", "<userpw>", OPT_SENSITIVE,
         "User and hashed password, <user>:<salt>$<hmac>"),
    MANY("rpcbind", "<addr>[:port]", OPT_NETWORK_ONLY,
         "Listen for JSON-RPC on an address; needs -rpcallowip (default: loopback)"),
    TEXT("rpccookiefile", "<loc>", ".cookie", 0,
         "Cookie file, relative to the network's data directory unless absolute"),
    TEXT("rpccookieperms", "<readable-by>", "owner", 0,
         "Who may read the cookie file: owner, group or all"),
    TEXT("rpcpassword", "<pw>", NULL, OPT_SENSITIVE, "Password for JSON-RPC"),
    FLAG("rpcdoccheck", "0", OPT_HIDDEN,
         "Answer with an error when a result is not as its method's help says"),
    NUM("rpcport", NULL, 0, 0, OPT_NETWORK_ONLY,
        "Port for JSON-RPC (default: 9932, test 19932, regtest 18232)"),
    NUM("rpcservertimeout", "30", 1, 0, OPT_HIDDEN,
        "Seconds after which a silent HTTP connection is closed"),
    NUM("rpcthreads", "4", 1, 256, 0, "Threads that serve JSON-RPC"),
    TEXT("rpcuser", "<user>", NULL, OPT_SENSITIVE, "User name for JSON-RPC"),
    MANY("rpcwhitelist", "<user>:<methods>", 0,
         "Methods that a user may call, separated by commas"),
    FLAG("rpcwhitelistdefault", NULL, 0,
         "What a user without -rpcwhitelist may call: 0 everything, 1 nothing"),
    NUM("rpcworkqueue", "64", 1, 0, OPT_HIDDEN, "Requests that may wait for a thread"),
#undef GROUP
#define GROUP "Wallet options"
    TEXT("addresstype", "<type>", "bech32", 0,
         "Kind of new addresses: legacy, p2sh-segwit, bech32 or bech32m"),
    FLAG("avoidpartialspends", "0", 0,
         "Spend all coins of an address at once, at a slightly higher fee"),
    TEXT("changetype", "<type>", NULL, 0,
         "Kind of change addresses (default: what suits the payment and the coins)"),
    COINS("consolidatefeerate", NULL, 0,
          "Fee rate per kvB below which more coins are spent than needed (default: "
          "10000 of the smallest unit)"),
    FLAG("disablewallet", "0", 0, "Load no wallet and offer no wallet calls"),
    COINS("discardfee", NULL, 0,
          "Fee rate per kvB that says which change is not worth having (default: "
          "10000 of the smallest unit)"),
    COINS("fallbackfee", "0", 0,
          "Fee rate per kvB to use when there is no estimate; 0 is none"),
    NUM("keypool", "1000", 1, 1000000, 0,
        "Addresses per descriptor that are watched ahead of the last used one"),
    COINS("maxapsfee", "0", 0,
          "Most to pay on top for not spending an address in parts; -1 always "
          "spends in parts"),
    COINS("maxtxfee", NULL, 0,
          "Most to pay for one transaction (default: 10000000 of the smallest unit)"),
    COINS("mintxfee", NULL, 0,
          "Lowest fee rate per kvB of the wallet's transactions (default: 1000 of the "
          "smallest unit)"),
    COINS("paytxfee", NULL, 0,
          "Fee rate per kvB of the wallet's transactions (default: as estimated)"),
    FLAG("spendzeroconfchange", "1", 0, "Spend unconfirmed change"),
    NUM("txconfirmtarget", "6", 1, 1008, 0,
        "Blocks within which transactions should be confirmed, unless told otherwise"),
    MANY("wallet", "<path>", OPT_NETWORK_ONLY,
         "Wallet to load at start; may be given many times"),
    FLAG("walletbroadcast", "1", 0, "Send the wallet's transactions to the network"),
    FLAG("walletcrosschain", "0", OPT_HIDDEN, "Open wallets of other networks"),
    TEXT("walletdir", "<dir>", NULL, OPT_NETWORK_ONLY,
         "Directory of the wallets (default: <datadir>/wallets)"),
    TEXT("walletnotify", "<cmd>", NULL, 0,
         "Run a command when a transaction of a wallet changes (%s becomes its id, %w "
         "the wallet's name, %b the block's hash, %h its height)"),
    FLAG("walletrbf", "1", 0, "Send transactions that may be replaced (BIP 125)"),
    FLAG("unsafesqlitesync", "0", OPT_HIDDEN,
         "Commit to wallet files without waiting for the disk: a power cut may destroy "
         "them. For tests only"),
    FLAG("walletrejectlongchains", "1", OPT_HIDDEN,
         "Do not make transactions that exceed the mempool's limits of families"),
#undef GROUP
#ifdef HAVE_ZMQ
#define GROUP "ZeroMQ notification options"
#define PUBLISH(topic, what)                                                           \
    MANY("zmqpub" topic, "<address>", 0, "Publish " what " at an address"),            \
        NUM("zmqpub" topic "hwm", "1000", 0, INT32_MAX, 0,                             \
            "Messages kept for a slow subscriber of " topic)
    PUBLISH("hashblock", "the hash of each new tip"),
    PUBLISH("hashticket", "the txid of each ticket, in mempool and blocks"),
    PUBLISH("hashtx", "the txid of each transaction, in mempool and blocks"),
    PUBLISH("rawblock", "each new tip"),
    PUBLISH("rawticket", "the transaction of each ticket"),
    PUBLISH("rawtx", "each transaction"),
    PUBLISH("sequence", "what blocks and mempool gain and lose"),
#undef PUBLISH
#undef GROUP
#endif
#define GROUP "Chain selection options"
    TEXT("chain", "<chain>", "main", 0, "Network: main, test or regtest"),
    FLAG("regtest", NULL, OPT_HIDDEN, "Same as -chain=regtest"),
    FLAG("testnet", NULL, 0, "Same as -chain=test"),
    FLAG("bitcoin", "0", OPT_COMMAND_LINE,
         "Bitcoin's own regtest network and bitcoin.conf instead; needs -regtest"),
#undef GROUP
#define GROUP "Accepted for compatibility"
    IGNORED("dblogsize", OPT_INT),
    IGNORED("signetseednode", OPT_LIST),
    IGNORED("signetchallenge", OPT_STR),
    IGNORED("flushwallet", OPT_BOOL),
    IGNORED("privdb", OPT_BOOL),
    IGNORED("swapbdbendian", OPT_BOOL),
#undef GROUP
    {0},
};
