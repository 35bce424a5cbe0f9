/* Samples that a look at the data has named, each with why. */
#include <string.h>

#include "study/data/delivered.h"
#include "study/data/inspect.h"

typedef struct showing {
    gr_inspection *of;
    gr_sheet *sheet;
    gr__viewer viewer[GR_PARTS];
    int64_t left; /* cards that there may still be */
    bool range;   /* the first pass: what numbers reach from where to where */
} showing;

static gr_part part_of(const gr_suspect *x)
{
    int p = GR_PARTS - 1;
    while (p > 0 && strcmp(gr__part_name((gr_part)p), x->part) != 0) p--;
    return (gr_part)p;
}

/* The part whose source a part's samples are in. */
static int source_of(const gr_task *t, gr_part p)
{
    for (int k = 0; k < GR_PARTS; k++)
        if (t->set_of[p] == &t->set[k]) return k;
    return p;
}

/* What cannot be read is told in words. */
static void put_sample(showing *s, const gr_data_finding *f, const gr_suspect *x)
{
    gr_task *t = &s->of->task;
    gr_part p = part_of(x);
    gr__viewer *v = &s->viewer[p];
    uint32_t row = (uint32_t)x->index;
    int64_t at = s->of->first[source_of(t, p)] + x->index; /* of a sample */
    gr__delivered d = {0};
    bool read = x->index >= 0 && t->set_of[p] && gr__deliver_plain(t, p, &(gr_rows){&row, 1}, &d) == GR_OK;
    if (!read) gr_context_clear_error(t->ctx);
    if (s->range) {
        if (read) gr__viewer_range(v, &d);
    } else {
        gr_card *c = x->index < 0 || !t->set_of[p] ? gr__sheet_card(s->sheet, x->file ? x->file : x->part)
                                                   : gr__viewer_card(v, row);
        if (read) gr__viewer_faces(v, c, &d, 0, NULL);
        gr__card_line(s->sheet, c, "%s: %s", x->part, f->kind);
        if (x->line) gr__card_line(s->sheet, c, "line %lld", (long long)x->line);
        if (read && s->of->part[at] != GR_IN_NO_PART) gr__viewer_targets(v, c, &d, 0); /* else it may have none */
        if (!read) gr__card_line(s->sheet, c, "cannot be shown");
        c->wrong = f->severity == GR_SEVERITY_ERROR;
    }
    gr__delivered_close(t, &d);
}

/* Errors first. */
static void put_all(showing *s, int64_t most)
{
    s->left = most;
    for (int severity = GR_SEVERITY_ERROR; severity >= GR_SEVERITY_NOTE; severity--)
        for (size_t i = 0; i < s->of->n_findings; i++) {
            const gr_data_finding *f = &s->of->finding[i];
            if ((int)f->severity != severity) continue;
            for (size_t k = 0; k < GR_MIN(f->n_samples, GR_SUSPECTS) && s->left > 0; k++, s->left--)
                put_sample(s, f, &f->sample[k]);
        }
}

static void note_findings(const gr_inspection *of, gr_sheet *s)
{
    for (size_t i = 0; i < of->n_findings; i++) {
        const gr_data_finding *f = &of->finding[i];
        gr__sheet_note(s, "%s %s%s%s: %lld%s%s", gr__severity_words[f->severity], f->kind, f->part ? ", " : "",
                       f->part ? f->part : "", (long long)f->count, f->text[0] ? ": " : "", f->text);
    }
    if (!of->n_findings) gr__sheet_note(s, "nothing was found");
}

/* One range for the samples of all parts, and the notes on how to read them once. */
static void share_ranges(showing *s)
{
    gr__viewer *first = NULL;
    for (int p = 0; p < GR_PARTS; p++)
        if (s->viewer[p].t && !first) first = &s->viewer[p];
    for (int p = 0; p < GR_PARTS && first; p++)
        for (int k = 0; k < s->of->recipe->n_inputs; k++) {
            const gr__manner *m = &s->viewer[p].manner[k];
            if (!m->any) continue;
            gr__manner_widen(&first->manner[k], m->low);
            gr__manner_widen(&first->manner[k], m->high);
        }
    for (int p = 0; p < GR_PARTS && first; p++)
        for (int k = 0; k < s->of->recipe->n_inputs; k++) {
            gr__manner *m = &s->viewer[p].manner[k];
            m->any = first->manner[k].any, m->low = first->manner[k].low, m->high = first->manner[k].high;
        }
    if (first) gr__viewer_notes(first);
}

gr_status gr__view_findings(gr_inspection *of, int64_t count, gr_sheet *out)
{
    showing s = {.of = of, .sheet = out};
    gr_status st = gr__task_settle(&of->task);
    if (st != GR_OK) return st;
    for (int p = 0; p < GR_PARTS; p++)
        if (of->task.set_of[p]) s.viewer[p] = gr__viewer_of(&of->task, (gr_part)p, out);
    note_findings(of, out);
    s.range = true;
    put_all(&s, count);
    share_ranges(&s);
    s.range = false;
    put_all(&s, count);
    return out->failed;
}
