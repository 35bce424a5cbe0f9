/* Splits, limits and manifests (D11): disjoint, exhaustive, stratified, reproducible. */
#include "files.h"

#include "base/file.h"
#include "base/rng.h"

static void check_partition(const gr_rows *parts, int n_parts, int64_t n)
{
    unsigned char *seen = calloc(1, (size_t)n + 1);
    int64_t total = 0;
    for (int p = 0; p < n_parts; p++) {
        for (int64_t i = 0; i < parts[p].n; i++) {
            assert_true(parts[p].row[i] < n);
            assert_false(seen[parts[p].row[i]]++);
            if (i) assert_true(parts[p].row[i - 1] < parts[p].row[i]);
        }
        total += parts[p].n;
    }
    assert_int_equal(total, n);
    free(seen);
}

static void splits_are_partitions_with_known_counts(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const int64_t sizes[] = {0, 1, 2, 3, 5, 7, 10, 99, 150, 1797, 20000};
    static const double fractions[][3] = {{0.9, 0.1, 0}, {0.8, 0.15, 0.05}, {0, 0.5, 0.5},
                                          {1, 0, 0},     {0, 1, 0},         {0.34, 0.33, 0.33}};
    static int32_t labels[20000];
    for (size_t i = 0; i < GR_COUNT(sizes); i++) {
        for (size_t k = 0; k < GR_COUNT(fractions); k++) {
            for (int classes = 0; classes <= 12; classes += 3) {
                int64_t n = sizes[i];
                gr_rows parts[3], again[3];
                gr__rng r = gr__rng_make(i, "labels", 0, 0);
                for (int64_t j = 0; j < n; j++)
                    labels[j] = classes ? (int32_t)(gr__rng_below(&r, (uint64_t)classes) * gr__rng_below(&r, 2)) : 0;
                test_ok(ctx, split(ctx, 7, n, classes ? labels : NULL, classes, fractions[k], 3, parts));
                test_ok(ctx, split(ctx, 7, n, classes ? labels : NULL, classes, fractions[k], 3, again));
                check_partition(parts, 3, n);
                int64_t second = (int64_t)(fractions[k][1] * (double)n + 0.5),
                        third = (int64_t)(fractions[k][2] * (double)n + 0.5);
                assert_int_equal(parts[1].n, second); /* the count does not depend on the labels */
                assert_int_equal(parts[2].n, GR_MIN(third, n - second));
                for (int p = 0; p < 3; p++) {
                    assert_int_equal(parts[p].n, again[p].n);
                    if (parts[p].n) assert_memory_equal(parts[p].row, again[p].row, (size_t)parts[p].n * 4);
                    gr__rows_free(ctx, &parts[p]);
                    gr__rows_free(ctx, &again[p]);
                }
            }
        }
    }
    test_context_end(ctx);
}

/* Folds are as large as each other, in all and in each class, but for one; each row is in one of them, none in the test
 * part, which is the same for all. */
static void folds_differ_by_one_at_most(void **state)
{
    (void)state;
    enum { MOST = 1500 };
    gr_context *ctx = test_context();
    static const int64_t sizes[] = {2, 7, 10, 99, 150, 1499};
    static int32_t labels[MOST];
    for (size_t i = 0; i < GR_COUNT(sizes); i++)
        for (int classes = 1; classes <= 12; classes += 3)
            for (int folds = 2; folds <= 7; folds++)
                for (int tested = 0; tested < 2; tested++) {
                    int64_t n = sizes[i], in[12][7] = {{0}}, total[7] = {0}, left = n;
                    uint8_t seen[MOST] = {0};
                    gr__rng r = gr__rng_make(i, "labels", (uint32_t)classes, 0);
                    gr_rows first = {0};
                    for (int64_t j = 0; j < n; j++)
                        labels[j] = (int32_t)(gr__rng_below(&r, (uint64_t)classes) *
                                              gr__rng_below(&r, (uint64_t)classes) / (uint64_t)classes);
                    for (int fold = 0; fold < folds; fold++) {
                        const double fractions[] = {0.5, 1.0 / folds, tested ? 0.2 : 0};
                        const gr_cut c = {.seed = 9,
                                          .fractions = fractions,
                                          .parts = 2 + tested,
                                          .labels = labels,
                                          .classes = classes,
                                          .folds = folds,
                                          .fold = fold};
                        gr_rows parts[3] = {{0}};
                        test_ok(ctx, gr__split(ctx, &c, n, parts));
                        check_partition(parts, 2 + tested, n);
                        left = n - parts[2].n;
                        assert_int_equal(parts[1].n, gr__fold_rows(left, folds, fold));
                        for (int64_t k = 0; k < parts[1].n; k++) {
                            assert_false(seen[parts[1].row[k]]++);
                            in[labels[parts[1].row[k]]][fold]++;
                            total[fold]++;
                        }
                        if (tested && fold == 0) first = parts[2];
                        if (tested && fold > 0) {
                            assert_int_equal(parts[2].n, first.n);
                            if (first.n) assert_memory_equal(parts[2].row, first.row, (size_t)first.n * 4);
                        }
                        for (int p = 0; p < 2 + tested; p++)
                            if (p < 2 || fold > 0) gr__rows_free(ctx, &parts[p]);
                    }
                    gr__rows_free(ctx, &first);
                    int64_t all = 0;
                    for (int one = 0; one < folds; one++) {
                        all += total[one];
                        assert_true(total[one] - total[0] <= 1 && total[one] - total[0] >= -1);
                        for (int c = 0; c < classes; c++)
                            for (int other = 0; other < folds; other++) assert_true(in[c][one] - in[c][other] <= 1);
                    }
                    assert_int_equal(all, left);
                }
    test_context_end(ctx);
}

static void strata_keep_their_shares(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    enum { N = 1797, CLASSES = 10 };
    int32_t labels[N];
    int64_t of[CLASSES] = {0}, in[2][CLASSES] = {{0}};
    for (int i = 0; i < N; i++) of[labels[i] = i * i % 97 % CLASSES]++;
    static const double fractions[] = {0.75, 0.15, 0.1};
    gr_rows parts[3];
    test_ok(ctx, split(ctx, 3, N, labels, CLASSES, fractions, 3, parts));
    for (int p = 1; p < 3; p++) {
        for (int64_t i = 0; i < parts[p].n; i++) in[p - 1][labels[parts[p].row[i]]]++;
        for (int c = 0; c < CLASSES; c++) {
            double wanted = fractions[p] * (double)of[c];
            assert_true((double)in[p - 1][c] > wanted - 1 && (double)in[p - 1][c] < wanted + 1);
        }
    }
    for (int p = 0; p < 3; p++) gr__rows_free(ctx, &parts[p]);

    /* A rare class is seen in every part. */
    int32_t rare[200] = {0};
    for (int i = 0; i < 5; i++) rare[i * 37] = 1;
    static const double tenth[] = {0.8, 0.1, 0.1};
    test_ok(ctx, split(ctx, 3, 200, rare, 2, tenth, 3, parts));
    for (int p = 0; p < 3; p++) {
        int64_t n = 0;
        for (int64_t i = 0; i < parts[p].n; i++) n += rare[parts[p].row[i]];
        assert_true(n >= 1);
        assert_int_equal(parts[p].n, p ? 20 : 160);
        gr__rows_free(ctx, &parts[p]);
    }

    /* Another seed, other rows. */
    gr_rows other[2], one[2];
    static const double half[] = {0.5, 0.5};
    test_ok(ctx, split(ctx, 1, N, NULL, 0, half, 2, one));
    test_ok(ctx, split(ctx, 2, N, NULL, 0, half, 2, other));
    assert_memory_not_equal(one[1].row, other[1].row, (size_t)one[1].n * 4);
    for (int p = 0; p < 2; p++) {
        gr__rows_free(ctx, &one[p]);
        gr__rows_free(ctx, &other[p]);
    }
    static const double wrong[] = {0.5, 1.5};
    assert_int_equal(split(ctx, 1, N, NULL, 0, wrong, 2, one), GR_E_RANGE);
    gr_context_clear_error(ctx);
    test_context_end(ctx);
}

/* Whatever the classes: the part has its size, each class its share to within one, and only a class too small for a
 * share is not seen. */
static void every_class_keeps_its_fraction(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static int32_t labels[3000];
    for (uint64_t k = 0; k < 300; k++) {
        gr__rng r = gr__rng_make(k, "sizes", 0, 0);
        int classes = 1 + (int)gr__rng_below(&r, 40);
        int64_t n = 0, of[40] = {0}, in[40] = {0};
        double fraction = (1 + (double)gr__rng_below(&r, 49)) / 100;
        for (int c = 0; c < classes; c++)
            for (uint64_t i = 0, rows = gr__rng_below(&r, 2) ? 1 + gr__rng_below(&r, 4) : gr__rng_below(&r, 70);
                 i < rows; i++)
                labels[n++] = c, of[c]++;
        gr_rows parts[2];
        const double fractions[] = {1 - fraction, fraction};
        test_ok(ctx, split(ctx, k, n, labels, classes, fractions, 2, parts));
        check_partition(parts, 2, n);
        assert_int_equal(parts[1].n, (int64_t)(fraction * (double)n + 0.5));
        for (int64_t i = 0; i < parts[1].n; i++) in[labels[parts[1].row[i]]]++;
        for (int c = 0; c < classes; c++) {
            double wanted = fraction * (double)of[c];
            if (!((double)in[c] > wanted - 1 - 1e-9 && (double)in[c] < wanted + 1 + 1e-9))
                fail_msg("fraction %g: class of %d has %d", fraction, (int)of[c], (int)in[c]);
            if (wanted >= 1) assert_true(in[c] > 0);
        }
        gr__rows_free(ctx, &parts[0]);
        gr__rows_free(ctx, &parts[1]);
    }
    /* A hundred of one class and ten pairs: nothing is taken from the hundred for the pairs. */
    for (int i = 0; i < 120; i++) labels[i] = i < 100 ? 0 : 1 + (i - 100) / 2;
    gr_rows parts[2];
    int64_t large = 0;
    test_ok(ctx, split(ctx, 1, 120, labels, 11, (const double[]){0.85, 0.15}, 2, parts));
    for (int64_t i = 0; i < parts[1].n; i++) large += labels[parts[1].row[i]] == 0;
    assert_int_equal(parts[1].n, 18);
    assert_int_equal(large, 15);
    gr__rows_free(ctx, &parts[0]);
    gr__rows_free(ctx, &parts[1]);
    test_context_end(ctx);
}

/* Of equals the seed decides: no class is left out of training, or out of a part, more than others are. */
static void ties_are_the_seeds(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    enum { SEEDS = 400, SMALL = 10 };
    for (int size = 1; size <= 2; size++) {
        int32_t labels[100 + 2 * SMALL];
        int taken[2][SMALL] = {{0}}, n = 100 + size * SMALL;
        for (int i = 0; i < n; i++) labels[i] = i < 100 ? SMALL : (i - 100) / size;
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            gr_rows parts[3];
            const double fractions[] = {0.5, 0.3, 0.2}; /* of ten: three and two of the single ones */
            test_ok(ctx, split(ctx, seed, n, labels, SMALL + 1, fractions, 3, parts));
            for (int p = 0; p < 3; p++) {
                for (int64_t i = 0; p && i < parts[p].n; i++)
                    if (labels[parts[p].row[i]] < SMALL) taken[p - 1][labels[parts[p].row[i]]]++;
                gr__rows_free(ctx, &parts[p]);
            }
        }
        for (int p = 0; p < 2; p++)
            for (int c = 0; c < SMALL; c++) { /* five deviations of a binomial count at most */
                double share = size * (p ? 0.2 : 0.3), mean = SEEDS * share;
                assert_true(taken[p][c] > mean - 50 && taken[p][c] < mean + 50);
            }
    }
    test_context_end(ctx);
}

static void limits_keep_order(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const double all[] = {1};
    gr_rows r, same;
    test_ok(ctx, split(ctx, 1, 1000, NULL, 0, all, 1, &r));
    test_ok(ctx, split(ctx, 1, 1000, NULL, 0, all, 1, &same));
    test_ok(ctx, gr__rows_limit(ctx, 5, &r, 1000));
    assert_int_equal(r.n, 1000);
    test_ok(ctx, gr__rows_limit(ctx, 5, &r, 100));
    test_ok(ctx, gr__rows_limit(ctx, 5, &same, 100));
    assert_int_equal(r.n, 100);
    assert_memory_equal(r.row, same.row, 400);
    for (int i = 1; i < 100; i++) assert_true(r.row[i - 1] < r.row[i]);
    assert_true(r.row[99] > 500); /* not just the first */
    gr__rows_free(ctx, &r);
    gr__rows_free(ctx, &same);
    for (uint64_t k = 1;; k++) {
        test_ok(ctx, split(ctx, 1, 50, NULL, 0, all, 1, &r));
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__rows_limit(ctx, 5, &r, 7);
        gr__fail_acquisition(ctx, 0);
        assert_int_equal(r.n, st == GR_OK ? 7 : 50);
        gr__rows_free(ctx, &r);
        gr_context_clear_error(ctx);
        if (st == GR_OK) break;
    }
    for (uint64_t k = 1;; k++) {
        static const double thirds[] = {0.4, 0.3, 0.3};
        gr_rows parts[3];
        gr__fail_acquisition(ctx, k);
        gr_status st = split(ctx, 1, 50, NULL, 0, thirds, 3, parts);
        gr__fail_acquisition(ctx, 0);
        gr_context_clear_error(ctx);
        if (st != GR_OK) continue;
        for (int p = 0; p < 3; p++) gr__rows_free(ctx, &parts[p]);
        break;
    }
    test_context_end(ctx);
}

/* What splitting and limiting leave, and what they take meanwhile, is tensor memory and known to the byte before. */
static void lists_take_what_is_counted(void **state)
{
    (void)state;
    static const double fractions[] = {0.5, 0.3, 0.2};
    static const struct {
        int64_t n, limit;
        int parts;
    } cases[] = {{1, 1, 1}, {10, 3, 2}, {999, 998, 3}, {1000, 1, 3}, {4096, 2048, 2}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        int64_t n = cases[i].n, left = 0;
        gr_rows part[3], all;
        gr_context *ctx = test_context();
        test_ok(ctx, split(ctx, 1, n, NULL, 0, fractions, cases[i].parts, part));
        for (int p = 0; p < cases[i].parts; p++) left += part[p].n;
        assert_int_equal(left, n);
        assert_int_equal(gr_context_bytes(ctx), gr__rows_bytes(n));
        assert_int_equal(gr_context_peak_bytes(ctx), gr__rows_bytes(n) + gr__split_work(n, false));
        for (int p = 0; p < cases[i].parts; p++) gr__rows_free(ctx, &part[p]);
        test_context_end(ctx);
        ctx = test_context();
        test_ok(ctx, gr__rows_all(ctx, n, &all));
        assert_int_equal(gr_context_peak_bytes(ctx), gr__rows_bytes(n));
        test_ok(ctx, gr__rows_limit(ctx, 1, &all, cases[i].limit));
        assert_int_equal(gr_context_bytes(ctx), gr__rows_bytes(cases[i].limit));
        assert_int_equal(gr_context_peak_bytes(ctx),
                         gr__rows_bytes(cases[i].limit) + gr__rows_limit_work(n, cases[i].limit));
        gr__rows_free(ctx, &all);
        test_context_end(ctx);
    }
}

static void manifests_record_rows_and_hashes(void **state)
{
    (void)state;
    gr_set s = load_as(&f, "{type: synthetic, kind: blobs, n: 40}", GR_TARGET_CLASS, false);
    static const double fractions[] = {0.75, 0.25};
    static const char *const names[] = {"train", "validation"};
    gr_rows parts[2];
    test_ok(f.ctx, split(f.ctx, 1, s.n, s.field[1].data, s.field[1].classes, fractions, 2, parts));
    char path[128];
    snprintf(path, sizeof path, "%s/split.tsv", f.folder);
    test_ok(f.ctx, gr__split_manifest(f.ctx, path, &s, parts, names, 2));
    char *text;
    size_t n;
    test_ok(f.ctx, gr__file_read(f.ctx, path, 1 << 20, &text, &n));
    char *line = text;
    assert_memory_equal(line, "row\tpart\tlabel\tcrc32\n", 21);
    int64_t seen[2] = {0};
    for (int row = 0; row < 40; row++) {
        line = strchr(line, '\n') + 1;
        int number, label;
        char part[32];
        unsigned crc;
        assert_int_equal(sscanf(line, "%d\t%31s\t%d\t%8x", &number, part, &label, &crc), 4);
        int p = strcmp(part, "validation") == 0;
        assert_int_equal(number, row);
        assert_int_equal(label, ((int32_t *)s.field[1].data)[row]);
        assert_int_equal(crc, gr__crc32(0, (float *)s.field[0].data + 2 * row, 8));
        assert_int_equal(parts[p].row[seen[p]++], row);
    }
    assert_int_equal(seen[1], 10);
    gr__free(f.ctx, text, n + 1);
    assert_int_equal(gr__split_manifest(f.ctx, "/nowhere/split.tsv", &s, parts, names, 2), GR_E_WRITE);
    gr_context_clear_error(f.ctx);
    for (int p = 0; p < 2; p++) gr__rows_free(f.ctx, &parts[p]);
    gr__set_free(f.ctx, &s);
}

/* Of several inputs all bytes count, in their order; the label is the first target that is a class. */
static void manifests_of_several_fields(void **state)
{
    (void)state;
    static uint8_t a[] = {1, 2, 3, 4};
    static float b[] = {.5f, 1.5f}, price[] = {9, 8};
    static int32_t kind[] = {3, 0};
    uint32_t rows[] = {0, 1};
    static const char *const names[] = {"train"};
    gr_set s = {.n = 2, .n_inputs = 2, .n_targets = 2};
    s.field[0] = (gr_field){.sample = GR_SHAPE(2), .element = GR_EL_U8, .data = a};
    s.field[1] = (gr_field){.element = GR_EL_F32, .data = b};
    s.field[2] = (gr_field){.role = GR_FIELD_TARGET, .kind = GR_TARGET_VALUE, .element = GR_EL_F32, .data = price};
    s.field[3] = (gr_field){.role = GR_FIELD_TARGET, .kind = GR_TARGET_CLASS, .element = GR_EL_I32, .data = kind};
    for (int targets = 2; targets >= 0; targets--) {
        char path[128], wanted[200];
        char *text;
        size_t n;
        const char *labels[3][2] = {{"", ""}, {"9", "8"}, {"3", "0"}};
        s.n_targets = targets;
        snprintf(path, sizeof path, "%s/split.tsv", f.folder);
        test_ok(f.ctx, gr__split_manifest(f.ctx, path, &s, &(gr_rows){rows, 2}, names, 1));
        test_ok(f.ctx, gr__file_read(f.ctx, path, 1 << 20, &text, &n));
        unsigned first = gr__crc32(gr__crc32(0, a, 2), b, 4), second = gr__crc32(gr__crc32(0, a + 2, 2), b + 1, 4);
        snprintf(wanted, sizeof wanted, "row\tpart\tlabel\tcrc32\n0\ttrain\t%s\t%08x\n1\ttrain\t%s\t%08x\n",
                 labels[targets][0], first, labels[targets][1], second);
        assert_string_equal(text, wanted);
        gr__free(f.ctx, text, n + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_are_partitions_with_known_counts), /* D11 */
        cmocka_unit_test(folds_differ_by_one_at_most),
        cmocka_unit_test(strata_keep_their_shares),
        cmocka_unit_test(every_class_keeps_its_fraction),
        cmocka_unit_test(ties_are_the_seeds),
        cmocka_unit_test(limits_keep_order),
        cmocka_unit_test(lists_take_what_is_counted),
        cmocka_unit_test_setup_teardown(manifests_record_rows_and_hashes, files_setup, files_teardown),
        cmocka_unit_test_setup_teardown(manifests_of_several_fields, files_setup, files_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
