/* Recipes: values, defaults, --set, other files' models, the zoo, the resolved recipe. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/network.h"
#include "model/stack.h"
#include "model/zoo.h"
#include "model_case.h"

#define SMALL \
    CASE_HEAD "model:\n  input: [4]\n  layers: [{type: dense, units: 5, activation: relu}, {type: dense, units: 3}]\n"

static void close_all(gr_context *ctx, gr_recipe *r)
{
    gr__recipe_close(ctx, r);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    test_context_end(ctx);
}

static void test_defaults(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(ctx, SMALL, NULL, 0);
    static const struct {
        const char *path, *value;
    } want[] = {{"name", "case"},
                {"preset", "chapter"},
                {"seed", "1"},
                {"data.batch", "64"},
                {"data.shuffle", "once"},
                {"data.drop_last", "false"},
                {"data.train.inputs", "/data/x.npy"},
                {"model.layers[0].name", "dense1"},
                {"model.layers[1].name", "dense2"},
                {"model.layers[0].bias", "true"},
                {"cost.type", "cross_entropy"},
                {"cost.reduction", "mean"},
                {"metrics[0]", "accuracy"},
                {"optimizer.type", "adam"},
                {"optimizer.lr", "0.001"},
                {"schedule.type", "constant"},
                {"clip", "none"},
                {"stop.epochs", "5"},
                {"validate", "none"},
                {"checkpoint.every", "1 epoch"},
                {"checkpoint.keep", "2"},
                {"log.every", "1"},
                {"accumulate", "1"},
                {"precision", "float32"},
                {"device", "cpu"},
                {"threads", "auto"},
                {"memory", "none"},
                {"algorithm", "auto"}};
    for (size_t i = 0; i < GR_COUNT(want); i++) assert_string_equal(value_at(r->resolved, want[i].path), want[i].value);
    assert_int_equal(r->stop.epochs, 5);
    assert_int_equal(r->stop.steps, 0);
    assert_true(r->stop.seconds != r->stop.seconds); /* NaN: not set */
    assert_int_equal(r->validate.n, 0);
    assert_int_equal(r->checkpoint.n, 1);
    assert_int_equal(r->checkpoint.unit, GR_EVERY_EPOCHS);
    assert_int_equal(r->log.unit, GR_EVERY_UPDATES);
    assert_int_equal(r->threads, 0);
    assert_int_equal(r->input[0].sample.rank, 1);
    close_all(ctx, r);
}

static void test_values(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        open_text(ctx,
                  "gradus: 1\nname: other\nseed: 9007199254740991\npreset: torch\n"
                  "data: {source: {type: npy, inputs: x.npy, targets: y.npy}, split: {train: .8, validation: .15, "
                  "test: .05, stratify: false}, "
                  "limit: {train: 10}, batch: all, shuffle: none, drop_last: true}\n"
                  "model: {input: 4, layers: [{type: dense, units: 1}]}\ncost: {type: mse, reduction: sum}\noptimizer: "
                  "{type: adam, lr: 1/500}\n"
                  "stop: {steps: 7, seconds: 1.5, patience: 2, validation_error_below: 0.25}\nvalidate: {every: "
                  "50}\ncheckpoint: {every: 2 epochs, "
                  "keep: 3}\nlog: {every: 10}\n"
                  "accumulate: 4\nprecision: float64\nmemory: 1.5M\nthreads: 3\nalgorithm: exact\nclip: {norm: 1.0}\n",
                  NULL, 0);
    assert_string_equal(r->name, "other");
    assert_int_equal(r->seed, 9007199254740991);
    assert_int_equal(r->preset, GR_PRESET_TORCH);
    assert_true(r->data.split_validation == .15 && r->data.split_test == .05 && !r->data.stratify && r->data.drop_last);
    assert_int_equal(r->data.limit_train, 10);
    assert_int_equal(r->data.batch, 0);
    assert_true(r->reduction_sum && r->float64);
    assert_string_equal(r->device, "ref");
    assert_true(r->optim.method[0].lr == 1.0 / 500);
    assert_int_equal(r->stop.steps, 7);
    assert_int_equal(r->stop.epochs, 0);
    assert_int_equal(r->stop.patience, 2);
    assert_true(r->stop.seconds == 1.5 && r->stop.validation_error_below == .25);
    assert_true(r->validate.n == 50 && r->validate.unit == GR_EVERY_UPDATES && r->checkpoint.n == 2 &&
                r->checkpoint.unit == GR_EVERY_EPOCHS && r->checkpoint_keep == 3);
    assert_true(r->log.n == 10 && r->accumulate == 4 && r->memory == 3 << 19 && r->threads == 3 &&
                r->algorithm == GR_ALGORITHM_EXACT);
    assert_int_equal(r->head[0].metrics.n, 1);
    assert_string_equal(r->head[0].metrics.use[0].name, "rmse");
    assert_true(!r->head[0].metrics_given && r->best_by.what == GR_BEST_ERROR);
    assert_int_equal(r->clip.kind, GR_CLIP_NORM);
    assert_true(r->clip.torch_form);
    close_all(ctx, r);
}

static void test_ref_float32(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(ctx, SMALL "device: ref\n", NULL, 0);
    assert_string_equal(r->device, "ref");
    assert_false(r->float64); /* computes in float64, saves float32 */
    close_all(ctx, r);
}

/* What later versions will have is taken as long as it says that it is not used. */
static void test_neutral(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r =
        open_text(ctx,
                  "gradus: 1\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}, balance: none, "
                  "augment: [], limit: none}\n"
                  "model: {input: 4, inputs: none, layers: [{type: dense, units: 3, init: none, from: none}]}\n"
                  "heads: none\npenalty: {l2: 0.0, l1: 0}\naverage: "
                  "none\nlookahead: ~\ngroups: []\n"
                  "store: float32\nschedule: {tail: none, type: constant, warmup: 10}\nclip: none\nmemory: "
                  "none\ndevice: auto\nthreads: auto\n",
                  NULL, 0);
    assert_string_equal(value_at(r->resolved, "penalty"), "none");
    assert_true(r->sched.warmup.n == 10);
    close_all(ctx, r);
}

/* ---- --set ---- */

static void test_set(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const sets[] = {"optimizer.lr=0.25",
                                       "model.layers[1].units=7",
                                       "stop.steps=3",
                                       "data.batch=2",
                                       "cost.label_smoothing=0.1",
                                       "optimizer.beta1=1/2",
                                       "schedule={type: step, every: 2 epochs}",
                                       "model.layers[0]={type: dense, units: 6, name: first}",
                                       "data.limit.train=5",
                                       "name=x y"};
    gr_recipe *r = open_text(ctx, SMALL "cost: cross_entropy\n", sets, GR_COUNT(sets));
    static const struct {
        const char *path, *value;
    } want[] = {{"optimizer.type", "adam"},
                {"optimizer.lr", "0.25"},
                {"optimizer.beta1", "1/2"},
                {"model.layers[1].units", "7"},
                {"stop.steps", "3"},
                {"data.batch", "2"},
                {"cost.type", "cross_entropy"},
                {"cost.label_smoothing", "0.1"},
                {"schedule.type", "step"},
                {"model.layers[0].name", "first"},
                {"data.limit.train", "5"},
                {"name", "x y"}};
    for (size_t i = 0; i < GR_COUNT(want); i++) assert_string_equal(value_at(r->resolved, want[i].path), want[i].value);
    close_all(ctx, r);
}

static void test_set_replaces(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const sets[] = {"optimizer=sgd", "optimizer.momentum=0.9", "clip.norm=2", "stop={epochs: 2}"};
    gr_recipe *r =
        open_text(ctx, SMALL "optimizer: {type: adam, lr: 0.5}\nclip: none\nstop: {steps: 9}\n", sets, GR_COUNT(sets));
    assert_string_equal(value_at(r->resolved, "optimizer.type"), "sgd");
    assert_string_equal(value_at(r->resolved, "optimizer.momentum"), "0.9");
    assert_true(r->clip.kind == GR_CLIP_NORM && r->clip.limit == 2);
    assert_true(r->stop.epochs == 2 && r->stop.steps == 0);
    close_all(ctx, r);
}

static void test_set_errors(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        gr_status code;
        const char *key;
    } cases[] = {{"optimizer.lr", GR_E_USAGE, ""},
                 {"=3", GR_E_USAGE, ""},
                 {"a..b=1", GR_E_USAGE, ""},
                 {"model.layers[=1", GR_E_USAGE, ""},
                 {"model.layers[-1]=1", GR_E_USAGE, ""},
                 {"model.layers[x]=1", GR_E_USAGE, ""},
                 {"model.layers[0]units=1", GR_E_USAGE, ""},
                 {"model.layers[2]=relu", GR_E_RANGE, "model.layers"},
                 {"model.layers.units=1", GR_E_TYPE, "model.layers"},
                 {"data[0]=1", GR_E_TYPE, "data"},
                 {"seed.x=1", GR_E_TYPE, "seed"},
                 {"seed=-1", GR_E_RANGE, "seed"},
                 {"optimizer.lr=-1", GR_E_RANGE, "optimizer.lr"},
                 {"optimiser.lr=1", GR_E_KEY, "optimiser"},
                 {"seed=[1", GR_E_SYNTAX, ""},
                 {"seed=1\n---\n2", GR_E_SYNTAX, ""},
                 {"stop.epochs=", GR_E_TYPE, ""},
                 {"model.layers[99999999999999999999]=1", GR_E_RANGE, "model.layers"},
                 {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", GR_E_USAGE, ""},
                 {"[0]=1", GR_E_TYPE, ""}};
    for (size_t i = 0; i < GR_COUNT(cases); i++) {
        gr_context *ctx = test_context();
        gr_recipe *r = NULL;
        gr_status st = gr__recipe_from_text(ctx, "case.yaml", "/data", SMALL "seed: 1\n", sizeof SMALL "seed: 1\n" - 1,
                                            &cases[i].set, 1, &r);
        if (strcmp(cases[i].set, "stop.epochs=") == 0) { /* null is none: not given */
            test_ok(ctx, st);
            gr__recipe_close(ctx, r);
        } else {
            if (st != cases[i].code) print_error("%s: %s\n", cases[i].set, gr_context_error(ctx)->message);
            assert_int_equal(st, cases[i].code);
            assert_string_equal(gr_context_error(ctx)->key, cases[i].key);
        }
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        test_context_end(ctx);
    }
}

/* ---- the resolved recipe ---- */

static void round_trip(const char *text)
{
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(ctx, text, NULL, 0);
    gr__text first = resolved_text(ctx, r);
    gr_recipe *again = NULL;
    test_ok(ctx, gr__recipe_from_text(ctx, "elsewhere/recipe.yaml", "elsewhere", first.s, first.n, NULL, 0, &again));
    gr__text second = resolved_text(ctx, again);
    assert_true(gr__tree_equal(r->resolved, again->resolved));
    assert_string_equal(first.s, second.s);
    gr__text_free(&first);
    gr__text_free(&second);
    gr__recipe_close(ctx, again);
    close_all(ctx, r);
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip(SMALL);
    round_trip(SMALL "cost: {type: cross_entropy, label_smoothing: 0.1, class_weights: [1, 2, 1/3]}\nmetrics: "
                     "[]\nvalidate: none\ncheckpoint: "
                     "none\npreset: paper\nclip: {value: 0.1}\n"
                     "schedule: {type: polynomial, warmup: 0.1}\ninit: {weights: {type: normal, std: 0.01}, bias: "
                     "{type: constant, value: 0.1}}\n");
    round_trip(
        CASE_HEAD
        "  validation: {split: 0.1, stratify: false}\n  test: {type: npy, inputs: a.npy, targets: b.npy}\n  prepare: "
        "[{type: scale, by: 1/255}, standardize]\nmodel:\n  input: [8, 8, 2]\n"
        "  layers:\n    - {type: conv, filters: 4, kernel: [3, 1], padding: same, activation: {type: leaky_relu, "
        "slope: "
        "0.2}, init: {weights: xavier}, name: c.0}\n"
        "    - {repeat: {times: 2, name: r, layers: [{type: conv, filters: 4, kernel: 1, name: a}, relu, {type: add, "
        "from: [a, c.0], activation: tanh}]}}\n"
        "    - {type: max_pool, size: 2, from: [r.1.add1]}\n    - flatten\n    - {type: dropout, rate: 0.5}\n    - "
        "{type: "
        "dense, units: 2}\nstop: {patience: 3, steps: 10}\n");
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    for (int i = 0; i < n; i++) round_trip(zoo[i].text);
}

/* Absolute data paths: the resolved recipe means the same wherever it is read from. */
static void test_paths(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    gr_recipe *r = open_text(ctx, SMALL, NULL, 0);
    assert_string_equal(value_at(r->resolved, "data.train.inputs"), "/data/x.npy");
    assert_string_equal(value_at(r->resolved, "data.train.targets"), "/data/y.npy");
    close_all(ctx, r);
}

/* ---- other files and the zoo ---- */

static void write_file(gr_context *ctx, const char *folder, const char *name, const char *text)
{
    char *path = gr__path_join(ctx, folder, name);
    test_ok(ctx, gr__file_write(ctx, path, text, strlen(text)));
    gr__strfree(ctx, path);
}

static gr_status open_in(gr_context *ctx, const char *folder, const char *name, const char *const *sets, int n_sets,
                         gr_recipe **out)
{
    char *path = gr__path_join(ctx, folder, name);
    gr_status st = gr__recipe_open(ctx, path, sets, n_sets, out);
    gr__strfree(ctx, path);
    return st;
}

static void test_other_files(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    char folder[] = "/tmp/gradus-test-XXXXXX", sub[64];
    assert_non_null(mkdtemp(folder));
    snprintf(sub, sizeof sub, "%s/sub", folder);
    test_ok(ctx, gr__make_folder(ctx, sub));
    write_file(ctx, folder, "a.yaml", CASE_HEAD "model: sub/b.yaml\n");
    write_file(ctx, folder, "sub/b.yaml", "name: ignored\nmodel: c.yaml\n");
    write_file(ctx, folder, "sub/c.yaml", "input: [4]\nlayers: [{type: dense, units: 3}]\n");
    write_file(ctx, folder, "loop.yaml", CASE_HEAD "model: loop.yaml\n");
    write_file(ctx, folder, "broken.yaml", CASE_HEAD "model: bad.yaml\n");
    write_file(ctx, folder, "bad.yaml", "input: [4]\nlayers: [{type: dens, units: 3}]\n");
    write_file(ctx, folder, "none.yaml", CASE_HEAD "model: data.yaml\n");
    write_file(ctx, folder, "data.yaml", "data: 1\n");
    gr_recipe *r = NULL;
    static const char *const set[] = {"model.layers[0].units=4"};
    test_ok(ctx, open_in(ctx, folder, "a.yaml", set, 1, &r));
    assert_string_equal(value_at(r->resolved, "model.layers[0].units"), "4");
    assert_string_equal(r->name, "a");
    gr__recipe_close(ctx, r);
    assert_int_equal(open_in(ctx, folder, "loop.yaml", NULL, 0, &r), GR_E_CONFLICT);
    gr_context_clear_error(ctx);
    assert_int_equal(open_in(ctx, folder, "broken.yaml", NULL, 0, &r), GR_E_NAME);
    assert_non_null(strstr(gr_context_error(ctx)->file, "bad.yaml"));
    assert_int_equal(gr_context_error(ctx)->line, 2);
    gr_context_clear_error(ctx);
    assert_int_equal(open_in(ctx, folder, "none.yaml", NULL, 0, &r), GR_E_MISSING);
    gr_context_clear_error(ctx);
    assert_int_equal(open_in(ctx, folder, "not-there.yaml", NULL, 0, &r), GR_E_FILE);
    assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
    static const char *const files[] = {"a.yaml",   "sub/b.yaml", "sub/c.yaml", "loop.yaml", "broken.yaml",
                                        "bad.yaml", "none.yaml",  "data.yaml",  "sub",       ""};
    for (size_t i = 0; i < GR_COUNT(files); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(remove(path), 0);
    }
    test_context_end(ctx);
}

static void test_zoo(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t parameters;
    } want[] = {
        {"deq-small", 15266},
        {"efficientnet-lite0", 4652008},
        {"hyper-small", 175210},
        {"lenet5", 61706},
        {"linear", 11},
        {"logistic", 7850},
        {"mlp", 101770},
        {"mobilenet-v1", 4231976},
        {"mobilenet-v2", 3504872},
        {"resnet18", 11689512},
        {"resnet50", 25557032},
        {"simple-cnn", 824458},
        {"squeezenet", 1235496},
        {"vgg16", 138357544},
        {"vgg16-bn", 138365992},
    };
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    assert_true(n >= (int)GR_COUNT(want));
    for (int i = 1; i < n; i++) assert_true(strcmp(zoo[i - 1].name, zoo[i].name) < 0);
    assert_null(gr__zoo_find("nothing"));
    for (size_t i = 0; i < GR_COUNT(want); i++) {
        gr_context *ctx = test_context();
        const gr_zoo_recipe *z = gr__zoo_find(want[i].name);
        gr_network *network = NULL;
        gr_recipe *r = open_text(ctx, z->text, NULL, 0);
        test_ok(ctx, gr__network_make(ctx, r, NULL, &network));
        assert_int_equal(gr__network_parameter_count(network), want[i].parameters);
        assert_true(z->title[0]);
        gr__network_destroy(network);
        close_all(ctx, r);
    }
}

static void test_zoo_model(void **state)
{
    (void)state;
    gr_context *ctx = test_context();
    static const char *const sets[] = {"model.layers[0].filters=8"};
    gr_recipe *r =
        open_text(ctx, CASE_HEAD "model: {zoo: simple-cnn, classes: 5, input: [16, 16, 3], dropout: 0}\n", sets, 1);
    assert_string_equal(value_at(r->resolved, "model.layers[0].filters"), "8");
    assert_string_equal(value_at(r->resolved, "model.layers[7].units"), "5");
    assert_string_equal(value_at(r->resolved, "model.layers[5].rate"), "0");
    assert_int_equal(r->input[0].sample.dim[2], 3);
    close_all(ctx, r);
    r = open_text(ctx = test_context(), CASE_HEAD "model: {zoo: squeezenet, classes: 5}\n", NULL, 0);
    assert_string_equal(value_at(r->resolved, "model.layers[37].filters"), "5");
    close_all(ctx, r);
}

/* `dropout` of a network of the zoo reaches every layer that has such a rate, copies and layers within included; 0 goes
 * with every network, another rate with those that have one. */
static void test_zoo_dropout(void **state)
{
    (void)state;
    static const char *const rates[] = {"0", "0.3"};
    int n, most = 0;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    for (int i = 0; i < 2 * n; i++) {
        gr_context *ctx = test_context();
        gr_recipe *whole = open_text(ctx, zoo[i / 2].text, NULL, 0), *r = NULL;
        gr__text text;
        int rated = 0, kept = 0;
        gr__text_init(&text, ctx);
        gr__text_add(&text, CASE_HEAD "model: {zoo: %s, dropout: %s}\ncost: mse\n", zoo[i / 2].name, rates[i % 2]);
        for (int k = 0; k < whole->stack->n; k++) kept += whole->stack->layer[k].member->drop_rate != NULL;
        gr_status st = gr__recipe_from_text(ctx, "case.yaml", "/data", text.s, text.n, NULL, 0, &r);
        assert_int_equal(st, kept || i % 2 == 0 ? GR_OK : GR_E_CONFLICT);
        if (st == GR_OK) {
            assert_int_equal(r->stack->n, whole->stack->n);
            for (int k = 0; k < r->stack->n; k++) {
                const gr_stacked *l = &r->stack->layer[k];
                if (!l->member->drop_rate) continue;
                if (gr__setting_real(&l->settings, l->member->drop_rate) != (i % 2 ? 0.3 : 0))
                    fail_msg("%s: %s keeps its rate", zoo[i / 2].name, l->name);
                rated++;
            }
            gr__recipe_close(ctx, r);
        }
        most = GR_MAX(most, rated);
        gr__text_free(&text);
        close_all(ctx, whole);
    }
    assert_true(most > 30); /* BERT */
}

/* `classes` and `input` of each: outputs, or a refusal that says where. */
static void test_zoo_classes(void **state)
{
    (void)state;
    int n, refused = 0;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    for (int i = 0; i < n; i++) {
        gr_context *ctx = test_context();
        gr_recipe *whole = open_text(ctx, zoo[i].text, NULL, 0), *r = NULL;
        gr_network *network = NULL;
        gr__text text;
        gr__text_init(&text, ctx);
        gr__text_add(&text, CASE_HEAD "model: {zoo: %s, classes: 3}\ncost: cross_entropy\n", zoo[i].name);
        if (gr__recipe_from_text(ctx, "case.yaml", "/data", text.s, text.n, NULL, 0, &r) == GR_OK) {
            test_ok(ctx, gr__network_make(ctx, r, NULL, &network));
            gr_shape shape = gr__network_output(network, 0);
            assert_int_equal(shape.dim[shape.rank - 1], 3);
            gr__network_destroy(network);
            gr__recipe_close(ctx, r);
        } else {
            assert_string_equal(zoo[i].name, "gpt2-small");
            assert_int_equal(gr_context_error(ctx)->code, GR_E_CONFLICT);
            assert_string_equal(gr_context_error(ctx)->key, "model.classes");
            refused++;
        }
        gr__text_free(&text);
        close_all(ctx, whole);
    }
    assert_int_equal(refused, 1);
}

/* ---- faults ---- */

/* The k-th acquisition fails, for every k. */
static void fail_every(const char *text, const char *const *sets)
{
    gr_status st = GR_E_MEMORY;
    for (uint64_t k = 1; st != GR_OK; k++) {
        gr_context *ctx = test_context();
        gr_recipe *r = NULL;
        gr__fail_acquisition(ctx, k);
        st = gr__recipe_from_text(ctx, "case.yaml", "/data", text, strlen(text), sets, 1, &r);
        gr__fail_acquisition(ctx, 0);
        if (st != GR_OK && st != GR_E_MEMORY)
            print_error("k = %llu: %s %s\n", (unsigned long long)k, gr_status_name(st), gr_context_error(ctx)->message);
        assert_true(st == GR_OK || st == GR_E_MEMORY);
        if (st == GR_OK) gr__recipe_close(ctx, r);
        assert_int_equal(gr__bookkeeping_bytes(ctx), 0);
        test_context_end(ctx);
        assert_true(k < 5000);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const texts[] = {
        CASE_HEAD "  validation: {split: 0.1}\nmodel: {zoo: lenet5, classes: 4}\nclip: {norm: 1.0}\n",
        CASE_HEAD "model: {zoo: transformer-lm, input: [4], dropout: 0.5}\n"};
    static const char *const sets[] = {"optimizer.lr=0.5"};
    for (size_t t = 0; t < GR_COUNT(texts); t++) fail_every(texts[t], sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_values),      cmocka_unit_test(test_ref_float32),
        cmocka_unit_test(test_neutral),     cmocka_unit_test(test_set),         cmocka_unit_test(test_set_replaces),
        cmocka_unit_test(test_set_errors),  cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_paths),
        cmocka_unit_test(test_other_files), cmocka_unit_test(test_zoo),         cmocka_unit_test(test_zoo_model),
        cmocka_unit_test(test_zoo_dropout), cmocka_unit_test(test_zoo_classes), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
