/* gradus lab: the chapter's figures, computed anew, as CSV and SVG, with theory beside measurement. */
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "study/advice/advice.h"
#include "study/lab/lab.h"

typedef struct lab_options {
    const char *out;
    bool quick;
} lab_options;

static gr_status list(cli *c)
{
    static const gr_column columns[] = {
        GR_COLUMN(gr_member, name, TEXT, "name", GR_SHOWN("", -12)),
        GR_COLUMN(gr_member, title, TEXT, "title", GR_SHOWN("", 0)),
        GR_COLUMN(gr_member, cite, TEXT, "cite"),
    };
    gr_result *r = cli_result(c);
    const gr_family *f = &gr__family_figure;
    gr_member *heads = gr__result_alloc(r, sizeof *heads * (size_t)(f->n + 1));
    for (int i = 0; i < f->n && heads; i++) heads[i] = *f->head[i];
    GR_TABLE(r, "figures", columns, heads, f->n);
    return cli_list(c, r);
}

/* ---- claims ---- */

static double error(const void *claim)
{
    return gr__claim_error(claim);
}

static double holds(const void *claim)
{
    return gr__claim_holds(claim);
}

static const gr_column claim_columns[] = {
    GR_COLUMN(gr_finding, message, CHARS, "quantity"),
    GR_COLUMN(gr_finding, predicted, REAL, "predicted"),
    GR_COLUMN(gr_finding, figure, REAL, "measured"),
    GR_COLUMN(gr_finding, figure, REAL, "relative_error", .number = error),
    GR_COLUMN(gr_finding, low, REAL, "low"),
    GR_COLUMN(gr_finding, high, REAL, "high"),
    GR_COLUMN(gr_finding, verdict, TRUTH, "holds", .number = holds),
};

static gr_list write_all(cli *c, gr_result *r, const char *folder)
{
    const gr_table claims = {.name = "theory",
                             .columns = claim_columns,
                             .n_columns = (int)GR_COUNT(claim_columns),
                             .rows = r->finding,
                             .n = (size_t)r->n_findings,
                             .row_bytes = sizeof *r->finding};
    return cli_write_files(c, r, folder, &claims);
}

/* ---- what is printed ---- */

static void note_claims(gr_result *r, const gr_member *m)
{
    gr__result_note(r, "\n%s: %s\n", m->name, m->title);
    cli_lines(r, "    ", m->equations);
    gr__result_note(r, "\n%12s %12s %9s\n", "theory", "measured", "error");
    for (int i = 0; i < r->n_findings; i++) {
        const gr_finding *k = &r->finding[i];
        char theory[64], off[32] = "";
        bool told = isinf(k->low) && isinf(k->high); /* no theory bounds it */
        if (told)
            snprintf(theory, sizeof theory, "-");
        else if (isnan(k->predicted))
            snprintf(theory, sizeof theory, "%.3g..%.3g", k->low, k->high);
        else
            snprintf(theory, sizeof theory, "%.6g", k->predicted);
        if (!isnan(k->predicted)) snprintf(off, sizeof off, "%.1e", gr__claim_error(k));
        gr__result_note(r, "%12s %12.6g %9s  %-5s %s\n", theory, k->figure, off,
                        told                          ? "-"
                        : k->verdict == GR_VERDICT_OK ? "ok"
                                                      : "WRONG",
                        k->message);
    }
}

static gr_status conclude(cli *c, const gr_result *r)
{
    const gr_finding *first;
    int wrong = gr__findings_failed(r->finding, r->n_findings, &first);
    return wrong ? gr__fail(c->ctx, GR_E_CHECK, "%d of %d measurements of %s are not as predicted, the first: %s",
                            wrong, r->n_findings, r->name, first->message)
                 : GR_OK;
}

/* ---- a figure ---- */

static gr_status show(cli *c, gr_lab *lab)
{
    const char *folder = ((const lab_options *)c->options)->out;
    gr_result *r = &lab->result;
    const gr_finding *first;
    gr_list files = write_all(c, r, folder ? folder : "lab");
    gr__result_put(r, "figure=%s title=%s seed=%jd", r->name, lab->figure->head.title, (int64_t)lab->seed);
    gr__result_list(r, "files", files);
    GR_TABLE(r, "claims", claim_columns, r->finding, r->n_findings);
    gr__result_put(r, "holds=%u", gr__findings_failed(r->finding, r->n_findings, &first) == 0);
    note_claims(r, &lab->figure->head);
    gr_status st = cli_show(c, r);
    return st == GR_OK ? conclude(c, r) : st;
}

static gr_status run(cli *c)
{
    gr_lab *lab = NULL;
    gr_status st = GR_OK;
    if (c->n_arguments == 0) return list(c);
    gr_tree *given = gr__tree_map(c->memory);
    if (!given) return GR_E_MEMORY;
    for (int i = 0; i < c->sets.n; i++) GR_TRY(gr__recipe_set(c->ctx, c->memory, given, "--set", c->sets.at[i]));
    GR_TRY(gr__lab_open(c->ctx, c->argument[0], given, ((const lab_options *)c->options)->quick, &lab));
    if (lab->threads) GR_TRY(gr_context_configure(c->ctx, lab->threads, 0));
    GR_TRY(gr__lab_run(lab));
    st = show(c, lab);
done:
    gr__lab_close(c->ctx, lab);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(lab_options, out, TEXT, "out", "DIR",
               "the folder to write to, made if need be; files of the same figure in it are replaced; lab unless given",
               .letter = 'o'),
    CLI_OPTION(lab_options, quick, SWITCH, "quick", NULL,
               "fewer samples, seeds or updates, for less than a minute on two processors; what --set gives holds"),
};

GR_COMMAND(lab) = {
    .name = "lab",
    .place = 28,
    .usage = "[NAME] [--quick] [--out DIR]",
    .summary = "The chapter's figures computed anew: CSV, SVG, theory beside measurement",
    .help = "The chapter is " GR_CHAPTER
            ".\n\nWithout a name: the list. With one: NAME.csv, NAME.svg and their companions in DIR, and a line for "
            "everything that theory predicts of them; exit code 1\n"
            "when a measurement is not as predicted. gradus explain NAME says what a figure computes and what "
            "--set may change. The same seed gives the same bytes.\n\n"
            "Examples\n  gradus lab fig4.8\n  gradus lab fig4.8 --set condition=400 --out figures\n  gradus lab fig4.3 "
            "--quick\n",
    CLI_OPTIONS(lab_options, rows),
    .max_arguments = 1,
    .run = run};
