/* Small things that the tests of graphs share. */
#ifndef GR_TESTS_GRAPH_HELP_H
#define GR_TESTS_GRAPH_HELP_H

#include <math.h>
#include <string.h>

#include "test.h"

#include "graph/eval.h"

static inline gr_graph *new_graph(gr_context *ctx)
{
    gr_graph *g = NULL;
    test_ok(ctx, gr_graph_create(ctx, &g));
    return g;
}

static inline void assert_shape(const gr_graph *g, gr_val v, gr_shape expected)
{
    char a[96], b[96];
    test_ok(gr__graph_context(g), gr_graph_status(g));
    if (!gr__shape_equal(gr_shape_of(g, v), expected))
        fail_msg("shape is %s, wanted %s", gr__shape_text(gr_shape_of(g, v), a), gr__shape_text(expected, b));
}

/* A tensor of given numbers. */
#define TENSOR(g, shape, ...) gr_const_tensor(g, shape, (const double[]){__VA_ARGS__})

typedef struct named_data {
    const char *name;
    const double *values;
} named_data; /* lists end with a NULL name */

static inline const double *find_data(void *user, const gr_graph *g, const gr_node *leaf)
{
    (void)g;
    for (const named_data *d = user; d && d->name; d++)
        if (strcmp(d->name, leaf->attr.name) == 0) return d->values;
    return NULL;
}

/* Evaluates v, which has n elements, and compares; NaN equals NaN. tolerance 0: exactly. */
static inline void assert_values(gr_graph *g, gr_val v, const named_data *data, const double *expected, int n,
                                 double tolerance)
{
    double values[256], *results[] = {values};
    gr_context *ctx = gr__graph_context(g);
    test_ok(ctx, gr_graph_status(g));
    assert_int_equal(gr_shape_count(gr_shape_of(g, v)), n);
    assert_true(n <= (int)GR_COUNT(values));
    test_ok(ctx, gr__eval(g, &v, 1, find_data, (void *)(uintptr_t)data, results));
    for (int i = 0; i < n; i++) {
        double a = values[i], b = expected[i];
        bool same = (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * fmax(1, fabs(b));
        if (!same) fail_msg("element %d is %.17g, wanted %.17g", i, a, b);
    }
}

#define ASSERT_VALUES(g, v, data, ...) \
    assert_values(g, v, data, (const double[]){__VA_ARGS__}, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), 0)
#define ASSERT_NEAR(g, v, data, ...)                                                                                  \
    assert_values(g, v, data, (const double[]){__VA_ARGS__}, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), \
                  1e-14)

#endif
