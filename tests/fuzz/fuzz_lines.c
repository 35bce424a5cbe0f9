/* Text: lines with labels and running text, of bytes and of characters, of the training and by its schema. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/text/text.h"

/* Every index lies within what the options say, but the class of a row that is let through is none. */
static void check(const gr_set *s, const gr__text_options *o)
{
    for (int i = 0; i < 1 + s->n_targets; i++) {
        const gr_field *f = &s->field[i];
        int64_t below = i ? f->classes : o->room, n = s->n * gr_shape_count(f->sample);
        int32_t least = i && o->faults && !o->window ? -1 : 0;
        for (int64_t k = 0; k < n; k++)
            if (((const int32_t *)f->data)[k] < least || (below && ((const int32_t *)f->data)[k] >= below)) abort();
    }
    const int32_t *length = s->n_lengths ? s->field[gr__set_fields(s) - 1].data : NULL;
    for (int64_t i = 0; i < s->n && length; i++)
        if (length[i] < 1 || length[i] > gr_shape_count(s->field[0].sample)) abort();
}

static void try_as(gr_context *ctx, const uint8_t *data, size_t n, const gr__text_options *o)
{
    gr__blob blob;
    gr_set set = {0}, info = {0};
    gr__bump *b = gr__bump_create(ctx);
    gr__blob_memory(ctx, "text", data, n, &blob);
    gr_status st = b ? gr__text_info(&blob, o, b, &info) : GR_E_MEMORY;
    if (st == GR_OK) st = gr__text_load(&blob, o, &set);
    if (st == GR_OK && (set.n != info.n || gr__set_bytes(&set) != gr__set_bytes(&info))) abort();
    if (st == GR_OK) check(&set, o);
    for (size_t i = 0; st == GR_OK && o->faults && i < o->faults->n; i++)
        if (o->faults->fault[i].row < 0 || o->faults->fault[i].row >= set.n) abort();
    for (int64_t i = 0; st == GR_OK && set.line && i < set.n; i++)
        if (set.line[i] <= (i ? set.line[i - 1] : 0)) abort();
    gr__set_free(ctx, &set);
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"ham", "spam"};
    static const int32_t symbols[] = {' ', 'a', 'b', 0x20ac};
    gr_schema like = {.n_targets = 1, .symbol = symbols, .n_symbols = 4};
    like.target[0] = (gr_schema_target){.class_names = names, .n_class_names = 2};
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    for (int k = 0; k < 32; k++) {
        gr__text_options o = {.chars = k & 1, .input = "input", .target = "main", .raw = k & 2};
        if (k & 4)
            o.length = 5;
        else
            o.window = 7, o.stride = 3, o.last = k & 8;
        if (k & 16) o.like = &like;
        if (k & 16 && k & 8) o.own_classes = true;
        if (k & 1) o.room = o.outputs = 12, o.most = k & 8 ? 10 : 0;
        if (!o.window) o.outputs = 0;
        o.whole = k & 4 && k & 2 && k & 8;
        try_as(ctx, data, n, &o);
        if (o.raw) continue;
        for (int note = 0; note < 2; note++) {
            static const uint32_t out[] = {1, 2, 5};
            gr_faults f;
            if (gr__faults_open(ctx, &f) != GR_OK) abort();
            f.out = out, f.n_out = 3, f.note = note;
            o.faults = &f;
            try_as(ctx, data, n, &o);
            gr__faults_close(&f);
        }
    }
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
