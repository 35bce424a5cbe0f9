/* The kernels of the instruction set that was chosen. */
#include "study/baseline/rows.h"

#include "backend/cpu/isa.h"

const gr__rows_kernels *gr__rows_kernels_chosen(void)
{
#if defined __x86_64__
    switch (gr__isa_chosen()) {
    case GR__ISA_AVX512:
        return &gr__rows_kernels_avx512;
    case GR__ISA_AVX2:
        return &gr__rows_kernels_avx2;
    case GR__ISA_BASELINE:
    case GR__ISA_COUNT:
        break;
    }
#endif
    return &gr__rows_kernels_baseline;
}
