/* A recipe as what is searched: a point of its spaces is a recipe of its own, and a trial is its training, from the
 * recipe's seed, on its training and validation parts. The test part is never opened. */
#ifndef GR_STUDY_TUNE_SEARCHED_H
#define GR_STUDY_TUNE_SEARCHED_H

#include "study/tune/tune.h"
#include "train/train.h"

enum { GR_MOST_LIMITS = 8 };

/* Bounds of what a plan says of a trial, known before it is trained. */
typedef struct gr_limits {
    struct {
        int what; /* which of gr__limit_words */
        double most;
        const char *text; /* as it was given */
    } at[GR_MOST_LIMITS];
    int n;
} gr_limits;
extern const char *const gr__limit_words[]; /* "bytes", "serving_bytes", ...; NULL-ended */
/* Adds NAME=NUMBER. GR_E_USAGE. text must live on. */
gr_status gr__limits_add(gr_context *ctx, gr_limits *l, const char *text);

typedef struct gr_searched {
    gr_context *ctx;
    gr__bump *memory;
    gr_recipe *base;
    const gr_spaces *spaces;
    gr_limits limits;
    gr_best_by by;      /* the metric */
    const char *metric; /* its name in files: "validation_error" */
    const char *folder; /* trials that run have folders of their own that begin so */
    double share;       /* of all updates that comes before the first evaluation; NaN: the length is open */
} gr_searched;

/* base: of cli_recipe, opened with best_by as the metric where one is asked for; it stays the caller's. The recipe must
 * have a validation part, and evaluate it. */
gr_status gr__searched_open(gr_context *ctx, gr_recipe *base, bool by_metric, gr_searched *out);
void gr__searched_close(gr_searched *s); /* a zeroed one is fine */
/* Finds out which spaces apply beside which choices only, and refuses those that no recipe can have. */
gr_status gr__searched_settle(gr_searched *s, gr_spaces *spaces);
/* The recipe of a point; close it. ctx: whose it becomes. */
gr_status gr__searched_recipe(const gr_searched *s, gr_context *ctx, const gr_spaces *spaces, const gr_point *p,
                              gr_recipe **out);
gr_objective gr__searched_objective(gr_searched *s);

#endif
