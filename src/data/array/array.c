/* Numeric arrays to fields: sizes, conversion of elements, checks of values. */
#include "data/array/elements.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"

/* ---- sizes ---- */

static bool is_real(gr__type t)
{
    return t >= GR__F16;
}

gr_status gr__array_size(gr_context *ctx, const char *name, gr__array *a)
{
    uint64_t bytes = gr__type_bytes(a->type);
    a->count = 1;
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] <= 0)
            return gr__fail(ctx, GR_E_DATA,
                            i ? "\"%s\" has samples without a value: axis %d has size 0"
                              : "\"%s\" holds no samples (axis %d has size 0)",
                            name, i);
        /* Eight bytes an element is the most that any of them becomes in memory. */
        if (__builtin_mul_overflow(a->count, (uint64_t)a->dim[i], &a->count) || a->count > (uint64_t)INT64_MAX / 8)
            return gr__fail(ctx, GR_E_FORMAT, "the header of \"%s\" promises more values than there can be", name);
    }
    if (a->dim[0] > UINT32_MAX)
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds more than %u samples, the most there can be", name, UINT32_MAX);
    a->bytes = a->count * bytes;
    return GR_OK;
}

/* Packed content is held against the header when it is read; until then only lies are told apart. */
static gr_status check_content(const gr__part *p)
{
    const gr__array *a = &p->array;
    uint64_t wanted = a->at + a->bytes, content = gr__blob_content(&p->blob);
    if (content ? content == wanted : gr__blob_could_hold(&p->blob, wanted) && p->blob.packing != GR__PLAIN)
        return GR_OK;
    bool packed = p->blob.packing != GR__PLAIN;
    return gr__fail(p->blob.ctx, GR_E_FORMAT, "\"%s\" holds %llu bytes%s, but its header promises %llu (%lld samples)",
                    p->blob.name, (unsigned long long)(content ? content : p->blob.bytes),
                    packed && !content ? " of gzip data" : "", (unsigned long long)wanted, (long long)a->dim[0]);
}

gr_status gr__part_read(gr__blob *blob, gr__header_fn header, gr__part *out)
{
    gr__part p = {.blob = *blob};
    unsigned char head[GR__PEEK];
    size_t n;
    gr_status st = gr__blob_peek(&p.blob, head, sizeof head, &n);
    if (st == GR_OK) st = header(p.blob.ctx, p.blob.name, head, n, &p.array);
    if (st == GR_OK) st = check_content(&p);
    if (st == GR_OK)
        *out = p;
    else
        gr__blob_close(&p.blob);
    return st;
}

gr_status gr__part_open(gr_context *ctx, const char *path, gr__header_fn header, gr__part *out)
{
    gr__blob blob;
    gr_status st = gr__blob_open(ctx, path, &blob);
    return st == GR_OK ? gr__part_read(&blob, header, out) : st;
}

void gr__part_close(gr__part *p)
{
    gr__blob_close(&p->blob);
}

/* ---- content ---- */

/* The elements of a part in the order of its file. */
static gr_status elements_open(const gr__part *p, gr__stream **out)
{
    gr_status st = gr__stream_open(&p->blob, out);
    return st == GR_OK ? gr__stream_take(*out, NULL, p->array.at) : st;
}

static gr_status fail_size(const gr__part *p, uint64_t got, bool more)
{
    const gr__array *a = &p->array;
    return gr__fail(p->blob.ctx, GR_E_FORMAT, "\"%s\" unpacks to %s%llu bytes, but its header promises %llu",
                    p->blob.name, more ? "more than " : "", (unsigned long long)got,
                    (unsigned long long)(a->at + a->bytes));
}

/* The next n of its bytes; done of its elements' bytes were taken before. */
static gr_status elements_take(const gr__part *p, gr__stream *s, uint64_t done, void *to, size_t n)
{
    size_t got;
    gr_status st = gr__stream_read(s, to, n, &got);
    return st != GR_OK || got == n ? st : fail_size(p, p->array.at + done + got, false);
}

/* Nothing follows the elements. */
static gr_status elements_end(const gr__part *p, gr__stream *s)
{
    char more;
    size_t got;
    gr_status st = gr__stream_read(s, &more, 1, &got);
    return st != GR_OK || got == 0 ? st : fail_size(p, p->array.at + p->array.bytes, true);
}

/* ---- elements ---- */

/* Walks a Fortran-ordered array in file order and tells where each element stands in C order. */
typedef struct walk {
    int rank;
    uint64_t at;
    int64_t index[GR_MAX_RANK + 1], dim[GR_MAX_RANK + 1];
    uint64_t stride[GR_MAX_RANK + 1];
} walk;

static walk walk_make(const gr__array *a)
{
    walk w = {.rank = a->rank};
    uint64_t stride = 1;
    for (int i = a->rank - 1; i >= 0; i--) {
        w.dim[i] = a->dim[i];
        w.stride[i] = stride;
        stride *= (uint64_t)a->dim[i];
    }
    return w;
}

static void walk_next(walk *w)
{
    for (int i = 0; i < w->rank; i++) {
        w->at += w->stride[i];
        if (++w->index[i] < w->dim[i]) return;
        w->at -= w->stride[i] * (uint64_t)w->dim[i];
        w->index[i] = 0;
    }
}

static gr_status convert(const gr__part *p, gr__stream *s, const gr__keeping *k, void *dst)
{
    const gr__array *a = &p->array;
    unsigned char raw[GR__RUN * 8];
    double x[GR__RUN];
    size_t width = gr__type_bytes(a->type);
    walk w = walk_make(a);
    for (uint64_t done = 0; done < a->count;) {
        size_t n = (size_t)GR_MIN(a->count - done, GR__RUN);
        gr_status st = elements_take(p, s, done * width, raw, n * width);
        if (st != GR_OK) return st;
        gr__elements_decode(a, raw, n, x);
        for (size_t i = 0; i < n; i++) {
            uint64_t at = a->fortran ? w.at : done + i;
            if (!gr__element_keep(k, dst, at, x[i])) st = gr__element_refuse(p, k, at, raw + i * width, x[i], dst, at);
            if (st != GR_OK) return st;
            if (a->fortran) walk_next(&w);
        }
        done += n;
    }
    return GR_OK;
}

/* Bytes in another order of axes. */
static gr_status permute_bytes(const gr__part *p, gr__stream *s, unsigned char *dst)
{
    walk w = walk_make(&p->array);
    unsigned char raw[GR__RUN];
    for (uint64_t done = 0; done < p->array.count;) {
        size_t n = (size_t)GR_MIN(p->array.count - done, GR__RUN);
        gr_status st = elements_take(p, s, done, raw, n);
        if (st != GR_OK) return st;
        for (size_t i = 0; i < n; i++, walk_next(&w)) dst[w.at] = raw[i];
        done += n;
    }
    return GR_OK;
}

/* ---- loading ---- */

/* Elements as they are. */
static gr_status copy(const gr__part *p, gr__stream *s, const gr__keeping *k, void *dst)
{
    uint64_t count = p->array.count;
    gr_status st = elements_take(p, s, 0, dst, (size_t)p->array.bytes);
    if (st != GR_OK) return st;
    for (uint64_t bad = 0; (bad = gr__elements_beyond(k, dst, bad, count)) < count && st == GR_OK; bad++)
        st = gr__element_refuse(p, k, bad, NULL, gr__element_at(k->as, dst, (int64_t)bad), dst, bad);
    return st;
}

static gr_status fill(const gr__part *p, const gr__keeping *k, void *dst)
{
    gr__stream *s = NULL;
    gr_status st = elements_open(p, &s);
    if (st == GR_OK) {
        if (k->use == GR__USE_VALUE && gr__elements_direct(&p->array, k->as))
            st = copy(p, s, k, dst);
        else if (k->as == GR_EL_U8)
            st = permute_bytes(p, s, dst);
        else
            st = convert(p, s, k, dst);
    }
    if (st == GR_OK) st = elements_end(p, s);
    gr__stream_close(s);
    return st;
}

/* What a sample of a field as described is, beyond its shape. */
static gr_status look_over(const gr__part *p, gr_field *f)
{
    if (f->role == GR_FIELD_WEIGHT) {
        for (uint64_t i = 0; i < p->array.count; i++)
            if (gr__element_at(f->element, f->data, (int64_t)i) > 0) return GR_OK;
        return gr__fail(p->blob.ctx, GR_E_DATA, "\"%s\": every weight is 0, so no sample counts", p->blob.name);
    }
    if (f->kind != GR_TARGET_CLASS) return GR_OK;
    const int32_t *label = f->data;
    int32_t most = 0;
    for (uint64_t i = 0; i < p->array.count; i++) most = GR_MAX(most, label[i]);
    f->classes = most + 1;
    return GR_OK;
}

gr_status gr__part_load(gr__part *p, const gr_source_options *o, int64_t most, gr_field *f)
{
    gr__keeping k = gr__keeping_of(f, o, most);
    f->data = gr__tensor_alloc(p->blob.ctx, (size_t)f->bytes);
    if (!f->data) return gr__error_code(p->blob.ctx);
    gr_status st = fill(p, &k, f->data);
    return st == GR_OK ? look_over(p, f) : st;
}

/* ---- what a header says ---- */

static gr_element input_element(gr__type t, const gr_source_options *o)
{
    switch (t) {
    case GR__U8:
        return GR_EL_U8;
    case GR__I8:
    case GR__U16:
    case GR__I16:
    case GR__I32:
        return GR_EL_I32;
    case GR__F16:
    case GR__F32:
        return GR_EL_F32;
    default: /* what neither 32-bit integers nor float32 hold */
        return o->keep_float64 || o->exact ? GR_EL_F64 : GR_EL_F32;
    }
}

static gr_shape sample_shape(const gr__array *a)
{
    gr_shape s = {.rank = a->rank - 1};
    for (int i = 1; i < a->rank; i++) s.dim[i - 1] = a->dim[i];
    return s;
}

static const char *type_name(gr__type t)
{
    static const char *const names[] = {
        [GR__U8] = "uint8",    [GR__I8] = "int8",     [GR__U16] = "uint16", [GR__I16] = "int16",
        [GR__U32] = "uint32",  [GR__I32] = "int32",   [GR__U64] = "uint64", [GR__I64] = "int64",
        [GR__F16] = "float16", [GR__F32] = "float32", [GR__F64] = "float64"};
    return (size_t)t < GR_COUNT(names) && names[t] ? names[t] : "?";
}

void gr__part_describe(const gr__part *p, const gr_source_options *o, gr_target_kind want, gr_field *f)
{
    gr__type type = p->array.type;
    gr_target_kind kind = want != GR_TARGET_NONE ? want : is_real(type) ? GR_TARGET_VALUE : GR_TARGET_CLASS;
    f->kind = f->role == GR_FIELD_TARGET ? kind : GR_TARGET_NONE;
    f->sample = sample_shape(&p->array);
    f->file_element = type_name(type);
    if (f->role == GR_FIELD_INPUT && f->vocabulary > 0)
        f->element = GR_EL_I32;
    else if (f->role == GR_FIELD_INPUT)
        f->element = input_element(type, o);
    else if (f->kind == GR_TARGET_CLASS || f->role == GR_FIELD_LENGTH)
        f->element = GR_EL_I32;
    else
        f->element = o->keep_float64 ? GR_EL_F64 : GR_EL_F32;
    f->bytes = p->array.count * gr__element_bytes(f->element);
}
