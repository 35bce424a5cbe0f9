/* Figure 4.9: the genealogy of optimizers. An edge stands for an identity: with the setting that it names the younger
 * method moves as the older one does. Every time the figure is made, both sides of every edge are built, fed the same
 * gradients, and compared. [mission FIG4.9, O9, O12-O23, O25-O27] */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/text.h"
#include "study/lab/genealogy.h"
#include "study/lab/lab.h"
#include "study/steps/updates.h"

static const gr_row rows[] = {
    GR_ROW("updates", INT, "24", "[16,200]", "updates", "how many are compared"),
};

static const double W0[GR_KIN_NUMBERS] = {1, -2, 0.5, 3, -0.25};

/* ---- the methods ---- */

enum { PLAIN, ADAPTIVE, LAYERWISE, AROUND };
static const char *const kind_words[] = {"one rate for all", "a rate for each weight", "a rate for each layer",
                                         "around or between others", NULL};
static const char *const names[METHODS + 1] = {"gd",
                                               "sgd",
                                               "sgdm",
                                               "nag",
                                               "adagrad",
                                               "rmsprop",
                                               "adadelta",
                                               "adam",
                                               "adamw",
                                               "amsgrad",
                                               "nadam",
                                               "novograd",
                                               "radam",
                                               "lars",
                                               "lamb",
                                               "adahessian",
                                               "lookahead",
                                               "swa",
                                               "ranger",
                                               "rangerlars",
                                               "swats",
                                               "switch",
                                               "adan",
                                               "lion",
                                               "sophia",
                                               "prodigy",
                                               "schedule_free_sgd",
                                               "schedule_free_adamw",
                                               "muon",
                                               NULL};
static const char *const titles[METHODS + 1] = {"GD",
                                                "SGD",
                                                "SGDM",
                                                "NAG",
                                                "AdaGrad",
                                                "RMSProp",
                                                "AdaDelta",
                                                "Adam",
                                                "AdamW",
                                                "AMSGrad",
                                                "Nadam",
                                                "NovoGrad",
                                                "RAdam",
                                                "LARS",
                                                "LAMB",
                                                "AdaHessian",
                                                "LookAhead",
                                                "SWA",
                                                "Ranger",
                                                "RangerLARS",
                                                "SWATS",
                                                "Adam then SGDM",
                                                "Adan",
                                                "Lion",
                                                "Sophia",
                                                "Prodigy",
                                                "Schedule-free SGD",
                                                "Schedule-free AdamW",
                                                "Muon",
                                                NULL};
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
                    [SWATS] = {2017, AROUND},      [SWITCH] = {2017, AROUND},
                    [ADAN] = {2022, ADAPTIVE},     [LION] = {2023, ADAPTIVE},
                    [SOPHIA] = {2023, ADAPTIVE},   [PRODIGY] = {2023, ADAPTIVE},
                    [FREE_SGD] = {2024, AROUND},   [FREE_ADAMW] = {2024, AROUND},
                    [MUON] = {2024, LAYERWISE}};

/* ---- two sides, one path each ---- */

static void draw(gr_kin_gradients kind, int t, gr__rng *rng, double *g)
{
    for (int i = 0; i < GR_KIN_NUMBERS; i++) {
        double x = gr__rng_normal(rng), sign = x < 0 ? -1 : 1;
        g[i] = kind == NORMAL     ? x
               : kind == TINY     ? x * GR_KIN_TINIEST
               : kind == RISING   ? sign * (1 + fabs(x)) * pow(3, t)
               : kind == ONE_SIZE ? sign * gr__kin_size(t)
                                  : sign * GR_KIN_STEADY;
    }
}

/* Weights after each of n updates, one behind the other. */
static gr_status follow(gr_lab *lab, const gr_kin *e, const gr_kin_side *s, int n, double *path)
{
    gr__rng rng = gr__rng_make(lab->seed, "genealogy", 0, 0);
    gr_updates u = {0};
    double g[GR_KIN_NUMBERS];
    gr_status st = GR_OK;
    GR_TRY(gr__updates_open(lab->ctx,
                            &(gr_updates_spec){s->set, s->lookahead, s->average,
                                               e->bias ? GR_ROLE_BIAS : GR_ROLE_WEIGHT, GR_KIN_NUMBERS, n},
                            W0, &u));
    for (int t = 1; t <= n; t++) {
        draw(e->g, t, &rng, g);
        GR_TRY(gr__updates_step(&u, g, g, s->rate ? s->rate(t) : GR_KIN_LR));
        gr__updates_read(&u, path + (size_t)(t - 1) * GR_KIN_NUMBERS);
    }
done:
    gr__updates_close(&u);
    return st;
}

/* The largest distance of two weights, by their size; and how far the child came from its start. */
static void compare(const double *a, const double *b, int n, double *distance, double *moved)
{
    *distance = *moved = 0;
    for (int i = 0; i < n * GR_KIN_NUMBERS; i++) {
        *distance = fmax(*distance, fabs(a[i] - b[i]) / (1 + fabs(b[i])));
        *moved = fmax(*moved, fabs(a[i] - W0[i % GR_KIN_NUMBERS]));
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

static const char *setting(gr_lab *lab, const gr_kin_side *s)
{
    return gr__lab_text(lab, "optimizer: %s%s%s%s%s", s->set, s->lookahead ? "; lookahead: " : "",
                        s->lookahead ? s->lookahead : "", s->average ? "; average: " : "",
                        s->average ? s->average : "");
}

/* The columns with the words of this table: row i has word i. */
static gr_column *columns(gr_lab *lab)
{
    gr_column *c = gr__bump_alloc(lab->memory, sizeof edge_columns);
    const char **words = gr__bump_alloc(lab->memory, sizeof *words * 3 * (GR_KINS + 1));
    if (!c || !words) return NULL;
    memcpy(c, edge_columns, sizeof edge_columns);
    for (int k = 0; k < 3; k++) {
        const char **w = words + k * (GR_KINS + 1);
        for (int i = 0; i < GR_KINS; i++)
            w[i] =
                k == 0 ? gr__genealogy[i].condition : setting(lab, k == 1 ? &gr__genealogy[i].a : &gr__genealogy[i].b);
        w[GR_KINS] = NULL;
        c[CONDITION + k].words = w;
    }
    return c;
}

static gr_status identities(gr_lab *lab, int n)
{
    size_t bytes = sizeof(double) * GR_KIN_NUMBERS * (size_t)n;
    double *a = gr__bump_alloc(lab->memory, bytes), *b = gr__bump_alloc(lab->memory, bytes), least = INFINITY;
    gr_column *c = columns(lab);
    gr_status st = GR_OK;
    if (!a || !b || !c) return GR_E_MEMORY;
    gr_table *t = gr__lab_table(lab, NULL, "identities", c, (int)GR_COUNT(edge_columns));
    for (int i = 0; i < GR_KINS; i++) {
        const gr_kin *e = &gr__genealogy[i];
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

static bool of_chapter(const char *name)
{
    for (int i = 0; i < METHODS; i++)
        if (strcmp(names[i], name) == 0) return i < ADAN;
    return false;
}

/* " Not of the chapter: lion." Such a method needs no place here, and some have one. */
static const char *others(gr_lab *lab)
{
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    const char *text = "";
    for (int i = 0; i < n; i++)
        if (!of_chapter(all[i]->head.name))
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
        for (int k = 0; k < GR_KINS; k++) parent = parent || gr__genealogy[k].child == i;
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
                                                 GR_KINS, n, others(lab)),
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
