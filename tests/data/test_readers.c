/* Samples that come one by one: read, held, changed on the way; the same bits from any number of threads, after a seek,
 * in every form a loader has; and what cannot be read is told, whoever comes upon it. */
#include "files.h"

#include "base/file.h"
#include "data/loader.h"

enum { N = 203, WIDTH = 5, SCRATCH = 192 };

static gr_context *ctx;
static gr_set set;
static gr_rows rows;
static uint32_t row_numbers[N];
static int32_t classes[N], lengths[N];
static int64_t bad_row; /* that and every tenth behind it cannot be read; -1: all can */
static int closed;

static float number_of(int64_t row, int k)
{
    return (float)(row * 10 + k) + 0.25f;
}

/* Uses its scratch to the last byte, as a decoder would. */
static gr_status read_sample(gr_context *c, const gr_reader *r, int64_t row, void *scratch, void *out)
{
    assert_true(r->scratch == SCRATCH);
    if (bad_row >= 0 && row >= bad_row && (row - bad_row) % 10 == 0)
        return gr__fail(c, GR_E_FORMAT, "sample %lld is damaged", (long long)row);
    memset(scratch, (int)row, SCRATCH);
    float *x = out;
    for (int k = 0; k < WIDTH; k++) x[k] = number_of(row, k);
    for (int i = 0; i < SCRATCH; i++) assert_int_equal(((unsigned char *)scratch)[i], (unsigned char)row);
    return GR_OK;
}

static void close_reader(gr_context *c, gr_reader *r)
{
    closed++;
    gr__free(c, r, sizeof *r);
}

static void give_reader(void)
{
    gr_reader *r = gr__alloc(ctx, sizeof *r);
    assert_non_null(r);
    *r = (gr_reader){read_sample, close_reader, SCRATCH};
    set.field[0] = (gr_field){.name = "x", .sample = GR_SHAPE(WIDTH, 1), .element = GR_EL_F32, .reader = r};
}

static int setup(void **state)
{
    (void)state;
    ctx = test_context();
    bad_row = -1;
    closed = 0;
    for (int i = 0; i < N; i++) {
        classes[i] = i % 7;
        lengths[i] = 1 + i % WIDTH;
        row_numbers[i] = (uint32_t)(N - 1 - i);
    }
    set = (gr_set){.n = N, .n_inputs = 1, .n_targets = 1};
    set.field[1] = (gr_field){
        .name = "y", .role = GR_FIELD_TARGET, .kind = GR_TARGET_CLASS, .element = GR_EL_I32, .data = classes};
    give_reader();
    rows = (gr_rows){row_numbers, N};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (set.field[0].reader) set.field[0].reader->close(ctx, set.field[0].reader);
    assert_int_equal(closed, 1);
    test_context_end(ctx);
    return 0;
}

/* ---- what changes samples ---- */

/* Adds a draw to every number that counts, and shortens sequences. */
static void shake(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const double *by = state;
    memset(s->scratch, 1, 100);
    float add = (float)(gr__rng_uniform(r) * *by);
    for (int64_t k = 0; k < s->counts; k++) s->x[k] += add;
    if (s->counts > 1) s->counts--;
}

static double strength = 8;
static const gr_augment shaker = {.apply = shake};

static gr_augmentation shaking(int times)
{
    gr_augmentation a = {.n = times, .shape = GR_SHAPE(WIDTH, 1), .scratch = 100, .seed = 3};
    for (int i = 0; i < times; i++) {
        a.member[i] = &shaker;
        a.state[i] = &strength;
        snprintf(a.stream[i], sizeof a.stream[i], "augment/%d", i);
    }
    return a;
}

static gr_loader_options options(int64_t batch, int workers, bool background)
{
    return (gr_loader_options){.set = &set,
                               .rows = &rows,
                               .batch = batch,
                               .shuffle = GR_SHUFFLE_EVERY_EPOCH,
                               .seed = 11,
                               .input = {{.as = GR_EL_F32}},
                               .real = GR_EL_F32,
                               .workers = workers,
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

/* A checksum of so many batches: what they are, and all that they hold. */
static uint32_t sum_of(gr_loader *l, int batches)
{
    uint32_t sum = 0;
    for (int i = 0; i < batches; i++) {
        gr_batch b;
        test_ok(ctx, gr__loader_next(l, &b));
        sum = gr__crc32(sum, &b.index, sizeof b.index);
        sum = gr__crc32(sum, b.field[0], sizeof(float) * WIDTH * (size_t)b.n);
        sum = gr__crc32(sum, b.field[1], sizeof(int32_t) * (size_t)b.n);
        if (set.n_lengths) sum = gr__crc32(sum, b.field[3], sizeof(int32_t) * (size_t)b.n);
        sum = gr__crc32(sum, b.row, sizeof(uint32_t) * (size_t)b.n);
    }
    return sum;
}

/* ---- tests ---- */

static void a_reader_gives_what_memory_would(void **state)
{
    (void)state;
    static const int64_t batches[] = {1, 16, 64, N, 500};
    for (size_t k = 0; k < GR_COUNT(batches); k++) {
        for (int background = 0; background < 2; background++) {
            gr_loader_options o = options(batches[k], 2, background);
            gr_loader *l = make(&o);
            for (int64_t seen = 0; seen < 2 * N;) {
                gr_batch b;
                test_ok(ctx, gr__loader_next(l, &b));
                for (int64_t i = 0; i < b.n; i++) {
                    for (int e = 0; e < WIDTH; e++)
                        assert_true(((const float *)b.field[0])[i * WIDTH + e] == number_of(b.row[i], e));
                    assert_int_equal(((const int32_t *)b.field[1])[i], b.row[i] % 7);
                }
                seen += b.n;
            }
            gr__loader_destroy(l);
        }
    }
}

static void changes_do_not_depend_on_who_makes_them(void **state)
{
    (void)state;
    static const int64_t batches[] = {7, 64, N};
    gr_augmentation a = shaking(2);
    set.n_lengths = 1;
    set.field[2] = (gr_field){.name = "x", .role = GR_FIELD_LENGTH, .element = GR_EL_I32, .data = lengths};
    set.field[0].length = lengths;
    set.field[0].steps = WIDTH;
    for (size_t k = 0; k < GR_COUNT(batches); k++) {
        uint32_t first = 0;
        for (int background = 0; background < 2; background++) {
            for (int workers = 1; workers <= 5; workers++) {
                gr_loader_options o = options(batches[k], workers, background);
                o.augment[0] = &a;
                gr_loader *l = make(&o);
                uint32_t sum = sum_of(l, 70);
                gr__loader_seek(l, 0, 0);
                assert_int_equal(sum, sum_of(l, 70));
                gr__loader_seek(l, 1, 1); /* and from the middle, as a resumed run */
                uint32_t middle = sum_of(l, 9);
                gr__loader_seek(l, 0, gr__loader_batches(&o) + 1);
                assert_int_equal(middle, sum_of(l, 9));
                gr__loader_destroy(l);
                if (!first) first = sum;
                assert_int_equal(sum, first);
            }
        }
    }
}

/* Every epoch draws anew, each sample and each place in the list by itself; lengths that a change alters are told. */
static void changes_are_drawn_by_sample_epoch_and_place(void **state)
{
    (void)state;
    static float add[2][2][N]; /* of lists of one and two, of epochs */
    set.n_lengths = 1;
    set.field[2] = (gr_field){.name = "x", .role = GR_FIELD_LENGTH, .element = GR_EL_I32, .data = lengths};
    set.field[0].length = lengths;
    set.field[0].steps = WIDTH;
    for (int times = 1; times <= 2; times++) {
        gr_augmentation a = shaking(times);
        gr_loader_options o = options(N, 3, false);
        o.augment[0] = &a;
        gr_loader *l = make(&o);
        for (int epoch = 0; epoch < 2; epoch++) {
            gr_batch b;
            test_ok(ctx, gr__loader_next(l, &b));
            for (int64_t i = 0; i < N; i++) {
                uint32_t row = b.row[i];
                const float *x = (const float *)b.field[0] + i * WIDTH;
                int32_t is = ((const int32_t *)b.field[3])[i], left = GR_MAX(lengths[row] - times, 1);
                assert_int_equal(is, lengths[row] > times ? left : 1);
                add[times - 1][epoch][row] = x[0] - number_of(row, 0);
                for (int k = lengths[row]; k < WIDTH; k++) assert_true(x[k] == number_of(row, k));
            }
        }
        gr__loader_destroy(l);
    }
    int alike = 0;
    for (int r = 0; r < N; r++) {
        assert_true(add[0][0][r] >= 0 && add[0][0][r] < 8 && add[1][0][r] < 16);
        alike += add[0][0][r] == add[0][1][r];                /* of epochs */
        alike += r && add[0][0][r] == add[0][0][r - 1];       /* of samples */
        alike += add[1][0][r] - add[0][0][r] == add[0][0][r]; /* of places in the list */
        assert_true(add[1][0][r] >= add[0][0][r] - 1e-3f);    /* the first place draws the same in both lists */
    }
    assert_true(alike < 4);
}

/* Ten lists alike: the first are the originals, the others change the same way in every epoch, each in its own. */
static void copies_are_changed_once_and_for_all(void **state)
{
    (void)state;
    enum { COPIES = 4 };
    static uint32_t many[COPIES * N];
    static float first[COPIES * N], again[COPIES * N];
    gr_augmentation a = shaking(1);
    for (int i = 0; i < COPIES * N; i++) many[i] = row_numbers[i % N];
    rows = (gr_rows){many, COPIES * N};
    for (int background = 0; background < 2; background++) {
        gr_loader_options o = options(50, 2, background);
        o.augment[0] = &a;
        o.copies = COPIES;
        o.shuffle = GR_SHUFFLE_NONE;
        gr_loader *l = make(&o);
        for (int epoch = 0; epoch < 2; epoch++) {
            for (int64_t at = 0; at < rows.n;) {
                gr_batch b;
                test_ok(ctx, gr__loader_next(l, &b));
                for (int64_t i = 0; i < b.n; i++, at++) {
                    float add = ((const float *)b.field[0])[i * WIDTH] - number_of(b.row[i], 0);
                    (epoch ? again : first)[at] = add;
                    assert_int_equal(b.row[i], many[at]);
                    assert_true(at >= N || add == 0);
                }
            }
        }
        assert_memory_equal(first, again, sizeof first);
        int alike = 0;
        for (int i = N; i < 2 * N; i++) alike += first[i] == first[i + N];
        assert_true(alike < 3);
        gr__loader_destroy(l);
    }
}

/* Rows that stand in the list once more are changed in another way, those before as if they stood there once. */
static void rows_that_come_again_are_changed_otherwise(void **state)
{
    (void)state;
    static uint32_t twice[2 * N];
    static float add[2][2 * N];
    gr_augmentation a = shaking(1);
    for (int i = 0; i < 2 * N; i++) twice[i] = row_numbers[i % N];
    for (int again = 0; again < 2; again++) {
        rows = (gr_rows){twice, again ? 2 * N : N};
        gr_loader_options o = options(50, 2, true);
        o.augment[0] = &a;
        o.distinct = again ? N : 0;
        o.shuffle = GR_SHUFFLE_NONE;
        gr_loader *l = make(&o);
        for (int64_t at = 0; at < rows.n;) {
            gr_batch b;
            test_ok(ctx, gr__loader_next(l, &b));
            for (int64_t i = 0; i < b.n; i++, at++)
                add[again][at] = ((const float *)b.field[0])[i * WIDTH] - number_of(b.row[i], 0);
        }
        gr__loader_destroy(l);
    }
    int alike = 0;
    for (int i = 0; i < N; i++) alike += add[1][i] == add[1][N + i];
    assert_true(alike < 3);
    assert_memory_equal(add[0], add[1], N * sizeof add[0][0]);
}

static void what_is_held_is_what_was_read(void **state)
{
    (void)state;
    uint64_t bytes = sizeof(float) * WIDTH * N, before = gr_context_bytes(ctx);
    test_ok(ctx, gr__set_hold(ctx, &set, bytes - 1, NULL));
    assert_non_null(set.field[0].reader); /* too much: it stays */
    assert_int_equal(gr_context_bytes(ctx), before);
    test_ok(ctx, gr__set_hold(ctx, &set, bytes, NULL));
    assert_null(set.field[0].reader);
    assert_int_equal(closed, 1);
    assert_int_equal(gr_context_bytes(ctx) - before, bytes);
    assert_int_equal(set.field[0].bytes, bytes);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < WIDTH; k++)
            assert_true(((const float *)set.field[0].data)[i * WIDTH + k] == number_of(i, k));
    gr__tensor_free(ctx, set.field[0].data, bytes);
}

static void the_first_damaged_sample_is_told(void **state)
{
    (void)state;
    bad_row = 41;
    assert_int_equal(gr__set_hold(ctx, &set, UINT64_MAX, NULL), GR_E_FORMAT);
    assert_string_equal(gr_context_error(ctx)->message, "sample 41 is damaged");
    gr_context_clear_error(ctx);
    assert_null(set.field[0].data);
    for (int background = 0; background < 2; background++) {
        gr_loader_options o = options(16, 3, background);
        gr_loader *l = make(&o);
        gr_batch b;
        gr_status st = GR_OK;
        for (int i = 0; i < 13 && st == GR_OK; i++) st = gr__loader_next(l, &b);
        assert_int_equal(st, GR_E_FORMAT);
        assert_non_null(strstr(gr_context_error(ctx)->message, "is damaged"));
        gr__loader_destroy(l);
        gr_context_clear_error(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reader_gives_what_memory_would, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_do_not_depend_on_who_makes_them, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_are_drawn_by_sample_epoch_and_place, setup, teardown),
        cmocka_unit_test_setup_teardown(copies_are_changed_once_and_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_come_again_are_changed_otherwise, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_held_is_what_was_read, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_damaged_sample_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
