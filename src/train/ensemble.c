/* How hard training rows are: several models of the recipe's own network, each trained on all rows of rare classes and
 * on some of the common ones, judge those of these that they did not see. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "train/balance.h"
#include "train/start.h"
#include "train/stepper.h"

typedef struct ensemble {
    const gr_task *of; /* loaded, not balanced yet */
    const gr_ensemble *e;
    gr_recipe recipe;
    gr_task task; /* the same data: of training a subset, in the place of validation the rows that are judged */
    gr_engine engine;
    uint32_t *place;           /* of the rows that are judged, among the training rows */
    uint8_t *outside, *inside; /* of each training row: how many models did not see it; whether this one does */
    gr_hardness *hard;
} ensemble;

static bool is_common(const gr_ensemble *e, int64_t class_)
{
    return e->count[class_] > e->most;
}

/* Rows of a common class that a model sees: never more than half, so that some model has not seen a given one. */
static int64_t seen_of(const gr_ensemble *e, int64_t class_)
{
    return GR_MAX(GR_MIN(e->most, e->count[class_] / 2), 1);
}

static void sizes(const gr_ensemble *e, int64_t *subset, int64_t *judged)
{
    *subset = *judged = 0;
    for (int c = 0; c < e->classes; c++) {
        *subset += is_common(e, c) ? seen_of(e, c) : e->count[c];
        *judged += is_common(e, c) ? e->count[c] : 0;
    }
}

/* A task of the subset; rows are counts alone. */
static void borrow(ensemble *s, const gr_task *t, const gr_ensemble *e)
{
    int64_t subset, judged;
    sizes(e, &subset, &judged);
    s->of = t;
    s->e = e;
    s->recipe = *t->recipe;
    s->recipe.stop = (gr_stop_rules){.epochs = e->epochs, .validation_error_below = NAN, .seconds = NAN};
    s->recipe.data.balance = NULL;
    s->recipe.data.copies = 1;
    s->task = *t;
    s->task.recipe = &s->recipe;
    s->task.data_bytes = s->task.work_bytes = 0;
    s->task.set_of[GR_PART_VALIDATION] = s->task.set_of[GR_PART_TRAIN];
    s->task.rows[GR_PART_TRAIN] = (gr_rows){.n = subset};
    s->task.rows[GR_PART_VALIDATION] = (gr_rows){.n = judged};
    s->task.training = s->task.rows[GR_PART_TRAIN];
    s->task.repeated = (gr_rows){0};
    s->task.balanced = NULL;
    s->task.count[GR_PART_TRAIN] = subset;
    s->task.count[GR_PART_VALIDATION] = judged;
}

static size_t lists_bytes(const ensemble *s)
{
    size_t rows = (size_t)s->of->rows[GR_PART_TRAIN].n;
    return (size_t)gr__rows_bytes(s->task.count[GR_PART_TRAIN] + 2 * s->task.count[GR_PART_VALIDATION]) + 2 * rows;
}

gr_status gr__ensemble_work(const gr_task *t, const gr_ensemble *e, uint64_t *bytes)
{
    ensemble s = {0};
    borrow(&s, t, e);
    gr_status st = gr__engine_make(&s.task, true, 1u << GR_PART_VALIDATION, &s.engine);
    const gr_engine *made = &s.engine;
    const gr_loader_options training = gr__task_training_loader(&s.task, false),
                            judging = gr__task_loader(&s.task, GR_PART_VALIDATION, false);
    if (st == GR_OK) /* evaluations are none of a tally's, and loaders have no threads */
        *bytes = made->bytes.total - made->bytes.loader - (made->tally_bytes - made->count_bytes) +
                 gr__loader_bytes(&training) + gr__loader_bytes(&judging) + lists_bytes(&s);
    gr__engine_close(&s.engine);
    return st;
}

static const int32_t *labels(const ensemble *s)
{
    return gr__set_target(&s->of->set[GR_PART_TRAIN], s->e->head)->data;
}

/* The rows that are judged, in the order of the source. */
static void list_judged(ensemble *s)
{
    const gr_rows *all = &s->of->rows[GR_PART_TRAIN];
    int64_t n = 0;
    for (int64_t i = 0; i < all->n; i++) {
        if (!is_common(s->e, labels(s)[all->row[i]])) continue;
        s->place[n] = (uint32_t)i;
        s->task.rows[GR_PART_VALIDATION].row[n++] = all->row[i];
    }
}

/* Draws what a model sees of a common class. The last one leaves out what all before it saw. */
static void draw_class(ensemble *s, int model, int class_)
{
    const gr_rows *all = &s->of->rows[GR_PART_TRAIN];
    int64_t left = seen_of(s->e, class_), others = 0;
    bool last = model == s->e->models - 1;
    gr__rng r = gr__rng_make(s->recipe.seed, "balance/ensemble", (uint32_t)model, (uint32_t)class_);
    for (int64_t i = 0; i < all->n; i++) others += labels(s)[all->row[i]] == class_ && !(last && s->outside[i] == 0);
    for (int64_t i = 0; i < all->n && left > 0; i++) { /* Knuth's selection: each subset of that size is as likely */
        if (labels(s)[all->row[i]] != class_ || (last && s->outside[i] == 0)) continue;
        if ((int64_t)gr__rng_below(&r, (uint64_t)others--) >= left) continue;
        s->inside[i] = 1;
        left--;
    }
}

static void draw(ensemble *s, int model)
{
    const gr_rows *all = &s->of->rows[GR_PART_TRAIN];
    gr_rows *subset = &s->task.rows[GR_PART_TRAIN];
    int64_t n = 0;
    memset(s->inside, 0, (size_t)all->n);
    for (int c = 0; c < s->e->classes; c++)
        if (is_common(s->e, c)) draw_class(s, model, c);
    for (int64_t i = 0; i < all->n; i++) {
        bool common = is_common(s->e, labels(s)[all->row[i]]);
        if (!common || s->inside[i]) subset->row[n++] = all->row[i];
        if (common) s->outside[i] = (uint8_t)(s->outside[i] + !s->inside[i]);
    }
}

static gr_status train(ensemble *s, gr_loader *loader)
{
    double schedule[GR_SCHEDULE_STATE];
    gr_stepper step = {.recipe = &s->recipe,
                       .engine = &s->engine,
                       .loader = loader,
                       .schedule = schedule,
                       .extent = gr__task_extent(&s->task)};
    gr_status st = GR_OK;
    gr__sched_begin(&s->recipe.sched, schedule);
    gr__loader_seek(loader, 0, 0);
    for (int64_t i = 0; i < step.extent.total && st == GR_OK; i++) {
        bool more = true;
        gr__stepper_begin(&step, i);
        while (st == GR_OK && more) {
            st = gr__stepper_next(&step, &more);
            if (st == GR_OK && more) st = gr_plan_run(step.plan->plan);
        }
    }
    return st;
}

/* What a model says of a row: the probability of its class, and whether another is more likely. */
static double own_share(const ensemble *s, const void *prediction, int64_t at, int label, bool *wrong)
{
    int64_t outputs = gr_shape_count(s->recipe.head[s->e->head].output), best = 0;
    gr_element real = gr__task_real(&s->task);
    double own = gr__element_at(real, prediction, at * outputs + (outputs == 1 ? 0 : label));
    if (outputs == 1) {
        *wrong = (own >= 0.5) != (label == 1);
        return label == 1 ? own : 1 - own;
    }
    for (int64_t k = 1; k < outputs; k++)
        if (gr__element_at(real, prediction, at * outputs + k) > gr__element_at(real, prediction, at * outputs + best))
            best = k;
    *wrong = best != label;
    return own;
}

static gr_status judge(ensemble *s, gr_loader *loader, int64_t *wrong, int64_t *seen)
{
    int64_t at = 0;
    gr_status st = GR_OK;
    *wrong = *seen = 0;
    gr__loader_seek(loader, 0, 0);
    for (gr_batch b = {0}; !b.last && st == GR_OK;) {
        GR_TRY(gr__loader_next(loader, &b));
        gr_engine_plan *plan = gr__engine_find(&s->engine, GR_RUN_EVALUATE, b.n, 0, 0);
        if (!plan) return gr__fail(s->of->ctx, GR_E_INTERNAL, "no plan to judge a batch of %lld", (long long)b.n);
        gr__feeds_put(&plan->feeds, &b);
        GR_TRY(gr_plan_run(plan->plan));
        for (int64_t i = 0; i < b.n; i++, at++) {
            gr_hardness *h = &s->hard[s->place[at]];
            bool missed;
            if (s->inside[s->place[at]]) continue;
            h->miss += 1 - own_share(s, plan->head[s->e->head].prediction, i, labels(s)[b.row[i]], &missed);
            h->wrong += missed;
            *wrong += missed;
            ++*seen;
        }
    }
done:
    return st;
}

static const char *name_of(const ensemble *s)
{
    return s->of->recipe->data.balance->head.name;
}

/* One model: each has an engine of its own, for initial values are written before an arena takes its place. */
static gr_status run_model(ensemble *s, int model)
{
    gr_loader *training = NULL, *judging = NULL;
    int64_t wrong, seen;
    gr_status st = GR_OK;
    s->recipe.seed = s->of->recipe->seed + (uint64_t)model;
    draw(s, model);
    GR_TRY(gr__engine_make(&s->task, true, 1u << GR_PART_VALIDATION, &s->engine));
    GR_TRY(gr_store_seal(s->engine.store));
    GR_TRY(gr__start_weights(&s->task, s->engine.store));
    GR_TRY(gr__engine_start(&s->engine));
    gr_loader_options o = gr__task_training_loader(&s->task, false);
    GR_TRY(gr__loader_create(s->of->ctx, &o, &training));
    o = gr__task_loader(&s->task, GR_PART_VALIDATION, false);
    GR_TRY(gr__loader_create(s->of->ctx, &o, &judging));
    GR_TRY(train(s, training));
    GR_TRY(judge(s, judging, &wrong, &seen));
    gr__log(s->of->ctx, GR_LOG_INFO, "%s: model %d of %d gets %.1f %% of %lld unseen samples wrong", name_of(s),
            model + 1, s->e->models, 100 * (double)wrong / (double)GR_MAX(seen, 1), (long long)seen);
done:
    gr__loader_destroy(training);
    gr__loader_destroy(judging);
    gr__engine_close(&s->engine);
    return st;
}

static gr_status run(ensemble *s)
{
    gr_status st = GR_OK;
    gr__log(s->of->ctx, GR_LOG_INFO,
            "%s trains %d models of %lld samples first, %lld updates in all, and judges %lld samples by each",
            name_of(s), s->e->models, (long long)s->task.count[GR_PART_TRAIN],
            (long long)(gr__task_extent(&s->task).total * s->e->models), (long long)s->task.count[GR_PART_VALIDATION]);
    for (int model = 0; model < s->e->models && st == GR_OK; model++) st = run_model(s, model);
    return st;
}

gr_status gr__ensemble_rank(const gr_task *t, const gr_ensemble *e, gr_hardness *hard)
{
    ensemble s = {.hard = hard};
    borrow(&s, t, e);
    int64_t n = t->rows[GR_PART_TRAIN].n, subset = s.task.count[GR_PART_TRAIN],
            judged = s.task.count[GR_PART_VALIDATION];
    size_t bytes = lists_bytes(&s);
    uint32_t *lists = gr__tensor_alloc(t->ctx, bytes);
    if (!lists) return gr__error_code(t->ctx);
    s.task.rows[GR_PART_TRAIN].row = s.task.training.row = lists;
    s.task.rows[GR_PART_VALIDATION].row = lists + subset;
    s.place = lists + subset + judged;
    s.outside = (uint8_t *)(s.place + judged);
    s.inside = s.outside + n;
    memset(s.outside, 0, 2 * (size_t)n);
    list_judged(&s);
    gr_status st = run(&s);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        if (!s.outside[i]) continue;
        hard[i].wrong /= s.outside[i];
        hard[i].miss /= s.outside[i];
    }
    gr__tensor_free(t->ctx, lists, bytes);
    return st;
}
