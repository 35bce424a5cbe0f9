/* Cross-validation. A fold is a recipe like any other, so its run can be resumed, evaluated and reported by itself. */
#include "study/folds/folds.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "model/model.h"
#include "train/together.h"

/* ---- recipes ---- */

/* {folds: 5, fold: 1}, or the same in what there is of a split. */
static gr_tree *fold_tree(gr__bump *b, const gr_tree *split, int folds, int fold)
{
    gr_tree *t = split ? gr__tree_copy(b, split) : gr__tree_map(b);
    bool ok = t && gr__tree_put_number(b, t, "folds", folds) && gr__tree_put_number(b, t, "fold", fold + 1);
    if (split) ok = ok && gr__tree_put_number(b, t, "validation", 0) && gr__tree_put_text(b, t, "train", "none");
    return ok ? t : NULL;
}

gr_status gr__fold_recipe(gr_context *ctx, const gr_recipe *r, int folds, int fold, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *tree = b ? gr__tree_copy(b, r->resolved) : NULL, *data = gr__tree_get(tree, "data");
    const gr_tree *split = gr__tree_get(data, "split");
    if (gr__tree_none(split)) split = NULL;
    const char *key = split ? "split" : "validation";
    gr__text text;
    gr_status st = GR_OK;
    gr__text_init(&text, ctx);
    if (r->data.split_auto)
        GR_TRY(gr__tree_fail(ctx, r->data.train, GR_E_CONFLICT, "say the share of the test part: split: {test: 0.1}",
                             "sizes: auto has no folds"));
    if (!data || !gr__tree_put(b, data, key, fold_tree(b, split, folds, fold))) GR_TRY(GR_E_MEMORY);
    gr__tree_write(tree, &text, 0);
    if (text.failed) GR_TRY(GR_E_MEMORY);
    gr__log_mute(ctx, fold > 0); /* what there is to warn of is said once */
    st = gr__recipe_from_text(ctx, r->path, ".", text.s, text.n, NULL, 0, out);
    gr__log_mute(ctx, false);
done:
    gr__text_free(&text);
    gr__bump_destroy(b);
    return st;
}

/* ---- one fold ---- */

typedef struct training {
    gr_context *ctx;
    const gr_recipe *r;
    const gr_train_options *o;
    gr__bump *b;
    gr_folds *told;
} training;

static gr_status add_confusion(training *t, const gr_evaluation *ev)
{
    const gr_head_evaluation *h = &ev->head[0];
    gr_folds *told = t->told;
    size_t cells = (size_t)h->classes * (size_t)h->classes;
    if (ev->n_heads > 1 || !h->confusion) return GR_OK;
    if (!told->confusion) {
        told->classes = h->classes;
        if (!(told->confusion = gr__bump_alloc(t->b, cells * sizeof *told->confusion))) return GR_E_MEMORY;
        memset(told->confusion, 0, cells * sizeof *told->confusion);
    }
    for (size_t k = 0; k < cells && h->classes == told->classes; k++) told->confusion[k] += h->confusion[k];
    return GR_OK;
}

/* The best model on the part that it was not trained on. */
static gr_status judge(training *t, const char *folder, gr_fold *f)
{
    const char *path = gr__bump_format(t->b, "%s/best.safetensors", folder);
    gr_model model = {0};
    gr_together *one = NULL;
    gr_evaluation ev = {0};
    const gr_mixing alone = {.n = 1};
    gr_status st = path ? gr__model_open(t->ctx, path, &model) : GR_E_MEMORY;
    const gr_model *const models[] = {&model};
    if (st == GR_OK) st = gr__together_open(t->ctx, models, 1, model.recipe, GR_PART_VALIDATION, &one);
    if (st == GR_OK) st = gr__together_evaluate(one, &alone, t->o->stop, &ev);
    f->samples = ev.samples;
    f->validation_error = ev.error;
    if (st == GR_OK) st = add_confusion(t, &ev);
    gr__evaluation_free(t->ctx, &ev);
    gr__together_close(one);
    gr__model_close(&model);
    return st;
}

/* A run that stopped by its own rules, or at all, is one whose best model can be judged. */
static gr_status train_fold(training *t, int folds, int fold)
{
    char *folder = gr__bump_format(t->b, "%s/fold-%d", t->o->out, fold + 1);
    gr_recipe *r = NULL;
    gr_train_result result = {0};
    gr_train_options o = *t->o;
    gr_fold *f = &t->told->fold[fold];
    if (!folder) return GR_E_MEMORY;
    o.out = folder;
    *f = (gr_fold){.fold = fold + 1, .validation_error = NAN};
    gr_status st = gr__fold_recipe(t->ctx, t->r, folds, fold, &r);
    if (st == GR_OK) st = gr__train(t->ctx, r, &o, &result);
    if (r) gr__recipe_close(t->ctx, r);
    return st == GR_OK ? judge(t, folder, f) : st;
}

/* ---- all ---- */

static void sum_up(gr_folds *f)
{
    double squares = 0;
    f->mean = 0;
    for (int i = 0; i < f->n; i++) f->mean += f->fold[i].validation_error / f->n;
    for (int i = 0; i < f->n; i++) squares += pow(f->fold[i].validation_error - f->mean, 2);
    f->std = sqrt(squares / (f->n - 1));
}

static json_t *confusion_of(const gr_folds *f)
{
    json_t *rows = f->confusion ? json_array() : json_null();
    for (int a = 0; a < f->classes && f->confusion; a++) {
        json_t *row = json_array();
        for (int b = 0; b < f->classes; b++)
            json_array_append_new(row, json_integer((json_int_t)f->confusion[(int64_t)a * f->classes + b]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static gr_status write_file(const training *t)
{
    const gr_folds *f = t->told;
    const char *path = gr__bump_format(t->b, "%s/" GR_FOLDS_FILE, t->o->out);
    json_t *o = json_object(), *list = json_array();
    if (!path) return GR_E_MEMORY;
    for (int i = 0; i < f->n; i++)
        json_array_append_new(list, json_pack("{s:i, s:I, s:o}", "fold", f->fold[i].fold, "samples",
                                              (json_int_t)f->fold[i].samples, "validation_error",
                                              gr__json_real(f->fold[i].validation_error)));
    json_object_set_new(o, "folds", list);
    json_object_set_new(o, "mean", gr__json_real(f->mean));
    json_object_set_new(o, "std", gr__json_real(f->std));
    json_object_set_new(o, "confusion", confusion_of(f));
    gr_status st = gr__json_save(t->ctx, path, o);
    json_decref(o);
    return st;
}

gr_status gr__folds_train(gr_context *ctx, const gr_recipe *r, int folds, const gr_train_options *o, gr__bump *b,
                          gr_folds *told)
{
    training t = {.ctx = ctx, .r = r, .o = o, .b = b, .told = told};
    gr_status st = GR_OK;
    *told = (gr_folds){.n = folds};
    if (r->data.validation)
        gr__log(ctx, GR_LOG_INFO, "each fold of the training data is validation once; the recipe's own is not used");
    for (int i = 0; i < folds && st == GR_OK; i++) st = train_fold(&t, folds, i);
    if (st != GR_OK) return st;
    sum_up(told);
    return write_file(&t);
}
