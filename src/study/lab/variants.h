/* Variants of a training, each with the same seeds: what several figures compare. Variants share the data and the
 * initial weights of a seed where their recipes do, so that differences are taken within it. */
#ifndef GR_STUDY_LAB_VARIANTS_H
#define GR_STUDY_LAB_VARIANTS_H

#include "study/lab/training.h"

enum { GR_MOST_VARIANTS = 24, GR_MOST_SEEDS = 100 };

typedef struct gr_variants gr_variants;
struct gr_variants {
    const char *const *words; /* NULL-ended */
    int n;
    /* The recipe of one, as text (gr__lab_text); its seed is gr__lab_seed(lab, k). */
    const char *(*recipe)(gr_lab *lab, const gr_variants *v, int variant, int64_t k);
    const void *user; /* for it */
    /* Changes the k-th network of a variant before its first update; may be NULL. */
    gr_status (*start)(gr_lab *lab, const gr_variants *v, int variant, int64_t k, gr_steps *s);
    /* One more figure of a trained network; may be NULL. */
    gr_status (*look)(gr_lab *lab, const gr_recipe *r, gr_steps *s, double *figure);
    const char *figure; /* its name */
    /* In percent; [variant][seed]. */
    double error[GR_MOST_VARIANTS][GR_MOST_SEEDS], train[GR_MOST_VARIANTS][GR_MOST_SEEDS],
        looked[GR_MOST_VARIANTS][GR_MOST_SEEDS];
    int64_t seeds, diverged[GR_MOST_VARIANTS];
};

/* Trains all, by the figure's setting `seeds`, and writes two tables: NAME with means and intervals, columns variant,
 * validation_error, .._low, .._high, train_error, .., the look's, seeds; NAME-seeds with every training. name: NULL or
 * of the file. */
gr_status gr__variants_train(gr_lab *lab, gr_variants *v, const char *name);
/* The mean of b's errors less a's, seed by seed. */
gr_mean gr__variants_differ(const gr_variants *v, int a, int b);
/* Draws the errors of all, each with its interval and its seeds. name as of gr__variants_train; axis: what variants
 * are. */
void gr__variants_draw(gr_lab *lab, const gr_variants *v, const char *name, const char *title, const char *axis);

#endif
