/* Regularisers together: augmentation and weight decay, each alone and both. The chapter: what regularises otherwise
 * wants a smaller lambda. A 2 x 2 experiment, with its interaction. [mission H19] */
#include "base/text.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "20", "[2,100]", "", "trainings of each, with data and weights of their own"),
    GR_ROW("samples", INT, "300", "[50,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "40", "[1,1000]", "epochs", "of every training"),
    GR_ROW("lambda", REAL, "0.05", "(0,10]", "1", "of the decay of weights"),
    GR_ROW("noise", REAL, "100", "(0,1000]", "1", "standard deviation of what is added to inputs of 0 to 255"),
};

enum { NEITHER, DECAY, NOISE, BOTH };
static const char *const words[] = {"neither", "decay", "noise", "both", NULL};

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    (void)v;
    char rate[32], lambda[32];
    bool noise = variant & NOISE, decay = variant & DECAY;
    const char *more = noise ? gr__lab_text(lab, ", shuffle: every_epoch, augment: [{type: noise, std: %s}]",
                                            gr__double_text(gr__setting_real(&lab->settings, "noise"), rate))
                             : ", shuffle: every_epoch";
    return gr__lab_text(
        lab,
        "{gradus: 1, name: regularisers, seed: %llu, %s,\n"
        " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 64, activation: relu}, "
        "{type: dense, units: 10}]},\n"
        " cost: cross_entropy, penalty: %s, optimizer: {type: sgdm, lr: 0.05}, schedule: {type: "
        "polynomial, power: 1}, stop: {epochs: %lld}}\n",
        (unsigned long long)gr__lab_seed(lab, k),
        gr__lab_digits(lab, k, gr__setting_int(&lab->settings, "samples"), 32, more),
        decay ? gr__lab_text(lab, "{l2: %s}", gr__double_text(gr__setting_real(&lab->settings, "lambda"), lambda))
              : "none",
        (long long)gr__setting_int(&lab->settings, "epochs"));
}

static gr_status run(gr_lab *lab)
{
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    double together[GR_MOST_SEEDS];
    if (!v) return GR_E_MEMORY;
    *v = (gr_variants){.words = words, .recipe = recipe_of};
    gr_status st = gr__variants_train(lab, v, NULL);
    if (st != GR_OK) return st;
    gr__lab_tells(lab, gr__variants_differ(v, DECAY, NEITHER), "% of the samples",
                  "decay alone errs less than neither");
    gr__lab_tells(lab, gr__variants_differ(v, NOISE, NEITHER), "% of the samples",
                  "noise alone errs less than neither");
    gr__lab_tells(lab, gr__variants_differ(v, BOTH, NOISE), "% of the samples",
                  "beside noise, decay errs less than without");
    for (int64_t k = 0; k < v->seeds; k++)
        together[k] = (v->error[NEITHER][k] - v->error[DECAY][k]) - (v->error[NOISE][k] - v->error[BOTH][k]);
    gr__lab_tells(lab, gr__lab_mean(together, v->seeds), "% of the samples",
                  "the same lambda gains less beside noise than alone, so that a smaller one is wanted");
    gr__variants_draw(lab, v, NULL, "Noise on the inputs, decay of the weights, and both", "regularisers");
    return GR_OK;
}

GR_FIGURE(regularisers) = {
    .head =
        {
            .family = "figure",
            .name = "regularisers",
            .title = "Augmentation and weight decay: 2 x 2",
            .cite = "chapter 4.5.4",
            .equations = "interaction = (error(neither) - error(decay)) - (error(noise) - error(both)), seed by seed",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 5, epochs: 20}",
    .run = run,
};
