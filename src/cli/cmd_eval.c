/* gradus eval: cost, error, metrics and confusion of a model on data; looks at the test split are counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "model/model.h"
#include "train/train.h"

/* ---- whose data ---- */

static gr_status part_of(cli *c, gr_part *part)
{
    const char *name = cli_value(c, "split") ? cli_value(c, "split") : "test";
    for (int p = 0; p < GR_PARTS; p++)
        if (strcmp(name, gr__part_name((gr_part)p)) == 0) return *part = (gr_part)p, GR_OK;
    return gr__fail(c->ctx, GR_E_NAME, "--split: %s is not train, validation or test", name);
}

/* The model's recipe with the data of another recipe, or of a source written as YAML. Batches stay the model's: the same bits as in training. */
static gr_status use_data(cli *c, const char *data, gr_part part, gr_recipe *r, gr_recipe **other)
{
    gr_status st;
    if (!data) return GR_OK;
    if (data[0] == '{') {
        gr_tree *source;
        st = gr__yaml_parse(c->ctx, c->memory, "--data", data, strlen(data), &source);
        if (st != GR_OK) return st;
        r->data.train = r->data.validation = r->data.test = NULL;
        r->data.split_validation = r->data.split_test = 0;
        r->folder = ".";
        *(part == GR_PART_TRAIN ? &r->data.train : part == GR_PART_VALIDATION ? &r->data.validation : &r->data.test) = source;
        return GR_OK;
    }
    st = gr__recipe_open(c->ctx, data, c->set, c->n_sets, other);
    if (st != GR_OK) return st;
    int64_t batch = r->data.batch;
    r->data = (*other)->data;
    r->data.batch = batch;
    r->folder = (*other)->folder;
    r->seed = (*other)->seed;
    return GR_OK;
}

static gr_status has_part(cli *c, const gr_recipe *r, gr_part p)
{
    const bool has[GR_PARTS] = {r->data.train != NULL, r->data.validation || r->data.split_validation > 0, r->data.test || r->data.split_test > 0};
    if (has[p]) return GR_OK;
    gr__fail(c->ctx, GR_E_USAGE, "there is no %s data", gr__part_name(p));
    gr__error_hint(c->ctx, "the recipe has:%s%s%s; --split chooses, --data names a recipe or a source", has[0] ? " train" : "", has[1] ? " validation" : "", has[2] ? " test" : "");
    return GR_E_USAGE;
}

/* ---- looks at the test split ---- */

static json_t *run_result(cli *c, const char *model, char **path)
{
    char *folder = gr__path_folder(c->ctx, model), *data;
    size_t n;
    json_t *o = NULL;
    *path = folder ? gr__path_join(c->ctx, folder, "result.json") : NULL;
    gr__strfree(c->ctx, folder);
    if (!*path || !gr__file_exists(*path) || gr__file_read(c->ctx, *path, 1 << 20, &data, &n) != GR_OK) {
        gr_context_clear_error(c->ctx);
        return NULL;
    }
    o = json_loadb(data, n, 0, NULL);
    gr__free(c->ctx, data, n + 1);
    return o;
}

static gr_status refuse_second_look(cli *c, const char *model)
{
    char *path;
    json_t *o = run_result(c, model, &path);
    json_int_t looks = json_integer_value(json_object_get(json_object_get(o, "test"), "evaluations"));
    gr_status st = GR_OK;
    if (looks > 0 && cli_value(c, "once")) {
        st = gr__fail(c->ctx, GR_E_CHECK, "the test data has been looked at %lld time%s with this run's models already, and --once allows one", (long long)looks, looks == 1 ? "" : "s");
    } else if (looks > 0) {
        gr__log(c->ctx, GR_LOG_WARNING, "the test data has been looked at %lld time%s with this run's models: choosing by it makes its error too good", (long long)looks,
                looks == 1 ? "" : "s");
    }
    json_decref(o);
    gr__strfree(c->ctx, path);
    return st;
}

static gr_status record_look(cli *c, const char *model, const gr_evaluation *ev)
{
    char *path;
    json_t *o = run_result(c, model, &path);
    gr_status st = GR_OK;
    if (o) {
        json_int_t looks = json_integer_value(json_object_get(json_object_get(o, "test"), "evaluations"));
        json_t *test = json_pack("{s:s, s:I, s:f, s:f, s:I}", "model", model, "samples", (json_int_t)ev->samples, "cost_mean", ev->cost_mean, "error", ev->error, "evaluations", looks + 1);
        if (test) json_object_set_new(o, "test", test); /* a cost that is not finite cannot be packed: the look is then counted below all the same */
        else json_object_set_new(o, "test", json_pack("{s:s, s:I}", "model", model, "evaluations", looks + 1));
        char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        st = text ? gr__file_write(c->ctx, path, text, strlen(text)) : gr__fail(c->ctx, GR_E_MEMORY, "no memory for %s", path);
        free(text);
    }
    json_decref(o);
    gr__strfree(c->ctx, path);
    if (st == GR_E_WRITE) { /* a read-only run folder does not stop an evaluation */
        gr__log(c->ctx, GR_LOG_WARNING, "the look at the test data could not be recorded: %s", gr_context_error(c->ctx)->message);
        gr_context_clear_error(c->ctx);
        st = GR_OK;
    }
    return st;
}

/* ---- output ---- */

static gr_status print_json(cli *c, const gr_recipe *r, const gr_evaluation *ev)
{
    int n;
    const gr_metric *m = gr__metrics(&n);
    json_t *o = json_object(), *metrics = json_object();
    json_object_set_new(o, "samples", json_integer(ev->samples));
    json_object_set_new(o, "cost_mean", cli_real(ev->cost_mean));
    json_object_set_new(o, "cost_sum", cli_real(ev->cost_sum));
    json_object_set_new(o, "error", cli_real(ev->error));
    for (int i = 0; i < n; i++)
        if (m[i].forms & 1u << r->reading.target) json_object_set_new(metrics, m[i].name, cli_real(m[i].get(ev)));
    json_object_set_new(o, "metrics", metrics);
    if (ev->confusion) {
        json_t *rows = json_array();
        for (int a = 0; a < ev->classes; a++) {
            json_t *row = json_array();
            for (int b = 0; b < ev->classes; b++) json_array_append_new(row, json_integer(ev->confusion[(int64_t)a * ev->classes + b]));
            json_array_append_new(rows, row);
        }
        json_object_set_new(o, "confusion", rows);
    }
    return cli_json(c, o, 17);
}

static void print_text(const gr_model *model, const gr_recipe *r, gr_part part, const gr_evaluation *ev)
{
    int n;
    const gr_metric *m = gr__metrics(&n);
    const char *name = gr__part_name(part);
    printf("%s samples %lld\n%s cost %.6f (sum %.6g)\n%s error %.4f\n", name, (long long)ev->samples, name, ev->cost_mean, ev->cost_sum, name, ev->error);
    for (int i = 0; i < n; i++)
        if (m[i].forms & 1u << r->reading.target) printf("%s %s %.4f\n", name, m[i].name, m[i].get(ev));
    if (!ev->confusion || ev->classes > 20) return;
    printf("\nconfusion (rows: truth, columns: prediction)\n%12s", "");
    for (int b = 0; b < ev->classes; b++) printf(" %6d", b);
    for (int a = 0; a < ev->classes; a++) {
        char label[16];
        snprintf(label, sizeof label, "%d", a);
        printf("\n%12.12s", model->class_names && a < model->n_class_names ? model->class_names[a] : label);
        for (int b = 0; b < ev->classes; b++) printf(" %6lld", (long long)ev->confusion[(int64_t)a * ev->classes + b]);
    }
    printf("\n");
}

static gr_status evaluate(cli *c, const gr_model *model, const gr_recipe *r, gr_part part)
{
    gr_task task = {0};
    gr_engine engine = {0};
    gr_loader *loader = NULL;
    gr_evaluation ev = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__task_open(c->ctx, r, 1u << part, model, &task));
    GR_TRY(gr__engine_make(&task, false, 1u << part, &engine));
    GR_TRY(gr__engine_budget(&engine, r->memory));
    GR_TRY(gr__engine_start(&engine));
    GR_TRY(gr__model_load(c->ctx, model->file, model->path, engine.store));
    gr_loader_options o = gr__task_loader(&task, part, true);
    o.batch = gr__task_evaluation_batch(&task); /* in the order of the file, whatever the part */
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    GR_TRY(gr__loader_create(c->ctx, &o, &loader));
    cli_catch_signals();
    st = gr__evaluate(&engine, 0, loader, part, &cli_stop, &ev);
    if (st == GR_E_INTERRUPTED) GR_TRY(gr__fail(c->ctx, st, "interrupted"));
    if (st != GR_OK) goto done;
    if (part == GR_PART_TEST) GR_TRY(record_look(c, model->path, &ev));
    if (c->json) GR_TRY(print_json(c, r, &ev));
    else if (!c->quiet) print_text(model, r, part, &ev);
done:
    gr__evaluation_free(c->ctx, &ev);
    gr__loader_destroy(loader);
    gr__engine_close(&engine);
    gr__task_close(&task);
    return st;
}

static gr_status run(cli *c)
{
    gr_model model = {0};
    gr_recipe *other = NULL;
    gr_part part = GR_PART_TEST;
    gr_status st = GR_OK;
    GR_TRY(part_of(c, &part));
    GR_TRY(gr__model_open(c->ctx, c->argument[0], &model));
    gr_recipe r = *model.recipe;
    GR_TRY(use_data(c, cli_value(c, "data"), part, &r, &other));
    if (!other && c->n_sets) {
        double threads;
        for (int i = 0; i < c->n_sets; i++) {
            if (strncmp(c->set[i], "threads=", 8) != 0 || !gr__parse_number(c->set[i] + 8, &threads) || threads < 1)
                GR_TRY(gr__fail(c->ctx, GR_E_USAGE, "--set %s: without --data only --threads can be set", c->set[i]));
            r.threads = (int)threads;
        }
    } else if (other) {
        r.threads = other->threads;
    }
    GR_TRY(cli_resources(c, &r));
    GR_TRY(has_part(c, &r, part));
    if (part == GR_PART_TEST) GR_TRY(refuse_second_look(c, model.path));
    GR_TRY(evaluate(c, &model, &r, part));
done:
    if (other) gr__recipe_close(c->ctx, other);
    gr__model_close(&model);
    return st;
}

static const cli_flag flags[] = {
    {"data", "RECIPE", "the data of another recipe, or a source: '{type: npy, inputs: x.npy, targets: y.npy}'; prepared as the model was", 0},
    {"split", "PART", "train, validation or test (the default)", 0},
    {"once", NULL, "exit 1 if the test data was looked at before with this run's models", 0},
    {0},
};

const cli_command cmd_eval = {
    .name = "eval", .usage = "MODEL [--data RECIPE] [--split PART]", .summary = "Cost, error, metrics and confusion of a model",
    .help = "Costs are without penalty and smoothing. Looks at the test data are counted in the run's result.json.\n\n"
            "Example\n  gradus eval runs/fashion/best.safetensors\n",
    .flags = flags, .min_arguments = 1, .max_arguments = 1, .run = run};
