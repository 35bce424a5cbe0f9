/* Values of a graph as names in an ONNX model. Pictures are [N,H,W,C] here and [N,C,H,W] there: a value has either
 * form, or both, and the other is made where somebody asks for it. What is stretched along axes stays small, since what
 * reads it there stretches it, until somebody wants it as large as it is. */
#include <string.h>

#include "exchange/onnx_work.h"
#include "graph/shape.h"

gr_shape gr__onnx_shape(const gr__onnx_work *w, gr_val v)
{
    return gr__value(w->g, v)->shape;
}

gr__onnx_value *gr__onnx_at(gr__onnx_work *w, gr_val v)
{
    return &w->value[v];
}

const char *gr__onnx_transpose(gr__onnx *o, const char *x, const int64_t *axes, int n)
{
    gr__onnx_begin(o, "Transpose", &x, 1);
    gr__onnx_ints(o, "perm", axes, n);
    return gr__onnx_end(o);
}

/* A list of sizes, [rank]; those that the batch stands for are asked of the input. */
static const char *sizes(gr__onnx *o, gr_shape s)
{
    const char *part[GR_MAX_RANK];
    int n = 0;
    for (int i = 0, end; i < s.rank; i = end) {
        end = i + 1;
        if (s.dim[i] && s.dim[i] % GR__ONNX_BATCH == 0) {
            int64_t times = s.dim[i] / GR__ONNX_BATCH;
            const char *batch = gr__onnx_batch(o);
            part[n++] = times == 1 ? batch : gr__onnx_2(o, "Mul", batch, gr__onnx_list(o, &times, 1));
            continue;
        }
        while (end < s.rank && (!s.dim[end] || s.dim[end] % GR__ONNX_BATCH != 0)) end++;
        part[n++] = gr__onnx_list(o, s.dim + i, end - i);
    }
    if (n == 1) return part[0];
    gr__onnx_begin(o, "Concat", part, n);
    gr__onnx_int(o, "axis", 0);
    return gr__onnx_end(o);
}

const char *gr__onnx_reshape(gr__onnx *o, const char *x, gr_shape to)
{
    int64_t dim[GR_MAX_RANK];
    int open = 0;
    for (int i = 0; i < to.rank; i++) {
        bool free = to.dim[i] && to.dim[i] % GR__ONNX_BATCH == 0;
        dim[i] = free ? -1 : to.dim[i];
        open += free;
    }
    const char *shape = open > 1 ? sizes(o, to) : gr__onnx_list(o, dim, to.rank);
    return gr__onnx_2(o, "Reshape", x, shape);
}

static void make_plain(gr__onnx_work *w, gr__onnx_value *v)
{
    static const int64_t back[] = {0, 2, 3, 1};
    if (!v->plain && v->first) v->plain = gr__onnx_transpose(w->o, v->first, back, 4);
}

static const char *told(gr__onnx_work *w, gr_val v, const char *name)
{
    if (name) return name;
    const gr_node *n = gr__producer(w->g, v);
    gr__onnx_fail(w, n, "this result of it is not known there");
    return "";
}

const char *gr__onnx_plain(gr__onnx_work *w, gr_val v)
{
    gr__onnx_value *x = gr__onnx_at(w, v);
    make_plain(w, x);
    return told(w, v, x->plain);
}

const char *gr__onnx_full(gr__onnx_work *w, gr_val v)
{
    gr__onnx_value *x = gr__onnx_at(w, v);
    gr_shape s = gr__onnx_shape(w, v);
    const char *plain = gr__onnx_plain(w, v);
    if (gr__shape_equal(x->shape, s)) return plain;
    *x = (gr__onnx_value){.plain = gr__onnx_2(w->o, "Expand", plain, sizes(w->o, s)), .shape = s};
    return x->plain;
}

const char *gr__onnx_first(gr__onnx_work *w, gr_val v)
{
    static const int64_t turn[] = {0, 3, 1, 2};
    gr__onnx_value *x = gr__onnx_at(w, v);
    if (x->first && gr__shape_equal(x->shape, gr__onnx_shape(w, v))) return x->first;
    const char *full = gr__onnx_full(w, v);
    return gr__onnx_at(w, v)->first = gr__onnx_transpose(w->o, full, turn, 4);
}

bool gr__onnx_is_first(gr__onnx_work *w, gr_val v)
{
    const gr__onnx_value *x = gr__onnx_at(w, v);
    return x->first && !x->plain;
}

void gr__onnx_gives(gr__onnx_work *w, const gr_node *n, const char *plain)
{
    *gr__onnx_at(w, n->out) = (gr__onnx_value){.plain = plain, .shape = gr__onnx_shape(w, n->out)};
}

void gr__onnx_gives_first(gr__onnx_work *w, const gr_node *n, const char *first)
{
    *gr__onnx_at(w, n->out) = (gr__onnx_value){.first = first, .shape = gr__onnx_shape(w, n->out)};
}

gr_status gr__onnx_fail(gr__onnx_work *w, const gr_node *n, const char *why)
{
    return gr__fail(w->o->ctx, GR_E_UNSUPPORTED, "%s%s%s has no form in ONNX: %s", n->scope, n->scope[0] ? ": " : "",
                    n->op->name, why);
}
