/* Version bits of soft forks that we do not know. */
#include "chain/rules/unknown_rules.h"
#include "unit.h"
#include "util/err.h"

#define BIT 27
#define SIGNAL ((int32_t)(VERSIONBITS_TOP_BITS | UINT32_C(1) << BIT))
#define PLAIN ((int32_t)VERSIONBITS_TOP_BITS)

/* A chain of regtest windows of 144 blocks; in window i the first signals[i] blocks signal. */
static struct block_index *build(const int *signals, int windows, int32_t version)
{
    static struct block_index chain[144 * 8];
    memset(chain, 0, sizeof(chain));
    for (int h = 0; h < windows * 144; h++) {
        struct block_header header = {.version = PLAIN, .time = 1000 + (uint32_t)h,
                                      .bits = 0x207fffff};
        struct hash256 hash = {{(uint8_t)h, (uint8_t)(h >> 8), 1}};
        if (h % 144 < signals[h / 144])
            header.version = version;
        block_index_init(&chain[h], &header, &hash, h > 0 ? &chain[h - 1] : NULL);
    }
    return &chain[windows * 144 - 1];
}

static void unknown_bits_warn_a_window_after_the_threshold(void **state)
{
    (void)state;
    static const struct {
        int signals[4];
        int windows;
        int32_t version;
        bool active, added;
    } cases[] = {
        {{0, 0, 0, 0}, 4, SIGNAL, false, false},
        {{0, 107, 0, 0}, 3, SIGNAL, false, false},
        {{0, 108, 0, 0}, 2, SIGNAL, false, false}, /* locked in only */
        {{0, 108, 0, 0}, 3, SIGNAL, true, true},
        {{0, 144, 0, 0}, 4, SIGNAL, true, false}, /* found by the search alone */
        {{0, 144, 0, 0}, 3, 1 << BIT, false, false}, /* no top bits: an old version */
        {{0, 144, 0, 0}, 3, PLAIN | 1 << 28, false, false}, /* testdummy is ours */
    };
    struct chain_params p;
    assert_true(chain_params_get(&p, BITCOIN, "regtest"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct block_index *tip =
            build(cases[i].signals, cases[i].windows, cases[i].version);
        uint32_t want = UINT32_C(1) << BIT;
        assert_int_equal(unknown_rules_active(&p, tip), cases[i].active ? want : 0);
        assert_int_equal(unknown_rules_added(&p, tip), cases[i].added ? want : 0);
        assert_int_equal(unknown_rules_added(&p, tip->prev), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_bits_warn_a_window_after_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
