/* Short trainings: an engine on borrowed data, taken update by update. */
#include "study/check/trial.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "data/sample.h"
#include "train/inside.h"
#include "train/start.h"

enum { SMALL = 8, NORMALISED = 32 }; /* samples of an update at least; where batches are normalised by */
enum { LIKED = 50 };                 /* updates, for which a smaller batch is taken */
enum { JUDGED = 1000 };              /* samples at most that a trial is judged by */
enum { FEW = 16, MANY = 64 };        /* and at least, at most, in a batch of which layers are looked at */
enum { BATCHES = 4 };                /* that statistics are taken of before a trial is judged */
static const double HELD = 0.2;      /* of the training rows, where there is no validation part */

/* ---- what they share ---- */

/* Every k-th of the rows, `most` at most. */
static gr_status spread(gr_context *ctx, const gr_rows *of, int64_t most, gr_rows *out)
{
    int64_t n = GR_MIN(of->n, most);
    gr_status st = gr__rows_all(ctx, n, out);
    for (int64_t i = 0; i < n && st == GR_OK; i++) out->row[i] = of->row[i * of->n / n];
    return st;
}

/* Rows for training and for judging, drawn by the seed; each has at least one where there are two. */
static gr_status hold_out(gr_trials *ts)
{
    gr_context *ctx = ts->c->ctx;
    const gr_rows *all = &ts->task->rows[GR_PART_TRAIN];
    int64_t judged = GR_MIN(GR_MAX((int64_t)(HELD * (double)all->n), 1), JUDGED);
    if (all->n < 2) judged = all->n;
    gr_rows order = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__rows_all(ctx, all->n, &order));
    gr__rng rng = gr__rng_make(ts->c->recipe->seed, "check/held", 0, 0);
    gr__rng_permutation(&rng, order.row, (size_t)order.n);
    GR_TRY(gr__rows_all(ctx, judged, &ts->validation));
    GR_TRY(gr__rows_all(ctx, GR_MAX(all->n - judged, GR_MIN(all->n, 1)), &ts->training));
    for (int64_t i = 0; i < ts->validation.n; i++) ts->validation.row[i] = all->row[order.row[i]];
    for (int64_t i = 0; i < ts->training.n; i++) ts->training.row[i] = all->row[order.row[(judged + i) % all->n]];
    ts->held_out = true;
done:
    gr__rows_free(ctx, &order);
    return st;
}

/* Which row's targets a row has where they are shuffled: the training rows' among themselves. */
static gr_status shuffle(gr_trials *ts)
{
    const gr_set *s = ts->task->set_of[GR_PART_TRAIN];
    const gr_rows *of = ts->held_out ? &ts->training : &ts->task->rows[GR_PART_TRAIN];
    ts->other_bytes = (size_t)s->n * sizeof *ts->other;
    ts->other = gr__tensor_alloc(ts->c->ctx, ts->other_bytes);
    gr_rows order = {0};
    if (!ts->other) return gr__error_code(ts->c->ctx);
    for (int64_t i = 0; i < s->n; i++) ts->other[i] = (uint32_t)i;
    gr_status st = gr__rows_all(ts->c->ctx, of->n, &order);
    if (st != GR_OK) return st;
    gr__rng rng = gr__rng_make(ts->c->recipe->seed, "check/shuffled", 0, 0);
    gr__rng_permutation(&rng, order.row, (size_t)order.n);
    for (int64_t i = 0; i < of->n; i++) ts->other[of->row[i]] = of->row[order.row[i]];
    gr__rows_free(ts->c->ctx, &order);
    return GR_OK;
}

/* What an update of the recipe costs. */
static gr_status count(gr_trials *ts)
{
    gr_engine e = {0};
    gr_status st = gr__engine_make(ts->task, true, 0, &e);
    for (size_t i = 0; i < e.n_plans && st == GR_OK; i++) {
        double flops = gr_plan_flops(e.plan[i].plan);
        if (e.plan[i].kind == GR_RUN_ACCUMULATE) flops *= (double)ts->task->recipe->accumulate;
        if (e.plan[i].kind != GR_RUN_ACTION) ts->flops = fmax(ts->flops, flops);
    }
    gr__engine_close(&e);
    return st;
}

gr_status gr__trials_open(gr_check *c, gr_trials *ts)
{
    gr_status st = GR_OK;
    *ts = (gr_trials){.c = c, .task = &c->probe.task};
    if (ts->task->set_of[GR_PART_VALIDATION])
        GR_TRY(spread(c->ctx, &ts->task->rows[GR_PART_VALIDATION], JUDGED, &ts->validation));
    else
        GR_TRY(hold_out(ts));
    GR_TRY(shuffle(ts));
    GR_TRY(count(ts));
done:
    return st;
}

void gr__trials_close(gr_trials *ts)
{
    if (!ts->c) return;
    gr_context *ctx = ts->c->ctx;
    gr__rows_free(ctx, &ts->training);
    gr__rows_free(ctx, &ts->validation);
    if (ts->other) gr__tensor_free(ctx, ts->other, ts->other_bytes);
    *ts = (gr_trials){0};
}

int64_t gr__trials_steps(const gr_trials *ts, double work, int trainings, int64_t most, int64_t *batch)
{
    size_t states;
    double n = floor(work / (fmax(ts->flops, 1) * trainings)), wanted = fmin((double)most / 2, LIKED);
    gr__network_states(ts->task->network, &states);
    int64_t whole = gr__task_batch(ts->task) * ts->task->recipe->accumulate, least = states ? NORMALISED : SMALL;
    if (batch) *batch = 0;
    if (batch && n < wanted && whole > least) {
        *batch = GR_MAX((int64_t)((double)whole * fmax(n, 1) / wanted), least);
        n = floor(n * (double)whole / (double)*batch);
    }
    int64_t steps = (int64_t)fmin(fmax(n, 1), (double)most);
    return ts->c->o->steps ? GR_MIN(ts->c->o->steps, most) : steps;
}

bool gr__trials_vary(const gr_trials *ts)
{
    const gr_set *s = ts->task->set_of[GR_PART_TRAIN];
    const gr_rows *rows = &ts->task->rows[GR_PART_TRAIN];
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *y = gr__set_target(s, h);
        size_t bytes = gr__sample_bytes(y);
        for (int64_t i = 1; i < rows->n; i++)
            if (memcmp((const char *)y->data + rows->row[i] * bytes, (const char *)y->data + rows->row[0] * bytes,
                       bytes) != 0)
                return true;
    }
    return false;
}

/* ---- one of them ---- */

static void show_state(void *user, const gr_entry_spec *s, gr_val batch, gr_val share)
{
    (void)share;
    gr_output(user, s->name, batch);
}

static gr_status statistics_graph(void *user, gr_graph *g)
{
    gr_trial *t = user;
    gr_network_values v;
    gr_status st = gr__network_build_with(t->task.network, g, GR_MODE_TRAIN, gr__task_batch(&t->task), false,
                                          &(gr_network_options){.bind = {.observe = show_state, .user = g}}, &v);
    return st == GR_OK ? gr_graph_status(g) : st;
}

/* The rows: what an epoch is made of, and what is judged. */
static void take_rows(gr_trial *t, const gr_rows *rows)
{
    const gr_trials *ts = t->of;
    if (!rows && ts->held_out) rows = &ts->training;
    t->task.set_of[GR_PART_VALIDATION] = t->task.set_of[ts->held_out ? GR_PART_TRAIN : GR_PART_VALIDATION];
    t->task.rows[GR_PART_VALIDATION] = ts->validation;
    t->task.count[GR_PART_VALIDATION] = ts->validation.n;
    t->task.buckets.n = 0;
    for (int h = 0; h < t->recipe.n_heads; h++) t->task.metrics[h].n = 0;
    for (int i = 0; i < t->recipe.n_inputs; i++)
        if (!t->recipe.input[i].augment) t->task.changes[i] = NULL;
    if (!rows && t->recipe.data.copies != ts->task->recipe->data.copies) rows = &ts->task->rows[GR_PART_TRAIN];
    if (!rows) return;
    t->task.rows[GR_PART_TRAIN] = t->task.training = *rows;
    t->task.count[GR_PART_TRAIN] = rows->n;
    t->task.balanced = NULL;
    t->recipe.data.copies = 1;
}

static gr_status open_loaders(gr_trial *t)
{
    gr_context *ctx = t->of->c->ctx;
    gr_loader_options o = gr__task_training_loader(&t->task, false);
    gr_status st = gr__loader_create(ctx, &o, &t->loader);
    o = gr__task_loader(&t->task, GR_PART_VALIDATION, false);
    if (st == GR_OK) st = gr__loader_create(ctx, &o, &t->validation);
    o = gr__task_training_loader(&t->task, false);
    if (st == GR_OK && t->statistics) st = gr__loader_create(ctx, &o, &t->look);
    o = gr__task_loader(&t->task, GR_PART_VALIDATION, false);
    o.batch = t->seen;
    if (st == GR_OK && t->layers) st = gr__loader_create(ctx, &o, &t->looked_at);
    return st;
}

static gr_status start(gr_trial *t, bool layers)
{
    size_t states;
    gr_status st = GR_OK;
    gr__network_states(t->task.network, &states);
    t->task.running = true; /* its own statistics take their place */
    GR_TRY(gr__engine_make(&t->task, true, 1u << GR_PART_VALIDATION, &t->engine));
    if (states) GR_TRY(gr__runner_add(&t->engine.runner, "check statistics", statistics_graph, t, &t->statistics));
    t->seen = GR_MIN(GR_MIN(GR_MAX(gr__task_evaluation_batch(&t->task), FEW), MANY), t->of->validation.n);
    gr_inside inside = {.task = &t->task, .mode = GR_MODE_EVALUATE, .batch = t->seen};
    if (layers) GR_TRY(gr__runner_add(&t->engine.runner, "check layers", gr__inside_graph, &inside, &t->layers));
    GR_TRY(gr_store_seal(t->engine.store));
    GR_TRY(gr__start_weights(&t->task, t->engine.store));
    GR_TRY(gr__engine_start(&t->engine));
    GR_TRY(open_loaders(t));
    gr__sched_begin(&t->recipe.sched, t->schedule);
    t->stepper = (gr_stepper){.recipe = &t->recipe,
                              .engine = &t->engine,
                              .loader = t->loader,
                              .schedule = t->schedule,
                              .extent = gr__task_extent(&t->task)};
    gr__loader_seek(t->loader, 0, 0);
done:
    return st;
}

gr_status gr__trial_open(gr_trials *ts, const gr_recipe *recipe, const gr_trial_spec *spec, gr_trial *t)
{
    static const gr_trial_spec none = {0};
    if (!spec) spec = &none;
    *t = (gr_trial){.of = ts, .data = spec->data, .recipe = *recipe};
    gr_status st = gr__task_borrow(ts->task, &t->recipe, &t->task);
    if (st != GR_OK) return st;
    take_rows(t, spec->rows);
    return start(t, spec->layers);
}

void gr__trial_close(gr_trial *t)
{
    gr__loader_destroy(t->loader);
    gr__loader_destroy(t->validation);
    gr__loader_destroy(t->look);
    gr__loader_destroy(t->looked_at);
    gr__engine_close(&t->engine);
    gr__task_return(&t->task);
    *t = (gr_trial){0};
}

/* ---- updates ---- */

static void blind(const gr_feeds *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->role[i] == GR_FIELD_INPUT && f->field[i]) memset(f->field[i], 0, f->bytes[i]);
}

/* The targets of a batch become those of other samples. */
static void swap_targets(const gr_trial *t, const gr_engine_plan *p, const gr_batch *b)
{
    const gr_set *s = t->task.set_of[GR_PART_TRAIN];
    for (int h = 0; h < s->n_targets; h++) {
        const gr_field *x = gr__set_target(s, h);
        gr_element as = x->kind == GR_TARGET_CLASS ? GR_EL_I32 : gr__task_real(&t->task);
        int64_t width = gr_shape_count(x->sample);
        char *to = p->feeds.field[t->recipe.n_inputs + h];
        for (int64_t i = 0; to && i < b->n; i++, to += (size_t)width * gr__element_bytes(as)) {
            uint32_t row = t->of->other[gr__made_base(s->made, b->row[i])];
            gr__rows_convert(x->element, as, x->data, width, width, &row, 1, to);
        }
    }
}

static gr_status run_next(gr_trial *t, bool *more)
{
    gr_stepper *s = &t->stepper;
    gr_status st = gr__stepper_next(s, more);
    if (st != GR_OK || !*more) return st;
    if (s->takes_batch && t->data == GR_TRIAL_ZERO) blind(&s->plan->feeds);
    if (s->takes_batch && t->data == GR_TRIAL_SHUFFLED) swap_targets(t, s->plan, &s->batch);
    st = gr_plan_run(s->plan->plan);
    if (st != GR_OK || (s->plan->kind != GR_RUN_STEP && s->plan->kind != GR_RUN_APPLY)) return st;
    t->cost = gr__cost_mean(*s->plan->cost_sum, *s->plan->weight_sum);
    if (s->plan->penalty) t->cost += *s->plan->penalty;
    t->norm = *s->plan->norm;
    return st;
}

gr_status gr__trial_step(gr_trial *t)
{
    gr_status st = GR_OK;
    if (t->diverged) return GR_OK;
    for (int first = t->step > 0; first < 2 && st == GR_OK; first++) {
        bool more = true;
        if (first == 0)
            gr__stepper_begin_actions(&t->stepper, 0);
        else
            gr__stepper_begin(&t->stepper, t->step);
        while (st == GR_OK && more) st = run_next(t, &more);
    }
    if (st == GR_E_DIVERGED) {
        gr_context_clear_error(t->of->c->ctx);
        t->diverged = true;
        t->cost = t->norm = INFINITY;
        st = GR_OK;
    }
    t->step++;
    return st;
}

gr_status gr__trial_follow(gr_trial *t, int64_t steps, const gr_trial_follow *f)
{
    gr_status st = GR_OK;
    while (t->step < steps && !t->diverged && st == GR_OK) {
        if (f->what && t->step % 8 == 0)
            gr__watch(t->of->c->o->watch, f->what, f->from + (f->to - f->from) * (double)t->step / (double)steps);
        st = gr__trial_step(t);
        if (f->each && st == GR_OK && !t->diverged) f->each(f->user, t);
    }
    return st;
}

gr_status gr__trial_run(gr_trial *t, int64_t steps)
{
    return gr__trial_follow(t, steps, &(gr_trial_follow){0});
}

uint64_t gr__trial_sum(const gr_trial *t, const gr_entry *e)
{
    size_t bytes = (e->spec.shape.rank ? gr_backend_real_bytes(t->task.backend) : sizeof(double)) * (size_t)e->count;
    const unsigned char *s = e->data;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < bytes; i++) h = (h ^ s[i]) * 1099511628211u;
    return h;
}

/* ---- judging ---- */

static void add_batch(gr_trial *t, const gr_entry *e, const void *batch, int n)
{
    bool wide = gr_backend_real_bytes(t->task.backend) == 8;
    for (int64_t i = 0; i < e->count; i++) {
        if (wide)
            ((double *)e->data)[i] += (((const double *)batch)[i] - ((double *)e->data)[i]) / n;
        else
            ((float *)e->data)[i] += (((const float *)batch)[i] - ((float *)e->data)[i]) / (float)n;
    }
}

/* Statistics of what the weights are now: running ones are still those of the first updates. */
static gr_status take_statistics(gr_trial *t)
{
    size_t n;
    const gr_entry_spec *states = gr__network_states(t->task.network, &n);
    gr_status st = GR_OK;
    if (!t->statistics) return GR_OK;
    gr__loader_seek(t->look, 0, 0);
    for (int k = 0; k < BATCHES && st == GR_OK; k++) {
        gr_batch b;
        st = gr__loader_next(t->look, &b);
        if (st != GR_OK || b.n != gr__task_batch(&t->task)) break;
        gr_feeds f = gr__feeds_find(&t->task, t->statistics);
        gr__feeds_put(&f, &b);
        if (t->data == GR_TRIAL_ZERO) blind(&f);
        gr__feeds_moment(&f, t->recipe.seed, 0, 0);
        st = gr_plan_run(t->statistics);
        for (size_t i = 0; i < n && st == GR_OK; i++) {
            const void *batch = gr_plan_output(t->statistics, states[i].name, NULL); /* NULL: the layer is frozen */
            if (batch) add_batch(t, gr_store_find(t->engine.store, states[i].name), batch, k + 1);
        }
    }
    return st;
}

gr_status gr__trial_judge(gr_trial *t, double *cost)
{
    const gr_recipe *r = &t->recipe;
    double sum[GR_MAX_TARGETS] = {0}, weight[GR_MAX_TARGETS] = {0};
    gr_status st = t->diverged ? GR_OK : take_statistics(t);
    *cost = INFINITY;
    if (t->diverged || st != GR_OK) return st;
    gr__loader_seek(t->validation, 0, 0);
    for (gr_batch b = {0}; !b.last && st == GR_OK;) {
        GR_TRY(gr__loader_next(t->validation, &b));
        gr_engine_plan *p = gr__engine_find(&t->engine, GR_RUN_EVALUATE, b.n, 0, 0);
        if (!p) return gr__fail(t->task.ctx, GR_E_INTERNAL, "no plan to judge a batch of %lld", (long long)b.n);
        gr__feeds_put(&p->feeds, &b);
        if (t->data == GR_TRIAL_ZERO) blind(&p->feeds);
        GR_TRY(gr_plan_run(p->plan));
        for (int h = 0; h < r->n_heads; h++) sum[h] += *p->head[h].cost_sum, weight[h] += *p->head[h].weight_sum;
    }
    double all = 0;
    for (int h = 0; h < r->n_heads; h++) all += r->head[h].weight * gr__cost_mean(sum[h], weight[h]);
    *cost = isfinite(all) ? all : INFINITY;
done:
    return st;
}

gr_status gr__trial_evaluate(gr_trial *t, double *cost, double *error)
{
    gr_evaluation ev = {0};
    *cost = *error = INFINITY;
    gr_status st = t->diverged ? GR_OK : take_statistics(t);
    if (t->diverged || st != GR_OK) return st;
    st = gr__evaluate(&t->engine, 0, t->validation, GR_PART_VALIDATION, NULL, &ev);
    if (st == GR_OK && ev.finite) *cost = ev.cost_mean, *error = ev.error;
    gr__evaluation_free(t->task.ctx, &ev);
    return st;
}

gr_status gr__trial_look(gr_trial *t, bool *more)
{
    gr_batch b;
    gr_status st = GR_OK;
    *more = false;
    if (t->all_seen) {
        t->all_seen = t->looking = false;
        return GR_OK;
    }
    if (!t->looking) gr__loader_seek(t->looked_at, 0, 0);
    GR_TRY(gr__loader_next(t->looked_at, &b));
    t->looking = true;
    t->all_seen = b.last;
    if (b.n != t->seen) { /* the short last batch */
        t->all_seen = t->looking = false;
        return GR_OK;
    }
    gr_feeds f = gr__feeds_find(&t->task, t->layers);
    gr__feeds_put(&f, &b);
    gr__feeds_moment(&f, t->recipe.seed, 0, 0);
    st = gr_plan_run(t->layers);
    *more = true;
done:
    return st;
}
