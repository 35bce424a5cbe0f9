/* The chain rule for one element, walked over the stages of its network. [mission P4, P5, FIG4.10] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/shape.h"
#include "model/stack.h"
#include "study/derivative/derivative.h"
#include "study/derivative/difference.h"
#include "study/derivative/stages.h"
#include "study/check/check.h"

static const double EXACT = 1e-10; /* relative: two orders of the same float64 products and sums */

typedef struct candidate {
    int reader;
    int64_t k;
    double local, slope;
} candidate; /* a term, or an element on the way, before it has a name */

typedef struct walk {
    gr_stages g;
    gr__bump *memory;
    int most;
    double **weight; /* of a place's elements: how much a change of the wanted one moves them along the terms shown; 0:
                        not on the way */
    double *column;  /* room for the largest place */
    int *first; /* a place's first step, and at the end how many there are, while they stand in the order of places */
    int64_t *element; /* of each step */
    bool consistent;  /* sums along what an element moves gave the slopes that came back from the cost */
    gr_derivative *out;
    int capacity; /* of rows */
} walk;

/* ---- the terms of one sum ---- */

static double size_of(const candidate *c)
{
    return fabs(c->slope * c->local);
}

/* Keeps the largest; of equal ones the earlier. */
static void keep(candidate *kept, int *n, int most, candidate c)
{
    int at = *n;
    while (at > 0 && size_of(&kept[at - 1]) < size_of(&c)) at--;
    if (at >= most) return;
    *n = GR_MIN(*n + 1, most);
    for (int i = *n - 1; i > at; i--) kept[i] = kept[i - 1];
    kept[at] = c;
}

static int by_place(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->reader != y->reader) return x->reader < y->reader ? -1 : 1;
    return x->k < y->k ? -1 : x->k > y->k;
}

/* Every element of the reader that moves with the one at hand. Where none does, as behind a ReLU that is off, the one
 * at the same position is the term, with its 0. */
static void collect(const walk *w, int reader, int read, int64_t element, candidate *kept, int *n, int64_t *all,
                    double *sum)
{
    const gr_place *u = &w->g.place[reader];
    int64_t before = *all;
    for (int64_t k = 0; k < u->count; k++) {
        if (w->column[k] == 0) continue;
        candidate c = {reader, k, w->column[k], u->slope[k]};
        keep(kept, n, w->most, c);
        *sum += c.local * c.slope;
        ++*all;
    }
    if (*all > before || !gr__shape_equal(u->shape, w->g.place[read].shape)) return;
    keep(kept, n, w->most, (candidate){reader, element, 0, u->slope[element]});
    ++*all;
}

static gr_status name_term(walk *w, int read, int64_t element, const candidate *c, gr_chain_term *t)
{
    char text[300];
    t->slope = c->slope;
    t->local = c->local;
    t->of = gr__bump_strdup(w->memory, gr__stages_name(&w->g, c->reader, c->k, text, sizeof text));
    gr_status st = gr__stages_factor(&w->g, c->reader, read, element, c->k, c->local, text, sizeof text);
    if (st != GR_OK) return st;
    t->factor = gr__bump_strdup(w->memory, text);
    return t->of && t->factor ? GR_OK : GR_E_MEMORY;
}

/* `dense "head"`, or `dense "a", add "sum"` where a sum goes over several stages. */
static const char *through(walk *w, const candidate *kept, int n)
{
    const char *text = "";
    for (int i = 0; i < n && text; i++) {
        const gr_place *u = &w->g.place[kept[i].reader];
        if (i > 0 && kept[i].reader == kept[i - 1].reader) continue;
        size_t length = strlen(u->name);
        if (length > 2 && strcmp(u->name + length - 2, ".z") == 0) length -= 2; /* the layer whose sums these are */
        text = gr__bump_format(w->memory, "%s%s%s \"%.*s\"", text, i ? ", " : "", u->through, (int)length, u->name);
    }
    return text;
}

/* Two ways to one number: along what the element moves, and back from the cost. */
static bool as_it_came_back(const gr_place *p, int64_t element, double slope)
{
    double scale = 0;
    if (!p->slope) return true; /* the parameter: held against the compiled gradient */
    for (int64_t k = 0; k < p->count; k++) scale = fmax(scale, fabs(p->slope[k]));
    return fabs(slope - p->slope[element]) <= EXACT * scale;
}

static gr_status add_step(walk *w, int read, int64_t element)
{
    gr_derivative *out = w->out;
    char text[300];
    candidate *kept = gr__bump_alloc(w->memory, sizeof *kept * (size_t)w->most);
    w->element[out->n_steps] = element;
    gr_chain_step *step = &out->step[out->n_steps++], s = {0};
    gr_status st = GR_OK;
    int64_t all = 0;
    if (!kept) return GR_E_MEMORY;
    for (int u = read + 1; u < w->g.n && st == GR_OK; u++) {
        if (!gr__stages_reads(&w->g, u, read)) continue;
        st = gr__stages_column(&w->g, u, read, element, w->column);
        if (st == GR_OK) collect(w, u, read, element, kept, &s.n, &all, &s.slope);
    }
    if (st != GR_OK) return st;
    qsort(kept, (size_t)s.n, sizeof *kept, by_place);
    s.term = gr__bump_alloc(w->memory, sizeof *s.term * (size_t)s.n);
    s.of = gr__bump_strdup(w->memory, gr__stages_name(&w->g, read, element, text, sizeof text));
    s.value = w->g.place[read].number[element];
    s.through = through(w, kept, s.n);
    if (!s.term || !s.of || !s.through) return GR_E_MEMORY;
    double shown = 0;
    for (int i = 0; i < s.n && st == GR_OK; i++) {
        st = name_term(w, read, element, &kept[i], &s.term[i]);
        shown += kept[i].local * kept[i].slope;
        w->weight[kept[i].reader][kept[i].k] += w->weight[read][element] * fabs(kept[i].local);
    }
    s.left_out = all - s.n;
    s.rest = s.left_out ? s.slope - shown : 0;
    w->consistent &= as_it_came_back(&w->g.place[read], element, s.slope);
    *step = s;
    return st;
}

/* ---- forward values ---- */

static gr_status add_row(walk *w, const char *name, double value)
{
    gr_derivative *d = w->out;
    for (int i = 0; i < d->n_forward; i++)
        if (strcmp(d->forward[i].name, name) == 0) return GR_OK;
    if (d->n_forward == w->capacity) return GR_OK;
    const char *kept = gr__bump_strdup(w->memory, name);
    if (!kept) return GR_E_MEMORY;
    d->forward[d->n_forward++] = (gr_forward_row){kept, value};
    return GR_OK;
}

/* What the cost reads the output as: of the outputs on the way where there is one each, else the first few of a single
 * sample. */
static gr_status add_predictions(walk *w)
{
    int last = w->g.n - 2;
    const gr_place *p = &w->g.place[last];
    int64_t width = gr_shape_count(w->g.prediction_shape);
    char name[300], of[300];
    gr_status st = GR_OK;
    if (gr__shape_equal(p->shape, w->g.prediction_shape)) {
        for (int i = w->first[last]; i < w->out->n_steps && st == GR_OK; i++) {
            const char *index = strchr(gr__stages_name(&w->g, last, w->element[i], of, sizeof of), '[');
            snprintf(name, sizeof name, "prediction%.200s", index ? index : "");
            st = add_row(w, name, w->g.prediction[w->element[i]]);
        }
        return st;
    }
    for (int64_t i = 0; w->g.s->batch.n == 1 && i < width && i < w->most && st == GR_OK; i++) {
        snprintf(name, sizeof name, "prediction[%lld]", (long long)i);
        st = add_row(w, name, w->g.prediction[i]);
    }
    return st;
}

static gr_status add_targets(walk *w)
{
    const gr_slopes *s = w->g.s;
    const gr_field *y = gr__set_target(s->task.set_of[GR_PART_TRAIN], 0);
    const void *data = s->batch.field[s->recipe.n_inputs];
    bool classes = y->kind == GR_TARGET_CLASS;
    int64_t n = gr_shape_count(y->sample);
    char name[64];
    gr_status st = GR_OK;
    for (int64_t i = 0; s->batch.n == 1 && i < n && i < w->most && st == GR_OK; i++) {
        snprintf(name, sizeof name, classes ? "target class" : "target[%lld]", (long long)i);
        st = add_row(w, name, gr__element_at(classes ? GR_EL_I32 : GR_EL_F64, data, i));
    }
    return st;
}

/* The weight, what it multiplies, then the values on the way, in the order they are computed. */
static gr_status tell_forward(walk *w)
{
    gr_derivative *d = w->out;
    const gr_chain_step *wanted = &d->step[0];
    gr_status st = GR_OK;
    w->capacity = d->n_steps + 5 * w->most;
    if (!(d->forward = gr__bump_alloc(w->memory, sizeof *d->forward * (size_t)w->capacity))) return GR_E_MEMORY;
    for (int i = 0; i < wanted->n; i++)
        if (wanted->term[i].factor[0]) GR_TRY(add_row(w, wanted->term[i].factor, wanted->term[i].local));
    for (int i = 0; i < d->n_steps; i++) GR_TRY(add_row(w, d->step[i].of, d->step[i].value));
    if (w->g.s->recipe.n_heads == 1) GR_TRY(add_predictions(w));
    if (w->g.s->recipe.n_heads == 1) GR_TRY(add_targets(w));
done:
    return st;
}

/* ---- from place to place ---- */

/* A step for those elements of the place that matter most of what earlier steps have shown. */
static gr_status walk_place(walk *w, int place)
{
    const gr_place *p = &w->g.place[place];
    candidate *kept = gr__bump_alloc(w->memory, sizeof *kept * (size_t)w->most);
    gr_status st = GR_OK;
    int n = 0;
    if (!kept) return GR_E_MEMORY;
    w->first[place] = w->out->n_steps;
    for (int64_t k = 0; k < p->count; k++)
        if (w->weight[place][k] > 0)
            keep(kept, &n, w->most, (candidate){place, k, w->weight[place][k], p->slope ? p->slope[k] : 1});
    qsort(kept, (size_t)n, sizeof *kept, by_place);
    for (int i = 0; i < n && st == GR_OK; i++) st = add_step(w, place, kept[i].k);
    return st;
}

static gr_status open_walk(walk *w, int64_t element)
{
    int64_t most = 1;
    int n = w->g.n;
    w->weight = gr__bump_alloc(w->memory, sizeof *w->weight * (size_t)n);
    if (!w->weight) return GR_E_MEMORY;
    for (int i = 0; i < n; i++) {
        w->weight[i] = gr__bump_alloc(w->memory, sizeof **w->weight * (size_t)w->g.place[i].count);
        if (!w->weight[i]) return GR_E_MEMORY;
        most = GR_MAX(most, w->g.place[i].count);
    }
    w->weight[0][element] = 1;
    w->column = gr__bump_alloc(w->memory, sizeof *w->column * (size_t)most);
    w->first = gr__bump_alloc(w->memory, sizeof *w->first * (size_t)n);
    w->out->step = gr__bump_alloc(w->memory, sizeof *w->out->step * (size_t)n * (size_t)w->most);
    w->element = gr__bump_alloc(w->memory, sizeof *w->element * (size_t)n * (size_t)w->most);
    return w->column && w->first && w->element && w->out->step ? GR_OK : GR_E_MEMORY;
}

/* Found from the weight on, told from the cost back. */
static gr_status turn(walk *w)
{
    gr_derivative *d = w->out;
    int last = w->g.n - 1, n = 0;
    gr_chain_step *turned = gr__bump_alloc(w->memory, sizeof *turned * (size_t)d->n_steps);
    if (!turned) return GR_E_MEMORY;
    w->first[last] = d->n_steps;
    for (int i = last - 1; i >= 0; i--)
        for (int k = w->first[i]; k < w->first[i + 1]; k++) turned[n++] = d->step[k];
    d->step = turned;
    d->chain = turned[n - 1].slope;
    return GR_OK;
}

static gr_status walk_all(walk *w, int64_t element)
{
    gr_status st = open_walk(w, element);
    for (int i = 0; i < w->g.n - 1 && st == GR_OK; i++) st = walk_place(w, i);
    if (st == GR_OK) st = tell_forward(w);
    return st == GR_OK ? turn(w) : st;
}

/* ---- beside it: the compiled gradient, the difference, what a whole backward pass takes ---- */

static gr_status compare(gr_slopes *s, gr_derivative *d)
{
    const gr_target_element *e = &d->element;
    const gr_entry *entry = gr_store_find(s->store, s->params[e->parameter].entry.name);
    gr_status st = gr__slopes_run(s, s->slope, &d->cost);
    if (st != GR_OK) return st;
    const double *gradient = gr__slopes_gradient(s, e->parameter);
    double scale = gr__slopes_scale(gradient, entry->count, d->cost);
    d->compiled = gradient[e->offset];
    d->tolerance = GR_GRADIENT_LIMIT * scale;
    gr_difference difference;
    const double along = 1;
    double kept;
    st = gr__difference(s, &(gr_line){(double *)entry->data + e->offset, &along, &kept, 1}, d->compiled,
                        0.1 * d->tolerance, d->tolerance, &difference);
    d->difference = difference.value;
    d->agree = fabs(d->chain - d->compiled) <= EXACT * scale && fabs(d->difference - d->compiled) <= d->tolerance;
    return st;
}

static void count(const gr_plan *p, double *all, double *products)
{
    *all = *products = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) {
        gr_plan_row r = gr_plan_row_at(p, i);
        *all += r.flops;
        *products += r.products;
    }
}

static void count_operations(const gr_slopes *s, gr_derivative *d)
{
    double forward, whole, forward_products, products;
    count(s->cost, &forward, &forward_products);
    count(s->slope, &whole, &products);
    d->forward_operations = forward;
    d->backward_operations = whole - forward; /* the plan of gradients computes the cost as well */
    d->backward_products = products - forward_products;
    d->parameters = gr__network_parameter_count(s->task.network);
}

/* ---- all of it ---- */

static gr_status describe(const gr_slopes *s, gr__bump *memory, gr_derivative *d)
{
    const gr_entry_spec *e = &s->params[d->element.parameter].entry;
    const gr_stack *stack = s->recipe.stack;
    d->shape = gr__file_shape(e);
    d->kind = d->layer = "";
    for (int i = 0; i < stack->n; i++) {
        size_t n = strlen(stack->layer[i].name);
        if (strncmp(e->name, stack->layer[i].name, n) != 0 || e->name[n] != '.' || n <= strlen(d->layer))
            continue; /* the longest name that fits */
        d->kind = stack->layer[i].member->head.name;
        if (!(d->layer = gr__bump_strdup(memory, stack->layer[i].name))) return GR_E_MEMORY;
    }
    d->cost_name = s->recipe.n_heads > 1 ? "heads" : s->recipe.head[0].cost->head.name;
    d->reduction = s->recipe.reduction_sum ? "sum" : "mean";
    d->samples = s->batch.n;
    uint32_t *row = gr__bump_alloc(memory, sizeof *row * (size_t)s->batch.n);
    if (!row) return GR_E_MEMORY;
    memcpy(row, s->batch.row, sizeof *row * (size_t)s->batch.n);
    d->row = row;
    return GR_OK;
}

gr_status gr__derivative(gr_context *ctx, const gr_recipe *r, const gr_derivative_options *o, gr__bump *memory,
                         gr_derivative *out)
{
    gr_slopes s = {0};
    gr_derivative d = {0};
    walk w = {.memory = memory, .most = o->most, .consistent = true, .out = &d};
    gr_status st = GR_OK;
    char text[300];
    GR_TRY(gr__slopes_open(ctx, r,
                           &(gr_slopes_options){.mode = o->mode,
                                                .batch = o->batch,
                                                .exact = true,
                                                .in_order = true,
                                                .first = o->first,
                                                .as_trained = true,
                                                .model = o->model},
                           &s));
    GR_TRY(gr__derivative_find(ctx, o->what, s.params, s.n, memory, &d.element));
    GR_TRY(describe(&s, memory, &d));
    GR_TRY(gr__stages_open(&s, s.params[d.element.parameter].entry.name, memory, &w.g));
    d.element.name = gr__bump_strdup(memory, gr__stages_name(&w.g, 0, d.element.offset, text, sizeof text));
    if (!d.element.name) GR_TRY(GR_E_MEMORY);
    GR_TRY(walk_all(&w, d.element.offset));
    GR_TRY(compare(&s, &d));
    d.agree &= w.consistent;
    count_operations(&s, &d);
    *out = d;
done:
    gr__stages_close(&w.g);
    gr__slopes_close(&s);
    return st;
}
