/* Fields as the settings of a source name them, held against those that a recipe's network wants. For members of the
 * family "source". */
#ifndef GR_DATA_FIELDS_H
#define GR_DATA_FIELDS_H

#include "data/data.h"

typedef struct gr__entry {
    const char *name; /* of the field */
    gr_field_role role;
    gr_target_kind want;     /* TARGET; NONE: its own type tells */
    const gr_wanted *wanted; /* TARGET; NULL: any shape will do */
    int64_t most;            /* LENGTH: the steps of its input; 0: not known */
    const char *text;        /* its array, file or column; NULL: `list` has them */
    const gr_tree *list;     /* of columns, each a scalar */
    const gr_tree *at;       /* what named it, for errors; NULL: none */
} gr__entry;

typedef struct gr__entries { /* as a set has its fields: inputs, targets, the weight, lengths */
    gr__entry entry[GR_MAX_FIELDS];
    int n_inputs, n_targets, n_lengths;
    bool weighted;
} gr__entries;

static inline int gr__entries_n(const gr__entries *e)
{
    return e->n_inputs + e->n_targets + e->weighted + e->n_lengths;
}

typedef struct gr__field_rows { /* of a source's settings; NULL: it has no such row */
    const char *inputs, *targets, *weights, *lengths;
} gr__field_rows;

/* Adds what a row says: one text, of the lone field of that role, or a map {name: text} of exactly the names that
 * o->wants has; of lengths, names of some inputs. `lists`: a list of columns is as good as a text. Nothing said:
 * nothing added. Inputs come first, lengths last. */
gr_status gr__entries_add(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                          const char *row, bool lists, gr__entries *e);
/* All roles of a source of arrays: each input, and each target where there is more than one, must be said. */
gr_status gr__entries_of(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const gr__field_rows *rows,
                         gr__entries *e);
/* Adds the weight, which a row says. */
void gr__entries_weigh(const gr_settings *s, const char *row, const char *text, gr__entries *e);
/* Several are wanted, and nothing is said of them: GR_E_MISSING with what to write. `one`: the text of a field. */
gr_status gr__entries_unsaid(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                             const char *row, const char *one);
/* GR_E_CONFLICT where the recipe wants more than the one input and the one target that this source has. */
gr_status gr__entries_lone(gr_context *ctx, const gr_settings *s, const gr_source_options *o);
/* A target's kind and shape as wanted: of the one at h of wants, or the kind alone where that is NULL. */
void gr__entry_want(gr__entry *e, const gr_wants *wants, gr_target_kind want, int h);
/* Names and roles of the set's fields; names are copied to b, or stay where they are if b is NULL. */
gr_status gr__entries_begin(gr_context *ctx, const gr__entries *e, gr__bump *b, gr_set *out);

/* How many fields of a role (INPUT, TARGET; LENGTH: at most) are wanted, and what the i-th is called. */
int gr__wanted_fields(const gr_source_options *o, gr_field_role role);
const char *gr__wanted_name(const gr_source_options *o, gr_field_role role, int i);

/* A path, relative ones within o->folder; owned by b. NULL on failure (error kept). */
const char *gr__source_file(gr__bump *b, const char *path, const gr_source_options *o);
/* The path of a PATH row. NULL where absent (no error) or on failure (error kept). */
const char *gr__source_path(gr__bump *b, const gr_settings *s, const char *row, const gr_source_options *o);
/* The value of a row as written, or the source's tree. */
const gr_tree *gr__source_at(const gr_settings *s, const char *row);
/* Gives the kept error a place that has none yet, and passes st through. */
gr_status gr__place(gr_context *ctx, const gr_tree *at, gr_status st);
gr_status gr__source_place(gr_context *ctx, const gr_settings *s, const char *row, gr_status st); /* of a row's value */

#endif
