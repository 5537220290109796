/* bip32_vectors.json: every step of every chain, private and public, and the keys to
 * refuse. */
#include "vectors.h"

#include "crypto/bip32.h"
#include "crypto/secp.h"

static const uint8_t xprv[4] = {0x04, 0x88, 0xad, 0xe4};
static const uint8_t xpub[4] = {0x04, 0x88, 0xb2, 0x1e};

static void check_forms(const struct bip32_key *key, const json_t *step)
{
    struct bip32_key back;
    char text[112];
    bip32_format(text, key, xprv, true);
    assert_string_equal(text, str_of(step, "xprv"));
    bip32_format(text, key, xpub, false);
    assert_string_equal(text, str_of(step, "xpub"));
    assert_true(bip32_parse(&back, str_of(step, "xprv"), xprv, xpub));
    assert_memory_equal(back.secret, key->secret, 32);
    assert_true(bip32_parse(&back, str_of(step, "xpub"), xprv, xpub));
    assert_memory_equal(back.pubkey, key->pubkey, 33);
}

static void check_chain(const json_t *vector)
{
    struct buf seed = {0};
    struct bip32_key key, public, from_public;
    const json_t *chain = json_object_get(vector, "chain"), *step;
    size_t i;

    hex_to(&seed, str_of(vector, "seed"));
    assert_true(bip32_from_seed(&key, seed.data, seed.len));
    json_array_foreach(chain, i, step)
    {
        check_forms(&key, step);
        if (i + 1 == json_array_size(chain))
            break;
        uint32_t child =
            (uint32_t)json_integer_value(json_object_get(step, "next_child"));
        bip32_neuter(&public, &key);
        bool derived = bip32_derive(&from_public, &public, child);
        assert_int_equal(derived, !(child & BIP32_HARDENED));
        assert_true(bip32_derive(&key, &key, child));
        if (derived)
            assert_memory_equal(from_public.pubkey, key.pubkey, 33);
    }
    buf_clear(&seed);
}

static void chains(void **state)
{
    json_t *all = load_vectors("bitcoin/bip32_vectors.json"), *v;
    size_t i;
    (void)state;
    json_array_foreach(json_object_get(all, "valid"), i, v)
        check_chain(v);
    assert_int_equal(i, 4);
    json_decref(all);
}

static void invalid_keys(void **state)
{
    json_t *all = load_vectors("bitcoin/bip32_vectors.json"), *v;
    struct bip32_key key;
    size_t i;
    (void)state;
    json_array_foreach(json_object_get(all, "invalid"), i, v)
        assert_false(bip32_parse(&key, json_string_value(v), xprv, xpub));
    assert_int_equal(i, 16);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains),
        cmocka_unit_test(invalid_keys),
    };
    secp_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
