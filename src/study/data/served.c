/* Traits of samples on two sides, and the tests of each and of all together. */
#include "study/data/served.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "data/moments.h"
#include "study/data/energy.h"

enum {
    MOST_ROWS = 5000,       /* a side */
    MOST_NUMBERS = 4 << 20, /* a side, of all traits */
    MOST_JOINT = 400        /* rows a side of the joint test */
};

typedef struct survey {
    gr_context *ctx;
    gr__bump *b;
    const gr_drift_side *side[2];
    gr_traits traits;
    int64_t rows[2];
    double *value[2]; /* [rows][traits] */
} survey;

/* As the training's samples are; a length counts where both have it, or the training's are kept. */
static gr_status choose_traits(survey *s)
{
    const gr_set *a = s->side[0]->set, *b = s->side[1]->set;
    const gr_kept_traits *kept = s->side[0]->kept;
    gr_trait_input in[GR_MAX_INPUTS] = {0};
    for (int i = 0; i < b->n_inputs; i++) {
        const gr_field *x = gr__set_input(b, i), *y = kept ? x : gr__set_input(a, i);
        in[i] = (gr_trait_input){kept ? s->side[0]->shape[i] : y->sample, y->vocabulary > 0,
                                 kept ? kept->length[i] : x->length && y->length};
    }
    gr__traits_of(in, b->n_inputs, &s->traits);
    if (!kept || kept->n == s->traits.n) return GR_OK;
    return gr__fail(s->ctx, GR_E_FORMAT, "the model holds %lld figures of a training sample, but its samples have %lld",
                    (long long)kept->n, (long long)s->traits.n);
}

/* At random, so that a file in some order is no drift. */
static gr_status choose_rows(survey *s, int k, uint64_t seed, uint32_t *chosen)
{
    const gr_drift_side *side = s->side[k];
    size_t bytes = sizeof(uint32_t) * (size_t)side->n;
    uint32_t *order = gr__alloc(s->ctx, bytes);
    gr__rng rng = gr__rng_make(seed, "drift", (uint32_t)k, 0);
    if (!order) return GR_E_MEMORY;
    gr__rng_permutation(&rng, order, (size_t)side->n);
    for (int64_t i = 0; i < s->rows[k]; i++) chosen[i] = side->row ? side->row[order[i]] : order[i];
    gr__free(s->ctx, order, bytes);
    return GR_OK;
}

static gr_status read_side(survey *s, int k, uint64_t seed, float *value)
{
    size_t bytes = sizeof(uint32_t) * (size_t)s->rows[k];
    uint32_t *chosen = gr__alloc(s->ctx, bytes);
    gr_status st = chosen ? choose_rows(s, k, seed, chosen) : GR_E_MEMORY;
    if (st == GR_OK) st = gr__traits_take(s->ctx, &s->traits, s->side[k]->set, chosen, s->rows[k], value);
    gr__free(s->ctx, chosen, bytes);
    return st;
}

static gr_status take_side(survey *s, int k, uint64_t seed)
{
    const gr_drift_side *side = s->side[k];
    int64_t most = GR_MIN(MOST_ROWS, GR_MAX(MOST_NUMBERS / GR_MAX(s->traits.n, 1), MOST_JOINT));
    s->rows[k] = side->kept ? side->kept->rows : GR_MIN(side->n, most);
    int64_t n = s->rows[k] * s->traits.n;
    s->value[k] = gr__alloc(s->ctx, sizeof *s->value[k] * (size_t)n);
    float *read = side->kept ? NULL : gr__alloc(s->ctx, sizeof *read * (size_t)n);
    gr_status st = s->value[k] && (read || side->kept) ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK && read) st = read_side(s, k, seed, read);
    const float *from = read ? read : side->kept ? side->kept->value : NULL;
    for (int64_t i = 0; i < n && st == GR_OK; i++) s->value[k][i] = from[i];
    if (read) gr__free(s->ctx, read, sizeof *read * (size_t)n);
    return st;
}

/* ---- tests ---- */

static gr_drift_view view_of(const survey *s, int k, int64_t feature)
{
    gr__moments m = {0};
    for (int64_t i = 0; i < s->rows[k]; i++) {
        const gr__moments one = {1, s->value[k][i * s->traits.n + feature], 0};
        if (isfinite(one.mean)) gr__moments_merge(&m, &one);
    }
    return (gr_drift_view){.mean = m.n > 0 ? m.mean : (double)NAN,
                           .std = m.n > 0 ? sqrt(m.m2 / m.n) : (double)NAN,
                           .missing = 1 - m.n / (double)s->rows[k]};
}

static void test_feature(const survey *s, int64_t feature, double *room[2], gr_drift_test *out)
{
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < s->rows[k]; i++) {
            double x = s->value[k][i * s->traits.n + feature];
            room[k][i] = isnan(x) ? -INFINITY : x;
        }
    out->is = gr__two_sample_ks(room[0], s->rows[0], room[1], s->rows[1]);
    out->training = view_of(s, 0, feature);
    out->serving = view_of(s, 1, feature);
}

/* at: the first of the group's traits; column: the first of its columns. */
static gr_status test_group(survey *s, const gr_trait_group *g, int64_t at, int64_t column, double *room[2],
                            gr_drift *out)
{
    const gr_drift_side *training = s->side[0];
    const gr_schema *schema = training->set ? training->set->schema : training->schema;
    const char *input = gr__set_input(s->side[1]->set, g->input)->name;
    for (int64_t k = 0; k < g->n + g->length; k++) {
        if (g->hidden && k < g->n) continue;
        gr_drift_test *t = &out->feature[out->n++];
        t->name = gr__trait_name(s->b, &s->traits, g, k, input, schema, column);
        if (!t->name) return GR_E_MEMORY;
        test_feature(s, at + k, room, t);
    }
    return GR_OK;
}

static gr_status test_features(survey *s, gr_drift *out)
{
    double *room[2];
    gr_status st = GR_OK;
    for (int k = 0; k < 2; k++) room[k] = gr__alloc(s->ctx, sizeof *room[k] * (size_t)s->rows[k]);
    out->feature = gr__bump_alloc(s->b, sizeof *out->feature * (size_t)GR_MAX(s->traits.n, 1));
    if (!room[0] || !room[1] || !out->feature) st = GR_E_MEMORY;
    for (int64_t i = 0, at = 0, column = 0; i < s->traits.n_groups && st == GR_OK; i++) {
        const gr_trait_group *g = &s->traits.group[i];
        st = test_group(s, g, at, column, room, out);
        at += g->n + g->length;
        bool last = i + 1 == s->traits.n_groups || s->traits.group[i + 1].input != g->input;
        column += last ? g->width : 0;
    }
    for (int k = 0; k < 2; k++) gr__free(s->ctx, room[k], sizeof *room[k] * (size_t)s->rows[k]);
    return st;
}

static gr_status test_jointly(survey *s, uint64_t seed, gr_drift *out)
{
    int64_t n[2] = {GR_MIN(s->rows[0], MOST_JOINT), GR_MIN(s->rows[1], MOST_JOINT)};
    out->has_joint = s->traits.n > 1;
    if (!out->has_joint) return GR_OK;
    return gr__two_sample_energy(s->ctx, s->value[0], n[0], s->value[1], n[1], s->traits.n, seed, &out->joint.is);
}

/* Two families of tests, of which each has half of alpha; a lone one has all of it. */
static gr_status adjust(survey *s, double alpha, gr_drift *out)
{
    size_t n = (size_t)GR_MAX(out->n, 1);
    const double families = (out->n > 0) + out->has_joint;
    double *p = gr__bump_alloc(s->b, sizeof *p * n);
    int64_t *order = gr__bump_alloc(s->b, sizeof *order * n);
    if (!p || !order) return gr__error_code(s->ctx);
    for (int64_t i = 0; i < out->n; i++) p[i] = out->feature[i].is.p;
    gr__holm(p, out->n, order);
    for (int64_t i = 0; i < out->n; i++) {
        gr_drift_test *t = &out->feature[i];
        t->adjusted = fmin(1, families * p[i]);
        t->drifts = t->adjusted <= alpha;
        out->found += t->drifts;
    }
    out->joint.adjusted = out->has_joint ? fmin(1, families * out->joint.is.p) : 1;
    out->joint.drifts = out->has_joint && out->joint.adjusted <= alpha;
    out->found += out->joint.drifts;
    out->tests = out->n + out->has_joint;
    return GR_OK;
}

static gr_status too_few(gr_context *ctx, const gr_drift_side *side, const char *what)
{
    return gr__fail(ctx, GR_E_DATA, "%s has %lld samples: fewer than %d tell no distribution", what,
                    (long long)(side->kept ? side->kept->rows : side->n), GR_DRIFT_LEAST);
}

gr_status gr__drift(gr_context *ctx, gr__bump *b, const gr_drift_side *training, const gr_drift_side *serving,
                    double alpha, uint64_t seed, gr_drift *out)
{
    survey s = {.ctx = ctx, .b = b, .side = {training, serving}};
    gr_status st = GR_OK;
    *out = (gr_drift){0};
    GR_TRY(choose_traits(&s));
    if ((training->kept ? training->kept->rows : training->n) < GR_DRIFT_LEAST)
        return too_few(ctx, training, "the training data");
    if (serving->n < GR_DRIFT_LEAST) return too_few(ctx, serving, serving->set->file ? serving->set->file : "the file");
    for (int k = 0; k < 2; k++) GR_TRY(take_side(&s, k, seed));
    GR_TRY(test_features(&s, out));
    GR_TRY(test_jointly(&s, seed, out));
    GR_TRY(adjust(&s, alpha, out));
    for (int k = 0; k < 2; k++) out->used[k] = s.rows[k];
done:
    for (int k = 0; k < 2; k++) gr__free(ctx, s.value[k], sizeof *s.value[k] * (size_t)(s.rows[k] * s.traits.n));
    return st;
}
