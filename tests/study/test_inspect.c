/* Data with planted faults, each found and named by its sample; data without, of which nothing is said. [mission D1 to
 * D4] */
#include "study/data/inspect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "test.h"

static const gr_inspect_options quick = {.label_model = GR_LABELS_NOT, .folds = 5, .epochs = 1};

static gr_recipe *open_recipe(gr_context *ctx, const char *folder, const char *text)
{
    const char *sets[] = {"threads=1"};
    gr_recipe *r = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "data.yaml", folder, text, strlen(text), sets, 1, &r));
    return r;
}

static const gr_data_finding *find(const gr_inspection *s, const char *kind, const char *part)
{
    for (size_t i = 0; i < s->n_findings; i++) {
        const gr_data_finding *f = &s->finding[i];
        if (strcmp(f->kind, kind) == 0 && (part ? f->part && strcmp(f->part, part) == 0 : !f->part)) return f;
    }
    return NULL;
}

/* The finding has exactly these samples, in order. */
static void check_samples(const gr_inspection *s, const char *kind, const char *part, gr_severity severity, int n,
                          const int64_t *index)
{
    const gr_data_finding *f = find(s, kind, part);
    if (!f) fail_msg("no finding %s in %s", kind, part ? part : "several parts");
    assert_int_equal(f->severity, severity);
    if (f->count != n) fail_msg("%s: %lld samples, not %d (%s)", kind, (long long)f->count, n, f->text);
    for (int i = 0; i < n; i++) assert_int_equal(f->sample[i].index, index[i]);
    assert_true(strlen(f->text) > 10);
}
#define CHECK(s, kind, part, severity, ...)                                                           \
    check_samples(s, kind, part, severity, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), \
                  (int64_t[]){__VA_ARGS__})

#define DENSE                                                                                                      \
    "model: {input: [4], layers: [{type: dense, units: 3}]}\ncost: cross_entropy\noptimizer: sgd\nstop: {epochs: " \
    "1}\n"

/* A table of 300 rows of which some are spoilt; the last 100 are another file, the validation part. */
static void put_tables(const char *folder)
{
    char path[128];
    FILE *f = NULL;
    gr__rng r = gr__rng_make(1, "tables", 0, 0);
    for (int i = 0; i < 300; i++) {
        double x[4];
        if (i == 0 || i == 200) {
            if (f) fclose(f);
            snprintf(path, sizeof path, "%s/%s.csv", folder, i ? "validation" : "train");
            f = fopen(path, "w");
            assert_non_null(f);
            fprintf(f, "a,b,c,d,kind\n");
        }
        for (int k = 0; k < 4; k++) x[k] = gr__rng_normal(&r);
        int kind = i % 3;
        const char *row = i == 7     ? "1,nan,2,3,1"
                          : i == 9   ? "1,2,oops,3,1"
                          : i == 20  ? "1,2,3,1"
                          : i == 30  ? "1,2,3,4,"
                          : i == 40  ? "1,2,3,4,3"
                          : i == 41  ? "1,2,3,4,-1"
                          : i == 50  ? "0.125,0.25,0.5,1,0"
                          : i == 60  ? "0.125,.25,0.5,1.0,0"
                          : i == 70  ? "0.375,0.25,0.5,1,0"
                          : i == 80  ? "0.375,0.25,0.5,1,2"
                          : i == 90  ? "500,0,0,0,1"
                          : i == 100 ? "1.25,0.75,0.5,-1,0"
                          : i == 210 ? "1.25,0.75,0.5,-1,0"
                          : i == 110 ? "1.3,-0.2,-0.7,0.1,1"
                          : i == 220 ? "1.3000001,-0.2,-0.7,0.1,1"
                          : i == 120 ? "-1.3,-0.2,0.7,0.4,1"
                          : i == 130 ? "-1.3,-0.2000001,0.7,0.4,1"
                                     : NULL;
        if (row)
            fprintf(f, "%s\n", row);
        else
            fprintf(f, "%.6f,%.6f,%.6f,%.6f,%d\n", x[0], x[1], x[2], x[3], kind);
    }
    fclose(f);
}

#define TABLES                                                                                            \
    "gradus: 1\ndata: {train: {type: csv, file: train.csv, target: kind}, validation: {type: csv, file: " \
    "validation.csv, target: kind}, batch: 16}\n" DENSE

static void make_folder(char folder[64])
{
    strcpy(folder, "/tmp/gradus-inspect-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static void remove_folder(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void a_table_tells_what_is_wrong(void **state)
{
    (void)state;
    char folder[64], path[128];
    gr_context *ctx = test_context();
    gr_inspection s;
    make_folder(folder);
    put_tables(folder);
    gr_recipe *r = open_recipe(ctx, folder, TABLES);
    test_ok(ctx, gr__inspect(ctx, r, &quick, &s));
    CHECK(&s, "nonfinite", "train", GR_SEVERITY_ERROR, 7);
    CHECK(&s, "undecodable", "train", GR_SEVERITY_ERROR, 9);
    CHECK(&s, "shape", "train", GR_SEVERITY_ERROR, 20);
    CHECK(&s, "missing_label", "train", GR_SEVERITY_ERROR, 30);
    CHECK(&s, "label_range", "train", GR_SEVERITY_ERROR, 40, 41);
    CHECK(&s, "duplicate", "train", GR_SEVERITY_WARNING, 60, 80);
    CHECK(&s, "conflicting_labels", NULL, GR_SEVERITY_WARNING, 70, 80);
    CHECK(&s, "outlier", "train", GR_SEVERITY_WARNING, 90);
    CHECK(&s, "leak", NULL, GR_SEVERITY_ERROR, 100);
    CHECK(&s, "near_duplicate", "train", GR_SEVERITY_WARNING, 130);
    CHECK(&s, "near_duplicate", NULL, GR_SEVERITY_ERROR, 110);
    assert_int_equal(s.n_findings, 11);
    assert_string_equal(gr__inspection_verdict(&s), "errors");
    const gr_suspect *x = find(&s, "nonfinite", "train")->sample;
    assert_string_equal(x->part, "train");
    assert_int_equal(x->line, 9);
    assert_non_null(strstr(x->file, "train.csv"));
    /* What the list leaves out, the data is without. */
    int64_t rows;
    snprintf(path, sizeof path, "%s/out.txt", folder);
    test_ok(ctx, gr__inspection_fix(&s, path, &rows));
    assert_int_equal(rows, 10); /* broken 6, repeated 2, of the two pairs across parts the training's */
    gr__inspection_close(&s);
    gr__recipe_close(ctx, r);
    r = open_recipe(
        ctx, folder,
        "gradus: 1\ndata: {train: {type: csv, file: train.csv, target: kind}, exclude: out.txt, validation: "
        "{type: csv, file: validation.csv, target: kind}, batch: 16}\n" DENSE);
    test_ok(ctx, gr__inspect(ctx, r, &quick, &s));
    assert_int_equal(s.task.count[GR_PART_TRAIN], 190);
    assert_string_equal(gr__inspection_verdict(&s), "warnings");
    CHECK(&s, "outlier", "train", GR_SEVERITY_WARNING, 90);
    CHECK(&s, "near_duplicate", "train", GR_SEVERITY_WARNING, 130);
    assert_int_equal(s.n_findings, 2);
    /* It says again what was left out before. */
    test_ok(ctx, gr__inspection_fix(&s, path, &rows));
    char *text;
    size_t n;
    test_ok(ctx, gr__file_read(ctx, path, 1 << 20, &text, &n));
    assert_non_null(strstr(text, "\ntrain 100 left_out_before\n"));
    assert_non_null(strstr(text, "\n# train 90 outlier\n"));
    gr__free(ctx, text, n + 1);
    gr__inspection_close(&s);
    gr__recipe_close(ctx, r);
    remove_folder(folder);
    test_context_end(ctx);
}

/* ---- pictures ---- */

static void put_idx(const char *folder, const char *name, const unsigned char *head, size_t head_bytes,
                    const void *data, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(head, 1, head_bytes, f), head_bytes);
    assert_int_equal(fwrite(data, 1, n, f), n);
    fclose(f);
}

static void pictures_tell_what_is_wrong(void **state)
{
    (void)state;
    enum { N = 240, SIDE = 20 };
    static unsigned char x[N][SIDE * SIDE], y[N];
    char folder[64];
    gr_context *ctx = test_context();
    gr_inspection s;
    make_folder(folder);
    for (uint32_t k = 0; k < N; k++) {
        gr__rng r = gr__rng_make(3, "pictures", k, 0);
        double fx = gr__rng_uniform(&r), fy = gr__rng_uniform(&r), at = gr__rng_uniform(&r) * 6;
        for (int i = 0; i < SIDE * SIDE; i++)
            x[k][i] =
                (unsigned char)(120 + 80 * sin(fx * (i % SIDE) + fy * (i / SIDE) + at) + 10 * gr__rng_uniform(&r));
        y[k] = k < 200 ? k < 180 ? 0 : 1 : 2;
    }
    memset(x[17], 9, SIDE * SIDE);          /* an empty picture */
    memcpy(x[30], x[29], sizeof x[0]);      /* twice */
    memcpy(x[235], x[40], sizeof x[0]);     /* in training and test */
    for (int i = 0; i < SIDE * SIDE; i++) { /* a little brighter */
        x[50][i] = (unsigned char)(x[49][i] + 2);
        x[239][i] = (unsigned char)(x[60][i] + 1);
    }
    put_idx(folder, "x.idx", (const unsigned char[]){0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, SIDE, 0, 0, 0, SIDE}, 16, x,
            sizeof x);
    put_idx(folder, "y.idx", (const unsigned char[]){0, 0, 8, 1, 0, 0, 0, N}, 8, y, sizeof y);
    gr_recipe *r =
        open_recipe(ctx, folder,
                    "gradus: 1\ndata: {source: {type: idx, images: x.idx, labels: y.idx}, split: {test: 0.05, order: "
                    "file}, shuffle: "
                    "none, batch: 16}\nmodel: {input: [20, 20, 1], layers: [flatten, {type: dense, units: 3}]}\ncost: "
                    "cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n");
    test_ok(ctx, gr__inspect(ctx, r, &quick, &s));
    assert_int_equal(s.task.count[GR_PART_TEST], 12);
    CHECK(&s, "constant_sample", "train", GR_SEVERITY_WARNING, 17);
    CHECK(&s, "duplicate", "train", GR_SEVERITY_WARNING, 30);
    CHECK(&s, "leak", NULL, GR_SEVERITY_ERROR, 40);
    CHECK(&s, "near_duplicate", "train", GR_SEVERITY_WARNING, 50);
    CHECK(&s, "near_duplicate", NULL, GR_SEVERITY_ERROR, 60);
    const gr_data_finding *f = find(&s, "imbalance", "train");
    assert_non_null(f);
    assert_int_equal(f->severity, GR_SEVERITY_WARNING);
    assert_non_null(strstr(f->text, "class 0 has 180 training samples, 1 has 20: 9 to 1"));
    assert_non_null(find(&s, "order", "train"));
    assert_non_null(find(&s, "drift", "test"));
    assert_non_null(strstr(find(&s, "drift", "test")->text, "shares of the classes"));
    CHECK(&s, "conflicting_labels", NULL, GR_SEVERITY_WARNING, 40, 235);
    assert_int_equal(s.n_findings, 9);
    gr__inspection_close(&s);
    gr__recipe_close(ctx, r);
    remove_folder(folder);
    test_context_end(ctx);
}

/* ---- data that is as it should be ---- */

static void clean_data_is_clean(void **state)
{
    (void)state;
    static const char *const kinds[] = {"{type: synthetic, kind: blobs, n: 600, classes: 3, features: 4, seed: %d}",
                                        "[4], layers: [{type: dense, units: 3}]",
                                        "{type: synthetic, kind: blobs, n: 2000, classes: 3, features: 2, seed: %d}",
                                        "[2], layers: [{type: dense, units: 3}]",
                                        "{type: synthetic, kind: digits, n: 400, seed: %d}",
                                        "[16, 16, 1], layers: [flatten, {type: dense, units: 10}]"};
    gr_context *ctx = test_context();
    for (int seed = 1; seed <= 20; seed++)
        for (size_t k = 0; k < GR_COUNT(kinds); k += 2) {
            char text[800], source[200];
            gr_inspection s;
            snprintf(source, sizeof source, kinds[k], seed);
            snprintf(text, sizeof text,
                     "gradus: 1\nseed: %d\ndata: {source: %s, split: {validation: 0.2, test: 0.1}, batch: 16}\nmodel: "
                     "{input: %s}\ncost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n",
                     seed, source, kinds[k + 1]);
            gr_recipe *r = open_recipe(ctx, ".", text);
            test_ok(ctx, gr__inspect(ctx, r, &quick, &s));
            for (size_t i = 0; i < s.n_findings; i++)
                if (s.finding[i].severity == GR_SEVERITY_ERROR)
                    fail_msg("%s, seed %d: %s: %s", source, seed, s.finding[i].kind, s.finding[i].text);
            gr__inspection_close(&s);
            gr__recipe_close(ctx, r);
        }
    test_context_end(ctx);
}

/* ---- labels ---- */

static void wrong_labels_are_suspicious(void **state)
{
    (void)state;
    char folder[64], path[128];
    gr_context *ctx = test_context();
    make_folder(folder);
    snprintf(path, sizeof path, "%s/train.csv", folder);
    FILE *f = fopen(path, "w");
    gr__rng r = gr__rng_make(2, "labels", 0, 0);
    assert_non_null(f);
    fprintf(f, "a,b,c,d,kind\n");
    for (int i = 0; i < 400; i++) {
        int kind = i % 3, label = i % 40 == 5 ? (kind + 1) % 3 : kind;
        fprintf(f, "%.5f,%.5f,%.5f,%.5f,%d\n", gr__rng_normal(&r) + 9 * (kind == 0),
                gr__rng_normal(&r) + 9 * (kind == 1), gr__rng_normal(&r), gr__rng_normal(&r), label);
    }
    fclose(f);
    gr_recipe *recipe = open_recipe(
        ctx, folder,
        "gradus: 1\ndata: {train: {type: csv, file: train.csv, target: kind}, batch: 16, prepare: "
        "[standardize]}\nmodel: {input: [4], layers: [{type: dense, units: 8, activation: relu}, {type: dense, "
        "units: 3}]}\ncost: cross_entropy\noptimizer: {type: adam, lr: 0.02}\nstop: {epochs: 1}\n");
    for (int by = GR_LABELS_BY_RECIPE; by <= GR_LABELS_BY_LINEAR; by++) {
        const gr_inspect_options o = {.label_model = (gr_label_model)by, .folds = 5, .epochs = 12};
        gr_inspection s;
        test_ok(ctx, gr__inspect(ctx, recipe, &o, &s));
        const gr_data_finding *found = find(&s, "suspicious_label", "train");
        assert_non_null(found);
        assert_int_equal(found->severity, GR_SEVERITY_WARNING);
        int right = 0;
        for (size_t i = 0; i < found->n_samples; i++) right += found->sample[i].index % 40 == 5;
        assert_in_range(right, 7, 10);
        assert_in_range(found->count, right, right + 3);
        assert_int_equal(found->sample[0].index % 40, 5);
        gr__inspection_close(&s);
    }
    gr__recipe_close(ctx, recipe);
    remove_folder(folder);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_tells_what_is_wrong),
        cmocka_unit_test(pictures_tell_what_is_wrong),
        cmocka_unit_test(clean_data_is_clean),
        cmocka_unit_test(wrong_labels_are_suspicious),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
