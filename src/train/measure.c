/* Sequences of different lengths: whose steps targets have, and the buckets of training batches. */
#include "train/train.h"

/* A target of each step has the steps of the input that the network makes its output of. */
static void measure_targets(gr_task *t, gr_set *s)
{
    for (int h = 0; h < s->n_targets; h++) {
        int i = gr__network_lengths(t->network, h);
        gr_field *y = &s->field[s->n_inputs + h];
        if (i < 0 || !s->field[i].length) continue;
        y->length = s->field[i].length;
        y->steps = s->field[i].steps;
    }
}

/* The one input whose lengths samples can be sorted by. */
static gr_status sorted_input(const gr_task *t, int *out)
{
    const gr_recipe *r = t->recipe;
    const gr_set *s = &t->set[GR_PART_TRAIN];
    int n = 0;
    for (int i = 0; i < s->n_inputs; i++)
        if (gr__set_length(s, i)) n++, *out = i;
    if (n == 1) return GR_OK;
    if (n > 1)
        return gr__tree_fail(t->ctx, r->data.buckets, GR_E_CONFLICT, "leave out buckets",
                             "%d inputs have lengths, and samples can be sorted by those of one", n);
    return gr__tree_fail(t->ctx, r->data.buckets, GR_E_CONFLICT,
                         "lengths: names the array or column of the source that has them, an npz say",
                         "samples are sorted by their lengths, but the training data has none");
}

static gr_status limits_by_number(const gr_task *t, int64_t all, gr_buckets *b)
{
    const gr_tree *at = t->recipe->data.buckets;
    b->n = (int)at->number;
    if (b->n > all)
        return gr__tree_fail(t->ctx, at, GR_E_RANGE, NULL, "%d buckets are more than the %lld steps of a sample", b->n,
                             (long long)all);
    for (int k = 0; k < b->n; k++) b->steps[k] = (all * (k + 1) + b->n - 1) / b->n;
    return GR_OK;
}

static gr_status limits_by_list(const gr_task *t, int64_t all, gr_buckets *b)
{
    const gr_tree *at = t->recipe->data.buckets;
    for (int k = 0; k < at->n; k++) {
        b->steps[b->n++] = (int64_t)at->child[k]->number;
        if (at->child[k]->number > (double)all)
            return gr__tree_fail(t->ctx, at->child[k], GR_E_RANGE, NULL, "%s is more than the %lld steps of a sample",
                                 at->child[k]->text, (long long)all);
    }
    if (b->steps[b->n - 1] == all) return GR_OK;
    if (b->n == GR_MAX_BUCKETS)
        return gr__tree_fail(t->ctx, at, GR_E_RANGE, NULL, "the last limit must be the %lld steps of a sample",
                             (long long)all);
    b->steps[b->n++] = all;
    return GR_OK;
}

gr_status gr__task_measure(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    gr_buckets *b = &t->buckets;
    for (int p = 0; p < GR_PARTS; p++) measure_targets(t, &t->set[p]);
    if (!r->data.buckets || !t->set_of[GR_PART_TRAIN]) return GR_OK;
    gr_status st = sorted_input(t, &b->input);
    if (st != GR_OK) return st;
    gr_shape sample = r->input[b->input].sample;
    int64_t all = sample.rank ? sample.dim[0] : 1;
    st = r->data.buckets->kind == GR_TREE_LIST ? limits_by_list(t, all, b) : limits_by_number(t, all, b);
    for (int h = 0; h < r->n_heads; h++)
        if (gr__network_lengths(t->network, h) == b->input) b->targets |= 1u << h;
    return st;
}
