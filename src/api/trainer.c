/* Trainings for programs: a recipe, data of theirs in the place of its sources, and whoever is told. */
#include "gradus/trainer.h"

#include <string.h>

#include "api/evaluation.h"
#include "data/given.h"
#include "train/train.h"

struct gr_trainer {
    gr_context *ctx;
    gr__bump *memory;
    gr_recipe *own; /* with the program's data; NULL: the program's recipe is as it is trained */
    const gr_recipe *recipe;
    gr_train_options options;
    gr_training *training;
};

const char *gr_reason_name(gr_reason r)
{
    return gr__reason_name(r);
}

/* ---- the recipe ---- */

/* Where a part's source stands in `data`: with `split` the training's is called otherwise. */
static const char *key_of(const gr_tree *data, gr_part p)
{
    return p == GR_PART_TRAIN && data && gr__tree_get(data, "source") ? "source" : gr__part_name(p);
}

/* In the place of the sources that the program has data for. */
static gr_status take_data(gr_trainer *t, const gr_recipe *r, const gr_trainer_data *data)
{
    const gr_data *const part[GR_PARTS] = {data->train, data->validation, data->test};
    const char *sets[GR_PARTS];
    int n = 0;
    for (int p = 0; p < GR_PARTS; p++) {
        if (!part[p]) continue;
        if (part[p]->ctx != t->ctx)
            return gr__fail(t->ctx, GR_E_USAGE, "the %s data belongs to another context", gr__part_name(p));
        const char *key = key_of(gr__tree_get(r->tree, "data"), (gr_part)p);
        sets[n] = gr__bump_format(t->memory, "data.%s={type: program, part: %s}", key, gr__part_name(p));
        if (!sets[n++]) return gr__error_code(t->ctx);
    }
    if (n == 0) return GR_OK;
    gr_status st = gr__recipe_with(r, sets, n, &t->own);
    if (st != GR_OK) return st;
    for (int p = 0; p < GR_PARTS; p++)
        if (part[p]) t->own->given[p] = part[p];
    t->recipe = t->own;
    return GR_OK;
}

/* ---- options ---- */

static gr_status copy_watchers(gr_trainer *t, const gr_trainer_options *o)
{
    if (o->n_watchers < 0 || (o->n_watchers > 0 && !o->watcher))
        return gr__fail(t->ctx, GR_E_USAGE, "%d watchers, and none is there", o->n_watchers);
    for (int i = 0; i < o->n_watchers; i++)
        if (o->watcher[i].version != GR_WATCHER_VERSION)
            return gr__fail(t->ctx, GR_E_UNSUPPORTED, "watcher %d is of version %u; this library knows %d", i,
                            o->watcher[i].version, GR_WATCHER_VERSION);
    size_t bytes = sizeof *o->watcher * (size_t)o->n_watchers;
    gr_watcher *all = bytes ? gr__bump_alloc(t->memory, bytes) : NULL;
    if (bytes && !all) return gr__error_code(t->ctx);
    if (bytes) memcpy(all, o->watcher, bytes);
    t->options.watcher = all;
    t->options.n_watchers = o->n_watchers;
    return GR_OK;
}

static gr_status take_options(gr_trainer *t, const gr_trainer_options *o)
{
    if (o->version != GR_TRAINER_VERSION)
        return gr__fail(t->ctx, GR_E_UNSUPPORTED, "options of version %u; this library knows %d", o->version,
                        GR_TRAINER_VERSION);
    if (o->resume && o->overwrite)
        return gr__fail(t->ctx, GR_E_USAGE, "a run that is there is resumed or overwritten, not both");
    if (o->force && !o->from)
        return gr__fail(t->ctx, GR_E_USAGE,
                        "force says what to do with the model that it starts from, which is missing");
    t->options = (gr_train_options){.force = o->force, .resume = o->resume, .overwrite = o->overwrite, .stop = o->stop};
    t->options.out =
        o->out ? gr__bump_strdup(t->memory, o->out) : gr__bump_format(t->memory, "runs/%s", t->recipe->name);
    t->options.from = o->from ? gr__bump_strdup(t->memory, o->from) : NULL;
    if (!t->options.out || (o->from && !t->options.from)) return gr__error_code(t->ctx);
    return copy_watchers(t, o);
}

/* ---- its life ---- */

gr_status gr_trainer_create(const gr_recipe *r, const gr_trainer_data *data, const gr_trainer_options *options,
                            gr_trainer **out)
{
    const gr_trainer_options usual = {.version = GR_TRAINER_VERSION};
    gr_context *ctx = r->ctx;
    gr_status st = gr__error_code(ctx);
    gr__bump *b = st == GR_OK ? gr__bump_create(ctx) : NULL;
    gr_trainer *t = b ? gr__bump_alloc(b, sizeof *t) : NULL;
    if (!t) return gr__bump_destroy(b), gr__error_code(ctx);
    *t = (gr_trainer){.ctx = ctx, .memory = b, .recipe = r};
    if (data) GR_TRY(take_data(t, r, data));
    GR_TRY(take_options(t, options ? options : &usual));
    GR_TRY(gr__training_open(ctx, t->recipe, &t->options, &t->training));
    *out = t;
done:
    if (st != GR_OK) gr_trainer_destroy(t);
    return st;
}

void gr_trainer_destroy(gr_trainer *t)
{
    if (!t) return;
    gr__training_close(t->training);
    if (t->own) gr__recipe_close(t->ctx, t->own);
    gr__bump_destroy(t->memory);
}

const gr_recipe *gr_trainer_recipe(const gr_trainer *t)
{
    return t->recipe;
}

const char *gr_trainer_folder(const gr_trainer *t)
{
    return t->options.out;
}

/* ---- what it does ---- */

gr_status gr_trainer_run(gr_trainer *t, gr_train_result *out)
{
    gr_status st = gr__error_code(t->ctx);
    return st == GR_OK ? gr__training_run(t->training, out) : st;
}

gr_status gr_trainer_save(gr_trainer *t, const char *path)
{
    gr_status st = gr__error_code(t->ctx);
    if (st == GR_OK && !path) st = gr__fail(t->ctx, GR_E_USAGE, "saving a model under no path");
    return st == GR_OK ? gr__training_save(t->training, path) : st;
}

gr_status gr_trainer_evaluate(gr_trainer *t, gr_evaluation **out)
{
    gr_evaluation ev = {0};
    gr_status st = gr__error_code(t->ctx);
    if (st == GR_OK) st = gr__training_evaluate(t->training, &ev);
    return st == GR_OK ? gr__evaluation_keep(t->ctx, &ev, out) : st;
}
