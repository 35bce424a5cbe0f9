/* Figure 4.7: updates to a target by batch size, of three models, the rate tuned for each batch [SLA+19]: first they
 * fall in proportion, then by less, then not at all. [mission FIG4.7, O5] */
#include <math.h>

#include "base/text.h"
#include "study/lab/scaled.h"

static const gr_column columns[] = {GR_NUMBER("model", "", gr__scaled_words), GR_NUMBER("batch", "samples", NULL),
                                    GR_NUMBER("steps", "updates", NULL), GR_NUMBER("lr", "", NULL)};
static const gr_column study_columns[] = {GR_NUMBER("model", "", gr__scaled_words),
                                          GR_NUMBER("batch", "samples", NULL),
                                          GR_NUMBER("steps", "updates", NULL),
                                          GR_NUMBER("steps_low", "updates", NULL),
                                          GR_NUMBER("steps_high", "updates", NULL),
                                          GR_NUMBER("perfect", "updates", NULL),
                                          GR_NUMBER("lr", "", NULL),
                                          GR_NUMBER("at_edge", "", NULL),
                                          GR_NUMBER("ratio", "", NULL),
                                          GR_NUMBER("seeds", "", NULL)};

static void claims(gr_lab *lab, int model, const gr_scaling *s)
{
    const char *name = gr__scaled_words[model];
    gr__lab_within(lab, 1, INFINITY, s->row[0].steps / s->row[s->n - 1].steps,
                   "%s: updates with a batch of 8 by those with %lld, which would be %g if scaling were perfect", name,
                   (long long)s->row[s->n - 1].batch, (double)s->row[s->n - 1].batch / 8);
    if (isfinite(s->critical))
        gr__lab_within(
            lab, -INFINITY, INFINITY, s->critical,
            "%s: critical batch of steps = least (1 + critical / batch), %.3g to %.3g over the seeds; perfect "
            "until %lld",
            name, s->critical_low, s->critical_high, (long long)s->perfect_until);
}

static gr_status run(gr_lab *lab)
{
    gr_panel p = {.title = "Updates to a target by batch size",
                  .caption = gr__lab_text(lab,
                                          "The rate tuned for each batch; mean over %lld seeds. Dashed: half the "
                                          "updates for twice the batch.",
                                          (long long)gr__setting_int(&lab->settings, "seeds")),
                  .x = {.label = "batch", .log = true},
                  .y = {.label = "updates", .log = true}};
    gr_table *t = gr__lab_table(lab, NULL, "updates to the target", columns, (int)GR_COUNT(columns)),
             *all = gr__lab_table(lab, "study", "with seeds' range", study_columns, (int)GR_COUNT(study_columns));
    gr_scaling *s = gr__bump_alloc(lab->memory, sizeof *s);
    if (!s) return GR_E_MEMORY;
    for (int m = 0; m < GR_SCALED_MODELS; m++) {
        const char *word = gr__scaled_words[m];
        gr_status st = gr__lab_scale(lab, m, s);
        if (st != GR_OK) return st;
        for (int i = 0; i < s->n; i++) {
            const gr_scaled *r = &s->row[i];
            GR_LAB_ROW(lab, t, m, (double)r->batch, r->steps, r->lr);
            GR_LAB_ROW(lab, all, m, (double)r->batch, r->steps, r->low, r->high,
                       s->row[0].steps * (double)s->row[0].batch / (double)r->batch, r->lr, r->edge, r->ratio,
                       s->seeds);
        }
        claims(lab, m, s);
        p.curve[2 * m] = (gr_curve){.label = word,
                                    .mark = GR_MARK_PATH,
                                    .colour = m + 1,
                                    .x = "batch",
                                    .y = "steps",
                                    .where = "model",
                                    .is = word};
        p.curve[2 * m + 1] = (gr_curve){.mark = GR_MARK_DASHED,
                                        .colour = m + 1,
                                        .table = "study",
                                        .x = "batch",
                                        .y = "perfect",
                                        .where = "model",
                                        .is = word};
    }
    gr__lab_panel(lab, &p);
    return GR_OK;
}

GR_FIGURE(fig4_7) = {
    .head =
        {
            .family = "figure",
            .name = "fig4.7",
            .title = "Updates to a target by batch size, of three models",
            .cite = "chapter 4.3, figure 4.7; Shallue et al. 2019",
            .equations =
                "steps(B) = the fewest updates over rates until the validation cost is at the target;\n"
                "perfect: steps(B) / steps(2B) = 2;  steps = least (1 + critical / B) [McCandlish et al. 2018]",
            .rows = gr__scaled_rows,
            .n_rows = GR_SCALED_ROWS,
        },
    .quick = "{seeds: 1, samples: 1500, updates: 60, largest: 128}",
    .run = run,
};
