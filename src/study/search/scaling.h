/* How many updates a target takes at several batches, each at the rate that is best for it: where larger batches save
 * updates in proportion, save fewer, or none. [Shallue et al. 2019; McCandlish et al. 2018; algorithms 7.1, 7.2;
 * mission O5, H11] */
#ifndef GR_STUDY_SEARCH_SCALING_H
#define GR_STUDY_SEARCH_SCALING_H

#include "study/search/noise.h"
#include "study/search/rates.h"

enum { GR_SCALING_ROWS = 16, GR_SCALING_SEEDS = 10 };

typedef enum gr_regime { GR_REGIME_PERFECT, GR_REGIME_DIMINISHING, GR_REGIME_STAGNATION } gr_regime;
extern const char *const gr__regime_words[];

/* A batch, twice the one before. */
typedef struct gr_scaled {
    int64_t batch;
    double lr;                           /* of which the mean is least */
    bool edge;                           /* the search for it ended before a worse one stood on either side */
    double of[GR_SCALING_SEEDS];         /* updates from each seed, at that rate */
    double steps, low, high;             /* their mean, and over the seeds; NaN: no rate reached the target */
    double ratio, ratio_low, ratio_high; /* steps by those of twice the batch; NaN of the last */
    gr_regime regime; /* by the ratio: from 1.8 on perfect, up to 1.1 stagnation; the last has that of the one before */
} gr_scaled;

typedef struct gr_scaling {
    gr_scaled row[GR_SCALING_ROWS];
    int n, seeds;
    double target, start;                         /* costs of validation samples, or where there are none of training */
    bool validated;                               /* the former */
    double critical, critical_low, critical_high; /* steps = least (1 + critical / batch); over the seeds; NaN: none */
    double least;
    int64_t perfect_until;              /* the largest batch up to which every doubling was perfect; 0: none */
    int64_t stagnation_from;            /* the first from which a doubling saves nothing; 0: none */
    gr_noise noise;                     /* at weights that have reached the target */
    int64_t failed_below, failed_above; /* batches that came to the target at no rate, and ended the study; 0: none */
    int64_t trainings, updates;
} gr_scaling;

typedef struct gr_scaling_options {
    int64_t smallest, largest; /* powers of two; 0: 8, and 1024, a quarter of the training samples, or `most` */
    int64_t most;              /* 0: none */
    int64_t updates;           /* what reaching the target takes at the batch in the middle, about */
    double target;             /* NaN: what those updates reach */
    int seeds;
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
} gr_scaling_options;

/* of: loaded, with its validation part if it has one. GR_E_CHECK: no rate reaches the target. */
gr_status gr__scaling_study(const gr_task *of, const gr_scaling_options *o, gr_scaling *out);
/* Ratios, regimes and the fit, by steps and seeds. */
void gr__scaling_judge(gr_scaling *s);

#endif
