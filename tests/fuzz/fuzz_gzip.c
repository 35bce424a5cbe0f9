/* Gzip files: peeked into, unpacked in pieces, and read as IDX. */
#include <string.h>

#include "data/array/array.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(gr_context *ctx, gr_status st)
{
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    gr_context_clear_error(ctx);
}

/* In pieces of so many bytes, to the end or the first damage. */
static void unpack(gr_context *ctx, const char *path, size_t piece)
{
    gr__blob b = {0};
    gr__stream *s = NULL;
    char to[100];
    size_t got = piece;
    gr_status st = gr__blob_open(ctx, path, &b);
    if (st == GR_OK) st = gr__stream_open(&b, &s);
    for (uint64_t all = 0; st == GR_OK && got == piece && all < 1 << 20; all += got) {
        st = gr__stream_read(s, to, piece, &got);
        if (got > piece) abort();
    }
    gr__stream_close(s);
    gr__blob_close(&b);
    check(ctx, st);
}

static void head(gr_context *ctx, const char *path)
{
    gr__blob b = {0};
    char peeked[GR__PEEK];
    size_t got = 0;
    gr_status st = gr__blob_open(ctx, path, &b);
    if (st == GR_OK) st = gr__blob_peek(&b, peeked, sizeof peeked, &got);
    if (got > sizeof peeked) abort();
    gr__blob_close(&b);
    check(ctx, st);
}

static void idx(gr_context *ctx, const char *path)
{
    gr__blob x = {0}, y = {0};
    gr__part part[2] = {0};
    gr_set set = {0};
    gr_source_options o = {0};
    const gr__entries e = {.entry = {{.name = "x"}, {.name = "y", .role = GR_FIELD_TARGET, .want = GR_TARGET_CLASS}},
                           .n_inputs = 1,
                           .n_targets = 1};
    gr_status st = gr__blob_open(ctx, path, &x);
    if (st == GR_OK) st = gr__blob_open(ctx, path, &y);
    if (st == GR_OK) st = gr__part_read(&x, gr__idx_header, &part[0]);
    if (st == GR_OK) st = gr__part_read(&y, gr__idx_header, &part[1]);
    if (st == GR_OK) st = gr__arrays_load(ctx, &e, part, &o, &set);
    gr__set_free(ctx, &set);
    gr__part_close(&part[0]);
    gr__part_close(&part[1]);
    gr__blob_close(&x);
    gr__blob_close(&y);
    check(ctx, st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    gr_context *ctx;
    if (gr_context_create(&(gr_context_options){.threads = 1, .budget_bytes = 64 << 20}, &ctx) != GR_OK) return 0;
    int fd = memory_file(data, n, path);
    for (size_t piece = 1; piece < 100; piece += 33) unpack(ctx, path, piece);
    head(ctx, path);
    idx(ctx, path);
    close(fd);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
