/* gradus check: is the recipe's model, with its data and its initial weights, fit for training? Each check has a
 * verdict, a figure and what to do about it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json.h"
#include "study/study.h"

/* ---- progress ---- */

typedef struct view {
    bool terminal;
    double began, said;
    gr_watch watch;
} view;

static void say(void *user, const char *what, double share)
{
    view *v = user;
    double now = cli_now();
    if (now - v->said < 0.1) return;
    v->said = now;
    fprintf(stderr, "\r%s: %.0f %%   %.0f s\033[K", what, 100 * share, now - v->began);
    fflush(stderr);
}

/* Whom to tell: nobody without a terminal, or where a program or nobody reads. */
static const gr_watch *open_view(const cli *c, view *v)
{
    *v = (view){.terminal = isatty(STDERR_FILENO) && !c->quiet && !c->json, .began = cli_now()};
    v->watch = (gr_watch){say, v};
    return v->terminal ? &v->watch : NULL;
}

static void close_view(const view *v)
{
    if (v->said > 0) fputs("\r\033[K", stderr);
}

/* ---- answers ---- */

/* Prints o and lets it go. */
static gr_status answer(cli *c, json_t *o)
{
    gr_status printed = cli_json(c, o);
    if (printed != GR_OK) return printed;
    c->answered = true;
    return GR_OK;
}

static json_t *finding_json(const gr_finding *f)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "id", f->id, "name", f->name, "verdict",
                     gr__verdict_name(f->verdict), "figure", cli_real(f->figure), "limit", cli_real(f->limit),
                     "message", cli_text(f->message));
}

static void print_finding(const gr_finding *f)
{
    char figure[32] = "-";
    if (!isnan(f->figure)) snprintf(figure, sizeof figure, "%.4g", f->figure);
    const char *verdict = f->verdict == GR_VERDICT_FAILED ? "FAILED" : gr__verdict_name(f->verdict); /* stands out */
    printf("%-8s %-3s %-15s %10s  %s\n", verdict, f->id, f->name, figure, f->message);
}

static gr_status conclude(cli *c, const gr_finding *f, int n)
{
    int failed = 0;
    const char *first = "";
    for (int i = n - 1; i >= 0; i--)
        if (f[i].verdict == GR_VERDICT_FAILED) failed++, first = f[i].name;
    return failed ? gr__fail(c->ctx, GR_E_CHECK, "%d of %d checks failed, the first is %s", failed, n, first) : GR_OK;
}

/* ---- one at a time ---- */

static json_t *gradient_json(const gr_gradient_row *r)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:b}", "name", r->name, "count", (json_int_t)r->count, "checked",
                     (json_int_t)r->checked, "judged", (json_int_t)r->judged, "error",
                     cli_real(r->judged ? r->error : NAN), "passed", !r->wrong);
}

static void print_gradients(const gr_gradient_row *rows, size_t n, const gr_finding *f)
{
    printf("%-32s %12s %8s %8s %12s\n", "parameter", "elements", "checked", "judged", "error");
    for (size_t i = 0; i < n; i++) {
        const gr_gradient_row *r = &rows[i];
        printf("%-32s %12lld %8lld %8lld %12.2e  %s\n", r->name, (long long)r->count, (long long)r->checked,
               (long long)r->judged, r->error,
               r->wrong     ? "WRONG"
               : r->judged  ? "ok"
               : r->checked ? "not judged"
                            : "not looked at");
    }
    if (f->verdict != GR_VERDICT_FAILED) printf("%s\n", f->message);
}

static gr_status gradients(cli *c, const gr_recipe *r)
{
    gr_gradient_row *rows = NULL;
    size_t n = 0;
    gr_finding f = {.id = "P4", .name = "gradients"};
    view v;
    gr_status st = gr__check_gradients(c->ctx, r, &(gr_gradient_options){GR_GRADIENT_MANY, 0, open_view(c, &v)}, &rows,
                                       &n, c->memory, &f);
    close_view(&v);
    if (st != GR_OK) return st;
    json_t *list = json_array();
    for (size_t i = 0; i < n && c->json; i++) json_array_append_new(list, gradient_json(&rows[i]));
    if (!c->json && !c->quiet) print_gradients(rows, n, &f);
    if (c->json)
        st = answer(c, json_pack("{s:O, s:o, s:b}", "gradients", list, "limit", cli_real(GR_GRADIENT_LIMIT), "passed",
                                 f.verdict != GR_VERDICT_FAILED));
    json_decref(list);
    return st == GR_OK && f.verdict == GR_VERDICT_FAILED ? gr__fail(c->ctx, GR_E_CHECK, "%s", f.message) : st;
}

static json_t *spread_json(gr_spread s)
{
    return json_pack("{s:o, s:o, s:o}", "mean", cli_real(s.mean), "variance", cli_real(s.variance), "mean_square",
                     cli_real(s.square));
}

static gr_status initialisation(cli *c, const gr_recipe *r)
{
    gr_init_row *rows = NULL;
    size_t n = 0;
    gr_probe p = {0};
    gr_finding f[] = {{.id = "I1", .name = "symmetry"}, {.id = "I2", .name = "initialisation"}};
    json_t *layers = json_array(), *checks = json_array();
    gr_status st = GR_OK;
    GR_TRY(gr__probe_open(c->ctx, r, &p));
    GR_TRY(gr__check_symmetry(&p, &f[0]));
    GR_TRY(gr__check_init(&p, c->memory, &rows, &n, &f[1]));
    if (c->json) {
        for (size_t i = 0; i < n; i++)
            json_array_append_new(layers, json_pack("{s:s, s:s, s:o, s:o}", "name", rows[i].name, "type", rows[i].type,
                                                    "activation", spread_json(rows[i].activation), "gradient",
                                                    spread_json(rows[i].gradient)));
        for (size_t i = 0; i < GR_COUNT(f); i++) json_array_append_new(checks, finding_json(&f[i]));
        GR_TRY(answer(c, json_pack("{s:O, s:O, s:b}", "layers", layers, "checks", checks, "passed",
                                   f[1].verdict != GR_VERDICT_FAILED)));
    } else if (!c->quiet) {
        printf("%-24s %-16s %11s %11s %13s %13s\n", "layer", "type", "mean", "variance", "gradient mean",
               "gradient var");
        for (size_t i = 0; i < n; i++)
            printf("%-24s %-16s %11.3g %11.3g %13.3g %13.3g\n", rows[i].name, rows[i].type, rows[i].activation.mean,
                   rows[i].activation.variance, rows[i].gradient.mean, rows[i].gradient.variance);
        for (size_t i = 0; i < GR_COUNT(f); i++) print_finding(&f[i]);
    }
    st = conclude(c, f, (int)GR_COUNT(f));
done:
    json_decref(layers);
    json_decref(checks);
    gr__probe_close(&p);
    return st;
}

/* ---- all ---- */

static gr_status everything(cli *c, const gr_recipe *r)
{
    gr_finding f[GR_CHECKS];
    gr_format_row *formats = NULL;
    size_t n_formats = 0;
    view v;
    gr_status st = gr__check_all(c->ctx, r, open_view(c, &v), c->memory, f, &formats, &n_formats);
    close_view(&v);
    if (st != GR_OK) return st;
    gr_status verdict = conclude(c, f, GR_CHECKS);
    if (c->json) {
        json_t *list = json_array(), *tensors = json_array();
        for (int i = 0; i < GR_CHECKS; i++) json_array_append_new(list, finding_json(&f[i]));
        for (size_t i = 0; i < n_formats; i++)
            json_array_append_new(tensors, json_pack("{s:s, s:s, s:s}", "name", formats[i].name, "kind",
                                                     formats[i].kind, "format", formats[i].format));
        st = answer(c, json_pack("{s:o, s:o, s:b}", "checks", list, "tensors", tensors, "passed", verdict == GR_OK));
    } else if (!c->quiet) {
        for (int i = 0; i < GR_CHECKS; i++) print_finding(&f[i]);
    }
    return st == GR_OK ? verdict : st;
}

static gr_status run(cli *c)
{
    gr_recipe *r = NULL;
    bool slopes = cli_value(c, "gradients"), init = cli_value(c, "init");
    if (slopes && init)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "check: --gradients and --init each restrict to one check; without them all are made");
    gr_status st = cli_recipe(c, c->argument[0], &r);
    if (st != GR_OK) return st;
    st = slopes ? gradients(c, r) : init ? initialisation(c, r) : everything(c, r);
    gr__recipe_close(c->ctx, r);
    return st;
}

static const cli_flag flags[] = {
    {"gradients", NULL,
     "only back-propagation against central differences in float64, with more elements and a line a parameter", 0},
    {"init", NULL, "only the initial weights: mean and variance of activations and gradients, a line a layer", 0},
    {0},
};

const cli_command cmd_check = {
    .name = "check",
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
        "                     one comparison a parameter goes along all its elements. A large network gets fewer\n\n"
        "Example\n  gradus check recipes/fashion.yaml\n",
    .flags = flags,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
