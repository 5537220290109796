/* Descriptors of a wallet: defaults, key pool, imports, the index, keys. */
#include "wallet_file_fixture.h"

#include "wallet/addressbook.h"

/* BIP 84's vectors for FIXTURE_WORDS use coin type 0; these are of coin type 1. */
static const char first_bech32[] = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk";

static const char *text_of(const struct wallet_fixture *f, const struct destination *d)
{
    static char address[ADDRESS_MAX];
    return address_encode(address, &f->params, d);
}

static struct destination next(struct wallet_fixture *f, enum output_type type,
                               bool internal)
{
    struct destination d;
    struct wallet_error e = {0};
    assert_true(spkman_new_address(f->w->spkman, type, internal, &d, &e));
    return d;
}

static bool is_mine(struct wallet_fixture *f, const struct destination *d,
                    struct spk_place *at)
{
    struct buf script = {0};
    destination_to_script(&script, d);
    bool mine = spkman_find(f->w->spkman, buf_view(&script), at);
    buf_clear(&script);
    return mine;
}

static bool import(struct wallet_fixture *f, const char *text,
                   const struct spkman_import *how, struct wallet_error *e)
{
    struct descriptor_list list;
    struct keystore keys;
    char *error = NULL;
    keystore_init(&keys);
    assert_true(descriptor_parse(&list, &f->params, &keys, text, false, &error));
    struct spkman_import it = *how;
    it.take_desc = list.items[0];
    it.keys = &keys;
    if (it.range_end == 0)
        it.range_end = 1;
    free(list.items);
    bool ok = spkman_import(f->w->spkman, &it, 1, e);
    keystore_clear(&keys);
    return ok;
}

static void defaults(void **st)
{
    struct wallet_fixture *f = *st;
    struct spkman *m = f->w->spkman;
    assert_int_equal(spkman_count(m), 2 * N_OUTPUT_TYPES);
    for (int t = 0; t < N_OUTPUT_TYPES; t++)
        for (int internal = 0; internal < 2; internal++)
            assert_non_null(spkman_active(m, (enum output_type)t, internal));
    assert_int_equal(spkman_n_scripts(m), 2 * N_OUTPUT_TYPES * 5);
    assert_int_equal(spkman_keypool_size(m, false), N_OUTPUT_TYPES * 5);
    struct destination d = next(f, OUTPUT_BECH32, false);
    assert_string_equal(text_of(f, &d), first_bech32);
}

static void addresses_survive(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination d[12];
    struct spk_place at;
    for (int i = 0; i < 12; i++)
        d[i] = next(f, OUTPUT_BECH32M, true);
    fixture_reopen(f);
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(is_mine(f, &d[i], &at));
        assert_int_equal(at.pos, i);
        assert_int_equal(at.desc->type, OUTPUT_BECH32M);
    }
    struct destination more = next(f, OUTPUT_BECH32M, true);
    assert_false(destination_equal(&more, &d[11]));
    assert_int_equal(spkman_active(f->w->spkman, OUTPUT_BECH32M, true)->next_index, 13);
}

static void peek_takes_nothing(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination a, b;
    struct wallet_error e = {0};
    struct spkman *m = f->w->spkman;
    assert_true(spkman_peek_address(m, OUTPUT_BECH32, true, &a, &e));
    assert_true(spkman_peek_address(m, OUTPUT_BECH32, true, &b, &e));
    assert_true(destination_equal(&a, &b));
    assert_true(spkman_take(m, &a, &e));
    assert_true(spkman_take(m, &a, &e)); /* a second time is none */
    assert_true(spkman_peek_address(m, OUTPUT_BECH32, true, &b, &e));
    assert_false(destination_equal(&a, &b));
}

static void use_moves_the_pool(void **st)
{
    struct wallet_fixture *f = *st;
    struct spkman *m = f->w->spkman;
    const struct wallet_desc *d = spkman_active(m, OUTPUT_BECH32, false);
    struct script_list s;
    bool moved;
    assert_true(
        descriptor_expand_cached(d->desc, &f->params, 3, NULL, &d->cache, &s, NULL));
    assert_int_equal(spkman_mark_used(m, buf_view(&s.items[0]), &moved), ERR_OK);
    assert_true(moved);
    assert_int_equal(d->next_index, 4);
    assert_int_equal(d->range_end, 9);
    assert_int_equal(addressbook_count(f->w->book), 4); /* skipped ones are ours */
    assert_int_equal(spkman_mark_used(m, buf_view(&s.items[0]), &moved), ERR_OK);
    assert_false(moved);
    assert_int_equal(d->next_index, 4);
    script_list_clear(&s);
}

#define KEY "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

static void the_same_script_twice(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    const struct spkman_import how = {.created = 1};
    struct spk_place at[4];
    struct buf script = {0};
    struct destination d;
    assert_true(import(f, "wpkh(" KEY ")", &how, &e));
    assert_true(import(f, "combo(" KEY ")", &how, &e));
    assert_true(address_decode(&d, &f->params,
                               "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", NULL));
    destination_to_script(&script, &d);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(spkman_find_all(f->w->spkman, buf_view(&script), at, 4), 2);
        assert_ptr_not_equal(at[0].desc, at[1].desc);
        fixture_reopen(f);
    }
    buf_clear(&script);
}

static void imports_update(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    static const char text[] =
        "wpkh(tpubD6NzVbkrYhZ4YNXVQbNhMK1WqguFsUXceaVJKbmno2aZ3B6QfbMeraaYvnBSGpV3vxLyT"
        "TK9DYT1yoEck4XUScMzXoQ2U2oSmE2JyMedq3H/0/*)";
    struct spkman_import how = {
        .created = 100, .range_start = 10, .range_end = 20, .next_index = 10};
    assert_true(import(f, text, &how, &e));
    const struct wallet_desc *d =
        spkman_at(f->w->spkman, spkman_count(f->w->spkman) - 1);
    assert_false(d->active[0] || d->active[1] || d->has_private);
    how = (struct spkman_import){.range_start = 11, .range_end = 30, .next_index = 11};
    assert_false(import(f, text, &how, &e));
    assert_int_equal(e.code, WALLET_INVALID_PARAMETER);
    assert_string_equal(e.text, "new range must include current range = [10,19]");
    wallet_error_clear(&e);
    how = (struct spkman_import){.created = 50,
                                 .range_start = 5,
                                 .range_end = 300,
                                 .next_index = 7,
                                 .active = true};
    assert_true(import(f, text, &how, &e));
    assert_ptr_equal(spkman_active(f->w->spkman, OUTPUT_BECH32, false), d);
    assert_int_equal(d->created, 50);
    assert_int_equal(spkman_n_scripts(f->w->spkman), 40 + 295);
    fixture_reopen(f);
    assert_int_equal(spkman_n_scripts(f->w->spkman), 40 + 295);
}

static void a_hardened_range_needs_its_key(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    const struct spkman_import how = {.range_end = 3};
    assert_false(import(f,
                        "pkh(tpubD6NzVbkrYhZ4YNXVQbNhMK1WqguFsUXceaVJKbmno2aZ3B6QfbMera"
                        "aYvnBSGpV3vxLyTTK9DYT1yoEck4XUScMzXoQ2U2oSmE2JyMedq3H/*h)",
                        &how, &e));
    assert_non_null(strstr(e.text, "hardened derivations"));
    wallet_error_clear(&e);
    assert_int_equal(spkman_count(f->w->spkman), 8);
}

static void keys_and_encryption(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination d = next(f, OUTPUT_BECH32, false);
    struct buf script = {0};
    struct keystore k;
    struct wallet_error e = {0};
    char *words;
    destination_to_script(&script, &d);
    keystore_init(&k);
    assert_true(spkman_keystore(f->w->spkman, buf_view(&script), true, &k));
    const struct key_entry *key = keystore_find_key(&k, d.data);
    assert_true(key != NULL && key->has_secret && key->has_origin);
    keystore_clear(&k);
    wallet_lock(f->w);
    assert_true(wallet_encrypt(f->w, bytes_of("pass", 4), &words, &e));
    wallet_unlock(f->w);
    secret_free(words);
    for (int round = 0; round < 2; round++) {
        assert_true(crypt_locked(f->w->crypt));
        assert_false(spkman_keystore(f->w->spkman, buf_view(&script), true, &k));
        keystore_clear(&k);
        assert_true(spkman_keystore(f->w->spkman, buf_view(&script), false, &k));
        keystore_clear(&k);
        assert_int_equal(crypt_unlock(f->w->crypt, bytes_of("Pass", 4)), ERR_AUTH);
        assert_int_equal(crypt_unlock(f->w->crypt, bytes_of("pass", 4)), ERR_OK);
        assert_int_equal(spkman_check_keys(f->w->spkman), ERR_OK);
        assert_true(spkman_keystore(f->w->spkman, buf_view(&script), true, &k));
        keystore_clear(&k);
        fixture_reopen(f);
    }
    assert_int_equal(spkman_count(f->w->spkman), 16); /* new keys came with it */
    buf_clear(&script);
}

static void a_changed_key_is_noticed(void **st)
{
    struct wallet_fixture *f = *st;
    struct wallet_error e = {0};
    char *words;
    wallet_lock(f->w);
    assert_true(wallet_encrypt(f->w, bytes_of("pass", 4), &words, &e));
    wallet_unlock(f->w);
    secret_free(words);
    assert_int_equal(sqlite_exec(store_db(f->w->store),
                                 "UPDATE private_key SET secret = zeroblob(72)"),
                     ERR_OK);
    assert_int_equal(crypt_unlock(f->w->crypt, bytes_of("pass", 4)), ERR_OK);
    assert_int_equal(spkman_check_keys(f->w->spkman), ERR_CORRUPT);
}

static void lost_scripts_are_derived_again(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination d = next(f, OUTPUT_LEGACY, false);
    assert_int_equal(sqlite_exec(store_db(f->w->store),
                                 "DELETE FROM script WHERE descriptor % 2 = 1"),
                     ERR_OK);
    fixture_reopen(f);
    assert_int_equal(spkman_n_scripts(f->w->spkman), 40);
    assert_true(is_mine(f, &d, NULL));
    fixture_reopen(f);
    assert_true(is_mine(f, &d, NULL));
}

static bool count_script(void *ctx, struct bytes script)
{
    (void)script;
    ++*(size_t *)ctx;
    return true;
}

static void each_script(void **st)
{
    struct wallet_fixture *f = *st;
    size_t n = 0;
    assert_int_equal(spkman_each_script(f->w->spkman, count_script, &n), ERR_OK);
    assert_int_equal(n, 40);
}

static void keys_by_public_key(void **st)
{
    struct wallet_fixture *f = *st;
    struct destination d = next(f, OUTPUT_P2SH_SEGWIT, false);
    struct buf script = {0};
    struct keystore known, found;
    destination_to_script(&script, &d);
    keystore_init(&known);
    keystore_init(&found);
    assert_true(spkman_keystore(f->w->spkman, buf_view(&script), false, &known));
    const struct key_entry *k = NULL;
    for (size_t i = 0; i < known.n_keys; i++)
        if (known.keys[i].has_origin && known.keys[i].origin.n_path == 5)
            k = &known.keys[i];
    assert_non_null(k);
    spkman_keystore_for_pubkey(f->w->spkman, bytes_of(k->pubkey, 33), NULL, true,
                               &found);
    assert_true(found.n_keys > 0);
    keystore_clear(&known);
    keystore_clear(&found);
    buf_clear(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WALLET_TEST(defaults),
        WALLET_TEST(addresses_survive),
        WALLET_TEST(peek_takes_nothing),
        WALLET_TEST(use_moves_the_pool),
        WALLET_TEST(the_same_script_twice),
        WALLET_TEST(imports_update),
        WALLET_TEST(a_hardened_range_needs_its_key),
        WALLET_TEST(keys_and_encryption),
        WALLET_TEST(a_changed_key_is_noticed),
        WALLET_TEST(lost_scripts_are_derived_again),
        WALLET_TEST(each_script),
        WALLET_TEST(keys_by_public_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
