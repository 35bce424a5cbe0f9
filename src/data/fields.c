/* Fields of sources: from settings to which array, file or columns each of them is. */
#include "data/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* ---- what is wanted ---- */

int gr__wanted_fields(const gr_source_options *o, gr_field_role role)
{
    if (!o->wants) return 1;
    return role == GR_FIELD_TARGET ? o->wants->n_targets : o->wants->n_inputs;
}

const char *gr__wanted_name(const gr_source_options *o, gr_field_role role, int i)
{
    bool input = role != GR_FIELD_TARGET;
    if (!o->wants) return input ? GR_LONE_INPUT : GR_LONE_TARGET;
    return input ? o->wants->input[i] : o->wants->target[i].name;
}

static bool are_named(const gr_source_options *o, gr_field_role role)
{
    return o->wants && (role == GR_FIELD_TARGET ? o->wants->targets_named : o->wants->inputs_named);
}

static const char *noun(gr_field_role role, bool many)
{
    return role == GR_FIELD_TARGET ? (many ? "heads" : "head") : many ? "inputs" : "input";
}

void gr__entry_want(gr__entry *e, const gr_wants *wants, gr_target_kind want, int h)
{
    e->wanted = wants ? &wants->target[h] : NULL;
    e->want = !e->wanted ? want : e->wanted->form == GR_FORM_CLASS ? GR_TARGET_CLASS : GR_TARGET_VALUE;
}

/* "inputs: {image: X, table: X}" */
static const char *example(const gr_source_options *o, gr_field_role role, const char *row, const char *one, char *text,
                           size_t room)
{
    size_t used = (size_t)snprintf(text, room, "%s: {", row);
    for (int i = 0; i < gr__wanted_fields(o, role) && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%s: %s", i ? ", " : "", gr__wanted_name(o, role, i), one);
    if (used < room) snprintf(text + used, room - used, "}");
    return text;
}

/* `inputs "image" and "table"` */
static const char *list_of(const gr_source_options *o, gr_field_role role, char *text, size_t room)
{
    int n = gr__wanted_fields(o, role);
    size_t used = (size_t)snprintf(text, room, "%s", noun(role, n > 1));
    for (int i = 0; i < n && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s\"%s\"",
                                 !i          ? " "
                                 : i + 1 < n ? ", "
                                             : " and ",
                                 gr__wanted_name(o, role, i));
    return text;
}

gr_status gr__entries_unsaid(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                             const char *row, const char *one)
{
    char names[300], write[400];
    gr_status st =
        gr__tree_fail(ctx, gr__source_at(s, "type"), GR_E_MISSING, NULL,
                      "the recipe has %s, but \"%s\" says nothing of them", list_of(o, role, names, sizeof names), row);
    gr__error_hint(ctx, "write %s", example(o, role, row, one, write, sizeof write));
    return st;
}

gr_status gr__entries_lone(gr_context *ctx, const gr_settings *s, const gr_source_options *o)
{
    char names[300];
    for (int role = GR_FIELD_INPUT; role <= GR_FIELD_TARGET; role++) {
        if (gr__wanted_fields(o, (gr_field_role)role) <= 1) continue;
        return gr__tree_fail(ctx, gr__source_at(s, "type"), GR_E_CONFLICT,
                             "sources of several inputs and targets are npz, npy and csv",
                             "%s has one input and one target, but the recipe has %s", s->member->name,
                             list_of(o, (gr_field_role)role, names, sizeof names));
    }
    return GR_OK;
}

/* ---- what is said ---- */

static gr_status wrong_value(gr_context *ctx, const gr_settings *s, const char *row, const gr_tree *t, bool lists)
{
    char shown[200], hint[300];
    const gr_row *r = s->member->rows;
    while (strcmp(r->name, row) != 0) r++;
    snprintf(hint, sizeof hint, "%s: %s", row, r->help);
    return gr__tree_fail(ctx, t, GR_E_TYPE, hint, "%s is not text%s", gr__tree_show(t, shown, sizeof shown),
                         lists ? ", nor a list of texts" : "");
}

static bool is_text(const gr_tree *t)
{
    return t->kind != GR_TREE_NULL && t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP;
}

static gr_status add_value(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr__entry entry,
                           const char *row, const gr_tree *t, bool lists, gr__entries *e)
{
    bool list = lists && t->kind == GR_TREE_LIST;
    for (int i = 0; list && i < t->n; i++)
        if (!is_text(t->child[i])) return wrong_value(ctx, s, row, t->child[i], false);
    bool text = is_text(t) && (lists || t->text[0]); /* of columns, one may have an empty name */
    if (!list && !text) return wrong_value(ctx, s, row, t, lists);
    int *n = entry.role == GR_FIELD_INPUT    ? &e->n_inputs
             : entry.role == GR_FIELD_TARGET ? &e->n_targets
                                             : &e->n_lengths;
    entry.text = list ? NULL : t->text;
    entry.list = list ? t : NULL;
    if (entry.role == GR_FIELD_TARGET) gr__entry_want(&entry, o->wants, o->want, *n);
    ++*n;
    e->entry[gr__entries_n(e) - 1] = entry;
    return GR_OK;
}

/* Both names a recipe's own: a key that is none of them is as wrong as an unknown key. */
static gr_status check_names(gr_context *ctx, const gr_source_options *o, gr_field_role role, const char *row,
                             const gr_tree *map)
{
    char names[300], write[400];
    const char *all[GR_MAX_FIELDS];
    int n = gr__wanted_fields(o, role);
    for (int i = 0; i < n; i++) all[i] = gr__wanted_name(o, role, i);
    for (int i = 0; i < map->n; i++) {
        bool known = false;
        for (int k = 0; k < n; k++) known = known || strcmp(all[k], map->key[i]) == 0;
        if (known) continue;
        gr__tree_fail(ctx, map->child[i], GR_E_KEY, NULL, "the recipe has no %s \"%s\"", noun(role, false),
                      map->key[i]);
        if (are_named(o, role))
            gr__hint_name(ctx, map->key[i], all, (size_t)n);
        else
            gr__error_hint(ctx, "its only one has no name: write %s: %s", row,
                           is_text(map->child[i]) ? map->child[i]->text : "...");
        return GR_E_KEY;
    }
    for (int k = 0; k < n && role != GR_FIELD_LENGTH; k++) {
        if (gr__tree_get(map, all[k])) continue;
        gr_status st = gr__tree_fail(ctx, map, GR_E_MISSING, NULL, "the recipe has %s, but nothing is said of \"%s\"",
                                     list_of(o, role, names, sizeof names), all[k]);
        gr__error_hint(ctx, "write %s", example(o, role, row, "...", write, sizeof write));
        return st;
    }
    return GR_OK;
}

/* The most that lengths of the i-th input may be. */
static int64_t most_of(const gr_source_options *o, gr_field_role role, int i)
{
    return role == GR_FIELD_LENGTH && o->wants ? o->wants->steps[i] : 0;
}

/* One value of a map. */
static gr_status add_named(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                           const char *row, const gr_tree *map, int i, bool lists, gr__entries *e)
{
    const char *name = o->wants ? gr__wanted_name(o, role, i) : map->key[i];
    const gr_tree *t = o->wants ? gr__tree_get(map, name) : map->child[i];
    const gr__entry entry = {.name = name, .role = role, .at = t, .most = most_of(o, role, i)};
    return t ? add_value(ctx, s, o, entry, row, t, lists, e) : GR_OK;
}

static gr_status add_map(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                         const char *row, const gr_tree *map, bool lists, gr__entries *e)
{
    int most = role == GR_FIELD_TARGET ? GR_MAX_TARGETS : GR_MAX_INPUTS;
    gr_status st = o->wants ? check_names(ctx, o, role, row, map) : GR_OK;
    if (st == GR_OK && map->n > most)
        st = gr__tree_fail(ctx, map, GR_E_RANGE, NULL, "%d %s are too many: there may be %d", map->n, noun(role, true),
                           most);
    if (st == GR_OK && map->n == 0 && !o->wants)
        st = gr__tree_fail(ctx, map, GR_E_MISSING, NULL, "an empty map names no %s", noun(role, false));
    int n = o->wants ? gr__wanted_fields(o, role) : map->n;
    for (int i = 0; i < n && st == GR_OK; i++) st = add_named(ctx, s, o, role, row, map, i, lists, e);
    return st;
}

gr_status gr__entries_add(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                          const char *row, bool lists, gr__entries *e)
{
    const gr_tree *t = gr__setting_tree(s, row), *at = gr__source_at(s, row);
    int n = gr__wanted_fields(o, role);
    if (!t || n == 0) return GR_OK;
    if (t->kind == GR_TREE_MAP) return add_map(ctx, s, o, role, row, t, lists, e);
    if (n == 1) {
        const gr__entry lone = {
            .name = gr__wanted_name(o, role, 0), .role = role, .at = at, .most = most_of(o, role, 0)};
        return add_value(ctx, s, o, lone, row, t, lists, e);
    }
    char names[300], write[400];
    gr_status st = gr__tree_fail(ctx, at, GR_E_TYPE, NULL, "the recipe has %s, but one is said",
                                 list_of(o, role, names, sizeof names));
    static const char *const whole[] = {[GR_FIELD_INPUT] = "inputs", [GR_FIELD_TARGET] = "targets"};
    if (role != GR_FIELD_LENGTH) row = whole[role]; /* a short form has no room for several */
    gr__error_hint(ctx, "write %s", example(o, role, row, "...", write, sizeof write));
    return st;
}

void gr__entries_weigh(const gr_settings *s, const char *row, const char *text, gr__entries *e)
{
    e->weighted = true;
    e->entry[gr__entries_n(e) - 1] =
        (gr__entry){.name = "weight", .role = GR_FIELD_WEIGHT, .text = text, .at = gr__source_at(s, row)};
}

gr_status gr__entries_of(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__entries *e)
{
    *e = (gr__entries){0};
    gr_status st = gr__entries_add(ctx, s, o, GR_FIELD_INPUT, rows->inputs, false, e);
    if (st == GR_OK) st = gr__entries_add(ctx, s, o, GR_FIELD_TARGET, rows->targets, false, e);
    if (st == GR_OK && e->n_targets == 0 && gr__wanted_fields(o, GR_FIELD_TARGET) > 1)
        st = gr__entries_unsaid(ctx, s, o, GR_FIELD_TARGET, rows->targets, "...");
    const char *weights = rows->weights ? gr__setting_text(s, rows->weights) : NULL;
    if (st == GR_OK && weights) gr__entries_weigh(s, rows->weights, weights, e);
    if (st != GR_OK || !rows->lengths) return st;
    return gr__entries_add(ctx, s, o, GR_FIELD_LENGTH, rows->lengths, false, e);
}

gr_status gr__entries_begin(gr_context *ctx, const gr__entries *e, gr__bump *b, gr_set *out)
{
    *out = (gr_set){
        .n_inputs = e->n_inputs, .n_targets = e->n_targets, .n_lengths = e->n_lengths, .weighted = e->weighted};
    for (int i = 0; i < gr__entries_n(e); i++) {
        const gr__entry *entry = &e->entry[i];
        const char *name = b ? gr__bump_strdup(b, entry->name) : entry->name;
        if (!name) return gr__error_code(ctx);
        out->field[i] = (gr_field){.name = name, .role = entry->role};
    }
    return GR_OK;
}

/* ---- paths and places ---- */

const char *gr__source_file(gr__bump *b, const char *path, const gr_source_options *o)
{
    if (path[0] == '/' || !o->folder || !o->folder[0] || strcmp(o->folder, ".") == 0) return path;
    return gr__bump_format(b, "%s/%s", o->folder, path);
}

const char *gr__source_path(gr__bump *b, const gr_settings *s, const char *row, const gr_source_options *o)
{
    const char *path = gr__setting_text(s, row);
    return path ? gr__source_file(b, path, o) : NULL;
}

const gr_tree *gr__source_at(const gr_settings *s, const char *row)
{
    const gr_tree *at = gr__tree_get(s->tree, row);
    return at ? at : s->tree;
}

gr_status gr__place(gr_context *ctx, const gr_tree *at, gr_status st)
{
    char path[256];
    if (st != GR_OK && at) gr__error_place(ctx, at->file, at->line, at->column, gr__tree_path(at, path, sizeof path));
    return st;
}

gr_status gr__source_place(gr_context *ctx, const gr_settings *s, const char *row, gr_status st)
{
    return gr__place(ctx, gr__source_at(s, row), st);
}
