/* A line of metrics.jsonl. Written without allocation: it belongs to the step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "train/loop.h"

typedef struct line {
    char text[4096 + GR_MAX_TARGETS * GR_MAX_METRICS_NAMED * 192];
    size_t n;
    gr_events *events; /* the same goes there; NULL: to none */
} line;

static void put(line *l, const char *key, double x)
{
    char number[32];
    if (l->n + strlen(key) >= sizeof l->text - 64) return;
    l->n += (size_t)snprintf(l->text + l->n, sizeof l->text - l->n, "%s\"%s\":%s", l->n > 1 ? "," : "", key,
                             gr__json_number(x, number));
    if (l->events) gr__events_scalar(l->events, key, isfinite(x) ? x : (double)NAN); /* null there */
}

/* "validation_error", "validation_kind_f1". */
static void put_figure(line *l, const gr_recipe *r, int head, const char *figure, double x)
{
    char name[GR_FIGURE_TEXT], key[GR_FIGURE_TEXT + 16];
    snprintf(key, sizeof key, "validation_%s", gr__head_figure(r, head, figure, name));
    put(l, key, x);
}

static void put_heads(line *l, const gr_engine *e, const gr_evaluation *ev)
{
    const gr_recipe *r = e->task->recipe;
    put(l, "validation_cost", ev->cost_mean);
    if (ev->solves) put(l, "validation_unsolved", (double)ev->unsolved);
    for (int h = 0; h < ev->n_heads; h++) {
        if (r->heads_named) put_figure(l, r, h, "cost", ev->head[h].cost_mean);
        put_figure(l, r, h, "error", ev->head[h].error);
        for (int i = 0; i < e->metrics[h].n; i++) put_figure(l, r, h, e->metrics[h].use[i].name, ev->head[h].metric[i]);
    }
}

/* The figures of averaged weights, by the name of their slots: "swa_validation_cost". */
static void put_average(line *t, const gr_loop *l)
{
    const char *name = l->engine->view[l->engine->n_views - 1].slot;
    char key[96];
    snprintf(key, sizeof key, "%s_validation_cost", name);
    put(t, key, l->average_cost);
    snprintf(key, sizeof key, "%s_validation_error", name);
    if (l->recipe->n_heads == 1) put(t, key, l->average_error);
}

void gr__record_states(gr_loop *l, gr_states *s)
{
    const gr_state_row rows[] = {
        {"metrics/bytes", GR_STATE_I64, &l->metrics_bytes},
        {"metrics/samples", GR_STATE_I64, &l->line_samples},
    };
    gr__states_add(s, rows, (int)GR_COUNT(rows));
}

gr_status gr__loop_line(gr_loop *l, const gr_evaluation *ev)
{
    line t; /* large: not cleared for the short lines between evaluations */
    t.text[0] = '{';
    t.n = 1;
    t.events = NULL; /* the step is an event's own */
    double seconds = gr__loop_seconds(l);
    put(&t, "step", (double)l->step);
    if (l->run->events.file >= 0) gr__events_begin(t.events = &l->run->events, l->step);
    put(&t, "epoch", gr__loop_epochs(l, l->step));
    put(&t, "samples", (double)l->samples);
    put(&t, "lr", l->lr);
    put(&t, "train_cost", l->train_cost);
    if (l->recipe->penalties.n) put(&t, "data_cost", l->data_cost);
    put(&t, "grad_norm", l->norm);
    if (l->solved.solves) {
        put(&t, "unsolved", (double)l->solved.unsolved);
        put(&t, "evaluations", (double)l->solved.evaluations / (double)l->solved.solves);
    }
    put(&t, "seconds", round(seconds * 1e6) / 1e6);
    put(&t, "samples_per_second", (double)(l->samples - l->line_samples) / GR_MAX(seconds - l->line_began, 1e-9));
    if (ev) {
        put(&t, "train_cost_mean", l->train_cost_mean);
        if (l->training) put(&t, "train_error", l->train_error);
        put_heads(&t, l->engine, ev);
        if (l->average_held) put_average(&t, l);
    }
    if (t.events) gr__events_end(t.events);
    t.text[t.n++] = '}';
    t.text[t.n++] = '\n';
    gr__run_metrics_put(l->run, t.text, t.n);
    l->metrics_bytes = l->run->metrics_bytes;
    l->line_samples = l->samples;
    l->line_began = seconds;
    /* A reader who follows the file sees it grow twice a second; a crash loses nothing that the checkpoint does not
     * give back. */
    if (ev || l->step == 1 || seconds - l->run->flushed_at > 0.5) {
        l->run->flushed_at = seconds;
        gr_status st = gr__run_metrics_flush(l->run, false);
        return st == GR_OK ? gr__events_flush(&l->run->events, false) : st;
    }
    return GR_OK;
}
