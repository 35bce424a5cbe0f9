/* What is to be known of a batch, one after the other. */
#include "study/search/batch.h"

#include <math.h>
#include <unistd.h>

#include "study/search/fits.h"

static uint64_t machine_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? (uint64_t)pages * (uint64_t)bytes : UINT64_MAX;
}

static gr_status count_room(gr_context *ctx, const gr_recipe *r, const gr_batch_options *o, const gr_watch *watch,
                            gr_batch_found *out)
{
    out->budget = o->budget ? o->budget : r->memory ? r->memory : machine_bytes();
    out->budget_from = o->budget ? "--budget" : r->memory ? "memory of the recipe" : "memory of this machine";
    gr_recipe own = *r; /* as `gradus plan --budget` takes it */
    if (o->budget) own.memory = o->budget;
    if (o->budget && !r->remat_given) own.remat.policy = "auto";
    return gr__batch_fits(ctx, &own, out->budget, o->stop, watch, &out->fits);
}

static void suggest(gr_batch_found *b)
{
    if (!b->noise.resolved) return;
    double power = round(log2(fmax(b->noise.is.noise_scale, 1))), most = floor(log2((double)b->samples));
    b->suggested = (int64_t)exp2(fmin(power, most));
}

gr_status gr__batch_find(gr_context *ctx, const gr_recipe *r, const gr_batch_options *o, gr_batch_found *out)
{
    gr_task task = {0};
    gr_noise_meter meter = {0};
    gr_scaling_options scaling = o->scaling;
    gr_watch_part first, second, third;
    double share = o->study ? 0.05 : 0.5; /* of each of the first two */
    bool validated = o->study && (r->data.validation || r->data.split_validation > 0);
    gr_status st = GR_OK;
    *out = (gr_batch_found){0};
    GR_TRY(count_room(ctx, r, o, gr__watch_part(&first, o->watch, 0, share), out));
    GR_TRY(gr__task_open(ctx, r, 1u << GR_PART_TRAIN | (validated ? 1u << GR_PART_VALIDATION : 0), NULL, &task));
    out->samples = gr__task_trained(&task)->n;
    GR_TRY(gr__noise_open(&task, o->samples, &meter));
    GR_TRY(gr__noise_measure(&meter, o->stop, gr__watch_part(&second, o->watch, share, share), &out->noise));
    gr__noise_close(&meter);
    suggest(out);
    scaling.stop = o->stop;
    scaling.watch = gr__watch_part(&third, o->watch, 2 * share, 1 - 2 * share);
    if (!scaling.largest && out->fits) /* of batches that are not asked for, none beyond memory */
        for (scaling.most = 1; scaling.most <= out->fits / 2;) scaling.most *= 2;
    if (o->study) GR_TRY(gr__scaling_study(&task, &scaling, &out->scaling));
done:
    gr__noise_close(&meter);
    gr__task_close(&task);
    return st;
}
