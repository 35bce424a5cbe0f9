/* Masks of weights in training. */
#include "train/masks.h"

#include <string.h>

#include "model/edit/prune.h"

/* ---- which parameters have one ---- */

/* What starts anew is not held. */
static gr_status leave_fresh(gr__bump *b, const gr_recipe_start *start, gr_masked *m)
{
    const char **name = gr__bump_alloc(b, sizeof *name * (size_t)(m->n + 1));
    int n = 0;
    if (!name) return GR_E_MEMORY;
    for (int i = 0; i < m->n; i++)
        if (!gr__start_anew(start, m->name[i])) name[n++] = m->name[i];
    *m = (gr_masked){name, n};
    return GR_OK;
}

gr_status gr__masks_find(const gr_loop *l, gr__bump **memory, gr_masked *out)
{
    const gr_train_options *o = l->options;
    const gr_recipe_start *start = &l->recipe->start;
    const char *from = o->from ? o->from : start->from;
    gr_st *file = NULL;
    gr_status st = GR_OK;
    if (!(*memory = gr__bump_create(l->ctx))) return GR_E_MEMORY;
    if (o->resume) st = gr__run_peek(l->run, &file);
    bool anew = !file;
    if (st == GR_OK && anew && from) st = gr__st_open(l->ctx, from, &file);
    if (st == GR_OK && file) st = gr__masks_listed(*memory, file, &out->name, &out->n);
    gr__st_close(file);
    if (st == GR_OK && anew && !o->from) st = leave_fresh(*memory, start, out);
    return st;
}

static bool is_pruned(const gr_recipe *r, const gr_param_info *p)
{
    return r->prune.on && p->entry.role == GR_ROLE_WEIGHT && !gr__groups_freeze(&r->groups, p->entry.name) &&
           !gr__adapter_part(&r->adapter, p->entry.name);
}

static bool is_named(const gr_task *t, const char *name)
{
    for (int i = 0; i < t->masked.n; i++)
        if (strcmp(t->masked.name[i], name) == 0) return true;
    return false;
}

gr_status gr__masks_declare(gr_engine *e)
{
    size_t n;
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    gr_status st = GR_OK;
    for (size_t i = 0; i < n && st == GR_OK; i++) {
        const char *name = p[i].entry.name;
        if (!is_pruned(e->task->recipe, &p[i]) && !is_named(e->task, name)) continue;
        st = gr__adapter_has(&e->task->recipe->adapter, name) && p[i].adaptable
                 ? gr__fail(e->task->ctx, GR_E_CONFLICT,
                            "%s has a mask, and an adapter, whose product would fill what is pruned", name)
                 : gr__mask_add(e->store, &p[i].entry);
    }
    return st;
}

void gr__masks_check(const gr_engine *e, int64_t total)
{
    const gr_prune_rule *p = &e->task->recipe->prune;
    if (!p->on || total == 0 || total >= p->to_step) return;
    gr__log(
        e->task->ctx, GR_LOG_WARNING,
        "prune.to_step: the run ends after update %lld, before %lld; fewer than %.4g %% of the weights are pruned then",
        (long long)total, (long long)p->to_step, 100 * p->to);
}

/* ---- setting weights to 0 ---- */

/* In averages of weights too: what was collected before goes with the weights. */
static void hold(gr_engine *e)
{
    const gr_average *average = e->rules.average;
    const char *const slots[] = {gr__lookahead_slot, average->on ? gr__average_slot(average) : NULL, NULL};
    gr__masks_hold(e->store, slots);
}

void gr__masks_settle(gr_engine *e)
{
    hold(e);
}

void gr__masks_step(gr_engine *e, int64_t step)
{
    const gr_recipe *r = e->task->recipe;
    int64_t zeros = 0, all = 0;
    size_t n;
    if (!gr__prune_due(&r->prune, step)) return;
    const gr_param_info *p = gr__network_params(e->task->network, &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = p[i].entry.name;
        if (!is_pruned(r, &p[i])) continue;
        const gr_prunable one = {gr_store_find(e->store, name), gr__mask_find(e->store, name)};
        gr__prune(e->store, &one, 1, gr__prune_count(gr__prune_share(&r->prune, step), one.weight->count));
        zeros += gr__mask_zeros(e->store, one.mask);
        all += one.weight->count;
    }
    hold(e);
    gr__log(e->task->ctx, GR_LOG_INFO, "step %lld: %lld of %lld weights are pruned (%.4g %%)", (long long)step,
            (long long)zeros, (long long)all, 100 * (double)zeros / (double)GR_MAX(all, 1));
}
