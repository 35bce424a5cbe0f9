/* Numeric arrays to fields: sizes, conversion of elements, checks of values. */
#include "data/array/array.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

#define CHUNK 1024 /* elements converted at a time: raw and double forms stay in the first-level cache */

/* ---- sizes ---- */

static size_t type_bytes(gr__type t)
{
    static const unsigned char bytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    return bytes[t];
}

static bool is_real(gr__type t)
{
    return t >= GR__F16;
}

gr_status gr__array_size(gr_context *ctx, const char *name, gr__array *a)
{
    uint64_t bytes = type_bytes(a->type);
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

static double half(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double x = exponent == 31 ? (mantissa ? (double)NAN : (double)INFINITY)
               : exponent     ? ldexp(1024 + mantissa, exponent - 25)
                              : ldexp(mantissa, -24);
    return h & 0x8000 ? -x : x;
}

#define DECODE(T, read)                           \
    for (size_t i = 0; i < n; i++) {              \
        T v;                                      \
        memcpy(&v, raw + i * sizeof v, sizeof v); \
        out[i] = (double)(read);                  \
    }                                             \
    break

static void decode(gr__type type, const unsigned char *raw, size_t n, double *out)
{
    switch (type) {
    case GR__U8:
        DECODE(uint8_t, v);
    case GR__I8:
        DECODE(int8_t, v);
    case GR__U16:
        DECODE(uint16_t, v);
    case GR__I16:
        DECODE(int16_t, v);
    case GR__U32:
        DECODE(uint32_t, v);
    case GR__I32:
        DECODE(int32_t, v);
    case GR__U64:
        DECODE(uint64_t, v);
    case GR__I64:
        DECODE(int64_t, v);
    case GR__F16:
        DECODE(uint16_t, half(v));
    case GR__F32:
        DECODE(float, v);
    case GR__F64:
        DECODE(double, v);
    }
}

static void swap_bytes(unsigned char *raw, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++, raw += width) {
        for (size_t a = 0, b = width - 1; a < b; a++, b--) {
            unsigned char t = raw[a];
            raw[a] = raw[b];
            raw[b] = t;
        }
    }
}

/* "[3,0,5]": where element `flat` (in C order) stands. */
static const char *index_text(const gr__array *a, uint64_t flat, char *buffer, size_t n)
{
    uint64_t index[GR_MAX_RANK + 1];
    for (int i = a->rank - 1; i >= 0; i--) {
        index[i] = flat % (uint64_t)a->dim[i];
        flat /= (uint64_t)a->dim[i];
    }
    size_t used = 0;
    for (int i = 0; i < a->rank; i++)
        used += (size_t)snprintf(buffer + used, n - used, "%c%llu", i ? ',' : '[', (unsigned long long)index[i]);
    snprintf(buffer + used, n - used, "]");
    return buffer;
}

/* What elements become: numbers, classes, indices, weights, lengths. */
typedef enum use { USE_VALUE, USE_LABEL, USE_INDEX, USE_WEIGHT, USE_LENGTH } use;

/* How elements are kept. The numbers of a run in float32 stay within its range, in whatever they are kept. */
typedef struct keeping {
    use use;
    gr_element as;
    double most;
    int64_t below; /* of classes and indices */
    gr_faults *faults;
} keeping;

static keeping keeping_of(const gr_field *f, const gr_source_options *o, int64_t most)
{
    if (f->role == GR_FIELD_LENGTH)
        return (keeping){USE_LENGTH, f->element, most ? (double)most : INT32_MAX, 0, o->faults};
    use u = f->role == GR_FIELD_WEIGHT   ? USE_WEIGHT
            : f->kind == GR_TARGET_CLASS ? USE_LABEL
            : f->vocabulary > 0          ? USE_INDEX
                                         : USE_VALUE;
    double limit = o->keep_float64 ? DBL_MAX : 0x1.fffffefffffffp127; /* rounds to a finite float */
    return (keeping){u, f->element, limit, u == USE_INDEX ? f->vocabulary : GR__MOST_CLASSES, o->faults};
}

/* An element as its file has it: 64-bit integers have digits that a double has not. */
static void element_text(const gr__array *a, const unsigned char *raw, double x, char *text, size_t n)
{
    uint64_t bits = 0;
    if (raw && (a->type == GR__I64 || a->type == GR__U64)) {
        memcpy(&bits, raw, sizeof bits);
        snprintf(text, n, a->type == GR__I64 ? "%" PRId64 : "%" PRIu64, bits);
        return;
    }
    gr__double_text(x, text);
}

static gr_status fail_index(const gr__part *p, const keeping *k, const char *at, const char *value, double x)
{
    gr_context *ctx = p->blob.ctx;
    gr_status st = gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, but a vocabulary of %lld has indices 0 to %lld",
                            p->blob.name, at, value, (long long)k->below, (long long)k->below - 1);
    if (x != floor(x)) gr__error_hint(ctx, "an embedding takes whole numbers; layers such as dense take others");
    return st;
}

/* raw: the element's bytes in this machine's order, or NULL. */
static gr_status fail_value(const gr__part *p, const keeping *k, uint64_t flat, const unsigned char *raw, double x)
{
    char at[GR_MAX_RANK * 21 + 32], value[32];
    const char *name = p->blob.name;
    index_text(&p->array, flat, at, sizeof at);
    element_text(&p->array, raw, x, value, sizeof value);
    gr_context *ctx = p->blob.ctx;
    if (!isfinite(x)) return gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, which is not finite", name, at, value);
    if (k->use == USE_INDEX) return fail_index(p, k, at, value, x);
    if (k->use == USE_WEIGHT && x < 0)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": the weight of sample %s is %s, but weights are numbers from 0 on",
                        name, at, value);
    if (k->use == USE_LENGTH)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": the length of sample %s is %s, but samples have 1 to %.0f steps", name,
                        at, value, k->most);
    if (k->use != USE_LABEL) {
        gr_status st = gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, which float32 cannot hold", name, at, value);
        gr__error_hint(ctx, p->raw ? "the model was trained in float32" : "precision: float64 can");
        return st;
    }
    return gr__fail(ctx, GR_E_DATA, "\"%s\": the label of sample %s is %s, but classes are whole numbers from 0 to %d",
                    name, at, value, GR__MOST_CLASSES - 1);
}

static bool store(const keeping *k, void *dst, uint64_t at, double x)
{
    if (k->use == USE_LABEL || k->use == USE_INDEX) {
        if (!(x >= 0 && x < (double)k->below) || x != floor(x)) return false;
        ((int32_t *)dst)[at] = (int32_t)x;
        return true;
    }
    if (k->use == USE_LENGTH && !(x >= 1 && x == floor(x))) return false;
    if (!(fabs(x) <= k->most) || (k->use == USE_WEIGHT && x < 0)) return false;
    if (k->as == GR_EL_I32)
        ((int32_t *)dst)[at] = (int32_t)x;
    else if (k->as == GR_EL_F32)
        ((float *)dst)[at] = (float)x;
    else
        ((double *)dst)[at] = x;
    return true;
}

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

/* What stands for an element that cannot be kept. */
static void store_nothing(const keeping *k, void *dst, uint64_t at)
{
    if (k->use == USE_LABEL || k->use == USE_INDEX || k->use == USE_LENGTH)
        ((int32_t *)dst)[at] = k->use == USE_LABEL ? -1 : k->use == USE_LENGTH;
    else if (k->as == GR_EL_F32)
        ((float *)dst)[at] = k->use == USE_WEIGHT ? 0 : NAN;
    else if (k->as == GR_EL_F64)
        ((double *)dst)[at] = k->use == USE_WEIGHT ? 0 : (double)NAN;
}

/* An element that cannot be kept: of a row whose faults are let through it becomes nothing. */
static gr_status refuse(const gr__part *p, const keeping *k, uint64_t at, const unsigned char *raw, double x, void *dst)
{
    int64_t row = (int64_t)(at / (p->array.count / (uint64_t)p->array.dim[0]));
    gr_status st = fail_value(p, k, at, raw, x);
    gr_fault_kind kind = k->use == USE_LABEL                  ? (isnan(x) ? GR_FAULT_NO_LABEL : GR_FAULT_LABEL_RANGE)
                         : isfinite(x) && k->use != USE_VALUE ? GR_FAULT_UNDECODABLE
                                                              : GR_FAULT_NONFINITE;
    if (!gr__fault_let(k->faults, kind, row, p->blob.ctx)) return st;
    store_nothing(k, dst, at);
    return GR_OK;
}

static gr_status convert(const gr__part *p, gr__stream *s, const keeping *k, void *dst)
{
    const gr__array *a = &p->array;
    unsigned char raw[CHUNK * 8];
    double x[CHUNK];
    size_t width = type_bytes(a->type);
    walk w = walk_make(a);
    for (uint64_t done = 0; done < a->count;) {
        size_t n = (size_t)GR_MIN(a->count - done, CHUNK);
        gr_status st = elements_take(p, s, done * width, raw, n * width);
        if (st != GR_OK) return st;
        if (a->swap) swap_bytes(raw, n, width);
        decode(a->type, raw, n, x);
        for (size_t i = 0; i < n; i++) {
            uint64_t at = a->fortran ? w.at : done + i;
            if (!store(k, dst, at, x[i])) st = refuse(p, k, at, raw + i * width, x[i], dst);
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
    unsigned char raw[CHUNK];
    for (uint64_t done = 0; done < p->array.count;) {
        size_t n = (size_t)GR_MIN(p->array.count - done, CHUNK);
        gr_status st = elements_take(p, s, done, raw, n);
        if (st != GR_OK) return st;
        for (size_t i = 0; i < n; i++, walk_next(&w)) dst[w.at] = raw[i];
        done += n;
    }
    return GR_OK;
}

/* ---- loading ---- */

/* Elements that stand in the file as they will in memory. */
static bool direct(const gr__array *a, gr_element to)
{
    static const gr__type same[] = {
        [GR_EL_U8] = GR__U8, [GR_EL_F32] = GR__F32, [GR_EL_F64] = GR__F64, [GR_EL_I32] = GR__I32};
    return a->type == same[to] && !a->fortran && (!a->swap || a->type == GR__U8);
}

/* The first element from i on beyond what is kept, or count. */
static uint64_t find_beyond(const keeping *k, const void *data, uint64_t i, uint64_t count)
{
    if (k->as == GR_EL_F32) {
        const float *x = data;
        for (; i + 256 <= count; i += 256) { /* blocks without a branch inside become vector code */
            unsigned bad = 0;
            for (int j = 0; j < 256; j++) bad |= !(fabsf(x[i + (uint64_t)j]) <= FLT_MAX);
            if (bad) break;
        }
        while (i < count && isfinite(x[i])) i++;
        return i;
    }
    if (k->as != GR_EL_F64) return count;
    while (i < count && fabs(((const double *)data)[i]) <= k->most) i++;
    return i;
}

/* Elements as they are. */
static gr_status copy(const gr__part *p, gr__stream *s, const keeping *k, void *dst)
{
    uint64_t count = p->array.count;
    gr_status st = elements_take(p, s, 0, dst, (size_t)p->array.bytes);
    if (st != GR_OK) return st;
    for (uint64_t bad = 0; (bad = find_beyond(k, dst, bad, count)) < count && st == GR_OK; bad++)
        st = refuse(p, k, bad, NULL, gr__element_at(k->as, dst, (int64_t)bad), dst);
    return st;
}

static gr_status fill(const gr__part *p, const keeping *k, void *dst)
{
    gr__stream *s = NULL;
    gr_status st = elements_open(p, &s);
    if (st == GR_OK) {
        if (k->use == USE_VALUE && direct(&p->array, k->as))
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
    keeping k = keeping_of(f, o, most);
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
