/* Which metrics a run and `eval` compute, and what their scores take. */
#include "train/train.h"

/* The largest class of the training rows is more than so many times the smallest. */
static bool unbalanced(const gr_targets *t, int64_t *most, int64_t *least)
{
    enum { RATIO = 3 };
    *most = *least = 0;
    for (int64_t k = 0; k < t->classes; k++) {
        if (t->count[k] == 0) continue; /* an output without a class says nothing of the others */
        *most = GR_MAX(*most, t->count[k]);
        *least = *least ? GR_MIN(*least, t->count[k]) : t->count[k];
    }
    return *most / RATIO > *least || (*most / RATIO == *least && *most % RATIO > 0);
}

/* A recipe that names its metrics keeps them: what would tell more of such classes is said. */
static gr_status say_unbalanced(const gr_task *t, int64_t most, int64_t least)
{
    const gr_recipe *r = t->recipe;
    static const char *const weights[] = {"class_weights", "positive_weight"};
    for (size_t i = 0; i < GR_COUNT(weights); i++) /* then it is known */
        if (!gr__tree_none(gr__tree_get(r->cost_settings.tree, weights[i]))) return GR_OK;
    gr__bump *b = gr__bump_create(t->ctx);
    gr_metrics more = {0};
    gr_status st = b ? gr__metrics_add_defaults(t->ctx, b, &r->metric_scope, true, &more) : GR_E_MEMORY;
    for (int i = 0; i < more.n && st == GR_OK; i++) {
        bool told = false;
        for (int k = 0; k < t->metrics.n; k++) told = told || t->metrics.use[k].member->class_by_class;
        if (told || t->metrics.n == 0) break;
        gr__log(
            t->ctx, GR_LOG_INFO,
            "the classes of the training data are unbalanced, %lld samples to %lld: %s would tell more than %s, which "
            "is high where the largest class is always answered",
            (long long)most, (long long)least, more.use[i].name, t->metrics.use[0].name);
    }
    gr__bump_destroy(b);
    return st;
}

gr_status gr__task_metrics(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    int64_t most, least;
    int before = t->metrics.n;
    if (r->reading.target != GR_FORM_CLASS || !gr__targets_known(t->targets) || !unbalanced(t->targets, &most, &least))
        return GR_OK;
    if (r->metrics_given) return say_unbalanced(t, most, least);
    gr_status st = gr__metrics_add_defaults(t->ctx, t->memory, &r->metric_scope, true, &t->metrics);
    gr_tree *resolved = st == GR_OK ? gr__tree_copy(t->memory, r->resolved) : NULL;
    if (st != GR_OK || !gr__tree_put(t->memory, resolved, "metrics", gr__metrics_tree(t->memory, &t->metrics)))
        return st != GR_OK ? st : GR_E_MEMORY;
    t->resolved = resolved;
    for (int i = before; i < t->metrics.n; i++)
        gr__log(t->ctx, GR_LOG_INFO,
                "%s is added to the metrics: the classes of the training data are unbalanced, %lld samples to %lld",
                t->metrics.use[i].name, (long long)most, (long long)least);
    return GR_OK;
}

gr_status gr__engine_metrics(gr_engine *e, bool train)
{
    const gr_task *t = e->task;
    e->metrics = t->metrics;
    return train ? GR_OK : gr__metrics_add_rest(t->ctx, t->memory, &t->recipe->metric_scope, &e->metrics);
}

/* What the metrics' scores take, of the largest part that is evaluated. */
uint64_t gr__engine_score_bytes(const gr_engine *e, unsigned parts)
{
    const gr_task *t = e->task;
    const gr_metric_scope *scope = &t->recipe->metric_scope;
    int64_t samples = 0, outputs = gr_shape_count(gr__network_output(t->network));
    if (!gr__metrics_want_scores(&e->metrics)) return 0;
    for (int p = 0; p < GR_PARTS; p++)
        if (parts & 1u << p) samples = GR_MAX(samples, t->count[p]);
    const gr_tally_spec is = {.form = scope->form,
                              .outputs = GR_MAX(outputs, scope->form == GR_FORM_CLASS ? scope->classes : 1),
                              .classes = scope->classes,
                              .wide = gr_backend_real_bytes(t->backend) == 8};
    return gr__tally_score_bytes(&is, samples);
}
