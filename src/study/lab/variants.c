/* Variants of a training over seeds. */
#include "study/lab/variants.h"

#include <math.h>

#include "base/text.h"

typedef struct one {
    gr_variants *v;
    int variant;
    int64_t k;
} one;

static gr_status start(gr_lab *lab, gr_steps *s, void *user)
{
    const one *o = user;
    return o->v->start(lab, o->v, o->variant, o->k, s);
}

static gr_status look(gr_lab *lab, const gr_recipe *r, gr_steps *s, void *user)
{
    const one *o = user;
    return o->v->look(lab, r, s, &o->v->looked[o->variant][o->k]);
}

static gr_status train(gr_lab *lab, gr_variants *v, int i, int64_t k)
{
    gr_trained end;
    one o = {v, i, k};
    v->looked[i][k] = NAN;
    gr_status st = gr__lab_train(lab,
                                 &(gr_training){.recipe = v->recipe(lab, v, i, k),
                                                .judged = true,
                                                .start = v->start ? start : NULL,
                                                .look = v->look ? look : NULL,
                                                .user = &o},
                                 &end);
    v->error[i][k] = 100 * end.error;
    v->train[i][k] = 100 * end.train;
    v->diverged[i] += end.diverged;
    return st;
}

static void tables(gr_lab *lab, const gr_variants *v, const char *name)
{
    const char *look = v->look ? v->figure : "none";
    const gr_column all[] = {GR_NUMBER("variant", "", v->words),
                             GR_NUMBER("validation_error", "%", NULL),
                             GR_NUMBER("validation_error_low", "%", NULL),
                             GR_NUMBER("validation_error_high", "%", NULL),
                             GR_NUMBER("train_error", "%", NULL),
                             GR_NUMBER("train_error_low", "%", NULL),
                             GR_NUMBER("train_error_high", "%", NULL),
                             GR_NUMBER("diverged", "", NULL),
                             GR_NUMBER("seeds", "", NULL),
                             GR_NUMBER("place", "", NULL),
                             GR_NUMBER(look, "", NULL),
                             GR_NUMBER(gr__lab_text(lab, "%s_low", look), "", NULL),
                             GR_NUMBER(gr__lab_text(lab, "%s_high", look), "", NULL)};
    const gr_column each[] = {
        GR_NUMBER("variant", "", v->words),  GR_NUMBER("seed", "", NULL),  GR_NUMBER("validation_error", "%", NULL),
        GR_NUMBER("train_error", "%", NULL), GR_NUMBER("place", "", NULL), GR_NUMBER(look, "", NULL)};
    gr_table *t =
        gr__lab_table(lab, name, "means over seeds, with 95 % intervals", all, (int)GR_COUNT(all) - (v->look ? 0 : 3));
    gr_table *s = gr__lab_table(lab, name ? gr__lab_text(lab, "%s-seeds", name) : "seeds", "every training", each,
                                (int)GR_COUNT(each) - !v->look);
    for (int i = 0; i < v->n; i++) {
        gr_mean e = gr__lab_mean(v->error[i], v->seeds), r = gr__lab_mean(v->train[i], v->seeds),
                l = gr__lab_mean(v->looked[i], v->seeds);
        GR_LAB_ROW(lab, t, i, e.mean, e.low, e.high, r.mean, r.low, r.high, (double)v->diverged[i], (double)v->seeds, i,
                   l.mean, l.low, l.high);
        for (int64_t k = 0; k < v->seeds; k++)
            GR_LAB_ROW(lab, s, i, (double)gr__lab_seed(lab, k), v->error[i][k], v->train[i][k], i, v->looked[i][k]);
    }
}

gr_status gr__variants_train(gr_lab *lab, gr_variants *v, const char *name)
{
    v->seeds = GR_MIN(gr__setting_int(&lab->settings, "seeds"), GR_MOST_SEEDS);
    for (v->n = 0; v->words[v->n];) v->n++;
    for (int i = 0; i < v->n; i++)
        for (int64_t k = 0; k < v->seeds; k++) {
            gr_status st = train(lab, v, i, k);
            if (st != GR_OK) return st;
        }
    tables(lab, v, name);
    return lab->result.failed;
}

gr_mean gr__variants_differ(const gr_variants *v, int a, int b)
{
    double off[GR_MOST_SEEDS];
    for (int64_t k = 0; k < v->seeds; k++) off[k] = v->error[b][k] - v->error[a][k];
    return gr__lab_mean(off, v->seeds);
}

void gr__variants_draw(gr_lab *lab, const gr_variants *v, const char *name, const char *title, const char *axis)
{
    const char *seeds = name ? gr__lab_text(lab, "%s-seeds", name) : "seeds";
    gr__lab_panel(
        lab,
        &(gr_panel){
            .name = name,
            .title = title,
            .caption = gr__lab_text(lab,
                                    "Points: %lld trainings each; lines: their mean and its 95 "
                                    "%% interval.",
                                    (long long)v->seeds),
            .x = {.label = axis, .words = v->words, .low = -0.5, .high = v->n - 0.5},
            .y = {.label = "samples judged wrongly (%)"},
            .curve = {{.label = "validation",
                       .mark = GR_MARK_POINTS,
                       .colour = 2,
                       .table = seeds,
                       .x = "place",
                       .y = "validation_error"},
                      {.label = "its mean",
                       .mark = GR_MARK_LINE,
                       .colour = 2,
                       .table = name,
                       .x = "place",
                       .y = "validation_error"},
                      {.mark = GR_MARK_DASHED, .colour = 2, .table = name, .x = "place", .y = "validation_error_low"},
                      {.mark = GR_MARK_DASHED, .colour = 2, .table = name, .x = "place", .y = "validation_error_high"},
                      {.label = "training, mean",
                       .mark = GR_MARK_LINE,
                       .colour = 1,
                       .table = name,
                       .x = "place",
                       .y = "train_error"}}});
}
