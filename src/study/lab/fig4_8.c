/* Figure 4.8: a ravine. Without momentum the rate is bound by the steep walls and the floor is walked slowly; with
 * momentum the walls cancel out and the floor adds up. With the best settings of either the updates grow with the
 * condition number, or with its root. [mission O8, FIG4.8; Polyak 1964; Goh 2017, `Why Momentum Really Works`] */
#include <math.h>

#include "base/text.h"
#include "study/steps/descent.h"
#include "study/lab/lab.h"

static const gr_row rows[] = {
    GR_ROW("condition", REAL, "100", "[4,1000]", "1",
           "condition number of the drawing: how much steeper the walls are than the floor"),
};

static const double NEAR = 1e-6; /* of the starting distance: arrived */
static const double conditions[] = {10, 30, 100, 300, 1000};
enum { CONDITIONS = (int)GR_COUNT(conditions), MOST = 20000, DRAWN = 60, NX = 81, NY = 61 };
static const double LEFT = -11, RIGHT = 3, HEIGHT = 1.8;

static gr_val cost(gr_graph *g, gr_val w, const void *user)
{
    const double half[2] = {0.5, *(const double *)user / 2};
    return gr_sum(g, gr_mul(g, gr_square(g, w), gr_const_tensor(g, GR_SHAPE(1, 2), half)), (const int[]){1}, 1, false);
}

/* ---- the best settings [Polyak 1964], for curvatures 1 and k ---- */

typedef struct setting {
    double lr, momentum, factor;
} setting; /* factor: of the distance an update, in the long run */

static setting best(double k, bool momentum)
{
    double root = sqrt(k);
    if (!momentum) return (setting){2 / (k + 1), 0, (k - 1) / (k + 1)};
    return (setting){4 / ((root + 1) * (root + 1)), pow((root - 1) / (root + 1), 2), (root - 1) / (root + 1)};
}

static gr_status open_descent(gr_lab *lab, const double *k, setting s, gr_descent *d)
{
    char number[32];
    gr_formula f = {.dimensions = 2, .cost = cost, .user = k};
    return gr__descent_open(lab->ctx, &f,
                            gr__lab_text(lab, "{type: sgd, momentum: %s}", gr__double_text(s.momentum, number)), d);
}

/* ---- theory ---- */

/* The error along curvature h after t updates, from 1. With the best momentum both directions have a double root r =
 * +-factor: (1 + c t) r^t. */
static double error_after(setting s, double h, double t)
{
    double first = 1 - s.lr * h, r = first < 0 ? -s.factor : s.factor;
    if (s.momentum == 0) return pow(first, t);
    return (1 + (first / r - 1) * t) * pow(r, t);
}

static double predicted_updates(setting s, double k)
{
    for (double t = 1; t < MOST; t++)
        if (hypot(error_after(s, 1, t), error_after(s, k, t)) <= NEAR * sqrt(2)) return t;
    return NAN;
}

/* ---- measuring ---- */

static gr_status count(gr_lab *lab, double k, setting s, double *updates)
{
    gr_descent d = {0};
    double w[2] = {1, 1};
    gr_status st = GR_OK;
    *updates = NAN;
    GR_TRY(open_descent(lab, &k, s, &d));
    gr__descent_start(&d, w);
    for (int t = 1; t < MOST; t++) {
        GR_TRY(gr__descent_step(&d, s.lr, NULL, w));
        if (hypot(w[0], w[1]) > NEAR * sqrt(2)) continue;
        *updates = t;
        break;
    }
done:
    gr__descent_close(&d);
    return st;
}

static const gr_column count_columns[] = {
    GR_NUMBER("condition", "", NULL), GR_NUMBER("sgd_predicted", "updates", NULL), GR_NUMBER("sgd", "updates", NULL),
    GR_NUMBER("sgdm_predicted", "updates", NULL), GR_NUMBER("sgdm", "updates", NULL)};

static gr_status counts(gr_lab *lab)
{
    gr_table *t =
        gr__lab_table(lab, "updates", "updates to a millionth of the starting distance, best settings of both",
                      count_columns, (int)GR_COUNT(count_columns));
    double updates[2][CONDITIONS];
    for (int i = 0; i < CONDITIONS; i++) {
        double k = conditions[i], predicted[2];
        for (int m = 0; m < 2; m++) {
            setting s = best(k, m);
            gr_status st = count(lab, k, s, &updates[m][i]);
            if (st != GR_OK) return st;
            predicted[m] = predicted_updates(s, k);
            gr__lab_equal(lab, predicted[m], updates[m][i], 0, "updates of %s at condition number %g",
                          m ? "SGDM" : "SGD", k);
        }
        GR_LAB_ROW(lab, t, k, predicted[0], updates[0][i], predicted[1], updates[1][i]);
    }
    double span = log(conditions[CONDITIONS - 1] / conditions[1]);
    gr__lab_equal(lab, 1, log(updates[0][CONDITIONS - 1] / updates[0][1]) / span, 0.05,
                  "power of the condition number that SGD's updates grow with");
    gr__lab_within(
        lab, 0.5, 0.55, log(updates[1][CONDITIONS - 1] / updates[1][1]) / span,
        "power of the condition number that SGDM's updates grow with: 1/2, and a logarithm for the double root");
    return GR_OK;
}

/* ---- the drawing ---- */

enum { SGD, SGDM, SGDM_BEST, METHODS };
static const char *const method_words[] = {"SGD", "SGDM", "SGDM, best rate", NULL};

/* SGD's best; the same rate with momentum; momentum's own best rate. */
static setting method(double k, int m)
{
    setting s = best(k, m != SGD);
    if (m == SGDM) s.lr = best(k, false).lr;
    return s;
}

static const gr_column path_columns[] = {GR_NUMBER("method", "", method_words),
                                         GR_NUMBER("step", "updates", NULL),
                                         GR_NUMBER("w1", "", NULL),
                                         GR_NUMBER("w2", "", NULL),
                                         GR_NUMBER("cost", "", NULL),
                                         GR_NUMBER("distance", "", NULL)};
static const gr_column grid_columns[] = {GR_NUMBER("w1", "", NULL), GR_NUMBER("w2", "", NULL),
                                         GR_NUMBER("cost", "", NULL)};

static gr_status paths(gr_lab *lab, double k, double *distance)
{
    gr_table *t = gr__lab_table(lab, NULL, "descents through the ravine", path_columns, (int)GR_COUNT(path_columns));
    gr_status st = GR_OK;
    for (int m = 0; m < METHODS && st == GR_OK; m++) {
        gr_descent d = {0};
        double w[2] = {-10, 1}, before[2] = {-10, 1}, j;
        setting s = method(k, m);
        st = open_descent(lab, &k, s, &d);
        if (st == GR_OK) gr__descent_start(&d, w);
        for (int i = 0; i <= DRAWN && st == GR_OK; i++) {
            st = gr__descent_step(&d, s.lr, &j, w);
            if (st != GR_OK) break;
            distance[m] = hypot(before[0], before[1]);
            GR_LAB_ROW(lab, t, m, i, before[0], before[1], j, distance[m]);
            before[0] = w[0];
            before[1] = w[1];
        }
        gr__descent_close(&d);
    }
    return st;
}

static gr_status grid(gr_lab *lab, const double *k)
{
    static const size_t n = NX * NY;
    gr_formula f = {.dimensions = 2, .cost = cost, .user = k};
    double *w = gr__bump_alloc(lab->memory, 3 * n * sizeof *w);
    if (!w) return GR_E_MEMORY;
    for (int i = 0; i < NX * NY; i++) {
        w[2 * i] = LEFT + (RIGHT - LEFT) * (i % NX) / (NX - 1);
        w[2 * i + 1] = HEIGHT * (2.0 * (i / NX) / (NY - 1) - 1);
    }
    gr_status st = gr__formula_at(lab->ctx, &f, w, NX * NY, w + 2 * n, NULL, NULL);
    if (st != GR_OK) return st;
    gr_table *t = gr__lab_table(lab, "cost", "the cost over the plane", grid_columns, (int)GR_COUNT(grid_columns));
    for (int i = 0; i < NX * NY; i++) GR_LAB_ROW(lab, t, w[2 * i], w[2 * i + 1], w[2 * n + (size_t)i]);
    return GR_OK;
}

static void draw_ravine(gr_lab *lab, double k)
{
    setting s = best(k, false), m = best(k, true);
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "A ravine: SGD zigzags between the walls, SGDM gets ahead along the floor",
            .caption = gr__lab_text(
                lab,
                "J = (w1\xC2\xB2 + %g w2\xC2\xB2) / 2 with the exact gradient, %d updates each at a learning rate "
                "of %.4f, SGD's best; SGDM with momentum %.4f.",
                k, DRAWN, s.lr, m.momentum),
            .x = {.label = "w1", .low = LEFT, .high = RIGHT},
            .y = {.label = "w2", .low = -HEIGHT, .high = HEIGHT},
            .curve = {
                {.label = "equal cost", .mark = GR_MARK_CONTOUR, .table = "cost", .x = "w1", .y = "w2", .z = "cost"},
                {.label = "SGD",
                 .mark = GR_MARK_PATH,
                 .colour = 2,
                 .x = "w1",
                 .y = "w2",
                 .where = "method",
                 .is = "SGD"},
                {.label = "SGDM",
                 .mark = GR_MARK_PATH,
                 .colour = 1,
                 .x = "w1",
                 .y = "w2",
                 .where = "method",
                 .is = "SGDM"}}});
}

static void draw_distance(gr_lab *lab, double k)
{
    setting s = best(k, false), m = best(k, true);
    gr__lab_panel(
        lab, &(gr_panel){
                 .name = "distance",
                 .title = "Distance to the minimum, update by update",
                 .caption = gr__lab_text(
                     lab,
                     "Condition number %g. In the long run an update leaves %.4f of the distance with SGD, %.4f "
                     "with SGDM at its best rate of %.4f.",
                     k, s.factor, m.factor, m.lr),
                 .x = {.label = "updates"},
                 .y = {.label = "distance to the minimum", .log = true},
                 .curve = {{.label = "SGD", .colour = 2, .x = "step", .y = "distance", .where = "method", .is = "SGD"},
                           {.label = "SGDM, the same rate",
                            .colour = 1,
                            .x = "step",
                            .y = "distance",
                            .where = "method",
                            .is = "SGDM"},
                           {.label = "SGDM, its best rate",
                            .mark = GR_MARK_DASHED,
                            .colour = 3,
                            .x = "step",
                            .y = "distance",
                            .where = "method",
                            .is = "SGDM, best rate"}}});
}

static void draw_updates(gr_lab *lab)
{
    gr__lab_panel(
        lab,
        &(gr_panel){
            .name = "updates",
            .title = "Updates grow with the condition number, or with its root",
            .caption = "Until the distance is a millionth of the first. Lines: theory. Points: counted.",
            .x = {.label = "condition number", .log = true},
            .y = {.label = "updates", .log = true},
            .curve = {
                {.label = "SGD: theory", .colour = 2, .table = "updates", .x = "condition", .y = "sgd_predicted"},
                {.label = "SGD: counted",
                 .mark = GR_MARK_POINTS,
                 .colour = 2,
                 .table = "updates",
                 .x = "condition",
                 .y = "sgd"},
                {.label = "SGDM: theory", .colour = 1, .table = "updates", .x = "condition", .y = "sgdm_predicted"},
                {.label = "SGDM: counted",
                 .mark = GR_MARK_POINTS,
                 .colour = 1,
                 .table = "updates",
                 .x = "condition",
                 .y = "sgdm"}}});
}

static gr_status run(gr_lab *lab)
{
    double k = gr__setting_real(&lab->settings, "condition"), distance[METHODS];
    gr_status st = GR_OK;
    GR_TRY(paths(lab, k, distance));
    GR_TRY(grid(lab, &k));
    GR_TRY(counts(lab));
    gr__lab_within(lab, 0, 1, distance[SGDM] / distance[SGD],
                   "distance of SGDM as a part of SGD's after %d updates at the same rate", DRAWN);
    gr__lab_within(lab, 0, 1, distance[SGDM_BEST] / distance[SGDM],
                   "distance of SGDM at its best rate as a part of that at SGD's, after %d updates", DRAWN);
    draw_ravine(lab, k);
    draw_distance(lab, k);
    draw_updates(lab);
done:
    return st;
}

GR_FIGURE(fig4_8) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.8",
            .title = "A ravine: SGD is slow in it, SGDM faster",
            .cite = "chapter 4, figure 4.8; Polyak 1964; Goh 2017",
            .equations = "J(w) = (w1^2 + k w2^2) / 2, exact gradients\n"
                         "best SGD:   lr = 2 / (k + 1);  the distance falls by (k - 1) / (k + 1) an update: about k / "
                         "2 ln(1/eps) updates\n"
                         "best SGDM:  lr = 4 / (sqrt k + 1)^2, momentum = ((sqrt k - 1) / (sqrt k + 1))^2\n"
                         "            the error along a direction is (1 + c t) r^t, |r| = (sqrt k - 1) / (sqrt k + 1): "
                         "about sqrt k updates",
            GR_ROWS(rows),
        },
    .run = run,
};
