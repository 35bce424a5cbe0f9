/* Figure 4.2: with the degree of a polynomial the training error falls and the validation error falls and rises again;
 * best is where it is least. [mission FIG4.2, G3] */
#include <math.h>

#include "base/text.h"
#include "study/lab/lab.h"
#include "study/lab/polynomial.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "200", "[2,100000]", "draws", "of points, over which errors are averaged"),
    GR_ROW("samples", INT, "20", "[14,1000]", "points", "to train on, evenly spread over [-1, 1]"),
    GR_ROW("validation", INT, "200", "[10,100000]", "points", "to validate on, drawn from it"),
    GR_ROW("noise", REAL, "0.5", "(0,10]", "1", "standard deviation of what is added to the curve"),
};

enum { MOST = 12, DEGREES = MOST + 1, TRUE_DEGREE = 3 };
static const double truth[TRUE_DEGREE + 1] = {0.5, -2, -1, 4};

static const gr_column columns[] = {GR_NUMBER("degree", "", NULL),
                                    GR_NUMBER("train_error", "", NULL),
                                    GR_NUMBER("train_error_low", "", NULL),
                                    GR_NUMBER("train_error_high", "", NULL),
                                    GR_NUMBER("train_predicted", "", NULL),
                                    GR_NUMBER("validation_error", "", NULL),
                                    GR_NUMBER("validation_error_low", "", NULL),
                                    GR_NUMBER("validation_error_high", "", NULL),
                                    GR_NUMBER("seeds", "", NULL)};

typedef struct moments {
    double mean, square;
} moments;

typedef struct errors {
    moments train[DEGREES], validation[DEGREES];
    int64_t rises; /* training errors that are above that of the degree before */
} errors;

static void count(moments *m, double x, double n)
{
    m->mean += x / n;
    m->square += x * x / n;
}

/* The mean's standard error. */
static double deviation(const moments *m, double n)
{
    return sqrt(fmax(0, m->square - m->mean * m->mean) / (n - 1));
}

static gr_status draw(gr_lab *lab, int64_t seed, double *memory, errors *e)
{
    int n = (int)gr__setting_int(&lab->settings, "samples"), m = (int)gr__setting_int(&lab->settings, "validation");
    double noise = gr__setting_real(&lab->settings, "noise"), seeds = (double)gr__setting_int(&lab->settings, "seeds");
    double *x = memory, *y = x + n, *vx = y + n, *vy = vx + m, before = INFINITY, c[DEGREES];
    gr__rng r = gr__rng_make(lab->seed, "fig4.2", (uint32_t)seed, 0);
    gr__polynomial_points(&r, GR_PLACES_EVEN, truth, TRUE_DEGREE, noise, n, x, y);
    gr__polynomial_points(&r, GR_PLACES_DRAWN, truth, TRUE_DEGREE, noise, m, vx, vy);
    for (int d = 0; d < DEGREES; d++) {
        gr_status st = gr__polynomial_fit(lab->ctx, x, y, n, d, c);
        if (st != GR_OK) return st;
        double error = gr__polynomial_error(c, d, x, y, n);
        e->rises += error > before * (1 + 1e-12);
        before = error;
        count(&e->train[d], error, seeds);
        count(&e->validation[d], gr__polynomial_error(c, d, vx, vy, m), seeds);
    }
    return GR_OK;
}

static void claims(gr_lab *lab, const errors *e)
{
    int n = (int)gr__setting_int(&lab->settings, "samples"), best = 0;
    double noise = gr__setting_real(&lab->settings, "noise"), seeds = (double)gr__setting_int(&lab->settings, "seeds");
    for (int d = 0; d < DEGREES; d++)
        if (e->validation[d].mean < e->validation[best].mean) best = d;
    gr__lab_equal(lab, 0, (double)e->rises, 0, "training errors above that of the degree before, of all %lld",
                  (long long)(seeds * MOST));
    gr__lab_equal(lab, TRUE_DEGREE, best, 0, "degree of the least mean validation error: that of the curve itself");
    for (int d = TRUE_DEGREE; d < DEGREES; d += 3) {
        double want = noise * noise * (n - d - 1) / n;
        gr__lab_equal(lab, want, e->train[d].mean, 4 * deviation(&e->train[d], seeds) / want,
                      "mean training error of degree %d: noise^2 (n - d - 1) / n, within four standard errors", d);
    }
    gr__lab_within(lab, 1.5 * e->validation[best].mean, INFINITY, e->validation[0].mean,
                   "mean validation error of degree 0, where the least is %.3g", e->validation[best].mean);
    gr__lab_within(lab, 1.5 * e->validation[best].mean, INFINITY, e->validation[MOST].mean,
                   "mean validation error of degree %d, where the least is %.3g", MOST, e->validation[best].mean);
}

static void drawing(gr_lab *lab)
{
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "Training and validation error by complexity",
            .caption = gr__lab_text(lab,
                                    "Polynomials through %lld points of one of degree %d with "
                                    "noise; mean over %lld draws.",
                                    (long long)gr__setting_int(&lab->settings, "samples"), TRUE_DEGREE,
                                    (long long)gr__setting_int(&lab->settings, "seeds")),
            .x = {.label = "degree of the polynomial"},
            .y = {.label = "mean squared error", .log = true},
            .curve =
                {{.label = "training", .mark = GR_MARK_PATH, .colour = 1, .x = "degree", .y = "train_error"},
                 {.label = "training, theory",
                  .mark = GR_MARK_DASHED,
                  .colour = 1,
                  .x = "degree",
                  .y = "train_predicted"},
                 {.label = "validation", .mark = GR_MARK_PATH, .colour = 2, .x = "degree", .y = "validation_error"}},
            .rule = {{.label = "best", .vertical = true, .at = TRUE_DEGREE}}});
}

static gr_status run(gr_lab *lab)
{
    int n = (int)gr__setting_int(&lab->settings, "samples"), m = (int)gr__setting_int(&lab->settings, "validation");
    int64_t seeds = gr__setting_int(&lab->settings, "seeds");
    double noise = gr__setting_real(&lab->settings, "noise");
    double *memory = gr__bump_alloc(lab->memory, (size_t)(2 * n + 2 * m) * sizeof *memory);
    gr_status st = memory ? GR_OK : GR_E_MEMORY;
    errors e = {0};
    for (int64_t k = 0; k < seeds && st == GR_OK; k++) st = draw(lab, k, memory, &e);
    if (st != GR_OK) return st;
    gr_table *t = gr__lab_table(lab, NULL, "errors by degree", columns, (int)GR_COUNT(columns));
    for (int d = 0; d < DEGREES; d++) {
        double train = 2 * deviation(&e.train[d], (double)seeds),
               validation = 2 * deviation(&e.validation[d], (double)seeds);
        GR_LAB_ROW(lab, t, d, e.train[d].mean, e.train[d].mean - train, e.train[d].mean + train,
                   d < TRUE_DEGREE ? NAN : noise * noise * (n - d - 1) / n, e.validation[d].mean,
                   e.validation[d].mean - validation, e.validation[d].mean + validation, (double)seeds);
    }
    claims(lab, &e);
    drawing(lab);
    return GR_OK;
}

GR_FIGURE(fig4_2) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.2",
            .title = "Complexity: the validation error has a least, the training error has none",
            .cite = "chapter 4.1, figure 4.2",
            .equations = "y_i = 0.5 - 2 x_i - x_i^2 + 4 x_i^3 + noise;  fits of degree d are nested, so the training "
                         "error never rises\n"
                         "E training error = noise^2 (n - d - 1) / n where the fit can be the curve, d >= 3",
            GR_ROWS(rows),
        },
    .run = run,
};
