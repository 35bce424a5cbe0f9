/* What a run keeps: models, checkpoints, the result. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu/isa.h"
#include "base/file.h"
#include "base/json.h"
#include "model/model.h"
#include "train/loop.h"
#include "train/start.h"

/* ---- models ---- */

/* ---- weights with adapters: a model has their sums ---- */

typedef struct merged {
    gr_loop *loop;
    int view;
    const char *name; /* of the one at hand */
    const void *numbers;
} merged;

static bool is_adapter(void *user, const char *name)
{
    const merged *m = user;
    return gr__adapter_part(&m->loop->recipe->adapter, name);
}

static const void *merge(void *user, const char *name)
{
    merged *m = user;
    gr_engine *e = m->loop->engine;
    size_t n;
    const gr_param_info *p = gr__network_params(m->loop->task->network, &n);
    if (m->name == name) return m->numbers;
    m->name = name;
    m->numbers = NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(p[i].entry.name, name) != 0) continue;
        gr_engine_plan *plan = gr__engine_find(e, GR_RUN_MERGE, 1, 0, m->view + GR_MAX_VIEWS * (int)i);
        if (plan && gr_plan_run(plan->plan) == GR_OK) m->numbers = gr_plan_output(plan->plan, "merged", NULL);
    }
    return m->numbers;
}

/* The recipe of a model whose adapters are part of its weights. */
static const gr_tree *without_adapters(gr__bump *b, const gr_tree *resolved)
{
    gr_tree *t = gr__tree_without(b, resolved, "adapter");
    return gr__tree_put(b, t, "groups", gr__tree_text(b, "none")) ? t : NULL;
}

gr_status gr__loop_write_model(gr_loop *l, const char *path, int view)
{
    char trained[256];
    snprintf(trained, sizeof trained, "{\"steps\": %lld, \"samples\": %lld, \"version\": \"%s\"}", (long long)l->step,
             (long long)l->samples, GR_VERSION);
    const gr_task *t = l->task;
    merged m = {.loop = l, .view = view};
    const gr_computed made = {is_adapter, merge, &m};
    bool adapted = l->recipe->adapter.rank > 0;
    const gr_model_about about = {.recipe = l->recipe,
                                  .resolved = adapted ? without_adapters(t->memory, t->resolved) : t->resolved,
                                  .meaning = &t->meaning,
                                  .trained = trained,
                                  .slot = l->engine->view[view].slot,
                                  .made = adapted ? &made : NULL};
    if (!about.resolved) return GR_E_MEMORY;
    return gr__model_write(l->ctx, path, l->engine->store, &about);
}

gr_status gr__loop_save_model(gr_loop *l, const char *name, int view)
{
    return gr__loop_write_model(l, gr__run_path(l->run, name), view);
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

/* Of all parts that the run reads, each once. */
static void decoders(const gr_loop *l, char *text, size_t room)
{
    const gr_tree *const sources[] = {l->recipe->data.train, l->recipe->data.validation};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < GR_COUNT(sources); i++) {
        char one[128];
        const char *is = gr__source_libraries(l->ctx, sources[i], one, sizeof one);
        if (!is[0] || strstr(text, is) || used >= room) continue;
        used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "", is);
    }
}

gr_machine gr__loop_machine(const gr_loop *l)
{
    gr_machine o;
    snprintf(o.isa, sizeof o.isa, "%s",
             strcmp(l->recipe->device, "cpu") == 0 ? gr__isa_name(gr__isa_chosen()) : "float64");
    processor_model(o.processor, sizeof o.processor);
    decoders(l, o.libraries, sizeof o.libraries);
    return o;
}

/* What a resumed run is held against, beside the state itself. */
enum { FACTS = 10 + GR_PARTS };
typedef struct facts {
    gr_machine machine;
    char total[24], meaning[GR_MEANING_TEXT], metrics[GR_SUM_TEXT], data[GR_PARTS][GR_DATA_TEXT],
        balanced[GR_DATA_TEXT], exclude[GR_DATA_TEXT];
} facts;

static int put_facts(const gr_loop *l, facts *f, gr_st_pair *to)
{
    int n = 0;
    f->machine = gr__loop_machine(l);
    snprintf(f->total, sizeof f->total, "%lld", (long long)l->total);
    to[n++] = (gr_st_pair){"gradus.version", GR_VERSION};
    to[n++] = (gr_st_pair){"gradus.device", l->recipe->device};
    to[n++] = (gr_st_pair){"gradus.isa", f->machine.isa};
    to[n++] = (gr_st_pair){"gradus.processor", f->machine.processor};
    if (f->machine.libraries[0]) to[n++] = (gr_st_pair){GR_LIBRARIES_KEY, f->machine.libraries};
    to[n++] = (gr_st_pair){GR_TOTAL_KEY, f->total};
    to[n++] = (gr_st_pair){GR_MEANING_KEY, gr__meaning_text(l->task, f->meaning)};
    to[n++] = (gr_st_pair){GR_METRICS_KEY, gr__run_metrics_sum(l->run, f->metrics)};
    if (l->task->balanced) to[n++] = (gr_st_pair){GR_BALANCED_KEY, gr__balanced_text(l->task, f->balanced)};
    for (int p = 0; p < GR_PARTS; p++)
        if (l->data[p].samples) to[n++] = (gr_st_pair){gr__data_key(p), gr__data_sum_text(&l->data[p], f->data[p])};
    if (l->task->exclude.path) to[n++] = (gr_st_pair){GR_EXCLUDE_KEY, gr__exclude_text(l->task, f->exclude)};
    return n;
}

gr_status gr__loop_checkpoint(gr_loop *l)
{
    gr_states states;
    gr_st_pair pair[GR_LOOP_ROWS + FACTS];
    char text[GR_LOOP_ROWS][40], name[64];
    facts f;
    gr_status st = gr__run_metrics_flush(l->run, true);
    if (st == GR_OK) st = gr__events_flush(&l->run->events, true);
    if (st != GR_OK) return st;
    double before = l->seconds_before, seconds = gr__loop_seconds(l);
    gr__loop_states(l, &states);
    l->seconds_before = seconds;
    for (int i = 0; i < states.n; i++) {
        const gr_state_row *row = &states.row[i];
        if (row->kind == GR_STATE_I64)
            snprintf(text[i], sizeof text[i], "%lld", (long long)*(int64_t *)row->at);
        else
            gr__double_text(*(double *)row->at, text[i]); /* reads back to the same bits */
        pair[i] = (gr_st_pair){row->name, text[i]};
    }
    l->seconds_before = before;
    int n = states.n + put_facts(l, &f, pair + states.n);
    snprintf(name, sizeof name, "checkpoints/step-%lld.ckpt", (long long)l->step);
    st = gr__checkpoint_write(l->ctx, gr__run_path(l->run, name), l->engine->store, pair, n);
    if (st == GR_OK) gr__run_saved(l->run);
    if (st == GR_OK) st = gr__run_prune(l->run, l->recipe->checkpoint_keep);
    if (st == GR_OK) gr__run_path(l->run, name);
    return st;
}

/* ---- the result ---- */

static void put_real(json_t *o, const char *key, double x)
{
    json_object_set_new(o, key, gr__json_real(x));
}

/* The metric that chose it, where one does. */
static void put_best_by(json_t *best, const gr_loop *l)
{
    const gr_best_by *by = &l->recipe->best_by;
    char name[GR_FIGURE_TEXT], key[GR_FIGURE_TEXT + 16];
    if (by->what != GR_BEST_METRIC) return;
    const gr_metric_use *u = &l->task->metrics[by->head].use[by->metric];
    snprintf(key, sizeof key, "validation_%s", gr__head_figure(l->recipe, by->head, u->name, name));
    put_real(best, key, u->member->lower ? l->best_figure : -l->best_figure);
}

/* How things stood where patience would have ended a run that trained longer. */
static void put_patience(const gr_loop *l, json_t *o)
{
    if (!l->patience.step) return;
    json_t *then = json_object(), *best = json_object();
    json_object_set_new(then, "step", json_integer((json_int_t)l->patience.step));
    put_real(then, "validation_cost", l->patience.cost);
    put_real(then, "validation_error", l->patience.error);
    json_object_set_new(best, "step",
                        l->patience.best_step ? json_integer((json_int_t)l->patience.best_step) : json_null());
    put_real(best, "validation_cost", l->patience.best_cost);
    put_real(best, "validation_error", l->patience.best_error);
    json_object_set_new(then, "best", best);
    json_object_set_new(o, "patience", then);
}

/* Looks at the test data that `gradus eval` counted before this run went on: they are not forgotten. */
static void keep_looks(gr_loop *l, json_t *o)
{
    json_t *old = json_load_file(gr__run_path(l->run, "result.json"), 0, NULL), *test = json_object_get(old, "test");
    if (test) json_object_set(o, "test", test);
    json_decref(old);
}

/* {"rare": 30, "common": 900} */
static json_t *counts_of(const gr_task *t, int head, const int64_t *count)
{
    json_t *o = json_object();
    char name[32];
    bool named = t->meaning.class_names[head] != NULL;
    for (int c = 0; c < t->targets[head].classes; c++) {
        if (named && c >= t->meaning.classes[head]) break;
        snprintf(name, sizeof name, "%d", c);
        json_object_set_new(o, named ? t->meaning.class_names[head][c] : name, json_integer((json_int_t)count[c]));
    }
    return o;
}

/* The training rows of each class of the head whose classes are balanced, or of a lone head. */
static void put_data(const gr_loop *l, json_t *o)
{
    const gr_task *t = l->task;
    int head = t->balanced ? t->balanced_head : 0;
    if (!t->balanced && (l->recipe->n_heads > 1 || t->targets[0].classes == 0)) return;
    json_t *data = json_object();
    json_object_set_new(data, "classes", counts_of(t, head, t->targets[head].count));
    if (t->balanced) json_object_set_new(data, "balanced", counts_of(t, head, t->balanced));
    json_object_set_new(o, "data", data);
}

/* How many there are in each part that the run reads. */
static void put_samples(const gr_loop *l, json_t *o)
{
    json_t *samples = json_object();
    for (int p = 0; p < GR_PARTS; p++)
        if (p != GR_PART_TEST && l->task->set_of[p])
            json_object_set_new(samples, gr__part_name((gr_part)p), json_integer((json_int_t)l->task->count[p]));
    json_object_set_new(o, "samples", samples);
}

static void put_environment(const gr_loop *l, json_t *o)
{
    const gr_machine m = gr__loop_machine(l);
    json_t *of = json_pack("{s:s, s:s, s:s, s:s, s:o, s:I}", "version", GR_VERSION, "compiler", GR_COMPILER, "device",
                           l->recipe->device, "isa", m.isa, "processor", gr__json_string(m.processor), "threads",
                           (json_int_t)gr_context_threads(l->ctx));
    if (m.libraries[0]) json_object_set_new(of, "libraries", gr__json_string(m.libraries));
    json_object_set_new(o, "environment", of);
}

/* Of a run that starts from a model: where each layer came from, and how it is trained. */
static gr_status put_layers(const gr_loop *l, json_t *o)
{
    gr_layer_start *all;
    size_t n;
    if (!l->recipe->start.from) return GR_OK;
    gr_status st = gr__layer_starts(l->task->memory, l->recipe, l->task->network, &all, &n);
    if (st != GR_OK) return st;
    json_t *layers = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *one = json_pack("{s:s, s:s, s:b}", "name", all[i].name, "from", all[i].from, "frozen", all[i].frozen);
        put_real(one, "lr", all[i].lr);
        if (all[i].thaws) json_object_set_new(one, "unfreeze", json_string(all[i].thaws));
        if (all[i].adapter) json_object_set_new(one, "adapter", json_true());
        json_array_append_new(layers, one);
    }
    json_object_set_new(o, "layers", layers);
    return GR_OK;
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
    put_best_by(best, l);
    if (r->averaged) json_object_set_new(best, "weights", json_string(r->best_averaged ? "average" : "trained"));
    put_real(final, "train_cost", r->final_train_cost);
    put_real(final, "validation_cost", r->final_cost);
    put_real(final, "validation_error", r->final_error);
    json_object_set_new(o, "best", best);
    json_object_set_new(o, "final", final);
    put_patience(l, o);
    if (r->averaged) {
        json_t *average = json_pack("{s:I}", "collected", (json_int_t)r->averaged);
        put_real(average, "validation_cost", r->average_cost);
        put_real(average, "validation_error", r->average_error);
        json_object_set_new(o, "average", average);
    }
    if (l->solved.solves) json_object_set_new(o, "unsolved", json_integer((json_int_t)l->solved.all));
    if (r->diverged[0]) json_object_set_new(o, "diverged", json_string(r->diverged));
    put_samples(l, o);
    put_data(l, o);
    json_object_set_new(o, "peak_bytes", json_integer((json_int_t)r->peak_bytes));
    json_object_set_new(o, "planned_bytes", json_integer((json_int_t)r->planned_bytes));
    put_real(o, "seconds", r->seconds);
    json_object_set_new(o, "seed", json_integer((json_int_t)l->recipe->seed));
    put_environment(l, o);
    keep_looks(l, o);
    gr_status st = put_layers(l, o);
    if (st == GR_OK) st = gr__json_save(l->ctx, gr__run_path(l->run, "result.json"), o);
    json_decref(o);
    return st;
}

gr_status gr__loop_recipe(gr_loop *l)
{
    gr__text text;
    gr__text_init(&text, l->ctx);
    gr__tree_write(l->task->resolved, &text, 0);
    gr_status st =
        text.failed ? GR_E_MEMORY : gr__file_write(l->ctx, gr__run_path(l->run, "recipe.yaml"), text.s, text.n);
    gr__text_free(&text);
    return st;
}
