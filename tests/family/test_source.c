/* Every layer as C source: the program of each case of its evidence, compiled by the C compiler with all warnings as
 * errors, gives what the evidence has. [interface 11, Export] */
#include <dlfcn.h>
#include <unistd.h>

#include "backend/source/source.h"
#include "nn/layer.h"
#include "support/evidence.h"

enum { MOST = 600, INPUTS = 6 };

typedef void predict_fn(const float *input, float *output, float *scratch);

typedef struct program {
    char name[24], what[100];
    float *input, *want;
    int64_t inputs, outputs, scratch;
} program;

static program programs[MOST];
static int n_programs;
static char folder[] = "/tmp/gradus-source-XXXXXX";
static bool covered; /* the layer at hand has a program */

/* ---- writing ---- */

static void add_feed(program *p, gr__csource_feed *feed, int *n, const char *name, const ev_tensor *t)
{
    p->input = realloc(p->input, (size_t)(p->inputs + t->n + 1) * sizeof *p->input);
    assert_non_null(p->input);
    for (int64_t i = 0; i < t->n; i++) p->input[p->inputs + i] = (float)t->v[i];
    feed[(*n)++] = (gr__csource_feed){.name = name, .offset = p->inputs};
    p->inputs += t->n;
}

/* Parameters and states stand under their names, without what tells the layer. */
static void fill(const gr_store *store, const ev_case *c)
{
    for (int i = 0; i < gr_store_count(store); i++) {
        const gr_entry *e = gr_store_entry(store, i);
        const ev_tensor *t = ev_find(c, e->spec.name + 2);
        assert_non_null(t);
        for (int64_t k = 0; k < e->count; k++) ((float *)e->data)[k] = (float)t->v[k];
    }
}

static void write_program(ev_bench *b, gr_val y, const gr__csource_feed *feed, int n_feeds, const ev_case *c)
{
    program *p = &programs[n_programs];
    gr_store *store;
    gr_plan *plan;
    gr__writer *w;
    char path[80];
    const gr__csource_result result = {.name = "y"};
    gr_output(b->g, "y", y);
    test_ok(b->ctx, gr_store_create(b->ctx, &gr__backend_source, &store));
    for (uint32_t i = 0; i < gr__graph_nodes(b->g); i++) {
        const gr_node *n = gr__node(b->g, i);
        const gr_entry_spec spec = {
            .name = n->attr.name, .shape = gr_shape_of(b->g, n->out), .slot = n->op->code == GR_OP_SLOT};
        if (n->op->kept == GR__KEPT_STORE) test_ok(b->ctx, gr_store_add(store, &spec, NULL));
    }
    test_ok(b->ctx, gr_plan_compile(b->ctx, b->g, store, &(gr_plan_options){.backend = &gr__backend_source}, &plan));
    test_ok(b->ctx, gr_store_seal(store));
    fill(store, c);
    snprintf(p->name, sizeof p->name, "case_%d", n_programs);
    snprintf(path, sizeof path, "%s/%s.c", folder, p->name);
    test_ok(b->ctx, gr__writer_open(b->ctx, path, &w));
    static const char head[] = "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n";
    gr__writer_put(w, head, sizeof head - 1);
    const gr__csource_program how = {p->name, feed, n_feeds, &result, 1, NULL, 0};
    uint64_t bytes;
    test_ok(b->ctx, gr__csource_write(plan, &how, w, &bytes));
    test_ok(b->ctx, gr__writer_commit(w));
    p->scratch = gr__csource_scratch(plan);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    n_programs++;
}

static bool layer_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_layer *m = member;
    gr_settings s;
    program *p = &programs[n_programs];
    gr__csource_feed feed[INPUTS];
    gr_val in[INPUTS];
    int n_in = 0, n_feeds = 0;
    static const char *const names[] = {"in0", "in1", "in2", "in3"};
    gr_build build = {.ctx = b->ctx, .g = b->g, .mode = GR_MODE_EVALUATE, .memory = b->memory, .layer = "l"};
    if (strcmp(ev_word(c, "mode"), "train") == 0) return true; /* a program predicts */
    assert_true(n_programs < MOST);
    *p = (program){.outputs = 0};
    snprintf(p->what, sizeof p->what, "%s, case %s", m->head.name, c->name);
    const ev_tensor *lengths = ev_find(c, "lengths"), *out = ev_find(c, "out");
    if (lengths) {
        build.lengths = gr_feed(b->g, "lengths", GR_I32, lengths->shape);
        add_feed(p, feed, &n_feeds, "lengths", lengths);
    }
    for (const ev_tensor *t; n_in < (int)GR_COUNT(names) && (t = ev_find(c, names[n_in])); n_in++) {
        in[n_in] = gr_feed(b->g, names[n_in], m->vocabulary ? GR_I32 : GR_REAL, t->shape);
        add_feed(p, feed, &n_feeds, names[n_in], t);
    }
    if (gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, gr__layer_common_keys, &s) != GR_OK)
        return ev_failed(v, b->ctx, c, "settings");
    gr_val y = m->build(&build, &s, in, n_in);
    if (!out || gr_graph_status(b->g) != GR_OK) return ev_failed(v, b->ctx, c, "out");
    p->outputs = out->n;
    p->want = malloc((size_t)(out->n + 1) * sizeof *p->want);
    assert_non_null(p->want);
    for (int64_t i = 0; i < out->n; i++) p->want[i] = (float)out->v[i];
    write_program(b, y, feed, n_feeds, c);
    covered = true;
    return true;
}

static void write_all(void)
{
    int n;
    const gr_layer *const *all = gr__layers(&n);
    for (int i = 0; i < n; i++) {
        verdict v = {""};
        evidence *e = ev_open("layer", all[i]->head.name);
        assert_non_null(e);
        covered = false;
        if (!ev_check(layer_case, all[i], e, NULL, 0, &v)) fail_msg("%s: %s", all[i]->head.name, v.why);
        if (!covered) fail_msg("%s: no case of its evidence predicts", all[i]->head.name);
        ev_free(e);
    }
}

/* ---- running ---- */

static void run_one(void *library, const program *p)
{
    union {
        void *object;
        predict_fn *function;
    } found = {.object = dlsym(library, p->name)};
    float *got = malloc((size_t)(p->outputs + 1) * sizeof *got), most = 1;
    float *scratch = malloc((size_t)(p->scratch + 1) * sizeof *scratch);
    assert_non_null(found.object);
    assert_true(got && scratch);
    memset(scratch, 0xff, (size_t)p->scratch * sizeof *scratch); /* NaN: nothing is there before it is written */
    found.function(p->input, got, scratch);
    for (int64_t i = 0; i < p->outputs; i++)
        if (isfinite(p->want[i])) most = fmaxf(most, fabsf(p->want[i]));
    for (int64_t i = 0; i < p->outputs; i++) {
        bool same = isfinite(p->want[i]) ? fabsf(got[i] - p->want[i]) <= 1e-5f * most
                                         : (isnan(got[i]) && isnan(p->want[i])) || got[i] == p->want[i];
        if (!same)
            fail_msg("%s: number %lld is %.9g, not %.9g", p->what, (long long)i, (double)got[i], (double)p->want[i]);
    }
    free(got);
    free(scratch);
}

static void a_program_of_every_layer_gives_its_evidence(void **state)
{
    (void)state;
    char command[300], path[80];
    const char *cc = getenv("CC") ? getenv("CC") : "cc";
    assert_non_null(mkdtemp(folder));
    write_all();
    assert_true(n_programs > 100);
    snprintf(command, sizeof command, "cd %s && %s -std=c11 -Wall -Wextra -Werror -O0 -fPIC -shared -o all.so *.c -lm",
             folder, cc);
    assert_int_equal(system(command), 0);
    snprintf(path, sizeof path, "%s/all.so", folder);
    void *library = dlopen(path, RTLD_NOW);
    if (!library) fail_msg("%s", dlerror());
    for (int i = 0; i < n_programs; i++) {
        run_one(library, &programs[i]);
        free(programs[i].input);
        free(programs[i].want);
    }
    dlclose(library);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

/* ---- codes of 8 bits: the same sums of the same codes, by plain loops ---- */

enum { H = 7, W = 5, C = 4, O = 6, K = 3, OH = 4, OW = 3, ROWS = 3, IN = 37, OUT = 21 };

static float random_number(uint32_t *state, float most)
{
    *state = *state * 1664525u + 1013904223u;
    return most * ((float)(*state >> 8) / 8388608.0f - 1);
}

static void fill_random(float *x, int n, float most, uint32_t seed)
{
    for (int i = 0; i < n; i++) x[i] = random_number(&seed, most);
}

static int code_of(float x, float scale, int zero)
{
    float t = floorf(x * (1 / scale) + 0.5f);
    t = fminf(fmaxf(t, (float)(-128 - zero)), (float)(127 - zero));
    return (int)t;
}

/* The code of number i of a row of n, and the row's scale. */
static int weight_code(const float *row, int n, int i, float *scale)
{
    float most = 0;
    for (int k = 0; k < n; k++) most = fmaxf(most, fabsf(row[k]));
    *scale = most / 127;
    return (int)nearbyint((double)row[i] / (double)*scale);
}

typedef void reference_fn(const float *x, const float *w, const float *b, float scale, int zero, float *y);

static void reference_dense(const float *x, const float *w, const float *b, float scale, int zero, float *y)
{
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < OUT; o++) {
            int64_t sum = 0;
            float of_row = 1;
            for (int i = 0; i < IN; i++)
                sum += code_of(x[r * IN + i], scale, zero) * weight_code(w + o * IN, IN, i, &of_row);
            y[r * OUT + o] = (float)sum * (scale * of_row) + b[o];
        }
}

/* Two groups, stride 2, a border of 1, a rectifier. */
static void reference_conv(const float *x, const float *w, const float *b, float scale, int zero, float *y)
{
    enum { CG = C / 2, TAPS = K * K * CG };
    for (int at = 0; at < OH * OW * O; at++) {
        int o = at % O, u = at / O % OW, v = at / O / OW;
        int64_t sum = 0;
        float of_row = 1;
        for (int t = 0; t < TAPS; t++) {
            int c = t % CG, r = v * 2 + t / CG / K - 1, q = u * 2 + t / CG % K - 1;
            if (r < 0 || r >= H || q < 0 || q >= W) continue;
            float number = x[(r * W + q) * C + o / (O / 2) * CG + c];
            sum += code_of(number, scale, zero) * weight_code(w + o * TAPS, TAPS, t, &of_row);
        }
        weight_code(w + o * TAPS, TAPS, 0, &of_row);
        y[at] = fmaxf((float)sum * (scale * of_row) + b[o], 0);
    }
}

typedef struct coded {
    const char *name;
    gr_shape x, w, b;
    reference_fn *reference;
    float scale;
    int zero;
} coded;

static void write_coded(gr_context *ctx, const coded *k, const char *path, const float *w, const float *b)
{
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    gr__writer *out;
    uint64_t bytes;
    const gr__csource_feed feed = {.name = "x"};
    const gr__csource_result result = {.name = "y"};
    const gr__csource_codes codes = {"w", k->scale, k->zero};
    const gr__csource_program how = {k->name, &feed, 1, &result, 1, &codes, 1};
    static const char head[] = "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n";
    test_ok(ctx, gr_graph_create(ctx, &g));
    gr_val x = gr_feed(g, "x", GR_REAL, k->x), weight = gr_param(g, "w", k->w), bias = gr_param(g, "b", k->b), y;
    if (k->w.rank == 2)
        y = gr_add(g, gr_matmul(g, x, weight, false, true), bias);
    else
        y = gr_relu(g, gr_add(g, gr_conv(g, x, weight, (gr_conv_attr){{2, 2}, {1, 1}, {1, 1}, {1, 1}, 2}), bias));
    gr_output(g, "y", y);
    test_ok(ctx, gr_store_create(ctx, &gr__backend_source_codes, &store));
    test_ok(ctx, gr_store_add(store, &(gr_entry_spec){.name = "w", .shape = k->w}, NULL));
    test_ok(ctx, gr_store_add(store, &(gr_entry_spec){.name = "b", .shape = k->b}, NULL));
    test_ok(ctx, gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = &gr__backend_source_codes}, &plan));
    test_ok(ctx, gr_store_seal(store));
    memcpy(gr_store_find(store, "w")->data, w, (size_t)gr_shape_count(k->w) * sizeof *w);
    memcpy(gr_store_find(store, "b")->data, b, (size_t)gr_shape_count(k->b) * sizeof *b);
    test_ok(ctx, gr__writer_open(ctx, path, &out));
    gr__writer_put(out, head, sizeof head - 1);
    test_ok(ctx, gr__csource_write(plan, &how, out, &bytes));
    test_ok(ctx, gr__writer_commit(out));
    assert_int_equal(bytes, gr_shape_count(k->w) + 8 * gr_shape_count(k->b)); /* codes, scales and the bias */
    assert_true(gr__csource_scratch(plan) < 4096);
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
}

static void products_of_codes_are_the_references_to_the_bit(void **state)
{
    (void)state;
    const coded cases[] = {
        {"dense_codes", GR_SHAPE(ROWS, IN), GR_SHAPE(OUT, IN), GR_SHAPE(OUT), reference_dense, 0.021f, -31},
        {"conv_codes", GR_SHAPE(1, H, W, C), GR_SHAPE(O, K, K, C / 2), GR_SHAPE(O), reference_conv, 0.017f, 12},
    };
    char room[] = "/tmp/gradus-codes-XXXXXX", command[300], path[80];
    const char *cc = getenv("CC") ? getenv("CC") : "cc";
    assert_non_null(mkdtemp(room));
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        const coded *k = &cases[i];
        gr_context *ctx = test_context();
        static float x[1024], w[1024], b[64], want[1024], got[1024], scratch[4096];
        union {
            void *object;
            predict_fn *function;
        } found;
        int64_t n = k->w.rank == 2 ? ROWS * OUT : OH * OW * O;
        fill_random(x, 1024, 3, 1 + (uint32_t)i);
        fill_random(w, 1024, 0.5f, 7 + (uint32_t)i);
        fill_random(b, 64, 1, 9);
        snprintf(path, sizeof path, "%s/%s.c", room, k->name);
        write_coded(ctx, k, path, w, b);
        snprintf(command, sizeof command,
                 "%s -std=c11 -Wall -Wextra -Werror -O2 -ffp-contract=off -fPIC -shared -o %s.so %s -lm", cc, path,
                 path);
        assert_int_equal(system(command), 0);
        snprintf(command, sizeof command, "%s.so", path);
        void *library = dlopen(command, RTLD_NOW);
        if (!library) fail_msg("%s", dlerror());
        found.object = dlsym(library, k->name);
        found.function(x, got, scratch);
        k->reference(x, w, b, k->scale, k->zero, want);
        assert_memory_equal(got, want, (size_t)n * sizeof *got);
        dlclose(library);
        test_context_end(ctx);
    }
    snprintf(command, sizeof command, "rm -rf %s", room);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_of_every_layer_gives_its_evidence),
        cmocka_unit_test(products_of_codes_are_the_references_to_the_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
