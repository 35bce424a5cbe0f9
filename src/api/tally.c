/* Metrics by name, of predictions counted batch by batch. */
#include <math.h>

#include "api/text.h"
#include "gradus/tally.h"
#include "metric/metric.h"

typedef struct owned { /* whose counts come first: what metrics read is what the caller holds */
    gr_tally t;
    gr_context *ctx;
    uint64_t score_bytes;
    bool finished;
} owned;

/* The public masks are those of the family. */
_Static_assert((int)GR_TALLY_CLASSES == (int)GR_METRIC_CLASS && (int)GR_TALLY_LABELS == (int)GR_METRIC_LABELS &&
                   (int)GR_TALLY_SHARES == (int)GR_METRIC_DISTRIBUTION && (int)GR_TALLY_VALUES == (int)GR_METRIC_VALUES,
               "masks of what targets are");

/* ---- its life ---- */

/* So many numbers, of eight bytes and a few counts each, that their bytes fit 64 bits. */
static bool is_too_many(int64_t a, int64_t b)
{
    int64_t n;
    return __builtin_mul_overflow(a, b, &n) || n > INT64_MAX / 64;
}

static gr_status check_options(gr_context *ctx, const gr_tally_options *o)
{
    bool one = o && (o->form == GR_TALLY_CLASSES || o->form == GR_TALLY_LABELS || o->form == GR_TALLY_SHARES ||
                     o->form == GR_TALLY_VALUES);
    if (!one) return gr__fail(ctx, GR_E_USAGE, "a tally is of classes, labels, shares or values, one of them");
    if (o->outputs < 1 || o->max_samples < 0 || is_too_many(o->outputs, GR_MAX(o->max_samples, 1)))
        return gr__fail(ctx, GR_E_RANGE, "a tally of %lld outputs and at most %lld samples", (long long)o->outputs,
                        (long long)o->max_samples);
    if (o->classes && o->form != GR_TALLY_CLASSES)
        return gr__fail(ctx, GR_E_USAGE, "classes are for targets that are classes");
    if (o->form == GR_TALLY_CLASSES && (o->classes < 0 || o->outputs % (o->classes ? o->classes : o->outputs) != 0 ||
                                        (o->classes ? o->classes : o->outputs) < 2))
        return gr__fail(ctx, GR_E_RANGE, "%lld outputs are no probabilities of %lld classes", (long long)o->outputs,
                        (long long)o->classes);
    return GR_OK;
}

static gr_status begin(gr_context *ctx, const gr_tally_options *o, owned *out)
{
    gr_tally_spec is = {.outputs = o->outputs, .wide = o->wide, .samples = o->max_samples};
    while (1u << is.form != o->form) is.form++;
    if (o->form == GR_TALLY_CLASSES) is.classes = o->classes ? o->classes : o->outputs;
    if (o->max_samples && (o->form & (GR_TALLY_CLASSES | GR_TALLY_LABELS))) {
        out->score_bytes = gr__tally_score_bytes(&is, o->max_samples);
        if (!(is.scores = gr__tensor_alloc(ctx, (size_t)out->score_bytes))) return gr__error_code(ctx);
        out->t.is.scores = is.scores;
    }
    return gr__tally_begin(ctx, &is, &out->t);
}

gr_status gr_tally_create(gr_context *ctx, const gr_tally_options *options, gr_tally **out)
{
    gr_status st = check_options(ctx, options);
    owned *o = st == GR_OK ? gr__alloc(ctx, sizeof *o) : NULL;
    if (!o) return gr__error_code(ctx);
    *o = (owned){.ctx = ctx};
    st = begin(ctx, options, o);
    if (st == GR_OK)
        *out = &o->t;
    else
        gr_tally_destroy(&o->t);
    return st;
}

void gr_tally_destroy(gr_tally *t)
{
    owned *o = (owned *)t;
    if (!o) return;
    void *scores = t->is.scores;
    gr__tally_end(t);
    if (scores) gr__tensor_free(o->ctx, scores, (size_t)o->score_bytes);
    gr__free(o->ctx, o, sizeof *o);
}

/* ---- counting ---- */

static gr_status check_labels(const gr_tally *t, int64_t n, const int32_t *label)
{
    int64_t each = t->is.outputs / t->is.classes;
    for (int64_t i = 0; i < n * each; i++)
        if (label[i] < 0 || label[i] >= t->is.classes)
            return gr__fail(t->ctx, GR_E_DATA, "sample %lld has class %d, which is not in [0, %lld]",
                            (long long)(t->samples + i / each), label[i], (long long)t->is.classes - 1);
    return GR_OK;
}

gr_status gr_tally_add(gr_tally *t, int64_t n, const void *targets, const void *predictions)
{
    const owned *o = (const owned *)t;
    if (gr__error_code(o->ctx) != GR_OK) return gr__error_code(o->ctx);
    if (o->finished) return gr__fail(o->ctx, GR_E_USAGE, "a figure of the tally was asked for: it is closed");
    if (n < 0 || !targets || !predictions) return gr__fail(o->ctx, GR_E_USAGE, "samples need targets and predictions");
    int64_t all;
    bool many = __builtin_add_overflow(t->samples, n, &all) || is_too_many(all, t->is.outputs);
    if (many) return gr__fail(o->ctx, GR_E_RANGE, "%lld samples are more than a tally counts", (long long)n);
    if (t->is.samples && all > t->is.samples)
        return gr__fail(o->ctx, GR_E_RANGE, "%lld samples, where at most %lld were to come", (long long)all,
                        (long long)t->is.samples);
    gr_status st = t->is.form == GR_FORM_CLASS ? check_labels(t, n, targets) : GR_OK;
    if (st == GR_OK) gr__tally_add(t, n, targets, predictions);
    return st;
}

/* ---- figures ---- */

static gr_status find(gr_tally *t, gr__bump *b, const char *type, const char *settings, gr_settings *s,
                      const gr_metric **out)
{
    gr_tree *tree = NULL;
    gr_status st = GR_OK;
    gr_context *ctx = t->ctx;
    const char *label = gr__bump_format(b, "metric, %s", type);
    if (!label) return GR_E_MEMORY;
    GR_TRY(gr__api_settings(ctx, b, label, type, settings, &tree));
    const gr_metric *m = (const gr_metric *)gr__family_find(ctx, &gr__family_metric, "metric", tree, NULL);
    const gr_tree *at = gr__tree_get(tree, "type");
    if (!m) return gr__error_code(ctx);
    if (!(m->forms & 1u << t->is.form))
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, NULL, "%s is not for %s", type, gr__target_form_name(t->is.form));
    if (m->scores && !t->is.scores)
        return gr__tree_fail(ctx, at, GR_E_CONFLICT, "say max_samples when it is created",
                             "%s needs the scores of all samples, which this tally does not keep", type);
    GR_TRY(gr__settings_make(ctx, b, &m->head, tree, GR_PRESET_CHAPTER, NULL, s));
    if (m->check) GR_TRY(m->check(ctx, s, t->is.form, t->n_hits));
    *out = m;
done:
    return st;
}

gr_status gr_tally_figure(gr_tally *t, const char *metric, const char *settings, double *out)
{
    owned *o = (owned *)t;
    const gr_metric *m = NULL;
    gr_settings s;
    if (!metric) return gr__fail(o->ctx, GR_E_USAGE, "a figure needs the name of a metric");
    gr__bump *b = gr__bump_create(o->ctx);
    if (!b) return GR_E_MEMORY;
    gr_status st = find(t, b, metric, settings, &s, &m);
    if (st == GR_OK) {
        if (!o->finished) gr__tally_finish(t);
        o->finished = true;
        double value = t->samples == 0 || t->nonfinite ? (double)NAN : m->value(&s, t);
        st = gr__error_code(o->ctx);
        if (st == GR_OK) *out = value;
    }
    gr__bump_destroy(b);
    return st;
}

/* ---- the counts ---- */

gr_tally_counts gr_tally_read(const gr_tally *t)
{
    return (gr_tally_counts){.samples = t->samples,
                             .decisions = t->decisions,
                             .right = t->right,
                             .nonfinite = t->nonfinite,
                             .classes = t->n_hits,
                             .log_sum = t->log_sum,
                             .square_sum = t->square_sum,
                             .absolute_sum = t->absolute_sum};
}

gr_tally_hits gr_tally_class(const gr_tally *t, int64_t k)
{
    if (k < 0 || k >= t->n_hits) return (gr_tally_hits){0};
    return (gr_tally_hits){t->hits[k].truth, t->hits[k].guessed, t->hits[k].both};
}

int64_t gr_tally_ranked(const gr_tally *t, int64_t before)
{
    return t->is.form == GR_FORM_CLASS && before >= 0 && before < t->is.classes ? t->rank[before] : 0;
}
