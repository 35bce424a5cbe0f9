/* Design check 1: does the network consume the data? Batches differ, inputs vary and belong to their labels, labels
 * vary, and the cost follows the inputs. [mission T3] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/study.h"

static const int64_t MOST_VALUES = 100000000; /* looked at: beyond it a rare value proves nothing any more */

typedef struct survey {
    gr_probe *p;
    int64_t width, target_width;
    double *low, *high; /* of each input value */
    bool *asleep;       /* no gradient has reached it */
    uint8_t *seen;      /* a row of the set has come this epoch */
    int64_t batches, same, twice, mispaired, rows;
    uint64_t before; /* hash of the batch before */
    double target_low, target_high;
    double slope; /* the largest of the cost with respect to an input */
} survey;

static double element(const void *data, gr_element e, int64_t i)
{
    return e == GR_EL_U8    ? ((const uint8_t *)data)[i]
           : e == GR_EL_I32 ? ((const int32_t *)data)[i]
           : e == GR_EL_F32 ? ((const float *)data)[i]
                            : ((const double *)data)[i];
}

static uint64_t hash(const void *data, size_t n)
{
    const unsigned char *s = data;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * 1099511628211u;
    return h;
}

static bool equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Is what was delivered as row i of the batch the sample and the target of the set's row? */
static bool paired(const survey *s, const gr_batch *b, int64_t i)
{
    const gr_task *t = &s->p->task;
    const gr_set *set = t->set_of[GR_PART_TRAIN];
    int64_t row = b->row[i];
    for (int64_t k = 0; k < s->width; k++) {
        double x = element(set->inputs, set->element, row * s->width + k);
        if (t->input_as == GR_EL_F32) x = (float)x;
        if (!equal(x, element(b->inputs, t->input_as, i * s->width + k))) return false;
    }
    gr_element held = set->target == GR_TARGET_CLASS ? GR_EL_I32 : s->p->recipe->float64 ? GR_EL_F64 : GR_EL_F32;
    for (int64_t k = 0; k < s->target_width; k++) {
        double y = element(set->targets, held, row * s->target_width + k);
        if (t->target_as == GR_EL_F32) y = (float)y;
        if (!equal(y, element(b->targets, t->target_as, i * s->target_width + k))) return false;
    }
    return true;
}

static void look_at(survey *s, const gr_batch *b)
{
    const gr_task *t = &s->p->task;
    uint64_t h = hash(b->inputs, (size_t)(b->n * s->width) * gr__element_bytes(t->input_as));
    s->same += s->batches > 0 && h == s->before;
    s->before = h;
    s->batches++;
    for (int64_t i = 0; i < b->n; i++) {
        s->twice += s->seen[b->row[i]];
        s->seen[b->row[i]] = 1;
        s->mispaired += !paired(s, b, i);
        s->rows++;
        for (int64_t k = 0; k < s->width; k++) {
            double x = element(b->inputs, t->input_as, i * s->width + k);
            s->low[k] = fmin(s->low[k], x);
            s->high[k] = fmax(s->high[k], x);
        }
    }
    for (int64_t k = 0; k < b->n * s->target_width; k++) {
        double y = element(b->targets, t->target_as, k);
        s->target_low = fmin(s->target_low, y);
        s->target_high = fmax(s->target_high, y);
    }
}

static gr_status look_at_slopes(survey *s, const gr_batch *b)
{
    gr_probe *p = s->p;
    gr_status st = gr__probe_run(p, p->train, b);
    if (st != GR_OK) return st;
    const void *slope = gr_plan_output(p->train, "input_slope", NULL);
    for (int64_t k = 0; k < s->width; k++) {
        s->asleep[k] = true;
        for (int64_t i = 0; i < b->n; i++) {
            double d = fabs(gr__probe_real(p, slope, i * s->width + k));
            if (!(d == 0)) s->asleep[k] = false;
            if (!(d <= s->slope)) s->slope = d; /* NaN stays */
        }
    }
    return GR_OK;
}

/* Inputs that never change. channel: the first whose values are all dead at every place of a picture, -1: none. */
static int64_t count_dead(const survey *s, bool table, int64_t *first, int64_t *channel)
{
    gr_shape in = s->p->recipe->input;
    int64_t dead = 0, channels = table ? 1 : in.dim[in.rank - 1];
    *first = *channel = -1;
    for (int64_t c = 0; c < channels; c++) {
        bool all = true;
        for (int64_t k = c; k < s->width; k += channels) {
            bool constant = !(s->low[k] < s->high[k]);
            if (constant && *first < 0) *first = k;
            dead += constant;
            all &= constant;
        }
        if (all && *channel < 0 && !table) *channel = c;
    }
    return dead;
}

static void judge(const survey *s, gr_finding *out)
{
    const gr_task *t = &s->p->task;
    const gr_set *set = t->set_of[GR_PART_TRAIN];
    bool table = set->sample.rank < 2 && t->recipe->input.rank < 2;
    int64_t first, channel, dead = count_dead(s, table, &first, &channel), asleep = 0;
    double share = (double)dead / (double)GR_MAX(s->width, 1);
    char column[160] = "";
    for (int64_t k = 0; k < s->width; k++) asleep += s->asleep[k];
    if (first >= 0 && t->schema.name && first < t->schema.n_inputs)
        snprintf(column, sizeof column, "column \"%s\"", t->schema.name[first]);
    else if (first >= 0)
        snprintf(column, sizeof column, "column %lld", (long long)first);
    if (s->batches > 1 && s->same == s->batches - 1)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "all %lld batches hold the same inputs; the loader or the file repeats itself: look at the "
                        "data with a small data.limit",
                        (long long)s->batches);
    else if (s->twice)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "%lld samples come twice in one epoch, so others never come; the order of samples is broken",
                        (long long)s->twice);
    else if (s->mispaired)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "%lld of %lld samples come with other inputs or another label than the source gives them; "
                        "pairing is lost on the way",
                        (long long)s->mispaired, (long long)s->rows);
    else if (!(s->target_low < s->target_high))
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "every target is %g, so there is nothing to learn; check the target column or the label file",
                        s->target_low);
    else if (dead == s->width)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "no input ever changes; check the source's files and columns");
    else if (table && dead)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "%lld of %lld input columns never change, the first is %s; leave them out with "
                        "data.train.columns, or mend the source",
                        (long long)dead, (long long)s->width, column);
    else if (channel >= 0)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "channel %lld of the inputs never changes; mend the source, or take fewer channels",
                        (long long)channel);
    else if (!isfinite(s->slope))
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "the gradient with respect to the inputs is not finite; prepare the data (standardize) or "
                        "start with smaller weights");
    else if (s->slope == 0)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "the cost does not follow any input: the gradient with respect to the inputs is zero "
                        "everywhere; check preparation and initial weights");
    else if (table && asleep)
        gr__finding_set(out, GR_VERDICT_WARNING, share, 0,
                        "the cost does not follow %lld of %lld input columns in the first batch; check preparation and "
                        "initial weights",
                        (long long)asleep, (long long)s->width);
    else if (s->same)
        gr__finding_set(out, GR_VERDICT_WARNING, share, 0,
                        "%lld of %lld batches equal the one before; look for duplicates with gradus data",
                        (long long)s->same, (long long)s->batches);
    else
        gr__finding_set(out, GR_VERDICT_OK, share, 0,
                        "%lld samples in %lld batches: batches differ, inputs keep their labels, labels vary, the cost "
                        "follows the inputs; %lld of %lld inputs never change",
                        (long long)s->rows, (long long)s->batches, (long long)dead, (long long)s->width);
}

gr_status gr__check_data(gr_probe *p, gr_finding *out)
{
    const gr_task *t = &p->task;
    survey s = {.p = p, .width = gr_shape_count(p->recipe->input), .target_low = INFINITY, .target_high = -INFINITY};
    size_t w = (size_t)GR_MAX(s.width, 1), n = (size_t)t->set_of[GR_PART_TRAIN]->n;
    gr__bump *memory = gr__bump_create(p->ctx);
    gr_batch b = {0};
    gr_status st = GR_OK;
    if (!memory) return GR_E_MEMORY;
    s.target_width = gr_shape_count(t->target_sample);
    s.low = gr__bump_alloc(memory, w * sizeof *s.low);
    s.high = gr__bump_alloc(memory, w * sizeof *s.high);
    s.asleep = gr__bump_alloc(memory, w);
    s.seen = gr__bump_alloc(memory, n);
    if (!s.low || !s.high || !s.asleep || !s.seen) GR_TRY(GR_E_MEMORY);
    for (size_t k = 0; k < w; k++) s.low[k] = INFINITY, s.high[k] = -INFINITY;
    gr__loader_seek(p->loader, 0, 0);
    while (!b.last && s.batches < p->batches && (s.batches < 2 || s.rows * s.width < MOST_VALUES)) {
        GR_TRY(p->next(p->source, &b));
        look_at(&s, &b);
        if (s.batches == 1) GR_TRY(look_at_slopes(&s, &b));
    }
    judge(&s, out);
done:
    gr__bump_destroy(memory);
    return st;
}
