/* Every operation on cpu against its reference arithmetic in float64, over random shapes, on every instruction set of
 * the machine; with its shards in any order it gives the same bits. */
#include "cpu_case.h"

#define EACH_ISA(isa)                             \
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) \
        if (gr__isa_supported((gr__isa)isa))

/* ---- elementwise ---- */

static const gr_shape map_shapes[] = {{1, {0}},        {1, {1}},   {2, {3, 5}},    {1, {127}},
                                      {3, {2, 64, 1}}, {1, {129}}, {2, {7, 1000}}, {1, {300001}}};

static void check_maps(gr__isa isa, gr_shape s, double special)
{
    cpu_case c;
    case_begin(&c, 3);
    gr_val a = gr_feed(c.g, "a", GR_REAL, s), b = gr_feed(c.g, "b", GR_REAL, s), z = gr_feed(c.g, "z", GR_REAL, s),
           r = gr_feed(c.g, "r", GR_REAL, GR_SCALAR);
    gr_val i = gr_feed(c.g, "i", GR_I32, s), j = gr_feed(c.g, "j", GR_I32, s), u = gr_feed(c.g, "u", GR_U8, s);
    case_fill(&c, a, -3, 3, special);
    case_fill(&c, b, -3, 3, special);
    case_fill(&c, z, -3, 3, special);
    case_fill(&c, r, -2, 2, 0);
    case_fill(&c, i, -4, 4, 0);
    case_fill(&c, j, -4, 4, 0);
    case_fill(&c, u, 0, 256, 0);
    gr_val (*const unary[])(gr_graph *, gr_val) = {gr_neg,   gr_abs,  gr_sign,   gr_floor, gr_exp,  gr_log,
                                                   gr_log1p, gr_sqrt, gr_square, gr_recip, gr_tanh, gr_sigmoid,
                                                   gr_relu,  gr_sin,  gr_cos,    gr_erf,   gr_stop};
    for (size_t f = 0; f < GR_COUNT(unary); f++) {
        gr_val y = unary[f](c.g, a);
        case_check(&c, y, isa, 1e-6, gr__producer(c.g, y)->op->name);
    }
    gr_val (*const binary[])(gr_graph *, gr_val, gr_val) = {gr_add, gr_sub,  gr_mul,        gr_div,  gr_max,
                                                            gr_min, gr_less, gr_less_equal, gr_equal};
    for (size_t f = 0; f < GR_COUNT(binary); f++) {
        gr_val way[][2] = {{a, b}, {a, r}, {r, a}, {a, a}};
        for (size_t w = 0; w < GR_COUNT(way); w++) {
            gr_val y = gr__elementwise(c.g, gr__producer(c.g, binary[f](c.g, a, b))->op, way[w]);
            if (gr__producer(c.g, y)->op->class == GR_CLASS_MAP && gr__value(c.g, y)->shape.rank)
                case_check(&c, y, isa, 1e-6, gr__producer(c.g, y)->op->name);
        }
        if (f >= 6) case_check(&c, binary[f](c.g, i, j), isa, 0, "comparing integers");
        if (f >= 6) case_check(&c, binary[f](c.g, u, i), isa, 0, "comparing bytes with integers");
    }
    case_check(&c, gr_real(c.g, i), isa, 0, "real of i32");
    case_check(&c, gr_real(c.g, u), isa, 0, "real of u8");
    gr_val condition = gr_real(c.g, i), three[][3] = {{a, b, z}, {a, b, r}, {a, r, b}, {r, a, b}, {a, r, r}, {r, a, r},
                                                      {r, r, a}, {a, a, b}, {a, b, a}, {b, a, a}, {a, a, a}};
    for (size_t w = 0; w < GR_COUNT(three); w++) {
        gr_val m = gr__node_add(c.g, GR_OP_MULADD, three[w], 3, NULL, NULL);
        case_check(&c, m, isa, special > 0 ? 1e-5 : 2e-6, "muladd");
        gr_val in[3] = {three[w][0] == a ? condition : three[w][0], three[w][1], three[w][2]};
        gr_val y = gr__node_add(c.g, GR_OP_SELECT, in, 3, NULL, NULL);
        case_check(&c, y, isa, 1e-7, "select");
    }
    case_end(&c);
}

static void test_maps(void **state)
{
    (void)state;
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(map_shapes); s++) check_maps((gr__isa)isa, map_shapes[s], s % 2 ? 0 : 0.1);
}

/* ---- reductions ---- */

static void check_reductions(gr__isa isa, gr_shape s, double special)
{
    cpu_case c;
    case_begin(&c, 5);
    gr_val x = gr_feed(c.g, "x", GR_REAL, s);
    case_fill(&c, x, -1, 2, special);
    for (int mask = 1; mask < 1 << s.rank; mask++) {
        int axes[GR_MAX_RANK], n = 0;
        for (int i = 0; i < s.rank; i++)
            if (mask >> i & 1) axes[n++] = i;
        for (int keep = 0; keep < 2; keep++) {
            gr_val sum = gr_sum(c.g, x, axes, n, keep), most = gr_reduce_max(c.g, x, axes, n, keep);
            if (gr__producer(c.g, sum)->op->code == GR_OP_SUM) case_check(&c, sum, isa, 2e-6, "sum");
            if (gr__producer(c.g, most)->op->code == GR_OP_REDUCE_MAX) case_check(&c, most, isa, 0, "reduce_max");
        }
    }
    case_check(&c, gr_sum_squares(c.g, x, 2), isa, 2e-6, "sum_squares");
    for (int i = 0; i < s.rank; i++)
        if (s.dim[i] > 0) case_check(&c, gr_argmax(c.g, x, i), isa, 0, "argmax");
    case_end(&c);
}

static void test_reductions(void **state)
{
    (void)state;
    static const gr_shape shapes[] = {
        {1, {1}},          {1, {7}},           {2, {0, 3}},          {2, {3, 0}},     {2, {1, 5}},
        {2, {5, 1}},       {2, {33, 10}},      {2, {2000, 10}},      {2, {100, 100}}, {2, {5, 700}},
        {2, {3000, 63}},   {2, {3000, 65}},    {2, {40, 5000}},      {1, {1000003}},  {3, {4, 9, 17}},
        {4, {2, 3, 4, 5}}, {4, {3, 1, 70, 2}}, {4, {8, 30, 30, 33}}, {2, {9001, 1}},  {2, {2, 100001}}};
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(shapes); s++) check_reductions((gr__isa)isa, shapes[s], s % 3 == 1 ? 0.01 : 0);
}

/* ---- shapes ---- */

static void check_permute(gr__isa isa, gr_shape s, gr_dtype dtype)
{
    cpu_case c;
    case_begin(&c, 7);
    gr_val x = gr_feed(c.g, "x", dtype, s);
    case_fill(&c, x, 0, 200, 0);
    int axes[GR_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    for (int trial = 0; trial < 6; trial++) {
        for (int i = s.rank - 1; i > 0; i--) {
            int k = (int)gr__rng_below(&c.rng, (uint64_t)i + 1), t = axes[i];
            axes[i] = axes[k];
            axes[k] = t;
        }
        gr_val y = gr_permute(c.g, x, axes);
        if (gr__producer(c.g, y)->op->code == GR_OP_PERMUTE) case_check(&c, y, isa, 0, "permute");
    }
    case_end(&c);
}

static void check_cuts(gr__isa isa, gr_shape s, gr_dtype dtype)
{
    cpu_case c;
    case_begin(&c, 9);
    gr_val x = gr_feed(c.g, "x", dtype, s), y = gr_feed(c.g, "y", dtype, s);
    case_fill(&c, x, -100, 100, 0);
    case_fill(&c, y, -100, 100, 0);
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] > 1) case_check(&c, gr_slice(c.g, x, i, 1, s.dim[i] - 1), isa, 0, "slice");
        case_check(&c, gr_slice(c.g, x, i, 0, 0), isa, 0, "empty slice");
        case_check(&c, gr_concat(c.g, (gr_val[]){x, y, x}, 3, i), isa, 0, "concat");
        if (dtype == GR_REAL) case_check(&c, gr_pad(c.g, x, i, 2, 3), isa, 0, "pad");
        if (dtype == GR_REAL) case_check(&c, gr_pad(c.g, x, i, 0, 1), isa, 0, "pad");
    }
    case_end(&c);
}

static void check_broadcast(gr__isa isa, gr_shape from, gr_shape to, gr_dtype dtype)
{
    cpu_case c;
    case_begin(&c, 11);
    gr_val x = gr_feed(c.g, "x", dtype, from), y = gr_broadcast(c.g, x, to);
    case_fill(&c, x, -100, 100, 0);
    if (gr__producer(c.g, y)->op->code == GR_OP_BROADCAST)
        case_check(&c, y, isa, dtype == GR_REAL && from.rank == 0 ? 1e-7 : 0, "broadcast");
    case_end(&c);
}

static void test_moves(void **state)
{
    (void)state;
    static const gr_shape shapes[] = {{2, {3, 4}},          {2, {0, 4}},          {3, {2, 17, 33}}, {4, {2, 28, 28, 3}},
                                      {4, {3, 20, 21, 64}}, {5, {2, 3, 4, 5, 6}}, {2, {301, 257}}};
    static const gr_shape stretch[][2] = {{{0, {0}}, {2, {3, 4}}},
                                          {{0, {0}}, {1, {70000}}},
                                          {{1, {4}}, {2, {3, 4}}},
                                          {{2, {3, 1}}, {2, {3, 4}}},
                                          {{4, {2, 1, 1, 5}}, {4, {2, 3, 4, 5}}},
                                          {{4, {1, 3, 1, 5}}, {4, {2, 3, 4, 5}}},
                                          {{3, {3, 1, 1}}, {4, {2, 3, 4, 5}}},
                                          {{2, {1, 1}}, {2, {300, 500}}},
                                          {{1, {50}}, {3, {40, 60, 50}}},
                                          {{2, {3, 1}}, {2, {3, 0}}}};
    EACH_ISA(isa)
    for (int t = 0; t < 3; t++) {
        for (size_t s = 0; s < GR_COUNT(shapes); s++) check_permute((gr__isa)isa, shapes[s], (gr_dtype)t);
        for (size_t s = 0; s < GR_COUNT(shapes); s++) check_cuts((gr__isa)isa, shapes[s], (gr_dtype)t);
        for (size_t s = 0; s < GR_COUNT(stretch); s++)
            check_broadcast((gr__isa)isa, stretch[s][0], stretch[s][1], (gr_dtype)t);
    }
}

/* ---- leaves ---- */

static void test_leaves(void **state)
{
    (void)state;
    static const gr_shape shapes[] = {{1, {5}},     {2, {0, 3}},       {2, {3, 0}},
                                      {2, {7, 13}}, {3, {50, 61, 67}}, {2, {3, 70001}}};
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(shapes); s++) {
        cpu_case c;
        case_begin(&c, 13);
        for (int i = 0; i < shapes[s].rank; i++) case_check(&c, gr_iota(c.g, shapes[s], i), (gr__isa)isa, 0, "iota");
        gr_val seed = gr_feed(c.g, "seed", GR_REAL, GR_SCALAR), update = gr_feed(c.g, "update", GR_REAL, GR_SCALAR),
               position = gr_feed(c.g, "position", GR_REAL, GR_SCALAR);
        case_fill(&c, seed, 0, 1, 0);
        case_fill(&c, update, 0, 1, 0);
        case_fill(&c, position, 0, 1, 0);
        *(double *)case_at(&c, seed) = *c.exact[seed] = 81985529216486895.0;
        *(double *)case_at(&c, update) = *c.exact[update] = 77;
        *(double *)case_at(&c, position) = *c.exact[position] = 4294967294.0; /* rows beyond wrap */
        case_check(&c, gr_random(c.g, "drop1/mask", shapes[s], seed, update, position), (gr__isa)isa, 0, "random");
        case_check(&c, gr_random(c.g, "drop1/mask", shapes[s], seed, gr_const(c.g, -1), gr_const(c.g, 3)), (gr__isa)isa,
                   0, "random with constants");
        int64_t n = gr_shape_count(shapes[s]);
        double *values = malloc((size_t)n * sizeof *values + 8);
        for (int64_t e = 0; e < n; e++) values[e] = (double)(float)(e * 0.37 - 5);
        case_check(&c, gr_const_tensor(c.g, shapes[s], values), (gr__isa)isa, 0, "tensor");
        free(values);
        case_end(&c);
    }
}

/* ---- rank 0 ---- */

static void test_scalars(void **state)
{
    (void)state;
    cpu_case c;
    case_begin(&c, 15);
    gr_val a = gr_feed(c.g, "a", GR_REAL, GR_SCALAR), b = gr_feed(c.g, "b", GR_REAL, GR_SCALAR),
           i = gr_feed(c.g, "i", GR_I32, GR_SCALAR), u = gr_feed(c.g, "u", GR_U8, GR_SCALAR);
    case_fill(&c, a, 0.1, 0.9, 0);
    case_fill(&c, b, 1, 3, 0);
    case_fill(&c, i, -9, -8, 0);
    case_fill(&c, u, 3, 9, 0);
    gr_val (*const unary[])(gr_graph *, gr_val) = {gr_neg,   gr_abs,  gr_sign,   gr_floor, gr_exp,  gr_log,
                                                   gr_log1p, gr_sqrt, gr_square, gr_recip, gr_tanh, gr_sigmoid,
                                                   gr_relu,  gr_sin,  gr_cos,    gr_erf,   gr_stop};
    gr_val (*const binary[])(gr_graph *, gr_val, gr_val) = {gr_add, gr_sub, gr_mul,  gr_div,        gr_max,
                                                            gr_min, gr_pow, gr_less, gr_less_equal, gr_equal};
    gr_val sum = gr_add(c.g, gr_real(c.g, i), gr_real(c.g, u));
    for (size_t f = 0; f < GR_COUNT(unary); f++) {
        case_check(&c, unary[f](c.g, a), GR__ISA_BASELINE, 0, "a scalar");
        sum = gr_add(c.g, sum, unary[f](c.g, a));
    }
    for (size_t f = 0; f < GR_COUNT(binary); f++) {
        case_check(&c, binary[f](c.g, a, b), GR__ISA_BASELINE, 0, "a scalar");
        sum = gr_mul(c.g, sum, binary[f](c.g, b, a));
    }
    sum = gr_select(c.g, gr_less(c.g, a, b), sum, a);
    sum = gr__node_add(c.g, GR_OP_MULADD, (gr_val[]){sum, a, gr_const(c.g, 2.5)}, 3, NULL, NULL);
    case_check(&c, sum, GR__ISA_BASELINE, 0, "scalars one by one");
    /* all as one item: the same */
    uint32_t nodes[128];
    gr_val in[] = {b, i, u, a};
    gr_item item = {.kind = GR_ITEM_SCALARS,
                    .graph = c.g,
                    .nodes = nodes,
                    .n_segments = 1,
                    .in = in,
                    .n_in = 4,
                    .out = &sum,
                    .n_out = 1};
    for (uint32_t k = 0; k < gr__graph_nodes(c.g); k++)
        if (gr__node(c.g, k)->op->class == GR_CLASS_MAP) nodes[item.n_nodes++] = k;
    double one_by_one = *(double *)case_at(&c, sum);
    case_forget(&c, sum);
    case_run_item(&c, &item, GR__ISA_BASELINE, CASE_FORWARD);
    assert_memory_equal(&one_by_one, case_at(&c, sum), sizeof one_by_one);
    case_end(&c);
}

/* ---- indices ---- */

static void test_indices(void **state)
{
    (void)state;
    static const struct {
        int64_t rows;
        gr_shape index;
        int64_t width;
    } cases[] = {{5, {1, {3}}, 4}, {1, {1, {1}}, 1}, {10, {2, {20, 30}}, 7}, {3000, {1, {500}}, 256},
                 {4, {1, {0}}, 3}, {0, {1, {5}}, 3}, {7, {1, {9}}, 0},       {50000, {1, {3}}, 16}};
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(cases); s++)
        for (int t = 0; t < 3; t++) {
            cpu_case c;
            case_begin(&c, 17);
            gr_val table = gr_feed(c.g, "table", (gr_dtype)t, GR_SHAPE(cases[s].rows, cases[s].width)),
                   index = gr_feed(c.g, "index", GR_I32, cases[s].index);
            case_fill(&c, table, -50, 50, 0);
            case_fill(&c, index, -1, (double)cases[s].rows + 1, 0); /* one below, one above */
            case_check(&c, gr_gather(c.g, table, index), (gr__isa)isa, 0, "gather");
            if (t == GR_REAL) {
                gr_shape v = cases[s].index;
                v.dim[v.rank++] = cases[s].width;
                gr_val values = gr_feed(c.g, "values", GR_REAL, v);
                case_fill(&c, values, -1, 1, 0);
                case_check(&c, gr_scatter_add(c.g, values, index, cases[s].rows), (gr__isa)isa, 1e-5, "scatter_add");
            }
            case_end(&c);
        }
}

/* ---- pooling ---- */

static void check_pool(gr__isa isa, gr_shape s, gr_pool_attr p, double special)
{
    cpu_case c;
    case_begin(&c, 19);
    gr_val x = gr_feed(c.g, "x", GR_REAL, s), index, y = gr_max_pool(c.g, x, p, &index);
    case_fill(&c, x, -4, 4, special);
    if (special == 0) /* ties: the first wins */
        for (int64_t e = 0; e < gr_shape_count(s); e++)
            ((float *)case_at(&c, x))[e] = (float)(c.exact[x][e] = floor(c.exact[x][e]));
    case_check(&c, y, isa, 0, "max_pool");
    case_check(&c, index, isa, 0, "index of max_pool");
    gr_val average = gr_avg_pool(c.g, x, p), dy = gr_feed(c.g, "dy", GR_REAL, gr_shape_of(c.g, y)), dx[2];
    case_fill(&c, dy, -1, 1, 0);
    case_check(&c, average, isa, 1e-6, "avg_pool");
    test_ok(c.ctx, gr_pullback(c.g, &y, &dy, 1, &x, 1, &dx[0]));
    test_ok(c.ctx, gr_pullback(c.g, &average, &dy, 1, &x, 1, &dx[1]));
    case_check(&c, dx[0], isa, 1e-6, "pool_scatter");
    case_check(&c, dx[1], isa, 1e-6, "avg_pool_adjoint");
    gr_val other = gr_feed(c.g, "other", GR_REAL, s);
    case_fill(&c, other, -1, 1, 0);
    gr_val ddy;
    test_ok(c.ctx, gr_pullback(c.g, &dx[0], &other, 1, &dy, 1, &ddy)); /* pool_gather */
    case_check(&c, ddy, isa, 0, "pool_gather");
    case_end(&c);
}

static void test_pools(void **state)
{
    (void)state;
    static const struct {
        gr_shape s;
        gr_pool_attr p;
    } cases[] = {
        {{4, {2, 4, 4, 3}}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}},
        {{4, {1, 5, 7, 17}}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, false}},
        {{4, {3, 9, 8, 33}}, {{3, 2}, {1, 1}, {1, 0}, {0, 1}, true}},
        {{4, {8, 28, 28, 32}}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}},
        {{4, {2, 7, 7, 64}}, {{7, 7}, {1, 1}, {0, 0}, {0, 0}, false}},
        {{4, {1, 1, 1, 1}}, {{1, 1}, {1, 1}, {0, 0}, {0, 0}, false}},
        {{4, {2, 6, 6, 5}}, {{2, 2}, {3, 3}, {0, 0}, {0, 0}, false}},
        {{4, {2, 5, 5, 16}}, {{2, 2}, {2, 2}, {0, 0}, {1, 1}, true}},
        {{4, {0, 4, 4, 3}}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}, false}},
    };
    EACH_ISA(isa)
    for (size_t s = 0; s < GR_COUNT(cases); s++) {
        check_pool((gr__isa)isa, cases[s].s, cases[s].p, 0);
        check_pool((gr__isa)isa, cases[s].s, cases[s].p, 0.1);
    }
}

/* ---- contractions: that the request is right; their kernels have tests of their own ---- */

static void test_contractions(void **state)
{
    (void)state;
    EACH_ISA(isa)
    {
        cpu_case c;
        case_begin(&c, 21);
        gr_val a = gr_feed(c.g, "a", GR_REAL, GR_SHAPE(3, 5, 7)), b = gr_feed(c.g, "b", GR_REAL, GR_SHAPE(3, 7, 4)),
               w = gr_feed(c.g, "w", GR_REAL, GR_SHAPE(4, 7));
        gr_val q = gr_feed(c.g, "q", GR_REAL, GR_SHAPE(6, 6)), bias = gr_feed(c.g, "bias", GR_REAL, GR_SHAPE(4)),
               v = gr_feed(c.g, "v", GR_REAL, GR_SHAPE(5, 2));
        gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(2, 8, 9, 6)),
               k = gr_feed(c.g, "k", GR_REAL, GR_SHAPE(8, 3, 2, 3));
        gr_val leaves[] = {a, b, w, q, bias, v, x, k};
        for (size_t i = 0; i < GR_COUNT(leaves); i++) case_fill(&c, leaves[i], -1, 1, 0);
        case_check(&c, gr_matmul(c.g, a, b, false, false), (gr__isa)isa, 1e-5, "batched matmul");
        case_check(&c, gr_matmul(c.g, a, w, false, true), (gr__isa)isa, 1e-5,
                   "matmul, second broadcast and transposed");
        case_check(&c, gr_matmul(c.g, v, a, true, false), (gr__isa)isa, 1e-5, "matmul, first broadcast and transposed");
        case_check(&c, gr_matmul(c.g, q, q, false, true), (gr__isa)isa, 1e-5, "matmul with itself");
        gr_conv_attr attr = {{2, 1}, {1, 2}, {1, 0}, {0, 2}, 2};
        gr_val y = gr_conv(c.g, x, k, attr);
        case_check(&c, y, (gr__isa)isa, 1e-5, "conv");
        gr_val dy = gr_feed(c.g, "dy", GR_REAL, gr_shape_of(c.g, y)), d[2];
        case_fill(&c, dy, -1, 1, 0);
        test_ok(c.ctx, gr_pullback(c.g, &y, &dy, 1, (gr_val[]){x, k}, 2, d));
        case_check(&c, d[0], (gr__isa)isa, 1e-5, "conv_data");
        case_check(&c, d[1], (gr__isa)isa, 1e-5, "conv_weights");
        /* with bias and rectifier: the bits of separate passes */
        gr_val flat = gr_feed(c.g, "flat", GR_REAL, GR_SHAPE(15, 7));
        case_fill(&c, flat, -1, 1, 0);
        gr_val m = gr_matmul(c.g, flat, w, false, true), shifted = gr_broadcast(c.g, bias, gr_shape_of(c.g, m)),
               sum = gr_add(c.g, m, shifted), out = gr_relu(c.g, sum);
        case_check(&c, out, (gr__isa)isa, 1e-5, "matmul, bias, relu");
        size_t bytes = case_bytes(c.g, out);
        char *separate = malloc(bytes);
        memcpy(separate, case_at(&c, out), bytes);
        case_forget(&c, out);
        uint32_t nodes[] = {gr__value(c.g, m)->node, gr__value(c.g, shifted)->node, gr__value(c.g, sum)->node,
                            gr__value(c.g, out)->node};
        assert_int_equal(gr__backend_cpu.epilogue(c.g, gr__node(c.g, nodes[0]), nodes + 2, 2), 2);
        gr_item item = {.graph = c.g,
                        .nodes = nodes,
                        .n_nodes = 4,
                        .n_segments = 1,
                        .in = (gr_val[]){flat, w, bias},
                        .n_in = 3,
                        .out = &out,
                        .n_out = 1};
        case_run_item(&c, &item, (gr__isa)isa, CASE_FORWARD);
        assert_memory_equal(separate, case_at(&c, out), bytes);
        free(separate);
        case_end(&c);
    }
}

/* Of a chain behind a contraction, what the kernels do: a vector added, then a rectifier; nothing out of this order. */
static void test_epilogues(void **state)
{
    (void)state;
    cpu_case c;
    case_begin(&c, 22);
    gr_val a = gr_feed(c.g, "a", GR_REAL, GR_SHAPE(3, 5)), b = gr_feed(c.g, "b", GR_REAL, GR_SHAPE(5, 4)),
           bias = gr_feed(c.g, "bias", GR_REAL, GR_SHAPE(4)), row = gr_feed(c.g, "row", GR_REAL, GR_SHAPE(3, 1)),
           all = gr_feed(c.g, "all", GR_REAL, GR_SHAPE(3, 4));
    gr_val product = gr_matmul(c.g, a, b, false, false), to[] = {GR_NONE, bias, row, all};
    enum { RELU, BIAS, ROW, ALL, TANH, END };
    static const struct {
        int chain[4], taken;
    } cases[] = {
        {{BIAS, RELU, TANH, END}, 2}, {{BIAS, TANH, RELU, END}, 1}, {{RELU, BIAS, END}, 1}, {{RELU, RELU, END}, 1},
        {{BIAS, BIAS, END}, 1},       {{ROW, RELU, END}, 0},        {{ALL, END}, 0},        {{TANH, BIAS, END}, 0},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        uint32_t nodes[4];
        gr_val v = product;
        int n = 0;
        for (int what; (what = cases[i].chain[n]) != END; n++) {
            gr_opcode map = what == RELU ? GR_OP_RELU : GR_OP_TANH;
            v = what == RELU || what == TANH ? gr__node_add(c.g, map, &v, 1, NULL, NULL)
                : n % 2                      ? gr_add(c.g, to[what], v)
                                             : gr_add(c.g, v, to[what]);
            nodes[n] = gr__value(c.g, v)->node;
        }
        assert_int_equal(gr__backend_cpu.epilogue(c.g, gr__producer(c.g, product), nodes, n), cases[i].taken);
    }
    case_end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps),   cmocka_unit_test(test_reductions),   cmocka_unit_test(test_moves),
        cmocka_unit_test(test_leaves), cmocka_unit_test(test_scalars),      cmocka_unit_test(test_indices),
        cmocka_unit_test(test_pools),  cmocka_unit_test(test_contractions), cmocka_unit_test(test_epilogues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
