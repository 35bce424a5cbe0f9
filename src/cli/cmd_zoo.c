/* gradus zoo: the recipes that come with the command. gradus new: a recipe to start from. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "model/network.h"
#include "model/zoo.h"

static gr_status find(cli *c, const char *name, const gr_zoo_recipe **out)
{
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    const char *names[256];
    *out = gr__zoo_find(name);
    if (*out) return GR_OK;
    for (int i = 0; i < n && i < 256; i++) names[i] = zoo[i].name;
    const char *near = gr__nearest(name, names, (size_t)GR_MIN(n, 256));
    gr__fail(c->ctx, GR_E_NAME, "the zoo has no %s", name);
    if (near)
        gr__error_hint(c->ctx, "did you mean %s?", near);
    else
        gr__error_hint(c->ctx, "gradus zoo lists it");
    return GR_E_NAME;
}

static gr_status parameters(cli *c, const gr_zoo_recipe *z, int64_t *count)
{
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_status st = gr__recipe_from_text(c->ctx, z->name, ".", z->text, strlen(z->text), NULL, 0, &r);
    if (st == GR_OK) st = gr__network_make(c->ctx, r, NULL, &network);
    if (st == GR_OK) *count = gr__network_parameter_count(network);
    gr__network_destroy(network);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static gr_status show(cli *c, const gr_zoo_recipe *z, bool whole)
{
    int64_t count;
    gr_status st = parameters(c, z, &count);
    if (st != GR_OK) return st;
    if (c->json) {
        json_t *o = json_pack("{s:s, s:s, s:I}", "name", z->name, "title", z->title, "parameters", (json_int_t)count);
        if (whole) json_object_set_new(o, "recipe", json_string(z->text));
        gr_status printed = cli_json(c, o);
        if (printed != GR_OK) return printed;
    } else if (whole) {
        printf("# %lld parameters\n%s", (long long)count, z->text);
    } else {
        printf("%-14s %10lld parameters  %s\n", z->name, (long long)count, z->title);
    }
    return GR_OK;
}

static gr_status run_zoo(cli *c)
{
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n), *one;
    gr_status st = GR_OK;
    if (c->n_arguments == 1) {
        st = find(c, c->argument[0], &one);
        return st == GR_OK ? show(c, one, true) : st;
    }
    for (int i = 0; i < n && st == GR_OK; i++) st = show(c, &zoo[i], false);
    return st;
}

static gr_status run_new(cli *c)
{
    const gr_zoo_recipe *z;
    const char *from = cli_value(c, "from"), *out = cli_value(c, "out");
    if (!from || !out) {
        gr__fail(c->ctx, GR_E_USAGE, "new: --from ZOO and -o FILE are needed");
        gr__error_hint(c->ctx, "gradus new --from simple-cnn -o my.yaml; gradus zoo lists what there is");
        return GR_E_USAGE;
    }
    static const char *const endings[] = {"yaml", "yml", NULL};
    gr_status st = find(c, from, &z);
    if (st == GR_OK) st = cli_check_ending(c, out, "a recipe in YAML", endings);
    if (st != GR_OK) return st;
    if (gr__file_exists(out)) return gr__fail(c->ctx, GR_E_EXISTS, "%s exists already", out);
    st = gr__file_write(c->ctx, out, z->text, strlen(z->text));
    if (st == GR_OK && c->json)
        st = cli_json(c, json_pack("{s:o}", "recipe", cli_text(out)));
    else if (st == GR_OK && !c->quiet)
        printf("%s: edit its data, then: gradus train %s\n", cli_shown(c, out), cli_shown(c, out));
    return st;
}

static const cli_flag new_flags[] = {
    {"from", "ZOO", "which recipe of the zoo", 0}, {"out", "FILE", "the recipe to write", 'o'}, {0}};

const cli_command cmd_zoo = {.name = "zoo",
                             .usage = "[NAME]",
                             .summary = "Lists the ready recipes with their parameter counts, or prints one",
                             .help = "Examples\n  gradus zoo\n  gradus zoo lenet5\n",
                             .max_arguments = 1,
                             .run = run_zoo};

const cli_command cmd_new = {.name = "new",
                             .usage = "--from ZOO -o FILE",
                             .summary = "Starts a recipe from one of the zoo",
                             .help = "Example\n  gradus new --from simple-cnn -o my.yaml\n",
                             .flags = new_flags,
                             .max_arguments = 0,
                             .run = run_new};
