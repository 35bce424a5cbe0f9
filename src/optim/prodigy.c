/* Prodigy: Adam that finds its rate, from how far the weights have gone along the gradients.
 * [Mishchenko & Defazio 2023, algorithm 4; the authors' code 1.1] d estimates the distance to the solution and never
 * falls; the schedule's rate is its factor, 1 unless there is a reason. Sums are over all tensors, so that one d serves
 * them all. */
#include "optim/moments.h"

#include <math.h>

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "1", "[0,inf)", "1", "factor of the rate that is found; a schedule multiplies it"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("beta3", REAL, "none", "[0,1)", "1",
           "decay of the sums that d follows from; the root of beta2 unless given"),
    GR_ROW("eps", REAL, "1e-8", "[0,1]", "gradient", "added to the root of the second moment, times d"),
    GR_ROW("d0", REAL, "1e-6", "(0,inf)", "1", "where d starts"),
    GR_ROW("d_coef", REAL, "1", "(0,inf)", "1", "factor of the estimate of d"),
    GR_ROW("growth_rate", REAL, "inf", "[1,inf]", "1", "the most that d grows by in an update"),
    GR_ROW("bias_correction", BOOL, "false", "", "", "the rate is corrected as Adam's moments are"),
    GR_ROW("safeguard_warmup", BOOL, "false", "", "", "a rate that rises counts for little below the line of d"),
};

typedef struct found { /* rank 0 */
    gr_val d, next;    /* of this update, and of the one after it */
    gr_val some;       /* has any gradient been seen? */
} found;

static double beta3_of(const gr_settings *s)
{
    double own = gr__setting_real(s, "beta3");
    return isnan(own) ? sqrt(gr__setting_real(s, "beta2")) : own;
}

/* d times the rate of this parameter. */
static gr_val rate_of(gr_step *s, gr_val d)
{
    gr_graph *b = s->g;
    gr_val rate = gr_mul(b, d, s->lr);
    if (!gr__setting_bool(s->s, "bias_correction")) return rate;
    return gr_mul(b, rate, gr_div(b, gr_sqrt(b, gr__unbias_of(s, "beta2")), gr__unbias_of(s, "beta1")));
}

/* decay x + factor g, the decay taken at rates above 0 alone: at 0 nothing moves. */
static gr_val moved(gr_step *s, const char *slot, double decay, gr_val g, gr_val factor)
{
    gr_graph *b = s->g;
    gr_val on = gr_less(b, gr_const(b, 0), s->lr), lost = gr_mul(b, on, gr_const(b, 1 - decay));
    gr_val kept = gr_mul(b, gr__step_slot(s, slot), gr__one_minus(b, lost));
    return gr_add(b, kept, gr_mul(b, g, gr_mul(b, factor, on)));
}

static gr_val first(gr_step *s, gr_val d)
{
    double beta1 = gr__setting_real(s->s, "beta1");
    return moved(s, "m", beta1, s->d, gr_mul(s->g, d, gr_const(s->g, 1 - beta1)));
}

static gr_val second(gr_step *s, gr_val d)
{
    double beta2 = gr__setting_real(s->s, "beta2");
    gr_val square = gr__step_square(s, s->d);
    return moved(s, "v", beta2, square, gr_mul(s->g, gr_square(s->g, d), gr_const(s->g, 1 - beta2)));
}

/* Moments of d g, and what this tensor adds to the sums: d/d0 rate g.(w0 - w) above the line, |s| below. */
static void collect(gr_step *s, gr_val d, gr_val *above, gr_val *below)
{
    gr_graph *b = s->g;
    gr_val times = gr_div(b, d, gr__step_arg(s, "d0")), rate = rate_of(s, d);
    gr_val start = gr__step_slot(s, "start"), is_first = gr_equal(b, s->t, gr_const(b, 1));
    start = gr__step_keep(s, "start", gr_select(b, is_first, s->w, start));
    gr__step_keep(s, "m", first(s, d));
    gr__step_keep(s, "v", second(s, d));
    gr_val factor = gr_mul(b, times, gr__setting_bool(s->s, "safeguard_warmup") ? d : rate);
    gr_val sum = gr__step_keep(s, "s", moved(s, "s", beta3_of(s->s), s->d, factor));
    gr_val along = gr_sum_all(b, gr_mul(b, s->d, gr_sub(b, start, s->w)));
    *above = gr_add(b, *above, gr_mul(b, gr_mul(b, times, rate), along));
    *below = gr_add(b, *below, gr_sum_all(b, gr_abs(b, sum)));
}

/* Of the first parameter's step: rates of groups differ by constants, and d is of all. */
static found decide(gr_step *s, gr_val d, gr_val above, gr_val below)
{
    gr_graph *b = s->g;
    double d0 = gr__setting_real(s->s, "d0");
    gr_val zero = gr_const(b, 0), some = gr_less(b, zero, below), on = gr_mul(b, some, gr_less(b, zero, s->base_lr));
    gr_val old = gr__step_shared(s, "above", 0), most = gr__step_shared(s, "d_most", d0);
    gr_val sum = gr_add(b, gr_mul(b, old, gr_const(b, beta3_of(s->s))), above);
    gr_val hat = gr_mul(b, gr_div(b, sum, gr_select(b, some, below, gr_const(b, 1))), gr__step_arg(s, "d_coef"));
    gr_val start = gr_select(b, gr_equal(b, d, gr_const(b, d0)), gr_max(b, d, hat), d);
    gr_val top = gr_max(b, most, hat), next = top;
    double growth = gr__setting_real(s->s, "growth_rate");
    if (!isinf(growth)) next = gr_min(b, top, gr_mul(b, start, gr_const(b, growth)));
    gr__step_keep_shared(s, "above", gr_select(b, on, sum, old));
    gr__step_keep_shared(s, "d_most", gr_select(b, on, top, most));
    return (found){d, gr__step_keep_shared(s, "d", gr_select(b, on, next, d)), some};
}

static void update_all(gr_step *s, size_t n)
{
    gr_graph *b = s->g;
    gr_val above = gr_const(b, 0), below = above, d = gr__step_shared(s, "d", gr__setting_real(s->s, "d0"));
    for (size_t i = 0; i < n; i++) collect(&s[i], d, &above, &below);
    found f = decide(s, d, above, below);
    for (size_t i = 0; i < n; i++) {
        gr_val rate = gr_mul(b, rate_of(&s[i], f.d), f.some), eps = gr_mul(b, f.next, gr__step_arg(s, "eps"));
        gr_val kept = gr_mul(b, s[i].w, gr__one_minus(b, gr_mul(b, rate, s[i].decay)));
        gr_val below_line = gr_add(b, gr_sqrt(b, second(&s[i], f.d)), eps);
        s[i].out = gr_sub(b, kept, gr_div(b, gr_mul(b, first(&s[i], f.d), rate), below_line));
    }
}

/* Of gradients times d. */
static gr_first_moment first_moment(const gr_settings *s)
{
    (void)s;
    return (gr_first_moment){.slot = "m", .of = GR_MOMENT_STEPS};
}

GR_OPTIMIZER(prodigy) = {
    .head =
        {
            .family = "optimizer",
            .name = "prodigy",
            .title = "Prodigy: Adam that finds its rate",
            .cite = "Mishchenko & Defazio 2023, algorithm 4; the authors' code 1.1",
            .equations =
                "r = d lr            bias_correction: d lr sqrt(1 - beta2^t) / (1 - beta1^t);  d = d0 at first\n"
                "a <- beta3 a + d/d0 r g.(w_0 - w), over all tensors            beta3: sqrt(beta2) unless given\n"
                "s <- beta3 s + d/d0 r g            safeguard_warmup: d/d0 d g\n"
                "m <- beta1 m + (1 - beta1) d g;  v <- beta2 v + (1 - beta2) (d g)^2            all 0 at first\n"
                "e = d_coef a / |s|_1, over all tensors;  d' = the largest e so far, at least d0 and at most "
                "growth_rate "
                "times d (while d = d0: times the larger of d and e)\n"
                "w <- w - r weight_decay w - r m / (sqrt(v) + d' eps);  then d <- d'",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update_all = update_all,
    .first_moment = first_moment,
};
