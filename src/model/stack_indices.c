/* Inputs of indices: which they are follows from the layers that read them. */
#include "model/stack.h"

static bool reads(const gr_stacked *l, int from)
{
    for (int i = 0; i < l->n_from; i++)
        if (l->from[i] == from) return true;
    return false;
}

/* What an input that some layer looks up holds is indices, and numbers to nobody else. */
static gr_status settle_input(gr_context *ctx, gr_recipe *r, const gr_stacked *layer, size_t n, int input)
{
    gr_model_input *in = &r->input[input];
    const gr_stacked *number = NULL, *index = NULL;
    for (size_t j = 0; j < n; j++) {
        const gr_stacked *l = &layer[j];
        if (!reads(l, GR_FROM_INPUT - input)) continue;
        if (!l->member->vocabulary) {
            number = number ? number : l;
            continue;
        }
        int64_t below = gr__setting_int(&l->settings, l->member->vocabulary);
        in->vocabulary = in->vocabulary ? GR_MIN(in->vocabulary, below) : below;
        index = index ? index : l;
    }
    if (!number || !index) return GR_OK;
    return gr__tree_fail(ctx, number->at, GR_E_CONFLICT, NULL,
                         "%s \"%s\" takes numbers, but the input \"%s\" holds indices, which %s \"%s\" looks up",
                         number->member->head.name, number->name, in->name, index->member->head.name, index->name);
}

/* Indices are what an input holds, never what a layer gives. */
static gr_status check_source(gr_context *ctx, const gr_stacked *layer, const gr_stacked *l)
{
    for (int i = 0; i < l->n_from && l->member->vocabulary; i++)
        if (!gr__is_input(l->from[i]))
            return gr__tree_fail(ctx, l->at, GR_E_CONFLICT, "from: an input of the model",
                                 "%s \"%s\" looks up indices, which an input holds, not what %s \"%s\" gives",
                                 l->member->head.name, l->name, layer[l->from[i]].member->head.name,
                                 layer[l->from[i]].name);
    return GR_OK;
}

gr_status gr__stack_settle_indices(gr_context *ctx, gr_recipe *r, const gr_stacked *layer, size_t n)
{
    gr_status st = GR_OK;
    for (size_t j = 0; j < n && st == GR_OK; j++) st = check_source(ctx, layer, &layer[j]);
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) st = settle_input(ctx, r, layer, n, i);
    return st;
}
