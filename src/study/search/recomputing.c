/* Plans read again: what they compute twice; and plans of ever more memory. */
#include "study/search/recomputing.h"

#include <string.h>

#include "train/train.h"

/* ---- an update's plan ---- */

/* "block" of `bottleneck "block" / conv "block.c1"`; a scope without a name as it is. */
static const char *layer_of(gr__bump *b, const char *scope)
{
    const char *from = strchr(scope, '"'), *to = from ? strchr(from + 1, '"') : NULL;
    if (to) return gr__bump_format(b, "%.*s", (int)(to - from - 1), from + 1);
    return gr__bump_strdup(b, scope);
}

gr_status gr__recomputed(gr_context *ctx, gr__bump *b, const gr_plan *p, gr_recomputed **list, int *n)
{
    int rows = gr_plan_rows(p);
    *n = 0;
    *list = gr__bump_alloc(b, ((size_t)rows + 1) * sizeof **list);
    if (!*list) return gr__error_code(ctx);
    for (int i = 0; i < rows; i++) {
        gr_plan_row row = gr_plan_row_at(p, i);
        if (row.instance == 0) continue;
        const char *layer = layer_of(b, row.scope);
        int at = 0;
        if (!layer) return gr__error_code(ctx);
        while (at < *n && strcmp((*list)[at].layer, layer) != 0) at++;
        if (at == *n) (*list)[(*n)++] = (gr_recomputed){.layer = layer};
        (*list)[at].kernels++;
        (*list)[at].bytes_saved += row.saved;
        (*list)[at].flops += row.flops;
        (*list)[at].ns += row.cost_ns;
    }
    return GR_OK;
}

static double seconds_of(const gr_plan *p, bool all)
{
    double ns = 0;
    for (int i = 0; i < gr_plan_rows(p); i++) {
        gr_plan_row row = gr_plan_row_at(p, i);
        if (all || row.instance == 0) ns += row.cost_ns;
    }
    return 1e-9 * ns;
}

double gr__plan_seconds(const gr_plan *p)
{
    return seconds_of(p, true);
}

double gr__plan_seconds_kept(const gr_plan *p)
{
    return seconds_of(p, false);
}

double *gr__plan_stands(gr__bump *b, const gr_plan *p)
{
    gr_plan_bytes_info is = gr_plan_bytes(p);
    int n = gr_plan_rows(p);
    double *bytes = gr__bump_alloc(b, ((size_t)n + 1) * sizeof *bytes);
    if (!bytes) return NULL;
    for (int i = 0; i < n; i++) bytes[i] = (double)is.gradients;
    for (int k = 0; k < gr_plan_pieces(p); k++) {
        gr_plan_piece piece = gr_plan_piece_at(p, k);
        for (int i = GR_MAX(piece.first, 0); i <= GR_MIN(piece.last, n - 1); i++) bytes[i] += (double)piece.bytes;
    }
    return bytes;
}

/* ---- memory against time ---- */

typedef struct curving {
    gr_context *ctx;
    gr_recipe own;
    gr_task task;
    gr_memory_curve *out;
} curving;

static gr_status try_memory(curving *c, uint64_t memory, gr_memory_point *p)
{
    gr_engine e = {0};
    c->own.memory = memory;
    c->own.remat = (gr_remat){.policy = memory ? "auto" : "none"};
    gr_status st = gr__engine_make(&c->task, true, 1u << GR_PART_VALIDATION, &e);
    if (st != GR_OK) return st;
    const gr_plan *step = e.plan[0].plan;
    *p = (gr_memory_point){.bytes = e.bytes.total, .seconds = gr__plan_seconds(step)};
    for (int i = 0; i < gr_plan_rows(step); i++) p->recomputed += gr_plan_row_at(step, i).instance > 0;
    gr__engine_close(&e);
    return GR_OK;
}

/* What takes more bytes than another and no less time is nobody's choice. */
static void add_point(gr_memory_curve *out, gr_memory_point p)
{
    if (out->n && (p.bytes <= out->point[out->n - 1].bytes || p.seconds >= out->point[out->n - 1].seconds)) return;
    out->point[out->n++] = p;
}

gr_status gr__memory_curve(gr_context *ctx, const gr_recipe *r, const volatile sig_atomic_t *stop,
                           const gr_watch *watch, gr_memory_curve *out)
{
    curving c = {.ctx = ctx, .own = *r, .out = out};
    gr_memory_point all, least, p;
    gr_status st = GR_OK;
    *out = (gr_memory_curve){.n = 0};
    GR_TRY(gr__task_estimate(ctx, &c.own, &c.task));
    GR_TRY(try_memory(&c, 0, &all));
    GR_TRY(try_memory(&c, 1, &least));
    if (least.bytes < all.bytes) add_point(out, least);
    for (int i = 1; i < GR_MEMORY_POINTS - 1 && least.bytes < all.bytes; i++) {
        if (stop && *stop) GR_TRY(GR_E_INTERRUPTED);
        gr__watch(watch, "plans", (double)i / GR_MEMORY_POINTS);
        GR_TRY(try_memory(&c, least.bytes + (all.bytes - least.bytes) * (uint64_t)i / (GR_MEMORY_POINTS - 1), &p));
        add_point(out, p);
    }
    add_point(out, all);
done:
    gr__task_close(&c.task);
    return st;
}
