/* PReLU: negative values keep a slope that is trained, one a channel. Slopes are neither decayed nor penalised.
 *                                                                                                    [He et al. 2015]
 */
#include "base/text.h"
#include "nn/join.h"

static const double USUAL = 0.25;

static const gr_row rows[] = {
    GR_ROW("slope", REAL, "0.25", "[0,1]", "1", "what slopes start at"),
    GR_ROW("shared", BOOL, "false", "", "", "one slope for all channels"),
};

static gr_val build(gr_build *b, const gr_settings *s, const gr_val *in, int n_in)
{
    (void)n_in;
    gr_graph *g = b->g;
    gr_shape shape = gr_shape_of(g, in[0]);
    if (!gr__join_last(b, in[0])) return GR_NONE;
    const gr_tree *init = b->init && !b->inherited ? gr__tree_get(b->init, "weights") : NULL;
    if (!gr__tree_none(init) && gr__setting_real(s, "slope") != USUAL) { /* resolved settings name the usual one */
        gr__tree_fail(b->ctx, gr__setting_tree(s, "slope"), GR_E_CONFLICT, "leave one of them out",
                      "slope does nothing beside init.weights");
        return gr_graph_fail(g, GR_E_CONFLICT, "slope is refused");
    }
    int64_t channels = gr__setting_bool(s, "shared") ? 1 : shape.dim[shape.rank - 1];
    char number[32];
    b->usual = gr__bump_format(b->memory, "{type: constant, value: %s}",
                               gr__double_text(gr__setting_real(s, "slope"), number));
    if (!b->usual) return gr_graph_fail(g, GR_E_MEMORY, "no memory for what slopes start at");
    b->settled = true;
    gr_val slope = gr__build_param(b, "weight", GR_SHAPE(channels), GR_ROLE_SLOPE, GR_LAYOUT_PLAIN, 1, 1);
    b->usual = NULL;
    b->settled = false;
    return gr_mul(g, in[0], gr_select(g, gr_less(g, gr_const(g, 0), in[0]), gr_const(g, 1), slope));
}

GR_LAYER(prelu) = {
    .head =
        {
            .family = "layer",
            .name = "prelu",
            .title = "PReLU: negative values keep a slope that is trained",
            .cite = "He et al. 2015; PyTorch PReLU",
            .equations = "y = x where x > 0, else weight x        a weight a channel, or one",
            GR_ROWS(rows),
        },
    .min_inputs = 1,
    .max_inputs = 1,
    .activation_only = true,
    .follow = GR_FOLLOW_LEAKY,
    .channels = GR_CHANNELS_EACH,
    .build = build,
};
