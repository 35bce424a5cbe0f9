/* Design check 2: outputs that are what their cost says they are.   [mission T4] */
#include <math.h>

#include "cost/cost.h"
#include "study/check/rule.h"

static const double SUM_LIMIT = 1e-5; /* of probabilities from 1 */

typedef struct ranges {
    int64_t bad, outside;
    double off;
} ranges; /* not finite; outside [0,1]; the largest distance of a row's sum from 1 */

static ranges look(const gr_probe *p, const void *v, int64_t rows, int64_t width)
{
    ranges r = {0};
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            double x = gr__probe_real(p, v, i * width + k);
            r.bad += !isfinite(x);
            r.outside += !(x >= 0 && x <= 1);
            sum += x;
        }
        if (!(fabs(sum - 1) <= r.off)) r.off = fabs(sum - 1);
    }
    return r;
}

typedef struct wanted {
    int64_t last, sample; /* predictions along the last axis, and of a sample */
    int64_t targets;      /* numbers, or classes, of a sample's target */
    bool fits, sums;      /* the one suits the other; a row sums to 1 */
} wanted;

static wanted compare_shapes(const gr_probe *p, int head, gr_shape shape)
{
    gr_reading reading = p->recipe->head[head].reading;
    gr_shape target = gr__set_target(p->task.set_of[GR_PART_TRAIN], head)->sample;
    int64_t all = gr_shape_count(shape);
    wanted w = {.last = shape.rank ? shape.dim[shape.rank - 1] : 1, .sample = all / p->batch};
    bool shares = reading.prediction == GR_PREDICT_SHARES, class = reading.target == GR_FORM_CLASS;
    w.targets = class ? p->task.meaning.classes[head] : gr_shape_count(target);
    if (reading.target == GR_FORM_DISTRIBUTION && target.rank > 1) w.targets = target.dim[target.rank - 1];
    w.sums = shares || (reading.prediction == GR_PREDICT_LABELS && w.last == 2 && class);
    if (shape.rank == 0 || shape.dim[0] != p->batch)
        w.fits = false;
    else if (reading.target == GR_FORM_DISTRIBUTION)
        w.fits = w.last == w.targets;
    else if (shares)
        w.fits = w.last >= GR_MAX(w.targets, 2);
    else
        w.fits = w.sums || w.sample == w.targets;
    return w;
}

/* The layer that gives predictions of this form; "the cost" where none does. */
static const char *name_of_layer(gr_prediction_form form)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++)
        if (all[i]->gives == form) return all[i]->head.name;
    return "the cost";
}

static void judge(const gr_reading *reading, const wanted *w, const ranges *r, int64_t all, gr_finding *out)
{
    bool unit = reading->prediction != GR_PREDICT_VALUES;
    if (!w->fits)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)w->last, (double)w->targets,
                        "a sample gives %lld outputs where the targets want %lld; check the last layer's units",
                        (long long)w->sample, (long long)w->targets);
    else if (r->bad)
        gr__finding_set(
            out, GR_VERDICT_FAILED, (double)r->bad, 0,
            "%lld of %lld outputs are not finite; prepare the data (standardize) or start with smaller weights",
            (long long)r->bad, (long long)all);
    else if (unit && r->outside)
        gr__finding_set(out, GR_VERDICT_FAILED, (double)r->outside, 0,
                        "%lld of %lld probabilities lie outside 0 to 1: the output is not read through %s",
                        (long long)r->outside, (long long)all, name_of_layer(reading->prediction));
    else if (w->sums && !(r->off <= SUM_LIMIT))
        gr__finding_set(out, GR_VERDICT_FAILED, r->off, SUM_LIMIT,
                        "a sample's probabilities miss the sum of 1 by %.2g: the output is not read through %s", r->off,
                        name_of_layer(reading->prediction));
    else if (w->sums)
        gr__finding_set(out, GR_VERDICT_OK, r->off, SUM_LIMIT,
                        "%lld probabilities a sample, finite, within 0 to 1, summing to 1", (long long)w->last);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "%lld outputs a sample, finite%s", (long long)w->sample,
                        unit ? ", within 0 to 1" : "");
}

gr_status gr__check_outputs(gr_probe *p, gr_finding *out)
{
    gr_batch b;
    gr_shape shape;
    gr__loader_seek(p->loader, 0, 0);
    gr_status st = p->next(p->source, &b);
    if (st == GR_OK) st = gr__probe_run(p, p->evaluate, &b);
    for (int h = 0; h < p->recipe->n_heads && st == GR_OK; h++) {
        const void *v = gr__probe_head(p, h, "prediction", &shape);
        int64_t all = gr_shape_count(shape);
        wanted w = compare_shapes(p, h, shape);
        ranges r = look(p, v, w.last ? all / w.last : 0, w.last);
        gr_finding f = {0};
        judge(&p->recipe->head[h].reading, &w, &r, all, &f);
        if (f.verdict != GR_VERDICT_OK && w.fits && r.bad)
            gr__finding_fix_scale(p->recipe, &f);
        else if (f.verdict != GR_VERDICT_OK)
            gr__finding_fix(&f, "gradus explain %s", p->recipe->head[h].cost->head.name);
        gr__finding_worse(p->recipe, h, &f, out);
    }
    return st;
}

static gr_status judge_outputs(gr_check *c, gr_finding *out)
{
    return gr__check_outputs(&c->probe, out);
}

GR_RULE(valid_outputs) = {
    .head = {.family = "rule",
             .name = "valid_outputs",
             .title = "Outputs are what their cost reads them as",
             .cite = "the chapter, 4.5.2 check 2",
             .equations =
                 "predictions of a batch: as many as targets want, finite, probabilities within 0 to 1 that sum to 1"},
    .as = {{"T4", "outputs"}},
    .reads = GR_READS_PROBE,
    .limit = "1e-5",
    .unit = "distance of a sum of probabilities from 1",
    .judge = judge_outputs,
};
