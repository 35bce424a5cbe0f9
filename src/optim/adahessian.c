/* AdaHessian: Adam with the diagonal of the Hessian in the second moment, from products with random signs. [Yao et al.
 * 2021] The authors' code averages |H z| over a kernel's positions; the paper the signed z H z (spatial signed). With
 * ReLU many curvatures are 0: eps keeps the step finite there. hessian_interval computes H z only so often and keeps
 * the second moment in between. */
#include "optim/moments.h"

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.15", "[0,inf)", "1", "learning rate: the base that the schedule starts from"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "decay of the first moment"),
    GR_ROW("beta2", REAL, "0.999", "[0,1)", "1", "decay of the second moment"),
    GR_ROW("eps", REAL, "1e-4", "[0,1]", "curvature", "added to the root of the second moment"),
    GR_ROW("hessian_power", REAL, "1", "[0,1]", "1", "power of the root: 1 is Newton's, 0 is SGD with momentum"),
    GR_ROW("spatial", CHOICE, "abs", "abs|signed|none", "",
           "averages over a kernel's positions: of |z H z|, of z H z, or none"),
    GR_ROW("block_length", INT, "1", "[1,1000000]", "weights",
           "of matrices: curvature is averaged over so many weights of a row"),
    GR_ROW("hessian_interval", INT, "1", "[1,1000000]", "updates", "how often the curvature is computed"),
};

/* The mean over axes first..last of x, repeated to its shape. */
static gr_val mean_over(gr_graph *b, gr_val x, const int *axes, int n)
{
    gr_shape s = gr_shape_of(b, x);
    double count = 1;
    for (int i = 0; i < n; i++) count *= (double)s.dim[axes[i]];
    if (count == 1) return x;
    return gr_broadcast(b, gr_div(b, gr_sum(b, x, axes, n, true), gr_const(b, count > 0 ? count : 1)), s);
}

/* Kernels [out, kh, kw, in]: a mean a pair of channels. Matrices: over blocks of a row. */
static gr_val averaged(gr_step *s, gr_val d)
{
    gr_graph *b = s->g;
    gr_shape shape = gr_shape_of(b, d);
    int64_t block = gr__setting_int(s->s, "block_length");
    gr_layout layout = s->param->entry.layout;
    bool kernel = layout == GR_LAYOUT_CONV || layout == GR_LAYOUT_CONV1D;
    if (gr__setting_is(s->s, "spatial", "none")) return d;
    if (kernel) {
        int axes[GR_MAX_RANK], n = 0;
        for (int i = 1; i + 1 < shape.rank; i++) axes[n++] = i;
        return mean_over(b, d, axes, n);
    }
    if (shape.rank != 2 || block == 1 || shape.dim[1] % block != 0) return d;
    gr_val split = gr_reshape(b, d, GR_SHAPE(shape.dim[0], shape.dim[1] / block, block));
    return gr_reshape(b, mean_over(b, split, (int[]){2}, 1), shape);
}

static gr_val diagonal(gr_step *s)
{
    gr_graph *b = s->g;
    gr_val d = gr_mul(b, s->rademacher, s->curvature);
    if (!gr__setting_is(s->s, "spatial", "signed")) d = gr_abs(b, d);
    return averaged(s, d);
}

/* x^k for x >= 0 by exponential and logarithm; 0 stays 0. */
static gr_val power(gr_graph *b, gr_val x, double k)
{
    gr_shape shape = gr_shape_of(b, x);
    if (k == 1) return x;
    if (k == 0) return gr_broadcast(b, gr_const(b, 1), shape);
    if (k == 0.5) return gr_sqrt(b, x);
    gr_val zero = gr_equal(b, x, gr_const(b, 0)), safe = gr_select(b, zero, gr_broadcast(b, gr_const(b, 1), shape), x);
    gr_val p = gr_exp(b, gr_mul(b, gr_log(b, safe), gr_const(b, k)));
    return gr_select(b, zero, gr_broadcast(b, gr_const(b, 0), shape), p);
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    gr_val beta2 = gr__step_arg(s, "beta2"), m = gr__first_moment(s, g), v = gr__step_slot(s, "v"),
           n = gr__step_shared(s, "curvatures", 0);
    if (s->curvature) {
        n = gr__step_keep_shared(s, "curvatures", gr_add(b, n, gr_const(b, 1)));
        v = gr__step_keep(s, "v", gr__ema(b, beta2, v, gr_square(b, diagonal(s))));
    }
    gr_val c = gr__one_minus(b, gr_pow(b, beta2, n)), rate = gr_div(b, s->lr, gr__unbias_of(s, "beta1")), step;
    double k = gr__setting_real(s->s, "hessian_power");
    if (k == 1) {
        step = gr__over_root(s, m, rate, v, c);
    } else {
        gr_val root = gr_sqrt(b, gr_mul(b, v, gr_recip(b, c)));
        step = gr_div(b, gr_mul(b, m, rate), gr_add(b, power(b, root, k), gr__step_arg(s, "eps")));
    }
    return gr_sub(b, gr_mul(b, w, gr__one_minus(b, gr_mul(b, s->lr, s->decay))), step);
}

static int64_t curvature_every(const gr_settings *s)
{
    return gr__setting_int(s, "hessian_interval");
}

GR_OPTIMIZER(adahessian) = {
    .head =
        {
            .family = "optimizer",
            .name = "adahessian",
            .title = "AdaHessian: Adam with the Hessian's diagonal",
            .cite = "Yao et al. 2021; the authors' code",
            .equations =
                "z: random signs;  h = H z on the same batch;  D = |z h|, averaged over a kernel's positions\n"
                "m_t = beta1 m_{t-1} + (1 - beta1) g;  v_t = beta2 v_{t-1} + (1 - beta2) D^2\n"
                "w <- w - lr (m^ / (sqrt(v^)^hessian_power + eps) + weight_decay w)        m^, v^ corrected as in Adam",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = gr__averaged_moment,
    .curvature_every = curvature_every,
};
