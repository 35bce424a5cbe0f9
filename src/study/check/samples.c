/* Step 2: samples after all preparation, to look at, and whether they are any.                       [mission X2] */
#include <math.h>

#include "result/sheet.h"
#include "study/check/seen.h"
#include "study/data/view.h"

enum { SHOWN = 64, WIDE = 8 };   /* samples of the sheet; numbers, of fewer samples may well be alike */
static const double MOST = 0.05; /* of the samples, that may be blank */
static const double SAME = 0.5;  /* or equal to the one before */

static gr_status write_sheet(gr_check *c)
{
    gr_sheet s = {0};
    const gr_view_options o = {.part = GR_PART_TRAIN, .count = SHOWN};
    if (!c->o->sheets) return GR_OK;
    gr_status st = gr__sheet_open(c->ctx, c->recipe->name, &s);
    if (st == GR_OK) st = gr__view_samples(&c->probe.task, &o, &s);
    if (st == GR_OK) st = gr__check_write_sheet(c, "samples.html", &s);
    gr__sheet_close(&s);
    return st;
}

static const char *where(const gr_check *c)
{
    return c->o->sheets ? gr__bump_format(c->memory, "%s/samples.html shows some", c->o->sheets)
                        : "--sheets DIR shows some";
}

static void judge(gr_check *c, const gr_seen *s, gr_finding *out)
{
    const gr_recipe *r = c->recipe;
    for (int i = 0; i < r->n_inputs; i++) {
        const gr_seen_input *in = &s->input[i];
        double still = (double)in->still / (double)GR_MAX(s->n, 1), alike = (double)in->alike / (double)GR_MAX(s->n, 1);
        const char *of = r->inputs_named ? r->input[i].name : "input";
        bool tells = in->width >= WIDE;
        if (in->nonfinite)
            gr__finding_set(out, GR_VERDICT_FAILED, (double)in->nonfinite / (double)s->n, 0,
                            "%lld of %lld samples of %s hold what is not finite once they are prepared",
                            (long long)in->nonfinite, (long long)s->n, of);
        else if (tells && still > MOST)
            gr__finding_set(out, still > SAME ? GR_VERDICT_FAILED : GR_VERDICT_WARNING, still, MOST,
                            "%.3g %% of the samples of %s are blank once they are prepared: all their numbers are the "
                            "same",
                            100 * still, of);
        else if (tells && alike > SAME)
            gr__finding_set(out, GR_VERDICT_WARNING, alike, SAME,
                            "%.3g %% of the samples of %s are equal to one beside them", 100 * alike, of);
        else
            continue;
        gr__finding_fix(out, "gradus data check %s", r->path);
        gr__finding_fix(out, "gradus data view %s -o samples.html", r->path);
        return;
    }
    gr__finding_set(out, GR_VERDICT_OK, (double)s->input[0].still / (double)GR_MAX(s->n, 1), MOST,
                    "%lld prepared samples are finite and differ; %s", (long long)s->n, where(c));
}

static gr_status judge_samples(gr_check *c, gr_finding *out)
{
    gr_seen s;
    gr_status st = gr__seen_take(&c->probe, c->memory, GR_PART_TRAIN, NULL, NULL, &s);
    if (st == GR_OK) judge(c, &s, out);
    return st == GR_OK ? write_sheet(c) : st;
}

GR_RULE(prepared_samples) = {
    .head = {.family = "rule",
             .name = "prepared_samples",
             .title = "Samples after all preparation are worth looking at",
             .cite = "the chapter, 4.5.3 step 2",
             .equations = "up to 512 training samples as the layers take them: finite, not blank, not all equal.\n"
                          "--sheets writes samples.html, a card a sample (gradus data view)"},
    .as = {{"X2", "samples"}},
    .reads = GR_READS_PROBE,
    .limit = "0.05; equal ones 0.5",
    .unit = "share of the samples that are blank",
    .judge = judge_samples,
};
