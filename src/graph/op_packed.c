/* Packing values into bytes, and reading them back, in the reference arithmetic. Values are rounded as float32 has
 * them. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/rng.h"
#include "graph/op.h"
#include "graph/packed.h"
#include "graph/shape.h"
#include "graph/slot_codes.h"

enum { MOST_GROUP = 1 << 20 };

gr__packing gr__packing_of(const gr_attr *attr)
{
    bool slot = attr->i[0] == GR__PACK_SLOT;
    return (gr__packing){.form = (gr__packed_form)attr->i[0],
                         .bits = attr->i[1],
                         .group = attr->i[2],
                         .samples = attr->i[3],
                         .run = slot ? 0 : attr->i[4],
                         .positive = slot && attr->i[4],
                         .test = (gr__test)attr->i[5],
                         .than = attr->f[0]};
}

int64_t gr__packed_bytes(const gr__packing *p, int64_t count)
{
    if (p->form == GR__PACK_TRUTH) return count;
    if (p->form == GR__PACK_SLOT) return gr__slot_bytes((int)p->bits, count);
    if (p->form != GR__PACK_QUANTISED) return 2 * count;
    gr__groups_of g = gr__groups_in(p, count);
    return gr__group_codes(&g, g.runs * g.per_run);
}

/* ---- shape rules ---- */

static bool check(gr_graph *g, const gr__packing *p, gr_dtype dtype, int64_t count)
{
    if (p->form < GR__PACK_TRUTH || p->form > GR__PACK_SLOT)
        return gr__op_fail(g, GR_E_INTERNAL, "%d is no form", (int)p->form);
    if (dtype != (p->form == GR__PACK_INDEX ? GR_I32 : GR_REAL))
        return gr__op_fail(g, GR_E_TYPE, "%s is not kept in this form", gr__dtype_text(dtype));
    if (p->form == GR__PACK_SLOT && p->bits != 16 && p->bits != 8)
        return gr__op_fail(g, GR_E_RANGE, "%lld bits, wanted 16 or 8", (long long)p->bits);
    if (p->form != GR__PACK_QUANTISED) return true;
    if (p->bits != 8 && p->bits != 4 && p->bits != 2)
        return gr__op_fail(g, GR_E_RANGE, "%lld bits, wanted 8, 4 or 2", (long long)p->bits);
    if (p->group < 1 || p->group > MOST_GROUP || p->samples < 1 || p->run < 1 || count % p->run ||
        count / p->run % p->samples)
        return gr__op_fail(g, GR_E_RANGE, "groups of %lld in runs of %lld of %lld numbers", (long long)p->group,
                           (long long)p->run, (long long)count);
    return true;
}

static bool is_drawn(const gr__packing *p)
{
    return p->form == GR__PACK_QUANTISED || p->form == GR__PACK_SLOT;
}

static bool infer_pack(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    gr__packing p = gr__packing_of(attr);
    const gr_value *x = gr__value(g, in[0]);
    int64_t count = gr_shape_count(x->shape);
    if (n_in != (is_drawn(&p) ? 4 : 1)) return gr__op_fail(g, GR_E_USAGE, "%d operands", n_in);
    if (x->shape.rank == 0) return gr__op_fail(g, GR_E_SHAPE, "a rank-0 value is not packed");
    if (!check(g, &p, x->dtype, count)) return false;
    for (int i = 1; i < n_in; i++)
        if (!gr__want_dtype(g, in, i, GR_REAL) || !gr__want_rank(g, in, i, 0)) return false;
    *out = (gr_value){.dtype = GR_U8, .shape = GR_SHAPE(gr__packed_bytes(&p, count))};
    if (p.form == GR__PACK_TRUTH) out->shape = x->shape;
    return true;
}

static bool infer_unpack(gr_graph *g, const gr_attr *attr, const gr_val *in, int n_in, gr_value *out)
{
    gr__packing p = gr__packing_of(attr);
    int64_t count = gr_shape_count(out->shape);
    (void)n_in;
    if (p.form == GR__PACK_TRUTH) return gr__op_fail(g, GR_E_USAGE, "bytes are read as they are");
    if (!gr__want_dtype(g, in, 0, GR_U8) || !check(g, &p, out->dtype, count)) return false;
    return gr_shape_count(gr__value(g, in[0])->shape) == gr__packed_bytes(&p, count) ||
           gr__op_fail(g, GR_E_SHAPE, "%lld bytes are not %lld numbers of this form",
                       (long long)gr_shape_count(gr__value(g, in[0])->shape), (long long)count);
}

/* ---- reference loops ---- */

static bool holds(gr__test test, double x, double than)
{
    switch (test) {
    case GR__TEST_LESS:
        return x < than;
    case GR__TEST_MORE:
        return x > than;
    case GR__TEST_AT_MOST:
        return x <= than;
    case GR__TEST_AT_LEAST:
        return x >= than;
    case GR__TEST_EQUAL:
        return x == than;
    default:
        return x != than;
    }
}

static uint64_t whole(const gr_ref *r)
{
    return gr__rng_whole(*(const double *)r->data);
}

static void quantise_ref(const gr__packing *p, const gr_node *n, const gr_ref *in, uint8_t *to)
{
    const double *x = in[0].data;
    gr__groups_of g = gr__groups_in(p, gr_shape_count(in[0].shape));
    uint64_t seed = whole(&in[1]), update = whole(&in[2]), position = whole(&in[3]), stream = gr__hash(n->attr.name);
    int64_t most = (1 << p->bits) - 1;
    for (int64_t k = 0; k < g.runs * g.per_run; k++) {
        int64_t run = k / g.per_run, first = k % g.per_run * p->group, size = GR_MIN(p->group, p->run - first);
        const double *from = x + run * p->run + first;
        double low = from[0], high = from[0];
        for (int64_t e = 1; e < size; e++) low = GR_MIN(low, from[e]), high = GR_MAX(high, from[e]);
        float head[2] = {(float)low, (float)fmin(high - low, (double)FLT_MAX)};
        memcpy(to + 8 * k, head, sizeof head);
        uint8_t *codes = to + gr__group_codes(&g, k);
        memset(codes, 0, (size_t)(size * p->bits + 7) / 8);
        for (int64_t e = 0; e < size && head[1] > 0; e++) {
            uint64_t at = (uint64_t)(run / p->samples * p->run + first + e);
            uint32_t sample = (uint32_t)(position + (uint64_t)(run % p->samples));
            double y = (from[e] - (double)head[0]) / (double)head[1] * (double)most +
                       gr__random_leaf(seed, stream, update, sample, at);
            int code = y > 0 ? (int)fmin(y, (double)most) : 0;
            codes[e * p->bits / 8] |= (uint8_t)(code << e * p->bits % 8);
        }
    }
}

static void restore_ref(const gr__packing *p, const uint8_t *from, int64_t count, double *y)
{
    gr__groups_of g = gr__groups_in(p, count);
    int64_t most = (1 << p->bits) - 1;
    for (int64_t k = 0; k < g.runs * g.per_run; k++) {
        int64_t run = k / g.per_run, first = k % g.per_run * p->group, size = GR_MIN(p->group, p->run - first);
        const uint8_t *codes = from + gr__group_codes(&g, k);
        float head[2];
        memcpy(head, from + 8 * k, sizeof head);
        for (int64_t e = 0; e < size; e++) {
            int64_t code = codes[e * p->bits / 8] >> e * p->bits % 8 & most;
            y[run * p->run + first + e] = (double)head[0] + (double)code * (double)head[1] / (double)most;
        }
    }
}

static void slot_ref(const gr__packing *p, const gr_node *n, const gr_ref *in, uint8_t *to)
{
    const double *x = in[0].data;
    int64_t count = gr_shape_count(in[0].shape);
    uint64_t seed = whole(&in[1]), update = whole(&in[2]), position = whole(&in[3]), stream = gr__hash(n->attr.name);
    float part[GR__SLOT_GROUP], u[GR__SLOT_GROUP];
    for (int64_t first = 0; first < count; first += GR__SLOT_GROUP) {
        int64_t size = GR_MIN(GR__SLOT_GROUP, count - first);
        for (int64_t e = 0; e < size; e++) {
            part[e] = (float)x[first + e];
            u[e] = (float)gr__random_leaf(seed, stream, update, (uint32_t)position, (uint64_t)(first + e));
        }
        gr__slot_pack(part, u, first, size, count, (int)p->bits, p->positive, to);
    }
}

static void slot_back_ref(const gr__packing *p, const uint8_t *from, int64_t count, double *y)
{
    float part[GR__SLOT_GROUP];
    for (int64_t first = 0; first < count; first += GR__SLOT_GROUP) {
        int64_t size = GR_MIN(GR__SLOT_GROUP, count - first);
        gr__slot_unpack(from, first, size, count, (int)p->bits, p->positive, part);
        for (int64_t e = 0; e < size; e++) y[first + e] = (double)part[e];
    }
}

static void pack_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    gr__packing p = gr__packing_of(&n->attr);
    int64_t count = gr_shape_count(in[0].shape);
    uint8_t *to = out[0].data;
    if (p.form == GR__PACK_QUANTISED) {
        quantise_ref(&p, n, in, to);
        return;
    }
    if (p.form == GR__PACK_SLOT) {
        slot_ref(&p, n, in, to);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        double x = gr__ref_get(&in[0], i);
        if (p.form == GR__PACK_TRUTH) {
            to[i] = holds(p.test, x, p.than);
            continue;
        }
        uint16_t code = p.form == GR__PACK_INDEX  ? (uint16_t)x
                        : p.form == GR__PACK_BF16 ? gr__bf16_of((float)x)
                                                  : gr__f16_saturated((float)x);
        memcpy(to + 2 * i, &code, sizeof code);
    }
}

static void unpack_ref(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    (void)g;
    gr__packing p = gr__packing_of(&n->attr);
    int64_t count = gr_shape_count(out[0].shape);
    const uint8_t *from = in[0].data;
    double *y = out[0].data;
    if (p.form == GR__PACK_QUANTISED) restore_ref(&p, from, count, y);
    if (p.form == GR__PACK_SLOT) slot_back_ref(&p, from, count, y);
    for (int64_t i = 0; i < count && !is_drawn(&p); i++) {
        uint16_t code;
        memcpy(&code, from + 2 * i, sizeof code);
        if (p.form == GR__PACK_INDEX)
            ((int32_t *)out[0].data)[i] = code;
        else
            y[i] = (double)(p.form == GR__PACK_BF16 ? gr__bf16_value(code) : gr__f16_value(code));
    }
}

/* ---- the table ---- */

static const gr__field pack_fields[] = {
    {GR__FIELD_NAME, 0, 1, "", 0},
    {GR__FIELD_INTEGERS, 0, 6, "form", GR__SHOWN},
    {GR__FIELD_REAL, 0, 1, "than", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};
static const gr__field unpack_fields[] = {
    {GR__FIELD_INTEGERS, 0, 5, "form", GR__SHOWN},
    {GR__FIELD_INTEGERS, 5, 1, "copy", 0},
    {GR__FIELDS_END, 0, 0, NULL, 0},
};

const gr_op gr__packed_ops[] = {
    {.code = GR_OP_PACK,
     .class = GR_CLASS_PACKED,
     .name = "pack",
     .n_in = -1,
     .n_out = 1,
     .infer = infer_pack,
     .gradient = gr__no_gradient,
     .ref = pack_ref,
     .branches = GR__BRANCHES_RESULT,
     .fields = pack_fields},
    {.code = GR_OP_UNPACK,
     .class = GR_CLASS_PACKED,
     .name = "unpack",
     .n_in = 1,
     .n_out = 1,
     .infer = infer_unpack,
     .gradient = gr__no_gradient,
     .ref = unpack_ref,
     .branches = GR__BRANCHES_RESULT,
     .fields = unpack_fields},
};

/* ---- builders ---- */

static int64_t last_of(const gr__packing *p)
{
    return p->form == GR__PACK_SLOT ? p->positive : p->run;
}

gr_val gr__pack(gr_graph *g, gr_val x, const gr__packing *p, const char *stream, const gr_val *moment)
{
    bool drawn = is_drawn(p);
    gr_val in[4] = {x};
    gr_attr attr = {.i = {p->form, p->bits, p->group, p->samples, last_of(p), p->test},
                    .f = {p->than},
                    .name = drawn ? stream : ""};
    for (int i = 0; drawn && i < 3; i++) in[1 + i] = moment[i];
    return gr__node_add(g, GR_OP_PACK, in, drawn ? 4 : 1, &attr, NULL);
}

gr_val gr__unpack(gr_graph *g, gr_val packed, const gr__packing *p, const gr_value *like, int64_t copy)
{
    gr_attr attr = {.i = {p->form, p->bits, p->group, p->samples, last_of(p), copy}};
    return gr__node_add(g, GR_OP_UNPACK, &packed, 1, &attr, like);
}

int64_t gr__slot_code_bytes(int bits, int64_t count)
{
    return gr__slot_bytes(bits, count);
}

gr_val gr__slot_read(gr_graph *g, gr_val codes, int bits, bool positive, gr_shape shape)
{
    const gr__packing p = {.form = GR__PACK_SLOT, .bits = bits, .positive = positive};
    return gr__unpack(g, codes, &p, &(gr_value){.dtype = GR_REAL, .shape = shape}, 0);
}

gr_val gr__slot_write(gr_graph *g, gr_val x, int bits, bool positive, const char *stream, gr_val seed, gr_val update)
{
    const gr__packing p = {.form = GR__PACK_SLOT, .bits = bits, .positive = positive};
    const gr_val moment[] = {seed, update, gr_const(g, 0)};
    return gr__pack(g, x, &p, stream, moment);
}
