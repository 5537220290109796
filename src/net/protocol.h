/* The wire protocol's constants, its messages by name, and their payloads: one struct
 * with one read and one write each. A read latches the reader's `bad` on malformed
 * bytes; lists are capped at what fits a message, the protocol's own (lower) limits are
 * the handler's business. What a read allocated is freed by the struct's clear, also
 * after a bad one. */
#ifndef OCHRE_NET_PROTOCOL_H
#define OCHRE_NET_PROTOCOL_H

#include "chain/prim/block.h"
#include "io/netaddr.h"

#define PROTOCOL_VERSION          70016
#define MIN_PEER_VERSION          31800
#define BIP0031_VERSION           60000
#define SENDHEADERS_VERSION       70012
#define FEEFILTER_VERSION         70013
#define SHORT_IDS_VERSION         70014
#define INVALID_CB_NO_BAN_VERSION 70015
#define WTXID_RELAY_VERSION       70016

#define MAX_PROTOCOL_MESSAGE_LENGTH 4000000
#define MAX_INV_SIZE                50000
#define MAX_GETDATA_SIZE            1000
#define MAX_HEADERS_RESULTS         2000
#define MAX_LOCATOR_SIZE            101
#define MAX_ADDR_TO_SEND            1000
#define MAX_SUBVERSION_LENGTH       256

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
/* clang-format off */
#define NET_MESSAGES(X)                                                                \
    X(ADDR, "addr") X(ADDRV2, "addrv2") X(BLOCK, "block")                              \
    X(BLOCKTXN, "blocktxn") X(CFCHECKPT, "cfcheckpt") X(CFHEADERS, "cfheaders")        \
    X(CFILTER, "cfilter") X(CMPCTBLOCK, "cmpctblock") X(FEEFILTER, "feefilter")        \
    X(FILTERADD, "filteradd") X(FILTERCLEAR, "filterclear") X(FILTERLOAD, "filterload")\
    X(GETADDR, "getaddr") X(GETBLOCKS, "getblocks") X(GETBLOCKTXN, "getblocktxn")      \
    X(GETCFCHECKPT, "getcfcheckpt") X(GETCFHEADERS, "getcfheaders") X(GETCFILTERS, "getcfilters")\
    X(GETDATA, "getdata") X(GETHEADERS, "getheaders") X(HEADERS, "headers")            \
    X(INV, "inv") X(MEMPOOL, "mempool") X(MERKLEBLOCK, "merkleblock")                  \
    X(NOTFOUND, "notfound") X(PING, "ping") X(PONG, "pong")                            \
    X(SENDADDRV2, "sendaddrv2") X(SENDCMPCT, "sendcmpct") X(SENDHEADERS, "sendheaders")\
    X(SENDTXRCNCL, "sendtxrcncl") X(TX, "tx") X(VERACK, "verack") X(VERSION, "version")                              \
    X(WTXIDRELAY, "wtxidrelay")
/* clang-format on */

enum msg_type {
#define X(e, n) MSG_##e,
    NET_MESSAGES(X)
#undef X
        MSG_COUNT, /* also: a type we do not know */
};
const char *msg_type_name(enum msg_type t); /* "*other*" for MSG_COUNT */
enum msg_type msg_type_find(const char *name);

struct msg_version {
    int32_t version;
    uint64_t services;
    int64_t time;
    struct netaddr addr_recv, addr_from;
    uint64_t recv_services, from_services;
    uint64_t nonce;
    char subver[MAX_SUBVERSION_LENGTH + 1]; /* only characters fit for logs */
    int32_t start_height;
    bool relay;
};
/* Fields from addr_from on are optional, in order; their defaults: nonce 1, height -1,
 * relay. */
struct msg_version msg_version_read(struct reader *r);
void msg_version_write(struct sink *s, const struct msg_version *m);
/* Letters, digits and " .,;-_/:?@()": what may stand in a log. */
void sanitize(char *out, size_t size, const void *text, size_t len);

struct inv {
    uint32_t type; /* enum inv_type */
    struct hash256 hash;
};
struct inv inv_read(struct reader *r);
void inv_write(struct sink *s, const struct inv *inv);
static inline bool
inv_is_tx(const struct inv *i) /* by txid or wtxid, as getdata asks */
{
    return i->type == INV_TX || i->type == INV_WTX || i->type == INV_WITNESS_TX;
}
static inline bool inv_is_block(const struct inv *i)
{
    return i->type == INV_BLOCK || i->type == INV_FILTERED_BLOCK ||
           i->type == INV_CMPCT_BLOCK || i->type == INV_WITNESS_BLOCK;
}
#define INV_TEXT 96
char *inv_format(char out[INV_TEXT], const struct inv *i); /* "witness-tx <hash>" */

/* inv, getdata, notfound */
struct msg_inv {
    struct inv *items; /* owned */
    size_t n;
};
struct msg_inv msg_inv_read(struct reader *r);
void msg_inv_write(struct sink *s, const struct msg_inv *m);
void msg_inv_clear(struct msg_inv *m);

/* addr, addrv2 */
struct msg_addr {
    struct netaddr_entry *items; /* owned */
    size_t n;
};
struct msg_addr msg_addr_read(struct reader *r, bool v2, struct wire_error *error);
void msg_addr_write(struct sink *s, const struct msg_addr *m, bool v2);
void msg_addr_clear(struct msg_addr *m);

/* getblocks, getheaders */
struct msg_locator {
    int32_t version;
    struct hash256 *have; /* owned */
    size_t n;
    struct hash256 stop;
};
struct msg_locator msg_locator_read(struct reader *r);
void msg_locator_write(struct sink *s, const struct msg_locator *m);
void msg_locator_clear(struct msg_locator *m);

/* headers. Above MAX_HEADERS_RESULTS only n is set. */
struct msg_headers {
    struct block_header *items; /* owned */
    size_t n;
};
struct msg_headers msg_headers_read(struct reader *r);
void msg_headers_write(struct sink *s, const struct msg_headers *m);
void msg_headers_clear(struct msg_headers *m);

struct msg_sendcmpct {
    bool high_bandwidth;
    uint64_t version;
};
struct msg_sendcmpct msg_sendcmpct_read(struct reader *r);
void msg_sendcmpct_write(struct sink *s, const struct msg_sendcmpct *m);

#endif
