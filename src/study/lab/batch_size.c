/* Batch size and generalisation: do small batches generalise better [ML18], and do large ones end in sharper minima?
 * As many epochs for each, the rate tuned for each on a seed of its own; then the validation error and the trace of the
 * Hessian where the training ended. [mission G9, O4] */
#include <math.h>

#include "base/text.h"
#include "study/curvature/curvature.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "10", "[2,100]", "", "trainings of each, with data and weights of their own"),
    GR_ROW("samples", INT, "512", "[64,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "30", "[1,1000]", "epochs", "of every training"),
    GR_ROW("rates", INT, "7", "[2,20]", "", "tried for each batch, from 0.003 to 3, evenly in the logarithm"),
};

enum { BATCHES = 4, FULL = BATCHES - 1, LOOKED_AT = 512, PROBES = 30 };
static const char *const words[] = {"8", "32", "128", "all", NULL};
static const int batch_of[BATCHES] = {8, 32, 128, 0};

static const gr_column rate_columns[] = {GR_NUMBER("batch", "", words), GR_NUMBER("lr", "", NULL),
                                         GR_NUMBER("validation_error", "%", NULL), GR_NUMBER("chosen", "", NULL)};

static const char *text_of(gr_lab *lab, int variant, double lr, int64_t k)
{
    char rate[32];
    int64_t n = gr__setting_int(&lab->settings, "samples");
    return gr__lab_text(lab,
                        "{gradus: 1, name: batches, seed: %llu, %s,\n"
                        " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 32, activation: relu}, "
                        "{type: dense, units: 10}]},\n"
                        " cost: cross_entropy, optimizer: {type: sgd, lr: %s}, schedule: {type: polynomial, power: "
                        "1}, stop: {epochs: %lld}}\n",
                        (unsigned long long)gr__lab_seed(lab, k),
                        gr__lab_digits(lab, k, n, variant == FULL ? n : batch_of[variant], ", shuffle: every_epoch"),
                        gr__double_text(lr, rate), (long long)gr__setting_int(&lab->settings, "epochs"));
}

static gr_status tune(gr_lab *lab, double *best)
{
    int64_t rates = gr__setting_int(&lab->settings, "rates"), after = gr__setting_int(&lab->settings, "seeds");
    gr_table *t = gr__lab_table(lab, "rates", "rates tried", rate_columns, (int)GR_COUNT(rate_columns));
    for (int i = 0; i < BATCHES; i++) {
        double least = INFINITY, error[20], lr[20];
        for (int64_t k = 0; k < rates; k++) {
            gr_trained end;
            lr[k] = 0.003 * pow(1000, (double)k / (double)(rates - 1));
            gr_status st = gr__lab_train(lab, &(gr_training){.recipe = text_of(lab, i, lr[k], after)}, &end);
            if (st != GR_OK) return st;
            error[k] = 100 * end.error;
            if (error[k] < least) least = error[k], best[i] = lr[k];
        }
        for (int64_t k = 0; k < rates; k++) GR_LAB_ROW(lab, t, i, lr[k], error[k], lr[k] == best[i]);
    }
    return GR_OK;
}

/* The trace of the Hessian of the mean training cost, where the network stands. */
static gr_status trace(gr_lab *lab, const gr_recipe *r, gr_steps *s, double *figure)
{
    gr_surface h = {0};
    gr_curvature *k = gr__alloc(lab->ctx, sizeof *k);
    gr_status st = k ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(gr__surface_open(lab->ctx, r, NULL, GR_PART_TRAIN, LOOKED_AT, GR_SURFACE_HESSIAN, &h));
    for (size_t i = 0; i < h.n_params; i++)
        GR_TRY(gr__lab_copy(lab, s->engine.store, h.run.store, h.params[i].entry.name));
    GR_TRY(gr__curvature(&h, &(gr_curvature_options){.probes = PROBES, .seed = lab->seed}, k));
    *figure = k->trace;
done:
    gr__surface_close(&h);
    gr__free(lab->ctx, k, sizeof *k);
    return st;
}

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    return text_of(lab, variant, ((const double *)v->user)[variant], k);
}

static void drawing(gr_lab *lab, const gr_variants *v)
{
    gr__variants_draw(lab, v, NULL, "Batch size and generalisation", "batch");
    gr__lab_panel(
        lab,
        &(gr_panel){.name = "trace",
                    .title = "Batch size and the sharpness of the minimum",
                    .caption = "Trace of the Hessian of the mean training cost where the training ended.",
                    .x = {.label = "batch", .words = words, .low = -0.5, .high = BATCHES - 0.5},
                    .y = {.label = "trace of the Hessian", .log = true},
                    .curve = {{.label = "trainings",
                               .mark = GR_MARK_POINTS,
                               .colour = 4,
                               .table = "seeds",
                               .x = "place",
                               .y = "trace"},
                              {.label = "their mean", .mark = GR_MARK_LINE, .colour = 4, .x = "place", .y = "trace"}}});
}

static gr_status run(gr_lab *lab)
{
    double rate[BATCHES], sharper[GR_MOST_SEEDS];
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    gr_status st = v ? tune(lab, rate) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    *v = (gr_variants){.words = words, .recipe = recipe_of, .user = rate, .look = trace, .figure = "trace"};
    st = gr__variants_train(lab, v, NULL);
    if (st != GR_OK) return st;
    for (int i = 1; i < BATCHES; i++)
        gr__lab_tells(lab, gr__variants_differ(v, 0, i), "% of the samples", "a batch of 8 errs less than one of %s",
                      words[i]);
    for (int i = 1; i < BATCHES; i++) {
        for (int64_t k = 0; k < v->seeds; k++) sharper[k] = log10(v->looked[i][k] / v->looked[0][k]);
        gr__lab_tells(lab, gr__lab_mean(sharper, v->seeds), "powers of ten",
                      "a batch of %s ends where the Hessian's trace is larger than with 8", words[i]);
    }
    drawing(lab, v);
    return GR_OK;
}

GR_FIGURE(batch_size) = {
    .head =
        {
            .family = "figure",
            .name = "batch-size",
            .title = "Batch size: generalisation and sharpness",
            .cite = "chapter 4.1, 4.3; Masters & Luschi 2018; Keskar et al. 2017",
            .equations = "as many epochs for every batch, its rate tuned on a seed of its own, falling linearly to 0;\n"
                         "sharpness: tr H of the mean training cost, by Hutchinson's estimate",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 3, samples: 256, epochs: 10, rates: 4}",
    .run = run,
};
