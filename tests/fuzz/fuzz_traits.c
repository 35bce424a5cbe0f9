/* What a model file says of its training's samples: any text is refused, or gives figures that are written as they were
 * read and that drift is told from, whatever numbers they are. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/model.h"
#include "study/data/served.h"

enum { ROWS = 24, NUMBERS = 300, MOST_ROWS = 3000 };

/* Samples that the model is given: a row of a table, a picture, a text. */
static void serve(gr_context *ctx, gr__bump *b, const gr_kept_traits *kept, gr_shape shape, bool indices)
{
    static int32_t index[ROWS * NUMBERS];
    static float number[ROWS * NUMBERS];
    gr_set s = {.n = ROWS, .n_inputs = 1};
    gr_drift d;
    for (int i = 0; i < ROWS * NUMBERS; i++) index[i] = i % 7, number[i] = (float)(i % 11) / 4;
    s.field[0] = (gr_field){.name = "x",
                            .role = GR_FIELD_INPUT,
                            .sample = shape,
                            .element = indices ? GR_EL_I32 : GR_EL_F32,
                            .vocabulary = indices ? 7 : 0,
                            .data = indices ? (void *)index : (void *)number};
    gr_drift_side training = {.n = kept->samples, .kept = kept, .shape = {shape}}, serving = {.set = &s, .n = ROWS};
    gr_status st = gr__drift(ctx, b, &training, &serving, 0.01, 1, &d);
    if (st != gr__error_code(ctx) || (st != GR_OK && st != GR_E_FORMAT && st != GR_E_DATA)) abort();
    for (int64_t i = 0; st == GR_OK && i < d.n; i++)
        if (!(d.feature[i].is.p >= 0 && d.feature[i].is.p <= 1 && isfinite(d.feature[i].is.statistic))) abort();
    if (st == GR_OK && d.has_joint && !(d.joint.is.p > 0 && d.joint.is.p <= 1)) abort();
    gr_context_clear_error(ctx);
}

static void read_again(gr_context *ctx, gr__bump *b, const gr_kept_traits *t)
{
    gr__text text;
    gr_kept_traits again;
    gr__text_init(&text, ctx);
    gr__traits_json(&text, t, 1);
    json_t *o = json_loads(text.s, 0, NULL);
    if (!o || gr__traits_parse(ctx, b, o, 1, &again) != GR_OK) abort();
    if (again.samples != t->samples || again.rows != t->rows || again.n != t->n || again.length[0] != t->length[0] ||
        memcmp(again.value, t->value, sizeof *t->value * (size_t)(t->rows * t->n)) != 0)
        abort();
    json_decref(o);
    gr__text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    gr_kept_traits t = {0};
    json_t *o = json_loadb((const char *)data, n, 0, NULL);
    if (!o) return 0;
    if (gr_context_create(&(gr_context_options){.threads = 1}, &ctx) != GR_OK) abort();
    gr__bump *b = gr__bump_create(ctx);
    gr_status st = b ? gr__traits_parse(ctx, b, o, 1, &t) : GR_E_MEMORY;
    json_decref(o);
    if (st != gr__error_code(ctx) || (st != GR_OK && st != GR_E_FORMAT)) abort();
    if (st == GR_OK && t.rows <= MOST_ROWS) {
        read_again(ctx, b, &t);
        serve(ctx, b, &t, GR_SHAPE(3), false);
        serve(ctx, b, &t, GR_SHAPE(4, 4, 2), false);
        serve(ctx, b, &t, GR_SHAPE(NUMBERS), true);
    }
    gr__bump_destroy(b);
    if (gr__bookkeeping_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
