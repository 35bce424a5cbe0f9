/* gradus lab: the chapter's figures, computed anew, as CSV and SVG, with theory beside measurement. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/cli.h"
#include "study/advice/advice.h"
#include "study/lab/lab.h"

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

/* ---- the files of a figure ---- */

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

typedef struct output {
    cli *c;
    gr_result *r;
    const char *folder;
    gr__text text;
    const char **path; /* of what was written */
    size_t n, capacity;
} output;

static void write_file(output *o, const char *name, const char *suffix, gr_status st)
{
    if (st == GR_OK && o->r->failed == GR_OK) {
        const char *path =
            gr__result_text(o->r, "%s/%s%s%s.%s", o->folder, o->r->name, name ? "-" : "", name ? name : "", suffix);
        st = gr__file_write(o->c->ctx, path, o->text.s ? o->text.s : "", o->text.n);
        if (st == GR_OK) gr__result_note(o->r, "%s\n", cli_shown(o->c, path));
        if (st == GR_OK && !GR_ROOM(o->c->ctx, o->path, o->capacity, o->n + 1)) st = GR_E_MEMORY;
        if (st == GR_OK) o->path[o->n++] = path;
    }
    gr__result_fail(o->r, st);
    gr__text_free(&o->text);
}

static void write_all(output *o)
{
    gr_result *r = o->r;
    const gr_table claims = {.columns = claim_columns,
                             .n_columns = (int)GR_COUNT(claim_columns),
                             .rows = r->finding,
                             .n = (size_t)r->n_findings,
                             .row_bytes = sizeof *r->finding};
    gr__result_fail(r, gr__make_folder(o->c->ctx, o->folder));
    gr__text_init(&o->text, o->c->ctx);
    for (const gr_table *t = r->tables; t; t = t->next) write_file(o, t->name, "csv", gr__table_csv(t, &o->text));
    write_file(o, "theory", "csv", gr__table_csv(&claims, &o->text));
    for (const gr_drawing *d = r->drawings; d; d = d->next) {
        write_file(o, d->name, "svg", gr__drawing_svg(o->c->ctx, d, &o->text));
        if (d->dag) write_file(o, d->name, "dot", gr__dag_dot(d->dag, &o->text));
    }
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
        if (isnan(k->predicted))
            snprintf(theory, sizeof theory, "%.3g..%.3g", k->low, k->high);
        else
            snprintf(theory, sizeof theory, "%.6g", k->predicted);
        if (!isnan(k->predicted)) snprintf(off, sizeof off, "%.1e", gr__claim_error(k));
        gr__result_note(r, "%12s %12.6g %9s  %-5s %s\n", theory, k->figure, off,
                        k->verdict == GR_VERDICT_OK ? "ok" : "WRONG", k->message);
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
    const char *folder = ((const cli_out *)c->options)->out;
    gr_result *r = &lab->result;
    const gr_finding *first;
    output o = {.c = c, .r = r, .folder = folder ? folder : "lab"};
    write_all(&o);
    gr__result_put(r, "figure=%s title=%s seed=%jd", r->name, lab->figure->head.title, (int64_t)lab->seed);
    gr__result_list(r, "files", (gr_list){.text = o.path, .n = o.n});
    GR_TABLE(r, "claims", claim_columns, r->finding, r->n_findings);
    gr__result_put(r, "holds=%u", gr__findings_failed(r->finding, r->n_findings, &first) == 0);
    note_claims(r, &lab->figure->head);
    gr_status st = cli_show(c, r);
    gr__free(c->ctx, o.path, o.capacity * sizeof *o.path);
    return st == GR_OK ? conclude(c, r) : st;
}

static gr_status run(cli *c)
{
    gr_lab *lab = NULL;
    gr_status st = GR_OK;
    if (c->n_arguments == 0) return list(c);
    gr_tree *given = gr__tree_map(c->memory);
    if (!given) return GR_E_MEMORY;
    for (int i = 0; i < c->sets.n; i++) GR_TRY(gr__recipe_set(c->ctx, c->memory, given, c->sets.at[i]));
    GR_TRY(gr__lab_open(c->ctx, c->argument[0], given, &lab));
    if (lab->threads) GR_TRY(gr_context_configure(c->ctx, lab->threads, 0));
    GR_TRY(gr__lab_run(lab));
    st = show(c, lab);
done:
    gr__lab_close(c->ctx, lab);
    return st;
}

static const cli_option rows[] = {
    CLI_OUT("DIR",
            "the folder to write to, made if need be; files of the same figure in it are replaced; lab unless given"),
};

GR_COMMAND(lab) = {
    .name = "lab",
    .place = 11,
    .usage = "[NAME] [--out DIR]",
    .summary = "The chapter's figures computed anew: CSV, SVG, theory beside measurement",
    .help = "The chapter is " GR_CHAPTER
            ".\n\nWithout a name: the list. With one: NAME.csv, NAME.svg and their companions in DIR, and a line for "
            "everything that theory predicts of them; exit code 1\n"
            "when a measurement is not as predicted. gradus explain NAME says what a figure computes and what "
            "--set may change. The same seed gives the same bytes.\n\n"
            "Examples\n  gradus lab fig4.8\n  gradus lab fig4.8 --set condition=400 --out figures\n",
    CLI_OPTIONS(cli_out, rows),
    .max_arguments = 1,
    .run = run};
