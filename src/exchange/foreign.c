/* Which format a file of weights is in; and numbers as files have them. */
#include "exchange/foreign.h"

#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/text.h"
#include "data/array/elements.h"
#include "data/array/npz.h"

static const char pickled[] =
    "a pickle runs whatever it holds, so it is never opened; in Python, where it comes from somebody you trust: "
    "safetensors.torch.save_file(net.state_dict(), \"weights.safetensors\"), or numpy.savez(\"weights.npz\", "
    "**{k: v.numpy() for k, v in net.state_dict().items()})";

static bool ends(const char *path, const char *suffix)
{
    size_t n = strlen(path), k = strlen(suffix);
    return n >= k && strcmp(path + n - k, suffix) == 0;
}

static gr_status refuse_pickle(gr_context *ctx, const char *path)
{
    gr__fail(ctx, GR_E_FORMAT, "it is a pickle, as torch.save writes models: it is not opened");
    gr__error_place(ctx, path, 0, 0, NULL);
    gr__error_hint(ctx, "%s", pickled);
    return GR_E_FORMAT;
}

/* PyTorch's files are ZIP archives of a pickle and blocks of numbers. */
static gr_status of_archive(gr_context *ctx, const gr__blob *zip, gr__bump *b, const char *path)
{
    const char *const *name;
    int n = 0;
    gr_status st = gr__npz_names(zip, b, &name, &n);
    for (int i = 0; i < n && st == GR_OK; i++)
        if (ends(name[i], ".pkl")) return refuse_pickle(ctx, path);
    return st;
}

/* A protocol is named in its first two bytes, but for the oldest, which are text. */
static bool is_pickle(const unsigned char *head, size_t n)
{
    static const char *const old[] = {"(dp", "(lp", "ccollections\n", "ctorch"};
    for (size_t i = 0; i < GR_COUNT(old); i++)
        if (n >= strlen(old[i]) && memcmp(head, old[i], strlen(old[i])) == 0) return true;
    return n >= 2 && head[0] == 0x80 && head[1] <= 5;
}

static gr_status find_form(gr_context *ctx, gr_foreign *f)
{
    unsigned char head[16] = {0};
    gr__blob file;
    gr_status st = gr__blob_open(ctx, f->path, &file);
    if (st != GR_OK) return st;
    size_t n = (size_t)GR_MIN(file.bytes, (uint64_t)sizeof head);
    st = gr__blob_read(&file, 0, head, n);
    if (st == GR_OK && is_pickle(head, n)) st = refuse_pickle(ctx, f->path);
    if (st == GR_OK && n > 8 && head[8] == '{')
        f->form = &gr__foreign_safetensors;
    else if (st == GR_OK && gr__npz_begins(head, n)) {
        st = of_archive(ctx, &file, f->memory, f->path);
        f->form = &gr__foreign_npz;
    } else if (st == GR_OK && (ends(f->path, ".onnx") || (n > 2 && head[0] == 8 && head[1] < 32)))
        f->form = &gr__foreign_onnx;
    gr__blob_close(&file);
    if (st == GR_OK && !f->form) {
        gr__fail(ctx, GR_E_FORMAT, "\"%s\" holds no weights in safetensors, NPZ or ONNX", f->path);
        st = gr__mistaken_model(ctx, f->path, GR_E_FORMAT);
    }
    return st;
}

gr_status gr__foreign_open(gr_context *ctx, const char *path, gr_foreign *out)
{
    *out = (gr_foreign){.ctx = ctx, .memory = gr__bump_create(ctx)};
    gr_status st = GR_E_MEMORY;
    if (out->memory && (out->path = gr__bump_strdup(out->memory, path))) st = find_form(ctx, out);
    if (st == GR_OK) st = out->form->open(out);
    if (st != GR_OK) gr__foreign_close(out);
    return st;
}

void gr__foreign_close(gr_foreign *f)
{
    if (!f->ctx) return;
    if (f->form && f->own) f->form->close(f);
    gr__bump_destroy(f->memory);
    *f = (gr_foreign){0};
}

gr_status gr__foreign_read(gr_foreign *f, int i, gr_foreign_take *take, void *user)
{
    const gr_foreign_tensor *t = &f->tensor[i];
    if (!t->real)
        return gr__fail(f->ctx, GR_E_DATA, "\"%s\": tensor \"%s\" is of %s, not of reals", f->path, t->name, t->type);
    return f->form->read(f, i, take, user);
}

/* ---- numbers ---- */

size_t gr__foreign_width(gr__foreign_type t)
{
    return t == GR__FOREIGN_F64 ? 8 : t == GR__FOREIGN_F32 ? 4 : 2;
}

void gr__foreign_decode(gr__foreign_type t, const void *raw, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t narrow;
        float single;
        if (t == GR__FOREIGN_F64) {
            memcpy(&out[i], (const char *)raw + 8 * i, 8);
        } else if (t == GR__FOREIGN_F32) {
            memcpy(&single, (const char *)raw + 4 * i, 4);
            out[i] = single;
        } else {
            memcpy(&narrow, (const char *)raw + 2 * i, 2);
            out[i] = (double)(t == GR__FOREIGN_F16 ? gr__f16_value(narrow) : gr__bf16_value(narrow));
        }
    }
}
