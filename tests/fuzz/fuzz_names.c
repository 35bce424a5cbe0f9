/* Files of names: any text is refused with its line, or gives every tensor a name or none. */
#include <string.h>

#include "exchange/foreign.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const gr_foreign_tensor tensors[] = {{.name = "c1.weight", .shape = {4, {2, 3, 4, 5}}},
                                                {.name = "a.b.c.d", .shape = {1, {3}}},
                                                {.name = "", .shape = {0}}};
    gr_context *ctx;
    char path[64];
    gr_names *names = NULL;
    if (gr_context_create(NULL, &ctx) != GR_OK) abort();
    gr__bump *b = gr__bump_create(ctx);
    int fd = memory_file(data, n, path);
    gr_status st = b ? gr__names_open(ctx, b, path, &names) : GR_E_MEMORY;
    for (size_t i = 0; i < GR_COUNT(tensors) && st == GR_OK; i++) {
        gr_named_as as;
        unsigned seen = 0;
        st = gr__names_of(names, &tensors[i], &as);
        for (int k = 0; st == GR_OK && as.turned && k < tensors[i].shape.rank; k++) seen |= 1u << as.axes[k];
        if (st == GR_OK && as.turned && seen != (1u << tensors[i].shape.rank) - 1) abort();
        if (st == GR_OK && as.name && strlen(as.name) > 2 * n + 100) abort();
    }
    if (st == GR_OK) st = gr__names_used(names);
    if (st != GR_OK && (gr_status_exit_code(st) != 3 || !gr_context_error(ctx)->message[0])) abort();
    if (names) gr__names_close(names);
    gr__bump_destroy(b);
    close(fd);
    if (gr__bookkeeping_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
