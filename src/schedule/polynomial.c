/* Polynomial: falls from the base rate to `end` over the run; a straight line with power 1.      [You, Gitman & Ginsburg 2017 with power 2]
 */
#include <math.h>

#include "nn/families.h"

static const gr_row rows[] = {
    GR_ROW("power", REAL, "1", "(0,100]", "1", "1 is a straight line; larger falls fast first"),
    GR_ROW("end", REAL, "0", "[0,inf)", "1", "the rate that the last update would be followed by"),
};

static double rate(const gr_settings *s, const gr_rate *r)
{
    double end = gr__setting_real(s, "end");
    double left = r->total > 0 ? 1 - fmin((double)r->t / (double)r->total, 1) : 0;
    return (r->lr - end) * pow(left, gr__setting_real(s, "power")) + end;
}

GR_SCHEDULE(polynomial) = {
    .head =
        {
            .family = "schedule",
            .name = "polynomial",
            .title = "Polynomial: from the base rate to `end` over the run",
            .cite = "You, Gitman & Ginsburg 2017; Devlin et al. 2019",
            .equations = "rate(t) = (lr - end) (1 - min(t, T) / T)^power + end        T updates after the warm-up",
            GR_ROWS(rows),
        },
    .needs_total = true,
    .rate = rate,
};
