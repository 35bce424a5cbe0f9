/* Figure 4.5: gradient descent in one dimension with a learning rate too small, right, too large. On J = L w^2 / 2 an
 * update multiplies w by 1 - lr L, from which everything follows: where it diverges, where it oscillates, how many
 * updates it takes.      [mission O3, FIG4.5]
 */
#include <math.h>

#include "study/steps/descent.h"
#include "study/lab/lab.h"

static const gr_row rows[] = {
    GR_ROW("curvature", REAL, "2", "[0.01,100]", "1", "L, the second derivative of the cost"),
};

static const double NEAR = 1e-6, FAR = 1e6; /* of the start: arrived, lost */
enum { MOST = 2000, RATES = 46, WATCHED = 200, HALVINGS = 50, GRID = 201 };

static gr_val cost(gr_graph *g, gr_val w, const void *user)
{
    gr_val half = gr_const(g, *(const double *)user / 2);
    return gr_reshape(g, gr_mul(g, gr_square(g, w), half), GR_SHAPE(gr_shape_of(g, w).dim[0]));
}

/* ---- the three of the picture ---- */

static const char *const path_words[] = {"too small", "right", "too large", NULL};
static const struct {
    double rate, start;
    int steps;
} path[] = {{0.08, -2.7, 12}, {0.7, 2.7, 7}, {2.15, 0.75, 10}}; /* rate in units of 1 / L */
static const gr_column path_columns[] = {GR_NUMBER("rate", "", path_words), GR_NUMBER("step", "updates", NULL),
                                         GR_NUMBER("w", "", NULL), GR_NUMBER("cost", "", NULL)};
static const gr_column curve_columns[] = {GR_NUMBER("w", "", NULL), GR_NUMBER("cost", "", NULL)};

static gr_status paths(gr_lab *lab, gr_descent *d, double curvature)
{
    gr_table *t = gr__lab_table(lab, NULL, "descents with three rates", path_columns, (int)GR_COUNT(path_columns));
    for (int i = 0; i < (int)GR_COUNT(path); i++) {
        double w = path[i].start, before = w, j;
        gr__descent_start(d, &w);
        for (int k = 0; k <= path[i].steps; k++) {
            gr_status st = gr__descent_step(d, path[i].rate / curvature, &j, &w);
            if (st != GR_OK) return st;
            GR_LAB_ROW(lab, t, i, k, before, j);
            before = w;
        }
    }
    return GR_OK;
}

static gr_status parabola(gr_lab *lab, const gr_formula *f)
{
    double w[GRID], j[GRID];
    for (int i = 0; i < GRID; i++) w[i] = -3.2 + 6.4 * i / (GRID - 1);
    gr_status st = gr__formula_at(lab->ctx, f, w, GRID, j, NULL, NULL);
    if (st != GR_OK) return st;
    gr_table *t = gr__lab_table(lab, "cost", "the cost", curve_columns, (int)GR_COUNT(curve_columns));
    for (int i = 0; i < GRID; i++) GR_LAB_ROW(lab, t, w[i], j[i]);
    return GR_OK;
}

/* ---- how many updates ---- */

static const char *const fate_words[] = {"converges", "diverges", NULL};
static const gr_column count_columns[] = {
    GR_NUMBER("rate", "", NULL), GR_NUMBER("rate_times_curvature", "", NULL), GR_NUMBER("fate", "", fate_words),
    GR_NUMBER("updates_predicted", "updates", NULL), GR_NUMBER("updates", "updates", NULL)};

/* Until |w| has fallen below NEAR or grown beyond FAR; NaN: neither within MOST. */
static gr_status count(gr_descent *d, double lr, double *updates)
{
    double w = 1;
    *updates = NAN;
    gr__descent_start(d, &w);
    for (int k = 1; k <= MOST; k++) {
        gr_status st = gr__descent_step(d, lr, NULL, &w);
        if (st != GR_OK) return st;
        if (fabs(w) > NEAR && fabs(w) < FAR) continue;
        *updates = k;
        return GR_OK;
    }
    return GR_OK;
}

static gr_status counts(gr_lab *lab, gr_descent *d, double curvature)
{
    gr_table *t = gr__lab_table(lab, "updates", "updates until w is a millionth of its start, or a million times",
                                count_columns, (int)GR_COUNT(count_columns));
    double wrong = 0, updates;
    for (int i = 0; i < RATES; i++) {
        double product = 0.05 * (i + 0.5), lr = product / curvature,
               factor = fabs(1 - product); /* no factor here is a root of NEAR, where rounding would decide */
        double predicted = factor < 1 ? ceil(log(NEAR) / log(factor)) : ceil(log(FAR) / log(factor));
        gr_status st = count(d, lr, &updates);
        if (st != GR_OK) return st;
        wrong += !(updates == predicted);
        GR_LAB_ROW(lab, t, lr, product, factor > 1, predicted, updates);
    }
    gr__lab_equal(lab, 0, wrong, 0, "rates, of %d, at which the count of updates is not ceil(ln 1e-6 / ln |1 - lr L|)",
                  RATES);
    return GR_OK;
}

/* ---- thresholds, by halving ---- */

typedef bool (*seen)(double before, double after);
static bool crosses(double before, double after)
{
    return before * after < 0;
}
static bool grows(double before, double after)
{
    return fabs(after) > fabs(before);
}

/* The smallest rate, between `low` and `high`, at which a descent shows it within WATCHED updates. */
static gr_status threshold(gr_descent *d, double low, double high, seen what, double *out)
{
    for (int i = 0; i < HALVINGS; i++) {
        double middle = low + (high - low) / 2, w = 1, before = 1;
        bool shown = false;
        gr__descent_start(d, &w);
        for (int k = 0; k < WATCHED && !shown; k++, before = w) {
            gr_status st = gr__descent_step(d, middle, NULL, &w);
            if (st != GR_OK) return st;
            shown = what(before, w);
        }
        *(shown ? &high : &low) = middle;
    }
    *out = high;
    return GR_OK;
}

/* ---- the figure ---- */

static void draw_paths(gr_lab *lab)
{
    gr__lab_panel(
        lab, &(gr_panel){.title = "Gradient descent with three learning rates",
                         .caption = gr__lab_text(
                             lab, "J = L w\xC2\xB2 / 2. Learning rates: %g / L creeps, %g / L arrives, %g / L leaves.",
                             path[0].rate, path[1].rate, path[2].rate),
                         .x = {.label = "weight w", .low = -3.2, .high = 3.2},
                         .y = {.label = "cost J"},
                         .curve = {{.label = "cost", .colour = 7, .table = "cost", .x = "w", .y = "cost"},
                                   {.label = "too small",
                                    .mark = GR_MARK_PATH,
                                    .colour = 1,
                                    .x = "w",
                                    .y = "cost",
                                    .where = "rate",
                                    .is = "too small"},
                                   {.label = "right",
                                    .mark = GR_MARK_PATH,
                                    .colour = 3,
                                    .x = "w",
                                    .y = "cost",
                                    .where = "rate",
                                    .is = "right"},
                                   {.label = "too large",
                                    .mark = GR_MARK_PATH,
                                    .colour = 2,
                                    .x = "w",
                                    .y = "cost",
                                    .where = "rate",
                                    .is = "too large"}}});
}

static void draw_updates(gr_lab *lab)
{
    gr__lab_panel(
        lab,
        &(gr_panel){.name = "updates",
                    .title = "How many updates a learning rate takes",
                    .caption = "Updates until w is a millionth of its start (converges), or a million times as large "
                               "(diverges). Lines: theory. Points: counted.",
                    .x = {.label = "learning rate times L", .low = 0, .high = 2.35},
                    .y = {.label = "updates", .log = true, .low = 3, .high = 1500},
                    .curve = {{.label = "converges: ln 1e-6 / ln |1 \xE2\x88\x92 lr L|",
                               .colour = 1,
                               .table = "updates",
                               .x = "rate_times_curvature",
                               .y = "updates_predicted",
                               .where = "fate",
                               .is = "converges"},
                              {.label = "counted",
                               .mark = GR_MARK_POINTS,
                               .colour = 1,
                               .table = "updates",
                               .x = "rate_times_curvature",
                               .y = "updates",
                               .where = "fate",
                               .is = "converges"},
                              {.label = "diverges",
                               .colour = 2,
                               .table = "updates",
                               .x = "rate_times_curvature",
                               .y = "updates_predicted",
                               .where = "fate",
                               .is = "diverges"},
                              {.label = "counted",
                               .mark = GR_MARK_POINTS,
                               .colour = 2,
                               .table = "updates",
                               .x = "rate_times_curvature",
                               .y = "updates",
                               .where = "fate",
                               .is = "diverges"}},
                    .rule = {{.label = "oscillates from 1 / L", .vertical = true, .at = 1},
                             {.label = "diverges from 2 / L", .vertical = true, .at = 2}}});
}

static gr_status run(gr_lab *lab)
{
    double curvature = gr__setting_real(&lab->settings, "curvature"), leaves, turns;
    gr_formula f = {.dimensions = 1, .cost = cost, .user = &curvature};
    gr_descent d = {0};
    gr_status st = GR_OK;
    GR_TRY(gr__descent_open(lab->ctx, &f, "sgd", &d));
    GR_TRY(paths(lab, &d, curvature));
    GR_TRY(parabola(lab, &f));
    GR_TRY(counts(lab, &d, curvature));
    GR_TRY(threshold(&d, 1 / curvature, 4 / curvature, grows, &leaves));
    GR_TRY(threshold(&d, 0.1 / curvature, 1.9 / curvature, crosses, &turns));
    gr__lab_equal(lab, 2 / curvature, leaves, 1e-9, "smallest rate at which w grows: 2 / L");
    gr__lab_equal(lab, 1 / curvature, turns, 1e-9, "smallest rate at which w changes sides: 1 / L");
    draw_paths(lab);
    draw_updates(lab);
done:
    gr__descent_close(&d);
    return st;
}

GR_FIGURE(fig4_5) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.5",
            .title = "Gradient descent with a learning rate too small, right, too large",
            .cite = "chapter 4, figure 4.5; LeCun et al. 1998, section 5.1",
            .equations = "J(w) = L w^2 / 2, so that an update is  w <- (1 - lr L) w\n"
                         "diverges when lr > 2 / L; keeps its side when lr < 1 / L\n"
                         "|w| <= eps |w_0| after ceil(ln eps / ln |1 - lr L|) updates",
            GR_ROWS(rows),
        },
    .run = run,
};
