/* Rows: splits and limits. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "data/data.h"

uint64_t gr__rows_bytes(int64_t n)
{
    return (uint64_t)n * sizeof(uint32_t);
}

void gr__rows_free(gr_context *ctx, gr_rows *r)
{
    gr__tensor_free(ctx, r->row, (size_t)gr__rows_bytes(r->n));
    *r = (gr_rows){0};
}

static gr_status rows_alloc(gr_context *ctx, int64_t n, gr_rows *out)
{
    uint32_t *row = gr__tensor_alloc(ctx, (size_t)gr__rows_bytes(n));
    if (!row) return gr__error_code(ctx);
    *out = (gr_rows){row, n};
    return GR_OK;
}

gr_status gr__rows_kept(gr_context *ctx, int64_t n, const uint8_t *mark, gr_rows *out)
{
    int64_t kept = n, at = 0;
    for (int64_t i = 0; mark && i < n; i++) kept -= mark[i] != 0;
    gr_status st = rows_alloc(ctx, kept, out);
    for (int64_t i = 0; st == GR_OK && i < n; i++)
        if (!mark || !mark[i]) out->row[at++] = (uint32_t)i;
    return st;
}

gr_status gr__rows_all(gr_context *ctx, int64_t n, gr_rows *out)
{
    return gr__rows_kept(ctx, n, NULL, out);
}

typedef struct quota { /* of one class, while a part is shared out */
    int64_t rows;      /* the class has in all */
    int64_t room;      /* not in any part yet */
    int64_t take;      /* of them for this part */
    int64_t remainder; /* of its share, in billionths: what rounding makes of equal ones stays equal */
    bool absent;       /* it would have no row here, though it has one for every part */
    uint32_t lot;      /* decides between equals: drawn with the seed */
    int class_;
} quota;

static int by_claim(const void *a, const void *b)
{
    const quota *x = a, *y = b;
    if (x->absent != y->absent) return x->absent ? -1 : 1;
    if (x->remainder != y->remainder) return x->remainder > y->remainder ? -1 : 1;
    return (x->lot > y->lot) - (x->lot < y->lot);
}

static int by_class(const void *a, const void *b)
{
    const quota *x = a, *y = b;
    return (x->class_ > y->class_) - (x->class_ < y->class_);
}

/* Shares out `total` rows of a part among the classes: each gets its share rounded down, and then one more where the
 * claim is best: classes that the part would not show at all, then the largest remainders, then lots. So each class is
 * within one of its share, while the part's size depends on the fraction alone. */
static void share(int64_t total, double fraction, int parts, quota *q, int classes)
{
    int64_t given = 0;
    for (int c = 0; c < classes; c++) {
        double wanted = fraction * (double)q[c].rows;
        int64_t whole = (int64_t)(wanted + 0.5e-9);
        q[c].take = GR_MIN(whole, q[c].room);
        q[c].remainder = (int64_t)((wanted - (double)q[c].take) * 1e9 + 0.5);
        q[c].absent = q[c].take == 0 && q[c].remainder > 0 && q[c].rows >= parts;
        given += q[c].take;
    }
    qsort(q, (size_t)classes, sizeof *q, by_claim);
    for (bool any = true; any && given < total;) { /* more than one round only where classes run out of rows */
        any = false;
        for (int c = 0; c < classes && given < total; c++) {
            if (q[c].take == q[c].room) continue;
            q[c].take++;
            given++;
            any = true;
        }
    }
    for (int c = classes - 1; c >= 0 && given > total; c--) { /* rounded products may come out one too high */
        if (q[c].take == 0) continue;
        q[c].take--;
        given--;
    }
    qsort(q, (size_t)classes, sizeof *q, by_class);
}

/* New lots for a part. numbers: room for one a class. */
static void draw_lots(uint64_t seed, int part, quota *q, int classes, uint32_t *numbers)
{
    gr__rng r = gr__rng_make(seed, "split/lots", (uint32_t)part, 0);
    gr__rng_permutation(&r, numbers, (size_t)classes);
    for (int c = 0; c < classes; c++) q[c].lot = numbers[c];
}

static int class_of(const int32_t *labels, uint32_t row)
{
    return labels ? labels[row] : 0;
}

/* How many rows part p of the cut has, of n in all of which so many are left. */
static int64_t count_of(const gr_cut *c, int p, int64_t n, int64_t left)
{
    return GR_MIN((int64_t)(c->fractions[p] * (double)n + 0.5), left);
}

int64_t gr__fold_rows(int64_t n, int folds, int fold)
{
    return (n + folds - 1 - fold) / folds;
}

/* What is in no part yet is dealt out, class after class, and one fold becomes the second part. */
static int64_t deal(const gr_cut *c, int classes, int64_t n, const uint32_t *order, quota *q, uint8_t *part_of)
{
    int64_t before = 0, taken = 0;
    for (int k = 0; k < classes; k++) {
        q[k].take = before; /* how many were dealt before its next one */
        before += q[k].room;
    }
    for (int64_t i = 0; i < n; i++) {
        if (part_of[order[i]]) continue;
        if (q[class_of(c->labels, order[i])].take++ % c->folds != c->fold) continue;
        part_of[order[i]] = 1;
        taken++;
    }
    return taken;
}

/* part_of[row] for every row, and counts[part]; n rows, of which `all` are in some part. */
static void assign(const gr_cut *c, int classes, int64_t n, int64_t all, uint32_t *order, uint32_t *lots, quota *q,
                   uint8_t *part_of, int64_t *counts)
{
    gr__rng r = gr__rng_make(c->seed, "split", 0, 0);
    gr__rng_permutation(&r, order, (size_t)n);
    for (int k = 0; k < classes; k++) q[k].class_ = k;
    for (int64_t i = 0; i < n; i++)
        if (part_of[i] == 0) q[class_of(c->labels, (uint32_t)i)].rows++;
    for (int k = 0; k < classes; k++) q[k].room = q[k].rows;
    int64_t left = all;
    for (int p = c->folds ? 2 : 1; p < c->parts; p++) {
        draw_lots(c->seed, p, q, classes, lots);
        share(count_of(c, p, all, left), c->fractions[p], c->parts, q, classes);
        for (int k = 0; k < classes; k++) q[k].room -= q[k].take;
        for (int64_t i = 0; i < n; i++) {
            quota *of = &q[class_of(c->labels, order[i])];
            if (part_of[order[i]] || !of->take) continue;
            of->take--;
            part_of[order[i]] = (uint8_t)p;
            counts[p]++;
            left--;
        }
    }
    if (c->folds) left -= counts[1] = deal(c, classes, n, order, q, part_of);
    counts[0] = left;
}

/* The order is given back before the lists of the parts are taken: together they are as large. */
static gr_status assign_all(gr_context *ctx, const gr_cut *c, int64_t n, int64_t all, uint8_t *part_of, int64_t *counts)
{
    gr_rows order = {0};
    int classes = c->labels ? c->classes : 1;
    size_t quota_bytes = (size_t)classes * sizeof(quota), lot_bytes = (size_t)classes * sizeof(uint32_t);
    uint32_t *lots = gr__alloc(ctx, lot_bytes);
    quota *q = lots ? gr__alloc(ctx, quota_bytes) : NULL;
    gr_status st = q ? rows_alloc(ctx, n, &order) : gr__error_code(ctx);
    if (st == GR_OK) assign(c, classes, n, all, order.row, lots, q, part_of, counts);
    gr__rows_free(ctx, &order);
    gr__free(ctx, lots, lot_bytes);
    gr__free(ctx, q, quota_bytes);
    return st;
}

/* ---- in an order ---- */

/* Rows by rising keys, equal ones as they stand: how many have a lower key is where those of a key begin. */
static gr_status sort_rows(gr_context *ctx, const gr_keys *keys, int64_t n, uint32_t *order)
{
    size_t bytes = (size_t)(keys->found + 1) * sizeof(int64_t);
    int64_t *begin = gr__tensor_alloc(ctx, bytes);
    if (!begin) return gr__error_code(ctx);
    for (int64_t i = 0; i < n; i++) begin[keys->rank[i] + 1]++;
    for (int64_t k = 0; k < keys->found; k++) begin[k + 1] += begin[k];
    for (int64_t i = 0; i < n; i++) order[begin[keys->rank[i]]++] = (uint32_t)i;
    gr__tensor_free(ctx, begin, bytes);
    return GR_OK;
}

static gr_status assign_ordered(gr_context *ctx, const gr_cut *c, int64_t n, int64_t all, uint8_t *part_of,
                                int64_t *counts)
{
    gr_rows order = {0};
    int64_t left = all;
    gr_status st = gr__rows_all(ctx, n, &order);
    if (st == GR_OK && c->order) st = sort_rows(ctx, c->order, n, order.row);
    for (int p = 1; p < c->parts; p++) left -= counts[p] = count_of(c, p, all, left);
    counts[0] = left;
    int p = 0;
    for (int64_t i = 0, taken = 0; i < n && st == GR_OK; i++) {
        if (part_of[order.row[i]]) continue;
        while (taken == counts[p]) taken = 0, p++;
        part_of[order.row[i]] = (uint8_t)p;
        taken++;
    }
    gr__rows_free(ctx, &order);
    return st;
}

/* ---- groups ---- */

typedef struct group {
    int64_t rows;
    uint32_t part; /* 0: of what is left */
} group;

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Those in the order of their lots that fit, then the one that comes nearer to what is wanted, or else the smallest: a
 * part has one group at least, and leaves one for each part to come and for the first. */
static int64_t gather(int part, int to_come, int64_t wanted, const uint32_t *order, int64_t n, group *g, int64_t *left)
{
    int64_t have = 0, best = -1;
    for (int64_t i = 0; i<n && * left> to_come; i++) {
        group *one = &g[order[i]];
        if (one->part || !one->rows || have + one->rows > wanted) continue;
        one->part = (uint32_t)part;
        have += one->rows;
        --*left;
    }
    for (int64_t i = 0; i<n && * left> to_come; i++) {
        const group *one = &g[order[i]];
        if (one->part || !one->rows) continue;
        if (best < 0 || distance(have + one->rows, wanted) < distance(have + g[best].rows, wanted)) best = order[i];
    }
    if (best < 0 || (have > 0 && distance(have + g[best].rows, wanted) >= distance(have, wanted))) return have;
    g[best].part = (uint32_t)part;
    --*left;
    return have + g[best].rows;
}

static gr_status gather_all(gr_context *ctx, const gr_cut *c, int64_t n, int64_t all, uint32_t *order, group *g,
                            uint8_t *part_of, int64_t *counts)
{
    const gr_keys *keys = c->group;
    int64_t groups = 0, left = all;
    int parts = 1;
    for (int p = 1; p < c->parts; p++) parts += c->fractions[p] > 0;
    for (int64_t i = 0; i < n; i++)
        if (part_of[i] == 0) groups += g[keys->rank[i]].rows++ == 0;
    if (groups < parts)
        return gr__fail(ctx, GR_E_DATA, "%lld group%s cannot be divided into %d parts: none may be cut in two",
                        (long long)groups, groups == 1 ? "" : "s", parts);
    gr__rng r = gr__rng_make(c->seed, "split/groups", 0, 0);
    gr__rng_permutation(&r, order, (size_t)keys->found);
    for (int p = 1; p < c->parts; p++) {
        if (!(c->fractions[p] > 0)) continue;
        counts[p] = gather(p, --parts, (int64_t)(c->fractions[p] * (double)all + 0.5), order, keys->found, g, &groups);
        left -= counts[p];
    }
    for (int64_t i = 0; i < n; i++)
        if (part_of[i] == 0) part_of[i] = (uint8_t)g[keys->rank[i]].part;
    counts[0] = left;
    return GR_OK;
}

static gr_status assign_groups(gr_context *ctx, const gr_cut *c, int64_t n, int64_t all, uint8_t *part_of,
                               int64_t *counts)
{
    gr_rows order = {0};
    size_t bytes = (size_t)c->group->found * sizeof(group);
    group *g = gr__tensor_alloc(ctx, bytes);
    gr_status st = g ? rows_alloc(ctx, c->group->found, &order) : gr__error_code(ctx);
    if (st == GR_OK) st = gather_all(ctx, c, n, all, order.row, g, part_of, counts);
    gr__rows_free(ctx, &order);
    gr__tensor_free(ctx, g, bytes);
    return st;
}

/* ---- all ---- */

enum { IN_NO_PART = 255 };

uint64_t gr__split_work(int64_t n, bool keys)
{
    return (uint64_t)n * (1 + (keys ? 2 * sizeof(uint32_t) + sizeof(group) : 0));
}

void gr__split_auto(int64_t n, double *validation, double *test)
{
    static const struct {
        double log, validation, test;
    } anchor[] = {{4, 0.15, 0.05}, {6, 0.04, 0.01}, {8, 0.009, 0.001}};
    double log_n = n > 0 ? log10((double)n) : 0;
    int k = log_n > anchor[1].log;
    double at =
        (fmin(fmax(log_n, anchor[k].log), anchor[k + 1].log) - anchor[k].log) / (anchor[k + 1].log - anchor[k].log);
    *validation = at == 1 ? anchor[k + 1].validation
                          : anchor[k].validation * pow(anchor[k + 1].validation / anchor[k].validation, at);
    *test = at == 1 ? anchor[k + 1].test : anchor[k].test * pow(anchor[k + 1].test / anchor[k].test, at);
}

static gr_status divide(gr_context *ctx, const gr_cut *c, int64_t n, uint8_t *part_of, int64_t *counts)
{
    int64_t all = n;
    for (int64_t i = 0; c->out && i < n; i++) {
        part_of[i] = c->out[i] ? IN_NO_PART : 0;
        all -= c->out[i] != 0;
    }
    return c->group                       ? assign_groups(ctx, c, n, all, part_of, counts)
           : c->order || c->in_file_order ? assign_ordered(ctx, c, n, all, part_of, counts)
                                          : assign_all(ctx, c, n, all, part_of, counts);
}

gr_status gr__split(gr_context *ctx, const gr_cut *c, int64_t n, gr_rows *out)
{
    gr_rows made[16] = {{0}};
    int64_t counts[16] = {0}, filled[16] = {0};
    if (c->parts < 1 || c->parts > 16) return gr__fail(ctx, GR_E_RANGE, "a split has 1 to 16 parts, not %d", c->parts);
    for (int p = 0; p < c->parts; p++) {
        if (!(c->fractions[p] >= 0 && c->fractions[p] <= 1))
            return gr__fail(ctx, GR_E_RANGE, "%g is not in [0, 1], the fractions of a split", c->fractions[p]);
    }
    uint8_t *part_of = gr__tensor_alloc(ctx, (size_t)n);
    gr_status st = part_of ? divide(ctx, c, n, part_of, counts) : gr__error_code(ctx);
    for (int p = 0; p < c->parts && st == GR_OK; p++) st = rows_alloc(ctx, counts[p], &made[p]);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        int p = part_of[i];
        if (p != IN_NO_PART) made[p].row[filled[p]++] = (uint32_t)i;
    }
    gr__tensor_free(ctx, part_of, (size_t)n);
    for (int p = 0; p < c->parts; p++) {
        if (st == GR_OK)
            out[p] = made[p];
        else
            gr__rows_free(ctx, &made[p]);
    }
    return st;
}

/* The order, which is given back before the shorter list is taken, a mark a row, and what the list loses. */
uint64_t gr__rows_limit_work(int64_t n, int64_t k)
{
    return k >= n ? 0 : gr__rows_bytes(n) + (uint64_t)n + gr__rows_bytes(n - k);
}

static gr_status choose(gr_context *ctx, uint64_t seed, int64_t n, int64_t k, bool *chosen)
{
    gr_rows order = {0};
    gr_status st = rows_alloc(ctx, n, &order);
    if (st != GR_OK) return st;
    gr__rng rng = gr__rng_make(seed, "limit", 0, 0);
    gr__rng_permutation(&rng, order.row, (size_t)n);
    for (int64_t i = 0; i < k; i++) chosen[order.row[i]] = true;
    gr__rows_free(ctx, &order);
    return GR_OK;
}

gr_status gr__rows_limit(gr_context *ctx, uint64_t seed, gr_rows *r, int64_t k)
{
    if (k >= r->n) return GR_OK;
    gr_rows kept = {0};
    int64_t at = 0;
    bool *chosen = gr__tensor_alloc(ctx, (size_t)r->n);
    gr_status st = chosen ? choose(ctx, seed, r->n, k, chosen) : gr__error_code(ctx);
    if (st == GR_OK) st = rows_alloc(ctx, k, &kept);
    for (int64_t i = 0; st == GR_OK && i < r->n; i++)
        if (chosen[i]) kept.row[at++] = r->row[i];
    gr__tensor_free(ctx, chosen, (size_t)r->n);
    if (st != GR_OK) return st;
    gr__rows_free(ctx, r);
    *r = kept;
    return GR_OK;
}
