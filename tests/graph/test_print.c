/* Graphs as text and as DOT. */
#include "help.h"

static gr_graph *small(gr_context *ctx)
{
    gr_graph *g = new_graph(ctx);
    gr_val seed = gr_feed(g, "seed", GR_REAL, GR_SCALAR);
    gr_val x = gr_feed(g, "x", GR_REAL, GR_SHAPE(2, 6, 6, 1));
    gr_val label = gr_feed(g, "label", GR_I32, GR_SHAPE(2));
    gr_scope_push(g, "conv", "c1");
    gr_val w = gr_param(g, "c1.weight", GR_SHAPE(2, 3, 3, 1));
    gr_val y = gr_conv(g, x, w, (gr_conv_attr){{2, 1}, {1, 2}, {1, 0}, {0, 1}, 1});
    gr_val index;
    y = gr_max_pool(g, y, (gr_pool_attr){{2, 2}, {2, 1}, {0, 0}, {1, 0}, false}, &index);
    gr_scope_pop(g);
    gr_val mask = gr_random(g, "drop\"1/mask", GR_SHAPE(2, 2), seed, seed, seed);
    gr_val flat = gr_reshape(g, gr_slice(g, y, 1, 0, 1), GR_SHAPE(2, 4));
    flat = gr_permute(g, flat, (int[]){1, 0});
    gr_val table = gr_const_tensor(g, GR_SHAPE(3, 4), (double[12]){0});
    gr_val rows = gr_gather(g, table, label);
    gr_val product = gr_matmul(g, rows, flat, false, false);
    gr_val half = gr_const(g, 0.5);
    gr_val scaled = gr_mul(g, product, half);
    gr_val masked = gr_mul(g, scaled, mask);
    gr_val cost = gr_sum(g, masked, (int[]){0, 1}, 2, false);
    gr_val row = gr_reduce_max(g, masked, (int[]){1}, 1, true);
    gr_val m = gr_slot(g, "c1.weight/m", GR_SHAPE(2, 1));
    gr_mark_gradient(g, w, w);
    gr_assign(g, m, row, GR_ASSIGN_STATE);
    gr_assign(g, w, w, GR_ASSIGN_UPDATE);
    gr_guard(g, cost);
    gr_output(g, "cost", cost);
    test_ok(ctx, gr_graph_status(g));
    return g;
}

static const char golden[] =
    "%1 = feed \"seed\" : real[]\n"
    "%2 = feed \"x\" : real[2,6,6,1]\n"
    "%3 = feed \"label\" : i32[2]\n"
    "%4 = param \"c1.weight\" : real[2,3,3,1]  # conv \"c1\"\n"
    "%5 = conv %2 %4 stride 2,1 dilation 1,2 pad 1,0,0,1 : real[2,3,3,2]  # conv \"c1\"\n"
    "%6, %7 = max_pool %5 size 2,2 stride 2,1 pad 0,0,1,0 : real[2,2,2,2], i32[2,2,2,2]  # conv \"c1\"\n"
    "%8 = random %1 %1 %1 \"drop\"1/mask\" : real[2,2]\n"
    "%9 = slice %6 axis 1 start 0 count 1 : real[2,1,2,2]\n"
    "%10 = reshape %9 : real[2,4]\n"
    "%11 = permute %10 axes 1,0 : real[4,2]\n"
    "%12 = tensor number 0 : real[3,4]\n"
    "%13 = gather %12 %3 : real[2,4]\n"
    "%14 = matmul %13 %11 : real[2,2]\n"
    "%15 = const 0.5 : real[]\n"
    "%16 = mul %14 %15 : real[2,2]\n"
    "%17 = mul %16 %8 : real[2,2]\n"
    "%18 = sum %17 axes 0,1 : real[]\n"
    "%19 = reduce_max %17 axes 1 keep 1 : real[2,1]\n"
    "%20 = slot \"c1.weight/m\" : real[2,1]\n"
    "gradient %4 of %4\n"
    "state %20 <- %19\n"
    "update %4 <- %4\n"
    "guard %18\n"
    "output \"cost\" %18\n";

static void test_text(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = small(ctx);
    char *text = NULL;
    test_ok(ctx, gr_graph_print(g, &text));
    assert_string_equal(text, golden);
    gr_text_free(ctx, text);
    gr_text_free(ctx, NULL);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

static void test_empty(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = new_graph(ctx);
    char *text = NULL, *dot = NULL;
    test_ok(ctx, gr_graph_print(g, &text));
    test_ok(ctx, gr_graph_dot(g, &dot));
    assert_string_equal(text, "");
    assert_string_equal(dot, "digraph gradus {\n}\n");
    gr_text_free(ctx, text);
    gr_text_free(ctx, dot);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

/* Every line of the body is `NAME [..];`, `NAME -> NAME;` or `NAME -> NAME [..];`, quotes are balanced, and arrows join
 * declared names. */
static void check_line(const char *line, size_t n, const char *dot)
{
    bool quoted = false;
    int brackets = 0;
    for (size_t i = 0; i < n; i++) {
        if (line[i] == '\\' && quoted)
            i++;
        else if (line[i] == '"')
            quoted = !quoted;
        else if (!quoted)
            brackets += line[i] == '[' ? 1 : line[i] == ']' ? -1 : 0;
    }
    assert_false(quoted);
    assert_int_equal(brackets, 0);
    assert_int_equal(line[n - 1], ';');
    char from[16], to[16], declared[32];
    int fields = sscanf(line, " %15[no0-9] -> %15[no0-9]", from, to);
    assert_in_range(fields, 1, 2);
    snprintf(declared, sizeof declared, "  %s [shape", from);
    assert_non_null(strstr(dot, declared));
    if (fields == 2) {
        snprintf(declared, sizeof declared, "  %s [shape", to);
        assert_non_null(strstr(dot, declared));
    }
}

static void test_dot(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_graph *g = small(ctx);
    char *dot = NULL;
    test_ok(ctx, gr_graph_dot(g, &dot));
    const char *line = strchr(dot, '\n') + 1;
    assert_memory_equal(dot, "digraph gradus {\n", (size_t)(line - dot));
    int lines = 0;
    for (const char *end; *line != '}'; line = end + 1, lines++) {
        end = strchr(line, '\n');
        assert_non_null(end);
        check_line(line, (size_t)(end - line), dot);
    }
    assert_string_equal(line, "}\n");
    assert_int_equal(lines, 19 + 19 + 2 + 2); /* nodes, operands, assignments, the output and its arrow */
    assert_non_null(strstr(dot, "label=\"random \\\"drop\\\"1/mask\\\" : real[2,2]\""));
    gr_text_free(ctx, dot);
    gr_graph_destroy(g);
    test_context_end(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_empty),
                                       cmocka_unit_test(test_dot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
