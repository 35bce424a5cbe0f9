/* What stands around the optimizer, in whole trainings: groups, penalties, LookAhead, averages, switches, curvature.
 * All in float64 on ref, where equal arithmetic can be told from nearly equal. */
#include <math.h>

#include "base/rng.h"
#include "model/file.h"
#include "small.h"

/* ---- trainings ---- */

enum { TENSORS = 8 };
typedef struct model { /* the tensors of a model file */
    int n;
    char name[TENSORS][64];
    int64_t count[TENSORS];
    double *v[TENSORS];
} model;

static void model_read(gr_context *ctx, const char *folder, const char *file, model *m)
{
    static const char *const names[] = {"c1.weight", "c1.bias", "head.weight", "head.bias"};
    char path[200];
    gr_st *st;
    *m = (model){0};
    snprintf(path, sizeof path, "%s/%s", folder, file);
    test_ok(ctx, gr__st_open(ctx, path, &st));
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        const gr_st_tensor *t = gr__st_find(st, names[i]);
        if (!t) continue;
        assert_int_equal(t->type, GR_ST_F64);
        snprintf(m->name[m->n], sizeof m->name[0], "%s", names[i]);
        m->count[m->n] = gr_shape_count(t->shape);
        m->v[m->n] = malloc(t->bytes);
        memcpy(m->v[m->n++], t->data, t->bytes);
    }
    gr__st_close(st);
}

static void model_free(model *m)
{
    for (int i = 0; i < m->n; i++) free(m->v[i]);
}

static double apart(const model *a, const model *b)
{
    double most = 0;
    assert_int_equal(a->n, b->n);
    for (int i = 0; i < a->n; i++)
        for (int64_t k = 0; k < a->count[i]; k++) most = fmax(most, fabs(a->v[i][k] - b->v[i][k]));
    return most;
}

typedef struct costs {
    int n;
    double train[64], data[64];
} costs;

static void costs_read(const char *folder, costs *c)
{
    char path[200], line[1024];
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (c->n = 0; fgets(line, sizeof line, f) && c->n < (int)GR_COUNT(c->train); c->n++) {
        const char *train = strstr(line, "\"train_cost\":"), *data = strstr(line, "\"data_cost\":");
        c->train[c->n] = strtod(train + 13, NULL);
        c->data[c->n] = data ? strtod(data + 12, NULL) : (double)NAN;
    }
    fclose(f);
}

/* Trains small's recipe in float64 with more lines and sets; reads `file` of the run. c may be NULL. */
static gr_train_result fit(const char *more, const char *const *sets, int n_sets, const char *file, model *m, costs *c)
{
    small s;
    gr_train_result result;
    gr_recipe *r;
    char text[1024];
    snprintf(text, sizeof text, "precision: float64\ncheckpoint: none\n%s", more);
    small_make(&s, text);
    gr_context *ctx = test_context_with(1, 0);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, sets, n_sets, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
    assert_int_equal(result.planned_bytes, result.peak_bytes);
    gr__recipe_close(ctx, r);
    model_read(ctx, s.out, file, m);
    if (c) costs_read(s.out, c);
    test_context_end(ctx);
    small_remove(&s);
    return result;
}

#define FIT(more, m) fit(more, NULL, 0, "last.safetensors", m, NULL)

static void equal_to_the_bit(const char *one, const char *other)
{
    model a, b;
    FIT(one, &a);
    FIT(other, &b);
    assert_true(apart(&a, &b) == 0);
    model_free(&a);
    model_free(&b);
}

/* ---- groups ---- */

static void frozen_parameters_stay_as_they_are(void **state)
{
    (void)state;
    model first, later, trained;
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 1}\ngroups: [{match: \"c1.*\", freeze: true}]\n", &first);
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 9}\ngroups: [{match: \"c1.*\", freeze: true}]\n", &later);
    FIT("optimizer: adam\nvalidate: none\nstop: {steps: 9}\n", &trained);
    for (int i = 0; i < 4; i++) {
        bool frozen = first.name[i][0] == 'c',
             same = memcmp(first.v[i], later.v[i], sizeof(double) * (size_t)first.count[i]) == 0;
        assert_true(same == frozen);
        assert_true(memcmp(trained.v[i], later.v[i], sizeof(double) * (size_t)first.count[i]) != 0);
    }
    model_free(&first), model_free(&later), model_free(&trained);
}

/* Nothing behind a frozen layer is computed, and no state is kept for it. */
static void frozen_layers_cost_nothing(void **state)
{
    (void)state;
    for (int frozen = 0; frozen < 2; frozen++) {
        small s;
        gr_recipe *r;
        gr_task task;
        gr_engine e;
        small_make(&s, frozen ? "optimizer: adam\ngroups: [{match: \"c1.*\", freeze: true}]\n" : "optimizer: adam\n");
        gr_context *ctx = test_context_with(1, 0);
        test_ok(ctx, gr__recipe_open(ctx, s.recipe, NULL, 0, &r));
        test_ok(ctx, gr__task_estimate(ctx, r, &task));
        test_ok(ctx, gr__engine_make(&task, true, 0, &e));
        assert_true((gr_store_find(e.store, "c1.weight/m") == NULL) == frozen);
        assert_non_null(gr_store_find(e.store, "head.weight/m"));
        int conv_weights = 0;
        for (int i = 0; i < gr_plan_rows(e.plan[0].plan); i++)
            conv_weights += strstr(gr_plan_row_at(e.plan[0].plan, i).kernel, "conv weights") != NULL;
        assert_true((conv_weights == 0) == frozen);
        gr__engine_close(&e);
        gr__task_close(&task);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
        small_remove(&s);
    }
}

/* lr_scale multiplies the whole step, decoupled decay included; the first match counts; a group's decay replaces the
 * optimizer's, on biases too. */
static void groups_scale_and_decay(void **state)
{
    (void)state;
    model start, whole, scaled;
    FIT("optimizer: {type: sgd, lr: 0, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n",
        &start);
    FIT("optimizer: {type: sgd, lr: 0.5, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n",
        &whole);
    FIT("optimizer: {type: sgd, lr: 0.5, weight_decay: 0.1, decay: decoupled}\nvalidate: none\nstop: {steps: 1}\n"
        "groups: [{match: head.weight, lr_scale: 0.25}, {match: \"h*\", lr_scale: 0}, {match: \"c?.*\", lr_scale: 2, "
        "weight_decay: 0.1}]\n",
        &scaled);
    for (int i = 0; i < 4; i++) {
        double scale = strcmp(start.name[i], "head.weight") == 0 ? 0.25
                       : strcmp(start.name[i], "head.bias") == 0 ? 0
                                                                 : 2;
        for (int64_t k = 0; k < start.count[i]; k++)
            assert_true(fabs((scaled.v[i][k] - start.v[i][k]) - scale * (whole.v[i][k] - start.v[i][k])) <
                        1e-14); /* biases start at 0: no decay to see */
    }
    model_free(&start), model_free(&whole), model_free(&scaled);
    FIT("optimizer: {type: sgd, lr: 0, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: 1}}\n",
        &start);
    FIT("optimizer: {type: adamw, lr: 0.5, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: "
        "1}}\n",
        &whole);
    FIT("optimizer: {type: adamw, lr: 0.5, weight_decay: 0.1}\nstop: {steps: 1}\nvalidate: none\ninit: {bias: {type: "
        "constant, value: 1}}\n"
        "groups: [{match: head.bias, weight_decay: 0.2}]\n",
        &scaled);
    for (int64_t k = 0; k < start.count[3]; k++) assert_true(fabs(whole.v[3][k] - scaled.v[3][k] - 0.5 * 0.2) < 1e-15);
    assert_memory_equal(whole.v[0], scaled.v[0], sizeof(double) * (size_t)start.count[0]);
    model_free(&start), model_free(&whole), model_free(&scaled);
}

/* ---- penalties  [mission G7, G8, P2] ---- */

static void a_penalty_adds_its_gradient_and_is_reported_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double l2, l1;
    } cases[] = {{"penalty: {l2: 0.01}\n", 0.01, 0},
                 {"penalty: {l1: 0.02}\n", 0, 0.02},
                 {"penalty: {l2: 0.01, l1: 0.02}\n", 0.01, 0.02}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        model start, plain, with;
        costs k;
        char text[300];
        FIT("optimizer: {type: sgd, lr: 0}\nvalidate: none\nstop: {steps: 1}\n", &start);
        FIT("optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n", &plain);
        snprintf(text, sizeof text, "optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n%s",
                 cases[c].line);
        fit(text, NULL, 0, "last.safetensors", &with, &k);
        double term = 0;
        for (int i = 0; i < 4; i++) {
            bool bias = strstr(start.name[i], "bias") != NULL;
            for (int64_t j = 0; j < start.count[i]; j++) {
                double w = start.v[i][j], slope = bias ? 0 : 2 * cases[c].l2 * w + cases[c].l1 * ((w > 0) - (w < 0));
                assert_true(fabs(plain.v[i][j] - with.v[i][j] - 0.5 * slope) < 1e-14);
                if (!bias) term += cases[c].l2 * w * w + cases[c].l1 * fabs(w);
            }
        }
        assert_true(fabs(k.train[0] - k.data[0] - term) < 1e-8 * term);
        model_free(&start), model_free(&plain), model_free(&with);
    }
}

/* The penalty enters before clipping, once an update whatever the micro-batches, and whatever the reduction. */
static void a_penalty_counts_once(void **state)
{
    (void)state;
    const char *lines = "optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 3}\npenalty: {l2: 0.1, l1: "
                        "0.01}\nclip: {norm: 0.5}\n";
    const char *const whole[] = {"data.batch=32"}, *const micro[] = {"data.batch=8", "accumulate=4"};
    model a, b;
    fit(lines, whole, 1, "last.safetensors", &a, NULL);
    fit(lines, micro, 2, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) < 1e-13);
    model_free(&a), model_free(&b);
}

/* With reduction: sum the gradient of the data is as many times as long as there are samples; the penalty's stays what
 * it is, however many micro-batches there are. */
static void a_penalty_counts_once_beside_a_sum(void **state)
{
    (void)state;
    enum { BATCH = 16 };
    const double lr = 0.5 / BATCH, l2 = 0.03, l1 = 0.02;
    const char *const sum[] = {"cost={type: cross_entropy, reduction: sum}"};
    const char *const micro[] = {"cost={type: cross_entropy, reduction: sum}", "data.batch=4", "accumulate=4"};
    model start, mean, plain, with, split;
    costs k;
    char text[300];
    FIT("optimizer: {type: sgd, lr: 0}\nvalidate: none\nstop: {steps: 1}\n", &start);
    FIT("optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n", &mean);
    fit("optimizer: {type: sgd, lr: 0.03125}\nvalidate: none\nstop: {steps: 1}\n", sum, 1, "last.safetensors", &plain,
        NULL);
    assert_true(apart(&start, &mean) > 1e-3 && apart(&mean, &plain) < 1e-14); /* sixteen times the gradient */
    snprintf(text, sizeof text,
             "optimizer: {type: sgd, lr: %g}\nvalidate: none\nstop: {steps: 1}\npenalty: {l2: %g, l1: %g}\n", lr, l2,
             l1);
    fit(text, sum, GR_COUNT(sum), "last.safetensors", &with, &k);
    fit(text, micro, GR_COUNT(micro), "last.safetensors", &split, NULL);
    assert_true(apart(&with, &split) < 1e-14);
    double term = 0;
    for (int i = 0; i < 4; i++) {
        bool bias = strstr(start.name[i], "bias") != NULL;
        for (int64_t j = 0; j < start.count[i]; j++) {
            double w = start.v[i][j], slope = bias ? 0 : 2 * l2 * w + l1 * ((w > 0) - (w < 0));
            assert_true(fabs(plain.v[i][j] - with.v[i][j] - lr * slope) < 1e-14);
            if (!bias) term += l2 * w * w + l1 * fabs(w);
        }
    }
    assert_true(fabs(k.train[0] - k.data[0] - term) < 1e-8 * term); /* beside the mean, which is what is reported */
    model_free(&start), model_free(&mean), model_free(&plain), model_free(&with), model_free(&split);
}

enum { ROWS = 40, INPUTS = 5 };
typedef struct linear {
    double x[ROWS][INPUTS], y[ROWS];
} linear;

static linear linear_problem(void)
{
    linear p;
    gr__rng rng = gr__rng_make(11, "linear", 0, 0);
    const double truth[INPUTS] = {1.5, 0, -0.7, 0.05, 0};
    for (int r = 0; r < ROWS; r++) {
        p.y[r] = 0.3 + 0.1 * gr__rng_normal(&rng);
        for (int i = 0; i < INPUTS; i++) p.x[r][i] = gr__rng_normal(&rng), p.y[r] += truth[i] * p.x[r][i];
    }
    return p;
}

/* Trains y = x w + b on the problem by gradient descent until nothing moves. */
static void fit_linear(const linear *p, const char *penalty, double w[INPUTS], double *b)
{
    char folder[64] = "/tmp/gradus-linear-XXXXXX", path[200], out[100];
    gr_context *ctx = test_context_with(1, 0);
    gr_recipe *r;
    gr_train_result result;
    gr_st *st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/p.csv", folder);
    FILE *f = fopen(path, "w");
    for (int k = 0; k < INPUTS; k++) fprintf(f, "x%d,", k);
    fprintf(f, "y\n");
    for (int k = 0; k < ROWS; k++) {
        for (int i = 0; i < INPUTS; i++) fprintf(f, "%.17g,", p->x[k][i]);
        fprintf(f, "%.17g\n", p->y[k]);
    }
    fclose(f);
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    snprintf(out, sizeof out, "%s/run", folder);
    f = fopen(path, "w");
    fprintf(f,
            "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: p.csv, target: y}}\nmodel: {input: %d, "
            "layers: [{type: dense, "
            "units: 1, name: head}]}\n"
            "cost: mse\noptimizer: {type: gd, lr: 0.1}\nstop: {epochs: 3000}\nlog: {every: 1000}\ncheckpoint: none\n%s",
            INPUTS, penalty);
    fclose(f);
    test_ok(ctx, gr__recipe_open(ctx, path, NULL, 0, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
    assert_int_equal(result.steps, 3000); /* an update an epoch: data.batch is ignored [mission O1] */
    snprintf(path, sizeof path, "%s/last.safetensors", out);
    test_ok(ctx, gr__st_open(ctx, path, &st));
    memcpy(w, gr__st_find(st, "head.weight")->data, sizeof(double) * INPUTS);
    memcpy(b, gr__st_find(st, "head.bias")->data, sizeof(double));
    gr__st_close(st);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    char command[120];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* Coordinate descent on mean (y - x w - b)^2 + l2 |w|^2 + l1 |w|_1: each step has a closed form. */
static void solve_linear(const linear *p, double l2, double l1, double w[INPUTS], double *b)
{
    *b = 0;
    for (int i = 0; i < INPUTS; i++) w[i] = 0;
    for (int sweep = 0; sweep < 3000; sweep++)
        for (int i = -1; i < INPUTS; i++) {
            double top = 0, square = 0;
            for (int r = 0; r < ROWS; r++) {
                double rest = p->y[r] - *b, x = i < 0 ? 1 : p->x[r][i];
                for (int k = 0; k < INPUTS; k++) rest -= p->x[r][k] * w[k];
                rest += x * (i < 0 ? *b : w[i]);
                top += 2 * x * rest / ROWS, square += 2 * x * x / ROWS;
            }
            if (i < 0)
                *b = top / square;
            else
                w[i] = (fabs(top) <= l1 ? 0 : top - (top > 0 ? l1 : -l1)) / (square + 2 * l2);
        }
}

static void penalised_lines_are_those_of_coordinate_descent(void **state) /* ridge, lasso, elastic net */
{
    (void)state;
    static const struct {
        const char *line;
        double l2, l1;
        int zeros;
    } cases[] = {
        {"", 0, 0, 0},
        {"penalty: {l2: 0.3}\n", 0.3, 0, 0},
        {"penalty: {l1: 0.25, l1_step: proximal}\n", 0, 0.25, 3},
        {"penalty: {l1: 0.25, l2: 0.1, l1_step: proximal}\n", 0.1, 0.25, 3},
    };
    linear p = linear_problem();
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        double w[INPUTS], b, want[INPUTS], want_b;
        int zeros = 0;
        fit_linear(&p, cases[c].line, w, &b);
        solve_linear(&p, cases[c].l2, cases[c].l1, want, &want_b);
        for (int i = 0; i < INPUTS; i++) {
            assert_true(fabs(w[i] - want[i]) < 1e-9);
            zeros += w[i] == 0;
        }
        assert_true(fabs(b - want_b) < 1e-9);
        assert_int_equal(zeros, cases[c].zeros);
    }
}

/* ---- gradient descent  [mission O1, O2] ---- */

static void gd_is_sgd_with_one_batch(void **state)
{
    (void)state;
    model a, b;
    const char *const all[] = {"data.batch=all"};
    gr_train_result r = FIT("optimizer: {type: gd, lr: 0.2}\nstop: {epochs: 4}\nvalidate: none\n", &a);
    assert_int_equal(r.steps, 4);
    fit("optimizer: {type: sgd, lr: 0.2}\nstop: {epochs: 4}\nvalidate: none\n", all, 1, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) == 0);
    model_free(&a), model_free(&b);
}

static void both_forms_of_nag_see_the_same_points(void **state) /* while the rate is constant [mission O19] */
{
    (void)state;
    model a, b;
    costs one, other;
    fit("optimizer: {type: nag, lr: 0.05}\nstop: {steps: 12}\nvalidate: none\n", NULL, 0, "last.safetensors", &a, &one);
    fit("optimizer: {type: nag, lr: 0.05, form: sutskever}\nstop: {steps: 12}\nvalidate: none\n", NULL, 0,
        "last.safetensors", &b, &other);
    assert_int_equal(one.n, 12);
    for (int i = 0; i < 12; i++) assert_true(fabs(one.train[i] - other.train[i]) < 1e-9);
    assert_true(apart(&a, &b) > 1e-4); /* the weights themselves are not those points */
    model_free(&a), model_free(&b);
}

/* ---- LookAhead  [mission O25, O26] ---- */

static void lookahead_of_one_is_the_optimizer_alone(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: adam\nstop: {steps: 11}\n",
                     "optimizer: adam\nstop: {steps: 11}\nlookahead: {k: 3, alpha: 1, eval: fast}\n");
}

static void lookahead_of_zero_trains_nothing(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: sgd, lr: 0}\nstop: {steps: 1}\n",
                     "optimizer: adam\nstop: {steps: 9}\nlookahead: {k: 3, alpha: 0}\n");
}

static void ranger_is_radam_inside_lookahead(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: ranger, lr: 0.02}\nstop: {steps: 20}\n",
                     "optimizer: {type: radam, lr: 0.02, beta1: 0.95, eps: 1e-5}\nstop: {steps: 20}\nlookahead: {k: 6, "
                     "alpha: 0.5}\n");
}

/* After k updates of SGD the weights are halfway between the start and where SGD alone is; between synchronisations the
 * slow ones are the model. */
static void lookahead_pulls_halfway_back(void **state)
{
    (void)state;
    model start, fast, half, between;
    FIT("optimizer: {type: sgd, lr: 0}\nstop: {steps: 1}\nvalidate: none\n", &start);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 5}\nvalidate: none\n", &fast);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 5}\nvalidate: none\nlookahead: {k: 5, alpha: 0.5}\n", &half);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 8}\nvalidate: none\nlookahead: {k: 5, alpha: 0.5}\n",
        &between);
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < start.count[i]; k++)
            assert_true(half.v[i][k] == 0.5 * start.v[i][k] + 0.5 * fast.v[i][k]);
    assert_true(apart(&half, &between) == 0);
    model_free(&start), model_free(&fast), model_free(&half), model_free(&between);
}

static void lookahead_may_treat_the_inner_momentum(void **state)
{
    (void)state;
    model keep, reset, pullback, again;
    const char *base = "optimizer: {type: sgdm, lr: 0.1}\nstop: {steps: 10}\nvalidate: none\n";
    const char *const sets[] = {"lookahead={k: 5, alpha: 0.5}", "lookahead={k: 5, alpha: 0.5, inner: reset}",
                                "lookahead={k: 5, alpha: 0.5, inner: pullback}"};
    fit(base, &sets[0], 1, "last.safetensors", &keep, NULL);
    fit(base, &sets[1], 1, "last.safetensors", &reset, NULL);
    fit(base, &sets[2], 1, "last.safetensors", &pullback, NULL);
    fit(base, &sets[2], 1, "last.safetensors", &again, NULL);
    assert_true(apart(&keep, &reset) > 1e-6 && apart(&keep, &pullback) > 1e-6 && apart(&reset, &pullback) > 1e-6);
    assert_true(apart(&pullback, &again) == 0);
    model_free(&keep), model_free(&reset), model_free(&pullback), model_free(&again);
}

/* ---- averages  [mission O24, SYS24] ---- */

static void swa_is_the_mean_of_what_it_collected_and_changes_nothing(void **state)
{
    (void)state;
    model swa, last, plain, at[3];
    const char *lines = "optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\naverage: {type: swa, "
                        "start: 4, cycle: 2}\n";
    const char *const steps[] = {"stop.steps=4", "stop.steps=6",
                                 "stop.steps=8"}; /* after 4, 6, 8: not before the start, not between cycles */
    gr_train_result r = fit(lines, NULL, 0, "swa.safetensors", &swa, NULL);
    assert_int_equal(r.averaged, 3);
    fit(lines, NULL, 0, "last.safetensors", &last, NULL);
    FIT("optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\n", &plain);
    assert_true(apart(&last, &plain) == 0);
    for (int i = 0; i < 3; i++)
        fit("optimizer: {type: sgdm, lr: 0.1}\nvalidate: none\n", &steps[i], 1, "last.safetensors", &at[i], NULL);
    for (int i = 0; i < 4; i++)
        for (int64_t k = 0; k < swa.count[i]; k++)
            assert_true(fabs(swa.v[i][k] - (at[0].v[i][k] + at[1].v[i][k] + at[2].v[i][k]) / 3) < 1e-15);
    model_free(&swa), model_free(&last), model_free(&plain);
    for (int i = 0; i < 3; i++) model_free(&at[i]);
}

/* The best model is whichever weights validate better, and its figures are those weights' own. */
static void the_average_may_be_best(void **state)
{
    (void)state;
    model best, swa;
    const char *lines = "optimizer: {type: sgdm, lr: 0.25}\nstop: {epochs: 12}\nvalidate: {every: 1 epoch}\naverage: "
                        "{type: swa, start: 0.25}\n";
    gr_train_result r = fit(lines, NULL, 0, "best.safetensors", &best, NULL);
    assert_int_equal(r.averaged, 10);
    assert_true(r.best_error <= r.final_error && r.best_error <= r.average_error);
    fit(lines, NULL, 0, "swa.safetensors", &swa, NULL);
    if (r.best_averaged && r.best_step == r.steps) assert_true(apart(&best, &swa) == 0);
    model_free(&best), model_free(&swa);
}

enum { RATES = 10 };

/* The rates that metrics.jsonl has; -1 where there is no line. */
static void rates_read(const char *folder, double rate[RATES])
{
    char path[200], line[1024];
    for (int t = 0; t < RATES; t++) rate[t] = -1;
    snprintf(path, sizeof path, "%s/metrics.jsonl", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *step = strstr(line, "\"step\":"), *lr = strstr(line, "\"lr\":");
        assert_true(step && lr);
        long t = strtol(step + 7, NULL, 10);
        assert_true(t >= 1 && t <= RATES && rate[t - 1] == -1); /* each update once */
        rate[t - 1] = strtod(lr + 5, NULL);
    }
    fclose(f);
}

typedef struct interruption {
    volatile sig_atomic_t stop;
    int64_t after; /* updates */
} interruption;

static void interrupt_after(void *user, const gr_progress *p)
{
    interruption *i = user;
    if (p->phase == GR_PHASE_TRAIN && p->step == i->after) i->stop = 1;
}

/* Ten updates, interrupted after so many and resumed (0: not); the rates of all. */
static void rates_of_a_run(const char *average, int64_t after, double rate[RATES])
{
    small s;
    gr_recipe *r;
    gr_train_result result;
    interruption in = {.after = after};
    char text[400];
    snprintf(text, sizeof text,
             "precision: float64\nvalidate: none\nstop: {steps: 10}\noptimizer: {type: sgd, lr: 0.1}\nschedule: {type: "
             "polynomial, warmup: "
             "2}\n%s",
             average);
    small_make(&s, text);
    gr_context *ctx = test_context_with(1, 0);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, NULL, 0, &r));
    gr_train_options o = {.out = s.out, .resume = true, .stop = &in.stop, .progress = interrupt_after, .user = &in};
    if (after) {
        assert_int_equal(gr__train(ctx, r, &o, &result), GR_E_INTERRUPTED);
        assert_int_equal(result.steps, after);
        gr_context_clear_error(ctx);
        in.stop = 0, in.after = 0;
    }
    test_ok(ctx, gr__train(ctx, r, &o, &result));
    assert_int_equal(result.steps, RATES);
    gr__recipe_close(ctx, r);
    rates_read(s.out, rate);
    test_context_end(ctx);
    small_remove(&s);
}

/* The rate of SWA is constant: the schedule's up to the update after which the first weights are collected, average.lr
 * from the next on. */
static void the_average_has_a_rate_of_its_own(void **state)
{
    (void)state;
    const double schedule[RATES] = {0.005, 0.0525, 0.1, 0.0875, 0.075, 0.0625, 0.05, 0.0375, 0.025, 0.0125};
    static const struct {
        const char *average;
        int first; /* update with a rate of the average's, from 0 */
        double lr;
    } cases[] = {
        {"average: {type: swa, start: 6, cycle: 1, lr: 0.03}\n", 6, 0.03},
        {"average: {type: swa, start: 0.6, cycle: 2, lr: 0.2}\n", 6, 0.2},
        {"average: {type: swa, start: 1 epoch, cycle: 5, lr: 0}\n", 6, 0}, /* 96 rows in batches of 16 */
        {"average: {type: swa, start: 1, cycle: 1, lr: 0.03}\n", 1, 0.03}, /* within the warm-up */
        {"average: {type: swa, start: 6, cycle: 1}\n", RATES, 0},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++)
        for (int64_t after = 0; after < RATES;
             after += i == 0 ? 1 : 7) { /* interrupted before, at and behind the start */
            double rate[RATES];
            rates_of_a_run(cases[i].average, after, rate);
            for (int t = 0; t < RATES; t++) {
                double want = t >= cases[i].first ? cases[i].lr : schedule[t];
                if (fabs(rate[t] - want) > 1e-10)
                    fail_msg("%s: update %d, interrupted after %d, has rate %.10g, not %.10g", cases[i].average, t + 1,
                             (int)after, rate[t], want);
            }
        }
}

/* It is the rate that is trained with, not only the one that is written down: of 0 it moves nothing. */
static void the_rate_of_the_average_is_trained_with(void **state)
{
    (void)state;
    equal_to_the_bit("optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 6}\n",
                     "optimizer: {type: sgd, lr: 0.1}\nvalidate: none\nstop: {steps: 9}\naverage: {type: swa, start: "
                     "6, cycle: 1, lr: 0}\n");
}

/* ---- switches  [mission O11] ---- */

static void a_switch_is_two_runs_one_after_the_other(void **state)
{
    (void)state;
    small s;
    gr_train_result result;
    gr_recipe *r;
    model by_hand, switched;
    char from[160], out[160];
    const char *const one[] = {"precision=float64",      "data.batch=all", "data.shuffle=none",
                               "model.layers[3].rate=0", "stop.steps=6",   "optimizer=adam"};
    const char *const two[] = {"precision=float64",      "data.batch=all", "data.shuffle=none",
                               "model.layers[3].rate=0", "stop.steps=4",   "optimizer={type: sgdm, lr: 0.05}"};
    const char *const both[] = {
        "precision=float64", "data.batch=all",
        "data.shuffle=none", "model.layers[3].rate=0",
        "stop.steps=10",     "optimizer={type: switch, first: adam, then: {type: sgdm, lr: 0.05}, at: 0.6}"};
    small_make(&s, "validate: none\n");
    gr_context *ctx = test_context_with(1, 0);
    snprintf(out, sizeof out, "%s/second", s.folder);
    snprintf(from, sizeof from, "%s/last.safetensors", s.out);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, one, GR_COUNT(one), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out}, &result));
    gr__recipe_close(ctx, r);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, two, GR_COUNT(two), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out, .from = from}, &result));
    gr__recipe_close(ctx, r);
    model_read(ctx, out, "last.safetensors", &by_hand);
    test_ok(ctx, gr__recipe_open(ctx, s.recipe, both, GR_COUNT(both), &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = s.out, .overwrite = true}, &result));
    gr__recipe_close(ctx, r);
    model_read(ctx, s.out, "last.safetensors", &switched);
    assert_true(apart(&by_hand, &switched) == 0);
    model_free(&by_hand), model_free(&switched);
    test_context_end(ctx);
    small_remove(&s);
}

/* With a constant gradient g the carried momentum is SGDM's steady state, (1 - dampening) g / (1 - momentum); after the
 * first update, which is undamped, it is momentum times as much, and g. From 0 it is g. */
static void a_carried_momentum_has_the_size_of_a_steady_one(void **state)
{
    (void)state;
    const char *base = "validate: none\nstop: {steps: 4}\n";
    const char *const fixed[] = {"data.batch=all", "data.shuffle=none", "model.layers[3].rate=0"};
    for (double dampening = 0; dampening < 1; dampening += 0.75) {
        model start, without, with;
        char then[3][160];
        snprintf(then[0], sizeof then[0], "optimizer={type: sgd, lr: 0}");
        for (int carry = 0; carry < 2; carry++)
            snprintf(
                then[1 + carry], sizeof then[1],
                "optimizer={type: switch, first: {type: adam, lr: 0}, then: {type: sgdm, lr: 0.05, dampening: %g}, "
                "at: 3, carry: %s}",
                dampening, carry ? "true" : "false");
        model *const m[] = {&start, &without, &with};
        for (int k = 0; k < 3; k++) {
            const char *const sets[] = {fixed[0], fixed[1], fixed[2], then[k]};
            fit(base, sets, 4, "last.safetensors", m[k], NULL);
        }
        double times = 0.9 * (1 - dampening) / (1 - 0.9) + 1;
        assert_true(apart(&start, &without) > 1e-4);
        for (int i = 0; i < 4; i++)
            for (int64_t k = 0; k < start.count[i]; k++)
                assert_true(fabs((with.v[i][k] - start.v[i][k]) - times * (without.v[i][k] - start.v[i][k])) < 1e-13);
        for (int k = 0; k < 3; k++) model_free(m[k]);
    }
}

/* ---- curvature  [mission O23] ---- */

static void adahessian_sees_the_same_curvature_in_micro_batches(void **state)
{
    (void)state;
    model a, b;
    const char *lines =
        "optimizer: {type: adahessian, lr: 0.05, eps: 0.01}\nvalidate: none\nstop: {steps: 3}\npenalty: {l2: 1e-3}\n";
    const char *const whole[] = {"data.batch=32"}, *const micro[] = {"data.batch=8", "accumulate=4"};
    fit(lines, whole, 1, "last.safetensors", &a, NULL);
    fit(lines, micro, 2, "last.safetensors", &b, NULL);
    assert_true(apart(&a, &b) < 1e-11);
    model_free(&a), model_free(&b);
}

static void adahessian_trains_a_convolutional_network(void **state)
{
    (void)state;
    model m;
    costs k;
    static const char *const intervals[] = {"optimizer.hessian_interval=1", "optimizer.hessian_interval=3"};
    for (size_t i = 0; i < GR_COUNT(intervals); i++) {
        fit("optimizer: {type: adahessian, lr: 0.05, eps: 0.01}\nvalidate: none\nstop: {steps: 40}\n", &intervals[i], 1,
            "last.safetensors", &m, &k);
        double early = 0, late = 0;
        for (int t = 0; t < 6; t++) early += k.train[t] / 6, late += k.train[k.n - 1 - t] / 6;
        assert_true(late < 0.5 * early);
        model_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frozen_parameters_stay_as_they_are),
        cmocka_unit_test(frozen_layers_cost_nothing),
        cmocka_unit_test(groups_scale_and_decay),
        cmocka_unit_test(a_penalty_adds_its_gradient_and_is_reported_apart),
        cmocka_unit_test(a_penalty_counts_once),
        cmocka_unit_test(a_penalty_counts_once_beside_a_sum),
        cmocka_unit_test(penalised_lines_are_those_of_coordinate_descent),
        cmocka_unit_test(gd_is_sgd_with_one_batch),
        cmocka_unit_test(both_forms_of_nag_see_the_same_points),
        cmocka_unit_test(lookahead_of_one_is_the_optimizer_alone),
        cmocka_unit_test(lookahead_of_zero_trains_nothing),
        cmocka_unit_test(ranger_is_radam_inside_lookahead),
        cmocka_unit_test(lookahead_pulls_halfway_back),
        cmocka_unit_test(lookahead_may_treat_the_inner_momentum),
        cmocka_unit_test(swa_is_the_mean_of_what_it_collected_and_changes_nothing),
        cmocka_unit_test(the_average_may_be_best),
        cmocka_unit_test(the_average_has_a_rate_of_its_own),
        cmocka_unit_test(the_rate_of_the_average_is_trained_with),
        cmocka_unit_test(a_switch_is_two_runs_one_after_the_other),
        cmocka_unit_test(a_carried_momentum_has_the_size_of_a_steady_one),
        cmocka_unit_test(adahessian_sees_the_same_curvature_in_micro_batches),
        cmocka_unit_test(adahessian_trains_a_convolutional_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
