/* gradus import: weights of other software as a model. */
#include "cli/cli.h"
#include "exchange/exchange.h"

typedef struct options {
    const char *out, *recipe, *map;
} options;

static const gr_column columns[] = {
    GR_COLUMN(gr_misfit, name, TEXT, "name", GR_SHOWN("tensor", -40)),
    GR_COLUMN(gr_misfit, kind, INT, "problem", GR_SHOWN("problem", -14), .words = gr__misfit_words),
    GR_COLUMN(gr_misfit, has, TEXT, "file", GR_SHOWN("in the file", -24)),
    GR_COLUMN(gr_misfit, wants, TEXT, "recipe", GR_SHOWN("in the recipe", -24)),
};

/* All that does not fit, before the error tells so: text alone, on standard error. */
static void list(cli *c, const gr_imported *found)
{
    gr_result *r = cli_result(c);
    GR_TABLE(r, NULL, columns, found->misfit, found->n_misfits);
    gr__text t;
    gr__text_init(&t, c->ctx);
    if (r->failed == GR_OK && gr__present_text(r, &t) == GR_OK && t.n) fwrite(t.s, 1, t.n, stderr);
    gr__text_free(&t);
}

static gr_status show(cli *c, const char *out, const gr_imported *found)
{
    gr_result *r = cli_result(c);
    gr__result_put(r, "model=%s file=%s format=%s tensors=%d left_out=%d", out, c->argument[0], found->format,
                   found->tensors, found->left_out);
    gr__result_note(r, "%s: %d tensors from %s (%s)\n", cli_shown(c, out), found->tensors, cli_shown(c, c->argument[0]),
                    found->format);
    return cli_show(c, r);
}

static gr_status missing(cli *c, const char *what)
{
    gr__fail(c->ctx, GR_E_USAGE, "import: %s is missing", what);
    gr__error_hint(c->ctx, "usage: gradus import FILE -o MODEL [--recipe RECIPE]");
    return GR_E_USAGE;
}

static gr_status run(cli *c)
{
    static const char *const endings[] = {"safetensors", NULL};
    const options *o = c->options;
    gr_recipe *r = NULL;
    gr_imported found = {0};
    gr_status st = GR_OK;
    if (!o->out) return missing(c, "-o MODEL");

    GR_TRY(cli_check_ending(c, o->out, "a model in safetensors", endings));
    if (!o->recipe && c->sets.n)
        GR_TRY(gr__fail(c->ctx, GR_E_USAGE, "--set %s: without --recipe there is nothing to set", c->sets.at[0]));
    if (o->recipe) GR_TRY(cli_recipe(c, o->recipe, &r));
    if (r) GR_TRY(cli_resources(c, r));
    const gr_import_options how = {.recipe = r, .map = o->map};
    st = gr__import(c->ctx, c->memory, c->argument[0], o->out, &how, &found);
    if (st == GR_OK)
        st = show(c, o->out, &found);
    else if (found.n_misfits)
        list(c, &found);
done:
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "MODEL", "the file to write", .letter = 'o'),
    CLI_OPTION(options, recipe, TEXT, "recipe", "RECIPE",
               "whose network the weights are of, and whose training rows the preparation is fitted on; what `export` "
               "wrote as ONNX says both itself"),
    CLI_OPTION(
        options, map, TEXT, "map", "NAMES",
        "a file of lines NAME IN FILE<TAB>NAME IN THE RECIPE, or torchvision, huggingface-bert, huggingface-gpt2, "
        "keras"),
};

GR_COMMAND(import) = {
    .name = "import",
    .place = 6,
    .usage = "FILE -o MODEL [--recipe RECIPE] [--map NAMES]",
    .summary = "Makes a model of weights that other software wrote",
    .help = "FILE is safetensors, an NPZ of arrays or ONNX, of which the initialisers count: its content tells, not "
            "its name. "
            "Numbers of 16, 32\nor 64 bits are taken. Names and layouts are PyTorch's; what is called otherwise is "
            "named by "
            "--map. All tensors that are missing,\nunused, of another shape or type are listed, and then nothing is "
            "written. A pickle is never opened.\n\n"
            "Example\n  gradus import resnet50.safetensors -o resnet50-model.safetensors --recipe birds.yaml\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
