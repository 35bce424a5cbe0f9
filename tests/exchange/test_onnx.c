/* ONNX out: the file parsed back holds the model's tensors to the bit under their names, and a graph in which every
 * name is made once, before it is read. Wire format. Faults leave nothing. [mission F11, SYS35] */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "exchange/exchange.h"
#include "exchange/onnx.h"
#include "plan/store.h"
#include "test.h"
#include "train/train.h"

static char folder[64], recipe[96], model[96], out[96];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gradus-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(recipe, sizeof recipe, "%s/r.yaml", folder);
    snprintf(model, sizeof model, "%s/m.safetensors", folder);
    snprintf(out, sizeof out, "%s/m.onnx", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(recipe);
    unlink(model);
    unlink(out);
    return rmdir(folder); /* fails where anything else was left */
}

/* The untrained model of such a network on pictures of 16 x 16. */
static void make_model(const char *network, const char *prepare, const char *more)
{
    gr_context *ctx = test_context();
    gr_recipe *r = NULL;
    gr_task task = {0};
    gr_store *store = NULL;
    FILE *f = fopen(recipe, "w");
    assert_non_null(f);
    fprintf(f,
            "gradus: 1\nname: it\ndata: {train: {type: synthetic, kind: digits, n: 40, seed: 1}, batch: 8, prepare: "
            "%s}\nmodel: %s\n"
            "cost: cross_entropy\noptimizer: sgd\nstop: {steps: 1}\n%s",
            prepare, network, more);
    fclose(f);
    test_ok(ctx, gr__recipe_open(ctx, recipe, NULL, 0, &r));
    test_ok(ctx, gr__task_open(ctx, r, 1u << GR_PART_TRAIN, NULL, &task));
    test_ok(ctx, gr_store_create(ctx, task.backend, &store));
    test_ok(ctx, gr__network_declare(task.network, store));
    test_ok(ctx, gr_store_seal(store));
    test_ok(ctx, gr__network_init(task.network, store));
    const gr_model_about about = {.recipe = r, .meaning = &task.meaning, .trained = "{}"};
    test_ok(ctx, gr__model_write(ctx, model, store, &about));
    gr_store_destroy(store);
    gr__task_close(&task);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
}

static gr_status export_to(gr_context *ctx, const char *path, gr_export_options how)
{
    const gr_writer *w = NULL;
    gr_model m = {0};
    gr_status st = gr__writer_find(ctx, path, &w);
    if (st == GR_OK) st = gr__model_open(ctx, model, &m);
    if (st == GR_OK) st = w->write(ctx, &m, path, &how);
    gr__model_close(&m);
    return st;
}

/* ---- the file, parsed back ---- */

enum { MOST_NAMES = 4000 };
typedef struct names { /* that may be read from here on */
    char text[MOST_NAMES][64];
    int n;
} names;

static bool knows(const names *all, const gr__wire_field *f)
{
    for (int i = 0; i < all->n; i++)
        if (gr__wire_is(f, all->text[i])) return true;
    return false;
}

static void add(names *all, const gr__wire_field *f)
{
    assert_true(f->n > 0 && f->n < sizeof all->text[0] && all->n < MOST_NAMES);
    if (knows(all, f)) fail_msg("%.*s is made twice", (int)f->n, (const char *)f->at);
    memcpy(all->text[all->n], f->at, f->n);
    all->text[all->n++][f->n] = '\0';
}

static gr__wire_field field_of(const gr__wire_field *message, int number)
{
    gr__wire w = gr__wire_of(message->at, message->n);
    gr__wire_field f, found = {0};
    while (gr__wire_next(&w, &f))
        if (f.number == number) found = f;
    assert_false(w.bad);
    return found;
}

static int look_at_graph(const gr__wire_field *graph, names *all);

static int look_at_node(const gr__wire_field *node, names *all)
{
    gr__wire w = gr__wire_of(node->at, node->n);
    gr__wire_field f;
    int nodes = 1;
    while (gr__wire_next(&w, &f)) {
        if (f.number == GR__ONNX_NODE_INPUT && f.n && !knows(all, &f))
            fail_msg("%.*s is read before it is made", (int)f.n, (const char *)f.at);
        if (f.number == GR__ONNX_NODE_OUTPUT) add(all, &f);
        gr__wire_field body = {0};
        if (f.number == GR__ONNX_NODE_ATTRIBUTE) body = field_of(&f, GR__ONNX_ATTRIBUTE_G);
        if (body.at) nodes += look_at_graph(&body, all);
    }
    assert_false(w.bad);
    assert_true(field_of(node, GR__ONNX_NODE_OP).n > 2);
    return nodes;
}

/* Names of a body are seen within it alone, but none may be one of those around it. */
static int look_at_graph(const gr__wire_field *graph, names *all)
{
    gr__wire_field f;
    int nodes = 0, outside = all->n;
    for (int pass = 0; pass < 3; pass++) {
        gr__wire w = gr__wire_of(graph->at, graph->n);
        while (gr__wire_next(&w, &f)) {
            gr__wire_field name = {0};
            if (f.number == GR__ONNX_GRAPH_INPUT || f.number == GR__ONNX_GRAPH_OUTPUT)
                name = field_of(&f, GR__ONNX_INFO_NAME);
            if (f.number == GR__ONNX_GRAPH_TENSOR) name = field_of(&f, GR__ONNX_TENSOR_NAME);
            if (pass == 0 && name.at && f.number != GR__ONNX_GRAPH_OUTPUT) add(all, &name);
            if (pass == 1 && f.number == GR__ONNX_GRAPH_NODE) nodes += look_at_node(&f, all);
            if (pass == 2 && f.number == GR__ONNX_GRAPH_OUTPUT) assert_true(knows(all, &name));
        }
        assert_false(w.bad);
    }
    if (outside) all->n = outside;
    return nodes;
}

static void holds_tensor(const gr_st *st, const gr__wire_field *tensor)
{
    gr__wire_field name = field_of(tensor, GR__ONNX_TENSOR_NAME), raw = field_of(tensor, GR__ONNX_TENSOR_RAW);
    gr__wire w = gr__wire_of(tensor->at, tensor->n);
    gr__wire_field f;
    char text[64];
    int rank = 0;
    snprintf(text, sizeof text, "%.*s", (int)name.n, (const char *)name.at);
    const gr_st_tensor *t = gr__st_find(st, text);
    if (!t) fail_msg("%s is no tensor of the model", text);
    while (gr__wire_next(&w, &f))
        if (f.number == GR__ONNX_TENSOR_DIMS) assert_int_equal(f.whole, t->shape.dim[rank++]);
    assert_int_equal(rank, t->shape.rank);
    assert_int_equal(field_of(tensor, GR__ONNX_TENSOR_TYPE).whole, GR__ONNX_FLOAT);
    size_t count = (size_t)gr_shape_count(t->shape);
    assert_int_equal(raw.n, 4 * count);
    for (size_t i = 0; i < count; i++) {
        float a, b;
        double wide;
        memcpy(&a, raw.at + 4 * i, 4);
        if (t->type == GR_ST_F64)
            memcpy(&wide, (const char *)t->data + 8 * i, 8);
        else
            memcpy(&b, (const char *)t->data + 4 * i, 4);
        if (t->type == GR_ST_F64) b = (float)wide;
        assert_memory_equal(&a, &b, 4);
    }
}

/* Checks the file; gives how many nodes its graph has. */
static int parse_back(int tensors, bool raw)
{
    gr_context *ctx = test_context();
    gr_st *st = NULL;
    char *data;
    size_t n;
    static names all;
    int found = 0, entries = 0;
    all.n = 0;
    test_ok(ctx, gr__st_whole(ctx, model, &st));
    test_ok(ctx, gr__file_read(ctx, out, SIZE_MAX, &data, &n));
    gr__wire_field file = {.at = (const unsigned char *)data, .n = n}, f;
    assert_int_equal(field_of(&file, GR__ONNX_MODEL_IR).whole, 8);
    gr__wire_field opset = field_of(&file, GR__ONNX_MODEL_OPSET), graph = field_of(&file, GR__ONNX_MODEL_GRAPH);
    assert_int_equal(field_of(&opset, GR__ONNX_OPSET_VERSION).whole, 17);
    gr__wire w = gr__wire_of(graph.at, graph.n);
    while (gr__wire_next(&w, &f))
        if (f.number == GR__ONNX_GRAPH_TENSOR) holds_tensor(st, &f), found++;
    w = gr__wire_of(data, n);
    while (gr__wire_next(&w, &f)) entries += f.number == GR__ONNX_MODEL_METADATA;
    assert_int_equal(found, tensors);
    assert_true(raw ? entries == 0 : entries >= 3);
    int nodes = look_at_graph(&graph, &all);
    assert_true(all.n > 0 && strcmp(all.text[0], "input") == 0);
    gr__free(ctx, data, n + 1);
    gr__st_close(st);
    test_context_end(ctx);
    return nodes;
}

static const char *const networks[] = {
    "{input: [16, 16, 1], layers: [{type: conv, filters: 3, kernel: 3}, batch_norm, relu, {type: max_pool, size: 2}, "
    "flatten, {type: dense, units: 10}]}",
    "{input: [16, 16], layers: [{type: lstm, units: 4, bidirectional: true}, {type: dense, units: 10}]}",
    "{input: [16, 16], layers: [{type: transformer_block, heads: 2, causal: true}, {type: gru, units: 3, return: "
    "sequence}, flatten, {type: dense, units: 10}]}",
    "{input: [16, 16], layers: [{type: equilibrium, layers: [{type: dense, units: 16, name: w}, {type: add, from: [w, "
    "x]}, tanh]}, flatten, {type: dense, units: 10}]}",
};
static const int n_tensors[] = {8, 10, 18, 4};

static void a_file_holds_the_model(void **state)
{
    (void)state;
    for (size_t i = 0; i < GR_COUNT(networks); i++) {
        int before = 0;
        make_model(networks[i], "[standardize]", "");
        for (int raw = 1; raw >= 0; raw--) {
            gr_context *ctx = test_context();
            test_ok(ctx, export_to(ctx, out, (gr_export_options){.raw = raw}));
            test_context_end(ctx);
            int nodes = parse_back(n_tensors[i], raw);
            assert_true(nodes > before + 2); /* the preparation is there beside the network */
            before = nodes;
        }
    }
}

static void float64_becomes_float32(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    make_model(networks[0], "none", "precision: float64\ndevice: ref\n");
    test_ok(ctx, export_to(ctx, out, (gr_export_options){0}));
    test_context_end(ctx);
    parse_back(8, false);
}

/* A size that stands for the batch. */
static void a_size_like_the_batch_is_refused(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    make_model("{input: [16, 16], layers: [flatten, {type: dense, units: 1}, {type: dense, units: 1000003, name: "
               "wide}, {type: dense, units: 10}]}",
               "none", "");
    assert_int_equal(export_to(ctx, out, (gr_export_options){0}), GR_E_UNSUPPORTED);
    assert_non_null(strstr(gr_context_error(ctx)->message, "wide.weight has an axis of 1000003"));
    test_context_end(ctx);
    assert_int_not_equal(access(out, F_OK), 0);
}

static void faults_leave_nothing(void **state)
{
    static const char *const endings[] = {"onnx", "npz", "safetensors"};
    (void)state;
    make_model(networks[1], "[standardize]", "");
    for (size_t e = 0; e < GR_COUNT(endings); e++) {
        char path[128];
        snprintf(path, sizeof path, "%s/fault.%s", folder, endings[e]);
        bool done = false;
        for (uint64_t k = 1; !done; k += 1 + k / 24) {
            gr_context *ctx = test_context();
            gr__fail_acquisition(ctx, k);
            gr_status st = export_to(ctx, path, (gr_export_options){0});
            gr__fail_acquisition(ctx, 0);
            done = st == GR_OK;
            if (!done && st != GR_E_MEMORY)
                fail_msg("acquisition %d of %s: %s %s", (int)k, path, gr_status_name(st),
                         gr_context_error(ctx)->message);
            assert_int_equal(access(path, F_OK) == 0, done);
            assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
            test_context_end(ctx);
        }
        unlink(path);
        for (uint64_t k = 1;; k++) {
            gr_context *ctx = test_context();
            gr__fail_write(ctx, k);
            gr_status st = export_to(ctx, path, (gr_export_options){0});
            test_context_end(ctx);
            assert_int_equal(access(path, F_OK) == 0, st == GR_OK);
            if (st == GR_OK) break;
            assert_int_equal(st, GR_E_WRITE);
        }
        unlink(path);
    }
}

/* ---- the wire ---- */

static void numbers_come_back(void **state)
{
    (void)state;
    static const int64_t whole[] = {0, 1, 127, 128, 300, 1 << 20, INT64_MAX, -1, INT64_MIN};
    gr_context *ctx = test_context();
    gr__text t;
    gr__wire_field f;
    gr__text_init(&t, ctx);
    size_t outer = gr__wire_open(&t, 3), inner = gr__wire_open(&t, 200);
    for (size_t i = 0; i < GR_COUNT(whole); i++) gr__wire_whole(&t, 7, whole[i]);
    for (int i = 0; i < 40; i++) gr__wire_text(&t, 8, "sixteen letters.");
    gr__wire_real(&t, 9, -0.5);
    gr__wire_close(&t, inner);
    gr__wire_close(&t, outer);
    gr__wire w = gr__wire_of(t.s, t.n);
    assert_true(gr__wire_next(&w, &f) && f.number == 3 && w.at == w.end);
    w = gr__wire_of(f.at, f.n);
    assert_true(gr__wire_next(&w, &f) && f.number == 200 && w.at == w.end);
    w = gr__wire_of(f.at, f.n);
    for (size_t i = 0; i < GR_COUNT(whole); i++) assert_true(gr__wire_next(&w, &f) && (int64_t)f.whole == whole[i]);
    for (int i = 0; i < 40; i++) assert_true(gr__wire_next(&w, &f) && gr__wire_is(&f, "sixteen letters."));
    assert_true(gr__wire_next(&w, &f) && gr__wire_float(f.whole) == -0.5F);
    assert_false(gr__wire_next(&w, &f) || w.bad);
    for (size_t n = 1; n < t.n; n++) { /* cut anywhere, it is no message */
        w = gr__wire_of(t.s, n);
        assert_false(gr__wire_next(&w, &f));
        assert_true(w.bad);
    }
    gr__text_free(&t);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

static void what_is_no_message_is_bad(void **state)
{
    (void)state;
    static const char *const bytes[] = {"\x0b",
                                        "\x08",
                                        "\x0c",
                                        "\x0f\x01",
                                        "\x12\x05xxxx",
                                        "\x0d\x01\x02\x03",
                                        "\x09\x01\x02\x03\x04\x05\x06\x07",
                                        "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                        "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"};
    gr__wire_field f;
    for (size_t i = 0; i < GR_COUNT(bytes); i++) {
        gr__wire w = gr__wire_of(bytes[i], strlen(bytes[i]));
        assert_false(gr__wire_next(&w, &f));
        assert_true(w.bad);
    }
    gr__wire w = gr__wire_of("\0\0", 2); /* a field of number 0 */
    assert_false(gr__wire_next(&w, &f));
    assert_true(w.bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_holds_the_model, setup, teardown),
        cmocka_unit_test_setup_teardown(float64_becomes_float32, setup, teardown),
        cmocka_unit_test_setup_teardown(a_size_like_the_batch_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_leave_nothing, setup, teardown),
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(what_is_no_message_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
