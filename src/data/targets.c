/* What training rows say of their targets: how many of each class, or mean and variance of each value. */
#include "data/data.h"

static gr_status take_classes(gr__bump *b, const gr_set *set, const gr_rows *rows, int64_t classes, gr_targets *out)
{
    const int32_t *label = set->targets;
    int64_t width = gr_shape_count(set->target_sample), *count = gr__bump_alloc(b, sizeof *count * (size_t)classes);
    if (!count) return GR_E_MEMORY;
    for (int64_t i = 0; i < rows->n; i++)
        for (int64_t k = 0; k < width; k++) count[label[rows->row[i] * width + k]]++;
    *out = (gr_targets){.n = rows->n * width, .classes = classes, .count = count};
    return GR_OK;
}

static double value_of(const gr_set *set, int64_t i)
{
    return gr__target_element(set) == GR_EL_F64 ? ((const double *)set->targets)[i]
                                                : (double)((const float *)set->targets)[i];
}

/* One pass of sums about the first row: a constant has variance 0 exactly, and a large common offset costs no digits.
 */
static gr_status take_values(gr__bump *b, const gr_set *set, const gr_rows *rows, gr_targets *out)
{
    int64_t width = gr_shape_count(set->target_sample);
    double *mean = gr__bump_alloc(b, 2 * sizeof *mean * (size_t)width), *variance = mean + width, n = (double)rows->n;
    if (!mean) return GR_E_MEMORY;
    for (int64_t i = 1; i < rows->n; i++) {
        for (int64_t k = 0; k < width; k++) {
            double d = value_of(set, rows->row[i] * width + k) - value_of(set, rows->row[0] * width + k);
            mean[k] += d;
            variance[k] += d * d;
        }
    }
    for (int64_t k = 0; k < width; k++) {
        double sum = mean[k];
        mean[k] = value_of(set, rows->row[0] * width + k) + sum / n;
        variance[k] = GR_MAX(variance[k] - sum * (sum / n), 0) / n;
    }
    *out = (gr_targets){.n = rows->n, .values = width, .mean = mean, .variance = variance};
    return GR_OK;
}

gr_status gr__targets_take(gr__bump *b, const gr_set *set, const gr_rows *rows, int64_t classes, gr_targets *out)
{
    *out = (gr_targets){0};
    if (rows->n == 0 || set->target == GR_TARGET_NONE) return GR_OK;
    return set->target == GR_TARGET_CLASS ? take_classes(b, set, rows, classes, out) : take_values(b, set, rows, out);
}
