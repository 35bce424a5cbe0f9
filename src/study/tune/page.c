/* The parts of a study's page. */
#include "study/tune/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/tune/importance.h"

enum { WIDE = 480, HIGH = 330, MOST_ROWS = 100, MOST_CURVES = 200, CLASSES = 4 };

typedef struct page {
    gr_context *ctx;
    gr_document *d;
    const gr_recalled *s;
    const gr_trial **ranked; /* those with a metric, the best first */
    int n;
} page;

static bool has_metric(const gr_trial *t)
{
    return (t->state == GR_TRIAL_DONE || t->state == GR_TRIAL_PRUNED) && !isnan(t->metric);
}

static bool better(const page *p, double a, double b)
{
    return p->s->lower ? a < b : a > b;
}

/* ---- plots ---- */

static gr_series *series_room(page *p, int n)
{
    return gr__document_alloc(p->d, sizeof(gr_series) * (size_t)GR_MAX(n, 1));
}

static double *numbers(page *p, int n)
{
    return gr__document_alloc(p->d, sizeof(double) * (size_t)GR_MAX(n, 1));
}

static void put_plot(page *p, gr_plot plot)
{
    gr_plot *kept = gr__document_alloc(p->d, sizeof *kept);
    if (!kept) return;
    *kept = plot;
    gr__document_plot(p->d, kept, false);
}

/* Metrics that reach over many sizes want a logarithmic axis. */
static bool wants_log(const page *p)
{
    double least = INFINITY, most = 0;
    for (int i = 0; i < p->n; i++) {
        if (p->ranked[i]->metric <= 0) return false;
        least = fmin(least, p->ranked[i]->metric), most = fmax(most, p->ranked[i]->metric);
    }
    return most > 30 * least;
}

/* ---- how it went ---- */

static void put_history(page *p)
{
    const gr_tuned *t = &p->s->tuned;
    gr_series *s = series_room(p, 3);
    double *x = numbers(p, t->n), *y = numbers(p, t->n), *cut_x = numbers(p, t->n), *cut_y = numbers(p, t->n),
           *best = numbers(p, t->n), *every = numbers(p, t->n), so_far = NAN;
    size_t n = 0, cut = 0;
    if (!s || !x || !y || !cut_x || !cut_y || !best || !every) return;
    for (int i = 0; i < t->n; i++) {
        const gr_trial *one = &t->trial[i];
        every[i] = i;
        if (one->state == GR_TRIAL_DONE && (isnan(so_far) || better(p, one->metric, so_far))) so_far = one->metric;
        best[i] = so_far;
        if (one->state == GR_TRIAL_DONE) x[n] = i, y[n++] = one->metric;
        if (one->state == GR_TRIAL_PRUNED) cut_x[cut] = i, cut_y[cut++] = one->metric;
    }
    s[0] = (gr_series){.label = "trained to the end", .mark = GR_MARK_POINTS, .n = n, .x = x, .y = y};
    s[1] = (gr_series){.label = "best so far", .mark = GR_MARK_LINE, .n = (size_t)t->n, .x = every, .y = best};
    s[2] = (gr_series){.label = "pruned", .mark = GR_MARK_POINTS, .n = cut, .x = cut_x, .y = cut_y};
    put_plot(p, (gr_plot){.title = "History",
                          .description = "The metric of every trial, and the best so far",
                          .x = {.label = "trial"},
                          .y = {.label = p->s->metric, .log = wants_log(p)},
                          .series = s,
                          .n_series = cut ? 3 : 2,
                          .width = WIDE,
                          .height = HIGH});
}

/* A line a trial, by what it came to; those in between are left out where there are too many. */
static gr_status put_curves(page *p)
{
    static const int colours[GR_TRIAL_STATES] = {4, 4, 6, 3, 7, 5};
    gr_reported *r;
    int n, lines = 0, step = GR_MAX((p->s->tuned.n + MOST_CURVES - 1) / MOST_CURVES, 1);
    gr_status st = gr__study_reports(p->s->study, -1, p->d->memory, &r, &n);
    gr_series *s = st == GR_OK ? series_room(p, p->s->tuned.n) : NULL;
    double *x = s ? numbers(p, n) : NULL, *y = x ? numbers(p, n) : NULL;
    if (!y) return st == GR_OK ? p->d->failed : st;
    gr_series best = {.label = NULL};
    bool named[GR_TRIAL_STATES] = {false};
    for (int i = 0, end; i < n; i = end) {
        for (end = i; end < n && r[end].trial == r[i].trial; end++) x[end] = (double)r[end].step, y[end] = r[end].value;
        if (r[i].trial < 0 || r[i].trial >= p->s->tuned.n) continue;
        gr_trial_state state = p->s->tuned.trial[r[i].trial].state;
        gr_series one = {
            .mark = GR_MARK_LINE, .colour = colours[state], .n = (size_t)(end - i), .x = x + i, .y = y + i};
        if (p->s->tuned.best == r[i].trial) {
            best = one;
            best.colour = 2, best.label = "the best trial";
        } else if (r[i].trial % step == 0) {
            if (!named[state]) one.label = gr__trial_words[state];
            named[state] = true;
            s[lines++] = one;
        }
    }
    if (best.label) s[lines++] = best; /* over the others */
    put_plot(p, (gr_plot){.title = "Curves",
                          .description = "What the evaluations of each trial gave, update by update",
                          .x = {.label = "updates"},
                          .y = {.label = p->s->metric, .log = wants_log(p)},
                          .series = s,
                          .n_series = lines,
                          .width = WIDE,
                          .height = HIGH});
    return GR_OK;
}

/* ---- what mattered ---- */

static void put_slice(page *p, int k)
{
    const gr_space *space = &p->s->spaces->at[k];
    bool choices = space->kind == GR_SPACE_CHOICES;
    gr_series *s = series_room(p, 1);
    double *x = numbers(p, p->n), *y = numbers(p, p->n);
    const char **words = choices ? gr__document_alloc(p->d, sizeof *words * (size_t)(space->n_choices + 1)) : NULL;
    size_t n = 0;
    if (!s || !x || !y || (choices && !words)) return;
    for (int i = 0; i < space->n_choices && words; i++) words[i] = space->choice[i];
    for (int i = 0; i < p->n; i++)
        if (!isnan(p->ranked[i]->point.at[k])) x[n] = p->ranked[i]->point.at[k], y[n++] = p->ranked[i]->metric;
    s[0] = (gr_series){.mark = GR_MARK_POINTS, .n = n, .x = x, .y = y};
    put_plot(p, (gr_plot){.title = space->key,
                          .description = "The metric of trials against the value of this key",
                          .x = {.label = space->key,
                                .log = space->kind == GR_SPACE_LOG || space->kind == GR_SPACE_INT_LOG,
                                .low = choices ? -0.5 : 0,
                                .high = choices ? space->n_choices - 0.5 : 0,
                                .words = words},
                          .y = {.label = p->s->metric, .log = wants_log(p)},
                          .series = s,
                          .n_series = 1,
                          .width = WIDE,
                          .height = HIGH});
}

/* Where a value stands on its axis, 0 to 1. */
static double height_of(const gr_space *s, double x)
{
    double low, high;
    if (isnan(x)) return NAN;
    if (s->kind == GR_SPACE_CHOICES) return s->n_choices > 1 ? x / (s->n_choices - 1) : 0.5;
    low = gr__space_coordinate(s, s->low), high = gr__space_coordinate(s, s->high);
    return (gr__space_coordinate(s, x) - low) / (high - low);
}

/* Every class of trials is one series, whose lines a gap parts; the best are drawn last. */
static void put_parallel(page *p)
{
    static const char *const labels[CLASSES] = {"best tenth", "best quarter", "best half", "the rest"};
    static const int colours[CLASSES] = {2, 1, 5, 6};
    static const double share[CLASSES] = {0.1, 0.25, 0.5, 1};
    int axes = p->s->spaces->n + 1, first = 0, n_series = 0;
    gr_series *s = series_room(p, CLASSES), *in_order = series_room(p, CLASSES);
    const char **words = gr__document_alloc(p->d, sizeof *words * (size_t)(axes + 1));
    if (!s || !in_order || !words) return;
    for (int k = 0; k + 1 < axes; k++) words[k] = p->s->spaces->at[k].key;
    words[axes - 1] = "rank";
    for (int c = 0; c < CLASSES; c++) {
        int last = (int)fmax(first, ceil(share[c] * p->n)), room = (last - first) * (axes + 1), at = 0;
        double *x = numbers(p, room), *y = numbers(p, room);
        if (!x || !y) return;
        for (int i = first; i < last && i < p->n; i++) {
            for (int k = 0; k + 1 < axes; k++, at++)
                x[at] = k, y[at] = height_of(&p->s->spaces->at[k], p->ranked[i]->point.at[k]);
            x[at] = axes - 1, y[at++] = p->n > 1 ? 1 - (double)i / (p->n - 1) : 1;
            x[at] = y[at] = NAN, at++;
        }
        if (at > 0)
            s[n_series++] = (gr_series){
                .label = labels[c], .mark = GR_MARK_PATH, .colour = colours[c], .n = (size_t)at, .x = x, .y = y};
        first = last;
    }
    for (int c = 0; c < n_series; c++) in_order[c] = s[n_series - 1 - c];
    put_plot(p, (gr_plot){.title = "Parallel coordinates",
                          .description = "A line a trial through the values of its keys, from the lower end of each "
                                         "space to the upper, and its rank",
                          .x = {.words = words, .low = -0.2, .high = axes - 0.8},
                          .y = {.label = "place within the space", .low = 0, .high = 1},
                          .series = in_order,
                          .n_series = n_series,
                          .width = GR_MAX(2 * WIDE, 110 * axes),
                          .height = HIGH + 40});
}

static gr_status put_importance(page *p)
{
    gr_importance found;
    gr_status st = gr__importance(p->ctx, p->s->spaces, &p->s->tuned, p->s->lower, &found);
    gr__document_section(p->d, "importance", "What mattered");
    if (st == GR_E_DATA) {
        gr__document_missing(p->d, "%s.", gr_context_error(p->ctx)->message);
        gr_context_clear_error(p->ctx);
        return GR_OK;
    }
    if (st != GR_OK) return st;
    gr_written_table *t = gr__document_table(p->d, "Shares of the main effects", 3);
    if (!t->heading) return p->d->failed;
    t->heading[0] = "key", t->heading[1] = "share", t->heading[2] = "space";
    for (int k = 0; k < p->s->spaces->n; k++) {
        int shade = (int)fmin(GR_SHADES - 1, floor(found.share[k] * GR_SHADES));
        const char *space = gr__space_written(p->s->spaces, k, p->d->memory);
        gr__document_cell(p->d, t, GR_CELL_HEAD, "%s", p->s->spaces->at[k].key);
        gr__document_cell(p->d, t, GR_CELL_GOOD + shade, "%.1f %%", 100 * found.share[k]);
        gr__document_cell(p->d, t, GR_CELL_WORDS, "%s", space ? strchr(space, '=') + 1 : "");
    }
    gr__document_words(
        p->d,
        "By a random forest on the ranks of %d trials: what each key alone explains of its variance over "
        "the whole space, as a share of all that single keys explain. %.1f %% of the variance is of "
        "keys together.",
        found.judged, 100 * found.together);
    return GR_OK;
}

/* ---- trials ---- */

static void put_trial(page *p, gr_written_table *t, const gr_trial *one)
{
    const gr_spaces *all = p->s->spaces;
    char text[GR_SPACE_TEXT];
    gr__document_cell(p->d, t, GR_CELL_HEAD, "%lld", (long long)one->trial);
    if (isnan(one->metric))
        gr__document_cell(p->d, t, GR_CELL_NUMBER, "-");
    else
        gr__document_cell(p->d, t, GR_CELL_NUMBER, "%.6g", one->metric);
    gr__document_cell(p->d, t, GR_CELL_WORDS, "%s", gr__trial_words[one->state]);
    gr__document_cell(p->d, t, GR_CELL_NUMBER, "%lld", (long long)one->steps);
    for (int k = 0; k < all->n; k++)
        gr__document_cell(p->d, t, GR_CELL_WORDS, "%s",
                          isnan(one->point.at[k]) ? "" : gr__space_text(&all->at[k], one->point.at[k], text));
    gr__document_cell(p->d, t, GR_CELL_WORDS, "%s", one->why ? one->why : "");
}

static void put_trials(page *p)
{
    const gr_spaces *all = p->s->spaces;
    const gr_tuned *tuned = &p->s->tuned;
    gr__document_section(p->d, "trials", "Trials");
    gr_written_table *t = gr__document_table(p->d, "The best first", all->n + 5);
    if (!t->heading) return;
    const char *heads[] = {"trial", p->s->metric, "state", "updates"};
    for (size_t i = 0; i < GR_COUNT(heads); i++) t->heading[i] = heads[i];
    for (int k = 0; k < all->n; k++) t->heading[4 + k] = all->at[k].key;
    t->heading[all->n + 4] = "why";
    int shown = 0;
    for (; shown < p->n && shown < MOST_ROWS; shown++) put_trial(p, t, p->ranked[shown]);
    for (int i = 0; i < tuned->n && shown < MOST_ROWS; i++)
        if (!has_metric(&tuned->trial[i])) put_trial(p, t, &tuned->trial[i]), shown++;
    if (shown < tuned->n) gr__document_words(p->d, "%d more are in the study's file.", tuned->n - shown);
}

static void put_summary(page *p)
{
    const gr_tuned *t = &p->s->tuned;
    int count[GR_TRIAL_STATES] = {0};
    for (int i = 0; i < t->n; i++) count[t->trial[i].state]++;
    if (t->best >= 0)
        gr__document_lead(p->d, "The best of %d trials is number %lld: %s %.6g.", t->n,
                          (long long)t->trial[t->best].trial, p->s->metric, t->trial[t->best].metric);
    else
        gr__document_lead(p->d, "None of %d trials has come to its end with a metric.", t->n);
    gr__document_section(p->d, "search", "The search");
    gr__document_term(p->d, "method", "%s", p->s->method);
    gr__document_term(p->d, "metric", "%s, the %s the better", p->s->metric, p->s->lower ? "lower" : "higher");
    for (int i = 0; gr__trial_words[i]; i++)
        if (count[i]) gr__document_term(p->d, gr__trial_words[i], "%d", count[i]);
    gr__document_term(p->d, "updates", "%lld", (long long)t->steps);
}

/* ---- all of it ---- */

typedef struct placed {
    const gr_trial *trial;
    double metric; /* the lower the better */
} placed;

static int by_metric(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->metric != y->metric) return x->metric < y->metric ? -1 : 1;
    return (x->trial->trial > y->trial->trial) - (x->trial->trial < y->trial->trial);
}

static gr_status rank(page *p)
{
    const gr_tuned *t = &p->s->tuned;
    placed *all = gr__document_alloc(p->d, sizeof *all * (size_t)(t->n + 1));
    p->ranked = gr__document_alloc(p->d, sizeof *p->ranked * (size_t)(t->n + 1));
    if (!all || !p->ranked) return GR_E_MEMORY;
    for (int i = 0; i < t->n; i++) {
        const gr_trial *one = &t->trial[i];
        if (has_metric(one)) all[p->n++] = (placed){one, p->s->lower ? one->metric : -one->metric};
    }
    qsort(all, (size_t)p->n, sizeof *all, by_metric);
    for (int i = 0; i < p->n; i++) p->ranked[i] = all[i].trial;
    return GR_OK;
}

gr_status gr__study_page_make(gr_context *ctx, const char *path, gr_study_page *out)
{
    *out = (gr_study_page){.trials = 0};
    gr_status st = gr__document_open(ctx, path, &out->document);
    page p = {.ctx = ctx, .d = &out->document, .s = &out->study};
    GR_TRY(st);
    GR_TRY(gr__tune_recall(ctx, path, out->document.memory, &out->study));
    out->trials = out->study.tuned.n;
    GR_TRY(rank(&p));
    put_summary(&p);
    if (p.n > 0) {
        put_history(&p);
        GR_TRY(put_curves(&p));
        GR_TRY(put_importance(&p));
        put_parallel(&p);
        gr__document_section(p.d, "slices", "Key by key");
        for (int k = 0; k < p.s->spaces->n; k++) put_slice(&p, k);
    }
    put_trials(&p);
    st = out->document.failed;
done:
    return st;
}

void gr__study_page_close(gr_study_page *p)
{
    gr__study_close(p->study.study);
    gr__document_close(&p->document);
}
