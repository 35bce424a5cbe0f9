/* Environment variables in recipes: ${NAME} and ${NAME:-default}. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/yaml.h"

gr_status gr__place_fail(gr_context *ctx, gr_place at, gr_status code, const char *hint, const char *format, ...)
{
    char text[1024];
    if (gr__error_code(ctx) != GR_OK) return code; /* the first error stays, and keeps its own place */
    va_list args;
    va_start(args, format);
    gr__print_cut(text, sizeof text, format, args);
    va_end(args);
    gr__fail(ctx, code, "%s", text);
    gr__error_place(ctx, at.file, at.line, at.column, NULL);
    if (hint) gr__error_hint(ctx, "%s", hint);
    return code;
}

static bool name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* Adds the value of the reference that begins at s ("${...}") and gives where it ends. */
static gr_status add_variable(gr_context *ctx, gr_place at, const char *s, gr__text *out, const char **after)
{
    char name[128];
    size_t n = 0;
    const char *p = s + 2, *end = strchr(p, '}');
    if (!end) return gr__place_fail(ctx, at, GR_E_SYNTAX, NULL, "a \"${\" without its \"}\"");
    while (name_char(p[n], n == 0)) n++;
    bool other = n > 0 && p[n] == ':' && p[n + 1] == '-';
    if (n == 0 || n >= sizeof name || (p[n] != '}' && !other))
        return gr__place_fail(ctx, at, GR_E_SYNTAX, "write ${NAME} or ${NAME:-default}", "\"%.*s\" is not a variable",
                              (int)GR_MIN(end - s + 1, 100), s);
    memcpy(name, p, n);
    name[n] = '\0';
    const char *value = getenv(name);
    if (other && (!value || !*value)) {
        const char *from = p + n + 2;
        if (memchr(from, '{', (size_t)(end - from)))
            return gr__place_fail(ctx, at, GR_E_SYNTAX, NULL,
                                  "the default of ${%s} holds a brace: defaults are plain text", name);
        gr__text_put(out, from, (size_t)(end - from));
    } else if (!value) {
        return gr__place_fail(ctx, at, GR_E_NAME, "set it, or give a default: ${NAME:-default}",
                              "the environment variable %s is not defined", name);
    } else {
        size_t where;
        if (strlen(value) > 4096)
            return gr__place_fail(ctx, at, GR_E_RANGE, NULL, "the environment variable %s is longer than 4096 bytes",
                                  name);
        if (!gr__is_text(value, strlen(value), &where) || strstr(value, "${"))
            return gr__place_fail(ctx, at, GR_E_RANGE, NULL, "the environment variable %s is not plain UTF-8 text",
                                  name);
        gr__text_put(out, value, strlen(value));
    }
    *after = end + 1;
    return GR_OK;
}

gr_status gr__expand(gr_context *ctx, gr__bump *b, gr_place at, const char *text, const char **out)
{
    gr__text t;
    gr_status st = GR_OK;
    *out = text;
    if (!strstr(text, "${")) return GR_OK;
    gr__text_init(&t, ctx);
    for (const char *s = text; *s;) {
        const char *next = strstr(s, "${");
        gr__text_put(&t, s, next ? (size_t)(next - s) : strlen(s));
        if (!next) break;
        GR_TRY(add_variable(ctx, at, next, &t, &s));
        if (t.n > GR_YAML_BYTES)
            GR_TRY(gr__place_fail(ctx, at, GR_E_RANGE, NULL, "variables make this text longer than %d bytes",
                                  GR_YAML_BYTES));
    }
    if (t.failed)
        st = GR_E_MEMORY;
    else if (!(*out = gr__bump_strdup(b, t.s ? t.s : "")))
        st = GR_E_MEMORY;
done:
    gr__text_free(&t);
    return st;
}
