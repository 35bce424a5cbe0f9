/* The confident joint, its calibration, and what follows of it. */
#include "study/data/confident.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SLACK = 1e-6; /* of a threshold: probabilities come from float32 */

typedef struct ranked {
    double key;
    int64_t at;
} ranked;

static int by_key(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static int likeliest(const double *p, int classes)
{
    int most = 0;
    for (int j = 1; j < classes; j++)
        if (p[j] > p[most]) most = j;
    return most;
}

/* A class that no sample is labelled with is one that nothing is confident of. */
static void find_thresholds(const double *p, const int32_t *label, gr_confident *c, int64_t *labelled)
{
    for (int64_t i = 0; i < c->n; i++) {
        c->threshold[label[i]] += p[i * c->classes + label[i]];
        labelled[label[i]]++;
    }
    for (int j = 0; j < c->classes; j++)
        c->threshold[j] = labelled[j] ? c->threshold[j] / (double)labelled[j] : INFINITY;
}

/* The class that a sample is confident of; -1: none. Of several, the likeliest of all. */
static int confident_of(const double *p, const gr_confident *c)
{
    int found = -1, several = 0;
    for (int j = 0; j < c->classes; j++) {
        if (!(p[j] >= c->threshold[j] - SLACK)) continue;
        found = j;
        several++;
    }
    return several > 1 ? likeliest(p, c->classes) : found;
}

static void count_joint(const double *p, const int32_t *label, gr_confident *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        int j = confident_of(p + i * c->classes, c);
        if (j >= 0) c->count[label[i] * c->classes + j]++;
    }
    for (int j = 0; j < c->classes; j++) c->count[j * c->classes + j] = GR_MAX(c->count[j * c->classes + j], 1);
}

static void calibrate(const int64_t *labelled, gr_confident *c)
{
    for (int i = 0; i < c->classes; i++) {
        double sum = 0;
        for (int j = 0; j < c->classes; j++) sum += (double)c->count[i * c->classes + j];
        for (int j = 0; j < c->classes; j++)
            c->calibrated[i * c->classes + j] = (double)c->count[i * c->classes + j] / sum * (double)labelled[i];
    }
}

/* A row of whole numbers with the row's sum: rounded, then what is wrong of the sum is made good where rounding took or
 * gave most. rest: room for a row. */
static void round_row(const double *row, int classes, int64_t sum, int64_t *out, ranked *rest)
{
    int64_t total = 0;
    for (int j = 0; j < classes; j++) {
        out[j] = (int64_t)rint(row[j]);
        rest[j] = (ranked){row[j] - (double)out[j], j};
        total += out[j];
    }
    qsort(rest, (size_t)classes, sizeof *rest, by_key);
    for (int j = classes - 1; total < sum && j >= 0; j--) out[rest[j].at]++, total++;
    for (int j = 0; total > sum && j < classes; j++)
        if (out[rest[j].at] > 0) out[rest[j].at]--, total--;
}

/* ---- which samples ---- */

typedef struct marking {
    const double *p;
    const int32_t *label;
    const gr_confident *c;
    bool *issue;
    ranked *order; /* room for all samples */
} marking;

/* The `wanted` samples of label i whose margin towards j is the largest, and those of an equal one. */
static void mark_pair(const marking *m, int i, int j, int64_t wanted)
{
    int64_t n = 0;
    int classes = m->c->classes;
    for (int64_t s = 0; s < m->c->n; s++)
        if (m->label[s] == i) m->order[n++] = (ranked){m->p[s * classes + i] - m->p[s * classes + j], s};
    qsort(m->order, (size_t)n, sizeof *m->order, by_key);
    wanted = GR_MIN(wanted, n);
    for (int64_t k = 0; k < n && (k < wanted || m->order[k].key == m->order[wanted - 1].key); k++)
        m->issue[m->order[k].at] = true;
}

static void mark_by_rate(const marking *m, const int64_t *labelled, int64_t *row, ranked *rest)
{
    int classes = m->c->classes;
    for (int i = 0; i < classes; i++) {
        if (labelled[i] <= 1) continue; /* the last of a class stays */
        round_row(m->c->calibrated + i * classes, classes, labelled[i], row, rest);
        for (int j = 0; j < classes; j++)
            if (j != i && row[j] > 0) mark_pair(m, i, j, row[j]);
    }
}

static void mark_confident(const marking *m)
{
    for (int64_t s = 0; s < m->c->n; s++) {
        int j = confident_of(m->p + s * m->c->classes, m->c);
        m->issue[s] = j >= 0 && j != m->label[s];
    }
}

static void mark_lowest(const marking *m, const int64_t *labelled, int64_t *row, ranked *rest)
{
    int classes = m->c->classes;
    int64_t off = 0;
    for (int i = 0; i < classes; i++) {
        round_row(m->c->calibrated + i * classes, classes, labelled[i], row, rest);
        off += labelled[i] - row[i];
    }
    for (int64_t s = 0; s < m->c->n; s++) m->order[s] = (ranked){m->p[s * classes + m->label[s]], s};
    qsort(m->order, (size_t)m->c->n, sizeof *m->order, by_key);
    for (int64_t k = 0; k < off && k < m->c->n; k++) m->issue[m->order[k].at] = true;
}

/* What the model agrees with is none. By rising probability of the label. */
static gr_status collect(gr__bump *b, const marking *m, gr_confident *c)
{
    int64_t n = 0;
    for (int64_t s = 0; s < c->n; s++) {
        const double *p = m->p + s * c->classes;
        if (m->issue[s] && likeliest(p, c->classes) != m->label[s]) m->order[n++] = (ranked){p[m->label[s]], s};
    }
    if (n) qsort(m->order, (size_t)n, sizeof *m->order, by_key);
    c->issue = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *c->issue);
    for (int64_t k = 0; k < n && c->issue; k++) c->issue[k] = m->order[k].at;
    c->n_issues = n;
    return c->issue ? GR_OK : GR_E_MEMORY;
}

gr_status gr__confident_learn(gr_context *ctx, gr__bump *b, const double *p, const int32_t *label, int64_t n,
                              int classes, gr_prune by, gr_confident *out)
{
    size_t square = (size_t)classes * (size_t)classes;
    gr_confident c = {.n = n, .classes = classes};
    marking m = {p, label, &c, NULL, NULL};
    gr_status st = GR_E_MEMORY;
    c.threshold = gr__bump_alloc(b, (size_t)classes * sizeof *c.threshold);
    c.count = gr__bump_alloc(b, square * sizeof *c.count);
    c.calibrated = gr__bump_alloc(b, square * sizeof *c.calibrated);
    int64_t *labelled = gr__bump_alloc(b, (size_t)classes * 2 * sizeof *labelled);
    ranked *rest = gr__bump_alloc(b, (size_t)classes * sizeof *rest);
    m.issue = gr__alloc(ctx, (size_t)n * sizeof *m.issue);
    m.order = m.issue ? gr__alloc(ctx, (size_t)n * sizeof *m.order) : NULL;
    if (c.threshold && c.count && c.calibrated && labelled && rest && m.order) {
        find_thresholds(p, label, &c, labelled);
        count_joint(p, label, &c);
        calibrate(labelled, &c);
        if (by == GR_PRUNE_NOISE_RATE) mark_by_rate(&m, labelled, labelled + classes, rest);
        if (by == GR_PRUNE_CONFIDENT) mark_confident(&m);
        if (by == GR_PRUNE_LOW_CONFIDENCE) mark_lowest(&m, labelled, labelled + classes, rest);
        st = collect(b, &m, &c);
    }
    if (m.order) gr__free(ctx, m.order, (size_t)n * sizeof *m.order);
    if (m.issue) gr__free(ctx, m.issue, (size_t)n * sizeof *m.issue);
    if (st == GR_OK) *out = c;
    return st;
}
