/* What plan shows of recomputing: layers, and two drawings. */
#include "cli/plan_memory.h"

#include "cli/progress.h"
#include "plan/early.h"
#include "study/search/recomputing.h"

/* ---- what is computed again ---- */

static double million_flops(const void *row)
{
    return ((const gr_recomputed *)row)->flops * 1e-6;
}

static double milliseconds(const void *row)
{
    return ((const gr_recomputed *)row)->ns * 1e-6;
}

static const gr_column recomputed_columns[] = {
    GR_COLUMN(gr_recomputed, layer, TEXT, "layer", GR_SHOWN("computed again", -34), .digits = 34),
    GR_COLUMN(gr_recomputed, kernels, INT, "kernels", GR_SHOWN("kernels", 8)),
    GR_COLUMN(gr_recomputed, bytes_saved, REAL, "bytes_saved", GR_SHOWN("bytes saved", 14), .digits = 0, .style = 'f'),
    GR_COLUMN(gr_recomputed, flops, REAL, "flops"),
    GR_COLUMN(gr_recomputed, flops, REAL, NULL, GR_SHOWN("Mflop", 12), .digits = 3, .style = 'f',
              .number = million_flops),
    GR_COLUMN(gr_recomputed, ns, REAL, NULL, GR_SHOWN("ms", 10), .digits = 3, .style = 'f', .number = milliseconds),
};

static void note_released(gr_result *r, const gr_plan *p)
{
    int n;
    size_t bytes = gr__plan_released(p, &n);
    char size[32];
    gr__result_put(r, "early_updates/gradients=%d early_updates/bytes=%jd", n, (intmax_t)bytes);
    if (n == 0) return;
    gr__size_text(bytes, size, sizeof size);
    gr__result_note(r, "%d gradients (%s) end with their parameters' updates, within the backward pass\n", n, size);
}

void cli_plan_recomputed(gr_result *r, const gr_plan *p)
{
    gr_recomputed *list;
    int n;
    gr_status st = gr__recomputed(r->ctx, r->memory, p, &list, &n);
    gr__result_fail(r, st);
    if (st != GR_OK) return;
    double kept = gr__plan_seconds_kept(p), seconds = gr__plan_seconds(p);
    gr__result_put(r, "predicted_seconds_kept=%g", kept);
    note_released(r, p);
    if (n) {
        gr__result_note(r, "of that %.3g ms compute again what is not kept: %.1f %% more than keeping all\n\n",
                        (seconds - kept) * 1e3, 100 * (seconds / kept - 1));
        GR_TABLE(r, "remat", recomputed_columns, list, n);
        gr__result_note(r, "\n");
    } else {
        gr__result_list(r, "remat", (gr_list){0});
    }
}

void cli_plan_gap(gr_result *r, const gr_plan *p)
{
    gr_plan_bound is = gr_plan_bound_get(p);
    double seconds = gr__plan_seconds(p), bound = is.known ? gr__plan_seconds_kept(p) + 1e-9 * is.again_ns : seconds;
    double gap = seconds > bound * (1 + 1e-9) ? (seconds - bound) / seconds : 0;
    gr__result_put(r, "bound_seconds=%g gap=%g", seconds - gap * seconds, gap);
    gr__result_json(r, "solver", is.solved ? json_string("cbc") : json_null());
    if (gap == 0)
        gr__result_note(r, "no schedule within this memory takes less time\n\n");
    else
        gr__result_note(
            r, "no schedule within this memory takes less than %.4g ms: %.3g %% at most are to be gained%s\n\n",
            1e3 * bound, 100 * gap,
            is.solved ? ""
                      : "; there is no CBC here, which solves integer programs and may find better "
                        "(Debian's package is coinor-libcbc3)");
}

/* ---- drawings ---- */

static const gr_column timeline_columns[] = {GR_NUMBER("ms", "ms", NULL), GR_NUMBER("bytes", "MiB", NULL)};

static void add_line(gr_result *r, const char *name, const gr_plan *p)
{
    const double *stands = gr__plan_stands(r->memory, p);
    gr_table *t = gr__result_numbers(r, name, "the arena over an update", timeline_columns, 2);
    double ms = 0;
    for (int i = 0; i < gr_plan_rows(p) && stands; i++) {
        gr__result_row(r, t, (const double[]){ms, stands[i] / (1 << 20)});
        ms += 1e-6 * gr_plan_row_at(p, i).cost_ns;
        gr__result_row(r, t, (const double[]){ms, stands[i] / (1 << 20)});
    }
}

/* The same with all kept is a plan of its own. */
gr_status cli_plan_timeline(cli *c, gr_result *r, const gr_engine *e, const char *path)
{
    gr_recipe own = *e->task->recipe;
    gr_task task = *e->task;
    gr_engine kept = {0};
    own.memory = 0;
    own.remat = (gr_remat){.policy = "none"};
    task.recipe = &own;
    gr_status st = gr__engine_make(&task, true, 1u << GR_PART_VALIDATION, &kept);
    if (st != GR_OK) return st;
    add_line(r, "kept", kept.plan[0].plan);
    add_line(r, "planned", e->plan[0].plan);
    gr__engine_close(&kept);
    const gr_panel p = {
        .title = gr__result_text(r, "Memory of %s over an update", own.name),
        .caption =
            "What stands in the arena while each kernel runs: gradients, activations, workspace. Time as predicted.",
        .x = {.label = "predicted time, ms"},
        .y = {.label = "MiB"},
        .curve = {{.label = "all kept", .mark = GR_MARK_DASHED, .table = "kept", .x = "ms", .y = "bytes"},
                  {.label = "as planned", .mark = GR_MARK_LINE, .table = "planned", .x = "ms", .y = "bytes"}}};
    gr__result_draw(r, &p);
    return cli_write_drawing(c, r, path);
}

static const gr_column point_columns[] = {
    GR_COLUMN(gr_memory_point, bytes, WHOLE, "bytes", GR_SHOWN("bytes", 14)),
    GR_COLUMN(gr_memory_point, seconds, REAL, "predicted_seconds", GR_SHOWN("predicted s", 14), .digits = 4),
    GR_COLUMN(gr_memory_point, recomputed, INT, "recomputed", GR_SHOWN("kernels again", 15)),
};
static const gr_column curve_columns[] = {GR_NUMBER("memory", "MiB", NULL), GR_NUMBER("time", "ms", NULL)};

static gr_status draw_curve(cli *c, gr_result *r, const char *recipe, const gr_memory_curve *curve, const char *path)
{
    gr_table *t = gr__result_numbers(r, "curve", "time against memory", curve_columns, 2);
    for (int i = 0; i < curve->n; i++)
        gr__result_row(r, t,
                       (const double[]){(double)curve->point[i].bytes / (1 << 20), 1e3 * curve->point[i].seconds});
    const gr_panel p = {
        .title = gr__result_text(r, "Time of an update of %s against memory", recipe),
        .caption = "From the least memory that was found, by computing again, to all kept. Predicted, one thread.",
        .x = {.label = "memory of the run, MiB"},
        .y = {.label = "predicted time of an update, ms"},
        .curve = {{.mark = GR_MARK_PATH, .table = "curve", .x = "memory", .y = "time"}}};
    gr__result_draw(r, &p);
    return cli_write_drawing(c, r, path);
}

gr_status cli_plan_curve(cli *c, const gr_recipe *recipe, const char *out)
{
    gr_result *r = cli_result(c);
    gr_memory_curve *curve = gr__result_alloc(r, sizeof *curve);
    cli_view v = cli_view_make(c->quiet || c->json);
    if (!curve) return GR_E_MEMORY;
    cli_catch_signals();
    gr_status st = gr__memory_curve(c->ctx, recipe, &cli_stop, cli_view_watch(&v), curve);
    cli_view_clear(&v);
    if (st == GR_E_INTERRUPTED) return gr__fail(c->ctx, st, "interrupted");
    if (st != GR_OK) return st;
    GR_TABLE(r, "points", point_columns, curve->point, curve->n);
    if (out) st = draw_curve(c, r, recipe->name, curve, out);
    return st == GR_OK ? cli_show(c, r) : st;
}
