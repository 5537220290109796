#include "rpc/submit.h"

#include "chain/mining/miner.h"
#include "util/hex.h"

/* Hex of a block. NULL: not one. */
static struct block *decode_block(const char *hex)
{
    struct buf raw = {0};
    struct block *b = NULL;
    if (hex_decode(&raw, hex, strlen(hex)))
        b = block_from_buf(&raw);
    buf_clear(&raw);
    return b;
}

/* BIP 22: null for a valid block, else the reason. */
static void write_verdict(struct rpc_call *c, const struct reject *rej)
{
    char reason[192];
    if (rej->code == REJECT_NONE)
        json_null(c->w);
    else
        json_str(c->w, reject_reason(rej, reason));
}

/* What is known about a block of that hash; NULL: nothing that decides. */
static const char *known_verdict(const struct chainman *cm, const struct hash256 *hash,
                                 const char *otherwise)
{
    const struct block_index *bi = block_tree_find(cm, hash);
    if (!bi)
        return NULL;
    if (block_index_is_valid(bi, BLOCK_VALID_SCRIPTS))
        return "duplicate";
    return bi->status & BLOCK_FAILED_MASK ? "duplicate-invalid" : otherwise;
}

struct submit_job {
    struct node *node;
    const struct block *block;
    const char *verdict; /* decided without a reject */
    struct reject rej;
};

static void submit_job(void *arg)
{
    struct submit_job *j = arg;
    struct chainman *cm = j->node->chainman;
    bool is_new = false;

    j->verdict = known_verdict(cm, &j->block->hash, NULL);
    if (j->verdict)
        return;
    const struct block_index *prev = block_tree_find(cm, &j->block->header.prev);
    struct block *full =
        prev ? block_complete_witness(j->block, j->node->params, prev->height + 1)
             : block_ref(j->block);
    bool accepted = chainman_process_block(cm, full, true, true, &is_new, &j->rej);
    if (!is_new && accepted)
        j->verdict = "duplicate";
    else if (j->rej.code == REJECT_NONE) {
        const struct block_index *bi = block_tree_find(cm, &full->hash);
        if (!bi || !chain_contains(cm, bi))
            j->verdict = "inconclusive";
    }
    block_unref(full);
}

static void submitblock(struct rpc_call *c)
{
    struct block *b = decode_block(rpc_arg_str(c, 0, ""));
    if (!b) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block decode failed");
        return;
    }
    struct submit_job j = {.node = c->node, .block = b};
    if (b->n_tx == 0 || !tx_is_coinbase(&b->txs[0]))
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block does not start with a coinbase");
    else if (!rpc_on_chain(c, submit_job, &j))
        ;
    else if (j.verdict)
        json_str(c->w, j.verdict);
    else
        write_verdict(c, &j.rej);
    block_unref(b);
}

static void proposal_job(void *arg)
{
    struct submit_job *j = arg;
    struct chainman *cm = j->node->chainman;
    j->verdict = known_verdict(cm, &j->block->hash, "duplicate-inconclusive");
    if (j->verdict)
        return;
    if (!hash256_equal(&j->block->header.prev, &chain_tip(cm)->hash))
        j->verdict = "inconclusive-not-best-prevblk";
    else
        chainman_test_block(cm, j->block, false, true, &j->rej);
}

void rpc_propose_block(struct rpc_call *c, const struct json *data)
{
    if (!data || data->type != JSON_STRING) {
        rpc_error(c, RPC_TYPE_ERROR, "Missing data String key for proposal");
        return;
    }
    struct block *b = decode_block(data->str);
    if (!b) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block decode failed");
        return;
    }
    struct submit_job j = {.node = c->node, .block = b};
    if (!rpc_on_chain(c, proposal_job, &j))
        ;
    else if (j.verdict)
        json_str(c->w, j.verdict);
    else
        write_verdict(c, &j.rej);
    block_unref(b);
}

struct header_job {
    struct node *node;
    struct block_header header;
    bool has_parent, accepted;
    struct reject rej;
};

static void header_job(void *arg)
{
    struct header_job *j = arg;
    struct block_index *last;
    j->has_parent = block_tree_find(j->node->chainman, &j->header.prev) != NULL;
    if (j->has_parent)
        j->accepted = chainman_accept_headers(j->node->chainman, &j->header, 1, false,
                                              &last, &j->rej);
}

static void submitheader(struct rpc_call *c)
{
    struct header_job j = {.node = c->node};
    const char *hex = rpc_arg_str(c, 0, "");
    uint8_t raw[BLOCK_HEADER_SIZE];
    char text[192];
    struct reader r;

    /* Whatever follows the header is not looked at. */
    if (strlen(hex) < 2 * sizeof(raw) || !hex_is(hex, strlen(hex)) ||
        !hex_decode_fixed(raw, sizeof(raw), hex, 2 * sizeof(raw))) {
        rpc_error(c, RPC_DESERIALIZATION_ERROR, "Block header decode failed");
        return;
    }
    reader_init(&r, raw, sizeof(raw));
    j.header = header_read(&r);
    if (!rpc_on_chain(c, header_job, &j))
        return;
    if (!j.has_parent)
        rpc_error(c, RPC_VERIFY_ERROR, "Must submit previous header (%s) first",
                  hash256_to_hex(text, &j.header.prev));
    else if (!j.accepted)
        rpc_error(c, RPC_VERIFY_ERROR, "%s", reject_reason(&j.rej, text));
    else
        json_null(c->w);
}

static const struct rpc_method methods[] = {
    {
        .name = "submitblock",
        .help = "Hands a block to the node (BIP 22).",
        .params =
            PARAMS({"hexdata", P_HEX, .help = "The serialised block"},
                   {"dummy", P_STR, .def = "ignored", .help = "For compatibility"}),
        .results = RESULTS({R_NONE, "", "", .when = "If the block was accepted"},
                           {R_STR, "", "BIP 22's reason", .when = "Otherwise"}),
        .examples = EXAMPLES("\"mydata\""),
        .fn = submitblock,
    },
    {
        .name = "submitheader",
        .help = "Hands a block header to the node, whose parent must be known.",
        .params = PARAMS({"hexdata", P_HEX, .help = "The serialised header"}),
        .results = RESULTS({R_NONE, "", "If the header is valid"}),
        .examples = EXAMPLES("\"aabbcc\""),
        .fn = submitheader,
    },
};

const struct rpc_table rpc_submit_table = {"Mining", methods, ARRAY_LEN(methods),
                                           .public_replies = true};
