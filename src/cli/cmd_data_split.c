/* gradus data split: which samples a recipe's parts have. */
#include <inttypes.h>
#include <string.h>

#include "cli/cmd_data.h"
#include "data/numbers.h"
#include "train/train.h"

typedef struct class_count {
    const char *name;
    int64_t n;
} class_count;

/* Samples of each class of a part, by its name or number; NULL, 0: the target is no class. */
static class_count *count_classes(gr_result *r, const gr_task *t, gr_part p, int *n)
{
    const gr_set *s = t->set_of[p];
    const gr_field *f = gr__set_classes(s);
    *n = f ? f->classes : 0;
    class_count *c = f ? gr__result_alloc(r, sizeof *c * (size_t)GR_MAX(*n, 1)) : NULL;
    for (int k = 0; c && k < *n; k++) c[k].name = f->class_names ? f->class_names[k] : gr__result_text(r, "%d", k);
    for (int64_t i = 0; c && i < t->rows[p].n; i++) c[((const int32_t *)f->data)[t->rows[p].row[i]]].n++;
    return c;
}

static json_t *classes_json(const class_count *c, int n)
{
    json_t *map = json_object();
    for (int k = 0; k < n; k++)
        if (json_object_set_new(map, c[k].name, json_integer(c[k].n)) != 0) return json_decref(map), NULL;
    return map;
}

static const char *shown(gr_result *r, const char *name)
{
    char text[80];
    return gr__result_text(r, "%s", gr__shown(text, sizeof text, name, strlen(name)));
}

static gr_status show_part(gr_result *r, const gr_task *t, gr_part p)
{
    enum { MOST = 20 };
    uint64_t hash;
    int n;
    const char *name = gr__part_name(p);
    gr_status st = gr__rows_hash(t->ctx, t->set_of[p], &t->rows[p], &hash);
    class_count *c = st == GR_OK ? count_classes(r, t, p, &n) : NULL;
    if (st != GR_OK || r->failed != GR_OK) return st == GR_OK ? r->failed : st;
    r->within = gr__result_text(r, "parts/%s/", name);
    gr__result_put(r, "samples=%jd", (intmax_t)t->rows[p].n);
    if (c)
        gr__result_json(r, "classes", classes_json(c, n));
    else
        gr__result_put(r, "classes");
    gr__result_put(r, "hash=%s", gr__result_text(r, "%016" PRIx64, hash));
    r->within = NULL;
    gr__result_note(r, "%-12s %lld samples  %016" PRIx64 "\n", name, (long long)t->rows[p].n, hash);
    for (int k = 0; k < n && c; k++) {
        if (k == MOST) gr__result_note(r, "  and %d more classes\n", n - MOST);
        if (k < MOST) gr__result_note(r, "  %-10s %lld\n", shown(r, c[k].name), (long long)c[k].n);
    }
    return r->failed;
}

/* Parts of the training source alone are in the manifest: a source of its own is one. */
static gr_status write_manifest(cli *c, const gr_task *t, const char *out)
{
    gr_rows parts[GR_PARTS];
    const char *names[GR_PARTS];
    int n = 0;
    for (int p = 0; p < GR_PARTS; p++) {
        if (t->set_of[p] != &t->set[GR_PART_TRAIN]) continue;
        parts[n] = t->rows[p];
        names[n++] = gr__part_name((gr_part)p);
    }
    return gr__split_manifest(c->ctx, out, &t->set[GR_PART_TRAIN], parts, names, n);
}

static gr_status split(cli *c, const gr_recipe *r, const char *out)
{
    gr_task t = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__task_open_as_split(c->ctx, r, (1u << GR_PARTS) - 1, &t));
    if (out) GR_TRY(write_manifest(c, &t, out));
    gr_result *found = cli_result(c);
    if (out) gr__result_put(found, "manifest=%s", out);
    for (int p = 0; p < GR_PARTS; p++)
        if (t.set_of[p]) GR_TRY(show_part(found, &t, (gr_part)p));
    if (out) gr__result_note(found, "manifest     %s\n", cli_shown(c, out));
    st = cli_show(c, found);
done:
    gr__task_close(&t);
    return st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const char *out = ((const cli_out *)c->options)->out;
    static const char *const endings[] = {"tsv", "txt", NULL};
    gr_status st = out ? cli_check_ending(c, out, "a table of tabs", endings) : GR_OK;
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = split(c, r, out);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OUT("FILE", "a manifest to write (tab-separated)"),
};

const cli_command cli_data_split = {
    .name = "data split",
    .usage = "RECIPE [-o FILE]",
    .summary = "Tells how many samples of which class each part has, with a hash of them",
    .help =
        "The same recipe and seed give the same parts. A part's hash is of its samples and targets, whatever their "
        "order: it tells whether two parts hold the same.\n"
        "With -o a row a sample is written: its number, its part, its label, a CRC of its bytes; of a part with a "
        "source of its own, nothing.\n\n"
        "How a recipe's `data` says it\n"
        "  source: {...}, split: auto                       the chapter's sizes: 80, 15 and 5 % of 10^4 samples, 95, "
        "4 and 1 % of 10^6,\n"
        "                                                   99, 0.9 and 0.1 % of 10^8; between them by our "
        "interpolation\n"
        "  source: {...}, split: {validation: 0.15, test: 0.05}\n"
        "  train: {...}, validation: {split: 0.1}           cut from the training data\n"
        "  split: {validation: 0.1, group: patient}         samples of equal `patient` stay together\n"
        "  split: {validation: 0.1, order: day}             the latest are validated with; `order: file`: the last "
        "in the file\n"
        "Parts are stratified by class unless cut by group or order: each class keeps its share within one.\n\n"
        "Example\n  gradus data split recipes/fashion.yaml -o split.tsv\n",
    CLI_OPTIONS(cli_out, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
