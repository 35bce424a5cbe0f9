/* Models evaluated by programs: on data of theirs, or on a part of a recipe's. */
#include <string.h>

#include "api/evaluation.h"
#include "api/model.h"
#include "train/looks.h"
#include "train/pass.h"

/* ---- one pass ---- */

/* look: it is one at the test part, which is recorded before anybody is told. */
static gr_status evaluate(const gr_model *m, const gr_recipe *r, gr_part part, bool look, gr_evaluation **out)
{
    gr_context *ctx = m->ctx;
    gr_evaluation ev = {0};
    gr_looks before;
    char data[GR_DATA_TEXT];
    gr_look here = {.command = "library", .file = m->path, .data = data};
    gr_status st = GR_OK;
    gr_pass *p = gr__alloc(ctx, sizeof *p);
    if (!p) return gr__error_code(ctx);
    *p = (gr_pass){0};
    GR_TRY(gr__pass_open(ctx, m, r, part, false, p));
    GR_TRY(gr__pass_run(ctx, p, NULL, &ev));
    if (look) GR_TRY(gr__task_data_text(&p->task, part, data));
    if (look) GR_TRY(gr__looks_add(ctx, &here, &before));
    ev.recipe = m->recipe;
    st = gr__evaluation_keep(ctx, &ev, out);
    ev = (gr_evaluation){0};
done:
    gr__evaluation_free(ctx, &ev);
    gr__pass_close(p);
    gr__free(ctx, p, sizeof *p);
    return st;
}

gr_status gr_model_evaluate(gr_model *m, const gr_data *d, gr_evaluation **out)
{
    gr_context *ctx = m->ctx;
    gr_recipe r = *m->recipe;
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    if (!d) return gr__fail(ctx, GR_E_USAGE, "evaluating: no data");
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *source = b ? gr__tree_flow(b, "{type: program, part: test}") : NULL;
    gr_status st = source ? GR_OK : gr__error_code(ctx);
    r.data.train = r.data.validation = NULL;
    r.data.split_validation = r.data.split_test = 0;
    r.data.group = r.data.order = r.data.exclude = NULL;
    r.data.test = source;
    r.given[GR_PART_TEST] = d;
    if (st == GR_OK) st = evaluate(m, &r, GR_PART_TEST, false, out);
    gr__bump_destroy(b);
    return st;
}

/* ---- a recipe's data ---- */

static gr_status has_part(gr_context *ctx, const gr_recipe *r, gr_part p)
{
    static const char *const names[GR_PARTS] = {"train", "validation", "test"};
    const bool has[GR_PARTS] = {r->data.train != NULL, r->data.validation || r->data.split_validation > 0,
                                r->data.test || r->data.split_test > 0};
    if ((unsigned)p < GR_PARTS && has[p]) return GR_OK;
    return gr__fail(ctx, GR_E_USAGE, "the recipe has no %s data", (unsigned)p < GR_PARTS ? names[p] : "such");
}

gr_status gr_model_evaluate_part(gr_model *m, const gr_recipe *r, gr_part part, gr_evaluation **out)
{
    gr_context *ctx = m->ctx;
    gr_recipe mine = *m->recipe;
    gr_looks before;
    bool look = part == GR_PART_TEST;
    if (gr__error_code(ctx) != GR_OK) return gr__error_code(ctx);
    if (r) gr__recipe_take_data(&mine, r);
    gr_status st = has_part(ctx, &mine, part);
    if (st == GR_OK && look) st = gr__looks_read(ctx, m->path, &before);
    if (st == GR_OK && look) st = gr__looks_judge(ctx, &(gr_look){.command = "library", .file = m->path}, &before);
    return st == GR_OK ? evaluate(m, &mine, part, look, out) : st;
}
