/* A training as commands run one: shown while it goes on, told at its end. */
#include "cli/training.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

static bool holds(cli *c, const char *folder, const char *name)
{
    const char *path = gr__bump_format(c->memory, "%s/%s", folder, name);
    return path && gr__file_exists(path);
}

/* Only what is there is named: a run that ends before its first evaluation has no best model. */
static void note_models(cli *c, gr_result *a, const char *out)
{
    static const char *const names[] = {"best.safetensors", "last.safetensors", "swa.safetensors", "ema.safetensors"};
    bool any = false;
    for (size_t i = 0; i < GR_COUNT(names); i++) {
        if (!holds(c, out, names[i])) continue;
        if (any)
            gr__result_note(a, ", %s", names[i]);
        else
            gr__result_note(a, "models: %s/%s", cli_shown(c, out), names[i]);
        any = true;
    }
    if (any) gr__result_note(a, "\n");
}

/* Where patience would have ended the run, and whether going on was worth it. */
static void note_patience(gr_result *a, const gr_train_result *r)
{
    if (!r->patience_step) return;
    gr__result_note(a, "patience was over at step %lld", (long long)r->patience_step);
    if (isfinite(r->patience_best_error))
        gr__result_note(a, ", with error %.4f at step %lld", r->patience_best_error, (long long)r->patience_best_step);
    gr__result_note(a, "; training longer found %s\n",
                    r->best_step > r->patience_best_step ? "a better model" : "no better model");
}

static void note_end(gr_result *a, const gr_train_result *r)
{
    char bytes[32];
    gr__size_text(r->peak_bytes, bytes, sizeof bytes);
    gr__result_note(a, "%s after %lld steps (%.4g epochs) in %.1f s, %s of tensor memory\nreason: %s\n",
                    r->reason == GR_REASON_DIVERGED ? "diverged" : "stopped", (long long)r->steps, r->epochs,
                    r->seconds, bytes, gr_reason_name(r->reason));
    if (r->best_step && isfinite(r->best_cost)) {
        gr__result_note(a, "best: step %lld, validation cost %.5f", (long long)r->best_step, r->best_cost);
        if (isfinite(r->best_error)) gr__result_note(a, ", error %.4f", r->best_error); /* several heads: none */
        gr__result_note(a, "\n");
    }
    note_patience(a, r);
}

/* What result.json has, which is the answer of a run whoever asks for it. */
static void put_file(cli *c, gr_result *a, const char *out)
{
    const char *path = gr__bump_format(c->memory, "%s/result.json", out), *key;
    json_t *o = path ? json_load_file(path, 0, NULL) : NULL, *value;
    if (!o) gr__result_fail(a, gr__fail(c->ctx, GR_E_FILE, "cannot read %s", path ? path : out));
    json_object_foreach(o, key, value) gr__result_json(a, gr__result_text(a, "%s", key), json_incref(value));
    json_decref(o);
}

/* The text is for people, also where the answer is JSON; a run that failed has an error in its place. */
static gr_status conclude(cli *c, const char *out, const gr_train_result *r, gr_status st)
{
    gr_result *a = cli_result(c);
    note_end(a, r);
    note_models(c, a, out);
    if (!c->json) return st != GR_OK ? cli_show(c, a), st : cli_show(c, a);
    gr_status told = cli_tell(c, a);
    if (st != GR_OK) return st;
    put_file(c, a, out);
    return told == GR_OK ? cli_show(c, a) : told;
}

/* Until all data is there nothing is to be saved, and reading may wait for ever: a signal ends the command at once. */
static gr_status run_trainer(cli *c, const gr_recipe *r, const gr_trainer_options *o, gr_train_result *result)
{
    gr_trainer *t = NULL;
    gr_status st = gr_trainer_create(r, NULL, o, &t);
    (void)c;
    if (st == GR_OK) {
        cli_catch_signals();
        st = gr_trainer_run(t, result);
    }
    gr_trainer_destroy(t);
    return st;
}

static gr_status is_live(const cli *c, const gr_recipe *r, bool *live)
{
    char *where;
    gr_status st = gr_recipe_get(r, "log.terminal", &where);
    if (st != GR_OK) return st;
    *live = strcmp(where, "live") == 0;
    gr_text_free(c->ctx, where);
    return GR_OK;
}

gr_status cli_train_shown(cli *c, const gr_recipe *r, const gr_trainer_options *given, cli_follower *run,
                          gr_train_result *result)
{
    gr_trainer_options o = *given;
    cli_progress shown = cli_progress_make(c->quiet);
    bool live = false;
    gr_status st = is_live(c, r, &live);
    if (st != GR_OK) return st;
    cli_live *room = live ? gr__bump_alloc(c->memory, sizeof *room) : NULL;
    if (room) cli_progress_curves(&shown, c->ctx, room);
    o.version = GR_TRAINER_VERSION;
    o.stop = &cli_stop;
    o.watcher = &(gr_watcher){.version = GR_WATCHER_VERSION, .user = &shown, .tell = cli_progress_show};
    o.n_watchers = 1;
    st = run ? run(c, r, &o, result) : run_trainer(c, r, &o, result);
    cli_progress_clear(&shown);
    return st;
}

gr_status cli_train(cli *c, const gr_recipe *r, const gr_trainer_options *given, cli_follower *run)
{
    gr_train_result result = {0};
    gr_status st = cli_train_shown(c, r, given, run, &result);
    return result.steps > 0 || st == GR_OK ? conclude(c, given->out, &result, st) : st;
}
