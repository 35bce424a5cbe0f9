/* Plans of ever larger batches, then between the last that fits and the first that does not. */
#include "study/search/fits.h"

#include "train/train.h"

typedef struct fitting {
    gr_context *ctx;
    gr_recipe own;
    gr_task task;
    uint64_t budget;
    const volatile sig_atomic_t *stop;
    const gr_watch *watch;
    int tried;
} fitting;

enum { USUAL = 30 }; /* plans that it takes, for who watches */

static gr_status fits(fitting *f, int64_t batch, bool *yes)
{
    gr_engine e = {0};
    gr_status st = GR_OK;
    *yes = false;
    if (f->stop && *f->stop) return GR_E_INTERRUPTED;
    gr__watch(f->watch, "plans", (double)GR_MIN(f->tried++, USUAL) / USUAL);
    f->own.data.batch = batch;
    GR_TRY(gr__engine_make(&f->task, true, 1u << GR_PART_VALIDATION, &e));
    *yes = e.bytes.total <= f->budget;
done:
    gr__engine_close(&e);
    return st;
}

gr_status gr__batch_fits(gr_context *ctx, const gr_recipe *r, uint64_t budget, const volatile sig_atomic_t *stop,
                         const gr_watch *watch, int64_t *largest)
{
    fitting f = {.ctx = ctx, .own = *r, .budget = budget, .stop = stop, .watch = watch};
    int64_t fit = 0, beyond = 0, all;
    bool yes = true;
    gr_status st = GR_OK;
    f.own.data.drop_last = true; /* what is left of an epoch takes less, and may be too few for a norm of batches */
    GR_TRY(gr__task_estimate(ctx, &f.own, &f.task));
    all = gr__task_trained(&f.task)->n;
    if (r->optim.method[0].member->whole_set) {
        GR_TRY(fits(&f, r->data.batch, &yes));
        *largest = yes ? all : 0;
        goto done;
    }
    for (int64_t b = 1; yes && fit < all; b = GR_MIN(2 * b, all)) {
        st = fits(&f, b, &yes);
        if (st == GR_E_SHAPE && b == 1 && all > 1) { /* a norm of batches has no variance of one value */
            gr_context_clear_error(ctx);
            yes = true;
            continue;
        }
        GR_TRY(st);
        *(yes ? &fit : &beyond) = b;
    }
    while (!yes && beyond - fit > 1) {
        bool middle;
        GR_TRY(fits(&f, fit + (beyond - fit) / 2, &middle));
        *(middle ? &fit : &beyond) = fit + (beyond - fit) / 2;
    }
    *largest = fit;
done:
    gr__task_close(&f.task);
    return st;
}
