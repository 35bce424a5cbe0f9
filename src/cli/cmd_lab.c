/* gradus lab: the chapter's figures, computed anew, as CSV and SVG, with theory beside measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "report/figure.h"
#include "study/advice.h"

static gr_status answer(cli *c, json_t *o)
{
    gr_status printed = cli_json(c, o);
    if (printed != GR_OK) return printed;
    c->answered = true;
    return GR_OK;
}

/* ---- the list ---- */

static gr_status list(cli *c)
{
    int n;
    const gr_figure *const *all = gr__figures(&n);
    json_t *names = json_array();
    for (int i = 0; i < n; i++) {
        const gr_member *m = &all[i]->head;
        if (c->json)
            json_array_append_new(names,
                                  json_pack("{s:s, s:s, s:s}", "name", m->name, "title", m->title, "cite", m->cite));
        else
            printf("%-12s %s\n", m->name, m->title);
    }
    if (c->json) return answer(c, json_pack("{s:o}", "figures", names));
    json_decref(names);
    return GR_OK;
}

/* ---- the files of a figure ---- */

typedef struct output {
    cli *c;
    const gr_lab *lab;
    const char *folder;
    gr__text text;
    json_t *files;
} output;

static gr_status write_file(output *o, const char *name, const char *suffix, gr_status st)
{
    cli *c = o->c;
    const char *path = NULL;
    if (st == GR_OK) {
        path = gr__bump_format(c->memory, "%s/%s%s%s.%s", o->folder, o->lab->figure->head.name, name ? "-" : "",
                               name ? name : "", suffix);
        st = path ? gr__file_write(c->ctx, path, o->text.s ? o->text.s : "", o->text.n) : GR_E_MEMORY;
    }
    if (st == GR_OK) {
        json_array_append_new(o->files, cli_text(path));
        if (!c->json && !c->quiet) printf("%s\n", cli_shown(c, path));
    }
    gr__text_free(&o->text);
    gr__text_init(&o->text, c->ctx);
    return st;
}

static gr_status write_all(output *o)
{
    const gr_lab *lab = o->lab;
    gr_status st = gr__make_folder(o->c->ctx, o->folder);
    gr__text_init(&o->text, o->c->ctx);
    for (int i = 0; i < lab->n_tables && st == GR_OK; i++)
        st = write_file(o, lab->table[i].name, "csv", gr__table_csv(&lab->table[i], &o->text));
    if (st == GR_OK) st = write_file(o, "theory", "csv", gr__claims_csv(lab->claim, lab->n_claims, &o->text));
    for (int i = 0; i < lab->n_panels && st == GR_OK; i++) {
        st = write_file(o, lab->panel[i].name, "svg", gr__panel_svg(lab, i, &o->text));
        if (st == GR_OK && lab->panel[i].dag.nodes)
            st = write_file(o, lab->panel[i].name, "dot", gr__panel_dot(lab, i, &o->text));
    }
    gr__text_free(&o->text);
    return st;
}

/* ---- what is printed ---- */

static void print_claims(const gr_lab *lab)
{
    const gr_member *m = &lab->figure->head;
    printf("\n%s: %s\n", m->name, m->title);
    for (const char *line = m->equations; *line;) {
        size_t n = strcspn(line, "\n");
        printf("    %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    printf("\n%12s %12s %9s        \n", "theory", "measured", "error");
    for (int i = 0; i < lab->n_claims; i++) {
        const gr_claim *k = &lab->claim[i];
        char theory[64], error[32] = "";
        if (isnan(k->predicted))
            snprintf(theory, sizeof theory, "%.3g..%.3g", k->low, k->high);
        else
            snprintf(theory, sizeof theory, "%.6g", k->predicted);
        if (!isnan(k->predicted)) snprintf(error, sizeof error, "%.1e", gr__claim_error(k));
        printf("%12s %12.6g %9s  %-5s %s\n", theory, k->measured, error, gr__claim_holds(k) ? "ok" : "WRONG",
               k->quantity);
    }
}

static json_t *claims_json(const gr_lab *lab)
{
    json_t *list = json_array();
    for (int i = 0; i < lab->n_claims; i++) {
        const gr_claim *k = &lab->claim[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "quantity", k->quantity,
                                              "predicted", cli_real(k->predicted), "measured", cli_real(k->measured),
                                              "relative_error", cli_real(gr__claim_error(k)), "low", cli_real(k->low),
                                              "high", cli_real(k->high), "holds", gr__claim_holds(k)));
    }
    return list;
}

static gr_status conclude(cli *c, const gr_lab *lab)
{
    int wrong = 0;
    const char *first = "";
    for (int i = lab->n_claims - 1; i >= 0; i--)
        if (!gr__claim_holds(&lab->claim[i])) wrong++, first = lab->claim[i].quantity;
    return wrong ? gr__fail(c->ctx, GR_E_CHECK, "%d of %d measurements of %s are not as predicted, the first: %s",
                            wrong, lab->n_claims, lab->figure->head.name, first)
                 : GR_OK;
}

/* ---- a figure ---- */

static gr_status show(cli *c, const gr_lab *lab)
{
    const char *folder = cli_value(c, "out");
    output o = {.c = c, .lab = lab, .folder = folder ? folder : "lab", .files = json_array()};
    gr_status st = write_all(&o);
    gr_status verdict = st == GR_OK ? conclude(c, lab) : st;
    if (st == GR_OK && c->json)
        st = answer(c, json_pack("{s:s, s:s, s:I, s:O, s:o, s:b}", "figure", lab->figure->head.name, "title",
                                 lab->figure->head.title, "seed", (json_int_t)lab->seed, "files", o.files, "claims",
                                 claims_json(lab), "holds", verdict == GR_OK));
    else if (st == GR_OK && !c->quiet)
        print_claims(lab);
    json_decref(o.files);
    return st == GR_OK ? verdict : st;
}

static gr_status run(cli *c)
{
    gr_lab *lab = NULL;
    gr_status st = GR_OK;
    if (c->n_arguments == 0) return list(c);
    gr_tree *given = gr__tree_map(c->memory);
    if (!given) return GR_E_MEMORY;
    for (int i = 0; i < c->n_sets; i++) GR_TRY(gr__recipe_set(c->ctx, c->memory, given, c->set[i]));
    GR_TRY(gr__lab_open(c->ctx, c->argument[0], given, &lab));
    if (lab->threads) GR_TRY(gr_context_configure(c->ctx, lab->threads, 0));
    GR_TRY(gr__lab_run(lab));
    st = show(c, lab);
done:
    gr__lab_close(c->ctx, lab);
    return st;
}

static const cli_flag flags[] = {
    {"out", "DIR",
     "the folder to write to, made if need be; files of the same figure in it are replaced; lab unless given", 'o'},
    {0}};

const cli_command cmd_lab = {
    .name = "lab",
    .usage = "[NAME] [--out DIR]",
    .summary = "The chapter's figures computed anew: CSV, SVG, theory beside measurement",
    .help = "The chapter is " GR_CHAPTER
            ".\n\nWithout a name: the list. With one: NAME.csv, NAME.svg and their companions in DIR, and a line for "
            "everything that theory predicts of them; exit code 1\n"
            "when a measurement is not as predicted. gradus explain NAME says what a figure computes and what "
            "--set may change. The same seed gives the same bytes.\n\n"
            "Examples\n  gradus lab fig4.8\n  gradus lab fig4.8 --set condition=400 --out figures\n",
    .flags = flags,
    .max_arguments = 1,
    .run = run};
