/* Live curves. */
#include "cli/live.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "result/plot.h"

/* ---- curves ---- */

static void halve(cli_curve *c)
{
    for (int i = 0; i < CLI_LIVE_POINTS / 2; i++) {
        c->x[i] = (c->x[2 * i] + c->x[2 * i + 1]) / 2;
        c->y[i] = (c->y[2 * i] + c->y[2 * i + 1]) / 2;
    }
    c->n = CLI_LIVE_POINTS / 2;
    c->each *= 2;
}

void cli_curve_add(cli_curve *c, double x, double y)
{
    if (!isfinite(x) || !isfinite(y)) return;
    if (c->each == 0) c->each = 1;
    if (c->in == c->each || c->n == 0) {
        if (c->n == CLI_LIVE_POINTS) halve(c);
        c->in = 0;
        c->x[c->n] = c->y[c->n] = 0;
        c->n++;
    }
    c->in++;
    c->x[c->n - 1] += (x - c->x[c->n - 1]) / (double)c->in;
    c->y[c->n - 1] += (y - c->y[c->n - 1]) / (double)c->in;
}

void cli_live_take(cli_live *l, const gr_progress *p)
{
    double step = (double)p->step;
    if (p->phase == GR_PHASE_TRAIN) {
        cli_curve_add(&l->train, step, p->train_cost);
        cli_curve_add(&l->rate, step, p->lr);
    }
    if (p->phase != GR_PHASE_EVALUATED) return;
    cli_curve_add(&l->validation, step, p->validation_cost);
    if (!p->n_heads) cli_curve_add(&l->error, step, p->validation_error);
    for (int h = 0; h < p->n_heads && h < 1; h++) cli_curve_add(&l->error, step, p->head_error[h]);
}

/* ---- frames ---- */

enum { MOST_PANELS = 3, LEAST_COLUMNS = 30, LEAST_ROWS = 9, AROUND = 4 }; /* AROUND: lines of a panel beside its axes */
static const double APART = 0.2;                                          /* seconds between two frames */

static gr_series series_of(const cli_curve *c, const char *label, int colour)
{
    return (gr_series){.label = label, .colour = colour, .n = (size_t)c->n, .x = c->x, .y = c->y};
}

/* As many of cost, error and rate as there are curves for, and lines. */
static int panels_of(const cli_live *l, int rows, gr_series series[MOST_PANELS][2], gr_plot plots[MOST_PANELS])
{
    int n = 0, most = GR_MAX(rows / (2 * AROUND - 1), 1);
    series[0][0] = series_of(&l->train, "training", 1);
    series[0][1] = series_of(&l->validation, "validation", 2);
    series[1][0] = series_of(&l->error, NULL, 2);
    series[2][0] = series_of(&l->rate, NULL, 3);
    plots[n++] =
        (gr_plot){.title = "Cost", .x = {.label = "updates"}, .series = series[0], .n_series = l->validation.n ? 2 : 1};
    if (l->error.n && n < most)
        plots[n++] =
            (gr_plot){.title = "Validation error", .x = {.label = "updates"}, .series = series[1], .n_series = 1};
    if (n < most)
        plots[n++] = (gr_plot){.title = "Learning rate", .x = {.label = "updates"}, .series = series[2], .n_series = 1};
    double high = l->train.n ? l->train.x[l->train.n - 1] : 1;
    for (int i = 0; i < n; i++) plots[i].x.high = GR_MAX(high, 1);
    return n;
}

static void add_curves(const cli_live *l, int columns, int rows, gr__text *out)
{
    gr_series series[MOST_PANELS][2];
    gr_plot plots[MOST_PANELS];
    int n = panels_of(l, rows, series, plots);
    const gr_text_style style = {
        .columns = columns, .lines = rows / n - AROUND, .utf8 = cli_utf8(), .colour = cli_colour(STDERR_FILENO)};
    for (int i = 0; i < n && l->train.n; i++)
        if (gr__plot_text(&plots[i], &style, out) != GR_OK) gr_context_clear_error(l->ctx); /* the run goes on */
}

/* At most so many lines, each as it is. */
static void put_lines(const char *text, int rows)
{
    for (int i = 0; i < rows && *text; i++) {
        size_t n = strcspn(text, "\n");
        fprintf(stderr, "%.*s\033[K%s", (int)n, text, i + 1 < rows ? "\r\n" : "");
        text += n + (text[n] == '\n');
    }
}

bool cli_live_due(const cli_live *l, const gr_progress *p)
{
    return p->seconds - l->drawn >= APART || cli_screen_stale();
}

void cli_live_begin(cli_live *l)
{
    l->drawn = -1;
    cli_screen_enter(STDERR_FILENO);
}

void cli_live_draw(cli_live *l, const char *status, double seconds)
{
    int columns = cli_columns(STDERR_FILENO) - 1, rows = cli_rows(STDERR_FILENO);
    gr__text t;
    gr__text_init(&t, l->ctx);
    gr__text_add(&t, "%s\n", status);
    if (columns >= LEAST_COLUMNS && rows >= LEAST_ROWS) add_curves(l, columns, rows - 2, &t);
    l->drawn = seconds;
    fputs("\033[H", stderr);
    if (!t.failed) put_lines(t.s, rows);
    fputs("\033[J", stderr);
    fflush(stderr);
    gr__text_free(&t);
}

void cli_live_end(cli_live *l)
{
    gr__text t;
    gr__text_init(&t, l->ctx);
    cli_screen_leave();
    add_curves(l, cli_columns(STDERR_FILENO) - 1, 2 * (8 + AROUND), &t);
    if (t.s) fputs(t.s, stderr);
    gr__text_free(&t);
}
