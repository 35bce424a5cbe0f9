/* Gradient descent on a formula: the graph and plan levels of the library, alone.
 *
 * Minimises Rosenbrock's function (1 - a)^2 + 100 (b - a^2)^2 from (-1, 1): value, gradient and update are one graph,
 * compiled once. Build: cc descent.c $(pkg-config --cflags --libs --static gradus) */
#include <gradus/gradus.h>
#include <stdio.h>

static int fail(gr_context *ctx)
{
    fprintf(stderr, "descent: %s\n", gr_context_error(ctx)->message);
    return 1;
}

int main(void)
{
    gr_context *ctx;
    gr_graph *g;
    gr_store *store;
    gr_plan *plan;
    const gr_backend *backend = gr_backend_get("ref");
    if (gr_context_create(NULL, &ctx) != GR_OK) return 1;
    if (gr_graph_create(ctx, &g) != GR_OK || gr_store_create(ctx, backend, &store) != GR_OK) return fail(ctx);

    /* f(p) with p = (a, b); its gradient is more graph; the assignment makes a run a step */
    gr_val p = gr_param(g, "p", GR_SHAPE(2)), slope;
    gr_val a = gr_sum_all(g, gr_slice(g, p, 0, 0, 1)), b = gr_sum_all(g, gr_slice(g, p, 0, 1, 1));
    gr_val f = gr_add(g, gr_square(g, gr_sub(g, gr_const(g, 1), a)),
                      gr_mul(g, gr_const(g, 100), gr_square(g, gr_sub(g, b, gr_square(g, a)))));
    if (gr_gradients(g, f, &p, 1, &slope) != GR_OK) return fail(ctx);
    gr_assign(g, p, gr_sub(g, p, gr_mul(g, gr_const(g, 0.001), slope)), GR_ASSIGN_UPDATE);
    gr_output(g, "f", f);

    if (gr_store_add(store, &(gr_entry_spec){.name = "p", .shape = GR_SHAPE(2)}, NULL) != GR_OK) return fail(ctx);
    if (gr_plan_compile(ctx, g, store, &(gr_plan_options){.backend = backend, .name = "descent"}, &plan) != GR_OK)
        return fail(ctx);
    if (gr_store_seal(store) != GR_OK || gr_plan_bind(plan, NULL) != GR_OK) return fail(ctx);
    gr_store_write(store, gr_store_find(store, "p"), (const double[]){-1, 1});

    for (int step = 0; step <= 20000; step++) {
        if (gr_plan_run(plan) != GR_OK) return fail(ctx);
        if (step % 5000 == 0) {
            double now[2];
            gr_store_read(store, gr_store_find(store, "p"), now);
            printf("step %5d  f %.6f  p (%.4f, %.4f)\n", step, *(const double *)gr_plan_output(plan, "f", NULL), now[0],
                   now[1]);
        }
    }
    gr_plan_destroy(plan);
    gr_store_destroy(store);
    gr_graph_destroy(g);
    gr_context_destroy(ctx);
    return 0;
}
