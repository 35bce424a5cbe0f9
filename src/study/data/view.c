/* Samples of a part, as they are or beside what an epoch makes of them. */
#include "study/data/delivered.h"

/* "crop, flip"; NULL: nothing changes them. */
static const char *changes_of(const gr_task *t, gr_sheet *s)
{
    const char *all = NULL;
    for (int k = 0; k < t->recipe->n_inputs; k++) {
        const gr_augmentation *a = t->changes[k];
        for (int i = 0; a && i < a->n; i++)
            all = gr__sheet_text(s, "%s%s%s", all ? all : "", all ? ", " : "", a->member[i]->head.name);
    }
    return all;
}

static void note_changes(gr__viewer *v, const gr_view_options *o)
{
    const gr_recipe *r = v->t->recipe;
    const char *by = changes_of(v->t, v->sheet);
    if (o->changed && r->data.copies > 1)
        gr__sheet_note(v->sheet, "changed by %s: copy %lld of the %d that every epoch has beside the sample itself", by,
                       (long long)(1 + o->epoch % (r->data.copies - 1)), r->data.copies - 1);
    else if (o->changed)
        gr__sheet_note(v->sheet, "changed by %s, as in epoch %lld", by, (long long)o->epoch);
    else if (by && o->part == GR_PART_TRAIN)
        gr__sheet_note(v->sheet, "as they are; training changes them by %s, which --augmented shows", by);
}

static gr_status check(const gr_task *t, const gr_view_options *o)
{
    bool any = t->recipe->mixture.kind != GR_MIX_NONE;
    for (int k = 0; k < t->recipe->n_inputs; k++) any |= t->changes[k] != NULL;
    if (!o->changed || (any && o->part == GR_PART_TRAIN)) return GR_OK;
    if (o->part != GR_PART_TRAIN)
        return gr__fail(t->ctx, GR_E_CONFLICT, "nothing changes samples of the %s part: they are evaluated as they are",
                        gr__part_name(o->part));
    return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT, "data.augment lists changes, such as flip",
                         "the recipe does not change training samples");
}

static void put_card(gr__viewer *v, const gr__delivered *plain, const gr__delivered *changed, int64_t i)
{
    gr_card *c = gr__viewer_card(v, plain->batch.row[i]);
    gr__viewer_faces(v, c, plain, i, changed ? "as it is" : NULL);
    if (changed) gr__viewer_faces(v, c, changed, i, "changed");
    gr__viewer_targets(v, c, plain, i);
}

gr_status gr__view_samples(const gr_task *t, const gr_view_options *o, gr_sheet *s)
{
    gr__viewer v = gr__viewer_of(t, o->part, s);
    gr__delivered plain = {0}, changed = {0};
    gr_rows rows = {0};
    gr_status st = check(t, o);
    if (st != GR_OK) return st;
    GR_TRY(gr__view_choose(t, o->part, o->count, &rows));
    GR_TRY(gr__deliver_plain(t, o->part, &rows, &plain));
    if (o->changed) GR_TRY(gr__deliver_changed(t, &rows, o->epoch, &changed));
    gr__sheet_note(s, "%lld of %lld samples of the %s part, drawn by seed %llu, all classes alike as far as they go",
                   (long long)rows.n, (long long)t->count[o->part], gr__part_name(o->part),
                   (unsigned long long)t->recipe->seed);
    note_changes(&v, o);
    gr__viewer_range(&v, &plain);
    if (o->changed) gr__viewer_range(&v, &changed);
    gr__viewer_notes(&v);
    for (int64_t i = 0; i < rows.n; i++) put_card(&v, &plain, o->changed ? &changed : NULL, i);
    st = s->failed;
done:
    gr__delivered_close(t, &changed);
    gr__delivered_close(t, &plain);
    gr__rows_free(t->ctx, &rows);
    return st;
}
