/* Penalties in whole trainings: the gradient that they add, what is reported of them, and where linear models end.
 * [mission G7, G8, P2] */
#include "support/trainings.h"

#include "base/rng.h"
#include "model/file.h"

static void a_penalty_adds_its_gradient_and_is_reported_apart(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double l2, l1;
    } cases[] = {{"penalty: {l2: 0.01}\n", 0.01, 0},
                 {"penalty: {l1: 0.02}\n", 0, 0.02},
                 {"penalty: {l2: 0.01, l1: 0.02}\n", 0.01, 0.02}};
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        model start, plain, with;
        costs k;
        char text[300];
        FIT("optimizer: {type: sgd, lr: 0}\nvalidate: none\nstop: {steps: 1}\n", &start);
        FIT("optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n", &plain);
        snprintf(text, sizeof text, "optimizer: {type: sgd, lr: 0.5}\nvalidate: none\nstop: {steps: 1}\n%s",
                 cases[c].line);
        fit(text, NULL, 0, "last.safetensors", &with, &k);
        double term = 0;
        for (int i = 0; i < 4; i++) {
            bool bias = strstr(start.name[i], "bias") != NULL;
            for (int64_t j = 0; j < start.count[i]; j++) {
                double w = start.v[i][j], slope = bias ? 0 : 2 * cases[c].l2 * w + cases[c].l1 * ((w > 0) - (w < 0));
                assert_true(fabs(plain.v[i][j] - with.v[i][j] - 0.5 * slope) < 1e-14);
                if (!bias) term += cases[c].l2 * w * w + cases[c].l1 * fabs(w);
            }
        }
        assert_true(fabs(k.train[0] - k.data[0] - term) < 1e-8 * term);
        model_free(&start), model_free(&plain), model_free(&with);
    }
}

enum { ROWS = 40, INPUTS = 5 };
typedef struct linear {
    double x[ROWS][INPUTS], y[ROWS];
} linear;

static linear linear_problem(void)
{
    linear p;
    gr__rng rng = gr__rng_make(11, "linear", 0, 0);
    const double truth[INPUTS] = {1.5, 0, -0.7, 0.05, 0};
    for (int r = 0; r < ROWS; r++) {
        p.y[r] = 0.3 + 0.1 * gr__rng_normal(&rng);
        for (int i = 0; i < INPUTS; i++) p.x[r][i] = gr__rng_normal(&rng), p.y[r] += truth[i] * p.x[r][i];
    }
    return p;
}

/* Trains y = x w + b on the problem by gradient descent until nothing moves. */
static void fit_linear(const linear *p, const char *penalty, double w[INPUTS], double *b)
{
    char folder[64] = "/tmp/gradus-linear-XXXXXX", path[200], out[100];
    gr_context *ctx = test_context_with(1, 0);
    gr_recipe *r;
    gr_train_result result;
    gr_st *st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/p.csv", folder);
    FILE *f = fopen(path, "w");
    for (int k = 0; k < INPUTS; k++) fprintf(f, "x%d,", k);
    fprintf(f, "y\n");
    for (int k = 0; k < ROWS; k++) {
        for (int i = 0; i < INPUTS; i++) fprintf(f, "%.17g,", p->x[k][i]);
        fprintf(f, "%.17g\n", p->y[k]);
    }
    fclose(f);
    snprintf(path, sizeof path, "%s/r.yaml", folder);
    snprintf(out, sizeof out, "%s/run", folder);
    f = fopen(path, "w");
    fprintf(f,
            "gradus: 1\nprecision: float64\ndata: {train: {type: csv, file: p.csv, target: y}}\nmodel: {input: %d, "
            "layers: [{type: dense, "
            "units: 1, name: head}]}\n"
            "cost: mse\noptimizer: {type: gd, lr: 0.1}\nstop: {epochs: 3000}\nlog: {every: 1000}\ncheckpoint: none\n%s",
            INPUTS, penalty);
    fclose(f);
    test_ok(ctx, gr__recipe_open(ctx, path, NULL, 0, &r));
    test_ok(ctx, gr__train(ctx, r, &(gr_train_options){.out = out}, &result));
    assert_int_equal(result.steps, 3000); /* an update an epoch: data.batch is ignored [mission O1] */
    snprintf(path, sizeof path, "%s/last.safetensors", out);
    test_ok(ctx, gr__st_whole(ctx, path, &st));
    memcpy(w, gr__st_find(st, "head.weight")->data, sizeof(double) * INPUTS);
    memcpy(b, gr__st_find(st, "head.bias")->data, sizeof(double));
    gr__st_close(st);
    gr__recipe_close(ctx, r);
    test_context_end(ctx);
    char command[120];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* Coordinate descent on mean (y - x w - b)^2 + l2 |w|^2 + l1 |w|_1: each step has a closed form. */
static void solve_linear(const linear *p, double l2, double l1, double w[INPUTS], double *b)
{
    *b = 0;
    for (int i = 0; i < INPUTS; i++) w[i] = 0;
    for (int sweep = 0; sweep < 3000; sweep++)
        for (int i = -1; i < INPUTS; i++) {
            double top = 0, square = 0;
            for (int r = 0; r < ROWS; r++) {
                double rest = p->y[r] - *b, x = i < 0 ? 1 : p->x[r][i];
                for (int k = 0; k < INPUTS; k++) rest -= p->x[r][k] * w[k];
                rest += x * (i < 0 ? *b : w[i]);
                top += 2 * x * rest / ROWS, square += 2 * x * x / ROWS;
            }
            if (i < 0)
                *b = top / square;
            else
                w[i] = (fabs(top) <= l1 ? 0 : top - (top > 0 ? l1 : -l1)) / (square + 2 * l2);
        }
}

static void penalised_lines_are_those_of_coordinate_descent(void **state) /* ridge, lasso, elastic net */
{
    (void)state;
    static const struct {
        const char *line;
        double l2, l1;
        int zeros;
    } cases[] = {
        {"", 0, 0, 0},
        {"penalty: {l2: 0.3}\n", 0.3, 0, 0},
        {"penalty: {l1: 0.25, l1_step: proximal}\n", 0, 0.25, 3},
        {"penalty: {l1: 0.25, l2: 0.1, l1_step: proximal}\n", 0.1, 0.25, 3},
    };
    linear p = linear_problem();
    for (size_t c = 0; c < GR_COUNT(cases); c++) {
        double w[INPUTS], b, want[INPUTS], want_b;
        int zeros = 0;
        fit_linear(&p, cases[c].line, w, &b);
        solve_linear(&p, cases[c].l2, cases[c].l1, want, &want_b);
        for (int i = 0; i < INPUTS; i++) {
            assert_true(fabs(w[i] - want[i]) < 1e-9);
            zeros += w[i] == 0;
        }
        assert_true(fabs(b - want_b) < 1e-9);
        assert_int_equal(zeros, cases[c].zeros);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_penalty_adds_its_gradient_and_is_reported_apart),
        cmocka_unit_test(penalised_lines_are_those_of_coordinate_descent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
