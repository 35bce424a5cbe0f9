/* The training rows of a recipe as its loader would take them, for tests/acceptance/balance.py: after `prepare` and
 * `balance`, a line a row, tab-separated: row of the source (-1: copied or made), base, neighbour (-1: of the source),
 * step, class, numbers. Then the validation part's rows, a line: "validation" and their numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "data/balance.h"
#include "train/train.h"

static int fail(gr_context *ctx)
{
    fprintf(stderr, "%s\n", gr_context_error(ctx)->message);
    return 1;
}

static void put(const gr_task *t, int64_t at)
{
    const gr_set *s = &t->set[GR_PART_TRAIN];
    const gr_field *x = gr__set_input(s, 0);
    const gr_rows *rows = gr__task_trained(t);
    int64_t n = gr_shape_count(t->recipe->input[0].sample), base = gr__made_base(s->made, rows->row[at]);
    const gr_delivery d = {GR_EL_F64, t->meaning.prepared[0], t->meaning.n_prepared[0], n};
    bool made = rows->row[at] >= s->n, own = !t->balanced || at < t->kept;
    double *numbers = malloc(sizeof(double) * (size_t)n);
    if (!numbers) exit(1);
    gr__deliver_rows(x, &rows->row[at], 1, &d, n, numbers);
    printf("%lld\t%lld\t%lld\t%.17g\t%d", own ? (long long)base : -1LL, own ? -1LL : (long long)base,
           own    ? -1LL
           : made ? (long long)s->made->parent[rows->row[at] - s->n][1]
                  : (long long)base,
           made ? s->made->step[rows->row[at] - s->n] : 0, ((const int32_t *)gr__set_target(s, 0)->data)[base]);
    for (int64_t e = 0; e < n; e++) printf("\t%.17g", numbers[e]);
    printf("\n");
    free(numbers);
}

int main(int argc, char **argv)
{
    gr_context *ctx;
    gr_recipe *r;
    gr_task t;
    if (gr_context_create(&(gr_context_options){.threads = 0}, &ctx) != GR_OK) return 1;
    if (gr__recipe_open(ctx, argv[1], (const char *const *)argv + 2, argc - 2, &r) != GR_OK) return fail(ctx);
    if (gr__task_open(ctx, r, 1u << GR_PART_TRAIN | 1u << GR_PART_VALIDATION, NULL, &t) != GR_OK) return fail(ctx);
    for (int64_t i = 0; i < gr__task_trained(&t)->n; i++) put(&t, i);
    printf("validation");
    for (int64_t i = 0; i < t.rows[GR_PART_VALIDATION].n; i++)
        printf("\t%u", (unsigned)t.rows[GR_PART_VALIDATION].row[i]);
    printf("\n");
    gr__task_close(&t);
    gr__recipe_close(ctx, r);
    gr_context_destroy(ctx);
    return 0;
}
