/* Weights in safetensors, of any tool. */
#include <string.h>

#include "base/text.h"
#include "exchange/foreign.h"

static void close(gr_foreign *f)
{
    gr__st_close(f->own);
}

static bool type_of(const gr_st_tensor *t, gr__foreign_type *out)
{
    if (t->type == GR_ST_F64)
        *out = GR__FOREIGN_F64;
    else if (t->type == GR_ST_F32)
        *out = GR__FOREIGN_F32;
    else if (t->type == GR_ST_F16)
        *out = GR__FOREIGN_F16;
    else
        *out = GR__FOREIGN_BF16;
    return t->type == GR_ST_BF16 || *out != GR__FOREIGN_BF16;
}

static gr_status open(gr_foreign *f)
{
    gr_st *file = NULL;
    gr_status st = gr__st_open(f->ctx, f->path, &file);
    if (st != GR_OK) return st;
    f->own = file;
    st = gr__st_verify(file, f->path);
    f->n = gr__st_count(file);
    f->tensor = gr__bump_alloc(f->memory, sizeof *f->tensor * (size_t)(f->n + 1));
    if (!f->tensor) return GR_E_MEMORY;
    for (int i = 0; i < f->n; i++) {
        const gr_st_tensor *t = gr__st_at(file, i);
        gr__foreign_type type;
        f->tensor[i] = (gr_foreign_tensor){
            .name = t->name, .shape = t->shape, .type = gr__st_called(t), .real = type_of(t, &type)};
    }
    int pairs = gr__st_pairs(file);
    gr_st_pair *meta = gr__bump_alloc(f->memory, sizeof *meta * (size_t)(pairs + 1));
    if (!meta) return GR_E_MEMORY;
    for (int i = 0; i < pairs; i++) {
        gr_st_pair pair = gr__st_pair(file, i);
        if (strncmp(pair.key, "gradus.", 7) == 0 && strcmp(pair.key, "gradus.crc32") != 0) meta[f->n_meta++] = pair;
    }
    f->meta = meta;
    return st;
}

static gr_status read(gr_foreign *f, int i, gr_foreign_take *take, void *user)
{
    const gr_st_tensor *t = gr__st_at(f->own, i);
    gr__foreign_type type;
    char raw[8 * GR__FOREIGN_RUN];
    double x[GR__FOREIGN_RUN];
    type_of(t, &type);
    size_t width = gr__foreign_width(type), all = t->bytes / width;
    for (size_t at = 0, n; at < all; at += n) {
        n = GR_MIN(all - at, (size_t)GR__FOREIGN_RUN);
        gr_status st = gr__st_read(f->own, t, at * width, n * width, raw);
        if (st != GR_OK) return st;
        gr__foreign_decode(type, raw, n, x);
        take(user, (int64_t)at, x, n);
    }
    return GR_OK;
}

const gr_foreign_form gr__foreign_safetensors = {"safetensors", open, read, close};
