/* One-hot: a category becomes as many numbers as there are categories, 1 for the one that it is. */
#include <math.h>
#include <string.h>

#include "data/prepare/prepare.h"

enum { CATEGORIES, SEEN };
/* CATEGORIES: of each number that it takes: 0: it stays; k: it is an index of k categories.
 * SEEN: of each category, column after column: 1; 0: no training row has it, and it stays 0 ever after. */

/* Where each number that it gives comes from. */
typedef struct own {
    int32_t *source, *rank; /* rank: among its column's categories; -1: the number itself */
    int32_t *seen;          /* where SEEN has it */
} own;

static int64_t count_given(const gr_prepared *p)
{
    int64_t n = 0;
    for (int i = 0; i < p->n[CATEGORIES]; i++) n += p->state[CATEGORIES][i] > 0 ? (int64_t)p->state[CATEGORIES][i] : 1;
    return n;
}

static gr_status take_shapes(gr_context *ctx, gr__bump *b, gr_prepared *p)
{
    int64_t n = count_given(p), e = 0;
    int32_t seen = 0;
    own *o = gr__bump_alloc(b, sizeof *o);
    if (!o) return gr__error_code(ctx);
    o->source = gr__bump_alloc(b, (size_t)n * 3 * sizeof *o->source);
    if (!o->source) return gr__error_code(ctx);
    o->rank = o->source + n;
    o->seen = o->rank + n;
    for (int32_t i = 0; i < p->n[CATEGORIES]; i++) {
        int32_t k = (int32_t)p->state[CATEGORIES][i];
        if (k <= 0) o->source[e] = i, o->rank[e] = -1, e++;
        for (int32_t r = 0; r < k; r++, e++) o->source[e] = i, o->rank[e] = r, o->seen[e] = seen++;
    }
    p->own = o;
    p->takes = GR_SHAPE(p->n[CATEGORIES]);
    p->gives = GR_SHAPE(n);
    return GR_OK;
}

/* ---- fitting ---- */

static gr_status look(const gr__fitting *f, gr_prepared *p)
{
    memset(p->state[SEEN], 0, (size_t)p->n[SEEN] * sizeof *p->state[SEEN]);
    for (int64_t i = 0; i < f->train->n; i++) {
        const void *sample = gr__fitting_sample(f, i);
        if (!sample) return gr__error_code(f->ctx);
        gr__before in = gr__before_of(f->before, f->n_before, f->x->element, sample);
        int first = 0;
        for (int e = 0; e < p->n[CATEGORIES]; e++) {
            double k = p->state[CATEGORIES][e], at;
            if (k <= 0) continue;
            gr__prepare_read(&in, e, &at, 1);
            if (at >= 0 && at < k) p->state[SEEN][first + (int)at] = 1;
            first += (int)k;
        }
    }
    return GR_OK;
}

static void say_unseen(const gr__fitting *f, const gr_prepared *p)
{
    char called[128];
    int n = p->n[CATEGORIES];
    for (int e = 0, first = 0; e < n; e++) {
        int k = (int)p->state[CATEGORIES][e], unseen = 0;
        for (int r = 0; r < k; r++) unseen += p->state[SEEN][first + r] == 0;
        first += GR_MAX(k, 0);
        if (unseen)
            gr__log(f->ctx, GR_LOG_WARNING, "%s: %d of its %d categories stand in no training row: they count as none",
                    gr__fitting_called(f, n, e, called, sizeof called), unseen, k);
    }
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    const bool *mask;
    gr_status st = gr__fitting_mask(f, true, &mask);
    int n = (int)gr_shape_count(f->sample), all = 0;
    if (st != GR_OK) return st;
    for (int i = 0; i < n && f->category; i++)
        if ((!mask || mask[i]) && f->category[i] > 0) all += f->category[i];
    if (!all)
        return gr__tree_fail(f->ctx, f->s->tree, GR_E_CONFLICT,
                             "columns: [{name: NAME, as: category}, ...] in the source",
                             "one_hot has no column of categories in the input \"%s\"", f->x->name);
    out->state[CATEGORIES] = gr__bump_alloc(f->b, (size_t)(n + all) * sizeof(double));
    if (!out->state[CATEGORIES]) return gr__error_code(f->ctx);
    out->state[SEEN] = out->state[CATEGORIES] + n;
    out->n[CATEGORIES] = n;
    out->n[SEEN] = all;
    for (int i = 0; i < n; i++)
        out->state[CATEGORIES][i] = (!mask || mask[i]) && f->category[i] > 0 ? f->category[i] : 0;
    for (int i = 0; i < all; i++) out->state[SEEN][i] = 1;
    st = take_shapes(f->ctx, f->b, out);
    if (st == GR_OK && f->train) st = look(f, out);
    if (st == GR_OK && f->train) say_unseen(f, out);
    return st;
}

static gr_status tell(const gr__fitting *f, const gr_prepared *p, int32_t *category, const char **name)
{
    const own *o = p->own;
    for (int64_t e = 0; e < p->gives.dim[0]; e++) {
        category[e] = o->rank[e] < 0 ? f->category[o->source[e]] : -1;
        name[e] = f->name ? f->name[o->source[e]] : NULL;
    }
    return GR_OK;
}

/* ---- its arithmetic ---- */

/* One column: what it is compared with, or itself. */
static gr_val expand(gr_graph *g, const gr_prepared *p, gr_val x, int64_t first, int64_t n)
{
    const own *o = p->own;
    int64_t batch = gr_shape_of(g, x).dim[0];
    gr_val column = gr_slice(g, x, 1, o->source[first], n == 1 || o->rank[first] >= 0 ? 1 : n);
    if (o->rank[first] < 0) return column;
    gr_val ranks = gr_real(g, gr_iota(g, GR_SHAPE(batch, n), 1));
    gr_val same = gr_equal(g, gr_broadcast(g, column, GR_SHAPE(batch, n)), ranks);
    return gr_mul(g, same, gr_const_tensor(g, GR_SHAPE(n), p->state[SEEN] + o->seen[first]));
}

static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    const own *o = p->own;
    int64_t all = p->gives.dim[0];
    gr_val whole = GR_NONE;
    x = gr_reshape(g, x, GR_SHAPE(gr_shape_of(g, x).dim[0], p->takes.dim[0]));
    for (int64_t e = 0, n; e < all; e += n) {
        n = 1;
        if (o->rank[e] < 0)
            while (e + n < all && o->rank[e + n] < 0) n++;
        else
            n = (int64_t)p->state[CATEGORIES][o->source[e]];
        gr_val part = expand(g, p, x, e, n), both[] = {whole, part};
        whole = whole ? gr_concat(g, both, 2, 1) : part;
        if (!whole) break;
    }
    return whole;
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    const own *o = p->own;
    double from[GR_PIECE];
    for (int64_t done = 0, n; done < count; done += n) {
        const int64_t e = first + done;
        n = GR_MIN(count - done, GR_PIECE); /* no number gives none, so that they come of as many at most */
        gr__prepare_read(in, o->source[e], from, o->source[e + n - 1] - o->source[e] + 1);
        for (int64_t i = 0; i < n; i++) {
            double at = from[o->source[e + i] - o->source[e]];
            int32_t rank = o->rank[e + i];
            x[done + i] = rank < 0 ? at : at == rank ? p->state[SEEN][o->seen[e + i]] : 0;
        }
    }
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    double all = 0;
    bool fine = p->state[CATEGORIES] != NULL;
    for (int i = 0; fine && i < p->n[CATEGORIES]; i++) {
        double k = p->state[CATEGORIES][i];
        fine = k >= 0 && k <= INT32_MAX && k == floor(k);
        all += k;
    }
    if (!fine || all != (double)p->n[SEEN])
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation's categories are not counted alike");
    return take_shapes(ctx, b, p);
}

/* The category that most says that it is one; none where nothing does. */
static int64_t undo(const gr_prepared *p, double *x, int64_t count)
{
    const own *o = p->own;
    double most = 0;
    for (int64_t e = 0; e < count; e++) { /* what is written lies before what is read */
        double given = x[e], *to = &x[o->source[e]];
        if (o->rank[e] < 0) *to = given;
        if (o->rank[e] == 0) most = 0, *to = (double)NAN;
        if (o->rank[e] >= 0 && given > most) most = given, *to = o->rank[e];
    }
    return p->n[CATEGORIES];
}

static const gr_row rows[] = {
    {.name = "columns",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a list of names",
     .unit = "",
     .help = "the columns of categories; without it all of them"},
};

GR_PREPARE(one_hot) = {
    .head = {.family = "prepare",
             .name = "one_hot",
             .title = "Categories to zeros and a one",
             .cite = "",
             .equations = "y_k = 1 where x is category k, else 0; all 0 where it is none, or one that no training row "
                          "has\nput last by itself where the source has categories",
             GR_ROWS(rows)},
    .expands = true,
    .reshapes = true,
    .state = {"categories", "seen"},
    .fit = fit,
    .build = build,
    .values = values,
    .undo = undo,
    .tell = tell,
    .settle = settle,
};
