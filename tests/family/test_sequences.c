/* 200 random sequences of updates of every optimizer, against last weights that an independent implementation computed
 * in float64: shapes from a scalar to kernels, gradients over twelve orders of magnitude with zeros among them,
 * settings in turn. The inputs are drawn here again by the same generator (make_optimizers.py), so that the files hold
 * results alone. [mission O8, O9, O12-O23, O26, O27, SYS17-SYS22, SYS25-SYS27] */
#include "support/updates.h"

#include <dirent.h>

enum { SEQUENCES = 200, LARGEST = 32, UPDATES = 10, SETTINGS = 8 };

typedef struct numbers {
    uint64_t state;
} numbers;

static uint64_t next(numbers *r) /* SplitMix64 [Steele, Lea & Flood 2014] */
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static int below(numbers *r, int n)
{
    return (int)((next(r) >> 32) % (uint64_t)n);
}

static double unit(numbers *r)
{
    return ldexp((double)(int64_t)(next(r) >> 40) - 8388608, -23);
}

static double sized(numbers *r, int exponent)
{
    if (below(r, 8) == 0) return 0;
    double x = unit(r);
    return ldexp(x, exponent + below(r, 7) - 3);
}

typedef struct sequence {
    gr_param_info p;
    int64_t n;
    int updates;
    double count, w0[LARGEST], lr[UPDATES], g[UPDATES][LARGEST], z[UPDATES][LARGEST], hz[UPDATES][LARGEST];
} sequence;

static void draw(sequence *s, uint64_t seed)
{
    static const gr_shape shapes[] = {{0, {0}},    {1, {1}},    {1, {3}},       {1, {7}},          {2, {2, 3}},
                                      {2, {4, 1}}, {2, {1, 6}}, {3, {2, 3, 2}}, {4, {3, 2, 2, 2}}, {4, {2, 1, 3, 1}}};
    numbers r = {seed};
    gr_shape shape = shapes[below(&r, GR_COUNT(shapes))];
    bool trusted = below(&r, 4) > 0;
    *s = (sequence){.n = gr_shape_count(shape)};
    s->p.entry = (gr_entry_spec){.name = "p",
                                 .shape = shape,
                                 .role = trusted ? GR_ROLE_WEIGHT : GR_ROLE_BIAS,
                                 .layout = shape.rank == 4   ? GR_LAYOUT_CONV
                                           : shape.rank == 3 ? GR_LAYOUT_CONV1D
                                                             : GR_LAYOUT_PLAIN};
    s->count = 1 + below(&r, 4);
    s->updates = 1 + below(&r, 10);
    int exponent = below(&r, 35) - 17;
    for (int64_t i = 0; i < s->n; i++) s->w0[i] = below(&r, 16) == 0 ? 0 : unit(&r);
    for (int t = 0; t < s->updates; t++) {
        if (below(&r, 4) == 0) exponent = below(&r, 35) - 17;
        s->lr[t] = ldexp(1, -2 - below(&r, 6));
        for (int64_t i = 0; i < s->n; i++) s->g[t][i] = sized(&r, exponent);
        for (int64_t i = 0; i < s->n; i++) s->z[t][i] = below(&r, 2) ? 1 : -1;
        for (int64_t i = 0; i < s->n; i++) s->hz[t][i] = sized(&r, exponent);
    }
}

/* The weights after the inner updates; what LookAhead does apart from them is tested elsewhere. */
static void run(const sequence *s, const char *set, double *w)
{
    static const gr_action *const none[] = {NULL};
    updates u;
    up_open(&u,
            &(up_spec){.backend = gr_backend_get("ref"), .optimizer = set, .params = &s->p, .n = 1, .actions = none},
            s->w0);
    for (int t = 0; t < s->updates; t++) test_ok(u.ctx, up_step(&u, s->g[t], s->z[t], s->hz[t], s->count, s->lr[t]));
    up_read(&u, "p", w);
    up_close(&u);
}

/* The first, the middle and the last, and the sum of all by weights 1 to 5. */
static void check(const char *set, int seed, const sequence *s, const double *w, const double want[4], double tolerance)
{
    double largest = 1, sum = 0;
    for (int64_t i = 0; i < s->n; i++) largest = fmax(largest, fabs(w[i])), sum += w[i] * (double)(1 + i % 5);
    const double got[4] = {w[0], w[s->n / 2], w[s->n - 1], sum};
    for (int k = 0; k < 4; k++) {
        double limit = tolerance * largest * (k == 3 ? 3 * (double)s->n : 1);
        if (!(fabs(got[k] - want[k]) <= limit))
            fail_msg("%s, sequence %d: number %d is %.17g, not %.17g", set, seed, k, got[k], want[k]);
    }
}

/* False: there are no sequences of it. */
static bool check_member(const char *name)
{
    static sequence s;
    char path[160], set[SETTINGS][160], line[256];
    double tolerance = 0, want[4], w[LARGEST];
    int n_sets = 0, seed = 0;
    snprintf(path, sizeof path, "tests/family/sequences/%s.txt", name);
    FILE *f = fopen(path, "r");
    if (!f) return false;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#') continue;
        if (sscanf(line, "tolerance %lf", &tolerance) == 1) continue;
        if (n_sets < SETTINGS && sscanf(line, "set %159[^\n]", set[n_sets]) == 1 && ++n_sets) continue;
        if (sscanf(line, "run %lf %lf %lf %lf", &want[0], &want[1], &want[2], &want[3]) != 4)
            fail_msg("%s: %s", path, line);
        assert_true(n_sets > 0 && tolerance > 0 && tolerance <= 1e-10);
        draw(&s, (uint64_t)seed);
        run(&s, set[seed % n_sets], w);
        check(set[seed % n_sets], seed, &s, w, want, tolerance);
        seed++;
    }
    fclose(f);
    assert_int_equal(seed, SEQUENCES);
    return true;
}

static int files(void)
{
    DIR *d = opendir("tests/family/sequences");
    int n = 0;
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) n += strstr(f->d_name, ".txt") != NULL;
    closedir(d);
    return n;
}

static void random_sequences(void **state)
{
    (void)state;
    int n;
    const gr_optimizer *const *all = gr__optimizers(&n);
    int checked = 0;
    for (int i = 0; i < n; i++) checked += check_member(all[i]->head.name);
    assert_int_equal(
        checked, files()); /* each is of a member; those of the chapter are there, others may do with their evidence */
    assert_true(checked >= 19);
}

static void they_reach_over_twelve_orders_of_magnitude(void **state)
{
    (void)state;
    static sequence s;
    double smallest = INFINITY, largest = 0;
    int zeros = 0, kernels = 0, scalars = 0;
    for (int seed = 0; seed < SEQUENCES; seed++) {
        draw(&s, (uint64_t)seed);
        kernels += s.p.entry.layout != GR_LAYOUT_PLAIN, scalars += s.p.entry.shape.rank == 0;
        for (int t = 0; t < s.updates; t++)
            for (int64_t i = 0; i < s.n; i++) {
                double x = fabs(s.g[t][i]);
                if (x == 0)
                    zeros++;
                else
                    smallest = fmin(smallest, x), largest = fmax(largest, x);
            }
    }
    assert_true(largest / smallest > 1e12 && zeros > 100 && kernels > 20 && scalars > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_sequences),
                                       cmocka_unit_test(they_reach_over_twelve_orders_of_magnitude)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
