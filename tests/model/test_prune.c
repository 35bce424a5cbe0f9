/* Which weights are pruned: exactly so many, the smallest, ties by their place in the file.  [mission G11] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "graph/shape.h"
#include "model/edit/prune.h"
#include "plan/store.h"
#include "test.h"

enum { PARTS = 3 };

typedef struct fixture {
    gr_context *ctx;
    gr_store *s;
    gr_prunable part[PARTS];
    int n;
} fixture;

/* A matrix, a convolution's weights, whose order in files is another than in memory, and a vector. */
static fixture begin(const char *backend)
{
    static const struct {
        const char *name;
        gr_shape shape;
        gr_layout layout;
    } specs[PARTS] = {{"a.weight", {2, {7, 9}}, GR_LAYOUT_PLAIN},
                      {"c.weight", {4, {5, 3, 2, 4}}, GR_LAYOUT_CONV},
                      {"v.weight", {1, {13}}, GR_LAYOUT_PLAIN}};
    fixture f = {.ctx = test_context(), .n = PARTS};
    test_ok(f.ctx, gr_store_create(f.ctx, gr_backend_get(backend), &f.s));
    for (int i = 0; i < PARTS; i++) {
        const gr_entry_spec spec = {
            .name = specs[i].name, .shape = specs[i].shape, .role = GR_ROLE_WEIGHT, .layout = specs[i].layout};
        test_ok(f.ctx, gr_store_add(f.s, &spec, NULL));
        test_ok(f.ctx, gr__mask_add(f.s, &spec));
    }
    test_ok(f.ctx, gr_store_seal(f.s));
    for (int i = 0; i < PARTS; i++)
        f.part[i] = (gr_prunable){gr_store_find(f.s, specs[i].name), gr__mask_find(f.s, specs[i].name)};
    return f;
}

static void end(fixture *f)
{
    gr_store_destroy(f->s);
    test_context_end(f->ctx);
}

/* Numbers of which many are equal in size, some 0; whole: few different ones. */
static void fill(fixture *f, uint64_t seed, bool whole)
{
    gr__rng r = gr__rng_make(seed, "weights", 0, 0);
    for (int i = 0; i < PARTS; i++) {
        double w[256], one = 1;
        for (int64_t k = 0; k < f->part[i].weight->count; k++) {
            double x = gr__rng_uniform(&r) * 2 - 1;
            w[k] = whole ? round(x * 4) / 4 : x;
        }
        gr_store_write(f->s, f->part[i].weight, w);
        for (int64_t k = 0; k < f->part[i].mask->count; k++) gr__store_put(f->s, f->part[i].mask, k, 1, 1, &one);
    }
}

/* ---- by sorting ---- */

typedef struct item {
    double size;
    int masked, part;
    int64_t place; /* in the file */
} item;

static int in_order(const void *a, const void *b)
{
    const item *x = a, *y = b;
    if (x->masked != y->masked) return y->masked - x->masked;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    if (x->part != y->part) return x->part - y->part;
    return (x->place > y->place) - (x->place < y->place);
}

static int list_items(const fixture *f, int first, int n, item *items)
{
    int count = 0;
    for (int i = first; i < first + n; i++)
        for (int64_t k = 0; k < f->part[i].weight->count; k++) {
            double w, m;
            int64_t at = gr__offset_in_memory(&f->part[i].weight->spec, k);
            gr__store_get(f->s, f->part[i].weight, at, 1, &w);
            gr__store_get(f->s, f->part[i].mask, at, 1, &m);
            items[count++] = (item){fabs(w), m == 0, i, k};
        }
    return count;
}

static void check(fixture *f, int first, int n, int64_t count)
{
    static item items[512];
    double before[PARTS][256], w, m;
    int total = list_items(f, first, n, items);
    for (int i = 0; i < PARTS; i++) gr_store_read(f->s, f->part[i].weight, before[i]);
    qsort(items, (size_t)total, sizeof *items, in_order);
    gr__prune(f->s, f->part + first, n, count);
    for (int k = 0; k < total; k++) {
        const item *it = &items[k];
        int64_t at = gr__offset_in_memory(&f->part[it->part].weight->spec, it->place);
        gr__store_get(f->s, f->part[it->part].weight, at, 1, &w);
        gr__store_get(f->s, f->part[it->part].mask, at, 1, &m);
        bool pruned = k < count || it->masked;
        assert_true(m == !pruned);
        assert_true(w == (pruned ? 0 : before[it->part][at]));
        assert_false(pruned && signbit(w));
    }
}

static void exactly_the_smallest_go(void **state)
{
    (void)state;
    static const double sparsity[] = {0, 0.01, 0.1, 0.3, 0.5, 0.77, 0.9, 0.999, 1 - 0x1p-53};
    static const char *const backends[] = {"ref", "cpu"};
    for (size_t b = 0; b < GR_COUNT(backends); b++)
        for (uint64_t seed = 0; seed < 6; seed++)
            for (size_t k = 0; k < GR_COUNT(sparsity); k++) {
                fixture f = begin(backends[b]);
                fill(&f, seed, seed % 2);
                for (int i = 0; i < PARTS; i++) {
                    int64_t n = f.part[i].weight->count, count = gr__prune_count(sparsity[k], n);
                    assert_int_equal(count, (int64_t)floor(sparsity[k] * (double)n));
                    check(&f, i, 1, count);
                    assert_int_equal(gr__mask_zeros(f.s, f.part[i].mask), count);
                }
                end(&f);
            }
}

static void all_together_go_by_one_order(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        fixture f = begin("ref");
        fill(&f, seed, seed % 2);
        for (double s = 0; s < 1; s += 0.125) check(&f, 0, PARTS, gr__prune_count(s, 7 * 9 + 5 * 3 * 2 * 4 + 13));
        end(&f);
    }
}

/* What is masked stays masked, though other weights have become 0, and though less is asked for. */
static void masks_only_grow(void **state)
{
    (void)state;
    fixture f = begin("cpu");
    double w[256];
    fill(&f, 3, false);
    check(&f, 0, 1, 20);
    gr_store_read(f.s, f.part[0].weight, w);
    for (int k = 0; k < 63; k++)
        if (k % 2) w[k] = 0;
    gr_store_write(f.s, f.part[0].weight, w);
    check(&f, 0, 1, 10);
    assert_int_equal(gr__mask_zeros(f.s, f.part[0].mask), 20);
    check(&f, 0, 1, 35);
    assert_int_equal(gr__mask_zeros(f.s, f.part[0].mask), 35);
    end(&f);
}

/* Weights that are not numbers are nobody's smallest. */
static void what_is_not_finite_goes_last(void **state)
{
    (void)state;
    fixture f = begin("ref");
    double w[13] = {(double)NAN, -1e300, 3, -(double)INFINITY, 2, 0, -0.0, 5, 1e-320, 7, 8, 9, 10}, m[13];
    gr_store_write(f.s, f.part[2].weight, w);
    gr__prune(f.s, &f.part[2], 1, 11);
    gr_store_read(f.s, f.part[2].mask, m);
    for (int k = 0; k < 13; k++) assert_true(m[k] == (k == 0 || k == 3));
    end(&f);
}

static void shares_follow_the_cube(void **state)
{
    (void)state;
    const gr_prune_rule p = {.on = true, .to = 0.8, .from_step = 10, .to_step = 25, .every = 4};
    int due = 0;
    for (int64_t t = 0; t < 40; t++) {
        bool want = t == 10 || t == 14 || t == 18 || t == 22 || t == 25;
        assert_true(gr__prune_due(&p, t) == want);
        due += want;
    }
    assert_int_equal(due, 5);
    assert_true(gr__prune_share(&p, 10) == 0);
    assert_true(gr__prune_share(&p, 25) == 0.8);
    assert_true(fabs(gr__prune_share(&p, 18) - 0.8 * (1 - 343.0 / 3375)) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_smallest_go), cmocka_unit_test(all_together_go_by_one_order),
        cmocka_unit_test(masks_only_grow),         cmocka_unit_test(what_is_not_finite_goes_last),
        cmocka_unit_test(shares_follow_the_cube),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
