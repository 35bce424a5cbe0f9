/* Figure 4.4: the test cost is the training cost shifted a little; where the minimum is sharp that costs much, where it
 * is flat little. Two wells of one depth and different width are dug into a plain, so that what stands beyond the
 * second order can be seen too.  [mission G5, FIG4.4; Keskar et al. 2017, figure 1] */
#include <math.h>

#include "study/steps/descent.h"
#include "study/lab/lab.h"

enum { FLAT, SHARP, MINIMA };
static const char *const minimum_words[] = {"flat", "sharp", NULL}, *const cost_words[] = {"training", "test", NULL};
static const double centre[MINIMA] = {-2, 2}, width[MINIMA] = {0.8, 0.15};
enum { GRID = 701, SHIFTS = 7, STEPS = 3000 };
static const double LOW = -5, HIGH = 4, SMALLEST = 0.005;

static const gr_row rows[] = {
    GR_ROW("shift", REAL, "0.12", "(0,0.5]", "1", "of the test cost against the training cost, in the drawing"),
};

static gr_val well(gr_graph *g, gr_val w, int which)
{
    gr_val z = gr_div(g, gr_sub(g, w, gr_const(g, centre[which])), gr_const(g, width[which]));
    return gr_exp(g, gr_mul(g, gr_square(g, z), gr_const(g, -0.5)));
}

static gr_val cost(gr_graph *g, gr_val w, const void *user)
{
    (void)user;
    gr_val depth = gr_add(g, well(g, w, FLAT), well(g, w, SHARP));
    return gr_reshape(g, gr_sub(g, gr_const(g, 1), depth), GR_SHAPE(gr_shape_of(g, w).dim[0]));
}
static const gr_formula formula = {.dimensions = 1, .cost = cost};

typedef struct minimum {
    double at, cost, curvature;
} minimum;

/* Trains from the well's edge to its bottom. */
static gr_status descend(gr_lab *lab, int which, minimum *m)
{
    gr_descent d = {0};
    double start = centre[which] + width[which] / 2;
    gr_status st = GR_OK;
    GR_TRY(gr__descent_open(lab->ctx, &formula, "sgd", &d));
    gr__descent_start(&d, &start);
    for (int i = 0; i < STEPS; i++) GR_TRY(gr__descent_step(&d, 0.02, NULL, &m->at));
    st = gr__formula_at(lab->ctx, &formula, &m->at, 1, &m->cost, NULL, &m->curvature);
done:
    gr__descent_close(&d);
    return st;
}

/* ---- tables ---- */

static const gr_column curve_columns[] = {GR_NUMBER("w", "", NULL), GR_NUMBER("training", "", NULL),
                                          GR_NUMBER("test", "", NULL)};
static const gr_column minima_columns[] = {GR_NUMBER("minimum", "", minimum_words),
                                           GR_NUMBER("cost_of", "", cost_words), GR_NUMBER("w", "", NULL),
                                           GR_NUMBER("cost", "", NULL), GR_NUMBER("curvature", "", NULL)};
static const gr_column rise_columns[] = {GR_NUMBER("minimum", "", minimum_words), GR_NUMBER("shift", "", NULL),
                                         GR_NUMBER("rise_predicted", "", NULL), GR_NUMBER("rise", "", NULL),
                                         GR_NUMBER("relative_error", "", NULL)};

static gr_status curves(gr_lab *lab, double shift)
{
    double w[GRID], moved[GRID], training[GRID], test[GRID];
    for (int i = 0; i < GRID; i++) {
        w[i] = LOW + (HIGH - LOW) * i / (GRID - 1);
        moved[i] = w[i] - shift;
    }
    gr_status st = gr__formula_at(lab->ctx, &formula, w, GRID, training, NULL, NULL);
    if (st == GR_OK) st = gr__formula_at(lab->ctx, &formula, moved, GRID, test, NULL, NULL);
    if (st != GR_OK) return st;
    gr_table *t = gr__lab_table(lab, NULL, "training cost and test cost", curve_columns, (int)GR_COUNT(curve_columns));
    for (int i = 0; i < GRID; i++) GR_LAB_ROW(lab, t, w[i], training[i], test[i]);
    return GR_OK;
}

/* What the test cost has more than the training cost, at the minimum of the latter. */
static gr_status rise_at(gr_lab *lab, const minimum *m, double shift, double *rise)
{
    double w = m->at - shift;
    gr_status st = gr__formula_at(lab->ctx, &formula, &w, 1, rise, NULL, NULL);
    *rise -= m->cost;
    return st;
}

static gr_status minima(gr_lab *lab, const minimum *m, double shift, double *rise)
{
    gr_table *t = gr__lab_table(lab, "minima", "the two minima that training reaches", minima_columns,
                                (int)GR_COUNT(minima_columns));
    for (int i = 0; i < MINIMA; i++) {
        gr_status st = rise_at(lab, &m[i], shift, &rise[i]);
        if (st != GR_OK) return st;
        for (int k = 0; k < 2; k++) GR_LAB_ROW(lab, t, i, k, m[i].at, m[i].cost + k * rise[i], m[i].curvature);
    }
    return GR_OK;
}

static gr_status rises(gr_lab *lab, const minimum *m)
{
    gr_table *t = gr__lab_table(lab, "rise", "rise of the test cost against the shift", rise_columns,
                                (int)GR_COUNT(rise_columns));
    double rise[MINIMA][SHIFTS], rest[MINIMA][SHIFTS];
    for (int i = 0; i < MINIMA; i++) {
        for (int k = 0; k < SHIFTS; k++) {
            double shift = SMALLEST * (1 << k), predicted = 0.5 * m[i].curvature * shift * shift;
            gr_status st = rise_at(lab, &m[i], shift, &rise[i][k]);
            if (st != GR_OK) return st;
            rest[i][k] = fabs(rise[i][k] - predicted);
            GR_LAB_ROW(lab, t, i, shift, predicted, rise[i][k], rest[i][k] / predicted);
        }
        gr__lab_equal(lab, 0.5 * m[i].curvature * SMALLEST * SMALLEST, rise[i][0], 0.001,
                      "rise at the %s minimum for a shift of %g: f'' shift^2 / 2", minimum_words[i], SMALLEST);
        gr__lab_equal(lab, 4, log2(rest[i][3] / rest[i][2]), 0.05,
                      "order in the shift of what is left at the %s minimum, a well that is even", minimum_words[i]);
    }
    gr__lab_equal(lab, m[SHARP].curvature / m[FLAT].curvature, rise[SHARP][0] / rise[FLAT][0], 0.001,
                  "rise at the sharp minimum as a multiple of the flat one's: the ratio of their f''");
    return GR_OK;
}

/* ---- the figure ---- */

static void draw_minima(gr_lab *lab, double shift)
{
    gr__lab_panel(
        lab, &(gr_panel){.title = "Sharp minima pay for a shift between training and test",
                         .caption = gr__lab_text(
                             lab,
                             "Both minima have the same training cost. The test cost is the training cost moved "
                             "by %g. Marked: each minimum of the training cost, and the test cost there.",
                             shift),
                         .x = {.label = "weight w"},
                         .y = {.label = "cost"},
                         .curve = {{.label = "training cost", .colour = 1, .x = "w", .y = "training"},
                                   {.label = "test cost", .mark = GR_MARK_DASHED, .colour = 3, .x = "w", .y = "test"},
                                   {.label = "flat minimum",
                                    .mark = GR_MARK_PATH,
                                    .colour = 5,
                                    .table = "minima",
                                    .x = "w",
                                    .y = "cost",
                                    .where = "minimum",
                                    .is = "flat"},
                                   {.label = "sharp minimum",
                                    .mark = GR_MARK_PATH,
                                    .colour = 2,
                                    .table = "minima",
                                    .x = "w",
                                    .y = "cost",
                                    .where = "minimum",
                                    .is = "sharp"}}});
}

static void draw_rise(gr_lab *lab)
{
    gr__lab_panel(
        lab,
        &(gr_panel){.name = "rise",
                    .title = "The rise of the test cost follows f'' shift\xC2\xB2 / 2",
                    .caption =
                        "Lines: second order, with f'' by differentiating the cost twice. Points: the test cost less "
                        "the training cost, at the minimum that gradient descent reaches.",
                    .x = {.label = "shift", .log = true},
                    .y = {.label = "rise of the cost", .log = true},
                    .curve = {{.label = "sharp: f'' shift\xC2\xB2 / 2",
                               .colour = 2,
                               .table = "rise",
                               .x = "shift",
                               .y = "rise_predicted",
                               .where = "minimum",
                               .is = "sharp"},
                              {.label = "sharp: measured",
                               .mark = GR_MARK_POINTS,
                               .colour = 2,
                               .table = "rise",
                               .x = "shift",
                               .y = "rise",
                               .where = "minimum",
                               .is = "sharp"},
                              {.label = "flat: f'' shift\xC2\xB2 / 2",
                               .colour = 1,
                               .table = "rise",
                               .x = "shift",
                               .y = "rise_predicted",
                               .where = "minimum",
                               .is = "flat"},
                              {.label = "flat: measured",
                               .mark = GR_MARK_POINTS,
                               .colour = 1,
                               .table = "rise",
                               .x = "shift",
                               .y = "rise",
                               .where = "minimum",
                               .is = "flat"}}});
}

static gr_status run(gr_lab *lab)
{
    double shift = gr__setting_real(&lab->settings, "shift"), rise[MINIMA];
    minimum m[MINIMA];
    gr_status st = GR_OK;
    for (int i = 0; i < MINIMA; i++) GR_TRY(descend(lab, i, &m[i]));
    GR_TRY(curves(lab, shift));
    GR_TRY(minima(lab, m, shift, rise));
    gr__lab_equal(lab, 0, m[SHARP].cost - m[FLAT].cost, 1e-4,
                  "training cost of the sharp minimum less that of the flat one");
    for (int i = 0; i < MINIMA; i++)
        gr__lab_equal(lab, 1 / (width[i] * width[i]), m[i].curvature, 0.001, "f'' at the %s minimum", minimum_words[i]);
    GR_TRY(rises(lab, m));
    gr__lab_within(lab, 1, INFINITY, rise[SHARP] / rise[FLAT],
                   "rise at the sharp minimum as a multiple of the flat one's, for the shift of the drawing");
    draw_minima(lab, shift);
    draw_rise(lab);
done:
    return st;
}

GR_FIGURE(fig4_4) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.4",
            .title = "Sharp and flat minima: what a shift of the cost costs",
            .cite = "chapter 4, figure 4.4; Keskar et al. 2017, figure 1",
            .equations = "training cost f(w) = 1 - exp(-(w + 2)^2 / (2 0.8^2)) - exp(-(w - 2)^2 / (2 0.15^2));  test "
                         "cost f(w - shift)\n"
                         "at a minimum w* of f:  f(w* - shift) - f(w*) = f''(w*) shift^2 / 2 + higher orders",
            GR_ROWS(rows),
        },
    .run = run,
};
