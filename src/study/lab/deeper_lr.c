/* Do deeper networks want a larger learning rate? The chapter says that they usually do. For each depth a grid of rates
 * is tried with several seeds; the best rate of each seed is compared. [mission T17] */
#include <math.h>

#include "base/text.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "8", "[2,100]", "", "trainings of each depth and rate, with data and weights of their own"),
    GR_ROW("samples", INT, "1000", "[100,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "5", "[1,1000]", "epochs", "of every training"),
    GR_ROW("rates", INT, "9", "[3,20]", "", "tried, from 0.001 to 1, evenly in the logarithm"),
};

enum { DEPTHS = 4, MOST_RATES = 20 };
static const int depth[DEPTHS] = {1, 2, 4, 8};

static const gr_column columns[] = {GR_NUMBER("hidden_layers", "", NULL),
                                    GR_NUMBER("lr", "", NULL),
                                    GR_NUMBER("validation_error", "%", NULL),
                                    GR_NUMBER("validation_error_low", "%", NULL),
                                    GR_NUMBER("validation_error_high", "%", NULL),
                                    GR_NUMBER("diverged", "", NULL),
                                    GR_NUMBER("seeds", "", NULL)};
static const gr_column best_columns[] = {GR_NUMBER("hidden_layers", "", NULL), GR_NUMBER("best_lr", "", NULL),
                                         GR_NUMBER("best_lr_low", "", NULL), GR_NUMBER("best_lr_high", "", NULL),
                                         GR_NUMBER("seeds", "", NULL)};

static const char *recipe_of(gr_lab *lab, int layers, double lr, int64_t k)
{
    char rate[32];
    return gr__lab_text(lab,
                        "{gradus: 1, name: deeper, seed: %llu, %s,\n"
                        " model: {input: [16, 16, 1], layers: [flatten, {repeat: {times: %d, layers: [{type: dense, "
                        "units: 32, activation: relu}]}}, {type: dense, units: 10}]},\n"
                        " cost: cross_entropy, optimizer: {type: sgd, lr: %s}, schedule: constant, stop: {epochs: "
                        "%lld}}\n",
                        (unsigned long long)gr__lab_seed(lab, k),
                        gr__lab_digits(lab, k, gr__setting_int(&lab->settings, "samples"), 32, ", shuffle: once"),
                        layers, gr__double_text(lr, rate), (long long)gr__setting_int(&lab->settings, "epochs"));
}

/* best: log10 of the rate of the least error, of each seed; where several have it, the middle of them. */
static gr_status follow(gr_lab *lab, gr_table *t, int layers, double *best)
{
    int64_t rates = gr__setting_int(&lab->settings, "rates"), seeds = gr__setting_int(&lab->settings, "seeds");
    double error[MOST_RATES][GR_MOST_SEEDS];
    for (int64_t i = 0; i < rates; i++) {
        double lr = pow(10, -3 + 3 * (double)i / (double)(rates - 1)), diverged = 0;
        for (int64_t k = 0; k < seeds; k++) {
            gr_trained end;
            gr_status st = gr__lab_train(lab, &(gr_training){.recipe = recipe_of(lab, layers, lr, k)}, &end);
            if (st != GR_OK) return st;
            error[i][k] = 100 * end.error;
            diverged += end.diverged;
        }
        gr_mean m = gr__lab_mean(error[i], seeds);
        GR_LAB_ROW(lab, t, layers, lr, m.mean, m.low, m.high, diverged, (double)seeds);
    }
    for (int64_t k = 0; k < seeds; k++) {
        double least = INFINITY, sum = 0, n = 0;
        for (int64_t i = 0; i < rates; i++) least = fmin(least, error[i][k]);
        for (int64_t i = 0; i < rates; i++)
            if (error[i][k] == least) sum += -3 + 3 * (double)i / (double)(rates - 1), n++;
        best[k] = sum / n;
    }
    return GR_OK;
}

static void drawing(gr_lab *lab)
{
    gr_panel p = {.title = "Learning rates by depth",
                  .caption = gr__lab_text(
                      lab, "Networks of 1 to 8 hidden layers of 32 units, SGD, %lld epochs; mean of %lld trainings.",
                      (long long)gr__setting_int(&lab->settings, "epochs"),
                      (long long)gr__setting_int(&lab->settings, "seeds")),
                  .x = {.label = "learning rate", .log = true},
                  .y = {.label = "samples judged wrongly (%)"}};
    for (int d = 0; d < DEPTHS; d++)
        p.curve[d] = (gr_curve){.label = gr__lab_text(lab, "%d hidden", depth[d]),
                                .mark = GR_MARK_PATH,
                                .table = gr__lab_text(lab, "depth-%d", depth[d]),
                                .x = "lr",
                                .y = "validation_error"};
    gr__lab_panel(lab, &p);
}

static gr_status run(gr_lab *lab)
{
    int64_t seeds = gr__setting_int(&lab->settings, "seeds");
    double best[DEPTHS][GR_MOST_SEEDS], off[GR_MOST_SEEDS];
    gr_table *b = gr__lab_table(lab, NULL, "the best rates: geometric means over seeds", best_columns,
                                (int)GR_COUNT(best_columns));
    for (int d = 0; d < DEPTHS; d++) {
        gr_table *t = gr__lab_table(lab, gr__lab_text(lab, "depth-%d", depth[d]), "rates at this depth", columns,
                                    (int)GR_COUNT(columns));
        gr_status st = follow(lab, t, depth[d], best[d]);
        if (st != GR_OK) return st;
        gr_mean m = gr__lab_mean(best[d], seeds);
        GR_LAB_ROW(lab, b, depth[d], pow(10, m.mean), pow(10, m.low), pow(10, m.high), (double)seeds);
    }
    for (int d = 1; d < DEPTHS; d++) {
        for (int64_t k = 0; k < seeds; k++) off[k] = best[d][k] - best[0][k];
        gr__lab_tells(lab, gr__lab_mean(off, seeds), "powers of ten", "%d hidden layers want a larger rate than one",
                      depth[d]);
    }
    drawing(lab);
    return GR_OK;
}

GR_FIGURE(deeper_lr) = {
    .head =
        {
            .family = "figure",
            .name = "deeper-lr",
            .title = "Depth and the learning rate",
            .cite = "chapter 4.5.2",
            .equations = "for each seed the rate of the least validation error on a grid; differences of their "
                         "logarithms, deep less shallow",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 3, samples: 500, rates: 7}",
    .run = run,
};
