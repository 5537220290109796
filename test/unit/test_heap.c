/* Heaps against a list that is searched from end to end. */
#include "util/heap.h"

#include "unit.h"
#include "util/rand.h"

#define MOST 300

struct thing {
    uint32_t key;
    size_t pos; /* in the heap of pointers; SIZE_MAX: not there */
};

static bool lower(const void *x, const void *y)
{
    const struct thing *a = *(struct thing *const *)x, *b = *(struct thing *const *)y;
    return a->key < b->key;
}

static void on_moved(void *item, size_t pos)
{
    (*(struct thing **)item)->pos = pos;
}

static const struct heap_kind pointers = {sizeof(struct thing *), lower, on_moved};

static struct thing *thing_at(const struct heap *h, size_t pos)
{
    return *(struct thing **)heap_at(h, &pointers, pos);
}

static uint32_t lowest(const struct thing *things)
{
    uint32_t key = UINT32_MAX;
    for (size_t i = 0; i < MOST; i++)
        if (things[i].pos != SIZE_MAX && things[i].key < key)
            key = things[i].key;
    return key;
}

static void check(const struct heap *h, const struct thing *things)
{
    size_t n = 0;
    for (size_t i = 0; i < MOST; i++)
        if (things[i].pos != SIZE_MAX) {
            assert_ptr_equal(thing_at(h, things[i].pos), &things[i]);
            n++;
        }
    assert_int_equal(h->n, n);
    assert_true(heap_is_ordered(h, &pointers));
    if (n)
        assert_int_equal(thing_at(h, 0)->key, lowest(things));
}

static void step(struct heap *h, struct thing *t, struct rng *r)
{
    if (t->pos == SIZE_MAX) {
        t->key = (uint32_t)rng_below(r, 100);
        heap_add(h, &pointers, &t);
    } else if (rng_below(r, 2)) {
        t->key = (uint32_t)rng_below(r, 100);
        heap_fix(h, &pointers, t->pos);
    } else {
        heap_del(h, &pointers, t->pos);
        t->pos = SIZE_MAX;
    }
}

/* Items come, change and go in any order; each knows where it is. */
static void items_know_their_places(void **state)
{
    struct thing things[MOST];
    struct heap h = {0};
    struct rng r;
    (void)state;
    rng_seed(&r, 3);
    for (size_t i = 0; i < MOST; i++)
        things[i].pos = SIZE_MAX;
    for (int i = 0; i < 5000; i++) {
        step(&h, &things[rng_below(&r, i < 50 ? 3 : MOST)], &r);
        check(&h, things);
    }
    while (h.n) {
        struct thing *t = thing_at(&h, 0);
        heap_del(&h, &pointers, 0);
        t->pos = SIZE_MAX;
        check(&h, things);
    }
    heap_clear(&h);
}

/* Values of an odd size that nobody needs to find again. */
struct pair {
    uint32_t key;
    char rest[13];
};

static bool higher(const void *x, const void *y)
{
    const struct pair *a = x, *b = y;
    return a->key > b->key;
}

static const struct heap_kind values = {sizeof(struct pair), higher, NULL};

static void take_all(struct heap *h, size_t n)
{
    uint32_t last = UINT32_MAX;
    assert_int_equal(h->n, n);
    for (; h->n; heap_del(h, &values, 0)) {
        const struct pair *p = heap_at(h, &values, 0);
        assert_true(p->key <= last);
        assert_int_equal(p->rest[12], (char)p->key);
        last = p->key;
    }
}

static void values_come_out_in_order(void **state)
{
    struct heap h = {0};
    struct rng r;
    (void)state;
    rng_seed(&r, 4);
    for (size_t n = 0; n < 70; n++) {
        for (int built = 0; built < 2; built++) {
            for (size_t i = 0; i < n; i++) {
                struct pair p = {(uint32_t)rng_below(&r, 50), {0}};
                p.rest[12] = (char)p.key;
                if (built)
                    heap_append(&h, &values, &p);
                else
                    heap_add(&h, &values, &p);
            }
            if (built)
                heap_build(&h, &values);
            assert_true(heap_is_ordered(&h, &values));
            take_all(&h, n);
        }
    }
    heap_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_know_their_places),
        cmocka_unit_test(values_come_out_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
