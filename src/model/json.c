/* Trees as JSON, for the metadata of model files; and back. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "model/safetensors.h"
#include "model/yaml.h"

/* ---- writing ---- */

static const char *const infinities[] = {".inf", "-.inf", ".nan"}; /* JSON has no numbers for them: texts */

static void put_real(gr__text *out, double x)
{
    char text[32];
    if (!isfinite(x)) {
        gr__json_text(out, infinities[isnan(x) ? 2 : x < 0]);
        return;
    }
    gr__double_text(x, text);
    gr__text_add(out, "%s%s", text, text[strspn(text, "-0123456789")] ? "" : ".0");
}

static void put_whole(gr__text *out, const gr_tree *t)
{
    int64_t x;
    if (gr__tree_int(t, &x))
        gr__text_add(out, "%lld", (long long)x);
    else if (t->text[strspn(t->text, "0123456789")] == '\0' && t->text[0] != '0') /* beyond 63 bits */
        gr__text_add(out, "%s", t->text);
    else
        put_real(out, t->number);
}

void gr__tree_json(gr__text *out, const gr_tree *t)
{
    bool map = t->kind == GR_TREE_MAP;
    switch (t->kind) {
    case GR_TREE_NULL:
        gr__text_add(out, "null");
        break;
    case GR_TREE_BOOL:
        gr__text_add(out, t->truth ? "true" : "false");
        break;
    case GR_TREE_INT:
        put_whole(out, t);
        break;
    case GR_TREE_REAL:
        put_real(out, t->number);
        break;
    case GR_TREE_TEXT:
        gr__json_text(out, t->text);
        break;
    case GR_TREE_LIST:
    case GR_TREE_MAP:
        gr__text_put(out, map ? "{" : "[", 1);
        for (int i = 0; i < t->n; i++) {
            if (i) gr__text_put(out, ", ", 2);
            if (map) gr__json_text(out, t->key[i]);
            if (map) gr__text_put(out, ": ", 2);
            gr__tree_json(out, t->child[i]);
        }
        gr__text_put(out, map ? "}" : "]", 1);
        break;
    }
}

/* ---- reading ---- */

static void take_infinities(gr_tree *t)
{
    for (int i = 0; i < t->n; i++) take_infinities(t->child[i]);
    for (size_t i = 0; t->kind == GR_TREE_TEXT && i < GR_COUNT(infinities); i++) {
        if (strcmp(t->text, infinities[i]) != 0) continue;
        t->kind = GR_TREE_REAL;
        t->number = i == 2 ? (double)NAN : i ? -(double)INFINITY : (double)INFINITY;
    }
}

/* JSON is YAML too, but for what it is strict in: one reader serves both, so that a number means the same in both. */
gr_status gr__json_tree(gr_context *ctx, gr__bump *b, const char *path, const char *text, gr_tree **out)
{
    json_error_t error;
    bool json = text[0] == '{' || text[0] == '[';
    json_t *o = json ? json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error) : NULL;
    if (json && !o) return gr__fail(ctx, GR_E_FORMAT, "it is not JSON: %s", error.text);
    json_decref(o);
    gr_status st = gr__yaml_parse(ctx, b, path, text, strlen(text), out);
    if (st == GR_OK && json) take_infinities(*out);
    return st;
}
