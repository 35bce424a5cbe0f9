/* Moments, rectification and trust: parts of the methods of Adam's family. */
#include "optim/moments.h"

#include <math.h>

gr_val gr__first_moment(gr_step *s, gr_val g)
{
    return gr__step_keep(s, "m", gr__ema(s->g, gr__step_arg(s, "beta1"), gr__step_slot(s, "m"), g));
}

gr_first_moment gr__averaged_moment(const gr_settings *s)
{
    return (gr_first_moment){.slot = "m", .of = GR_MOMENT_AVERAGE, .decay = gr__setting_real(s, "beta1")};
}

gr_val gr__second_moment(gr_step *s, gr_val g)
{
    return gr__step_keep(s, "v",
                         gr__ema(s->g, gr__step_arg(s, "beta2"), gr__step_positive(s, "v"), gr__step_square(s, g)));
}

gr_val gr__unbias_of(gr_step *s, const char *beta)
{
    return gr__one_minus(s->g, gr_pow(s->g, gr__step_arg(s, beta), s->t));
}

gr_val gr__over_root(gr_step *s, gr_val m, gr_val factor, gr_val v, gr_val c)
{
    gr_graph *b = s->g;
    gr_val root = gr_sqrt(b, c), eps = gr_mul(b, gr__step_arg(s, "eps"), root);
    return gr_div(b, gr_mul(b, m, gr_mul(b, factor, root)), gr_add(b, gr_sqrt(b, v), eps));
}

gr_val gr__adam_update(gr_step *s, gr_val w, gr_val g, bool hat)
{
    gr_graph *b = s->g;
    gr_val m = gr__first_moment(s, g), v = gr__second_moment(s, g), c = gr__unbias_of(s, "beta2");
    gr_val rate = gr_div(b, s->lr, gr__unbias_of(s, "beta1")); /* one factor for rate and first correction */
    if (hat) return gr_sub(b, w, gr__over_root(s, m, gr_mul(b, rate, gr_sqrt(b, c)), v, gr_const(b, 1)));
    return gr_sub(b, w, gr__over_root(s, m, rate, v, c));
}

/* rho_t = rho - 2 t beta2^t / (1 - beta2^t), rank 0. */
static gr_val rho_t(gr_step *s, double rho)
{
    gr_graph *b = s->g;
    gr_val power = gr_pow(b, gr__step_arg(s, "beta2"), s->t);
    return gr_sub(b, gr_const(b, rho),
                  gr_div(b, gr_mul(b, gr_mul(b, gr_const(b, 2), s->t), power), gr__one_minus(b, power)));
}

/* r_t, made of numbers that are positive wherever it is used: below the threshold it is 1 and not asked for. */
static gr_val rectifier(gr_step *s, gr_val rho, double limit, gr_val on)
{
    gr_graph *b = s->g;
    gr_val safe = gr_select(b, on, rho, gr_const(b, limit));
    gr_val above = gr_mul(b, gr_sub(b, safe, gr_const(b, 4)), gr_sub(b, safe, gr_const(b, 2)));
    gr_val below = gr_mul(b, gr_const(b, (limit - 4) * (limit - 2) / limit), safe);
    return gr_sqrt(b, gr_div(b, above, below));
}

static double rho_limit(const gr_step *s)
{
    return 2 / (1 - gr__setting_real(s->s, "beta2")) - 1;
}

/* Rank 0: is this update rectified? */
static gr_val is_rectified(gr_step *s)
{
    double threshold = gr__setting_real(s->s, "rho_threshold"), limit = rho_limit(s);
    return limit <= threshold ? gr_const(s->g, 0) : gr_less(s->g, gr_const(s->g, threshold), rho_t(s, limit));
}

gr_val gr__rectified_steps(gr_step *s)
{
    return gr__setting_is(s->s, "unrectified", "skip") ? is_rectified(s) : gr_const(s->g, 1);
}

/* One expression for both phases, so that an update is one pass: m times a rank-0 factor, over a root that rank-0
 * numbers turn into 1 in the first. */
gr_val gr__rectified(gr_step *s, gr_val g, gr_val rate)
{
    gr_graph *b = s->g;
    double limit = rho_limit(s);
    gr_val m = gr__first_moment(s, g), v = gr__second_moment(s, g), one = gr_const(b, 1), eps = gr__step_arg(s, "eps");
    rate = gr_div(b, rate, gr__unbias_of(s, "beta1"));
    gr_val plain = gr_mul(b, rate, gr__rectified_steps(s));
    if (limit <= gr__setting_real(s->s, "rho_threshold")) return gr_mul(b, m, plain); /* never: beta2 is too small */
    gr_val on = is_rectified(s), r = rectifier(s, rho_t(s, limit), limit, on),
           root = gr_sqrt(b, gr__unbias_of(s, "beta2"));
    if (gr__setting_is(s->s, "eps_mode", "corrected"))
        eps = gr_mul(b, eps, root); /* c out of the root, as in gr__over_root */
    gr_val factor = gr_select(b, on, gr_mul(b, rate, gr_mul(b, r, root)), plain);
    gr_val below = gr_add(b, gr_mul(b, gr_sqrt(b, v), on), gr_select(b, on, eps, one));
    return gr_div(b, gr_mul(b, m, factor), below);
}

gr_val gr__trust_step(gr_step *s, gr_val w, gr_val u, double low, double high)
{
    gr_graph *b = s->g;
    if (!s->trusted) return gr_sub(b, w, gr_mul(b, s->lr, u));
    gr_val size = gr__norm(b, w), limited = size;
    if (low > 0)
        limited =
            gr_max(b, gr_mul(b, gr_const(b, low), gr_less(b, gr_const(b, 0), size)), size); /* 0 stays 0: no ratio */
    if (!isinf(high)) limited = gr_min(b, limited, gr_const(b, high));
    gr_val ratio = gr__ratio_or(b, limited, gr__norm(b, u), gr_const(b, 1));
    return gr_sub(b, w, gr_mul(b, gr_mul(b, s->lr, ratio), u));
}
