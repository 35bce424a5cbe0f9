/* gradus convert: a recipe with other normalisations or activations, or without some layers. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "cli/cli.h"
#include "model/convert.h"
#include "model/network.h"

typedef struct options {
    const char *norm, *relu, *sigmoid, *out;
    bool drop_dropout;
} options;

static const gr_column columns[] = {
    GR_COLUMN(gr_converted, layer, TEXT, "layer", GR_SHOWN("layer", -28)),
    GR_COLUMN(gr_converted, from, TEXT, "from", GR_SHOWN("was", -14)),
    GR_COLUMN(gr_converted, to, TEXT, "to", GR_SHOWN("is", -14)),
};

/* ---- what the words of the options name ---- */

typedef bool (*accept_fn)(const gr_layer *m);

static bool is_norm(const gr_layer *m)
{
    return m->normalises != GR_NORMALISES_NOTHING;
}

static bool is_activation(const gr_layer *m)
{
    return m->activation_only;
}

/* "group" for group_norm, "renorm" for batch_renorm, and whole names. */
static bool is_called(const gr_layer *m, const char *word)
{
    size_t n = strlen(word);
    const char *name = m->head.name, *tail = strrchr(name, '_');
    return strcmp(name, word) == 0 ||
           (is_norm(m) && tail && ((strncmp(name, word, n) == 0 && name + n == tail) || strcmp(tail + 1, word) == 0));
}

static gr_status find(cli *c, const char *option, const char *word, accept_fn accept, const gr_layer **out)
{
    enum { MOST = 64 };
    const char *names[MOST];
    char what[64];
    size_t n = 0;
    *out = NULL;
    for (int i = 0; i < gr__family_count(c->ctx, &gr__family_layer); i++) {
        const gr_layer *m = (const gr_layer *)gr__family_at(c->ctx, &gr__family_layer, i);
        if (!accept(m)) continue;
        if (is_called(m, word) && (!*out || strcmp(m->head.name, word) == 0)) *out = m;
        if (n < MOST) names[n++] = m->head.name;
    }
    if (*out) return GR_OK;
    snprintf(what, sizeof what, "%s: there is no", option);
    gr__text list;
    gr__text_init(&list, c->ctx);
    for (size_t i = 0; i < n; i++) gr__text_add(&list, "%s%s", i ? ", " : "there are ", names[i]);
    gr_status st = cli_unknown(c, what, word, names, n, list.s);
    gr__text_free(&list);
    return st;
}

static gr_status read_options(cli *c, gr_conversion *how)
{
    const options *o = c->options;
    gr_status st = GR_OK;
    *how = (gr_conversion){.drop_dropout = o->drop_dropout, .no_norm = o->norm && strcmp(o->norm, "none") == 0};
    if (!o->out || (!o->norm && !o->relu && !o->sigmoid && !o->drop_dropout)) {
        gr__fail(c->ctx, GR_E_USAGE,
                 o->out ? "convert: what to? --norm, --relu, --sigmoid or --drop-dropout is missing"
                        : "convert: where to? -o NEW is missing");
        gr__error_hint(c->ctx, "gradus convert r.yaml --norm group -o new.yaml");
        return GR_E_USAGE;
    }
    if (o->norm && !how->no_norm) st = find(c, "--norm", o->norm, is_norm, &how->norm);
    if (st == GR_OK && o->relu) st = find(c, "--relu", o->relu, is_activation, &how->relu);
    if (st == GR_OK && o->sigmoid) st = find(c, "--sigmoid", o->sigmoid, is_activation, &how->sigmoid);
    return st;
}

/* ---- the new recipe ---- */

/* Reads what will be written, so that nothing is that could not be trained. */
static gr_status check(cli *c, const char *out, const gr__text *text, int64_t *parameters)
{
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_status st = gr__recipe_from_text(c->ctx, out, ".", text->s, text->n, NULL, 0, &r);
    if (st == GR_OK) st = gr__network_make(c->ctx, r, NULL, &network);
    if (st == GR_OK) *parameters = gr__network_parameter_count(network);
    gr__network_destroy(network);
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static gr_status convert(cli *c, const gr_recipe *recipe, const gr_conversion *how)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    gr_tree *tree;
    gr_converted *changes = NULL;
    size_t n;
    int64_t parameters = 0;
    gr__text text;
    gr_status st = gr__recipe_convert(c->ctx, r->memory, recipe, how, o->out, &tree, &changes, &n);
    if (st != GR_OK) return st;
    if (n == 0) {
        gr__fail(c->ctx, GR_E_CONFLICT, "convert: %s has nothing of what is to be changed", c->argument[0]);
        gr__error_hint(c->ctx, "--norm changes what normalises over batches (none: everything that normalises), --relu "
                               "and --sigmoid activations within the network, --drop-dropout takes dropout out");
        return GR_E_CONFLICT;
    }
    gr__text_init(&text, c->ctx);
    gr__tree_write(tree, &text, 0);
    if (text.failed) st = GR_E_MEMORY;
    if (st == GR_OK) st = check(c, o->out, &text, &parameters);
    if (st == GR_OK) st = gr__file_write(c->ctx, o->out, text.s, text.n);
    gr__text_free(&text);
    if (st != GR_OK) return st;
    gr__result_put(r, "recipe=%s parameters=%jd", o->out, parameters);
    gr__result_note(r, "%s: %lld parameters\n\n", cli_shown(c, o->out), (long long)parameters);
    GR_TABLE(r, "changes", columns, changes, n);
    return cli_show(c, r);
}

static gr_status run(cli *c)
{
    const char *out = ((const options *)c->options)->out;
    static const char *const endings[] = {"yaml", "yml", NULL};
    gr_conversion how;
    gr_recipe *recipe = NULL;
    gr_status st = read_options(c, &how);
    if (st == GR_OK) st = cli_check_ending(c, out, "a recipe in YAML", endings);
    if (st == GR_OK && gr__file_exists(out)) st = gr__fail(c->ctx, GR_E_EXISTS, "%s exists already", out);
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &recipe);
    if (st == GR_OK) st = convert(c, recipe, &how);
    if (recipe) gr__recipe_close(c->ctx, recipe);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, norm, TEXT, "norm", "NORM",
               "what stands for normalisation over batches: group, layer, renorm; none: no normalisation at all"),
    CLI_OPTION(options, relu, TEXT, "relu", "ACTIVATION", "what stands for rectifiers, such as leaky_relu"),
    CLI_OPTION(options, sigmoid, TEXT, "sigmoid", "ACTIVATION", "what stands for sigmoids, such as tanh"),
    CLI_OPTION(options, drop_dropout, SWITCH, "drop-dropout", NULL, "leaves dropout layers out"),
    CLI_OPTION(options, out, TEXT, "out", "NEW", "the recipe to write", .letter = 'o'),
};

GR_COMMAND(convert) = {
    .name = "convert",
    .place = 23,
    .usage = "RECIPE [--norm group|layer|renorm|none] [--relu leaky_relu] [--sigmoid tanh] [--drop-dropout] -o NEW",
    .summary = "Rewrites a recipe with other normalisations or activations, or without dropout",
    .help = "NEW is the resolved recipe with these changes: every default filled in, repeats unrolled, data paths "
            "absolute. "
            "The changes are listed.\n"
            "Blocks within which something changes say so by their rows. Layers that give an output keep their "
            "activation, and gates keep theirs. A\n"
            "convolution or dense layer without biases gets some where the normalisation behind it is left out.\n\n"
            "Examples\n  gradus convert r.yaml --norm group -o group.yaml\n"
            "  gradus convert r.yaml --relu leaky_relu --drop-dropout -o leaky.yaml --json\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
