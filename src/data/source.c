/* Sources by name: finding the member, checking its settings, loading, freeing. */
#include <string.h>

#include "base/file.h"
#include "data/fields.h"

uint64_t gr__set_bytes(const gr_set *s)
{
    uint64_t bytes = 0;
    for (int i = 0; i < gr__set_fields(s); i++) bytes += s->field[i].bytes + s->field[i].index;
    return bytes;
}

const gr_field *gr__set_length(const gr_set *s, int i)
{
    const gr_field *f = &s->field[s->n_inputs + s->n_targets + s->weighted];
    for (int k = 0; k < s->n_lengths; k++)
        if (strcmp(f[k].name, s->field[i].name) == 0) return &f[k];
    return NULL;
}

int gr__set_place(const gr_set *s, int field)
{
    if (field < gr__set_fields(s) - s->n_lengths) return field;
    for (int i = 0; i < s->n_inputs; i++)
        if (gr__set_length(s, i) == &s->field[field]) return gr__length_place(s->n_inputs, s->n_targets, i);
    return -1; /* gr__set_check refuses such sets */
}

void gr__set_free(gr_context *ctx, gr_set *s)
{
    gr__set_unmake(ctx, s);
    for (int i = 0; i < gr__set_fields(s); i++) {
        gr_field *f = &s->field[i];
        if (f->data) gr__tensor_free(ctx, f->data, (size_t)f->bytes);
        if (f->reader) f->reader->close(ctx, f->reader);
    }
    gr__bump_destroy(s->memory);
    *s = (gr_set){0};
}

static gr_status find(gr_context *ctx, const gr_tree *tree, const gr_source **out)
{
    const gr_tree *type = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "type") : tree;
    if (!type)
        return gr__tree_fail(ctx, tree, GR_E_MISSING, "write {type: idx, images: ..., labels: ...}",
                             "a source needs a \"type\"");
    if (type->kind != GR_TREE_TEXT) {
        char shown[200];
        return gr__tree_fail(ctx, type, GR_E_TYPE, "write {type: idx, images: ..., labels: ...}",
                             "%s is not the type of a source", gr__tree_show(type, shown, sizeof shown));
    }
    const gr_member *found;
    gr_status st = gr__family_named(ctx, &gr__family_source, "source", type->text, type, &found);
    if (st == GR_OK) *out = (const gr_source *)found;
    return st;
}

bool gr__source_is_table(const gr_context *ctx, const gr_tree *tree)
{
    const gr_source *source = (const gr_source *)gr__family_peek(ctx, &gr__family_source, tree);
    return source && source->table;
}

const char *gr__source_libraries(const gr_context *ctx, const gr_tree *tree, char *text, size_t n)
{
    const gr_source *source = tree ? (const gr_source *)gr__family_peek(ctx, &gr__family_source, tree) : NULL;
    return source && source->libraries ? source->libraries(text, n) : "";
}

const char *gr__source_lengths_of(const gr_tree *tree, const char *input)
{
    const gr_tree *t = tree && tree->kind == GR_TREE_MAP ? gr__tree_get(tree, "lengths") : NULL;
    if (gr__tree_none(t) || (t->kind == GR_TREE_BOOL && !t->truth)) return NULL;
    if (t->kind == GR_TREE_MAP) t = gr__tree_get(t, input);
    return t && t->kind != GR_TREE_LIST && t->kind != GR_TREE_MAP ? t->text : NULL;
}

static gr_status settle(gr_context *ctx, gr__bump *b, const gr_tree *tree, const gr_source **source, gr_settings *s)
{
    gr_status st = find(ctx, tree, source);
    return st == GR_OK ? gr__settings_make(ctx, b, &(*source)->head, tree, GR_PRESET_CHAPTER, NULL, s) : st;
}

static bool is_field(const gr_field *f, gr_field_role role, const char *name)
{
    return f->role == role && (!name || strcmp(f->name, name) == 0);
}

gr_status gr__set_check(gr_context *ctx, const gr_source *source, const gr_wants *w, const gr_set *s)
{
    if (!w) return GR_OK;
    bool good = s->n_inputs == w->n_inputs && s->n_targets == w->n_targets;
    for (int i = 0; i < w->n_inputs && good; i++)
        good = is_field(gr__set_input(s, i), GR_FIELD_INPUT, w->inputs_named ? w->input[i] : NULL);
    for (int h = 0; h < w->n_targets && good; h++)
        good = is_field(gr__set_target(s, h), GR_FIELD_TARGET, w->targets_named ? w->target[h].name : NULL);
    if (good && s->weighted) good = is_field(gr__set_weight(s), GR_FIELD_WEIGHT, NULL);
    for (int k = 0; k < s->n_lengths && good; k++) {
        int at = gr__set_fields(s) - s->n_lengths + k;
        good = is_field(&s->field[at], GR_FIELD_LENGTH, NULL) && gr__set_place(s, at) >= 0;
    }
    return good ? GR_OK
                : gr__fail(ctx, GR_E_INTERNAL, "source %s gives other fields than were asked for", source->head.name);
}

/* A cost wants targets, which a source may have been given none of. */
static gr_status check_targets(gr_context *ctx, const gr_tree *tree, const gr_source *source, const gr_wants *w,
                               const gr_set *s)
{
    bool one = gr__member_has(&source->head, "target");
    if (!w || w->n_targets == 0 || s->n_targets > 0) return GR_OK;
    return gr__tree_fail(ctx, tree, GR_E_CONFLICT,
                         one                                        ? "`target` says which column they are"
                         : gr__member_has(&source->head, "targets") ? "`targets` says where they are"
                                                                    : NULL,
                         "the cost wants targets, but %s gives none", source->head.name);
}

/* Indices come from files; what else is wanted as such has numbers of its own. */
static gr_status check_indices(gr_context *ctx, const gr_tree *tree, const gr_source *source, const gr_wants *w,
                               const gr_set *s)
{
    for (int i = 0; w && i < w->n_inputs; i++)
        if (gr__set_input(s, i)->vocabulary != w->vocabulary[i])
            return gr__tree_fail(
                ctx, tree, GR_E_CONFLICT,
                "sources of indices are text, npy, npz, csv, and the kinds copy and latch of synthetic",
                "the input \"%s\" holds indices, but %s gives other numbers", w->input[i], source->head.name);
    return GR_OK;
}

/* Inputs that readers give, where they are more than may be held. */
static void leave_out(gr_set *s, uint64_t most)
{
    uint64_t bytes = 0;
    for (int i = 0; i < s->n_inputs; i++) bytes += s->field[i].bytes;
    for (int i = 0; i < s->n_inputs && bytes > most; i++) s->field[i].bytes = 0;
}

gr_status gr__set_info(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    const gr_source *source = NULL;
    gr_settings s;
    gr_set info = {0};
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st == GR_OK) st = gr__source_place(ctx, &s, "type", source->info(ctx, &s, o, &info));
    if (st == GR_OK) st = check_targets(ctx, tree, source, o->wants, &info);
    if (st == GR_OK) st = gr__set_check(ctx, source, o->wants, &info);
    if (st == GR_OK) st = check_indices(ctx, tree, source, o->wants, &info);
    if (st == GR_OK && source->reads) leave_out(&info, gr__hold_limit(o, true));
    if (st == GR_OK) *out = info;
    gr__bump_destroy(b);
    return st;
}

void gr__set_measure(gr_set *s, const gr_wants *w)
{
    for (int i = 0; i < s->n_inputs && s->n_lengths; i++) {
        const gr_field *length = gr__set_length(s, i);
        gr_field *x = &s->field[i];
        if (!length) continue;
        x->length = length->data;
        x->steps = w && w->steps[i] ? w->steps[i] : x->sample.rank ? x->sample.dim[0] : 1;
    }
}

gr_status gr__set_load(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    const gr_source *source = NULL;
    gr_settings s;
    gr_set set = {0};
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st == GR_OK) st = gr__source_place(ctx, &s, "type", source->load(ctx, &s, o, &set));
    if (st == GR_OK) {
        st = check_targets(ctx, tree, source, o->wants, &set);
        if (st == GR_OK) st = gr__set_check(ctx, source, o->wants, &set);
        if (st == GR_OK) st = check_indices(ctx, tree, source, o->wants, &set);
        if (st == GR_OK && source->reads)
            st = gr__source_place(ctx, &s, "type", gr__set_hold(ctx, &set, gr__hold_limit(o, true), o->faults));
        if (st != GR_OK) gr__set_free(ctx, &set);
    }
    gr__set_measure(&set, o->wants);
    if (st == GR_OK) *out = set;
    gr__bump_destroy(b);
    return st;
}

gr_status gr__keys_load(gr_context *ctx, const gr_tree *tree, const gr_source_options *o, const char *name,
                        const gr_tree *at, int64_t n, gr_keys *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    const gr_source *source = NULL;
    gr_settings s;
    gr_keys keys = {0};
    gr_status st = settle(ctx, b, tree, &source, &s);
    const char *path = st == GR_OK && !source->keys ? gr__source_file(b, name, o) : NULL;
    if (st == GR_OK && source->keys)
        st = source->keys(ctx, &s, o, name, &keys);
    else if (st == GR_OK)
        st = path ? gr__keys_file(ctx, path, n, &keys) : gr__error_code(ctx);
    if (st == GR_OK && keys.n != n)
        st = gr__fail(ctx, GR_E_DATA, "there are %lld keys for %lld samples", (long long)keys.n, (long long)n);
    st = gr__place(ctx, at, st);
    if (st == GR_OK)
        *out = keys;
    else
        gr__keys_free(ctx, &keys);
    gr__bump_destroy(b);
    return st;
}

static void copy_sample(gr_field *f, int64_t from, int64_t to)
{
    size_t bytes = (size_t)gr_shape_count(f->sample) * gr__element_bytes(f->element);
    memcpy((char *)f->data + (size_t)to * bytes, (const char *)f->data + (size_t)from * bytes, bytes);
}

static void count_classes(gr_field *f, int64_t n)
{
    const int32_t *label = f->data;
    int64_t width = gr_shape_count(f->sample);
    if (f->kind != GR_TARGET_CLASS || f->class_names) return;
    f->classes = 0;
    for (int64_t i = 0; i < n * width; i++) f->classes = GR_MAX(f->classes, label[i] + 1);
}

gr_status gr__set_leave_out(gr_context *ctx, gr_set *s, const gr_faults *f)
{
    int64_t kept = 0;
    while (kept < s->n && gr__row_is_out(f, kept)) kept++;
    if (!f->n_out) return GR_OK;
    if (f->out[f->n_out - 1] >= s->n)
        return gr__fail(ctx, GR_E_DATA, "row %u is to be left out, but \"%s\" has the rows 0 to %lld",
                        f->out[f->n_out - 1], s->file ? s->file : "the source", (long long)s->n - 1);
    if (kept == s->n) return gr__fail(ctx, GR_E_DATA, "every sample is left out");
    for (int i = s->n_inputs; i < gr__set_fields(s); i++) {
        for (int64_t k = 0; k < f->n_out; k++) copy_sample(&s->field[i], kept, f->out[k]);
        count_classes(&s->field[i], s->n);
    }
    return GR_OK;
}

/* ---- the resolved recipe ---- */

bool gr__source_has_files(const gr_source *source, const gr_row *row)
{
    for (size_t i = 0; i < GR_COUNT(source->files) && source->files[i]; i++)
        if (strcmp(source->files[i], row->name) == 0) return true;
    return row->kind == GR_ROW_PATH;
}

gr_tree *gr__source_absolute(gr_context *ctx, gr__bump *b, const gr_tree *t, const gr_source_options *o)
{
    if (t->kind == GR_TREE_MAP) {
        gr_tree *map = gr__tree_map(b);
        for (int i = 0; i < t->n && map; i++)
            if (!gr__tree_put(b, map, t->key[i], gr__source_absolute(ctx, b, t->child[i], o))) return NULL;
        return map;
    }
    if (t->kind == GR_TREE_LIST || t->kind == GR_TREE_NULL) return gr__tree_copy(b, t); /* refused by whoever loads */
    const char *path = gr__source_file(b, t->text, o);
    char *whole = path ? gr__path_absolute(ctx, path) : NULL;
    gr_tree *text = whole ? gr__tree_text(b, whole) : NULL;
    gr__strfree(ctx, whole);
    return text;
}

gr_status gr__source_resolve(gr_context *ctx, gr__bump *b, const gr_tree *tree, const gr_source_options *o,
                             gr_tree **out)
{
    const gr_source *source = NULL;
    gr_settings s;
    gr_status st = settle(ctx, b, tree, &source, &s);
    if (st != GR_OK) return st;
    gr_tree *t = gr__settings_tree(b, &s);
    if (!t) return gr__error_code(ctx);
    for (int i = 0; i < s.member->n_rows; i++) {
        const gr_row *row = &s.member->rows[i];
        if (!s.value[i] || !gr__source_has_files(source, row)) continue;
        if (!gr__tree_put(b, t, row->name, gr__source_absolute(ctx, b, s.value[i], o))) return gr__error_code(ctx);
    }
    *out = t;
    return GR_OK;
}
