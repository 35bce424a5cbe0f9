/* Restarts: falls over a cycle, then starts again from the base rate; a saw-tooth.    [Loshchilov & Hutter 2017,
 * equation 5; PyTorch CosineAnnealingWarmRestarts] The cycle is found with whole numbers: a logarithm is off by one at
 * the borders of long runs. */
#include <math.h>

#include "schedule/span.h"

static const gr_row rows[] = {
    GR_ROW("cycle", TREE, "1 epoch", "updates, or text such as 10 epochs", "updates", "length of the first cycle"),
    GR_ROW("mult", INT, "2", "[1,1000000]", "1", "what the length is multiplied by from cycle to cycle", .torch = "1"),
    GR_ROW("low", REAL, "none", "[0,inf)", "1", "what a cycle falls towards; by default a tenth of lr", .paper = "0",
           .torch = "0"),
    GR_ROW("shape", CHOICE, "cosine", "cosine|linear", "", "how it falls"),
};

static gr_status check(gr_context *ctx, gr_settings *s)
{
    gr_span span;
    return gr__span_read(ctx, gr__setting_tree(s, "cycle"), false, &span);
}

static gr_status check_rate(gr_context *ctx, const gr_settings *s, double lr)
{
    const gr_tree *low = gr__setting_tree(s, "low");
    if (!low || low->number <= lr) return GR_OK;
    return gr__tree_fail(ctx, low, GR_E_CONFLICT, "a cycle falls from lr to low", "low %s is above lr %g", low->text,
                         lr);
}

static double rate(const gr_settings *s, const gr_rate *r)
{
    double low = gr__setting_tree(s, "low") ? gr__setting_real(s, "low") : r->lr / 10;
    int64_t t = r->t, mult = gr__setting_int(s, "mult"), length = GR_MAX(llround(gr__setting_span(s, "cycle", r)), 1);
    if (mult == 1) t %= length;
    while (t >= length) { /* at most 63 times: lengths at least double */
        t -= length;
        length = length > INT64_MAX / mult ? INT64_MAX : length * mult;
    }
    return gr__between(r->lr, low, (double)t / (double)length, gr__setting_is(s, "shape", "cosine"));
}

GR_SCHEDULE(restarts) = {
    .head =
        {
            .family = "schedule",
            .name = "restarts",
            .title = "Restarts: falls over a cycle, then starts again",
            .cite = "Loshchilov & Hutter 2017, equation 5; PyTorch CosineAnnealingWarmRestarts",
            .equations = "T_0 = cycle        T_i = T_0 mult^i        u updates since the last restart\n"
                         "cosine: rate(t) = low + (lr - low) (1 + cos(pi u / T_i)) / 2\n"
                         "linear: rate(t) = lr - (lr - low) u / T_i",
            GR_ROWS(rows),
        },
    .check = check,
    .check_rate = check_rate,
    .rate = rate,
};
