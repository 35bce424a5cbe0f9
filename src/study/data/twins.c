/* Samples that are there more than once: within a part, across parts, under several labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/numbers.h"
#include "study/data/inspect.h"

typedef struct member {
    uint64_t key; /* its hash */
    int64_t at;
} member;

static int by_key(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Samples of some part, sorted by hash; tensor memory. */
static member *sorted(gr_inspection *s, int64_t *n)
{
    member *m = gr__tensor_alloc(s->ctx, sizeof *m * (size_t)GR_MAX(s->n, 1));
    *n = 0;
    for (int64_t i = 0; m && i < s->n; i++)
        if (s->part[i] != GR_IN_NO_PART) m[(*n)++] = (member){s->hash[i], i};
    if (m && *n) qsort(m, (size_t)*n, sizeof *m, by_key);
    return m;
}

static void release(gr_inspection *s, member *m)
{
    if (m) gr__tensor_free(s->ctx, m, sizeof *m * (size_t)GR_MAX(s->n, 1));
}

/* ---- equal inputs ---- */

typedef struct pairs { /* two samples at a time */
    gr_inspection *s;
    gr_sampler of[2][GR_PARTS];
} pairs;

static gr_status take(pairs *p, int which, int64_t at, const double **x)
{
    int64_t row;
    gr_part source = gr__inspection_source(p->s, at, &row);
    gr_sampler *from = &p->of[which][source];
    gr_status st = from->ctx ? GR_OK : gr__sampler_open(p->s->ctx, &p->s->task.set[source], from);
    if (st == GR_OK) st = gr__sampler_take(from, row);
    *x = from->x;
    return st;
}

static bool equal(const double *a, const double *b, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (a[k] != b[k] && !(isnan(a[k]) && isnan(b[k]))) return false;
    return true;
}

/* Equal hashes may be of different samples: each is compared with the first of every group so far. */
static gr_status join_equal(pairs *p, const member *m, int64_t n)
{
    gr_status st = GR_OK;
    gr_inspection *s = p->s;
    for (int64_t i = 1; i < n; i++) {
        const double *a, *b;
        bool found = false;
        GR_TRY(take(p, 0, m[i].at, &a));
        for (int64_t j = 0; j < i && !found; j++) {
            if (gr__clusters_of(&s->same, m[j].at) != m[j].at) continue;
            GR_TRY(take(p, 1, m[j].at, &b));
            found = equal(a, b, s->width);
            if (found) gr__clusters_join(&s->same, m[j].at, m[i].at);
        }
    }
done:
    return st;
}

static gr_status find_equal(gr_inspection *s)
{
    int64_t n;
    pairs p = {.s = s};
    member *m = sorted(s, &n);
    gr_status st = m ? GR_OK : gr__error_code(s->ctx);
    for (int64_t i = 0, end; i < n && st == GR_OK; i = end) {
        for (end = i + 1; end < n && m[end].key == m[i].key; end++) {
        }
        if (end - i > 1) st = join_equal(&p, m + i, end - i);
    }
    for (int k = 0; k < 2 * GR_PARTS; k++) gr__sampler_close(&p.of[k / GR_PARTS][k % GR_PARTS]);
    release(s, m);
    return st;
}

/* ---- groups ---- */

#define NONE UINT32_MAX
typedef struct standing { /* of the group that this sample is the lowest of */
    uint32_t kept; /* the one that stays: the first of the part that is looked at last, so that none is trained on
                      and then judged by */
    uint32_t first[GR_PARTS];
} standing;

typedef struct telling {
    gr_inspection *s;
    const char *within, *across, *like;
    gr_severity within_is, across_is;
    gr_data_finding *in[GR_PARTS], *between;
} telling;

/* NULL: no memory. */
static standing *stand(gr_inspection *s, gr_clusters *g)
{
    standing *all = gr__tensor_alloc(s->ctx, sizeof *all * (size_t)GR_MAX(s->n, 1));
    if (all) memset(all, 0xff, sizeof *all * (size_t)s->n);
    for (int64_t i = 0; all && i < s->n; i++) {
        int p = s->part[i];
        if (p == GR_IN_NO_PART) continue;
        standing *of = &all[gr__clusters_of(g, i)];
        if (of->first[p] == NONE) of->first[p] = (uint32_t)i;
        if (of->kept == NONE || p > s->part[of->kept]) of->kept = (uint32_t)i;
    }
    return all;
}

static gr_status tell(telling *t, gr_data_finding **f, gr_part part, int64_t at, int64_t other)
{
    gr_inspection *s = t->s;
    bool across = part == GR_PARTS;
    if (!*f) {
        *f = gr__found(s, across ? t->across : t->within, across ? t->across_is : t->within_is, part);
        if (!*f) return gr__error_code(s->ctx);
        gr__found_text(s, *f, "%s %s %s", gr__inspection_name(s, at), t->like, gr__inspection_name(s, other));
    }
    gr__found_sample(s, *f, at);
    return gr__leave_out(s, at, across ? t->across : t->within, !across && strcmp(t->within, "duplicate") != 0);
}

/* Members of other parts than the one that stays, and all but the first of a part. */
gr_status gr__inspect_groups(gr_inspection *s, gr_clusters *g, const char *within, gr_severity within_is,
                             const char *across, gr_severity across_is, const char *like)
{
    telling t = {s, within, across, like, within_is, across_is, {NULL}, NULL};
    standing *all = stand(s, g);
    gr_status st = all ? GR_OK : gr__error_code(s->ctx);
    for (int64_t i = 0; i < s->n && st == GR_OK; i++) {
        int p = s->part[i];
        if (p == GR_IN_NO_PART) continue;
        const standing *of = &all[gr__clusters_of(g, i)];
        if (p != s->part[of->kept]) st = tell(&t, &t.between, GR_PARTS, i, of->kept);
        if (st == GR_OK && i != of->first[p]) st = tell(&t, &t.in[p], (gr_part)p, i, of->first[p]);
    }
    if (all) gr__tensor_free(s->ctx, all, sizeof *all * (size_t)GR_MAX(s->n, 1));
    return st;
}

/* ---- labels that contradict each other ---- */

/* Of each group, by its lowest member: one whose label is not that member's; or NONE. NULL: no memory. */
static uint32_t *others(gr_inspection *s)
{
    uint32_t *other = gr__tensor_alloc(s->ctx, sizeof *other * (size_t)GR_MAX(s->n, 1));
    if (other) memset(other, 0xff, sizeof *other * (size_t)s->n);
    for (int64_t i = 0; other && i < s->n; i++) {
        int64_t lowest = gr__clusters_of(&s->same, i);
        if (s->label[i] != s->label[lowest] && other[lowest] == NONE) other[lowest] = (uint32_t)i;
    }
    return other;
}

static gr_status tell_conflicts(gr_inspection *s)
{
    gr_data_finding *f = NULL;
    uint32_t *other = others(s);
    gr_status st = other ? GR_OK : gr__error_code(s->ctx);
    for (int64_t i = 0; i < s->n && st == GR_OK; i++) {
        int64_t lowest = gr__clusters_of(&s->same, i);
        if (other[lowest] == NONE) continue;
        if (!f) {
            f = gr__found(s, "conflicting_labels", GR_SEVERITY_WARNING, GR_PARTS);
            if (!f) break;
            gr__found_text(s, f, "equal samples, other labels: %s is %s, %s is %s", gr__inspection_name(s, i),
                           gr__inspection_class(s, s->label[i]), gr__inspection_name(s, other[lowest]),
                           gr__inspection_class(s, s->label[other[lowest]]));
        }
        gr__found_sample(s, f, i);
        st = gr__leave_out(s, i, "conflicting_labels", true);
    }
    if (other) gr__tensor_free(s->ctx, other, sizeof *other * (size_t)GR_MAX(s->n, 1));
    return st;
}

/* Rows of few columns repeat of themselves; that some do so across parts then tells nothing of how they were cut. */
static bool repeats(gr_inspection *s)
{
    int64_t again = 0, n = s->task.count[GR_PART_TRAIN];
    if (s->form != GR_FORM_ROWS || s->shape.rank > 1) return false;
    for (int64_t i = 0; i < s->n; i++) again += s->part[i] == GR_PART_TRAIN && gr__clusters_of(&s->same, i) != i;
    return n > 0 && again * 20 > n;
}

gr_status gr__inspect_twins(gr_inspection *s)
{
    gr__watch(s->options->watch, "duplicates", 0);
    gr_status st = find_equal(s);
    if (st == GR_OK)
        st = gr__inspect_groups(s, &s->same, "duplicate", GR_SEVERITY_WARNING, "leak",
                                repeats(s) ? GR_SEVERITY_WARNING : GR_SEVERITY_ERROR, "is the same sample as");
    return st == GR_OK && s->classes ? tell_conflicts(s) : st;
}
