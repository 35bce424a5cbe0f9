/* What check says of layers alone: recipes that each of its lints is for, and others beside them that it is not for.
 * [mission X4, T9, X15] */
#include "study_case.h"

typedef struct design_case {
    const char *layers;                      /* of pictures [16, 16, 1], before the dense layer "head" */
    const char *dropout, *batches, *sigmoid; /* what the warning says; NULL: there is none */
    const char *set;
} design_case;

#define NORM "{type: batch_norm, name: n}"
#define SEQUENCE "{type: reshape, shape: [16, 16]}"
#define CONV "{type: conv, filters: 4, kernel: 3, name: c}"

static const design_case cases[] = {
    {CONV ", relu, flatten", NULL, NULL, NULL, NULL},
    /* dropout beside a norm: adjacent, apart, within others */
    {CONV ", " NORM ", {type: dropout, name: d}, flatten", "dropout \"d\" together with batch_norm \"n\"", NULL, NULL,
     NULL},
    {CONV ", {type: layer_norm, name: l}, relu, flatten, {type: dropout, name: d}", "layer_norm \"l\"", NULL, NULL,
     NULL},
    {"{type: residual, layers: [{type: conv, filters: 1, kernel: 1}, dropout, " NORM "]}, flatten",
     "dropout \"residual1.dropout1\" together with batch_norm \"residual1.n\"", NULL, NULL, NULL},
    {CONV ", {type: inverted_residual, filters: 4, name: b}, {type: dropout, name: d}, flatten",
     "together with batch_norm \"b\"", NULL, NULL, NULL},
    {CONV ", " NORM ", {type: dropout, rate: 0}, flatten", NULL, NULL, NULL, NULL},
    {CONV ", {type: dropout, name: d}, dropout, dropout, group_norm, flatten", "dropout \"d\" and 2 others", NULL, NULL,
     NULL},
    {CONV ", dropout, flatten", NULL, NULL, NULL, NULL},
    {SEQUENCE ", {type: transformer_block, heads: 2, dropout: 0.1, name: t}, flatten",
     "transformer_block \"t\" together with transformer_block \"t\"", NULL, NULL, NULL},
    {SEQUENCE ", {type: transformer_block, heads: 2, norm: post, name: t}, dropout, flatten",
     "dropout \"dropout1\" together with transformer_block \"t\"", NULL, NULL, NULL},
    {SEQUENCE ", {type: transformer_block, heads: 2, name: t}, flatten", NULL, NULL, NULL, NULL},
    {SEQUENCE ", {type: transformer_block, heads: 2, dropout: 0.1, norm: none, name: t}, flatten", NULL, NULL, NULL,
     NULL},
    {SEQUENCE ", {type: attention, heads: 2, dropout: 0.2, name: a}, layer_norm, flatten",
     "attention \"a\" together with layer_norm", NULL, NULL, NULL},
    {SEQUENCE ", {type: attention, heads: 2, name: a}, layer_norm, flatten", NULL, NULL, NULL, NULL},
    /* batches too small to normalise by */
    {CONV ", " NORM ", flatten", NULL, "batch_norm \"n\" normalises by batches of 31", NULL, "data.batch=31"},
    {CONV ", " NORM ", flatten", NULL, NULL, NULL, "data.batch=32"},
    {CONV ", " NORM ", flatten", NULL, "batches of 8", NULL, "data.batch=8\naccumulate=8"},
    {CONV ", {type: inverted_residual, filters: 4, name: b}, flatten", NULL, "batch_norm \"b\" normalises", NULL,
     "data.batch=16"},
    {CONV ", {type: inverted_residual, filters: 4, norm: group_norm}, flatten", NULL, NULL, NULL, "data.batch=16"},
    {CONV ", {type: group_norm, groups: 2}, flatten", NULL, NULL, NULL, "data.batch=2"},
    {CONV ", {type: batch_renorm, name: n}, flatten", NULL, NULL, NULL, "data.batch=4"},
    {CONV ", {type: batch_norm, frozen: true}, flatten", NULL, NULL, NULL, "data.batch=4"},
    /* sigmoids between layers */
    {CONV ", {type: sigmoid, name: s}, flatten", NULL, NULL, "sigmoid \"s\":", NULL},
    {"{type: conv, filters: 2, kernel: 3, activation: sigmoid, name: c}, flatten", NULL, NULL, "sigmoid \"c\":", NULL},
    {"flatten, {type: dense, units: 4, activation: {type: hard_sigmoid}, name: h}", NULL, NULL,
     "hard_sigmoid \"h\":", NULL},
    {CONV ", {type: max_pool, size: 2, activation: sigmoid, name: m}, flatten", NULL, NULL, "sigmoid \"m\":", NULL},
    {CONV ", {type: residual, layers: [{type: conv, filters: 4, kernel: 1, activation: sigmoid, name: i}], name: r}, "
          "flatten",
     NULL, NULL, "sigmoid \"r.i\":", NULL},
    {CONV ", {type: inverted_residual, filters: 4, norm: none, activation: sigmoid, name: b}, flatten", NULL, NULL,
     "sigmoid \"b\"", NULL},
    {CONV ", tanh, flatten", NULL, NULL, NULL, NULL},
    /* gates */
    {CONV ", {type: squeeze_excite, name: q}, flatten", NULL, NULL, NULL, NULL},
    {CONV
     ", {type: conv, filters: 4, kernel: 1, activation: sigmoid, name: g}, {type: multiply, from: [c, g]}, flatten",
     NULL, NULL, NULL, NULL},
    {CONV ", {type: conv, filters: 4, kernel: 1, activation: sigmoid, name: g}, {type: dropout, rate: 0}, "
          "{type: multiply, from: [c, dropout1]}, flatten",
     NULL, NULL, NULL, NULL},
    {CONV ", {type: conv, filters: 4, kernel: 1, activation: sigmoid, name: g}, {type: max_pool, size: 1}, relu, "
          "{type: multiply, from: [c, relu1]}, flatten",
     NULL, NULL, "sigmoid \"g\":", NULL},
    {SEQUENCE ", {type: lstm, units: 3}", NULL, NULL, NULL, NULL},
};

static void expect(const design_case *c, const gr_finding *f, const char *says)
{
    gr_verdict want = says ? GR_VERDICT_WARNING : GR_VERDICT_OK;
    if (f->verdict != want || (says && !strstr(f->message, says)))
        fail_msg("%s: %s: %s", c->layers, gr__verdict_name(f->verdict), f->message);
}

static gr_recipe *recipe_of(gr_context *ctx, const design_case *c)
{
    char text[1200], set[60] = "";
    snprintf(text, sizeof text,
             "gradus: 1\nname: design\ndata: {train: {type: synthetic, kind: digits, n: 64, seed: 1}, batch: 32}\n"
             "model: {input: [16, 16, 1], layers: [%s, {type: dense, units: 10, name: head}]}\ncost: cross_entropy\n"
             "optimizer: sgd\nstop: {epochs: 1}\n",
             c->layers);
    if (c->set) snprintf(set, sizeof set, "%s", c->set);
    char *second = strchr(set, '\n');
    if (second) *second++ = '\0';
    if (second) return RECIPE(ctx, text, set, second);
    return c->set ? RECIPE(ctx, text, set) : RECIPE(ctx, text);
}

static void layers_say_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = recipe_of(ctx, &cases[i]);
        gr_probe p = {0};
        gr_finding f[3] = {{0}};
        test_ok(ctx, gr__probe_open(ctx, r, &p));
        test_ok(ctx, gr__check_design(&p, &f[0], &f[1], &f[2]));
        expect(&cases[i], &f[0], cases[i].dropout);
        expect(&cases[i], &f[1], cases[i].batches);
        expect(&cases[i], &f[2], cases[i].sigmoid);
        gr__probe_close(&p);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

/* The output of two classes is what a sigmoid is for, as a layer or behind one. */
static void a_sigmoid_that_is_the_output_is_in_its_place(void **state)
{
    (void)state;
    static const char *const ends[] = {"{type: dense, units: 1, activation: sigmoid}",
                                       "{type: dense, units: 1}, sigmoid"};
    for (size_t i = 0; i < GR_COUNT(ends); i++) {
        char text[600];
        snprintf(
            text, sizeof text,
            "gradus: 1\nname: x\ndata: {train: {type: synthetic, kind: regression, n: 64, features: 3}, batch: 32}\n"
            "model: {input: [3], layers: [%s]}\ncost: mse\noptimizer: sgd\nstop: {epochs: 1}\n",
            ends[i]);
        gr_context *ctx = test_context();
        gr_recipe *r = RECIPE(ctx, text);
        gr_probe p = {0};
        gr_finding f[3] = {{0}};
        test_ok(ctx, gr__probe_open(ctx, r, &p));
        test_ok(ctx, gr__check_design(&p, &f[0], &f[1], &f[2]));
        assert_int_equal(f[2].verdict, GR_VERDICT_OK);
        gr__probe_close(&p);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_say_what_they_are),
        cmocka_unit_test(a_sigmoid_that_is_the_output_is_in_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
