/* LSTM: biases of its gates: what is kept stays at first, what comes in and goes out is let through little by little,
 * so that states neither vanish nor fill up before anything is learnt.        [Gers et al. 2000; Jozefowicz et al.
 * 2015]
 */
#include "init/init.h"

static const gr_row rows[] = {
    GR_ROW("forget_bias", REAL, "1", "(-inf,inf)", "1", "of the gate that keeps"),
    GR_ROW("input_bias", REAL, "-1", "(-inf,inf)", "1", "of the gate that lets in"),
    GR_ROW("output_bias", REAL, "-1", "(-inf,inf)", "1", "of the gate that lets out"),
};

enum { GATES = 4, PIECE = 64 };

static gr_status spread(const gr_settings *s, const gr_init_target *t, void *work, const gr_init_sink *to)
{
    const double gate[GATES] = {gr__setting_real(s, "input_bias"), gr__setting_real(s, "forget_bias"), 0,
                                gr__setting_real(s, "output_bias")};
    int64_t each = t->count / GATES;
    (void)work;
    for (int k = 0; k < GATES; k++) {
        double values[PIECE];
        for (int i = 0; i < PIECE; i++) values[i] = gate[k];
        for (int64_t i = 0; i < each; i += PIECE) to->put(to->user, k * each + i, 1, GR_MIN(each - i, PIECE), values);
    }
    return GR_OK;
}

static uint64_t work(const gr_param_info *p)
{
    (void)p;
    return 0;
}

GR_INIT(lstm) = {
    .head =
        {
            .family = "init",
            .name = "lstm",
            .title = "Biases of an LSTM's gates",
            .cite = "Gers, Schmidhuber & Cummins 2000; Jozefowicz, Zaremba & Sutskever 2015",
            .equations =
                "b = (input_bias, forget_bias, 0, output_bias)        a number for each quarter: gates i, f, g, o\n"
                "what bias_ih of LSTM layers starts as; `init: {lstm: {...}}` sets the numbers, bias_hh is 0",
            GR_ROWS(rows),
        },
    .own_size = true,
    .gate_biases = true,
    .spread = spread,
    .work = work,
};
