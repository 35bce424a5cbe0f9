/* CSV columns: which of them are the inputs, the targets and the weight. The training's own table goes by what the
 * recipe says; any other by the names of the training's columns, or where one of both has none by where they stood
 * (csv_places.c). */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

enum { MOST_TOLD = 8 }; /* columns that a note names */

const gr_schema *gr__table_like(const gr__table *t)
{
    return t->o->like && t->o->like->table ? t->o->like : NULL;
}

/* A 0-based index, spelled plainly: 01 is the name of a column or nothing. -1: it is none. */
static int index_of(const gr__table *t, const char *text)
{
    int64_t i;
    gr__cell f = {.s = text, .n = strlen(text)};
    return gr__cell_whole(&f, &i) && i < t->n_columns ? (int)i : -1;
}

/* A column by name, or else by index; -1 if there is none. */
int gr__table_find(const gr__table *t, const char *text)
{
    int named = gr__table_named(t, text);
    return named >= 0 ? named : index_of(t, text);
}

gr_status gr__table_no_column(const gr__table *t, const char *name)
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

bool gr__table_is_target(const gr__table *t, int column)
{
    for (int i = 0; i < t->n_targets; i++)
        if (t->target[i] == column) return true;
    return false;
}

static gr_status add_input(gr__table *t, gr__columns *c, int column, const char *name)
{
    if (column < 0) return gr__table_no_column(t, name);
    if (gr__table_is_target(t, column))
        return gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is %s target and cannot be an input", name,
                        t->blob->name, t->n_targets == 1 ? "the" : "a");
    gr__table_add_input(t, c, column);
    return GR_OK;
}

void gr__table_add_input(gr__table *t, gr__columns *c, int column)
{
    t->input[t->n_inputs++] = column;
    c->n++;
}

/* ---- what the source says ---- */

/* The list's name of a column. */
static const char *named_as(const gr__table *t, const gr_tree *list, int column)
{
    for (int i = 0; i < list->n; i++)
        if (gr__table_find(t, list->child[i]->text) == column) return list->child[i]->text;
    return t->name ? t->name[column] : "";
}

static gr_status refuse_twice(const gr__table *t, const gr__columns *c)
{
    bool *seen = gr__alloc(t->ctx, (size_t)t->n_columns);
    gr_status st = seen ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < c->n && st == GR_OK; i++) {
        int column = t->input[c->first + i];
        if (seen[column])
            st = gr__fail(t->ctx, GR_E_DATA, "column \"%s\" of \"%s\" is named twice",
                          named_as(t, c->said->list, column), t->blob->name);
        seen[column] = true;
    }
    gr__free(t->ctx, seen, (size_t)t->n_columns);
    return st;
}

/* The list names the training's columns in an order of its own: a sample has them in the training's. */
static void order_as(gr__table *t, const gr__columns *c, const gr_schema *like)
{
    if (!t->name || !like || !like->name || c->like_first < 0 || c->n != c->like_n) return;
    int found = 0, *input = t->input + c->first;
    const char *const *name = like->name + c->like_first;
    for (int i = 0; i < c->n; i++) {
        int column = gr__table_named(t, name[i]);
        for (int k = 0; k < c->n && column >= 0; k++) {
            if (input[k] != column) continue;
            found++;
            break;
        }
    }
    for (int i = 0; i < c->n && found == c->n; i++) input[i] = gr__table_named(t, name[i]);
}

static bool is_named(const gr__table *t, int column)
{
    for (int i = 0; i < t->n_of_inputs; i++) {
        const gr__entry *said = t->of_input[i].said;
        for (int k = 0; said && said->list && k < said->list->n; k++)
            if (gr__table_find(t, said->list->child[k]->text) == column) return true;
        if (said && !said->list && gr__table_find(t, said->text) == column) return true;
    }
    return false;
}

/* All that nothing names. */
static void add_others(gr__table *t, gr__columns *c)
{
    for (int i = 0; i < t->n_columns; i++) {
        bool left_out = t->kind && t->kind[i] == GR__COLUMN_LEFT_OUT;
        if (!left_out && !gr__table_is_target(t, i) && i != t->weight && !is_named(t, i)) gr__table_add_input(t, c, i);
    }
}

static gr_status listed(gr__table *t, gr__columns *c)
{
    const gr_tree *columns = c->said->list;
    gr_status st = GR_OK;
    for (int i = 0; i < columns->n && st == GR_OK; i++) {
        const char *name = columns->child[i]->text;
        int column = gr__table_find(t, name);
        if (column < 0 && strcmp(name, GR__OTHER_COLUMNS) == 0)
            add_others(t, c);
        else
            st = add_input(t, c, column, name);
    }
    if (st == GR_OK) st = refuse_twice(t, c);
    if (st == GR_OK) order_as(t, c, gr__table_like(t));
    /* Nothing but the order of the list says which is which. */
    t->by_position = t->by_position || (gr__table_like(t) && !(t->name && gr__table_like(t)->name));
    return st;
}

/* One column may be an input alone: its name without a list. */
static gr_status single(gr__table *t, gr__columns *c)
{
    t->by_position = t->by_position || (gr__table_like(t) && !(t->name && gr__table_like(t)->name));
    return add_input(t, c, gr__table_find(t, c->said->text), c->said->text);
}

/* What parts are cut by says nothing of a sample. */
static bool stands_apart(const gr__table *t, int column)
{
    for (size_t i = 0; i < GR_COUNT(t->o->apart); i++)
        if (t->o->apart[i] && gr__table_find(t, t->o->apart[i]) == column) return true;
    return false;
}

static void all_but_target(gr__table *t, gr__columns *c)
{
    for (int i = 0; i < t->n_columns; i++) {
        if (!gr__table_is_target(t, i) && i != t->weight && !stands_apart(t, i)) gr__table_add_input(t, c, i);
    }
}

/* ---- as in the training ---- */

static gr_status as_named(gr__table *t, gr__columns *c, const gr_schema *like)
{
    gr_status st = GR_OK;
    for (int i = 0; i < c->like_n && st == GR_OK; i++) {
        const char *name = like->name[c->like_first + i];
        st = add_input(t, c, gr__table_named(t, name), name);
    }
    return st;
}

static gr_status as_training(gr__table *t, gr__columns *c, const gr_schema *like)
{
    if (c->like_first < 0) {
        gr__fail(t->ctx, GR_E_DATA, "the training's table had no input \"%s\"", c->name);
        gr__error_hint(t->ctx, "say which columns of \"%s\" it is: inputs: {%s: [...], ...}", t->blob->name, c->name);
        return GR_E_DATA;
    }
    return like->name && t->name ? as_named(t, c, like) : gr__table_as_placed(t, c, like);
}

/* ---- targets and the weight ---- */

/* A column of the training's, as far as it is known: where it stood (-1: not known), what it was called (or NULL). */
typedef struct known {
    int column;
    const char *name;
} known;

/* Where that is here. */
static int same_column(const gr__table *t, const gr_schema *like, known k)
{
    if (t->name && k.name) return gr__table_named(t, k.name);
    return t->n_columns == like->n_columns ? k.column : -1;
}

static int said_column(const gr__table *t, const char *said, known k)
{
    const gr_schema *like = gr__table_like(t);
    int column = -1;
    /* The training's by its name, in a table without names: where it stood there. */
    if (!t->name && like && k.name && strcmp(said, k.name) == 0) column = same_column(t, like, k);
    if (column >= 0) return column;
    /* An index that the training used too means that column, wherever it stands here. */
    bool same = like && t->name && k.name && k.column >= 0 && index_of(t, said) == k.column;
    column = gr__table_named(t, said);
    if (column < 0 && same) column = gr__table_named(t, k.name);
    return column < 0 ? index_of(t, said) : column;
}

static gr_status unsaid_column(const gr__table *t, known k, int *out)
{
    const gr_schema *like = gr__table_like(t);
    *out = same_column(t, like, k);
    if (*out >= 0 || t->o->inputs_only) return GR_OK;
    if (t->name && k.name) return gr__table_no_column(t, k.name);
    gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns, but the training's table had %d", t->blob->name, t->n_columns,
             like->n_columns);
    gr__error_hint(t->ctx, "say which is the target: target: NAME, or its number from 0 on");
    return GR_E_DATA;
}

static known known_target(const gr__columns *c, int n, int k)
{
    if (!c->like || c->like->n != n) return (known){-1, NULL};
    return (known){c->like->column[k], c->like->column_name ? c->like->column_name[k] : NULL};
}

static gr_status choose_target(gr__table *t, gr__columns *c)
{
    const gr_tree *list = c->said ? c->said->list : NULL;
    int n = list ? list->n : c->said ? 1 : c->like ? c->like->n : 0;
    gr_status st = GR_OK;
    c->first = t->n_targets;
    c->listed = c->said ? list != NULL : c->like && c->like->listed;
    for (int k = 0; k < n && st == GR_OK; k++) {
        const char *said = list ? list->child[k]->text : c->said ? c->said->text : NULL;
        int column;
        if (said) {
            column = said_column(t, said, known_target(c, n, k));
            if (column < 0 && !t->o->inputs_only) st = gr__table_no_column(t, said);
        } else {
            st = unsaid_column(t, known_target(c, n, k), &column);
        }
        if (st == GR_OK) t->target[t->n_targets++] = column;
    }
    c->n = t->n_targets - c->first;
    if (st == GR_OK && n == 0) {
        st = gr__fail(t->ctx, GR_E_DATA, "no column of \"%s\" is known to be the target of \"%s\"", t->blob->name,
                      c->name);
        gr__error_hint(t->ctx, "say which: targets: {%s: COLUMN, ...}", c->name);
    }
    char what[300];
    snprintf(what, sizeof what, "\"%s\"", t->blob->name);
    if (st == GR_OK && c->wanted && c->listed) st = gr__targets_fit(t->ctx, c->wanted, GR_SHAPE(c->n), what);
    return gr__place(t->ctx, c->at, st);
}

/* Samples of a table that lacks the training's weights weigh alike. */
static gr_status choose_weight(gr__table *t)
{
    const gr__csv_options *o = t->o;
    const gr_schema *like = gr__table_like(t);
    const bool had = like && like->weighted;
    const known k = {had ? like->weight : -1, had ? like->weight_name : NULL};
    t->weight = -1;
    if (o->fields.weighted) {
        const gr__entry *e = &o->fields.entry[gr__entries_n(&o->fields) - 1];
        t->weight = said_column(t, e->text, k);
        return t->weight >= 0 ? GR_OK : gr__place(t->ctx, e->at, gr__table_no_column(t, e->text));
    }
    if (o->unweighted || !had) return GR_OK;
    t->weight = same_column(t, like, k);
    t->lacks_weight = t->weight < 0 && !o->inputs_only;
    return GR_OK;
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
    for (int i = 0; i < t->n_targets && !t->o->inputs_only; i++) used[t->target[i]] = true;
    if (t->weight >= 0 && !t->o->inputs_only) used[t->weight] = true;
    for (int i = 1; i < t->n_columns && st == GR_OK; i++) {
        gr__named a = t->by_name[i - 1], b = t->by_name[i];
        if (strcmp(a.name, b.name) != 0 || (!used[a.column] && !used[b.column])) continue;
        st = gr__fail(t->ctx, GR_E_DATA, "\"%s\": line %llu, column %d: columns %d and %d are both called \"%s\"",
                      t->blob->name, (unsigned long long)t->first_line, b.column + 1, a.column + 1, b.column + 1,
                      a.name);
        gr__error_hint(t->ctx, "blanks around a name do not count; rename one%s",
                       t->o->inputs_only ? ""
                       : t->n_of_inputs == 1 && !gr__columns_mapped(&t->of_input[0])
                           ? ", or leave both out: columns: [...]"
                           : ", or leave both out of the lists of columns");
    }
    gr__free(t->ctx, used, (size_t)t->n_columns);
    return st;
}

static gr_status check_count(const gr__table *t, int i)
{
    const gr__columns *c = &t->of_input[i];
    int64_t wanted = t->o->n_wanted[i] ? t->o->n_wanted[i] : c->like_first >= 0 ? c->like_n : 0;
    if (c->n == 0) return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has no column left for inputs", t->blob->name);
    if (!wanted || c->n == wanted) return GR_OK;
    if (t->n_of_inputs == 1)
        return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns of inputs, but the model takes %lld", t->blob->name,
                        c->n, (long long)wanted);
    return gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d columns of the input \"%s\", but the model takes %lld",
                    t->blob->name, c->n, c->name, (long long)wanted);
}

static gr_status choose_input(gr__table *t, int i)
{
    const gr_schema *like = gr__table_like(t);
    gr__columns *c = &t->of_input[i];
    gr_status st = GR_OK;
    c->first = t->n_inputs;
    if (c->said)
        st = c->said->list ? listed(t, c) : single(t, c);
    else if (like)
        st = as_training(t, c, like);
    else
        all_but_target(t, c);
    if (st == GR_OK) st = check_count(t, i);
    return gr__place(t->ctx, c->at, st);
}

static gr_status make_room(gr__table *t)
{
    const gr_schema *like = gr__table_like(t);
    int inputs = GR_MAX(t->n_columns, like ? like->n_inputs : 0), targets = 0;
    for (int i = 0; i < t->n_of_inputs; i++) {
        const gr__entry *said = t->of_input[i].said;
        inputs += said && said->list ? said->list->n : 1;
    }
    for (int i = 0; i < t->n_of_targets; i++) {
        const gr__columns *c = &t->of_target[i];
        targets += GR_MAX(c->said && c->said->list ? c->said->list->n : 1, c->like ? c->like->n : 0);
    }
    inputs += GR_MAX(t->n_of_inputs, 1) * t->n_columns; /* each may take all others */
    t->input = gr__bump_alloc(t->memory, (size_t)inputs * sizeof *t->input);
    t->target = gr__bump_alloc(t->memory, (size_t)GR_MAX(targets, 1) * sizeof *t->target);
    return t->input && t->target ? GR_OK : gr__error_code(t->ctx);
}

/* What is said of columns. */
static gr_status take_kinds(gr__table *t)
{
    const gr__csv_options *o = t->o;
    if (!o->n_kinds) return GR_OK;
    t->kind = gr__bump_alloc(t->memory, (size_t)t->n_columns);
    if (!t->kind) return gr__error_code(t->ctx);
    memset(t->kind, GR__COLUMN_NUMBER, (size_t)t->n_columns);
    for (int i = 0; i < o->n_kinds; i++) {
        const char *name = o->kind[i].name->text;
        int column = gr__table_find(t, name);
        bool needed = !gr__table_like(t) && o->kind[i].kind != GR__COLUMN_LEFT_OUT;
        if (column < 0 && needed) return gr__place(t->ctx, o->kind[i].name, gr__table_no_column(t, name));
        if (column >= 0) t->kind[column] = (uint8_t)o->kind[i].kind;
    }
    return GR_OK;
}

gr_status gr__table_columns(gr__table *t)
{
    gr__table_fields(t);
    gr_status st = make_room(t);
    if (st == GR_OK) st = take_kinds(t);
    for (int i = 0; i < t->n_of_targets && st == GR_OK; i++) st = choose_target(t, &t->of_target[i]);
    if (st == GR_OK) st = choose_weight(t);
    for (int i = 0; i < t->n_of_inputs && st == GR_OK; i++) st = choose_input(t, i);
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

/* What the i-th column of the inputs was called in the training, or NULL. */
static const char *trained_name(const gr__table *t, const gr_schema *like, int i)
{
    const gr__columns *c = t->of_input;
    while (i >= c->first + c->n) c++;
    return like->name && c->like_first >= 0 ? like->name[c->like_first + i - c->first] : NULL;
}

static void places_of(const gr__table *t, const gr_schema *like, char *text, size_t room)
{
    size_t used = 0;
    char one[48];
    text[0] = '\0';
    for (int i = 0; i < t->n_inputs && i < MOST_TOLD && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%d", i ? ", " : "", t->input[i]);
        const char *name = trained_name(t, like, i);
        if (name && used < room)
            used += (size_t)snprintf(text + used, room - used, " for \"%s\"",
                                     gr__shown(one, sizeof one, name, strlen(name)));
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
    if (t->lacks_weight)
        gr__log(t->ctx, GR_LOG_INFO, "%s: it has no column of weights as the training's had, so samples weigh alike",
                file);
    if (!t->by_position) return;
    places_of(t, like, text, sizeof text);
    gr__log(t->ctx, GR_LOG_INFO, "%s: line %llu %s, so columns are taken by position: %s", file, line,
            t->name ? "is names, but the training's table had none" : "is the first sample and names nothing", text);
}
