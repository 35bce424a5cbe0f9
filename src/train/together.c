/* Several models over one part, in step. Costs are those of the mean prediction, in plain arithmetic, since no graph
 * has made it: each cost tells its own (gr_cost.reference). */
#include "train/together.h"

#include <math.h>
#include <string.h>

#include "model/model.h"
#include "train/evaluate.h"

typedef struct member {
    gr_recipe recipe;
    gr_task task;
    gr_engine engine;
    gr_loader *loader;
    const gr_engine_plan *plan; /* of the batch at hand */
} member;

/* A head's rows: what its cost takes one by one. */
typedef struct rows {
    gr_prediction_form form;
    bool binary;                            /* one output for two classes */
    int64_t a_sample, width, shown, sample; /* rows of a sample; outputs of a row, numbers that predict tells of it, and
                                               of a sample */
    double *z, *y, **v, *mean;              /* of one row; v: of each member */
    void *mixed;                            /* of a batch, in the engine's reals */
} rows;

struct gr_together {
    gr_context *ctx;
    gr__bump *memory;
    gr_part part;
    int n;
    member *m;
    rows head[GR_MAX_TARGETS];
    gr_batch batch;
};

/* ---- opening ---- */

static gr_status open_member(gr_together *t, const gr_model *model, const gr_recipe *r, member *m)
{
    gr_status st = GR_OK;
    m->recipe = *model->recipe;
    m->recipe.data = r->data;
    m->recipe.folder = r->folder;
    m->recipe.seed = r->seed;
    GR_TRY(gr__task_open(t->ctx, &m->recipe, 1u << t->part, model, &m->task));
    for (int i = 0; i < r->n_inputs; i++)
        if (m->task.lengths[i])
            GR_TRY(gr__fail(t->ctx, GR_E_UNSUPPORTED, "models whose samples have lengths are not evaluated together"));
    GR_TRY(gr__engine_make(&m->task, false, 1u << t->part, &m->engine));
    GR_TRY(gr__engine_budget(&m->engine, r->memory));
    GR_TRY(gr__engine_start(&m->engine));
    GR_TRY(gr__model_load(t->ctx, model->file, model->path, m->engine.store));
    gr_loader_options o = gr__task_loader(&m->task, t->part, false);
    o.batch = gr__task_evaluation_batch(&m->task);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    st = gr__loader_create(t->ctx, &o, &m->loader);
done:
    return st;
}

static gr_status take_rows(gr_together *t, int h)
{
    const gr_head *head = &t->m[0].recipe.head[h];
    const gr_shape s = head->output;
    int64_t outputs = gr_shape_count(s), batch = gr__task_evaluation_batch(&t->m[0].task);
    bool split = s.rank > 1 && (head->reading.target == GR_FORM_CLASS || head->reading.target == GR_FORM_DISTRIBUTION);
    rows *w = &t->head[h];
    w->width = split ? s.dim[s.rank - 1] : outputs;
    w->a_sample = w->width ? outputs / w->width : 0;
    w->binary = head->reading.target == GR_FORM_CLASS && w->width == 1;
    w->shown = w->binary ? 2 : w->width;
    w->sample = w->a_sample * w->shown;
    w->form = w->binary && head->reading.prediction != GR_PREDICT_VALUES ? GR_PREDICT_SHARES : head->reading.prediction;
    size_t number = sizeof(double), room = (size_t)GR_MAX(w->shown, 1);
    w->z = gr__bump_alloc(t->memory, number * room);
    w->y = gr__bump_alloc(t->memory, number * room);
    w->mean = gr__bump_alloc(t->memory, number * room);
    w->v = gr__bump_alloc(t->memory, sizeof *w->v * (size_t)t->n);
    w->mixed = gr__bump_alloc(t->memory, number * (size_t)GR_MAX(batch * w->sample, 1));
    if (!w->z || !w->y || !w->mean || !w->v || !w->mixed) return GR_E_MEMORY;
    for (int i = 0; i < t->n; i++)
        if (!(w->v[i] = gr__bump_alloc(t->memory, number * room))) return GR_E_MEMORY;
    return GR_OK;
}

gr_status gr__together_open(gr_context *ctx, const gr_model *const *model, int n, const gr_recipe *r, gr_part part,
                            gr_together **out)
{
    gr__bump *memory = gr__bump_create(ctx);
    gr_together *t = memory ? gr__bump_alloc(memory, sizeof *t) : NULL;
    gr_status st = GR_OK;
    if (!t) {
        gr__bump_destroy(memory);
        return GR_E_MEMORY;
    }
    *t = (gr_together){.ctx = ctx, .memory = memory, .part = part, .n = n};
    if (!(t->m = gr__bump_alloc(memory, sizeof *t->m * (size_t)n))) GR_TRY(GR_E_MEMORY);
    memset(t->m, 0, sizeof *t->m * (size_t)n);
    for (int i = 0; i < n; i++) GR_TRY(open_member(t, model[i], r, &t->m[i]));
    for (int h = 0; h < r->n_heads; h++) GR_TRY(take_rows(t, h));
    *out = t;
done:
    if (st != GR_OK) gr__together_close(t);
    return st;
}

void gr__together_close(gr_together *t)
{
    if (!t) return;
    for (int i = 0; i < t->n && t->m; i++) {
        gr__loader_destroy(t->m[i].loader);
        gr__engine_close(&t->m[i].engine);
        gr__task_close(&t->m[i].task);
    }
    gr__bump_destroy(t->memory);
}

gr_engine *gr__together_engine(gr_together *t)
{
    return &t->m[0].engine;
}

const gr_task *gr__together_task(const gr_together *t)
{
    return &t->m[0].task;
}

/* ---- a batch ---- */

static void rewind_all(gr_together *t)
{
    t->batch = (gr_batch){0};
    for (int i = 0; i < t->n; i++) gr__loader_seek(t->m[i].loader, 0, 0);
}

/* Runs every model on the next batch, which is that of the same samples for all. */
static gr_status next(gr_together *t, const volatile sig_atomic_t *stop)
{
    gr_status st = GR_OK;
    if (stop && *stop) return gr__fail(t->ctx, GR_E_INTERRUPTED, "interrupted");
    for (int i = t->n - 1; i >= 0; i--) { /* the first's is kept */
        member *m = &t->m[i];
        GR_TRY(gr__loader_next(m->loader, &t->batch));
        m->plan = gr__engine_find(&m->engine, GR_RUN_EVALUATE, t->batch.n, 0, 0);
        if (!m->plan) GR_TRY(gr__fail(t->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)t->batch.n));
        gr__feeds_put(&m->plan->feeds, &t->batch);
        GR_TRY(gr_plan_run(m->plan->plan));
    }
done:
    return st;
}

/* What each member tells of row k of sample i, into v. */
static void read_row(const gr_together *t, int h, int64_t i, int64_t k)
{
    const rows *w = &t->head[h];
    int64_t at = i * w->sample + k * w->shown;
    for (int m = 0; m < t->n; m++)
        for (int64_t j = 0; j < w->shown; j++)
            w->v[m][j] = gr__element_at(gr__task_real(&t->m[m].task), t->m[m].plan->head[h].prediction, at + j);
}

/* Targets of that row as the cost's arithmetic has them, into y; gives what the row weighs. */
static double read_target(const gr_together *t, int h, int64_t i, int64_t k)
{
    const rows *w = &t->head[h];
    const gr_task *task = &t->m[0].task;
    const gr_recipe *r = &t->m[0].recipe;
    const gr_head *head = &r->head[h];
    const void *y = t->batch.field[r->n_inputs + h];
    int64_t row = i * w->a_sample + k;
    bool classes = head->reading.target == GR_FORM_CLASS;
    int label = classes ? ((const int32_t *)y)[row] : -1;
    double weight =
        classes && head->cost->weigh ? head->cost->weigh(&head->cost_settings, &task->targets[h], label) : 1;
    for (int64_t j = 0; j < w->width; j++)
        w->y[j] = classes ? (w->binary ? label : j == label)
                          : gr__targets_standard(&task->targets[h], j,
                                                 gr__element_at(gr__task_real(task), y, row * w->width + j));
    if (task->weighted) weight *= gr__element_at(gr__task_real(task), t->batch.field[r->n_inputs + r->n_heads], i);
    return weight;
}

/* What a row costs whose prediction this is. */
static double cost_of(const gr_together *t, int h, const double *p)
{
    const rows *w = &t->head[h];
    const gr_head *head = &t->m[0].recipe.head[h];
    const double least = 1e-300;
    for (int64_t j = 0; j < w->width; j++) {
        if (w->form == GR_PREDICT_VALUES)
            w->z[j] = gr__targets_standard(&t->m[0].task.targets[h], j, p[j]);
        else if (w->binary)
            w->z[j] = log(fmax(p[1], least)) - log(fmax(p[0], least));
        else
            w->z[j] = log(fmax(p[j], least)) - (w->form == GR_PREDICT_LABELS ? log(fmax(1 - p[j], least)) : 0);
    }
    return head->cost->reference ? head->cost->reference(&head->cost_settings, w->z, w->y, w->width) : (double)NAN;
}

/* ---- evaluating ---- */

static void take_head(gr_together *t, const gr_mixing *mix, int h, gr_pass *p)
{
    rows *w = &t->head[h];
    double cost = 0, weight = 0;
    bool wide = gr__task_real(&t->m[0].task) == GR_EL_F64;
    for (int64_t i = 0; i < t->batch.n; i++)
        for (int64_t k = 0; k < w->a_sample; k++) {
            int64_t at = i * w->sample + k * w->shown;
            double of_row = read_target(t, h, i, k);
            read_row(t, h, i, k);
            gr__mix(mix, w->form, w->shown, (const double *const *)w->v, w->mean);
            for (int64_t j = 0; j < w->shown; j++) {
                if (wide)
                    ((double *)w->mixed)[at + j] = w->mean[j];
                else
                    ((float *)w->mixed)[at + j] = (float)w->mean[j];
            }
            cost += of_row * cost_of(t, h, w->mean);
            weight += of_row;
        }
    gr_engine_plan plan = {0};
    plan.head[h].prediction = w->mixed;
    plan.head[h].cost_sum = &cost;
    plan.head[h].weight_sum = &weight;
    gr__pass_take(p, h, &plan, &t->batch);
}

gr_status gr__together_evaluate(gr_together *t, const gr_mixing *mix, const volatile sig_atomic_t *stop,
                                gr_evaluation *out)
{
    gr_pass p;
    gr_status st = GR_OK;
    GR_TRY(gr__pass_begin(&p, &t->m[0].engine, t->part, out));
    rewind_all(t);
    while (!t->batch.last) {
        GR_TRY(next(t, stop));
        out->samples += t->batch.n;
        for (int h = 0; h < out->n_heads; h++) take_head(t, mix, h, &p);
    }
    GR_TRY(gr__pass_conclude(&p));
done:
    gr__pass_end(&p);
    if (st != GR_OK) gr__evaluation_free(t->ctx, out);
    return st;
}

/* ---- weights ---- */

/* A head's cost of the batches so far, by every member's weight that is tried; a batch is run once for all of them. */
typedef struct kept {
    double *number; /* predictions of all members, row after row; targets; what a row weighs */
    size_t n, room;
} kept;

typedef struct weighing {
    gr_together *t;
    bool logits;
    kept head[GR_MAX_TARGETS];
    double *weight;
} weighing;

static int64_t of_row(const weighing *g, int h)
{
    return g->t->n * g->t->head[h].shown + g->t->head[h].width + 1;
}

static gr_status keep_head(weighing *g, int h)
{
    const gr_together *t = g->t;
    const rows *w = &t->head[h];
    kept *k = &g->head[h];
    for (int64_t i = 0; i < t->batch.n; i++)
        for (int64_t r = 0; r < w->a_sample; r++) {
            if (!GR_ROOM(t->ctx, k->number, k->room, k->n + (size_t)of_row(g, h))) return GR_E_MEMORY;
            double weight = read_target(t, h, i, r), *to = k->number + k->n;
            read_row(t, h, i, r);
            for (int m = 0; m < t->n; m++, to += w->shown) memcpy(to, w->v[m], sizeof *to * (size_t)w->shown);
            memcpy(to, w->y, sizeof *to * (size_t)w->width);
            to[w->width] = weight;
            k->n += (size_t)of_row(g, h);
        }
    return GR_OK;
}

/* The network's cost by these weights. */
static double cost_by(const weighing *g, const double *weight)
{
    const gr_together *t = g->t;
    const gr_mixing mix = {.n = t->n, .weight = weight, .logits = g->logits};
    double all = 0;
    for (int h = 0; h < t->m[0].recipe.n_heads; h++) {
        const rows *w = &t->head[h];
        double cost = 0, sum = 0;
        for (size_t at = 0; at < g->head[h].n; at += (size_t)of_row(g, h)) {
            const double *row = g->head[h].number + at, *y = row + t->n * w->shown;
            for (int m = 0; m < t->n; m++) memcpy(w->v[m], row + m * w->shown, sizeof *row * (size_t)w->shown);
            memcpy(w->y, y, sizeof *y * (size_t)w->width);
            gr__mix(&mix, w->form, w->shown, (const double *const *)w->v, w->mean);
            cost += y[w->width] * cost_of(t, h, w->mean);
            sum += y[w->width];
        }
        all += t->m[0].recipe.head[h].weight * gr__cost_mean(cost, sum);
    }
    return all;
}

/* The cost where members a and b share what they have, a taking `part` of it. */
static double cost_at(weighing *g, int a, int b, double both, double part)
{
    g->weight[a] = both * part;
    g->weight[b] = both - g->weight[a];
    return cost_by(g, g->weight);
}

/* Shares what two members have between them so that the cost is least: it is convex in that, so a golden section finds
 * it. Gives the cost. */
static double share(weighing *g, int a, int b)
{
    const double golden = 0.61803398874989485;
    double both = g->weight[a] + g->weight[b], low = 0, high = 1, was = both > 0 ? g->weight[a] / both : 0;
    double best = cost_at(g, a, b, both, was), at = was;
    double x = high - golden * (high - low), y = low + golden * (high - low);
    double cx = cost_at(g, a, b, both, x), cy = cost_at(g, a, b, both, y);
    for (int k = 0; k < 48; k++) {
        if (cx <= cy)
            high = y, y = x, cy = cx, x = high - golden * (high - low), cx = cost_at(g, a, b, both, x);
        else
            low = x, x = y, cx = cy, y = low + golden * (high - low), cy = cost_at(g, a, b, both, y);
    }
    const double tried[] = {0, 1, (low + high) / 2};
    for (size_t k = 0; k < GR_COUNT(tried); k++) {
        double cost = cost_at(g, a, b, both, tried[k]);
        if (cost < best) best = cost, at = tried[k];
    }
    return cost_at(g, a, b, both, at);
}

static gr_status descend(weighing *g)
{
    enum { ROUNDS = 60 };
    int n = g->t->n;
    for (int i = 0; i < n; i++) g->weight[i] = 1.0 / n;
    double cost = cost_by(g, g->weight);
    if (!isfinite(cost))
        return gr__fail(g->t->ctx, GR_E_DATA, "no weights are chosen: the cost on the %s data is not finite",
                        gr__part_name(g->t->part));
    for (int round = 0; round < ROUNDS; round++) {
        double before = cost;
        for (int a = 0; a < n; a++)
            for (int b = a + 1; b < n; b++) cost = share(g, a, b);
        if (!(before - cost > 1e-12 * fabs(before))) break;
    }
    return GR_OK;
}

gr_status gr__together_weigh(gr_together *t, bool logits, const volatile sig_atomic_t *stop, double *weight)
{
    weighing g = {.t = t, .logits = logits, .weight = weight};
    int heads = t->m[0].recipe.n_heads;
    gr_status st = GR_OK;
    rewind_all(t);
    while (!t->batch.last) {
        GR_TRY(next(t, stop));
        for (int h = 0; h < heads; h++) GR_TRY(keep_head(&g, h));
    }
    st = descend(&g);
done:
    for (int h = 0; h < heads; h++) gr__free(t->ctx, g.head[h].number, g.head[h].room * sizeof *g.head[h].number);
    return st;
}
