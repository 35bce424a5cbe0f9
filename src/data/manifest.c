/* What a split is, for people and other programs: which sample is in which part, and what a part holds. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "data/sample.h"

/* The first target that is a class, or else the first. */
static const gr_field *labels_of(const gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++)
        if (gr__set_target(s, h)->kind == GR_TARGET_CLASS) return gr__set_target(s, h);
    return s->n_targets ? gr__set_target(s, 0) : NULL;
}

static void put_label(gr__text *line, const gr_field *f, uint32_t row)
{
    if (!f) return;
    char number[32];
    int64_t n = gr_shape_count(f->sample);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = (int64_t)row * n + i;
        const char *comma = i ? "," : "";
        if (f->kind == GR_TARGET_CLASS)
            gr__text_add(line, "%s%d", comma, ((const int32_t *)f->data)[at]);
        else
            gr__text_add(line, "%s%s", comma, gr__double_text(gr__element_at(f->element, f->data, at), number));
    }
}

/* Of all inputs of a row. False where one cannot be read. */
static bool crc_of(gr_context *ctx, gr__samples *input, int n, int64_t row, uint32_t *crc)
{
    *crc = 0;
    for (int i = 0; i < n; i++) {
        const void *sample = gr__samples_at(ctx, &input[i], row);
        if (!sample) return false;
        *crc = gr__crc32(*crc, sample, gr__sample_bytes(input[i].x));
    }
    return true;
}

static gr_status put_rows(gr_context *ctx, gr__writer *w, const gr_set *s, const uint8_t *part_of,
                          const char *const *names)
{
    gr__text line;
    gr__samples input[GR_MAX_INPUTS] = {{0}};
    gr_status st = GR_OK;
    uint32_t crc;
    gr__text_init(&line, ctx);
    for (int i = 0; i < s->n_inputs && st == GR_OK; i++) st = gr__samples_open(ctx, gr__set_input(s, i), &input[i]);
    const gr_field *labels = labels_of(s);
    gr__text_add(&line, "row\tpart\tlabel\tcrc32\n");
    for (int64_t i = 0; i < s->n && !line.failed && st == GR_OK; i++) {
        if (!part_of[i]) continue;
        gr__text_add(&line, "%lld\t%s\t", (long long)i, names[part_of[i] - 1]);
        put_label(&line, labels, (uint32_t)i);
        if (!crc_of(ctx, input, s->n_inputs, i, &crc)) st = gr__error_code(ctx);
        gr__text_add(&line, "\t%08x\n", crc);
        if (line.n < 1 << 16) continue;
        gr__writer_put(w, line.s, line.n);
        line.n = 0;
    }
    for (int i = 0; i < s->n_inputs; i++) gr__samples_close(&input[i]);
    bool failed = line.failed;
    if (!failed) gr__writer_put(w, line.s, line.n);
    gr__text_free(&line);
    return failed ? gr__error_code(ctx) : GR_OK;
}

gr_status gr__split_manifest(gr_context *ctx, const char *path, const gr_set *s, const gr_rows *parts,
                             const char *const *names, int n_parts)
{
    uint8_t *part_of = gr__alloc(ctx, (size_t)s->n); /* 0: in none */
    if (!part_of) return GR_E_MEMORY;
    for (int p = 0; p < n_parts; p++) {
        for (int64_t i = 0; i < parts[p].n; i++) part_of[parts[p].row[i]] = (uint8_t)(p + 1);
    }
    gr__writer *w;
    gr_status st = gr__writer_open(ctx, path, &w);
    if (st == GR_OK) {
        st = put_rows(ctx, w, s, part_of, names);
        if (st == GR_OK)
            st = gr__writer_commit(w);
        else
            gr__writer_abort(w);
    }
    gr__free(ctx, part_of, (size_t)s->n);
    return st;
}
