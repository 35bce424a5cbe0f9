/* The mean of what several models answer. */
#include <math.h>

#include "train/together.h"

static const double LEAST = 1e-300; /* of a probability whose logarithm is taken */

static double log_of(double p)
{
    return log(fmax(p, LEAST));
}

static double weight_of(const gr_mixing *m, int i)
{
    return m->weight ? m->weight[i] : 1.0 / m->n;
}

static double mean_of(const gr_mixing *m, const double *const *v, int64_t k)
{
    double sum = 0;
    for (int i = 0; i < m->n; i++) sum = (i ? sum : 0) + (m->weight ? m->weight[i] * v[i][k] : v[i][k]);
    return m->weight ? sum : sum / m->n;
}

static void mix_shares(const gr_mixing *m, int64_t width, const double *const *v, double *out)
{
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < width; k++) {
        out[k] = 0;
        for (int i = 0; i < m->n; i++) out[k] += weight_of(m, i) * log_of(v[i][k]);
        most = fmax(most, out[k]);
    }
    for (int64_t k = 0; k < width; k++) sum += out[k] = exp(out[k] - most);
    for (int64_t k = 0; k < width; k++) out[k] /= sum;
}

static double mix_label(const gr_mixing *m, const double *const *v, int64_t k)
{
    double logit = 0;
    for (int i = 0; i < m->n; i++) logit += weight_of(m, i) * (log_of(v[i][k]) - log_of(1 - v[i][k]));
    return 1 / (1 + exp(-logit));
}

static bool all_finite(const gr_mixing *m, int64_t width, const double *const *v)
{
    for (int i = 0; i < m->n; i++)
        for (int64_t k = 0; k < width; k++)
            if (!isfinite(v[i][k])) return false;
    return true;
}

void gr__mix(const gr_mixing *m, gr_prediction_form form, int64_t width, const double *const *v, double *out)
{
    bool logits = m->logits && form != GR_PREDICT_VALUES && all_finite(m, width, v);
    if (logits && form == GR_PREDICT_SHARES) {
        mix_shares(m, width, v, out);
        return;
    }
    for (int64_t k = 0; k < width; k++) out[k] = logits ? mix_label(m, v, k) : mean_of(m, v, k);
}

double gr__mix_deviation(const gr_mixing *m, const double *const *v, int64_t k, double mean)
{
    double sum = 0;
    for (int i = 0; i < m->n; i++) sum += weight_of(m, i) * (v[i][k] - mean) * (v[i][k] - mean);
    return sqrt(sum);
}

gr_status gr__mix_weights(gr_context *ctx, double *weight, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        if (!(weight[i] >= 0) || !isfinite(weight[i]))
            return gr__fail(ctx, GR_E_RANGE, "the weight of model %d is %g; it is at least 0", i + 1, weight[i]);
        sum += weight[i];
    }
    if (!(sum > 0) || !isfinite(sum)) return gr__fail(ctx, GR_E_RANGE, "the weights of the models add up to %g", sum);
    for (int i = 0; i < n; i++) weight[i] /= sum;
    return GR_OK;
}
