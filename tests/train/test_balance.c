/* A recipe's balance (D5, D9, D16): which rows training takes, of the training part alone, and what that takes. */
#include <math.h>

#include "arrays.h"
#include "base/rng.h"
#include "small.h"

enum { N = 900, WIDTH = 2 };

static float x[N][WIDTH];
static int32_t y[N];
static bool hard[N];

static void put(const char *folder, const char *name, const char *type, const char *shape, const void *data, size_t n)
{
    FILE *f = arrays_file(folder, name);
    char head[119];
    snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    fprintf(f, "%cNUMPY%c%c%c%c%-117s\n", 0x93, 1, 0, 118, 0, head);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Common samples lie about (-3, 0), where they are easy; a tenth of them in the midst of the rare ones, about (3, 0).
 */
static void make(const char *folder)
{
    gr__rng r = gr__rng_make(5, "mixture", 0, 0);
    for (int i = 0; i < N; i++) {
        y[i] = i % 10 == 0;
        hard[i] = !y[i] && i % 11 == 0;
        x[i][0] = (float)(gr__rng_normal(&r) + (y[i] || hard[i] ? 3 : -3));
        x[i][1] = (float)gr__rng_normal(&r);
    }
    put(folder, "x.npy", "<f4", "900, 2", x, sizeof x);
    put(folder, "y.npy", "<i4", "900,", y, sizeof y);
}

static gr_recipe *recipe(gr_context *ctx, const char *folder, const char *how)
{
    gr_recipe *r = NULL;
    char text[1024];
    snprintf(text, sizeof text,
             "gradus: 1\nseed: 4\n"
             "data: {train: {type: npy, inputs: x.npy, targets: y.npy}, validation: {split: 0.2}, test: {split: 0.1}, "
             "batch: 16, prepare: [standardize], limit: {train: 500}, balance: %s}\n"
             "model: {input: [2], layers: [{type: dense, units: 8, activation: relu}, {type: dense, units: 2}]}\n"
             "cost: cross_entropy\noptimizer: {type: adam, lr: 0.02}\nstop: {epochs: 1}\n",
             how);
    test_ok(ctx, gr__recipe_from_text(ctx, "balance.yaml", folder, text, strlen(text), NULL, 0, &r));
    return r;
}

static bool lists(const gr_rows *r, int64_t row)
{
    for (int64_t i = 0; i < r->n; i++)
        if (r->row[i] == row) return true;
    return false;
}

static const char *const all[] = {"oversample",
                                  "undersample",
                                  "smote",
                                  "{type: smote, form: box, target: 0.5}",
                                  "adasyn",
                                  "{type: adasyn, form: exact, beta: 0.5}",
                                  "{type: hard_undersample, models: 2, epochs: 1}"};

/* No row of validation or test, itself or as a parent; statistics are those of the rows before. */
static void only_training_rows_are_balanced(void **state)
{
    (void)state;
    char folder[64];
    arrays_folder(folder);
    make(folder);
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr_context *ctx = test_context_with(2, 0);
        gr_recipe *r = recipe(ctx, folder, all[i]), *plain = recipe(ctx, folder, "none");
        gr_task t, p;
        test_ok(ctx, gr__task_open(ctx, plain, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &p));
        test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &t));
        assert_int_equal(t.rows[GR_PART_TRAIN].n, 500);
        assert_int_equal(t.count[GR_PART_TRAIN], t.trained.n);
        assert_memory_equal(t.rows[GR_PART_TRAIN].row, p.rows[GR_PART_TRAIN].row, 500 * sizeof(uint32_t));
        int numbers = 0;
        assert_memory_equal(gr__prepared_list(&t.meaning.prepared[0][0], "sub", &numbers),
                            gr__prepared_list(&p.meaning.prepared[0][0], "sub", &numbers), WIDTH * sizeof(double));
        assert_int_equal(gr__targets_count(t.targets, 1), gr__targets_count(p.targets, 1));
        int64_t counted[2] = {0};
        const gr_made *m = t.set[GR_PART_TRAIN].made;
        for (int64_t k = 0; k < t.trained.n; k++) {
            int64_t base = gr__made_base(m, t.trained.row[k]);
            counted[y[base]]++;
            assert_true(lists(&t.rows[GR_PART_TRAIN], base));
            assert_false(lists(&t.rows[GR_PART_VALIDATION], base) || lists(&t.rows[GR_PART_TEST], base));
        }
        for (int64_t k = 0; m && k < m->n; k++) assert_true(lists(&t.rows[GR_PART_TRAIN], m->parent[k][1]));
        for (int c = 0; c < 2; c++) assert_int_equal(counted[c], t.balanced[c]);
        gr__task_close(&p);
        gr__task_close(&t);
        gr__recipe_close(ctx, plain);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    arrays_remove(folder);
}

/* Bytes before data are held, bytes of the run, and what it took at most: one number. */
static void plans_count_what_balancing_takes(void **state)
{
    (void)state;
    char folder[64], out[96];
    arrays_folder(folder);
    make(folder);
    for (size_t i = 0; i < GR_COUNT(all); i++) {
        gr_context *ctx = test_context_with(3, 0);
        gr_recipe *r = recipe(ctx, folder, all[i]);
        gr_task t;
        gr_engine e;
        gr_train_result result;
        test_ok(ctx, gr__task_estimate(ctx, r, &t));
        test_ok(ctx, gr__engine_make(&t, true, 1u << GR_PART_VALIDATION, &e));
        uint64_t planned = e.bytes.total;
        gr__engine_close(&e);
        gr__task_close(&t);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);

        ctx = test_context_with(3, planned); /* and not a byte more */
        r = recipe(ctx, folder, all[i]);
        snprintf(out, sizeof out, "%s/run%zu", folder, i);
        const gr_train_options o = {.out = out};
        test_ok(ctx, gr__train(ctx, r, &o, &result));
        assert_int_equal(result.planned_bytes, planned);
        assert_int_equal(result.peak_bytes, planned);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    arrays_remove(folder);
}

static int64_t hard_ones(gr_context *ctx, const char *folder, const char *how, int64_t *common)
{
    gr_recipe *r = recipe(ctx, folder, how);
    gr_task t;
    int64_t n = 0;
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t));
    *common = t.balanced[0];
    for (int64_t i = 0; i < t.trained.n; i++) n += hard[t.trained.row[i]];
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    return n;
}

static void what_models_get_wrong_is_kept(void **state)
{
    (void)state;
    char folder[64];
    int64_t common, drawn;
    arrays_folder(folder);
    make(folder);
    gr_context *ctx = test_context();
    int64_t by_lot = hard_ones(ctx, folder, "undersample", &drawn),
            kept = hard_ones(ctx, folder, "hard_undersample", &common);
    int64_t all_kept = hard_ones(ctx, folder, "{type: hard_undersample, keep_random: 0, target: 0.05}", &common);
    assert_true(kept >= 3 * by_lot && kept * 2 > drawn); /* a tenth of the common ones are hard, so many remain */
    assert_true(all_kept >= common * 9 / 10);
    test_context_end(ctx);
    arrays_remove(folder);
}

/* Whichever acquisition fails, that is told, and nothing is left. */
static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    char folder[64];
    arrays_folder(folder);
    make(folder);
    const char *const some[] = {"{type: smote, k: 3}", "{type: adasyn, form: exact}",
                                "{type: hard_undersample, models: 2, epochs: 1, target: 0.5}"};
    for (size_t i = 0; i < GR_COUNT(some); i++) {
        gr_status st = GR_E_MEMORY;
        for (uint64_t k = 1, step = 1; st != GR_OK; k += step) {
            gr_context *ctx = test_context();
            gr_recipe *r = recipe(ctx, folder, some[i]);
            gr_task t;
            gr__fail_acquisition(ctx, k);
            st = gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &t);
            gr__fail_acquisition(ctx, 0);
            assert_true(st == GR_OK || st == GR_E_MEMORY);
            if (st == GR_OK) gr__task_close(&t);
            gr__recipe_close(ctx, r);
            test_context_end(ctx);
            step = 1 + k / 100;
        }
    }
    arrays_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_training_rows_are_balanced),
        cmocka_unit_test(plans_count_what_balancing_takes),
        cmocka_unit_test(what_models_get_wrong_is_kept),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
