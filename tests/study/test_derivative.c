/* One derivative by the chain rule: against formulas written by hand, the compiled gradient and differences; every
 * layer; and names that are none. [mission P4, P5, FIG4.10] */
#include <unistd.h>

#include "model/model.h"
#include "study/derivative/derivative.h"
#include "study/derivative/slopes.h"
#include "study_case.h"

static gr_derivative explain(gr_context *ctx, const gr_recipe *r, gr__bump *memory, gr_derivative_options o)
{
    gr_derivative d;
    test_ok(ctx, gr__derivative(ctx, r, &o, memory, &d));
    return d;
}

/* Each sum is what its terms say, and each term's derivative is the result of the step that is about it, where there is
 * one. */
static void check_steps(const gr_derivative *d)
{
    for (int i = 0; i < d->n_steps; i++) {
        const gr_chain_step *s = &d->step[i];
        double sum = s->rest;
        for (int k = 0; k < s->n; k++) {
            sum += s->term[k].slope * s->term[k].local;
            for (int j = 0; j < i; j++)
                if (strcmp(d->step[j].of, s->term[k].of) == 0)
                    assert_true(fabs(d->step[j].slope - s->term[k].slope) <= 1e-12 * fmax(1, fabs(s->term[k].slope)));
        }
        assert_true(fabs(sum - s->slope) <= 1e-13 * fmax(1, fabs(sum)));
        assert_true(s->left_out >= 0 && (s->left_out > 0 || s->rest == 0));
    }
    assert_string_equal(d->step[d->n_steps - 1].of, d->element.name);
    assert_true(d->step[d->n_steps - 1].slope == d->chain);
}

static const gr_chain_step *step_of(const gr_derivative *d, const char *of)
{
    for (int i = 0; i < d->n_steps; i++)
        if (strcmp(d->step[i].of, of) == 0) return &d->step[i];
    fail_msg("no step of %s", of);
    return NULL;
}

static double forward_of(const gr_derivative *d, const char *name)
{
    for (int i = 0; i < d->n_forward; i++)
        if (strcmp(d->forward[i].name, name) == 0) return d->forward[i].value;
    fail_msg("no forward value %s", name);
    return 0;
}

/* ---- tanh 2-2-2 with softmax cross-entropy, numbers of its own: the network of algorithms.md 6.1 ---- */

static const double W1[2][2] = {{.1, -.2}, {.3, .4}}, B1[2] = {.05, -.05}, W2[2][2] = {{.5, -.6}, {-.7, .8}},
                    B2[2] = {0, .1}, X[2][2] = {{1, 2}, {-1, .5}};
static const int CLASS[2] = {0, 1};

typedef struct hand {
    double a[2], p[2], d_o[2], d_z[2], cost;
} hand; /* one sample, by the book */

static hand by_hand(int n)
{
    hand h = {.cost = 0};
    double o[2], sum = 0;
    for (int i = 0; i < 2; i++) h.a[i] = tanh(W1[i][0] * X[n][0] + W1[i][1] * X[n][1] + B1[i]);
    for (int i = 0; i < 2; i++) sum += exp(o[i] = W2[i][0] * h.a[0] + W2[i][1] * h.a[1] + B2[i]);
    for (int i = 0; i < 2; i++) h.p[i] = exp(o[i]) / sum, h.d_o[i] = h.p[i] - (i == CLASS[n]);
    for (int i = 0; i < 2; i++) h.d_z[i] = (W2[0][i] * h.d_o[0] + W2[1][i] * h.d_o[1]) * (1 - h.a[i] * h.a[i]);
    h.cost = -log(h.p[CLASS[n]]);
    return h;
}

typedef struct fixture {
    char folder[64], text[1024], model[128];
} fixture;

static void fixture_make(fixture *f)
{
    char path[128];
    strcpy(f->folder, "/tmp/gradus-derivative-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(path, sizeof path, "%s/t.csv", f->folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "a,b,y\n1,2,0\n-1,0.5,1\n");
    assert_int_equal(fclose(out), 0);
    snprintf(f->model, sizeof f->model, "%s/m.safetensors", f->folder);
    snprintf(f->text, sizeof f->text,
             "gradus: 1\nname: f\ndata: {train: {type: csv, file: %s, target: y}, batch: 2}\n"
             "model: {input: [2], layers: [{type: dense, units: 2, activation: tanh, name: h}, {type: dense, units: 2, "
             "name: o}]}\n"
             "cost: cross_entropy\nprecision: float64\nstop: {epochs: 1}\n",
             path);
}

static void fixture_end(const fixture *f)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
}

static void put(gr_slopes *s, const char *name, const double *values)
{
    gr_store_write(s->store, gr_store_find(s->store, name), values);
}

/* The fixture's weights as a model file. */
static void write_model(gr_context *ctx, const gr_recipe *r, const char *path)
{
    gr_slopes s = {0};
    test_ok(ctx, gr__slopes_open(ctx, r, &(gr_slopes_options){.mode = GR_MODE_TRAIN, .batch = 2}, &s));
    put(&s, "h.weight", W1[0]), put(&s, "h.bias", B1), put(&s, "o.weight", W2[0]), put(&s, "o.bias", B2);
    test_ok(ctx, gr__model_write(ctx, path, s.store, &(gr_model_about){.recipe = r, .meaning = &s.task.meaning}));
    gr__slopes_close(&s);
}

typedef struct rig {
    gr_context *ctx;
    gr__bump *memory;
    gr_recipe *r;
    gr_model model;
} rig;

static rig rig_make(const fixture *f)
{
    rig k = {.ctx = test_context()};
    k.memory = gr__bump_create(k.ctx);
    k.r = RECIPE(k.ctx, f->text);
    write_model(k.ctx, k.r, f->model);
    test_ok(k.ctx, gr__model_open(k.ctx, f->model, &k.model));
    return k;
}

static void rig_end(rig *k)
{
    gr__model_close(&k->model);
    gr__recipe_close(k->ctx, k->r);
    gr__bump_destroy(k->memory);
    test_context_end(k->ctx);
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) <= 1e-12)

static void agrees_with_formulas_by_hand(void **state)
{
    (void)state;
    fixture f;
    fixture_make(&f);
    rig k = rig_make(&f);
    for (int n = 0; n < 2; n++) {
        hand h = by_hand(n);
        for (int i = 0; i < 2; i++) {
            char what[64];
            gr_derivative_options o = {.what = what, .model = &k.model, .first = n, .batch = 1, .most = 4};
            for (int j = 0; j < 2; j++) {
                snprintf(what, sizeof what, "dL/dw[0][%d,%d]", i, j);
                gr_derivative d = explain(k.ctx, k.model.recipe, k.memory, o);
                assert_true(d.agree);
                NEAR(d.chain, h.d_z[i] * X[n][j]);
                NEAR(d.cost, h.cost);
                check_steps(&d);
                snprintf(what, sizeof what, "dJ/do.weight[%d,%d]", i, j);
                d = explain(k.ctx, k.model.recipe, k.memory, o);
                NEAR(d.chain, h.d_o[i] * h.a[j]);
            }
            snprintf(what, sizeof what, "dL/db[0][%d]", i);
            gr_derivative d = explain(k.ctx, k.model.recipe, k.memory, o);
            NEAR(d.chain, h.d_z[i]);
            assert_int_equal(d.n_steps, 5); /* sums and activation apart, as for a weight */
            snprintf(what, sizeof what, "dL/do.bias[%d]", i);
            NEAR(explain(k.ctx, k.model.recipe, k.memory, o).chain, h.d_o[i]);
        }
    }
    rig_end(&k);
    fixture_end(&f);
}

/* Every line of it, as a book would have them. */
static void tells_each_number(void **state)
{
    (void)state;
    fixture f;
    fixture_make(&f);
    rig k = rig_make(&f);
    hand h = by_hand(0);
    gr_derivative d =
        explain(k.ctx, k.model.recipe, k.memory,
                (gr_derivative_options){.what = "dL/dw[0][1,0]", .model = &k.model, .batch = 1, .most = 4});
    assert_string_equal(d.element.name, "h.weight[1,0]");
    assert_string_equal(d.layer, "h");
    assert_string_equal(d.kind, "dense");
    assert_int_equal(d.element.layer, 0);
    assert_int_equal(d.row[0], 0);
    assert_int_equal(d.n_steps, 5); /* o[0], o[1], h[1], h.z[1], the weight */
    NEAR(step_of(&d, "o[0]")->slope, h.d_o[0]);
    NEAR(step_of(&d, "o[1]")->slope, h.d_o[1]);
    const gr_chain_step *s = step_of(&d, "h[1]");
    assert_int_equal(s->n, 2);
    assert_string_equal(s->through, "dense \"o\"");
    for (int i = 0; i < 2; i++) {
        NEAR(s->term[i].local, W2[i][1]);
        assert_string_equal(s->term[i].of, i ? "o[1]" : "o[0]");
        assert_string_equal(s->term[i].factor, i ? "o.weight[1,1]" : "o.weight[0,1]");
    }
    s = step_of(&d, "h.z[1]");
    assert_string_equal(s->through, "tanh \"h\"");
    NEAR(s->term[0].local, 1 - h.a[1] * h.a[1]);
    assert_string_equal(s->term[0].factor, "");
    s = step_of(&d, "h.weight[1,0]");
    assert_string_equal(s->term[0].factor, "input[0]");
    NEAR(forward_of(&d, "input[0]"), 1);
    NEAR(forward_of(&d, "h.weight[1,0]"), .3);
    NEAR(forward_of(&d, "h.z[1]"), .3 + .8 - .05);
    NEAR(forward_of(&d, "h[1]"), h.a[1]);
    NEAR(forward_of(&d, "prediction[0]"), h.p[0]);
    NEAR(forward_of(&d, "target class"), 0);
    /* two samples: the mean, and the published cost of both */
    d = explain(k.ctx, k.model.recipe, k.memory,
                (gr_derivative_options){.what = "dL/dw[0][1,0]", .model = &k.model, .batch = 2, .most = 4});
    NEAR(d.chain, (h.d_z[1] * X[0][0] + by_hand(1).d_z[1] * X[1][0]) / 2);
    assert_true(fabs(d.cost - 1.175308486) < 1e-9);
    assert_true(d.agree);
    check_steps(&d);
    rig_end(&k);
    fixture_end(&f);
}

/* ---- every layer there is ---- */

#define DIGITS_OF(layers, rest)                                                                                \
    "gradus: 1\nname: all\nseed: 5\ndata: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8, " \
    "prepare: [standardize]}\n"                                                                                \
    "model: {input: [16, 16, 1], layers: [" layers ", {type: dense, units: 10, name: head}]}\n" rest           \
    "\nstop: {epochs: 1}\n"

static const char *const everything[] = {
    DIGITS_OF("{type: conv, filters: 4, kernel: 3, padding: same, activation: relu, name: c1}, {type: max_pool, size: "
              "2}, {type: conv, "
              "filters: 4, kernel: 3, padding: same, activation: {type: "
              "leaky_relu, slope: 0.1}, name: c2}, {type: add, from: [c2, max_pool1], name: sum, activation: tanh}, "
              "{type: avg_pool, size: "
              "2}, flatten, {type: dropout, rate: 0.25}",
              "cost: {type: cross_entropy, label_smoothing: 0.1}"),
    DIGITS_OF("{type: conv, filters: 6, kernel: [3, 2], stride: 2, dilation: 2, groups: 1, bias: false, name: c1}, "
              "sigmoid, {type: conv, "
              "filters: 6, kernel: 3, groups: depthwise, padding: 1, "
              "name: c2, activation: tanh}, global_avg_pool",
              "cost: {type: cross_entropy, reduction: sum}"),
    DIGITS_OF("{type: max_pool, size: 3, stride: 2}, flatten, {type: dense, units: 9, name: c1}, relu, {type: dense, "
              "units: 9, activation: "
              "softmax, name: c2}, {type: add, from: [c2, relu1]}",
              "cost: cross_entropy"),
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: xor, n: 64}, batch: 16}\nmodel: {input: [2], layers: "
    "[{type: dense, units: "
    "8, activation: tanh, name: c1}, {type: dense, units: 1, "
    "name: head}]}\ncost: binary_cross_entropy\nstop: {epochs: 1}\n",
    "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: regression, n: 64, features: 5}, batch: 64, prepare: "
    "[standardize]}\nmodel: "
    "{input: [5], layers: [{type: dense, units: 8, "
    "activation: leaky_relu, name: c1}, {type: dense, units: 1, name: head}]}\ncost: mse\nstop: {epochs: 1}\n",
};

/* The compiled gradient of the same samples, found without what is under test. */
static double compiled(gr_context *ctx, const gr_recipe *r, const gr_derivative *d, gr_derivative_options o)
{
    gr_slopes s = {0};
    double cost;
    test_ok(ctx, gr__slopes_open(ctx, r,
                                 &(gr_slopes_options){.mode = o.mode,
                                                      .batch = o.batch,
                                                      .exact = true,
                                                      .in_order = true,
                                                      .first = o.first,
                                                      .as_trained = true},
                                 &s));
    test_ok(ctx, gr__slopes_run(&s, s.slope, &cost));
    double slope = gr__slopes_gradient(&s, d->element.parameter)[d->element.offset];
    gr__slopes_close(&s);
    return slope;
}

static void agrees_through_every_layer(void **state)
{
    (void)state;
    int moved = 0, looked = 0;
    for (size_t i = 0; i < GR_COUNT(everything); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, everything[i]);
        for (int mode = 0; mode < 2; mode++)
            for (int batch = 1; batch <= 3; batch += 2) {
                static const char *const what[] = {"dL/dw[0][%lld,%lld]", "dL/dw[1][0,%lld]", "dL/dhead.bias[0]"};
                for (size_t k = 0; k < GR_COUNT(what); k++) {
                    gr__bump *memory = gr__bump_create(ctx);
                    char text[64];
                    gr_slopes s = {0};
                    gr_target_element e;
                    gr_derivative_options o = {.what = text,
                                               .mode = mode ? GR_MODE_EVALUATE : GR_MODE_TRAIN,
                                               .first = 2,
                                               .batch = batch,
                                               .most = 3};
                    test_ok(ctx, gr__slopes_open(ctx, r, &(gr_slopes_options){.batch = 1}, &s)); /* for shapes */
                    size_t p = 0, w = 0;
                    while (s.params[p].is_bias || w++ < k) p++;
                    gr_shape shape = gr__file_shape(&s.params[p].entry);
                    snprintf(text, sizeof text, "dL/dw[%zu][", k);
                    for (int a = 0; a < shape.rank; a++)
                        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", a ? "," : "",
                                 (long long)(shape.dim[a] - 1) / (a ? 1 : 2));
                    strcat(text, "]");
                    if (k == 2) strcpy(text, what[2]);
                    test_ok(ctx, gr__derivative_find(ctx, text, s.params, s.n, memory, &e));
                    gr__slopes_close(&s);
                    gr_derivative d = explain(ctx, r, memory, o);
                    double c = compiled(ctx, r, &d, o);
                    if (!d.agree)
                        fail_msg("recipe %zu, %s, mode %d, batch %d: %.12g, %.12g, %.12g", i, text, mode, batch,
                                 d.chain, d.compiled, d.difference);
                    assert_true(fabs(d.chain - c) <= 1e-10 * fmax(fabs(c), 1e-3));
                    assert_int_equal(e.offset, d.element.offset);
                    check_steps(&d);
                    moved += c != 0;
                    looked++;
                    gr__bump_destroy(memory);
                }
            }
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    assert_true(moved > looked / 2); /* not all of it 0 = 0 */
}

static void dropout_follows_the_mode(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr_recipe *r =
        RECIPE(ctx, DIGITS_OF("flatten, {type: dense, units: 12, name: c1}, {type: dropout, rate: 0.25, name: drop}",
                              "cost: cross_entropy"));
    int dropped = 0, kept = 0;
    for (int i = 0; i < 12; i++) {
        char text[32];
        snprintf(text, sizeof text, "dL/dc1.bias[%d]", i);
        gr_derivative d = explain(ctx, r, memory,
                                  (gr_derivative_options){.what = text, .mode = GR_MODE_TRAIN, .batch = 1, .most = 2});
        snprintf(text, sizeof text, "c1[%d]", i);
        double local = step_of(&d, text)->term[0].local;
        assert_true(local == 0 || fabs(local - 4.0 / 3) < 1e-15);
        dropped += local == 0, kept += local != 0;
        snprintf(text, sizeof text, "dL/dc1.bias[%d]", i);
        gr_derivative e = explain(
            ctx, r, memory, (gr_derivative_options){.what = text, .mode = GR_MODE_EVALUATE, .batch = 1, .most = 2});
        snprintf(text, sizeof text, "c1[%d]", i);
        assert_string_equal(step_of(&e, text)->through, "dense \"head\""); /* no dropout in between */
        assert_int_equal(step_of(&e, text)->left_out, 8);
    }
    assert_true(dropped > 0 && kept > 0);
    gr__bump_destroy(memory);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

/* A ReLU that is off passes nothing, and says so; one that stands exactly at its kink is where differences fail. */
static void kinks_are_told(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    int off = 0;
    gr_recipe *r = RECIPE(ctx, TABLE);
    for (int i = 0; i < 16; i++) {
        char text[32];
        snprintf(text, sizeof text, "dL/db[0][%d]", i);
        gr_derivative d = explain(ctx, r, memory, (gr_derivative_options){.what = text, .batch = 1, .most = 4});
        snprintf(text, sizeof text, "h.z[%d]", i);
        const gr_chain_step *s = step_of(&d, text);
        assert_true(d.agree && s->n == 1);
        assert_true(s->term[0].local == (s->value > 0));
        off += s->value <= 0;
    }
    assert_true(off > 0 && off < 16);
    gr__recipe_close(ctx, r);
    r = RECIPE(ctx, TABLE, "init.weights={type: constant, value: 0}",
               "model.layers[1].init={weights: {type: normal, std: 1}}");
    gr_derivative d = explain(ctx, r, memory, (gr_derivative_options){.what = "dL/db[0][3]", .batch = 1, .most = 4});
    assert_true(d.chain == 0 && d.compiled == 0 && fabs(d.difference) > 1e-3 && !d.agree);
    gr__recipe_close(ctx, r);
    gr__bump_destroy(memory);
    test_context_end(ctx);
}

/* ---- which ---- */

static void offsets_go_there_and_back(void **state)
{
    (void)state;
    const gr_entry_spec all[] = {{.name = "a", .shape = GR_SHAPE(2, 3, 4, 5), .layout = GR_LAYOUT_CONV},
                                 {.name = "b", .shape = GR_SHAPE(3, 4, 2), .layout = GR_LAYOUT_CONV1D},
                                 {.name = "c", .shape = GR_SHAPE(3, 4)}};
    for (size_t k = 0; k < GR_COUNT(all); k++)
        for (int64_t i = 0; i < gr_shape_count(all[k].shape); i++) {
            assert_int_equal(gr__offset_in_memory(&all[k], gr__offset_in_file(&all[k], i)), i);
            assert_int_equal(gr__offset_in_file(&all[k], gr__offset_in_memory(&all[k], i)), i);
        }
    /* memory [o,y,x,i] = [1,2,0,3] is [o,i,y,x] = [1,3,2,0] in files */
    assert_int_equal(gr__offset_in_file(&all[0], ((1 * 3 + 2) * 4 + 0) * 5 + 3), ((1 * 5 + 3) * 3 + 2) * 4 + 0);
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        gr_status code;
        const char *message, *hint;
    } bad[] = {
        {"dL/dw[0]", GR_E_USAGE, "whole tensor of shape [16,5]", "2 numbers"},
        {"dL/dh.weight", GR_E_USAGE, "whole tensor of shape [16,5]", "2 numbers"},
        {"dL/dw[0][3]", GR_E_RANGE, "h.weight has shape [16,5]: [3] is no element of it, which takes 2 numbers", ""},
        {"dL/dw[0][16,0]", GR_E_RANGE, "h.weight has shape [16,5]: in [16,0] number 1 goes from 0 to 15", ""},
        {"dL/dw[0][0,5]", GR_E_RANGE, "number 2 goes from 0 to 4", ""},
        {"dL/db[0][16]", GR_E_RANGE, "h.bias has shape [16]", ""},
        {"dL/dw[2][0,0]", GR_E_NAME, "there is no w[2]: the model has 2 tensors of weights",
         "the last is w[1], head.weight"},
        {"dL/db[2][0]", GR_E_NAME, "there is no b[2]", "w[1]"},
        {"dL/dh.wieght[0,0]", GR_E_NAME, "no tensor \"h.wieght\"", "did you mean dL/dh.weight?"},
        {"dL/dnothing.at.all[0]", GR_E_NAME, "no tensor \"nothing.at.all\"", "h.weight"},
        {"dL/dw[0][a,b]", GR_E_USAGE, "[a,b] is not an index", "whole numbers"},
        {"dL/dw[0][-1,0]", GR_E_USAGE, "[-1,0] is not an index", "whole numbers"},
        {"dL/dw[0][1.5,0]", GR_E_USAGE, "[1.5,0] is not an index", "whole numbers"},
        {"dL/dw[0][0:3,0]", GR_E_USAGE, "[0:3,0] is not an index", "whole numbers"},
        {"dL/dw[0][]", GR_E_USAGE, "[] is not an index", "whole numbers"},
        {"dL/dw[0][1,]", GR_E_USAGE, "[1,] is not an index", "whole numbers"},
        {"dL/dw[0][99999999999999999999,0]", GR_E_USAGE, "is not an index", "whole numbers"},
        {"dL/dw[0][1,2,3,4,5,6,7]", GR_E_USAGE, "is not an index", "at most 6"},
        {"dL/dw[0,1][1]", GR_E_USAGE, "w[0,1] is not one tensor's number", ""},
        {"dL/dw", GR_E_USAGE, "is not a derivative", "such as"},
        {"dL/d", GR_E_USAGE, "is not a derivative", "such as"},
        {"dL/dw[0", GR_E_USAGE, "is not a derivative", "such as"},
        {"dL/dw[0][0,0]x", GR_E_USAGE, "is not a derivative", "such as"},
        {"dL/dh.weight[0,0][1]", GR_E_USAGE, "is not a derivative", "such as"},
        {"dL/dw[0][0,0][0]", GR_E_USAGE, "is not a derivative", "such as"},
    };
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr_recipe *r = RECIPE(ctx, TABLE, "model.layers[1].bias=false");
    gr_derivative d;
    for (size_t i = 0; i < GR_COUNT(bad); i++) {
        gr_status st =
            gr__derivative(ctx, r, &(gr_derivative_options){.what = bad[i].what, .batch = 1, .most = 4}, memory, &d);
        const gr_error *e = gr_context_error(ctx);
        if (st != bad[i].code || !strstr(e->message, bad[i].message) || !strstr(e->hint, bad[i].hint))
            fail_msg("%s: %s: %s (%s)", bad[i].what, gr_status_name(st), e->message, e->hint);
        gr_context_clear_error(ctx);
    }
    assert_int_equal(
        gr__derivative(ctx, r, &(gr_derivative_options){.what = "dL/db[1][0]", .batch = 1, .most = 4}, memory, &d),
        GR_E_NAME);
    assert_non_null(strstr(gr_context_error(ctx)->message, "head.weight, has no bias"));
    gr_context_clear_error(ctx);
    assert_int_equal(
        gr__derivative(ctx, r, &(gr_derivative_options){.what = "dL/dw[0][0,0]", .first = 300, .batch = 1, .most = 4},
                       memory, &d),
        GR_E_RANGE);
    gr_context_clear_error(ctx);
    assert_int_equal(
        gr__derivative(ctx, r, &(gr_derivative_options){.what = "dL/dw[0][0,0]", .first = 299, .batch = 2, .most = 4},
                       memory, &d),
        GR_E_RANGE);
    gr__recipe_close(ctx, r);
    gr__bump_destroy(memory);
    test_context_end(ctx);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (uint64_t k = 0; k <= n; k += 1 + k / 40) { /* k 0: counts */
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, TABLE);
        gr_derivative d;
        uint64_t before = gr__acquisitions(ctx);
        gr__fail_acquisition(ctx, k);
        gr__bump *memory = gr__bump_create(ctx);
        gr_status st =
            memory ? gr__derivative(ctx, r, &(gr_derivative_options){.what = "dL/dw[0][3,2]", .batch = 1, .most = 2},
                                    memory, &d)
                   : GR_E_MEMORY;
        if (k == 0) n = gr__acquisitions(ctx) - before;
        gr__fail_acquisition(ctx, 0);
        assert_int_equal(st, k == 0 ? GR_OK : GR_E_MEMORY);
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_formulas_by_hand),
        cmocka_unit_test(tells_each_number),
        cmocka_unit_test(agrees_through_every_layer),
        cmocka_unit_test(dropout_follows_the_mode),
        cmocka_unit_test(kinks_are_told),
        cmocka_unit_test(offsets_go_there_and_back),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
