/* Weights as the initialisers of an ONNX model. Bounded by the file: a length that leads beyond it is refused, and what
 * is kept is no more than the file has. */
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "exchange/foreign.h"
#include "exchange/onnx_read.h"

#define MOST_BYTES ((uint64_t)1 << 31)

/* Where a tensor's numbers stand. */
typedef struct block {
    gr__onnx_type type;
    const unsigned char *at; /* as they are */
    size_t n;
    gr__wire message; /* of the tensor: numbers in fields of their own */
    int field;
} block;

typedef struct model {
    char *data;
    size_t bytes;
    gr__wire_field graph;
    block *block;
    size_t n, capacity, tensors_capacity;
} model;

static void close(gr_foreign *f)
{
    model *m = f->own;
    if (m->block) gr__free(f->ctx, m->block, sizeof *m->block * m->capacity);
    if (f->tensor) gr__free(f->ctx, f->tensor, sizeof *f->tensor * m->tensors_capacity);
    gr__free(f->ctx, m->data, m->bytes + 1);
}

static gr_status bad(const gr_foreign *f, const char *why, const char *name)
{
    return gr__fail(f->ctx, GR_E_FORMAT, "\"%s\" is not a sound ONNX model: %s%s%s%s", f->path, name ? "tensor \"" : "",
                    name ? name : "", name ? "\" " : "", why);
}

static const char *text_of(const gr_foreign *f, const gr__wire_field *w)
{
    return gr__bump_format(f->memory, "%.*s", (int)GR_MIN(w->n, (size_t)1000), (const char *)w->at);
}

static const char *type_name(gr__onnx_type t)
{
    static const char *const names[] = {"no type", "FLOAT",  "UINT8", "INT8",    "UINT16", "INT16",  "INT32",
                                        "INT64",   "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64"};
    return t == GR__ONNX_BFLOAT16 ? "BFLOAT16" : (size_t)t < GR_COUNT(names) ? names[t] : "an unknown type";
}

static int width_of(gr__onnx_type t)
{
    return t == GR__ONNX_DOUBLE ? 8 : t == GR__ONNX_FLOAT ? 4 : t == GR__ONNX_FLOAT16 || t == GR__ONNX_BFLOAT16 ? 2 : 0;
}

/* Sizes, one a field or packed. */
static bool take_dims(const gr__wire_field *w, gr_shape *s)
{
    gr__wire packed = gr__wire_of(w->at, w->n);
    uint64_t x = w->whole;
    bool more = w->wire == GR__WIRE_VARINT || gr__wire_take(&packed, &x);
    while (more) {
        if (s->rank == GR_MAX_RANK || x > (uint64_t)INT64_MAX / 64) return false;
        s->dim[s->rank++] = (int64_t)x;
        more = w->wire == GR__WIRE_BYTES && gr__wire_take(&packed, &x);
    }
    return !packed.bad && gr_shape_count(*s) >= 0;
}

/* How many numbers the fields of their own hold. */
static uint64_t count_fields(gr__wire w, int field, gr__onnx_type type)
{
    gr__wire_field x;
    uint64_t n = 0, value;
    while (gr__wire_next(&w, &x)) {
        if (x.number != field) continue;
        gr__wire packed = gr__wire_of(x.at, x.n);
        if (x.wire != GR__WIRE_BYTES)
            n++;
        else if (field == GR__ONNX_TENSOR_INT32S)
            while (gr__wire_take(&packed, &value)) n++;
        else
            n += x.n / (type == GR__ONNX_DOUBLE ? 8 : 4);
    }
    return w.bad ? UINT64_MAX : n;
}

static gr_status check_tensor(const gr_foreign *f, const gr_foreign_tensor *t, block *b)
{
    uint64_t count = (uint64_t)gr_shape_count(t->shape), width = (uint64_t)width_of(b->type);
    if (!t->real) return GR_OK;
    if (b->at)
        return b->n == count * width ? GR_OK : bad(f, "has another number of bytes than its shape says", t->name);
    b->field = b->type == GR__ONNX_FLOAT    ? GR__ONNX_TENSOR_FLOATS
               : b->type == GR__ONNX_DOUBLE ? GR__ONNX_TENSOR_DOUBLES
                                            : GR__ONNX_TENSOR_INT32S;
    return count_fields(b->message, b->field, b->type) == count
               ? GR_OK
               : bad(f, "has fewer or more numbers than its shape says", t->name);
}

static gr_status add(gr_foreign *f, model *m, block b, gr_foreign_tensor t)
{
    if (!GR_ROOM(f->ctx, m->block, m->capacity, m->n + 1) || !GR_ROOM(f->ctx, f->tensor, m->tensors_capacity, m->n + 1))
        return GR_E_MEMORY;
    m->block[m->n] = b;
    f->tensor[m->n++] = t;
    f->n = (int)m->n;
    return GR_OK;
}

gr_status gr__foreign_onnx_again(gr_foreign *f, int i, const char *name)
{
    model *m = f->own;
    gr_foreign_tensor t = f->tensor[i];
    t.name = name;
    t.fixed = true;
    t.mapped = false;
    return add(f, m, m->block[i], t);
}

static gr_status take_tensor(gr_foreign *f, model *m, const gr__wire_field *from)
{
    gr__wire w = gr__wire_of(from->at, from->n);
    gr__wire_field x;
    gr_foreign_tensor t = {.name = ""};
    block b = {.message = w};
    while (gr__wire_next(&w, &x)) {
        if (x.number == GR__ONNX_TENSOR_DIMS && !take_dims(&x, &t.shape))
            return bad(f, "a tensor has a shape beyond all bounds", NULL);
        if (x.number == GR__ONNX_TENSOR_TYPE) b.type = x.whole < 64 ? (gr__onnx_type)x.whole : 0;
        if (x.number == GR__ONNX_TENSOR_NAME && x.wire == GR__WIRE_BYTES && !(t.name = text_of(f, &x)))
            return GR_E_MEMORY;
        if (x.number == GR__ONNX_TENSOR_RAW && x.wire == GR__WIRE_BYTES) b.at = x.at, b.n = x.n;
        if (x.number == GR__ONNX_TENSOR_EXTERNAL || (x.number == GR__ONNX_TENSOR_LOCATION && x.whole))
            return bad(f, "keeps numbers in another file, which is not opened: save it as one file", NULL);
    }
    if (w.bad) return bad(f, "a tensor ends within a field", NULL);
    t.type = type_name(b.type);
    t.real = width_of(b.type) > 0;
    t.fixed = !t.real || t.shape.rank == 0;
    gr_status st = check_tensor(f, &t, &b);
    if (st != GR_OK) return st;
    return add(f, m, b, t);
}

static gr_status take_graph(gr_foreign *f, model *m)
{
    gr__wire w = gr__wire_of(m->graph.at, m->graph.n);
    gr__wire_field x;
    gr_status st = GR_OK;
    while (st == GR_OK && gr__wire_next(&w, &x)) {
        if (x.number == GR__ONNX_GRAPH_TENSOR && x.wire == GR__WIRE_BYTES) st = take_tensor(f, m, &x);
        if (x.number == GR__ONNX_GRAPH_SPARSE) st = bad(f, "it has sparse tensors", NULL);
    }
    return st == GR_OK && w.bad ? bad(f, "its graph ends within a field", NULL) : st;
}

/* What an export of ours says of its model. */
static gr_status take_entry(gr_foreign *f, const gr__wire_field *from, gr_st_pair *pair)
{
    gr__wire w = gr__wire_of(from->at, from->n);
    gr__wire_field x;
    *pair = (gr_st_pair){NULL, NULL};
    while (gr__wire_next(&w, &x)) {
        const char **to = x.number == GR__ONNX_ENTRY_KEY     ? &pair->key
                          : x.number == GR__ONNX_ENTRY_VALUE ? &pair->value
                                                             : NULL;
        if (!to || x.wire != GR__WIRE_BYTES) continue;
        if (!(*to = gr__bump_format(f->memory, "%.*s", (int)GR_MIN(x.n, (size_t)INT_MAX), (const char *)x.at)))
            return GR_E_MEMORY;
    }
    if (w.bad) return bad(f, "its metadata ends within a field", NULL);
    return GR_OK;
}

static gr_status take_meta(gr_foreign *f, const model *m)
{
    gr__wire w = gr__wire_of(m->data, m->bytes);
    gr__wire_field x;
    int n = 0;
    while (gr__wire_next(&w, &x)) n += x.number == GR__ONNX_MODEL_METADATA;
    gr_st_pair *all = gr__bump_alloc(f->memory, sizeof *all * (size_t)(n + 1));
    if (!all) return GR_E_MEMORY;
    f->meta = all;
    w = gr__wire_of(m->data, m->bytes);
    while (gr__wire_next(&w, &x)) {
        if (x.number != GR__ONNX_MODEL_METADATA || x.wire != GR__WIRE_BYTES) continue;
        gr_status st = take_entry(f, &x, &all[f->n_meta]);
        if (st != GR_OK) return st;
        const gr_st_pair *p = &all[f->n_meta];
        f->n_meta += p->key && p->value && strncmp(p->key, "gradus.", 7) == 0;
    }
    return GR_OK;
}

static gr_status open(gr_foreign *f)
{
    model *m = gr__bump_alloc(f->memory, sizeof *m);
    gr__wire_field x;
    if (!m) return GR_E_MEMORY;
    gr_status st = gr__file_read(f->ctx, f->path, MOST_BYTES, &m->data, &m->bytes);
    if (st != GR_OK) return st;
    f->own = m;
    gr__wire w = gr__wire_of(m->data, m->bytes);
    while (gr__wire_next(&w, &x))
        if (x.number == GR__ONNX_MODEL_GRAPH && x.wire == GR__WIRE_BYTES) {
            if (m->graph.at) return bad(f, "it has two graphs", NULL);
            m->graph = x;
        }
    if (w.bad) return bad(f, "it ends within a field", NULL);
    if (!m->graph.at) return bad(f, "it has no graph", NULL);
    st = take_meta(f, m);
    return st == GR_OK ? take_graph(f, m) : st;
}

gr__wire_field gr__foreign_onnx_graph(const gr_foreign *f)
{
    return ((const model *)f->own)->graph;
}

gr__wire gr__foreign_onnx_tensor(const gr_foreign *f, int i)
{
    return ((const model *)f->own)->block[i].message;
}

/* ---- numbers ---- */

typedef struct giving {
    gr_foreign_take *take;
    void *user;
    int64_t at;
} giving;

static void give(giving *g, gr__foreign_type t, const unsigned char *raw, size_t n)
{
    double x[GR__FOREIGN_RUN];
    size_t width = gr__foreign_width(t);
    for (size_t i = 0, k; i < n; i += k) {
        k = GR_MIN(n - i, (size_t)GR__FOREIGN_RUN);
        gr__foreign_decode(t, raw + i * width, k, x);
        g->take(g->user, g->at, x, k);
        g->at += (int64_t)k;
    }
}

/* A number in a field of its own, or some packed. */
static void give_field(giving *g, const block *b, gr__foreign_type t, const gr__wire_field *x)
{
    gr__wire packed = gr__wire_of(x->at, x->n);
    uint64_t bits = x->whole;
    if (x->wire == GR__WIRE_BYTES && b->field != GR__ONNX_TENSOR_INT32S) {
        give(g, t, x->at, x->n / gr__foreign_width(t));
        return;
    }
    if (x->wire != GR__WIRE_BYTES) give(g, t, (const unsigned char *)&bits, 1);
    while (x->wire == GR__WIRE_BYTES && gr__wire_take(&packed, &bits)) give(g, t, (const unsigned char *)&bits, 1);
}

static gr_status read(gr_foreign *f, int i, gr_foreign_take *take, void *user)
{
    const block *b = &((const model *)f->own)->block[i];
    gr__foreign_type t = b->type == GR__ONNX_FLOAT     ? GR__FOREIGN_F32
                         : b->type == GR__ONNX_DOUBLE  ? GR__FOREIGN_F64
                         : b->type == GR__ONNX_FLOAT16 ? GR__FOREIGN_F16
                                                       : GR__FOREIGN_BF16;
    giving g = {take, user, 0};
    gr__wire w = b->message;
    gr__wire_field x;
    if (b->at)
        give(&g, t, b->at, (size_t)gr_shape_count(f->tensor[i].shape));
    else
        while (gr__wire_next(&w, &x))
            if (x.number == b->field) give_field(&g, b, t, &x);
    return GR_OK;
}

const gr_foreign_form gr__foreign_onnx = {"ONNX", open, read, close};
