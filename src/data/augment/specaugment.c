/* SpecAugment: frames and bands of a spectrogram are masked, and its time is warped.                 [park-2019, 2] */
#include <string.h>

#include "data/augment.h"
#include "graph/shape.h"

typedef struct numbers {
    double warp;         /* W, frames */
    int64_t band, bands; /* F, m_F */
    int64_t time, times; /* T, m_T */
    double portion;      /* p */
    bool filled;         /* masked numbers become `fill`, not the mean */
    double fill;
} numbers;

static const struct policy {
    const char *name;
    numbers n;
} policies[] = {
    {"LB", {80, 27, 1, 100, 1, 1, false, 0}},
    {"LD", {80, 27, 2, 100, 2, 1, false, 0}},
    {"SM", {40, 15, 2, 70, 2, 0.2, false, 0}},
    {"SS", {40, 27, 2, 70, 2, 0.2, false, 0}},
};

static void take_int(const gr_settings *s, const char *row, int64_t *to)
{
    if (gr__setting_tree(s, row)) *to = gr__setting_int(s, row);
}

static void take_real(const gr_settings *s, const char *row, double *to)
{
    if (gr__setting_tree(s, row)) *to = gr__setting_real(s, row);
}

static gr_status check(gr_context *ctx, const gr_augment_make *m)
{
    char text[96];
    if (m->shape.rank == 2 || (m->shape.rank == 3 && m->shape.dim[2] == 1)) return GR_OK;
    return gr__tree_fail(ctx, m->settings->tree, GR_E_CONFLICT, "of sound, those are shape: sequence and picture",
                         "%s takes samples [frames, bands] or [frames, bands, 1], but these are %s",
                         m->settings->member->name, gr__shape_text(m->shape, text));
}

static gr_status make(gr_context *ctx, gr__bump *b, const gr_augment_make *m, void **state, size_t *scratch)
{
    const gr_settings *s = m->settings;
    gr_status st = check(ctx, m);
    if (st != GR_OK) return st;
    bool chosen = gr__setting_tree(s, "policy");
    if (!chosen && !gr__setting_tree(s, "time_warp") && !gr__setting_tree(s, "freq_mask") &&
        !gr__setting_tree(s, "time_mask"))
        return gr__tree_fail(ctx, s->tree, GR_E_MISSING, "write policy: LD, or time_warp, freq_mask and time_mask",
                             "%s has neither a policy nor numbers of its own", s->member->name);
    numbers *n = gr__bump_alloc(b, sizeof *n);
    if (!n) return gr__error_code(ctx);
    *n = (numbers){.bands = 1, .times = 1, .portion = 1};
    for (size_t i = 0; chosen && i < GR_COUNT(policies); i++)
        if (gr__setting_is(s, "policy", policies[i].name)) *n = policies[i].n;
    take_real(s, "time_warp", &n->warp);
    take_int(s, "freq_mask", &n->band);
    take_int(s, "freq_masks", &n->bands);
    take_int(s, "time_mask", &n->time);
    take_int(s, "time_masks", &n->times);
    take_real(s, "portion", &n->portion);
    n->filled = gr__setting_tree(s, "value");
    take_real(s, "value", &n->fill);
    *state = n;
    *scratch = n->warp > 0 ? (size_t)gr_shape_count(m->shape) * sizeof(float) : 0;
    return GR_OK;
}

/* A frame a is moved by w: frame t is what stood at t a / (a + w) before it, and behind it likewise between it and the
 * last; between two frames on the line from one to the other. */
static void warp(const numbers *n, gr__rng *r, const gr_augment_sample *s, int64_t tau, int64_t nu)
{
    if (n->warp <= 0 || (double)tau <= 2 * n->warp) return;
    int64_t first = (int64_t)n->warp + ((double)(int64_t)n->warp < n->warp), end = tau - first;
    if (first >= end) return;
    double a = (double)(first + (int64_t)gr__rng_below(r, (uint64_t)(end - first))), last = (double)(tau - 1), u;
    do u = gr__rng_uniform(r);
    while (u == 0); /* both ends of (-W, W) are open */
    double to = a + n->warp * (2 * u - 1);
    float *old = s->scratch;
    memcpy(old, s->x, (size_t)(tau * nu) * sizeof *old);
    for (int64_t t = 1; t < tau - 1; t++) {
        double from = (double)t < to ? (double)t * a / to : last - (last - (double)t) * (last - a) / (last - to);
        int64_t k = GR_MIN((int64_t)from, tau - 2);
        double part = from - (double)k;
        for (int64_t i = 0; i < nu; i++)
            s->x[t * nu + i] = (float)((1 - part) * old[k * nu + i] + part * old[(k + 1) * nu + i]);
    }
}

/* So many in a row of n, from 0 to `most`, and where they begin. */
static int64_t draw(gr__rng *r, int64_t most, int64_t n, int64_t *from)
{
    int64_t width = (int64_t)gr__rng_below(r, (uint64_t)GR_MIN(most, n) + 1);
    *from = (int64_t)gr__rng_below(r, (uint64_t)(n - width) + 1);
    return width;
}

static void apply(const void *state, gr__rng *r, gr_augment_sample *s)
{
    const numbers *n = state;
    int64_t tau = s->counts, nu = s->shape.dim[1], from;
    int64_t part = (int64_t)(n->portion * (double)tau + 1e-9); /* 0.29 * 100 is 29 */
    double sum = 0;
    for (int64_t i = 0; i < tau * nu; i++) sum += s->x[i];
    float fill = n->filled ? (float)n->fill : (float)(sum / (double)GR_MAX(tau * nu, 1));
    warp(n, r, s, tau, nu);
    for (int64_t k = 0; k < n->bands; k++) {
        int64_t width = draw(r, n->band, nu, &from);
        for (int64_t t = 0; t < tau; t++)
            for (int64_t i = from; i < from + width; i++) s->x[t * nu + i] = fill;
    }
    for (int64_t k = 0; k < n->times; k++) {
        int64_t width = draw(r, GR_MIN(n->time, part), tau, &from);
        for (int64_t i = from * nu; i < (from + width) * nu; i++) s->x[i] = fill;
    }
}

static const gr_row rows[] = {
    {.name = "policy",
     .kind = GR_ROW_CHOICE,
     .value = "none",
     .range = "LB|LD|SM|SS",
     .unit = "",
     .help = "the paper's numbers: LibriSpeech basic and double, Switchboard mild and strong; what is given beside it "
             "replaces its own"},
    {.name = "time_warp",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "[0,1000000]",
     .unit = "frames",
     .help = "W: how far a frame is moved at most; 0 unless given"},
    {.name = "freq_mask",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[0,1000000]",
     .unit = "bands",
     .help = "F: how many bands in a row a mask has at most; 0 unless given"},
    {.name = "freq_masks",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[0,1000]",
     .unit = "masks",
     .help = "m_F: how many masks of bands; 1 unless given"},
    {.name = "time_mask",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[0,1000000]",
     .unit = "frames",
     .help = "T: how many frames in a row a mask has at most; 0 unless given"},
    {.name = "time_masks",
     .kind = GR_ROW_INT,
     .value = "none",
     .range = "[0,1000]",
     .unit = "masks",
     .help = "m_T: how many masks of frames; 1 unless given"},
    {.name = "portion",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "[0,1]",
     .unit = "1",
     .help = "p: a mask of frames has at most this part of those that count; 1 unless given"},
    {.name = "value",
     .kind = GR_ROW_REAL,
     .value = "none",
     .range = "(-inf,inf)",
     .unit = "",
     .help = "what masked numbers become; the mean of the sample unless given"},
};

GR_AUGMENT(specaugment) = {
    .head = {.family = "augment",
             .name = "specaugment",
             .title = "SpecAugment: masked bands, masked frames, warped time",
             .cite = "Park et al. 2019, SpecAugment, arXiv 1904.08779",
             .equations =
                 "a sample has tau frames that count and nu bands; first the time is warped, then m_F masks of bands, "
                 "m_T of frames\n"
                 "warp: a ~ U{W..tau-W-1}, w ~ U(-W, W); frames [0, a] become [0, a+w], [a, tau-1] become [a+w, "
                 "tau-1], linearly; not if tau <= 2 W\n"
                 "bands: f ~ U{0..min(F, nu)}, from f0 ~ U{0..nu-f} on; frames: t ~ U{0..min(T, p tau)}, from t0 ~ "
                 "U{0..tau-t} on\n"
                 "policies: LB W 80, F 27, m_F 1, T 100, p 1, m_T 1; LD as LB with m_F 2, m_T 2\n"
                 "SM W 40, F 15, m_F 2, T 70, p 0.2, m_T 2; SS as SM with F 27\n"
                 "widths up to F and T themselves as in the paper, drawn for each sample (torchaudio: up to F - 1, "
                 "one for a batch)",
             GR_ROWS(rows)},
    .make = make,
    .apply = apply,
};
