/* Constant: the base rate throughout.                                                            [Bengio 2012,
 * section 3.1.1] */
#include "schedule/schedule.h"

static double rate(const gr_settings *s, const gr_rate *r)
{
    (void)s;
    return r->lr;
}

GR_SCHEDULE(constant) = {
    .head =
        {
            .family = "schedule",
            .name = "constant",
            .title = "Constant: the base rate throughout",
            .cite = "Bengio 2012, section 3.1.1",
            .equations = "rate(t) = lr",
        },
    .constant = true,
    .rate = rate,
};
