/* Equilibrium: layers within, run on their own output until it changes no more.        [Bai, Kolter & Koltun 2019]
 * Whatever in them does not read that output (what they make of x, a mask of dropout) is computed once, so a mask stays
 * the same throughout. */
#include <string.h>

#include "graph/shape.h"
#include "nn/join.h"

static const gr_row rows[] = {
    GR_ROW(
        "layers", TREE, NULL, "a list of layers", "",
        "the function: its first layer takes z, `from: x` is the layer's input; z, x and what it gives have one shape"),
    GR_ROW("solver", CHOICE, "anderson", "anderson|broyden|iterate", "",
           "mixes the last values, takes Newton's steps with a learned Jacobian, or applies f again and again"),
    GR_ROW("max", INT, "50", "[1,1000000]", "1", "how often f is evaluated at most"),
    GR_ROW("tolerance", REAL, "1e-4", "(0,1)", "1",
           "a sample is done where |f(z) - z| is at most this of 1e-5 + |f(z)|"),
    GR_ROW("window", INT, "none", "[1,20]", "1",
           "how many values anderson mixes, 6 unless given, or how many steps broyden remembers, 12 unless given"),
    GR_ROW("backward_max", INT, "none", "[1,1000000]", "1", "the same for the gradient; max unless given"),
    GR_ROW("backward_tolerance", REAL, "none", "(0,1)", "1", "the same for the gradient; tolerance unless given"),
};

enum { EXACT_MAX = 100 };
static const double EXACT = 1e-12;

static gr_fixed_point_attr read_settings(const gr_settings *s, bool exact)
{
    static const char *const solvers[] = {
        [GR_SOLVE_ANDERSON] = "anderson", [GR_SOLVE_BROYDEN] = "broyden", [GR_SOLVE_ITERATE] = "iterate"};
    int64_t max = gr__setting_int(s, "backward_max");
    double tolerance = gr__setting_real(s, "backward_tolerance");
    gr_fixed_point_attr a = {.max = gr__setting_int(s, "max"),
                             .window = GR_MAX(gr__setting_int(s, "window"), 0),
                             .tolerance = gr__setting_real(s, "tolerance"),
                             .gradient_max = GR_MAX(max, 0),
                             .gradient_tolerance = tolerance > 0 ? tolerance : 0};
    while (!gr__setting_is(s, "solver", solvers[a.solver])) a.solver++;
    if (exact) {
        a.max = GR_MAX(a.max, EXACT_MAX);
        a.gradient_max = GR_MAX(a.gradient_max, a.max);
        a.tolerance = a.gradient_tolerance = EXACT;
    }
    return a;
}

/* Samples are solved each by itself, and what is met on the way is no batch of training. */
static bool keeps_statistics(gr_build *b)
{
    size_t n = strlen(b->layer);
    for (size_t i = 0; i < b->n_states; i++) {
        const char *name = b->states[i].name;
        if (strncmp(name, b->layer, n) != 0 || name[n] != '.') continue;
        gr_graph_fail(b->g, GR_E_UNSUPPORTED, "%s is a statistic of batches, and samples are solved each by itself",
                      name);
        gr__error_hint(b->ctx, "group_norm, layer_norm and instance_norm may stand in an equilibrium");
        return true;
    }
    return false;
}

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    static const char *const names[] = {"z", "x"};
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    char given[96], wanted[96];
    (void)n_in;
    gr_val z = gr_unknown(g, shape),
           f = gr__build_list(b, gr__setting_tree(s, "layers"), names, (gr_val[]){z, in[0]}, 2);
    if (gr_graph_status(g) != GR_OK || keeps_statistics(b)) return GR_NONE;
    if (!gr__shape_equal(gr_shape_of(g, f), shape))
        return gr_graph_fail(
            g, GR_E_SHAPE, "its layers give %s, and take their own output, which starts as its input %s",
            gr__shape_text(gr__join_sample(gr_shape_of(g, f)), given), gr__shape_text(gr__join_sample(shape), wanted));
    gr_val zeros = gr_broadcast(g, gr_const(g, 0), shape);
    return gr_fixed_point(g, z, f, zeros, read_settings(s, b->exact), NULL, NULL);
}

GR_LAYER(equilibrium) = {
    .head =
        {
            .family = "layer",
            .name = "equilibrium",
            .title = "Equilibrium: what layers leave as it is, as if they were repeated without end",
            .cite = "Bai, Kolter & Koltun 2019",
            .equations = "y = z where z = f(z, x), from z = 0, each sample by itself\n"
                         "gradients: u = (df/dz)^T u + dy,  dw = (df/dw)^T u,  dx = (df/dx)^T u, at the solution",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .build = build,
};
