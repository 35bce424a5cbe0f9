/* Weights as the arrays of an NPZ, of any order of axes and bytes. */
#include <string.h>

#include "data/array/elements.h"
#include "data/array/npz.h"
#include "exchange/foreign.h"

typedef struct archive {
    gr__blob zip;
    gr__part *part; /* one a tensor; of those that are not counted zeroed */
} archive;

static void close(gr_foreign *f)
{
    archive *a = f->own;
    for (int i = 0; i < f->n && a->part; i++)
        if (a->part[i].blob.ctx) gr__part_close(&a->part[i]);
    gr__blob_close(&a->zip);
}

static const char *type_name(gr__type t)
{
    static const char *const names[] = {"uint8",  "int8",  "uint16",  "int16",   "uint32", "int32",
                                        "uint64", "int64", "float16", "float32", "float64"};
    return names[t];
}

/* Arrays that count batches are not looked at: they may have no axis. */
static gr_status open_part(gr_foreign *f, archive *a, int i, const char *name)
{
    gr_foreign_tensor *t = &f->tensor[i];
    *t = (gr_foreign_tensor){.name = name, .type = "an integer"};
    if (gr__model_ignores(name)) return GR_OK;
    const char *label = gr__bump_format(f->memory, "%s:%s", f->path, name);
    if (!label) return GR_E_MEMORY;
    gr_status st = gr__npz_open(&a->zip, name, label, &a->part[i]);
    if (st != GR_OK) return st;
    const gr__array *array = &a->part[i].array;
    if (array->rank > GR_MAX_RANK)
        return gr__fail(f->ctx, GR_E_FORMAT, "\"%s\" has %d axes, more than %d", label, array->rank, GR_MAX_RANK);
    t->shape.rank = array->rank;
    for (int k = 0; k < array->rank; k++) t->shape.dim[k] = array->dim[k];
    t->type = type_name(array->type);
    t->real = array->type >= GR__F16;
    return GR_OK;
}

static gr_status open(gr_foreign *f)
{
    const char *const *name;
    int n = 0;
    archive *a = gr__bump_alloc(f->memory, sizeof *a);
    if (!a) return GR_E_MEMORY;
    gr_status st = gr__blob_open(f->ctx, f->path, &a->zip);
    if (st != GR_OK) return st;
    f->own = a;
    st = gr__npz_names(&a->zip, f->memory, &name, &n);
    if (st != GR_OK) return st;
    f->tensor = gr__bump_alloc(f->memory, sizeof *f->tensor * (size_t)(n + 1));
    a->part = gr__bump_alloc(f->memory, sizeof *a->part * (size_t)(n + 1));
    if (!f->tensor || !a->part) return GR_E_MEMORY;
    f->n = n;
    for (int i = 0; i < n && st == GR_OK; i++) st = open_part(f, a, i, name[i]);
    return st;
}

/* Where element k of the file stands in C order, where the first axis runs fastest. */
static int64_t in_c_order(const gr__array *a, uint64_t k)
{
    int64_t at = 0, stride = 1;
    uint64_t left = k, index[GR_MAX_RANK + 1];
    for (int i = 0; i < a->rank; i++) {
        index[i] = left % (uint64_t)a->dim[i];
        left /= (uint64_t)a->dim[i];
    }
    for (int i = a->rank - 1; i >= 0; i--) {
        at += (int64_t)index[i] * stride;
        stride *= a->dim[i];
    }
    return at;
}

static gr_status walk(const gr__part *p, gr__stream *s, gr_foreign_take *take, void *user)
{
    const gr__array *a = &p->array;
    unsigned char raw[8 * GR__RUN];
    double x[GR__RUN];
    size_t width = gr__type_bytes(a->type), n, got;
    gr_status st = gr__stream_take(s, NULL, a->at);
    for (uint64_t at = 0; at < a->count && st == GR_OK; at += n) {
        n = (size_t)GR_MIN(a->count - at, (uint64_t)GR__RUN);
        st = gr__stream_take(s, raw, n * width);
        if (st != GR_OK) return st;
        gr__elements_decode(a, raw, n, x);
        if (!a->fortran) take(user, (int64_t)at, x, n);
        for (size_t i = 0; i < n && a->fortran; i++) take(user, in_c_order(a, at + i), &x[i], 1);
    }
    /* reading on to the end holds the checksum against it */
    return st == GR_OK ? gr__stream_read(s, raw, 1, &got) : st;
}

static gr_status read(gr_foreign *f, int i, gr_foreign_take *take, void *user)
{
    const archive *a = f->own;
    gr__stream *s = NULL;
    gr_status st = gr__stream_open(&a->part[i].blob, &s);
    if (st == GR_OK) st = walk(&a->part[i], s, take, user);
    gr__stream_close(s);
    return st;
}

const gr_foreign_form gr__foreign_npz = {"NPZ", open, read, close};
