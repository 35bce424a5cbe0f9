/* Running a bound plan: instruction after instruction, phase after phase. Nothing here allocates, locks or looks up a
 * name. */
#include <math.h>
#include <string.h>

#include "plan/fence.h"
#include "plan/loop.h"

#define SERIAL_NS 5000.0 /* waking others costs more than what is below it */

/* ---- calls ---- */

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

static void run_phases(gr_plan *p, const gr__instruction *in, int end)
{
    const gr_kernel *k = in->kernel;
    const gr_call call = {in->address, in->shared, p->scratch};
    for (int i = in->done; i < end; i++) {
        int n = k->phase[i].n_shards;
        if (p->pool && n > 1 && k->phase[i].cost_ns >= SERIAL_NS) {
            job j = {k, k->phase[i].run, call, p->scratch_stride};
            gr__pool_run(p->pool, run_shard, &j, n);
        } else {
            for (int s = 0; s < n; s++) k->phase[i].run(k, &call, s);
        }
    }
}

/* ---- copies ---- */

typedef struct copy_job {
    const gr_plan *p;
    const gr__instruction *in;
} copy_job;

static void copy_one(void *arg, int i, int worker)
{
    const copy_job *j = arg;
    (void)worker;
    int n = j->in->n_operands / 2;
    memcpy(j->in->address[n + i], j->in->address[i], j->p->buffers[j->in->operand[n + i].buffer].bytes);
}

size_t gr__copy_bytes(const gr_plan *p, const gr__instruction *in)
{
    size_t bytes = 0;
    for (int i = in->n_operands / 2; i < in->n_operands; i++) bytes += p->buffers[in->operand[i].buffer].bytes;
    return bytes;
}

double gr__copy_ns(const gr_plan *p, const gr__instruction *in)
{
    return (double)gr__copy_bytes(p, in) / 8; /* 8 bytes a nanosecond */
}

static void run_copy(gr_plan *p, const gr__instruction *in)
{
    int n = in->n_operands / 2;
    copy_job j = {p, in};
    if (p->pool && n > 1 && gr__copy_ns(p, in) >= SERIAL_NS)
        gr__pool_run(p->pool, copy_one, &j, n);
    else
        for (int i = 0; i < n; i++) copy_one(&j, i, 0);
}

/* ---- instructions ---- */

bool gr__plan_step(gr_plan *p, const gr__instruction *in)
{
    if (in->code == GR__TEST) return isfinite(*(const double *)in->address[0]);
    if (in->code == GR__LOOP) {
        gr__loop_run(p, in); /* each of its instructions has a fence of its own */
        return true;
    }
    gr__fence_close(p, in);
    if (in->code == GR__CALL)
        run_phases(p, in, in->kernel->n_phases);
    else
        run_copy(p, in);
    gr__fence_open(p);
    return true;
}

/* ---- parts of several calls ---- */

typedef struct together {
    const gr_plan *p;
    const gr__instruction *in;
    int n;
} together;

static void run_part(void *arg, int part, int worker)
{
    const together *j = arg;
    for (const gr__instruction *in = j->in; in < j->in + j->n; in++) {
        gr_call call = {in->address, in->shared, j->p->scratch + (size_t)worker * j->p->scratch_stride};
        in->kernel->part.run(in->kernel, &call, part);
    }
}

/* More threads than parts do better kernel by kernel, and so does one. Bits are the same. */
void gr__plan_run_together(gr_plan *p, const gr__instruction *in, int n)
{
    double cost = 0;
    for (int i = 0; i < n; i++) cost += in[i].kernel->phase[in[i].kernel->n_lasting].cost_ns;
    if (!p->pool || cost < SERIAL_NS || gr__pool_threads(p->pool) >= 2 * in->kernel->part.n) {
        for (int i = 0; i < n; i++) (void)gr__plan_step(p, &in[i]);
        return;
    }
    for (int i = 0; i < n; i++) run_phases(p, &in[i], in[i].kernel->n_lasting);
    together j = {p, in, n};
    gr__pool_run(p->pool, run_part, &j, in->kernel->part.n);
}

static gr_status not_bound(const gr_plan *p)
{
    return gr__fail(p->ctx, GR_E_USAGE, "plan \"%s\" is not bound yet", p->name);
}

/* Runs instructions first..end-1. */
static gr_status run(gr_plan *p, int first, int end)
{
    gr__fp_state saved = gr__fp_enter();
    while (first < end && gr__plan_step(p, &p->instructions[first])) first++;
    gr__fp_leave(saved);
    if (first == end) return GR_OK;
    const gr__instruction *test = &p->instructions[first];
    for (int i = 0; i < first; i++)
        if (p->instructions[i].writes_store) p->spoilt = p->buffers[test->operand[0].buffer].value;
    return gr__fail(p->ctx, GR_E_DIVERGED, "plan \"%s\": the guarded value is %g; %s", p->name,
                    *(const double *)test->address[0],
                    p->spoilt ? "some of the step was assigned before" : "nothing was assigned");
}

gr_status gr_plan_run(gr_plan *p)
{
    p->spoilt = GR_NONE;
    return p->arena ? run(p, 0, p->n_instructions) : not_bound(p);
}

/* With what stands between it and the row before. */
gr_status gr_plan_run_item(gr_plan *p, int index)
{
    if (!p->arena) return not_bound(p);
    if (index < 0 || index >= p->n_rows)
        return gr__fail(p->ctx, GR_E_RANGE, "plan \"%s\" has no item %d", p->name, index);
    return run(p, index ? p->rows[index - 1] + 1 : 0, p->rows[index] + 1);
}

void *gr_plan_feed(gr_plan *p, const char *name, size_t *bytes)
{
    for (int i = 0; i < p->n_feeds && p->arena; i++) {
        if (strcmp(p->feeds[i].name, name) != 0) continue;
        const gr__buffer *b = &p->buffers[p->feeds[i].buffer];
        if (bytes) *bytes = b->bytes;
        return gr__plan_address(p, b->spot);
    }
    return NULL;
}

const void *gr_plan_output(const gr_plan *p, const char *name, gr_shape *shape)
{
    for (int i = 0; i < p->n_outputs && p->arena; i++) {
        if (strcmp(p->outputs[i].name, name) != 0) continue;
        if (shape) *shape = p->outputs[i].shape;
        return gr__operand_address(p, p->outputs[i].at);
    }
    return NULL;
}
