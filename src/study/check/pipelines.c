/* Step 3: are training, validation and serving prepared alike, in statistics, technique and layout?     [mission X3]
 *
 * One file of another making among them is what goes wrong: prepared once more, with channels or axes in another order,
 * in another unit. Its numbers then lie elsewhere, or are where others should be. */
#include <math.h>

#include "data/sample.h"
#include "study/check/seen.h"

static const double FAR = 1, FURTHER = 3; /* of means, in standard deviations of the training part: to warn, to fail */
static const double WIDE = 4,
                    WIDER = 10;      /* of spreads, times or one by so many times, beyond what chance makes of them */
static const double CHANCE = 5;      /* standard errors */
static const double SURE = 12.5;     /* -log of a chance of 4e-6, as far as that */
static const double AGREE = 1e-4;    /* between what the graph and what a server prepares, relative */
static const double TOO_WELL = 0.01; /* of a standard error */
static const double SAME = 1e-9;     /* of a variance: rounding */
enum { FEW = 16 };                   /* samples */
static const double FITS = 0.2;      /* of what the parts are apart, that is left in another layout */

typedef struct sides {
    gr_check *c;
    gr_seen train, validation;
    double served; /* the largest difference from what prediction works out of the raw sample */
    gr__samples from[GR_MAX_INPUTS];
    double *numbers;
} sides;

/* ---- what is served ---- */

/* The raw sample, prepared in plain arithmetic, as its file's numbers come to a model that serves. */
static void compare_served(void *user, int input, uint32_t row, const void *given, int64_t at)
{
    sides *s = user;
    const gr_task *t = &s->c->probe.task;
    const gr_field *x = gr__set_input(t->set_of[GR_PART_VALIDATION], input);
    const gr_seen_input *in = &s->validation.input[input];
    if (at >= 16 || x->vocabulary || !t->meaning.n_prepared[input]) return;
    const void *sample = gr__samples_at(s->c->ctx, &s->from[input], row);
    if (!sample) return;
    gr__before before = gr__before_of(t->meaning.prepared[input], t->meaning.n_prepared[input], x->element, sample);
    gr__prepare_read(&before, 0, s->numbers, in->width);
    for (int64_t k = 0; k < gr__field_counts(x, row, in->width); k++) {
        double is = gr__probe_real(&s->c->probe, given, k), off = fabs(is - s->numbers[k]) / fmax(1, fabs(is));
        if (off > s->served) s->served = off;
    }
}

/* ---- layouts ---- */

typedef int64_t other_place(gr_shape s, int64_t k);

/* Of a picture [height, width, channels]: where number k would be taken from. */
static int64_t channels_reversed(gr_shape s, int64_t k)
{
    int64_t c = s.dim[2];
    return k / c * c + (c - 1 - k % c);
}
static int64_t axes_swapped(gr_shape s, int64_t k)
{
    int64_t c = s.dim[2], x = k / c % s.dim[1], y = k / c / s.dim[1];
    return (x * s.dim[1] + y) * c + k % c;
}
static int64_t channels_first(gr_shape s, int64_t k)
{
    int64_t plane = s.dim[0] * s.dim[1];
    return k % plane * s.dim[2] + k / plane;
}
static int64_t channels_last(gr_shape s, int64_t k)
{
    int64_t plane = s.dim[0] * s.dim[1], c = s.dim[2];
    return k % c * plane + k / c;
}
static int64_t upside_down(gr_shape s, int64_t k)
{
    int64_t row = s.dim[1] * s.dim[2];
    return (s.dim[0] - 1 - k / row) * row + k % row;
}
static int64_t mirrored(gr_shape s, int64_t k)
{
    int64_t c = s.dim[2], x = k / c % s.dim[1];
    return k + (s.dim[1] - 1 - 2 * x) * c;
}

static const struct {
    const char *name;
    other_place *at;
    bool square, colours; /* only where height is width; where there is more than a channel */
} layouts[] = {
    {"its channels in reverse order (BGR for RGB)", channels_reversed, false, true},
    {"height and width swapped", axes_swapped, true, false},
    {"channels before pixels (CHW for HWC)", channels_first, false, true},
    {"pixels before channels (HWC for CHW)", channels_last, false, true},
    {"its rows from the bottom", upside_down, false, false},
    {"its columns from the right", mirrored, false, false},
};

static bool applies(size_t i, gr_shape s)
{
    return s.rank == 3 && (!layouts[i].square || s.dim[0] == s.dim[1]) && (!layouts[i].colours || s.dim[2] > 1);
}

/* Sum over numbers of the squared distance of means, and of what chance would make it. */
static double apart(const sides *s, int input, gr_shape shape, other_place *at, double *chance)
{
    const gr_seen_input *a = &s->train.input[input], *b = &s->validation.input[input];
    double sum = 0, by_chance = 0;
    for (int64_t k = 0; k < a->width; k++) {
        int64_t j = at ? at(shape, k) : k;
        sum += pow(a->mean[j] - b->mean[k], 2);
        by_chance += a->square[j] / (double)s->train.n + b->square[k] / (double)s->validation.n;
    }
    *chance = by_chance;
    return sum;
}

/* The layout in which the parts would agree, where they do not as they are; NULL: none. */
static const char *other_layout(const sides *s, int input)
{
    gr_shape shape = s->c->recipe->input[input].sample;
    double chance, is = apart(s, input, shape, NULL, &chance), least = is;
    const char *name = NULL;
    if (shape.rank != 3 || !(is > CHANCE * chance)) return NULL;
    for (size_t i = 0; i < GR_COUNT(layouts); i++) {
        double would = applies(i, shape) ? apart(s, input, shape, layouts[i].at, &chance) : INFINITY;
        if (would < FITS * is && would < least) least = would, name = layouts[i].name;
    }
    return name;
}

/* ---- scales ---- */

typedef struct shift {
    double mean, spread; /* in the training's standard deviations; times, 1 and more */
    int64_t channel;
    int input;
} shift;

typedef struct scale {
    double mean, variance;
    double tail; /* the fourth central moment by the square of the variance: 3 of normal numbers, 1/q where a share q is
                    not 0, n where one of n samples has all the spread */
} scale;

static scale pool(const gr_seen_input *in, int64_t channel)
{
    scale s = {0};
    double n = 0, fourth = 0;
    for (int64_t k = channel; k < in->width; k += in->channels, n++) s.mean += in->mean[k];
    s.mean /= n;
    for (int64_t k = channel; k < in->width; k += in->channels) {
        double off = in->mean[k] - s.mean, square = in->square[k];
        s.variance += (square + off * off) / n;
        fourth += (in->fourth[k] + 4 * off * in->cube[k] + 6 * off * off * square + pow(off, 4)) / n;
    }
    s.tail = s.variance > 0 ? fmax(fourth / (s.variance * s.variance), 1) : 0;
    return s;
}

/* How many times spreads differ at least: the logarithm of a variance has a standard error of sqrt((tail - 1) / n), so
 * a column that is seldom other than 0 says little of its own. Where a part does not spread at all, chance leaves out
 * the samples that do with probability exp(-n / tail). */
static double times_apart(const scale *a, const scale *b, double n_a, double n_b)
{
    if (!(a->variance > 0 && b->variance > 0)) {
        const scale *spread = a->variance > 0 ? a : b;
        double still = a->variance > 0 ? n_b : n_a;
        return spread->variance > 0 && still > SURE * spread->tail ? INFINITY : 1;
    }
    double tail = fmax(a->tail, b->tail), error = sqrt((tail - 1) * (1 / n_a + 1 / n_b));
    double apart = fabs(log(b->variance / a->variance)) - CHANCE * error;
    return apart > 0 ? exp(apart / 2) : 1;
}

/* ---- outliers ---- */

/* How many times the spread of a column is what it would be without the sample that is farthest off; 1 where the others
 * are all the same, as in a column that is seldom other than 0. */
static double times_without(const gr_seen_input *in, int64_t column, double n)
{
    double square = in->square[column], mean = in->mean[column];
    double off = fmax(in->high[column] - mean, mean - in->low[column]);
    double left = (n * square - off * off * n / (n - 1)) / (n - 1);
    return n > FEW && left > SAME * square ? sqrt(square / left) : 1;
}

typedef struct outlier {
    double times;
    int64_t column;
    int input;
    const char *part;
} outlier;

static outlier farthest(const sides *s)
{
    outlier most = {.times = 1};
    const gr_seen *part[2] = {&s->train, &s->validation};
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < s->c->recipe->n_inputs; i++) {
            const gr_seen_input *in = &part[p]->input[i];
            bool columns = in->channels == in->width && !s->c->recipe->input[i].vocabulary;
            for (int64_t k = 0; columns && k < in->width; k++) {
                double times = times_without(in, k, (double)part[p]->n);
                if (times > most.times) most = (outlier){times, k, i, p ? "validation" : "training"};
            }
        }
    return most;
}

/* ---- scales, all of them ---- */

static shift largest_shift(const sides *s)
{
    shift most = {.spread = 1};
    double fewer = (double)GR_MIN(s->train.n, s->validation.n);
    for (int i = 0; i < s->c->recipe->n_inputs; i++) {
        const gr_seen_input *a = &s->train.input[i], *b = &s->validation.input[i];
        for (int64_t c = 0; c < a->channels && !s->c->recipe->input[i].vocabulary; c++) {
            scale of[2] = {pool(a, c), pool(b, c)};
            double deviation = sqrt(of[0].variance), error = sqrt((of[0].variance + of[1].variance) / fewer);
            if (!(deviation > 0)) continue;
            double away = fabs(of[1].mean - of[0].mean);
            double times = times_apart(&of[0], &of[1], (double)s->train.n, (double)s->validation.n);
            if (away < CHANCE * error) away = 0;
            if (away / deviation > most.mean) most.mean = away / deviation, most.channel = c, most.input = i;
            if (times > most.spread) most.spread = times, most.channel = c, most.input = i;
        }
    }
    return most;
}

/* ---- own statistics ---- */

/* Two parts of one source agree as chance has it. Where every column agrees a hundred times as well, in mean and in
 * spread, each part was standardised by its own. */
static bool agrees_too_well(const sides *s, int input)
{
    const gr_seen_input *a = &s->train.input[input], *b = &s->validation.input[input];
    double n = (double)GR_MIN(s->train.n, s->validation.n);
    int64_t told = 0;
    if (a->channels != a->width || s->c->recipe->input[input].vocabulary || n < FEW) return false;
    for (int64_t k = 0; k < a->width; k++) {
        double deviation = sqrt(a->square[k]), error = deviation / sqrt(n);
        if (!(deviation > 0)) continue;
        if (fabs(a->mean[k] - b->mean[k]) > TOO_WELL * error) return false;
        if (fabs(sqrt(b->square[k]) - deviation) > TOO_WELL * error) return false;
        told++;
    }
    return told > 0;
}

/* ---- verdicts ---- */

/* What is known to be wrong by name: another layout, statistics of its own, a number that is none. */
static bool says_what(const sides *s, double apart_by, gr_finding *out)
{
    const gr_recipe *r = s->c->recipe;
    for (int i = 0; i < r->n_inputs; i++) {
        const char *layout = r->input[i].vocabulary ? NULL : other_layout(s, i);
        if (!layout) continue;
        gr__finding_set(out, GR_VERDICT_FAILED, apart_by, FAR,
                        "the validation part has %s: so it would agree with the training part; mend its source",
                        layout);
        gr__finding_fix(out, "gradus data view %s --part validation -o validation.html", r->path);
        return true;
    }
    for (int i = 0; i < r->n_inputs; i++) {
        if (!agrees_too_well(s, i)) continue;
        gr__finding_set(out, GR_VERDICT_WARNING, 0, FAR,
                        "every column of the validation part has the training part's mean and spread, far closer than "
                        "chance has it: each was standardised by its own, or holds the same samples");
        gr__finding_fix(out, "data.prepare: [standardize]");
        return true;
    }
    outlier far = farthest(s);
    if (far.times > WIDER) {
        gr__finding_set(
            out, GR_VERDICT_FAILED, far.times, WIDER,
            "one sample of the %s part is so far off in column %lld that without it the spread would be %.3g "
            "times less: a number that is none, or of another unit",
            far.part, (long long)far.column, far.times);
        gr__finding_fix(out, "gradus data check %s", r->path);
        return true;
    }
    return false;
}

static void judge(const sides *s, gr_finding *out)
{
    const gr_recipe *r = s->c->recipe;
    shift m = largest_shift(s);
    if (says_what(s, m.mean, out)) return;
    if (s->served > AGREE) {
        gr__finding_set(out, GR_VERDICT_FAILED, s->served, AGREE,
                        "what the network is given differs by %.2g from what its preparation gives a raw sample",
                        s->served);
        gr__finding_fix(out, "gradus check %s --only T3", r->path);
    } else if (m.mean > FAR || m.spread > WIDE) {
        bool fails = m.mean > FURTHER || m.spread > WIDER;
        gr__finding_set(
            out, fails ? GR_VERDICT_FAILED : GR_VERDICT_WARNING, m.mean, FAR,
            "the validation part is not like the training part: the mean of %s %lld is %.3g standard "
            "deviations away, spreads differ %.3g times and more; it may be prepared already, or of another unit",
            s->train.input[m.input].channels == s->train.input[m.input].width ? "column" : "channel",
            (long long)m.channel, m.mean, m.spread);
        gr__finding_fix(out, "gradus data check %s", r->path);
        gr__finding_fix(out, "data.validation: {split: 0.1}");
    } else
        gr__finding_set(
            out, GR_VERDICT_OK, m.mean, FAR,
            "training and validation lie alike: means at most %.2g standard deviations apart, spreads surely %.3g "
            "times; what is served is prepared alike",
            m.mean, m.spread);
}

static gr_status judge_pipelines(gr_check *c, gr_finding *out)
{
    sides s = {.c = c};
    const gr_set *set = c->probe.task.set_of[GR_PART_VALIDATION];
    int64_t widest = 1;
    gr_status st = GR_OK;
    if (!set) {
        gr__finding_set(out, GR_VERDICT_SKIPPED, NAN, FAR, "there is no validation part to compare");
        return GR_OK;
    }
    GR_TRY(gr__seen_take(&c->probe, c->memory, GR_PART_TRAIN, NULL, NULL, &s.train));
    for (int i = 0; i < c->recipe->n_inputs; i++) {
        widest = GR_MAX(widest, s.train.input[i].width);
        GR_TRY(gr__samples_open(c->ctx, gr__set_input(set, i), &s.from[i]));
    }
    s.numbers = gr__bump_alloc(c->memory, sizeof *s.numbers * (size_t)widest);
    if (!s.numbers) GR_TRY(GR_E_MEMORY);
    GR_TRY(gr__seen_take(&c->probe, c->memory, GR_PART_VALIDATION, compare_served, &s, &s.validation));
    judge(&s, out);
done:
    for (int i = 0; i < c->recipe->n_inputs; i++) gr__samples_close(&s.from[i]);
    return st;
}

GR_RULE(same_pipelines) = {
    .head = {.family = "rule",
             .name = "same_pipelines",
             .title = "Training, validation and serving are prepared alike",
             .cite = "the chapter, 4.5.3 step 3",
             .equations =
                 "up to 512 samples of either part as the layers take them: mean and spread of each channel or "
                 "column, spreads by what five standard errors leave (with the fourth moments), and of each "
                 "pixel\nagainst other layouts (BGR, CHW, axes swapped, mirrored);\nof columns "
                 "whether they agree far closer than chance has it; and "
                 "what prediction makes of the raw numbers"},
    .as = {{"X3", "pipelines"}},
    .reads = GR_READS_PROBE,
    .limit = "1 (beyond 3 it fails); spreads within 4 times, beyond 10 it fails",
    .unit = "standard deviations between the means",
    .judge = judge_pipelines,
};
