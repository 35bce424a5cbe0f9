/* Trials of a recipe: planned, trained, reported. */
#include "study/tune/searched.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "train/run.h"

/* ---- limits ---- */

enum { BYTES, SERVING_BYTES, PARAMETERS, STEP_FLOPS, PREDICTED_MS, LIMITS };
const char *const gr__limit_words[] = {"bytes", "serving_bytes", "parameters", "step_flops", "predicted_ms", NULL};

gr_status gr__limits_add(gr_context *ctx, gr_limits *l, const char *text)
{
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : strlen(text);
    uint64_t bytes = 0;
    int what = 0;
    while (what < LIMITS && (strncmp(gr__limit_words[what], text, n) != 0 || gr__limit_words[what][n])) what++;
    if (what == LIMITS || !equals) {
        gr__fail(ctx, GR_E_USAGE, "--at-most %s: it wants a figure of the plan and a number", text);
        gr__error_hint(ctx, "bytes=256M, serving_bytes=1M, parameters=100000, step_flops=1e9 or predicted_ms=2");
        return GR_E_USAGE;
    }
    double most = NAN;
    if (!gr__parse_number(equals + 1, &most) && gr__parse_size(equals + 1, &bytes) && what <= PARAMETERS)
        most = (double)bytes;
    if (!(most > 0)) return gr__fail(ctx, GR_E_USAGE, "--at-most %s: %s is no number above 0", text, equals + 1);
    if (l->n == GR_MOST_LIMITS) return gr__fail(ctx, GR_E_USAGE, "--at-most: %d are the most", GR_MOST_LIMITS);
    l->at[l->n].what = what;
    l->at[l->n].most = most;
    l->at[l->n++].text = text;
    return GR_OK;
}

static gr_status check_limits(gr_context *ctx, const gr_limits *l, const gr_engine *e)
{
    double figure[LIMITS] = {
        [BYTES] = (double)e->bytes.total, [PARAMETERS] = (double)gr__network_parameter_count(e->task->network)};
    gr_serving_bytes serving;
    const gr_plan *step = e->plan[0].plan;
    gr_status st = gr__serving_check(e->task, &serving);
    if (st != GR_OK) return st;
    figure[SERVING_BYTES] = (double)serving.total;
    figure[STEP_FLOPS] = gr_plan_flops(step);
    for (int i = 0; i < gr_plan_rows(step); i++) figure[PREDICTED_MS] += 1e-6 * gr_plan_row_at(step, i).cost_ns;
    for (int i = 0; i < l->n; i++)
        if (figure[l->at[i].what] > l->at[i].most)
            return gr__fail(ctx, GR_E_CHECK, "%s is %.10g, and may be %.10g at most", gr__limit_words[l->at[i].what],
                            figure[l->at[i].what], l->at[i].most);
    return GR_OK;
}

/* ---- a point's recipe ---- */

gr_status gr__searched_recipe(const gr_searched *s, gr_context *ctx, const gr_spaces *spaces, const gr_point *p,
                              gr_recipe **out)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *tree = b ? gr__tree_copy(b, s->base->tree) : NULL;
    gr_status st = tree ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < spaces->n && st == GR_OK; i++) {
        char text[GR_SPACE_TEXT];
        if (isnan(p->at[i])) continue;
        const char *set =
            gr__bump_format(b, "%s=%s", spaces->at[i].key, gr__space_text(&spaces->at[i], p->at[i], text));
        st = set ? gr__recipe_set(ctx, b, tree, "--try", set) : GR_E_MEMORY;
    }
    if (st == GR_OK) st = gr__recipe_from_tree(ctx, b, tree, s->base->path, s->base->folder, out);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

/* ---- a trial ---- */

static gr_status plan(void *user, const gr_trial_run *run, uint64_t *bytes)
{
    const gr_searched *s = user;
    gr_recipe *r = NULL;
    gr_task task = {0};
    gr_engine engine = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__searched_recipe(s, run->ctx, run->spaces, &run->trial->point, &r));
    GR_TRY(gr__task_estimate(run->ctx, r, &task));
    GR_TRY(gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &engine));
    GR_TRY(gr__engine_budget(&engine, r->memory));
    GR_TRY(check_limits(run->ctx, &s->limits, &engine));
    *bytes = engine.bytes.total;
done:
    gr__engine_close(&engine);
    gr__task_close(&task);
    if (r) gr__recipe_close(run->ctx, r);
    return st;
}

typedef struct told {
    const gr_searched *searched;
    const gr_trial_run *run;
    bool any;
} told;

static gr_status tell(void *user, const gr_progress *p, bool *stop)
{
    told *t = user;
    if (p->phase != GR_PHASE_EVALUATED || !p->evaluation) return GR_OK;
    t->any = true;
    return t->run->report(t->run->user, p->step, p->steps, gr__evaluation_figure(p->evaluation, &t->searched->by),
                          stop);
}

static const char *folder_of(const gr_searched *s, const gr_trial_run *run, char *text, size_t n)
{
    snprintf(text, n, "%s%lld", s->folder, (long long)run->trial->trial);
    return text;
}

static gr_status train(void *user, const gr_trial_run *run, int64_t *steps)
{
    const gr_searched *s = user;
    char folder[4096];
    gr_recipe *r = NULL;
    gr_train_result result = {0};
    told watcher = {s, run, false};
    const gr_train_options o = {.out = folder_of(s, run, folder, sizeof folder),
                                .resume = true,
                                .stop = run->stop,
                                .watcher = &(gr_watcher){.version = GR_WATCHER_VERSION, .user = &watcher, .tell = tell},
                                .n_watchers = 1};
    bool before = gr__file_exists(folder);
    gr__sync_none(run->ctx, true);
    gr_status st = gr__searched_recipe(s, run->ctx, run->spaces, &run->trial->point, &r);
    if (st == GR_OK) st = gr__train(run->ctx, r, &o, &result);
    if (st == GR_E_FORMAT && before && gr__run_remove(run->ctx, folder) == GR_OK) {
        gr_context_clear_error(run->ctx); /* what an earlier process left does not hold: the trial begins anew */
        st = gr__train(run->ctx, r, &o, &result);
    }
    if (result.steps > 0) *steps = result.steps;
    if (r) gr__recipe_close(run->ctx, r);
    return st;
}

static gr_status forget(void *user, const gr_trial_run *run)
{
    char folder[4096];
    gr_status st = gr__run_remove(run->ctx, folder_of(user, run, folder, sizeof folder));
    if (st != GR_E_BUSY) return st;
    gr_context_clear_error(run->ctx); /* who trains there has still to write its end, and removes it then */
    return GR_OK;
}

gr_objective gr__searched_objective(gr_searched *s)
{
    return (gr_objective){s, gr__figure_lower(s->base, &s->by), plan, train, forget};
}

/* ---- opening ---- */

static gr_status measure(gr_searched *s)
{
    gr_task task = {0};
    gr_status st = gr__task_estimate(s->ctx, s->base, &task);
    if (st == GR_OK) {
        gr_extent e = gr__task_extent(&task);
        gr_every v = s->base->validate;
        double first = (double)v.n * (double)(v.unit == GR_EVERY_EPOCHS ? e.updates_per_epoch : 1);
        s->share = e.total > 0 ? first / (double)e.total : (double)NAN;
    }
    gr__task_close(&task);
    return st;
}

gr_status gr__searched_open(gr_context *ctx, gr_recipe *base, bool by_metric, gr_searched *out)
{
    char figure[GR_FIGURE_TEXT];
    *out = (gr_searched){.ctx = ctx, .base = base, .memory = gr__bump_create(ctx)};
    if (!out->memory) return GR_E_MEMORY;
    if (!base->data.validation && !(base->data.split_validation > 0)) {
        gr__fail(ctx, GR_E_CONFLICT, "%s has no validation part, by which trials are judged", base->path);
        gr__error_hint(ctx, "such as data.validation: {split: 0.1}");
        return GR_E_CONFLICT;
    }
    bool several = base->n_heads > 1;
    out->by = by_metric ? base->best_by : (gr_best_by){several ? GR_BEST_COST : GR_BEST_ERROR, several ? -1 : 0, 0};
    const char *name = out->by.what == GR_BEST_ERROR  ? "error"
                       : out->by.what == GR_BEST_COST ? "cost"
                                                      : base->head[out->by.head].metrics.use[out->by.metric].name;
    if (out->by.head >= 0) name = gr__head_figure(base, out->by.head, name, figure);
    out->metric = gr__bump_format(out->memory, "validation_%s", name);
    return out->metric ? measure(out) : GR_E_MEMORY;
}

void gr__searched_close(gr_searched *s)
{
    gr__bump_destroy(s->memory);
}
