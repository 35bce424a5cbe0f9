/* A recipe of an ONNX graph that is made of layers of ours: an operation with weights is a layer, named after them.
 * What has another form is refused by name; then a recipe says the network, and only weights are taken. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "exchange/onnx_read.h"
#include "graph/shape.h"

enum { MOST_IN = 8, MOST_LIST = 8 };

typedef struct node {
    gr__wire_field message;
    const char *op, *name, *in[MOST_IN], *out;
    int n_in;
} node;

/* What an ONNX value is here: what a layer gives. */
typedef struct value {
    const char *name, *layer; /* layer NULL: the input of the network */
    bool flat;                /* [N, F], whatever the layer gives is seen so */
} value;

typedef struct reading {
    gr_foreign *f;
    gr_names *names;
    gr__text *json; /* of the layers, without the brackets around them */
    value *value;
    size_t n_values, capacity;
    const char *last; /* the layer before; NULL: the input */
    int layers, n_named;
    const char *waiting; /* the value of a MatMul whose bias may be added next, of layer `last` */
    const char *final;   /* the operation that gave the last value */
} reading;

static gr_status refuse(const reading *r, const node *n, const char *why)
{
    gr__fail(r->f->ctx, GR_E_DATA, "\"%s\": ONNX's %s%s%s is no layer of ours: %s", r->f->path, n->op,
             n->name[0] ? " " : "", n->name, why);
    gr__error_hint(r->f->ctx, "with --recipe RECIPE, which says the network, the weights alone are taken");
    return GR_E_DATA;
}

/* ---- nodes ---- */

static const char *text_of(reading *r, const gr__wire_field *f)
{
    return gr__bump_format(r->f->memory, "%.*s", (int)GR_MIN(f->n, (size_t)400), (const char *)f->at);
}

static gr_status parse(reading *r, const gr__wire_field *message, node *n)
{
    gr__wire w = gr__wire_of(message->at, message->n);
    gr__wire_field f;
    *n = (node){.message = *message, .op = "", .name = "", .out = ""};
    while (gr__wire_next(&w, &f)) {
        const char **to = f.wire != GR__WIRE_BYTES                               ? NULL
                          : f.number == GR__ONNX_NODE_OP                         ? &n->op
                          : f.number == GR__ONNX_NODE_NAME                       ? &n->name
                          : f.number == GR__ONNX_NODE_OUTPUT && !n->out[0]       ? &n->out
                          : f.number == GR__ONNX_NODE_INPUT && n->n_in < MOST_IN ? &n->in[n->n_in++]
                                                                                 : NULL;
        if (to && !(*to = text_of(r, &f))) return GR_E_MEMORY;
        if (f.number == GR__ONNX_NODE_DOMAIN && f.n > 0 && !gr__wire_is(&f, "ai.onnx"))
            return refuse(r, n, "it is of another domain");
    }
    return w.bad ? refuse(r, n, "it ends within a field") : GR_OK;
}

static bool attribute(const node *n, const char *name, gr__wire_field *out)
{
    gr__wire w = gr__wire_of(n->message.at, n->message.n);
    while (gr__wire_next(&w, out)) {
        gr__wire a = gr__wire_of(out->at, out->n);
        gr__wire_field f;
        if (out->number != GR__ONNX_NODE_ATTRIBUTE || out->wire != GR__WIRE_BYTES) continue;
        while (gr__wire_next(&a, &f))
            if (f.number == GR__ONNX_ATTRIBUTE_NAME && gr__wire_is(&f, name)) return true;
    }
    return false;
}

static bool number(const node *n, const char *name, int field, uint64_t *x)
{
    gr__wire_field a, f;
    bool found = false;
    if (!attribute(n, name, &a)) return false;
    gr__wire w = gr__wire_of(a.at, a.n);
    while (gr__wire_next(&w, &f))
        if (f.number == field) *x = f.whole, found = true;
    return found;
}

static int64_t whole(const node *n, const char *name, int64_t usual)
{
    uint64_t x = 0;
    return number(n, name, GR__ONNX_ATTRIBUTE_I, &x) ? (int64_t)x : usual;
}

static double real(const node *n, const char *name, double usual)
{
    uint64_t x = 0;
    return number(n, name, GR__ONNX_ATTRIBUTE_F, &x) ? gr__wire_float(x) : usual;
}

/* How many; the list stays as it is where there is no such attribute. */
static int list(const node *n, const char *name, int64_t x[MOST_LIST])
{
    gr__wire_field a, f;
    int k = 0;
    uint64_t one;
    if (!attribute(n, name, &a)) return 0;
    gr__wire w = gr__wire_of(a.at, a.n);
    while (gr__wire_next(&w, &f)) {
        gr__wire packed = gr__wire_of(f.at, f.n);
        if (f.number != GR__ONNX_ATTRIBUTE_INTS) continue;
        if (f.wire == GR__WIRE_VARINT && k < MOST_LIST) x[k++] = (int64_t)f.whole;
        while (f.wire == GR__WIRE_BYTES && gr__wire_take(&packed, &one) && k < MOST_LIST) x[k++] = (int64_t)one;
    }
    return k;
}

static int index_of(const reading *r, const char *name)
{
    for (int i = 0; i < r->f->n && name; i++)
        if (strcmp(r->f->tensor[i].name, name) == 0) return i;
    return -1;
}

static const gr_foreign_tensor *weight(const reading *r, const char *name)
{
    int i = index_of(r, name);
    return i >= 0 ? &r->f->tensor[i] : NULL;
}

/* ---- layers ---- */

static const value *known(const reading *r, const char *name)
{
    for (size_t i = r->n_values; i-- > 0;)
        if (strcmp(r->value[i].name, name) == 0) return &r->value[i];
    return NULL;
}

static gr_status is(reading *r, const char *name, const char *layer, bool flat)
{
    if (!GR_ROOM(r->f->ctx, r->value, r->capacity, r->n_values + 1)) return GR_E_MEMORY;
    r->value[r->n_values++] = (value){name, layer, flat};
    return GR_OK;
}

static bool is_layer(const reading *r, const char *name)
{
    for (size_t i = 0; i < r->n_values; i++)
        if (r->value[i].layer && strcmp(r->value[i].layer, name) == 0) return true;
    return false;
}

/* A layer's name: that of its weights, without what they are; else, or where another layer has it, made up. */
static const char *layer_name(reading *r, const char *weights)
{
    size_t n = weights ? strlen(weights) : 0;
    if (n > 7 && strcmp(weights + n - 7, ".weight") == 0) {
        char *name = gr__bump_format(r->f->memory, "%.*s", (int)(n - 7), weights);
        for (char *s = name; s && *s; s++)
            if (!(*s == '_' || *s == '.' || (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') ||
                  (*s >= 'A' && *s <= 'Z')))
                *s = '_';
        if (!name || !is_layer(r, name)) return name;
    }
    return gr__bump_format(r->f->memory, "layer%d", ++r->n_named);
}

/* Begins {"type": ..., "name": ..., "from": ...} on the first input. */
static gr_status begin(reading *r, const node *n, const char *type, const char *weights, const char **name)
{
    const value *v = known(r, n->in[0] ? n->in[0] : "");
    if (!v) return refuse(r, n, "its input is not what a layer gives");
    if (!(*name = layer_name(r, weights))) return GR_E_MEMORY;
    gr__text_add(r->json, "%s{\"type\": \"%s\", \"name\": ", r->layers++ ? ", " : "", type);
    gr__json_text(r->json, *name);
    if (v->layer != r->last || !v->layer) {
        gr__text_put(r->json, ", \"from\": ", 10);
        gr__json_text(r->json, v->layer ? v->layer : "input");
    }
    return GR_OK;
}

static gr_status end(reading *r, const node *n, const char *name, bool flat)
{
    gr__text_put(r->json, "}", 1);
    r->last = name;
    return is(r, n->out, name, flat);
}

/* An initialiser that two layers have is two tensors here. */
static gr_status map_weight(reading *r, const char *from, const char *layer, const char *what, const char *axes)
{
    const char *to = gr__bump_format(r->f->memory, "%s.%s", layer, what);
    int i = index_of(r, from);
    if (!to || i < 0) return GR_E_MEMORY;
    if (r->f->tensor[i].mapped) {
        if (!(from = gr__bump_format(r->f->memory, "%s for %s", from, to))) return GR_E_MEMORY;
        gr_status st = gr__foreign_onnx_again(r->f, i, from);
        if (st != GR_OK) return st;
        i = r->f->n - 1;
    }
    r->f->tensor[i].mapped = true;
    return gr__names_add(r->names, from, to, axes);
}

static bool is_flat(const reading *r, const node *n)
{
    const value *v = known(r, n->in[0]);
    return v && v->flat;
}

static gr_status simple(reading *r, const node *n, const char *type, const char *more)
{
    const char *name;
    bool flat = is_flat(r, n);
    gr_status st = begin(r, n, type, NULL, &name);
    if (st == GR_OK && more) gr__text_add(r->json, ", %s", more);
    return st == GR_OK ? end(r, n, name, flat) : st;
}

/* Sizes of windows: both axes, or one. false: pads differ in front and behind. */
static bool put_window(reading *r, const node *n, const char *size, const int64_t *kernel, int axes)
{
    int64_t stride[MOST_LIST] = {1, 1}, pads[MOST_LIST] = {0}, dilation[MOST_LIST] = {1, 1};
    list(n, "strides", stride);
    list(n, "pads", pads);
    list(n, "dilations", dilation);
    for (int i = 0; i < axes; i++)
        if (pads[i] != pads[axes + i]) return false;
    const int64_t *const lists[] = {kernel, stride, pads};
    const char *const words[] = {size, "stride", "padding"};
    for (int k = 0; k < 3; k++) {
        gr__text_add(r->json, ", \"%s\": [", words[k]);
        for (int i = 0; i < axes; i++) gr__text_add(r->json, "%s%lld", i ? ", " : "", (long long)lists[k][i]);
        gr__text_put(r->json, "]", 1);
    }
    if (dilation[0] != 1 || (axes > 1 && dilation[1] != 1))
        gr__text_add(r->json, axes > 1 ? ", \"dilation\": [%lld, %lld]" : ", \"dilation\": [%lld]",
                     (long long)dilation[0], (long long)dilation[1]);
    return true;
}

static bool pads_itself(const node *n)
{
    gr__wire_field a, f;
    if (!attribute(n, "auto_pad", &a)) return false;
    gr__wire w = gr__wire_of(a.at, a.n);
    while (gr__wire_next(&w, &f))
        if (f.number == GR__ONNX_ATTRIBUTE_S) return !gr__wire_is(&f, "NOTSET");
    return false;
}

static gr_status conv(reading *r, const node *n)
{
    const gr_foreign_tensor *w = weight(r, n->in[1]);
    const char *name;
    if (!w || w->shape.rank < 3 || w->shape.rank > 4)
        return refuse(r, n, "its weights are no initialiser of one or two axes of places");
    if (pads_itself(n)) return refuse(r, n, "auto_pad is set");
    if (n->n_in > 2 && n->in[2][0] && !weight(r, n->in[2])) return refuse(r, n, "its bias is no initialiser");
    int axes = w->shape.rank - 2;
    gr_status st = begin(r, n, "conv", w->name, &name);
    if (st != GR_OK) return st;
    gr__text_add(r->json, ", \"filters\": %lld", (long long)w->shape.dim[0]);
    if (!put_window(r, n, "kernel", w->shape.dim + 2, axes))
        return refuse(r, n, "it pads in front otherwise than behind");
    if (whole(n, "group", 1) != 1) gr__text_add(r->json, ", \"groups\": %lld", (long long)whole(n, "group", 1));
    bool bias = n->n_in > 2 && n->in[2][0];
    if (!bias) gr__text_add(r->json, ", \"bias\": false");
    st = map_weight(r, w->name, name, "weight", NULL);
    if (st == GR_OK && bias) st = map_weight(r, n->in[2], name, "bias", NULL);
    return st == GR_OK ? end(r, n, name, false) : st;
}

static gr_status dense(reading *r, const node *n, bool transposed)
{
    const gr_foreign_tensor *w = weight(r, n->in[1]);
    const char *name;
    if (!w || w->shape.rank != 2) return refuse(r, n, "its weights are no initialiser of two axes");
    if (whole(n, "transA", 0) || real(n, "alpha", 1) != 1 || real(n, "beta", 1) != 1)
        return refuse(r, n, "transA, alpha or beta is set");
    bool bias = n->n_in > 2 && n->in[2][0], plain = strcmp(n->op, "Gemm") != 0;
    if (bias && !weight(r, n->in[2])) return refuse(r, n, "its bias is no initialiser");
    gr_status st = begin(r, n, "dense", w->name, &name);
    if (st != GR_OK) return st;
    gr__text_add(r->json, ", \"units\": %lld", (long long)w->shape.dim[transposed ? 0 : 1]);
    st = map_weight(r, w->name, name, "weight", transposed ? NULL : "1 0");
    if (st == GR_OK && bias) st = map_weight(r, n->in[2], name, "bias", NULL);
    if (st != GR_OK) return st;
    if (plain) { /* a bias may follow */
        r->waiting = n->out;
        r->last = name;
        return is(r, n->out, name, is_flat(r, n));
    }
    if (!bias) gr__text_add(r->json, ", \"bias\": false");
    return end(r, n, name, true);
}

/* The dense layer of a MatMul ends: with this bias, or NULL without. */
static gr_status end_dense(reading *r, const char *bias)
{
    r->waiting = NULL;
    if (!bias) gr__text_add(r->json, ", \"bias\": false");
    gr__text_put(r->json, "}", 1);
    return bias ? map_weight(r, bias, r->last, "bias", NULL) : GR_OK;
}

static gr_status batch_norm(reading *r, const node *n)
{
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    const char *name;
    char number[32];
    if (n->n_in < 5) return refuse(r, n, "it has not five inputs");
    bool flat = is_flat(r, n);
    gr_status st = begin(r, n, "batch_norm", n->in[1], &name);
    if (st != GR_OK) return st;
    gr__text_add(r->json, ", \"eps\": %s", gr__double_text(real(n, "epsilon", 1e-5), number));
    for (int i = 0; i < 4 && st == GR_OK; i++)
        st = weight(r, n->in[1 + i]) ? map_weight(r, n->in[1 + i], name, parts[i], NULL)
                                     : refuse(r, n, "its numbers are no initialisers");
    return st == GR_OK ? end(r, n, name, flat) : st;
}

static gr_status pool(reading *r, const node *n, const char *type)
{
    int64_t kernel[MOST_LIST] = {1, 1};
    const char *name;
    int axes = list(n, "kernel_shape", kernel);
    if (axes < 1 || axes > 2 || pads_itself(n))
        return refuse(r, n, "it has other than one or two axes, or auto_pad is set");
    gr_status st = begin(r, n, type, NULL, &name);
    if (st != GR_OK) return st;
    if (!put_window(r, n, "size", kernel, axes)) return refuse(r, n, "it pads in front otherwise than behind");
    if (whole(n, "ceil_mode", 0)) gr__text_add(r->json, ", \"ceil\": true");
    if (whole(n, "count_include_pad", 0)) gr__text_add(r->json, ", \"count_padding\": true");
    return end(r, n, name, false);
}

/* Several inputs that layers give. */
static gr_status join(reading *r, const node *n, const char *type, const char *more)
{
    const char *name = layer_name(r, NULL);
    if (!name) return GR_E_MEMORY;
    bool flat = is_flat(r, n);
    gr__text_add(r->json, "%s{\"type\": \"%s\", \"name\": \"%s\", \"from\": [", r->layers++ ? ", " : "", type, name);
    for (int i = 0; i < n->n_in; i++) {
        const value *v = known(r, n->in[i]);
        if (!v) return refuse(r, n, "an input of it is not what a layer gives");
        if (i) gr__text_put(r->json, ", ", 2);
        gr__json_text(r->json, v->layer ? v->layer : "input");
    }
    gr__text_add(r->json, "]%s", more);
    return end(r, n, name, flat);
}

/* The same value under another name. */
static gr_status same(reading *r, const node *n)
{
    const value *v = known(r, n->in[0]);
    int i = index_of(r, n->in[0]);
    if (!v && i >= 0) return gr__foreign_onnx_again(r->f, i, n->out);
    return v ? is(r, n->out, v->layer, v->flat) : refuse(r, n, "its input is not what a layer gives");
}

/* Whole numbers of a tensor; how many, -1 where there are other than 1 to 8. */
static int wholes_of(gr__wire tensor, int64_t x[MOST_LIST])
{
    gr__wire_field f;
    uint64_t one;
    int k = 0;
    while (gr__wire_next(&tensor, &f)) {
        gr__wire packed = gr__wire_of(f.at, f.n);
        bool list = f.number == GR__ONNX_TENSOR_INT64S;
        if (f.number == GR__ONNX_TENSOR_RAW && f.wire == GR__WIRE_BYTES && f.n % 8 == 0 && f.n / 8 <= MOST_LIST)
            for (size_t i = 0; i < f.n / 8; i++) memcpy(&x[k++ % MOST_LIST], f.at + 8 * i, 8);
        if (list && f.wire == GR__WIRE_VARINT) x[k++ % MOST_LIST] = (int64_t)f.whole;
        while (list && f.wire == GR__WIRE_BYTES && gr__wire_take(&packed, &one)) x[k++ % MOST_LIST] = (int64_t)one;
    }
    return k >= 1 && k <= MOST_LIST ? k : -1;
}

/* A list that is an initialiser, or a constant of the graph; -1: it is neither. */
static int constant(reading *r, const char *name, int64_t x[MOST_LIST])
{
    gr__wire_field graph = gr__foreign_onnx_graph(r->f), f, a, t;
    gr__wire w = gr__wire_of(graph.at, graph.n);
    int i = index_of(r, name);
    if (i >= 0) return wholes_of(gr__foreign_onnx_tensor(r->f, i), x);
    while (gr__wire_next(&w, &f)) {
        node n;
        if (f.number != GR__ONNX_GRAPH_NODE || f.wire != GR__WIRE_BYTES || parse(r, &f, &n) != GR_OK) continue;
        if (strcmp(n.op, "Constant") != 0 || strcmp(n.out, name) != 0 || !attribute(&n, "value", &a)) continue;
        gr__wire within = gr__wire_of(a.at, a.n);
        while (gr__wire_next(&within, &t))
            if (t.number == GR__ONNX_ATTRIBUTE_T && t.wire == GR__WIRE_BYTES)
                return wholes_of(gr__wire_of(t.at, t.n), x);
    }
    return -1;
}

static gr_status flatten(reading *r, const node *n)
{
    int64_t to[MOST_LIST];
    if (strcmp(n->op, "Reshape") == 0 && (n->n_in < 2 || constant(r, n->in[1], to) != 2))
        return refuse(r, n, "its shape is not a constant of two axes");
    if (strcmp(n->op, "Flatten") == 0 && whole(n, "axis", 1) != 1) return refuse(r, n, "its axis is not 1");
    if (is_flat(r, n)) return same(r, n);
    const char *name;
    gr_status st = begin(r, n, "flatten", NULL, &name);
    return st == GR_OK ? end(r, n, name, true) : st;
}

static gr_status averages(reading *r, const node *n)
{
    gr_status st = simple(r, n, "global_avg_pool", NULL);
    if (st == GR_OK) r->value[r->n_values - 1].flat = true; /* [N, C, 1, 1] there, [N, C] here */
    return st;
}

/* Means over the places of pictures. */
static gr_status means(reading *r, const node *n)
{
    int64_t axes[MOST_LIST] = {0};
    int k = n->n_in > 1 ? constant(r, n->in[1], axes) : list(n, "axes", axes);
    for (int i = 0; i < k; i++) axes[i] += axes[i] < 0 ? 4 : 0;
    bool places = k == 2 && axes[0] + axes[1] == 5 && axes[0] * axes[1] == 6;
    return places ? averages(r, n) : refuse(r, n, "it is not over the places of pictures");
}

static const struct {
    const char *op, *type;
} activations[] = {
    {"Relu", "relu"},         {"Sigmoid", "sigmoid"},      {"Tanh", "tanh"}, {"Softmax", "softmax"},
    {"Softplus", "softplus"}, {"HardSwish", "hard_swish"}, {"Elu", "elu"},
};

static gr_status take(reading *r, const node *n)
{
    char text[80], number[32];
    if (strcmp(n->op, "Elu") == 0 && real(n, "alpha", 1) != 1) return refuse(r, n, "its alpha is not 1");
    for (size_t i = 0; i < GR_COUNT(activations); i++)
        if (strcmp(n->op, activations[i].op) == 0) return simple(r, n, activations[i].type, NULL);
    if (strcmp(n->op, "LeakyRelu") == 0) {
        snprintf(text, sizeof text, "\"slope\": %s", gr__double_text(real(n, "alpha", 0.01), number));
        return simple(r, n, "leaky_relu", text);
    }
    if (strcmp(n->op, "Conv") == 0) return conv(r, n);
    if (strcmp(n->op, "Gemm") == 0) return dense(r, n, whole(n, "transB", 0) != 0);
    if (strcmp(n->op, "MatMul") == 0) return dense(r, n, false);
    if (strcmp(n->op, "BatchNormalization") == 0) return batch_norm(r, n);
    if (strcmp(n->op, "MaxPool") == 0) return pool(r, n, "max_pool");
    if (strcmp(n->op, "AveragePool") == 0) return pool(r, n, "avg_pool");
    if (strcmp(n->op, "GlobalAveragePool") == 0) return averages(r, n);
    if (strcmp(n->op, "ReduceMean") == 0) return means(r, n);
    if (strcmp(n->op, "Flatten") == 0 || strcmp(n->op, "Reshape") == 0) return flatten(r, n);
    if (strcmp(n->op, "Identity") == 0 || strcmp(n->op, "Dropout") == 0) return same(r, n);
    if (strcmp(n->op, "Add") == 0) return join(r, n, "add", "");
    if (strcmp(n->op, "Mul") == 0) return join(r, n, "multiply", "");
    if (strcmp(n->op, "Concat") == 0 && whole(n, "axis", 1) == 1) return join(r, n, "concat", "");
    return refuse(r, n, "it has no such form here");
}

/* ---- the graph ---- */

static gr_status walk(reading *r, const gr__wire_field *graph, size_t *before)
{
    gr__wire w = gr__wire_of(graph->at, graph->n);
    gr__wire_field f;
    gr_status st = GR_OK;
    while (st == GR_OK && gr__wire_next(&w, &f)) {
        node n;
        if (f.number != GR__ONNX_GRAPH_NODE || f.wire != GR__WIRE_BYTES) continue;
        st = parse(r, &f, &n);
        if (st != GR_OK || strcmp(n.op, "Constant") == 0) continue;
        if (!n.n_in || !n.out[0]) return refuse(r, &n, "it takes or gives nothing");
        bool added = r->waiting && strcmp(n.op, "Add") == 0 && n.n_in == 2;
        int other = added && strcmp(n.in[0], r->waiting) == 0 ? 1 : 0;
        const gr_foreign_tensor *bias = added ? weight(r, n.in[other]) : NULL;
        if (bias && bias->shape.rank == 1 && strcmp(n.in[!other], r->waiting) == 0) {
            st = end_dense(r, bias->name);
            if (st == GR_OK) st = is(r, n.out, r->last, is_flat(r, &(node){.in = {n.in[!other]}}));
            continue;
        }
        if (r->waiting) st = end_dense(r, NULL);
        *before = r->json->n;
        r->final = n.op;
        if (st == GR_OK) st = take(r, &n);
    }
    return st == GR_OK && r->waiting ? end_dense(r, NULL) : st;
}

/* A sample's sizes, as recipes have them: pictures with the channels last. */
static bool sample_of(const gr__wire_field *info, gr_shape *s)
{
    static const int path[] = {GR__ONNX_INFO_TYPE, GR__ONNX_TYPE_TENSOR, GR__ONNX_TYPED_SHAPE};
    gr__wire_field at = *info, f;
    for (size_t i = 0; i < GR_COUNT(path); i++) {
        gr__wire w = gr__wire_of(at.at, at.n);
        at.at = NULL;
        while (gr__wire_next(&w, &f))
            if (f.number == path[i] && f.wire == GR__WIRE_BYTES) at = f;
        if (!at.at) return false;
    }
    gr__wire w = gr__wire_of(at.at, at.n);
    gr_shape all = {0};
    while (gr__wire_next(&w, &f)) {
        gr__wire dim = gr__wire_of(f.at, f.n);
        gr__wire_field x;
        if (all.rank == 4) return false;
        all.dim[all.rank] = -1;
        while (gr__wire_next(&dim, &x))
            if (x.number == GR__ONNX_DIM_VALUE) all.dim[all.rank] = (int64_t)x.whole;
        if (all.rank && all.dim[all.rank] < 1) return false;
        all.rank++;
    }
    *s = (gr_shape){.rank = all.rank - 1, .dim = {all.dim[1], all.dim[2], all.dim[3]}};
    if (all.rank == 4) *s = GR_SHAPE(all.dim[2], all.dim[3], all.dim[1]);
    return all.rank >= 2 && all.rank <= 4;
}

/* Of what goes in or out: the only one that is no initialiser. */
static gr_status only(reading *r, const gr__wire_field *graph, int field, const char **name, gr__wire_field *info)
{
    gr__wire w = gr__wire_of(graph->at, graph->n);
    gr__wire_field f, x;
    int n = 0;
    while (gr__wire_next(&w, &f)) {
        if (f.number != field || f.wire != GR__WIRE_BYTES) continue;
        gr__wire within = gr__wire_of(f.at, f.n);
        const char *called = "";
        while (gr__wire_next(&within, &x))
            if (x.number == GR__ONNX_INFO_NAME && !(called = text_of(r, &x))) return GR_E_MEMORY;
        if (weight(r, called)) continue;
        *name = called;
        *info = f;
        n++;
    }
    return n == 1 ? GR_OK
                  : gr__fail(r->f->ctx, GR_E_DATA, "\"%s\" has %d %s: with --recipe its weights are taken", r->f->path,
                             n, field == GR__ONNX_GRAPH_INPUT ? "inputs" : "outputs");
}

static void put_recipe(gr__text *out, gr_shape s, const char *layers, const char *cost)
{
    gr__text_add(out, "{\"gradus\": 1, \"name\": \"imported\", \"data\": {\"train\": {\"type\": \"npy\", \"inputs\": "
                      "\"x.npy\", \"targets\": \"y.npy\"}}, \"model\": {\"input\": [");
    for (int i = 0; i < s.rank; i++) gr__text_add(out, "%s%lld", i ? ", " : "", (long long)s.dim[i]);
    gr__text_add(out, "], \"layers\": [");
    gr__text_put(out, layers, strlen(layers));
    gr__text_add(out, "]}, \"cost\": \"%s\", \"optimizer\": \"sgd\", \"stop\": {\"steps\": 1}}", cost);
}

gr_status gr__onnx_recipe(gr_foreign *f, gr_names *names, gr__text *out)
{
    gr__wire_field graph = gr__foreign_onnx_graph(f), info;
    gr__text layers;
    reading r = {.f = f, .names = names, .json = &layers};
    const char *in = "", *gives = "";
    gr_shape sample;
    size_t before = 0;
    gr_status st = GR_OK;
    gr__text_init(&layers, f->ctx);
    GR_TRY(only(&r, &graph, GR__ONNX_GRAPH_OUTPUT, &gives, &info));
    GR_TRY(only(&r, &graph, GR__ONNX_GRAPH_INPUT, &in, &info));
    if (!sample_of(&info, &sample))
        GR_TRY(gr__fail(f->ctx, GR_E_DATA, "\"%s\": its input has no sizes of 1 to 3 axes beside the batch", f->path));
    GR_TRY(is(&r, in, NULL, sample.rank == 1));
    GR_TRY(walk(&r, &graph, &before));
    const value *last = known(&r, gives);
    if (!last || last->layer != r.last || !r.final)
        GR_TRY(gr__fail(f->ctx, GR_E_DATA, "\"%s\": its output is not what its last layer gives", f->path));
    bool shares = strcmp(r.final, "Softmax") == 0, labels = strcmp(r.final, "Sigmoid") == 0;
    if ((shares || labels) && layers.s) layers.s[layers.n = before] = '\0'; /* the cost reads outputs so itself */
    put_recipe(out, sample, layers.s ? layers.s : "",
               shares   ? "cross_entropy"
               : labels ? "binary_cross_entropy"
                        : "mse");
    if (layers.failed || out->failed) st = GR_E_MEMORY;
done:
    gr__free(f->ctx, r.value, sizeof *r.value * r.capacity);
    gr__text_free(&layers);
    return st;
}
