/* Running a bound plan: kernel after kernel, phase after phase. Nothing here allocates, locks or looks up a name. */
#include <math.h>
#include <string.h>

#include "plan/fence.h"
#include "plan/plan.h"

#define SERIAL_NS 5000.0 /* waking others costs more than what is below it */

typedef struct job {
    const gr_kernel *kernel;
    gr_phase_fn run;
    gr_call call; /* scratch: of worker 0 */
    size_t stride;
} job;

static void run_shard(void *arg, int shard, int worker)
{
    const job *j = arg;
    gr_call call = j->call;
    call.scratch = (char *)call.scratch + (size_t)worker * j->stride;
    j->run(j->kernel, &call, shard);
}

void gr__plan_run_item(gr_plan *p, const gr__item *item)
{
    const gr_kernel *k = item->kernel;
    size_t stride = p->scratch_bytes ? gr__granules(p->scratch_bytes) : 0;
    char *scratch = p->arena + p->bytes.arena - stride * (size_t)(p->pool ? gr__pool_threads(p->pool) : 1);
    const gr_call call = {item->operand, item->shared, scratch};
    gr__fence_close(p, item, scratch, stride);
    for (int i = 0; i < k->n_phases; i++) {
        int n = k->phase[i].n_shards;
        if (p->pool && n > 1 && k->phase[i].cost_ns >= SERIAL_NS) {
            job j = {k, k->phase[i].run, call, stride};
            gr__pool_run(p->pool, run_shard, &j, n);
        } else {
            for (int s = 0; s < n; s++) k->phase[i].run(k, &call, s);
        }
    }
    gr__fence_open(p);
}

bool gr__plan_guard_holds(const gr_plan *p)
{
    return p->guard.kind == GR__NOWHERE || isfinite(*(const double *)gr__plan_address(p, p->guard));
}

static gr_status not_bound(const gr_plan *p)
{
    return gr__fail(p->ctx, GR_E_USAGE, "plan \"%s\" is not bound yet", p->name);
}

static gr_status diverged(const gr_plan *p)
{
    return gr__fail(p->ctx, GR_E_DIVERGED, "plan \"%s\": the guarded value is %g; nothing was assigned", p->name,
                    *(const double *)gr__plan_address(p, p->guard));
}

gr_status gr_plan_run(gr_plan *p)
{
    if (!p->arena) return not_bound(p);
    gr__fp_state saved = gr__fp_enter();
    bool holds = true;
    for (int i = 0; i <= p->n_items && holds; i++) {
        if (i == p->first_write) holds = gr__plan_guard_holds(p);
        if (i < p->n_items && holds) gr__plan_run_item(p, &p->items[i]);
    }
    gr__fp_leave(saved);
    return holds ? GR_OK : diverged(p);
}

gr_status gr_plan_run_item(gr_plan *p, int index)
{
    if (!p->arena) return not_bound(p);
    if (index < 0 || index >= p->n_items)
        return gr__fail(p->ctx, GR_E_RANGE, "plan \"%s\" has no item %d", p->name, index);
    if (index == p->first_write && !gr__plan_guard_holds(p)) return diverged(p);
    gr__fp_state saved = gr__fp_enter();
    gr__plan_run_item(p, &p->items[index]);
    gr__fp_leave(saved);
    return GR_OK;
}

void *gr_plan_feed(gr_plan *p, const char *name, size_t *bytes)
{
    for (int i = 0; i < p->n_feeds && p->arena; i++) {
        if (strcmp(p->feeds[i].name, name) != 0) continue;
        if (bytes) *bytes = gr__value_bytes(p->backend, gr__value(p->graph, p->feeds[i].value));
        return gr__plan_address(p, p->spots[p->feeds[i].value]);
    }
    return NULL;
}

const void *gr_plan_output(const gr_plan *p, const char *name, gr_shape *shape)
{
    for (int i = 0; i < p->n_outputs && p->arena; i++) {
        if (strcmp(p->outputs[i].name, name) != 0) continue;
        if (shape) *shape = p->outputs[i].shape;
        return gr__plan_address(p, p->outputs[i].spot);
    }
    return NULL;
}
