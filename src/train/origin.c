/* Training that starts from a model. */
#include "train/origin.h"

#include <stdio.h>
#include <string.h>

#include "model/model.h"

/* ---- texts ---- */

/* "ant", "bee" and 3 more */
static void put_names(gr__text *out, const char *const *names, int n)
{
    enum { MOST = 8 };
    for (int i = 0; i < GR_MIN(n, MOST); i++) gr__text_add(out, "%s\"%s\"", i ? ", " : "", names[i]);
    if (n > MOST) gr__text_add(out, " and %d more", n - MOST);
}

/* The steps of `prepare:` on one line, from the block of a line each that YAML writes. */
static void put_steps(gr__text *out, const gr_tree *list)
{
    gr__text block;
    if (gr__tree_none(list) || list->n == 0) {
        gr__text_add(out, "none");
        return;
    }
    gr__text_init(&block, out->ctx);
    gr__tree_write(list, &block, 0);
    for (const char *s = block.s; s && !block.failed && *s;) {
        size_t line = strcspn(s, "\n");
        size_t mark = strncmp(s, "- ", 2) == 0 ? 2 : 0;
        gr__text_add(out, "%s%.*s", out->n ? ", " : "", (int)(line - mark), s + mark);
        s += line + (s[line] == '\n');
    }
    out->failed |= block.failed;
    gr__text_free(&block);
}

static const gr_tree *steps_of(const gr_recipe *r)
{
    return gr__tree_get(gr__tree_get(r->resolved, "data"), "prepare");
}

static bool same_steps(const gr_tree *a, const gr_tree *b)
{
    bool no_a = gr__tree_none(a) || a->n == 0, no_b = gr__tree_none(b) || b->n == 0;
    return no_a || no_b ? no_a == no_b : gr__tree_equal(a, b);
}

/* ---- preparation ---- */

static gr_status settle_steps(gr_context *ctx, const gr_recipe *r, const gr_model *m, const gr_origin *o)
{
    const gr_tree *mine = steps_of(r), *its = steps_of(m->recipe),
                  *at = r->data.prepare ? r->data.prepare : r->data.train;
    bool same = same_steps(mine, its);
    gr__text a, b;
    gr__text_init(&a, ctx);
    gr__text_init(&b, ctx);
    put_steps(&a, mine);
    put_steps(&b, its);
    bool failed = a.failed || b.failed;
    gr_status st = failed ? GR_E_MEMORY : GR_OK;
    if (!failed && o->force && (m->n_prepared || !same))
        gr__log(ctx, GR_LOG_WARNING,
                "--force: inputs are prepared by the recipe (%s), with statistics of the new data; the weights of %s "
                "were trained with %s and its own statistics",
                a.s, o->path, b.s);
    else if (!failed && !same)
        st = gr__tree_fail(ctx, at, GR_E_CONFLICT,
                           "prepare in the model's steps; --force takes the recipe's, with statistics of the new data",
                           "inputs are prepared by %s here, but %s was trained with %s", a.s, o->path, b.s);
    else if (!failed && m->n_prepared)
        gr__log(ctx, GR_LOG_INFO, "inputs are prepared with the statistics of %s, which its weights were trained with",
                o->path);
    gr__text_free(&a);
    gr__text_free(&b);
    return st;
}

static bool fills(const gr_origin *o)
{
    for (int i = 0; i < o->n_prepared; i++)
        if (o->prepared[i].fill) return true;
    return false;
}

/* ---- reading ---- */

static const char *const *copy_names(gr__bump *b, const char *const *names, int n)
{
    const char **copy = gr__bump_alloc(b, sizeof *copy * (size_t)GR_MAX(n, 1));
    for (int i = 0; copy && i < n; i++)
        if (!(copy[i] = gr__bump_strdup(b, names[i]))) return NULL;
    return copy;
}

/* What outlives the model. */
static gr_status copy(gr_context *ctx, gr__bump *b, const gr_model *m, gr_origin *o)
{
    gr_tree *steps = gr__prepare_tree(b, m->prepared, m->n_prepared);
    o->n_class_names = m->n_class_names;
    if (m->class_names && !(o->class_names = copy_names(b, m->class_names, m->n_class_names))) return GR_E_MEMORY;
    if (!(o->schema = gr__schema_copy(b, &m->schema))) return GR_E_MEMORY;
    return steps ? gr__prepare_parse(ctx, b, steps, &o->prepared, &o->n_prepared) : GR_E_MEMORY;
}

static gr_status is_bare(gr_context *ctx, const char *path, bool *bare)
{
    gr_st *file = NULL;
    gr_status st = gr__st_open(ctx, path, &file);
    if (st == GR_OK) st = gr__model_refuse_checkpoint(ctx, file, path);
    *bare = st == GR_OK && !gr__st_meta(file, "gradus.recipe") && !gr__st_meta(file, "gradus.prepare");
    gr__st_close(file);
    return st;
}

gr_status gr__origin_read(gr_context *ctx, gr__bump *b, const gr_recipe *r, const char *path, bool force,
                          gr_origin *out)
{
    gr_model m = {0};
    *out = (gr_origin){.path = path, .force = force};
    gr_status st = is_bare(ctx, path, &out->bare);
    if (st != GR_OK) return st;
    if (out->bare) {
        gr__log(ctx, GR_LOG_WARNING,
                "%s holds weights alone: nothing says how its inputs were prepared and what its outputs stand for",
                path);
        return GR_OK;
    }
    GR_TRY(gr__model_open(ctx, path, &m));
    GR_TRY(settle_steps(ctx, r, &m, out));
    GR_TRY(copy(ctx, b, &m, out));
done:
    gr__model_close(&m);
    return st;
}

/* ---- columns ---- */

static gr_status settle_columns(const gr_origin *o, gr_task *t, const gr_set *s)
{
    const gr_schema *is = s->schema, *was = o->schema;
    int n = (int)gr_shape_count(s->sample), k = 0;
    if (!was->name || !is || !is->name || n != was->n_inputs) return GR_OK;
    while (k < n && strcmp(was->name[k], is->name[k]) == 0) k++;
    if (k == n) return GR_OK;
    if (o->force) {
        gr__log(t->ctx, GR_LOG_WARNING, "--force: column \"%s\" meets the weights that %s learned for \"%s\"",
                is->name[k], o->path, was->name[k]);
        return GR_OK;
    }
    return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT,
                         "leave `columns` out or list the model's, in its order; --force takes the recipe's",
                         "column %d of the inputs is \"%s\", but \"%s\" in %s", k, is->name[k], was->name[k], o->path);
}

/* ---- classes ---- */

static int find_name(const gr_origin *o, const char *name)
{
    for (int i = 0; i < o->n_class_names; i++)
        if (strcmp(o->class_names[i], name) == 0) return i;
    return -1;
}

/* What label k of the set is called: a table's whole numbers are texts too, which stand among the model's names or not.
 */
static const char *name_of(const gr_set *s, int k, char *number, size_t n)
{
    if (s->class_names) return s->class_names[k];
    snprintf(number, n, "%d", k);
    return number;
}

/* The model's number of each class that has a sample. *missing: the first that the model does not know, -1: none. */
static void map_classes(const gr_origin *o, const gr_set *s, int32_t *to, int *missing)
{
    const int32_t *label = s->targets;
    int64_t count = s->n * gr_shape_count(s->target_sample);
    char number[24];
    for (int k = 0; k < s->classes; k++) to[k] = -2;
    for (int64_t i = 0; i < count; i++) to[label[i]] = -1;
    *missing = -1;
    for (int k = s->classes - 1; k >= 0; k--) {
        if (to[k] == -1) to[k] = find_name(o, name_of(s, k, number, sizeof number));
        if (to[k] == -1) *missing = k;
    }
}

static gr_status fail_classes(const gr_origin *o, const gr_task *t, const gr_set *s, int missing)
{
    gr__text mine, its;
    char number[24];
    const char *name = name_of(s, missing, number, sizeof number);
    gr__text_init(&mine, t->ctx);
    gr__text_init(&its, t->ctx);
    if (s->class_names)
        put_names(&mine, s->class_names, s->classes);
    else
        gr__text_add(&mine, "0 to %d", s->classes - 1);
    if (o->class_names)
        put_names(&its, o->class_names, o->n_class_names);
    else
        gr__text_add(&its, "numbers without names");
    gr_status st = mine.failed || its.failed ? GR_E_MEMORY : GR_OK;
    if (st == GR_OK && o->force)
        gr__log(t->ctx, GR_LOG_WARNING,
                "--force: outputs are numbered by the classes of the new data (%s), not by those of %s (%s)", mine.s,
                o->path, its.s);
    else if (st == GR_OK)
        st = gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT,
                           "--force numbers the outputs by the new data's classes, whatever they stood for before",
                           "the train data has the class \"%s\", which %s does not know: %s here, %s there", name,
                           o->path, mine.s, its.s);
    gr__text_free(&mine);
    gr__text_free(&its);
    return st;
}

static void renumber(const gr_origin *o, gr_task *t, gr_set *s, const int32_t *to)
{
    int32_t *label = s->targets;
    int64_t count = s->n * gr_shape_count(s->target_sample);
    bool moved = false;
    for (int k = 0; k < s->classes; k++) moved |= to[k] >= 0 && to[k] != k;
    for (int64_t i = 0; i < count; i++) label[i] = to[label[i]];
    s->class_names = o->class_names;
    s->classes = o->n_class_names;
    if (moved) gr__log(t->ctx, GR_LOG_INFO, "classes are numbered as %s numbers them", o->path);
}

static gr_status settle_classes(const gr_origin *o, gr_task *t, gr_set *s)
{
    int missing = 0;
    if (s->target != GR_TARGET_CLASS) return GR_OK;
    if (!o->class_names) return s->class_names ? fail_classes(o, t, s, missing) : GR_OK;
    if (!s->class_names &&
        !gr__source_is_table(t->recipe->data.train)) { /* numbers of classes are what the outputs are numbered by */
        t->class_names = o->class_names, t->classes = o->n_class_names;
        return GR_OK;
    }
    size_t bytes = sizeof(int32_t) * (size_t)GR_MAX(s->classes, 1);
    int32_t *to = gr__alloc(t->ctx, bytes);
    if (!to) return GR_E_MEMORY;
    map_classes(o, s, to, &missing);
    gr_status st = missing >= 0 ? fail_classes(o, t, s, missing) : GR_OK;
    if (missing < 0) renumber(o, t, s, to);
    gr__free(t->ctx, to, bytes);
    return st;
}

gr_status gr__origin_settle(const gr_origin *o, gr_task *t, gr_set *s)
{
    if (o->bare) return GR_OK;
    if (s->missing && !o->force && !fills(o))
        return gr__tree_fail(t->ctx, t->recipe->data.train, GR_E_CONFLICT,
                             "fill them in the file; --force prepares by the recipe, with statistics of the new data",
                             "the train data declares missing values, which %s does not fill", o->path);
    gr_status st = settle_columns(o, t, s);
    return st == GR_OK ? settle_classes(o, t, s) : st;
}
