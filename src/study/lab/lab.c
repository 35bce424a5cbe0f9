/* What figures share: their settings, tables, claims. */
#include "study/lab/lab.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static const gr_row common_rows[] = {
    GR_ROW("seed", INT, "1", "[0,9007199254740991]", "", "of everything random in the figure"),
    GR_ROW("threads", INT, "none", "[1,1024]", "threads",
           "as many as the machine has unless given; never changes a bit of the result"),
};
GR_COMMON(figure_common) = {
    .family = "figure",
    .name = "common",
    .title = "What every figure takes",
    .cite = "",
    .equations = "",
    GR_ROWS(common_rows),
};

/* ---- claims ---- */

static void claim(gr_lab *lab, double predicted, double measured, double low, double high, const char *quantity,
                  va_list args)
{
    gr_finding *f = gr__result_finding(&lab->result);
    if (!f) return;
    f->predicted = predicted;
    f->figure = measured;
    f->low = low;
    f->high = high;
    f->verdict = gr__claim_holds(f) ? GR_VERDICT_OK : GR_VERDICT_FAILED;
    gr__print_cut(f->message, sizeof f->message, quantity, args);
}

void gr__lab_equal(gr_lab *lab, double predicted, double measured, double tolerance, const char *quantity, ...)
{
    va_list args;
    double off = predicted == 0 ? tolerance : tolerance * fabs(predicted);
    va_start(args, quantity);
    claim(lab, predicted, measured, predicted - off, predicted + off, quantity, args);
    va_end(args);
}

void gr__lab_within(gr_lab *lab, double low, double high, double measured, const char *quantity, ...)
{
    va_list args;
    va_start(args, quantity);
    claim(lab, NAN, measured, low, high, quantity, args);
    va_end(args);
}

/* ---- running ---- */

static gr_status find(gr_context *ctx, const char *name, const gr_figure **out)
{
    const gr_family *f = &gr__family_figure;
    const gr_member *found;
    gr_status st = gr__member_find(ctx, "figure", f->head, f->n, name, NULL, &found);
    if (st == GR_OK) *out = (const gr_figure *)found;
    return st;
}

/* What was given, before what the short run has. */
static gr_status shorten(gr_lab *lab, const gr_tree *given, const gr_tree **out)
{
    gr_tree *map = gr__tree_flow(lab->memory, lab->figure->quick);
    *out = map;
    for (int i = 0; map && given && i < given->n; i++) {
        gr_tree *value = gr__tree_copy(lab->memory, given->child[i]);
        if (!gr__tree_put(lab->memory, map, given->key[i], value)) return GR_E_MEMORY;
    }
    return map ? GR_OK : GR_E_MEMORY;
}

static gr_status settle(gr_lab *lab, const gr_tree *given, bool quick)
{
    gr_settings rest;
    gr_status st = GR_OK;
    if (quick && lab->figure->quick) st = shorten(lab, given, &given);
    if (st != GR_OK) return st;
    st = gr__settings_both(lab->ctx, lab->memory, &lab->figure->head, gr__family_figure.common, given,
                           GR_PRESET_CHAPTER, &lab->settings, &rest);
    if (st != GR_OK) return st;
    lab->seed = (uint64_t)gr__setting_int(&rest, "seed");
    int64_t threads = gr__setting_int(&rest, "threads");
    lab->threads = threads == INT64_MIN ? 0 : (int)threads;
    return GR_OK;
}

gr_status gr__lab_open(gr_context *ctx, const char *name, const gr_tree *given, bool quick, gr_lab **out)
{
    gr_lab *lab = gr__alloc(ctx, sizeof *lab);
    gr_status st = GR_OK;
    if (!lab) return GR_E_MEMORY;
    lab->ctx = ctx;
    GR_TRY(find(ctx, name, &lab->figure));
    GR_TRY(gr__result_open(ctx, lab->figure->head.name, &lab->result));
    lab->memory = lab->result.memory;
    GR_TRY(settle(lab, given, quick));
    *out = lab;
    return GR_OK;
done:
    gr__lab_close(ctx, lab);
    return st;
}

gr_status gr__lab_run(gr_lab *lab)
{
    gr_status st = lab->figure->run(lab);
    return st == GR_OK ? lab->result.failed : st;
}

void gr__lab_close(gr_context *ctx, gr_lab *lab)
{
    if (!lab) return;
    gr__result_close(&lab->result);
    gr__free(ctx, lab, sizeof *lab);
}
