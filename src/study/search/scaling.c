/* Trainings to a target, batch by batch. */
#include "study/search/scaling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SMALLEST = 8, LARGEST = 1024, JUDGED = 1024, MOST_RATES = 9 };
static const double APART = 1.05;  /* evaluations stand so far apart, in updates done */
static const double FURTHER = 1.5; /* a training ends where it takes so many times the updates of the best rate */
static const double PATIENCE = 3;  /* and the first of a batch where it takes so many times what is expected */
static const double FACTOR = 2;    /* between rates */

typedef struct studying {
    const gr_task *of;
    const gr_scaling_options *o;
    gr_scaling *out;
    gr_part part; /* what is judged by */
    gr_rows judged;
    int middle;   /* the row whose rate is looked for first */
    double share; /* of the study that is done */

    /* of the batch at hand */
    gr_steps s;
    gr_kept_store fresh;
    gr_loader *loader;
} studying;

/* ---- a batch ---- */

/* The same samples at every batch, in whole batches of each, for which there is a plan; or all of them. */
static gr_status open_loader(studying *y)
{
    gr_loader_options o = gr__task_loader(&y->s.task, y->part, false);
    int64_t largest = y->out->row[y->out->n - 1].batch, n = GR_MAX(JUDGED / largest, 1) * largest;
    y->judged = y->part == GR_PART_TRAIN ? *gr__task_trained(y->of) : y->of->rows[y->part];
    y->judged.n = y->judged.n >= n ? n : y->judged.n;
    o.rows = &y->judged;
    o.batch = gr__task_evaluation_batch(&y->s.task);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    return gr__loader_create(y->of->ctx, &o, &y->loader);
}

static gr_status open_batch(studying *y, int64_t batch)
{
    gr_recipe r = *y->of->recipe;
    gr_status st = GR_OK;
    r.data.batch = batch;
    r.data.drop_last = true; /* every update is of so many */
    r.accumulate = 1;
    GR_TRY(gr__steps_open_on(y->of, &r, y->out->validated ? GR_STEPS_VALIDATED : GR_STEPS_JUDGED, &y->s));
    GR_TRY(open_loader(y));
    GR_TRY(gr__steps_keep(&y->s, &y->fresh));
done:
    return st;
}

static void close_batch(studying *y)
{
    gr__store_forget(&y->fresh);
    gr__loader_destroy(y->loader);
    y->loader = NULL;
    gr__steps_close(&y->s);
}

static gr_status judge(studying *y, double *cost)
{
    gr_evaluation ev = {0};
    gr_status st = gr__evaluate(&y->s.engine, 0, y->loader, y->part, y->o->stop, &ev);
    *cost = st == GR_OK && ev.finite ? ev.cost_mean : INFINITY;
    gr__evaluation_free(y->of->ctx, &ev);
    return st;
}

/* ---- a training ---- */

/* Where the cost comes down to the target between two evaluations: on the line between them, by the logarithm of the
 * updates. */
static double crossing(double target, int64_t before, double cost_before, int64_t step, double cost)
{
    double share = cost_before > cost && isfinite(cost_before) ? (cost_before - target) / (cost_before - cost) : 1,
           from = (double)GR_MAX(before, 1);
    return from * pow((double)step / from, fmin(fmax(share, 0), 1));
}

/* From this seed, up to `most` updates. *steps: that reached the target; INFINITY: they did not. *last (may be NULL):
 * the cost at the end. */
static gr_status train(studying *y, double lr, int seed, double most, double target, double *steps, double *last)
{
    int64_t step = 0, before = 0;
    double cost = INFINITY, cost_before = INFINITY, batch_cost = 0;
    gr_status st = GR_OK;
    *steps = INFINITY;
    gr__store_restore(&y->fresh);
    GR_TRY(gr__steps_restart(&y->s, y->of->recipe->seed + (uint64_t)seed));
    y->out->trainings++;
    while (step < most && isfinite(batch_cost)) {
        int64_t next = (int64_t)fmin(fmax((double)step + 1, floor((double)step * APART)), ceil(most));
        for (; step < next && isfinite(batch_cost); step++, y->out->updates++) {
            if (y->o->stop && *y->o->stop) return GR_E_INTERRUPTED;
            GR_TRY(gr__steps_at_rate(&y->s, step, lr, &batch_cost));
        }
        GR_TRY(judge(y, &cost));
        if (cost <= target) {
            *steps = crossing(target, before, cost_before, step, cost);
            break;
        }
        before = step, cost_before = cost;
    }
    if (last) *last = isfinite(batch_cost) ? cost : INFINITY;
done:
    return st;
}

/* Every seed at this rate; *mean INFINITY: one of them did not reach the target within `most`. */
static gr_status try_rate(studying *y, double lr, double most, double *of, double *mean)
{
    gr_status st = GR_OK;
    *mean = 0;
    for (int k = 0; k < y->o->seeds && isfinite(*mean); k++) {
        GR_TRY(train(y, lr, k, most, y->out->target, &of[k], NULL));
        *mean += of[k] / y->o->seeds;
    }
done:
    return st;
}

/* ---- the rate of a batch ---- */

typedef struct rate {
    int at; /* lr times so many factors */
    double mean, of[GR_SCALING_SEEDS];
} rate;

static const rate *best_of(const rate *all, int n)
{
    const rate *best = &all[0];
    for (int i = 1; i < n; i++)
        if (all[i].mean < best->mean) best = &all[i];
    return best;
}

static bool tried(const rate *all, int n, int at)
{
    for (int i = 0; i < n; i++)
        if (all[i].at == at) return true;
    return false;
}

/* The next rate worth trying: a neighbour of the best, the smaller one first; while none has reached the target, ever
 * further ones on either side. false: worse ones stand on both. */
static bool choose(const rate *all, int n, int *at)
{
    const rate *best = best_of(all, n);
    *at = 0;
    if (n == 0) return true;
    if (!isfinite(best->mean)) {
        *at = n % 2 ? -(n + 1) / 2 : n / 2;
        return true;
    }
    for (int by = -1; by <= 1; by += 2) {
        *at = best->at + by;
        if (!tried(all, n, *at)) return true;
    }
    return false;
}

static gr_status tune(studying *y, gr_scaled *row, double lr, double expected)
{
    rate all[MOST_RATES];
    int n = 0, at;
    gr_status st = GR_OK;
    while (n < MOST_RATES && choose(all, n, &at)) {
        char what[48];
        double least = n ? best_of(all, n)->mean : INFINITY;
        snprintf(what, sizeof what, "batch %lld, rate %d", (long long)row->batch, n + 1);
        gr__watch(y->o->watch, what, y->share);
        all[n] = (rate){.at = at};
        GR_TRY(try_rate(y, lr * pow(FACTOR, at),
                        fmin(isfinite(least) ? FURTHER * least : INFINITY, PATIENCE * expected), all[n].of,
                        &all[n].mean));
        n++;
    }
    const rate *best = best_of(all, n);
    row->lr = lr * pow(FACTOR, best->at);
    row->edge = choose(all, n, &at);
    row->steps = isfinite(best->mean) ? best->mean : (double)NAN;
    memcpy(row->of, best->of, sizeof row->of);
done:
    return st;
}

/* ---- the study ---- */

/* At the batch in the middle: the grid's rate, and what it reaches is the target. */
static gr_status set_target(studying *y, double *lr)
{
    gr_scaling *out = y->out;
    gr_watch_part part;
    gr_rates *rates = gr__alloc(y->of->ctx, sizeof *rates);
    gr_status st = rates ? GR_OK : GR_E_MEMORY;
    double steps, cost;
    GR_TRY(st);
    GR_TRY(judge(y, &out->start));
    GR_TRY(gr__rates_try(&y->s,
                         &(gr_rates_options){.updates = y->o->updates,
                                             .stop = y->o->stop,
                                             .watch = gr__watch_part(&part, y->o->watch, 0, 0.1)},
                         rates));
    if (rates->best < 0) GR_TRY(gr__fail(y->of->ctx, GR_E_CHECK, "training diverges at every rate from 1e-5 to 1"));
    out->target = y->o->target;
    *lr = rates->point[rates->best].lr;
    for (int i = rates->best; i >= 0 && isnan(y->o->target); i--) { /* the grid is of one seed; others may diverge */
        *lr = rates->point[i].lr;
        double reached = -INFINITY; /* the worst: every seed has to come there */
        for (int k = 0; k < y->o->seeds; k++) {
            GR_TRY(train(y, *lr, k, (double)y->o->updates, -INFINITY, &steps, &cost));
            reached = fmax(reached, isfinite(cost) ? cost : INFINITY);
        }
        out->target = reached;
        if (reached < out->start) break;
    }
    if (!(out->target < out->start))
        st = gr__fail(y->of->ctx, GR_E_CHECK, "the target %.4g is not below the cost at the start, %.4g", out->target,
                      out->start);
done:
    gr__free(y->of->ctx, rates, sizeof *rates);
    return st;
}

/* What the noise scale has become where the target is reached. */
static gr_status measure_noise(studying *y, const gr_scaled *row)
{
    gr_noise_meter m = {0};
    double steps;
    gr_status st = GR_OK;
    GR_TRY(train(y, row->lr, 0, FURTHER * row->of[0] + 1, y->out->target, &steps, NULL));
    GR_TRY(gr__noise_open(y->of, 0, &m));
    for (int i = 0; i < gr_store_count(m.run.store); i++) {
        const gr_entry *to = gr_store_entry(m.run.store, i), *from = gr_store_find(y->s.engine.store, to->spec.name);
        size_t bytes =
            (size_t)to->count * (to->spec.shape.rank ? gr_backend_real_bytes(y->of->backend) : sizeof(double));
        if (from) memcpy(to->data, from->data, bytes);
    }
    GR_TRY(gr__noise_measure(&m, y->o->stop, NULL, &y->out->noise));
done:
    gr__noise_close(&m);
    return st;
}

/* From the middle on upwards, then downwards: each batch begins at its neighbour's rate. */
static gr_status one_row(studying *y, int i)
{
    gr_scaled *row = &y->out->row[i];
    const gr_scaled *by = i > y->middle ? row - 1 : row + 1;
    double lr = by->lr, expected = i > y->middle ? by->steps : FACTOR * by->steps;
    gr_status st = GR_OK;
    if (i == y->middle) expected = 2 * (double)y->o->updates;
    GR_TRY(open_batch(y, row->batch));
    if (i == y->middle) GR_TRY(set_target(y, &lr));
    GR_TRY(tune(y, row, lr, expected));
    if (isnan(row->steps) && i == y->middle)
        GR_TRY(gr__fail(y->of->ctx, GR_E_CHECK, "batch %lld reaches the target %.4g at no rate within %.0f updates",
                        (long long)row->batch, y->out->target, PATIENCE * expected));
    if (i == y->middle) GR_TRY(measure_noise(y, row));
    y->share = fmin(y->share + 0.9 / y->out->n, 1);
done:
    close_batch(y);
    return st;
}

static gr_status lay_out(studying *y)
{
    const gr_scaling_options *o = y->o;
    int64_t samples = y->of->training.n, smallest = o->smallest ? o->smallest : SMALLEST, largest = LARGEST;
    if (o->most) largest = GR_MIN(largest, o->most);
    while (largest > samples / 4 && largest > smallest) largest /= 2;
    if (o->largest) largest = o->largest;
    if (largest > samples)
        return gr__fail(y->of->ctx, GR_E_RANGE, "a batch of %lld is more than the %lld training samples",
                        (long long)largest, (long long)samples);
    for (int64_t b = smallest; b <= largest && y->out->n < GR_SCALING_ROWS; b *= 2)
        y->out->row[y->out->n++] = (gr_scaled){.batch = b};
    if (y->out->n < 2)
        return gr__fail(y->of->ctx, GR_E_RANGE, "batches from %lld to %lld are not two, each twice the one before",
                        (long long)smallest, (long long)largest);
    y->middle = y->out->n / 2;
    return GR_OK;
}

/* Batches from which the target was reached at no rate, at either end, leave the rows. */
static void keep_reached(gr_scaling *s)
{
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        if (s->row[i].lr > 0 && !isnan(s->row[i].steps))
            s->row[n++] = s->row[i];
        else if (!n)
            s->failed_below = s->row[i].batch;
        else if (!s->failed_above)
            s->failed_above = s->row[i].batch;
    }
    s->n = n;
}

gr_status gr__scaling_study(const gr_task *of, const gr_scaling_options *o, gr_scaling *out)
{
    studying y = {.of = of, .o = o, .out = out, .share = 0.1};
    gr_status st = GR_OK;
    *out = (gr_scaling){.seeds = o->seeds, .validated = of->set_of[GR_PART_VALIDATION] != NULL};
    y.part = out->validated ? GR_PART_VALIDATION : GR_PART_TRAIN;
    if (of->recipe->optim.method[0].member->whole_set)
        GR_TRY(gr__fail(of->ctx, GR_E_UNSUPPORTED,
                        "optimizer \"%s\" takes all samples at every update: there is one batch",
                        of->recipe->optim.method[0].member->head.name));
    GR_TRY(lay_out(&y));
    for (int i = y.middle; i < out->n; i++) {
        GR_TRY(one_row(&y, i));
        if (isnan(out->row[i].steps)) break;
    }
    for (int i = y.middle - 1; i >= 0; i--) {
        GR_TRY(one_row(&y, i));
        if (isnan(out->row[i].steps)) break;
    }
    keep_reached(out);
    if (out->n < 2)
        GR_TRY(gr__fail(of->ctx, GR_E_CHECK, "batch %lld alone reaches the target %.4g", (long long)out->row[0].batch,
                        out->target));
    gr__scaling_judge(out);
done:
    return st;
}
