/* Networks trained on all folds but one, in memory alone; what they say of the one. */
#include "study/data/label_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/agree.h"
#include "train/stepper.h"

void gr__guesses_close(gr_guesses *g)
{
    if (!g->ctx) return;
    if (g->p) gr__tensor_free(g->ctx, g->p, sizeof *g->p * (size_t)(g->n * g->classes));
    if (g->label) gr__tensor_free(g->ctx, g->label, sizeof *g->label * (size_t)g->n);
    if (g->row) gr__tensor_free(g->ctx, g->row, sizeof *g->row * (size_t)g->n);
    *g = (gr_guesses){0};
}

static gr_status guesses_open(gr_context *ctx, const gr_set *set, const gr_rows *rows, int classes, gr_guesses *out)
{
    const gr_field *f = gr__set_classes(set);
    *out = (gr_guesses){.ctx = ctx, .n = rows->n, .classes = classes};
    out->row = gr__tensor_alloc(ctx, sizeof *out->row * (size_t)rows->n);
    out->label = out->row ? gr__tensor_alloc(ctx, sizeof *out->label * (size_t)rows->n) : NULL;
    out->p = out->label ? gr__tensor_alloc(ctx, sizeof *out->p * (size_t)(rows->n * classes)) : NULL;
    for (int64_t i = 0; i < rows->n && out->p; i++) {
        out->row[i] = rows->row[i];
        out->label[i] = ((const int32_t *)f->data)[rows->row[i]];
    }
    if (out->p) return GR_OK;
    gr__guesses_close(out);
    return gr__error_code(ctx);
}

/* Of one output: that of the second class. */
static void put_row(gr_guesses *g, int64_t at, gr_element real, const void *prediction, int64_t i, int64_t width)
{
    double *p = g->p + at * g->classes;
    if (width == 1) {
        p[1] = gr__element_at(real, prediction, i);
        p[0] = 1 - p[1];
        return;
    }
    for (int k = 0; k < g->classes; k++) p[k] = gr__element_at(real, prediction, i * width + k);
}

/* ---- the recipe of a label model ---- */

const char *gr__label_model_refuses(const gr_recipe *r, gr_label_model by)
{
    const gr_head *h = &r->head[0];
    if (r->n_heads > 1) return "the network has several heads";
    if (h->reading.target != GR_FORM_CLASS || h->output.rank > 1) return "its target is no class a sample";
    if (by == GR_LABELS_BY_LINEAR && (r->n_inputs > 1 || r->input[0].vocabulary))
        return "a linear label model takes one input of numbers";
    return NULL;
}

/* The data as the recipe has it, but neither balanced nor in buckets; without preparation it is standardised for the
 * linear model. NULL on failure. */
static gr_tree *data_for(gr__bump *b, const gr_recipe *r, bool linear)
{
    gr_tree *data = gr__tree_copy(b, gr__tree_get(r->tree, "data"));
    if (!data || !gr__tree_put_text(b, data, "balance", "none")) return NULL;
    if (linear && !gr__tree_put_text(b, data, "buckets", "none")) return NULL;
    if (linear && !gr__tree_put_text(b, data, "augment", "none")) return NULL;
    if (linear && !r->data.prepare && !gr__tree_put(b, data, "prepare", gr__tree_flow(b, "[standardize]"))) return NULL;
    return data;
}

static gr_tree *linear_for(gr__bump *b, const gr_recipe *r)
{
    static const char *const kept[] = {"gradus", "name", "seed", "precision", "threads", "memory", "device"};
    gr_tree *tree = gr__tree_map(b), *input = gr__tree_list(b), *model = gr__tree_map(b);
    gr_shape x = r->input[0].sample;
    char layers[96], size[24];
    for (size_t i = 0; i < GR_COUNT(kept); i++) {
        const gr_tree *t = gr__tree_get(r->tree, kept[i]);
        if (t && !gr__tree_put(b, tree, kept[i], gr__tree_copy(b, t))) return NULL;
    }
    for (int i = 0; i < x.rank; i++) {
        snprintf(size, sizeof size, "%lld", (long long)x.dim[i]);
        if (!gr__tree_push(b, input, gr__tree_scalar(b, size))) return NULL;
    }
    gr_shape out = r->head[0].output;
    long long outputs = out.rank ? (long long)out.dim[0] : 1;
    snprintf(layers, sizeof layers, "[flatten, {type: dense, units: %lld}]", GR_MAX(outputs, 2));
    bool made = gr__tree_put(b, model, "input", input) && gr__tree_put(b, model, "layers", gr__tree_flow(b, layers)) &&
                gr__tree_put(b, tree, "model", model) && gr__tree_put_text(b, tree, "cost", "cross_entropy") &&
                gr__tree_put(b, tree, "optimizer", gr__tree_flow(b, "{type: adam, lr: 0.01, eps: 1e-8}")) &&
                gr__tree_put(b, tree, "schedule", gr__tree_flow(b, "{type: polynomial, power: 1}"));
    return made ? tree : NULL;
}

static gr_status make_recipe(gr_context *ctx, const gr_recipe *r, bool linear, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr_tree *data = data_for(b, r, linear), *tree = linear ? linear_for(b, r) : gr__tree_copy(b, r->tree);
    gr_status st = tree && gr__tree_put(b, tree, "data", data) ? GR_OK : gr__error_code(ctx);
    if (st == GR_OK) st = gr__recipe_from_tree(ctx, b, tree, r->path, r->folder, out);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

/* ---- folds ---- */

typedef struct folding {
    gr_context *ctx;
    const gr_recipe *recipe;
    const gr_inspect_options *options;
    gr_task task;
    gr_rows all; /* the training part */
    uint8_t *fold;
    gr_guesses *out;
    int at; /* the fold that is left out */
} folding;

/* Every class is dealt out to the folds in an order drawn with the seed. */
static gr_status deal(folding *f)
{
    const gr_guesses *g = f->out;
    size_t bytes = (size_t)g->n * sizeof(uint32_t), count_bytes = (size_t)g->classes * sizeof(int64_t);
    uint32_t *order = gr__alloc(f->ctx, bytes);
    int64_t *count = order ? gr__alloc(f->ctx, count_bytes) : NULL;
    f->fold = count ? gr__alloc(f->ctx, (size_t)g->n) : NULL;
    if (f->fold) {
        gr__rng r = gr__rng_make(f->recipe->seed, "label-folds", 0, 0);
        gr__rng_permutation(&r, order, (size_t)g->n);
        for (int64_t i = 0; i < g->n; i++)
            f->fold[order[i]] = (uint8_t)(count[g->label[order[i]]]++ % f->options->folds);
    }
    if (count) gr__free(f->ctx, count, count_bytes);
    if (order) gr__free(f->ctx, order, bytes);
    return f->fold ? GR_OK : gr__error_code(f->ctx);
}

static gr_status take_rows(folding *f, bool held_out, gr_rows *out)
{
    size_t n = (size_t)f->all.n;
    uint8_t *mark = gr__alloc(f->ctx, n);
    gr_rows chosen = {0};
    if (!mark) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) mark[i] = (f->fold[i] == f->at) != held_out;
    gr_status st = gr__rows_kept(f->ctx, f->all.n, mark, &chosen);
    for (int64_t i = 0; i < chosen.n && st == GR_OK; i++) chosen.row[i] = f->all.row[chosen.row[i]];
    gr__free(f->ctx, mark, n);
    if (st == GR_OK) *out = chosen;
    return st;
}

static gr_status train(folding *f, gr_engine *e)
{
    gr_loader *loader = NULL;
    gr_loader_options o = gr__task_training_loader(&f->task, true);
    gr_status st = gr__loader_create(f->ctx, &o, &loader);
    gr_stepper s = {.recipe = f->task.recipe, .engine = e, .loader = loader, .extent = gr__task_extent(&f->task)};
    s.extent.total = f->options->epochs * s.extent.updates_per_epoch;
    for (int64_t step = -1; step < s.extent.total && st == GR_OK; step++) {
        bool more = true;
        if (step < 0)
            gr__stepper_begin_actions(&s, 0);
        else
            gr__stepper_begin(&s, step);
        while (st == GR_OK && more) {
            st = gr__stepper_next(&s, &more);
            if (st == GR_OK && more) st = gr_plan_run(s.plan->plan);
        }
        if (step % 16 == 0)
            gr__watch(f->options->watch, "labels",
                      (f->at + 0.95 * (double)step / (double)s.extent.total) / f->options->folds);
    }
    gr__loader_destroy(loader);
    return st;
}

/* Rows of the held-out fold come in their order. */
static gr_status guess(folding *f, gr_engine *e)
{
    gr_loader *loader = NULL;
    gr_loader_options o = gr__task_loader(&f->task, GR_PART_VALIDATION, false);
    gr_status st = gr__loader_create(f->ctx, &o, &loader);
    gr_shape output = f->task.recipe->head[0].output;
    int64_t width = output.rank ? output.dim[0] : 1, next = 0;
    gr_element real = gr__task_real(&f->task);
    for (gr_batch b = {0}; st == GR_OK && !b.last;) {
        st = gr__loader_next(loader, &b);
        gr_engine_plan *plan = st == GR_OK ? gr__engine_find(e, GR_RUN_EVALUATE, b.n, 0, 0) : NULL;
        if (st == GR_OK && !plan) st = gr__fail(f->ctx, GR_E_INTERNAL, "no plan for a batch of %lld", (long long)b.n);
        if (st != GR_OK) break;
        gr__feeds_put(&plan->feeds, &b);
        st = gr_plan_run(plan->plan);
        for (int64_t i = 0; i < b.n && st == GR_OK; i++, next++) {
            while (f->fold[next] != f->at) next++;
            put_row(f->out, next, real, plan->head[0].prediction, i, width);
        }
    }
    gr__loader_destroy(loader);
    return st;
}

static gr_status run_fold(folding *f)
{
    gr_task *t = &f->task;
    gr_engine e = {0};
    gr_status st = GR_OK;
    t->rows[GR_PART_TRAIN] = t->rows[GR_PART_VALIDATION] = (gr_rows){0};
    GR_TRY(take_rows(f, false, &t->rows[GR_PART_TRAIN]));
    GR_TRY(take_rows(f, true, &t->rows[GR_PART_VALIDATION]));
    t->set_of[GR_PART_VALIDATION] = &t->set[GR_PART_TRAIN];
    for (int p = 0; p < GR_PART_TEST; p++) t->count[p] = t->rows[p].n;
    GR_TRY(gr__task_repeat(t));
    t->running = true;
    GR_TRY(gr__engine_make(t, true, 1u << GR_PART_VALIDATION, &e));
    GR_TRY(gr_store_seal(e.store));
    GR_TRY(gr__network_init(t->network, e.store));
    GR_TRY(gr__engine_start(&e));
    GR_TRY(train(f, &e));
    GR_TRY(guess(f, &e));
done:
    gr__engine_close(&e);
    gr__rows_free(f->ctx, &t->rows[GR_PART_TRAIN]);
    gr__rows_free(f->ctx, &t->rows[GR_PART_VALIDATION]);
    gr__rows_free(f->ctx, &t->repeated);
    return st;
}

/* Parts of their own are of no use here: their rows go, and the training part's are dealt out. */
static gr_status open_folds(folding *f, gr_recipe *r)
{
    gr_task *t = &f->task;
    gr_status st = GR_OK;
    GR_TRY(gr__task_look(f->ctx, r, t));
    GR_TRY(gr__task_settle(t));
    int64_t classes = gr__agree_classes(r, 0);
    f->all = t->rows[GR_PART_TRAIN];
    t->rows[GR_PART_TRAIN] = (gr_rows){0};
    gr__rows_free(f->ctx, &t->rows[GR_PART_VALIDATION]);
    gr__rows_free(f->ctx, &t->repeated);
    GR_TRY(guesses_open(f->ctx, &t->set[GR_PART_TRAIN], &f->all, (int)classes, f->out));
    GR_TRY(deal(f));
done:
    return st;
}

gr_status gr__label_model_fold(gr_context *ctx, const gr_recipe *r, const gr_inspect_options *o, gr_guesses *out)
{
    gr_recipe *recipe = NULL;
    folding f = {.ctx = ctx, .recipe = r, .options = o, .out = out};
    gr_status st = make_recipe(ctx, r, o->label_model == GR_LABELS_BY_LINEAR, &recipe);
    if (st == GR_OK) st = open_folds(&f, recipe);
    for (; f.at < o->folds && st == GR_OK; f.at++) st = run_fold(&f);
    if (f.fold) gr__free(ctx, f.fold, (size_t)out->n);
    gr__rows_free(ctx, &f.all);
    gr__task_close(&f.task);
    if (recipe) gr__recipe_close(ctx, recipe);
    if (st != GR_OK) gr__guesses_close(out);
    return st;
}

/* ---- a model's ---- */

gr_status gr__label_model_predict(gr_context *ctx, const gr_task *t, gr_part p, const gr_model *m, gr_guesses *out)
{
    const gr_set *set = t->set_of[p];
    gr_predictor *predictor = NULL;
    const double *values[GR_MAX_TARGETS];
    gr_status st = gr__predictor_make(ctx, m, set, 1, &predictor);
    int64_t width = st == GR_OK ? gr__predictor_width(predictor, 0) : 0;
    if (st == GR_OK) st = guesses_open(ctx, set, &t->rows[p], (int)GR_MAX(width, 2), out);
    for (int64_t i = 0; i < out->n && st == GR_OK; i++) {
        st = gr__predictor_run(predictor, set, out->row[i], 1, values);
        if (st == GR_OK) put_row(out, i, GR_EL_F64, values[0], 0, width);
    }
    gr__predictor_destroy(predictor);
    if (st != GR_OK) gr__guesses_close(out);
    return st;
}
