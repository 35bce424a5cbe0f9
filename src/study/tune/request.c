/* From what is asked for to a study with its trials. */
#include "study/tune/request.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { USUAL_TRIALS = 20, MOST_RUNGS = 12, MOST_TRIALS = 1000000 };

typedef struct asked {
    gr_context *ctx;
    const gr_tune_request *q;
    gr__bump *b;
    gr_spaces *spaces;
    gr_searched searched;
    gr_settings settings; /* of the tuner */
    const gr_tuner *tuner;
    gr_fact facts[16];
    int n_facts;
    int64_t trials;
    int rungs;
    double keep;
} asked;

/* ---- what is asked for ---- */

static gr_status read_method(asked *a)
{
    gr_tree *tree;
    gr_status st = gr__yaml_parse(a->ctx, a->b, "--method", a->q->method, strlen(a->q->method), &tree);
    if (st != GR_OK) return st;
    a->tuner = (const gr_tuner *)gr__family_find(a->ctx, &gr__family_tuner, "method", tree, NULL);
    if (!a->tuner) return gr__error_code(a->ctx);
    return gr__settings_make(a->ctx, a->b, &a->tuner->head, tree, GR_PRESET_CHAPTER, NULL, &a->settings);
}

/* The updates of all rungs as a share of those of whole trainings. */
static double spent_by(const asked *a, int rungs)
{
    double sum = 0, n = (double)a->trials;
    for (int k = 0; k < rungs; k++) {
        double most = fmax(1, floor(n * pow(a->keep, k) + 1e-9));
        sum += most * (pow(a->keep, rungs - 1 - k) - (k > 0 ? pow(a->keep, rungs - k) : 0));
    }
    return sum / n;
}

/* How many rungs: as few as spend what may be spent, or else as many as trials and evaluations allow. */
static gr_status count_rungs(asked *a)
{
    double share = a->searched.share;
    if (!a->tuner->halves) return GR_OK;
    a->keep = gr__setting_real(&a->settings, "keep");
    if (isnan(share))
        return gr__fail(a->ctx, GR_E_CONFLICT,
                        "--method %s: the recipe's length is open; give it stop.epochs or "
                        "stop.steps",
                        a->tuner->head.name);
    for (a->rungs = 1; a->rungs < MOST_RUNGS; a->rungs++) {
        double part = pow(a->keep, a->rungs);
        bool cheap = a->rungs > 1 && spent_by(a, a->rungs) <= gr__setting_real(&a->settings, "spend") + 1e-9;
        if ((double)a->trials * part < 1 - 1e-9 || share > part + 1e-9 || share == 0 || cheap) break;
    }
    if (a->rungs > 1) return GR_OK;
    gr__fail(a->ctx, GR_E_CONFLICT, "--method %s: %s", a->tuner->head.name,
             (double)a->trials * a->keep < 1 ? "there are too few trials to leave any behind"
                                             : "the first evaluation comes too late for any trial to end early");
    gr__error_hint(a->ctx, "more --trials, or validate: {every: N} of less than %.3g of the training", a->keep);
    return GR_E_CONFLICT;
}

static gr_status count_trials(asked *a)
{
    int64_t all = a->tuner->count ? a->tuner->count(a->spaces) : MOST_TRIALS;
    if (a->tuner->count && all >= MOST_TRIALS)
        return gr__fail(a->ctx, GR_E_USAGE, "--method %s: that is a million trials or more", a->tuner->head.name);
    a->trials = a->q->trials ? GR_MIN(a->q->trials, all) : a->tuner->count ? all : USUAL_TRIALS;
    if (a->q->prune && a->tuner->halves)
        return gr__fail(a->ctx, GR_E_USAGE, "--prune: %s ends trials in a way of its own", a->tuner->head.name);
    return count_rungs(a);
}

static const char *written(asked *a, const gr_tree *t)
{
    gr__text text;
    gr__text_init(&text, a->ctx);
    gr__tree_write(t, &text, 0);
    const char *out = text.failed ? NULL : gr__bump_strdup(a->b, text.s ? text.s : "");
    gr__text_free(&text);
    return out;
}

static const char *spaces_text(asked *a)
{
    const char *out = "";
    for (int i = 0; i < a->spaces->n && out; i++) {
        const char *one = gr__space_written(a->spaces, i, a->b);
        out = one ? gr__bump_format(a->b, "%s%s\n", out, one) : NULL;
    }
    return out;
}

static const char *limits_text(asked *a)
{
    const char *out = "";
    for (int i = 0; i < a->searched.limits.n && out; i++)
        out = gr__bump_format(a->b, "%s%s%s", out, *out ? " " : "", a->searched.limits.at[i].text);
    return out;
}

static void fact(asked *a, const char *key, const char *value)
{
    a->facts[a->n_facts++] = (gr_fact){key, value};
}

/* What the study is; it must stay so. */
static gr_status gather(asked *a)
{
    const gr_searched *s = &a->searched;
    gr_tree *method = gr__settings_tree(a->b, &a->settings);
    bool blind = !a->tuner->learns && !a->q->prune;
    fact(a, "recipe", written(a, s->base->resolved));
    fact(a, "spaces", spaces_text(a));
    fact(a, "method", method ? written(a, method) : NULL);
    fact(a, "metric", s->metric);
    fact(a, "better", gr__figure_lower(s->base, &s->by) ? "lower" : "higher");
    fact(a, "pruned", a->q->prune ? "by curves" : "no");
    fact(a, "at most", limits_text(a));
    if (!blind) fact(a, "together", gr__bump_format(a->b, "%d", a->q->together));
    if (a->tuner->halves) fact(a, "trials", gr__bump_format(a->b, "%lld", (long long)a->trials));
    for (int i = 0; i < a->n_facts; i++)
        if (!a->facts[i].value) return GR_E_MEMORY;
    return GR_OK;
}

/* ---- where it lies ---- */

/* Trials that run have folders beside the study, by its own name. */
static gr_status open_place(asked *a)
{
    gr_study *s = NULL;
    char *folder = gr__path_folder(a->ctx, a->q->study);
    gr_status st = folder ? gr__make_folder(a->ctx, folder) : GR_E_MEMORY;
    gr__strfree(a->ctx, folder);
    if (st == GR_OK) st = gr__study_open(a->ctx, a->q->study, a->facts, a->n_facts, &s);
    if (st == GR_OK) st = gr__study_same(s, a->ctx, a->q->study, a->facts, a->n_facts);
    const char *id = st == GR_OK ? gr__study_fact(s, "id") : NULL;
    if (st == GR_OK && !id) st = gr__fail(a->ctx, GR_E_FORMAT, "%s is damaged: it has no id", a->q->study);
    if (st == GR_OK) a->searched.folder = gr__bump_format(a->b, "%s-trials/%.16s-", a->q->study, id);
    gr__study_close(s);
    return st == GR_OK && !a->searched.folder ? GR_E_MEMORY : st;
}

/* What the machine has, or what its container may take. */
static uint64_t memory_there(void)
{
    unsigned long long limit = 0;
    uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "r");
    if (f && fscanf(f, "%llu", &limit) == 1 && limit > 0 && limit < all) all = limit;
    if (f) fclose(f);
    return all;
}

static gr_status keep_best(asked *a, gr_tune_answer *out)
{
    gr_recipe *r = NULL;
    const gr_tuned *t = &out->tuned;
    if (t->best < 0) return GR_OK;
    char *folder = gr__path_folder(a->ctx, a->q->study), *path = NULL;
    gr_status st =
        folder ? gr__searched_recipe(&a->searched, a->ctx, a->spaces, &t->trial[t->best].point, &r) : GR_E_MEMORY;
    const char *text = st == GR_OK ? written(a, r->resolved) : NULL;
    if (st == GR_OK) path = gr__path_join(a->ctx, folder, "best.yaml");
    if (st == GR_OK && (!text || !path)) st = GR_E_MEMORY;
    if (st == GR_OK) st = gr__file_write(a->ctx, path, text, strlen(text));
    if (st == GR_OK) out->best_path = gr__bump_strdup(a->b, path);
    if (r) gr__recipe_close(a->ctx, r);
    gr__strfree(a->ctx, folder);
    gr__strfree(a->ctx, path);
    return st;
}

/* ---- running it ---- */

static gr_status tell(void *user, const gr_trial *t)
{
    const asked *a = user;
    return a->q->tell ? a->q->tell(a->q->user, a->spaces, t) : GR_OK;
}

static void watch(void *user, const gr_tune_progress *p)
{
    const asked *a = user;
    if (a->q->watch) a->q->watch(a->q->user, p);
}

static gr_status run(asked *a, gr_tune_answer *out)
{
    const gr_objective what = gr__searched_objective(&a->searched);
    const gr_tune_request *q = a->q;
    const gr_tune_options o = {.path = q->study,
                               .facts = a->facts,
                               .n_facts = a->n_facts,
                               .spaces = a->spaces,
                               .tuner = a->tuner,
                               .settings = &a->settings,
                               .trials = a->trials,
                               .seed = a->searched.base->seed,
                               .together = q->together,
                               .prune = q->prune,
                               .rungs = a->rungs,
                               .keep = a->keep,
                               .jobs = q->jobs,
                               .threads = GR_MAX(gr_context_threads(a->ctx) / q->jobs, 1),
                               .memory = q->budget ? q->budget : memory_there(),
                               .stop = q->stop,
                               .tell = tell,
                               .watch = watch,
                               .user = a};
    gr_status st = gr__tune(a->ctx, &what, &o, a->b, &out->tuned);
    if (st != GR_OK && st != GR_E_INTERRUPTED) return st;
    if (st == GR_E_INTERRUPTED) gr_context_clear_error(a->ctx);
    gr_status kept = keep_best(a, out);
    if (kept != GR_OK || st != GR_OK) return kept != GR_OK ? kept : st;
    const char *folder = gr__bump_format(a->b, "%s-trials", q->study);
    if (folder) rmdir(folder); /* where no other process trains there */
    if (out->tuned.best >= 0) return GR_OK;
    gr__fail(a->ctx, GR_E_CHECK, "none of the %d trials has a metric", out->tuned.n);
    if (out->tuned.n && out->tuned.trial[0].why) gr__error_hint(a->ctx, "trial 0: %s", out->tuned.trial[0].why);
    return GR_E_CHECK;
}

gr_status gr__tune_recipe(gr_context *ctx, gr_recipe *base, const gr_tune_request *q, gr__bump *b, gr_tune_answer *out)
{
    asked a = {.ctx = ctx, .q = q, .b = b, .spaces = gr__bump_alloc(b, sizeof *a.spaces)};
    gr_status st = GR_OK;
    *out = (gr_tune_answer){.spaces = a.spaces, .tuned = {.best = -1}};
    if (!a.spaces) return GR_E_MEMORY;
    GR_TRY(read_method(&a));
    GR_TRY(gr__spaces_read(ctx, b, q->space, q->n_spaces, a.spaces));
    GR_TRY(gr__searched_open(ctx, base, q->by_metric, &a.searched));
    for (int i = 0; i < q->n_at_most; i++) GR_TRY(gr__limits_add(ctx, &a.searched.limits, q->at_most[i]));
    GR_TRY(gr__searched_settle(&a.searched, a.spaces));
    out->metric = gr__bump_strdup(b, a.searched.metric);
    if (!out->metric) GR_TRY(GR_E_MEMORY);
    GR_TRY(count_trials(&a));
    GR_TRY(gather(&a));
    GR_TRY(open_place(&a));
    st = run(&a, out);
done:
    gr__searched_close(&a.searched);
    return st;
}

/* ---- a study again ---- */

/* The spaces as they are written in it, a line each. */
static gr_status read_spaces(gr_context *ctx, gr__bump *b, const char *text, gr_spaces *out)
{
    const char *line[GR_MOST_SPACES];
    int n = 0;
    for (const char *s = text; *s && n < GR_MOST_SPACES;) {
        size_t length = strcspn(s, "\n");
        line[n] = gr__bump_format(b, "%.*s", (int)length, s);
        if (!line[n++]) return GR_E_MEMORY;
        s += length + (s[length] == '\n');
    }
    return gr__spaces_read(ctx, b, line, n, out);
}

gr_status gr__tune_recall(gr_context *ctx, const char *path, gr__bump *b, gr_recalled *out)
{
    *out = (gr_recalled){.spaces = gr__bump_alloc(b, sizeof *out->spaces)};
    if (!out->spaces) return GR_E_MEMORY;
    gr_status st = gr__study_read(ctx, path, &out->study);
    if (st != GR_OK) return st;
    const char *spaces = gr__study_fact(out->study, "spaces"), *better = gr__study_fact(out->study, "better");
    out->metric = gr__study_fact(out->study, "metric");
    out->method = gr__study_fact(out->study, "method");
    if (!spaces || !better || !out->metric || !out->method || read_spaces(ctx, b, spaces, out->spaces) != GR_OK) {
        if (gr__error_code(ctx) == GR_E_MEMORY) return GR_E_MEMORY;
        gr_context_clear_error(ctx);
        return gr__fail(ctx, GR_E_FORMAT, "%s is damaged: it does not say what was searched", path);
    }
    out->lower = strcmp(better, "higher") != 0;
    return gr__tuned_read(out->study, out->spaces, out->lower, b, &out->tuned);
}
