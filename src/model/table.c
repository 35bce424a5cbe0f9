/* gradus.table: how the training's table was read, as JSON in the metadata of a model. */
#include <jansson.h>
#include <string.h>

#include "data/csv.h"
#include "model/model.h"
#include "model/safetensors.h"

enum { MOST = 1 << 20 }; /* columns, and texts for missing values */

/* ---- writing ---- */

/* Every column but the target, in order: said by saying nothing. */
static bool all_but_target(const gr_schema *s)
{
    int at = 0;
    for (int i = 0; i < s->n_inputs; i++, at++) {
        if (at == s->target) at++;
        if (s->input[i] != at) return false;
    }
    return s->n_columns == s->n_inputs + (s->target >= 0);
}

void gr__table_json(gr__text *out, const gr_schema *s)
{
    char delimiter[2] = {s->delimiter, 0};
    gr__text_add(out, "{\"delimiter\": ");
    gr__json_text(out, delimiter);
    gr__text_add(out, ", \"delimiter_given\": %s, \"header\": %s, \"header_given\": %s, \"columns\": %d",
                 s->delimiter_given ? "true" : "false", s->header ? "true" : "false",
                 s->header_given ? "true" : "false", s->n_columns);
    if (s->input && !all_but_target(s)) {
        for (int i = 0; i < s->n_inputs; i++) gr__text_add(out, "%s%d", i ? ", " : ", \"inputs\": [", s->input[i]);
        gr__text_add(out, "]");
    }
    if (s->target >= 0) gr__text_add(out, ", \"target\": %d", s->target);
    if (s->target_name) {
        gr__text_add(out, ", \"target_name\": ");
        gr__json_text(out, s->target_name);
    }
    gr__text_add(out, ", \"missing\": [");
    for (int i = 0; i < s->n_missing; i++) {
        if (i) gr__text_add(out, ", ");
        gr__json_text(out, s->missing[i]);
    }
    gr__text_add(out, "]}");
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

static gr_status read_target(reader *r)
{
    const json_t *at = json_object_get(r->o, "target"), *name = json_object_get(r->o, "target_name");
    if (at && !is_below(at, r->s.n_columns)) return wrong(r, "target", "one of the columns");
    if (name && !json_is_string(name)) return wrong(r, "target_name", "text");
    r->s.target = at ? (int)json_integer_value(at) : -1;
    if (!name) return GR_OK;
    r->s.target_name = gr__bump_strdup(r->b, json_string_value(name));
    return r->s.target_name ? GR_OK : GR_E_MEMORY;
}

static gr_status read_inputs(reader *r)
{
    const json_t *list = json_object_get(r->o, "inputs");
    size_t n = list ? json_array_size(list) : (size_t)(r->s.n_columns - (r->s.target >= 0));
    if ((list && !json_is_array(list)) || n == 0 || n > MOST) return wrong(r, "inputs", "a list of columns");
    if (r->s.name && n != (size_t)r->s.n_inputs)
        return gr__fail(r->ctx, GR_E_FORMAT, "it has %zu inputs, but gradus.columns names %d", n, r->s.n_inputs);
    int *input = gr__bump_alloc(r->b, n * sizeof *input);
    if (!input) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const json_t *x = list ? json_array_get(list, i) : NULL;
        if (list && !is_below(x, r->s.n_columns)) return wrong(r, "inputs", "a list of columns");
        input[i] = list ? (int)json_integer_value(x) : (int)i + (r->s.target >= 0 && (int)i >= r->s.target);
    }
    r->s.input = input;
    r->s.n_inputs = (int)n;
    return GR_OK;
}

static gr_status read_missing(reader *r)
{
    const json_t *list = json_object_get(r->o, "missing");
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > MOST) return wrong(r, "missing", "a list of texts");
    const char **text = gr__bump_alloc(r->b, GR_MAX(n, 1) * sizeof *text);
    if (!text) return GR_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (!one) return wrong(r, "missing", "a list of texts");
        if (!(text[i] = gr__bump_strdup(r->b, one))) return GR_E_MEMORY;
    }
    r->s.missing = text;
    r->s.n_missing = (int)n;
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
    GR_TRY(read_target(r));
    GR_TRY(read_inputs(r));
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
