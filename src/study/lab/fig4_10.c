/* Figure 4.10: one derivative of a toy model by the chain rule, as products and sums over the paths from the weight to
 * the cost; beside it what the compiled program has and what a difference of costs says. Then every weight of the
 * model. [mission FIG4.10, P5] */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/derivative/derivative.h"
#include "study/lab/training.h"

static const gr_row rows[] = {
    GR_ROW("samples", INT, "32", "[1,1000]", "samples",
           "for each of 8 initial weights; the first by which most units on the way are active are taken, as a ReLU "
           "at rest ends the chain"),
};

enum { LAYERS = 3, NETWORKS = 8, MOST_NODES = 64, MOST_EDGES = 256 };
static const int units[LAYERS + 1] = {3, 4, 2, 2}; /* inputs, and the outputs of each layer */

static const gr_column columns[] = {GR_NUMBER("layer", "", NULL),    GR_NUMBER("output", "", NULL),
                                    GR_NUMBER("input", "", NULL),    GR_NUMBER("product", "", NULL),
                                    GR_NUMBER("gradient", "", NULL), GR_NUMBER("difference", "", NULL),
                                    GR_NUMBER("tolerance", "", NULL)};

/* The toy model with the k-th initial weights. */
static gr_status open_recipe(gr_lab *lab, int64_t k, gr_recipe **out)
{
    const char *text = gr__lab_text(
        lab,
        "{gradus: 1, name: toy, seed: %llu, data: {train: {type: synthetic, kind: blobs, classes: %d, noise: 2, "
        "features: %d, n: "
        "%lld}, batch: 1},\n"
        " model: {input: [%d], layers: [{type: dense, units: %d, bias: false, activation: relu, name: h0}, {type: "
        "dense, units: %d, bias: false, activation: relu, name: h1}, {type: dense, units: %d, bias: false, name: "
        "out}]},\n"
        " cost: cross_entropy, optimizer: sgd, stop: {steps: 1}}\n",
        (unsigned long long)gr__lab_seed(lab, k), units[LAYERS], units[0],
        (long long)gr__setting_int(&lab->settings, "samples"), units[0], units[1], units[2], units[3]);
    return text ? gr__recipe_from_text(lab->ctx, "fig4.10", ".", text, strlen(text), NULL, 0, out) : GR_E_MEMORY;
}

static gr_status derive(gr_lab *lab, const gr_recipe *r, int64_t sample, int layer, int output, int input,
                        gr_derivative *d)
{
    const gr_derivative_options o = {.what = gr__lab_text(lab, "dL/dw[%d][%d,%d]", layer, output, input),
                                     .mode = GR_MODE_TRAIN,
                                     .first = sample,
                                     .batch = 1,
                                     .most = 1000};
    return gr__derivative(lab->ctx, r, &o, lab->memory, d);
}

/* The first weights and sample whose chain has most elements. */
static gr_status longest(gr_lab *lab, int64_t *network, int64_t *sample)
{
    int most = 0;
    gr_status st = GR_OK;
    for (int64_t k = 0; k < NETWORKS && st == GR_OK; k++) {
        gr_recipe *r = NULL;
        gr_derivative d;
        st = open_recipe(lab, k, &r);
        for (int64_t i = 0; i < gr__setting_int(&lab->settings, "samples") && st == GR_OK; i++) {
            st = derive(lab, r, i, 0, 3, 2, &d);
            if (st == GR_OK && d.n_steps > most) most = d.n_steps, *network = k, *sample = i;
        }
        if (r) gr__recipe_close(lab->ctx, r);
    }
    return st;
}

/* ---- every weight ---- */

typedef struct most {
    double chain, difference; /* by their tolerances */
    int64_t weights, nonzero;
} most;

static gr_status weights(gr_lab *lab, const gr_recipe *r, int64_t sample, most *m)
{
    gr_table *t = gr__lab_table(lab, NULL, "every weight", columns, (int)GR_COUNT(columns));
    for (int layer = 0; layer < LAYERS; layer++)
        for (int of = 0; of < units[layer + 1]; of++)
            for (int in = 0; in < units[layer]; in++) {
                gr_derivative d;
                gr_status st = derive(lab, r, sample, layer, of, in, &d);
                if (st != GR_OK) return st;
                GR_LAB_ROW(lab, t, layer, of, in, d.chain, d.compiled, d.difference, d.tolerance);
                m->chain = fmax(m->chain, fabs(d.chain - d.compiled) / (1e-9 * fmax(1, fabs(d.compiled))));
                m->difference = fmax(m->difference, fabs(d.difference - d.compiled) / d.tolerance);
                m->weights++;
                m->nonzero += d.compiled != 0;
            }
    return GR_OK;
}

/* ---- the chain of one, drawn ---- */

static int node_of(const gr_derivative *d, const char *name)
{
    for (int i = 0; i < d->n_steps; i++)
        if (strcmp(d->step[i].of, name) == 0) return i;
    return -1;
}

/* A box an element with what the cost's derivative by it is, an arrow a local derivative. */
static gr_status chain(gr_lab *lab, const gr_derivative *d)
{
    const char **names = gr__bump_alloc(lab->memory, (MOST_NODES + 1) * sizeof *names),
               **locals = gr__bump_alloc(lab->memory, (MOST_EDGES + 1) * sizeof *locals);
    static const char *const kinds[] = {"dL / d(element)", NULL};
    if (!names || !locals) return GR_E_MEMORY;
    const gr_column node_columns[] = {GR_NUMBER("element", "", names), GR_NUMBER("slope", "", NULL),
                                      GR_NUMBER("value", "", NULL), GR_NUMBER("kind", "", kinds)},
                    edge_columns[] = {GR_NUMBER("from", "", NULL), GR_NUMBER("to", "", NULL),
                                      GR_NUMBER("local", "", locals), GR_NUMBER("product", "", NULL)};
    gr_table *t = gr__lab_table(lab, "elements", "elements on the way", node_columns, 4);
    gr_table *e = gr__lab_table(lab, "terms", "local derivatives", edge_columns, 4);
    int n = GR_MIN(d->n_steps, MOST_NODES), n_edges = 0;
    for (int i = 0; i < n; i++) {
        names[i] = d->step[i].of;
        GR_LAB_ROW(lab, t, i, d->step[i].slope, d->step[i].value, 0);
        for (int k = 0; k < d->step[i].n && n_edges < MOST_EDGES; k++) {
            const gr_chain_term *term = &d->step[i].term[k];
            int from = node_of(d, term->of);
            if (from < 0 || from >= n) continue;
            locals[n_edges] = gr__lab_text(lab, "%.3g", term->local);
            GR_LAB_ROW(lab, e, from, i, n_edges, term->slope * term->local);
            n_edges++;
        }
    }
    gr__lab_panel(lab, &(gr_panel){.title = "The chain rule for dL/dw(0)[3,2]",
                                   .caption = "A box holds the derivative of the cost by that element; it is the sum "
                                              "over the arrows that come to it of the box they come from times the "
                                              "number they carry.",
                                   .dag = {.nodes = "elements",
                                           .name = "element",
                                           .note = "slope",
                                           .group = "kind",
                                           .edges = "terms",
                                           .from = "from",
                                           .to = "to",
                                           .label = "local"}});
    return GR_OK;
}

static gr_status run(gr_lab *lab)
{
    gr_recipe *r = NULL;
    gr_derivative *d = gr__bump_alloc(lab->memory, sizeof *d);
    gr_status st = d ? GR_OK : GR_E_MEMORY;
    most m = {0};
    int64_t sample = 0, network = 0;
    GR_TRY(st);
    GR_TRY(longest(lab, &network, &sample));
    GR_TRY(open_recipe(lab, network, &r));
    GR_TRY(weights(lab, r, sample, &m));
    GR_TRY(derive(lab, r, sample, 0, 3, 2, d));
    GR_TRY(chain(lab, d));
    gr__lab_equal(lab, d->compiled, d->chain, 1e-9, "dL/dw(0)[3,2]: products and sums, the compiled program's beside");
    gr__lab_equal(lab, d->compiled, d->difference, d->tolerance / fmax(fabs(d->compiled), 1e-300),
                  "dL/dw(0)[3,2]: a difference of costs");
    gr__lab_within(lab, 0, 1, m.chain, "largest distance of products and sums, in 1e-9, of all %lld weights",
                   (long long)m.weights);
    gr__lab_within(lab, 0, 1, m.difference, "largest distance of a difference, by what it may be off, of all");
    gr__lab_within(lab, 1, (double)m.weights, (double)m.nonzero, "weights with a derivative that is not 0");
done:
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}

GR_FIGURE(fig4_10) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.10",
            .title = "The chain rule for one weight of a toy model",
            .cite = "chapter 4.4, figure 4.10",
            .equations =
                "dL/dw_32(0) = sum over units k of dL/dz_k(1) w_k3(1) [z_3(0) > 0] x_2, and so on to the cost;\n"
                "3 inputs, 4 and 2 hidden units of ReLU, 2 classes, no biases",
            GR_ROWS(rows),
        },
    .run = run,
};
