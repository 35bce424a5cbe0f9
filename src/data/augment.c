/* A list of augmentations: made once, run on every sample of a batch. */
#include "data/augment.h"

#include <stdio.h>

static gr_status add(gr_context *ctx, gr__bump *b, const gr_tree *step, const gr_augment_make *like, gr_augmentation *a)
{
    const gr_member *found = gr__family_find(ctx, &gr__family_augment, "augmentation", step, NULL);
    gr_augment_make make = *like;
    gr_settings s;
    size_t scratch = 0;
    if (!found) return gr__error_code(ctx);
    gr_status st = gr__settings_make(ctx, b, found, step, GR_PRESET_CHAPTER, NULL, &s);
    if (st != GR_OK) return st;
    const gr_augment *member = (const gr_augment *)found;
    if (member->mix) return GR_OK;
    bool indices = like->x->vocabulary > 0;
    if (member->indices != indices)
        return gr__tree_fail(ctx, step, GR_E_CONFLICT, NULL, "%s changes %s, but the input \"%s\" holds %s",
                             found->name, member->indices ? "indices" : "numbers", like->x->name,
                             indices ? "indices" : "numbers");
    make.settings = &s;
    a->member[a->n] = member;
    st = member->make(ctx, b, &make, &a->state[a->n], &scratch);
    if (st != GR_OK) {
        gr__error_place(ctx, step->file, step->line, step->column, NULL);
        return st;
    }
    snprintf(a->stream[a->n], sizeof a->stream[a->n], "augment/%d", a->n);
    a->scratch = GR_MAX(a->scratch, scratch);
    a->n++;
    return GR_OK;
}

gr_status gr__augmentation_make(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_augment_make *like,
                                uint64_t seed, gr_augmentation *out)
{
    gr_augmentation a = {.shape = like->shape, .seed = seed};
    gr_status st = GR_OK;
    for (int i = 0; list && i < list->n && st == GR_OK; i++) {
        if (a.n == GR_MAX_AUGMENTS)
            return gr__tree_fail(ctx, list->child[i], GR_E_RANGE, NULL, "more than %d augmentations", GR_MAX_AUGMENTS);
        st = add(ctx, b, list->child[i], like, &a);
    }
    if (st == GR_OK) *out = a;
    return st;
}

void gr__augmentation_run(const gr_augmentation *a, uint32_t row, uint32_t epoch, gr_augment_sample *s)
{
    for (int i = 0; i < a->n; i++) {
        gr__rng r = gr__rng_make(a->seed, a->stream[i], row, epoch);
        a->member[i]->apply(a->state[i], &r, s);
    }
}
