/* Panels: the columns that they name become numbers to draw. */
#include <string.h>

#include "result/result.h"

static void missing(gr_result *r, const char *what, const char *name)
{
    gr__result_fail(r, gr__fail(r->ctx, GR_E_INTERNAL, "figure %s draws %s %s, which it has not", r->name, what, name));
}

/* A table and what of it is drawn. */
typedef struct reader {
    gr_result *r;
    const gr_table *t; /* NULL: it is missing, and told */
} reader;

static reader read_table(gr_result *r, const char *name)
{
    reader d = {r, gr__result_find(r, name)};
    if (!d.t) missing(r, "table", name ? name : "of its own name");
    return d;
}

static const gr_column *column(const reader *d, const char *what, const char *name, bool words)
{
    int k = d->t ? gr__table_column(d->t, name) : -1;
    if (k >= 0 && (!words || d->t->columns[k].words)) return &d->t->columns[k];
    if (d->t) missing(d->r, what, name);
    return NULL;
}

/* ---- plots ---- */

/* The wanted rows of a column, in order. */
static double *gather(const reader *d, const gr_curve *curve, const char *name, size_t *n)
{
    const gr_column *c = column(d, "column", name, false), *where = NULL;
    if (c && curve->where && !(where = column(d, "rows by", curve->where, true))) return NULL;
    double *out = c ? gr__result_alloc(d->r, (d->t->n + 1) * sizeof *out) : NULL;
    *n = 0;
    for (size_t i = 0; out && i < d->t->n; i++) {
        const void *row = gr__table_row(d->t, i);
        if (!where || strcmp(gr__column_text(where, row), curve->is) == 0) out[(*n)++] = gr__column_number(c, row);
    }
    return out;
}

/* Rows that run through x within each y become the two sides of a grid. */
static void as_grid(gr_result *r, double *y, size_t n, gr_series *s)
{
    size_t nx = 0;
    while (nx < n && y[nx] == y[0]) nx++;
    s->n = nx;
    s->n_y = nx ? n / nx : 0;
    if (s->n * s->n_y != n)
        gr__result_fail(r, gr__fail(r->ctx, GR_E_INTERNAL, "figure %s has no grid to draw", r->name));
    for (size_t j = 0; j < s->n_y && s->n * s->n_y == n; j++) y[j] = y[j * nx];
}

static void fill_series(gr_result *r, const gr_curve *c, gr_series *s)
{
    size_t n = 0;
    reader d = read_table(r, c->table);
    double *x = gather(&d, c, c->x, &n), *y = x ? gather(&d, c, c->y, &n) : NULL;
    if (!y) return;
    *s = (gr_series){.label = c->label, .mark = c->mark, .colour = c->colour, .n = n, .x = x, .y = y};
    if (c->mark != GR_MARK_CONTOUR || !(s->z = gather(&d, c, c->z, &n))) return;
    as_grid(r, y, n, s);
}

static void fill_plot(gr_result *r, const gr_panel *p, gr_plot *plot)
{
    gr_series *series = gr__result_alloc(r, GR_PANEL_CURVES * sizeof *series);
    gr_plot_rule *rules = gr__result_alloc(r, sizeof p->rule);
    if (!series || !rules) return;
    memcpy(rules, p->rule, sizeof p->rule);
    *plot = (gr_plot){.title = p->title, .caption = p->caption, .x = p->x, .y = p->y, .series = series, .rules = rules};
    while (plot->n_series < GR_PANEL_CURVES && p->curve[plot->n_series].y && r->failed == GR_OK) {
        fill_series(r, &p->curve[plot->n_series], &series[plot->n_series]);
        plot->n_series++;
    }
    while (plot->n_rules < GR_PANEL_RULES && rules[plot->n_rules].label) plot->n_rules++;
}

/* ---- boxes and arrows ---- */

static void dag_nodes(gr_result *r, const gr_panel_dag *p, gr_dag *out)
{
    reader d = read_table(r, p->nodes);
    const gr_column *name = column(&d, "column", p->name, true), *note = column(&d, "column", p->note, false),
                    *group = column(&d, "column", p->group, true);
    gr_dag_node *all = d.t ? gr__result_alloc(r, (d.t->n + 1) * sizeof *all) : NULL;
    if (!name || !note || !group || !all) return;
    for (size_t i = 0; i < d.t->n; i++) {
        const void *row = gr__table_row(d.t, i);
        all[i] = (gr_dag_node){gr__column_text(name, row), gr__result_text(r, "%.6g", gr__column_number(note, row)),
                               (int)gr__column_number(group, row)};
    }
    out->node = all;
    out->n_nodes = (int)d.t->n;
    out->groups = group->words;
}

static void dag_edges(gr_result *r, const gr_panel_dag *p, gr_dag *out)
{
    reader d = read_table(r, p->edges);
    const gr_column *from = column(&d, "column", p->from, false), *to = column(&d, "column", p->to, false),
                    *label = column(&d, "column", p->label, true);
    gr_dag_edge *all = d.t ? gr__result_alloc(r, (d.t->n + 1) * sizeof *all) : NULL;
    if (!from || !to || !label || !all) return;
    for (size_t i = 0; i < d.t->n; i++) {
        const void *row = gr__table_row(d.t, i);
        all[i] = (gr_dag_edge){(int)gr__column_number(from, row), (int)gr__column_number(to, row),
                               gr__column_text(label, row)};
    }
    out->edge = all;
    out->n_edges = (int)d.t->n;
}

static const gr_dag *make_dag(gr_result *r, const gr_panel *p)
{
    gr_dag *d = gr__result_alloc(r, sizeof *d);
    if (!d) return NULL;
    *d = (gr_dag){.title = p->title, .caption = p->caption};
    dag_nodes(r, &p->dag, d);
    dag_edges(r, &p->dag, d);
    return d;
}

void gr__result_draw(gr_result *r, const gr_panel *p)
{
    gr__result_name(r, p->name);
    gr_drawing *d = r->failed == GR_OK ? gr__result_alloc(r, sizeof *d) : NULL;
    if (!d) return;
    d->name = p->name;
    if (p->dag.nodes)
        d->dag = make_dag(r, p);
    else
        fill_plot(r, p, &d->plot);
    *r->last_drawing = d;
    r->last_drawing = &d->next;
}

gr_status gr__drawing_svg(gr_context *ctx, const gr_drawing *d, gr__text *out)
{
    return d->dag ? gr__dag_svg(ctx, d->dag, out) : gr__plot_svg(&d->plot, out);
}
