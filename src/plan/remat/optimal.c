/* The best script of a chain whose stages differ in time and memory: a dynamic programme over (first stage, last stage,
 * memory). With what a range of stages begins from at hand, either its first stage is run keeping what its backward
 * turns read, and the rest follows with what memory is left; or some stages are run through keeping nothing, the rest
 * is done from there, backward turns included, and then those stages are done from the beginning. (Beaumont et al.
 * 2019.) Equal stages give the binomial schedules of Griewank & Walther 2000. Memory is counted in slots. */
#include <math.h>

#include "plan/remat/remat.h"

struct gr__optima {
    const gr__chain *chain;
    double unit;     /* bytes of a slot */
    float *ns;       /* of (first, last, slots); infinite: it cannot be done */
    uint8_t *choice; /* 0: the first stage is saved; else how many are run through */
};

static size_t at(const gr__optima *t, int first, int last, int slots)
{
    size_t n = (size_t)t->chain->n, f = (size_t)first, before = f * n - f * (f - GR_MIN(f, 1)) / 2;
    return (before + (size_t)(last - first)) * (GR__SLOTS + 1) + (size_t)slots;
}

static int slots_of(const gr__optima *t, size_t bytes)
{
    double slots = ceil((double)bytes / t->unit);
    return slots > GR__SLOTS ? GR__SLOTS + 1 : (int)slots;
}

static void try(gr__optima *t, size_t where, double ns, int choice)
{
    if (!(ns < (double)t->ns[where])) return;
    t->ns[where] = (float)ns;
    t->choice[where] = (uint8_t)choice;
}

static void save_first(gr__optima *t, int first, int last)
{
    const gr__chain *c = t->chain;
    size_t kept = c->saved[first] + c->passes[first];
    int stays = slots_of(t, kept);
    int least = slots_of(t, GR_MAX(c->saved[first] + c->forward[first], kept + c->backward[first]));
    for (int m = least; m <= GR__SLOTS; m++) {
        double rest = first == last ? 0 : (double)t->ns[at(t, first + 1, last, m - stays)];
        try(t, at(t, first, last, m), c->ns[first] + rest, 0);
    }
}

static void run_through(gr__optima *t, int first, int last)
{
    const gr__chain *c = t->chain;
    double ns = 0;
    int during = 0;
    for (int n = 1; first + n <= last; n++) {
        int s = first + n - 1, kept = slots_of(t, c->passes[s]);
        ns += c->ns[s];
        during = GR_MAX(during, slots_of(t, c->forward[s] + (n > 1 ? c->passes[s - 1] : 0)));
        for (int m = GR_MAX(during, kept); m <= GR__SLOTS; m++)
            try(t, at(t, first, last, m),
                ns + (double)t->ns[at(t, first + n, last, m - kept)] + (double)t->ns[at(t, first, s, m)], n);
    }
}

/* Values that pass on often have sizes that divide each other, so the smallest is a whole number of slots. */
static double unit_of(const gr__chain *chain, size_t bytes)
{
    double unit = (double)GR_MAX(bytes, 1) / GR__SLOTS, least = 0;
    for (int s = 0; s + 1 < chain->n; s++) {
        double passes = (double)chain->passes[s];
        if (passes >= unit && (least == 0 || passes < least)) least = passes;
    }
    return least > 0 ? least / ceil(least / unit) : unit;
}

gr__optima *gr__optima_make(const gr__chain *chain, size_t bytes)
{
    gr__bump *memory = chain->r->memory;
    size_t n = (size_t)chain->n * ((size_t)chain->n + 1) / 2 * (GR__SLOTS + 1);
    gr__optima *t = gr__bump_alloc(memory, sizeof *t);
    if (!t) return NULL;
    *t = (gr__optima){chain, unit_of(chain, bytes), gr__bump_alloc(memory, n * sizeof *t->ns),
                      gr__bump_alloc(memory, n)};
    if (!t->ns || !t->choice) return NULL;
    for (size_t i = 0; i < n; i++) t->ns[i] = INFINITY;
    for (int length = 1; length <= chain->n; length++)
        for (int first = 0; first + length <= chain->n; first++) {
            save_first(t, first, first + length - 1);
            run_through(t, first, first + length - 1);
        }
    return t;
}

static void follow(const gr__optima *t, gr__path *p, int first, int last, int slots)
{
    const gr__chain *c = t->chain;
    int n = t->choice[at(t, first, last, slots)];
    if (n) {
        gr__path_through(p, first, first + n);
        follow(t, p, first + n, last, slots - slots_of(t, c->passes[first + n - 1]));
        follow(t, p, first, first + n - 1, slots);
        return;
    }
    gr__path_save(p, first);
    if (first < last) follow(t, p, first + 1, last, slots - slots_of(t, c->saved[first] + c->passes[first]));
    gr__path_back(p, first);
}

bool gr__optima_script(const gr__optima *t, int slots, gr__script *s)
{
    gr__path p;
    if (isinf(t->ns[at(t, 0, t->chain->n - 1, slots)])) return false;
    if (!gr__path_open(t->chain, s, &p)) return false;
    follow(t, &p, 0, t->chain->n - 1, slots);
    return gr__path_close(&p);
}
