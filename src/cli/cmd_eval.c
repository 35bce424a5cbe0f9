/* gradus eval: cost, error, metrics and confusion of a model on data; looks at the test split are counted. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "cli/source.h"

typedef struct options {
    cli_source_options source;
    bool once;
} options;

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
    if (looks > 0 && ((const options *)c->options)->once) {
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

/* Training reads no test source, so that only here it shows that one has changed since the run's models were first held
 * against it. */
static void compare_data(cli *c, const json_t *last, const char *now)
{
    const char *then = json_string_value(json_object_get(last, "data"));
    if (!then || strcmp(then, now) == 0) return;
    gr__log(
        c->ctx, GR_LOG_WARNING,
        "the test data is not what this run's models were held against before (then %s; now %s): figures of the two "
        "do not compare",
        then, now);
}

static gr_status record_look(cli *c, const char *model, const char *data, const gr_evaluation *ev)
{
    char *path;
    json_t *o = run_result(c, model, &path);
    gr_status st = GR_OK;
    if (o) {
        const json_t *last = json_object_get(o, "test");
        json_int_t looks = json_integer_value(json_object_get(last, "evaluations"));
        compare_data(c, last, data);
        json_object_set_new(o, "test",
                            json_pack("{s:o, s:I, s:o, s:o, s:I, s:s}", "model", gr__json_string(model), "samples",
                                      (json_int_t)ev->samples, "cost_mean", gr__json_real(ev->cost_mean), "error",
                                      gr__json_real(ev->error), "evaluations", looks + 1, "data", data));
        st = gr__json_save(c->ctx, path, o);
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

/* What is told of a head. */
typedef struct told {
    const gr_model *model;
    int head;
    const gr_metrics *metrics;
    const gr_head_evaluation *ev;
    bool finite;
} told;

static told told_of(const gr_model *model, const gr_engine *e, const gr_evaluation *ev, int head)
{
    return (told){model, head, &e->metrics[head], &ev->head[head], ev->finite};
}

static const char *class_name(const told *t, int k, char *number, size_t n)
{
    return cli_class_name(t->model, t->head, k, number, n);
}

static void add_confusion(gr_result *r, const told *t)
{
    char number[24];
    const gr_head_evaluation *ev = t->ev;
    json_t *rows = json_array();
    const char **names = gr__result_alloc(r, sizeof *names * (size_t)ev->classes);
    for (int a = 0; a < ev->classes && names; a++) {
        json_t *row = json_array();
        for (int b = 0; b < ev->classes; b++)
            json_array_append_new(row, json_integer(ev->confusion[(int64_t)a * ev->classes + b]));
        json_array_append_new(rows, row);
        names[a] = gr__result_text(r, "%s", class_name(t, a, number, sizeof number));
    }
    gr__result_list(r, "classes", (gr_list){.text = names, .n = (size_t)ev->classes});
    gr__result_json(r, "confusion", rows);
}

static void add_head(gr_result *r, const told *t)
{
    json_t *metrics = json_object();
    for (int i = 0; i < t->metrics->n; i++)
        json_object_set_new(metrics, t->metrics->use[i].name, gr__json_real(t->ev->metric[i]));
    gr__result_put(r, "cost_mean=%g cost_sum=%g error=%g", t->ev->cost_mean, t->ev->cost_sum, t->ev->error);
    gr__result_json(r, "metrics", metrics);
    bool classes = t->model->recipe->head[t->head].reading.target == GR_FORM_CLASS;
    if (t->ev->confusion)
        add_confusion(r, t);
    else if (classes) /* not finite, or of too many classes */
        gr__result_put(r, "confusion");
}

static void add_members(gr_result *r, const gr_model *model, const gr_engine *e, const gr_evaluation *ev)
{
    const gr_recipe *recipe = model->recipe;
    gr__result_put(r, "samples=%jd", ev->samples);
    if (ev->solves) gr__result_put(r, "unsolved=%jd", ev->unsolved);
    if (recipe->heads_named) gr__result_put(r, "cost_mean=%g", ev->cost_mean);
    for (int h = 0; h < ev->n_heads; h++) {
        const told t = told_of(model, e, ev, h);
        r->within = recipe->heads_named ? gr__result_text(r, "heads/%s/", recipe->head[h].name) : NULL;
        add_head(r, &t);
    }
    r->within = NULL;
}

/* Characters of a name, and its bytes of which at most so many are shown. */
static int characters(const char *s, int most, int *bytes)
{
    int n = 0;
    for (*bytes = 0; s[*bytes] && n < most; n++) {
        size_t step = gr__utf8_bytes((const unsigned char *)s + *bytes, strlen(s + *bytes));
        *bytes += step ? (int)step : 1;
    }
    return n;
}

/* A name at the right of a column so wide. */
static void note_name(gr_result *r, const char *name, int width)
{
    char shown[200];
    name = gr__shown(shown, sizeof shown, name, strlen(name));
    int bytes, n = characters(name, width, &bytes);
    gr__result_note(r, " %*s%.*s", width - n, "", bytes, name);
}

static void note_confusion(gr_result *r, const told *t)
{
    enum { LEAST = 6, MOST = 12 };
    const gr_head_evaluation *ev = t->ev;
    char number[24];
    int width = LEAST, bytes;
    for (int a = 0; a < ev->classes; a++)
        width = GR_MAX(width, characters(class_name(t, a, number, sizeof number), MOST, &bytes));
    gr__result_note(r, "\nconfusion (rows: truth, columns: prediction)\n%*s", width + 1, "");
    for (int b = 0; b < ev->classes; b++) note_name(r, class_name(t, b, number, sizeof number), width);
    for (int a = 0; a < ev->classes; a++) {
        gr__result_note(r, "\n");
        note_name(r, class_name(t, a, number, sizeof number), width);
        for (int b = 0; b < ev->classes; b++)
            gr__result_note(r, " %*lld", width, (long long)ev->confusion[(int64_t)a * ev->classes + b]);
    }
    gr__result_note(r, "\n");
}

/* of: the part, and the head where it has a name. */
static void note_head(gr_result *r, const told *t, const char *of)
{
    const gr_head_evaluation *ev = t->ev;
    gr__result_note(r, "%s cost %.6f (sum %.6g)\n%s error %.4f\n", of, ev->cost_mean, ev->cost_sum, of, ev->error);
    for (int i = 0; i < t->metrics->n; i++)
        if (isfinite(ev->metric[i]))
            gr__result_note(r, "%s %s %.4f\n", of, t->metrics->use[i].name, ev->metric[i]);
        else
            gr__result_note(r, "%s %s none\n", of, t->metrics->use[i].name);
    if (ev->confusion && ev->classes <= 20) note_confusion(r, t);
}

static void note_all(gr_result *r, const gr_model *model, const gr_engine *e, gr_part part, const gr_evaluation *ev)
{
    const gr_recipe *recipe = model->recipe;
    const char *name = gr__part_name(part);
    char of[200];
    gr__result_note(r, "%s samples %lld\n", name, (long long)ev->samples);
    if (!ev->finite) {
        gr__result_note(r, "%s cost, error and metrics: none, outputs or cost are not finite\n", name);
        return;
    }
    if (recipe->heads_named) gr__result_note(r, "%s cost %.6f\n", name, ev->cost_mean);
    for (int h = 0; h < ev->n_heads; h++) {
        const told t = told_of(model, e, ev, h);
        snprintf(of, sizeof of, "%s%s%s", name, recipe->heads_named ? " " : "",
                 recipe->heads_named ? recipe->head[h].name : "");
        note_head(r, &t, of);
    }
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
    gr__evaluation_warn(c->ctx, gr__part_name(part), &ev);
    char data[GR_DATA_TEXT];
    if (part == GR_PART_TEST) GR_TRY(gr__task_data_text(&task, part, data));
    if (part == GR_PART_TEST) GR_TRY(record_look(c, model->path, data, &ev));
    gr_result *found = cli_result(c);
    add_members(found, model, &engine, &ev);
    note_all(found, model, &engine, part, &ev);
    st = cli_show(c, found);
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
    gr_status st = cli_source_open(c, &((const options *)c->options)->source, &s);
    if (st == GR_OK && s.part == GR_PART_TEST) st = refuse_second_look(c, s.model.path);
    if (st == GR_OK) st = evaluate(c, &s.model, &s.recipe, s.part);
    cli_source_close(c, &s);
    return st;
}

static const cli_option rows[] = {
    CLI_SOURCE_OPTIONS(options, source, GR_PART_TEST, "test"),
    CLI_OPTION(options, once, SWITCH, "once", NULL,
               "exit 1 if the test data was looked at before with this run's models"),
};

GR_COMMAND(eval) = {
    .name = "eval",
    .place = 2,
    .usage = "MODEL [--data RECIPE] [--split PART]",
    .summary = "Cost, error, metrics and confusion of a model",
    .help = "Costs are without penalty and smoothing. Looks at the test data are counted in the run's result.json.\n\n"
            "Example\n  gradus eval runs/fashion/best.safetensors\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
