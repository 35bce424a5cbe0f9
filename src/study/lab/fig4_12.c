/* VGG-16 made a judge of two classes: what the chapter's four steps do to its shapes, from the network itself, and the
 * steps taken on a small one of its kind, since nobody's ImageNet weights are here. [mission FIG4.12, F8] */
#include <string.h>

#include "graph/shape.h"
#include "model/network.h"
#include "study/lab/transfer.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "10", "[2,100]", "", "sources, and trainings of each choice, with data of their own"),
    GR_ROW("source", INT, "3000", "[100,100000]", "samples", "of ten digits, that the source is trained on"),
    GR_ROW("samples", INT, "30", "[4,100000]", "samples", "of two classes, to train on"),
    GR_ROW("updates", INT, "200", "[10,1000000]", "updates", "of every training, in batches of 10"),
};

/* ---- the real one ---- */

static const gr_column shape_columns[] = {GR_NUMBER("tensor", "", NULL),     GR_NUMBER("source_out", "", NULL),
                                          GR_NUMBER("target_out", "", NULL), GR_NUMBER("in", "", NULL),
                                          GR_NUMBER("parameters", "", NULL), GR_NUMBER("trained", "", NULL)};

static gr_status network_of(gr_lab *lab, int classes, gr_recipe **r, gr_network **n)
{
    const char *text = gr__lab_text(lab,
                                    "{gradus: 1, name: vgg, data: {train: {type: npy, inputs: x.npy, targets: y.npy}, "
                                    "batch: 32}, model: {zoo: vgg16, classes: %d}, cost: cross_entropy}\n",
                                    classes);
    gr_status st = text ? GR_OK : GR_E_MEMORY;
    if (st == GR_OK) st = gr__recipe_from_text(lab->ctx, "vgg", ".", text, strlen(text), NULL, 0, r);
    return st == GR_OK ? gr__network_make(lab->ctx, *r, NULL, n) : st;
}

static void compare(gr_lab *lab, const gr_network *source, const gr_network *target)
{
    size_t n, m;
    const gr_param_info *a = gr__network_params(source, &n), *b = gr__network_params(target, &m);
    gr_table *t = gr__lab_table(lab, "shapes", "tensors of VGG-16: outputs before and after, inputs, numbers, trained",
                                shape_columns, (int)GR_COUNT(shape_columns));
    double trained = 0, changed = 0, last_out = 0, last_in = 0;
    for (size_t i = 0; i < n && i < m; i++) {
        gr_shape was = a[i].entry.shape, is = b[i].entry.shape;
        bool differs = !gr__shape_equal(was, is);
        double count = (double)gr_shape_count(is), in = count / (double)is.dim[0];
        GR_LAB_ROW(lab, t, (double)i, (double)was.dim[0], (double)is.dim[0], in, count, differs);
        changed += differs;
        if (differs) trained += count;
        if (differs && is.rank == 2) last_out = (double)was.dim[0], last_in = in;
    }
    gr__lab_equal(lab, 138357544, (double)gr__network_parameter_count(source), 0, "parameters of VGG-16, 1000 classes");
    gr__lab_equal(lab, 0, (double)n - (double)m, 0, "tensors that one of both lacks");
    gr__lab_equal(lab, 2, changed, 0, "tensors whose shape differs: weight and bias of the last layer");
    gr__lab_equal(lab, 4096, last_in, 0, "inputs of the last layer");
    gr__lab_equal(lab, 1000, last_out, 0, "its outputs before");
    gr__lab_equal(lab, 4096 * 2 + 2, trained, 0, "numbers that are trained with all else frozen");
    gr__lab_equal(lab, 138357544 - 4097000 + 8194, (double)gr__network_parameter_count(target), 0,
                  "parameters with 2 classes");
}

static gr_status shapes(gr_lab *lab)
{
    gr_recipe *r[2] = {NULL};
    gr_network *n[2] = {NULL};
    gr_status st = network_of(lab, 1000, &r[0], &n[0]);
    if (st == GR_OK) st = network_of(lab, 2, &r[1], &n[1]);
    if (st == GR_OK) compare(lab, n[0], n[1]);
    for (int i = 0; i < 2; i++) {
        gr__network_destroy(n[i]);
        gr__recipe_close(lab->ctx, r[i]);
    }
    return st;
}

/* ---- a small one of its kind ---- */

enum { NEW, FROZEN, SLOW };
static const char *const words[] = {"new", "frozen", "slow", NULL};
static const char *const groups[] = {
    [NEW] = "none",
    [FROZEN] = "[{match: 'head.*'}, {match: '*', freeze: true}]",
    [SLOW] = "[{match: 'head.*'}, {match: '*', lr_scale: 0.01}]",
};

static const char *small(gr_lab *lab, int64_t k, int classes, int64_t samples, int64_t draw, const char *more)
{
    long long seed = (long long)(gr__lab_seed(lab, k) % 1000000007);
    return gr__lab_text(
        lab,
        "{gradus: 1, name: small, seed: %lld, data: {train: {type: synthetic, kind: digits, noise: 0.6, classes: %d, "
        "n: "
        "%lld, seed: %lld}, validation: {type: synthetic, kind: digits, noise: 0.6, classes: %d, n: 1000, seed: %lld}, "
        "batch: 10, shuffle: every_epoch, prepare: [{type: scale, by: 1/255}, standardize]},\n"
        " model: {input: [16, 16, 1], layers: [{type: conv, filters: 8, kernel: 3, padding: same, activation: relu, "
        "name: c1}, {type: conv, filters: 8, kernel: 3, padding: same, activation: relu, name: c2}, {type: max_pool, "
        "size: 2}, {type: conv, filters: 16, kernel: 3, padding: same, activation: relu, name: c3}, {type: max_pool, "
        "size: 2}, flatten, {type: dense, units: 48, activation: relu, name: f1}, {type: dense, units: 48, activation: "
        "relu, name: f2}, {type: dense, units: %d, name: head}]},\n"
        " cost: cross_entropy, optimizer: {type: adam, lr: 0.002}, schedule: {type: polynomial, power: 1}, %s}\n",
        seed, classes, (long long)samples, 4 * seed + draw, classes, 4 * seed + 2 + draw, classes, more);
}

static const char *source_of(gr_lab *lab, int64_t k)
{
    return small(lab, k, 10, gr__setting_int(&lab->settings, "source"), 0, "stop: {epochs: 3}");
}

static const char *recipe_of(gr_lab *lab, const gr_variants *v, int variant, int64_t k)
{
    (void)v;
    return small(lab, k, 2, gr__setting_int(&lab->settings, "samples"), 1,
                 gr__lab_text(lab, "groups: %s, stop: {steps: %lld}", groups[variant],
                              (long long)gr__setting_int(&lab->settings, "updates")));
}

static gr_status start(gr_lab *lab, const gr_variants *v, int variant, int64_t k, gr_steps *s)
{
    return variant == NEW ? GR_OK : gr__sources_give(lab, v->user, k, s);
}

static gr_status run(gr_lab *lab)
{
    static const char unit[] = "% of the samples";
    gr_sources *sources = gr__bump_alloc(lab->memory, sizeof *sources);
    gr_variants *v = gr__bump_alloc(lab->memory, sizeof *v);
    gr_status st = sources && v ? shapes(lab) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    sources->except = "head.";
    GR_TRY(gr__sources_train(lab, source_of, sources));
    *v = (gr_variants){.words = words, .recipe = recipe_of, .start = start, .user = sources};
    GR_TRY(gr__variants_train(lab, v, NULL));
    gr__lab_tells(lab, gr__variants_differ(v, FROZEN, NEW), unit,
                  "two classes, little data: all but the last layer frozen errs less than a new network");
    gr__lab_tells(lab, gr__variants_differ(v, SLOW, NEW), unit,
                  "two classes, little data: a hundredth of the rate errs less than a new network");
    gr__lab_tells(lab, gr__variants_differ(v, FROZEN, SLOW), unit,
                  "two classes, little data: frozen errs less than a hundredth of the rate");
    gr__variants_draw(lab, v, NULL, "Two classes from a network of ten", "kept layers");
done:
    gr__sources_close(sources);
    return st;
}

GR_FIGURE(fig4_12) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.12",
            .title = "VGG-16 fine-tuned for two classes",
            .cite = "chapter 4.6, figure 4.12; Simonyan & Zisserman 2015",
            .equations = "1. the last layer 4096 x 1000 becomes 4096 x 2; 2. it starts anew, all else as it is; 3. all "
                         "else is frozen, or has a hundredth of the rate; 4. training\n"
                         "shapes: of VGG-16 itself; trained: a network of three convolutions and three dense layers, "
                         "ten digits first, then two of them from few samples",
            GR_ROWS(rows),
        },
    .quick = "{seeds: 4, source: 1500, updates: 100}",
    .run = run,
};
