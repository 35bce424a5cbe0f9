/* Cyclic: up and down between two rates, over and over.                                           [Smith 2017; PyTorch
 * CyclicLR]
 *
 * Smith's cycles start low. Here they start high unless told otherwise: training goes on from the base rate, and each
 * cycle falls first. That is Smith's curve half a cycle later, the exponents of its shapes included. */
#include <math.h>

#include "schedule/span.h"

static const gr_row rows[] = {
    GR_ROW("low", REAL, "none", "[0,inf)", "1", "the lowest rate; by default a tenth of high"),
    GR_ROW("high", REAL, "none", "(0,inf)", "1", "the highest rate; by default lr"),
    GR_ROW("half_cycle", TREE, "2 epochs", "updates, or text such as 2 epochs", "updates",
           "from high to low, or from low to high"),
    GR_ROW("start", CHOICE, "high", "high|low", "", "the rate that the first cycle starts with", .paper = "low",
           .torch = "low"),
    GR_ROW("shape", CHOICE, "triangular", "triangular|triangular2|exp_range", "",
           "height of the cycles: the same, half that of the cycle before, or by gamma"),
    GR_ROW("gamma", REAL, "none", "(0,1]", "1", "of exp_range: what the height is multiplied by at every update"),
};

static gr_status check(gr_context *ctx, gr_settings *s)
{
    const gr_tree *low = gr__setting_tree(s, "low"), *high = gr__setting_tree(s, "high"),
                  *gamma = gr__setting_tree(s, "gamma");
    bool by_gamma = gr__setting_is(s, "shape", "exp_range");
    gr_span span;
    gr_status st = gr__span_read(ctx, gr__setting_tree(s, "half_cycle"), false, &span);
    if (st != GR_OK) return st;
    if (low && high && low->number > high->number)
        return gr__tree_fail(ctx, low, GR_E_CONFLICT, NULL, "low %s is above high %s", low->text, high->text);
    if (gamma && !by_gamma)
        return gr__tree_fail(ctx, gamma, GR_E_CONFLICT, "write shape: exp_range",
                             "gamma belongs to the shape exp_range");
    if (!gamma && by_gamma)
        return gr__tree_fail(ctx, gr__setting_tree(s, "shape"), GR_E_MISSING, "such as gamma: 0.9999",
                             "the shape exp_range wants gamma");
    return GR_OK;
}

static gr_status check_rate(gr_context *ctx, const gr_settings *s, double lr)
{
    const gr_tree *low = gr__setting_tree(s, "low");
    if (gr__setting_tree(s, "high") || !low || low->number <= lr) return GR_OK;
    return gr__tree_fail(ctx, low, GR_E_CONFLICT, "write high, or a larger lr", "low %s is above high, which is lr %g",
                         low->text, lr);
}

static double height(const gr_settings *s, double t, double half)
{
    double cycle = round((t - fmod(t, 2 * half)) / (2 * half));
    if (gr__setting_is(s, "shape", "triangular2")) return exp2(-cycle);
    return gr__setting_is(s, "shape", "exp_range") ? pow(gr__setting_real(s, "gamma"), t) : 1;
}

static double rate(const gr_settings *s, const gr_rate *r)
{
    double high = gr__setting_tree(s, "high") ? gr__setting_real(s, "high") : r->lr;
    double low = gr__setting_tree(s, "low") ? gr__setting_real(s, "low") : high / 10;
    double half = gr__setting_span(s, "half_cycle", r),
           t = (double)r->t + (gr__setting_is(s, "start", "high") ? half : 0);
    return low + (high - low) * gr__triangle(t, half) * height(s, t, half);
}

GR_SCHEDULE(cyclic) = {
    .head =
        {
            .family = "schedule",
            .name = "cyclic",
            .title = "Cyclic: up and down between two rates",
            .cite = "Smith 2017; PyTorch CyclicLR",
            .equations = "u = t, or t + half_cycle when it starts high\n"
                         "c = floor(1 + u / (2 half_cycle))        x = |u / half_cycle - 2 c + 1|\n"
                         "rate(t) = low + (high - low) (1 - x) A        A = 1, 2^(1 - c) or gamma^u",
            GR_ROWS(rows),
        },
    .check = check,
    .check_rate = check_rate,
    .rate = rate,
};
