/* A vector's lanes are samples, so that each sum has the order that it would have alone, and no operation is fused with
 * another: instruction sets differ in speed alone. */
#include "data/balance/distance.h"

#include <math.h>
#include <string.h>

#include "backend/cpu/isa.h"

#if defined GR_ISA_AVX512
enum { LANES = 8 };
#elif defined GR_ISA_AVX2
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif
enum { VECTORS = GR__SIDE / LANES, STEP = 64 }; /* STEP: numbers between two looks at whether it can still matter */

typedef double vec __attribute__((vector_size(LANES * sizeof(double))));

int64_t GR_ISA_FN(gr__distances)(const double *q, const double *side, int64_t n, double enough, double *out)
{
    vec sum[VECTORS];
    memset(sum, 0, sizeof sum);
    int64_t e = 0;
    while (e < n) {
        int64_t end = e + STEP < n ? e + STEP : n;
        for (; e < end; e++) {
            const vec *y = (const vec *)(const void *)(side + e * GR__SIDE);
            for (int i = 0; i < VECTORS; i++) {
                vec d = q[e] - y[i];
                sum[i] += d * d;
            }
        }
        double least = INFINITY;
        for (int i = 0; i < GR__SIDE; i++) {
            double s = sum[i / LANES][i % LANES];
            least = s < least ? s : least;
        }
        if (least >= enough) break;
    }
    memcpy(out, sum, sizeof sum);
    return e;
}
