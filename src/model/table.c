/* gradus.table and gradus.text: how the training's table or text was read, as JSON in the metadata of a model. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "data/table/csv.h"
#include "model/model.h"
#include "model/safetensors.h"

enum { MOST = 1 << 20, CODE_POINTS = 0x110000 }; /* columns, and texts for missing values; characters that can be */

/* ---- writing ---- */

/* Is it of a target or the weight? */
static bool is_other(const gr_schema *s, int column)
{
    return gr__schema_is_target(s, column) || (s->weighted && s->weight == column);
}

/* Every column but those, in order: said by saying nothing. */
static bool all_others(const gr_schema *s)
{
    int at = 0;
    for (int i = 0; i < s->n_inputs; i++, at++) {
        while (at < s->n_columns && is_other(s, at)) at++;
        if (s->input[i] != at) return false;
    }
    while (at < s->n_columns && is_other(s, at)) at++;
    return at == s->n_columns;
}

/* One input and at most one target, a column: the form of all versions. */
static bool is_plain(const gr_schema *s)
{
    const gr_schema_target *t = &s->target[0];
    return s->n_of_inputs == 0 && s->n_targets <= 1 && !s->weighted &&
           (s->n_targets == 0 || (!t->name && t->n <= 1 && !t->listed));
}

static void put_list(gr__text *out, const char *key, const int *column, int n)
{
    gr__text_add(out, ", \"%s\": [", key);
    for (int i = 0; i < n; i++) gr__text_add(out, "%s%d", i ? ", " : "", column[i]);
    gr__text_add(out, "]");
}

static void put_text(gr__text *out, const char *key, const char *text)
{
    if (!text) return;
    gr__text_add(out, ", \"%s\": ", key);
    gr__json_text(out, text);
}

static void put_plain_target(gr__text *out, const gr_schema *s)
{
    const gr_schema_target *t = &s->target[0];
    if (s->n_targets == 0 || t->n == 0) return;
    if (t->column[0] >= 0) gr__text_add(out, ", \"target\": %d", t->column[0]);
    if (t->column_name) put_text(out, "target_name", t->column_name[0]);
}

static void put_target(gr__text *out, const gr_schema_target *t)
{
    gr__text_add(out, "{\"listed\": %s", t->listed ? "true" : "false");
    put_text(out, "head", t->name);
    put_list(out, "columns", t->column, t->n);
    if (t->column_name) {
        gr__text_add(out, ", \"names\": [");
        for (int i = 0; i < t->n; i++) {
            if (i) gr__text_add(out, ", ");
            gr__json_text(out, t->column_name[i]);
        }
        gr__text_add(out, "]");
    }
    gr__text_add(out, "}");
}

/* Which columns are whose, where there is more than one input or target. */
static void put_fields(gr__text *out, const gr_schema *s)
{
    gr__text_add(out, ", \"fields\": {\"inputs\": [");
    for (int i = 0; i < s->n_of_inputs; i++) {
        gr__text_add(out, "%s{\"columns\": %d", i ? ", " : "", s->of_input[i].n);
        put_text(out, "input", s->of_input[i].name);
        gr__text_add(out, "}");
    }
    gr__text_add(out, "], \"targets\": [");
    for (int i = 0; i < s->n_targets; i++) {
        if (i) gr__text_add(out, ", ");
        put_target(out, &s->target[i]);
    }
    gr__text_add(out, "]");
    if (s->weighted) gr__text_add(out, ", \"weight\": %d", s->weight);
    put_text(out, "weight_name", s->weight_name);
    gr__text_add(out, "}");
}

/* {"2": ["ant", "bee"]}: of the columns that hold some, by their places among the inputs. */
static void put_categories(gr__text *out, const gr_schema *s)
{
    bool any = false;
    for (int i = 0; s->category && i < s->n_inputs; i++) {
        if (!s->category[i].n) continue;
        gr__text_add(out, any ? ", \"%d\": [" : ", \"categories\": {\"%d\": [", i);
        any = true;
        for (int k = 0; k < s->category[i].n; k++) {
            if (k) gr__text_add(out, ", ");
            gr__json_text(out, s->category[i].name[k]);
        }
        gr__text_add(out, "]");
    }
    if (any) gr__text_add(out, "}");
}

void gr__table_json(gr__text *out, const gr_schema *s)
{
    char delimiter[2] = {s->delimiter, 0};
    gr__text_add(out, "{\"delimiter\": ");
    gr__json_text(out, delimiter);
    gr__text_add(out, ", \"delimiter_given\": %s, \"header\": %s, \"header_given\": %s, \"columns\": %d",
                 s->delimiter_given ? "true" : "false", s->header ? "true" : "false",
                 s->header_given ? "true" : "false", s->n_columns);
    if (s->input && !all_others(s)) put_list(out, "inputs", s->input, s->n_inputs);
    put_categories(out, s);
    if (is_plain(s))
        put_plain_target(out, s);
    else
        put_fields(out, s);
    gr__text_add(out, ", \"missing\": [");
    for (int i = 0; i < s->n_missing; i++) {
        if (i) gr__text_add(out, ", ");
        gr__json_text(out, s->missing[i]);
    }
    gr__text_add(out, "]}");
}

void gr__units_json(gr__text *out, const gr_schema *s)
{
    gr__text_add(out, "{\"unit\": ");
    gr__json_text(out, s->unit);
    if (s->symbol) gr__text_add(out, ", \"symbols\": [");
    for (int i = 0; s->symbol && i < s->n_symbols; i++) gr__text_add(out, "%s%ld", i ? ", " : "", (long)s->symbol[i]);
    gr__text_add(out, s->symbol ? "]}" : "}");
}

/* ---- reading ---- */

typedef struct reader {
    gr_context *ctx;
    gr__bump *b;
    const json_t *o;
    gr_schema s;
} reader;

static gr_status wrong(const reader *r, const char *key, const char *what)
{
    return gr__fail(r->ctx, GR_E_FORMAT, "\"%s\" is not %s", key, what);
}

static gr_status read_truth(const reader *r, const char *key, bool *out)
{
    const json_t *x = json_object_get(r->o, key);
    if (!json_is_boolean(x)) return wrong(r, key, "true or false");
    *out = json_is_true(x);
    return GR_OK;
}

/* A whole number from 0 to below `limit`. */
static bool is_below(const json_t *x, int limit)
{
    return json_is_integer(x) && json_integer_value(x) >= 0 && json_integer_value(x) < limit;
}

static gr_status read_delimiter(reader *r)
{
    const char *text = json_string_value(json_object_get(r->o, "delimiter"));
    if (!text || strlen(text) != 1 || strchr("\"\r\n", text[0])) return wrong(r, "delimiter", "one character");
    r->s.delimiter = text[0];
    return GR_OK;
}

/* A text under `key`, or nothing; kept in b. */
static gr_status take_text(reader *r, const json_t *o, const char *key, const char **out)
{
    const json_t *x = json_object_get(o, key);
    *out = NULL;
    if (!x) return GR_OK;
    if (!json_is_string(x)) return wrong(r, key, "text");
    *out = gr__bump_strdup(r->b, json_string_value(x));
    return *out ? GR_OK : GR_E_MEMORY;
}

/* n columns, each one of the table's. */
static gr_status take_columns(reader *r, const json_t *list, const char *key, const int **out, int *n)
{
    size_t count = json_array_size(list);
    int *column = gr__bump_alloc(r->b, GR_MAX(count, 1) * sizeof *column);
    if (!json_is_array(list) || count > MOST) return wrong(r, key, "a list of columns");
    if (!column) return GR_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (!is_below(json_array_get(list, i), r->s.n_columns)) return wrong(r, key, "a list of the table's columns");
        column[i] = (int)json_integer_value(json_array_get(list, i));
    }
    *out = column;
    *n = (int)count;
    return GR_OK;
}

static gr_status take_texts(reader *r, const json_t *list, const char *key, const char *const **out, size_t *n)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > MOST) return wrong(r, key, "a list of texts");
    const char **text = gr__bump_alloc(r->b, GR_MAX(count, 1) * sizeof *text);
    if (!text) return GR_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (!one) return wrong(r, key, "a list of texts");
        if (!(text[i] = gr__bump_strdup(r->b, one))) return GR_E_MEMORY;
    }
    *out = text;
    *n = count;
    return GR_OK;
}

static gr_status read_plain_target(reader *r)
{
    const json_t *at = json_object_get(r->o, "target");
    const char *name;
    int *column = gr__bump_alloc(r->b, sizeof *column);
    const char **names = gr__bump_alloc(r->b, sizeof *names);
    if (at && !is_below(at, r->s.n_columns)) return wrong(r, "target", "one of the columns");
    gr_status st = take_text(r, r->o, "target_name", &name);
    if (st != GR_OK || !column || !names) return st != GR_OK ? st : GR_E_MEMORY;
    if (!at && !name) return GR_OK;
    *column = at ? (int)json_integer_value(at) : -1;
    *names = name;
    r->s.target[0] = (gr_schema_target){.n = 1, .column = column, .column_name = name ? names : NULL};
    r->s.n_targets = 1;
    return GR_OK;
}

static gr_status read_one_target(reader *r, const json_t *o, gr_schema_target *out)
{
    const json_t *names = json_object_get(o, "names");
    size_t n = 0;
    gr_status st = json_is_boolean(json_object_get(o, "listed")) ? GR_OK : wrong(r, "listed", "true or false");
    out->listed = json_is_true(json_object_get(o, "listed"));
    if (st == GR_OK) st = take_text(r, o, "head", &out->name);
    if (st == GR_OK) st = take_columns(r, json_object_get(o, "columns"), "columns", &out->column, &out->n);
    if (st == GR_OK && names) st = take_texts(r, names, "names", &out->column_name, &n);
    if (st == GR_OK && names && n != (size_t)out->n) st = wrong(r, "names", "a name a column");
    return st;
}

static gr_status read_one_input(reader *r, const json_t *o, gr_schema_input *out)
{
    const json_t *n = json_object_get(o, "columns");
    if (!is_below(n, MOST + 1) || json_integer_value(n) == 0) return wrong(r, "columns", "how many an input has");
    out->n = (int)json_integer_value(n);
    return take_text(r, o, "input", &out->name);
}

static gr_status read_fields(reader *r, const json_t *o)
{
    const json_t *inputs = json_object_get(o, "inputs"), *targets = json_object_get(o, "targets"),
                 *weight = json_object_get(o, "weight");
    size_t n_inputs = json_array_size(inputs), n_targets = json_array_size(targets);
    gr_status st = GR_OK;
    if (!json_is_array(inputs) || n_inputs > GR_MAX_INPUTS) return wrong(r, "inputs", "a list of inputs");
    if (!json_is_array(targets) || n_targets > GR_MAX_TARGETS) return wrong(r, "targets", "a list of targets");
    for (size_t i = 0; i < n_inputs && st == GR_OK; i++)
        st = read_one_input(r, json_array_get(inputs, i), &r->s.of_input[i]);
    for (size_t i = 0; i < n_targets && st == GR_OK; i++)
        st = read_one_target(r, json_array_get(targets, i), &r->s.target[i]);
    r->s.n_of_inputs = (int)n_inputs;
    r->s.n_targets = (int)n_targets;
    if (st == GR_OK && weight && !is_below(weight, r->s.n_columns)) st = wrong(r, "weight", "one of the columns");
    r->s.weighted = weight != NULL;
    if (weight) r->s.weight = (int)json_integer_value(weight);
    return st == GR_OK ? take_text(r, o, "weight_name", &r->s.weight_name) : st;
}

static gr_status read_targets(reader *r)
{
    const json_t *fields = json_object_get(r->o, "fields");
    return fields ? read_fields(r, fields) : read_plain_target(r);
}

/* All columns that are nobody else's. */
static gr_status other_columns(reader *r)
{
    int *input = gr__bump_alloc(r->b, (size_t)r->s.n_columns * sizeof *input), n = 0;
    if (!input) return GR_E_MEMORY;
    for (int i = 0; i < r->s.n_columns; i++)
        if (!is_other(&r->s, i)) input[n++] = i;
    r->s.input = input;
    r->s.n_inputs = n;
    return GR_OK;
}

static gr_status read_inputs(reader *r)
{
    const json_t *list = json_object_get(r->o, "inputs");
    int named = r->s.n_inputs, parts = 0;
    gr_status st = list ? take_columns(r, list, "inputs", &r->s.input, &r->s.n_inputs) : other_columns(r);
    if (st != GR_OK) return st;
    if (r->s.n_inputs == 0) return wrong(r, "inputs", "a list of columns");
    if (r->s.name && named != r->s.n_inputs)
        return gr__fail(r->ctx, GR_E_FORMAT, "it has %d inputs, but gradus.columns names %d", r->s.n_inputs, named);
    for (int i = 0; i < r->s.n_inputs; i++)
        if (gr__schema_is_target(&r->s, r->s.input[i]))
            return wrong(r, "inputs", "a list of columns other than the target");
    for (int i = 0; i < r->s.n_of_inputs; i++) parts += GR_MIN(r->s.of_input[i].n, MOST);
    if (r->s.n_of_inputs && parts != r->s.n_inputs) return wrong(r, "fields", "in keeping with the inputs");
    return GR_OK;
}

static gr_status read_missing(reader *r)
{
    size_t n;
    gr_status st = take_texts(r, json_object_get(r->o, "missing"), "missing", &r->s.missing, &n);
    if (st == GR_OK) r->s.n_missing = (int)n;
    return st;
}

static gr_status read_categories(reader *r)
{
    json_t *all = json_object_get(r->o, "categories"), *list;
    const char *key;
    gr_status st = GR_OK;
    if (!all) return GR_OK;
    if (!json_is_object(all)) return wrong(r, "categories", "an object");
    gr_schema_category *category = gr__bump_alloc(r->b, (size_t)r->s.n_inputs * sizeof *category);
    if (!category) return GR_E_MEMORY;
    for (int i = 0; i < r->s.n_inputs; i++) category[i] = (gr_schema_category){0};
    json_object_foreach(all, key, list)
    {
        size_t n = 0;
        char *end;
        long at = strtol(key, &end, 10);
        if (*end || end == key || at < 0 || at >= r->s.n_inputs)
            return wrong(r, "categories", "of places among inputs");
        if (!json_array_size(list)) return wrong(r, "categories", "lists of texts");
        st = take_texts(r, list, "categories", &category[at].name, &n);
        if (st != GR_OK) return st;
        category[at].n = (int)n;
    }
    r->s.category = category;
    return GR_OK;
}

static gr_status read_all(reader *r)
{
    const json_t *columns = json_object_get(r->o, "columns");
    gr_status st = GR_OK;
    if (!json_is_object(r->o)) return gr__fail(r->ctx, GR_E_FORMAT, "it is not an object");
    if (!is_below(columns, MOST + 1) || json_integer_value(columns) == 0)
        return wrong(r, "columns", "how many columns there are");
    r->s.table = true;
    r->s.n_columns = (int)json_integer_value(columns);
    GR_TRY(read_delimiter(r));
    GR_TRY(read_truth(r, "delimiter_given", &r->s.delimiter_given));
    GR_TRY(read_truth(r, "header", &r->s.header));
    GR_TRY(read_truth(r, "header_given", &r->s.header_given));
    if (r->s.header != (r->s.name != NULL)) GR_TRY(wrong(r, "header", "in keeping with gradus.columns"));
    GR_TRY(read_targets(r));
    GR_TRY(read_inputs(r));
    GR_TRY(read_categories(r));
    GR_TRY(read_missing(r));
done:
    return st;
}

gr_status gr__table_parse(gr_context *ctx, gr__bump *b, const char *json, gr_schema *out)
{
    json_error_t error;
    json_t *o = json_loads(json, 0, &error);
    if (!o) return gr__fail(ctx, GR_E_FORMAT, "it is not JSON: %s", error.text);
    reader r = {.ctx = ctx, .b = b, .o = o, .s = {.name = out->name, .n_inputs = out->n_inputs}};
    gr_status st = read_all(&r);
    json_decref(o);
    if (st == GR_OK) *out = r.s;
    return st;
}

/* Code points, each larger than the one before. */
static gr_status read_symbols(reader *r)
{
    const json_t *list = json_object_get(r->o, "symbols");
    size_t n = json_array_size(list);
    int32_t *symbol = gr__bump_alloc(r->b, GR_MAX(n, 1) * sizeof *symbol);
    if (!json_is_array(list) || n > CODE_POINTS) return wrong(r, "symbols", "a list of characters");
    if (!symbol) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const json_t *x = json_array_get(list, i);
        if (!is_below(x, CODE_POINTS) || (i && json_integer_value(x) <= symbol[i - 1]))
            return wrong(r, "symbols", "a rising list of characters");
        symbol[i] = (int32_t)json_integer_value(x);
    }
    r->s.symbol = symbol;
    r->s.n_symbols = (int)n;
    return GR_OK;
}

gr_status gr__units_parse(gr_context *ctx, gr__bump *b, const char *json, gr_schema *out)
{
    json_error_t error;
    json_t *o = json_loads(json, 0, &error);
    if (!o) return gr__fail(ctx, GR_E_FORMAT, "it is not JSON: %s", error.text);
    reader r = {.ctx = ctx, .b = b, .o = o, .s = *out};
    const char *unit = json_string_value(json_object_get(o, "unit"));
    bool chars = unit && strcmp(unit, "char") == 0;
    gr_status st = GR_OK;
    if (!chars && !(unit && strcmp(unit, "byte") == 0)) st = wrong(&r, "unit", "byte or char");
    r.s.unit = chars ? "char" : "byte";
    if (st == GR_OK && chars) st = read_symbols(&r);
    json_decref(o);
    if (st == GR_OK) *out = r.s;
    return st;
}
