/* What a run came to: figures of result.json, and of metrics.jsonl where there is none. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "study/baseline/baseline.h"
#include "study/report/parts.h"

/* ---- what is asked of a run ---- */

static bool tells_classes(const gr_read_run *run)
{
    const gr_recipe *r = run->recipe ? run->recipe : run->best.recipe;
    return r && r->n_heads == 1 && r->head[0].reading.target == GR_FORM_CLASS;
}

/* Of a run that tells one class of each sample: its error as a share, with what is not known of it; else as it is. */
static const char *error_text(gr_report *r, const gr_read_run *run, double error)
{
    double n = gr__run_number(run, "samples/validation"), low, high;
    bool one_each = tells_classes(run) && run->recipe &&
                    gr_shape_count(run->recipe->head[0].output) == run->recipe->head[0].metric_scope.classes;
    if (!tells_classes(run)) return gr__document_text(&r->document, "%.6g", error);
    if (!(one_each && n > 0)) return gr__document_text(&r->document, "%.2f %%", 100 * error);
    gr__share_interval(error, n, &low, &high);
    return gr__document_text(&r->document, "%.2f %% (%.2f to %.2f %% at 95 %%, %lld samples)", 100 * error, 100 * low,
                             100 * high, (long long)n);
}

/* How it ended, in words. */
static const char *ending(gr_report *r, const gr_read_run *run)
{
    static const char *const words[][2] = {
        {"epochs", "it ended as planned, after all epochs"},
        {"steps", "it ended as planned, after all updates"},
        {"patience", "it ended because the model got no better for as long as stop.patience allows"},
        {"target", "it ended because the validation error was below its target"},
        {"seconds", "it ended because its time was up"},
        {"asked", "it ended because a watcher asked for it"},
        {"interrupted", "it was interrupted, and can be resumed"},
        {"diverged", "it diverged"},
    };
    const char *reason = gr__run_text(run, "stop_reason"), *at = gr__run_text(run, "diverged");
    for (size_t i = 0; reason && i < GR_COUNT(words); i++)
        if (strcmp(words[i][0], reason) == 0)
            return gr__document_text(&r->document, "%s%s%s", words[i][1], at ? ": " : "", at ? at : "");
    return reason ? reason : run->no_result;
}

/* The last line of the history that has the key; NaN: none. */
static double last_of(const gr_history *h, const char *key)
{
    const double *c = gr__history_column(h, key);
    for (size_t i = h->n; c && i > 0; i--)
        if (!isnan(c[i - 1])) return c[i - 1];
    return NAN;
}

/* The line of the least validation error, or cost where heads have no common one. False: nothing was validated. */
static bool best_line(const gr_history *h, size_t *at)
{
    const double *c = gr__history_column(h, "validation_error");
    bool any = false;
    if (!c) c = gr__history_column(h, "validation_cost");
    for (size_t i = 0; c && i < h->n; i++) {
        if (isnan(c[i]) || (any && c[i] >= c[*at])) continue;
        *at = i;
        any = true;
    }
    return any;
}

static const char *size_text(gr_report *r, double bytes)
{
    char size[32];
    gr__size_text((uint64_t)bytes, size, sizeof size);
    return gr__document_text(&r->document, "%s", size);
}

/* Samples of a run by its seconds; NaN: not known. */
static double speed(const gr_read_run *run)
{
    double seconds = last_of(&run->history, "seconds"), samples = last_of(&run->history, "samples");
    return seconds > 0 ? samples / seconds : (double)NAN;
}

/* A number for reading: "11200", "87.3". */
static const char *plain(gr_report *r, double x)
{
    return x >= 100 ? gr__document_text(&r->document, "%.0f", x) : gr__document_text(&r->document, "%.3g", x);
}

/* ---- the verdict ---- */

static const char *best_text(gr_report *r, const gr_read_run *run)
{
    double step = gr__run_number(run, "best/step"), steps = gr__run_number(run, "steps"),
           cost = gr__run_number(run, "best/validation_cost"), error = gr__run_number(run, "best/validation_error");
    size_t at = 0;
    bool estimated = false;
    if (!run->result) {
        bool any = best_line(&run->history, &at);
        const double *s = gr__history_column(&run->history, "step"),
                     *c = gr__history_column(&run->history, "validation_cost"),
                     *e = gr__history_column(&run->history, "validation_error");
        step = any && s ? s[at] : (double)NAN;
        cost = any && c ? c[at] : (double)NAN;
        error = any && e ? e[at] : (double)NAN;
        steps = last_of(&run->history, "step");
        estimated = true;
    }
    const char *first = estimated ? "Best so far" : "Best";
    if (!isnan(step)) first = gr__document_text(&r->document, "%s after update %.0f of %.0f", first, step, steps);
    if (isnan(step) && isnan(steps)) return "Nothing is recorded yet";
    if (isnan(cost) && isnan(error))
        return gr__document_text(&r->document,
                                 "%.0f updates; nothing was validated, so the last model counts as the best", steps);
    return isnan(error) ? gr__document_text(&r->document, "%s: validation cost %.6g", first, cost)
                        : gr__document_text(&r->document, "%s: validation error %s, cost %.6g", first,
                                            error_text(r, run, error), cost);
}

static const char *took_text(gr_report *r, const gr_read_run *run)
{
    double seconds = run->result ? gr__run_number(run, "seconds") : last_of(&run->history, "seconds"),
           rate = speed(run), planned = gr__run_number(run, "planned_bytes"), peak = gr__run_number(run, "peak_bytes");
    const char *all = isnan(seconds) ? "" : gr__document_text(&r->document, "%s s", plain(r, seconds));
    if (isfinite(rate)) all = gr__document_text(&r->document, "%s, %s samples a second", all, plain(r, rate));
    if (isfinite(planned) && isfinite(peak))
        all = gr__document_text(&r->document, "%s; memory: %s planned, %s at most", all, size_text(r, planned),
                                size_text(r, peak));
    return all;
}

void gr__report_verdict(gr_report *r, const gr_read_run *run, bool lead)
{
    gr_document *d = &r->document;
    const char *best = best_text(r, run), *end = ending(r, run), *took = took_text(r, run);
    if (lead) {
        gr__document_lead(d, "%s; %s.", best, end);
        if (*took) gr__document_lead(d, "%s.", took);
        gr__document_lead(d, "Run %s", run->folder);
        return;
    }
    gr__document_words(d, "%s; %s.", best, end);
    if (*took) gr__document_words(d, "%s.", took);
}

/* ---- figures as they stand in the file ---- */

static void put_value(gr_report *r, const char *path, const json_t *v)
{
    gr_document *d = &r->document;
    char number[32];
    const char *key;
    const json_t *inner;
    bool bytes = strlen(path) > 6 && strcmp(path + strlen(path) - 6, "_bytes") == 0;
    if (json_is_object(v)) {
        json_object_foreach((json_t *)v, key, inner) put_value(r, gr__document_text(d, "%s %s", path, key), inner);
        return;
    }
    if (json_is_number(v) && bytes)
        gr__document_term(d, path, "%s (%s)", gr__json_number(json_number_value(v), number),
                          size_text(r, json_number_value(v)));
    else if (json_is_number(v))
        gr__document_term(d, path, "%s", gr__json_number(json_number_value(v), number));
    else
        gr__document_term(d, path, "%s",
                          json_is_string(v)  ? json_string_value(v)
                          : json_is_null(v)  ? "none"
                          : json_is_true(v)  ? "true"
                          : json_is_false(v) ? "false"
                                             : "...");
}

/* Classes and machine have sections of their own. */
void gr__report_terms(gr_report *r, const gr_read_run *run)
{
    const char *key;
    const json_t *value;
    if (!run->result) {
        gr__report_miss(r, "The result", run->no_result);
        return;
    }
    json_object_foreach(run->result, key, value)
    {
        if (strcmp(key, "data") == 0 || strcmp(key, "environment") == 0 || json_is_array(value)) continue;
        put_value(r, key, value);
    }
}

void gr__report_environment(gr_report *r, const gr_read_run *run)
{
    const json_t *env = gr__run_at(run, "environment"), *value;
    const char *key;
    if (!json_is_object(env)) {
        gr__report_miss(r, "What the run was made with",
                        run->result ? "its result.json does not say it; it is of an older version" : run->no_result);
        return;
    }
    json_object_foreach((json_t *)env, key, value) put_value(r, key, value);
}

/* ---- what a network has to beat ---- */

gr_status gr__report_baselines(gr_report *r, const gr_read_run *run)
{
    static const char *const heading[] = {"model", "validation error", "seconds"};
    const gr_recipe *recipe = run->recipe ? run->recipe : run->best.recipe;
    const gr_baseline_kept *all;
    gr_document *d = &r->document;
    size_t n = 0;
    gr_status st = recipe ? gr__baselines_read(r->ctx, r->memory, run->folder, recipe, &all, &n) : GR_OK;
    if (st != GR_OK || n == 0) return st;
    double seconds = gr__run_number(run, "seconds");
    gr_written_table *t = gr__document_table(d, "Simple models on the same parts, by gradus baseline, and the network",
                                             GR_COUNT(heading));
    for (size_t i = 0; i < GR_COUNT(heading) && t->heading; i++) t->heading[i] = heading[i];
    for (size_t i = 0; i < n; i++) {
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", all[i].name);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", error_text(r, run, all[i].error));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", plain(r, all[i].seconds));
    }
    gr__document_cell(d, t, GR_CELL_HEAD, "the network, at its best");
    gr__document_cell(d, t, GR_CELL_NUMBER, "%s", error_text(r, run, gr__run_number(run, "best/validation_error")));
    gr__document_cell(d, t, GR_CELL_NUMBER, "%s", isnan(seconds) ? "\xE2\x80\x93" : plain(r, seconds));
    return GR_OK;
}

/* ---- several ---- */

static void put_number(gr_report *r, gr_written_table *t, double x)
{
    char number[32];
    gr__document_cell(&r->document, t, GR_CELL_NUMBER, "%s", isnan(x) ? "\xE2\x80\x93" : gr__json_number(x, number));
}

void gr__report_results(gr_report *r)
{
    static const char *const heading[] = {"run",     "best update", "validation cost", "validation error", "updates",
                                          "seconds", "samples/s",   "parameters",      "peak memory",      "ended by"};
    static const char *const key[] = {"best/step", "best/validation_cost", "best/validation_error", "steps"};
    gr_document *d = &r->document;
    gr_written_table *t =
        gr__document_table(d, "What the runs came to, as their result.json has it", GR_COUNT(heading));
    for (size_t i = 0; i < GR_COUNT(heading) && t->heading; i++) t->heading[i] = heading[i];
    for (int i = 0; i < r->n_runs; i++) {
        const gr_read_run *run = &r->run[i];
        double peak = gr__run_number(run, "peak_bytes"), rate = speed(run), seconds = gr__run_number(run, "seconds");
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", run->label);
        for (size_t k = 0; k < GR_COUNT(key); k++) put_number(r, t, gr__run_number(run, key[k]));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", isnan(seconds) ? "\xE2\x80\x93" : plain(r, seconds));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", isnan(rate) ? "\xE2\x80\x93" : plain(r, rate));
        put_number(r, t, gr__run_number(run, "parameters"));
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", isnan(peak) ? "\xE2\x80\x93" : size_text(r, peak));
        const char *reason = gr__run_text(run, "stop_reason");
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", reason ? reason : "no result yet");
    }
    for (int i = 0; i < r->n_runs; i++)
        if (!r->run[i].result)
            gr__report_miss(r, gr__document_text(d, "The result of %s", r->run[i].label), r->run[i].no_result);
}
