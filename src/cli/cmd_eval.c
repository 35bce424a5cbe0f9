/* gradus eval: cost, error, metrics and confusion of a model on data; looks at the test split are counted. */
#include <string.h>

#include "base/file.h"
#include "cli/ensemble.h"
#include "cli/evaluation.h"
#include "study/baseline/baseline.h"

typedef struct options {
    cli_source_options source;
    cli_threshold_options threshold;
    cli_ensemble_options ensemble;
} options;

/* ---- what the run says of its test data ---- */

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

static json_t *read_result(cli *c, const char *path)
{
    char *data;
    size_t n;
    if (!gr__file_exists(path) || gr__file_read(c->ctx, path, 1 << 20, &data, &n) != GR_OK) {
        gr_context_clear_error(c->ctx);
        return NULL;
    }
    json_t *o = json_loadb(data, n, 0, NULL);
    gr__free(c->ctx, data, n + 1);
    return o;
}

/* The run's result says what was found last, and how often its models were evaluated on test data. */
static gr_status record_result(cli *c, const char *model, const char *data, const gr_evaluation *ev)
{
    char *folder = gr__path_folder(c->ctx, model);
    char *path = folder ? gr__path_join(c->ctx, folder, "result.json") : NULL;
    json_t *o = path ? read_result(c, path) : NULL;
    gr_status st = path ? GR_OK : GR_E_MEMORY;
    if (o) {
        const json_t *last = json_object_get(o, "test");
        json_int_t looks = json_integer_value(json_object_get(last, "evaluations")); /* this one too */
        compare_data(c, last, data);
        json_object_set_new(o, "test",
                            json_pack("{s:o, s:I, s:o, s:o, s:I, s:s}", "model", gr__json_string(model), "samples",
                                      (json_int_t)ev->samples, "cost_mean", gr__json_real(ev->cost_mean), "error",
                                      gr__json_real(ev->error), "evaluations", looks, "data", data));
        st = gr__json_save(c->ctx, path, o);
    }
    if (st == GR_E_WRITE) { /* a read-only run folder does not stop an evaluation */
        gr__log(c->ctx, GR_LOG_WARNING, "the test figures could not be recorded: %s",
                gr_context_error(c->ctx)->message);
        gr_context_clear_error(c->ctx);
        st = GR_OK;
    }
    json_decref(o);
    gr__strfree(c->ctx, folder);
    gr__strfree(c->ctx, path);
    return st;
}

static gr_status record(cli *c, const cli_source *s, const gr_task *t, const gr_evaluation *ev)
{
    char data[GR_DATA_TEXT];
    const options *o = c->options;
    if (s->part != GR_PART_TEST) return GR_OK;
    gr_status st = gr__task_data_text(t, s->part, data);
    if (st == GR_OK) st = cli_source_seen(c, &o->source, s, data);
    return st == GR_OK ? record_result(c, s->model.path, data, ev) : st;
}

/* ---- simple models of the run ---- */

static const gr_column baseline_columns[] = {
    GR_COLUMN(gr_baseline_kept, name, TEXT, "name", GR_SHOWN("baseline", -20)),
    GR_COLUMN(gr_baseline_kept, error, REAL, "validation_error", GR_SHOWN("error", 9), .digits = 4),
    GR_COLUMN(gr_baseline_kept, seconds, REAL, "seconds"),
};

/* Of the same validation part, whichever part is evaluated now. */
static gr_status add_baselines(cli *c, gr_result *r, const gr_model *m)
{
    const gr_baseline_kept *all;
    size_t n;
    char *folder = gr__path_folder(c->ctx, m->path);
    gr_status st = folder ? gr__baselines_read(c->ctx, c->memory, folder, m->recipe, &all, &n) : GR_E_MEMORY;
    gr__strfree(c->ctx, folder);
    if (st != GR_OK || n == 0) return st;
    gr__result_note(r, "\nSimple models on this run's validation data, by gradus baseline\n");
    GR_TABLE(r, "baselines", baseline_columns, all, n);
    return GR_OK;
}

/* ---- evaluating ---- */

static gr_status evaluate(cli *c, const cli_source *s)
{
    cli_threshold threshold[GR_MAX_TARGETS];
    gr_pass p = {0};
    gr_evaluation ev = {0};
    gr_status st = GR_OK;
    GR_TRY(cli_threshold_choose(c, &s->model, &s->recipe, &((const options *)c->options)->threshold, threshold));
    GR_TRY(gr__pass_open(c->ctx, &s->model, &s->recipe, s->part, false, &p));
    for (int h = 0; h < s->recipe.n_heads; h++)
        if (threshold[h].given) p.engine.threshold[h] = &threshold[h].is;
    GR_TRY(cli_pass_run(c, &p, &ev));
    GR_TRY(record(c, s, &p.task, &ev));
    const cli_evaluation all = {&s->model, &p.engine, &ev, threshold};
    gr_result *found = cli_result(c);
    cli_evaluation_add(found, &all);
    cli_evaluation_note(found, &all, s->part);
    GR_TRY(add_baselines(c, found, &s->model));
    st = cli_show(c, found);
done:
    gr__evaluation_free(c->ctx, &ev);
    gr__pass_close(&p);
    return st;
}

/* ---- several models ---- */

static gr_status check_threshold(cli *c, const cli_source *s, cli_threshold *threshold)
{
    const cli_threshold_options *o = &((const options *)c->options)->threshold;
    if (o->by || (o->threshold && strcmp(o->threshold, "best") == 0))
        return gr__fail(c->ctx, GR_E_USAGE, "--threshold best chooses for one model; with --ensemble give a number");
    return cli_threshold_parse(c, &s->model, o->threshold, threshold);
}

/* Each of the models has looked at the test data then. */
static gr_status record_looks(cli *c, const cli_source *s, const gr_task *t, const cli_ensemble *e)
{
    const options *o = c->options;
    char data[GR_DATA_TEXT];
    if (s->part != GR_PART_TEST) return GR_OK;
    gr_status st = gr__task_data_text(t, s->part, data);
    if (st == GR_OK) st = cli_source_seen(c, &o->source, s, data);
    for (int i = 1; i < e->n && st == GR_OK; i++) st = cli_test_seen(c, e->voice[i].model.path, data);
    return st;
}

static void add_ensemble(gr_result *r, const cli_ensemble *e)
{
    double *weight = gr__result_alloc(r, sizeof *weight * (size_t)e->n);
    const char **model = gr__result_alloc(r, sizeof *model * (size_t)e->n);
    for (int i = 0; i < e->n && weight && model; i++) {
        weight[i] = e->mixing.weight ? e->mixing.weight[i] : 1.0 / e->n;
        model[i] = gr__result_text(r, "%s", e->voice[i].model.path);
        gr__result_note(r, "%.6f  %s\n", weight[i], model[i]);
    }
    gr__result_note(r, "\n");
    gr__result_list(r, "models", (gr_list){.text = model, .n = (size_t)e->n});
    gr__result_list(r, "weights", (gr_list){.real = weight, .n = (size_t)e->n});
    gr__result_put(r, "average=%s", cli_average_words[e->mixing.logits]);
}

static gr_status evaluate_together(cli *c, const cli_source *s, cli_ensemble *e)
{
    cli_threshold threshold[GR_MAX_TARGETS];
    gr_together *t = NULL;
    gr_evaluation ev = {0};
    const gr_model *const *models = cli_ensemble_models(c, e);
    gr_status st = models ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(check_threshold(c, s, threshold));
    GR_TRY(cli_ensemble_mix(c, &((const options *)c->options)->ensemble, &s->recipe, e));
    GR_TRY(gr__together_open(c->ctx, models, e->n, &s->recipe, s->part, &t));
    for (int h = 0; h < s->recipe.n_heads; h++)
        if (threshold[h].given) gr__together_engine(t)->threshold[h] = &threshold[h].is;
    cli_catch_signals();
    GR_TRY(gr__together_evaluate(t, &e->mixing, &cli_stop, &ev));
    gr__evaluation_warn(c->ctx, gr__part_name(s->part), &ev);
    GR_TRY(record_looks(c, s, gr__together_task(t), e));
    const cli_evaluation all = {&s->model, gr__together_engine(t), &ev, threshold};
    gr_result *found = cli_result(c);
    add_ensemble(found, e);
    cli_evaluation_add(found, &all);
    cli_evaluation_note(found, &all, s->part);
    st = cli_show(c, found);
done:
    gr__evaluation_free(c->ctx, &ev);
    gr__together_close(t);
    return st;
}

static gr_status together(cli *c, const cli_source *s)
{
    const char *model[CLI_MAX_GIVEN], *other[CLI_MAX_GIVEN];
    int n_models, n_others;
    cli_ensemble e = {0};
    gr_status st = cli_ensemble_arguments(c, model, &n_models, other, &n_others);
    if (st == GR_OK && n_others) st = gr__fail(c->ctx, GR_E_FORMAT, "--ensemble: %s is no model", other[0]);
    if (st == GR_OK) st = cli_ensemble_open(c, model, n_models, &e);
    if (st == GR_OK) st = evaluate_together(c, s, &e);
    cli_ensemble_close(c, &e);
    return st;
}

static gr_status run(cli *c)
{
    cli_source s = {0};
    const options *o = c->options;
    gr_status st = cli_ensemble_check(c, &o->ensemble);
    if (st == GR_OK && !o->ensemble.several && c->n_arguments > 1)
        st = gr__fail(c->ctx, GR_E_USAGE, "eval: several models are evaluated together, with --ensemble");
    if (st == GR_OK) st = cli_source_open(c, &o->source, &s);
    if (st == GR_OK) st = o->ensemble.several ? together(c, &s) : evaluate(c, &s);
    cli_source_close(c, &s);
    return st;
}

static const cli_option rows[] = {
    CLI_SOURCE_OPTIONS(options, source, GR_PART_TEST, "test"),
    CLI_OPTION(options, threshold.threshold, TEXT, "threshold", "P|best",
               CLI_THRESHOLD_HELP "; best: chosen on the validation data"),
    CLI_OPTION(options, threshold.by, TEXT, "threshold-by", "METRIC",
               "what a threshold is best by: f1 unless given, precision, mcc, '{type: f1, average: macro}', ..."),
    CLI_ENSEMBLE_OPTIONS(options, ensemble),
};

GR_COMMAND(eval) = {
    .name = "eval",
    .place = 3,
    .usage = "MODEL [--data RECIPE] [--split PART] [--threshold P|best] [--ensemble MODEL... [--average "
             "probabilities|logits] [--weights A,B,...|validation]]",
    .summary = "Cost, error, metrics, a table of the classes and confusion of a model",
    .help =
        "Costs are without penalty and smoothing; all figures are from counts over the whole part. Beside the metrics "
        "stand those of a model that always\n"
        "answers the class that is most frequent in training.\n"
        "Every look at the test data, by whatever command, is a line in the run's test-looks.jsonl, or beside a model "
        "that lies elsewhere in\n"
        "MODEL.looks.json, and a second one is warned of: a model that was chosen by its test error has none "
        "left that says how good it is.\n\n"
        "Examples\n  gradus eval runs/fashion/best.safetensors\n"
        "  gradus eval runs/rare/best.safetensors --threshold best --once     the threshold by F1 on validation, then "
        "one look at the test data\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = CLI_MAX_GIVEN,
    .run = run};
