/* gradus explain, of schedules: the rates of a run, drawn or listed. */
#include <math.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/terminal.h"
#include "result/plot.h"
#include "train/train.h"

enum { MOST_RATES = 100000 };

/* ---- the rates ---- */

/* A run to show a schedule on that learns from evaluations: each goes nine tenths of the way to a floor that is
 * proportional to the rate, as the error of noisy gradients is. */
typedef struct made_up {
    double error, state[GR_SCHEDULE_STATE];
    int64_t next; /* updates done at the next evaluation */
} made_up;

/* Evaluations up to update r->t; true: the schedule stops training, at m->next. */
static bool evaluate(const cli_rates *c, const gr_rate *r, made_up *m)
{
    for (; m->next <= r->t; m->next += c->every) {
        gr_rate now = *r;
        now.t = m->next - 1;
        double floor_now = c->lr > 0 ? gr__sched_rate(&c->sched, &now) / c->lr : 0;
        m->error = floor_now + (m->error - floor_now) / 10;
        now.t = m->next;
        if (gr__sched_observe(&c->sched, &now, &(gr_observation){m->error, m->error}, m->state)) return true;
    }
    return false;
}

static gr_status compute(cli *c, cli_rates *out)
{
    made_up m = {.error = 2, .next = out->every};
    gr_rate r = {.lr = out->lr, .total = out->updates, .updates_per_epoch = out->updates_per_epoch, .state = m.state};
    gr__sched_begin(&out->sched, m.state);
    gr_status st = gr__sched_check_rate(c->ctx, &out->sched, out->lr);
    if (st == GR_OK) st = gr__sched_check(c->ctx, &out->sched, &r);
    if (st != GR_OK) return st;
    out->stride = (out->updates + MOST_RATES - 1) / MOST_RATES;
    out->rate = gr__bump_alloc(c->memory, sizeof *out->rate * (size_t)MOST_RATES);
    if (!out->rate) return GR_E_MEMORY;
    for (out->n = 0; out->n * out->stride < out->updates; out->n++) {
        r.t = out->n * out->stride;
        if (out->sched.member->observe && evaluate(out, &r, &m)) {
            out->stops = m.next;
            return GR_OK;
        }
        out->rate[out->n] = gr__sched_rate(&out->sched, &r);
    }
    return GR_OK;
}

/* ---- an example run ---- */

static const gr_row example_rows[] = {
    GR_ROW("lr", REAL, "0.1", "(0,inf)", "1", "base rate of the example"),
    GR_ROW("updates", INT, "1000", "[1,1000000000]", "updates", "length of the example"),
    GR_ROW("updates_per_epoch", INT, "50", "[1,1000000000]", "updates", "of the example"),
};
static const gr_member example = {
    .family = "explain", .name = "example", .title = "", .cite = "", .equations = "", GR_ROWS(example_rows)};

bool cli_is_run_flag(const char *set)
{
    return strncmp(set, "threads=", 8) == 0 || strncmp(set, "seed=", 5) == 0;
}

/* Splits what --set gave into the run's keys and the schedule's; the schedule's example settings hold where none of its
 * own are given. */
static gr_status split_sets(cli *c, const gr_schedule *m, const gr_tree *given, gr_tree *run, gr_tree *schedule)
{
    bool own = false;
    gr_tree *shown = m->example ? gr__tree_flow(c->memory, m->example) : NULL;
    if ((m->example && !shown) || !gr__tree_put(c->memory, schedule, "type", gr__tree_text(c->memory, m->head.name)))
        return GR_E_MEMORY;
    for (int i = 0; i < given->n; i++) {
        gr_tree *to = gr__member_has(&example, given->key[i]) ? run : schedule;
        own |= gr__member_has(&m->head, given->key[i]);
        if (!gr__tree_put(c->memory, to, given->key[i], given->child[i])) return GR_E_MEMORY;
    }
    for (int i = 0; shown && !own && i < shown->n; i++)
        if (!gr__tree_put(c->memory, schedule, shown->key[i], shown->child[i])) return GR_E_MEMORY;
    return GR_OK;
}

gr_status cli_rates_example(cli *c, const gr_schedule *m, cli_rates *out)
{
    gr_tree *given = gr__tree_map(c->memory), *run = gr__tree_map(c->memory), *schedule = gr__tree_map(c->memory);
    gr_settings s;
    gr_status st = GR_OK;
    *out = (cli_rates){0};
    if (!given || !run || !schedule) return GR_E_MEMORY;
    for (int i = 0; i < c->sets.n; i++)
        if (!cli_is_run_flag(c->sets.at[i])) GR_TRY(gr__recipe_set(c->ctx, c->memory, given, "--set", c->sets.at[i]));
    GR_TRY(split_sets(c, m, given, run, schedule));
    GR_TRY(gr__settings_make(c->ctx, c->memory, &example, run, GR_PRESET_CHAPTER, NULL, &s));
    GR_TRY(gr__sched_make(c->ctx, c->memory, schedule, GR_PRESET_CHAPTER, &out->sched));
    out->lr = gr__setting_real(&s, "lr");
    out->updates = gr__setting_int(&s, "updates");
    out->every = gr__setting_int(&s, "updates_per_epoch");
    out->updates_per_epoch = (double)out->every;
    GR_TRY(compute(c, out));
done:
    return st;
}

/* ---- a recipe's run ---- */

gr_status cli_rates_recipe(cli *c, const char *path, cli_rates *out)
{
    gr_recipe *r = NULL;
    gr_task task = {0};
    gr_status st = cli_recipe(c, path, &r);
    if (st != GR_OK) return st;
    GR_TRY(gr__task_estimate(c->ctx, r, &task));
    gr_extent e = gr__task_extent(&task);
    gr_clock clock = {.total = e.total, .updates_per_epoch = e.updates_per_epoch};
    gr_rate start = gr__engine_moment(r, &clock, NULL);
    GR_TRY(gr__sched_check(c->ctx, &r->sched, &start));
    *out = (cli_rates){.lr = start.lr, .updates = e.total, .updates_per_epoch = (double)e.updates_per_epoch};
    if (!e.total) { /* stop.seconds alone, say */
        out->updates = 20 * e.updates_per_epoch;
        gr__log(c->ctx, GR_LOG_INFO, "%s does not say how many updates there will be: these are the first 20 epochs",
                path);
    }
    if (out->updates > 1000000000)
        GR_TRY(gr__fail(c->ctx, GR_E_RANGE, "%lld updates are more than can be shown", (long long)out->updates));
    out->every = GR_MAX(r->validate.n, 1) * (r->validate.unit == GR_EVERY_EPOCHS ? e.updates_per_epoch : 1);
    /* The recipe goes, what is shown stays: the schedule is made again in the command's memory. */
    gr_tree *schedule = gr__sched_tree(c->memory, &r->sched);
    GR_TRY(schedule ? gr__sched_make(c->ctx, c->memory, schedule, r->preset, &out->sched) : GR_E_MEMORY);
    GR_TRY(compute(c, out));
    for (int64_t i = 0; i < out->n && !r->sched.member->observe;
         i++) { /* what else decides: a switch of methods, a rate for averaging */
        clock.step = i * out->stride;
        out->rate[i] = gr__engine_rate(r, &clock, NULL);
    }
done:
    gr__task_close(&task);
    gr__recipe_close(c->ctx, r);
    return st;
}

/* ---- showing ---- */

static void draw(gr_result *r, const cli_rates *rates, double highest)
{
    double *x = gr__result_alloc(r, sizeof *x * (size_t)GR_MAX(rates->n, 1));
    gr_series *s = gr__result_alloc(r, sizeof *s);
    gr_plot *p = gr__result_alloc(r, sizeof *p);
    if (!x || !s || !p) return;
    for (int64_t i = 0; i < rates->n; i++) x[i] = (double)(i * rates->stride);
    *s = (gr_series){.mark = GR_MARK_LINE, .n = (size_t)rates->n, .x = x, .y = rates->rate};
    *p = (gr_plot){.x = {.label = "updates", .high = (double)(rates->stops ? rates->stops : rates->updates)},
                   .y = {.low = 0, .high = highest},
                   .series = s,
                   .n_series = 1};
    gr__result_plot(r, p, &(gr_text_style){.columns = 78, .lines = cli_utf8() ? 12 : 16, .utf8 = cli_utf8()});
}

void cli_rates_note(cli *c, gr_result *r, const cli_rates *rates)
{
    double low = INFINITY, high = 0;
    gr__text text;
    gr_tree *schedule = gr__sched_tree(c->memory, &rates->sched);
    gr__text_init(&text, c->ctx);
    if (schedule) gr__tree_write(schedule, &text, 4);
    if (!schedule || text.failed) {
        gr__result_fail(r, GR_E_MEMORY);
        return;
    }
    for (int64_t i = 0; i < rates->n; i++) low = fmin(low, rates->rate[i]), high = fmax(high, rates->rate[i]);
    gr__result_note(r, "  the rate over %lld updates, %.10g an epoch, with lr %.10g\n%s\n", (long long)rates->updates,
                    rates->updates_per_epoch, rates->lr, text.s);
    gr__text_free(&text);
    draw(r, rates, high);
    gr__result_note(r, "  first %.6g, highest %.6g, lowest %.6g, last %.6g\n", rates->rate[0], high, low,
                    rates->rate[rates->n - 1]);
    if (rates->sched.member->observe)
        gr__result_note(r,
                        "  errors are made up: every %lld update%s they go nine tenths of the way to a floor "
                        "proportional to the rate\n",
                        (long long)rates->every, rates->every == 1 ? "" : "s");
    if (rates->stops)
        gr__result_note(r, "  with them the schedule ends the run after update %lld\n", (long long)rates->stops);
    gr__result_note(r, "\n");
}

void cli_rates_add(gr_result *r, const cli_rates *rates)
{
    gr__result_put(r, "schedule=%s lr=%g updates=%jd updates_per_epoch=%g stride=%jd", rates->sched.member->head.name,
                   rates->lr, rates->updates, rates->updates_per_epoch, rates->stride);
    gr__result_list(r, "rates", (gr_list){.real = rates->rate, .n = (size_t)rates->n});
}
