/* Which traits samples have, and reading them. */
#include "data/traits.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/text.h"
#include "data/moments.h"
#include "data/sample.h"

enum {
    MOST_ELEMENTS = 1024, /* of a sample, each a trait of its own; beyond, stretches */
    STRETCHES = 256,
    BUCKETS = 64 /* of indices, whose shares are taken */
};

/* ---- which there are ---- */

static gr_trait_group group_of(const gr_trait_input *in, int input)
{
    const gr_shape shape = in->shape;
    gr_trait_group g = {.input = input, .width = gr_shape_count(shape), .length = in->length};
    g.channels = shape.rank > 1 ? shape.dim[shape.rank - 1] : 1;
    g.kind = in->indices                                 ? GR_TRAIT_SHARES
             : shape.rank > 1 && g.channels <= STRETCHES ? GR_TRAIT_CHANNELS
             : g.width > MOST_ELEMENTS                   ? GR_TRAIT_PIECES
                                                         : GR_TRAIT_ELEMENTS;
    g.n = g.kind == GR_TRAIT_SHARES     ? BUCKETS
          : g.kind == GR_TRAIT_CHANNELS ? 2 * g.channels
          : g.kind == GR_TRAIT_PIECES   ? STRETCHES
                                        : g.width;
    g.hidden = g.kind == GR_TRAIT_SHARES;
    return g;
}

static void add_group(gr_traits *t, gr_trait_group g)
{
    t->n += g.n + g.length;
    t->group[t->n_groups++] = g;
}

/* Channels say nothing of where something stands in a sample: all together see that too. */
void gr__traits_of(const gr_trait_input *input, int n, gr_traits *out)
{
    *out = (gr_traits){.n_inputs = n};
    for (int i = 0; i < n; i++) {
        gr_trait_group g = group_of(&input[i], i);
        add_group(out, g);
        if (g.kind != GR_TRAIT_CHANNELS || g.width < STRETCHES) continue;
        g.kind = GR_TRAIT_PIECES;
        g.hidden = true;
        g.length = false;
        g.n = STRETCHES;
        add_group(out, g);
    }
}

/* ---- reading them ---- */

static void take_channels(const gr_trait_group *g, const double *x, int64_t counts, float *out)
{
    for (int64_t c = 0; c < g->channels; c++) {
        gr__moments m = {0};
        for (int64_t e = c; e < counts; e += g->channels) {
            const gr__moments one = {1, x[e], 0};
            if (isfinite(x[e])) gr__moments_merge(&m, &one);
        }
        out[2 * c] = m.n > 0 ? (float)m.mean : NAN;
        out[2 * c + 1] = m.n > 0 ? (float)sqrt(m.m2 / m.n) : NAN;
    }
}

static void take_stretches(const gr_trait_group *g, const double *x, float *out)
{
    for (int64_t k = 0; k < STRETCHES; k++) {
        int64_t from = g->width * k / STRETCHES, to = g->width * (k + 1) / STRETCHES, n = 0;
        double sum = 0;
        for (int64_t e = from; e < to; e++)
            if (isfinite(x[e])) sum += x[e], n++;
        out[k] = n ? (float)(sum / (double)n) : NAN;
    }
}

static void take_shares(const double *x, int64_t counts, float *out)
{
    double share[BUCKETS] = {0};
    for (int64_t e = 0; e < counts; e++) share[(int64_t)x[e] % BUCKETS] += 1 / (double)counts;
    for (int64_t k = 0; k < BUCKETS; k++) out[k] = (float)share[k];
}

/* x: room for the numbers of a sample. */
static gr_status take_sample(gr_context *ctx, const gr_trait_group *g, const gr_field *f, gr__samples *from,
                             int64_t row, double *x, float *out)
{
    const void *numbers = gr__samples_at(ctx, from, row);
    int64_t counts = gr__field_counts(f, row, g->width);
    if (!numbers) return gr__error_code(ctx);
    for (int64_t e = 0; e < g->width; e++) x[e] = gr__element_at(f->element, numbers, e);
    if (g->kind == GR_TRAIT_CHANNELS) take_channels(g, x, counts, out);
    if (g->kind == GR_TRAIT_PIECES) take_stretches(g, x, out);
    if (g->kind == GR_TRAIT_SHARES) take_shares(x, counts, out);
    for (int64_t e = 0; e < g->width && g->kind == GR_TRAIT_ELEMENTS; e++) out[e] = (float)x[e];
    if (g->length) out[g->n] = (float)(f->length ? f->length[row] : f->sample.rank ? f->sample.dim[0] : 1);
    return GR_OK;
}

static gr_status take_group(gr_context *ctx, const gr_traits *t, const gr_trait_group *g, const gr_set *s,
                            const uint32_t *row, int64_t n, float *out)
{
    const gr_field *f = gr__set_input(s, g->input);
    size_t bytes = sizeof(double) * (size_t)g->width;
    double *x = gr__alloc(ctx, bytes);
    gr__samples from = {0};
    gr_status st = x ? gr__samples_open(ctx, f, &from) : GR_E_MEMORY;
    for (int64_t i = 0; i < n && st == GR_OK; i++)
        st = take_sample(ctx, g, f, &from, row ? row[i] : i, x, out + i * t->n);
    gr__samples_close(&from);
    gr__free(ctx, x, bytes);
    return st;
}

gr_status gr__traits_take(gr_context *ctx, const gr_traits *t, const gr_set *s, const uint32_t *row, int64_t n,
                          float *out)
{
    gr_status st = GR_OK;
    for (int i = 0; i < t->n_groups && st == GR_OK; i++) {
        st = take_group(ctx, t, &t->group[i], s, row, n, out);
        out += t->group[i].n + t->group[i].length;
    }
    return st;
}

/* ---- names ---- */

const char *gr__trait_name(gr__bump *b, const gr_traits *t, const gr_trait_group *g, int64_t k, const char *input,
                           const gr_schema *schema, int64_t column)
{
    const char *of = t->n_inputs > 1 ? gr__bump_format(b, "%s ", input) : "", *what = k % 2 ? "spread" : "mean";
    if (!of) return NULL;
    if (k == g->n) return gr__bump_format(b, "%slength", of);
    if (g->kind == GR_TRAIT_CHANNELS && g->channels == 1) return gr__bump_format(b, "%s%s", of, what);
    if (g->kind == GR_TRAIT_CHANNELS) return gr__bump_format(b, "%s%s of channel %lld", of, what, (long long)k / 2);
    if (g->kind == GR_TRAIT_PIECES)
        return gr__bump_format(b, "%smean of %lld to %lld", of, (long long)(g->width * k / STRETCHES),
                               (long long)(g->width * (k + 1) / STRETCHES - 1));
    if (schema && schema->name && column + k < schema->n_inputs)
        return gr__bump_format(b, "%s", schema->name[column + k]);
    return gr__bump_format(b, "%s%lld", of, (long long)k);
}

/* ---- keeping some ---- */

static int by_row(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

gr_status gr__traits_keep(gr_context *ctx, gr__bump *b, const gr_traits *t, const gr_set *s, const gr_rows *rows,
                          uint64_t seed, gr_kept_traits *out)
{
    int64_t most = GR_MAX(GR_MIN(GR_KEPT_NUMBERS / GR_MAX(t->n, 1), GR_KEPT_ROWS), GR_KEPT_LEAST);
    int64_t n = GR_MIN(rows->n, most);
    size_t bytes = sizeof(uint32_t) * (size_t)rows->n;
    uint32_t *order = gr__alloc(ctx, bytes);
    float *value = gr__bump_alloc(b, sizeof *value * (size_t)(n * t->n));
    gr__rng rng = gr__rng_make(seed, "traits", 0, 0);
    gr_status st = order && value ? GR_OK : gr__error_code(ctx);
    if (st == GR_OK) {
        gr__rng_permutation(&rng, order, (size_t)rows->n);
        for (int64_t i = 0; i < n; i++) order[i] = rows->row[order[i]];
        qsort(order, (size_t)n, sizeof *order, by_row); /* files are read from front to back */
        st = gr__traits_take(ctx, t, s, order, n, value);
    }
    *out = (gr_kept_traits){.samples = rows->n, .rows = n, .n = t->n, .value = value};
    for (int i = 0; i < t->n_groups; i++) out->length[t->group[i].input] |= t->group[i].length;
    gr__free(ctx, order, bytes);
    return st;
}
