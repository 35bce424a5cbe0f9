/* SWATS: starts as Adam and goes over to SGD with momentum by itself, when the rate at which SGD would have made Adam's
 * steps has settled. [Keskar & Socher 2017, algorithm 1] The products are taken over all tensors together, so that one
 * rate serves them all. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.001", "[0,inf)", "1",
           "learning rate of the first phase: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment, and the momentum of the second phase"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment and of the rate's mean"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment"),
    GR_ROW("switch_tol", REAL, "1e-9", "(0,inf)", "1", "switches where the rate and its mean differ by less"),
    GR_ROW("switch_relative", BOOL, "false", "", "",
           "switch_tol is a part of the mean, as 1e-5; an absolute one may never be met on noisy data"),
};

typedef struct shared { /* rank-0 values of an update */
    gr_val on,
        rate; /* is the second phase on in this update; its rate, which follows the schedule from the switch on */
} shared;

/* Adam's step of one tensor: what is added to w. */
static gr_val adam_step(gr_step *s)
{
    gr_graph *b = s->g;
    gr_val m = gr__first_moment(s, s->d), v = gr__second_moment(s, s->d);
    gr_val rate = gr_div(b, s->lr, gr__unbias_of(s, "beta1"));
    return gr__over_root(s, m, gr_neg(b, rate), v, gr__unbias_of(s, "beta2"));
}

/* gamma = p.p / -p.g, its corrected mean, and whether they agree. */
static shared decide(gr_step *s, gr_val pp, gr_val pg)
{
    gr_graph *b = s->g;
    gr_val zero = gr_const(b, 0), one = gr_const(b, 1), beta2 = gr__step_arg(s, "beta2");
    gr_val was_on = gr__step_shared(s, "switched", 0), mean = gr__step_shared(s, "rate", 0),
           fixed = gr__step_shared(s, "sgd_lr", 0);
    gr_val some = gr__one_minus(b, gr_equal(b, pg, zero));
    gr_val gamma = gr_div(b, pp, gr_neg(b, gr_select(b, some, pg, one)));
    gr_val next = gr_select(b, some, gr__ema(b, beta2, mean, gamma), mean),
           hat = gr_div(b, next, gr__unbias_of(s, "beta2"));
    gr_val gap = gr_abs(b, gr_sub(b, hat, gamma)), limit = gr__step_arg(s, "switch_tol");
    if (gr__setting_bool(s->s, "switch_relative")) limit = gr_mul(b, limit, gr_abs(b, hat));
    gr_val settled =
        gr_mul(b, gr_mul(b, some, gr_less(b, gap, limit)), gr_mul(b, gr_less(b, one, s->t), gr_less(b, zero, hat)));
    gr_val turn = gr_mul(b, settled, gr__one_minus(b, was_on)); /* from the next update on */
    gr__step_keep_shared(s, "rate", gr_select(b, was_on, mean, next));
    gr__step_keep_shared(s, "switched", gr_max(b, was_on, turn));
    gr__step_keep_shared(s, "sgd_lr", gr_select(b, turn, hat, fixed));
    gr_val base = gr__step_shared(s, "lr_at_switch", 0), now = s->base_lr;
    gr__step_keep_shared(s, "lr_at_switch", gr_select(b, turn, now, base));
    gr_val follows = gr_less(b, zero, base),
           part = gr_select(b, follows, gr_div(b, now, gr_select(b, follows, base, one)), one);
    return (shared){was_on, gr_mul(b, fixed, part)};
}

static void update_all(gr_step *s, size_t n)
{
    gr_graph *b = s->g;
    gr_val pp = gr_const(b, 0), pg = pp;
    for (size_t i = 0; i < n; i++) {
        s[i].out = adam_step(&s[i]);
        pp = gr_add(b, pp, gr_sum_all(b, gr_square(b, s[i].out)));
        pg = gr_add(b, pg, gr_sum_all(b, gr_mul(b, s[i].out, s[i].d)));
    }
    shared x = decide(s, pp, pg);
    gr_val beta1 = gr__step_arg(s, "beta1"), off = gr__one_minus(b, x.on);
    for (size_t i = 0; i < n; i++) {
        /* b stays 0 in the first phase, so that it starts there in the second */
        gr_val old = gr_mul(b, gr__step_slot(&s[i], "b"), gr_mul(b, beta1, x.on));
        gr_val momentum = gr__step_keep(&s[i], "b", gr_add(b, old, gr_mul(b, s[i].d, x.on)));
        gr_val rate = gr_mul(b, gr_mul(b, gr__one_minus(b, beta1), x.rate), s[i].scale);
        s[i].out = gr_sub(b, gr_add(b, s[i].w, gr_mul(b, s[i].out, off)), gr_mul(b, momentum, rate));
    }
}

GR_OPTIMIZER(swats) = {
    .head =
        {
            .family = "optimizer",
            .name = "swats",
            .title = "SWATS: switches from Adam to SGD by itself",
            .cite = "Keskar & Socher 2017, algorithm 1",
            .equations =
                "p: Adam's step;  gamma = p.p / -p.g over all tensors\n"
                "L_t = beta2 L_{t-1} + (1 - beta2) gamma;  L^ = L_t/(1 - beta2^t)\n"
                "t > 1, |L^ - gamma| < switch_tol (switch_relative: switch_tol |L^|), L^ > 0: from the next update on\n"
                "b <- beta1 b + g;  w <- w - (1 - beta1) L^ b        b = 0 at first",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_COUPLED,
    .update_all = update_all,
    .first_moment = gr__averaged_moment,
};
