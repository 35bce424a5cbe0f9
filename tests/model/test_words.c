/* What a recipe may say in other words: numbers in quotes, names of other tools, names that are still to come. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "model/recipe.h"
#include "model/zoo.h"
#include "data/augment.h"
#include "metric/metric.h"
#include "nn/layer.h"
#include "optim/optim.h"
#include "penalty/penalty.h"
#include "test.h"

/* ---- numbers in quotes ---- */

/* Every number becomes the text that it was written as, as if it had stood in quotes. Gives how many there were. */
static int quote(gr_tree *t)
{
    int n = 0;
    if (t->kind == GR_TREE_INT || t->kind == GR_TREE_REAL) {
        t->kind = GR_TREE_TEXT;
        n++;
    }
    for (int i = 0; i < t->n; i++) n += quote(t->child[i]);
    return n;
}

static gr_recipe *open_tree(gr_context *ctx, const char *text, bool quoted, int *numbers)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *root;
    gr_recipe *r;
    assert_non_null(b);
    test_ok(ctx, gr__yaml_parse(ctx, b, "recipe", text, strlen(text), &root));
    if (quoted) *numbers = quote(root);
    test_ok(ctx, gr__recipe_from_tree(ctx, b, root, "recipe", "recipes", &r));
    return r;
}

static void check_quoted(const char *text)
{
    int numbers = 0;
    gr_context *ctx = test_context();
    gr_recipe *plain = open_tree(ctx, text, false, NULL), *quoted = open_tree(ctx, text, true, &numbers);
    assert_true(numbers > 0);
    if (!gr__tree_equal(plain->resolved, quoted->resolved)) {
        gr__text t;
        gr__text_init(&t, ctx);
        gr__tree_write(quoted->resolved, &t, 0);
        fprintf(stderr, "%s", t.s);
        fail_msg("in quotes it is another recipe");
    }
    assert_int_equal(plain->seed, quoted->seed);
    assert_int_equal(plain->data.batch, quoted->data.batch);
    gr__recipe_close(ctx, plain);
    gr__recipe_close(ctx, quoted);
    test_context_end(ctx);
}

/* Recipes that have a number in each place that takes one, in a list, in a fraction, in a member of a member. */
static void test_quoted_numbers(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "data: {train: {type: synthetic, kind: digits, n: 300, seed: 1}, validation: {split: 0.2}, test: {split: "
        "1/10}, "
        "limit: {train: 100}, batch: 32, prepare: [{type: scale, by: 1/255}]}\n"
        "cost: {type: cross_entropy, label_smoothing: 0.1, class_weights: [1, 2, 1, 1, 1, 1, 1, 1, 1, 1/2]}\n"
        "optimizer: {type: switch, first: {type: adam, lr: 1e-3, beta1: 0.8}, then: {type: sgdm, lr: 0.01}, at: 0.7}\n"
        "schedule: {type: step, at: [10, 20], factors: [0.1, 1/100], warmup: 2, warmup_from: 1/20}\n"
        "stop: {epochs: 3, steps: 50, seconds: 1e3, patience: 2, validation_error_below: 0.01}\n"
        "validate: {every: 5}\ncheckpoint: {every: 7, keep: 3}\nlog: {every: 2}\n"
        "init: {weights: {type: uniform, bound: 0.1}, relu_bias: 0.01}\n",
        "data: {source: {type: csv, file: f.csv, target: y, columns: [0, 2]}, "
        "split: {train: 0.8, validation: 0.1, test: 0.1}}\n"
        "cost: {type: focal, gamma: 2, alpha: [1/2, 0.5, 1/4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}\n"
        "optimizer: {type: lamb, lr: 0.01, weight_decay: 1e-2}\n"
        "schedule: {type: cyclic, low: 0.001, high: 0.01, half_cycle: 20, tail: {fraction: 0.2, cycles: 4, low: "
        "1e-4}}\n"
        "clip: {norm: 1.0}\npenalty: {l2: 1e-4, l1: 1e-5}\nlookahead: {k: 5, alpha: 0.5}\n"
        "average: {type: swa, start: 0.75, cycle: 3}\ngroups: [{match: \"head.*\", lr_scale: 1/2, weight_decay: 0}]\n",
    };
    static const char head[] =
        "gradus: 1\nseed: 3\naccumulate: 2\nmemory: 1000000000\nthreads: 2\n"
        "model: {input: [16, 16, 1], layers: [{type: conv, filters: 6, kernel: [3, 3], stride: 1, padding: [1, 1], "
        "groups: 1, "
        "activation: {type: leaky_relu, slope: 0.1}}, {type: max_pool, size: 2}, {repeat: {times: 2, layers: [{type: "
        "dropout, rate: 1/4}]}}, flatten, {type: dense, units: 10, name: head, init: {bias: {type: constant, value: "
        "1/3}}}]}\n";
    for (size_t i = 0; i < GR_COUNT(bodies); i++) {
        char text[4000];
        snprintf(text, sizeof text, "%s%s", head, bodies[i]);
        check_quoted(text);
    }
    int n;
    const gr_zoo_recipe *zoo = gr__zoo(&n);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) check_quoted(zoo[i].text);
}

/* What is text stays text, and what is no number is refused as before. */
static void test_quoted_text(void **state)
{
    (void)state;
    static const char text[] =
        "name: \"007\"\ndata: {train: {type: npy, inputs: x.npy, targets: y.npy}}\n"
        "model: {input: [4], layers: [{type: dense, units: 3, name: \"12\"}, {type: dense, units: 2, from: \"12\"}]}\n";
    gr_context *ctx = test_context();
    gr_recipe *r;
    test_ok(ctx, gr__recipe_from_text(ctx, "r", "/", text, strlen(text), NULL, 0, &r));
    assert_string_equal(r->name, "007");
    gr__recipe_close(ctx, r);
    static const char *const refused[] = {"optimizer.lr=\"0,01\"", "optimizer.lr=\"\"",   "optimizer.lr=\"null\"",
                                          "seed=\"1.5\"",          "data.batch=\"many\"", "data.drop_last=\"1\"",
                                          "seed=\"true\""};
    for (size_t i = 0; i < GR_COUNT(refused); i++) {
        const char *set = refused[i];
        assert_int_not_equal(gr__recipe_from_text(ctx, "r", "/", text, strlen(text), &set, 1, &r), GR_OK);
        assert_int_equal(gr_status_exit_code(gr__error_code(ctx)), 2);
        gr_context_clear_error(ctx);
    }
    test_context_end(ctx);
}

/* ---- hints ---- */

static void check_hint(const char *set, const char *hint)
{
    static const char text[] =
        "data: {train: {type: csv, file: x.csv, target: y}}\n"
        "model: {input: [8, 8, 1], layers: [{type: conv, filters: 2, kernel: 3}, {type: max_pool, "
        "size: 2}, {type: dropout, rate: 0.1}, flatten, {type: dense, units: 3}]}\n";
    gr_context *ctx = test_context();
    gr_recipe *r;
    assert_int_not_equal(gr__recipe_from_text(ctx, "r", "/", text, strlen(text), &set, 1, &r), GR_OK);
    if (!strstr(gr_context_error(ctx)->hint, hint))
        fail_msg("%s: the hint of \"%s\" is \"%s\", not \"%s\"", set, gr_context_error(ctx)->message,
                 gr_context_error(ctx)->hint, hint);
    assert_int_equal(gr_status_exit_code(gr__error_code(ctx)), 2);
    gr_context_clear_error(ctx);
    test_context_end(ctx);
}

static void test_synonyms(void **state)
{
    (void)state;
    static const struct {
        const char *set, *hint;
    } cases[] = {
        {"loss=mse", "\"cost\""},
        {"optimiser=adam", "\"optimizer\""},
        {"scheduler=step", "\"schedule\""},
        {"learning_rate=0.1", "optimizer.lr"},
        {"batch_size=8", "data.batch"},
        {"batchSize=8", "data.batch"},
        {"epochs=3", "stop.epochs"},
        {"max_epochs=3", "stop.epochs"},
        {"val={split: 0.1}", "data.validation"},
        {"momentum=0.9", "optimizer.momentum"},
        {"dropout_rate=0.9", "there are"},
        {"data.batch_size=8", "\"batch\""},
        {"data.val={split: 0.1}", "\"validation\""},
        {"data.preprocessing=[]", "\"prepare\""},
        {"data.train.label=y", "\"target\""},
        {"data.train.sep=;", "\"delimiter\""},
        {"data.train.batch_size=3", "data.batch"},
        {"data.train.type=numpy", "\"npy\""},
        {"data.train.type=mnist", "\"idx\""},
        {"optimizer.learning_rate=1", "\"lr\""},
        {"optimizer.wd=1", "\"weight_decay\""},
        {"optimizer.epochs=1", "stop.epochs"},
        {"optimizer.type=nesterov", "\"nag\""},
        {"optimizer.type=momentum", "\"sgdm\""},
        {"stop.max_epochs=1", "\"epochs\""},
        {"stop.iterations=1", "\"steps\""},
        {"schedule=cosine", "\"restarts\""},
        {"schedule=StepLR", "\"step\""},
        {"schedule=ReduceLROnPlateau", "\"plateau\""},
        {"cost=bce", "\"binary_cross_entropy\""},
        {"cost=CrossEntropyLoss", "\"cross_entropy\""},
        {"cost=l1", "\"mae\""},
        {"metrics=acc", "\"accuracy\""},
        {"metrics=[f1_score]", "\"f1\""},
        {"init.weights=he_normal", "\"kaiming\""},
        {"init.weights=glorot", "\"xavier\""},
        {"model.layers[4].type=linear", "\"dense\""},
        {"model.layers[4].type=fc", "\"dense\""},
        {"model.layers[0].type=conv2d", "\"conv\""},
        {"model.layers[1].type=MaxPool2d", "\"max_pool\""},
        {"model.layers[0].out_channels=3", "\"filters\""},
        {"model.layers[0].kernel_size=3", "\"kernel\""},
        {"model.layers[1].pool_size=3", "\"size\""},
        {"model.layers[2].p=0.3", "\"rate\""},
        {"model.layers[4].out_features=3", "\"units\""},
        {"model.layers[4].use_bias=false", "\"bias\""},
        {"model.layers[4].lr=0.1", "optimizer.lr"},
        {"model.input_shape=[3]", "\"input\""},
        {"losses={a: mse}", "\"heads\""},
        {"inputs={a: [2]}", "model.inputs"},
        {"data.train.sample_weight=w", "\"weights\""},
        {"preset=pytorch", "\"torch\""},
        {"precision=double", "\"float64\""},
        /* as PyTorch, Keras and scikit-learn spell them */
        {"model.layers[4].type=Linear", "\"dense\""},
        {"model.layers[4].type=torch.nn.Linear", "\"dense\""},
        {"model.layers[4].type=LazyLinear", "\"dense\""},
        {"model.layers[4].type=Conv1D", "\"conv\""},
        {"model.layers[4].type=DepthwiseConv2D", "\"conv\""},
        {"model.layers[4].type=MaxPooling1D", "\"max_pool\""},
        {"model.layers[4].type=AvgPool1d", "\"avg_pool\""},
        {"model.layers[4].type=AveragePooling1D", "\"avg_pool\""},
        {"model.layers[4].type=AdaptiveAvgPool1d", "\"adaptive_avg_pool\""},
        {"model.layers[4].type=Conv2DTranspose", "\"conv_transpose\""},
        {"model.layers[4].type=GlobalMaxPool2d", "\"global_max_pool\""},
        {"model.layers[4].type=ConvTranspose2d", "\"conv_transpose\""},
        {"model.layers[4].type=GlobalAveragePooling1D", "\"global_avg_pool\""},
        {"model.layers[4].type=LogSoftmax", "\"log_softmax\""},
        {"model.layers[4].activation=GELU", "\"gelu\""},
        {"model.layers[4].activation=Swish", "\"silu\""},
        {"model.layers[4]=Hardswish", "\"hard_swish\""},
        {"model.layers[4]=HardSigmoid", "\"hard_sigmoid\""},
        {"model.layers[4]=ReLU6", "\"relu6\""},
        {"model.layers[4]=PReLU", "\"prelu\""},
        {"model.layers[4]={type: prelu, num_parameters: 1}", "\"shared\""},
        {"model.layers[4]={type: gelu, approximate: tanh}", "\"form\""},
        {"model.layers[4].type=InstanceNorm2d", "\"instance_norm\""},
        {"model.layers[4].type=LayerNormalization", "\"layer_norm\""},
        {"model.layers[4].type=GroupNorm", "\"group_norm\""},
        {"model.layers[4].type=RMSNorm", "\"rms_norm\""},
        {"model.layers[4].type=BatchRenorm", "\"batch_renorm\""},
        {"model.layers[4]={type: layer_norm, elementwise_affine: false}", "\"affine\""},
        {"model.layers[4].type=BatchNorm2d", "\"batch_norm\""},
        {"model.layers[4].type=SyncBatchNorm", "\"batch_norm\""},
        {"model.layers[4].type=Dropout2d", "\"dropout\""},
        {"model.layers[4].type=SpatialDropout2D", "\"dropout\""},
        {"model.layers[4].type=Softmax2d", "\"softmax\""},
        {"model.layers[4].type=InputLayer", "model.input"},
        {"model.layers[4].dropout=0.1", "a layer of its own"},
        {"model.layers[4].in_features=3", "model.input"},
        {"model.layers[4].kernel_regularizer=l2", "penalty"},
        {"optimizer=AdamW", "\"adamw\""},
        {"optimizer=SGD", "\"sgd\""},
        {"optimizer=RMSprop", "\"rmsprop\""},
        {"optimizer=AdamOptimizer", "\"adam\""},
        {"optimizer=sgd_nesterov", "\"nag\""},
        {"optimizer=Lookahead", "elsewhere: lookahead"},
        {"optimizer=SWA", "elsewhere: average"},
        {"optimizer={type: sgdm, nesterov: true}", "optimizer: nag"},
        {"optimizer={type: adam, amsgrad: true}", "optimizer: amsgrad"},
        {"optimizer={type: adam, betas: [0.9, 0.99]}", "\"beta1\""},
        {"optimizer={type: adam, clipnorm: 1}", "elsewhere: clip"},
        {"schedule=MultiStepLR", "\"step\""},
        {"schedule=ExponentialLR", "\"step\""},
        {"schedule=CosineAnnealingLR", "\"restarts\""},
        {"schedule=CosineAnnealingWarmRestarts", "\"restarts\""},
        {"schedule=CosineDecayRestarts", "\"restarts\""},
        {"schedule=PiecewiseConstantDecay", "\"step\""},
        {"schedule=linear_with_warmup", "\"polynomial\""},
        {"schedule=warmup", "schedule.warmup"},
        {"schedule={type: step, decay_rate: 0.5}", "\"gamma\""},
        {"schedule={type: plateau, monitor: val_loss}", "\"metric\""},
        {"cost=MSELoss", "\"mse\""},
        {"cost=nn.BCEWithLogitsLoss", "\"binary_cross_entropy\""},
        {"cost=categorical_crossentropy", "\"cross_entropy\""},
        {"cost=SparseCategoricalCrossentropy", "\"cross_entropy\""},
        {"cost=SmoothL1Loss", "\"huber\""},
        {"cost=KLDivergence", "\"kl\""},
        {"cost={type: mse, reduction: average}", "\"mean\""},
        {"metrics=[auroc]", "\"auc\""},
        {"metrics=[roc_auc_score]", "\"auc\""},
        {"metrics=[mean_squared_error]", "\"rmse\""},
        {"metrics=[MeanAbsoluteError]", "\"mae\""},
        {"metrics=[balanced_accuracy_score]", "\"balanced_accuracy\""},
        {"metrics=[BinaryAccuracy]", "\"accuracy\""},
        {"metrics=[TopKCategoricalAccuracy]", "\"top_k\""},
        {"metrics=[top5]", "\"top_k\""},
        {"metrics=[macro_f1]", "\"f1\""},
        {"metrics=[sensitivity]", "\"recall\""},
        {"metrics=[matthews_corrcoef]", "\"mcc\""},
        {"metrics=[r2_score]", "\"r2\""},
        {"metrics=[ppl]", "\"perplexity\""},
        {"metrics=[loss]", "elsewhere: cost"},
        {"val_split=0.1", "data.validation"},
        {"early_stopping=3", "stop.patience"},
        {"outputs=2", "\"heads\""},
        {"loss_weights=[1, 2]", "\"heads\""},
        {"inputs={a: [2]}", "model.inputs"},
        {"model.outputs=2", "elsewhere: heads"},
        {"sample_weight=w", "data.train.weights"},
        {"data.train.sample_weight=w", "\"weights\""},
        {"data.train.input=w", "\"inputs\""},
        {"stop={early_stopping: 3}", "\"patience\""},
        {"gpu=1", "\"device\""},
        {"data.shuffle=true", "\"every_epoch\""},
        {"data.shuffle=false", "\"none\""},
        {"data.train.header=no", "\"false\""},
        {"data.drop_remainder=true", "\"drop_last\""},
        {"data.prepare=[MinMaxScaler]", "\"scale\""},
        {"data.prepare=[ToTensor]", "\"scale\""},
        {"init.weights=HeNormal", "\"kaiming\""},
        {"init.weights=ones", "\"constant\""},
        {"precision=64", "\"float64\""},
        /* of other tools, and not of ours yet, however near another name is */
        {"device=gpu", "not there yet"},
        {"device=gpu", "cpu"},
        {"device=CUDA", "not there yet"},
        {"device=cuda:0", "not there yet"},
        {"device=cuda", "cpu"},
        {"precision=fp16", "not there yet"},
        {"average=lawa", "there are swa, ema"},
        {"model.layers[4].type=Conv3d", "not there yet"},
        {"model.layers[4].type=MaxPool3d", "not there yet"},
        {"model.layers[4].type=ConvTranspose3d", "not there yet"},
        {"model.layers[4].type=CELU", "not there yet"},
        {"model.layers[4].type=TransformerEncoder", "did you mean \"transformer_block\"?"},
        {"model.layers[4]=mish", "not there yet"},
        {"model.layers[4].activation=SELU", "not there yet"},
        {"model.layers[4].type=conv_lstm", "not there yet"},
        {"model.layers[4].type=DEQ", "did you mean \"equilibrium\"?"},
        {"model.layers[4].type=HyperNetwork", "did you mean \"hyper\"?"},
        {"optimizer=Adamax", "not there yet"},
        {"optimizer=LBFGS", "not there yet"},
        {"optimizer=AdaBelief", "not there yet"},
        {"schedule=LambdaLR", "not there yet"},
        {"cost=HingeEmbeddingLoss", "not there yet"},
        {"cost=mean_absolute_percentage_error", "not there yet"},
        {"metrics=[mape]", "not there yet"},
        {"metrics=[specificity]", "not there yet"},
        {"init.weights=lecun_normal", "not there yet"},
        {"data.train.type=parquet", "not there yet"},
        /* still to come, whatever resembles them */
        {"model.layers[2].type=selu", "not there yet"},
        /* a value where a map with one key is meant */
        {"data.validation=0.1", "{split: 0.1}"},
        {"data.test=15 %", "{split: 0.15}"},
        {"data.validation=\"0.25\"", "{split: 0.25}"},
        {"data.limit=100", "{train: 100}"},
        {"stop=20", "{epochs: 20}"},
        {"validate=5", "{every: 5}"},
        {"checkpoint=1 epoch", "{every: 1 epoch}"},
        {"clip=1.0", "{norm: 1.0}"},
        {"penalty=0.1", "{l2: 1e-4}"},
        {"optimizer=0.1", "{type: name"},
    };
    for (size_t i = 0; i < GR_COUNT(cases); i++) check_hint(cases[i].set, cases[i].hint);
    char name[] = "lr"; /* the candidate itself is given back, not an equal text */
    const char *const own[] = {"units", name};
    assert_ptr_equal(gr__nearest("learning_rate", own, 2), name);
    assert_ptr_equal(gr__synonym("eta", own, 2), name);
    assert_null(gr__synonym("eta", own, 1));
}

/* A name that exists is not to come: the list is shortened when one is made. */
static void test_later_is_later(void **state)
{
    (void)state;
    int n, rows = 0;
#define FAMILY(get)                                             \
    for (int i = 0; i < (get(&n), n); i++) {                    \
        assert_false(gr__name_is_later(get(&n)[i]->head.name)); \
        rows++;                                                 \
    }
    FAMILY(gr__layers)
    FAMILY(gr__costs)
    FAMILY(gr__inits)
    FAMILY(gr__optimizers)
    FAMILY(gr__schedules)
#undef FAMILY
    static const gr_family *const families[] = {&gr__family_metric, &gr__family_source, &gr__family_prepare,
                                                &gr__family_augment, &gr__family_penalty};
    for (size_t k = 0; k < GR_COUNT(families); k++)
        for (int i = 0; i < families[k]->n; i++) {
            assert_false(gr__name_is_later(families[k]->head[i]->name));
            rows++;
        }
    assert_true(rows > 70);
    assert_true(gr__name_is_later("mish"));
    assert_false(gr__name_is_later("mis"));
    assert_false(gr__name_is_later(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quoted_numbers), cmocka_unit_test(test_quoted_text),
                                       cmocka_unit_test(test_synonyms), cmocka_unit_test(test_later_is_later)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
