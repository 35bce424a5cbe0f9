/* RangerLARS: RAdam whose step has the size of the layer's weights, inside LookAhead; the chapter's choice for large
 * batches.  [the chapter, 4.3] lr is then the relative change of the weights in an update. over9000 is the published
 * code, which takes the norm of the updated weights for that of the step: its ratio is about 1, so that it is RAdam
 * with LookAhead for small tensors. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.005", "[0,inf)", "1", "learning rate: the relative change of a layer's weights in an update"),
    GR_ROW("beta1", REAL, "0.95", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-5", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_RECTIFIED_ROWS,
    GR_ROW("form", CHOICE, "trust", "trust|over9000", "", "the chapter's definition, or the published code"),
    GR_ROW("k", INT, "6", "[1,1000000000]", "updates", "LookAhead: how many updates between two synchronisations"),
    GR_ROW("alpha", REAL, "0.5", "[0,1]", "1", "LookAhead: how far the slow weights go towards the trained ones"),
};

static gr_val published(gr_step *s, gr_val w, gr_val u)
{
    gr_graph *b = s->g;
    gr_val shrunk = gr_mul(b, w, gr__one_minus(b, gr_mul(b, s->lr, gr_mul(b, s->decay, gr__rectified_steps(s))))),
           next = gr_sub(b, shrunk, gr_mul(b, s->lr, u));
    if (!s->trusted) return next;
    gr_val ratio = gr__ratio_or(b, gr_min(b, gr__norm(b, shrunk), gr_const(b, 10)), gr__norm(b, next), gr_const(b, 1));
    return gr_sub(b, shrunk, gr_mul(b, gr_mul(b, s->lr, ratio), u));
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val u = gr__rectified(s, g, gr_const(b, 1)), steps = gr__rectified_steps(s);
    if (gr__setting_is(s->s, "form", "over9000")) return published(s, w, u);
    return gr__trust_step(s, w, gr_add(b, u, gr_mul(b, w, gr_mul(b, s->decay, steps))), 0, 10);
}

static gr_lookahead lookahead(const gr_settings *s)
{
    return (gr_lookahead){.k = gr__setting_int(s, "k"), .alpha = gr__setting_real(s, "alpha")};
}

GR_OPTIMIZER(rangerlars) = {
    .head =
        {
            .family = "optimizer",
            .name = "rangerlars",
            .title = "RangerLARS: RAdam with a trust ratio, inside LookAhead",
            .cite = "the chapter, 4.3; You et al. 2017; Liu et al. 2020; Zhang et al. 2019",
            .equations =
                "u = RAdam's direction + weight_decay w\n"
                "trust: w <- w - lr min(|w|, 10)/|u| u, a ratio a tensor        1 for biases, or where a norm is 0\n"
                "every k updates:  slow <- slow + alpha (w - slow);  w <- slow",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = gr__averaged_moment,
    .lookahead = lookahead,
};
