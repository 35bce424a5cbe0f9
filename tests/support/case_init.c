/* Initialisers: moments, bounds and distribution of a million numbers. */
#include "support/case_init.h"

int ev_ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double ev_normal_cdf(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* The distribution's own probability of a value below x. */
static double ev_cdf(const char *shape, double mean, double std, double bound, double x)
{
    if (strcmp(shape, "uniform") == 0) return (x + bound) / (2 * bound);
    if (strcmp(shape, "normal") == 0) return ev_normal_cdf((x - mean) / std);
    double tail = ev_normal_cdf(-2);
    return (ev_normal_cdf(2 * x / bound) - tail) / (1 - 2 * tail);
}

double ev_ks(const char *shape, double mean, double std, double bound, const double *sorted, int64_t n)
{
    double distance = 0;
    for (int64_t i = 0; i < n; i++) {
        double p = ev_cdf(shape, mean, std, bound, sorted[i]);
        distance = fmax(distance, fmax((double)(i + 1) / (double)n - p, p - (double)i / (double)n));
    }
    return distance * sqrt((double)n);
}

static gr_follow ev_follow(const char *word)
{
    static const char *const words[] = {"nothing", "relu", "leaky", "sigmoid", "tanh"};
    for (size_t i = 0; i < GR_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) return (gr_follow)i;
    return GR_FOLLOW_NOTHING;
}

static gr_param_info ev_init_param(const ev_case *c, int64_t n)
{
    return (gr_param_info){.entry = {.name = "l.weight", .shape = GR_SHAPE(n)},
                           .fan_in = strtoll(ev_word(c, "fan_in"), NULL, 10),
                           .fan_out = strtoll(ev_word(c, "fan_out"), NULL, 10),
                           .follow = ev_follow(ev_word(c, "follow")),
                           .slope = strtod(ev_word(c, "slope"), NULL)};
}

static bool ev_moments(const ev_case *c, verdict *v, double *x, int64_t n)
{
    double mean = ev_number(c, "mean"), std = ev_number(c, "std"), bound = ev_number(c, "bound"), sum = 0, squares = 0,
           largest = 0;
    const char *shape = ev_word(c, "shape");
    for (int64_t i = 0; i < n; i++) sum += x[i], largest = fmax(largest, fabs(x[i]));
    for (int64_t i = 0; i < n; i++) squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
    double got_std = sqrt(squares / (double)n), error = fabs(sum / (double)n - mean);
    if (strcmp(shape, "constant") == 0)
        return largest == bound && x[0] == mean && x[n - 1] == mean ? true : ev_bad(v, c, "values", "not the constant");
    if (!(error <= 4 * std / sqrt((double)n))) return ev_bad(v, c, "mean", "too far from the evidence's");
    if (!(fabs(got_std / std - 1) < 0.005)) return ev_bad(v, c, "std", "not within half a percent");
    if (!(largest <= bound * (1 + 1e-9))) return ev_bad(v, c, "bound", "a value is beyond it");
    if (isfinite(bound) && !(largest > 0.999 * bound)) return ev_bad(v, c, "bound", "values stay well below it");
    qsort(x, (size_t)n, sizeof *x, ev_ascending);
    return ev_ks(shape, mean, std, bound, x, n) < 1.95
               ? true
               : ev_bad(v, c, "distribution", "another one, says Kolmogorov-Smirnov");
}

/* As many equal blocks as `blocks` has numbers, each all that number. */
static bool ev_blocks(const ev_case *c, verdict *v, const double *x, int64_t n)
{
    const ev_tensor *want = ev_find(c, "blocks");
    int64_t blocks = want ? gr_shape_count(want->shape) : 0;
    if (blocks < 1) return ev_bad(v, c, "blocks", "missing");
    for (int64_t i = 0; i < n; i++)
        if (x[i] != want->v[i / (n / blocks)]) return ev_bad(v, c, "values", "not the block's constant");
    return true;
}

static bool ev_init_case(ev_bench *b, const void *member, const ev_case *c, verdict *v)
{
    const gr_init *m = member;
    enum { N = 1000000 };
    gr_settings s;
    gr_param_info p = ev_init_param(c, N);
    gr__rng rng = gr__rng_make(7, "init/l.weight", 0, 0);
    gr_init_target t = {.param = &p, .count = N, .rng = &rng};
    double *x = malloc(sizeof *x * N);
    bool ok = x && gr__settings_make(b->ctx, b->memory, &m->head, b->tree, GR_PRESET_CHAPTER, NULL, &s) == GR_OK &&
              gr__init_values(b->ctx, m, &s, &t, x) == GR_OK;
    bool blocks = strcmp(ev_word(c, "shape"), "blocks") == 0;
    if (!ok)
        ev_failed(v, b->ctx, c, "fill");
    else
        ok = blocks ? ev_blocks(c, v, x, N) : ev_moments(c, v, x, N);
    free(x);
    return ok;
}

bool check_init(const gr_init *m, const evidence *e, verdict *v)
{
    return ev_check(ev_init_case, m, e, NULL, 1e-10, v);
}
