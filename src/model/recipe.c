/* Opening recipes: the file, --set, other files' models, and the check of every key. Each part of a recipe is read by
 * one function that fills the values the trainer reads and gives that part's resolved form. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "model/network.h"
#include "model/reader.h"
#include "model/section.h"
#include "model/stack.h"

enum { PARTS = 40 };

/* ---- what this version does not have ---- */

gr_status gr__recipe_neutral(gr__recipe_reader *k, const gr_tree *t)
{
    bool zero = t && t->kind == GR_TREE_MAP; /* {l2: 0.0, l1: 0.0} */
    for (int i = 0; zero && i < t->n; i++) zero = gr__tree_is_number(t->child[i]) && t->child[i]->number == 0;
    if (gr__tree_none(t) || zero || (t->kind == GR_TREE_LIST && t->n == 0)) return GR_OK;
    return gr__tree_fail(k->ctx, t, GR_E_UNSUPPORTED, "leave it out, or write none",
                         "this version of gradus does not have it yet");
}

/* ---- single values ---- */

static int row_of(const char *key)
{
    for (int i = 0; i < gr__section_recipe.n_rows; i++)
        if (strcmp(gr__section_recipe.rows[i].name, key) == 0) return i;
    return -1;
}

gr_status gr__recipe_part(gr__recipe_reader *k, const char *key, gr_tree *resolved)
{
    if (!resolved) return GR_E_MEMORY;
    k->part[row_of(key)] = resolved;
    return GR_OK;
}

static gr_status keep(gr__recipe_reader *k, const char *key)
{
    return gr__recipe_part(k, key, gr__tree_copy(k->b, gr__setting_tree(&k->top, key)));
}

/* The recipe's file name without its ending. */
static char *stem(gr__bump *b, const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    size_t n = dot && dot != from ? (size_t)(dot - from) : strlen(from);
    return gr__bump_format(b, "%.*s", (int)GR_MIN(n, 200), from);
}

static gr_status read_name(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    r->name = gr__setting_text(&k->top, "name");
    if (!r->name) {
        r->name = stem(k->b, r->path);
        if (!r->name) return GR_E_MEMORY;
        if (!*r->name) r->name = "run";
    }
    const gr_tree *at = gr__setting_tree(&k->top, "name");
    size_t n = strlen(r->name), wrong;
    if (n == 0 || n > 200 || strpbrk(r->name, "/\n\r\t") || !gr__is_text(r->name, n, &wrong) ||
        strcmp(r->name, ".") == 0 || strcmp(r->name, "..") == 0)
        return gr__tree_fail(k->ctx, at ? at : k->root, GR_E_RANGE, "name: it becomes the run folder runs/NAME",
                             "\"%s\" cannot name a folder", r->name);
    return gr__recipe_part(k, "name", gr__tree_text(k->b, r->name));
}

static gr_status read_device(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    const gr_tree *at = gr__setting_tree(&k->top, "device");
    r->float64 = gr__setting_is(&k->top, "precision", "float64");
    r->device = gr__setting_text(&k->top, "device");
    if (strcmp(r->device, "auto") == 0) r->device = r->float64 ? "ref" : "cpu";
    if (strcmp(r->device, "cuda") == 0)
        return gr__tree_fail(k->ctx, at, GR_E_UNSUPPORTED, "device: cpu | ref",
                             "this version of gradus does not have it yet");
    if (r->float64 && strcmp(r->device, "cpu") == 0)
        return gr__tree_fail(k->ctx, at, GR_E_CONFLICT, "write device: ref, or leave it out",
                             "precision float64 is computed on ref, not on cpu");
    gr_status st = keep(k, "precision");
    if (st == GR_OK) st = gr__recipe_store(k);
    return st == GR_OK ? gr__recipe_part(k, "device", gr__tree_text(k->b, r->device)) : st;
}

/* A size above 0. */
static gr_status read_size(gr__recipe_reader *k, const gr_tree *t, const char *example, const char *zero, uint64_t *out)
{
    char shown[200];
    bool scalar = gr__tree_is_number(t) || t->kind == GR_TREE_TEXT;
    if (!scalar || !gr__parse_size(t->text, out))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, example, "%s is not a size", gr__tree_show(t, shown, sizeof shown));
    if (*out == 0) return gr__tree_fail(k->ctx, t, GR_E_RANGE, zero, "a budget of 0 bytes holds nothing");
    return GR_OK;
}

static gr_status read_memory(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "memory");
    if (gr__tree_none(t)) return gr__recipe_part(k, "memory", gr__tree_text(k->b, "none"));
    gr_status st =
        read_size(k, t, "memory: none, or bytes such as 512M or 2G", "memory: none is no limit", &k->r->memory);
    return st == GR_OK ? keep(k, "memory") : st;
}

static gr_status read_serving_limit(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "limit");
    gr_settings s;
    if (gr__tree_none(t)) return gr__recipe_part(k, "limit", gr__tree_text(k->b, "none"));
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_serving, t, k->r->preset, &s);
    if (st != GR_OK) return st;
    const gr_tree *bytes = gr__setting_tree(&s, "serving_bytes");
    if (!gr__tree_none(bytes))
        st = read_size(k, bytes, "serving_bytes: none, or bytes such as 256K or 2M", "serving_bytes: none is no limit",
                       &k->r->serving_limit);
    return st == GR_OK ? gr__recipe_part(k, "limit", gr__section_tree(k->b, &s)) : st;
}

static gr_status read_hold(gr__recipe_reader *k)
{
    const gr_tree *t = gr__setting_tree(&k->top, "hold");
    char shown[200];
    uint64_t bytes;
    k->r->data.hold = k->r->memory / 2;
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, "auto") == 0) return keep(k, "hold");
    bool scalar = gr__tree_is_number(t) || t->kind == GR_TREE_TEXT;
    if (!scalar || !gr__parse_size(t->text, &bytes))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, "hold: auto, or bytes such as 512M", "%s is not a size",
                             gr__tree_show(t, shown, sizeof shown));
    k->r->data.hold = GR_MAX(bytes, 1); /* one byte holds as little as none; 0 is what `auto` is */
    return keep(k, "hold");
}

/* A word, or a whole number from 1 to most. */
static gr_status read_count(gr__recipe_reader *k, const gr_tree *t, const char *word, int64_t most, int64_t *out)
{
    char shown[200];
    *out = 0;
    if (t->kind == GR_TREE_TEXT && strcmp(t->text, word) == 0) return GR_OK;
    if (t->kind != GR_TREE_INT || !gr__tree_int(t, out))
        return gr__tree_fail(k->ctx, t, GR_E_TYPE, NULL, "%s is neither a whole number nor \"%s\"",
                             gr__tree_show(t, shown, sizeof shown), word);
    if (*out < 1 || *out > most)
        return gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "%s is not in [1, %lld]", t->text, (long long)most);
    return GR_OK;
}

gr_status gr__recipe_batch(gr__recipe_reader *k, const gr_tree *t)
{
    return read_count(k, t, "all", 1000000000, &k->r->data.batch);
}

static gr_status read_threads(gr__recipe_reader *k)
{
    int64_t n;
    gr_status st = read_count(k, gr__setting_tree(&k->top, "threads"), "auto", 1024, &n);
    k->r->threads = (int)n;
    if (st == GR_OK) st = read_count(k, gr__setting_tree(&k->top, "workers"), "auto", 256, &n);
    k->r->data.workers = (int)n;
    if (st == GR_OK) st = keep(k, "threads");
    return st == GR_OK ? keep(k, "workers") : st;
}

static gr_project_phase read_phase(const gr__recipe_reader *k)
{
    static const char *const names[] = {
        [GR_PROJECT_DESIGN] = "design", [GR_PROJECT_NEW] = "new", [GR_PROJECT_ESTABLISHED] = "established"};
    const char *word = gr__setting_text(&k->top, "phase");
    for (int i = GR_PROJECT_DESIGN; word && i <= GR_PROJECT_ESTABLISHED; i++)
        if (strcmp(word, names[i]) == 0) return (gr_project_phase)i;
    return GR_PROJECT_NONE;
}

static gr_status read_numbers(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_status st = GR_OK;
    r->preset = gr__setting_is(&k->top, "preset", "paper")   ? GR_PRESET_PAPER
                : gr__setting_is(&k->top, "preset", "torch") ? GR_PRESET_TORCH
                                                             : GR_PRESET_CHAPTER;
    r->phase = read_phase(k);
    r->seed = (uint64_t)gr__setting_int(&k->top, "seed");
    r->accumulate = gr__setting_int(&k->top, "accumulate");
    r->algorithm = gr__setting_is(&k->top, "algorithm", "exact")    ? GR_ALGORITHM_EXACT
                   : gr__setting_is(&k->top, "algorithm", "direct") ? GR_ALGORITHM_DIRECT
                                                                    : GR_ALGORITHM_AUTO;
    static const char *const kept[] = {"gradus", "preset", "seed", "accumulate", "algorithm"};
    for (size_t i = 0; i < GR_COUNT(kept); i++) GR_TRY(keep(k, kept[i]));
    GR_TRY(gr__tree_none(gr__setting_tree(&k->top, "phase")) ? gr__recipe_part(k, "phase", gr__tree_text(k->b, "none"))
                                                             : keep(k, "phase"));
    GR_TRY(read_name(k));
    GR_TRY(read_device(k));
    GR_TRY(read_memory(k));
    GR_TRY(read_serving_limit(k));
    GR_TRY(read_hold(k));
    GR_TRY(read_threads(k));
done:
    return st;
}

/* ---- times ---- */

/* `17`, `1 epoch`, `2 epochs`. */
static gr_status read_every(gr__recipe_reader *k, const gr_tree *t, gr_every *out)
{
    static const struct {
        const char *word;
        gr_every_unit unit;
    } units[] = {{"", GR_EVERY_UPDATES}, {"epoch", GR_EVERY_EPOCHS}, {"epochs", GR_EVERY_EPOCHS}};
    char shown[200];
    size_t digits = t->text ? strspn(t->text, "0123456789") : 0;
    const char *unit = t->text ? t->text + digits + strspn(t->text + digits, " ") : NULL;
    for (size_t i = 0; digits > 0 && digits < 13 && i < GR_COUNT(units); i++) {
        if (strcmp(unit, units[i].word) != 0) continue;
        *out = (gr_every){0, units[i].unit};
        for (size_t d = 0; d < digits; d++) out->n = out->n * 10 + (t->text[d] - '0');
        return out->n > 0 ? GR_OK
                          : gr__tree_fail(k->ctx, t, GR_E_RANGE, NULL, "%s is not in [1, 999999999999]", t->text);
    }
    return gr__tree_fail(k->ctx, t, GR_E_TYPE, "`17` counts updates, `1 epoch` epochs", "%s says no interval",
                         gr__tree_show(t, shown, sizeof shown));
}

static gr_status read_interval(gr__recipe_reader *k, const char *key, const gr_member *section, bool by_default,
                               gr_every *out, gr_settings *s)
{
    const gr_tree *t = gr__tree_get(k->root, key);
    if (t ? gr__tree_none(t) : !by_default) {
        *out = (gr_every){0};
        return gr__recipe_part(k, key, gr__tree_text(k->b, "none"));
    }
    gr_status st = gr__section_make(k->ctx, k->b, section, t, k->r->preset, s);
    if (st == GR_OK) st = read_every(k, gr__setting_tree(s, "every"), out);
    return st == GR_OK ? gr__recipe_part(k, key, gr__section_tree(k->b, s)) : st;
}

/* A schedule that learns from evaluations needs some, and validation data if it looks at their error. */
static gr_status check_observation(gr__recipe_reader *k, bool validates)
{
    const gr_sched *s = &k->r->sched;
    const char *name = s->member->head.name;
    if (s->member->wants_validation && s->member->wants_validation(&s->settings) && !validates)
        return gr__tree_fail(k->ctx, s->settings.tree, GR_E_CONFLICT, "such as data.validation: {split: 0.1}",
                             "%s watches the validation error, and there is no validation data", name);
    if (k->r->validate.n) return GR_OK;
    return gr__tree_fail(k->ctx, s->settings.tree, GR_E_CONFLICT, "such as validate: {every: 1 epoch}",
                         "%s changes the rate at evaluations, but validate is none", name);
}

static gr_status read_snapshots(gr__recipe_reader *k, const gr_tree *t)
{
    gr_recipe *r = k->r;
    if (gr__tree_none(t)) return GR_OK;
    r->snapshot_cycles = t->kind == GR_TREE_TEXT && strcmp(t->text, "cycle") == 0;
    if (!r->snapshot_cycles) return read_every(k, t, &r->snapshots);
    if (!r->sched.member->constant) return GR_OK;
    return gr__tree_fail(k->ctx, t, GR_E_CONFLICT, "schedule: {type: restarts}, or snapshots: 2 epochs",
                         "a constant rate has no cycles");
}

static gr_status read_log(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    const gr_tree *given = gr__tree_get(k->root, "log"), *histograms, *pictures;
    gr_settings s;
    gr_status st = GR_OK;
    if (given && gr__tree_none(given))
        GR_TRY(
            gr__tree_fail(k->ctx, given, GR_E_TYPE, "log: {every: 100} writes fewer lines", "a run always has a log"));
    GR_TRY(read_interval(k, "log", &gr__section_log, true, &r->log, &s));
    r->events = gr__setting_bool(&s, "events");
    r->live = strcmp(gr__setting_text(&s, "terminal"), "live") == 0;
    histograms = gr__setting_tree(&s, "histograms");
    pictures = gr__setting_tree(&s, "pictures");
    if (!gr__tree_none(histograms)) GR_TRY(read_every(k, histograms, &r->histograms));
    if (!gr__tree_none(pictures)) GR_TRY(read_every(k, pictures, &r->pictures));
    if (!r->events && (r->histograms.n || r->pictures.n))
        GR_TRY(gr__tree_fail(k->ctx, r->histograms.n ? histograms : pictures, GR_E_CONFLICT,
                             "leave log.events out, or this", "it is written to events/, and log.events is false"));
done:
    return st;
}

static gr_status read_times(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_settings s;
    bool validates = r->data.validation || r->data.split_validation > 0, observes = r->sched.member->observe != NULL;
    gr_status st = read_interval(k, "validate", &gr__section_validate, validates || observes, &r->validate, &s);
    if (st == GR_OK && observes) st = check_observation(k, validates);
    if (st != GR_OK) return st;
    if (r->validate.n && !validates && !observes)
        gr__log(k->ctx, GR_LOG_WARNING, "%s: validate: there is no validation data, so nothing is validated", r->path);
    GR_TRY(read_interval(k, "checkpoint", &gr__section_checkpoint, true, &r->checkpoint, &s));
    if (r->checkpoint.n)
        r->checkpoint_keep = (int)gr__setting_int(&s, "keep");
    else
        r->checkpoint_keep = 2; /* an interrupted run writes one all the same */
    if (r->checkpoint.n) GR_TRY(read_snapshots(k, gr__setting_tree(&s, "snapshots")));
    st = read_log(k);
done:
    return st;
}

/* ---- members of families ---- */

/* Labels can be drawn where the cost is that of a class by its probability. */
static gr_status check_drawn(gr__recipe_reader *k)
{
    const gr_recipe *r = k->r;
    for (int i = 0; i < r->optim.n_methods; i++) {
        const gr_method *m = &r->optim.method[i];
        for (int h = 0; h < r->n_heads && gr__method_draws(m); h++)
            if (!r->head[h].cost->likelihood)
                return gr__tree_fail(
                    k->ctx, gr__setting_tree(&k->top, "optimizer"), GR_E_CONFLICT, "write estimator: hutchinson",
                    "%s estimates curvature by labels that it draws from a softmax, and the cost is %s",
                    m->member->head.name, r->head[h].cost->head.name);
    }
    return GR_OK;
}

/* What stands around the optimizer. */
static gr_status read_updates(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_status st = GR_OK;
    GR_TRY(gr__optim_make(k->ctx, k->b, gr__setting_tree(&k->top, "optimizer"), r->preset, &r->optim));
    GR_TRY(gr__recipe_part(k, "optimizer", gr__optim_tree(k->b, &r->optim)));
    GR_TRY(check_drawn(k));
    if (r->optim.method[0].member->whole_set && r->accumulate > 1)
        GR_TRY(gr__tree_fail(k->ctx, gr__setting_tree(&k->top, "accumulate"), GR_E_CONFLICT,
                             "leave it out, or take sgd", "%s takes the whole training set in each update",
                             r->optim.method[0].member->head.name));
    GR_TRY(gr__clip_make(k->ctx, gr__setting_tree(&k->top, "clip"), r->preset, &r->clip));
    GR_TRY(gr__recipe_part(k, "clip", gr__clip_tree(k->b, &r->clip)));
    GR_TRY(gr__penalty_make(k->ctx, k->b, gr__setting_tree(&k->top, "penalty"), r->preset, &r->penalties));
    if (r->penalties.proximal && gr__optim_averages(&r->optim))
        GR_TRY(
            gr__tree_fail(k->ctx, gr__tree_get(gr__setting_tree(&k->top, "penalty"), "l1_step"), GR_E_CONFLICT,
                          "write l1_step: subgradient",
                          "a proximal step is taken behind each update, and the weights of %s are an average of many",
                          gr__optim_averages(&r->optim)));
    GR_TRY(gr__recipe_part(k, "penalty", gr__penalty_tree(k->b, &r->penalties)));
    GR_TRY(gr__groups_make(k->ctx, k->b, gr__setting_tree(&k->top, "groups"), &r->groups));
    GR_TRY(gr__groups_check_method(k->ctx, &r->groups, &r->optim));
    GR_TRY(gr__recipe_part(k, "groups", gr__groups_tree(k->b, &r->groups)));
    GR_TRY(
        gr__lookahead_make(k->ctx, k->b, gr__setting_tree(&k->top, "lookahead"), r->preset, &r->optim, &r->lookahead));
    GR_TRY(gr__recipe_part(k, "lookahead", gr__lookahead_tree(k->b, &r->lookahead, &r->optim)));
    GR_TRY(gr__average_make(k->ctx, k->b, gr__setting_tree(&k->top, "average"), r->preset, &r->average));
    GR_TRY(gr__recipe_part(k, "average", gr__average_tree(k->b, &r->average)));
    GR_TRY(gr__sam_make(k->ctx, k->b, gr__setting_tree(&k->top, "sam"), r->preset, &r->sam));
    GR_TRY(gr__recipe_part(k, "sam", gr__sam_tree(k->b, &r->sam)));
    GR_TRY(gr__prune_make(k->ctx, k->b, gr__setting_tree(&k->top, "prune"), r->preset, &r->prune));
    GR_TRY(gr__recipe_part(k, "prune", gr__prune_tree(k->b, &r->prune)));
done:
    return st;
}

static gr_status read_members(gr__recipe_reader *k)
{
    gr_recipe *r = k->r;
    gr_tree *init;
    gr_status st = gr__init_resolve(k->ctx, k->b, gr__setting_tree(&k->top, "init"), r->preset, &init);
    if (st != GR_OK) return st;
    r->init = gr__setting_tree(&k->top, "init");
    GR_TRY(gr__recipe_part(k, "init", init));
    GR_TRY(read_updates(k));
    GR_TRY(gr__sched_make(k->ctx, k->b, gr__setting_tree(&k->top, "schedule"), r->preset, &r->sched));
    for (int i = 0; i < r->optim.n_methods; i++) GR_TRY(gr__sched_check_rate(k->ctx, &r->sched, r->optim.method[i].lr));
    GR_TRY(gr__recipe_part(k, "schedule", gr__sched_tree(k->b, &r->sched)));
done:
    return st;
}

/* ---- the whole ---- */

/* What the resolved recipe holds must survive being written and read: paths and names that are no text would not. */
static gr_status check_texts(gr_context *ctx, const gr_tree *t, const char *path)
{
    size_t at;
    gr_status st = GR_OK;
    if (t->kind == GR_TREE_TEXT && (!gr__is_text(t->text, strlen(t->text), &at) || strstr(t->text, "${"))) {
        char key[256];
        st = gr__fail(ctx, GR_E_RANGE, "a path or name in it is not plain UTF-8 text");
        gr__error_place(ctx, path, 0, 0, gr__tree_path(t, key, sizeof key));
    }
    for (int i = 0; i < t->n && st == GR_OK; i++) st = check_texts(ctx, t->child[i], path);
    return st;
}

static gr_status assemble(gr__recipe_reader *k)
{
    gr_tree *resolved = gr__tree_map(k->b);
    for (int i = 0; i < gr__section_recipe.n_rows; i++) /* `cost` or `heads`: one of them has no part */
        if (k->part[i] && !gr__tree_put(k->b, resolved, gr__section_recipe.rows[i].name, k->part[i]))
            return GR_E_MEMORY;
    k->r->resolved = resolved;
    return check_texts(k->ctx, resolved, k->r->path);
}

static gr_status refuse_double_softmax(gr__recipe_reader *k, const gr_head *head)
{
    const gr_tree *at;
    const char *name = gr__stack_ends_with(k->r->stack, head->from, &at);
    const gr_layer *l = *name ? (const gr_layer *)gr__family_peek(k->ctx, &gr__family_layer, at) : NULL;
    if (!l || l->gives == GR_PREDICT_VALUES || l->gives != head->reading.prediction) return GR_OK;
    return gr__tree_fail(k->ctx, at, GR_E_CONFLICT, "leave it out: the cost and `predict` apply it themselves",
                         "%s before %s, which contains it already", name, head->cost->head.name);
}

/* Shapes that do not fit are the recipe's fault, and found before any data is read. */
static gr_status try_network(gr__recipe_reader *k)
{
    gr_network *n = NULL;
    gr_status st = gr__network_make(k->ctx, k->r, NULL, &n);
    if (st == GR_OK) {
        size_t count, n_states;
        const gr_param_info *params = gr__network_params(n, &count);
        const gr_entry_spec *states = gr__network_states(n, &n_states);
        st = gr__groups_check(k->ctx, &k->r->groups, params, count, states, n_states);
        if (st == GR_OK) st = gr__recipe_check_adapter(k, n);
    }
    for (int h = 0; h < k->r->n_heads && st == GR_OK; h++) {
        gr_head *head = &k->r->head[h];
        head->output = gr__network_output(n, h);
        head->reading = head->cost->reading(head->output);
        st = refuse_double_softmax(k, head);
    }
    gr__network_destroy(n);
    return st;
}

static gr_status read_all(gr__recipe_reader *k)
{
    gr_status st = gr__section_make(k->ctx, k->b, &gr__section_recipe, k->root, GR_PRESET_CHAPTER, &k->top);
    if (st != GR_OK) return st;
    GR_TRY(read_numbers(k));
    GR_TRY(gr__recipe_heads(k));
    GR_TRY(gr__recipe_model(k));
    GR_TRY(gr__recipe_start(k));
    GR_TRY(gr__recipe_remat(k));
    GR_TRY(gr__recipe_adapter(k));
    GR_TRY(read_members(k));
    GR_TRY(try_network(k)); /* what the targets are depends on its outputs */
    GR_TRY(gr__recipe_keep_model(k));
    GR_TRY(gr__recipe_data(k));
    if (k->r->optim.method[0].member->whole_set) k->r->data.batch = 0; /* all of it, whatever `data.batch` says */
    GR_TRY(gr__recipe_metrics(k));
    GR_TRY(gr__recipe_keep_heads(k));
    GR_TRY(read_times(k));
    GR_TRY(gr__recipe_stop(k));
    GR_TRY(assemble(k));
done:
    return st;
}

gr_status gr__recipe_from_tree(gr_context *ctx, gr__bump *b, gr_tree *tree, const char *path, const char *folder,
                               gr_recipe **out)
{
    gr_tree *parts[PARTS] = {0};
    gr__recipe_reader k = {.ctx = ctx, .b = b, .root = tree, .part = parts};
    if (gr__section_recipe.n_rows > PARTS) return gr__fail(ctx, GR_E_INTERNAL, "more sections than parts");
    gr_recipe *r = gr__bump_alloc(b, sizeof *r);
    if (!r || !(r->path = gr__bump_strdup(b, path)) || !(r->folder = gr__bump_strdup(b, folder))) return GR_E_MEMORY;
    r->tree = tree;
    r->ctx = ctx;
    r->memory_owner = b;
    k.r = r;
    gr_status st = gr__recipe_include(ctx, b, tree, folder);
    if (st == GR_OK) st = read_all(&k);
    if (st == GR_OK) *out = r;
    return st;
}

gr_status gr__recipe_settings(gr_context *ctx, gr__bump *b, gr_tree *root, const char *folder, const char *const *sets,
                              int n_sets)
{
    gr_status st = GR_OK;
    for (int i = 0; i < n_sets && st == GR_OK; i++) {
        /* A setting inside of the layers reaches into the file or network that `model` names; other keys of a zoo
         * network are its options.
         */
        if (strncmp(sets[i], "model.layers", 12) == 0 ||
            (strncmp(sets[i], "model.", 6) == 0 && gr__tree_get(root, "model") &&
             gr__tree_get(root, "model")->kind == GR_TREE_TEXT))
            st = gr__recipe_include(ctx, b, root, folder);
        if (st == GR_OK) st = gr__recipe_set(ctx, b, root, "--set", sets[i]);
    }
    return st;
}

static gr_status check_root(gr_context *ctx, const gr_tree *root, const char *path)
{
    char shown[200];
    if (root->kind == GR_TREE_MAP) return GR_OK;
    return gr__mistaken_recipe(ctx, path,
                               gr__tree_fail(ctx, root, GR_E_TYPE, "`gradus new` writes one to start from",
                                             "a recipe is a map of keys, not %s",
                                             gr__tree_show(root, shown, sizeof shown)));
}

static gr_status from_root(gr_context *ctx, gr__bump *b, gr_tree *root, const char *path, const char *folder,
                           const char *const *sets, int n_sets, gr_recipe **out)
{
    gr_status st = check_root(ctx, root, path);
    if (st == GR_OK) st = gr__recipe_settings(ctx, b, root, folder, sets, n_sets);
    return st == GR_OK ? gr__recipe_from_tree(ctx, b, root, path, folder, out) : st;
}

gr_status gr__recipe_from_text(gr_context *ctx, const char *name, const char *folder, const char *text, size_t n,
                               const char *const *sets, int n_sets, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *root;
    if (!b) return GR_E_MEMORY;
    gr_status st = gr__yaml_parse(ctx, b, name, text, n, &root);
    if (st == GR_OK) st = from_root(ctx, b, root, name, folder, sets, n_sets, out);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

gr_status gr__recipe_read(gr_context *ctx, gr__bump *b, const char *path, gr_tree **root, const char **folder)
{
    char *own = gr__path_folder(ctx, path);
    *folder = own ? gr__bump_strdup(b, own) : NULL;
    gr__strfree(ctx, own);
    gr_status st = *folder ? gr__yaml_read(ctx, b, path, root) : GR_E_MEMORY;
    return st == GR_OK ? check_root(ctx, *root, path) : st;
}

gr_status gr__recipe_open(gr_context *ctx, const char *path, const char *const *sets, int n_sets, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(ctx);
    const char *folder;
    gr_tree *root;
    gr_status st = b ? gr__recipe_read(ctx, b, path, &root, &folder) : GR_E_MEMORY;
    if (st == GR_OK) st = gr__recipe_settings(ctx, b, root, folder, sets, n_sets);
    if (st == GR_OK) st = gr__recipe_from_tree(ctx, b, root, path, folder, out);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

gr_status gr__recipe_with(const gr_recipe *r, const char *const *sets, int n_sets, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(r->ctx);
    gr_tree *root = b ? gr__tree_copy(b, r->tree) : NULL;
    gr_status st = root ? from_root(r->ctx, b, root, r->path, r->folder, sets, n_sets, out) : gr__error_code(r->ctx);
    if (st == GR_OK)
        memcpy((*out)->given, r->given, sizeof r->given);
    else
        gr__bump_destroy(b);
    return st;
}

void gr__recipe_take_data(gr_recipe *copy, const gr_recipe *from)
{
    int64_t batch = copy->data.batch;
    copy->data = from->data;
    copy->data.batch = batch;
    copy->folder = from->folder;
    copy->seed = from->seed;
    memcpy(copy->given, from->given, sizeof copy->given);
}

void gr__recipe_close(gr_context *ctx, gr_recipe *r)
{
    (void)ctx;
    if (r) gr__bump_destroy(r->memory_owner);
}
