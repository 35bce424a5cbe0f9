/* Samples of a batch beside those that the training graph mixes them with, and what comes of it. */
#include "study/data/delivered.h"

typedef struct mixing {
    gr__viewer *v;
    const gr__delivered *plain, *batch; /* the samples as they are, of those shown; as they enter the graph, of all */
    gr_mixture_draw draw;
    const int32_t *partner;
} mixing;

/* Numbers of input k as the graph would mix them; n of them, in `out`. */
static void mix(const mixing *m, int k, int64_t i, double *out, int64_t n)
{
    const gr_mixture *mix = &m->v->t->recipe->mixture;
    const gr_mixture_draw *d = &m->draw;
    const void *own = gr__delivered_at(m->batch, k, i), *other = gr__delivered_at(m->batch, k, m->partner[i]);
    gr_element as = m->v->manner[k].as;
    int64_t channels = mix->kind == GR_MIX_PATCH ? n / (mix->height * mix->width) : 1;
    for (int64_t at = 0; at < n; at++) {
        double x = gr__element_at(as, own, at), y = gr__element_at(as, other, at);
        double row = (double)(at / channels / GR_MAX(mix->width, 1)),
               column = (double)(at / channels % GR_MAX(mix->width, 1));
        bool inside = row >= d->top && row < d->bottom && column >= d->left && column < d->right;
        out[at] = mix->kind == GR_MIX_BLEND ? d->share * x + (1 - d->share) * y : inside ? y : x;
    }
}

static gr_status put_mixed(const mixing *m, gr_card *c, int64_t i)
{
    const gr_task *t = m->v->t;
    gr_sheet *s = m->v->sheet;
    for (int k = 0; k < t->recipe->n_inputs; k++) {
        gr__manner manner = m->v->manner[k];
        int64_t n = gr_shape_count(manner.shape);
        double *numbers = gr__alloc(t->ctx, sizeof *numbers * (size_t)n);
        if (!numbers) return GR_E_MEMORY;
        mix(m, k, i, numbers, n);
        manner.as = GR_EL_F64;
        gr_face *f = gr__card_face(s, c, manner.name ? gr__sheet_text(s, "%s, mixed", manner.name) : "mixed");
        gr__manner_show(&manner, numbers, GR__MANNER_ALL, s, f);
        gr__free(t->ctx, numbers, sizeof *numbers * (size_t)n);
    }
    return s->failed;
}

static gr_status put_card(const mixing *m, int64_t i)
{
    gr_sheet *s = m->v->sheet;
    gr_card *c = gr__viewer_card(m->v, m->batch->batch.row[i]);
    gr__viewer_faces(m->v, c, m->plain, i, "as it is");
    if (m->v->changes) gr__viewer_faces(m->v, c, m->batch, i, "changed");
    gr__viewer_faces(m->v, c, m->batch, m->partner[i],
                     gr__sheet_text(s, "with #%u", m->batch->batch.row[m->partner[i]]));
    gr_status st = put_mixed(m, c, i);
    gr__viewer_targets(m->v, c, m->batch, i);
    gr__card_line(s, c, "which counts %.4g; that of #%u %.4g:", m->draw.share, m->batch->batch.row[m->partner[i]],
                  1 - m->draw.share);
    gr__viewer_targets(m->v, c, m->batch, m->partner[i]);
    return st;
}

static void note(const mixing *m, int64_t epoch, int64_t shown)
{
    gr_sheet *s = m->v->sheet;
    gr__sheet_note(s, "the first %lld samples of the %lld in the first batch of epoch %lld, mixed as in its update",
                   (long long)shown, (long long)m->batch->batch.n, (long long)epoch + 1);
    if (m->v->changes) gr__sheet_note(s, "changed before by %s", m->v->changes);
    gr__sheet_note(s, "mixed by the training graph, after it has prepared them; here before that, for the eye");
}

gr_status gr__view_mixed(gr__viewer *v, const gr_view_options *o)
{
    const gr_task *t = v->t;
    gr__delivered plain = {0}, batch = {0};
    mixing m = {.v = v, .plain = &plain, .batch = &batch};
    int32_t *partner = NULL;
    size_t bytes = 0;
    gr_status st = GR_OK;
    GR_TRY(gr__deliver_first(t, o->epoch, &batch));
    gr_rows rows = {(uint32_t *)batch.batch.row, GR_MIN(o->count, batch.batch.n)};
    GR_TRY(gr__deliver_plain(t, GR_PART_TRAIN, &rows, &plain));
    bytes = sizeof *partner * (size_t)batch.batch.n;
    partner = gr__alloc(t->ctx, bytes);
    if (!partner) GR_TRY(GR_E_MEMORY);
    gr__mixture_draw(&t->recipe->mixture, t->recipe->seed, o->epoch * gr__task_extent(t).updates_per_epoch, 0,
                     batch.batch.n, &m.draw, partner);
    m.partner = partner;
    note(&m, o->epoch, rows.n);
    gr__viewer_range(v, &plain);
    gr__viewer_range(v, &batch);
    gr__viewer_notes(v);
    for (int64_t i = 0; i < rows.n; i++) GR_TRY(put_card(&m, i));
    st = v->sheet->failed;
done:
    gr__free(t->ctx, partner, bytes);
    gr__delivered_close(t, &plain);
    gr__delivered_close(t, &batch);
    return st;
}
