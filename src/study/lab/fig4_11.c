/* When and what to fine-tune: data like the source's or not, little or much of it, and which layers are trained. Drawn
 * digits; what is different of the different ones is where rows stand: every second one is moved to the right, so that
 * no stroke keeps its shape. [mission FIG4.11, F2 to F4] */
#include "study/lab/transfer.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "10", "[2,100]", "", "sources, and trainings of each choice, with data of their own"),
    GR_ROW("source", INT, "3000", "[100,100000]", "samples", "that the source is trained on"),
    GR_ROW("small", INT, "40", "[10,100000]", "samples", "of the little data"),
    GR_ROW("large", INT, "2000", "[10,100000]", "samples", "of the much data"),
    GR_ROW("updates", INT, "600", "[10,1000000]", "updates", "of every training, in batches of 20"),
};

enum { NEW, LAST, UPPER, WHOLE };
static const char *const words[] = {"new", "last", "upper", "whole", NULL};
/* Kept layers rest, or have a tenth of the rate: the chapter's 10 to 100 times smaller. */
static const char *const groups[] = {
    [NEW] = "none",
    [LAST] = "[{match: 'head.*'}, {match: '*', freeze: true}]",
    [UPPER] = "[{match: 'head.*'}, {match: 'f1.*'}, {match: '*', freeze: true}]",
    [WHOLE] = "[{match: 'head.*'}, {match: '*', lr_scale: 0.1}]",
};

typedef struct cell {
    const char *name, *title;
    bool different, large;
    const gr_sources *sources;
} cell;

static const char *recipe_text(gr_lab *lab, int64_t k, int64_t samples, int64_t draw, bool different, const char *more)
{
    long long seed = (long long)(gr__lab_seed(lab, k) % 1000000007);
    return gr__lab_text(
        lab,
        "{gradus: 1, name: tuned, seed: %lld, data: {train: {type: synthetic, kind: digits, noise: 0.4, n: %lld, seed: "
        "%lld}, validation: {type: synthetic, kind: digits, noise: 0.4, n: 1000, seed: %lld}, batch: 20, shuffle: "
        "every_epoch, prepare: [{type: scale, by: 1/255}, standardize]},\n"
        " model: {input: [16, 16, 1], layers: [%s{type: conv, filters: 8, kernel: 3, padding: same, activation: relu, "
        "name: c1}, {type: max_pool, size: 2}, {type: conv, filters: 16, kernel: 3, padding: same, activation: relu, "
        "name: c2}, {type: max_pool, size: 2}, flatten, {type: dense, units: 32, activation: relu, name: f1}, {type: "
        "dense, units: 10, name: head}]},\n"
        " cost: cross_entropy, optimizer: {type: adam, lr: 0.003}, schedule: {type: polynomial, power: 1}, %s}\n",
        seed, (long long)samples, 4 * seed + draw, 4 * seed + 3,
        different ? "{type: reshape, shape: [8, 32, 1]}, " : "", more);
}

static const char *source_of(gr_lab *lab, int64_t k)
{
    return recipe_text(lab, k, gr__setting_int(&lab->settings, "source"), 0, false, "stop: {epochs: 6}");
}

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    const cell *c = v->user;
    return recipe_text(lab, k, gr__setting_int(&lab->settings, c->large ? "large" : "small"), c->large ? 2 : 1,
                       c->different,
                       gr__lab_text(lab, "groups: %s, stop: {steps: %lld}", groups[variant],
                                    (long long)gr__setting_int(&lab->settings, "updates")));
}

static gr_status start(gr_lab *lab, const gr_variants *v, int variant, int64_t k, gr_steps *s)
{
    const cell *c = v->user;
    return variant == NEW ? GR_OK : gr__sources_give(lab, c->sources, k, s);
}

/* What the figure's table says of this corner. */
static void judge(gr_lab *lab, const cell *c, const gr_variants *v)
{
    static const char unit[] = "% of the samples";
    if (!c->large)
        gr__lab_tells(lab, gr__variants_differ(v, c->different ? UPPER : LAST, NEW), unit,
                      "%s: %s errs less than a new network", c->title,
                      c->different ? "training the upper layers" : "training the last layer");
    if (!c->large && !c->different)
        gr__lab_tells(lab, gr__variants_differ(v, LAST, WHOLE), unit,
                      "%s: the last layer alone errs less than the whole", c->title);
    if (!c->large && c->different)
        gr__lab_tells(lab, gr__variants_differ(v, UPPER, LAST), unit, "%s: more layers err less than the last alone",
                      c->title);
    if (c->large)
        gr__lab_tells(lab, gr__variants_differ(v, WHOLE, LAST), unit, "%s: the whole errs less than the last layer",
                      c->title);
    if (c->large)
        gr__lab_tells(lab, gr__variants_differ(v, WHOLE, NEW), unit, "%s: the whole errs less than a new network",
                      c->title);
}

static gr_status run(gr_lab *lab)
{
    gr_sources *sources = gr__bump_alloc(lab->memory, sizeof *sources);
    if (!sources) return GR_E_MEMORY;
    const cell cells[] = {{"similar-small", "similar, little", false, false, sources},
                          {"different-small", "different, little", true, false, sources},
                          {"similar-large", "similar, much", false, true, sources},
                          {"different-large", "different, much", true, true, sources}};
    gr_status st = GR_OK;
    sources->except = "head.";
    GR_TRY(gr__sources_train(lab, source_of, sources));
    for (size_t i = 0; i < GR_COUNT(cells); i++) {
        gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
        if (!v) GR_TRY(GR_E_MEMORY);
        *v = (gr_variants){.words = words, .recipe = recipe_of, .start = start, .user = &cells[i]};
        GR_TRY(gr__variants_train(lab, v, cells[i].name));
        judge(lab, &cells[i], v);
        gr__variants_draw(lab, v, cells[i].name, gr__lab_text(lab, "Fine-tuning: %s", cells[i].title),
                          "layers that are trained");
    }
done:
    gr__sources_close(sources);
    return st;
}

GR_FIGURE(fig4_11) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.11",
            .title = "When and what to fine-tune",
            .cite = "chapter 4.6, figure 4.11",
            .equations = "a network trained on drawn digits goes on with other draws (similar) or with digits whose "
                         "rows stand elsewhere (different), few or many:\n"
                         "new: from random weights; last: the last layer anew, all else frozen; upper: the dense "
                         "layers, convolutions frozen; whole: kept layers at a tenth of the rate",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 4, source: 1500, large: 1000, updates: 300}",
    .run = run,
};
