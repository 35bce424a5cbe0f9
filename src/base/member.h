/* Families: interchangeable members (adam, sgd, ...; conv, dense, ...), each a descriptor with parameter rows.
 *
 * One row feeds the recipe key, the --set flag, range checking, the resolved recipe, `gradus explain` and the reference
 * page. A build step scans the family folders for GR_MEMBER lines and writes the tables (tools/make-registry.sh);
 * adding a file adds the member. */
#ifndef GR_BASE_MEMBER_H
#define GR_BASE_MEMBER_H

#include "base/tree.h"

typedef enum gr_row_kind {
    GR_ROW_REAL, /* a number within range */
    GR_ROW_INT,  /* a whole number within range */
    GR_ROW_BOOL,
    GR_ROW_TEXT,   /* any text */
    GR_ROW_PATH,   /* a file or folder, relative to the recipe */
    GR_ROW_CHOICE, /* one of the words of range: "torch|optax|paper" */
    GR_ROW_AXES,   /* a whole number, or a list of one a spatial axis, each within range */
    GR_ROW_TREE,   /* anything: the member checks it itself; range says in words what is allowed */
} gr_row_kind;

typedef struct gr_row {
    const char *name;
    gr_row_kind kind;
    const char *value; /* default, as YAML; NULL: must be given; "none" (not a word of CHOICE): absent unless given, and
                          may be given as none */
    const char *range; /* "[0,1)", "(0,inf)", "[1,1000000]", "{1,2,4}"; words for CHOICE; "" where nothing is to say */
    const char *unit;  /* "1", "updates", "bytes", "pixels"; "" where none */
    const char *help;  /* one line */
    const char *paper, *torch; /* default under `preset: paper` and `preset: torch`; NULL: as value */
    bool resumable;   /* of a recipe's own keys: a resumed run may have another value, for it changes no bit of the
                         training so far */
    const char *idle; /* beside what it does nothing, and is refused: "frozen: true", "resize: none" (absent), or the
                         name of a row that has a value then; NULL: nothing. Resolved settings leave it out there */
} gr_row;

typedef struct gr_member {
    const char *family;    /* "optimizer" */
    const char *name;      /* "adam" */
    const char *title;     /* "Adam: adaptive moments, bias corrected" */
    const char *cite;      /* "Kingma & Ba 2015, algorithm 1" */
    const char *equations; /* a few lines of plain text, '\n' between them */
    const gr_row *rows;
    int n_rows;
} gr_member;

/* One parameter row. After the help may come what presets change: GR_ROW("eps", REAL, "1e-3", "(0,1]", "1", "...",
 * .paper = "1e-8"). */
#define GR_ROW(row_name, row_kind, row_value, row_range, row_unit, ...)                                        \
    {                                                                                                          \
        .name = row_name, .kind = GR_ROW_##row_kind, .value = row_value, .range = row_range, .unit = row_unit, \
        .help = __VA_ARGS__                                                                                    \
    }
#define GR_ROWS(array) .rows = (array), .n_rows = (int)GR_COUNT(array)

typedef enum gr_preset { GR_PRESET_CHAPTER, GR_PRESET_PAPER, GR_PRESET_TORCH } gr_preset;

const gr_row *gr__member_row(const gr_member *m, const char *row); /* NULL: it has none of this name */
bool gr__member_has(const gr_member *m, const char *row);
const char *gr__row_default(const gr_row *row, gr_preset preset); /* as YAML; NULL: it must be given */

/* The checked values of one member, in the order of its rows. Lives in the bump allocator it was made with. */
typedef struct gr_settings {
    gr_context *ctx;
    const gr_member *member;
    const gr_tree *tree;   /* what was written, for places; may be NULL */
    const gr_tree **value; /* one a row; NULL where "none" and not given */
    bool *given;
} gr_settings;

/* Checks `tree` (a map with or without `type`, a plain name, or NULL for all defaults) against the rows: unknown keys
 * (nearest name as hint), types, ranges, missing keys, rows that do nothing. Keys in also_allowed (NULL-ended, may be
 * NULL) are left to the caller. Defaults come from the preset. */
gr_status gr__settings_make(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_tree *tree, gr_preset preset,
                            const char *const *also_allowed, gr_settings *out);
/* Reading: the name must be a row of the member (an assert otherwise). */
double gr__setting_real(const gr_settings *s, const char *name); /* NaN where absent */
int64_t gr__setting_int(const gr_settings *s, const char *name); /* INT64_MIN where absent */
bool gr__setting_bool(const gr_settings *s, const char *name);
const char *gr__setting_text(const gr_settings *s, const char *name);    /* NULL where absent */
const gr_tree *gr__setting_tree(const gr_settings *s, const char *name); /* NULL where absent */
bool gr__setting_is(const gr_settings *s, const char *name, const char *word);
/* In the place of what was written, which is left as it is. */
void gr__setting_replace(gr_settings *s, const char *name, const gr_tree *value);
/* AXES: fills n values, the last repeated from a single number; false where absent. A list of another length than n is
 * GR_E_TYPE, kept in ctx: check gr__error_code. */
bool gr__setting_axes(gr_context *ctx, const gr_settings *s, const char *name, int64_t *values, int n);
/* The resolved form, every default filled in: {type: adam, lr: 0.001, ...}. */
gr_tree *gr__settings_tree(gr__bump *b, const gr_settings *s);
/* Is x within a range text: an interval "[0,1)", "(0,inf)", "(-inf,inf)", a set "{1,2,4}", or "" for anything? NaN
 * never is. */
bool gr__in_range(double x, const char *range);

/* A family: its members' heads, sorted by name, and the rows that each has beside its own. The build writes one a
 * family (tools/make-registry.sh): GR_OPTIMIZER(adam) enters gr__optimizer_adam into gr__family_optimizer. A head
 * stands first in its member, so that the head found is the member. */
typedef struct gr_family {
    const gr_member *const *head;
    int n;
    const gr_member *common; /* NULL: none */
} gr_family;

/* Every look-up takes the build's members and those that the context was given (gradus/ext), which come last, in the
 * order of their coming. ctx NULL: the build's alone. */
int gr__family_count(const gr_context *ctx, const gr_family *f);
const gr_member *gr__family_at(const gr_context *ctx, const gr_family *f, int i);
/* Gives the context a member. The head and what it points to stay until the context is destroyed (gr__context_memory).
 * GR_E_EXISTS where the family has one of its name. */
gr_status gr__family_add(gr_context *ctx, const gr_family *f, const gr_member *head);

/* The member that a tree names: a plain name, `type` of a map, or the fallback where the tree is NULL or a map
 * without. noun: what messages call it, "optimizer". NULL: refused, kept in ctx at the tree's place. */
const gr_member *gr__family_find(gr_context *ctx, const gr_family *f, const char *noun, const gr_tree *tree,
                                 const char *fallback);
/* The one of this name; GR_E_NAME with the nearest, at the place of `at` (may be NULL). */
gr_status gr__family_named(gr_context *ctx, const gr_family *f, const char *noun, const char *name, const gr_tree *at,
                           const gr_member **out);
/* The same of a tree without a word: NULL where the tree (may be NULL) names no member. */
const gr_member *gr__family_peek(const gr_context *ctx, const gr_family *f, const gr_tree *tree);
/* The name alone, as gr__family_find reads it. */
const char *gr__type_of(gr_context *ctx, const gr_tree *tree, const char *noun, const char *fallback);
/* Settings of the member, and of the common rows, from one tree that may hold either's keys. */
gr_status gr__settings_both(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_member *common,
                            const gr_tree *tree, gr_preset preset, gr_settings *own, gr_settings *rest);
/* Adds the hint for a name that is none of n: what is meant, that it is still to come, or what there is. */
void gr__hint_name(gr_context *ctx, const char *name, const char *const *names, size_t n);
/* Finds `name` among n members; on failure GR_E_NAME with the nearest, at the place of `at` (may be NULL). */
gr_status gr__member_find(gr_context *ctx, const char *family, const gr_member *const *members, int n, const char *name,
                          const gr_tree *at, const gr_member **out);

#endif
