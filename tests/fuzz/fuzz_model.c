/* Model files: recipe, preparation, names and counts of the metadata; the file as it is, and with the checksum that it
 * should have, so that what lies behind that is reached. */
#include <string.h>

#include "checksum.h"
#include "memory_file.h"
#include "model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_open(gr_context *ctx, const uint8_t *data, size_t n)
{
    char path[64];
    gr_model m = {0};
    int fd = memory_file(data, n, path);
    gr_status st = gr__model_open(ctx, path, &m);
    if (st == GR_OK && (!m.recipe || (m.meaning.classes[0] && !m.meaning.class_names[0]))) abort();
    if (st != gr__error_code(ctx) || st == GR_E_INTERNAL) abort();
    if (st != GR_OK && gr_status_exit_code(st) != 3 && st != GR_E_MEMORY) abort(); /* the file's fault, always */
    gr__model_close(&m);
    gr_context_clear_error(ctx);
    close(fd);
    if (gr__bookkeeping_bytes(ctx) != 0 || gr_context_bytes(ctx) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    uint8_t *copy = malloc(n + 1);
    if (!copy) return 0;
    memcpy(copy, data, n);
    if (gr_context_create(NULL, &ctx) != GR_OK) abort();
    try_open(ctx, data, n);
    mend(copy, n);
    if (memcmp(copy, data, n) != 0) try_open(ctx, copy, n);
    gr_context_destroy(ctx);
    free(copy);
    return 0;
}
