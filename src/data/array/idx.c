/* IDX: the format of MNIST and its kin. Two zero bytes, a type, a rank, the sizes as big-endian 32-bit numbers, the
 * elements big-endian. */
#include <string.h>

#include "data/array/array.h"

static bool element_type(unsigned char code, gr__type *out)
{
    switch (code) {
    case 0x08:
        *out = GR__U8;
        return true;
    case 0x09:
        *out = GR__I8;
        return true;
    case 0x0B:
        *out = GR__I16;
        return true;
    case 0x0C:
        *out = GR__I32;
        return true;
    case 0x0D:
        *out = GR__F32;
        return true;
    case 0x0E:
        *out = GR__F64;
        return true;
    default:
        return false;
    }
}

gr_status gr__idx_header(gr_context *ctx, const char *name, const unsigned char *head, size_t n, gr__array *out)
{
    gr__array a = {.swap = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__};
    if (n < 4 || head[0] || head[1])
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is not IDX: it should begin with two zero bytes%s", name,
                        n < 4 ? " and a type, but is too short" : "");
    if (!element_type(head[2], &a.type))
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is not IDX: there is no element type 0x%02x", name, head[2]);
    a.rank = head[3];
    if (a.rank < 1 || a.rank > GR_MAX_RANK + 1)
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" has %d axes, but an IDX file of samples has 1 to %d", name, a.rank,
                        GR_MAX_RANK + 1);
    a.at = 4 + 4 * (uint64_t)a.rank;
    if (n < a.at) return gr__fail(ctx, GR_E_FORMAT, "\"%s\" ends within its header", name);
    for (int i = 0; i < a.rank; i++) {
        const unsigned char *size = head + 4 + 4 * i;
        a.dim[i] = (int64_t)((uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3]);
    }
    gr_status st = gr__array_size(ctx, name, &a);
    if (st == GR_OK) *out = a;
    return st;
}

static const gr__field_rows field_rows = {.inputs = "images", .targets = "labels"};

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr_status st = gr__entries_lone(ctx, s, o);
    return st == GR_OK ? gr__files_info(ctx, s, o, &field_rows, gr__idx_header, out) : st;
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr_status st = gr__entries_lone(ctx, s, o);
    return st == GR_OK ? gr__files_load(ctx, s, o, &field_rows, gr__idx_header, out) : st;
}

static const gr_row rows[] = {
    {.name = "images",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "file of the samples, [N, height, width] or any other shape; plain or gzip"},
    {.name = "labels",
     .kind = GR_ROW_PATH,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "file of the targets: [N] or [N, 1] of classes, or of values in the output's shape; plain or gzip"},
};

GR_SOURCE(idx) = {
    .head = {.family = "source",
             .name = "idx",
             .title = "IDX files, plain or gzip",
             .cite = "LeCun, Cortes & Burges, The MNIST database",
             .equations = "bytes stay 0 to 255 unless prepared",
             GR_ROWS(rows)},
    .info = info,
    .load = load,
};
