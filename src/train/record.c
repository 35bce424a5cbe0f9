/* A line of metrics.jsonl. Written without allocation: it belongs to the step. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/loop.h"

typedef struct line {
    char text[2048];
    size_t n;
} line;

/* snprintf whatever locale the host program has set. */
static int GR_PRINTF(3, 4) format(char *buffer, size_t n, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    int k = gr__print(buffer, n, text, args);
    va_end(args);
    return k;
}

/* Digits that a reader needs: costs and rates to 10, what must equal another command's figure to the last bit to 17. */
static void put(line *l, const char *key, const char *digits, double x)
{
    if (l->n >= sizeof l->text - 64) return;
    l->n += (size_t)format(l->text + l->n, sizeof l->text - l->n, "%s\"%s\":", l->n > 1 ? "," : "", key);
    if (isfinite(x))
        l->n += (size_t)format(l->text + l->n, sizeof l->text - l->n, digits, x);
    else
        l->n += (size_t)format(l->text + l->n, sizeof l->text - l->n, "null");
}

static void put_metrics(line *l, const gr_tree *names, const gr_evaluation *ev)
{
    int n;
    const gr_metric *m = gr__metrics(&n);
    char key[64];
    for (int i = 0; names && i < names->n; i++)
        for (int k = 0; k < n; k++)
            if (strcmp(m[k].name, names->child[i]->text) == 0) {
                snprintf(key, sizeof key, "validation_%s", m[k].name);
                put(l, key, "%.17g", m[k].get(ev));
            }
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
    line t = {.text = "{", .n = 1};
    double seconds = gr__loop_seconds(l);
    put(&t, "step", "%.0f", (double)l->step);
    put(&t, "epoch", "%.10g", gr__loop_epochs(l, l->step));
    put(&t, "samples", "%.0f", (double)l->samples);
    put(&t, "lr", "%.10g", l->lr);
    put(&t, "train_cost", "%.10g", l->train_cost);
    if (l->recipe->penalties.n) put(&t, "data_cost", "%.10g", l->data_cost);
    put(&t, "grad_norm", "%.10g", l->norm);
    put(&t, "seconds", "%.6f", seconds);
    put(&t, "samples_per_second", "%.6g",
        (double)(l->samples - l->line_samples) / GR_MAX(seconds - l->line_began, 1e-9));
    if (ev) {
        put(&t, "validation_cost", "%.17g", ev->cost_mean);
        put(&t, "validation_error", "%.17g", ev->error);
        put_metrics(&t, l->recipe->metrics, ev);
        if (!isnan(l->average_error)) put(&t, "swa_validation_cost", "%.17g", l->average_cost);
        if (!isnan(l->average_error)) put(&t, "swa_validation_error", "%.17g", l->average_error);
    }
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
        return gr__run_metrics_flush(l->run, false);
    }
    return GR_OK;
}
