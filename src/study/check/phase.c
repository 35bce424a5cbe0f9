/* What the chapter keeps for a design that is settled, under `phase: design`.                  [mission T16, T18] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/check/rule.h"

static bool designing(const gr_check *c)
{
    return c->recipe->phase == GR_PROJECT_DESIGN;
}

static void not_designing(const gr_check *c, int found, gr_finding *out)
{
    gr__finding_set(out, GR_VERDICT_OK, found, 0,
                    c->recipe->phase == GR_PROJECT_NONE
                        ? "the recipe names no phase; under `phase: design` this is looked at"
                        : "the design is settled");
}

static gr_status judge_optimizer(gr_check *c, gr_finding *out)
{
    const gr_recipe *r = c->recipe;
    bool optimizer = r->optim.n_methods > 1 || !r->optim.method[0].member->for_design;
    bool schedule = !r->sched.member->constant || r->sched.tail.on, average = r->average.on;
    bool lookahead = r->lookahead.k > 0 && r->optim.method[0].lookahead.k == 0;
    bool sam = r->sam.on;
    int found = optimizer + schedule + average + lookahead + sam;
    if (!designing(c) || !found) {
        if (designing(c))
            gr__finding_set(out, GR_VERDICT_OK, 0, 0, "a simple optimizer at a constant rate, as a design wants");
        else
            not_designing(c, found, out);
        return GR_OK;
    }
    const char *const later[] = {optimizer ? "other optimizers" : NULL, schedule ? "schedules" : NULL,
                                 average ? "averages" : NULL, lookahead ? "LookAhead" : NULL, sam ? "SAM" : NULL};
    char list[96] = "";
    for (size_t i = 0; i < GR_COUNT(later); i++)
        if (later[i]) snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? ", " : "", later[i]);
    gr__finding_set(out, GR_VERDICT_WARNING, found, 0,
                    "a design is tried with Adam, or gradient descent, at a constant rate; for when it stands: %s",
                    list);
    if (optimizer) gr__finding_fix(out, "optimizer: adam");
    if (schedule) gr__finding_fix(out, "schedule: constant");
    if (average) gr__finding_fix(out, "average: none");
    if (lookahead) gr__finding_fix(out, "lookahead: none");
    if (sam) gr__finding_fix(out, "sam: none");
    return GR_OK;
}

GR_RULE(design_optimizer) = {
    .head = {.family = "rule",
             .name = "design_optimizer",
             .title = "A design is tried with a simple optimizer at a constant rate",
             .cite = "the chapter, 4.5.2",
             .equations = "under `phase: design`: an optimizer other than adam, sgd, sgdm; any schedule but a constant "
                          "rate; average, lookahead, sam"},
    .as = {{"T16", "optimizer"}},
    .reads = GR_READS_RECIPE,
    .limit = "0",
    .unit = "settings for later",
    .judge = judge_optimizer,
};

static gr_status judge_augment(gr_check *c, gr_finding *out)
{
    const gr_recipe *r = c->recipe;
    int found = r->mixture.kind != GR_MIX_NONE;
    for (int i = 0; i < r->n_inputs; i++) found += !gr__tree_none(r->input[i].augment) ? r->input[i].augment->n : 0;
    if (!designing(c) || !found) {
        if (designing(c))
            gr__finding_set(out, GR_VERDICT_OK, 0, 0, "training samples are not changed, as a design wants");
        else
            not_designing(c, found, out);
        return GR_OK;
    }
    gr__finding_set(out, GR_VERDICT_WARNING, found, 0,
                    "augmentation regularises: it is for the end of a design, and hides while it is tried what the "
                    "network can learn");
    gr__finding_fix(out, "data.augment: none");
    return GR_OK;
}

GR_RULE(design_augment) = {
    .head = {.family = "rule",
             .name = "design_augment",
             .title = "A design is tried without augmentation",
             .cite = "the chapter, 4.5.2",
             .equations = "under `phase: design`: members of data.augment"},
    .as = {{"T18", "augmentation"}},
    .reads = GR_READS_RECIPE,
    .limit = "0",
    .unit = "changes of training samples",
    .judge = judge_augment,
};
