/* Optimizers on a small problem, with equal budgets: for each the same number of learning rates is tried, the best of
 * them is trained again with new seeds, and losers are shown like winners. The large comparison, on Fashion-MNIST, is
 * tests/acceptance/optimizers.sh. [mission G10] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "optim/optim.h"
#include "study/lab/training.h"

static const gr_row rows[] = {
    GR_ROW("rates", INT, "7", "[1,15]", "",
           "learning rates tried for each: from a tenth to a hundred times its default, evenly in the logarithm; 1: "
           "the default"),
    GR_ROW("seeds", INT, "5", "[2,50]", "", "trainings with the best rate, each of other initial weights and batches"),
    GR_ROW("samples", INT, "1000", "[100,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "10", "[1,1000]", "epochs", "of every training"),
};

static const char *const names[] = {"sgd",
                                    "sgdm",
                                    "nag",
                                    "rmsprop",
                                    "adam",
                                    "adamw",
                                    "nadam",
                                    "radam",
                                    "novograd",
                                    "lars",
                                    "lamb",
                                    "ranger",
                                    "rangerlars",
                                    "lion",
                                    "adan",
                                    "schedule_free_sgd",
                                    "schedule_free_adamw",
                                    "muon",
                                    "sophia",
                                    "prodigy",
                                    NULL};
enum { METHODS = (int)GR_COUNT(names) - 1, CLASSES = 10, BATCH = 32, MOST_SEEDS = 50 };
static const char *const purpose_words[] = {"tuning", "result", NULL};
enum { TUNING, RESULT };
static const char *const edge_words[] = {"no", "yes", NULL}; /* of the rates: a better one may lie beyond */

/* ---- one training ---- */

static const char *recipe_of(gr_lab *lab, int method, double lr, uint64_t seed)
{
    char rate[32];
    long long n = (long long)gr__setting_int(&lab->settings, "samples"), data = (long long)(lab->seed % 1000000007);
    return gr__lab_text(
        lab,
        "{gradus: 1, name: optimizers, seed: %llu, data: {train: {type: synthetic, kind: digits, noise: 0.4, n: "
        "%lld, seed: %lld},\n"
        " validation: {type: synthetic, kind: digits, noise: 0.4, n: %lld, seed: %lld}, batch: %d, shuffle: "
        "every_epoch,\n"
        " prepare: [{type: scale, by: 1/255}, standardize]},\n"
        " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 32, activation: relu}, {type: dense, "
        "units: %d}]},\n"
        " cost: cross_entropy, optimizer: {type: %s, lr: %s}, schedule: {type: polynomial, power: 1}, stop: "
        "{epochs: %lld}}\n",
        (unsigned long long)seed, n, 2 * data, n, 2 * data + 1, BATCH, CLASSES, names[method],
        gr__double_text(lr, rate), (long long)gr__setting_int(&lab->settings, "epochs"));
}

/* ---- a method's budget ---- */

typedef struct standing {
    int method, diverged, trainings; /* diverged: of the trainings with the best rate */
    bool edge;                       /* the best rate is the lowest or the highest of those tried */
    double rate, mean, deviation, best, worst;
} standing;

static gr_status default_rate(gr_lab *lab, int method, double *lr)
{
    gr_optim o;
    gr_tree *tree = gr__tree_flow(lab->memory, names[method]);
    gr_status st = tree ? gr__optim_make(lab->ctx, lab->memory, tree, GR_PRESET_CHAPTER, &o) : GR_E_MEMORY;
    if (st == GR_OK) *lr = o.method[0].lr;
    return st;
}

static gr_status trial(gr_lab *lab, gr_table *t, standing *s, int purpose, double lr, double factor, int64_t k,
                       double *error)
{
    gr_trained end;
    uint64_t seed = gr__lab_seed(lab, k);
    gr_status st = gr__lab_train(lab, &(gr_training){.recipe = recipe_of(lab, s->method, lr, seed)}, &end);
    if (st != GR_OK) return st;
    s->trainings++;
    s->diverged += purpose == RESULT && end.diverged;
    *error = 100 * end.error;
    GR_LAB_ROW(lab, t, s->method, purpose, lr, factor, (double)seed, *error, end.diverged);
    return GR_OK;
}

static gr_status tune(gr_lab *lab, gr_table *t, standing *s)
{
    int64_t n = gr__setting_int(&lab->settings, "rates");
    double base, error, least = INFINITY;
    gr_status st = default_rate(lab, s->method, &base);
    for (int64_t i = 0; i < n && st == GR_OK; i++) {
        double factor = n == 1 ? 1 : pow(10, 3.0 * (double)i / (double)(n - 1) - 1);
        st = trial(lab, t, s, TUNING, base * factor, factor, 0, &error);
        if (st == GR_OK && error < least) least = error, s->rate = base * factor, s->edge = i == 0 || i == n - 1;
    }
    return st;
}

static gr_status repeat(gr_lab *lab, gr_table *t, standing *s)
{
    int64_t n = gr__setting_int(&lab->settings, "seeds");
    double error[MOST_SEEDS], sum = 0;
    gr_status st = GR_OK;
    s->best = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        GR_TRY(trial(lab, t, s, RESULT, s->rate, NAN, i + 1, &error[i]));
        s->mean += error[i] / (double)n;
        s->best = fmin(s->best, error[i]);
        s->worst = fmax(s->worst, error[i]);
    }
    for (int64_t i = 0; i < n; i++) sum += (error[i] - s->mean) * (error[i] - s->mean);
    s->deviation = sqrt(sum / (double)(n - 1));
done:
    return st;
}

/* ---- the table: best first ---- */

static int by_mean(const void *a, const void *b)
{
    const standing *x = a, *y = b;
    return x->mean != y->mean ? (x->mean < y->mean ? -1 : 1) : x->method - y->method;
}

static const gr_column place_columns[] = {GR_NUMBER("place", "", NULL),
                                          GR_NUMBER("optimizer", "", names),
                                          GR_NUMBER("best_rate", "", NULL),
                                          GR_NUMBER("at_edge", "", edge_words),
                                          GR_NUMBER("mean_error", "%", NULL),
                                          GR_NUMBER("standard_deviation", "%", NULL),
                                          GR_NUMBER("lowest_error", "%", NULL),
                                          GR_NUMBER("highest_error", "%", NULL),
                                          GR_NUMBER("diverged", "trainings", NULL),
                                          GR_NUMBER("trainings", "", NULL),
                                          GR_NUMBER("row", "", NULL)};
static const gr_column trial_columns[] = {GR_NUMBER("optimizer", "", names), GR_NUMBER("purpose", "", purpose_words),
                                          GR_NUMBER("rate", "", NULL),       GR_NUMBER("rate_by_default", "", NULL),
                                          GR_NUMBER("seed", "", NULL),       GR_NUMBER("validation_error", "%", NULL),
                                          GR_NUMBER("diverged", "", NULL)};
static const gr_column dot_columns[] = {GR_NUMBER("optimizer", "", names), GR_NUMBER("row", "", NULL),
                                        GR_NUMBER("validation_error", "%", NULL)};

static void places(gr_lab *lab, const standing *all)
{
    gr_table *t = gr__lab_table(lab, NULL, "places", place_columns, (int)GR_COUNT(place_columns));
    for (int i = 0; i < METHODS; i++) {
        const standing *s = &all[i];
        GR_LAB_ROW(lab, t, i + 1, s->method, s->rate, s->edge, s->mean, s->deviation, s->best, s->worst, s->diverged,
                   s->trainings, METHODS - 1 - i);
    }
}

/* Every seed's error in the row that its method stands in. */
static void dots(gr_lab *lab, const gr_table *trials, const standing *all)
{
    gr_table *t = gr__lab_table(lab, "seeds", "errors by seed", dot_columns, (int)GR_COUNT(dot_columns));
    for (int i = 0; i < METHODS; i++)
        for (size_t k = 0; k < trials->n; k++) {
            const double *row = gr__table_row(trials, k);
            if ((int)row[0] == all[i].method && (int)row[1] == RESULT)
                GR_LAB_ROW(lab, t, all[i].method, METHODS - 1 - i, row[5]);
        }
}

/* ---- claims: none of a winner ---- */

static void claims(gr_lab *lab, const standing *all)
{
    double n = (double)gr__setting_int(&lab->settings, "samples"), guess = 1 - 1.0 / CLASSES,
           off = sqrt(guess * (1 - guess) / n);
    double budget = (double)(gr__setting_int(&lab->settings, "rates") + gr__setting_int(&lab->settings, "seeds"));
    for (int i = 0; i < METHODS; i++)
        gr__lab_within(lab, 0, 100 * (guess - 5 * off), all[i].mean,
                       "validation error of %s, %%, standard deviation %.2f: below that of guessing, less five of its "
                       "standard deviations",
                       names[all[i].method], all[i].deviation);
    for (int i = 0; i < METHODS; i++)
        gr__lab_equal(lab, budget, all[i].trainings, 0, "trainings spent on %s", names[all[i].method]);
}

/* ---- drawings ---- */

static void drawings(gr_lab *lab, const standing *all)
{
    const char **words = gr__bump_alloc(lab->memory, sizeof *words * (METHODS + 1));
    if (!words) {
        gr__result_fail(&lab->result, GR_E_MEMORY);
        return;
    }
    for (int i = 0; i < METHODS; i++) words[METHODS - 1 - i] = names[all[i].method];
    words[METHODS] = NULL;
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "Optimizers with equal budgets on drawn digits",
            .caption = gr__lab_text(
                lab,
                "%lld learning rates for each; with the best of them %lld trainings of other seeds, which are the "
                "dots. "
                "%lld samples, %lld epochs, the rate falling to 0; all else by default. A small problem: methods whose "
                "dots overlap are not told apart by it.",
                (long long)gr__setting_int(&lab->settings, "rates"),
                (long long)gr__setting_int(&lab->settings, "seeds"),
                (long long)gr__setting_int(&lab->settings, "samples"),
                (long long)gr__setting_int(&lab->settings, "epochs")),
            .x = {.label = "validation error, %"},
            .y = {.low = -0.6, .high = METHODS - 0.4, .words = words},
            .curve = {{.label = "a seed",
                       .mark = GR_MARK_POINTS,
                       .colour = 1,
                       .table = "seeds",
                       .x = "validation_error",
                       .y = "row"},
                      {.label = "mean", .mark = GR_MARK_POINTS, .colour = 2, .x = "mean_error", .y = "row"}}});
}

static void rate_drawing(gr_lab *lab, const char *name, const char *title, int first, int n)
{
    gr_panel p = {.name = name,
                  .title = title,
                  .caption = "One training each; 100% where it diverged. The best of these is trained again.",
                  .x = {.label = "learning rate by the optimizer's default", .log = true},
                  .y = {.label = "validation error, %", .low = 0, .high = 102}};
    for (int i = 0; i < n; i++)
        p.curve[i] = (gr_curve){.label = names[first + i],
                                .mark = GR_MARK_PATH,
                                .table = "trials",
                                .x = "rate_by_default",
                                .y = "validation_error",
                                .where = "optimizer",
                                .is = names[first + i]};
    gr__lab_panel(lab, &p);
}

static gr_status run(gr_lab *lab)
{
    standing all[METHODS] = {0};
    gr_status st = GR_OK;
    gr_table *t = gr__lab_table(lab, "trials", "all trainings", trial_columns, (int)GR_COUNT(trial_columns));
    for (int i = 0; i < METHODS; i++) {
        all[i].method = i;
        GR_TRY(tune(lab, t, &all[i]));
        GR_TRY(repeat(lab, t, &all[i]));
    }
    qsort(all, METHODS, sizeof *all, by_mean);
    places(lab, all);
    dots(lab, t, all);
    claims(lab, all);
    drawings(lab, all);
    rate_drawing(lab, "rates", "One rate for all, and a rate for each weight", 0, 7);
    rate_drawing(lab, "rates2", "Rectified, by layers, and around others", 7, 6);
    rate_drawing(lab, "rates3", "From after the chapter", 13, METHODS - 13);
done:
    return st;
}

GR_FIGURE(optimizers) = {
    .head =
        {
            .family = "figure",
            .name = "optimizers",
            .title = "Optimizers with equal budgets, losers included",
            .cite = "chapter 4.3",
            .equations = "for each optimizer: the rate with the lowest validation error, of rates from a tenth to a "
                         "hundred times its default;\n"
                         "    mean and standard deviation of the validation error over new seeds at that rate\n"
                         "guessing among K classes errs in 1 - 1/K of all cases; nothing is claimed of who wins",
            GR_ROWS(rows),
        },
    .run = run,
};
