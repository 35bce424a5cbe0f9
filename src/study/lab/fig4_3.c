/* Figure 4.3: double descent. With more and more features the test error falls, rises to a peak where there are as many
 * as samples, and falls again [NKB+20; Belkin et al. 2019]. Three times: least squares with some of the features that
 * the data has, whose errors are known exactly [Belkin, Hsu & Xu 2020, theorem 1]; least squares with random ReLU
 * features; and small networks, by width and by epochs, where what is seen is reported. [mission FIG4.3, G4] */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "study/lab/least.h"
#include "study/lab/training.h"

static const gr_row rows[] = {
    GR_ROW("samples", INT, "100", "[20,400]", "samples", "to fit random ReLU features to"),
    GR_ROW("draws", INT, "20", "[2,1000]", "draws", "of samples and features for each number of these"),
    GR_ROW("exact_draws", INT, "400", "[10,100000]", "draws", "where the theory is exact"),
    GR_ROW("seeds", INT, "20", "[2,100]", "", "trainings of each small network"),
    GR_ROW("epochs", INT, "1000", "[10,100000]", "epochs", "of each of them"),
};

/* ---- features of the data, some of which are seen ---- */

enum { FEATURES = 200, SEEN_SAMPLES = 40 };
static const int seen[] = {2, 5, 10, 15, 20, 25, 30, 50, 60, 80, 100, 130, 160, 200};
enum { SEEN = (int)GR_COUNT(seen) };
static const double exact_noise = 0.5; /* standard deviation; the coefficients' length is 1 */

static const gr_column exact_columns[] = {GR_NUMBER("features", "", NULL),        GR_NUMBER("samples", "", NULL),
                                          GR_NUMBER("test_error", "", NULL),      GR_NUMBER("test_error_low", "", NULL),
                                          GR_NUMBER("test_error_high", "", NULL), GR_NUMBER("predicted", "", NULL)};

/* E of the squared error of least squares with p of D standard normal features and n samples; NAN next to p = n. */
static double exact(int p, int n)
{
    double of = (double)p / FEATURES, rest = 1 - of + exact_noise * exact_noise;
    if (p <= n - 2) return rest * (1 + (double)p / (n - p - 1));
    if (p >= n + 2) return of * (1 - (double)n / p) + rest * (1 + (double)n / (p - n - 1));
    return NAN;
}

/* The coefficients are all 1 / sqrt(D): of those that are not seen only their sum's variance counts. */
static gr_status exact_draw(gr_lab *lab, int p, int64_t k, double *memory, double *error)
{
    double *x = memory, *y = x + SEEN_SAMPLES * p, *c = y + SEEN_SAMPLES, each = 1 / sqrt(FEATURES),
           rest = 1 - (double)p / FEATURES + exact_noise * exact_noise;
    gr__rng r = gr__rng_make(lab->seed, "fig4.3 exact", (uint32_t)k, (uint32_t)p);
    for (int i = 0; i < SEEN_SAMPLES; i++) {
        y[i] = sqrt(rest) * gr__rng_normal(&r);
        for (int j = 0; j < p; j++) {
            x[i * p + j] = gr__rng_normal(&r);
            y[i] += each * x[i * p + j];
        }
    }
    gr_status st = gr__least_squares(lab->ctx, x, SEEN_SAMPLES, p, y, c, NULL);
    *error = rest;
    for (int j = 0; j < p && st == GR_OK; j++) *error += (c[j] - each) * (c[j] - each);
    return st;
}

static gr_status exactly(gr_lab *lab)
{
    int64_t n = gr__setting_int(&lab->settings, "exact_draws");
    double *memory = gr__bump_alloc(lab->memory, (SEEN_SAMPLES * (FEATURES + 1) + FEATURES) * sizeof *memory);
    double *error = gr__bump_alloc(lab->memory, (size_t)n * sizeof *error);
    gr_table *t = gr__lab_table(lab, "exact", "where the theory is exact", exact_columns, (int)GR_COUNT(exact_columns));
    if (!memory || !error) return GR_E_MEMORY;
    for (int i = 0; i < SEEN; i++) {
        for (int64_t k = 0; k < n; k++) {
            gr_status st = exact_draw(lab, seen[i], k, memory, &error[k]);
            if (st != GR_OK) return st;
        }
        gr_mean m = gr__lab_mean(error, n);
        double want = exact(seen[i], SEEN_SAMPLES);
        GR_LAB_ROW(lab, t, seen[i], SEEN_SAMPLES, m.mean, m.low, m.high, want);
        gr__lab_equal(lab, want, m.mean, 2 * (m.high - m.mean) / want,
                      "mean test error with %d of %d normal features and %d samples, within twice its 95 %% interval",
                      seen[i], FEATURES, SEEN_SAMPLES);
    }
    return GR_OK;
}

/* ---- random ReLU features ---- */

enum { INPUTS = 20, TESTED = 500, SHARES = 17 };
static const double share_of_samples[SHARES] = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 0.95, 1,
                                                1.05, 1.2, 1.5, 2,   3,   5,   7,    10};
static const double relu_noise = 0.3;

static const gr_column columns[] = {GR_NUMBER("features", "", NULL),       GR_NUMBER("samples", "", NULL),
                                    GR_NUMBER("train_error", "", NULL),    GR_NUMBER("test_error", "", NULL),
                                    GR_NUMBER("test_error_low", "", NULL), GR_NUMBER("test_error_high", "", NULL),
                                    GR_NUMBER("seeds", "", NULL)};

typedef struct drawn {
    double *w, *x, *y, *a, *c; /* features' weights, samples, targets, features, coefficients */
} drawn;

static void samples_of(gr__rng *r, int n, const double *line, double *x, double *y)
{
    for (int i = 0; i < n; i++) {
        y[i] = relu_noise * gr__rng_normal(r);
        for (int j = 0; j < INPUTS; j++) {
            x[i * INPUTS + j] = gr__rng_normal(r);
            y[i] += line[j] * x[i * INPUTS + j];
        }
    }
}

static void features_of(const drawn *d, int n, int p)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < p; k++) {
            double sum = 0;
            for (int j = 0; j < INPUTS; j++) sum += d->w[k * INPUTS + j] * d->x[i * INPUTS + j];
            d->a[(size_t)i * (size_t)p + (size_t)k] = fmax(0, sum);
        }
}

static double error_of(const drawn *d, int n, int p)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double off = -d->y[i];
        for (int k = 0; k < p; k++) off += d->a[(size_t)i * (size_t)p + (size_t)k] * d->c[k];
        sum += off * off;
    }
    return sum / n;
}

static gr_status relu_draw(gr_lab *lab, const drawn *d, int p, int64_t k, double *train, double *test)
{
    int n = (int)gr__setting_int(&lab->settings, "samples");
    double line[INPUTS];
    gr__rng r = gr__rng_make(lab->seed, "fig4.3 relu", (uint32_t)k, (uint32_t)p);
    for (int j = 0; j < INPUTS; j++) line[j] = gr__rng_normal(&r) / sqrt(INPUTS);
    for (int j = 0; j < p * INPUTS; j++) d->w[j] = gr__rng_normal(&r) / sqrt(INPUTS);
    samples_of(&r, n, line, d->x, d->y);
    features_of(d, n, p);
    gr_status st = gr__least_squares(lab->ctx, d->a, n, p, d->y, d->c, NULL);
    if (st != GR_OK) return st;
    *train = error_of(d, n, p);
    samples_of(&r, TESTED, line, d->x, d->y);
    features_of(d, TESTED, p);
    *test = error_of(d, TESTED, p);
    return GR_OK;
}

static gr_status drawn_open(gr_lab *lab, drawn *d)
{
    size_t n = (size_t)GR_MAX(gr__setting_int(&lab->settings, "samples"), TESTED),
           p = 10 * (size_t)gr__setting_int(&lab->settings, "samples");
    d->w = gr__bump_alloc(lab->memory, p * INPUTS * sizeof(double));
    d->x = gr__bump_alloc(lab->memory, n * INPUTS * sizeof(double));
    d->y = gr__bump_alloc(lab->memory, n * sizeof(double));
    d->a = gr__bump_alloc(lab->memory, n * p * sizeof(double));
    d->c = gr__bump_alloc(lab->memory, p * sizeof(double));
    return d->w && d->x && d->y && d->a && d->c ? GR_OK : GR_E_MEMORY;
}

static void relu_claims(gr_lab *lab, const double *features, const double *test, double most_train)
{
    int n = (int)gr__setting_int(&lab->settings, "samples"), peak = 0, before = 0;
    for (int i = 0; i < SHARES; i++)
        if (test[i] > test[peak]) peak = i;
    for (int i = 0; i < peak; i++)
        if (test[i] < test[before]) before = i;
    gr__lab_equal(lab, n, features[peak], 0.1, "number of ReLU features with the largest test error: that of samples");
    gr__lab_within(lab, 2 * test[before], INFINITY, test[peak],
                   "test error there: the error fell before, to %.3g with %g features", test[before], features[before]);
    gr__lab_within(lab, 0, test[peak] / 2, test[SHARES - 1], "test error with %g features: it falls again",
                   features[SHARES - 1]);
    gr__lab_equal(lab, 0, most_train, 1e-12,
                  "largest training error with 1.05 times as many features as samples or "
                  "more");
}

static gr_status relu(gr_lab *lab)
{
    int n = (int)gr__setting_int(&lab->settings, "samples");
    int64_t draws = gr__setting_int(&lab->settings, "draws");
    double features[SHARES], error[SHARES], most_train = 0, *test, train;
    drawn d;
    gr_table *t = gr__lab_table(lab, NULL, "random ReLU features", columns, (int)GR_COUNT(columns));
    gr_status st = drawn_open(lab, &d);
    test = gr__bump_alloc(lab->memory, (size_t)draws * sizeof *test);
    if (st != GR_OK || !test) return GR_E_MEMORY;
    for (int i = 0; i < SHARES; i++) {
        int p = (int)lround(share_of_samples[i] * n);
        double sum = 0;
        for (int64_t k = 0; k < draws; k++) {
            st = relu_draw(lab, &d, p, k, &train, &test[k]);
            if (st != GR_OK) return st;
            sum += train / (double)draws;
            if (share_of_samples[i] > 1) most_train = fmax(most_train, train);
        }
        gr_mean m = gr__lab_mean(test, draws);
        features[i] = p, error[i] = m.mean;
        GR_LAB_ROW(lab, t, p, n, sum, m.mean, m.low, m.high, (double)draws);
    }
    relu_claims(lab, features, error, most_train);
    return GR_OK;
}

/* ---- small networks: what is seen is reported ---- */

enum { NET_SAMPLES = 80, NET_TESTED = 920, NET_INPUTS = 8, NET_POINTS = 20, MOST_SEEDS = 100 };
static const int widths[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128};
enum { WIDTHS = (int)GR_COUNT(widths) };

static const gr_column net_columns[] = {GR_NUMBER("width", "units", NULL),     GR_NUMBER("parameters", "", NULL),
                                        GR_NUMBER("train_error", "", NULL),    GR_NUMBER("test_error", "", NULL),
                                        GR_NUMBER("test_error_low", "", NULL), GR_NUMBER("test_error_high", "", NULL),
                                        GR_NUMBER("seeds", "", NULL)};
static const gr_column epoch_columns[] = {GR_NUMBER("epoch", "epochs", NULL),     GR_NUMBER("train_error", "", NULL),
                                          GR_NUMBER("test_error", "", NULL),      GR_NUMBER("test_error_low", "", NULL),
                                          GR_NUMBER("test_error_high", "", NULL), GR_NUMBER("seeds", "", NULL)};

static const char *recipe_of(gr_lab *lab, int width, int64_t k)
{
    return gr__lab_text(
        lab,
        "{gradus: 1, name: descent, seed: %llu, data: {train: {type: synthetic, kind: regression, features: %d, n: %d, "
        "noise: 1}, validation: {split: %g}, batch: %d, shuffle: every_epoch},\n"
        " model: {input: [%d], layers: [{type: dense, units: %d, activation: relu}, {type: dense, units: 1}]},\n"
        " cost: mse, optimizer: {type: adam, lr: 0.01}, stop: {epochs: %lld}}\n",
        (unsigned long long)gr__lab_seed(lab, k), NET_INPUTS, NET_SAMPLES + NET_TESTED,
        (double)NET_TESTED / (NET_SAMPLES + NET_TESTED), NET_SAMPLES / 4, NET_INPUTS, width,
        (long long)gr__setting_int(&lab->settings, "epochs"));
}

/* Errors of values are roots of mean squares. */
static void square(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] *= x[i];
}

typedef struct curves { /* of the seeds, [seeds][NET_POINTS] each */
    double *train, *test;
} curves;

/* Epochs from one look to the next, so that there are at most NET_POINTS; and how many there are. */
static int64_t apart(const gr_lab *lab)
{
    return (gr__setting_int(&lab->settings, "epochs") + NET_POINTS - 1) / NET_POINTS;
}

static int looks(const gr_lab *lab)
{
    return (int)(gr__setting_int(&lab->settings, "epochs") / apart(lab));
}

static gr_status widen(gr_lab *lab, gr_table *t, int width, const curves *c)
{
    int64_t seeds = gr__setting_int(&lab->settings, "seeds");
    double train[MOST_SEEDS], test[MOST_SEEDS];
    for (int64_t k = 0; k < seeds * NET_POINTS; k++) c->train[k] = c->test[k] = NAN; /* what diverges has no errors */
    for (int64_t k = 0; k < seeds; k++) {
        gr_trained end;
        const gr_training one = {.recipe = recipe_of(lab, width, k),
                                 .judged = true,
                                 .every = apart(lab),
                                 .train = c->train + k * NET_POINTS,
                                 .error = c->test + k * NET_POINTS};
        gr_status st = gr__lab_train(lab, &one, &end);
        if (st != GR_OK) return st;
        train[k] = end.diverged ? (double)NAN : end.train, test[k] = end.diverged ? (double)NAN : end.error;
    }
    square(train, seeds);
    square(test, seeds);
    gr_mean a = gr__lab_mean(train, seeds), b = gr__lab_mean(test, seeds);
    GR_LAB_ROW(lab, t, width, width * (NET_INPUTS + 2) + 1, a.mean, b.mean, b.low, b.high, (double)seeds);
    return GR_OK;
}

/* By epochs, of the widest. */
static gr_table *by_epochs(gr_lab *lab, const curves *c)
{
    int64_t seeds = gr__setting_int(&lab->settings, "seeds");
    gr_table *t =
        gr__lab_table(lab, "epochs", "the widest network, by epochs", epoch_columns, (int)GR_COUNT(epoch_columns));
    square(c->train, seeds * NET_POINTS);
    square(c->test, seeds * NET_POINTS);
    for (int i = 0; i < looks(lab); i++) {
        double train[MOST_SEEDS], test[MOST_SEEDS];
        for (int64_t k = 0; k < seeds; k++)
            train[k] = c->train[k * NET_POINTS + i], test[k] = c->test[k * NET_POINTS + i];
        gr_mean a = gr__lab_mean(train, seeds), b = gr__lab_mean(test, seeds);
        GR_LAB_ROW(lab, t, (double)((i + 1) * apart(lab)), a.mean, b.mean, b.low, b.high, (double)seeds);
    }
    return t;
}

static double cell(const gr_table *t, size_t row, int column)
{
    return t->cells[row * (size_t)t->n_columns + (size_t)column];
}

/* Where, of the rows of a table, the test error is largest and how it compares with both sides: a peak stands above the
 * least before and the last behind by more than their intervals. */
static void seen_or_not(gr_lab *lab, const gr_table *t, const char *what, int error)
{
    size_t peak = 0, before = 0, last = t->n - 1;
    for (size_t i = 0; i < t->n; i++)
        if (cell(t, i, error) > cell(t, peak, error)) peak = i;
    for (size_t i = 0; i < peak; i++)
        if (cell(t, i, error) < cell(t, before, error)) before = i;
    bool rises = peak > before && cell(t, peak, error + 1) > cell(t, before, error + 2),
         falls = peak < last && cell(t, peak, error + 1) > cell(t, last, error + 2);
    gr__lab_within(lab, -INFINITY, INFINITY, cell(t, peak, error),
                   "%s: largest test error, at %g; %s: from %.3g at %g before it, to %.3g at the end", what,
                   cell(t, peak, 0),
                   rises && falls ? "double descent is seen"
                   : rises        ? "it rises to there, and what it falls behind it is within the intervals"
                                  : "no peak is seen",
                   cell(t, before, error), cell(t, before, 0), cell(t, last, error));
}

static gr_status networks(gr_lab *lab)
{
    size_t n = (size_t)gr__setting_int(&lab->settings, "seeds") * NET_POINTS;
    curves c = {gr__bump_alloc(lab->memory, n * sizeof(double)), gr__bump_alloc(lab->memory, n * sizeof(double))};
    gr_table *t = gr__lab_table(lab, "network", "networks of one hidden layer, by width", net_columns,
                                (int)GR_COUNT(net_columns));
    gr_status st = c.train && c.test ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < WIDTHS && st == GR_OK; i++) st = widen(lab, t, widths[i], &c);
    if (st != GR_OK) return st;
    seen_or_not(lab, t, "networks by width", 3);
    seen_or_not(lab, by_epochs(lab, &c), "the widest network by epochs", 2);
    return GR_OK;
}

/* ---- the figure ---- */

static void drawings(gr_lab *lab)
{
    long long n = (long long)gr__setting_int(&lab->settings, "samples");
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "Double descent: random ReLU features",
            .caption = gr__lab_text(lab, "Least squares of least length, %lld samples; mean over %lld draws.", n,
                                    (long long)gr__setting_int(&lab->settings, "draws")),
            .x = {.label = "features", .log = true},
            .y = {.label = "mean squared error", .log = true, .low = 1e-3, .high = 1e3},
            .curve = {{.label = "training", .mark = GR_MARK_PATH, .colour = 1, .x = "features", .y = "train_error"},
                      {.label = "test", .mark = GR_MARK_PATH, .colour = 2, .x = "features", .y = "test_error"}},
            .rule = {{.label = "samples", .vertical = true, .at = (double)n}}});
    gr__lab_panel(lab, &(gr_panel){.name = "exact",
                                   .title = "Double descent: some of 200 normal features, and theory",
                                   .caption = gr__lab_text(lab, "%d samples; mean over %lld draws, lines: the theorem.",
                                                           SEEN_SAMPLES,
                                                           (long long)gr__setting_int(&lab->settings, "exact_draws")),
                                   .x = {.label = "features"},
                                   .y = {.label = "mean squared error", .log = true},
                                   .curve = {{.label = "test",
                                              .mark = GR_MARK_POINTS,
                                              .colour = 2,
                                              .table = "exact",
                                              .x = "features",
                                              .y = "test_error"},
                                             {.label = "theory",
                                              .mark = GR_MARK_DASHED,
                                              .colour = 7,
                                              .table = "exact",
                                              .x = "features",
                                              .y = "predicted"}},
                                   .rule = {{.label = "samples", .vertical = true, .at = SEEN_SAMPLES}}});
}

static void drawings_of_networks(gr_lab *lab)
{
    long long seeds = (long long)gr__setting_int(&lab->settings, "seeds");
    gr__lab_panel(
        lab, &(gr_panel){.name = "network",
                         .title = "Networks of one hidden layer, by width",
                         .caption = gr__lab_text(
                             lab, "%d samples with noise of variance 1, %lld epochs of Adam; mean over %lld seeds.",
                             NET_SAMPLES, (long long)gr__setting_int(&lab->settings, "epochs"), seeds),
                         .x = {.label = "parameters", .log = true},
                         .y = {.label = "mean squared error", .log = true},
                         .curve = {{.label = "training",
                                    .mark = GR_MARK_PATH,
                                    .colour = 1,
                                    .table = "network",
                                    .x = "parameters",
                                    .y = "train_error"},
                                   {.label = "test",
                                    .mark = GR_MARK_PATH,
                                    .colour = 2,
                                    .table = "network",
                                    .x = "parameters",
                                    .y = "test_error"}},
                         .rule = {{.label = "samples", .vertical = true, .at = NET_SAMPLES}}});
    gr__lab_panel(lab, &(gr_panel){.name = "epochs",
                                   .title = "The widest network, by epochs",
                                   .caption = gr__lab_text(lab, "%d hidden units; mean over %lld seeds.",
                                                           widths[WIDTHS - 1], seeds),
                                   .x = {.label = "epochs"},
                                   .y = {.label = "mean squared error", .log = true},
                                   .curve = {{.label = "training",
                                              .mark = GR_MARK_PATH,
                                              .colour = 1,
                                              .table = "epochs",
                                              .x = "epoch",
                                              .y = "train_error"},
                                             {.label = "test",
                                              .mark = GR_MARK_PATH,
                                              .colour = 2,
                                              .table = "epochs",
                                              .x = "epoch",
                                              .y = "test_error"}}});
}

static gr_status run(gr_lab *lab)
{
    gr_status st = relu(lab);
    if (st == GR_OK) st = exactly(lab);
    if (st == GR_OK) st = networks(lab);
    if (st == GR_OK) drawings(lab), drawings_of_networks(lab);
    return st;
}

GR_FIGURE(fig4_3) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.3",
            .title = "Double descent: the test error falls, rises to a peak, and falls again",
            .cite =
                "chapter 4.1, figure 4.3; Nakkiran et al. 2020; Belkin et al. 2019; Belkin, Hsu & Xu 2020, theorem 1",
            .equations =
                "least squares of least length with p of D normal features, coefficients of length 1, n samples, "
                "noise s:\n"
                "p <= n - 2: (1 - p/D + s^2) (1 + p / (n - p - 1))\n"
                "p >= n + 2: p/D (1 - n/p) + (1 - p/D + s^2) (1 + n / (p - n - 1));  between them it is infinite",
            GR_ROWS(rows),
        },
    .quick = "{draws: 8, seeds: 3, epochs: 400}",
    .run = run,
};
