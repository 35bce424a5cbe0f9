/* gradus check: is the recipe's own gradient right? Every parameter against central differences in float64. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "train/train.h"

static const double LIMIT = 1e-6; /* relative to the tensor's largest slope; float64 differences leave about 1e-8 */

static gr_status print_json(cli *c, const gr_gradient_row *rows, size_t n, bool good)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_pack("{s:s, s:I, s:I}", "name", rows[i].name, "count", (json_int_t)rows[i].count, "checked", (json_int_t)rows[i].checked);
        json_object_set_new(row, "error", isfinite(rows[i].error) ? json_real(rows[i].error) : json_null());
        json_object_set_new(row, "passed", json_boolean(rows[i].error < LIMIT));
        json_array_append_new(list, row);
    }
    json_t *o = json_pack("{s:o, s:f, s:b}", "gradients", list, "limit", LIMIT, "passed", good);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text) return gr__fail(c->ctx, GR_E_MEMORY, "no memory for the answer");
    printf("%s\n", text);
    free(text);
    return GR_OK;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    gr_gradient_row *rows = NULL;
    size_t n = 0, bad = 0;
    if (!cli_value(c, "gradients")) {
        gr__fail(c->ctx, GR_E_USAGE, "check: say what to check");
        gr__error_hint(c->ctx, "--gradients compares every parameter's gradient with central differences");
        return GR_E_USAGE;
    }
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = gr__check_gradients(c->ctx, r, &rows, &n, c->memory);
    for (size_t i = 0; i < n && st == GR_OK; i++) bad += !(rows[i].error < LIMIT);
    if (st == GR_OK && c->json) st = print_json(c, rows, n, bad == 0);
    if (st == GR_OK && !c->json && !c->quiet) {
        printf("%-32s %12s %8s %12s\n", "parameter", "elements", "checked", "error");
        for (size_t i = 0; i < n; i++)
            printf("%-32s %12lld %8lld %12.2e  %s\n", rows[i].name, (long long)rows[i].count, (long long)rows[i].checked, rows[i].error, rows[i].error < LIMIT ? "ok" : "WRONG");
    }
    if (st == GR_OK && bad) st = gr__fail(c->ctx, GR_E_CHECK, "%zu of %zu gradients differ from central differences by more than %g", bad, n, LIMIT);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {{"gradients", NULL, "back-propagation against central differences in float64, on the recipe's own model and first batch", 0}, {0}};

const cli_command cmd_check = {
    .name = "check", .usage = "RECIPE --gradients", .summary = "Checks a recipe's gradients by central differences",
    .help = "Exit code 1 when one is wrong. The error is relative to the tensor's largest slope.\n\nExample\n  gradus check recipes/fashion.yaml --gradients\n",
    .flags = flags, .min_arguments = 1, .max_arguments = 1, .run = run};
