/* Data: sources, splits, preparation, the loader. Floor 5.
 *
 * A source reads files into a set: all samples in their source type, in tensor memory counted as data. A split is lists
 * of row numbers. The loader gathers the rows of the next batch on its own thread while a step runs; the same bits
 * whatever the timing. */
#ifndef GR_DATA_DATA_H
#define GR_DATA_DATA_H

#include "base/dtype.h"
#include "base/base.h"
#include "base/member.h"
#include "data/faults.h"
#include "data/field.h"
#include "data/keys.h"
#include "data/schema.h"
#include "nn/targets.h"

/* ---- a set of samples ---- */
typedef struct gr_set {
    int64_t n;
    gr_field field[GR_MAX_FIELDS]; /* inputs first, then targets, then the weight, then lengths of some inputs */
    int n_inputs, n_targets, n_lengths;
    bool overlap;              /* neighbours have numbers in common: parts cut from them at random do */
    bool weighted;             /* field[n_inputs + n_targets] is how much each sample weighs, from 0 */
    const gr_schema *schema;   /* of a table: how others like it are read; NULL otherwise */
    gr__bump *memory;          /* names live here; NULL where only headers were read: in the memory of the options */
    const char *file;          /* for messages */
    gr_made *made;             /* samples that no source has; NULL: none */
    bool one;                  /* of gr__set_raw: the file is one sample, without an axis of samples */
    const char *const *sample; /* what each is called, as its file; NULL: by its number */
    const char *const *kept;   /* of a table, n x n_kept: texts of the columns that the options keep, as they are */
    const char *const *kept_name;
    int n_kept;
    const uint64_t *line; /* where faults are noted: where each stands in its table or text; NULL: not known */
} gr_set;

static inline int gr__set_fields(const gr_set *s)
{
    return s->n_inputs + s->n_targets + s->weighted + s->n_lengths;
}
static inline const gr_field *gr__set_input(const gr_set *s, int i)
{
    return &s->field[i];
}
static inline const gr_field *gr__set_target(const gr_set *s, int h)
{
    return &s->field[s->n_inputs + h];
}
/* NULL: samples weigh alike. */
static inline const gr_field *gr__set_weight(const gr_set *s)
{
    return s->weighted ? &s->field[s->n_inputs + s->n_targets] : NULL;
}
/* The lengths of input i; NULL: all its steps count. */
const gr_field *gr__set_length(const gr_set *s, int i);
/* Where batches have a field of the set: inputs, targets, the weight, and the lengths of every input, whether the set
 * has them or not. */
int gr__set_place(const gr_set *s, int field);
static inline int gr__length_place(int n_inputs, int n_targets, int input)
{
    return n_inputs + n_targets + 1 + input;
}
uint64_t gr__set_bytes(const gr_set *s); /* of tensor memory, all fields */
/* n samples more, whose numbers are still to be written, of this type; all that they take is counted as the set's. The
 * set keeps `made` in its own memory. */
gr_status gr__set_make(gr_context *ctx, gr_set *s, int64_t n, gr_element as);
void gr__set_unmake(gr_context *ctx, gr_set *s);                    /* gives it back; nothing where there are none */
uint64_t gr__made_bytes(const gr_set *s, int64_t n, gr_element as); /* what that takes of tensor memory */

/* ---- a source: a member of the family "source" ---- */
typedef struct gr_source_options {
    const char *folder;      /* relative paths start here (the recipe's folder) */
    bool keep_float64;       /* precision: float64 */
    bool exact;              /* inputs are prepared: kept with every digit, of which float32 may not hold enough */
    uint64_t seed;           /* synthetic sources */
    const gr_wants *wants;   /* NULL: one input and one target of the lone names, whatever their shapes */
    gr_target_kind want;     /* without wants: what a target column is that could be either */
    const gr_schema *schema; /* of the training, for all other data; NULL: this is the training's */
    bool own_classes;        /* with a schema: its labels are classes of its own all the same */
    gr_faults *faults;       /* rows that are left out, and faults that are noted; NULL: neither */
    gr__bump *memory;        /* where names and a schema that gr__set_info gives live; NULL: it gives none */
    const char *const *keep; /* of gr__set_raw: n_keep columns of a table, by name or number, whose texts are wanted */
    int n_keep;
    const char *apart[2]; /* columns that parts are cut by: no inputs, unless the source names them; NULL: none */
    uint64_t hold; /* bytes of inputs that are held in memory at most; beyond, samples are read when they are wanted, by
                      sources that can. 0: all there are, of readers 1 GiB */
    const struct gr_data *const *given; /* of training, validation and test: what `program` stands for; NULL: nothing */
    struct gr__blob *opened;            /* raw: the file, where it is open: a pipe is read but once. NULL: it is not */
} gr_source_options;

typedef struct gr_source {
    gr_member head;
    bool reads;           /* inputs come with readers: what is not held takes no memory */
    bool table;           /* rows of named columns, read by a schema: labels are texts, whatever they look like */
    const char *files[3]; /* rows of trees that name a file, or a map of files; NULL after the last */
    gr_status (*info)(gr_context *ctx, const gr_settings *s, const gr_source_options *o,
                      gr_set *out); /* reads headers, or scans */
    /* Inputs may come with a reader instead of data (`reader` of a field): those that fit o->hold are held by whoever
     * calls (hold.c), decoded by all workers. */
    gr_status (*load)(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out);
    /* OPTIONAL: what `predict` is given, a file or a folder of files, each a sample, read as the training's were by the
     * settings of its source. Nothing of targets. NULL: arrays and tables, which gr__set_raw knows by their content. */
    gr_status (*raw)(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *file, gr_set *out);
    /* OPTIONAL: the keys that a column of the source gives its samples. NULL: a file of its own has them. */
    gr_status (*keys)(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *column,
                      gr_keys *out);
    /* OPTIONAL: libraries that its numbers come from, with their versions, of which bits may depend: into n bytes. */
    const char *(*libraries)(char *text, size_t n);
} gr_source;
#define GR_SOURCE(name) const gr_source gr__source_##name
const gr_source *const *gr__sources(int *n); /* generated */
extern const gr_family gr__family_source;    /* generated */

/* tree: {type: idx, images: ..., labels: ...}. Errors have the place of the key at fault, GR_E_FILE, GR_E_FORMAT or
 * GR_E_DATA. */
/* The set without its data: counts, shapes, types and bytes, from headers (or a scan). */
gr_status gr__set_info(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set *out);
gr_status gr__set_load(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set *out);
void gr__set_free(gr_context *ctx, gr_set *s); /* zeroed set is fine */
/* The keys of the n samples of a source: of its column, or, where it has none, of the file of that name, an array of n
 * numbers (NPY or IDX). GR_E_DATA and the like, at the place `at`. */
gr_status gr__keys_load(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, const char *name,
                        const gr_tree *at, int64_t n, gr_keys *out);
/* hold.c: how many bytes of inputs may be held; and readers replaced by what they give, where that is no more than
 * `most` in all. The error is that of the first sample that cannot be read. */
uint64_t gr__hold_limit(const gr_source_options *o, bool reads);
gr_status gr__set_hold(gr_context *ctx, gr_set *s, uint64_t most, gr_faults *faults);
/* Rows that are left out get the targets, weights and lengths of the first that is not: nothing looks at them, and what
 * is counted of all samples is right. GR_E_DATA: there is no other. */
gr_status gr__set_leave_out(gr_context *ctx, gr_set *s, const gr_faults *f);
/* What every source owes: the fields that were asked for, in their order, so that nobody looks names up again.
 * GR_E_INTERNAL: others. w NULL: nothing was. */
gr_status gr__set_check(gr_context *ctx, const gr_source *source, const gr_wants *w, const gr_set *s);
/* Lets the inputs of a loaded set know their lengths. */
void gr__set_measure(gr_set *s, const gr_wants *w);
/* Whether a source's tree (may be NULL) names one that is a table. */
bool gr__source_is_table(const gr_context *ctx, const gr_tree *tree);
/* What a source's tree (may be NULL) says of an input's lengths: the text of an array, a file or a column; NULL:
 * nothing. And whether it says something. */
const char *gr__source_lengths_of(const gr_tree *tree, const char *input);
static inline bool gr__source_has_lengths(const gr_tree *tree, const char *input)
{
    return gr__source_lengths_of(tree, input) != NULL;
}
/* The libraries that numbers of a source's tree (may be NULL) come from; "": none but our own. */
const char *gr__source_libraries(const gr_context *ctx, const gr_tree *tree, char *text, size_t n);
/* Whether a row's value is a file, or a map of files. */
bool gr__source_has_files(const gr_source *source, const gr_row *row);
/* The source's tree with every default filled in and absolute paths, for the resolved recipe. */
gr_status gr__source_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, const gr_source_options *o,
                             gr_tree **out);
/* A path, or a map of paths, as absolute ones. NULL on failure. */
gr_tree *gr__source_absolute(gr_context *ctx, gr__bump *b, const gr_tree *t, const gr_source_options *o);
/* Whether data of shape `sample` is what a model with this input takes: equal but for axes of size 1, or flat with as
 * many values. */
bool gr__sample_fits(gr_shape sample, gr_shape input);
/* Inputs for `predict`: a file by its content: NPY, IDX, CSV (each plain or gzip), NPZ: one sample or N of these shapes
 * (rank as trained), an input each of o->wants (NULL: one). Targets are not read; a CSV is read by the schema of the
 * options, with or without its targets; arrays of an NPZ have the names that `source` (the training's, may be NULL)
 * gives them, or the inputs'. */
gr_status gr__set_raw(gr_context *ctx, const char *file, const gr_shape *sample, const gr_tree *source,
                      const gr_source_options *o, gr_set *out);

/* ---- rows: which samples, in which order ---- */
typedef struct gr_rows {
    uint32_t *row;
    int64_t n;
} gr_rows;                          /* tensor memory, counted as data */
uint64_t gr__rows_bytes(int64_t n); /* exactly what a list of n rows takes of it */
gr_status gr__rows_all(gr_context *ctx, int64_t n, gr_rows *out);
/* Those of 0..n-1 whose mark is 0; mark NULL: all. */
gr_status gr__rows_kept(gr_context *ctx, int64_t n, const uint8_t *mark, gr_rows *out);
void gr__rows_free(gr_context *ctx, gr_rows *r);
/* How rows are divided into parts. The first part takes what the others leave. */
typedef struct gr_cut {
    uint64_t seed;
    const double *fractions;
    int parts;
    const int32_t *labels; /* stratified by class; NULL: not */
    int classes;
    const gr_keys *group; /* rows of equal keys stay in one part; NULL: none do */
    const gr_keys *order; /* cut in the order of the keys, equal ones in that of the file; NULL: permuted */
    bool in_file_order;   /* cut in the order of the file */
    int folds, fold; /* not 0: the second part is that fold, from 0, of so many of what the others leave; not with keys
                        or in an order */
    const uint8_t *out; /* rows that are in no part are 1; NULL: none is */
} gr_cut;
/* Splits 0..n-1. A part has fraction * rows, rounded half up, whatever the labels: `plan` knows the counts before it
 * knows the labels. Permuted with the seed; stratified by class where there are labels: each class has its share
 * rounded up or down; first up go classes that the part would not show at all though they have a row for every part,
 * then the largest remainders, ties by the seed. In an order, the first part has the first rows, the last the last. Of
 * groups, drawn with the seed, a part has as many as come nearest to its count. Parts are sorted ascending.
 * Deterministic in all that it is given. GR_E_DATA: fewer groups than parts. */
/* Folds have as many rows of each class, and in all, but for one. */
gr_status gr__split(gr_context *ctx, const gr_cut *c, int64_t n, gr_rows *out);
int64_t gr__fold_rows(int64_t n, int folds, int fold); /* of n in all folds */
/* The chapter's shares of validation and test for n samples, which it gives for 10^4, 10^6 and 10^8; between them their
 * logarithms are linear in that of n, beyond them they stay. */
void gr__split_auto(int64_t n, double *validation, double *test);
/* Tensor memory that it takes meanwhile, beyond the lists that it leaves; with keys at most, and those among it. */
uint64_t gr__split_work(int64_t n, bool keys);
/* The manifest: TSV with a header line: row, part, label, CRC32 of the sample's bytes as loaded; written atomically. */
gr_status gr__split_manifest(gr_context *ctx, const char *path, const gr_set *s, const gr_rows *parts,
                             const char *const *names, int n_parts);
/* The first k of a seeded permutation of r (data.limit), order kept. */
gr_status gr__rows_limit(gr_context *ctx, uint64_t seed, gr_rows *r, int64_t k);
uint64_t gr__rows_limit_work(int64_t n, int64_t k); /* as gr__split_work */

/* Whether targets of shape `target` a sample are what w wants: a class a sample (or position), [N] or [N,1]; or numbers
 * in the output's shape, or flat with as many. GR_E_DATA naming both shapes and the likely cure; what: "x.npy", or "the
 * test data". */
gr_status gr__targets_fit(gr_context *ctx, const gr_wanted *w, gr_shape target, const char *what);
/* What these rows say of a field of targets, in one pass: `classes` counts (every label lies below), or mean and
 * variance of each value. No rows, or no targets: nothing known. The arrays live in b. */
/* Values are taken standardized from now on: by these statistics; a constant is only shifted. In b. */
gr_status gr__targets_standardize(gr_context *ctx, gr__bump *b, gr_targets *t);
gr_status gr__targets_take(gr__bump *b, const gr_field *target, const gr_rows *rows, int64_t classes, gr_targets *out);

/* ---- preparation: members of the family "prepare", fitted on training rows, then part of the graph ---- */

/* A fitted step: lists of numbers that the step's member names, which are all that it keeps, in model files too. */
enum { GR_MAX_STATE = 4 };
struct gr_prepare;
typedef struct gr_prepared {
    const struct gr_prepare *step;
    double *state[GR_MAX_STATE]; /* in the order of the step's names; NULL: it has none */
    int n[GR_MAX_STATE];
    gr_shape takes, gives; /* of a sample, by a step that changes it; rank 0: any, and the same */
    const void *own;       /* the step's, worked out from its lists */
} gr_prepared;
/* A list by its name; NULL: the step has none. */
const double *gr__prepared_list(const gr_prepared *p, const char *name, int *n);
/* How many numbers steps keep in all. */
int64_t gr__prepared_numbers(const gr_prepared *p, int n);

/* The steps of a list on numbers of one sample: what a step works on is read through this. */
typedef struct gr__before {
    const gr_prepared *p;
    int n;              /* steps */
    gr_element element; /* of the source's numbers */
    const void *sample; /* its number `origin` and all after it that are wanted */
    int64_t origin;
} gr__before;
/* Numbers first, first + 1, ... of the sample after the steps; of those before them it reads what these depend on. In
 * float64 the bits of the graph on `ref`. */
void gr__prepare_read(const gr__before *in, int64_t first, double *x, int64_t count);
static inline gr__before gr__before_of(const gr_prepared *p, int n, gr_element e, const void *sample)
{
    return (gr__before){.p = p, .n = n, .element = e, .sample = sample};
}

/* What a step is fitted to. */
typedef struct gr__fitting {
    gr_context *ctx;
    gr__bump *b; /* where what it keeps lives */
    const gr_settings *s;
    const gr_field *x;        /* of headers alone in a placeholder */
    const gr_rows *train;     /* NULL: a placeholder, whose numbers mean nothing, but are as many */
    struct gr__samples *from; /* the training rows' samples */
    const gr_prepared *before;
    int n_before;
    gr_shape sample;         /* that the step takes */
    const int32_t *category; /* of each of its numbers: 0: a number; k > 0: one of k categories, from 0 on; -1: whether
                                it is one, 1 or 0. NULL: numbers all */
    const char *const *name; /* of each: the column that it comes from; NULL: they have none */
} gr__fitting;

typedef struct gr_prepare {
    gr_member head;
    bool fills;                      /* missing values; the one that is put first where the recipe has none */
    bool expands;                    /* categories; the one that is put last where the recipe has none */
    bool reshapes;                   /* it changes the shape of samples */
    bool affine;                     /* (x - sub) * mul + plus of the lists called so, of whatever is a number */
    const char *state[GR_MAX_STATE]; /* names of its lists */
    /* OPTIONAL: checks settings that rows alone do not, before there is data. */
    gr_status (*check)(gr_context *ctx, const gr_settings *s);
    /* Sets the lists, and takes and gives where it reshapes. The same bits for any threads. */
    gr_status (*fit)(const gr__fitting *f, gr_prepared *out);
    /* As graph, of x [batch, sample] in GR_REAL; and on numbers, which it reads from `in`. The same bits in float64. */
    gr_val (*build)(gr_graph *g, const gr_prepared *p, gr_val x);
    void (*values)(const gr_prepared *p, const gr__before *in, int64_t first, double *x, int64_t count);
    /* OPTIONAL: of all numbers of a sample that it gives, in place, those that it takes (`count`: how many it gives,
     * returned: how many it takes; room for the more of them); NaN where any would do. NULL: it cannot be undone. */
    int64_t (*undo)(const gr_prepared *p, double *x, int64_t count);
    /* OPTIONAL: of a step that reshapes, what its numbers are, once fitted: as many as it gives, in b. */
    gr_status (*tell)(const gr__fitting *f, const gr_prepared *p, int32_t *category, const char **name);
    /* After its lists were read from a model file, each of finite numbers: checks them, works out what is not kept.
     * GR_E_FORMAT at t. */
    gr_status (*settle)(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared *p);
} gr_prepare;
#define GR_PREPARE(name) const gr_prepare gr__prepare_##name
const gr_prepare *const *gr__prepares(int *n); /* generated */
extern const gr_family gr__family_prepare;     /* generated */
/* What of a step's settings can be checked before there is data, beyond what rows say. */
gr_status gr__prepare_settings(gr_context *ctx, const gr_prepare *m, const gr_settings *s);
/* Of one input. Where it declares missing values and no step of the list fills them, the one that does is put first, by
 * its defaults; where it has categories and none expands them, the one that does is put last. */
gr_status gr__prepare_fit(gr_context *ctx, gr__bump *b, const gr_tree *list, const gr_field *x, const gr_rows *train,
                          gr_shape model_input, gr_prepared **out, int *n);
/* The same steps with placeholder statistics, for estimating a plan before data is read: a plan of them has the bytes
 * of the real one. They take into account what the source says (missing values declared, categories). */
gr_status gr__prepare_placeholder(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_shape model_input,
                                  const gr_field *x, gr_prepared **out, int *n);
/* The step of a list that changes the shape of samples, as the recipe has it; NULL: none does. */
const gr_tree *gr__prepare_reshapes(const gr_context *ctx, const gr_tree *list);
/* What the steps of a list make of samples of x; without reshaping steps its own shape. */
gr_status gr__prepare_shape(gr_context *ctx, const gr_tree *list, const gr_field *x, gr_shape model_input,
                            gr_shape *out);
/* Samples that the steps take, so that the network has `model_input`. */
gr_shape gr__prepare_takes(const gr_prepared *p, int n, gr_shape model_input);
/* Whether the steps fit one another, and give samples as the network has them; `code` if not. */
gr_status gr__prepare_check(gr_context *ctx, gr_status code, const gr_prepared *p, int n, gr_shape model_input);
/* Checks the steps without data and gives them with every default filled in, for the resolved recipe. */
gr_status gr__prepare_resolve(gr_context *ctx, gr__bump *b, const gr_tree *list, gr_tree **out);
/* The same steps for samples of which the first of `all` numbers are left. */
gr_status gr__prepare_cut(gr_context *ctx, gr__bump *b, const gr_prepared *p, int n, int64_t all, int64_t left,
                          const gr_prepared **out);
/* As graph: x (any dtype) -> GR_REAL prepared. */
gr_val gr__prepare_build(gr_graph *g, const gr_prepared *p, int n, gr_val x);
/* Back again: numbers of a sample as the steps give them, in place, as those that they take; NaN where any would do.
 * count: of what is given; returns how many are left. Every step can be undone. */
int64_t gr__prepare_undo(const gr_prepared *p, int n, double *x, int64_t count);
/* The first step that cannot be undone; NULL: all can. */
const gr_prepared *gr__prepare_lasting(const gr_prepared *p, int n);
/* JSON-able form for the model's metadata (`gradus.prepare`) and back. */
gr_tree *gr__prepare_tree(gr__bump *b, const gr_prepared *p, int n);
gr_status gr__prepare_parse(gr_context *ctx, gr__bump *b, const gr_tree *t, gr_prepared **out, int *n);

/* ---- delivery: a set's numbers as the network takes them ---- */

/* Bytes and float32 are what the graph prepares itself. All else is prepared here, in float64 from the numbers of the
 * file, and rounded once: in float32 the times of an hour are a handful of numbers. */
typedef struct gr_delivery {
    gr_element as; /* bytes, the backend's reals, or indices */
    const gr_prepared *prepared;
    int n_prepared; /* 0: as the source has them; the graph prepares what there is to prepare */
    int64_t width;  /* numbers of a sample that are delivered; 0: as many as the source has */
} gr_delivery;
static inline int64_t gr__delivery_width(const gr_delivery *d, int64_t numbers) /* of so many of the source's */
{
    return d->width ? d->width : numbers;
}
/* real: the backend's; sample: as the network has it. GR_E_SHAPE where the steps do not give such samples. */
gr_status gr__delivery_of(gr_context *ctx, gr_element source, gr_element real, const gr_prepared *p, int n,
                          gr_shape sample, gr_delivery *out);
/* The same of an input, like whose samples others come that are of `source` together; indices are delivered as they
 * are. GR_E_CONFLICT where there are steps for these. */
gr_status gr__delivery_for(gr_context *ctx, const gr_field *x, gr_element source, gr_element real, const gr_prepared *p,
                           int n, gr_shape sample, gr_delivery *out);
/* What numbers of two types are delivered as if they were of, so that both come in the same way. */
gr_element gr__elements_together(gr_element a, gr_element b);
bool gr__prepared_as_delivered(gr_element source); /* and not by the graph */
/* How many of n steps are left to the graph. */
int gr__delivery_left(const gr_delivery *d, int n);
/* The first `width` numbers, as delivered, of one sample, which stands at `sample`; of the samples `row` of a field in
 * memory, one after the other. */
void gr__deliver(const gr_field *x, const void *sample, const gr_delivery *d, int64_t width, void *out);
void gr__deliver_rows(const gr_field *x, const uint32_t *row, int64_t n, const gr_delivery *d, int64_t width,
                      void *out);
/* x[0..n) of one type as another; reals never as integers. */
void gr__elements_convert(gr_element from, gr_element as, const void *x, void *out, int64_t n);
/* The same of n rows of a table x that stand `apart` numbers apart: the first `width` of each, one after the other. */
void gr__rows_convert(gr_element from, gr_element as, const void *x, int64_t apart, int64_t width, const uint32_t *row,
                      int64_t n, void *out);
static inline double gr__element_at(gr_element e, const void *data, int64_t i)
{
    return e == GR_EL_U8    ? ((const uint8_t *)data)[i]
           : e == GR_EL_I32 ? ((const int32_t *)data)[i]
           : e == GR_EL_F32 ? (double)((const float *)data)[i]
                            : ((const double *)data)[i];
}

/* ---- the loader ---- */
typedef struct gr_loader gr_loader;
typedef enum gr_shuffle { GR_SHUFFLE_NONE, GR_SHUFFLE_ONCE, GR_SHUFFLE_EVERY_EPOCH } gr_shuffle;

/* Batches of sequences with about as many steps: each takes samples whose lengths lie between two limits, and holds no
 * more steps than the upper one. What is left when full batches are made of all others, taken at random, comes last and
 * has all steps. */
enum { GR_MAX_BUCKETS = 64 };
typedef struct gr_buckets {
    int n;
    int64_t steps[GR_MAX_BUCKETS]; /* rising; the last is all that samples have */
    int input;                     /* whose lengths they are, and whose steps are cut */
    unsigned targets;              /* 1 << h: so are those of head h */
} gr_buckets;

typedef struct gr_loader_options {
    const gr_set *set;
    const gr_rows *rows;
    int64_t batch;
    bool drop_last;
    gr_shuffle shuffle; /* ONCE: one seeded permutation for the whole run; EVERY_EPOCH: keyed by (seed, epoch) */
    uint64_t seed;
    gr_delivery input[GR_MAX_INPUTS];
    const gr_buckets *buckets; /* NULL: batches have all steps */
    gr_element real;           /* the backend's: values and weights come as it; classes as I32 */
    bool background;           /* prepare the next batch on threads of its own */
    int workers;               /* that read and change samples: so many of these; 0: one */
    const struct gr_augmentation *augment[GR_MAX_INPUTS]; /* NULL: samples stay as they are */
    int copies; /* the list of rows is so many lists alike: the first as they are, others changed the same way in every
                   epoch; 0 or 1: one, changed anew in every epoch */
    int64_t distinct; /* rows of a list from here on may be such as stand before it: they are changed otherwise; 0: none
                         are */
} gr_loader_options;

typedef struct gr_batch {
    int64_t n;                        /* rows in it; the last of an epoch may be short */
    int64_t epoch, index;             /* epoch from 0, batch within the epoch */
    bool last;                        /* of its epoch */
    int64_t steps;                    /* of the input with lengths, and of targets a step; 0: as the set has them */
    const void *field[GR_MAX_FIELDS]; /* dense, at gr__set_place; NULL: none; valid until the next gr__loader_next */
    const uint32_t *row;              /* row numbers of the set */
} gr_batch;

uint64_t gr__loader_bytes(const gr_loader_options *o); /* exactly what creating one takes from tensor memory */
gr_status gr__loader_create(gr_context *ctx, const gr_loader_options *o, gr_loader **out);
void gr__loader_destroy(gr_loader *l);
/* The next batch, endless over epochs. Allocates nothing. */
gr_status gr__loader_next(gr_loader *l, gr_batch *out);
/* For loaders without a thread of their own: how many rows the next batch has (0: it has a thread) and which steps, and
 * the next batch gathered straight to where it is wanted. */
int64_t gr__loader_peek(gr_loader *l, int64_t *steps);
gr_status gr__loader_next_into(gr_loader *l, void *const field[GR_MAX_FIELDS],
                               gr_batch *out); /* fields that are NULL are not gathered */
/* Which entry of the list of rows sample i of the batch is that such a loader gave last. */
int64_t gr__loader_entry(const gr_loader *l, const gr_batch *b, int64_t i);
/* Continue at batch `index` of `epoch` (resume, or start over with (0,0)). */
void gr__loader_seek(gr_loader *l, int64_t epoch, int64_t index);
int64_t gr__loader_batches(const gr_loader_options *o); /* an epoch */

#endif
