/* NPY: NumPy's file of one array. A magic text, a version, the length of a header, the header as a Python literal, the
 * elements.
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
#include <string.h>

#include "data/array/array.h"

typedef struct reader { /* of the literal */
    const char *at, *end;
} reader;

static void skip_space(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t')) r->at++;
}

static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    skip_space(r);
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* 'text' or "text" without escapes; false if it does not fit. */
static bool take_text(reader *r, char *text, size_t n)
{
    skip_space(r);
    if (r->at == r->end || (*r->at != '\'' && *r->at != '"')) return false;
    char quote = *r->at++;
    size_t used = 0;
    while (r->at < r->end && *r->at != quote && *r->at != '\\') {
        if (used + 1 == n) return false;
        text[used++] = *r->at++;
    }
    text[used] = '\0';
    return take(r, quote);
}

static bool take_size(reader *r, int64_t *out)
{
    skip_space(r);
    const char *start = r->at;
    int64_t x = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        if (x > (INT64_MAX - 9) / 10) return false;
        x = x * 10 + (*r->at++ - '0');
    }
    *out = x;
    return r->at > start;
}

static bool take_shape(reader *r, gr__array *a, bool *too_many)
{
    a->rank = 0;
    if (!take(r, '(')) return false;
    while (!take(r, ')')) {
        int64_t size;
        if (!take_size(r, &size)) return false;
        if (a->rank == GR_MAX_RANK + 1) {
            *too_many = true;
            return false;
        }
        a->dim[a->rank++] = size;
        if (!take(r, ',')) return take(r, ')') && a->rank > 1; /* (5) is a number, (5,) a shape */
    }
    return true;
}

static bool element_type(const char *descr, gr__array *a)
{
    static const struct {
        const char *name;
        gr__type type;
    } types[] = {
        {"b1", GR__U8},  {"u1", GR__U8},  {"i1", GR__I8},  {"u2", GR__U16}, {"i2", GR__I16}, {"u4", GR__U32},
        {"i4", GR__I32}, {"u8", GR__U64}, {"i8", GR__I64}, {"f2", GR__F16}, {"f4", GR__F32}, {"f8", GR__F64},
    };
    char order = descr[0];
    if (!order || !strchr("<>|=", order)) return false;
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    a->swap = order == (little ? '>' : '<');
    for (size_t i = 0; i < GR_COUNT(types); i++) {
        if (strcmp(types[i].name, descr + 1) == 0) {
            a->type = types[i].type;
            return true;
        }
    }
    return false;
}

static gr_status fail_literal(gr_context *ctx, const char *name)
{
    return gr__fail(ctx, GR_E_FORMAT, "the header of \"%s\" is not one that NumPy writes", name);
}

static gr_status literal(gr_context *ctx, const char *name, reader r, gr__array *a)
{
    char key[32], descr[16] = "";
    bool has_descr = false, has_order = false, has_shape = false, too_many = false;
    if (!take(&r, '{')) return fail_literal(ctx, name);
    while (!take(&r, '}')) {
        if (!take_text(&r, key, sizeof key) || !take(&r, ':')) return fail_literal(ctx, name);
        if (strcmp(key, "descr") == 0) {
            if (take(&r, '['))
                return gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds records of several fields, not numbers", name);
            if (!take_text(&r, descr, sizeof descr)) return fail_literal(ctx, name);
            has_descr = true;
        } else if (strcmp(key, "fortran_order") == 0) {
            a->fortran = take_word(&r, "True");
            if (!a->fortran && !take_word(&r, "False")) return fail_literal(ctx, name);
            has_order = true;
        } else if (strcmp(key, "shape") == 0) {
            if (!take_shape(&r, a, &too_many))
                return too_many ? gr__fail(ctx, GR_E_FORMAT, "\"%s\" has more than %d axes, the most there can be",
                                           name, GR_MAX_RANK + 1)
                                : fail_literal(ctx, name);
            has_shape = true;
        } else {
            return fail_literal(ctx, name);
        }
        if (!take(&r, ',')) {
            if (!take(&r, '}')) return fail_literal(ctx, name);
            break;
        }
    }
    if (!has_descr || !has_order || !has_shape) return fail_literal(ctx, name);
    if (descr[1] == 'O')
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds Python objects (pickle), which are never read", name);
    if (!element_type(descr, a))
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds elements of type '%s', not integers or reals", name, descr);
    if (a->rank == 0)
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds a single number, not an array with one sample a row", name);
    return GR_OK;
}

gr_status gr__npy_header(gr_context *ctx, const char *name, const unsigned char *head, size_t n, gr__array *out)
{
    if (n < 10 || memcmp(head, "\x93NUMPY", 6) != 0)
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is not NPY: it does not begin with \\x93NUMPY", name);
    int version = head[6];
    if (version < 1 || version > 3)
        return gr__fail(ctx, GR_E_FORMAT, "\"%s\" is NPY of version %d; versions 1 to 3 are known", name, version);
    size_t start = version == 1 ? 10 : 12;
    if (n < start) return gr__fail(ctx, GR_E_FORMAT, "\"%s\" ends within its header", name);
    size_t length = head[8] | (size_t)head[9] << 8;
    if (version > 1) length |= (size_t)head[10] << 16 | (size_t)head[11] << 24;
    if (length > n - start)
        return gr__fail(ctx, GR_E_FORMAT,
                        n < GR__PEEK ? "\"%s\" ends within its header"
                                     : "the header of \"%s\" is longer than that of an array of numbers",
                        name);
    gr__array a = {.at = start + length};
    gr_status st = literal(ctx, name, (reader){(const char *)head + start, (const char *)head + start + length}, &a);
    if (st == GR_OK) st = gr__array_size(ctx, name, &a);
    if (st == GR_OK) *out = a;
    return st;
}

static const gr__field_rows field_rows = {
    .inputs = "inputs", .targets = "targets", .weights = "weights", .lengths = "lengths"};

static gr_status info(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    return gr__files_info(ctx, s, o, &field_rows, gr__npy_header, out);
}

static gr_status load(gr_context *ctx, const gr_settings *s, const gr_source_options *o, gr_set *out)
{
    return gr__files_load(ctx, s, o, &field_rows, gr__npy_header, out);
}

static const gr_row rows[] = {
    {.name = "inputs",
     .kind = GR_ROW_TREE,
     .range = "a file, or {NAME: file, ...}",
     .unit = "",
     .help = "array [N, ...]: a sample a row; any integer or real type, of any value; of several inputs one a name"},
    {.name = "targets",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a file, or {HEAD: file, ...}",
     .unit = "",
     .help = "array [N] or [N, 1] of classes, or of values in the shape of the network's output, or flat; of several "
             "heads one each"},
    {.name = "weights",
     .kind = GR_ROW_PATH,
     .value = "none",
     .range = "",
     .unit = "",
     .help = "array [N] of numbers from 0 on: how much each sample weighs"},
    {.name = "lengths",
     .kind = GR_ROW_TREE,
     .value = "none",
     .range = "a file, or {NAME: file, ...}",
     .unit = "",
     .help = "array [N] of whole numbers from 1 to T: how many of the T steps of each sample of an input [T, ...] "
             "count"},
};

GR_SOURCE(npy) = {
    .head = {.family = "source",
             .name = "npy",
             .title = "NumPy arrays, one a file",
             .cite = "NumPy, NPY format 1.0 to 3.0",
             .equations = "integer targets are classes, real ones values, unless the cost wants it otherwise",
             GR_ROWS(rows)},
    .files = {"inputs", "targets", "lengths"},
    .info = info,
    .load = load,
};
