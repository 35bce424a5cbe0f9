/* Recipes: what of one differs from the defaults, and what several differ in.
 *
 * A setting is a default where the recipe without it resolves to the same recipe: nothing here knows any default. */
#include <stdlib.h>
#include <string.h>

#include "model/safetensors.h"
#include "study/report/parts.h"

enum { MOST_TRIALS = 2000, MOST_ROWS = 60, VALUE_TEXT = 120 };

/* A value on one line, not too long. */
static const char *value_text(gr_document *d, const gr_tree *t)
{
    char shown[VALUE_TEXT];
    gr__text text;
    const gr_tree *type = t ? gr__tree_get(t, "type") : NULL;
    if (!t || gr__tree_none(t)) return "none";
    if (type) return value_text(d, type);
    if (t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP) return gr__document_text(d, "%s", t->text ? t->text : "");
    gr__text_init(&text, d->ctx);
    gr__tree_json(&text, t);
    const char *out = text.failed ? "" : gr__document_text(d, "%s", gr__shown(shown, sizeof shown, text.s, text.n));
    gr__text_free(&text);
    return out;
}

/* ---- defaults ---- */

/* What is known of a setting of a layer without a trial: layers are many and alike. */
typedef struct known {
    const char *what; /* "conv kernel 3" */
    bool usual;
} known;

typedef struct reader {
    gr_report *r;
    const gr_read_run *run;
    gr_tree *root;
    gr_written_table *table; /* of what differs */
    bool *strong;            /* a line of the text: it differs, or has no default */
    int n_lines, trials;
    known *known;
    size_t n_known, known_room;
    int rows;
} reader;

static void mark(reader *k, const gr_tree *t)
{
    if (t->line > 0 && t->line <= k->n_lines) k->strong[t->line - 1] = true;
}

/* Where t stands, in another tree; NULL: that has no such place. */
static const gr_tree *counterpart(const gr_tree *root, const gr_tree *t)
{
    const gr_tree *in = t->parent, *there = in ? counterpart(root, in) : root;
    if (!in || !there || there->kind != in->kind) return in ? NULL : there;
    for (int i = 0; i < in->n; i++) {
        if (in->child[i] != t) continue;
        if (in->kind == GR_TREE_MAP) return gr__tree_get(there, in->key[i]);
        return i < there->n ? there->child[i] : NULL;
    }
    return NULL;
}

static bool same_type(const gr_tree *a, const gr_tree *b)
{
    const gr_tree *x = gr__tree_get(a, "type"), *y = gr__tree_get(b, "type");
    return x && y ? gr__tree_equal(x, y) : !x && !y;
}

/* The recipe without member i of a map, resolved; false: it must be given. *usual: what stands in its place then;
 * *alike: a map of the same kind, whose members tell more. */
static gr_status attempt(reader *k, gr_tree *map, int i, bool *makes, bool *same, const char **usual, bool *alike)
{
    gr_context *ctx = k->r->ctx;
    gr_document *d = &k->r->document;
    gr_recipe *trial = NULL;
    gr_tree *child = map->child[i];
    const char *key = map->key[i];
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return gr__error_code(ctx);
    memmove(&map->child[i], &map->child[i + 1], sizeof *map->child * (size_t)(map->n - i - 1));
    memmove(&map->key[i], &map->key[i + 1], sizeof *map->key * (size_t)(map->n - i - 1));
    map->n--;
    gr_tree *copy = gr__tree_copy(b, k->root);
    memmove(&map->child[i + 1], &map->child[i], sizeof *map->child * (size_t)(map->n - i));
    memmove(&map->key[i + 1], &map->key[i], sizeof *map->key * (size_t)(map->n - i));
    map->child[i] = child;
    map->key[i] = key;
    map->n++;
    gr_status st = copy ? gr__recipe_from_tree(ctx, b, copy, k->run->recipe->path, k->run->recipe->folder, &trial)
                        : gr__error_code(ctx);
    if (st != GR_OK) gr__bump_destroy(b);
    *makes = st == GR_OK;
    *same = *makes && gr__tree_equal(trial->resolved, k->run->recipe->resolved);
    const gr_tree *there = *makes ? counterpart(trial->resolved, child) : NULL;
    *usual = *makes && !*same ? value_text(d, there) : "";
    *alike = there && there->kind == GR_TREE_MAP && child->kind == GR_TREE_MAP && same_type(there, child);
    if (trial) gr__recipe_close(ctx, trial);
    if (st == GR_E_MEMORY) return st;
    gr_context_clear_error(ctx);
    k->trials++;
    return GR_OK;
}

/* Of a layer: its kind, the key, the value; NULL: it is no plain setting of one. */
static const char *known_as(reader *k, const gr_tree *map, int i)
{
    const gr_tree *type = gr__tree_get(map, "type"), *of = map->parent;
    if (!type || !of || of->kind != GR_TREE_LIST || map->child[i]->kind >= GR_TREE_LIST) return NULL;
    return gr__document_text(&k->r->document, "%s %s %s", type->text, map->key[i],
                             map->child[i]->text ? map->child[i]->text : "");
}

static const known *look_up(const reader *k, const char *what)
{
    for (size_t i = 0; what && i < k->n_known; i++)
        if (strcmp(k->known[i].what, what) == 0) return &k->known[i];
    return NULL;
}

static bool remember(reader *k, const char *what, bool usual)
{
    if (!what) return true;
    if (!GR_ROOM(k->r->ctx, k->known, k->known_room, k->n_known + 1)) return false;
    k->known[k->n_known++] = (known){what, usual};
    return true;
}

static void add_row(reader *k, const gr_tree *child, const char *usual)
{
    gr_document *d = &k->r->document;
    char path[512];
    if (strstr(gr__tree_path(child, path, sizeof path), "layers[")) return; /* the text marks them */
    if (k->rows++ >= MOST_ROWS) return;
    gr__document_cell(d, k->table, GR_CELL_HEAD, "%s", path);
    gr__document_cell(d, k->table, GR_CELL_WORDS, "%s", value_text(d, child));
    gr__document_cell(d, k->table, GR_CELL_WORDS, "%s", usual);
}

static gr_status visit(reader *k, gr_tree *t);

/* Whether a map without it would be of another kind, or has none: then its keys tell nothing by themselves. */
static gr_status visit_member(reader *k, gr_tree *map, int i)
{
    gr_tree *child = map->child[i];
    bool top = map == k->root, makes = false, same = false, alike = false, inner = child->kind == GR_TREE_MAP;
    const char *usual = "", *what = known_as(k, map, i);
    const known *before = look_up(k, what);
    for (int j = 0; child->kind == GR_TREE_LIST && j < child->n; j++) inner |= child->child[j]->kind == GR_TREE_MAP;
    if (top && (strcmp(map->key[i], "gradus") == 0 || strcmp(map->key[i], "name") == 0)) return GR_OK;
    if (before) {
        if (!before->usual) mark(k, child);
        return GR_OK;
    }
    gr_status st = k->trials < MOST_TRIALS ? attempt(k, map, i, &makes, &same, &usual, &alike) : GR_OK;
    if (st != GR_OK) return st;
    if (!remember(k, what, same)) return gr__error_code(k->r->ctx);
    if (same || k->trials >= MOST_TRIALS) return GR_OK;
    if (makes && !alike) add_row(k, child, usual);
    if (inner) return visit(k, child);
    mark(k, child);
    return GR_OK;
}

static gr_status visit(reader *k, gr_tree *t)
{
    gr_status st = GR_OK;
    gr__report_watch(k->r, "recipe", 0);
    for (int i = 0; i < t->n && st == GR_OK; i++) {
        if (t->kind == GR_TREE_MAP)
            st = visit_member(k, t, i);
        else if (t->child[i]->kind >= GR_TREE_LIST)
            st = visit(k, t->child[i]);
        else
            mark(k, t->child[i]);
    }
    return st;
}

static void put_lines(reader *k)
{
    const char *s = k->run->recipe_text, *end = s + k->run->recipe_bytes;
    for (int i = 0; s < end && i < k->n_lines; i++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        int n = (int)((stop ? stop : end) - s);
        gr__document_line(&k->r->document, k->strong[i], "%.*s", n, s);
        s += n + 1;
    }
}

static gr_status compare(reader *k, gr__bump *b)
{
    gr_context *ctx = k->r->ctx;
    gr_document *d = &k->r->document;
    static const char *const heading[] = {"setting", "here", "usual"};
    gr_status st = gr__yaml_parse(ctx, b, k->run->recipe->path, k->run->recipe_text, k->run->recipe_bytes, &k->root);
    if (st != GR_OK) return st;
    k->table = gr__document_table(d, "Settings that differ from their defaults, but for those of layers", 3);
    for (size_t i = 0; i < GR_COUNT(heading) && k->table->heading; i++) k->table->heading[i] = heading[i];
    gr__log_mute(ctx, true);
    st = visit(k, k->root);
    gr__log_mute(ctx, false);
    if (k->rows > MOST_ROWS) gr__document_words(d, "And %d more.", k->rows - MOST_ROWS);
    return st;
}

gr_status gr__report_recipe(gr_report *r, const gr_read_run *run)
{
    gr_document *d = &r->document;
    reader k = {.r = r, .run = run};
    gr__document_section(d, "recipe", "Recipe");
    if (!run->recipe) gr__report_miss(r, "What of the recipe differs from the defaults", run->no_recipe);
    if (!run->recipe_text) return GR_OK;
    for (size_t i = 0; i < run->recipe_bytes; i++) k.n_lines += run->recipe_text[i] == '\n';
    k.n_lines++;
    k.strong = gr__document_alloc(d, (size_t)k.n_lines);
    gr__bump *b = k.strong ? gr__bump_create(r->ctx) : NULL;
    if (!b) return GR_E_MEMORY;
    gr_status st = run->recipe ? compare(&k, b) : GR_OK;
    if (st == GR_OK)
        gr__document_words(d, "%s",
                           run->recipe ? "The whole recipe, every default filled in. What stands on a ground of "
                                         "its own differs from its default, or has none."
                                       : "The whole recipe:");
    if (st == GR_OK) put_lines(&k);
    gr__free(r->ctx, k.known, k.known_room * sizeof *k.known);
    gr__bump_destroy(b);
    return st;
}
