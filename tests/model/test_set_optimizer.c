/* Every optimizer's settings, written in a recipe or given by --set one key at a time, resolve to the same. [mission
 * SYS17-SYS22, SYS25-SYS27] */
#include "support/evidence.h"
#include "model_case.h"

enum { KEYS = 16 };

/* The keys of a case's set as --set has them: "optimizer.eps=1e-8". Returns how many. */
static int assignments(const gr_tree *set, char text[KEYS][96], const char *sets[KEYS])
{
    int n = 0;
    for (int i = 0; i < set->n; i++) {
        if (strcmp(set->key[i], "type") == 0) continue;
        assert_true(n < KEYS);
        snprintf(text[n], 96, "optimizer.%s=%s", set->key[i], set->child[i]->text);
        sets[n] = text[n];
        n++;
    }
    return n;
}

static void check_case(const char *name, const ev_case *c)
{
    gr_context *ctx = test_context();
    gr__bump *b = gr__bump_create(ctx);
    char text[KEYS][96], whole[1024], plain[1024];
    const char *sets[KEYS];
    const gr_tree *set = gr__tree_flow(b, c->set);
    const char *rest = "model: {input: [4], layers: [{type: dense, units: 3}]}\ncost: cross_entropy\n";
    int n = set->kind == GR_TREE_MAP ? assignments(set, text, sets) : 0;
    snprintf(whole, sizeof whole, CASE_HEAD "%soptimizer: %s\n", rest, c->set);
    snprintf(plain, sizeof plain, CASE_HEAD "%soptimizer: %s\n", rest, name);
    gr_recipe *written = open_text(ctx, whole, NULL, 0), *given = open_text(ctx, plain, sets, n);
    if (!gr__tree_equal(written->resolved, given->resolved)) fail_msg("%s: --set resolves to something else", c->set);
    assert_string_equal(value_at(written->resolved, "optimizer.type"), name);
    gr__recipe_close(ctx, written);
    gr__recipe_close(ctx, given);
    gr__bump_destroy(b);
    test_context_end(ctx);
}

static void set_and_recipe_are_the_same(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    for (int i = 0; i < n; i++) {
        evidence *e = ev_open("optimizer", all[i]->head.name);
        assert_non_null(e);
        for (int c = 0; c < e->n; c++) check_case(all[i]->head.name, &e->c[c]);
        ev_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(set_and_recipe_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
