/* The library's third level when memory runs out: each k-th acquisition of a program that trains, predicts and
 * evaluates fails; an error, never a crash, nothing kept, and what was refused is not half there. */
#include "base/base.h"
#include "library_case.h"

static gr_status fill(gr_data *d, const library *l)
{
    const gr_data_field x = library_input(l), y = library_target(l);
    gr_status st = gr_data_add(d, &x);
    return st == GR_OK ? gr_data_add(d, &y) : st;
}

static gr_status train(library *l, const gr_data *d)
{
    static const char *const sets[] = {"stop.epochs=1", "data.batch=36"};
    gr_recipe *r = NULL, *with = NULL;
    gr_trainer *t = NULL;
    gr_evaluation *ev = NULL;
    gr_train_result found;
    char *text = NULL;
    gr_trainer_options o = library_options(l, "run");
    o.overwrite = true;
    gr_status st = gr_recipe_parse(l->ctx, "small", NULL, library_text, sets, 1, &r);
    if (st == GR_OK) st = gr_recipe_with(r, sets + 1, 1, &with);
    if (st == GR_OK) st = gr_recipe_get(with, "optimizer.lr", &text);
    if (text) gr_text_free(l->ctx, text);
    if (st == GR_OK) st = gr_trainer_create(with, &(gr_trainer_data){.train = d}, &o, &t);
    if (st == GR_OK) st = gr_trainer_run(t, &found);
    if (st == GR_OK) st = gr_trainer_evaluate(t, &ev);
    gr_evaluation_destroy(ev);
    if (st == GR_OK) st = gr_trainer_save(t, library_path(l, "kept.safetensors"));
    gr_trainer_destroy(t);
    gr_recipe_close(with);
    gr_recipe_close(r);
    return st;
}

static gr_status use(library *l, const gr_data *d, const char *path)
{
    gr_model *m = NULL;
    gr_evaluation *ev = NULL;
    static float y[LIBRARY_N * 3];
    static double wide[LIBRARY_N * 3];
    gr_status st = gr_model_open(l->ctx, path, &m);
    if (st == GR_OK) st = gr_model_predict(m, &l->x[0][0], 7, y);
    if (st == GR_OK) st = gr_model_predict_data(m, d, (double *[]){wide});
    if (st == GR_OK) st = gr_model_evaluate(m, d, &ev);
    gr_evaluation_destroy(ev);
    gr_model_close(m);
    return st;
}

static gr_status all(library *l, const char *path, bool trains)
{
    gr_data *d = NULL;
    gr_status st = gr_data_create(l->ctx, LIBRARY_N, &d);
    if (st == GR_OK) st = fill(d, l);
    if (st == GR_OK) st = trains ? train(l, d) : use(l, d, path);
    gr_data_destroy(d);
    return st;
}

static void every_acquisition_may_fail(void **state)
{
    (void)state;
    for (int trains = 1; trains >= 0; trains--) {
        library l;
        char path[128];
        library_begin(&l);
        test_ok(l.ctx, all(&l, NULL, true));
        snprintf(path, sizeof path, "%s", library_path(&l, "kept.safetensors"));
        gr_context *own = l.ctx;
        l.ctx = test_context();
        test_ok(l.ctx, all(&l, path, trains));
        uint64_t n = gr__acquisitions(l.ctx);
        test_context_end(l.ctx);
        assert_true(n > 50);
        for (uint64_t k = 1; k <= n; k += 1 + k / (trains ? 20 : 60)) {
            l.ctx = test_context();
            gr__fail_acquisition(l.ctx, k);
            gr_status st = all(&l, path, trains);
            gr__fail_acquisition(l.ctx, 0);
            assert_true(st == GR_OK || st == GR_E_MEMORY);
            if (st != GR_OK) assert_int_equal(gr_context_error(l.ctx)->code, GR_E_MEMORY);
            test_context_end(l.ctx); /* accounts for every byte */
        }
        l.ctx = own;
        library_end(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_acquisition_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
