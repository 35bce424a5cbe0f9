/* Trainings that figures are made of, and what comes of several. */
#include "study/lab/training.h"

#include <math.h>
#include <string.h>

#include "metric/metric.h"

static gr_status follow(const gr_training *t, gr_steps *s, gr_trained *out)
{
    int64_t total = t->updates ? t->updates : s->stepper.extent.total,
            each = t->every * s->stepper.extent.updates_per_epoch, at = 0, seen;
    for (int64_t i = 0; i < total; i++) {
        gr_status st = gr__steps_next(s, i);
        bool due = each > 0 && (i + 1) % each == 0;
        if (st == GR_OK && due && t->error) st = gr__steps_validate(s, &t->error[at]);
        if (st == GR_OK && due && t->train) st = gr__steps_judge(s, &t->train[at], &seen);
        if (st != GR_OK) return st;
        at += due;
    }
    gr_status st = gr__steps_validate(s, &out->error);
    return st == GR_OK && t->judged ? gr__steps_judge(s, &out->train, &seen) : st;
}

gr_status gr__lab_train(gr_lab *lab, const gr_training *t, gr_trained *out)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = t->recipe ? GR_OK : GR_E_MEMORY;
    unsigned flags = GR_STEPS_VALIDATED | (t->judged || t->train ? GR_STEPS_JUDGED : 0);
    *out = (gr_trained){.error = 1, .train = NAN};
    GR_TRY(st);
    GR_TRY(gr__recipe_from_text(lab->ctx, lab->figure->head.name, ".", t->recipe, strlen(t->recipe), NULL, 0, &r));
    GR_TRY(gr__steps_open(lab->ctx, r, flags, &s));
    if (t->start) GR_TRY(t->start(lab, &s, t->user));
    st = follow(t, &s, out);
    if (st == GR_OK && t->look) st = t->look(lab, r, &s, t->user);
done:
    out->diverged = st == GR_E_DIVERGED || (st == GR_OK && !isfinite(out->error));
    if (out->diverged) {
        gr_context_clear_error(lab->ctx);
        *out = (gr_trained){.error = 1, .train = t->judged ? 1 : NAN, .diverged = true};
        st = GR_OK;
    }
    gr__steps_close(&s);
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}

gr_status gr__lab_copy(gr_lab *lab, const gr_store *from, gr_store *to, const char *name)
{
    const gr_entry *a = gr_store_find(from, name), *b = gr_store_find(to, name);
    if (!a || !b || a->count != b->count)
        return gr__fail(lab->ctx, GR_E_INTERNAL, "%s: \"%s\" is not the same in both", lab->figure->head.name, name);
    double *x = gr__alloc(lab->ctx, (size_t)a->count * sizeof *x);
    if (!x) return GR_E_MEMORY;
    gr_store_read(from, a, x);
    gr_store_write(to, b, x);
    gr__free(lab->ctx, x, (size_t)a->count * sizeof *x);
    return GR_OK;
}

const char *gr__lab_digits(gr_lab *lab, int64_t k, int64_t samples, int64_t batch, const char *more)
{
    long long seed = (long long)(gr__lab_seed(lab, k) % 1000000007), n = (long long)samples;
    return gr__lab_text(lab,
                        "data: {train: {type: synthetic, kind: digits, noise: 0.4, n: %lld, seed: %lld}, validation: "
                        "{type: synthetic, kind: digits, noise: 0.4, n: %lld, seed: %lld}, batch: %lld, prepare: "
                        "[{type: scale, by: 1/255}, standardize]%s}",
                        n, 2 * seed, n, 2 * seed + 1, (long long)batch, more);
}

uint64_t gr__lab_seed(const gr_lab *lab, int64_t k)
{
    return (lab->seed + (uint64_t)k) % (UINT64_C(1) << 53);
}

gr_mean gr__lab_mean(const double *x, int64_t n)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    if (n < 2) return (gr_mean){mean, NAN, NAN};
    double off = gr__student(n - 1) * sqrt(sum / (double)(n - 1) / (double)n);
    return (gr_mean){mean, mean - off, mean + off};
}

void gr__lab_tells(gr_lab *lab, gr_mean d, const char *unit, const char *claim, ...)
{
    char text[320];
    const char *verdict = d.low > 0 ? "holds" : d.high < 0 ? "is contradicted" : "is not told from chance";
    va_list args;
    va_start(args, claim);
    gr__print_cut(text, sizeof text, claim, args);
    va_end(args);
    gr__lab_within(lab, -INFINITY, INFINITY, d.mean, "%s: %s here; difference in %s, 95 %% interval %.3g to %.3g", text,
                   verdict, unit, d.low, d.high);
}
