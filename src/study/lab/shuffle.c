/* Does it help to shuffle anew in each epoch? The chapter says: usually not. [mission D25] */
#include "base/text.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "20", "[2,100]", "", "trainings of each, with data, weights and order of their own"),
    GR_ROW("samples", INT, "1000", "[100,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "10", "[1,1000]", "epochs", "of every training"),
};

enum { NONE, ONCE, EVERY };
static const char *const words[] = {"none", "once", "every_epoch", NULL};

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    (void)v;
    const char *data = gr__lab_digits(lab, k, gr__setting_int(&lab->settings, "samples"), 32,
                                      gr__lab_text(lab, ", shuffle: %s", words[variant]));
    return gr__lab_text(lab,
                        "{gradus: 1, name: shuffle, seed: %llu, %s,\n"
                        " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 32, activation: relu}, "
                        "{type: dense, units: 10}]},\n"
                        " cost: cross_entropy, optimizer: {type: sgdm, lr: 0.05}, schedule: {type: polynomial, power: "
                        "1}, stop: {epochs: %lld}}\n",
                        (unsigned long long)gr__lab_seed(lab, k), data,
                        (long long)gr__setting_int(&lab->settings, "epochs"));
}

static gr_status run(gr_lab *lab)
{
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    if (!v) return GR_E_MEMORY;
    *v = (gr_variants){.words = words, .recipe = recipe_of};
    gr_status st = gr__variants_train(lab, v, NULL);
    if (st != GR_OK) return st;
    gr__lab_tells(lab, gr__variants_differ(v, EVERY, ONCE), "% of the samples",
                  "shuffling in every epoch errs less than shuffling once, on drawn digits");
    gr__lab_tells(lab, gr__variants_differ(v, ONCE, NONE), "% of the samples",
                  "shuffling once errs less than the order of the source, in which the digits come as drawn");
    gr__variants_draw(lab, v, NULL, "Orders of the training samples", "order");
    return GR_OK;
}

GR_FIGURE(shuffle) = {
    .head =
        {
            .family = "figure",
            .name = "shuffle",
            .title = "The order of the training samples: as it comes, shuffled once, shuffled in each epoch",
            .cite = "chapter 4.5.1",
            .equations = "the same data, weights and number of updates; differences are taken seed by seed, with the "
                         "95 % interval of Student's t",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 5, samples: 500}",
    .run = run,
};
