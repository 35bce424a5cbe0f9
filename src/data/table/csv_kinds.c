/* CSV kinds: what lists of columns say of a column beside its name. */
#include <string.h>

#include "data/table/csv.h"

static const gr_row rows[] = {
    GR_ROW("name", TEXT, NULL, "", "", "of the column, or its 0-based index"),
    GR_ROW("as", CHOICE, "number", "number|category|text|ignore", "", "what it holds"),
};
static const gr_member column = {.family = "table", .name = "column", GR_ROWS(rows)};

typedef struct reader {
    gr_context *ctx;
    gr__bump *b;
    gr__kind *kind;
    int n;
} reader;

static gr_status add_kind(reader *r, const gr_tree *t, gr_tree *list, bool *any)
{
    gr_settings s;
    gr_status st = gr__settings_make(r->ctx, r->b, &column, t, GR_PRESET_CHAPTER, NULL, &s);
    if (st != GR_OK) return st;
    const gr_tree *name = gr__setting_tree(&s, "name");
    bool number = gr__setting_is(&s, "as", "number"), category = gr__setting_is(&s, "as", "category");
    r->kind[r->n++] = (gr__kind){name, number     ? GR__COLUMN_NUMBER
                                       : category ? GR__COLUMN_CATEGORY
                                                  : GR__COLUMN_LEFT_OUT};
    if (!number && !category) return GR_OK;
    *any = true;
    return gr__tree_push(r->b, list, gr__tree_copy(r->b, name)) ? GR_OK : gr__error_code(r->ctx);
}

static void place_as(gr_tree *t, const gr_tree *as)
{
    t->file = as->file;
    t->line = as->line;
    t->column = as->column;
    t->parent = as->parent;
}

static int count_maps(const gr_tree *t)
{
    int n = 0;
    for (int i = 0; t->kind == GR_TREE_LIST && i < t->n; i++) n += t->child[i]->kind == GR_TREE_MAP;
    return n;
}

/* A list of which all is left out stands for all the others. */
static gr_status plain_list(reader *r, const gr_tree *t, gr_tree **out)
{
    gr_tree *list = gr__tree_list(r->b);
    bool any = false;
    gr_status st = list ? GR_OK : gr__error_code(r->ctx);
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        if (t->child[i]->kind == GR_TREE_MAP) {
            st = add_kind(r, t->child[i], list, &any);
            continue;
        }
        any = true;
        if (!gr__tree_push(r->b, list, gr__tree_copy(r->b, t->child[i]))) st = gr__error_code(r->ctx);
    }
    if (st == GR_OK && !any && !gr__tree_push(r->b, list, gr__tree_text(r->b, GR__OTHER_COLUMNS)))
        st = gr__error_code(r->ctx);
    if (st != GR_OK) return st;
    place_as(list, t);
    *out = list;
    return GR_OK;
}

static gr_status plain_map(reader *r, const gr_tree *t, gr_tree **out)
{
    gr_tree *map = gr__tree_map(r->b);
    if (!map) return gr__error_code(r->ctx);
    for (int i = 0; i < t->n; i++) {
        gr_tree *one = NULL;
        bool maps = count_maps(t->child[i]) > 0;
        gr_status st = maps ? plain_list(r, t->child[i], &one) : GR_OK;
        if (st != GR_OK) return st;
        if (!maps) one = gr__tree_copy(r->b, t->child[i]);
        if (!one || !gr__tree_put(r->b, map, t->key[i], one)) return gr__error_code(r->ctx);
        place_as(one, t->child[i]);
        one->parent = map;
    }
    place_as(map, t);
    *out = map;
    return GR_OK;
}

gr_status gr__csv_kinds(gr_context *ctx, gr__bump *b, gr_settings *s, const gr__kind **kind, int *n)
{
    const gr_tree *list = gr__setting_tree(s, "columns"), *inputs = gr__setting_tree(s, "inputs");
    reader r = {.ctx = ctx, .b = b};
    int maps = list ? count_maps(list) : 0, in_inputs = 0;
    gr_tree *made = NULL;
    gr_status st = GR_OK;
    for (int i = 0; inputs && inputs->kind == GR_TREE_MAP && i < inputs->n; i++)
        in_inputs += count_maps(inputs->child[i]);
    if (maps + in_inputs == 0) return GR_OK;
    const gr_tree **value = gr__bump_alloc(b, (size_t)s->member->n_rows * sizeof *value);
    r.kind = gr__bump_alloc(b, (size_t)(maps + in_inputs) * sizeof *r.kind);
    if (!value || !r.kind) return gr__error_code(ctx);
    memcpy(value, s->value, (size_t)s->member->n_rows * sizeof *value);
    s->value = value;
    if (maps) st = plain_list(&r, list, &made);
    if (maps && st == GR_OK) gr__setting_replace(s, "columns", made);
    if (in_inputs && st == GR_OK) st = plain_map(&r, inputs, &made);
    if (in_inputs && st == GR_OK) gr__setting_replace(s, "inputs", made);
    *kind = r.kind;
    *n = r.n;
    return st;
}
