/* gradus prune: a model with fewer weights. */
#include "base/file.h"
#include "cli/cli.h"
#include "model/edit/thin.h"
#include "model/edit/prune.h"

enum { SCOPE_LAYER, SCOPE_GLOBAL };
enum { STRUCTURED_NONE, STRUCTURED_FILTERS };
static const char *const scopes[] = {"layer", "global", NULL}, *const structures[] = {"none", "filters", NULL};

typedef struct options {
    double sparsity;
    int scope, structured;
    const char *out;
} options;

/* ---- weights ---- */

typedef struct row {
    const char *name;
    int64_t weights, pruned;
    double share;
} row;

static const gr_column columns[] = {
    GR_COLUMN(row, name, TEXT, "name", GR_SHOWN("tensor", -32)),
    GR_COLUMN(row, weights, WHOLE, "weights", GR_SHOWN("weights", 12)),
    GR_COLUMN(row, pruned, WHOLE, "pruned", GR_SHOWN("pruned", 12)),
    GR_COLUMN(row, share, REAL, "sparsity", GR_SHOWN("sparsity", 10), .digits = 6),
};

static double share_of(int64_t pruned, int64_t weights)
{
    return weights ? (double)pruned / (double)weights : 0;
}

static gr_status show_weights(cli *c, const gr_pruned *tensor, size_t n)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    int64_t pruned = 0, weights = 0;
    row *rows = gr__result_alloc(r, n * sizeof *rows);
    for (size_t i = 0; i < n && rows; i++) {
        rows[i] =
            (row){tensor[i].name, tensor[i].weights, tensor[i].pruned, share_of(tensor[i].pruned, tensor[i].weights)};
        pruned += tensor[i].pruned;
        weights += tensor[i].weights;
    }
    gr__result_put(r, "model=%s scope=%s weights=%jd pruned=%jd sparsity=%g", o->out, scopes[o->scope],
                   (intmax_t)weights, (intmax_t)pruned, share_of(pruned, weights));
    gr__result_note(r, "%s: %lld of %lld weights are 0 and masked\n\n", cli_shown(c, o->out), (long long)pruned,
                    (long long)weights);
    GR_TABLE(r, "tensors", columns, rows, n);
    gr__result_note(r, "\nfine-tune it, masks are kept: gradus train RECIPE --from %s\n", cli_shown(c, o->out));
    return cli_show(c, r);
}

static gr_status prune_weights(cli *c, const gr_model *m)
{
    const options *o = c->options;
    const gr_pruning how = {.sparsity = o->sparsity, .global = o->scope == SCOPE_GLOBAL};
    gr_pruned *tensor;
    size_t n;
    gr_status st = gr__prune_model(c->ctx, m, &how, o->out, c->memory, &tensor, &n);
    return st == GR_OK ? show_weights(c, tensor, n) : st;
}

/* ---- filters ---- */

static const gr_column filter_columns[] = {
    GR_COLUMN(gr_thinned, layer, TEXT, "name", GR_SHOWN("convolution", -28)),
    GR_COLUMN(gr_thinned, filters, WHOLE, "filters", GR_SHOWN("filters", 10)),
    GR_COLUMN(gr_thinned, removed, WHOLE, "removed", GR_SHOWN("removed", 10)),
    GR_COLUMN(gr_thinned, reason, TEXT, "reason", GR_SHOWN("why", 2)),
};

static gr_status show_filters(cli *c, const gr_thinning *t)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    gr__result_put(r, "model=%s parameters=%jd parameters_before=%jd", o->out, (intmax_t)t->after, (intmax_t)t->before);
    gr__result_note(r, "%s: %lld parameters of %lld\n\n", cli_shown(c, o->out), (long long)t->after,
                    (long long)t->before);
    GR_TABLE(r, "layers", filter_columns, t->layer, t->n);
    gr__result_note(r,
                    "\nfine-tune it: gradus train RECIPE --from %s, where RECIPE has these numbers of filters, as the "
                    "model's own has\n",
                    cli_shown(c, o->out));
    return cli_show(c, r);
}

static gr_status prune_filters(cli *c, const gr_model *m)
{
    const options *o = c->options;
    gr_thinning told = {0};
    gr_status st = gr__thin_model(c->ctx, m, o->sparsity, o->out, c->memory, &told);
    return st == GR_OK ? show_filters(c, &told) : st;
}

/* ---- the command ---- */

static gr_status check_options(cli *c)
{
    const options *o = c->options;
    static const char *const endings[] = {"safetensors", NULL};
    if (!cli_given(c, "sparsity") || !o->out) {
        gr__fail(c->ctx, GR_E_USAGE,
                 o->out ? "prune: how much? --sparsity S is missing" : "prune: where to? -o MODEL is missing");
        gr__error_hint(c->ctx, "gradus prune best.safetensors --sparsity 0.5 -o pruned.safetensors");
        return GR_E_USAGE;
    }
    if (o->structured == STRUCTURED_FILTERS && cli_given(c, "scope"))
        return gr__fail(c->ctx, GR_E_USAGE,
                        "--scope is of weights; --structured filters takes its share of every "
                        "convolution");
    gr_status st = cli_check_ending(c, o->out, "a model", endings);
    return st == GR_OK && gr__file_exists(o->out) ? gr__fail(c->ctx, GR_E_EXISTS, "%s exists already", o->out) : st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_model m = {0};
    gr_status st = check_options(c);
    if (st == GR_OK) st = gr__model_open(c->ctx, c->argument[0], &m);
    if (st == GR_OK) st = o->structured == STRUCTURED_FILTERS ? prune_filters(c, &m) : prune_weights(c, &m);
    gr__model_close(&m);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, sparsity, REAL, "sparsity", "S", "share of the weights that become 0, from 0 to below 1",
               .low = 0, .high = 1),
    CLI_OPTION(options, scope, WORD, "scope", "SCOPE",
               "layer: floor(S n) of each weight tensor, which is the default; global: of all together",
               .words = scopes),
    CLI_OPTION(options, structured, WORD, "structured", "WHAT",
               "filters: of every convolution floor(S filters) are taken out of the network, which becomes smaller",
               .words = structures),
    CLI_OPTION(options, out, TEXT, "out", "MODEL", "the model to write", .letter = 'o'),
};

GR_COMMAND(prune) = {
    .name = "prune",
    .place = 21,
    .usage = "MODEL --sparsity S [--scope layer|global | --structured filters] -o MODEL",
    .summary = "Sets the smallest weights to 0, where later training leaves them",
    .help =
        "Of every weight tensor exactly floor(S n) of its n numbers become 0: the smallest magnitudes, of equal ones "
        "the first.\n"
        "Biases, embeddings and what scales or shifts in a normalisation are left alone. The new model holds a mask\n"
        "for each tensor, NAME.mask, by which training that starts from it keeps them at 0, whatever the optimizer.\n"
        "Structured, filters go with their weights, biases, channels of normalisations and inputs of the layers after\n"
        "them: those of the smallest L1 norms. Filters stay where their channels meet others in an addition, where a\n"
        "layer wants all of them, and where they are the output; it is said which and why.\n"
        "To prune while training, ever more, a recipe has `prune: {to: 0.8, to_step: 1000}`.\n\n"
        "Examples\n  gradus prune best.safetensors --sparsity 0.8 -o sparse.safetensors\n"
        "  gradus train r.yaml --from sparse.safetensors --set optimizer.lr=1e-4\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
