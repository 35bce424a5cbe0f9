/* Training samples that are changed on their way: by what, and how many of each. */
#include "train/train.h"

/* Samples as they are changed: as the network takes them, where its shape differs in axes of size 1 alone, or where
 * they are prepared before. */
static gr_shape shape_of(const gr_field *x, int n_prepared, gr_shape input)
{
    bool prepared = n_prepared > 0 && gr__prepared_as_delivered(x->element);
    return prepared || gr__sample_fits(x->sample, input) ? input : x->sample;
}

gr_status gr__task_changes(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_status st = GR_OK;
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) {
        const gr_field *x = gr__set_input(t->lead, i);
        gr_augmentation *a = gr__bump_alloc(t->memory, sizeof *a);
        if (!a) return GR_E_MEMORY;
        const gr_augment_make like = {.x = x,
                                      .shape = shape_of(x, t->meaning.n_prepared[i], r->input[i].sample),
                                      .folder = r->folder,
                                      .schema = &t->meaning.schema};
        st = gr__augmentation_make(t->ctx, t->memory, r->input[i].augment, &like, r->seed, a);
        t->changes[i] = st == GR_OK && a->n ? a : NULL;
    }
    return st;
}

/* A list of rows so many times; the first are the samples themselves. */
gr_status gr__task_repeat(gr_task *t)
{
    const gr_rows *rows = gr__task_trained(t);
    int64_t copies = t->recipe->data.copies, n;
    t->training = *rows;
    if (copies <= 1) return GR_OK;
    if (__builtin_mul_overflow(rows->n, copies, &n) || n > UINT32_MAX)
        return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_RANGE, NULL,
                             "%lld of each of %lld samples are more than there can be", (long long)copies,
                             (long long)rows->n);
    t->training = (gr_rows){NULL, n};
    t->data_bytes += gr__rows_bytes(n);
    if (!rows->row) return GR_OK; /* an estimate */
    gr_rows all;
    gr_status st = gr__rows_all(t->ctx, n, &all);
    if (st != GR_OK) return st;
    for (int64_t i = 0; i < n; i++) all.row[i] = rows->row[i % rows->n];
    t->training = t->repeated = all;
    return GR_OK;
}
