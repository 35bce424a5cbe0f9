/* Attention in blocks, and its gradient, against what they are said by in float64: on every instruction set, with
 * lengths around those of blocks, with heads that share keys, with keys that do not count, and with weights left out.
 */
#include "cpu_case.h"

typedef struct attention_case {
    int64_t batch, queries, keys, heads, key_heads, size;
    bool causal, lengths, packed;
    double rate;
} attention_case;

static const attention_case cases[] = {
    {1, 1, 1, 1, 1, 1, false, false, false, 0},      {2, 3, 5, 2, 2, 4, false, false, false, 0},
    {2, 7, 7, 3, 1, 5, true, false, false, 0},       {1, 49, 129, 2, 2, 20, false, true, false, 0},
    {2, 130, 130, 2, 1, 33, true, true, true, 0},    {1, 300, 300, 1, 1, 64, true, false, true, 0},
    {3, 48, 128, 4, 2, 16, false, true, false, 0},   {2, 60, 60, 2, 2, 8, false, false, true, 0.25},
    {2, 50, 140, 2, 1, 12, false, true, false, 0.5}, {4, 9, 9, 2, 2, 3, true, true, true, 0},
    {2, 200, 10, 1, 1, 7, false, false, false, 0},   {1, 600, 260, 2, 2, 32, false, true, false, 0},
};

static gr_val real_feed(cpu_case *c, const char *name, gr_shape s, double most)
{
    gr_val v = gr_feed(c->g, name, GR_REAL, s);
    case_fill(c, v, -most, most, 0);
    return v;
}

static gr_val whole_feed(cpu_case *c, const char *name, double value)
{
    gr_val v = gr_feed(c->g, name, GR_REAL, GR_SCALAR);
    case_fill(c, v, 0, 1, 0);
    *(double *)case_at(c, v) = c->exact[v][0] = value;
    return v;
}

/* The means, their sums, and both cotangents through the whole of it. */
static void check_case(const attention_case *t, gr__isa isa)
{
    cpu_case c;
    case_begin(&c, 23);
    int64_t queries = t->heads * t->size, keys = t->key_heads * t->size;
    gr_attention_attr a = {.heads = t->heads,
                           .key_heads = t->key_heads,
                           .size = t->size,
                           .causal = t->causal,
                           .scale = 1 / sqrt((double)t->size),
                           .rate = t->rate,
                           .stream = "l/weights"};
    gr_val x[3] = {GR_NONE};
    int n = t->packed ? 1 : 3;
    x[0] = real_feed(&c, "q", GR_SHAPE(t->batch, t->queries, t->packed ? queries + 2 * keys : queries), 2);
    for (int i = 1; i < n; i++) x[i] = real_feed(&c, i == 1 ? "k" : "v", GR_SHAPE(t->batch, t->keys, keys), 2);
    if (t->lengths) { /* 0, and one beyond the keys */
        a.lengths = gr_feed(c.g, "lengths", GR_I32, GR_SHAPE(t->batch));
        case_fill(&c, a.lengths, 0, (double)t->keys + 2, 0);
        ((int32_t *)case_at(&c, a.lengths))[t->batch - 1] = t->batch > 2 ? 0 : (int32_t)t->keys / 2 + 1;
        c.exact[a.lengths][t->batch - 1] = ((int32_t *)case_at(&c, a.lengths))[t->batch - 1];
    }
    if (t->rate > 0)
        a.seed = whole_feed(&c, "seed", 11), a.update = whole_feed(&c, "update", 3),
        a.position = whole_feed(&c, "position", 64);
    gr_val y = gr_attention(c.g, x[0], x[1], x[2], a), both[2] = {y, gr__node_output(c.g, y, 1)}, dx[3], down[2];
    test_ok(c.ctx, gr_graph_status(c.g));
    down[0] = real_feed(&c, "dy", gr_shape_of(c.g, both[0]), 1);
    down[1] = real_feed(&c, "dlse", gr_shape_of(c.g, both[1]), 1);
    case_check(&c, both[0], isa, 5e-6, "attention");
    case_check(&c, both[1], isa, 5e-6, "sums of attention");
    for (int with = 1; with <= 2; with++) {
        test_ok(c.ctx, gr_pullback(c.g, both, down, with, x, n, dx));
        for (int i = 0; i < n; i++) case_check(&c, dx[i], isa, 2e-5, "gradient of attention");
    }
    case_end(&c);
}

static void blocks_give_what_attention_is_said_by(void **state)
{
    (void)state;
    for (int isa = 0; isa < GR__ISA_COUNT; isa++)
        for (size_t i = 0; gr__isa_supported((gr__isa)isa) && i < GR_COUNT(cases); i++)
            check_case(&cases[i], (gr__isa)isa);
}

/* Scratch and outputs of the kernels of T positions. */
static size_t bytes_at(int64_t positions)
{
    cpu_case c;
    case_begin(&c, 29);
    gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(1, positions, 3 * 64)), dx;
    gr_val y = gr_attention(c.g, x, GR_NONE, GR_NONE,
                            (gr_attention_attr){.heads = 1, .key_heads = 1, .size = 64, .causal = true, .scale = 0.1});
    gr_val dy = gr_feed(c.g, "dy", GR_REAL, GR_SHAPE(1, positions, 64));
    size_t bytes = 0;
    test_ok(c.ctx, gr_pullback(c.g, &y, &dy, 1, &x, 1, &dx));
    for (uint32_t k = 0; k < gr__graph_nodes(c.g); k++) {
        const gr_node *n = gr__node(c.g, k);
        gr_kernel *kernel = NULL;
        gr_val out[4];
        gr_item item = {.graph = c.g,
                        .nodes = &k,
                        .n_nodes = 1,
                        .n_segments = 1,
                        .in = n->in,
                        .n_in = n->n_in,
                        .out = out,
                        .n_out = n->n_out};
        if (n->op->class != GR_CLASS_ATTENTION) continue;
        for (int o = 0; o < n->n_out; o++) out[o] = n->out + (gr_val)o, bytes += case_bytes(c.g, out[o]);
        test_ok(c.ctx, gr__cpu_make_for(c.ctx, &item, GR__ISA_BASELINE, &kernel));
        bytes += kernel->scratch_bytes + kernel->shared_bytes;
        kernel->destroy(c.ctx, kernel);
    }
    case_end(&c);
    return bytes;
}

static void memory_grows_with_the_length(void **state)
{
    (void)state;
    size_t at[3] = {bytes_at(1024), bytes_at(2048), bytes_at(4096)};
    assert_true(at[2] - at[1] == 2 * (at[1] - at[0]));
    assert_true(at[2] < (size_t)4096 * 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_give_what_attention_is_said_by),
        cmocka_unit_test(memory_grows_with_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
