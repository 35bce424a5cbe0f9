/* Codes of 8 bits for a model's products: of weights by their largest numbers, of what they multiply by what training
 * samples make of it; or of weights alone. */
#ifndef GR_EXCHANGE_QUANTIZE_H
#define GR_EXCHANGE_QUANTIZE_H

#include "backend/source/source.h"
#include "exchange/exchange.h"

/* What codes cost, told with the export. */
typedef struct gr_int8 {
    int products;         /* that are of codes */
    int64_t samples;      /* that told the ranges; 0: weights alone are codes */
    int64_t judged;       /* samples of the validation part, or of training where there is none; 0: none were */
    double before, after; /* the error of the first head on them, by floats and by codes */
} gr_int8;

/* The codes of every product that takes some, in b; of weights alone nothing is told but their names. GR_E_DATA and the
 * like where the recipe's data cannot be read. */
gr_status gr__quantize(gr_context *ctx, gr__bump *b, const gr_model *m, const gr_export_options *o, bool weights_alone,
                       gr__csource_codes **codes, int *n_codes, gr_int8 *told);

#endif
