/* A recipe with some of its settings changed, for a short training: the layers stay what they are. */
#include <math.h>
#include <string.h>

#include "model/stack.h"
#include "study/check/trial.h"

/* The settings with a value of their own for this row. */
static bool put(gr__bump *b, gr_settings *s, const char *row, const char *value)
{
    size_t n = (size_t)s->member->n_rows;
    const gr_tree **values = gr__bump_alloc(b, n * sizeof *values), *tree = gr__tree_flow(b, value);
    if (!values || !tree) return false;
    memcpy(values, s->value, n * sizeof *values);
    s->value = values;
    gr__setting_replace(s, row, tree);
    return true;
}

static gr_status without_dropout(gr__bump *b, const gr_recipe *of, gr_recipe *out)
{
    gr_stack *stack = gr__bump_alloc(b, sizeof *stack);
    gr_stacked *layer = gr__bump_alloc(b, sizeof *layer * (size_t)GR_MAX(of->stack->n, 1));
    if (!stack || !layer) return GR_E_MEMORY;
    memcpy(layer, of->stack->layer, sizeof *layer * (size_t)of->stack->n);
    for (int i = 0; i < of->stack->n; i++)
        if (layer[i].member->drop_rate && !put(b, &layer[i].settings, layer[i].member->drop_rate, "0"))
            return GR_E_MEMORY;
    *stack = (gr_stack){layer, of->stack->n};
    out->stack = stack;
    return GR_OK;
}

static gr_status without_smoothing(gr__bump *b, gr_recipe *out)
{
    for (int h = 0; h < out->n_heads; h++) {
        gr_head *head = &out->head[h];
        if (gr__member_has(&head->cost->head, "label_smoothing") &&
            !put(b, &head->cost_settings, "label_smoothing", "0"))
            return GR_E_MEMORY;
    }
    return GR_OK;
}

static gr_status make_plain(gr__bump *b, const gr_recipe *of, gr_recipe *out)
{
    gr_status st = without_dropout(b, of, out);
    if (st == GR_OK) st = without_smoothing(b, out);
    out->penalties = (gr_penalties){0};
    out->clip = (gr_clip){0};
    out->mixture = (gr_mixture){0};
    for (int i = 0; i < out->n_inputs; i++) out->input[i].augment = NULL;
    out->data.copies = 1;
    out->data.balance = NULL;
    return st;
}

static gr_status make_schedule(gr_context *ctx, gr__bump *b, const gr_recipe *of, const gr_variant *v, gr_recipe *out)
{
    const char *text = v->schedule              ? v->schedule
                       : of->sched.warmup.n > 0 ? "{type: constant, warmup: 0.1}"
                                                : "{type: constant}";
    gr_tree *tree = gr__tree_flow(b, text);
    return tree ? gr__sched_make(ctx, b, tree, of->preset, &out->sched) : GR_E_MEMORY;
}

static gr_status make_optimizer(gr_context *ctx, gr__bump *b, const gr_variant *v, gr_recipe *out)
{
    gr_status st = GR_OK;
    if (v->optimizer) {
        gr_tree *tree = gr__tree_flow(b, v->optimizer);
        st = tree ? gr__optim_make(ctx, b, tree, out->preset, &out->optim) : GR_E_MEMORY;
    }
    for (int i = 0; i < out->optim.n_methods; i++) {
        gr_method *m = &out->optim.method[i];
        if (v->lr_scale > 0) m->lr *= v->lr_scale;
        if (v->has_decay) m->weight_decay = v->weight_decay;
    }
    return st;
}

gr_status gr__variant_make(gr_context *ctx, gr__bump *b, const gr_recipe *of, const gr_variant *v, gr_recipe *out)
{
    gr_status st = GR_OK;
    *out = *of;
    out->seed = gr__check_seed(of->seed, v->draw) + (uint64_t)v->seed;
    out->stop = (gr_stop_rules){.steps = v->steps, .validation_error_below = NAN, .seconds = NAN};
    out->lookahead = (gr_lookahead){0}; /* what these change shows after more updates than there are */
    out->average.on = false;
    if (v->batch) out->data.batch = v->batch, out->accumulate = 1, out->data.drop_last = false;
    for (int h = 0; h < out->n_heads && v->standardize; h++)
        out->head[h].standardize |= out->head[h].reading.target == GR_FORM_VALUES && out->head[h].output.rank == 1;
    GR_TRY(make_optimizer(ctx, b, v, out));
    if (!v->own_schedule) GR_TRY(make_schedule(ctx, b, of, v, out));
    if (v->plain) GR_TRY(make_plain(b, of, out));
done:
    return st;
}
