/* One sample at a time. */
#include "data/sample.h"

enum { LINE = 64 };

gr_status gr__samples_open(gr_context *ctx, const gr_field *x, gr__samples *out)
{
    size_t sample = (gr__sample_bytes(x) + LINE - 1) / LINE * LINE;
    *out = (gr__samples){.ctx = ctx, .x = x, .sample_bytes = sample};
    if (!x->reader) return GR_OK;
    out->bytes = sample + x->reader->scratch;
    out->room = gr__alloc(ctx, out->bytes);
    return out->room ? GR_OK : GR_E_MEMORY;
}

void gr__samples_close(gr__samples *s)
{
    if (s->room) gr__free(s->ctx, s->room, s->bytes);
    *s = (gr__samples){0};
}

const void *gr__samples_at(gr_context *errors, gr__samples *s, int64_t row)
{
    const gr_field *x = gr__field_of(s->x, &row);
    if (!x->reader) return (const char *)x->data + (size_t)row * gr__sample_bytes(x);
    gr_status st = x->reader->read(errors, x->reader, row, s->room + s->sample_bytes, s->room);
    return st == GR_OK ? s->room : NULL;
}
