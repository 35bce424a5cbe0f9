/* Loops of packing and reading back, compiled once an instruction set; the bits are the same in each. */
#ifndef GR_CPU_PACKED_H
#define GR_CPU_PACKED_H

#include <stdint.h>

#include "backend/cpu/isa.h"
#include "graph/packed.h"

typedef struct gr__packed_loops {
    /* n numbers */
    void (*truth)(gr__test test, float than, const float *x, uint8_t *to, int64_t n);
    void (*index)(const int32_t *x, uint16_t *to, int64_t n);
    void (*from_index)(const uint16_t *from, int32_t *y, int64_t n);
    void (*bf16)(const float *x, uint16_t *to, int64_t n);
    void (*from_bf16)(const uint16_t *from, float *y, int64_t n);
    void (*f16)(const float *x, uint16_t *to, int64_t n);
    void (*from_f16)(const uint16_t *from, float *y, int64_t n);
    /* A group, with uniform numbers u; head: its least and its range. */
    void (*quantise)(const float *x, const float *u, int64_t n, int bits, float *head, uint8_t *codes);
    void (*restore)(const float *head, const uint8_t *codes, int64_t n, int bits, float *y);
} gr__packed_loops;

const gr__packed_loops *gr__packed_loops_get(gr__isa isa);

#endif
