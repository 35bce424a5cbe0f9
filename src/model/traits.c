/* gradus.traits: what a model holds of its training's samples, as JSON. */
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "model/model.h"

enum { MOST = 1 << 24 };

static size_t bytes_of(const gr_kept_traits *t)
{
    return sizeof *t->value * (size_t)(t->rows * t->n);
}

/* Least significant byte first. */
void gr__traits_json(gr__text *out, const gr_kept_traits *t, int n_inputs)
{
    gr__text_add(out, "{\"samples\": %lld, \"rows\": %lld, \"traits\": %lld, \"lengths\": [", (long long)t->samples,
                 (long long)t->rows, (long long)t->n);
    for (int i = 0; i < n_inputs; i++) gr__text_add(out, "%s%s", i ? ", " : "", t->length[i] ? "true" : "false");
    gr__text_add(out, "], \"float32\": \"");
    gr__base64_put(out, t->value, bytes_of(t));
    gr__text_add(out, "\"}");
}

/* 0: it is none. */
static int64_t whole(const json_t *o, const char *key, int64_t most)
{
    const json_t *x = json_object_get(o, key);
    int64_t n = json_is_integer(x) ? json_integer_value(x) : 0;
    return n <= most ? n : 0;
}

gr_status gr__traits_parse(gr_context *ctx, gr__bump *b, const json_t *o, int n_inputs, gr_kept_traits *out)
{
    gr_kept_traits t = {
        .samples = whole(o, "samples", INT64_MAX), .rows = whole(o, "rows", MOST), .n = whole(o, "traits", MOST)};
    const char *text = json_string_value(json_object_get(o, "float32"));
    const json_t *lengths = json_object_get(o, "lengths");
    bool sound = t.rows > 0 && t.n > 0 && t.rows <= MOST / t.n && t.samples >= t.rows && text &&
                 json_array_size(lengths) == (size_t)n_inputs && strlen(text) == (bytes_of(&t) + 2) / 3 * 4;
    float *value = sound ? gr__bump_alloc(b, bytes_of(&t)) : NULL;
    if (sound && !value) return gr__error_code(ctx);
    if (!sound || !gr__base64_take(text, value, bytes_of(&t)))
        return gr__fail(ctx, GR_E_FORMAT, "it is not as many numbers as it says");
    for (int i = 0; i < n_inputs; i++) t.length[i] = json_is_true(json_array_get(lengths, (size_t)i));
    t.value = value;
    *out = t;
    return GR_OK;
}
