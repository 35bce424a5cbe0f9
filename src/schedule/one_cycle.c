/* One cycle: rises from a low rate to the highest, then falls far below where it began.          [Smith & Topin 2018;
 * PyTorch OneCycleLR]
 *
 * The form is OneCycleLR's with two phases: the rise takes `fraction` of the updates, the last update has the lowest
 * rate. OneCycleLR counts the end of the rise as update fraction T - 1, which need not be a whole number; so do we. It
 * also turns the momentum down and up again; here momentum stays as it is. In the paper both phases of the cycle are
 * straight, and its end is a phase of its own. */
#include <math.h>

#include "schedule/span.h"

static const gr_row rows[] = {
    GR_ROW("high", REAL, "none", "(0,inf)", "1", "the highest rate; by default lr"),
    GR_ROW("fraction", REAL, "0.3", "[0,1]", "1", "how much of the run the rise takes"),
    GR_ROW("start", REAL, "1/25", "[0,1]", "high", "the first rate, as a part of high"),
    GR_ROW("end", REAL, "1/250000", "[0,1]", "high", "the last rate, as a part of high"),
    GR_ROW("shape", CHOICE, "cosine", "cosine|linear", "", "how it rises and falls"),
};

static double rate(const gr_settings *s, const gr_rate *r)
{
    double high = gr__setting_tree(s, "high") ? gr__setting_real(s, "high") : r->lr;
    double start = high * gr__setting_real(s, "start"), end = high * gr__setting_real(s, "end");
    double t = (double)r->t, last = (double)r->total - 1, top = gr__setting_real(s, "fraction") * (double)r->total - 1;
    bool cosine = gr__setting_is(s, "shape", "cosine");
    if (t < top) return gr__between(start, high, t / top, cosine);
    return gr__between(high, end, last > top ? fmin((t - top) / (last - top), 1) : 0, cosine);
}

GR_SCHEDULE(one_cycle) = {
    .head =
        {
            .family = "schedule",
            .name = "one_cycle",
            .title = "One cycle: a rise, then a fall far below the start",
            .cite = "Smith & Topin 2018; PyTorch OneCycleLR",
            .equations = "p = fraction T - 1        where the rise ends, in updates\n"
                         "t < p: rate(t) goes from start high to high with t / p\n"
                         "then from high to end high with (t - p) / (T - 1 - p)\n"
                         "cosine: from a to b with x is b + (a - b) (1 + cos(pi x)) / 2        linear: a + (b - a) x",
            GR_ROWS(rows),
        },
    .needs_total = true,
    .rate = rate,
};
