/* gradus init: the untrained model of a recipe. */
#include "cli/cli.h"
#include "model/model.h"
#include "train/train.h"

static gr_status write_initial(cli *c, const gr_recipe *r, const char *out)
{
    gr_task task = {0};
    gr_store *store = NULL;
    gr_status st = GR_OK;
    /* The training data is read for the preparation's statistics and the class names, which belong into the file. */
    GR_TRY(gr__task_open(c->ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    GR_TRY(gr_store_create(c->ctx, task.backend, &store));
    GR_TRY(gr__network_declare(task.network, store));
    GR_TRY(gr_store_seal(store));
    GR_TRY(gr__network_init(task.network, store));
    const gr_model_about about = {.recipe = r, .prepared = task.prepared, .n_prepared = task.n_prepared, .class_names = task.class_names,
                                  .n_class_names = task.class_names ? task.classes : 0, .input_names = task.input_names, .n_input_names = task.n_input_names, .targets = task.targets, .trained = "{\"steps\": 0, \"samples\": 0, \"version\": \"" GR_VERSION "\"}"};
    GR_TRY(gr__model_write(c->ctx, out, store, &about));
    long long count = (long long)gr__network_parameter_count(task.network);
    if (c->json) printf("{\"model\": \"%s\", \"parameters\": %lld}\n", out, count);
    else if (!c->quiet) printf("%s: %lld parameters\n", out, count);
done:
    gr_store_destroy(store);
    gr__task_close(&task);
    return st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const char *out = cli_value(c, "out");
    if (!out) {
        gr__fail(c->ctx, GR_E_USAGE, "init: where to? -o MODEL is missing");
        gr__error_hint(c->ctx, "usage: gradus init RECIPE -o start.safetensors");
        return GR_E_USAGE;
    }
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = write_initial(c, r, out);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {{"out", "MODEL", "the file to write", 'o'}, {0}};

const cli_command cmd_init = {
    .name = "init", .usage = "RECIPE -o MODEL", .summary = "Writes the untrained model of a recipe, its initial weights",
    .help = "Other software can then start from the same point; gradus train --from MODEL does.\n\n"
            "Example\n  gradus init recipes/fashion.yaml -o start.safetensors\n",
    .flags = flags, .min_arguments = 1, .max_arguments = 1, .run = run};
