/* Sheets of samples: what stands on them is what training takes, to the bit. [mission D8, D24, X2] */
#include <unistd.h>

#include "base/file.h"
#include "model/model.h"
#include "study/data/view.h"
#include "study_case.h"
#include "train/arrays.h"

#define CHANGED "data.augment=[{type: crop, pad: 2}, {type: rotate, degrees: 20}]"

/* CRC32 of every training sample as an epoch's batches hold it, by its row; written out, with nothing of the sheet's
 * own. copy: where samples are kept in copies, only batches' samples of which `copy` others were before. */
static void hash_epoch(const gr_task *t, int64_t epoch, int copy, uint32_t *crc)
{
    gr_loader_options o = gr__task_training_loader(t, false);
    gr_loader *l = NULL;
    gr_batch b = {0};
    if (copy >= 0) o.shuffle = GR_SHUFFLE_NONE; /* copies one after the other */
    int64_t width = gr_shape_count(o.set->field[0].sample), done = 0, n = t->rows[GR_PART_TRAIN].n;
    size_t sample = (size_t)width * gr__element_bytes(o.input[0].as);
    test_ok(t->ctx, gr__loader_create(t->ctx, &o, &l));
    gr__loader_seek(l, epoch, 0);
    while (!b.last) {
        test_ok(t->ctx, gr__loader_next(l, &b));
        assert_true(b.epoch == epoch);
        for (int64_t i = 0; i < b.n; i++, done++)
            if (copy < 0 || done / n == copy)
                crc[b.row[i]] = gr__crc32(0, (const char *)b.field[0] + (size_t)i * sample, sample);
    }
    gr__loader_destroy(l);
}

/* The row that a card is of, and the hash of its face `k`. */
static uint32_t hash_of(const gr_card *c, int k, uint32_t *row)
{
    unsigned r, crc;
    const gr_face *f = c->face;
    assert_int_equal(sscanf(c->title, "#%u", &r), 1);
    for (; k; k--) f = f->next;
    assert_int_equal(sscanf(f->foot, "crc32 %8x", &crc), 1);
    *row = r;
    return crc;
}

static void hashes_are_those_of(gr_context *ctx, const char *const *sets, int n, int64_t epoch, int copy)
{
    gr_recipe *r = recipe_with(ctx, sets, n);
    gr_task t = {0};
    gr_sheet s;
    static uint32_t want[1000];
    uint32_t row = 0, before = 0;
    bool changed = n > 1 && strstr(sets[1], "augment") != NULL;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr__sheet_open(ctx, "sheet", &s));
    gr_view_options o = {.count = 50, .changed = changed, .epoch = epoch};
    test_ok(ctx, gr__view_samples(&t, &o, &s));
    hash_epoch(&t, epoch, copy, want);
    assert_int_equal(s.n_cards, 50);
    for (const gr_card *c = s.card; c; c = c->next) {
        uint32_t crc = hash_of(c, changed, &row);
        assert_int_equal(crc, want[row]);
        assert_true(c == s.card || row > before);
        if (changed) assert_int_not_equal(hash_of(c, 0, &row), crc);
        before = row;
    }
    gr__sheet_close(&s);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
}

static void hashes_are_those_of_the_trainers_batches(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        gr_context *ctx = test_context_with(threads, 0);
        hashes_are_those_of(ctx, (const char *const[]){DIGITS}, 1, 0, -1);
        hashes_are_those_of(ctx, (const char *const[]){DIGITS, "data.prepare=[]"}, 2, 0, -1);
        hashes_are_those_of(ctx, (const char *const[]){TABLE}, 1, 0, -1);
        hashes_are_those_of(ctx, (const char *const[]){DIGITS, CHANGED}, 2, 0, -1);
        hashes_are_those_of(ctx, (const char *const[]){DIGITS, CHANGED}, 2, 7, -1);
        hashes_are_those_of(ctx, (const char *const[]){DIGITS, CHANGED, "precision=float64"}, 3, 1, -1);
        test_context_end(ctx);
    }
}

static void copies_that_are_made_once_as_well(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    const char *const sets[] = {DIGITS, CHANGED, "data.augment_mode={materialise: 3}"};
    hashes_are_those_of(ctx, sets, 3, 0, 1);
    hashes_are_those_of(ctx, sets, 3, 1, 2);
    hashes_are_those_of(ctx, sets, 3, 2, 1);
    test_context_end(ctx);
}

/* A batch that the graph mixes: its samples as training's first batch has them, in its order, each beside the one that
 * it is mixed with. */
static void mixtures_are_those_of_the_first_batch(void **state)
{
    (void)state;
    static const char *const more[] = {"data.augment=[{type: mixup, alpha: 0.4}]",
                                       "data.augment=[{type: crop, pad: 2}, {type: cutmix, alpha: 1}]"};
    gr_context *ctx = test_context();
    for (int i = 0; i < 2; i++) {
        gr_recipe *r = RECIPE(ctx, DIGITS, more[i]);
        gr_task t = {0};
        gr_sheet s;
        gr_loader *l = NULL;
        gr_batch b;
        static uint32_t want[1000];
        unsigned with, crc, at = 0;
        test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
        test_ok(ctx, gr__sheet_open(ctx, "sheet", &s));
        test_ok(ctx, gr__view_samples(&t, &(gr_view_options){.count = 10, .changed = true, .epoch = 2}, &s));
        hash_epoch(&t, 2, -1, want);
        gr_loader_options o = gr__task_training_loader(&t, false);
        test_ok(ctx, gr__loader_create(ctx, &o, &l));
        gr__loader_seek(l, 2, 0);
        test_ok(ctx, gr__loader_next(l, &b));
        assert_int_equal(s.n_cards, 10);
        for (const gr_card *c = s.card; c; c = c->next, at++) {
            uint32_t row = 0, own = hash_of(c, i, &row);
            const gr_face *f = c->face;
            assert_int_equal(row, b.row[at]);
            assert_int_equal(own, want[row]);
            for (; strncmp(f->caption, "with #", 6) != 0; f = f->next) continue;
            assert_int_equal(sscanf(f->caption, "with #%u", &with), 1);
            assert_int_equal(sscanf(f->foot, "crc32 %8x", &crc), 1);
            assert_int_equal(crc, want[with]);
            assert_true(f->next->picture.width == 16 && !f->next->next && strcmp(f->next->caption, "mixed") == 0);
        }
        gr__loader_destroy(l);
        gr__sheet_close(&s);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
    }
    test_context_end(ctx);
}

/* What balancing makes: on the sheet as in the batches, and so its parents. */
static void made_samples_are_those_of_the_batches(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char path[] = "/tmp/gradus-view-XXXXXX", source[160];
    FILE *f = fdopen(mkstemp(path), "w");
    for (int i = 0; i < 120; i++)
        fprintf(f, "%d.5,%d,%d,0.25,%d,%s\n", i % 17, i * i % 23, i, i % 3, i % 12 ? "common" : "rare");
    assert_int_equal(fclose(f), 0);
    snprintf(source, sizeof source, "data.train={type: csv, file: %s, target: 5, header: false}", path);
    for (int i = 0; i < 2; i++) {
        gr_recipe *r = RECIPE(ctx, TABLE, source, i ? "data.balance={type: smote, form: box}" : "data.balance=smote");
        gr_task t = {0};
        gr_sheet s;
        static uint32_t want[1000];
        test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
        test_ok(ctx, gr__sheet_open(ctx, "sheet", &s));
        test_ok(ctx, gr__view_made(&t, &(gr_view_options){.count = 20}, &s));
        hash_epoch(&t, 0, -1, want);
        const gr_made *m = t.set[GR_PART_TRAIN].made;
        assert_true(s.n_cards == 20 && m->n == 100);
        for (const gr_card *c = s.card; c; c = c->next) {
            unsigned at, crc, parent;
            const gr_face *face = c->face;
            assert_int_equal(sscanf(c->title, "generated %u", &at), 1);
            assert_int_equal(sscanf(face->foot, "crc32 %8x", &crc), 1);
            assert_int_equal(crc, want[m->first + at]);
            for (int k = 0; k < 2; k++) {
                face = face->next;
                assert_int_equal(sscanf(strchr(face->caption, '#'), "#%u", &parent), 1);
                assert_int_equal(sscanf(face->foot, "crc32 %8x", &crc), 1);
                assert_true(parent == m->parent[at][k] && crc == want[parent] && parent % 12 == 0);
            }
            assert_string_equal(c->line->text, "label: rare");
        }
        gr__sheet_close(&s);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
    }
    unlink(path);
    test_context_end(ctx);
}

/* Steps beyond a length do not count, and in buckets a batch has fewer of them. */
static void hashes_of_sequences_know_nothing_of_buckets(void **state)
{
    (void)state;
    enum { N = 40, T = 9, F = 3 };
    static const int of_x[] = {N, T, F};
    static double x[N][T][F], c[N], length[N];
    gr_context *ctx = test_context();
    char folder[64], source[300], text[900];
    arrays_folder(folder);
    for (int i = 0; i < N; i++) {
        length[i] = 1 + i * 5 % T, c[i] = i % 2;
        for (int k = 0; k < T * F; k++) x[i][k / F][k % F] = sin(i * 31 + k);
    }
    arrays_npy(folder, "x.npy", "<f4", of_x, 3, &x[0][0][0]);
    arrays_npy(folder, "c.npy", "<i4", of_x, 1, c);
    arrays_npy(folder, "n.npy", "<i8", of_x, 1, length);
    snprintf(source, sizeof source, "{type: npy, inputs: %s/x.npy, targets: %s/c.npy, lengths: %s/n.npy}", folder,
             folder, folder);
    snprintf(text, sizeof text,
             "gradus: 1\nname: steps\nseed: 3\ndata: {train: %s, batch: 6, shuffle: every_epoch, buckets: [3, 6]}\n"
             "model: {input: [9, 3], layers: [global_avg_pool, {type: dense, units: 2}]}\n"
             "cost: cross_entropy\noptimizer: sgd\n",
             source);
    gr_recipe *r = RECIPE(ctx, text);
    gr_task t = {0};
    gr_sheet s;
    gr_loader *l = NULL;
    gr_batch b = {0};
    uint32_t want[N], row = 0;
    bool cut = false;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr__sheet_open(ctx, "sheet", &s));
    test_ok(ctx, gr__view_samples(&t, &(gr_view_options){.count = N}, &s));
    gr_loader_options o = gr__task_training_loader(&t, false);
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    while (!b.last) {
        test_ok(ctx, gr__loader_next(l, &b));
        int64_t steps = b.steps ? b.steps : T;
        cut |= steps < T;
        for (int64_t i = 0; i < b.n; i++) {
            const float *numbers = (const float *)b.field[0] + i * steps * F;
            want[b.row[i]] = gr__crc32(0, numbers, sizeof *numbers * (size_t)length[b.row[i]] * F);
            assert_int_equal(gr__view_hash(&o, &b, i), want[b.row[i]]);
        }
    }
    assert_true(cut && s.n_cards == N);
    for (const gr_card *card = s.card; card; card = card->next) {
        uint32_t crc = hash_of(card, 0, &row);
        assert_int_equal(crc, want[row]);
    }
    gr__loader_destroy(l);
    gr__sheet_close(&s);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    arrays_remove(folder);
    test_context_end(ctx);
}

/* ---- which samples ---- */

static void all_classes_are_shown_alike(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, TABLE);
    gr_task t = {0};
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    gr_rows *all = &t.rows[GR_PART_TRAIN];
    int32_t *label = gr__set_target(&t.set[GR_PART_TRAIN], 0)->data;
    for (int64_t i = 0; i < t.set[GR_PART_TRAIN].n; i++) label[i] = i == 100 || i == 250 ? 2 : i % 10 == 3; /* 2, 30 */
    static const int64_t counts[] = {1, 2, 3, 9, 50, 299, 300, 301, 10000};
    for (size_t k = 0; k < GR_COUNT(counts); k++) {
        int64_t n = GR_MIN(counts[k], all->n), have[3] = {0};
        gr_rows a, b;
        test_ok(ctx, gr__view_choose(&t, GR_PART_TRAIN, counts[k], &a));
        test_ok(ctx, gr__view_choose(&t, GR_PART_TRAIN, counts[k], &b));
        assert_int_equal(a.n, n);
        assert_memory_equal(a.row, b.row, sizeof *a.row * (size_t)n);
        for (int64_t i = 0; i < n; i++) {
            have[label[a.row[i]]]++;
            assert_true(i == 0 || a.row[i] > a.row[i - 1]);
        }
        if (n >= 6) assert_int_equal(have[2], 2); /* all that there are */
        if (n == 50) assert_true(have[0] == 24 && have[1] == 24);
        if (n == 3) assert_true(have[0] == 1 && have[1] == 1);
        gr__rows_free(ctx, &a), gr__rows_free(ctx, &b);
    }
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static void what_is_not_changed_is_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, DIGITS, "data.validation={split: 0.2}");
    gr_task t = {0};
    gr_sheet s;
    test_ok(ctx, gr__task_open(ctx, r, 3, NULL, &t));
    test_ok(ctx, gr__sheet_open(ctx, "sheet", &s));
    for (int p = GR_PART_TRAIN; p <= GR_PART_VALIDATION; p++) {
        gr_view_options o = {.part = (gr_part)p, .count = 5, .changed = true};
        assert_int_equal(gr__view_samples(&t, &o, &s), GR_E_CONFLICT);
        gr_context_clear_error(ctx);
    }
    gr__sheet_close(&s);
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* ---- mistakes ---- */

/* A model file of the recipe's initial weights. */
static void model_of(gr_context *ctx, const gr_recipe *r, char *path, gr_model *m)
{
    gr_task t = {0};
    gr_runner run = {0};
    assert_true(close(mkstemp(path)) == 0);
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    test_ok(ctx, gr__runner_open(&t, &run));
    test_ok(ctx, gr__runner_fill(&run, NULL));
    test_ok(ctx, gr__model_write(ctx, path, run.store, &(gr_model_about){.recipe = r, .meaning = &t.meaning}));
    gr__runner_close(&run);
    gr__task_close(&t);
    test_ok(ctx, gr__model_open(ctx, path, m));
}

/* As many as the evaluation's error says, by costs whose mean over all would be the evaluation's. */
static void mistakes_of(const char *const *sets, int n, bool classes)
{
    gr_context *ctx = test_context();
    gr_recipe *r = recipe_with(ctx, sets, n);
    char path[] = "/tmp/gradus-view-XXXXXX";
    gr_model m = {0};
    gr_task t = {0};
    gr_engine e = {0};
    gr_loader *l = NULL;
    gr_evaluation ev = {0};
    gr_sheet s;
    gr_view_mistakes found;
    model_of(ctx, r, path, &m);
    test_ok(ctx, gr__task_open(ctx, m.recipe, 1u << GR_PART_TRAIN, &m, &t));
    test_ok(ctx, gr__engine_make(&t, false, 1u << GR_PART_TRAIN, &e));
    test_ok(ctx, gr__engine_start(&e));
    test_ok(ctx, gr__model_load(ctx, m.file, m.path, e.store));
    gr_loader_options o = gr__task_loader(&t, GR_PART_TRAIN, false);
    o.batch = gr__task_evaluation_batch(&t);
    o.drop_last = false;
    test_ok(ctx, gr__loader_create(ctx, &o, &l));
    test_ok(ctx, gr__evaluate(&e, 0, l, GR_PART_TRAIN, NULL, &ev));
    test_ok(ctx, gr__sheet_open(ctx, "mistakes", &s));
    test_ok(ctx, gr__view_mistakes(&t, &m, &(gr_view_options){.count = GR_VIEW_MOST}, &s, &found));
    assert_true(found.samples == ev.samples && found.classes == classes && s.n_cards == found.wrong);
    if (classes) assert_true(fabs((double)found.wrong / (double)found.samples - ev.error) < 1e-12);
    double sum = 0, last = INFINITY, cost;
    for (const gr_card *c = s.card; c; c = c->next) {
        const gr_line *line = c->line;
        while (sscanf(line->text, "cost %lf", &cost) != 1) line = line->next;
        assert_true(cost <= last);
        sum += last = cost;
    }
    assert_true(sum > 0 && sum < ev.head[0].cost_sum * 1.001);
    if (!classes) assert_true(sum > ev.head[0].cost_sum * 0.999); /* all of them */
    gr__sheet_close(&s);
    gr__evaluation_free(ctx, &ev);
    gr__loader_destroy(l);
    gr__engine_close(&e);
    gr__task_close(&t);
    gr__model_close(&m);
    gr__recipe_close(ctx, r);
    remove(path);
    test_context_end(ctx);
}

static void mistakes_are_those_of_the_evaluation(void **state)
{
    (void)state;
    mistakes_of((const char *const[]){DIGITS}, 1, true);
    mistakes_of((const char *const[]){TABLE, "data.batch=7", "precision=float64"}, 3, true);
    mistakes_of((const char *const[]){TABLE,
                                      "data.train={type: synthetic, kind: regression, n: 90, features: 5, seed: 1}",
                                      "model.layers[1].units=1", "cost=mse"},
                4, false);
}

static void any_lack_of_memory_is_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = RECIPE(ctx, DIGITS, CHANGED);
    gr_task t = {0};
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    gr_view_options o = {.count = 3, .changed = true};
    uint64_t n = 1, bytes = gr_context_bytes(ctx);
    for (uint64_t k = 0; k <= n; k++) {
        gr_sheet s;
        uint64_t before = gr__acquisitions(ctx);
        gr__fail_acquisition(ctx, k);
        gr_status st = gr__sheet_open(ctx, "sheet", &s);
        if (st == GR_OK) st = gr__view_samples(&t, &o, &s);
        gr__fail_acquisition(ctx, 0);
        assert_int_equal(st, k ? GR_E_MEMORY : GR_OK);
        if (!k) n = gr__acquisitions(ctx) - before;
        gr_context_clear_error(ctx);
        gr__sheet_close(&s);
        assert_int_equal(gr_context_bytes(ctx), bytes);
    }
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_those_of_the_trainers_batches),
        cmocka_unit_test(copies_that_are_made_once_as_well),
        cmocka_unit_test(mixtures_are_those_of_the_first_batch),
        cmocka_unit_test(made_samples_are_those_of_the_batches),
        cmocka_unit_test(hashes_of_sequences_know_nothing_of_buckets),
        cmocka_unit_test(all_classes_are_shown_alike),
        cmocka_unit_test(what_is_not_changed_is_refused),
        cmocka_unit_test(mistakes_are_those_of_the_evaluation),
        cmocka_unit_test(any_lack_of_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
