/* PSBTs: what is read writes back to bytes that read the same, and every role stands
 * whatever a PSBT says. */
#include "fuzz.h"

#include "chain/params/params.h"
#include "crypto/secp.h"
#include "util/sink.h"
#include "wallet/psbt_analyze.h"

static struct chain_params params;

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
    secp_init();
    ASSERT(chain_params_get(&params, BITCOIN, "regtest"));
    return 0;
}

static void write(const struct psbt *p, struct buf *out)
{
    struct sink s = sink_to_buf(out);
    psbt_write(p, &s);
}

static void check_same(const struct psbt *p)
{
    struct psbt again;
    struct buf first = {0}, second = {0};
    const char *error;
    write(p, &first);
    ASSERT(psbt_read(&again, buf_view(&first), &error));
    write(&again, &second);
    ASSERT(bytes_equal(buf_view(&first), buf_view(&second)));
    ASSERT(hash256_equal(&p->tx->txid, &again.tx->txid));
    psbt_clear(&again);
    buf_clear(&first);
    buf_clear(&second);
}

/* The transaction stays what it is when the version changes. */
static void check_versions(const struct psbt *p)
{
    struct psbt copy;
    struct hash256 id = p->tx->txid;
    psbt_copy(&copy, p);
    psbt_convert(&copy, 2 - p->version);
    check_same(&copy);
    psbt_convert(&copy, p->version);
    check_same(&copy);
    ASSERT(hash256_equal(&copy.tx->txid, &id));
    psbt_clear(&copy);
}

static void check_combine(const struct psbt *p)
{
    struct psbt copy;
    uint32_t twice;
    psbt_copy(&copy, p);
    ASSERT(psbt_combine(&copy, p));
    check_same(&copy);
    ASSERT(p->tx->n_in == 0 || !psbt_join(&copy, p, &twice));
    psbt_clear(&copy);
}

static void check_roles(struct psbt *p)
{
    struct psbt_analysis a;
    struct keystore keys;
    psbt_analyze(&a, &params, p);
    psbt_analysis_clear(&a);
    keystore_init(&keys);
    for (uint32_t i = 0; i < p->tx->n_out; i++)
        psbt_update_output(p, i, &keys, true);
    keystore_clear(&keys);
    psbt_drop_prev_txs(p, SIGHASH_ALL);
    psbt_finalize(p);
    psbt_shuffle(p);
    check_same(p);
    tx_unref(psbt_extract(p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct psbt p;
    const char *error;
    if (!psbt_read(&p, bytes_of(data, size), &error)) {
        ASSERT(error != NULL);
        return 0;
    }
    check_same(&p);
    check_versions(&p);
    check_combine(&p);
    check_roles(&p);
    psbt_clear(&p);
    return 0;
}
