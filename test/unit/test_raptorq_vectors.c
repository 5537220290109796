/* RaptorQ against the published vectors: every number on which other implementations of
 * RFC 6330 agree. */
#include "vectors.h"

#include "crypto/sha256.h"
#include "storage/raptorq/raptorq.h"

#define VECTORS "raptorq/rfc6330_vectors.json"

static uint32_t uint_of(const json_t *obj, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(obj, key));
}

static uint32_t uint_at(const json_t *arr, size_t i)
{
    return (uint32_t)json_integer_value(json_array_get(arr, i));
}

static uint8_t *alloc(size_t n)
{
    uint8_t *p = calloc(n ? n : 1, 1);

    assert_non_null(p);
    return p;
}

/* Octets of a source: SHA-256(seed || counter) for counter = 0, 1, ... */
static void make_source(uint8_t *out, size_t n, const char *seed)
{
    size_t len = strlen(seed);
    uint8_t in[128], digest[32];

    assert_true(len + 8 <= sizeof(in));
    memcpy(in, seed, len);
    for (uint64_t counter = 0; counter * 32 < n; counter++) {
        size_t left = n - counter * 32;

        for (int i = 0; i < 8; i++)
            in[len + i] = (uint8_t)(counter >> (56 - 8 * i));
        sha256(digest, in, len + 8);
        memcpy(out + counter * 32, digest, left < 32 ? left : 32);
    }
}

static void assert_sha256(const void *data, size_t n, const char *want)
{
    uint8_t digest[32];

    sha256(digest, data, n);
    assert_hex(digest, 32, want);
}

static json_t *section(json_t **root, const char *name)
{
    *root = load_vectors(VECTORS);
    return json_object_get(*root, name);
}

static void rand_is_that_of_the_rfc(void **state)
{
    json_t *root, *cases = section(&root, "rand"), *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c) assert_int_equal(
        rq_rand(uint_at(c, 0), uint_at(c, 1), uint_at(c, 2)), uint_at(c, 3));
    json_decref(root);
}

static void tuples_are_those_of_the_rfc(void **state)
{
    json_t *root, *cases = section(&root, "tuples"), *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c)
    {
        struct rq_params p;
        struct rq_tuple t;

        assert_int_equal(rq_params_init(&p, uint_at(c, 0)), RQ_OK);
        t = rq_tuple(&p, uint_at(c, 1));
        assert_int_equal(t.d, uint_at(c, 2));
        assert_int_equal(t.a, uint_at(c, 3));
        assert_int_equal(t.b, uint_at(c, 4));
        assert_int_equal(t.d1, uint_at(c, 5));
        assert_int_equal(t.a1, uint_at(c, 6));
        assert_int_equal(t.b1, uint_at(c, 7));
    }
    json_decref(root);
}

static void parameters_of_a_block(void **state)
{
    json_t *root, *cases = section(&root, "params_of_Kprime"), *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c)
    {
        struct rq_params p;

        assert_int_equal(rq_params_init(&p, uint_at(c, 0)), RQ_OK);
        const uint32_t got[] = {p.Kp, p.J, p.S, p.H, p.W, p.L, p.P, p.P1, p.U, p.B};

        for (size_t k = 0; k < 10; k++)
            assert_int_equal(got[k], uint_at(c, k));
    }
    json_decref(root);
}

static void hdpc_matrix(void **state)
{
    json_t *root, *cases = section(&root, "hdpc"), *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c)
    {
        struct rq_params p;
        size_t n;
        uint8_t *m;

        assert_int_equal(rq_params_init(&p, uint_of(c, "Kprime")), RQ_OK);
        n = (size_t)p.H * (p.Kp + p.S);
        m = alloc(n);
        rq_hdpc_matrix(&p, m);
        assert_sha256(m, n, str_of(c, "row_major_sha256"));
        free(m);
    }
    json_decref(root);
}

/* ---- Blocks ---- */

static void check_intermediate(struct rq_enc *enc, const struct rq_shape *shape,
                               const char *want)
{
    struct rq_params p;
    uint8_t *all;

    assert_int_equal(rq_params_init(&p, shape->K), RQ_OK);
    all = alloc((size_t)p.L * shape->T);
    for (uint32_t i = 0; i < p.L; i++)
        assert_int_equal(rq_enc_intermediate(enc, i, all + (size_t)i * shape->T),
                         RQ_OK);
    assert_sha256(all, (size_t)p.L * shape->T, want);
    free(all);
}

static void check_single(struct rq_enc *enc, uint32_t T, const json_t *block)
{
    const json_t *hex = json_object_get(block, "repair_hex");
    json_t *list = json_object_get(block, hex ? "repair_hex" : "repair_sha256"), *v;
    uint8_t *symbol = alloc(T);
    const char *esi;

    json_object_foreach(list, esi, v)
    {
        uint32_t id = (uint32_t)strtoul(esi, NULL, 10);
        void *out[] = {symbol};

        assert_int_equal(rq_enc_symbols(enc, &id, 1, out), RQ_OK);
        if (hex)
            assert_hex(symbol, T, json_string_value(v));
        else
            assert_sha256(symbol, T, json_string_value(v));
    }
    free(symbol);
}

static void check_run(struct rq_enc *enc, uint32_t T, const json_t *block)
{
    const json_t *run = json_object_get(block, "repair_run");
    uint32_t n = uint_of(run, "count");
    uint8_t *out = alloc((size_t)n * T);

    assert_int_equal(rq_enc_run(enc, uint_of(run, "first_esi"), n, out), RQ_OK);
    assert_sha256(out, (size_t)n * T, str_of(run, "sha256"));
    free(out);
}

static void check_block(struct rq_enc *enc, const json_t *block)
{
    struct rq_shape shape = {uint_of(block, "K"), uint_of(block, "T"), 1, 1};
    size_t n = (size_t)shape.K * shape.T;
    const char *intermediate = str_of(block, "intermediate_sha256");
    uint8_t *src = alloc(n);

    make_source(src, n, str_of(block, "seed"));
    assert_sha256(src, n, str_of(block, "src_sha256"));
    assert_int_equal(rq_enc_open(enc, &shape, src, n), RQ_OK);
    check_run(enc, shape.T, block); /* fused or by a matrix */
    assert_int_equal(rq_enc_prepare(enc), RQ_OK);
    check_run(enc, shape.T, block);
    check_single(enc, shape.T, block);
    if (*intermediate)
        check_intermediate(enc, &shape, intermediate);
    free(src);
}

static void encode_blocks(enum rq_mode mode)
{
    struct rq_config config = {.mode = mode};
    json_t *root, *cases = section(&root, "blocks"), *c;
    struct rq_ctx *ctx;
    struct rq_enc *enc;
    size_t i;

    assert_int_equal(rq_ctx_new(&ctx, &config), RQ_OK);
    assert_int_equal(rq_enc_new(ctx, &enc), RQ_OK);
    json_array_foreach(cases, i, c) check_block(enc, c);
    rq_enc_free(enc);
    rq_ctx_free(ctx);
    json_decref(root);
}

static void blocks_by_slices(void **state)
{
    (void)state;
    encode_blocks(RQ_MODE_SLICES);
}

static void blocks_in_the_cheapest_mode(void **state)
{
    (void)state;
    encode_blocks(RQ_MODE_AUTO);
}

/* ---- Objects ---- */

static void add_packet(struct sha256 *h, uint8_t sbn, uint32_t esi,
                       const uint8_t *symbol, uint32_t T)
{
    struct rq_payload_id id = {sbn, esi}, back;
    uint8_t octets[RQ_PAYLOAD_ID_SIZE];

    rq_payload_id_put(octets, &id);
    rq_payload_id_get(&back, octets);
    assert_int_equal(back.sbn, sbn);
    assert_int_equal(back.esi, esi);
    sha256_update(h, octets, sizeof(octets));
    sha256_update(h, symbol, T);
}

/* Packets of one block: source, then repair symbols. */
static uint32_t add_block(struct sha256 *h, struct rq_enc *enc,
                          const struct rq_oti *oti, uint32_t sbn, const uint8_t *object,
                          uint32_t repair)
{
    struct rq_block b;
    struct rq_shape shape;
    uint8_t *padded, *symbols;

    assert_int_equal(rq_oti_block(oti, sbn, &b), RQ_OK);
    shape = (struct rq_shape){b.K, oti->T, oti->N, oti->Al};
    padded = alloc((size_t)b.K * oti->T);
    memcpy(padded, object + b.offset, b.length);
    symbols = alloc((size_t)(b.K + repair) * oti->T);
    assert_int_equal(rq_enc_open(enc, &shape, padded, (size_t)b.K * oti->T), RQ_OK);
    assert_int_equal(rq_enc_run(enc, 0, b.K + repair, symbols), RQ_OK);
    for (uint32_t i = 0; i < b.K + repair; i++)
        add_packet(h, (uint8_t)sbn, i, symbols + (size_t)i * oti->T, oti->T);
    free(symbols);
    free(padded);
    return b.K;
}

static void objects(void **state)
{
    json_t *root, *cases = section(&root, "objects"), *c;
    struct rq_ctx *ctx;
    struct rq_enc *enc;
    size_t i;

    (void)state;
    assert_int_equal(rq_ctx_new(&ctx, NULL), RQ_OK);
    assert_int_equal(rq_enc_new(ctx, &enc), RQ_OK);
    json_array_foreach(cases, i, c)
    {
        struct rq_oti oti, back;
        uint8_t octets[RQ_OTI_SIZE], again[RQ_OTI_SIZE], digest[32], *object;
        struct sha256 h;

        hex_to_fixed(octets, sizeof(octets), str_of(c, "oti_hex"));
        assert_int_equal(rq_oti_get(&oti, octets), RQ_OK);
        assert_int_equal(oti.F, uint_of(c, "F"));
        assert_int_equal(oti.T, uint_of(c, "T"));
        assert_int_equal(oti.Z, uint_of(c, "Z"));
        assert_int_equal(oti.N, uint_of(c, "N"));
        assert_int_equal(oti.Al, uint_of(c, "Al"));
        rq_oti_put(again, &oti);
        assert_memory_equal(again, octets, sizeof(octets));
        assert_int_equal(rq_oti_get(&back, again), RQ_OK);

        object = alloc(oti.F);
        make_source(object, oti.F, str_of(c, "seed"));
        sha256_init(&h);
        for (uint32_t sbn = 0; sbn < oti.Z; sbn++)
            assert_int_equal(
                add_block(&h, enc, &oti, sbn, object, uint_of(c, "repair_per_block")),
                uint_at(json_object_get(c, "blocks_K"), sbn));
        sha256_final(&h, digest);
        assert_hex(digest, 32, str_of(c, "all_packets_sha256"));
        free(object);
    }
    rq_enc_free(enc);
    rq_ctx_free(ctx);
    json_decref(root);
}

static void recommended_parameters(void **state)
{
    json_t *root, *cases = section(&root, "transport_parameters"), *c;
    size_t i;

    (void)state;
    json_array_foreach(cases, i, c)
    {
        uint64_t F = (uint64_t)json_integer_value(json_object_get(c, "F"));
        uint64_t WS = (uint64_t)json_integer_value(json_object_get(c, "WS"));
        uint8_t octets[RQ_OTI_SIZE];
        struct rq_oti oti;

        assert_int_equal(rq_oti_derive(&oti, F, uint_of(c, "max_payload"),
                                       uint_of(c, "Al"), uint_of(c, "SS"), WS),
                         RQ_OK);
        rq_oti_put(octets, &oti);
        assert_hex(octets, sizeof(octets), str_of(c, "oti_hex"));
    }
    json_decref(root);
}

/* ---- Rank ---- */

static int add_encoded(struct rq_enc *enc, struct rq_dec *dec, uint32_t esi)
{
    uint8_t symbol[64];
    void *out[] = {symbol};

    assert_int_equal(rq_enc_symbols(enc, &esi, 1, out), RQ_OK);
    return rq_dec_add(dec, esi, symbol);
}

static void decode_set(struct rq_ctx *ctx, const json_t *c)
{
    struct rq_shape shape = {uint_of(c, "K"), uint_of(c, "T"), 1, 1};
    size_t n = (size_t)shape.K * shape.T, i;
    bool decodable = json_is_true(json_object_get(c, "decodable"));
    uint8_t *src = alloc(n), *dst = alloc(n);
    struct rq_enc *enc;
    struct rq_dec *dec;
    json_t *esi;

    make_source(src, n, str_of(c, "seed"));
    assert_int_equal(rq_enc_new(ctx, &enc), RQ_OK);
    assert_int_equal(rq_dec_new(ctx, &dec), RQ_OK);
    assert_int_equal(rq_enc_open(enc, &shape, src, n), RQ_OK);
    assert_int_equal(rq_dec_open(dec, &shape, dst, n, 0), RQ_OK);
    json_array_foreach(json_object_get(c, "esi"), i, esi)
        assert_true(add_encoded(enc, dec, (uint32_t)json_integer_value(esi)) >= 0);
    assert_int_equal(rq_dec_check(dec), decodable ? RQ_OK : RQ_NEED_MORE);
    assert_int_equal(rq_dec_solve(dec), decodable ? RQ_DECODED : RQ_NEED_MORE);
    if (!decodable) {
        assert_int_equal(rq_dec_solve(dec), RQ_NEED_MORE);
        assert_int_equal(
            add_encoded(enc, dec, uint_of(c, "decodable_after_adding_esi")), RQ_OK);
        assert_int_equal(rq_dec_solve(dec), RQ_DECODED);
    }
    assert_memory_equal(src, dst, n);
    rq_enc_free(enc);
    rq_dec_free(dec);
    free(src);
    free(dst);
}

static void sets_without_full_rank_fail_until_mended(void **state)
{
    static const enum rq_mode modes[] = {RQ_MODE_AUTO, RQ_MODE_SLICES,
                                         RQ_MODE_GENERATOR, RQ_MODE_PATCH};
    json_t *root, *cases = section(&root, "rank"), *c;
    size_t i;

    (void)state;
    for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
        struct rq_config config = {.mode = modes[m]};
        struct rq_ctx *ctx;

        assert_int_equal(rq_ctx_new(&ctx, &config), RQ_OK);
        json_array_foreach(cases, i, c) decode_set(ctx, c);
        rq_ctx_free(ctx);
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rand_is_that_of_the_rfc),
        cmocka_unit_test(tuples_are_those_of_the_rfc),
        cmocka_unit_test(parameters_of_a_block),
        cmocka_unit_test(hdpc_matrix),
        cmocka_unit_test(blocks_by_slices),
        cmocka_unit_test(blocks_in_the_cheapest_mode),
        cmocka_unit_test(objects),
        cmocka_unit_test(recommended_parameters),
        cmocka_unit_test(sets_without_full_rank_fail_until_mended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
