/* A layer's settings for another layer that takes its place. */
#include "model/retype.h"

#include <string.h>

static bool is_common(const char *key)
{
    for (int i = 0; gr__layer_common_keys[i]; i++)
        if (strcmp(gr__layer_common_keys[i], key) == 0) return true;
    return strcmp(key, "activation") == 0;
}

/* Whether a value of another member's row of this name may stand in this one. */
static bool takes(const gr_row *row, const gr_tree *value)
{
    int64_t whole;
    switch (row->kind) {
    case GR_ROW_INT:
        return gr__tree_is_number(value) && gr__tree_int(value, &whole) && gr__in_range(value->number, row->range);
    case GR_ROW_REAL:
        return gr__tree_is_number(value) && gr__in_range(value->number, row->range);
    case GR_ROW_TREE:
        return gr__tree_is_number(value);
    case GR_ROW_BOOL:
        return value->kind == GR_TREE_BOOL;
    default:
        return false;
    }
}

/* What a member has by default it has by being what it is, and another one has its own; what was chosen stays where the
 * other can have it. */
static bool carries(gr__bump *b, gr_preset preset, const gr_layer *m, const gr_layer *to, const char *key,
                    const gr_tree *value)
{
    const gr_row *was = gr__member_row(&m->head, key), *is = gr__member_row(&to->head, key);
    const char *usual = was ? gr__row_default(was, preset) : NULL;
    if (!was || !is || !takes(is, value)) return false;
    gr_tree *t = usual ? gr__tree_flow(b, usual) : NULL;
    if (t && gr__tree_is_number(t) && gr__tree_is_number(value)) return t->number != value->number;
    return !t || !gr__tree_equal(t, value);
}

/* A key that every layer has: initialisers go where there is something to start. */
static bool put_common(gr__bump *b, gr_tree *made, const gr_layer *to, const char *key, const gr_tree *value)
{
    gr_tree *t = gr__tree_copy(b, value);
    if (to->unshifted && strcmp(key, "init") == 0 && value->kind == GR_TREE_MAP) t = gr__tree_without(b, value, "bias");
    return (t && t->kind == GR_TREE_MAP && t->n == 0) || gr__tree_put(b, made, key, t);
}

gr_tree *gr__layer_retyped(gr__bump *b, gr_preset preset, const gr_tree *t, const gr_layer *m, const gr_layer *to)
{
    gr_tree *made = gr__tree_map(b);
    const gr_row *trains = m->normalises ? gr__member_row(&to->head, "affine") : NULL;
    if (!gr__tree_put_text(b, made, "type", to->head.name)) return NULL;
    if (trains && strcmp(gr__row_default(trains, preset), "true") != 0 &&
        !gr__tree_put(b, made, trains->name, gr__tree_scalar(b, "true")))
        return NULL;
    for (int i = 0; i < t->n; i++) {
        const char *key = t->key[i];
        bool ok = strcmp(key, "type") == 0 ? true
                  : is_common(key)         ? put_common(b, made, to, key, t->child[i])
                  : carries(b, preset, m, to, key, t->child[i])
                      ? gr__tree_put(b, made, key, gr__tree_copy(b, t->child[i]))
                      : true;
        if (!ok) return NULL;
    }
    return made;
}
