/* A report, part by part. */
#include "study/report/report.h"

#include <math.h>
#include <string.h>

#include "study/report/curves.h"
#include "study/report/parts.h"

enum { MOST_THREADS = 1024 };

void gr__report_watch(const gr_report *r, const char *what, double share)
{
    gr__watch(r->options->watch, what, share);
}

void gr__report_miss(gr_report *r, const char *what, const char *why)
{
    const char **list = gr__document_alloc(&r->document, sizeof *list * (size_t)(r->n_missing + 1));
    if (!list || !why) {
        if (r->document.failed == GR_OK) r->document.failed = GR_E_MEMORY;
        return;
    }
    gr__document_missing(&r->document, "%s cannot be shown: %s", what, why);
    if (r->n_missing) memcpy(list, r->missing, sizeof *list * (size_t)r->n_missing);
    list[r->n_missing++] = gr__document_text(&r->document, "%s: %s", what, why);
    r->missing = list;
}

gr_status gr__report_survive(gr_report *r, const char *what, gr_status st)
{
    if (st == GR_OK || st == GR_E_MEMORY || st == GR_E_INTERRUPTED || st == GR_E_INTERNAL) return st;
    const char *why = gr__report_why(r->ctx, r->memory);
    if (!why) return GR_E_MEMORY;
    gr__report_miss(r, what, why);
    return GR_OK;
}

/* ---- curves ---- */

static gr_status put_curves(gr_report *r)
{
    const gr_curves_options o = {
        .x = "step", .unit = "updates", .fitting = true, .means = true, .norm = true, .width = 480, .height = 330};
    gr_curves_of of[GR_REPORT_RUNS];
    gr_plot *plots;
    int n;
    for (int i = 0; i < r->n_runs; i++)
        of[i] = (gr_curves_of){r->run[i].label, &r->run[i].history, gr__run_number(&r->run[i], "best/step")};
    gr_status st = gr__curves(r->document.memory, of, r->n_runs, &o, &plots, &n);
    if (st != GR_OK) return st;
    gr__document_section(&r->document, "curves", "Curves");
    if (n == 0) gr__report_miss(r, "Curves", "no line of metrics.jsonl has a number");
    for (int i = 0; i < n; i++) gr__document_plot(&r->document, &plots[i], false);
    return GR_OK;
}

/* ---- one run, several ---- */

static gr_status put_one(gr_report *r)
{
    gr_read_run *run = &r->run[0];
    gr_document *d = &r->document;
    gr_status st = GR_OK;
    gr__report_verdict(r, run, true);
    gr__document_section(d, "summary", "Summary");
    gr__report_terms(r, run);
    GR_TRY(gr__report_baselines(r, run));
    GR_TRY(gr__report_findings(r, run));
    GR_TRY(put_curves(r));
    GR_TRY(gr__report_judged(r, run, true));
    GR_TRY(gr__report_machine(r, run));
    GR_TRY(gr__report_recipe(r, run));
    gr__document_section(d, "environment", "Environment");
    gr__report_environment(r, run);
done:
    return st;
}

static gr_status put_several(gr_report *r)
{
    gr_document *d = &r->document;
    gr_status st = GR_OK;
    GR_TRY(gr__report_differences(r));
    gr__document_section(d, "results", "Results");
    gr__report_results(r);
    GR_TRY(put_curves(r));
    for (int i = 0; i < r->n_runs; i++) {
        gr__document_section(d, gr__document_text(d, "run%d", i + 1), r->run[i].label);
        gr__report_verdict(r, &r->run[i], false);
        GR_TRY(gr__report_baselines(r, &r->run[i]));
        GR_TRY(gr__report_judged(r, &r->run[i], false));
        gr__document_heading(d, "Environment");
        gr__report_environment(r, &r->run[i]);
    }
done:
    return st;
}

static const char *title_of(gr_report *r)
{
    const char *all = "Runs ";
    const gr_recipe *recipe = r->run[0].recipe;
    if (r->n_runs == 1) return recipe ? recipe->name : r->run[0].label;
    for (int i = 0; i < r->n_runs && all; i++)
        all = gr__bump_format(r->memory, "%s%s%s", all, i ? ", " : "", r->run[i].label);
    return all;
}

gr_status gr__report_make(gr_context *ctx, const char *const *folders, int n, const gr_report_options *o, gr_report *r)
{
    const char *label[GR_REPORT_RUNS];
    gr_status st = GR_OK;
    *r = (gr_report){.ctx = ctx, .options = o, .memory = gr__bump_create(ctx)};
    if (!r->memory) return GR_E_MEMORY;
    GR_TRY(gr__runs_label(ctx, r->memory, folders, n, label));
    for (; r->n_runs < n; r->n_runs++)
        GR_TRY(gr__run_read(ctx, r->memory, folders[r->n_runs], label[r->n_runs], &r->run[r->n_runs]));
    double threads = o->threads ? o->threads : gr__run_number(&r->run[0], "environment/threads");
    if (threads >= 1 && threads <= MOST_THREADS) GR_TRY(gr_context_configure(ctx, (int)threads, 0));
    const char *title = title_of(r);
    GR_TRY(title ? gr__document_open(ctx, title, &r->document) : GR_E_MEMORY);
    GR_TRY(n == 1 ? put_one(r) : put_several(r));
    st = r->document.failed;
done:
    if (st != GR_OK) gr__report_close(r);
    return st;
}

void gr__report_close(gr_report *r)
{
    gr__document_close(&r->document);
    for (size_t i = 0; i < GR_COUNT(r->sheet); i++) gr__sheet_close(&r->sheet[i]);
    for (int i = 0; i < GR_REPORT_RUNS && r->ctx; i++) gr__run_forget(r->ctx, &r->run[i]);
    gr__bump_destroy(r->memory);
    *r = (gr_report){0};
}
