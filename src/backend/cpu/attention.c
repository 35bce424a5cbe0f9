/* Attention in blocks: some queries of one head against some keys at a time. Products of a block become weights while
 * they are in a cache, with the largest product so far subtracted; where a later block has a larger one, what was
 * summed is scaled down. So memory grows with the lengths and not with their product. The gradient makes the weights
 * again from the logarithms of the sums.                                                         [Dao et al. 2022]
 *
 * Heads are read and written where they stand in the rows of the operands. Only keys are packed, transposed, in panels
 * of columns (for the gradient values too): then all five products are tiles of contract_tile.h. */
#include "graph/attention.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/attention_rows.h"
#include "backend/cpu/contract_provider.h"
#include "backend/cpu/cpu.h"
#include "backend/cpu/native.h"
#include "backend/cpu/work.h"
#include "base/rng.h"

enum { QUERIES = 48, KEYS = 128, STRIDE = KEYS + 16 }; /* of a block; floats from row to row of its weights */
enum { MOST_OPERANDS = 12 };

static const float NOTHING = -1e30f; /* the logarithm of a sum of nothing */

typedef struct attention {
    gr_kernel base;
    gr__attention a;
    const gr__tile_ops *tile;
    const gr__attention_rows *rows;
    const gr__native_set *native;
    int in[MOST_OPERANDS]; /* the call's operand of each of the node's; -1: a constant */
    double constant[MOST_OPERANDS];
    int out;                    /* the first output among the call's operands */
    int64_t q_row, k_row;       /* floats from row to row of queries; of keys and values */
    int64_t k_column, v_column; /* where keys and values begin in a row of theirs */
    int64_t out_row;
    int64_t chunks, chunk; /* that the queries of a head are cut into, and of how many */
    uint64_t stream;
    size_t panels; /* floats of a packed operand */
} attention;

/* What one head is worked on with. */
typedef struct head {
    const attention *k;
    const gr_call *call;
    int64_t sample, number; /* of the head among the queries' */
    int64_t keys;           /* that count */
    const float *q, *key, *value;
    float *key_panels, *value_panels, *s, *dp, *sums, *random;
    float *most, *total; /* a number a query of the block */
    uint64_t seed, update;
    uint32_t position;
} head;

/* ---- products ---- */

typedef struct product { /* out[r][c] (+)= sum over i of a[r a_row + i a_step] b[i b_step + c] */
    const float *a, *b;
    int64_t a_row, a_step, b_step, count, rows, columns, out_row;
    float *out;
    bool accumulate;
} product;

static void multiply_panel(const gr__tile_ops *ops, const product *p, gr__tile_kind kind, int64_t column,
                           int64_t columns)
{
    gr__segment segment = {0, 0, p->count};
    gr__tile t = {.b = p->b + column,
                  .segment = &segment,
                  .n_segments = 1,
                  .a_step = p->a_step,
                  .b_step = p->b_step,
                  .columns = columns,
                  .accumulate = p->accumulate};
    int64_t tiles = (p->rows + ops->rows - 1) / ops->rows;
    for (int64_t i = 0; i < tiles; i++) {
        int64_t first = gr__cut(p->rows, i, tiles), n = gr__cut(p->rows, i + 1, tiles) - first;
        for (int64_t r = 0; r < n; r++) {
            t.row[r] = p->a + (first + r) * p->a_row;
            t.out[r] = p->out + (first + r) * p->out_row + column;
        }
        ops->tile[kind][n](&t);
    }
}

static void multiply(const gr__tile_ops *ops, const product *p)
{
    for (int64_t column = 0, n = 0; column < p->columns; column += n) {
        gr__tile_kind kind = gr__panel_kind(ops, p->columns - column, false, &n);
        multiply_panel(ops, p, kind, column, n);
    }
}

/* out[r][j] = rows of a against packed columns first .. first + n - 1, whole panels of them. */
static void multiply_packed(const attention *k, const float *a, int64_t a_row, int64_t rows, const float *panels,
                            int64_t first, int64_t n, float *out)
{
    int64_t wide = k->tile->wide;
    for (int64_t j = 0; j < n; j += wide) {
        product p = {.a = a,
                     .b = panels + (first + j) * k->a.size,
                     .a_row = a_row,
                     .a_step = 1,
                     .b_step = wide,
                     .count = k->a.size,
                     .rows = rows,
                     .out_row = STRIDE,
                     .out = out + j};
        multiply_panel(k->tile, &p, GR__TILE_WIDE, 0, wide);
    }
}

static void pack(const attention *k, const float *from, float *to)
{
    int64_t wide = k->tile->wide;
    for (int64_t j = 0; j < k->a.keys; j += wide)
        k->tile->pack_columns(to + j * k->a.size, wide, from + j * k->k_row, k->k_row, GR_MIN(wide, k->a.keys - j),
                              k->a.size);
}

/* ---- a head ---- */

static double scalar(const head *h, int i)
{
    const attention *k = h->k;
    int at = k->a.seed + i;
    return k->in[at] < 0 ? k->constant[at] : *(const double *)h->call->operand[k->in[at]];
}

static const float *operand(const head *h, int i)
{
    return h->call->operand[h->k->in[i]];
}

static head open_head(const attention *k, const gr_call *call)
{
    float *at = call->scratch;
    head h = {.k = k, .call = call};
    h.key_panels = at, at += k->panels;
    if (k->a.out) h.value_panels = at, at += k->panels;
    h.s = at, at += QUERIES * STRIDE;
    if (k->a.out) h.dp = at, at += QUERIES * STRIDE;
    h.random = at, at += KEYS;
    h.most = at, at += QUERIES;
    h.total = at, at += QUERIES;
    h.sums = at;
    if (k->a.seed < 0) return h;
    h.seed = (uint64_t)scalar(&h, 0);
    h.update = (uint64_t)scalar(&h, 1);
    h.position = (uint32_t)(uint64_t)scalar(&h, 2);
    return h;
}

/* Where the keys and values of head `number` of the queries are, and how many count. */
static void enter(head *h, int64_t sample, int64_t number)
{
    const attention *k = h->k;
    const gr__attention *a = &k->a;
    int64_t shared = number / (a->heads / a->key_heads), rows = sample * a->keys;
    h->sample = sample;
    h->number = number;
    h->q = operand(h, a->q) + sample * a->queries * k->q_row + number * a->size;
    h->key = operand(h, a->k) + rows * k->k_row + k->k_column + shared * a->size;
    h->value = operand(h, a->v) + rows * k->k_row + k->v_column + shared * a->size;
    h->keys = a->keys;
    if (a->lengths < 0) return;
    int32_t length = ((const int32_t *)h->call->operand[k->in[a->lengths]])[sample];
    h->keys = GR_MIN(GR_MAX(length, 0), a->keys);
}

/* The end of the keys that query i sees, and of those that some query of the block before `end` does. */
static int64_t seen(const head *h, int64_t i)
{
    return h->k->a.causal ? GR_MIN(i + 1, h->keys) : h->keys;
}

/* The random numbers of a query's weights of keys from j on. */
static const float *draw(const head *h, int64_t i, int64_t j, int64_t n)
{
    const gr__attention *a = &h->k->a;
    h->k->native->random(h->random, (h->number * a->queries + i) * a->keys + j, n, h->seed, h->k->stream, h->update,
                         h->position + (uint32_t)h->sample);
    return h->random;
}

static void drop(const head *h, float *x, const float *u, int64_t n)
{
    double rate = h->k->a.rate;
    h->k->rows->drop(x, u, n, (float)gr__attention_threshold(rate), (float)(1 / (1 - rate)));
}

/* ---- forward ---- */

/* Products of query i with keys from j on become exponentials; the sums so far follow. */
static void weigh(const head *h, int64_t i, int64_t r, int64_t j, int64_t width)
{
    const gr__attention_rows *ops = h->k->rows;
    float *s = h->s + r * STRIDE, scale = (float)h->k->a.scale;
    int64_t n = GR_MIN(seen(h, i) - j, width);
    if (n <= 0) {
        memset(s, 0, (size_t)width * sizeof *s);
        return;
    }
    float now = ops->largest(s, n, scale), before = h->most[r];
    if (!(now > before) && now == now) now = before;
    float shrunk = before == -INFINITY ? 0 : expf(before - now), sum = ops->exponentials(s, n, width, scale, now);
    h->total[r] = h->total[r] * shrunk + sum;
    h->most[r] = now;
    if (h->k->a.seed >= 0) drop(h, s, draw(h, i, j, n), n);
    if (j > 0 && shrunk != 1) ops->scale(h->sums + r * h->k->a.size, h->sums + r * h->k->a.size, h->k->a.size, shrunk);
}

static void attend(const head *h, int64_t first, int64_t rows)
{
    const attention *k = h->k;
    int64_t size = k->a.size, end = seen(h, first + rows - 1);
    for (int64_t r = 0; r < rows; r++) h->most[r] = -INFINITY, h->total[r] = 0;
    if (end <= 0) memset(h->sums, 0, (size_t)(rows * size) * sizeof *h->sums);
    for (int64_t j = 0; j < end; j += KEYS) {
        int64_t width = GR_MIN(KEYS, end - j);
        multiply_packed(k, h->q + first * k->q_row, k->q_row, rows, h->key_panels, j, width, h->s);
        for (int64_t r = 0; r < rows; r++) weigh(h, first + r, r, j, width);
        multiply(k->tile, &(product){.a = h->s,
                                     .b = h->value + j * k->k_row,
                                     .a_row = STRIDE,
                                     .a_step = 1,
                                     .b_step = k->k_row,
                                     .count = width,
                                     .rows = rows,
                                     .columns = size,
                                     .out_row = size,
                                     .out = h->sums,
                                     .accumulate = j > 0});
    }
}

static void give(const head *h, int64_t first, int64_t rows)
{
    const attention *k = h->k;
    int64_t size = k->a.size;
    float *out = h->call->operand[k->out], *lse = h->call->operand[k->out + 1];
    for (int64_t r = 0; r < rows; r++) {
        int64_t row = h->sample * k->a.queries + first + r;
        float total = h->total[r];
        if (out)
            k->rows->scale(out + row * k->out_row + h->number * size, h->sums + r * size, size,
                           total == 0 ? 0 : 1 / total);
        if (lse)
            lse[(h->sample * k->a.heads + h->number) * k->a.queries + first + r] =
                total == 0 ? NOTHING : h->most[r] + logf(total);
    }
}

static void run_forward(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const attention *k = (const attention *)kernel;
    int64_t begin, end, packed = -1;
    head h = open_head(k, call);
    gr__cpu_part(k->a.batch * k->a.heads * k->chunks, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        int64_t one = u / k->chunks, first = u % k->chunks * k->chunk, last = GR_MIN(first + k->chunk, k->a.queries);
        enter(&h, one / k->a.heads, one % k->a.heads);
        int64_t group = one / (k->a.heads / k->a.key_heads);
        if (group != packed) pack(k, h.key, h.key_panels);
        packed = group;
        for (; first < last; first += QUERIES) {
            int64_t rows = GR_MIN(QUERIES, last - first);
            attend(&h, first, rows);
            give(&h, first, rows);
        }
    }
}

/* ---- gradient ---- */

typedef struct slopes { /* of one head: where its own go; NULL: nobody reads them */
    const float *out, *dout, *lse, *dlse;
    float *dq, *dk, *dv;
} slopes;

static slopes open_slopes(const head *h)
{
    const attention *k = h->k;
    const gr__attention *a = &k->a;
    int64_t shared = h->number / (a->heads / a->key_heads), one = h->sample * a->heads + h->number;
    int64_t q = h->sample * a->queries * k->q_row + h->number * a->size,
            out = h->sample * a->queries * k->out_row + h->number * a->size,
            rows = h->sample * a->keys * k->k_row + shared * a->size;
    float *d[3];
    for (int i = 0; i < 3; i++) d[i] = h->call->operand[k->out + (a->packed ? 0 : i)];
    return (slopes){.out = operand(h, a->out) + out,
                    .dout = operand(h, a->dout) + out,
                    .lse = operand(h, a->lse) + one * a->queries,
                    .dlse = a->dlse < 0 ? NULL : operand(h, a->dlse) + one * a->queries,
                    .dq = d[0] ? d[0] + q : NULL,
                    .dk = d[1] ? d[1] + rows + k->k_column : NULL,
                    .dv = d[2] ? d[2] + rows + k->v_column : NULL};
}

static void clear(float *x, int64_t row, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; x && r < rows; r++) memset(x + r * row, 0, (size_t)columns * sizeof *x);
}

/* Weights of query i, and slopes of its products, of keys from j on. */
static void slope_row(const head *h, int64_t i, int64_t r, int64_t j, int64_t width, float lse)
{
    float *s = h->s + r * STRIDE, *dp = h->dp + r * STRIDE;
    int64_t n = GR_MAX(GR_MIN(seen(h, i) - j, width), 0);
    const float *u = h->k->a.seed >= 0 && n > 0 ? draw(h, i, j, n) : NULL;
    if (u) drop(h, dp, u, n);
    h->k->rows->slopes(s, dp, n, width, (float)h->k->a.scale, lse, h->total[r]);
    if (u) drop(h, s, u, n);
}

/* to (+)= the transposed block times rows of b: what every key collects from the queries. */
static void collect(const attention *k, const float *block, int64_t rows, int64_t width, const float *b, int64_t b_row,
                    float *to)
{
    if (!to) return;
    multiply(k->tile, &(product){.a = block,
                                 .b = b,
                                 .a_row = 1,
                                 .a_step = STRIDE,
                                 .b_step = b_row,
                                 .count = rows,
                                 .rows = width,
                                 .columns = k->a.size,
                                 .out_row = k->k_row,
                                 .out = to,
                                 .accumulate = true});
}

static void slope_block(const head *h, const slopes *d, int64_t first, int64_t rows, int64_t j, int64_t width)
{
    const attention *k = h->k;
    const float *q = h->q + first * k->q_row, *dout = d->dout + first * k->out_row;
    multiply_packed(k, q, k->q_row, rows, h->key_panels, j, width, h->s);
    multiply_packed(k, dout, k->out_row, rows, h->value_panels, j, width, h->dp);
    for (int64_t r = 0; r < rows; r++) slope_row(h, first + r, r, j, width, d->lse[first + r]);
    if (d->dq)
        multiply(k->tile, &(product){.a = h->dp,
                                     .b = h->key + j * k->k_row,
                                     .a_row = STRIDE,
                                     .a_step = 1,
                                     .b_step = k->k_row,
                                     .count = width,
                                     .rows = rows,
                                     .columns = k->a.size,
                                     .out_row = k->q_row,
                                     .out = d->dq + first * k->q_row,
                                     .accumulate = j > 0});
    collect(k, h->dp, rows, width, q, k->q_row, d->dk ? d->dk + j * k->k_row : NULL);
    collect(k, h->s, rows, width, dout, k->out_row, d->dv ? d->dv + j * k->k_row : NULL);
}

static void slope_head(const head *h, const slopes *d)
{
    const attention *k = h->k;
    for (int64_t first = 0; first < k->a.queries; first += QUERIES) {
        int64_t rows = GR_MIN(QUERIES, k->a.queries - first), end = seen(h, first + rows - 1);
        for (int64_t r = 0; r < rows; r++) {
            int64_t row = (first + r) * k->out_row;
            h->total[r] = k->rows->dot(d->out + row, d->dout + row, k->a.size) - (d->dlse ? d->dlse[first + r] : 0);
        }
        if (end <= 0) clear(d->dq ? d->dq + first * k->q_row : NULL, k->q_row, rows, k->a.size);
        for (int64_t j = 0; j < end; j += KEYS) slope_block(h, d, first, rows, j, GR_MIN(KEYS, end - j));
    }
}

/* A shard has all queries that share keys, so that what these collect is added in one order. */
static void run_gradient(const gr_kernel *kernel, const gr_call *call, int shard)
{
    const attention *k = (const attention *)kernel;
    int64_t begin, end, shared = k->a.heads / k->a.key_heads;
    head h = open_head(k, call);
    gr__cpu_part(k->a.batch * k->a.key_heads, 1, kernel->phase[0].n_shards, shard, &begin, &end);
    for (int64_t u = begin; u < end; u++) {
        for (int64_t i = 0; i < shared; i++) {
            enter(&h, u / k->a.key_heads, u % k->a.key_heads * shared + i);
            slopes d = open_slopes(&h);
            if (i == 0) {
                pack(k, h.key, h.key_panels);
                pack(k, h.value, h.value_panels);
                clear(d.dk, k->k_row, k->a.keys, k->a.size);
                clear(d.dv, k->k_row, k->a.keys, k->a.size);
            }
            slope_head(&h, &d);
        }
    }
}

/* ---- making ---- */

static void destroy(gr_context *ctx, gr_kernel *kernel)
{
    gr__free(ctx, kernel, sizeof(attention));
}

static gr_status find_operands(gr_context *ctx, const gr_item *item, const gr_node *n, attention *k)
{
    for (int i = 0; i < n->n_in; i++) {
        const gr_node *p = gr__producer(item->graph, n->in[i]);
        k->in[i] = gr__cpu_input(item, n->in[i]);
        if (k->in[i] >= 0) continue;
        if (p->op->code != GR_OP_CONST)
            return gr__fail(ctx, GR_E_INTERNAL, "%s: operand %d is not given", n->op->name, i + 1);
        k->constant[i] = p->attr.f[0];
    }
    k->out = item->n_in;
    return GR_OK;
}

/* Sizes, and how the work is cut: by heads, and forward by queries too where these are few. */
static void lay_out(const gr_graph *g, const gr_node *n, gr__isa isa, attention *k)
{
    const gr__attention *a = &k->a;
    int64_t queries = a->heads * a->size, keys = a->key_heads * a->size;
    double flops = n->op->flops(g, n);
    k->q_row = a->packed ? queries + 2 * keys : queries;
    k->k_row = a->packed ? k->q_row : keys;
    k->k_column = a->packed ? queries : 0;
    k->v_column = a->packed ? queries + keys : 0;
    k->out_row = queries;
    int64_t wide = k->tile->wide, units = a->batch * (a->out ? a->key_heads : a->heads);
    int64_t most = GR_MAX((a->queries + QUERIES - 1) / QUERIES, 1);
    k->panels = (size_t)((a->keys + wide - 1) / wide * wide * a->size);
    k->chunks = a->out || units == 0 ? 1 : GR_MIN((GR__MAX_SHARDS + units - 1) / units, most);
    k->chunk = (most + k->chunks - 1) / k->chunks * QUERIES;
    k->chunks = GR_MAX((a->queries + k->chunk - 1) / k->chunk, 1);
    size_t blocks = (size_t)(QUERIES * (a->out ? 2 * STRIDE : STRIDE + a->size) + KEYS + 2 * QUERIES);
    double cost = 40 + flops / (0.6 * gr__tile_ops_get(isa)->peak);
    k->base.scratch_bytes = gr__align64(((a->out ? 2 : 1) * k->panels + blocks) * sizeof(float));
    k->base.phase[0].n_shards = (int)GR_MAX(1, GR_MIN(gr__contract_shards(cost), units * k->chunks));
    k->base.phase[0].cost_ns = cost;
}

gr_status gr__attention_make(gr_context *ctx, const gr_item *item, gr__isa isa, gr_kernel **out)
{
    const gr_node *n = gr__node(item->graph, item->nodes[0]);
    attention *k = gr__alloc(ctx, sizeof *k);
    if (!k) return gr__error_code(ctx);
    k->a = gr__attention_of(item->graph, &n->attr, n->in);
    k->tile = gr__tile_ops_get(isa);
    k->rows = gr__attention_rows_get(isa);
    k->native = gr__native_set_get(isa);
    k->stream = k->a.seed >= 0 ? gr__hash(n->attr.name) : 0;
    k->base =
        (gr_kernel){.name = n->op->name, .n_phases = 1, .n_operands = item->n_in + item->n_out, .destroy = destroy};
    k->base.phase[0].run = k->a.out ? run_gradient : run_forward;
    lay_out(item->graph, n, isa, k);
    gr_status st = find_operands(ctx, item, n, k);
    if (st == GR_OK)
        *out = &k->base;
    else
        destroy(ctx, &k->base);
    return st;
}
