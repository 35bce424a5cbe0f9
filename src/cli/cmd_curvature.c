/* gradus curvature: how sharp the minimum is that a model lies in. */
#include "cli/progress.h"
#include "cli/source.h"
#include "study/curvature/curvature.h"

typedef struct options {
    cli_source_options source;
    int64_t samples, probes, eigenvalues, steps;
} options;

static gr_status check_options(cli *c, const options *o)
{
    if (o->probes > 0 && o->probes < GR_LEAST_PROBES)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "--probes: %lld random vectors give no standard error worth its name; at least %d, or 0 for "
                        "none",
                        (long long)o->probes, GR_LEAST_PROBES);
    return o->probes || o->eigenvalues
               ? GR_OK
               : gr__fail(c->ctx, GR_E_USAGE, "--probes 0 and --eig 0 leave nothing to measure");
}

static void progress(void *user, const char *what, int number)
{
    cli_view_show(user, "%s: Hessian product %d", what, number);
}

/* ---- output ---- */

static const gr_column eigenvalue_columns[] = {
    GR_COLUMN(gr_eigenvalue, value, REAL, "value"),
    GR_COLUMN(gr_eigenvalue, residual, REAL, "residual"),
};
static void note_eigenvalue(gr_result *r, const char *name, gr_eigenvalue e)
{
    gr__result_note(r, "%12s  %14.6g  %10.1e\n", name, e.value, e.residual);
}

static gr_status show(cli *c, const gr_hessian *h, const gr_curvature *k)
{
    gr_result *r = cli_result(c);
    double average = k->trace / (double)h->n;
    gr__result_put(r,
                   "part=%s samples=%jd parameters=%jd cost_mean=%g trace=%g trace_error=%g probes=%d "
                   "average_trace=%g",
                   gr__part_name(h->part), h->samples, h->n, k->cost, k->trace, k->trace_error, k->probes, average);
    GR_TABLE(r, "largest", eigenvalue_columns, k->largest, k->n_largest);
    if (k->n_largest)
        gr__result_put(r, "smallest/value=%g smallest/residual=%g", k->smallest.value, k->smallest.residual);
    else
        gr__result_put(r, "smallest");
    gr__result_put(r, "steps=%d converged=%u", k->steps, k->converged);
    gr__result_note(r, "%s cost %.6f over %lld samples; %lld parameters\n", gr__part_name(h->part), k->cost,
                    (long long)h->samples, (long long)h->n);
    if (k->probes)
        gr__result_note(r, "trace %.6g, standard error %.2g of %d probes; average trace %.6g\n", k->trace,
                        k->trace_error, k->probes, average);
    if (k->n_largest)
        gr__result_note(r, "eigenvalues, after %d steps%s\n%12s  %14s  %10s\n", k->steps,
                        k->converged ? "" : ": not all have converged", "", "value", "residual");
    for (int i = 0; i < k->n_largest; i++) {
        char name[24];
        snprintf(name, sizeof name, i ? "%d." : "largest", i + 1);
        note_eigenvalue(r, name, k->largest[i]);
    }
    if (k->n_largest) note_eigenvalue(r, "smallest", k->smallest);
    return cli_show(c, r);
}

static gr_status measure(cli *c, cli_source *s, const options *given)
{
    gr_hessian h = {0};
    gr_curvature k;
    cli_view v = cli_view_make(c->quiet);
    const gr_curvature_options o = {.probes = (int)given->probes,
                                    .eigenvalues = (int)given->eigenvalues,
                                    .steps = (int)given->steps,
                                    .seed = s->recipe.seed,
                                    .stop = &cli_stop,
                                    .progress = progress,
                                    .user = &v};
    gr_status st = gr__hessian_open(c->ctx, &s->recipe, &s->model, s->part, given->samples, &h);
    if (st != GR_OK) return st;
    cli_catch_signals();
    st = gr__curvature(&h, &o, &k);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) GR_TRY(gr__fail(c->ctx, st, "interrupted"));
    if (st != GR_OK) goto done;
    GR_TRY(cli_source_seen(c, &given->source, s, NULL));
    st = show(c, &h, &k);
done:
    gr__hessian_close(&h);
    return st;
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    cli_source s = {0};
    gr_status st = check_options(c, o);
    if (st == GR_OK) st = cli_source_open(c, &o->source, &s);
    if (st == GR_OK) st = measure(c, &s, o);
    cli_source_close(c, &s);
    return st;
}

static const cli_option rows[] = {
    CLI_SOURCE_OPTIONS(options, source, GR_PART_TRAIN, "train"),
    CLI_OPTION(options, samples, WHOLE, "samples", "N",
               "how many samples the cost is over, drawn by the recipe's seed; 1000 unless given", .low = 1,
               .high = 1e15, .usual = 1000),
    CLI_OPTION(options, eigenvalues, WHOLE, "eig", "K",
               "how many of the largest eigenvalues, up to 20; 1 unless given, 0 for none", .high = GR_MAX_EIGENVALUES,
               .usual = 1),
    CLI_OPTION(options, steps, WHOLE, "steps", "N",
               "of Lanczos's method at most, up to 100 (the default); each keeps 8 bytes a parameter", .low = 1,
               .high = GR_MAX_LANCZOS, .usual = GR_MAX_LANCZOS),
    CLI_OPTION(options, probes, WHOLE, "probes", "N",
               "random vectors for the trace at most; 100 unless given, 0 for none", .high = 100000, .usual = 100),
};

GR_COMMAND(curvature) = {.name = "curvature",
                         .place = 8,
                         .usage = "MODEL [--eig K] [--samples N]",
                         .summary = "How sharp the minimum is: trace and largest eigenvalues of the Hessian",
                         .help = "The Hessian holds the second derivatives of the model's mean cost, as in "
                                 "evaluation: no dropout, no penalty, no smoothing. "
                                 "Flat minima, whose\n"
                                 "trace and eigenvalues are small, are said to generalise better (Hochreiter "
                                 "& Schmidhuber 1997); compare models of one "
                                 "architecture and cost alone,\n"
                                 "since scaling the layers of a ReLU network changes these figures and not "
                                 "what it computes (Dinh et al. 2017).\n\n"
                                 "The average trace is the trace by the number of parameters, the mean "
                                 "curvature (Dong et al. 2019). The trace is an estimate "
                                 "from random vectors\n"
                                 "and stops once its standard error is below 5 %; the residual beside an "
                                 "eigenvalue is how far from it a true one can be. A "
                                 "rate above\n"
                                 "2 / largest diverges along that direction.\n\n"
                                 "Example\n  gradus curvature runs/fashion/best.safetensors --eig 5\n",
                         CLI_OPTIONS(options, rows),
                         .min_arguments = 1,
                         .max_arguments = 1,
                         .run = run};
