/* Does what serves the model have room for it?                                                      [mission T15] */
#include <math.h>

#include "base/text.h"
#include "study/check/rule.h"

static gr_status judge_serving(gr_check *c, gr_finding *out)
{
    gr_task t = {0};
    gr_serving_bytes b = {0};
    char size[32], limit[32];
    gr_status st = gr__task_estimate(c->ctx, c->recipe, &t);
    if (st == GR_OK) st = gr__serving_bytes(&t, &b);
    gr__task_close(&t);
    if (st != GR_OK) return st;
    double most = c->recipe->serving_limit ? (double)c->recipe->serving_limit : (double)NAN;
    gr__size_text(b.total, size, sizeof size);
    gr__size_text(c->recipe->serving_limit, limit, sizeof limit);
    if (!c->recipe->serving_limit)
        gr__finding_set(out, GR_VERDICT_OK, (double)b.total, NAN,
                        "predicting one sample takes %s; `limit: {serving_bytes: 256K}` would bound it", size);
    else if ((double)b.total <= most)
        gr__finding_set(out, GR_VERDICT_OK, (double)b.total, most, "predicting one sample takes %s of the %s allowed",
                        size, limit);
    else {
        gr__finding_set(out, GR_VERDICT_FAILED, (double)b.total, most,
                        "predicting one sample takes %s, the limit is %s: fewer or narrower layers, or a higher limit",
                        size, limit);
        gr__finding_fix(out, "limit.serving_bytes: %llu", (unsigned long long)b.total);
    }
    return GR_OK;
}

GR_RULE(serving_size) = {
    .head = {.family = "rule",
             .name = "serving_size",
             .title = "Predicting one sample fits what serves the model",
             .cite = "the chapter, 4.5.2",
             .equations = "parameters, and tensors of predicting one sample, to the byte (gradus plan: bytes.serving)"},
    .as = {{"T15", "serving"}},
    .reads = GR_READS_RECIPE,
    .limit = "limit: {serving_bytes: ...} of the recipe; none unless given",
    .unit = "bytes",
    .judge = judge_serving,
};
