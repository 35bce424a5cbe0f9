/* A model's tensors as they are, under their names: as safetensors, and as the arrays of an NPZ. A model of codes has
 * the numbers that they stand for, so that all that takes a model takes it. */
#include <string.h>

#include "data/array/npz_write.h"
#include "exchange/quantize.h"

static const char *numpy_type(gr_st_type t)
{
    return t == GR_ST_F64 ? "<f8" : t == GR_ST_F32 ? "<f4" : t == GR_ST_I32 ? "<i4" : "|u1";
}

/* What a file of gr__model_open holds, in the order of its header. */
static gr_status tensors_of(gr_context *ctx, const gr_model *m, gr_st_tensor **out, int *n)
{
    *n = gr__st_count(m->file);
    *out = gr__alloc(ctx, sizeof **out * (size_t)(*n + 1));
    for (int i = 0; i < *n && *out; i++) {
        (*out)[i] = *gr__st_at(m->file, i);
        (*out)[i].data = NULL; /* it is read in pieces */
        if ((*out)[i].type > GR_ST_U8)
            return gr__fail(ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is of a type that models have not", m->path,
                            (*out)[i].name);
    }
    return *out ? GR_OK : GR_E_MEMORY;
}

static gr_status piece_of(void *user, int i, size_t at, size_t bytes, void *to)
{
    const gr_model *m = user;
    return gr__st_read(m->file, gr__st_at(m->file, i), at, bytes, to);
}

/* ---- weights as codes of 8 bits ---- */

typedef struct coding {
    gr_context *ctx;
    gr_model *m;
    gr__bump *memory;
    gr__csource_codes *codes;
    int n_codes;
    int held; /* the tensor whose numbers are there; -1: none */
    void *numbers;
    size_t room;
} coding;

static bool has_codes(const coding *x, const gr_st_tensor *t)
{
    for (int i = 0; i < x->n_codes; i++)
        if (strcmp(x->codes[i].weight, t->name) == 0) return true;
    return false;
}

/* A row, what makes one output, becomes its codes times their scale. */
static void through_codes(const gr_st_tensor *t, void *numbers, float *row, signed char *codes)
{
    int64_t all = gr_shape_count(t->shape), n = all / t->shape.dim[0];
    for (int64_t at = 0; at < all; at += n) {
        double *wide = (double *)numbers + at;
        float *narrow = (float *)numbers + at;
        for (int64_t k = 0; k < n; k++) row[k] = t->type == GR_ST_F64 ? (float)wide[k] : narrow[k];
        float scale = gr__csource_encode(row, n, codes);
        for (int64_t k = 0; k < n; k++)
            if (t->type == GR_ST_F64)
                wide[k] = (double)scale * codes[k];
            else
                narrow[k] = scale * (float)codes[k];
    }
}

static gr_status hold(coding *x, int i)
{
    const gr_st_tensor *t = gr__st_at(x->m->file, i);
    size_t n = (size_t)(gr_shape_count(t->shape) / t->shape.dim[0]);
    gr__free(x->ctx, x->numbers, x->room);
    x->held = i;
    x->room = t->bytes;
    x->numbers = gr__alloc(x->ctx, t->bytes);
    float *row = x->numbers ? gr__alloc(x->ctx, n * sizeof *row) : NULL;
    signed char *codes = row ? gr__alloc(x->ctx, n) : NULL;
    gr_status st = codes ? gr__st_read(x->m->file, t, 0, t->bytes, x->numbers) : GR_E_MEMORY;
    if (st == GR_OK) through_codes(t, x->numbers, row, codes);
    if (codes) gr__free(x->ctx, codes, n);
    if (row) gr__free(x->ctx, row, n * sizeof *row);
    return st;
}

static gr_status coded_piece(void *user, int i, size_t at, size_t bytes, void *to)
{
    coding *x = user;
    if (!has_codes(x, gr__st_at(x->m->file, i))) return piece_of(x->m, i, at, bytes, to);
    gr_status st = x->held == i ? GR_OK : hold(x, i);
    if (st == GR_OK) memcpy(to, (const char *)x->numbers + at, bytes);
    return st;
}

static gr_status find_codes(coding *x, const gr_export_options *o)
{
    gr_int8 told;
    x->held = -1;
    if (!o->int8) return GR_OK;
    x->memory = gr__bump_create(x->ctx);
    return x->memory ? gr__quantize(x->ctx, x->memory, x->m, o, true, &x->codes, &x->n_codes,
                                    o->quantized ? o->quantized : &told)
                     : GR_E_MEMORY;
}

/* ---- the two formats ---- */

gr_status gr__export_safetensors(gr_context *ctx, gr_model *m, const char *path, const gr_export_options *o)
{
    gr_st_tensor *tensors = NULL;
    coding x = {.ctx = ctx, .m = m};
    int n = 0, n_meta = 0, all = gr__st_pairs(m->file);
    size_t room = sizeof(gr_st_pair) * (size_t)(all + 1);
    gr_st_pair *meta = gr__alloc(ctx, room);
    gr_status st = meta ? tensors_of(ctx, m, &tensors, &n) : GR_E_MEMORY;
    for (int i = 0; i < all && st == GR_OK && !o->raw; i++) {
        gr_st_pair pair = gr__st_pair(m->file, i);
        if (strcmp(pair.key, "gradus.crc32") != 0) meta[n_meta++] = pair; /* the writer makes its own */
    }
    if (st == GR_OK) st = find_codes(&x, o);
    const gr_st_maker maker = {coded_piece, &x};
    if (st == GR_OK) st = gr__st_write_pieces(ctx, path, tensors, n, &maker, meta, n_meta);
    gr__free(ctx, x.numbers, x.room);
    gr__bump_destroy(x.memory);
    gr__free(ctx, tensors, sizeof *tensors * (size_t)(n + 1));
    gr__free(ctx, meta, room);
    return st;
}

gr_status gr__export_npz(gr_context *ctx, gr_model *m, const char *path, const gr_export_options *o)
{
    (void)o;
    gr_st_tensor *tensors = NULL;
    int n = 0;
    gr_status st = tensors_of(ctx, m, &tensors, &n);
    size_t room = sizeof(gr__npz_array) * (size_t)(n + 1);
    gr__npz_array *arrays = st == GR_OK ? gr__alloc(ctx, room) : NULL;
    if (st == GR_OK && !arrays) st = GR_E_MEMORY;
    for (int i = 0; i < n && st == GR_OK; i++) {
        const gr_st_tensor *t = &tensors[i];
        arrays[i] =
            (gr__npz_array){.name = t->name, .type = numpy_type(t->type), .rank = t->shape.rank, .bytes = t->bytes};
        for (int k = 0; k < t->shape.rank; k++) arrays[i].dim[k] = t->shape.dim[k];
    }
    const gr__npz_maker maker = {piece_of, m};
    if (st == GR_OK) st = gr__npz_write_pieces(ctx, path, arrays, n, &maker);
    gr__free(ctx, arrays, room);
    gr__free(ctx, tensors, sizeof *tensors * (size_t)(n + 1));
    return st;
}
