/* An ensemble varies less than its models. Networks are trained on bootstraps of one training set, several on each from
 * other initial weights, and what varies from bootstrap to bootstrap is the probability that a test sample is given.
 * [mission G15; Breiman 1996] */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "study/lab/training.h"

static const gr_row rows[] = {
    GR_ROW("bootstraps", INT, "30", "[3,200]", "", "draws of the training rows, with replacement"),
    GR_ROW("models", INT, "6", "[2,16]", "", "trained on each, from other initial weights"),
    GR_ROW("samples", INT, "500", "[50,10000]", "samples", "to train on, and as many to test on"),
    GR_ROW("epochs", INT, "30", "[1,1000]", "epochs", "of every training"),
    GR_ROW("units", INT, "32", "[2,1000]", "1", "of the hidden layer"),
};

enum { CLASSES = 10, MOST_MODELS = 16 };

typedef struct figure {
    gr_lab *lab;
    int64_t bootstraps, models, samples;
    double *p;         /* [bootstrap][model][sample][class] */
    int32_t *label;    /* of the test samples */
    int64_t at, model; /* at hand */
} figure;

static double *share_of(const figure *f, int64_t b, int64_t m, int64_t i)
{
    return f->p + ((b * f->models + m) * f->samples + i) * CLASSES;
}

/* ---- training ---- */

/* The rows of the training set drawn anew, the same for all models of a bootstrap. Nothing shuffles them. */
static gr_status draw_rows(gr_lab *lab, gr_steps *s, void *user)
{
    const figure *f = user;
    uint32_t *row = s->task.rows[GR_PART_TRAIN].row;
    int64_t n = s->task.rows[GR_PART_TRAIN].n;
    gr__rng r = gr__rng_make(lab->seed, "ensemble-variance rows", (uint32_t)f->at, 0);
    for (int64_t i = 0; i < n; i++) row[i] = (uint32_t)gr__rng_below(&r, (uint64_t)n);
    return GR_OK;
}

static gr_status read_shares(gr_lab *lab, const gr_recipe *r, gr_steps *s, void *user)
{
    figure *f = user;
    int64_t at = 0;
    gr__loader_seek(s->validation, 0, 0);
    for (gr_batch b = {0}; !b.last;) {
        gr_status st = gr__loader_next(s->validation, &b);
        gr_engine_plan *plan = st == GR_OK ? gr__engine_find(&s->engine, GR_RUN_EVALUATE, b.n, 0, 0) : NULL;
        if (st != GR_OK) return st;
        if (!plan) return gr__fail(lab->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)b.n);
        gr__feeds_put(&plan->feeds, &b);
        if ((st = gr_plan_run(plan->plan)) != GR_OK) return st;
        for (int64_t i = 0; i < b.n; i++, at++) {
            f->label[at] = ((const int32_t *)b.field[r->n_inputs])[i];
            for (int k = 0; k < CLASSES; k++)
                share_of(f, f->at, f->model, at)[k] =
                    gr__element_at(gr__task_real(&s->task), plan->head[0].prediction, i * CLASSES + k);
        }
    }
    return GR_OK;
}

static gr_status train_all(figure *f)
{
    gr_lab *lab = f->lab;
    const gr_settings *s = &lab->settings;
    gr_trained out;
    gr_status st = GR_OK;
    for (f->at = 0; f->at < f->bootstraps && st == GR_OK; f->at++)
        for (f->model = 0; f->model < f->models && st == GR_OK; f->model++) {
            const gr_training t = {
                .recipe = gr__lab_text(
                    lab,
                    "{gradus: 1, name: ensemble-variance, seed: %llu, %s,\n"
                    " model: {input: [16, 16, 1], layers: [flatten, {type: dense, units: %lld, activation: relu}, "
                    "{type: "
                    "dense, units: 10}]},\n"
                    " cost: cross_entropy, optimizer: {type: adam, lr: 0.003}, stop: {epochs: %lld}}\n",
                    (unsigned long long)gr__lab_seed(lab, f->model), /* the same initial weights for every bootstrap */
                    gr__lab_digits(lab, 0, f->samples, 32, ", shuffle: none"), (long long)gr__setting_int(s, "units"),
                    (long long)gr__setting_int(s, "epochs")),
                .start = draw_rows,
                .look = read_shares,
                .user = f};
            st = gr__lab_train(lab, &t, &out);
            if (st == GR_OK && out.diverged)
                st = gr__fail(lab->ctx, GR_E_DIVERGED, "a training diverged: fewer units or epochs");
        }
    return st;
}

/* ---- what varies ---- */

/* Sample i: the covariance over bootstraps of two means of n models each, from the a-th and the c-th on, summed over
 * the classes. */
static double covariance_at(const figure *f, int64_t i, int64_t a, int64_t c, int64_t n)
{
    double sum = 0, count = (double)f->bootstraps;
    for (int k = 0; k < CLASSES; k++) {
        double x = 0, y = 0, xy = 0;
        for (int64_t b = 0; b < f->bootstraps; b++) {
            double u = 0, v = 0;
            for (int64_t m = 0; m < n; m++) {
                u += share_of(f, b, a + m, i)[k] / (double)n;
                v += share_of(f, b, c + m, i)[k] / (double)n;
            }
            x += u / count, y += v / count, xy += u * v / count;
        }
        sum += (xy - x * y) * count / (count - 1);
    }
    return sum;
}

/* Its mean over the samples. */
static double covariance(const figure *f, int64_t a, int64_t c)
{
    double sum = 0;
    for (int64_t i = 0; i < f->samples; i++) sum += covariance_at(f, i, a, c, 1) / (double)f->samples;
    return sum;
}

/* Share of the test samples that the mean of the first n models of a bootstrap gets wrong, from the `first` on. */
static double error_of(const figure *f, int64_t b, int64_t first, int64_t n)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < f->samples; i++) {
        double mean[CLASSES] = {0};
        int best = 0;
        for (int64_t m = first; m < first + n; m++)
            for (int k = 0; k < CLASSES; k++) mean[k] += share_of(f, b, m, i)[k];
        for (int k = 1; k < CLASSES; k++)
            if (mean[k] > mean[best]) best = k;
        wrong += best != f->label[i];
    }
    return 100.0 * (double)wrong / (double)f->samples;
}

static double error_alone(const figure *f, int64_t b, int64_t n)
{
    double sum = 0;
    for (int64_t m = 0; m < n; m++) sum += error_of(f, b, m, 1) / (double)n;
    return sum;
}

static const gr_column columns[] = {GR_NUMBER("models", "", NULL),
                                    GR_NUMBER("variance", "", NULL),
                                    GR_NUMBER("variance_low", "", NULL),
                                    GR_NUMBER("variance_high", "", NULL),
                                    GR_NUMBER("variance_alone", "", NULL),
                                    GR_NUMBER("predicted", "", NULL),
                                    GR_NUMBER("validation_error", "%", NULL),
                                    GR_NUMBER("validation_error_low", "%", NULL),
                                    GR_NUMBER("validation_error_high", "%", NULL),
                                    GR_NUMBER("error_alone", "%", NULL),
                                    GR_NUMBER("bootstraps", "", NULL)};

static void tell_all(figure *f)
{
    gr_lab *lab = f->lab;
    gr_table *t = gr__lab_table(lab, NULL, "variance over bootstraps", columns, (int)GR_COUNT(columns));
    double *error = gr__result_alloc(&lab->result, sizeof *error * (size_t)f->bootstraps),
           *gain = gr__result_alloc(&lab->result, sizeof *gain * (size_t)f->bootstraps),
           *each = gr__result_alloc(&lab->result, sizeof *each * (size_t)f->samples),
           *first = gr__result_alloc(&lab->result, sizeof *first * (size_t)f->samples);
    double own = 0, pairs = 0;
    for (int64_t n = 1; n <= f->models && error && gain && each && first; n++) {
        double alone = 0, count = (double)n;
        own += covariance(f, n - 1, n - 1);
        for (int64_t m = 0; m < n - 1; m++) pairs += 2 * covariance(f, m, n - 1);
        double predicted = (own + pairs) / (count * count);
        for (int64_t i = 0; i < f->samples; i++) each[i] = covariance_at(f, i, 0, 0, n);
        gr_mean v = gr__lab_mean(each, f->samples);
        for (int64_t b = 0; b < f->bootstraps; b++) {
            error[b] = error_of(f, b, 0, n);
            gain[b] = error_alone(f, b, n) - error[b];
            alone += (error[b] + gain[b]) / (double)f->bootstraps;
        }
        gr_mean m = gr__lab_mean(error, f->bootstraps);
        GR_LAB_ROW(lab, t, count, v.mean, v.low, v.high, own / count, predicted, m.mean, m.low, m.high, alone,
                   (double)f->bootstraps);
        gr__lab_equal(lab, predicted, v.mean, 1e-9,
                      "variance of the mean of %lld models: (mean variance + (M - 1) mean covariance) / M",
                      (long long)n);
        gr__lab_within(lab, 0, own / count * (1 + 1e-12), v.mean, "the same, at most the models' own on average");
        if (n == 1) memcpy(first, each, sizeof *each * (size_t)f->samples);
    }
    for (int64_t i = 0; i < f->samples && each && first; i++) first[i] -= each[i];
    if (first)
        gr__lab_tells(lab, gr__lab_mean(first, f->samples), "variance",
                      "the mean of %lld models varies less than one model", (long long)f->models);
    if (gain)
        gr__lab_tells(lab, gr__lab_mean(gain, f->bootstraps), "% of the samples",
                      "an ensemble of %lld models errs less than they do on average", (long long)f->models);
}

static void draw(const figure *f)
{
    gr_lab *lab = f->lab;
    const char *caption =
        gr__lab_text(lab, "%lld bootstraps of %lld samples; broken lines: 95 %% intervals, and single models.",
                     (long long)f->bootstraps, (long long)f->samples);
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "More models: what they say varies less with the data",
            .caption = caption,
            .x = {.label = "models", .low = 0.5, .high = (double)f->models + 0.5},
            .y = {.label = "variance over bootstraps"},
            .curve = {
                {.label = "their mean", .mark = GR_MARK_POINTS, .colour = 2, .x = "models", .y = "variance"},
                {.mark = GR_MARK_DASHED, .colour = 2, .x = "models", .y = "variance_low"},
                {.mark = GR_MARK_DASHED, .colour = 2, .x = "models", .y = "variance_high"},
                {.label = "theory", .mark = GR_MARK_PATH, .colour = 2, .x = "models", .y = "predicted"},
                {.label = "one by one", .mark = GR_MARK_DASHED, .colour = 1, .x = "models", .y = "variance_alone"}}});
    gr__lab_panel(
        lab, &(gr_panel){
                 .name = "error",
                 .title = "More models: fewer samples are judged wrongly",
                 .caption = caption,
                 .x = {.label = "models", .low = 0.5, .high = (double)f->models + 0.5},
                 .y = {.label = "samples judged wrongly (%)"},
                 .curve = {
                     {.label = "their mean", .mark = GR_MARK_PATH, .colour = 2, .x = "models", .y = "validation_error"},
                     {.mark = GR_MARK_DASHED, .colour = 2, .x = "models", .y = "validation_error_low"},
                     {.mark = GR_MARK_DASHED, .colour = 2, .x = "models", .y = "validation_error_high"},
                     {.label = "one by one", .mark = GR_MARK_PATH, .colour = 1, .x = "models", .y = "error_alone"}}});
}

static gr_status run(gr_lab *lab)
{
    const gr_settings *s = &lab->settings;
    figure f = {.lab = lab,
                .bootstraps = gr__setting_int(s, "bootstraps"),
                .models = gr__setting_int(s, "models"),
                .samples = gr__setting_int(s, "samples")};
    f.p = gr__bump_alloc(lab->memory, sizeof *f.p * (size_t)(f.bootstraps * f.models * f.samples * CLASSES));
    f.label = gr__bump_alloc(lab->memory, sizeof *f.label * (size_t)f.samples);
    gr_status st = f.p && f.label ? train_all(&f) : GR_E_MEMORY;
    if (st != GR_OK) return st;
    tell_all(&f);
    draw(&f);
    return GR_OK;
}

GR_FIGURE(ensemble_variance) = {
    .head =
        {
            .family = "figure",
            .name = "ensemble-variance",
            .title = "An ensemble of networks varies less from one training set to the next",
            .cite = "chapter 1.5; Breiman 1996; Krogh & Vedelsby 1995",
            .equations = "p_m: what model m gives a test sample, over bootstraps of the training rows\n"
                         "Var(mean of M) = (mean Var(p_m) + (M - 1) mean Cov(p_m, p_n)) / M <= mean Var(p_m)",
            GR_ROWS(rows),
        },
    .quick = "{bootstraps: 10, models: 4, samples: 400, epochs: 20}",
    .run = run,
};
