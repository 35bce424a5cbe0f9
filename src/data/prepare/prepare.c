/* Preparation: the list of a recipe fitted step by step; the steps as graph, and on numbers. */
#include "data/prepare/prepare.h"

#include <math.h>
#include <string.h>

#include "data/fields.h"
#include "data/sample.h"
#include "graph/shape.h"

/* ---- the list ---- */

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
    return ((const gr_prepare *)m)->fills;
}

static bool expands(const gr_member *m)
{
    return ((const gr_prepare *)m)->expands;
}

static bool reshapes(const gr_member *m)
{
    return ((const gr_prepare *)m)->reshapes;
}

static bool has(const gr_context *ctx, const gr_tree *list, bool (*does)(const gr_member *m))
{
    for (int i = 0; i < count_steps(list); i++) {
        const gr_member *m = gr__family_peek(ctx, &gr__family_prepare, step_at(list, i));
        if (m && does(m)) return true;
    }
    return false;
}

const gr_tree *gr__prepare_reshapes(const gr_context *ctx, const gr_tree *list)
{
    for (int i = 0; i < count_steps(list); i++) {
        const gr_member *m = gr__family_peek(ctx, &gr__family_prepare, step_at(list, i));
        if (m && reshapes(m)) return step_at(list, i);
    }
    return NULL;
}

/* The build's own step that does so, as a recipe would name it. */
static gr_status make_step(gr_context *ctx, gr__bump *b, bool (*does)(const gr_member *m), gr_tree **out)
{
    const gr_family *f = &gr__family_prepare;
    for (int i = 0; i < f->n; i++)
        if (does(f->head[i])) return (*out = gr__tree_text(b, f->head[i]->name)) ? GR_OK : GR_E_MEMORY;
    return gr__fail(ctx, GR_E_INTERNAL, "no step of preparation does what the data wants");
}

static bool has_categories(const gr_field *x)
{
    int64_t n = x->category ? gr_shape_count(x->sample) : 0;
    for (int64_t i = 0; i < n; i++)
        if (x->category[i] > 0) return true;
    return false;
}

/* ---- fitting ---- */

typedef struct fitted {
    gr__fitting f;
    gr_prepared *all;
    int n;
} fitted;

/* What the next step is fitted to. */
static gr_status follow(fitted *t, const gr_prepared *p)
{
    gr__fitting *f = &t->f;
    if (!p->step->reshapes) return GR_OK;
    size_t count = (size_t)gr_shape_count(p->gives);
    int32_t *category = p->step->tell ? gr__bump_alloc(f->b, count * sizeof *category) : NULL;
    const char **name = p->step->tell ? gr__bump_alloc(f->b, count * sizeof *name) : NULL;
    if (p->step->tell && (!category || !name)) return gr__error_code(f->ctx);
    gr_status st = p->step->tell ? p->step->tell(f, p, category, name) : GR_OK;
    f->sample = p->gives;
    f->category = category;
    f->name = f->name ? name : NULL;
    return st;
}

static gr_status fit_step(fitted *t, const gr_tree *step)
{
    const gr_prepare *member = NULL;
    gr_settings s;
    gr_prepared *p = &t->all[t->n];
    gr__fitting *f = &t->f;
    gr_status st = find(f->ctx, step, &member);
    if (st == GR_OK) st = gr__settings_make(f->ctx, f->b, &member->head, step, GR_PRESET_CHAPTER, NULL, &s);
    if (st != GR_OK) return st;
    *p = (gr_prepared){.step = member};
    f->s = &s;
    f->before = t->all;
    f->n_before = t->n;
    st = member->fit(f, p);
    if (st == GR_OK) st = follow(t, p);
    if (st != GR_OK) return gr__place(f->ctx, step, st);
    t->n++;
    return GR_OK;
}

static gr_status fit_added(fitted *t, bool wanted, bool (*does)(const gr_member *m))
{
    gr_tree *step = NULL;
    gr_status st = wanted ? make_step(t->f.ctx, t->f.b, does, &step) : GR_OK;
    return wanted && st == GR_OK ? fit_step(t, step) : st;
}

/* Whether categories still stand as their indices. */
static bool left_over(const gr__fitting *f)
{
    int64_t n = f->category ? gr_shape_count(f->sample) : 0;
    for (int64_t i = 0; i < n; i++)
        if (f->category[i] > 0) return true;
    return false;
}

static gr_status fit(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_field *x, const gr_rows *train,
                     gr_shape input, fitted *out)
{
    int steps = count_steps(list);
    bool fill = x->missing && !has(ctx, list, fills), categories = has_categories(x);
    bool as_they_are = categories || has(ctx, list, reshapes); /* else any axes of size 1 are the network's */
    *out = (fitted){.f = {.ctx = ctx,
                          .b = b,
                          .x = x,
                          .train = train,
                          .sample = as_they_are ? x->sample : input,
                          .category = categories ? x->category : NULL,
                          .name = x->column}};
    gr__samples from = {0};
    out->f.from = &from;
    out->all = gr__bump_alloc(b, (size_t)(steps + 2) * sizeof *out->all);
    gr_status st = !out->all ? gr__error_code(ctx) : train ? gr__samples_open(ctx, x, &from) : GR_OK;
    if (st == GR_OK) st = fit_added(out, fill, fills);
    for (int i = 0; i < steps && st == GR_OK; i++) st = fit_step(out, step_at(list, i));
    if (st == GR_OK) st = fit_added(out, left_over(&out->f), expands);
    gr__samples_close(&from);
    return st;
}

gr_status gr__prepare_fit(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_field *x, const gr_rows *train,
                          gr_shape model_input, gr_prepared **out, int *n)
{
    fitted t;
    gr_status st = fit(ctx, b, list, x, train, model_input, &t);
    if (st != GR_OK) return st;
    *out = t.all;
    *n = t.n;
    return GR_OK;
}

gr_status gr__prepare_placeholder(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_shape model_input,
                                  const gr_field *x, gr_prepared **out, int *n)
{
    return gr__prepare_fit(ctx, b, list, x, NULL, model_input, out, n);
}

gr_status gr__prepare_shape(gr_context *ctx, const gr_tree *list, const gr_field *x, gr_shape model_input,
                            gr_shape *out)
{
    *out = x->sample;
    if (!has_categories(x) && !has(ctx, list, reshapes)) return GR_OK;
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    fitted t;
    gr_status st = fit(ctx, b, list, x, NULL, model_input, &t);
    if (st == GR_OK) *out = t.f.sample;
    gr__bump_destroy(b);
    return st;
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

/* ---- what steps keep ---- */

const double *gr__prepared_list(const gr_prepared *p, const char *name, int *n)
{
    for (int i = 0; i < GR_MAX_STATE && p->step->state[i]; i++) {
        if (strcmp(p->step->state[i], name) != 0) continue;
        if (n) *n = p->n[i];
        return p->state[i];
    }
    return NULL;
}

int64_t gr__prepared_numbers(const gr_prepared *p, int n)
{
    int64_t all = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < GR_MAX_STATE; k++) all += p[i].n[k];
    return all;
}

gr_shape gr__prepare_takes(const gr_prepared *p, int n, gr_shape model_input)
{
    for (int i = 0; i < n; i++)
        if (p[i].step->reshapes) return p[i].takes;
    return model_input;
}

/* Lists of one number, one a channel or one an element. */
static gr_status check_lists(gr_context *ctx, gr_status code, const gr_prepared *p, gr_shape sample)
{
    int64_t channels = sample.rank ? sample.dim[sample.rank - 1] : 1, width = gr_shape_count(sample);
    int n = gr__step_n(p);
    if (n == 1 || n == channels || n == width) return GR_OK;
    return gr__fail(ctx, code, "preparation has %d values for samples of %lld", n, (long long)width);
}

gr_status gr__prepare_check(gr_context *ctx, gr_status code, const gr_prepared *p, int n, gr_shape model_input)
{
    gr_shape sample = gr__prepare_takes(p, n, model_input);
    char a[96], b[96];
    gr_status st = GR_OK;
    for (int i = 0; i < n && st == GR_OK; i++) {
        if (!p[i].step->reshapes) {
            st = check_lists(ctx, code, &p[i], sample);
            continue;
        }
        if (gr_shape_count(sample) != gr_shape_count(p[i].takes))
            st = gr__fail(ctx, code, "preparation has %s of samples %s, but they are %s", p[i].step->head.name,
                          gr__shape_text(p[i].takes, a), gr__shape_text(sample, b));
        sample = p[i].gives;
    }
    if (st == GR_OK && !gr__sample_fits(sample, model_input))
        st = gr__fail(ctx, code, "preparation gives samples of shape %s, but the network takes %s",
                      gr__shape_text(sample, a), gr__shape_text(model_input, b));
    return st;
}

gr_status gr__prepare_cut(gr_context *ctx, gr__bump *b, const gr_prepared *p, int n, int64_t all, int64_t left,
                          const gr_prepared **out)
{
    *out = p;
    if (left == all || n == 0) return GR_OK;
    gr_prepared *cut = gr__bump_alloc(b, sizeof *cut * (size_t)n);
    if (!cut) return gr__error_code(ctx);
    memcpy(cut, p, sizeof *cut * (size_t)n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < GR_MAX_STATE && !p[i].step->reshapes; k++)
            if (cut[i].n[k] == all) cut[i].n[k] = (int)left;
    *out = cut;
    return GR_OK;
}

/* ---- as graph, and on numbers ---- */

gr_val gr__prepare_build(gr_graph *g, const gr_prepared *p, int n, gr_val x)
{
    x = gr_real(g, x);
    for (int i = 0; i < n && x != GR_NONE; i++) {
        gr_scope_push(g, "prepare", p[i].step->head.name);
        x = p[i].step->build(g, &p[i], x);
        gr_scope_pop(g);
    }
    return x;
}

int64_t gr__prepare_undo(const gr_prepared *p, int n, double *x, int64_t count)
{
    for (int i = n - 1; i >= 0; i--) count = p[i].step->undo(&p[i], x, count);
    return count;
}

const gr_prepared *gr__prepare_lasting(const gr_prepared *p, int n)
{
    for (int i = 0; i < n; i++)
        if (!p[i].step->undo) return &p[i];
    return NULL;
}

void gr__prepare_read(const gr__before *in, int64_t first, double *x, int64_t count)
{
    gr__before rest = *in;
    if (in->n == 0) {
        const char *from = (const char *)in->sample + (size_t)(first - in->origin) * gr__element_bytes(in->element);
        gr__elements_convert(in->element, GR_EL_F64, from, x, count);
        return;
    }
    const gr_prepared *p = &in->p[--rest.n];
    p->step->values(p, &rest, first, x, count);
}

/* ---- steps that treat every number by itself ---- */

int gr__step_n(const gr_prepared *p)
{
    for (int i = 0; i < GR_MAX_STATE; i++)
        if (p->state[i]) return p->n[i];
    return 1;
}

gr_val gr__step_list(gr_graph *g, gr_val x, const gr_prepared *p, int list)
{
    gr_shape all = gr_shape_of(g, x), one = {.rank = all.rank - 1};
    int n = p->n[list];
    const double *values = p->state[list];
    if (n == 1) return gr_const(g, values[0]);
    if (all.rank > 1 && all.dim[all.rank - 1] == n) return gr_const_tensor(g, GR_SHAPE(n), values);
    for (int i = 1; i < all.rank; i++) one.dim[i - 1] = all.dim[i];
    if (all.rank < 1 || gr_shape_count(one) != n)
        return gr_graph_fail(g, GR_E_SHAPE, "preparation has %d values for samples of %lld", n,
                             (long long)gr_shape_count(one));
    return gr_const_tensor(g, one, values);
}

gr_val gr__step_spread(gr_graph *g, gr_val x, const gr_prepared *p, int list)
{
    return gr_broadcast(g, gr__step_list(g, x, p, list), gr_shape_of(g, x));
}

gr_val gr__step_only(gr_graph *g, gr_val x, gr_val y, const gr_prepared *p, int list)
{
    return p->state[list] ? gr_select(g, gr__step_spread(g, x, p, list), y, x) : y;
}

bool gr__step_lists(const gr__fitting *f, gr_prepared *p, int lists, int n)
{
    double *all = gr__bump_alloc(f->b, (size_t)n * (size_t)lists * sizeof *all);
    for (int i = 0; i < lists && all; i++) {
        p->state[i] = all + (size_t)i * (size_t)n;
        p->n[i] = n;
    }
    return all != NULL;
}

bool gr__step_shape(const gr_prepared *p, int list, gr_shape *out)
{
    const double *x = p->state[list];
    *out = (gr_shape){.rank = p->n[list]};
    if (!x || p->n[list] < 1 || p->n[list] > 3) return false;
    for (int i = 0; i < p->n[list]; i++) {
        if (!(x[i] >= 1 && x[i] <= INT32_MAX) || x[i] != floor(x[i])) return false;
        out->dim[i] = (int64_t)x[i];
    }
    return gr_shape_count(*out) > 0;
}
