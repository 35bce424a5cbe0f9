/* gradus zoo: the recipes that come with the command. gradus new: a recipe to start from. */
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "model/network.h"
#include "model/zoo.h"
#include "plan/store.h"

typedef struct options {
    const char *from, *out;
} options;

static gr_status find(cli *c, const char *name, const gr_zoo_recipe **out)
{
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    const char *names[256];
    *out = gr__zoo_find(name);
    if (*out) return GR_OK;
    for (int i = 0; i < n && i < 256; i++) names[i] = zoo[i].name;
    return cli_unknown(c, "the zoo has no", name, names, (size_t)GR_MIN(n, 256), "gradus zoo lists it");
}

/* ---- what a recipe comes to ---- */

typedef struct figures {
    int64_t parameters;
    double flops; /* of predicting one sample */
} figures;

/* A plan is compiled, but no memory is taken for what it would run on. */
static gr_status count_flops(cli *c, const gr_recipe *r, const gr_network *network, double *flops)
{
    gr_graph *g = NULL;
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    gr_network_values v;
    const gr_backend *backend = gr_backend_get(r->device);
    gr_status st = GR_OK;
    GR_TRY(gr_graph_create(c->ctx, &g));
    GR_TRY(gr__network_build(network, g, GR_MODE_EVALUATE, 1, false, &v));
    for (int h = 0; h < r->n_heads; h++) gr_output(g, r->head[h].name, v.head[h].prediction);
    GR_TRY(gr_store_create(c->ctx, backend, &store));
    GR_TRY(gr__network_declare(network, store));
    GR_TRY(gr_plan_compile(
        c->ctx, g, store, &(gr_plan_options){.backend = backend, .name = "predict", .algorithm = r->algorithm}, &plan));
    *flops = gr_plan_flops(plan);
done:
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    return st;
}

static gr_status measure(cli *c, const gr_zoo_recipe *z, figures *f)
{
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_status st = gr__recipe_from_text(c->ctx, z->name, ".", z->text, strlen(z->text), NULL, 0, &r);
    if (st == GR_OK) st = gr__network_make(c->ctx, r, NULL, &network);
    if (st == GR_OK) st = count_flops(c, r, network, &f->flops);
    if (st == GR_OK) f->parameters = gr__network_parameter_count(network);
    gr__network_destroy(network);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static gr_status show(cli *c, const gr_zoo_recipe *z, bool whole)
{
    figures f = {0};
    gr_status st = measure(c, z, &f);
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    gr__result_put(r, "name=%s title=%s parameters=%jd forward_flops=%g", z->name, z->title, f.parameters, f.flops);
    if (whole) gr__result_put(r, "recipe=%s", z->text);
    if (whole)
        gr__result_note(r, "# %lld parameters, %.4g million operations a sample\n%s", (long long)f.parameters,
                        f.flops * 1e-6, z->text);
    else
        gr__result_note(r, "%-18s %11lld parameters %9.2f MFLOP  %s\n", z->name, (long long)f.parameters,
                        f.flops * 1e-6, z->title);
    return cli_list(c, r);
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
    const options *o = c->options;
    const char *from = o->from, *out = o->out;
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
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    gr__result_put(r, "recipe=%s", out);
    gr__result_note(r, "%s: edit its data, then: gradus train %s\n", cli_shown(c, out), cli_shown(c, out));
    return cli_show(c, r);
}

static const cli_option new_rows[] = {
    CLI_OPTION(options, from, TEXT, "from", "ZOO", "which recipe of the zoo"),
    CLI_OPTION(options, out, TEXT, "out", "FILE", "the recipe to write", .letter = 'o'),
};

GR_COMMAND(zoo) = {.name = "zoo",
                   .place = 25,
                   .usage = "[NAME]",
                   .summary = "Lists the ready recipes with their parameters and operations, or prints one",
                   .help = "MFLOP: millions of operations that predicting one sample takes, a multiplication and an "
                           "addition being two; with\n"
                           "--json forward_flops, in ones.\n\n"
                           "Examples\n  gradus zoo\n  gradus zoo lenet5\n",
                   .max_arguments = 1,
                   .run = run_zoo};

GR_COMMAND(new) = {.name = "new",
                   .place = 24,
                   .usage = "--from ZOO -o FILE",
                   .summary = "Starts a recipe from one of the zoo",
                   .help = "Example\n  gradus new --from simple-cnn -o my.yaml\n",
                   CLI_OPTIONS(options, new_rows),
                   .max_arguments = 0,
                   .run = run_new};
