/* Schemas: copies, and what models of older versions tell. */
#include "data/schema.h"

#include <stdlib.h>
#include <string.h>

static const char *const *copy_texts(gr__bump *b, const char *const *from, int n)
{
    const char **to = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *to);
    for (int i = 0; to && i < n; i++) {
        if (!(to[i] = gr__bump_strdup(b, from[i]))) return NULL;
    }
    return to;
}

const gr_schema *gr__schema_copy(gr__bump *b, const gr_schema *s)
{
    gr_schema *c = gr__bump_alloc(b, sizeof *c);
    if (!c) return NULL;
    *c = *s;
    bool made = true;
    if (s->input) {
        int *input = gr__bump_alloc(b, (size_t)GR_MAX(s->n_inputs, 1) * sizeof *input);
        if (input && s->n_inputs) memcpy(input, s->input, (size_t)s->n_inputs * sizeof *input);
        c->input = input;
        made = input != NULL;
    }
    if (s->name) made = made && (c->name = copy_texts(b, s->name, s->n_inputs));
    if (s->target_name) made = made && (c->target_name = gr__bump_strdup(b, s->target_name));
    if (s->missing) made = made && (c->missing = copy_texts(b, s->missing, s->n_missing));
    if (s->class_names) made = made && (c->class_names = copy_texts(b, s->class_names, s->n_class_names));
    return made ? c : NULL;
}

/* ---- models of older versions ---- */

static const char *text_of(const gr_tree *source, const char *key, const char *unless)
{
    const gr_tree *t = gr__tree_get(source, key);
    bool said = t && t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP && !gr__tree_none(t) && t->text;
    return said && strcmp(t->text, unless) != 0 ? t->text : NULL;
}

static bool take_missing(gr__bump *b, const gr_tree *t, gr_schema *s)
{
    if (!t || gr__tree_none(t) || t->kind == GR_TREE_MAP) return true;
    int n = t->kind == GR_TREE_LIST ? t->n : 1;
    const char **text = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *text);
    if (!text) return false;
    for (int i = 0; i < n; i++) {
        const gr_tree *x = t->kind == GR_TREE_LIST ? t->child[i] : t;
        text[i] = x->text ? x->text : "";
    }
    s->missing = text;
    s->n_missing = n;
    return true;
}

/* All columns but the target were inputs: then a table without names can still be matched by position. */
static bool take_positions(gr__bump *b, gr_schema *s, bool has_target)
{
    if (has_target && s->target < 0) return true; /* known by name alone */
    int *input = gr__bump_alloc(b, (size_t)GR_MAX(s->n_inputs, 1) * sizeof *input);
    if (!input) return false;
    for (int i = 0, at = 0; i < s->n_inputs; i++, at++) {
        if (at == s->target) at++;
        input[i] = at;
    }
    s->input = input;
    s->n_columns = s->n_inputs + has_target;
    return true;
}

gr_status gr__schema_of_source(gr_context *ctx, gr__bump *b, const gr_tree *source, const char *const *name,
                               int n_inputs, gr_schema *out)
{
    const char *delimiter = text_of(source, "delimiter", "auto"), *header = text_of(source, "header", "auto");
    const char *target = text_of(source, "target", "none");
    const gr_tree *columns = gr__tree_get(source, "columns");
    gr_schema s = {.table = true, .name = name, .n_inputs = n_inputs, .target = -1};
    s.header = name != NULL;
    s.header_given = header != NULL;
    s.delimiter = !delimiter                                                       ? ','
                  : strcmp(delimiter, "space") == 0                                ? ' '
                  : strcmp(delimiter, "tab") == 0 || strcmp(delimiter, "\\t") == 0 ? '\t'
                                                                                   : delimiter[0];
    s.delimiter_given = delimiter != NULL;
    if (target && target[strspn(target, "0123456789")] == '\0' && strlen(target) < 8)
        s.target = (int)strtol(target, NULL, 10);
    else
        s.target_name = target;
    bool made = take_missing(b, gr__tree_get(source, "missing"), &s);
    if (gr__tree_none(columns) && s.target <= n_inputs) made = made && take_positions(b, &s, target != NULL);
    if (!made) return gr__error_code(ctx);
    *out = s;
    return GR_OK;
}
