/* Operations with several outputs that deal wrongly with those that nobody reads. The check that passes the right one
 * must reject every one. */
#include "outputs.h"

/* Writes all outputs, whoever reads them: as if nobody had said. */
static void writes_unread(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    for (int64_t r = 0; r < in[0].shape.dim[0]; r++) ((volatile int32_t *)out[ROWS_INDEX].data)[r] |= 0;
}

/* Keeps what it needs for one output in another. */
static void borrows_unread(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    rows_ref(g, n, in, out);
    int64_t columns = in[0].shape.dim[1];
    for (int64_t i = 0; i < gr_shape_count(in[0].shape) && out[ROWS_CENTRED].data; i++)
        ((double *)out[ROWS_CENTRED].data)[i] =
            ((const double *)in[0].data)[i] -
            ((volatile const double *)out[ROWS_SUM].data)[i / columns] / (double)columns;
}

/* Without the first output it does nothing at all. */
static void gives_up(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    if (out[ROWS_SUM].data) rows_ref(g, n, in, out);
}

/* Takes the first place that is there for the first output. */
static void counts_what_is_there(const gr_graph *g, const gr_node *n, const gr_ref *in, gr_ref *out)
{
    gr_ref all[ROWS_OUTPUTS];
    memcpy(all, out, sizeof all);
    if (!all[ROWS_SUM].data && !all[ROWS_INDEX].data && in[0].shape.dim[1] > 1) {
        all[ROWS_SUM].data = all[ROWS_CENTRED].data;
        all[ROWS_CENTRED].data = NULL;
    }
    rows_ref(g, n, in, all);
}

static const gr_op right = ROWS_OP(rows_ref);
static const gr_op wrong[] = {ROWS_OP(writes_unread), ROWS_OP(borrows_unread), ROWS_OP(gives_up),
                              ROWS_OP(counts_what_is_there)};
static const char *const names[] = {"writes_unread", "borrows_unread", "gives_up", "counts_what_is_there"};
static const int how[] = {OUTPUTS_CRASH, OUTPUTS_CRASH, OUTPUTS_DIFFER, OUTPUTS_DIFFER};
static const gr_op *op;

static gr_val build(gr_graph *g, gr_val x)
{
    return rows_of(g, op, x);
}

static int check(const gr_op *of)
{
    op = of;
    return outputs_check(gr_backend_get("ref"), build, GR_SHAPE(6, 4), ROWS_OUTPUTS);
}

static void the_right_one_passes(void **state)
{
    (void)state;
    assert_int_equal(check(&right), OUTPUTS_AGREE);
}

static void wrong_ones_are_rejected(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(wrong); i++) {
        int got = check(&wrong[i]);
        if (got == OUTPUTS_AGREE) fail_msg("%s passes", names[i]);
        if (got != how[i]) fail_msg("%s is rejected for another reason: %d, not %d", names[i], got, how[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_one_passes),
        cmocka_unit_test(wrong_ones_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
