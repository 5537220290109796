#include "chain/params/params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/hex.h"
#include "util/mem.h"

const struct buried_name buried_names[BURIED_COUNT] = {
    [BURIED_BIP34] = {"bip34", "bip34"},    [BURIED_DERSIG] = {"dersig", "bip66"},
    [BURIED_CLTV] = {"cltv", "bip65"},      [BURIED_CSV] = {"csv", "csv"},
    [BURIED_SEGWIT] = {"segwit", "segwit"}, [BURIED_TAPROOT] = {NULL, "taproot"},
};

#define BIP32_MAIN    .xpub = {0x04, 0x88, 0xb2, 0x1e}, .xprv = {0x04, 0x88, 0xad, 0xe4}
#define BIP32_TEST    .xpub = {0x04, 0x35, 0x87, 0xcf}, .xprv = {0x04, 0x35, 0x83, 0x94}
#define PREFIXES_TEST .p2pkh = 111, .p2sh = 196, .wif = 239, BIP32_TEST

#define BURIED_FROM_1                                                                  \
    {                                                                                  \
        [BURIED_BIP34] = 1, [BURIED_DERSIG] = 1, [BURIED_CLTV] = 1, [BURIED_CSV] = 1,  \
        [BURIED_SEGWIT] = 1, [BURIED_TAPROOT] = 1                                      \
    }

/* clang-format off */
#define PSL(n) {INT64_C(n) * 100000}
#define BTC(n) {INT64_C(n) * 100000000}
/* clang-format on */

/* 04 ffff001d 01 04 push("Ochre: marks that last") */
#define OCHRE_SCRIPT_SIG     "04ffff001d0104164f636872653a206d61726b732074686174206c617374"
#define OCHRE_GENESIS_SCRIPT "6a"
#define BITCOIN_SCRIPT_SIG                                                             \
    "04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72" \
    "206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73"
#define BITCOIN_GENESIS_SCRIPT                                                         \
    "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef" \
    "38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac"

/* A name that never resolves, as bitcoind's: tests see that it is asked. */
static const char *const test_seeds[] = {"dummySeed.invalid."};

/* A row as it stands in the table: hashes are text there. */
struct network {
    struct chain_params p;
    /* displayed hex; NULL when offline only */
    const char *genesis_hash, *genesis_merkle;
    struct {
        int32_t height;
        const char *block, *txoutset;
        uint64_t chain_tx;
        const char *state_root; /* NULL: the network has no tickets then */
    } snapshots[ASSUMEUTXO_MAX]; /* see struct assumeutxo; up to height 0 */
};

static const struct network networks[] = {
    {
        .p =
            {
                .name = "main",
                .personality = OCHRE,
                .magic = {0xd3, 0x6f, 0xc4, 0xe1},
                .port = 9933,
                .rpc_port = 9932,
                .prefixes =
                    {.p2pkh = 55, .p2sh = 117, .wif = 183, .hrp = "psl", BIP32_MAIN},
                .bip44_coin_type = 28515,
                .unit = "PSL",
                .decimals = 5,
                .pow_limit_bits = 0x1d00ffff,
                .retarget = RETARGET_ASERT,
                .spacing = 150,
                .subsidy = PSL(6250),
                .halving_interval = 840000,
                .buried = BURIED_FROM_1,
                .bip9_window = 2016,
                .bip9_threshold = 1815,
                .forbid_64_byte_tx = true,
                .refuse_unmatched_single = true,
                .tickets_height = 1,
                .sn = {.collateral = PSL(5000000),
                       .collateral_depth = 15,
                       .activation_depth = 15,
                       .min_committee = 10,
                       .id_burn = PSL(100),
                       .lift_ban_burn = PSL(1000)},
                .prune_after_height = 100000,
                .genesis = {.version = 1,
                            .time = 1795132800,
                            .bits = 0x1d00ffff,
                            .nonce = 1882737325},
                .genesis_script_sig = OCHRE_SCRIPT_SIG,
                .genesis_script = OCHRE_GENESIS_SCRIPT,
            },
        .genesis_hash =
            "000000009d1d820606e08967960aca429a084e54cb804ebc74c0e979b89cf38c",
        .genesis_merkle =
            "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287",
    },
    {
        .p =
            {
                .name = "test",
                .personality = OCHRE,
                .is_test_chain = true,
                .magic = {0xd4, 0x6f, 0xc4, 0xe2},
                .port = 19933,
                .rpc_port = 19932,
                .prefixes = {PREFIXES_TEST, .hrp = "tpsl"},
                .bip44_coin_type = 1,
                .unit = "tPSL",
                .decimals = 5,
                .pow_limit_bits = 0x1e0fffff,
                .retarget = RETARGET_ASERT_20,
                .spacing = 150,
                .subsidy = PSL(6250),
                .halving_interval = 840000,
                .buried = BURIED_FROM_1,
                .bip9_window = 2016,
                .bip9_threshold = 1512,
                .forbid_64_byte_tx = true,
                .refuse_unmatched_single = true,
                .tickets_height = 1,
                .sn = {.collateral = PSL(1000000),
                       .collateral_depth = 1,
                       .activation_depth = 1,
                       .min_committee = 3,
                       .id_burn = PSL(100),
                       .lift_ban_burn = PSL(1000)},
                .prune_after_height = 1000,
                .genesis = {.version = 1,
                            .time = 1795132801,
                            .bits = 0x1e0fffff,
                            .nonce = 392700},
                .genesis_script_sig = OCHRE_SCRIPT_SIG,
                .genesis_script = OCHRE_GENESIS_SCRIPT,
            },
        .genesis_hash =
            "00000f64db599b2c063709d2916ef5551dc01979bdd24c9e199e9ae46c53fc43",
        .genesis_merkle =
            "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287",
    },
    {
        .p =
            {
                .name = "regtest",
                .personality = OCHRE,
                .is_test_chain = true,
                .magic = {0xd5, 0x6f, 0xc4, 0xe3},
                .port = 18344,
                .rpc_port = 18232,
                .dns_seeds = {test_seeds, ARRAY_LEN(test_seeds)},
                .prefixes = {PREFIXES_TEST, .hrp = "rpsl"},
                .bip44_coin_type = 1,
                .unit = "rPSL",
                .decimals = 5,
                .pow_limit_bits = 0x207fffff,
                .retarget = RETARGET_NONE,
                .spacing = 150,
                .subsidy = PSL(6250),
                .halving_interval = 150,
                .buried = BURIED_FROM_1,
                .bip9_window = 144,
                .bip9_threshold = 108,
                .forbid_64_byte_tx = true,
                .refuse_unmatched_single = true,
                .tickets_height = 1,
                .sn = {.collateral = PSL(1000),
                       .collateral_depth = 1,
                       .activation_depth = 1,
                       .min_committee = 3,
                       .id_burn = PSL(10),
                       .lift_ban_burn = PSL(10)},
                .default_consistency_checks = true,
                .prune_after_height = 1000,
                .genesis =
                    {.version = 1, .time = 1795132802, .bits = 0x207fffff, .nonce = 0},
                .genesis_script_sig = OCHRE_SCRIPT_SIG,
                .genesis_script = OCHRE_GENESIS_SCRIPT,
            },
        .genesis_hash =
            "3a9148659bf9faf396299051d1ec4cd33a9bd40f165fa8e74f1be5b3a058e01d",
        .genesis_merkle =
            "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287",
        /* The chain of test_feature_assumeutxo_tickets.py, with three supernodes. */
        .snapshots =
            {{124, "2dbc4ddf01a2a6a0fa1fee2bb4f89691e55b23cdf382e93b4c1c5e6f7c5415eb",
              "ea06d7e6d3b71a224babbfc14fda919862ef1ba57c100ed120be9472c94a5c40", 133,
              "cc546ae05542015deb881ae4f8901c671a9b2a017496d030794f51d19df22aa0"}},
    },
    {
        .p =
            {
                .name = "regtest",
                .personality = BITCOIN,
                .is_test_chain = true,
                .magic = {0xfa, 0xbf, 0xb5, 0xda},
                .port = 18444,
                .rpc_port = 18443,
                .dns_seeds = {test_seeds, ARRAY_LEN(test_seeds)},
                .prefixes = {PREFIXES_TEST, .hrp = "bcrt"},
                .bip44_coin_type = 1,
                .unit = "BTC",
                .decimals = 8,
                .pow_limit_bits = 0x207fffff,
                .retarget = RETARGET_NONE,
                .spacing = 600,
                .subsidy = BTC(50),
                .halving_interval = 150,
                .buried = {[BURIED_BIP34] = 1,
                           [BURIED_DERSIG] = 1,
                           [BURIED_CLTV] = 1,
                           [BURIED_CSV] = 1,
                           [BURIED_SEGWIT] = 0,
                           [BURIED_TAPROOT] = BURIED_ABSENT},
                .bip9 = {{.name = "testdummy",
                          .bit = 28,
                          .gbt_force = true,
                          .start_time = 0,
                          .timeout = BIP9_NO_TIMEOUT},
                         {.name = "taproot",
                          .bit = 2,
                          .gbt_force = true,
                          .start_time = BIP9_ALWAYS_ACTIVE,
                          .timeout = BIP9_NO_TIMEOUT}},
                .n_bip9 = 2,
                .bip9_window = 144,
                .bip9_threshold = 108,
                .tickets_height = TICKETS_NEVER,
                .default_consistency_checks = true,
                .prune_after_height = 1000,
                .genesis =
                    {.version = 1, .time = 1296688602, .bits = 0x207fffff, .nonce = 2},
                .genesis_script_sig = BITCOIN_SCRIPT_SIG,
                .genesis_script = BITCOIN_GENESIS_SCRIPT,
                .genesis_value = BTC(50),
            },
        .genesis_hash =
            "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
        .genesis_merkle =
            "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",
        /* Deterministic chains of Bitcoin Core's own tests. */
        .snapshots =
            {{110, "696e92821f65549c7ee134edceeeeaaa4105647a3c4fd9f298c0aec0ab50425c",
              "6657b736d4fe4db0cbc796789e812d5dba7f5c143764b1b6905612f1830609d1", 111},
             {200, "5e93653318f294fb5aa339d00bbf8cf1c3515488ad99412c37608b139ea63b27",
              "4f34d431c3e482f6b0d67b64609ece3964dc8d7976d02ac68dd7c9c1421738f2", 201},
             {299, "3bb7ce5eba0be48939b7a521ac1ba9316afee2c7bada3a0cca24188e6d7d96c0",
              "a4bf3407ccb2cc0145c49ebba8fa91199f8a3903daf0883875941497d2493c27", 334}},
    },

#define BITCOIN_OFFLINE(net)                                                           \
    .name = net, .personality = BITCOIN, .offline_only = true, .unit = "BTC",          \
    .decimals = 8, .tickets_height = TICKETS_NEVER, .subsidy = BTC(50),                \
    .halving_interval = 210000, .spacing = 600
    {.p = {BITCOIN_OFFLINE("main"), .magic = {0xf9, 0xbe, 0xb4, 0xd9}, .port = 8333,
           .rpc_port = 8332, .pow_limit_bits = 0x1d00ffff,
           .prefixes = {.p2pkh = 0, .p2sh = 5, .wif = 128, .hrp = "bc", BIP32_MAIN}}},
    {.p = {BITCOIN_OFFLINE("test"), .is_test_chain = true,
           .magic = {0x0b, 0x11, 0x09, 0x07}, .port = 18333, .rpc_port = 18332,
           .pow_limit_bits = 0x1d00ffff, .bip44_coin_type = 1,
           .prefixes = {PREFIXES_TEST, .hrp = "tb"}}},
    {.p = {BITCOIN_OFFLINE("testnet4"), .is_test_chain = true,
           .magic = {0x1c, 0x16, 0x3f, 0x28}, .port = 48333, .rpc_port = 48332,
           .pow_limit_bits = 0x1d00ffff, .bip44_coin_type = 1,
           .prefixes = {PREFIXES_TEST, .hrp = "tb"}}},
    {.p = {BITCOIN_OFFLINE("signet"), .is_test_chain = true,
           .magic = {0x0a, 0x03, 0xcf, 0x40}, .port = 38333, .rpc_port = 38332,
           .pow_limit_bits = 0x1e0377ae, .bip44_coin_type = 1,
           .prefixes = {PREFIXES_TEST, .hrp = "tb"}}},
};

/* No other hash of a row says anything of the ticket state. */
static void fill_state_root(struct assumeutxo *au, const char *hex, uint32_t tickets)
{
    ASSERT((hex != NULL) == ((uint32_t)au->height >= tickets));
    if (hex)
        ASSERT(hex_decode_fixed(au->state_root.b, 32, hex, strlen(hex)));
}

static void fill_snapshots(struct chain_params *out, const struct network *n)
{
    for (; n->snapshots[out->n_assumeutxo].height > 0; out->n_assumeutxo++) {
        unsigned i = out->n_assumeutxo;
        struct assumeutxo *au = &out->assumeutxo[i];
        au->height = n->snapshots[i].height;
        au->chain_tx = n->snapshots[i].chain_tx;
        ASSERT(hash256_from_hex(&au->block, n->snapshots[i].block) &&
               hash256_from_hex(&au->txoutset, n->snapshots[i].txoutset));
        fill_state_root(au, n->snapshots[i].state_root, out->tickets_height);
    }
}

bool chain_params_get(struct chain_params *out, enum personality p, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        const struct network *n = &networks[i];
        if (n->p.personality != p || strcmp(n->p.name, name))
            continue;
        *out = n->p;
        if (n->genesis_hash)
            ASSERT(hash256_from_hex(&out->genesis_hash, n->genesis_hash) &&
                   hash256_from_hex(&out->genesis.merkle_root, n->genesis_merkle));
        fill_snapshots(out, n);
        return true;
    }
    return false;
}

const char *chain_params_names(enum personality p)
{
    return p == OCHRE ? "main, test, regtest" : "regtest";
}

static void append_hex(struct buf *b, const char *hex)
{
    ASSERT(hex_decode(b, hex, strlen(hex)));
}

struct block *chain_params_genesis_build(const struct chain_params *p)
{
    static const struct outpoint none = {.n = UINT32_MAX};
    struct buf script = {0};
    struct mtx m;

    mtx_init(&m);
    m.version = 1;
    append_hex(&mtx_add_in(&m, &none, SEQUENCE_FINAL)->script_sig,
               p->genesis_script_sig);
    append_hex(&script, p->genesis_script);
    mtx_add_out(&m, p->genesis_value, buf_view(&script));
    struct tx *tx = mtx_to_tx(&m);
    const struct tx *txs[] = {tx};
    struct block *b = block_assemble(&p->genesis, txs, 1);
    tx_unref(tx);
    mtx_clear(&m);
    buf_clear(&script);
    return b;
}

struct block *chain_params_genesis(const struct chain_params *p)
{
    struct block *b = chain_params_genesis_build(p);
    ASSERT(hash256_equal(&b->hash, &p->genesis_hash));
    return b;
}

/* Decimal digits with an optional sign, nothing around them. */
static bool parse_i64(int64_t *out, const char *s, size_t len)
{
    char text[24];
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    size_t sign = text[0] == '-' || text[0] == '+';
    if (strspn(text + sign, "0123456789") != len - sign || len == sign)
        return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

bool chain_params_test_activation(struct chain_params *p, const char *spec,
                                  char **error)
{
    static const char option[] = "-testactivationheight=name@height";
    const char *at = strchr(spec, '@');
    if (!at) {
        *error = xasprintf("Invalid format (%s) for %s.", spec, option);
        return false;
    }
    int64_t height;
    if (!parse_i64(&height, at + 1, strlen(at + 1)) || height < 0 ||
        height >= INT32_MAX) {
        *error = xasprintf("Invalid height value (%s) for %s.", spec, option);
        return false;
    }
    size_t len = (size_t)(at - spec);
    for (size_t i = 0; i < BURIED_COUNT; i++) {
        const char *name = buried_names[i].option;
        if (name && strlen(name) == len && !memcmp(name, spec, len)) {
            p->buried[i] = (int32_t)height;
            return true;
        }
    }
    *error = xasprintf("Invalid name (%s) for %s.", spec, option);
    return false;
}

static struct bip9 *find_bip9(struct chain_params *p, const char *name, size_t len)
{
    for (unsigned i = 0; i < p->n_bip9; i++)
        if (strlen(p->bip9[i].name) == len && !memcmp(p->bip9[i].name, name, len))
            return &p->bip9[i];
    return NULL;
}

bool chain_params_vbparams(struct chain_params *p, const char *spec, char **error)
{
    const char *part[4];
    size_t len[4], n = 0;
    for (const char *s = spec; s; n++) {
        const char *colon = strchr(s, ':');
        if (n < 4) {
            part[n] = s;
            len[n] = colon ? (size_t)(colon - s) : strlen(s);
        }
        s = colon ? colon + 1 : NULL;
    }
    if (n < 3 || n > 4) {
        *error = xstrdup("Version bits parameters malformed, expecting "
                         "deployment:start:end[:min_activation_height]");
        return false;
    }
    static const char *const names[] = {NULL, "nStartTime", "nTimeout",
                                        "min_activation_height"};
    int64_t value[4] = {0};
    for (size_t i = 1; i < n; i++) {
        bool fits = parse_i64(&value[i], part[i], len[i]);
        if (!fits || (i == 3 && (value[i] < INT32_MIN || value[i] > INT32_MAX))) {
            *error = xasprintf("Invalid %s (%.*s)", names[i], (int)len[i], part[i]);
            return false;
        }
    }
    struct bip9 *d = find_bip9(p, part[0], len[0]);
    if (!d) {
        *error = xasprintf("Invalid deployment (%.*s)", (int)len[0], part[0]);
        return false;
    }
    d->start_time = value[1];
    d->timeout = value[2];
    d->min_activation_height = (int32_t)value[3];
    return true;
}

struct u256 chain_params_pow_limit(const struct chain_params *p)
{
    bool negative, overflow;
    return compact_to_target(p->pow_limit_bits, &negative, &overflow);
}

struct amount block_subsidy(const struct chain_params *p, int32_t height)
{
    int32_t halvings = height / p->halving_interval;
    return halvings < 64 ? amount_of(p->subsidy.v >> halvings) : amount_of(0);
}
