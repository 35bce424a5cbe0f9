/* YAML to a tree of settings, through libfyaml's events: places, duplicate keys, aliases and every bound are ours.
 *
 * libfyaml would expand aliases and compare keys itself, but only its events tell where each key stands, and only a
 * reader of events can stop an alias bomb before it is unfolded. */
#include <libfyaml.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "model/file.h"
#include "model/yaml.h"

typedef struct anchor {
    const char *name;
    gr_tree *tree;
} anchor;
typedef struct level {
    gr_tree *tree;
    const char *key;
    int line, column;
} level; /* key: of the map, waiting for its value */

typedef struct reader {
    gr_context *ctx;
    gr__bump *b;
    const char *file, *text;
    size_t n;
    level stack[GR_YAML_DEPTH];
    int depth;
    gr_tree *root;
    anchor *anchors;
    size_t n_anchors, anchors_capacity;
    int64_t nodes, text_bytes;
    int documents;
} reader;

static gr_place place(const reader *r, const struct fy_mark *m)
{
    return (gr_place){r->file, m ? m->line + 1 : 0, m ? m->column + 1 : 0};
}

static gr_place event_place(const reader *r, struct fy_event *e)
{
    return place(r, fy_event_start_mark(e));
}

static gr_status token_text(reader *r, struct fy_token *token, gr_place at, const char **out)
{
    size_t n = 0;
    const char *s = token ? fy_token_get_text(token, &n) : "";
    if (!s) return gr__fail(r->ctx, GR_E_MEMORY, "no memory for the text of a recipe");
    if (memchr(s, '\0', n)) return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "a NUL character in a text");
    char *copy = gr__bump_alloc(r->b, n + 1);
    if (!copy) return GR_E_MEMORY;
    memcpy(copy, s, n);
    *out = copy;
    return GR_OK;
}

/* Line ends in a flow scalar: blanks around them go; one becomes a space, n + 1 become n. Gives what was consumed of s.
 */
static size_t fold(const char *s, size_t n, char *out, size_t *used)
{
    size_t i = 0, lines = 0;
    while (*used && (out[*used - 1] == ' ' || out[*used - 1] == '\t')) --*used;
    while (i < n && strchr("\r\n \t", s[i])) {
        lines += s[i] == '\n' || (s[i] == '\r' && !(i + 1 < n && s[i + 1] == '\n'));
        i++;
    }
    if (lines == 1) out[(*used)++] = ' ';
    for (; lines > 1; lines--) out[(*used)++] = '\n';
    return i;
}

/* A scalar in single quotes, from the document itself: libfyaml 0.7.12 loses memory over one that holds many quotes. */
static gr_status single_quoted(reader *r, struct fy_token *token, gr_place at, const char **out)
{
    size_t from = fy_token_start_mark(token)->input_pos, to = fy_token_end_mark(token)->input_pos, used = 0;
    if (to > r->n || from > to)
        return gr__place_fail(r->ctx, at, GR_E_INTERNAL, NULL, "a text lies outside of its document");
    const char *s = r->text + from;
    char *copy = gr__bump_alloc(r->b, to - from + 1);
    if (!copy) return GR_E_MEMORY;
    for (size_t i = 0; i < to - from;) {
        if (s[i] == '\n' || s[i] == '\r') {
            i += fold(s + i, to - from - i, copy, &used);
        } else {
            copy[used++] = s[i];
            i += s[i] == '\'' ? 2 : 1;
        }
    }
    copy[used] = '\0'; /* folding may have taken blanks back */
    *out = copy;
    return GR_OK;
}

static gr_status scalar_text(reader *r, struct fy_token *token, gr_place at, const char **out)
{
    bool single = token && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED;
    return single ? single_quoted(r, token, at, out) : token_text(r, token, at, out);
}

static gr_status count(reader *r, gr_place at, int64_t nodes, int64_t bytes)
{
    r->nodes += nodes;
    r->text_bytes += bytes;
    if (r->nodes > GR_YAML_NODES)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "more than %d values, repeated ones included",
                              GR_YAML_NODES);
    if (r->text_bytes > GR_YAML_TEXT_BYTES)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "more than %d bytes of text, repeated ones included",
                              GR_YAML_TEXT_BYTES);
    return GR_OK;
}

/* ---- anchors and aliases ---- */

static gr_status add_anchor(reader *r, struct fy_token *token, gr_tree *tree, gr_place at)
{
    const char *name = NULL;
    if (!token) return GR_OK;
    gr_status st = token_text(r, token, at, &name);
    if (st != GR_OK) return st;
    if (r->n_anchors >= GR_YAML_KEYS)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "more than %d anchors", GR_YAML_KEYS);
    if (!GR_ROOM(r->ctx, r->anchors, r->anchors_capacity, r->n_anchors + 1)) return GR_E_MEMORY;
    r->anchors[r->n_anchors++] = (anchor){name, tree};
    return GR_OK;
}

/* Adds up what a copy of t would take; depth of it as the result. Trees are no deeper than GR_YAML_DEPTH, so recursion
 * is bounded. */
static int weigh(const gr_tree *t, int64_t *nodes, int64_t *bytes)
{
    int deepest = 0;
    ++*nodes;
    if (t->text) *bytes += (int64_t)strlen(t->text);
    for (int i = 0; i < t->n; i++) {
        int depth = weigh(t->child[i], nodes, bytes);
        deepest = GR_MAX(deepest, depth);
    }
    return t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP ? deepest + 1 : 0;
}

static gr_status follow_alias(reader *r, struct fy_token *token, gr_place at, gr_tree **out)
{
    const char *name = NULL;
    gr_tree *target = NULL;
    int64_t nodes = 0, bytes = 0;
    gr_status st = token_text(r, token, at, &name);
    if (st != GR_OK) return st;
    for (size_t i = r->n_anchors; i-- > 0 && !target;) /* the latest of equal names counts */
        if (strcmp(r->anchors[i].name, name) == 0) target = r->anchors[i].tree;
    if (!target)
        return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "the alias *%s has no anchor &%s before it", name, name);
    for (int i = 0; i < r->depth; i++)
        if (r->stack[i].tree == target)
            return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "the alias *%s stands inside what it repeats", name);
    if (weigh(target, &nodes, &bytes) + r->depth > GR_YAML_DEPTH)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "nested deeper than %d", GR_YAML_DEPTH);
    st = count(r, at, nodes, bytes);
    if (st != GR_OK) return st;
    *out = gr__tree_copy(r->b, target);
    return *out ? GR_OK : GR_E_MEMORY;
}

/* ---- values ---- */

/* Hangs a value where the document is now: root, list, or under the key that waits. */
static gr_status attach(reader *r, gr_tree *t, gr_place at)
{
    t->file = r->file;
    t->line = at.line;
    t->column = at.column;
    if (r->depth == 0) {
        r->root = t;
        return GR_OK;
    }
    level *top = &r->stack[r->depth - 1];
    if (top->tree->kind == GR_TREE_LIST) return gr__tree_push(r->b, top->tree, t) ? GR_OK : GR_E_MEMORY;
    t->line = top->line;
    t->column = top->column;
    const char *key = top->key;
    top->key = NULL;
    return gr__tree_put(r->b, top->tree, key, t) ? GR_OK : GR_E_MEMORY;
}

static bool wants_key(const reader *r)
{
    return r->depth > 0 && r->stack[r->depth - 1].tree->kind == GR_TREE_MAP && !r->stack[r->depth - 1].key;
}

static gr_status refuse_tag(reader *r, struct fy_token *tag, gr_place at)
{
    return tag ? gr__place_fail(r->ctx, at, GR_E_SYNTAX, "quotes make a text of anything",
                                "recipes have no tags (!...)")
               : GR_OK;
}

static gr_status open_container(reader *r, gr_tree *t, struct fy_token *anchor_token, struct fy_token *tag, gr_place at)
{
    gr_status st = GR_OK;
    if (!t) return GR_E_MEMORY;
    if (wants_key(r))
        return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "a key is plain text, not %s", gr__tree_kind_name(t));
    if (r->depth == GR_YAML_DEPTH)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "nested deeper than %d", GR_YAML_DEPTH);
    GR_TRY(refuse_tag(r, tag, at));
    GR_TRY(count(r, at, 1, 0));
    GR_TRY(attach(r, t, at));
    GR_TRY(add_anchor(r, anchor_token, t, at));
    r->stack[r->depth++] = (level){.tree = t};
done:
    return st;
}

static gr_status take_key(reader *r, const char *text, gr_place at)
{
    level *top = &r->stack[r->depth - 1];
    if (gr__tree_get(top->tree, text))
        return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "the key \"%s\" stands here twice", text);
    if (top->tree->n >= GR_YAML_KEYS)
        return gr__place_fail(r->ctx, at, GR_E_RANGE, NULL, "more than %d keys in one map", GR_YAML_KEYS);
    top->key = text;
    top->line = at.line;
    top->column = at.column;
    return GR_OK;
}

static gr_status take_scalar(reader *r, struct fy_event *e)
{
    const char *text = NULL, *full;
    gr_place at = event_place(r, e);
    bool plain = !e->scalar.value || fy_token_scalar_style(e->scalar.value) == FYSS_PLAIN;
    bool quoted = !plain && fy_token_scalar_style(e->scalar.value) <= FYSS_DOUBLE_QUOTED;
    if (quoted && at.column > 1) at.column--; /* its mark is behind the quote */
    gr_status st = scalar_text(r, e->scalar.value, at, &text);
    if (st != GR_OK) return st;
    GR_TRY(refuse_tag(r, e->scalar.tag, at));
    if (wants_key(r)) {
        if (e->scalar.anchor) GR_TRY(gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "a key has no anchor"));
        return take_key(r, text, at);
    }
    GR_TRY(gr__expand(r->ctx, r->b, at, text, &full));
    GR_TRY(count(r, at, 1, (int64_t)strlen(full)));
    gr_tree *t = plain ? gr__tree_scalar(r->b, full) : gr__tree_text(r->b, full);
    if (!t) return GR_E_MEMORY;
    GR_TRY(attach(r, t, at));
    GR_TRY(add_anchor(r, e->scalar.anchor, t, at));
done:
    return st;
}

static gr_status take_alias(reader *r, struct fy_event *e)
{
    gr_tree *t = NULL;
    gr_place at = event_place(r, e);
    if (wants_key(r)) return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "a key is plain text, not an alias");
    gr_status st = follow_alias(r, e->alias.anchor, at, &t);
    return st == GR_OK ? attach(r, t, at) : st;
}

static gr_status take(reader *r, struct fy_event *e)
{
    gr_place at = event_place(r, e);
    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (r->documents++ == 0) return GR_OK;
        return gr__place_fail(r->ctx, at, GR_E_SYNTAX, NULL, "a second document begins here: a recipe is one");
    case FYET_MAPPING_START:
        return open_container(r, gr__tree_map(r->b), e->mapping_start.anchor, e->mapping_start.tag, at);
    case FYET_SEQUENCE_START:
        return open_container(r, gr__tree_list(r->b), e->sequence_start.anchor, e->sequence_start.tag, at);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        r->depth--;
        return GR_OK;
    case FYET_SCALAR:
        return take_scalar(r, e);
    case FYET_ALIAS:
        return take_alias(r, e);
    default:
        return GR_OK;
    }
}

/* ---- the document ---- */

/* Errors are collected (see read_document); what libfyaml would still print goes nowhere. */
static void discard(struct fy_diag *diag, void *user, const char *text, size_t n)
{
    (void)diag, (void)user, (void)text, (void)n;
}

/* Inside of {} and [] an unquoted brace is the document's own: the commonest slip with variables. */
static bool line_has_variable(const char *text, size_t n, int line)
{
    const char *end = text + n, *stop;
    for (; line > 1; line--) {
        if (!(stop = memchr(text, '\n', (size_t)(end - text)))) return false;
        text = stop + 1;
    }
    stop = memchr(text, '\n', (size_t)(end - text));
    return memmem(text, (size_t)((stop ? stop : end) - text), "${", 2) != NULL;
}

static gr_status report(reader *r, struct fy_diag *diag)
{
    void *prev = NULL;
    struct fy_diag_error *e = fy_diag_errors_iterate(diag, &prev);
    if (!e || !e->msg)
        return gr__place_fail(r->ctx, (gr_place){r->file, 0, 0}, GR_E_SYNTAX, NULL, "it is not valid YAML");
    const char *hint = line_has_variable(r->text, r->n, e->line)
                           ? "inside of {} and [], quote what holds a variable: \"${NAME}/file\""
                           : NULL;
    return gr__place_fail(r->ctx, (gr_place){r->file, e->line, e->column}, GR_E_SYNTAX, hint, "%.*s",
                          (int)strcspn(e->msg, "\n"), e->msg);
}

static gr_status read_events(reader *r, struct fy_parser *parser, struct fy_diag *diag)
{
    struct fy_event *e;
    while ((e = fy_parser_parse(parser))) {
        gr_status st = take(r, e);
        fy_parser_event_free(parser, e);
        if (st != GR_OK) return st;
    }
    return fy_parser_get_stream_error(parser) || fy_diag_got_error(diag) ? report(r, diag) : GR_OK;
}

static gr_status read_document(reader *r, const char *text, size_t n)
{
    struct fy_diag_cfg diag_options;
    struct fy_diag *diag;
    struct fy_parser *parser = NULL;
    gr_status st;
    fy_diag_cfg_default(&diag_options);
    diag_options.fp = NULL;
    diag_options.output_fn = discard;
    diag_options.colorize = false;
    diag = fy_diag_create(&diag_options);
    if (diag) {
        fy_diag_set_collect_errors(diag, true);
        parser = fy_parser_create(
            &(struct fy_parse_cfg){.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = diag});
    }
    if (!parser || fy_parser_set_string(parser, text, n) != 0)
        st = gr__fail(r->ctx, GR_E_MEMORY, "no memory for the YAML parser");
    else
        st = read_events(r, parser, diag);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return st;
}

static gr_status refuse_binary(gr_context *ctx, const char *file, const char *text, size_t n)
{
    size_t at;
    gr_place p = {file, 1, 1};
    if (gr__is_text(text, n, &at)) return GR_OK;
    for (size_t i = 0; i < at; i++) {
        p.column++;
        if (text[i] == '\n') p = (gr_place){file, p.line + 1, 1};
    }
    return gr__place_fail(ctx, p, GR_E_SYNTAX, NULL, "byte 0x%02x is no text: a recipe is YAML in UTF-8",
                          (unsigned char)text[at]);
}

gr_status gr__yaml_parse(gr_context *ctx, gr__bump *b, const char *name, const char *text, size_t n, gr_tree **out)
{
    reader r = {.ctx = ctx, .b = b, .text = text, .n = n};
    gr_status st = GR_OK;
    r.file = gr__bump_strdup(b, name);
    if (!r.file) return GR_E_MEMORY;
    if (n > GR_YAML_BYTES)
        return gr__place_fail(ctx, (gr_place){name, 0, 0}, GR_E_SYNTAX, NULL,
                              "it is longer than the 1 MiB that a recipe may have");
    GR_TRY(refuse_binary(ctx, name, text, n));
    GR_TRY(read_document(&r, text, n));
    if (!r.root) { /* nothing but comments */
        r.root = gr__tree_scalar(b, "");
        if (!r.root) GR_TRY(GR_E_MEMORY);
        r.root->file = r.file;
    }
    *out = r.root;
done:
    gr__free(ctx, r.anchors, r.anchors_capacity * sizeof *r.anchors);
    return st;
}

gr_status gr__yaml_read(gr_context *ctx, gr__bump *b, const char *path, gr_tree **out)
{
    char *text;
    size_t n;
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    gr_status st = gr__file_read(ctx, path, GR_YAML_BYTES, &text, &n);
    if (st == GR_E_FORMAT) { /* too long to be one: what a recipe holds is the recipe's fault */
        gr_context_clear_error(ctx);
        st = gr__place_fail(ctx, (gr_place){path, 0, 0}, GR_E_SYNTAX, NULL,
                            "it is longer than the 1 MiB that a recipe may have");
    } else if (st == GR_OK) {
        st = gr__yaml_parse(ctx, b, path, text, n, out);
        gr__free(ctx, text, n + 1);
    }
    return gr__mistaken_recipe(ctx, path, st);
}
