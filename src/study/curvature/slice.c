/* Lines and planes through a model's weights: directions, and the cost at each of their points. */
#include <math.h>

#include "base/rng.h"
#include "study/curvature/slice.h"

enum { MOST = 2 };

typedef struct slicer {
    gr_surface *s;
    const gr_slice_options *o;
    int n;                        /* directions */
    double *centre, *along[MOST]; /* of all entries that move, one behind the other */
    double *moved;                /* room for the largest of them */
    int64_t numbers, largest;
} slicer;

/* Parameters move, and to another model what belongs to a model beside them: running statistics. */
static bool moves(const slicer *x, const gr_entry *e)
{
    return !e->spec.slot || (x->o->other && e->spec.saved);
}

static const gr_entry *entry(const slicer *x, int i)
{
    const gr_entry *e = gr_store_entry(x->s->run.store, i);
    return moves(x, e) ? e : NULL;
}

static int entries(const slicer *x)
{
    return gr_store_count(x->s->run.store);
}

static void read_all(const slicer *x, double *to)
{
    for (int i = 0; i < entries(x); i++) {
        const gr_entry *e = entry(x, i);
        if (!e) continue;
        gr_store_read(x->s->run.store, e, to);
        to += e->count;
    }
}

static gr_status make_room(slicer *x)
{
    gr_context *ctx = x->s->ctx;
    for (int i = 0; i < entries(x); i++) {
        const gr_entry *e = entry(x, i);
        if (!e) continue;
        x->numbers += e->count;
        x->largest = GR_MAX(x->largest, e->count);
    }
    size_t bytes = sizeof(double) * (size_t)x->numbers;
    bool there =
        (x->centre = gr__alloc(ctx, bytes)) && (x->moved = gr__alloc(ctx, sizeof(double) * (size_t)x->largest));
    for (int d = 0; d < x->n && there; d++) there = (x->along[d] = gr__alloc(ctx, bytes));
    return there ? GR_OK : GR_E_MEMORY;
}

static void free_room(slicer *x)
{
    size_t bytes = sizeof(double) * (size_t)x->numbers;
    for (int d = 0; d < x->n; d++) gr__free(x->s->ctx, x->along[d], bytes);
    gr__free(x->s->ctx, x->centre, bytes);
    gr__free(x->s->ctx, x->moved, sizeof(double) * (size_t)x->largest);
}

/* ---- directions ---- */

static double norm(const double *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

static void draw(const slicer *x, int number)
{
    gr__rng rng = gr__rng_make(x->o->seed, "curvature/slice", (uint64_t)number, 0);
    double *to = x->along[number];
    const double *w = x->centre;
    for (int i = 0; i < entries(x); i++) {
        const gr_entry *e = entry(x, i);
        if (!e) continue;
        int64_t filters = e->spec.shape.rank > 1 ? e->spec.shape.dim[0] : 0, n = filters ? e->count / filters : 0;
        for (int64_t f = 0; f < filters; f++) {
            double *filter = to + f * n;
            for (int64_t k = 0; k < n; k++) filter[k] = gr__rng_normal(&rng);
            double factor = norm(w + f * n, n) / (norm(filter, n) + 1e-10);
            for (int64_t k = 0; k < n; k++) filter[k] *= factor;
        }
        to += e->count;
        w += e->count;
    }
}

static gr_status lead_to_other(const slicer *x)
{
    gr_store *store = x->s->run.store;
    gr_status st = gr__model_load(x->s->ctx, x->o->other->file, x->o->other->path, store);
    if (st != GR_OK) return st;
    read_all(x, x->along[0]);
    for (int64_t i = 0; i < x->numbers; i++) x->along[0][i] -= x->centre[i];
    return GR_OK;
}

/* ---- points ---- */

static void go(const slicer *x, double a, double b)
{
    int64_t at = 0;
    for (int i = 0; i < entries(x); i++) {
        const gr_entry *e = entry(x, i);
        if (!e) continue;
        for (int64_t k = 0; k < e->count; k++) {
            double by = a * x->along[0][at + k] + (x->n > 1 ? b * x->along[1][at + k] : 0);
            x->moved[k] = x->centre[at + k] + by;
        }
        gr_store_write(x->s->run.store, e, x->moved);
        at += e->count;
    }
}

static gr_status measure(const slicer *x, int number, double a, double b, gr_slice_point *out)
{
    const gr_slice_options *o = x->o;
    if (o->stop && *o->stop) return GR_E_INTERRUPTED;
    if (o->progress) o->progress(o->user, o->plane ? "plane" : "line", number);
    go(x, a, b);
    gr_status st = gr__surface_pass(x->s);
    *out = (gr_slice_point){a, b, isfinite(x->s->cost) ? x->s->cost : (double)NAN};
    return st;
}

static double place(const gr_slice_options *o, int i)
{
    double a = o->low + (o->high - o->low) * i / (o->points - 1);
    return fabs(a) < 1e-12 * (o->high - o->low) ? 0 : a;
}

gr_status gr__slice(gr_surface *s, const gr_slice_options *o, gr_slice_point *out)
{
    slicer x = {.s = s, .o = o, .n = o->plane ? 2 : 1};
    gr_status st = make_room(&x);
    if (st == GR_OK) read_all(&x, x.centre);
    if (st == GR_OK && o->other) st = lead_to_other(&x);
    for (int d = 0; d < x.n && st == GR_OK && !o->other; d++) draw(&x, d);
    for (int j = 0, n = 0; j < (o->plane ? o->points : 1) && st == GR_OK; j++)
        for (int i = 0; i < o->points && st == GR_OK; i++, n++)
            st = measure(&x, n + 1, place(o, i), o->plane ? place(o, j) : 0, &out[n]);
    if (x.centre && x.moved && x.along[0]) go(&x, 0, 0);
    free_room(&x);
    return st;
}
