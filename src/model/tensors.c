/* Stores and files: parameters under PyTorch's names and layouts, checkpoints in memory order. */
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "model/safetensors.h"
#include "plan/store.h"

/* ---- layouts ---- */

/* A convolution's weights as the four sizes of memory: outputs, height, width, inputs. */
typedef struct conv_sizes {
    int64_t o, h, w, i;
} conv_sizes;

static bool is_conv(const gr_entry_spec *s)
{
    return s->layout != GR_LAYOUT_PLAIN;
}

static conv_sizes sizes_of(gr_shape s)
{
    if (s.rank == 3) return (conv_sizes){s.dim[0], 1, s.dim[1], s.dim[2]};
    return (conv_sizes){s.dim[0], s.dim[1], s.dim[2], s.dim[3]};
}

gr_shape gr__file_shape(const gr_entry_spec *s)
{
    if (!is_conv(s)) return s->shape;
    conv_sizes c = sizes_of(s->shape);
    return s->layout == GR_LAYOUT_CONV ? GR_SHAPE(c.o, c.i, c.h, c.w) : GR_SHAPE(c.o, c.i, c.w);
}

/* [O,KH,KW,I] to [O,I,KH,KW], or back. */
static void permute(gr_shape shape, const double *from, double *to, bool to_file)
{
    conv_sizes c = sizes_of(shape);
    int64_t area = c.h * c.w;
    for (int64_t o = 0; o < c.o; o++)
        for (int64_t p = 0; p < area; p++)
            for (int64_t i = 0; i < c.i; i++) {
                int64_t memory = (o * area + p) * c.i + i, file = (o * c.i + i) * area + p;
                if (to_file)
                    to[file] = from[memory];
                else
                    to[memory] = from[file];
            }
}

/* [outer, rows, columns] to [outer, columns, rows]: where element `offset` goes. */
static int64_t transposed(int64_t offset, int64_t rows, int64_t columns)
{
    int64_t matrix = rows * columns, inside = offset % matrix;
    return offset - inside + inside % columns * rows + inside / columns;
}

int64_t gr__offset_in_file(const gr_entry_spec *s, int64_t offset)
{
    if (!is_conv(s)) return offset;
    conv_sizes c = sizes_of(s->shape);
    return transposed(offset, c.h * c.w, c.i);
}

int64_t gr__offset_in_memory(const gr_entry_spec *s, int64_t offset)
{
    if (!is_conv(s)) return offset;
    conv_sizes c = sizes_of(s->shape);
    return transposed(offset, c.i, c.h * c.w);
}

/* ---- models ---- */

static bool in_model(const gr_entry_spec *s)
{
    return !s->slot || s->saved;
}

/* An entry's values as the file has them, in `out` of count elements of 8 or 4 bytes. */
static gr_status to_file(gr_context *ctx, const gr_store *s, const gr_entry *e, bool float64, char *out)
{
    size_t n = (size_t)e->count, bytes = 2 * sizeof(double) * n;
    double *values = gr__alloc(ctx, bytes), *v = values;
    if (!values) return GR_E_MEMORY;
    gr_store_read(s, e, values);
    if (is_conv(&e->spec)) {
        v = values + n;
        permute(e->spec.shape, values, v, true);
    }
    for (size_t i = 0; i < n; i++) {
        float single = (float)v[i];
        if (float64)
            memcpy(out + 8 * i, &v[i], 8);
        else
            memcpy(out + 4 * i, &single, 4);
    }
    gr__free(ctx, values, bytes);
    return GR_OK;
}

/* Slot NAME/slot of a parameter or a state, or this itself where it has none. */
static const gr_entry *as_viewed(const gr_store *s, const gr_entry *e, const char *slot)
{
    char name[512];
    if (!slot) return e;
    snprintf(name, sizeof name, "%s/%s", e->spec.name, slot);
    const gr_entry *other = gr_store_find(s, name);
    return other ? other : e;
}

gr_status gr__model_save(gr_context *ctx, const char *path, const gr_store *s, const char *slot, bool float64,
                         const gr_st_pair *meta, int n_meta)
{
    size_t total = 0, element = float64 ? 8 : 4, table;
    int n = 0, count = gr_store_count(s);
    for (int i = 0; i < count; i++)
        if (in_model(&gr_store_entry(s, i)->spec)) total += element * (size_t)gr_store_entry(s, i)->count;
    table = sizeof(gr_st_tensor) * (size_t)(count + 1);
    gr_st_tensor *tensors = gr__alloc(ctx, table);
    char *data = gr__alloc(ctx, total + 1), *at = data;
    gr_status st = tensors && data ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < count && st == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i);
        if (!in_model(&e->spec)) continue;
        size_t bytes = element * (size_t)e->count;
        st = to_file(ctx, s, as_viewed(s, e, slot), float64, at);
        tensors[n++] =
            (gr_st_tensor){e->spec.name, float64 ? GR_ST_F64 : GR_ST_F32, gr__file_shape(&e->spec), at, bytes};
        at += bytes;
    }
    if (st == GR_OK) st = gr__st_write(ctx, path, tensors, n, meta, n_meta);
    gr__free(ctx, data, total + 1);
    gr__free(ctx, tensors, table);
    return st;
}

static gr_status from_file(gr_context *ctx, gr_store *s, const gr_entry *e, const gr_st_tensor *t)
{
    size_t n = (size_t)e->count, bytes = 2 * sizeof(double) * n;
    double *values = gr__alloc(ctx, bytes), *v = values;
    const char *data = t->data;
    if (!values) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) { /* a file's data need not be aligned */
        float single;
        if (t->type == GR_ST_F64)
            memcpy(&values[i], data + 8 * i, 8);
        else
            memcpy(&single, data + 4 * i, 4), values[i] = single;
    }
    if (is_conv(&e->spec)) {
        v = values + n;
        permute(e->spec.shape, values, v, false);
    }
    gr_store_write(s, e, v);
    gr__free(ctx, values, bytes);
    return GR_OK;
}

static gr_status check_tensor(gr_context *ctx, const char *path, const gr_entry *e, const gr_st_tensor *t)
{
    char a[96], b[96];
    gr_shape want = gr__file_shape(&e->spec);
    if (!t)
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has no tensor \"%s\", which the network has with shape %s", path,
                        e->spec.name, gr__shape_text(want, b));
    if (!gr__shape_equal(t->shape, want))
        return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" has shape %s, the network's has %s", path, t->name,
                        gr__shape_text(t->shape, a), gr__shape_text(want, b));
    if (t->type != GR_ST_F32 && t->type != GR_ST_F64)
        return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is neither F32 nor F64", path, t->name);
    return GR_OK;
}

/* PyTorch counts batches in its models; nothing here depends on it. */
static bool ignored(const char *name)
{
    static const char tail[] = "num_batches_tracked";
    size_t n = strlen(name), k = sizeof tail - 1;
    return n >= k && strcmp(name + n - k, tail) == 0;
}

static gr_status refuse_extra(gr_context *ctx, const gr_st *st, const char *path, const gr_store *s, bool models)
{
    for (int i = 0; i < gr__st_count(st); i++) {
        const gr_st_tensor *t = gr__st_at(st, i);
        const gr_entry *e = gr_store_find(s, t->name);
        char shape[96];
        if ((e && (!models || in_model(&e->spec))) || (models && ignored(t->name))) continue;
        return gr__fail(ctx, GR_E_DATA, "\"%s\" has a tensor \"%s\" %s, which the network has not", path, t->name,
                        gr__shape_text(t->shape, shape));
    }
    return GR_OK;
}

gr_status gr__model_load(gr_context *ctx, const gr_st *st, const char *path, gr_store *s)
{
    gr_status status = refuse_extra(ctx, st, path, s, true);
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i);
        if (!in_model(&e->spec)) continue;
        const gr_st_tensor *t = gr__st_find(st, e->spec.name);
        status = check_tensor(ctx, path, e, t);
        if (status == GR_OK) status = from_file(ctx, s, e, t);
    }
    return status;
}

/* ---- checkpoints ---- */

static gr_st_type memory_type(const gr_store *s, const gr_entry *e)
{
    return e->spec.shape.rank == 0 || gr_backend_real_bytes(gr__store_backend(s)) == 8 ? GR_ST_F64 : GR_ST_F32;
}

static size_t memory_bytes(const gr_store *s, const gr_entry *e)
{
    return (size_t)e->count * (memory_type(s, e) == GR_ST_F64 ? 8 : 4);
}

gr_status gr__checkpoint_write(gr_context *ctx, const char *path, const gr_store *s, const gr_st_pair *state,
                               int n_state)
{
    int n = gr_store_count(s);
    size_t bytes = sizeof(gr_st_tensor) * (size_t)(n + 1), meta_bytes = sizeof(gr_st_pair) * (size_t)(n_state + 1);
    gr_st_tensor *tensors = gr__alloc(ctx, bytes);
    gr_st_pair *meta = gr__alloc(ctx, meta_bytes);
    gr_status st = tensors && meta ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) {
        for (int i = 0; i < n; i++) {
            const gr_entry *e = gr_store_entry(s, i);
            tensors[i] = (gr_st_tensor){e->spec.name, memory_type(s, e), e->spec.shape, e->data, memory_bytes(s, e)};
        }
        meta[0] = (gr_st_pair){"gradus.checkpoint", "1"};
        if (n_state) memcpy(meta + 1, state, sizeof *state * (size_t)n_state);
        st = gr__st_write(ctx, path, tensors, n, meta, n_state + 1);
    }
    gr__free(ctx, meta, meta_bytes);
    gr__free(ctx, tensors, bytes);
    return st;
}

gr_status gr__checkpoint_read(gr_context *ctx, const char *path, gr_st **out)
{
    gr_st *file = NULL;
    gr_status st = gr__st_open(ctx, path, &file);
    if (st != GR_OK) return st;
    const char *version = gr__st_meta(file, "gradus.checkpoint");
    if (!version)
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is not a checkpoint", path);
    else if (strcmp(version, "1") != 0)
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is a checkpoint of format %.20s, this version reads format 1", path,
                      version);
    else
        st = gr__st_verify_as(file, path, true);
    if (st == GR_OK)
        *out = file;
    else
        gr__st_close(file);
    return st;
}

gr_status gr__checkpoint_apply(gr_context *ctx, const gr_st *st, const char *path, gr_store *s)
{
    gr_status status = refuse_extra(ctx, st, path, s, false);
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) {
        const gr_entry *e = gr_store_entry(s, i);
        const gr_st_tensor *t = gr__st_find(st, e->spec.name);
        char a[96], b[96];
        if (!t)
            return gr__fail(ctx, GR_E_DATA, "\"%s\" has no \"%s\", which this run has with shape %s", path,
                            e->spec.name, gr__shape_text(e->spec.shape, b));
        if (!gr__shape_equal(t->shape, e->spec.shape) || t->type != memory_type(s, e))
            return gr__fail(
                ctx, GR_E_DATA,
                "\"%s\": \"%s\" has %d-byte numbers and shape %s, this run's has %d-byte numbers and shape %s", path,
                t->name, t->type == GR_ST_F64 ? 8 : 4, gr__shape_text(t->shape, a),
                memory_type(s, e) == GR_ST_F64 ? 8 : 4, gr__shape_text(e->spec.shape, b));
    }
    for (int i = 0; i < gr_store_count(s) && status == GR_OK; i++) { /* only once all of it fits */
        const gr_entry *e = gr_store_entry(s, i);
        if (e->count) memcpy(e->data, gr__st_find(st, e->spec.name)->data, memory_bytes(s, e));
    }
    return status;
}
