/* Schemas: copies, and what models of older versions tell. */
#include "data/schema.h"

#include <stdlib.h>
#include <string.h>

const gr_schema_target *gr__schema_target(const gr_schema *s, const char *head, bool lone)
{
    for (int i = 0; s && i < s->n_targets; i++)
        if (s->target[i].name && strcmp(s->target[i].name, head) == 0) return &s->target[i];
    return s && lone && s->n_targets == 1 ? &s->target[0] : NULL;
}

bool gr__schema_is_target(const gr_schema *s, int column)
{
    for (int i = 0; i < s->n_targets; i++)
        for (int k = 0; k < s->target[i].n; k++)
            if (s->target[i].column[k] == column) return true;
    return false;
}

/* ---- copies ---- */

/* Each gives false on failure, and leaves what is NULL so. */
static bool copy_text(gr__bump *b, const char **text)
{
    return !*text || (*text = gr__bump_strdup(b, *text));
}

static bool copy_texts(gr__bump *b, const char *const **texts, int n)
{
    if (!*texts) return true;
    const char **to = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *to);
    for (int i = 0; to && i < n; i++) {
        if (!(to[i] = gr__bump_strdup(b, (*texts)[i]))) return false;
    }
    *texts = to;
    return to != NULL;
}

static bool copy_numbers(gr__bump *b, const int **numbers, int n)
{
    if (!*numbers) return true;
    int *to = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *to);
    if (to && n) memcpy(to, *numbers, (size_t)n * sizeof *to);
    *numbers = to;
    return to != NULL;
}

static bool copy_categories(gr__bump *b, const gr_schema_category **all, int n)
{
    if (!*all) return true;
    gr_schema_category *to = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *to);
    for (int i = 0; to && i < n; i++) {
        to[i] = (*all)[i];
        if (to[i].n && !copy_texts(b, &to[i].name, to[i].n)) return false;
    }
    *all = to;
    return to != NULL;
}

static bool copy_symbols(gr__bump *b, const int32_t **symbol, int n)
{
    if (!*symbol) return true;
    int32_t *to = gr__bump_alloc(b, (size_t)GR_MAX(n, 1) * sizeof *to);
    if (to && n) memcpy(to, *symbol, (size_t)n * sizeof *to);
    *symbol = to;
    return to != NULL;
}

const gr_schema *gr__schema_copy(gr__bump *b, const gr_schema *s)
{
    gr_schema *c = gr__bump_alloc(b, sizeof *c);
    if (!c) return NULL;
    *c = *s;
    bool made = copy_numbers(b, &c->input, s->n_inputs) && copy_texts(b, &c->name, s->n_inputs) &&
                copy_categories(b, &c->category, s->n_inputs) && copy_texts(b, &c->missing, s->n_missing) &&
                copy_text(b, &c->weight_name) && copy_text(b, &c->unit) && copy_symbols(b, &c->symbol, s->n_symbols);
    for (int i = 0; i < s->n_of_inputs && made; i++) made = copy_text(b, &c->of_input[i].name);
    for (int i = 0; i < s->n_targets && made; i++) {
        gr_schema_target *t = &c->target[i];
        made = copy_text(b, &t->name) && copy_numbers(b, &t->column, t->n) && copy_texts(b, &t->column_name, t->n) &&
               copy_texts(b, &t->class_names, t->n_class_names);
    }
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
static bool take_positions(gr__bump *b, gr_schema *s, int target, bool has_target)
{
    if (has_target && target < 0) return true; /* known by name alone */
    int *input = gr__bump_alloc(b, (size_t)GR_MAX(s->n_inputs, 1) * sizeof *input);
    if (!input) return false;
    for (int i = 0, at = 0; i < s->n_inputs; i++, at++) {
        if (at == target) at++;
        input[i] = at;
    }
    s->input = input;
    s->n_columns = s->n_inputs + has_target;
    return true;
}

/* *column: where it stood, -1 where only its name is known. */
static bool take_target(gr__bump *b, gr_schema *s, const char *target, int *column)
{
    bool index = target && target[strspn(target, "0123456789")] == '\0' && strlen(target) < 8;
    int *place = gr__bump_alloc(b, sizeof *place);
    const char **name = gr__bump_alloc(b, sizeof *name);
    if (!place || !name) return false;
    *column = *place = index ? (int)strtol(target, NULL, 10) : -1;
    *name = target;
    s->n_targets = target != NULL;
    s->target[0] = (gr_schema_target){.n = 1, .column = place, .column_name = index ? NULL : name};
    return true;
}

gr_status gr__schema_of_source(gr_context *ctx, gr__bump *b, const gr_tree *source, const char *const *name,
                               int n_inputs, gr_schema *out)
{
    const char *delimiter = text_of(source, "delimiter", "auto"), *header = text_of(source, "header", "auto");
    const char *target = text_of(source, "target", "none");
    const gr_tree *columns = gr__tree_get(source, "columns");
    gr_schema s = {.table = true, .name = name, .n_inputs = n_inputs};
    int column = -1;
    s.header = name != NULL;
    s.header_given = header != NULL;
    s.delimiter = !delimiter                                                       ? ','
                  : strcmp(delimiter, "space") == 0                                ? ' '
                  : strcmp(delimiter, "tab") == 0 || strcmp(delimiter, "\\t") == 0 ? '\t'
                                                                                   : delimiter[0];
    s.delimiter_given = delimiter != NULL;
    bool made = take_missing(b, gr__tree_get(source, "missing"), &s) && take_target(b, &s, target, &column);
    if (gr__tree_none(columns) && column <= n_inputs) made = made && take_positions(b, &s, column, target != NULL);
    if (!made) return gr__error_code(ctx);
    *out = s;
    return GR_OK;
}
