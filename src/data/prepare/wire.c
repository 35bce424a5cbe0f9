/* Preparation in model files: a list of steps, each a map of its type and its lists of numbers. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "data/prepare/prepare.h"

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
        const char *const *name = p[i].step->state;
        gr_tree *map = gr__tree_map(b);
        if (!gr__tree_put(b, map, "type", gr__tree_text(b, p[i].step->head.name))) return NULL;
        for (int k = 0; k < GR_MAX_STATE; k++) {
            if (p[i].state[k] && !gr__tree_put(b, map, name[k], numbers(b, p[i].state[k], p[i].n[k]))) return NULL;
        }
        if (!gr__tree_push(b, list, map)) return NULL;
    }
    return list;
}

static gr_status parse_numbers(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p, int k)
{
    if (t->kind != GR_TREE_LIST || t->n < 1)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation's numbers are not lists");
    double *x = gr__bump_alloc(b, (size_t)t->n * sizeof *x);
    if (!x) return gr__error_code(ctx);
    for (int i = 0; i < t->n; i++) {
        if (!gr__tree_is_number(t->child[i]) || !isfinite(t->child[i]->number))
            return gr__tree_fail(ctx, t->child[i], GR_E_FORMAT, NULL,
                                 "the preparation holds something that is not a number");
        x[i] = t->child[i]->number;
    }
    p->state[k] = x;
    p->n[k] = t->n;
    return GR_OK;
}

/* Of a step that keeps the shape of samples; others have lists of whatever lengths. */
static gr_status check_lengths(gr_context *ctx, const gr_tree *t, const gr_prepared *p)
{
    int n = gr__step_n(p);
    bool any = false, alike = true;
    for (int k = 0; k < GR_MAX_STATE; k++) {
        any = any || p->state[k];
        alike = alike && (!p->state[k] || p->n[k] == n);
    }
    if (!any) return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "a step of the preparation does nothing");
    if (alike || p->step->reshapes) return GR_OK;
    return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "the preparation's numbers are not lists of one length");
}

static gr_status parse_step(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p)
{
    const gr_tree *type = gr__tree_get(t, "type");
    const gr_member *found = NULL;
    if (!type || type->kind != GR_TREE_TEXT)
        return gr__tree_fail(ctx, t, GR_E_FORMAT, NULL, "a step of the preparation has no type");
    gr_status st = gr__family_named(ctx, &gr__family_prepare, "prepare", type->text, type, &found);
    if (st != GR_OK) return st;
    *p = (gr_prepared){.step = (const gr_prepare *)found};
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        int k = 0;
        while (k < GR_MAX_STATE && p->step->state[k] && strcmp(p->step->state[k], t->key[i]) != 0) k++;
        if (k < GR_MAX_STATE && p->step->state[k])
            st = parse_numbers(ctx, b, t->child[i], p, k);
        else if (strcmp(t->key[i], "type") != 0)
            st = gr__tree_fail(ctx, t->child[i], GR_E_FORMAT, NULL, "the preparation holds an unknown \"%s\"",
                               t->key[i]);
    }
    if (st == GR_OK) st = check_lengths(ctx, t, p);
    return st == GR_OK && p->step->settle ? p->step->settle(ctx, b, t, p) : st;
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
