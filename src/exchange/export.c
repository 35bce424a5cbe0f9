/* Which writer a path's suffix asks for. */
#include <stdio.h>
#include <string.h>

#include "exchange/exchange.h"

static const char weights_alone[] = "it holds the weights, which are the same with and without";

static const char float_alone[] = "its numbers are float32; C source (.c) has codes, a model (.safetensors) what they "
                                  "stand for";
static const char no_ranges[] = "weights alone become codes, whose ranges are their own";

/* A line a format. */
static const gr_writer writers[] = {
    {".onnx", "ONNX", gr__export_onnx, NULL, NULL, float_alone, NULL},
    {".safetensors", "safetensors", gr__export_safetensors, NULL, weights_alone, NULL, no_ranges},
    {".npz", "NumPy's NPZ", gr__export_npz, weights_alone, weights_alone, float_alone, NULL},
    {".c", "C source", gr__export_c, NULL, "it gives what predict gives in any case", NULL, NULL},
};

static bool ends(const char *path, const char *suffix)
{
    size_t n = strlen(path), k = strlen(suffix);
    return n > k && strcmp(path + n - k, suffix) == 0;
}

gr_status gr__writer_find(gr_context *ctx, const char *path, const gr_writer **out)
{
    char all[100] = "";
    for (size_t i = 0; i < GR_COUNT(writers); i++) {
        size_t n = strlen(all);
        if (ends(path, writers[i].suffix)) {
            *out = &writers[i];
            return GR_OK;
        }
        snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", writers[i].suffix);
    }
    gr__fail(ctx, GR_E_USAGE, "out: \"%s\" does not end as a format that can be written", path);
    gr__error_hint(ctx, "the suffix chooses it: one of %s", all);
    return GR_E_USAGE;
}

gr_status gr__writer_takes(gr_context *ctx, const gr_writer *w, const gr_export_options *o)
{
    if (o->raw && w->no_raw)
        return gr__fail(ctx, GR_E_USAGE, "raw: it does nothing to a file %s: %s", w->suffix, w->no_raw);
    if (o->softmax && w->no_softmax)
        return gr__fail(ctx, GR_E_USAGE, "softmax: it does nothing to a file %s: %s", w->suffix, w->no_softmax);
    if (o->int8 && w->no_int8)
        return gr__fail(ctx, GR_E_USAGE, "int8: it does nothing to a file %s: %s", w->suffix, w->no_int8);
    if (o->calibrate && !o->int8) return gr__fail(ctx, GR_E_USAGE, "calibrate: it goes with --int8");
    if (o->calibrate && w->no_calibrate)
        return gr__fail(ctx, GR_E_USAGE, "calibrate: it does nothing to a file %s: %s", w->suffix, w->no_calibrate);
    return GR_OK;
}
