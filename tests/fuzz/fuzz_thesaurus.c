/* Thesauri, and the words of a text in them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "data/text/thesaurus.h"

static void look_up(const gr__thesaurus *t, const uint8_t *data, size_t n)
{
    int32_t unit[256];
    int64_t room = n < 256 ? (int64_t)n : 256;
    for (int64_t i = 0; i < room; i++) unit[i] = data[i];
    for (int64_t i = 0; i < room;) {
        int64_t length = gr__word_length(t->chars, unit + i, room - i);
        const gr__headword *e = length ? gr__thesaurus_find(t, unit + i, length) : NULL;
        int n_list = 0;
        for (const gr__variant *v = e ? e->list : NULL; v; v = v->next) n_list += v->word.n > 0;
        if (e && (e->n < 1 || n_list != e->n || e->word.n != length)) abort();
        i += length ? length : 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1}, &ctx) != GR_OK) return 0;
    for (int chars = 0; chars < 2; chars++) {
        gr__blob blob;
        gr__thesaurus t;
        gr__bump *b = gr__bump_create(ctx);
        gr__blob_memory(ctx, "words", data, n, &blob);
        gr_status st = gr__thesaurus_read(&blob, b, chars, &t);
        if (st == GR_OK) look_up(&t, data, n);
        gr__blob_close(&blob);
        gr__bump_destroy(b);
        if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
        gr_context_clear_error(ctx);
    }
    if (gr__bookkeeping_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
