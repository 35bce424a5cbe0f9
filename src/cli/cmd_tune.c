/* gradus tune: values of a recipe's keys searched for, in a study that outlives any process. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "study/tune/importance.h"
#include "study/tune/request.h"

typedef struct options {
    cli_pairs space, at_most;
    const char *method, *study, *metric, *importance;
    int64_t trials, jobs, together;
    uint64_t budget;
    bool prune;
} options;

/* ---- trials ---- */

typedef struct shown {
    cli *c;
    cli_view *view;
    const gr_spaces *spaces;
} shown;

static json_t *value_json(const gr_space *s, double x)
{
    char text[GR_SPACE_TEXT];
    double number;
    gr__space_text(s, x, text);
    if (!gr__parse_number(text, &number)) return gr__json_string(text);
    return floor(number) == number && fabs(number) < 1e15 ? json_integer((json_int_t)number) : gr__json_real(number);
}

static json_t *values_json(const gr_spaces *all, const gr_point *p)
{
    json_t *o = json_object();
    for (int i = 0; i < all->n; i++)
        if (!isnan(p->at[i])) json_object_set_new_nocheck(o, all->at[i].key, value_json(&all->at[i], p->at[i]));
    return o;
}

static const char *values_text(gr_result *r, const gr_spaces *all, const gr_point *p)
{
    const char *out = "";
    char text[GR_SPACE_TEXT];
    for (int i = 0; i < all->n; i++)
        if (!isnan(p->at[i]))
            out = gr__result_text(r, "%s%s%s=%s", out, *out ? " " : "", all->at[i].key,
                                  gr__space_text(&all->at[i], p->at[i], text));
    return out;
}

static gr_status tell(void *user, const gr_spaces *spaces, const gr_trial *t)
{
    shown *o = user;
    gr_result *r = cli_result(o->c);
    cli_view_clear(o->view);
    gr__result_put(r, "trial=%jd", t->trial);
    gr__result_json(r, "values", values_json(spaces, &t->point));
    gr__result_put(r, "state=%s steps=%jd metric=%g", gr__trial_words[t->state], t->steps, t->metric);
    if (t->why) gr__result_put(r, "why=%s", t->why);
    gr__result_note(r, "%5lld  %-9s %8lld  %-10.6g  %s%s%s\n", (long long)t->trial, gr__trial_words[t->state],
                    (long long)t->steps, t->metric, cli_shown(o->c, values_text(r, spaces, &t->point)),
                    t->why ? "  " : "", t->why ? cli_shown(o->c, t->why) : "");
    gr_status st = cli_show(o->c, r);
    fflush(stdout); /* the next trial takes its time */
    return st;
}

static void watch(void *user, const gr_tune_progress *p)
{
    shown *o = user;
    char best[80] = "", left[40] = "";
    if (p->best) snprintf(best, sizeof best, ", best %.6g (trial %lld)", p->best->metric, (long long)p->best->trial);
    if (!isnan(p->seconds_left)) snprintf(left, sizeof left, ", %.0f s left", p->seconds_left);
    cli_view_show(o->view, "%lld of %lld trials, %d running%s%s", (long long)p->ended, (long long)p->trials, p->running,
                  best, left);
}

/* ---- the end ---- */

static gr_status conclude(cli *c, const gr_tune_answer *a)
{
    gr_result *r = cli_result(c);
    const gr_tuned *t = &a->tuned;
    const gr_trial *best = t->best >= 0 ? &t->trial[t->best] : NULL;
    int count[GR_TRIAL_STATES] = {0};
    for (int i = 0; i < t->n; i++) count[t->trial[i].state]++;
    json_t *o = best ? json_object() : NULL;
    if (best) {
        json_object_set_new(o, "trial", json_integer(best->trial));
        json_object_set_new(o, "values", values_json(a->spaces, &best->point));
        json_object_set_new(o, "metric", gr__json_real(best->metric));
        json_object_set_new(o, "steps", json_integer(best->steps));
        gr__result_json(r, "best", o);
    } else {
        gr__result_put(r, "best");
    }
    gr__result_put(r, "steps_spent=%jd trials=%d metric=%s recipe=%s", t->steps, t->n, a->metric, a->best_path);
    gr__result_note(r, "%d trials: %d done, %d pruned, %d failed, %d diverged; %lld updates\n", t->n,
                    count[GR_TRIAL_DONE], count[GR_TRIAL_PRUNED], count[GR_TRIAL_FAILED], count[GR_TRIAL_DIVERGED],
                    (long long)t->steps);
    if (best)
        gr__result_note(r, "best: trial %lld, %s %.6g, %s\n", (long long)best->trial, a->metric, best->metric,
                        cli_shown(c, values_text(r, a->spaces, &best->point)));
    if (a->best_path) gr__result_note(r, "its recipe: %s\n", cli_shown(c, a->best_path));
    return cli_show(c, r);
}

static gr_status interrupted(cli *c, const gr_tune_answer *a, const char *study)
{
    int ended = 0;
    for (int i = 0; i < a->tuned.n; i++) ended += gr__trial_ended(a->tuned.trial[i].state);
    return gr__fail(c->ctx, GR_E_INTERRUPTED, "interrupted after %d trials; the same command goes on with %s", ended,
                    study);
}

static gr_status search(cli *c, gr_recipe *base)
{
    const options *o = c->options;
    cli_view v = cli_view_make(c->quiet || c->json);
    shown user = {.c = c, .view = &v};
    gr_tune_answer answer;
    const char *study = o->study ? o->study : gr__bump_format(c->memory, "runs/%s-tune/study.db", base->name);
    const gr_tune_request q = {.study = study,
                               .space = o->space.at,
                               .n_spaces = o->space.n,
                               .method = o->method ? o->method : "tpe",
                               .at_most = o->at_most.at,
                               .n_at_most = o->at_most.n,
                               .trials = o->trials,
                               .by_metric = o->metric != NULL,
                               .prune = o->prune,
                               .together = (int)o->together,
                               .jobs = (int)o->jobs,
                               .budget = o->budget,
                               .stop = &cli_stop,
                               .tell = tell,
                               .watch = watch,
                               .user = &user};
    cli_catch_signals();
    gr_status st = study ? gr__tune_recipe(c->ctx, base, &q, c->memory, &answer) : GR_E_MEMORY;
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) return interrupted(c, &answer, study);
    if (st != GR_OK && st != GR_E_CHECK) return st;
    gr_status told = conclude(c, &answer);
    return st == GR_OK ? told : st;
}

/* ---- what mattered ---- */

typedef struct share_row {
    const char *key;
    double share;
} share_row;
static double percent(const void *row)
{
    return 100 * ((const share_row *)row)->share;
}
static const gr_column share_columns[] = {
    GR_COLUMN(share_row, key, TEXT, NULL, GR_SHOWN("key", -32)),
    GR_COLUMN(share_row, share, REAL, NULL, GR_SHOWN("share %", 8), .digits = 1, .style = 'f', .number = percent),
};

static int by_share(const void *a, const void *b)
{
    double x = ((const share_row *)a)->share, y = ((const share_row *)b)->share;
    return (x < y) - (x > y);
}

static gr_status importance(cli *c, const char *path)
{
    gr_recalled study;
    gr_importance found;
    gr_status st = GR_OK;
    GR_TRY(gr__tune_recall(c->ctx, path, c->memory, &study));
    GR_TRY(gr__importance(c->ctx, study.spaces, &study.tuned, study.lower, &found));
    gr_result *r = cli_result(c);
    share_row *rows = gr__result_alloc(r, sizeof *rows * (size_t)study.spaces->n);
    if (!rows) GR_TRY(GR_E_MEMORY);
    for (int i = 0; i < study.spaces->n; i++) rows[i] = (share_row){study.spaces->at[i].key, found.share[i]};
    qsort(rows, (size_t)study.spaces->n, sizeof *rows, by_share);
    json_t *shares = json_object();
    for (int i = 0; i < study.spaces->n; i++)
        json_object_set_new_nocheck(shares, rows[i].key, gr__json_real(rows[i].share));
    gr__result_json(r, "importance", shares);
    gr__result_put(r, "together=%g trials=%d", found.together, found.judged);
    gr__result_table(r, NULL, share_columns, (int)GR_COUNT(share_columns), rows, (size_t)study.spaces->n, sizeof *rows);
    gr__result_note(r, "of the main effects, by %d trials; %.1f %% of the variance is of keys together\n", found.judged,
                    100 * found.together);
    st = cli_show(c, r);
done:
    gr__study_close(study.study);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_recipe *base = NULL;
    gr_status st = GR_OK;
    if (o->importance && (c->n_arguments || o->space.n || c->sets.n))
        return gr__fail(c->ctx, GR_E_USAGE, "--importance %s: it tells of the study alone, without a recipe and --try",
                        o->importance);
    if (o->importance) return importance(c, o->importance);
    if (c->n_arguments == 0) return gr__fail(c->ctx, GR_E_USAGE, "tune: an argument is missing: which RECIPE?");
    if (o->space.n == 0) {
        gr__fail(c->ctx, GR_E_USAGE, "tune: what is to be searched? --try KEY=SPACE is missing");
        gr__error_hint(c->ctx, "gradus tune r.yaml --try 'optimizer.lr=log(1e-4,1e-1)'");
        return GR_E_USAGE;
    }
    if (o->metric && c->sets.n < CLI_MAX_GIVEN) {
        c->sets.at[c->sets.n] = gr__bump_format(c->memory, "best_by=%s", o->metric);
        if (!c->sets.at[c->sets.n++]) return GR_E_MEMORY;
    }
    GR_TRY(cli_recipe(c, c->argument[0], &base));
    st = search(c, base);
done:
    if (base) gr__recipe_close(c->ctx, base);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, space, PAIR, "try", "KEY=SPACE",
               "a key and its values: {a,b}, uniform(a,b), log(a,b), int(a,b), int_log(a,b); may be repeated"),
    CLI_OPTION(options, method, TEXT, "method", "NAME",
               "random, grid, tpe (unless given) or halving; or with settings: '{type: tpe, startup: 20}'"),
    CLI_OPTION(options, trials, WHOLE, "trials", "N", "in the study, whoever ran them; 20 unless given, of a grid all",
               .low = 1, .high = 1e6, .usual = 0),
    CLI_OPTION(options, study, TEXT, "study", "FILE.db",
               "the study, made or gone on with; runs/NAME-tune/study.db unless given"),
    CLI_OPTION(options, metric, TEXT, "metric", "M",
               "by which trials are judged, as best_by has it; validation_error unless given"),
    CLI_OPTION(options, at_most, PAIR, "at-most", "NAME=N",
               "refuses trials whose plan says more, without training them: bytes, serving_bytes, parameters, "
               "step_flops, predicted_ms (of an update on one thread); may be repeated"),
    CLI_OPTION(options, prune, SWITCH, "prune", NULL,
               "ends trials that are behind the median of earlier ones at the same update"),
    CLI_OPTION(options, jobs, WHOLE, "jobs", "N", "trials side by side in this process; 1 unless given", .low = 1,
               .high = GR_MOST_JOBS, .usual = 1),
    CLI_OPTION(options, budget, SIZE, "budget", "SIZE",
               "tensor memory of all trials that run side by side, as 2G; what the machine has unless given"),
    CLI_OPTION(options, together, WHOLE, "together", "N",
               "trials that are proposed without knowing of each other's results, so that as many processes and jobs "
               "can share a study; 4 unless given",
               .low = 1, .high = 1024, .usual = 4),
    CLI_OPTION(options, importance, TEXT, "importance", "FILE.db",
               "tells what mattered in a study: shares of the variance, by a random forest"),
};

GR_COMMAND(tune) = {
    .name = "tune",
    .place = 13,
    .usage = "RECIPE --try KEY=SPACE... [--method NAME] [--trials N] [--study FILE.db] | --importance FILE.db",
    .summary = "Searches values of a recipe's keys, in a study that several processes may share",
    .help =
        "A trial is the recipe with values from the spaces, trained from the recipe's seed and judged by its best "
        "evaluation on the validation part; the test part is never opened. Any key may be\n"
        "searched, members too. A space of a key that only some members have applies beside these alone; others are "
        "bound with `if`: 'optimizer.beta2=uniform(0.9,0.999) if optimizer=adam'.\n\n"
        "The study is an SQLite file. It may be killed at any moment: the same command goes on, and ends in the same "
        "trials, whatever the number of processes and jobs. Trials that diverge,\n"
        "are refused by their recipe or by --at-most, or take more memory than there is, are results too. best.yaml "
        "beside the study is the recipe of the best trial.\n\n"
        "Examples\n"
        "  gradus tune recipes/fashion.yaml --try 'optimizer.lr=log(1e-4,1e-1)' --try 'data.batch=int_log(16,256)' "
        "--trials 30\n"
        "  gradus tune r.yaml --try 'optimizer={adam,sgdm}' --try 'optimizer.lr=log(1e-4,1e-1)' --method halving "
        "--trials 27 --jobs 2\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 0,
    .max_arguments = 1,
    .run = run,
};
