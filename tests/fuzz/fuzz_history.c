/* metrics.jsonl: any bytes are refused with a line, or give columns that can be read. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "train/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    gr_context *ctx;
    gr_history h = {0};
    if (gr_context_create(NULL, &ctx) != GR_OK) return 0;
    gr_status st = gr__history_parse(ctx, "fuzz", (const char *)data, n, &h);
    if (st == GR_OK) {
        size_t numbers = 0;
        if (h.n_columns > GR_HISTORY_COLUMNS || h.n > n) abort();
        for (int i = 0; i < h.n_columns; i++) {
            const double *x = gr__history_column(&h, h.name[i]);
            if (!x) abort();
            for (size_t k = 0; k < h.n; k++) numbers += isfinite(x[k]);
        }
        if (numbers > n) abort(); /* each takes a byte at least */
    } else if (st != GR_E_FORMAT || gr_context_error(ctx)->line < 1) {
        abort();
    }
    gr__history_free(&h);
    if (gr__bookkeeping_bytes(ctx) != 0) abort();
    gr_context_destroy(ctx);
    return 0;
}
