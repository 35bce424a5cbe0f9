/* The two forms of the interpreter: handlers that jump to each other, and the loop that sanitizers see. The same bits;
 * and no handler of the first form calls through a pointer, for then the accumulator would go through memory. */
#include "cpu_case.h"

#include <unistd.h>

#include "backend/cpu/region.h"

/* The loop form of the baseline, compiled here. */
#define GR_ISA loop
#define GR_ISA_LOOP 1
#ifndef GR_TILE_LOOP
#define GR_TILE_LOOP 1
#endif
#include "backend/cpu/tile_program.isa.c"
#undef V
#undef ALL

static gr_val rich(gr_graph *g, gr_val x, gr_val row, gr_val column, gr_val whole, gr_val bytes, gr_shape s)
{
    gr_val r = gr_broadcast(g, row, s), c = gr_broadcast(g, column, s), hot = gr_equal(g, whole, gr_iota(g, s, 1));
    gr_val y = gr__node_add(g, GR_OP_MULADD, (gr_val[]){x, r, c}, 3, NULL, NULL);
    y = gr_add(g, gr_tanh(g, y), gr_exp(g, gr_neg(g, gr_abs(g, gr_sub(g, x, r)))));
    y = gr_select(g, hot, gr_div(g, y, gr_const(g, 3)), gr_max(g, y, gr_sigmoid(g, x)));
    y = gr_mul(g, gr_add(g, y, gr_real(g, bytes)), gr_sin(g, x));
    return gr_sub(g, gr_sqrt(g, gr_square(g, y)), gr_less(g, gr_iota(g, s, 0), whole));
}

static void use_loop(gr__region *r)
{
    r->set = &gr__tile_set_loop;
    for (int m = 0; m < GR__MODES; m++)
        for (int i = 0; i < r->program[m][0].n_steps; i++) {
            r->program[m][0].ins[i].full = r->set->op[r->program[m][0].step[i].op].full;
            r->program[m][0].ins[i].tail = r->set->op[r->program[m][0].step[i].op].tail;
        }
}

static void check_forms(gr_shape s)
{
    cpu_case c;
    case_begin(&c, 51);
    gr_shape row = s, column = s;
    row.dim[1] = column.dim[0] = 1;
    gr_val x = gr_feed(c.g, "x", GR_REAL, s), r = gr_feed(c.g, "r", GR_REAL, row),
           o = gr_feed(c.g, "c", GR_REAL, column), i = gr_feed(c.g, "i", GR_I32, s), u = gr_feed(c.g, "u", GR_U8, s);
    gr_val in[] = {x, r, o, i, u}, y = rich(c.g, x, r, o, i, u, s),
           sums[] = {gr_sum(c.g, y, (int[]){1}, 1, true), gr_sum(c.g, y, (int[]){0}, 1, true),
                     gr_reduce_max(c.g, y, (int[]){0}, 1, true), gr_reduce_max(c.g, y, (int[]){1}, 1, true)};
    gr_val out[] = {y, sums[0], sums[1], sums[2], sums[3]};
    uint32_t nodes[128];
    gr_space space = {s.dim[0], s.dim[1]};
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = c.g,
                    .nodes = nodes,
                    .n_segments = 1,
                    .space = &space,
                    .in = in,
                    .n_in = 5,
                    .out = out,
                    .n_out = 5};
    for (int k = 0; k < 5; k++) case_fill(&c, in[k], -2, 2, 0);
    for (uint32_t k = 0; k < gr__graph_nodes(c.g); k++)
        if (gr__node(c.g, k)->op->class != GR_CLASS_LEAF || gr__node(c.g, k)->op->code == GR_OP_IOTA)
            nodes[item.n_nodes++] = k;
    gr_kernel *k = NULL;
    test_ok(c.ctx, gr__cpu_make_for(c.ctx, &item, GR__ISA_BASELINE, &k));
    void *operands[10];
    char *first[5];
    for (int v = 0; v < 10; v++) operands[v] = case_at(&c, v < 5 ? in[v] : out[v - 5]);
    case_run(k, operands, CASE_FORWARD, 0xff);
    for (int v = 0; v < 5; v++) {
        size_t bytes = case_bytes(c.g, out[v]);
        first[v] = malloc(bytes);
        memcpy(first[v], operands[5 + v], bytes);
        memset(operands[5 + v], 0xff, bytes);
    }
    use_loop((gr__region *)k);
    case_run(k, operands, CASE_FORWARD, 0xff);
    for (int v = 0; v < 5; v++) {
        assert_memory_equal(first[v], operands[5 + v], case_bytes(c.g, out[v]));
        free(first[v]);
    }
    k->destroy(c.ctx, k);
    case_end(&c);
}

static void test_equal_bits(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{3, 5}, {100, 10}, {64, 100}, {2, 1000}, {3000, 33}};
    for (size_t s = 0; s < GR_COUNT(shapes); s++) check_forms(GR_SHAPE(shapes[s][0], shapes[s][1]));
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Reads the disassembly of this very program. */
static void test_jumps(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "objdump -d --no-show-raw-insn /proc/%d/exe 2>/dev/null", (int)getpid());
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char line[512], name[128] = "";
    int handlers = 0, jumps = 0, calls = 0;
    while (fgets(line, sizeof line, f)) {
        char symbol[128];
        if (sscanf(line, "%*x <%127[^>]>:", symbol) == 1) {
            snprintf(name, sizeof name, "%s", symbol);
            handlers += ends_with(name, "_full") || ends_with(name, "_tail");
            continue;
        }
        if (!ends_with(name, "_full") && !ends_with(name, "_tail")) continue;
        jumps += strstr(line, "jmp    *") != NULL || strstr(line, "br\tx") != NULL;
        calls += strstr(line, "call   *") != NULL || strstr(line, "blr\tx") != NULL;
    }
    pclose(f);
    if (jumps == 0) { /* no objdump, no symbols, or the loop form alone */
        print_message("skipped: %d handlers in the disassembly, none that jumps\n", handlers);
        skip();
    }
    assert_true(jumps > 150);
    assert_int_equal(calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_equal_bits), cmocka_unit_test(test_jumps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
