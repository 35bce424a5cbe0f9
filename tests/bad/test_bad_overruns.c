/* Kernels that go one element beyond what they were given, into the memory of another value. AddressSanitizer must stop
 * every one (plan/fence.h); in other builds there is nothing to see. */
#include "outputs.h"

#include "plan/fence.h"

static volatile double sink;

static void writes_beyond_an_output(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    if (out[ROWS_SUM].data) ((volatile double *)out[ROWS_SUM].data)[in[0].shape.dim[0]] = 1;
}

static void writes_half_an_element_beyond(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    if (out[ROWS_INDEX].data) ((volatile int32_t *)out[ROWS_INDEX].data)[in[0].shape.dim[0]] = 1;
}

static void writes_before_an_output(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    if (out[ROWS_INDEX].data) ((volatile int32_t *)out[ROWS_INDEX].data)[-1] = 1;
}

static void reads_beyond_an_input(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    sink = ((volatile const double *)in[0].data)[gr_shape_count(in[0].shape)];
}

static const gr_op right = ROWS_OP(rows_ref);
static const gr_op wrong[] = {ROWS_OP(writes_beyond_an_output), ROWS_OP(writes_half_an_element_beyond),
                              ROWS_OP(writes_before_an_output), ROWS_OP(reads_beyond_an_input)};
static const char *const names[] = {"writes_beyond_an_output", "writes_half_an_element_beyond",
                                    "writes_before_an_output", "reads_beyond_an_input"};
static const gr_op *op;

/* Between other values, so that no end of the arena is near: their nodes' outputs are all read. */
static gr_val build(gr_graph *g, gr_val x)
{
    gr_val above = gr_tanh(g, x), below = gr_sin(g, above), first = rows_of(g, op, gr_add(g, above, x));
    gr_output(g, "above", above);
    gr_output(g, "below", below);
    return first;
}

static int check(const gr_op *of)
{
    op = of;
    return outputs_check(gr_backend_get("ref"), build, GR_SHAPE(5, 3), ROWS_OUTPUTS);
}

static void the_right_one_passes(void **state)
{
    (void)state;
    assert_int_equal(check(&right), OUTPUTS_AGREE);
}

static void overruns_are_stopped(void **state)
{
    (void)state;
#ifndef GR__FENCED
    print_message("needs AddressSanitizer\n");
    skip();
#endif
    for (size_t i = 0; i < GR_COUNT(wrong); i++)
        if (check(&wrong[i]) != OUTPUTS_CRASH) fail_msg("%s passes", names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(overruns_are_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
