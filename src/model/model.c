/* Model files: weights, and in the metadata all that predicting from raw input needs. */
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "graph/shape.h"
#include "model/safetensors.h"

enum { MAX_NAMES = 1000000 };
static const char wide_key[] = "gradus.prepared_in_float64";

/* ---- writing ---- */

typedef struct writing {
    const gr_model_about *about;
    gr__bump *b;
    gr__text text;
} writing;

static void put_names(gr__text *t, const char *const *names, int n)
{
    gr__text_put(t, "[", 1);
    for (int i = 0; i < n; i++) {
        if (i) gr__text_put(t, ", ", 2);
        gr__json_text(t, names[i]);
    }
    gr__text_put(t, "]", 1);
}

static bool has_classes(const gr_model_about *a, int head)
{
    return a->meaning->class_names[head] != NULL;
}

static void put_classes(writing *w, int head)
{
    put_names(&w->text, w->about->meaning->class_names[head], w->about->meaning->classes[head]);
}

static bool has_counts(const gr_model_about *a, int head)
{
    const gr_targets *t = a->meaning->targets ? &a->meaning->targets[head] : NULL;
    return gr__targets_known(t) && t->classes > 0;
}

static void put_counts(writing *w, int head)
{
    const gr_targets *t = &w->about->meaning->targets[head];
    for (int64_t k = 0; k < t->classes; k++) gr__text_add(&w->text, "%s%lld", k ? ", " : "[", (long long)t->count[k]);
    gr__text_put(&w->text, "]", 1);
}

/* What heads have: one list, or a map of lists by name where heads have names. false: none has it. */
static bool put_heads(writing *w, bool (*has)(const gr_model_about *a, int head), void (*put)(writing *w, int head))
{
    const gr_recipe *r = w->about->recipe;
    bool any = false;
    for (int h = 0; h < r->n_heads; h++) {
        if (!has(w->about, h)) continue;
        if (r->heads_named) gr__text_put(&w->text, any ? ", " : "{", any ? 2 : 1);
        if (r->heads_named) gr__json_text(&w->text, r->head[h].name);
        if (r->heads_named) gr__text_put(&w->text, ": ", 2);
        put(w, h);
        any = true;
    }
    if (any && r->heads_named) gr__text_put(&w->text, "}", 1);
    return any;
}

static bool put_class_names(writing *w)
{
    return put_heads(w, has_classes, put_classes);
}

static bool put_class_counts(writing *w)
{
    return put_heads(w, has_counts, put_counts);
}

static bool has_standard(const gr_model_about *a, int head)
{
    return a->meaning->targets && a->meaning->targets[head].shift;
}

static void put_numbers(gr__text *t, const char *key, const double *x, int64_t n)
{
    char text[32];
    gr__text_add(t, "\"%s\": ", key);
    for (int64_t i = 0; i < n; i++) gr__text_add(t, "%s%s", i ? ", " : "[", gr__double_text(x[i], text));
    gr__text_put(t, "]", 1);
}

static void put_standard(writing *w, int head)
{
    const gr_targets *t = &w->about->meaning->targets[head];
    gr__text_put(&w->text, "{", 1);
    put_numbers(&w->text, "mean", t->shift, t->values);
    gr__text_put(&w->text, ", ", 2);
    put_numbers(&w->text, "std", t->spread, t->values);
    gr__text_put(&w->text, "}", 1);
}

static bool put_standards(writing *w)
{
    return put_heads(w, has_standard, put_standard);
}

static bool put_prepared(writing *w)
{
    const gr_recipe *r = w->about->recipe;
    const gr_meaning *m = w->about->meaning;
    gr_tree *t = r->inputs_named ? gr__tree_map(w->b) : gr__prepare_tree(w->b, m->prepared[0], m->n_prepared[0]);
    for (int i = 0; i < r->n_inputs && r->inputs_named && t; i++)
        if (!gr__tree_put(w->b, t, r->input[i].name, gr__prepare_tree(w->b, m->prepared[i], m->n_prepared[i])))
            t = NULL;
    if (t)
        gr__tree_json(&w->text, t);
    else
        w->text.failed = true;
    return true;
}

static bool put_wide(writing *w)
{
    const gr_recipe *r = w->about->recipe;
    bool any = false;
    for (int i = 0; i < r->n_inputs; i++) {
        if (!w->about->meaning->wide[i]) continue;
        gr__text_put(&w->text, any ? ", " : "[", any ? 2 : 1);
        gr__json_text(&w->text, r->input[i].name);
        any = true;
    }
    if (any) gr__text_put(&w->text, "]", 1);
    return any;
}

static const gr_schema *table_of(const writing *w)
{
    return w->about->meaning->schema.table ? &w->about->meaning->schema : NULL;
}

static bool put_columns(writing *w)
{
    const gr_schema *s = table_of(w);
    if (!s || !s->name) return false;
    put_names(&w->text, s->name, s->n_inputs);
    return true;
}

static bool put_table(writing *w)
{
    const gr_schema *s = table_of(w);
    if (s) gr__table_json(&w->text, s);
    return s != NULL;
}

static bool put_units(writing *w)
{
    const gr_schema *s = &w->about->meaning->schema;
    if (s->unit) gr__units_json(&w->text, s);
    return s->unit != NULL;
}

/* The recipe without what only says how a run was carried out: the same training gives the same file for any number of
 * threads. */
static const gr_tree *as_model(gr__bump *b, const gr_tree *resolved)
{
    gr_tree *t = gr__tree_copy(b, resolved), *any = gr__tree_text(b, "auto"), *none = gr__tree_text(b, "none");
    bool made = t && any && none && gr__tree_put(b, t, "threads", any) && gr__tree_put(b, t, "workers", any) &&
                gr__tree_put(b, t, "hold", any) && gr__tree_put(b, t, "memory", none) &&
                gr__tree_put(b, t, "remat", none); /* which changes no bit */
    return made ? t : resolved;
}

static bool put_recipe(writing *w)
{
    gr__tree_json(&w->text, as_model(w->b, w->about->resolved ? w->about->resolved : w->about->recipe->resolved));
    return true;
}

static bool put_traits(writing *w)
{
    const gr_kept_traits *t = &w->about->meaning->traits;
    if (t->value) gr__traits_json(&w->text, t, w->about->recipe->n_inputs);
    return t->value != NULL;
}

static bool put_trained(writing *w)
{
    const char *text = w->about->trained;
    if (text) gr__text_put(&w->text, text, strlen(text));
    return text != NULL;
}

gr_status gr__model_write(gr_context *ctx, const char *path, const gr_store *s, const gr_model_about *a)
{
    static const struct {
        const char *key;
        bool (*put)(writing *w); /* false: there is nothing to say */
    } parts[] = {{"gradus.recipe", put_recipe},
                 {"gradus.prepare", put_prepared},
                 {wide_key, put_wide},
                 {"gradus.classes", put_class_names},
                 {"gradus.columns", put_columns},
                 {"gradus.table", put_table},
                 {"gradus.text", put_units},
                 {"gradus.class_counts", put_class_counts},
                 {"gradus.targets", put_standards},
                 {"gradus.traits", put_traits},
                 {"gradus.trained", put_trained}};
    gr_st_pair meta[GR_COUNT(parts)];
    int n = 0;
    writing w = {.about = a, .b = gr__bump_create(ctx)};
    gr_status st = w.b ? GR_OK : GR_E_MEMORY;
    for (size_t i = 0; i < GR_COUNT(parts) && st == GR_OK; i++) {
        gr__text_init(&w.text, ctx);
        bool has = parts[i].put(&w);
        const char *text = has ? gr__bump_strdup(w.b, w.text.s ? w.text.s : "") : NULL;
        if (w.text.failed || (has && !text)) st = GR_E_MEMORY;
        if (has) meta[n++] = (gr_st_pair){parts[i].key, text};
        gr__text_free(&w.text);
    }
    if (st == GR_OK) st = gr__model_save(ctx, path, s, a->slot, a->recipe->float64, a->made, meta, n);
    gr__bump_destroy(w.b);
    return st;
}

/* ---- reading ---- */

gr_status gr__model_refuse_checkpoint(gr_context *ctx, const gr_st *file, const char *path)
{
    if (!gr__st_meta(file, "gradus.isa") || gr__st_meta(file, "gradus.recipe")) return GR_OK;
    gr__fail(ctx, GR_E_FORMAT, "it is a checkpoint, not a model");
    gr__error_place(ctx, path, 0, 0, NULL);
    gr__error_hint(ctx, "train RUN --resume goes on from a run's newest one; a run's models are best.safetensors and "
                        "last.safetensors");
    return GR_E_FORMAT;
}

static gr_status need_meta(const gr_model *m, const char *key, const char **out)
{
    *out = gr__st_meta(m->file, key);
    if (*out) return GR_OK;
    gr_status st = gr__model_refuse_checkpoint(m->ctx, m->file, m->path);
    if (st != GR_OK) return st;
    st = gr__fail(m->ctx, GR_E_FORMAT, "\"%s\" has no \"%s\" in its metadata", m->path, key);
    gr__error_hint(m->ctx, "it holds tensors, but was not written by gradus, or its metadata was lost");
    return st;
}

/* What stands in a model's metadata and is wrong is the file's fault, whatever it would be in a recipe. */
static gr_status blame_file(const gr_model *m, const char *key, gr_status st)
{
    const gr_error *e = gr_context_error(m->ctx);
    char text[700];
    if (st == GR_OK || st == GR_E_MEMORY || st == GR_E_BUDGET) return st;
    snprintf(text, sizeof text, "%.100s: %.200s%s%.380s", key, e->key, e->key[0] ? ": " : "", e->message);
    gr_context_clear_error(m->ctx);
    return gr__fail(m->ctx, GR_E_FORMAT, "\"%s\" does not hold a sound model: %s", m->path, text);
}

static gr_status read_recipe(const gr_model *m, const char *text, gr_recipe **out)
{
    gr__bump *b = gr__bump_create(m->ctx);
    gr_tree *root;
    if (!b) return GR_E_MEMORY;
    gr_status st = gr__json_tree(m->ctx, b, m->path, text, &root);
    if (st == GR_OK && root->kind != GR_TREE_MAP)
        st = gr__tree_fail(m->ctx, root, GR_E_TYPE, NULL, "it is not a map of keys");
    gr__log_mute(m->ctx, true); /* what there is to warn of was said when it was trained by */
    if (st == GR_OK) st = gr__recipe_from_tree(m->ctx, b, root, m->path, ".", out);
    gr__log_mute(m->ctx, false);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

gr_status gr__model_recipe(gr_context *ctx, const char *path, const char *text, gr_recipe **out)
{
    const gr_model m = {.ctx = ctx, .path = path};
    return blame_file(&m, "gradus.recipe", read_recipe(&m, text, out));
}

/* Numbers that go with no samples of this network are not its. */
static gr_status check_prepared(const gr_model *m, int input)
{
    const gr_prepared *p = m->meaning.prepared[input];
    return gr__prepare_check(m->ctx, GR_E_FORMAT, p, m->meaning.n_prepared[input], m->recipe->input[input].sample);
}

static gr_status read_prepared(gr_model *m, const char *text)
{
    gr_tree *root;
    const gr_recipe *r = m->recipe;
    gr_status st = gr__json_tree(m->ctx, m->memory, m->path, text, &root);
    if (st == GR_OK && r->inputs_named && root->kind != GR_TREE_MAP)
        st = gr__fail(m->ctx, GR_E_FORMAT, "it is not a map of lists by input");
    for (int i = 0; i < r->n_inputs && st == GR_OK; i++) {
        const gr_tree *list = r->inputs_named ? gr__tree_get(root, r->input[i].name) : root;
        gr_prepared *steps = NULL;
        if (!list) return gr__fail(m->ctx, GR_E_FORMAT, "it has nothing for the input \"%s\"", r->input[i].name);
        st = gr__prepare_parse(m->ctx, m->memory, list, &steps, &m->meaning.n_prepared[i]);
        m->meaning.prepared[i] = steps;
        if (st == GR_OK) st = check_prepared(m, i);
    }
    return st;
}

/* Names of inputs; a file in which none is has no such list. */
static gr_status read_wide(gr_model *m, const char *text)
{
    gr_tree *list = NULL;
    gr_status st = text ? gr__json_tree(m->ctx, m->memory, m->path, text, &list) : GR_OK;
    if (st != GR_OK || !text) return st;
    if (list->kind != GR_TREE_LIST) return gr__fail(m->ctx, GR_E_FORMAT, "it is not a list of inputs");
    for (int k = 0; k < list->n; k++) {
        int i = 0;
        while (i < m->recipe->n_inputs &&
               (!list->child[k]->text || strcmp(list->child[k]->text, m->recipe->input[i].name)))
            i++;
        if (i == m->recipe->n_inputs) return gr__fail(m->ctx, GR_E_FORMAT, "it names no input of gradus.recipe");
        m->meaning.wide[i] = true;
    }
    return GR_OK;
}

static gr_status copy_names(gr_model *m, const json_t *list, const char *const **out, int *n_out)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > MAX_NAMES)
        return gr__fail(m->ctx, GR_E_FORMAT, "it is not a list of 1 to %d names", MAX_NAMES);
    const char **names = gr__bump_alloc(m->memory, n * sizeof *names);
    if (!names) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (!name) return gr__fail(m->ctx, GR_E_FORMAT, "name %zu is not text", i);
        if (!(names[i] = gr__bump_strdup(m->memory, name))) return GR_E_MEMORY;
    }
    *out = names;
    *n_out = (int)n;
    return GR_OK;
}

static gr_status copy_counts(gr_model *m, const json_t *list, gr_targets *out)
{
    size_t n = json_array_size(list);
    int64_t *count = gr__bump_alloc(m->memory, n * sizeof *count);
    if (!json_is_array(list) || n == 0) return gr__fail(m->ctx, GR_E_FORMAT, "it is not a list of counts");
    if (!count) return GR_E_MEMORY;
    *out = (gr_targets){.classes = (int64_t)n, .count = count};
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        count[i] = json_integer_value(x);
        if (!json_is_integer(x) || count[i] < 0 || count[i] > INT64_MAX - out->n)
            return gr__fail(m->ctx, GR_E_FORMAT, "count %zu is not a whole number from 0 on", i);
        out->n += count[i];
    }
    return GR_OK;
}

/* The JSON under `key`: NULL where there is none, or where it is refused. */
static gr_status read_json(gr_model *m, const char *key, json_t **out)
{
    json_error_t error;
    const char *text = gr__st_meta(m->file, key);
    *out = text ? json_loads(text, 0, &error) : NULL;
    return *out || !text ? GR_OK : gr__fail(m->ctx, GR_E_FORMAT, "it is not JSON: %s", error.text);
}

/* A list of names under `key`, where there is one. */
static gr_status read_names(gr_model *m, const char *key, const char *const **out, int *n)
{
    json_t *list;
    gr_status st = read_json(m, key, &list);
    if (st == GR_OK && list) st = copy_names(m, list, out, n);
    json_decref(list);
    return blame_file(m, key, st);
}

/* What heads have under `key`: one list, or a map of lists by name where heads have names. take: one head's. */
static gr_status read_heads(gr_model *m, const char *key, gr_status (*take)(gr_model *m, int head, const json_t *list))
{
    const gr_recipe *r = m->recipe;
    json_t *all;
    gr_status st = read_json(m, key, &all);
    if (st == GR_OK && all && r->heads_named && !json_is_object(all))
        st = gr__fail(m->ctx, GR_E_FORMAT, "it is not a map of lists by head");
    for (int h = 0; h < r->n_heads && st == GR_OK && all; h++) {
        const json_t *list = r->heads_named ? json_object_get(all, r->head[h].name) : all;
        if (list) st = take(m, h, list);
    }
    json_decref(all);
    return blame_file(m, key, st);
}

static gr_status take_classes(gr_model *m, int head, const json_t *list)
{
    return copy_names(m, list, &m->meaning.class_names[head], &m->meaning.classes[head]);
}

static gr_status take_counts(gr_model *m, int head, const json_t *list)
{
    gr_targets *targets = (gr_targets *)m->meaning.targets; /* of this model's own memory, being filled */
    return copy_counts(m, list, &targets[head]);
}

static gr_status copy_numbers(gr_model *m, const json_t *list, int64_t n, bool above, double **out)
{
    *out = gr__bump_alloc(m->memory, sizeof **out * (size_t)GR_MAX(n, 1));
    if (!*out) return GR_E_MEMORY;
    if ((int64_t)json_array_size(list) != n) return gr__fail(m->ctx, GR_E_FORMAT, "it is not a number an output");
    for (int64_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, (size_t)i);
        (*out)[i] = json_number_value(x);
        if (!json_is_number(x) || !isfinite((*out)[i]) || (above && !((*out)[i] > 0)))
            return gr__fail(m->ctx, GR_E_FORMAT, "number %lld is no %s", (long long)i, above ? "deviation" : "mean");
    }
    return GR_OK;
}

/* What a head's values were standardized by. */
static gr_status take_standard(gr_model *m, int head, const json_t *o)
{
    gr_targets *targets = (gr_targets *)m->meaning.targets;
    int64_t n = gr_shape_count(m->recipe->head[head].output);
    double *shift = NULL, *spread = NULL;
    gr_status st = copy_numbers(m, json_object_get(o, "mean"), n, false, &shift);
    if (st == GR_OK) st = copy_numbers(m, json_object_get(o, "std"), n, true, &spread);
    if (st != GR_OK) return st;
    targets[head].values = n;
    targets[head].shift = shift;
    targets[head].spread = spread;
    return GR_OK;
}

static gr_status check_standard(const gr_model *m, int head)
{
    bool has = m->meaning.targets[head].shift != NULL;
    if (has == m->recipe->head[head].standardize) return GR_OK;
    return gr__fail(m->ctx, GR_E_FORMAT,
                    "\"%s\" does not hold a sound model: gradus.targets %s, but gradus.recipe %s them", m->path,
                    has ? "standardizes values" : "has no statistics of values",
                    has ? "does not standardize" : "standardizes");
}

/* How the training's table or text was read. Models of older versions do not say all of it, but their recipe does. */
static gr_status read_schema(gr_model *m)
{
    const char *json = gr__st_meta(m->file, "gradus.table"), *units = gr__st_meta(m->file, "gradus.text");
    const gr_tree *source = m->recipe->data.train;
    gr_schema *s = &m->meaning.schema;
    gr_status st = read_names(m, "gradus.columns", &s->name, &s->n_inputs);
    if (st == GR_OK && json)
        st = blame_file(m, "gradus.table", gr__table_parse(m->ctx, m->memory, json, s));
    else if (st == GR_OK && gr__source_is_table(m->ctx, source))
        st = gr__schema_of_source(m->ctx, m->memory, source, s->name,
                                  s->name ? s->n_inputs : (int)gr_shape_count(m->recipe->input[0].sample), s);
    if (st == GR_OK && units) st = blame_file(m, "gradus.text", gr__units_parse(m->ctx, m->memory, units, s));
    return st;
}

/* A network may have outputs that no class stands for, but no class without an output. */
static gr_status check_classes(const gr_model *m, int head)
{
    const gr_head *h = &m->recipe->head[head];
    bool classes = h->reading.target == GR_FORM_CLASS;
    int64_t outputs = h->metric_scope.classes, counts = m->meaning.targets[head].classes;
    int names = m->meaning.class_names[head] ? m->meaning.classes[head] : 0;
    if (names && !classes)
        return gr__fail(m->ctx, GR_E_FORMAT,
                        "\"%s\" does not hold a sound model: gradus.classes names %d classes, but the cost of "
                        "gradus.recipe, %s, knows none",
                        m->path, names, h->metric_scope.cost);
    if (names > outputs)
        return gr__fail(m->ctx, GR_E_FORMAT,
                        "\"%s\" does not hold a sound model: gradus.classes names %d classes, but the network of "
                        "gradus.recipe tells %lld apart",
                        m->path, names, (long long)outputs);
    if (counts && classes && counts != outputs)
        return gr__fail(m->ctx, GR_E_FORMAT,
                        "\"%s\" does not hold a sound model: gradus.class_counts counts %lld classes, but the network "
                        "of gradus.recipe tells %lld apart",
                        m->path, (long long)counts, (long long)outputs);
    return GR_OK;
}

static gr_status read_traits(gr_model *m)
{
    json_t *o;
    gr_status st = read_json(m, "gradus.traits", &o);
    if (st == GR_OK && o) st = gr__traits_parse(m->ctx, m->memory, o, m->recipe->n_inputs, &m->meaning.traits);
    json_decref(o);
    return blame_file(m, "gradus.traits", st);
}

static gr_status read_file(gr_model *m)
{
    const char *recipe, *prepare;
    gr_status st = gr__st_verify(m->file, m->path);
    if (st != GR_OK) return st;
    GR_TRY(need_meta(m, "gradus.recipe", &recipe));
    GR_TRY(need_meta(m, "gradus.prepare", &prepare));
    GR_TRY(gr__model_recipe(m->ctx, m->path, recipe, &m->recipe));
    GR_TRY(blame_file(m, "gradus.prepare", read_prepared(m, prepare)));
    GR_TRY(blame_file(m, wide_key, read_wide(m, gr__st_meta(m->file, wide_key))));
    if (!(m->meaning.targets = gr__bump_alloc(m->memory, sizeof(gr_targets) * GR_MAX_TARGETS))) GR_TRY(GR_E_MEMORY);
    GR_TRY(read_heads(m, "gradus.classes", take_classes));
    GR_TRY(read_schema(m));
    GR_TRY(read_heads(m, "gradus.class_counts", take_counts));
    GR_TRY(read_heads(m, "gradus.targets", take_standard));
    GR_TRY(read_traits(m));
    for (int h = 0; h < m->recipe->n_heads; h++) GR_TRY(check_classes(m, h));
    for (int h = 0; h < m->recipe->n_heads; h++) GR_TRY(check_standard(m, h));
    gr__meaning_tell(&m->meaning, m->recipe);
done:
    return st;
}

gr_status gr__model_open(gr_context *ctx, const char *path, gr_model *out)
{
    gr_model m = {.ctx = ctx, .memory = gr__bump_create(ctx)};
    gr_status st = GR_E_MEMORY;
    if (gr__error_code(ctx) != GR_OK)
        st = gr__error_code(ctx);
    else if (m.memory && (m.path = gr__bump_strdup(m.memory, path)))
        st = gr__st_open(ctx, path, &m.file);
    if (st == GR_OK) st = read_file(&m);
    if (st == GR_OK)
        *out = m;
    else
        gr__model_close(&m);
    return st;
}

gr_status gr__model_check(gr_context *ctx, const char *path, const gr_st_pair *meta, int n)
{
    gr_model m = {.ctx = ctx, .memory = gr__bump_create(ctx), .path = path};
    gr__text t;
    gr__text_init(&t, ctx);
    gr__text_add(&t, "%8s{\"__metadata__\":{", "");
    for (int i = 0; i < n; i++) {
        if (i) gr__text_put(&t, ",", 1);
        gr__json_text(&t, meta[i].key);
        gr__text_put(&t, ":", 1);
        gr__json_text(&t, meta[i].value);
    }
    gr__text_put(&t, "}}", 2);
    size_t bytes = t.n;
    char *header = m.memory && !t.failed ? gr__alloc(ctx, bytes + 1) : NULL;
    gr_status st = header ? GR_OK : GR_E_MEMORY;
    if (header) {
        memcpy(header, t.s, bytes);
        for (int i = 0; i < 8; i++) header[i] = (char)((uint64_t)(bytes - 8) >> (8 * i));
        st = gr__st_parse(ctx, path, header, bytes, &m.file);
    }
    gr__text_free(&t);
    if (st == GR_OK) st = read_file(&m);
    gr__model_close(&m);
    return st;
}

void gr__model_close(gr_model *m)
{
    if (!m->ctx) return;
    gr__recipe_close(m->ctx, m->recipe);
    gr__st_close(m->file);
    gr__bump_destroy(m->memory);
    *m = (gr_model){0};
}
