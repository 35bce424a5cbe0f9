/* Schedules: the rate of every update, and where training stops. */
#include "support/case_schedule.h"

/* Evaluations of a case, one each `every` updates; false: the member stopped where the evidence goes on, or the other
 * way round. */
static bool ev_observe(const ev_case *c, const gr_sched *s, const gr_rate *r, double *state)
{
    const ev_tensor *train = ev_find(c, "train"), *validation = ev_find(c, "validation");
    int64_t every = train ? (int64_t)ev_number(c, "every") : 0, k = every ? r->t / every - 1 : -1;
    if (!every || r->t % every != 0 || k >= train->n) return true;
    gr_observation o = {.train_cost = train->v[k], .validation_error = validation ? validation->v[k] : (double)NAN};
    return gr__sched_observe(s, r, &o, state) == (ev_find(c, "stop") && ev_number(c, "stop") == (double)(k + 1));
}

static bool ev_schedule_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_schedule *m = member;
    gr_sched s;
    double state[GR_SCHEDULE_STATE];
    const ev_tensor *rate = ev_find(c, "rate");
    gr_rate r = {.lr = ev_number(c, "lr"),
                 .total = (int64_t)ev_number(c, "total"),
                 .updates_per_epoch = ev_number(c, "updates_per_epoch"),
                 .state = state};
    if (!rate || gr__sched_make(b->ctx, b->memory, b->tree, GR_PRESET_CHAPTER, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    s.member = m;
    gr__sched_begin(&s, state);
    if (gr__sched_check_rate(b->ctx, &s, r.lr) != GR_OK) return ev_failed(v, b->ctx, c, "rate");
    if (gr__sched_check(b->ctx, &s, &r) != GR_OK) return ev_failed(v, b->ctx, c, "check");
    for (r.t = 0; r.t < rate->n; r.t++) {
        char what[48];
        snprintf(what, sizeof what, "rate of update %d", (int)r.t);
        if (r.t && !ev_observe(c, &s, &r, state))
            return ev_bad(v, c, what, "training stops at another evaluation than in the evidence");
        double got = gr__sched_rate(&s, &r);
        if (!ev_near(v, c, what, &got, &rate->v[r.t], 1, b->tolerance)) return false;
    }
    return true;
}

bool check_schedule(const gr_schedule *m, const evidence *e, verdict *v)
{
    return ev_check(ev_schedule_case, m, e, NULL, 1e-12, v);
}
