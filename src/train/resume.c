/* Going on with a run: what its checkpoint gives back, and what must still be as it was. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/balance.h"
#include "train/loop.h"

/* ---- the recipe ---- */

static bool may_differ(const gr_loop *l, const char *key)
{
    const char *const *k = l->options->may_differ;
    while (k && *k && strcmp(*k, key) != 0) k++;
    return k && *k;
}

static gr_status fail_recipe(const gr_loop *l, const char *key, gr_status st)
{
    char open[256];
    gr__error_place(l->ctx, l->recipe->path, 0, 0, key);
    gr__error_hint(l->ctx, "only %s may change; --overwrite starts over", gr__recipe_resumable_keys(open, sizeof open));
    return st;
}

/* Keys that only recipes with something of the kind have: what the run had and the recipe has not. */
static gr_status lost_keys(const gr_loop *l, const gr_tree *old)
{
    for (int i = 0; i < old->n; i++) {
        const char *key = old->key[i];
        if (gr__tree_get(l->recipe->resolved, key) || gr__recipe_goes_on(key, old->child[i], NULL) ||
            strcmp(key, "heads") == 0 || strcmp(key, "cost") == 0)
            continue;
        return fail_recipe(l, key,
                           gr__fail(l->ctx, GR_E_CONFLICT,
                                    "%s was made with %s, which this recipe has not; a resumed "
                                    "run keeps its recipe",
                                    l->options->out, key));
    }
    return GR_OK;
}

/* A recipe may differ only in what changes no bit of the training so far. */
static gr_status same_recipe(gr_loop *l)
{
    gr__bump *b = gr__bump_create(l->ctx);
    gr_tree *old = NULL;
    if (!b) return GR_E_MEMORY;
    char path[4096];
    snprintf(path, sizeof path, "%s/recipe.yaml", l->options->out);
    gr_status st = gr__file_exists(path) ? gr__yaml_read(l->ctx, b, path, &old) : GR_OK;
    for (int i = 0; st == GR_OK && old && i < l->recipe->resolved->n; i++) {
        const char *key = l->recipe->resolved->key[i];
        const gr_tree *was = gr__tree_get(old, key);
        if (may_differ(l, key) || gr__recipe_goes_on(key, was, l->recipe->resolved->child[i])) continue;
        st = was ? gr__fail(l->ctx, GR_E_CONFLICT, "%s was made with another %s; a resumed run keeps its recipe",
                            l->options->out, key)
             : gr__tree_get(old, "heads") || strcmp(key, "heads") == 0
                 ? gr__fail(l->ctx, GR_E_CONFLICT, "%s was made with a recipe %s heads; a resumed run keeps its recipe",
                            l->options->out, gr__tree_get(old, "heads") ? "of named" : "without named")
                 : gr__fail(l->ctx, GR_E_CONFLICT, "%s was made by another version of gradus, whose recipes had no %s",
                            l->options->out, key);
        st = fail_recipe(l, key, st);
    }
    if (st == GR_OK && old) st = lost_keys(l, old);
    gr__bump_destroy(b);
    return st;
}

/* ---- the data ---- */

static gr_status same_data(const gr_loop *l, const gr_st *ck, const char *path)
{
    gr_status st = gr__exclude_check(l, gr__st_meta(ck, GR_EXCLUDE_KEY)); /* with others, other rows are read */
    bool silent = false;
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        if (!l->data[p].samples) continue;
        const char *text = gr__st_meta(ck, gr__data_key(p));
        silent |= !text;
        if (text) st = gr__data_sum_check(l, p, text);
    }
    if (silent)
        gr__log(
            l->ctx, GR_LOG_WARNING,
            "%s does not say what data it was made with, as older versions did not: see to it that none has changed",
            path);
    return st;
}

/* What balancing makes of the same data is the same, but for models that rank rows, where bits depend on the machine.
 */
static gr_status same_rows(const gr_loop *l, const gr_st *ck)
{
    char text[GR_DATA_TEXT];
    const char *was = gr__st_meta(ck, GR_BALANCED_KEY);
    if (!was || !l->task->balanced || strcmp(was, gr__balanced_text(l->task, text)) == 0) return GR_OK;
    return gr__tree_fail(l->ctx, l->recipe->data.balance_settings.tree, GR_E_DATA,
                         "go on where the run began, or start over with --overwrite",
                         "%s gives other rows than those that this run began with", l->recipe->data.balance->head.name);
}

/* ---- what the weights mean ---- */

const char *gr__meaning_text(const gr_task *t, char text[GR_MEANING_TEXT])
{
    snprintf(text, GR_MEANING_TEXT, "%016llx", (unsigned long long)gr__task_meaning(t));
    return text;
}

/* Statistics, classes and columns that the weights were trained with. */
static gr_status same_meaning(const gr_loop *l, const gr_st *ck)
{
    char text[GR_MEANING_TEXT];
    const char *was = gr__st_meta(ck, GR_MEANING_KEY);
    if (!was || strcmp(was, gr__meaning_text(l->task, text)) == 0) return GR_OK;
    gr_status st = gr__fail(l->ctx, GR_E_CONFLICT,
                            "the run in %s prepares its inputs with other statistics, or has other classes or columns",
                            l->options->out);
    gr__error_hint(l->ctx, "%s",
                   l->options->from ? "it did not begin with this --from MODEL"
                                    : "if it began with --from MODEL, say so again");
    return st;
}

/* ---- the state ---- */

/* Beyond these the numbers of updates and epochs, which go on from here, could overflow. */
#define MOST_STEPS (INT64_MAX / 2)

static gr_status read_state(gr_loop *l, const gr_st *ck, const char *path)
{
    gr_states states;
    gr__loop_states(l, &states);
    for (int i = 0; i < states.n; i++) {
        const gr_state_row *row = &states.row[i];
        const char *text = gr__st_meta(ck, row->name);
        char *end;
        if (!text)
            return gr__fail(l->ctx, GR_E_FORMAT, "%s has no %s: another version of gradus wrote it", path, row->name);
        bool good = *text != 0;
        errno = 0;
        if (row->kind == GR_STATE_I64)
            *(int64_t *)row->at = strtoll(text, &end, 10), good &= *end == 0 && errno == 0;
        else if (strcmp(text, "nan") == 0)
            *(double *)row->at = NAN;
        else
            good = gr__parse_number(text, row->at);
        if (!good) return gr__fail(l->ctx, GR_E_FORMAT, "%s: %s is \"%.40s\", not a number", path, row->name, text);
    }
    if (l->step < 0 || l->step > MOST_STEPS || l->epoch < 0 || l->epoch > MOST_STEPS || l->index < 0 ||
        l->index >= l->batches || l->metrics_bytes < 0)
        return gr__fail(l->ctx, GR_E_FORMAT, "%s: it was made with other data or batches than the recipe's", path);
    return GR_OK;
}

/* ---- what is allowed to differ, and said ---- */

static void warn_elsewhere(gr_loop *l, const gr_st *ck)
{
    gr_machine o = gr__loop_machine(l);
    const char *isa = gr__st_meta(ck, "gradus.isa"), *processor = gr__st_meta(ck, "gradus.processor");
    if (isa && processor && (strcmp(isa, o.isa) != 0 || strcmp(processor, o.processor) != 0))
        gr__log(l->ctx, GR_LOG_WARNING,
                "this run began on %s (%s), this is %s (%s): it goes on, but not to the same bits", processor, isa,
                o.processor, o.isa);
    const char *libraries = gr__st_meta(ck, GR_LIBRARIES_KEY);
    if (libraries && strcmp(libraries, o.libraries) != 0)
        gr__log(l->ctx, GR_LOG_WARNING,
                "this run began with %s, this is %s: what these decode may differ, so it may go on to other bits",
                libraries, o.libraries);
}

static gr_clock clock_at(const gr_loop *l, int64_t step, int64_t total)
{
    return (gr_clock){
        .step = total ? GR_MIN(step, total - 1) : step, .total = total, .updates_per_epoch = l->updates_per_epoch};
}

/* At least four. */
static int digits_apart(double a, double b)
{
    char x[400], y[400];
    for (int digits = 4; digits < 17; digits++) {
        snprintf(x, sizeof x, "%.*g", digits, a);
        snprintf(y, sizeof y, "%.*g", digits, b);
        if (strcmp(x, y) != 0) return digits;
    }
    return 17;
}

typedef struct stretch { /* what another length of the run does to the updates that both lengths have */
    int64_t step;        /* whose rates show it best; -1: no rate differs */
    double was, is;
    int digits;    /* that tell them apart */
    int64_t moved; /* the first that another method makes, or that stands on another side of the average's start; -1 */
} stretch;

/* The first update whose rates differ in four digits, or else the one whose rates differ most. */
static stretch find_stretch(const gr_loop *l, int64_t before)
{
    enum { LOOKS = 1 << 16 };
    int64_t end = GR_MIN(before, l->total), rest = GR_MAX(end - l->step, 1), looks = GR_MIN(rest, LOOKS);
    stretch s = {.step = -1, .moved = -1};
    double most = 0;
    for (int64_t k = 0; k < looks; k++) {
        int64_t step = l->step + rest / looks * k + rest % looks * k / looks;
        gr_clock was = clock_at(l, step, before), is = clock_at(l, step, l->total);
        if (s.moved < 0 &&
            (gr__optim_phase(&l->recipe->optim, &was) != gr__optim_phase(&l->recipe->optim, &is) ||
             gr__average_began(&l->recipe->average, &was) != gr__average_began(&l->recipe->average, &is)))
            s.moved = step;
        if (s.digits == 4) continue;
        double a = gr__engine_rate(l->recipe, &was, l->schedule), b = gr__engine_rate(l->recipe, &is, l->schedule);
        double apart = fabs(a - b) / fmax(fabs(a), fabs(b));
        if (!(apart > most)) continue;
        most = apart;
        s.step = step, s.was = a, s.is = b, s.digits = digits_apart(a, b);
    }
    return s;
}

/* Another `stop` is another length of the run, and much counts by that: the schedule, a warm-up, a switch, the start of
 * an average. */
static void warn_stretched(gr_loop *l, int64_t before)
{
    stretch s = find_stretch(l, before);
    char rates[768] = "", moved[160] = "";
    if (s.step < 0 && s.moved < 0) return;
    if (s.step >= 0)
        snprintf(rates, sizeof rates, "the rate of update %lld is %.*g, it was to be %.*g", (long long)s.step + 1,
                 s.digits, s.is, s.digits, s.was);
    if (s.moved >= 0)
        snprintf(moved, sizeof moved, "%sthe switch of methods or the average begins at another update%s",
                 s.step >= 0 ? "; " : "", s.step >= 0 ? " too" : "");
    gr__log(l->ctx, GR_LOG_WARNING,
            "stop allows %lld updates now and allowed %lld before, and the recipe counts by them: %s%s",
            (long long)l->total, (long long)before, rates, moved);
}

/* An average that would have begun at another update holds weights that it should not, or lacks some. */
static bool average_moves(const gr_loop *l, int64_t before)
{
    enum { LOOKS = 1024 };
    int64_t end = GR_MIN(before, l->total);
    for (int k = 0; k < LOOKS && l->recipe->average.on; k++) {
        gr_clock was = clock_at(l, end * k / LOOKS, before), is = clock_at(l, end * k / LOOKS, l->total);
        if (gr__average_began(&l->recipe->average, &was) != gr__average_began(&l->recipe->average, &is)) return true;
    }
    return false;
}

static void warn_of_length(gr_loop *l, const gr_st *ck)
{
    const char *text = gr__st_meta(ck, GR_TOTAL_KEY);
    int64_t before = text ? strtoll(text, NULL, 10) : l->total;
    bool known = before > 0 && l->total > 0;
    if (may_differ(l, "schedule")) return; /* whoever lets it change knows the length too */
    if (!known || before == l->total || l->step >= l->total) return;
    warn_stretched(l, before);
    if (average_moves(l, before))
        gr__log(l->ctx, GR_LOG_WARNING,
                "average.start counts by the length of the run, which was %lld updates and is %lld: the average is not "
                "that of a run of this length from the start",
                (long long)before, (long long)l->total);
}

gr_status gr__loop_resume(gr_loop *l, bool *resumed)
{
    gr_st *ck = NULL;
    int64_t step;
    char path[sizeof l->run->resumed_from];
    *resumed = false;
    gr_status st = same_recipe(l);
    if (st == GR_OK) st = gr__run_newest(l->run, &ck, &step, path, sizeof path);
    if (st != GR_OK || !ck) return st;
    GR_TRY(same_data(l, ck, path));
    GR_TRY(same_rows(l, ck));
    GR_TRY(same_meaning(l, ck));
    GR_TRY(gr__checkpoint_apply(l->ctx, ck, path, l->engine->store));
    GR_TRY(read_state(l, ck, path));
    GR_TRY(gr__run_metrics_open(l->run, l->metrics_bytes, gr__st_meta(ck, GR_METRICS_KEY)));
    if (l->best_step && l->validation) GR_TRY(gr__run_keeps(l->run, "best.safetensors"));
    gr__run_saved(l->run); /* also where the run before was killed between its first checkpoint and saying so */
    warn_elsewhere(l, ck);
    warn_of_length(l, ck);
    snprintf(l->run->resumed_from, sizeof l->run->resumed_from, "%s", path);
    *resumed = true;
done:
    gr__st_close(ck);
    return st;
}
