/* The ticket state against a naive model: a plain sorted list and a root computed from
 * its definition, through random changes, nesting, undo, flushes and restarts. */
#include "unit.h"

#include "chain/state/state.h"
#include "chain/state/tree_hash.h"
#include "crypto/hash.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/rand.h"

static char dir[] = "/tmp/ochre-test-state-XXXXXX";
static char path[64];

static int begin(void **st)
{
    (void)st;
    strcpy(dir + sizeof(dir) - 7, "XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/x", dir);
    return 0;
}

static int end(void **st)
{
    (void)st;
    return fs_remove_tree(dir);
}

/* --- the model --- */

#define MODEL_KEYS 400

struct model {
    bool present[MODEL_KEYS];
    uint32_t value[MODEL_KEYS];
};

static struct bytes key_of(char out[16], int i)
{
    return bytes_of(out, (size_t)snprintf(out, 16, "%c%d", "xy"[i % 2], i));
}

static struct bytes value_of(char out[16], uint32_t v)
{
    return bytes_of(out, (size_t)snprintf(out, 16, v % 7 ? "v%u" : "", v));
}

struct leaf {
    uint8_t path[32], value[32];
};

static int compare_leaves(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Straight from the definition. */
static struct hash256 subtree(const struct leaf *l, size_t n, int depth)
{
    struct hash256 h = {{0}}, left, right;
    uint8_t msg[65];
    if (n == 0)
        return h;
    if (n == 1) {
        msg[0] = 0;
        memcpy(msg + 1, l->path, 32);
        memcpy(msg + 33, l->value, 32);
    } else {
        size_t k = 0;
        while (k < n && !(l[k].path[depth / 8] >> (7 - depth % 8) & 1))
            k++;
        left = subtree(l, k, depth + 1);
        right = subtree(l + k, n - k, depth + 1);
        msg[0] = 1;
        memcpy(msg + 1, left.b, 32);
        memcpy(msg + 33, right.b, 32);
    }
    sha3_256(h.b, msg, 65);
    return h;
}

static struct hash256 model_root(const struct model *m)
{
    static struct leaf leaves[MODEL_KEYS];
    size_t n = 0;
    char k[16], v[16];
    for (int i = 0; i < MODEL_KEYS; i++) {
        if (!m->present[i])
            continue;
        struct bytes key = key_of(k, i), value = value_of(v, m->value[i]);
        sha3_256(leaves[n].path, key.data, key.len);
        sha3_256(leaves[n++].value, value.data, value.len);
    }
    qsort(leaves, n, sizeof(*leaves), compare_leaves);
    return subtree(leaves, n, 0);
}

static void assert_root(struct state *s, const struct model *m)
{
    struct hash256 got = state_root(s), want = model_root(m);
    assert_memory_equal(got.b, want.b, 32);
}

static void assert_content(struct state_txn *t, const struct model *m)
{
    struct buf v = {0};
    char k[16], want[16];
    for (int i = 0; i < MODEL_KEYS; i++) {
        assert_int_equal(state_get(t, key_of(k, i), &v), m->present[i]);
        if (m->present[i])
            assert_true(bytes_equal(buf_view(&v), value_of(want, m->value[i])));
    }
    buf_clear(&v);
}

static void random_change(struct state_txn *t, struct model *m, struct rng *rng,
                          int density)
{
    char k[16], v[16];
    int i = (int)rng_below(rng, MODEL_KEYS);
    m->present[i] = (int)rng_below(rng, 10) < density;
    m->value[i] = (uint32_t)rng_u64(rng);
    if (m->present[i])
        state_put(t, key_of(k, i), value_of(v, m->value[i]));
    else
        state_del(t, key_of(k, i));
}

/* --- tests --- */

static const struct db_options db_opt = {.name = "chain state", .version = 1};

static struct db *open_db(void)
{
    struct db *db;
    char *message;
    if (db_open(&db, path, &db_opt, &message) != ERR_OK)
        fail_msg("%s", message);
    return db;
}

static void flush(struct db *db, struct state *s)
{
    struct db_batch b;
    db_batch_init(&b);
    state_flush_into(s, &b);
    assert_int_equal(db_write(db, &b, false), ERR_OK);
    state_flush_done(s);
    assert_int_equal(state_dirty_memory(s) < 4096, true);
    db_batch_clear(&b);
}

#define HISTORY 64

/* Blocks that come and go, with the whole content compared after each; the cache is so
 * small that pages are read back all the time. */
static void random_chain(void **st)
{
    (void)st;
    struct db *db = open_db();
    struct state *s = state_new(db, 20000);
    static struct model at[HISTORY];
    static struct buf undo[HISTORY];
    struct rng rng;
    int height = 0, density = 5;
    rng_seed(&rng, 7);
    memset(at, 0, sizeof(at));
    for (int step = 0; step < 2500; step++) {
        if (step % 250 == 0)
            density = step / 250 % 3 == 0 ? 9 : step / 250 % 3 == 1 ? 1 : 5;
        bool up = height == 0 || (height + 1 < HISTORY && rng_below(&rng, 10) < 6);
        struct state_txn *t = state_begin(s);
        if (up) {
            at[height + 1] = at[height];
            height++;
            for (uint64_t n = rng_below(&rng, 60); n > 0; n--)
                random_change(t, &at[height], &rng, density);
            buf_reset(&undo[height]);
            state_txn_undo(t, &undo[height]);
        } else {
            assert_true(state_undo_apply(t, buf_view(&undo[height])));
            height--;
        }
        if (step % 16 == 0) {
            struct hash256 seen = state_txn_root(t), want = model_root(&at[height]);
            assert_memory_equal(seen.b, want.b, 32);
        }
        state_commit(t);
        if (rng_below(&rng, 3) > 0)
            assert_root(s, &at[height]);
        if (rng_below(&rng, 8) == 0)
            flush(db, s);
        if (rng_below(&rng, 40) == 0) {
            flush(db, s);
            state_free(s);
            s = state_new(db, 20000);
            assert_root(s, &at[height]);
        }
        if (step % 50 == 0) {
            t = state_begin(s);
            assert_content(t, &at[height]);
            state_discard(t);
            assert_true(state_check(s));
        }
    }
    assert_int_equal(state_error(s), ERR_OK);
    for (int i = 0; i < HISTORY; i++)
        buf_clear(&undo[i]);
    state_free(s);
    db_close(db);
}

static void nesting(void **st)
{
    (void)st;
    struct db *db = open_db();
    struct state *s = state_new(db, 1 << 20);
    struct rng rng;
    rng_seed(&rng, 3);
    static struct model base, inner, thrown;
    struct state_txn *t = state_begin(s);
    memset(&base, 0, sizeof(base));
    for (int i = 0; i < 300; i++)
        random_change(t, &base, &rng, 7);
    inner = base;
    struct state_txn *a = state_begin_nested(t);
    for (int i = 0; i < 50; i++)
        random_change(a, &inner, &rng, 5);
    thrown = inner;
    struct state_txn *b = state_begin_nested(a);
    for (int i = 0; i < 50; i++)
        random_change(b, &thrown, &rng, 5);
    assert_content(b, &thrown);
    struct hash256 seen = state_txn_root(b), want = model_root(&thrown);
    assert_memory_equal(seen.b, want.b, 32);
    state_discard(b);
    assert_content(a, &inner);
    assert_content(t, &base);
    state_commit(a);
    assert_content(t, &inner);
    assert_true(state_txn_changed(t));
    state_commit(t);
    assert_root(s, &inner);
    state_free(s);
    db_close(db);
}

struct seen {
    struct buf text;
    int stop_after;
};

static bool note(void *ctx, struct bytes key, struct bytes value)
{
    struct seen *seen = ctx;
    buf_append(&seen->text, key.data, key.len);
    buf_append_byte(&seen->text, '=');
    buf_append(&seen->text, value.data, value.len);
    buf_append_byte(&seen->text, ' ');
    return --seen->stop_after != 0;
}

#define STR(x) bytes_of(x, strlen(x))

static void assert_each(struct state_txn *t, const char *prefix, int stop_after,
                        const char *want)
{
    struct seen seen = {.stop_after = stop_after};
    state_each(t, STR(prefix), note, &seen);
    assert_string_equal(buf_cstr(&seen.text), want);
    buf_clear(&seen.text);
}

static void walking(void **st)
{
    (void)st;
    struct db *db = open_db();
    struct state *s = state_new(db, 1 << 20);
    struct state_txn *t = state_begin(s);
    state_put(t, STR("a"), STR("1"));
    state_put(t, STR("b1"), STR("1"));
    state_put(t, STR("b3"), STR("1"));
    state_put(t, STR("b5"), STR("1"));
    state_commit(t);
    flush(db, s);
    t = state_begin(s);
    state_put(t, STR("b2"), STR("2"));
    state_del(t, STR("b3"));
    state_commit(t);
    t = state_begin(s);
    state_put(t, STR("b1"), STR("3"));
    state_put(t, STR("b9"), STR("3"));
    state_put(t, STR("c"), STR("3"));
    struct state_txn *u = state_begin_nested(t);
    state_del(u, STR("b9"));
    state_put(u, STR("b3"), STR("4"));
    assert_each(t, "b", 0, "b1=3 b2=2 b5=1 b9=3 ");
    assert_each(u, "b", 0, "b1=3 b2=2 b3=4 b5=1 ");
    assert_each(u, "b", 2, "b1=3 b2=2 ");
    assert_each(u, "", 0, "a=1 b1=3 b2=2 b3=4 b5=1 c=3 ");
    assert_each(u, "zz", 0, "");
    state_discard(u);
    state_discard(t);
    state_free(s);
    db_close(db);
}

/* What changes nothing needs no undo; what is malformed is refused. */
static void undo_octets(void **st)
{
    (void)st;
    struct db *db = open_db();
    struct state *s = state_new(db, 1 << 20);
    struct buf undo = {0};
    struct state_txn *t = state_begin(s);
    state_put(t, STR("k"), STR("old"));
    state_commit(t);
    t = state_begin(s);
    state_txn_undo(t, &undo);
    state_put(t, STR("k"), STR("old"));
    state_del(t, STR("absent"));
    state_txn_undo(t, &undo);
    assert_int_equal(undo.len, 0);
    state_put(t, STR("k"), STR("new"));
    state_put(t, STR("l"), STR("new"));
    state_txn_undo(t, &undo);
    state_commit(t);
    for (size_t cut = 1; cut < undo.len; cut++) {
        t = state_begin(s);
        assert_false(state_undo_apply(t, bytes_of(undo.data, cut)));
        state_discard(t);
    }
    t = state_begin(s);
    assert_true(state_undo_apply(t, buf_view(&undo)));
    assert_each(t, "", 0, "k=old ");
    state_discard(t);
    buf_append_byte(&undo, 0);
    t = state_begin(s);
    assert_false(state_undo_apply(t, buf_view(&undo)));
    state_discard(t);
    buf_clear(&undo);
    state_free(s);
    db_close(db);
}

static bool shows(const struct hash256 *root, struct bytes key, struct bytes proof,
                  const struct bytes *want)
{
    bool present;
    struct bytes value;
    return state_proof_verify(root, key, proof, &present, &value) &&
           present == (want != NULL) && (want == NULL || bytes_equal(value, *want));
}

static void check_proof(struct state_txn *t, const struct hash256 *root, int i,
                        const struct model *m)
{
    struct buf proof = {0};
    char k[16], v[16];
    bool present;
    struct bytes key = key_of(k, i), other = STR("other"),
                 value = value_of(v, m->value[i]);
    struct bytes seen;
    assert_true(state_prove(t, key, &proof));
    assert_true(shows(root, key, buf_view(&proof), m->present[i] ? &value : NULL));
    assert_false(m->present[i] &&
                 state_proof_verify(root, other, buf_view(&proof), &present, &seen));
    for (size_t cut = 0; cut < proof.len; cut += 13)
        assert_false(
            state_proof_verify(root, key, bytes_of(proof.data, cut), &present, &seen));
    for (size_t j = 0; j < proof.len; j += 7) {
        proof.data[j] ^= 1;
        assert_false(state_proof_verify(root, key, buf_view(&proof), &present, &seen));
        proof.data[j] ^= 1;
    }
    buf_append_byte(&proof, 0);
    assert_false(state_proof_verify(root, key, buf_view(&proof), &present, &seen));
    buf_clear(&proof);
}

static void proofs(void **st)
{
    (void)st;
    struct db *db = open_db();
    static struct model m;
    struct rng rng;
    rng_seed(&rng, 11);
    static const int sizes[] = {0, 1, 2, 5, 16, 17, 40, 2000};
    for (size_t n = 0; n < ARRAY_LEN(sizes); n++) {
        struct state *s = state_new(db, 10000);
        struct state_txn *t = state_begin(s);
        memset(&m, 0, sizeof(m));
        for (int i = 0; i < sizes[n]; i++)
            random_change(t, &m, &rng, 6);
        struct hash256 root = state_txn_root(t), want = model_root(&m);
        assert_memory_equal(root.b, want.b, 32);
        for (int i = 0; i < MODEL_KEYS; i += 3)
            check_proof(t, &root, i, &m);
        struct hash256 below = state_root(s); /* the excursions left no trace */
        assert_true(hash256_is_zero(&below));
        assert_true(state_check(s));
        state_discard(t);
        state_free(s);
    }
    db_close(db);
}

/* A damaged tree record stops the work instead of giving another root. */
static void damage_latches(void **st)
{
    (void)st;
    struct db *db = open_db();
    static struct model m;
    struct rng rng;
    rng_seed(&rng, 5);
    struct state *s = state_new(db, 1 << 20);
    struct state_txn *t = state_begin(s);
    for (int i = 0; i < 500; i++)
        random_change(t, &m, &rng, 9);
    state_commit(t);
    flush(db, s);
    state_free(s);
    struct db_iter *it = db_iter_new(db, NULL, STR("n\x01"));
    assert_true(db_iter_valid(it));
    struct buf key = {0};
    buf_append(&key, db_iter_key(it).data, db_iter_key(it).len);
    assert_int_equal(db_iter_free(it), ERR_OK);
    assert_int_equal(db_put(db, buf_view(&key), STR("nonsense"), false), ERR_OK);
    s = state_new(db, 1 << 20);
    t = state_begin(s);
    for (int i = 0; i < 400; i++)
        random_change(t, &m, &rng, 9);
    state_commit(t);
    (void)state_root(s);
    assert_int_equal(state_error(s), ERR_CORRUPT);
    buf_clear(&key);
    state_free(s);
    db_close(db);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(random_chain), TEST(nesting), TEST(walking),
        TEST(undo_octets),  TEST(proofs),  TEST(damage_latches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
