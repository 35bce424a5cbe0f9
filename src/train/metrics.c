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

/* The recipe as it is with the metrics of this head. */
static gr_status resolve(gr_task *t, int head)
{
    gr_tree *resolved = gr__tree_copy(t->memory, t->resolved), *list = gr__metrics_tree(t->memory, &t->metrics[head]);
    gr_tree *at = resolved;
    if (resolved && t->recipe->heads_named)
        at = (gr_tree *)gr__tree_get(gr__tree_get(resolved, "heads"), t->recipe->head[head].name); /* of the copy */
    if (!at || !gr__tree_put(t->memory, at, "metrics", list)) return GR_E_MEMORY;
    t->resolved = resolved;
    return GR_OK;
}

/* Does a head that names its metrics or weighs its classes know of them? */
static bool knows_classes(const gr_task *t, int head)
{
    static const char *const weights[] = {"class_weights", "positive_weight"};
    const gr_metrics *m = &t->metrics[head];
    if (t->recipe->data.balance) return true;
    for (size_t i = 0; i < GR_COUNT(weights); i++)
        if (!gr__tree_none(gr__tree_get(t->recipe->head[head].cost_settings.tree, weights[i]))) return true;
    for (int k = 0; k < m->n; k++)
        if (m->use[k].member->class_by_class) return true;
    return m->n == 0; /* it wants none */
}

/* A recipe that names its metrics keeps them: what would tell more of such classes is said. */
static gr_status say_unbalanced(const gr_task *t, int head, int64_t most, int64_t least)
{
    const gr_recipe *r = t->recipe;
    if (knows_classes(t, head)) return GR_OK;
    gr__bump *b = gr__bump_create(t->ctx);
    gr_metrics more = {0};
    char named[GR_FIGURE_TEXT], better[GR_FIGURE_TEXT];
    gr_status st = b ? gr__metrics_add_defaults(t->ctx, b, &r->head[head].metric_scope, true, &more) : GR_E_MEMORY;
    for (int i = 0; i < more.n && st == GR_OK; i++)
        gr__log(
            t->ctx, GR_LOG_INFO,
            "the classes of the training data are unbalanced, %lld samples to %lld: %s would tell more than %s, which "
            "is high where the largest class is always answered",
            (long long)most, (long long)least, gr__head_figure(r, head, more.use[i].name, better),
            gr__head_figure(r, head, t->metrics[head].use[0].name, named));
    gr__bump_destroy(b);
    return st;
}

static gr_status add_metrics(gr_task *t, int head)
{
    const gr_head *h = &t->recipe->head[head];
    gr_metrics *m = &t->metrics[head];
    int64_t most, least;
    int before = m->n;
    char name[GR_FIGURE_TEXT];
    if (h->reading.target != GR_FORM_CLASS || !gr__targets_known(&t->targets[head]) ||
        !unbalanced(&t->targets[head], &most, &least))
        return GR_OK;
    if (h->metrics_given) return say_unbalanced(t, head, most, least);
    gr_status st = gr__metrics_add_defaults(t->ctx, t->memory, &h->metric_scope, true, m);
    if (st == GR_OK) st = resolve(t, head);
    for (int i = before; i < m->n && st == GR_OK; i++)
        gr__log(t->ctx, GR_LOG_INFO,
                "%s is added to the metrics: the classes of the training data are unbalanced, %lld samples to %lld",
                gr__head_figure(t->recipe, head, m->use[i].name, name), (long long)most, (long long)least);
    return st;
}

gr_status gr__task_metrics(gr_task *t)
{
    gr_status st = GR_OK;
    for (int h = 0; h < t->recipe->n_heads && st == GR_OK; h++) st = add_metrics(t, h);
    return st;
}

gr_status gr__engine_metrics(gr_engine *e, bool train)
{
    const gr_task *t = e->task;
    gr_status st = GR_OK;
    for (int h = 0; h < t->recipe->n_heads && st == GR_OK; h++) {
        e->metrics[h] = t->metrics[h];
        if (!train) st = gr__metrics_add_rest(t->ctx, t->memory, &t->recipe->head[h].metric_scope, &e->metrics[h]);
    }
    return st;
}

int64_t gr__engine_steps(const gr_engine *e, int head)
{
    const gr_task *t = e->task;
    bool counted = gr__network_lengths(t->network, head) >= 0;
    return counted ? t->recipe->head[head].output.dim[0] : 1;
}

gr_tally_spec gr__engine_tally(const gr_engine *e, int head)
{
    const gr_task *t = e->task;
    const gr_metric_scope *scope = &t->recipe->head[head].metric_scope;
    gr_shape output = t->recipe->head[head].output;
    int64_t outputs = gr_shape_count(output);
    if (scope->form == GR_FORM_CLASS && outputs == 1) outputs = scope->classes;     /* one output tells two */
    if (scope->form == GR_FORM_DISTRIBUTION) outputs = output.dim[output.rank - 1]; /* each position counts by itself */
    outputs /= gr__engine_steps(e, head);
    return (gr_tally_spec){.form = scope->form,
                           .outputs = outputs,
                           .classes = scope->classes,
                           .wide = gr_backend_real_bytes(t->backend) == 8,
                           .targets = &t->targets[head],
                           .threshold = e->threshold[head],
                           .confusion = e->confusion && scope->classes <= GR_MOST_CONFUSED};
}

bool gr__engine_scores(const gr_engine *e, int head)
{
    const gr_metric_scope *scope = &e->task->recipe->head[head].metric_scope;
    bool two = scope->form == GR_FORM_CLASS && scope->classes == 2;
    return gr__metrics_want_scores(&e->metrics[head]) || (e->task->scored && two);
}

/* Of the largest part that is evaluated, if any is. */
void gr__engine_count_tally(gr_engine *e, bool train, unsigned parts)
{
    const gr_task *t = e->task;
    int64_t samples = 0;
    for (int p = 0; p < GR_PARTS; p++)
        if (parts & 1u << p) samples = GR_MAX(samples, t->count[p]);
    if (samples == 0) return;
    e->confusion = !train;
    for (int h = 0; h < t->recipe->n_heads; h++) {
        const gr_tally_spec is = gr__engine_tally(e, h);
        e->tally_bytes += gr__tally_bytes(&is);
        e->count_bytes += gr__tally_counts_bytes(&is);
        if (gr__engine_scores(e, h)) e->score_bytes += gr__tally_score_bytes(&is, samples * gr__engine_steps(e, h));
    }
}
