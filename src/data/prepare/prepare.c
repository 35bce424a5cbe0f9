/* Preparation: the list of a recipe fitted step by step, as graph, and as it stands in model files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/data.h"

/* ---- fitting ---- */

static gr_status find(gr_context *ctx, const gr_tree *tree, const gr_prepare **out)
{
    const gr_tree *type = tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    if (!type || type->kind != GR_TREE_TEXT)
        return gr__tree_fail(ctx, tree, GR_E_TYPE, "write standardize, or {type: scale, by: 1/255}",
                             "a step of preparation needs a \"type\"");
    const gr_member *found;
    gr_status st = gr__family_named(ctx, &gr__family_prepare, "prepare", type->text, type, &found);
    if (st == GR_OK) *out = (const gr_prepare *)found;
    return st;
}

/* The steps of `prepare:`: a list, or a single one. */
static int count_steps(const gr_tree *list)
{
    return gr__tree_none(list) ? 0 : list->kind == GR_TREE_LIST ? list->n : 1;
}

static const gr_tree *step_at(const gr_tree *list, int i)
{
    return list->kind == GR_TREE_LIST ? list->child[i] : list;
}

static bool fills(const gr_member *m)
{
    return m && ((const gr_prepare *)m)->fills;
}

static bool has_filling(const gr_context *ctx, const gr_tree *list)
{
    for (int i = 0; i < count_steps(list); i++)
        if (fills(gr__family_peek(ctx, &gr__family_prepare, step_at(list, i)))) return true;
    return false;
}

/* The step that fills missing values, as a recipe would name it. */
static gr_status make_filling(gr_context *ctx, gr__bump *b, gr_tree **out)
{
    const gr_family *f = &gr__family_prepare;
    for (int i = 0; i < f->n; i++) /* the build's own */
        if (fills(f->head[i])) return (*out = gr__tree_text(b, f->head[i]->name)) ? GR_OK : GR_E_MEMORY;
    return gr__fail(ctx, GR_E_INTERNAL, "no step of preparation fills missing values");
}

static gr_status fit_step(gr_context *ctx, gr__bump *b, const gr_tree *step, const gr_field *x, const gr_rows *train,
                          gr_shape input, gr_prepared *all, int *n)
{
    const gr_prepare *member = NULL;
    gr_settings s;
    gr_prepared *p = &all[*n];
    gr_status st = find(ctx, step, &member);
    if (st == GR_OK) st = gr__settings_make(ctx, b, &member->head, step, GR_PRESET_CHAPTER, NULL, &s);
    if (st == GR_OK) st = member->fit(ctx, b, &s, x, train, all, *n, input, p);
    if (st != GR_OK) return st;
    snprintf(p->kind, sizeof p->kind, "%s", member->head.name);
    ++*n;
    return GR_OK;
}

static gr_status fit(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_field *x, const gr_rows *train,
                     bool missing, gr_shape input, gr_prepared **out, int *n)
{
    int steps = count_steps(list), made = 0;
    bool added = missing && !has_filling(ctx, list);
    gr_prepared *all = gr__bump_alloc(b, (size_t)(steps + 1) * sizeof *all);
    if (!all) return gr__error_code(ctx);
    gr_status st = GR_OK;
    if (added) {
        gr_tree *step = NULL;
        st = make_filling(ctx, b, &step);
        if (st == GR_OK) st = fit_step(ctx, b, step, x, train, input, all, &made);
    }
    for (int i = 0; i < steps && st == GR_OK; i++) st = fit_step(ctx, b, step_at(list, i), x, train, input, all, &made);
    if (st != GR_OK) return st;
    *out = all;
    *n = made;
    return GR_OK;
}

gr_status gr__prepare_fit(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_field *x, const gr_rows *train,
                          gr_shape model_input, gr_prepared **out, int *n)
{
    return fit(ctx, b, list, x, train, x->missing, model_input, out, n);
}

gr_status gr__prepare_placeholder_for(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_shape model_input,
                                      const gr_field *x, gr_prepared **out, int *n)
{
    return fit(ctx, b, list, NULL, NULL, x && x->missing, model_input, out, n);
}

gr_status gr__prepare_placeholder(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_shape model_input,
                                  gr_prepared **out, int *n)
{
    return gr__prepare_placeholder_for(ctx, b, list, model_input, NULL, out, n);
}

gr_status gr__prepare_resolve(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_tree **out)
{
    gr_tree *all = gr__tree_list(b);
    if (!all) return gr__error_code(ctx);
    for (int i = 0; i < count_steps(list); i++) {
        const gr_prepare *member = NULL;
        gr_settings s;
        gr_status st = find(ctx, step_at(list, i), &member);
        if (st == GR_OK) st = gr__settings_make(ctx, b, &member->head, step_at(list, i), GR_PRESET_CHAPTER, NULL, &s);
        if (st != GR_OK) return st;
        if (!gr__tree_push(b, all, gr__settings_tree(b, &s))) return gr__error_code(ctx);
    }
    *out = all;
    return GR_OK;
}

/* ---- as graph ---- */

/* Values that broadcast against x [batch, sample]: one, one a channel, or one an element. */
static gr_val values_for(gr_graph *g, gr_val x, int n, const double *values)
{
    gr_shape all = gr_shape_of(g, x), one = {.rank = all.rank - 1};
    if (n == 1) return gr_const(g, values[0]);
    if (all.rank > 1 && all.dim[all.rank - 1] == n) return gr_const_tensor(g, GR_SHAPE(n), values);
    for (int i = 1; i < all.rank; i++) one.dim[i - 1] = all.dim[i];
    if (all.rank < 1 || gr_shape_count(one) != n)
        return gr_graph_fail(g, GR_E_SHAPE, "preparation has %d values for samples of %lld", n,
                             (long long)gr_shape_count(one));
    return gr_const_tensor(g, one, values);
}

gr_val gr__prepare_build(gr_graph *g, const gr_prepared *p, int n, gr_val x)
{
    x = gr_real(g, x);
    for (int i = 0; i < n && x != GR_NONE; i++) {
        gr_scope_push(g, "prepare", p[i].kind);
        if (p[i].fill)
            x = gr_select(g, gr_equal(g, x, x), x,
                          gr_broadcast(g, values_for(g, x, p[i].n, p[i].fill), gr_shape_of(g, x)));
        if (p[i].sub) x = gr_sub(g, x, values_for(g, x, p[i].n, p[i].sub));
        if (p[i].mul) x = gr_mul(g, x, values_for(g, x, p[i].n, p[i].mul));
        gr_scope_pop(g);
    }
    return x;
}

/* ---- in model files ---- */

static const char *const fields[] = {"sub", "mul", "fill", "mean", "std"};

static double **field(gr_prepared *p, int i)
{
    double **const all[] = {&p->sub, &p->mul, &p->fill, &p->mean, &p->std};
    return all[i];
}

static gr_tree *numbers(gr__bump *b, const double *x, int n)
{
    gr_tree *list = gr__tree_list(b);
    char text[32];
    for (int i = 0; i < n; i++) {
        if (!gr__tree_push(b, list, gr__tree_scalar(b, gr__double_text(x[i], text)))) return NULL;
    }
    return list;
}

gr_tree *gr__prepare_tree(gr__bump *b, const gr_prepared *p, int n)
{
    gr_tree *list = gr__tree_list(b);
    for (int i = 0; i < n; i++) {
        gr_prepared step = p[i];
        gr_tree *map = gr__tree_map(b);
        if (!gr__tree_put(b, map, "type", gr__tree_text(b, step.kind))) return NULL;
        for (int f = 0; f < (int)GR_COUNT(fields); f++) {
            if (*field(&step, f) && !gr__tree_put(b, map, fields[f], numbers(b, *field(&step, f), step.n))) return NULL;
        }
        if (!gr__tree_push(b, list, map)) return NULL;
    }
    return list;
}

static gr_status parse_numbers(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p, double **out)
{
    if (t->kind != GR_TREE_LIST || t->n < 1 || (p->n && t->n != p->n))
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation's numbers are not lists of one length");
    p->n = t->n;
    *out = gr__bump_alloc(b, (size_t)t->n * sizeof **out);
    if (!*out) return gr__error_code(ctx);
    for (int i = 0; i < t->n; i++) {
        const gr_tree *x = t->child[i];
        if ((x->kind != GR_TREE_INT && x->kind != GR_TREE_REAL) || !isfinite(x->number))
            return gr__tree_fail(ctx, x, GR_E_FORMAT, NULL, "the preparation holds something that is not a number");
        (*out)[i] = x->number;
        if (out == &p->std && x->number < 0)
            return gr__tree_fail(ctx, x, GR_E_FORMAT, NULL, "the preparation holds a deviation below 0");
    }
    return GR_OK;
}

static double by_deviation(double std)
{
    return isfinite((float)(1 / std)) ? 1 / std : 1;
}

/* Other tools need write no more of `standardize` than what it is by. */
static gr_status standardized(gr_context *ctx, gr__bump *b, gr_prepared *p)
{
    p->sub = p->mean;
    p->mul = gr__bump_alloc(b, (size_t)p->n * sizeof *p->mul);
    if (!p->mul) return gr__error_code(ctx);
    for (int i = 0; i < p->n; i++) p->mul[i] = by_deviation(p->std[i]);
    return GR_OK;
}

/* Equal but for what is lost where one is worked out from the other. */
static bool alike(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
}

/* Inputs are prepared by `sub` and `mul`; where statistics stand beside them, they say the same. */
static gr_status check_statistics(gr_context *ctx, const gr_tree *t, const gr_prepared *p)
{
    static const char hint[] = "a step of its own numbers may leave mean and std out, or have them alone";
    char a[32], b[32];
    if (p->mean && !p->sub)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, hint, "the preparation has a mean, but no sub that subtracts it");
    if (p->std && !p->mul)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, hint, "the preparation has a std, but no mul that divides by it");
    for (int i = 0; i < p->n; i++) {
        if (p->mean && !alike(p->mean[i], p->sub[i]))
            return gr__tree_fail(ctx, t, GR_E_FORMAT, hint,
                                 "the preparation contradicts itself: mean[%d] is %s, sub[%d] is %s", i,
                                 gr__double_text(p->mean[i], a), i, gr__double_text(p->sub[i], b));
        if (p->std && !alike(by_deviation(p->std[i]), p->mul[i]))
            return gr__tree_fail(ctx, t, GR_E_FORMAT, hint,
                                 "the preparation contradicts itself: std[%d] is %s, mul[%d] is %s", i,
                                 gr__double_text(p->std[i], a), i, gr__double_text(p->mul[i], b));
    }
    return GR_OK;
}

static gr_status parse_step(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    const gr_tree *type = gr__tree_get(t, "type");
    const gr_prepare *member = NULL;
    if (!type || type->kind != GR_TREE_TEXT)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "a step of the preparation has no type");
    gr_status st = find(ctx, t, &member);
    if (st != GR_OK) return st;
    snprintf(p->kind, sizeof p->kind, "%s", member->head.name);
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        int f = 0;
        while (f < (int)GR_COUNT(fields) && strcmp(fields[f], t->key[i]) != 0) f++;
        if (f < (int)GR_COUNT(fields))
            st = parse_numbers(ctx, b, t->child[i], p, field(p, f));
        else if (strcmp(t->key[i], "type") != 0)
            st = gr__tree_fail(ctx, t->child[i], GR_E_FORMAT, NULL, "the preparation holds an unknown \"%s\"",
                               t->key[i]);
    }
    if (st == GR_OK && p->mean && p->std && !p->sub && !p->mul) st = standardized(ctx, b, p);
    if (st == GR_OK && !p->sub && !p->mul && !p->fill)
        st = gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "a step of the preparation does nothing");
    return st == GR_OK ? check_statistics(ctx, t, p) : st;
}

gr_status gr__prepare_parse(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared **out, int *n)
{
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation is not a list of steps");
    gr_prepared *all = gr__bump_alloc(b, (size_t)(t->n + 1) * sizeof *all);
    gr_status st = all ? GR_OK : gr__error_code(ctx);
    for (int i = 0; i < t->n && st == GR_OK; i++) st = parse_step(ctx, b, t->child[i], &all[i]);
    if (st != GR_OK) return st;
    *out = all;
    *n = t->n;
    return GR_OK;
}
