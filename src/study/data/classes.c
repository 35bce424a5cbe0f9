/* How the classes are spread: among the samples, and along the file. */
#include "study/data/inspect.h"

static const double UNEVEN = 1.5, UNBALANCED = 3; /* the largest class by the smallest */

static gr_status tell_imbalance(gr_inspection *s, const int64_t *count)
{
    int most = 0, least = 0;
    for (int k = 1; k < s->classes; k++) {
        if (count[k] > count[most]) most = k;
        if (count[k] < count[least]) least = k;
    }
    double ratio = count[least] ? (double)count[most] / (double)count[least] : 0;
    if (count[least] && ratio < UNEVEN) return GR_OK;
    bool much = !count[least] || ratio > UNBALANCED;
    gr_data_finding *f = gr__found(s, "imbalance", much ? GR_SEVERITY_WARNING : GR_SEVERITY_NOTE, GR_PART_TRAIN);
    if (!f) return gr__error_code(s->ctx);
    f->count = count[least];
    if (!count[least])
        gr__found_text(s, f, "no training sample is of class %s", gr__inspection_class(s, least));
    else
        gr__found_text(s, f, "class %s has %lld training samples, %s has %lld: %.3g to 1%s",
                       gr__inspection_class(s, most), (long long)count[most], gr__inspection_class(s, least),
                       (long long)count[least], ratio,
                       much ? "; accuracy then says little: class_weights, balance, or f1 as the figure" : "");
    return GR_OK;
}

/* How often the class changes from a training sample to the next, against what chance would give. */
static gr_status tell_order(gr_inspection *s, const int64_t *count)
{
    int64_t n = 0, changes = 0;
    int32_t before = -1;
    double same = 0;
    if (s->recipe->data.shuffle != GR_SHUFFLE_NONE) return GR_OK;
    for (int64_t i = 0; i < s->n; i++) {
        if (s->part[i] != GR_PART_TRAIN || s->label[i] < 0) continue;
        changes += n++ > 0 && s->label[i] != before;
        before = s->label[i];
    }
    for (int k = 0; k < s->classes; k++)
        same += (double)count[k] / (double)GR_MAX(n, 1) * (double)count[k] / (double)GR_MAX(n, 1);
    double expected = (double)(n - 1) * (1 - same);
    if (expected < 20 || (double)changes > 0.3 * expected) return GR_OK;
    gr_data_finding *f = gr__found(s, "order", GR_SEVERITY_WARNING, GR_PART_TRAIN);
    if (!f) return gr__error_code(s->ctx);
    f->count = changes;
    gr__found_text(s, f,
                   "the class changes %lld times along the training samples, in a random order about %.0f times: "
                   "batches are of few classes, as shuffle is none",
                   (long long)changes, expected);
    return GR_OK;
}

gr_status gr__inspect_classes(gr_inspection *s)
{
    size_t bytes = sizeof(int64_t) * (size_t)GR_MAX(s->classes, 1);
    if (s->classes < 2) return GR_OK;
    int64_t *count = gr__alloc(s->ctx, bytes);
    if (!count) return GR_E_MEMORY;
    gr__inspection_count(s, GR_PART_TRAIN, count);
    gr_status st = tell_imbalance(s, count);
    if (st == GR_OK) st = tell_order(s, count);
    gr__free(s->ctx, count, bytes);
    return st;
}
