/* gradus init: the untrained model of a recipe. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/json.h"
#include "graph/shape.h"
#include "model/model.h"
#include "plan/store.h"
#include "train/train.h"

/* ---- what each parameter starts with ---- */

typedef struct start {
    const gr_param_info *param;
    gr_tree *init; /* {type: kaiming, ...}, or auto */
    double mean, std, low, high;
} start;

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

static gr_status look(cli *c, const gr_network *n, const gr_store *store, size_t i, start *s)
{
    size_t count;
    *s = (start){.param = &gr__network_params(n, &count)[i], .low = INFINITY, .high = -INFINITY};
    measure(store, gr_store_find(store, s->param->entry.name), s);
    return gr__network_initialiser(n, i, c->memory, &s->init);
}

static gr_status look_at_all(cli *c, const gr_network *n, const gr_store *store, start **out, size_t *count)
{
    gr__network_params(n, count);
    gr_status st = GR_OK;
    *out = gr__bump_alloc(c->memory, sizeof **out * *count);
    if (!*out) return GR_E_MEMORY;
    for (size_t i = 0; i < *count && st == GR_OK; i++) st = look(c, n, store, i, &(*out)[i]);
    return st;
}

static json_t *scalar(const gr_tree *t)
{
    int64_t whole;
    switch (t->kind) {
    case GR_TREE_BOOL:
        return json_boolean(t->truth);
    case GR_TREE_INT:
        return gr__tree_int(t, &whole) ? json_integer(whole) : cli_real(t->number);
    case GR_TREE_REAL:
        return cli_real(t->number);
    case GR_TREE_TEXT:
        return cli_text(t->text);
    default:
        return json_null();
    }
}

static gr_status print_json(cli *c, const char *out, int64_t parameters, const start *s, size_t n)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        const gr_shape shape = gr__file_shape(&s[i].param->entry);
        json_t *init = s[i].init->kind == GR_TREE_MAP ? json_object() : scalar(s[i].init), *dims = json_array();
        for (int k = 0; json_is_object(init) && k < s[i].init->n; k++)
            json_object_set_new(init, s[i].init->key[k], scalar(s[i].init->child[k]));
        for (int k = 0; k < shape.rank; k++) json_array_append_new(dims, json_integer(shape.dim[k]));
        json_array_append_new(rows,
                              json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", s[i].param->entry.name, "shape",
                                        dims, "init", init, "mean", cli_real(s[i].mean), "std", cli_real(s[i].std),
                                        "min", cli_real(s[i].low), "max", cli_real(s[i].high)));
    }
    json_t *o =
        json_pack("{s:o, s:I, s:o}", "model", cli_text(out), "parameters", (json_int_t)parameters, "tensors", rows);
    return cli_json(c, o);
}

static void print_text(const char *out, int64_t parameters, const start *s, size_t n)
{
    printf("%s: %lld parameters\n\n%-32s %-22s %-18s %11s %11s\n", out, (long long)parameters, "parameter", "shape",
           "starts by", "mean", "std");
    for (size_t i = 0; i < n; i++) {
        char shape[96];
        const gr_tree *type = s[i].init->kind == GR_TREE_MAP ? gr__tree_get(s[i].init, "type") : s[i].init;
        printf("%-32s %-22s %-18s %11.4g %11.4g\n", s[i].param->entry.name,
               gr__shape_text(gr__file_shape(&s[i].param->entry), shape), type->text, s[i].mean, s[i].std);
    }
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
    GR_TRY(gr__network_init(task.network, store));
    const gr_model_about about = {.recipe = r,
                                  .meaning = &task.meaning,
                                  .trained = "{\"steps\": 0, \"samples\": 0, \"version\": \"" GR_VERSION "\"}"};
    GR_TRY(gr__model_write(c->ctx, out, store, &about));
    start *starts;
    size_t n;
    GR_TRY(look_at_all(c, task.network, store, &starts, &n));
    int64_t count = gr__network_parameter_count(task.network);
    if (c->json)
        GR_TRY(print_json(c, out, count, starts, n));
    else if (!c->quiet)
        print_text(cli_shown(c, out), count, starts, n);
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
    static const char *const endings[] = {"safetensors", NULL};
    gr_status st = cli_check_ending(c, out, "a model in safetensors", endings);
    if (st == GR_OK) st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = write_initial(c, r, out);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {{"out", "MODEL", "the file to write", 'o'}, {0}};

const cli_command cmd_init = {
    .name = "init",
    .usage = "RECIPE -o MODEL",
    .summary = "Writes the untrained model of a recipe, its initial weights",
    .help = "Other software can then start from the same point; gradus train --from MODEL does.\n\n"
            "Lists the initialiser that each parameter got, with the mean and standard deviation of its numbers; with "
            "--json the settings,\n"
            "the smallest and the largest number too. `auto` is init: {last_bias: auto}.\n\n"
            "Example\n  gradus init recipes/fashion.yaml -o start.safetensors\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
