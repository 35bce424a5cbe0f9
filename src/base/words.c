/* Words of other tools, and words of ours that are still to come: what a hint says of a name that is none. */
#include <string.h>

#include "base/text.h"

/* Case, '-' and '_' do not tell names apart: LeakyReLU, leaky-relu, leaky_relu. */
static bool same(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '_' || *a == '-') a++;
        while (*b == '_' || *b == '-') b++;
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (x != *b) return false;
        if (!x) return true;
    }
}

static bool listed(const char *name, const char *words)
{
    char word[64];
    for (size_t n; *words; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        if (n >= sizeof word) continue;
        memcpy(word, words, n);
        word[n] = '\0';
        if (same(name, word)) return true;
    }
    return false;
}

/* Ours, then what it is called elsewhere. Only names that may stand in the place are offered, so a word may have
 * several meanings: linear is a layer in one place and a schedule in another. */
static const struct {
    const char *ours, *theirs;
} synonyms[] = {
    /* sections and keys */
    {"cost", "loss loss_fn loss_function criterion objective"},
    {"optimizer", "optim optimiser solver"},
    {"schedule", "scheduler lr_scheduler lr_schedule learning_rate_schedule lr_policy"},
    {"model", "network net architecture arch"},
    {"data", "dataset datasets input_data"},
    {"penalty", "regularization regularisation regularizer regulariser kernel_regularizer"},
    {"clip", "gradient_clipping gradient_clip grad_clip clip_grad clip_norm clipnorm max_grad_norm gradient_clip_val"},
    {"init", "initializer initialiser initialization initialisation weight_init kernel_initializer"},
    {"validate", "evaluate evaluation val_check_interval eval_every"},
    {"metrics", "metric scores"},
    {"threads", "n_threads num_threads workers num_workers n_jobs jobs cpus"},
    {"precision", "dtype"},
    {"accumulate", "grad_accumulation gradient_accumulation accumulate_grad_batches gradient_accumulation_steps"},
    {"average", "swa ema averaging weight_averaging"},
    {"checkpoint", "checkpoints save checkpointing"},
    {"log", "logging logger"},
    {"stop", "early_stopping early_stop stopping"},
    {"groups", "param_groups parameter_groups"},
    {"seed", "random_seed random_state manual_seed rng_seed"},
    {"memory", "memory_limit max_memory"},
    {"lr", "learning_rate learn_rate base_lr initial_lr eta eta0"},
    {"batch", "batch_size batchsize bs minibatch mini_batch mini_batch_size"},
    {"epochs", "epoch n_epochs num_epochs max_epochs max_epoch nb_epoch n_epoch"},
    {"steps", "iterations max_steps max_iter max_iterations num_steps n_steps total_steps updates"},
    {"seconds", "max_time time timeout"},
    {"units", "out_features neurons nodes num_units n_units hidden hidden_size hidden_units width output_dim outputs"},
    {"filters", "out_channels n_filters num_filters channels units"},
    {"kernel", "kernel_size filter_size ksize size"},
    {"size", "pool_size window kernel kernel_size"},
    {"stride", "strides"},
    {"dilation", "dilation_rate"},
    {"rate", "p prob probability drop_rate dropout_rate drop drop_prob"},
    {"bias", "use_bias"},
    {"activation", "act act_fn nonlinearity non_linearity activation_fn"},
    {"slope", "negative_slope alpha"},
    {"eps", "epsilon"},
    {"weight_decay", "wd l2 decay_rate"},
    {"beta1", "betas"},
    {"warmup", "warmup_steps warmup_epochs num_warmup_steps warmup_iters"},
    {"every", "step_size interval frequency save_freq save_every each"},
    {"at", "milestones boundaries"},
    {"end", "min_lr eta_min end_lr final_lr"},
    {"low", "min_lr eta_min base_lr"},
    {"min", "min_lr"},
    {"high", "max_lr"},
    {"cycle", "t_0 period"},
    {"mult", "t_mult"},
    {"validation", "val valid validation_data val_data dev dev_set validation_split val_split validation_fraction"},
    {"train", "training train_data training_data trainset"},
    {"test", "test_data testset testing"},
    {"split", "fraction ratio test_size val_size splits"},
    {"stratify", "stratified"},
    {"prepare", "normalize normalise normalization preprocess preprocessing transform transforms scaler"},
    {"augment", "augmentation augmentations"},
    {"file", "path filename file_name csv source"},
    {"target", "label labels y target_column label_column class targets"},
    {"targets", "labels y"},
    {"inputs", "x features data"},
    {"weights", "weight sample_weight sample_weights"},
    {"heads", "outputs losses loss_weights"},
    {"columns", "features feature_columns input_columns usecols"},
    {"delimiter", "sep separator"},
    {"missing", "na_values missing_values nan_values"},
    {"header", "has_header"},
    {"input", "input_shape input_size input_dim in_shape shape"},
    {"layers", "modules blocks"},
    {"l2", "weight_decay l2_reg l2_regularization"},
    {"l1", "l1_reg lasso"},
    {"norm", "max_norm clip_norm"},
    {"value", "clip_value clipvalue"},
    {"lr_scale", "lr_mult learning_rate_scale"},
    {"freeze", "frozen trainable requires_grad"},
    {"match", "params pattern"},
    {"class_weights", "class_weight weight weights pos_weights"},
    {"positive_weight", "pos_weight"},
    {"label_smoothing", "smoothing smooth"},
    {"delta", "beta"},
    {"by", "factor scale"},
    {"with", "strategy"},
    {"keep", "save_top_k max_to_keep keep_last"},
    /* layers and activations */
    {"dense", "linear fc fully_connected fullyconnected inner_product innerproduct affine"},
    {"conv", "conv1d conv2d convolution convolution2d convolutional"},
    {"max_pool", "maxpool maxpool1d maxpool2d max_pool1d max_pool2d max_pooling max_pooling2d maxpooling2d pool"},
    {"avg_pool", "avgpool2d avg_pool2d average_pool average_pooling average_pooling2d mean_pool"},
    {"global_avg_pool", "gap global_average_pool global_average_pooling global_average_pooling2d adaptive_avg_pool2d"},
    {"batch_norm", "bn batchnorm1d batchnorm2d batch_normalization batch_normalisation"},
    {"leaky_relu", "lrelu"},
    {"sigmoid", "logistic"},
    {"flatten", "view reshape"},
    {"dropout", "drop"},
    {"add", "sum shortcut skip"},
    /* costs and metrics */
    {"cross_entropy", "ce xent cross_entropy_loss categorical_crossentropy sparse_categorical_crossentropy "
                      "softmax_cross_entropy nll nll_loss log_loss"},
    {"binary_cross_entropy", "bce bce_loss bce_with_logits bce_with_logits_loss binary_crossentropy"},
    {"mse", "mse_loss mean_squared_error squared_error l2 l2_loss"},
    {"mae", "mae_loss mean_absolute_error l1 l1_loss"},
    {"huber", "smooth_l1 smooth_l1_loss huber_loss"},
    {"kl", "kl_div kld kl_divergence kl_div_loss"},
    {"focal", "focal_loss"},
    {"accuracy", "acc categorical_accuracy top1"},
    {"f1", "f1_score fscore f_score"},
    {"rmse", "mse root_mean_squared_error"},
    /* optimizers, schedules, initialisers */
    {"sgdm", "momentum sgd_momentum sgd_with_momentum"},
    {"nag", "nesterov nesterov_momentum"},
    {"gd", "gradient_descent batch_gradient_descent"},
    {"restarts", "cosine cosine_annealing cosine_annealing_lr cosine_decay cosine_warm_restarts "
                 "cosine_annealing_warm_restarts warm_restarts sgdr"},
    {"polynomial", "poly linear linear_decay polynomial_lr linear_lr"},
    {"step", "steps step_lr multi_step multi_step_lr exponential exponential_lr exponential_decay piecewise"},
    {"one_cycle", "one_cycle_lr 1cycle super_convergence"},
    {"plateau", "reduce_on_plateau reduce_lr_on_plateau"},
    {"cyclic", "cyclic_lr clr triangular"},
    {"constant", "fixed none"},
    {"kaiming", "he he_normal he_uniform kaiming_normal kaiming_uniform msra"},
    {"xavier", "glorot glorot_normal glorot_uniform xavier_normal xavier_uniform"},
    {"normal", "gaussian random_normal"},
    {"uniform", "random_uniform"},
    {"zeros", "zero"},
    /* data */
    {"standardize", "standardise standard standard_scaler zscore z_score normalize normalise mean_std"},
    {"scale", "rescale minmax min_max divide"},
    {"impute", "imputer fillna"},
    {"npy", "numpy"},
    {"idx", "mnist ubyte fashion_mnist"},
    {"csv", "tsv table pandas"},
    {"torch", "pytorch"},
    {"every_epoch", "epoch each_epoch always"},
    {"float64", "double fp64"},
    {"float32", "float single fp32"},
    /* commands */
    {"train", "fit run learn"},
    {"eval", "evaluate test score"},
    {"predict", "infer inference classify"},
    {"explain", "describe show"},
};

static const char *find(const char *const *candidates, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(candidates[i], name) == 0) return candidates[i];
    return NULL;
}

const char *gr__synonym(const char *name, const char *const *candidates, size_t n)
{
    for (size_t i = 0; i < GR_COUNT(synonyms); i++) {
        const char *candidate = find(candidates, n, synonyms[i].ours);
        if (candidate && listed(name, synonyms[i].theirs)) return candidate;
    }
    return NULL;
}

/* Where keys stand that people look for elsewhere. */
static const char *const homes[] = {
    "optimizer.lr",
    "optimizer.momentum",
    "optimizer.weight_decay",
    "data.batch",
    "data.train",
    "data.validation",
    "data.test",
    "data.split",
    "data.prepare",
    "data.shuffle",
    "data.drop_last",
    "data.limit",
    "model.input",
    "model.inputs",
    "model.layers",
    "stop.epochs",
    "stop.steps",
    "stop.patience",
    "stop.seconds",
    "schedule.warmup",
    "data.train.weights",
    "cost.label_smoothing",
    "cost.class_weights",
    "penalty.l2",
    "penalty.l1",
    "init.weights",
    "init.last_bias",
    "seed",
    "threads",
    "precision",
    "device",
    "cost",
    "heads",
    "optimizer",
    "schedule",
    "metrics",
    "clip",
    "accumulate",
    "stop",
    "checkpoint",
    "average",
    "lookahead",
    "groups",
};

const char *gr__key_home(const char *name, const char *section)
{
    size_t n = section ? strlen(section) : 0;
    for (size_t i = 0; i < GR_COUNT(homes); i++) {
        const char *dot = strrchr(homes[i], '.'), *key = dot ? dot + 1 : homes[i];
        bool here = section && (n ? strncmp(homes[i], section, n) == 0 && homes[i][n] == '.' : !dot);
        if (here) continue; /* it is not there either */
        if (same(name, key) || gr__synonym(name, &key, 1)) return homes[i];
    }
    return NULL;
}

/* Names of the interface that this version does not have. A name that exists is found before anybody asks here. */
static const char later[] =
    /* layers */
    "gelu silu swish elu selu mish softplus relu6 prelu lstm gru rnn embedding attention transformer_block positional "
    "layer_norm instance_norm group_norm renorm conv_transpose concat residual bottleneck equilibrium multiply "
    /* sources, preparation, balance, augmentation */
    "images audio text one_hot resize log_mel oversample undersample smote adasyn hard_undersample crop flip rotate "
    "color cutout noise mixup cutmix specaugment synonym "
    /* keys */
    "phase remat spill prune augment_mode exclude balance augment group order "
    /* commands */
    "export import lr batch tune grow diagnose report finetune prune baseline convert inspect drift view "
    /* figures */
    "fig4.1 fig4.2 fig4.3 fig4.7 table4.1 fig4.10 fig4.11 fig4.12 learning-curve batch-size shuffle train-longer "
    "stagewise-init deeper-lr regularisers";

bool gr__name_is_later(const char *name)
{
    return listed(name, later);
}
