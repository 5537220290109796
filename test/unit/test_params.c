/* Chain parameters: the genesis blocks are what the tables say, options adjust them. */
#include "unit.h"

#include "chain/params/assumeutxo.h"
#include "chain/params/params.h"
#include "chain/prim/merkle.h"

static const struct {
    enum personality personality;
    const char *name, *hash, *merkle;
} geneses[] = {
    {OCHRE, "main", "000000009d1d820606e08967960aca429a084e54cb804ebc74c0e979b89cf38c",
     "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287"},
    {OCHRE, "test", "00000f64db599b2c063709d2916ef5551dc01979bdd24c9e199e9ae46c53fc43",
     "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287"},
    {OCHRE, "regtest",
     "3a9148659bf9faf396299051d1ec4cd33a9bd40f165fa8e74f1be5b3a058e01d",
     "48917412cd2641bb65f3ed25b7c9e257b4e8b17276fe381d3c1b9d4c319c8287"},
    {BITCOIN, "regtest",
     "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
     "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"},
};

static void genesis_blocks_hash_as_stated(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(geneses); i++) {
        struct chain_params p;
        char hex[65];
        assert_true(chain_params_get(&p, geneses[i].personality, geneses[i].name));
        struct block *b = chain_params_genesis_build(&p);
        assert_string_equal(hash256_to_hex(hex, &b->hash), geneses[i].hash);
        struct hash256 root = block_merkle_root(b, NULL);
        assert_string_equal(hash256_to_hex(hex, &root), geneses[i].merkle);
        assert_true(hash256_equal(&b->header.merkle_root, &root));
        assert_true(hash256_equal(&b->hash, &p.genesis_hash));
        struct u256 limit = chain_params_pow_limit(&p), h = u256_from_hash(&b->hash);
        assert_true(u256_cmp(&h, &limit) <= 0);
        block_unref(b);
    }
}

static void unknown_networks_are_refused(void **state)
{
    (void)state;
    struct chain_params p;
    assert_false(chain_params_get(&p, OCHRE, "signet"));
    assert_false(chain_params_get(&p, OCHRE, ""));
    assert_true(chain_params_get(&p, BITCOIN, "signet"));
    assert_true(p.offline_only);
}

static void subsidy_halves_and_ends(void **state)
{
    (void)state;
    struct chain_params p;
    assert_true(chain_params_get(&p, OCHRE, "main"));
    assert_int_equal(block_subsidy(&p, 1).v, 625000000);
    assert_int_equal(block_subsidy(&p, 839999).v, 625000000);
    assert_int_equal(block_subsidy(&p, 840000).v, 312500000);
    assert_int_equal(block_subsidy(&p, 840000 * 29).v, 1);
    assert_int_equal(block_subsidy(&p, 840000 * 30).v, 0);
    assert_true(chain_params_get(&p, BITCOIN, "regtest"));
    assert_int_equal(block_subsidy(&p, 149).v, INT64_C(5000000000));
    assert_int_equal(block_subsidy(&p, 150).v, INT64_C(2500000000));
    assert_int_equal(block_subsidy(&p, 150 * 64).v, 0);
}

static void supply_reaches_half_of_max_money(void **state)
{
    (void)state;
    struct chain_params p;
    assert_true(chain_params_get(&p, OCHRE, "main"));
    int64_t sum = 0;
    for (int32_t h = 0; h < 64 * p.halving_interval; h += p.halving_interval)
        sum += block_subsidy(&p, h).v * p.halving_interval;
    assert_true(sum < MAX_MONEY && sum > MAX_MONEY / 2 - MAX_MONEY / 1000);
}

static const struct {
    bool (*apply)(struct chain_params *, const char *, char **);
    const char *spec, *error; /* NULL: accepted */
} specs[] = {
    {chain_params_test_activation, "segwit@10", NULL},
    {chain_params_test_activation, "bip34@0", NULL},
    {chain_params_test_activation, "segwit",
     "Invalid format (segwit) for -testactivationheight=name@height."},
    {chain_params_test_activation, "segwit@",
     "Invalid height value (segwit@) for -testactivationheight=name@height."},
    {chain_params_test_activation, "segwit@-1",
     "Invalid height value (segwit@-1) for -testactivationheight=name@height."},
    {chain_params_test_activation, "segwit@2147483647",
     "Invalid height value (segwit@2147483647) for -testactivationheight=name@height."},
    {chain_params_test_activation, "taproot@1",
     "Invalid name (taproot@1) for -testactivationheight=name@height."},
    {chain_params_vbparams, "testdummy:0:-2", NULL},
    {chain_params_vbparams, "testdummy:0:999:144", NULL},
    {chain_params_vbparams, "testdummy:0",
     "Version bits parameters malformed, expecting "
     "deployment:start:end[:min_activation_height]"},
    {chain_params_vbparams, "testdummy:0:1:2:3",
     "Version bits parameters malformed, expecting "
     "deployment:start:end[:min_activation_height]"},
    {chain_params_vbparams, "testdummy:x:1", "Invalid nStartTime (x)"},
    {chain_params_vbparams, "testdummy:1:", "Invalid nTimeout ()"},
    {chain_params_vbparams, "testdummy:1:1:4294967296",
     "Invalid min_activation_height (4294967296)"},
    {chain_params_vbparams, "nothing:1:1", "Invalid deployment (nothing)"},
};

static void activation_options_are_parsed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct chain_params p;
        char *error = NULL;
        assert_true(chain_params_get(&p, BITCOIN, "regtest"));
        bool ok = specs[i].apply(&p, specs[i].spec, &error);
        assert_int_equal(ok, specs[i].error == NULL);
        if (!ok)
            assert_string_equal(error, specs[i].error);
        free(error);
    }
}

static void activation_options_take_effect(void **state)
{
    (void)state;
    struct chain_params p;
    char *error;
    assert_true(chain_params_get(&p, BITCOIN, "regtest"));
    assert_true(chain_params_test_activation(&p, "segwit@10", &error));
    assert_false(buried_active_at(&p, BURIED_SEGWIT, 9));
    assert_true(buried_active_at(&p, BURIED_SEGWIT, 10));
    assert_true(chain_params_vbparams(&p, "testdummy:5:-1:7", &error));
    assert_int_equal(p.bip9[0].start_time, 5);
    assert_int_equal(p.bip9[0].timeout, -1);
    assert_int_equal(p.bip9[0].min_activation_height, 7);
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct {
    const char *spec;
    int64_t chain_tx; /* 0: refused */
} snapshots[] = {
    {"110:" HASH ":" HASH, 111},
    {"110:" HASH ":" HASH ":334", 334},
    {"110:" HASH ":" HASH ":334:" HASH, 334},
    {"110:" HASH, 0},
    {"110:" HASH ":" HASH ":334:" HASH ":", 0},
    {"110:" HASH ":" HASH ":0", 0},
    {"110:" HASH ":" HASH ":-1", 0},
    {"110:" HASH ":" HASH ":", 0},
    {"110:" HASH ":" HASH ":334:00", 0},
    {"0:" HASH ":" HASH, 0},
    {"-1:" HASH ":" HASH, 0},
    {"2147483647:" HASH ":" HASH, 0},
    {"110:" HASH "0:" HASH, 0},
    {"110::" HASH, 0},
    {"", 0},
};

static void snapshots_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(snapshots); i++) {
        struct chain_params p;
        char *error = NULL;
        assert_true(chain_params_get(&p, BITCOIN, "regtest"));
        assert_int_equal(p.n_assumeutxo, 3);
        bool ok = chain_params_assumeutxo(&p, snapshots[i].spec, &error);
        assert_int_equal(ok, snapshots[i].chain_tx > 0);
        assert_int_equal(error == NULL, ok);
        assert_int_equal(p.n_assumeutxo, ok ? 4 : 3);
        if (ok) {
            const struct assumeutxo *au = &p.assumeutxo[3];
            assert_int_equal(au->height, 110);
            assert_int_equal(au->chain_tx, snapshots[i].chain_tx);
            assert_ptr_equal(assumeutxo_at_block(&p, &au->block), au);
            assert_ptr_equal(assumeutxo_highest(&p), &p.assumeutxo[2]);
            char *heights = assumeutxo_heights(&p);
            assert_string_equal(heights, "110, 200, 299, 110");
            free(heights);
        }
        free(error);
    }
}

static void a_snapshot_with_tickets_names_their_state(void **state)
{
    (void)state;
    struct chain_params p;
    assert_true(chain_params_get(&p, OCHRE, "regtest"));
    assert_int_equal(p.n_assumeutxo, 1);
    assert_int_equal(p.assumeutxo[0].height, 124);
    assert_int_equal(p.assumeutxo[0].state_root.b[0], 0xcc);
    assert_int_equal(p.assumeutxo[0].state_root.b[31], 0xa0);
    assert_true(chain_params_get(&p, BITCOIN, "regtest"));
    assert_true(hash256_is_zero(&p.assumeutxo[0].state_root));
}

static void snapshots_are_for_regtest(void **state)
{
    (void)state;
    struct chain_params p;
    char *error = NULL;
    assert_true(chain_params_get(&p, OCHRE, "main"));
    assert_false(chain_params_assumeutxo(&p, snapshots[0].spec, &error));
    assert_string_equal(error, "-assumeutxo is for regtest only.");
    free(error);
    assert_null(assumeutxo_highest(&p));
    char *heights = assumeutxo_heights(&p);
    assert_string_equal(heights, "");
    free(heights);
    assert_true(chain_params_get(&p, OCHRE, "regtest"));
    for (unsigned i = p.n_assumeutxo; i < ASSUMEUTXO_MAX; i++)
        assert_true(chain_params_assumeutxo(&p, snapshots[0].spec, &error));
    assert_false(chain_params_assumeutxo(&p, snapshots[0].spec, &error));
    free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_blocks_hash_as_stated),
        cmocka_unit_test(unknown_networks_are_refused),
        cmocka_unit_test(subsidy_halves_and_ends),
        cmocka_unit_test(supply_reaches_half_of_max_money),
        cmocka_unit_test(activation_options_are_parsed),
        cmocka_unit_test(activation_options_take_effect),
        cmocka_unit_test(snapshots_are_named),
        cmocka_unit_test(a_snapshot_with_tickets_names_their_state),
        cmocka_unit_test(snapshots_are_for_regtest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
