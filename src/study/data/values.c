/* Samples one by one: their hashes, what they are made of, and which of them stand out. */
#include <math.h>
#include <string.h>

#include "data/numbers.h"
#include "study/data/inspect.h"

enum { FAR = 10 /* standard deviations */, ENOUGH = 16 /* equal numbers, of which fewer may well be */ };

typedef struct moments { /* Welford's, of a channel */
    double n, mean, square;
} moments;

typedef struct scan {
    gr_inspection *s;
    moments *m;
    gr_data_finding *constant[GR_PARTS], *far[GR_PARTS];
    void (*each)(struct scan *c, int64_t at, const double *x);
    const char *doing;
    double from, to; /* of the watch */
    gr_status st;
} scan;

static int64_t channel_of(const gr_inspection *s, int64_t k)
{
    return k % s->channels;
}

/* Every sample that is in some part, in the order of the sources. What cannot be read is told, and is in none. */
static gr_status scan_all(scan *c)
{
    gr_inspection *s = c->s;
    for (int p = 0; p < GR_PARTS && c->st == GR_OK; p++) {
        const gr_set *set = &s->task.set[p];
        gr_sampler from = {0};
        if (set->n) c->st = gr__sampler_open(s->ctx, set, &from);
        for (int64_t i = 0; i < set->n && c->st == GR_OK; i++) {
            int64_t at = s->first[p] + i;
            if (i % 1024 == 0)
                gr__watch(s->options->watch, c->doing, c->from + (c->to - c->from) * (double)at / (double)s->n);
            if (s->part[at] == GR_IN_NO_PART) continue;
            gr_status st = gr__sampler_take(&from, i);
            if (st == GR_OK)
                c->each(c, at, from.x);
            else if (gr__fault_let(&s->task.faults[p], gr__fault_of(st), i, s->ctx))
                s->part[at] = GR_IN_NO_PART;
            else
                c->st = st;
        }
        gr__sampler_close(&from);
    }
    return c->st;
}

/* ---- first: hashes and moments ---- */

static bool is_constant(const double *x, int64_t n)
{
    if (n < ENOUGH) return false;
    for (int64_t k = 1; k < n; k++)
        if (x[k] != x[0]) return false;
    return true;
}

static void tell_constant(scan *c, int64_t at)
{
    gr_inspection *s = c->s;
    int p = s->part[at];
    gr_data_finding **f = &c->constant[p];
    if (!*f && !(*f = gr__found(s, "constant_sample", GR_SEVERITY_WARNING, (gr_part)p))) {
        c->st = gr__error_code(s->ctx);
        return;
    }
    gr__found_sample(s, *f, at);
    gr_status st = gr__leave_out(s, at, "constant_sample", true);
    if (st != GR_OK) c->st = st;
}

static void measure(scan *c, int64_t at, const double *x)
{
    gr_inspection *s = c->s;
    s->hash[at] = gr__numbers_hash(x, s->width);
    if (is_constant(x, s->width)) tell_constant(c, at);
    if (s->part[at] != GR_PART_TRAIN) return;
    for (int64_t k = 0; k < s->width; k++) {
        int64_t j = channel_of(s, k);
        moments *m = &c->m[j];
        if (isnan(x[k])) continue; /* declared to be missing */
        double off = x[k] - m->mean;
        m->n++;
        m->mean += off / m->n;
        m->square += off * (x[k] - m->mean);
        if (m->n > 1 && x[k] != s->low[j] && x[k] != s->high[j] && s->low[j] != s->high[j]) s->two[j] = false;
        s->low[j] = m->n > 1 ? fmin(s->low[j], x[k]) : x[k];
        s->high[j] = m->n > 1 ? fmax(s->high[j], x[k]) : x[k];
    }
}

static const char *column_name(gr_inspection *s, int64_t j)
{
    const gr_schema *schema = s->task.set[GR_PART_TRAIN].schema;
    char shown[60];
    bool named = schema && schema->name && j < schema->n_inputs;
    if (named) gr__shown(shown, sizeof shown, schema->name[j], strlen(schema->name[j]));
    const char *text =
        named ? gr__bump_format(s->memory, "\"%s\"", shown) : gr__bump_format(s->memory, "%lld", (long long)j);
    return text ? text : "";
}

static gr_status tell_constant_features(gr_inspection *s)
{
    gr_data_finding *f = NULL;
    gr__text names;
    gr__text_init(&names, s->ctx);
    for (int64_t j = 0; j < s->channels; j++) {
        if (s->low[j] != s->high[j]) continue;
        if (!f && !(f = gr__found(s, "constant_feature", GR_SEVERITY_WARNING, GR_PART_TRAIN))) break;
        if (f->count++ < GR_SUSPECTS) gr__text_add(&names, "%s%s", f->count > 1 ? ", " : "", column_name(s, j));
    }
    if (f && names.s)
        gr__found_text(s, f, "the same number in every training sample: %s%s", names.s,
                       f->count > GR_SUSPECTS ? ", ..." : "");
    gr__text_free(&names);
    return gr__error_code(s->ctx);
}

/* ---- then: outliers ---- */

static void look_for_outlier(scan *c, int64_t at, const double *x)
{
    gr_inspection *s = c->s;
    int64_t worst = -1;
    double most = FAR;
    for (int64_t k = 0; k < s->width; k++) {
        int64_t j = channel_of(s, k);
        double far = fabs(x[k] - s->mean[j]) / s->std[j];
        if (!s->two[j] && s->std[j] > 0 && far > most) most = far, worst = k;
    }
    if (worst < 0) return;
    int p = s->part[at];
    gr_data_finding **f = &c->far[p];
    if (!*f) {
        *f = gr__found(s, "outlier", GR_SEVERITY_WARNING, (gr_part)p);
        if (!*f) {
            c->st = gr__error_code(s->ctx);
            return;
        }
        gr__found_text(s, *f,
                       "beyond %d standard deviations of the training part: %s has %g in %s, whose mean is %g and "
                       "standard deviation %g",
                       FAR, gr__inspection_name(s, at), x[worst], column_name(s, channel_of(s, worst)),
                       s->mean[channel_of(s, worst)], s->std[channel_of(s, worst)]);
    }
    gr__found_sample(s, *f, at);
    gr_status st = gr__leave_out(s, at, "outlier", true);
    if (st != GR_OK) c->st = st;
}

/* ---- both ---- */

/* Numbers of the same meaning: a picture's channel, a feature of each step, a column. */
static void find_channels(gr_inspection *s)
{
    gr_shape x = s->shape;
    s->channels = s->recipe->n_inputs == 1 && x.rank > 1 ? x.dim[x.rank - 1] : s->width;
}

static bool take_room(scan *c)
{
    gr_inspection *s = c->s;
    size_t bytes = sizeof(double) * (size_t)s->channels;
    s->mean = gr__bump_alloc(s->memory, bytes);
    s->std = gr__bump_alloc(s->memory, bytes);
    s->low = gr__bump_alloc(s->memory, bytes);
    s->high = gr__bump_alloc(s->memory, bytes);
    s->two = gr__bump_alloc(s->memory, (size_t)s->channels);
    c->m = gr__bump_alloc(s->memory, sizeof *c->m * (size_t)s->channels);
    return s->mean && s->std && s->low && s->high && s->two && c->m;
}

/* The number of a category is no amount: none is far from the others. */
static void take_categories(gr_inspection *s)
{
    int64_t at = 0;
    for (int i = 0; i < s->recipe->n_inputs && s->channels == s->width; i++) {
        const gr_field *f = gr__set_input(s->task.lead, i);
        int64_t n = gr_shape_count(f->sample);
        for (int64_t k = 0; k < n && f->category; k++) s->two[at + k] = s->two[at + k] || f->category[k];
        at += n;
    }
}

gr_status gr__inspect_values(gr_inspection *s)
{
    scan c = {.s = s, .each = measure, .doing = "samples", .from = 0, .to = 0.5};
    find_channels(s);
    if (!take_room(&c)) return gr__error_code(s->ctx);
    memset(s->two, true, (size_t)s->channels);
    gr_status st = scan_all(&c);
    for (int64_t j = 0; j < s->channels; j++) {
        s->mean[j] = c.m[j].mean;
        s->std[j] = c.m[j].n > 0 ? sqrt(c.m[j].square / c.m[j].n) : 0;
    }
    for (int p = 0; p < GR_PARTS; p++)
        if (c.constant[p]) gr__found_text(s, c.constant[p], "all numbers of a sample are the same: an empty picture?");
    take_categories(s);
    bool indices = s->form == GR_FORM_WORDS; /* their size means nothing */
    if (st == GR_OK && !indices) st = tell_constant_features(s);
    c.each = look_for_outlier;
    c.from = 0.5, c.to = 1;
    return st == GR_OK && !indices ? scan_all(&c) : st;
}
