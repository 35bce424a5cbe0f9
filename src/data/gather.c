/* Gathering: rows of a set become rows of a batch, field by field.
 *
 * What is in memory is copied or converted in runs of rows. An input that is read, or changed, comes sample by sample:
 * read, as float32 (prepared before, where that is done on delivery), changed, as the batch has it. */
#include <string.h>

#include "data/loader.h"

enum { LINE = 64 };

static size_t lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t numbers_bytes(const gr_loader_options *o)
{
    size_t most = 0;
    for (int i = 0; i < o->set->n_inputs; i++) {
        int64_t numbers = gr__delivery_width(&o->input[i], gr_shape_count(o->set->field[i].sample));
        if (o->augment[i]) most = GR_MAX(most, (size_t)numbers * sizeof(float));
    }
    return lines(most);
}

size_t gr__room_bytes(const gr_loader_options *o)
{
    size_t scratch = 0;
    for (int i = 0; i < o->set->n_inputs; i++)
        if (o->augment[i]) scratch = GR_MAX(scratch, o->augment[i]->scratch);
    return numbers_bytes(o) + lines(scratch);
}

gr_status gr__room_open(gr_context *ctx, const gr_loader_options *o, char *block, gr__room *out)
{
    gr__room r = {.numbers = (float *)(void *)block, .scratch = block ? block + numbers_bytes(o) : NULL};
    gr_status st = gr_context_create(&(gr_context_options){.threads = 1}, &r.errors);
    if (st != GR_OK) st = gr__fail(ctx, st, "no memory for what reads samples");
    for (int i = 0; i < o->set->n_inputs && st == GR_OK; i++) {
        st = gr__samples_open(ctx, gr__set_input(o->set, i), &r.from[i]);
    }
    *out = r;
    if (st != GR_OK) gr__room_close(out);
    return st;
}

void gr__room_close(gr__room *r)
{
    for (int i = 0; i < GR_MAX_INPUTS; i++) gr__samples_close(&r->from[i]);
    gr_context_destroy(r->errors);
    *r = (gr__room){0};
}

/* ---- one sample ---- */

/* Numbers as they are delivered, changed on the way: where the batch has them, if it has them so. */
static int64_t change(const gr__way *w, gr__room *room, const void *sample, uint32_t row, uint32_t draw, int64_t width,
                      void *to)
{
    int64_t at = row;
    const gr_field *x = gr__field_of(w->field, &at);
    bool indices = x->vocabulary > 0;
    gr_delivery single = *w->delivery;
    single.as = indices ? GR_EL_I32 : GR_EL_F32;
    bool there = single.as == w->as && width == w->apart;
    void *numbers = there ? to : room->numbers;
    gr_augment_sample s = {.x = indices ? NULL : numbers,
                           .index = indices ? numbers : NULL,
                           .scratch = room->scratch,
                           .shape = w->augment->shape,
                           .counts = x->length ? x->length[row] : w->augment->shape.dim[0]};
    gr__deliver(x, sample, &single, w->apart, numbers);
    if (draw != GR__UNCHANGED) gr__augmentation_run(w->augment, row, draw, &s);
    if (!there) gr__elements_convert(single.as, w->as, numbers, to, width);
    return s.counts;
}

static void read_rows(const gr__gathering *g, const gr__way *w, gr__room *room, gr__samples *from, int64_t first,
                      int64_t n, int64_t width)
{
    char *to = (char *)g->field[w->place] + (size_t)(first * width) * gr__element_bytes(w->as);
    int32_t *length = w->length >= 0 ? g->field[w->length] : NULL;
    for (int64_t i = first; i < first + n; i++, to += (size_t)width * gr__element_bytes(w->as)) {
        const void *sample = gr__samples_at(room->errors, from, g->row[i]);
        if (!sample) {
            room->status = gr__error_code(room->errors);
            return;
        }
        if (!w->augment) {
            int64_t at = g->row[i];
            gr__deliver(gr__field_of(w->field, &at), sample, w->delivery, width, to);
            continue;
        }
        int64_t counts = change(w, room, sample, g->row[i], g->draw ? g->draw[i] : g->epoch, width, to);
        if (length) length[i] = (int32_t)(g->steps ? GR_MIN(counts, g->steps) : counts);
    }
}

/* ---- fields ---- */

/* Targets, weights, lengths: samples that were made have those of their base. */
static void convert_rows(const gr__way *w, const uint32_t *row, int64_t n, int64_t width, char *to)
{
    const gr_field *x = w->field;
    if (!w->made) {
        gr__rows_convert(x->element, w->as, x->data, w->apart, width, row, n, to);
        return;
    }
    for (int64_t i = 0; i < n; i++, to += (size_t)width * gr__element_bytes(w->as)) {
        uint32_t base = (uint32_t)gr__made_base(w->made, row[i]);
        gr__rows_convert(x->element, w->as, x->data, w->apart, width, &base, 1, to);
    }
}

void gr__gather(const gr__gathering *g, gr__room *room, int64_t first, int64_t n)
{
    for (int k = 0; k < g->n_ways && room->status == GR_OK; k++) {
        const gr__way *w = &g->way[k];
        const gr_field *x = w->field;
        int64_t width = w->whole && g->steps ? w->apart / w->whole * g->steps : w->apart;
        if (!g->field[w->place] || w->told) continue;
        char *to = (char *)g->field[w->place] + (size_t)(first * width) * gr__element_bytes(w->as);
        if (w->read)
            read_rows(g, w, room, &room->from[k], first, n, width);
        else if (w->delivery)
            gr__deliver_rows(x, g->row + first, n, w->delivery, width, to);
        else
            convert_rows(w, g->row + first, n, width, to);
    }
}
