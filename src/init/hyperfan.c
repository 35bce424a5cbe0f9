/* Hyperfan: the linear head of a hypernetwork starts so that the weights (or biases) which it generates have the
 * variance that the main network wants, W = H e with e the last hidden activation: Var(W) = d Var(H) Var(e). [Chang,
 * Flokas & Lipson 2020] Hidden layers of the hypernetwork start as usual (fan-in), which keeps Var(e) at that of the
 * embedding. The head's own bias is 0. */
#include <math.h>

#include "init/draw.h"

static const gr_row rows[] = {
    GR_ROW("generates", CHOICE, "weights", "weights|bias", "", "what of the main layer the head gives"),
    GR_ROW("fan", CHOICE, "in", "in|out", "", "keeps the main network's activations, or its gradients"),
    GR_ROW("fan_in", INT, "none", "[1,1000000000]", "units",
           "of the main layer: needed but for generates: bias with fan: in"),
    GR_ROW("fan_out", INT, "none", "[1,1000000000]", "units", "of the main layer: needed with fan: out"),
    GR_ROW("relu", BOOL, "true", "true or false", "", "a ReLU follows the main layer"),
    GR_ROW("with_bias", BOOL, "false", "true or false", "",
           "the main layer's bias is generated too: each of the two then gives half of the variance (fan: in)"),
    GR_ROW("variance", REAL, "1", "(0,inf)", "1", "of e, the head's input"),
};

static gr_status need(gr_context *ctx, const gr_settings *s, const char *key)
{
    if (gr__setting_tree(s, key)) return GR_OK;
    return gr__tree_fail(ctx, s->tree, GR_E_MISSING, NULL,
                         "hyperfan needs \"%s\" of the main layer for generates: %s with fan: %s", key,
                         gr__setting_text(s, "generates"), gr__setting_text(s, "fan"));
}

static gr_status check(gr_context *ctx, const gr_settings *s)
{
    bool in = gr__setting_is(s, "fan", "in"), weights = gr__setting_is(s, "generates", "weights");
    gr_status st = in ? GR_OK : need(ctx, s, "fan_out");
    return st == GR_OK && in == weights ? need(ctx, s, "fan_in") : st;
}

/* Of a head's weight, times the width of its input and Var(e). */
static double variance(const gr_settings *s)
{
    double relu = gr__setting_bool(s, "relu") ? 2 : 1, in = (double)gr__setting_int(s, "fan_in"),
           out = (double)gr__setting_int(s, "fan_out");
    bool weights = gr__setting_is(s, "generates", "weights");
    if (gr__setting_is(s, "fan", "in"))
        return weights ? relu / ((gr__setting_bool(s, "with_bias") ? 2 : 1) * in) : relu / 2;
    return weights ? relu / out : fmax(0, relu * (1 - in / out));
}

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx;
    double width = fmax((double)t->param->fan_in, 1);
    gr__draw_uniform(t, sqrt(3 * variance(s) / (width * gr__setting_real(s, "variance"))), values);
    return GR_OK;
}

GR_INIT(hyperfan) = {
    .head =
        {
            .family = "init",
            .name = "hyperfan",
            .title = "Hyperfan: the head of a hypernetwork, for the variance of what it generates",
            .cite = "Chang, Flokas & Lipson 2020",
            .equations = "H ~ U[-k, k], k = sqrt(3 Var(H))        d: inputs of the head; R: 2 where a ReLU follows the "
                         "main layer, else 1; b: 2 "
                         "with_bias, "
                         "else 1\n"
                         "fan: in    weights: Var(H) = R / (b fan_in d Var(e))      bias: Var(H) = R / (2 d Var(e))\n"
                         "fan: out   weights: Var(H) = R / (fan_out d Var(e))       bias: Var(H) = max(0, R (1 - "
                         "fan_in / fan_out) / (d Var(e)))",
            GR_ROWS(rows),
        },
    .weights_only = true,
    .own_size = true,
    .check = check,
    .fill = fill,
};
