/* Training longer: does the validation error still fall when the training runs on? [HHS17]: with large batches it does,
 * since what counts is the number of updates. Here a large batch is trained for 1, 2, 4 and 8 times as many epochs,
 * the rate falling to 0 over each. [mission G14] */
#include "base/text.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "10", "[2,100]", "", "trainings of each, with data and weights of their own"),
    GR_ROW("samples", INT, "1000", "[100,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "20", "[1,1000]", "epochs", "of the shortest training"),
    GR_ROW("batch", INT, "250", "[1,100000]", "samples", "of the large batch"),
};

enum { LONGER = 4, SMALL = LONGER };
static const int factor[LONGER] = {1, 2, 4, 8};
static const char *const words[] = {"1x", "2x", "4x", "8x", "small batch", NULL};

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    (void)v;
    int64_t batch = gr__setting_int(&lab->settings, "batch"), epochs = gr__setting_int(&lab->settings, "epochs");
    bool small = variant == SMALL;
    return gr__lab_text(lab,
                        "{gradus: 1, name: longer, seed: %llu, %s,\n"
                        " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: 64, activation: relu}, "
                        "{type: dense, units: 10}]},\n"
                        " cost: cross_entropy, optimizer: {type: sgdm, lr: 0.05}, schedule: {type: polynomial, power: "
                        "1}, stop: {epochs: %lld}}\n",
                        (unsigned long long)gr__lab_seed(lab, k),
                        gr__lab_digits(lab, k, gr__setting_int(&lab->settings, "samples"),
                                       small ? GR_MAX(batch / 8, 1) : batch, ", shuffle: every_epoch"),
                        (long long)(epochs * (small ? 1 : factor[variant])));
}

static gr_status run(gr_lab *lab)
{
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    if (!v) return GR_E_MEMORY;
    *v = (gr_variants){.words = words, .recipe = recipe_of};
    gr_status st = gr__variants_train(lab, v, NULL);
    if (st != GR_OK) return st;
    for (int i = 1; i < LONGER; i++)
        gr__lab_tells(lab, gr__variants_differ(v, i, i - 1), "% of the samples", "trained %s as long errs less than %s",
                      words[i], words[i - 1]);
    gr__lab_tells(lab, gr__variants_differ(v, SMALL, 0), "% of the samples",
                  "an eighth of the batch errs less than the large one in as many epochs");
    gr__lab_tells(lab, gr__variants_differ(v, LONGER - 1, SMALL), "% of the samples",
                  "the large batch trained 8x as long, for as many updates, errs less than an eighth of it");
    gr__variants_draw(lab, v, NULL, "A large batch trained longer, and a small one", "epochs");
    return GR_OK;
}

GR_FIGURE(train_longer) = {
    .head =
        {
            .family = "figure",
            .name = "train-longer",
            .title = "Training longer with a large batch",
            .cite = "chapter 4.1; Hoffer, Hubara & Soudry 2017",
            .equations = "epochs E, 2E, 4E, 8E with the rate falling linearly to 0; a batch of an eighth makes in E "
                         "epochs as many updates as the large one in 8E",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 4, samples: 500, epochs: 10, batch: 125}",
    .run = run,
};
