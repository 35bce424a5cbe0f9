/* Safetensors: any bytes are refused with one error or give tensors that lie within them. */
#include <stdlib.h>
#include <string.h>

#include "model/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look(const gr_st *st, const char *begin, const char *end)
{
    unsigned sum = 0;
    for (int i = 0; i < gr__st_count(st); i++) {
        const gr_st_tensor *t = gr__st_at(st, i);
        const char *p = t->data;
        if (p < begin || t->bytes > (size_t)(end - p) || gr__st_find(st, t->name) != t) abort();
        for (size_t k = 0; k < t->bytes; k++) sum += (unsigned char)p[k];
    }
    if (gr__st_meta(st, "gradus.recipe")) sum += (unsigned)strlen(gr__st_meta(st, "gradus.recipe"));
    __asm__ volatile("" : : "r"(sum)); /* the reads above must happen */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    gr_st *st = NULL;
    if (gr_context_create(NULL, &ctx) != GR_OK) return 0;
    char *copy = gr__alloc(ctx, n + 1);
    if (n) memcpy(copy, data, n);
    gr_status status = gr__st_parse(ctx, "fuzz", copy, n, &st);
    if (status == GR_OK) {
        look(st, copy, copy + n);
        status = gr__st_verify(st, "fuzz");
        if (status != GR_OK && status != GR_E_FORMAT) abort();
    } else if (status != GR_E_FORMAT || !gr_context_error(ctx)->message[0]) {
        abort();
    }
    gr__st_close(st);
    if (gr__bookkeeping_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
