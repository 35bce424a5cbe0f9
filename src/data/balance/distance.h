/* Distances of a sample to sixteen that stand side by side, for each instruction set the same bits. Private to
 * neighbours.c. */
#ifndef GR_DATA_BALANCE_DISTANCE_H
#define GR_DATA_BALANCE_DISTANCE_H

#include <stdint.h>

enum { GR__SIDE = 16 };

/* out[b] = sum over e of (q[e] - side[16 e + b])^2, in the order of e; side and out aligned to 64. Given up, whatever
 * out holds then, once all are at least `enough`: returns how many numbers were taken. */
typedef int64_t (*gr__distances_fn)(const double *q, const double *side, int64_t n, double enough, double *out);

int64_t gr__distances_baseline(const double *q, const double *side, int64_t n, double enough, double *out);
int64_t gr__distances_avx2(const double *q, const double *side, int64_t n, double enough, double *out);
int64_t gr__distances_avx512(const double *q, const double *side, int64_t n, double enough, double *out);

#endif
