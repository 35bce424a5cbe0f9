/* gradus lr: which learning rate a recipe trains best at, by a grid of rates and by a finder. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "study/search/lr.h"

typedef struct options {
    int method;
    double from, to;
    int64_t points, updates, seeds;
    bool apply;
    const char *out;
} options;

static const char *const method_words[] = {"grid", "finder", NULL};

/* ---- options ---- */

static gr_status check_options(cli *c, const options *o, gr_lr_options *how)
{
    static const char *const endings[] = {"svg", NULL};
    bool finder = cli_given(c, "method") && o->method == GR_LR_FINDER;
    double from = o->from > 0 ? o->from : finder ? 1e-7 : 1e-5, to = o->to > 0 ? o->to : finder ? 10 : 1;
    int64_t points = finder && o->updates ? o->updates : o->points;
    if (!(from < to))
        return gr__fail(c->ctx, GR_E_USAGE, "--from %g, --to %g: the first rate must be below the last", from, to);
    if (finder && o->points && o->updates && o->points != o->updates)
        return gr__fail(c->ctx, GR_E_USAGE, "--points %lld, --updates %lld: the finder makes one update a rate",
                        (long long)o->points, (long long)o->updates);
    if (finder && points && (points < GR_LEAST_SWEPT || points > GR_MOST_SWEPT))
        return gr__fail(c->ctx, GR_E_RANGE, "--points: %lld is not in [%d, %d]", (long long)points, GR_LEAST_SWEPT,
                        GR_MOST_SWEPT);
    if (!finder && points > GR_MOST_RATES)
        return gr__fail(c->ctx, GR_E_RANGE, "--points: %lld rates of a grid are more than %d", (long long)points,
                        GR_MOST_RATES);
    if (o->apply && c->json)
        return gr__fail(c->ctx, GR_E_USAGE, "--apply prints a recipe, --json an answer: choose one of them");
    *how = (gr_lr_options){.method = cli_given(c, "method") ? (gr_lr_method)o->method : GR_LR_BOTH,
                           .seeds = (int)o->seeds,
                           .stop = &cli_stop};
    if (finder)
        how->finder = (gr_rates_options){.from = from, .to = to, .points = (int)points};
    else
        how->grid = (gr_rates_options){.from = from, .to = to, .points = (int)points, .updates = o->updates};
    return o->out ? cli_check_ending(c, o->out, "a plot as SVG", endings) : GR_OK;
}

/* ---- the answer ---- */

typedef struct row {
    double lr, cost, low, high;
    bool diverged;
    const char *mark;
} row;
static const gr_column row_columns[] = {
    GR_COLUMN(row, lr, REAL, "lr", GR_SHOWN("rate", 10), .digits = 3),
    GR_COLUMN(row, cost, REAL, "cost", GR_SHOWN("cost", 12), .digits = 5, .none = "-"),
    GR_COLUMN(row, low, REAL, "low", GR_SHOWN("lowest", 12), .digits = 5, .none = "-"),
    GR_COLUMN(row, high, REAL, "high", GR_SHOWN("highest", 12), .digits = 5, .none = "-"),
    GR_COLUMN(row, diverged, TRUTH, "diverged"),
    GR_COLUMN(row, mark, TEXT, NULL, GR_SHOWN("", 0), .gap = 2),
};
typedef struct swept_row {
    double lr, cost, smooth;
    bool diverged;
} swept_row;
static const gr_column swept_columns[] = {
    GR_COLUMN(swept_row, lr, REAL, "lr"),
    GR_COLUMN(swept_row, cost, REAL, "cost"),
    GR_COLUMN(swept_row, smooth, REAL, "smooth"),
    GR_COLUMN(swept_row, diverged, TRUTH, "diverged"),
};

static const char *rule_of(const gr_lr_options *o)
{
    return o->method == GR_LR_FINDER
               ? "valley: half way down the longest fall of the smoothed cost (fastai, after Smith 2017)"
               : "the largest rate that does not diverge and whose cost is within 10 % of the least (the chapter, "
                 "4.5.4, "
                 "after Masters & Luschi 2018)";
}

static void put_grid(gr_result *r, const gr_lr *l)
{
    const gr_rates *g = &l->grid;
    row *rows = gr__result_alloc(r, sizeof *rows * (size_t)g->n);
    for (int i = 0; i < g->n && rows; i++) {
        const gr_rate_tried *p = &g->point[i];
        rows[i] = (row){p->lr,           p->cost,     l->cost[i].low,
                        l->cost[i].high, p->diverged, i == g->best ? "suggested" : p->diverged ? "diverged" : ""};
    }
    gr__result_note(r, "%d rates, %lld updates each, from %d seed%s; cost %.5g before any update\n\n", g->n,
                    (long long)g->updates, l->seeds, l->seeds > 1 ? "s" : "", g->first);
    GR_TABLE(r, "points", row_columns, rows, rows ? g->n : 0);
    gr__result_put(r, "first=%g updates=%jd", g->first, g->updates);
}

static void put_swept(gr_result *r, const gr_finder *f, const char *key)
{
    swept_row *rows = gr__result_alloc(r, sizeof *rows * (size_t)GR_MAX(f->n, 1));
    for (int i = 0; i < f->n && rows; i++)
        rows[i] = (swept_row){f->point[i].lr, f->point[i].cost, f->point[i].smooth, f->ended && i == f->n - 1};
    GR_TABLE(r, key, swept_columns, rows, rows ? f->n : 0);
}

static void put_finder(gr_result *r, const gr_lr *l, bool alone)
{
    const gr_finder *f = &l->finder;
    put_swept(r, f, alone ? "points" : "finder/points");
    if (!alone) r->within = "finder/";
    gr__result_put(r, "valley=%g valley_low=%g valley_high=%g steep=%g minimum=%g", f->valley, l->valley.low,
                   l->valley.high, f->steep, f->minimum);
    r->within = NULL;
    gr__result_note(r, "%sfinder: %d rates from %.3g, an update each, from %d seed%s; %s\n", alone ? "" : "\n", f->n,
                    f->point[0].lr, l->seeds, l->seeds > 1 ? "s" : "",
                    f->ended ? "ended where the cost was above 4 times the least, or not finite"
                             : "the cost never rose above 4 times the least");
    if (!isnan(f->valley))
        gr__result_note(
            r, "  valley %.3g (from single seeds %.3g to %.3g), steepest at %.3g, a tenth of the minimum's %.3g\n",
            f->valley, l->valley.low, l->valley.high, f->steep, f->minimum);
}

/* What a figure cannot say of itself. */
static void note_limits(gr_result *r, const gr_lr *l)
{
    const gr_rates *g = &l->grid;
    if (g->best < 0) return;
    if (g->best == g->n - 1)
        gr__result_note(r, "it is the largest that was tried: --to a larger one tells whether more would do\n");
    if (!(g->point[g->best].cost < g->first))
        gr__result_note(r, "no rate lowered the cost: look at the recipe with gradus check, or give --updates\n");
}

static void answer(gr_result *r, const gr_lr_options *o, const gr_lr *l)
{
    bool alone = o->method == GR_LR_FINDER;
    if (!alone) put_grid(r, l);
    if (o->method != GR_LR_GRID) put_finder(r, l, alone);
    gr__result_put(r, "suggested=%g rule=%s seeds=%d", l->suggested, rule_of(o), l->seeds);
    if (l->compared) gr__result_put(r, "agree=%u", l->agree);
    if (l->why[0]) gr__result_put(r, "why=%s", l->why);
    if (!isnan(l->suggested)) gr__result_note(r, "\nsuggested: optimizer.lr: %.3g\n%s\n", l->suggested, rule_of(o));
    if (!alone) note_limits(r, l);
    if (l->why[0]) gr__result_note(r, "%s\n", l->why);
    if (o->method != GR_LR_BOTH)
        gr__result_note(r, "nothing was held against it: without --method grid and finder are both run and compared\n");
}

/* ---- the plot ---- */

static const gr_column cost_columns[] = {GR_NUMBER("lr", "", NULL), GR_NUMBER("cost", "", NULL)};

/* Costs up to where training began, with a margin: what has diverged leaves the picture at its upper edge. */
static gr_axis cost_axis(const gr_lr_options *o, const gr_lr *l)
{
    double low = INFINITY, high = o->method == GR_LR_FINDER ? l->finder.point[0].smooth : l->grid.first;
    for (int i = 0; i < l->grid.n; i++)
        if (!l->grid.point[i].diverged) {
            low = fmin(low, l->grid.point[i].cost);
            high = fmax(high, l->grid.point[i].cost);
        }
    for (int i = 0; i < l->finder.n; i++) low = fmin(low, l->finder.point[i].smooth); /* a NaN gives way */
    if (!(low < high)) return (gr_axis){.label = "training cost"};
    bool log = low > 0 && high > 30 * low;
    double margin = 0.1 * (high - low);
    return (gr_axis){.label = "training cost",
                     .log = log,
                     .low = log ? low / 1.5 : low - margin,
                     .high = log ? high * 3 : high + 2 * margin};
}

static void draw(gr_result *r, const char *recipe, const gr_lr_options *o, const gr_lr *l)
{
    int n = 0;
    gr_panel p = {.title = gr__result_text(r, "Learning rate of %s", recipe),
                  .x = {.label = "learning rate", .log = true},
                  .y = cost_axis(o, l)};
    if (o->method != GR_LR_FINDER) {
        gr_table *t = gr__result_numbers(r, "grid", "cost at constant rates", cost_columns, 2);
        for (int i = 0; i < l->grid.n; i++)
            gr__result_row(r, t, (const double[]){l->grid.point[i].lr, l->grid.point[i].cost});
        p.curve[n++] = (gr_curve){.label = gr__result_text(r, "grid, %lld updates each", (long long)l->grid.updates),
                                  .mark = GR_MARK_PATH,
                                  .table = "grid",
                                  .x = "lr",
                                  .y = "cost"};
    }
    if (o->method != GR_LR_GRID) {
        gr_table *t = gr__result_numbers(r, "finder", "smoothed cost at growing rates", cost_columns, 2);
        for (int i = 0; i < l->finder.n; i++)
            gr__result_row(r, t, (const double[]){l->finder.point[i].lr, l->finder.point[i].smooth});
        p.curve[n++] =
            (gr_curve){.label = "finder, smoothed", .mark = GR_MARK_DASHED, .table = "finder", .x = "lr", .y = "cost"};
    }
    n = 0;
    if (!isnan(l->suggested))
        p.rule[n++] = (gr_plot_rule){gr__result_text(r, "suggested %.3g", l->suggested), true, l->suggested};
    if (l->compared && !isnan(l->finder.valley) && !l->agree)
        p.rule[n++] = (gr_plot_rule){gr__result_text(r, "finder %.3g", l->finder.valley), true, l->finder.valley};
    p.caption =
        gr__result_text(r, "Means over %d seed%s. Suggested: %s.", l->seeds, l->seeds > 1 ? "s" : "", rule_of(o));
    gr__result_draw(r, &p);
}

/* ---- the recipe with the rate ---- */

/* A schedule may name rates of its own (`high` of cycles, of a tail), which the new rate then does not move. What does
 * is told by twice the rate, over a run of some length: a schedule is a function. */
static void tell_own_rates(const cli *c, const gr_recipe *r, double lr)
{
    enum { LENGTH = 1000, EPOCH = 50 };
    gr_rate at = {.total = LENGTH, .updates_per_epoch = EPOCH}, twice = at;
    const gr_tree *schedule = gr__tree_get(r->resolved, "schedule"), *tail = gr__tree_get(schedule, "tail"),
                  *high = gr__tree_get(schedule, "high");
    const char *key = high && !gr__tree_none(high) ? "high" : "tail.high";
    int own = 0;
    at.lr = lr, twice.lr = 2 * lr;
    for (; at.t < LENGTH; twice.t = ++at.t) {
        double a = gr__sched_rate(&r->sched, &at);
        own += a > 0 && a == gr__sched_rate(&r->sched, &twice);
    }
    if (!own) return;
    if (high == NULL || gr__tree_none(high)) high = gr__tree_get(tail, "high");
    gr__log(c->ctx, GR_LOG_WARNING,
            "schedule.%s is %s: of %s update is the rate of optimizer.lr; leave it out and the "
            "schedule follows the rate",
            key, high && high->text ? high->text : "given", own == LENGTH ? "no" : "not every");
}

/* Everything that follows from the rate (a cycle's upper bound, a tail's) follows the new one: it is put into what was
 * written, which is then resolved. */
static gr_status apply(cli *c, double lr)
{
    char set[64];
    cli_pairs sets = c->sets;
    gr_recipe *r = NULL;
    gr__text t;
    if (sets.n == CLI_MAX_GIVEN) return gr__fail(c->ctx, GR_E_USAGE, "--apply: there is no room for one more --set");
    snprintf(set, sizeof set, "optimizer.lr=%.4g", lr);
    sets.at[sets.n++] = set;
    gr_status st = gr__recipe_open(c->ctx, c->argument[0], sets.at, sets.n, &r);
    if (st != GR_OK) return st;
    gr_result *out = cli_result(c);
    gr__text_init(&t, c->ctx);
    gr__tree_write(r->resolved, &t, 0);
    if (t.failed) gr__result_fail(out, GR_E_MEMORY);
    gr__result_note(out, "%s", t.s ? t.s : "");
    gr__text_free(&t);
    tell_own_rates(c, r, lr);
    gr__recipe_close(c->ctx, r);
    return cli_list(c, out);
}

/* ---- all ---- */

static gr_status find(cli *c, const gr_recipe *recipe, gr_lr_options *how)
{
    const options *o = c->options;
    gr_result *r = cli_result(c);
    gr_lr *l = gr__result_alloc(r, sizeof *l);
    cli_view v = cli_view_make(c->quiet || c->json);
    if (!l) return GR_E_MEMORY;
    how->watch = cli_view_watch(&v);
    cli_catch_signals();
    gr_status st = gr__lr_find(c->ctx, recipe, how, l);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) return gr__fail(c->ctx, st, "interrupted");
    if (st != GR_OK) return st;
    double suggested = l->suggested;
    const char *why = gr__bump_format(c->memory, "%s", l->why);
    answer(r, how, l);
    if (o->out) {
        draw(r, recipe->name, how, l);
        st = cli_write_drawing(c, r, o->out);
        if (st != GR_OK) return st;
    }
    st = o->apply ? cli_tell(c, r) : cli_show(c, r);
    if (st != GR_OK) return st;
    if (isnan(suggested)) {
        gr__fail(c->ctx, GR_E_CHECK, "%s", why ? why : "no rate is suggested");
        gr__error_hint(c->ctx, how->method == GR_LR_FINDER
                                   ? "other bounds, more points, or --method grid"
                                   : "smaller rates: --from 1e-8; or gradus check tells what is wrong with the recipe");
        return GR_E_CHECK;
    }
    return o->apply ? apply(c, suggested) : GR_OK;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_lr_options how;
    gr_recipe *r = NULL;
    gr_status st = GR_OK;
    GR_TRY(check_options(c, o, &how));
    GR_TRY(cli_recipe(c, c->argument[0], &r));
    st = find(c, r, &how);
done:
    if (r) gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, method, WORD, "method", "grid|finder",
               "this one alone; both unless given, where the grid suggests and the finder is held against it",
               .words = method_words),
    CLI_OPTION(options, from, REAL, "from", "LR",
               "the smallest rate: 1e-5 of the grid, 1e-7 of the finder unless given", .low = 1e-30, .high = 1e6),
    CLI_OPTION(options, to, REAL, "to", "LR", "the largest: 1, and 10 of the finder", .low = 1e-30, .high = 1e6),
    CLI_OPTION(options, points, WHOLE, "points", "N", "how many rates: 11, and 100 of the finder", .low = 2,
               .high = GR_MOST_SWEPT),
    CLI_OPTION(options, updates, WHOLE, "updates", "N", "of each rate of the grid; 100 unless given", .low = 2,
               .high = 1e9),
    CLI_OPTION(options, seeds, WHOLE, "seeds", "N", "of weights and order, from the recipe's on; 3 unless given",
               .low = 1, .high = GR_LR_SEEDS, .usual = 3),
    CLI_OPTION(options, out, TEXT, "out", "PLOT.svg", "draws cost against rate", .letter = 'o'),
    CLI_OPTION(options, apply, SWITCH, "apply", NULL,
               "prints the recipe with the rate, resolved; all else goes to standard error"),
};

GR_COMMAND(lr) = {
    .name = "lr",
    .place = 11,
    .usage = "RECIPE [--method grid|finder] [--from LR] [--to LR] [--points N] [--updates N] [--seeds N] [--apply] "
             "[-o PLOT.svg]",
    .summary = "Which learning rate to train at",
    .help =
        "The grid tries eleven rates from 1e-5 to 1, each for 100 updates at a constant rate, from the same weights "
        "and "
        "in the same order of batches, and all of it from several\n"
        "seeds. A rate's cost is the mean of its last tenth of updates. It has diverged where that is not finite, "
        "above "
        "four times the least and above the start, or rose at every\n"
        "update of the second half. Suggested is the largest that has not, and whose cost is within 10 % of the "
        "least.\n\n"
        "The finder is one run whose rate grows with every update, until the smoothed cost is four times its least. It "
        "marks the valley, half way down the longest fall (fastai's\n"
        "rule), the steepest place, and a tenth of the rate of the minimum. Where grid and finder do not tell the same "
        "it is said why, with figures.\n\n"
        "A rate is the recipe's `optimizer.lr`: groups keep their scales, the schedule is left out. Nothing is written "
        "but PLOT.svg, and no run changes.\n"
        "Exit code 1 where every rate diverges.\n\n"
        "Examples\n  gradus lr recipes/fashion.yaml -o rates.svg\n"
        "  gradus lr my.yaml --from 1e-3 --to 0.3 --points 6 --apply >tuned.yaml\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
