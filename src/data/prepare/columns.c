/* Which numbers of a sample a step is for, and what they are called. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "data/prepare/prepare.h"
#include "data/sample.h"
#include "graph/shape.h"

static bool named(const gr__fitting *f, int64_t i, const char *name)
{
    return f->name && f->name[i] && strcmp(f->name[i], name) == 0;
}

static gr_status no_column(const gr__fitting *f, const gr_tree *at)
{
    int64_t width = gr_shape_count(f->sample);
    gr_status st = gr__tree_fail(f->ctx, at, GR_E_DATA, NULL, "the input \"%s\" has no column \"%s\"", f->x->name,
                                 at->text ? at->text : "");
    const char *near = f->name && at->text ? gr__nearest(at->text, f->name, (size_t)width) : NULL;
    if (near)
        gr__error_hint(f->ctx, "did you mean \"%s\"?", near);
    else if (!f->name)
        gr__error_hint(f->ctx, "it has %lld numbers a sample, from 0 on", (long long)width);
    return st;
}

/* Names, or places from 0 on. */
static gr_status check_columns(gr_context *ctx, const gr_tree *t)
{
    char shown[200];
    bool list = t->kind == GR_TREE_LIST;
    for (int i = 0; i < (list ? t->n : 1); i++) {
        const gr_tree *x = list ? t->child[i] : t;
        int64_t place;
        bool number = gr__tree_is_number(x),
             good = number ? gr__tree_int(x, &place) && place >= 0 : x->kind == GR_TREE_TEXT;
        if (!good)
            return gr__tree_fail(ctx, x, number ? GR_E_RANGE : GR_E_TYPE, "such as columns: [age, height]",
                                 "%s is not a column's name, nor its place from 0 on",
                                 gr__tree_show(x, shown, sizeof shown));
    }
    return GR_OK;
}

gr_status gr__prepare_settings(gr_context *ctx, const gr_prepare *m, const gr_settings *s)
{
    const gr_tree *columns = gr__member_has(&m->head, "columns") ? gr__setting_tree(s, "columns") : NULL;
    gr_status st = gr__tree_none(columns) ? GR_OK : check_columns(ctx, columns);
    return st == GR_OK && m->check ? m->check(ctx, s) : st;
}

/* A name, of which there may be several numbers once categories are expanded; or a place. */
static gr_status mark(const gr__fitting *f, const gr_tree *t, bool *mask)
{
    int64_t width = gr_shape_count(f->sample), place;
    bool any = false;
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_MAP || !t->text)
        return gr__tree_fail(f->ctx, t, GR_E_TYPE, "such as columns: [age, height]", "%s is not a column's name",
                             gr__tree_kind_name(t));
    for (int64_t i = 0; i < width; i++) {
        if (!named(f, i, t->text)) continue;
        mask[i] = any = true;
    }
    if (!any && !f->name && gr__tree_int(t, &place) && place >= 0 && place < width) mask[place] = any = true;
    return any ? GR_OK : no_column(f, t);
}

static gr_status mark_all(const gr__fitting *f, const gr_tree *t, bool *mask)
{
    char shape[96];
    gr_status st = GR_OK;
    if (f->sample.rank > 1)
        return gr__tree_fail(f->ctx, t, GR_E_CONFLICT, NULL, "samples of shape %s have no columns",
                             gr__shape_text(f->sample, shape));
    bool list = t->kind == GR_TREE_LIST;
    for (int i = 0; i < (list ? t->n : 1) && st == GR_OK; i++) st = mark(f, list ? t->child[i] : t, mask);
    return st;
}

gr_status gr__fitting_mask(const gr__fitting *f, bool categories, const bool **mask)
{
    const gr_tree *t = gr__setting_tree(f->s, "columns");
    int64_t width = gr_shape_count(f->sample);
    bool said = !gr__tree_none(t), left_out = false;
    *mask = NULL;
    if (!said && !f->category) return GR_OK;
    bool *out = gr__bump_alloc(f->b, (size_t)GR_MAX(width, 1) * sizeof *out);
    if (!out) return gr__error_code(f->ctx);
    for (int64_t i = 0; i < width; i++) out[i] = !said;
    gr_status st = said ? mark_all(f, t, out) : GR_OK;
    for (int64_t i = 0; i < width && st == GR_OK; i++) {
        bool number = !f->category || f->category[i] == 0 || (categories && f->category[i] > 0);
        if (said && out[i] && f->category && f->category[i] > 0 && !categories)
            st = gr__tree_fail(f->ctx, t, GR_E_CONFLICT, NULL, "the column \"%s\" holds categories, not numbers",
                               f->name && f->name[i] ? f->name[i] : "");
        out[i] = out[i] && number;
        left_out = left_out || !out[i];
    }
    if (left_out) *mask = out;
    return st;
}

int64_t gr__fitting_channels(const gr__fitting *f)
{
    return f->sample.rank ? f->sample.dim[f->sample.rank - 1] : 1;
}

const void *gr__fitting_sample(const gr__fitting *f, int64_t i)
{
    return gr__samples_at(f->ctx, f->from, f->train->row[i]);
}

int64_t gr__fitting_width(const gr__fitting *f)
{
    for (int i = f->n_before - 1; i >= 0; i--)
        if (f->before[i].step->reshapes) return gr_shape_count(f->before[i].gives);
    return gr_shape_count(f->x->sample);
}

gr_status gr__fitting_divides(const gr__fitting *f, int n)
{
    int64_t width = gr__fitting_width(f);
    if (width % n == 0) return GR_OK;
    return gr__fail(f->ctx, GR_E_DATA, "samples of %lld values do not divide into %d channels of model.input",
                    (long long)width, n);
}

const char *gr__fitting_called(const gr__fitting *f, int n, int64_t i, char *text, size_t size)
{
    char name[80];
    if (f->name && n == gr_shape_count(f->sample) && f->name[i])
        snprintf(text, size, "column \"%s\"", gr__shown(name, sizeof name, f->name[i], strlen(f->name[i])));
    else if (n > 1)
        snprintf(text, size, "channel %lld", (long long)i);
    else
        snprintf(text, size, "the input \"%s\"", f->x->name);
    return text;
}
