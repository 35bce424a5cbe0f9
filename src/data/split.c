/* Rows: splits, limits, and the manifest that records a split. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "data/sample.h"

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

gr_status gr__rows_all(gr_context *ctx, int64_t n, gr_rows *out)
{
    gr_status st = rows_alloc(ctx, n, out);
    for (int64_t i = 0; st == GR_OK && i < n; i++) out->row[i] = (uint32_t)i;
    return st;
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

/* part_of[row] for every row, and counts[part]. */
static void assign(uint64_t seed, int64_t n, const int32_t *labels, int classes, const double *fractions, int parts,
                   uint32_t *order, uint32_t *lots, quota *q, uint8_t *part_of, int64_t *counts)
{
    gr__rng r = gr__rng_make(seed, "split", 0, 0);
    gr__rng_permutation(&r, order, (size_t)n);
    for (int c = 0; c < classes; c++) q[c].class_ = c;
    for (int64_t i = 0; i < n; i++) q[class_of(labels, (uint32_t)i)].rows++;
    for (int c = 0; c < classes; c++) q[c].room = q[c].rows;
    int64_t left = n;
    for (int p = 1; p < parts; p++) {
        draw_lots(seed, p, q, classes, lots);
        share(GR_MIN((int64_t)(fractions[p] * (double)n + 0.5), left), fractions[p], parts, q, classes);
        for (int c = 0; c < classes; c++) q[c].room -= q[c].take;
        for (int64_t i = 0; i < n; i++) {
            quota *of = &q[class_of(labels, order[i])];
            if (part_of[order[i]] || !of->take) continue;
            of->take--;
            part_of[order[i]] = (uint8_t)p;
            counts[p]++;
            left--;
        }
    }
    counts[0] = left;
}

/* Which part each row is in. The order is given back before the lists of the parts are taken: together they are as
 * large. */
static gr_status assign_all(gr_context *ctx, uint64_t seed, int64_t n, const int32_t *labels, int classes,
                            const double *fractions, int parts, uint8_t *part_of, int64_t *counts)
{
    gr_rows order = {0};
    size_t quota_bytes = (size_t)classes * sizeof(quota), lot_bytes = (size_t)classes * sizeof(uint32_t);
    uint32_t *lots = gr__alloc(ctx, lot_bytes);
    quota *q = lots ? gr__alloc(ctx, quota_bytes) : NULL;
    gr_status st = q ? rows_alloc(ctx, n, &order) : gr__error_code(ctx);
    if (st == GR_OK) assign(seed, n, labels, classes, fractions, parts, order.row, lots, q, part_of, counts);
    gr__rows_free(ctx, &order);
    gr__free(ctx, lots, lot_bytes);
    gr__free(ctx, q, quota_bytes);
    return st;
}

uint64_t gr__split_work(int64_t n)
{
    return (uint64_t)n;
}

gr_status gr__split(gr_context *ctx, uint64_t seed, int64_t n, const int32_t *labels, int classes,
                    const double *fractions, int parts, gr_rows *out)
{
    gr_rows made[16] = {{0}};
    int64_t counts[16] = {0}, filled[16] = {0};
    if (parts < 1 || parts > 16) return gr__fail(ctx, GR_E_RANGE, "a split has 1 to 16 parts, not %d", parts);
    for (int p = 0; p < parts; p++) {
        if (!(fractions[p] >= 0 && fractions[p] <= 1))
            return gr__fail(ctx, GR_E_RANGE, "%g is not in [0, 1], the fractions of a split", fractions[p]);
    }
    if (!labels) classes = 1;
    uint8_t *part_of = gr__tensor_alloc(ctx, (size_t)gr__split_work(n));
    gr_status st =
        part_of ? assign_all(ctx, seed, n, labels, classes, fractions, parts, part_of, counts) : gr__error_code(ctx);
    for (int p = 0; p < parts && st == GR_OK; p++) st = rows_alloc(ctx, counts[p], &made[p]);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        int p = part_of[i];
        made[p].row[filled[p]++] = (uint32_t)i;
    }
    gr__tensor_free(ctx, part_of, (size_t)gr__split_work(n));
    for (int p = 0; p < parts; p++) {
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

/* ---- the manifest ---- */

/* The first target that is a class, or else the first. */
static const gr_field *labels_of(const gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++)
        if (gr__set_target(s, h)->kind == GR_TARGET_CLASS) return gr__set_target(s, h);
    return s->n_targets ? gr__set_target(s, 0) : NULL;
}

static void put_label(gr__text *line, const gr_field *f, uint32_t row)
{
    if (!f) return;
    char number[32];
    int64_t n = gr_shape_count(f->sample);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = (int64_t)row * n + i;
        const char *comma = i ? "," : "";
        if (f->kind == GR_TARGET_CLASS)
            gr__text_add(line, "%s%d", comma, ((const int32_t *)f->data)[at]);
        else
            gr__text_add(line, "%s%s", comma, gr__double_text(gr__element_at(f->element, f->data, at), number));
    }
}

/* Of all inputs of a row. False where one cannot be read. */
static bool crc_of(gr_context *ctx, gr__samples *input, int n, int64_t row, uint32_t *crc)
{
    *crc = 0;
    for (int i = 0; i < n; i++) {
        const void *sample = gr__samples_at(ctx, &input[i], row);
        if (!sample) return false;
        *crc = gr__crc32(*crc, sample, gr__sample_bytes(input[i].x));
    }
    return true;
}

static gr_status put_rows(gr_context *ctx, gr__writer *w, const gr_set *s, const uint8_t *part_of,
                          const char *const *names)
{
    gr__text line;
    gr__samples input[GR_MAX_INPUTS] = {{0}};
    gr_status st = GR_OK;
    uint32_t crc;
    gr__text_init(&line, ctx);
    for (int i = 0; i < s->n_inputs && st == GR_OK; i++) st = gr__samples_open(ctx, gr__set_input(s, i), &input[i]);
    const gr_field *labels = labels_of(s);
    gr__text_add(&line, "row\tpart\tlabel\tcrc32\n");
    for (int64_t i = 0; i < s->n && !line.failed && st == GR_OK; i++) {
        if (!part_of[i]) continue;
        gr__text_add(&line, "%lld\t%s\t", (long long)i, names[part_of[i] - 1]);
        put_label(&line, labels, (uint32_t)i);
        if (!crc_of(ctx, input, s->n_inputs, i, &crc)) st = gr__error_code(ctx);
        gr__text_add(&line, "\t%08x\n", crc);
        if (line.n < 1 << 16) continue;
        gr__writer_put(w, line.s, line.n);
        line.n = 0;
    }
    for (int i = 0; i < s->n_inputs; i++) gr__samples_close(&input[i]);
    bool failed = line.failed;
    if (!failed) gr__writer_put(w, line.s, line.n);
    gr__text_free(&line);
    return failed ? gr__error_code(ctx) : GR_OK;
}

gr_status gr__split_manifest(gr_context *ctx, const char *path, const gr_set *s, const gr_rows *parts,
                             const char *const *names, int n_parts)
{
    uint8_t *part_of = gr__alloc(ctx, (size_t)s->n); /* 0: in none */
    if (!part_of) return GR_E_MEMORY;
    for (int p = 0; p < n_parts; p++) {
        for (int64_t i = 0; i < parts[p].n; i++) part_of[parts[p].row[i]] = (uint8_t)(p + 1);
    }
    gr__writer *w;
    gr_status st = gr__writer_open(ctx, path, &w);
    if (st == GR_OK) {
        st = put_rows(ctx, w, s, part_of, names);
        if (st == GR_OK)
            st = gr__writer_commit(w);
        else
            gr__writer_abort(w);
    }
    gr__free(ctx, part_of, (size_t)s->n);
    return st;
}
