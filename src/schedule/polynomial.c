/* Polynomial: falls from the base rate to `end` over the run; a straight line with power 1.      [You, Gitman &
 * Ginsburg 2017 with power 2]
 *
 * `from` settles what the formula leaves open beside a warm-up: whether t and T are counted from its end, so that the
 * rate is continuous, or from the start of the run, as BERT's training does, where the rate falls by lr W / T when the
 * warm-up ends. */
#include <math.h>

#include "schedule/schedule.h"

static const gr_row rows[] = {
    GR_ROW("power", REAL, "1", "(0,100]", "1", "1 is a straight line; larger falls fast first"),
    GR_ROW("end", REAL, "0", "[0,inf)", "1", "the rate that the last update would be followed by"),
    GR_ROW("from", CHOICE, "warmup", "warmup|start", "",
           "where t and T are counted from: the end of the warm-up, or the start of the run"),
};

static double rate(const gr_settings *s, const gr_rate *r)
{
    double end = gr__setting_real(s, "end");
    int64_t before = gr__setting_is(s, "from", "start") ? r->warmup : 0, total = r->total + before;
    double left = total > 0 ? 1 - fmin((double)(r->t + before) / (double)total, 1) : 0;
    return (r->lr - end) * pow(left, gr__setting_real(s, "power")) + end;
}

GR_SCHEDULE(polynomial) = {
    .head =
        {
            .family = "schedule",
            .name = "polynomial",
            .title = "Polynomial: from the base rate to `end` over the run",
            .cite = "You, Gitman & Ginsburg 2017; Devlin et al. 2019",
            .equations = "rate(t) = (lr - end) (1 - min(t, T) / T)^power + end        T updates after the warm-up\n"
                         "from start: t and T with the warm-up's updates",
            GR_ROWS(rows),
        },
    .needs_total = true,
    .rate = rate,
};
