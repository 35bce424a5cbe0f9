/* Table 4.1: up to which batch scaling is perfect, and from which on it stagnates. The chapter's three rows are quoted:
 * their models and data are not trained here. Small models that can be are measured beside them. [mission TAB4.1] */
#include <math.h>

#include "base/text.h"
#include "study/lab/scaled.h"

enum { QUOTED = 3 };
static const char *const model_words[] = {"simple CNN, MNIST",
                                          "Transformer, LM1B",
                                          "ResNet-50, ImageNet",
                                          "simple CNN, drawn digits",
                                          "residual CNN, drawn digits",
                                          "transformer, drawn digits",
                                          NULL};
static const char *const upwards[] = {"transformer (digits)",
                                      "residual CNN (digits)",
                                      "simple CNN (digits)", /* as drawn */
                                      "ResNet-50",
                                      "Transformer",
                                      "simple CNN (MNIST)",
                                      NULL};
static const char *const status_words[] = {"quoted", "measured", NULL};
static const double quoted[QUOTED][2] = {{128, 2048}, {256, 4096}, {8192, 65536}};

static const gr_column columns[] = {GR_NUMBER("model", "", model_words),
                                    GR_NUMBER("perfect_until", "samples", NULL),
                                    GR_NUMBER("stagnation_from", "samples", NULL),
                                    GR_NUMBER("status", "", status_words),
                                    GR_NUMBER("largest_tried", "samples", NULL),
                                    GR_NUMBER("critical", "samples", NULL),
                                    GR_NUMBER("critical_low", "samples", NULL),
                                    GR_NUMBER("critical_high", "samples", NULL),
                                    GR_NUMBER("row", "", NULL),
                                    GR_NUMBER("seeds", "", NULL)};

static void drawing(gr_lab *lab)
{
    gr__lab_panel(
        lab,
        &(gr_panel){
            .title = "Where larger batches stop to help",
            .caption = "The upper three, of the chapter's table, are quoted and not reproduced here.",
            .x = {.label = "batch", .log = true},
            .y = {.label = "", .words = upwards, .low = -0.5, .high = QUOTED + GR_SCALED_MODELS - 0.5},
            .curve = {{.label = "perfect until: quoted",
                       .mark = GR_MARK_POINTS,
                       .colour = 1,
                       .x = "perfect_until",
                       .y = "row",
                       .where = "status",
                       .is = "quoted"},
                      {.label = "stagnation from: quoted",
                       .mark = GR_MARK_POINTS,
                       .colour = 2,
                       .x = "stagnation_from",
                       .y = "row",
                       .where = "status",
                       .is = "quoted"},
                      {.label = "perfect until: measured",
                       .mark = GR_MARK_POINTS,
                       .colour = 3,
                       .x = "perfect_until",
                       .y = "row",
                       .where = "status",
                       .is = "measured"},
                      {.label = "stagnation from: measured",
                       .mark = GR_MARK_POINTS,
                       .colour = 4,
                       .x = "stagnation_from",
                       .y = "row",
                       .where = "status",
                       .is = "measured"},
                      {.label = "critical batch", .mark = GR_MARK_POINTS, .colour = 5, .x = "critical", .y = "row"}}});
}

static gr_status run(gr_lab *lab)
{
    gr_table *t = gr__lab_table(lab, NULL, "regimes", columns, (int)GR_COUNT(columns));
    gr_scaling *s = gr__bump_alloc(lab->memory, sizeof *s);
    if (!s) return GR_E_MEMORY;
    for (int i = 0; i < QUOTED; i++)
        GR_LAB_ROW(lab, t, i, quoted[i][0], quoted[i][1], 0, NAN, NAN, NAN, NAN, QUOTED + GR_SCALED_MODELS - 1 - i,
                   NAN);
    for (int m = 0; m < GR_SCALED_MODELS; m++) {
        gr_status st = gr__lab_scale(lab, m, s);
        if (st != GR_OK) return st;
        double perfect = s->perfect_until ? (double)s->perfect_until : (double)NAN,
               stagnation = s->stagnation_from ? (double)s->stagnation_from : (double)NAN,
               largest = (double)s->row[s->n - 1].batch;
        GR_LAB_ROW(lab, t, QUOTED + m, perfect, stagnation, 1, largest, s->critical, s->critical_low, s->critical_high,
                   GR_SCALED_MODELS - 1 - m, s->seeds);
        gr__lab_within(lab, -INFINITY, INFINITY, (double)s->perfect_until,
                       "%s: the largest batch up to which every doubling takes at most 1/1.8 of the updates, 0: not "
                       "even the first; batches of 8 to %g were tried",
                       model_words[QUOTED + m], largest);
        gr__lab_within(lab, -INFINITY, INFINITY, (double)s->stagnation_from,
                       "%s: the batch from which on a doubling saves less than a tenth, 0: none of these",
                       model_words[QUOTED + m]);
    }
    drawing(lab);
    return GR_OK;
}

GR_FIGURE(table4_1) = {
    .head =
        {
            .family = "figure",
            .name = "table4.1",
            .title = "Regimes of batch sizes: three quoted, three measured",
            .cite = "chapter 4.3, table 4.1; Shallue et al. 2019",
            .equations = "perfect while steps(B) / steps(2B) >= 1.8, stagnation once it is <= 1.1, diminishing between",
            .rows = gr__scaled_rows,
            .n_rows = GR_SCALED_ROWS,
        },
    .quick = "{seeds: 1, samples: 1500, updates: 60, largest: 128}",
    .run = run,
};
