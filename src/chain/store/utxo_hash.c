#include "chain/store/utxo_hash.h"

#include <stdlib.h>

#include "util/mem.h"

/* A coin as the hash sees it, kept until all of its transaction's are there. */
struct utxo_hash_coin {
    uint32_t n;
    size_t begin, end; /* of its octets */
};

void utxo_octets(struct buf *out, const struct outpoint *o, const struct coin *coin)
{
    struct sink s = sink_to_buf(out);
    outpoint_write(&s, o);
    write_u32(&s, coin->height << 1 | coin->coinbase);
    write_i64(&s, coin->value.v);
    write_var(&s, coin->script);
}

void utxo_hash_init(struct utxo_hash *h)
{
    memset(h, 0, sizeof(*h));
    sha256_init(&h->sha);
}

static int by_output(const void *a, const void *b)
{
    const struct utxo_hash_coin *x = a, *y = b;
    return (x->n > y->n) - (x->n < y->n);
}

/* The order of keys in a database is not that of output numbers. */
static void finish_tx(struct utxo_hash *h)
{
    if (h->n_coins > 1)
        qsort(h->coins, h->n_coins, sizeof(*h->coins), by_output);
    for (size_t i = 0; i < h->n_coins; i++)
        sha256_update(&h->sha, h->octets.data + h->coins[i].begin,
                      h->coins[i].end - h->coins[i].begin);
    h->n_coins = 0;
    buf_reset(&h->octets);
}

void utxo_hash_add(struct utxo_hash *h, const struct outpoint *o,
                   const struct coin *coin)
{
    if (!hash256_equal(&h->txid, &o->txid))
        finish_tx(h);
    h->txid = o->txid;
    size_t begin = h->octets.len;
    utxo_octets(&h->octets, o, coin);
    if (h->n_coins == h->cap_coins) {
        h->cap_coins = h->cap_coins ? h->cap_coins * 2 : 64;
        h->coins = xrealloc_array(h->coins, h->cap_coins, sizeof(*h->coins));
    }
    h->coins[h->n_coins++] = (struct utxo_hash_coin){o->n, begin, h->octets.len};
}

void utxo_hash_final(struct utxo_hash *h, struct hash256 *out)
{
    finish_tx(h);
    sha256d_final(&h->sha, out->b);
    free(h->coins);
    buf_clear(&h->octets);
    h->coins = NULL;
}
