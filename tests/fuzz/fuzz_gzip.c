/* Gzip files: peeked into, unpacked to lengths right and wrong, whole, and read as IDX. */
#include <string.h>

#include "data/array.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(gr_context *ctx, gr_status st)
{
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

static void unpack(gr_context *ctx, const char *path, size_t n)
{
    gr__blob b = {0};
    char *to = gr__alloc(ctx, n + 1);
    gr_status st = gr__blob_open(ctx, path, &b);
    if (st == GR_OK && b.gzip && gr__blob_could_hold(&b, n)) st = gr__blob_unpack(&b, to, n);
    gr__blob_close(&b);
    gr__free(ctx, to, n + 1);
    check(ctx, st);
}

static void whole(gr_context *ctx, const char *path)
{
    gr__blob b = {0};
    char head[GR__PEEK];
    size_t got = 0;
    gr_status st = gr__blob_open(ctx, path, &b);
    if (st == GR_OK) st = gr__blob_peek(&b, head, sizeof head, &got);
    if (got > sizeof head) abort();
    if (st == GR_OK) st = gr__blob_whole(&b);
    if (st == GR_OK && (b.gzip || got > b.bytes)) abort();
    gr__blob_close(&b);
    check(ctx, st);
}

static void idx(gr_context *ctx, const char *path)
{
    gr__blob x = {0}, y = {0};
    gr__part a = {0}, b = {0};
    gr_set set = {0};
    gr_source_options o = {.want = GR_TARGET_CLASS};
    gr_status st = gr__blob_open(ctx, path, &x);
    if (st == GR_OK) st = gr__blob_open(ctx, path, &y);
    if (st == GR_OK) st = gr__part_read(&x, gr__idx_header, &a);
    if (st == GR_OK) st = gr__part_read(&y, gr__idx_header, &b);
    if (st == GR_OK) st = gr__pair_load(ctx, &a, &b, &o, &set);
    gr__set_free(ctx, &set);
    gr__part_close(&a);
    gr__part_close(&b);
    gr__blob_close(&x);
    gr__blob_close(&y);
    check(ctx, st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    gr_context *ctx;
    if (gr_context_create(&ctx, &(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}) != GR_OK) return 0;
    int fd = memory_file(data, n, path);
    for (size_t length = 0; length < 100; length += 17) unpack(ctx, path, length);
    whole(ctx, path);
    idx(ctx, path);
    close(fd);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
