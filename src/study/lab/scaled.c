/* Three small models whose batches are studied. */
#include "study/lab/scaled.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

const char *const gr__scaled_words[] = {"simple CNN", "residual CNN", "transformer", NULL};

const gr_row gr__scaled_rows[GR_SCALED_ROWS] = {
    GR_ROW("seeds", INT, "3", "[1,10]", "",
           "trainings of each batch and rate, each of other initial weights and order"),
    GR_ROW("samples", INT, "4000", "[200,100000]", "samples", "to train on, and a fifth as many to validate on"),
    GR_ROW("updates", INT, "200", "[10,100000]", "updates",
           "that reaching the target takes at the batch in the middle"),
    GR_ROW("largest", INT, "512", "[8,65536]", "samples", "of the largest batch; a power of two, as all are"),
};

static const char *const layers[GR_SCALED_MODELS] = {
    "{type: conv, filters: 8, kernel: 3, padding: same, activation: relu}, {type: max_pool, size: 2}, {type: conv, "
    "filters: 16, kernel: 3, padding: same, activation: relu}, {type: max_pool, size: 2}, flatten",
    "{type: conv, filters: 8, kernel: 3, padding: same, activation: relu}, {type: basic_block, filters: 8, norm: "
    "{type: "
    "group_norm, groups: 4}}, {type: basic_block, filters: 16, stride: 2, norm: {type: group_norm, groups: 4}}, "
    "global_avg_pool",
    "{type: reshape, shape: [12, 12]}, {type: transformer_block, heads: 2, ff: 32}, flatten",
};

/* Begun from outputs of zero, so that the first gradients are no larger than later ones. */
static const char *recipe_of(gr_lab *lab, int model)
{
    long long n = (long long)gr__setting_int(&lab->settings, "samples");
    return gr__lab_text(
        lab,
        "{gradus: 1, name: scaling, seed: %llu, data: {train: {type: synthetic, kind: digits, size: 12, "
        "noise: 0.4, n: %lld}, validation: {split: %g}, batch: 32, shuffle: every_epoch, prepare: "
        "[{type: scale, by: 1/255}, standardize]},\n"
        " model: {input: [12, 12, 1], layers: [%s, {type: dense, units: 10, init: {weights: {type: constant, value: "
        "0}}}]},\n"
        " cost: cross_entropy, optimizer: {type: sgd, lr: 0.01}, schedule: constant, stop: {steps: "
        "1}}\n",
        (unsigned long long)lab->seed, n + n / 5, 1.0 / 6, layers[model]);
}

gr_status gr__lab_scale(gr_lab *lab, int model, gr_scaling *out)
{
    gr_recipe *r = NULL;
    gr_task task = {0};
    const char *text = recipe_of(lab, model);
    gr_status st = text ? GR_OK : GR_E_MEMORY;
    const gr_scaling_options o = {.smallest = 8,
                                  .largest = gr__setting_int(&lab->settings, "largest"),
                                  .updates = gr__setting_int(&lab->settings, "updates"),
                                  .target = NAN,
                                  .seeds = (int)gr__setting_int(&lab->settings, "seeds")};
    GR_TRY(st);
    GR_TRY(gr__recipe_from_text(lab->ctx, lab->figure->head.name, ".", text, strlen(text), NULL, 0, &r));
    GR_TRY(gr__task_open(lab->ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &task));
    GR_TRY(gr__scaling_study(&task, &o, out));
done:
    gr__task_close(&task);
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}
