/* Samples of a part, as they are or beside what an epoch makes of them. */
#include "study/data/delivered.h"

static void note_changes(gr__viewer *v, const gr_view_options *o)
{
    const gr_recipe *r = v->t->recipe;
    const char *by = v->changes;
    if (o->changed && r->data.copies > 1)
        gr__sheet_note(v->sheet, "changed by %s: copy %lld of the %d that every epoch has beside the sample itself", by,
                       (long long)(1 + o->epoch % (r->data.copies - 1)), r->data.copies - 1);
    else if (o->changed)
        gr__sheet_note(v->sheet, "changed by %s, as in epoch %lld", by, (long long)o->epoch + 1);
    else if (by && o->part == GR_PART_TRAIN)
        gr__sheet_note(v->sheet, "as they are; training changes them by %s, which --augmented shows", by);
    if (!o->changed && r->mixture.kind && o->part == GR_PART_TRAIN)
        gr__sheet_note(v->sheet, "training mixes them, which --augmented shows");
}

gr_status gr__view_check(const gr_task *t, const gr_view_options *o)
{
    bool any = t->recipe->mixture.kind != GR_MIX_NONE;
    for (int k = 0; k < t->recipe->n_inputs; k++) any |= t->changes[k] != NULL;
    if (!o->changed || any || o->part != GR_PART_TRAIN) return GR_OK;
    return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT, "data.augment lists changes, such as flip",
                         "the recipe does not change training samples");
}

static gr_status check(const gr_task *t, const gr_view_options *o)
{
    if (o->changed && o->part != GR_PART_TRAIN)
        return gr__fail(t->ctx, GR_E_CONFLICT, "nothing changes samples of the %s part: they are evaluated as they are",
                        gr__part_name(o->part));
    return gr__view_check(t, o);
}

static gr_status put_card(gr__viewer *v, const gr__delivered *plain, const gr__delivered *changed, int64_t i)
{
    gr_card *c = gr__viewer_card(v, plain->batch.row[i]);
    gr_status st = gr__viewer_source(v, c, plain->batch.row[i]);
    gr__viewer_faces(v, c, plain, i, changed ? "as it is" : NULL);
    if (changed) gr__viewer_faces(v, c, changed, i, "changed");
    gr__viewer_targets(v, c, plain, i);
    return st;
}

gr_status gr__view_samples(const gr_task *t, const gr_view_options *o, gr_sheet *s)
{
    gr__viewer v = gr__viewer_of(t, o->part, s);
    gr__delivered plain = {0}, changed = {0};
    gr_rows rows = {0};
    gr_status st = check(t, o);
    v.plain = o->plain;
    if (st != GR_OK) return st;
    if (o->changed && t->recipe->mixture.kind) return gr__view_mixed(&v, o);
    GR_TRY(gr__view_choose(t, o->part, o->count, &rows));
    GR_TRY(gr__deliver_plain(t, o->part, &rows, &plain));
    if (o->changed) GR_TRY(gr__deliver_changed(t, &rows, o->epoch, &changed));
    bool balanced = o->part == GR_PART_TRAIN && t->balanced;
    gr__sheet_note(s, "%lld of %lld samples of the %s part%s, drawn by seed %llu, all classes alike as far as they go",
                   (long long)rows.n, (long long)(balanced ? t->kept : t->count[o->part]), gr__part_name(o->part),
                   balanced ? " that balancing leaves" : "", (unsigned long long)t->recipe->seed);
    if (balanced && t->set[GR_PART_TRAIN].made)
        gr__sheet_note(s, "beside %lld that are made, which --generated shows",
                       (long long)t->set[GR_PART_TRAIN].made->n);
    note_changes(&v, o);
    gr__viewer_range(&v, &plain);
    if (o->changed) gr__viewer_range(&v, &changed);
    gr__viewer_notes(&v);
    for (int64_t i = 0; i < rows.n; i++) GR_TRY(put_card(&v, &plain, o->changed ? &changed : NULL, i));
    st = s->failed;
done:
    gr__delivered_close(t, &changed);
    gr__delivered_close(t, &plain);
    gr__rows_free(t->ctx, &rows);
    return st;
}
