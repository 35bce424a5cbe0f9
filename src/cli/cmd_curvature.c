/* gradus curvature: how sharp the minimum is that a model lies in, and what the cost looks like around it. */
#include <math.h>

#include "cli/progress.h"
#include "cli/source.h"
#include "study/curvature/curvature.h"
#include "study/curvature/slice.h"

typedef struct options {
    cli_source_options source;
    int64_t samples, probes, eigenvalues, steps, density, points;
    bool slice, plane;
    const char *between, *out;
    double reach;
} options;

enum { LINE_POINTS = 51, PLANE_POINTS = 25, GRID = 1000, MOST_POINTS = 1001, MOST_SIDE = 101 };

static bool slices(const options *o)
{
    return o->slice || o->plane || o->between;
}

static bool multiplies(const options *o)
{
    return o->probes || o->eigenvalues || o->density;
}

static gr_status check_options(cli *c, const options *o)
{
    if (o->probes > 0 && o->probes < GR_LEAST_PROBES)
        return gr__fail(c->ctx, GR_E_USAGE,
                        "--probes: %lld random vectors give no standard error worth its name; at least %d, or 0 for "
                        "none",
                        (long long)o->probes, GR_LEAST_PROBES);
    if (o->plane + o->slice + !!o->between > 1)
        return gr__fail(c->ctx, GR_E_USAGE, "--slice, --plane and --between each draw the cost: choose one of them");
    if ((cli_given(c, "points") || cli_given(c, "reach")) && !slices(o))
        return gr__fail(c->ctx, GR_E_USAGE, "--points and --reach belong to --slice, --plane or --between");
    if (o->between && cli_given(c, "reach"))
        return gr__fail(c->ctx, GR_E_USAGE, "--reach: a line between two models goes from -0.5 to 1.5");
    if (o->plane && o->points > MOST_SIDE)
        return gr__fail(c->ctx, GR_E_RANGE, "--points: %lld a side of a plane are more than %d", (long long)o->points,
                        MOST_SIDE);
    return multiplies(o) || slices(o) ? GR_OK
                                      : gr__fail(c->ctx, GR_E_USAGE, "--probes 0 and --eig 0 leave nothing to measure");
}

static void progress(void *user, const char *what, int number)
{
    cli_view_show(user, "%s: Hessian product %d", what, number);
}

/* ---- figures of the Hessian ---- */

static const gr_column eigenvalue_columns[] = {
    GR_COLUMN(gr_eigenvalue, value, REAL, "value"),
    GR_COLUMN(gr_eigenvalue, residual, REAL, "residual"),
};
static void note_eigenvalue(gr_result *r, const char *name, gr_eigenvalue e)
{
    gr__result_note(r, "%12s  %14.6g  %10.1e\n", name, e.value, e.residual);
}

static void tell_eigenvalues(gr_result *r, const gr_curvature *k)
{
    GR_TABLE(r, "largest", eigenvalue_columns, k->largest, k->n_largest);
    if (k->n_largest)
        gr__result_put(r, "smallest/value=%g smallest/residual=%g", k->smallest.value, k->smallest.residual);
    else
        gr__result_put(r, "smallest");
    gr__result_put(r, "steps=%d converged=%u", k->steps, k->converged);
    if (k->n_largest)
        gr__result_note(r, "eigenvalues, after %d steps%s\n%12s  %14s  %10s\n", k->steps,
                        k->converged ? "" : ": not all have converged", "", "value", "residual");
    for (int i = 0; i < k->n_largest; i++) {
        char name[24];
        snprintf(name, sizeof name, i ? "%d." : "largest", i + 1);
        note_eigenvalue(r, name, k->largest[i]);
    }
    if (k->n_largest) note_eigenvalue(r, "smallest", k->smallest);
}

static void tell_hessian(gr_result *r, const gr_surface *h, const gr_curvature *k)
{
    double average = k->trace / (double)h->n;
    gr__result_put(r,
                   "part=%s samples=%jd parameters=%jd cost_mean=%g trace=%g trace_error=%g probes=%d "
                   "average_trace=%g",
                   gr__part_name(h->part), h->samples, h->n, k->cost, k->trace, k->trace_error, k->probes, average);
    gr__result_note(r, "%s cost %.6f over %lld samples; %lld parameters\n", gr__part_name(h->part), k->cost,
                    (long long)h->samples, (long long)h->n);
    if (k->probes)
        gr__result_note(r, "trace %.6g, standard error %.2g of %d probes; average trace %.6g\n", k->trace,
                        k->trace_error, k->probes, average);
    tell_eigenvalues(r, k);
}

/* ---- the density ---- */

static const gr_column density_columns[] = {
    GR_COLUMN(gr_density_row, probe, INT, "probe"),
    GR_COLUMN(gr_density_row, value, REAL, "value"),
    GR_COLUMN(gr_density_row, weight, REAL, "weight"),
};
static const gr_column grid_columns[] = {GR_NUMBER("eigenvalue", "", NULL), GR_NUMBER("density", "", NULL)};
static const double LEAST = 1e-7; /* of what is drawn, relative to the highest */

static void draw_density(gr_result *r, const gr_surface *h, const gr_density *d)
{
    double low = INFINITY, high = -INFINITY, top = 0, margin = 5 * gr__density_width(d);
    for (int i = 0; i < d->n; i++) low = fmin(low, d->row[i].value), high = fmax(high, d->row[i].value);
    gr_table *t = gr__result_numbers(r, "density", "spectral density", grid_columns, (int)GR_COUNT(grid_columns));
    for (int i = 0; i < GRID; i++) {
        double x = low - margin + (high - low + 2 * margin) * i / (GRID - 1), y = gr__density_at(d, x);
        top = fmax(top, y);
        gr__result_row(r, t, (const double[]){x, y});
    }
    gr__result_draw(
        r, &(gr_panel){
               .name = "density",
               .title = gr__result_text(r, "Spectral density of the Hessian, %s samples", gr__part_name(h->part)),
               .caption = gr__result_text(r,
                                          "%lld samples, %lld parameters; %d random vectors of at "
                                          "most %d steps; eigenvalues seen from %.4g to %.4g.",
                                          (long long)h->samples, (long long)h->n, d->probes, GR_MAX_LANCZOS, low, high),
               .x = {.label = "eigenvalue"},
               .y = {.label = "density", .log = true, .low = LEAST * top, .high = 2 * top},
               .curve = {{.table = "density", .x = "eigenvalue", .y = "density"}}});
}

static void tell_density(gr_result *r, const gr_surface *h, const gr_density *d)
{
    double negative = 0;
    if (!d->probes) return;
    for (int i = 0; i < d->n; i++)
        if (d->row[i].value < -gr__density_width(d)) negative += d->row[i].weight / d->probes;
    GR_TABLE(r, "density", density_columns, d->row, d->n);
    gr__result_put(r, "density_width=%g density_trace=%g density_trace_error=%g negative_share=%g",
                   gr__density_width(d), d->trace, d->trace_error, negative);
    gr__result_note(r, "density of %d random vectors: trace %.6g", d->probes, d->trace);
    if (!isnan(d->trace_error)) gr__result_note(r, ", standard error %.2g", d->trace_error);
    gr__result_note(r, "; %.2g %% of the eigenvalues are negative\n", 100 * negative);
    draw_density(r, h, d);
}

/* ---- slices ---- */

static const gr_column line_columns[] = {
    GR_COLUMN(gr_slice_point, a, REAL, "a"),
    GR_COLUMN(gr_slice_point, cost, REAL, "cost"),
};
static const gr_column plane_columns[] = {
    GR_COLUMN(gr_slice_point, a, REAL, "a"),
    GR_COLUMN(gr_slice_point, b, REAL, "b"),
    GR_COLUMN(gr_slice_point, cost, REAL, "cost"),
};
static const gr_column number_columns[] = {GR_NUMBER("a", "", NULL), GR_NUMBER("b", "", NULL),
                                           GR_NUMBER("cost", "", NULL)};

static void draw_slice(gr_result *r, const gr_surface *s, const options *o, const gr_slice_point *p, size_t n)
{
    gr_table *t = gr__result_numbers(r, "slice", "cost", number_columns, (int)GR_COUNT(number_columns));
    for (size_t i = 0; i < n; i++) gr__result_row(r, t, (const double[]){p[i].a, p[i].b, p[i].cost});
    const char *of = gr__result_text(r, "%s cost, %lld samples", gr__part_name(s->part), (long long)s->samples);
    gr_panel panel = {
        .name = "slice",
        .title =
            o->between ? "Cost on the line between two models" : "Cost around a model, directions of filters' norms",
        .caption = gr__result_text(r, "%s; %s.", of, o->between ? "0 is the model, 1 the other" : "0 is the model"),
        .x = {.label = "a"},
        .y = {.label = o->plane ? "b" : "cost"},
        .curve = {{.table = "slice", .x = "a", .y = "cost"}}};
    if (o->plane)
        panel.curve[0] = (gr_curve){.mark = GR_MARK_CONTOUR, .table = "slice", .x = "a", .y = "b", .z = "cost"};
    gr__result_draw(r, &panel);
}

static void tell_slice(gr_result *r, const gr_surface *s, const options *o, const gr_slice_point *p, size_t n)
{
    double lowest = INFINITY;
    size_t missing = 0;
    gr__result_put(r, "direction=%s", o->between ? "between" : "random");
    if (o->plane)
        GR_TABLE(r, "slice", plane_columns, p, n);
    else
        GR_TABLE(r, "slice", line_columns, p, n);
    for (size_t i = 0; i < n; i++) {
        lowest = fmin(lowest, p[i].cost);
        missing += isnan(p[i].cost);
    }
    if (isfinite(lowest)) gr__result_note(r, "the lowest of %zu points costs %.6g\n", n, lowest);
    if (missing) gr__result_note(r, "%zu costs are not finite\n", missing);
    draw_slice(r, s, o, p, n);
}

static void point_progress(void *user, const char *what, int number)
{
    cli_view_show(user, "%s: point %d", what, number);
}

/* The points, in the result's memory. */
static gr_status slice(cli *c, gr_result *r, const cli_source *s, const gr_model *other, const options *o)
{
    gr_surface surface = {0};
    cli_view v = cli_view_make(c->quiet);
    int points = o->points ? (int)o->points : o->plane ? PLANE_POINTS : LINE_POINTS;
    size_t n = (size_t)points * (size_t)(o->plane ? points : 1);
    gr_slice_point *p = gr__result_alloc(r, n * sizeof *p);
    gr_status st = p ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(gr__surface_open(c->ctx, &s->recipe, &s->model, s->part, o->samples, GR_SURFACE_COST, &surface));
    st = gr__slice(&surface,
                   &(gr_slice_options){.other = other,
                                       .plane = o->plane,
                                       .points = points,
                                       .low = other ? -0.5 : -o->reach,
                                       .high = other ? 1.5 : o->reach,
                                       .seed = s->recipe.seed,
                                       .stop = &cli_stop,
                                       .progress = point_progress,
                                       .user = &v},
                   p);
    cli_view_clear(&v);
    GR_TRY(st);
    if (!multiplies(o))
        gr__result_put(r, "part=%s samples=%jd parameters=%jd", gr__part_name(s->part), surface.samples, surface.n);
    tell_slice(r, &surface, o, p, n);
done:
    gr__surface_close(&surface);
    return st;
}

static gr_status slice_to(cli *c, gr_result *r, const cli_source *s, const options *o)
{
    gr_model other = {0};
    gr_status st = o->between ? gr__model_open(c->ctx, o->between, &other) : GR_OK;
    if (st == GR_OK) st = slice(c, r, s, o->between ? &other : NULL, o);
    gr__model_close(&other);
    return st;
}

/* ---- all ---- */

static gr_status hessian(cli *c, gr_result *r, const cli_source *s, const options *given)
{
    gr_surface h = {0};
    gr_curvature *k = gr__result_alloc(r, sizeof *k);
    cli_view v = cli_view_make(c->quiet);
    const gr_curvature_options o = {.probes = (int)given->probes,
                                    .eigenvalues = (int)given->eigenvalues,
                                    .steps = (int)given->steps,
                                    .density = (int)given->density,
                                    .seed = s->recipe.seed,
                                    .stop = &cli_stop,
                                    .progress = progress,
                                    .user = &v};
    gr_status st = k ? GR_OK : GR_E_MEMORY;
    GR_TRY(st);
    GR_TRY(gr__surface_open(c->ctx, &s->recipe, &s->model, s->part, given->samples, GR_SURFACE_HESSIAN, &h));
    st = gr__curvature(&h, &o, k);
    cli_view_clear(&v);
    GR_TRY(st);
    tell_hessian(r, &h, k);
    tell_density(r, &h, &k->density);
done:
    gr__surface_close(&h);
    return st;
}

static gr_status measure(cli *c, cli_source *s, const options *o)
{
    gr_result *r = cli_result(c);
    gr_status st = GR_OK;
    cli_catch_signals();
    if (multiplies(o)) st = hessian(c, r, s, o);
    if (st == GR_OK && slices(o)) st = slice_to(c, r, s, o);
    if (st == GR_E_INTERRUPTED) return gr__fail(c->ctx, st, "interrupted");
    if (st != GR_OK) return st;
    st = cli_source_seen(c, &o->source, s, NULL);
    if (st != GR_OK) return st;
    if (o->out) gr__result_list(r, "files", cli_write_files(c, r, o->out, NULL));
    return cli_show(c, r);
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
    CLI_OPTION(options, density, WHOLE, "density", "N",
               "where all eigenvalues lie, from N random vectors, up to 20: 1 for a look, 10 for a picture",
               .high = GR_MAX_DENSITY),
    CLI_OPTION(options, slice, SWITCH, "slice", NULL, "the cost along a random direction through the weights"),
    CLI_OPTION(options, plane, SWITCH, "plane", NULL, "the cost over a plane of two random directions"),
    CLI_OPTION(options, between, TEXT, "between", "MODEL2", "the cost along the line to another model"),
    CLI_OPTION(options, points, WHOLE, "points", "N", "of a slice, 51 unless given; of a side of a plane, 25", .low = 2,
               .high = MOST_POINTS),
    CLI_OPTION(options, reach, REAL, "reach", "R",
               "how far a slice or plane goes on either side, in lengths of the filters; 1 unless given", .low = 1e-6,
               .high = 1e6, .usual = 1),
    CLI_OPTION(options, out, TEXT, "out", "DIR", "density and slice as CSV and SVG into this folder", .letter = 'o'),
};

GR_COMMAND(curvature) = {
    .name = "curvature",
    .place = 19,
    .usage = "MODEL [--eig K] [--samples N] [--density N] [--slice|--plane|--between MODEL2] [-o DIR]",
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
            "--density draws where all eigenvalues lie (stochastic Lanczos quadrature). --slice "
            "and --plane draw the cost around the weights; each filter of a\n"
            "direction has the norm of the model's (Li et al. 2018), so that their curves, "
            "unlike the figures above, do not change when layers are scaled.\n"
            "--between goes from the model, at 0, to another, at 1, running statistics "
            "included.\n\n"
            "Examples\n  gradus curvature runs/fashion/best.safetensors --eig 5\n"
            "  gradus curvature runs/fashion/best.safetensors --density 10 -o curvature\n"
            "  gradus curvature runs/a/best.safetensors --probes 0 --eig 0 --between "
            "runs/b/best.safetensors -o curvature\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run};
