/* What schedules share: resolving, the warm-up before them, the tail after them, their state, and their place in the
 * run. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "schedule/span.h"

static const gr_row common_rows[] = {
    GR_ROW("warmup", TREE, "0", "[0,inf), or text such as 5 epochs", "updates, or a fraction of the run",
           "how long the rate rises first: a whole number is updates, another a fraction of the run"),
    GR_ROW("warmup_from", REAL, "1/20", "[0,1]", "lr", "where the rise starts, as a part of the base rate"),
    GR_ROW("tail", TREE, "none", "none, {fraction, cycles, high, low}, or a fraction alone", "",
           "cycles instead of the schedule at the end of the run; `gradus explain tail`"),
};
GR_COMMON(schedule_common) = {
    .family = "schedule",
    .name = "common",
    .title = "What every schedule takes",
    .cite = "Goyal et al. 2017",
    .equations = "t < W: rate(t) = lr (warmup_from + (1 - warmup_from) t / W)        t from 0\n"
                 "then the schedule, counted from the end of the warm-up",
    GR_ROWS(common_rows),
};

static const gr_row tail_rows[] = {
    GR_ROW("fraction", TREE, "0.2", "a fraction of the run, updates, or text such as 5 epochs", "",
           "how long the tail is"),
    GR_ROW("cycles", INT, "4", "[0,1000000]", "cycles", "so many and a half, so that the run ends low"),
    GR_ROW("high", REAL, "none", "(0,inf)", "1", "the highest rate; by default the schedule's where the tail begins"),
    GR_ROW("low", REAL, "none", "[0,inf)", "1", "the lowest rate; by default a tenth of high"),
};
GR_COMMON(schedule_tail) = {
    .family = "recipe",
    .name = "tail",
    .title = "The tail of any schedule: cycles at the end of the run",
    .cite = "Smith 2017",
    .equations = "L = round(fraction T)        Tc = T - L        half = L / (2 cycles + 1)\n"
                 "t >= Tc: falls from high to low in half updates, rises in the next, ..., falls to low at T",
    GR_ROWS(tail_rows),
};

/* ---- resolving ---- */

static gr_status read_tail(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_preset preset, gr_tail *out)
{
    gr_settings s;
    gr_status st = GR_OK;
    char shown[200];
    bool map = t->kind == GR_TREE_MAP;
    if (!map && t->kind != GR_TREE_INT && t->kind != GR_TREE_REAL)
        return gr__tree_fail(ctx, t, GR_E_TYPE, "write tail: {fraction: 0.2, cycles: 4}", "%s is no tail",
                             gr__tree_show(t, shown, sizeof shown));
    GR_TRY(gr__settings_make(ctx, b, &gr__schedule_tail, map ? t : NULL, preset, NULL, &s));
    const gr_tree *length = map ? gr__setting_tree(&s, "fraction") : t, *low = gr__setting_tree(&s, "low"),
                  *high = gr__setting_tree(&s, "high");
    *out = (gr_tail){.on = true,
                     .cycles = gr__setting_int(&s, "cycles"),
                     .high = gr__setting_real(&s, "high"),
                     .low = gr__setting_real(&s, "low"),
                     .at = t};
    GR_TRY(gr__span_read(ctx, length, true, &out->length));
    if (low && high && low->number > high->number)
        GR_TRY(gr__tree_fail(ctx, low, GR_E_CONFLICT, NULL, "low %s is above high %s", low->text, high->text));
done:
    return st;
}

gr_status gr__sched_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sched *out)
{
    gr_sched s = {.member =
                      (const gr_schedule *)gr__family_find(ctx, &gr__family_schedule, "schedule", tree, "constant")};
    gr_settings rest;
    gr_status st = GR_OK;
    if (!s.member) return gr__error_code(ctx);
    GR_TRY(gr__settings_both(ctx, b, &s.member->head, gr__family_schedule.common, tree, preset, &s.settings, &rest));
    if (s.member->check) GR_TRY(s.member->check(ctx, &s.settings));
    GR_TRY(gr__span_read(ctx, gr__setting_tree(&rest, "warmup"), true, &s.warmup));
    s.warmup_from = gr__setting_real(&rest, "warmup_from");
    if (gr__setting_tree(&rest, "tail")) GR_TRY(read_tail(ctx, b, gr__setting_tree(&rest, "tail"), preset, &s.tail));
    *out = s;
done:
    return st;
}

static gr_tree *bound_tree(gr__bump *b, double x)
{
    char text[32];
    return isnan(x) ? gr__tree_text(b, "none") : gr__tree_scalar(b, gr__double_text(x, text));
}

static gr_tree *tail_tree(gr__bump *b, const gr_tail *t)
{
    char cycles[32];
    if (!t->on) return gr__tree_text(b, "none");
    gr_tree *map = gr__tree_map(b);
    bool ok = gr__tree_put(b, map, "fraction", gr__span_tree(b, t->length)) &&
              gr__tree_put(b, map, "cycles", gr__tree_scalar(b, gr__double_text((double)t->cycles, cycles))) &&
              gr__tree_put(b, map, "high", bound_tree(b, t->high)) &&
              gr__tree_put(b, map, "low", bound_tree(b, t->low));
    return ok ? map : NULL;
}

/* A row without a value is none, where it may be: another preset's default must not slip in. Others stay out: one that
 * does not apply beside what is there (gamma beside factors) could not be read back. */
gr_tree *gr__sched_tree(gr__bump *b, const gr_sched *s)
{
    const gr_member *m = &s->member->head;
    gr_tree *map = gr__tree_map(b);
    bool ok = map && gr__tree_put(b, map, "type", gr__tree_text(b, m->name));
    for (int i = 0; ok && i < m->n_rows; i++) {
        const gr_row *row = &m->rows[i];
        bool optional = row->value && strcmp(row->value, "none") == 0;
        if (s->settings.value[i])
            ok = gr__tree_put(b, map, row->name, gr__tree_copy(b, s->settings.value[i]));
        else if (optional)
            ok = gr__tree_put(b, map, row->name, gr__tree_text(b, "none"));
    }
    ok = ok && gr__tree_put(b, map, "warmup", gr__span_tree(b, s->warmup)) &&
         gr__tree_put(b, map, "warmup_from", bound_tree(b, s->warmup_from)) &&
         gr__tree_put(b, map, "tail", tail_tree(b, &s->tail));
    return ok ? map : NULL;
}

/* ---- the rate ---- */

static int64_t span_updates(gr_span s, const gr_rate *r)
{
    return llround(fmin(gr__span_updates(s, r->total, r->updates_per_epoch), 0x1p53));
}

/* Where the tail begins; INT64_MAX without one. A tail is never longer than the run. */
static int64_t tail_begins(const gr_sched *s, const gr_rate *r)
{
    int64_t n = s->tail.on ? GR_MIN(span_updates(s->tail.length, r), r->total) : 0;
    return n > 0 ? r->total - n : INT64_MAX;
}

/* The rate at update t with neither tail nor cycles. */
static double base_rate(const gr_sched *s, const gr_rate *r, int64_t t)
{
    double initial[GR_SCHEDULE_STATE];
    int64_t w = span_updates(s->warmup, r);
    if (t < w) return r->lr * s->warmup_from + (r->lr - r->lr * s->warmup_from) * ((double)t / (double)w);
    if (!r->state) gr__sched_begin(s, initial);
    return s->member->rate(&s->settings, &(gr_rate){.lr = r->lr,
                                                    .t = t - w,
                                                    .total = GR_MAX(r->total - w, 0),
                                                    .warmup = w,
                                                    .updates_per_epoch = r->updates_per_epoch,
                                                    .state = r->state ? r->state : initial});
}

static double tail_high(const gr_sched *s, const gr_rate *r, int64_t begins)
{
    return isnan(s->tail.high) ? base_rate(s, r, begins) : s->tail.high;
}

/* n and a half cycles that begin high: Smith's wave half a cycle later. */
static double tail_rate(const gr_sched *s, const gr_rate *r, int64_t begins)
{
    double high = tail_high(s, r, begins), low = isnan(s->tail.low) ? high / 10 : s->tail.low;
    double half = (double)(r->total - begins) / (double)(2 * s->tail.cycles + 1);
    if (r->t >= r->total) return low;
    return low + (high - low) * gr__triangle((double)(r->t - begins) + half, half);
}

double gr__sched_rate(const gr_sched *s, const gr_rate *r)
{
    int64_t begins = tail_begins(s, r);
    return r->t >= begins ? tail_rate(s, r, begins) : base_rate(s, r, r->t);
}

/* ---- state ---- */

void gr__sched_begin(const gr_sched *s, double state[GR_SCHEDULE_STATE])
{
    for (int i = 0; i < GR_SCHEDULE_STATE; i++) state[i] = i < s->member->n_state ? s->member->state[i].initial : 0;
}

bool gr__sched_observe(const gr_sched *s, const gr_rate *r, const gr_observation *o, double state[GR_SCHEDULE_STATE])
{
    if (!s->member->observe || r->t <= span_updates(s->warmup, r) || r->t > tail_begins(s, r)) return false;
    return s->member->observe(&s->settings, o, state);
}

/* ---- what does not go together ---- */

gr_status gr__sched_check_rate(gr_context *ctx, const gr_sched *s, double lr)
{
    return s->member->check_rate ? s->member->check_rate(ctx, &s->settings, lr) : GR_OK;
}

static gr_status check_tail(gr_context *ctx, const gr_sched *s, const gr_rate *r)
{
    int64_t begins = tail_begins(s, r), w = span_updates(s->warmup, r);
    if (begins == INT64_MAX) return GR_OK;
    if (w > begins)
        return gr__tree_fail(ctx, s->tail.at, GR_E_CONFLICT, "shorten one of them, or train longer",
                             "the tail begins at update %lld of %lld, within the warm-up of %lld", (long long)begins,
                             (long long)r->total, (long long)w);
    double high = tail_high(s, r, begins);
    if (!(high > 0))
        return gr__tree_fail(ctx, s->tail.at, GR_E_CONFLICT, "give its high",
                             "the rate is 0 where the tail begins, at update %lld", (long long)begins);
    if (s->tail.low > high)
        return gr__tree_fail(ctx, s->tail.at, GR_E_CONFLICT, "give its high, or a smaller low",
                             "low %g is above the rate %g where the tail begins, at update %lld", s->tail.low, high,
                             (long long)begins);
    return GR_OK;
}

static void warn_of_warmup(gr_context *ctx, const gr_sched *s, const gr_rate *r)
{
    int64_t w = span_updates(s->warmup, r);
    if (w > r->total)
        gr__log(ctx, GR_LOG_WARNING,
                "schedule.warmup: a warm-up of %lld updates does not end within the %lld of this run", (long long)w,
                (long long)r->total);
}

/* Whether every update after the warm-up has the same rate, from a look at the first thousands of them and at thousands
 * up to the last. */
static bool never_changes(const gr_sched *s, const gr_rate *r)
{
    enum { LOOKS = 4096 };
    gr_rate at = *r;
    int64_t first = span_updates(s->warmup, r), rest = r->total - 1 - first, looks = GR_MIN(rest, LOOKS);
    if (rest < 1) return false;
    at.t = first;
    double rate = gr__sched_rate(s, &at);
    for (int64_t k = 1; k <= looks; k++) {
        const int64_t look[] = {first + k, first + (int64_t)((double)rest * (double)k / (double)looks)};
        for (size_t i = 0; i < GR_COUNT(look); i++) {
            at.t = look[i];
            if (gr__sched_rate(s, &at) != rate) return false;
        }
    }
    return true;
}

/* Of members that are set at all: `constant` is meant to stay. */
static void warn_of_idle(gr_context *ctx, const gr_sched *s, const gr_rate *r)
{
    if (s->member->head.n_rows == 0 || s->member->observe || !never_changes(s, r)) return;
    gr__log(ctx, GR_LOG_WARNING, "schedule: %s never changes the rate within the %lld updates of this run%s",
            s->member->head.name, (long long)r->total, span_updates(s->warmup, r) ? " after its warm-up" : "");
}

gr_status gr__sched_check(gr_context *ctx, const gr_sched *s, const gr_rate *r)
{
    const char *hint = "give stop.epochs or stop.steps";
    if (r->total > 0) {
        warn_of_warmup(ctx, s, r);
        gr_status st = check_tail(ctx, s, r);
        if (st == GR_OK) warn_of_idle(ctx, s, r);
        return st;
    }
    if (s->member->needs_total || s->tail.on) {
        gr__fail(ctx, GR_E_CONFLICT,
                 s->tail.on ? "the tail of schedule %s needs to know how many updates there will be"
                            : "schedule %s needs to know how many updates there will be",
                 s->member->head.name);
        gr__error_hint(ctx, "%s", hint);
        return GR_E_CONFLICT;
    }
    if (s->warmup.unit != GR_SPAN_RUN || s->warmup.n == 0) return GR_OK;
    gr__fail(ctx, GR_E_CONFLICT, "a warm-up of a fraction of the run needs to know how many updates there will be");
    gr__error_hint(ctx, "%s, or write the warm-up in updates", hint);
    return GR_E_CONFLICT;
}

void gr__sched_phases(const gr_sched *s, const gr_rate *r, int64_t *warm, int64_t *tail)
{
    *warm = span_updates(s->warmup, r);
    *tail = tail_begins(s, r);
}
