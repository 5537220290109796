/* The wire protocol: messages by table, the v1 frame, and every message's read and write.
 *
 *   frame  0  4   network magic
 *          4  12  message type, ASCII, zero-padded
 *         16  4   payload size, LE
 *         20  4   first octets of SHA256d(payload)
 *         24  ..  payload */
#ifndef OCHRE_NET_PROTOCOL_H
#define OCHRE_NET_PROTOCOL_H

#include "chain/prim/block.h"
#include "net/netaddr.h"

#define PROTOCOL_VERSION 70016
#define MIN_PEER_VERSION 31800
#define BIP0031_VERSION 60000
#define SENDHEADERS_VERSION 70012
#define FEEFILTER_VERSION 70013
#define SHORT_IDS_VERSION 70014
#define INVALID_CB_NO_BAN_VERSION 70015
#define WTXID_RELAY_VERSION 70016

#define FRAME_HEADER_SIZE 24
#define MAX_PROTOCOL_MESSAGE_LENGTH 4000000
#define MAX_INV_SIZE 50000
#define MAX_GETDATA_SIZE 1000
#define MAX_HEADERS_RESULTS 2000
#define MAX_LOCATOR_SIZE 101
#define MAX_ADDR_TO_SEND 1000
#define MAX_SUBVERSION_LENGTH 256

enum service_flags {
    NODE_NETWORK = 1 << 0,
    NODE_BLOOM = 1 << 2,
    NODE_WITNESS = 1 << 3,
    NODE_COMPACT_FILTERS = 1 << 6,
    NODE_NETWORK_LIMITED = 1 << 10,
    NODE_P2P_V2 = 1 << 11,
};

enum inv_type {
    INV_TX = 1,
    INV_BLOCK = 2,
    INV_FILTERED_BLOCK = 3,
    INV_CMPCT_BLOCK = 4,
    INV_WTX = 5,
    INV_WITNESS_FLAG = 1 << 30,
    INV_WITNESS_BLOCK = INV_BLOCK | INV_WITNESS_FLAG,
    INV_WITNESS_TX = INV_TX | INV_WITNESS_FLAG,
};

/* X(ENUM, "type"), in alphabetical order of the type: a
 * message's index here is its index in counters. */
#define NET_MESSAGES(X)                                                                \
    X(ADDR, "addr") X(ADDRV2, "addrv2") X(BLOCK, "block") X(BLOCKTXN, "blocktxn")        \
    X(CMPCTBLOCK, "cmpctblock") X(FEEFILTER, "feefilter") X(FILTERADD, "filteradd")      \
    X(FILTERCLEAR, "filterclear") X(FILTERLOAD, "filterload") X(GETADDR, "getaddr")      \
    X(GETBLOCKS, "getblocks") X(GETBLOCKTXN, "getblocktxn") X(GETDATA, "getdata")        \
    X(GETHEADERS, "getheaders") X(HEADERS, "headers") X(INV, "inv")                      \
    X(MEMPOOL, "mempool") X(MERKLEBLOCK, "merkleblock") X(NOTFOUND, "notfound")          \
    X(PING, "ping") X(PONG, "pong") X(SENDADDRV2, "sendaddrv2")                          \
    X(SENDCMPCT, "sendcmpct") X(SENDHEADERS, "sendheaders") X(TX, "tx")                  \
    X(VERACK, "verack") X(VERSION, "version") X(WTXIDRELAY, "wtxidrelay")

enum msg_type {
#define X(e, n) MSG_##e,
    NET_MESSAGES(X)
#undef X
    MSG_COUNT, /* also: a type we do not know */
};
const char *msg_type_name(enum msg_type t); /* "*other*" for MSG_COUNT */

#endif
