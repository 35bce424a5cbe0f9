/* Keys: their order, and arrays of them. */
#include "data/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/array/array.h"

void gr__keys_free(gr_context *ctx, gr_keys *k)
{
    gr__tensor_free(ctx, k->rank, (size_t)k->n * sizeof *k->rank);
    *k = (gr_keys){0};
}

gr_status gr__keys_alloc(gr_context *ctx, int64_t n, gr_keys *out)
{
    uint32_t *rank = gr__tensor_alloc(ctx, (size_t)n * sizeof *rank);
    if (!rank) return gr__error_code(ctx);
    *out = (gr_keys){.rank = rank, .n = n};
    return GR_OK;
}

typedef struct keyed {
    double number;
    const char *text;
    int64_t at;
} keyed;

/* Ranks, list and array of numbers. */
uint64_t gr__keys_work(int64_t n)
{
    return (uint64_t)n * (sizeof(uint32_t) + sizeof(keyed) + sizeof(double));
}

static int by_number(const void *a, const void *b)
{
    double x = ((const keyed *)a)->number, y = ((const keyed *)b)->number;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const keyed *)a)->text, ((const keyed *)b)->text);
}

gr_status gr__keys_of_numbers(gr_context *ctx, const double *x, int64_t n, gr_keys *out)
{
    size_t bytes = (size_t)n * sizeof(keyed);
    keyed *k = gr__tensor_alloc(ctx, bytes);
    gr_status st = k ? gr__keys_alloc(ctx, n, out) : gr__error_code(ctx);
    if (st == GR_OK) {
        for (int64_t i = 0; i < n; i++) k[i] = (keyed){.number = x[i], .at = i};
        qsort(k, (size_t)n, sizeof *k, by_number);
        for (int64_t i = 0; i < n; i++) {
            if (i == 0 || by_number(&k[i - 1], &k[i]) != 0) out->found++;
            out->rank[k[i].at] = (uint32_t)(out->found - 1);
        }
    }
    gr__tensor_free(ctx, k, bytes);
    return st;
}

gr_status gr__keys_order_texts(gr_context *ctx, const char *const *text, int64_t n, gr_keys *keys)
{
    size_t bytes = (size_t)n * sizeof(keyed);
    keyed *k = gr__tensor_alloc(ctx, bytes);
    uint32_t *rank = k ? gr__tensor_alloc(ctx, (size_t)n * sizeof *rank) : NULL;
    bool numbers = true;
    for (int64_t i = 0; rank && i < n; i++) {
        k[i] = (keyed){.text = text[i], .at = i};
        numbers = numbers && gr__parse_number(text[i], &k[i].number);
    }
    if (rank) {
        qsort(k, (size_t)n, sizeof *k, numbers ? by_number : by_text);
        for (int64_t i = 0; i < n; i++) { /* 1 and 1.0 are one number, and one key */
            bool same = i > 0 && (numbers ? by_number : by_text)(&k[i - 1], &k[i]) == 0;
            keys->found += !same;
            rank[k[i].at] = (uint32_t)(keys->found - 1);
        }
        for (int64_t i = 0; i < keys->n; i++) keys->rank[i] = rank[keys->rank[i]];
    }
    gr__tensor_free(ctx, rank, (size_t)n * sizeof *rank);
    gr__tensor_free(ctx, k, bytes);
    return rank ? GR_OK : gr__error_code(ctx);
}

/* ---- of a file ---- */

static gr_status check_array(const gr__part *p, int64_t n)
{
    const gr__array *a = &p->array;
    if ((int64_t)a->count == n && a->dim[0] == n) return GR_OK;
    return gr__fail(p->blob.ctx, GR_E_DATA,
                    "\"%s\" holds %lld samples with %lld keys in all, but there are %lld samples", p->blob.name,
                    (long long)a->dim[0], (long long)a->count, (long long)n);
}

static gr_status array_keys(gr__part *p, int64_t n, gr_keys *out)
{
    const gr_source_options o = {.keep_float64 = true};
    gr_context *ctx = p->blob.ctx;
    gr_field f = {.role = GR_FIELD_TARGET};
    gr_status st = check_array(p, n);
    if (st != GR_OK) return st;
    gr__part_describe(p, &o, GR_TARGET_VALUE, &f);
    st = gr__part_load(p, &o, 0, &f);
    if (st == GR_OK) st = gr__keys_of_numbers(ctx, f.data, n, out);
    gr__tensor_free(ctx, f.data, (size_t)f.bytes);
    return st;
}

gr_status gr__keys_file(gr_context *ctx, const char *path, int64_t n, gr_keys *out)
{
    gr__blob blob;
    gr__part p = {0};
    unsigned char front[8] = {0};
    size_t got = 0;
    gr_status st = gr__blob_open(ctx, path, &blob);
    if (st != GR_OK) return gr__mistaken_data(ctx, path, NULL, st);
    st = gr__blob_peek(&blob, front, sizeof front, &got);
    bool npy = st == GR_OK && got >= 6 && memcmp(front, "\x93NUMPY", 6) == 0,
         idx = st == GR_OK && got >= 4 && front[0] == 0 && front[1] == 0;
    if (st == GR_OK && !npy && !idx) {
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is neither an NPY array nor an IDX file", path);
        gr__error_hint(ctx, "write an array of a number a sample; of a table, name a column");
    }
    if (st != GR_OK) {
        gr__blob_close(&blob);
        return gr__mistaken_data(ctx, path, NULL, st);
    }
    st = gr__part_read(&blob, npy ? gr__npy_header : gr__idx_header, &p);
    if (st != GR_OK) return st;
    st = array_keys(&p, n, out);
    gr__part_close(&p);
    return st;
}
