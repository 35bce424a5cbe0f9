/* Random regions. A fused region gives the bits of its nodes run one by one as regions of their own, whatever is fused
 * with what (H2: fused = unfused); its shards run in any order, on poisoned scratch, with outputs in place of inputs or
 * not; nothing outside operands is read or written. */
#include "cpu_case.h"

/* ---- a random graph over one space ---- */

typedef struct random_region {
    cpu_case c;
    gr_shape shape;
    bool line;       /* one row of all elements: reductions are to rank 0 */
    gr_val pool[96]; /* values of the full shape, real */
    int n_pool;
    gr_val whole[8]; /* of the full shape, integers */
    int n_whole;
    gr_val scalar[8];
    int n_scalar;
    gr_val lines[32]; /* one value a row, [rows, 1] */
    int n_lines;
    double special; /* how much of what is fed is infinite, NaN, ... */
} random_region;

static uint64_t below(random_region *r, uint64_t n)
{
    return gr__rng_below(&r->c.rng, n);
}

static gr_val feed(random_region *r, const char *kind, gr_dtype dtype, gr_shape s)
{
    char name[32];
    snprintf(name, sizeof name, "%s%u", kind, gr__graph_nodes(r->c.g));
    gr_val v = gr_feed(r->c.g, name, dtype, s);
    case_fill(&r->c, v, -2, 2, r->special);
    return v;
}

/* May rows be read with their sums? */
static bool has_lines(const random_region *r)
{
    return !r->line && r->shape.dim[0] >= 1 && r->shape.dim[1] >= 2 && r->shape.dim[1] <= gr__backend_cpu.max_row;
}

static void add_leaves(random_region *r)
{
    gr_graph *g = r->c.g;
    gr_shape s = r->shape, row = s, column = s;
    row.dim[1] = column.dim[0] = 1;
    int n = 1 + (int)below(r, 3);
    for (int i = 0; i < n; i++) r->pool[r->n_pool++] = feed(r, "x", GR_REAL, s);
    r->whole[r->n_whole++] = feed(r, "i", GR_I32, s);
    r->whole[r->n_whole++] = feed(r, "u", GR_U8, s);
    r->scalar[r->n_scalar++] = feed(r, "s", GR_REAL, GR_SCALAR);
    r->scalar[r->n_scalar++] = gr_const(g, 0.75);
    r->scalar[r->n_scalar++] = gr_const(g, -1.5);
    if (r->line) return;
    for (int i = 0; i < 2; i++) {
        if (below(r, 2)) r->pool[r->n_pool++] = gr_broadcast(g, feed(r, "r", GR_REAL, row), s);
        if (below(r, 2)) r->pool[r->n_pool++] = gr_broadcast(g, feed(r, "c", GR_REAL, column), s);
        if (below(r, 3) == 0) r->whole[r->n_whole++] = gr_broadcast(g, feed(r, "l", GR_I32, row), s);
        if (below(r, 3) == 0) r->whole[r->n_whole++] = gr_iota(g, s, (int)below(r, 2));
    }
}

static gr_val any(random_region *r)
{
    return r->pool[below(r, (uint64_t)r->n_pool)];
}

static gr_val any_or_scalar(random_region *r)
{
    return below(r, 4) ? any(r) : r->scalar[below(r, (uint64_t)r->n_scalar)];
}

static gr_val any_line(random_region *r)
{
    if (r->n_lines > 0 && below(r, 5)) return r->lines[below(r, (uint64_t)r->n_lines)];
    return below(r, 2) ? r->scalar[below(r, (uint64_t)r->n_scalar)]
                       : feed(r, "l", GR_REAL, GR_SHAPE(r->shape.dim[0], 1));
}

/* A row's sum or maximum, perhaps without its axis for a while; or something of such lines. */
static gr_val new_line(random_region *r)
{
    gr_graph *g = r->c.g;
    static const int rows[] = {1};
    static const gr_opcode unary[] = {GR_OP_NEG, GR_OP_EXP, GR_OP_SQRT, GR_OP_LOG, GR_OP_RECIP, GR_OP_RELU},
                           binary[] = {GR_OP_ADD, GR_OP_SUB, GR_OP_MUL, GR_OP_DIV, GR_OP_MAX, GR_OP_LESS};
    gr_opcode one = unary[below(r, GR_COUNT(unary))];
    if (r->n_lines == 0 || below(r, 2)) {
        bool keep = below(r, 2);
        gr_val y = (below(r, 2) ? gr_sum : gr_reduce_max)(g, any(r), rows, 1, keep);
        if (keep) return y;
        if (below(r, 2)) y = gr__node_add(g, one, &y, 1, NULL, NULL);
        return gr_reshape(g, y, GR_SHAPE(r->shape.dim[0], 1));
    }
    gr_val in[2] = {r->lines[below(r, (uint64_t)r->n_lines)], any_line(r)};
    if (below(r, 3) == 0) return gr__node_add(g, one, in, 1, NULL, NULL);
    if (below(r, 2)) in[0] = any_line(r), in[1] = r->lines[below(r, (uint64_t)r->n_lines)];
    return gr__node_add(g, binary[below(r, GR_COUNT(binary))], in, 2, NULL, NULL);
}

static void add_line(random_region *r)
{
    if (r->n_lines == (int)GR_COUNT(r->lines)) return;
    gr_val y = new_line(r);
    r->lines[r->n_lines++] = y;
    if (below(r, 2)) r->pool[r->n_pool++] = gr_broadcast(r->c.g, y, r->shape);
}

static void add_node(random_region *r)
{
    if (has_lines(r) && below(r, 3) == 0) {
        add_line(r);
        return;
    }
    gr_graph *g = r->c.g;
    static const gr_opcode unary[] = {GR_OP_NEG,     GR_OP_ABS,  GR_OP_SIGN, GR_OP_FLOOR, GR_OP_SQUARE, GR_OP_TANH,
                                      GR_OP_SIGMOID, GR_OP_RELU, GR_OP_SIN,  GR_OP_EXP,   GR_OP_SQRT,   GR_OP_STOP};
    static const gr_opcode binary[] = {GR_OP_ADD, GR_OP_SUB,  GR_OP_MUL,        GR_OP_DIV,  GR_OP_MAX,
                                       GR_OP_MIN, GR_OP_LESS, GR_OP_LESS_EQUAL, GR_OP_EQUAL};
    gr_val v;
    switch (below(r, 8)) {
    case 0:
    case 1:
        v = gr__node_add(g, unary[below(r, GR_COUNT(unary))], (gr_val[]){any(r)}, 1, NULL, NULL);
        break;
    case 2:
        v = gr_real(g, r->whole[below(r, (uint64_t)r->n_whole)]);
        break;
    case 3:
        v = gr__node_add(g, binary[6 + below(r, 3)],
                         (gr_val[]){r->whole[below(r, (uint64_t)r->n_whole)], r->whole[below(r, (uint64_t)r->n_whole)]},
                         2, NULL, NULL);
        break;
    case 4: {
        gr_val in[3] = {any_or_scalar(r), any_or_scalar(r), any_or_scalar(r)};
        in[below(r, 3)] = any(r);
        v = gr__node_add(g, below(r, 2) ? GR_OP_MULADD : GR_OP_SELECT, in, 3, NULL, NULL);
        break;
    }
    default: {
        gr_val in[2] = {any_or_scalar(r), any_or_scalar(r)};
        in[below(r, 2)] = any(r);
        v = gr__node_add(g, binary[below(r, GR_COUNT(binary))], in, 2, NULL, NULL);
    }
    }
    r->pool[r->n_pool++] = v;
}

/* ---- the region ---- */

typedef struct region_item {
    gr_item item;
    gr_space space;
    uint32_t nodes[256], apart[256]; /* apart: with the reshapes, which regions read through */
    int n_apart;
    gr_val in[64], out[64];
} region_item;

static bool is_leaf(const gr_graph *g, uint32_t k)
{
    gr_opcode code = gr__node(g, k)->op->code;
    return code == GR_OP_FEED || code == GR_OP_CONST;
}

static void add_in(region_item *t, gr_val v)
{
    for (int i = 0; i < t->item.n_in; i++)
        if (t->in[i] == v) return;
    t->in[t->item.n_in++] = v;
}

/* Everything that the outputs need. */
static void collect(random_region *r, region_item *t)
{
    const gr_graph *g = r->c.g;
    bool needed[512] = {false};
    assert_true(gr__graph_nodes(g) < 512);
    for (int o = 0; o < t->item.n_out; o++) needed[gr__value(g, t->out[o])->node] = true;
    for (uint32_t k = gr__graph_nodes(g); k-- > 0;)
        for (int i = 0; needed[k] && i < gr__node(g, k)->n_in; i++)
            needed[gr__value(g, gr__node(g, k)->in[i])->node] = true;
    for (uint32_t k = 0; k < gr__graph_nodes(g); k++) {
        if (!needed[k]) continue;
        const gr_node *n = gr__node(g, k);
        bool reshape = n->op->code == GR_OP_RESHAPE;
        if (!is_leaf(g, k)) t->apart[t->n_apart++] = k;
        if (!is_leaf(g, k) && !reshape) t->nodes[t->item.n_nodes++] = k;
        if (n->op->code == GR_OP_FEED || (reshape && is_leaf(g, gr__value(g, n->in[0])->node))) add_in(t, n->out);
    }
    t->item.graph = g;
    t->item.kind = GR_ITEM_REGION;
    t->item.nodes = t->nodes;
    t->item.in = t->in;
    t->item.out = t->out;
    t->item.n_segments = 1;
    t->space =
        r->line ? (gr_space){1, r->shape.dim[0] * r->shape.dim[1]} : (gr_space){r->shape.dim[0], r->shape.dim[1]};
    t->item.space = &t->space;
}

/* Some nodes as outputs, and reductions. The last node always. */
static void choose_outputs(random_region *r, region_item *t, int first)
{
    gr_graph *g = r->c.g;
    t->out[t->item.n_out++] = r->pool[r->n_pool - 1];
    for (int i = first; i < r->n_pool - 1; i++) {
        bool fresh = below(r, 4) == 0;
        for (int o = 0; o < t->item.n_out; o++) fresh &= t->out[o] != r->pool[i];
        for (int k = 0; k < first; k++) fresh &= r->pool[k] != r->pool[i]; /* not a leaf again */
        if (fresh && gr__producer(g, r->pool[i])->op->code != GR_OP_FEED) t->out[t->item.n_out++] = r->pool[i];
    }
    static const int rows[] = {1}, columns[] = {0}, all[] = {0, 1};
    for (int i = 0; i < r->n_lines; i++) {
        bool fresh = below(r, 3) == 0 && gr__producer(g, r->lines[i])->op->code != GR_OP_RESHAPE;
        for (int o = 0; o < t->item.n_out; o++) fresh &= t->out[o] != r->lines[i];
        if (fresh) t->out[t->item.n_out++] = r->lines[i];
    }
    int n = (int)below(r, 4);
    for (int i = 0; i < n; i++) {
        gr_val x = any(r), y;
        bool max = below(r, 3) == 0;
        const int *axes = r->line ? all : below(r, 2) ? rows : columns;
        y = (max ? gr_reduce_max : gr_sum)(g, x, axes, r->line ? 2 : 1, !r->line && below(r, 2));
        if (!gr__node_is_reduction(gr__producer(g, y))) continue;
        bool fresh = true, is_space = r->line;
        for (int o = 0; o < t->item.n_out; o++) fresh &= t->out[o] != y;
        const gr_node *node = gr__producer(g, y);
        gr_space space =
            gr__form_space(r->shape, gr__form_reduce_splits(r->shape, node->attr.i[0], gr__value(g, y)->shape.rank));
        is_space |= space.rows == r->shape.dim[0] && space.columns == r->shape.dim[1];
        if (fresh && is_space) t->out[t->item.n_out++] = y; /* in another space it would not be fused */
    }
}

typedef struct copies {
    char *bytes[64];
} copies;

static copies keep(cpu_case *c, const region_item *t)
{
    copies k = {{NULL}};
    for (int o = 0; o < t->item.n_out; o++) {
        size_t bytes = case_bytes(c->g, t->out[o]);
        k.bytes[o] = malloc(bytes + 1);
        memcpy(k.bytes[o], case_at(c, t->out[o]), bytes);
        case_forget(c, t->out[o]);
    }
    return k;
}

/* NaN is NaN, whatever its sign and payload: the order of operands decides those. */
static bool same(const gr_value *v, const char *a, const char *b, size_t bytes)
{
    if (v->dtype != GR_REAL || memcmp(a, b, bytes) == 0) return memcmp(a, b, bytes) == 0;
    size_t element = v->shape.rank ? 4 : 8;
    for (size_t at = 0; at < bytes; at += element) {
        bool nan =
            element == 4
                ? isnan(*(const float *)(const void *)(a + at)) && isnan(*(const float *)(const void *)(b + at))
                : isnan(*(const double *)(const void *)(a + at)) && isnan(*(const double *)(const void *)(b + at));
        if (!nan && memcmp(a + at, b + at, element) != 0) return false;
    }
    return true;
}

static void compare(cpu_case *c, const region_item *t, const copies *want, gr__isa isa, uint64_t seed, const char *what)
{
    for (int o = 0; o < t->item.n_out; o++) {
        const gr_value *v = gr__value(c->g, t->out[o]);
        if (!same(v, want->bytes[o], case_at(c, t->out[o]), case_bytes(c->g, t->out[o])))
            fail_msg("seed %llu (%s), %lld x %lld, output %d (%s): %s", (unsigned long long)seed, gr__isa_name(isa),
                     (long long)t->space.rows, (long long)t->space.columns, o, gr__producer(c->g, t->out[o])->op->name,
                     what);
    }
}

/* Outputs stand where inputs of equal shape and type stood. */
static void run_in_place(random_region *r, region_item *t, gr__isa isa, const copies *want, uint64_t seed)
{
    cpu_case *c = &r->c;
    void *operands[128];
    char *saved[64] = {NULL};
    int at = 0, shared = 0;
    for (int i = 0; i < t->item.n_in; i++) operands[at++] = case_at(c, t->in[i]);
    bool taken[64] = {false};
    for (int o = 0; o < t->item.n_out; o++) {
        const gr_value *v = gr__value(c->g, t->out[o]);
        operands[at] = case_at(c, t->out[o]);
        for (int i = 0; i < t->item.n_in; i++) {
            const gr_value *x = gr__value(c->g, t->in[i]);
            bool elementwise = gr__shape_equal(v->shape, x->shape) && gr__shape_equal(x->shape, r->shape) &&
                               x->dtype == v->dtype && !taken[i];
            if (!elementwise || r->shape.dim[0] == 1 || r->shape.dim[1] == 1) continue;
            if (below(r, 2)) continue;
            taken[i] = true;
            shared++;
            operands[at] = operands[i];
            size_t bytes = case_bytes(c->g, t->in[i]);
            saved[i] = malloc(bytes + 1);
            memcpy(saved[i], operands[i], bytes);
            break;
        }
        at++;
    }
    if (shared) {
        gr_kernel *k = NULL;
        test_ok(c->ctx, gr__cpu_make_for(c->ctx, &t->item, isa, &k));
        case_run(k, operands, CASE_MIXED, 0x11);
        k->destroy(c->ctx, k);
        for (int o = 0; o < t->item.n_out; o++)
            if (!same(gr__value(c->g, t->out[o]), want->bytes[o], operands[t->item.n_in + o],
                      case_bytes(c->g, t->out[o])))
                fail_msg("seed %llu (%s): output %d differs in place", (unsigned long long)seed, gr__isa_name(isa), o);
    }
    for (int i = 0; i < t->item.n_in; i++) {
        if (saved[i]) memcpy(case_at(c, t->in[i]), saved[i], case_bytes(c->g, t->in[i]));
        free(saved[i]);
    }
}

static void check_region(uint64_t seed, gr_shape shape, bool line)
{
    random_region r = {.shape = shape, .line = line, .special = seed % 5 == 0 ? 0.03 : 0};
    region_item t = {.item = {.n_out = 0}};
    case_begin(&r.c, seed);
    add_leaves(&r);
    int first = r.n_pool, n = 1 + (int)below(&r, 14);
    for (int i = 0; i < n; i++) add_node(&r);
    while (r.n_pool == first) add_node(&r);
    test_ok(r.c.ctx, gr_graph_status(r.c.g));
    choose_outputs(&r, &t, first);
    collect(&r, &t);
    const gr_graph *g = r.c.g;
    if (gr__producer(g, t.out[0])->op->class == GR_CLASS_MAP && t.item.n_nodes <= gr__backend_cpu.max_region_nodes) {
        for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
            if (!gr__isa_supported((gr__isa)isa)) continue;
            for (int k = 0; k < t.n_apart; k++) { /* one by one, repeated operands in memory */
                case_forget(&r.c, gr__node(g, t.apart[k])->out);
                case_run_node(&r.c, t.apart[k], (gr__isa)isa, CASE_FORWARD);
            }
            copies want = keep(&r.c, &t);
            for (int order = 0; order < CASE_ORDERS; order++) {
                for (int o = 0; o < t.item.n_out; o++) case_forget(&r.c, t.out[o]);
                case_run_item(&r.c, &t.item, (gr__isa)isa, order);
                compare(&r.c, &t, &want, (gr__isa)isa, seed, "fused and unfused differ");
            }
            run_in_place(&r, &t, (gr__isa)isa, &want, seed);
            for (int o = 0; o < t.item.n_out; o++) free(want.bytes[o]);
        }
    }
    case_end(&r.c);
}

static const int64_t sizes[] = {1, 2, 3, 7, 10, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 200, 511, 512, 700};

static void test_small(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 600; seed++) {
        gr__rng rng = gr__rng_make(seed, "sizes", 0, 0);
        int64_t rows = sizes[gr__rng_below(&rng, GR_COUNT(sizes))],
                columns = sizes[gr__rng_below(&rng, GR_COUNT(sizes))];
        check_region(seed, GR_SHAPE(rows, columns), gr__rng_below(&rng, 4) == 0);
    }
}

static void test_shards(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{20000, 10}, {3000, 64}, {130, 1111}, {40000, 7},
                                        {5, 100003}, {900, 300}, {66000, 3},  {200000, 1}};
    for (uint64_t seed = 1; seed <= 32; seed++)
        check_region(1000 + seed, GR_SHAPE(shapes[seed % 8][0], shapes[seed % 8][1]), seed % 4 == 3);
}

static void test_empty(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{0, 5}, {5, 0}, {0, 0}, {0, 300}, {300, 0}};
    for (uint64_t seed = 1; seed <= 40; seed++)
        check_region(2000 + seed, GR_SHAPE(shapes[seed % 5][0], shapes[seed % 5][1]), seed % 3 == 0);
}

/* ---- segments ---- */

/* An update like an optimizer's over tensors of many sizes, as one kernel and one by one: the same bits. Sums of
 * squares beside it, one a tensor. */
static void check_segments(gr__isa isa, const int64_t *size, int n, bool norms)
{
    cpu_case c;
    case_begin(&c, 31);
    gr_val rate = gr_feed(c.g, "rate", GR_REAL, GR_SCALAR), in[64 * 4], out[64 * 3];
    uint32_t nodes[64][8];
    gr_space space[64];
    int n_nodes = 0, n_out = norms ? 3 : 2;
    case_fill(&c, rate, 0.1, 0.2, 0);
    for (int s = 0; s < n; s++) {
        char name[3][16];
        for (int i = 0; i < 3; i++) snprintf(name[i], sizeof name[i], "%c%d", "wgm"[i], s);
        gr_val w = gr_feed(c.g, name[0], GR_REAL, GR_SHAPE(size[s])),
               g = gr_feed(c.g, name[1], GR_REAL, GR_SHAPE(size[s])),
               m = gr_feed(c.g, name[2], GR_REAL, GR_SHAPE(size[s]));
        case_fill(&c, w, -1, 1, 0);
        case_fill(&c, g, -1, 1, 0);
        case_fill(&c, m, -1, 1, 0);
        gr_val scaled = gr_mul(c.g, g, gr_const(c.g, 0.1)),
               next = gr__node_add(c.g, GR_OP_MULADD, (gr_val[]){m, gr_const(c.g, 0.9), scaled}, 3, NULL, NULL);
        gr_val step = gr_mul(c.g, next, rate), moved = gr_sub(c.g, w, step), square = gr_square(c.g, g),
               norm = gr_sum_all(c.g, square);
        gr_val made[] = {scaled, next, step, moved, square, norm};
        n_nodes = norms ? 6 : 4;
        for (int k = 0; k < n_nodes; k++) nodes[s][k] = gr__value(c.g, made[k])->node;
        memcpy(in + s * 4, (gr_val[]){g, m, rate, w}, 4 * sizeof *in);
        memcpy(out + s * n_out, (gr_val[]){next, moved, norm}, (size_t)n_out * sizeof *out);
        space[s] = (gr_space){1, size[s]};
    }
    char *want[64 * 3];
    for (int s = 0; s < n; s++) {
        gr_item one = {.kind = GR_ITEM_REGION,
                       .graph = c.g,
                       .nodes = nodes[s],
                       .n_nodes = n_nodes,
                       .n_segments = 1,
                       .space = &space[s],
                       .in = in + s * 4,
                       .n_in = 4,
                       .out = out + s * n_out,
                       .n_out = n_out};
        case_run_item(&c, &one, isa, CASE_FORWARD);
        for (int o = 0; o < n_out; o++) {
            size_t bytes = case_bytes(c.g, out[s * n_out + o]);
            want[s * n_out + o] = malloc(bytes + 1);
            memcpy(want[s * n_out + o], case_at(&c, out[s * n_out + o]), bytes);
            case_forget(&c, out[s * n_out + o]);
        }
    }
    gr_item item = {.kind = GR_ITEM_REGION,
                    .graph = c.g,
                    .nodes = nodes[0],
                    .n_nodes = n_nodes,
                    .n_segments = n,
                    .space = space,
                    .in = in,
                    .n_in = 4,
                    .out = out,
                    .n_out = n_out};
    for (int order = 0; order < CASE_ORDERS; order++) {
        case_run_item(&c, &item, isa, order);
        for (int k = 0; k < n * n_out; k++) assert_memory_equal(want[k], case_at(&c, out[k]), case_bytes(c.g, out[k]));
    }
    for (int k = 0; k < n * n_out; k++) free(want[k]);
    case_end(&c);
}

static void test_segments(void **state)
{
    (void)state;
    static const int64_t few[] = {10, 784, 1, 100352, 0, 128, 5000},
                         many[] = {200000, 3, 64, 64, 300000, 17, 9, 70000, 1, 500000, 128, 127, 129, 33, 2};
    for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
        if (!gr__isa_supported((gr__isa)isa)) continue;
        for (int norms = 0; norms < 2; norms++) {
            check_segments((gr__isa)isa, few, GR_COUNT(few), norms);
            check_segments((gr__isa)isa, many, GR_COUNT(many), norms);
            check_segments((gr__isa)isa, few, 1, norms);
        }
    }
}

/* Results that no cache keeps are written past them: the same bits, in place too. */
static void test_large(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{1, 8400007}, {90000, 100}, {4200, 2048}};
    for (size_t s = 0; s < GR_COUNT(shapes); s++)
        for (int isa = 0; isa < GR__ISA_COUNT; isa++) {
            if (!gr__isa_supported((gr__isa)isa)) continue;
            cpu_case c;
            case_begin(&c, 61);
            gr_shape shape = GR_SHAPE(shapes[s][0], shapes[s][1]);
            gr_val x = gr_feed(c.g, "x", GR_REAL, shape), column = gr_feed(c.g, "c", GR_REAL, GR_SHAPE(shapes[s][1]));
            gr_val b = gr_broadcast(c.g, column, shape), y = gr_add(c.g, x, b);
            uint32_t nodes[] = {gr__value(c.g, b)->node, gr__value(c.g, y)->node};
            gr_space space = {shapes[s][0], shapes[s][1]};
            gr_item item = {.kind = GR_ITEM_REGION,
                            .graph = c.g,
                            .nodes = nodes,
                            .n_nodes = 2,
                            .n_segments = 1,
                            .space = &space,
                            .in = (gr_val[]){x, column},
                            .n_in = 2,
                            .out = &y,
                            .n_out = 1};
            if (shapes[s][0] == 1) {
                y = gr_relu(c.g, x);
                nodes[0] = gr__value(c.g, y)->node;
                item.n_nodes = item.n_in = 1;
            }
            case_fill(&c, x, -1, 1, 0);
            case_fill(&c, column, -1, 1, 0);
            for (int in_place = 0; in_place < 2; in_place++) {
                gr_kernel *k = NULL;
                test_ok(c.ctx, gr__cpu_make_for(c.ctx, &item, (gr__isa)isa, &k));
                void *operands[] = {case_at(&c, x), case_at(&c, column), case_at(&c, in_place ? x : y)};
                if (item.n_in == 1) operands[1] = operands[2];
                case_run(k, operands, CASE_MIXED, 0xff);
                k->destroy(c.ctx, k);
                const float *got = case_at(&c, in_place ? x : y), *add = case_at(&c, column);
                for (int64_t e = 0; e < gr_shape_count(shape); e++) {
                    float from = (float)c.exact[x][e],
                          want = shapes[s][0] == 1 ? (from > 0 ? from : 0) : from + add[e % shapes[s][1]];
                    if (got[e] != want)
                        fail_msg("element %lld is %g, not %g", (long long)e, (double)got[e], (double)want);
                }
                assert_true(case_guards_hold(&c, in_place ? x : y));
            }
            case_end(&c);
        }
}

/* Every acquisition may fail: an error, no crash, no leak. */
static void test_failing_memory(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        cpu_case c;
        case_begin(&c, 41);
        gr_val x = gr_feed(c.g, "x", GR_REAL, GR_SHAPE(100, 10)), row = gr_feed(c.g, "r", GR_REAL, GR_SHAPE(100, 1));
        gr_val b = gr_broadcast(c.g, row, GR_SHAPE(100, 10)), y = gr_sub(c.g, x, b),
               sum = gr_sum(c.g, y, (int[]){0}, 1, false);
        uint32_t nodes[] = {gr__value(c.g, b)->node, gr__value(c.g, y)->node, gr__value(c.g, sum)->node};
        gr_space space = {100, 10};
        gr_item item = {.kind = GR_ITEM_REGION,
                        .graph = c.g,
                        .nodes = nodes,
                        .n_nodes = 3,
                        .n_segments = 1,
                        .space = &space,
                        .in = (gr_val[]){x, row},
                        .n_in = 2,
                        .out = (gr_val[]){y, sum},
                        .n_out = 2};
        gr_kernel *kernel = NULL;
        gr__fail_acquisition(c.ctx, k);
        gr_status st = gr__cpu_make_for(c.ctx, &item, gr__isa_chosen(), &kernel);
        gr__fail_acquisition(c.ctx, 0);
        if (st == GR_OK)
            kernel->destroy(c.ctx, kernel);
        else
            assert_int_equal(st, GR_E_MEMORY);
        case_end(&c);
        if (st == GR_OK) break;
        assert_true(k < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),    cmocka_unit_test(test_shards), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_segments), cmocka_unit_test(test_large),  cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
