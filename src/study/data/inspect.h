/* Data looked at before anything is trained from it: each sample, pairs of samples, classes, parts.
 * [mission D1 to D4, D11; algorithms 8.8 to 8.11] */
#ifndef GR_STUDY_DATA_INSPECT_H
#define GR_STUDY_DATA_INSPECT_H

#include "model/model.h"
#include "study/check/check.h"
#include "study/data/near.h"

typedef enum gr_severity { GR_SEVERITY_NOTE, GR_SEVERITY_WARNING, GR_SEVERITY_ERROR } gr_severity;
extern const char *const gr__severity_words[]; /* "note", "warning", "error" */

typedef struct gr_suspect { /* a sample */
    const char *part;       /* that it is in; of one in none, whose source it is in */
    int64_t index;          /* its number within that source, from 0; -1: a file that is no sample, being damaged */
    const char *file;       /* NULL: not known */
    int64_t line;           /* within the file, from 1; 0: not known */
} gr_suspect;

enum { GR_SUSPECTS = 20 }; /* that people are shown, of many */
typedef struct gr_data_finding {
    const char *kind;
    const char *part; /* NULL: of several */
    gr_severity severity;
    int64_t count;
    gr_suspect *sample; /* all of them, where they are samples or files */
    size_t n_samples, room;
    const char *text;
} gr_data_finding;

typedef enum gr_label_model { GR_LABELS_BY_RECIPE, GR_LABELS_BY_LINEAR, GR_LABELS_NOT } gr_label_model;
typedef struct gr_inspect_options {
    gr_label_model label_model;   /* what suspicious labels of the training part are found with */
    int folds;                    /* 2 or more */
    int64_t epochs;               /* of each fold's training */
    const struct gr_model *model; /* suspicious labels of validation and test by its probabilities; NULL: not */
    const char *probabilities;    /* a file to write those of the training part to; NULL: none */
    const gr_watch *watch;
} gr_inspect_options;

typedef enum gr_form { GR_FORM_ROWS, GR_FORM_PICTURES, GR_FORM_WORDS } gr_form;
enum { GR_IN_NO_PART = 255, GR_MOST_FINDINGS = 64 };

typedef struct gr_leave { /* a sample that is to be left out, or looked at first */
    int64_t at;
    const char *why;
    bool perhaps;
} gr_leave;

/* Samples are numbered through the sources, those of training first. */
typedef struct gr_inspection {
    gr_context *ctx;
    const gr_recipe *recipe;
    const gr_inspect_options *options;
    gr__bump *memory;
    gr_task task;
    int64_t first[GR_PARTS + 1]; /* of each source */
    int64_t n;
    uint8_t *part;    /* of each sample; GR_IN_NO_PART: something is wrong with it, or it is left out */
    int32_t *label;   /* its class; -1: none */
    uint64_t *hash;   /* of its inputs */
    gr_clusters same; /* equal inputs */
    int classes;      /* of the target that parts are stratified by; 0: there is none */
    bool unprepared;  /* training would not start with what is sound */
    const char *const *class_names;
    gr_form form;
    gr_shape shape; /* of the first input, as the data has it; flat data as the network takes it */
    int64_t width;  /* numbers of a sample: preparation may make others of them */
    /* Of the training part, number by number: of a picture's channels, a sequence's features, a row's columns. */
    int64_t channels;
    double *mean, *std, *low, *high;
    bool *two; /* no more than two different values */
    gr_data_finding finding[GR_MOST_FINDINGS];
    size_t n_findings;
    gr_leave *leave;
    size_t n_leave, leave_room;
} gr_inspection;

/* Looks at all of it. What it has found lives until it is closed. */
gr_status gr__inspect(gr_context *ctx, const gr_recipe *r, const gr_inspect_options *o, gr_inspection *out);
void gr__inspection_close(gr_inspection *s);
/* "ok", "warnings", "errors". */
const char *gr__inspection_verdict(const gr_inspection *s);
/* Samples of each class of a part, `classes` counts. */
void gr__inspection_count(const gr_inspection *s, gr_part p, int64_t *count);
/* The rows that should be left out, as data.exclude takes them; those that a person should look at first are comments.
 * *rows: how many are not. */
gr_status gr__inspection_fix(const gr_inspection *s, const char *path, int64_t *rows);
/* "\"ant\"" or "3": a class as text, in the inspection's memory. */
const char *gr__inspection_class(gr_inspection *s, int k);

/* ---- between the files of this room ---- */
/* A new finding; NULL: no memory. part GR_PARTS: of several. */
gr_data_finding *gr__found(gr_inspection *s, const char *kind, gr_severity severity, gr_part part);
/* Counts a sample among a finding's, and lists it; likewise a file that is none, or a line of one. */
void gr__found_sample(gr_inspection *s, gr_data_finding *f, int64_t at);
void gr__found_file(gr_inspection *s, gr_data_finding *f, gr_part part, const gr_fault *file);
void gr__found_text(gr_inspection *s, gr_data_finding *f, const char *format, ...) GR_PRINTF(3, 4);
/* "train 17": a sample as text, in the inspection's memory. */
const char *gr__inspection_name(gr_inspection *s, int64_t at);
gr_status gr__leave_out(gr_inspection *s, int64_t at, const char *why, bool perhaps);
/* Whose source a sample is in, and its row there. */
gr_part gr__inspection_source(const gr_inspection *s, int64_t at, int64_t *row);

gr_status
gr__inspect_faults(gr_inspection *s); /* undecodable, nonfinite, shape, label_range, missing_label, empty_class */
gr_status gr__inspect_values(gr_inspection *s);  /* constant_sample, constant_feature, outlier; hashes */
gr_status gr__inspect_twins(gr_inspection *s);   /* duplicate, leak, conflicting_labels */
gr_status gr__inspect_near(gr_inspection *s);    /* near_duplicate */
gr_status gr__inspect_classes(gr_inspection *s); /* imbalance, order */
gr_status gr__inspect_drift(gr_inspection *s);   /* drift */
gr_status gr__inspect_start(gr_inspection *s);   /* preparation */
gr_status gr__inspect_labels(gr_inspection *s);  /* suspicious_label */
/* Findings of groups: within a part, and across parts. */
gr_status gr__inspect_groups(gr_inspection *s, gr_clusters *g, const char *within, gr_severity within_is,
                             const char *across, gr_severity across_is, const char *like);

#endif
