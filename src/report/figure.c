/* Tables, claims and drawings of a figure as text. */
#include "report/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/dag.h"
#include "report/plot.h"

/* ---- CSV [RFC 4180, lines ending in \n] ---- */

static void quoted(gr__text *out, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        gr__text_add(out, "%s", s);
        return;
    }
    gr__text_put(out, "\"", 1);
    for (; *s; s++) gr__text_put(out, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    gr__text_put(out, "\"", 1);
}

static void cell(gr__text *out, double x)
{
    char number[32];
    if (!isnan(x)) gr__text_add(out, "%s", gr__double_text(x, number));
}

gr_status gr__table_csv(const gr_table *t, gr__text *out)
{
    size_t n = (size_t)t->n_columns;
    for (size_t k = 0; k < n; k++) {
        const gr_column *c = &t->columns[k];
        char name[128];
        snprintf(name, sizeof name, c->unit[0] ? "%s [%s]" : "%s", c->name, c->unit);
        if (k) gr__text_put(out, ",", 1);
        quoted(out, name);
    }
    gr__text_put(out, "\n", 1);
    for (size_t i = 0; i < t->n; i++) {
        const gr_column *c = &t->columns[i % n];
        if (c->words)
            quoted(out, c->words[(size_t)t->cells[i]]);
        else
            cell(out, t->cells[i]);
        gr__text_put(out, i % n + 1 == n ? "\n" : ",", 1);
    }
    return out->failed ? GR_E_MEMORY : GR_OK;
}

gr_status gr__claims_csv(const gr_claim *c, int n, gr__text *out)
{
    gr__text_add(out, "quantity,predicted,measured,relative_error,low,high,holds\n");
    for (int i = 0; i < n; i++) {
        const double cells[] = {c[i].predicted, c[i].measured, gr__claim_error(&c[i]), c[i].low, c[i].high};
        quoted(out, c[i].quantity);
        for (size_t k = 0; k < GR_COUNT(cells); k++) {
            gr__text_put(out, ",", 1);
            cell(out, cells[k]);
        }
        gr__text_add(out, ",%s\n", gr__claim_holds(&c[i]) ? "yes" : "no");
    }
    return out->failed ? GR_E_MEMORY : GR_OK;
}

/* ---- SVG ---- */

static gr_status missing(const gr_lab *lab, const char *what, const char *name)
{
    return gr__fail(lab->ctx, GR_E_INTERNAL, "figure %s draws %s %s, which it has not", lab->figure->head.name, what,
                    name);
}

static const gr_table *table_of(const gr_lab *lab, const char *wanted)
{
    for (int i = 0; i < lab->n_tables; i++) {
        const char *name = lab->table[i].name;
        if (name && wanted ? strcmp(name, wanted) == 0 : name == wanted) return &lab->table[i];
    }
    return NULL;
}

static int column_of(const gr_table *t, const char *name)
{
    for (int i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0) return i;
    return -1;
}

typedef struct drawer {
    const gr_lab *lab;
    gr__bump *memory;
    const gr_table *t;
    const gr_curve *curve;
} drawer;

static bool wanted(const drawer *d, int where, size_t row)
{
    const gr_column *c = where >= 0 ? &d->t->columns[where] : NULL;
    return !c ||
           strcmp(c->words[(size_t)d->t->cells[row * (size_t)d->t->n_columns + (size_t)where]], d->curve->is) == 0;
}

/* The wanted rows of a column, in order. */
static gr_status gather(drawer *d, const char *name, double **out, size_t *n)
{
    const gr_table *t = d->t;
    int column = column_of(t, name), where = d->curve->where ? column_of(t, d->curve->where) : -1;
    size_t rows = t->n / (size_t)t->n_columns;
    if (column < 0) return missing(d->lab, "column", name);
    if (d->curve->where && (where < 0 || !t->columns[where].words)) return missing(d->lab, "rows by", d->curve->where);
    *out = gr__bump_alloc(d->memory, rows * sizeof **out);
    *n = 0;
    if (!*out) return GR_E_MEMORY;
    for (size_t i = 0; i < rows; i++)
        if (wanted(d, where, i)) (*out)[(*n)++] = t->cells[i * (size_t)t->n_columns + (size_t)column];
    return GR_OK;
}

/* Rows that run through x within each y become the two sides of a grid. */
static gr_status as_grid(drawer *d, double *x, double *y, size_t n, gr_series *s)
{
    size_t nx = 0;
    while (nx < n && y[nx] == y[0]) nx++;
    s->x = x;
    s->y = y;
    s->n = nx;
    s->n_y = nx ? n / nx : 0;
    if (s->n * s->n_y != n)
        return gr__fail(d->lab->ctx, GR_E_INTERNAL, "figure %s has no grid to draw", d->lab->figure->head.name);
    for (size_t j = 0; j < s->n_y; j++) y[j] = y[j * nx];
    return GR_OK;
}

static gr_status series_of(drawer *d, gr_series *s)
{
    static const gr_mark marks[] = {[GR_CURVE_LINE] = GR_MARK_LINE,
                                    [GR_CURVE_DASHED] = GR_MARK_DASHED,
                                    [GR_CURVE_POINTS] = GR_MARK_POINTS,
                                    [GR_CURVE_PATH] = GR_MARK_PATH,
                                    [GR_CURVE_CONTOUR] = GR_MARK_CONTOUR};
    const gr_curve *c = d->curve;
    double *x, *y, *z;
    size_t n;
    *s = (gr_series){.label = c->label, .mark = marks[c->kind], .colour = c->colour};
    d->t = table_of(d->lab, c->table);
    if (!d->t) return missing(d->lab, "table", c->table ? c->table : "of its own name");
    gr_status st = gather(d, c->x, &x, &n);
    if (st == GR_OK) st = gather(d, c->y, &y, &n);
    if (st != GR_OK) return st;
    s->x = x;
    s->y = y;
    s->n = n;
    if (c->kind != GR_CURVE_CONTOUR) return GR_OK;
    st = gather(d, c->z, &z, &n);
    s->z = z;
    return st == GR_OK ? as_grid(d, x, y, n, s) : st;
}

static gr_axis axis_of(const gr_panel_axis *a)
{
    return (gr_axis){a->label, a->log, a->low, a->high, a->words};
}

static gr_status plot_svg(const gr_lab *lab, const gr_panel *p, gr__text *out)
{
    gr_series series[GR_PANEL_CURVES];
    gr_rule rules[GR_PANEL_RULES];
    gr_plot plot = {.title = p->title,
                    .caption = p->caption,
                    .x = axis_of(&p->x),
                    .y = axis_of(&p->y),
                    .series = series,
                    .rules = rules};
    drawer d = {.lab = lab, .memory = gr__bump_create(lab->ctx)};
    gr_status st = d.memory ? GR_OK : GR_E_MEMORY;
    for (int k = 0; k < GR_PANEL_CURVES && p->curve[k].y && st == GR_OK; k++) {
        d.curve = &p->curve[k];
        st = series_of(&d, &series[plot.n_series++]);
    }
    for (int k = 0; k < GR_PANEL_RULES && p->rule[k].label; k++)
        rules[plot.n_rules++] = (gr_rule){p->rule[k].label, p->rule[k].vertical, p->rule[k].at};
    if (st == GR_OK) st = gr__plot_svg(&plot, out);
    gr__bump_destroy(d.memory);
    return st;
}

/* ---- boxes and arrows ---- */

typedef struct dag_columns {
    const gr_lab *lab;
    const gr_table *t;
    gr_status st;
} dag_columns;

static int wanted_column(dag_columns *c, const char *name, bool words)
{
    int k = c->st == GR_OK ? column_of(c->t, name) : 0;
    if (c->st == GR_OK && (k < 0 || (words && !c->t->columns[k].words))) c->st = missing(c->lab, "column", name);
    return c->st == GR_OK ? k : 0;
}

static double number_in(const gr_table *t, size_t row, int column)
{
    return t->cells[row * (size_t)t->n_columns + (size_t)column];
}

static const char *word_in(const gr_table *t, size_t row, int column)
{
    return t->columns[column].words[(size_t)number_in(t, row, column)];
}

static gr_status dag_nodes(const gr_lab *lab, const gr_panel_dag *p, gr__bump *b, gr_dag *d)
{
    dag_columns c = {lab, table_of(lab, p->nodes), GR_OK};
    if (!c.t) return missing(lab, "table", p->nodes);
    int name = wanted_column(&c, p->name, true), note = wanted_column(&c, p->note, false),
        group = wanted_column(&c, p->group, true);
    size_t n = c.t->n / (size_t)c.t->n_columns;
    gr_dag_node *all = gr__bump_alloc(b, (n + 1) * sizeof *all);
    if (c.st != GR_OK || !all) return c.st != GR_OK ? c.st : GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        char number[32];
        const char *text = gr__bump_strdup(b, gr__double_text(number_in(c.t, i, note), number));
        if (!text) return GR_E_MEMORY;
        all[i] = (gr_dag_node){word_in(c.t, i, name), text, (int)number_in(c.t, i, group)};
    }
    d->node = all;
    d->n_nodes = (int)n;
    d->groups = c.t->columns[group].words;
    return GR_OK;
}

static gr_status dag_edges(const gr_lab *lab, const gr_panel_dag *p, gr__bump *b, gr_dag *d)
{
    dag_columns c = {lab, table_of(lab, p->edges), GR_OK};
    if (!c.t) return missing(lab, "table", p->edges ? p->edges : "of its own name");
    int from = wanted_column(&c, p->from, false), to = wanted_column(&c, p->to, false),
        label = wanted_column(&c, p->label, true);
    size_t n = c.t->n / (size_t)c.t->n_columns;
    gr_dag_edge *all = gr__bump_alloc(b, (n + 1) * sizeof *all);
    if (c.st != GR_OK || !all) return c.st != GR_OK ? c.st : GR_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        all[i] = (gr_dag_edge){(int)number_in(c.t, i, from), (int)number_in(c.t, i, to), word_in(c.t, i, label)};
    d->edge = all;
    d->n_edges = (int)n;
    return GR_OK;
}

static gr_status dag(const gr_lab *lab, const gr_panel *p, bool dot, gr__text *out)
{
    gr__bump *b = gr__bump_create(lab->ctx);
    gr_dag d = {.title = p->title, .caption = p->caption};
    gr_status st = b ? dag_nodes(lab, &p->dag, b, &d) : GR_E_MEMORY;
    if (st == GR_OK) st = dag_edges(lab, &p->dag, b, &d);
    if (st == GR_OK) st = dot ? gr__dag_dot(&d, out) : gr__dag_svg(lab->ctx, &d, out);
    gr__bump_destroy(b);
    return st;
}

gr_status gr__panel_svg(const gr_lab *lab, int i, gr__text *out)
{
    const gr_panel *p = &lab->panel[i];
    return p->dag.nodes ? dag(lab, p, false, out) : plot_svg(lab, p, out);
}

gr_status gr__panel_dot(const gr_lab *lab, int i, gr__text *out)
{
    return dag(lab, &lab->panel[i], true, out);
}
