/* Weights of other software, whatever the format: any bytes are refused as a file's fault, or every tensor gives as
 * many numbers as its shape says, each place once. */
#include <string.h>

#include "exchange/onnx_read.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct seen {
    int64_t count, sum;
} seen;

static void take(void *user, int64_t at, const double *x, size_t n)
{
    seen *s = user;
    double all = 0;
    for (size_t i = 0; i < n; i++) all += x[i];
    __asm__ volatile("" : : "m"(all)); /* the numbers are read */
    if (at < 0) abort();
    s->count += (int64_t)n;
    for (size_t i = 0; i < n; i++) s->sum += at + (int64_t)i;
}

static void look(gr_context *ctx, gr_foreign *f)
{
    if (f->n < 0 || !f->form) abort();
    for (int i = 0; i < f->n; i++) {
        const gr_foreign_tensor *t = &f->tensor[i];
        int64_t count = gr_shape_count(t->shape);
        seen s = {0};
        if (!t->name || !t->type || count < 0) abort();
        if (count > 1 << 20) continue; /* packed, it may be large without a fault */
        gr_status st = gr__foreign_read(f, i, take, &s);
        if (st == GR_OK && (s.count != count || s.sum != count * (count - 1) / 2)) abort();
        if (st != GR_OK && gr_status_exit_code(st) != 3) abort();
        gr_context_clear_error(ctx);
    }
    for (int i = 0; i < f->n_meta; i++)
        if (!f->meta[i].key || !f->meta[i].value) abort();
}

/* The recipe of a graph, or the first node that is no layer. */
static void read_graph(gr_context *ctx, gr_foreign *f)
{
    gr_names *names = NULL;
    gr__text t;
    gr__text_init(&t, ctx);
    gr_status st = gr__names_open(ctx, f->memory, NULL, &names);
    if (st == GR_OK) st = gr__onnx_recipe(f, names, &t);
    if (st == GR_OK && !t.n) abort();
    if (st != GR_OK && (gr_status_exit_code(st) != 3 || !gr_context_error(ctx)->message[0])) abort();
    if (names) gr__names_close(names);
    gr__text_free(&t);
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    char path[64];
    gr_foreign f = {0};
    if (gr_context_create(NULL, &ctx) != GR_OK) abort();
    int fd = memory_file(data, n, path);
    gr_status st = gr__foreign_open(ctx, path, &f);
    if (st == GR_OK && f.form == &gr__foreign_onnx) read_graph(ctx, &f);
    if (st == GR_OK)
        look(ctx, &f);
    else if (gr_status_exit_code(st) != 3 || !gr_context_error(ctx)->message[0])
        abort();
    gr__foreign_close(&f);
    close(fd);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
