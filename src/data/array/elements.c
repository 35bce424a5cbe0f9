/* Elements of arrays: decoded, checked, kept; and what is said of those that cannot be. */
#include "data/array/elements.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/text.h"

size_t gr__type_bytes(gr__type t)
{
    static const unsigned char bytes[] = {1, 1, 2, 2, 4, 4, 8, 8, 2, 4, 8};
    return bytes[t];
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
        DECODE(uint16_t, (double)gr__f16_value(v));
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

gr__keeping gr__keeping_of(const gr_field *f, const gr_source_options *o, int64_t most)
{
    if (f->role == GR_FIELD_LENGTH)
        return (gr__keeping){GR__USE_LENGTH, f->element, most ? (double)most : INT32_MAX, 0, o->faults};
    gr__use u = f->role == GR_FIELD_WEIGHT   ? GR__USE_WEIGHT
                : f->kind == GR_TARGET_CLASS ? GR__USE_LABEL
                : f->vocabulary > 0          ? GR__USE_INDEX
                                             : GR__USE_VALUE;
    double limit = o->keep_float64 ? DBL_MAX : 0x1.fffffefffffffp127; /* rounds to a finite float */
    return (gr__keeping){u, f->element, limit, u == GR__USE_INDEX ? f->vocabulary : GR__MOST_CLASSES, o->faults};
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

static gr_status fail_index(const gr__part *p, const gr__keeping *k, const char *at, const char *value, double x)
{
    gr_context *ctx = p->blob.ctx;
    gr_status st = gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, but a vocabulary of %lld has indices 0 to %lld",
                            p->blob.name, at, value, (long long)k->below, (long long)k->below - 1);
    if (x != floor(x)) gr__error_hint(ctx, "an embedding takes whole numbers; layers such as dense take others");
    return st;
}

/* raw: the element's bytes in this machine's order, or NULL. */
static gr_status fail(const gr__part *p, const gr__keeping *k, uint64_t flat, const unsigned char *raw, double x)
{
    char at[GR_MAX_RANK * 21 + 32], value[32];
    const char *name = p->blob.name;
    index_text(&p->array, flat, at, sizeof at);
    element_text(&p->array, raw, x, value, sizeof value);
    gr_context *ctx = p->blob.ctx;
    if (!isfinite(x)) return gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, which is not finite", name, at, value);
    if (k->use == GR__USE_INDEX) return fail_index(p, k, at, value, x);
    if (k->use == GR__USE_WEIGHT && x < 0)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": the weight of sample %s is %s, but weights are numbers from 0 on",
                        name, at, value);
    if (k->use == GR__USE_LENGTH)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": the length of sample %s is %s, but samples have 1 to %.0f steps", name,
                        at, value, k->most);
    if (k->use != GR__USE_LABEL) {
        gr_status st = gr__fail(ctx, GR_E_DATA, "\"%s\": element %s is %s, which float32 cannot hold", name, at, value);
        gr__error_hint(ctx, p->raw ? "the model was trained in float32" : "precision: float64 can");
        return st;
    }
    return gr__fail(ctx, GR_E_DATA, "\"%s\": the label of sample %s is %s, but classes are whole numbers from 0 to %d",
                    name, at, value, GR__MOST_CLASSES - 1);
}

static void keep_nothing(const gr__keeping *k, void *dst, uint64_t at)
{
    if (k->use == GR__USE_LABEL || k->use == GR__USE_INDEX || k->use == GR__USE_LENGTH)
        ((int32_t *)dst)[at] = k->use == GR__USE_LABEL ? -1 : k->use == GR__USE_LENGTH;
    else if (k->as == GR_EL_F32)
        ((float *)dst)[at] = k->use == GR__USE_WEIGHT ? 0 : NAN;
    else if (k->as == GR_EL_F64)
        ((double *)dst)[at] = k->use == GR__USE_WEIGHT ? 0 : (double)NAN;
}

gr_status gr__element_refuse(const gr__part *p, const gr__keeping *k, uint64_t flat, const unsigned char *raw, double x,
                             void *dst, uint64_t at)
{
    int64_t row = (int64_t)(flat / (p->array.count / (uint64_t)p->array.dim[0]));
    gr_status st = fail(p, k, flat, raw, x);
    gr_fault_kind kind = k->use == GR__USE_LABEL ? (isnan(x) ? GR_FAULT_NO_LABEL : GR_FAULT_LABEL_RANGE)
                         : isfinite(x) && k->use != GR__USE_VALUE ? GR_FAULT_UNDECODABLE
                                                                  : GR_FAULT_NONFINITE;
    if (!gr__fault_let(k->faults, kind, row, p->blob.ctx)) return st;
    keep_nothing(k, dst, at);
    return GR_OK;
}

bool gr__element_keep(const gr__keeping *k, void *dst, uint64_t at, double x)
{
    if (k->use == GR__USE_LABEL || k->use == GR__USE_INDEX) {
        if (!(x >= 0 && x < (double)k->below) || x != floor(x)) return false;
        ((int32_t *)dst)[at] = (int32_t)x;
        return true;
    }
    if (k->use == GR__USE_LENGTH && !(x >= 1 && x == floor(x))) return false;
    if (!(fabs(x) <= k->most) || (k->use == GR__USE_WEIGHT && x < 0)) return false;
    if (k->as == GR_EL_I32)
        ((int32_t *)dst)[at] = (int32_t)x;
    else if (k->as == GR_EL_F32)
        ((float *)dst)[at] = (float)x;
    else
        ((double *)dst)[at] = x;
    return true;
}

void gr__elements_decode(const gr__array *a, unsigned char *raw, size_t n, double *out)
{
    if (a->swap) swap_bytes(raw, n, gr__type_bytes(a->type));
    decode(a->type, raw, n, out);
}

/* Elements that stand in the file as they will in memory. */
bool gr__elements_direct(const gr__array *a, gr_element to)
{
    static const gr__type same[] = {
        [GR_EL_U8] = GR__U8, [GR_EL_F32] = GR__F32, [GR_EL_F64] = GR__F64, [GR_EL_I32] = GR__I32};
    return a->type == same[to] && !a->fortran && (!a->swap || a->type == GR__U8);
}

/* The first element from i on beyond what is kept, or count. */
uint64_t gr__elements_beyond(const gr__keeping *k, const void *data, uint64_t i, uint64_t count)
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
