/* What moves numbers: permuted, repeated, cut out, joined, padded; rows by index; and the indices themselves. */
#include "backend/source/program.h"

#include <string.h>

#include "graph/op.h"

/* ---- copies ---- */

typedef struct copy {
    gr_shape shape;
    const char *from, *to;
    int64_t from_at, to_at;
    int64_t from_step[GR_MAX_RANK], to_step[GR_MAX_RANK];
} copy;

/* Axes of one element go, and two that both sides step through as through one become one. */
static void shorten(copy *c)
{
    int n = 0;
    for (int i = 0; i < c->shape.rank; i++) {
        int64_t size = c->shape.dim[i];
        if (size == 1) continue;
        bool joins =
            n > 0 && c->from_step[n - 1] == size * c->from_step[i] && c->to_step[n - 1] == size * c->to_step[i];
        int at = joins ? n - 1 : n++;
        c->shape.dim[at] = joins ? c->shape.dim[at] * size : size;
        c->from_step[at] = c->from_step[i];
        c->to_step[at] = c->to_step[i];
    }
    c->shape.rank = n;
}

static void put_place(gr__text *t, const char *name, int64_t at, const int64_t *step, int rank)
{
    gr__text_add(t, "%s", name);
    if (at) gr__text_add(t, " + %lld", (long long)at);
    for (int i = 0; i < rank; i++)
        if (step[i]) gr__text_add(t, " + i%d * %lld", i, (long long)step[i]);
}

static void put_copy(gr__text *t, copy c)
{
    shorten(&c);
    int rank = c.shape.rank;
    bool whole = rank > 0 && c.from_step[rank - 1] == 1 && c.to_step[rank - 1] == 1;
    int loops = whole ? rank - 1 : rank;
    for (int i = 0; i < loops; i++)
        gr__text_add(t, "    %*sfor (int i%d = 0; i%d < %lld; i%d++)\n", 4 * i, "", i, i, (long long)c.shape.dim[i], i);
    gr__text_add(t, "    %*s%s", 4 * loops, "", whole ? "memcpy(" : "*(");
    put_place(t, c.to, c.to_at, c.to_step, loops);
    gr__text_add(t, whole ? ", " : ") = *(");
    put_place(t, c.from, c.from_at, c.from_step, loops);
    if (whole)
        gr__text_add(t, ", %lld * sizeof(float));\n", (long long)c.shape.dim[rank - 1]);
    else
        gr__text_add(t, ");\n");
}

static int input_of(const gr__writing *w, gr_val v)
{
    int i = 0;
    while (i < w->item->n_in && w->item->in[i] != v) i++;
    return i < w->item->n_in ? i : -1; /* a constant */
}

static void put_filled(const gr__writing *w, gr_shape shape, double value)
{
    char text[40];
    gr__text_add(w->t, "    for (int i = 0; i < %lld; i++) %s[i] = %s;\n", (long long)gr_shape_count(shape),
                 gr__out_name(w, 0), gr__csource_literal(value, false, text));
}

/* Part i of what is joined: all of it, at its place along the axis. */
static void put_part(const gr__writing *w, const gr_node *n, int i, copy *c)
{
    int64_t axis = n->attr.i[0];
    int in = input_of(w, n->in[i]);
    c->shape = gr__value(w->item->graph, n->in[i])->shape;
    c->from = gr__in_name(w, in);
    gr__dense_strides(c->shape, c->from_step);
    put_copy(w->t, *c);
    c->to_at += c->shape.dim[axis] * c->to_step[axis];
}

bool gr__write_move(gr__writing *w)
{
    const gr_graph *g = w->item->graph;
    const gr_node *n = gr__node(g, w->item->nodes[0]);
    gr_shape out = gr__value(g, n->out)->shape, in = gr__value(g, n->in[0])->shape;
    int from = input_of(w, n->in[0]);
    copy c = {.shape = out, .to = gr__out_name(w, 0)};
    int64_t axis = n->attr.i[0];
    gr__dense_strides(out, c.to_step);
    gr__dense_strides(in, c.from_step);
    if (from < 0) {
        put_filled(w, out, gr__producer(g, n->in[0])->attr.f[0]);
        return true;
    }
    c.from = gr__in_name(w, from);
    switch (n->op->code) {
    case GR_OP_PERMUTE: {
        int64_t dense[GR_MAX_RANK];
        memcpy(dense, c.from_step, sizeof dense);
        for (int i = 0; i < out.rank; i++) c.from_step[i] = dense[n->attr.i[i]];
        break;
    }
    case GR_OP_BROADCAST:
        gr__broadcast_strides(in, out, c.from_step);
        break;
    case GR_OP_SLICE:
        c.from_at = n->attr.i[1] * c.from_step[axis];
        break;
    case GR_OP_PAD:
        put_filled(w, out, 0);
        c.shape = in;
        c.to_at = n->attr.i[1] * c.to_step[axis];
        break;
    case GR_OP_CONCAT:
        for (int i = 0; i < n->n_in; i++) put_part(w, n, i, &c);
        return true;
    default:
        return false;
    }
    put_copy(w->t, c);
    return true;
}

/* ---- rows by index ---- */

static bool write_gather(const gr__writing *w, const gr_node *n)
{
    gr_shape table = gr__value(w->item->graph, n->in[0])->shape;
    int64_t count = gr_shape_count(gr__value(w->item->graph, n->in[1])->shape), width = 1;
    const char *y = gr__out_name(w, 0), *index = gr__in_name(w, input_of(w, n->in[1]));
    for (int i = 1; i < table.rank; i++) width *= table.dim[i];
    gr__text_add(w->t,
                 "    for (int p = 0; p < %lld; p++)\n"
                 "        if (%s[p] >= 0 && %s[p] < %lld)\n"
                 "            memcpy(%s + p * %lld, %s + (int)%s[p] * %lld, %lld * sizeof(float));\n"
                 "        else\n"
                 "            for (int i = 0; i < %lld; i++) %s[p * %lld + i] = 0;\n",
                 (long long)count, index, index, (long long)table.dim[0], y, (long long)width,
                 gr__in_name(w, input_of(w, n->in[0])), index, (long long)width, (long long)width, (long long)width, y,
                 (long long)width);
    return true;
}

static bool write_argmax(const gr__writing *w, const gr_node *n)
{
    gr_shape in = gr__value(w->item->graph, n->in[0])->shape;
    int64_t dense[GR_MAX_RANK], axis = n->attr.i[0], count = gr_shape_count(gr__value(w->item->graph, n->out)->shape);
    gr__dense_strides(in, dense);
    long long inner = dense[axis], size = in.dim[axis];
    gr__text_add(w->t,
                 "    for (int e = 0; e < %lld; e++) {\n"
                 "        const float *row = %s + e / %lld * %lld + e %% %lld;\n"
                 "        int best = 0;\n"
                 "        for (int i = 1; i < %lld && !isnan(row[best * %lld]); i++)\n"
                 "            if (row[i * %lld] > row[best * %lld] || isnan(row[i * %lld])) best = i;\n"
                 "        %s[e] = (float)best;\n"
                 "    }\n",
                 (long long)count, gr__in_name(w, 0), inner, inner * size, inner, size, inner, inner, inner, inner,
                 gr__out_name(w, 0));
    return true;
}

/* The index along an axis, written out. */
static bool write_iota(const gr__writing *w, const gr_node *n)
{
    gr_shape out = gr__value(w->item->graph, n->out)->shape;
    int64_t dense[GR_MAX_RANK], axis = n->attr.i[0];
    gr__dense_strides(out, dense);
    gr__text_add(w->t, "    for (int i = 0; i < %lld; i++) %s[i] = (float)(i / %lld %% %lld);\n",
                 (long long)gr_shape_count(out), gr__out_name(w, 0), (long long)dense[axis], (long long)out.dim[axis]);
    return true;
}

bool gr__write_index(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    switch (n->op->code) {
    case GR_OP_GATHER:
        return write_gather(w, n);
    case GR_OP_ARGMAX:
        return write_argmax(w, n);
    case GR_OP_IOTA:
        return write_iota(w, n);
    default:
        return false;
    }
}

/* ---- sums and maxima over axes that are neither the first nor the last ones ---- */

static void put_index(gr__text *t, const int64_t *step, int rank, int64_t mask)
{
    gr__text_add(t, "[0");
    for (int i = 0; i < rank; i++)
        if (mask >> i & 1) gr__text_add(t, " + i%d * %lld", i, (long long)step[i]);
    gr__text_add(t, "]");
}

static void put_axes(gr__text *t, gr_shape in, int64_t mask, int *depth)
{
    for (int i = 0; i < in.rank; i++)
        if (mask >> i & 1)
            gr__text_add(t, "%*sfor (int i%d = 0; i%d < %lld; i%d++)\n", 4 * (*depth)++, "", i, i, (long long)in.dim[i],
                         i);
}

bool gr__write_reduction(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    gr_shape in = gr__value(w->item->graph, n->in[0])->shape;
    int64_t from[GR_MAX_RANK], to[GR_MAX_RANK], step = 1, gone = n->attr.i[0], stay = ~gone;
    bool max = n->op->code == GR_OP_REDUCE_MAX, squares = n->op->code == GR_OP_SUM_SQUARES;
    gr__text *t = w->t;
    int depth = 1;
    char factor[40];
    gr__dense_strides(in, from);
    for (int i = in.rank - 1; i >= 0; i--) {
        to[i] = step;
        if (stay >> i & 1) step *= in.dim[i];
    }
    if (max) w->s->help[GR__HELP_LARGER] = true;
    put_axes(t, in, stay, &depth);
    gr__text_add(t, "%*s{\n", 4 * depth++, "");
    gr__text_add(t, "%*s%s s = %s;\n", 4 * depth, "", max ? "float" : "double", max ? "-INFINITY" : "0");
    int inner = depth;
    put_axes(t, in, gone, &inner);
    gr__text_add(t, "%*s{\n%*sconst float x = %s", 4 * inner, "", 4 * inner + 4, "", gr__in_name(w, 0));
    put_index(t, from, in.rank, ~0);
    gr__text_add(t, ";\n%*ss %s;\n%*s}\n", 4 * inner + 4, "",
                 max       ? "= larger(s, x)"
                 : squares ? "+= (double)x * x"
                           : "+= x",
                 4 * inner, "");
    gr__text_add(t, "%*s%s", 4 * depth, "", gr__out_name(w, 0));
    put_index(t, to, in.rank, stay);
    gr__text_add(t, " = (float)(s * %s);\n%*s}\n",
                 gr__csource_literal(squares ? gr__sum_squares_factor(&n->attr) : 1, true, factor), 4 * depth - 4, "");
    return true;
}
