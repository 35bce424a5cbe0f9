/* A grid: every combination of the values of each space, those of the last space first. */
#include <math.h>

#include "study/tune/tuner.h"

static const int64_t MOST = 1000000;

/* The points from space s on, of which *left are to be passed over; how many there were, at most MOST. */
static int64_t walk(const gr_spaces *all, int s, int64_t *left, gr_point *p)
{
    int64_t n = 0;
    double before = NAN;
    if (s == all->n) return *left < 0 ? 1 : ((*left)--, 1);
    if (!gr__space_applies(all, s, p)) {
        p->at[s] = NAN;
        return walk(all, s + 1, left, p);
    }
    for (int i = 0; i < gr__space_count(&all->at[s]) && *left >= 0 && n < MOST; i++) {
        double x = gr__space_grid(&all->at[s], i);
        if (x == before) continue; /* whole numbers that rounding has made one */
        p->at[s] = before = x;
        n += walk(all, s + 1, left, p);
    }
    return n;
}

static int64_t count(const gr_spaces *s)
{
    gr_point p;
    int64_t left = MOST;
    return walk(s, 0, &left, &p);
}

static gr_status propose(gr_proposal *p)
{
    int64_t left = p->trial;
    walk(p->spaces, 0, &left, &p->point);
    return GR_OK;
}

GR_TUNER(grid) = {
    .head =
        {
            .family = "tuner",
            .name = "grid",
            .title = "Grid: every combination",
            .cite = "",
            .equations =
                "the product of all choices; of ranges 5 values, or as many as a third number says: log(a,b,7)",
        },
    .count = count,
    .propose = propose,
};
