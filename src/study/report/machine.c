/* What an update takes of the machine: memory by class and over the step, kernels by predicted time. And what the data
 * is made of. From headers and plans alone: nothing is trained. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "study/report/parts.h"

enum { KERNELS = 15, PIECES = 10, MOST_CLASSES = 100, TEST_PIECES = 4000 };

/* ---- memory ---- */

static void put_bytes(gr_document *d, gr_written_table *t, const char *name, uint64_t bytes)
{
    char size[32];
    gr__size_text(bytes, size, sizeof size);
    gr__document_cell(d, t, GR_CELL_HEAD, "%s", name);
    gr__document_cell(d, t, GR_CELL_NUMBER, "%llu", (unsigned long long)bytes);
    gr__document_cell(d, t, GR_CELL_NUMBER, "%s", size);
}

static void put_classes(gr_report *r, const gr_engine_bytes *b)
{
    gr_document *d = &r->document;
    gr_written_table *t =
        gr__document_table(d,
                           gr__document_text(d, "Tensor memory by class, to the byte, as planned for %d threads",
                                             gr_context_threads(r->ctx)),
                           3);
    if (t->heading) t->heading[0] = "class", t->heading[1] = "bytes", t->heading[2] = "size";
    put_bytes(d, t, "parameters", b->parameters);
    put_bytes(d, t, "gradients", b->gradients);
    put_bytes(d, t, "slots of the optimizer", b->slots);
    put_bytes(d, t, "activations", b->activations);
    put_bytes(d, t, "workspace", b->workspace);
    put_bytes(d, t, "data", b->data);
    put_bytes(d, t, "loader", b->loader);
    put_bytes(d, t, "total", b->total);
}

/* Corners of the boxes of a kind: from before its first item to behind its last one, over its place in the arena. */
static gr_series boxes_of(gr_document *d, const gr_plan *p, bool workspace, double unit)
{
    int n = gr_plan_pieces(p), rows = gr_plan_rows(p), k = 0;
    double *x = gr__document_alloc(d, sizeof *x * 4 * (size_t)(n + 1)), *y = x ? x + 2 * (n + 1) : NULL;
    for (int i = 0; i < n && x; i++) {
        gr_plan_piece is = gr_plan_piece_at(p, i);
        if ((is.scope[0] == '\0' && strcmp(is.what, "workspace") == 0) != workspace) continue;
        x[k] = GR_MAX(is.first, 0);
        y[k++] = (double)is.offset / unit;
        x[k] = GR_MIN(is.last + 1, rows);
        y[k++] = (double)(is.offset + is.bytes) / unit;
    }
    return (gr_series){.label =
                           workspace ? "workspace of kernels, saved values" : "activations, feeds and their gradients",
                       .mark = GR_MARK_BOXES,
                       .colour = workspace ? 2 : 1,
                       .n = (size_t)k,
                       .x = x,
                       .y = y};
}

static double in_use(const gr_plan *p, int row)
{
    double sum = 0;
    for (int i = 0; i < gr_plan_pieces(p); i++) {
        gr_plan_piece is = gr_plan_piece_at(p, i);
        if (is.first <= row && row <= is.last) sum += (double)is.bytes;
    }
    return sum;
}

/* What of the arena is in use while each item runs, as stairs. */
static gr_series stairs_of(gr_document *d, const gr_plan *p, double unit)
{
    int rows = gr_plan_rows(p);
    double *x = gr__document_alloc(d, sizeof *x * 4 * (size_t)(rows + 1)), *y = x ? x + 2 * (rows + 1) : NULL;
    for (int i = 0; i < rows && x; i++) {
        x[2 * i] = i;
        x[2 * i + 1] = i + 1;
        y[2 * i] = y[2 * i + 1] = in_use(p, i) / unit;
    }
    return (gr_series){.label = "in use", .colour = 7, .n = (size_t)(2 * rows), .x = x, .y = y};
}

static void put_timeline(gr_report *r, const gr_plan *p)
{
    gr_document *d = &r->document;
    gr_plot *plot = gr__document_alloc(d, sizeof *plot);
    gr_series *s = plot ? gr__document_alloc(d, sizeof *s * 3) : NULL;
    bool large = gr_plan_bytes(p).arena >= 4 << 20;
    double unit = large ? 1 << 20 : 1 << 10, most = 0;
    int at = 0;
    if (!s) return;
    if (gr_plan_pieces(p) > TEST_PIECES) {
        gr__report_miss(r, "Memory over the step",
                        gr__document_text(d, "it has %d pieces, too many to be told apart", gr_plan_pieces(p)));
        return;
    }
    s[0] = boxes_of(d, p, false, unit);
    s[1] = boxes_of(d, p, true, unit);
    s[2] = stairs_of(d, p, unit);
    for (size_t i = 0; i < s[2].n && s[2].y; i += 2)
        if (s[2].y[i] > most) most = s[2].y[i], at = (int)(i / 2);
    *plot = (gr_plot){
        .title = "Memory over an update",
        .caption = "Each box is a piece of the arena: where it lies, and from which kernel to which it is needed.",
        .description = gr__document_text(d, "%d pieces over %d kernels; most is in use, %.4g %s, while kernel %d runs.",
                                         gr_plan_pieces(p), gr_plan_rows(p), most, large ? "MiB" : "KiB", at + 1),
        .x = {.label = "kernels of an update, in their order"},
        .y = {.label = large ? "MiB of the arena" : "KiB of the arena"},
        .series = s,
        .n_series = 3,
        .width = 640,
        .height = 400};
    gr__document_plot(d, plot, false);
}

static void put_pieces(gr_report *r, const gr_plan *p)
{
    gr_document *d = &r->document;
    gr_plan_item is[PIECES];
    int n = gr_plan_largest(p, is, PIECES);
    gr_written_table *t = gr__document_table(d, "The largest pieces of the arena", 4);
    if (t->heading) t->heading[0] = "made in", t->heading[1] = "by", t->heading[2] = "bytes", t->heading[3] = "size";
    for (int i = 0; i < n; i++) {
        char size[32];
        gr__size_text(is[i].bytes, size, sizeof size);
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", is[i].scope);
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", is[i].what);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%llu", (unsigned long long)is[i].bytes);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", size);
    }
}

/* ---- kernels ---- */

/* What kernels of one kind in one layer come to. */
typedef struct kernels {
    const char *kernel, *scope;
    int n;
    double ns, flops;
} kernels;

static int by_time(const void *a, const void *b)
{
    double x = ((const kernels *)a)->ns, y = ((const kernels *)b)->ns;
    return (x < y) - (x > y);
}

static kernels *add_up(gr_document *d, const gr_plan *p, int *n, double *ns)
{
    kernels *all = gr__document_alloc(d, sizeof *all * (size_t)(gr_plan_rows(p) + 1));
    *n = 0;
    *ns = 0;
    for (int i = 0; i < gr_plan_rows(p) && all; i++) {
        gr_plan_row row = gr_plan_row_at(p, i);
        int k = 0;
        while (k < *n && (strcmp(all[k].kernel, row.kernel) != 0 || strcmp(all[k].scope, row.scope) != 0)) k++;
        if (k == *n) all[(*n)++] = (kernels){.kernel = row.kernel, .scope = row.scope};
        all[k].n++;
        all[k].ns += row.cost_ns;
        all[k].flops += row.flops;
        *ns += row.cost_ns;
    }
    if (all) qsort(all, (size_t)*n, sizeof *all, by_time);
    return all;
}

/* Seconds of an update as they were, over the whole run; NaN: not known. */
static double measured(const gr_read_run *run)
{
    const gr_history *h = &run->history;
    const double *step = gr__history_column(h, "step"), *seconds = gr__history_column(h, "seconds");
    return step && seconds && h->n > 1 && step[h->n - 1] > step[0]
               ? (seconds[h->n - 1] - seconds[0]) / (step[h->n - 1] - step[0])
               : (double)NAN;
}

static void put_kernels(gr_report *r, const gr_read_run *run, const gr_plan *p)
{
    static const char *const heading[] = {"kernel", "in", "calls", "predicted, \xC2\xB5s", "share", "Mflop"};
    gr_document *d = &r->document;
    int n;
    double ns, was = measured(run), rest = 0;
    const kernels *all = add_up(d, p, &n, &ns);
    if (!all) return;
    gr__document_words(d,
                       "Times are predicted by the cost model that chooses kernels, for one thread, and not measured: "
                       "%.4g ms for an update. %s",
                       ns * 1e-6,
                       isfinite(was) ? gr__document_text(d,
                                                         "Measured, an update took %.4g ms on average, with all its "
                                                         "threads, evaluations and checkpoints included.",
                                                         was * 1e3)
                                     : "");
    gr_written_table *t = gr__document_table(d, "Kernels of an update by predicted time", GR_COUNT(heading));
    for (size_t i = 0; i < GR_COUNT(heading) && t->heading; i++) t->heading[i] = heading[i];
    for (int i = 0; i < n; i++) {
        rest += i >= KERNELS ? all[i].ns : 0;
        if (i >= KERNELS) continue;
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", all[i].kernel);
        gr__document_cell(d, t, GR_CELL_WORDS, "%s", all[i].scope);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%d", all[i].n);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.1f", all[i].ns * 1e-3);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.1f %%", 100 * all[i].ns / ns);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%.3f", all[i].flops * 1e-6);
    }
    if (rest > 0) gr__document_words(d, "The other %d take %.1f %%.", n - KERNELS, 100 * rest / ns);
}

/* ---- data ---- */

static void put_class_counts(gr_report *r, const json_t *counts, const char *what)
{
    gr_document *d = &r->document;
    const char *name;
    json_t *value;
    double least = INFINITY, most = 0;
    if (!json_is_object(counts) || json_object_size(counts) == 0) return;
    json_object_foreach((json_t *)counts, name, value)
    {
        least = fmin(least, json_number_value(value));
        most = fmax(most, json_number_value(value));
    }
    gr__document_words(d, "%s: %zu classes, of %.0f to %.0f samples%s.", what, json_object_size(counts), least, most,
                       least > 0 && most > 3 * least ? ", which is unbalanced beyond 3 to 1" : "");
    if (json_object_size(counts) > MOST_CLASSES) return;
    gr_written_table *t = gr__document_table(d, what, 2);
    if (t->heading) t->heading[0] = "class", t->heading[1] = "samples";
    json_object_foreach((json_t *)counts, name, value)
    {
        char number[32];
        gr__document_cell(d, t, GR_CELL_HEAD, "%s", name);
        gr__document_cell(d, t, GR_CELL_NUMBER, "%s", gr__json_number(json_number_value(value), number));
    }
}

/* task NULL: it could not be estimated. */
static void put_data(gr_report *r, const gr_read_run *run, const gr_task *task)
{
    gr_document *d = &r->document;
    char path[64], number[32];
    bool any = false;
    gr__document_section(d, "data", "Data");
    for (int p = 0; p < GR_PARTS; p++) {
        snprintf(path, sizeof path, "samples/%s", gr__part_name((gr_part)p));
        double n = gr__run_number(run, path);
        if (isnan(n) && task && p != GR_PART_TEST && task->set_of[p]) n = (double)task->count[p];
        if (isnan(n)) continue;
        gr__document_term(d, gr__part_name((gr_part)p), "%s samples", gr__json_number(n, number));
        any = true;
    }
    if (!any) gr__report_miss(r, "How many samples there are", "neither result.json nor the data says it");
    put_class_counts(r, gr__run_at(run, "data/classes"), "Training rows of each class");
    put_class_counts(r, gr__run_at(run, "data/balanced"), "After balancing");
}

/* ---- all of it ---- */

static gr_status put_plan(gr_report *r, const gr_read_run *run, const gr_task *task)
{
    gr_document *d = &r->document;
    gr_engine e = {0};
    gr_status st = gr__engine_make(task, true, 1u << GR_PART_VALIDATION, &e);
    if (st == GR_OK) {
        const gr_plan *p = e.plan[0].plan;
        put_classes(r, &e.bytes);
        put_timeline(r, p);
        put_pieces(r, p);
        gr__document_section(d, "kernels", "Kernels");
        put_kernels(r, run, p);
    }
    gr__engine_close(&e);
    return st;
}

gr_status gr__report_machine(gr_report *r, const gr_read_run *run)
{
    gr_task task = {0};
    gr_status st = GR_OK;
    bool estimated = false;
    gr__report_watch(r, "plan", 0);
    gr__document_section(&r->document, "memory", "Memory");
    if (run->recipe) {
        gr__log_mute(r->ctx, true); /* what there is to say of the data was said when it was read */
        st = gr__task_estimate(r->ctx, run->recipe, &task);
        gr__log_mute(r->ctx, false);
        estimated = st == GR_OK;
        if (estimated) st = put_plan(r, run, &task);
        st = gr__report_survive(r, "Memory over the step, and kernels,", st);
    } else {
        gr__report_miss(r, "Memory over the step, and kernels,", run->no_recipe);
    }
    if (st == GR_OK) put_data(r, run, estimated ? &task : NULL);
    gr__task_close(&task);
    return st;
}
