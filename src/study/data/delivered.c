/* Samples as a loader delivers them, and their cards. */
#include "study/data/delivered.h"

#include <string.h>

#include "base/file.h"
#include "data/sample.h"

enum { MOST_VALUES = 8, MOST_UNITS = 64 }; /* of a target that a line has: numbers, units of a text */

/* ---- from the loader ---- */

static gr_status take(const gr_task *t, gr__delivered *d, int64_t epoch, int64_t index)
{
    gr_status st = gr__loader_create(t->ctx, &d->o, &d->loader);
    if (st != GR_OK) return st;
    gr__loader_seek(d->loader, epoch, index);
    return gr__loader_next(d->loader, &d->batch);
}

/* All of the rows in one batch, in their order; how each is delivered depends on none of this. */
static void take_together(gr_loader_options *o, const gr_rows *rows, int64_t batch)
{
    o->rows = rows;
    o->batch = batch;
    o->shuffle = GR_SHUFFLE_NONE;
    o->drop_last = false;
    o->buckets = NULL;
    o->distinct = 0; /* the first of each row: copies are drawn otherwise */
}

gr_status gr__deliver_plain(const gr_task *t, gr_part p, const gr_rows *rows, gr__delivered *out)
{
    *out = (gr__delivered){.o = gr__task_loader(t, p, false)};
    take_together(&out->o, rows, rows->n);
    return take(t, out, 0, 0);
}

gr_status gr__deliver_changed(const gr_task *t, const gr_rows *rows, int64_t epoch, gr__delivered *out)
{
    *out = (gr__delivered){.o = gr__task_training_loader(t, false)};
    int64_t copies = GR_MAX(out->o.copies, 1);
    take_together(&out->o, rows, rows->n);
    if (copies == 1) return take(t, out, epoch, 0);
    gr_status st = gr__rows_all(t->ctx, rows->n * copies, &out->rows);
    if (st != GR_OK) return st;
    for (int64_t i = 0; i < out->rows.n; i++) out->rows.row[i] = rows->row[i % rows->n];
    out->o.rows = &out->rows;
    return take(t, out, 0, 1 + epoch % (copies - 1));
}

gr_status gr__deliver_first(const gr_task *t, int64_t epoch, gr__delivered *out)
{
    *out = (gr__delivered){.o = gr__task_training_loader(t, false)};
    return take(t, out, epoch, 0);
}

void gr__delivered_close(const gr_task *t, gr__delivered *d)
{
    gr__loader_destroy(d->loader);
    gr__rows_free(t->ctx, &d->rows);
    *d = (gr__delivered){0};
}

/* ---- where numbers are in a batch ---- */

/* Parts of a sample that lengths count; one where there are none. */
static int64_t whole_steps(const gr_field *x)
{
    return x->length ? x->steps : 1;
}

/* Steps that every sample of the batch has room for. */
static int64_t steps_of(const gr_loader_options *o, const gr_batch *b, int k)
{
    bool cut = b->steps && o->buckets && o->buckets->input == k;
    return cut ? b->steps : whole_steps(gr__set_input(o->set, k));
}

static int64_t step_width(const gr_loader_options *o, int k)
{
    const gr_field *x = gr__set_input(o->set, k);
    return gr__delivery_width(&o->input[k], gr_shape_count(x->sample)) / whole_steps(x);
}

static int64_t steps_that_count(const gr_loader_options *o, const gr_batch *b, int k, int64_t i)
{
    const int32_t *length = b->field[gr__length_place(o->set->n_inputs, o->set->n_targets, k)];
    return length ? length[i] : steps_of(o, b, k);
}

static const void *numbers_at(const gr_loader_options *o, const gr_batch *b, int k, int64_t i)
{
    size_t sample = (size_t)(steps_of(o, b, k) * step_width(o, k)) * gr__element_bytes(o->input[k].as);
    return (const char *)b->field[k] + (size_t)i * sample;
}

uint32_t gr__view_hash(const gr_loader_options *o, const gr_batch *b, int64_t i)
{
    uint32_t crc = 0;
    for (int k = 0; k < o->set->n_inputs; k++) {
        int64_t n = steps_that_count(o, b, k, i) * step_width(o, k);
        crc = gr__crc32(crc, numbers_at(o, b, k, i), (size_t)n * gr__element_bytes(o->input[k].as));
    }
    return crc;
}

const void *gr__delivered_at(const gr__delivered *d, int k, int64_t i)
{
    return numbers_at(&d->o, &d->batch, k, i);
}

int64_t gr__delivered_steps(const gr__delivered *d, int k, int64_t i)
{
    bool all = !gr__set_length(d->o.set, k);
    return all ? GR__MANNER_ALL : steps_that_count(&d->o, &d->batch, k, i);
}

/* ---- cards ---- */

/* NULL: nothing changes them. */
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

gr__viewer gr__viewer_of(const gr_task *t, gr_part p, gr_sheet *s)
{
    gr__viewer v = {.t = t, .part = p, .sheet = s, .changes = changes_of(t, s)};
    for (int k = 0; k < t->recipe->n_inputs; k++) {
        v.manner[k] = gr__manner_of(t, p, k, s);
        v.source[k] = gr__manner_of_source(t, p, k);
    }
    return v;
}

void gr__viewer_range(gr__viewer *v, const gr__delivered *d)
{
    for (int k = 0; k < v->t->recipe->n_inputs; k++)
        for (int64_t i = 0; i < d->batch.n; i++)
            gr__manner_take(&v->manner[k], gr__delivered_at(d, k, i),
                            steps_that_count(&d->o, &d->batch, k, i) * step_width(&d->o, k));
}

void gr__viewer_notes(gr__viewer *v)
{
    for (int k = 0; k < v->t->recipe->n_inputs; k++) gr__manner_note(&v->manner[k], v->sheet);
    if (v->plain) return;
    gr__sheet_note(v->sheet,
                   "crc32: of the numbers that the loader delivers of a sample, least significant byte first%s",
                   v->t->recipe->n_inputs > 1 ? ", one input after the other" : "");
}

gr_card *gr__viewer_card(gr__viewer *v, uint32_t row)
{
    const char *const *name = v->t->set_of[v->part]->sample;
    return gr__sheet_card(v->sheet, name ? gr__sheet_text(v->sheet, "#%u  %s", row, name[row])
                                         : gr__sheet_text(v->sheet, "#%u", row));
}

static const char *caption_of(gr__viewer *v, int k, const char *what)
{
    const char *name = v->manner[k].name;
    return name && what ? gr__sheet_text(v->sheet, "%s, %s", name, what) : name ? name : what;
}

gr_status gr__viewer_source(gr__viewer *v, gr_card *c, uint32_t row)
{
    gr_context *ctx = v->t->ctx;
    gr_status st = GR_OK;
    for (int k = 0; k < v->t->recipe->n_inputs && st == GR_OK; k++) {
        const gr_field *x = gr__set_input(v->t->set_of[v->part], k);
        gr__manner m = v->source[k];
        gr__samples from;
        if (!v->manner[k].n_delivered || m.kind != GR__MANNER_ROWS) continue;
        int64_t at = row;
        m.as = gr__field_of(x, &at)->element;
        st = gr__samples_open(ctx, x, &from);
        const void *numbers = st == GR_OK ? gr__samples_at(ctx, &from, row) : NULL;
        if (numbers)
            gr__manner_show(&m, numbers, x->length ? x->length[row] : GR__MANNER_ALL, v->sheet,
                            gr__card_face(v->sheet, c, caption_of(v, k, "in the source")));
        else
            st = gr__error_code(ctx);
        gr__samples_close(&from);
    }
    return st;
}

void gr__viewer_faces(gr__viewer *v, gr_card *c, const gr__delivered *d, int64_t i, const char *caption)
{
    int n = v->t->recipe->n_inputs;
    for (int k = 0; k < n; k++) {
        const gr__manner *m = &v->manner[k];
        const char *what = caption ? caption : m->n_delivered && m->kind == GR__MANNER_ROWS ? "as delivered" : NULL;
        gr_face *f = gr__card_face(v->sheet, c, caption_of(v, k, what));
        gr__manner_show(m, gr__delivered_at(d, k, i), gr__delivered_steps(d, k, i), v->sheet, f);
        if (k == n - 1 && !v->plain)
            f->foot = gr__sheet_text(v->sheet, "crc32 %08x", gr__view_hash(&d->o, &d->batch, i));
    }
}

const char *gr__viewer_class(gr__viewer *v, int head, int64_t k)
{
    const gr_meaning *m = &v->t->meaning;
    if (m->class_names[head] && k >= 0 && k < m->classes[head]) return m->class_names[head][k];
    return gr__sheet_text(v->sheet, "%lld", (long long)k);
}

static const char *text_of(gr__viewer *v, const int32_t *index, int64_t n)
{
    gr__text t;
    gr__text_init(&t, v->sheet->ctx);
    gr__manner_text(&v->t->meaning.schema, index, n, &t);
    for (char *end = t.s; end && (end = strchr(end, '\n')) != NULL;) *end = ' ';
    const char *text = gr__sheet_text(v->sheet, "%s", t.s ? t.s : "");
    gr__text_free(&t);
    return text;
}

/* "3", "ankle boot", "0.5 1.25 and 6 more" */
static const char *target_of(gr__viewer *v, const gr__delivered *d, int head, int64_t i)
{
    const gr_field *f = gr__set_target(d->o.set, head);
    const void *data = d->batch.field[d->o.set->n_inputs + head];
    bool class_ = f->kind == GR_TARGET_CLASS, text = class_ && f->vocabulary && v->t->meaning.schema.unit;
    int64_t n = gr_shape_count(f->sample), shown = GR_MIN(n, text ? MOST_UNITS : MOST_VALUES);
    const int32_t *label = class_ ? (const int32_t *)data + i * n : NULL;
    const char *all = text ? text_of(v, label, shown) : "";
    for (int64_t k = 0; k < shown && !text; k++)
        all = gr__sheet_text(v->sheet, "%s%s%s", all, k ? " " : "",
                             class_ ? gr__viewer_class(v, head, label[k])
                                    : gr__sheet_text(v->sheet, "%.6g", gr__element_at(d->o.real, data, i * n + k)));
    return n > shown ? gr__sheet_text(v->sheet, "%s and %lld more", all, (long long)(n - shown)) : all;
}

static const char *kind_of(const gr_field *target)
{
    return target->kind != GR_TARGET_CLASS ? "target" : target->vocabulary ? "next" : "label";
}

void gr__viewer_targets(gr__viewer *v, gr_card *c, const gr__delivered *d, int64_t i)
{
    const gr_recipe *r = v->t->recipe;
    const gr_set *s = d->o.set;
    for (int h = 0; h < s->n_targets; h++)
        gr__card_line(v->sheet, c, "%s: %s", r->heads_named ? r->head[h].name : kind_of(gr__set_target(s, h)),
                      target_of(v, d, h, i));
    for (int k = 0; k < s->n_inputs; k++)
        if (gr__set_length(s, k))
            gr__card_line(v->sheet, c, "%lld of %lld steps%s%s", (long long)gr__delivered_steps(d, k, i),
                          (long long)whole_steps(gr__set_input(s, k)), v->manner[k].name ? " of " : "",
                          v->manner[k].name ? v->manner[k].name : "");
    if (s->weighted)
        gr__card_line(v->sheet, c, "weight %.6g",
                      gr__element_at(d->o.real, d->batch.field[s->n_inputs + s->n_targets], i));
}
