/* Presets: the defaults that `preset: paper` and `preset: torch` change, as the specification and the sources have
 * them, not as the code has them. A row with a default of its own under a preset that is not in the table is an error:
 * so is one that is there and changes nothing. */
#include "base/text.h"
#include "cost/cost.h"
#include "init/init.h"
#include "nn/layer.h"
#include "optim/optim.h"
#include "support/evidence.h"

typedef struct line {
    const char *family, *member, *row, *chapter, *paper, *torch;
} line;

static const line table[] = {
    /* Zeiler 2012 has 0.95 and so does the chapter's default; torch.optim.Adadelta(rho=0.9) */
    {"optimizer", "adadelta", "rho", "0.95", "0.95", "0.9"},
    /* the chapter advises 1e-3; Kingma & Ba 2015, algorithm 1; torch.optim.Adam(eps=1e-8) */
    {"optimizer", "adam", "eps", "1e-3", "1e-8", "1e-8"},
    /* as Adam's; Loshchilov & Hutter 2019, algorithm 2; torch.optim.AdamW(eps=1e-8) */
    {"optimizer", "adamw", "eps", "1e-3", "1e-8", "1e-8"},
    /* You, Gitman & Ginsburg 2017: a coefficient of 0.001, with rates of 1 to 30 */
    {"optimizer", "lars", "trust_coef", "1", "0.001", "1"},
    {"optimizer", "lars", "lr", "0.005", "10", "0.005"},
    /* Hinton, lecture 6e; torch.optim.RMSprop(alpha=0.99) */
    {"optimizer", "rmsprop", "alpha", "0.9", "0.9", "0.99"},
    /* Smith 2017 and CyclicLR start at the low rate */
    {"schedule", "cyclic", "start", "high", "low", "low"},
    /* ReduceLROnPlateau watches one value */
    {"schedule", "plateau", "metric", "both", "both", "validation"},
    /* Loshchilov & Hutter 2017; CosineAnnealingWarmRestarts(T_mult=1, eta_min=0) */
    {"schedule", "restarts", "low", "none", "0", "0"},
    {"schedule", "restarts", "mult", "2", "2", "1"},
    /* Izmailov et al. weigh by samples; torch.optim.swa_utils.update_bn by batches */
    {"average", "swa", "statistics", "samples", "samples", "batches"},
};

enum { MANY = 256 };

/* Everything whose defaults a preset reaches. */
static int members(const gr_member **m)
{
    int n = 0, count;
    const gr_optimizer *const *optimizers = gr__optimizers(&count);
    for (int i = 0; i < count; i++) m[n++] = &optimizers[i]->head;
    const gr_schedule *const *schedules = gr__schedules(&count);
    for (int i = 0; i < count; i++) m[n++] = &schedules[i]->head;
    const gr_layer *const *layers = gr__layers(&count);
    for (int i = 0; i < count; i++) m[n++] = &layers[i]->head;
    const gr_cost *const *costs = gr__costs(&count);
    for (int i = 0; i < count; i++) m[n++] = &costs[i]->head;
    const gr_init *const *inits = gr__inits(&count);
    for (int i = 0; i < count; i++) m[n++] = &inits[i]->head;
    const gr_penalty *const *penalties = gr__penalties(&count);
    for (int i = 0; i < count; i++) m[n++] = &penalties[i]->head;
    const gr_member *const rest[] = {&gr__optimizer_common, &gr__optimizer_switch, &gr__schedule_common,
                                     &gr__schedule_tail,    &gr__layer_common,     &gr__init_section,
                                     &gr__penalty_common,   &gr__clip_common,      &gr__group_common,
                                     &gr__lookahead_common, &gr__swa_common};
    for (size_t i = 0; i < GR_COUNT(rest); i++) m[n++] = rest[i];
    assert_true(n <= MANY);
    return n;
}

static const line *line_of(const gr_member *m, const gr_row *r)
{
    for (size_t i = 0; i < GR_COUNT(table); i++)
        if (strcmp(table[i].family, m->family) == 0 && strcmp(table[i].member, m->name) == 0 &&
            strcmp(table[i].row, r->name) == 0)
            return &table[i];
    return NULL;
}

static void every_row_that_a_preset_changes_is_in_the_table(void **state)
{
    (void)state;
    const gr_member *m[MANY];
    int n = members(m), found = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < m[i]->n_rows; k++) {
            const gr_row *r = &m[i]->rows[k];
            if (!r->paper && !r->torch) continue;
            if (!line_of(m[i], r))
                fail_msg("%s %s: %s has a preset and is not in the table", m[i]->family, m[i]->name, r->name);
            found++;
        }
    assert_int_equal(found, GR_COUNT(table));
}

static const gr_member *member_of(const line *l)
{
    const gr_member *m[MANY];
    int n = members(m);
    for (int i = 0; i < n; i++)
        if (strcmp(m[i]->family, l->family) == 0 && strcmp(m[i]->name, l->member) == 0) return m[i];
    fail_msg("there is no %s %s", l->family, l->member);
    return NULL;
}

static void is_default(const line *l, gr_preset preset, const char *want)
{
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    gr_settings s;
    double wanted;
    test_ok(ctx, gr__settings_make(ctx, b, member_of(l), NULL, preset, NULL, &s));
    const gr_tree *t = gr__setting_tree(&s, l->row);
    bool same = strcmp(want, "none") == 0 ? t == NULL : t && strcmp(t->text, want) == 0;
    if (t && !same && gr__parse_number(want, &wanted)) same = gr__setting_real(&s, l->row) == wanted;
    if (!same) fail_msg("%s, preset %d: %s is %s, not %s", l->member, (int)preset, l->row, t ? t->text : "none", want);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void presets_give_the_values_of_their_sources(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(table); i++) {
        is_default(&table[i], GR_PRESET_CHAPTER, table[i].chapter);
        is_default(&table[i], GR_PRESET_PAPER, table[i].paper);
        is_default(&table[i], GR_PRESET_TORCH, table[i].torch);
    }
}

/* ---- as a recipe resolves them ---- */

static void what_is_written_stands_under_every_preset(void **state)
{
    (void)state;
    for (gr_preset preset = GR_PRESET_CHAPTER; preset <= GR_PRESET_TORCH; preset++) {
        ev_bench b;
        gr_optim o;
        gr_sched s;
        gr_average average;
        assert_true(ev_begin(&b, "{type: lars, trust_coef: 0.02, lr: 3}"));
        test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, preset, &o));
        assert_true(o.method[0].lr == 3 && gr__setting_real(&o.method[0].settings, "trust_coef") == 0.02);
        test_ok(b.ctx,
                gr__sched_make(b.ctx, b.memory, gr__tree_flow(b.memory, "{type: cyclic, start: high}"), preset, &s));
        assert_true(gr__setting_is(&s.settings, "start", "high"));
        test_ok(b.ctx, gr__average_make(b.ctx, b.memory, gr__tree_flow(b.memory, "{type: swa, statistics: samples}"),
                                        preset, &average));
        assert_false(average.by_batches);
        ev_end(&b);
    }
}

static void presets_reach_both_methods_of_a_switch_and_the_average(void **state)
{
    (void)state;
    static const double eps[] = {1e-3, 1e-8, 1e-8}, alpha[] = {0.9, 0.9, 0.99};
    for (gr_preset preset = GR_PRESET_CHAPTER; preset <= GR_PRESET_TORCH; preset++) {
        ev_bench b;
        gr_optim o;
        gr_average average;
        gr_clip clip;
        assert_true(ev_begin(&b, "{type: switch, first: adam, then: {type: rmsprop, lr: 0.1}}"));
        test_ok(b.ctx, gr__optim_make(b.ctx, b.memory, b.tree, preset, &o));
        assert_true(gr__setting_real(&o.method[0].settings, "eps") == eps[preset]);
        assert_true(gr__setting_real(&o.method[1].settings, "alpha") == alpha[preset]);
        test_ok(b.ctx, gr__average_make(b.ctx, b.memory, gr__tree_flow(b.memory, "swa"), preset, &average));
        assert_true(average.by_batches == (preset == GR_PRESET_TORCH));
        test_ok(b.ctx, gr__clip_make(b.ctx, gr__tree_flow(b.memory, "{norm: 1}"), preset, &clip));
        assert_true(clip.torch_form == (preset == GR_PRESET_TORCH));
        ev_end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_that_a_preset_changes_is_in_the_table),
        cmocka_unit_test(presets_give_the_values_of_their_sources),
        cmocka_unit_test(what_is_written_stands_under_every_preset),
        cmocka_unit_test(presets_reach_both_methods_of_a_switch_and_the_average),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
