/* Words of other tools, and words of ours that are still to come: what a hint says of a name that is none. */
#include <string.h>

#include "base/text.h"

/* Case, '-' and '_' do not tell names apart: LeakyReLU, leaky-relu, leaky_relu. Compares a's first n bytes with b. */
static bool same_front(const char *a, size_t n, const char *b)
{
    for (const char *end = a + n;; a++, b++) {
        while (a < end && (*a == '_' || *a == '-')) a++;
        while (*b == '_' || *b == '-') b++;
        char x = a == end ? '\0' : *a >= 'A' && *a <= 'Z' ? (char)(*a - 'A' + 'a') : *a;
        if (x != *b) return false;
        if (!x) return true;
    }
}

static bool same(const char *a, const char *b)
{
    return same_front(a, strlen(a), b);
}

/* The name without the module that it stands in, torch.nn.MSELoss, and without what other tools put behind names of a
 * family: StepLR, Conv2d. More than one of these is tried: the word need not be without. */
static bool means(const char *name, const char *word)
{
    static const char *const tails[] = {"1d", "2d", "loss", "lr", "score", "layer", "optimizer", "optimiser"};
    const char *dot = strrchr(name, '.');
    if (dot) name = dot + 1;
    size_t n = strlen(name);
    if (same(name, word)) return true;
    for (size_t i = 0; i < GR_COUNT(tails); i++) {
        size_t k = strlen(tails[i]);
        if (n >= k + 2 && same(name + n - k, tails[i]) && same_front(name, n - k, word)) return true;
    }
    return false;
}

static bool listed(const char *name, const char *words)
{
    char word[64];
    for (size_t n; *words; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        if (n >= sizeof word) continue;
        memcpy(word, words, n);
        word[n] = '\0';
        if (means(name, word)) return true;
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
    {"schedule", "scheduler lr_scheduler lr_schedule learning_rate_schedule lr_policy lr_decay sched"},
    {"model", "network net architecture arch"},
    {"data", "dataset datasets input_data"},
    {"penalty", "regularization regularisation regularizer regulariser kernel_regularizer reg regularizers"},
    {"clip", "gradient_clipping gradient_clip grad_clip clip_grad clip_norm clipnorm max_grad_norm gradient_clip_val "
             "clip_grad_norm clip_gradients gradient_clipping_norm global_clipnorm"},
    {"init", "initializer initialiser initialization initialisation weight_init kernel_initializer weight_initializer "
             "weights_init"},
    {"validate", "evaluate evaluation val_check_interval eval_every"},
    {"metrics", "metric scores"},
    {"best_by", "monitor eval_metric metric_for_best_model"},
    {"metric", "monitor"},
    {"threads", "n_threads num_threads n_jobs jobs cpus"},
    {"workers", "num_workers loaders"},
    {"flip", "hflip vflip horizontal_flip vertical_flip random_flip random_horizontal_flip mirror"},
    {"crop", "random_crop shift translate"},
    {"rotate", "random_rotation rotation"},
    {"scale", "zoom random_zoom random_affine"},
    {"color", "color_jitter colour jitter brightness contrast saturation"},
    {"cutout", "random_erasing erase"},
    {"bfloat16", "bf16 brain_float"},
    {"float16", "fp16 f16 half"},
    {"precision", "dtype mixed_precision amp fp16 half"},
    {"accumulate", "grad_accumulation gradient_accumulation accumulate_grad_batches gradient_accumulation_steps"},
    {"average", "swa ema averaging weight_averaging"},
    {"checkpoint", "checkpoints save checkpointing"},
    {"log", "logging logger verbose"},
    {"stop", "stopping stop_criterion"},
    {"name", "experiment experiment_name run_name title"},
    {"device", "gpu gpus use_gpu use_cuda cuda accelerator backend"},
    {"patience", "early_stopping early_stop early_stopping_patience early_stopping_rounds n_iter_no_change"},
    {"groups", "param_groups parameter_groups"},
    {"seed", "random_seed random_state manual_seed rng_seed"},
    {"memory", "memory_limit max_memory"},
    {"lr", "learning_rate learn_rate base_lr initial_lr eta eta0 alpha_0 init_lr start_lr"},
    {"batch",
     "batch_size batchsize bs minibatch mini_batch mini_batch_size train_batch_size per_device_train_batch_size"},
    {"epochs", "epoch n_epochs num_epochs max_epochs max_epoch nb_epoch n_epoch num_train_epochs total_epochs"},
    {"steps", "iterations max_steps max_iter max_iterations num_steps n_steps total_steps updates"},
    {"seconds", "max_time time timeout"},
    {"units", "out_features neurons nodes num_units n_units hidden hidden_size hidden_units width output_dim outputs"},
    {"filters", "out_channels n_filters num_filters channels units"},
    {"kernel", "kernel_size filter_size ksize size"},
    {"size", "pool_size window kernel kernel_size"},
    {"stride", "strides"},
    {"padding", "pad pad_mode"},
    {"dilation", "dilation_rate"},
    {"rate", "p prob probability drop_rate dropout_rate drop drop_prob dropout_p drop_probability"},
    {"bias", "use_bias"},
    {"activation", "act act_fn nonlinearity non_linearity activation_fn"},
    {"slope", "negative_slope alpha"},
    {"eps", "epsilon"},
    {"weight_decay", "wd l2 decay_rate"},
    {"a layer of its own, dropout", "dropout dropout_rate"},
    {"optimizer: amsgrad", "amsgrad"},
    {"optimizer: nag", "nesterov use_nesterov"},
    {"alpha", "smoothing_constant"},
    {"momentum", "mu momentum_coefficient"},
    {"beta1", "betas"},
    {"beta2", "betas"},
    {"warmup", "warmup_steps warmup_epochs num_warmup_steps warmup_iters"},
    {"every", "step_size interval frequency save_freq save_every each decay_steps period"},
    {"gamma", "decay_rate decay_factor factor drop_rate"},
    {"at", "milestones boundaries"},
    {"end", "min_lr eta_min end_lr final_lr"},
    {"low", "min_lr eta_min base_lr"},
    {"min", "min_lr"},
    {"high", "max_lr"},
    {"cycle", "t_0 period"},
    {"mult", "t_mult"},
    {"validation", "val valid validation_data val_data dev dev_set validation_split val_split validation_fraction "
                   "x_val val_set val_dataset eval_dataset valid_set"},
    {"train", "training train_data training_data trainset x_train train_set train_dataset"},
    {"test", "test_data testset testing x_test test_set test_dataset"},
    {"split", "fraction ratio test_size val_size splits"},
    {"drop_last", "drop_remainder"},
    {"stratify", "stratified"},
    {"prepare",
     "normalize normalise normalization preprocess preprocessing transform transforms scaler normalizer scaling"},
    {"augment", "augmentation augmentations transforms transform"},
    {"file", "path filename file_name csv source"},
    {"target", "label labels y target_column label_column class targets"},
    {"targets", "labels y"},
    {"inputs", "x features data input"},
    {"heads", "outputs output_heads losses tasks loss_weights"},
    {"weight", "loss_weight"},
    {"weights", "weight sample_weight sample_weights weight_column"},
    {"labels", "targets target y classes"},
    {"images", "inputs x data features"},
    {"columns", "features feature_columns input_columns usecols"},
    {"delimiter", "sep separator"},
    {"missing", "na_values missing_values nan_values"},
    {"header", "has_header"},
    {"input", "input_shape input_size input_dim in_shape shape in_features in_channels input_channels"},
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
    {"embedding", "embed embeddings token_embedding word_embedding lookup"},
    {"attention", "multihead_attention multi_head_attention self_attention mha scaled_dot_product_attention"},
    {"transformer_block", "transformer transformer_encoder transformer_layer transformer_encoder_layer encoder_layer"},
    {"equilibrium", "deq deep_equilibrium fixed_point implicit"},
    {"hyper", "hypernetwork hyper_network hypernet hyper_net"},
    {"ff", "dim_feedforward feed_forward ffn hidden_dim intermediate_size ff_dim"},
    {"norm", "norm_first normalization"},
    {"positional", "positional_encoding positional_embedding position_embedding position_encoding pos_embed"},
    {"heads", "num_heads n_heads nhead n_head num_attention_heads"},
    {"key_heads", "num_kv_heads kv_heads n_kv_heads num_key_value_heads num_query_groups"},
    {"rotary", "rope rotary_embedding"},
    {"causal", "is_causal"},
    {"dense", "linear fc fully_connected fullyconnected inner_product innerproduct affine lazy_linear"},
    {"conv",
     "conv1d conv2d convolution convolution2d convolutional conv_1d conv_2d depthwise_conv depthwise_conv2d depthwise"},
    {"max_pool", "maxpool maxpool1d maxpool2d max_pool1d max_pool2d max_pooling max_pooling2d maxpooling2d pool "
                 "max_pooling1d maxpooling1d max_pooling maxpooling"},
    {"avg_pool", "avgpool2d avg_pool2d average_pool average_pooling average_pooling2d mean_pool avgpool "
                 "average_pooling averagepooling mean_pooling"},
    {"global_avg_pool", "gap global_average_pool global_average_pooling global_average_pooling2d "
                        "global_mean_pool"},
    {"global_max_pool", "gmp global_max_pooling global_max_pooling2d global_max_pooling1d"},
    {"adaptive_avg_pool", "adaptive_avg_pool2d adaptive_avg_pool1d adaptive_avgpool adaptive_average_pool "
                          "adaptive_mean_pool"},
    {"adaptive_max_pool", "adaptive_max_pool2d adaptive_max_pool1d adaptive_maxpool"},
    {"conv_transpose", "conv_transpose2d conv_transpose1d conv2d_transpose conv1d_transpose transposed_conv "
                       "transposed_convolution deconv deconvolution convtranspose2d"},
    {"batch_norm", "bn batchnorm1d batchnorm2d batch_normalization batch_normalisation batchnorm batch_normalization "
                   "sync_batch_norm batch_norm_1d"},
    {"layer_norm", "ln layer_normalization layer_normalisation"},
    {"group_norm", "gn group_normalization group_normalisation"},
    {"instance_norm", "in instance_normalization instance_normalisation"},
    {"rms_norm", "rms_normalization rms_normalisation"},
    {"batch_renorm", "renorm batch_renormalization batch_renormalisation"},
    {"channels", "spatial"},
    {"affine", "elementwise_affine scale_and_shift"},
    {"leaky_relu", "lrelu"},
    {"silu", "swish"},
    {"gelu", "gelu_new gelu_tanh gelu_approximate"},
    {"hard_swish", "h_swish"},
    {"hard_sigmoid", "h_sigmoid"},
    {"prelu", "parametric_relu"},
    {"relu6", "relu_6"},
    {"form", "approximate"},
    {"shared", "share shared_axes num_parameters"},
    {"sigmoid", "logistic sigmoid_activation expit"},
    {"rnn", "simple_rnn elman vanilla_rnn recurrent"},
    {"units", "hidden_size hidden n_hidden"},
    {"bidirectional", "bi both_directions"},
    {"layers", "num_layers n_layers"},
    {"return", "return_sequences output"},
    {"flatten", "view"},
    {"reshape", "view unflatten"},
    {"permute", "transpose swapaxes movedim"},
    {"concat", "concatenate cat stack merge"},
    {"multiply", "mul product scale"},
    {"slice", "narrow crop select cropping"},
    {"shape", "to target_shape size dims"},
    {"axes", "dims order permutation"},
    {"axis", "dim"},
    {"count", "length size"},
    {"dropout", "drop spatial_dropout feature_dropout dropout_2d dropout2d"},
    {"add", "sum shortcut skip"},
    /* costs and metrics */
    {"cross_entropy", "ce xent cross_entropy_loss categorical_crossentropy sparse_categorical_crossentropy "
                      "softmax_cross_entropy nll log_loss logloss softmax"},
    {"binary_cross_entropy", "bce bce_loss bce_with_logits bce_with_logits_loss binary_crossentropy bce_with_logits "
                             "binary_logloss sigmoid_cross_entropy bcewithlogits"},
    {"mse",
     "mse_loss mean_squared_error squared_error l2 l2_loss mean_squared mean_square_error squared_loss quadratic"},
    {"mae", "mae_loss mean_absolute_error l1 l1_loss mean_absolute absolute_error absolute"},
    {"huber", "smooth_l1 smooth_l1_loss huber_loss"},
    {"kl", "kl_div kld kl_divergence kl_div_loss kullback_leibler kullback_leibler_divergence"},
    {"focal", "focal_loss sigmoid_focal categorical_focal_crossentropy binary_focal_crossentropy"},
    {"accuracy", "acc categorical_accuracy top1 accuracy_score binary_accuracy sparse_categorical_accuracy top_1"},
    {"f1", "f1_score fscore f_score f_measure f1_macro macro_f1 f1_micro micro_f1 f1_weighted weighted_f1 f_score"},
    {"rmse", "mse root_mean_squared_error mean_squared_error root_mean_square_error rms"},
    {"bits_per_byte", "bpb bits_per_char bits_per_character bpc"},
    {"perplexity", "ppl"},
    {"top_k",
     "topk top_k_accuracy topk_accuracy top_k_categorical_accuracy top3 top_3 top5 top_5 top5_accuracy top_5_accuracy"},
    {"r2", "r_squared rsquared r_2 coefficient_of_determination"},
    {"mcc", "matthews matthews_corrcoef matthews_correlation phi_coefficient"},
    {"precision", "ppv positive_predictive_value"},
    {"recall", "sensitivity tpr true_positive_rate hit_rate"},
    {"balanced_accuracy", "bal_acc balanced_acc"},
    {"auc", "auroc roc_auc roc area_under_curve area_under_the_curve roc_auc_ovr"},
    {"log_loss", "logloss cross_entropy nll ce bce binary_cross_entropy neg_log_loss"},
    /* optimizers, schedules, initialisers */
    {"sgdm", "momentum sgd_momentum sgd_with_momentum"},
    {"nag", "sgd_nesterov nesterov nesterov_momentum"},
    {"gd", "gradient_descent batch_gradient_descent"},
    {"adagrad", "ada_grad"},
    {"rmsprop", "rms_prop rms"},
    {"sgd", "stochastic_gradient_descent vanilla_sgd"},
    {"adamw", "adam_w adamw_torch adam_weight_decay decoupled_adam"},
    {"restarts", "cosine cosine_annealing cosine_annealing_lr cosine_decay cosine_warm_restarts "
                 "cosine_annealing_warm_restarts warm_restarts sgdr cosine_decay_restarts warmup_cosine "
                 "cosine_with_warmup cosine_schedule_with_warmup cosine_annealing_warm_restarts"},
    {"polynomial", "poly linear linear_decay polynomial_lr linear_lr polynomial_decay linear_with_warmup "
                   "linear_schedule_with_warmup linear_warmup"},
    {"step", "steps step_lr multi_step multi_step_lr exponential exponential_lr exponential_decay piecewise "
             "piecewise_constant piecewise_constant_decay staircase exp_decay"},
    {"one_cycle", "one_cycle_lr 1cycle super_convergence onecycle one_cycle_policy"},
    {"plateau", "reduce_on_plateau reduce_lr_on_plateau reduce_lr_on_plateau"},
    {"cyclic", "cyclic_lr clr triangular cyclical cyclical_learning_rate triangular2"},
    {"constant", "fixed none constant_learning_rate ones one"},
    {"kaiming", "he he_normal he_uniform kaiming_normal kaiming_uniform msra variance_scaling"},
    {"xavier", "glorot glorot_normal glorot_uniform xavier_normal xavier_uniform"},
    {"normal", "gaussian random_normal"},
    {"truncated_normal", "trunc_normal truncnormal"},
    {"uniform", "random_uniform"},
    {"zeros", "zero"},
    /* data */
    {"standardize", "standardise standard standard_scaler zscore z_score normalize normalise mean_std standardization "
                    "mean_variance z_score_normalization"},
    {"scale", "rescale minmax min_max divide to_tensor min_max_scaler divide_by_255 rescaling"},
    {"impute", "imputer fillna simple_imputer fill_missing"},
    {"npy", "numpy"},
    {"idx", "mnist ubyte fashion_mnist"},
    {"csv", "tsv table pandas"},
    {"torch", "pytorch"},
    {"every_epoch", "epoch each_epoch always true yes on reshuffle"},
    {"true", "yes on"},
    {"false", "no off none null"},
    {"none", "false no off never disabled"},
    {"float64", "double fp64 64"},
    {"float32", "float single fp32 32"},
    {"sum", "total"},
    {"mean", "average avg batchmean"},
    {"auto", "infer default"},
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
    for (size_t i = 0; i < n; i++)
        if (means(name, candidates[i])) return candidates[i];
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
    "data.balance",
    "data.exclude",
    "data.target",
    "data.augment",
    "data.augment_mode",
    "data.buckets",
    "data.split",
    "data.source",
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
    "data.train.weights",
    "init.weights",
    "init.last_bias",
    "seed",
    "hold",
    "workers",
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
    "sam",
    "prune",
    "groups",
    "penalty",
    "validate",
    "best_by",
    "optimizer: nag",
    "optimizer: amsgrad",
    "a layer of its own, dropout",
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
    "selu mish "
    /* sources, preparation, balance, augmentation */
    "log_mel "
    /* keys */
    "spill "
    /* what other tools have, by family, as they call it: no name of ours that is near is meant */
    "conv3d conv_3d max_pool3d max_pooling3d maxpooling3d avg_pool3d average_pooling3d batch_norm3d dropout3d "
    "conv_transpose3d separable_conv lazy_conv lp_pool fractional_max_pool "
    "weight_norm spectral_norm "
    "local_response_norm lrn alpha_dropout gaussian_dropout gaussian_noise celu hard_tanh "
    "log_sigmoid softsign tanhshrink hardshrink softshrink glu swiglu maxout embedding_bag "
    "lstm_cell gru_cell conv_lstm bidirectional time_distributed "
    "transformer_decoder "
    "upsample up_sampling upsampling zero_pad zero_padding reflection_pad pixel_shuffle "
    "bilinear average maximum "
    "adamax asgd lbfgs l_bfgs rprop sparse_adam adafactor ftrl adabelief adabound shampoo yogi "
    "lambda_lr multiplicative_lr sequential_lr chained_scheduler inverse_time_decay inverse_sqrt inv_sqrt noam "
    "poisson_nll poisson gaussian_nll ctc hinge squared_hinge categorical_hinge hinge_embedding margin_ranking "
    "triplet_margin triplet contrastive cosine_embedding cosine_similarity multi_margin soft_margin "
    "multi_label_soft_margin multi_label_margin log_cosh dice iou quantile pinball msle mean_squared_logarithmic_error "
    "mape mean_absolute_percentage_error specificity tnr cohen_kappa kappa median_absolute_error max_error "
    "explained_variance bleu rouge jaccard average_precision pr_auc hamming fbeta brier ece "
    "lecun_normal lecun_uniform dirac eye sparse "
    "parquet hdf5 jsonl json excel xlsx tfrecord image_folder imagefolder arff sql "
    "robust_scaler robust pca one_hot_encoder label_encoder max_abs_scaler "
    "gpu cuda cuda:0 mps tpu xpu rocm hip metal vulkan opencl "
    "float16 fp16 half bfloat16 bf16 tf32 mixed";

bool gr__name_is_later(const char *name)
{
    return listed(name, later);
}
