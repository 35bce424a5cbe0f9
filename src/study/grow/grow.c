/* Stage by stage: checks, a rate, trainings from several seeds, and the verdict on what was added. */
#include "study/grow/grow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What a design has to pass, and what layers may be wrong in: initial weights and gradients. */
static const char CHECKS[] = "T3,T4,T5,T6,T7,I1,I2,P4";
static const double FAR = 3;                           /* standard errors, beyond which a difference is no chance */
static const double LEAST = 0.005, LEAST_SHARE = 0.02; /* of an error: below that nothing is told */
static const double LOW = 0.02; /* a share of samples that is low, whatever it was before; as in diagnosis */
enum { RATES = 4 };             /* that a stage is trained at, at most: two powers of ten */

typedef struct growing {
    gr_context *ctx;
    const gr_grow_options *o;
    gr__bump *memory; /* of a stage */
    gr_grow_stage now, before;
    gr_kept_store start; /* where the last training began */
} growing;

/* The errors of a stage's trainings. */
typedef struct errors {
    double mean, scatter, validation;
    int64_t samples; /* that each is over */
} errors;

/* The first reason counts. */
static void fail_stage(growing *g, const char *format, ...) GR_PRINTF(2, 3);
static void fail_stage(growing *g, const char *format, ...)
{
    va_list args;
    if (g->now.failed) return;
    g->now.failed = true;
    va_start(args, format);
    gr__print_shown(g->now.why, sizeof g->now.why, format, args);
    va_end(args);
}

static void say(const growing *g, const char *what, double share)
{
    char text[200];
    snprintf(text, sizeof text, "stage %d, %.100s: %s", g->now.stage, g->now.net.added, what);
    gr__watch(g->o->watch, text, share);
}

/* ---- checks ---- */

static gr_status check(growing *g)
{
    gr_checked *all = gr__bump_alloc(g->memory, sizeof *all);
    const gr_check_options o = {.only = CHECKS, .skip = g->o->skip};
    if (!all) return GR_E_MEMORY;
    say(g, "checks", 0);
    gr_status st = gr__check_all(g->ctx, g->now.net.recipe, &o, g->memory, all);
    for (int i = 0; i < GR_CHECKS && st == GR_OK; i++) {
        const gr_finding *f = &all->finding[i];
        if (all->left_out[i]) continue;
        g->now.checks[g->now.n_checks++] = *f;
        if (f->verdict == GR_VERDICT_FAILED) fail_stage(g, "%s (%s) fails: %s", f->id, f->name, f->message);
    }
    return st;
}

/* ---- training ---- */

/* A training that leaves what is finite has no error. */
static gr_status train_once(growing *g, gr_steps *s, const gr_kept_store *fresh, int seed, double *error,
                            double *validation, int64_t *samples)
{
    const volatile sig_atomic_t *stop = g->o->stop;
    gr_status st = GR_OK;
    double cost = 0;
    *error = *validation = NAN;
    gr__store_restore(fresh);
    GR_TRY(gr__steps_restart(s, g->now.net.recipe->seed + (uint64_t)seed));
    gr__store_forget(&g->start);
    GR_TRY(gr__steps_keep(s, &g->start));
    for (int64_t i = 0; i < g->now.updates && st == GR_OK && isfinite(cost); i++) {
        if (i % 16 == 0) say(g, "training", ((double)i / (double)g->now.updates + seed) / g->o->seeds);
        st = stop && *stop ? GR_E_INTERRUPTED : gr__steps_at_rate(s, i, g->now.trying, &cost);
    }
    if (st != GR_OK || !isfinite(cost)) goto done;
    GR_TRY(gr__steps_judge(s, error, samples));
    if (s->validation) GR_TRY(gr__steps_validate(s, validation));
done:
    return st;
}

static gr_status train_all(growing *g, gr_steps *s, const gr_kept_store *fresh, errors *e)
{
    double error[GR_GROW_SEEDS], validation, squares = 0;
    gr_status st = GR_OK;
    *e = (errors){.scatter = NAN};
    for (int i = 0; i < g->o->seeds; i++) {
        GR_TRY(train_once(g, s, fresh, i, &error[i], &validation, &e->samples));
        e->mean += error[i] / g->o->seeds;
        e->validation += validation / g->o->seeds;
    }
    for (int i = 0; i < g->o->seeds; i++) squares += pow(error[i] - e->mean, 2);
    if (g->o->seeds > 1) e->scatter = sqrt(squares / (g->o->seeds - 1));
done:
    return st;
}

/* How far above the former stage's error this one's may be by chance. All errors are over the same samples, so that
 * seeds alone make a difference; with one seed nothing tells how large, but for how many samples there are. */
static double by_chance(const growing *g, const errors *e)
{
    double p = g->before.train_error, n = (double)GR_MAX(e->samples, 1), least = fmax(LEAST, LEAST_SHARE * p);
    if (g->o->seeds > 1)
        return FAR * sqrt((e->scatter * e->scatter + g->before.scatter * g->before.scatter) / g->o->seeds) + least;
    return (g->now.shares ? FAR * sqrt(2 * p * (1 - p) / n) : 0) + least;
}

/* The rates from the one that was found downwards, as long as the error falls, or is above the former stage's: what a
 * short trial bears may be too much for a long one. */
static gr_status train_at_rates(growing *g, gr_steps *s, const gr_kept_store *fresh, double *most)
{
    errors e, best = {.mean = NAN};
    gr_status st = GR_OK;
    for (int i = g->now.rates.best, tried = 0; i >= 0 && tried < RATES; i--, tried++) {
        double lr = g->now.rates.point[i].lr;
        g->now.trying = lr;
        GR_TRY(train_all(g, s, fresh, &e));
        bool better = isnan(best.mean) || e.mean < best.mean;
        if (!better && best.mean <= *most) break;
        if (!better || isnan(e.mean)) continue;
        best = e;
        g->now.lr = lr;
        *most = g->before.stage ? g->before.train_error + by_chance(g, &best) : INFINITY;
        if (g->now.shares) *most = fmax(*most, LOW);
    }
    g->now.train_error = best.mean, g->now.scatter = best.scatter, g->now.validation_error = best.validation;
done:
    return st;
}

/* Deeper networks take longer to begin with: what is not lowered is given more updates before it counts. */
static gr_status train(growing *g, gr_steps *s, const gr_kept_store *fresh)
{
    gr_status st = GR_OK;
    double most = INFINITY;
    for (int times = 1; times <= GR_GROW_LONGER; times *= 4) {
        g->now.updates = g->o->updates * times;
        GR_TRY(train_at_rates(g, s, fresh, &most));
        if (g->now.train_error <= most) return GR_OK;
    }
    if (isnan(g->now.train_error))
        fail_stage(g, "every rate leaves what is finite within %lld updates", (long long)g->now.updates);
    else
        fail_stage(g,
                   "the training error rises from %.4g to %.4g, by more than seeds scatter, though %lld updates were "
                   "made instead of %lld",
                   g->before.train_error, g->now.train_error, (long long)g->now.updates, (long long)g->o->updates);
done:
    return st;
}

/* ---- what did not move ---- */

static bool has(const gr_prefix *net, const char *parameter)
{
    for (int i = 0; i < net->n_layers; i++) {
        size_t n = strlen(net->layers[i]);
        if (strncmp(parameter, net->layers[i], n) == 0 && parameter[n] == '.') return true;
    }
    return false;
}

/* Weights of what was added that no update of the last training changed. */
static void look_for_still(growing *g, const gr_steps *s)
{
    size_t n;
    const gr_param_info *params = gr__network_params(s->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        const char *name = params[i].entry.name;
        if (params[i].is_bias || has(&g->before.net, name) || gr__store_moved(&g->start, name)) continue;
        fail_stage(g, "no update moves %s: %s", name,
                   gr__groups_freeze(&s->recipe->groups, name) ? "`groups` freezes it" : "no gradient reaches it");
    }
}

/* Units that start equal are told apart by nothing but what stands behind them. Of a last layer that is enough; of
 * others it hides what later stages fail by. */
static void look_for_equals(growing *g, const gr_steps *s)
{
    size_t n;
    const gr_param_info *params = gr__network_params(s->task.network, &n);
    for (size_t i = 0; i < n; i++) {
        const gr_param_info *p = &params[i];
        const gr_entry *e = gr_store_find(s->engine.store, p->entry.name);
        if (p->entry.role != GR_ROLE_WEIGHT || p->last || e->count < 2 || has(&g->before.net, p->entry.name)) continue;
        size_t one = gr_backend_real_bytes(s->task.backend), all = one * (size_t)e->count;
        if (memcmp(e->data, (const char *)e->data + one, all - one) != 0) continue;
        double first = one == sizeof(double) ? *(const double *)e->data : (double)*(const float *)e->data;
        fail_stage(g, "all numbers of %s are %g to begin with: `init` gives units nothing that tells them apart",
                   p->entry.name, first);
    }
}

/* ---- stages ---- */

static gr_status try_stage(growing *g)
{
    gr_steps s = {0};
    gr_kept_store fresh = {0};
    const gr_recipe *r = g->now.net.recipe;
    bool validated = r->data.validation || r->data.split_validation > 0;
    const gr_rates_options rates = {.updates = GR_MIN(100, g->o->updates), .stop = g->o->stop};
    gr_status st = GR_OK;
    say(g, "rates", 0);
    GR_TRY(gr__steps_open(g->ctx, r, GR_STEPS_JUDGED | (validated ? GR_STEPS_VALIDATED : 0), &s));
    look_for_equals(g, &s);
    if (g->now.failed) goto done;
    GR_TRY(gr__steps_keep(&s, &fresh));
    GR_TRY(gr__rates_try(&s, &rates, &g->now.rates));
    if (g->now.rates.best < 0) {
        fail_stage(g, "training diverges at every rate from %.0e to %.0e", g->now.rates.point[0].lr,
                   g->now.rates.point[g->now.rates.n - 1].lr);
        goto done;
    }
    GR_TRY(train(g, &s, &fresh));
    look_for_still(g, &s);
done:
    gr__store_forget(&fresh);
    gr__store_forget(&g->start);
    gr__steps_close(&s);
    return st;
}

/* Checks first, since what they find is said more plainly than by an error that does not fall. */
static gr_status one_stage(growing *g, gr_grown *out)
{
    gr_target_form form = g->now.net.recipe->head[0].reading.target;
    gr__bump *memory = gr__bump_create(g->ctx);
    gr_status st = memory ? GR_OK : GR_E_MEMORY;
    g->memory = memory;
    g->now.stage = g->before.stage + 1;
    g->now.lr = g->now.train_error = g->now.validation_error = g->now.scatter = NAN;
    g->now.shares = form == GR_FORM_CLASS || form == GR_FORM_LABELS;
    GR_TRY(check(g));
    if (!g->now.failed) GR_TRY(try_stage(g));
    out->stages = g->now.stage;
    out->reached = g->now.train_error < g->o->until;
    if (g->o->tell) GR_TRY(g->o->tell(g->o->user, &g->now));
    if (g->now.failed) {
        st = gr__fail(g->ctx, GR_E_CHECK, "stage %d, which adds %s: %s", g->now.stage, g->now.net.added, g->now.why);
        if (g->now.updates > g->o->updates)
            gr__error_hint(g->ctx, "a layer at fault, or too little training: --updates %lld tells which",
                           (long long)g->o->updates * 4);
    }
done:
    if (memory) gr__bump_destroy(memory);
    return st;
}

static gr_status next_stage(gr_prefixes *p, growing *g, bool *more)
{
    gr_status st = gr__prefixes_next(p, &g->now.net, more);
    if (st != GR_OK || *more || isnan(g->o->until) || p->wider == GR_GROW_WIDER) return st;
    *more = true;
    st = gr__prefixes_widen(p, &g->now.net);
    if (st == GR_OK && g->now.net.parameters == g->before.net.parameters) *more = false; /* nothing has a width */
    return st;
}

static gr_status unreached(const growing *g)
{
    gr__fail(g->ctx, GR_E_CHECK, "the training error is %.4g after %d stages, and was to be below %.4g",
             g->before.train_error, g->before.stage, g->o->until);
    gr__error_hint(g->ctx, "more --updates a stage, or a larger network to grow towards");
    return GR_E_CHECK;
}

gr_status gr__grow_network(gr_context *ctx, const gr_recipe *base, const gr_recipe *target, const gr_grow_options *o,
                           gr_grown *out)
{
    growing *g = gr__alloc(ctx, sizeof *g);
    gr_prefixes p = {0};
    gr_status st = GR_OK;
    bool more = true;
    *out = (gr_grown){0};
    if (!g) return GR_E_MEMORY;
    g->ctx = ctx, g->o = o;
    GR_TRY(gr__prefixes_open(ctx, base, target, &p));
    while (more && !out->reached) {
        g->now = (gr_grow_stage){0};
        st = next_stage(&p, g, &more);
        if (st == GR_OK && more) st = one_stage(g, out);
        if (g->now.net.recipe) gr__recipe_close(ctx, g->now.net.recipe);
        g->now.net.recipe = NULL;
        if (st != GR_OK) goto done;
        if (more) g->before = g->now;
    }
    if (!isnan(o->until) && !out->reached) st = unreached(g);
done:
    gr__prefixes_close(&p);
    gr__free(ctx, g, sizeof *g);
    return st;
}
