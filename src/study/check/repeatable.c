/* Step 11: do two runs of one seed have the same bits?                                              [mission X11] */
#include <math.h>
#include <string.h>

#include "study/check/trial.h"
#include "train/loop.h"

enum { UPDATES = 10, SEED = 301 };
static const double WORK = 2e10;           /* floating-point operations of both */
static const int64_t READ_TWICE = 1 << 26; /* numbers of a training part that is read once more */

/* Trains, and notes what each entry of the store holds then, one after the other. */
static gr_status run(gr_check *c, int64_t steps, uint64_t **sums, const char ***names, int *n, double *cost)
{
    const gr_variant v = {.steps = steps, .seed = SEED};
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, NULL, &t));
    GR_TRY(gr__trial_run(&t, steps));
    *n = gr_store_count(t.engine.store);
    *sums = gr__bump_alloc(c->memory, sizeof **sums * (size_t)GR_MAX(*n, 1));
    *names = gr__bump_alloc(c->memory, sizeof **names * (size_t)GR_MAX(*n, 1));
    if (!*sums || !*names) GR_TRY(GR_E_MEMORY);
    for (int i = 0; i < *n; i++) {
        const gr_entry *e = gr_store_entry(t.engine.store, i);
        (*sums)[i] = gr__trial_sum(&t, e);
        if (!((*names)[i] = gr__bump_strdup(c->memory, e->spec.name))) GR_TRY(GR_E_MEMORY);
    }
    *cost = t.cost;
done:
    gr__trial_close(&t);
    return st;
}

/* Does the source give the same when it is read once more? */
static gr_status read_again(gr_check *c, bool *same)
{
    char text[2][GR_DATA_TEXT];
    gr_task again = {0};
    const gr_task *t = &c->probe.task;
    int64_t width = 1;
    gr_status st = GR_OK;
    *same = true;
    for (int i = 0; i < c->recipe->n_inputs; i++) width += gr_shape_count(gr__task_sample(t, i));
    if (c->recipe->memory > 0 || t->set_of[GR_PART_TRAIN]->n > READ_TWICE / width) return GR_OK;
    GR_TRY(gr__task_open(c->ctx, c->recipe, 1u << GR_PART_TRAIN, NULL, &again));
    GR_TRY(gr__task_data_text(t, GR_PART_TRAIN, text[0]));
    GR_TRY(gr__task_data_text(&again, GR_PART_TRAIN, text[1]));
    *same = strcmp(text[0], text[1]) == 0;
done:
    gr__task_close(&again);
    return st;
}

static gr_status judge_repeatable(gr_check *c, gr_finding *out)
{
    uint64_t *sum[2];
    const char **name;
    double cost[2];
    int n = 0, differ = 0, first = -1;
    int64_t steps = gr__trials_steps(&c->trials, WORK, 2, UPDATES, NULL);
    gr_status st = GR_OK;
    for (int k = 0; k < 2 && st == GR_OK; k++) {
        gr__watch(c->o->watch, "same bits", k / 2.0);
        st = run(c, steps, &sum[k], &name, &n, &cost[k]);
    }
    bool read = true;
    if (st == GR_OK) st = read_again(c, &read);
    if (st != GR_OK) return st;
    if (!read) {
        gr__finding_set(out, GR_VERDICT_FAILED, n, 0,
                        "the training data is other data when it is read once more; its source depends on something "
                        "else than the recipe");
        gr__finding_fix(out, "gradus data check %s", c->recipe->path);
        return GR_OK;
    }
    for (int i = 0; i < n; i++)
        if (sum[0][i] != sum[1][i] && differ++ == 0) first = i;
    bool same = differ == 0 && memcmp(&cost[0], &cost[1], sizeof cost[0]) == 0;
    if (same) {
        gr__finding_set(out, GR_VERDICT_OK, 0, 0, "two runs of %lld updates have the same bits in all %d tensors",
                        (long long)steps, n);
        return GR_OK;
    }
    gr__finding_set(out, GR_VERDICT_FAILED, differ, 0,
                    "two runs of the same seed differ after %lld updates in %d of %d tensors, the first is %s; what a "
                    "layer or a source does depends on something else than the seed",
                    (long long)steps, differ, n, first < 0 ? "the cost" : name[first]);
    gr__finding_fix(out, "gradus trace %s %s", c->recipe->path, c->recipe->path);
    return GR_OK;
}

GR_RULE(repeatable) = {
    .head = {.family = "rule",
             .name = "repeatable",
             .title = "Two runs of one seed have the same bits",
             .cite = "the chapter, 4.5.3 step 11",
             .equations = "two short trainings from the same seed: cost and every tensor, slots included, to the bit;\n"
                          "training data of up to 2^26 numbers is read once more, and must be the same"},
    .as = {{"X11", "same bits"}},
    .reads = GR_READS_TRAINING,
    .limit = "0",
    .unit = "tensors that differ",
    .judge = judge_repeatable,
};
