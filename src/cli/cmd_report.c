/* gradus report: a run, or several, as one page of HTML. */
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "study/report/report.h"
#include "study/tune/page.h"

static gr_status check_options(cli *c, const cli_out *o)
{
    static const char *const endings[] = {"html", "htm", NULL};
    for (int i = 0; i < c->sets.n; i++)
        if (strncmp(c->sets.at[i], "threads=", 8) != 0)
            return gr__fail(c->ctx, GR_E_USAGE, "--set %s: report shows what is there; only --threads can be set",
                            c->sets.at[i]);
    return o->out ? cli_check_ending(c, o->out, "a page of HTML", endings) : GR_OK;
}

/* 0: none given. */
static gr_status read_threads(cli *c, int *threads)
{
    double n = 0;
    for (int i = 0; i < c->sets.n; i++)
        if (!gr__parse_number(c->sets.at[i] + strlen("threads="), &n) || n < 1 || n > 1024)
            return gr__fail(c->ctx, GR_E_USAGE, "--%s: threads are 1 to 1024", c->sets.at[i]);
    *threads = (int)n;
    return GR_OK;
}

static gr_status write_page(cli *c, const gr_document *d, const char *path, size_t *bytes)
{
    gr__text t;
    gr__text_init(&t, c->ctx);
    gr_status st = gr__document_html(d, &t);
    if (st == GR_OK) st = gr__file_write(c->ctx, path, t.s, t.n);
    *bytes = t.n;
    gr__text_free(&t);
    return st;
}

static gr_status show(cli *c, const gr_report *r, const char *path)
{
    size_t bytes;
    char size[32];
    gr_status st = write_page(c, &r->document, path, &bytes);
    if (st != GR_OK) return st;
    gr__size_text(bytes, size, sizeof size);
    gr_result *out = cli_result(c);
    const char **label = gr__result_alloc(out, sizeof *label * (size_t)r->n_runs);
    for (int i = 0; i < r->n_runs && label; i++) label[i] = r->run[i].label;
    gr__result_put(out, "file=%s bytes=%jd", path, (intmax_t)bytes);
    gr__result_list(out, "runs", (gr_list){.text = label, .n = label ? (size_t)r->n_runs : 0});
    gr__result_list(out, "missing", (gr_list){.text = r->missing, .n = (size_t)r->n_missing});
    for (int i = 0; i < r->n_missing; i++) gr__result_note(out, "not shown: %s\n", cli_shown(c, r->missing[i]));
    gr__result_note(out, "%s: %s\n", cli_shown(c, path), size);
    return cli_show(c, out);
}

/* ---- a study ---- */

/* FILE.db becomes FILE.html beside it. */
static char *study_path(cli *c, const char *study)
{
    const char *dot = strrchr(study, '.');
    size_t n = dot && !strchr(dot, '/') && dot != study ? (size_t)(dot - study) : strlen(study);
    return gr__format(c->ctx, "%.*s.html", (int)n, study);
}

static gr_status report_study(cli *c, const cli_out *o)
{
    gr_study_page p;
    size_t bytes = 0;
    char size[32], *path = o->out ? gr__strdup(c->ctx, o->out) : study_path(c, c->argument[0]);
    gr_status st = path ? gr__study_page_make(c->ctx, c->argument[0], &p) : GR_E_MEMORY;
    if (!path) return st;
    if (st == GR_OK) st = write_page(c, &p.document, path, &bytes);
    if (st == GR_OK) {
        gr_result *out = cli_result(c);
        gr__size_text(bytes, size, sizeof size);
        gr__result_put(out, "file=%s bytes=%jd study=%s trials=%d", path, (intmax_t)bytes, c->argument[0], p.trials);
        gr__result_note(out, "%s: %s\n", cli_shown(c, path), size);
        st = cli_show(c, out);
    }
    gr__study_page_close(&p);
    gr__strfree(c->ctx, path);
    return st;
}

/* ---- either ---- */

static gr_status run(cli *c)
{
    const cli_out *o = c->options;
    gr_report r = {0};
    cli_view v = cli_view_make(c->quiet || c->json);
    gr_report_options how = {.stop = &cli_stop, .watch = cli_view_watch(&v)};
    gr_status st = check_options(c, o);
    char *path = NULL;
    if (st == GR_OK) st = read_threads(c, &how.threads);
    for (int i = 0; i < c->n_arguments && st == GR_OK && c->n_arguments > 1; i++)
        if (gr__study_is_one(c->argument[i]))
            st =
                gr__fail(c->ctx, GR_E_USAGE, "report %s: a study has a page of its own; name it alone", c->argument[i]);
    if (st != GR_OK) return st;
    if (gr__study_is_one(c->argument[0])) return report_study(c, o);
    path = o->out ? gr__strdup(c->ctx, o->out) : gr__path_join(c->ctx, c->argument[0], "report.html");
    if (!path) return gr__error_code(c->ctx);
    cli_catch_signals();
    st = gr__report_make(c->ctx, c->argument, c->n_arguments, &how, &r);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) st = gr__fail(c->ctx, st, "interrupted");
    if (st == GR_OK) st = show(c, &r, path);
    gr__report_close(&r);
    gr__strfree(c->ctx, path);
    return st;
}

static const cli_option rows[] = {
    CLI_OUT("FILE", "the page to write, .html; report.html in the (first) run's folder unless given"),
};

GR_COMMAND(report) = {
    .name = "report",
    .place = 16,
    .usage = "RUN [RUN...] | FILE.db [-o FILE.html]",
    .summary = "A run, or several side by side, as one page of HTML that needs nothing else",
    .help =
        "The page opens offline, runs no script, asks for nothing from elsewhere, is light or dark as its reader has "
        "it, "
        "and prints.\n"
        "Of one run: how it went, curves, the best model on its validation part (figures beside those of always the "
        "same "
        "class, class by class, what is taken for what, the\n"
        "costliest mistakes as pictures, rows or text), activations, weights and first filters, memory over an update, "
        "kernels by predicted time, the data, the recipe with what\n"
        "differs from the defaults marked. Of several: what differs between their recipes, a table of results, curves "
        "laid over each other, figures and confusion of each.\n\n"
        "Figures are those of result.json and metrics.jsonl; the model is run once more over its validation part. The "
        "test part is not looked at. A run that was killed, has diverged or\n"
        "lost its data has a page too, which says what is missing. What check or diagnose found is shown where it is "
        "kept in the run's folder, as check.json and diagnose.json.\n\n"
        "Of a study of gradus tune: the history of its trials, their curves, what mattered, parallel coordinates, "
        "every key "
        "by itself, and the trials in a table.\n\n"
        "Examples\n"
        "  gradus report runs/digits\n"
        "  gradus report runs/r-tune/study.db\n"
        "  gradus report runs/a runs/b -o both.html\n"
        "  gradus check runs/digits/recipe.yaml --json > runs/digits/check.json\n",
    CLI_OPTIONS(cli_out, rows),
    .min_arguments = 1,
    .max_arguments = GR_REPORT_RUNS,
    .run = run};
