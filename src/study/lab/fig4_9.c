/* Figure 4.9: the genealogy of optimizers. An edge stands for an identity: with the setting that it names the younger
 * method moves as the older one does. Every time the figure is made, both sides of every edge are built, fed the same
 * gradients, and compared. [mission FIG4.9, O9, O12-O23, O25-O27] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "study/lab/lab.h"
#include "study/steps/updates.h"

static const gr_row rows[] = {
    GR_ROW("updates", INT, "24", "[16,200]", "updates", "how many are compared"),
};

enum { SIZE = 5 };
static const double LR = 0.1, W0[SIZE] = {1, -2, 0.5, 3, -0.25};

/* ---- the methods ---- */

enum { PLAIN, ADAPTIVE, LAYERWISE, AROUND };
static const char *const kind_words[] = {"one rate for all", "a rate for each weight", "a rate for each layer",
                                         "around or between others", NULL};
enum {
    GD,
    SGD,
    SGDM,
    NAG,
    ADAGRAD,
    RMSPROP,
    ADADELTA,
    ADAM,
    ADAMW,
    AMSGRAD,
    NADAM,
    NOVOGRAD,
    RADAM,
    LARS,
    LAMB,
    ADAHESSIAN,
    LOOKAHEAD,
    SWA,
    RANGER,
    RANGERLARS,
    SWATS,
    SWITCH,
    METHODS
};
static const char *const names[METHODS + 1] = {"gd",       "sgd",        "sgdm",  "nag",        "adagrad",   "rmsprop",
                                               "adadelta", "adam",       "adamw", "amsgrad",    "nadam",     "novograd",
                                               "radam",    "lars",       "lamb",  "adahessian", "lookahead", "swa",
                                               "ranger",   "rangerlars", "swats", "switch",     NULL};
static const char *const titles[METHODS + 1] = {
    "GD",        "SGD",     "SGDM",   "NAG",        "AdaGrad", "RMSProp",        "AdaDelta", "Adam",
    "AdamW",     "AMSGrad", "Nadam",  "NovoGrad",   "RAdam",   "LARS",           "LAMB",     "AdaHessian",
    "LookAhead", "SWA",     "Ranger", "RangerLARS", "SWATS",   "Adam then SGDM", NULL};
static const struct {
    int year, kind; /* of first publication: GD Cauchy, SGD Robbins & Monro, SGDM Polyak, NAG Nesterov; of preprints
                       where there are any */
} facts[METHODS] = {[GD] = {1847, PLAIN},          [SGD] = {1951, PLAIN},
                    [SGDM] = {1964, PLAIN},        [NAG] = {1983, PLAIN},
                    [ADAGRAD] = {2011, ADAPTIVE},  [RMSPROP] = {2012, ADAPTIVE},
                    [ADADELTA] = {2012, ADAPTIVE}, [ADAM] = {2014, ADAPTIVE},
                    [ADAMW] = {2017, ADAPTIVE},    [AMSGRAD] = {2018, ADAPTIVE},
                    [NADAM] = {2016, ADAPTIVE},    [NOVOGRAD] = {2019, LAYERWISE},
                    [RADAM] = {2019, ADAPTIVE},    [LARS] = {2017, LAYERWISE},
                    [LAMB] = {2019, LAYERWISE},    [ADAHESSIAN] = {2020, ADAPTIVE},
                    [LOOKAHEAD] = {2019, AROUND},  [SWA] = {2018, AROUND},
                    [RANGER] = {2019, AROUND},     [RANGERLARS] = {2019, AROUND},
                    [SWATS] = {2017, AROUND},      [SWITCH] = {2017, AROUND}};

/* ---- the identities ---- */

typedef enum gradients {
    NORMAL,   /* N(0, 1) */
    TINY,     /* so small that eps is all there is below the line */
    RISING,   /* each larger than all before */
    ONE_SIZE, /* one size in an update, any signs */
    CONSTANT, /* of one size always, any signs */
} gradients;
static const double TINIEST = 1e-20, STEADY = 0.75;

typedef struct side {
    const char *set, *lookahead, *average; /* as in a recipe */
    double (*rate)(int t);                 /* of update t, from 1; NULL: LR */
} side;

typedef struct edge {
    int child, parent;
    const char *condition; /* short, for the drawing */
    side a, b;             /* child, parent */
    gradients g;
    bool bias;        /* for a bias: tensors without a trust ratio */
    double tolerance; /* of the weights */
} edge;

static double averaging(int t) /* what a corrected mean of gradients is, of their momentum */
{
    return (1 - 0.9) / (1 - pow(0.9, t));
}

static double for_tiny(int t)
{
    (void)t;
    return LR / TINIEST;
}

static double for_tiny_sums(int t)
{
    return LR / TINIEST * averaging(t);
}

static double for_sums(int t)
{
    return LR * averaging(t);
}

static double uncorrected(int t) /* takes the root's correction back */
{
    return LR / sqrt(1 - pow(0.9, t));
}

static double for_huge_sum(int t) /* of squares: 1e40 */
{
    (void)t;
    return LR * 1e20;
}

static double for_short_mean(int t) /* of squares: each counts for 2^-40 */
{
    (void)t;
    return ldexp(LR, -20);
}

static double for_normalised(int t)
{
    (void)t;
    return LR * STEADY * sqrt(SIZE);
}

/* Liu et al. 2020, algorithm 2, for beta2 = 0.99; 0 where the variance is not to be trusted yet. */
static double rectifier(int t)
{
    double rho = 2 / (1 - 0.99) - 1, power = pow(0.99, t), now = rho - 2 * t * power / (1 - power);
    return now > 5 ? sqrt((now - 4) * (now - 2) * rho / ((rho - 4) * (rho - 2) * now)) : 0;
}

static double rectified(int t)
{
    return LR * rectifier(t);
}

static double one(int t)
{
    (void)t;
    return 1;
}

static double size_at(int t) /* of the gradients of ONE_SIZE */
{
    return 1 + 0.5 * sin(1.7 * t);
}

/* sqrt(u_{t-1} + eps) of AdaDelta, which is the same for all weights where their gradients have one size [Zeiler 2012,
 * algorithm 1] */
static double delta_root(int t)
{
    double u = 0, v = 0, rate = 0;
    for (int k = 1; k <= t; k++) {
        v = 0.95 * v + 0.05 * size_at(k) * size_at(k);
        rate = sqrt(u + 1e-6);
        u = 0.95 * u + 0.05 * (u + 1e-6) / (v + 1e-6) * size_at(k) * size_at(k);
    }
    return rate;
}

/* alpha is 1 - 2^-40. eps is as small as it may be where a limit is taken. */
static const edge edges[] = {
    {.child = SGD, .parent = GD, .condition = "all data in a batch", .a = {.set = "sgd"}, .b = {.set = "gd"}},
    {.child = SGDM,
     .parent = SGD,
     .condition = "momentum 0",
     .a = {.set = "{type: sgdm, momentum: 0}"},
     .b = {.set = "sgd"}},
    {.child = NAG,
     .parent = SGDM,
     .condition = "gradient not taken ahead",
     .a = {.set = "{type: nag, form: sutskever}"},
     .b = {.set = "sgdm"},
     .tolerance = 1e-15},
    {.child = ADAGRAD,
     .parent = SGD,
     .condition = "huge first sum A, rate \xC3\x97 \xE2\x88\x9A"
                  "A",
     .a = {.set = "{type: adagrad, init_accumulator: 1e40}", .rate = for_huge_sum},
     .b = {.set = "sgd"},
     .tolerance = 1e-14},
    {.child = RMSPROP,
     .parent = ADAGRAD,
     .condition = "alpha \xE2\x86\x92 1, rate \xC3\x97 \xE2\x88\x9A(1\xE2\x88\x92"
                  "alpha)",
     .a = {.set = "{type: rmsprop, alpha: 0.9999999999990905052982270717620849609375, eps: 0}", .rate = for_short_mean},
     .b = {.set = "{type: adagrad, eps: 1e-30}"},
     .tolerance = 1e-9},
    {.child = ADADELTA,
     .parent = RMSPROP,
     .condition = "\xE2\x88\x9A(u + eps) as the rate",
     .a = {.set = "adadelta", .rate = one},
     .b = {.set = "{type: rmsprop, alpha: 0.95, eps: 1e-6, eps_in_sqrt: true}", .rate = delta_root},
     .g = ONE_SIZE,
     .tolerance = 1e-13},
    {.child = ADAM,
     .parent = RMSPROP,
     .condition = "beta1 0, not corrected",
     .a = {.set = "{type: adam, beta1: 0, beta2: 0.9, eps: 1e-3, eps_mode: hat}", .rate = uncorrected},
     .b = {.set = "{type: rmsprop, alpha: 0.9, eps: 1e-3}"},
     .tolerance = 1e-13},
    {.child = ADAM,
     .parent = SGDM,
     .condition = "eps \xE2\x89\xAB |g|",
     .a = {.set = "{type: adam, eps: 1}", .rate = for_tiny},
     .b = {.set = "sgdm", .rate = for_tiny_sums},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = ADAMW,
     .parent = ADAM,
     .condition = "weight decay 0",
     .a = {.set = "{type: adamw, weight_decay: 0}"},
     .b = {.set = "adam"}},
    {.child = AMSGRAD,
     .parent = ADAM,
     .condition = "|g| rising",
     .a = {.set = "amsgrad"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .g = RISING},
    {.child = NADAM,
     .parent = ADAM,
     .condition = "beta1 0",
     .a = {.set = "{type: nadam, beta1: 0}"},
     .b = {.set = "{type: adam, beta1: 0, eps: 1e-8}"},
     .tolerance = 1e-13},
    {.child = NOVOGRAD,
     .parent = SGDM,
     .condition = "constant norm |g|, rate \xC3\x97 |g|",
     .a = {.set = "{type: novograd, beta1: 0.9, eps: 0}", .rate = for_normalised},
     .b = {.set = "sgdm"},
     .g = CONSTANT,
     .tolerance = 1e-13},
    {.child = RADAM,
     .parent = ADAM,
     .condition = "rate \xC3\xB7 r, once rectified",
     .a = {.set = "{type: radam, beta2: 0.99, eps_mode: corrected, unrectified: skip}"},
     .b = {.set = "{type: adam, beta2: 0.99, eps: 1e-8}", .rate = rectified},
     .tolerance = 1e-12},
    {.child = LARS,
     .parent = SGDM,
     .condition = "ratio 1 (biases)",
     .a = {.set = "lars"},
     .b = {.set = "sgdm"},
     .bias = true,
     .tolerance = 1e-15},
    {.child = LAMB,
     .parent = LARS,
     .condition = "eps \xE2\x89\xAB |g|, beta1 0",
     .a = {.set = "{type: lamb, beta1: 0, eps: 1, weight_decay: 0}"},
     .b = {.set = "{type: lars, momentum: 0}"},
     .g = TINY,
     .tolerance = 1e-13},
    {.child = LAMB,
     .parent = ADAM,
     .condition = "ratio 1 (biases)",
     .a = {.set = "lamb"},
     .b = {.set = "{type: adam, eps: 1e-6}"},
     .bias = true,
     .tolerance = 1e-13},
    {.child = ADAHESSIAN,
     .parent = ADAM,
     .condition = "curvature |g|",
     .a = {.set = "adahessian"},
     .b = {.set = "{type: adam, eps: 1e-4}"},
     .tolerance = 1e-13},
    {.child = ADAHESSIAN,
     .parent = SGDM,
     .condition = "Hessian to the power 0",
     .a = {.set = "{type: adahessian, hessian_power: 0, eps: 0}"},
     .b = {.set = "sgdm", .rate = for_sums},
     .tolerance = 1e-13},
    {.child = LOOKAHEAD,
     .parent = SGD,
     .condition = "alpha 1",
     .a = {.set = "sgd", .lookahead = "{k: 3, alpha: 1}"},
     .b = {.set = "sgd"}},
    {.child = SWA,
     .parent = SGD,
     .condition = "mean of one",
     .a = {.set = "sgd", .average = "{type: swa, start: 1.0, cycle: 1}"},
     .b = {.set = "sgd"}},
    {.child = RANGER,
     .parent = LOOKAHEAD,
     .condition = "around RAdam",
     .a = {.set = "ranger"},
     .b = {.set = "{type: radam, beta1: 0.95, eps: 1e-5}", .lookahead = "{k: 6, alpha: 0.5}"}},
    {.child = RANGER,
     .parent = RADAM,
     .condition = "alpha 1",
     .a = {.set = "{type: ranger, alpha: 1}"},
     .b = {.set = "{type: radam, beta1: 0.95, eps: 1e-5}"}},
    {.child = RANGERLARS,
     .parent = RANGER,
     .condition = "ratio 1 (biases)",
     .a = {.set = "rangerlars"},
     .b = {.set = "ranger"},
     .bias = true,
     .tolerance = 1e-14},
    {.child = RANGERLARS,
     .parent = LARS,
     .condition = "alpha 1, unrectified, beta1 0",
     .a = {.set = "{type: rangerlars, alpha: 1, beta1: 0, beta2: 0.6}"},
     .b = {.set = "{type: lars, momentum: 0}"},
     .tolerance = 1e-13},
    {.child = SWATS,
     .parent = ADAM,
     .condition = "before it switches",
     .a = {.set = "{type: swats, switch_tol: 1e-300}"},
     .b = {.set = "{type: adam, eps: 1e-8}"},
     .tolerance = 1e-15},
    {.child = SWITCH,
     .parent = ADAM,
     .condition = "at the end",
     .a = {.set = "{type: switch, at: 1.0}"},
     .b = {.set = "adam"}},
    {.child = SWITCH,
     .parent = SGDM,
     .condition = "at the start",
     .a = {.set = "{type: switch, at: 0}"},
     .b = {.set = "sgdm"}},
};
enum { EDGES = (int)GR_COUNT(edges) };

/* ---- two sides, one path each ---- */

static void draw(gradients kind, int t, gr__rng *rng, double *g)
{
    for (int i = 0; i < SIZE; i++) {
        double x = gr__rng_normal(rng), sign = x < 0 ? -1 : 1;
        g[i] = kind == NORMAL     ? x
               : kind == TINY     ? x * TINIEST
               : kind == RISING   ? sign * (1 + fabs(x)) * pow(3, t)
               : kind == ONE_SIZE ? sign * size_at(t)
                                  : sign * STEADY;
    }
}

/* Weights after each of n updates, one behind the other. */
static gr_status follow(gr_lab *lab, const edge *e, const side *s, int n, double *path)
{
    gr__rng rng = gr__rng_make(lab->seed, "genealogy", 0, 0);
    gr_updates u = {0};
    double g[SIZE];
    gr_status st = GR_OK;
    GR_TRY(gr__updates_open(
        lab->ctx,
        &(gr_updates_spec){s->set, s->lookahead, s->average, e->bias ? GR_ROLE_BIAS : GR_ROLE_WEIGHT, SIZE, n}, W0,
        &u));
    for (int t = 1; t <= n; t++) {
        draw(e->g, t, &rng, g);
        GR_TRY(gr__updates_step(&u, g, g, s->rate ? s->rate(t) : LR));
        gr__updates_read(&u, path + (size_t)(t - 1) * SIZE);
    }
done:
    gr__updates_close(&u);
    return st;
}

/* The largest distance of two weights, by their size; and how far the child came from its start. */
static void compare(const double *a, const double *b, int n, double *distance, double *moved)
{
    *distance = *moved = 0;
    for (int i = 0; i < n * SIZE; i++) {
        *distance = fmax(*distance, fabs(a[i] - b[i]) / (1 + fabs(b[i])));
        *moved = fmax(*moved, fabs(a[i] - W0[i % SIZE]));
    }
}

static const gr_column edge_columns[] = {GR_NUMBER("child", "", names),
                                         GR_NUMBER("parent", "", names),
                                         GR_NUMBER("condition", "", NULL),
                                         GR_NUMBER("setting_of_child", "", NULL),
                                         GR_NUMBER("setting_of_parent", "", NULL),
                                         GR_NUMBER("distance", "", NULL),
                                         GR_NUMBER("tolerance", "", NULL),
                                         GR_NUMBER("moved", "", NULL)};
enum { CONDITION = 2, OF_CHILD, OF_PARENT };

static const char *setting(gr_lab *lab, const side *s)
{
    return gr__lab_text(lab, "optimizer: %s%s%s%s%s", s->set, s->lookahead ? "; lookahead: " : "",
                        s->lookahead ? s->lookahead : "", s->average ? "; average: " : "",
                        s->average ? s->average : "");
}

/* The columns with the words of this table: row i has word i. */
static gr_column *columns(gr_lab *lab)
{
    gr_column *c = gr__bump_alloc(lab->memory, sizeof edge_columns);
    const char **words = gr__bump_alloc(lab->memory, sizeof *words * 3 * (EDGES + 1));
    if (!c || !words) return NULL;
    memcpy(c, edge_columns, sizeof edge_columns);
    for (int k = 0; k < 3; k++) {
        const char **w = words + k * (EDGES + 1);
        for (int i = 0; i < EDGES; i++)
            w[i] = k == 0 ? edges[i].condition : setting(lab, k == 1 ? &edges[i].a : &edges[i].b);
        w[EDGES] = NULL;
        c[CONDITION + k].words = w;
    }
    return c;
}

static gr_status identities(gr_lab *lab, int n)
{
    size_t bytes = sizeof(double) * SIZE * (size_t)n;
    double *a = gr__bump_alloc(lab->memory, bytes), *b = gr__bump_alloc(lab->memory, bytes), least = INFINITY;
    gr_column *c = columns(lab);
    gr_status st = GR_OK;
    if (!a || !b || !c) return GR_E_MEMORY;
    gr_table *t = gr__lab_table(lab, NULL, "identities", c, (int)GR_COUNT(edge_columns));
    for (int i = 0; i < EDGES; i++) {
        const edge *e = &edges[i];
        double distance, moved;
        GR_TRY(follow(lab, e, &e->a, n, a));
        GR_TRY(follow(lab, e, &e->b, n, b));
        compare(a, b, n, &distance, &moved);
        least = fmin(least, moved);
        GR_LAB_ROW(lab, t, e->child, e->parent, i, i, i, distance, e->tolerance, moved);
        gr__lab_equal(lab, 0, distance, e->tolerance, "distance of %s, %s, from %s", names[e->child], e->condition,
                      names[e->parent]);
    }
    gr__lab_within(lab, 0.01, INFINITY, least, "the shortest way that a method went in these comparisons");
done:
    return st;
}

/* ---- completeness ---- */

static bool has_place(const char *name)
{
    for (int i = 0; i < METHODS; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* " Not of the chapter: lion." Such a method needs no place here. */
static const char *others(gr_lab *lab)
{
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    const char *text = "";
    for (int i = 0; i < n; i++)
        if (!has_place(all[i]->head.name))
            text = gr__lab_text(lab, "%s%s%s", text, *text ? ", " : " Not of the chapter: ", all[i]->head.name);
    return *text ? gr__lab_text(lab, "%s.", text) : text;
}

static void methods(gr_lab *lab)
{
    static const gr_column node_columns[] = {GR_NUMBER("optimizer", "", names), GR_NUMBER("title", "", titles),
                                             GR_NUMBER("year", "", NULL), GR_NUMBER("kind", "", kind_words)};
    int orphans = 0;
    gr_table *t = gr__lab_table(lab, "methods", "methods", node_columns, (int)GR_COUNT(node_columns));
    for (int i = 0; i < METHODS; i++) {
        bool parent = false;
        GR_LAB_ROW(lab, t, i, i, facts[i].year, facts[i].kind);
        for (int k = 0; k < EDGES; k++) parent = parent || edges[k].child == i;
        orphans += !parent;
    }
    gr__lab_equal(lab, 1, orphans, 0, "methods without a parent: GD alone");
}

static void drawing(gr_lab *lab, int n)
{
    gr__lab_panel(
        lab, &(gr_panel){.title = "The genealogy of optimizers",
                         .caption = gr__lab_text(lab,
                                                 "An arrow leads from a method to one that extends it; what stands "
                                                 "beside it turns the younger method back into the "
                                                 "older. Both sides of all %d arrows made %d updates by the same "
                                                 "gradients: the weights were equal, to the bit or "
                                                 "within the rounding stated in the table. Years: first publication.%s",
                                                 EDGES, n, others(lab)),
                         .dag = {.nodes = "methods",
                                 .name = "title",
                                 .note = "year",
                                 .group = "kind",
                                 .edges = NULL,
                                 .from = "parent",
                                 .to = "child",
                                 .label = "condition"}});
}

static gr_status run(gr_lab *lab)
{
    int n = (int)gr__setting_int(&lab->settings, "updates");
    gr_status st = identities(lab, n);
    if (st != GR_OK) return st;
    methods(lab);
    drawing(lab, n);
    return GR_OK;
}

GR_FIGURE(fig4_9) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.9",
            .title = "The genealogy of optimizers: every edge an identity",
            .cite = "figure 4.9",
            .equations =
                "with the setting of its edge the younger method moves as the older one:\n"
                "    |w_t - w'_t| / (1 + |w'_t|) <= tolerance for every weight and update, by the same gradients",
            GR_ROWS(rows),
        },
    .run = run,
};
