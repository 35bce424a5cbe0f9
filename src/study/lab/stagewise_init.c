/* How VGG was initialised: a shallow network is trained first, and its layers start the deep one, whose other layers
 * are random. Kaiming's initial weights made that unnecessary. Here a deep network of small normal weights, the same
 * begun from a shallow one, and one of Kaiming's weights. [mission I4, SYS7] */
#include "base/text.h"
#include "study/lab/variants.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "8", "[2,100]", "", "trainings of each, with data and weights of their own"),
    GR_ROW("samples", INT, "1000", "[100,100000]", "samples", "to train on, and as many to validate on"),
    GR_ROW("epochs", INT, "20", "[1,1000]", "epochs", "of every training, the shallow one's too"),
    GR_ROW("std", REAL, "0.1", "(0,1]", "1", "of the small weights; 32 units with ReLU would want 0.25"),
};

enum { SMALL, STAGED, KAIMING };
static const char *const words[] = {"small", "small, staged", "Kaiming", NULL};
enum { SHALLOW = 2, DEEP = 8, UNITS = 32 };

/* h1, the last hidden layer (which is called so in both) and the output are those of the shallow network. */
static const char *recipe_of_depth(gr_lab *lab, int layers, bool small, int64_t k)
{
    char std[32];
    gr__text t;
    const char *hidden;
    gr__text_init(&t, lab->ctx);
    for (int i = 1; i < layers; i++)
        gr__text_add(&t, "{type: dense, units: %d, activation: relu, name: h%d}, ", UNITS, i);
    hidden = gr__lab_text(lab, "%s", t.s ? t.s : "");
    gr__text_free(&t);
    return gr__lab_text(
        lab,
        "{gradus: 1, name: staged, seed: %llu, %s,\n"
        " model: {input: [16, 16, 1], layers: [flatten, %s{type: dense, units: %d, activation: relu, "
        "name: last}, {type: dense, units: 10, name: out}]},\n"
        " init: {weights: %s}, cost: cross_entropy, optimizer: {type: sgdm, lr: 0.02}, schedule: "
        "{type: polynomial, power: 1}, stop: {epochs: %lld}}\n",
        (unsigned long long)gr__lab_seed(lab, k),
        gr__lab_digits(lab, k, gr__setting_int(&lab->settings, "samples"), 32, ", shuffle: every_epoch"), hidden, UNITS,
        small ? gr__lab_text(lab, "{type: normal, std: %s}",
                             gr__double_text(gr__setting_real(&lab->settings, "std"), std))
              : "kaiming",
        (long long)gr__setting_int(&lab->settings, "epochs"));
}

/* ---- layers of the shallow network ---- */

static const char *const kept[] = {"h1.weight", "h1.bias", "last.weight", "last.bias", "out.weight", "out.bias"};

static gr_status give(gr_lab *lab, const gr_recipe *r, gr_steps *shallow, void *user)
{
    gr_steps *deep = user;
    (void)r;
    for (size_t i = 0; i < GR_COUNT(kept); i++) {
        gr_status st = gr__lab_copy(lab, shallow->engine.store, deep->engine.store, kept[i]);
        if (st != GR_OK) return st;
    }
    return GR_OK;
}

static gr_status start(gr_lab *lab, const gr_variants *v, int variant, int64_t k, gr_steps *s)
{
    gr_trained end;
    (void)v;
    if (variant != STAGED) return GR_OK;
    return gr__lab_train(lab, &(gr_training){.recipe = recipe_of_depth(lab, SHALLOW, true, k), .look = give, .user = s},
                         &end);
}

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    (void)v;
    return recipe_of_depth(lab, DEEP, variant != KAIMING, k);
}

static gr_status run(gr_lab *lab)
{
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    if (!v) return GR_E_MEMORY;
    *v = (gr_variants){.words = words, .recipe = recipe_of, .start = start};
    gr_status st = gr__variants_train(lab, v, NULL);
    if (st != GR_OK) return st;
    gr__lab_tells(lab, gr__variants_differ(v, STAGED, SMALL), "% of the samples",
                  "small weights: begun from a trained shallow network, the deep one errs less");
    gr__lab_tells(lab, gr__variants_differ(v, KAIMING, SMALL), "% of the samples",
                  "Kaiming's weights err less than small ones");
    gr__lab_tells(lab, gr__variants_differ(v, KAIMING, STAGED), "% of the samples",
                  "Kaiming's weights, at once, err less than small ones in stages");
    gr__variants_draw(lab, v, NULL, "Eight hidden layers, by how they begin", "initial weights");
    return GR_OK;
}

GR_FIGURE(stagewise_init) = {
    .head =
        {
            .family = "figure",
            .name = "stagewise-init",
            .title = "A deep network begun from a shallow one, and what made that unnecessary",
            .cite = "chapter 4.2; Simonyan & Zisserman 2015, section 3.1; He et al. 2015",
            .equations = "8 hidden layers of 32 units with ReLU: all weights N(0, std^2); the first, the last and the "
                         "output of a trained network of 2 in their places; Kaiming's N(0, 2 / n)",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 3, samples: 500, epochs: 10}",
    .run = run,
};
