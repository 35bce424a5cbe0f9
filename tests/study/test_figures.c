/* The figures' drawings: whatever one names is there, and what comes of it is well-formed. */
#include <string.h>

#include "result/xml.h"
#include "study/lab/lab.h"
#include "test.h"

/* Small settings, for speed alone. */
static const char *settings_of(const char *figure)
{
    static const char *const settings[][2] = {
        {"init", "{width: 64, networks: 1}"},
        {"fig4.3", "{draws: 2, exact_draws: 10, seeds: 2, epochs: 39}"},
        {"gates", "{seeds: 1, samples: 100, epochs: 1}"},
        {"optimizers", "{rates: 1, seeds: 2, samples: 100, epochs: 1}"},
        {"shuffle", "{seeds: 2, samples: 100, epochs: 1}"},
        {"train-longer", "{seeds: 2, samples: 100, epochs: 1}"},
        {"regularisers", "{seeds: 2, samples: 100, epochs: 1}"},
        {"stagewise-init", "{seeds: 2, samples: 100, epochs: 1}"},
        {"deeper-lr", "{seeds: 2, samples: 100, epochs: 1, rates: 3}"},
        {"fig4.7", "{seeds: 1, samples: 400, updates: 40, largest: 16}"},
        {"table4.1", "{seeds: 1, samples: 400, updates: 40, largest: 16}"},
        {"fig4.11", "{seeds: 2, source: 100, large: 100, updates: 10}"},
        {"fig4.12", "{seeds: 2, source: 100, updates: 10}"},
        {"batch-size", "{seeds: 2, samples: 100, epochs: 1, rates: 2}"},
    };
    for (size_t i = 0; i < GR_COUNT(settings); i++)
        if (strcmp(figure, settings[i][0]) == 0) return settings[i][1];
    return NULL;
}

/* Every drawing of every figure finds the columns it names. */
static void every_figure_is_drawn(void **state)
{
    (void)state;
    int n;
    const gr_figure *const *all = gr__figures(&n);
    assert_true(n >= 22);
    for (int i = 0; i < n; i++) {
        gr_context *ctx = test_context();
        gr__bump *b = gr__bump_create(ctx);
        gr_lab *lab;
        gr__text t;
        const char *name = all[i]->head.name, *settings = settings_of(name);
        test_ok(ctx, gr__lab_open(ctx, name, settings ? gr__tree_flow(b, settings) : NULL, false, &lab));
        test_ok(ctx, gr__lab_run(lab));
        assert_true(lab->result.drawings && lab->result.tables && lab->result.n_findings > 0);
        for (const gr_drawing *d = lab->result.drawings; d; d = d->next) {
            gr__text_init(&t, ctx);
            test_ok(ctx, gr__drawing_svg(ctx, d, &t));
            check_xml(t.s);
            assert_null(strstr(t.s, "no numbers to draw"));
            gr__text_free(&t);
            if (!d->dag) continue;
            gr__text_init(&t, ctx);
            test_ok(ctx, gr__dag_dot(d->dag, &t));
            assert_int_equal(strncmp(t.s, "digraph {\n", 10), 0);
            gr__text_free(&t);
        }
        gr__lab_close(ctx, lab);
        gr__bump_destroy(b);
        test_context_end(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_figure_is_drawn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
