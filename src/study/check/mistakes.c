/* Step 10: what the model gets wrong, the costliest first.                                          [mission X10] */
#include <math.h>

#include "model/model.h"
#include "result/sheet.h"
#include "study/check/trial.h"
#include "study/data/view.h"

enum { UPDATES = 200, SEED = 801, SHOWN = 64 };
static const double WORK = 5e10; /* floating-point operations of the training */
static const double MOST = 0.2;  /* of the samples, that may be wrong with a probability of 0.9 and more */

static void judge(const gr_check *c, const gr_view_mistakes *m, const char *by, gr_finding *out)
{
    double share = (double)m->confident / (double)GR_MAX(m->samples, 1);
    char rows[120] = "";
    for (int i = 0, at = 0; i < m->n_worst; i++)
        at += snprintf(rows + at, sizeof rows - (size_t)at, "%s%u", i ? ", " : "", m->worst[i]);
    const char *sheet = c->o->sheets ? "mistakes.html shows them" : "--sheets DIR shows them";
    if (!m->classes)
        gr__finding_set(out, GR_VERDICT_OK, NAN, MOST, "%s is furthest off in samples %s; %s", by, rows, sheet);
    else if (share > MOST) {
        gr__finding_set(out, GR_VERDICT_WARNING, share, MOST,
                        "%s is wrong in %lld of %lld samples, in %lld of them with a probability of 0.9 and more: look "
                        "for labels that are wrong; the costliest are %s; %s",
                        by, (long long)m->wrong, (long long)m->samples, (long long)m->confident, rows, sheet);
        gr__finding_fix(out, "gradus data check %s", c->recipe->path);
    } else if (m->wrong)
        gr__finding_set(out, GR_VERDICT_OK, share, MOST,
                        "%s is wrong in %lld of %lld samples, the costliest are %s; %s", by, (long long)m->wrong,
                        (long long)m->samples, rows, sheet);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, MOST, "%s gets all of %lld samples right", by, (long long)m->samples);
}

/* Of a short training. */
static gr_status by_training(gr_check *c, const gr_view_options *o, gr_sheet *s, gr_view_mistakes *m)
{
    int64_t batch, steps = gr__trials_steps(&c->trials, WORK, 1, UPDATES, &batch);
    const gr_variant v = {.steps = steps, .batch = batch, .seed = SEED};
    double cost;
    gr_recipe r;
    gr_trial t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__variant_make(c->ctx, c->memory, c->recipe, &v, &r));
    GR_TRY(gr__trial_open(&c->trials, &r, NULL, &t));
    GR_TRY(gr__trial_follow(&t, steps, &(gr_trial_follow){.what = "mistakes", .to = 1}));
    GR_TRY(gr__trial_judge(&t, &cost)); /* statistics are those of the weights then */
    st = gr__view_mistakes_of(&t.engine, gr__sheet_text(s, "after %lld updates", (long long)steps), o, s, m);
done:
    gr__trial_close(&t);
    return st;
}

/* Of a model, on the recipe's data: its own recipe says what the network is. */
static gr_status by_model(gr_check *c, const gr_view_options *o, gr_sheet *s, gr_view_mistakes *m)
{
    gr_model model = {0};
    gr_recipe judged;
    gr_task t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__model_open(c->ctx, c->o->model, &model));
    judged = *model.recipe;
    int64_t batch = judged.data.batch;
    judged.data = c->recipe->data;
    judged.data.batch = batch;
    judged.folder = c->recipe->folder;
    judged.seed = c->recipe->seed;
    judged.memory = c->recipe->memory;
    GR_TRY(gr__task_open(c->ctx, &judged, 1u << o->part, &model, &t));
    st = gr__view_mistakes(&t, &model, o, s, m);
done:
    gr__task_close(&t);
    gr__model_close(&model);
    return st;
}

static gr_status judge_mistakes(gr_check *c, gr_finding *out)
{
    bool validation = c->probe.task.set_of[GR_PART_VALIDATION] != NULL;
    gr_view_options o = {.part = GR_PART_VALIDATION, .count = SHOWN};
    gr_view_mistakes m = {0};
    gr_sheet s = {0};
    gr_status st = GR_OK;
    if (c->o->model && !validation) o.part = GR_PART_TRAIN;
    GR_TRY(gr__sheet_open(c->ctx, c->recipe->name, &s));
    GR_TRY(c->o->model ? by_model(c, &o, &s, &m) : by_training(c, &o, &s, &m));
    judge(c, &m, c->o->model ? "the model" : "a short training", out);
    GR_TRY(gr__check_write_sheet(c, "mistakes.html", &s));
done:
    gr__sheet_close(&s);
    return st;
}

GR_RULE(worst_mistakes) = {
    .head = {.family = "rule",
             .name = "worst_mistakes",
             .title = "What is got wrong is not got wrong for sure",
             .cite = "the chapter, 4.5.3 step 10",
             .equations =
                 "a model (--model), or a short training, on up to 1000 validation samples: those that it gives "
                 "0.9 and more\nto another class. --sheets writes mistakes.html, the costliest first"},
    .as = {{"X10", "mistakes"}},
    .reads = GR_READS_TRAINING,
    .limit = "0.2",
    .unit = "share of the samples that are surely wrong",
    .judge = judge_mistakes,
};
