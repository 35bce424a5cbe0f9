/* Samples that balancing has made, beside those that they were made of. */
#include <math.h>

#include "data/balance.h"
#include "study/data/delivered.h"

enum { BASE, NEIGHBOUR, PARENTS };

typedef struct family {
    gr__delivered made, parent[PARENTS];
    gr_rows rows, of[PARENTS];
} family;

static gr_status check(const gr_task *t)
{
    const gr_balance *b = t->recipe->data.balance;
    if (t->set[GR_PART_TRAIN].made) return GR_OK;
    if (!b)
        return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT, "data.balance: smote makes some",
                             "the recipe makes no samples");
    return gr__tree_fail(t->ctx, t->recipe->data.balance_settings.tree, GR_E_CONFLICT, NULL,
                         "%s has made no samples of this data", b->head.name);
}

static gr_status deliver(const gr_task *t, int64_t count, family *f)
{
    const gr_made *m = t->set[GR_PART_TRAIN].made;
    gr_status st = GR_OK;
    GR_TRY(gr__view_choose_made(t, count, &f->rows));
    GR_TRY(gr__deliver_plain(t, GR_PART_TRAIN, &f->rows, &f->made));
    for (int k = 0; k < PARENTS; k++) {
        GR_TRY(gr__rows_all(t->ctx, f->rows.n, &f->of[k]));
        for (int64_t i = 0; i < f->rows.n; i++) f->of[k].row[i] = m->parent[f->rows.row[i] - m->first][k];
        GR_TRY(gr__deliver_plain(t, GR_PART_TRAIN, &f->of[k], &f->parent[k]));
    }
done:
    return st;
}

static void close_family(const gr_task *t, family *f)
{
    gr__delivered_close(t, &f->made);
    gr__rows_free(t->ctx, &f->rows);
    for (int k = 0; k < PARENTS; k++) {
        gr__delivered_close(t, &f->parent[k]);
        gr__rows_free(t->ctx, &f->of[k]);
    }
}

static void put_card(gr__viewer *v, const family *f, int64_t i)
{
    const gr_made *m = v->t->set[GR_PART_TRAIN].made;
    int64_t at = f->rows.row[i] - m->first;
    gr_card *c = gr__sheet_card(v->sheet, gr__sheet_text(v->sheet, "generated %lld", (long long)at));
    gr__viewer_faces(v, c, &f->made, i, "generated");
    gr__viewer_faces(v, c, &f->parent[BASE], i, gr__sheet_text(v->sheet, "of #%u", m->parent[at][BASE]));
    gr__viewer_faces(v, c, &f->parent[NEIGHBOUR], i, gr__sheet_text(v->sheet, "and #%u", m->parent[at][NEIGHBOUR]));
    gr__viewer_targets(v, c, &f->made, i);
    if (isnan(m->step[at]))
        gr__card_line(v->sheet, c, "another share of the way for each number");
    else
        gr__card_line(v->sheet, c, "%.4g of the way from the first to the second", m->step[at]);
}

gr_status gr__view_made(const gr_task *t, const gr_view_options *o, gr_sheet *s)
{
    gr__viewer v = gr__viewer_of(t, GR_PART_TRAIN, s);
    v.plain = o->plain;
    family f = {0};
    gr_status st = check(t);
    if (st != GR_OK) return st;
    GR_TRY(deliver(t, o->count, &f));
    gr__sheet_note(s, "%lld of %lld samples that %s has made, each beside the two that it was made of",
                   (long long)f.rows.n, (long long)t->set[GR_PART_TRAIN].made->n, t->recipe->data.balance->head.name);
    gr__viewer_range(&v, &f.made);
    for (int k = 0; k < PARENTS; k++) gr__viewer_range(&v, &f.parent[k]);
    gr__viewer_notes(&v);
    for (int64_t i = 0; i < f.rows.n; i++) put_card(&v, &f, i);
    st = s->failed;
done:
    close_family(t, &f);
    return st;
}
