/* Zeros: what biases start from. */
#include <string.h>

#include "init/init.h"

static gr_status fill(gr_context *ctx, const gr_settings *s, const gr_init_target *t, double *values)
{
    (void)ctx, (void)s;
    memset(values, 0, sizeof *values * (size_t)t->count);
    return GR_OK;
}

GR_INIT(zeros) = {
    .head =
        {
            .family = "init",
            .name = "zeros",
            .title = "Zeros: what biases start from",
            .cite = "Glorot & Bengio 2010",
            .equations = "w = 0",
        },
    .fill = fill,
};
