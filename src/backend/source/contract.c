/* Matrix products and convolutions: loops around `product`, which adds a matrix times a matrix to a third. A
 * convolution is a product for each row of results and each tap of the window, over those columns of the row for which
 * the tap lies within the picture; taps side by side are one product where they may be. */
#include "backend/source/program.h"

#include <stdio.h>
#include <string.h>

#include "graph/op.h"

enum { FEW_CHANNELS = 64 }; /* fewer: taps of a row of the window are taken together */

typedef struct conv {
    int64_t n, h, w, c, o, kh, kw, oh, ow, cg, og; /* the last two: channels and filters of a group */
    int64_t stride[2], dilation[2], pad[2], groups;
} conv;

static conv conv_of(const gr_graph *g, const gr_node *n)
{
    bool data = n->op->code == GR_OP_CONV_DATA;
    gr_shape out = gr__value(g, n->out)->shape, in = gr__value(g, n->in[0])->shape, w = gr__value(g, n->in[1])->shape;
    gr_shape x = data ? out : in, y = data ? in : out;
    const int64_t *i = n->attr.i;
    conv c = {
        .n = x.dim[0], .h = x.dim[1], .w = x.dim[2], .c = x.dim[3], .o = w.dim[0], .kh = w.dim[1], .kw = w.dim[2]};
    c.oh = y.dim[1], c.ow = y.dim[2];
    c.stride[0] = i[0], c.stride[1] = i[1];
    c.dilation[0] = i[2], c.dilation[1] = i[3];
    c.pad[0] = i[4], c.pad[1] = i[5];
    c.groups = i[8];
    c.cg = c.c / c.groups, c.og = c.o / c.groups;
    return c;
}

static bool depthwise(const conv *c)
{
    return c->cg == 1 && c->og == 1 && c->groups > 1;
}

gr__layout gr__contraction_layout(const gr_graph *g, const gr_node *n)
{
    gr_shape b = gr__value(g, n->in[1])->shape;
    if (n->op->code == GR_OP_MATMUL)
        return b.rank == 2 && n->attr.i[1] ? (gr__layout){.groups = 1, .k = b.dim[1], .n = b.dim[0]} : (gr__layout){0};
    if (n->op->code != GR_OP_CONV) return (gr__layout){0};
    conv c = conv_of(g, n);
    if (depthwise(&c)) return (gr__layout){.groups = 1, .k = c.kh * c.kw, .n = c.c};
    return (gr__layout){.groups = c.groups, .k = c.kh * c.kw * c.cg, .n = c.og};
}

/* ---- operands ---- */

static int input_of(const gr__writing *w, gr_val v)
{
    int i = 0;
    while (w->item->in[i] != v) i++;
    return i;
}

static const char *name_of(const gr__writing *w, gr_val v)
{
    return gr__in_name(w, input_of(w, v));
}

static bool packed(const gr__writing *w, const gr_node *n)
{
    return w->layout[input_of(w, n->in[1])].k > 0;
}

/* What follows the contraction while it is stored, as the plan offered it: a bias, a rectifier, in this order. */
typedef struct ending {
    const char *bias; /* NULL: none */
    bool relu;
} ending;

static ending ending_of(const gr__writing *w)
{
    const gr_item *it = w->item;
    ending e = {0};
    for (int k = 1; k < it->n_nodes; k++) {
        const gr_node *n = gr__node(it->graph, it->nodes[k]);
        if (n->op->code == GR_OP_RELU) e.relu = true;
        if (n->op->code == GR_OP_BROADCAST) e.bias = name_of(w, n->in[0]);
    }
    return e;
}

static void put_begin(const gr__writing *w, const ending *e, int64_t rows, int64_t n)
{
    const char *y = gr__out_name(w, 0);
    if (!e->bias)
        gr__text_add(w->t, "    for (int i = 0; i < %lld; i++) %s[i] = 0;\n", (long long)(rows * n), y);
    else
        gr__text_add(w->t,
                     "    for (int r = 0; r < %lld; r++)\n"
                     "        for (int j = 0; j < %lld; j++) %s[r * %lld + j] = %s[j];\n",
                     (long long)rows, (long long)n, y, (long long)n, e->bias);
}

static void put_end(const gr__writing *w, const ending *e, int64_t count)
{
    const char *y = gr__out_name(w, 0);
    if (e->relu)
        gr__text_add(w->t, "    for (int i = 0; i < %lld; i++) %s[i] = %s[i] < 0 ? 0 : %s[i];\n", (long long)count, y,
                     y, y);
}

/* ---- matrix products ---- */

typedef struct matmul {
    int64_t batch, m, k, n;
    bool ta, tb, one_a, one_b; /* the last two: one matrix for the whole batch */
} matmul;

static matmul matmul_of(const gr_graph *g, const gr_node *n)
{
    gr_shape a = gr__value(g, n->in[0])->shape, b = gr__value(g, n->in[1])->shape, y = gr__value(g, n->out)->shape;
    matmul m = {.batch = 1, .ta = n->attr.i[0] != 0, .tb = n->attr.i[1] != 0};
    m.m = y.dim[y.rank - 2];
    m.n = y.dim[y.rank - 1];
    m.k = a.dim[a.rank - (m.ta ? 2 : 1)];
    for (int i = 0; i < y.rank - 2; i++) m.batch *= y.dim[i];
    m.one_a = a.rank == 2;
    m.one_b = b.rank == 2;
    return m;
}

/* "x0", or "x0 + b * 64" of a batch. */
static void put_matrix(gr__text *t, const char *name, int64_t batch, bool one, int64_t size)
{
    gr__text_add(t, "%s", name);
    if (batch > 1 && !one) gr__text_add(t, " + b * %lld", (long long)size);
}

static void put_both_transposed(const gr__writing *w, const gr_node *n, const matmul *m)
{
    gr__text *t = w->t;
    gr__text_add(t,
                 "        for (int r = 0; r < %lld; r++)\n"
                 "            for (int j = 0; j < %lld; j++)\n"
                 "                for (int i = 0; i < %lld; i++)\n"
                 "                    (%s + b * %lld)[r * %lld + j] += (",
                 (long long)m->m, (long long)m->n, (long long)m->k, gr__out_name(w, 0), (long long)(m->m * m->n),
                 (long long)m->n);
    gr__text_add(t, "%s + b * %lld)[i * %lld + r] * (", name_of(w, n->in[0]), (long long)(m->one_a ? 0 : m->m * m->k),
                 (long long)m->m);
    gr__text_add(t, "%s + b * %lld)[j * %lld + i];\n", name_of(w, n->in[1]), (long long)(m->one_b ? 0 : m->n * m->k),
                 (long long)m->k);
}

static void put_product(const gr__writing *w, const gr_node *n, const matmul *m)
{
    gr__text *t = w->t;
    bool by_dots = m->tb && !packed(w, n);
    w->s->help[by_dots ? GR__HELP_DOTS : GR__HELP_PRODUCT] = true;
    gr__text_add(t, "%s%s(%lld, %lld, %lld, ", m->batch != 1 ? "        " : "    ", by_dots ? "dots" : "product",
                 (long long)m->m, (long long)m->k, (long long)m->n);
    put_matrix(t, name_of(w, n->in[0]), m->batch, m->one_a, m->m * m->k);
    if (by_dots)
        gr__text_add(t, ", %lld, ", (long long)m->k);
    else
        gr__text_add(t, ", %lld, %lld, ", (long long)(m->ta ? 1 : m->k), (long long)(m->ta ? m->m : 1));
    put_matrix(t, name_of(w, n->in[1]), m->batch, m->one_b, m->k * m->n);
    gr__text_add(t, ", %lld, ", (long long)(by_dots ? m->k : m->n));
    put_matrix(t, gr__out_name(w, 0), m->batch, false, m->m * m->n);
    gr__text_add(t, ", %lld);\n", (long long)m->n);
}

static void write_matmul(const gr__writing *w, const gr_node *n)
{
    const matmul m = matmul_of(w->item->graph, n);
    const ending e = ending_of(w);
    bool both = m.ta && m.tb && !packed(w, n);
    put_begin(w, &e, m.batch * m.m, m.n);
    if (both || m.batch != 1) gr__text_add(w->t, "    for (int b = 0; b < %lld; b++)\n", (long long)m.batch);
    if (both)
        put_both_transposed(w, n, &m);
    else
        put_product(w, n, &m);
    put_end(w, &e, m.batch * m.m * m.n);
}

/* ---- convolutions ---- */

/* Results first .. end - 1 of an axis are those for which a tap, `off` from where the window of result 0 begins, lies
 * within the axis. */
typedef struct span {
    int64_t first, end;
} span;

static span span_of(int64_t off, int64_t size, int64_t stride, int64_t results)
{
    span s = {.first = off < 0 ? (-off + stride - 1) / stride : 0,
              .end = size > off ? (size - 1 - off) / stride + 1 : 0};
    s.end = GR_MIN(s.end, results);
    s.first = GR_MIN(s.first, s.end);
    return s;
}

static span across(const conv *c, int64_t kx)
{
    return span_of(kx * c->dilation[1] - c->pad[1], c->w, c->stride[1], c->ow);
}

/* Where all taps of a row of the window are within the picture. */
static span inside(const conv *c)
{
    span all = across(c, 0);
    for (int64_t kx = 1; kx < c->kw; kx++) {
        span s = across(c, kx);
        all.first = GR_MAX(all.first, s.first);
        all.end = GR_MIN(all.end, s.end);
    }
    all.end = GR_MAX(all.end, all.first);
    return all;
}

/* A convolution as calls for each row of results and each row of the window: which function, and where its operands
 * begin and how far apart their rows stand. */
typedef struct tapping {
    const char *function;
    bool channels, dots, data;
    int64_t group_weights, row_weights; /* of a group, of a row of the window */
    int64_t tap_weights, weights_apart;
    int indent; /* of what is done for a row of results and of the window */
} tapping;

static tapping tapping_of(const gr__writing *w, const gr_node *n, const conv *c)
{
    bool is_packed = packed(w, n);
    tapping t = {.channels = depthwise(c), .data = n->op->code == GR_OP_CONV_DATA};
    t.dots = !t.channels && !is_packed && !t.data;
    t.function = t.channels ? "channels" : t.dots ? "dots" : "product";
    t.group_weights = c->og * c->kh * c->kw * c->cg;
    t.tap_weights = !is_packed ? c->cg : t.channels ? c->c : c->cg * c->og;
    t.weights_apart = !is_packed ? c->kh * c->kw * c->cg : t.channels ? 1 : c->og;
    t.row_weights = c->kw * t.tap_weights;
    t.indent = 12 + 4 * (c->n != 1) + 4 * (c->groups > 1 && !t.channels);
    return t;
}

/* Taps kx .. kx + taps - 1 of a row of the window, for results first .. end - 1 of a row. */
static void put_taps(const gr__writing *w, const tapping *t, const conv *c, span s, int64_t kx, int64_t taps)
{
    int64_t left = s.first * c->stride[1] + kx * c->dilation[1] - c->pad[1]; /* the column of the first */
    int64_t in = t->data ? s.first * c->o : left * c->c, out = t->data ? left * c->c : s.first * c->o;
    int64_t in_apart = t->data ? c->o : c->stride[1] * c->c, out_apart = t->data ? c->stride[1] * c->c : c->o;
    int64_t n = t->channels ? c->c : t->data ? c->cg : c->og, k = t->data ? c->og : taps * c->cg;
    if (s.first >= s.end) return;
    w->s->help[t->channels ? GR__HELP_CHANNELS : t->dots ? GR__HELP_DOTS : GR__HELP_PRODUCT] = true;
    gr__text_add(w->t, "%*s%s(%lld, ", t->indent, "", t->function, (long long)(s.end - s.first));
    if (!t->channels) gr__text_add(w->t, "%lld, ", (long long)k);
    gr__text_add(w->t, "%lld, x + %lld, %lld, %sw + %lld, %lld, to + %lld, %lld);\n", (long long)n, (long long)in,
                 (long long)in_apart, t->channels || t->dots ? "" : "1, ", (long long)(kx * t->tap_weights),
                 (long long)t->weights_apart, (long long)out, (long long)out_apart);
}

static void put_window_row(const gr__writing *w, const tapping *t, const conv *c)
{
    bool together =
        !t->data && !t->channels && c->groups == 1 && c->kw > 1 && c->dilation[1] == 1 && c->cg <= FEW_CHANNELS;
    span all = together ? inside(c) : (span){0, 0};
    if (together) put_taps(w, t, c, all, 0, c->kw);
    for (int64_t kx = 0; kx < c->kw; kx++) {
        span s = across(c, kx), before = {s.first, GR_MIN(s.end, all.first)}, after = {GR_MAX(s.first, all.end), s.end};
        if (all.first == all.end) before = (span){0, 0}, after = s;
        put_taps(w, t, c, before, kx, 1);
        put_taps(w, t, c, after, kx, 1);
    }
}

/* "(p * 28 + y) * 84 + g * 3" after the name of an operand. */
static void put_row(gr__text *t, const char *name, const conv *c, const char *row, int64_t rows, int64_t size,
                    int64_t group)
{
    gr__text_add(t, "%s", name);
    if (c->n != 1)
        gr__text_add(t, " + (p * %lld + %s) * %lld", (long long)rows, row, (long long)size);
    else
        gr__text_add(t, " + %s * %lld", row, (long long)size);
    if (group) gr__text_add(t, " + g * %lld", (long long)group);
    gr__text_add(t, ";\n");
}

static void put_pointers(const gr__writing *w, const gr_node *n, const tapping *t, const conv *c)
{
    gr__text *text = w->t;
    bool groups = c->groups > 1 && !t->channels;
    const char *x = name_of(w, n->in[0]), *y = gr__out_name(w, 0);
    int64_t og = groups ? c->og : 0, cg = groups ? c->cg : 0, picture = c->w * c->c, results = c->ow * c->o;
    gr__text_add(text, "%*sconst float *x = ", t->indent, "");
    put_row(text, x, c, t->data ? "v" : "y", t->data ? c->oh : c->h, t->data ? results : picture, t->data ? og : cg);
    gr__text_add(text, "%*sconst float *w = %s + ky * %lld", t->indent, "", name_of(w, n->in[1]),
                 (long long)t->row_weights);
    if (groups) gr__text_add(text, " + g * %lld", (long long)t->group_weights);
    gr__text_add(text, ";\n%*sfloat *to = ", t->indent, "");
    put_row(text, y, c, t->data ? "y" : "v", t->data ? c->h : c->oh, t->data ? picture : results, t->data ? cg : og);
}

/* A window may lie beside the picture wherever it stands. */
static bool meets(const conv *c)
{
    bool any = false;
    for (int64_t kx = 0; kx < c->kw; kx++) any |= across(c, kx).first < across(c, kx).end;
    return any;
}

/* Returns the indentation within. */
static int put_for(gr__text *t, int indent, const char *name, int64_t count, const char *brace)
{
    gr__text_add(t, "%*sfor (int %s = 0; %s < %lld; %s++)%s\n", indent, "", name, name, (long long)count, name, brace);
    return indent + 4;
}

static void put_loops(const gr__writing *w, const gr_node *n, const tapping *t, const conv *c)
{
    gr__text *text = w->t;
    int at = 4;
    if (c->n != 1) at = put_for(text, at, "p", c->n, "");
    if (c->groups > 1 && !t->channels) at = put_for(text, at, "g", c->groups, "");
    at = put_for(text, at, "v", c->oh, "");
    at = put_for(text, at, "ky", c->kh, " {");
    gr__text_add(text, "%*sconst int y = v * %lld + ky * %lld - %lld;\n", at, "", (long long)c->stride[0],
                 (long long)c->dilation[0], (long long)c->pad[0]);
    gr__text_add(text, "%*sif (y < 0 || y >= %lld) continue;\n", at, "", (long long)c->h);
    put_pointers(w, n, t, c);
    put_window_row(w, t, c);
    gr__text_add(text, "%*s}\n", at - 4, "");
}

static void write_conv(const gr__writing *w, const gr_node *n)
{
    const conv c = conv_of(w->item->graph, n);
    const tapping t = tapping_of(w, n, &c);
    const ending e = ending_of(w);
    int64_t rows = t.data ? c.n * c.h * c.w : c.n * c.oh * c.ow, columns = t.data ? c.c : c.o;
    put_begin(w, &e, rows, columns);
    if (meets(&c)) put_loops(w, n, &t, &c);
    put_end(w, &e, rows * columns);
}

/* ---- products of codes: what is read becomes codes, sums are whole numbers, results floats again ---- */

enum { MOST_TERMS = 65536 }; /* of a sum: 255 * 127 times as many fit an int */

const char *gr__csource_takes_codes(const gr_graph *g, const gr_node *n)
{
    if (n->op->code != GR_OP_MATMUL && n->op->code != GR_OP_CONV) return NULL;
    const gr_node *w = gr__producer(g, n->in[1]);
    gr__layout l = gr__contraction_layout(g, n);
    if (w->op->code != GR_OP_PARAM || l.k == 0 || l.k > MOST_TERMS) return NULL;
    if (n->op->code == GR_OP_MATMUL) return n->attr.i[0] ? NULL : w->attr.name;
    conv c = conv_of(g, n);
    return depthwise(&c) ? NULL : w->attr.name;
}

static void put_encoding(const gr__writing *w, const gr_node *n, const gr__csource_codes *codes)
{
    char inverse[40];
    w->s->help[GR__HELP_CODES] = true;
    gr__text_add(w->t, "    encode(codes, %s, %lld, %s, %d);\n", name_of(w, n->in[0]),
                 (long long)gr_shape_count(gr__value(w->item->graph, n->in[0])->shape),
                 gr__csource_literal(1 / codes->scale, false, inverse), codes->zero);
}

/* What becomes of sums s of filters first + j .. first + j + some - 1, which `to` is where. */
static void put_decoding(const gr__writing *w, int indent, const char *to, const char *group)
{
    const ending e = ending_of(w);
    gr__text *t = w->t;
    gr__text_add(t, "%*sfor (int l = 0; l < some; l++) {\n", indent, "");
    gr__text_add(t, "%*sconst float value = (float)s[l] * scale[%sj + l]", indent + 4, "", group);
    if (e.bias) gr__text_add(t, " + %s[%sj + l]", e.bias, group);
    gr__text_add(t, ";\n%*s%s[j + l] = %s;\n%*s}\n", indent + 4, "", to, e.relu ? "value < 0 ? 0 : value" : "value",
                 indent, "");
}

static int put_lanes(gr__text *t, int at, int64_t n)
{
    gr__text_add(t, "%*sfor (int j = 0; j < %lld; j += 16) {\n", at, "", (long long)n);
    gr__text_add(t, "%*sconst int some = j + 16 < %lld ? 16 : %lld - j;\n%*sint s[16] = {0};\n", at + 4, "",
                 (long long)n, (long long)n, at + 4, "");
    return at + 4;
}

static void write_matmul_codes(const gr__writing *w, const gr_node *n, const gr__csource_codes *codes)
{
    const matmul m = matmul_of(w->item->graph, n);
    put_encoding(w, n, codes);
    put_for(w->t, 4, "r", m.batch * m.m, "");
    int at = put_lanes(w->t, 8, m.n);
    gr__text_add(w->t, "%*sadd_codes(%lld, some, codes + r * %lld, %d, %s + j, %lld, s);\n", at, "", (long long)m.k,
                 (long long)m.k, codes->zero, name_of(w, n->in[1]), (long long)m.n);
    gr__text_add(w->t, "%*sfloat *to = %s + r * %lld;\n", at, "", gr__out_name(w, 0), (long long)m.n);
    put_decoding(w, at, "to", "");
    gr__text_add(w->t, "%*s}\n", at - 4, "");
}

/* The sums of one result: over the taps that lie within the picture. */
static void put_code_taps(const gr__writing *w, const gr_node *n, const conv *c, const char *group, int zero, int at)
{
    gr__text *t = w->t;
    at = put_for(t, at, "ky", c->kh, "");
    at = put_for(t, at, "kx", c->kw, " {");
    gr__text_add(t, "%*sconst int y = v * %lld + ky * %lld - %lld, x = u * %lld + kx * %lld - %lld;\n", at, "",
                 (long long)c->stride[0], (long long)c->dilation[0], (long long)c->pad[0], (long long)c->stride[1],
                 (long long)c->dilation[1], (long long)c->pad[1]);
    gr__text_add(t, "%*sif (y < 0 || y >= %lld || x < 0 || x >= %lld) continue;\n", at, "", (long long)c->h,
                 (long long)c->w);
    gr__text_add(t, "%*sadd_codes(%lld, some, codes + ((p * %lld + y) * %lld + x) * %lld + %s * %lld, %d,\n", at, "",
                 (long long)c->cg, (long long)c->h, (long long)c->w, (long long)c->c, group, (long long)c->cg, zero);
    gr__text_add(t, "%*s%s + ((%s * %lld + ky) * %lld + kx) * %lld + j, %lld, s);\n%*s}\n", at + 10, "",
                 name_of(w, n->in[1]), group, (long long)c->kh, (long long)c->kw, (long long)(c->cg * c->og),
                 (long long)c->og, at - 4, "");
}

static void write_conv_codes(const gr__writing *w, const gr_node *n, const gr__csource_codes *codes)
{
    const conv c = conv_of(w->item->graph, n);
    const char *group = c.groups > 1 ? "g" : "0";
    char first[40] = "";
    gr__text *t = w->t;
    if (c.groups > 1) snprintf(first, sizeof first, "g * %lld + ", (long long)c.og);
    put_encoding(w, n, codes);
    int at = put_for(t, 4, "p", c.n, "");
    if (c.groups > 1) at = put_for(t, at, "g", c.groups, "");
    at = put_for(t, at, "v", c.oh, "");
    at = put_for(t, at, "u", c.ow, "");
    at = put_lanes(t, at, c.og);
    put_code_taps(w, n, &c, group, codes->zero, at);
    gr__text_add(t, "%*sfloat *to = %s + ((p * %lld + v) * %lld + u) * %lld + %s * %lld;\n", at, "", gr__out_name(w, 0),
                 (long long)c.oh, (long long)c.ow, (long long)c.o, group, (long long)c.og);
    put_decoding(w, at, "to", first);
    gr__text_add(t, "%*s}\n", at - 4, "");
}

bool gr__write_contraction(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    const gr__csource_codes *codes = w->layout[input_of(w, n->in[1])].codes;
    if (codes && n->op->code == GR_OP_MATMUL)
        write_matmul_codes(w, n, codes);
    else if (codes)
        write_conv_codes(w, n, codes);
    else if (n->op->code == GR_OP_MATMUL)
        write_matmul(w, n);
    else
        write_conv(w, n);
    return true;
}
