/* The rules of choice: whole, true to the registry, sound as recipes, and held rightly against recipes. [mission O28,
 * H16, H18, T16] */
#include "study/advice/advice.h"
#include "study_case.h"

static const gr_rule *rule_of(const char *id)
{
    for (int i = 0; i < gr__topic_optimizer.n; i++)
        if (strcmp(gr__topic_optimizer.rules[i].id, id) == 0) return &gr__topic_optimizer.rules[i];
    fail_msg("no rule %s", id);
    return NULL;
}

static void rules_are_whole(void **state)
{
    (void)state;
    int n;
    const gr_topic *const *all = gr__topics(&n);
    for (int t = 0; t < n; t++)
        for (int i = 0; i < all[t]->n; i++) {
            const gr_rule *r = &all[t]->rules[i];
            assert_true(r->id && r->when && r->choose && r->write && r->judge);
            assert_true(strlen(r->sentence) > 40);
            assert_true(strncmp(r->section, "4.", 2) == 0);
            if (all[t] == &gr__topic_optimizer) assert_true(r->optimizers[0] || r->schedules[0]);
            for (int k = 0; k < i; k++) assert_string_not_equal(all[t]->rules[k].id, r->id);
        }
}

static bool has_optimizer(const char *name)
{
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return true;
    return false;
}

static bool has_schedule(const char *name)
{
    int n;
    const gr_schedule *const *all = gr__schedules(&n);
    for (int i = 0; i < n; i++)
        if (strcmp(all[i]->head.name, name) == 0) return true;
    return false;
}

/* Nobody is advised to write what cannot be written: the members that rules name are in the registry. */
static void members_named_exist(void **state)
{
    (void)state;
    char missing[512] = "";
    for (int i = 0; i < gr__topic_optimizer.n; i++)
        for (int k = 0; k < GR_RULE_NAMES; k++) {
            const gr_rule *r = &gr__topic_optimizer.rules[i];
            const char *o = r->optimizers[k], *s = r->schedules[k];
            if (o && !has_optimizer(o))
                snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " optimizer %s (rule %s)", o,
                         r->id);
            if (s && !has_schedule(s))
                snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " schedule %s (rule %s)", s,
                         r->id);
        }
    if (missing[0]) fail_msg("rules name what there is not:%s", missing);
}

/* What a rule says to write is a recipe that is taken. */
static void what_is_to_write_is_taken(void **state)
{
    (void)state;
    static const char *const bare =
        "gradus: 1\nname: advised\ndata: {train: {type: synthetic, kind: blobs, n: 300, classes: 3, features: 5}, "
        "validation: {split: 0.2}, batch: 30}\n"
        "model: {input: [5], layers: [{type: dense, units: 3, name: head}]}\ncost: cross_entropy\nstop: {epochs: 10}\n";
    char refused[1024] = "";
    for (int i = 0; i < gr__topic_optimizer.n; i++) {
        const gr_rule *rule = &gr__topic_optimizer.rules[i];
        gr_context *ctx = test_context();
        gr_recipe *r = NULL;
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n", bare, rule->write);
        if (gr__recipe_from_text(ctx, "advised.yaml", ".", text, strlen(text), NULL, 0, &r) != GR_OK)
            snprintf(refused + strlen(refused), sizeof refused - strlen(refused), " %s: %s;", rule->id,
                     gr_context_error(ctx)->message);
        else
            gr__recipe_close(ctx, r);
        test_context_end(ctx);
    }
    if (refused[0]) fail_msg("what rules say to write is refused:%s", refused);
}

/* ---- against recipes ---- */

#define PICTURES DIGITS

static gr_fit judge(const char *id, gr_phase phase, const char *text, const char *set, const char *because)
{
    gr_context *ctx = test_context();
    gr_recipe *r = set ? RECIPE(ctx, text, set) : RECIPE(ctx, text);
    gr_advised a = gr__advised(r, phase);
    char why[256] = "";
    gr_fit fit = rule_of(id)->judge(&a, why, sizeof why);
    assert_true(strlen(why) > 5);
    if (because && !strstr(why, because)) fail_msg("%s: \"%s\" does not say \"%s\"", id, why, because);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    return fit;
}

static void recipes_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        gr_phase phase;
        const char *text, *set;
        gr_fit fit;
        const char *because;
    } rows[] = {
        {"design", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_OPEN, "does not tell"},
        {"design", GR_PHASE_DESIGN, TABLE, NULL, GR_FIT_FOLLOWED, "optimizer adam, schedule constant"},
        {"design", GR_PHASE_DESIGN, TABLE, "schedule=polynomial", GR_FIT_APPLIES,
         "schedule polynomial, not a constant rate"},
        {"design", GR_PHASE_DESIGN, TABLE, "optimizer=sgd", GR_FIT_APPLIES, "optimizer sgd, schedule constant"},
        {"design", GR_PHASE_NEW, TABLE, "schedule=polynomial", GR_FIT_NOT, "settled"},
        {"default", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_OPEN, "a batch of 30"},
        {"default", GR_PHASE_ESTABLISHED, TABLE, NULL, GR_FIT_APPLIES, "optimizer adam"},
        {"default", GR_PHASE_DESIGN, TABLE, NULL, GR_FIT_NOT, "in design"},
        {"default", GR_PHASE_NEW, TABLE, "data.batch=1024", GR_FIT_NOT, "a batch of 1024"},
        {"large-batch", GR_PHASE_NEW, TABLE, NULL, GR_FIT_NOT, "a batch of 30"},
        {"large-batch", GR_PHASE_NEW, TABLE, "data.batch=1023", GR_FIT_NOT, NULL},
        {"large-batch", GR_PHASE_NEW, TABLE, "data.batch=1024", GR_FIT_APPLIES, NULL},
        {"large-batch", GR_PHASE_NEW, TABLE, "accumulate=40", GR_FIT_APPLIES, "a batch of 1200"},
        {"large-batch", GR_PHASE_UNKNOWN, TABLE, "data.batch=all", GR_FIT_APPLIES, "all samples"},
        {"large-batch", GR_PHASE_DESIGN, TABLE, "data.batch=all", GR_FIT_NOT, "in design"},
        {"newcomer", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_FOLLOWED, NULL},
        {"newcomer", GR_PHASE_DESIGN, PICTURES, NULL, GR_FIT_OPEN, "sgdm"},
        {"vision", GR_PHASE_UNKNOWN, PICTURES, NULL, GR_FIT_FOLLOWED, "sgdm"},
        {"vision", GR_PHASE_UNKNOWN, PICTURES, "optimizer.momentum=0", GR_FIT_APPLIES, "optimizer sgd"},
        {"vision", GR_PHASE_UNKNOWN, PICTURES, "optimizer=adam", GR_FIT_APPLIES, "optimizer adam"},
        {"vision", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_NOT, "no convolutions"},
        {"vision", GR_PHASE_DESIGN, PICTURES, "optimizer=adam", GR_FIT_NOT, "in design"},
        {"language", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_NOT, "no layers over words"},
        {"tuned", GR_PHASE_NEW, PICTURES, NULL, GR_FIT_FOLLOWED, NULL},
        {"tuned", GR_PHASE_NEW, TABLE, NULL, GR_FIT_OPEN, "adam"},
        {"finish", GR_PHASE_NEW, TABLE, NULL, GR_FIT_OPEN, NULL},
        {"sparse", GR_PHASE_NEW, TABLE, NULL, GR_FIT_OPEN, NULL},
        {"new", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_OPEN, NULL},
        {"new", GR_PHASE_NEW, TABLE, NULL, GR_FIT_APPLIES, "schedule constant"},
        {"new", GR_PHASE_ESTABLISHED, TABLE, NULL, GR_FIT_NOT, "established"},
        {"established", GR_PHASE_ESTABLISHED, TABLE, NULL, GR_FIT_APPLIES, "without warm-up"},
        {"established", GR_PHASE_ESTABLISHED, TABLE, "schedule={type: polynomial, warmup: 0.1}", GR_FIT_FOLLOWED,
         "with a warm-up"},
        {"established", GR_PHASE_NEW, TABLE, NULL, GR_FIT_NOT, "new"},
        {"decay", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_OPEN, "weight_decay 0"},
        {"decay", GR_PHASE_UNKNOWN, TABLE, "optimizer={type: adam, weight_decay: 1e-4}", GR_FIT_FOLLOWED,
         "weight_decay 0.0001"},
        {"decay", GR_PHASE_UNKNOWN, PICTURES, NULL, GR_FIT_NOT, "sgdm"},
        {"eps", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_FOLLOWED, "eps 0.001"},
        {"eps", GR_PHASE_UNKNOWN, TABLE, "optimizer={type: adam, eps: 1e-8}", GR_FIT_APPLIES, "eps 1e-08"},
        {"eps", GR_PHASE_UNKNOWN, PICTURES, NULL, GR_FIT_NOT, NULL},
        {"betas", GR_PHASE_UNKNOWN, TABLE, NULL, GR_FIT_OPEN, "betas"},
        {"betas", GR_PHASE_UNKNOWN, PICTURES, NULL, GR_FIT_NOT, "no beta"},
    };
    bool seen[64] = {false};
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_fit fit = judge(rows[i].id, rows[i].phase, rows[i].text, rows[i].set, rows[i].because);
        if (fit != rows[i].fit)
            fail_msg("row %zu, %s: %s, not %s", i, rows[i].id, gr__fit_name(fit), gr__fit_name(rows[i].fit));
        seen[rule_of(rows[i].id) - gr__topic_optimizer.rules] = true;
    }
    for (int i = 0; i < gr__topic_optimizer.n; i++)
        if (!seen[i]) fail_msg("no row tries rule %s", gr__topic_optimizer.rules[i].id);
}

/* The same where a recipe of this build cannot say so: what members of the optimizer's name and batch amount to. [H16,
 * T16] */
static void optimizers_are_judged_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *id, *optimizer, *beside;
        double batch;
        gr_phase phase;
        gr_fit fit;
        const char *because;
    } rows[] = {
        {"default", "ranger", "", 64, GR_PHASE_NEW, GR_FIT_FOLLOWED, ""},
        {"large-batch", "rangerlars", "", 4096, GR_PHASE_NEW, GR_FIT_FOLLOWED, ""},
        {"large-batch", "lamb", "", 32768, GR_PHASE_ESTABLISHED, GR_FIT_FOLLOWED, ""},
        {"large-batch", "ranger", "", 4096, GR_PHASE_NEW, GR_FIT_APPLIES, ""},
        {"design", "rangerlars", "", 64, GR_PHASE_DESIGN, GR_FIT_APPLIES, "rangerlars, an advanced one: for later"},
        {"design", "adam", "lookahead", 64, GR_PHASE_DESIGN, GR_FIT_APPLIES, "adam with lookahead, an advanced one"},
        {"finish", "swats", "", 64, GR_PHASE_NEW, GR_FIT_FOLLOWED, ""},
        {"sparse", "adagrad", "", 64, GR_PHASE_NEW, GR_FIT_FOLLOWED, ""},
    };
    for (size_t i = 0; i < GR_COUNT(rows); i++) {
        gr_advised a = {.phase = rows[i].phase,
                        .optimizer = rows[i].optimizer,
                        .schedule = "constant",
                        .beside = rows[i].beside,
                        .batch = rows[i].batch,
                        .eps = NAN};
        char why[256] = "";
        gr_fit fit = rule_of(rows[i].id)->judge(&a, why, sizeof why);
        if (fit != rows[i].fit || !strstr(why, rows[i].because))
            fail_msg("row %zu, %s: %s: %s", i, rows[i].id, gr__fit_name(fit), why);
    }
}

static void phases_are_three(void **state)
{
    (void)state;
    assert_string_equal(gr__phase_words[GR_PHASE_DESIGN - 1], "design");
    assert_string_equal(gr__phase_words[GR_PHASE_NEW - 1], "new");
    assert_string_equal(gr__phase_words[GR_PHASE_ESTABLISHED - 1], "established");
    assert_null(gr__phase_words[GR_PHASE_COUNT - 1]);
    assert_string_equal(gr__phase_name(GR_PHASE_UNKNOWN), "unknown");
    assert_string_equal(gr__phase_name(GR_PHASE_ESTABLISHED), "established");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_whole),
        cmocka_unit_test(members_named_exist),
        cmocka_unit_test(what_is_to_write_is_taken),
        cmocka_unit_test(recipes_are_judged),
        cmocka_unit_test(optimizers_are_judged_by_name),
        cmocka_unit_test(phases_are_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
