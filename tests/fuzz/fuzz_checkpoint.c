/* Checkpoints: any bytes, with the checksum that they should have, are refused with one error or fill the store of a
 * small network; what is refused leaves the store as it was. */
#include <string.h>

#include "checksum.h"
#include "memory_file.h"
#include "model/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char recipe[] = "data: {train: {type: npy, inputs: x.npy, targets: y.npy}}\n"
                             "model: {input: [2], layers: [{type: dense, units: 2, name: a}]}\nseed: 5\n";

static void apply(gr_context *ctx, const char *path, gr_store *store)
{
    gr_st *st = NULL;
    const gr_entry *e = gr_store_find(store, "a.weight");
    float before[4];
    memcpy(before, e->data, sizeof before);
    gr_status status = gr__checkpoint_read(ctx, path, &st);
    if (status == GR_OK) status = gr__checkpoint_apply(ctx, st, path, store);
    if (status != gr__error_code(ctx) || status == GR_E_INTERNAL) abort();
    if (status != GR_OK && memcmp(before, e->data, sizeof before) != 0) abort();
    gr__st_close(st);
    gr_context_clear_error(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[64];
    gr_context *ctx;
    gr_recipe *r = NULL;
    gr_network *network = NULL;
    gr_store *store = NULL;
    uint8_t *copy = malloc(n + 1);
    if (!copy || gr_context_create(&(gr_context_options){.threads = 1}, &ctx) != GR_OK) abort();
    memcpy(copy, data, n);
    mend(copy, n);
    if (gr__recipe_from_text(ctx, "r", "/", recipe, strlen(recipe), NULL, 0, &r) != GR_OK ||
        gr__network_make(ctx, r, NULL, &network) != GR_OK ||
        gr_store_create(ctx, gr_backend_get("cpu"), &store) != GR_OK || gr__network_declare(network, store) != GR_OK ||
        gr_store_seal(store) != GR_OK)
        abort();
    int fd = memory_file(copy, n, path);
    apply(ctx, path, store);
    close(fd);
    gr_store_destroy(store);
    gr__network_destroy(network);
    gr__recipe_close(ctx, r);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    free(copy);
    return 0;
}
