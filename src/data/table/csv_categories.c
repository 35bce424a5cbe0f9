/* CSV categories: columns of inputs that hold one of some texts. The training's table says which there are; in any
 * other one that is not among them is none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/table/csv_table.h"

/* The input that number `input` of the columns belongs to. */
static const gr__columns *input_of(const gr__table *t, int input)
{
    const gr__columns *c = t->of_input;
    while (input >= c->first + c->n) c++;
    return c;
}

/* ---- of the training's table ---- */

static gr_status too_many(const gr__table *t, const gr__csv_reader *r, int column, int64_t most, bool index)
{
    char what[96], name[80];
    snprintf(what, sizeof what, "makes more than %lld different categories", (long long)most);
    gr_status st = gr__table_fail(t, r, column, what);
    const char *called = t->name ? t->name[column] : NULL;
    gr__shown(name, sizeof name, called ? called : "...", called ? strlen(called) : 3);
    if (index)
        gr__error_hint(t->ctx, "the layers look up %lld, and 0 stands for none of them: a larger vocabulary takes more",
                       (long long)most);
    else
        gr__error_hint(t->ctx,
                       "an identifier is no category: {name: %s, as: ignore}; of very many an input of its own "
                       "may be looked up by an embedding",
                       name);
    return st;
}

static gr_status add_cell(gr__table *t, const gr__csv_reader *r, int input, int64_t row, bool *sound)
{
    int column = t->input[input];
    int32_t seen;
    int64_t vocabulary = input_of(t, input)->vocabulary, most = vocabulary ? vocabulary - 1 : GR__MOST_CATEGORIES;
    const gr__cell *f = &r->cell[column];
    if (gr__table_missing(t, f)) return GR_OK;
    if (f->n == 0) {
        gr_status st = gr__table_fail(t, r, column, "is empty");
        gr__table_advise(t, r, column, GR_FIELD_INPUT);
        *sound = false;
        return gr__table_let(t, r, row, st);
    }
    gr_status st = gr__labels_add(t, &t->category[input].known, f, &seen);
    if (st == GR_OK && (int64_t)t->category[input].known.n > most) st = too_many(t, r, column, most, vocabulary > 0);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp((*(gr__label *const *)a)->text, (*(gr__label *const *)b)->text);
}

static gr_status sort_texts(gr__table *t, gr__category *c, int column)
{
    size_t n = c->known.n, k = 0;
    if (n == 0)
        return gr__fail(t->ctx, GR_E_DATA, "\"%s\": column %d holds categories, but each of its values is missing",
                        t->blob->name, column + 1);
    gr__label **sorted = gr__bump_alloc(t->memory, n * sizeof(gr__label *));
    const char **name = gr__bump_alloc(t->memory, n * sizeof *name);
    int32_t *rank = gr__bump_alloc(t->memory, n * sizeof *rank);
    if (!sorted || !name || !rank) return gr__error_code(t->ctx);
    for (size_t i = 0; i < c->known.slots; i++)
        if (c->known.slot[i].text) sorted[k++] = &c->known.slot[i];
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++) {
        name[i] = sorted[i]->text;
        rank[sorted[i]->seen] = (int32_t)i;
    }
    c->n = (int)n;
    c->name = name;
    c->rank = rank;
    return GR_OK;
}

static gr_status find_texts(gr__table *t)
{
    gr__csv_reader r;
    bool more = true, sound;
    gr__table_start(t, &r);
    gr_status st = t->header ? gr__csv_next(&r, &more) : GR_OK;
    for (int64_t row = 0; row < t->n && st == GR_OK; row++) {
        st = gr__table_record(t, &r, row, &more, &sound);
        for (int i = 0; i < t->n_inputs && st == GR_OK && sound; i++)
            if (t->category[i].is) st = add_cell(t, &r, i, row, &sound);
    }
    gr__csv_stop(&r);
    for (int i = 0; i < t->n_inputs && st == GR_OK; i++)
        if (t->category[i].is) st = sort_texts(t, &t->category[i], t->input[i]);
    return st;
}

/* ---- of any other ---- */

static gr_status take_known(gr__table *t, gr__category *c, const gr_schema_category *was)
{
    gr_status st = GR_OK;
    for (int k = 0; k < was->n && st == GR_OK; k++) {
        int32_t seen;
        gr__cell f = {.s = was->name[k], .n = strlen(was->name[k])};
        st = gr__labels_add(t, &c->known, &f, &seen);
    }
    c->n = was->n;
    c->name = was->name;
    return st;
}

/* Of column i of the inputs, the training's. */
static const gr_schema_category *trained(const gr__table *t, const gr_schema *like, int i)
{
    const gr__columns *c = input_of(t, i);
    int at = c->like_first + i - c->first;
    return c->like_first >= 0 && i - c->first < c->like_n ? &like->category[at] : NULL;
}

gr_status gr__table_categories(gr__table *t)
{
    const gr_schema *like = gr__table_like(t);
    bool any = false;
    gr_status st = GR_OK;
    if (like ? !like->category : !t->kind) return GR_OK;
    t->category = gr__bump_alloc(t->memory, (size_t)t->n_inputs * sizeof *t->category);
    if (!t->category) return gr__error_code(t->ctx);
    for (int i = 0; i < t->n_inputs && st == GR_OK; i++) {
        const gr_schema_category *was = like ? trained(t, like, i) : NULL;
        t->category[i] = (gr__category){.is = was ? was->n > 0 : !like && t->kind[t->input[i]] == GR__COLUMN_CATEGORY};
        any = any || t->category[i].is;
        if (was && was->n) st = take_known(t, &t->category[i], was);
    }
    if (st == GR_OK && any && !like) st = find_texts(t);
    return st;
}

void gr__table_free_categories(gr__table *t)
{
    for (int i = 0; t->category && i < t->n_inputs; i++) gr__labels_free(t->ctx, &t->category[i].known);
}

/* ---- reading ---- */

gr_status gr__table_category(const gr__table *t, const gr__csv_reader *r, int input, bool index, double *out)
{
    gr__category *c = &t->category[input];
    const gr__cell *f = &r->cell[t->input[input]];
    int32_t seen;
    *out = index ? 0 : (double)NAN;
    if (gr__table_missing(t, f)) return GR_OK;
    gr_status st = gr__labels_find(t, &c->known, f, &seen);
    if (st != GR_OK) return st;
    if (seen < 0 && !t->quiet && c->strange++ == 0) {
        c->strange_line = r->record_line;
        gr__shown(c->strange_text, sizeof c->strange_text, f->s, f->n);
    }
    *out = (seen < 0 ? -1 : c->rank ? c->rank[seen] : seen) + (index ? 1 : 0);
    return GR_OK;
}

void gr__table_tell_categories(const gr__table *t)
{
    char name[80];
    for (int i = 0; t->category && i < t->n_inputs; i++) {
        const gr__category *c = &t->category[i];
        const char *called = t->name ? t->name[t->input[i]] : "";
        if (!c->strange) continue;
        gr__log(
            t->ctx, GR_LOG_WARNING,
            "%s: column %d%s%s%s: %lld value%s none of the training's %d categories, and count%s as none: \"%s\" in "
            "line %llu%s",
            t->blob->name, t->input[i] + 1, *called ? " (" : "", gr__shown(name, sizeof name, called, strlen(called)),
            *called ? ")" : "", (long long)c->strange, c->strange == 1 ? " is" : "s are", c->n,
            c->strange == 1 ? "s" : "", c->strange_text, (unsigned long long)c->strange_line,
            c->strange == 1 ? "" : " is the first");
    }
}
