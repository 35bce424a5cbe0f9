/* `augment` and `augment_mode`: how training samples are changed. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "graph/shape.h"
#include "data/fields.h"
#include "model/reader.h"
#include "model/section.h"

/* A step with every default filled in, and files as absolute paths. */
static gr_status resolve(gr__recipe_reader *k, const gr_settings *s, gr_tree *list)
{
    const gr_source_options o = {.folder = k->r->folder};
    gr_tree *t = gr__settings_tree(k->b, s);
    for (int i = 0; i < s->member->n_rows && t; i++) {
        const gr_row *row = &s->member->rows[i];
        if (row->kind != GR_ROW_PATH || !s->value[i]) continue;
        const char *path = gr__source_path(k->b, s, row->name, &o);
        char *whole = path ? gr__path_absolute(k->ctx, path) : NULL;
        gr_tree *text = whole ? gr__tree_text(k->b, whole) : NULL;
        gr__strfree(k->ctx, whole);
        if (!gr__tree_put(k->b, t, row->name, text)) return gr__error_code(k->ctx);
    }
    return gr__tree_push(k->b, list, t) ? GR_OK : gr__error_code(k->ctx);
}

/* What mixes the samples of a batch: one at most, of all inputs together. */
static gr_status take_mixture(gr__recipe_reader *k, const gr_augment *m, const gr_settings *s, const gr_tree *at)
{
    gr_recipe *r = k->r;
    gr_shape picture = r->input[0].sample;
    if (r->mixture.kind)
        return gr__tree_fail(k->ctx, at, GR_E_CONFLICT, "leave out one of them", "samples are mixed already by line %d",
                             r->mixture_at->line);
    for (int i = 0; i < r->n_inputs; i++)
        if (r->input[i].vocabulary)
            return gr__tree_fail(k->ctx, at, GR_E_CONFLICT, NULL,
                                 "%s mixes numbers, but the input \"%s\" holds indices", m->head.name,
                                 r->input[i].name);
    if (m->mix == GR_MIX_PATCH && (r->n_inputs > 1 || picture.rank < 2 || picture.rank > 3)) {
        char text[96];
        return gr__tree_fail(k->ctx, at, GR_E_SHAPE, NULL,
                             "%s is for one input of pictures, [height, width, channels], not %s", m->head.name,
                             r->n_inputs > 1 ? "several" : gr__shape_text(picture, text));
    }
    r->mixture =
        (gr_mixture){m->mix, gr__setting_real(s, "alpha"), picture.dim[0], picture.rank > 1 ? picture.dim[1] : 1};
    r->mixture_at = at;
    return GR_OK;
}

static gr_status read_steps(gr__recipe_reader *k, const gr_tree *t, gr_tree **out)
{
    gr_tree *list = gr__tree_list(k->b);
    char shown[200];
    if (!list) return GR_E_MEMORY;
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "such as [flip, {type: crop, pad: 4}]",
                             "%s is not a list of changes", gr__tree_show(t, shown, sizeof shown));
    if (t->n > GR_MAX_AUGMENTS)
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "%d changes: there may be %d", t->n, GR_MAX_AUGMENTS);
    for (int i = 0; i < t->n; i++) {
        gr_settings s;
        const gr_member *found = gr__family_find(k->ctx, &gr__family_augment, "augmentation", t->child[i], NULL);
        if (!found) return gr__error_code(k->ctx);
        gr_status st = gr__settings_make(k->ctx, k->b, found, t->child[i], k->r->preset, NULL, &s);
        if (st == GR_OK) st = resolve(k, &s, list);
        if (st == GR_OK && ((const gr_augment *)found)->mix)
            st = take_mixture(k, (const gr_augment *)found, &s, t->child[i]);
        if (st != GR_OK) return st;
    }
    *out = list;
    return GR_OK;
}

/* A list for the lone input, or for all of them; {NAME: list} for some. */
static gr_status read_changes(gr__recipe_reader *k, const gr_tree *t, gr_tree **out)
{
    gr_recipe *r = k->r;
    gr_status st = GR_OK;
    if (t->kind != GR_TREE_MAP || gr__tree_get(t, "type") || !r->inputs_named) {
        st = read_steps(k, t, out);
        for (int i = 0; i < r->n_inputs; i++) r->input[i].augment = t;
        return st;
    }
    gr_tree *map = *out = gr__tree_map(k->b), *list = NULL;
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        gr_model_input *in = gr__recipe_input(k, t->child[i], t->key[i]);
        if (!in) return gr__error_code(k->ctx);
        if (gr__tree_none(t->child[i])) continue;
        st = read_steps(k, t->child[i], &list);
        in->augment = t->child[i];
        if (st == GR_OK && !gr__tree_put(k->b, map, t->key[i], list)) st = GR_E_MEMORY;
    }
    return st;
}

static gr_status read_mode(gr__recipe_reader *k, const gr_settings *s, const gr_tree *t)
{
    const gr_tree *times = t->kind == GR_TREE_MAP && t->n == 1 ? gr__tree_get(t, "materialise") : NULL;
    char shown[200];
    int64_t n;
    k->r->data.copies = 1;
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, "on_the_fly") == 0) return GR_OK;
    if (!times || times->kind != GR_TREE_INT || !gr__tree_int(times, &n))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "on_the_fly, or {materialise: 10}",
                             "%s does not say when samples are changed", gr__tree_show(t, shown, sizeof shown));
    if (n < 2 || n > 1000)
        return gr__tree_fail(k->ctx, times, GR_E_RANGE, NULL, "%s of each sample: there may be 2 to 1000", times->text);
    if (gr__tree_none(gr__setting_tree(s, "augment")))
        return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "augment: [flip, crop]",
                             "nothing says how samples are changed, so all %lld of each would be alike", (long long)n);
    k->r->data.copies = (int)n;
    return GR_OK;
}

gr_status gr__recipe_augment(gr__recipe_reader *k, const gr_settings *s, gr_tree *resolved)
{
    const gr_tree *t = gr__setting_tree(s, "augment");
    gr_tree *changes = NULL;
    gr_status st = GR_OK;
    if (gr__tree_none(t))
        changes = gr__tree_text(k->b, "none");
    else
        st = read_changes(k, t, &changes);
    if (st == GR_OK && !gr__tree_put(k->b, resolved, "augment", changes)) st = GR_E_MEMORY;
    if (st == GR_OK) st = read_mode(k, s, gr__setting_tree(s, "augment_mode"));
    gr_tree *mode = gr__tree_copy(k->b, gr__setting_tree(s, "augment_mode"));
    if (st == GR_OK && !gr__tree_put(k->b, resolved, "augment_mode", mode)) st = GR_E_MEMORY;
    return st;
}
