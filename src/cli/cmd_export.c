/* gradus export: a model for other software. */
#include "base/file.h"
#include "cli/source.h"
#include "exchange/exchange.h"

typedef struct options {
    const char *out;
    gr_export_options how;
} options;

static gr_status show(cli *c, const gr_model *m, const char *out, const gr_writer *w)
{
    gr_result *r = cli_result(c);
    gr__result_put(r, "model=%s file=%s format=%s tensors=%d", m->path, out, w->title, gr__st_count(m->file));
    gr__result_note(r, "%s: %s of %s, %d tensors\n", cli_shown(c, out), w->title, cli_shown(c, m->path),
                    gr__st_count(m->file));
    return cli_show(c, r);
}

static gr_status run(cli *c)
{
    const options *o = c->options;
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
    GR_TRY(w->write(c->ctx, &m, o->out, &o->how));
    st = show(c, &m, o->out, w);
done:
    gr__model_close(&m);
    return st;
}

static const cli_option rows[] = {
    CLI_OPTION(options, out, TEXT, "out", "FILE", "the file to write; its suffix chooses the format", .letter = 'o'),
    CLI_OPTION(options, how.raw, SWITCH, "raw", NULL,
               "leave the preparation out: the network's own inputs come in; of safetensors, its metadata"),
    CLI_OPTION(options, how.softmax, SWITCH, "softmax", NULL,
               "give probabilities, as predict does, instead of what the last layer gives"),
};

GR_COMMAND(export) = {
    .name = "export",
    .place = 9,
    .usage = "MODEL -o FILE [--raw] [--softmax]",
    .summary = "Writes a model for other software",
    .help =
        "The suffix of FILE chooses the format; another one is refused:\n\n"
        "  .safetensors  the tensors under PyTorch's names and layouts, and the recipe and preparation as metadata\n"
        "  .npz          the same tensors as arrays of NumPy\n"
        "  .c            C source of the prediction of one sample, with its weights, and a header beside it\n\n"
        "Two exports of a model are the same bytes. `gradus import` reads weights of other software.\n\n"
        "Example\n  gradus export runs/fashion/best.safetensors -o fashion.npz\n",
    CLI_OPTIONS(options, rows),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
