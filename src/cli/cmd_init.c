/* gradus init: the untrained model of a recipe. */
#include <math.h>

#include "base/text.h"
#include "cli/cli.h"
#include "graph/shape.h"
#include "model/model.h"
#include "plan/store.h"
#include "train/start.h"
#include "train/train.h"

/* ---- what each parameter starts with ---- */

typedef struct start {
    const char *name, *shape_text, *by;
    gr_list shape;
    json_t *init; /* {type: kaiming, ...}, or auto */
    double mean, std, low, high;
} start;

static const gr_column columns[] = {
    GR_COLUMN(start, name, TEXT, "name", GR_SHOWN("parameter", -32)),
    GR_COLUMN(start, shape, LIST, "shape"),
    GR_COLUMN(start, shape_text, TEXT, NULL, GR_SHOWN("shape", -22)),
    GR_COLUMN(start, init, JSON, "init"),
    GR_COLUMN(start, by, TEXT, NULL, GR_SHOWN("starts by", -18)),
    GR_COLUMN(start, mean, REAL, "mean", GR_SHOWN("mean", 11), .digits = 4),
    GR_COLUMN(start, std, REAL, "std", GR_SHOWN("std", 11), .digits = 4),
    GR_COLUMN(start, low, REAL, "min"),
    GR_COLUMN(start, high, REAL, "max"),
};

/* Mean and extremes in one pass over the numbers, the deviation from that mean in another. */
static void measure(const gr_store *store, const gr_entry *e, start *s)
{
    double x[1024], n = (double)e->count;
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t at = 0, k; at < e->count; at += k) {
            k = GR_MIN(e->count - at, (int64_t)GR_COUNT(x));
            gr__store_get(store, e, at, k, x);
            for (int64_t i = 0; i < k; i++) {
                if (pass)
                    s->std += (x[i] - s->mean) * (x[i] - s->mean) / n;
                else
                    s->mean += x[i] / n, s->low = fmin(s->low, x[i]), s->high = fmax(s->high, x[i]);
            }
        }
    }
    s->std = sqrt(s->std);
}

static json_t *scalar(const gr_tree *t)
{
    int64_t whole;
    switch (t->kind) {
    case GR_TREE_BOOL:
        return json_boolean(t->truth);
    case GR_TREE_INT:
        return gr__tree_int(t, &whole) ? json_integer(whole) : gr__json_real(t->number);
    case GR_TREE_REAL:
        return gr__json_real(t->number);
    case GR_TREE_TEXT:
        return gr__json_string(t->text);
    default:
        return json_null();
    }
}

static json_t *settings(const gr_tree *t)
{
    if (t->kind != GR_TREE_MAP) return scalar(t);
    json_t *o = json_object();
    for (int i = 0; i < t->n; i++) json_object_set_new(o, t->key[i], scalar(t->child[i]));
    return o;
}

static gr_status look(gr_result *r, const gr_recipe_start *from, const gr_network *n, const gr_store *store, size_t i,
                      start *s)
{
    size_t count;
    gr_tree *init;
    char text[96];
    const gr_param_info *param = &gr__network_params(n, &count)[i];
    gr_status st = gr__network_initialiser(n, i, r->memory, &init);
    gr_shape *shape = gr__result_alloc(r, sizeof *shape);
    if (st != GR_OK || !shape) return st != GR_OK ? st : GR_E_MEMORY;
    *shape = gr__file_shape(&param->entry);
    *s = (start){.name = param->entry.name,
                 .shape = {.whole = shape->dim, .n = (size_t)shape->rank},
                 .shape_text = gr__result_text(r, "%s", gr__shape_text(*shape, text)),
                 .init = gr__start_anew(from, param->entry.name) ? settings(init) : NULL,
                 .by = (init->kind == GR_TREE_MAP ? gr__tree_get(init, "type") : init)->text,
                 .low = INFINITY,
                 .high = -INFINITY};
    measure(store, gr_store_find(store, s->name), s);
    if (gr__start_anew(from, s->name)) return GR_OK;
    s->init = json_pack("{s:o}", "start", gr__json_string(from->from));
    s->by = "start.from";
    return GR_OK;
}

static gr_status show(cli *c, const char *out, const gr_recipe_start *from, const gr_network *network,
                      const gr_store *store)
{
    size_t n;
    gr_result *r = cli_result(c);
    int64_t count = gr__network_parameter_count(network);
    gr__network_params(network, &n);
    start *all = gr__result_alloc(r, sizeof *all * n);
    gr__result_put(r, "model=%s parameters=%jd", out, count);
    gr__result_note(r, "%s: %lld parameters\n\n", cli_shown(c, out), (long long)count);
    GR_TABLE(r, "tensors", columns, all, all ? n : 0);
    for (size_t i = 0; i < n && r->failed == GR_OK; i++) gr__result_fail(r, look(r, from, network, store, i, &all[i]));
    return cli_show(c, r);
}

/* ---- the model ---- */

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
    GR_TRY(gr__start_weights(&task, store));
    const gr_model_about about = {.recipe = r,
                                  .meaning = &task.meaning,
                                  .trained = "{\"steps\": 0, \"samples\": 0, \"version\": \"" GR_VERSION "\"}"};
    GR_TRY(gr__model_write(c->ctx, out, store, &about));
    st = show(c, out, &r->start, task.network, store);
done:
    gr_store_destroy(store);
    gr__task_close(&task);
    return st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const char *out = ((const cli_out *)c->options)->out;
    if (!out) {
        gr__fail(c->ctx, GR_E_USAGE, "init: where to? -o MODEL is missing");
        gr__error_hint(c->ctx, "usage: gradus init RECIPE -o start.safetensors");
        return GR_E_USAGE;
    }
    static const char *const endings[] = {"safetensors", NULL};
    gr_status st = cli_check_ending(c, out, "a model in safetensors", endings);
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = write_initial(c, r, out);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OUT("MODEL", "the file to write"),
};

GR_COMMAND(init) = {
    .name = "init",
    .place = 7,
    .usage = "RECIPE -o MODEL",
    .summary = "Writes the untrained model of a recipe, its initial weights",
    .help = "Other software can then start from the same point; gradus train --from MODEL does.\n\n"
            "Lists the initialiser that each parameter got, with the mean and standard deviation of its numbers; with "
            "--json the settings,\n"
            "the smallest and the largest number too. `auto` is init: {last_bias: auto}, `start.from` a model that the "
            "recipe starts from.\n\n"
            "Example\n  gradus init recipes/fashion.yaml -o start.safetensors\n",
    CLI_OPTIONS(cli_out, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
