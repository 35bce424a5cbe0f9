/* Writing JSON. Jansson makes and reads values; it prints numbers with a fixed count of digits, so it does not write.
 */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

const char *gr__json_number(double x, char *buffer)
{
    return isfinite(x) ? gr__double_text(x, buffer) : strcpy(buffer, "null");
}

/* Of a sequence of two or three bytes. */
static unsigned code_point(const unsigned char *s, size_t n)
{
    return n == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3f) : (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3f);
}

static void text(gr__text *out, const char *s, size_t n)
{
    gr__text_put(out, "\"", 1);
    for (size_t length; n > 0; s += length, n -= length) {
        unsigned char c = (unsigned char)*s;
        length = gr__utf8_bytes((const unsigned char *)s, n);
        if (c == '"' || c == '\\')
            gr__text_add(out, "\\%c", c);
        else if (c == '\n')
            gr__text_put(out, "\\n", 2);
        else if (c < 0x20 || c == 0x7f)
            gr__text_add(out, "\\u%04x", c);
        else if (length > 1 && length < 4 && !gr__is_shown((const unsigned char *)s, length))
            gr__text_add(out, "\\u%04x", code_point((const unsigned char *)s, length)); /* a terminal may obey it */
        else if (length)
            gr__text_put(out, s, length);
        else
            gr__text_add(out, "\\ufffd");
        if (!length) length = 1;
    }
    gr__text_put(out, "\"", 1);
}

void gr__json_text(gr__text *out, const char *s)
{
    text(out, s, strlen(s));
}

static void new_line(gr__text *out, int indent, int depth)
{
    if (indent) gr__text_add(out, "\n%*s", indent * depth, "");
}

static void value(gr__text *out, const json_t *v, int indent, int depth);

static void list(gr__text *out, const json_t *v, int indent, int depth)
{
    size_t n = json_array_size(v);
    gr__text_put(out, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i) gr__text_put(out, ",", 1);
        new_line(out, indent, depth + 1);
        value(out, json_array_get(v, i), indent, depth + 1);
    }
    if (n) new_line(out, indent, depth);
    gr__text_put(out, "]", 1);
}

static void map(gr__text *out, const json_t *v, int indent, int depth)
{
    json_t *o = (json_t *)(uintptr_t)v; /* jansson's iterators take what they do not change */
    const char *separator = "";
    gr__text_put(out, "{", 1);
    for (void *at = json_object_iter(o); at; at = json_object_iter_next(o, at)) {
        gr__text_add(out, "%s", separator);
        new_line(out, indent, depth + 1);
        gr__json_text(out, json_object_iter_key(at));
        gr__text_add(out, indent ? ": " : ":");
        value(out, json_object_iter_value(at), indent, depth + 1);
        separator = ",";
    }
    if (*separator) new_line(out, indent, depth);
    gr__text_put(out, "}", 1);
}

static void value(gr__text *out, const json_t *v, int indent, int depth)
{
    char number[32];
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        map(out, v, indent, depth);
        break;
    case JSON_ARRAY:
        list(out, v, indent, depth);
        break;
    case JSON_STRING:
        text(out, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        gr__text_add(out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        gr__text_add(out, "%s", gr__json_number(json_real_value(v), number));
        break;
    default:
        gr__text_add(out, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null");
        break;
    }
}

void gr__json_write(gr__text *out, const json_t *v, int indent)
{
    value(out, v, indent, 0);
}

json_t *gr__json_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *gr__json_string(const char *s)
{
    return s ? json_stringn_nocheck(s, strlen(s)) : json_null();
}

gr_status gr__json_save(gr_context *ctx, const char *path, const json_t *v)
{
    gr__text t;
    if (!v) return gr__fail(ctx, GR_E_MEMORY, "no memory for %s", path);
    gr__text_init(&t, ctx);
    gr__json_write(&t, v, 2);
    gr__text_put(&t, "\n", 1);
    gr_status st = t.failed ? gr__error_code(ctx) : gr__file_write(ctx, path, t.s, t.n);
    gr__text_free(&t);
    return st;
}
