/* Figure 4.1: four training points and one validation point; a polynomial of degree 4 goes through all four and misses
 * the fifth, a line misses all a little. Degree 4 has five coefficients for four points: of the many that fit, the
 * shortest is taken. [mission FIG4.1, G2, SYS2] */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "study/lab/lab.h"
#include "study/lab/polynomial.h"

static const gr_row rows[] = {
    GR_ROW("noise", REAL, "0.5", "(0,10]", "1", "standard deviation of what is added to the line"),
    GR_ROW("draws", INT, "2000", "[10,1000000]", "draws", "of the noise, over which errors are averaged"),
};

enum { POINTS = 4, DEGREES = 5, GRID = 201 };
static const double place[POINTS] = {-1, -1.0 / 3, 1.0 / 3, 1}, asked = 0.7; /* of training, of validation */
static const double line[2] = {1, 1.5};                                      /* what the points lie on, but for noise */
static const char *const part_words[] = {"training", "validation", NULL};

static const gr_column point_columns[] = {GR_NUMBER("x", "", NULL), GR_NUMBER("y", "", NULL),
                                          GR_NUMBER("part", "", part_words)};
static const gr_column fit_columns[] = {GR_NUMBER("degree", "", NULL),      GR_NUMBER("c0", "", NULL),
                                        GR_NUMBER("c1", "", NULL),          GR_NUMBER("c2", "", NULL),
                                        GR_NUMBER("c3", "", NULL),          GR_NUMBER("c4", "", NULL),
                                        GR_NUMBER("train_error", "", NULL), GR_NUMBER("validation_error", "", NULL)};
static const gr_column curve_columns[] = {GR_NUMBER("x", "", NULL), GR_NUMBER("line", "", NULL),
                                          GR_NUMBER("degree_1", "", NULL), GR_NUMBER("degree_4", "", NULL)};
static const gr_column mean_columns[] = {GR_NUMBER("degree", "", NULL),
                                         GR_NUMBER("train_error", "", NULL),
                                         GR_NUMBER("train_predicted", "", NULL),
                                         GR_NUMBER("validation_error", "", NULL),
                                         GR_NUMBER("validation_low", "", NULL),
                                         GR_NUMBER("validation_high", "", NULL),
                                         GR_NUMBER("validation_predicted", "", NULL)};

/* ---- one draw ---- */

typedef struct fit {
    double c[DEGREES][DEGREES], train[DEGREES], validation[DEGREES];
    double y[POINTS], y_asked;
} fit;

static gr_status draw(gr_lab *lab, int64_t k, fit *f)
{
    double noise = gr__setting_real(&lab->settings, "noise");
    gr__rng r = gr__rng_make(lab->seed, "fig4.1", (uint32_t)k, 0);
    for (int i = 0; i < POINTS; i++) f->y[i] = gr__polynomial_at(line, 1, place[i]) + noise * gr__rng_normal(&r);
    f->y_asked = gr__polynomial_at(line, 1, asked) + noise * gr__rng_normal(&r);
    for (int d = 0; d < DEGREES; d++) {
        gr_status st = gr__polynomial_fit(lab->ctx, place, f->y, POINTS, d, f->c[d]);
        if (st != GR_OK) return st;
        f->train[d] = gr__polynomial_error(f->c[d], d, place, f->y, POINTS);
        f->validation[d] = gr__polynomial_error(f->c[d], d, &asked, &f->y_asked, 1);
    }
    return GR_OK;
}

/* ---- all draws ---- */

typedef struct drawn {
    double by_line; /* the validation error of degree 4 by that of degree 1 */
    int64_t at;
} drawn;

typedef struct sums {
    double train[DEGREES], validation[DEGREES],
        square[DEGREES]; /* means over draws; of the validation error's square */
    double most_of_four; /* the largest training error of degree 4 */
    double line_better;  /* share of draws */
} sums;

static int by_ratio(const void *a, const void *b)
{
    const drawn *x = a, *y = b;
    return x->by_line != y->by_line ? (x->by_line < y->by_line ? -1 : 1) : x->at < y->at ? -1 : 1;
}

/* The means, and the draw in whose middle the others lie. */
static gr_status all(gr_lab *lab, sums *s, fit *typical)
{
    int64_t n = gr__setting_int(&lab->settings, "draws");
    drawn *order = gr__bump_alloc(lab->memory, (size_t)n * sizeof *order);
    gr_status st = order ? GR_OK : GR_E_MEMORY;
    for (int64_t k = 0; k < n && st == GR_OK; k++) {
        st = draw(lab, k, typical);
        if (st != GR_OK) break;
        for (int d = 0; d < DEGREES; d++) {
            s->train[d] += typical->train[d] / (double)n;
            s->validation[d] += typical->validation[d] / (double)n;
            s->square[d] += typical->validation[d] * typical->validation[d] / (double)n;
        }
        s->most_of_four = fmax(s->most_of_four, typical->train[4]);
        s->line_better += (typical->validation[1] < typical->validation[4]) / (double)n;
        order[k] = (drawn){typical->validation[4] / typical->validation[1], k};
    }
    if (st != GR_OK) return st;
    qsort(order, (size_t)n, sizeof *order, by_ratio);
    return draw(lab, order[n / 2].at, typical);
}

static double standard_error(const gr_lab *lab, const sums *s, int d)
{
    double n = (double)gr__setting_int(&lab->settings, "draws");
    return sqrt(fmax(0, s->square[d] - s->validation[d] * s->validation[d]) / (n - 1));
}

/* What a fit of degree d is expected to err at `asked`: it is linear in y, with the weights that Lagrange's polynomials
 * (degree 3) and leverage (degrees 0 and 1) have there; NAN for others. */
static double expected(int d, double noise)
{
    double weights = 0, bias = 0, squares = 0, mean = gr__polynomial_at(line, 1, 0);
    for (int i = 0; i < POINTS; i++) squares += place[i] * place[i];
    if (d == 0) bias = gr__polynomial_at(line, 1, asked) - mean, weights = 1.0 / POINTS;
    if (d == 1) weights = 1.0 / POINTS + asked * asked / squares;
    for (int i = 0; i < POINTS && d == 3; i++) {
        double w = 1;
        for (int k = 0; k < POINTS; k++) w *= k == i ? 1 : (asked - place[k]) / (place[i] - place[k]);
        weights += w * w;
    }
    return d == 2 || d == 4 ? NAN : bias * bias + noise * noise * (1 + weights);
}

static void means(gr_lab *lab, const sums *s)
{
    double noise = gr__setting_real(&lab->settings, "noise");
    gr_table *t = gr__lab_table(lab, "means", "mean errors over all draws", mean_columns, (int)GR_COUNT(mean_columns));
    for (int d = 0; d < DEGREES; d++) {
        double off = 2 * standard_error(lab, s, d),
               train = d == 0 ? NAN : noise * noise * GR_MAX(0, POINTS - d - 1) / POINTS;
        GR_LAB_ROW(lab, t, d, s->train[d], train, s->validation[d], s->validation[d] - off, s->validation[d] + off,
                   expected(d, noise));
    }
}

/* ---- the draw that is shown ---- */

static void shown(gr_lab *lab, const fit *f)
{
    gr_table *points = gr__lab_table(lab, NULL, "the points", point_columns, (int)GR_COUNT(point_columns));
    gr_table *fits = gr__lab_table(lab, "fits", "polynomials through them", fit_columns, (int)GR_COUNT(fit_columns));
    gr_table *curves = gr__lab_table(lab, "curves", "their values", curve_columns, (int)GR_COUNT(curve_columns));
    for (int i = 0; i < POINTS; i++) GR_LAB_ROW(lab, points, place[i], f->y[i], 0);
    GR_LAB_ROW(lab, points, asked, f->y_asked, 1);
    for (int d = 0; d < DEGREES; d++) {
        double c[DEGREES];
        for (int k = 0; k < DEGREES; k++) c[k] = k <= d ? f->c[d][k] : NAN;
        GR_LAB_ROW(lab, fits, d, c[0], c[1], c[2], c[3], c[4], f->train[d], f->validation[d]);
    }
    for (int i = 0; i < GRID; i++) {
        double x = -1.15 + 2.3 * i / (GRID - 1);
        GR_LAB_ROW(lab, curves, x, gr__polynomial_at(line, 1, x), gr__polynomial_at(f->c[1], 1, x),
                   gr__polynomial_at(f->c[4], 4, x));
    }
    gr__lab_panel(
        lab, &(gr_panel){.title = "Four training points, one validation point",
                         .caption = gr__lab_text(
                             lab,
                             "Of %lld draws of the noise the one in their middle, by how much degree 4 does "
                             "worse. Validation error %.3g with degree 4, %.3g with degree 1.",
                             (long long)gr__setting_int(&lab->settings, "draws"), f->validation[4], f->validation[1]),
                         .x = {.label = "x"},
                         .y = {.label = "y"},
                         .curve = {{.label = "training",
                                    .mark = GR_MARK_POINTS,
                                    .colour = 1,
                                    .x = "x",
                                    .y = "y",
                                    .where = "part",
                                    .is = "training"},
                                   {.label = "validation",
                                    .mark = GR_MARK_POINTS,
                                    .colour = 3,
                                    .x = "x",
                                    .y = "y",
                                    .where = "part",
                                    .is = "validation"},
                                   {.label = "degree 4", .colour = 2, .table = "curves", .x = "x", .y = "degree_4"},
                                   {.label = "degree 1", .colour = 4, .table = "curves", .x = "x", .y = "degree_1"},
                                   {.label = "without noise",
                                    .mark = GR_MARK_DASHED,
                                    .colour = 7,
                                    .table = "curves",
                                    .x = "x",
                                    .y = "line"}}});
}

static gr_status run(gr_lab *lab)
{
    double noise = gr__setting_real(&lab->settings, "noise");
    sums s = {0};
    fit typical;
    gr_status st = all(lab, &s, &typical);
    if (st != GR_OK) return st;
    shown(lab, &typical);
    means(lab, &s);
    gr__lab_equal(lab, 0, s.most_of_four, 1e-20, "largest training error of degree 4 in any draw");
    for (int d = 0; d < DEGREES; d++) {
        double want = expected(d, noise), off = 4 * standard_error(lab, &s, d);
        if (isfinite(want))
            gr__lab_equal(lab, want, s.validation[d], off / want,
                          "mean validation error of degree %d, within four standard errors", d);
    }
    gr__lab_within(lab, s.validation[1], INFINITY, s.validation[4],
                   "mean validation error of degree 4: above that of degree 1, %.4f", s.validation[1]);
    gr__lab_within(lab, 0.5, 1, s.line_better, "share of draws in which degree 1 is nearer to the validation point");
    return GR_OK;
}

GR_FIGURE(fig4_1) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.1",
            .title = "Overfitting: degree 4 through four points, and a line",
            .cite = "chapter 4.1, figure 4.1",
            .equations = "y_i = a + b x_i + noise;  c = argmin sum_i (c_0 + ... + c_d x_i^d - y_i)^2, the shortest "
                         "such c where d = 4\n"
                         "E (error at x)^2 = bias^2 + noise^2 (1 + |w|^2) for a fit with weights w: degree 1 |w|^2 = "
                         "1/n + x^2 / sum x_i^2,\n"
                         "degree 3 |w|^2 = sum_i l_i(x)^2 with Lagrange's l_i",
            GR_ROWS(rows),
        },
    .quick = "{draws: 500}",
    .run = run,
};
