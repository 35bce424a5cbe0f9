/* The alphabet of a text: characters counted, then given indices. */
#include <stdlib.h>
#include <string.h>

#include "data/text/text.h"

enum { PAGE = 256, PAGES = GR__TEXT_MOST / PAGE };

gr_status gr__alphabet_begin(gr__alphabet *a, gr_context *ctx, gr__bump *b)
{
    *a = (gr__alphabet){.memory = b, .page = gr__bump_alloc(b, PAGES * sizeof *a->page)};
    return a->page ? GR_OK : gr__error_code(ctx);
}

/* NULL: no memory. */
static int64_t *place_of(gr__alphabet *a, int32_t c)
{
    int64_t **page = &a->page[c / PAGE];
    if (!*page) *page = gr__bump_alloc(a->memory, PAGE * sizeof **page);
    return *page ? *page + c % PAGE : NULL;
}

gr_status gr__alphabet_count(gr__alphabet *a, int32_t c)
{
    int64_t *count = place_of(a, c);
    if (!count) return GR_E_MEMORY;
    a->seen += ++*count == 1;
    return GR_OK;
}

int32_t gr__alphabet_index(const gr__alphabet *a, int32_t c)
{
    const int64_t *page = a->page[c / PAGE];
    return page && page[c % PAGE] ? (int32_t)page[c % PAGE] : GR__TEXT_UNKNOWN;
}

typedef struct character {
    int64_t count;
    int32_t c;
} character;

static int by_count(const void *x, const void *y)
{
    const character *a = x, *b = y;
    return a->count != b->count ? (a->count < b->count ? 1 : -1) : a->c < b->c ? -1 : 1;
}

static int by_code(const void *x, const void *y)
{
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    return (a > b) - (a < b);
}

gr_status gr__alphabet_take(gr__alphabet *a, gr_context *ctx, const int32_t *symbol, int n)
{
    int32_t *own = gr__bump_alloc(a->memory, (size_t)GR_MAX(n, 1) * sizeof *own);
    if (!own) return gr__error_code(ctx);
    if (n) memcpy(own, symbol, (size_t)n * sizeof *own);
    for (int i = 0; i < n; i++) {
        int64_t *index = place_of(a, symbol[i]);
        if (!index) return gr__error_code(ctx);
        *index = GR__TEXT_FIRST + i;
    }
    a->symbol = own;
    a->n = n;
    return GR_OK;
}

gr_status gr__alphabet_settle(gr__alphabet *a, gr_context *ctx, int64_t most)
{
    character *all = gr__bump_alloc(a->memory, (size_t)GR_MAX(a->seen, 1) * sizeof *all);
    int32_t *symbol = gr__bump_alloc(a->memory, (size_t)GR_MAX(a->seen, 1) * sizeof *symbol);
    if (!all || !symbol) return gr__error_code(ctx);
    size_t seen = 0, n = (size_t)(most ? GR_MIN(most, a->seen) : a->seen);
    for (int32_t c = 0; c < GR__TEXT_MOST; c++) {
        if (!a->page[c / PAGE]) {
            c += PAGE - 1;
            continue;
        }
        int64_t *count = &a->page[c / PAGE][c % PAGE];
        if (*count) all[seen++] = (character){*count, c};
        *count = 0;
    }
    if (n < seen) qsort(all, seen, sizeof *all, by_count);
    for (size_t i = 0; i < n; i++) symbol[i] = all[i].c;
    if (n) qsort(symbol, n, sizeof *symbol, by_code);
    return gr__alphabet_take(a, ctx, symbol, (int)n);
}
