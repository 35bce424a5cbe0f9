/* Affine steps: (x - sub) * mul + add. Subtracting first keeps the digits that x * scale + shift cancels away where
 * the mean is large. */
#include <math.h>
#include <string.h>

#include "data/prepare/prepare.h"

/* The third list may be something else. */
static bool adds(const gr_prepared *p)
{
    const char *name = p->step->state[GR__ADD];
    return name && strcmp(name, "plus") == 0 && p->state[GR__ADD];
}

gr_val gr__affine_build(gr_graph *g, const gr_prepared *p, gr_val x)
{
    if (p->state[GR__SUB]) x = gr_sub(g, x, gr__step_list(g, x, p, GR__SUB));
    if (p->state[GR__MUL]) x = gr_mul(g, x, gr__step_list(g, x, p, GR__MUL));
    if (adds(p)) x = gr_add(g, x, gr__step_list(g, x, p, GR__ADD));
    return x;
}

/* A run of numbers that meets a run of the step's own, or all the same one. */
static void run_each(const double *sub, const double *mul, const double *add, double *restrict x, int64_t count)
{
    for (int64_t i = 0; i < count && sub; i++) x[i] -= sub[i];
    for (int64_t i = 0; i < count && mul; i++) x[i] *= mul[i];
    for (int64_t i = 0; i < count && add; i++) x[i] += add[i];
}

static void run_one(const double *sub, const double *mul, const double *add, double *restrict x, int64_t count)
{
    for (int64_t i = 0; i < count && sub; i++) x[i] -= *sub;
    for (int64_t i = 0; i < count && mul; i++) x[i] *= *mul;
    for (int64_t i = 0; i < count && add; i++) x[i] += *add;
}

static const double *at(const gr_prepared *p, int list, int64_t k)
{
    return p->state[list] && (list != GR__ADD || adds(p)) ? p->state[list] + k : NULL;
}

void gr__affine_values(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count)
{
    int n = gr__step_n(p);
    gr__prepare_read(in, first, x, count);
    for (int64_t done = 0, k, run; done < count; done += run) {
        run = gr__step_run(n, first + done, count - done, &k);
        (n == 1 ? run_one : run_each)(at(p, GR__SUB, k), at(p, GR__MUL, k), at(p, GR__ADD, k), x + done, run);
    }
}

int64_t gr__affine_undo(const gr_prepared *p, double *x, int64_t count)
{
    int n = gr__step_n(p);
    for (int64_t e = 0; e < count; e++) {
        int64_t k = n == 1 ? 0 : e % n;
        const double *sub = at(p, GR__SUB, k), *mul = at(p, GR__MUL, k), *add = at(p, GR__ADD, k);
        if (add) x[e] -= *add;
        if (mul) x[e] = *mul != 0 ? x[e] / *mul : (double)NAN;
        if (sub) x[e] += *sub;
    }
    return count;
}

int64_t gr__same_undo(const gr_prepared *p, double *x, int64_t count)
{
    (void)p, (void)x;
    return count;
}

double gr__by_spread(double spread)
{
    return isfinite((float)(1 / spread)) ? 1 / spread : 1;
}
