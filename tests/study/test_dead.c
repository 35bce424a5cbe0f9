/* Units that are off: found where they are planted, whatever holds the ReLU, and not where chance or nothing switches
 * them off. [mission X14] */
#include "study_case.h"

typedef struct dead_case {
    const char *layers; /* of pictures [16, 16, 1], before the dense layer "head" */
    double share;       /* of a layer's units; NaN: there is nothing to look at */
    const char *set;
} dead_case;

#define OFF "init: {bias: {type: constant, value: -1000}}"

static const dead_case cases[] = {
    {"{type: conv, filters: 4, kernel: 3, activation: relu}, flatten", 0, NULL},
    {"{type: conv, filters: 4, kernel: 3, activation: relu, " OFF "}, flatten", 1, NULL},
    {"{type: conv, filters: 4, kernel: 3, " OFF "}, {type: max_pool, size: 2}, relu, flatten", 1, NULL},
    {"{type: conv, filters: 4, kernel: 3, " OFF "}, {type: max_pool, size: 2, activation: relu}, flatten", 1, NULL},
    {"flatten, {type: dense, units: 5, activation: {type: relu}, " OFF "}", 1, NULL},
    {"flatten, {type: dense, units: 5, activation: relu, " OFF "}, {type: dense, units: 5, activation: relu}", 1, NULL},
    {"{type: residual, layers: [{type: conv, filters: 1, kernel: 1, activation: relu, " OFF "}]}, flatten", 1, NULL},
    /* half of the units: the concatenation is looked at where its ReLU stands */
    {"{type: conv, filters: 3, kernel: 3, " OFF ", name: a}, {type: conv, filters: 3, kernel: 3, from: input, name: b, "
     "init: {bias: {type: constant, value: 1000}}}, {type: concat, from: [a, b], activation: relu}, flatten",
     0.5, NULL},
    /* no ReLU, none that is off, too little to tell */
    {"{type: conv, filters: 4, kernel: 3, " OFF "}, flatten", NAN, NULL},
    {"{type: conv, filters: 4, kernel: 3, activation: tanh, " OFF "}, flatten", NAN, NULL},
    {"{type: conv, filters: 4, kernel: 3, activation: {type: leaky_relu, slope: 0.01}, " OFF "}, flatten", NAN, NULL},
    {"flatten, {type: dense, units: 5, activation: relu, " OFF "}", NAN, "data.train.n=24"},
};

static bool is_as_said(const gr_finding *f, double share)
{
    if (isnan(share)) return isnan(f->figure) && f->verdict == GR_VERDICT_OK;
    return f->figure == share && f->verdict == (share > 0.4 ? GR_VERDICT_WARNING : GR_VERDICT_OK);
}

static void units_that_are_off_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        char text[1200];
        snprintf(text, sizeof text,
                 "gradus: 1\nname: dead\nseed: 2\n"
                 "data: {train: {type: synthetic, kind: digits, n: 64, seed: 1}, batch: 32, prepare: [standardize]}\n"
                 "model: {input: [16, 16, 1], layers: [%s, {type: dense, units: 10, name: head}]}\n"
                 "cost: cross_entropy\noptimizer: sgd\nstop: {epochs: 1}\n",
                 cases[i].layers);
        gr_recipe *r = cases[i].set ? RECIPE(ctx, text, cases[i].set) : RECIPE(ctx, text);
        gr__bump *memory = gr__bump_create(ctx);
        gr_probe p = {0};
        gr_finding f = {0};
        test_ok(ctx, gr__probe_open(ctx, r, &p));
        test_ok(ctx, gr__check_dead(&p, memory, &f));
        if (!is_as_said(&f, cases[i].share))
            fail_msg("%s: %s: %g: %s", cases[i].layers, gr__verdict_name(f.verdict), f.figure, f.message);
        gr__probe_close(&p);
        gr__bump_destroy(memory);
        gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(units_that_are_off_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
