/* Rows of attention's blocks: from products to weights and back, compiled once an instruction set. */
#ifndef GR_CPU_ATTENTION_ROWS_H
#define GR_CPU_ATTENTION_ROWS_H

#include <stdint.h>

#include "backend/cpu/isa.h"

typedef struct gr__attention_rows {
    float (*largest)(const float *x, int64_t n, float scale); /* of scale x; NaN if any is; n >= 1 */
    /* x = exp(scale x - most), whose sum it gives; x[n .. width-1] become 0. */
    float (*exponentials)(float *x, int64_t n, int64_t width, float scale, float most);
    void (*scale)(float *to, const float *x, int64_t n, float by); /* to = x by */
    float (*dot)(const float *a, const float *b, int64_t n);
    /* s = exp(scale s - lse), and with that dp = s (dp - delta) scale; both 0 from n on. */
    void (*slopes)(float *s, float *dp, int64_t n, int64_t width, float scale, float lse, float delta);
    void (*drop)(float *x, const float *u, int64_t n, float below, float by); /* x = u < below ? 0 : x by */
} gr__attention_rows;

const gr__attention_rows *gr__attention_rows_get(gr__isa isa);

#endif
