/* LAMB: Adam's direction with LARS's trust ratio, for large batches.                                             [You
 * et al. 2020, algorithm 2] The chapter prints it without bias correction and without eps, with the decay in the ratio
 * only, and adds the norms: form chapter. uncorrected is the first version of the paper, which several libraries have.
 */
#include <math.h>

#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.005", "[0,inf)", "1", "learning rate: the relative change of a layer's weights in an update"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-6", "[0,1]", "gradient",
           "added to the root of the second moment; the chapter's form has none"),
    GR_ROW("form", CHOICE, "paper", "paper|chapter|uncorrected", "", "which of the forms"),
    GR_ROW("trust_low", REAL, "0", "[0,inf)", "weight", "the norm of the weights counts as at least this"),
    GR_ROW("trust_high", REAL, "inf", "(0,inf]", "weight", "and as at most this; some libraries have 10"),
};

/* As printed: lr |w| / (|r| + weight_decay |w|) r with r = m / sqrt(v), 0 where v is. */
static gr_val printed(gr_step *s, gr_val w, gr_val m, gr_val v)
{
    gr_graph *b = s->g;
    gr_val zero = gr_const(b, 0), one = gr_const(b, 1), empty = gr_equal(b, v, zero);
    gr_val r = gr_select(b, empty, gr_broadcast(b, zero, gr_shape_of(b, v)),
                         gr_div(b, m, gr_sqrt(b, gr_select(b, empty, gr_broadcast(b, one, gr_shape_of(b, v)), v))));
    if (!s->trusted) return gr_sub(b, w, gr_mul(b, s->lr, r));
    gr_val size = gr__norm(b, w), norm = gr__norm(b, r);
    gr_val limited = gr_min(b, gr_max(b, size, gr__step_arg(s, "trust_low")), gr__step_arg(s, "trust_high"));
    gr_val both = gr_mul(b, gr_less(b, zero, size), gr_less(b, zero, norm)),
           below = gr_add(b, norm, gr_mul(b, s->decay, size));
    gr_val ratio = gr_select(b, both, gr_div(b, limited, gr_select(b, both, below, one)), one);
    return gr_sub(b, w, gr_mul(b, gr_mul(b, s->lr, ratio), r));
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val m = gr__first_moment(s, g), v = gr__second_moment(s, g), one = gr_const(b, 1);
    if (gr__setting_is(s->s, "form", "chapter")) return printed(s, w, m, v);
    bool paper = gr__setting_is(s->s, "form", "paper");
    gr_val factor = paper ? gr_recip(b, gr__unbias_of(s, "beta1")) : one, c = paper ? gr__unbias_of(s, "beta2") : one;
    gr_val u = gr_add(b, gr__over_root(s, m, factor, v, c), gr_mul(b, w, s->decay));
    return gr__trust_step(s, w, u, gr__setting_real(s->s, "trust_low"), gr__setting_real(s->s, "trust_high"));
}

GR_OPTIMIZER(lamb) = {
    .head =
        {
            .family = "optimizer",
            .name = "lamb",
            .title = "LAMB: Adam with layer-wise trust ratios",
            .cite = "You et al. 2020, algorithm 2; the chapter, 4.3 (form chapter)",
            .equations = "paper:       u = m^ / (sqrt(v^) + eps) + weight_decay w;  w <- w - lr phi(|w|)/|u| u\n"
                         "uncorrected: m and v stand for m^ and v^\n"
                         "chapter:     r = m / sqrt(v);  w <- w - lr phi(|w|) / (|r| + weight_decay |w|) r\n"
                         "phi(z) = min(max(z, trust_low), trust_high); the ratio is 1 for biases, or where a norm is 0",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .weight_decay = "0.01",
    .update = update,
    .first_moment = gr__averaged_moment,
};
