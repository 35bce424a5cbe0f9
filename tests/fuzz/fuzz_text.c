/* Numbers, sizes, names, patterns and JSON from any text: each answer holds what it promises. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void number(const char *s)
{
    double x, back;
    char text[32];
    uint64_t bytes;
    if (gr__parse_number(s, &x) && isfinite(x)) {
        if (!gr__parse_number(gr__double_text(x, text), &back) || memcmp(&x, &back, sizeof x) != 0) abort();
    }
    if (gr__parse_size(s, &bytes)) gr__size_text(bytes, text, sizeof text);
}

static void names(const char *s, const char *other)
{
    static const char *const list[] = {"dense", "conv", "lr", "batch", "units"};
    const char *const own[] = {other, s};
    const char *near = gr__nearest(s, list, GR_COUNT(list));
    for (size_t i = 0; near && i < GR_COUNT(list); i++)
        if (list[i] == near) near = NULL;
    if (near) abort(); /* a candidate, or nothing */
    gr__nearest(s, own, 2);
    gr__key_home(s, "data");
    if (!gr__glob("*", s) || gr__glob("", s) != (*s == 0)) abort();
    gr__glob(s, other);
    if (!strpbrk(s, "*?") && gr__glob(s, other) != (strcmp(s, other) == 0)) abort();
}

/* What is written is JSON, and is what it was where it was text. */
static void json(gr_context *ctx, const char *s)
{
    gr__text t;
    size_t at;
    gr__text_init(&t, ctx);
    gr__json_text(&t, s);
    json_t *v = json_loads(t.s, JSON_DECODE_ANY, NULL);
    if (!json_is_string(v)) abort();
    if (gr__is_text(s, strlen(s), &at) && strcmp(json_string_value(v), s) != 0) abort();
    json_decref(v);
    gr__text_free(&t);
}

static void scalar(gr_context *ctx, const char *s)
{
    gr__bump *b = gr__bump_create(ctx);
    gr_tree *t = b ? gr__tree_scalar(b, s) : NULL;
    char shown[64];
    int64_t whole;
    if (t) {
        gr__tree_show(t, shown, sizeof shown);
        if (gr__tree_int(t, &whole) && t->kind != GR_TREE_INT && t->kind != GR_TREE_REAL) abort();
    }
    gr__bump_destroy(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    char *copy = malloc(n + 1), *other;
    if (!copy) return 0;
    memcpy(copy, data, n);
    copy[n] = '\0';
    other = strchr(copy, '\n');
    if (other) *other++ = '\0';
    if (gr_context_create(NULL, &ctx) != GR_OK) abort();
    number(copy);
    names(copy, other ? other : "");
    json(ctx, copy);
    scalar(ctx, copy);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr__error_code(ctx) != GR_OK) abort();
    gr_context_destroy(ctx);
    free(copy);
    return 0;
}
