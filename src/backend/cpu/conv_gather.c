#include "backend/cpu/conv_gather.h"

#include <string.h>

gr_status gr__gather_alloc(gr_context *ctx, gr__gather *g, int n_taps)
{
    g->n_taps = g->capacity = n_taps;
    g->taps = gr__alloc(ctx, sizeof *g->taps * (size_t)GR_MAX(n_taps, 1));
    g->segments = gr__alloc(ctx, sizeof *g->segments * (size_t)GR_MAX(n_taps, 1));
    return g->taps == NULL || g->segments == NULL ? gr__error_code(ctx) : GR_OK;
}

void gr__gather_free(gr_context *ctx, gr__gather *g)
{
    gr__free(ctx, g->taps, sizeof *g->taps * (size_t)GR_MAX(g->capacity, 1));
    gr__free(ctx, g->segments, sizeof *g->segments * (size_t)GR_MAX(g->capacity, 1));
}

void gr__gather_runs(gr__gather *g, bool merge)
{
    g->n_segments = 0;
    for (int i = 0; i < g->n_taps; i++) {
        int64_t a = g->taps[i].dh * g->row + g->taps[i].dw * g->pixel;
        gr__segment *last = g->n_segments > 0 ? &g->segments[g->n_segments - 1] : NULL;
        if (merge && last != NULL && last->a + last->count == a)
            last->count += g->channels;
        else
            g->segments[g->n_segments++] = (gr__segment){a, i * g->channels, g->channels};
    }
}

static void find_bounds(gr__gather *g)
{
    g->lo_h = g->lo_w = g->hi_h = g->hi_w = 0;
    for (int i = 0; i < g->n_taps; i++) {
        const struct gr__tap *t = &g->taps[i];
        g->lo_h = i == 0 ? t->dh : GR_MIN(g->lo_h, t->dh);
        g->hi_h = i == 0 ? t->dh : GR_MAX(g->hi_h, t->dh);
        g->lo_w = i == 0 ? t->dw : GR_MIN(g->lo_w, t->dw);
        g->hi_w = i == 0 ? t->dw : GR_MAX(g->hi_w, t->dw);
    }
}

void gr__gather_cut(gr__gather *g, int64_t block_floats, int shards)
{
    if (g->source_row == 0) g->source_row = g->w * g->pitch;
    if (g->source_image == 0) g->source_image = g->h * g->source_row;
    bool inside = g->lo_h >= 0 && g->lo_w >= 0 && (g->gh - 1) * g->step_h + g->hi_h < g->h &&
                  (g->gw - 1) * g->step_w + g->hi_w < g->w;
    g->copy = g->n_taps > 0 && (!inside || g->pitch != g->channels);
    int64_t image_rows = g->n_taps == 0 ? 0 : GR_MAX(g->gh - 1, 0) * g->step_h + g->hi_h - g->lo_h + 1;
    int64_t row_pixels = g->n_taps == 0 ? 0 : GR_MAX(g->gw - 1, 0) * g->step_w + g->hi_w - g->lo_w + 1;
    g->pixel = g->copy ? g->channels : g->pitch;
    g->row = g->copy ? row_pixels * g->channels : g->source_row;
    g->image = g->copy ? image_rows * g->row : g->source_image;
    int64_t floats = image_rows * row_pixels * g->channels;
    bool images = floats <= block_floats && g->n >= shards;
    g->images = images;
    int64_t grid_row = GR_MAX(g->step_h * row_pixels * g->channels, 1);
    int64_t halo = (g->hi_h - g->lo_h) * row_pixels * g->channels;
    if (images)
        g->block_units = GR_MAX(block_floats / GR_MAX(floats, 1), 1);
    else
        g->block_units = GR_MAX((block_floats - halo) / grid_row,
                                GR_MAX(1, 2 * halo / grid_row)); /* or the halo would be copied too often */
    g->block_units = GR_MIN(g->block_units, images ? GR_MAX(g->n, 1) : GR_MAX(g->gh, 1));
    int64_t rows = (g->block_units - 1) * g->step_h + g->hi_h - g->lo_h + 1;
    g->copy_bytes =
        g->copy ? gr__align64((size_t)(images ? g->block_units * floats : rows * row_pixels * g->channels) * 4) : 0;
}

void gr__gather_finish(gr__gather *g, bool merge, int64_t block_floats, int shards)
{
    find_bounds(g);
    gr__gather_cut(g, block_floats, shards);
    gr__gather_runs(g, merge);
}

/* One row of the copy: zeros, pixels, zeros. src: the picture's row, or NULL outside. */
static void copy_row(const gr__gather *g, const float *src, float *dst)
{
    int64_t pixels = g->row / g->channels;
    int64_t left = GR_MIN(GR_MAX(-g->lo_w, 0), pixels), first = GR_MAX(g->lo_w, 0);
    int64_t count = src == NULL ? 0 : GR_MAX(GR_MIN(pixels - left, g->w - first), 0);
    size_t pixel = (size_t)g->channels * sizeof(float);
    if (count == 0) {
        memset(dst, 0, (size_t)pixels * pixel);
        return;
    }
    memset(dst, 0, (size_t)left * pixel);
    dst += left * g->channels;
    src += first * g->pitch;
    if (g->pitch == g->channels)
        memcpy(dst, src, (size_t)count * pixel);
    else
        g->ops->pack_rows(dst, g->channels, src, g->pitch, g->channels, count);
    memset(dst + count * g->channels, 0, (size_t)(pixels - left - count) * pixel);
}

int64_t gr__gather_open(const gr__gather *g, int64_t unit, int64_t end, const float *picture, float *scratch,
                        gr__gather_block *b)
{
    int64_t next = GR_MIN(unit + g->block_units, end);
    if (g->images) {
        *b = (gr__gather_block){.image = unit, .images = next - unit, .row = 0, .rows = g->gh};
    } else {
        int64_t image = unit / g->gh;
        next = GR_MIN(next, (image + 1) * g->gh);
        *b = (gr__gather_block){.image = image, .images = 1, .row = unit - image * g->gh, .rows = next - unit};
    }
    if (!g->copy) {
        b->origin = picture + b->image * g->image + b->row * g->step_h * g->row;
        return next;
    }
    int64_t copied = (b->rows - 1) * g->step_h + g->hi_h - g->lo_h + 1;
    float *dst = scratch;
    for (int64_t i = 0; i < b->images; i++) {
        const float *image = picture + (b->image + i) * g->source_image;
        int64_t first = b->row * g->step_h + g->lo_h;
        for (int64_t r = first; r < first + copied; r++, dst += g->row)
            copy_row(g, r >= 0 && r < g->h ? image + r * g->source_row : NULL, dst);
    }
    b->origin = scratch - g->lo_h * g->row - g->lo_w * g->pixel;
    return next;
}
