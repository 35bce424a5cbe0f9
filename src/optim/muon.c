/* Muon: momentum whose matrices are made orthogonal, so that every direction of a layer is learned at one rate.
 * [Jordan et al. 2024: kellerjordan.github.io/posts/muon and the code there] Weights of hidden layers are matrices, a
 * row an output (kernels: [filters, all else]); embeddings, layers that give an output of the network, biases and
 * scales go by Adam, with a rate of their own, as the author has it. Newton and Schulz's iteration with his
 * coefficients brings singular values near 1 (about 0.7 to 1.2) in five steps; he computes it in bfloat16, here it has
 * the update's type. Weight decay is decoupled: within the gradient it would be made orthogonal too. */
#include "optim/moments.h"

#include <math.h>

static const gr_row rows[] = {
    GR_ROW("lr", REAL, "0.02", "[0,inf)", "1", "learning rate of matrices: the base that the schedule starts from"),
    GR_ROW("momentum", REAL, "0.95", "[0,1)", "1", "decay of the momentum of matrices"),
    GR_ROW("nesterov", BOOL, "true", "", "", "the momentum looks one gradient ahead"),
    GR_ROW("ns_steps", INT, "5", "[1,50]", "1", "steps of the iteration that makes a matrix orthogonal"),
    GR_ROW(
        "adjust", CHOICE, "original", "original|match_rms_adamw", "",
        "the rate of a matrix by its shape: sqrt(max(1, rows / columns)); or 0.2 sqrt(max(rows, columns)), which takes "
        "the rates and decays of adamw"),
    GR_ROW("other_lr", REAL, "3e-4", "[0,inf)", "1", "of all else, where lr is that of matrices"),
    GR_ROW("beta1", REAL, "0.9", "[0,1)", "1", "of all else: decay of the first moment"),
    GR_ROW("beta2", REAL, "0.95", "[0,1)", "1", "of all else: decay of the second moment"),
    GR_ROW("eps", REAL, "1e-10", "[0,1]", "gradient", "of all else: added to the root of the second moment"),
};

static bool is_matrix(const gr_step *s)
{
    const gr_entry_spec *e = &s->param->entry;
    return e->role == GR_ROLE_WEIGHT && e->shape.rank >= 2 && !s->param->last;
}

/* The schedule moves both rates alike. Of matrices it is also what decay is multiplied by, before `adjust`. */
static gr_val rate_of(gr_step *s)
{
    double lr = gr__setting_real(s->s, "lr");
    if (is_matrix(s)) return s->lr;
    return gr_mul(s->g, s->lr, gr_const(s->g, lr > 0 ? gr__setting_real(s->s, "other_lr") / lr : 0));
}

/* X <- a X + b (X X') X + c (X X')^2 X, by the smaller of X X' and X' X. */
static gr_val iterate(gr_graph *b, gr_val x, bool wide)
{
    gr_val a = gr_matmul(b, x, x, !wide, wide);
    gr_val p =
        gr_add(b, gr_mul(b, a, gr_const(b, -4.7750)), gr_mul(b, gr_matmul(b, a, a, false, false), gr_const(b, 2.0315)));
    gr_val px = wide ? gr_matmul(b, p, x, false, false) : gr_matmul(b, x, p, false, false);
    return gr_add(b, gr_mul(b, x, gr_const(b, 3.4445)), px);
}

static gr_val orthogonal(gr_step *s, gr_val u, int64_t m, int64_t n)
{
    gr_graph *b = s->g;
    gr_shape shape = gr_shape_of(b, u);
    gr_val size = gr_add(b, gr__norm(b, u), gr_const(b, 1e-7));
    gr_val x = gr_reshape(b, gr_mul(b, u, gr_recip(b, size)), GR_SHAPE(m, n));
    for (int64_t i = gr__setting_int(s->s, "ns_steps"); i > 0; i--) x = iterate(b, x, m <= n);
    return gr_reshape(b, x, shape);
}

static gr_val update(gr_step *s, gr_val w, gr_val g)
{
    gr_graph *b = s->g;
    w = gr_mul(b, w, gr__one_minus(b, gr_mul(b, rate_of(s), s->decay)));
    if (!is_matrix(s)) {
        gr_val m = gr__first_moment(s, g), v = gr__second_moment(s, g);
        gr_val rate = gr_div(b, rate_of(s), gr__unbias_of(s, "beta1"));
        return gr_sub(b, w, gr__over_root(s, m, rate, v, gr__unbias_of(s, "beta2")));
    }
    gr_shape shape = gr_shape_of(b, g);
    int64_t rows_of = shape.dim[0], columns = rows_of ? gr_shape_count(shape) / rows_of : 0;
    gr_val momentum = gr__step_arg(s, "momentum"),
           m = gr__step_keep(s, "m", gr__ema(b, momentum, gr__step_slot(s, "m"), g));
    gr_val u = gr__setting_bool(s->s, "nesterov") ? gr__ema(b, momentum, m, g) : m;
    double scale = gr__setting_is(s->s, "adjust", "original") ? sqrt(fmax(1, (double)rows_of / (double)columns))
                                                              : 0.2 * sqrt((double)GR_MAX(rows_of, columns));
    return gr_sub(b, w, gr_mul(b, orthogonal(s, u, rows_of, columns), gr_mul(b, s->lr, gr_const(b, scale))));
}

/* Of matrices and of all else, with decays of their own. */
static gr_first_moment first_moment(const gr_settings *s)
{
    (void)s;
    return (gr_first_moment){.slot = "m", .of = GR_MOMENT_STEPS};
}

GR_OPTIMIZER(muon) = {
    .head =
        {
            .family = "optimizer",
            .name = "muon",
            .title = "Muon: orthogonal momentum of matrices, Adam for all else",
            .cite = "Jordan et al. 2024, and the code there; Liu et al. 2025 (adjust)",
            .equations =
                "hidden weights [m, n]:  M_t = momentum M_{t-1} + (1 - momentum) g            M_0 = 0\n"
                "U = momentum M_t + (1 - momentum) g            nesterov: false: M_t\n"
                "X = U / (|U| + 1e-7);  ns_steps times: X <- 3.4445 X - 4.7750 (X X') X + 2.0315 (X X')^2 X\n"
                "w <- w - lr weight_decay w - lr s X            s by adjust\n"
                "all else: w <- w - lr' weight_decay w - lr' m_t/(1 - beta1^t) / (sqrt(v_t/(1 - beta2^t)) + eps)\n"
                "lr' = lr_t other_lr / lr            m_t, v_t as in Adam",
            GR_ROWS(rows),
        },
    .decay = GR_DECAY_OWN,
    .update = update,
    .first_moment = first_moment,
};
