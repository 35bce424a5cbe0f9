/* --set key.path[0].x=value. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/section.h"

typedef struct setter {
    gr_context *ctx;
    gr__bump *b;
    gr_tree *root;
    const char *option, *whole; /* for messages: "--set", what it was given */
} setter;

/* One component of a path: a key, or an index where key is NULL. */
typedef struct part {
    const char *key;
    int64_t index;
} part;

static gr_status wrong(const setter *s, const char *why)
{
    gr_status st = gr__fail(s->ctx, GR_E_USAGE, "%s %s: %s", s->option, s->whole, why);
    gr__error_hint(s->ctx, "write %s optimizer.lr=0.01 or %s model.layers[0].units=64", s->option, s->option);
    return st;
}

/* The next component of *at, which ends where the path does. first: no dot stands before a key. */
static gr_status next_part(const setter *s, const char **at, bool first, part *out)
{
    const char *p = *at;
    if (*p == '[') {
        char *end;
        out->key = NULL;
        if (p[1] < '0' || p[1] > '9') return wrong(s, "an index is a number, counted from 0");
        out->index = strtoll(p + 1, &end, 10);
        if (*end != ']') return wrong(s, "a \"[\" without its \"]\"");
        *at = end + 1;
        return GR_OK;
    }
    if (!first) {
        if (*p != '.') return wrong(s, "a \".\" or \"[\" is missing");
        p++;
    }
    size_t n = strcspn(p, ".[]");
    if (n == 0) return wrong(s, "a key is empty");
    char *key = gr__bump_alloc(s->b, n + 1);
    if (!key) return GR_E_MEMORY;
    memcpy(key, p, n);
    *out = (part){key, 0};
    *at = p + n;
    return GR_OK;
}

static gr_tree *from_flag(const setter *s, gr_tree *t)
{
    if (t) t->file = s->option;
    return t;
}

/* Everything of a flag's value stands on the command line, not in a file. */
static void mark(const setter *s, gr_tree *t)
{
    from_flag(s, t);
    t->line = t->column = 0;
    for (int i = 0; i < t->n; i++) mark(s, t->child[i]);
}

/* What a key of t is set in: t itself if it is a map; a plain member name becomes {type: name}, none becomes a map. */
static gr_status as_map(const setter *s, gr_tree *t)
{
    if (t->kind == GR_TREE_MAP) return GR_OK;
    if (t->kind == GR_TREE_LIST)
        return gr__tree_fail(s->ctx, t, GR_E_TYPE, NULL, "%s %s: this is a list; write an index: [0]", s->option,
                             s->whole);
    if (t->kind != GR_TREE_TEXT && t->kind != GR_TREE_NULL)
        return gr__tree_fail(s->ctx, t, GR_E_TYPE, NULL, "%s %s: %s has no keys", s->option, s->whole, t->text);
    gr_tree *name = gr__tree_none(t) ? NULL : gr__tree_text(s->b, t->text);
    if (name) {
        name->file = t->file;
        name->line = t->line;
        name->column = t->column;
    } else if (!gr__tree_none(t)) {
        return GR_E_MEMORY;
    }
    t->kind = GR_TREE_MAP;
    t->text = NULL;
    return !name || gr__tree_put(s->b, t, "type", name) ? GR_OK : GR_E_MEMORY;
}

/* Whose keys the map has: a recipe's, a head's, NULL: another's. */
static const gr_member *section_of(const setter *s, const gr_tree *map)
{
    const gr_tree *heads = gr__tree_get(s->root, "heads");
    if (map == s->root) return &gr__section_recipe;
    return heads && map->parent == heads ? &gr__section_head : NULL;
}

/* A map for a key that is not there; a section that is a family member begins as its default, so that `optimizer.lr`
 * alone makes sense. */
static gr_status add_map(const setter *s, gr_tree *parent, const char *key, gr_tree **out)
{
    gr_tree *t = from_flag(s, gr__tree_map(s->b));
    const gr_member *section = section_of(s, parent);
    const char *value = NULL;
    for (int i = 0; section && i < section->n_rows; i++)
        if (strcmp(section->rows[i].name, key) == 0 && section->rows[i].kind == GR_ROW_TREE)
            value = section->rows[i].value;
    if (!gr__tree_put(s->b, parent, key, t)) return GR_E_MEMORY;
    if (value && strcmp(value, "none") != 0 && !gr__tree_put(s->b, t, "type", from_flag(s, gr__tree_text(s->b, value))))
        return GR_E_MEMORY;
    *out = t;
    return GR_OK;
}

static gr_status list_item(const setter *s, gr_tree *t, int64_t index)
{
    char shown[200];
    if (t->kind != GR_TREE_LIST)
        return gr__tree_fail(s->ctx, t, GR_E_TYPE, NULL, "%s %s: %s is not a list", s->option, s->whole,
                             gr__tree_show(t, shown, sizeof shown));
    if (index >= t->n)
        return gr__tree_fail(s->ctx, t, GR_E_RANGE, NULL, "%s %s: there are %d items, counted from 0", s->option,
                             s->whole, t->n);
    return GR_OK;
}

/* The child to go on from. */
static gr_status descend(const setter *s, gr_tree *t, part p, gr_tree **out)
{
    gr_status st = p.key ? as_map(s, t) : list_item(s, t, p.index);
    if (st != GR_OK) return st;
    *out = p.key ? gr__tree_get(t, p.key) : t->child[p.index];
    return *out ? GR_OK : add_map(s, t, p.key, out);
}

static gr_status place_value(const setter *s, gr_tree *t, part p, gr_tree *value)
{
    gr_status st = p.key ? as_map(s, t) : list_item(s, t, p.index);
    if (st != GR_OK) return st;
    if (p.key) return gr__tree_put(s->b, t, p.key, value) ? GR_OK : GR_E_MEMORY;
    value->parent = t;
    t->child[p.index] = value;
    return GR_OK;
}

gr_status gr__recipe_set(gr_context *ctx, gr__bump *b, gr_tree *root, const char *option, const char *assignment)
{
    setter s = {ctx, b, root, option, assignment};
    const char *equals = strchr(assignment, '=');
    gr_tree *t = root, *value;
    part p;
    if (!equals) return wrong(&s, "it wants KEY=VALUE");
    char *path = gr__bump_alloc(b, (size_t)(equals - assignment) + 1);
    if (!path) return GR_E_MEMORY;
    memcpy(path, assignment, (size_t)(equals - assignment));
    const char *at = path;
    gr_status st = gr__yaml_parse(ctx, b, option, equals + 1, strlen(equals + 1), &value);
    if (st != GR_OK) return st;
    mark(&s, value);
    GR_TRY(next_part(&s, &at, true, &p));
    for (int depth = 1; *at; depth++) {
        if (depth == 32) GR_TRY(wrong(&s, "the path is deeper than a recipe"));
        GR_TRY(descend(&s, t, p, &t));
        GR_TRY(next_part(&s, &at, false, &p));
    }
    GR_TRY(place_value(&s, t, p, value));
done:
    return st;
}
