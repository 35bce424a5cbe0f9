/* Impute: a value in the place of a missing one. Missing values are NaN in a set, and only where the source declares
 * what stands for them. */
#include <math.h>
#include <string.h>

#include "data/prepare/prepare.h"

enum { FILL, FOR }; /* FOR: 1 for columns that are filled, 0 for others; none: all are */

/* What they become: a number, or what of the training rows. */
typedef struct wanted {
    enum { MEAN, MEDIAN, MODE, VALUE } how;
    double value;
} wanted;

static gr_status read_wanted(const gr__fitting *f, wanted *out)
{
    static const char *const words[] = {"mean", "median", "mode"};
    double value = gr__setting_real(f->s, "value");
    const gr_tree *with = gr__setting_tree(f->s, "with");
    char shown[200];
    *out = (wanted){isnan(value) ? MEAN : VALUE, value};
    if (!with || gr__tree_none(with)) return GR_OK;
    if (!isnan(value))
        return gr__tree_fail(f->ctx, with, GR_E_CONFLICT, NULL, "with stands beside value, which says the same");
    if (gr__tree_is_number(with) && isfinite(with->number)) {
        *out = (wanted){VALUE, with->number};
        return GR_OK;
    }
    for (int i = 0; i < (int)GR_COUNT(words); i++) {
        if (with->kind != GR_TREE_TEXT || strcmp(with->text, words[i]) != 0) continue;
        out->how = i;
        return GR_OK;
    }
    gr_status st =
        gr__tree_fail(f->ctx, with, with->kind == GR_TREE_TEXT ? GR_E_NAME : GR_E_TYPE, NULL,
                      "%s is neither mean, median, mode nor a number", gr__tree_show(with, shown, sizeof shown));
    if (with->kind == GR_TREE_TEXT) gr__hint_name(f->ctx, with->text, words, GR_COUNT(words));
    return st;
}

static gr_status means(const gr__fitting *f, int n, double *fill)
{
    gr__moments *m = gr__alloc(f->ctx, (size_t)n * sizeof *m);
    if (!m) return GR_E_MEMORY;
    gr_status st = gr__moments_take(f, n, m);
    for (int i = 0; i < n && st == GR_OK; i++) fill[i] = m[i].mean;
    gr__free(f->ctx, m, (size_t)n * sizeof *m);
    return st;
}

/* Where no training row has a value, 0. */
static gr_status ranked(const gr__fitting *f, int n, const wanted *w, const bool *mask, double *fill)
{
    gr_status st = GR_OK;
    gr__extent *e = gr__alloc(f->ctx, (size_t)n * sizeof *e);
    if (!e) return GR_E_MEMORY;
    st = gr__fitting_extents(f, n, e);
    for (int i = 0; i < n && st == GR_OK; i++) {
        fill[i] = 0;
        if (e[i].n == 0 || (mask && !mask[i])) continue;
        st = w->how == MODE ? gr__fitting_mode(f, n, i, e[i].n, &fill[i])
                            : gr__fitting_quantile(f, n, i, e[i].n, 0.5, &fill[i]);
    }
    gr__free(f->ctx, e, (size_t)n * sizeof *e);
    return st;
}

/* A missing category is none of them, unless it becomes the most frequent one. */
static void leave_categories(const gr__fitting *f, const wanted *w, int n, double *fill)
{
    for (int i = 0; i < n && f->category && w->how != MODE; i++)
        if (f->category[i] > 0) fill[i] = -1;
}

static gr_status take(const gr__fitting *f, const wanted *w, int n, const bool *mask, double *fill)
{
    gr_status st = GR_OK;
    for (int i = 0; i < n; i++) fill[i] = w->how == VALUE ? w->value : 0.3 + 1e-3 * (double)i;
    if (f->train && w->how != VALUE) {
        st = gr__fitting_divides(f, n);
        if (st == GR_OK) st = w->how == MEAN ? means(f, n, fill) : ranked(f, n, w, mask, fill);
    }
    leave_categories(f, w, n, fill);
    return st;
}

static gr_status fit(const gr__fitting *f, gr_prepared *out)
{
    wanted w;
    const bool *mask;
    gr_status st = read_wanted(f, &w);
    if (st == GR_OK) st = gr__fitting_mask(f, true, &mask);
    if (st != GR_OK) return st;
    bool alike = w.how == VALUE && !mask && !f->category;
    int64_t n = alike ? 1 : mask ? gr_shape_count(f->sample) : gr__fitting_channels(f);
    if (!gr__step_lists(f, out, mask ? FOR + 1 : FILL + 1, (int)n)) return gr__error_code(f->ctx);
    for (int64_t i = 0; i < n && mask; i++) out->state[FOR][i] = mask[i];
    return take(f, &w, (int)n, mask, out->state[FILL]);
}

static gr_val build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    gr_val y = gr_select(g, gr_equal(g, x, x), x, gr__step_spread(g, x, p, FILL));
    return gr__step_only(g, x, y, p, FOR);
}

static void values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    const double *fill = p->state[FILL], *only = p->state[FOR];
    int n = p->n[FILL];
    gr__prepare_read(in, first, x, count);
    for (int64_t done = 0, k, run; done < count; done += run) {
        run = gr__step_run(n, first + done, count - done, &k);
        for (int64_t i = 0; i < run; i++) {
            int64_t j = n == 1 ? 0 : k + i;
            if (isnan(x[done + i]) && (!only || only[j] != 0)) x[done + i] = fill[j];
        }
    }
}

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    wanted w;
    return read_wanted(&(gr__fitting){.ctx = ctx, .s = s}, &w);
}

static const gr_row rows[] = {
    {.name = "with",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "mean, median, mode or a number",
     .unit = "",
     .help = "what missing values become: of the column's training rows the mean unless given, or the most frequent "
             "value; a missing category is none of them, or with mode the most frequent"},
    {.name = "value",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "the same as `with` and a number"},
    GR__COLUMNS_ROW,
};

GR_PREPARE(impute) = {
    .head = {.family = "prepare",
             .name = "impute",
             .title = "Fill missing values",
             .cite = "",
             .equations = "y = x where x is a number, else mean, median or mode of the training rows, or a number",
             GR_ROWS(rows)},
    .fills = true,
    .affine = true,
    .state = {"fill", "for"},
    .check = check,
    .fit = fit,
    .build = build,
    .values = values,
    .undo = gr__same_undo,
};
