/* Which metrics a run and `eval` compute, and what counting for them takes. */
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

gr_status gr__task_metrics(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    int64_t most, least;
    int before = t->metrics.n;
    if (r->metrics_given || r->reading.target != GR_FORM_CLASS || !gr__targets_known(t->targets) ||
        !unbalanced(t->targets, &most, &least))
        return GR_OK;
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

gr_tally_spec gr__engine_tally(const gr_engine *e)
{
    const gr_task *t = e->task;
    gr_shape s = gr__network_output(t->network);
    gr_tally_spec is = {.form = t->recipe->reading.target,
                        .outputs = gr_shape_count(s),
                        .wide = gr_backend_real_bytes(t->backend) == 8,
                        .targets = t->targets,
                        .scores = e->scores,
                        .confusion = e->confusion};
    if (is.form != GR_FORM_CLASS) return is;
    is.classes = t->recipe->metric_scope.classes; /* two, where one output is the probability of the second */
    is.outputs = is.outputs / s.dim[s.rank - 1] * is.classes;
    return is;
}

/* Of the largest part that is evaluated, if any is. */
void gr__engine_count_tally(gr_engine *e, bool train, unsigned parts)
{
    const gr_task *t = e->task;
    int64_t samples = 0;
    for (int p = 0; p < GR_PARTS; p++)
        if (parts & 1u << p) samples = GR_MAX(samples, t->count[p]);
    if (samples == 0) return;
    e->confusion = !train && t->recipe->metric_scope.classes <= GR_MOST_CONFUSED;
    const gr_tally_spec is = gr__engine_tally(e);
    e->tally_bytes = gr__tally_bytes(&is);
    if (gr__metrics_want_scores(&e->metrics)) e->score_bytes = gr__tally_score_bytes(&is, samples);
}
