/* Design check 1: does the network consume the data? Batches differ, inputs vary and belong to their labels, labels
 * vary, and the cost follows the inputs. [mission T3] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "study/check/check.h"

static const int64_t MOST_VALUES = 100000000; /* looked at: beyond it a rare value proves nothing any more */
enum { LOOKS = 16 };                          /* batches whose gradients are looked at where the first has none */
enum { FEW = 8 };                             /* samples: fewer may well be alike */

typedef struct survey {
    gr_probe *p;
    int64_t width, target_width;
    double *low, *high; /* of each input value */
    bool *asleep;       /* no gradient has reached it */
    void *sample;       /* of the set, as it is to be delivered */
    uint8_t *seen;      /* a row of the set has come this epoch */
    int64_t batches, same, twice, mispaired, rows;
    uint64_t before; /* hash of the batch before */
    double target_low, target_high;
    double slope; /* the largest of the cost with respect to an input */
    bool learns;  /* a gradient reaches some weight */
} survey;

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
    gr__fp_state saved = gr__fp_enter(); /* as the loader does */
    gr__deliver(set, row, &t->delivery, s->sample);
    gr__fp_leave(saved);
    for (int64_t k = 0; k < s->width; k++) {
        if (!equal(gr__element_at(t->input_as, s->sample, k), gr__element_at(t->input_as, b->inputs, i * s->width + k)))
            return false;
    }
    gr_element held = set->target == GR_TARGET_CLASS ? GR_EL_I32 : s->p->recipe->float64 ? GR_EL_F64 : GR_EL_F32;
    for (int64_t k = 0; k < s->target_width; k++) {
        double y = gr__element_at(held, set->targets, row * s->target_width + k);
        if (t->target_as == GR_EL_F32) y = (float)y;
        if (!equal(y, gr__element_at(t->target_as, b->targets, i * s->target_width + k))) return false;
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
            double x = gr__element_at(t->input_as, b->inputs, i * s->width + k);
            s->low[k] = fmin(s->low[k], x);
            s->high[k] = fmax(s->high[k], x);
        }
    }
    for (int64_t k = 0; k < b->n * s->target_width; k++) {
        double y = gr__element_at(t->target_as, b->targets, k);
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
    s->learns |= gr__probe_learns(p);
    for (int64_t k = 0; k < s->width; k++) {
        for (int64_t i = 0; i < b->n; i++) {
            double d = fabs(gr__probe_real(p, slope, i * s->width + k));
            if (!(d == 0)) s->asleep[k] = false;
            if (!(d <= s->slope)) s->slope = d; /* NaN stays */
        }
    }
    return GR_OK;
}

static int64_t count_asleep(const survey *s)
{
    int64_t n = 0;
    for (int64_t k = 0; k < s->width; k++) n += s->asleep[k];
    return n;
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

/* ---- verdicts ---- */

typedef struct inputs {
    int64_t dead, first, channel; /* as count_dead gives them */
    bool table;
    double share;
} inputs;

static inputs look_at_inputs(const survey *s)
{
    const gr_task *t = &s->p->task;
    inputs in = {.table = t->set_of[GR_PART_TRAIN]->sample.rank < 2 && t->recipe->input.rank < 2};
    in.dead = count_dead(s, in.table, &in.first, &in.channel);
    in.share = (double)in.dead / (double)GR_MAX(s->width, 1);
    return in;
}

/* Samples that do not come as the source has them. */
static bool misdelivered(const survey *s, double share, gr_finding *out)
{
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
    else
        return false;
    return true;
}

/* Samples that are all alike: nothing to learn, unless they are too few to say so. */
static bool alike(const survey *s, const inputs *in, gr_finding *out)
{
    gr_verdict verdict = s->rows < FEW ? GR_VERDICT_WARNING : GR_VERDICT_FAILED;
    if (!(s->target_low < s->target_high))
        gr__finding_set(out, verdict, in->share, 0,
                        "every target is %g, so there is nothing to learn; check the target column or the label file",
                        s->target_low);
    else if (in->dead == s->width)
        gr__finding_set(out, verdict, in->share, 0, "no input ever changes; check the source's files and columns");
    else
        return false;
    return true;
}

static bool unfollowed(const survey *s, double share, gr_finding *out)
{
    if (!isfinite(s->slope))
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "the gradient with respect to the inputs is not finite; prepare the data (standardize) or "
                        "start with smaller weights");
    else if (s->slope == 0 && !s->learns)
        gr__finding_set(out, GR_VERDICT_FAILED, share, 0,
                        "the cost does not follow any input: the gradient with respect to the inputs and to every "
                        "weight is zero everywhere; check preparation and initial weights");
    else
        return false;
    return true;
}

/* What trains, and may still be other than it was meant. */
static bool odd(const survey *s, const inputs *in, gr_finding *out)
{
    const gr_task *t = &s->p->task;
    int64_t asleep = count_asleep(s);
    char column[160] = "";
    if (in->first >= 0 && t->schema.name && in->first < t->schema.n_inputs)
        snprintf(column, sizeof column, "column \"%s\"", t->schema.name[in->first]);
    else if (in->first >= 0)
        snprintf(column, sizeof column, "column %lld", (long long)in->first);
    if (in->table && in->dead)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "%lld of %lld input columns never change and tell nothing, the first is %s; leave them out "
                        "with data.train.columns, or mend the source",
                        (long long)in->dead, (long long)s->width, column);
    else if (in->channel >= 0)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "channel %lld of the inputs never changes and tells nothing; mend the source, or take fewer "
                        "channels",
                        (long long)in->channel);
    else if (in->table && asleep && s->slope > 0)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "the cost does not follow %lld of %lld input columns in the first batches; check preparation "
                        "and initial weights",
                        (long long)asleep, (long long)s->width);
    else if (s->same && s->p->batch >= FEW)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "%lld of %lld batches equal the one before; look for duplicates with gradus data",
                        (long long)s->same, (long long)s->batches);
    else
        return false;
    return true;
}

static void judge(const survey *s, gr_finding *out)
{
    inputs in = look_at_inputs(s);
    if (misdelivered(s, in.share, out) || alike(s, &in, out) || unfollowed(s, in.share, out) || odd(s, &in, out))
        return;
    gr__finding_set(out, GR_VERDICT_OK, in.share, 0,
                    "%lld samples in %lld batches: batches differ, inputs keep their labels, labels vary, %s; %lld of "
                    "%lld inputs never change",
                    (long long)s->rows, (long long)s->batches,
                    s->slope > 0 ? "the cost follows the inputs" : "the weights' gradients follow the inputs",
                    (long long)in.dead, (long long)s->width);
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
    s.sample = gr__bump_alloc(memory, w * sizeof(double));
    s.seen = gr__bump_alloc(memory, n);
    if (!s.low || !s.high || !s.asleep || !s.sample || !s.seen) GR_TRY(GR_E_MEMORY);
    for (size_t k = 0; k < w; k++) s.low[k] = INFINITY, s.high[k] = -INFINITY, s.asleep[k] = true;
    gr__loader_seek(p->loader, 0, 0);
    while (!b.last && s.batches < p->batches && (s.batches < 2 || s.rows * s.width < MOST_VALUES)) {
        gr__watch(p->watch, "data", (double)s.batches / (double)p->batches);
        GR_TRY(p->next(p->source, &b));
        look_at(&s, &b);
        if (s.batches <= LOOKS && b.n == p->batch && count_asleep(&s) > 0) GR_TRY(look_at_slopes(&s, &b));
    }
    judge(&s, out);
done:
    gr__bump_destroy(memory);
    return st;
}
