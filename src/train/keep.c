/* What a run keeps: models, checkpoints, the result. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu/isa.h"
#include "base/file.h"
#include "model/model.h"
#include "train/loop.h"

/* ---- models ---- */

gr_status gr__loop_save_model(gr_loop *l, const char *name, int view)
{
    char trained[256];
    snprintf(trained, sizeof trained, "{\"steps\": %lld, \"samples\": %lld, \"version\": \"%s\"}", (long long)l->step,
             (long long)l->samples, GR_VERSION);
    const gr_task *t = l->task;
    const gr_model_about about = {.recipe = l->recipe,
                                  .prepared = t->prepared,
                                  .n_prepared = t->n_prepared,
                                  .class_names = t->class_names,
                                  .n_class_names = t->class_names ? t->classes : 0,
                                  .schema = &t->schema,
                                  .targets = t->targets,
                                  .trained = trained,
                                  .slot = l->engine->view[view].slot};
    return gr__model_write(l->ctx, gr__run_path(l->run, name), l->engine->store, &about);
}

/* ---- checkpoints ---- */

static void processor_model(char *text, size_t n)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");
    snprintf(text, n, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(text, n, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (f) fclose(f);
}

typedef struct origin {
    char isa[16], processor[256];
} origin;

static origin here(const gr_loop *l)
{
    origin o;
    snprintf(o.isa, sizeof o.isa, "%s",
             strcmp(l->recipe->device, "cpu") == 0 ? gr__isa_name(gr__isa_chosen()) : "float64");
    processor_model(o.processor, sizeof o.processor);
    return o;
}

gr_status gr__loop_checkpoint(gr_loop *l)
{
    gr_state_row rows[GR_LOOP_ROWS];
    gr_st_pair state[GR_LOOP_ROWS + 4];
    char text[GR_LOOP_ROWS][40], name[64];
    int n = gr__loop_state(l, rows);
    gr_status st = gr__run_metrics_flush(l->run, true);
    if (st != GR_OK) return st;
    double before = l->seconds_before, seconds = gr__loop_seconds(l);
    l->seconds_before = seconds;
    for (int i = 0; i < n; i++) {
        if (rows[i].kind == GR_STATE_I64)
            snprintf(text[i], sizeof text[i], "%lld", (long long)*(int64_t *)rows[i].at);
        else
            gr__double_text(*(double *)rows[i].at, text[i]); /* reads back to the same bits */
        state[i] = (gr_st_pair){rows[i].name, text[i]};
    }
    l->seconds_before = before;
    origin o = here(l);
    state[n++] = (gr_st_pair){"gradus.version", GR_VERSION};
    state[n++] = (gr_st_pair){"gradus.device", l->recipe->device};
    state[n++] = (gr_st_pair){"gradus.isa", o.isa};
    state[n++] = (gr_st_pair){"gradus.processor", o.processor};
    snprintf(name, sizeof name, "checkpoints/step-%lld.ckpt", (long long)l->step);
    st = gr__checkpoint_write(l->ctx, gr__run_path(l->run, name), l->engine->store, state, n);
    if (st == GR_OK) gr__run_prune(l->run, l->recipe->checkpoint_keep);
    if (st == GR_OK) gr__run_path(l->run, name);
    return st;
}

static void warn_elsewhere(gr_loop *l, const gr_st *ck)
{
    origin o = here(l);
    const char *isa = gr__st_meta(ck, "gradus.isa"), *processor = gr__st_meta(ck, "gradus.processor");
    if (isa && processor && (strcmp(isa, o.isa) != 0 || strcmp(processor, o.processor) != 0))
        gr__log(l->ctx, GR_LOG_WARNING,
                "this run began on %s (%s), this is %s (%s): it goes on, but not to the same bits", processor, isa,
                o.processor, o.isa);
}

static gr_status read_state(gr_loop *l, const gr_st *ck, const char *path)
{
    gr_state_row rows[GR_LOOP_ROWS];
    int n = gr__loop_state(l, rows);
    for (int i = 0; i < n; i++) {
        const char *text = gr__st_meta(ck, rows[i].name);
        char *end;
        if (!text) return gr__fail(l->ctx, GR_E_FORMAT, "%s has no %s", path, rows[i].name);
        bool good = *text != 0;
        if (rows[i].kind == GR_STATE_I64)
            *(int64_t *)rows[i].at = strtoll(text, &end, 10), good &= *end == 0;
        else if (strcmp(text, "nan") == 0)
            *(double *)rows[i].at = NAN;
        else
            good = gr__parse_number(text, rows[i].at);
        if (!good) return gr__fail(l->ctx, GR_E_FORMAT, "%s: %s is \"%.40s\", not a number", path, rows[i].name, text);
    }
    if (l->step < 0 || l->epoch < 0 || l->index < 0 || l->index >= l->batches || l->metrics_bytes < 0)
        return gr__fail(l->ctx, GR_E_FORMAT, "%s: it was made with other data or batches than the recipe's", path);
    return GR_OK;
}

/* The recipe of a resumed run may differ in what changes no bit of the training so far: when to stop, log, keep, how
 * fast to run. */
static gr_status same_recipe(gr_loop *l)
{
    static const char *const free_keys[] = {"stop", "threads", "memory",   "checkpoint",
                                            "log",  "name",    "validate", "metrics"};
    gr__bump *b = gr__bump_create(l->ctx);
    gr_tree *old = NULL;
    if (!b) return GR_E_MEMORY;
    char path[4096];
    snprintf(path, sizeof path, "%s/recipe.yaml", l->options->out);
    gr_status st = gr__file_exists(path) ? gr__yaml_read(l->ctx, b, path, &old) : GR_OK;
    for (int i = 0; st == GR_OK && old && i < l->recipe->resolved->n; i++) {
        const char *key = l->recipe->resolved->key[i];
        bool open = false;
        for (size_t k = 0; k < GR_COUNT(free_keys); k++) open |= strcmp(key, free_keys[k]) == 0;
        const gr_tree *was = gr__tree_get(old, key);
        if (open || (was && gr__tree_equal(was, l->recipe->resolved->child[i]))) continue;
        st = gr__fail(l->ctx, GR_E_CONFLICT, "%s was made with another %s; a resumed run keeps its recipe",
                      l->options->out, key);
        gr__error_place(l->ctx, l->recipe->path, 0, 0, key);
        gr__error_hint(
            l->ctx,
            "only stop, validate, metrics, checkpoint, log, memory and threads may change; --overwrite starts over");
    }
    gr__bump_destroy(b);
    return st;
}

gr_status gr__loop_resume(gr_loop *l, bool *resumed)
{
    gr_st *ck = NULL;
    int64_t step;
    char path[4096];
    *resumed = false;
    gr_status st = same_recipe(l);
    if (st == GR_OK) st = gr__run_newest(l->run, &ck, &step, path, sizeof path);
    if (st != GR_OK || !ck) return st;
    GR_TRY(gr__checkpoint_apply(l->ctx, ck, path, l->engine->store));
    GR_TRY(read_state(l, ck, path));
    warn_elsewhere(l, ck);
    GR_TRY(gr__run_metrics_open(l->run, l->metrics_bytes));
    snprintf(l->run->path, sizeof l->run->path, "%s", path);
    *resumed = true;
done:
    gr__st_close(ck);
    return st;
}

/* ---- the result ---- */

static void put_real(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, isfinite(x) ? json_real(x) : json_null());
}

/* Looks at the test data that `gradus eval` counted before this run went on: they are not forgotten. */
static void keep_looks(gr_loop *l, json_t *o)
{
    json_t *old = json_load_file(gr__run_path(l->run, "result.json"), 0, NULL), *test = json_object_get(old, "test");
    if (test) json_object_set(o, "test", test);
    json_decref(old);
}

gr_status gr__loop_result(gr_loop *l, const gr_train_result *r)
{
    json_t *o = json_object(), *best = json_object(), *final = json_object();
    json_object_set_new(o, "stop_reason", json_string(gr__reason_name(r->reason)));
    json_object_set_new(o, "steps", json_integer(r->steps));
    put_real(o, "epochs", r->epochs);
    json_object_set_new(o, "parameters", json_integer(r->parameters));
    if (r->best_step)
        json_object_set_new(best, "step", json_integer(r->best_step));
    else
        json_object_set_new(best, "step", json_null());
    put_real(best, "validation_cost", r->best_cost);
    put_real(best, "validation_error", r->best_error);
    if (r->averaged) json_object_set_new(best, "weights", json_string(r->best_averaged ? "average" : "trained"));
    put_real(final, "train_cost", r->final_train_cost);
    put_real(final, "validation_cost", r->final_cost);
    put_real(final, "validation_error", r->final_error);
    json_object_set_new(o, "best", best);
    json_object_set_new(o, "final", final);
    if (r->averaged) {
        json_t *average = json_pack("{s:I}", "collected", (json_int_t)r->averaged);
        put_real(average, "validation_cost", r->average_cost);
        put_real(average, "validation_error", r->average_error);
        json_object_set_new(o, "average", average);
    }
    if (r->diverged[0]) json_object_set_new(o, "diverged", json_string(r->diverged));
    json_object_set_new(o, "peak_bytes", json_integer((json_int_t)r->peak_bytes));
    json_object_set_new(o, "planned_bytes", json_integer((json_int_t)r->planned_bytes));
    put_real(o, "seconds", r->seconds);
    json_object_set_new(o, "seed", json_integer((json_int_t)l->recipe->seed));
    keep_looks(l, o);
    char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(o);
    if (!text) return gr__fail(l->ctx, GR_E_MEMORY, "no memory for result.json");
    gr_status st = gr__file_write(l->ctx, gr__run_path(l->run, "result.json"), text, strlen(text));
    free(text);
    return st;
}

gr_status gr__loop_recipe(gr_loop *l)
{
    gr__text text;
    gr__text_init(&text, l->ctx);
    gr__tree_write(l->recipe->resolved, &text, 0);
    gr_status st =
        text.failed ? GR_E_MEMORY : gr__file_write(l->ctx, gr__run_path(l->run, "recipe.yaml"), text.s, text.n);
    gr__text_free(&text);
    return st;
}
