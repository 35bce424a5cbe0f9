/* Values that a row's range leaves out. */
#ifndef GR_TESTS_RANGES_H
#define GR_TESTS_RANGES_H

#include <math.h>

#include "base/member.h"

/* A value outside of a range such as [0,1), (0,inf) or {1,2}, at its lower or its upper end; false: there is none. */
static inline bool ranges_outside(const gr_row *r, bool upper, char text[48])
{
    double low, high;
    char close;
    if (r->range[0] == '{') {
        snprintf(text, 48, upper ? "1e9" : "-1");
        return !gr__in_range(upper ? 1e9 : -1, r->range);
    }
    if (sscanf(r->range, "%*[[(]%lf,%lf%c", &low, &high, &close) != 3) return false;
    double x = upper ? high + (close == ']') : low - (r->range[0] == '[');
    if (isinf(x) && !(upper && close == ')')) return false;
    snprintf(text, 48, "%.17g", x);
    return !gr__in_range(x, r->range);
}

#endif
