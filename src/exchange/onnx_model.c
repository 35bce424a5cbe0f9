/* An ONNX model as it is made: nodes, constants and what goes in and out are messages in memory; weights stay in the
 * model's file until everything is written, and then go from there in pieces. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "exchange/onnx.h"
#include "model/model.h"

enum { PIECE = 256 << 10 };
#define MOST_BYTES (((uint64_t)1 << 31) - 1) /* of a message of protocol buffers */

const char *gr__onnx_name(gr__onnx *o)
{
    const char *name = gr__bump_format(o->memory, "v%d", o->names++);
    if (!name) o->constants.failed = true;
    return name ? name : "";
}

/* ---- nodes ---- */

void gr__onnx_begin(gr__onnx *o, const char *op, const char *const *in, int n_in)
{
    o->open = gr__wire_open(o->nodes, GR__ONNX_GRAPH_NODE);
    for (int i = 0; i < n_in; i++) gr__wire_text(o->nodes, GR__ONNX_NODE_INPUT, in[i] ? in[i] : "");
    gr__wire_text(o->nodes, GR__ONNX_NODE_OP, op);
}

static size_t attribute(gr__onnx *o, const char *name, int type)
{
    size_t opened = gr__wire_open(o->nodes, GR__ONNX_NODE_ATTRIBUTE);
    gr__wire_text(o->nodes, GR__ONNX_ATTRIBUTE_NAME, name);
    gr__wire_whole(o->nodes, GR__ONNX_ATTRIBUTE_TYPE, type);
    return opened;
}

void gr__onnx_int(gr__onnx *o, const char *name, int64_t x)
{
    size_t opened = attribute(o, name, GR__ONNX_IS_I);
    gr__wire_whole(o->nodes, GR__ONNX_ATTRIBUTE_I, x);
    gr__wire_close(o->nodes, opened);
}

void gr__onnx_ints(gr__onnx *o, const char *name, const int64_t *x, int n)
{
    size_t opened = attribute(o, name, GR__ONNX_IS_INTS);
    for (int i = 0; i < n; i++) gr__wire_whole(o->nodes, GR__ONNX_ATTRIBUTE_INTS, x[i]);
    gr__wire_close(o->nodes, opened);
}

void gr__onnx_real(gr__onnx *o, const char *name, double x)
{
    size_t opened = attribute(o, name, GR__ONNX_IS_F);
    gr__wire_real(o->nodes, GR__ONNX_ATTRIBUTE_F, x);
    gr__wire_close(o->nodes, opened);
}

void gr__onnx_string(gr__onnx *o, const char *name, const char *s)
{
    size_t opened = attribute(o, name, GR__ONNX_IS_S);
    gr__wire_text(o->nodes, GR__ONNX_ATTRIBUTE_S, s);
    gr__wire_close(o->nodes, opened);
}

void gr__onnx_graph(gr__onnx *o, const char *name, const gr__text *graph)
{
    size_t opened = attribute(o, name, GR__ONNX_IS_G);
    gr__wire_bytes(o->nodes, GR__ONNX_ATTRIBUTE_G, graph->s, graph->n);
    gr__wire_close(o->nodes, opened);
}

void gr__onnx_end_as(gr__onnx *o, const char *const *out, int n)
{
    for (int i = 0; i < n; i++) gr__wire_text(o->nodes, GR__ONNX_NODE_OUTPUT, out[i]);
    const char *name = o->scope && n ? gr__bump_format(o->memory, "%s/%s", o->scope, out[0]) : NULL;
    if (name) gr__wire_text(o->nodes, GR__ONNX_NODE_NAME, name);
    gr__wire_close(o->nodes, o->open);
}

const char *gr__onnx_end(gr__onnx *o)
{
    const char *out = gr__onnx_name(o);
    gr__onnx_end_as(o, &out, 1);
    return out;
}

const char *gr__onnx_1(gr__onnx *o, const char *op, const char *a)
{
    gr__onnx_begin(o, op, &a, 1);
    return gr__onnx_end(o);
}

const char *gr__onnx_2(gr__onnx *o, const char *op, const char *a, const char *b)
{
    gr__onnx_begin(o, op, (const char *[]){a, b}, 2);
    return gr__onnx_end(o);
}

const char *gr__onnx_3(gr__onnx *o, const char *op, const char *a, const char *b, const char *c)
{
    gr__onnx_begin(o, op, (const char *[]){a, b, c}, 3);
    return gr__onnx_end(o);
}

const char *gr__onnx_cast(gr__onnx *o, const char *x, gr__onnx_type to)
{
    gr__onnx_begin(o, "Cast", &x, 1);
    gr__onnx_int(o, "to", to);
    return gr__onnx_end(o);
}

const char *gr__onnx_batch(gr__onnx *o)
{
    if (o->batch) return o->batch;
    gr__text *within = o->nodes;
    o->nodes = o->main; /* bodies of loops see it there */
    gr__onnx_begin(o, "Shape", &o->first, 1);
    gr__onnx_int(o, "start", 0);
    gr__onnx_int(o, "end", 1);
    o->batch = gr__onnx_end(o);
    o->nodes = within;
    return o->batch;
}

/* ---- initialisers ---- */

/* What stands before the name of a tensor: its sizes and type. */
static void put_kind(gr__text *t, gr_shape s, gr__onnx_type type)
{
    for (int i = 0; i < s.rank; i++) gr__wire_whole(t, GR__ONNX_TENSOR_DIMS, s.dim[i]);
    gr__wire_whole(t, GR__ONNX_TENSOR_TYPE, type);
}

static const char *constant(gr__onnx *o, gr_shape s, gr__onnx_type type, const void *data, size_t bytes)
{
    const char *name = gr__onnx_name(o);
    gr__text *to = &o->constants;
    size_t node = gr__wire_open(to, GR__ONNX_GRAPH_NODE);
    gr__wire_text(to, GR__ONNX_NODE_OP, "Constant");
    size_t value = gr__wire_open(to, GR__ONNX_NODE_ATTRIBUTE);
    gr__wire_text(to, GR__ONNX_ATTRIBUTE_NAME, "value");
    gr__wire_whole(to, GR__ONNX_ATTRIBUTE_TYPE, GR__ONNX_IS_T);
    size_t tensor = gr__wire_open(to, GR__ONNX_ATTRIBUTE_T);
    put_kind(to, s, type);
    gr__wire_bytes(to, GR__ONNX_TENSOR_RAW, data, bytes);
    gr__wire_close(to, tensor);
    gr__wire_close(to, value);
    gr__wire_text(to, GR__ONNX_NODE_OUTPUT, name);
    gr__wire_close(to, node);
    return name;
}

const char *gr__onnx_reals(gr__onnx *o, gr_shape shape, const double *x)
{
    size_t n = (size_t)gr_shape_count(shape);
    if (o->real == GR__ONNX_DOUBLE) return constant(o, shape, o->real, x, n * sizeof *x);
    float *single = gr__alloc(o->ctx, n * sizeof *single);
    for (size_t i = 0; i < n && single; i++) single[i] = (float)x[i];
    const char *name = constant(o, shape, o->real, single, single ? n * sizeof *single : 0);
    if (!single) o->constants.failed = true;
    gr__free(o->ctx, single, n * sizeof *single);
    return name;
}

const char *gr__onnx_scalar(gr__onnx *o, double x)
{
    return gr__onnx_reals(o, GR_SCALAR, &x);
}

const char *gr__onnx_wholes(gr__onnx *o, gr_shape shape, const int64_t *x)
{
    return constant(o, shape, GR__ONNX_INT64, x, sizeof *x * (size_t)gr_shape_count(shape));
}

const char *gr__onnx_list(gr__onnx *o, const int64_t *x, int n)
{
    return gr__onnx_wholes(o, GR_SHAPE(n), x);
}

const char *gr__onnx_weight_of(gr__onnx *o, const gr_model *m, const char *name)
{
    for (size_t i = 0; i < o->n_weights; i++)
        if (strcmp(o->weight[i].name, name) == 0) return o->weight[i].name;
    for (int i = 0; i < gr__st_count(m->file); i++) {
        if (strcmp(gr__st_at(m->file, i)->name, name) != 0) continue;
        if (!GR_ROOM(o->ctx, o->weight, o->weights_capacity, o->n_weights + 1)) return NULL;
        o->weight[o->n_weights] = (gr__onnx_weight){gr__st_at(m->file, i)->name, i};
        return o->weight[o->n_weights++].name;
    }
    gr__fail(o->ctx, GR_E_DATA, "\"%s\" has no tensor \"%s\", which its network has", m->path, name);
    return NULL;
}

/* ---- what goes in and out ---- */

void gr__onnx_info(gr__text *to, int field, const char *name, gr__onnx_type type, gr_shape shape)
{
    size_t info = gr__wire_open(to, field);
    gr__wire_text(to, GR__ONNX_INFO_NAME, name);
    size_t kind = gr__wire_open(to, GR__ONNX_INFO_TYPE), typed = gr__wire_open(to, GR__ONNX_TYPE_TENSOR);
    gr__wire_whole(to, GR__ONNX_TYPED_ELEMENT, type);
    size_t sizes = gr__wire_open(to, GR__ONNX_TYPED_SHAPE);
    for (int i = 0; i < shape.rank; i++) {
        size_t dim = gr__wire_open(to, GR__ONNX_SHAPE_DIM);
        if (shape.dim[i] == GR__ONNX_BATCH)
            gr__wire_text(to, GR__ONNX_DIM_NAME, "N");
        else if (shape.dim[i] % GR__ONNX_BATCH != 0)
            gr__wire_whole(to, GR__ONNX_DIM_VALUE, shape.dim[i]); /* of a multiple of the batch nothing is said */
        gr__wire_close(to, dim);
    }
    gr__wire_close(to, sizes);
    gr__wire_close(to, typed);
    gr__wire_close(to, kind);
    gr__wire_close(to, info);
}

/* ---- the file ---- */

/* The tensor of a weight, without its numbers: the key and length of these end it. All weights are float32 here. */
static void put_weight(gr__text *t, const gr_st_tensor *w)
{
    uint64_t bytes = (uint64_t)gr_shape_count(w->shape) * 4;
    size_t start = t->n;
    put_kind(t, w->shape, GR__ONNX_FLOAT);
    gr__wire_text(t, GR__ONNX_TENSOR_NAME, w->name);
    gr__wire_begin(t, GR__ONNX_TENSOR_RAW, bytes);
    uint64_t inside = t->n - start + bytes;
    gr__text head;
    gr__text_init(&head, t->ctx);
    gr__wire_begin(&head, GR__ONNX_GRAPH_TENSOR, inside);
    size_t n = head.n;
    gr__text_put(t, head.s ? head.s : "", n);
    if (!t->failed) {
        memmove(t->s + start + n, t->s + start, t->n - start - n);
        memcpy(t->s + start, head.s, n);
    }
    gr__text_free(&head);
}

static gr_status put_numbers(gr__onnx *o, const gr_model *m, const gr_st_tensor *w, gr__writer *to, char *piece)
{
    size_t width = w->type == GR_ST_F64 ? 8 : 4;
    for (size_t at = 0, n; at < w->bytes; at += n) {
        n = GR_MIN(w->bytes - at, (size_t)PIECE);
        gr_status st = gr__st_read(m->file, w, at, n, piece);
        if (st != GR_OK) return st;
        for (size_t i = 0; i < n / width && width == 8; i++) {
            double x;
            memcpy(&x, piece + 8 * i, 8);
            if (isfinite(x) && !isfinite((float)x))
                return gr__fail(o->ctx, GR_E_DATA, "\"%s\": tensor \"%s\" holds %g, which float32 cannot", m->path,
                                w->name, x);
            float single = (float)x;
            memcpy(piece + 4 * i, &single, 4);
        }
        gr__writer_put(to, piece, n / width * 4);
    }
    return GR_OK;
}

static void put_model_head(gr__text *t, const gr_model *m, bool meta)
{
    gr__wire_whole(t, GR__ONNX_MODEL_IR, GR__ONNX_IR);
    gr__wire_text(t, GR__ONNX_MODEL_PRODUCER, "gradus");
    gr__wire_text(t, GR__ONNX_MODEL_PRODUCER_VERSION, GR_VERSION);
    size_t opset = gr__wire_open(t, GR__ONNX_MODEL_OPSET);
    gr__wire_text(t, GR__ONNX_OPSET_DOMAIN, "");
    gr__wire_whole(t, GR__ONNX_OPSET_VERSION, GR__ONNX_OPSET);
    gr__wire_close(t, opset);
    for (int i = 0; i < gr__st_pairs(m->file) && meta; i++) {
        gr_st_pair pair = gr__st_pair(m->file, i);
        if (strcmp(pair.key, "gradus.crc32") == 0 || strcmp(pair.key, "gradus.traits") == 0) continue;
        size_t entry = gr__wire_open(t, GR__ONNX_MODEL_METADATA);
        gr__wire_text(t, GR__ONNX_ENTRY_KEY, pair.key);
        gr__wire_text(t, GR__ONNX_ENTRY_VALUE, pair.value);
        gr__wire_close(t, entry);
    }
}

/* Bytes of the graph that are no weights, nor what stands before them. */
static void put_graph(gr__onnx *o, gr__text *t, const gr_model *m, const gr__text *nodes)
{
    const gr__text *parts[] = {&o->constants, nodes, &o->inputs, &o->outputs};
    gr__wire_text(t, GR__ONNX_GRAPH_NAME, m->recipe->name[0] ? m->recipe->name : "gradus");
    for (size_t i = 0; i < GR_COUNT(parts); i++) gr__text_put(t, parts[i]->s ? parts[i]->s : "", parts[i]->n);
}

/* Numbers of weights, and with them what stands before each. */
static uint64_t weight_bytes(gr__onnx *o, const gr_model *m)
{
    uint64_t all = 0;
    for (size_t i = 0; i < o->n_weights; i++) {
        const gr_st_tensor *w = gr__st_at(m->file, o->weight[i].tensor);
        gr__text t;
        gr__text_init(&t, o->ctx);
        put_weight(&t, w);
        all += t.n + (uint64_t)gr_shape_count(w->shape) * 4;
        o->constants.failed |= t.failed;
        gr__text_free(&t);
    }
    return all;
}

static gr_status put_weights(gr__onnx *o, const gr_model *m, gr__writer *to)
{
    char *piece = gr__alloc(o->ctx, PIECE);
    gr_status st = piece ? GR_OK : GR_E_MEMORY;
    for (size_t i = 0; i < o->n_weights && st == GR_OK; i++) {
        const gr_st_tensor *w = gr__st_at(m->file, o->weight[i].tensor);
        gr__text t;
        gr__text_init(&t, o->ctx);
        put_weight(&t, w);
        if (t.failed) st = GR_E_MEMORY;
        if (st == GR_OK) gr__writer_put(to, t.s, t.n);
        if (st == GR_OK) st = put_numbers(o, m, w, to, piece);
        gr__text_free(&t);
    }
    gr__free(o->ctx, piece, PIECE);
    return st;
}

gr_status gr__onnx_write(gr__onnx *o, const gr_model *m, const char *path, const gr__text *nodes, bool meta)
{
    gr__text head, graph;
    gr__writer *to = NULL;
    gr_status st = GR_OK;
    gr__text_init(&head, o->ctx);
    gr__text_init(&graph, o->ctx);
    put_model_head(&head, m, meta);
    put_graph(o, &graph, m, nodes);
    uint64_t inside = graph.n + weight_bytes(o, m);
    gr__wire_begin(&head, GR__ONNX_MODEL_GRAPH, inside);
    if (o->constants.failed || nodes->failed || head.failed || graph.failed) GR_TRY(GR_E_MEMORY);
    if (head.n + inside > MOST_BYTES)
        GR_TRY(gr__fail(o->ctx, GR_E_UNSUPPORTED, "\"%s\" would take %llu bytes; a file of ONNX has 2 GiB at most",
                        path, (unsigned long long)(head.n + inside)));
    GR_TRY(gr__writer_open(o->ctx, path, &to));
    gr__writer_put(to, head.s, head.n);
    gr__writer_put(to, graph.s, graph.n);
    GR_TRY(put_weights(o, m, to));
    st = gr__writer_commit(to);
    to = NULL;
done:
    gr__writer_abort(to);
    gr__text_free(&graph);
    gr__text_free(&head);
    return st;
}
