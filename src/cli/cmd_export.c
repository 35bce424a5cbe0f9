/* gradus export: a model for other software. */
#include "base/file.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "exchange/exchange.h"
#include "exchange/quantize.h"

typedef struct options {
    const char *out;
    gr_export_options how;
} options;

static void tell(void *user, const char *what, int64_t done, int64_t all)
{
    cli_view_show(user, "%s: sample %lld of %lld", what, (long long)done + 1, (long long)all);
}

/* What codes of 8 bits came to. */
static void note_codes(gr_result *r, const gr_int8 *q)
{
    gr__result_put(r, "int8/products=%d int8/samples=%jd int8/judged=%jd", q->products, q->samples, q->judged);
    if (q->samples)
        gr__result_note(r, "%d products of codes of 8 bits, whose ranges %lld training samples told\n", q->products,
                        (long long)q->samples);
    else
        gr__result_note(r, "%d weights are the numbers that codes of 8 bits stand for, a scale an output\n",
                        q->products);
    if (q->judged == 0) return;
    gr__result_put(r, "int8/error_before=%g int8/error_after=%g", q->before, q->after);
    gr__result_note(r, "error on %lld samples: %.6g by floats, %.6g by codes\n", (long long)q->judged, q->before,
                    q->after);
}

static gr_status show(cli *c, const gr_model *m, const char *out, const gr_writer *w, const gr_int8 *q)
{
    gr_result *r = cli_result(c);
    gr__result_put(r, "model=%s file=%s format=%s tensors=%d", m->path, out, w->title, gr__st_count(m->file));
    gr__result_note(r, "%s: %s of %s, %d tensors\n", cli_shown(c, out), w->title, cli_shown(c, m->path),
                    gr__st_count(m->file));
    if (q) note_codes(r, q);
    return cli_show(c, r);
}

static gr_status run(cli *c)
{
    const options *o = c->options;
    gr_int8 quantized;
    cli_view v = cli_view_make(c->quiet || c->json);
    gr_export_options how = o->how;
    const gr_writer *w;
    gr_model m = {0};
    gr_status st = GR_OK;
    if (!o->out) {
        gr__fail(c->ctx, GR_E_USAGE, "export: where to? -o FILE is missing");
        gr__error_hint(c->ctx, "usage: gradus export MODEL -o net.onnx");
        return GR_E_USAGE;
    }
    GR_TRY(gr__writer_find(c->ctx, o->out, &w));
    GR_TRY(gr__writer_takes(c->ctx, w, &o->how));
    GR_TRY(gr__model_open(c->ctx, c->argument[0], &m));
    GR_TRY(cli_model_threads(c, m.recipe));
    how.quantized = &quantized;
    how.say = tell;
    how.user = &v;
    GR_TRY(w->write(c->ctx, &m, o->out, &how));
    st = show(c, &m, o->out, w, how.int8 ? &quantized : NULL);
done:
    cli_view_clear(&v);
    gr__model_close(&m);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "FILE", "the file to write; its suffix chooses the format", .letter = 'o'),
    CLI_OPTION(options, how.raw, SWITCH, "raw", NULL,
               "leave the preparation out: the network's own inputs come in; of safetensors, its metadata"),
    CLI_OPTION(options, how.softmax, SWITCH, "softmax", NULL,
               "give probabilities, as predict does, instead of what the last layer gives"),
    CLI_OPTION(options, how.int8, SWITCH, "int8", NULL,
               "of C source: weights and what they multiply as codes of 8 bits; of a model: weights that such codes "
               "stand for"),
    CLI_OPTION(options, how.calibrate, WHOLE, "calibrate", "N",
               "how many training samples tell the ranges of codes; 256 unless given", .low = 1, .high = 1000000),
};

GR_COMMAND(export) = {
    .name = "export",
    .place = 5,
    .usage = "MODEL -o FILE [--raw] [--softmax] [--int8 [--calibrate N]]",
    .summary = "Writes a model for other software",
    .help =
        "The suffix of FILE chooses the format; another one is refused:\n\n"
        "  .onnx         the network as it predicts, for ONNX Runtime and others: raw samples in, pictures as NCHW, "
        "logits out\n"
        "  .safetensors  the tensors under PyTorch's names and layouts, and the recipe and preparation as metadata;\n"
        "                with --int8 a model whose products have the weights that codes of 8 bits stand for\n"
        "  .npz          the same tensors as arrays of NumPy\n"
        "  .c            C source of the prediction of one sample, with its weights, and a header beside it;\n"
        "                with --int8 dense layers and convolutions are products of codes of 8 bits\n\n"
        "Two exports of a model are the same bytes. `gradus import` reads weights of other software.\n\n"
        "Example\n  gradus export runs/fashion/best.safetensors -o fashion.npz\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
