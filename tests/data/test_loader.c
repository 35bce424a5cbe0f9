/* The loader (D23, D25): pairing, orders, short batches, resuming, the same bits from a thread. */
#include "files.h"

#include "base/file.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>

enum { N = 103, WIDTH = 3 };

static gr_context *ctx;
static float inputs[N * WIDTH];
static int32_t classes[N];
static gr_set set;
static gr_rows rows;
static uint32_t row_numbers[N];

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < WIDTH; k++) inputs[i * WIDTH + k] = (float)(1000 * i + k);
        classes[i] = i + 7;
        row_numbers[i] = (uint32_t)(N - 1 - i);
    }
    set = (gr_set){.n = N, .n_inputs = 1, .n_targets = 1};
    set.field[0] = (gr_field){.sample = GR_SHAPE(WIDTH), .element = GR_EL_F32, .data = inputs};
    set.field[1] = (gr_field){.role = GR_FIELD_TARGET, .kind = GR_TARGET_CLASS, .element = GR_EL_I32, .data = classes};
    rows = (gr_rows){row_numbers, N};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_context_end(ctx);
    return 0;
}

static gr_loader_options options(int64_t batch, gr_shuffle shuffle, bool background)
{
    return (gr_loader_options){.set = &set,
                               .rows = &rows,
                               .batch = batch,
                               .shuffle = shuffle,
                               .seed = 11,
                               .input = {{.as = GR_EL_F32}},
                               .real = GR_EL_F32,
                               .background = background};
}

static gr_loader *make(const gr_loader_options *o)
{
    gr_loader *l = NULL;
    uint64_t before = gr_context_bytes(ctx);
    test_ok(ctx, gr__loader_create(ctx, o, &l));
    assert_int_equal(gr_context_bytes(ctx) - before, gr__loader_bytes(o));
    return l;
}

/* The label follows its sample: all three of row number, inputs and target belong together. */
static void check_pairing(const gr_batch *b)
{
    for (int64_t i = 0; i < b->n; i++) {
        uint32_t row = b->row[i];
        assert_true(row < N);
        for (int k = 0; k < WIDTH; k++)
            assert_true(((const float *)b->field[0])[i * WIDTH + k] == (float)(1000 * row + (uint32_t)k));
        assert_int_equal(((const int32_t *)b->field[1])[i], row + 7);
    }
}

static void epochs_hold_every_row_once(void **state)
{
    (void)state;
    static const int64_t batches[] = {1, 2, 10, 51, 102, 103, 104, 1000};
    for (size_t k = 0; k < GR_COUNT(batches); k++) {
        for (int shuffle = 0; shuffle < 3; shuffle++) {
            for (int background = 0; background < 2; background++) {
                for (int drop = 0; drop < 2; drop++) {
                    gr_loader_options o = options(batches[k], (gr_shuffle)shuffle, background);
                    o.drop_last = drop;
                    gr_loader *l = make(&o);
                    int64_t full = GR_MIN(batches[k], N), per_epoch = drop ? N / full : (N + full - 1) / full;
                    assert_int_equal(gr__loader_batches(&o), per_epoch);
                    for (int epoch = 0; epoch < 3; epoch++) {
                        int seen[N] = {0}, total = 0;
                        for (int64_t i = 0; i < per_epoch; i++) {
                            gr_batch b;
                            test_ok(ctx, gr__loader_next(l, &b));
                            check_pairing(&b);
                            assert_int_equal(b.epoch, epoch);
                            assert_int_equal(b.index, i);
                            assert_int_equal(b.last, i + 1 == per_epoch);
                            assert_int_equal(b.n, GR_MIN(full, N - i * full));
                            for (int64_t r = 0; r < b.n; r++) assert_false(seen[b.row[r]]++);
                            if (shuffle == GR_SHUFFLE_NONE)
                                for (int64_t r = 0; r < b.n; r++) assert_int_equal(b.row[r], rows.row[total + r]);
                            total += (int)b.n;
                        }
                        assert_int_equal(total, drop ? per_epoch * full : N);
                    }
                    gr__loader_destroy(l);
                }
            }
        }
    }
}

/* Rows of `epochs` epochs in the order they come. */
static void order_of(gr_loader *l, int epochs, uint32_t *out)
{
    int at = 0;
    gr_batch b;
    while (at < epochs * N) {
        test_ok(ctx, gr__loader_next(l, &b));
        for (int64_t r = 0; r < b.n; r++) out[at++] = b.row[r];
    }
}

static void shuffling_is_keyed_by_seed_and_epoch(void **state)
{
    (void)state;
    uint32_t a[3 * N], b[3 * N];
    for (int background = 0; background < 2; background++) {
        gr_loader_options o = options(10, GR_SHUFFLE_EVERY_EPOCH, background);
        gr_loader *l = make(&o);
        order_of(l, 3, a);
        gr__loader_destroy(l);
        assert_memory_not_equal(a, a + N, N * 4);
        assert_memory_not_equal(a, rows.row, N * 4);
        o.batch = 7; /* another batch, the same order */
        l = make(&o);
        order_of(l, 3, b);
        gr__loader_destroy(l);
        assert_memory_equal(a, b, sizeof a);
        o.seed = 12;
        l = make(&o);
        order_of(l, 3, b);
        gr__loader_destroy(l);
        assert_memory_not_equal(a, b, N * 4);
        o = options(10, GR_SHUFFLE_ONCE, background);
        l = make(&o);
        order_of(l, 3, b);
        gr__loader_destroy(l);
        assert_memory_equal(b, b + N, N * 4); /* once: the same every epoch */
        assert_memory_equal(b, b + 2 * N, N * 4);
        assert_memory_equal(a, b, N * 4);
    }
}

static void seeking_continues_to_the_same_bits(void **state)
{
    (void)state;
    for (int shuffle = 0; shuffle < 3; shuffle++) {
        for (int background = 0; background < 2; background++) {
            gr_loader_options o = options(10, (gr_shuffle)shuffle, background);
            gr_loader *whole = make(&o), *jumper = make(&o);
            gr_batch a, b;
            for (int i = 0; i < 40; i++) {
                test_ok(ctx, gr__loader_next(whole, &a));
                for (int reads = i % 4; reads > 0; reads--)
                    test_ok(ctx, gr__loader_next(jumper, &b)); /* anywhere else before */
                gr__loader_seek(jumper, a.epoch, a.index);
                test_ok(ctx, gr__loader_next(jumper, &b));
                assert_int_equal(a.n, b.n);
                assert_int_equal(a.epoch, b.epoch);
                assert_int_equal(a.index, b.index);
                assert_memory_equal(a.row, b.row, (size_t)a.n * 4);
                assert_memory_equal(a.field[0], b.field[0], (size_t)a.n * WIDTH * 4);
            }
            gr__loader_seek(jumper, 0, 11 * 2 + 3); /* an index beyond the epoch counts on */
            test_ok(ctx, gr__loader_next(jumper, &b));
            assert_int_equal(b.epoch, 2);
            assert_int_equal(b.index, 3);
            gr__loader_destroy(whole);
            gr__loader_destroy(jumper);
        }
    }
}

static void timing_changes_no_bit(void **state)
{
    (void)state;
    gr_loader_options o = options(8, GR_SHUFFLE_EVERY_EPOCH, true), p = options(8, GR_SHUFFLE_EVERY_EPOCH, false);
    gr_loader *background = make(&o), *foreground = make(&p);
    for (int i = 0; i < 2000; i++) {
        gr_batch a, b;
        if (i % 37 == 0) sched_yield();
        test_ok(ctx, gr__loader_next(background, &a));
        test_ok(ctx, gr__loader_next(foreground, &b));
        check_pairing(&a); /* what is lent is not being overwritten */
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.row, b.row, (size_t)a.n * 4);
        assert_memory_equal(a.field[0], b.field[0], (size_t)a.n * WIDTH * 4);
    }
    gr__loader_destroy(background);
    gr__loader_destroy(foreground);
    for (int i = 0; i < 50; i++) gr__loader_destroy(make(&o)); /* stopped while the first batch is being filled */
}

static void elements_are_converted(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0, 1, 128, 255};
    static const int32_t ints[] = {-5, 0, 70000, 2147483647};
    static const float floats[] = {-1.5f, 0, 1e-40f, 3e38f};
    static const double doubles[] = {-0.1, 0, 1e-40, 3e38};
    static const void *const from[] = {
        [GR_EL_U8] = bytes, [GR_EL_F32] = floats, [GR_EL_F64] = doubles, [GR_EL_I32] = ints};
    uint32_t four[] = {0, 1, 2, 3};
    gr_rows r = {four, 4};
    for (int a = 0; a < 4; a++) {
        for (int b = 0; b < 4; b++) {
            gr_set s = {.n = 4, .n_inputs = 1};
            s.field[0] = (gr_field){.element = (gr_element)a, .data = (void *)(uintptr_t)from[a]};
            gr_loader_options o = {.set = &s, .rows = &r, .batch = 4, .input = {{.as = (gr_element)b}}};
            bool real = a == GR_EL_F32 || a == GR_EL_F64, to_real = b == GR_EL_F32 || b == GR_EL_F64;
            gr_loader *l = NULL;
            gr_status st = gr__loader_create(ctx, &o, &l);
            if ((real && !to_real) || (a == GR_EL_I32 && b == GR_EL_U8)) {
                assert_int_equal(st, GR_E_UNSUPPORTED);
                gr_context_clear_error(ctx);
                continue;
            }
            test_ok(ctx, st);
            gr_batch x;
            test_ok(ctx, gr__loader_next(l, &x));
            assert_null(x.field[1]);
            for (int i = 0; i < 4; i++) {
                double wanted = a == GR_EL_U8    ? bytes[i]
                                : a == GR_EL_I32 ? ints[i]
                                : a == GR_EL_F32 ? (double)floats[i]
                                                 : doubles[i];
                if (b == GR_EL_F32 && a == GR_EL_F64 && i == 2) wanted = 0; /* denormals are flushed, on any thread */
                double got = b == GR_EL_U8    ? ((const uint8_t *)x.field[0])[i]
                             : b == GR_EL_I32 ? ((const int32_t *)x.field[0])[i]
                             : b == GR_EL_F32 ? (double)((const float *)x.field[0])[i]
                                              : ((const double *)x.field[0])[i];
                if (a == GR_EL_F32 && b == GR_EL_F64 && i == 2) wanted = 0;
                assert_true(got == (b == GR_EL_F32 ? (double)(float)wanted : wanted));
            }
            gr__loader_destroy(l);
        }
    }
    /* Values as targets, float or double. */
    static const double targets[] = {0.1, 0.2, 0.3, 0.4};
    gr_set s = {.n = 4, .n_inputs = 1, .n_targets = 1};
    s.field[0] = (gr_field){.element = GR_EL_U8, .data = (void *)(uintptr_t)bytes};
    s.field[1] = (gr_field){
        .role = GR_FIELD_TARGET, .kind = GR_TARGET_VALUE, .element = GR_EL_F64, .data = (void *)(uintptr_t)targets};
    gr_loader_options o = {.set = &s, .rows = &r, .batch = 4, .input = {{.as = GR_EL_U8}}, .real = GR_EL_F32};
    gr_loader *l = make(&o);
    gr_batch x;
    test_ok(ctx, gr__loader_next(l, &x));
    assert_true(((const float *)x.field[1])[3] == 0.4f);
    gr__loader_destroy(l);
    o.real = GR_EL_I32;
    assert_int_equal(gr__loader_create(ctx, &o, &l), GR_E_UNSUPPORTED);
    gr_context_clear_error(ctx);
}

/* ---- several fields ---- */

enum { FIELDS = 6 };

static uint8_t pictures[N * 4];
static double columns[N * 2], prices[N * 3], shares[N];
static int32_t spots[N * 2];

/* Two inputs, of which one is prepared on its way, three targets (a class, a class a position, values) and a weight. */
static void make_many(gr_set *s)
{
    *s = (gr_set){.n = N, .n_inputs = 2, .n_targets = 3, .weighted = true};
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 4; k++) pictures[4 * i + k] = (uint8_t)(i + k);
        for (int k = 0; k < 2; k++) columns[2 * i + k] = 1e9 + i + k, spots[2 * i + k] = i % (3 + k);
        for (int k = 0; k < 3; k++) prices[3 * i + k] = i + k / 8.;
        shares[i] = i / 4.;
    }
    s->field[0] = (gr_field){.name = "image", .sample = GR_SHAPE(2, 2), .element = GR_EL_U8, .data = pictures};
    s->field[1] = (gr_field){.name = "table", .sample = GR_SHAPE(2), .element = GR_EL_F64, .data = columns};
    s->field[2] = (gr_field){.role = GR_FIELD_TARGET, .kind = GR_TARGET_CLASS, .element = GR_EL_I32, .data = classes};
    s->field[3] = s->field[2], s->field[3].sample = GR_SHAPE(2), s->field[3].data = spots;
    s->field[4] = (gr_field){
        .role = GR_FIELD_TARGET, .kind = GR_TARGET_VALUE, .sample = GR_SHAPE(3), .element = GR_EL_F64, .data = prices};
    s->field[5] = (gr_field){.role = GR_FIELD_WEIGHT, .element = GR_EL_F64, .data = shares};
}

static void check_many(const gr_batch *b)
{
    const uint8_t *image = b->field[0];
    const float *table = b->field[1], *price = b->field[4], *weight = b->field[5];
    const int32_t *class_ = b->field[2], *spot = b->field[3];
    for (int64_t i = 0; i < b->n; i++) {
        int row = (int)b->row[i];
        for (int k = 0; k < 4; k++) assert_int_equal(image[4 * i + k], (row + k) & 255);
        for (int k = 0; k < 2; k++) assert_true(table[2 * i + k] == (float)(row + k) / 2);
        for (int k = 0; k < 2; k++) assert_int_equal(spot[2 * i + k], row % (3 + k));
        for (int k = 0; k < 3; k++) assert_true(price[3 * i + k] == (float)row + (float)k / 8);
        assert_int_equal(class_[i], row + 7);
        assert_true(weight[i] == (float)row / 4);
    }
}

/* Every field of a row belongs together, the last short batch too; a thread, or workers, change no bit. A
 * batch counts the numbers of its rows, and the order of an epoch counts once. */
static void all_fields_are_delivered(void **state)
{
    (void)state;
    gr_set s;
    gr__bump *memory = gr__bump_create(ctx);
    gr_prepared *step;
    int steps;
    test_ok(ctx, gr__prepare_parse(ctx, memory, gr__tree_flow(memory, "[{type: standardize, sub: [1e9], mul: [0.5]}]"),
                                   &step, &steps));
    make_many(&s);
    gr_loader_options o = options(10, GR_SHUFFLE_EVERY_EPOCH, false);
    o.set = &s;
    o.input[0].as = GR_EL_U8;
    test_ok(ctx, gr__delivery_of(ctx, GR_EL_F64, GR_EL_F32, step, 1, GR_SHAPE(2), &o.input[1]));
    for (int background = 0; background < 2; background++) {
        o.background = background;
        assert_int_equal(gr__loader_bytes(&o),
                         (1 + background) * (64 + 128 + 64 + 128 + 128 + 64 + 64) + (N * 4 + 63) / 64 * 64);
        gr_loader *l = make(&o);
        for (int i = 0; i < 23; i++) {
            gr_batch b;
            test_ok(ctx, gr__loader_next(l, &b));
            assert_int_equal(b.n, b.index == 10 ? 3 : 10);
            check_many(&b);
            for (int k = 0; k < GR_MAX_FIELDS; k++) assert_int_equal(b.field[k] != NULL, k < FIELDS);
        }
        gr__loader_destroy(l);
    }
    gr__bump_destroy(memory);
}

/* Gathered to where they are wanted, or not at all. */
static void fields_go_where_they_are_wanted(void **state)
{
    (void)state;
    gr_set s;
    static float price[30], weight[10];
    void *to[GR_MAX_FIELDS] = {[4] = price, [5] = weight};
    make_many(&s);
    gr_loader_options o = options(10, GR_SHUFFLE_NONE, false);
    o.set = &s;
    o.input[0].as = GR_EL_U8;
    o.input[1].as = GR_EL_F32;
    gr_loader *l = make(&o);
    for (int i = 0; i < 11; i++) {
        gr_batch b;
        int64_t steps;
        assert_int_equal(gr__loader_peek(l, &steps), i == 10 ? 3 : 10);
        test_ok(ctx, gr__loader_next_into(l, to, &b));
        for (int k = 0; k < GR_MAX_FIELDS; k++) assert_ptr_equal(b.field[k], to[k]);
        for (int64_t k = 0; k < b.n; k++) assert_true(price[3 * k] == (float)b.row[k] && weight[k] == b.row[k] / 4.f);
    }
    gr__loader_destroy(l);
}

/* Batches that are worth sharing: with any number of workers the same bits. */
static void workers_change_no_bit(void **state)
{
    (void)state;
    enum { WIDE = 20000 };
    static float wide[N * WIDE];
    static uint32_t crc[4][6];
    for (int i = 0; i < N * WIDE; i++) wide[i] = (float)(i % 1013);
    for (int threads = 1; threads <= 4; threads++) {
        gr_context *many;
        gr_set s;
        gr_loader *l = NULL;
        make_many(&s);
        s.field[1] = (gr_field){.sample = GR_SHAPE(WIDE), .element = GR_EL_F32, .data = wide};
        assert_int_equal(gr_context_create(&(gr_context_options){.threads = threads}, &many), GR_OK);
        gr_loader_options o = options(40, GR_SHUFFLE_EVERY_EPOCH, false);
        o.set = &s;
        o.input[0].as = GR_EL_U8;
        o.input[1].as = GR_EL_F32;
        test_ok(many, gr__loader_create(many, &o, &l));
        for (int i = 0; i < 6; i++) {
            static const size_t bytes[FIELDS] = {4, 4 * WIDE, 4, 8, 12, 4};
            gr_batch b;
            test_ok(many, gr__loader_next(l, &b));
            uint32_t *sum = &crc[threads - 1][i];
            for (int k = 0; k < FIELDS; k++) *sum = gr__crc32(*sum, b.field[k], bytes[k] * (size_t)b.n);
        }
        gr__loader_destroy(l);
        test_context_end(many);
        assert_memory_equal(crc[0], crc[threads - 1], sizeof crc[0]);
    }
    assert_int_not_equal(crc[0][0], crc[0][1]);
}

static void impossible_loaders_are_refused(void **state)
{
    (void)state;
    gr_loader *l;
    gr_loader_options o = options(0, GR_SHUFFLE_NONE, true);
    assert_int_equal(gr__loader_create(ctx, &o, &l), GR_E_RANGE);
    gr_context_clear_error(ctx);
    o.batch = 10;
    gr_rows none = {row_numbers, 0};
    o.rows = &none;
    assert_int_equal(gr__loader_create(ctx, &o, &l), GR_E_DATA);
    gr_context_clear_error(ctx);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    for (int background = 0; background < 2; background++) {
        for (uint64_t k = 1;; k++) {
            gr_loader *l = NULL;
            gr_loader_options o = options(10, GR_SHUFFLE_ONCE, background);
            uint64_t before = gr__bookkeeping_bytes(ctx);
            gr__fail_acquisition(ctx, k);
            gr_status st = gr__loader_create(ctx, &o, &l);
            uint64_t used = gr__acquisitions(ctx);
            gr__fail_acquisition(ctx, 0);
            if (st == GR_OK) {
                gr_batch b;
                for (int i = 0; i < 30; i++) test_ok(ctx, gr__loader_next(l, &b));
                assert_int_equal(gr__acquisitions(ctx), used); /* batches allocate nothing */
                gr__loader_destroy(l);
                break;
            }
            assert_int_equal(st, GR_E_MEMORY);
            assert_int_equal(gr_context_bytes(ctx), 0);
            assert_int_equal(gr__bookkeeping_bytes(ctx), before);
            gr_context_clear_error(ctx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(epochs_hold_every_row_once, setup, teardown),           /* D23 */
        cmocka_unit_test_setup_teardown(shuffling_is_keyed_by_seed_and_epoch, setup, teardown), /* D25 */
        cmocka_unit_test_setup_teardown(seeking_continues_to_the_same_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(timing_changes_no_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(elements_are_converted, setup, teardown),
        cmocka_unit_test_setup_teardown(all_fields_are_delivered, setup, teardown),
        cmocka_unit_test_setup_teardown(fields_go_where_they_are_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(workers_change_no_bit, setup, teardown),
        cmocka_unit_test_setup_teardown(impossible_loaders_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
