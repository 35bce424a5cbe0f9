/* Pooling, and attention. */
#include "graph/pool.h"

#include "backend/source/program.h"
#include "graph/attention.h"

/* ---- pooling ---- */

/* "const int y0 = ..., y1 = ...;": the part of window v that lies on the axis. */
static void put_span(gr__text *t, const gr_pool_attr *p, int axis, int64_t size, const char *window, const char *name,
                     const char *indent)
{
    long long windows = p->size[axis], before = p->pad_before[axis], stride = p->stride[axis], n = size;
    if (stride == 0) {
        gr__text_add(t, "%sconst int %s0 = %s * %lld / %lld, %s1 = ((%s + 1) * %lld + %lld) / %lld;\n", indent, name,
                     window, n, windows, name, window, n, windows - 1, windows);
        return;
    }
    gr__text_add(t, "%sconst int %s = %s * %lld - %lld;\n", indent, name, window, stride, before);
    gr__text_add(t, "%sconst int %s0 = %s > 0 ? %s : 0, %s1 = %s + %lld < %lld ? %s + %lld : %lld;\n", indent, name,
                 name, name, name, name, windows, n, name, windows, n);
}

static void put_divisor(gr__text *t, const gr_pool_attr *p, int axis, const char *name)
{
    if (p->count_padding && p->stride[axis])
        gr__text_add(t, "%lld", (long long)p->size[axis]);
    else
        gr__text_add(t, "(%s1 - %s0)", name, name);
}

static void put_windows(const gr__writing *w, const gr_pool_attr *p, gr_shape x, gr_shape y)
{
    gr__text *t = w->t;
    if (x.dim[0] != 1) gr__text_add(t, "    for (int p = 0; p < %lld; p++)\n", (long long)x.dim[0]);
    gr__text_add(t, "    for (int v = 0; v < %lld; v++) {\n", (long long)y.dim[1]);
    put_span(t, p, 0, x.dim[1], "v", "a", "        ");
    gr__text_add(t, "        for (int u = 0; u < %lld; u++) {\n", (long long)y.dim[2]);
    put_span(t, p, 1, x.dim[2], "u", "b", "            ");
    gr__text_add(t, "            float *to = %s + (", gr__out_name(w, 0));
    if (x.dim[0] != 1) gr__text_add(t, "p * %lld + ", (long long)(y.dim[1] * y.dim[2]));
    gr__text_add(t, "v * %lld + u) * %lld;\n", (long long)y.dim[2], (long long)y.dim[3]);
}

bool gr__write_pool(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    gr_shape x = gr__value(w->item->graph, n->in[0])->shape, y = gr__value(w->item->graph, n->out)->shape;
    const gr_pool_attr p = gr__pool_unpack(&n->attr);
    bool max = n->op->code == GR_OP_MAX_POOL;
    gr__text *t = w->t;
    long long c = x.dim[3];
    if (max && gr__out_name(w, 1)) return false; /* where the maxima are: for training alone */
    if (max) w->s->help[GR__HELP_LARGER] = true;
    put_windows(w, &p, x, y);
    gr__text_add(t, "            for (int c = 0; c < %lld; c++) to[c] = %s;\n", c, max ? "-INFINITY" : "0");
    gr__text_add(t, "            for (int i = a0; i < a1; i++)\n                for (int j = b0; j < b1; j++) {\n");
    gr__text_add(t, "                    const float *x = %s + (", gr__in_name(w, 0));
    if (x.dim[0] != 1) gr__text_add(t, "p * %lld + ", (long long)(x.dim[1] * x.dim[2]));
    gr__text_add(t, "i * %lld + j) * %lld;\n", (long long)x.dim[2], c);
    gr__text_add(t, "                    for (int c = 0; c < %lld; c++) to[c] %s;\n", c,
                 max ? "= larger(to[c], x[c])" : "+= x[c]");
    gr__text_add(t, "                }\n");
    if (!max) {
        gr__text_add(t, "            const float share = 1 / (float)(");
        put_divisor(t, &p, 0, "a");
        gr__text_add(t, " * ");
        put_divisor(t, &p, 1, "b");
        gr__text_add(t, ");\n            for (int c = 0; c < %lld; c++) to[c] *= share;\n", c);
    }
    gr__text_add(t, "        }\n    }\n");
    return true;
}

/* ---- attention: a query's weights are never all there; what was summed is scaled down where a larger product comes.
 * ---- */

static int operand(const gr__writing *w, const gr_node *n, int i)
{
    int at = 0;
    while (w->item->in[at] != n->in[i]) at++;
    return at;
}

/* How many keys count for query i. */
static void put_keys(const gr__writing *w, const gr_node *n, const gr__attention *a)
{
    gr__text *t = w->t;
    gr__text_add(t, "                int keys = %lld;\n", (long long)a->keys);
    if (a->causal) gr__text_add(t, "                if (keys > i + 1) keys = i + 1;\n");
    if (a->lengths >= 0) {
        const char *lengths = gr__in_name(w, operand(w, n, a->lengths));
        gr__text_add(t, "                if (keys > (int)%s[p]) keys = (int)%s[p];\n", lengths, lengths);
    }
}

static void put_rows(const gr__writing *w, const gr_node *n, const gr__attention *a)
{
    gr__text *t = w->t;
    long long q = a->heads * a->size, k = a->key_heads * a->size, packed = q + 2 * k, size = a->size;
    long long shared = a->heads / a->key_heads;
    const char *name[3] = {gr__in_name(w, operand(w, n, a->q)), gr__in_name(w, operand(w, n, a->k)),
                           gr__in_name(w, operand(w, n, a->v))};
    gr__text_add(t, "                const float *q = %s + (p * %lld + i) * %lld + h * %lld;\n", name[0],
                 (long long)a->queries, a->packed ? packed : q, size);
    gr__text_add(t, "                const float *k = %s + p * %lld + h / %lld * %lld + %lld;\n", name[1],
                 a->keys * (a->packed ? packed : k), shared, size, a->packed ? q : 0LL);
    gr__text_add(t, "                const float *v = %s + p * %lld + h / %lld * %lld + %lld;\n", name[2],
                 a->keys * (a->packed ? packed : k), shared, size, a->packed ? q + k : 0LL);
    gr__text_add(t, "                float *to = %s + (p * %lld + i) * %lld + h * %lld;\n", gr__out_name(w, 0),
                 (long long)a->queries, q, size);
}

static void put_sums(const gr__writing *w, const gr__attention *a)
{
    long long size = a->size, row = a->packed ? (a->heads + 2 * a->key_heads) * a->size : a->key_heads * a->size;
    char scale[40];
    gr__text_add(w->t,
                 "                float most = -INFINITY, total = 0;\n"
                 "                for (int d = 0; d < %lld; d++) to[d] = 0;\n"
                 "                for (int j = 0; j < keys; j++, k += %lld, v += %lld) {\n"
                 "                    float s = 0;\n"
                 "                    dots(1, %lld, 1, q, %lld, k, %lld, &s, 1);\n"
                 "                    s *= %s;\n"
                 "                    const float larger_one = s > most || isnan(s) ? s : most;\n"
                 "                    const float down = expf(most - larger_one), e = expf(s - larger_one);\n"
                 "                    most = larger_one;\n"
                 "                    total = total * down + e;\n"
                 "                    for (int d = 0; d < %lld; d++) to[d] = to[d] * down + e * v[d];\n"
                 "                }\n"
                 "                if (keys > 0)\n"
                 "                    for (int d = 0; d < %lld; d++) to[d] /= total;\n",
                 size, row, row, size, size, size, gr__csource_literal(a->scale, false, scale), size, size);
}

bool gr__write_attention(gr__writing *w)
{
    const gr_node *n = gr__node(w->item->graph, w->item->nodes[0]);
    const gr__attention a = gr__attention_of(w->item->graph, &n->attr, n->in);
    gr__text *t = w->t;
    if (gr__out_name(w, 1) || a.seed >= 0) return false; /* for training alone */
    w->s->help[GR__HELP_DOTS] = true;
    gr__text_add(t,
                 "    for (int p = 0; p < %lld; p++)\n"
                 "        for (int h = 0; h < %lld; h++)\n"
                 "            for (int i = 0; i < %lld; i++) {\n",
                 (long long)a.batch, (long long)a.heads, (long long)a.queries);
    put_keys(w, n, &a);
    put_rows(w, n, &a);
    put_sums(w, &a);
    gr__text_add(t, "            }\n");
    return true;
}
