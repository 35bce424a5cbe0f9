/* Metrics of a model beside those of one that looks at nothing, and what it takes for what. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/report/parts.h"

enum { MOST_CLASSES = 40, WORST = 3, MOST_WORST = 20 };

static const char *class_name(gr_report *r, const gr_read_run *run, int head, int64_t k)
{
    const gr_meaning *m = &run->best.meaning;
    if (m->class_names[head] && k < m->classes[head]) return m->class_names[head][k];
    return gr__document_text(&r->document, "%lld", (long long)k);
}

static const char *of_head(gr_report *r, const gr_read_run *run, int head)
{
    const gr_recipe *recipe = run->best.recipe;
    return recipe->heads_named ? gr__document_text(&r->document, " of %s", recipe->head[head].name) : "";
}

/* ---- metrics ---- */

static void put_figure(gr_document *d, gr_written_table *t, double x)
{
    gr__document_cell(d, t, GR_CELL_NUMBER, isfinite(x) ? "%.4f" : "\xE2\x80\x93", x);
}

static void put_metrics(gr_report *r, const gr_read_run *run, int head, const gr_metrics *metrics,
                        const gr_head_evaluation *ev)
{
    gr_document *d = &r->document;
    bool classes = run->best.recipe->head[head].reading.target == GR_FORM_CLASS && ev->hits;
    gr_written_table *t = gr__document_table(
        d, gr__document_text(d, "Figures%s on the validation part", of_head(r, run, head)), classes ? 3 : 2);
    if (!t->heading) return;
    t->heading[0] = "figure";
    t->heading[1] = "best";
    if (classes)
        t->heading[2] =
            gr__document_text(d, "always \xE2\x80\x9C%s\xE2\x80\x9D", class_name(r, run, head, ev->majority));
    gr__document_cell(d, t, GR_CELL_HEAD, "cost");
    put_figure(d, t, ev->cost_mean);
    if (classes) put_figure(d, t, NAN);
    gr__document_cell(d, t, GR_CELL_HEAD, "error");
    put_figure(d, t, ev->error);
    if (classes) put_figure(d, t, 1 - (double)ev->hits[ev->majority].truth / (double)GR_MAX(ev->decisions, 1));
    for (int i = 0; i < metrics->n; i++) {
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", metrics->use[i].name);
        put_figure(d, t, ev->metric[i]);
        if (classes) put_figure(d, t, ev->baseline[i]);
    }
}

static double share(int64_t part, int64_t of)
{
    return of ? (double)part / (double)of : (double)NAN;
}

static void put_classes(gr_report *r, const gr_read_run *run, int head, const gr_head_evaluation *ev)
{
    static const char *const heading[] = {"class", "precision", "recall", "F1", "samples", "predicted"};
    gr_document *d = &r->document;
    gr_written_table *t =
        gr__document_table(d, gr__document_text(d, "Class by class%s", of_head(r, run, head)), GR_COUNT(heading));
    for (size_t i = 0; i < GR_COUNT(heading) && t->heading; i++) t->heading[i] = heading[i];
    for (int k = 0; k < ev->classes; k++) {
        const gr_hits h = ev->hits[k];
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", class_name(r, run, head, k));
        put_figure(d, t, share(h.both, h.guessed));
        put_figure(d, t, share(h.both, h.truth));
        put_figure(d, t, share(2 * h.both, h.truth + h.guessed));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%lld", (long long)h.truth);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%lld", (long long)h.guessed);
    }
}

void gr__report_metrics(gr_report *r, const gr_read_run *run, const gr_engine *e, const gr_evaluation *ev)
{
    gr_document *d = &r->document;
    gr__document_words(d, "The model of best.safetensors on the %lld samples of the validation part.",
                       (long long)ev->samples);
    if (!ev->finite) {
        gr__report_miss(r, "Figures of the best model", "its outputs or its cost are not finite");
        return;
    }
    for (int h = 0; h < ev->n_heads; h++) {
        put_metrics(r, run, h, &e->metrics[h], &ev->head[h]);
        if (ev->head[h].hits && ev->head[h].classes <= MOST_CLASSES) put_classes(r, run, h, &ev->head[h]);
    }
}

/* ---- what is taken for what ---- */

typedef struct mistaken {
    int truth, answer;
    int64_t n, of;
} mistaken;

/* The most frequent first, then those of the smaller class, then as the classes stand. */
static int by_number(const void *a, const void *b)
{
    const mistaken *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    if (x->of != y->of) return x->of > y->of ? 1 : -1;
    return x->truth != y->truth ? x->truth - y->truth : x->answer - y->answer;
}

static mistaken *list_mistaken(gr_report *r, const gr_head_evaluation *ev, size_t *n)
{
    size_t k = (size_t)ev->classes;
    mistaken *all = gr__document_alloc(&r->document, sizeof *all * (k * k + 1));
    *n = 0;
    for (int a = 0; a < ev->classes && all; a++) {
        int64_t of = 0;
        for (int b = 0; b < ev->classes; b++) of += ev->confusion[(size_t)a * k + (size_t)b];
        for (int b = 0; b < ev->classes; b++) {
            int64_t count = ev->confusion[(size_t)a * k + (size_t)b];
            if (a != b && count) all[(*n)++] = (mistaken){a, b, count, of};
        }
    }
    if (all) qsort(all, *n, sizeof *all, by_number);
    return all;
}

static void put_worst(gr_report *r, const gr_read_run *run, int head, const gr_head_evaluation *ev)
{
    gr_document *d = &r->document;
    size_t n, most = ev->classes <= MOST_CLASSES ? WORST : MOST_WORST;
    const mistaken *all = list_mistaken(r, ev, &n);
    if (n == 0) gr__document_words(d, "No sample is taken for one of another class.");
    for (size_t i = 0; i < n && i < most; i++)
        gr__document_item(
            d, i < WORST,
            "\xE2\x80\x9C%s\xE2\x80\x9D is taken for \xE2\x80\x9C%s\xE2\x80\x9D %lld time%s, %.1f %% of its %lld",
            class_name(r, run, head, all[i].truth), class_name(r, run, head, all[i].answer), (long long)all[i].n,
            all[i].n == 1 ? "" : "s", 100 * share(all[i].n, all[i].of), (long long)all[i].of);
}

/* How strong the ground of a count is: by its share of the row. */
static int shade(int64_t n, int64_t of)
{
    return n ? GR_MAX(1, (int)ceil(GR_SHADES * sqrt(share(n, of)))) : 0;
}

static void put_matrix(gr_report *r, const gr_read_run *run, int head, const gr_head_evaluation *ev)
{
    gr_document *d = &r->document;
    gr_written_table *t =
        gr__document_table(d,
                           gr__document_text(d, "Confusion%s: a row a true class, a column a predicted one, counts",
                                             of_head(r, run, head)),
                           ev->classes + 1);
    if (!t->heading) return;
    t->upright = true;
    for (int b = 0; b < ev->classes; b++) t->heading[b + 1] = class_name(r, run, head, b);
    for (int a = 0; a < ev->classes; a++) {
        const int64_t *row = &ev->confusion[(int64_t)a * ev->classes];
        int64_t of = 0;
        for (int b = 0; b < ev->classes; b++) of += row[b];
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", class_name(r, run, head, a));
        for (int b = 0; b < ev->classes; b++)
            gr__document_cell(d, t, (a == b ? GR_CELL_GOOD : GR_CELL_BAD) + shade(row[b], of), "%lld",
                              (long long)row[b]);
    }
}

void gr__report_confusion(gr_report *r, const gr_read_run *run, const gr_evaluation *ev)
{
    gr_document *d = &r->document;
    for (int h = 0; h < ev->n_heads; h++) {
        const gr_head_evaluation *of = &ev->head[h];
        if (run->best.recipe->heads_named && of->confusion)
            gr__document_heading(d, "%s", run->best.recipe->head[h].name);
        if (!of->confusion) continue;
        gr__document_words(d, "The most frequent confusions on validation:");
        put_worst(r, run, h, of);
        if (of->classes <= MOST_CLASSES)
            put_matrix(r, run, h, of);
        else
            gr__document_words(d, "Of %d classes the whole table would be too large; gradus eval --json has it.",
                               of->classes);
    }
}
