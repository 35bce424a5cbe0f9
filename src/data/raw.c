/* Raw input for prediction: a file of whatever format, as samples of the shape that a model takes. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "data/array.h"
#include "data/csv.h"

/* The sizes other than 1. */
static gr_shape squeeze(gr_shape s)
{
    gr_shape out = {0};
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] != 1) out.dim[out.rank++] = s.dim[i];
    }
    return out;
}

bool gr__sample_fits(gr_shape sample, gr_shape input)
{
    if (gr_shape_count(sample) != gr_shape_count(input)) return false;
    gr_shape a = squeeze(sample), b = squeeze(input);
    if (a.rank <= 1 || b.rank <= 1) return true; /* flat, with as many values */
    return a.rank == b.rank && memcmp(a.dim, b.dim, sizeof a.dim[0] * (size_t)a.rank) == 0;
}

static const char *shape_text(const gr__array *a, char *buffer, size_t n)
{
    size_t used = 0;
    for (int i = 0; i < a->rank; i++)
        used += (size_t)snprintf(buffer + used, n - used, "%c%lld", i ? ',' : '[', (long long)a->dim[i]);
    snprintf(buffer + used, n - used, "]");
    return buffer;
}

static gr_status raw_array(gr__blob *blob, gr__header_fn header, gr_shape sample, const gr_source_options *o,
                           gr_set *out)
{
    gr__part p = {0};
    gr_context *ctx = blob->ctx;
    bool single = false;
    gr_status st = gr__part_read(blob, header, &p);
    *blob = (gr__blob){.fd = -1};
    if (st != GR_OK) return st;
    gr__array *a = &p.array;
    gr_shape one = {.rank = a->rank - 1}, all = {.rank = GR_MIN(a->rank, GR_MAX_RANK)};
    memcpy(one.dim, a->dim + 1, sizeof one.dim[0] * (size_t)one.rank);
    memcpy(all.dim, a->dim, sizeof all.dim[0] * (size_t)all.rank);
    if (!gr__sample_fits(one, sample)) {
        if (a->rank > GR_MAX_RANK || !gr__sample_fits(all, sample)) {
            gr__array wanted = {.rank = sample.rank};
            memcpy(wanted.dim, sample.dim, sizeof sample.dim);
            char got[200], want[200];
            st = gr__fail(ctx, GR_E_DATA, "\"%s\" has shape %s, which is neither a sample of shape %s nor several",
                          p.blob.name, shape_text(a, got, sizeof got), shape_text(&wanted, want, sizeof want));
        } else {
            memmove(a->dim + 1, a->dim, sizeof a->dim[0] * (size_t)a->rank);
            a->dim[0] = 1;
            a->rank++;
            single = true;
        }
    }
    if (st == GR_OK) st = gr__pair_load(ctx, &p, NULL, o, out);
    if (st == GR_OK) out->one = single;
    gr__part_close(&p);
    return st;
}

static gr_status raw_table(gr__blob *blob, gr_shape sample, const gr_source_options *o, gr_set *out)
{
    const gr__csv_options c = {.n_wanted = gr_shape_count(sample),
                               .keep_float64 = o->keep_float64,
                               .exact = o->exact,
                               .want = GR_TARGET_VALUE,
                               .inputs_only = true,
                               .like = o->schema};
    gr_status st = gr__csv_load(blob, &c, out);
    if (st == GR_OK) out->sample = sample;
    return st;
}

gr_status gr__set_raw(gr_context *ctx, const char *file, gr_shape sample, const gr_source_options *o, gr_set *out)
{
    gr__blob blob;
    gr_set set = {0};
    gr_status st = gr__blob_open(ctx, file, &blob);
    if (st != GR_OK) return gr__mistaken_data(ctx, file, NULL, st);
    unsigned char front[8] = {0};
    size_t n;
    st = gr__blob_peek(&blob, front, sizeof front, &n);
    if (st != GR_OK) goto done;
    if (n >= 6 && memcmp(front, "\x93NUMPY", 6) == 0)
        st = raw_array(&blob, gr__npy_header, sample, o, &set);
    else if (n >= 4 && front[0] == 0 && front[1] == 0)
        st = raw_array(&blob, gr__idx_header, sample, o, &set);
    else if (n >= 4 && memcmp(front, "PK\x03\x04", 4) == 0)
        st = gr__fail(ctx, GR_E_FORMAT, "\"%s\" is an archive: give one array as NPY", file);
    else
        st = raw_table(&blob, sample, o, &set);
done:
    gr__blob_close(&blob);
    if (st == GR_OK) *out = set;
    return gr__mistaken_data(ctx, file, NULL, st);
}
