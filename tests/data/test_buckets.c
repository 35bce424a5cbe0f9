/* Batches of sequences in buckets: every sample once an epoch, none in a batch too short for it, full ones but for the
 * last; a function of seed, epoch and index alone. */
#include <string.h>

#include "data/data.h"
#include "test.h"

enum { N = 53, T = 6, F = 2, BATCH = 5 };

static float x[N][T][F];
static int32_t y[N][T], length[N];
static uint32_t rows[N];
static gr_context *ctx;

static gr_set set_of(void)
{
    for (int i = 0; i < N; i++) {
        length[i] = 1 + i * 7 % T;
        rows[i] = (uint32_t)i;
        for (int t = 0; t < T; t++) {
            y[i][t] = i + t;
            for (int f = 0; f < F; f++) x[i][t][f] = (float)(i * 100 + t * 10 + f);
        }
    }
    gr_set s = {.n = N, .n_inputs = 1, .n_targets = 1, .n_lengths = 1};
    s.field[0] = (gr_field){.name = "input",
                            .role = GR_FIELD_INPUT,
                            .sample = GR_SHAPE(T, F),
                            .element = GR_EL_F32,
                            .data = x,
                            .length = length,
                            .steps = T};
    s.field[1] = (gr_field){.name = "main",
                            .role = GR_FIELD_TARGET,
                            .kind = GR_TARGET_CLASS,
                            .sample = GR_SHAPE(T),
                            .element = GR_EL_I32,
                            .data = y};
    s.field[2] = (gr_field){.name = "input", .role = GR_FIELD_LENGTH, .element = GR_EL_I32, .data = length};
    return s;
}

static const gr_buckets buckets = {.n = 3, .steps = {2, 3, T}, .input = 0, .targets = 1};

static gr_loader *make(const gr_set *s, const gr_rows *r, gr_shuffle shuffle, bool drop_last, bool background)
{
    gr_loader *l = NULL;
    gr_loader_options o = {.set = s,
                           .rows = r,
                           .batch = BATCH,
                           .drop_last = drop_last,
                           .shuffle = shuffle,
                           .seed = 4,
                           .buckets = &buckets,
                           .real = GR_EL_F32,
                           .background = background};
    o.input[0].as = GR_EL_F32;
    uint64_t before = gr_context_bytes(ctx);
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    assert_int_equal(gr_context_bytes(ctx) - before, gr__loader_bytes(&o));
    return l;
}

static int64_t steps_of(const gr_batch *b)
{
    return b->steps ? b->steps : T;
}

/* What it holds is the set's, cut to its steps. */
static void check_batch(const gr_batch *b)
{
    int64_t steps = steps_of(b);
    const float *in = b->field[0];
    const int32_t *target = b->field[1], *lengths = b->field[gr__length_place(1, 1, 0)];
    assert_null(b->field[2]); /* no weights */
    for (int64_t i = 0; i < b->n; i++) {
        uint32_t row = b->row[i];
        assert_int_equal(lengths[i], length[row]);
        assert_true(length[row] <= steps);
        assert_memory_equal(in + i * steps * F, x[row], (size_t)(steps * F) * sizeof(float));
        assert_memory_equal(target + i * steps, y[row], (size_t)steps * sizeof(int32_t));
    }
}

/* One epoch; gives how many batches were cut. */
static int check_epoch(gr_loader *l, bool drop_last, uint32_t order[N])
{
    bool seen[N] = {false};
    int n = 0, cut = 0;
    for (gr_batch b = {0}; !b.last;) {
        test_ok(ctx, gr__loader_next(l, &b));
        check_batch(&b);
        bool full = b.n == BATCH;
        assert_true(full || (b.last && b.n == N % BATCH && b.steps == 0));
        assert_true(b.steps == 0 || b.steps == 2 || b.steps == 3);
        cut += b.steps != 0;
        for (int64_t i = 0; i < b.n; i++) {
            assert_false(seen[b.row[i]]);
            seen[b.row[i]] = true;
            order[n++] = b.row[i];
        }
    }
    assert_int_equal(n, drop_last ? N / BATCH * BATCH : N);
    return cut;
}

static void every_sample_once_with_room_for_it(void **state)
{
    (void)state;
    gr_set s = set_of();
    gr_rows r = {rows, N};
    static const gr_shuffle ways[] = {GR_SHUFFLE_NONE, GR_SHUFFLE_ONCE, GR_SHUFFLE_EVERY_EPOCH};
    for (size_t w = 0; w < GR_COUNT(ways); w++)
        for (int way = 0; way < 4; way++) {
            gr_loader *l = make(&s, &r, ways[w], way & 1, way & 2);
            uint32_t first[N] = {0}, second[N] = {0};
            /* about a third of the lengths are up to 2, a sixth are 3 */
            assert_true(check_epoch(l, way & 1, first) >= 4);
            check_epoch(l, way & 1, second);
            assert_int_equal(memcmp(first, second, sizeof first) == 0, ways[w] != GR_SHUFFLE_EVERY_EPOCH);
            gr__loader_destroy(l);
        }
}

/* Batches of one bucket do not come one after the other, but with shuffling off from short to long. */
static void buckets_are_mixed_unless_nothing_is(void **state)
{
    (void)state;
    gr_set s = set_of();
    gr_rows r = {rows, N};
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        gr_loader *l = make(&s, &r, shuffled ? GR_SHUFFLE_EVERY_EPOCH : GR_SHUFFLE_NONE, false, false);
        int falls = 0;
        int64_t before = 0;
        for (gr_batch b = {0}; !b.last; before = steps_of(&b)) {
            test_ok(ctx, gr__loader_next(l, &b));
            falls += steps_of(&b) < before;
        }
        assert_int_equal(falls > 0, shuffled);
        gr__loader_destroy(l);
    }
}

static void any_place_can_be_returned_to(void **state)
{
    (void)state;
    gr_set s = set_of();
    gr_rows r = {rows, N};
    for (int background = 0; background < 2; background++) {
        gr_loader *straight = make(&s, &r, GR_SHUFFLE_EVERY_EPOCH, false, false),
                  *jumper = make(&s, &r, GR_SHUFFLE_EVERY_EPOCH, false, background);
        for (int i = 0; i < 3 * (N / BATCH + 1); i++) {
            gr_batch a, b;
            int64_t steps, n = gr__loader_peek(straight, &steps);
            test_ok(ctx, gr__loader_next(straight, &a));
            assert_true(n == a.n && steps == a.steps);
            gr__loader_seek(jumper, 7, i % 11);
            test_ok(ctx, gr__loader_next(jumper, &b));
            gr__loader_seek(jumper, a.epoch, a.index);
            test_ok(ctx, gr__loader_next(jumper, &b));
            assert_true(a.n == b.n && a.steps == b.steps);
            assert_memory_equal(a.row, b.row, (size_t)a.n * sizeof *a.row);
            check_batch(&b);
        }
        gr__loader_destroy(straight);
        gr__loader_destroy(jumper);
    }
}

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_context_end(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_sample_once_with_room_for_it, setup, teardown),
        cmocka_unit_test_setup_teardown(buckets_are_mixed_unless_nothing_is, setup, teardown),
        cmocka_unit_test_setup_teardown(any_place_can_be_returned_to, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
