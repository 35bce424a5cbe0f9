/* CSV columns: which of them are the inputs and the target. The training's own table goes by what the recipe says; any
 * other by the names of the training's columns, or where one of both has none by where they stood. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/csv_table.h"

enum { MOST_TOLD = 8 }; /* columns that a note names */

const gr_schema *gr__table_like(const gr__table *t)
{
    return t->o->like && t->o->like->table ? t->o->like : NULL;
}

/* A 0-based index, spelled plainly: 01 is the name of a column or nothing. -1: it is none. */
static int index_of(const gr__table *t, const char *text)
{
    int64_t i;
    gr__field f = {.s = text, .n = strlen(text)};
    return gr__field_whole(&f, &i) && i < t->n_columns ? (int)i : -1;
}

/* A column by name, or else by index; -1 if there is none. */
static int find_column(const gr__table *t, const char *text)
{
    int named = gr__table_named(t, text);
    return named >= 0 ? named : index_of(t, text);
}

static gr_status no_column(const gr__table *t, const char *name)
{
    const gr_schema *like = gr__table_like(t);
    gr_status st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column \"%s\"", t->blob->name, name);
    const char *near = t->name ? gr__nearest(name, t->name, (size_t)t->n_columns) : NULL;
    if (near) gr__error_hint(t->ctx, "did you mean \"%s\"?", near);
    if (t->name)
        gr__table_advise_names(t);
    else
        gr__error_hint(t->ctx, "it has %d columns without names: count from 0, or say `header: true`%s", t->n_columns,
                       like && like->name ? " as the training's table did" : "");
    return st;
}

static gr_status add_input(gr__table *t, int column, const char *name)
{
    if (column < 0) return no_column(t, name);
    if (column == t->target)
        return gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is the target and cannot be an input", name,
                        t->blob->name);
    t->input[t->n_inputs++] = column;
    return GR_OK;
}

/* ---- what the source says ---- */

static gr_status refuse_twice(const gr__table *t)
{
    bool *seen = gr__alloc(t->ctx, (size_t)t->n_columns);
    gr_status st = seen ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < t->n_inputs && st == GR_OK; i++) {
        int column = t->input[i];
        if (seen[column])
            st = gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is named twice", t->o->columns->child[i]->text,
                          t->blob->name);
        seen[column] = true;
    }
    gr__free(t->ctx, seen, (size_t)t->n_columns);
    return st;
}

/* The list names the training's columns in an order of its own: a sample has them in the training's. */
static void order_as(gr__table *t, const gr_schema *like)
{
    if (!t->name || !like || !like->name || t->n_inputs != like->n_inputs) return;
    int found = 0;
    for (int i = 0; i < t->n_inputs; i++) {
        int column = gr__table_named(t, like->name[i]);
        for (int k = 0; k < t->n_inputs && column >= 0; k++) {
            if (t->input[k] != column) continue;
            found++;
            break;
        }
    }
    for (int i = 0; i < t->n_inputs && found == t->n_inputs; i++) t->input[i] = gr__table_named(t, like->name[i]);
}

static gr_status listed(gr__table *t)
{
    const gr_tree *columns = t->o->columns;
    gr_status st = GR_OK;
    for (int i = 0; i < columns->n && st == GR_OK; i++)
        st = add_input(t, find_column(t, columns->child[i]->text), columns->child[i]->text);
    if (st == GR_OK) st = refuse_twice(t);
    if (st == GR_OK) order_as(t, gr__table_like(t));
    /* Nothing but the order of the list says which is which. */
    t->by_position = gr__table_like(t) && !(t->name && gr__table_like(t)->name);
    return st;
}

static void all_but_target(gr__table *t)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (i != t->target) t->input[t->n_inputs++] = i;
    }
}

/* ---- as in the training ---- */

static gr_status as_named(gr__table *t, const gr_schema *like)
{
    gr_status st = GR_OK;
    for (int i = 0; i < like->n_inputs && st == GR_OK; i++)
        st = add_input(t, gr__table_named(t, like->name[i]), like->name[i]);
    return st;
}

/* The whole table, the table without its target, or the inputs alone. */
static gr_status as_placed(gr__table *t, const gr_schema *like)
{
    bool whole = t->n_columns == like->n_columns && t->target == like->target;
    bool lacks = t->o->inputs_only && like->target >= 0 && t->n_columns == like->n_columns - 1;
    t->by_position = true;
    if (like->input && (whole || lacks)) {
        for (int i = 0; i < like->n_inputs; i++)
            t->input[t->n_inputs++] = like->input[i] - (lacks && like->input[i] > like->target);
        return GR_OK;
    }
    if (t->n_columns - (t->target >= 0) == like->n_inputs) {
        all_but_target(t);
        return GR_OK;
    }
    gr_status st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d column%s%s, but the model takes %d%s%s%s", t->blob->name,
                            t->n_columns, t->n_columns == 1 ? "" : "s", t->name ? "" : " without names", like->n_inputs,
                            like->name ? ", from \"" : "", like->name ? like->name[0] : "", like->name ? "\" on" : "");
    gr__error_hint(t->ctx,
                   "by position it must be the training's table, the same without its target, or the inputs "
                   "alone%s",
                   like->name ? "; with a line of names any columns in any order" : "");
    return st;
}

/* ---- the target ---- */

/* The target that the source does not name is the training's. */
static int target_as(const gr__table *t, const gr_schema *like)
{
    if (t->name && like->target_name) return gr__table_named(t, like->target_name);
    return t->n_columns == like->n_columns ? like->target : -1;
}

static gr_status choose_target(gr__table *t)
{
    const gr_schema *like = gr__table_like(t);
    const char *said = t->o->target;
    t->target = -1;
    /* The training's target by its name, in a table without names: where it stood there. */
    if (said && !t->name && like && like->target_name && strcmp(said, like->target_name) == 0) {
        t->target = target_as(t, like);
        if (t->target >= 0) return GR_OK;
    }
    if (said) {
        /* An index that the training used too means that column, wherever it stands here. */
        bool same = like && t->name && like->target_name && like->target >= 0 && index_of(t, said) == like->target;
        t->target = gr__table_named(t, said);
        if (t->target < 0 && same) t->target = gr__table_named(t, like->target_name);
        if (t->target < 0) t->target = index_of(t, said);
        return t->target < 0 && !t->o->inputs_only ? no_column(t, said) : GR_OK;
    }
    if (!like || (like->target < 0 && !like->target_name)) return GR_OK;
    t->target = target_as(t, like);
    if (t->target >= 0 || t->o->inputs_only) return GR_OK;
    if (t->name && like->target_name) return no_column(t, like->target_name);
    gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns, but the training's table had %d", t->blob->name, t->n_columns,
             like->n_columns);
    gr__error_hint(t->ctx, "say which is the target: target: NAME, or its number from 0 on");
    return GR_E_DATA;
}

/* ---- all together ---- */

/* Which of two columns of one name is meant, nobody can tell. */
static gr_status refuse_equal_names(const gr__table *t)
{
    gr_status st = GR_OK;
    if (!t->name) return GR_OK;
    bool *used = gr__alloc(t->ctx, (size_t)t->n_columns);
    if (!used) return GR_E_MEMORY;
    for (int i = 0; i < t->n_inputs; i++) used[t->input[i]] = true;
    if (t->target >= 0 && !t->o->inputs_only) used[t->target] = true;
    for (int i = 1; i < t->n_columns && st == GR_OK; i++) {
        gr__named a = t->by_name[i - 1], b = t->by_name[i];
        if (strcmp(a.name, b.name) != 0 || (!used[a.column] && !used[b.column])) continue;
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu, column %d: columns %d and %d are both called \"%s\"",
                      t->blob->name, (unsigned long long)t->first_line, b.column + 1, a.column + 1, b.column + 1,
                      a.name);
        gr__error_hint(t->ctx, "blanks around a name do not count; rename one%s",
                       t->o->inputs_only ? "" : ", or leave both out: columns: [...]");
    }
    gr__free(t->ctx, used, (size_t)t->n_columns);
    return st;
}

static gr_status check_count(const gr__table *t)
{
    int64_t wanted = t->o->n_wanted ? t->o->n_wanted : gr__table_like(t) ? gr__table_like(t)->n_inputs : 0;
    if (t->n_inputs == 0) return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column left for inputs", t->blob->name);
    if (wanted && t->n_inputs != wanted)
        return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns of inputs, but the model takes %lld", t->blob->name,
                        t->n_inputs, (long long)wanted);
    return GR_OK;
}

gr_status gr__table_columns(gr__table *t)
{
    const gr_schema *like = gr__table_like(t);
    int most = GR_MAX(t->n_columns, like ? like->n_inputs : 0);
    if (t->o->columns) most = GR_MAX(most, t->o->columns->n);
    t->input = gr__bump_alloc(t->memory, (size_t)most * sizeof *t->input);
    if (!t->input) return gr__error_code(t->ctx);
    gr_status st = choose_target(t);
    if (st != GR_OK) return st;
    if (t->o->columns)
        st = listed(t);
    else if (like && like->name && t->name)
        st = as_named(t, like);
    else if (like)
        st = as_placed(t, like);
    else
        all_but_target(t);
    if (st == GR_OK) st = check_count(t);
    return st == GR_OK ? refuse_equal_names(t) : st;
}

/* ---- what was guessed ---- */

static void names_of(const gr__table *t, char *text, size_t room)
{
    size_t used = 0;
    char one[48];
    text[0] = '\0';
    for (int i = 0; i < t->n_columns && i < MOST_TOLD && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s\"%s\"", i ? ", " : "",
                                 gr__shown(one, sizeof one, t->name[i], strlen(t->name[i])));
    if (t->n_columns > MOST_TOLD && used < room) snprintf(text + used, room - used, ", ...");
}

static void places_of(const gr__table *t, const gr_schema *like, char *text, size_t room)
{
    size_t used = 0;
    char one[48];
    text[0] = '\0';
    for (int i = 0; i < t->n_inputs && i < MOST_TOLD && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%d", i ? ", " : "", t->input[i]);
        if (like->name && used < room)
            used += (size_t)snprintf(text + used, room - used, " for \"%s\"",
                                     gr__shown(one, sizeof one, like->name[i], strlen(like->name[i])));
    }
    if (t->n_inputs > MOST_TOLD && used < room) snprintf(text + used, room - used, ", ...");
}

void gr__table_tell(const gr__table *t)
{
    char text[600];
    const gr_schema *like = gr__table_like(t);
    const char *file = t->blob->name;
    unsigned long long line = t->first_line;
    if (t->header_guessed && t->header && !like) {
        names_of(t, text, sizeof text);
        gr__log(t->ctx, GR_LOG_INFO, "%s: line %llu is taken as the columns' names: %s", file, line, text);
    } else if (t->header_guessed && !like) {
        gr__log(t->ctx, GR_LOG_INFO, "%s: line %llu is taken as the first sample; its %d columns have no names", file,
                line, t->n_columns);
    }
    if (!t->by_position) return;
    places_of(t, like, text, sizeof text);
    gr__log(t->ctx, GR_LOG_INFO, "%s: line %llu %s, so columns are taken by position: %s", file, line,
            t->name ? "is names, but the training's table had none" : "is the first sample and names nothing", text);
}
