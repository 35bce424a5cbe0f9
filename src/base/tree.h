/* A tree of settings: what a YAML recipe, a `--set` flag or a model's metadata holds, with the place of every value. */
#ifndef GR_BASE_TREE_H
#define GR_BASE_TREE_H

#include "base/base.h"

typedef enum gr_tree_kind {
    GR_TREE_NULL,
    GR_TREE_BOOL,
    GR_TREE_INT,
    GR_TREE_REAL,
    GR_TREE_TEXT,
    GR_TREE_LIST,
    GR_TREE_MAP
} gr_tree_kind;

typedef struct gr_tree gr_tree;
struct gr_tree {
    gr_tree_kind kind;
    const char *text; /* scalars: as written */
    double number;    /* INT, REAL; `1/255` is REAL */
    bool truth;       /* BOOL */
    gr_tree **child;  /* LIST, MAP: in file order */
    const char **key; /* MAP */
    int n, capacity;
    gr_tree *parent;  /* NULL at the root */
    const char *file; /* as given by the user; "--set" and the like for flags; "" for defaults */
    int line, column; /* of the key for map members, of the value otherwise; 0: none */
};

/* All of a tree lives in one bump allocator and dies with it. Makers return NULL on failure (error kept); push and put
 * take a NULL child or container as such a failure, so that calls can be chained and checked once. Keys are copied; a
 * child belongs to one container. */
gr_tree *
gr__tree_scalar(gr__bump *b,
                const char *text); /* plain YAML 1.2 core rules, plus fractions: null, true, 12, 1e-3, 1/255, text */
gr_tree *gr__tree_text(gr__bump *b, const char *text); /* always text */
gr_tree *gr__tree_list(gr__bump *b);
gr_tree *gr__tree_map(gr__bump *b);
bool gr__tree_push(gr__bump *b, gr_tree *list, gr_tree *child);
bool gr__tree_put(gr__bump *b, gr_tree *map, const char *key, gr_tree *child); /* replaces an equal key, else appends */
bool gr__tree_put_number(gr__bump *b, gr_tree *map, const char *key, double x);
bool gr__tree_put_text(gr__bump *b, gr_tree *map, const char *key, const char *text);
gr_tree *gr__tree_copy(gr__bump *b, const gr_tree *t); /* deep, places kept */
bool gr__tree_equal(const gr_tree *a,
                    const gr_tree *b); /* same kinds and values; places and the order of keys do not matter */
gr_tree *gr__tree_without(gr__bump *b, const gr_tree *map, const char *key); /* a copy that lacks this key */
gr_tree *gr__tree_get(const gr_tree *map, const char *key);                  /* NULL if absent or not a map */
/* "model.layers[0].units" into buffer; returns buffer. */
const char *gr__tree_path(const gr_tree *t, char *buffer, size_t n);
/* Fails with the place and key path of t: message alone goes to the format. hint may be NULL. Returns code. */
gr_status gr__tree_fail(gr_context *ctx, const gr_tree *t, gr_status code, const char *hint, const char *format, ...)
    GR_PRINTF(5, 6);
/* Writes YAML that parses back to an equal tree (flow style for small leaves, block style outside), indented by
 * `indent` spaces. */
struct gr__text;
void gr__tree_write(const gr_tree *t, struct gr__text *out, int indent);
/* A text that spells a number (or, where `truths`, a truth value), as from a quoted "${LR}", becomes it; in a list
 * every such text. */
void gr__tree_unquote(const gr_tree *t, bool truths);
const char *gr__tree_kind_name(const gr_tree *t); /* "a number", "a list", "text", ... */
/* What messages call a value: "abc" in quotes, numbers as written, "a list". Returns buffer. */
const char *gr__tree_show(const gr_tree *t, char *buffer, size_t n);
/* Is it a number, whole or not, as it is written? */
static inline bool gr__tree_is_number(const gr_tree *t)
{
    return t->kind == GR_TREE_INT || t->kind == GR_TREE_REAL;
}
bool gr__tree_none(const gr_tree *t); /* absent, null or `none` */
/* The whole number of a scalar, exactly ("7", "1e3", "4/2", "0x10"); false if it is none or beyond 64 bits. */
bool gr__tree_int(const gr_tree *t, int64_t *out);
/* Flow style read from text we wrote ourselves (defaults of rows): 1, word, [1, 2], {a: 1, b: [x, y]}; scalars are
 * plain. */
gr_tree *gr__tree_flow(gr__bump *b, const char *text);

#endif
