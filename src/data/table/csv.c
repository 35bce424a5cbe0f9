/* The csv source: settings to options of the table. */
#include <string.h>

#include "base/file.h"
#include "data/array/array.h"
#include "data/table/csv.h"

static gr_status delimiter_of(gr_context *ctx, const gr_settings *s, char *out)
{
    const char *text = gr__setting_text(s, "delimiter");
    *out = 0;
    if (strcmp(text, "auto") == 0) return GR_OK;
    if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0) text = "\t";
    if (strcmp(text, "space") == 0) text = " ";
    if (strlen(text) != 1 || strchr("\"\r\n", text[0]))
        return gr__tree_fail(ctx, gr__setting_tree(s, "delimiter"), GR_E_RANGE,
                             "write auto, tab, space or one character", "\"%s\" is not a delimiter", text);
    *out = text[0];
    return GR_OK;
}

static gr_status scalars(gr_context *ctx, const gr_tree *t, const char *what)
{
    if (!t) return GR_OK;
    bool list = t->kind == GR_TREE_LIST;
    for (int i = 0; i < (list ? t->n : 1); i++) {
        const gr_tree *x = list ? t->child[i] : t;
        if (x->kind == GR_TREE_LIST || x->kind == GR_TREE_MAP || !x->text)
            return gr__tree_fail(ctx, x, GR_E_TYPE, NULL, "%s is not %s", gr__tree_kind_name(x), what);
    }
    return GR_OK;
}

/* Two rows say the same: one field of a role in short, or all of them by name. */
static gr_status fields_in(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_field_role role,
                           const char *brief, const char *all, gr__entries *e)
{
    const gr_tree *map = gr__setting_tree(s, all);
    if (!map) return gr__entries_add(ctx, s, o, role, brief, true, e);
    if (gr__setting_tree(s, brief))
        return gr__tree_fail(ctx, map, GR_E_CONFLICT, NULL, "%s stands beside %s, which says the same", all, brief);
    if (map->kind != GR_TREE_MAP) {
        char shown[200];
        return gr__tree_fail(ctx, map, GR_E_TYPE, NULL, "%s is not a map of names; of a lone one write %s",
                             gr__tree_show(map, shown, sizeof shown), brief);
    }
    return gr__entries_add(ctx, s, o, role, all, true, e);
}

static gr_status fields_of(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr__csv_options *c)
{
    gr__entries *e = &c->fields;
    const gr_schema *like = o->schema && o->schema->table ? o->schema : NULL;
    const char *weights = gr__setting_text(s, "weights");
    gr_status st = fields_in(ctx, s, o, GR_FIELD_INPUT, "columns", "inputs", e);
    if (st == GR_OK && e->n_inputs == 0 && !like && gr__wanted_fields(o, GR_FIELD_INPUT) > 1)
        st = gr__entries_unsaid(ctx, s, o, GR_FIELD_INPUT, "inputs", "[...]");
    if (st == GR_OK) st = fields_in(ctx, s, o, GR_FIELD_TARGET, "target", "targets", e);
    if (st == GR_OK && e->n_targets == 0 && !(like && like->n_targets) && gr__wanted_fields(o, GR_FIELD_TARGET) > 1)
        st = gr__entries_unsaid(ctx, s, o, GR_FIELD_TARGET, "targets", "...");
    if (st != GR_OK) return st;
    /* What has no key of its own in a map is at fault as a part of the file. */
    bool mapped[] = {gr__setting_tree(s, "inputs") != NULL, gr__setting_tree(s, "targets") != NULL};
    for (int i = 0; i < gr__entries_n(e); i++)
        if (!mapped[e->entry[i].role == GR_FIELD_TARGET]) e->entry[i].at = NULL;
    c->unweighted = !weights && gr__tree_get(s->tree, "weights");
    if (weights) gr__entries_weigh(s, "weights", weights, e);
    return GR_OK;
}

static gr_status options_of(gr_context *ctx, gr__bump *b, gr_settings *s, const gr_source_options *o,
                            gr__csv_options *out)
{
    const gr__kind *kind = NULL;
    int n_kinds = 0;
    gr_status made = gr__csv_kinds(ctx, b, s, &kind, &n_kinds);
    if (made != GR_OK) return made;
    const char *header = gr__setting_text(s, "header");
    const gr_tree *columns = gr__setting_tree(s, "columns");
    *out = (gr__csv_options){.header = header[0] == 't'   ? GR__HEADER_YES
                                       : header[0] == 'f' ? GR__HEADER_NO
                                                          : GR__HEADER_AUTO,
                             .kind = kind,
                             .n_kinds = n_kinds,
                             .missing = gr__setting_tree(s, "missing"),
                             .wants = o->wants,
                             .want = o->want,
                             .keep_float64 = o->keep_float64,
                             .exact = o->exact,
                             .hold = gr__hold_limit(o, false),
                             .apart = {o->apart[0], o->apart[1]},
                             .faults = o->faults,
                             .own_classes = o->own_classes,
                             .like = o->schema};
    gr_status st = delimiter_of(ctx, s, &out->delimiter);
    if (st == GR_OK) st = scalars(ctx, out->missing, "a text that stands for a missing value");
    if (st == GR_OK) st = scalars(ctx, columns, "a name or number of a column");
    if (st == GR_OK && columns && columns->kind != GR_TREE_LIST)
        st = gr__tree_fail(ctx, columns, GR_E_TYPE, "columns: [a, b] or [0, 1]", "columns are a list");
    return st == GR_OK ? fields_of(ctx, s, o, out) : st;
}

static gr_status open_file(gr_context *ctx, gr__bump *b, const gr_settings *s, const gr_source_options *o,
                           gr__csv_options *options, gr__blob *blob, const char **path)
{
    gr_settings own = *s;
    gr_status st = options_of(ctx, b, &own, o, options);
    if (st != GR_OK) return st;
    *path = gr__source_path(b, s, "file", o);
    return *path ? gr__blob_open(ctx, *path, blob) : gr__error_code(ctx);
}

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr__blob blob = {0};
    const char *path = NULL;
    gr__csv_options options;
    gr_status st = open_file(ctx, b, s, o, &options, &blob, &path);
    if (st == GR_OK) st = gr__csv_info(&blob, &options, o->memory, out);
    if (st != GR_OK && path) st = gr__mistaken_data(ctx, path, "a table of text", st);
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    return gr__source_place(ctx, s, "file", st);
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr__blob blob = {0};
    const char *path = NULL;
    gr__csv_options options;
    gr_status st = open_file(ctx, b, s, o, &options, &blob, &path);
    if (st == GR_OK) st = gr__csv_load(&blob, &options, out);
    if (st != GR_OK && path) st = gr__mistaken_data(ctx, path, "a table of text", st);
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    return gr__source_place(ctx, s, "file", st);
}

static gr_status keys(gr_context *ctx, const gr_settings *s, const gr_source_options *o, const char *column,
                      gr_keys *out)
{
    gr__bump *b = gr__bump_create(ctx);
    if (!b) return GR_E_MEMORY;
    gr__blob blob = {0};
    const char *path = NULL;
    gr__csv_options options;
    gr_status st = open_file(ctx, b, s, o, &options, &blob, &path);
    if (st == GR_OK) st = gr__csv_keys(&blob, &options, column, out);
    gr__blob_close(&blob);
    gr__bump_destroy(b);
    return st;
}

static const gr_row rows[] = {
    {.name = "file",
     .kind = GR_ROW_PATH,
     .range = "",
     .unit = "",
     .help = "the table, RFC 4180 quoting, plain or gzip"},
    {.name = "target",
     .kind = GR_ROW_TEXT,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "name or 0-based index of the target column; a name wins"},
    {.name = "columns",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a list of names, 0-based indices or {name: NAME, as: number|category|text|ignore}",
     .unit = "",
     .help = "the inputs; without it all columns but the target. Names must differ; blanks around them do not count. "
             "`*` stands for all others, and so does a list of columns that are all left out (text, ignore)"},
    {.name = "inputs",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "{NAME: a list of columns, ...}",
     .unit = "",
     .help = "instead of `columns`: the columns of each input by its name"},
    {.name = "targets",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "{HEAD: a column or a list of columns, ...}",
     .unit = "",
     .help = "instead of `target`: the column of each head, or a list where its output has several places"},
    {.name = "weights",
     .kind = GR_ROW_TEXT,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "name or 0-based index of a column of numbers from 0 on: how much each sample weighs"},
    {.name = "header",
     .kind = GR_ROW_CHOICE,
     .value = "auto",
     .range = "auto|true|false",
     .unit = "",
     .help = "whether the first record holds names; auto: text alone does, numbers do not, and where both mix it must "
             "be said"},
    {.name = "delimiter",
     .kind = GR_ROW_TEXT,
     .value = "auto",
     .range = "",
     .unit = "",
     .help = "one character, tab or space (any run of blanks); auto: the one of , ; tab | space that gives the most "
             "columns"},
    {.name = "missing",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a list of texts",
     .unit = "",
     .help = "what stands for a missing value: numbers by their value (-999 is -999.0 too), else texts; such inputs "
             "take the "
             "mean of the training rows (prepare: impute)"},
};

GR_SOURCE(csv) = {
    .head =
        {.family = "source",
         .name = "csv",
         .title = "A table of text",
         .cite = "RFC 4180",
         .equations =
             "UTF-8. Labels are class numbers where all are plain whole numbers (0, 12; not 01, 1.0), else texts, "
             "which become\nclasses in sorted order. Other data is read as the training's was: delimiter, header, "
             "missing values and target unless\nits source says otherwise; columns by name, or by position where "
             "one of the tables has no names.\nA column of categories becomes as many numbers as the training's "
             "table has different texts there (one_hot), or in\nan input that an embedding looks up an index from 1 "
             "on; one that is not among them is all 0",
         GR_ROWS(rows)},
    .table = true,
    .info = info,
    .load = load,
    .keys = keys,
};
