/* Every optimizer of the registry updates all tensors of ResNet-50 in one pass over memory, or in two where it needs
 * norms or means of them first: no array is walked through more often, and nothing is copied. Methods that multiply
 * matrices (Muon) are no such passes. `./dev bench optimizers` measures how fast. */
#include "test.h"

#include "../../bench/update.h"

typedef struct counted {
    update_passes passes;
    int copied;    /* how often tensors are */
    bool sums;     /* it needs norms or means */
    bool products; /* it multiplies matrices: no pass over memory */
} counted;

static counted look(const gr_plan *p, const update_net *net)
{
    counted r = {.passes = update_count_passes(p, net)};
    for (int i = 0; i < p->n_instructions; i++) {
        double largest = 0;
        update_copies(p, &p->instructions[i], &largest);
        r.copied += largest > sizeof(double);
    }
    for (uint32_t k = 0; k < gr__graph_nodes(p->graph); k++) {
        gr_opcode code = gr__node(p->graph, k)->op->code;
        r.sums |= code == GR_OP_SUM || code == GR_OP_SUM_SQUARES;
    }
    r.products = update_multiplies(p->graph);
    return r;
}

static counted count(const update_net *net, const char *optimizer, bool guarded, bool unfused)
{
    gr_context *ctx = test_context();
    gr__bump *memory = gr__bump_create(ctx);
    gr_store *store = NULL;
    gr_plan *plan = NULL;
    gr_optim o;
    assert_non_null(memory);
    test_ok(ctx, gr__optim_make(ctx, memory, gr__tree_flow(memory, optimizer), GR_PRESET_CHAPTER, &o));
    test_ok(ctx, gr_store_create(ctx, gr_backend_get("cpu"), &store));
    test_ok(ctx, update_compile(ctx, store, net, &o, guarded, unfused, &plan));
    counted r = look(plan, net);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr__bump_destroy(memory);
    test_context_end(ctx);
    return r;
}

static void expect_few(const update_net *net, const char *optimizer)
{
    counted c = count(net, optimizer, false, false);
    int most = c.sums ? 2 : 1;
    if (c.products) return;
    if (c.passes.passes > most) fail_msg("%s: %d passes, at most %d are needed", optimizer, c.passes.passes, most);
    if (c.copied) fail_msg("%s: %d tensors are copied", optimizer, c.copied);
}

static void every_optimizer_takes_one_pass_after_its_norms(void **state)
{
    static update_net net;
    int n;
    (void)state;
    update_resnet50(&net);
    assert_true(net.numbers > 25000000);
    const gr_optimizer *const *all = gr__optimizers(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof text, "{type: %s}", all[i]->head.name);
        expect_few(&net, text);
    }
}

static void settings_cost_no_further_pass(void **state)
{
    static const char *const more[] = {"{type: sgd, momentum: 0.9, nesterov: true, weight_decay: 0.1}",
                                       "{type: rmsprop, momentum: 0.9, centered: true}",
                                       "{type: adam, weight_decay: 0.1, decay: decoupled}",
                                       "{type: adam, eps_mode: hat}",
                                       "{type: amsgrad, form: optax}",
                                       "{type: radam, unrectified: skip, eps_mode: corrected}",
                                       "{type: lamb, form: chapter}"};
    static update_net net;
    (void)state;
    update_resnet50(&net);
    for (size_t i = 0; i < GR_COUNT(more); i++) expect_few(&net, more[i]);
}

/* Waiting for the norm of the gradients takes a pass over them and no other. */
static void the_guard_costs_a_pass_over_the_gradients(void **state)
{
    static update_net net;
    (void)state;
    update_resnet50(&net);
    counted bare = count(&net, "{type: adam}", false, false), guarded = count(&net, "{type: adam}", true, false);
    assert_int_equal(guarded.passes.passes, 2);
    assert_true(guarded.passes.bytes - bare.passes.bytes < 4.1);
}

/* The counting sees passes that there are: without fusion each operation is one. */
static void unfused_updates_take_many_passes(void **state)
{
    static update_net net;
    (void)state;
    update_resnet50(&net);
    counted c = count(&net, "{type: adam}", false, true);
    assert_true(c.passes.passes > 1);
    assert_true(c.passes.bytes > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer_takes_one_pass_after_its_norms),
        cmocka_unit_test(settings_cost_no_further_pass),
        cmocka_unit_test(the_guard_costs_a_pass_over_the_gradients),
        cmocka_unit_test(unfused_updates_take_many_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
