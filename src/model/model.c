/* Model files: weights, and in the metadata all that predicting from raw input needs. */
#include "model/model.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "graph/shape.h"
#include "model/safetensors.h"

enum { MAX_NAMES = 1000000 };

/* ---- writing ---- */

static void put_names(gr__text *t, const char *const *names, int n)
{
    gr__text_put(t, "[", 1);
    for (int i = 0; i < n; i++) {
        if (i) gr__text_put(t, ", ", 2);
        gr__json_text(t, names[i]);
    }
    gr__text_put(t, "]", 1);
}

static void put_counts(gr__text *t, const gr_targets *targets)
{
    for (int64_t k = 0; k < targets->classes; k++)
        gr__text_add(t, "%s%lld", k ? ", " : "[", (long long)targets->count[k]);
    gr__text_put(t, "]", 1);
}

/* The recipe without what only says how a run was carried out: the same training gives the same file for any number of
 * threads. */
static const gr_tree *as_model(gr__bump *b, const gr_tree *resolved)
{
    gr_tree *t = gr__tree_copy(b, resolved), *any = gr__tree_text(b, "auto"), *none = gr__tree_text(b, "none");
    bool made = t && any && none && gr__tree_put(b, t, "threads", any) && gr__tree_put(b, t, "memory", none);
    return made ? t : resolved;
}

gr_status gr__model_write(gr_context *ctx, const char *path, const gr_store *s, const gr_model_about *a)
{
    gr__text recipe, prepare, classes, columns, table, counts;
    gr_st_pair meta[7];
    int n = 0;
    const gr_schema *schema = a->schema && a->schema->table ? a->schema : NULL;
    bool counted = gr__targets_known(a->targets) && a->targets->classes > 0;
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *steps = b ? gr__prepare_tree(b, a->prepared, a->n_prepared) : NULL;
    gr_status st = steps ? GR_OK : GR_E_MEMORY;
    gr__text_init(&recipe, ctx);
    gr__text_init(&prepare, ctx);
    gr__text_init(&classes, ctx);
    gr__text_init(&columns, ctx);
    gr__text_init(&table, ctx);
    gr__text_init(&counts, ctx);
    if (st == GR_OK) {
        gr__tree_json(&recipe, as_model(b, a->resolved ? a->resolved : a->recipe->resolved));
        gr__tree_json(&prepare, steps);
        if (a->class_names) put_names(&classes, a->class_names, a->n_class_names);
        if (schema && schema->name) put_names(&columns, schema->name, schema->n_inputs);
        if (schema) gr__table_json(&table, schema);
        if (counted) put_counts(&counts, a->targets);
        if (recipe.failed || prepare.failed || classes.failed || columns.failed || table.failed || counts.failed)
            st = GR_E_MEMORY;
    }
    if (st == GR_OK) {
        meta[n++] = (gr_st_pair){"gradus.recipe", recipe.s ? recipe.s : ""};
        meta[n++] = (gr_st_pair){"gradus.prepare", prepare.s ? prepare.s : ""};
        if (a->class_names) meta[n++] = (gr_st_pair){"gradus.classes", classes.s};
        if (schema && schema->name) meta[n++] = (gr_st_pair){"gradus.columns", columns.s};
        if (schema) meta[n++] = (gr_st_pair){"gradus.table", table.s};
        if (counted) meta[n++] = (gr_st_pair){"gradus.class_counts", counts.s};
        if (a->trained) meta[n++] = (gr_st_pair){"gradus.trained", a->trained};
        st = gr__model_save(ctx, path, s, a->slot, a->recipe->float64, meta, n);
    }
    gr__text_free(&counts);
    gr__text_free(&table);
    gr__text_free(&columns);
    gr__text_free(&classes);
    gr__text_free(&prepare);
    gr__text_free(&recipe);
    gr__bump_destroy(b);
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

static gr_status read_recipe(gr_model *m, const char *text)
{
    gr__bump *b = gr__bump_create(m->ctx);
    gr_tree *root;
    if (!b) return GR_E_MEMORY;
    gr_status st = gr__json_tree(m->ctx, b, m->path, text, &root);
    if (st == GR_OK && root->kind != GR_TREE_MAP)
        st = gr__tree_fail(m->ctx, root, GR_E_TYPE, NULL, "it is not a map of keys");
    gr__log_mute(m->ctx, true); /* what there is to warn of was said when it was trained by */
    if (st == GR_OK) st = gr__recipe_from_tree(m->ctx, b, root, m->path, ".", &m->recipe);
    gr__log_mute(m->ctx, false);
    if (st != GR_OK) gr__bump_destroy(b);
    return st;
}

/* One number for all, one a channel or one an element: otherwise it is not this network's. */
static gr_status check_prepared(const gr_model *m)
{
    gr_shape in = m->recipe->input;
    for (int i = 0; i < m->n_prepared; i++) {
        int n = m->prepared[i].n;
        if (n == 1 || (in.rank > 0 && in.dim[in.rank - 1] == n) || gr_shape_count(in) == n) continue;
        char shape[96];
        return gr__fail(m->ctx, GR_E_FORMAT, "its step %d has %d numbers, which fit no samples of shape %s", i, n,
                        gr__shape_text(in, shape));
    }
    return GR_OK;
}

static gr_status read_prepared(gr_model *m, const char *text)
{
    gr_tree *root;
    gr_status st = gr__json_tree(m->ctx, m->memory, m->path, text, &root);
    if (st == GR_OK) st = gr__prepare_parse(m->ctx, m->memory, root, &m->prepared, &m->n_prepared);
    return st == GR_OK ? check_prepared(m) : st;
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

static gr_status copy_counts(gr_model *m, const json_t *list)
{
    size_t n = json_array_size(list);
    int64_t *count = gr__bump_alloc(m->memory, n * sizeof *count);
    if (!json_is_array(list) || n == 0) return gr__fail(m->ctx, GR_E_FORMAT, "it is not a list of counts");
    if (!count) return GR_E_MEMORY;
    m->targets = (gr_targets){.classes = (int64_t)n, .count = count};
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        count[i] = json_integer_value(x);
        if (!json_is_integer(x) || count[i] < 0 || count[i] > INT64_MAX - m->targets.n)
            return gr__fail(m->ctx, GR_E_FORMAT, "count %zu is not a whole number from 0 on", i);
        m->targets.n += count[i];
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

/* How the training's table was read. Models of older versions do not say all of it, but their recipe does. */
static gr_status read_schema(gr_model *m)
{
    const char *json = gr__st_meta(m->file, "gradus.table");
    const gr_tree *source = m->recipe->data.train;
    gr_schema *s = &m->schema;
    gr_status st = read_names(m, "gradus.columns", &s->name, &s->n_inputs);
    if (st == GR_OK && json)
        st = blame_file(m, "gradus.table", gr__table_parse(m->ctx, m->memory, json, s));
    else if (st == GR_OK && gr__source_is_table(source))
        st = gr__schema_of_source(m->ctx, m->memory, source, s->name,
                                  s->name ? s->n_inputs : (int)gr_shape_count(m->recipe->input), s);
    s->class_names = m->class_names;
    s->n_class_names = m->n_class_names;
    return st;
}

static gr_status read_counts(gr_model *m)
{
    json_t *list;
    gr_status st = read_json(m, "gradus.class_counts", &list);
    if (st == GR_OK && list) st = copy_counts(m, list);
    json_decref(list);
    return blame_file(m, "gradus.class_counts", st);
}

static gr_status read_file(gr_model *m)
{
    const char *recipe, *prepare;
    gr_status st = gr__st_open(m->ctx, m->path, &m->file);
    if (st != GR_OK) return st;
    GR_TRY(gr__st_verify(m->file, m->path));
    GR_TRY(need_meta(m, "gradus.recipe", &recipe));
    GR_TRY(need_meta(m, "gradus.prepare", &prepare));
    GR_TRY(blame_file(m, "gradus.recipe", read_recipe(m, recipe)));
    GR_TRY(blame_file(m, "gradus.prepare", read_prepared(m, prepare)));
    GR_TRY(read_names(m, "gradus.classes", &m->class_names, &m->n_class_names));
    GR_TRY(read_schema(m));
    GR_TRY(read_counts(m));
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
        st = read_file(&m);
    if (st == GR_OK)
        *out = m;
    else
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
