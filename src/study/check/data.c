/* Design check 1: does the network consume the data? Batches differ, inputs vary and belong to their labels, labels
 * vary, and the cost follows the inputs. [mission T3] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/pool.h"
#include "data/sample.h"
#include "study/check/rule.h"

static const int64_t MOST_VALUES = 100000000; /* looked at: beyond it a rare value proves nothing any more */
enum { LOOKS = 16 };                          /* batches whose gradients are looked at where the first has none */
enum { FEW = 8 };                             /* samples: fewer may well be alike */

typedef struct survey {
    gr_probe *p;
    int64_t width;                    /* numbers of a sample's inputs, one input after the other */
    int64_t first[GR_MAX_INPUTS + 1]; /* where each begins */
    double *low, *high;               /* of each input value */
    bool *asleep;                     /* no gradient has reached it */
    void *sample;                     /* of the set, as it is to be delivered */
    uint32_t *due;                    /* how often a row of the set is still to come this epoch */
    int64_t batches, same, twice, mispaired, rows;
    uint64_t before; /* hash of the batch before */
    double target_low[GR_MAX_TARGETS], target_high[GR_MAX_TARGETS];
    double slope; /* the largest of the cost with respect to an input */
    bool learns;  /* a gradient reaches some weight */
} survey;

static const gr_set *set_of(const survey *s)
{
    return s->p->task.set_of[GR_PART_TRAIN];
}

static int64_t width_of(const survey *s, int input)
{
    return s->first[input + 1] - s->first[input];
}

/* Number k of the batch's target h. */
static double target_at(const survey *s, const gr_batch *b, int h, int64_t k)
{
    bool classes = gr__set_target(set_of(s), h)->kind == GR_TARGET_CLASS;
    return gr__element_at(classes ? GR_EL_I32 : gr__task_real(&s->p->task), b->field[s->p->recipe->n_inputs + h], k);
}

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const unsigned char *s = data;
    for (size_t i = 0; i < n; i++) h = (h ^ s[i]) * 1099511628211u;
    return h;
}

static bool equal(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Is what was delivered as row i of the batch what the set's row has of this input, of this target? */
static bool input_paired(const survey *s, const gr_batch *b, int64_t i, int input)
{
    const gr_delivery *d = &s->p->task.delivery[input];
    int64_t width = width_of(s, input);
    const gr_field *x = gr__set_input(set_of(s), input);
    gr__samples from;
    gr_status st = gr__samples_open(s->p->ctx, x, &from);
    const void *sample = st == GR_OK ? gr__samples_at(s->p->ctx, &from, b->row[i]) : NULL;
    gr__fp_state saved = gr__fp_enter(); /* as the loader does */
    int64_t at = b->row[i];
    if (sample) gr__deliver(gr__field_of(x, &at), sample, d, width, s->sample);
    gr__fp_leave(saved);
    bool same = sample != NULL;
    for (int64_t k = 0; k < width && same; k++)
        same = equal(gr__element_at(d->as, s->sample, k), gr__element_at(d->as, b->field[input], i * width + k));
    gr__samples_close(&from);
    return same;
}

static bool target_paired(const survey *s, const gr_batch *b, int64_t i, int h)
{
    const gr_field *f = gr__set_target(set_of(s), h);
    int64_t width = gr_shape_count(f->sample);
    for (int64_t k = 0; k < width; k++) {
        double y = gr__element_at(f->element, f->data, gr__made_base(set_of(s)->made, b->row[i]) * width + k);
        if (f->kind != GR_TARGET_CLASS && gr__task_real(&s->p->task) == GR_EL_F32) y = (float)y;
        if (!equal(y, target_at(s, b, h, i * width + k))) return false;
    }
    return true;
}

static bool paired(const survey *s, const gr_batch *b, int64_t i)
{
    bool so = true;
    for (int k = 0; k < set_of(s)->n_inputs && so; k++) so = input_paired(s, b, i, k);
    for (int h = 0; h < set_of(s)->n_targets && so; h++) so = target_paired(s, b, i, h);
    return so;
}

static void look_at_input(survey *s, const gr_batch *b, int input)
{
    gr_element as = s->p->task.delivery[input].as;
    int64_t width = width_of(s, input), first = s->first[input];
    for (int64_t i = 0; i < b->n; i++)
        for (int64_t k = 0; k < width; k++) {
            double x = gr__element_at(as, b->field[input], i * width + k);
            s->low[first + k] = fmin(s->low[first + k], x);
            s->high[first + k] = fmax(s->high[first + k], x);
        }
}

static void look_at_target(survey *s, const gr_batch *b, int h)
{
    int64_t n = b->n * gr_shape_count(gr__set_target(set_of(s), h)->sample);
    for (int64_t k = 0; k < n; k++) {
        double y = target_at(s, b, h, k);
        s->target_low[h] = fmin(s->target_low[h], y);
        s->target_high[h] = fmax(s->target_high[h], y);
    }
}

static void look_at(survey *s, const gr_batch *b)
{
    uint64_t h = 14695981039346656037u;
    for (int i = 0; i < s->p->recipe->n_inputs; i++)
        h = hash(h, b->field[i], (size_t)(b->n * width_of(s, i)) * gr__element_bytes(s->p->task.delivery[i].as));
    s->same += s->batches > 0 && h == s->before;
    s->before = h;
    s->batches++;
    for (int64_t i = 0; i < b->n; i++) {
        s->twice += s->due[b->row[i]] == 0;
        s->due[b->row[i]] -= s->due[b->row[i]] > 0;
        s->mispaired += !paired(s, b, i);
        s->rows++;
    }
    for (int i = 0; i < s->p->recipe->n_inputs; i++) look_at_input(s, b, i);
    for (int k = 0; k < set_of(s)->n_targets; k++) look_at_target(s, b, k);
}

static void look_at_slope(survey *s, const gr_batch *b, int input)
{
    char name[32];
    int64_t width = width_of(s, input);
    snprintf(name, sizeof name, "input%d_slope", input);
    const void *slope = gr_plan_output(s->p->train, name, NULL);
    for (int64_t k = 0; k < width; k++) {
        for (int64_t i = 0; i < b->n; i++) {
            double d = fabs(gr__probe_real(s->p, slope, i * width + k));
            if (!(d == 0)) s->asleep[s->first[input] + k] = false;
            if (!(d <= s->slope)) s->slope = d; /* NaN stays */
        }
    }
}

static gr_status look_at_slopes(survey *s, const gr_batch *b)
{
    gr_status st = gr__probe_run(s->p, s->p->train, b);
    if (st != GR_OK) return st;
    s->learns |= gr__probe_learns(s->p);
    for (int i = 0; i < s->p->recipe->n_inputs; i++) look_at_slope(s, b, i);
    return GR_OK;
}

static int64_t count_asleep(const survey *s)
{
    int64_t n = 0;
    for (int64_t k = 0; k < s->width; k++) n += s->asleep[k];
    return n;
}

typedef struct inputs {
    int64_t dead, first; /* values that never change; the first of them, -1: none */
    int64_t channel;     /* the first whose values are all dead at every place of a picture, -1: none */
    int of;              /* the input that `channel` is of */
    bool table;          /* all inputs are rows of numbers */
    double share;
} inputs;

static bool is_row(const survey *s, int input)
{
    return gr__set_input(set_of(s), input)->sample.rank < 2 && s->p->recipe->input[input].sample.rank < 2;
}

static void count_dead(const survey *s, int input, inputs *out)
{
    gr_shape in = s->p->recipe->input[input].sample;
    bool row = is_row(s, input);
    int64_t channels = row ? 1 : in.dim[in.rank - 1];
    for (int64_t c = 0; c < channels; c++) {
        bool all = true;
        for (int64_t k = s->first[input] + c; k < s->first[input + 1]; k += channels) {
            bool constant = !(s->low[k] < s->high[k]);
            if (constant && out->first < 0) out->first = k;
            out->dead += constant;
            all &= constant;
        }
        if (all && out->channel < 0 && !row) out->channel = c, out->of = input;
    }
}

/* ---- verdicts ---- */

static inputs look_at_inputs(const survey *s)
{
    inputs in = {.first = -1, .channel = -1, .table = true};
    for (int i = 0; i < s->p->recipe->n_inputs; i++) {
        count_dead(s, i, &in);
        in.table &= is_row(s, i);
    }
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
    int h = 0, n = set_of(s)->n_targets;
    const gr_recipe *r = s->p->recipe;
    while (h < n && s->target_low[h] < s->target_high[h]) h++;
    if (h < n)
        gr__finding_set(
            out, verdict, in->share, 0,
            "every target%s%s is %g, so there is nothing to learn; check the target column or the label file",
            r->heads_named ? " of " : "", r->heads_named ? r->head[h].name : "", s->target_low[h]);
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
    const gr_schema *schema = &s->p->task.meaning.schema;
    const gr_recipe *r = s->p->recipe;
    int64_t asleep = count_asleep(s);
    char column[160] = "";
    if (in->first >= 0 && schema->name && in->first < schema->n_inputs)
        snprintf(column, sizeof column, "column \"%s\"", schema->name[in->first]);
    else if (in->first >= 0)
        snprintf(column, sizeof column, "column %lld", (long long)in->first);
    if (in->table && in->dead)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "%lld of %lld input columns never change and tell nothing, the first is %s; leave them out "
                        "with data.train.columns, or mend the source",
                        (long long)in->dead, (long long)s->width, column);
    else if (in->channel >= 0)
        gr__finding_set(out, GR_VERDICT_WARNING, in->share, 0,
                        "channel %lld of %s%s never changes and tells nothing; mend the source, or take fewer channels",
                        (long long)in->channel, r->inputs_named ? "input " : "the inputs",
                        r->inputs_named ? r->input[in->of].name : "");
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

/* The columns that are left, where they have names; else whoever looks at the data says more. */
static void mend_columns(const survey *s, gr_finding *out)
{
    const gr_schema *schema = &s->p->task.meaning.schema;
    char list[300] = "";
    size_t n = 0;
    int left = 0;
    for (int64_t k = 0; schema->name && k < s->width && k < schema->n_inputs; k++) {
        if (!(s->low[k] < s->high[k])) continue;
        int wrote = snprintf(list + n, sizeof list - n, "%s%s", left++ ? ", " : "", schema->name[k]);
        n += wrote > 0 ? (size_t)wrote : 0;
        if (n >= sizeof list) left = 0, k = s->width;
    }
    if (!left || s->width != schema->n_inputs || s->p->recipe->n_inputs > 1) {
        gr__finding_fix(out, "gradus data check %s", s->p->recipe->path);
        return;
    }
    gr__finding_fix(out, "data.train.columns: [%s]", list);
    gr__finding_fix(out, "model.input: [%d]", left);
}

static void mend(const survey *s, const inputs *in, gr_finding *out)
{
    if (out->verdict == GR_VERDICT_OK) return;
    if (!isfinite(s->slope) || (s->slope == 0 && !s->learns && in->dead < s->width))
        gr__finding_fix_scale(s->p->recipe, out);
    else if (in->table && in->dead && in->dead < s->width)
        mend_columns(s, out);
    else
        gr__finding_fix(out, "gradus data check %s", s->p->recipe->path);
}

static void judge(const survey *s, gr_finding *out)
{
    inputs in = look_at_inputs(s);
    if (misdelivered(s, in.share, out) || alike(s, &in, out) || unfollowed(s, in.share, out) || odd(s, &in, out)) {
        mend(s, &in, out);
        return;
    }
    gr__finding_set(out, GR_VERDICT_OK, in.share, 0,
                    "%lld samples in %lld batches: batches differ, inputs keep their labels, labels vary, %s; %lld of "
                    "%lld inputs never change",
                    (long long)s->rows, (long long)s->batches,
                    s->slope > 0 ? "the cost follows the inputs" : "the weights' gradients follow the inputs",
                    (long long)in.dead, (long long)s->width);
}

static gr_status take_room(survey *s, gr__bump *memory)
{
    const gr_recipe *r = s->p->recipe;
    for (int i = 0; i < r->n_inputs; i++)
        s->first[i + 1] = s->first[i] + gr_shape_count(gr__task_sample(&s->p->task, i));
    s->width = s->first[r->n_inputs];
    size_t w = (size_t)GR_MAX(s->width, 1);
    s->low = gr__bump_alloc(memory, w * sizeof *s->low);
    s->high = gr__bump_alloc(memory, w * sizeof *s->high);
    s->asleep = gr__bump_alloc(memory, w);
    s->sample = gr__bump_alloc(memory, w * sizeof(double));
    const gr_made *made = set_of(s)->made;
    const gr_rows *trained = gr__task_trained(&s->p->task);
    s->due = gr__bump_alloc(memory, (size_t)(set_of(s)->n + (made ? made->n : 0)) * sizeof *s->due);
    if (!s->low || !s->high || !s->asleep || !s->sample || !s->due) return GR_E_MEMORY;
    for (int64_t i = 0; i < trained->n; i++) s->due[trained->row[i]]++;
    for (size_t k = 0; k < w; k++) s->low[k] = INFINITY, s->high[k] = -INFINITY, s->asleep[k] = true;
    for (int h = 0; h < GR_MAX_TARGETS; h++) s->target_low[h] = INFINITY, s->target_high[h] = -INFINITY;
    return GR_OK;
}

gr_status gr__check_data(gr_probe *p, gr_finding *out)
{
    survey s = {.p = p};
    gr__bump *memory = gr__bump_create(p->ctx);
    gr_batch b = {0};
    gr_status st = GR_OK;
    if (!memory) return GR_E_MEMORY;
    GR_TRY(take_room(&s, memory));
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

static gr_status judge_data(gr_check *c, gr_finding *out)
{
    return gr__check_data(&c->probe, out);
}

GR_RULE(consumed_data) = {
    .head = {.family = "rule",
             .name = "consumed_data",
             .title = "The network consumes its data",
             .cite = "the chapter, 4.5.2 check 1",
             .equations =
                 "one epoch as training has it: batches differ, every sample comes once and with its own label, inputs "
                 "and labels vary,\nand the gradient of the cost with respect to the inputs is not 0"},
    .as = {{"T3", "data"}},
    .reads = GR_READS_PROBE,
    .limit = "0; a column that never changes is a warning",
    .unit = "share of the inputs that never change",
    .judge = judge_data,
};
