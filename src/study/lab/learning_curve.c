/* The learning curve of figure 4.1's polynomial: of the same degree 4, with more and more samples of a line. The
 * coefficients that the line has not shrink, and the validation error falls to that of the noise. [mission G6] */
#include <math.h>

#include "base/text.h"
#include "study/lab/lab.h"
#include "study/lab/polynomial.h"

static const gr_row rows[] = {
    GR_ROW("seeds", INT, "400", "[2,100000]", "draws", "of points for each number of them, over which is averaged"),
    GR_ROW("noise", REAL, "0.3", "(0,10]", "1", "standard deviation of what is added to the line"),
    GR_ROW("validation", INT, "200", "[10,100000]", "points", "to validate on"),
};

enum { DEGREE = 4, COEFFICIENTS = DEGREE + 1 };
static const double line[2] = {1, 1.5};
static const int counts[] = {4, 5, 6, 8, 10, 14, 20, 30, 40, 60, 100, 150, 200, 300, 400};
enum { COUNTS = (int)GR_COUNT(counts), FROM = 6 /* 20 samples, from where the claims are */ };

static const gr_column columns[] = {GR_NUMBER("samples", "", NULL),
                                    GR_NUMBER("c0", "", NULL),
                                    GR_NUMBER("c1", "", NULL),
                                    GR_NUMBER("c2", "", NULL),
                                    GR_NUMBER("c3", "", NULL),
                                    GR_NUMBER("c4", "", NULL),
                                    GR_NUMBER("validation_error", "", NULL),
                                    GR_NUMBER("validation_error_low", "", NULL),
                                    GR_NUMBER("validation_error_high", "", NULL),
                                    GR_NUMBER("validation_predicted", "", NULL),
                                    GR_NUMBER("train_error", "", NULL),
                                    GR_NUMBER("train_predicted", "", NULL),
                                    GR_NUMBER("seeds", "", NULL)};

typedef struct point {
    double c[COEFFICIENTS]; /* root mean squares over draws */
    double train, validation, square;
} point;

/* Means over the draws of n points. */
static gr_status average(gr_lab *lab, int n, double *memory, point *p)
{
    int m = (int)gr__setting_int(&lab->settings, "validation");
    int64_t seeds = gr__setting_int(&lab->settings, "seeds");
    double noise = gr__setting_real(&lab->settings, "noise");
    double *x = memory, *y = x + n, *vx = y + n, *vy = vx + m, c[COEFFICIENTS];
    *p = (point){0};
    for (int64_t k = 0; k < seeds; k++) {
        gr__rng r = gr__rng_make(lab->seed, "learning-curve", (uint32_t)k, (uint32_t)n);
        gr__polynomial_points(&r, GR_PLACES_EVEN, line, 1, noise, n, x, y);
        gr__polynomial_points(&r, GR_PLACES_DRAWN, line, 1, noise, m, vx, vy);
        gr_status st = gr__polynomial_fit(lab->ctx, x, y, n, DEGREE, c);
        if (st != GR_OK) return st;
        double error = gr__polynomial_error(c, DEGREE, vx, vy, m);
        for (int i = 0; i < COEFFICIENTS; i++) p->c[i] += c[i] * c[i] / (double)seeds;
        p->train += gr__polynomial_error(c, DEGREE, x, y, n) / (double)seeds;
        p->validation += error / (double)seeds;
        p->square += error * error / (double)seeds;
    }
    for (int i = 0; i < COEFFICIENTS; i++) p->c[i] = sqrt(p->c[i]);
    return GR_OK;
}

/* E of the validation error with n points: noise^2 (1 + the mean of x^T (X^T X)^-1 x), which tends to
 * noise^2 (1 + 5 / n) for evenly spread points. */
static double predicted(int n, double noise)
{
    return n <= COEFFICIENTS ? NAN : noise * noise * (1 + (double)COEFFICIENTS / n);
}

static void claims(gr_lab *lab, const point *p)
{
    double noise = gr__setting_real(&lab->settings, "noise"), sx = 0, sxx = 0, of = 0;
    int last = COUNTS - 1;
    for (int i = FROM; i < COUNTS; i++) sx += log(counts[i]) / (COUNTS - FROM);
    for (int i = FROM; i < COUNTS; i++) sxx += pow(log(counts[i]) - sx, 2);
    for (int k = 2; k < COEFFICIENTS; k++) {
        of = 0;
        for (int i = FROM; i < COUNTS; i++) of += (log(counts[i]) - sx) * log(p[i].c[k]) / sxx;
        gr__lab_equal(lab, -0.5, of, 0.1, "power of the number of samples, from %d on, with which c%d shrinks",
                      counts[FROM], k);
    }
    for (int k = 0; k < 2; k++)
        gr__lab_equal(lab, line[k], p[last].c[k], 0.05, "c%d with %d samples: the line's", k, counts[last]);
    for (int i = FROM; i < COUNTS; i += COUNTS - 1 - FROM)
        gr__lab_equal(lab, noise * noise * (counts[i] - COEFFICIENTS) / counts[i], p[i].train, 0.05,
                      "mean training error with %d samples: noise^2 (n - 5) / n", counts[i]);
    gr__lab_equal(lab, predicted(counts[last], noise), p[last].validation, 0.05,
                  "mean validation error with %d samples: noise^2 (1 + 5 / n)", counts[last]);
    gr__lab_within(lab, 1.3 * p[last].validation, INFINITY, p[0].validation,
                   "mean validation error with %d samples, where with %d it is %.4f", counts[0], counts[last],
                   p[last].validation);
}

static void drawings(gr_lab *lab)
{
    double noise = gr__setting_real(&lab->settings, "noise"), variance = noise * noise;
    const char *caption =
        gr__lab_text(lab, "Degree 4 through n samples of a line with noise %g, %lld draws each.",
                     gr__setting_real(&lab->settings, "noise"), (long long)gr__setting_int(&lab->settings, "seeds"));
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "More samples: the validation error falls to that of the noise",
            .caption = caption,
            .x = {.label = "training samples", .log = true},
            .y = {.label = "mean squared error", .log = true, .low = variance / 30, .high = variance * 30},
            .curve = {
                {.label = "training", .mark = GR_MARK_PATH, .colour = 1, .x = "samples", .y = "train_error"},
                {.label = "validation", .mark = GR_MARK_PATH, .colour = 2, .x = "samples", .y = "validation_error"},
                {.label = "validation, theory",
                 .mark = GR_MARK_DASHED,
                 .colour = 2,
                 .x = "samples",
                 .y = "validation_predicted"}}});
    gr__lab_panel(lab,
                  &(gr_panel){.name = "coefficients",
                              .title = "More samples: what the line has not shrinks",
                              .caption = caption,
                              .x = {.label = "training samples", .log = true},
                              .y = {.label = "root mean square of the coefficient", .log = true},
                              .curve = {{.label = "1", .mark = GR_MARK_PATH, .x = "samples", .y = "c0"},
                                        {.label = "x", .mark = GR_MARK_PATH, .x = "samples", .y = "c1"},
                                        {.label = "x\xC2\xB2", .mark = GR_MARK_PATH, .x = "samples", .y = "c2"},
                                        {.label = "x\xC2\xB3", .mark = GR_MARK_PATH, .x = "samples", .y = "c3"},
                                        {.label = "x\xE2\x81\xB4", .mark = GR_MARK_PATH, .x = "samples", .y = "c4"}}});
}

static gr_status run(gr_lab *lab)
{
    int m = (int)gr__setting_int(&lab->settings, "validation");
    double noise = gr__setting_real(&lab->settings, "noise"), seeds = (double)gr__setting_int(&lab->settings, "seeds");
    double *memory = gr__bump_alloc(lab->memory, (size_t)(2 * counts[COUNTS - 1] + 2 * m) * sizeof *memory);
    point p[COUNTS];
    gr_status st = memory ? GR_OK : GR_E_MEMORY;
    for (int i = 0; i < COUNTS && st == GR_OK; i++) st = average(lab, counts[i], memory, &p[i]);
    if (st != GR_OK) return st;
    gr_table *t = gr__lab_table(lab, NULL, "by the number of samples", columns, (int)GR_COUNT(columns));
    for (int i = 0; i < COUNTS; i++) {
        double off = 2 * sqrt(fmax(0, p[i].square - p[i].validation * p[i].validation) / (seeds - 1));
        GR_LAB_ROW(lab, t, counts[i], p[i].c[0], p[i].c[1], p[i].c[2], p[i].c[3], p[i].c[4], p[i].validation,
                   p[i].validation - off, p[i].validation + off, predicted(counts[i], noise), p[i].train,
                   noise * noise * GR_MAX(0, counts[i] - COEFFICIENTS) / counts[i], seeds);
    }
    claims(lab, p);
    drawings(lab);
    return GR_OK;
}

GR_FIGURE(learning_curve) = {
    .head =
        {
            .family = "figure",
            .name = "learning-curve",
            .title = "More samples: a polynomial of degree 4 becomes the line it is fitted to",
            .cite = "chapter 4.1",
            .equations = "y_i = 1 + 1.5 x_i + noise, fitted by c_0 + ... + c_4 x^4:\n"
                         "c_2, c_3, c_4 -> 0 as n^(-1/2);  E training error = noise^2 (n - 5) / n;\n"
                         "E validation error -> noise^2 (1 + 5 / n)",
            GR_ROWS(rows),
        },
    .run = run,
};
