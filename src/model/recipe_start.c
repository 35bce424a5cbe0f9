/* `start:` of a recipe: the model that training starts from. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "model/reader.h"
#include "model/section.h"

bool gr__start_anew(const gr_recipe_start *s, const char *tensor)
{
    char of[512]; /* a mask goes with what it is of */
    size_t n = strlen(tensor), tail = sizeof GR_MASK - 1;
    bool mask = n > tail && strcmp(tensor + n - tail, GR_MASK) == 0;
    snprintf(of, sizeof of, "%.*s", (int)(mask ? n - tail : n), tensor);
    for (int i = 0; i < s->n_fresh; i++)
        if (gr__glob(s->fresh[i], tensor) || gr__glob(s->fresh[i], of)) return true;
    return s->from == NULL;
}

static gr_status read_fresh(gr__recipe_reader *k, const gr_tree *t, gr_recipe_start *s)
{
    char shown[200];
    if (gr__tree_none(t)) return GR_OK;
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as [\"head.*\"]", "%s is no list of patterns",
                             gr__tree_show(t, shown, sizeof shown));
    const char **fresh = gr__bump_alloc(k->b, sizeof *fresh * (size_t)GR_MAX(t->n, 1));
    if (!fresh) return GR_E_MEMORY;
    for (int i = 0; i < t->n; i++) {
        if (t->child[i]->kind != GR_TREE_TEXT)
            return gr__tree_fail(k->ctx, t->child[i], GR_E_TYPE, "such as \"head.*\"", "%s is no pattern of names",
                                 gr__tree_show(t->child[i], shown, sizeof shown));
        fresh[i] = t->child[i]->text;
    }
    s->fresh = fresh;
    s->n_fresh = t->n;
    return GR_OK;
}

/* The path, from wherever the run goes on. */
static gr_status read_path(gr__recipe_reader *k, const char *given, gr_tree *resolved)
{
    char *path = gr__path_join(k->ctx, k->r->folder, given), *whole = path ? gr__path_absolute(k->ctx, path) : NULL;
    gr_tree *text = whole ? gr__tree_text(k->b, whole) : NULL;
    gr__strfree(k->ctx, path);
    gr__strfree(k->ctx, whole);
    if (!gr__tree_put(k->b, resolved, "from", text)) return GR_E_MEMORY;
    k->r->start.from = text->text;
    return GR_OK;
}

gr_status gr__recipe_start(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "start");
    gr_recipe_start *s = &k->r->start;
    gr_settings own;
    if (gr__tree_none(t)) return GR_OK;
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_start, t, k->r->preset, &own);
    if (st != GR_OK) return st;
    gr_tree *resolved = gr__section_tree(k->b, &own);
    if (!resolved) return GR_E_MEMORY;
    *s = (gr_recipe_start){.force = gr__setting_bool(&own, "force"), .at = t};
    GR_TRY(read_fresh(k, gr__setting_tree(&own, "new"), s));
    GR_TRY(read_path(k, gr__setting_text(&own, "from"), resolved));
    GR_TRY(gr__recipe_part(k, "start", resolved));
done:
    return st;
}
