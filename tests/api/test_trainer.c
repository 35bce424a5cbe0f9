/* Trainings by programs: from recipe and data, told by callbacks, resumed, stopped, failed, and several at a time.
 * [interface 4] */
#include <pthread.h>

#include "library_case.h"

/* ---- recipes ---- */

static void recipes_are_opened_and_set(void **state)
{
    (void)state;
    static const char *const sets[] = {"optimizer.lr=0.125", "stop.epochs=2"};
    library l;
    gr_recipe *r, *other, *file;
    char *text, *again;
    library_begin(&l);
    test_ok(l.ctx, gr_recipe_parse(l.ctx, "small", NULL, library_text, sets, 1, &r));
    assert_string_equal(gr_recipe_name(r), "small");
    test_ok(l.ctx, gr_recipe_with(r, sets + 1, 1, &other));
    gr_recipe_close(r);
    test_ok(l.ctx, gr_recipe_text(other, &text));
    assert_non_null(strstr(text, "lr: 0.125"));
    assert_non_null(strstr(text, "epochs: 2"));
    assert_non_null(strstr(text, "type: program"));
    static const char *const keys[][2] = {
        {"optimizer.lr", "0.125"}, {"optimizer.type", "adam"}, {"log.terminal", "plain"},      {"seed", "3"},
        {"model.input[0]", "3"},   {"clip", "none"},           {"model.layers[1].units", "3"}, {"data.batch", "24"}};
    for (size_t i = 0; i < GR_COUNT(keys); i++) {
        char *value;
        test_ok(l.ctx, gr_recipe_get(other, keys[i][0], &value));
        assert_string_equal(value, keys[i][1]);
        gr_text_free(l.ctx, value);
    }
    static const char *const none[] = {"",
                                       "optimizer.lr.x",
                                       "model.layers[2]",
                                       "model.layers[-1]",
                                       "model.layers[x]",
                                       "model.layers[0",
                                       "optimiser",
                                       "optimizer..lr",
                                       "."};
    for (size_t i = 0; i < GR_COUNT(none); i++)
        library_failed(l.ctx, gr_recipe_get(other, none[i], &again), GR_E_KEY, "the recipe has no key");
    FILE *f = fopen(library_path(&l, "r.yaml"), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    test_ok(l.ctx, gr_recipe_open(l.ctx, library_path(&l, "r.yaml"), NULL, 0, &file));
    test_ok(l.ctx, gr_recipe_text(file, &again));
    assert_string_equal(text, again); /* a resolved recipe resolves to itself */
    gr_text_free(l.ctx, text);
    gr_text_free(l.ctx, again);
    gr_recipe_close(other);
    gr_recipe_close(file);
    gr_recipe_close(NULL);
    library_end(&l);
}

static void what_is_wrong_has_a_place(void **state)
{
    (void)state;
    static const char *const bad[] = {"optimizer.beta2=2"}, *const none[] = {NULL};
    library l;
    gr_recipe *r;
    library_begin(&l);
    gr_status st = gr_recipe_parse(l.ctx, "mine.yaml", NULL,
                                   "data: {train: program}\noptimizer: {type: adam, beta3: 1}\ncost: mse\nmodel: "
                                   "{input: [1], layers: [flatten]}\n",
                                   NULL, 0, &r);
    const gr_error *e = gr_context_error(l.ctx);
    assert_int_equal(st, GR_E_KEY);
    assert_string_equal(e->file, "mine.yaml");
    assert_int_equal(e->line, 2);
    assert_true(e->column > 20 && strstr(e->key, "optimizer.beta3") && e->hint[0]);
    gr_context_clear_error(l.ctx);
    library_failed(l.ctx, gr_recipe_parse(l.ctx, NULL, NULL, library_text, bad, 1, &r), GR_E_RANGE,
                   "2 is not in [0, 1)");
    library_failed(l.ctx, gr_recipe_parse(l.ctx, NULL, NULL, library_text, none, 1, &r), GR_E_USAGE,
                   "setting 1 of 1 is NULL");
    library_failed(l.ctx, gr_recipe_open(l.ctx, "/nowhere/r.yaml", NULL, 0, &r), GR_E_FILE, "/nowhere/r.yaml");
    library_failed(l.ctx, gr_recipe_parse(l.ctx, NULL, NULL, NULL, NULL, 0, &r), GR_E_USAGE, "a recipe of no text");
    library_end(&l);
}

/* ---- callbacks ---- */

typedef struct told {
    int updates, evaluations, checkpoints, all, stop_after, fail_after;
    double error;
    gr_status with;
} told;

static gr_status updated(void *user, const gr_progress *p, bool *stop)
{
    told *t = user;
    t->updates++;
    assert_int_equal(p->step, t->updates);
    *stop = t->stop_after && t->updates >= t->stop_after;
    return t->fail_after && t->updates >= t->fail_after ? t->with : GR_OK;
}

static gr_status evaluated(void *user, const gr_progress *p, bool *stop)
{
    told *t = user;
    (void)stop;
    t->evaluations++;
    t->error = gr_evaluation_error(p->evaluation, 0);
    assert_int_equal(gr_evaluation_samples(p->evaluation), LIBRARY_N / 4);
    assert_true(fabs(gr_evaluation_metric(p->evaluation, 0, "accuracy") - (1 - t->error)) < 1e-12);
    return GR_OK;
}

static gr_status saving(void *user, const gr_progress *p, bool *stop)
{
    (void)p, (void)stop;
    ((told *)user)->checkpoints++;
    return GR_OK;
}

static gr_status hear(void *user, const gr_progress *p, bool *stop)
{
    (void)p, (void)stop;
    ((told *)user)->all++;
    return GR_OK;
}

static gr_watcher watcher_of(told *t)
{
    return (gr_watcher){GR_WATCHER_VERSION, t, updated, evaluated, saving, hear};
}

static void callbacks_are_called(void **state)
{
    (void)state;
    library l;
    told t = {0};
    gr_trainer *trainer;
    gr_evaluation *ev;
    gr_train_result found;
    library_begin(&l);
    gr_recipe *r = library_recipe(&l, library_text, NULL);
    gr_data *d = library_data(&l, true);
    const gr_watcher w = watcher_of(&t);
    gr_trainer_options o = library_options(&l, "run");
    o.watcher = &w;
    o.n_watchers = 1;
    test_ok(l.ctx, gr_trainer_create(r, &(gr_trainer_data){.train = d}, &o, &trainer));
    assert_string_equal(gr_trainer_folder(trainer), l.path);
    library_failed(l.ctx, gr_trainer_save(trainer, "x"), GR_E_USAGE, "has not begun");
    test_ok(l.ctx, gr_trainer_run(trainer, &found));
    assert_int_equal(found.reason, GR_REASON_EPOCHS);
    assert_string_equal(gr_reason_name(found.reason), "epochs");
    assert_int_equal(found.steps, t.updates);
    assert_int_equal(t.updates, 36); /* 72 samples in three batches, twelve times */
    assert_int_equal(t.evaluations, 12);
    assert_true(t.checkpoints >= 2 && t.all > 60);
    assert_true(found.planned_bytes == found.peak_bytes && found.peak_bytes > 0);
    test_ok(l.ctx, gr_trainer_evaluate(trainer, &ev));
    assert_true(gr_evaluation_error(ev, 0) == t.error && gr_evaluation_cost(ev) == found.final_cost);
    gr_evaluation_destroy(ev);
    test_ok(l.ctx, gr_trainer_save(trainer, library_path(&l, "mine.safetensors")));
    library_failed(l.ctx, gr_trainer_run(trainer, &found), GR_E_USAGE, "has run already");
    gr_trainer_destroy(trainer);
    gr_trainer_destroy(NULL);

    /* What was saved is the last model, to the bit. */
    gr_model *a, *b;
    float x[LIBRARY_N * 3], y[LIBRARY_N * 3];
    test_ok(l.ctx, gr_model_open(l.ctx, library_path(&l, "mine.safetensors"), &a));
    test_ok(l.ctx, gr_model_open(l.ctx, library_path(&l, "run/last.safetensors"), &b));
    test_ok(l.ctx, gr_model_predict(a, &l.x[0][0], LIBRARY_N, x));
    test_ok(l.ctx, gr_model_predict(b, &l.x[0][0], LIBRARY_N, y));
    assert_memory_equal(x, y, sizeof x);
    gr_model_close(a);
    gr_model_close(b);
    gr_data_destroy(d);
    gr_recipe_close(r);
    library_end(&l);
}

/* Stopped by a callback, resumed: the end is that of the run that went through. */
static void a_stopped_run_goes_on(void **state)
{
    (void)state;
    library l;
    told t = {.stop_after = 5};
    library_begin(&l);
    gr_recipe *r = library_recipe(&l, library_text, NULL);
    gr_data *d = library_data(&l, true);
    const gr_trainer_data data = {.train = d};
    const gr_watcher w = watcher_of(&t);
    gr_train_result whole = library_train(&l, r, &data, library_options(&l, "whole"));
    gr_trainer_options o = library_options(&l, "cut");
    o.watcher = &w;
    o.n_watchers = 1;
    gr_train_result cut = library_train(&l, r, &data, o);
    assert_int_equal(cut.reason, GR_REASON_ASKED);
    assert_int_equal(cut.steps, 5);
    gr_trainer *again;
    o = library_options(&l, "cut");
    library_failed(l.ctx, gr_trainer_create(r, &data, &o, &again), GR_E_EXISTS, "cut");
    o.resume = true;
    cut = library_train(&l, r, &data, o);
    assert_int_equal(cut.steps, whole.steps);
    assert_true(cut.final_cost == whole.final_cost && cut.best_cost == whole.best_cost);
    /* Other data is told from that of the checkpoint. */
    l.x[7][0] += 1;
    gr_trainer *other;
    gr_train_result found;
    test_ok(l.ctx, gr_trainer_create(r, &data, &o, &other));
    library_failed(l.ctx, gr_trainer_run(other, &found), GR_E_DATA, "\"input\" has changed: its inputs are not those");
    gr_trainer_destroy(other);
    gr_data_destroy(d);
    gr_recipe_close(r);
    library_end(&l);
}

static void a_callback_may_fail_it(void **state)
{
    (void)state;
    library l;
    gr_trainer *trainer;
    gr_train_result found;
    library_begin(&l);
    gr_recipe *r = library_recipe(&l, library_text, NULL);
    gr_data *d = library_data(&l, true);
    static const gr_status with[] = {GR_E_CHECK, GR_E_INTERRUPTED};
    for (int i = 0; i < 2; i++) {
        told t = {.fail_after = 4, .with = with[i]};
        const gr_watcher w = watcher_of(&t);
        gr_trainer_options o = library_options(&l, i ? "b" : "a");
        o.watcher = &w;
        o.n_watchers = 1;
        test_ok(l.ctx, gr_trainer_create(r, &(gr_trainer_data){.train = d}, &o, &trainer));
        library_failed(l.ctx, gr_trainer_run(trainer, &found), with[i],
                       i ? "interrupted after step 4" : "step 4: a watcher ended the run");
        if (i) assert_true(found.steps == 4 && found.reason == GR_REASON_INTERRUPTED && t.checkpoints >= 1);
        gr_trainer_destroy(trainer);
    }
    gr_data_destroy(d);
    gr_recipe_close(r);
    library_end(&l);
}

/* ---- data ---- */

typedef struct rows {
    const library *l;
    int calls;
} rows;

static gr_status give(void *user, int64_t sample, void *values)
{
    rows *g = user;
    g->calls++;
    memcpy(values, g->l->x[sample], sizeof g->l->x[sample]);
    return GR_OK;
}

/* Whether it stands in memory, or a function gives it, held or read anew in every epoch: the same run. */
static void a_function_trains_the_same(void **state)
{
    (void)state;
    gr_train_result found[4];
    for (int i = 0; i < 4; i++) {
        bool asks = i % 2, few = i >= 2; /* few: less may be held than there is */
        library l;
        library_begin(&l);
        gr_recipe *r = library_recipe(&l, library_text, few ? "hold=64" : NULL);
        gr_data *d;
        rows g = {.l = &l};
        gr_data_field x = library_input(&l), y = library_target(&l);
        if (asks) x.values = NULL, x.read = give, x.user = &g;
        test_ok(l.ctx, gr_data_create(l.ctx, LIBRARY_N, &d));
        test_ok(l.ctx, gr_data_add(d, &x));
        test_ok(l.ctx, gr_data_add(d, &y));
        found[i] = library_train(&l, r, &(gr_trainer_data){.train = d}, library_options(&l, "run"));
        if (asks) assert_true(few ? g.calls > 12 * LIBRARY_N : g.calls == LIBRARY_N); /* each once, then held */
        assert_true(found[i].final_cost == found[0].final_cost && found[i].best_cost == found[0].best_cost);
        assert_true(found[i].planned_bytes == found[i].peak_bytes && found[i].planned_bytes > 0);
        gr_data_destroy(d);
        gr_recipe_close(r);
        library_end(&l);
    }
    assert_true(found[2].planned_bytes < found[0].planned_bytes); /* numbers that do not stand twice */
}

/* The validation part has data of its own; weights weigh; classes have their names in the model. */
static void parts_weights_and_names(void **state)
{
    (void)state;
    library l;
    static const char text[] =
        "gradus: 1\nmodel: {input: [3], layers: [{type: dense, units: 3}]}\ncost: cross_entropy\n"
        "data: {train: program, batch: 32, prepare: [standardize]}\nstop: {epochs: 2}\n";
    double w[LIBRARY_N];
    library_begin(&l);
    for (int i = 0; i < LIBRARY_N; i++) w[i] = i % 3 == 1 ? 0 : 1;
    gr_recipe *r = library_recipe(&l, text, NULL);
    gr_data *train = library_data(&l, true), *validation = library_data(&l, true), *weighted = library_data(&l, true);
    test_ok(l.ctx, gr_data_add(weighted, &(gr_data_field){GR_DATA_FIELD_VERSION, GR_DATA_WEIGHT, NULL, GR_DATA_F64,
                                                          GR_SCALAR, .values = w}));
    gr_train_result a = library_train(&l, r, &(gr_trainer_data){train, validation, NULL}, library_options(&l, "a"));
    gr_train_result b = library_train(&l, r, &(gr_trainer_data){weighted, validation, NULL}, library_options(&l, "b"));
    assert_true(isfinite(a.final_cost) && isfinite(b.final_cost) && a.final_cost != b.final_cost);
    gr_data_destroy(train);
    gr_data_destroy(validation);
    gr_data_destroy(weighted);
    gr_recipe_close(r);
    library_end(&l);
}

static void what_does_not_go_together(void **state)
{
    (void)state;
    library l;
    gr_trainer *t;
    library_begin(&l);
    gr_recipe *r = library_recipe(&l, library_text, NULL);
    gr_data *d = library_data(&l, true), *bare = library_data(&l, false);
    const gr_trainer_data data = {.train = d};
    gr_trainer_options o = library_options(&l, "run");
    library_failed(l.ctx, gr_trainer_create(r, NULL, &o, &t), GR_E_DATA, "this data is a program's");
    library_failed(l.ctx, gr_trainer_create(r, &(gr_trainer_data){.train = bare}, &o, &t), GR_E_CONFLICT,
                   "the data has no target \"main\"");
    o.resume = o.overwrite = true;
    library_failed(l.ctx, gr_trainer_create(r, &data, &o, &t), GR_E_USAGE, "not both");
    o = (gr_trainer_options){.out = "x"};
    library_failed(l.ctx, gr_trainer_create(r, &data, &o, &t), GR_E_UNSUPPORTED, "options of version 0");
    o = library_options(&l, "run");
    o.watcher = &(gr_watcher){.version = 7};
    o.n_watchers = 1;
    library_failed(l.ctx, gr_trainer_create(r, &data, &o, &t), GR_E_UNSUPPORTED, "watcher 0 is of version 7");
    l.y[5] = 3;
    o = library_options(&l, "run");
    library_failed(l.ctx, gr_trainer_create(r, &data, &o, &t), GR_E_DATA, "");
    l.y[5] = 2;
    gr_context *small;
    gr_recipe *there;
    test_ok(l.ctx, gr_context_create(&(gr_context_options){.budget_bytes = 1000, .threads = 1}, &small));
    test_ok(small, gr_recipe_parse(small, "small", NULL, library_text, NULL, 0, &there));
    library_failed(small, gr_trainer_create(there, &data, &o, &t), GR_E_USAGE, "belongs to another context");
    gr_data *in_small;
    test_ok(small, gr_data_create(small, LIBRARY_N, &in_small));
    test_ok(small, gr_data_add(in_small, &(gr_data_field[]){library_input(&l)}[0]));
    test_ok(small, gr_data_add(in_small, &(gr_data_field[]){library_target(&l)}[0]));
    gr_status st = gr_trainer_create(there, &(gr_trainer_data){.train = in_small}, &o, &t);
    library_failed(small, st, GR_E_BUDGET, ""); /* of the context: memory is accounted there */
    gr_data_destroy(in_small);
    gr_recipe_close(there);
    test_context_end(small);
    gr_data_destroy(d);
    gr_data_destroy(bare);
    gr_recipe_close(r);
    library_end(&l);
}

/* ---- threads ---- */

typedef struct one {
    double cost;
    float y[LIBRARY_N * 3];
} one;

static void *train_alone(void *arg)
{
    one *o = arg;
    library l;
    gr_model *m;
    library_begin(&l);
    gr_recipe *r = library_recipe(&l, library_text, NULL);
    gr_data *d = library_data(&l, true);
    o->cost = library_train(&l, r, &(gr_trainer_data){.train = d}, library_options(&l, "run")).final_cost;
    test_ok(l.ctx, gr_model_open(l.ctx, library_path(&l, "run/best.safetensors"), &m));
    test_ok(l.ctx, gr_model_predict(m, &l.x[0][0], LIBRARY_N, o->y));
    gr_model_close(m);
    gr_data_destroy(d);
    gr_recipe_close(r);
    library_end(&l);
    return NULL;
}

/* A context a thread: none knows of another, and all find the same. */
static void contexts_in_threads(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    static one found[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, train_alone, &found[i]), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (int i = 1; i < THREADS; i++) assert_memory_equal(&found[i], &found[0], sizeof found[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_are_opened_and_set), cmocka_unit_test(what_is_wrong_has_a_place),
        cmocka_unit_test(callbacks_are_called),       cmocka_unit_test(a_stopped_run_goes_on),
        cmocka_unit_test(a_callback_may_fail_it),     cmocka_unit_test(a_function_trains_the_same),
        cmocka_unit_test(parts_weights_and_names),    cmocka_unit_test(what_does_not_go_together),
        cmocka_unit_test(contexts_in_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
