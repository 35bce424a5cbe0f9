/* Units behind a ReLU that give 0 whatever they see: nothing is learned through them. [mission X14] */
#include <math.h>
#include <string.h>

#include "nn/stack.h"
#include "study/check/seen.h"

static const double MOST = 0.4;  /* of a layer's units, that may be off */
static const double WORK = 5e10; /* floating-point operations; of larger parts some of the samples are seen */
enum { ENOUGH = 32 };            /* values of a unit, for it to be off by more than chance */

typedef struct units {
    int layer;         /* of the stack */
    int64_t n, values; /* along the last axis; seen of each */
    bool *lives;
} units;

/* Is what the layer gives an activation's, which may be 0 at one side? */
static bool gives_rectified(gr_context *ctx, const gr_stacked *l)
{
    const gr_layer *m = gr__inside_activation(ctx, l);
    return m && m->follow == GR_FOLLOW_RELU;
}

/* The first `samples` of the batch. */
static gr_status look(const gr_probe *p, gr__bump *memory, int64_t samples, units *u)
{
    char name[32];
    gr_shape shape;
    snprintf(name, sizeof name, "layer%d", u->layer);
    const void *data = gr_plan_output(p->evaluate, name, &shape);
    int64_t all = gr_shape_count(shape) / p->batch * samples;
    if (!u->lives) {
        u->n = shape.rank ? shape.dim[shape.rank - 1] : 0;
        u->lives = gr__bump_alloc(memory, (size_t)GR_MAX(u->n, 1));
        if (!u->lives) return GR_E_MEMORY;
        memset(u->lives, 0, (size_t)u->n);
    }
    for (int64_t i = 0; i < all; i++)
        if (gr__probe_real(p, data, i) != 0) u->lives[i % u->n] = true; /* NaN lives */
    u->values += u->n ? all / u->n : 0;
    return GR_OK;
}

static double share_off(const units *u)
{
    int64_t off = 0;
    for (int64_t i = 0; i < u->n; i++) off += !u->lives[i];
    return u->n && u->values >= ENOUGH ? (double)off / (double)u->n : 0;
}

/* The validation part, or the training part where there is none, until no unit is left that is off. */
static gr_status look_at_batches(gr_probe *p, gr__bump *memory, units *u, int n)
{
    gr_part part = p->task.set_of[GR_PART_VALIDATION] ? GR_PART_VALIDATION : GR_PART_TRAIN;
    int64_t most = (int64_t)fmax(WORK / fmax(gr_plan_flops(p->evaluate), 1), 1) * p->batch;
    int64_t left = part == GR_PART_TRAIN ? gr__task_trained(&p->task)->n : p->task.rows[part].n;
    gr_rows rows = {0};
    gr_loader *l = NULL;
    gr_status st = GR_OK;
    bool off = n > 0;
    GR_TRY(gr__seen_rows(p, part, most, &rows));
    GR_TRY(gr__seen_loader(p, part, &rows, &l));
    for (gr_batch b = {0}; !b.last && off;) {
        GR_TRY(gr__loader_next(l, &b));
        GR_TRY(gr__probe_run(p, p->evaluate, &b));
        off = false;
        int64_t samples = GR_MIN(b.n, left);
        left -= samples;
        for (int i = 0; i < n; i++) {
            GR_TRY(look(p, memory, samples, &u[i]));
            off |= u[i].values < ENOUGH || share_off(&u[i]) > 0;
        }
    }
done:
    gr__loader_destroy(l);
    gr__rows_free(p->ctx, &rows);
    return st;
}

static void judge(const gr_probe *p, const units *u, int n, gr_finding *out)
{
    const units *worst = NULL;
    for (int i = 0; i < n; i++)
        if (u[i].values >= ENOUGH && (!worst || share_off(&u[i]) > share_off(worst))) worst = &u[i];
    if (!worst) {
        gr__finding_set(out, GR_VERDICT_OK, NAN, MOST, n ? "too few samples to tell" : "no layer ends in a ReLU");
        return;
    }
    double share = share_off(worst);
    const char *name = p->recipe->stack->layer[worst->layer].name;
    if (share > MOST) {
        gr__finding_set(
            out, GR_VERDICT_WARNING, share, MOST,
            "%.0f %% of the %lld units of \"%.100s\" give 0 for all that was seen, and learn nothing: another "
            "start, a lower rate, or a slope for them (`gradus convert RECIPE --relu leaky_relu -o NEW`)",
            100 * share, (long long)worst->n, name);
        gr__finding_fix(out, "gradus convert %s --relu leaky_relu -o NEW.yaml", p->recipe->path);
    } else if (share > 0)
        gr__finding_set(out, GR_VERDICT_OK, share, MOST,
                        "of the units of \"%.100s\" %.2g %% give 0 for all that was seen", name, 100 * share);
    else
        gr__finding_set(out, GR_VERDICT_OK, 0, MOST, "no unit gives 0 for all that was seen");
}

gr_status gr__check_dead(gr_probe *p, gr__bump *memory, gr_finding *out)
{
    const gr_stack *s = p->recipe->stack;
    units *u = gr__bump_alloc(memory, (size_t)GR_MAX(s->n, 1) * sizeof *u);
    int n = 0;
    if (!u) return GR_E_MEMORY;
    for (int i = 0; i < s->n; i++)
        if (gives_rectified(p->ctx, &s->layer[i])) u[n++] = (units){.layer = i};
    gr_status st = look_at_batches(p, memory, u, n);
    if (st == GR_OK) judge(p, u, n, out);
    return st;
}

static gr_status judge_dead(gr_check *c, gr_finding *out)
{
    return gr__check_dead(&c->probe, c->memory, out);
}

GR_RULE(dead_rectifiers) = {
    .head = {.family = "rule",
             .name = "dead_rectifiers",
             .title = "Units behind a ReLU that give 0 whatever they see",
             .cite = "the chapter, 4.5.3 step 14",
             .equations = "the whole validation part through the initial network: of each layer that ends in a ReLU, "
                          "the share of units\nthat are 0 for all of it"},
    .as = {{"X14", "dead units"}},
    .reads = GR_READS_PROBE,
    .limit = "0.4",
    .draws = GR_DRAWS_OF_WEIGHTS,
    .unit = "share of the units of a layer",
    .judge = judge_dead,
};
