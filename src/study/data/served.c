/* Features of samples, and the tests of each and of all together. */
#include "study/data/served.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "data/moments.h"
#include "data/sample.h"
#include "study/data/energy.h"

enum {
    MOST_ELEMENTS = 1024, /* of a sample, each a feature of its own; beyond, stretches */
    STRETCHES = 256,
    BUCKETS = 64,           /* of indices, whose shares the joint test takes */
    MOST_ROWS = 5000,       /* a side */
    MOST_NUMBERS = 4 << 20, /* a side, of all features */
    MOST_JOINT = 400        /* rows a side of the joint test */
};

/* ---- which features there are ---- */

typedef enum kind { ELEMENTS, CHANNELS, PIECES, SHARES } kind;

typedef struct reading { /* of an input */
    const gr_field *x[2];
    kind kind;
    bool hidden;      /* its features, but for the length, are in the joint test alone */
    int64_t width, n; /* numbers of a sample; features */
    int64_t channels;
    bool length; /* one more: how many steps count */
    gr__samples from[2];
    double *sample;
} reading;

typedef struct survey {
    gr_context *ctx;
    gr__bump *b;
    const gr_drift_side *side[2];
    reading reading[2 * GR_MAX_INPUTS];
    int n_readings;
    int64_t features;
    int64_t rows[2];
    uint32_t *chosen[2];
    double *value[2]; /* [rows][features] */
} survey;

static reading reading_of(const survey *s, int input)
{
    reading r = {.x = {gr__set_input(s->side[0]->set, input), gr__set_input(s->side[1]->set, input)}};
    const gr_shape shape = r.x[0]->sample;
    r.width = gr_shape_count(shape);
    r.channels = shape.rank > 1 ? shape.dim[shape.rank - 1] : 1;
    r.kind = r.x[0]->vocabulary                          ? SHARES
             : shape.rank > 1 && r.channels <= STRETCHES ? CHANNELS
             : r.width > MOST_ELEMENTS                   ? PIECES
                                                         : ELEMENTS;
    r.n = r.kind == SHARES ? BUCKETS : r.kind == CHANNELS ? 2 * r.channels : r.kind == PIECES ? STRETCHES : r.width;
    r.hidden = r.kind == SHARES;
    r.length = r.x[0]->length && r.x[1]->length;
    return r;
}

static void add_reading(survey *s, reading r)
{
    s->features += r.n + r.length;
    s->reading[s->n_readings++] = r;
}

/* Channels say nothing of where something stands in a sample: all together see that too. */
static void choose_features(survey *s)
{
    for (int i = 0; i < s->side[0]->set->n_inputs; i++) {
        reading r = reading_of(s, i);
        add_reading(s, r);
        if (r.kind != CHANNELS || r.width < STRETCHES) continue;
        r.kind = PIECES;
        r.hidden = true;
        r.length = false;
        r.n = STRETCHES;
        add_reading(s, r);
    }
}

/* At random, so that a file in some order is no drift. */
static gr_status choose_rows(survey *s, int k, uint64_t seed)
{
    const gr_drift_side *side = s->side[k];
    int64_t most = GR_MIN(MOST_ROWS, GR_MAX(MOST_NUMBERS / GR_MAX(s->features, 1), MOST_JOINT));
    uint32_t *order = gr__alloc(s->ctx, sizeof *order * (size_t)side->n);
    gr__rng rng = gr__rng_make(seed, "drift", (uint32_t)k, 0);
    s->rows[k] = GR_MIN(side->n, most);
    s->chosen[k] = gr__bump_alloc(s->b, sizeof *s->chosen[k] * (size_t)s->rows[k]);
    if (order && s->chosen[k]) {
        gr__rng_permutation(&rng, order, (size_t)side->n);
        for (int64_t i = 0; i < s->rows[k]; i++) s->chosen[k][i] = side->row ? side->row[order[i]] : order[i];
    }
    gr__free(s->ctx, order, sizeof *order * (size_t)side->n);
    return order && s->chosen[k] ? GR_OK : GR_E_MEMORY;
}

/* ---- reading them ---- */

/* Mean and standard deviation of every channel. */
static void take_channels(const reading *r, int64_t counts, double *out)
{
    for (int64_t c = 0; c < r->channels; c++) {
        gr__moments m = {0};
        for (int64_t e = c; e < counts; e += r->channels) {
            const gr__moments one = {1, r->sample[e], 0};
            if (isfinite(r->sample[e])) gr__moments_merge(&m, &one);
        }
        out[2 * c] = m.n > 0 ? m.mean : (double)NAN;
        out[2 * c + 1] = m.n > 0 ? sqrt(m.m2 / m.n) : (double)NAN;
    }
}

static void take_stretches(const reading *r, double *out)
{
    for (int64_t k = 0; k < STRETCHES; k++) {
        int64_t from = r->width * k / STRETCHES, to = r->width * (k + 1) / STRETCHES, n = 0;
        double sum = 0;
        for (int64_t e = from; e < to; e++)
            if (isfinite(r->sample[e])) sum += r->sample[e], n++;
        out[k] = n ? sum / (double)n : (double)NAN;
    }
}

static void take_shares(const reading *r, int64_t counts, double *out)
{
    for (int64_t k = 0; k < BUCKETS; k++) out[k] = 0;
    for (int64_t e = 0; e < counts; e++) out[(int64_t)r->sample[e] % BUCKETS] += 1 / (double)counts;
}

static gr_status take_sample(survey *s, reading *r, int k, int64_t row, double *out)
{
    const gr_field *x = r->x[k];
    const void *numbers = gr__samples_at(s->ctx, &r->from[k], row);
    int64_t counts = gr__field_counts(x, row, r->width);
    if (!numbers) return gr__error_code(s->ctx);
    for (int64_t e = 0; e < r->width; e++) r->sample[e] = gr__element_at(x->element, numbers, e);
    if (r->kind == CHANNELS) take_channels(r, counts, out);
    if (r->kind == PIECES) take_stretches(r, out);
    if (r->kind == SHARES) take_shares(r, counts, out);
    if (r->kind == ELEMENTS) memcpy(out, r->sample, sizeof *out * (size_t)r->width);
    if (r->length) out[r->n] = x->length[row];
    return GR_OK;
}

static gr_status read_side(survey *s, int k)
{
    gr_status st = GR_OK;
    s->value[k] = gr__alloc(s->ctx, sizeof *s->value[k] * (size_t)(s->rows[k] * s->features));
    if (!s->value[k]) return GR_E_MEMORY;
    for (int64_t i = 0, at = 0; i < s->n_readings && st == GR_OK; i++) {
        reading *r = &s->reading[i];
        st = gr__samples_open(s->ctx, r->x[k], &r->from[k]);
        for (int64_t row = 0; row < s->rows[k] && st == GR_OK; row++)
            st = take_sample(s, r, k, s->chosen[k][row], s->value[k] + row * s->features + at);
        gr__samples_close(&r->from[k]);
        at += r->n + r->length;
    }
    return st;
}

/* ---- names ---- */

static const char *name_of(survey *s, const reading *r, int64_t k, int64_t column)
{
    const gr_schema *schema = s->side[0]->set->schema;
    const char *of = s->side[0]->set->n_inputs > 1 ? gr__bump_format(s->b, "%s ", r->x[0]->name) : "";
    const char *what = k % 2 ? "spread" : "mean", *name;
    if (!of) return NULL;
    if (k == r->n)
        name = gr__bump_format(s->b, "%slength", of);
    else if (r->kind == CHANNELS && r->channels == 1)
        name = gr__bump_format(s->b, "%s%s", of, what);
    else if (r->kind == CHANNELS)
        name = gr__bump_format(s->b, "%s%s of channel %lld", of, what, (long long)k / 2);
    else if (r->kind == PIECES)
        name = gr__bump_format(s->b, "%smean of %lld to %lld", of, (long long)(r->width * k / STRETCHES),
                               (long long)(r->width * (k + 1) / STRETCHES - 1));
    else if (schema && schema->name && column < schema->n_inputs)
        name = gr__bump_format(s->b, "%s", schema->name[column]);
    else
        name = gr__bump_format(s->b, "%s%lld", of, (long long)k);
    return name;
}

/* ---- tests ---- */

static gr_drift_view view_of(const survey *s, int k, int64_t feature)
{
    gr__moments m = {0};
    for (int64_t i = 0; i < s->rows[k]; i++) {
        const gr__moments one = {1, s->value[k][i * s->features + feature], 0};
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
            double x = s->value[k][i * s->features + feature];
            room[k][i] = isnan(x) ? -INFINITY : x;
        }
    out->is = gr__two_sample_ks(room[0], s->rows[0], room[1], s->rows[1]);
    out->training = view_of(s, 0, feature);
    out->serving = view_of(s, 1, feature);
}

static gr_status test_features(survey *s, gr_drift *out)
{
    double *room[2];
    gr_status st = GR_OK;
    for (int k = 0; k < 2; k++) room[k] = gr__alloc(s->ctx, sizeof *room[k] * (size_t)s->rows[k]);
    out->feature = gr__bump_alloc(s->b, sizeof *out->feature * (size_t)GR_MAX(s->features, 1));
    if (!room[0] || !room[1] || !out->feature) st = GR_E_MEMORY;
    for (int64_t i = 0, at = 0, column = 0; i < s->n_readings && st == GR_OK; i++) {
        const reading *r = &s->reading[i];
        for (int64_t k = 0; k < r->n + r->length && st == GR_OK; k++, at++) {
            if (r->hidden && k < r->n) continue;
            gr_drift_test *t = &out->feature[out->n++];
            t->name = name_of(s, r, k, column + k);
            if (!t->name) st = GR_E_MEMORY;
            test_feature(s, at, room, t);
        }
        column += r->hidden ? 0 : r->width;
    }
    for (int k = 0; k < 2; k++) gr__free(s->ctx, room[k], sizeof *room[k] * (size_t)s->rows[k]);
    return st;
}

static gr_status test_jointly(survey *s, uint64_t seed, gr_drift *out)
{
    int64_t n[2] = {GR_MIN(s->rows[0], MOST_JOINT), GR_MIN(s->rows[1], MOST_JOINT)};
    out->has_joint = s->features > 1;
    if (!out->has_joint) return GR_OK;
    return gr__two_sample_energy(s->ctx, s->value[0], n[0], s->value[1], n[1], s->features, seed, &out->joint.is);
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
    return gr__fail(ctx, GR_E_DATA, "%s has %lld samples: fewer than %d tell no distribution", what, (long long)side->n,
                    GR_DRIFT_LEAST);
}

gr_status gr__drift(gr_context *ctx, gr__bump *b, const gr_drift_side *training, const gr_drift_side *serving,
                    double alpha, uint64_t seed, gr_drift *out)
{
    survey s = {.ctx = ctx, .b = b, .side = {training, serving}};
    gr_status st = GR_OK;
    *out = (gr_drift){0};
    if (training->n < GR_DRIFT_LEAST) return too_few(ctx, training, "the training data");
    if (serving->n < GR_DRIFT_LEAST) return too_few(ctx, serving, serving->set->file ? serving->set->file : "the file");
    choose_features(&s);
    for (int i = 0; i < s.n_readings; i++) {
        s.reading[i].sample = gr__bump_alloc(b, sizeof(double) * (size_t)s.reading[i].width);
        if (!s.reading[i].sample) return gr__error_code(ctx);
    }
    for (int k = 0; k < 2; k++) GR_TRY(choose_rows(&s, k, seed));
    for (int k = 0; k < 2; k++) GR_TRY(read_side(&s, k));
    GR_TRY(test_features(&s, out));
    GR_TRY(test_jointly(&s, seed, out));
    GR_TRY(adjust(&s, alpha, out));
    for (int k = 0; k < 2; k++) out->used[k] = s.rows[k];
done:
    for (int k = 0; k < 2; k++) gr__free(ctx, s.value[k], sizeof *s.value[k] * (size_t)(s.rows[k] * s.features));
    return st;
}
