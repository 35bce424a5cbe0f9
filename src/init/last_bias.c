/* last_bias: auto. A network whose weights add nothing yet then predicts the base rates, or the mean, and its cost
 * starts at their entropy, or at the variance: training need not first find what a table of the targets says. [Karpathy
 * 2019; mission I9, I10] */
#include <math.h>

#include "init/init.h"

/* How many targets say k, of how many: counts of labels; or, where targets are shares themselves (distributions,
 * several yes-or-no outputs), the sum of them. */
static double how_many(const gr_targets *t, int64_t k)
{
    bool shares = gr__targets_known(t) && t->values > 0;
    return shares ? gr__targets_mean(t, k) * (double)t->n : (double)gr__targets_count(t, k);
}

static void warn_absent(gr_context *ctx, int64_t absent, int64_t first, int64_t n)
{
    gr__log(ctx, GR_LOG_WARNING,
            "init.last_bias: auto: class %lld%s no training targets among %lld classes; a class without counts as half "
            "a target",
            (long long)first, absent > 1 ? " and others have" : " has", (long long)n);
}

/* Adding the half to all keeps the shares of a softmax and the odds of a sigmoid those of (n + 1/2) / (N + 1). */
static void shares_bias(gr_context *ctx, const gr_targets *t, int64_t n, double *values)
{
    double total = 0, more = 0;
    int64_t absent = 0, first = 0;
    for (int64_t k = n; k-- > 0;) {
        double count = how_many(t, k);
        total += count;
        if (count <= 0) absent++, first = k;
    }
    if (absent) more = 0.5, warn_absent(ctx, absent, first, n);
    for (int64_t k = 0; k < n; k++) values[k] = log((how_many(t, k) + more) / (total + 2 * more));
}

static void labels_bias(gr_context *ctx, const gr_targets *t, int64_t n, double *values)
{
    bool shares = gr__targets_known(t) && t->values > 0;
    for (int64_t k = 0; k < n; k++) {
        double yes = how_many(t, shares ? k : 1), no = shares ? (double)t->n - yes : how_many(t, 0);
        double more = yes <= 0 || no <= 0 ? 0.5 : 0;
        if (more > 0) warn_absent(ctx, 1, yes <= 0, 2);
        values[k] = log((yes + more) / (no + more));
    }
}

void gr__init_last_bias(gr_context *ctx, const gr_targets *t, gr_prediction_form prediction, int64_t n, double *values)
{
    if (prediction == GR_PREDICT_SHARES)
        shares_bias(ctx, t, n, values);
    else if (prediction == GR_PREDICT_LABELS)
        labels_bias(ctx, t, n, values);
    else
        for (int64_t k = 0; k < n; k++) values[k] = gr__targets_mean(t, k);
}
