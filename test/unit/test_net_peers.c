/* Who we connect to and who has to go: the address manager, the map of autonomous
 * systems, eviction. */
#include <stdlib.h>
#include <unistd.h>

#include "net/addrman.h"
#include "net/asmap.h"
#include "net/eviction.h"
#include "net/internal.h"
#include "net/netgroups.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"

#include "unit.h"

static struct netaddr addr(const char *text)
{
    struct netaddr a;
    assert_true(netaddr_parse(&a, text, 8333));
    return a;
}

/* -- Autonomous systems --------------------------------------------------- */

/* 11/8: 64500, 12.0/9: 64501, 12.128/9: 64502, 2a00::/12: 4200000 (made by
 * test/functional/framework/asmap.py) */
static const char map_hex[] = "8b4e747f80fd01f607d81f607f80fd01f607d81f607f80fdc1f7ffdf"
                              "ff6319b996f7f32248de2ff27edd5f"
                              "61f803d2f801";
static const char map_version[] =
    "563966f4c5574c4b6779a731a3e33d69b2150b3237a29b8b5c024c8329334b81";

static struct buf unhex(const char *hex)
{
    struct buf b = {0};
    assert_true(hex_decode(&b, hex, strlen(hex)));
    return b;
}

static struct netgroups *mapped(void)
{
    struct buf b = unhex(map_hex);
    assert_true(asmap_valid(buf_view(&b), 128));
    return netgroups_of_map(&b);
}

static void systems_of_addresses(void **state)
{
    static const struct {
        const char *address;
        uint32_t as;
    } cases[] = {
        {"11.0.0.1", 64500},
        {"11.255.255.255", 64500},
        {"12.127.0.1", 64501},
        {"12.128.0.1", 64502},
        {"13.0.0.1", 0},
        {"10.0.0.1", 0},
        {"2a00:1::1", 4200000},
        {"2a10::1", 0},
        {"64:ff9b::b01:203", 64500},
        {"2002:c80:102::", 64502},
    };
    (void)state;
    struct netgroups *g = mapped();
    char version[65];
    assert_string_equal(hash256_to_hex(version, netgroups_version(g)), map_version);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct netaddr a = addr(cases[i].address);
        assert_int_equal(netgroups_as(g, &a), cases[i].as);
    }
    struct netaddr a = addr("11.1.0.1"), b = addr("11.2.0.1"), c = addr("13.1.0.1"),
                   d = addr("13.2.0.1"), e = addr("13.1.9.9");
    assert_true(netgroups_same(g, &a, &b));  /* one system */
    assert_false(netgroups_same(g, &c, &d)); /* none: by prefix */
    assert_true(netgroups_same(g, &c, &e));
    netgroups_free(g);
}

static void default_answers(void **state)
{
    (void)state;
    /* DEFAULT 9; MATCH 10; RETURN 7 */
    struct buf b = unhex("078058010003");
    uint8_t ip[16] = {0x80};
    assert_true(asmap_valid(buf_view(&b), 2));
    assert_int_equal(asmap_lookup(buf_view(&b), ip), 7);
    ip[0] = 0xc0;
    assert_int_equal(asmap_lookup(buf_view(&b), ip), 9);
    assert_false(asmap_valid(buf_view(&b), 1)); /* it takes two bits */
    buf_clear(&b);
}

static void unsound_maps(void **state)
{
    static const struct {
        const char *why, *hex;
    } cases[] = {
        {"nothing", ""},
        {"no answer", "07805801"},
        {"an answer right behind a default", "0780000006"},
        {"two defaults", "07803800f8040006"},
        {"a jump beyond the end", "3dc000c0008003"},
        {"code that nothing leads to", "8900c00080038000"},
        {"a jump into an instruction", "814ab407000e"},
        {"two short matches in a row", "ab09000c"},
        {"padding that is not zero", "00c002"},
        {"an octet of padding", "00c00000"},
        {"136 bits of input", "fb03ec0fb03fc0fe00fb03ec0fb03fc0fe00fb03ec0fb03fc0fe00fb"
                              "03ec0fb03fc0fe00fb0300"
                              "0003"},
        {"crossing jumps", "45970f0000000000000000000000000000000000"},
        {"cut short", "8b4e747f80fd01f607d81f607f80fd01f607d81f607f80fdc1f7ffdfff6319b9"
                      "96f7f32248de2ff2"
                      "7edd5f61f803d2"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = unhex(cases[i].hex);
        if (asmap_valid(buf_view(&b), 128))
            fail_msg("%s", cases[i].why);
        buf_clear(&b);
    }
}

/* -- Address manager ------------------------------------------------------ */

static const struct netgroups *by_prefix(void)
{
    static struct netgroups *groups;
    char *error;
    if (!groups)
        assert_int_equal(netgroups_new(&groups, NULL, &error), ERR_OK);
    return groups;
}

static struct addrman *new_addrman(struct clock *clock)
{
    return addrman_new(&(struct addrman_options){
        .clock = clock, .groups = by_prefix(), .check_ratio = 1, .known_key = true});
}

static void fill(struct addrman *am, int64_t now, unsigned n)
{
    struct netaddr source = addr("9.9.9.9");
    for (unsigned i = 0; i < n; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%u.%u.1.1", 11 + i % 80, i / 80);
        struct netaddr_entry e = {addr(text), 9, now};
        addrman_add(am, &e, 1, &source, 0);
    }
}

static void addresses_move_from_new_to_tried(void **state)
{
    struct clock clock;
    struct netaddr_entry e;
    struct addrman_counts by_net[NET_COUNT];
    int64_t last_try;
    (void)state;
    clock_init(&clock);
    clock_set_mock(&clock, 1700000000);
    struct addrman *am = new_addrman(&clock);
    assert_false(addrman_select(am, false, ~0u, &e, &last_try));
    fill(am, 1700000000, 20);
    struct netaddr a = addr("11.0.1.1");
    assert_true(addrman_good(am, &a));
    assert_false(addrman_good(am, &a)); /* already there */
    addrman_count(am, by_net);
    assert_int_equal(by_net[NET_IPV4].n_tried, 1);
    assert_int_equal(by_net[NET_IPV4].n_tried + by_net[NET_IPV4].n_new,
                     addrman_size(am));
    assert_true(addrman_select(am, false, 1u << NET_IPV4, &e, &last_try));
    assert_false(addrman_select(am, false, 1u << NET_IPV6, &e, &last_try));
    struct netaddr_entry local = {addr("127.0.0.1"), 9, 1700000000};
    assert_false(addrman_add(am, &local, 1, &a, 0));
    addrman_free(am);
}

static void one_source_fills_but_a_part(void **state)
{
    struct clock clock;
    (void)state;
    clock_init(&clock);
    clock_set_mock(&clock, 1700000000);
    struct addrman *am = new_addrman(&clock);
    for (unsigned i = 0; i < 20000; i++) {
        char text[32];
        snprintf(text, sizeof(text), "12.%u.%u.%u", i % 200, i / 200 % 200,
                 i / 40000 + 1);
        struct netaddr_entry e = {addr(text), 9, 1700000000};
        struct netaddr source = addr("9.9.9.9");
        addrman_add(am, &e, 1, &source, 0);
    }
    assert_true(addrman_size(am) <= 64 * 64);
    addrman_free(am);
}

/* A path for peers.dat in a directory made from the template @dir, and a clock that
 * stands still. */
static char *new_peers_dat(struct clock *clock, char *dir)
{
    clock_init(clock);
    clock_set_mock(clock, 1700000000);
    assert_non_null(mkdtemp(dir));
    return path_join(dir, "peers.dat");
}

static void addresses_are_saved(void **state)
{
    struct clock clock;
    char dir[] = "/tmp/ochre-addrman-XXXXXX";
    const char *why;
    (void)state;
    char *path = new_peers_dat(&clock, dir);
    struct addrman *am = new_addrman(&clock), *again;
    fill(am, 1700000000, 200);
    struct netaddr a = addr("11.0.1.1");
    assert_true(addrman_good(am, &a));
    assert_int_equal(addrman_save(am, path), ERR_OK);
    again = new_addrman(&clock);
    assert_int_equal(addrman_load(again, path, &why), ERR_OK);
    assert_int_equal(addrman_size(again), addrman_size(am));
    struct addrman_counts by_net[NET_COUNT];
    addrman_count(again, by_net);
    assert_int_equal(by_net[NET_IPV4].n_tried, 1);
    addrman_free(again);
    struct buf b = {0};
    assert_int_equal(fs_read_file(path, 1 << 20, &b), ERR_OK);
    b.data[100] ^= 1;
    assert_int_equal(fs_write_atomic(path, b.data, b.len, 0600), ERR_OK);
    again = new_addrman(&clock);
    assert_int_equal(addrman_load(again, path, &why), ERR_CORRUPT);
    addrman_free(again);
    addrman_free(am);
    buf_clear(&b);
    free(path);
    assert_int_equal(fs_remove_tree(dir), ERR_OK);
}

/* Two addresses that want one place in tried; the first has it. */
static void make_collision(struct addrman *am, int64_t now, struct netaddr *first,
                           struct netaddr *second)
{
    for (unsigned i = 0;; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%u.%u.1.1", 11 + i % 80, i / 80);
        struct netaddr_entry e = {addr(text), 9, now};
        if (!addrman_add(am, &e, 1, &e.addr, 0) || addrman_good(am, &e.addr))
            continue;
        struct netaddr_entry old;
        int64_t last_try;
        assert_true(addrman_collision(am, &old, &last_try));
        *first = old.addr;
        *second = e.addr;
        return;
    }
}

struct places {
    const struct netaddr *a, *b;
    bool a_tried, b_tried;
};

static void look(void *ctx, const struct addrman_place *p)
{
    struct places *l = ctx;
    if (netaddr_equal(&p->entry.addr, l->a))
        l->a_tried = p->tried;
    if (netaddr_equal(&p->entry.addr, l->b))
        l->b_tried = p->tried;
}

static bool second_won(struct addrman *am, const struct netaddr *a,
                       const struct netaddr *b)
{
    struct places l = {.a = a, .b = b};
    addrman_each(am, look, &l);
    assert_true(l.a_tried != l.b_tried);
    return l.b_tried;
}

static bool waiting(struct addrman *am)
{
    struct netaddr_entry e;
    int64_t last_try;
    return addrman_collision(am, &e, &last_try);
}

static void tried_addresses_are_tested_before_they_go(void **state)
{
    const int64_t start = 1700000000, hour = 3600;
    struct clock clock;
    struct netaddr a, b;
    (void)state;
    clock_init(&clock);
    clock_set_mock(&clock, start);
    struct addrman *am = new_addrman(&clock);

    make_collision(am, start, &a, &b); /* it worked within four hours: it stays */
    addrman_resolve_collisions(am);
    assert_false(waiting(am));
    assert_false(second_won(am, &a, &b));

    clock_set_mock(&clock, start + 5 * hour); /* the test fails: it goes */
    assert_false(addrman_good(am, &b));
    addrman_attempt(am, &a, false);
    addrman_resolve_collisions(am);
    assert_true(waiting(am)); /* it has a minute to answer */
    clock_set_mock(&clock, start + 5 * hour + 61);
    addrman_resolve_collisions(am);
    assert_false(waiting(am));
    assert_true(second_won(am, &a, &b));

    clock_set_mock(&clock, start + 20 * hour); /* nobody tests it for 40 minutes */
    assert_false(addrman_good(am, &a));
    addrman_resolve_collisions(am);
    assert_true(waiting(am));
    clock_set_mock(&clock, start + 20 * hour + 41 * 60);
    addrman_resolve_collisions(am);
    assert_false(waiting(am));
    assert_false(second_won(am, &a, &b));
    addrman_free(am);
}

static void count_place(void *ctx, const struct addrman_place *p)
{
    (void)p;
    ++*(size_t *)ctx;
}

static void places_are_kept_while_the_map_is(void **state)
{
    struct clock clock;
    char dir[] = "/tmp/ochre-addrman-XXXXXX";
    const char *why;
    (void)state;
    char *path = new_peers_dat(&clock, dir);
    struct addrman *am = new_addrman(&clock);
    for (unsigned i = 0; i < 400; i++) { /* many sources: several places for each */
        char text[32];
        snprintf(text, sizeof(text), "%u.%u.1.1", 11 + i % 80, i % 200);
        struct netaddr source = addr(text);
        struct netaddr_entry e = {addr("200.1.2.3"), 9, 1700000000 - 9000 + i};
        addrman_add(am, &e, 1, &source, 0);
    }
    size_t before = 0, after = 0;
    addrman_each(am, count_place, &before);
    assert_true(before > 1);
    assert_int_equal(addrman_save(am, path), ERR_OK);
    addrman_free(am);
    am = new_addrman(&clock);
    assert_int_equal(addrman_load(am, path, &why), ERR_OK);
    addrman_each(am, count_place, &after);
    assert_int_equal(after, before);
    addrman_free(am);
    struct netgroups *g = mapped();
    am = addrman_new(&(struct addrman_options){.clock = &clock, .groups = g});
    assert_int_equal(addrman_load(am, path, &why), ERR_OK);
    after = 0;
    addrman_each(am, count_place, &after);
    assert_int_equal(after, 1); /* another map: its source says where */
    addrman_free(am);
    netgroups_free(g);
    free(path);
    assert_int_equal(fs_remove_tree(dir), ERR_OK);
}

/* -- Eviction ------------------------------------------------------------- */

static void eviction_spares_the_useful(void **state)
{
    static const uint64_t key[2] = {1, 2};
    struct evict_candidate c[60];
    (void)state;
    assert_int_equal(evict_choose(c, 0, key), -1);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
            c[i] = (struct evict_candidate){
                .id = i,
                .connected_s = i,
                .min_ping_us = 1000 + i,
                .network = NET_IPV4,
                .relays_txs = true,
                .n_group = 2,
                /* the last thirty come from one network */
                .group = {1, (uint8_t)(i < 30 ? i : 200)},
                .prefer_evict = round && i == 50,
            };
        }
        int64_t id = evict_choose(c, ARRAY_LEN(c), key);
        assert_int_equal(id,
                         round ? 50 : 59); /* else the youngest of the largest group */
    }
    assert_int_equal(evict_choose(c, 10, key), -1);
}

/* Who would go first: twelve of one group, the youngest of all. Each criterion saves as
 * many of them as it protects. */
#define N_CANDIDATES 60

static void make_candidates(struct evict_candidate *c)
{
    for (unsigned i = 0; i < N_CANDIDATES; i++)
        c[i] = (struct evict_candidate){
            .id = i,
            .connected_s = 1000 - i,
            .min_ping_us = i < 12 ? 900000 : 500000,
            .network = NET_IPV4,
            .relays_txs = true,
            .n_group = 2,
            .group = {1, (uint8_t)(i < 12 ? 0 : i)},
        };
}

static void by_ping(struct evict_candidate *c)
{
    c->min_ping_us = 1000 + c->id;
}

static void by_tx(struct evict_candidate *c)
{
    c->last_tx_s = 5000 + c->id;
}

static void by_block(struct evict_candidate *c)
{
    c->last_block_s = 5000 + c->id;
}

static void by_block_relay(struct evict_candidate *c)
{
    c->last_block_s = 100 + c->id;
    c->relays_txs = false;
    c->relevant_services = true;
}

static void by_age(struct evict_candidate *c)
{
    c->connected_s = 1 + c->id;
}

static void by_onion(struct evict_candidate *c)
{
    c->network = NET_ONION;
}

static void by_local(struct evict_candidate *c)
{
    c->local = true;
}

static void each_criterion_protects(void **state)
{
    static const struct {
        void (*set)(struct evict_candidate *c);
        unsigned saved;
    } cases[] = {
        {by_ping, 8}, {by_tx, 4},    {by_block_relay, 8}, {by_block, 4},
        {by_age, 12}, {by_onion, 8}, {by_local, 8},
    };
    (void)state;
    for (unsigned k = 0; k < 64; k++) { /* keys: other groups are protected */
        const uint64_t key[2] = {k, 7};
        struct evict_candidate c[N_CANDIDATES];
        make_candidates(c);
        int64_t plain = evict_choose(c, N_CANDIDATES, key);
        assert_true(plain >= 0 && plain < 12);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            make_candidates(c);
            for (unsigned n = 0; n < cases[i].saved; n++)
                cases[i].set(&c[n]);
            int64_t id = evict_choose(c, N_CANDIDATES, key);
            assert_true(id >= cases[i].saved);
        }
    }
}

/* A letter for each candidate, the oldest first: c(lear), t(or), i(2p), j (CJDNS),
 * l(ocal). Those of capitals must be protected, and only they. */
static void check_ratio(const char *letters)
{
    size_t n = strlen(letters);
    struct evict_candidate *c = xcalloc(n, sizeof(*c));
    for (size_t i = 0; i < n; i++) {
        char l = (char)(letters[i] | 0x20);
        c[i] = (struct evict_candidate){
            .id = (int64_t)i,
            .connected_s = (int64_t)i,
            .local = l == 'l',
            .network = l == 't'   ? NET_ONION
                       : l == 'i' ? NET_I2P
                       : l == 'j' ? NET_CJDNS
                                  : NET_IPV4,
        };
    }
    size_t left = evict_protect_by_age(c, n);
    char got[64] = {0};
    for (size_t i = 0; i < n; i++)
        got[c[i].id] =
            (char)(i < left ? letters[c[i].id] | 0x20 : letters[c[i].id] & ~0x20);
    assert_string_equal(got, letters);
    free(c);
}

static void slower_networks_have_places(void **state)
{
    static const char *const cases[] = {
        "CCCCCCcccccc", /* half, by age */
        "CCCcccccTTTt", /* half of these places for Tor, its oldest */
        "CCCCccccccTT", /* who has fewer leaves the rest to age */
        "CCCTTccccTcc", /* 3 of Tor, and the 3 oldest of the others */
        "CCCcccccLLLl", /* local ones */
        "CCCcccccIIIi", /* I2P */
        "CCCcccccJJJj", /* CJDNS */
        "CCCcccccTLLt", /* 3 places: one each, the third to the fewer (local) */
        "CCCCCCcccccccccIJLTTTttt", /* 6 places: one each, the others to Tor */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_ratio(cases[i]);
}

static void outgoing_ones_too_many(void **state)
{
    static const struct outbound_candidate block[] = {{.id = 3, .last_block_s = 50},
                                                      {.id = 9, .last_block_s = 20},
                                                      {.id = 5, .last_block_s = 10}};
    (void)state;
    assert_null(evict_block_relay(block, 0));
    assert_int_equal(evict_block_relay(block, 1)->id, 3);
    assert_int_equal(evict_block_relay(block, 2)->id, 9); /* the youngest */
    assert_int_equal(evict_block_relay(block, 3)->id, 5); /* it was of less use */
    static const struct outbound_candidate full[] = {
        {.id = 1, .last_announcement_s = 10, .protected = true},
        {.id = 2, .last_announcement_s = 20},
        {.id = 3, .last_announcement_s = 20},
        {.id = 4, .last_announcement_s = 30}};
    assert_null(evict_full_relay(full, 1));
    assert_int_equal(evict_full_relay(full, 2)->id, 2);
    assert_int_equal(evict_full_relay(full, 4)->id, 3); /* the younger of equals */
}

/* -- Seeds ---------------------------------------------------------------- */

static void fixed_seeds_of_networks_that_lack_addresses(void **state)
{
    static const char *const seeds[] = {
        "11.1.1.1",
        "[2a02::1]:1234",
        "12.1.1.1:99",
        "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    };
    struct clock clock;
    struct chain_params params = {.port = 9933,
                                  .fixed_seeds = {seeds, ARRAY_LEN(seeds)}};
    struct addrman_counts known[NET_COUNT];
    (void)state;
    clock_init(&clock);
    clock_set_mock(&clock, 1700000000);
    struct net *net = xcalloc(1, sizeof(*net));
    net->opt.params = &params;
    net->opt.clock = &clock;
    net->opt.fixed_seeds = true;
    rng_seed(&net->rng, 1);
    net->opt.dns_seed = true; /* it has a minute to be of use; there are none */
    net->reach[NET_IPV4] = net->reach[NET_IPV6] = true;
    net->addrs = new_addrman(&clock);
    struct netaddr_entry e = {addr("2a02::9"), 9, 1700000000};
    assert_true(addrman_add(net->addrs, &e, 1, &e.addr, 0));
    seeds_start(net);
    seeds_tick(net);
    assert_int_equal(addrman_size(net->addrs), 1);
    clock_set_mock(&clock, 1700000061);
    seeds_tick(net);
    addrman_count(net->addrs, known);
    assert_int_equal(known[NET_IPV4].n_new, 2);
    assert_int_equal(known[NET_IPV6].n_new, 1);  /* there was one */
    assert_int_equal(known[NET_ONION].n_new, 0); /* out of reach */
    size_t n;
    struct netaddr_entry *all = addrman_get(net->addrs, 0, 0, NET_IPV4, false, &n);
    for (size_t i = 0; i < n; i++) {
        int64_t age = 1700000061 - all[i].time;
        assert_int_equal(all[i].addr.port, all[i].addr.addr[0] == 12 ? 99 : 9933);
        assert_true(age >= 7 * 86400 && age < 14 * 86400);
    }
    free(all);
    seeds_free(net);
    addrman_free(net->addrs);
    free(net);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(systems_of_addresses),
        cmocka_unit_test(default_answers),
        cmocka_unit_test(unsound_maps),
        cmocka_unit_test(addresses_move_from_new_to_tried),
        cmocka_unit_test(one_source_fills_but_a_part),
        cmocka_unit_test(addresses_are_saved),
        cmocka_unit_test(tried_addresses_are_tested_before_they_go),
        cmocka_unit_test(places_are_kept_while_the_map_is),
        cmocka_unit_test(eviction_spares_the_useful),
        cmocka_unit_test(each_criterion_protects),
        cmocka_unit_test(slower_networks_have_places),
        cmocka_unit_test(outgoing_ones_too_many),
        cmocka_unit_test(fixed_seeds_of_networks_that_lack_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
