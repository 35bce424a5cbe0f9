/* Recipes: YAML to a checked, resolved tree and the values the trainer reads. Floor 6. */
#ifndef GR_MODEL_RECIPE_H
#define GR_MODEL_RECIPE_H

#include "base/tree.h"
#include "cost/cost.h"
#include "data/augment.h"
#include "data/field.h"
#include "gradus/plan.h"
#include "init/init.h"
#include "metric/metric.h"
#include "nn/adapter.h"
#include "optim/optim.h"

/* Parses one YAML 1.2 document (libfyaml) into a tree with places. Duplicate keys, several documents, alias bombs,
 * undefined variables: GR_E_SYNTAX and the like with line and column. `${NAME}` and `${NAME:-default}` are expanded in
 * plain and quoted scalars. name is what messages call the file. */
gr_status gr__yaml_parse(gr_context *ctx, gr__bump *b, const char *name, const char *text, size_t n, gr_tree **out);
gr_status gr__yaml_read(gr_context *ctx, gr__bump *b, const char *path, gr_tree **out);
/* Applies `key.path[0].x=value` (value parsed as YAML). option: where it stands, in messages: "--set". */
gr_status gr__recipe_set(gr_context *ctx, gr__bump *b, gr_tree *root, const char *option, const char *assignment);

typedef enum gr_every_unit { GR_EVERY_UPDATES, GR_EVERY_EPOCHS } gr_every_unit;
typedef struct gr_every {
    int64_t n;
    gr_every_unit unit;
} gr_every; /* `17`, `1 epoch`, `2 epochs`; n 0: never */

/* What makes a model best: always the lowest error or cost, or a metric in its own direction. */
typedef struct gr_best_by {
    enum { GR_BEST_ERROR, GR_BEST_COST, GR_BEST_METRIC } what;
    int head;   /* whose; -1: COST, of all heads together */
    int metric; /* METRIC: its place in the head's list */
} gr_best_by;

/* Where a project stands, as its recipe says. */
typedef enum gr_project_phase {
    GR_PROJECT_NONE,
    GR_PROJECT_DESIGN,
    GR_PROJECT_NEW,
    GR_PROJECT_ESTABLISHED
} gr_project_phase;

/* What training starts from. */
typedef struct gr_recipe_start {
    const char *from;         /* a model; NULL: new weights */
    const char *const *fresh; /* patterns of tensors that start anew all the same */
    int n_fresh;
    bool force; /* what contradicts the model is taken from recipe and data */
    const gr_tree *at;
} gr_recipe_start;
bool gr__start_anew(const gr_recipe_start *s, const char *tensor);

typedef struct gr_stop_rules { /* 0 or NaN: not set */
    int64_t epochs, steps, patience;
    bool at_start; /* steps: 0 */
    double seconds, validation_error_below, train_error_below;
    double longer;  /* train_longer: times the updates after which patience is over; 0: ends there */
    bool monitored; /* patience watches `monitor`, and else what makes a model best */
    gr_best_by monitor;
} gr_stop_rules;

enum { GR_FIGURE_TEXT = 160 };

/* An input of the network: a field of every sample. */
typedef struct gr_model_input {
    const char *name; /* GR_LONE_INPUT where the recipe gives none */
    gr_shape sample;
    int64_t vocabulary;     /* it holds indices below this, which layers look up; 0: numbers */
    const gr_tree *at;      /* where its shape is written */
    const gr_tree *prepare; /* list of steps, or NULL */
    const gr_tree *augment; /* list of changes, or NULL */
} gr_model_input;

/* An output of the network, what it costs and how it is judged. Its target is the field of its name. */
typedef struct gr_head {
    const char *name;       /* GR_LONE_TARGET where the recipe gives none */
    const gr_tree *at;      /* what is blamed where it does not go with the network or the data */
    int from;               /* the layer of the stack that gives it */
    const gr_tree *from_at; /* where that is written; NULL: the last one */
    double weight;          /* of its mean cost in that of the network */
    const gr_cost *cost;
    gr_settings cost_settings;
    gr_shape output;    /* of one sample */
    gr_reading reading; /* what the cost makes of it, and of targets */
    bool standardize;   /* targets, by the statistics of the training rows */
    gr_metric_scope metric_scope;
    gr_metrics metrics;
    const gr_tree *metrics_at;
    bool metrics_given; /* else they are defaults, to which the data may add */
} gr_head;

struct gr_stack; /* nn/stack.h */
typedef struct gr_recipe {
    const char *path, *folder; /* as given; where relative paths start */
    gr_tree *tree;             /* as written, with --set applied, model files and zoo included */
    gr_tree *resolved;         /* every default filled in, absolute data paths; running it again gives the same run */
    const char *name;
    gr_preset preset;
    gr_project_phase phase;
    uint64_t seed;
    struct {
        const gr_tree *train, *validation,
            *test; /* sources; NULL where absent. `source:` + `split:` gives train = source and fractions */
        double split_validation, split_test; /* fractions cut from train; 0: none */
        int folds, fold;                     /* not 0: validation is that fold, from 0, of so many */
        bool split_auto;                     /* both stand for the chapter's, by how many samples there are */
        const gr_tree *group, *order;        /* a column, or a file, of train: what is cut by it; NULL: none */
        bool in_file_order;                  /* order: as the samples stand */
        bool stratify;
        const gr_tree *exclude;           /* a file of rows to leave out; NULL: none */
        int64_t limit_train;              /* 0: all */
        const gr_tree *prepare;           /* a list for all inputs, or a map of lists by input, or NULL */
        const struct gr_balance *balance; /* NULL: none */
        gr_settings balance_settings;
        int shuffle;   /* gr_shuffle of data/data.h: 0 none, 1 once, 2 every_epoch */
        int64_t batch; /* 0: all of it */
        bool drop_last;
        int copies;    /* of `augment_mode`: an epoch has so many of each training sample; 1: changed on the way */
        uint64_t hold; /* as gr_source_options has it */
        int workers;   /* threads that read and change samples; 0: as many as the context has */
        const gr_tree *buckets; /* a whole number from 2, or a rising list of them; NULL: none */
    } data;
    gr_mixture mixture; /* of `augment` */
    const gr_tree *mixture_at;
    gr_model_input input[GR_MAX_INPUTS];
    int n_inputs;
    bool inputs_named;     /* `inputs:`; else there is one */
    const gr_tree *layers; /* list, as written */
    const struct gr_stack
        *stack;          /* the same, checked: repeats unrolled, every layer with its name, settings and inputs */
    const gr_tree *init; /* map or NULL */
    gr_head head[GR_MAX_TARGETS];
    int n_heads;
    bool heads_named; /* `heads:`; else there is one */
    bool reduction_sum;
    gr_best_by best_by;
    gr_recipe_start start;
    gr_adapter adapter;
    gr_optim optim;
    gr_clip clip;
    gr_penalties penalties;
    gr_groups groups;
    gr_lookahead lookahead;
    gr_average average;
    gr_sam sam;
    gr_prune_rule prune;
    gr_sched sched;
    gr_stop_rules stop;
    gr_every validate, checkpoint, log;
    int checkpoint_keep;
    gr_every snapshots;            /* n 0: none */
    bool snapshot_cycles;          /* instead: where cycles of the rate end */
    bool events, live;             /* log.events; log.terminal is live */
    gr_every histograms, pictures; /* of `log`; n 0: never */
    int64_t accumulate;
    bool float64;       /* precision */
    const char *device; /* "cpu", "ref" */
    gr_algorithm algorithm;
    gr_keep store;                  /* form, bits and group alone */
    uint64_t memory;                /* 0: none */
    gr_remat remat;                 /* its policy is never NULL */
    bool remat_given;               /* the recipe says it */
    uint64_t serving_limit;         /* limit.serving_bytes; 0: none */
    int threads;                    /* 0: auto */
    const struct gr_data *given[3]; /* what the sources of the type `program` stand for: the parts of a program's data;
                                       NULL: none was given */
    gr_context *ctx;                /* that it was made in */
    gr__bump *memory_owner;         /* all of it lives here */
} gr_recipe;

/* Reads, applies sets[], checks everything that can be checked without data, resolves. */
gr_status gr__recipe_open(gr_context *ctx, const char *path, const char *const *sets, int n_sets, gr_recipe **out);
/* The same from text in memory; name is what messages call it, folder where relative paths start. */
gr_status gr__recipe_from_text(gr_context *ctx, const char *name, const char *folder, const char *text, size_t n,
                               const char *const *sets, int n_sets, gr_recipe **out);
/* The same from a tree already read (a model's metadata). folder: where relative paths start. On success the recipe
 * owns b, on failure the caller still does. */
gr_status gr__recipe_from_tree(gr_context *ctx, gr__bump *b, gr_tree *tree, const char *path, const char *folder,
                               gr_recipe **out);
/* A recipe's file as a tree, unchecked, and where its relative paths start, both in b; settings put into one. */
gr_status gr__recipe_read(gr_context *ctx, gr__bump *b, const char *path, gr_tree **root, const char **folder);
gr_status gr__recipe_settings(gr_context *ctx, gr__bump *b, gr_tree *root, const char *folder, const char *const *sets,
                              int n_sets);
/* Another one, with keys set, that needs the first no more. */
gr_status gr__recipe_with(const gr_recipe *r, const char *const *sets, int n_sets, gr_recipe **out);
void gr__recipe_close(gr_context *ctx, gr_recipe *r);
/* A copy of a model's recipe gets the data of another; batches stay the model's: the same bits as in training. */
void gr__recipe_take_data(gr_recipe *copy, const gr_recipe *from);
/* The fields that its network asks of sources. */
gr_wants gr__recipe_wants(const gr_recipe *r);
/* What a head's figures are called in files: "error", or "kind_error" of a head with a name of its own. */
const char *gr__head_figure(const gr_recipe *r, int head, const char *figure, char text[GR_FIGURE_TEXT]);
/* What a recipe may say, a descriptor a section ("recipe" itself, "data", "stop", ...), family "recipe": the same rows
 * check, resolve and document. */
const gr_member *const *gr__recipe_sections(int *n);
/* Whether a resumed run may have another value of this top-level key, as its row says; the list of all such. */
bool gr__recipe_resumable(const char *key);
/* Whether a run whose resolved recipe had `was` (NULL: nothing) of this key goes on with `is`. */
bool gr__recipe_goes_on(const char *key, const gr_tree *was, const gr_tree *is);
const char *gr__recipe_resumable_keys(char *text, size_t n); /* returns text: "name, metrics, ... and threads" */

#endif
