/* The sections of a recipe: one descriptor each, from which checking, the resolved recipe and the documentation come.
 *
 * Rows of kind TREE are read by recipe.c: members of families, lists, and what may be none. */
#include <stdio.h>
#include <string.h>

#include "model/section.h"

/* What a resumed run may have otherwise: when to stop, look, write and keep, and how fast to run. */
#define RESUMABLE .resumable = true

static const gr_row recipe_rows[] = {
    GR_ROW("gradus", INT, "1", "{1}", "", "version of the recipe format"),
    GR_ROW("name", TEXT, "none", "", "", "names the run folder; by default the recipe's file name", RESUMABLE),
    GR_ROW("preset", CHOICE, "chapter", "chapter|paper|torch", "", "whose default values members take"),
    GR_ROW("phase", CHOICE, "none", "design|new|established", "",
           "where the project stands: under `design`, gradus check warns of what is for a design that stands",
           RESUMABLE),
    GR_ROW("seed", INT, "1", "[0,9007199254740991]", "", "of every random choice"),
    GR_ROW("data", TREE, NULL, "a map", "", "sources, split, preparation, batches"),
    GR_ROW("model", TREE, NULL, "a map, a file, or {zoo: NAME}", "", "input and layers"),
    GR_ROW("init", TREE, "none", "{weights, bias, last_bias, relu_bias}", "",
           "initial values; by default Kaiming, Xavier where no ReLU follows, zero biases"),
    GR_ROW("cost", TREE, "cross_entropy", "a cost", "", "what training makes small; with it, reduction: mean | sum"),
    GR_ROW("heads", TREE, "none", "{NAME: {from, cost, weight, metrics}}", "",
           "instead of cost: several outputs, each with a cost of its own"),
    GR_ROW("metrics", TREE, "none", "a list of metrics", "",
           "what evaluation reports beside cost and error; by default accuracy, with f1 where training classes are "
           "unbalanced beyond 3:1, or rmse",
           RESUMABLE),
    GR_ROW("best_by", TREE, "error", "error, cost or a metric", "",
           "what makes a model best, and patience wait: of validation; ties by cost, then the earlier"),
    GR_ROW("penalty", TREE, "none", "none or {l2: 1e-4, l1: 0}", "",
           "terms of the cost that depend on the weights alone"),
    GR_ROW("optimizer", TREE, "adam", "an optimizer", "", "turns gradients into steps; lr is the base rate"),
    GR_ROW("schedule", TREE, "constant", "a schedule", "", "the rate over time, with warm-up"),
    GR_ROW("clip", TREE, "none", "none, {norm: 1.0, per: all | layer} or {value: 0.5}", "", "limits gradients"),
    GR_ROW("average", TREE, "none", "none, {type: swa, start: 0.75, cycle: 1 epoch} or {type: ema, decay: 0.999}", "",
           "weight averaging beside the training"),
    GR_ROW("lookahead", TREE, "none", "none or {k: 5, alpha: 0.5}", "", "slow weights around the optimizer"),
    GR_ROW("sam", TREE, "none", "none or {rho: 0.05}", "", "gradients from where the cost is highest nearby"),
    GR_ROW("prune", TREE, "none", "none or {to: 0.8, from_step: 0, to_step: 1000, every: 100}", "",
           "gradual pruning: ever more of the smallest weights become 0, and stay 0"),
    GR_ROW("stop", TREE, "none", "a map", "", "when training ends; by default after 5 epochs", RESUMABLE),
    GR_ROW("validate", TREE, "none", "none or {every: 1 epoch}", "",
           "when the model is validated; by default every epoch where there is validation data", RESUMABLE),
    GR_ROW("checkpoint", TREE, "none", "none or {every: 1 epoch, keep: 2}", "",
           "when a checkpoint is written; by default every epoch", RESUMABLE),
    GR_ROW("log", TREE, "none", "{every: 1, histograms: 1 epoch}", "",
           "how often a line of metrics is written, by default every update; events, the terminal", RESUMABLE),
    GR_ROW("start", TREE, "none", "none or {from: MODEL, new: [PATTERN]}", "",
           "a model whose weights training starts from; new: all but those of tensors that match"),
    GR_ROW("adapter", TREE, "none", "none or {rank: 8, alpha: 8, match: PATTERNS}", "",
           "low-rank matrices that are trained beside weights; models hold the sums"),
    GR_ROW("groups", TREE, "none", "none, or a list of {match, lr_scale, freeze, unfreeze, weight_decay}", "",
           "settings by parameter name; the first match counts"),
    GR_ROW("accumulate", INT, "1", "[1,1000000]", "", "micro-batches an update"),
    GR_ROW("precision", CHOICE, "float32", "float32|float64", "", "of weights and arithmetic"),
    GR_ROW("store", TREE, "float32",
           "float32, bfloat16, float16, lossless or {type: quantized, bits: 8|4|2, group: 256}", "",
           "how activations are kept from the forward to the backward pass; arithmetic stays as `precision` says"),
    GR_ROW("algorithm", CHOICE, "auto", "auto|exact|direct", "",
           "which kernels may compute: exact has no Winograd beyond F(2x2,3x3)"),
    GR_ROW("memory", TREE, "none", "none, or bytes such as 2G", "bytes",
           "budget of training memory: what there is no room for is computed again, as `remat` says", RESUMABLE),
    GR_ROW("remat", TREE, "none", "none, auto, optimal, chen, sqrt, {every: 10}, {keep: [NAMES]} or {revolve: 3}", "",
           "what of the forward pass is computed again rather than kept; by default auto, as little as `memory` asks "
           "for, where there is `memory`. Never changes a bit of the result",
           RESUMABLE),
    GR_ROW("limit", TREE, "none", "none or {serving_bytes: 256K}", "",
           "what the trained model may take where it serves", RESUMABLE),
    GR_ROW("device", CHOICE, "auto", "auto|cpu|ref|cuda", "", "what computes; auto: ref for float64, else cpu"),
    GR_ROW("threads", TREE, "auto", "auto, or 1 to 1024", "threads",
           "worker threads; never changes a bit of the result", RESUMABLE),
    GR_ROW("workers", TREE, "auto", "auto, or 1 to 256", "threads",
           "that read and change samples while an update runs, where there is that to do; auto: as many as `threads`. "
           "Never changes a bit of the result",
           RESUMABLE),
    GR_ROW(
        "hold", TREE, "auto", "auto, or bytes such as 512M", "",
        "inputs up to so much are held in memory, else read when they are wanted, by sources that can; auto: half of "
        "`memory`, or all (of files that are decoded up to 1 GiB). Never changes a bit of the result",
        RESUMABLE),
};
const gr_member gr__section_recipe = {.family = "recipe",
                                      .name = "recipe",
                                      .title = "A recipe: all that a training run is made from",
                                      .cite = "",
                                      .equations = "",
                                      GR_ROWS(recipe_rows)};

static const gr_row data_rows[] = {
    GR_ROW("train", TREE, "none", "a source", "", "training data"),
    GR_ROW("validation", TREE, "none", "a source or {split: 0.1}", "",
           "validation data: of its own, or cut from the training data"),
    GR_ROW("test", TREE, "none", "a source or {split: 0.1}", "",
           "test data: of its own, or cut from the training data"),
    GR_ROW("source", TREE, "none", "a source", "", "instead of the three: one source that split divides"),
    GR_ROW("split", TREE, "none", "{train: .8, validation: .15, test: .05, stratify: true}, or auto", "",
           "how source is divided"),
    GR_ROW("exclude", TREE, "none", "none, or a file", "",
           "a list of rows to leave out before all else, as `data check --fix` writes it"),
    GR_ROW("limit", TREE, "none", "{train: N}", "", "for experiments: only N training samples"),
    GR_ROW("balance", TREE, "none", "a member of balance", "",
           "training rows of unequal classes made more equal: after the split and limit, before augmentation"),
    GR_ROW("prepare", TREE, "none", "a list of steps", "",
           "what is done to every sample; statistics are those of the training rows"),
    GR_ROW("target", TREE, "none", "{standardize: true}", "",
           "standardize: values to predict have mean 0 and deviation 1 over the training rows within the network; "
           "predictions, errors and metrics are in the data's unit, the cost is not"),
    GR_ROW("augment", TREE, "none", "a list of changes", "",
           "random changes of training samples; evaluation and prediction never see them"),
    GR_ROW("augment_mode", TREE, "on_the_fly", "on_the_fly or {materialise: 10}", "",
           "on_the_fly: samples are changed anew in every epoch; materialise: an epoch has so many of each, the first "
           "as it "
           "is, the others changed in the same way in every epoch"),
    GR_ROW("shuffle", CHOICE, "once", "once|every_epoch|none", "", "order of the training samples"),
    GR_ROW("batch", TREE, "64", "all, or 1 to 1000000000", "samples", "samples a micro-batch"),
    GR_ROW("drop_last", BOOL, "false", "", "", "leaves out the short last batch of an epoch"),
    GR_ROW("buckets", TREE, "none", "how many, 2 to 64, or a list of steps", "steps",
           "training batches of sequences about as long, without the steps that none of them has; a number: limits "
           "equally far apart"),
};
const gr_member gr__section_data = {.family = "recipe",
                                    .name = "data",
                                    .title = "Where samples come from and how they are fed",
                                    .cite = "",
                                    .equations = "",
                                    GR_ROWS(data_rows)};

static const gr_row split_rows[] = {
    GR_ROW("train", REAL, "none", "(0,1]", "1", "share of the training part; by default the rest"),
    GR_ROW("validation", REAL, "0", "[0,1)", "1", "share of the validation part"),
    GR_ROW("test", REAL, "0", "[0,1)", "1", "share of the test part"),
    GR_ROW("folds", INT, "none", "[2,1000]", "folds", "instead of validation: all but the test part in so many folds"),
    GR_ROW("fold", INT, "none", "[1,1000]", "1", "with folds: which of them is the validation part"),
    GR_ROW("stratify", BOOL, "true", "", "", "keeps the shares of the classes in every part"),
    GR_ROW("sizes", CHOICE, "given", "given|auto", "",
           "auto: the chapter's shares, by how many samples there are; also written as split: auto"),
    GR_ROW("group", TREE, "none", "none, a column, or a file of an array", "",
           "samples of equal values stay in one part; not stratified"),
    GR_ROW("order", TREE, "none", "none, file, a column, or a file of an array", "",
           "cut in this order, first the training part, then validation, then test; not stratified"),
};
const gr_member gr__section_split = {.family = "recipe",
                                     .name = "split",
                                     .title = "How one source is divided",
                                     .cite = "",
                                     .equations = "",
                                     GR_ROWS(split_rows)};

static const gr_row target_rows[] = {
    GR_ROW("standardize", BOOL, "false", "", "", "mean 0 and deviation 1 over the training rows, of each output"),
};
const gr_member gr__section_target = {.family = "recipe",
                                      .name = "target",
                                      .title = "What is done to values that are predicted",
                                      .cite = "",
                                      .equations =
                                          "the network is trained on (y - mean) / std and predicts z * std + mean",
                                      GR_ROWS(target_rows)};

static const gr_row cut_rows[] = {
    GR_ROW("split", REAL, "none", "(0,1)", "1", "share of the training data that is cut off"),
    GR_ROW("folds", INT, "none", "[2,1000]", "folds",
           "of validation, instead of split: the training data in so many folds, alike in each class but for a sample"),
    GR_ROW("fold", INT, "none", "[1,1000]", "1", "with folds: which of them is the part"),
    GR_ROW("stratify", BOOL, "true", "", "", "keeps the shares of the classes"),
    GR_ROW("group", TREE, "none", "none, a column, or a file of an array", "",
           "samples of equal values stay in one part; not stratified"),
    GR_ROW("order", TREE, "none", "none, file, a column, or a file of an array", "",
           "cut in this order, first the training part, then validation, then test; not stratified"),
};
const gr_member gr__section_cut = {.family = "recipe",
                                   .name = "cut",
                                   .title = "A part cut from the training data",
                                   .cite = "",
                                   .equations = "",
                                   GR_ROWS(cut_rows)};

static const gr_row limit_rows[] = {
    GR_ROW("train", INT, NULL, "[1,1000000000000]", "samples", "the first so many of a seeded permutation"),
};
const gr_member gr__section_limit = {.family = "recipe",
                                     .name = "limit",
                                     .title = "Only a part of the data, for experiments",
                                     .cite = "",
                                     .equations = "",
                                     GR_ROWS(limit_rows)};

static const gr_row model_rows[] = {
    GR_ROW("input", TREE, "none", "[height, width, channels], [length, features] or features", "", "a sample's shape"),
    GR_ROW("inputs", TREE, "none", "{NAME: shape}", "",
           "instead of input: several, which layers name in `from`, and the data in `inputs`"),
    GR_ROW("layers", TREE, NULL, "a list of layers", "", "from input to output"),
};
const gr_member gr__section_model = {
    .family = "recipe", .name = "model", .title = "The network", .cite = "", .equations = "", GR_ROWS(model_rows)};

static const gr_row head_rows[] = {
    GR_ROW("from", TREE, "none", "a layer's name", "", "the layer that gives it; by default the last"),
    GR_ROW("cost", TREE, "cross_entropy", "a cost", "",
           "what training makes small, over the target of the head's name"),
    GR_ROW("weight", REAL, "1", "[0,inf)", "1", "of its mean cost in the sum over all heads"),
    GR_ROW("metrics", TREE, "none", "a list of metrics", "", "as the recipe's own, of this head", RESUMABLE),
};
const gr_member gr__section_head = {.family = "recipe",
                                    .name = "head",
                                    .title = "One of several outputs, with its cost",
                                    .cite = "",
                                    .equations = "",
                                    GR_ROWS(head_rows)};

static const gr_row zoo_rows[] = {
    GR_ROW("zoo", TEXT, NULL, "", "", "a recipe of the zoo"),
    GR_ROW("classes", INT, "none", "[1,1000000]", "outputs",
           "how many the last layer gives; of a network that ends with features, of a dense layer behind it"),
    GR_ROW("input", TREE, "none", "a shape", "", "another sample shape, of every input"),
    GR_ROW("dropout", REAL, "none", "[0,1)", "1", "what every layer leaves out that may leave numbers out"),
};
const gr_member gr__section_zoo = {.family = "recipe",
                                   .name = "zoo model",
                                   .title = "A network of the zoo",
                                   .cite = "",
                                   .equations = "",
                                   GR_ROWS(zoo_rows)};

static const gr_row stop_rows[] = {
    GR_ROW("epochs", INT, "none", "[1,1000000000]", "epochs", "after so many passes over the training data"),
    GR_ROW("steps", INT, "none", "[0,1000000000000]", "updates",
           "after so many updates; 0: nothing is trained, and the start is written as last"),
    GR_ROW("seconds", REAL, "none", "(0,inf)", "s", "after so much time"),
    GR_ROW("patience", INT, "none", "[1,1000000000]", "evaluations",
           "ends at the evaluation N+1 of a row without a better model; N is forgiven"),
    GR_ROW("monitor", TREE, "none", "none, error, cost or a metric", "",
           "what patience watches; by default what best_by says"),
    GR_ROW("train_longer", TREE, "none", "none, or a factor above 1 such as 2x", "",
           "where patience would end the run it goes on to so many times the updates; result.json tells of both"),
    GR_ROW("validation_error_below", REAL, "none", "(0,inf)", "1", "at the first evaluation whose error is below it"),
    GR_ROW("train_error_below", REAL, "none", "(0,inf)", "1",
           "likewise of the first training samples, 4096 at most, as they are: evaluations judge these too"),
};
const gr_member gr__section_stop = {.family = "recipe",
                                    .name = "stop",
                                    .title = "When training ends: whichever comes first",
                                    .cite = "",
                                    .equations = "",
                                    GR_ROWS(stop_rows)};

static const gr_row start_rows[] = {
    GR_ROW("from", PATH, NULL, "a model", "", "whose weights, names and preparation training starts from"),
    GR_ROW("new", TREE, "none", "none, or a list of patterns", "",
           "of full tensor names, as head.weight: these start as init says, and may have other shapes than the "
           "model's; with some, classes are those of the data"),
    GR_ROW("force", BOOL, "false", "", "",
           "the recipe's own preparation, fitted on its data, and its classes, where the model's are others"),
};
const gr_member gr__section_start = {.family = "recipe",
                                     .name = "start",
                                     .title = "What training starts from",
                                     .cite = "",
                                     .equations = "",
                                     GR_ROWS(start_rows)};

static const gr_row adapter_rows[] = {
    GR_ROW("rank", INT, "8", "[1,100000]", "1", "how many rows A has, and columns B"),
    GR_ROW("alpha", REAL, "none", "(0,inf)", "1", "their product counts alpha / rank times; rank unless given"),
    GR_ROW("match", TREE, "*", "a pattern, or a list of patterns", "",
           "of names of weights; of these all of dense and attention layers have one"),
};
const gr_member gr__section_adapter = {.family = "recipe",
                                       .name = "adapter",
                                       .title = "Low-rank adapters of weights",
                                       .cite = "Hu et al. 2021, LoRA",
                                       .equations = "W + (alpha / rank) B A        A [rank, inputs] normal, B [units, "
                                                    "rank] 0 at first",
                                       GR_ROWS(adapter_rows)};

static const gr_row store_rows[] = {
    GR_ROW("bits", INT, "8", "[2,8]", "bits", "of a quantized value: 8, 4 or 2"),
    GR_ROW("group", INT, "256", "[1,1048576]", "values", "of one sample that share a least and a range"),
};
const gr_member gr__section_store = {.family = "recipe",
                                     .name = "store",
                                     .title = "How activations are kept between the passes",
                                     .cite = "Jain et al. 2018, Gist; Chen et al. 2021, ActNN",
                                     .equations = "quantized: Z = min, r = max - min, code = floor((2^bits - 1)(x - Z) "
                                                  "/ r + u), u uniform\n"
                                                  "           read back as Z + code r / (2^bits - 1)",
                                     GR_ROWS(store_rows)};

static const gr_row validate_rows[] = {
    GR_ROW("every", TREE, "1 epoch", "updates, or as in `2 epochs`", "", "how often"),
};
const gr_member gr__section_validate = {.family = "recipe",
                                        .name = "validate",
                                        .title = "When the model is validated",
                                        .cite = "",
                                        .equations = "",
                                        GR_ROWS(validate_rows)};

static const gr_row checkpoint_rows[] = {
    GR_ROW("every", TREE, "1 epoch", "updates, or as in `2 epochs`", "", "how often"),
    GR_ROW("keep", INT, "2", "[1,1000000]", "files", "how many of the newest stay"),
    GR_ROW("snapshots", TREE, "none", "none, cycle, updates, or as in `2 epochs`", "",
           "models that are kept on the way, for an ensemble: `cycle`, where a cycle of the rate ends"),
};
const gr_member gr__section_checkpoint = {.family = "recipe",
                                          .name = "checkpoint",
                                          .title = "What lets a run continue to the same bits",
                                          .cite = "",
                                          .equations = "",
                                          GR_ROWS(checkpoint_rows)};

static const gr_row log_rows[] = {
    GR_ROW("every", TREE, "1", "updates, or as in `2 epochs`", "", "how often a line of metrics is written"),
    GR_ROW("events", BOOL, "true", "", "",
           "writes events/ for TensorBoard: the numbers of metrics.jsonl, and histograms and pictures where they are "
           "asked for"),
    GR_ROW(
        "histograms", TREE, "none", "none, updates, or as in `2 epochs`", "",
        "how often weights, their gradients and what layers give are counted, for a fixed batch of training samples"),
    GR_ROW("pictures", TREE, "none", "none, updates, or as in `2 epochs`", "",
           "how often samples and the filters of the first convolution are drawn"),
    GR_ROW("terminal", CHOICE, "plain", "plain|live", "",
           "what a terminal shows while training runs: a line of progress, or curves as well"),
};
const gr_member gr__section_log = {.family = "recipe",
                                   .name = "log",
                                   .title = "What is told of a run, and how often",
                                   .cite = "",
                                   .equations = "",
                                   GR_ROWS(log_rows)};

static const gr_row serving_rows[] = {
    GR_ROW("serving_bytes", TREE, "none", "none, or bytes such as 256K", "bytes",
           "tensor memory of predicting one sample, the parameters included; plan says what it is"),
};
const gr_member gr__section_serving = {.family = "recipe",
                                       .name = "serving limit",
                                       .title = "What the trained model may take where it serves",
                                       .cite = "",
                                       .equations = "",
                                       GR_ROWS(serving_rows)};

const gr_member *const *gr__recipe_sections(int *n)
{
    static const gr_member *const sections[] = {
        &gr__section_recipe,     &gr__section_data,    &gr__section_split,   &gr__section_cut,  &gr__section_target,
        &gr__section_limit,      &gr__section_model,   &gr__section_head,    &gr__section_zoo,  &gr__init_section,
        &gr__section_start,      &gr__section_adapter, &gr__section_store,   &gr__section_stop, &gr__section_validate,
        &gr__section_checkpoint, &gr__section_log,     &gr__section_serving, &gr__schedule_tail};
    *n = (int)GR_COUNT(sections);
    return sections;
}

static bool may_change(const gr_member *section, const char *key)
{
    for (int i = 0; i < section->n_rows; i++)
        if (strcmp(section->rows[i].name, key) == 0) return section->rows[i].resumable;
    return false;
}

bool gr__recipe_resumable(const char *key)
{
    return may_change(&gr__section_recipe, key);
}

/* The same heads in the same order, alike but for what may change. */
static bool same_heads(const gr_tree *was, const gr_tree *is)
{
    if (was->kind != GR_TREE_MAP || is->kind != GR_TREE_MAP || was->n != is->n) return gr__tree_equal(was, is);
    for (int h = 0; h < is->n; h++) {
        const gr_tree *a = was->child[h], *b = is->child[h];
        if (strcmp(was->key[h], is->key[h]) != 0 || a->kind != GR_TREE_MAP || b->kind != GR_TREE_MAP) return false;
        for (int i = 0; i < b->n; i++) {
            const gr_tree *before = gr__tree_get(a, b->key[i]);
            if (may_change(&gr__section_head, b->key[i])) continue;
            if (!before || !gr__tree_equal(before, b->child[i])) return false;
        }
    }
    return true;
}

/* The order of inputs is that of a sample's fields, in files and in sums of the data. */
static bool same_model(const gr_tree *was, const gr_tree *is)
{
    const gr_tree *a = gr__tree_get(was, "inputs"), *b = gr__tree_get(is, "inputs");
    if (!gr__tree_equal(was, is)) return false;
    for (int i = 0; a && b && i < b->n; i++)
        if (b->kind == GR_TREE_MAP && strcmp(a->key[i], b->key[i]) != 0) return false;
    return true;
}

/* The same weights, wherever the model lies now. */
static bool same_start(const gr_tree *was, const gr_tree *is)
{
    if (was->kind != GR_TREE_MAP || is->kind != GR_TREE_MAP) return gr__tree_equal(was, is);
    for (int i = 0; i < is->n; i++) {
        const gr_tree *before = gr__tree_get(was, is->key[i]);
        if (strcmp(is->key[i], "from") != 0 && (!before || !gr__tree_equal(before, is->child[i]))) return false;
    }
    return true;
}

bool gr__recipe_goes_on(const char *key, const gr_tree *was, const gr_tree *is)
{
    if (gr__recipe_resumable(key)) return true;
    if (!was || !is) return false;
    if (strcmp(key, "heads") == 0) return same_heads(was, is);
    if (strcmp(key, "start") == 0) return same_start(was, is);
    return strcmp(key, "model") == 0 ? same_model(was, is) : gr__tree_equal(was, is);
}

const char *gr__recipe_resumable_keys(char *text, size_t n)
{
    int left = 0;
    size_t at = 0;
    *text = 0;
    for (int i = 0; i < gr__section_recipe.n_rows; i++) left += gr__section_recipe.rows[i].resumable;
    for (int i = 0; i < gr__section_recipe.n_rows && at < n; i++) {
        if (!gr__section_recipe.rows[i].resumable) continue;
        const char *between = at == 0 ? "" : left == 1 ? " and " : ", ";
        left--;
        at += (size_t)snprintf(text + at, n - at, "%s%s", between, gr__section_recipe.rows[i].name);
    }
    return text;
}

gr_status gr__section_make(gr_context *ctx, gr__bump *b, const gr_member *m, const gr_tree *tree, gr_preset preset,
                           gr_settings *out)
{
    if (tree && tree->kind != GR_TREE_MAP) {
        char shown[200], hint[300] = "";
        if (tree->text && strspn(tree->text, "0123456789.")) /* a lone number, or `1 epoch`: of the first key */
            snprintf(hint, sizeof hint, "write {%s: %.100s}", m->rows[0].name, tree->text);
        return gr__tree_fail(ctx, tree, GR_E_TYPE, hint[0] ? hint : NULL, "%s is not a map of keys",
                             gr__tree_show(tree, shown, sizeof shown));
    }
    if (gr__tree_get(tree, "type")) /* members have one, sections do not */
        return gr__tree_fail(ctx, gr__tree_get(tree, "type"), GR_E_KEY, NULL, "unknown key \"type\"");
    return gr__settings_make(ctx, b, m, tree, preset, NULL, out);
}

gr_tree *gr__section_tree(gr__bump *b, const gr_settings *s)
{
    gr_tree *map = gr__tree_map(b);
    for (int i = 0; map && i < s->member->n_rows; i++) {
        gr_tree *value = s->value[i] ? gr__tree_copy(b, s->value[i]) : gr__tree_text(b, "none");
        if (!gr__tree_put(b, map, s->member->rows[i].name, value)) return NULL;
    }
    return map;
}
