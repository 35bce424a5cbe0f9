/* Samples as numbers, and their hashes. */
#include "data/numbers.h"

#include <math.h>
#include <string.h>

gr_status gr__sampler_open(gr_context *ctx, const gr_set *set, gr_sampler *out)
{
    gr_status st = GR_OK;
    *out = (gr_sampler){.ctx = ctx, .set = set};
    for (int i = 0; i < set->n_inputs; i++)
        out->first[i + 1] = out->first[i] + gr_shape_count(gr__set_input(set, i)->sample);
    for (int i = 0; i < set->n_inputs && st == GR_OK; i++)
        st = gr__samples_open(ctx, gr__set_input(set, i), &out->from[i]);
    if (st == GR_OK && !(out->x = gr__alloc(ctx, sizeof(double) * (size_t)out->first[set->n_inputs]))) st = GR_E_MEMORY;
    if (st != GR_OK) gr__sampler_close(out);
    return st;
}

void gr__sampler_close(gr_sampler *s)
{
    if (!s->ctx) return;
    gr__free(s->ctx, s->x, sizeof(double) * (size_t)s->first[s->set->n_inputs]);
    for (int i = 0; i < s->set->n_inputs; i++) gr__samples_close(&s->from[i]);
    *s = (gr_sampler){0};
}

static void widen(gr_element e, const void *raw, int64_t n, double *x)
{
    for (int64_t i = 0; i < n; i++) x[i] = gr__element_at(e, raw, i) + 0.0; /* of -0 it makes 0 */
}

gr_status gr__sampler_take(gr_sampler *s, int64_t row)
{
    for (int i = 0; i < s->set->n_inputs; i++) {
        const gr_field *f = gr__set_input(s->set, i);
        int64_t n = s->first[i + 1] - s->first[i], counts = gr__field_counts(f, row, n);
        const void *raw = gr__samples_at(s->ctx, &s->from[i], row);
        if (!raw) return gr__error_code(s->ctx);
        widen(f->element, raw, counts, s->x + s->first[i]);
        for (int64_t k = counts; k < n; k++) s->x[s->first[i] + k] = 0;
    }
    return GR_OK;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ h >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return h ^ h >> 29;
}

/* Every NaN is the same one here. */
static uint64_t bits_of(double x)
{
    uint64_t bits;
    if (isnan(x)) return UINT64_C(0x7ff8000000000001);
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

uint64_t gr__numbers_hash(const double *x, int64_t n)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)n;
    for (int64_t i = 0; i < n; i++) h = mix((h ^ bits_of(x[i])) * UINT64_C(0x9fb21c651e98df25));
    return mix(h);
}

static uint64_t hash_targets(const gr_set *s, int64_t row, uint64_t h)
{
    for (int k = 0; k < s->n_targets; k++) {
        const gr_field *f = gr__set_target(s, k);
        int64_t n = gr_shape_count(f->sample);
        for (int64_t i = 0; i < n; i++) h = mix(h ^ bits_of(gr__element_at(f->element, f->data, row * n + i) + 0.0));
    }
    return h;
}

gr_status gr__rows_hash(gr_context *ctx, const gr_set *set, const gr_rows *rows, uint64_t *out)
{
    gr_sampler s = {0};
    uint64_t sum = 0;
    gr_status st = gr__sampler_open(ctx, set, &s);
    for (int64_t i = 0; i < rows->n && st == GR_OK; i++) {
        st = gr__sampler_take(&s, rows->row[i]);
        if (st == GR_OK) sum += hash_targets(set, rows->row[i], gr__numbers_hash(s.x, s.first[set->n_inputs]));
    }
    gr__sampler_close(&s);
    if (st == GR_OK) *out = sum;
    return st;
}

const gr_field *gr__set_classes(const gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *f = gr__set_target(s, h);
        if (f->kind == GR_TARGET_CLASS && f->sample.rank == 0) return f;
    }
    return NULL;
}
