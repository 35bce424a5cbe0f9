/* gradus eval: cost, error, metrics and confusion of a model on data; looks at the test split are counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/json.h"
#include "cli/source.h"

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
        st = gr__fail(
            c->ctx, GR_E_CHECK,
            "the test data has been looked at %lld time%s with this run's models already, and --once allows one",
            (long long)looks, looks == 1 ? "" : "s");
    } else if (looks > 0) {
        gr__log(c->ctx, GR_LOG_WARNING,
                "the test data has been looked at %lld time%s with this run's models: choosing by it makes its error "
                "too good",
                (long long)looks, looks == 1 ? "" : "s");
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
        json_t *test = json_pack("{s:s, s:I, s:f, s:f, s:I}", "model", model, "samples", (json_int_t)ev->samples,
                                 "cost_mean", ev->cost_mean, "error", ev->error, "evaluations", looks + 1);
        if (test)
            json_object_set_new(
                o, "test",
                test); /* a cost that is not finite cannot be packed: the look is then counted below all the same */
        else
            json_object_set_new(o, "test", json_pack("{s:s, s:I}", "model", model, "evaluations", looks + 1));
        char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
        st = text ? gr__file_write(c->ctx, path, text, strlen(text))
                  : gr__fail(c->ctx, GR_E_MEMORY, "no memory for %s", path);
        free(text);
    }
    json_decref(o);
    gr__strfree(c->ctx, path);
    if (st == GR_E_WRITE) { /* a read-only run folder does not stop an evaluation */
        gr__log(c->ctx, GR_LOG_WARNING, "the look at the test data could not be recorded: %s",
                gr_context_error(c->ctx)->message);
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
            for (int b = 0; b < ev->classes; b++)
                json_array_append_new(row, json_integer(ev->confusion[(int64_t)a * ev->classes + b]));
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
    printf("%s samples %lld\n%s cost %.6f (sum %.6g)\n%s error %.4f\n", name, (long long)ev->samples, name,
           ev->cost_mean, ev->cost_sum, name, ev->error);
    for (int i = 0; i < n; i++)
        if (m[i].forms & 1u << r->reading.target) printf("%s %s %.4f\n", name, m[i].name, m[i].get(ev));
    if (!ev->confusion || ev->classes > 20) return;
    printf("\nconfusion (rows: truth, columns: prediction)\n%12s", "");
    for (int b = 0; b < ev->classes; b++) printf(" %6d", b);
    for (int a = 0; a < ev->classes; a++) {
        char number[16], label[16];
        snprintf(number, sizeof number, "%d", a);
        const char *class_ = model->class_names && a < model->n_class_names ? model->class_names[a] : number;
        printf("\n%12s", gr__shown(label, 13, class_, strlen(class_)));
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
    if (c->json)
        GR_TRY(print_json(c, r, &ev));
    else if (!c->quiet)
        print_text(model, r, part, &ev);
done:
    gr__evaluation_free(c->ctx, &ev);
    gr__loader_destroy(loader);
    gr__engine_close(&engine);
    gr__task_close(&task);
    return st;
}

static gr_status run(cli *c)
{
    cli_source s = {0};
    gr_status st = cli_source_open(c, GR_PART_TEST, &s);
    if (st == GR_OK && s.part == GR_PART_TEST) st = refuse_second_look(c, s.model.path);
    if (st == GR_OK) st = evaluate(c, &s.model, &s.recipe, s.part);
    cli_source_close(c, &s);
    return st;
}

static const cli_flag flags[] = {
    CLI_SOURCE_FLAGS("test"),
    {"once", NULL, "exit 1 if the test data was looked at before with this run's models", 0},
    {0},
};

const cli_command cmd_eval = {
    .name = "eval",
    .usage = "MODEL [--data RECIPE] [--split PART]",
    .summary = "Cost, error, metrics and confusion of a model",
    .help = "Costs are without penalty and smoothing. Looks at the test data are counted in the run's result.json.\n\n"
            "Example\n  gradus eval runs/fashion/best.safetensors\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
