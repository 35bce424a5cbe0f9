/* CSV fields and places: which fields a table is to have, and columns of inputs by where they stood in the training's
 * table. */
#include <string.h>

#include "data/table/csv_table.h"

/* ---- which fields ---- */

/* The training's columns of an input of that name, or of the only one. */
static void find_trained(gr__columns *c, const gr_schema *like, bool lone)
{
    c->like_first = -1;
    if (!like) return;
    if (like->n_of_inputs <= 1 && lone) {
        c->like_first = 0;
        c->like_n = like->n_inputs;
    }
    for (int i = 0, first = 0; i < like->n_of_inputs && c->like_first < 0; first += like->of_input[i++].n) {
        const char *name = like->of_input[i].name;
        if (!name || strcmp(name, c->name) != 0) continue;
        c->like_first = first;
        c->like_n = like->of_input[i].n;
    }
}

static void take_inputs(gr__table *t)
{
    const gr__csv_options *o = t->o;
    const gr_schema *like = gr__table_like(t);
    int said = o->fields.n_inputs, trained = like ? like->n_of_inputs : 0;
    t->n_of_inputs = said ? said : o->wants ? o->wants->n_inputs : trained ? trained : 1;
    for (int i = 0; i < t->n_of_inputs; i++) {
        gr__columns *c = &t->of_input[i];
        c->said = said ? &o->fields.entry[i] : NULL;
        c->at = c->said ? c->said->at : NULL;
        c->name = c->said ? c->said->name : o->wants ? o->wants->input[i] : trained ? like->of_input[i].name : NULL;
        if (!c->name) c->name = GR_LONE_INPUT;
        c->vocabulary = o->wants ? o->wants->vocabulary[i] : 0;
        find_trained(c, like, t->n_of_inputs == 1);
    }
}

/* Of what the source does not say, there is what the training had. */
static void take_targets(gr__table *t)
{
    const gr__csv_options *o = t->o;
    const gr_schema *like = gr__table_like(t);
    int said = o->fields.n_targets, trained = like ? like->n_targets : 0;
    bool wants = o->wants && !o->inputs_only;
    t->n_of_targets = said ? said : !trained ? 0 : wants ? o->wants->n_targets : trained;
    for (int i = 0; i < t->n_of_targets; i++) {
        gr__columns *c = &t->of_target[i];
        gr__entry want = {0};
        c->said = said ? &o->fields.entry[o->fields.n_inputs + i] : NULL;
        c->at = c->said ? c->said->at : NULL;
        c->name = c->said ? c->said->name : wants ? o->wants->target[i].name : like->target[i].name;
        if (!c->name) c->name = GR_LONE_TARGET;
        if (!c->said) gr__entry_want(&want, wants ? o->wants : NULL, o->want, i);
        c->want = c->said ? c->said->want : want.want;
        c->wanted = c->said ? c->said->wanted : want.wanted;
        c->like = gr__schema_target(o->like, c->name, t->n_of_targets == 1);
    }
}

void gr__table_fields(gr__table *t)
{
    take_inputs(t);
    take_targets(t);
}

/* ---- where they stood ---- */

static bool targets_stand(const gr__table *t, const gr_schema *like)
{
    int at = 0;
    for (int i = 0; i < like->n_targets; i++)
        for (int k = 0; k < like->target[i].n; k++, at++)
            if (at >= t->n_targets || t->target[at] != like->target[i].column[k]) return false;
    return at == t->n_targets;
}

/* How many columns lack before each of the training's, where its targets or its weight do; the last number is of all.
 */
static int *count_lacking(const gr__table *t, const gr_schema *like, bool targets, bool weight)
{
    int *before = gr__bump_alloc(t->memory, (size_t)(like->n_columns + 1) * sizeof *before);
    if (!before) return NULL;
    for (int i = 0; i < like->n_targets && targets; i++)
        for (int k = 0; k < like->target[i].n; k++)
            if (like->target[i].column[k] >= 0) before[like->target[i].column[k] + 1] = 1;
    if (weight && like->weighted) before[like->weight + 1] = 1;
    for (int i = 0; i < like->n_inputs; i++) before[like->input[i] + 1] = 0; /* a weight may be an input too */
    for (int i = 1; i <= like->n_columns; i++) before[i] += before[i - 1];
    return before;
}

/* The table is the training's without its targets, its weight or both: *before as above, or NULL. */
static gr_status find_lacking(const gr__table *t, const gr_schema *like, const int **before)
{
    static const struct {
        bool targets, weight;
    } ways[] = {{true, false}, {true, true}, {false, true}};
    *before = NULL;
    for (size_t i = 0; i < GR_COUNT(ways) && t->o->inputs_only && like->n_columns; i++) {
        const int *now = count_lacking(t, like, ways[i].targets, ways[i].weight);
        if (!now) return gr__error_code(t->ctx);
        int lacking = now[like->n_columns];
        if (!lacking || t->n_columns != like->n_columns - lacking) continue;
        *before = now;
        break;
    }
    return GR_OK;
}

/* Columns that are neither a target nor the weight. */
static bool is_free(const gr__table *t, int column)
{
    return column != t->weight && !gr__table_is_target(t, column);
}

static int count_free(const gr__table *t)
{
    int n = 0;
    for (int i = 0; i < t->n_columns; i++) n += is_free(t, i);
    return n;
}

static gr_status no_place(const gr__table *t, const gr_schema *like)
{
    gr_status st = gr__fail(t->ctx, GR_E_DATA, "\"%s\" has %d column%s%s, but the model takes %d%s%s%s", t->blob->name,
                            t->n_columns, t->n_columns == 1 ? "" : "s", t->name ? "" : " without names", like->n_inputs,
                            like->name ? ", from \"" : "", like->name ? like->name[0] : "", like->name ? "\" on" : "");
    gr__error_hint(t->ctx,
                   "by position it must be the training's table, the same without its target, or the inputs "
                   "alone%s",
                   like->name ? "; with a line of names any columns in any order" : "");
    return st;
}

gr_status gr__table_as_placed(gr__table *t, gr__columns *c, const gr_schema *like)
{
    bool whole = t->n_columns == like->n_columns && targets_stand(t, like);
    const int *before = NULL;
    gr_status st = whole || !like->input ? GR_OK : find_lacking(t, like, &before);
    if (st != GR_OK) return st;
    t->by_position = true;
    if (like->input && (whole || before)) {
        for (int i = 0; i < c->like_n; i++) {
            int column = like->input[c->like_first + i];
            gr__table_add_input(t, c, whole ? column : column - before[column]);
        }
        return GR_OK;
    }
    if (count_free(t) != like->n_inputs) return no_place(t, like);
    for (int i = 0, free_ = 0; i < t->n_columns && free_ < c->like_first + c->like_n; i++) {
        if (!is_free(t, i)) continue;
        if (free_++ >= c->like_first) gr__table_add_input(t, c, i);
    }
    return GR_OK;
}
