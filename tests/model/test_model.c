/* Model files and checkpoints: layouts, casts, metadata, damage, what does not fit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/shape.h"
#include "model/model.h"
#include "model_case.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gradus-test-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/m.safetensors", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* A recipe with its network and a store, initial values in it. */
typedef struct fixture {
    gr_context *ctx;
    gr_recipe *r;
    gr_network *n;
    gr_store *s;
} fixture;

static const char net[] =
    CASE_HEAD "model:\n  input: [6, 6, 2]\n  layers:\n    - {type: conv, filters: 3, kernel: [3, 2], activation: "
              "relu, name: c1}\n    - flatten\n    - {type: dense, units: 4, name: head}\n";
static const char net1[] =
    CASE_HEAD "model:\n  input: [9, 2]\n  layers:\n    - {type: conv, filters: 3, kernel: 4, name: c1}\n    - "
              "flatten\n    - {type: dense, units: 4, name: head}\n";

static const char norms[] =
    CASE_HEAD "model:\n  input: [2, 3, 4]\n  layers:\n    - {type: layer_norm, axes: %s, name: n}\n    - flatten\n"
              "    - {type: dense, units: 4, name: head}\n";

static fixture begin(const char *text, const char *set)
{
    fixture f = {.ctx = test_context()};
    f.r = open_text(f.ctx, text, &set, set ? 1 : 0);
    test_ok(f.ctx, gr__network_make(f.ctx, f.r, NULL, &f.n));
    test_ok(f.ctx, gr_store_create(f.ctx, gr_backend_get("ref"), &f.s));
    test_ok(f.ctx, gr__network_declare(f.n, f.s));
    test_ok(f.ctx,
            gr_store_add(
                f.s, &(gr_entry_spec){.name = "optimizer/t", .shape = GR_SCALAR, .slot = true, .role = GR_ROLE_STATE},
                NULL));
    test_ok(f.ctx,
            gr_store_add(f.s,
                         &(gr_entry_spec){.name = "c1.weight/m", .shape = GR_SHAPE(2, 3), .slot = true, .initial = 0.5},
                         NULL));
    test_ok(
        f.ctx,
        gr_store_add(f.s,
                     &(gr_entry_spec){
                         .name = "bn.running_mean", .shape = GR_SHAPE(3), .slot = true, .saved = true, .initial = 0.25},
                     NULL));
    test_ok(f.ctx, gr_store_seal(f.s));
    test_ok(f.ctx, gr__network_init(f.n, f.s));
    return f;
}

static void end(fixture *f)
{
    gr_store_destroy(f->s);
    gr__network_destroy(f->n);
    gr__recipe_close(f->ctx, f->r);
    assert_int_equal(gr__bookkeeping_bytes(f->ctx), 0);
    test_context_end(f->ctx);
}

static double value(const gr_store *s, const char *name, int64_t i)
{
    const gr_entry *e = gr_store_find(s, name);
    double *v = malloc(sizeof *v * (size_t)e->count), x;
    gr_store_read(s, e, v);
    x = v[i];
    free(v);
    return x;
}

static void put_counting(gr_store *s, const char *name)
{
    const gr_entry *e = gr_store_find(s, name);
    double *v = malloc(sizeof *v * (size_t)e->count);
    for (int64_t i = 0; i < e->count; i++) v[i] = (double)i;
    gr_store_write(s, e, v);
    free(v);
}

/* ---- layouts ---- */

static void test_layout(void **state)
{
    (void)state;
    fixture f = begin(net, NULL);
    gr_st *st = NULL;
    put_counting(f.s, "c1.weight"); /* [3,3,2,2] in memory: o, kh, kw, i */
    put_counting(f.s, "head.weight");
    test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, true, NULL, NULL, 0));
    test_ok(f.ctx, gr__st_whole(f.ctx, path, &st));
    assert_int_equal(gr__st_count(st), 5); /* and no slot that is not saved */
    const gr_st_tensor *w = gr__st_find(st, "c1.weight");
    assert_true(w->type == GR_ST_F64 && w->shape.rank == 4 && w->shape.dim[0] == 3 && w->shape.dim[1] == 2 &&
                w->shape.dim[2] == 3 && w->shape.dim[3] == 2);
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 3; h++)
                for (int x = 0; x < 2; x++) {
                    double got;
                    memcpy(&got, (const char *)w->data + 8 * (((o * 2 + i) * 3 + h) * 2 + x), 8);
                    assert_true(got == ((o * 3 + h) * 2 + x) * 2 + i);
                }
    assert_non_null(gr__st_find(st, "bn.running_mean"));
    test_ok(f.ctx, gr__network_init(f.n, f.s));
    test_ok(f.ctx, gr__model_load(f.ctx, st, path, f.s));
    for (int64_t i = 0; i < 36; i++) assert_true(value(f.s, "c1.weight", i) == (double)i);
    gr__st_close(st);
    end(&f);
}

/* Over axes of a picture a layer_norm has PyTorch's weights: those of channels first. */
static void norms_of_pictures_have_channels_first(void **state)
{
    (void)state;
    static const struct {
        const char *axes;
        gr_shape file;
        int64_t stride[3]; /* in the file, of height, width and channels */
    } cases[] = {
        {"[0, 1, 2]", {.rank = 3, .dim = {4, 2, 3}}, {3, 1, 6}},
        {"[0, 1]", {.rank = 2, .dim = {2, 3}}, {3, 1, 0}},
        {"[2, 0]", {.rank = 2, .dim = {4, 2}}, {1, 0, 2}},
        {"[1, 2]", {.rank = 2, .dim = {4, 3}}, {0, 1, 3}},
        {"last", {.rank = 1, .dim = {4}}, {0, 0, 1}},
        {"1", {.rank = 1, .dim = {3}}, {0, 1, 0}},
    };
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        char text[600];
        gr_st *st = NULL;
        snprintf(text, sizeof text, norms, cases[c].axes);
        fixture f = begin(text, NULL);
        put_counting(f.s, "n.weight");
        test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, true, NULL, NULL, 0));
        test_ok(f.ctx, gr__st_whole(f.ctx, path, &st));
        const gr_st_tensor *w = gr__st_find(st, "n.weight");
        assert_true(gr__shape_equal(w->shape, cases[c].file));
        double k = 0; /* counts in the order of memory: height, width, channels, those that are named */
        for (int h = 0; h < (cases[c].stride[0] ? 2 : 1); h++)
            for (int x = 0; x < (cases[c].stride[1] ? 3 : 1); x++)
                for (int i = 0; i < (cases[c].stride[2] ? 4 : 1); i++, k++) {
                    const int64_t *s = cases[c].stride;
                    double got;
                    memcpy(&got, (const char *)w->data + 8 * (h * s[0] + x * s[1] + i * s[2]), 8);
                    assert_true(got == k);
                }
        test_ok(f.ctx, gr__network_init(f.n, f.s));
        test_ok(f.ctx, gr__model_load(f.ctx, st, path, f.s));
        for (int64_t i = 0; i < (int64_t)k; i++) assert_true(value(f.s, "n.weight", i) == (double)i);
        gr__st_close(st);
        end(&f);
    }
}

static void test_layout_1d(void **state)
{
    (void)state;
    fixture f = begin(net1, NULL);
    gr_st *st = NULL;
    put_counting(f.s, "c1.weight"); /* [3,1,4,2] */
    test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, false, NULL, NULL, 0));
    test_ok(f.ctx, gr__st_whole(f.ctx, path, &st));
    const gr_st_tensor *w = gr__st_find(st, "c1.weight");
    assert_true(w->type == GR_ST_F32 && w->shape.rank == 3 && w->shape.dim[0] == 3 && w->shape.dim[1] == 2 &&
                w->shape.dim[2] == 4);
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 2; i++)
            for (int x = 0; x < 4; x++) {
                float got;
                memcpy(&got, (const char *)w->data + 4 * ((o * 2 + i) * 4 + x), 4);
                assert_true(got == (float)((o * 4 + x) * 2 + i));
            }
    gr__st_close(st);
    end(&f);
}

/* float64 weights come back to the bit, float32 rounded. */
static void test_casts(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        fixture f = begin(net, NULL);
        gr_st *st = NULL;
        double before = value(f.s, "head.weight", 5);
        test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, wide, NULL, NULL, 0));
        put_counting(f.s, "head.weight");
        test_ok(f.ctx, gr__st_open(f.ctx, path, &st));
        test_ok(f.ctx, gr__model_load(f.ctx, st, path, f.s));
        assert_true(value(f.s, "head.weight", 5) == (wide ? before : (double)(float)before));
        gr__st_close(st);
        end(&f);
    }
}

/* ---- what does not fit ---- */

static void test_misfits(void **state)
{
    (void)state;
    static const float zeros[36];
    const struct {
        gr_st_tensor extra;
        const char *drop, *says;
    } cases[] = {{{"more", GR_ST_F32, GR_SHAPE(1), zeros, 4}, NULL, "which the network has not"},
                 {{"optimizer/t", GR_ST_F64, GR_SCALAR, zeros, 8}, NULL, "which the network has not"},
                 {{0}, "head.bias", "has no tensor \"head.bias\""},
                 {{"head.bias", GR_ST_F32, GR_SHAPE(5), zeros, 20}, "head.bias", "shape [5], the network's has [4]"},
                 {{"c1.weight", GR_ST_F32, GR_SHAPE(3, 3, 2, 2), zeros, 144},
                  "c1.weight",
                  "[3,3,2,2], the network's has [3,2,3,2]"},
                 {{"head.bias", GR_ST_I32, GR_SHAPE(4), zeros, 16}, "head.bias", "neither F32 nor F64"},
                 {{"bn.num_batches_tracked", GR_ST_I32, GR_SCALAR, zeros, 4}, NULL, NULL}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        fixture f = begin(net, NULL);
        gr_st *st = NULL;
        gr_st_tensor t[8];
        int n = 0;
        test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, false, NULL, NULL, 0));
        test_ok(f.ctx, gr__st_whole(f.ctx, path, &st));
        for (int i = 0; i < gr__st_count(st); i++)
            if (!cases[c].drop || strcmp(gr__st_at(st, i)->name, cases[c].drop) != 0) t[n++] = *gr__st_at(st, i);
        if (cases[c].extra.name) t[n++] = cases[c].extra;
        test_ok(f.ctx, gr__st_write(f.ctx, path, t, n, NULL, 0));
        gr__st_close(st);
        test_ok(f.ctx, gr__st_open(f.ctx, path, &st));
        gr_status got = gr__model_load(f.ctx, st, path, f.s);
        assert_int_equal(got, cases[c].says ? GR_E_DATA : GR_OK);
        if (cases[c].says) assert_non_null(strstr(gr_context_error(f.ctx)->message, cases[c].says));
        gr__st_close(st);
        end(&f);
    }
}

/* ---- whole models ---- */

static const char *const names[] = {"T-shirt", "\"quoted\"", "", "h\xc3\xa9"};

static const int columns[] = {2, 0}, target[] = {1};
static const char *const target_name[] = {"y"};
static const gr_schema schema = {.table = true,
                                 .delimiter = ';',
                                 .header = true,
                                 .n_columns = 3,
                                 .n_inputs = 2,
                                 .input = columns,
                                 .name = names,
                                 .n_targets = 1,
                                 .target = {{.n = 1, .column = target, .column_name = target_name}},
                                 .missing = names,
                                 .n_missing = 1};

static void write_model(fixture *f, bool with_names)
{
    gr_meaning meaning = {0};
    const gr_model_about about = {.recipe = f->r, .meaning = &meaning, .trained = "{\"steps\": 3}"};
    if (with_names) meaning = (gr_meaning){.class_names = {names}, .classes = {4}, .schema = schema};
    test_ok(f->ctx, gr__model_write(f->ctx, path, f->s, &about));
}

/* D18: the file alone tells all that prediction needs. */
static void test_model(void **state)
{
    (void)state;
    for (int with_names = 0; with_names < 2; with_names++) {
        fixture f = begin(net, with_names ? "precision=float64" : NULL);
        gr_model m;
        write_model(&f, with_names);
        test_ok(f.ctx, gr__model_open(f.ctx, path, &m));
        assert_true(gr__tree_equal(m.recipe->resolved, f.r->resolved));
        assert_int_equal(m.meaning.n_prepared[0], 0);
        assert_int_equal(m.meaning.classes[0], with_names ? 4 : 0);
        for (int i = 0; i < m.meaning.classes[0]; i++) assert_string_equal(m.meaning.class_names[0][i], names[i]);
        assert_int_equal(m.meaning.schema.table, with_names);
        if (with_names) {
            assert_int_equal(m.meaning.schema.delimiter, ';');
            assert_string_equal(m.meaning.schema.name[1], names[1]);
            assert_int_equal(m.meaning.schema.input[0], 2);
            assert_string_equal(m.meaning.schema.target[0].column_name[0], "y");
            assert_string_equal(m.meaning.schema.missing[0], names[0]);
        }
        assert_string_equal(gr__st_meta(m.file, "gradus.trained"), "{\"steps\": 3}");
        assert_int_equal(gr__st_find(m.file, "head.bias")->type, with_names ? GR_ST_F64 : GR_ST_F32);
        test_ok(f.ctx, gr__model_load(f.ctx, m.file, path, f.s));
        gr__model_close(&m);
        gr__model_close(&m); /* twice is fine */
        end(&f);
    }
}

/* Written again by another tool: other order, other values, metadata kept. */
static void test_rewritten(void **state)
{
    (void)state;
    fixture f = begin(net, NULL);
    gr_model m;
    write_model(&f, true);
    test_ok(f.ctx, gr__model_open(f.ctx, path, &m));
    gr__text t;
    gr__text_init(&t, f.ctx);
    static const float bias[] = {1, 2, 3, 4};
    gr__text_add(&t, "{\"__metadata__\":{\"gradus.crc32\":\"%s\",\"gradus.prepare\":\"[]\",\"gradus.recipe\":\"",
                 gr__st_meta(m.file, "gradus.crc32"));
    for (const char *s = gr__st_meta(m.file, "gradus.recipe"); *s; s++)
        gr__text_add(&t, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "%c", *s);
    gr__text_add(&t, "\"},\"head.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}");
    char *bytes = gr__alloc(f.ctx, 8 + t.n + sizeof bias);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(t.n >> (8 * i));
    memcpy(bytes + 8, t.s, t.n);
    memcpy(bytes + 8 + t.n, bias, sizeof bias);
    test_ok(f.ctx, gr__file_write(f.ctx, path, bytes, 8 + t.n + sizeof bias));
    gr__free(f.ctx, bytes, 8 + t.n + sizeof bias);
    gr__text_free(&t);
    gr__model_close(&m);
    test_ok(f.ctx, gr__model_open(f.ctx, path, &m));
    float got[GR_COUNT(bias)];
    test_ok(f.ctx, gr__st_read(m.file, gr__st_find(m.file, "head.bias"), 0, sizeof got, got));
    assert_memory_equal(got, bias, sizeof bias);
    gr__model_close(&m);
    end(&f);
}

static void test_bad_models(void **state)
{
    (void)state;
    static const struct {
        gr_st_pair meta[3];
        int n;
        const char *says;
    } cases[] = {
        {{{"format", "pt"}}, 1, "no \"gradus.recipe\""},
        {{{"gradus.recipe", "gradus: 1\n"}}, 1, "no \"gradus.prepare\""},
        {{{"gradus.recipe", "a: [1"}, {"gradus.prepare", "[]"}}, 2, "does not hold a sound model: gradus.recipe"},
        {{{"gradus.recipe", "- 1"}, {"gradus.prepare", "[]"}}, 2, "not a map"},
        {{{"gradus.recipe", ""}, {"gradus.prepare", "[]"}}, 2, "not a map"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 0}]}\n"},
          {"gradus.prepare", "[]"}},
         2,
         "model.layers[0].units: 0 is not"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.classes", "{}"}},
         3,
         "gradus.classes"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.classes", "[1]"}},
         3,
         "gradus.classes"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.classes", "[\"a"}},
         3,
         "gradus.classes"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.class_counts", "{}"}},
         3,
         "it is not a list of counts"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.class_counts", "[]"}},
         3,
         "it is not a list of counts"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.class_counts", "[1, -2]"}},
         3,
         "count 1 is not"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.class_counts", "[1.5]"}},
         3,
         "count 0 is not"},
        {{{"gradus.recipe", "gradus: 1\ndata: {train: {type: npy, inputs: x, targets: y}}\nmodel: {input: 4, layers: "
                            "[{type: dense, units: 2}]}\n"},
          {"gradus.prepare", "[]"},
          {"gradus.class_counts", "[9223372036854775807, 1]"}},
         3,
         "count 1 is not"}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        gr_context *ctx = test_context();
        gr_model m = {0};
        test_ok(ctx, gr__st_write(ctx, path, NULL, 0, cases[c].meta, cases[c].n));
        assert_int_equal(gr__model_open(ctx, path, &m), GR_E_FORMAT);
        if (!strstr(gr_context_error(ctx)->message, cases[c].says))
            print_error("case %zu: %s\n", c, gr_context_error(ctx)->message);
        assert_non_null(strstr(gr_context_error(ctx)->message, cases[c].says));
        gr__model_close(&m);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        test_context_end(ctx);
    }
}

/* ---- checkpoints ---- */

static void test_checkpoint(void **state)
{
    (void)state;
    fixture f = begin(net, NULL);
    const gr_st_pair pairs[] = {{"loop/step", "17"}, {"loop/best", "0x1.8p-3"}};
    gr_st *st = NULL;
    double odd[6] = {1.0 / 3, -0.0, (double)NAN, (double)INFINITY, 5e-324, -1}, got[6];
    gr_store_write(f.s, gr_store_find(f.s, "c1.weight/m"), odd);
    gr_store_write(f.s, gr_store_find(f.s, "optimizer/t"), &(double){12345});
    double weight = value(f.s, "head.weight", 3);
    test_ok(f.ctx, gr__checkpoint_write(f.ctx, path, f.s, pairs, GR_COUNT(pairs)));
    put_counting(f.s, "head.weight");
    put_counting(f.s, "c1.weight/m");
    put_counting(f.s, "optimizer/t");
    test_ok(f.ctx, gr__checkpoint_read(f.ctx, path, &st));
    assert_string_equal(gr__st_meta(st, "loop/step"), "17");
    test_ok(f.ctx, gr__checkpoint_apply(f.ctx, st, path, f.s));
    gr_store_read(f.s, gr_store_find(f.s, "c1.weight/m"), got);
    assert_memory_equal(got, odd, sizeof odd);
    assert_true(value(f.s, "head.weight", 3) == weight && value(f.s, "optimizer/t", 0) == 12345);
    gr__st_close(st);
    end(&f);
}

/* Any changed byte, header included, and any cut: refused. */
static void test_checkpoint_damage(void **state)
{
    (void)state;
    fixture f = begin(net, NULL);
    char *bytes;
    size_t n;
    test_ok(f.ctx, gr__checkpoint_write(f.ctx, path, f.s, &(gr_st_pair){"loop/step", "17"}, 1));
    test_ok(f.ctx, gr__file_read(f.ctx, path, 1 << 20, &bytes, &n));
    for (size_t i = 0; i < n; i += i < 2000 ? 7 : 101) {
        gr_st *st = NULL;
        bytes[i] = (char)(bytes[i] ^ 4);
        test_ok(f.ctx, gr__file_write(f.ctx, path, bytes, n));
        assert_int_equal(gr__checkpoint_read(f.ctx, path, &st), GR_E_FORMAT);
        gr_context_clear_error(f.ctx);
        bytes[i] = (char)(bytes[i] ^ 4);
    }
    for (size_t i = 0; i < n; i += 331) {
        gr_st *st = NULL;
        test_ok(f.ctx, gr__file_write(f.ctx, path, bytes, i));
        assert_int_equal(gr__checkpoint_read(f.ctx, path, &st), GR_E_FORMAT);
        gr_context_clear_error(f.ctx);
    }
    gr__free(f.ctx, bytes, n + 1);
    end(&f);
}

/* A model is no checkpoint; a checkpoint of another network is not applied, not even in part. */
static void test_wrong_checkpoint(void **state)
{
    (void)state;
    fixture f = begin(net, NULL), other = begin(net1, NULL);
    gr_st *st = NULL;
    test_ok(f.ctx, gr__model_save(f.ctx, path, f.s, NULL, false, NULL, NULL, 0));
    assert_int_equal(gr__checkpoint_read(f.ctx, path, &st), GR_E_FORMAT);
    gr_context_clear_error(f.ctx);
    test_ok(f.ctx, gr__st_write(f.ctx, path, NULL, 0, &(gr_st_pair){"gradus.checkpoint", "2"}, 1));
    assert_int_equal(gr__checkpoint_read(f.ctx, path, &st), GR_E_FORMAT);
    gr_context_clear_error(f.ctx);
    test_ok(f.ctx, gr__checkpoint_write(f.ctx, path, f.s, NULL, 0));
    test_ok(other.ctx, gr__checkpoint_read(other.ctx, path, &st));
    double before = value(other.s, "c1.bias", 0);
    put_counting(other.s, "head.bias");
    assert_int_equal(gr__checkpoint_apply(other.ctx, st, path, other.s), GR_E_DATA);
    assert_true(value(other.s, "c1.bias", 0) == before && value(other.s, "head.bias", 3) == 3);
    gr__st_close(st);
    end(&other);
    end(&f);
}

/* ---- faults ---- */

static void test_no_memory(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        gr_status st = GR_E_MEMORY;
        for (uint64_t k = 1; st != GR_OK; k++) {
            fixture f = begin(net, NULL);
            const gr_meaning meaning = {.class_names = {names}, .classes = {4}, .schema = schema};
            const gr_model_about about = {.recipe = f.r, .meaning = &meaning, .trained = "{}"};
            gr_model m = {0};
            gr_st *file = NULL;
            if (what == 1) write_model(&f, true);
            gr__fail_acquisition(f.ctx, k);
            if (what == 0) st = gr__model_write(f.ctx, path, f.s, &about);
            if (what == 1) st = gr__model_open(f.ctx, path, &m);
            if (what == 1 && st == GR_OK) st = gr__model_load(f.ctx, m.file, path, f.s);
            if (what == 2) st = gr__checkpoint_write(f.ctx, path, f.s, NULL, 0);
            if (what == 3) st = gr__checkpoint_read(f.ctx, path, &file);
            gr__fail_acquisition(f.ctx, 0);
            if (st != GR_OK && st != GR_E_MEMORY)
                print_error("%d, k = %llu: %s %s\n", what, (unsigned long long)k, gr_status_name(st),
                            gr_context_error(f.ctx)->message);
            assert_true(st == GR_OK || st == GR_E_MEMORY);
            gr__model_close(&m);
            gr__st_close(file);
            end(&f);
            assert_true(k < 5000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),           cmocka_unit_test(norms_of_pictures_have_channels_first),
        cmocka_unit_test(test_layout_1d),        cmocka_unit_test(test_casts),
        cmocka_unit_test(test_misfits),          cmocka_unit_test(test_model),
        cmocka_unit_test(test_rewritten),        cmocka_unit_test(test_bad_models),
        cmocka_unit_test(test_checkpoint),       cmocka_unit_test(test_checkpoint_damage),
        cmocka_unit_test(test_wrong_checkpoint), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
