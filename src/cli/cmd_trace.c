/* gradus trace: two recipes, or one against itself with a setting changed, trained side by side up to the first
 * operation whose result differs. */
#include "cli/cli.h"
#include "study/derivative/trace.h"

typedef struct options {
    cli_pairs against;
    int64_t steps;
    double tolerance;
} options;

static void note(gr_result *r, const gr_trace_options *o, const gr_trace_result *t)
{
    if (!t->differs) {
        gr__result_note(r, "no difference in %lld update%s: %lld values compared%s\n", (long long)t->step,
                        t->step == 1 ? "" : "s", (long long)t->compared, t->diverged ? "; both diverge there" : "");
        return;
    }
    gr__result_note(r, "step %lld, %s%s%s: ", (long long)t->step, t->operation, t->scope[0] ? " in " : "", t->scope);
    if (t->shape)
        gr__result_note(r, "%s\n", t->note);
    else
        gr__result_note(r, "%.9g against %.9g at %s, %.3g of the largest value%s\n", t->a, t->b, t->position,
                        t->relative, o->tolerance > 0 ? "" : ": the first bits that differ");
    gr__result_note(r, "%lld values before it agree\n", (long long)t->compared);
}

static gr_status show(cli *c, const gr_trace_options *o, const gr_trace_result *t)
{
    gr_result *r = cli_result(c);
    if (t->differs) {
        r->within = "difference/";
        gr__result_put(r, "step=%jd item=%d scope=%s operation=%s position=%s a=%g b=%g relative=%g note=%s", t->step,
                       t->item, t->scope, t->operation, t->position, t->a, t->b, t->relative, t->note);
        r->within = NULL;
    } else {
        gr__result_put(r, "difference");
    }
    gr__result_put(r, "steps=%jd tolerance=%g compared=%jd diverged=%u", o->steps, o->tolerance, t->compared,
                   t->diverged);
    note(r, o, t);
    return cli_show(c, r);
}

/* The second recipe: every --set, then every --against. */
static gr_status open_second(cli *c, gr_context *ctx, gr_recipe **out)
{
    const char *sets[2 * CLI_MAX_GIVEN];
    const cli_pairs *against = &((const options *)c->options)->against;
    int n = 0;
    for (int i = 0; i < c->sets.n; i++) sets[n++] = c->sets.at[i];
    for (int i = 0; i < against->n; i++) sets[n++] = against->at[i];
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
    const options *given = c->options;
    const gr_trace_options o = {.steps = given->steps, .tolerance = given->tolerance};
    gr_trace_result r;
    gr_status st = GR_OK;
    if (c->n_arguments == 1 && !given->against.n) {
        gr__fail(c->ctx, GR_E_USAGE, "trace: one recipe and nothing to compare it with");
        gr__error_hint(c->ctx, "give a second recipe, or --against KEY=VALUE for the same with a setting changed");
        return GR_E_USAGE;
    }
    GR_TRY(cli_recipe(c, c->argument[0], &a));
    GR_TRY(gr_context_create(NULL, &second)); /* of its own: threads belong to a context */
    GR_TRY(open_second(c, second, &b));
    GR_TRY(gr__trace((gr_context *const[]){c->ctx, second}, (const gr_recipe *const[]){a, b}, &o, &r));
    GR_TRY(show(c, &o, &r));
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

static const cli_option rows[] = {
    CLI_OPTION(
        options, against, PAIR, "against", "KEY=VALUE",
        "changes the second run only, as --set does; may be repeated. Without a second recipe it is the first one's"),
    CLI_OPTION(options, steps, WHOLE, "steps", "N", "updates to compare, 1 by default", .low = 1, .high = 1e9,
               .usual = 1),
    CLI_OPTION(options, tolerance, REAL, "tolerance", "X",
               "differences up to X of a tensor's largest value are let pass; by default every bit counts", .high = 1),
};

GR_COMMAND(trace) = {
    .name = "trace",
    .place = 20,
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
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 2,
    .run = run};
