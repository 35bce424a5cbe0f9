/* gradus trace: two recipes, or one against itself with a setting changed, trained side by side up to the first
 * operation whose result differs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json.h"
#include "study/study.h"

static gr_status answer(cli *c, const gr_trace_options *o, const gr_trace_result *r)
{
    json_t *d = r->differs
                    ? json_pack("{s:I, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "step", (json_int_t)r->step, "item",
                                r->item, "scope", r->scope, "operation", r->operation, "position", r->position, "a",
                                cli_real(r->a), "b", cli_real(r->b), "relative", cli_real(r->relative), "note", r->note)
                    : json_null();
    json_t *all = json_pack("{s:o, s:I, s:o, s:I, s:b}", "difference", d, "steps", (json_int_t)o->steps, "tolerance",
                            cli_real(o->tolerance), "compared", (json_int_t)r->compared, "diverged", r->diverged);
    gr_status printed = cli_json(c, all);
    if (printed != GR_OK) return printed;
    c->answered = true;
    return GR_OK;
}

static void print(const gr_trace_options *o, const gr_trace_result *r)
{
    if (!r->differs) {
        printf("no difference in %lld update%s: %lld values compared%s\n", (long long)r->step, r->step == 1 ? "" : "s",
               (long long)r->compared, r->diverged ? "; both diverge there" : "");
        return;
    }
    printf("step %lld, %s%s%s: ", (long long)r->step, r->operation, r->scope[0] ? " in " : "", r->scope);
    if (r->shape)
        printf("%s\n", r->note);
    else
        printf("%.9g against %.9g at %s, %.3g of the largest value%s\n", r->a, r->b, r->position, r->relative,
               o->tolerance > 0 ? "" : ": the first bits that differ");
    printf("%lld values before it agree\n", (long long)r->compared);
}

static gr_status read_options(cli *c, gr_trace_options *o)
{
    const char *steps = cli_value(c, "steps"), *tolerance = cli_value(c, "tolerance");
    double n = 1;
    *o = (gr_trace_options){.steps = 1};
    if (steps && (!gr__parse_number(steps, &n) || !(n >= 1 && n <= 1e9) || n != floor(n)))
        return gr__fail(c->ctx, GR_E_USAGE, "--steps %s is not a number of updates from 1 on", steps);
    o->steps = (int64_t)n;
    if (tolerance && (!gr__parse_number(tolerance, &o->tolerance) || !(o->tolerance >= 0 && o->tolerance < 1)))
        return gr__fail(c->ctx, GR_E_USAGE, "--tolerance %s is not in [0, 1)", tolerance);
    return GR_OK;
}

/* The second recipe: every --set, then every --against. */
static gr_status open_second(cli *c, gr_context *ctx, gr_recipe **out)
{
    const char *sets[2 * CLI_MAX_GIVEN];
    int n = 0;
    for (int i = 0; i < c->n_sets; i++) sets[n++] = c->set[i];
    for (int i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].flag->name, "against") == 0) sets[n++] = c->given[i].value;
    gr_status st = gr__recipe_open(ctx, c->argument[c->n_arguments - 1], sets, n, out);
    return st == GR_OK ? gr_context_configure(ctx, (*out)->threads, (*out)->memory) : st;
}

/* The first error is the command's, whichever context it happened in. */
static void take_error(cli *c, const gr_context *ctx)
{
    const gr_error *e = gr_context_error(ctx);
    if (!e->code || gr__error_code(c->ctx)) return;
    gr__fail(c->ctx, e->code, "%s", e->message);
    gr__error_place(c->ctx, e->file[0] ? e->file : NULL, e->line, e->column, e->key[0] ? e->key : NULL);
    if (e->hint[0]) gr__error_hint(c->ctx, "%s", e->hint);
}

static gr_status run(cli *c)
{
    gr_recipe *a = NULL, *b = NULL;
    gr_context *second = NULL;
    gr_trace_options o;
    gr_trace_result r;
    gr_status st = GR_OK;
    if (c->n_arguments == 1 && !cli_value(c, "against")) {
        gr__fail(c->ctx, GR_E_USAGE, "trace: one recipe and nothing to compare it with");
        gr__error_hint(c->ctx, "give a second recipe, or --against KEY=VALUE for the same with a setting changed");
        return GR_E_USAGE;
    }
    GR_TRY(read_options(c, &o));
    GR_TRY(cli_recipe(c, c->argument[0], &a));
    GR_TRY(gr_context_create(NULL, &second)); /* of its own: threads belong to a context */
    GR_TRY(open_second(c, second, &b));
    GR_TRY(gr__trace((gr_context *const[]){c->ctx, second}, (const gr_recipe *const[]){a, b}, &o, &r));
    if (c->json)
        GR_TRY(answer(c, &o, &r));
    else if (!c->quiet)
        print(&o, &r);
    if (r.differs)
        st = gr__fail(c->ctx, GR_E_CHECK, "the runs differ from step %lld, %s%s%s on", (long long)r.step, r.operation,
                      r.scope[0] ? " in " : "", r.scope);
done:
    if (second && st != GR_OK) take_error(c, second);
    if (b) gr__recipe_close(second, b);
    if (a) gr__recipe_close(c->ctx, a);
    gr_context_destroy(second);
    return st;
}

static const cli_flag flags[] = {
    {"against", "KEY=VALUE",
     "changes the second run only, as --set does; may be repeated. Without a second recipe it is the first one's", 0},
    {"steps", "N", "updates to compare, 1 by default", 0},
    {"tolerance", "X", "differences up to X of a tensor's largest value are let pass; by default every bit counts", 0},
    {0},
};

const cli_command cmd_trace = {
    .name = "trace",
    .usage = "RECIPE [RECIPE2] [--against KEY=VALUE]... [--steps N] [--tolerance X]",
    .summary = "Names the first operation at which two runs differ",
    .help = "Both are trained side by side from their seeds, every operation on its own, and what each has written is "
            "compared before the next runs.\n"
            "Exit code 1 when they differ. A tolerance is relative to the largest value of each result: where every "
            "value cancels to 0, as the gradient of\n"
            "a bias before batch_norm does, rounding alone differs by all of it.\n\n"
            "Examples\n  gradus trace r.yaml --against threads=1                        the same bits for any number "
            "of threads\n"
            "  gradus trace r.yaml --against device=ref --tolerance 1e-4      against the float64 reference\n"
            "  gradus trace old.yaml new.yaml --steps 10\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run};
