/* Sets as a source with one mistake would give them: what looks at every set must reject each, and accept the right
 * one. Batches and plans take fields by their place; one in another's would train without a word. */
#include <string.h>

#include "data/data.h"
#include "test.h"

static const gr_source source = {.head = {.family = "source", .name = "mistaken"}};
static const gr_wants wants = {.input = {"image", "table"},
                               .n_inputs = 2,
                               .target = {{.name = "kind"}, {.name = "price"}},
                               .n_targets = 2,
                               .inputs_named = true,
                               .targets_named = true};
static const gr_field image = {.name = "image", .role = GR_FIELD_INPUT},
                      table = {.name = "table", .role = GR_FIELD_INPUT},
                      kind = {.name = "kind", .role = GR_FIELD_TARGET},
                      price = {.name = "price", .role = GR_FIELD_TARGET},
                      weight = {.name = "weight", .role = GR_FIELD_WEIGHT};

static gr_set right(void)
{
    return (gr_set){.field = {image, table, kind, price, weight}, .n_inputs = 2, .n_targets = 2, .weighted = true};
}

static void wrong(gr_context *ctx, const char *mistake, gr_set s)
{
    if (gr__set_check(ctx, &source, &wants, &s) != GR_E_INTERNAL) fail_msg("accepted: %s", mistake);
    assert_non_null(strstr(gr_context_error(ctx)->message, "mistaken"));
    gr_context_clear_error(ctx);
}

static void the_right_one_passes(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_set s = right();
    test_ok(ctx, gr__set_check(ctx, &source, &wants, &s));
    s.weighted = false;
    test_ok(ctx, gr__set_check(ctx, &source, &wants, &s));
    test_ok(ctx, gr__set_check(ctx, &source, NULL, &s));
    test_context_end(ctx);
}

static void wrong_ones_are_rejected(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_set s = right();
    s.field[0] = table, s.field[1] = image;
    wrong(ctx, "inputs in the order of the file", s);
    s = right();
    s.field[2] = price, s.field[3] = kind;
    wrong(ctx, "targets in the order of the file", s);
    s = right();
    s.field[1] = image;
    wrong(ctx, "one input twice", s);
    s = right();
    s.field[1] = kind, s.field[2] = table;
    wrong(ctx, "a target among the inputs", s);
    s = right();
    s.field[3] = weight, s.field[4] = price;
    wrong(ctx, "the weight before the last target", s);
    s = right();
    s.field[1].role = GR_FIELD_TARGET;
    wrong(ctx, "an input that says it is a target", s);
    s = right();
    s.n_targets = 1;
    wrong(ctx, "a target that is left out", s);
    s = right();
    s.n_inputs = 3, s.n_targets = 1;
    wrong(ctx, "counts of other roles", s);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
