/* How the training source is cut into parts: by fractions or the chapter's sizes, by groups, in an order. */
#include "train/cut.h"

#include <math.h>

#include "data/fields.h"
#include "data/numbers.h"

gr_source_options gr__cut_source(const gr_recipe *r, const gr_wants *wants, bool prepared)
{
    return (gr_source_options){.folder = r->folder,
                               .keep_float64 = r->float64,
                               .exact = prepared,
                               .seed = r->seed,
                               .wants = wants,
                               .hold = r->data.hold,
                               .given = r->given,
                               .apart = {r->data.group ? r->data.group->text : NULL,
                                         r->data.order && !r->data.in_file_order ? r->data.order->text : NULL}};
}

/* How the training source is cut for n samples, and which parts that gives. The fractions live in `part`. */
typedef struct cutting {
    gr_cut cut;
    gr_part of[GR_PARTS];
    double fraction[GR_PARTS];
    gr_keys keys;
} cutting;

static cutting cutting_for(const gr_recipe *r, int64_t n)
{
    double validation = r->data.split_validation, test = r->data.split_test;
    if (r->data.split_auto && validation > 0) gr__split_auto(n, &validation, &test);
    cutting c = {.cut = {.seed = r->seed,
                         .parts = 1,
                         .in_file_order = r->data.in_file_order,
                         .folds = r->data.folds,
                         .fold = r->data.fold},
                 .of = {GR_PART_TRAIN},
                 .fraction = {1 - validation - test}};
    if (validation > 0) c.of[c.cut.parts] = GR_PART_VALIDATION, c.fraction[c.cut.parts++] = validation;
    if (test > 0) c.of[c.cut.parts] = GR_PART_TEST, c.fraction[c.cut.parts++] = test;
    return c;
}

static bool has_keys(const gr_recipe *r)
{
    return r->data.group || (r->data.order && !r->data.in_file_order);
}

/* What the rows are cut by, where it is no fields of theirs. */
static gr_status take_keys(gr_task *t, cutting *c, int64_t n)
{
    const gr_recipe *r = t->recipe;
    const gr_wants wants = gr__recipe_wants(r);
    const gr_tree *at = r->data.group ? r->data.group : r->data.order;
    if (c->cut.parts == 1 || !has_keys(r)) return GR_OK;
    gr_source_options o = gr__cut_source(r, &wants, false);
    o.faults = &t->faults[GR_PART_TRAIN];
    gr_status st = gr__keys_load(t->ctx, r->data.train, &o, at->text, at, n, &c->keys);
    if (r->data.group)
        c->cut.group = &c->keys;
    else
        c->cut.order = &c->keys;
    return st;
}

/* ---- rows that are in no part ---- */

gr_status gr__cut_exclude(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    const char *names[GR_PARTS];
    if (!r->data.exclude) return GR_OK;
    for (int p = 0; p < GR_PARTS; p++) names[p] = gr__part_name((gr_part)p);
    const gr_source_options o = {.folder = r->folder};
    const char *path = gr__source_file(t->memory, r->data.exclude->text, &o);
    gr_status st = path ? gr__exclude_read(t->ctx, t->memory, path, names, GR_PARTS, &t->exclude) : GR_E_MEMORY;
    st = gr__place(t->ctx, r->data.exclude, st);
    for (int p = 0; p < GR_PARTS && st == GR_OK; p++) {
        t->faults[p].out = t->exclude.row[p];
        t->faults[p].n_out = t->exclude.n[p];
    }
    return st;
}

gr_status gr__cut_own(gr_task *t, gr_part p)
{
    uint8_t *out;
    int64_t n = t->set[p].n;
    gr_status st = gr__faults_mark(t->ctx, &t->faults[p], n, &out);
    if (st == GR_OK) st = gr__rows_kept(t->ctx, n, out, &t->rows[p]);
    if (out) gr__tensor_free(t->ctx, out, (size_t)n);
    return st;
}

/* ---- all of them ---- */

/* The cut of n rows of which some may be in no part; parts are the first c->cut.parts of out. */
static gr_status cut(gr_task *t, cutting *c, int64_t n, const gr_field *classes, gr_rows *parts)
{
    uint8_t *out = NULL;
    gr_status st = take_keys(t, c, n);
    gr__faults_sort(&t->faults[GR_PART_TRAIN]); /* there may be more */
    if (st == GR_OK) st = gr__faults_mark(t->ctx, &t->faults[GR_PART_TRAIN], n, &out);
    c->cut.fractions = c->fraction;
    c->cut.labels = classes ? classes->data : NULL;
    c->cut.classes = classes ? classes->classes : 0;
    c->cut.out = out;
    if (st == GR_OK) st = gr__place(t->ctx, t->recipe->data.group, gr__split(t->ctx, &c->cut, n, parts));
    gr__keys_free(t->ctx, &c->keys);
    if (out) gr__tensor_free(t->ctx, out, (size_t)n);
    return st;
}

static int64_t count_kept(const gr_task *t, int64_t n)
{
    int64_t gone = t->exclude.n[GR_PART_TRAIN];
    const gr_faults *f = &t->faults[GR_PART_TRAIN];
    for (size_t i = 0; i < f->n; i++)
        gone += f->fault[i].row >= 0 && (i == 0 || f->fault[i].row != f->fault[i - 1].row);
    return GR_MAX(n - gone, 0);
}

gr_status gr__cut_rows(gr_task *t)
{
    const gr_recipe *r = t->recipe;
    const gr_set *s = &t->set[GR_PART_TRAIN];
    gr_rows parts[GR_PARTS] = {{0}};
    cutting c = cutting_for(r, count_kept(t, s->n));
    if (c.cut.parts == 1) return gr__cut_own(t, GR_PART_TRAIN);
    if (s->overlap && !has_keys(r) && !r->data.in_file_order)
        gr__log(t->ctx, GR_LOG_WARNING,
                "windows of %s overlap, and parts cut from them at random share text: figures of validation and test "
                "are too good; give these files of their own, order: file, or no stride below the window",
                s->file);
    gr_status st = cut(t, &c, s->n, r->data.stratify ? gr__set_classes(s) : NULL, parts);
    for (int i = 0; i < c.cut.parts && st == GR_OK; i++) {
        t->rows[c.of[i]] = parts[i];
        t->set_of[c.of[i]] = s;
    }
    return st;
}

int64_t gr__cut_limit(const gr_recipe *r, int64_t n)
{
    return r->data.limit_train > 0 ? GR_MIN(n, r->data.limit_train) : n;
}

gr_status gr__cut_estimate(gr_task *t, int64_t n, int64_t *unlimited)
{
    const gr_recipe *r = t->recipe;
    gr_rows parts[GR_PARTS] = {{0}};
    int64_t kept = count_kept(t, n);
    cutting c = cutting_for(r, kept);
    int64_t count[GR_PARTS] = {kept};
    bool made = r->data.group && c.cut.parts > 1;
    gr_status st = made ? cut(t, &c, n, NULL, parts) : GR_OK;
    for (int i = c.cut.parts - 1; i >= 0 && st == GR_OK; i--) {
        bool fold = i == 1 && c.cut.folds;
        count[i] = made   ? parts[i].n
                   : fold ? gr__fold_rows(count[0], c.cut.folds, c.cut.fold)
                   : i    ? llround(c.fraction[i] * (double)kept)
                          : GR_MAX(count[0], 1);
        if (i && !made) count[0] -= count[i];
        t->count[c.of[i]] = i ? count[i] : gr__cut_limit(r, count[0]);
        gr__rows_free(t->ctx, &parts[i]);
    }
    *unlimited = count[0];
    return st;
}

void gr__cut_count(gr_task *t, int64_t all, int64_t unlimited)
{
    int64_t n = t->count[GR_PART_TRAIN];
    bool keys = has_keys(t->recipe), cut = t->recipe->data.split_validation > 0 || t->recipe->data.split_test > 0;
    for (int p = 0; p < GR_PARTS; p++) t->data_bytes += gr__rows_bytes(t->count[p]);
    uint64_t split =
        (cut ? gr__split_work(all, keys) : 0) + (t->exclude.path ? (uint64_t)all : 0) + gr__rows_bytes(unlimited - n);
    if (keys) split = GR_MAX(split, gr__keys_work(all));
    t->work_bytes = GR_MAX(split, gr__rows_limit_work(unlimited, n));
}
