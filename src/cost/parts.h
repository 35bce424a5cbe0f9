/* What costs share. */
#ifndef GR_COST_PARTS_H
#define GR_COST_PARTS_H

#include "cost/cost.h"

/* ---- costs of classes ---- */

/* A row of logits a sample, its largest one subtracted first: nothing overflows, whatever the logits. */
typedef struct gr_logits {
    int64_t batch, classes;
    gr_val z;       /* [B,K], at most 0 */
    gr_val exp;     /* [B,K] */
    gr_val log_sum; /* [B]: log of the sum of exp */
} gr_logits;
/* Fails the graph where the output is not [B,K]. */
bool gr__logits(gr_graph *g, gr_val output, gr_logits *out);
/* 1 at the class of each sample, 0 elsewhere: [B,K]. */
gr_val gr__one_hot(gr_graph *g, const gr_logits *l, gr_val target);
/* The sum over the classes of x where the condition holds: [B]. Other values are never multiplied by 0: an infinite one
 * does no harm. */
gr_val gr__sum_where(gr_graph *g, gr_val condition, gr_val x);
/* The probabilities of classes 0 and 1, [B,2], from one logit a sample. */
gr_val gr__predict_two(gr_graph *g, gr_val output);
/* log(1 + exp(z)) and log(1 + exp(-z)), without overflow; the slope at 0 is exactly 1/2 of either. */
void gr__softplus_both(gr_graph *g, gr_val z, gr_val *of_z, gr_val *of_minus_z);

/* Fails the graph where the output is not one row of at least two logits a sample, or the data has more classes.
 * `what`: "cross-entropy".
 */
bool gr__check_logits(gr_build *b, const char *what, gr_shape output, int classes);
/* A list of one number >= 0 a class, not all 0, under the setting `key`; fails the graph otherwise. hint: what helps
 * where it is no list.
 */
bool gr__check_class_list(gr_build *b, const char *key, const char *hint, const gr_tree *list, int64_t classes);
/* One number a class, [1,K]; GR_NONE without memory. */
gr_val gr__class_list(gr_build *b, const gr_tree *list, int64_t classes);

/* For references, of one sample: */
double gr__softplus(double z);                                       /* log(1 + exp(z)) */
double gr__log_sum_exp(const double *z, int64_t n);                  /* log of the sum of exp(z_k) */
double gr__minus_log_softmax(const double *z, int64_t n, int64_t k); /* of output k; exact where that is nearly 1 */

/* ---- costs of values ---- */

/* How a sample's outputs come together: the row of mse, mae and huber. */
#define GR_ROW_PER                                         \
    GR_ROW("per", CHOICE, "element", "element|sample", "", \
           "mean over a sample's outputs, or their sum; over the samples always the mean")
/* Classes [B], or values, as numbers of the output's shape. Fails the graph where counts differ. */
gr_val gr__target_values(gr_graph *g, gr_val target, gr_shape output);
/* output - target. */
gr_val gr__residual(gr_graph *g, gr_val output, gr_val target);
/* [B, ...] -> [B]: the mean over a sample's values. */
gr_val gr__mean_per_sample(gr_graph *g, gr_val x);
/* [B, ...] -> [B], as the setting `per` says. */
gr_cost_value gr__per(gr_graph *g, const gr_settings *s, gr_val x);
/* For references: `sum` over n outputs, as the setting `per` says. */
double gr__per_reference(const gr_settings *s, double sum, int64_t n);
gr_reading gr__read_values(gr_shape output);
gr_val gr__predict_values(gr_build *b, const gr_settings *s, gr_val output);
bool gr__check_values(gr_build *b, const gr_settings *s, gr_shape output, int classes);

#endif
