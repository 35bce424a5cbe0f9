/* gradus check: is the recipe's model, with its data and its initial weights, fit for training? Each check has a
 * verdict, a figure and what to do about it. */
#include <math.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "study/check/check.h"

typedef struct options {
    bool gradients, init;
} options;

/* ---- findings ---- */

static const char *const loud_words[] = {"ok", "warning", "FAILED"}; /* what stands out */
static const gr_column finding_columns[] = {
    GR_COLUMN(gr_finding, verdict, INT, NULL, GR_SHOWN("", -8), .words = loud_words),
    GR_COLUMN(gr_finding, id, TEXT, "id", GR_SHOWN("", -3)),
    GR_COLUMN(gr_finding, name, TEXT, "name", GR_SHOWN("", -15)),
    GR_COLUMN(gr_finding, verdict, INT, "verdict", .words = gr__verdict_words),
    GR_COLUMN(gr_finding, figure, REAL, "figure", GR_SHOWN("", 10), .digits = 4, .none = "-"),
    GR_COLUMN(gr_finding, limit, REAL, "limit"),
    GR_COLUMN(gr_finding, message, CHARS, "message", GR_SHOWN("", 0), .gap = 1),
};

static gr_status conclude(cli *c, const gr_finding *f, int n)
{
    const gr_finding *first;
    int failed = gr__findings_failed(f, n, &first);
    return failed ? gr__fail(c->ctx, GR_E_CHECK, "%d of %d checks failed, the first is %s", failed, n, first->name)
                  : GR_OK;
}

/* ---- one at a time ---- */

static double judged_error(const void *row)
{
    const gr_gradient_row *r = row;
    return r->judged ? r->error : NAN;
}

static double right(const void *row)
{
    return !((const gr_gradient_row *)row)->wrong;
}

static double status(const void *row)
{
    const gr_gradient_row *r = row;
    return r->wrong ? 0 : r->judged ? 1 : r->checked ? 2 : 3;
}
static const char *const status_words[] = {"WRONG", "ok", "not judged", "not looked at"};

static const gr_column gradient_columns[] = {
    GR_COLUMN(gr_gradient_row, name, TEXT, "name", GR_SHOWN("parameter", -32)),
    GR_COLUMN(gr_gradient_row, count, WHOLE, "count", GR_SHOWN("elements", 12)),
    GR_COLUMN(gr_gradient_row, checked, WHOLE, "checked", GR_SHOWN("checked", 8)),
    GR_COLUMN(gr_gradient_row, judged, WHOLE, "judged", GR_SHOWN("judged", 8)),
    GR_COLUMN(gr_gradient_row, error, REAL, NULL, GR_SHOWN("error", 12), .digits = 2, .style = 'e'),
    GR_COLUMN(gr_gradient_row, error, REAL, "error", .number = judged_error),
    GR_COLUMN(gr_gradient_row, wrong, TRUTH, "passed", .number = right),
    GR_COLUMN(gr_gradient_row, wrong, INT, NULL, GR_SHOWN("", 0), .words = status_words, .number = status, .gap = 1),
};

static gr_status gradients(cli *c, const gr_recipe *recipe)
{
    gr_gradient_row *rows = NULL;
    size_t n = 0;
    gr_finding f = {.id = "P4", .name = "gradients"};
    cli_view v = cli_view_make(c->quiet || c->json); /* where a program reads, nobody is told */
    gr_status st = gr__check_gradients(c->ctx, recipe, &(gr_gradient_options){GR_GRADIENT_MANY, 0, cli_view_watch(&v)},
                                       &rows, &n, c->memory, &f);
    cli_view_clear(&v);
    if (st != GR_OK) return st;
    bool failed = f.verdict == GR_VERDICT_FAILED;
    gr_result *r = cli_result(c);
    GR_TABLE(r, "gradients", gradient_columns, rows, n);
    gr__result_put(r, "limit=%g passed=%u", GR_GRADIENT_LIMIT, !failed);
    if (!failed) gr__result_note(r, "%s\n", f.message);
    st = cli_show(c, r);
    return st == GR_OK && failed ? gr__fail(c->ctx, GR_E_CHECK, "%s", f.message) : st;
}

static const gr_column init_columns[] = {
    GR_COLUMN(gr_init_row, name, TEXT, "name", GR_SHOWN("layer", -24)),
    GR_COLUMN(gr_init_row, type, TEXT, "type", GR_SHOWN("type", -16)),
    GR_COLUMN(gr_init_row, activation.mean, REAL, "activation/mean", GR_SHOWN("mean", 11), .digits = 3),
    GR_COLUMN(gr_init_row, activation.variance, REAL, "activation/variance", GR_SHOWN("variance", 11), .digits = 3),
    GR_COLUMN(gr_init_row, activation.square, REAL, "activation/mean_square"),
    GR_COLUMN(gr_init_row, gradient.mean, REAL, "gradient/mean", GR_SHOWN("gradient mean", 13), .digits = 3),
    GR_COLUMN(gr_init_row, gradient.variance, REAL, "gradient/variance", GR_SHOWN("gradient var", 13), .digits = 3),
    GR_COLUMN(gr_init_row, gradient.square, REAL, "gradient/mean_square"),
};

static gr_status initialisation(cli *c, const gr_recipe *recipe)
{
    gr_init_row *rows = NULL;
    size_t n = 0;
    gr_probe p = {0};
    gr_finding f[] = {{.id = "I1", .name = "symmetry"}, {.id = "I2", .name = "initialisation"}};
    gr_status st = GR_OK;
    GR_TRY(gr__probe_open(c->ctx, recipe, &p));
    GR_TRY(gr__check_symmetry(&p, &f[0]));
    GR_TRY(gr__check_init(&p, c->memory, &rows, &n, &f[1]));
    gr_result *r = cli_result(c);
    GR_TABLE(r, "layers", init_columns, rows, n);
    GR_TABLE(r, "checks", finding_columns, f, GR_COUNT(f));
    gr__result_put(r, "passed=%u", f[1].verdict != GR_VERDICT_FAILED);
    GR_TRY(cli_show(c, r));
    st = conclude(c, f, (int)GR_COUNT(f));
done:
    gr__probe_close(&p);
    return st;
}

/* ---- all ---- */

static const gr_column tensor_columns[] = {
    GR_COLUMN(gr_format_row, name, TEXT, "name"),
    GR_COLUMN(gr_format_row, kind, TEXT, "kind"),
    GR_COLUMN(gr_format_row, format, TEXT, "format"),
};

static gr_status everything(cli *c, const gr_recipe *recipe)
{
    gr_finding f[GR_CHECKS];
    const gr_finding *first;
    gr_format_row *formats = NULL;
    size_t n_formats = 0;
    cli_view v = cli_view_make(c->quiet || c->json);
    gr_status st = gr__check_all(c->ctx, recipe, cli_view_watch(&v), c->memory, f, &formats, &n_formats);
    cli_view_clear(&v);
    if (st != GR_OK) return st;
    gr_result *r = cli_result(c);
    GR_TABLE(r, "checks", finding_columns, f, GR_CHECKS);
    GR_TABLE(r, "tensors", tensor_columns, formats, n_formats);
    gr__result_put(r, "passed=%u", gr__findings_failed(f, GR_CHECKS, &first) == 0);
    st = cli_show(c, r);
    return st == GR_OK ? conclude(c, f, GR_CHECKS) : st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    const options *o = c->options;
    if (o->gradients && o->init)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "check: --gradients and --init each restrict to one check; without them all are made");
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = o->gradients ? gradients(c, r) : o->init ? initialisation(c, r) : everything(c, r);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(
        options, gradients, SWITCH, "gradients", NULL,
        "only back-propagation against central differences in float64, with more elements and a line a parameter"),
    CLI_OPTION(options, init, SWITCH, "init", NULL,
               "only the initial weights: mean and variance of activations and gradients, a line a layer"),
};

GR_COMMAND(check) = {
    .name = "check",
    .place = 6,
    .usage = "RECIPE [--gradients | --init]",
    .summary = "Checks a recipe's data, outputs, initial cost, weights and gradients before training",
    .help =
        "Each check has a line: verdict, figure, and what was seen or is to be done. Exit code 1 when one fails; "
        "warnings leave it 0.\n"
        "  X1 formats         the number format of every tensor\n"
        "  T3 data            batches differ, inputs vary and keep their labels, the cost follows the inputs; a column "
        "that never changes is a warning\n"
        "  T4 outputs         shape, finite, probabilities that sum to 1\n"
        "  T5 initial cost    what guessing costs: ln K for K classes\n"
        "  I1 symmetry        no layer's units start equal and stay so\n"
        "  I2 initialisation  activations keep their scale through the layers\n"
        "  P4 gradients       back-propagation against central differences; the error is relative to the tensor's "
        "largest slope.\n"
        "                     Taken near the initial weights, and judged where no ReLU, pooling or other kink lies "
        "between the two points;\n"
        "                     one comparison a parameter goes along all its elements. A large network gets fewer\n"
        "  X4 dropout, norms  not both: a warning\n"
        "  T9 batch norm      batches of 32 at least, where layers normalise by them: a warning\n"
        "  X5 batch           the same of the samples an update sees at once\n"
        "  X14 dead units     of the units behind a ReLU at most 40 % give 0 for all that is seen: a warning\n"
        "  X15 sigmoids       only as gates, or as the output for two classes: a warning\n\n"
        "Example\n  gradus check recipes/fashion.yaml\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
