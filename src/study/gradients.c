/* Gradient check: every parameter of the recipe's own model against central differences in float64 on its first batch.
 * [mission P4] */
#include <math.h>

#include "base/rng.h"
#include "study/slopes.h"
#include "study/study.h"

enum { SAMPLES = 8 };
static const double ENOUGH = 0.1; /* of the limit: a nearer quotient is not sought */

static gr_status check_tensor(gr_slopes *s, size_t i, int most, gr_gradient_row *row)
{
    const gr_entry *e = gr_store_find(s->store, s->params[i].entry.name);
    double cost, worst = 0;
    gr__rng rng = gr__rng_make(s->recipe.seed, e->spec.name, 0, 0);
    gr_status st = gr__slopes_run(s, s->slope, &cost);
    if (st != GR_OK) return st;
    const double *slope = gr__slopes_gradient(s, i);
    double picked[GR_GRADIENT_MANY], scale = gr__slopes_scale(slope, e->count, cost);
    int64_t at[GR_GRADIENT_MANY], n = GR_MIN(e->count, most);
    for (int64_t k = 0; k < n; k++) { /* the cost's runs reuse the arena, so the picked slopes are copied first */
        at[k] = n == e->count ? k : (int64_t)gr__rng_below(&rng, (uint64_t)e->count);
        picked[k] = slope[at[k]];
    }
    for (int64_t k = 0; k < n && st == GR_OK; k++) {
        double difference;
        st = gr__slopes_difference(s, (double *)e->data + at[k], picked[k], ENOUGH * GR_GRADIENT_LIMIT * scale,
                                   &difference);
        double error = fabs(difference - picked[k]);
        worst = error <= worst ? worst : error; /* NaN stays */
    }
    *row = (gr_gradient_row){.name = e->spec.name, .count = e->count, .checked = n, .error = worst / scale};
    return st;
}

static void judge(const gr_gradient_row *rows, size_t n, gr_finding *out)
{
    size_t bad = 0, worst = 0;
    for (size_t i = 0; i < n; i++) {
        bad += !(rows[i].error < GR_GRADIENT_LIMIT);
        if (!(rows[i].error <= rows[worst].error)) worst = i;
    }
    if (n == 0)
        gr__finding_set(out, GR_VERDICT_OK, 0, GR_GRADIENT_LIMIT, "the model has no parameters");
    else if (bad)
        gr__finding_set(out, GR_VERDICT_FAILED, rows[worst].error, GR_GRADIENT_LIMIT,
                        "%zu of %zu gradients differ from central differences, the worst is %s; an operation's "
                        "gradient rule is wrong: gradus check --gradients shows all",
                        bad, n, rows[worst].name);
    else
        gr__finding_set(out, GR_VERDICT_OK, rows[worst].error, GR_GRADIENT_LIMIT,
                        "back-propagation agrees with central differences in all %zu parameters", n);
}

gr_status gr__check_gradients(gr_context *ctx, const gr_recipe *r, int most, gr_gradient_row **rows, size_t *n,
                              gr__bump *memory, gr_finding *out)
{
    gr_slopes s = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__slopes_open(ctx, r, &(gr_slopes_options){.mode = GR_MODE_TRAIN, .batch = SAMPLES}, &s));
    *n = s.n;
    *rows = gr__bump_alloc(memory, sizeof **rows * s.n);
    if (!*rows) GR_TRY(GR_E_MEMORY);
    for (size_t i = 0; i < s.n; i++) {
        GR_TRY(check_tensor(&s, i, GR_MIN(most, GR_GRADIENT_MANY), &(*rows)[i]));
        (*rows)[i].name = gr__bump_strdup(memory, (*rows)[i].name);
        if (!(*rows)[i].name) GR_TRY(GR_E_MEMORY);
    }
    judge(*rows, s.n, out);
done:
    gr__slopes_close(&s);
    return st;
}
