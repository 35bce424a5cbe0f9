/* Part of design check 2: an output is of its sample alone. A batch is evaluated twice, the second time with other
 * samples in its second half; what the first half gives must stay.   [mission T4] */
#include <math.h>
#include <string.h>

#include "study/check/check.h"

static const double ALIKE = 1e-4; /* of the largest output; the same kernels give the same bits */

/* The batch with the rows of its first half in the second half as well. */
static gr_status swap_companions(const gr_probe *p, gr__bump *memory, gr_batch *b)
{
    int64_t half = b->n / 2;
    for (int i = 0; i < p->recipe->n_inputs; i++) {
        size_t row = (size_t)gr_shape_count(gr__task_sample(&p->task, i)) * gr__element_bytes(p->task.delivery[i].as);
        char *all = gr__bump_alloc(memory, GR_MAX(row * (size_t)b->n, 1));
        if (!all) return GR_E_MEMORY;
        memcpy(all, b->field[i], row * (size_t)b->n);
        memcpy(all + row * (size_t)(b->n - half), all, row * (size_t)half);
        b->field[i] = all;
    }
    return GR_OK;
}

/* A copy of a head's outputs, and how many there are of a sample; 0: none of its own. */
static double *outputs_of(const gr_probe *p, int head, gr__bump *memory, int64_t *width)
{
    gr_shape shape;
    const void *v = gr__probe_head(p, head, "output", &shape);
    int64_t n = gr_shape_count(shape);
    double *out = gr__bump_alloc(memory, (size_t)GR_MAX(n, 1) * sizeof *out);
    for (int64_t k = 0; k < n && out; k++) out[k] = gr__probe_real(p, v, k);
    *width = shape.rank > 0 && shape.dim[0] == p->batch ? n / p->batch : 0;
    return out;
}

static void compare(const double *before, const double *after, int64_t rows, int64_t width, gr_finding *out)
{
    double largest = 0, most = 0;
    int64_t changed = 0;
    for (int64_t k = 0; k < rows * width; k++) largest = fmax(largest, fabs(before[k]));
    for (int64_t i = 0; i < rows; i++) {
        double off = 0;
        for (int64_t k = i * width; k < (i + 1) * width; k++) off = fmax(off, fabs(after[k] - before[k]));
        changed += off > ALIKE * largest;
        most = fmax(most, off);
    }
    if (changed)
        gr__finding_set(out, GR_VERDICT_FAILED, most / largest, ALIKE,
                        "the outputs of %lld of %lld samples change with what else is in the batch, by up to %.2g: a "
                        "layer mixes samples, which are alone where the model is used",
                        (long long)changed, (long long)rows, most);
}

gr_status gr__check_companions(gr_probe *p, gr_finding *out)
{
    double *before[GR_MAX_TARGETS], *after;
    int64_t width;
    gr_batch b;
    gr__bump *memory = gr__bump_create(p->ctx);
    gr_status st = memory ? GR_OK : GR_E_MEMORY;
    gr__loader_seek(p->loader, 0, 0);
    if (st == GR_OK) st = p->next(p->source, &b);
    if (st != GR_OK || b.n < 2) goto done;
    GR_TRY(gr__probe_run(p, p->evaluate, &b));
    for (int h = 0; h < p->recipe->n_heads; h++)
        if ((before[h] = outputs_of(p, h, memory, &width)) == NULL) st = GR_E_MEMORY;
    if (st == GR_OK) GR_TRY(swap_companions(p, memory, &b));
    if (st == GR_OK) GR_TRY(gr__probe_run(p, p->evaluate, &b));
    for (int h = 0; h < p->recipe->n_heads && st == GR_OK && out->verdict == GR_VERDICT_OK; h++) {
        if ((after = outputs_of(p, h, memory, &width)) == NULL) st = GR_E_MEMORY;
        if (st == GR_OK) compare(before[h], after, b.n - b.n / 2, width, out);
    }
done:
    gr__bump_destroy(memory);
    return st;
}
