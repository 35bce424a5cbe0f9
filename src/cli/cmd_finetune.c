/* gradus finetune: training that starts from a model, layer by layer new, kept or frozen. */
#include <string.h>

#include "cli/training.h"
#include "study/finetune/finetune.h"

typedef struct options {
    const char *out, *replace, *reinit, *freeze, *adapter;
    cli_pairs unfreeze;
    double lr_scale;
    bool force, overwrite;
} options;

/* ---- what each layer starts from ---- */

static const char *const frozen_words[] = {"", "frozen"}, *const adapter_words[] = {"", "adapter"};
static const gr_column columns[] = {
    GR_COLUMN(gr_layer_start, name, TEXT, "name", GR_SHOWN("layer", -32)),
    GR_COLUMN(gr_layer_start, parameters, WHOLE, "parameters", GR_SHOWN("parameters", 12)),
    GR_COLUMN(gr_layer_start, from, TEXT, "from", GR_SHOWN("from", -7)),
    GR_COLUMN(gr_layer_start, lr, REAL, "lr", GR_SHOWN("rate", 10), .digits = 4),
    GR_COLUMN(gr_layer_start, frozen, TRUTH, "frozen", GR_SHOWN("", -6), .words = frozen_words),
    GR_COLUMN(gr_layer_start, adapter, TRUTH, "adapter", GR_SHOWN("", -7), .words = adapter_words),
    GR_COLUMN(gr_layer_start, thaws, TEXT, "unfreeze", GR_SHOWN("for", -10)),
};

/* For a person, before anything is trained; result.json has the same. */
static gr_status show_layers(cli *c, const gr_recipe *r)
{
    gr_network *n = NULL;
    gr_layer_start *all;
    size_t count;
    gr_status st = gr__network_make(c->ctx, r, NULL, &n);
    if (st != GR_OK) return st;
    gr_result *a = cli_result(c);
    GR_TRY(gr__layer_starts(a->memory, r, n, &all, &count));
    gr__result_note(a, "starts from %s\n\n", cli_shown(c, r->start.from));
    GR_TABLE(a, "layers", columns, all, count);
    gr__result_note(a, "\n");
    st = c->json ? cli_tell(c, a) : cli_show(c, a);
done:
    gr__network_destroy(n);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *r = NULL;
    const gr_finetune how = {.model = c->argument[0],
                             .replace = o->replace,
                             .reinit = o->reinit,
                             .freeze = o->freeze,
                             .unfreeze = o->unfreeze.at,
                             .n_unfreeze = o->unfreeze.n,
                             .adapter = o->adapter,
                             .lr_scale = o->lr_scale,
                             .force = o->force};
    gr_status st = GR_OK;
    GR_TRY(gr__finetune_recipe(c->ctx, c->argument[1], c->sets.at, c->sets.n, &how, &r));
    GR_TRY(cli_resources(c, r));
    gr_trainer_options run = {.out = o->out ? o->out : gr__bump_format(c->memory, "runs/%s", r->name),
                              .overwrite = o->overwrite};
    if (!run.out) GR_TRY(GR_E_MEMORY);
    GR_TRY(show_layers(c, r));
    st = cli_train(c, r, &run, NULL);
done:
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, replace, TEXT, "replace", "LAYERS",
               "start anew as the recipe's init says, in its shapes: last (unless given), none, how many from the end, "
               "or names and patterns with commas"),
    CLI_OPTION(options, reinit, TEXT, "reinit", "LAYERS",
               "start anew too, in the model's own shapes; likewise named, such as 2"),
    CLI_OPTION(options, freeze, TEXT, "freeze", "LAYERS",
               "stay as they are: none (unless given), all-but-last, or named likewise"),
    CLI_OPTION(
        options, unfreeze, LIST, "unfreeze", "LAYERS@WHEN",
        "so much of what is frozen is trained from then on, such as \"c4.*@2 epochs\" or \"c3@500 steps\"; may be "
        "repeated"),
    CLI_OPTION(options, adapter, TEXT, "adapter", "{rank: N}",
               "what is kept stays as it is, and dense and attention weights get a product of two thin matrices beside "
               "them that is trained; also alpha, match"),
    CLI_OPTION(options, lr_scale, REAL, "lr-scale", "X",
               "the rate of kept layers, times the one that the model was trained with; 0.01 unless given", .low = 0,
               .high = 1e6, .usual = 0.01),
    CLI_OPTION(options, force, SWITCH, "force", NULL,
               "prepares by the recipe's steps, fitted on its data, though the model was trained with others"),
    CLI_OPTION(options, out, TEXT, "out", "DIR", "the run folder; default runs/NAME", .letter = 'o'),
    CLI_OPTION(options, overwrite, SWITCH, "overwrite", NULL, "starts over where the folder holds a run"),
};

GR_COMMAND(finetune) = {
    .name = "finetune",
    .place = 2,
    .usage = "MODEL RECIPE [--replace LAYERS] [--reinit LAYERS] [--freeze LAYERS] [--lr-scale X] [--out DIR]",
    .summary = "Trains a model further for other data: new last layers, the others kept, slow or frozen",
    .help =
        "Layers of the model and of the recipe meet by name. Kept ones start with the model's numbers, bit for bit; "
        "replaced ones with those that\n"
        "`gradus init RECIPE` gives. A recipe without `model` takes the model's, its last layer as wide as the new "
        "data "
        "has classes or values; without\n"
        "`data.prepare` it takes the model's steps. Statistics of the inputs are the model's, names of classes those "
        "of "
        "the new data.\n\n"
        "What is frozen costs no backward pass, no gradient and no state of the optimizer; a frozen batch norm "
        "normalises by its running statistics.\n"
        "With --adapter \"{rank: 8}\" the model's own weights rest, and W + (alpha / rank) B A is what is trained (Hu "
        "et "
        "al. 2021): A and B alone have state;\n"
        "models hold the sums, and know nothing of it.\n\n"
        "The rate of each layer is printed before the first update. The run is an ordinary one, whose recipe.yaml says "
        "`start` and `groups`:\n"
        "`gradus train DIR --resume` goes on with it, --set stop.steps=0 writes the start as last.safetensors and "
        "trains "
        "nothing.\n\n"
        "Which to choose (chapter 4, figure 4.11; gradus advise finetune): little data, like the model's: the last "
        "layers alone. Little and different:\n"
        "more layers. Enough: all. As much as the model was trained on: a new one.\n\n"
        "Examples\n  gradus finetune runs/fashion/best.safetensors shoes.yaml --freeze all-but-last\n"
        "  gradus finetune big.safetensors small.yaml --replace 2 --lr-scale 0.1 --out runs/small\n"
        "  gradus finetune big.safetensors small.yaml --freeze all-but-last --unfreeze \"layer4@2 epochs\" --unfreeze "
        "\"layer3@4 epochs\"\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run};
