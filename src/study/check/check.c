/* The checks together, in the order of the chapter's debugging steps. */
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "study/check/check.h"

void gr__finding_worse(const gr_recipe *r, int head, const gr_finding *one, gr_finding *out)
{
    if (head > 0 && one->verdict <= out->verdict) return;
    const char *named = r->heads_named ? r->head[head].name : "";
    gr__finding_set(out, one->verdict, one->figure, one->limit, "%.100s%s%s", named, *named ? ": " : "", one->message);
}

void gr__watch(const gr_watch *w, const char *what, double share)
{
    if (w) w->say(w->user, what, share);
}

gr_status gr__check_all(gr_context *ctx, const gr_recipe *r, const gr_watch *watch, gr__bump *memory,
                        gr_finding f[GR_CHECKS], gr_format_row **formats, size_t *n_formats)
{
    static const char *const ids[GR_CHECKS][2] = {
        {"X1", "formats"},    {"T3", "data"},           {"T4", "outputs"},     {"T5", "initial cost"},
        {"I1", "symmetry"},   {"I2", "initialisation"}, {"P4", "gradients"},   {"X4", "dropout, norms"},
        {"T9", "batch norm"}, {"X5", "batch"},          {"X14", "dead units"}, {"X15", "sigmoids"}};
    gr_probe p = {0};
    gr_init_row *layers;
    gr_gradient_row *slopes;
    size_t n;
    gr_status st = GR_OK;
    for (int i = 0; i < GR_CHECKS; i++) f[i] = (gr_finding){.id = ids[i][0], .name = ids[i][1]};
    GR_TRY(gr__check_formats(ctx, r, memory, formats, n_formats, &f[0]));
    gr__watch(watch, "reading", 0);
    GR_TRY(gr__probe_open(ctx, r, &p));
    p.watch = watch;
    GR_TRY(gr__check_data(&p, &f[1]));
    GR_TRY(gr__check_outputs(&p, &f[2]));
    GR_TRY(gr__check_cost(&p, &f[3]));
    GR_TRY(gr__check_symmetry(&p, &f[4]));
    GR_TRY(gr__check_init(&p, memory, &layers, &n, &f[5]));
    GR_TRY(gr__check_dead(&p, memory, &f[10]));
    GR_TRY(gr__check_design(&p, &f[7], &f[8], &f[11]));
    f[9] = f[8]; /* one lint, by the chapter's two lists */
    f[9].id = ids[9][0], f[9].name = ids[9][1];
    if (isnan(f[9].figure)) f[9].figure = (double)p.batch;
    gr__probe_close(&p); /* before the next takes memory of its own */
    GR_TRY(gr__check_gradients(ctx, r, &(gr_gradient_options){GR_GRADIENT_FEW, 0, watch}, &slopes, &n, memory, &f[6]));
done:
    gr__probe_close(&p);
    return st;
}
