/* Tracing: two recipes trained side by side, operation by operation, up to the first result that differs. [mission X11]
 * Both run unfused, which has the bits of the fused step; after every operation what both wrote is compared before
 * either goes on. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/shape.h"
#include "study/steps/steps.h"
#include "study/derivative/trace.h"

typedef struct side {
    gr_steps run;
    bool diverged;
} side;

typedef struct tracer {
    side s[2];
    const gr_trace_options *o;
    gr_trace_result *r;
    int item; /* of the step, over its plans */
} tracer;

/* ---- comparing ---- */

static double number(const gr_plan_view *v, int64_t i)
{
    if (v->dtype == GR_U8) return ((const uint8_t *)v->data)[i];
    if (v->dtype == GR_I32) return ((const int32_t *)v->data)[i];
    return v->element_bytes == sizeof(float) ? ((const float *)v->data)[i] : ((const double *)v->data)[i];
}

static void position_text(gr_shape shape, int64_t at, char *text, size_t size)
{
    int64_t place[GR_MAX_RANK];
    size_t n = (size_t)snprintf(text, size, "[");
    for (int i = shape.rank - 1; i >= 0; i--) {
        place[i] = at % shape.dim[i];
        at /= shape.dim[i];
    }
    for (int i = 0; i < shape.rank; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%lld", i ? "," : "", (long long)place[i]);
    snprintf(text + n, size - n, "]");
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* The least that differences are held against: what is smaller than every float32 has faded to zero where one of the
 * runs computes in that, and not in the other. */
static double least_scale(const tracer *t)
{
    for (int k = 0; k < 2; k++)
        if (gr_backend_real_bytes(t->s[k].run.task.backend) == sizeof(float)) return (double)FLT_MIN;
    return 0;
}

/* Are the values equal, within the tolerance? Else the place of the largest difference is kept. */
static bool values_agree(tracer *t, const gr_plan_view *a, const gr_plan_view *b)
{
    int64_t n = gr_shape_count(a->shape), at = -1;
    double scale = least_scale(t), most = -1;
    t->r->compared += n;
    if (a->element_bytes == b->element_bytes && memcmp(a->data, b->data, (size_t)n * a->element_bytes) == 0)
        return true;
    for (int64_t i = 0; i < n; i++) {
        double x = fabs(number(a, i)), y = fabs(number(b, i));
        if (isfinite(x)) scale = fmax(scale, x);
        if (isfinite(y)) scale = fmax(scale, y);
    }
    for (int64_t i = 0; i < n; i++) {
        double x = number(a, i), y = number(b, i),
               d = same(x, y)                   ? 0
                   : isfinite(x) && isfinite(y) ? fabs(x - y) / scale
                                                : INFINITY;
        /* Without a tolerance every bit counts: a denormal, or a zero's sign, too. */
        bool differs = t->o->tolerance > 0 ? d > t->o->tolerance : !same(x, y) || signbit(x) != signbit(y);
        if (differs && d > most) most = d, at = i;
    }
    if (at < 0) return true;
    t->r->compared -= n;
    t->r->a = number(a, at);
    t->r->b = number(b, at);
    t->r->relative = most;
    position_text(a->shape, at, t->r->position, sizeof t->r->position);
    return false;
}

static void name_difference(tracer *t, int item, const char *scope, const char *operation)
{
    t->r->differs = true;
    t->r->item = item;
    snprintf(t->r->scope, sizeof t->r->scope, "%s", scope);
    snprintf(t->r->operation, sizeof t->r->operation, "%s", operation);
}

/* The two are not the same program, or not fed the same amount. */
static void name_shapes(tracer *t, int item, const char *scope, const char *operation, const char *a, const char *b)
{
    name_difference(t, item, scope, operation);
    t->r->shape = true;
    t->r->a = t->r->b = t->r->relative = NAN;
    snprintf(t->r->note, sizeof t->r->note, "%s against %s", a, b);
}

static bool views_agree(tracer *t, int item, const gr_plan_view *a, const gr_plan_view *b)
{
    char one[160], two[160], shape[96];
    if (strcmp(a->operation, b->operation) != 0 || strcmp(a->scope, b->scope) != 0 || a->dtype != b->dtype ||
        !gr__shape_equal(a->shape, b->shape)) {
        snprintf(one, sizeof one, "%.48s of %s%s%.24s", a->operation, gr__shape_text(a->shape, shape),
                 a->scope[0] ? " in " : "", a->scope);
        snprintf(two, sizeof two, "%.48s of %s%s%.24s", b->operation, gr__shape_text(b->shape, shape),
                 b->scope[0] ? " in " : "", b->scope);
        name_shapes(t, item, a->scope, a->operation, one, two);
    } else if (!values_agree(t, a, b)) {
        name_difference(t, item, a->scope, a->operation);
    }
    return !t->r->differs;
}

/* ---- what a step starts from ---- */

static bool entries_agree(tracer *t)
{
    const gr_store *a = t->s[0].run.engine.store, *b = t->s[1].run.engine.store;
    char name[160], one[32], two[32];
    if (gr_store_count(a) != gr_store_count(b)) {
        snprintf(one, sizeof one, "%d tensors", gr_store_count(a));
        snprintf(two, sizeof two, "%d", gr_store_count(b));
        name_shapes(t, -1, "", "parameters and slots", one, two);
    }
    for (int i = 0; i < gr_store_count(a) && !t->r->differs; i++) {
        const gr_entry *x = gr_store_entry(a, i), *y = gr_store_entry(b, i);
        snprintf(name, sizeof name, "%s \"%.120s\"", x->spec.slot ? "slot" : "parameter", x->spec.name);
        if (strcmp(x->spec.name, y->spec.name) != 0 || !gr__shape_equal(x->spec.shape, y->spec.shape)) {
            name_shapes(t, -1, "", name, x->spec.name,
                        strcmp(x->spec.name, y->spec.name) != 0 ? y->spec.name : "another shape");
            break;
        }
        size_t wide[2] = {x->spec.shape.rank ? gr_backend_real_bytes(t->s[0].run.task.backend) : 8,
                          x->spec.shape.rank ? gr_backend_real_bytes(t->s[1].run.task.backend) : 8};
        gr_plan_view u = {"", name, GR_REAL, x->spec.shape, wide[0], x->data},
                     v = {"", name, GR_REAL, x->spec.shape, wide[1], y->data};
        views_agree(t, -1, &u, &v);
    }
    return !t->r->differs;
}

static gr_plan_view feed_view(const char *what, gr_element e, gr_shape sample, int64_t n, const void *data)
{
    gr_shape s = {.rank = GR_MIN(sample.rank + 1, GR_MAX_RANK), .dim = {n}};
    for (int i = 1; i < s.rank; i++) s.dim[i] = sample.dim[i - 1];
    return (gr_plan_view){
        "", what, e == GR_EL_U8 ? GR_U8 : e == GR_EL_I32 ? GR_I32 : GR_REAL, s, gr__element_bytes(e), (void *)data};
}

/* Is the field cut to the steps of the batch's bucket? */
static bool is_cut(const gr_steps *run, int i)
{
    const gr_buckets *b = &run->task.buckets;
    const gr_field *f = &run->task.set_of[GR_PART_TRAIN]->field[i];
    if (run->stepper.batch.steps == 0) return false;
    if (f->role == GR_FIELD_INPUT) return i == b->input;
    return f->role == GR_FIELD_TARGET && (b->targets >> (i - run->recipe->n_inputs) & 1);
}

/* Field i of the set, in a batch as its plan takes it. data NULL: the plan reads none. */
static gr_plan_view field_view(const gr_steps *run, int i, char what[GR_FEED_TEXT + 8])
{
    const gr_set *set = run->task.set_of[GR_PART_TRAIN];
    const gr_field *f = &set->field[i];
    char feed[GR_FEED_TEXT];
    bool whole = f->kind == GR_TARGET_CLASS || f->role == GR_FIELD_LENGTH;
    gr_element e = f->role == GR_FIELD_INPUT ? run->task.delivery[i].as : whole ? GR_EL_I32 : gr__task_real(&run->task);
    gr_shape sample = f->role == GR_FIELD_INPUT ? gr__task_sample(&run->task, i) : f->sample;
    if (is_cut(run, i)) sample.dim[0] = run->stepper.batch.steps;
    snprintf(what, GR_FEED_TEXT + 8, "feed \"%s\"", gr__feed_of(f->role, f->name, feed));
    return feed_view(what, e, sample, run->stepper.batch.n, run->stepper.batch.field[gr__set_place(set, i)]);
}

static bool batches_agree(tracer *t)
{
    const gr_steps *one = &t->s[0].run, *two = &t->s[1].run;
    int n = gr__set_fields(one->task.set_of[GR_PART_TRAIN]), m = gr__set_fields(two->task.set_of[GR_PART_TRAIN]);
    char a[GR_FEED_TEXT + 8], b[GR_FEED_TEXT + 8];
    if (n != m) {
        snprintf(a, sizeof a, "%d fields", n);
        snprintf(b, sizeof b, "%d", m);
        name_shapes(t, -1, "", "batches", a, b);
    }
    for (int i = 0; i < n && !t->r->differs; i++) {
        gr_plan_view x = field_view(one, i, a), y = field_view(two, i, b);
        if (x.data && y.data)
            views_agree(t, t->item ? t->item : -1, &x, &y);
        else if (x.data || y.data)
            name_shapes(t, -1, "", a, x.data ? "read" : "not read", y.data ? "read" : "not read");
    }
    return !t->r->differs;
}

/* ---- running ---- */

/* Runs a side from item `*index` up to and with the next that writes something to look at, *at; -1: there is none. What
 * is only copied into the store has been looked at where it was made, and how much is copied may depend on the backend.
 */
static gr_status advance(tracer *t, int i, int *index, int *at)
{
    side *s = &t->s[i];
    gr_plan *p = s->run.stepper.plan->plan;
    *at = -1;
    for (; *index < gr_plan_rows(p) && *at < 0; ++*index) {
        gr_status st = gr_plan_run_item(p, *index);
        if (st == GR_E_DIVERGED) {
            gr_context_clear_error(s->run.ctx);
            s->diverged = true;
            return GR_OK;
        }
        if (st != GR_OK) return st;
        for (int k = 0; k < gr_plan_views(p, *index); k++) {
            gr_plan_view v = gr_plan_view_at(p, *index, k);
            *at = *index;
            if (t->o->touch) t->o->touch(t->o->user, i, t->r->step, t->item, k, &v);
        }
    }
    return GR_OK;
}

static int views(const side *s, int index)
{
    return gr_plan_views(s->run.stepper.plan->plan, index);
}

/* Items at[0] and at[1] have run; -1: that side has come to its end. */
static bool outputs_agree(tracer *t, const int at[2])
{
    char one[32], two[32];
    int n = views(&t->s[0], at[0]), m = views(&t->s[1], at[1]);
    for (int k = 0; k < GR_MIN(n, m); k++) {
        gr_plan_view x = gr_plan_view_at(t->s[0].run.stepper.plan->plan, at[0], k),
                     y = gr_plan_view_at(t->s[1].run.stepper.plan->plan, at[1], k);
        if (!views_agree(t, t->item, &x, &y)) return false;
    }
    if (n == m) return true;
    snprintf(one, sizeof one, "%d results", n);
    snprintf(two, sizeof two, "%d", m);
    gr_plan_row row = gr_plan_row_at(t->s[n > m ? 0 : 1].run.stepper.plan->plan, at[n > m ? 0 : 1]);
    name_shapes(t, t->item, row.scope, row.kernel, one, two);
    return false;
}

static gr_status run_plans(tracer *t)
{
    int next[2] = {0, 0}, at[2];
    gr_status st = GR_OK;
    for (;;) {
        for (int i = 0; i < 2; i++) GR_TRY(advance(t, i, &next[i], &at[i]));
        t->r->diverged = t->s[0].diverged && t->s[1].diverged;
        if (t->r->diverged) return GR_OK;
        if (t->s[0].diverged || t->s[1].diverged) {
            name_shapes(t, t->item, "", "guard", t->s[0].diverged ? "not finite" : "finite",
                        t->s[1].diverged ? "not finite" : "finite");
            return GR_OK;
        }
        if ((at[0] < 0 && at[1] < 0) || !outputs_agree(t, at)) return GR_OK;
        t->item++;
    }
done:
    return st;
}

/* One has something to run that the other has not: an action is due here, and not there. */
static bool runs_agree(tracer *t, const bool more[2])
{
    const gr_engine_plan *p[2] = {t->s[0].run.stepper.plan, t->s[1].run.stepper.plan};
    const char *name[2];
    for (int i = 0; i < 2; i++) name[i] = more[i] ? gr__engine_plan_name(&t->s[i].run.engine, p[i]) : NULL;
    if (!name[0] || !name[1])
        name_shapes(t, t->item, "", name[0] ? name[0] : name[1], name[0] ? "due" : "not due",
                    name[1] ? "due" : "not due");
    else if (strcmp(name[0], name[1]) != 0)
        name_shapes(t, t->item, "", name[0], name[0], name[1]);
    return !t->r->differs;
}

/* The runs that both steppers were set to, side by side. */
static gr_status run_side_by_side(tracer *t)
{
    gr_status st = GR_OK;
    while (!t->r->differs && !t->r->diverged) {
        bool more[2];
        for (int i = 0; i < 2; i++) GR_TRY(gr__stepper_next(&t->s[i].run.stepper, &more[i]));
        if (!more[0] && !more[1]) break;
        if (!runs_agree(t, more)) break;
        if (t->s[0].run.stepper.takes_batch && !batches_agree(t)) break;
        GR_TRY(run_plans(t));
    }
done:
    return st;
}

static gr_status one_update(tracer *t)
{
    t->item = 0;
    for (int i = 0; i < 2; i++) gr__stepper_begin(&t->s[i].run.stepper, t->r->step - 1);
    return run_side_by_side(t);
}

static gr_status act_first(tracer *t)
{
    for (int i = 0; i < 2; i++) gr__stepper_begin_actions(&t->s[i].run.stepper, 0);
    return run_side_by_side(t);
}

gr_status gr__trace(gr_context *const ctx[2], const gr_recipe *const recipe[2], const gr_trace_options *o,
                    gr_trace_result *out)
{
    tracer t = {.o = o, .r = out};
    gr_status st = GR_OK;
    *out = (gr_trace_result){.item = -1, .step = 1};
    for (int i = 0; i < 2; i++) GR_TRY(gr__steps_open(ctx[i], recipe[i], GR_STEPS_UNFUSED, &t.s[i].run));
    if (recipe[0]->accumulate != recipe[1]->accumulate) {
        char one[48], two[32];
        snprintf(one, sizeof one, "%lld micro-batches an update", (long long)recipe[0]->accumulate);
        snprintf(two, sizeof two, "%lld", (long long)recipe[1]->accumulate);
        name_shapes(&t, -1, "", "accumulate", one, two);
    }
    if (out->differs || !entries_agree(&t)) goto done;
    GR_TRY(act_first(&t));
    for (int64_t k = 1; k <= o->steps && !out->differs && !out->diverged; k++) {
        out->step = k;
        GR_TRY(one_update(&t));
    }
done:
    for (int i = 0; i < 2; i++) gr__steps_close(&t.s[i].run);
    return st;
}
