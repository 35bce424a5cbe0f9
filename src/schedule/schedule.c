/* What schedules share: resolving, the warm-up before them, and their place in the run. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "nn/families.h"

static const gr_row common_rows[] = {
    GR_ROW("warmup", REAL, "0", "[0,inf)", "updates, or a fraction of the run",
           "how long the rate rises first: a whole number is updates, another a fraction of the run"),
    GR_ROW("warmup_from", REAL, "1/20", "[0,1]", "lr", "where the rise starts, as a part of the base rate"),
};
const gr_member gr__schedule_common = {
    .family = "schedule",
    .name = "common",
    .title = "What every schedule takes",
    .cite = "Goyal et al. 2017",
    .equations = "t < W: rate(t) = lr (warmup_from + (1 - warmup_from) t / W)        t from 0\n"
                 "then the schedule, counted from the end of the warm-up",
    GR_ROWS(common_rows),
};

static const gr_schedule *find(gr_context *ctx, const gr_tree *tree)
{
    const gr_member *heads[128], *found;
    int n;
    const gr_schedule *const *all = gr__schedules(&n);
    const char *name = gr__type_of(ctx, tree, "schedule", "constant");
    n = GR_MIN(n, (int)GR_COUNT(heads));
    for (int i = 0; i < n; i++) heads[i] = &all[i]->head;
    if (!name || gr__member_find(ctx, "schedule", heads, n, name, tree, &found) != GR_OK) return NULL;
    return (const gr_schedule *)found; /* head stands first */
}

gr_status gr__sched_make(gr_context *ctx, gr__bump *b, const gr_tree *tree, gr_preset preset, gr_sched *out)
{
    static const char *const common[] = {"warmup", "warmup_from", NULL};
    const char *own[64];
    gr_sched s = {.member = find(ctx, tree)};
    gr_settings rest;
    gr_status st = GR_OK;
    if (!s.member) return gr__error_code(ctx);
    const gr_member *m = &s.member->head;
    int n = GR_MIN(m->n_rows, (int)GR_COUNT(own) - 1);
    for (int i = 0; i < n; i++) own[i] = m->rows[i].name;
    own[n] = NULL;
    GR_TRY(gr__settings_make(ctx, b, m, tree, preset, common, &s.settings));
    GR_TRY(gr__settings_make(ctx, b, &gr__schedule_common, tree && tree->kind == GR_TREE_MAP ? tree : NULL, preset, own, &rest));
    if (s.member->check) GR_TRY(s.member->check(ctx, &s.settings));
    const gr_tree *w = gr__setting_tree(&rest, "warmup");
    s.warmup = gr__setting_real(&rest, "warmup");
    s.warmup_from = gr__setting_real(&rest, "warmup_from");
    s.warmup_is_fraction = w->kind != GR_TREE_INT;
    if (s.warmup_is_fraction && s.warmup > 1)
        GR_TRY(gr__tree_fail(ctx, w, GR_E_RANGE, "a whole number is updates", "%s is more than the whole run", w->text ? w->text : "it"));
    *out = s;
done:
    return st;
}

/* Rows without a value stay out: one that does not apply beside others (gamma beside factors) could not be read back. */
gr_tree *gr__sched_tree(gr__bump *b, const gr_sched *s)
{
    const gr_member *m = &s->member->head;
    gr_tree *map = gr__tree_map(b);
    char number[32], warmup[40], from[32];
    bool whole = s->warmup == floor(s->warmup);
    snprintf(warmup, sizeof warmup, "%s%s", gr__double_text(s->warmup, number),
             s->warmup_is_fraction && whole ? ".0" : ""); /* 1.0 is all of the run, 1 an update */
    bool ok = map && gr__tree_put(b, map, "type", gr__tree_text(b, m->name));
    for (int i = 0; ok && i < m->n_rows; i++)
        if (s->settings.value[i]) ok = gr__tree_put(b, map, m->rows[i].name, gr__tree_copy(b, s->settings.value[i]));
    ok = ok && gr__tree_put(b, map, "warmup", gr__tree_scalar(b, warmup)) &&
         gr__tree_put(b, map, "warmup_from", gr__tree_scalar(b, gr__double_text(s->warmup_from, from)));
    return ok ? map : NULL;
}

static int64_t warmup_updates(const gr_sched *s, int64_t total)
{
    return s->warmup_is_fraction ? llround(s->warmup * (double)total) : (int64_t)s->warmup;
}

double gr__sched_rate(const gr_sched *s, double lr, int64_t t, int64_t total, double updates_per_epoch)
{
    int64_t w = warmup_updates(s, total);
    if (t < w) return lr * s->warmup_from + (lr - lr * s->warmup_from) * ((double)t / (double)w);
    return s->member->rate(&s->settings,
                           &(gr_rate){.lr = lr, .t = t - w, .total = GR_MAX(total - w, 0), .updates_per_epoch = updates_per_epoch});
}

gr_status gr__sched_check(gr_context *ctx, const gr_sched *s, int64_t total)
{
    const char *hint = "give stop.epochs or stop.steps";
    if (total > 0) return GR_OK;
    if (s->member->needs_total) {
        gr__fail(ctx, GR_E_CONFLICT, "schedule %s needs to know how many updates there will be", s->member->head.name);
        gr__error_hint(ctx, "%s", hint);
        return GR_E_CONFLICT;
    }
    if (!s->warmup_is_fraction || s->warmup == 0) return GR_OK;
    gr__fail(ctx, GR_E_CONFLICT, "a warm-up of a fraction of the run needs to know how many updates there will be");
    gr__error_hint(ctx, "%s, or write the warm-up in updates", hint);
    return GR_E_CONFLICT;
}
