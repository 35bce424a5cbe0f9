/* Delivery: a set's numbers as batches hold them.
 *
 * One sample at a time and a few hundred numbers of it at once, so that what stands between source and batch stays in
 * the first-level cache. */
#include <math.h>
#include <string.h>

#include "data/data.h"

enum { PIECE = 256 };

#define CONVERT(FROM, TO)                                \
    do {                                                 \
        const FROM *x = from;                            \
        TO *y = to;                                      \
        for (int64_t i = 0; i < n; i++) y[i] = (TO)x[i]; \
        return;                                          \
    } while (0)

#define CONVERT_TO(TO)        \
    switch (as_is) {          \
    case GR_EL_U8:            \
        CONVERT(uint8_t, TO); \
    case GR_EL_F32:           \
        CONVERT(float, TO);   \
    case GR_EL_F64:           \
        CONVERT(double, TO);  \
    case GR_EL_I32:           \
        CONVERT(int32_t, TO); \
    }                         \
    return

void gr__elements_convert(gr_element as_is, gr_element as, const void *from, void *to, int64_t n)
{
    if (as_is == as) {
        memcpy(to, from, (size_t)n * gr__element_bytes(as));
        return;
    }
    switch (as) {
    case GR_EL_F32:
        CONVERT_TO(float);
    case GR_EL_F64:
        CONVERT_TO(double);
    case GR_EL_I32:
        CONVERT_TO(int32_t);
    case GR_EL_U8:
        return;
    }
}

/* ---- rows of a table, anywhere in it ---- */

/* The next one is asked for while this one is copied. */
static void prefetch(const char *p, size_t bytes)
{
    for (size_t i = 0; i < GR_MIN(bytes, 4096); i += 64) __builtin_prefetch(p + i);
}

static void copy_rows(const char *from, size_t apart, size_t bytes, const uint32_t *row, int64_t n, char *to)
{
    if (apart == sizeof(uint32_t)) { /* a class, or a number: sooner copied than a function is called */
        for (int64_t i = 0; i < n; i++) memcpy(to + i * 4, from + (size_t)row[i] * 4, 4);
        return;
    }
    for (int64_t i = 0; i < n; i++, to += bytes) {
        if (i + 1 < n) prefetch(from + row[i + 1] * apart, bytes);
        memcpy(to, from + row[i] * apart, bytes);
    }
}

void gr__rows_convert(gr_element as_is, gr_element as, const void *from, int64_t apart, int64_t width,
                      const uint32_t *row, int64_t n, void *to)
{
    size_t read = (size_t)apart * gr__element_bytes(as_is), written = (size_t)width * gr__element_bytes(as);
    const char *x = from;
    if (as_is == as) {
        copy_rows(x, read, written, row, n, to);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (i + 1 < n) prefetch(x + row[i + 1] * read, read);
        gr__elements_convert(as_is, as, x + row[i] * read, (char *)to + (size_t)i * written, width);
    }
}

/* ---- delivery ---- */

/* Types whose numbers float32 may not hold: prepared here. */
static bool is_wide(gr_element e)
{
    return e == GR_EL_I32 || e == GR_EL_F64;
}

gr_element gr__elements_together(gr_element a, gr_element b)
{
    return a == b ? a : is_wide(a) || is_wide(b) ? GR_EL_F64 : GR_EL_F32;
}

bool gr__prepared_as_delivered(gr_element source)
{
    return is_wide(source);
}

gr_status gr__delivery_of(gr_context *ctx, gr_element source, gr_element real, const gr_prepared *p, int n,
                          gr_shape sample, gr_delivery *out)
{
    bool here = n > 0 && is_wide(source);
    gr_status st = here ? gr__prepare_check(ctx, GR_E_SHAPE, p, n, sample) : GR_OK;
    if (st != GR_OK) return st;
    *out = (gr_delivery){.as = source == GR_EL_U8 ? GR_EL_U8 : real};
    if (here) *out = (gr_delivery){real, p, n, gr_shape_count(sample)};
    return GR_OK;
}

gr_status gr__delivery_for(gr_context *ctx, const gr_field *x, gr_element source, gr_element real, const gr_prepared *p,
                           int n, gr_shape sample, gr_delivery *out)
{
    if (x->vocabulary == 0) return gr__delivery_of(ctx, source, real, p, n, sample, out);
    if (n > 0)
        return gr__fail(ctx, GR_E_CONFLICT, "the input \"%s\" holds indices, of which nothing can be prepared",
                        x->name);
    *out = (gr_delivery){.as = GR_EL_I32};
    return GR_OK;
}

int gr__delivery_left(const gr_delivery *d, int n)
{
    return d->n_prepared ? 0 : n;
}

void gr__deliver(const gr_field *x, const void *sample, const gr_delivery *d, int64_t width, void *out)
{
    size_t to = gr__element_bytes(d->as);
    const char *source = sample;
    double piece[PIECE];
    if (!d->n_prepared) {
        gr__elements_convert(x->element, d->as, source, out, width);
        return;
    }
    gr__before in = gr__before_of(d->prepared, d->n_prepared, x->element, source);
    for (int64_t e = 0; e < width; e += PIECE) {
        int64_t n = GR_MIN(PIECE, width - e);
        gr__prepare_read(&in, e, piece, n);
        gr__elements_convert(GR_EL_F64, d->as, piece, (char *)out + (size_t)e * to, n);
    }
}

/* A row of the set, wherever its numbers are in memory. */
static void deliver_row(const gr_field *x, int64_t row, const gr_delivery *d, int64_t width, void *out)
{
    const gr_field *f = gr__field_of(x, &row);
    size_t sample = (size_t)gr_shape_count(f->sample) * gr__element_bytes(f->element);
    gr__deliver(f, (const char *)f->data + (size_t)row * sample, d, width, out);
}

void gr__deliver_rows(const gr_field *x, const uint32_t *row, int64_t n, const gr_delivery *d, int64_t width, void *out)
{
    int64_t apart = gr_shape_count(x->sample);
    size_t from = (size_t)apart * gr__element_bytes(x->element), to = (size_t)width * gr__element_bytes(d->as);
    if (!d->n_prepared && !x->made) {
        gr__rows_convert(x->element, d->as, x->data, apart, width, row, n, out);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        if (i + 1 < n && !x->made) prefetch((const char *)x->data + row[i + 1] * from, from);
        deliver_row(x, row[i], d, width, (char *)out + (size_t)i * to);
    }
}
