/* Elementwise regions, and programs of numbers without axes.
 *
 * A region is a loop over rows around loops over columns. Where it reads its own lines, a row is gone through several
 * times: once for each reduction that waits for another, and a last time for what is written, which is computed anew
 * from the operands. What is written may stand where an operand stands: every element is read before it is written, and
 * nothing of a row is written before the last time. */
#include "backend/cpu/region.h"

#include <stdio.h>
#include <string.h>

#include "backend/source/program.h"
#include "graph/op.h"

enum { LANES = 16 }; /* columns that are summed at a time */

typedef struct region {
    gr__writing *w;
    const gr__exprs *x;
    int64_t rows, columns;
    bool lanes; /* sums of columns are taken by lanes of columns */
    bool needed[GR__REGION_NODES];
    int pass, last;
} region;

typedef enum where { IN_LINE, IN_ELEMENT } where;

/* ---- operands ---- */

/* "[r * 64 + c]", or less where an axis has one number. */
static const char *element_index(const region *r, char text[64])
{
    if (r->rows == 1)
        snprintf(text, 64, "[c]");
    else if (r->columns == 1)
        snprintf(text, 64, "[r]");
    else
        snprintf(text, 64, "[r * %lld + c]", (long long)r->columns);
    return text;
}

static const char *row_index(const region *r)
{
    return r->rows == 1 ? "[0]" : "[r]";
}

static const char *column_index(const region *r)
{
    return r->columns == 1 ? "[0]" : "[c]";
}

static void put_number(const region *r, int in, const char *index, bool narrow, gr__text *t)
{
    bool wide = narrow && r->w->wide[in];
    gr__text_add(t, "%s%s%s", wide ? "(float)" : "", gr__in_name(r->w, in), index);
}

/* narrow: as a float, whatever it is. */
static void put_arg(const region *r, const gr__arg *a, where at, bool narrow, gr__text *t)
{
    char text[64];
    switch (a->source) {
    case GR__FROM_NODE:
    case GR__FROM_LINE:
        gr__text_add(t, "t%d", a->index);
        return;
    case GR__FROM_FULL:
        put_number(r, a->index, at == IN_LINE ? row_index(r) : element_index(r, text), narrow, t);
        return;
    case GR__FROM_ROW:
        put_number(r, a->index, row_index(r), narrow, t);
        return;
    case GR__FROM_COLUMN:
        put_number(r, a->index, column_index(r), narrow, t);
        return;
    case GR__FROM_SCALAR:
        put_number(r, a->index, "[0]", narrow, t);
        return;
    case GR__FROM_CONST:
        gr__csource_literal(a->value, r->w->raw && !narrow && (double)(float)a->value != a->value, text);
        gr__text_add(t, text[0] == '-' ? "(%s)" : "%s", text);
        return;
    case GR__FROM_ROW_INDEX:
        gr__text_add(t, r->rows == 1 ? "0.0f" : "(float)r");
        return;
    case GR__FROM_COLUMN_INDEX:
        gr__text_add(t, r->columns == 1 ? "0.0f" : "(float)c");
        return;
    }
}

/* ---- operations ---- */

/* What an operation is in floats: A, B and C are its operands. */
static const struct {
    gr_opcode code;
    const char *text;
} forms[] = {
    {GR_OP_NEG, "-A"},
    {GR_OP_ABS, "fabsf(A)"},
    {GR_OP_SIGN, "A > 0 ? 1.0f : A < 0 ? -1.0f : A"},
    {GR_OP_FLOOR, "floorf(A)"},
    {GR_OP_EXP, "expf(A)"},
    {GR_OP_LOG, "logf(A)"},
    {GR_OP_LOG1P, "log1pf(A)"},
    {GR_OP_SQRT, "sqrtf(A)"},
    {GR_OP_SQUARE, "A * A"},
    {GR_OP_RECIP, "1 / A"},
    {GR_OP_TANH, "tanhf(A)"},
    {GR_OP_SIGMOID, "1 / (1 + expf(-A))"},
    {GR_OP_RELU, "A < 0 ? 0 : A"},
    {GR_OP_SIN, "sinf(A)"},
    {GR_OP_COS, "cosf(A)"},
    {GR_OP_ERF, "erff(A)"},
    {GR_OP_ADD, "A + B"},
    {GR_OP_SUB, "A - B"},
    {GR_OP_MUL, "A * B"},
    {GR_OP_DIV, "A / B"},
    {GR_OP_LESS, "A < B"},
    {GR_OP_LESS_EQUAL, "A <= B"},
    {GR_OP_EQUAL, "A == B"},
    {GR_OP_SELECT, "A != 0 ? B : C"},
    {GR_OP_REAL, "A"},
    {GR_OP_STOP, "A"},
    {GR_OP_MULADD, "A * B + C"},
};

static bool compares(gr_opcode code)
{
    return code == GR_OP_LESS || code == GR_OP_LESS_EQUAL || code == GR_OP_EQUAL;
}

static void put_called(const region *r, const char *name, const gr__expr *e, where at, gr__text *t)
{
    gr__text_add(t, "%s(", name);
    for (int i = 0; i < e->n_arg; i++) {
        if (i) gr__text_add(t, ", ");
        put_arg(r, &e->arg[i], at, false, t);
    }
    gr__text_add(t, ")");
}

static void put_expression(const region *r, const gr__expr *e, where at, gr__text *t)
{
    const char *form = NULL;
    for (size_t i = 0; i < GR_COUNT(forms); i++)
        if (forms[i].code == e->code) form = forms[i].text;
    if (e->code == GR_OP_MAX) {
        r->w->s->help[GR__HELP_LARGER] = true;
        put_called(r, "larger", e, at, t);
    } else if (!form) {
        const char *name = gr__csource_meaning(r->w->s, gr__op(e->code));
        if (name) put_called(r, name, e, at, t);
    }
    for (; form && *form; form++)
        if (*form >= 'A' && *form <= 'C')
            put_arg(r, &e->arg[*form - 'A'], at, compares(e->code), t);
        else
            gr__text_put(t, form, 1);
}

/* ---- which expressions ---- */

static bool is_element(const gr__expr *e)
{
    return !e->line && e->reach == GR__TO_ELEMENTS;
}

static void need(region *r, int i)
{
    const gr__expr *e = &r->x->expr[i];
    if (!is_element(e) || r->needed[i]) return;
    r->needed[i] = true;
    for (int k = 0; k < e->n_arg; k++)
        if (e->arg[k].source == GR__FROM_NODE) need(r, e->arg[k].index);
}

/* Is it reduced, or written, in this pass? What is no row's reduction is in the last. */
static bool ends_here(const region *r, const gr__expr *e)
{
    if (e->line) return false;
    if (e->reach == GR__TO_ROWS) return e->pass == r->pass;
    return r->pass == r->last && (e->out >= 0 || e->reach != GR__TO_ELEMENTS);
}

static bool find_needed(region *r)
{
    bool any = false;
    memset(r->needed, 0, sizeof r->needed);
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (!ends_here(r, e)) continue;
        any = true;
        if (is_element(e)) need(r, i);
        if (!is_element(e) && e->arg[0].source == GR__FROM_NODE) need(r, e->arg[0].index);
    }
    return any;
}

static void find_last(region *r)
{
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        bool ends = !e->line && (e->out >= 0 || e->reach != GR__TO_ELEMENTS);
        if (ends) r->last = GR_MAX(r->last, e->pass);
    }
}

/* ---- a pass over the columns of a row ---- */

static bool is_max(const gr__expr *e)
{
    return e->code == GR_OP_REDUCE_MAX;
}

static void put_start(const gr__expr *e, int i, const char *size, const char *indent, gr__text *t)
{
    if (is_max(e))
        gr__text_add(t, "%sfloat s%d%s;\n", indent, i, size);
    else
        gr__text_add(t, "%sdouble s%d%s;\n", indent, i, size);
}

static const char *start_of(const gr__expr *e)
{
    return is_max(e) ? "-INFINITY" : "0";
}

/* sum: where the sum stands: "s3", "s3[c - j]", "y0[c]". */
static void put_taken(region *r, const gr__expr *e, const char *sum, const char *indent, gr__text *t)
{
    gr__text v;
    gr__text_init(&v, r->w->s->ctx);
    put_arg(r, &e->arg[0], IN_ELEMENT, true, &v);
    const char *x = v.s ? v.s : "";
    if (is_max(e)) {
        r->w->s->help[GR__HELP_LARGER] = true;
        gr__text_add(t, "%s%s = larger(%s, %s);\n", indent, sum, sum, x);
    } else if (e->code == GR_OP_SUM_SQUARES) {
        gr__text_add(t, "%s%s += (double)%s * %s;\n", indent, sum, x, x);
    } else {
        gr__text_add(t, "%s%s += %s;\n", indent, sum, x);
    }
    gr__text_free(&v);
}

static void put_sum(region *r, int i, const char *indent)
{
    const gr__expr *e = &r->x->expr[i];
    char sum[64];
    if (e->reach == GR__TO_COLUMNS && r->lanes)
        snprintf(sum, sizeof sum, "s%d[c - j]", i);
    else if (e->reach == GR__TO_COLUMNS)
        snprintf(sum, sizeof sum, "%s%s", gr__out_name(r->w, e->out), column_index(r));
    else
        snprintf(sum, sizeof sum, "s%d", i);
    put_taken(r, e, sum, indent, r->w->t);
}

/* Everything is computed before anything is written. */
static void put_elements(region *r, const char *indent)
{
    gr__text *t = r->w->t;
    char text[64];
    for (int i = 0; i < r->x->n; i++) {
        if (!r->needed[i]) continue;
        gr__text_add(t, "%sconst float t%d = ", indent, i);
        put_expression(r, &r->x->expr[i], IN_ELEMENT, t);
        gr__text_add(t, ";\n");
    }
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (ends_here(r, e) && e->reach != GR__TO_ELEMENTS) put_sum(r, i, indent);
    }
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (ends_here(r, e) && is_element(e))
            gr__text_add(t, "%s%s%s = t%d;\n", indent, gr__out_name(r->w, e->out), element_index(r, text), i);
    }
}

/* ---- rows ---- */

static void put_lines(region *r, int pass, const char *indent)
{
    gr__text *t = r->w->t;
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (!e->line || e->pass != pass) continue;
        gr__text_add(t, "%sconst float t%d = ", indent, i);
        put_expression(r, e, IN_LINE, t);
        gr__text_add(t, ";\n");
        if (e->out >= 0) gr__text_add(t, "%s%s%s = t%d;\n", indent, gr__out_name(r->w, e->out), row_index(r), i);
    }
}

static bool is_read(const region *r, int i)
{
    for (int k = 0; k < r->x->n; k++)
        for (int a = 0; a < r->x->expr[k].n_arg; a++) {
            const gr__arg *arg = &r->x->expr[k].arg[a];
            if ((arg->source == GR__FROM_NODE || arg->source == GR__FROM_LINE) && arg->index == i) return true;
        }
    return false;
}

/* Sums of the pass begin and end around its loop over columns. */
static void put_pass(region *r, const char *indent)
{
    gr__text *t = r->w->t;
    if (!find_needed(r)) return;
    char inner[40];
    snprintf(inner, sizeof inner, "%s    ", indent);
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (ends_here(r, e) && e->reach == GR__TO_ROWS)
            gr__text_add(t, "%s%s s%d = %s;\n", indent, is_max(e) ? "float" : "double", i, start_of(e));
    }
    if (r->columns != 1 || r->rows == 1) {
        gr__text_add(t, "%sfor (int c = 0; c < %lld; c++) {\n", indent, (long long)r->columns);
        put_elements(r, inner);
        gr__text_add(t, "%s}\n", indent);
    } else {
        gr__text_add(t, "%s{\n", indent);
        put_elements(r, inner);
        gr__text_add(t, "%s}\n", indent);
    }
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (!ends_here(r, e) || e->reach != GR__TO_ROWS) continue;
        const char *narrow = is_max(e) ? "" : "(float)";
        if (is_read(r, i)) gr__text_add(t, "%sconst float t%d = %ss%d;\n", indent, i, narrow, i);
        if (e->out >= 0)
            gr__text_add(t, "%s%s%s = %ss%d;\n", indent, gr__out_name(r->w, e->out), row_index(r), narrow, i);
    }
}

static int last_pass(const region *r)
{
    int last = 0;
    for (int i = 0; i < r->x->n; i++) last = GR_MAX(last, r->x->expr[i].pass);
    return GR_MAX(last, r->last);
}

static void put_rows(region *r)
{
    gr__text *t = r->w->t;
    bool loop = r->rows != 1;
    const char *indent = loop ? "        " : "    ";
    if (loop) gr__text_add(t, "    for (int r = 0; r < %lld; r++) {\n", (long long)r->rows);
    for (int pass = 0; pass <= last_pass(r); pass++) {
        r->pass = pass;
        if (pass % 2)
            put_pass(r, indent);
        else
            put_lines(r, pass, indent);
    }
    if (loop) gr__text_add(t, "    }\n");
}

/* ---- sums that do not end with a row ---- */

static bool reaches(const region *r, gr__reach reach)
{
    for (int i = 0; i < r->x->n; i++)
        if (r->x->expr[i].reach == reach) return true;
    return false;
}

static void put_whole_starts(const region *r)
{
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        gr__text *t = r->w->t;
        if (e->reach == GR__TO_ALL)
            gr__text_add(t, "    %s s%d = %s;\n", is_max(e) ? "float" : "double", i, start_of(e));
        if (e->reach == GR__TO_COLUMNS && !r->lanes)
            gr__text_add(t, "    for (int c = 0; c < %lld; c++) %s[c] = %s;\n", (long long)r->columns,
                         gr__out_name(r->w, e->out), start_of(e));
    }
}

static void put_whole_ends(const region *r)
{
    char factor[40];
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (e->reach != GR__TO_ALL) continue;
        gr__text_add(r->w->t, "    %s[0] = (float)(s%d * %s);\n", gr__out_name(r->w, e->out), i,
                     gr__csource_literal(e->factor, true, factor));
    }
}

/* Some columns of all rows, then the next: sums in double, and a line of a cache at a time. */
static void put_lanes(region *r)
{
    gr__text *t = r->w->t;
    char size[16];
    snprintf(size, sizeof size, "[%d]", LANES);
    r->pass = r->last;
    find_needed(r);
    gr__text_add(t, "    for (int j = 0; j < %lld; j += %d) {\n", (long long)r->columns, LANES);
    gr__text_add(t, "        const int end = j + %d < %lld ? j + %d : %lld;\n", LANES, (long long)r->columns, LANES,
                 (long long)r->columns);
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (e->reach != GR__TO_COLUMNS) continue;
        put_start(e, i, size, "        ", t);
        gr__text_add(t, "        for (int c = 0; c < %d; c++) s%d[c] = %s;\n", LANES, i, start_of(e));
    }
    gr__text_add(t, "        for (int r = 0; r < %lld; r++)\n            for (int c = j; c < end; c++) {\n",
                 (long long)r->rows);
    put_elements(r, "                ");
    gr__text_add(t, "            }\n");
    for (int i = 0; i < r->x->n; i++) {
        const gr__expr *e = &r->x->expr[i];
        if (e->reach == GR__TO_COLUMNS)
            gr__text_add(t, "        for (int c = j; c < end; c++) %s[c] = (float)s%d[c - j];\n",
                         gr__out_name(r->w, e->out), i);
    }
    gr__text_add(t, "    }\n");
}

/* ---- a region ---- */

static void measure(region *r, gr_space space)
{
    bool flat = !r->x->lines && !r->x->rows && !r->x->columns; /* neither is told apart */
    r->rows = flat ? 1 : space.rows;
    r->columns = flat ? space.rows * space.columns : space.columns;
    r->lanes = reaches(r, GR__TO_COLUMNS) && !reaches(r, GR__TO_ROWS) && !r->x->lines && r->rows > 1;
    find_last(r);
}

bool gr__write_region(gr__writing *w)
{
    const gr_node *first = gr__node(w->item->graph, w->item->nodes[0]);
    gr_space space = {1, gr_shape_count(gr__value(w->item->graph, first->out)->shape)};
    gr_item item = *w->item;
    if (!item.space) item.space = &space; /* a node alone */
    gr__exprs *x = gr__bump_alloc(w->s->memory, sizeof *x);
    region *r = gr__bump_alloc(w->s->memory, sizeof *r);
    if (!x || !r || gr__exprs_read(w->s->ctx, &item, x) != GR_OK) return false;
    *r = (region){.w = w, .x = x};
    measure(r, item.space[item.space == &space ? 0 : w->segment]);
    put_whole_starts(r);
    if (r->lanes)
        put_lanes(r);
    else
        put_rows(r);
    put_whole_ends(r);
    return true;
}

/* ---- numbers without axes ---- */

static int place_of(const gr_item *it, gr_val v)
{
    int k = 0;
    while (it->nodes[k] != gr__value(it->graph, v)->node) k++;
    return k;
}

static void put_scalar(const gr__writing *w, gr_val v)
{
    const gr_node *p = gr__producer(w->item->graph, v);
    char text[40];
    for (int i = 0; i < w->item->n_in; i++)
        if (w->item->in[i] == v) {
            gr__text_add(w->t, "(double)%s[0]", gr__in_name(w, i));
            return;
        }
    if (p->op->code == GR_OP_CONST)
        gr__text_add(w->t, "%s", gr__csource_literal(p->attr.f[0], true, text));
    else
        gr__text_add(w->t, "t%d", place_of(w->item, v));
}

bool gr__write_scalars(gr__writing *w)
{
    const gr_item *it = w->item;
    for (int k = 0; k < it->n_nodes; k++) {
        const gr_node *n = gr__node(it->graph, it->nodes[k]);
        const char *name = gr__csource_meaning(w->s, n->op);
        if (!name) return false;
        gr__text_add(w->t, "    const double t%d = %s(", k, name);
        for (int i = 0; i < n->n_in; i++) {
            if (i) gr__text_add(w->t, ", ");
            put_scalar(w, n->in[i]);
        }
        gr__text_add(w->t, ");\n");
    }
    for (int o = 0; o < it->n_out; o++)
        if (it->out[o]) gr__text_add(w->t, "    %s[0] = (float)t%d;\n", gr__out_name(w, o), place_of(it, it->out[o]));
    return true;
}
