/* Training that starts from a model. */
#include "train/origin.h"

#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/safetensors.h"

/* ---- texts ---- */

/* "ant", "bee" and 3 more */
static void put_names(gr__text *out, const char *const *names, int n)
{
    enum { MOST = 8 };
    for (int i = 0; i < GR_MIN(n, MOST); i++) gr__text_add(out, "%s\"%s\"", i ? ", " : "", names[i]);
    if (n > MOST) gr__text_add(out, " and %d more", n - MOST);
}

/* The steps of `prepare:` on one line, from the block of a line each that YAML writes; of several inputs as a map. */
static void put_steps(gr__text *out, const gr_tree *list)
{
    gr__text block;
    if (list && list->kind == GR_TREE_MAP) {
        gr__tree_json(out, list);
        return;
    }
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
    int n_prepared = 0;
    for (int i = 0; i < m->recipe->n_inputs; i++) n_prepared += m->meaning.n_prepared[i];
    if (!failed && o->force && (n_prepared || !same))
        gr__log(ctx, GR_LOG_WARNING,
                "--force: inputs are prepared by the recipe (%s), with statistics of the new data; the weights of %s "
                "were trained with %s and its own statistics",
                a.s, o->path, b.s);
    else if (!failed && !same)
        st = gr__tree_fail(ctx, at, GR_E_CONFLICT,
                           "prepare in the model's steps; --force takes the recipe's, with statistics of the new data",
                           "inputs are prepared by %s here, but %s was trained with %s", a.s, o->path, b.s);
    else if (!failed && n_prepared)
        gr__log(ctx, GR_LOG_INFO, "inputs are prepared with the statistics of %s, which its weights were trained with",
                o->path);
    gr__text_free(&a);
    gr__text_free(&b);
    return st;
}

static bool fills(const gr_origin *o, int input)
{
    for (int i = 0; i < o->meaning.n_prepared[input]; i++)
        if (o->meaning.prepared[input][i].step->fills) return true;
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

static gr_status copy_unit(gr_context *ctx, gr__bump *b, const gr_targets *from, gr_targets *to)
{
    if (!from->shift) return GR_OK;
    size_t bytes = sizeof(double) * (size_t)from->values;
    double *shift = gr__bump_alloc(b, 2 * bytes), *spread = shift + from->values;
    if (!shift) return gr__error_code(ctx);
    memcpy(shift, from->shift, bytes);
    memcpy(spread, from->spread, bytes);
    *to = (gr_targets){.values = from->values, .shift = shift, .spread = spread};
    return GR_OK;
}

/* What outlives the model. */
static gr_status copy(gr_context *ctx, gr__bump *b, const gr_model *m, gr_origin *o)
{
    const gr_meaning *from = &m->meaning;
    gr_meaning *to = &o->meaning;
    const gr_schema *schema = gr__schema_copy(b, &from->schema);
    gr_status st = GR_OK;
    if (!schema) return GR_E_MEMORY;
    to->schema = *schema;
    for (int i = 0; i < to->schema.n_targets; i++)
        to->schema.target[i].class_names = NULL; /* these it has of its own */
    for (int h = 0; h < m->recipe->n_heads; h++) {
        to->classes[h] = from->classes[h];
        if (from->class_names[h] && !(to->class_names[h] = copy_names(b, from->class_names[h], from->classes[h])))
            return GR_E_MEMORY;
    }
    for (int i = 0; i < m->recipe->n_inputs && st == GR_OK; i++) {
        gr_tree *steps = gr__prepare_tree(b, from->prepared[i], from->n_prepared[i]);
        gr_prepared *copied = NULL;
        st = steps ? gr__prepare_parse(ctx, b, steps, &copied, &to->n_prepared[i]) : GR_E_MEMORY;
        to->prepared[i] = copied;
        to->wide[i] = from->wide[i];
    }
    for (int h = 0; h < m->recipe->n_heads && st == GR_OK; h++) st = copy_unit(ctx, b, &from->targets[h], &o->unit[h]);
    return st;
}

void gr__origin_units(const gr_origin *o, gr_task *t)
{
    for (int h = 0; h < t->recipe->n_heads && !o->fresh; h++) {
        if (!o->unit[h].shift || o->unit[h].values != t->targets[h].values) continue;
        t->targets[h].shift = o->unit[h].shift;
        t->targets[h].spread = o->unit[h].spread;
    }
}

/* Outputs that are standardized values are no others. */
static gr_status settle_targets(gr_context *ctx, const gr_recipe *r, const gr_recipe *its, const gr_origin *o)
{
    for (int h = 0; h < r->n_heads; h++) {
        bool mine = r->head[h].standardize, other = its->head[h].standardize;
        if (mine == other || o->force) continue;
        return gr__tree_fail(ctx, r->data.train, GR_E_CONFLICT,
                             mine ? "leave target out; --force takes the recipe's" : "target: {standardize: true}",
                             "targets are %sstandardized here, but %s was trained with targets that are%s",
                             mine ? "" : "not ", o->path, other ? "" : " not");
    }
    return GR_OK;
}

void gr__origin_give(const gr_origin *o, gr_meaning *to)
{
    to->schema = o->meaning.schema;
    memcpy(to->prepared, o->meaning.prepared, sizeof to->prepared);
    memcpy(to->n_prepared, o->meaning.n_prepared, sizeof to->n_prepared);
    memcpy(to->wide, o->meaning.wide, sizeof to->wide);
}

/* Inputs and heads meet by name: what the weights learned for one is not given to another. */
static gr_status settle_names(gr_context *ctx, const gr_recipe *r, const gr_recipe *its, const char *path, bool fresh)
{
    static const char hint[] = "the recipe's inputs and heads are the model's, in its order";
    for (int i = 0; i < r->n_inputs; i++)
        if (r->n_inputs != its->n_inputs || strcmp(r->input[i].name, its->input[i].name) != 0)
            return gr__tree_fail(ctx, r->input[i].at, GR_E_CONFLICT, hint, "%s has other inputs than this recipe",
                                 path);
    for (int h = 0; h < r->n_heads && !fresh; h++)
        if (r->n_heads != its->n_heads || strcmp(r->head[h].name, its->head[h].name) != 0)
            return gr__tree_fail(ctx, r->head[h].at ? r->head[h].at : r->layers, GR_E_CONFLICT, hint,
                                 "%s has other heads than this recipe", path);
    return GR_OK;
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

static gr_status read_origin(gr_context *ctx, gr__bump *b, const gr_recipe *r, gr_origin *out)
{
    gr_model m = {0};
    const char *path = out->path;
    gr_status st = is_bare(ctx, path, &out->bare);
    if (st != GR_OK) return st;
    if (out->bare) {
        gr__log(ctx, GR_LOG_WARNING,
                "%s holds weights alone: nothing says how its inputs were prepared and what its outputs stand for",
                path);
        return GR_OK;
    }
    GR_TRY(gr__model_open(ctx, path, &m));
    GR_TRY(settle_names(ctx, r, m.recipe, path, out->fresh));
    GR_TRY(settle_steps(ctx, r, &m, out));
    if (!out->fresh) GR_TRY(settle_targets(ctx, r, m.recipe, out));
    GR_TRY(copy(ctx, b, &m, out));
done:
    gr__model_close(&m);
    return st;
}

gr_status gr__origin_read(gr_context *ctx, gr__bump *b, const gr_recipe *r, const char *path, bool force,
                          gr_origin *out)
{
    *out = (gr_origin){.path = path, .force = force};
    return read_origin(ctx, b, r, out);
}

gr_status gr__origin_of_start(gr_context *ctx, gr__bump *b, const gr_recipe *r, gr_origin *out)
{
    *out = (gr_origin){.path = r->start.from, .force = r->start.force, .fresh = r->start.n_fresh > 0};
    return read_origin(ctx, b, r, out);
}

/* ---- columns ---- */

static gr_status settle_columns(const gr_origin *o, gr_task *t, const gr_set *s)
{
    const gr_schema *is = s->schema, *was = &o->meaning.schema;
    if (!was->name || !is || !is->name || is->n_inputs != was->n_inputs) return GR_OK;
    int n = is->n_inputs, k = 0;
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

/* One head's: what it was told apart by, and what it is to tell apart now. */
typedef struct head {
    const gr_origin *o;
    gr_task *t;
    gr_field *y;
    int at;
    int64_t labels; /* in the field */
} head;

static const char *const *its_names(const head *h)
{
    return h->o->meaning.class_names[h->at];
}

static int find_name(const head *h, const char *name)
{
    for (int i = 0; i < h->o->meaning.classes[h->at]; i++)
        if (strcmp(its_names(h)[i], name) == 0) return i;
    return -1;
}

/* What label k is called: a table's whole numbers are texts too, which stand among the model's names or not. */
static const char *name_of(const gr_field *y, int k, char *number, size_t n)
{
    if (y->class_names) return y->class_names[k];
    snprintf(number, n, "%d", k);
    return number;
}

/* The model's number of each class that has a sample. *missing: the first that the model does not know, -1: none. */
static void map_classes(const head *h, int32_t *to, int *missing)
{
    const int32_t *label = h->y->data;
    char number[24];
    for (int k = 0; k < h->y->classes; k++) to[k] = -2;
    for (int64_t i = 0; i < h->labels; i++) to[label[i]] = -1;
    *missing = -1;
    for (int k = h->y->classes - 1; k >= 0; k--) {
        if (to[k] == -1) to[k] = find_name(h, name_of(h->y, k, number, sizeof number));
        if (to[k] == -1) *missing = k;
    }
}

/* The same names in the same order: what an output stands for is its place in the list. */
static bool same_list(const head *h)
{
    const gr_field *y = h->y;
    char number[24];
    if (y->classes != h->o->meaning.classes[h->at]) return false;
    for (int k = 0; k < y->classes; k++)
        if (strcmp(name_of(y, k, number, sizeof number), its_names(h)[k]) != 0) return false;
    return true;
}

/* missing: a class that the model does not know; -1: it knows all, but its list is another. */
static gr_status fail_classes(const head *h, int missing)
{
    gr__text mine, its;
    char number[24];
    gr_context *ctx = h->t->ctx;
    gr__text_init(&mine, ctx);
    gr__text_init(&its, ctx);
    if (h->y->class_names)
        put_names(&mine, h->y->class_names, h->y->classes);
    else
        gr__text_add(&mine, "0 to %d", h->y->classes - 1);
    if (its_names(h))
        put_names(&its, its_names(h), h->o->meaning.classes[h->at]);
    else
        gr__text_add(&its, "numbers without names");
    gr_status st = mine.failed || its.failed ? GR_E_MEMORY : GR_OK;
    if (st == GR_OK && h->o->force)
        gr__log(ctx, GR_LOG_WARNING,
                "--force: outputs are numbered by the classes of the new data (%s), not by those of %s (%s)", mine.s,
                h->o->path, its.s);
    else if (st == GR_OK)
        st = missing < 0
                 ? gr__tree_fail(ctx, h->t->recipe->data.train, GR_E_CONFLICT,
                                 "gradus finetune gives the last layer outputs of its own; --force numbers these "
                                 "classes as the model does",
                                 "the classes of the train data are %s, but %s in %s", mine.s, its.s, h->o->path)
                 : gr__tree_fail(ctx, h->t->recipe->data.train, GR_E_CONFLICT,
                                 "gradus finetune gives the last layer outputs of its own; --force numbers the outputs "
                                 "by the new data's classes, whatever they stood for before",
                                 "the train data has the class \"%s\", which %s does not know: %s here, %s there",
                                 name_of(h->y, missing, number, sizeof number), h->o->path, mine.s, its.s);
    gr__text_free(&mine);
    gr__text_free(&its);
    return st;
}

static void renumber(const head *h, const int32_t *to)
{
    int32_t *label = h->y->data;
    bool moved = false;
    for (int k = 0; k < h->y->classes; k++) moved |= to[k] >= 0 && to[k] != k;
    for (int64_t i = 0; i < h->labels; i++) label[i] = to[label[i]];
    h->y->class_names = its_names(h);
    h->y->classes = h->o->meaning.classes[h->at];
    if (moved) gr__log(h->t->ctx, GR_LOG_INFO, "classes are numbered as %s numbers them", h->o->path);
}

static gr_status settle_classes(const head *h)
{
    int missing = 0;
    if (h->y->kind != GR_TARGET_CLASS) return GR_OK;
    if (!its_names(h)) return h->y->class_names ? fail_classes(h, missing) : GR_OK;
    if (!h->y->class_names && !gr__source_is_table(h->t->ctx, h->t->recipe->data.train)) {
        /* numbers of classes are what the outputs are numbered by */
        h->t->meaning.class_names[h->at] = its_names(h);
        h->t->meaning.classes[h->at] = h->o->meaning.classes[h->at];
        return GR_OK;
    }
    size_t bytes = sizeof(int32_t) * (size_t)GR_MAX(h->y->classes, 1);
    int32_t *to = gr__alloc(h->t->ctx, bytes);
    if (!to) return GR_E_MEMORY;
    map_classes(h, to, &missing);
    gr_status st = missing >= 0 || !(h->o->force || same_list(h)) ? fail_classes(h, missing) : GR_OK;
    if (missing < 0 && st == GR_OK) renumber(h, to);
    gr__free(h->t->ctx, to, bytes);
    return st;
}

gr_status gr__origin_settle(const gr_origin *o, gr_task *t, gr_set *s)
{
    if (o->bare) return GR_OK;
    for (int i = 0; i < s->n_inputs; i++)
        if (gr__set_input(s, i)->missing && !o->force && !fills(o, i))
            return gr__tree_fail(
                t->ctx, t->recipe->data.train, GR_E_CONFLICT,
                "fill them in the file; --force prepares by the recipe, with statistics of the new data",
                "the train data declares missing values, which %s does not fill", o->path);
    gr_status st = settle_columns(o, t, s);
    for (int k = 0; k < s->n_targets && st == GR_OK && !o->fresh; k++) {
        gr_field *y = &s->field[s->n_inputs + k];
        const head h = {.o = o, .t = t, .y = y, .at = k, .labels = s->n * gr_shape_count(y->sample)};
        st = settle_classes(&h);
    }
    return st;
}
