/* gradus data split: the manifest of a recipe's parts. */
#include <string.h>

#include "cli/cli.h"
#include "train/train.h"

static gr_status write_manifest(cli *c, const gr_recipe *r, const char *out)
{
    gr_task t = {0};
    gr_rows parts[GR_PARTS];
    const char *names[GR_PARTS];
    int n = 0;
    gr_status st = GR_OK;
    GR_TRY(gr__task_open_as_split(c->ctx, r, (1u << GR_PARTS) - 1, &t));
    for (int p = 0; p < GR_PARTS; p++) { /* parts of the training source; a source of its own is its own manifest */
        if (t.set_of[p] != &t.set[GR_PART_TRAIN]) continue;
        parts[n] = t.rows[p];
        names[n++] = gr__part_name((gr_part)p);
    }
    GR_TRY(gr__split_manifest(c->ctx, out, &t.set[GR_PART_TRAIN], parts, names, n));
    gr_result *found = cli_result(c);
    gr__result_put(found, "manifest=%s", out);
    for (int i = 0; i < n; i++) {
        gr__result_member(found, names[i], GR_CELL_WHOLE, &parts[i].n, sizeof parts[i].n);
        gr__result_note(found, "%-12s %lld samples\n", names[i], (long long)parts[i].n);
    }
    gr__result_note(found, "manifest     %s\n", cli_shown(c, out));
    st = cli_show(c, found);
done:
    gr__task_close(&t);
    return st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const char *out = ((const cli_out *)c->options)->out;
    if (strcmp(c->argument[0], "split") != 0) {
        gr__fail(c->ctx, GR_E_NAME, "data: there is no %s", c->argument[0]);
        gr__error_hint(c->ctx, "usage: gradus data %s", c->command->usage);
        return GR_E_NAME;
    }
    if (!out) return gr__fail(c->ctx, GR_E_USAGE, "data split: where to? -o FILE is missing");
    static const char *const endings[] = {"tsv", "txt", NULL};
    gr_status st = cli_check_ending(c, out, "a table of tabs", endings);
    if (st == GR_OK) st = cli_recipe(c, c->argument[1], &r);
    if (st != GR_OK) return st;
    st = write_manifest(c, r, out);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OUT("FILE", "the manifest to write (tab-separated)"),
};

GR_COMMAND(data) = {.name = "data",
                    .place = 10,
                    .usage = "split RECIPE -o FILE",
                    .summary = "Writes which sample is in which part, with a hash of each",
                    .help = "A row a sample: its number, its part, its label, a CRC of its bytes. The same "
                            "recipe and seed give the same parts.\n"
                            "Stratified parts keep each class within one of its share; a class too small "
                            "for one is told.\n\n"
                            "Example\n  gradus data split recipes/fashion.yaml -o split.tsv\n",
                    CLI_OPTIONS(cli_out, rows),
                    .min_arguments = 2,
                    .max_arguments = 2,
                    .run = run};
