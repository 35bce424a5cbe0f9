/* Curves of runs. */
#include "study/report/curves.h"

#include <math.h>
#include <string.h>

enum { MOST_PANELS = 32, FEW = 60 };

typedef struct panel {
    const char *title, *y;
    const char *every, *mean, *evaluated; /* a number a line; means between evaluations, of theirs; NULL: none */
    bool linear;                          /* in any case */
} panel;

typedef struct panels {
    panel at[MOST_PANELS];
    int n;
} panels;

typedef struct maker {
    gr__bump *b;
    const gr_curves_of *runs;
    int n;
    const gr_curves_options *o;
} maker;

/* ---- which plots ---- */

/* The head whose error the key is, "kind" of "validation_kind_error"; false: it is no such key. */
static bool head_of(const char *key, const char **head, int *length)
{
    static const char before[] = "validation_", after[] = "_error";
    size_t n = strlen(key), most = sizeof before + sizeof after - 2;
    if (n <= most || strncmp(key, before, sizeof before - 1) != 0 || strcmp(key + n - sizeof after + 1, after) != 0)
        return false;
    *head = key + sizeof before - 1;
    *length = (int)(n - most);
    return true;
}

static bool has_panel(const panels *p, const char *key)
{
    for (int i = 0; i < p->n; i++)
        if (p->at[i].evaluated && strcmp(p->at[i].evaluated, key) == 0) return true;
    return false;
}

/* Heads with names have an error each, and a panel: one may be a share, another in units of its values. */
static gr_status list_panels(const maker *m, panels *out)
{
    *out = (panels){.n = 2};
    out->at[0] = (panel){
        .title = "Cost", .y = "cost", .every = "train_cost", .mean = "train_cost_mean", .evaluated = "validation_cost"};
    out->at[1] = (panel){.title = "Validation error", .y = "error", .evaluated = "validation_error"};
    for (int i = 0; i < m->n; i++)
        for (int k = 0; k < m->runs[i].history->n_columns && out->n < MOST_PANELS - 2; k++) {
            const char *key = m->runs[i].history->name[k], *head;
            char name[200];
            int length;
            if (!head_of(key, &head, &length) || has_panel(out, key)) continue;
            gr__shown(name, sizeof name, head, (size_t)length);
            const char *title = gr__bump_format(m->b, "Validation error of %s", name);
            if (!title) return GR_E_MEMORY;
            out->at[out->n++] = (panel){.title = title, .y = "error", .evaluated = key};
        }
    out->at[out->n++] = (panel){.title = "Learning rate", .y = "rate", .every = "lr", .linear = true};
    if (m->o->norm) out->at[out->n++] = (panel){.title = "Norm of the gradient", .y = "norm", .every = "grad_norm"};
    return GR_OK;
}

/* ---- one curve ---- */

/* The numbers of a key, of all lines or of evaluations, against those of x. n 0: no line has the key. */
static gr_status pick(const maker *m, const gr_curves_of *r, const char *key, bool evaluated, gr_series *s)
{
    const gr_history *h = r->history;
    const double *xs = gr__history_column(h, m->o->x), *ys = gr__history_column(h, key);
    double *copy = gr__bump_alloc(m->b, sizeof *copy * 2 * (h->n + 1));
    size_t n = 0, finite = 0;
    if (!copy) return GR_E_MEMORY;
    for (size_t i = 0; i < h->n && xs && ys; i++) {
        if (evaluated && !h->evaluated[i]) continue;
        copy[n] = xs[i];
        copy[h->n + n] = ys[i];
        finite += isfinite(xs[i]) && isfinite(ys[i]);
        n++;
    }
    *s = (gr_series){.n = finite ? n : 0, .x = copy, .y = copy + h->n};
    if (finite <= FEW || evaluated)
        s->mark = finite > 4 * FEW ? GR_MARK_DASHED : GR_MARK_PATH; /* so that one alone is seen */
    return GR_OK;
}

/* What a curve is called beside others of its plot. */
static const char *label_of(const maker *m, const gr_curves_of *r, const panel *p, const char *what)
{
    if (!p->every || !p->evaluated) return r->label;
    return m->n == 1 ? what : gr__bump_format(m->b, "%s, %s", r->label, what);
}

static gr_status add(const maker *m, int run, const panel *p, const char *key, bool evaluated, const char *what,
                     gr_plot *out, gr_series *series)
{
    gr_series *s = &series[out->n_series];
    if (!key) return GR_OK;
    gr_status st = pick(m, &m->runs[run], key, evaluated, s);
    if (st != GR_OK || s->n == 0) return st;
    bool mean = key == p->mean;
    s->colour = m->n > 1 ? run + 1 : mean ? 3 : evaluated + 1;
    if (mean && m->n > 1) s->mark = GR_MARK_DASHED;
    if (!(s->label = label_of(m, &m->runs[run], p, what))) return GR_E_MEMORY;
    out->n_series++;
    return GR_OK;
}

/* ---- a plot ---- */

/* "training: 2.3 at 1, 0.12 at 900, least 0.1 at 850." */
static const char *describe(const maker *m, const gr_plot *p)
{
    const char *all = "";
    for (int i = 0; i < p->n_series && all; i++) {
        const gr_series *s = &p->series[i];
        size_t first = s->n, last = 0, least = s->n;
        for (size_t k = 0; k < s->n; k++) {
            if (!isfinite(s->x[k]) || !isfinite(s->y[k])) continue;
            if (first == s->n) first = k;
            if (least == s->n || s->y[k] < s->y[least]) least = k;
            last = k;
        }
        if (first == s->n) continue;
        all = gr__bump_format(m->b, "%s%s%s: %.4g at %.6g, %.4g at %.6g, least %.4g at %.6g.", all, i ? " " : "",
                              s->label, s->y[first], s->x[first], s->y[last], s->x[last], s->y[least], s->x[least]);
    }
    return all;
}

/* Only what is positive throughout, over more than two and a half powers of ten, needs a logarithmic axis. */
static bool wants_log(const gr_plot *p)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < p->n_series; i++)
        for (size_t k = 0; k < p->series[i].n; k++) {
            double y = p->series[i].y[k];
            if (!isfinite(y)) continue;
            low = fmin(low, y);
            high = fmax(high, y);
        }
    return low > 0 && high > 300 * low;
}

static gr_status make(const maker *m, const panel *p, gr_plot *out)
{
    const gr_curves_options *o = m->o;
    gr_series *series = gr__bump_alloc(m->b, sizeof *series * 3 * (size_t)m->n);
    gr_plot_rule *rule = gr__bump_alloc(m->b, sizeof *rule);
    gr_status st = series && rule ? GR_OK : GR_E_MEMORY;
    *out = (gr_plot){.title = p->title,
                     .x = {.label = o->unit},
                     .y = {.label = p->y, .log = strcmp(p->y, "cost") == 0 && o->log},
                     .series = series,
                     .width = o->width,
                     .height = o->height};
    for (int i = 0; i < m->n && st == GR_OK; i++) {
        bool means = o->means && p->mean && gr__history_column(m->runs[i].history, p->mean);
        if (!means || m->n == 1) st = add(m, i, p, p->every, false, "training", out, series);
        if (means && st == GR_OK) st = add(m, i, p, p->mean, true, "training, mean", out, series);
        if (st == GR_OK) st = add(m, i, p, p->evaluated, true, "validation", out, series);
    }
    if (st == GR_OK && m->n == 1 && p->evaluated && isfinite(m->runs[0].best)) {
        *rule = (gr_plot_rule){.label = "best", .vertical = true, .at = m->runs[0].best};
        out->rules = rule;
        out->n_rules = 1;
    }
    if (o->fitting && !p->linear) out->y.log = wants_log(out); /* a rate that ends near 0 is no reason */
    if (st == GR_OK && !(out->description = describe(m, out))) st = GR_E_MEMORY;
    return st;
}

/* One range of x for all, so that they can be read one below the other. */
static void align(gr_plot *plots, int n)
{
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < plots[i].n_series; k++)
            for (size_t j = 0; j < plots[i].series[k].n; j++) {
                low = fmin(low, plots[i].series[k].x[j]); /* fmin and fmax leave out what is NaN */
                high = fmax(high, plots[i].series[k].x[j]);
            }
    double margin = 0.02 * (high - low);
    for (int i = 0; i < n && isfinite(margin); i++) plots[i].x.low = low - margin, plots[i].x.high = high + margin;
}

gr_status gr__curves(gr__bump *b, const gr_curves_of *runs, int n, const gr_curves_options *o, gr_plot **plots,
                     int *n_plots)
{
    const maker m = {b, runs, n, o};
    panels all;
    gr_status st = list_panels(&m, &all);
    gr_plot *made = gr__bump_alloc(b, sizeof *made * MOST_PANELS);
    *n_plots = 0;
    if (!made) st = GR_E_MEMORY;
    for (int i = 0; i < all.n && st == GR_OK; i++) {
        st = make(&m, &all.at[i], &made[*n_plots]);
        *n_plots += st == GR_OK && made[*n_plots].n_series > 0;
    }
    if (st == GR_OK) align(made, *n_plots);
    *plots = made;
    return st;
}
