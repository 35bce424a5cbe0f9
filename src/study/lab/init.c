/* Initial weights of a deep ReLU network: Kaiming's keep the size of activations and gradients, others let them fade or
 * explode. With weights of variance s^2 a layer of n inputs multiplies the mean square of both by n s^2 / 2 [He et al.
 * 2015, section 2.2], measured here as `gradus check --init` measures it. [mission I2] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "study/lab/lab.h"
#include "study/steps/steps.h"
#include "study/check/check.h"

enum { LAYERS = 20 };

static const gr_row rows[] = {
    GR_ROW("width", INT, "256", "[64,2048]", "units", "of every hidden layer"),
    GR_ROW("networks", INT, "16", "[1,200]", "networks", "each with random numbers of its own, averaged"),
};

typedef struct scheme {
    const char *word, *init;
    double variance_times_width;
    bool fixed;
} scheme; /* fixed: the variance itself */
static const scheme schemes[] = {
    {"Kaiming", "{weights: kaiming}", 2, false},
    {"Xavier", "{weights: xavier}", 1, false},
    {"N(0, 0.01)", "{weights: {type: normal, std: 0.01}}", 1e-4, true},
    {"N(0, 1)", "{weights: {type: normal, std: 1}}", 1, true},
};
enum { SCHEMES = (int)GR_COUNT(schemes), KAIMING = 0 };
static const char *const scheme_words[] = {"Kaiming", "Xavier", "N(0, 0.01)", "N(0, 1)", NULL};

/* What a hidden layer multiplies mean squares by. */
static double factor_of(const scheme *s, double width)
{
    return s->variance_times_width * (s->fixed ? width : 1) / 2;
}

static gr_status open_recipe(gr_lab *lab, uint64_t seed, gr_recipe **out)
{
    char text[768];
    long long width = (long long)gr__setting_int(&lab->settings, "width");
    snprintf(text, sizeof text,
             "{gradus: 1, name: depth, seed: %llu, data: {train: {type: synthetic, kind: blobs, n: 64, classes: 8, "
             "features: %lld, noise: "
             "4}, batch: 64, prepare: [standardize]},\n"
             " model: {input: [%lld], layers: [{repeat: {times: %d, layers: [{type: dense, units: %lld, activation: "
             "relu}]}}, {type: "
             "dense, units: 8, name: out}]},\n"
             " init: {weights: xavier}, cost: cross_entropy, optimizer: sgd, stop: {steps: 1}}\n",
             (unsigned long long)seed, width, width, LAYERS, width);
    return gr__recipe_from_text(lab->ctx, "init", ".", text, strlen(text), NULL, 0, out);
}

typedef struct sizes {
    double variance[LAYERS], activation[LAYERS], gradient[LAYERS];
} sizes; /* of a layer each; while networks are added up, sums of logarithms */

static gr_status measure(gr_lab *lab, const scheme *s, int64_t network, sizes *sum)
{
    gr_recipe *r = NULL;
    gr_probe p = {0};
    gr_init_row *row;
    gr_finding finding = {.id = "I2", .name = "initialisation"};
    size_t n;
    gr_status st = GR_OK;
    uint64_t seed = (lab->seed + (uint64_t)network * 7919) & ((UINT64_C(1) << 53) - 1);
    gr__bump *memory = gr__bump_create(lab->ctx);
    if (!memory) return GR_E_MEMORY;
    GR_TRY(open_recipe(lab, seed, &r));
    GR_TRY(gr__probe_open(lab->ctx, r, &p));
    GR_TRY(gr__parameters_fill(lab->ctx, s->init, seed, p.task.network, p.store));
    GR_TRY(gr__check_init(&p, memory, &row, &n, &finding));
    for (int i = 0; i < LAYERS; i++) {
        sum->variance[i] += log(row[i].activation.variance);
        sum->activation[i] += log(row[i].activation.square);
        sum->gradient[i] += log(row[i].gradient.square) - log(row[LAYERS - 1].gradient.square);
    }
done:
    gr__probe_close(&p);
    if (r) gr__recipe_close(lab->ctx, r);
    gr__bump_destroy(memory);
    return st;
}

/* ---- the figure ---- */

static const gr_column columns[] = {
    GR_NUMBER("scheme", "", scheme_words),       GR_NUMBER("layer", "", NULL),
    GR_NUMBER("activation_predicted", "", NULL), GR_NUMBER("activation_mean_square", "", NULL),
    GR_NUMBER("activation_variance", "", NULL),  GR_NUMBER("gradient_predicted", "", NULL),
    GR_NUMBER("gradient_mean_square", "", NULL)};

/* Activations and gradients of Kaiming's, from layer to layer. */
static void keeps(gr_lab *lab, const double *activation, const double *variance, const double *gradient)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {0, 0};
    for (int i = 0; i < LAYERS; i++) {
        low[0] = fmin(low[0], activation[i]);
        high[0] = fmax(high[0], activation[i]);
        low[1] = fmin(low[1], gradient[i]);
        high[1] = fmax(high[1], gradient[i]);
    }
    for (int k = 0; k < 2; k++) {
        gr__lab_within(lab, 0.5, 2, low[k], "smallest mean square of a layer's %s, Kaiming",
                       k ? "gradients, the last layer's being 1" : "activations");
        gr__lab_within(lab, 0.5, 2, high[k], "largest mean square of a layer's %s, Kaiming",
                       k ? "gradients, the last layer's being 1" : "activations");
    }
    gr__lab_equal(lab, 1 - 1 / acos(-1), variance[0] / activation[0], 0.05,
                  "variance of the first layer's activations as a part of their mean square, Kaiming: 1 - 1/pi");
}

static gr_status scheme_rows(gr_lab *lab, int which, gr_table *t)
{
    const scheme *s = &schemes[which];
    int64_t networks = gr__setting_int(&lab->settings, "networks");
    double factor = factor_of(s, (double)gr__setting_int(&lab->settings, "width")), n = (double)networks;
    sizes sum = {0};
    for (int64_t k = 0; k < networks; k++) {
        gr_status st = measure(lab, s, k, &sum);
        if (st != GR_OK) return st;
    }
    for (int i = 0; i < LAYERS; i++) {
        sum.variance[i] = exp(sum.variance[i] / n);
        sum.activation[i] = exp(sum.activation[i] / n);
        sum.gradient[i] = exp(sum.gradient[i] / n);
        GR_LAB_ROW(lab, t, which, i + 1, pow(factor, i + 1), sum.activation[i], sum.variance[i],
                   pow(factor, LAYERS - 1 - i), sum.gradient[i]);
    }
    double forward = pow(sum.activation[LAYERS - 1] / sum.activation[0], 1.0 / (LAYERS - 1)),
           backward = pow(sum.gradient[0], 1.0 / (LAYERS - 1));
    gr__lab_equal(lab, factor, forward, 0.1, "factor a layer of the activations' mean square, %s: n s^2 / 2", s->word);
    gr__lab_equal(lab, factor, backward, 0.1, "factor a layer, downwards, of the gradients' mean square, %s: n s^2 / 2",
                  s->word);
    if (which == KAIMING) keeps(lab, sum.activation, sum.variance, sum.gradient);
    return GR_OK;
}

static gr_panel panel_of(const char *name, const char *title, const char *caption, const char *y, const char *theory,
                         const char *measured)
{
    gr_panel p = {
        .name = name, .title = title, .caption = caption, .x = {.label = "layer"}, .y = {.label = y, .log = true}};
    for (int i = 0; i < SCHEMES; i++) {
        p.curve[2 * i] = (gr_curve){.mark = GR_MARK_DASHED,
                                    .colour = i + 1,
                                    .x = "layer",
                                    .y = theory,
                                    .where = "scheme",
                                    .is = schemes[i].word};
        p.curve[2 * i + 1] = (gr_curve){.label = schemes[i].word,
                                        .mark = GR_MARK_POINTS,
                                        .colour = i + 1,
                                        .x = "layer",
                                        .y = measured,
                                        .where = "scheme",
                                        .is = schemes[i].word};
    }
    return p;
}

static void drawings(gr_lab *lab)
{
    const char *what = gr__lab_text(lab,
                                    "%d hidden layers of %lld units with ReLU; geometric mean over %lld networks. n "
                                    "units of weight variance s\xC2\xB2 "
                                    "multiply by n s\xC2\xB2 / 2 a layer: dashed.",
                                    LAYERS, (long long)gr__setting_int(&lab->settings, "width"),
                                    (long long)gr__setting_int(&lab->settings, "networks"));
    gr_panel forward = panel_of(NULL, "Activations on their way through 20 layers, by initial weights", what,
                                "mean square of activations", "activation_predicted", "activation_mean_square");
    gr_panel backward =
        panel_of("gradients", "Gradients on their way back, by initial weights", what,
                 "mean square of gradients, last layer 1", "gradient_predicted", "gradient_mean_square");
    gr__lab_panel(lab, &forward);
    gr__lab_panel(lab, &backward);
    gr__lab_panel(lab, &(gr_panel){.name = "kaiming",
                                   .title = "Kaiming keeps the size of activations and gradients",
                                   .caption = gr__lab_text(lab,
                                                           "%d hidden layers of %lld units with ReLU; geometric mean "
                                                           "over %lld networks. Between the dotted lines: 0.5 to 2.",
                                                           LAYERS, (long long)gr__setting_int(&lab->settings, "width"),
                                                           (long long)gr__setting_int(&lab->settings, "networks")),
                                   .x = {.label = "layer"},
                                   .y = {.label = "mean square, or variance", .log = true, .low = 0.25, .high = 4},
                                   .curve = {{.label = "activations: mean square",
                                              .mark = GR_MARK_PATH,
                                              .colour = 1,
                                              .x = "layer",
                                              .y = "activation_mean_square",
                                              .where = "scheme",
                                              .is = "Kaiming"},
                                             {.label = "activations: variance",
                                              .mark = GR_MARK_PATH,
                                              .colour = 6,
                                              .x = "layer",
                                              .y = "activation_variance",
                                              .where = "scheme",
                                              .is = "Kaiming"},
                                             {.label = "gradients: mean square, last layer 1",
                                              .mark = GR_MARK_PATH,
                                              .colour = 4,
                                              .x = "layer",
                                              .y = "gradient_mean_square",
                                              .where = "scheme",
                                              .is = "Kaiming"}},
                                   .rule = {{.label = "2", .at = 2}, {.label = "0.5", .at = 0.5}}});
}

static gr_status run(gr_lab *lab)
{
    gr_status st = GR_OK;
    gr_table *t =
        gr__lab_table(lab, NULL, "sizes of activations and gradients, layer by layer", columns, (int)GR_COUNT(columns));
    for (int i = 0; i < SCHEMES; i++) GR_TRY(scheme_rows(lab, i, t));
    drawings(lab);
done:
    return st;
}

GR_FIGURE(init) = {
    .head =
        {
            .family = "figure",
            .name = "init",
            .title = "Initial weights: what keeps its size through 20 layers",
            .cite = "chapter 4.2; He et al. 2015, section 2.2; Glorot & Bengio 2010",
            .equations = "weights of variance s^2, layers of n units with ReLU:\n"
                         "    E[h_l^2] = (n s^2 / 2) E[h_{l-1}^2],    E[(dJ/dh_{l-1})^2] = (n s^2 / 2) E[(dJ/dh_l)^2]\n"
                         "Kaiming s^2 = 2 / n: factor 1;  Xavier s^2 = 1 / n: 1/2;  the variance of the activations is "
                         "(1 - 1/pi) of their "
                         "mean square",
            GR_ROWS(rows),
        },
    .run = run,
};
