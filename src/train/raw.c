/* Raw input: read as the training's was, and held against what training saw: numbers that were prepared already come
 * out of the preparation far from mean 0, or with no spread.   [mission D18] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/moments.h"
#include "data/sample.h"
#include "train/raw.h"

enum { ENOUGH = 20 };                  /* values, to say anything */
static const double FAR = 10;          /* standard deviations of the training from its mean */
static const double NARROW = 1.0 / 20; /* of the training's standard deviation */

/* Mean and spread, in the training's, of group `first` of `groups`: the values first, first + groups, ... of every
 * sample. */
static gr__moments moments_of(gr__samples *from, const gr_prepared *prepared, int n, int64_t samples, int64_t first,
                              int64_t groups)
{
    const gr_field *x = from->x;
    const void *sample;
    gr_shape given = gr__prepare_takes(prepared, n, x->sample);
    for (int k = 0; k < n; k++)
        if (prepared[k].step->reshapes) given = prepared[k].gives;
    int64_t width = gr_shape_count(given);
    gr__moments m = {0};
    for (int64_t i = 0; i < samples && (sample = gr__samples_at(from->ctx, from, i)); i++)
        for (int64_t e = first; e < width; e += groups) {
            gr__before in = gr__before_of(prepared, n, x->element, sample);
            gr__moments one = {1, 0, 0};
            gr__prepare_read(&in, e, &one.mean, 1);
            if (isfinite(one.mean)) gr__moments_merge(&m, &one);
        }
    return m;
}

static bool is_unusual(gr__samples *from, const gr_prepared *prepared, int n_prepared, int64_t n, char *text,
                       size_t size)
{
    int k = n_prepared - 1, groups = 0;
    while (k >= 0 && !gr__prepared_list(&prepared[k], "mean", NULL)) k--;
    const double *std = k >= 0 ? gr__prepared_list(&prepared[k], "std", &groups) : NULL;
    for (int64_t g = 0; g < groups; g++) {
        bool constant = !(std[g] > 0); /* training had one value there: no scale to compare with */
        gr__moments m = moments_of(from, prepared, k + 1, n, g, groups);
        double spread = m.n > 0 ? sqrt(m.m2 / m.n) : 0;
        if (constant || m.n < ENOUGH || (fabs(m.mean) <= FAR && spread >= NARROW)) continue;
        snprintf(text, size,
                 "its numbers are not like the training's: their mean lies %.3g standard deviations from the "
                 "training's, their spread is %.3g of it; give raw input, "
                 "as the training's source had it: the model prepares it itself",
                 m.mean, spread);
        return true;
    }
    return false;
}

bool gr__raw_is_unusual(gr_context *ctx, const gr_prepared *prepared, int n_prepared, const gr_field *x, int64_t n,
                        char *text, size_t size)
{
    gr__samples from;
    bool unusual = gr__samples_open(ctx, x, &from) == GR_OK && is_unusual(&from, prepared, n_prepared, n, text, size);
    gr__samples_close(&from);
    return unusual;
}

bool gr__raw_warn(gr_context *ctx, const gr_model *m, const char *name, const gr_set *set)
{
    const gr_recipe *r = m->recipe;
    char text[400];
    bool warned = false;
    for (int i = 0; i < set->n_inputs; i++) {
        const char *input = r->inputs_named ? r->input[i].name : "", *colon = r->inputs_named ? ": " : "";
        if (!gr__raw_is_unusual(ctx, m->meaning.prepared[i], m->meaning.n_prepared[i], gr__set_input(set, i), set->n,
                                text, sizeof text))
            continue;
        gr__log(ctx, GR_LOG_WARNING, "%s: %s%s%s", name, input, colon, text);
        warned = true;
    }
    for (int i = 0; i < set->n_inputs; i++) { /* filled up with zeros, they would be taken for what was measured */
        const gr_shape sample = r->input[i].sample;
        if (!gr__source_has_lengths(r->data.train, r->input[i].name) || gr__set_length(set, i)) continue;
        warned = true;
        gr__log(ctx, GR_LOG_WARNING,
                "%s: the model was trained with lengths%s%s, but the file has none: all %lld steps of a sample count",
                name, r->inputs_named ? " of " : "", r->inputs_named ? r->input[i].name : "",
                (long long)(sample.rank ? sample.dim[0] : 1));
    }
    return warned;
}

/* ---- reading ---- */

/* How the model's training read, and the samples that it takes. */
static gr_source_options options_of(const gr_model *m, const gr_wants *wants, gr_shape sample[GR_MAX_INPUTS])
{
    const gr_recipe *r = m->recipe;
    gr_source_options o = {.folder = ".", .keep_float64 = r->float64, .wants = wants, .schema = &m->meaning.schema};
    for (int i = 0; i < r->n_inputs; i++) {
        o.exact |= m->meaning.n_prepared[i] > 0;
        sample[i] = gr__prepare_takes(m->meaning.prepared[i], m->meaning.n_prepared[i], r->input[i].sample);
    }
    return o;
}

gr_status gr__raw_load(gr_context *ctx, const gr_model *m, const char *file, const char *const *keep, int n_keep,
                       gr_set *out)
{
    gr_shape sample[GR_MAX_INPUTS];
    const gr_wants wants = gr__recipe_wants(m->recipe);
    gr_source_options o = options_of(m, &wants, sample);
    o.keep = keep;
    o.n_keep = n_keep;
    gr_status st = gr__set_raw(ctx, file, sample, m->recipe->data.train, &o, out);
    if (st != GR_OK || n_keep == 0 || out->n_kept) return st;
    gr__set_free(ctx, out);
    *out = (gr_set){0};
    return gr__fail(ctx, GR_E_USAGE, "--keep %s: %s is no table, which alone has columns", keep[0], file);
}

gr_status gr__raw_given(gr_context *ctx, const gr_model *m, const gr_data *d, gr_set *out)
{
    gr_shape sample[GR_MAX_INPUTS];
    const gr_wants wants = gr__recipe_wants(m->recipe);
    const gr_source_options o = options_of(m, &wants, sample);
    return gr__given_raw(ctx, d, sample, &o, out);
}

/* ---- predictors ---- */

gr_status gr__raw_ready(gr_context *ctx, const gr_model *m, const gr_set *set, gr_ready *r)
{
    gr_ready now = {.batch = GR_MIN((int64_t)GR_RAW_BATCH, GR_MAX(set->n, 1))};
    for (int i = 0; i < set->n_inputs; i++) {
        now.source[i] = gr__set_input(set, i)->element;
        now.lengths[i] = gr__set_length(set, i) != NULL;
    }
    if (r->predictor && r->batch == now.batch && memcmp(r->source, now.source, sizeof now.source) == 0 &&
        memcmp(r->lengths, now.lengths, sizeof now.lengths) == 0)
        return GR_OK;
    gr__predictor_destroy(r->predictor);
    *r = now;
    return gr__predictor_make(ctx, m, set, now.batch, &r->predictor);
}
