/* A task on the data of another: the same samples, prepared by the same statistics, for a recipe of its own. */
#include <string.h>

#include "train/train.h"

/* Values that the recipe standardizes and whose data does not yet: by the statistics that are known of the rows. */
static gr_status standardize(gr_task *t)
{
    gr_status st = GR_OK;
    for (int h = 0; h < t->recipe->n_heads && st == GR_OK; h++)
        if (t->recipe->head[h].standardize && !t->targets[h].shift)
            st = gr__targets_standardize(t->ctx, t->memory, &t->targets[h]);
    return st;
}

gr_status gr__task_borrow(const gr_task *of, const gr_recipe *r, gr_task *t)
{
    gr_network_data d = {.weighted = of->weighted};
    size_t bytes = sizeof *t->targets * GR_MAX_TARGETS;
    *t = *of;
    t->recipe = r;
    t->network = NULL;
    t->data_bytes = t->work_bytes = 0;
    t->memory = gr__bump_create(of->ctx);
    t->targets = t->memory ? gr__bump_alloc(t->memory, bytes) : NULL;
    if (!t->targets) return GR_E_MEMORY;
    memcpy(t->targets, of->targets, bytes);
    d.targets = t->meaning.targets = t->targets;
    for (int i = 0; i < r->n_inputs; i++) {
        d.input_as[i] = t->delivery[i].as;
        d.prepared[i] = t->meaning.prepared[i];
        d.n_prepared[i] = gr__delivery_left(&t->delivery[i], t->meaning.n_prepared[i]);
    }
    memcpy(d.lengths, t->lengths, sizeof d.lengths);
    gr_status st = standardize(t);
    return st == GR_OK ? gr__network_make(t->ctx, r, &d, &t->network) : st;
}

void gr__task_return(gr_task *t)
{
    if (!t->ctx) return;
    gr__network_destroy(t->network);
    gr__bump_destroy(t->memory);
    *t = (gr_task){0};
}
