/* Samples of a set that no source has. */
#include "data/data.h"

static uint64_t numbers_bytes(const gr_field *x, int64_t n, gr_element as)
{
    return (uint64_t)(n * gr_shape_count(x->sample)) * gr__element_bytes(as);
}

static uint64_t origin_bytes(int64_t n)
{
    return (uint64_t)n * (2 * sizeof(uint32_t) + sizeof(double));
}

uint64_t gr__made_bytes(const gr_set *s, int64_t n, gr_element as)
{
    uint64_t bytes = n ? origin_bytes(n) : 0;
    for (int i = 0; i < s->n_inputs && n; i++) bytes += numbers_bytes(gr__set_input(s, i), n, as);
    return bytes;
}

gr_status gr__set_make(gr_context *ctx, gr_set *s, int64_t n, gr_element as)
{
    if (n == 0) return GR_OK;
    gr_made *m = gr__alloc(ctx, sizeof *m);
    if (!m) return GR_E_MEMORY;
    *m = (gr_made){.first = s->n, .n = n};
    s->made = m;
    m->step = gr__tensor_alloc(ctx, (size_t)origin_bytes(n));
    if (!m->step) return gr__error_code(ctx);
    m->parent = (uint32_t(*)[2])(void *)(m->step + n);
    for (int i = 0; i < s->n_inputs; i++) {
        gr_field *x = &s->field[i], *to = &m->input[i];
        *to = *x;
        to->element = as;
        to->reader = NULL;
        to->length = NULL;
        to->bytes = numbers_bytes(x, n, as);
        to->data = gr__tensor_alloc(ctx, (size_t)to->bytes);
        if (!to->data) return gr__error_code(ctx);
        x->made = to;
        x->first_made = s->n;
    }
    return GR_OK;
}

void gr__set_unmake(gr_context *ctx, gr_set *s)
{
    gr_made *m = s->made;
    if (!m) return;
    for (int i = 0; i < s->n_inputs; i++) {
        if (s->field[i].made) gr__tensor_free(ctx, m->input[i].data, (size_t)m->input[i].bytes);
        s->field[i].made = NULL;
    }
    if (m->step) gr__tensor_free(ctx, m->step, (size_t)origin_bytes(m->n));
    gr__free(ctx, m, sizeof *m);
    s->made = NULL;
}
