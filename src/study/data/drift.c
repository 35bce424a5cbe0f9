/* Whether validation and test are like the training part: feature by feature, and their classes. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "data/numbers.h"
#include "study/data/inspect.h"
#include "study/data/two_sample.h"

enum { MOST_SAMPLES = 5000, MOST_FEATURES = 1000 };
static const double ALPHA = 0.001; /* of all tests of a part together */

/* What is compared of each sample: the numbers of a row; of a picture or sequence the mean and the spread of each
 * channel. */
typedef struct features {
    gr_inspection *s;
    int64_t n; /* of each sample */
    bool rows;
    double *of[GR_PARTS]; /* [feature][sample] */
    int64_t samples[GR_PARTS];
} features;

static void put(const features *f, double *to, int64_t i, int64_t samples, const double *x)
{
    const gr_inspection *s = f->s;
    int64_t channels = f->n / 2;
    for (int64_t k = 0; k < f->n && f->rows; k++) to[k * samples + i] = x[k];
    for (int64_t c = 0; c < channels && !f->rows; c++) {
        double sum = 0, square = 0, n = (double)(s->width / s->channels);
        for (int64_t k = c; k < s->width; k += s->channels) sum += x[k], square += x[k] * x[k];
        to[c * samples + i] = sum / n;
        to[(channels + c) * samples + i] = sqrt(fmax(0, square / n - sum / n * (sum / n)));
    }
}

/* So many of the part's samples at most, evenly along it. */
static gr_status take_part(features *f, gr_part p)
{
    gr_inspection *s = f->s;
    const gr_rows *rows = &s->task.rows[p];
    gr_sampler from = {0};
    int64_t kept = 0;
    f->samples[p] = GR_MIN(rows->n, MOST_SAMPLES);
    f->of[p] = gr__tensor_alloc(s->ctx, sizeof(double) * (size_t)(GR_MAX(f->samples[p], 1) * f->n));
    gr_status st = f->of[p] ? gr__sampler_open(s->ctx, s->task.set_of[p], &from) : gr__error_code(s->ctx);
    int64_t base = s->task.set_of[p] == &s->task.set[p] ? s->first[p] : s->first[GR_PART_TRAIN];
    for (int64_t i = 0; i < f->samples[p] && st == GR_OK; i++) {
        int64_t row = rows->row[i * rows->n / f->samples[p]];
        if (s->part[base + row] == GR_IN_NO_PART) continue; /* found to be unreadable since */
        st = gr__sampler_take(&from, row);
        if (st == GR_OK) put(f, f->of[p], kept++, f->samples[p], from.x);
    }
    gr__sampler_close(&from);
    return st;
}

static int64_t without_nan(double *x, int64_t n)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(x[i])) x[kept++] = x[i];
    return kept;
}

static const char *feature_name(const features *f, int64_t k, char *text, size_t room)
{
    const gr_schema *schema = f->s->task.set[GR_PART_TRAIN].schema;
    char shown[60];
    if (!f->rows)
        snprintf(text, room, "the %s of channel %lld", k < f->n / 2 ? "mean" : "spread", (long long)(k % (f->n / 2)));
    else if (schema && schema->name && k < schema->n_inputs)
        snprintf(text, room, "\"%s\"", gr__shown(shown, sizeof shown, schema->name[k], strlen(schema->name[k])));
    else
        snprintf(text, room, "number %lld", (long long)k);
    return text;
}

/* room: two samples of the largest part; p: a number each and one more for the classes; order likewise. */
static gr_status compare(features *f, gr_part part, double *room, double *p, int64_t *order)
{
    gr_inspection *s = f->s;
    double most = 0;
    int64_t worst = -1, n = f->n, found = 0;
    for (int64_t k = 0; k < f->n; k++) {
        double *a = room, *b = room + f->samples[GR_PART_TRAIN];
        memcpy(a, f->of[GR_PART_TRAIN] + k * f->samples[GR_PART_TRAIN], sizeof *a * (size_t)f->samples[GR_PART_TRAIN]);
        memcpy(b, f->of[part] + k * f->samples[part], sizeof *b * (size_t)f->samples[part]);
        gr_two_sample t =
            gr__two_sample_ks(a, without_nan(a, f->samples[GR_PART_TRAIN]), b, without_nan(b, f->samples[part]));
        p[k] = t.p;
        if (t.p * (double)f->n < ALPHA && t.statistic > most) most = t.statistic, worst = k;
    }
    if (s->classes > 1) {
        size_t bytes = 2 * sizeof(int64_t) * (size_t)s->classes;
        int64_t *count = gr__alloc(s->ctx, bytes);
        if (!count) return GR_E_MEMORY;
        gr__inspection_count(s, GR_PART_TRAIN, count);
        gr__inspection_count(s, part, count + s->classes);
        p[n++] = gr__two_sample_counts(count, count + s->classes, s->classes).p;
        gr__free(s->ctx, count, bytes);
    }
    double classes = n > f->n ? p[f->n] : 1;
    gr__holm(p, n, order);
    for (int64_t k = 0; k < n; k++) found += p[k] < ALPHA;
    if (!found) return GR_OK;
    gr_data_finding *d = gr__found(s, "drift", GR_SEVERITY_WARNING, part);
    char name[80];
    if (!d) return gr__error_code(s->ctx);
    d->count = found;
    bool of_classes = n > f->n && p[f->n] < ALPHA;
    if (worst >= 0)
        gr__found_text(
            s, d, "%lld of %lld features differ from the training part, most of all %s (Kolmogorov-Smirnov %.3g)%s",
            (long long)(found - of_classes), (long long)f->n, feature_name(f, worst, name, sizeof name), most,
            of_classes ? "; so do the shares of the classes" : "");
    else
        gr__found_text(s, d, "the shares of the classes differ from those of the training part (p %.2g)", classes);
    return GR_OK;
}

gr_status gr__inspect_drift(gr_inspection *s)
{
    features f = {.s = s, .rows = s->channels == s->width};
    gr_status st = GR_OK;
    if (s->form == GR_FORM_WORDS || s->task.count[GR_PART_TRAIN] < 1) return GR_OK;
    f.n = f.rows ? GR_MIN(s->width, MOST_FEATURES) : 2 * GR_MIN(s->channels, MOST_FEATURES / 2);
    size_t room_bytes = sizeof(double) * 2 * MOST_SAMPLES,
           p_bytes = (sizeof(double) + sizeof(int64_t)) * (size_t)(f.n + 1);
    double *room = gr__alloc(s->ctx, room_bytes), *p = room ? gr__alloc(s->ctx, p_bytes) : NULL;
    if (!p) st = GR_E_MEMORY;
    for (int k = 0; k < GR_PARTS && st == GR_OK; k++) {
        gr__watch(s->options->watch, "drift", (double)k / GR_PARTS);
        if (s->task.set_of[k] && s->task.count[k] > 0) st = take_part(&f, (gr_part)k);
        if (st == GR_OK && k > 0 && f.of[k]) st = compare(&f, (gr_part)k, room, p, (int64_t *)(p + f.n + 1));
    }
    for (int k = 0; k < GR_PARTS; k++)
        if (f.of[k]) gr__tensor_free(s->ctx, f.of[k], sizeof(double) * (size_t)(GR_MAX(f.samples[k], 1) * f.n));
    if (p) gr__free(s->ctx, p, p_bytes);
    if (room) gr__free(s->ctx, room, room_bytes);
    return st;
}
