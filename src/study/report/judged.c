/* The best model on its validation part: figures, confusion, mistakes. The test part is not touched. */
#include <string.h>

#include "study/data/view.h"
#include "study/report/parts.h"

enum { MISTAKES = 24, LARGE_MISTAKES = 12, LARGE = 64, SHOWN = 112 };

/* A model's own recipe, with data where it lay in training. */
typedef struct judged {
    gr_recipe recipe;
    gr_task task;
    gr_engine engine;
    gr_loader *loader;
} judged;

static bool validates(const gr_recipe *r)
{
    return r->data.validation || r->data.split_validation > 0;
}

static gr_status open_engine(gr_report *r, const gr_read_run *run, judged *j)
{
    gr_status st = GR_OK;
    gr_loader_options o = gr__task_loader(&j->task, GR_PART_VALIDATION, true);
    o.batch = gr__task_evaluation_batch(&j->task);
    o.shuffle = GR_SHUFFLE_NONE;
    o.drop_last = false;
    GR_TRY(gr__engine_make(&j->task, false, 1u << GR_PART_VALIDATION, &j->engine));
    GR_TRY(gr__engine_budget(&j->engine, j->recipe.memory));
    GR_TRY(gr__engine_start(&j->engine));
    GR_TRY(gr__model_load(r->ctx, run->best.file, run->best.path, j->engine.store));
    st = gr__loader_create(r->ctx, &o, &j->loader);
done:
    return st;
}

static void close_engine(judged *j)
{
    gr__loader_destroy(j->loader);
    gr__engine_close(&j->engine);
    j->loader = NULL;
    j->engine = (gr_engine){0};
}

static bool any_confusion(const gr_evaluation *ev)
{
    for (int h = 0; h < ev->n_heads; h++)
        if (ev->head[h].confusion) return true;
    return false;
}

static gr_status evaluate(gr_report *r, const gr_read_run *run, bool whole, judged *j)
{
    gr_evaluation ev = {0};
    gr_status st = GR_OK;
    gr__report_watch(r, "validation", 0);
    GR_TRY(open_engine(r, run, j));
    GR_TRY(gr__evaluate(&j->engine, 0, j->loader, GR_PART_VALIDATION, r->options->stop, &ev));
    gr__report_metrics(r, run, &j->engine, &ev);
    if (any_confusion(&ev) && whole) gr__document_section(&r->document, "confusion", "Confusion");
    if (any_confusion(&ev)) gr__report_confusion(r, run, &ev);
done:
    gr__evaluation_free(r->ctx, &ev);
    close_engine(j);
    return st;
}

/* ---- mistakes ---- */

/* Pictures no larger than they are shown: a report goes by mail. */
static gr_status reduce(gr_sheet *s)
{
    for (gr_card *c = s->card; c; c = c->next)
        for (gr_face *f = c->face; f; f = f->next) {
            gr_raster small;
            int width, height;
            if (GR_MAX(f->picture.width, f->picture.height) <= SHOWN) continue;
            gr__sheet_scaled(&f->picture, 1, SHOWN, &width, &height);
            if (gr__raster_make(s->memory, width, height, &small) != GR_OK) return GR_E_MEMORY;
            gr__raster_put(&small, 0, 0, width, height, &f->picture);
            f->picture = small;
        }
    return GR_OK;
}

static bool large(const gr_task *t)
{
    for (int k = 0; k < t->recipe->n_inputs; k++) {
        const gr_shape s = t->recipe->input[k].sample;
        if (s.rank >= 2 && GR_MAX(s.dim[0], s.dim[1]) > LARGE) return true;
    }
    return false;
}

static gr_status put_mistakes(gr_report *r, gr_read_run *run, const judged *j)
{
    gr_sheet *s = &r->sheet[0];
    gr_view_mistakes found;
    const gr_view_options o = {
        .part = GR_PART_VALIDATION, .count = large(&j->task) ? LARGE_MISTAKES : MISTAKES, .plain = true};
    gr__report_watch(r, "mistakes", 0);
    gr__document_section(&r->document, "mistakes", "Worst mistakes");
    gr_status st = gr__sheet_open(r->ctx, "mistakes", s);
    if (st == GR_OK) st = gr__view_mistakes(&j->task, &run->best, &o, s, &found);
    if (st == GR_OK) st = reduce(s);
    if (st == GR_OK) gr__document_cards(&r->document, s);
    return st;
}

static gr_status open_task(gr_report *r, const gr_read_run *run, judged *j)
{
    j->recipe = *run->best.recipe;
    if (run->recipe) j->recipe.memory = run->recipe->memory;
    gr_status st = gr_context_configure(r->ctx, gr_context_threads(r->ctx), j->recipe.memory);
    return st == GR_OK ? gr__task_open(r->ctx, &j->recipe, 1u << GR_PART_VALIDATION, &run->best, &j->task) : st;
}

gr_status gr__report_judged(gr_report *r, gr_read_run *run, bool whole)
{
    judged j = {0};
    gr_status st = GR_OK;
    if (whole)
        gr__document_section(&r->document, "metrics", "Metrics");
    else
        gr__document_heading(&r->document, "Metrics");
    if (!run->best.recipe || !validates(run->best.recipe)) {
        gr__report_miss(r, "Figures, confusion and mistakes of the best model",
                        run->best.recipe ? "the recipe has no validation data" : run->no_best);
        return GR_OK;
    }
    st = open_task(r, run, &j);
    if (st != GR_OK) {
        st = gr__report_survive(r, "Figures, confusion and mistakes of the best model", st);
        goto done;
    }
    GR_TRY(gr__report_survive(r, "What the best model takes for what", evaluate(r, run, whole, &j)));
    if (!whole) goto done;
    GR_TRY(gr__report_survive(r, "Worst mistakes", put_mistakes(r, run, &j)));
    gr__task_close(&j.task);
    j.task = (gr_task){0};
    st = gr__report_survive(r, "The inside of the network", gr__report_within(r, run, &j.recipe));
done:
    gr__task_close(&j.task);
    return st;
}
