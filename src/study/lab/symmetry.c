/* Symmetry: hidden units that start equal get equal gradients and stay equal, to the bit, so that a layer of them is
 * worth a single unit. Random numbers break the symmetry. [mission I1] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "study/lab/lab.h"
#include "study/steps/steps.h"

enum { UNITS = 16 };

static const gr_row rows[] = {
    GR_ROW("updates", INT, "400", "[1,10000]", "updates", "how long both are trained"),
    GR_ROW("value", REAL, "0.1", "[-1,1]", "1", "of every weight of the constant start"),
};

enum { CONSTANT, RANDOM, STARTS };
static const char *const start_words[] = {"constant", "random", NULL};
static const gr_column columns[] = {GR_NUMBER("start", "", start_words), GR_NUMBER("update", "updates", NULL),
                                    GR_NUMBER("training_cost", "", NULL), GR_NUMBER("distinct_units", "units", NULL)};

static gr_status open_recipe(gr_lab *lab, gr_recipe **out)
{
    char text[512];
    snprintf(text, sizeof text,
             "{gradus: 1, name: symmetry, seed: %llu, data: {train: {type: synthetic, kind: xor, n: 256}, batch: 32, "
             "shuffle: every_epoch, "
             "prepare: [standardize]},\n"
             " model: {input: [2], layers: [{type: dense, units: %d, activation: tanh, name: hidden}, {type: dense, "
             "units: 1, name: out}]},\n"
             " cost: binary_cross_entropy, optimizer: {type: sgd, lr: 0.1, momentum: 0.9}, stop: {steps: 1000000}}\n",
             (unsigned long long)lab->seed, UNITS);
    return gr__recipe_from_text(lab->ctx, "symmetry", ".", text, strlen(text), NULL, 0, out);
}

/* How many hidden units differ from all before them, in any bit of their weights, in and out, or their bias. */
static int distinct(const gr_store *s)
{
    float in[UNITS][2], bias[UNITS], out[UNITS]; /* the cpu backend's */
    int count = 0;
    memcpy(in, gr_store_find(s, "hidden.weight")->data, sizeof in);
    memcpy(bias, gr_store_find(s, "hidden.bias")->data, sizeof bias);
    memcpy(out, gr_store_find(s, "out.weight")->data, sizeof out);
    for (int i = 0; i < UNITS; i++) {
        bool seen = false;
        for (int k = 0; k < i && !seen; k++)
            seen = memcmp(in[i], in[k], sizeof in[i]) == 0 && memcmp(&bias[i], &bias[k], sizeof bias[i]) == 0 &&
                   memcmp(&out[i], &out[k], sizeof out[i]) == 0;
        count += !seen;
    }
    return count;
}

typedef struct outcome {
    double fewest, most, cost;
} outcome; /* distinct units after any update; mean training cost of the last epoch */

static gr_status train(gr_lab *lab, int start, const char *init, gr_table *t, outcome *out)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = GR_OK;
    int64_t updates = gr__setting_int(&lab->settings, "updates"), last;
    *out = (outcome){.fewest = INFINITY};
    GR_TRY(open_recipe(lab, &r));
    GR_TRY(gr__steps_open(lab->ctx, r, 0, &s));
    GR_TRY(gr__parameters_fill(lab->ctx, init, lab->seed, s.task.network, s.engine.store));
    last = GR_MIN(s.stepper.extent.updates_per_epoch, updates);
    for (int64_t i = 0; i < updates; i++) {
        GR_TRY(gr__steps_next(&s, i));
        double cost = *s.stepper.updating->cost_sum / (double)s.stepper.batch.n, units = distinct(s.engine.store);
        out->fewest = fmin(out->fewest, units);
        out->most = fmax(out->most, units);
        if (i >= updates - last) out->cost += cost / (double)last;
        GR_LAB_ROW(lab, t, start, (double)(i + 1), cost, units);
    }
done:
    gr__steps_close(&s);
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}

static void drawings(gr_lab *lab, double value)
{
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "Equal weights learn as one unit does, random ones learn",
            .caption = gr__lab_text(
                lab,
                "XOR with %d hidden units of tanh, SGD with momentum. Constant start: every weight %g, all units equal "
                "in every bit after every update. Random start: Kaiming. Dotted: the cost of guessing.",
                UNITS, value),
            .x = {.label = "updates"},
            .y = {.label = "training cost of the batch", .log = true},
            .curve = {{.label = "constant start",
                       .colour = 2,
                       .x = "update",
                       .y = "training_cost",
                       .where = "start",
                       .is = "constant"},
                      {.label = "random start",
                       .colour = 1,
                       .x = "update",
                       .y = "training_cost",
                       .where = "start",
                       .is = "random"}},
            .rule = {{.label = "ln 2", .at = log(2)}}});
    gr__lab_panel(lab, &(gr_panel){.name = "units",
                                   .title = "How many hidden units differ in any bit",
                                   .caption = "Counted after every update, over weights in and out and the bias.",
                                   .x = {.label = "updates"},
                                   .y = {.label = "distinct hidden units", .low = 0, .high = UNITS + 2},
                                   .curve = {{.label = "constant start",
                                              .colour = 2,
                                              .x = "update",
                                              .y = "distinct_units",
                                              .where = "start",
                                              .is = "constant"},
                                             {.label = "random start",
                                              .colour = 1,
                                              .x = "update",
                                              .y = "distinct_units",
                                              .where = "start",
                                              .is = "random"}}});
}

static gr_status run(gr_lab *lab)
{
    char number[32];
    double value = gr__setting_real(&lab->settings, "value");
    outcome o[STARTS];
    gr_status st = GR_OK;
    gr_table *t = gr__lab_table(lab, NULL, "training from two starts", columns, (int)GR_COUNT(columns));
    GR_TRY(train(lab, CONSTANT,
                 gr__lab_text(lab, "{weights: {type: constant, value: %s}}", gr__double_text(value, number)), t,
                 &o[CONSTANT]));
    GR_TRY(train(lab, RANDOM, "{weights: {type: kaiming}}", t, &o[RANDOM]));
    gr__lab_equal(lab, 1, o[CONSTANT].most, 0, "most distinct hidden units after any update, constant start");
    gr__lab_equal(lab, UNITS, o[RANDOM].fewest, 0, "fewest distinct hidden units after any update, random start");
    gr__lab_within(lab, -INFINITY, o[CONSTANT].cost, o[RANDOM].cost,
                   "training cost over the last pass, random start: less than %.4f of the constant one",
                   o[CONSTANT].cost);
    drawings(lab, value);
done:
    return st;
}

GR_FIGURE(symmetry) = {
    .head =
        {
            .family = "figure",
            .name = "symmetry",
            .title = "Equal initial weights: hidden units that stay equal for ever",
            .cite = "chapter 4.2",
            .equations = "units i and k with equal weights, in and out, have equal outputs and equal gradients:\n"
                         "    dJ/dw_i = dJ/dw_k, so that w_i = w_k after every update",
            GR_ROWS(rows),
        },
    .run = run,
};
