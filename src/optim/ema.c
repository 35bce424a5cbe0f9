/* EMA of weights: an average that forgets, so that it may begin with the training.   [Polyak & Juditsky 1992; as
 * torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn] Which decay is right depends on how many updates there
 * are: it averages over the last 1 / (1 - decay) of them. warmup is that of TensorFlow's moving averages: early, when
 * there are fewer weights than that, the average forgets faster. */
#include "optim/average.h"

static const gr_row rows[] = {
    GR_ROW("decay", REAL, "0.999", "[0,1)", "1", "how much of the average is kept when weights are collected"),
    GR_ROW("warmup", BOOL, "false", "", "", "the n-th collection keeps no more than n / (n + 9)"),
    GR_AVERAGE_ROWS("0", "1"),
};
GR_COMMON(ema_common) = {
    .family = "average",
    .name = "ema",
    .title = "EMA: an exponential moving average of the weights",
    .cite = "Polyak & Juditsky 1992; PyTorch's AveragedModel",
    .equations = "after updates t >= start T with t a multiple of the cycle:\n"
                 "n <- n + 1;  w_ema <- w_ema + (1 - d) (w - w_ema)        n = 1: w_ema = w\n"
                 "d = decay;  warmup: d = min(decay, n / (n + 9))\n"
                 "before w_ema is evaluated or kept, running statistics of its own are the means over one pass through "
                 "the training data",
    GR_ROWS(rows),
};

static void read(const gr_settings *s, gr_average *out)
{
    out->decay = gr__setting_real(s, "decay");
    out->warmup = gr__setting_bool(s, "warmup");
}

static bool put(gr__bump *b, gr_tree *t, const gr_average *a)
{
    return gr__tree_put_number(b, t, "decay", a->decay) &&
           gr__tree_put(b, t, "warmup", gr__tree_scalar(b, a->warmup ? "true" : "false"));
}

static gr_val share(gr_graph *g, const gr_average *a, gr_val n)
{
    gr_val one = gr_const(g, 1), decay = gr_const(g, a->decay);
    if (a->warmup) decay = gr_min(g, decay, gr_div(g, n, gr_add(g, n, gr_const(g, 9))));
    return gr_select(g, gr_equal(g, n, one), one, gr_sub(g, one, decay));
}

const gr_averaging gr__average_ema = {
    .common = &gr__ema_common, .file = "ema.safetensors", .read = read, .put = put, .share = share};
