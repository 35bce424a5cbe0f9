/* Figure 4.6: a data set divided into M batches. In the time in which gradient descent makes one update, from all of
 * it, SGD makes M, each from one batch: it gets ahead, but not smoothly. A line fitted to points, slope and intercept,
 * in float64.             [mission O1, O2, FIG4.6] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "study/steps/descent.h"
#include "study/lab/lab.h"
#include "study/steps/steps.h"

static const gr_row rows[] = {
    GR_ROW("batches", INT, "12", "[2,100]", "batches", "M, how many the data set is divided into; each has 20 samples"),
    GR_ROW("passes", INT, "8", "[2,50]", "epochs", "over the whole data set"),
    GR_ROW("lr", REAL, "0.1", "(0,0.2]", "1", "learning rate of both"),
};

enum { BATCH = 20, NX = 81, NY = 61 };
static const double START[2] = {-2.5, 2.5},
                    SCALE = 0.5; /* inputs are halved, so that the cost is steeper along the intercept */

/* ---- the problem: points, the least-squares cost and its minimum in closed form ---- */

typedef struct problem {
    int64_t n, batches, passes;
    double lr;
    const double *x, *y; /* n points, x as the network sees it */
    double h[2][2];      /* the cost is (w - best) h (w - best) / 2 + least */
    double best[2], least;
} problem;

static gr_val cost(gr_graph *g, gr_val w, const void *user)
{
    const problem *p = user;
    int64_t places = gr_shape_of(g, w).dim[0];
    gr_val x = gr_const_tensor(g, GR_SHAPE(1, p->n), p->x), y = gr_const_tensor(g, GR_SHAPE(1, p->n), p->y);
    gr_val line =
        gr_add(g, gr_matmul(g, gr_slice(g, w, 1, 0, 1), x, false, false), gr_slice(g, w, 1, 1, 1)); /* [places, n] */
    gr_val sum = gr_sum(g, gr_square(g, gr_sub(g, line, y)), (const int[]){1}, 1, false);
    return gr_reshape(g, gr_mul(g, sum, gr_const(g, 1 / (double)p->n)), GR_SHAPE(places));
}

static void solve(problem *p)
{
    double x = 0, y = 0, xx = 0, xy = 0, yy = 0, n = (double)p->n;
    for (int64_t i = 0; i < p->n; i++) {
        x += p->x[i] / n;
        y += p->y[i] / n;
        xx += p->x[i] * p->x[i] / n;
        xy += p->x[i] * p->y[i] / n;
        yy += p->y[i] * p->y[i] / n;
    }
    p->h[0][0] = 2 * xx;
    p->h[0][1] = p->h[1][0] = 2 * x;
    p->h[1][1] = 2;
    p->best[0] = (xy - x * y) / (xx - x * x);
    p->best[1] = y - p->best[0] * x;
    p->least = yy - p->best[0] * xy - p->best[1] * y;
}

static double distance(const problem *p, const double w[2])
{
    return hypot(w[0] - p->best[0], w[1] - p->best[1]);
}

static double cost_at(const problem *p, const double w[2])
{
    double e[2] = {w[0] - p->best[0], w[1] - p->best[1]};
    return p->least + 0.5 * (p->h[0][0] * e[0] * e[0] + 2 * p->h[0][1] * e[0] * e[1] + p->h[1][1] * e[1] * e[1]);
}

/* Where exact gradient descent stands after t updates: w* + (I - lr H)^t (w_0 - w*). */
static void exact_descent(const problem *p, const double start[2], int64_t t, double w[2])
{
    double e[2] = {start[0] - p->best[0], start[1] - p->best[1]};
    for (; t > 0; t--) {
        double a = e[0] - p->lr * (p->h[0][0] * e[0] + p->h[0][1] * e[1]);
        e[1] -= p->lr * (p->h[1][0] * e[0] + p->h[1][1] * e[1]);
        e[0] = a;
    }
    for (int i = 0; i < 2; i++) w[i] = p->best[i] + e[i];
}

/* ---- training, by the recipe ---- */

static gr_status open_recipe(gr_lab *lab, const problem *p, int64_t batch, gr_recipe **out)
{
    char text[640], lr[32], scale[32];
    snprintf(text, sizeof text,
             "{gradus: 1, name: line, seed: %llu, precision: float64, threads: 1,\n"
             " data: {train: {type: synthetic, kind: regression, features: 1, n: %lld, noise: 2}, batch: %lld, "
             "shuffle: every_epoch, "
             "prepare: [{type: scale, by: %s}]},\n"
             " model: {input: [1], layers: [{type: dense, units: 1, name: line}]}, cost: mse, optimizer: {type: sgd, "
             "lr: %s}, stop: "
             "{epochs: %lld}}\n",
             (unsigned long long)lab->seed, (long long)p->n, (long long)batch, gr__double_text(SCALE, scale),
             gr__double_text(p->lr, lr), (long long)p->passes);
    return gr__recipe_from_text(lab->ctx, "fig4.6", ".", text, strlen(text), NULL, 0, out);
}

static void write_line(gr_store *s, const double w[2])
{
    gr_store_write(s, gr_store_find(s, "line.weight"), &w[0]);
    gr_store_write(s, gr_store_find(s, "line.bias"), &w[1]);
}

static void read_line(const gr_store *s, double w[2])
{
    gr_store_read(s, gr_store_find(s, "line.weight"), &w[0]);
    gr_store_read(s, gr_store_find(s, "line.bias"), &w[1]);
}

/* The points, as the first run of the two has loaded them. */
static gr_status take_points(gr_lab *lab, const gr_steps *s, problem *p)
{
    const gr_set *set = &s->task.set[GR_PART_TRAIN];
    double *copy = gr__bump_alloc(lab->memory, 2 * (size_t)p->n * sizeof *copy);
    if (!copy) return GR_E_MEMORY;
    for (int64_t i = 0; i < p->n; i++) {
        copy[i] =
            SCALE * ((const double *)gr__set_input(set, 0)->data)[i]; /* precision: float64 keeps both as double */
        copy[p->n + i] = ((const double *)gr__set_target(set, 0)->data)[i];
    }
    p->x = copy;
    p->y = copy + p->n;
    solve(p);
    return GR_OK;
}

enum { GD, SGD, METHODS };
static const char *const method_words[] = {"GD", "SGD", NULL};
static const gr_column path_columns[] = {GR_NUMBER("method", "", method_words), GR_NUMBER("update", "updates", NULL),
                                         GR_NUMBER("pass", "epochs", NULL),     GR_NUMBER("slope", "", NULL),
                                         GR_NUMBER("intercept", "", NULL),      GR_NUMBER("cost", "", NULL),
                                         GR_NUMBER("distance", "", NULL)};

typedef struct outcome {
    double updates, rises, distance, after_one;
} outcome; /* rises: updates that raised the cost of all data; after_one: distance after a pass */

static gr_status descend(gr_lab *lab, problem *p, int method, gr_table *t, outcome *out)
{
    gr_recipe *r = NULL;
    gr_steps s = {0};
    gr_status st = GR_OK;
    double w[2], before;
    *out = (outcome){0};
    GR_TRY(open_recipe(lab, p, method == GD ? p->n : BATCH, &r));
    GR_TRY(gr__steps_open(lab->ctx, r, 0, &s));
    if (!p->x) GR_TRY(take_points(lab, &s, p));
    write_line(s.engine.store, START);
    before = cost_at(p, START);
    GR_LAB_ROW(lab, t, method, 0, 0, START[0], START[1], before, distance(p, START));
    for (int64_t step = 0; step < p->passes * s.stepper.extent.updates_per_epoch; step++) {
        GR_TRY(gr__steps_next(&s, step));
        read_line(s.engine.store, w);
        double now = cost_at(p, w);
        GR_LAB_ROW(lab, t, method, (double)(step + 1), (double)(step + 1) / (double)s.stepper.extent.updates_per_epoch,
                   w[0], w[1], now, distance(p, w));
        out->updates++;
        out->rises += now > before;
        before = now;
        if (step + 1 == s.stepper.extent.updates_per_epoch) out->after_one = distance(p, w);
    }
    out->distance = distance(p, w);
done:
    gr__steps_close(&s);
    if (r) gr__recipe_close(lab->ctx, r);
    return st;
}

/* ---- the plane ---- */

static const gr_column grid_columns[] = {GR_NUMBER("slope", "", NULL), GR_NUMBER("intercept", "", NULL),
                                         GR_NUMBER("cost", "", NULL)};

/* How far from the minimum the drawing goes. */
static double reach(const problem *p, int axis)
{
    return fabs(START[axis] - p->best[axis]) + 0.5;
}

static gr_status grid(gr_lab *lab, const problem *p, double *checked)
{
    static const size_t n = NX * NY;
    gr_formula f = {.dimensions = 2, .cost = cost, .user = p};
    double *w = gr__bump_alloc(lab->memory, 3 * n * sizeof *w);
    if (!w) return GR_E_MEMORY;
    for (int i = 0; i < NX * NY; i++) {
        w[2 * i] = p->best[0] + reach(p, 0) * (2.0 * (i % NX) / (NX - 1) - 1);
        w[2 * i + 1] = p->best[1] + reach(p, 1) * (2.0 * (i / NX) / (NY - 1) - 1);
    }
    gr_status st = gr__formula_at(lab->ctx, &f, w, NX * NY, w + 2 * n, NULL, NULL);
    if (st != GR_OK) return st;
    gr_table *t =
        gr__lab_table(lab, "cost", "the cost of all data over the plane", grid_columns, (int)GR_COUNT(grid_columns));
    *checked = 0;
    for (int i = 0; i < NX * NY; i++) {
        double j = w[2 * n + (size_t)i];
        *checked = fmax(*checked, fabs(j - cost_at(p, w + 2 * i)) / j);
        GR_LAB_ROW(lab, t, w[2 * i], w[2 * i + 1], j);
    }
    return GR_OK;
}

/* ---- the figure ---- */

static void drawings(gr_lab *lab, const problem *p)
{
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "SGD over M batches against gradient descent",
            .caption = gr__lab_text(
                lab,
                "A line fitted to %lld points by least squares, %lld passes, learning rate %g. GD makes an update a "
                "pass, SGD %lld, each from %d points.",
                (long long)p->n, (long long)p->passes, p->lr, (long long)p->batches, BATCH),
            .x = {.label = "slope", .low = p->best[0] - reach(p, 0), .high = p->best[0] + reach(p, 0)},
            .y = {.label = "intercept", .low = p->best[1] - reach(p, 1), .high = p->best[1] + reach(p, 1)},
            .curve = {{.label = "equal cost",
                       .mark = GR_MARK_CONTOUR,
                       .table = "cost",
                       .x = "slope",
                       .y = "intercept",
                       .z = "cost"},
                      {.label = "SGD",
                       .mark = GR_MARK_PATH,
                       .colour = 2,
                       .x = "slope",
                       .y = "intercept",
                       .where = "method",
                       .is = "SGD"},
                      {.label = "GD",
                       .mark = GR_MARK_PATH,
                       .colour = 1,
                       .x = "slope",
                       .y = "intercept",
                       .where = "method",
                       .is = "GD"}}});
    gr__lab_panel(
        lab, &(gr_panel){
                 .name = "distance",
                 .title = "Distance to the minimum after equal amounts of data",
                 .caption = "SGD comes near first, and then stays where the differences between the batches keep it; "
                            "gradient descent goes on "
                            "smoothly.",
                 .x = {.label = "passes over the data"},
                 .y = {.label = "distance to the minimum", .log = true},
                 .curve = {{.label = "SGD", .colour = 2, .x = "pass", .y = "distance", .where = "method", .is = "SGD"},
                           {.label = "GD",
                            .mark = GR_MARK_PATH,
                            .colour = 1,
                            .x = "pass",
                            .y = "distance",
                            .where = "method",
                            .is = "GD"}}});
}

static void claims(gr_lab *lab, const problem *p, const outcome o[METHODS], double checked)
{
    double w[2];
    gr__lab_equal(lab, 0, checked, 1e-12, "largest difference of the cost by the graph from its closed form, relative");
    gr__lab_equal(lab, (double)p->passes, o[GD].updates, 0, "updates of GD in %lld passes", (long long)p->passes);
    gr__lab_equal(lab, (double)(p->passes * p->batches), o[SGD].updates, 0,
                  "updates of SGD in %lld passes: M times as many", (long long)p->passes);
    exact_descent(p, START, p->passes, w);
    gr__lab_equal(lab, distance(p, w), o[GD].distance, 1e-10, "distance of GD to the minimum at the end: (I - lr H)^t");
    exact_descent(p, START, p->batches, w);
    gr__lab_equal(lab, distance(p, w), o[SGD].after_one, 0.5,
                  "distance of SGD after one pass: roughly that of GD after M updates");
    gr__lab_within(lab, 0, 1, o[SGD].after_one / o[GD].after_one, "distance of SGD after one pass as a part of GD's");
    gr__lab_equal(lab, 0, o[GD].rises, 0, "updates of GD that raise the cost of all data");
    gr__lab_within(lab, 1, INFINITY, o[SGD].rises, "updates of SGD that raise the cost of all data");
}

static gr_status run(gr_lab *lab)
{
    problem p = {.batches = gr__setting_int(&lab->settings, "batches"),
                 .passes = gr__setting_int(&lab->settings, "passes"),
                 .lr = gr__setting_real(&lab->settings, "lr")};
    outcome o[METHODS];
    double checked;
    gr_status st = GR_OK;
    p.n = p.batches * BATCH;
    gr_table *t = gr__lab_table(lab, NULL, "paths of both", path_columns, (int)GR_COUNT(path_columns));
    for (int m = 0; m < METHODS; m++) GR_TRY(descend(lab, &p, m, t, &o[m]));
    GR_TRY(grid(lab, &p, &checked));
    claims(lab, &p, o, checked);
    drawings(lab, &p);
done:
    return st;
}

GR_FIGURE(fig4_6) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.6",
            .title = "SGD over M batches against gradient descent over all of them",
            .cite = "chapter 4, figure 4.6",
            .equations =
                "J(w) = (1/N) sum (slope x_i + intercept - y_i)^2, a bowl with second derivatives H and minimum w*\n"
                "gradient descent: w_t = w* + (I - lr H)^t (w_0 - w*), one update a pass over the data\n"
                "SGD:              M updates a pass, each along the gradient of N / M samples",
            GR_ROWS(rows),
        },
    .run = run,
};
